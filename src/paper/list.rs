//! Answer lists behind the questions: under a heading, under the heads of the sections printed again, in a grid, or
//! just numbers that start again with nothing but keys behind them.
//!
//! Promises: an entry is a number and a key and nothing that could be wording; reasons between entries go with them;
//! a list is kept only when it begins where a list can begin, and what it does not cover stays in the text.

use std::ops::Range;

use super::fold::{BLANK, LINE, Text};
use super::header::{self, Header};
use super::items::Page;
use super::keys::{self, Held, Key};
use super::points;
use super::table::{self, Entry, Says, Table};

/// Headings of lists; a line may hold the title of a paper before one.
const HEADINGS: &[&str] = &[
    "参考答案及评分标准",
    "参考答案与评分标准",
    "参考答案及解析",
    "参考答案与解析",
    "答案及评分标准",
    "答案及解析",
    "答案与解析",
    "答案解析",
    "参考答案",
    "标准答案",
    "试题答案",
    "试卷答案",
    "答案部分",
    "答案表",
    "答案速查",
    "答案",
    "AnswerKeys",
    "AnswerKey",
    "Answerkey",
    "ANSWERKEY",
    "Answers",
    "ANSWERS",
    "AnswerSheet",
    "KeytoExercises",
    "Solutions",
    "Keys",
    "KEY",
    "Key",
];

struct Reader<'a> {
    page: &'a Page<'a>,
    headers: &'a [Header],
    /// Headers that belong to lists.
    used: Vec<usize>,
}

/// All lists, and the headers that are parts of them. `ends` are the places where a title stands.
pub(super) fn find(page: &Page, headers: &[Header], ends: &[usize]) -> (Vec<Table>, Vec<usize>) {
    let text = page.text;
    let mut reader = Reader { page, headers, used: Vec::new() };
    let mut tables: Vec<Table> = Vec::new();
    let mut done = 0;
    let mut seen_options = false;
    for line in text.lines() {
        if line.start < done {
            continue;
        }
        // A list stands behind questions.
        let stop = ends.iter().copied().find(|&e| e > line.start).unwrap_or(text.len());
        let found = if let Some((from, title)) = heading(text, &line) {
            reader.list(from, text.len().min(next_end(ends, from)), true).map(|mut found| {
                if let Some(first) = found.first_mut() {
                    first.range.start = line.start;
                }
                if header::chapter_at(text, line.start).is_some() {
                    found
                        .iter_mut()
                        .for_each(|table| table.chapter = table.chapter.take().or_else(|| title.clone()));
                } else {
                    found.iter_mut().for_each(|table| table.title.clone_from(&title));
                }
                found
            })
        } else if grid_opens(text, &line) {
            reader.list(line.start, stop, false)
        } else if seen_options {
            reader.again(line.start, stop)
        } else {
            None
        };
        match found {
            Some(found) => {
                done = found.last().map_or(done, |t| t.range.end);
                tables.extend(found);
            }
            None => {
                seen_options |= line.clone().any(|i| {
                    text.at(i) == 'A' || matches!(text.at(i), '(' | '_' | '√' | '×') || text.breaks(i)
                })
            }
        }
    }
    (tables, reader.used)
}

fn next_end(ends: &[usize], from: usize) -> usize {
    ends.iter().copied().find(|&e| e >= from).unwrap_or(usize::MAX)
}

/// A line that is a heading, alone or before entries: where its list begins, and the title printed before it.
fn heading(text: &Text, line: &Range<usize>) -> Option<(usize, Option<String>)> {
    let limit = line.end.min(line.start + 60);
    for i in line.start..limit {
        // Every heading opens with one of few characters.
        if !matches!(text.at(i), '参' | '答' | '标' | '试' | 'A' | 'K' | 'S') {
            continue;
        }
        let Some((_, length)) = text.one_of(i, HEADINGS) else { continue };
        let mut end = i + length;
        let bracket = i > line.start && matches!(text.before(i), '【' | '[' | '(' | '《');
        while end < line.end && matches!(text.at(end), '】' | ']' | ')' | '》' | ':') {
            end += 1;
        }
        let ahead = line.start..i - usize::from(bracket);
        // Before the heading stands nothing, or a title of a paper or chapter.
        let words = text.folded(ahead.clone());
        let marked =
            ["A.", "A、", "A:", "A)", "B.", "B、", "()", "1.", "1、"].iter().any(|l| words.contains(l));
        if marked
            || words.chars().count() > 40
            || words.contains(['。', '?', '!', ';', ','])
            || words.ends_with(['含', '附', '有', '无', '及', '和', '与', '带'])
        {
            return None;
        }
        // "AnswerKey" inside a sentence, "Answers to…": only alone or before an entry.
        let alone = end >= line.end;
        let entry = number_at(text, end).is_some() || ordinal_at(text, end).is_some();
        if !alone && !entry {
            continue;
        }
        // One question's "答案: A" is no heading; "1. 答案" neither.
        if !ahead.is_empty() && (number_at(text, line.start).is_some() || words.chars().count() < 2) {
            return None;
        }
        return Some((end, (!ahead.is_empty()).then_some(words)));
    }
    None
}

