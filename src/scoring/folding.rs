//! How a text is folded before it is compared: both sides alike, so that whatever is equal after folding is equal.
//!
//! Always: characters that show nothing go, widths are the usual ones, accents are composed (NFC). By switches (see
//! [`TextMatching`]): typographic twins, case, white space, the punctuation at the ends, traditional characters. Folding
//! is idempotent, and it never makes two different numbers one: what is beside a digit and may belong to a number stays.
//! Compatibility forms (NFKC) are not folded: `10²` is not `102`.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use super::simplified::simplified;
use crate::{
    bank::content::TextMatching,
    glyphs::{fold_case, is_invisible, join_twins, twin, usual_width},
};

/// Folded characters beyond which no text matches, wildcards or not.
pub(crate) const LONGEST: usize = 65_536;
/// Stands for `*` in a folded pattern: a noncharacter, which no honest text holds.
pub(super) const ANY: char = '\u{FDD0}';
/// Characters of punctuation at the ends, and of growth in folding case, that are let through beyond the limit.
const SLACK: usize = 256;

/// One thing that folding does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Characters that show nothing go.
    Invisible,
    /// Full-width and half-width forms take their usual width.
    Width,
    /// Base characters and their marks are composed (NFC).
    Composition,
    /// Typographic twins take their plain form.
    Twins,
    /// Upper and lower case are one.
    Case,
    /// Traditional characters take their simplified form.
    Traditional,
    /// White space that says nothing goes.
    Space,
    /// Punctuation at the ends goes.
    Punctuation,
}

impl Step {
    /// Every step.
    pub const ALL: [Self; 8] = [
        Self::Invisible,
        Self::Width,
        Self::Composition,
        Self::Twins,
        Self::Case,
        Self::Traditional,
        Self::Space,
        Self::Punctuation,
    ];
}

/// The steps by which a text is folded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Steps {
    taken: u8,
    /// White space beside punctuation and signs stays, as a single blank: regular expressions were written so.
    keeps_space_beside_signs: bool,
}

impl Steps {
    /// Those that the switches of a key ask for.
    pub(super) fn of(matching: TextMatching) -> Self {
        let takes = |step: &Step| match step {
            Step::Invisible | Step::Width | Step::Composition => true,
            Step::Twins => matching.look_alikes,
            Step::Case => !matching.case_sensitive,
            Step::Traditional => matching.fold_traditional,
            Step::Space => !matching.keep_space,
            Step::Punctuation => !matching.keep_punctuation,
        };
        let taken = Step::ALL.iter().filter(|step| takes(step)).fold(0, |bits, step| bits | 1 << *step as u8);
        Self { taken, keeps_space_beside_signs: matching.expressions }
    }

    /// The same, but case and typographic twins stay as they were written.
    pub(super) fn as_written(matching: TextMatching) -> Self {
        Self::of(matching).without(Step::Twins).without(Step::Case)
    }

    fn has(self, step: Step) -> bool {
        self.taken & 1 << step as u8 != 0
    }

    fn without(self, step: Step) -> Self {
        Self { taken: self.taken & !(1 << step as u8), ..self }
    }
}

/// Folds a text by the switches; `None` as soon as it has more than `limit` characters.
pub(crate) fn fold(text: &str, matching: TextMatching, limit: usize) -> Option<String> {
    fold_by(text, Steps::of(matching), limit)
}

/// The fewest steps without which two texts that are equal after folding would not be; none where they are not equal.
///
/// ```
/// use assessd::{bank::content::TextMatching, scoring::folding::{Step, needed}};
/// let by = TextMatching::default();
/// assert_eq!(needed("Don’t", "don't", by), [Step::Twins, Step::Case]);
/// assert!(needed("Don’t", "Don’t", by).is_empty());
/// ```
pub fn needed(one: &str, other: &str, matching: TextMatching) -> Vec<Step> {
    let equal = |steps: Steps| one == other || fold_by(one, steps, LONGEST) == fold_by(other, steps, LONGEST);
    let mut steps = Steps::of(matching);
    if !equal(steps) {
        return Vec::new();
    }
    for step in Step::ALL {
        let fewer = steps.without(step);
        if equal(fewer) {
            steps = fewer;
        }
    }
    Step::ALL.into_iter().filter(|step| steps.has(*step)).collect()
}

