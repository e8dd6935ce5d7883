//! The grading service: the use cases, read top to bottom. Regrades have theirs in [`run`](super::run).
//!
//! What waits is told from the packed marks; rows are kept only for what was claimed or marked. A mark is given under the
//! lock of its attempt, so that it meets neither another mark nor a regrade half way.

use std::{collections::HashMap, pin::Pin, sync::Arc};

use serde_json::json;
use sqlx::{PgConnection, types::Json};
use tokio_stream::Stream;
use tonic::{Request, Response as Reply, Status};
use uuid::Uuid;

use crate::{
    attempt::{
        packed::{self, Unpack},
        plans::{CompiledForm, Plans},
        response::Mark,
    },
    auth::Caller,
    db::{Begun, Db, digest},
    door::Fields,
    error::{Error, Result},
    exam::sql::Facts,
    ids::{AttemptName, ExamName, QuestionName, SchemeName, TaskName},
    page::{Ask, Key, Page},
    pb::{self, grading_service_server::GradingService, timestamp},
    points::Points,
    scoring::score::Key as SlotKey,
};

use super::{
    regrade::{Turn, sum},
    sql::{self, Claimed, Revised, TaskRow, Want, Why},
    task::{self, Given, Scheme, Standing},
    wire,
};

/// Tasks a page, and the most.
const TASKS: (i32, i32) = (50, 200);
/// Tasks a claim, and the most.
const CLAIM: (i32, i32) = (10, 100);
/// A lease in seconds: the shortest, the usual, the longest.
const LEASE: (i32, i32, i32) = (60, 3_600, 86_400);
/// Candidates that a claim looks at in one go.
const LOOK: i64 = 256;

/// The service.
#[derive(Clone, Debug)]
pub struct Grading {
    pub(super) db: Db,
    pub(super) plans: Plans,
}

impl Grading {
    /// Over that database, with the caches that the server shares.
    pub fn new(db: Db, plans: Plans) -> Self {
        Self { db, plans }
    }

    async fn get_scheme(
        &self,
        caller: &Caller,
        request: pb::GetGradingSchemeRequest,
    ) -> Result<pb::GradingScheme> {
        let mut fields = Fields::default();
        let name: SchemeName = fields.take("name", request.name.parse());
        fields.done()?;
        let mut tx = self.db.read(caller).await?;
        let scheme = sql::scheme(&mut tx, caller.tenant.id, &name.exam).await?;
        tx.commit().await?;
        Ok(wire::show_scheme(&name, &scheme.ok_or_else(|| Error::NotFound(name.to_string()))?))
    }

    async fn update_scheme(
        &self,
        caller: &Caller,
        request: pb::UpdateGradingSchemeRequest,
    ) -> Result<pb::GradingScheme> {
        let mut fields = Fields::default();
        let request_id = fields.request_id(&request.request_id);
        let given = fields.required("grading_scheme", request.grading_scheme.clone());
        let name: SchemeName = fields.take("grading_scheme.name", given.name.parse());
        let mut inner = Fields::under("grading_scheme");
        let mut scheme = wire::parse_scheme(&given, &mut inner);
        fields.absorb(inner);
        fields.done()?;
        let mut unit = match self.db.write(caller, &request_id, digest(&request)).await? {
            Begun::New(unit) => unit,
            Begun::Done(first) => return Ok(first),
        };
        let tenant = caller.tenant.id;
        let old = sql::scheme(unit.conn(), tenant, &name.exam).await?;
        let old = old.ok_or_else(|| Error::NotFound(name.to_string()))?;
        if !given.etag.is_empty() && given.etag != old.revision.to_string() {
            return Err(Error::Stale(name.to_string()));
        }
        scheme.revision = old.revision;
        let now = sql::now(unit.conn()).await?;
        let revision = sql::store_scheme(unit.conn(), tenant, &name.exam, &scheme, now).await?;
        // Another update came between: with an etag the caller must look again, without one a retry does.
        scheme.revision = revision.ok_or_else(|| match given.etag.is_empty() {
            true => Error::Collision,
            false => Error::Stale(name.to_string()),
        })?;
        unit.changed(
            "grading_scheme.updated",
            &name,
            json!({ "marker_count": scheme.marker_count, "tolerance": scheme.tolerance, "anonymous": scheme.anonymous }),
        );
        unit.commit(wire::show_scheme(&name, &scheme)).await
    }

