//! Section headers and the chapter names above them.
//!
//! Promises: finds headers on lines of their own, glued behind anything and glued before item 1, with the ordinal
//! 一、 第一部分 (一), with a lost one or with none; re-joins a points bracket that is broken over lines. A kind name
//! inside prose, inside an option or inside a question is no header.

use std::ops::Range;

use super::Kind;
use super::fold::{BLANK, HEAD, LINE, Text, WRAP};
use super::kinds::{self, Named};
use super::points::{self, Points};

/// Words that open a chapter name.
const CHAPTERS: &[&str] = &["课题", "项目", "模块", "单元", "任务", "专题"];

/// One section header.
#[derive(Debug, Clone)]
pub(super) struct Header {
    /// Where it begins, ordinal included.
    pub(super) at: usize,
    /// Where its items or its preamble begin.
    pub(super) end: usize,
    /// Ordinal as printed.
    pub(super) ordinal: Option<String>,
    /// Value of the ordinal.
    pub(super) number: Option<u32>,
    /// Only the punctuation of an ordinal is left.
    pub(super) lost_ordinal: bool,
    /// Name as printed.
    pub(super) title: String,
    /// Kind.
    pub(super) kind: Kind,
    /// What its name says.
    pub(super) named: Named,
    /// Figures in the bracket.
    pub(super) points: Points,
    /// The inside of the bracket.
    pub(super) note: Option<Range<usize>>,
    /// Foreign lines inside the bracket.
    pub(super) foreign: Option<Range<usize>>,
    /// It is broken over lines.
    pub(super) wraps: bool,
    /// Chapter that is printed directly before, and where that begins.
    pub(super) chapter: Option<(usize, String)>,
}

/// All section headers, in order.
pub(super) fn find(text: &Text) -> Vec<Header> {
    let mut headers: Vec<Header> = Vec::new();
    let mut i = 0;
    while i < text.len() {
        if let Some(header) = english(text, i) {
            i = header.end.max(i + 1);
            headers.push(header);
            continue;
        }
        let Some((length, named)) = kinds::at(text, i) else {
            i += 1;
            continue;
        };
        let name_end = i + length;
        match header(text, i, name_end, named, headers.last()) {
            Some(header) => {
                i = header.end.max(name_end);
                headers.push(header);
            }
            None => i = name_end,
        }
    }
    for i in 0..headers.len() {
        let floor = if i == 0 { 0 } else { headers[i - 1].end };
        let restarts = i == 0 || headers[i].number.zip(headers[i - 1].number).is_none_or(|(a, b)| a <= b);
        headers[i].chapter = chapter_before(text, headers[i].at, floor, restarts);
    }
    headers
}

