//! Questions that do not stand one by one: lists of options that several share, texts between the questions they are
//! about, and questions without any number.
//!
//! Promises: a shared list is given to each of its questions and a line of keys to each its own; a text between two
//! questions is the material of the later one and no option of the earlier; without numbers, only option lists, keys
//! and blanks make questions.

use std::ops::Range;

use super::Kind;
use super::fold::{LINE, Text};
use super::items::{Feature, Item, Page};
use super::keys::{self, Key};
use super::number::{Mark, Style};
use super::options::Chain;
use super::question::{self, Draft, Place};

/// Questions under one list of options.
pub(super) struct Group {
    /// The list.
    pub(super) options: Chain,
    /// Everything that belongs to it, the words over the list included.
    pub(super) span: Range<usize>,
    /// The questions.
    pub(super) items: Vec<Item>,
    /// A line of keys behind the last question, one for each in order.
    pub(super) keys: Vec<(char, Range<usize>)>,
}

/// The groups of a stretch, when it opens with a list of options that its first question does not have itself.
pub(super) fn shared(page: &Page, range: Range<usize>) -> Option<Vec<Group>> {
    let text = page.text;
    let firm = |m: &&Mark| !m.doubtful && !m.glued && m.style != Style::Paren;
    let marks: Vec<&Mark> = page.marks_in(range.clone()).iter().filter(firm).collect();
    let first = *marks.first()?;
    let chain = page.labels.chain(text, range.start..first.at).filter(|c| c.labels.len() >= 2)?;
    let mut groups =
        vec![Group { options: chain, span: range.start..range.start, items: Vec::new(), keys: Vec::new() }];
    let mut current = first;
    loop {
        let next = marks
            .iter()
            .copied()
            .filter(|m| m.at >= current.end && m.value == current.value + 1)
            .find(|m| m.hard || !text.has(first.at, LINE));
        let end = next.map_or(range.end, |n| n.at);
        let mut stop = end;
        // Options between two questions open the next group; options of one question alone are no shared list.
        let opens = page.labels.pair(current.end..end);
        if let Some(a) = opens {
            let line = (current.end + 1..=a).rev().find(|&i| text.has(i, LINE)).filter(|_| next.is_some())?;
            let cue = (current.end + 1..line).rev().find(|&i| text.has(i, LINE));
            stop = cue.filter(|&c| is_cue(text, c..line)).unwrap_or(line);
        }
        let item = Item {
            at: current.at,
            mark: current.clone(),
            prefixed: false,
            body: current.end..stop.max(current.end),
        };
        let group = groups.last_mut()?;
        group.span.end = item.body.end;
        group.items.push(item);
        let Some(next) = next else { break };
        if opens.is_some() {
            let options = page.labels.chain(text, stop..next.at)?;
            groups.push(Group { options, span: stop..next.at, items: Vec::new(), keys: Vec::new() });
        }
        current = next;
    }
    for group in &mut groups {
        key_line(page, group);
    }
    (groups.iter().any(|g| g.items.len() > 1)).then_some(groups)
}

/// `【1-3】` or "(1~3题共用备选答案)" over a list.
fn is_cue(text: &Text, line: Range<usize>) -> bool {
    line.len() <= 40
        && (matches!(text.at(line.start), '【' | '(' | '[') || text.at(line.start).is_ascii_digit())
        && text.at(line.start + 1).is_ascii_digit() | text.at(line.start).is_ascii_digit()
}

/// `正确答案:A,D,C` behind the last question of a group.
fn key_line(page: &Page, group: &mut Group) {
    let text = page.text;
    let count = group.items.len();
    let Some(last) = group.items.last_mut() else { return };
    let Some(mark) = page.key_in(last.body.clone()).filter(|k| !k.free) else { return };
    let mut found: Vec<(char, Range<usize>)> = Vec::new();
    let mut i = mark.end;
    while i < last.body.end {
        match text.at(i) {
            c @ 'A'..='H' => found.push((c, i..i + 1)),
            ',' | '、' | ';' | '/' | ' ' | '.' | '。' => {}
            _ => break,
        }
        i += 1;
    }
    if count > 1 && found.len() == count {
        group.keys = found;
        last.body.end = mark.at.max(last.body.start);
    }
}

