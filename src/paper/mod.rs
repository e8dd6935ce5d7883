//! The paper reader: real exam papers as plain text in, documents with sections, questions and findings out.
//!
//! Promises: never panics on any text, works in nearly linear time, keeps the original wording and the line of every
//! question, and **never guesses a key**. What is missing, contradictory or cut off is reported as a [`Finding`];
//! nothing is corrected silently. The reader works on one stream of characters without line breaks (`fold`), from
//! which furniture is taken out first (`furniture`); headers (`header`), numbers (`number`) and labels (`options`)
//! are found in that stream, split into items (`items`), read one by one (`question`, `keys`, `explain`), put
//! together (`document`) and checked (`check`).

mod account;
mod answer;
mod check;
mod document;
mod duplicate;
mod explain;
mod fill;
mod finding;
mod fold;
mod foreign;
mod furniture;
mod groups;
mod header;
mod heads;
mod items;
mod keys;
mod kinds;
mod list;
mod marked;
mod markup;
mod number;
mod options;
mod own;
mod points;
mod question;
mod table;
mod tag;
#[cfg(test)]
mod tests;
mod title;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Serialize, Serializer};

pub use finding::{Code, Finding, Severity};

/// Reads a text.
///
/// # Examples
///
/// ```
/// # use assessd::paper;
/// let reading = paper::read("一、判断题(共1题,每题2分)\n1.水往低处流。(√)");
/// assert_eq!(reading.documents[0].questions[0].answer, paper::Answer::Truth(true));
/// ```
pub fn read(text: &str) -> Reading {
    if let Some(finding) = foreign::gift(text) {
        return Reading { documents: Vec::new(), findings: vec![finding] };
    }
    let mut reading = document::read(text);
    foreign::aiken(text, &mut reading);
    reading
}

/// Everything a text holds.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Reading {
    /// The papers, in the order of the text; prose gives none.
    pub documents: Vec<Document>,
    /// What there is to tell, in the order of the text within each document.
    pub findings: Vec<Finding>,
}

/// One paper.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Document {
    /// The printed title.
    pub title: Option<String>,
    /// A, B, 甲, 乙 of parallel papers.
    pub paper_letter: Option<String>,
    /// `open` or `closed` book.
    pub book: Option<&'static str>,
    /// Time allowed.
    pub duration_minutes: Option<u32>,
    /// Full marks as printed.
    #[serde(serialize_with = "number")]
    pub declared_total: Option<Decimal>,
    /// For whom the paper is.
    pub audience: Option<String>,
    /// Sections in order; one without questions is kept when its header was printed.
    pub sections: Vec<Section>,
    /// Questions in order.
    pub questions: Vec<Question>,
}

/// One part of a paper: questions of one kind under one header.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Section {
    /// The ordinal as printed: 一, 第一部分.
    pub ordinal: Option<String>,
    /// The name of the kind as printed.
    pub title: Option<String>,
    /// What its questions are.
    pub kind: Kind,
    /// Number of questions as printed.
    pub declared_count: Option<u32>,
    /// Points of each question as printed.
    #[serde(serialize_with = "number")]
    pub points_each: Option<Decimal>,
    /// Points of the section as printed.
    #[serde(serialize_with = "number")]
    pub declared_total: Option<Decimal>,
    /// Number of questions that follows from the other figures when it is not printed.
    pub implied_count: Option<u32>,
    /// Points of the section that follow from the other figures when they are not printed.
    #[serde(serialize_with = "number")]
    pub implied_total: Option<Decimal>,
    /// Whether the points are for each blank instead of each question.
    pub points_per_blank: bool,
    /// Instruction for the section.
    pub preamble: Option<String>,
    /// Text its questions share.
    pub material: Option<String>,
    /// Whether no header was printed and the kind follows from the questions.
    pub inferred: bool,
    /// The chapter it stands in.
    pub chapter: Option<String>,
    /// Line of the original, from 1.
    pub line: u32,
}

