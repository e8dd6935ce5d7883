//! Content as it is shown.

use crate::pb;

use super::{
    super::content::{ChoiceOption, Content, Part, Task, TextMatching},
    keys::{show_matching, show_numeric, show_ordering},
    policies::show_policy,
};

/// The fields of the wire that hold content; topic, tags and difficulty are not among them.
pub fn show(content: &Content) -> pb::Question {
    let leaf = show_leaf(content);
    let parts = match &content.task {
        Task::Case { parts } => parts.iter().map(show_part).collect(),
        _ => Vec::new(),
    };
    pb::Question {
        kind: leaf.kind,
        stem: leaf.stem,
        options: leaf.options,
        prompts: leaf.prompts,
        key: leaf.key,
        policy: leaf.policy,
        parts,
        explanation: leaf.explanation,
        knowledge_point: leaf.knowledge_point,
        common_mistake: leaf.common_mistake,
        ..Default::default()
    }
}

fn show_part(part: &Part) -> pb::QuestionPart {
    pb::QuestionPart { weight: part.weight as i32, ..show_leaf(&part.content) }
}

/// What questions and parts have in common, as a part without a weight.
fn show_leaf(content: &Content) -> pb::QuestionPart {
    let (options, key, policy) = show_task(&content.task);
    pb::QuestionPart {
        weight: 0,
        kind: pb::QuestionKind::from(content.kind()) as i32,
        stem: content.stem.clone(),
        options,
        prompts: show_prompts(&content.task),
        key,
        policy,
        explanation: content.notes.explanation.clone(),
        knowledge_point: content.notes.knowledge_point.clone(),
        common_mistake: content.notes.common_mistake.clone(),
    }
}

fn show_prompts(task: &Task) -> Vec<String> {
    if let Task::Matching(matching) = task { matching.prompts.clone() } else { Vec::new() }
}

fn show_options(options: &[ChoiceOption]) -> Vec<pb::QuestionOption> {
    options.iter().map(|o| pb::QuestionOption { label: o.label.to_string(), text: o.text.clone() }).collect()
}

fn show_task(task: &Task) -> (Vec<pb::QuestionOption>, Option<pb::AnswerKey>, Option<pb::ScoringPolicy>) {
    match task {
        Task::Choice(choice) => {
            let options = show_options(&choice.options);
            let labels: Vec<char> = choice.options.iter().map(|o| o.label).collect();
            let choices: Vec<String> =
                choice.key.iter().filter_map(|i| labels.get(i)).map(char::to_string).collect();
            let key = (!choices.is_empty()).then(|| pb::AnswerKey { choices, ..Default::default() });
            (options, key, choice.policy.as_ref().map(|p| show_policy(p, &labels)))
        }
        Task::TrueFalse { key, policy } => {
            let key = key.map(|truth| pb::AnswerKey { truth: Some(truth), ..Default::default() });
            (Vec::new(), key, policy.as_ref().map(|p| show_policy(p, &[])))
        }
        Task::FillBlank(fill) => {
            let blanks = fill.blanks.iter().map(|blank| pb::BlankKey {
                accepted: blank
                    .accepted
                    .iter()
                    .map(|a| pb::AcceptedAnswer { text: a.text.clone(), percent: i32::from(a.percent) })
                    .collect(),
            });
            let matching = fill.matching;
            let key = pb::AnswerKey {
                blanks: blanks.collect(),
                unordered: fill.unordered,
                matching: (matching != TextMatching::default()).then(|| pb::TextMatching {
                    case_sensitive: matching.case_sensitive,
                    keep_space: matching.keep_space,
                    keep_punctuation: matching.keep_punctuation,
                    wildcards: matching.wildcards,
                    max_edits: i32::from(matching.max_edits),
                    regular_expressions: matching.expressions,
                    fold_traditional: matching.fold_traditional,
                    keep_look_alikes: !matching.look_alikes,
                }),
                ..Default::default()
            };
            (Vec::new(), (!fill.blanks.is_empty()).then_some(key), None)
        }
        Task::Numeric(numeric) => {
            let key = show_numeric(numeric)
                .map(|number| pb::AnswerKey { number: Some(number), ..Default::default() });
            (Vec::new(), key, None)
        }
        Task::Matching(matching) => (show_options(&matching.options), show_matching(matching), None),
        Task::Ordering(ordering) => (show_options(&ordering.options), show_ordering(ordering), None),
        Task::ShortAnswer { reference } | Task::Essay { reference } => {
            let key = pb::AnswerKey { reference: reference.clone(), ..Default::default() };
            (Vec::new(), (!reference.is_empty()).then_some(key), None)
        }
        Task::Case { .. } => (Vec::new(), None, None),
    }
}
