//! Regrades: the use cases. What a regrade then does step by step stands in [`steps`](super::steps).

use std::time::Duration;

use serde_json::json;
use sqlx::types::Json;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use uuid::Uuid;

use crate::{
    auth::Caller,
    db::{Begun, Unit, digest},
    door::Fields,
    error::{Error, Result, is_duplicate},
    exam::standard::Standards,
    ids::{ExamId, ExamName, RegradeName},
    operation::{self, carry::Run, noun::Kind, sql as operations},
    page::{Ask, Key, Page},
    pb,
};

use super::{
    regrade::Counts,
    regrade_sql::{self as sql, RegradeRow},
    rpc::{Grading, PreviewStream},
    sheet::Recipes,
    steps, wire,
};

/// Attempts that a dry run reads in one go.
const CHUNK: i64 = 1_000;
/// Changes that may wait for a slow reader of a dry run.
const BACKLOG: usize = 256;
/// How long a dry run waits for a reader that takes nothing, before it gives up.
const SILENCE: Duration = Duration::from_secs(60);

impl Grading {
    pub(super) async fn preview(
        &self,
        caller: &Caller,
        request: pb::PreviewRegradeRequest,
    ) -> Result<PreviewStream> {
        let mut fields = Fields::default();
        let exam: ExamName = fields.take("parent", request.parent.parse());
        let mut rules = wire::parse_rules(&request.rules, &mut fields);
        fields.done()?;
        let tenant = caller.tenant.id;
        let mut tx = self.db.read(caller).await?;
        let facts = self.plans.exam(&mut tx, tenant, &exam.exam).await?;
        let recipes =
            Recipes::compile(&mut tx, &self.plans, tenant, &facts, &mut rules, request.never_lower).await?;
        tx.commit().await?;
        let (send, receive) = mpsc::channel(BACKLOG);
        let dry = DryRun { grading: self.clone(), caller: caller.clone(), exam, recipes, send };
        tokio::spawn(dry.run());
        Ok(Box::pin(ReceiverStream::new(receive)))
    }

    pub(super) async fn regrade(
        &self,
        caller: &Caller,
        request: pb::RegradeExamRequest,
    ) -> Result<pb::Operation> {
        let mut fields = Fields::default();
        let exam: ExamName = fields.take("parent", request.parent.parse());
        let mut rules = wire::parse_rules(&request.rules, &mut fields);
        let reason = fields.text("reason", &request.reason, 1, 500);
        let request_id = fields.request_id(&request.request_id);
        fields.done()?;
        let mut unit = match self.db.write(caller, &request_id, digest(&request)).await? {
            Begun::New(unit) => unit,
            Begun::Done(first) => return Ok(first),
        };
        let (tenant, plans) = (caller.tenant.id, &self.plans);
        let facts = plans.exam(unit.conn(), tenant, &exam.exam).await?;
        Recipes::compile(unit.conn(), plans, tenant, &facts, &mut rules, request.never_lower).await?;
        let (total, now) = sql::total(unit.conn(), tenant, &exam.exam).await?;
        let row = RegradeRow {
            regrade_id: Uuid::now_v7(),
            exam_id: exam.exam.to_string(),
            operation_id: Uuid::now_v7(),
            state: "running".to_owned(),
            rules: Json(rules),
            never_lower: request.never_lower,
            reason,
            actor: format!("apiKeys/{}", caller.key),
            total,
            examined: 0,
            revised: 0,
            changed: 0,
            newly_passed: 0,
            newly_failed: 0,
            skipped: 0,
            error: String::new(),
            create_time: now,
            update_time: now,
        };
        let run = self.carrier.run();
        let operation = self.operation(&mut unit, caller, &row, &run).await?;
        sql::insert(unit.conn(), tenant, &row).await?;
        unit.changed("regrade.started", row.name(), json!({ "rules": row.rules.0, "reason": row.reason }));
        let answer = unit.commit(operation).await?;
        self.carry(caller, run, &row);
        Ok(answer)
    }

