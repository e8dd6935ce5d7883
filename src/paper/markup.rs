//! Takes the marks of Markdown and HTML out of the folded text: signs that say how words look, not what they are.
//!
//! Promises: heading signs, quotes and bullets before a part of a question, bold signs, rule lines, code fences and the
//! tags around an answer are gone, the words stay; a bold option is left as it is, because that may be how its key is
//! printed; nothing inside a code block is touched, and its lines are marked as code. What was taken is told once.

use std::ops::Range;

use super::finding::{Code, Finding};
use super::fold::{BLANK, CODE, Text};

/// Tags that only lay out; `u`, `sub`, `sup` and `img` say something and stay.
const TAGS: &[&str] = &[
    "p", "br", "div", "span", "details", "summary", "b", "strong", "em", "font", "center", "hr", "ul", "ol",
    "li", "table", "tbody", "thead", "tr", "td", "th", "h1", "h2", "h3", "h4", "h5", "h6", "section",
    "article",
];

/// What the lid of a folded answer says.
const LIDS: &[&str] = &[
    "答案",
    "参考答案",
    "查看答案",
    "点击查看答案",
    "点击查看",
    "显示答案",
    "展开答案",
    "答案与解析",
    "答案及解析",
    "答案解析",
    "解析",
    "Answer",
    "answer",
    "Answers",
    "Solution",
    "ShowAnswer",
    "Showanswer",
    "Clicktoexpand",
    "Clicktoreveal",
];

/// Words that open a part of a question behind a bullet.
const PARTS: &[&str] = &[
    "答案",
    "正确答案",
    "参考答案",
    "标准答案",
    "解析",
    "答:",
    "解释",
    "【",
    "题目:",
    "题干:",
    "选项",
    "Answer",
    "answer",
    "ANSWER",
    "Correct",
    "Ans",
    "Explanation",
];

/// Finds and removes markup.
pub(super) fn strip(mut text: Text, findings: &mut Vec<Finding>) -> Text {
    let mut gone: Vec<Range<usize>> = Vec::new();
    let mut code: Vec<Range<usize>> = Vec::new();
    let mut fence: Option<usize> = None;
    for line in text.lines() {
        if is_fence(&text, &line) {
            match fence.take() {
                Some(from) => code.push(from..line.start),
                None => fence = Some(line.end),
            }
            gone.push(line);
        } else if fence.is_none() {
            strip_line(&text, line, &mut gone);
        }
    }
    for range in code {
        // One letter in a fence is an answer, not a program.
        if range.len() > 4 {
            text.flags[range].iter_mut().for_each(|flags| *flags |= CODE);
        }
    }
    gone.retain(|range| !range.is_empty());
    gone.sort_by_key(|range| (range.start, range.end));
    let mut end = 0;
    gone.retain(|range| {
        let apart = range.start >= end;
        end = end.max(range.end);
        apart
    });
    let Some(first) = gone.first().cloned() else { return text };
    findings.push(Finding::new(
        Code::Markup,
        text.line(first.start),
        text.show(first),
        format!(
            "{} pieces of markup were left out, beginning here; the words between them were kept",
            gone.len()
        ),
    ));
    let gone: Vec<(Range<usize>, bool)> = gone.into_iter().map(|range| (range, false)).collect();
    text.without(&gone)
}

fn is_fence(text: &Text, line: &Range<usize>) -> bool {
    let sign = text.at(line.start);
    matches!(sign, '`' | '~')
        && line.len() <= 24
        && (line.start..line.start + 3).all(|i| text.at(i) == sign)
        && (line.start + 3..line.end)
            .all(|i| text.at(i).is_ascii_alphanumeric() || "`~+#-_.".contains(text.at(i)))
}

fn strip_line(text: &Text, line: Range<usize>, gone: &mut Vec<Range<usize>>) {
    if is_rule(text, &line) {
        gone.push(line);
        return;
    }
    let mut from = line.start;
    while let Some(end) = prefix(text, from, line.end) {
        gone.push(from..end);
        from = end;
    }
    bold(text, from..line.end, gone);
    tags(text, from..line.end, gone);
    for i in from..line.end {
        if text.at(i) == '&'
            && let Some((_, length)) = text.one_of(i, &["&nbsp;", "&emsp;", "&ensp;", "&#160;"])
        {
            gone.push(i..i + length);
        }
        // "1\." and "\_\_\_": signs that Markdown would have taken for its own.
        if text.at(i) == '\\'
            && (text.at(i + 1) == '_' || (text.at(i + 1) == '.' && text.before(i).is_ascii_alphanumeric()))
        {
            gone.push(i..i + 1);
        }
        if let Some(end) = options_lid(text, i) {
            gone.push(i..end);
        }
    }
}

/// A line of nothing but one sign.
fn is_rule(text: &Text, line: &Range<usize>) -> bool {
    let sign = text.at(line.start);
    line.len() >= 3 && "-=*~—─━═".contains(sign) && line.clone().all(|i| text.at(i) == sign)
}