/// One question.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Question {
    /// Index into the sections of its document.
    pub section: usize,
    /// The printed number.
    pub number: u32,
    /// The number as printed.
    pub number_raw: String,
    /// What it is.
    pub kind: Kind,
    /// Wording without the key.
    pub stem: String,
    /// Options in order of their labels.
    pub options: Vec<Choice>,
    /// The printed key.
    pub answer: Answer,
    /// For each blank the texts that the key accepts: `2或二` names two.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<Vec<String>>,
    /// The key as printed.
    pub answer_raw: Option<String>,
    /// Why the key is right.
    pub explanation: Option<String>,
    /// What it examines.
    pub knowledge_point: Option<String>,
    /// What candidates get wrong.
    pub common_mistake: Option<String>,
    /// How hard it is, as printed.
    pub difficulty: Option<String>,
    /// The case text it belongs to when the section holds several.
    pub material: Option<String>,
    /// The chapter it stands in.
    pub chapter: Option<String>,
    /// Whether nothing is missing.
    pub complete: bool,
    /// What is missing when it is not complete.
    pub missing: Vec<Missing>,
    /// Parts of the task, sorted by their numbers.
    pub sub_questions: Vec<String>,
    /// Number of blanks in the wording.
    pub blanks: u32,
    /// Line of the original, from 1.
    pub line: u32,
    /// Column of the original in characters, from 1.
    pub column: u32,
}

/// One option.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// Its letter.
    pub label: char,
    /// Its text.
    pub text: String,
}

/// What a question is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// 单选
    #[default]
    SingleChoice,
    /// 多选
    MultipleChoice,
    /// 不定项
    IndeterminateChoice,
    /// 判断
    TrueFalse,
    /// 填空
    FillBlank,
    /// 简答, 问答, 论述
    ShortAnswer,
    /// 看图
    Picture,
    /// 情景
    Scenario,
    /// 案例
    CaseAnalysis,
}

impl Kind {
    /// The name as it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SingleChoice => "single_choice",
            Self::MultipleChoice => "multiple_choice",
            Self::IndeterminateChoice => "indeterminate_choice",
            Self::TrueFalse => "true_false",
            Self::FillBlank => "fill_blank",
            Self::ShortAnswer => "short_answer",
            Self::Picture => "picture",
            Self::Scenario => "scenario",
            Self::CaseAnalysis => "case_analysis",
        }
    }

    /// Whether its questions have options.
    pub fn is_choice(self) -> bool {
        matches!(self, Self::SingleChoice | Self::MultipleChoice | Self::IndeterminateChoice)
    }

    /// Whether its questions are answered in free text.
    pub fn is_free(self) -> bool {
        matches!(self, Self::ShortAnswer | Self::Picture | Self::Scenario | Self::CaseAnalysis)
    }
}

/// A printed key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// Nothing printed, or nothing certain.
    #[default]
    None,
    /// Letters of options, sorted.
    Letters(Vec<char>),
    /// Right or wrong.
    Truth(bool),
    /// One text for each blank, or the whole key in one.
    Texts(Vec<String>),
    /// A model answer.
    Text(String),
}

impl Answer {
    /// Whether there is none.
    pub fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }
}

/// What a question lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// The end of the wording.
    Stem,
    /// Some or all options.
    Options,
    /// The key.
    Key,
    /// The end of the explanation.
    Explanation,
}

/// Exact figures leave as JSON numbers: whole ones without a point.
fn number<S: Serializer>(value: &Option<Decimal>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        None => serializer.serialize_none(),
        Some(figure) if figure.fract().is_zero() => match figure.to_i64() {
            Some(whole) => serializer.serialize_i64(whole),
            None => serializer.serialize_none(),
        },
        Some(figure) => serializer.serialize_f64(figure.to_f64().unwrap_or_default()),
    }
}