    pub(super) async fn get_regrade(
        &self,
        caller: &Caller,
        request: pb::GetRegradeRequest,
    ) -> Result<pb::Regrade> {
        let mut fields = Fields::default();
        let name: RegradeName = fields.take("name", request.name.parse());
        fields.done()?;
        let mut tx = self.db.read(caller).await?;
        let row = sql::regrade(&mut tx, caller.tenant.id, &name).await?;
        tx.commit().await?;
        Ok(wire::show_regrade(&row.ok_or_else(|| Error::NotFound(name.to_string()))?))
    }

    pub(super) async fn list_regrades(
        &self,
        caller: &Caller,
        request: pb::ListRegradesRequest,
    ) -> Result<pb::ListRegradesResponse> {
        let mut fields = Fields::default();
        let exam: ExamName = fields.take("parent", request.parent.parse());
        let ask = Ask {
            scope: &request.parent,
            size: request.page_size,
            token: &request.page_token,
            ..Ask::default()
        };
        let page = Page::parse(&sql::REGRADES, caller, ask, &mut fields);
        fields.done()?;
        let mut tx = self.db.read(caller).await?;
        let rows = sql::regrades(&mut tx, caller.tenant.id, &exam.exam, &page).await?;
        tx.commit().await?;
        let key = |r: &RegradeRow| vec![Key::Time(r.create_time), Key::Uuid(r.regrade_id)];
        let (rows, next_page_token) = page.finish(caller, rows, key);
        let regrades = rows.iter().map(wire::show_regrade).collect();
        Ok(pb::ListRegradesResponse { regrades, next_page_token })
    }

    pub(super) async fn cancel_regrade(
        &self,
        caller: &Caller,
        request: pb::CancelRegradeRequest,
    ) -> Result<pb::Regrade> {
        let mut fields = Fields::default();
        let name: RegradeName = fields.take("name", request.name.parse());
        fields.done()?;
        let Begun::New(mut unit) = self.db.write::<pb::Regrade>(caller, "", digest(&request)).await? else {
            return Err(Error::Internal("a call without a request id was answered before".into()));
        };
        let tenant = caller.tenant.id;
        let absent = || Error::NotFound(name.to_string());
        let row = sql::regrade(unit.conn(), tenant, &name).await?.ok_or_else(absent)?;
        // Waits for the step under way, so what is read after it is how the regrade ends. An operation that is out of
        // sight is done, as is one that was not running any more.
        let operation = operations::operation(unit.conn(), tenant, row.operation_id, true).await?;
        let Some(operation) = operation.filter(|o| !o.is_done()) else {
            let message = format!("{name} is not running");
            return Err(Error::refused("REGRADE_NOT_RUNNING", name.to_string(), message));
        };
        operation::cancel(&mut unit, tenant, &operation).await?;
        let row = sql::regrade(unit.conn(), tenant, &name).await?.ok_or_else(absent)?;
        unit.commit(wire::show_regrade(&row)).await
    }

    pub(super) async fn resume_regrade(
        &self,
        caller: &Caller,
        request: pb::ResumeRegradeRequest,
    ) -> Result<pb::Operation> {
        let mut fields = Fields::default();
        let name: RegradeName = fields.take("name", request.name.parse());
        let request_id = fields.request_id(&request.request_id);
        fields.done()?;
        let mut unit = match self.db.write(caller, &request_id, digest(&request)).await? {
            Begun::New(unit) => unit,
            Begun::Done(first) => return Ok(first),
        };
        let tenant = caller.tenant.id;
        let absent = || Error::NotFound(name.to_string());
        // Two resumptions at once: the second one waits here, and then sees the operation of the first.
        if !sql::lock(unit.conn(), tenant, &name).await? {
            return Err(absent());
        }
        let row = sql::regrade(unit.conn(), tenant, &name).await?.ok_or_else(absent)?;
        if !["cancelled", "failed"].contains(&row.state.as_str()) {
            let message = format!("{name} is {}", row.state);
            return Err(Error::refused("REGRADE_NOT_STOPPED", name.to_string(), message));
        }
        let row = RegradeRow { operation_id: Uuid::now_v7(), state: "running".to_owned(), ..row };
        let run = self.carrier.run();
        let operation = self.operation(&mut unit, caller, &row, &run).await?;
        sql::carry_by(unit.conn(), tenant, row.regrade_id, row.operation_id).await?;
        unit.changed("regrade.resumed", &name, json!({ "examined": row.examined }));
        let answer = unit.commit(operation).await?;
        self.carry(caller, run, &row);
        Ok(answer)
    }

