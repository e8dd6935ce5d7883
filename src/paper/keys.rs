//! Printed keys: the marks that announce one, the brackets that hold one, and the letters themselves.
//!
//! Promises: a key is read only where one is printed. Letters are taken when nothing but letters A–H and separators
//! stands there; anything else (`(GPS)`, `CRM`, repeated letters) is no key.

use std::ops::Range;

use super::fold::{BLANK, LINE, Text, WRAP};

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

/// Words before 答案 that make it the key: 正确答案, 查看答案.
const PREFIXES: &[&str] =
    &["点击查看", "点击显示", "查看", "显示", "展开", "参考", "正确", "标准", "本题", "试题", "题目", "最佳"];

/// Words for a key, longer ones first.
const WORDS: &[&str] = &["答案及解析", "答案与解析", "答案和解析", "答案", "解答"];

/// The same in English, without blanks and in small letters.
const ENGLISH: &[&str] = &[
    "thecorrectanswersare",
    "thecorrectansweris",
    "therightansweris",
    "thecorrectoptionis",
    "theansweris",
    "correctanswersare",
    "correctansweris",
    "correctanswer(s)",
    "correctanswers",
    "correctanswer",
    "rightanswer",
    "correctoption",
    "correctchoice",
    "correctresponse",
    "bestanswer",
    "modelanswer",
    "answer(s)",
    "answers",
    "answer",
    "ans",
    "correct",
    "key",
];

/// What brackets a label: `【答案】`, `[答案]`, `<答案>`.
fn brackets_of(c: char) -> Option<char> {
    Some(match c {
        '【' => '】',
        '[' => ']',
        '〔' => '〕',
        '〖' => '〗',
        '「' => '」',
        '(' => ')',
        '<' => '>',
        '《' => '》',
        _ => return None,
    })
}

/// The mark at `i`.
pub(super) fn mark_at(text: &Text, i: usize) -> Option<KeyMark> {
    let close = brackets_of(text.at(i));
    let from = i + usize::from(close.is_some());
    if let Some(end) = word_at(text, from) {
        let english = text.at(from).is_ascii();
        if let Some(close) = close {
            if text.at(end) == close {
                let colon = usize::from(text.at(end + 1) == ':');
                if marks_option(text, i, end + 1 + colon) {
                    return None;
                }
                return Some(KeyMark { at: i, end: end + 1 + colon, free: false });
            }
            // "(答案:B)": the bracket holds mark and key.
            if text.at(end) == ':' && text.at(i) != '《' {
                return Some(KeyMark { at: i, end: end + 1, free: false });
            }
            return None;
        }
        // "查看答案" over "答案:A" is one mark.
        if text.breaks(end)
            && let Some(more) = mark_at(text, end).filter(|m| m.at == end)
        {
            return Some(KeyMark { at: i, ..more });
        }
        if english {
            return english_mark(text, i, end);
        }
        if text.at(end) == ':' {
            return Some(KeyMark { at: i, end: end + 1, free: false });
        }
        if text.starts(end, "是:") || text.starts(end, "为:") {
            return Some(KeyMark { at: i, end: end + 2, free: false });
        }
        return plain(text, i, end);
    }
    // "故选B。" and "选A" on a line of their own.
    if close.is_none()
        && opens_line(text, i)
        && let Some((_, length)) = text.one_of(i, &["故本题选", "本题选", "故选", "应选", "选"])
        && matches!(text.at(i + length), 'A'..='H')
        && announced(text, i + length..text.len().min(i + 40)).is_some_and(|a| text.breaks(a.1))
    {
        return Some(KeyMark { at: i, end: i + length, free: false });
    }
    let open = text.breaks(i) || matches!(text.before(i), '。' | '?' | '!' | ')' | '_' | ';' | '】');
    if close.is_some() || !text.starts(i, "答:") || !open {
        return None;
    }
    // "答:A" on lines of their own is the key of a choice question; a sentence is an answer in words.
    let stands =
        text.breaks(i) && announced(text, i + 2..text.len().min(i + 40)).is_some_and(|a| text.breaks(a.1));
    Some(KeyMark { at: i, end: i + 2, free: !stands })
}

