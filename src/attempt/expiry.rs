//! The service keeps time by itself: a task finds open attempts whose time is over and ends them with what was saved.
//!
//! Every round looks at up to [`TENANTS`] tenants in turn, one transaction each, and ends up to [`ATTEMPTS`] attempts in
//! it. Several processes may do so at once: a row that one has locked is passed over by the others. This is not the hot
//! path, so each end leaves its audit row and its event `attempt.expired`.

use std::time::Duration;

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

/// The pause between two rounds.
const PAUSE: Duration = Duration::from_secs(1);
/// Tenants that one round looks at.
const TENANTS: i64 = 64;
/// Attempts of one tenant that one transaction ends.
const ATTEMPTS: i64 = 100;
/// The time that one transaction may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Ends overdue attempts until `stopping`. A failed round is logged and tried again.
pub async fn watch(db: Db, plans: Plans, stopping: CancellationToken) {
    let mut after = Uuid::nil();
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
        match round(&db, &plans, &mut after, &stopping).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "attempts whose time was over were ended"),
            // An unreachable database is reported by the health check already.
            Err(error) => tracing::debug!(?error, "overdue attempts could not be looked for"),
        }
    }
}

/// Looks at the tenants after `after`, which moves on and wraps; returns how many attempts were ended.
async fn round(db: &Db, plans: &Plans, after: &mut Uuid, stopping: &CancellationToken) -> Result<usize> {
    let mut tx = db.sweep(Instant::now() + PATIENCE).await?;
    let tenants = sql::tenants(&mut tx, *after, TENANTS).await?;
    tx.commit().await?;
    *after = if tenants.len() as i64 == TENANTS {
        tenants.last().copied().unwrap_or_default()
    } else {
        Uuid::nil()
    };
    let mut count = 0;
    for tenant in tenants {
        if stopping.is_cancelled() {
            break;
        }
        match end_overdue(db, plans, tenant).await {
            Ok(ended) => count += ended,
            Err(error) => tracing::warn!(tenant.id = %tenant, ?error, "overdue attempts could not be ended"),
        }
    }
    Ok(count)
}

/// Ends overdue attempts of one tenant, a bounded number of them; returns how many.
pub async fn end_overdue(db: &Db, plans: &Plans, tenant: Uuid) -> Result<usize> {
    let mut unit = db.own_work(tenant, "attempt/expiry", Instant::now() + PATIENCE).await?;
    let rows = sql::overdue(unit.conn(), tenant, LATE_WINDOW_S, ATTEMPTS).await?;
    if rows.is_empty() {
        unit.rollback().await?;
        return Ok(0);
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
    Ok(ended.len())
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
