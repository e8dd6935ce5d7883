//! Whether a written number is near enough to the right one, in exact rational arithmetic: 46 against 45.8 ± 0.2 is
//! right, and so is 1e-20 against 1e-20 ± 1e-24. No binary float is involved anywhere.
//!
//! What is accepted as a number is declared by [`Forms`]; what is near enough by [`Tolerance`]; units with their
//! factors by [`Unit`]. Texts are bounded in length and exponent, so hostile ones cost nothing.

use std::fmt;

use num_bigint::BigInt;
use num_rational::BigRational;

use super::folding::Step;
pub use crate::bank::numeric::Forms;
use crate::{
    bank::numeric::{Margin, Numeric},
    glyphs::{bare, is_invisible, twin, usual_width},
};

/// Characters that a written number may have at most.
const LONGEST: usize = 128;
/// Decimals up to which a number is shown as one.
const DECIMALS: usize = 30;
/// The largest power of ten, up or down.
const EXPONENT: i32 = 400;

/// An exact number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Number(BigRational);

/// How far from the right number is still right. Bounds belong to the right side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tolerance {
    /// The same number.
    Exact,
    /// |x − a| ≤ t.
    Absolute(Number),
    /// |x − a| ≤ t·|a|.
    Relative(Number),
    /// a/(1 + t) ≤ x ≤ a·(1 + t), with both bounds mirrored for a negative a (Moodle's geometric).
    Geometric(Number),
    /// Both agree after rounding to that many significant digits, halves away from zero (QTI `significantFigures`).
    SignificantDigits(u8),
}

/// A unit that may follow the number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// How it is written; case matters (`mW` is not `MW`), white space does not.
    pub name: String,
    /// What a number in this unit is multiplied by to compare with the right number.
    pub factor: Number,
}

/// What is right, and how near is near enough.
#[derive(Clone, Debug)]
pub struct NumericKey {
    /// The right number.
    pub answer: Number,
    /// How far from it is still right.
    pub tolerance: Tolerance,
    /// How a number may be written.
    pub forms: Forms,
    /// The units that may follow; none means that nothing may follow.
    pub units: Vec<Unit>,
    /// Whether one of the units must follow.
    pub unit_required: bool,
}

impl Number {
    /// Reads a number; `None` for whatever is none by these forms.
    ///
    /// ```
    /// use assessd::scoring::numeric::{Forms, Number};
    /// let read = |text| Number::parse(text, Forms::ALL);
    /// assert_eq!(read("１，２３４．５"), read("1234.5"));
    /// assert_eq!(read("5e3"), read("5000"));
    /// assert_eq!(read("1 1/2"), read("150%"));
    /// assert_eq!(read("12,34"), None);
    /// ```
    pub fn parse(text: &str, forms: Forms) -> Option<Self> {
        if is_too_long(text) {
            return None;
        }
        let folded = plain(text, forms);
        let text = folded.trim();
        let (text, percent) = match text.strip_suffix('%') {
            Some(rest) if forms.percent => (rest.trim_end(), true),
            _ => (text, false),
        };
        let value = match (text.chars().next_back().and_then(vulgar), text.split_once('/')) {
            (Some(ratio), _) if forms.fraction => mixed(text, ratio)?,
            (None, Some((above, below))) if forms.fraction => {
                ratio_of(above.trim_end(), below.trim_start(), forms)?
            }
            _ => signed(text, forms)?,
        };
        Some(Self(if percent { value / power_of_ten(2)? } else { value }))
    }

    /// This as so many percent.
    #[must_use]
    pub fn hundredfold(&self) -> Self {
        Self(&self.0 * BigRational::from_integer(BigInt::from(100)))
    }

    /// This and one.
    #[must_use]
    pub fn one_more(&self) -> Self {
        Self(&self.0 + one())
    }

    /// What had to be folded to read a number from these characters.
    pub fn folded(text: &str, forms: Forms) -> Vec<Step> {
        let shown = || text.chars().filter(|c| !is_invisible(*c));
        let found = [
            (Step::Invisible, text.chars().any(is_invisible)),
            (Step::Width, forms.full_width && shown().any(|c| usual_width(c) != c)),
            (Step::Twins, shown().any(|c| c == '\u{2212}' || (forms.look_alikes && twin(c) == Some("-")))),
        ];
        found.into_iter().filter(|(_, found)| *found).map(|(step, _)| step).collect()
    }