impl Reader<'_> {
    /// A list that begins at `from`. Under a heading, answers in words count as well.
    fn list(&mut self, from: usize, stop: usize, headed: bool) -> Option<Vec<Table>> {
        let text = self.page.text;
        let mut tables: Vec<Table> = Vec::new();
        let mut used = Vec::new();
        let mut current = Table { range: from..from, ..Table::default() };
        let mut i = from;
        let mut chapter: Option<String> = None;
        while i < stop {
            let close =
                |current: &mut Table, tables: &mut Vec<Table>, at: usize, chapter: &Option<String>| {
                    let next = Table { range: at..at, chapter: chapter.clone(), ..Table::default() };
                    let mut done = std::mem::replace(current, next);
                    if done.entries.is_empty() {
                        current.range.start = done.range.start;
                    } else {
                        done.range.end = at;
                        tables.push(done);
                    }
                };
            let opens =
                text.breaks(i) || text.has(i, BLANK) || matches!(text.before(i), ';' | '。' | ':' | ')');
            if let Some(n) = self.header_at(i).filter(|_| text.breaks(i) || headed) {
                let head = &self.headers[n];
                let chapter_name = head.chapter.as_ref().map(|c| c.1.clone());
                close(&mut current, &mut tables, i, &chapter);
                if chapter_name.is_some() {
                    chapter = chapter_name;
                }
                let to = self.headers.get(n + 1).map_or(stop, |h| h.at.min(stop));
                let word_answers = (head.kind.is_free() || head.kind == super::Kind::FillBlank)
                    && self.headers[..n].iter().any(|e| e.at < from && e.kind == head.kind);
                if word_answers && headed {
                    let entries = table::words(self.page, head.end..to, head);
                    let end = entries.last().map_or(head.end, |e| e.at.end);
                    current.entries = entries;
                    current.header = Some(head.clone());
                    current.chapter.clone_from(&chapter);
                    i = end;
                } else {
                    current.header = Some(head.clone());
                    current.chapter.clone_from(&chapter);
                    i = head.end;
                }
                used.push(n);
            } else if text.breaks(i)
                && let Some(end) = chapter_line(text, i, stop)
            {
                close(&mut current, &mut tables, i, &chapter);
                chapter = Some(text.show(i..end));
                current.chapter.clone_from(&chapter);
                i = end;
            } else if opens
                && let Some((value, end)) = ordinal_at(text, i).filter(|(_, end)| {
                    let head = self.header_at(*end).is_some();
                    !head
                        && (self.entry(*end, stop).is_some()
                            || range_at(text, *end).is_some()
                            || text.breaks(*end)
                            || headed)
                })
            {
                // The same ordinal twice in a row is the number of the list, not of a section.
                close(&mut current, &mut tables, i, &chapter);
                current.ordinal = Some(value);
                i = end;
                // "三、" over words: which section that is, its own head has said.
                if let Some(head) = self.earlier(value, from)
                    && headed
                    && (head.kind.is_free() || head.kind == super::Kind::FillBlank)
                {
                    let to = self.next_ordinal(end, stop);
                    let entries = table::words(self.page, end..to, head);
                    i = entries.last().map_or(end, |e| e.at.end);
                    current.entries = entries;
                }
            } else if let Some((entries, end)) = grid(text, i, stop) {
                current.entries.extend(entries);
                i = end;
            } else if let Some((entries, end, unreadable)) = range_at(text, i) {
                current.entries.extend(entries);
                current.unreadable |= unreadable;
                i = end;
            } else if let Some(mut entry) = self.entry(i, stop) {
                let last = current.entries.last().map_or(0, |e| e.number);
                // Numbers start again: the keys of the next section.
                if entry.number <= last && current.header.is_none() {
                    close(&mut current, &mut tables, i, &chapter);
                }
                let from = entry.at.end;
                i = self.reason(&mut entry, from, stop);
                current.entries.push(entry);
            } else if headed
                && text.breaks(i)
                && current.entries.iter().any(|e| matches!(e.says, Says::Key(_)))
                && let Some((number, start)) = number_at(text, i)
                    .filter(|(n, _)| current.entries.last().is_some_and(|e| *n == e.number + 1))
            {
                // Among keys an answer in words, up to the next line that opens with a number.
                let end = (start + 1..stop)
                    .find(|&k| {
                        text.breaks(k) && (number_at(text, k).is_some() || ordinal_at(text, k).is_some())
                    })
                    .unwrap_or(stop);
                if self.page.labels.pair_within(start..end) {
                    break;
                }
                current.entries.push(Entry { number, says: Says::Words(start..end), at: i..end, why: None });
                i = end;
            } else if matches!(text.at(i), ';' | ',' | '。' | '、' | '.' | '|' | '/') {
                i += 1;
            } else {
                break;
            }
            current.range.end = i;
        }
        let end = i.min(stop).max(current.range.end);
        if !current.entries.is_empty() {
            current.range.end = end;
            tables.push(current);
        }
        if tables.iter().all(|t| t.entries.is_empty()) {
            return None;
        }
        self.used.extend(used);
        Some(tables)
    }

    /// A list without a heading: a section head printed again over keys, or numbers that start again.
    fn again(&mut self, at: usize, stop: usize) -> Option<Vec<Table>> {
        let first = match self.header_at(at) {
            Some(n) => {
                let head = &self.headers[n];
                let repeats = self.headers[..n]
                    .iter()
                    .any(|e| e.kind == head.kind && (e.number == head.number || head.number.is_none()));
                if !repeats {
                    return None;
                }
                head.end
            }
            None => at,
        };
        let entry = self.entry(first, stop)?;
        // Its question stands before it.
        let asked = |number: u32| self.page.marks_of(number).iter().any(|&m| m < at);
        if !asked(entry.number) {
            return None;
        }
        let mut probe = entry.clone();
        let from = probe.at.end;
        let next = self.reason(&mut probe, from, stop);
        let explained = probe.why.is_some();
        let more = self.entry(next, stop).is_some_and(|e| e.number == entry.number + 1 && asked(e.number));
        let last = next >= stop || self.header_at(next).is_some();
        let marked = self.page.key_in(entry.at.clone()).is_some();
        if !(more || (last && (explained || marked || first > at))) {
            return None;
        }
        self.list(at, stop, false)
    }

    fn header_at(&self, i: usize) -> Option<usize> {
        let n = self.headers.partition_point(|h| h.at < i && h.chapter.as_ref().is_none_or(|c| c.0 < i));
        let h = self.headers.get(n)?;
        (h.at == i || h.chapter.as_ref().is_some_and(|c| c.0 == i)).then_some(n)
    }

    /// The head of the section with an ordinal, before `at`.
    fn earlier(&self, ordinal: u32, at: usize) -> Option<&Header> {
        self.headers.iter().rev().find(|h| h.at < at && h.number == Some(ordinal))
    }

    fn next_ordinal(&self, from: usize, stop: usize) -> usize {
        let text = self.page.text;
        (from + 1..stop)
            .find(|&k| text.breaks(k) && (ordinal_at(text, k).is_some() || self.header_at(k).is_some()))
            .unwrap_or(stop)
    }

    /// A number and its key at `i`.
    fn entry(&self, i: usize, stop: usize) -> Option<Entry> {
        let text = self.page.text;
        let (number, mut from) = number_at(text, i)?;
        if let Some(mark) = self.page.key_in(from..from + 1).filter(|k| k.at == from) {
            from = mark.end;
        }
        let limit = stop.min(from + 24);
        let bracket = keys::brackets(text, from..limit).into_iter().next().filter(|b| b.open == from);
        let (key, end) = match bracket {
            Some(keys::Bracket { held: Held::Key(key), close, .. }) => (key, close + 1),
            Some(_) => return None,
            None => keys::letters(text, from..limit)
                .map(|(l, e)| (Key::Letters(l), e))
                .or_else(|| keys::truth(text, from..limit).map(|(t, e)| (Key::Truth(t), e)))?,
        };
        self.closes(from, end, stop).then_some(Entry { number, says: Says::Key(key), at: i..end, why: None })
    }

    /// Whether a key ends at `end`: behind it stand a line end, the next entry, a mark or a reason, never wording.
    fn closes(&self, from: usize, end: usize, stop: usize) -> bool {
        let text = self.page.text;
        if end >= stop || text.breaks(end) {
            return true;
        }
        let next = text.at(end);
        if self.page.explanation_in(end..end + 1).is_some_and(|e| e.0 == end)
            || matches!(next, '【' | '[' | '|')
        {
            return true;
        }
        if matches!(next, ';' | ',' | '。' | '、' | '.' | '/') {
            let after = end + 1;
            let options =
                matches!(next, '.' | '、') && text.at(from).is_ascii_alphabetic() && end == from + 1;
            // "1.A.…" is an option list; "1.A。先温杯" and "1.A, 2.B" are entries.
            return text.breaks(after)
                || number_at(text, after).is_some()
                || (!options && !text.at(after).is_ascii_alphanumeric());
        }
        if number_at(text, end).is_some() || ordinal_at(text, end).is_some_and(|_| text.has(end, BLANK)) {
            return true;
        }
        // "1 A 先温杯": a blank and words in another script, not "1. a cat" and not "1.A 型".
        text.has(end, BLANK) && !next.is_ascii_alphanumeric() && !matches!(next, '类' | '级' | '型' | '卷')
            || next == '(' && !text.at(from).is_ascii_lowercase()
    }

    /// The reason behind an entry: sets it and says where the next entry begins.
    fn reason(&self, entry: &mut Entry, from: usize, stop: usize) -> usize {
        let text = self.page.text;
        let mut i = from;
        while i < stop && matches!(text.at(i), ';' | ',' | '。' | '、' | '.' | '/') {
            i += 1;
        }
        let part = |k: usize| {
            self.entry(k, stop).is_some()
                || range_at(text, k).is_some()
                || self.header_at(k).is_some()
                || (text.breaks(k)
                    && (ordinal_at(text, k).is_some() || chapter_line(text, k, stop).is_some()))
                || (text.has(k, BLANK)
                    && ordinal_at(text, k).is_some_and(|(_, e)| self.entry(e, stop).is_some()))
        };
        if i >= stop || part(i) {
            return i;
        }
        let mark = self.page.explanation_in(i..i + 1).filter(|e| e.0 == i);
        // Up to the next entry; without one, to the end of the line, or of the list when a mark opened the reason.
        let limit = stop.min(i + 6000);
        let ends = |k: usize| {
            let opens = text.breaks(k) || matches!(text.before(k), '。' | ';' | '.' | '!' | ')' | '|');
            if !opens {
                return false;
            }
            match number_at(text, k) {
                Some((number, _)) => {
                    (number == entry.number + 1 || (text.breaks(k) && number == 1)) && part(k)
                }
                None => part(k) && text.breaks(k),
            }
        };
        let next = (i + 1..limit).find(|&k| ends(k));
        // A reason asks nothing: questions behind the list are not swallowed by it.
        let reaches = next.unwrap_or(limit);
        let asks = self.page.labels.pair_within(i..reaches)
            || self.page.key_in(i..reaches).is_some_and(|k| !k.free)
            || self.page.marks_in(i + 1..reaches).iter().any(|m| m.hard && !m.doubtful && !m.glued);
        if asks && mark.is_none() && text.breaks(i) {
            return i;
        }
        // The next line is no reason unless a mark says so or the list goes on behind it.
        if next.is_none() && mark.is_none() && text.breaks(i) {
            return i;
        }
        let line = (i + 1..stop).find(|&k| text.breaks(k)).unwrap_or(stop);
        let end = match (next, mark) {
            (Some(next), _) => next,
            (None, Some(_)) if !self.page.labels.pair_within(i..stop) => stop.min(limit),
            (None, _) => line,
        };
        let start = mark.map_or(i, |m| m.1);
        if end > start {
            entry.why = Some(start..end);
        }
        end
    }
}

