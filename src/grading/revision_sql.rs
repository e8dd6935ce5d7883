//! Every statement about marks that change: the old ones are kept in the same statement that writes the new.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use crate::{
    db::run,
    error::Result,
    ids::AttemptName,
    page::{Listing, Order, Page},
};

/// New marks of an attempt that is locked.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "columns are described in the migration")]
pub struct Revised {
    pub attempt: Uuid,
    /// The revision that is replaced.
    pub revision: i32,
    pub state: i16,
    pub score: Decimal,
    pub awaiting: Decimal,
    pub marks: Vec<u8>,
}

/// Why marks change.
#[derive(Clone, Copy, Debug)]
pub struct Why<'a> {
    /// apiKeys/{api_key}
    pub actor: &'a str,
    /// The call.
    pub method: &'a str,
    /// The reason.
    pub reason: &'a str,
}

/// Replaces the marks of attempts and keeps the old ones, in one statement; how many were replaced. The caller has
/// locked the attempts; one that is of another revision all the same is left alone.
pub async fn revise(
    conn: &mut PgConnection,
    tenant: Uuid,
    why: Why<'_>,
    revised: &[Revised],
) -> Result<u64, sqlx::Error> {
    let attempts: Vec<Uuid> = revised.iter().map(|r| r.attempt).collect();
    let revisions: Vec<i32> = revised.iter().map(|r| r.revision).collect();
    let states: Vec<i16> = revised.iter().map(|r| r.state).collect();
    let scores: Vec<Decimal> = revised.iter().map(|r| r.score).collect();
    let awaiting: Vec<Decimal> = revised.iter().map(|r| r.awaiting).collect();
    let marks: Vec<&[u8]> = revised.iter().map(|r| r.marks.as_slice()).collect();
    let done = run(
        "mark_revise",
        sqlx::query!(
            "with n as (
                select * from unnest($5::uuid[], $6::int4[], $7::int2[], $8::numeric[], $9::numeric[], $10::bytea[])
                    as n (attempt, revision, state, score, awaiting, marks)
             ), kept as (
                insert into mark_revision (tenant_id, attempt_id, revision, actor, method, reason, state, score, awaiting,
                    marks)
                select $1, a.attempt_id, a.revision, $2, $3, $4, a.state, a.score, a.awaiting, a.marks
                from attempt a join n on n.attempt = a.attempt_id and n.revision = a.revision
                where a.tenant_id = $1
             )
             update attempt a
             set marks = n.marks, score = n.score, awaiting = n.awaiting, state = n.state, revision = a.revision + 1,
                change_time = now()
             from n
             where a.tenant_id = $1 and a.attempt_id = n.attempt and a.revision = n.revision",
            tenant,
            why.actor,
            why.method,
            why.reason,
            &attempts,
            &revisions,
            &states,
            &scores,
            &awaiting,
            &marks as &[&[u8]],
        )
        .execute(conn),
    )
    .await?;
    Ok(done.rows_affected())
}

/// Marks that were replaced.
#[derive(Debug, FromRow)]
#[expect(missing_docs, reason = "columns are described in the migration")]
pub struct RevisionRow {
    /// The form of the attempt.
    pub form: i16,
    pub revision: i32,
    pub at: DateTime<Utc>,
    pub actor: String,
    pub method: String,
    pub reason: String,
    pub score: Decimal,
    pub awaiting: Decimal,
    pub marks: Vec<u8>,
}

/// What ListMarkRevisions offers.
pub static REVISIONS: Listing = Listing {
    method: "ListMarkRevisions",
    fields: &[],
    orders: &[Order { name: "revision", sql: "r.revision" }],
    tie: &[],
    newest_first: true,
};

/// A page of the marks of an attempt that were replaced.
pub async fn revisions(
    conn: &mut PgConnection,
    tenant: Uuid,
    name: &AttemptName,
    page: &Page,
) -> Result<Vec<RevisionRow>> {
    let mut query = QueryBuilder::<Postgres>::new(
        "select a.form, r.revision, r.at, r.actor, r.method, r.reason, r.score, r.awaiting, r.marks \
         from mark_revision r join attempt a using (tenant_id, attempt_id) where r.tenant_id = ",
    );
    query.push_bind(tenant).push(" and r.attempt_id = ").push_bind(name.attempt);
    query.push(" and a.exam_id = ").push_bind(name.exam.as_str().to_owned());
    page.rows("mark_revisions", conn, tenant, &name.clone().into(), query).await
}
