//! Answer tables: `1-5 CBADD`, `答案:1.A 2.B 3.C`, and blocks of answers at the end of a paper.
//!
//! Promises: a table is taken out of the text so that no candidate sees it, and read into entries. To which section an
//! entry belongs is decided in `document`; a table of which the numbers and the letters do not tally gives no entries.

use std::collections::HashSet;
use std::ops::Range;

use super::fold::{BLANK, LINE, Text};
use super::header::Header;
use super::items::Page;
use super::keys::{self, Key};
use super::list;

/// A key in a table.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// Number of the question.
    pub(super) number: u32,
    /// What it says.
    pub(super) says: Says,
    /// Where it stands.
    pub(super) at: Range<usize>,
    /// The reason that is printed behind it.
    pub(super) why: Option<Range<usize>>,
}

/// What an entry says.
#[derive(Debug, Clone)]
pub(super) enum Says {
    /// Letters or true/false.
    Key(Key),
    /// A text.
    Words(Range<usize>),
}

/// One table with its place.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// The whole stretch, its heading included.
    pub(super) range: Range<usize>,
    /// The header it repeats.
    pub(super) header: Option<Header>,
    /// The ordinal of its section, printed without a name.
    pub(super) ordinal: Option<u32>,
    /// The chapter it names.
    pub(super) chapter: Option<String>,
    /// The paper it names.
    pub(super) title: Option<String>,
    /// Its entries.
    pub(super) entries: Vec<Entry>,
    /// Figures and letters do not tally.
    pub(super) unreadable: bool,
}

const HEADINGS: &[&str] = &[
    "参考答案及评分标准",
    "参考答案与评分标准",
    "答案及评分标准",
    "参考答案及解析",
    "答案及解析",
    "参考答案",
    "标准答案",
    "试题答案",
    "试卷答案",
    "答案",
];

/// Finds all tables and takes the headers they repeat out of `headers`.
pub(super) fn find(page: &Page, headers: &mut Vec<Header>, ends: &[usize]) -> Vec<Table> {
    let text = page.text;
    let mut tables: Vec<Table> = Vec::new();
    let mut used: HashSet<usize> = HashSet::new();
    let (lists, parts) = list::find(page, headers, ends);
    tables.extend(lists);
    used.extend(parts);
    block(page, headers, ends, &mut tables, &mut used);
    let mut blocks: Vec<Range<usize>> = tables.iter().map(|t| t.range.clone()).collect();
    blocks.sort_by_key(|b| b.start);
    let (mut i, mut next) = (0, 0);
    while i < text.len() {
        while blocks.get(next).is_some_and(|b| b.end <= i) {
            next += 1;
        }
        if let Some(block) = blocks.get(next).filter(|b| b.contains(&i)) {
            i = block.end;
            continue;
        }
        if !text.at(i).is_ascii_digit() || text.before(i).is_ascii_digit() && !text.has(i, LINE) {
            i += 1;
            continue;
        }
        let Some((entries, end, unreadable)) = entries(text, i) else {
            while text.at(i).is_ascii_digit() {
                i += 1;
            }
            continue;
        };
        let near = headers.partition_point(|h| h.end <= i);
        let header = near.checked_sub(1).filter(|&n| {
            let h = &headers[n];
            !used.contains(&n)
                && i - h.end <= 8
                && text.folded(h.end..i).trim_matches(['(', ')', ':', '。']).len() <= 12
                && h.end <= i
        });
        let mut start = header.map_or(i, |n| headers[n].at);
        start = heading_before(text, start).unwrap_or(start);
        if header.is_none() && start == i && bracket_or_colon(text, i) {
            // "答案:1.A 2.B" with a mark of its own.
            let mark = page.keys.partition_point(|k| k.end <= i);
            if let Some(k) = mark.checked_sub(1).map(|m| page.keys[m]).filter(|k| k.end == i) {
                start = k.at;
            }
        }
        if let Some(n) = header {
            used.insert(n);
        }
        tables.push(Table {
            range: start..end,
            header: header.map(|n| headers[n].clone()),
            entries,
            unreadable,
            ..Table::default()
        });
        i = end;
    }
    let mut n = 0;
    headers.retain(|_| {
        n += 1;
        !used.contains(&(n - 1))
    });
    tables.sort_by_key(|t| t.range.start);
    tables
}