fn header(text: &Text, name: usize, name_end: usize, named: Named, last: Option<&Header>) -> Option<Header> {
    let Named { kind, short, .. } = named;
    let before = text.before(name);
    let past = if name < 2 { '\0' } else { text.at(name - 2) };
    // "B.多选题" is an option, "非选择题" and "这类选择题" are prose.
    if matches!(before, '.' | '、' | ':' | ')') && past.is_ascii_uppercase() && !text.breaks(name) {
        return None;
    }
    let ordinal = ordinal_before(text, name);
    let at = ordinal.as_ref().map_or(name, |o| o.0);
    let lost = ordinal.is_none() && before == '、' && !past.is_ascii_alphanumeric() && text.breaks(name - 1);
    let at = if lost { name - 1 } else { at };
    let mut end = name_end;
    if let Some((_, length)) = text.one_of(end, &["部分"]) {
        end += length;
    }
    let title_end = end;
    let broken = |i: usize| text.breaks(i);
    if text.at(end) == ':' && text.at(end + 1) == '(' {
        end += 1;
    }
    let mut note = None;
    let mut foreign = None;
    let mut points = Points::default();
    let mut wraps = (at + 1..title_end).any(|i| text.has(i, LINE | WRAP));
    if matches!(text.at(end), '(' | '[' | '【')
        && let Some(close) = closing(text, end, 260)
    {
        let inside = end + 1..close;
        let words = text.folded(inside.clone());
        if worth_a_note(&words) {
            points = points::read(&words);
            let lines: Vec<usize> = inside.clone().skip(1).filter(|&i| text.has(i, LINE)).collect();
            wraps |= inside.clone().any(|i| text.has(i, LINE | WRAP));
            // "(每" / a foreign line / "题5分)": what makes sense only without the middle was interleaved.
            if let (Some(&first), Some(&last)) = (lines.first(), lines.last())
                && last > first
            {
                let outer = format!("{}{}", text.folded(inside.start..first), text.folded(last..inside.end));
                let joined = points::read(&outer);
                if joined.any() && (joined.each.is_some() && points.each.is_none() || inside.len() > 60) {
                    points = joined;
                    foreign = Some(first..last);
                }
            }
            note = Some(inside);
            end = close + 1;
        }
    } else if text.at(end) == '(' && text.one_of(end + 1, &["每", "共", "本", "把", "请", "下"]).is_some()
    {
        // The bracket never closes: the text is cut or the close was lost. Its line is all there is.
        let stop =
            (end + 1..text.len().min(end + 80)).find(|&i| text.breaks(i)).unwrap_or(text.len().min(end + 80));
        let words = text.folded(end + 1..stop);
        if stop < end + 80 {
            points = points::read(&words);
            note = Some(end + 1..stop);
            end = stop;
        }
    }
    if note.is_none() && !broken(title_end) {
        // "一、单选题 共20题,每题1分" and "一、单选题:每题2分,共30分。"
        let from = title_end + usize::from(matches!(text.at(title_end), ':' | ',' | '。' | '.'));
        if text.one_of(from, &["每", "共", "本大题", "本题"]).is_some() {
            let stop = (from..text.len().min(from + 60))
                .find(|&i| {
                    text.breaks(i)
                        || matches!(text.at(i), '。')
                        || text.starts(i, "1.")
                        || text.starts(i, "1、")
                })
                .unwrap_or(from);
            let found = points::read(&text.folded(from..stop));
            if found.any() {
                points = found;
                note = Some(from..stop);
                end = stop + usize::from(text.at(stop) == '。');
            }
        }
    }
    if matches!(text.at(end), ':' | '。') || (text.at(end) == '.' && !text.at(end + 1).is_ascii_digit()) {
        end += 1;
    }
    let stands = broken(title_end) || broken(end);
    let item = item_number(text, end);
    let first = item == Some(1);
    let colon = text.at(title_end) == ':';
    let noted = note.is_some();
    let sequel = match (&ordinal, last.and_then(|l| l.number)) {
        (Some((_, _, value)), Some(number)) => *value == number + 1,
        _ => false,
    };
    let accepted = if ordinal.is_some() {
        let story = matches!(kind, Kind::CaseAnalysis | Kind::Scenario | Kind::Picture)
            && (sequel || text.breaks(at) || (last.is_none() && !short));
        noted
            || stands
            || item.is_some()
            || colon
            || (story && !matches!(text.at(title_end), '的' | '与' | '和' | '、'))
    } else if lost || text.has(name, HEAD) {
        noted || stands || item.is_some()
    } else if text.breaks(name) {
        (noted && points.any()) || (!short && (stands || first || noted))
    } else {
        // Glued behind something and without an ordinal: only with figures, or right before item 1.
        !short
            && before != '非'
            && ((points.each.is_some() || (points.count.is_some() && points.total.is_some())) || first)
    };
    if !accepted {
        return None;
    }
    let mut kind = kind;
    if let Some(inside) = &note {
        let words = text.folded(inside.clone());
        if text.starts(name, "选择题") {
            kind = match () {
                () if words.contains("不定项") => Kind::IndeterminateChoice,
                () if words.contains("多选") || words.contains("多项") => Kind::MultipleChoice,
                () => kind,
            };
        }
    }
    Some(Header {
        at,
        end,
        ordinal: ordinal.as_ref().map(|o| o.1.clone()),
        number: ordinal.as_ref().map(|o| o.2),
        lost_ordinal: lost,
        title: text.show(name..title_end),
        kind,
        named: Named { kind, ..named },
        points,
        note,
        foreign,
        wraps,
        chapter: None,
    })
}

/// An English header that opens a line at `i`: `Part I Multiple Choice (2 points each)`, `Section B`, `True or False`.
fn english(text: &Text, i: usize) -> Option<Header> {
    if !text.breaks(i) || !text.at(i).is_ascii_alphabetic() {
        return None;
    }
    let line = (i + 1..text.len().min(i + 160)).find(|&k| text.breaks(k))?;
    let ordinal = english_ordinal(text, i, line);
    let name = ordinal.as_ref().map_or(i, |o| o.0);
    let named = kinds::english(text, name);
    let title_end = named.map_or(name, |(length, _)| name + length);
    // What follows the name is figures or an instruction, never the rest of a sentence.
    let rest = title_end..line;
    let opens =
        rest.is_empty() || matches!(text.at(title_end), '(' | '[' | ':' | '.' | '-' | '–' | '—' | ',' | ';');
    let words = text.folded(rest.clone());
    let points = points::read(&words);
    if !opens || (words.ends_with('?') && !points.any()) {
        return None;
    }
    let named = match (named, &ordinal) {
        (Some((_, named)), _) => named,
        // "Section B" by itself: the questions say what they are.
        (None, Some(_)) => Named {
            kind: content_kind(text, line)?,
            short: false,
            unknown: false,
            reading: false,
            shared: false,
        },
        (None, None) => return None,
    };
    let note = (!rest.is_empty()).then_some(rest);
    Some(Header {
        at: i,
        end: line,
        ordinal: ordinal.as_ref().map(|o| o.1.clone()),
        number: ordinal.as_ref().map(|o| o.2),
        lost_ordinal: false,
        title: text.show(name..title_end),
        kind: named.kind,
        named,
        points,
        note,
        foreign: None,
        wraps: false,
        chapter: None,
    })
}

