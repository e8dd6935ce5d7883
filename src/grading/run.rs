//! Regrades: the use cases, and the task that carries one through.
//!
//! A regrade goes in steps of [`CHUNK`] attempts. A step is one transaction: it locks the regrade's row, then the
//! attempts in the order of submission, changes marks, keeps the old ones, and moves the cursor. So it can stop after any
//! step, be resumed by any process, and never holds more than one step in memory. Two processes at one regrade would only
//! take turns.

use std::{collections::HashMap, sync::Arc, time::Duration};

use serde_json::json;
use sqlx::PgConnection;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use uuid::Uuid;

use crate::{
    attempt::packed,
    auth::Caller,
    bank::content::Content,
    db::{Begun, digest},
    door::Fields,
    error::{Error, Result, is_duplicate},
    exam::sql::Facts,
    ids::{ExamId, ExamName, RegradeName},
    page::{Ask, Key, Page},
    pb::{self, timestamp},
    points::Points,
};

use super::{
    regrade::{After, Before, Counts, Recipe, Rule, Sum, Turn},
    regrade_sql::{self as sql, RegradeRow, SheetRow},
    rpc::{Grading, PreviewStream, unreadable},
    sql::{Revised, Why, now, revise},
    wire,
};

/// Attempts a step.
const CHUNK: i64 = 500;
/// How long a process may be silent before its regrade counts as interrupted.
const LEASE: chrono::Duration = chrono::Duration::seconds(90);
/// How often a step is tried while the database is away or others are in the way.
const TRIES: u32 = 6;
/// Changes that may wait for a slow reader of a dry run.
const BACKLOG: usize = 256;

/// The rules, ready for every form of the exam.
type Recipes = Vec<Recipe>;

impl Grading {
    /// Compiles rules for an exam; pins the newest version where a rule names none. What does not fit is INVALID.
    async fn recipes(
        &self,
        conn: &mut PgConnection,
        tenant: Uuid,
        facts: &Facts,
        rules: &mut [Rule],
    ) -> Result<Recipes> {
        let found = sql::versions(conn, tenant, rules).await?;
        let contents: HashMap<usize, (i32, Content)> =
            found.into_iter().map(|(i, version, content)| (i, (version, content))).collect();
        for (i, rule) in rules.iter_mut().enumerate().filter(|(_, rule)| rule.mode.needs_key()) {
            rule.version = rule.version.or(contents.get(&i).map(|c| c.0));
        }
        let mut used = vec![false; rules.len()];
        let mut recipes = Vec::new();
        for form in self.forms(conn, tenant, facts).await? {
            let recipe = Recipe::new(form, rules, |i| contents.get(&i).map(|c| &c.1), &mut used);
            recipes.push(recipe.map_err(|(i, why)| Error::invalid(format!("rules[{i}]"), why))?);
        }
        let mut fields = Fields::default();
        for (i, _) in used.iter().enumerate().filter(|(_, used)| !**used) {
            fields.bad(format!("rules[{i}].question"), format!("is on no form of {}", facts.name));
        }
        fields.done()?;
        Ok(recipes)
    }

