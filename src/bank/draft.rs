//! A question as a caller writes it.

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
