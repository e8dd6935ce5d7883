//! Texts in the exchange formats of learning platforms: GIFT, which is no paper, and Aiken, which reads as one.
//!
//! Promises: a text is taken for GIFT only when most of its blocks hold answers in GIFT's braces, and for Aiken only
//! when every line of it belongs to a question in that format; nothing of GIFT becomes a question; every question of
//! Aiken that was read otherwise than the format says is told.

use std::collections::HashSet;

use super::finding::{Code, Finding};
use super::{Answer, Question, Reading};

/// What to tell about a text in GIFT; no paper is to be read from it.
pub(super) fn gift(source: &str) -> Option<Finding> {
    let (mut blocks, mut asking, mut answers, mut named) = (0_usize, 0_usize, 0_usize, false);
    let mut first = None;
    let mut block = String::new();
    let mut begin = 0;
    for (n, line) in lines(source).chain([(0, "")]) {
        if line.starts_with("//") {
            continue;
        }
        if line.starts_with("$CATEGORY:") {
            named = true;
        } else if !line.is_empty() {
            if block.is_empty() {
                begin = n;
            }
            block.push_str(line);
            block.push('\n');
        } else if !block.is_empty() {
            let titled = block.strip_prefix("::").is_some_and(|rest| rest.contains("::"));
            let found = match block.lines().filter(|l| option(l).is_some()).count() {
                0 | 1 => braces(&block, titled),
                _ => 0,
            };
            blocks += 1;
            if found > 0 {
                asking += 1;
                answers += found;
                named |= titled;
                first.get_or_insert_with(|| (begin, block.replace('\n', " ")));
            }
            block.clear();
        }
    }
    let (line, text) = first?;
    ((answers >= 2 || named) && asking * 2 >= blocks).then(|| {
        Finding::new(
            Code::LooksLikeGift,
            line,
            text,
            format!(
                "this is Moodle's GIFT format ({answers} answers in braces), not a paper; nothing of it was read: \
                 import it where GIFT is understood, or export it as a paper with options and keys"
            ),
        )
    })
}

/// How many pairs of braces in a block hold answers as GIFT writes them.
fn braces(block: &str, titled: bool) -> usize {
    let (mut open, mut escaped, mut found) = (None, false, 0);
    for (i, c) in block.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '{' => open = Some(i + 1),
            '}' => {
                if let Some(from) = open.take() {
                    found += usize::from(answers(block[from..i].trim(), titled));
                }
            }
            _ => {}
        }
    }
    found
}

fn answers(inside: &str, titled: bool) -> bool {
    let bare = inside.split('#').next().unwrap_or("").trim();
    if matches!(bare, "T" | "F" | "TRUE" | "FALSE") {
        return true;
    }
    if inside.is_empty() {
        return titled;
    }
    if let Some(figure) = inside.strip_prefix('#') {
        return figure.trim_start().starts_with(|c: char| c.is_ascii_digit() || matches!(c, '=' | '-'));
    }
    let marks = inside.matches(['=', '~']).count();
    inside.strip_prefix(['=', '~']).is_some_and(|rest| !rest.trim().is_empty())
        && (titled || marks >= 2 || bare.len() > 2)
}

/// One question as Aiken writes it, to be compared: wording, options, key.
type Asked = (String, Vec<String>, char);

/// Tells that a text is in Aiken, and which of its questions were read otherwise than the format says.
pub(super) fn aiken(source: &str, reading: &mut Reading) {
    let Some(asked) = questions(source) else { return };
    let wanted: HashSet<&Asked> = asked.iter().map(|(_, q)| q).collect();
    let mut found: HashSet<Asked> = HashSet::new();
    let mut told = Vec::new();
    for (d, document) in reading.documents.iter().enumerate() {
        for (q, question) in document.questions.iter().enumerate() {
            match seen(question).filter(|s| wanted.contains(s)) {
                Some(same) => drop(found.insert(same)),
                None => told.push(
                    Finding::new(
                        Code::AikenMisread,
                        question.line,
                        question.stem.as_str(),
                        "the text is in the Aiken format, but this question was read otherwise than the format says",
                    )
                    .on(d, Some(question.section), Some(q)),
                ),
            }
        }
    }
    for (line, lost) in asked.iter().filter(|(_, q)| !found.contains(q)) {
        let what = "the text is in the Aiken format, but this question of it was not read as it stands";
        told.push(Finding::new(Code::AikenMisread, *line, lost.0.as_str(), what));
    }
    if let Some((line, first)) = asked.first().filter(|_| told.is_empty()) {
        told.push(Finding::new(
            Code::LooksLikeAiken,
            *line,
            first.0.as_str(),
            format!(
                "the text is in the Aiken format; its {} questions were read with the keys of their ANSWER lines",
                asked.len()
            ),
        ));
    }
    reading.findings.append(&mut told);
}

fn seen(question: &Question) -> Option<Asked> {
    let Answer::Letters(letters) = &question.answer else { return None };
    let [key] = letters[..] else { return None };
    Some((bare(&question.stem), question.options.iter().map(|o| bare(&o.text)).collect(), key))
}

/// The questions of a text in Aiken with their lines; nothing when any line of it is something else.
fn questions(source: &str) -> Option<Vec<(u32, Asked)>> {
    let mut asked = Vec::new();
    let mut numbered = 0;
    let mut open: Option<(u32, &str, Vec<String>)> = None;
    for (n, line) in lines(source).filter(|(_, line)| !line.is_empty()) {
        match &mut open {
            None => {
                let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
                numbered +=
                    usize::from(rest.len() < line.len() && rest.starts_with(['.', '、', ')', '．', '）']));
                open = Some((n, line, Vec::new()));
            }
            Some((begin, stem, options)) => {
                if let Some(key) = line.strip_prefix("ANSWER:") {
                    let mut key = key.trim().chars();
                    let (Some(letter @ 'A'..='Z'), None) = (key.next(), key.next()) else { return None };
                    if options.len() < 2 {
                        return None;
                    }
                    asked.push((*begin, (bare(stem), std::mem::take(options), letter)));
                    open = None;
                } else {
                    let (label, text) = option(line)?;
                    if usize::from(label as u8 - b'A') != options.len() {
                        return None;
                    }
                    options.push(bare(text));
                }
            }
        }
    }
    (open.is_none() && asked.len() >= 2 && numbered < asked.len()).then_some(asked)
}

fn option(line: &str) -> Option<(char, &str)> {
    let label = line.chars().next().filter(char::is_ascii_uppercase)?;
    Some((label, line[1..].strip_prefix(['.', ')'])?))
}

/// Without blanks: how a line was spaced says nothing.
fn bare(words: &str) -> String {
    words.chars().filter(|c| !c.is_whitespace()).collect()
}

/// The lines with their numbers from 1, trimmed.
fn lines(source: &str) -> impl Iterator<Item = (u32, &str)> {
    (1..).zip(source.trim_start_matches('\u{feff}').lines().map(str::trim))
}
