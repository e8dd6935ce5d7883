//! Tags of single questions: `(单选题, 1.0 分)`, `[多选]`, `【判断题】` before a wording, `[单选题] *` behind one.
//!
//! Promises: a tag is a bracket that holds the name of a kind and perhaps figures, nothing else; it is left out of the
//! wording and tells what the question is where no header does.

use super::Kind;
use super::fold::Text;
use super::kinds;

/// The tag at `i`: where it ends and what it says.
pub(super) fn at(text: &Text, i: usize) -> Option<(usize, Kind)> {
    let close = match text.at(i) {
        '(' => ')',
        '[' => ']',
        '【' => '】',
        '〔' => '〕',
        '<' => '>',
        '《' => '》',
        _ => return None,
    };
    let end = (i + 1..text.len().min(i + 40)).find(|&k| text.at(k) == close)?;
    let from = text.one_of(i + 1, &["题型:", "本题为", "类型:"]).map_or(i + 1, |w| i + 1 + w.1);
    let (length, named) = kinds::at(text, from).or_else(|| kinds::english(text, from))?;
    let rest = text.folded(from + length..end);
    let figures =
        rest.chars().all(|c| c.is_ascii_digit() || ".,;:、/|-分每题空共本小满得难度易中等points".contains(c));
    (figures && rest.chars().count() <= 24).then_some((end + 1, named.kind))
}

/// Where a tag that ends at `end` begins, `[单选题]` and `[单选题] *`; not before `floor`.
pub(super) fn before(text: &Text, floor: usize, end: usize) -> Option<(usize, Kind)> {
    let stop = end - usize::from(end > floor && text.before(end) == '*');
    if stop <= floor || !matches!(text.before(stop), ')' | ']' | '】' | '〕') {
        return None;
    }
    let start = (floor.max(stop.saturating_sub(40))..stop)
        .rev()
        .find(|&k| matches!(text.at(k), '(' | '[' | '【' | '〔'))?;
    at(text, start).filter(|t| t.0 == stop).map(|t| (start, t.1))
}