    /// Below 0.
    pub fn is_negative(&self) -> bool {
        self.0 < zero()
    }

    /// Above 0.
    pub fn is_positive(&self) -> bool {
        self.0 > zero()
    }

    fn magnitude(&self) -> BigRational {
        if self.0 < zero() { -self.0.clone() } else { self.0.clone() }
    }
}

impl fmt::Display for Number {
    /// `46.5` where a decimal ends soon, else a fraction such as `1/3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ten = BigInt::from(10);
        let mut above = self.0.clone();
        for decimals in 0..=DECIMALS {
            if above.is_integer() {
                let digits = above.numer().magnitude().to_string();
                let digits = format!("{digits:0>width$}", width = decimals + 1);
                let (whole, rest) = digits.split_at(digits.len() - decimals);
                let sign = if self.is_negative() { "-" } else { "" };
                return match rest {
                    "" => write!(f, "{sign}{whole}"),
                    rest => write!(f, "{sign}{whole}.{rest}"),
                };
            }
            above *= &ten;
        }
        write!(f, "{}", self.0)
    }
}

impl Tolerance {
    /// Whether `given` is near enough to `answer`. A negative tolerance admits nothing.
    pub fn admits(&self, answer: &Number, given: &Number) -> bool {
        let distance = Number(&given.0 - &answer.0).magnitude();
        match self {
            Self::Exact => given == answer,
            Self::Absolute(t) => distance <= t.0,
            Self::Relative(t) => distance <= &t.0 * answer.magnitude(),
            Self::Geometric(t) => {
                let factor = one() + &t.0;
                if factor < one() || (given.0 < zero()) != (answer.0 < zero()) {
                    return given == answer && factor >= one();
                }
                let (given, answer) = (given.magnitude(), answer.magnitude());
                answer <= &given * &factor && given <= answer * factor
            }
            Self::SignificantDigits(digits) => {
                significant(&answer.0, *digits).is_some_and(|a| significant(&given.0, *digits) == Some(a))
            }
        }
    }
}

impl NumericKey {
    /// The key of a question, its texts read; an error in words where one of them is no number.
    pub fn new(numeric: &Numeric) -> Result<Self, String> {
        let read = |text: &str| {
            Number::parse(text, Forms::ALL)
                .ok_or_else(|| format!("has {text:?} in its key, which is no number"))
        };
        let unit = |unit: &crate::bank::numeric::NamedUnit| {
            let factor = if unit.factor.is_empty() { Number(one()) } else { read(&unit.factor)? };
            Ok(Unit { name: unit.name.clone(), factor })
        };
        Ok(Self {
            answer: read(&numeric.value)?,
            tolerance: match &numeric.margin {
                Margin::Exact => Tolerance::Exact,
                Margin::Absolute(t) => Tolerance::Absolute(read(t)?),
                Margin::Relative(t) => Tolerance::Relative(read(t)?),
                Margin::Geometric(t) => Tolerance::Geometric(read(t)?),
                Margin::SignificantDigits(digits) => Tolerance::SignificantDigits(*digits),
            },
            forms: numeric.forms,
            units: numeric.units.iter().map(unit).collect::<Result<_, String>>()?,
            unit_required: numeric.unit_required,
        })
    }

    /// Roughly how many bytes this takes, for a bounded cache.
    pub fn weight(&self) -> usize {
        // The numbers of a key have at most 64 characters, so two dozen bytes a part and some for their vectors.
        size_of::<Self>()
            + 256
            + self.units.iter().map(|u| size_of::<Unit>() + u.name.len() + 128).sum::<usize>()
    }

    /// Ways to write the right number, as the forms and units allow or not: as a decimal or a fraction, with an exponent,
    /// and as the nearest decimal of many digits, each also in every unit.
    pub fn writings(&self) -> Vec<String> {
        let mut all = write(&self.answer);
        for unit in &self.units {
            let own = Number(&self.answer.0 / &unit.factor.0);
            all.extend(write(&own).into_iter().map(|text| format!("{text} {}", unit.name)));
        }
        all
    }

