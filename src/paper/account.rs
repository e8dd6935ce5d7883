//! Accounts for every character of a text: what no question, head, list or named piece of furniture took is told.
//!
//! Promises: a stretch with a letter or a figure that nothing took gives a finding that quotes it; one that looks like
//! part of a question (options, a key, a number under a head) weighs as an error, other words as a warning.

use std::ops::Range;

use super::finding::{Code, Finding};
use super::fold::{LINE, Text};
use super::items::Page;

/// How many characters one finding quotes.
const QUOTE: usize = 110;
/// How many findings one stretch gives before the rest is told in one.
const MOST: usize = 60;

/// The stretches of `whole` that none of `taken` covers and that say something.
pub(super) fn rest(text: &Text, whole: Range<usize>, mut taken: Vec<Range<usize>>) -> Vec<Range<usize>> {
    taken.retain(|r| r.start < r.end);
    taken.sort_by_key(|r| r.start);
    let mut left = Vec::new();
    let mut at = whole.start;
    for range in taken {
        if range.start > at {
            left.push(at..range.start.min(whole.end));
        }
        at = at.max(range.end);
        if at >= whole.end {
            break;
        }
    }
    if at < whole.end {
        left.push(at..whole.end);
    }
    left.retain(|r| says(text, r.clone()));
    left
}

/// Whether a stretch holds more than punctuation.
fn says(text: &Text, range: Range<usize>) -> bool {
    range.into_iter().any(|i| text.at(i).is_alphanumeric() || matches!(text.at(i), '√' | '×'))
}

/// A paper as far as it matters here: where its questions begin and where it ends.
pub(super) struct Reach {
    /// Its first head or question.
    pub(super) begin: usize,
    /// Behind its last question.
    pub(super) end: usize,
}

/// Findings for everything that was not taken.
pub(super) fn tell(page: &Page, taken: Vec<Range<usize>>, papers: &[Reach], out: &mut Vec<Finding>) {
    let text = page.text;
    for stretch in rest(text, 0..text.len(), taken) {
        let mut lines: Vec<Range<usize>> = Vec::new();
        let mut start = stretch.start;
        for i in stretch.start + 1..=stretch.end {
            if i == stretch.end || text.has(i, LINE) {
                if says(text, start..i) {
                    lines.push(start..i);
                }
                start = i;
            }
        }
        let after = papers.partition_point(|p| p.begin <= stretch.start);
        let document = after.checked_sub(1);
        let inside = document.is_some_and(|d| stretch.start <= papers[d].end);
        // The parts of one question stand on several lines: the stretch is judged as one.
        let within = document.is_some_and(|d| stretch.start < papers[d].end);
        let asks = asks(page, stretch.clone()) || (within && numbered(page, stretch.clone()));
        let mut pieces: Vec<Range<usize>> = Vec::new();
        for line in lines {
            match pieces.last_mut() {
                Some(last) if line.end - last.start <= QUOTE => last.end = line.end,
                _ => pieces.push(line),
            }
        }
        let count = pieces.len();
        for (n, piece) in pieces.into_iter().take(MOST).enumerate() {
            let (code, what) = if asks {
                (
                    Code::UnreadText,
                    "this looks like part of a question but could not be read as one; it was left out",
                )
            } else if inside {
                (Code::TextLeftOut, "this text belongs to no question; it was left out")
            } else {
                (
                    Code::ProseLeftOut,
                    "this text stands outside of the papers and asks nothing; it was left out",
                )
            };
            let message = match n + 1 == MOST && count > MOST {
                true => format!("{what}, and so was what follows up to line {}", text.line(stretch.end - 1)),
                false => what.to_owned(),
            };
            let mut finding = Finding::new(code, text.line(piece.start), text.show(piece), message);
            finding.document = document;
            out.push(finding);
        }
    }
}

/// Whether options or a key stand within a stretch.
fn asks(page: &Page, stretch: Range<usize>) -> bool {
    if page.key_in(stretch.clone()).is_some_and(|k| !k.free) {
        return true;
    }
    let lined = page.labels.pair(stretch.clone()).is_some_and(|a| page.text.breaks(a));
    lined || page.labels.depth(stretch.start, stretch.end) >= 3
}

/// Whether a line of a stretch opens with a number.
fn numbered(page: &Page, stretch: Range<usize>) -> bool {
    page.marks_in(stretch).iter().any(|m| m.hard && !m.doubtful && !m.glued)
}