/// A question number as lists print it, `1.` `1、` `(1)` `1)` `1:` `1-B` `第1题` `Q1.` `1 A`: its value and where the key begins.
pub(super) fn number_at(text: &Text, i: usize) -> Option<(u32, usize)> {
    let (mut at, mut close) = (i, '\0');
    match text.at(at) {
        '(' => (at, close) = (at + 1, ')'),
        '【' => (at, close) = (at + 1, '】'),
        '[' => (at, close) = (at + 1, ']'),
        _ => {}
    }
    let word = text.one_of(at, &["第", "Question", "Q", "题"]);
    at += word.map_or(0, |w| w.1);
    let start = at;
    while text.at(at).is_ascii_digit() && at < start + 6 {
        at += 1;
    }
    if at == start
        || text.at(start) == '0'
        || (i > 0 && text.before(i).is_ascii_digit() && !text.has(i, LINE | BLANK))
    {
        return None;
    }
    let value = text.folded(start..at).parse().ok()?;
    if word.is_some_and(|w| w.0 == "第") {
        if text.at(at) != '题' {
            return None;
        }
        at += 1;
    }
    if close != '\0' {
        if text.at(at) != close {
            return None;
        }
        at += 1;
        at += usize::from(matches!(text.at(at), '.' | '、' | ':'));
        return Some((value, at));
    }
    let next = text.at(at);
    match next {
        '.' | '、' | ')' | ':' => {
            Some((value, at + 1 + usize::from(matches!((next, text.at(at + 1)), ('.', '、') | ('、', '.')))))
        }
        '-' | '=' | '—' | '–' if text.at(at + 1).is_ascii_uppercase() => Some((value, at + 1)),
        _ if word.is_some_and(|w| w.0 == "第") => Some((value, at)),
        _ if text.has(at, BLANK) && (matches!(next, 'A'..='H' | '√' | '×' | '对' | '错')) => {
            Some((value, at))
        }
        _ => None,
    }
}