    pub(super) async fn preview(
        &self,
        caller: &Caller,
        request: pb::PreviewRegradeRequest,
    ) -> Result<PreviewStream> {
        use pb::preview_regrade_response::Found;
        let mut fields = Fields::default();
        let exam: ExamName = fields.take("parent", request.parent.parse());
        let mut rules = wire::parse_rules(&request.rules, &mut fields);
        fields.done()?;
        let tenant = caller.tenant.id;
        let mut tx = self.db.read(caller).await?;
        let facts = self.plans.exam(&mut tx, tenant, &exam.exam).await?;
        let recipes = self.recipes(&mut tx, tenant, &facts, &mut rules).await?;
        let pass_mark = sql::pass_mark(&mut tx, tenant, &exam.exam).await?;
        tx.commit().await?;
        let (send, receive) = mpsc::channel(BACKLOG);
        let (db, caller) = (self.db.clone(), caller.clone());
        let say = |found| Ok(pb::PreviewRegradeResponse { found: Some(found) });
        tokio::spawn(async move {
            let looked = async {
                let (mut counts, mut cursor) = (Counts::default(), sql::START);
                loop {
                    // A transaction a step: a slow reader must not keep one open.
                    let mut tx = db.read(&caller.renewed()).await?;
                    let rows = sql::sheets(&mut tx, tenant, &exam.exam, cursor, CHUNK).await?;
                    tx.commit().await?;
                    for row in &rows {
                        let judged = judge(&recipes, row, request.never_lower)?;
                        let Some((_, sum)) = tally(&mut counts, judged) else { continue };
                        let turn = turn(pass_mark, row, &sum);
                        counts.add(&turn);
                        if turn.old != turn.new {
                            let result = format!("{exam}/attempts/{}/result", row.attempt_id);
                            let change = Found::Change(wire::show_change(result, &turn));
                            if send.send(say(change)).await.is_err() {
                                return Ok(None);
                            }
                        }
                    }
                    match rows.last() {
                        Some(last) if rows.len() as i64 == CHUNK => {
                            cursor = (last.submit_time, last.attempt_id)
                        }
                        _ => return Ok::<_, Error>(Some(counts)),
                    }
                }
            };
            // Whoever does not listen any more needs no end either.
            let _ = match looked.await {
                Ok(Some(counts)) => send.send(say(Found::Summary(wire::show_counts(&counts)))).await,
                Ok(None) => Ok(()),
                Err(error) => send.send(Err(Status::from(error))).await,
            };
        });
        Ok(Box::pin(ReceiverStream::new(receive)))
    }

    pub(super) async fn regrade(
        &self,
        caller: &Caller,
        request: pb::RegradeExamRequest,
    ) -> Result<pb::Regrade> {
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
        let tenant = caller.tenant.id;
        let facts = self.plans.exam(unit.conn(), tenant, &exam.exam).await?;
        let recipes = self.recipes(unit.conn(), tenant, &facts, &mut rules).await?;
        let name = RegradeName { exam: exam.exam.clone(), regrade: Uuid::now_v7() };
        let lease = now(unit.conn()).await? + LEASE;
        let actor = format!("apiKeys/{}", caller.key);
        sql::insert(unit.conn(), tenant, &name, &rules, request.never_lower, &reason, &actor, lease)
            .await
            .map_err(|e| one_at_a_time(e, &exam.exam))?;
        let row = sql::regrade(unit.conn(), tenant, &name, false).await?;
        let row = row.ok_or(Error::Internal("a regrade is gone".into()))?;
        unit.changed("regrade.started", &name, json!({ "rules": rules, "reason": reason }));
        let answer = unit.commit(show(&row)).await?;
        self.carry(caller, name, recipes);
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
        let row = sql::regrade(&mut tx, caller.tenant.id, &name, false).await?;
        tx.commit().await?;
        Ok(show(&row.ok_or_else(|| Error::NotFound(name.to_string()))?))
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
        Ok(pb::ListRegradesResponse { regrades: rows.iter().map(show).collect(), next_page_token })
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
        // Waits for the step under way.
        let row = sql::regrade(unit.conn(), tenant, &name, true).await?;
        let row = row.ok_or_else(|| Error::NotFound(name.to_string()))?;
        if row.state != "running" {
            let message = format!("{name} is {}, not running", row.state);
            return Err(Error::refused("REGRADE_NOT_RUNNING", name.to_string(), message));
        }
        let at = now(unit.conn()).await?;
        sql::set_state(unit.conn(), tenant, name.regrade, "cancelled", "", at, at).await?;
        unit.changed("regrade.cancelled", &name, json!({ "examined": row.examined }));
        unit.commit(show(&RegradeRow { state: "cancelled".to_owned(), update_time: at, ..row })).await
    }

