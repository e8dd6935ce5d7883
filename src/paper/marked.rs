//! Options that are marked as the key: `B.95度(正确答案)`, `*B.`, `√B`, `**B. 95度**`, `- [x] Green tea`, `● B`.
//!
//! Promises: a mark counts only when it tells some options of one question from the others; a sign that every option
//! carries is a bullet. The mark is taken out of the text, so that no candidate sees it, and left as a flag on the
//! label; which options make a question, and whether its key is stated elsewhere as well, is decided in `question`.

use std::ops::Range;

use super::fold::{BLANK, LINE, RIGHT, Text, WRAP};
use super::keys;
use super::kinds;

/// Words in brackets behind an option that is right.
const RIGHTS: &[&str] = &[
    "正确答案",
    "正确选项",
    "参考答案",
    "标准答案",
    "答案",
    "正确",
    "本题答案",
    "correctanswer",
    "correctoption",
    "correct",
    "rightanswer",
    "√",
];

/// The same for one that is wrong; they count only beside a right one.
const WRONGS: &[&str] = &["错误答案", "错误选项", "错误", "incorrect", "wrong", "×"];

/// Arrows and dashes before such words without brackets.
const ARROWS: &[&str] = &["<--", "<-", "<=", "←", "⇐", "--", "——", "#", "//", "-"];

/// One option of a group while it is looked at.
struct Member {
    /// Its letter.
    letter: usize,
    /// Where its text begins.
    text: usize,
    /// Signs before its label.
    ahead: Range<usize>,
    /// Where its text ends, signs included.
    end: usize,
    /// What has to go.
    gone: Vec<Range<usize>>,
    /// How it is marked.
    sign: Option<Sign>,
}

/// How an option is marked, the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sign {
    /// Signs that every option of a list may carry.
    Off,
    /// Bold or underlined from its first character to its last.
    Strong,
    /// A sign: √ * ● [x].
    Symbol,
    /// Words: (正确答案).
    Words,
}