fn bracket_or_colon(text: &Text, i: usize) -> bool {
    matches!(text.before(i), ':' | '】' | ']')
}

fn heading_before(text: &Text, at: usize) -> Option<usize> {
    let end = at - usize::from(at > 0 && matches!(text.before(at), ':' | '】' | ']'));
    HEADINGS.iter().find_map(|h| {
        let start = end.checked_sub(h.chars().count())?;
        let start = text.starts(start, h).then_some(start)?;
        // "…含答案" is the end of a title.
        if matches!(text.before(start), '含' | '附' | '及' | '与' | '带' | '和' | '有' | '无') {
            return None;
        }
        Some(start - usize::from(start > 0 && matches!(text.before(start), '【' | '[')))
    })
}

/// A heading like 参考答案 with repeated section headers behind it: everything up to the next paper is answers.
fn block(
    page: &Page,
    headers: &[Header],
    ends: &[usize],
    tables: &mut Vec<Table>,
    used: &mut HashSet<usize>,
) {
    let text = page.text;
    let mut n = 0;
    while n < headers.len() {
        if used.contains(&n) {
            n += 1;
            continue;
        }
        let h = &headers[n];
        let heading = heading_before(text, h.at).filter(|&s| {
            n > 0
                && s >= headers[n - 1].end
                && (text.breaks(s) || h.number.is_some_and(|v| headers[n - 1].number.is_some_and(|l| v <= l)))
        });
        // "…试卷及答案" over a paper with questions is a title, not the heading of a block.
        let heading = heading.filter(|_| {
            let to = headers.get(n + 1).map_or(text.len(), |next| next.at);
            let answers = if h.kind.is_free() || h.kind == super::Kind::FillBlank {
                words(page, h.end..to, h)
            } else {
                marks(page, h.end..to, h).0
            };
            let asks = h.kind.is_choice() && page.labels.pair_within(h.end..to.min(h.end + 400));
            !answers.is_empty() && !asks
        });
        let (Some(start), true) = (heading, n > 0 && repeats(h, &headers[..n])) else {
            n += 1;
            continue;
        };
        let stop = ends.iter().copied().find(|&e| e > h.at).unwrap_or(text.len());
        let mut last = n;
        while headers.get(last + 1).is_some_and(|next| {
            !used.contains(&(last + 1))
                && next.at < stop
                && next.number.zip(headers[last].number).is_none_or(|(b, a)| b > a)
                && repeats(next, &headers[..n])
        }) {
            last += 1;
        }
        for k in n..=last {
            let head = &headers[k];
            let to = if k == last {
                headers.get(k + 1).map_or(stop, |x| x.at.min(stop))
            } else {
                headers[k + 1].at
            };
            let body = head.end..to;
            let mut unreadable = false;
            let found = if head.kind.is_free() || head.kind == super::Kind::FillBlank {
                words(page, body.clone(), head)
            } else {
                let (all, bad) = marks(page, body.clone(), head);
                unreadable |= bad;
                all
            };
            let from = if k == n { start } else { head.at };
            tables.push(Table {
                range: from..to,
                header: Some(head.clone()),
                entries: found,
                unreadable,
                ..Table::default()
            });
            used.insert(k);
        }
        n = last + 1;
    }
}

fn repeats(header: &Header, earlier: &[Header]) -> bool {
    earlier.iter().any(|e| {
        e.kind == header.kind && (e.number == header.number || header.number.is_none() || e.number.is_none())
    })
}