    async fn list(
        &self,
        caller: &Caller,
        request: pb::ListGradingTasksRequest,
    ) -> Result<pb::ListGradingTasksResponse> {
        let mut fields = Fields::default();
        let exam: ExamName = fields.take("parent", request.parent.parse());
        let size = if request.page_size == 0 { TASKS.0 } else { request.page_size.min(TASKS.1) };
        let ask = Ask {
            scope: &request.parent,
            size,
            token: &request.page_token,
            filter: &request.filter,
            order_by: "",
        };
        let page = Page::parse(&sql::TASKS, caller, ask, &mut fields);
        fields.done()?;
        let tenant = caller.tenant.id;
        let mut tx = self.db.read(caller).await?;
        let facts = self.plans.exam(&mut tx, tenant, &exam.exam).await?;
        let forms = self.forms(&mut tx, tenant, &facts).await?;
        let mut world = World { facts, forms, scheme: Scheme::default() };
        let places = world.places();
        let mut rows = Vec::new();
        if !places.forms.is_empty() {
            (world.scheme, rows) = sql::tasks(&mut tx, tenant, &exam.exam, &places, &page).await?;
        }
        tx.commit().await?;
        let (rows, next_page_token) = page.finish(caller, rows, sql::task_key);
        let tasks = rows.iter().filter_map(|row| world.show(row).transpose()).collect::<Result<_>>()?;
        Ok(pb::ListGradingTasksResponse { tasks, next_page_token })
    }

