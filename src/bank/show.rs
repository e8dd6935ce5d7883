//! Banks and questions as stored, on the wire.

use crate::pb::{self, timestamp};

use super::{
    fingerprint::exact,
    sql::{BankRow, QuestionRow},
    wire,
};

/// A bank with its numbers of questions, live and published.
pub(super) fn show_bank(row: &BankRow, live: i64, published: i64) -> pb::Bank {
    pb::Bank {
        name: format!("banks/{}", row.bank_id),
        display_name: row.display_name.clone(),
        description: row.description.clone(),
        question_count: live.try_into().unwrap_or(i32::MAX),
        published_count: published.try_into().unwrap_or(i32::MAX),
        create_time: Some(timestamp(row.create_time)),
        update_time: Some(timestamp(row.update_time)),
        etag: row.revision.to_string(),
        created_by: row.created_by.clone(),
        archive_time: row.archive_time.map(timestamp),
        delete_time: row.delete_time.map(timestamp),
        purge_time: row.purge_time.map(timestamp),
    }
}

/// A question, or where `frozen` a version of it.
pub(super) fn show_question(row: &QuestionRow, frozen: bool) -> pb::Question {
    let name = format!("banks/{}/questions/{}", row.bank_id, row.question_id);
    let state = match row.state.as_str() {
        "published" => pb::QuestionState::Published,
        "retired" => pb::QuestionState::Retired,
        _ => pb::QuestionState::Draft,
    };
    let unpublished_changes = !frozen
        && row.published_hash.as_deref()
            != Some(exact(&row.content, &row.topic, &row.tags, row.difficulty).as_slice());
    pb::Question {
        name: if frozen { format!("{name}/versions/{}", row.version) } else { name },
        topic: row.topic.clone(),
        tags: row.tags.clone(),
        difficulty: row.difficulty,
        state: state as i32,
        version: row.version,
        unpublished_changes,
        source: row.source.as_ref().map(|s| pb::QuestionSource {
            file: s.file.clone(),
            document: s.document.clone(),
            section: s.section.clone(),
            number: s.number.clone(),
            line: s.line as i32,
        }),
        create_time: Some(timestamp(row.create_time)),
        update_time: Some(timestamp(row.update_time)),
        etag: if frozen { String::new() } else { row.revision.to_string() },
        created_by: row.created_by.clone(),
        archive_time: row.archive_time.map(timestamp),
        delete_time: row.delete_time.map(timestamp),
        purge_time: row.purge_time.map(timestamp),
        ..wire::show(&row.content)
    }
}
