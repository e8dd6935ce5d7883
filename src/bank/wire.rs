//! Questions on the wire: how a [`pb::Question`] becomes [`Content`] and back. Every bad field is named by its path.
//!
//! A draft must be well formed (labels distinct, the key naming options that are there); what it may still lack, it
//! must have to be published ([`unfinished`]).

mod keys;
mod policies;
mod shown;

pub use policies::{policy, show_policy};
pub use shown::show;

pub use super::unfinished::unfinished;

use crate::{
    door::Fields,
    pb,
    scoring::{policy::Policy, text::refusal},
};

use super::content::{
    Accepted, Blank, Choice, ChoiceKind, ChoiceOption, Content, FillBlank, Kind, Notes, OptionSet, Part,
    Task, TextMatching,
};
use keys::{read_matching, read_numeric, read_ordering};

impl From<Kind> for pb::QuestionKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::SingleChoice => Self::SingleChoice,
            Kind::MultipleChoice => Self::MultipleChoice,
            Kind::IndeterminateChoice => Self::IndeterminateChoice,
            Kind::TrueFalse => Self::TrueFalse,
            Kind::FillBlank => Self::FillBlank,
            Kind::ShortAnswer => Self::ShortAnswer,
            Kind::Case => Self::Case,
            Kind::Numeric => Self::Numeric,
            Kind::Matching => Self::Matching,
            Kind::Ordering => Self::Ordering,
            Kind::Essay => Self::Essay,
        }
    }
}

/// The kind of a proto value; `None` for UNSPECIFIED and unknown numbers.
pub fn kind_from_pb(value: i32) -> Option<Kind> {
    Kind::ALL.into_iter().find(|k| pb::QuestionKind::from(*k) as i32 == value)
}

/// What a question and a part of a case have in common on the wire.
struct Leaf<'a> {
    kind: i32,
    stem: &'a str,
    options: &'a [pb::QuestionOption],
    prompts: &'a [String],
    key: Option<&'a pb::AnswerKey>,
    policy: Option<&'a pb::ScoringPolicy>,
    parts: &'a [pb::QuestionPart],
    explanation: &'a str,
    knowledge_point: &'a str,
    common_mistake: &'a str,
}

/// The content of a question from the wire; bad fields are noted.
pub fn content(question: &pb::Question, fields: &mut Fields) -> Content {
    let leaf = Leaf {
        kind: question.kind,
        stem: &question.stem,
        options: &question.options,
        prompts: &question.prompts,
        key: question.key.as_ref(),
        policy: question.policy.as_ref(),
        parts: &question.parts,
        explanation: &question.explanation,
        knowledge_point: &question.knowledge_point,
        common_mistake: &question.common_mistake,
    };
    read_leaf(&leaf, "", false, fields)
}

