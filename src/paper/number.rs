//! Item numbers: every place in the stream where one may stand.
//!
//! Promises: finds all forms (`7.` `7、` `7 . ` `7.、` `(7)` `7)` `第7题` `()7.`), also behind Latin letters, wrapped in
//! mid-number, or glued to the digits of an option. Decimals, dates and lists are marked, not dropped: whether a mark
//! is an item number is decided by the expected next number in `items`.

use super::fold::{BLANK, CUT, LINE, Text, WRAP};

/// How a number is punctuated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// `7.`
    Dot,
    /// `7、`
    Pause,
    /// `7)` and `(7)`
    Paren,
}

/// One place where an item number may stand.
#[derive(Debug, Clone)]
pub(super) struct Mark {
    /// First character of the number itself.
    pub(super) at: usize,
    /// Behind its punctuation.
    pub(super) end: usize,
    /// Its value.
    pub(super) value: u32,
    /// Its punctuation.
    pub(super) style: Style,
    /// A line begins here for sure.
    pub(super) hard: bool,
    /// The digits are the tail of a longer run of digits.
    pub(super) glued: bool,
    /// May as well be a decimal, a date or a member of a list.
    pub(super) doubtful: bool,
    /// Doubtful only because digits follow the point: "3.24小时" may be item 3 or a figure.
    pub(super) decimal: bool,
    /// Both `.` and `、` are printed.
    pub(super) odd: bool,
    /// Named instead of numbered.
    pub(super) unnumbered: bool,
    /// A bracket directly before, empty or with a key: its first character.
    pub(super) bracket: Option<usize>,
}

/// All marks of the text, in order.
pub(super) fn find(text: &Text) -> Vec<Mark> {
    let mut marks: Vec<Mark> = Vec::new();
    let mut i = 0;
    while i < text.len() {
        if let Some(end) = address(text, i) {
            i = end;
            continue;
        }
        if let Some(mark) = named(text, i, marks.last()) {
            i = mark.end;
            marks.push(mark);
            continue;
        }
        if !text.at(i).is_ascii_digit() {
            i += 1;
            continue;
        }
        let start = i;
        while text.at(i).is_ascii_digit() {
            i += 1;
        }
        // A long run at once, then its last digits: "D.507." may be option 50 and question 7. Codes and telephone
        // numbers are longer.
        let mut whole = false;
        if (5..=9).contains(&(i - start))
            && let Some(mark) = mark(text, start, i, false)
        {
            whole = mark.hard && !mark.doubtful;
            marks.push(mark);
        }
        for from in start.max(i.saturating_sub(4))..i {
            let broken = from > start && text.has(from, LINE | CUT | WRAP | BLANK);
            // The tail of a number that opens a line is no number of its own.
            if whole && !broken {
                continue;
            }
            if let Some(mark) = mark(text, from, i, from > start && !broken) {
                whole |= from == start && mark.hard && !mark.doubtful;
                marks.push(mark);
            }
        }
    }
    marks
}

/// A web address at `i`: where it ends. Its digits and letters are no numbers and no labels.
pub(super) fn address(text: &Text, i: usize) -> Option<usize> {
    if !matches!(text.at(i), 'h' | 'H' | 'f' | 'w') || text.before(i).is_ascii_alphanumeric() {
        return None;
    }
    text.one_of(i, &["http://", "https://", "HTTP://", "HTTPS://", "ftp://", "www."])?;
    let inside = |k: usize| {
        let c = text.at(k);
        k < text.len() && c.is_ascii() && !"()<>\"'`".contains(c) && !text.has(k, LINE | BLANK | CUT)
    };
    Some((i + 1..).find(|&k| !inside(k)).unwrap_or(text.len()))
}

/// A question that is named instead of numbered, `题目:` and `【题干】`: it takes the number after the last one.
fn named(text: &Text, i: usize, last: Option<&Mark>) -> Option<Mark> {
    let open = matches!(text.at(i), '【' | '[' | '题' | 'Q' | 'q');
    if !open || last.is_some_and(|l| l.end == i) {
        return None;
    }
    let (word, length) = text.one_of(
        i,
        &[
            "【题干】:",
            "【题干】",
            "【题目】:",
            "【题目】",
            "[题干]",
            "[题目]",
            "题目:",
            "题干:",
            "Question:",
            "QUESTION:",
            "Q:",
        ],
    )?;
    if !word.starts_with(['【', '[']) && !text.breaks(i) {
        return None;
    }
    let value = last.filter(|l| l.unnumbered).map_or(1, |l| l.value + 1);
    Some(Mark {
        at: i,
        end: i + length,
        value,
        style: Style::Dot,
        hard: true,
        glued: false,
        doubtful: false,
        decimal: false,
        odd: false,
        unnumbered: true,
        bracket: bracket(text, i),
    })
}

/// Named questions count from one again behind each header.
pub(super) fn count_named(marks: &mut [Mark], starts: &[usize]) {
    let mut next = 0;
    let mut value = 0;
    for mark in marks.iter_mut().filter(|m| m.unnumbered) {
        while starts.get(next).is_some_and(|&s| s <= mark.at) {
            next += 1;
            value = 0;
        }
        value += 1;
        mark.value = value;
    }
}