    async fn claim(
        &self,
        caller: &Caller,
        request: pb::ClaimGradingTasksRequest,
    ) -> Result<pb::ClaimGradingTasksResponse> {
        let mut fields = Fields::default();
        let exam: ExamName = fields.take("parent", request.parent.parse());
        let grader = grader(&request.grader, &mut fields);
        let request_id = fields.request_id(&request.request_id);
        let count = match request.count {
            0 => CLAIM.0,
            n if (1..=CLAIM.1).contains(&n) => n,
            _ => {
                fields.bad("count", format!("must be 1 to {}, or 0 for {}", CLAIM.1, CLAIM.0));
                CLAIM.0
            }
        } as usize;
        let lease = fields.seconds("lease", request.lease.as_ref()).unwrap_or(LEASE.1);
        if !(LEASE.0..=LEASE.2).contains(&lease) && !fields.has("lease") {
            fields.bad("lease", format!("must be {} to {} seconds", LEASE.0, LEASE.2));
        }
        let question: Option<QuestionName> = match request.question.as_str() {
            "" => None,
            name => Some(fields.take("question", name.parse())),
        };
        let standing = match pb::GradingTaskState::try_from(request.state) {
            Ok(pb::GradingTaskState::Unspecified) => None,
            Ok(pb::GradingTaskState::Waiting) => Some(0),
            Ok(pb::GradingTaskState::WaitingSecond) => Some(1),
            Ok(pb::GradingTaskState::WaitingAdjudication) => Some(2),
            Ok(pb::GradingTaskState::Graded) | Err(_) => {
                fields.bad("state", "must be one of the waiting states");
                None
            }
        };
        fields.done()?;
        let mut unit = match self.db.write(caller, &request_id, digest(&request)).await? {
            Begun::New(unit) => unit,
            Begun::Done(first) => return Ok(first),
        };
        let tenant = caller.tenant.id;
        let world = self.world(unit.conn(), tenant, &exam).await?;
        let mut places = world.places();
        if let Some(question) = question {
            places = only(places, &question.to_string());
        }
        let mut want = Want { grader: &grader, standing, after: None };
        let mut tasks: Vec<pb::GradingTask> = Vec::new();
        // Mostly one turn; more where others claim at the same time, or where many positions were left blank.
        while tasks.len() < count && !places.forms.is_empty() {
            let rows = sql::claimable(unit.conn(), tenant, &exam.exam, &places, &want, LOOK).await?;
            let mut waiting = Vec::new();
            for row in &rows {
                if waiting.len() + tasks.len() < count && world.waits(row)? {
                    waiting.push(row);
                    want.after = Some((row.submit_time, row.attempt_id, row.position));
                }
            }
            if waiting.len() + tasks.len() < count {
                want.after = rows.last().map(|row| (row.submit_time, row.attempt_id, row.position));
            }
            if let Some(first) = waiting.first() {
                let expires = first.now + chrono::Duration::seconds(i64::from(lease));
                let got = sql::claim(unit.conn(), tenant, &exam.exam, &grader, expires, &waiting).await?;
                let mut got: HashMap<(Uuid, i32), Claimed> =
                    got.into_iter().map(|c| ((c.attempt_id, c.position), c)).collect();
                for row in waiting {
                    let Some(claimed) = got.remove(&(row.attempt_id, row.position)) else { continue };
                    let row = TaskRow {
                        attempt_id: row.attempt_id,
                        form: row.form,
                        position: row.position,
                        candidate: row.candidate.clone(),
                        submit_time: row.submit_time,
                        responses: row.responses.clone(),
                        marks: row.marks.clone(),
                        standing: Some(claimed.standing),
                        claimed_by: Some(grader.clone()),
                        claim_expires: Some(expires),
                        given: claimed.given,
                        now: row.now,
                    };
                    tasks.extend(world.show(&row)?);
                }
            }
            if (rows.len() as i64) < LOOK {
                break;
            }
        }
        if !tasks.is_empty() {
            let names: Vec<&str> = tasks.iter().map(|t| t.name.as_str()).collect();
            unit.changed("grading.claimed", &exam, json!({ "grader": grader, "tasks": names }));
        }
        unit.commit(pb::ClaimGradingTasksResponse { tasks }).await
    }

    async fn release(
        &self,
        caller: &Caller,
        request: pb::ReleaseGradingTasksRequest,
    ) -> Result<pb::ReleaseGradingTasksResponse> {
        let mut fields = Fields::default();
        let exam: ExamName = fields.take("parent", request.parent.parse());
        let grader = grader(&request.grader, &mut fields);
        let request_id = fields.request_id(&request.request_id);
        if request.names.len() > 100 {
            fields.bad("names", format!("has {} entries; at most 100 are allowed", request.names.len()));
        }
        let mut names: Vec<TaskName> = Vec::new();
        for (i, name) in request.names.iter().take(100).enumerate() {
            let field = format!("names[{i}]");
            let name: TaskName = fields.take(&field, name.parse());
            if !fields.has(&field) && name.exam != exam.exam {
                fields.bad(field, "is of another exam");
            }
            names.push(name);
        }
        fields.done()?;
        let mut unit = match self.db.write(caller, &request_id, digest(&request)).await? {
            Begun::New(unit) => unit,
            Begun::Done(first) => return Ok(first),
        };
        let tenant = caller.tenant.id;
        self.plans.exam(unit.conn(), tenant, &exam.exam).await?;
        let names = (!names.is_empty()).then_some(names.as_slice());
        let released = sql::release(unit.conn(), tenant, &exam.exam, &grader, names).await?;
        if released > 0 {
            unit.changed("grading.released", &exam, json!({ "grader": grader, "count": released }));
        }
        unit.commit(pb::ReleaseGradingTasksResponse { released_count: released as i32 }).await
    }

