//! Equal and nearly equal questions within one text.
//!
//! Promises: two questions are duplicates when wording, options and key are equal after folding (punctuation, brackets
//! and variant characters do not count). A copy in a later document is left out; inside one document both stay. Equal
//! wording and options with another key is a conflict; similar wording is never merged.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization;

use super::finding::{Code, Finding};
use super::{Answer, Document, Question, Reading};

/// Rare variants beside the characters they stand for.
const VARIANTS: &[(char, char)] = &[
    ('釆', '采'),
    ('巳', '已'),
    ('曰', '日'),
    ('內', '内'),
    ('戶', '户'),
    ('査', '查'),
    ('別', '别'),
    ('說', '说'),
    ('産', '产'),
    ('為', '为'),
    ('吿', '告'),
    ('淸', '清'),
];

/// The usual character for a rare variant that only comes from bad recognition or fonts.
pub(super) fn variant(c: char) -> Option<char> {
    VARIANTS.iter().find(|(rare, _)| *rare == c).map(|v| v.1)
}

fn bare(words: &str, out: &mut String) {
    out.extend(words.nfkc().filter(|c| c.is_alphanumeric()).map(|c| variant(c).unwrap_or(c)));
}

fn body(question: &Question) -> String {
    let mut out = String::new();
    bare(&question.stem, &mut out);
    for option in &question.options {
        out.push('\u{1}');
        bare(&option.text, &mut out);
    }
    out
}

fn choices(question: &Question) -> String {
    let mut out = String::new();
    for option in &question.options {
        out.push('\u{1}');
        bare(&option.text, &mut out);
    }
    out
}

/// Finds duplicates and conflicts over all documents and drops later copies.
pub(super) fn settle(reading: &mut Reading) {
    let mut seen: HashMap<String, (usize, usize)> = HashMap::new();
    let mut by_choices: HashMap<String, (usize, usize)> = HashMap::new();
    let mut dropped: Vec<(usize, usize)> = Vec::new();
    let mut found = Vec::new();
    for (d, document) in reading.documents.iter().enumerate() {
        let mut copies: Vec<usize> = Vec::new();
        for (q, question) in document.questions.iter().enumerate() {
            // An empty wording equals every other one and says nothing.
            let body = body(question);
            if body.chars().count() < 4 {
                continue;
            }
            let Some(&(od, oq)) = seen.get(&body) else {
                seen.insert(body, (d, q));
                if question.options.len() >= 2
                    && let Some((od, oq)) = by_choices.insert(choices(question), (d, q))
                    && let Some(other) = question_at(reading, od, oq)
                    && similar(&other.stem, &question.stem)
                {
                    found.push(
                        Finding::new(Code::NearDuplicate, question.line, &question.stem, format!("equal options and similar wording as the question in line {}; both were kept", other.line))
                            .on(d, Some(question.section), Some(q)),
                    );
                }
                continue;
            };
            let Some(other) = question_at(reading, od, oq) else { continue };
            if !other.answer.is_none() && !question.answer.is_none() && other.answer != question.answer {
                let message = format!(
                    "equal wording and options as the question in line {}, but another key ({} there, {} here); both keys were kept",
                    other.line,
                    show(&other.answer),
                    show(&question.answer)
                );
                found.push(
                    Finding::new(Code::KeyConflict, question.line, &question.stem, message.clone()).on(
                        d,
                        Some(question.section),
                        Some(q),
                    ),
                );
                found.push(Finding::new(Code::KeyConflict, other.line, &other.stem, message).on(
                    od,
                    Some(other.section),
                    Some(oq),
                ));
            } else if od != d && other.answer == question.answer && question.complete {
                copies.push(q);
                dropped.push((d, q));
            } else if od == d {
                let message =
                    format!("equal to the question in line {} of the same paper; both were kept", other.line);
                found.push(
                    Finding::new(Code::DuplicateQuestions, question.line, &question.stem, message).on(
                        d,
                        Some(question.section),
                        Some(q),
                    ),
                );
            }
        }
        if let Some(first) = copies.first().and_then(|&q| document.questions.get(q)) {
            let message = format!(
                "{} questions of this paper are equal to questions of an earlier paper in the same text; the copies were left out",
                copies.len()
            );
            found.push(
                Finding::new(Code::DuplicateQuestions, first.line, &first.stem, message).on(d, None, None),
            );
        }
    }
    reading.findings.append(&mut found);
    drop_questions(reading, &dropped);
}

fn question_at(reading: &Reading, d: usize, q: usize) -> Option<&Question> {
    reading.documents.get(d)?.questions.get(q)
}

fn show(answer: &Answer) -> String {
    match answer {
        Answer::Letters(letters) => letters.iter().collect(),
        Answer::Truth(value) => value.to_string(),
        Answer::None => "none".to_owned(),
        Answer::Texts(texts) => texts.join("; "),
        Answer::Text(text) => text.clone(),
    }
}

/// Removes questions (sorted) and moves the indices of the findings along.
fn drop_questions(reading: &mut Reading, dropped: &[(usize, usize)]) {
    if dropped.is_empty() {
        return;
    }
    let mut next = 0;
    let mut maps: Vec<Vec<Option<usize>>> = Vec::with_capacity(reading.documents.len());
    for (d, document) in reading.documents.iter_mut().enumerate() {
        let mut kept = 0;
        let map: Vec<Option<usize>> = (0..document.questions.len())
            .map(|q| {
                if dropped.get(next) == Some(&(d, q)) {
                    next += 1;
                    return None;
                }
                kept += 1;
                Some(kept - 1)
            })
            .collect();
        let mut keep = map.iter();
        document.questions.retain(|_| keep.next().is_some_and(Option::is_some));
        maps.push(map);
    }
    reading.findings.retain_mut(|finding| {
        let (Some(document), Some(question)) = (finding.document, finding.question) else { return true };
        finding.question = maps.get(document).and_then(|map| map.get(question).copied().flatten());
        finding.question.is_some()
    });
}

/// Whether two wordings share most of their characters.
fn similar(a: &str, b: &str) -> bool {
    let pairs = |s: &str| {
        let mut folded = String::new();
        bare(s, &mut folded);
        let chars: Vec<char> = folded.chars().take(400).collect();
        let mut pairs: Vec<(char, char)> = chars.windows(2).map(|w| (w[0], w[1])).collect();
        pairs.sort_unstable();
        pairs
    };
    let (a, b) = (pairs(a), pairs(b));
    if a.is_empty() || b.is_empty() {
        return false;
    }
    let (mut i, mut j, mut common) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        match a[i].cmp(&b[j]) {
            std::cmp::Ordering::Equal => (i, j, common) = (i + 1, j + 1, common + 1),
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
        }
    }
    common * 20 >= (a.len() + b.len()) * 7
}

/// Whether a document has nothing to say after its copies were left out.
pub(super) fn is_copy(document: &Document) -> bool {
    document.questions.is_empty()
}