fn read_leaf(leaf: &Leaf<'_>, at: &str, is_part: bool, fields: &mut Fields) -> Content {
    let stem = fields.text(format!("{at}stem"), leaf.stem, 1, 20_000);
    let notes = Notes {
        explanation: fields.text(format!("{at}explanation"), leaf.explanation, 0, 20_000),
        knowledge_point: fields.text(format!("{at}knowledge_point"), leaf.knowledge_point, 0, 200),
        common_mistake: fields.text(format!("{at}common_mistake"), leaf.common_mistake, 0, 20_000),
    };
    let kind = kind_from_pb(leaf.kind);
    let is_choice =
        matches!(kind, Some(Kind::SingleChoice | Kind::MultipleChoice | Kind::IndeterminateChoice));
    let has_options = is_choice || matches!(kind, Some(Kind::Matching | Kind::Ordering));
    if !leaf.options.is_empty() && !has_options && kind.is_some() {
        fields.bad(format!("{at}options"), "only a choice, matching or ordering question has options");
    }
    if !leaf.prompts.is_empty() && kind != Some(Kind::Matching) && kind.is_some() {
        fields.bad(format!("{at}prompts"), "only a matching question has prompts");
    }
    if !leaf.parts.is_empty() && kind != Some(Kind::Case) && kind.is_some() {
        fields.bad(format!("{at}parts"), "only a case has parts");
    }
    if let (Some(kind), Some(key)) = (kind, leaf.key) {
        check_key_fields(kind, key, &format!("{at}key"), fields);
    }
    let none = pb::AnswerKey::default();
    let key = leaf.key.unwrap_or(&none);
    let task = match kind {
        None => {
            fields.bad(format!("{at}kind"), "is no kind of question");
            Task::ShortAnswer { reference: String::new() }
        }
        Some(Kind::Case) if is_part => {
            fields.bad(format!("{at}kind"), "a part of a case cannot be a case");
            Task::ShortAnswer { reference: String::new() }
        }
        Some(Kind::SingleChoice) => read_choice(ChoiceKind::Single, leaf, key, at, fields),
        Some(Kind::MultipleChoice) => read_choice(ChoiceKind::Multiple, leaf, key, at, fields),
        Some(Kind::IndeterminateChoice) => read_choice(ChoiceKind::Indeterminate, leaf, key, at, fields),
        Some(Kind::TrueFalse) => {
            let policy = leaf.policy.and_then(|p| policy(p, Some(&[]), &format!("{at}policy"), fields));
            check_shape(policy.as_ref(), Kind::TrueFalse, 2, at, fields);
            Task::TrueFalse { key: key.truth, policy }
        }
        Some(Kind::FillBlank) => read_blanks(key, at, fields),
        Some(Kind::ShortAnswer) => Task::ShortAnswer {
            reference: fields.text(format!("{at}key.reference"), &key.reference, 0, 20_000),
        },
        Some(Kind::Essay) => {
            Task::Essay { reference: fields.text(format!("{at}key.reference"), &key.reference, 0, 50_000) }
        }
        Some(Kind::Numeric) => Task::Numeric(read_numeric(key, at, fields)),
        Some(Kind::Matching) => {
            let options = read_options(leaf, at, fields);
            Task::Matching(read_matching(leaf.prompts, options, key, at, fields))
        }
        Some(Kind::Ordering) => {
            let options = read_options(leaf, at, fields);
            Task::Ordering(read_ordering(options, key, at, fields))
        }
        Some(Kind::Case) => read_parts(leaf.parts, at, fields),
    };
    let takes_policy = is_choice || matches!(kind, Some(Kind::TrueFalse) | None);
    if leaf.policy.is_some() && !takes_policy {
        fields.bad(format!("{at}policy"), "only choice and true/false questions have a scoring policy");
    }
    Content { stem, task, notes }
}

fn check_key_fields(kind: Kind, key: &pb::AnswerKey, at: &str, fields: &mut Fields) {
    let choice = matches!(kind, Kind::SingleChoice | Kind::MultipleChoice | Kind::IndeterminateChoice);
    let wrong = [
        (!key.choices.is_empty() && !choice, "choices", "is the key of choice questions only"),
        (key.truth.is_some() && kind != Kind::TrueFalse, "truth", "is the key of true/false questions only"),
        (
            !key.blanks.is_empty() && kind != Kind::FillBlank,
            "blanks",
            "is the key of fill-blank questions only",
        ),
        (
            key.matching.is_some() && kind != Kind::FillBlank,
            "matching",
            "belongs to fill-blank questions only",
        ),
        (key.unordered && kind != Kind::FillBlank, "unordered", "belongs to fill-blank questions only"),
        (
            !key.reference.is_empty() && !matches!(kind, Kind::ShortAnswer | Kind::Essay),
            "reference",
            "belongs to short answers and essays only",
        ),
        (key.number.is_some() && kind != Kind::Numeric, "number", "is the key of numeric questions only"),
        (!key.pairs.is_empty() && kind != Kind::Matching, "pairs", "is the key of matching questions only"),
        (
            key.matching_rule != 0 && kind != Kind::Matching,
            "matching_rule",
            "belongs to matching questions only",
        ),
        (!key.order.is_empty() && kind != Kind::Ordering, "order", "is the key of ordering questions only"),
        (
            key.ordering_rule != 0 && kind != Kind::Ordering,
            "ordering_rule",
            "belongs to ordering questions only",
        ),
    ];
    for (bad, field, what) in wrong {
        if bad {
            fields.bad(format!("{at}.{field}"), what);
        }
    }
}

