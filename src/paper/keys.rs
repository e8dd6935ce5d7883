//! Printed keys: the marks that announce one, the brackets that hold one, and the letters themselves.
//!
//! Promises: a key is read only where one is printed. Letters are taken when nothing but letters A–H and separators
//! stands there; anything else (`(GPS)`, `CRM`, repeated letters) is no key.

use std::ops::Range;

use super::fold::{BLANK, Text};

/// A place that announces a key: `【答案】`, `答案:`, `答:`.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeyMark {
    /// Where it begins.
    pub(super) at: usize,
    /// Where the key begins.
    pub(super) end: usize,
    /// `答:` opens only answers in free text.
    pub(super) free: bool,
}

/// A printed key as read.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Key {
    /// Letters, sorted.
    Letters(Vec<char>),
    /// True or false.
    Truth(bool),
}

/// All marks that announce a key, in order.
pub(super) fn marks(text: &Text) -> Vec<KeyMark> {
    let mut marks = Vec::new();
    let mut i = 0;
    while i < text.len() {
        if let Some(mark) = mark_at(text, i) {
            i = mark.end.max(i + 1);
            marks.push(mark);
        } else {
            i += 1;
        }
    }
    marks
}

fn mark_at(text: &Text, i: usize) -> Option<KeyMark> {
    let bracketed = matches!(text.at(i), '【' | '[' | '〔');
    let from = i + usize::from(bracketed);
    let prefix = text.one_of(from, &["参考", "正确", "标准", "本题"]).map_or(0, |p| p.1);
    let word = from + prefix;
    if let Some((_, length)) = text.one_of(word, &["答案及解析", "答案与解析", "答案", "解答"])
    {
        let end = word + length;
        if bracketed {
            if !matches!(text.at(end), '】' | ']' | '〕') {
                return None;
            }
            let colon = usize::from(text.at(end + 1) == ':');
            return Some(KeyMark { at: i, end: end + 1 + colon, free: false });
        }
        if text.at(end) == ':' {
            return Some(KeyMark { at: i, end: end + 1, free: false });
        }
        if text.starts(end, "是:") || text.starts(end, "为:") {
            return Some(KeyMark { at: i, end: end + 2, free: false });
        }
        return None;
    }
    let open = text.breaks(i) || matches!(text.before(i), '。' | '?' | '!' | ')' | '_' | ';' | '】');
    (!bracketed && text.starts(i, "答:") && open).then_some(KeyMark { at: i, end: i + 2, free: true })
}

/// All marks that open an explanation: where each begins and where its text begins.
pub(super) fn explanations(text: &Text) -> Vec<(usize, usize)> {
    const WORDS: &[&str] = &[
        "答案解析",
        "试题解析",
        "试题分析",
        "题目解析",
        "答案详解",
        "解析",
        "详解",
        "解题思路",
        "分析",
        "点评",
    ];
    let mut found = Vec::new();
    let mut i = 0;
    while i < text.len() {
        let bracketed = matches!(text.at(i), '【' | '[' | '〔');
        let from = i + usize::from(bracketed);
        match text.one_of(from, WORDS) {
            Some((word, length)) => {
                let end = from + length;
                let closed = bracketed && matches!(text.at(end), '】' | ']' | '〕');
                let colon = !bracketed && text.at(end) == ':' && !matches!(word, "分析" | "点评");
                if closed || colon {
                    let more = usize::from(closed && text.at(end + 1) == ':');
                    found.push((i, end + 1 + more));
                    i = end + 1 + more;
                } else {
                    i += 1;
                }
            }
            None => i += 1,
        }
    }
    found
}

/// A run of key letters at `from`: the letters and where they end. Repeated letters and words are no key.
pub(super) fn letters(text: &Text, range: Range<usize>) -> Option<(Vec<char>, usize)> {
    let mut letters = Vec::new();
    let mut i = range.start;
    let mut end = i;
    let small = ('a'..='h').contains(&text.at(i));
    while i < range.end {
        let c = text.at(i);
        let letter = match c {
            'A'..='H' if !small => c,
            'a'..='h' if small => c.to_ascii_uppercase(),
            _ => break,
        };
        if letters.contains(&letter) {
            return None;
        }
        letters.push(letter);
        end = i + 1;
        i = end;
        if i < range.end && matches!(text.at(i), '、' | ',' | ';' | '/' | '和' | '&' | '+') {
            i += 1;
        }
    }
    let next = if end < range.end { text.at(end) } else { '\0' };
    if letters.is_empty() || (next.is_ascii_alphabetic() && !text.has(end, BLANK)) {
        return None;
    }
    letters.sort_unstable();
    Some((letters, end))
}

