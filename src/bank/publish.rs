//! What becomes of a draft: publishing one question or many, and retiring one.

use std::collections::HashMap;

use serde_json::json;

use crate::{
    auth::Caller,
    db::Unit,
    door::Fields,
    error::{Error, Result},
    ids::{BankId, BankName, QuestionId, QuestionName},
    lifecycle::archived,
    pb,
};

use super::{
    fingerprint::exact,
    rpc::{Banks, check_batch, load_one, lock_one},
    sql::{self, Freeze, QuestionRow},
    wire,
};

impl Banks {
    /// Publishes a question as it stands.
    pub(super) async fn publish(
        &self,
        caller: &Caller,
        request: pb::PublishQuestionRequest,
    ) -> Result<pb::Question> {
        let mut fields = Fields::default();
        let request_id = fields.request_id(&request.request_id);
        let name: QuestionName = fields.take("name", request.name.parse());
        fields.done()?;
        Unit::once(&self.db, caller, &request_id, &request, async |unit| {
            let row = lock_one(unit, caller, &name, &request.etag).await?;
            settle(unit, caller, &name.bank, std::slice::from_ref(&row)).await?.remove(0)?;
            load_one(unit, caller, &name).await
        })
        .await
    }

    /// Publishes many, each by itself.
    pub(super) async fn batch_publish(
        &self,
        caller: &Caller,
        request: pb::BatchPublishQuestionsRequest,
    ) -> Result<pb::BatchPublishQuestionsResponse> {
        use pb::batch_publish_questions_element::Outcome;
        let mut fields = Fields::default();
        let request_id = fields.request_id(&request.request_id);
        let parent: BankName = fields.take("parent", request.parent.parse());
        fields.done()?;
        check_batch(&request.names)?;
        Unit::once(&self.db, caller, &request_id, &request, async |unit| {
            let parsed: Vec<Option<QuestionId>> = request
                .names
                .iter()
                .map(|n| n.parse::<QuestionName>().ok().filter(|n| n.bank == parent.bank).map(|n| n.question))
                .collect();
            let ids: Vec<QuestionId> = parsed.iter().flatten().cloned().collect();
            let rows = sql::lock_questions(unit.conn(), caller.tenant.id, &parent.bank, &ids).await?;
            let settled = settle(unit, caller, &parent.bank, &rows).await?;
            let decided: HashMap<&str, Outcome> = rows
                .iter()
                .zip(settled)
                .map(|(row, version)| {
                    let outcome = version.map_or_else(|e| Outcome::Error(e.into()), Outcome::Version);
                    (row.question_id.as_str(), outcome)
                })
                .collect();
            let elements = request.names.iter().zip(parsed).enumerate().map(|(i, (name, id))| {
                let outcome = match id {
                    None => {
                        let what = format!("must be of the form {parent}/questions/{{question}}");
                        Outcome::Error(Error::invalid(format!("names[{i}]"), what).into())
                    }
                    Some(id) => decided
                        .get(id.as_str())
                        .cloned()
                        .unwrap_or_else(|| Outcome::Error(Error::NotFound(name.clone()).into())),
                };
                pb::BatchPublishQuestionsElement { name: name.clone(), outcome: Some(outcome) }
            });
            Ok(pb::BatchPublishQuestionsResponse { elements: elements.collect() })
        })
        .await
    }

    /// Takes a question out of use.
    pub(super) async fn retire(
        &self,
        caller: &Caller,
        request: pb::RetireQuestionRequest,
    ) -> Result<pb::Question> {
        let mut fields = Fields::default();
        let request_id = fields.request_id(&request.request_id);
        let name: QuestionName = fields.take("name", request.name.parse());
        fields.done()?;
        Unit::once(&self.db, caller, &request_id, &request, async |unit| {
            let row = lock_one(unit, caller, &name, &request.etag).await?;
            if row.state != "retired" {
                let ids = [name.question.clone()];
                sql::set_state(unit.conn(), caller.tenant.id, &name.bank, &ids, "retired").await?;
                unit.changed("question.retired", &name, json!({}));
            }
            load_one(unit, caller, &name).await
        })
        .await
    }