/// Keys of a choice or true/false section in a block: tables, or one answer a line with or without its reason.
fn marks(page: &Page, body: Range<usize>, header: &Header) -> (Vec<Entry>, bool) {
    let text = page.text;
    let (mut all, mut unreadable) = (Vec::new(), false);
    let mut i = body.start;
    while i < body.end {
        if text.at(i).is_ascii_digit()
            && let Some((more, end, bad)) = some_entries(text, i)
            && end <= body.end
        {
            all.extend(more);
            unreadable |= bad;
            i = end;
        } else {
            while i < body.end && text.at(i).is_ascii_digit() {
                i += 1;
            }
            i += 1;
        }
    }
    let single = page.split(body, Some(super::Kind::FillBlank), 0).items.into_iter().filter_map(|item| {
        let start = page.key_in(item.body.start..item.body.start + 1).map_or(item.body.start, |k| k.end);
        let range = start.min(item.body.end)..item.body.end;
        let letters = keys::letters(text, range.clone()).map(|(l, e)| (Key::Letters(l), e));
        let truth = keys::truth(text, range.clone()).map(|(t, e)| (Key::Truth(t), e));
        let (key, end) = if header.kind.is_choice() { letters } else { truth }?;
        let closed = end >= range.end
            || text.has(end, BLANK | LINE)
            || matches!(text.at(end), '。' | '.' | ';' | ',' | '【' | '(' | '[' | '解');
        closed.then_some(Entry { number: item.mark.value, says: Says::Key(key), at: item.at..end, why: None })
    });
    let single: Vec<Entry> = single.collect();
    if single.len() > all.len() { (single, false) } else { (all, unreadable) }
}

pub(super) fn words(page: &Page, body: Range<usize>, header: &Header) -> Vec<Entry> {
    let run = page.split(body, Some(header.kind), 0);
    // What has options is asked, not answered.
    if run.items.iter().any(|item| page.labels.pair_within(item.body.clone())) {
        return Vec::new();
    }
    run.items
        .into_iter()
        .map(|item| {
            let start = match page.text.one_of(item.body.start, &["参考答案:", "答案:", "答:"]) {
                Some((_, length)) => item.body.start + length,
                None => item.body.start,
            };
            Entry {
                number: item.mark.value,
                says: Says::Words(start.min(item.body.end)..item.body.end),
                at: item.at..item.body.end,
                why: None,
            }
        })
        .collect()
}

/// A table that opens at `i`: enough entries in order, or a range.
fn entries(text: &Text, i: usize) -> Option<(Vec<Entry>, usize, bool)> {
    let (found, end, unreadable) = some_entries(text, i)?;
    let ranged = has_range(text, i);
    let announced = heading_before(text, i).is_some();
    let enough = found.len() >= 3 || ranged || (announced && found.len() >= 2);
    enough.then_some((found, end, unreadable))
}

fn has_range(text: &Text, i: usize) -> bool {
    let (_, end) = figure(text, i).unwrap_or((0, i));
    is_dash(text.at(end))
}

fn is_dash(c: char) -> bool {
    matches!(c, '-' | '~' | '—' | '–' | '―' | '至' | '−')
}

fn figure(text: &Text, i: usize) -> Option<(u32, usize)> {
    let mut end = i;
    while text.at(end).is_ascii_digit() && end < i + 3 {
        end += 1;
    }
    (end > i && !text.at(end).is_ascii_digit())
        .then(|| text.folded(i..end).parse().ok().map(|v| (v, end)))
        .flatten()
}