/// `Part I`, `Section B.`, `II.`: where the name behind it begins, as printed, its value.
fn english_ordinal(text: &Text, i: usize, line: usize) -> Option<(usize, String, u32)> {
    let word = text.one_of(i, &["Part", "PART", "Section", "SECTION"]).map_or(0, |w| w.1);
    let start = i + word;
    let roman = (start..line).take_while(|&k| matches!(text.at(k), 'I' | 'V' | 'X')).count();
    let digits = (start..line).take_while(|&k| text.at(k).is_ascii_digit()).count();
    let (end, value) = match () {
        () if roman > 0
            && (text.has(start + roman, BLANK | LINE) || !text.at(start + roman).is_ascii_alphabetic()) =>
        {
            (start + roman, roman_value(&text.folded(start..start + roman))?)
        }
        () if digits > 0 && word > 0 => (start + digits, text.folded(start..start + digits).parse().ok()?),
        () if word > 0
            && matches!(text.at(start), 'A'..='H')
            && (text.has(start + 1, BLANK | LINE) || !text.at(start + 1).is_ascii_alphanumeric()) =>
        {
            (start + 1, text.at(start) as u32 - 'A' as u32 + 1)
        }
        () => return None,
    };
    let separated = matches!(text.at(end), '.' | ':' | ')' | '-' | '–' | '—' | '、');
    // "I. Multiple choice": without its word, a numeral needs its point.
    if word == 0 && !separated {
        return None;
    }
    let name = end.min(line) + usize::from(separated && end < line);
    Some((name, text.show(i..end), value))
}

fn roman_value(words: &str) -> Option<u32> {
    let all = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X"];
    all.iter().position(|r| *r == words).and_then(|p| u32::try_from(p + 1).ok())
}

/// What the questions behind an English head without a name are.
fn content_kind(text: &Text, from: usize) -> Option<Kind> {
    let to = text.len().min(from + 400);
    let numbered =
        (from..to).any(|i| text.breaks(i) && (item_number(text, i).is_some() || text.at(i) == 'Q'));
    let option = |i: usize| {
        text.breaks(i) && matches!(text.at(i), 'A' | 'a') && matches!(text.at(i + 1), '.' | ')' | ':')
    };
    match () {
        () if !numbered => None,
        () if (from..to).any(option) => Some(Kind::SingleChoice),
        () if (from..to).any(|i| text.starts(i, "__")) => Some(Kind::FillBlank),
        () => Some(Kind::ShortAnswer),
    }
}

/// Whether a bracket behind a kind name belongs to the header.
fn worth_a_note(words: &str) -> bool {
    let figures = words.contains(|c: char| c.is_ascii_digit());
    (figures && (words.contains('分') || words.contains('题')))
        || ["每", "共", "请", "下列", "答案", "正确", "选项", "单选", "多选", "多项", "不定项", "打", "填"]
            .iter()
            .any(|w| words.contains(w))
}

/// The bracket that closes the one at `open`, nested ones skipped.
fn closing(text: &Text, open: usize, most: usize) -> Option<usize> {
    let (opens, closes) = match text.at(open) {
        '[' => ('[', ']'),
        '【' => ('【', '】'),
        _ => ('(', ')'),
    };
    let mut depth = 0_u32;
    for i in open..text.len().min(open + most) {
        if text.at(i) == opens {
            depth += 1;
        } else if text.at(i) == closes {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return Some(i);
            }
        }
    }
    None
}

/// The value of an item number that stands at `i`.
fn item_number(text: &Text, i: usize) -> Option<u32> {
    let mut at = i;
    if text.at(at) == '(' {
        let close = (at + 1..at + 10).find(|&i| text.at(i) == ')')?;
        if close > at + 1
            && text.at(at + 1).is_ascii_digit()
            && (at + 1..close).all(|i| text.at(i).is_ascii_digit())
        {
            return text.folded(at + 1..close).parse().ok();
        }
        let key = |c: char| matches!(c, 'A'..='H' | '√' | '×' | '、' | ',' | '对' | '错' | 'T' | '_');
        if !(at + 1..close).all(|i| key(text.at(i))) {
            return None;
        }
        at = close + 1;
    }
    let start = at;
    while text.at(at).is_ascii_digit() && at < start + 4 {
        at += 1;
    }
    let closed = matches!(text.at(at), '.' | '、') || (text.at(at) == ')' && start == i);
    (at > start && closed).then(|| text.folded(start..at).parse().ok()).flatten()
}

