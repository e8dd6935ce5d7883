//! A question as a caller writes it: parsed whole, or merged into the one that stands.

use crate::{door::Fields, ids::QuestionId, pb};

use super::{content::Content, import, sql::Draft, wire};

/// A question to be stored, from the wire; bad fields are noted.
pub(super) fn parse_draft(question: &pb::Question, id: QuestionId, fields: &mut Fields) -> Draft {
    let content: Content = wire::content(question, fields);
    let topic = import::topic("topic", &question.topic, fields);
    let tags = import::tags("tags", &question.tags, fields);
    if question.difficulty.is_some_and(|d| !(0.0..=1.0).contains(&d)) {
        fields.bad("difficulty", "must be 0 to 1");
    }
    Draft { id, content, topic, tags, difficulty: question.difficulty, source: None }
}

const CONTENT_FIELDS: [&str; 13] = [
    "kind",
    "stem",
    "options",
    "prompts",
    "key",
    "policy",
    "parts",
    "explanation",
    "knowledge_point",
    "common_mistake",
    "topic",
    "tags",
    "difficulty",
];

/// Whether an update mask may name the field.
pub(super) fn is_content_field(path: &str) -> bool {
    path == "*" || CONTENT_FIELDS.contains(&path)
}

/// `old` with the fields of `new` that the mask names; all of them where it names none.
pub(super) fn merge(mut old: pb::Question, new: &pb::Question, paths: &[String]) -> pb::Question {
    let all = paths.is_empty() || paths.iter().any(|p| p == "*");
    for field in CONTENT_FIELDS {
        if !all && !paths.iter().any(|p| p == field) {
            continue;
        }
        match field {
            "kind" if new.kind == 0 => {}
            "kind" => old.kind = new.kind,
            "stem" => old.stem.clone_from(&new.stem),
            "options" => old.options.clone_from(&new.options),
            "prompts" => old.prompts.clone_from(&new.prompts),
            "key" => old.key.clone_from(&new.key),
            "policy" => old.policy.clone_from(&new.policy),
            "parts" => old.parts.clone_from(&new.parts),
            "explanation" => old.explanation.clone_from(&new.explanation),
            "knowledge_point" => old.knowledge_point.clone_from(&new.knowledge_point),
            "common_mistake" => old.common_mistake.clone_from(&new.common_mistake),
            "topic" => old.topic.clone_from(&new.topic),
            "tags" => old.tags.clone_from(&new.tags),
            _ => old.difficulty = new.difficulty,
        }
    }
    old
}