fn some_entries(text: &Text, start: usize) -> Option<(Vec<Entry>, usize, bool)> {
    // "A、1 B、2 C、3": the figures are options.
    if start >= 2
        && matches!(text.at(start - 1), '.' | '、' | ':' | ')')
        && text.at(start - 2).is_ascii_uppercase()
    {
        return None;
    }
    let announced = heading_before(text, start).is_some() || bracket_or_colon(text, start);
    let mut found: Vec<Entry> = Vec::new();
    let mut i = start;
    let mut unreadable = false;
    while let Some((number, after)) = figure(text, i) {
        if found.last().is_some_and(|e| number != e.number + 1) {
            break;
        }
        let end = if is_dash(text.at(after)) {
            let dashes = (after..after + 3).take_while(|&k| is_dash(text.at(k))).count();
            let Some((to, letters)) = figure(text, after + dashes) else { break };
            if to <= number || to - number > 60 {
                break;
            }
            let Some((keys, end)) = ranged(text, letters, (to - number + 1) as usize) else { break };
            unreadable |= keys.is_empty();
            for (n, (key, at)) in (number..).zip(keys) {
                found.push(Entry { number: n, says: Says::Key(key), at, why: None });
            }
            end
        } else {
            let sep = usize::from(matches!(text.at(after), '.' | '、' | ':' | ')'));
            // "1B" without punctuation may as well be the end of an option and the next label.
            if sep == 0 && !announced {
                break;
            }
            let from = after + sep;
            let limit = text.len().min(from + 16);
            let key = keys::letters(text, from..limit)
                .filter(|_| text.at(from).is_ascii_uppercase())
                .map(|(l, e)| (Key::Letters(l), e))
                .or_else(|| keys::truth(text, from..limit).map(|(t, e)| (Key::Truth(t), e)));
            let Some((key, end)) = key else { break };
            // What follows must be the next entry or the end of the table, not wording.
            let next = text.at(end);
            let closes = text.breaks(end)
                || next.is_ascii_digit()
                || (matches!(next, ';' | ',' | '。' | '、' | '.')
                    && (text.at(end + 1).is_ascii_digit() || text.breaks(end + 1)))
                || (text.has(end, BLANK) && "一二三四五六七八九十(第".contains(next))
                || (matches!(next, '(' | '第')
                    && "一二三四五六七八九十".contains(text.at(end + 1))
                    && matches!(text.at(end + 2), ')' | '部' | '大'))
                || ("一二三四五六七八九十".contains(next) && matches!(text.at(end + 1), '、' | '.'));
            if !closes {
                break;
            }
            found.push(Entry { number, says: Says::Key(key), at: i..end, why: None });
            end
        };
        i = end + usize::from(matches!(text.at(end), ';' | ',' | '。' | '、' | '.'));
        if unreadable {
            break;
        }
    }
    (!found.is_empty() || unreadable).then_some((found, i, unreadable))
}

/// `1-5 ABCDA` at `i`.
pub(super) fn range_entries(text: &Text, i: usize) -> Option<(Vec<Entry>, usize, bool)> {
    (text.at(i).is_ascii_digit() && has_range(text, i)).then(|| some_entries(text, i)).flatten()
}

/// Keys with their places.
type Keys = Vec<(Key, Range<usize>)>;

/// The keys behind a range of numbers: one letter each, or one group of letters each.
fn ranged(text: &Text, from: usize, count: usize) -> Option<(Keys, usize)> {
    let start = from + usize::from(matches!(text.at(from), '.' | '、' | ':' | ')'));
    let mark = |c: char| matches!(c, 'A'..='H' | '√' | '×' | '对' | '错' | 'T');
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut i = start;
    let mut split = true;
    let mut singles = 0;
    while i < text.len() && groups.len() <= 80 {
        let c = text.at(i);
        if mark(c) {
            if split || text.has(i, BLANK | LINE) {
                groups.push(Vec::new());
            }
            if let Some(group) = groups.last_mut() {
                group.push(i);
            }
            singles += 1;
            split = false;
        } else if matches!(c, ',' | ';' | '、' | '/') && mark(text.at(i + 1)) {
            split = true;
        } else {
            break;
        }
        i += 1;
    }
    if singles < 2 || text.at(i).is_ascii_alphabetic() {
        return None;
    }
    let one = |at: usize| match text.at(at) {
        c @ 'A'..='H' => Key::Letters(vec![c]),
        c => Key::Truth(matches!(c, '√' | '对' | 'T')),
    };
    if singles == count {
        let keys = groups.concat().into_iter().map(|at| (one(at), at..at + 1)).collect();
        return Some((truthful(text, keys), i));
    }
    if groups.len() == count {
        let mut keys = Vec::new();
        for group in &groups {
            let (Some(&a), Some(&b)) = (group.first(), group.last()) else { return Some((Vec::new(), i)) };
            match keys::letters(text, a..b + 1) {
                Some((letters, end)) if end == b + 1 => keys.push((Key::Letters(letters), a..b + 1)),
                _ => return Some((Vec::new(), i)),
            }
        }
        return Some((keys, i));
    }
    Some((Vec::new(), i))
}

/// `TFTTF`: F is false there, not the sixth letter.
fn truthful(text: &Text, keys: Keys) -> Keys {
    let marks = keys.iter().any(|(k, _)| matches!(k, Key::Truth(_)));
    if !marks {
        return keys;
    }
    keys.into_iter()
        .map(|(key, at)| if text.at(at.start) == 'F' { (Key::Truth(false), at) } else { (key, at) })
        .collect()
}