    async fn grade(&self, caller: &Caller, request: pb::GradeResponseRequest) -> Result<pb::GradingTask> {
        let mut fields = Fields::default();
        let name: TaskName = fields.take("name", request.name.parse());
        let grader = grader(&request.grader, &mut fields);
        let request_id = fields.request_id(&request.request_id);
        let comment = fields.text("comment", &request.comment, usize::from(request.overrule), 2000);
        let points = match (request.points.as_str(), request.levels.is_empty()) {
            ("", true) => {
                fields.bad("points", "is required, or else levels");
                None
            }
            ("", false) => None,
            (text, true) => Some(fields.points("points", text)),
            (_, false) => {
                fields.bad("points", "must not be given together with levels");
                None
            }
        };
        fields.done()?;
        let mut unit = match self.db.write(caller, &request_id, digest(&request)).await? {
            Begun::New(unit) => unit,
            Begun::Done(first) => return Ok(first),
        };
        let tenant = caller.tenant.id;
        let absent = || Error::NotFound(name.to_string());
        let attempt = AttemptName { exam: name.exam.clone(), attempt: name.attempt };
        let row = sql::lock_attempt(unit.conn(), tenant, &attempt).await?.ok_or_else(absent)?;
        let stored = sql::lock_grading(unit.conn(), tenant, &name).await?;
        let scheme = sql::scheme(unit.conn(), tenant, &name.exam).await?.ok_or_else(absent)?;
        let now = sql::now(unit.conn()).await?;
        let facts = self.plans.exam(unit.conn(), tenant, &name.exam).await?;
        let form = self.plans.form(unit.conn(), tenant, &facts, row.form as usize).await?;
        let slots = form.plan.slots();
        let at = usize::try_from(name.position - 1).ok().filter(|at| *at < slots.len()).ok_or_else(absent)?;
        let slot = slots.get(at).filter(|s| matches!(s.key, SlotKey::Person(_))).ok_or_else(absent)?;
        let mut marks = packed::unpack_marks(&row.marks, slots.len()).map_err(unreadable)?;

        let refused = |reason, message: String| Err(Error::refused(reason, name.to_string(), message));
        let waits = marks[at] == Mark::Awaiting;
        if !waits && (!request.overrule || marks[at] == Mark::NotAnswered) {
            return refused("TASK_NOT_WAITING", format!("{name} does not wait for a grader"));
        }
        let (claimed_by, claim_expires) =
            stored.as_ref().map(|s| (s.claimed_by.as_deref(), s.claim_expires)).unwrap_or_default();
        if let Some(other) = claimed_by.filter(|c| *c != grader && claim_expires.is_some_and(|t| t > now)) {
            return refused("TASK_CLAIMED", format!("{name} is claimed by {other:?}"));
        }
        let mut given = stored.map(|s| s.given.0).unwrap_or_default();
        if !request.overrule && given.iter().any(|g| g.grader == grader) {
            return refused("SAME_GRADER", format!("{grader:?} has marked {name} before; another must"));
        }
        let levels: Vec<(String, String)> =
            request.levels.iter().map(|l| (l.criterion.clone(), l.level.clone())).collect();
        let points = match points {
            Some(points) if points.is_negative() || points > slot.points => {
                return Err(Error::invalid("points", format!("must be within 0 and {}", slot.points)));
            }
            Some(points) => points,
            None => task::by_levels(scheme.of(&slot.question, slot.part), &levels, slot.points)
                .map_err(|e| Error::invalid("levels", e.to_string()))?,
        };
        given.push(Given {
            grader: grader.clone(),
            points,
            levels,
            comment,
            overrules: request.overrule,
            at: now,
        });
        let standing = task::decide(scheme.marker_count, scheme.tolerance, form.plan.rounding(), &given);
        sql::store_given(unit.conn(), tenant, &name, row.form, standing.code(), &given).await?;
        unit.changed("response.marked", &name, json!({ "grader": grader, "marks": given.len() }));

        let mut packed_marks = row.marks;
        if let Standing::Graded(points) = standing {
            marks[at] = Mark::Scored(points);
            let now = sum(&form.plan, &marks);
            packed_marks = packed::pack_marks(&marks);
            let revised = Revised {
                attempt: name.attempt,
                revision: row.revision,
                state: if now.waits { 2 } else { 1 },
                score: now.score.decimal(),
                awaiting: now.awaiting.decimal(),
                marks: packed_marks.clone(),
            };
            let actor = format!("apiKeys/{}", caller.key);
            let reason = format!("{grader} marked position {}", name.position);
            let why = Why { actor: &actor, method: &caller.method, reason: &reason };
            if sql::revise(unit.conn(), tenant, why, &[revised]).await? != 1 {
                return Err(Error::Collision);
            }
            let before = (Points::new(row.score), Points::new(row.awaiting));
            let turn = Turn::new(row.pass_mark, before, (now.score, now.awaiting));
            let result = format!("{attempt}/result");
            unit.changed(
                "result.graded",
                result,
                json!({
                    "revision": row.revision + 1, "position": name.position, "grader": grader,
                    "score_before": turn.old, "score_after": turn.new,
                    "awaiting_before": before.1, "awaiting_after": now.awaiting,
                    "passed_before": turn.old_passed, "passed_after": turn.new_passed,
                    "state": if now.waits { "awaiting_grading" } else { "scored" },
                }),
            );
        }
        let row = TaskRow {
            attempt_id: name.attempt,
            form: row.form,
            position: name.position,
            candidate: row.candidate,
            submit_time: row.submit_time,
            responses: row.responses,
            marks: packed_marks,
            standing: Some(standing.code()),
            claimed_by: None,
            claim_expires: None,
            given: Json(given),
            now,
        };
        let task = wire::show_task(&facts.name, &form, &scheme, &row).map_err(unreadable)?;
        unit.commit(task.ok_or(Error::Internal("a marked response is no task".into()))?).await
    }

