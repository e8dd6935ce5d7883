//! Option labels: where they stand, and which of them make the options of one item.
//!
//! Promises: labels count only in order A, B, C, … and the texts between them are the options; a label may be glued
//! to Latin text before it. When a letter pair in the wording could be taken for labels as well, the run with one
//! punctuation, more labels and real texts wins.

use std::ops::Range;

use super::fold::{BLANK, LINE, Text};

/// Punctuation of labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `A.`
    Dot,
    /// `A、`
    Pause,
    /// `A:`
    Colon,
    /// `A)` and `(A)`
    Paren,
    /// `【A】` and `[A]`
    Lens,
    /// `A` and a blank
    Bare,
}

/// One place where a label may stand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Label {
    /// First character, the bracket of `(A)` included.
    pub(super) at: usize,
    /// Behind the punctuation.
    pub(super) end: usize,
    /// Punctuation.
    pub(super) form: Form,
    /// It opens a line.
    pub(super) lined: bool,
}

/// All labels of a text, by letter.
pub(super) struct Labels {
    by_letter: [Vec<Label>; 8],
}

/// The options found in one item.
pub(super) struct Chain {
    /// One label per option, A first.
    pub(super) labels: Vec<Label>,
    /// Where the last option ends.
    pub(super) end: usize,
}

impl Labels {
    /// Finds all labels.
    pub(super) fn find(text: &Text) -> Self {
        let mut by_letter: [Vec<Label>; 8] = Default::default();
        for i in 0..text.len() {
            let c = text.at(i);
            if !matches!(c, 'A'..='H') {
                continue;
            }
            let (at, end, form) = match text.at(i + 1) {
                '.' => (i, i + 2 + usize::from(text.at(i + 2) == '、'), Form::Dot),
                '、' => (i, i + 2 + usize::from(text.at(i + 2) == '.'), Form::Pause),
                ':' => (i, i + 2, Form::Colon),
                ')' if text.before(i) == '(' => (i - 1, i + 2, Form::Paren),
                ')' if text.before(i) != '、' && !opened(text, i) => (i, i + 2, Form::Paren),
                '】' if text.before(i) == '【' => (i - 1, i + 2, Form::Lens),
                ']' if text.before(i) == '[' => (i - 1, i + 2, Form::Lens),
                ',' if text.breaks(i) => (i, i + 2, Form::Dot),
                _ if bare(text, i) => (i, i + 1, Form::Bare),
                _ => continue,
            };
            if !matches!(form, Form::Paren | Form::Lens) && in_key(text, i) {
                continue;
            }
            by_letter[letter_index(c)].push(Label { at, end, form, lined: text.has(at, LINE) });
        }
        Self { by_letter }
    }

    /// The first label of a letter at or after `from`, of the firm forms `A.` `A、` `A:`.
    pub(super) fn next(&self, letter: usize, from: usize) -> Option<Label> {
        self.next_where(letter, from, |l| matches!(l.form, Form::Dot | Form::Pause | Form::Colon))
    }

    fn next_where(&self, letter: usize, from: usize, fits: impl Fn(&Label) -> bool) -> Option<Label> {
        let all = self.by_letter.get(letter)?;
        // A page of brackets must not make every search long.
        all[all.partition_point(|l| l.at < from)..].iter().take(64).find(|l| fits(l)).copied()
    }

    /// Whether options A and B stand in order within a range.
    pub(super) fn pair_within(&self, range: Range<usize>) -> bool {
        self.pair(range).is_some()
    }

    /// Where label A of a pair A, B of one form stands within a range.
    pub(super) fn pair(&self, range: Range<usize>) -> Option<usize> {
        let all = &self.by_letter[0];
        for a in all[all.partition_point(|l| l.at < range.start)..].iter().take(16) {
            if a.end >= range.end {
                return None;
            }
            if a.form == Form::Bare {
                if let Some(b) = self.next_where(1, a.end + 1, |l| l.form == Form::Bare)
                    && self
                        .next_where(2, b.end + 1, |l| l.form == Form::Bare)
                        .is_some_and(|c| c.end < range.end)
                {
                    return Some(a.at);
                }
                continue;
            }
            let after = &self.by_letter[1];
            let from = after.partition_point(|l| l.at < a.end + 1);
            let behind = after[from..].iter().take(64).take_while(|b| b.end < range.end);
            for b in behind.filter(|b| b.form == a.form).take(8) {
                // "将A、B混淆。2、下列正确的是A、金B、银": the A nearest to its B, unless nothing stands between.
                let to = all.partition_point(|l| l.at < b.at);
                let near = all[..to].iter().rev().take(8).find(|l| l.form == a.form).unwrap_or(a);
                if near.end < b.at || (near.lined && b.lined) {
                    return Some(near.at.max(a.at));
                }
            }
        }
        None
    }

    /// The letter index of the last label reached in order from `from` before `to`; 0 = none, 1 = A, ….
    pub(super) fn depth(&self, from: usize, to: usize) -> usize {
        let Some(start) = self.pair(from..to) else { return 0 };
        let mut at = start;
        let mut form = None;
        for letter in 0..8 {
            match self.next_where(letter, at, |l| form.is_none_or(|f| f == l.form)) {
                Some(label) if label.at < to => {
                    at = label.end;
                    form = Some(label.form);
                }
                _ => return letter,
            }
        }
        8
    }

