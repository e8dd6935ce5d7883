//! Section heads in their dress: `【判断题】`, `★ 单选题 ★`, `== 多选题 ==`, `2. ◆判断题◆`, `——简答题——`.
//!
//! Promises: signs around a kind name that stands alone, with an ordinal or with figures, are taken out and the name is
//! flagged, so that `header` finds it however it is decorated and no key reads across it. A kind in brackets behind an
//! item number is the tag of that item and stays.

use std::ops::Range;

use super::fold::{HEAD, LINE, Text};
use super::kinds;

const OPENS: &str = "【[《〖「『〔<(";
const CLOSES: &str = "】]》〗」』〕>)";

fn is_sign(c: char) -> bool {
    OPENS[.."【[《〖「『〔<".len()].contains(c)
        || CLOSES[.."】]》〗」』〕>".len()].contains(c)
        || "#*=~-—–─━═_◆◇★☆■□▶►▷▲△▼●○◎•·※§|+✦✧❖♦♥→⇒➤✎✿❀◈▍▌█│┃".contains(c)
}

/// Takes the dress of heads out of `text`.
pub(super) fn undress(mut text: Text) -> Text {
    let mut gone: Vec<Range<usize>> = Vec::new();
    let mut names: Vec<usize> = Vec::new();
    for line in text.lines() {
        if let Some(name) = whole_line(&text, line.clone(), &mut gone) {
            names.push(name);
            continue;
        }
        for i in line.clone() {
            if let Some((name, end)) = inside(&text, i, line.start) {
                gone.push(i..name);
                gone.push(end..end + 1);
                names.push(name);
            }
        }
    }
    for name in names {
        text.flags[name] |= HEAD | LINE;
    }
    gone.retain(|range| !range.is_empty());
    let gone: Vec<(Range<usize>, bool)> = gone.into_iter().map(|range| (range, false)).collect();
    text.without(&gone)
}

/// A line that is a head: where its name begins; what decorates it goes into `gone`.
fn whole_line(text: &Text, line: Range<usize>, gone: &mut Vec<Range<usize>>) -> Option<usize> {
    if line.len() > 160 {
        return None;
    }
    let signs = |from: usize, to: usize| (from..to).find(|&i| !is_sign(text.at(i))).unwrap_or(to);
    let start = signs(line.start, line.end);
    let mut end = line.end;
    while end > start && is_sign(text.at(end - 1)) {
        end -= 1;
    }
    // "第一部分", "一、", "(二)", "3."
    let mut name = start;
    let numeral = |i: usize| "一二三四五六七八九十".contains(text.at(i));
    let open = usize::from(text.at(name) == '(');
    let run = (name + open..end).take_while(|&i| numeral(i)).count();
    let figures = (name..end.min(name + 3)).take_while(|&i| text.at(i).is_ascii_digit()).count();
    let mut figure = None;
    if run > 0 && matches!(text.at(name + open + run), '、' | '.' | ')' | ':' | ',') {
        name += open + run + 1;
    } else if figures > 0 && matches!(text.at(name + figures), '.' | '、') {
        figure = Some(name..name + figures + 1);
        name += figures + 1;
    }
    let past = signs(name, end);
    let (length, named) = kinds::at(text, past)?;
    let after = past + length;
    let tail = signs(after, end);
    let rest = tail..end;
    let noted = matches!(text.at(tail), '(' | ':' | '共' | '每' | ',')
        || (matches!(text.at(after), '(' | ':' | '共' | '每' | '[' | '【') && tail == after);
    if !(rest.is_empty() || noted) {
        return None;
    }
    let dressed = start > line.start || end < line.end || past > name || tail > after;
    // "3. 判断题" alone on its line is a head; "3. 判断" may be an answer.
    if !(dressed || (figure.is_some() && !named.short)) {
        return None;
    }
    // "【判断题】1、…" is no line of its own; neither is "(B)".
    if rest.clone().any(|i| text.at(i) == '√') {
        return None;
    }
    gone.push(line.start..start);
    if let Some(figure) = figure {
        gone.push(figure);
    }
    gone.push(name..past);
    // A closing sign of a bracket that opens behind the name belongs to its figures.
    if rest.is_empty() {
        gone.push(after..line.end);
    } else {
        gone.push(after..tail);
        let opened = (tail..end).filter(|&i| matches!(text.at(i), '[' | '【')).count();
        let closed = (tail..end).filter(|&i| matches!(text.at(i), ']' | '】')).count();
        gone.push(end + usize::from(opened > closed && end < line.end)..line.end);
    }
    Some(past)
}

/// A kind in brackets inside a line that opens a section: where its name begins and ends.
fn inside(text: &Text, i: usize, start: usize) -> Option<(usize, usize)> {
    let close = OPENS.chars().position(|c| c == text.at(i)).and_then(|n| CLOSES.chars().nth(n))?;
    if close == ')' {
        return None;
    }
    let (length, _) = kinds::at(text, i + 1)?;
    let end = i + 1 + length;
    if text.at(end) != close {
        return None;
    }
    // Behind an item number it is the tag of that item.
    let ahead = text.before(i);
    let past = if i < 2 { '\0' } else { text.at(i - 2) };
    let tag = i > start && (matches!(ahead, '.' | '、' | ')') && past.is_ascii_digit());
    let mut digits = end + 1;
    while text.at(digits) == '(' || text.at(digits) == '_' {
        digits += 1;
    }
    while text.at(digits) == ')' {
        digits += 1;
    }
    let figure = (digits..digits + 4).take_while(|&k| text.at(k).is_ascii_digit()).count();
    let number = figure > 0 && matches!(text.at(digits + figure), '.' | '、' | ')');
    let first = number && text.folded(digits..digits + figure) == "1";
    let fits = first || (number && !tag);
    fits.then_some((i + 1, end))
}
