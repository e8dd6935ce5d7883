//! Points expressions in the bracket of a section header, and the figures of the head of a paper.
//!
//! Promises: `共N题` is a count and `共N分` a total, decided by the unit and never by the position; what is not printed
//! stays unknown. Figures that follow from others are implied, kept apart from the printed ones.

use std::sync::LazyLock;

use regex::Regex;
use rust_decimal::Decimal;

/// The figures of a header.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Points {
    /// Number of questions.
    pub(super) count: Option<u32>,
    /// Points of each.
    pub(super) each: Option<Decimal>,
    /// Points of all.
    pub(super) total: Option<Decimal>,
    /// `每空` instead of `每题`.
    pub(super) per_blank: bool,
}

fn regex(pattern: &str) -> Option<Regex> {
    Regex::new(pattern).ok()
}

static EACH: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(
        r"(?:每(小题|道小题|道题|题|个空格?|空格?|道|问|项)|各)[^0-9每共]{0,4}([0-9]+(?:\.[0-9]+)?)分|([0-9]+(?:\.[0-9]+)?)分(?:/|一|每)(小题|题|空|个)",
    )
});
static COUNT: LazyLock<Option<Regex>> =
    LazyLock::new(|| regex(r"([0-9]+)(?:个|道)?(?:小题|题|空(?:格)?)(?:[^0-9]|$)"));
static TOTAL: LazyLock<Option<Regex>> = LazyLock::new(|| regex(r"([0-9]+(?:\.[0-9]+)?)分(?:[^钟/*×xX]|$)"));

static EACH_ENGLISH: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(
        r"(?i)([0-9]+(?:\.[0-9]+)?)(?:points?|pts?\.?|marks?)(?:each|per|foreach|forevery|apiece)|(?:each|every)[a-z]{0,40}?(?:is|are|carries|carry|worth|counts?)(?:worth|for)?([0-9]+(?:\.[0-9]+)?)(?:points?|pts?|marks?)",
    )
});
static COUNT_ENGLISH: LazyLock<Option<Regex>> =
    LazyLock::new(|| regex(r"(?i)([0-9]+)(?:questions?|items|problems)"));
static TOTAL_ENGLISH: LazyLock<Option<Regex>> =
    LazyLock::new(|| regex(r"(?i)([0-9]+(?:\.[0-9]+)?)(?:points?|pts?|marks?)"));

/// The figures of an English head, `(2 points each)`, `[20 marks]`.
fn english(words: &str) -> Points {
    let mut points = Points::default();
    let mut rest = words.to_owned();
    if let Some(Some(found)) = EACH_ENGLISH.as_ref().map(|r| r.captures(words)) {
        points.each = found.get(1).or(found.get(2)).and_then(|m| m.as_str().parse().ok());
        if let Some(whole) = found.get(0) {
            rest.replace_range(whole.range(), " ");
        }
    }
    let first = |regex: &LazyLock<Option<Regex>>| {
        regex.as_ref().and_then(|r| r.captures(&rest)).and_then(|c| Some(c.get(1)?.as_str().to_owned()))
    };
    points.count = first(&COUNT_ENGLISH).and_then(|f| f.parse().ok());
    points.total = first(&TOTAL_ENGLISH).and_then(|f| f.parse().ok());
    points
}

/// Reads the inside of a bracket (folded, without blanks).
pub(super) fn read(words: &str) -> Points {
    if ["oint", "mark", "pts", "uestion", "OINT", "MARK"].iter().any(|w| words.contains(w))
        && !words.contains('分')
    {
        return english(words);
    }
    let words = digits(words);
    let mut points = Points::default();
    let mut rest = words.clone();
    if let Some(Some(found)) = EACH.as_ref().map(|r| r.captures(&words)) {
        let figure = found.get(2).or(found.get(3)).map(|m| m.as_str());
        points.each = figure.and_then(|f| f.parse().ok());
        let unit = found.get(1).or(found.get(4)).map_or("", |m| m.as_str());
        points.per_blank = unit.contains('空');
        if let Some(whole) = found.get(0) {
            rest.replace_range(whole.range(), "每");
        }
    }
    if let Some(Some(found)) = COUNT.as_ref().map(|r| r.captures(&rest)) {
        let before = found.get(0).map_or("", |m| &rest[..m.start()]);
        if !before.ends_with('第') && !before.ends_with('每') {
            points.count = found.get(1).and_then(|m| m.as_str().parse().ok());
        }
    }
    // With several figures left, the last is the sum: "共20分" stands alone, "…,合计24分" closes.
    if let Some(regex) = TOTAL.as_ref() {
        points.total = regex.captures_iter(&rest).filter_map(|c| c.get(1)?.as_str().parse().ok()).last();
    }
    points
}

/// Chinese numerals before 分, 题 and their units as digits.
fn digits(words: &str) -> String {
    let chars: Vec<char> = words.chars().collect();
    let mut out = String::with_capacity(words.len());
    let mut i = 0;
    while i < chars.len() {
        let mut end = i;
        while end < chars.len() && "一二两三四五六七八九十".contains(chars[end]) {
            end += 1;
        }
        if end > i
            && chars.get(end).is_some_and(|c| "分题道小个空".contains(*c))
            && let Some(value) = numeral(&chars[i..end])
            && !out.ends_with(['第', '大'])
        {
            out.push_str(&value.to_string());
            i = end;
            continue;
        }
        if end > i {
            out.extend(&chars[i..end]);
            i = end;
        } else {
            out.push(chars[i]);
            i += 1;
        }
    }
    out
}

/// The value of a Chinese numeral up to 99.
pub(super) fn numeral(chars: &[char]) -> Option<u32> {
    let one = |c: char| match c {
        '两' => Some(2),
        c => "一二三四五六七八九".chars().position(|d| d == c).and_then(|p| u32::try_from(p + 1).ok()),
    };
    match chars {
        ['十'] => Some(10),
        [a] => one(*a),
        ['十', b] => Some(10 + one(*b)?),
        [a, '十'] => Some(10 * one(*a)?),
        [a, '十', b] => Some(10 * one(*a)? + one(*b)?),
        _ => None,
    }
}

impl Points {
    /// Whether anything is printed.
    pub(super) fn any(&self) -> bool {
        self.count.is_some() || self.each.is_some() || self.total.is_some()
    }

    /// The count that follows from the other figures.
    pub(super) fn implied_count(&self) -> Option<u32> {
        let (None, Some(each), Some(total)) = (self.count, self.each, self.total) else { return None };
        let count = total.checked_div(each)?;
        (count.fract().is_zero() && !self.per_blank)
            .then(|| count.to_string().split('.').next()?.parse().ok())
            .flatten()
    }

    /// The total that follows from the other figures.
    pub(super) fn implied_total(&self) -> Option<Decimal> {
        let (Some(count), Some(each), None) = (self.count, self.each, self.total) else { return None };
        each.checked_mul(Decimal::from(count))
    }

    /// Whether the printed figures contradict each other.
    pub(super) fn mismatch(&self) -> bool {
        match (self.count, self.each, self.total) {
            (Some(count), Some(each), Some(total)) if !self.per_blank => {
                each.checked_mul(Decimal::from(count)).is_none_or(|sum| sum != total)
            }
            (None, Some(each), Some(total)) => total.checked_rem(each).is_none_or(|rest| !rest.is_zero()),
            _ => false,
        }
    }
}