/// A range of numbers and its keys at `i`.
fn range_at(text: &Text, i: usize) -> Option<(Vec<Entry>, usize, bool)> {
    table::range_entries(text, i)
}

/// The ordinal of a section at `i`, `一、` `二.` `(三)`: its value and where it ends.
fn ordinal_at(text: &Text, i: usize) -> Option<(u32, usize)> {
    let open = usize::from(text.at(i) == '(');
    let start = i + open;
    let count = (start..start + 3).take_while(|&k| "一二三四五六七八九十".contains(text.at(k))).count();
    let end = start + count;
    let value = points::numeral(text.chars.get(start..end)?)?;
    let fits = if open == 1 { text.at(end) == ')' } else { matches!(text.at(end), '、' | '.' | ':') };
    (count > 0 && fits).then_some((value, end + 1))
}

/// A line that names a chapter or a part: where it ends.
fn chapter_line(text: &Text, i: usize, stop: usize) -> Option<usize> {
    header::chapter_at(text, i)?;
    let end = (i + 1..=stop.min(i + 60)).find(|&k| text.breaks(k))?;
    Some(end)
}

/// The cells of a line: between bars, or between blanks.
fn cells(text: &Text, line: &Range<usize>) -> Vec<Range<usize>> {
    let bars = line.clone().any(|i| text.at(i) == '|');
    let mut all = Vec::new();
    let mut start = line.start;
    for i in line.clone() {
        if bars && text.at(i) == '|' {
            all.push(start..i);
            start = i + 1;
        } else if !bars && i > start && text.has(i, BLANK) {
            all.push(start..i);
            start = i;
        }
    }
    all.push(start..line.end);
    if bars {
        all.retain(|cell| !cell.is_empty());
    }
    all
}