/// A sign that opens a line: its end.
fn prefix(text: &Text, at: usize, end: usize) -> Option<usize> {
    if at >= end {
        return None;
    }
    let next = at + 1;
    match text.at(at) {
        '>' => (text.has(next, BLANK) || opens_part(text, next) || next == end).then_some(next),
        '#' => {
            let after = (at..end).find(|&i| text.at(i) != '#').unwrap_or(end);
            let c = text.at(after);
            let heads = after - at <= 6
                && (text.has(after, BLANK) || !c.is_ascii() || c.is_ascii_digit() || c == '*');
            (heads && after < end).then_some(after)
        }
        '-' | '*' | '+' => {
            (text.has(next, BLANK) && text.at(next) != '[' && opens_part(text, next)).then_some(next)
        }
        '•' | '●' | '·' | '◦' | '▪' | '■' | '○' | '◇' | '◆' | '★' | '☆' => {
            opens_part(text, next).then_some(next)
        }
        _ => None,
    }
}

/// Whether an option, a number or the words of an answer stand at `i`.
fn opens_part(text: &Text, i: usize) -> bool {
    let mut at = i;
    while text.starts(at, "**") {
        at += 2;
    }
    if is_label(text, at).is_some() || text.one_of(at, PARTS).is_some() {
        return true;
    }
    if text.at(at) == '#' || text.at(at) == '>' {
        return true;
    }
    let digits = (at..at + 6).take_while(|&k| text.at(k).is_ascii_digit()).count();
    digits > 0 && matches!(text.at(at + digits), '.' | '、' | ')' | ':')
}

/// An option label at `i`: its end.
fn is_label(text: &Text, i: usize) -> Option<usize> {
    let open = usize::from(matches!(text.at(i), '(' | '【' | '['));
    let letter = i + open;
    let close = text.at(letter + 1);
    let fits = match text.at(letter) {
        'A'..='J' | 'a'..='j' if open == 1 => matches!(close, ')' | '】' | ']'),
        'A'..='J' | 'a'..='j' => matches!(close, '.' | '、' | ':' | ')'),
        _ => false,
    };
    fits.then_some(letter + 2)
}

/// Bold signs in pairs, where the bold words are not an option or its text.
fn bold(text: &Text, line: Range<usize>, gone: &mut Vec<Range<usize>>) {
    let mut i = line.start;
    while i + 1 < line.end {
        if !text.starts(i, "**") {
            i += 1;
            continue;
        }
        let inside = i + 2;
        let Some(close) = (inside..line.end.saturating_sub(1)).find(|&k| text.starts(k, "**")) else {
            return;
        };
        let label = is_label(text, inside);
        let option = label.is_some_and(|end| end < close);
        let behind = i >= line.start + 2 && is_label(text, i - 2).is_some();
        if close > inside && !option && !behind {
            gone.push(i..inside);
            gone.push(close..close + 2);
        }
        i = close + 2;
    }
}

/// Tags of a line that holds nothing else but the lid of an answer, a paragraph, or a line end.
fn tags(text: &Text, line: Range<usize>, gone: &mut Vec<Range<usize>>) {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut i = line.start;
    while i < line.end {
        match tag(text, i, line.end) {
            Some(end) => {
                found.push(i..end);
                i = end;
            }
            None => i += 1,
        }
    }
    let Some(first) = found.first().cloned() else { return };
    let mut rest = String::new();
    let mut at = line.start;
    for range in &found {
        rest.push_str(&text.folded(at..range.start));
        at = range.end;
    }
    rest.push_str(&text.folded(at..line.end));
    let lid = text.contains(line.clone(), &["<summary", "<details"]);
    if lid && LIDS.contains(&rest.trim_end_matches(':')) {
        gone.push(line);
        return;
    }
    let around =
        first.start == line.start && found.len() > 1 && found.last().is_some_and(|l| l.end == line.end);
    if rest.is_empty() || around || lid {
        gone.extend(found);
    } else {
        gone.extend(found.into_iter().filter(|t| t.end == line.end && text.starts(t.start, "<br")));
    }
}

/// A laying-out tag at `i`: its end.
fn tag(text: &Text, i: usize, end: usize) -> Option<usize> {
    if text.at(i) != '<' {
        return None;
    }
    let name = i + 1 + usize::from(text.at(i + 1) == '/');
    let after = (name..end.min(name + 9)).find(|&k| !text.at(k).is_ascii_alphanumeric())?;
    let word = text.folded(name..after).to_ascii_lowercase();
    // Attributes lost their blank: "<divclass=…".
    let known = TAGS.contains(&word.as_str())
        || ["div", "span", "p", "font", "td", "table", "details"].iter().any(|t| {
            word.strip_prefix(t).is_some_and(|r| {
                r.starts_with("class")
                    || r.starts_with("style")
                    || r == "open"
                    || r.starts_with("align")
                    || r.starts_with("color")
            })
        });
    let close = (after..end.min(after + 120)).find(|&k| matches!(text.at(k), '>' | '<'))?;
    (known && text.at(close) == '>').then_some(close + 1)
}

/// `【选项】` before option A: its end.
fn options_lid(text: &Text, i: usize) -> Option<usize> {
    let (word, length) =
        text.one_of(i, &["【选项】:", "【选项】", "[选项]", "选项:", "Options:", "OPTIONS:"])?;
    let bare = !word.starts_with(['【', '[']);
    if bare && !text.breaks(i) {
        return None;
    }
    let end = i + length;
    matches!(text.at(end), 'A' | 'a' | '(' | '【').then_some(())?;
    is_label(text, end).map(|_| end)
}