    async fn progress(
        &self,
        caller: &Caller,
        request: pb::GetGradingProgressRequest,
    ) -> Result<pb::GradingProgress> {
        let mut fields = Fields::default();
        let exam: ExamName = fields.take("name", request.name.parse());
        fields.done()?;
        let tenant = caller.tenant.id;
        // The figures come from three statements and must be of one moment.
        let mut tx = self.db.read_snapshot(caller).await?;
        let world = self.world(&mut tx, tenant, &exam).await?;
        let mut progress = pb::GradingProgress { exam: exam.to_string(), ..Default::default() };
        let sizes: Vec<usize> = world.forms.iter().map(|f| f.plan.slots().len()).collect();
        let mut counts: Vec<Vec<[i64; 3]>> = sizes.iter().map(|n| vec![[0; 3]; *n]).collect();
        let mut broken = None;
        sql::waiting(&mut tx, tenant, &exam.exam, |form, marks| {
            progress.open_result_count += 1;
            let mut note = || {
                for (at, mark) in packed::Marks::open(marks)?.enumerate() {
                    if mark? == Mark::Awaiting
                        && let Some(count) = counts.get_mut(form as usize).and_then(|c| c.get_mut(at))
                    {
                        count[0] += 1;
                    }
                }
                Ok(())
            };
            broken = broken.or(note().err());
        })
        .await?;
        sql::under_way(&mut tx, tenant, &exam.exam, |row| {
            let at = row.position as usize - 1;
            // A regrade may have given the mark in between: then nothing waits there.
            let waits =
                packed::Marks::open(&row.marks).is_ok_and(|mut m| m.nth(at) == Some(Ok(Mark::Awaiting)));
            if !waits {
                return;
            }
            progress.waiting_second_count += i64::from(row.standing == 1);
            progress.waiting_adjudication_count += i64::from(row.standing == 2);
            if let Some(count) = counts.get_mut(row.form as usize).and_then(|c| c.get_mut(at)) {
                count[1] += i64::from(row.claimed);
            }
        })
        .await?;
        for (form, position, graded) in sql::graded(&mut tx, tenant, &exam.exam).await? {
            let at = position as usize - 1;
            if let Some(count) = counts.get_mut(form as usize).and_then(|c| c.get_mut(at)) {
                count[2] += graded;
            }
        }
        tx.commit().await?;
        if let Some(error) = broken {
            return Err(unreadable(error));
        }
        for (form, counts) in world.forms.iter().zip(&counts) {
            let places = form.plan.slots().iter().zip(&form.versions).zip(counts);
            for ((slot, version), [waiting, claimed, graded]) in places {
                if waiting + claimed + graded == 0 {
                    continue;
                }
                progress.waiting_count += waiting;
                progress.claimed_count += claimed;
                progress.graded_count += graded;
                let part = slot.part as i32;
                let known =
                    progress.questions.iter_mut().find(|q| q.question_version == *version && q.part == part);
                match known {
                    Some(known) => {
                        known.waiting_count += waiting;
                        known.claimed_count += claimed;
                        known.graded_count += graded;
                    }
                    None => progress.questions.push(pb::QuestionProgress {
                        question_version: version.clone(),
                        part,
                        waiting_count: *waiting,
                        claimed_count: *claimed,
                        graded_count: *graded,
                    }),
                }
            }
        }
        Ok(progress)
    }

