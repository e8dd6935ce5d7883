//! The service purges by itself what was deleted long enough ago: a task that looks for tenants of which something is due
//! and purges up to [`BATCH`] resources of a kind in one transaction. Several processes may do so at once: a tenant that
//! one is at is passed over by the others.
//!
//! What something that is not deleted cites is brought back instead, and what only deleted things cite waits for them.

use std::time::Duration;

use serde_json::json;
use sqlx::{AssertSqlSafe, FromRow, PgConnection, QueryBuilder};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    db::{Db, Unit, run},
    error::Result,
};

use super::{
    Kind,
    sql::{Citing, Table},
};

/// The pause between two rounds.
const PAUSE: Duration = Duration::from_secs(5);
/// Tenants that one round looks at.
const TENANTS: i64 = 64;
/// Resources of one kind that one transaction purges.
pub const BATCH: i64 = 500;
/// The time that one transaction may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Purges what is due until `stopping`. A failed round is logged and tried again.
pub async fn watch(db: Db, stopping: CancellationToken) {
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
        match round(&db, &stopping).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "what was deleted long ago was purged"),
            // An unreachable database is reported by the health check already.
            Err(error) => tracing::debug!(?error, "what is to be purged could not be looked for"),
        }
    }
}

/// Purges of the tenants of which something is due, those that wait longest first; returns how many resources went.
pub async fn round(db: &Db, stopping: &CancellationToken) -> Result<usize> {
    let mut tx = db.sweep(Instant::now() + PATIENCE).await?;
    let mut query = QueryBuilder::new(
        "select tenant_id from tenant where purge_time <= now() order by purge_time limit ",
    );
    query.push_bind(TENANTS);
    let tenants: Vec<(Uuid,)> = run("purge_tenants", query.build_query_as().fetch_all(&mut *tx)).await?;
    tx.commit().await?;
    let mut count = 0;
    for (tenant,) in tenants {
        if stopping.is_cancelled() {
            break;
        }
        match purge(db, tenant).await {
            Ok(purged) => count += purged,
            Err(error) => {
                tracing::warn!(tenant.id = %tenant, ?error, "deleted resources could not be purged")
            }
        }
    }
    Ok(count)
}

/// Purges what is due of one tenant, a bounded number of each kind; returns how many resources were purged.
pub async fn purge(db: &Db, tenant: Uuid) -> Result<usize> {
    let mut unit = db.own_work(tenant, "lifecycle/purge", Instant::now() + PATIENCE).await?;
    // Whoever deletes writes this row too, so what it deletes is seen below or tells of itself after this.
    let mut query = QueryBuilder::new("select 1 from tenant where tenant_id = ");
    query.push_bind(tenant).push(" for no key update skip locked");
    let held: Option<(i32,)> = run("purge_hold", query.build_query_as().fetch_optional(unit.conn())).await?;
    if held.is_none() {
        unit.rollback().await?;
        return Ok(0);
    }
    let due = due_kinds(unit.conn(), tenant).await?;
    let (mut count, mut emptied) = (0, false);
    for kind in due {
        if kind == Kind::Bank {
            emptied = purge_questions_of_banks(unit.conn(), tenant).await?;
        }
        count += purge_kind(&mut unit, tenant, kind.table()).await?;
    }
    next_look(unit.conn(), tenant, count > 0 || emptied).await?;
    unit.commit(()).await?;
    Ok(count)
}

/// The kinds of which something is due, in the order in which they can be purged.
async fn due_kinds(conn: &mut PgConnection, tenant: Uuid) -> Result<Vec<Kind>> {
    let mut query = QueryBuilder::new("select ");
    for (i, kind) in Kind::ALL.into_iter().enumerate() {
        query.push(if i > 0 { ", " } else { "" });
        query.push("exists (select from ").push(kind.table().table).push(" x where x.tenant_id = ");
        query.push_bind(tenant).push(" and x.purge_time <= now())");
    }
    let due: Option<(bool, bool, bool, bool, bool)> =
        run("purge_due", query.build_query_as().fetch_optional(conn)).await?;
    let (a, b, c, d, e) = due.unwrap_or_default();
    Ok(Kind::ALL.into_iter().zip([a, b, c, d, e]).filter(|(_, due)| *due).map(|(kind, _)| kind).collect())
}

#[derive(FromRow)]
struct Due {
    keys: Vec<String>,
    name: String,
    /// Something that is not deleted cites it after all.
    is_cited: bool,
}

fn some_cite(query: &mut QueryBuilder<sqlx::Postgres>, table: &Table, only_live: bool) {
    query.push("(false");
    for Citing { from, live, .. } in table.citing {
        query.push(" or exists (select from ").push(*from);
        query.push(if only_live { " and " } else { "" }).push(if only_live { *live } else { "" }).push(")");
    }
    query.push(")");
}

