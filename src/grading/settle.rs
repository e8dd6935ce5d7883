//! What a changed scheme means for responses that people have begun to mark: whoever has all the marks that are wanted now
//! waits for nobody. What has its mark keeps it, whatever the scheme wants now.

use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    attempt::{packed, plans::CompiledForm, plans::Plans, response::Mark},
    auth::Caller,
    db::Unit,
    error::{Error, Result},
    exam::{sql::Facts, standard::Standards},
    ids::ExamName,
    points::Points,
};

use super::{
    regrade::{Turn, sum},
    revision_sql::{Revised, Why, revise},
    rpc::unreadable,
    sql::{self, HalfMarked},
    task::{self, Scheme, Standing},
};

/// Responses that are looked at in one go.
const CHUNK: i64 = 500;

/// One attempt of which responses get their marks.
#[derive(Debug)]
struct Settled {
    revised: Revised,
    positions: Vec<i32>,
    turn: Turn,
    awaiting: (Points, Points),
}

/// Gives every response at an exam that was marked, and waits for another marker, the mark that it has by the scheme as it
/// is now; how many. The caller has locked the scheme.
pub(super) async fn settle(
    unit: &mut Unit,
    plans: &Plans,
    caller: &Caller,
    exam: &ExamName,
    scheme: &Scheme,
) -> Result<i64> {
    let tenant = caller.tenant.id;
    let facts = plans.exam(unit.conn(), tenant, &exam.exam).await?;
    let actor = format!("apiKeys/{}", caller.key);
    let (mut after, mut count) = ((Uuid::nil(), 0), 0);
    loop {
        // In chunks, so that memory is bounded; all in the one transaction of the scheme.
        let rows = sql::half_marked(unit.conn(), tenant, &exam.exam, after, CHUNK).await?;
        let Some(last) = rows.last() else { return Ok(count) };
        after = (last.attempt_id, last.position);
        let full = rows.len() as i64 == CHUNK;
        let settled = decide(unit.conn(), plans, tenant, &facts, scheme, &rows).await?;
        if !settled.is_empty() {
            let places = settled.iter().flat_map(|s| s.positions.iter().map(|at| (s.revised.attempt, *at)));
            sql::store_settled(unit.conn(), tenant, &places.collect::<Vec<_>>()).await?;
            let why = Why {
                actor: &actor,
                method: &caller.method,
                reason: "the grading scheme wants no further marker",
            };
            let revised: Vec<Revised> = settled.iter().map(|s| s.revised.clone()).collect();
            if revise(unit.conn(), tenant, why, &revised).await? != revised.len() as u64 {
                return Err(Error::Collision);
            }
        }
        for one in settled {
            count += one.positions.len() as i64;
            unit.changed(
                "result.graded",
                format!("{exam}/attempts/{}/result", one.revised.attempt),
                json!({
                    "revision": one.revised.revision + 1, "positions": one.positions,
                    "score_before": one.turn.old, "score_after": one.turn.new,
                    "awaiting_before": one.awaiting.0, "awaiting_after": one.awaiting.1,
                    "passed_before": one.turn.old_passed, "passed_after": one.turn.new_passed,
                    "state": if one.revised.state == 2 { "awaiting_grading" } else { "scored" },
                }),
            );
        }
        if !full {
            return Ok(count);
        }
    }
}

/// What becomes of the attempts of these rows, which stand together.
async fn decide(
    conn: &mut PgConnection,
    plans: &Plans,
    tenant: Uuid,
    facts: &Facts,
    scheme: &Scheme,
    rows: &[HalfMarked],
) -> Result<Vec<Settled>> {
    let mut settled = Vec::new();
    for rows in rows.chunk_by(|a, b| a.attempt_id == b.attempt_id) {
        let Some(first) = rows.first() else { continue };
        let form = plans.form(conn, tenant, facts, first.form as usize).await?;
        settled.extend(of_attempt(&form, scheme, first, rows)?);
    }
    Ok(settled)
}

fn of_attempt(
    form: &CompiledForm,
    scheme: &Scheme,
    first: &HalfMarked,
    rows: &[HalfMarked],
) -> Result<Option<Settled>> {
    let mut marks = packed::unpack_marks(&first.marks, form.plan.slots().len()).map_err(unreadable)?;
    let mut positions = Vec::new();
    for row in rows {
        let standing =
            task::decide(scheme.marker_count, scheme.tolerance, form.plan.rounding(), &row.given.0);
        // A regrade may have given the mark in between: then nothing waits there.
        let mark = marks.get_mut(row.position as usize - 1).filter(|mark| **mark == Mark::Awaiting);
        if let (Standing::Graded(points), Some(mark)) = (standing, mark) {
            *mark = Mark::Scored(points);
            positions.push(row.position);
        }
    }
    if positions.is_empty() {
        return Ok(None);
    }
    let now = sum(&form.plan, &marks);
    let before = (Points::new(first.score), Points::new(first.awaiting));
    let standards = Standards::stored(first.pass_mark, first.pass_percent, Vec::new());
    Ok(Some(Settled {
        revised: Revised {
            attempt: first.attempt_id,
            revision: first.revision,
            state: if now.waits { 2 } else { 1 },
            score: now.score.decimal(),
            awaiting: now.awaiting.decimal(),
            marks: packed::pack_marks(&marks),
        },
        positions,
        turn: Turn::new(&standards, form.plan.max(), before, (now.score, now.awaiting)),
        awaiting: (before.1, now.awaiting),
    }))
}