/// A word before a number, `Q1`, `Question 1`, `题目1`, `【题干1`: where it begins, and whether a bracket is open.
fn word_before(text: &Text, from: usize) -> Option<(usize, bool)> {
    const WORDS: &[&str] = &[
        "Question", "QUESTION", "question", "Problem", "Exercise", "题目", "题干", "试题", "Item", "No.",
        "Q", "q",
    ];
    WORDS.iter().find_map(|word| {
        let start = from.checked_sub(word.chars().count())?;
        if !text.starts(start, word) {
            return None;
        }
        let bracketed = start > 0 && matches!(text.at(start - 1), '【' | '[');
        let opens = if word.is_ascii() {
            text.breaks(start) || text.has(start, BLANK) || !text.before(start).is_ascii_alphanumeric()
        } else {
            text.breaks(start)
        };
        (opens || bracketed).then(|| (start - usize::from(bracketed), bracketed))
    })
}

fn mark(text: &Text, from: usize, to: usize, glued: bool) -> Option<Mark> {
    if text.at(from) == '0' {
        return None;
    }
    let value = (from..to).fold(0, |sum, i| sum * 10 + text.at(i).to_digit(10).unwrap_or(0));
    let word = if glued { None } else { word_before(text, from) };
    let hard = text.breaks(from);
    let before = text.before(from);
    let (at, end, style, odd) = match text.at(to) {
        '】' | ']' if word.is_some_and(|w| w.1) => {
            (word.map_or(from, |w| w.0), to + 1 + usize::from(text.at(to + 1) == ':'), Style::Dot, false)
        }
        '题' if before == '第'
            && from >= 2
            && matches!(text.at(from - 2), '【' | '[')
            && matches!(text.at(to + 1), '】' | ']') =>
        {
            (from - 2, to + 2 + usize::from(text.at(to + 2) == ':'), Style::Dot, false)
        }
        '】' if before == '【' && text.breaks(from - 1) => (from - 1, to + 1, Style::Dot, false),
        '.' | ':' | '、' | ')' if word.is_some() => (word.map_or(from, |w| w.0), to + 1, Style::Dot, false),
        _ if word.is_some_and(|w| to - w.0 > 2 && text.breaks(w.0)) && text.has(to, LINE | BLANK) => {
            (word.map_or(from, |w| w.0), to, Style::Dot, false)
        }
        // "1【单选题】": the tag of the question stands for the point.
        '【' | '[' | '(' if hard && super::tag::at(text, to).is_some() => (from, to, Style::Dot, false),
        ')' if before == '(' => (from - 1, to + 1, Style::Paren, false),
        ')' if !text.has(to, LINE) => (from, to + 1, Style::Paren, false),
        '.' if text.at(to + 1) == '、' => (from, to + 2, Style::Dot, true),
        '、' if text.at(to + 1) == '.' => (from, to + 2, Style::Pause, true),
        '.' => (from, to + 1, Style::Dot, false),
        '、' => (from, to + 1, Style::Pause, false),
        ',' | ':' | '。' if hard && !text.at(to + 1).is_ascii_digit() => (from, to + 1, Style::Dot, true),
        '题' if before == '第' => {
            let more = usize::from(matches!(text.at(to + 1), '.' | '、' | ':'));
            (from - 1, to + 1 + more, Style::Dot, false)
        }
        _ => return None,
    };
    let hard = hard || text.breaks(at);
    let ahead = text.before(at);
    let past = if at < 2 { '\0' } else { text.at(at - 2) };
    let list = !hard && matches!(ahead, '、' | ',' | '.' | ':') && past.is_ascii_digit();
    let labelled = !hard && matches!(ahead, '.' | '、' | ':') && past.is_ascii_uppercase();
    let sign = matches!(
        ahead,
        '第' | '约' | '~' | '-' | '–' | '/' | '*' | '+' | '=' | '<' | '>' | '$' | '¥' | '#' | '×' | '至'
    );
    let next = text.at(end);
    let spaced = text.has(to, BLANK) || text.has(end, BLANK | LINE);
    let year = (end..end + 4).all(|i| text.at(i).is_ascii_digit()) && text.at(end + 4) == '年';
    let decimal = text.at(to) == '.' && !odd && next.is_ascii_digit() && !spaced && !year;
    let counted = text.at(to) == '、' && next.is_ascii_digit() && !year && {
        // "5、6、7": a list of numbers.
        let mut i = end;
        while text.at(i).is_ascii_digit() {
            i += 1;
        }
        text.at(i) == '、' || matches!(text.at(i), '和' | '两' | '三' | '号' | '月' | '天')
    };
    let other = counted || list || labelled || sign;
    let doubtful = decimal || other;
    let decimal = decimal && !other;
    Some(Mark {
        at,
        end,
        value,
        style,
        hard,
        glued,
        doubtful,
        decimal,
        odd,
        unnumbered: false,
        bracket: bracket(text, at),
    })
}

/// The bracket that closes directly before `at`, when it is empty or holds a key.
fn bracket(text: &Text, at: usize) -> Option<usize> {
    if text.before(at) != ')' {
        return None;
    }
    let close = at - 1;
    let open = (close.saturating_sub(12)..close).rev().find(|&i| text.at(i) == '(')?;
    let key = |c: char| {
        matches!(c, 'A'..='H' | '、' | ',' | ';' | '√' | '×' | '对' | '错' | 'T' | '正' | '确' | '误' | '_')
    };
    (open + 1..close).all(|i| key(text.at(i))).then_some(open)
}