    /// Stores the operation that is to carry a regrade; as it is told. One runs at a time for an exam.
    async fn operation(
        &self,
        unit: &mut Unit,
        caller: &Caller,
        row: &RegradeRow,
        run: &Run,
    ) -> Result<pb::Operation> {
        let (target, exam) = (row.name().to_string(), format!("exams/{}", row.exam_id));
        let progress = steps::progress(row);
        let new = operations::New {
            id: row.operation_id,
            kind: Kind::Regrade,
            target: &target,
            alone: Some(&exam),
            actor: &format!("apiKeys/{}", caller.key),
            method: &caller.method,
            progress: &prost::Message::encode_to_vec(&progress),
            holder: run.holder,
            lease: run.lease,
        };
        let stored = operations::insert(unit.conn(), caller.tenant.id, new).await;
        stored.map_err(|e| one_at_a_time(e, &row.name().exam))?;
        let name = crate::ids::OperationName { operation: row.operation_id }.to_string();
        Ok(pb::Operation { name, metadata: Some(progress), done: false, result: None })
    }

    /// Begins to carry a regrade that is stored.
    fn carry(&self, caller: &Caller, run: Run, row: &RegradeRow) {
        let actor = format!("apiKeys/{}", caller.key);
        let method = caller.method.clone();
        self.carrier.carry(run, Kind::Regrade, caller.tenant.id, row.operation_id, actor, method);
    }
}

/// A dry run, read by a caller who may be slow. It holds one piece of the attempts in memory, and no transaction while it
/// waits for the reader.
struct DryRun {
    grading: Grading,
    caller: Caller,
    exam: ExamName,
    recipes: Recipes,
    send: mpsc::Sender<Result<pb::PreviewRegradeResponse, Status>>,
}

impl DryRun {
    async fn run(self) {
        use pb::preview_regrade_response::Found;
        let last = match self.look().await {
            Ok(Some(counts)) => Ok(Found::Summary(wire::show_counts(&counts))),
            Ok(None) => return,
            Err(error) => Err(Status::from(error)),
        };
        self.say(last).await;
    }

    /// Tells every change; the counts, or nothing where nobody listens any more.
    async fn look(&self) -> Result<Option<Counts>> {
        use pb::preview_regrade_response::Found;
        let (tenant, exam) = (self.caller.tenant.id, &self.exam.exam);
        let (mut counts, mut cursor, mut standards) = (Counts::default(), sql::START, Standards::default());
        while !self.send.is_closed() {
            let mut tx = self.grading.db.read(&self.caller.renewed()).await?;
            if cursor == sql::START {
                standards = sql::standards(&mut tx, tenant, exam).await?;
            }
            let rows = sql::sheets(&mut tx, tenant, exam, cursor, CHUNK).await?;
            tx.commit().await?;
            for row in &rows {
                let Some(changed) = self.recipes.judge(&mut counts, &standards, row)? else { continue };
                if changed.turn.old != changed.turn.new {
                    let result = format!("{}/attempts/{}/result", self.exam, row.attempt_id);
                    let change = Found::Change(wire::show_change(result, &changed.turn));
                    if !self.say(Ok(change)).await {
                        return Ok(None);
                    }
                }
            }
            match rows.last() {
                Some(last) if rows.len() as i64 == CHUNK => cursor = (last.submit_time, last.attempt_id),
                _ => return Ok(Some(counts)),
            }
        }
        Ok(None)
    }

    /// Whether it was taken; who takes nothing for so long does not listen any more.
    async fn say(&self, found: Result<pb::preview_regrade_response::Found, Status>) -> bool {
        let message = found.map(|found| pb::PreviewRegradeResponse { found: Some(found) });
        matches!(tokio::time::timeout(SILENCE, self.send.send(message)).await, Ok(Ok(())))
    }
}

fn one_at_a_time(error: sqlx::Error, exam: &ExamId) -> Error {
    if is_duplicate(&error, operations::ALONE) {
        let subject = format!("exams/{exam}");
        return Error::refused(
            "REGRADE_RUNNING",
            subject.clone(),
            format!("another regrade of {subject} is running"),
        );
    }
    error.into()
}