/// A true/false mark at `from` and where it ends.
pub(super) fn truth(text: &Text, range: Range<usize>) -> Option<(bool, usize)> {
    const WORDS: &[(&str, bool)] = &[
        ("不正确", false),
        ("不对", false),
        ("正确", true),
        ("错误", false),
        ("√", true),
        ("×", false),
        ("对", true),
        ("错", false),
        ("T", true),
        ("F", false),
        ("Y", true),
        ("N", false),
        ("X", false),
        ("x", false),
        ("是", true),
        ("否", false),
    ];
    let (word, value) = WORDS.iter().find(|(w, _)| text.starts(range.start, w))?;
    let mut end = range.start + word.chars().count();
    if word.is_ascii() {
        // "True", "False" in full; any other Latin word is none.
        for (rest, length) in [("rue", 3), ("alse", 4), ("RUE", 3), ("ALSE", 4)] {
            if text.starts(end, rest) {
                end += length;
                break;
            }
        }
        if end < range.end && text.at(end).is_ascii_alphabetic() && !text.has(end, BLANK) {
            return None;
        }
    }
    (end <= range.end).then_some((*value, end))
}

/// What a bracket holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Held {
    /// Nothing: a blank to fill.
    Blank,
    /// A key.
    Key(Key),
    /// Latin letters that are no key.
    Latin,
}

/// A bracket of the wording that is blank or holds a key, or Latin letters.
#[derive(Debug, Clone)]
pub(super) struct Bracket {
    /// The opening bracket.
    pub(super) open: usize,
    /// The closing bracket.
    pub(super) close: usize,
    /// What is inside.
    pub(super) held: Held,
}

/// The brackets within `range` that may hold a key.
pub(super) fn brackets(text: &Text, range: Range<usize>) -> Vec<Bracket> {
    let mut found = Vec::new();
    let mut i = range.start;
    while i < range.end {
        let close = match text.at(i) {
            '(' => ')',
            '[' => ']',
            '〔' => '〕',
            _ => {
                i += 1;
                continue;
            }
        };
        let limit = range.end.min(i + 20);
        let Some(end) = (i + 1..limit).find(|&k| matches!(text.at(k), ')' | ']' | '〕' | '(' | '[')) else {
            i += 1;
            continue;
        };
        if text.at(end) != close {
            i += 1;
            continue;
        }
        if let Some(held) = held(text, i + 1..end) {
            found.push(Bracket { open: i, close: end, held });
        }
        i = end + 1;
    }
    found
}

fn held(text: &Text, inside: Range<usize>) -> Option<Held> {
    if inside.clone().all(|i| matches!(text.at(i), '_' | '…')) {
        return Some(Held::Blank);
    }
    if let Some((letters, end)) = letters(text, inside.clone())
        && end == inside.end
        && text.at(inside.start).is_ascii_uppercase()
    {
        return Some(Held::Key(Key::Letters(letters)));
    }
    if let Some((value, end)) = truth(text, inside.clone())
        && end == inside.end
        && text.at(inside.start) != '是'
    {
        return Some(Held::Key(Key::Truth(value)));
    }
    inside.clone().all(|i| text.at(i).is_ascii_alphanumeric()).then_some(Held::Latin)
}

/// A letter run directly before the label of option A.
#[derive(Debug, Clone)]
pub(super) struct Glued {
    /// The letters, strictly ascending.
    pub(super) letters: Vec<char>,
    /// Where they begin.
    pub(super) start: usize,
    /// Nothing Latin stands before them: "CRMB" + A is CRM and B only where every neighbour has its key there.
    pub(super) alone: bool,
}

/// The letter run directly before the label of option A, when it is strictly ascending.
pub(super) fn glued(text: &Text, floor: usize, label: usize) -> Option<Glued> {
    let mut letters: Vec<char> = Vec::new();
    let mut start = label;
    while start > floor && matches!(text.at(start - 1), 'A'..='H') {
        let c = text.at(start - 1);
        if letters.last().is_some_and(|&l| c >= l) {
            break;
        }
        letters.push(c);
        start -= 1;
        if text.has(start, BLANK) {
            break;
        }
    }
    let ahead = if start > floor { text.at(start - 1) } else { '\0' };
    let alone = !ahead.is_ascii_alphanumeric() || text.has(start, BLANK);
    // "维生素-A", "(A" and the like are wording.
    let wording = matches!(ahead, '-' | '(' | '/' | '、' | '“' | '\'' | '"' | '+' | '&' | '《');
    if letters.is_empty() || start == floor || wording {
        return None;
    }
    letters.reverse();
    Some(Glued { letters, start, alone })
}