/// "A.温杯(正确答案)", "B.投茶【正确答案】": words in brackets behind an option that no key follows mark that option.
fn marks_option(text: &Text, i: usize, end: usize) -> bool {
    if text.breaks(i) || !(text.at(i) == '(' || text.starts(i + 1, "正确") || text.at(i + 1).is_ascii()) {
        return false;
    }
    match announced(text, end..text.len().min(end + 40)) {
        Some((_, e)) if !text.has(end, LINE) => {
            !(text.breaks(e) || mark_or_number(text, e)) || matches!(text.at(e), '、')
        }
        _ => text.at(i) == '(' || text.breaks(end) || mark_or_number(text, end),
    }
}

/// Where a word for a key that begins at `from` ends.
fn word_at(text: &Text, from: usize) -> Option<usize> {
    if text.at(from).is_ascii_alphabetic() {
        let lone = !text.before(from).is_ascii_alphabetic()
            || text.has(from, BLANK | LINE | WRAP)
            || (text.before(from).is_ascii_lowercase() && text.at(from).is_ascii_uppercase());
        let word = ENGLISH.iter().find(|w| text.starts_small(from, w)).filter(|_| lone)?;
        let end = from + word.chars().count();
        let closed = !text.at(end).is_ascii_alphabetic() || text.has(end, BLANK | LINE | WRAP);
        return closed.then_some(end);
    }
    let prefix = text.one_of(from, PREFIXES).map_or(0, |p| p.1);
    // "正确选项:B"
    if prefix > 0
        && let Some((_, length)) = text.one_of(from + prefix, &["选项:", "选项为", "选项是"])
    {
        return Some(from + prefix + length - 1);
    }
    text.one_of(from + prefix, WORDS).map(|(_, length)| from + prefix + length)
}

/// `Answer: B`, `Ans. B`, `Correct answer is B`: at a line start, or with a key that ends a line.
fn english_mark(text: &Text, i: usize, end: usize) -> Option<KeyMark> {
    let linked = ["is:", "are:", "is", "are"].iter().find(|w| text.starts_small(end, w));
    let past = end + linked.map_or(0, |w| w.len());
    let sep = match text.at(past) {
        ':' => 1 + usize::from(matches!(text.at(past + 1), '-' | '–')),
        '-' | '–' | '—' | '=' | '.' => 1,
        _ => 0,
    };
    let from = past + sep;
    let key = announced(text, from..text.len().min(from + 40));
    let closes = key.is_some_and(|(_, e)| text.breaks(e) || mark_or_number(text, e));
    let colon = text.at(past) == ':';
    let opens = opens_line(text, i);
    // "Key" and "Correct" are everyday words.
    let weak = text.starts_small(i, "key") || text.starts_small(i, "correct") && i + 7 == end;
    let fits = match () {
        () if closes => opens || colon || (text.has(i, BLANK) && !weak && linked.is_some()),
        () => colon && opens && !weak,
    };
    fits.then_some(KeyMark { at: i, end: from, free: false })
}

/// Whether a line begins at `i`, by its writer or by a wrap.
pub(super) fn opens_line(text: &Text, i: usize) -> bool {
    text.breaks(i) || text.has(i, WRAP)
}

/// `答案 A` and `答案A`: without a colon only a key, or a text behind a blank at a line start.
fn plain(text: &Text, i: usize, end: usize) -> Option<KeyMark> {
    let opens = opens_line(text, i) || (text.has(i, BLANK) && text.has(end, BLANK));
    let from = end + usize::from(matches!(text.at(end), '是' | '为'));
    if let Some((_, e)) = announced(text, from..text.len().min(from + 40)) {
        let closed = text.breaks(e) || (mark_or_number(text, e) && !text.has(from, LINE));
        let behind = matches!(text.before(i), '。' | '?' | '!' | ')' | ';' | '】' | '_');
        if closed && (opens || behind) {
            return Some(KeyMark { at: i, end: from, free: false });
        }
    }
    let dash = matches!(text.at(end), '-' | '–' | '—') && !text.at(end + 1).is_ascii_digit();
    let words = opens_line(text, i)
        && from == end
        && text.has(end, BLANK)
        && !text.has(end, LINE)
        && !text.at(end).is_ascii_digit()
        && !text.at(end).is_ascii_uppercase()
        && !"一二三四五六七八九十(【".contains(text.at(end));
    (words || (dash && text.breaks(i))).then_some(KeyMark {
        at: i,
        end: end + usize::from(dash),
        free: false,
    })
}

/// Whether an explanation, a mark in brackets or a number follows: what a key may stand directly before.
fn mark_or_number(text: &Text, i: usize) -> bool {
    let mut digits = i;
    while text.at(digits).is_ascii_digit() && digits < i + 4 {
        digits += 1;
    }
    (digits > i && matches!(text.at(digits), '.' | '、'))
        || matches!(text.at(i), '【' | '〔')
        || explanation_at(text, i).is_some()
}

