//! Splits a stretch of the stream into items by their numbers.
//!
//! Promises: the expected next number is the guide. A place counts when it is in number form and the item before it
//! is finished (its options or its key are there) or a line begins; digits inside stems, options and explanations do
//! not split. A lost number is stepped over, a return to 1 ends the run. Without a header, a run of numbers is kept
//! only when most of its items have options, keys or blanks: prose is not an exam.

use std::collections::HashMap;
use std::ops::Range;

use super::Kind;
use super::fold::{CUT, LINE, Text};
use super::keys::KeyMark;
use super::number::{Mark, Style};
use super::options::{Label, Labels};

/// The text with everything that was found in it beforehand.
pub(super) struct Page<'a> {
    /// The stream.
    pub(super) text: &'a Text,
    /// Option labels.
    pub(super) labels: &'a Labels,
    /// Number marks, in order.
    pub(super) marks: &'a [Mark],
    /// Key marks, in order.
    pub(super) keys: &'a [KeyMark],
    /// The text does not end with a line end.
    pub(super) unended: bool,
    /// Where each number stands.
    pub(super) places: &'a HashMap<u32, Vec<usize>>,
    /// Explanation marks, in order.
    pub(super) explanations: &'a [(usize, usize)],
}

/// One item: where it stands.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// First character, an answer bracket before the number included.
    pub(super) at: usize,
    /// Number as a mark.
    pub(super) mark: Mark,
    /// Whether the bracket before the number belongs to it.
    pub(super) prefixed: bool,
    /// Wording up to the next item.
    pub(super) body: Range<usize>,
}

/// A run of items.
#[derive(Debug, Default)]
pub(super) struct Run {
    /// The items.
    pub(super) items: Vec<Item>,
    /// Where the run stopped because numbering starts again, if it did.
    pub(super) restart: Option<usize>,
}

/// What an item shows that prose does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Feature {
    /// Options A and B, or a key.
    Strong,
    /// An empty bracket or underscores.
    Blank,
    /// Nothing.
    None,
}

