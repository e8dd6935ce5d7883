//! One mark by one person.
//!
//! It is given under the lock of its attempt, so that it meets neither another mark nor a regrade half way.

use serde_json::json;
use sqlx::types::Json;

use crate::{
    attempt::{packed, response::Mark},
    auth::Caller,
    db::Unit,
    door::Fields,
    error::{Error, Result},
    exam::standard::Standards,
    ids::AttemptName,
    pb,
    points::Points,
    scoring::score::Key as SlotKey,
};

use super::{
    name::Named,
    regrade::{Turn, sum},
    revision_sql::{Revised, Why, revise},
    rpc::{Grading, grader, unreadable},
    sql::{self, TaskRow},
    task::{self, Given, Standing},
    wire,
};

impl Grading {
    pub(super) async fn grade(
        &self,
        caller: &Caller,
        request: pb::GradeResponseRequest,
    ) -> Result<pb::GradingTask> {
        let mut fields = Fields::default();
        let named: Named = fields.take("name", Named::parse(&request.name, &caller.tenant));
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
        Unit::once(&self.db, caller, &request_id, &request, async |unit| {
            let tenant = caller.tenant.id;
            let name = &named.task;
            let absent = || Error::NotFound(named.text.clone());
            // Before the attempt, as whoever changes the scheme locks them.
            let scheme = sql::scheme_to_mark(unit.conn(), tenant, &name.exam).await?.ok_or_else(absent)?;
            named.check(caller, scheme.anonymous)?;
            let attempt = AttemptName { exam: name.exam.clone(), attempt: name.attempt };
            let row = sql::lock_attempt(unit.conn(), tenant, &attempt).await?.ok_or_else(absent)?;
            let stored = sql::lock_grading(unit.conn(), tenant, name).await?;
            let now = sql::now(unit.conn()).await?;
            let facts = self.plans.exam(unit.conn(), tenant, &name.exam).await?;
            let form = self.plans.form(unit.conn(), tenant, &facts, row.form as usize).await?;
            let slots = form.plan.slots();
            let at =
                usize::try_from(name.position - 1).ok().filter(|at| *at < slots.len()).ok_or_else(absent)?;
            let slot = slots.get(at).filter(|s| matches!(s.key, SlotKey::Person(_))).ok_or_else(absent)?;
            let mut marks = packed::unpack_marks(&row.marks, slots.len()).map_err(unreadable)?;

            let refused = |reason, message: String| Err(Error::refused(reason, named.text.clone(), message));
            let waits = marks[at] == Mark::Awaiting;
            if !waits && (!request.overrule || marks[at] == Mark::NotAnswered) {
                return refused("TASK_NOT_WAITING", format!("{} does not wait for a grader", named.text));
            }
            let (claimed_by, claim_expires) =
                stored.as_ref().map(|s| (s.claimed_by.as_deref(), s.claim_expires)).unwrap_or_default();
            if let Some(other) = claimed_by.filter(|c| *c != grader && claim_expires.is_some_and(|t| t > now))
            {
                return refused("TASK_CLAIMED", format!("{} is claimed by {other:?}", named.text));
            }
            let mut given = stored.map(|s| s.given.0).unwrap_or_default();
            if !request.overrule && given.iter().any(|g| g.grader == grader) {
                return refused(
                    "SAME_GRADER",
                    format!("{grader:?} has marked {} before; another must", named.text),
                );
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
            sql::store_given(unit.conn(), tenant, name, row.form, standing.code(), &given).await?;
            unit.changed("response.marked", name, json!({ "grader": grader, "marks": given.len() }));

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
                if revise(unit.conn(), tenant, why, &[revised]).await? != 1 {
                    return Err(Error::Collision);
                }
                let before = (Points::new(row.score), Points::new(row.awaiting));
                let standards = Standards::stored(row.pass_mark, row.pass_percent, Vec::new());
                let turn = Turn::new(&standards, form.plan.max(), before, (now.score, now.awaiting));
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
                lot: String::new(),
                now,
            };
            let task =
                wire::show_task(&caller.tenant, &facts.name, &form, &scheme, &row).map_err(unreadable)?;
            task.ok_or(Error::Internal("a marked response is no task".into()))
        })
        .await
    }
}
