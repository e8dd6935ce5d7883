//! Every statement about operations.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use crate::{
    db::run,
    error::Result,
    filter::{Field, FieldType},
    ids::OperationName,
    page::{Listing, Order, Page},
    place::Place,
};

use super::noun::{End, Kind};

/// An operation that begins.
#[derive(Clone, Copy, Debug)]
pub struct New<'a> {
    /// Its id.
    pub id: Uuid,
    /// What kind of work.
    pub kind: Kind,
    /// The resource that tells the detail.
    pub target: &'a str,
    /// No two running ones of the kind share it.
    pub alone: Option<&'a str>,
    /// Who asked.
    pub actor: &'a str,
    /// By which method.
    pub method: &'a str,
    /// The encoded `Any` that tells how far it is.
    pub progress: &'a [u8],
    /// The run that carries it.
    pub holder: Uuid,
    /// For how long at first.
    pub lease: Duration,
}

/// Stores an operation that begins. A violation of the constraint [`ALONE`] says that another one runs.
pub async fn insert(conn: &mut PgConnection, tenant: Uuid, new: New<'_>) -> Result<(), sqlx::Error> {
    run(
        "operation_insert",
        sqlx::query!(
            "insert into operation (tenant_id, operation_id, kind, target, alone, actor, method, progress, holder, lease_until)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, now() + $10 * interval '1 second')",
            tenant,
            new.id,
            new.kind.as_str(),
            new.target,
            new.alone,
            new.actor,
            new.method,
            new.progress,
            new.holder,
            new.lease.as_secs_f64(),
        )
        .execute(conn),
    )
    .await?;
    Ok(())
}

/// The constraint that lets one operation of a kind run at a time.
pub const ALONE: &str = "operation_alone";

/// An operation as stored.
#[derive(Clone, Debug, FromRow)]
#[expect(missing_docs, reason = "columns are described in the migration")]
pub struct OperationRow {
    pub operation_id: Uuid,
    pub kind: String,
    pub target: String,
    pub state: String,
    pub progress: Vec<u8>,
    pub response: Option<Vec<u8>>,
    pub error_code: i32,
    pub error_reason: String,
    pub error: String,
    pub create_time: DateTime<Utc>,
}

impl OperationRow {
    /// Its name.
    pub fn name(&self) -> OperationName {
        OperationName { operation: self.operation_id }
    }

    /// Whether it has come to its end.
    pub fn is_done(&self) -> bool {
        self.state != "running"
    }
}

const COLUMNS: &str = "select o.operation_id, o.kind, o.target, o.state, o.progress, o.response, o.error_code, o.error_reason, \
    o.error, o.create_time from operation o where o.hide_time is null and o.tenant_id = ";

/// An operation; locked until the transaction ends where that is asked for, after the step under way.
pub async fn operation(
    conn: &mut PgConnection,
    tenant: Uuid,
    operation: Uuid,
    lock: bool,
) -> Result<Option<OperationRow>, sqlx::Error> {
    let mut query = QueryBuilder::<Postgres>::new(COLUMNS);
    query.push_bind(tenant).push(" and o.operation_id = ").push_bind(operation);
    query.push(if lock { " for update" } else { "" });
    run("operation", query.build_query_as().fetch_optional(conn)).await
}

/// What ListOperations offers.
pub static OPERATIONS: Listing = Listing {
    method: "ListOperations",
    fields: &[
        Field { name: "done", sql: "(o.state <> 'running')", ty: FieldType::Bool },
        Field { name: "kind", sql: "o.kind", ty: FieldType::Word("", &["regrade"]) },
        Field {
            name: "state",
            sql: "o.state",
            ty: FieldType::Word("", &["running", "done", "cancelled", "failed"]),
        },
        Field { name: "target", sql: "o.target", ty: FieldType::Exact },
        Field { name: "create_time", sql: "o.create_time", ty: FieldType::Time },
    ],
    orders: &[Order { name: "create_time", sql: "o.create_time" }],
    tie: &["o.operation_id"],
    newest_first: true,
};

/// A page of operations.
pub async fn operations(conn: &mut PgConnection, tenant: Uuid, page: &Page) -> Result<Vec<OperationRow>> {
    let mut query = QueryBuilder::<Postgres>::new(COLUMNS);
    query.push_bind(tenant);
    page.rows("operation_list", conn, tenant, &Place::Anywhere, query).await
}