    async fn revisions(
        &self,
        caller: &Caller,
        request: pb::ListMarkRevisionsRequest,
    ) -> Result<pb::ListMarkRevisionsResponse> {
        let mut fields = Fields::default();
        let name: AttemptName = fields.take("parent", request.parent.parse());
        let ask = Ask {
            scope: &request.parent,
            size: request.page_size,
            token: &request.page_token,
            ..Ask::default()
        };
        let page = Page::parse(&sql::REVISIONS, caller, ask, &mut fields);
        fields.done()?;
        let tenant = caller.tenant.id;
        let mut tx = self.db.read(caller).await?;
        let rows = sql::revisions(&mut tx, tenant, &name, &page).await?;
        let Some(first) = rows.first() else {
            tx.commit().await?;
            return Ok(pb::ListMarkRevisionsResponse::default());
        };
        let facts = self.plans.exam(&mut tx, tenant, &name.exam).await?;
        let form = self.plans.form(&mut tx, tenant, &facts, first.form as usize).await?;
        tx.commit().await?;
        let (rows, next_page_token) =
            page.finish(caller, rows, |r| vec![Key::Integer(i64::from(r.revision))]);
        let show = |row: sql::RevisionRow| {
            let marks = packed::unpack_marks(&row.marks, form.plan.slots().len()).map_err(unreadable)?;
            Ok(pb::MarkRevision {
                revision: row.revision,
                score: Points::new(row.score).to_string(),
                awaiting_points: Points::new(row.awaiting).to_string(),
                marks: wire::show_marks(&marks),
                replace_time: Some(timestamp(row.at)),
                actor: row.actor,
                method: row.method,
                reason: row.reason,
            })
        };
        let revisions = rows.into_iter().map(show).collect::<Result<_>>()?;
        Ok(pb::ListMarkRevisionsResponse { revisions, next_page_token })
    }

    /// Everything about an exam that tasks are shown with.
    async fn world(&self, conn: &mut PgConnection, tenant: Uuid, exam: &ExamName) -> Result<World> {
        let facts = self.plans.exam(conn, tenant, &exam.exam).await?;
        let forms = self.forms(conn, tenant, &facts).await?;
        let scheme = sql::scheme(conn, tenant, &exam.exam).await?;
        Ok(World { facts, forms, scheme: scheme.unwrap_or_default() })
    }

    /// The forms of an exam, compiled; without a round trip for those that are kept.
    pub(super) async fn forms(
        &self,
        conn: &mut PgConnection,
        tenant: Uuid,
        facts: &Facts,
    ) -> Result<Vec<Arc<CompiledForm>>> {
        let mut forms = Vec::with_capacity(facts.forms.len());
        for index in 0..facts.forms.len() {
            forms.push(self.plans.form(conn, tenant, facts, index).await?);
        }
        Ok(forms)
    }
}