/// The drafts of a group.
pub(super) fn read(page: &Page, group: &Group, kind: Kind) -> Vec<Draft> {
    let mut options = Vec::new();
    question::read_options(page.text, &group.options, &mut options, &mut Vec::new());
    let mut drafts: Vec<Draft> = Vec::new();
    for (n, item) in group.items.iter().enumerate() {
        let mut draft = question::read(page, item, Some(kind));
        if draft.question.options.len() < 2 {
            draft.question.options.clone_from(&options);
        }
        if let Some((letter, at)) = group.keys.get(n) {
            draft.key = Some((Key::Letters(vec![*letter]), Place::Mark));
            draft.question.answer_raw = Some(page.text.show(at.clone()));
        }
        drafts.push(draft);
    }
    drafts
}

/// Words that open a text for the questions behind it.
const TEXTS: &[&str] = &[
    "阅读下",
    "阅读以下",
    "阅读短文",
    "阅读材料",
    "阅读文章",
    "根据下",
    "根据以下",
    "根据材料",
    "材料一",
    "材料二",
    "材料三",
    "材料1",
    "材料2",
    "材料:",
    "Passage",
    "PASSAGE",
    "Readthe",
    "Readthis",
    "Directions",
];

/// Where the body of an item turns to a text that stands between it and the next one.
pub(super) fn passage(page: &Page, body: &Range<usize>, reading: bool) -> Option<usize> {
    let text = page.text;
    if !reading && body.len() < 40 {
        return None;
    }
    let chain = page.labels.chain(text, body.clone())?;
    let mut from = chain.labels.last()?.end;
    if let Some(key) = page.key_in(from..body.end) {
        from = key.end;
    }
    let explained = page.explanation_in(body.clone());
    (from + 1..body.end).filter(|&i| text.has(i, LINE)).find(|&i| {
        let cue = text.one_of(i, TEXTS).is_some() || shared_cue(text, i);
        if explained.is_some() || !reading {
            return cue;
        }
        cue || letter_line(text, i) || (body.end - i > 40 && page.key_in(i..i + 1).is_none())
    })
}

/// "(1~3题共用题干)".
fn shared_cue(text: &Text, i: usize) -> bool {
    let end = (i..i + 30).find(|&k| k > i && text.breaks(k)).unwrap_or(i + 30);
    is_cue(text, i..end) && text.contains(i..end, &["共用", "基于", "根据"])
}

/// A lone capital on a line: the name of a passage.
fn letter_line(text: &Text, i: usize) -> bool {
    text.at(i).is_ascii_uppercase() && text.breaks(i) && text.breaks(i + 1)
}

/// The questions of a stretch without numbers.
pub(super) fn unnumbered(page: &Page, range: Range<usize>, kind: Option<Kind>) -> Vec<Item> {
    let text = page.text;
    let starts = match kind {
        Some(kind) if kind.is_choice() => by_options(page, &range),
        None => {
            let runs = page.labels.runs(text, range.clone());
            let keyed =
                runs.iter().filter(|run| page.key_in(run.1..range.end.min(run.1 + 400)).is_some()).count();
            if runs.len() >= 2 || (keyed > 0 && keyed == runs.len()) {
                by_options(page, &range)
            } else {
                None
            }
        }
        Some(Kind::TrueFalse | Kind::FillBlank) => by_lines(page, &range),
        Some(_) => None,
    };
    let Some(starts) = starts else { return Vec::new() };
    let ends = starts.iter().skip(1).copied().chain([range.end]);
    starts
        .iter()
        .zip(ends)
        .zip(1..)
        .filter(|((start, end), _)| *start < end)
        .map(|((&start, end), value)| Item {
            at: start,
            mark: mark(start, value),
            prefixed: false,
            body: start..end,
        })
        .collect()
}