    /// Whether a written answer is right.
    pub fn admits(&self, text: &str) -> bool {
        self.read(text).is_some_and(|given| self.tolerance.admits(&self.answer, &given))
    }

    /// The number that was written, brought to the unit of the right one; `None` for whatever is none.
    pub fn read(&self, text: &str) -> Option<Number> {
        if is_too_long(text) {
            return None;
        }
        if !self.unit_required
            && let Some(plain) = Number::parse(text, self.forms)
        {
            return Some(plain);
        }
        let squeeze = |text: &str| bare(text, self.forms.look_alikes);
        let written = text.trim_end_matches(|c: char| c.is_whitespace() || is_invisible(c));
        self.units.iter().find_map(|unit| {
            let name = squeeze(&unit.name);
            // The number ends where what follows is the unit, spaces aside.
            let cut = written.char_indices().map(|(at, _)| at).find(|at| squeeze(&written[*at..]) == name)?;
            let number = Number::parse(&written[..cut], self.forms)?;
            Some(Number(number.0 * &unit.factor.0)).filter(|_| !name.is_empty())
        })
    }
}

fn write(number: &Number) -> Vec<String> {
    let mut all = vec![number.to_string()];
    let digits = 40;
    if let Some(near) = significant(&number.0, digits) {
        let near = Number(near);
        let power = power_of_ten(DECIMALS as i32).unwrap_or_else(one);
        all.push(Number((&number.0 * &power).round() / power).to_string());
        all.extend(with_exponent(&near));
    }
    all
}

/// `12345e-7`: digits and a power of ten; `None` where the number does not end.
fn with_exponent(number: &Number) -> Option<String> {
    let ten = BigRational::from_integer(BigInt::from(10));
    let (mut value, mut exponent) = (number.0.clone(), 0);
    while !value.is_integer() && exponent > -(EXPONENT + LONGEST as i32) {
        (value, exponent) = (value * &ten, exponent - 1);
    }
    while value != zero() && value.is_integer() && exponent < EXPONENT {
        let shorter = &value / &ten;
        if !shorter.is_integer() {
            break;
        }
        (value, exponent) = (shorter, exponent + 1);
    }
    value.is_integer().then(|| format!("{}e{exponent}", value.to_integer()))
}

fn is_too_long(text: &str) -> bool {
    text.len() > 4 * LONGEST || text.chars().count() > LONGEST
}

fn zero() -> BigRational {
    BigRational::from_integer(BigInt::from(0))
}

fn one() -> BigRational {
    BigRational::from_integer(BigInt::from(1))
}

fn power_of_ten(exponent: i32) -> Option<BigRational> {
    (exponent.abs() <= EXPONENT + 2 * LONGEST as i32)
        .then(|| BigRational::from_integer(BigInt::from(10)).pow(exponent))
}

/// A written number without what shows nothing, in its usual width, its signs and its bar of fraction as ASCII writes
/// them. The minus sign is always one; what only looks like it is one by a switch.
fn plain(text: &str, forms: Forms) -> String {
    let dash = |c: char| c == '\u{2212}' || (forms.look_alikes && twin(c) == Some("-"));
    let one = |c: char| match c {
        c if dash(c) => '-',
        '\u{2044}' | '\u{2215}' => '/',
        c if forms.full_width => usual_width(c),
        c => c,
    };
    text.chars().filter(|c| !is_invisible(*c)).map(one).collect()
}

/// A sign, which may stand apart from its number, and what follows it.
fn sign_of(text: &str) -> (BigRational, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (-one(), rest.trim_start()),
        None => (one(), text.strip_prefix('+').map_or(text, str::trim_start)),
    }
}

fn signed(text: &str, forms: Forms) -> Option<BigRational> {
    let (sign, rest) = sign_of(text);
    unsigned(rest, forms).map(|v| sign * v)
}

