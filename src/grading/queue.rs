//! The queue of what people mark: who sees it, who takes what, who gives it back.
//!
//! What waits is told from the packed marks; rows are kept only for what was claimed or marked.

use std::{collections::HashMap, sync::Arc};

use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    attempt::{packed, plans::CompiledForm, response::Mark},
    auth::{Caller, Tenant},
    db::Unit,
    door::Fields,
    error::{Error, Result},
    exam::sql::Facts,
    ids::{ExamName, QuestionName, TaskName},
    page::{Ask, Page},
    pb,
};

use super::{
    name::Named,
    rpc::{Grading, grader, unreadable},
    sql::{self, Claimed, TaskRow, Want},
    task::Scheme,
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

impl Grading {
    pub(super) async fn list(
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
        // Which of the two lists it is only the scheme tells, and that comes with the first row.
        let (mut open_fields, mut veiled_fields) = (Fields::default(), Fields::default());
        let open_page = Page::parse(&sql::TASKS, caller, ask, &mut open_fields);
        let veiled_page = Page::parse(&sql::VEILED_TASKS, caller, ask, &mut veiled_fields);
        if !veiled_fields.is_clean() && !open_fields.is_clean() {
            fields.absorb(std::mem::take(&mut open_fields));
        }
        fields.done()?;
        let tenant = caller.tenant.id;
        let mut tx = self.db.read(caller).await?;
        let facts = self.plans.exam(&mut tx, tenant, &exam.exam).await?;
        let forms = self.plans.forms(&mut tx, tenant, &facts).await?;
        let mut world = World { tenant: Arc::clone(&caller.tenant), facts, forms, scheme: Scheme::default() };
        let places = world.places();
        let mut rows = Vec::new();
        let mut page = open_page;
        // A filter that only the open list has must not tell by an empty answer what it may not tell by rows.
        let is_for_one =
            !open_fields.is_clean() || !veiled_fields.is_clean() && request.page_token.is_empty();
        let (open, veiled) = (open_fields.done(), veiled_fields.done());
        if is_for_one {
            world.scheme = sql::scheme(&mut tx, tenant, &exam.exam).await?.unwrap_or_default();
        }
        if !world.scheme.anonymous {
            open?;
            if !places.forms.is_empty() {
                (world.scheme, rows) = sql::tasks(&mut tx, tenant, &exam.exam, &places, &page, false).await?;
            }
        }
        if world.scheme.anonymous {
            veiled?;
            page = veiled_page;
            if !places.forms.is_empty() {
                (world.scheme, rows) = sql::tasks(&mut tx, tenant, &exam.exam, &places, &page, true).await?;
            }
        }
        tx.commit().await?;
        let (rows, next_page_token) = page.finish(caller, rows, sql::task_key);
        let tasks = rows.iter().filter_map(|row| world.show(row).transpose()).collect::<Result<_>>()?;
        Ok(pb::ListGradingTasksResponse { tasks, next_page_token })
    }

    pub(super) async fn claim(
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
        Unit::once(&self.db, caller, &request_id, &request, async |unit| {
            let tenant = caller.tenant.id;
            // Who claims waits for whoever claims at the exam at this moment: a race for the same tasks would be lost by all
            // but one, though others wait.
            let scheme = sql::scheme_to_claim(unit.conn(), tenant, &exam.exam).await?;
            let scheme = scheme.ok_or_else(|| Error::NotFound(exam.to_string()))?;
            let world = self.world_of(unit.conn(), caller, &exam, scheme).await?;
            let mut places = world.places();
            if let Some(question) = question {
                places = only(places, &question.to_string());
            }
            let mut want = Want { grader: &grader, standing, veiled: world.scheme.anonymous, after: None };
            let (mut tasks, mut taken): (Vec<pb::GradingTask>, Vec<String>) = Default::default();
            // Mostly one turn; more where many positions were left blank.
            let mut more = !places.forms.is_empty();
            while more && tasks.len() < count {
                let rows = sql::claimable(unit.conn(), tenant, &exam.exam, &places, &want, LOOK).await?;
                more = rows.len() as i64 == LOOK;
                let mut waiting = Vec::new();
                for row in &rows {
                    if world.waits(row)? {
                        waiting.push(row);
                    }
                    want.after = Some(row.into());
                    if waiting.len() + tasks.len() == count {
                        more = true;
                        break;
                    }
                }
                let Some(first) = waiting.first() else { continue };
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
                        responses: claimed.responses,
                        marks: row.marks.clone(),
                        standing: Some(claimed.standing),
                        claimed_by: Some(grader.clone()),
                        claim_expires: Some(expires),
                        given: claimed.given,
                        lot: row.lot.clone(),
                        now: row.now,
                    };
                    let (attempt, position) = (row.attempt_id, row.position);
                    taken.push(TaskName { exam: exam.exam.clone(), attempt, position }.to_string());
                    tasks.extend(world.show(&row)?);
                }
            }
            if !tasks.is_empty() {
                unit.changed("grading.claimed", &exam, json!({ "grader": grader, "tasks": taken }));
            }
            Ok(pb::ClaimGradingTasksResponse { tasks })
        })
        .await
    }

    pub(super) async fn release(
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
        let mut names: Vec<Named> = Vec::new();
        for (i, name) in request.names.iter().take(100).enumerate() {
            let field = format!("names[{i}]");
            let name: Named = fields.take(&field, Named::parse(name, &caller.tenant));
            if !fields.has(&field) && name.task.exam != exam.exam {
                fields.bad(field, "is of another exam");
            }
            names.push(name);
        }
        fields.done()?;
        Unit::once(&self.db, caller, &request_id, &request, async |unit| {
            let tenant = caller.tenant.id;
            // One at a time, as claims are: the two meet at the same rows.
            let scheme = sql::scheme_to_claim(unit.conn(), tenant, &exam.exam).await?;
            let scheme = scheme.ok_or_else(|| Error::NotFound(exam.to_string()))?;
            names.iter().try_for_each(|name| name.check(caller, scheme.anonymous))?;
            let names: Vec<TaskName> = names.into_iter().map(|name| name.task).collect();
            let names = (!names.is_empty()).then_some(names.as_slice());
            let released = sql::release(unit.conn(), tenant, &exam.exam, &grader, names).await?;
            if released > 0 {
                unit.changed("grading.released", &exam, json!({ "grader": grader, "count": released }));
            }
            Ok(pb::ReleaseGradingTasksResponse { released_count: released as i32 })
        })
        .await
    }

    /// Everything about an exam that tasks are shown with.
    pub(super) async fn world(
        &self,
        conn: &mut PgConnection,
        caller: &Caller,
        exam: &ExamName,
    ) -> Result<World> {
        let scheme = sql::scheme(conn, caller.tenant.id, &exam.exam).await?;
        let scheme = scheme.ok_or_else(|| Error::NotFound(exam.to_string()))?;
        self.world_of(conn, caller, exam, scheme).await
    }

    async fn world_of(
        &self,
        conn: &mut PgConnection,
        caller: &Caller,
        exam: &ExamName,
        scheme: Scheme,
    ) -> Result<World> {
        let facts = self.plans.exam(conn, caller.tenant.id, &exam.exam).await?;
        let forms = self.plans.forms(conn, caller.tenant.id, &facts).await?;
        Ok(World { tenant: Arc::clone(&caller.tenant), facts, forms, scheme })
    }
}

/// An exam with its forms and its scheme.
pub(super) struct World {
    tenant: Arc<Tenant>,
    pub(super) facts: Arc<Facts>,
    pub(super) forms: Vec<Arc<CompiledForm>>,
    pub(super) scheme: Scheme,
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
        wire::show_task(&self.tenant, &self.facts.name, self.form(row)?, &self.scheme, row)
            .map_err(unreadable)
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