/// Locks an operation that this run still carries; false where it has ended or another run has it.
pub async fn hold(
    conn: &mut PgConnection,
    tenant: Uuid,
    operation: Uuid,
    holder: Uuid,
) -> Result<bool, sqlx::Error> {
    let row = run(
        "operation_hold",
        sqlx::query_scalar!(
            "select operation_id from operation
             where tenant_id = $1 and operation_id = $2 and state = 'running' and holder = $3 for update",
            tenant,
            operation,
            holder,
        )
        .fetch_optional(conn),
    )
    .await?;
    Ok(row.is_some())
}

/// Stores how far an operation has come, and that its run goes on for so long from the start of the transaction. The
/// caller holds it.
pub async fn advance(
    conn: &mut PgConnection,
    tenant: Uuid,
    operation: Uuid,
    progress: &[u8],
    lease: Duration,
) -> Result<(), sqlx::Error> {
    run(
        "operation_advance",
        sqlx::query!(
            "update operation
             set progress = $3, lease_until = now() + $4 * interval '1 second', update_time = now()
             where tenant_id = $1 and operation_id = $2",
            tenant,
            operation,
            progress,
            lease.as_secs_f64(),
        )
        .execute(conn),
    )
    .await?;
    Ok(())
}

/// Ends an operation that the caller has locked.
pub async fn end(
    conn: &mut PgConnection,
    tenant: Uuid,
    operation: Uuid,
    end: &End,
) -> Result<(), sqlx::Error> {
    let (state, progress, response, code, reason, message) = match end {
        End::Done { progress, response } => ("done", Some(progress), Some(response), 0, "", ""),
        End::Stopped { state, code, reason, message } => {
            (*state, None, None, *code as i32, reason.as_str(), message.as_str())
        }
    };
    run(
        "operation_end",
        sqlx::query!(
            "update operation
             set state = $3, progress = coalesce($4, progress), response = $5, error_code = $6, error_reason = $7,
                error = $8, lease_until = now(), update_time = now(), end_time = now()
             where tenant_id = $1 and operation_id = $2",
            tenant,
            operation,
            state,
            progress as _,
            response as _,
            code,
            reason,
            message,
        )
        .execute(conn),
    )
    .await?;
    Ok(())
}

/// Takes an operation that is done out of sight; false where somebody else did before.
pub async fn hide(conn: &mut PgConnection, tenant: Uuid, operation: Uuid) -> Result<bool, sqlx::Error> {
    let done = run(
        "operation_hide",
        sqlx::query!(
            "update operation set hide_time = now()
             where tenant_id = $1 and operation_id = $2 and end_time is not null and hide_time is null",
            tenant,
            operation,
        )
        .execute(conn),
    )
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Lets an operation go that this run carries, so that any other may take it over at once.
pub async fn let_go(
    conn: &mut PgConnection,
    tenant: Uuid,
    operation: Uuid,
    holder: Uuid,
) -> Result<(), sqlx::Error> {
    run(
        "operation_let_go",
        sqlx::query!(
            "update operation set lease_until = now()
             where tenant_id = $1 and operation_id = $2 and state = 'running' and holder = $3",
            tenant,
            operation,
            holder,
        )
        .execute(conn),
    )
    .await?;
    Ok(())
}

/// Running operations of these kinds whose run is silent, of every tenant: for a transaction that sweeps.
pub async fn abandoned(
    conn: &mut PgConnection,
    kinds: &[String],
    limit: i64,
) -> Result<Vec<(Uuid, Uuid)>, sqlx::Error> {
    let rows = run(
        "operation_abandoned",
        sqlx::query!(
            "select tenant_id, operation_id from operation
             where state = 'running' and lease_until <= now() and kind = any($1) order by lease_until limit $2",
            kinds,
            limit,
        )
        .fetch_all(conn),
    )
    .await?;
    Ok(rows.into_iter().map(|r| (r.tenant_id, r.operation_id)).collect())
}

/// What a run must know of the operation that it takes over.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "columns are described in the migration")]
pub struct Taken {
    pub kind: String,
    pub actor: String,
    pub method: String,
}

/// Takes over an operation whose run is silent. Whoever comes second gets nothing, and neither does who comes while a
/// step is under way.
pub async fn take_over(
    conn: &mut PgConnection,
    tenant: Uuid,
    operation: Uuid,
    holder: Uuid,
    lease: Duration,
) -> Result<Option<Taken>, sqlx::Error> {
    run(
        "operation_take_over",
        sqlx::query_as!(
            Taken,
            "update operation set holder = $3, lease_until = now() + $4 * interval '1 second'
             where tenant_id = $1 and operation_id = (
                select operation_id from operation
                where tenant_id = $1 and operation_id = $2 and state = 'running' and lease_until <= now()
                for update skip locked
             )
             returning kind, actor, method",
            tenant,
            operation,
            holder,
            lease.as_secs_f64(),
        )
        .fetch_optional(conn),
    )
    .await
}