    pub(super) async fn resume_regrade(
        &self,
        caller: &Caller,
        request: pb::ResumeRegradeRequest,
    ) -> Result<pb::Regrade> {
        let mut fields = Fields::default();
        let name: RegradeName = fields.take("name", request.name.parse());
        fields.done()?;
        let Begun::New(mut unit) = self.db.write::<pb::Regrade>(caller, "", digest(&request)).await? else {
            return Err(Error::Internal("a call without a request id was answered before".into()));
        };
        let tenant = caller.tenant.id;
        let row = sql::regrade(unit.conn(), tenant, &name, true).await?;
        let mut row = row.ok_or_else(|| Error::NotFound(name.to_string()))?;
        if row.state == "done" || (row.state == "running" && !row.is_interrupted()) {
            let message = format!("{name} is {}", row.state);
            return Err(Error::refused("REGRADE_NOT_STOPPED", name.to_string(), message));
        }
        let facts = self.plans.exam(unit.conn(), tenant, &name.exam).await?;
        let recipes = self.recipes(unit.conn(), tenant, &facts, &mut row.rules.0).await?;
        let at = now(unit.conn()).await?;
        sql::set_state(unit.conn(), tenant, name.regrade, "running", "", at + LEASE, at)
            .await
            .map_err(|e| one_at_a_time(e, &name.exam))?;
        unit.changed("regrade.resumed", &name, json!({ "examined": row.examined }));
        let row = RegradeRow {
            state: "running".to_owned(),
            error: String::new(),
            lease_until: at + LEASE,
            update_time: at,
            ..row
        };
        let answer = unit.commit(show(&row)).await?;
        self.carry(caller, name, recipes);
        Ok(answer)
    }

    /// Carries a regrade through, apart from the call that asked for it.
    fn carry(&self, caller: &Caller, name: RegradeName, recipes: Recipes) {
        let (grading, caller, recipes) = (self.clone(), caller.clone(), Arc::new(recipes));
        tokio::spawn(async move {
            let mut tries = 0;
            loop {
                match grading.step(&caller.renewed(), &name, &recipes).await {
                    Ok(true) => tries = 0,
                    Ok(false) => return,
                    Err(error) if error.is_transient() && tries < TRIES => {
                        tokio::time::sleep(Duration::from_millis(200 << tries)).await;
                        tries += 1;
                    }
                    Err(error) => return grading.fail(&caller.renewed(), &name, error).await,
                }
            }
        });
    }

    /// One step; whether there is another.
    async fn step(&self, caller: &Caller, name: &RegradeName, recipes: &Recipes) -> Result<bool> {
        let Begun::New(mut unit) = self.db.write::<pb::Regrade>(caller, "", [0; 32]).await? else {
            return Err(Error::Internal("a step without a request id was answered before".into()));
        };
        let tenant = caller.tenant.id;
        let row = sql::regrade(unit.conn(), tenant, name, true).await?;
        let Some(row) = row.filter(|r| r.state == "running") else {
            unit.rollback().await?;
            return Ok(false);
        };
        let pass_mark = sql::pass_mark(unit.conn(), tenant, &name.exam).await?;
        let sheets = sql::lock_sheets(unit.conn(), tenant, &name.exam, row.cursor(), CHUNK).await?;
        let mut counts = row.counts();
        let mut revised = Vec::new();
        for sheet in &sheets {
            let judged = judge(recipes, sheet, row.never_lower)?;
            let Some((marks, sum)) = tally(&mut counts, judged) else { continue };
            let turn = turn(pass_mark, sheet, &sum);
            counts.add(&turn);
            unit.changed(
                "result.regraded",
                format!("exams/{}/attempts/{}/result", name.exam, sheet.attempt_id),
                json!({
                    "revision": sheet.revision + 1, "regrade": name.to_string(), "reason": row.reason,
                    "score_before": turn.old, "score_after": turn.new,
                    "awaiting_before": Points::new(sheet.awaiting), "awaiting_after": sum.awaiting,
                    "passed_before": turn.old_passed, "passed_after": turn.new_passed,
                    "state": if sum.waits { "awaiting_grading" } else { "scored" },
                }),
            );
            revised.push(Revised {
                attempt: sheet.attempt_id,
                revision: sheet.revision,
                state: if sum.waits { 2 } else { 1 },
                score: sum.score.decimal(),
                awaiting: sum.awaiting.decimal(),
                marks,
            });
        }
        if !revised.is_empty() {
            let reason = format!("{name}: {}", row.reason);
            let why = Why { actor: &row.actor, method: "GradingService/RegradeExam", reason: &reason };
            if revise(unit.conn(), tenant, why, &revised).await? != revised.len() as u64 {
                return Err(Error::Collision);
            }
        }
        let more = sheets.len() as i64 == CHUNK;
        let cursor = sheets.last().map_or(row.cursor(), |last| (last.submit_time, last.attempt_id));
        let at = now(unit.conn()).await?;
        let state = if more { "running" } else { "done" };
        sql::advance(unit.conn(), tenant, name.regrade, state, cursor, &counts, at + LEASE, at).await?;
        if !more {
            unit.changed(
                "exam.regraded",
                format!("exams/{}", name.exam),
                json!({ "regrade": name.to_string(), "examined": counts.examined, "changed": counts.changed }),
            );
        }
        unit.commit(pb::Regrade::default()).await?;
        Ok(more)
    }