/// A mark for a question that prints no number.
pub(super) fn mark(at: usize, value: u32) -> Mark {
    Mark {
        at,
        end: at,
        value,
        style: Style::Dot,
        hard: true,
        glued: false,
        doubtful: false,
        decimal: false,
        odd: false,
        unnumbered: true,
        bracket: None,
    }
}

/// Where the wording before each list of options begins.
fn by_options(page: &Page, range: &Range<usize>) -> Option<Vec<usize>> {
    let text = page.text;
    let runs = page.labels.runs(text, range.clone());
    let mut starts = Vec::new();
    let mut from = range.start;
    for (n, run) in runs.iter().enumerate() {
        let start = if n == 0 { first_line(page, range.start, run.0) } else { wording(page, from, run.0)? };
        // Without wording it is no question.
        if start >= run.0 {
            return None;
        }
        starts.push(start);
        from = run.1;
    }
    (!starts.is_empty()).then_some(starts)
}

/// Before the first question may stand an instruction: the wording is the last stretch of lines without an empty one.
fn first_line(page: &Page, start: usize, a: usize) -> usize {
    let text = page.text;
    (start + 1..a).rev().find(|&i| text.has(i, LINE) && text.line(i) > text.line(i - 1) + 1).unwrap_or(start)
}

/// Where the wording of the next question begins between the last label of one and the first of the next.
fn wording(page: &Page, from: usize, a: usize) -> Option<usize> {
    let text = page.text;
    let lines: Vec<usize> = (from + 1..a).filter(|&i| text.breaks(i)).collect();
    lines.first()?;
    let gap = |i: usize| text.line(i) > text.line(i - 1) + 1;
    let mut best = 0;
    let mut reasons = false;
    for (n, &i) in lines.iter().enumerate() {
        if page.explanation_in(i..i + 1).is_some_and(|e| e.0 == i) {
            (best, reasons) = (n + 1, true);
        } else if page.key_in(i..i + 1).is_some_and(|k| k.at == i) {
            (best, reasons) = (n + 1, false);
        }
    }
    let rest = lines.get(best..)?;
    if rest.is_empty() {
        return Some(a);
    }
    // Behind a reason of several lines, or of options that go on, an empty line parts; else the last line counts.
    let parted = rest.iter().rposition(|&i| gap(i));
    match parted {
        Some(at) if reasons || best == 0 => rest.get(at).copied(),
        _ if reasons => rest.last().copied(),
        _ => rest.first().copied(),
    }
}

/// One statement or gap text a line, its key and its reason in lines of their own.
fn by_lines(page: &Page, range: &Range<usize>) -> Option<Vec<usize>> {
    let text = page.text;
    let mut starts: Vec<usize> = vec![range.start];
    let mut reasons = false;
    for i in (range.start + 1..range.end).filter(|&i| text.has(i, LINE)) {
        let reason = page.explanation_in(i..i + 1).is_some_and(|e| e.0 == i);
        let key = page.key_in(i..i + 1).is_some_and(|k| k.at == i);
        if reason || key {
            reasons = reason;
            continue;
        }
        let parted = text.line(i) > text.line(i - 1) + 1;
        if !reasons || parted {
            starts.push(i);
            reasons = false;
        }
    }
    let ends = starts.iter().skip(1).copied().chain([range.end]);
    let shows = starts
        .iter()
        .zip(ends)
        .filter(|(s, e)| {
            page.feature(**s..*e) != Feature::None
                || keys::brackets(text, **s..*e).iter().any(|b| b.held != keys::Held::Latin)
        })
        .count();
    (shows * 2 > starts.len()).then_some(starts)
}