/// Folds a text by these steps; `None` as soon as it has more than `limit` characters.
pub(super) fn fold_by(text: &str, steps: Steps, limit: usize) -> Option<String> {
    let mut folded = Folded { steps, limit: limit + SLACK, ..Folded::default() };
    let shown = text.chars().filter(|c| !steps.has(Step::Invisible) || !is_invisible(*c));
    let plain = shown.map(|c| if steps.has(Step::Width) { usual_width(c) } else { c });
    let fits = if text.is_ascii() || !steps.has(Step::Composition) {
        folded.take(plain.flat_map(|c| expand(c, steps)))
    } else {
        // Stream-safe, because the normaliser would buffer a text of only combining marks whole. Case is folded between
        // taking apart and composing, as canonical caseless matching wants it (Unicode D145).
        folded.take(plain.stream_safe().nfd().flat_map(|c| expand(c, steps)).nfc())
    };
    if !fits {
        return None;
    }
    let out = if folded.unsettled { settle_spaces(&folded.out) } else { folded.out };
    let out = if steps.has(Step::Twins) { join_twins(out) } else { out };
    let kept = if steps.has(Step::Punctuation) { strip(&out, !steps.has(Step::Space)) } else { &out };
    (kept.chars().take(limit + 1).count() <= limit).then(|| kept.to_owned())
}

/// A character's twin and then its case: one character or a few.
fn expand(c: char, steps: Steps) -> impl Iterator<Item = char> {
    let twin = twin(c).filter(|_| steps.has(Step::Twins)).unwrap_or_default();
    let same = twin.is_empty().then_some(c);
    let (folds, stays) = if steps.has(Step::Case) { (Some(()), None) } else { (None, Some(())) };
    let plain = move || twin.chars().chain(same);
    let folded = folds.into_iter().flat_map(move |()| plain().flat_map(fold_case));
    folded.chain(stays.into_iter().flat_map(move |()| plain()))
}

/// What is folded so far.
#[derive(Default)]
struct Folded {
    steps: Steps,
    limit: usize,
    out: String,
    count: usize,
    /// White space was passed over since the last character.
    space: bool,
    /// A blank was left between a digit and a point or comma, which only what follows can settle.
    unsettled: bool,
}

impl Folded {
    /// Takes characters in; `false` as soon as there are too many.
    fn take(&mut self, chars: impl Iterator<Item = char>) -> bool {
        for c in chars {
            // Some came in again with the normaliser.
            if self.steps.has(Step::Invisible) && is_invisible(c) {
                continue;
            }
            if self.steps.has(Step::Space) && c.is_whitespace() {
                self.space = true;
                continue;
            }
            let c = if self.steps.has(Step::Traditional) { simplified(c) } else { c };
            if std::mem::take(&mut self.space) && self.parts(c) {
                self.out.push(' ');
                self.count += 1;
            }
            self.out.push(c);
            self.count += 1;
            if self.count > self.limit {
                return false;
            }
        }
        true
    }

    /// Whether white space between what is there and `c` says something.
    fn parts(&mut self, c: char) -> bool {
        let Some(last) = self.out.chars().next_back() else { return false };
        if is_cjk(last) || is_cjk(c) {
            return false;
        }
        if self.steps.keeps_space_beside_signs || (is_word(last) && is_word(c)) {
            return true;
        }
        let unsettled =
            (last.is_ascii_digit() && is_number_mark(c)) || (is_number_mark(last) && c.is_ascii_digit());
        self.unsettled |= unsettled;
        unsettled
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || is_combining_mark(c)
}

fn is_number_mark(c: char) -> bool {
    matches!(c, '.' | ',')
}

/// White space beside a point or comma goes unless it keeps two numbers apart that would be one without it: `1. 5` is
/// not 1.5, and `1, 234` is not 1234.
fn settle_spaces(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let is_digit = |at: Option<usize>| at.and_then(|at| chars.get(at)).is_some_and(char::is_ascii_digit);
    let is_blank = |at: Option<usize>| at.and_then(|at| chars.get(at)) == Some(&' ');
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let (blank_before, blank_after) = (is_blank(at.checked_sub(1)), is_blank(Some(at + 1)));
        if !is_number_mark(c) || !(blank_before || blank_after) {
            out.push(c);
            at += 1;
            continue;
        }
        let before = at.checked_sub(1 + usize::from(blank_before));
        let after = at + 1 + usize::from(blank_after);
        let digits_before = (0..4).take_while(|n| is_digit(before.and_then(|b| b.checked_sub(*n)))).count();
        let digits_after = (0..4).take_while(|n| is_digit(Some(after + n))).count();
        let apart = match c {
            '.' => digits_before > 0 && digits_after > 0,
            _ => (1..=3).contains(&digits_before) && digits_after == 3,
        };
        out.truncate(out.trim_end_matches(' ').len());
        out.push_str(if apart && blank_before { " " } else { "" });
        out.push(c);
        out.push_str(if apart && blank_after { " " } else { "" });
        at = after;
    }
    out
}