fn read_options(leaf: &Leaf<'_>, at: &str, fields: &mut Fields) -> Vec<ChoiceOption> {
    if leaf.options.len() > OptionSet::MAX {
        fields.bad(format!("{at}options"), format!("at most {} options are possible", OptionSet::MAX));
    }
    let mut options: Vec<ChoiceOption> = Vec::with_capacity(leaf.options.len());
    for (i, option) in leaf.options.iter().enumerate() {
        let label = match option.label.as_bytes() {
            [letter @ b'A'..=b'Z'] => char::from(*letter),
            _ => {
                fields.bad(format!("{at}options[{i}].label"), "must be one letter, A to Z");
                '?'
            }
        };
        if label != '?' && options.iter().any(|o| o.label == label) {
            fields.bad(format!("{at}options[{i}].label"), format!("the label {label} is there twice"));
        }
        options.push(ChoiceOption {
            label,
            text: fields.text(format!("{at}options[{i}].text"), &option.text, 1, 4000),
        });
    }
    options
}

fn read_choice(
    kind: ChoiceKind,
    leaf: &Leaf<'_>,
    key: &pb::AnswerKey,
    at: &str,
    fields: &mut Fields,
) -> Task {
    let options = read_options(leaf, at, fields);
    let labels = || options.iter().map(|o| o.label.to_string()).collect::<Vec<_>>().join(", ");
    let mut set = OptionSet::EMPTY;
    for (i, label) in key.choices.iter().enumerate() {
        match options.iter().position(|o| label.len() == 1 && label.starts_with(o.label)) {
            None => fields.bad(
                format!("{at}key.choices[{i}]"),
                format!("names option {label:?}, but there are {}", labels()),
            ),
            Some(index) if set.contains(index) => {
                fields.bad(format!("{at}key.choices[{i}]"), format!("names option {label} twice"));
            }
            Some(index) => set = set.with(index),
        }
    }
    if kind == ChoiceKind::Single && set.len() > 1 {
        fields.bad(format!("{at}key.choices"), "a single-choice question has one right option");
    }
    let names: Vec<char> = options.iter().map(|o| o.label).collect();
    let policy = leaf.policy.and_then(|p| policy(p, Some(&names), &format!("{at}policy"), fields));
    let as_kind = match kind {
        ChoiceKind::Single => Kind::SingleChoice,
        ChoiceKind::Multiple => Kind::MultipleChoice,
        ChoiceKind::Indeterminate => Kind::IndeterminateChoice,
    };
    check_shape(policy.as_ref(), as_kind, options.len(), at, fields);
    Task::Choice(Choice { kind, options, key: set, policy })
}

fn check_shape(policy: Option<&Policy>, kind: Kind, options: usize, at: &str, fields: &mut Fields) {
    if let Some(Err(what)) = policy.map(|p| p.check_shape(kind, options)) {
        fields.bad(format!("{at}policy"), what);
    }
}

fn read_blanks(key: &pb::AnswerKey, at: &str, fields: &mut Fields) -> Task {
    if key.blanks.len() > 50 {
        fields.bad(format!("{at}key.blanks"), "at most 50 blanks are possible");
    }
    let mut blanks = Vec::with_capacity(key.blanks.len());
    for (i, blank) in key.blanks.iter().enumerate() {
        let path = format!("{at}key.blanks[{i}].accepted");
        if blank.accepted.is_empty() {
            fields.bad(&path, "needs at least one accepted answer");
        } else if blank.accepted.len() > 100 {
            fields.bad(&path, "at most 100 accepted answers are possible");
        }
        let accepted = blank.accepted.iter().enumerate().map(|(j, answer)| {
            let percent = match answer.percent {
                0 => 100,
                p @ 1..=100 => p as u8,
                _ => {
                    fields.bad(format!("{path}[{j}].percent"), "must be 1 to 100");
                    100
                }
            };
            Accepted { text: fields.text(format!("{path}[{j}].text"), &answer.text, 1, 400), percent }
        });
        blanks.push(Blank { accepted: accepted.collect() });
    }
    let matching = key.matching.unwrap_or_default();
    let max_edits = match u8::try_from(matching.max_edits) {
        Ok(edits @ 0..=3) => edits,
        _ => {
            fields.bad(format!("{at}key.matching.max_edits"), "must be 0 to 3");
            0
        }
    };
    let fill = FillBlank {
        blanks,
        unordered: key.unordered,
        matching: TextMatching {
            case_sensitive: matching.case_sensitive,
            keep_space: matching.keep_space,
            keep_punctuation: matching.keep_punctuation,
            wildcards: matching.wildcards,
            max_edits,
            expressions: matching.regular_expressions,
            fold_traditional: matching.fold_traditional,
            look_alikes: !matching.keep_look_alikes,
        },
    };
    check_expressions(&fill, at, fields);
    Task::FillBlank(fill)
}