impl Page<'_> {
    /// The first key mark at or after `from`, before `to`.
    pub(super) fn key_in(&self, range: Range<usize>) -> Option<KeyMark> {
        let i = self.keys.partition_point(|k| k.at < range.start);
        self.keys.get(i).copied().filter(|k| k.at < range.end)
    }

    /// The first explanation mark within a range.
    pub(super) fn explanation_in(&self, range: Range<usize>) -> Option<(usize, usize)> {
        let i = self.explanations.partition_point(|e| e.0 < range.start);
        self.explanations.get(i).copied().filter(|e| e.0 < range.end)
    }

    /// Where the numbers of a value stand, in order.
    pub(super) fn marks_of(&self, value: u32) -> &[usize] {
        self.places.get(&value).map_or(&[], Vec::as_slice)
    }

    pub(super) fn marks_in(&self, range: Range<usize>) -> &[Mark] {
        let from = self.marks.partition_point(|m| m.at < range.start);
        let to = self.marks.partition_point(|m| m.at < range.end);
        &self.marks[from..to.max(from)]
    }

    /// What the stretch shows.
    pub(super) fn feature(&self, range: Range<usize>) -> Feature {
        if range.len() > 4000 {
            return Feature::None;
        }
        if self.labels.pair_within(range.clone()) || self.key_in(range.clone()).is_some_and(|k| !k.free) {
            return Feature::Strong;
        }
        let truth = super::keys::brackets(self.text, range.clone());
        if truth.iter().any(|b| matches!(b.held, super::keys::Held::Key(super::keys::Key::Truth(_)))) {
            return Feature::Strong;
        }
        let underscores = range.clone().any(|i| self.text.starts(i, "__"));
        if underscores || truth.iter().any(|b| b.held == super::keys::Held::Blank) {
            Feature::Blank
        } else {
            Feature::None
        }
    }

    /// Splits `range` under a header of the given kind; numbering goes on from `previous` or starts at 1.
    pub(super) fn split(&self, range: Range<usize>, kind: Option<Kind>, previous: u32) -> Run {
        let marks = self.marks_in(range.clone());
        let Some(first) = self.first(marks, &range, kind, previous) else { return Run::default() };
        self.follow(marks, &by_value(marks), first, range, kind)
    }

    fn first(
        &self,
        marks: &[Mark],
        range: &Range<usize>,
        kind: Option<Kind>,
        previous: u32,
    ) -> Option<usize> {
        let style = |m: &Mark| m.style != Style::Paren;
        let wanted = |m: &Mark| m.value == 1 || m.value == previous + 1;
        let choice = kind.is_some_and(Kind::is_choice);
        let opens = |m: &Mark| m.at == range.start || m.bracket == Some(range.start);
        let firm = |m: &Mark| !m.glued && !m.doubtful;
        let find = |test: &dyn Fn(&Mark) -> bool| marks.iter().position(test);
        if let Some(i) = find(&|m| opens(m) && !m.glued) {
            return Some(i);
        }
        // Before the first item stands an instruction or the case; its own numbers are not at line starts.
        find(&|m| wanted(m) && style(m) && m.hard && firm(m))
            .or_else(|| find(&|m| wanted(m) && style(m) && firm(m) && (!choice || self.shows(m, range.end))))
            .or_else(|| find(&|m| style(m) && m.hard && firm(m)))
            .or_else(|| find(&|m| wanted(m) && (m.hard || !kind.is_some_and(Kind::is_free)) && firm(m)))
    }

    /// Whether options follow a mark soon.
    fn shows(&self, mark: &Mark, end: usize) -> bool {
        self.labels.pair_within(mark.end..end.min(mark.end + 900))
    }

    fn follow(
        &self,
        marks: &[Mark],
        by_value: &ByValue,
        first: usize,
        range: Range<usize>,
        kind: Option<Kind>,
    ) -> Run {
        let prefixed = marks[first].bracket.is_some_and(|b| b >= range.start);
        let mut chosen = vec![first];
        let mut restart = None;
        let mut nested = 0_u32;
        while let Some(&current) = chosen.last() {
            let m = &marks[current];
            let find = |value: u32, strict: bool, nested: &mut u32| {
                let all = by_value.get(&value)?;
                let from = all.partition_point(|&i| i <= current);
                all[from..].iter().copied().take(24).find(|&i| {
                    marks[i].at >= m.end
                        && self.ends_item(marks, current, i, &range, kind, strict, prefixed, nested)
                })
            };
            let next = find(m.value + 1, false, &mut nested);
            // Behind the first free task only a line that opens a whole choice item can be another paper.
            let firm = m.value == 1 && !kind.is_none_or(Kind::is_choice);
            let again = by_value.get(&1).and_then(|all| {
                let from = all.partition_point(|&i| i <= current);
                all[from..].iter().copied().take(8).find(|&i| {
                    let c = &marks[i];
                    (!firm || (c.hard && self.labels.pair_within(c.end..range.end.min(c.end + 300))))
                        && self.begins_again(marks, current, i, &range)
                })
            });
            if let Some(again) = again
                && next.is_none_or(|n| n > again)
            {
                restart = Some(again);
                break;
            }
            // A lost number: its successor may stand before a false find. Where nothing goes on near by, any later
            // number that opens a whole item does.
            let skipped = (2..=3).find_map(|step| find(m.value + step, true, &mut 0)).or_else(|| {
                let near = next.is_some_and(|n| !marks[n].glued && marks[n].at < m.end + 600);
                let whole = |&s: &usize| marks[s].hard && self.stands_alone(&marks[s], range.end);
                if near {
                    None
                } else {
                    (4..=40).filter_map(|step| find(m.value + step, true, &mut 0).filter(whole)).min()
                }
            });
            let next = match (next, skipped) {
                (Some(n), Some(s))
                    if s < n && (marks[n].glued && !marks[s].glued || self.follows(marks, s, n)) =>
                {
                    Some(s)
                }
                (Some(n), _) => Some(n),
                (None, s) => s,
            };
            match next {
                Some(next) => chosen.push(next),
                None => break,
            }
        }
        let limit = restart.map_or(range.end, |i| marks[i].at);
        let chosen = self.passed_over(marks, &chosen, &(range.start..limit));
        let starts: Vec<(usize, bool)> = chosen
            .iter()
            .map(|&i| {
                let m = &marks[i];
                let own = prefixed && m.bracket.is_some_and(|b| b >= range.start);
                (if own { m.bracket.unwrap_or(m.at) } else { m.at }, own)
            })
            .collect();
        let items = chosen
            .iter()
            .enumerate()
            .map(|(n, &i)| Item {
                at: starts[n].0,
                mark: marks[i].clone(),
                prefixed: starts[n].1,
                body: marks[i].end..starts.get(n + 1).map_or(limit, |s| s.0).max(marks[i].end),
            })
            .collect();
        Run { items, restart: restart.map(|i| marks[i].at) }
    }

    /// Whether the number after `s` stands between `s` and `n`: then `s` is a real item.
    fn follows(&self, marks: &[Mark], s: usize, n: usize) -> bool {
        marks[s + 1..n]
            .iter()
            .take(60)
            .any(|m| (1..=3).contains(&m.value.saturating_sub(marks[s].value)) && !m.doubtful && !m.glued)
    }

    /// Whether what stands behind a mark is an item by itself: options, a key, or a blank in its line.
    fn stands_alone(&self, mark: &Mark, end: usize) -> bool {
        if self.shows_first(mark, end) {
            return true;
        }
        let line = (mark.end + 1..end.min(mark.end + 300)).find(|&i| self.text.has(i, LINE)).unwrap_or(end);
        self.feature(mark.end..line.min(mark.end + 300)) != Feature::None
    }

    /// Whole items that the run of numbers passed over: a number printed twice, or one that jumps back.
    fn passed_over(&self, marks: &[Mark], chosen: &[usize], range: &Range<usize>) -> Vec<usize> {
        let mut all = Vec::with_capacity(chosen.len());
        for (n, &current) in chosen.iter().enumerate() {
            all.push(current);
            let limit = chosen.get(n + 1).map_or(range.end, |&i| marks[i].at);
            let last = chosen.get(n + 1).copied().unwrap_or(marks.len());
            let mut open = &marks[current];
            for (i, mark) in marks.iter().enumerate().take(last).skip(current + 1) {
                if mark.at >= limit {
                    break;
                }
                if !mark.hard || mark.glued || mark.doubtful || mark.at < open.end {
                    continue;
                }
                if (mark.style == Style::Paren) != (open.style == Style::Paren) {
                    continue;
                }
                let ended = self.labels.depth(open.end, mark.at) >= 2;
                if ended && self.shows_first(mark, limit) {
                    all.push(i);
                    open = mark;
                }
            }
        }
        all
    }

    #[allow(clippy::too_many_arguments)]
    fn ends_item(
        &self,
        marks: &[Mark],
        current: usize,
        candidate: usize,
        range: &Range<usize>,
        kind: Option<Kind>,
        strict: bool,
        prefixed: bool,
        nested: &mut u32,
    ) -> bool {
        let (m, c) = (&marks[current], &marks[candidate]);
        if (c.style == Style::Paren) != (m.style == Style::Paren) {
            return false;
        }
        if prefixed && c.bracket.is_some() && !c.glued {
            return true;
        }
        let span = m.end..c.at;
        let explained = self.explanation_in(span.clone()).is_some();
        let keyed = self.key_in(span.clone()).is_some_and(|k| !k.free);
        let depth = self.labels.depth(span.start, span.end);
        let finished = depth >= 2 || keyed || explained;
        // "D.3.5倍" and dates never end an item; a number at a line start may still look like a decimal.
        let line = c.hard && finished && !is_decimal(self.text, c);
        if c.doubtful
            && !line
            && !(c.decimal && !strict && self.opens_with_figure(marks, candidate, range.end, finished))
        {
            return false;
        }
        let choice = kind.map_or(depth >= 2 || self.shows(m, range.end.min(c.end + 400)), Kind::is_choice);
        if choice {
            if !finished {
                // An item without options: only when a line begins, and the next one is whole.
                return !c.glued && c.hard && self.shows_first(c, range.end) && !self.label_between(m, c);
            }
            if depth >= 2 && !explained && !keyed {
                // Inside the option list the next label is C, not A.
                let next = self.labels.next(depth, c.end).map_or(usize::MAX, |l| l.at);
                let fresh = self.labels.next(0, c.end).map_or(usize::MAX, |l| l.at);
                if next < fresh
                    && next < range.end
                    && depth < 8
                    && next - c.end < 300
                    && !self.number_between(marks, candidate, next)
                {
                    return false;
                }
            }
            if c.glued {
                // "D.507.云": only when no better place exists and options follow.
                return self.shows_first(c, range.end.min(c.end + 300)) && !strict;
            }
            if explained {
                // Explanations hold lists of their own: the number nearest to the next options counts.
                return if self.shows_first(c, range.end) {
                    self.last_before_options(marks, candidate, range.end)
                } else {
                    c.hard || self.last_before_options(marks, candidate, range.end)
                };
            }
            return true;
        }
        if c.glued {
            return false;
        }
        if kind.is_some_and(Kind::is_free) {
            return self.ends_free(m, c, nested);
        }
        if strict {
            return c.hard;
        }
        let ahead = self.text.before(c.at);
        c.hard
            || kind.is_some()
            || finished
            || matches!(ahead, '。' | '.' | '!' | '?' | ';' | ')' | '”' | '√' | '×' | '_')
    }

    /// "3.24小时内应完成的是": number 3 behind a finished item, when a whole item follows and no better 3 stands before
    /// its options.
    fn opens_with_figure(&self, marks: &[Mark], candidate: usize, end: usize, finished: bool) -> bool {
        let c = &marks[candidate];
        let text = self.text;
        let ended = finished || matches!(text.before(c.at), '。' | '?' | '!' | ')' | '√' | '×' | ';' | '_');
        let mut after = c.end;
        while text.at(after).is_ascii_digit() && after < c.end + 5 {
            after += 1;
        }
        // "3.24元" at the end of an option or "3.5、" in a list are figures.
        if !ended || matches!(text.at(after), '.' | '、' | ')' | ',' | '。' | '\0') || text.breaks(after) {
            return false;
        }
        if self.labels.pair_within(c.end..end.min(c.end + 400)) {
            return self.last_before_options(marks, candidate, end) && self.shows_first(c, end);
        }
        c.hard
    }

    /// Whether a number that goes on stands between `candidate` and the label at `label`.
    fn number_between(&self, marks: &[Mark], candidate: usize, label: usize) -> bool {
        let value = marks[candidate].value + 1;
        marks[candidate + 1..]
            .iter()
            .take(60)
            .take_while(|m| m.at < label)
            .any(|m| m.value == value && !m.doubtful && !m.glued)
    }

    fn label_between(&self, m: &Mark, c: &Mark) -> bool {
        self.labels.next(0, m.end).is_some_and(|l| {
            l.at < c.at && self.labels.next(1, l.end).is_some_and(|b| b.at >= c.at && b.at < c.at + 200)
        })
    }

    /// Whether the next thing after a mark is an option list, not a key.
    fn shows_first(&self, c: &Mark, end: usize) -> bool {
        let Some(a) = self.labels.pair(c.end..end.min(c.end + 900)) else { return false };
        self.key_in(c.end..a).is_none_or(|k| k.end >= a) && self.explanation_in(c.end..a).is_none()
    }

    /// Whether no later mark of the same value stands before the next option list.
    fn last_before_options(&self, marks: &[Mark], candidate: usize, end: usize) -> bool {
        let c = &marks[candidate];
        let Some(a) = self.labels.pair(c.end..end.min(c.end + 900)) else { return false };
        !marks[candidate + 1..]
            .iter()
            .take(60)
            .take_while(|m| m.at < a)
            .any(|m| m.value == c.value && !m.doubtful)
    }

    /// Free answers hold numbered lists of their own: "答:1.… 2.…". A number of such a list does not end the item.
    fn ends_free(&self, m: &Mark, c: &Mark, nested: &mut u32) -> bool {
        let Some(key) = self.key_in(m.end..c.at) else {
            *nested = 0;
            return c.style == m.style || c.hard;
        };
        let text = self.text;
        // The list began right behind the answer mark.
        let inner = self.marks_in(key.end..c.at + 1);
        let mut expected = 1;
        let mut inner_style = c.style;
        for mark in inner.iter().filter(|n| !n.glued && !n.doubtful) {
            if mark.at == c.at {
                break;
            }
            if mark.value == expected {
                expected += 1;
                inner_style = mark.style;
            }
        }
        *nested = expected - 1;
        if *nested == 0 || c.value != expected {
            return c.hard || c.style == m.style;
        }
        // "答:1.… 2.…" and then "3、…": another punctuation ends the list.
        if c.hard && c.style != inner_style {
            return true;
        }
        if c.style != m.style {
            return false;
        }
        // Both fit: a question asks or is answered.
        let next = self
            .marks_in(c.end..text.len())
            .iter()
            .find(|n| !n.doubtful && !n.glued)
            .map_or(text.len(), |n| n.at);
        let words = c.end..next.min(c.end + 300);
        let asks = text.contains(
            words.clone(),
            &["?", "什么", "如何", "简述", "试述", "为什么", "哪些", "怎样", "谈谈", "试分析", "请"],
        );
        asks || self.key_in(words).is_some()
    }

    /// Whether numbering starts again at `candidate` with a whole item: another paper without a header.
    fn begins_again(&self, marks: &[Mark], current: usize, candidate: usize, range: &Range<usize>) -> bool {
        let c = &marks[candidate];
        if c.glued || c.doubtful || c.style == Style::Paren || !self.shows_first(c, range.end) {
            return false;
        }
        let m = &marks[current];
        let depth = self.labels.depth(m.end, c.at);
        let next = self.labels.next(depth, c.end).map_or(usize::MAX, |l| l.at);
        let fresh = self.labels.next(0, c.end).map_or(usize::MAX, |l| l.at);
        if depth >= 2 && next < fresh {
            return false;
        }
        // "1、登记;2、核对。… 5、下列…A、": when the number that goes on is nearer to the options, this 1 is of a list.
        if let Some(a) = self.labels.pair(c.end..range.end.min(c.end + 900))
            && marks[candidate + 1..]
                .iter()
                .take(60)
                .take_while(|n| n.at < a)
                .any(|n| n.value == m.value + 1 && (!n.doubtful || n.decimal) && !n.glued)
        {
            return false;
        }
        let mut later = marks[candidate + 1..].iter().take(40).filter(|n| !n.doubtful && !n.glued);
        let Some(second) = later.find(|n| n.value == 2 || n.value == m.value + 1).filter(|n| n.value == 2)
        else {
            return false;
        };
        // Not at a line start and behind an item that was cut: only with whole items 1 and 2.
        c.hard
            || depth >= 2
            || (self.labels.pair_within(c.end..second.at) && self.shows_first(second, range.end))
    }

    /// Splits a stretch without a header into runs that are questions; everything else is prose.
    pub(super) fn split_bare(&self, range: Range<usize>, previous: Option<u32>) -> Vec<Run> {
        let mut runs = Vec::new();
        let marks = self.marks_in(range.clone());
        let by_value = by_value(marks);
        let mut i = 0;
        let mut previous = previous;
        while i < marks.len() {
            let m = &marks[i];
            let goes_on = previous.is_some_and(|p| m.value == p + 1);
            let opens = !m.glued
                && !m.doubtful
                && (m.value == 1 || goes_on || m.hard)
                && (m.style != Style::Paren || (m.hard && self.shows_first(m, range.end)));
            // A run opens with a whole item, or at a line start with 1; anything else is prose until then.
            if !opens || !(m.value == 1 || self.shows_first(m, range.end)) {
                i += 1;
                continue;
            }
            if m.value == 1
                && !m.hard
                && !self.shows(m, range.end)
                && self.feature(m.end..range.end.min(m.end + 120)) == Feature::None
            {
                i += 1;
                continue;
            }
            // A cheap look first, so that long prose stays cheap.
            if self.feature(m.end..range.end.min(m.end + 800)) == Feature::None {
                i += 1;
                continue;
            }
            let run = self.follow(marks, &by_value, i, m.at..range.end, None);
            let Some(run) = self.worthy(run) else {
                i += 1;
                continue;
            };
            let end = run.items.last().map_or(m.end, |item| item.mark.end);
            previous = run.items.last().map(|item| item.mark.value);
            let stop = run.restart.unwrap_or(end);
            clip(&mut runs, run.items.first().map_or(stop, |item| item.at));
            runs.push(run);
            while i < marks.len() && marks[i].at < stop {
                i += 1;
            }
        }
        runs
    }

    /// Goes on with a section after an interruption when its next number opens the stretch.
    pub(super) fn resume(&self, range: Range<usize>, kind: Kind, previous: u32) -> Option<Run> {
        let first = self.marks_in(range.clone()).iter().find(|m| !m.glued)?;
        let opens =
            first.value == previous + 1 && (first.at == range.start || first.bracket == Some(range.start));
        opens.then(|| self.split(range, Some(kind), previous))
    }

    /// Keeps a run without a header only when its items look like questions.
    fn worthy(&self, mut run: Run) -> Option<Run> {
        if let [only] = run.items.as_slice()
            && !self.labels.pair_within(only.body.start..only.body.end.min(only.body.start + 1500))
            && self.feature(only.body.start..only.body.end.min(only.body.start + 300)) != Feature::Strong
        {
            return None;
        }
        let features: Vec<Feature> = run
            .items
            .iter()
            .map(|i| self.feature(i.body.start..i.body.end.min(i.body.start + 1500)))
            .collect();
        let strong = features.iter().filter(|f| **f == Feature::Strong).count();
        let blank = features.iter().filter(|f| **f == Feature::Blank).count();
        // Plain items at the end may be the prose that follows; one may be a statement that was cut.
        let last = features.iter().rposition(|f| *f != Feature::None)?;
        let keep = (last + 2).min(run.items.len());
        let plain = features[..=last].iter().filter(|f| **f == Feature::None).count();
        if (strong == 0 && blank < 2) || plain * 2 > strong + blank {
            return None;
        }
        if keep < run.items.len() {
            let stop = run.items[keep].at;
            run.items.truncate(keep);
            run.restart = Some(stop);
        }
        Some(run)
    }

    /// A label A without B behind the wording: an option list that was cut.
    pub(super) fn lone_label(&self, range: Range<usize>) -> Option<Label> {
        let label = self.labels.next(0, range.start).filter(|l| l.end < range.end && l.at > range.start)?;
        let opens = self.text.has(label.at, LINE)
            || matches!(self.text.before(label.at), '?' | ')' | ':' | '。' | '_');
        opens.then_some(label)
    }

    /// Where the last item of a run ends when other text follows it: at a line end behind its last part.
    pub(super) fn tail(&self, body: Range<usize>, kind: Option<Kind>) -> usize {
        let text = self.text;
        let end = (body.start + 1..body.end).find(|&i| text.has(i, CUT)).unwrap_or(body.end);
        let free = kind.is_some_and(Kind::is_free);
        let explained = self.explanation_in(body.start..end);
        if free && explained.is_none() && self.key_in(body.start..end).is_none() {
            return self.article(body.start..end).unwrap_or(end);
        }
        if free || explained.is_some() {
            return end;
        }
        let mut from = body.start;
        let mut options = false;
        if let Some(chain) = self.labels.chain(text, body.start..end)
            && let Some(last) = chain.labels.last()
        {
            from = last.end;
            options = true;
        }
        if let Some(key) = self.key_in(body.start..end) {
            let value = super::keys::announced(text, key.end..end.min(key.end + 40));
            from = from.max(value.map_or(key.end, |v| v.1));
        }
        // The first option of a list that was cut belongs to the item.
        if !options && let Some(label) = self.lone_label(body.start..end) {
            from = from.max(label.end);
        }
        let breaks: Vec<usize> = (from + 1..end).filter(|&i| text.has(i, LINE)).collect();
        for (n, &i) in breaks.iter().enumerate() {
            let closed = matches!(text.before(i), '。' | '?' | '!' | ')' | '√' | '×' | ';' | '”');
            // The bracket of a statement may be wrapped to the next line.
            let answered = super::keys::brackets(text, i..end.min(i + 14))
                .first()
                .is_some_and(|b| b.open == i && b.held != super::keys::Held::Latin);
            if answered {
                continue;
            }
            let rest = end - i;
            let many = n + 1 < breaks.len();
            if closed || (options && (many || rest > 40)) {
                return i;
            }
        }
        end
    }

    /// Where an article begins behind a task: at the first line after a closed sentence, when a heading "一、…" that
    /// names no section follows on a line of its own.
    fn article(&self, body: Range<usize>) -> Option<usize> {
        let text = self.text;
        self.heading(body.start + 1..body.end + 1)?;
        body.skip(1).find(|&i| text.has(i, LINE) && matches!(text.before(i), '。' | '?' | '!' | '”' | ')'))
    }

    /// The first line that opens with "一、" behind a closed line, when no answer stands before it.
    pub(super) fn heading(&self, range: Range<usize>) -> Option<usize> {
        let text = self.text;
        let found = range.clone().find(|&i| {
            text.at(i) == '一'
                && text.at(i + 1) == '、'
                && text.has(i, LINE)
                && !matches!(text.before(i), ':' | ',' | '、')
        })?;
        self.key_in(range.start..found).is_none().then_some(found)
    }
}

/// The run before ends where the next one begins.
fn clip(runs: &mut [Run], at: usize) {
    if let Some(last) = runs.last_mut().and_then(|run| run.items.last_mut()) {
        last.body.end = last.body.end.min(at).max(last.body.start);
    }
}

/// The places of each number, in order.
type ByValue = HashMap<u32, Vec<usize>>;

fn by_value(marks: &[Mark]) -> ByValue {
    let mut places = ByValue::new();
    for (i, mark) in marks.iter().enumerate() {
        places.entry(mark.value).or_default().push(i);
    }
    places
}

fn is_decimal(text: &Text, mark: &Mark) -> bool {
    text.before(mark.end) == '.' && text.at(mark.end).is_ascii_digit()
}