/// Without the punctuation at both ends, unless nothing else is there. What may belong to a number stays: a point or comma
/// before a digit, and exclamation marks after one.
fn strip(text: &str, keep_space: bool) -> &str {
    let goes = |c: char| is_mark(c) || (c == ' ' && !keep_space);
    let mut end = text;
    while let Some(c) = end.chars().next_back().filter(|c| goes(*c)) {
        if c == '!' && end.trim_end_matches('!').ends_with(|c: char| c.is_ascii_digit()) {
            break;
        }
        end = &end[..end.len() - c.len_utf8()];
    }
    let start = end.trim_start_matches(goes);
    if start.is_empty() {
        return text;
    }
    let cut = &end[..end.len() - start.len()];
    match cut.chars().next_back() {
        Some('.' | ',') if start.starts_with(|c: char| c.is_ascii_digit()) => &end[cut.len() - 1..],
        _ => start,
    }
}

/// Sentence punctuation and brackets. Not among them what changes a value: signs (also the dashes that are typed for
/// one), currencies, `%`, `#`, `*`, `/`.
fn is_mark(c: char) -> bool {
    matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | '"' | '\'' | '`' | '(' | ')' | '[' | ']' | '{' | '}')
        || matches!(c, '\u{2016}'..='\u{201f}' | '\u{2026}' | '«' | '»' | '·' | '¡' | '¿')
        || matches!(c, '\u{3001}'..='\u{3003}' | '\u{3008}'..='\u{3011}' | '\u{3014}'..='\u{301f}' | '\u{30fb}')
}

