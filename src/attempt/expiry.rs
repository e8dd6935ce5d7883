//! The service keeps time by itself: a task finds open attempts whose time is over and ends them with what was saved.
//!
//! One call a second finds the tenants that have any, of all there are (seldomer where they are so many that the look takes
//! long); then each of them has its turn,
//! a few at a time, one transaction and up to [`ATTEMPTS`] attempts in it, until nobody has any more. Several processes
//! may do so at once: a row that one has locked is passed over by the others. This is not the hot path, so each end leaves
//! its audit row and its event `attempt.expired`.

use std::{collections::HashMap, time::Duration};

use futures_util::{StreamExt, stream};
use serde_json::json;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    db::Db,
    error::Result,
    ids::{AttemptName, ExamId},
};

use super::{
    ending::{self, By, unpack},
    plans::Plans,
    sitting::LATE_WINDOW_S,
    sql::{self, AttemptRow, Ended},
};

/// The pause between two looks.
const PAUSE: Duration = Duration::from_secs(1);
/// Attempts of one tenant that one transaction ends.
const ATTEMPTS: i64 = 100;
/// Tenants that have their turn at once; each uses one connection.
const AT_ONCE: usize = 2;
/// The time that one transaction may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest for which a tenant is not looked at whose attempts have time beyond their own: it may be taken from them.
const LATER: Duration = Duration::from_secs(5);

/// What a turn came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// So many attempts were ended, and there may be more.
    More(usize),
    /// So many were ended, and the next ones have their time for so long.
    Done(usize, Duration),
}

/// Ends overdue attempts until `stopping`. A failed round is logged and tried again.
pub async fn watch(db: Db, plans: Plans, stopping: CancellationToken) {
    let mut later = HashMap::new();
    let mut pause = PAUSE;
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        match round(&db, &plans, &mut later, &mut pause, &stopping).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "attempts whose time was over were ended"),
            // An unreachable database is reported by the health check already.
            Err(error) => tracing::debug!(?error, "overdue attempts could not be looked for"),
        }
    }
}

/// Ends what is overdue; returns how many. `later` holds the tenants that need no look before some moment;
/// `pause` becomes that to the next round.
async fn round(
    db: &Db,
    plans: &Plans,
    later: &mut HashMap<Uuid, Instant>,
    pause: &mut Duration,
    stopping: &CancellationToken,
) -> Result<usize> {
    let mut tx = db.sweep(Instant::now() + PATIENCE).await?;
    let begun = Instant::now();
    let due = sql::due(&mut tx).await?;
    tx.commit().await?;
    let now = Instant::now();
    // The look takes a fifth of the time at most.
    *pause = PAUSE.max((now - begun) * 4);
    later.retain(|_, until| *until > now);
    let mut turn: Vec<Uuid> = due.into_iter().filter(|tenant| !later.contains_key(tenant)).collect();
    let mut count = 0;
    // Nobody has a second turn before everybody had one.
    while !turn.is_empty() && !stopping.is_cancelled() {
        let turns = stream::iter(turn).map(async |tenant| {
            if stopping.is_cancelled() {
                return (tenant, Ok(Turn::Done(0, Duration::ZERO)));
            }
            (tenant, end_overdue(db, plans, tenant).await)
        });
        let came: Vec<(Uuid, Result<Turn>)> = turns.buffer_unordered(AT_ONCE).collect().await;
        turn = Vec::new();
        for (tenant, came) in came {
            match came {
                Ok(Turn::More(ended)) => {
                    count += ended;
                    turn.push(tenant);
                }
                Ok(Turn::Done(ended, wait)) => {
                    count += ended;
                    later.insert(tenant, Instant::now() + wait);
                }
                Err(error) => {
                    tracing::warn!(tenant.id = %tenant, ?error, "overdue attempts could not be ended");
                }
            }
        }
    }
    Ok(count)
}

/// Ends overdue attempts of one tenant, a bounded number of them.
pub async fn end_overdue(db: &Db, plans: &Plans, tenant: Uuid) -> Result<Turn> {
    let mut unit = db.own_work(tenant, "attempt/expiry", Instant::now() + PATIENCE).await?;
    let rows = sql::overdue(unit.conn(), tenant, LATE_WINDOW_S, ATTEMPTS).await?;
    if rows.is_empty() {
        // What is over and not there is locked by somebody, who ends it or lets go of it soon.
        let left = sql::until_overdue(unit.conn(), tenant, LATE_WINDOW_S).await?;
        unit.rollback().await?;
        let wait =
            left.map_or(Duration::ZERO, |left| Duration::from_secs_f64(left.clamp(0.0, LATER.as_secs_f64())));
        return Ok(Turn::Done(0, wait));
    }
    let mut ended = Vec::with_capacity(rows.len());
    for row in &rows {
        match end_one(unit.conn(), plans, tenant, row).await {
            Ok(end) => ended.push(end),
            // One that cannot be read must not keep the others open.
            Err(error) => {
                tracing::error!(attempt.id = %row.attempt_id, ?error, "an overdue attempt stays open")
            }
        }
    }
    sql::end(unit.conn(), tenant, &ended).await?;
    for end in &ended {
        if let Some(row) = rows.iter().find(|r| r.attempt_id == end.attempt) {
            unit.changed("attempt.expired", name(row), json!({ "answered": end.answered }));
        }
    }
    unit.commit(()).await?;
    Ok(match ended.len() {
        // Where none could be ended, another turn would come to the same.
        0 => Turn::Done(0, LATER),
        count if rows.len() as i64 == ATTEMPTS => Turn::More(count),
        count => Turn::Done(count, Duration::ZERO),
    })
}

async fn end_one(
    conn: &mut sqlx::PgConnection,
    plans: &Plans,
    tenant: Uuid,
    row: &AttemptRow,
) -> Result<Ended> {
    let facts = plans.exam(conn, tenant, &name(row).exam).await?;
    let form = plans.form(conn, tenant, &facts, row.form as usize).await?;
    ending::end(row, &form, &unpack(row, &form)?, By::Time)
}

fn name(row: &AttemptRow) -> AttemptName {
    AttemptName { exam: ExamId::stored(row.exam_id.clone()), attempt: row.attempt_id }
}