/// `3/4`, and `-1 3/4` with whole digits before.
fn ratio_of(above: &str, below: &str, forms: Forms) -> Option<BigRational> {
    let (sign, above) = sign_of(above);
    let below = unsigned(below, forms).filter(|v| *v != zero())?;
    let above = match above.split_once(char::is_whitespace) {
        Some((whole, rest)) if digits(whole) => {
            unsigned(whole, forms)? * &below + unsigned(rest.trim_start(), forms)?
        }
        _ => unsigned(above, forms)?,
    };
    Some(sign * above / below)
}

/// `½`, and `-1½` or `1 ½` with whole digits before; the last character is the fraction.
fn mixed(text: &str, ratio: BigRational) -> Option<BigRational> {
    let (sign, rest) = sign_of(text);
    let glyph = rest.chars().next_back()?.len_utf8();
    let whole = rest[..rest.len() - glyph].trim_end();
    let whole = match whole {
        "" => zero(),
        whole if digits(whole) => unsigned(whole, Forms::PLAIN)?,
        _ => return None,
    };
    Some(sign * (whole + ratio))
}

/// The fraction that is one character.
fn vulgar(c: char) -> Option<BigRational> {
    let (above, below) = match c {
        '¼' => (1, 4),
        '½' => (1, 2),
        '¾' => (3, 4),
        '⅐' => (1, 7),
        '⅑' => (1, 9),
        '⅒' => (1, 10),
        '⅓' => (1, 3),
        '⅔' => (2, 3),
        '⅕' => (1, 5),
        '⅖' => (2, 5),
        '⅗' => (3, 5),
        '⅘' => (4, 5),
        '⅙' => (1, 6),
        '⅚' => (5, 6),
        '⅛' => (1, 8),
        '⅜' => (3, 8),
        '⅝' => (5, 8),
        '⅞' => (7, 8),
        '↉' => (0, 3),
        _ => return None,
    };
    Some(BigRational::new(BigInt::from(above), BigInt::from(below)))
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// `12`, `12.5`, `.5`, `12.`, `1,234.5` and `5e-3` without a sign.
fn unsigned(text: &str, forms: Forms) -> Option<BigRational> {
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, power)) if forms.exponent => {
            let plain = power.strip_prefix(['+', '-']).unwrap_or(power);
            let power: i32 = if digits(plain) { power.parse().ok()? } else { return None };
            (number, if power.abs() <= EXPONENT { power } else { return None })
        }
        _ => (text, 0),
    };
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    let whole = if forms.thousands && whole.contains(',') { ungrouped(whole)? } else { whole.to_owned() };
    let all = format!("{whole}{decimals}");
    if !digits(&all) {
        return None;
    }
    let mantissa = BigInt::parse_bytes(all.as_bytes(), 10)?;
    Some(BigRational::from_integer(mantissa) * power_of_ten(exponent - decimals.len() as i32)?)
}

/// Without its commas, where they stand before every third digit: one to three digits, then groups of three.
fn ungrouped(text: &str) -> Option<String> {
    let mut groups = text.split(',');
    let first = groups.next().filter(|g| digits(g) && g.len() <= 3)?;
    let rest: Option<Vec<&str>> = groups.map(|g| Some(g).filter(|g| digits(g) && g.len() == 3)).collect();
    Some(format!("{first}{}", rest?.concat()))
}