/// Chinese characters, kana and their punctuation, beside which a space says nothing.
fn is_cjk(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scoring::numeric::{Forms, Number};
    use proptest::prelude::*;

    fn plain(text: &str) -> String {
        fold(text, TextMatching::default(), LONGEST).unwrap()
    }

    fn any_matching() -> impl Strategy<Value = TextMatching> {
        proptest::collection::vec(any::<bool>(), 6).prop_map(|on| TextMatching {
            case_sensitive: on[0],
            keep_space: on[1],
            keep_punctuation: on[2],
            fold_traditional: on[3],
            look_alikes: on[4],
            expressions: on[5],
            ..TextMatching::default()
        })
    }

    #[test]
    fn compatibility_forms_are_other_characters() {
        for (one, other) in [
            ("10²", "102"),
            ("x₂", "x2"),
            ("⑤②", "52"),
            ("Ⅳ", "IV"),
            ("½", "1/2"),
            ("５½", "51/2"),
            ("𝟓", "5"),
            ("⒈", "1."),
            ("㈠", "(一)"),
            ("ª", "a"),
            ("㎡", "m2"),
        ] {
            assert_ne!(plain(one), plain(other));
        }
        assert_eq!(plain("ＣＲＭ１２％　ｶﾞ"), plain("crm12% ガ"));
    }

    #[test]
    fn twins_are_one_and_by_a_switch() {
        let apart = TextMatching { look_alikes: false, ..TextMatching::default() };
        for (one, other) in [
            ("don’t", "don't"),
            ("don`t", "donʼt"),
            ("well‐known", "well-known"),
            ("3–5", "3-5"),
            ("−5", "–5"),
            ("- 5", "−5"),
            ("N·m", "N⋅m"),
            ("让・雅克•卢梭", "让·雅克‧卢梭"),
            ("say “yes” now", "say \"yes\" now"),
            ("wait… what", "wait... what"),
            ("一……二", "一…二"),
            ("5″ wide", "5'' wide"),
            ("3～5", "3〜5"),
            ("25℃", "25 °C"),
            ("5 µm", "5 μm"),
        ] {
            assert_eq!(plain(one), plain(other));
            let same = fold(one, apart, LONGEST) == fold(other, apart, LONGEST);
            // The micro sign is the small mu in the tables of case already.
            assert_eq!(same, one.contains('µ'), "{one} {other}");
        }
        assert_ne!(plain("5"), plain("—5"));
    }

    #[test]
    fn white_space_beside_signs_says_nothing() {
        for (one, other) in [
            ("P=5", "P = 5"),
            ("10 %", "10%"),
            ("However,this", "However, this"),
            ("f ( x )", "f(x)"),
            ("a + b * c", "a+b*c"),
            ("25 °C", "25°C"),
            ("客户 CRM 系统", "客户CRM系统"),
            ("$ 5", "$5"),
            ("2, 3", "2,3"),
            ("2 , 3", "2,3"),
            ("2；3", "2; 3"),
            ("well - known", "well-known"),
            (" new \u{a0}\n york ", "new york"),
            ("5 .", "5"),
            ("No. 5", "no.5"),
        ] {
            assert_eq!(plain(one), plain(other));
        }
        for (one, other) in [
            ("new york", "newyork"),
            ("1. 5", "1.5"),
            ("1 .5", "1.5"),
            ("1, 234", "1,234"),
            ("12 ,345", "12,345"),
            ("1 1/2", "11/2"),
            ("1 000", "1000"),
            (".5", "5"),
            ("5!", "5"),
            ("-5", "5"),
        ] {
            assert_ne!(plain(one), plain(other));
        }
        let by = TextMatching { keep_space: true, ..TextMatching::default() };
        assert_ne!(fold("P = 5", by, LONGEST), fold("P=5", by, LONGEST));
    }

    #[test]
    fn what_shows_nothing_goes() {
        assert_eq!(plain("a\u{3164}b\u{2066}\u{e0020}\u{0}\u{fe0f}"), "ab");
        assert_eq!(plain("\u{200b}\u{2800}"), "");
    }

    #[test]
    fn the_needed_steps_are_named() {
        let by = TextMatching::default();
        for (given, accepted, steps) in [
            ("ＣＲＭ", "crm", &[Step::Width, Step::Case][..]),
            ("P = 5。", "P=5", &[Step::Space, Step::Punctuation]),
            ("cafe\u{301}", "café", &[Step::Composition]),
            ("don’t\u{200b}", "don't", &[Step::Invisible, Step::Twins]),
            ("a.", "a.", &[]),
            ("a", "b", &[]),
        ] {
            assert_eq!(needed(given, accepted, by), steps, "{given}");
            assert_eq!(needed(accepted, given, by), steps, "{given}");
        }
        let simplified = TextMatching { fold_traditional: true, ..by };
        assert_eq!(needed("客戶", "客户", simplified), [Step::Traditional]);
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(
            text in "(?s).{0,12}", odd in "[a1 .,'‘…–µ℃㎡ǅß!\u{327}\u{301}\u{345}\u{34f}一ｱﾞ]{0,12}", by in any_matching(),
        ) {
            for text in [text, odd] {
                let once = fold(&text, by, LONGEST).unwrap();
                prop_assert_eq!(fold(&once, by, LONGEST).unwrap(), once, "{:?}", text);
            }
        }

        /// However two numbers are written: equal texts are equal numbers.
        #[test]
        fn no_two_different_numbers_are_equal(
            one in "[-–−+ ]{0,2}[0-9１.,']{1,5}[ .,/½²e%！!]{0,2}[0-9 ]{0,4}",
            other in "[-–−+ ]{0,2}[0-9１.,']{1,5}[ .,/½²e%！!]{0,2}[0-9 ]{0,4}",
            by in any_matching(),
        ) {
            let numbers = [&one, &other].map(|text| Number::parse(text, Forms::ALL));
            if let [Some(a), Some(b)] = &numbers && a != b {
                prop_assert_ne!(fold(&one, by, LONGEST), fold(&other, by, LONGEST), "{} {}", one, other);
            }
        }

        /// A number, and the same characters with white space, signs or marks among them that change what it says.
        #[test]
        fn a_changed_number_is_another_text(
            digits in "[1-9][0-9]{0,5}", at in 0usize..6, put in "[.,/½²②eE%¼-]| 1| \\.| , ",
        ) {
            let mut changed = digits.clone();
            changed.insert_str(at.min(digits.len()), &put);
            let numbers = [&digits, &changed].map(|text| Number::parse(text, Forms::ALL));
            if let [Some(a), Some(b)] = &numbers && a != b {
                prop_assert_ne!(plain(&digits), plain(&changed));
            }
        }
    }
}