    /// Notes that a regrade failed. Where even that fails it is seen as interrupted once its lease is over.
    async fn fail(&self, caller: &Caller, name: &RegradeName, error: Error) {
        tracing::error!(%name, ?error, "a regrade failed");
        let what = Status::from(error).message().to_owned();
        let noted = async {
            let Begun::New(mut unit) = self.db.write::<pb::Regrade>(caller, "", [0; 32]).await? else {
                return Ok(());
            };
            let tenant = caller.tenant.id;
            let row = sql::regrade(unit.conn(), tenant, name, true).await?;
            if row.is_some_and(|r| r.state == "running") {
                let at = now(unit.conn()).await?;
                sql::set_state(unit.conn(), tenant, name.regrade, "failed", &what, at, at).await?;
                unit.changed("regrade.failed", name, json!({ "error": what }));
            }
            unit.commit(pb::Regrade::default()).await?;
            Ok::<(), Error>(())
        };
        if let Err(error) = noted.await {
            tracing::error!(%name, ?error, "the failure of a regrade could not be noted");
        }
    }
}

/// What the rules make of one stored attempt; its new marks packed.
fn judge(recipes: &Recipes, row: &SheetRow, never_lower: bool) -> Result<Judged> {
    let recipe = recipes.get(row.form as usize);
    let recipe = recipe.ok_or(Error::Internal("an attempt cites a form its exam has not".into()))?;
    if recipe.is_idle() {
        return Ok(Judged::Same);
    }
    let size = recipe.form().plan.slots().len();
    let responses = packed::unpack_responses(&row.responses, size).map_err(unreadable)?;
    let marks = packed::unpack_marks(&row.marks, size).map_err(unreadable)?;
    Ok(match recipe.apply(Before { responses: &responses, marks: &marks }, never_lower) {
        After::Same => Judged::Same,
        After::Skipped => Judged::Skipped,
        After::Marks { marks, sum } => Judged::Marks(packed::pack_marks(&marks), sum),
    })
}

enum Judged {
    Same,
    Skipped,
    Marks(Vec<u8>, Sum),
}

/// Counts an attempt that was looked at; its new marks, if any.
fn tally(counts: &mut Counts, judged: Judged) -> Option<(Vec<u8>, Sum)> {
    counts.examined += 1;
    match judged {
        Judged::Same => None,
        Judged::Skipped => {
            counts.skipped += 1;
            None
        }
        Judged::Marks(marks, sum) => Some((marks, sum)),
    }
}

fn turn(pass_mark: Option<rust_decimal::Decimal>, row: &SheetRow, sum: &Sum) -> Turn {
    let old = (Points::new(row.score), Points::new(row.awaiting));
    Turn::new(pass_mark, old, (sum.score, sum.awaiting))
}

fn one_at_a_time(error: sqlx::Error, exam: &ExamId) -> Error {
    if is_duplicate(&error, "regrade_running") {
        let subject = format!("exams/{exam}");
        return Error::refused(
            "REGRADE_RUNNING",
            subject.clone(),
            format!("another regrade of {subject} is running"),
        );
    }
    error.into()
}

fn show(row: &RegradeRow) -> pb::Regrade {
    let state = match row.state.as_str() {
        "running" if row.is_interrupted() => pb::RegradeState::Interrupted,
        "running" => pb::RegradeState::Running,
        "cancelled" => pb::RegradeState::Cancelled,
        "done" => pb::RegradeState::Done,
        _ => pb::RegradeState::Failed,
    };
    pb::Regrade {
        name: format!("exams/{}/regrades/{}", row.exam_id, row.regrade_id),
        state: state as i32,
        rules: row.rules.0.iter().map(wire::show_rule).collect(),
        never_lower: row.never_lower,
        reason: row.reason.clone(),
        counts: Some(wire::show_counts(&row.counts())),
        total_count: row.total,
        error: row.error.clone(),
        create_time: Some(timestamp(row.create_time)),
        update_time: Some(timestamp(row.update_time)),
    }
}