fn line_at(text: &Text, i: usize, stop: usize) -> Option<Range<usize>> {
    (i < stop && text.breaks(i)).then(|| i..(i + 1..stop).find(|&k| text.breaks(k)).unwrap_or(stop))
}

const NUMBER_CELLS: &[&str] = &["题号", "序号", "题目", "题", "No.", "No", "Question", "Q", "Questions", "#"];
const KEY_CELLS: &[&str] = &["答案", "参考答案", "正确答案", "Answer", "Answers", "Key", "选项"];

fn grid_opens(text: &Text, line: &Range<usize>) -> bool {
    if !matches!(text.at(line.start), '|' | '题' | '序' | 'N' | 'Q' | '#') {
        return false;
    }
    let first = cells(text, line).first().map(|c| text.folded(c.clone())).unwrap_or_default();
    NUMBER_CELLS.contains(&first.as_str()) && grid(text, line.start, text.len()).is_some()
}

fn figure(text: &Text, cell: &Range<usize>) -> Option<u32> {
    let words = text.folded(cell.clone());
    (words.len() <= 6).then(|| words.trim_end_matches(['.', '、', ')']).parse().ok()).flatten()
}

fn cell_key(text: &Text, cell: &Range<usize>) -> Option<Key> {
    let letters =
        keys::letters(text, cell.clone()).filter(|(_, end)| *end == cell.end).map(|(l, _)| Key::Letters(l));
    letters.or_else(|| {
        keys::truth(text, cell.clone()).filter(|(_, end)| *end == cell.end).map(|(t, _)| Key::Truth(t))
    })
}

