//! Checks a paper that was read and writes the report.
//!
//! Promises: every mismatch between what is printed and what was found is told, nothing is corrected; findings about
//! one question carry its index, findings about a section or paper do not.

mod head;
mod questions;
mod sections;

use self::{head::head, questions::questions, sections::sections};
use super::{
    Reading,
    document::Build,
    finding::{Code, Finding},
    fold::{LINE, Text},
    items::Page,
    question::{Draft, Place},
};

/// Checks one paper; `d` is its index among `papers` of the text.
pub(super) fn paper(page: &Page, build: &mut Build, d: usize, papers: usize) -> Vec<Finding> {
    let text = page.text;
    let mut out: Vec<Finding> = Vec::new();
    head(text, build, d, papers, &mut out);
    sections(text, build, d, &mut out);
    questions(text, build, d, page.unended, &mut out);
    dialect(text, build, d, &mut out);
    // A text that was cut by length ends anywhere; only the missing line end tells.
    if let (true, Some(last)) = (page.unended, build.drafts.last())
        && last.span.end == text.len()
        && !matches!(
            text.before(text.len()),
            '。' | '.' | '?' | '!' | ')' | '”' | '√' | '×' | '】' | 'A'..='H'
        )
        && !out.iter().any(|f| matches!(f.code, Code::TruncatedText | Code::TruncatedQuestion))
    {
        let words = last.question.stem.clone();
        out.push(
            Finding::new(
                Code::PaperIncomplete,
                last.question.line,
                words,
                "the text ends without an end mark or a line end; the last question may be cut off",
            )
            .on(d, Some(last.question.section), None),
        );
    }
    out
}

/// The questions of each section, by index.
fn by_section(build: &Build) -> Vec<Vec<usize>> {
    let mut own = vec![Vec::new(); build.document.sections.len()];
    for (i, draft) in build.drafts.iter().enumerate() {
        if let Some(own) = own.get_mut(draft.question.section) {
            own.push(i);
        }
    }
    own
}

/// How a paper prints its items, told once per paper.
fn dialect(text: &Text, build: &Build, d: usize, out: &mut Vec<Finding>) {
    let mut once = |code: Code, draft: Option<&Draft>, message: &str| {
        if let Some(draft) = draft {
            out.push(Finding::new(code, draft.question.line, draft.question.number_raw.clone(), message).on(
                d,
                Some(draft.question.section),
                None,
            ));
        }
    };
    let place = |place: Place| build.drafts.iter().find(|q| q.key.as_ref().is_some_and(|k| k.1 == place));
    once(
        Code::KeyGluedToOptionLabel,
        place(Place::Glued),
        "keys stand directly before the label of option A; they were taken because the section agrees",
    );
    once(
        Code::KeyMarkedOption,
        place(Place::Option),
        "options are marked as right; the marks were taken out",
    );
    once(Code::KeyBeforeStem, place(Place::Before), "keys stand before the wording");
    once(Code::KeyInsideStem, place(Place::Inside), "keys stand inside the wording");
    once(
        Code::NumberAfterAnswerBracket,
        build.drafts.iter().find(|q| q.prefixed),
        "the answer bracket stands before the number",
    );
    once(
        Code::NumberGluedToDigits,
        build.drafts.iter().find(|q| q.number_glued),
        "a question number stands directly behind other digits",
    );
    once(Code::NumberingOdd, build.drafts.iter().find(|q| q.number_odd), "numbers are punctuated oddly");
    let glued = build.drafts.windows(3).find(|w| w[0].question.line == w[2].question.line).map(|w| &w[0]);
    once(Code::GluedLine, glued, "several questions stand in one line");
    let next = build.drafts.windows(2).find(|w| {
        w[0].marked
            && w[0].span.end == w[1].span.start
            && !text.has(w[1].span.start, LINE)
            && w[0].explained.body.is_none()
    });
    once(Code::KeyGluedToNextNumber, next.map(|w| &w[1]), "the key is followed directly by the next number");
    let lined = build.drafts.iter().find(|q| q.question.kind.is_choice() && q.question.stem.contains("__"));
    once(Code::UnderscoreBlanks, lined, "choice questions use underscores for blanks");
    for code in [Code::OptionsSpacedSeparator, Code::LatinAtOptionEnd] {
        let noted = build.drafts.iter().find(|q| q.notes.iter().any(|n| n.0 == code));
        once(
            code,
            noted,
            if code == Code::LatinAtOptionEnd {
                "options end in Latin letters right before the next label"
            } else {
                "a blank stands between label and punctuation"
            },
        );
    }
}

/// Tells why a text gave no questions.
pub(super) fn prose(page: &Page, reading: &mut Reading) {
    if let Some(mark) = page.marks.iter().find(|m| m.hard && !m.doubtful && !m.glued) {
        let text = page.text;
        reading.findings.push(Finding::new(
            Code::FalsePositiveRisk,
            text.line(mark.at),
            text.show(mark.at..(mark.end + 30).min(text.len())),
            "numbered prose without options, keys or blanks; nothing was read as a question",
        ));
    }
}