/// A key that a mark announces, with or without its dress, as `(B)`, `**B**`, `选B`, `Option B`, `` `B` ``; and where it
/// ends.
pub(super) fn announced(text: &Text, range: Range<usize>) -> Option<(Key, usize)> {
    let dress = |c: char| {
        matches!(c, '(' | '[' | '【' | '〔' | '「' | '“' | '‘' | '"' | '\'' | '*' | '_' | '`' | '<')
    };
    let mut from = range.start;
    while from < range.end && dress(text.at(from)) && from < range.start + 6 {
        from += 1;
    }
    let dressed = from > range.start;
    if let Some((_, length)) = text.one_of(from, &["选项", "选择", "选", "应选", "是", "为"])
        && matches!(text.at(from + length), 'A'..='H')
    {
        from += length;
    }
    for word in ["option", "choice", "letter"] {
        if text.starts_small(from, word) {
            from += word.len();
            break;
        }
    }
    let (key, mut end) = match (letters(text, from..range.end), truth(text, from..range.end)) {
        // "F" alone is false where the section says so; the letter is kept until then.
        (Some((l, end)), _) => (Key::Letters(l), end),
        (None, Some((t, end))) => (Key::Truth(t), end),
        (None, None) => return None,
    };
    if dressed {
        let undress = |c: char| {
            matches!(c, ')' | ']' | '】' | '〕' | '」' | '”' | '’' | '"' | '\'' | '*' | '_' | '`' | '>')
        };
        let most = end + (from - range.start);
        while end < most && undress(text.at(end)) {
            end += 1;
        }
    }
    // The end mark of the line belongs to nobody.
    if matches!(text.at(end), '。' | '.' | ';') && text.breaks(end + 1) {
        end += 1;
    }
    Some((key, end))
}

/// Words that open an explanation.
const REASONS: &[&str] = &[
    "答案解析",
    "试题解析",
    "试题分析",
    "题目解析",
    "答案详解",
    "答案说明",
    "参考解析",
    "详细解析",
    "解析过程",
    "解析",
    "详解",
    "解题思路",
    "解题过程",
    "思路点拨",
    "点拨",
    "分析",
    "点评",
    "评析",
    "解释",
    "理由",
    "原因",
    "说明",
    "依据",
    "出处",
    "备注",
];

/// The same in English.
const ENGLISH_REASONS: &[&str] = &[
    "explanation",
    "rationale",
    "solution",
    "reasoning",
    "reason",
    "feedback",
    "why",
    "because",
    "justification",
    "discussion",
];

/// All marks that open an explanation: where each begins and where its text begins.
pub(super) fn explanations(text: &Text) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut i = 0;
    while i < text.len() {
        match explanation_at(text, i) {
            Some(end) => {
                found.push((i, end));
                i = end.max(i + 1);
            }
            None => i += 1,
        }
    }
    found
}

/// Where the text behind an explanation mark at `i` begins.
pub(super) fn explanation_at(text: &Text, i: usize) -> Option<usize> {
    let close = brackets_of(text.at(i)).filter(|_| text.at(i) != '(' && text.at(i) != '《');
    let from = i + usize::from(close.is_some());
    if text.at(from).is_ascii_alphabetic() {
        let word = ENGLISH_REASONS.iter().find(|w| text.starts_small(from, w))?;
        let end = from + word.len();
        let closed = close.is_some_and(|c| text.at(end) == c);
        let colon = close.is_none() && text.at(end) == ':';
        // A word of the wording has a colon in its sentence, a label opens its line.
        let opens = opens_line(text, i)
            || close.is_some()
            || (matches!(*word, "explanation" | "rationale") && text.at(from).is_ascii_uppercase());
        return ((closed || colon) && opens)
            .then(|| end + 1 + usize::from(closed && text.at(end + 1) == ':'));
    }
    let (word, length) = text.one_of(from, REASONS)?;
    let end = from + length;
    let closed = close.is_some_and(|c| text.at(end) == c);
    let weak = matches!(
        word,
        "分析" | "点评" | "评析" | "解释" | "理由" | "原因" | "说明" | "依据" | "出处" | "备注" | "点拨"
    );
    let everyday = matches!(word, "说明" | "原因" | "依据" | "出处" | "备注" | "理由");
    let opens = opens_line(text, i) && !matches!(word, "分析" | "点评" | "评析");
    let colon = close.is_none() && text.at(end) == ':' && (!weak || opens || behind_key(text, i, word));
    let closed = closed && (!everyday || behind_key(text, i, word) || text.breaks(i));
    (closed || colon).then(|| end + 1 + usize::from(closed && text.at(end + 1) == ':'))
}

