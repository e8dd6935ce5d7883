//! The steps of a regrade, carried by an operation.
//!
//! A step locks the next attempts in the order of submission, changes marks, keeps the old ones, and moves the cursor, all
//! in one transaction: it can stop after any step and go on in any process, and holds no more than one step in memory.
//! Steps are as large as fit into a short time, because whoever grades or voids one of these attempts waits for the step.

use std::{sync::Arc, time::Duration};

use prost_types::Any;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    attempt::plans::Plans,
    db::Unit,
    error::{Error, Result},
    operation::{
        carry::{Step, Steps, Work},
        noun::Kind,
    },
    pb,
    points::Points,
};

use super::{
    regrade_sql::{self as sql, RegradeRow},
    revision_sql::{Revised, Why, revise},
    sheet::Recipes,
    wire,
};

/// Attempts a step: at first, the fewest and the most.
const CHUNK: (i64, i64, i64) = (500, 125, 2_000);
/// How long a step should take: below, the next is larger, beyond, smaller.
const BRISK: (Duration, Duration) = (Duration::from_millis(250), Duration::from_millis(750));
/// The method that stands in the record of the marks, also after a resumption.
const METHOD: &str = "GradingService/RegradeExam";

/// The work of regrades, for the one who carries operations.
pub fn work(plans: Plans) -> Arc<dyn Work> {
    Arc::new(Regrades { plans })
}

#[derive(Debug)]
struct Regrades {
    plans: Plans,
}

/// A regrade under way; what changes with each step is read anew in it.
#[derive(Debug)]
struct UnderWay {
    tenant: Uuid,
    row: RegradeRow,
    recipes: Recipes,
    chunk: i64,
    full: bool,
}

#[tonic::async_trait]
impl Work for Regrades {
    fn kind(&self) -> Kind {
        Kind::Regrade
    }

    async fn begin(&self, conn: &mut PgConnection, tenant: Uuid, operation: Uuid) -> Result<Box<dyn Steps>> {
        let row = sql::regrade_of(conn, tenant, operation).await?;
        let mut row =
            row.ok_or(Error::Internal("an operation carries a regrade that is not there".into()))?;
        let facts = self.plans.exam(conn, tenant, &row.name().exam).await?;
        // The versions were pinned when it was started, and a version never changes: these are the same rules.
        let recipes =
            Recipes::compile(conn, &self.plans, tenant, &facts, &mut row.rules.0, row.never_lower).await?;
        Ok(Box::new(UnderWay { tenant, row, recipes, chunk: CHUNK.0, full: false }))
    }
}

#[tonic::async_trait]
impl Steps for UnderWay {
    async fn step(&mut self, unit: &mut Unit) -> Result<Step> {
        let (tenant, row) = (self.tenant, &self.row);
        let name = row.name();
        let standing = sql::standing(unit.conn(), tenant, row.regrade_id).await?;
        let standing = standing.ok_or(Error::Internal("a regrade is gone".into()))?;
        let cursor = standing.cursor();
        let sheets = sql::lock_sheets(unit.conn(), tenant, &name.exam, cursor, self.chunk).await?;
        let (mut counts, standards) = (standing.counts(), standing.standards());
        let mut revised = Vec::new();
        let regrade = name.to_string();
        for sheet in &sheets {
            let Some(changed) = self.recipes.judge(&mut counts, &standards, sheet)? else { continue };
            let state = if changed.sum.waits { "awaiting_grading" } else { "scored" };
            unit.changed(
                "result.regraded",
                format!("exams/{}/attempts/{}/result", name.exam, sheet.attempt_id),
                json!({
                    "revision": sheet.revision + 1, "regrade": &regrade, "reason": &row.reason,
                    "score_before": changed.turn.old, "score_after": changed.turn.new,
                    "awaiting_before": Points::new(sheet.awaiting), "awaiting_after": changed.sum.awaiting,
                    "passed_before": changed.turn.old_passed, "passed_after": changed.turn.new_passed,
                    "state": state,
                }),
            );
            revised.push(Revised {
                attempt: sheet.attempt_id,
                revision: sheet.revision,
                state: if changed.sum.waits { 2 } else { 1 },
                score: changed.sum.score.decimal(),
                awaiting: changed.sum.awaiting.decimal(),
                marks: changed.marks,
            });
        }
        if !revised.is_empty() {
            let reason = format!("{regrade}: {}", row.reason);
            let why = Why { actor: &row.actor, method: METHOD, reason: &reason };
            if revise(unit.conn(), tenant, why, &revised).await? != revised.len() as u64 {
                return Err(Error::Collision);
            }
        }
        self.full = sheets.len() as i64 == self.chunk;
        let cursor = sheets.last().map_or(cursor, |last| (last.submit_time, last.attempt_id));
        sql::advance(unit.conn(), tenant, row.regrade_id, cursor, &counts).await?;
        let now = RegradeRow { update_time: standing.now, ..row.with(&counts) };
        let progress = progress(&now);
        if self.full {
            return Ok(Step::More { progress });
        }
        unit.changed(
            "exam.regraded",
            format!("exams/{}", name.exam),
            json!({ "regrade": regrade, "examined": counts.examined, "changed": counts.changed }),
        );
        let done = RegradeRow { state: "done".to_owned(), ..now };
        Ok(Step::Done { progress, response: pb::any("Regrade", &wire::show_regrade(&done)) })
    }

    fn took(&mut self, time: Duration) {
        if self.full && time < BRISK.0 {
            self.chunk = (self.chunk * 2).min(CHUNK.2);
        } else if time > BRISK.1 {
            self.chunk = (self.chunk / 2).max(CHUNK.1);
        }
    }
}

/// How far a regrade is, as its operation tells it.
pub(super) fn progress(row: &RegradeRow) -> Any {
    pb::any("RegradeProgress", &wire::show_progress(row))
}