/// An exam with its forms and its scheme.
struct World {
    facts: Arc<Facts>,
    forms: Vec<Arc<CompiledForm>>,
    scheme: Scheme,
}

impl World {
    fn places(&self) -> sql::Places {
        wire::places(self.forms.iter().map(AsRef::as_ref))
    }

    fn form(&self, row: &TaskRow) -> Result<&CompiledForm> {
        let form = self.forms.get(row.form as usize);
        form.map(AsRef::as_ref).ok_or(Error::Internal("an attempt cites a form its exam has not".into()))
    }

    fn waits(&self, row: &TaskRow) -> Result<bool> {
        let mut marks = packed::Marks::open(&row.marks).map_err(unreadable)?;
        Ok(marks.nth(row.position as usize - 1) == Some(Ok(Mark::Awaiting)))
    }

    fn show(&self, row: &TaskRow) -> Result<Option<pb::GradingTask>> {
        wire::show_task(&self.facts.name, self.form(row)?, &self.scheme, row).map_err(unreadable)
    }
}

fn only(places: sql::Places, question: &str) -> sql::Places {
    let mut kept = sql::Places::default();
    for (i, name) in places.questions.iter().enumerate().filter(|(_, name)| *name == question) {
        kept.forms.push(places.forms[i]);
        kept.positions.push(places.positions[i]);
        kept.questions.push(name.clone());
        kept.parts.push(places.parts[i]);
    }
    kept
}

fn grader(value: &str, fields: &mut Fields) -> String {
    let text = fields.text("grader", value, 1, 128);
    if text.trim() != text {
        fields.bad("grader", "has white space at its ends");
    }
    text
}

pub(super) fn unreadable(error: Unpack) -> Error {
    Error::Internal(format!("an attempt cannot be read: {error}").into())
}

pub(super) type PreviewStream =
    Pin<Box<dyn Stream<Item = Result<pb::PreviewRegradeResponse, Status>> + Send>>;

/// One line a method: parse, do, answer.
macro_rules! methods {
    ($($name:ident($request:ident) -> $answer:ident = $call:ident;)+) => {
        #[tonic::async_trait]
        impl GradingService for Grading {
            type PreviewRegradeStream = PreviewStream;

            async fn preview_regrade(
                &self,
                r: Request<pb::PreviewRegradeRequest>,
            ) -> Result<Reply<PreviewStream>, Status> {
                let caller = Caller::of(&r)?;
                Ok(Reply::new(self.preview(&caller, r.into_inner()).await?))
            }

            $(async fn $name(&self, r: Request<pb::$request>) -> Result<Reply<pb::$answer>, Status> {
                let caller = Caller::of(&r)?;
                Ok(Reply::new(self.$call(&caller, r.into_inner()).await?))
            })+
        }
    };
}

methods! {
    get_grading_scheme(GetGradingSchemeRequest) -> GradingScheme = get_scheme;
    update_grading_scheme(UpdateGradingSchemeRequest) -> GradingScheme = update_scheme;
    list_grading_tasks(ListGradingTasksRequest) -> ListGradingTasksResponse = list;
    claim_grading_tasks(ClaimGradingTasksRequest) -> ClaimGradingTasksResponse = claim;
    release_grading_tasks(ReleaseGradingTasksRequest) -> ReleaseGradingTasksResponse = release;
    grade_response(GradeResponseRequest) -> GradingTask = grade;
    get_grading_progress(GetGradingProgressRequest) -> GradingProgress = progress;
    list_mark_revisions(ListMarkRevisionsRequest) -> ListMarkRevisionsResponse = revisions;
    regrade_exam(RegradeExamRequest) -> Regrade = regrade;
    get_regrade(GetRegradeRequest) -> Regrade = get_regrade;
    list_regrades(ListRegradesRequest) -> ListRegradesResponse = list_regrades;
    cancel_regrade(CancelRegradeRequest) -> Regrade = cancel_regrade;
    resume_regrade(ResumeRegradeRequest) -> Regrade = resume_regrade;
}