    /// Brings a retired question back: to published where it has a version, else to a draft.
    pub(super) async fn unretire(
        &self,
        caller: &Caller,
        request: pb::UnretireQuestionRequest,
    ) -> Result<pb::Question> {
        let mut fields = Fields::default();
        let request_id = fields.request_id(&request.request_id);
        let name: QuestionName = fields.take("name", request.name.parse());
        fields.done()?;
        Unit::once(&self.db, caller, &request_id, &request, async |unit| {
            let row = lock_one(unit, caller, &name, &request.etag).await?;
            if row.state == "retired" {
                let ids = [name.question.clone()];
                let state = if row.version > 0 { "published" } else { "draft" };
                sql::set_state(unit.conn(), caller.tenant.id, &name.bank, &ids, state).await?;
                unit.changed("question.unretired", &name, json!({ "state": state }));
            }
            load_one(unit, caller, &name).await
        })
        .await
    }
}

/// Publishes locked questions, in three statements at most; for each its version now, or why it cannot be published.
async fn settle(
    unit: &mut Unit,
    caller: &Caller,
    bank: &BankId,
    rows: &[QuestionRow],
) -> Result<Vec<Result<i32>>> {
    let (mut freezes, mut restores) = (Vec::new(), Vec::new());
    let mut settled = Vec::with_capacity(rows.len());
    for row in rows {
        let version = decide_publish(row).map(|publish| match publish {
            Publish::Nothing => row.version,
            Publish::Restore => {
                restores.push(QuestionId::stored(row.question_id.clone()));
                note(unit, row, row.version)
            }
            Publish::Freeze(freeze) => {
                let version = freeze.version;
                freezes.push(*freeze);
                note(unit, row, version)
            }
        });
        settled.push(version);
    }
    if !freezes.is_empty() {
        let by = unit.actor().to_owned();
        sql::freeze(unit.conn(), caller.tenant.id, bank, &freezes, &by).await?;
    }
    if !restores.is_empty() {
        sql::set_state(unit.conn(), caller.tenant.id, bank, &restores, "published").await?;
    }
    Ok(settled)
}

/// Tells of a question that is drawn from now on; its version.
fn note(unit: &mut Unit, row: &QuestionRow, version: i32) -> i32 {
    let name = format!("banks/{}/questions/{}", row.bank_id, row.question_id);
    unit.changed("question.published", name, json!({ "version": version }));
    version
}

/// What publishing a question comes to.
enum Publish {
    /// A new version.
    Freeze(Box<Freeze>),
    /// The newest version is what the draft says; the question is drawn again.
    Restore,
    /// Nothing to do.
    Nothing,
}

fn decide_publish(row: &QuestionRow) -> Result<Publish> {
    if row.archive_time.is_some() {
        return Err(archived(&format!("banks/{}/questions/{}", row.bank_id, row.question_id)));
    }
    let lacks = wire::unfinished(&row.content);
    if !lacks.is_empty() {
        let name = format!("banks/{}/questions/{}", row.bank_id, row.question_id);
        let what: Vec<String> = lacks.iter().map(|l| format!("{}: {}", l.field, l.description)).collect();
        return Err(Error::refused("QUESTION_UNFINISHED", name, what.join("; ")));
    }
    let hash = exact(&row.content, &row.topic, &row.tags, row.difficulty);
    if row.published_hash.as_deref() != Some(hash.as_slice()) {
        return Ok(Publish::Freeze(Box::new(Freeze {
            id: QuestionId::stored(row.question_id.clone()),
            version: row.version + 1,
            content: row.content.0.clone(),
            hash,
        })));
    }
    Ok(if row.state == "published" { Publish::Nothing } else { Publish::Restore })
}