    /// The options of an item that reaches over `range`.
    pub(super) fn chain(&self, text: &Text, range: Range<usize>) -> Option<Chain> {
        let first = &self.by_letter[0];
        let from = first.partition_point(|l| l.at < range.start);
        let mut best: Option<(i64, Vec<Label>)> = None;
        for a in first[from..].iter().take(12).take_while(|l| l.end <= range.end) {
            let labels = self.follow(text, *a, range.end);
            let least = if a.form == Form::Bare { 3 } else { 2 };
            if labels.len() < least {
                continue;
            }
            let empty = labels
                .iter()
                .enumerate()
                .filter(|(i, l)| {
                    // An option of its own line may have lost its text.
                    let next = labels.get(i + 1);
                    next.map_or(range.end, |n| n.at) <= l.end && !(l.lined && next.is_none_or(|n| n.lined))
                })
                .count() as i64;
            let firm = i64::from(matches!(a.form, Form::Dot | Form::Pause | Form::Colon));
            let line = i64::from(text.has(a.at, LINE | BLANK));
            let score = 10 * labels.len() as i64 - 25 * empty + 2 * firm + line;
            // "分A、B、C三档,最高的是A、金B、银": of two labels A before one B the nearer one counts.
            let nearer = |(s, l): &(i64, Vec<Label>)| score == *s && l[1].at == labels[1].at;
            if best.as_ref().is_none_or(|b| score > b.0 || nearer(b)) {
                best = Some((score, labels));
            }
        }
        let (score, labels) = best?;
        (score > 0).then_some(Chain { labels, end: range.end })
    }

    /// The option lists within a range that follow each other: where each begins and where its last label ends.
    pub(super) fn runs(&self, text: &Text, range: Range<usize>) -> Vec<(usize, usize)> {
        let mut runs = Vec::new();
        let mut from = range.start;
        while let Some(at) = self.pair(from..range.end) {
            let all = &self.by_letter[0];
            let Some(a) = all.get(all.partition_point(|l| l.at < at)).copied() else { break };
            let Some(b) = self.next_where(1, a.end, |l| l.form == a.form) else { break };
            // The next label A of this form opens the next list.
            let next =
                self.next_where(0, b.end, |l| l.form == a.form).map_or(range.end, |l| l.at.min(range.end));
            let end = self.follow(text, a, next).last().map_or(b.end, |l| l.end);
            runs.push((at, end));
            from = end;
        }
        runs
    }

    fn follow(&self, text: &Text, a: Label, end: usize) -> Vec<Label> {
        let mut labels = vec![a];
        let lined = text.has(a.at, LINE);
        for letter in 1..8 {
            let Some(last) = labels.last() else { break };
            let from = last.end + usize::from(a.form != Form::Bare && text.at(last.end) != '\0');
            // "B." and nothing: an option without a text, on its line or where no other label goes on.
            let empty = self
                .next_where(letter, last.end, |l| l.form == a.form)
                .filter(|l| l.at == last.end && l.end <= end && a.form != Form::Bare);
            let next = self.next_where(letter, from, |l| l.form == a.form).filter(|l| l.end <= end);
            let apart = empty.filter(|l| l.lined || text.has(l.at, BLANK) || (next.is_none() && letter > 1));
            let Some(near) = apart.or(next) else {
                break;
            };
            // "A、维生素B、维生素C" with the real B on the next line: where labels open lines, trust the lines.
            let better = if lined && !text.has(near.at, LINE) {
                self.next_where(letter, near.end, |l| l.form == a.form && text.has(l.at, LINE))
                    .filter(|l| l.end <= end)
            } else {
                None
            };
            let next = match better {
                Some(line)
                    if self
                        .next_where(letter + 1, near.end, |l| l.form == a.form)
                        .is_none_or(|n| n.at > line.at) =>
                {
                    line
                }
                _ => near,
            };
            labels.push(next);
        }
        labels
    }
}

/// The place of a letter in the alphabet, from 0.
pub(super) fn letter_index(letter: char) -> usize {
    (letter as usize).saturating_sub('A' as usize).min(7)
}

/// Whether a bracket is open before `i`: "(CRMB)" holds no label.
fn opened(text: &Text, i: usize) -> bool {
    (i.saturating_sub(24)..i)
        .rev()
        .find(|&k| matches!(text.at(k), '(' | ')') || text.has(k + 1, LINE))
        .is_some_and(|k| text.at(k) == '(')
}

/// Whether the letter at `i` is one of a key in brackets: "(A、C)".
fn in_key(text: &Text, i: usize) -> bool {
    let part = |c: char| matches!(c, 'A'..='H' | '、' | ',' | ';' | '.');
    let ahead = (i.saturating_sub(16)..i).rev().find(|&k| !part(text.at(k)));
    let behind = (i + 1..i + 17).find(|&k| !part(text.at(k)));
    ahead.is_some_and(|k| text.at(k) == '(') && behind.is_some_and(|k| text.at(k) == ')')
}

/// A lone capital at a word start with Chinese text behind it.
fn bare(text: &Text, i: usize) -> bool {
    let next = text.at(i + 1);
    text.has(i, BLANK | LINE)
        && !next.is_ascii()
        && ('\u{4e00}'..='\u{9fff}').contains(&next)
        && !text.before(i).is_ascii_alphabetic()
}