/// Rounded to that many significant digits, halves away from zero; 0 stays 0.
fn significant(value: &BigRational, count: u8) -> Option<BigRational> {
    let size = Number(value.clone()).magnitude();
    if size == zero() || count == 0 {
        return (count > 0).then(zero);
    }
    // The exponent of the first digit: from the lengths of both parts, then at most one step of correction.
    let length = |n: &BigInt| n.magnitude().to_string().len() as i32;
    let mut exponent = length(size.numer()) - length(size.denom());
    if size < power_of_ten(exponent)? {
        exponent -= 1;
    }
    let unit = power_of_ten(exponent + 1 - i32::from(count))?;
    Some((value / &unit).round() * unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn n(text: &str) -> Number {
        Number::parse(text, Forms::ALL).unwrap()
    }

    fn key(answer: &str, tolerance: Tolerance) -> NumericKey {
        NumericKey { answer: n(answer), tolerance, forms: Forms::ALL, units: vec![], unit_required: false }
    }

    #[test]
    fn no_binary_floats() {
        let near = key("45.8", Tolerance::Absolute(n("0.2")));
        assert!(near.admits("46"));
        assert!(near.admits("45.6"));
        assert!(!near.admits("46.00000000000000000000000000000001"));
        assert!(key("0.3", Tolerance::Exact).admits("3/10"));
        assert!(!key("1/3", Tolerance::Exact).admits("0.3333333333333333333333333333333333333"));
    }

    #[test]
    fn forms_are_switches() {
        let table = [
            ("1,234.5", "1234.5", Forms { thousands: true, ..Forms::PLAIN }),
            ("１２３", "123", Forms { full_width: true, ..Forms::PLAIN }),
            ("5e3", "5000", Forms { exponent: true, ..Forms::PLAIN }),
            ("2.5E-3", "0.0025", Forms { exponent: true, ..Forms::PLAIN }),
            ("1/2", "0.5", Forms { fraction: true, ..Forms::PLAIN }),
            ("-1 1/2", "-1.5", Forms { fraction: true, ..Forms::PLAIN }),
            ("50%", "0.5", Forms { percent: true, ..Forms::PLAIN }),
            ("½", "0.5", Forms { fraction: true, ..Forms::PLAIN }),
            ("1½", "1.5", Forms { fraction: true, ..Forms::PLAIN }),
            ("-1 ½", "-1.5", Forms { fraction: true, ..Forms::PLAIN }),
            ("1⁄2", "0.5", Forms { fraction: true, ..Forms::PLAIN }),
            ("1 1⁄2", "1.5", Forms { fraction: true, ..Forms::PLAIN }),
            ("11∕2", "5.5", Forms { fraction: true, ..Forms::PLAIN }),
            ("–5", "-5", Forms { look_alikes: true, ..Forms::PLAIN }),
            ("—5", "-5", Forms { look_alikes: true, ..Forms::PLAIN }),
        ];
        for (text, value, forms) in table {
            assert_eq!(Number::parse(text, forms), Some(n(value)), "{text}");
            assert_eq!(Number::parse(text, Forms::PLAIN), None, "{text}");
        }
        for plain in ["7", " -7 ", "+7", ".5", "5.", "−7", "- 7", "− 7", "\u{200b}7\u{3164}", "007"] {
            assert!(Number::parse(plain, Forms::PLAIN).is_some(), "{plain}");
        }
        let long = "9".repeat(200);
        for none in [
            "",
            "-",
            ".",
            "1,23",
            "1,2345",
            ",123",
            "1.2.3",
            "1e",
            "e5",
            "1e999999999",
            "1/0",
            "--1",
            "½1",
            "1.5½",
            "½½",
            "½/2",
            "5²",
            "⑤②",
            "①",
            "𝟓",
            "٥",
            "- -5",
            "abc",
            "1 2",
            &long,
        ] {
            assert_eq!(Number::parse(none, Forms::ALL), None, "{none}");
        }
    }

    #[test]
    fn numbers_are_shown_exactly() {
        for (text, shown) in [
            ("46", "46"),
            ("046.50", "46.5"),
            ("-0.05", "-0.05"),
            ("1/8", "0.125"),
            ("-1/3", "-1/3"),
            ("5e3", "5000"),
            ("0", "0"),
            ("1e-31", "1/10000000000000000000000000000000"),
        ] {
            assert_eq!(n(text).to_string(), shown);
            assert_eq!(n(shown), n(text));
        }
    }

    #[test]
    fn significant_digits_round_both() {
        let three = |answer: &str, given: &str| key(answer, Tolerance::SignificantDigits(3)).admits(given);
        assert!(three("3.14159", "3.14"));
        assert!(!three("3.14159", "3.15"));
        assert!(three("1234", "1230"));
        assert!(three("0.0012345", "0.00123"));
        assert!(three("999.6", "1000"));
        assert!(three("-2.345", "-2.35"));
        assert!(three("0", "0"));
        assert!(!three("0", "0.001"));
    }

    #[test]
    fn units_carry_factors() {
        let unit = |name: &str, factor: &str| Unit { name: name.into(), factor: n(factor) };
        let units = vec![unit("km", "1"), unit("m", "0.001"), unit("公里", "1"), unit("km / h", "2")];
        let length = NumericKey { units, ..key("5", Tolerance::Exact) };
        for right in ["5", "5 km", "5000m", "５０００ｍ", "5公里", "2.5 km/h"] {
            assert!(length.admits(right), "{right}");
        }
        for wrong in ["5 m", "5 KM", "5 miles", "km", "m 5000"] {
            assert!(!length.admits(wrong), "{wrong}");
        }
        let unit = |name: &str| NumericKey { units: vec![unit(name, "1")], ..key("5", Tolerance::Exact) };
        for (name, given) in [
            ("N·m", "5 N⋅m"),
            ("N·m", "5N•m"),
            ("㎡", "5m²"),
            ("℃", "5 °C"),
            ("µm", "5 μm"),
            ("km/h", "5\u{200b} km / h\u{ad}"),
        ] {
            assert!(unit(name).admits(given), "{name} {given}");
        }
        for (name, given) in [("m²", "5 m2"), ("m2", "5 m²"), ("m2", "5 m②")] {
            assert!(!unit(name).admits(given), "{name} {given}");
        }
        let strict = NumericKey { forms: Forms { look_alikes: false, ..Forms::ALL }, ..unit("N·m") };
        assert!(!strict.admits("5 N⋅m") && strict.admits("5 N·m"));
        let narrow = NumericKey { forms: Forms::PLAIN, ..length.clone() };
        assert!(narrow.admits("5 ｋｍ") && !narrow.admits("５ km"));
        let strict = NumericKey { unit_required: true, ..length };
        assert!(strict.admits("5 km") && !strict.admits("5"));
    }

    /// Moodle's own cases (third-party data, not in the repository).
    #[test]
    fn published_cases() {
        let path =
            concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/scoring/numeric_tolerance_cases.json");
        let Ok(text) = std::fs::read_to_string(path) else {
            return eprintln!("SKIPPED: no {path}");
        };
        let data: serde_json::Value = serde_json::from_str(&text).unwrap();
        let mut seen = 0;
        for group in data["groups"].as_array().unwrap() {
            let answer = n(&group["answer"].to_string());
            let tolerance = match (group["type"].as_str().unwrap(), &group["tol"]) {
                (_, serde_json::Value::Null) => Tolerance::Exact,
                ("nominal", t) => Tolerance::Absolute(n(&t.to_string())),
                ("relative", t) => Tolerance::Relative(n(&t.to_string())),
                ("geometric", t) => Tolerance::Geometric(n(&t.to_string())),
                (other, _) => panic!("a case of {other}"),
            };
            for case in group["cases"].as_array().unwrap() {
                let given = n(&case[0].to_string());
                assert_eq!(tolerance.admits(&answer, &given), case[1].as_bool().unwrap(), "{group}: {case}");
                seen += 1;
            }
        }
        assert!(seen > 30, "{seen} cases");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[0-9.,eE/%+\\-– ½⅓²⁄１ \u{200b}]{0,20}", other in ".{0,30}") {
            for text in [text, other] {
                let read = Number::parse(&text, Forms::ALL);
                let exact = NumericKey { units: vec![Unit { name: "m".into(), factor: n("2") }], ..key("1", Tolerance::Exact) };
                exact.admits(&text);
                if let Some(number) = read {
                    for tolerance in [Tolerance::Exact, Tolerance::Absolute(n("0")), Tolerance::Relative(n("0")),
                                      Tolerance::Geometric(n("0")), Tolerance::SignificantDigits(4)] {
                        prop_assert!(tolerance.admits(&number, &number), "{:?}", tolerance);
                    }
                }
            }
        }

        #[test]
        fn decimals_are_read_as_written(mantissa in any::<i32>(), scale in 0u32..9) {
            let text = rust_decimal::Decimal::new(i64::from(mantissa), scale).to_string();
            let value = BigRational::new(BigInt::from(mantissa), BigInt::from(10).pow(scale));
            prop_assert_eq!(n(&text), Number(value));
        }
    }
}