/// The ordinal that stands directly before `i`: where it begins, as printed, its value.
fn ordinal_before(text: &Text, i: usize) -> Option<(usize, String, u32)> {
    if i == 0 {
        return None;
    }
    let numerals = |end: usize| {
        let mut start = end;
        while start > 0 && end - start < 3 && "一二三四五六七八九十".contains(text.at(start - 1)) {
            start -= 1;
        }
        // "课题一三、": only the tail is the ordinal.
        (start..end).find_map(|s| points::numeral(&text.chars[s..end]).map(|v| (s, v)))
    };
    let mut sep = i;
    if matches!(text.before(sep), '、' | '.' | ',' | ':' | ')' | '·') {
        sep -= 1;
    }
    for (words, length) in [("部分", 2), ("大题", 2), ("篇", 1)] {
        if sep >= length
            && text.starts(sep - length, words)
            && let Some((start, value)) = numerals(sep - length).or_else(|| digits_before(text, sep - length))
            && text.before(start) == '第'
        {
            return Some((start - 1, text.show(start - 1..sep), value));
        }
    }
    if sep == i {
        // "一 单选题" with a blank for separator.
        let (start, value) = numerals(i)?;
        return (text.breaks(start) && text.has(i, BLANK)).then(|| (start, text.show(start..i), value));
    }
    let (start, value) = numerals(sep)?;
    if text.at(sep) == ')' {
        // "…试卷(二)" over a header without an ordinal is the number of the paper.
        let paper = start >= 2
            && !text.breaks(start - 1)
            && matches!(text.at(start - 2), '卷' | '题' | '库' | '试' | '习' | '验' | '》' | '编' | '套');
        return (text.before(start) == '(' && !paper).then(|| (start - 1, text.show(start..sep), value));
    }
    Some((start, text.show(start..sep), value))
}

fn digits_before(text: &Text, end: usize) -> Option<(usize, u32)> {
    let mut start = end;
    while start > 0 && end - start < 2 && text.at(start - 1).is_ascii_digit() {
        start -= 1;
    }
    (start < end).then(|| text.folded(start..end).parse().ok().map(|v| (start, v))).flatten()
}

/// The chapter marker at `i`: the end of its ordinal.
pub(super) fn chapter_at(text: &Text, i: usize) -> Option<usize> {
    let numeral = |c: char| "一二三四五六七八九十".contains(c) || c.is_ascii_digit();
    let run = |from: usize| (from..from + 3).take_while(|&k| numeral(text.at(k))).count();
    if let Some((_, length)) = text.one_of(i, CHAPTERS) {
        let digits = run(i + length);
        return (digits > 0).then_some(i + length + digits);
    }
    if text.at(i) == '第' {
        let digits = run(i + 1);
        let unit = i + 1 + digits;
        let length = match text.at(unit) {
            '章' | '讲' | '课' => 1,
            '单' if text.at(unit + 1) == '元' => 2,
            _ => 0,
        };
        return (digits > 0 && length > 0).then_some(unit + length);
    }
    None
}

/// The chapter whose name ends where a header begins.
fn chapter_before(text: &Text, header: usize, floor: usize, restarts: bool) -> Option<(usize, String)> {
    let from = floor.max(header.saturating_sub(60));
    let mut best = None;
    for i in from..header {
        let Some(end) = chapter_at(text, i).filter(|&e| e <= header) else { continue };
        let mut start = i;
        for label in ["试题库:", "题库:", "试题:", "习题:"] {
            let length = label.chars().count();
            if start >= floor + length && text.starts(start - length, label) {
                start -= length;
                break;
            }
        }
        let firm = text.breaks(start) || start < i;
        let plain = (end..header).all(|k| !matches!(text.at(k), '。' | '?' | '!' | ';' | '_'));
        if plain && (firm || restarts) {
            best = Some((start, i, end));
            break;
        }
    }
    let (start, marker, end) = best?;
    Some((start, chapter_name(text, marker, end, header)))
}

/// `课题一 名称`, however the name is attached.
fn chapter_name(text: &Text, marker: usize, end: usize, stop: usize) -> String {
    let stop = (end..stop).find(|&k| k > end && text.breaks(k)).unwrap_or(stop);
    let ordinal = text.show(marker..end);
    let mut name = text.show(end..stop);
    if let Some(inner) = name.strip_prefix(['(', '（']).and_then(|n| n.strip_suffix([')', '）'])) {
        name = inner.to_owned();
    }
    let name = name.trim_matches([':', '：', ' ', '、', '.']);
    if name.is_empty() { ordinal } else { format!("{ordinal} {name}") }
}
