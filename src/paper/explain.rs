//! Explanations: the paragraph behind 【解析】 with its inline labels.
//!
//! Promises: knowledge point, common mistake and difficulty are split off wherever their labels stand; what the
//! paragraph claims as the answer is read for comparison only and never becomes a key.

use std::ops::Range;

use super::fold::Text;
use super::keys;

/// The parts of an explanation, as stretches of the stream.
#[derive(Debug, Clone, Default)]
pub(super) struct Explained {
    /// The explanation itself.
    pub(super) body: Option<Range<usize>>,
    /// 知识点, 考点
    pub(super) knowledge: Option<Range<usize>>,
    /// 易错点
    pub(super) mistake: Option<Range<usize>>,
    /// 难度
    pub(super) difficulty: Option<Range<usize>>,
    /// Letters it states as the answer.
    pub(super) claims: Option<Vec<char>>,
    /// Truth value it states as the answer.
    pub(super) claims_truth: Option<bool>,
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    Body,
    Knowledge,
    Mistake,
    Difficulty,
}

const LABELS: &[(&str, Part)] = &[
    ("知识点", Part::Knowledge),
    ("考查点", Part::Knowledge),
    ("考察点", Part::Knowledge),
    ("考点", Part::Knowledge),
    ("易错点", Part::Mistake),
    ("易错提示", Part::Mistake),
    ("难度", Part::Difficulty),
    ("难易度", Part::Difficulty),
];

/// The inline label at `i`: its part and where its text begins.
fn label(text: &Text, i: usize) -> Option<(Part, usize)> {
    let open = usize::from(matches!(text.at(i), '【' | '['));
    let (word, part) = LABELS.iter().find(|(w, _)| text.starts(i + open, w))?;
    let end = i + open + word.chars().count();
    match (open, text.at(end)) {
        (1, '】' | ']') => Some((*part, end + 1 + usize::from(text.at(end + 1) == ':'))),
        (0, ':') => Some((*part, end + 1)),
        _ => None,
    }
}

/// Where the first inline label stands within a range.
pub(super) fn first_label(text: &Text, range: Range<usize>) -> Option<usize> {
    range.into_iter().find(|&i| label(text, i).is_some())
}

/// Splits the stretch behind the mark of an explanation.
pub(super) fn read(text: &Text, range: Range<usize>) -> Explained {
    let mut parts: Vec<(Part, Range<usize>)> = Vec::new();
    let (mut part, mut start, mut i) = (Part::Body, range.start, range.start);
    while i < range.end {
        if let Some((next, end)) = label(text, i) {
            parts.push((part, start..i));
            (part, start, i) = (next, end.min(range.end), end);
        } else {
            i += 1;
        }
    }
    parts.push((part, start..range.end));
    let mut explained = Explained::default();
    for (part, stretch) in parts {
        if stretch.is_empty() {
            continue;
        }
        let slot = match part {
            Part::Body => &mut explained.body,
            Part::Knowledge => &mut explained.knowledge,
            Part::Mistake => &mut explained.mistake,
            Part::Difficulty => &mut explained.difficulty,
        };
        // A label printed twice keeps its first text.
        slot.get_or_insert(stretch);
    }
    (explained.claims, explained.claims_truth) = claims(text, range);
    explained
}

fn claims(text: &Text, range: Range<usize>) -> (Option<Vec<char>>, Option<bool>) {
    const WORDS: &[&str] = &[
        "正确答案是",
        "正确答案为",
        "正确答案:",
        "正确选项是",
        "正确选项为",
        "正确的是",
        "本题答案是",
        "本题答案为",
        "答案选",
        "答案为",
        "答案是",
        "故本题选",
        "故正确答案为",
        "故答案为",
        "故选择",
        "故选",
        "应选择",
        "应选",
        "本题选",
        "因此选",
        "所以选",
        "选择",
    ];
    const TRUTHS: &[(&str, bool)] = &[
        ("本题正确", true),
        ("本题错误", false),
        ("该说法正确", true),
        ("该说法错误", false),
        ("说法不正确", false),
        ("说法错误", false),
        ("此说法正确", true),
        ("此说法错误", false),
        ("题干正确", true),
        ("题干错误", false),
        ("故错误", false),
        ("故正确", true),
    ];
    let mut truth = None;
    for i in range.clone() {
        if let Some((word, length)) = text.one_of(i, WORDS) {
            let from = i + length + usize::from(text.at(i + length) == ':');
            let from = from + usize::from(text.starts(from, "选项")) * 2;
            let weak = word == "选择" || word == "正确的是";
            if let Some((letters, end)) = keys::letters(text, from..range.end.min(from + 24)) {
                let next = if end < range.end { text.at(end) } else { '。' };
                let closed = matches!(next, '。' | ',' | ';' | '.' | '!' | '项' | '选' | ':');
                if (closed || !weak) && text.at(from).is_ascii_uppercase() {
                    return (Some(letters), truth);
                }
            }
            if truth.is_none()
                && let Some((value, _)) = keys::truth(text, from..range.end)
                && !weak
                && !text.at(from).is_ascii_alphabetic()
            {
                truth = Some(value);
            }
        }
        if truth.is_none()
            && let Some((_, value)) = TRUTHS.iter().find(|(w, _)| text.starts(i, w))
        {
            truth = Some(*value);
        }
    }
    (None, truth)
}