/// Whether a key stands directly before: "(√)解释:…", "答案:B理由:…".
fn behind_key(text: &Text, i: usize, word: &str) -> bool {
    if matches!(word, "分析" | "点评" | "评析") {
        return false;
    }
    let ahead = text.before(i);
    let past = if i < 2 { '\0' } else { text.at(i - 2) };
    let held = |c: char| matches!(c, 'A'..='H' | '√' | '×' | '对' | '错' | '确' | '误' | 'T');
    held(ahead)
        && (matches!(past, ':' | '】' | '、' | ',')
            || past.is_ascii_uppercase()
            || matches!(ahead, '√' | '×'))
        || (matches!(ahead, ')' | '】' | ']' | '。') && held(past))
}

/// A run of key letters at `from`: the letters and where they end. Repeated letters and words are no key.
pub(super) fn letters(text: &Text, range: Range<usize>) -> Option<(Vec<char>, usize)> {
    let mut letters = Vec::new();
    let mut i = range.start;
    let mut end = i;
    let small = ('a'..='h').contains(&text.at(i));
    while i < range.end {
        let c = text.at(i);
        // What begins another line, or is the label of an option, is no letter of this key.
        if !letters.is_empty() && end == i && text.has(i, LINE) {
            break;
        }
        if !letters.is_empty()
            && text.has(i, BLANK)
            && matches!(text.at(i + 1), '.' | ')' | ':' | '、')
            && !text.breaks(i + 2)
            && !matches!(text.at(i + 2), 'A'..='H' | 'a'..='h')
        {
            break;
        }
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
    if letters.is_empty() || (next.is_ascii_alphabetic() && !text.has(end, BLANK | LINE | WRAP)) {
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
        ("是", true),
        ("否", false),
        ("T", true),
        ("F", false),
        ("Y", true),
        ("N", false),
        ("X", false),
        ("x", false),
    ];
    // In full and in any case; any other Latin word is none.
    const ENGLISH: &[(&str, bool)] = &[
        ("incorrect", false),
        ("correct", true),
        ("true", true),
        ("false", false),
        ("right", true),
        ("wrong", false),
        ("yes", true),
        ("no", false),
    ];
    let english = ENGLISH.iter().find(|(w, _)| text.starts_small(range.start, w));
    let (word, value) = english.or_else(|| WORDS.iter().find(|(w, _)| text.starts(range.start, w)))?;
    let end = range.start + word.chars().count();
    if word.is_ascii()
        && end < range.end
        && text.at(end).is_ascii_alphabetic()
        && !text.has(end, BLANK | LINE | WRAP)
    {
        return None;
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
            '【' => '】',
            '_' if text.at(i + 1) != '_' => '_',
            _ => {
                i += 1;
                continue;
            }
        };
        let limit = range.end.min(i + 20);
        let stop = |k: &usize| {
            matches!(text.at(*k), ')' | ']' | '〕' | '】' | '(' | '[' | '【') || text.at(*k) == close
        };
        let Some(end) = (i + 1..limit).find(stop) else {
            i += 1;
            continue;
        };
        if text.at(end) != close {
            i += 1;
            continue;
        }
        let held = held(text, i + 1..end);
        if close == '_' {
            // "__B__": a key between underscores; words between them are the wording between two blanks.
            if let Some(held @ Held::Key(_)) = held
                && (text.before(i) == '_' || text.at(end + 1) == '_')
            {
                found.push(Bracket { open: i, close: end, held });
            }
            i = end;
            continue;
        }
        if let Some(held) = held {
            found.push(Bracket { open: i, close: end, held });
        }
        i = end + 1;
    }
    found
}

fn held(text: &Text, mut inside: Range<usize>) -> Option<Held> {
    if inside.clone().all(|i| matches!(text.at(i), '_' | '…')) {
        return Some(Held::Blank);
    }
    // "(__B__)"
    while matches!(text.at(inside.start), '_' | '*') {
        inside.start += 1;
    }
    while matches!(text.before(inside.end), '_' | '*') {
        inside.end -= 1;
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