/// A grid of numbers and keys at `i`, rows over each other or columns side by side.
fn grid(text: &Text, i: usize, stop: usize) -> Option<(Vec<Entry>, usize)> {
    let first = line_at(text, i, stop)?;
    if first.len() > 400 {
        return None;
    }
    let mut rows: Vec<(Range<usize>, Vec<Range<usize>>)> = Vec::new();
    let mut at = i;
    while let Some(line) = line_at(text, at, stop) {
        let row = cells(text, &line);
        let rule = line.clone().all(|k| matches!(text.at(k), '|' | '-' | ':' | '=' | '+'));
        let name = row.first().map(|c| text.folded(c.clone())).unwrap_or_default();
        let named = NUMBER_CELLS.contains(&name.as_str()) || KEY_CELLS.contains(&name.as_str());
        let barred = text.at(line.start) == '|' || line.clone().any(|k| text.at(k) == '|');
        if !named && !rule && !barred {
            break;
        }
        at = line.end;
        if !rule {
            rows.push((line, row));
        }
    }
    let name =
        |row: &[Range<usize>], n: usize| row.get(n).map(|c| text.folded(c.clone())).unwrap_or_default();
    let is = |words: &[&str], cell: &str| words.contains(&cell);
    let mut entries = Vec::new();
    let mut end = i;
    let (_, head) = rows.first()?;
    if is(NUMBER_CELLS, &name(head, 0)) && is(KEY_CELLS, &name(head, 1)) {
        // One row for each question.
        for (line, row) in rows.iter().skip(1) {
            let (Some(number), Some(key)) =
                (row.first().and_then(|c| figure(text, c)), row.get(1).and_then(|c| cell_key(text, c)))
            else {
                break;
            };
            let why = row.get(2).filter(|c| !c.is_empty()).cloned();
            entries.push(Entry { number, says: Says::Key(key), at: line.start..row[1].end, why });
            end = line.end;
        }
    } else {
        // A row of numbers over a row of keys, as often as it takes.
        for pair in rows.windows(2) {
            let ((_, numbers), (line, keys)) = (&pair[0], &pair[1]);
            let shift = |row: &[Range<usize>], names: &[&str]| usize::from(is(names, &name(row, 0)));
            let numbers = &numbers[shift(numbers, NUMBER_CELLS)..];
            let keys = &keys[shift(keys, KEY_CELLS)..];
            let figures: Vec<u32> = numbers.iter().map_while(|c| figure(text, c)).collect();
            if figures.is_empty() || figures.len() != numbers.len() || keys.len() < figures.len() {
                continue;
            }
            let found: Vec<(u32, &Range<usize>, Key)> = figures
                .iter()
                .zip(keys)
                .filter_map(|(&n, cell)| Some((n, cell, cell_key(text, cell)?)))
                .collect();
            if found.len() * 2 < figures.len() || found.is_empty() {
                continue;
            }
            entries.extend(found.into_iter().map(|(number, cell, key)| Entry {
                number,
                says: Says::Key(key),
                at: cell.clone(),
                why: None,
            }));
            end = line.end;
        }
    }
    (entries.len() >= 2 || (entries.len() == 1 && end > i)).then_some((entries, end))
}