async fn purge_kind(unit: &mut Unit, tenant: Uuid, table: &'static Table) -> Result<usize> {
    let mut query = QueryBuilder::new("select array[x.");
    query.push(table.keys.join(", x.")).push("]::text[] as keys, ").push(table.name).push(" as name, ");
    some_cite(&mut query, table, true);
    query.push(" as is_cited from ").push(table.table).push(" x where x.tenant_id = ").push_bind(tenant);
    query.push(" and x.purge_time <= now() and (");
    some_cite(&mut query, table, true);
    query.push(" or not ");
    some_cite(&mut query, table, false);
    if table.table == "bank" {
        query.push(" and not exists (select from question q where q.tenant_id = x.tenant_id and q.bank_id = x.bank_id)");
    }
    query.push(") order by x.purge_time limit ").push_bind(BATCH).push(" for update of x skip locked");
    let rows: Vec<Due> = run("purge_select", query.build_query_as().fetch_all(unit.conn())).await?;
    let (back, gone): (Vec<Due>, Vec<Due>) = rows.into_iter().partition(|row| row.is_cited);
    for row in &gone {
        unit.changed(table.purged, &row.name, json!({}));
    }
    for row in &back {
        unit.changed(table.events[1], &row.name, json!({ "reason": "it is cited" }));
    }
    let columns = |rows: &[Due]| -> Vec<Vec<String>> {
        (0..table.keys.len()).map(|i| rows.iter().filter_map(|r| r.keys.get(i).cloned()).collect()).collect()
    };
    if !gone.is_empty() {
        for statement in table.purge {
            let mut query = sqlx::query(*statement).bind(tenant);
            for column in columns(&gone) {
                query = query.bind(column);
            }
            run("purge_delete", query.execute(unit.conn())).await?;
        }
    }
    if !back.is_empty() {
        let keys: Vec<String> =
            (1..=table.keys.len()).map(|i| format!("unnest(${}::text[])", i + 1)).collect();
        let statement = format!(
            "update {} x set delete_time = null, purge_time = null where x.tenant_id = $1 and (x.{}) in (select {})",
            table.table,
            table.keys.join(", x."),
            keys.join(", ")
        );
        let mut query = sqlx::query(AssertSqlSafe(statement)).bind(tenant);
        for column in columns(&back) {
            query = query.bind(column);
        }
        run("purge_restore", query.execute(unit.conn())).await?;
    }
    Ok(gone.len())
}

/// Purges questions of banks that are due, a batch of them: a bank goes when it is empty.
async fn purge_questions_of_banks(conn: &mut PgConnection, tenant: Uuid) -> Result<bool> {
    let mut query = QueryBuilder::new("select q.bank_id, q.question_id from bank x ");
    query.push("join question q on q.tenant_id = x.tenant_id and q.bank_id = x.bank_id where x.tenant_id = ");
    query.push_bind(tenant).push(" and x.purge_time <= now() and not ");
    some_cite(&mut query, Kind::Bank.table(), false);
    query.push(" limit ").push_bind(BATCH * 4).push(" for update of q skip locked");
    let rows: Vec<(String, String)> =
        run("purge_bank_questions", query.build_query_as().fetch_all(&mut *conn)).await?;
    if rows.is_empty() {
        return Ok(false);
    }
    let (banks, questions): (Vec<String>, Vec<String>) = rows.into_iter().unzip();
    for statement in Kind::Question.table().purge {
        run(
            "purge_delete",
            sqlx::query(*statement).bind(tenant).bind(&banks).bind(&questions).execute(&mut *conn),
        )
        .await?;
    }
    Ok(true)
}

/// Says when the tenant is to be looked at again: when the next one is due, and where nothing of what is due could go,
/// not for a while, so that such tenants do not stand before the others.
async fn next_look(conn: &mut PgConnection, tenant: Uuid, went_on: bool) -> Result<()> {
    let mut query = QueryBuilder::new("update tenant set purge_time = ");
    query.push(match went_on {
        true => "(select min(p) from (",
        // Not `greatest` alone, which passes over nulls: nothing due is nothing to look for.
        false => {
            "(select case when min(p) is not null then greatest(min(p), now() + interval '1 hour') end from ("
        }
    });
    for (i, kind) in Kind::ALL.into_iter().enumerate() {
        query.push(if i > 0 { " union all " } else { "" });
        query.push("select min(x.purge_time) as p from ").push(kind.table().table);
        query.push(" x where x.tenant_id = ").push_bind(tenant).push(" and x.purge_time is not null");
    }
    query.push(") due) where tenant_id = ").push_bind(tenant);
    run("purge_next", query.build().execute(conn)).await?;
    Ok(())
}