/// Finds marks, flags the labels and takes the marks out of `text`.
pub(super) fn strip(mut text: Text) -> Text {
    let mut gone: Vec<Range<usize>> = Vec::new();
    lists(&mut text, &mut gone);
    small(&mut text);
    let mut group: Vec<Member> = Vec::new();
    let mut rights: Vec<usize> = Vec::new();
    let mut i = 0;
    while i < text.len() {
        let Some(end) = label(&text, i) else {
            i += 1;
            continue;
        };
        let letter = text.at(i) as usize - 'A' as usize;
        if group.last().is_none_or(|last| last.letter + 1 != letter || i - last.text > 600) {
            settle(&text, &mut group, i, &mut rights, &mut gone);
            if letter != 0 {
                i += 1;
                continue;
            }
        }
        let floor = group.last().map_or(0, |last| last.text);
        let ahead = signs_before(&text, i, floor);
        if let Some(last) = group.last_mut() {
            last.end = ahead.start;
        }
        group.push(Member { letter, text: end, ahead, end, gone: Vec::new(), sign: None });
        i = end;
    }
    settle(&text, &mut group, text.len(), &mut rights, &mut gone);
    for at in rights {
        if let Some(flags) = text.flags.get_mut(at) {
            *flags |= RIGHT;
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
    let gone: Vec<(Range<usize>, bool)> = gone.into_iter().map(|range| (range, false)).collect();
    text.without(&gone)
}

/// The label of an option at `i`: where its text begins.
fn label(text: &Text, i: usize) -> Option<usize> {
    if !matches!(text.at(i), 'A'..='H')
        || (text.before(i).is_ascii_alphanumeric() && !text.has(i, LINE | BLANK | WRAP))
    {
        return None;
    }
    match text.at(i + 1) {
        '.' | '、' | ':' | ')' => Some(i + 2),
        // "√A 温杯"
        _ if text.has(i + 1, BLANK) && !text.has(i + 1, LINE) && !text.at(i + 1).is_ascii() => Some(i + 1),
        _ => None,
    }
}

fn is_sign(c: char) -> bool {
    matches!(
        c,
        '*' | '√'
            | '●'
            | '○'
            | '◉'
            | '◯'
            | '★'
            | '☆'
            | '■'
            | '□'
            | '☐'
            | '▶'
            | '►'
            | '➤'
            | '✅'
            | '⬜'
            | '>'
            | '-'
            | '+'
            | '•'
            | '='
    )
}

fn is_on(c: char) -> bool {
    matches!(c, '*' | '√' | '●' | '◉' | '★' | '■' | '▶' | '►' | '➤' | '✅')
}

/// The signs directly before the label at `i`, on its line.
fn signs_before(text: &Text, i: usize, floor: usize) -> Range<usize> {
    let mut start = i;
    while start > floor && i - start < 8 && !text.has(start, LINE | WRAP) {
        // "[x]" and "(√)"
        let boxed = [3, 2].into_iter().find(|n| {
            start >= floor + n
                && matches!((text.at(start - n), text.at(start - 1)), ('[', ']') | ('(', ')'))
                && (*n == 2 || matches!(text.at(start - 2), 'x' | 'X' | '√' | '*' | '×' | '_'))
                && (text.at(start - n) == '[' || matches!(text.at(start - 2), '√' | '×'))
                && !(start - n + 1..start).any(|k| text.has(k, LINE))
        });
        if let Some(n) = boxed {
            start -= n;
            continue;
        }
        if text.starts(start.saturating_sub(3), "<b>") && start >= floor + 3 {
            start -= 3;
            continue;
        }
        if start >= floor + 8 && text.starts_small(start - 8, "<strong>") {
            start -= 8;
            continue;
        }
        if !is_sign(text.before(start)) {
            break;
        }
        start -= 1;
    }
    // In one line with what stands before, a sign with a blank behind it ends that: "A.温杯√ B.投茶"; so does one with
    // no blank at all, but for a hook behind the wording.
    if start < i && start > 0 && !text.has(start, LINE | WRAP) {
        let bold = text.starts(start, "**") || text.at(start) == '<';
        let hook = floor == 0 && text.at(start) == '√' && i - start == 1;
        let opens = text.has(start, BLANK) && !text.has(i, BLANK);
        if !(bold || hook || opens) {
            return i..i;
        }
    }
    start..i
}

/// Words in brackets, or behind an arrow, that end at `end`: where they begin and whether they say right.
fn words_before(text: &Text, floor: usize, end: usize) -> Option<(usize, bool)> {
    let close = text.before(end);
    let open = match close {
        ')' => '(',
        '】' => '【',
        ']' => '[',
        '〕' => '〔',
        '>' => '<',
        '*' => '*',
        _ => '\0',
    };
    for (words, right) in [(RIGHTS, true), (WRONGS, false)] {
        for word in words {
            let length = word.chars().count();
            if open != '\0' && end >= floor + length + 2 {
                let start = end - length - 2;
                if text.at(start) == open && text.starts_small(start + 1, word) {
                    return Some((start, right));
                }
            }
            if length > 2
                && !matches!(*word, "true" | "false" | "right" | "wrong" | "answer")
                && end > floor + length
            {
                let start = end - length;
                if !text.starts_small(start, word) {
                    continue;
                }
                let arrow = ARROWS.iter().find(|a| {
                    let n = a.chars().count();
                    start >= floor + n && text.starts(start - n, a)
                });
                if let Some(arrow) = arrow {
                    return Some((start - arrow.chars().count(), right));
                }
                // "A.温杯 正确答案"
                if word.ends_with("答案") && length >= 4 && text.has(start, BLANK) && !text.has(start, LINE)
                {
                    return Some((start, right));
                }
            }
        }
    }
    None
}

/// Decides about one group of options.
fn settle(
    text: &Text,
    group: &mut Vec<Member>,
    limit: usize,
    rights: &mut Vec<usize>,
    gone: &mut Vec<Range<usize>>,
) {
    let mut members = std::mem::take(group);
    if members.len() < 2 {
        return;
    }
    if let Some(last) = members.last_mut() {
        let limit = limit.min(last.text + 300);
        let ends = |k: usize| {
            text.breaks(k)
                || keys::mark_at(text, k).is_some()
                || keys::explanation_at(text, k).is_some()
                || next_begins(text, k)
        };
        let stop = (last.text + 1..limit).find(|&k| ends(k)).unwrap_or(limit);
        last.end = stop;
        // In one line with the next question its words end at its number.
        if let Some(words) =
            (last.text..stop).find(|&k| matches!(text.at(k), '(' | '【' | '[') && words_at(text, k).is_some())
        {
            last.end = words_at(text, words).unwrap_or(stop);
        }
    }
    let mut wrong: Vec<usize> = Vec::new();
    for (n, member) in members.iter_mut().enumerate() {
        let ahead = member.ahead.clone();
        let bold_ahead = text.starts(ahead.start, "**")
            || text.starts(ahead.start, "==")
            || text.at(ahead.start) == '<'
            || (ahead.len() >= 2 && text.starts(ahead.end - 2, "**"));
        if !ahead.is_empty() {
            let on = ahead.clone().any(|k| is_on(text.at(k)) || matches!(text.at(k), 'x' | 'X'));
            let bullet = !bold_ahead
                && ahead.clone().all(|k| {
                    matches!(
                        text.at(k),
                        '-' | '+' | '>' | '•' | '=' | '○' | '□' | '☐' | '☆' | '⬜' | '◯' | '[' | ']'
                    )
                });
            member.sign = Some(if on && !bold_ahead { Sign::Symbol } else { Sign::Off });
            if !bullet
                || !text.has(ahead.start, LINE)
                || ahead.clone().any(|k| !matches!(text.at(k), '-' | '+' | '>' | '•'))
            {
                member.gone.push(ahead.clone());
            }
        }
        let mut end = member.end;
        while end > member.text
            && matches!(text.before(end), ';' | '。')
            && words_before(text, member.text, end - 1).is_some()
        {
            end -= 1;
        }
        if let Some((start, right)) = words_before(text, member.text, end) {
            member.gone.push(start..end);
            if right {
                member.sign = Some(Sign::Words);
            } else {
                wrong.push(n);
            }
            end = start;
        } else if end > member.text + 1 && matches!(text.before(end), '√' | '★' | '✅' | '●') {
            member.gone.push(end - 1..end);
            member.sign = member.sign.max(Some(Sign::Symbol));
            end -= 1;
        } else if end > member.text + 1 && text.before(end) == '*' && !text.before(end - 1).is_ascii() {
            // "int*" is a type.
            member.gone.push(end - 1..end);
            member.sign = member.sign.max(Some(Sign::Symbol));
            end -= 1;
        }
        // Bold from the label, or from the text, to the end.
        for (open, close) in [
            ("**", "**"),
            ("__", "__"),
            ("==", "=="),
            ("<b>", "</b>"),
            ("<strong>", "</strong>"),
            ("<u>", "</u>"),
            ("<mark>", "</mark>"),
            ("<em>", "</em>"),
        ] {
            let (m, n) = (open.chars().count(), close.chars().count());
            let inside = text.starts(member.text, open);
            let before = ahead.len() >= m && text.starts(ahead.end - m, open);
            if end < member.text + n || !text.starts(end - n, close) || !(inside || before) {
                continue;
            }
            let from = if inside { member.text + m } else { member.text };
            if end < from + n + 1 || (from..end - n).any(|k| text.starts(k, open)) {
                continue;
            }
            member.gone.push(end - n..end);
            if inside {
                member.gone.push(member.text..member.text + m);
            } else {
                member.gone.push(ahead.end - m..ahead.end);
            }
            member.sign = member.sign.max(Some(Sign::Strong));
            break;
        }
    }
    // "A.√(正确) B.×(错误)" says what the signs mean.
    let gloss = |m: &Member| {
        let end = m.gone.iter().map(|g| g.start).filter(|&at| at >= m.text).min().unwrap_or(m.end);
        keys::truth(text, m.text..end).is_some_and(|t| t.1 == end)
    };
    if !wrong.is_empty() && members.iter().all(gloss) {
        return;
    }
    let strongest = members.iter().filter_map(|m| m.sign).max();
    let Some(sign) = strongest.filter(|s| *s > Sign::Off) else { return };
    let marked = members.iter().filter(|m| m.sign == Some(sign)).count();
    // What all carry tells nothing, but for words.
    let tells = marked < members.len() || sign == Sign::Words;
    for (n, member) in members.iter().enumerate() {
        let wrong = wrong.contains(&n);
        if tells || !wrong {
            gone.extend(member.gone.iter().cloned());
        }
        if tells && member.sign == Some(sign) {
            let letter = (member.ahead.end..member.text).find(|&k| text.at(k).is_ascii_uppercase());
            rights.extend(letter);
        }
    }
}

/// Whether the number of the next question or the head of the next section stands at `k` in a line without breaks.
fn next_begins(text: &Text, k: usize) -> bool {
    if text.at(k).is_ascii_digit() && !text.before(k).is_ascii_digit() {
        let digits = (k..k + 4).take_while(|&i| text.at(i).is_ascii_digit()).count();
        let past = k + digits;
        return matches!(text.at(past), '.' | '、')
            && !text.at(past + 1).is_ascii_digit()
            && !matches!(text.before(k), '.' | '、');
    }
    if text.at(k) == '(' && text.at(k + 1).is_ascii_digit() {
        let digits = (k + 1..k + 4).take_while(|&i| text.at(i).is_ascii_digit()).count();
        return text.at(k + 1 + digits) == ')';
    }
    if kinds::at(text, k).is_some_and(|(_, named)| !named.short) {
        return true;
    }
    "一二三四五六七八九十".contains(text.at(k)) && text.at(k + 1) == '、' && kinds::at(text, k + 2).is_some()
}

/// Words in brackets that say right at `k`: where they end.
fn words_at(text: &Text, k: usize) -> Option<usize> {
    if !matches!(text.at(k), '(' | '【' | '[') || text.at(k + 1) == '√' {
        return None;
    }
    let close = (k + 1..k + 16).find(|&e| matches!(text.at(e), ')' | '】' | ']'))?;
    words_before(text, k, close + 1).filter(|w| w.0 == k).map(|_| close + 1)
}

/// `a) b) c)` at line starts are labels like A) B) C): they are read as such and shown as printed.
fn small(text: &mut Text) {
    // A small letter as a label: where it stands.
    let label = |text: &Text, i: usize| -> bool {
        let (before, next) = (text.before(i), text.at(i + 1));
        match next {
            ')' if before == '(' => true,
            '.' | ')' | '、' => !before.is_ascii_alphanumeric() || text.has(i, LINE | BLANK | WRAP),
            _ => false,
        }
    };
    let opens = |text: &Text, start: usize| -> Option<usize> {
        let at = (start..start + 5).find(|&i| !is_sign(text.at(i)) && text.at(i) != '(')?;
        (matches!(text.at(at), 'a'..='h') && label(text, at)).then_some(at)
    };
    let starts: Vec<usize> = text.lines().iter().map(|l| l.start).collect();
    let mut n = 0;
    while n < starts.len() {
        let Some(first) = opens(text, starts[n]).filter(|&i| text.at(i) == 'a') else {
            n += 1;
            continue;
        };
        let mut run = vec![first];
        // The next letters stand in the same line behind blanks, or open one of the next lines.
        let mut line = n;
        let mut skipped = 0;
        while line < starts.len() && skipped <= 2 && run.len() < 8 {
            let end = starts.get(line + 1).copied().unwrap_or(text.len());
            let from = run.last().map_or(first, |&l| l + 2).max(starts[line]);
            let wanted = char::from(b'a' + u8::try_from(run.len()).unwrap_or(0));
            let fresh = line > n && opens(text, starts[line]).is_some_and(|i| text.at(i) == 'a');
            if fresh {
                break;
            }
            let next =
                opens(text, starts[line]).filter(|&i| i >= from && text.at(i) == wanted).or_else(|| {
                    let spaced = |i: &usize| {
                        text.has(*i, BLANK) || (text.before(*i) == '(' && text.has(*i - 1, BLANK))
                    };
                    (from..end).find(|i| text.at(*i) == wanted && label(text, *i) && spaced(i))
                });
            match next {
                Some(at) => {
                    run.push(at);
                    skipped = 0;
                }
                None => {
                    line += 1;
                    skipped += 1;
                }
            }
        }
        // "a) What …? b) Why …?" are parts of a task.
        let asks = run.windows(2).any(|w| (w[0]..w[1]).any(|i| text.at(i) == '?'));
        if run.len() >= 2 && !asks {
            for &at in &run {
                text.chars[at] = text.chars[at].to_ascii_uppercase();
            }
        }
        let last = run.last().copied().unwrap_or(first);
        while n < starts.len() && starts[n] <= last {
            n += 1;
        }
    }
}

/// Options without letters: `- [ ]` and `- [x]`, `○` and `●`. They are lettered in their order.
fn lists(text: &mut Text, gone: &mut Vec<Range<usize>>) {
    let lines = text.lines();
    let mut n = 0;
    while n < lines.len() {
        let mut run: Vec<(usize, usize, bool, bool)> = Vec::new();
        while let Some(found) = lines.get(n + run.len()).and_then(|line| boxed(text, line)) {
            if run.first().is_some_and(|first| first.3 != found.3) || run.len() == 8 {
                break;
            }
            run.push(found);
        }
        let on = run.iter().filter(|r| r.2).count();
        // Boxes are options even when none is ticked; signs only when they differ.
        if run.len() >= 2 && on < run.len() && (run[0].3 || on > 0) {
            for (k, (start, end, on, _)) in run.iter().enumerate() {
                let own = label(text, *end).is_some();
                if own {
                    if *on {
                        text.flags[*end] |= RIGHT;
                    }
                    gone.push(*start..*end);
                    continue;
                }
                let letter = char::from(b'A' + u8::try_from(k).unwrap_or(0));
                // The box becomes the label; a lone sign has no place for two characters.
                let room = *end - *start;
                if room >= 2 {
                    text.chars[*end - 2] = letter;
                    text.chars[*end - 1] = '.';
                    text.flags[*end - 2] |= text.flags[*start];
                    if *on {
                        text.flags[*end - 2] |= RIGHT;
                    }
                    gone.push(*start..*end - 2);
                }
            }
        }
        n += run.len().max(1);
    }
}

/// A line that opens with a box or a sign: where that begins and ends, whether it is ticked, whether it is a box.
fn boxed(text: &Text, line: &Range<usize>) -> Option<(usize, usize, bool, bool)> {
    let mut at = line.start;
    if matches!(text.at(at), '-' | '*' | '+' | '•') {
        at += 1;
    }
    let (end, on) = match (text.at(at), text.at(at + 1), text.at(at + 2)) {
        ('[', ']', _) => (at + 2, false),
        ('[', '_', ']') => (at + 3, false),
        ('[', 'x' | 'X' | '√' | '*' | '■', ']') => (at + 3, true),
        ('(', 'x' | 'X' | '√' | '*' | '●', ')') if at > line.start => (at + 3, true),
        ('(', ')', _) if at > line.start => (at + 2, false),
        _ => return None,
    };
    (end < line.end).then_some((line.start, end, on, true))
}
