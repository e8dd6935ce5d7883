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
    /// A bracket directly before, empty or with a key: its first character.
    pub(super) bracket: Option<usize>,
}

/// All marks of the text, in order.
pub(super) fn find(text: &Text) -> Vec<Mark> {
    let mut marks = Vec::new();
    let mut i = 0;
    while i < text.len() {
        if !text.at(i).is_ascii_digit() {
            i += 1;
            continue;
        }
        let start = i;
        while text.at(i).is_ascii_digit() {
            i += 1;
        }
        // Only the last digits can be a number before punctuation; longer runs are codes and telephone numbers.
        for from in start.max(i.saturating_sub(4))..i {
            let broken = from > start && text.has(from, LINE | CUT | WRAP | BLANK);
            if let Some(mark) = mark(text, from, i, from > start && !broken) {
                marks.push(mark);
            }
        }
    }
    marks
}

fn mark(text: &Text, from: usize, to: usize, glued: bool) -> Option<Mark> {
    if text.at(from) == '0' {
        return None;
    }
    let value = (from..to).fold(0, |sum, i| sum * 10 + text.at(i).to_digit(10).unwrap_or(0));
    let hard = text.breaks(from);
    let before = text.before(from);
    let (at, end, style, odd) = match text.at(to) {
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
    let list = matches!(ahead, '、' | ',' | '.' | ':') && past.is_ascii_digit();
    let labelled = matches!(ahead, '.' | '、' | ':') && past.is_ascii_uppercase();
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
    Some(Mark { at, end, value, style, hard, glued, doubtful, decimal, odd, bracket: bracket(text, at) })
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