/// The most regular expressions of one question.
const MAX_EXPRESSIONS: usize = 50;

fn check_expressions(fill: &FillBlank, at: &str, fields: &mut Fields) {
    if !fill.matching.expressions {
        return;
    }
    if fill.matching.wildcards || fill.matching.max_edits > 0 {
        let what = "excludes wildcards and max_edits";
        fields.bad(format!("{at}key.matching.regular_expressions"), what);
    }
    let count: usize = fill.blanks.iter().map(|blank| blank.accepted.len()).sum();
    if count > MAX_EXPRESSIONS {
        let what = format!("has {count} regular expressions; at most {MAX_EXPRESSIONS} are possible");
        return fields.bad(format!("{at}key.blanks"), what);
    }
    for (i, blank) in fill.blanks.iter().enumerate() {
        for (j, accepted) in blank.accepted.iter().enumerate() {
            let path = format!("{at}key.blanks[{i}].accepted[{j}].text");
            if let Some(why) = refusal(&accepted.text, fill.matching).filter(|_| !fields.has(&path)) {
                fields.bad(path, why);
            }
        }
    }
}

fn read_parts(parts: &[pb::QuestionPart], at: &str, fields: &mut Fields) -> Task {
    if parts.is_empty() {
        fields.bad(format!("{at}parts"), "a case needs at least one part");
    } else if parts.len() > 50 {
        fields.bad(format!("{at}parts"), "at most 50 parts are possible");
    }
    let parts = parts.iter().enumerate().map(|(i, part)| {
        let path = format!("{at}parts[{i}].");
        let weight = match part.weight {
            0 => 1,
            w @ 1..=1000 => w as u32,
            _ => {
                fields.bad(format!("{path}weight"), "must be 1 to 1000");
                1
            }
        };
        let leaf = Leaf {
            kind: part.kind,
            stem: &part.stem,
            options: &part.options,
            prompts: &part.prompts,
            key: part.key.as_ref(),
            policy: part.policy.as_ref(),
            parts: &[],
            explanation: &part.explanation,
            knowledge_point: &part.knowledge_point,
            common_mistake: &part.common_mistake,
        };
        Part { weight, content: read_leaf(&leaf, &path, true, fields) }
    });
    Task::Case { parts: parts.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proto_and_domain_know_the_same_kinds() {
        for kind in Kind::ALL {
            assert_eq!(kind_from_pb(pb::QuestionKind::from(kind) as i32), Some(kind));
            assert_eq!(Kind::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(kind_from_pb(0), None);
        assert!(pb::QuestionKind::try_from(Kind::ALL.len() as i32 + 1).is_err());
    }

    #[test]
    fn every_bad_field_is_named() {
        let question = pb::Question {
            kind: pb::QuestionKind::SingleChoice as i32,
            options: ["A", "A", "b"]
                .map(|l| pb::QuestionOption { label: l.to_owned(), text: "x".to_owned() })
                .to_vec(),
            key: Some(pb::AnswerKey {
                choices: vec!["A".to_owned(), "E".to_owned()],
                truth: Some(true),
                ..Default::default()
            }),
            ..Default::default()
        };
        let mut fields = Fields::under("question");
        content(&question, &mut fields);
        let crate::error::Error::Invalid(violations) = fields.done().unwrap_err() else {
            panic!("not invalid")
        };
        let paths: Vec<&str> = violations.iter().map(|v| v.field.as_str()).collect();
        assert_eq!(
            paths,
            [
                "question.stem",
                "question.key.truth",
                "question.options[1].label",
                "question.options[2].label",
                "question.key.choices[1]"
            ]
        );
    }
}
