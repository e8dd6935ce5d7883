//! Every statement about opening an attempt again.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use crate::{
    db::run,
    exam::policy::{Release, ReleaseWhen},
    grading::revision_sql::Why,
    ids::AttemptName,
};

/// What bears on opening an attempt again, beside the attempt itself.
#[derive(Debug)]
#[expect(missing_docs, reason = "columns are described in the migrations")]
pub struct PastRow {
    pub marks: Option<Vec<u8>>,
    pub close_time: Option<DateTime<Utc>>,
    pub grace_s: i32,
    pub release_when: String,
    pub release_content: String,
    pub release_time: Option<DateTime<Utc>>,
    pub somebody_sits: bool,
    /// Another attempt of the candidate is open.
    pub other_is_open: bool,
    /// Attempts of the candidate that count.
    pub made: i64,
    /// Attempts that it may make.
    pub allowed: i64,
}

impl PastRow {
    /// What bears on whether results may be shown.
    pub fn release(&self, now: DateTime<Utc>) -> Release {
        Release {
            when: ReleaseWhen::stored(&self.release_when),
            now,
            close_time: self.close_time,
            grace_s: self.grace_s,
            release_time: self.release_time,
            somebody_sits: self.somebody_sits,
        }
    }
}

/// What bears on opening an attempt again. The caller has locked it.
pub async fn past(
    conn: &mut PgConnection,
    tenant: Uuid,
    name: &AttemptName,
) -> Result<Option<PastRow>, sqlx::Error> {
    run(
        "attempt_past",
        sqlx::query_as!(
            PastRow,
            r#"select a.marks, e.close_time, e.grace_s, e.release_when, e.release_content, e.release_time,
                exists (select from attempt o where o.tenant_id = $1 and o.exam_id = $3 and o.state = 0)
                    as "somebody_sits!",
                p.other_is_open as "other_is_open!", p.made as "made!",
                (e.max_attempts + coalesce(c.extra_attempts, 0))::bigint as "allowed!"
             from attempt a
             join exam e on e.tenant_id = $1 and e.exam_id = a.exam_id
             left join accommodation c
                on c.tenant_id = $1 and c.exam_id = a.exam_id and c.candidate = a.candidate
             cross join lateral (
                select count(*) filter (where b.state <> -1) as made,
                    coalesce(bool_or(b.state = 0 and b.attempt_id <> a.attempt_id), false) as other_is_open
                from attempt b
                where b.tenant_id = $1 and b.exam_id = a.exam_id and b.candidate = a.candidate
             ) p
             where a.tenant_id = $1 and a.attempt_id = $2 and a.exam_id = $3"#,
            tenant,
            name.attempt,
            name.exam.as_str(),
        )
        .fetch_optional(conn),
    )
    .await
}

/// What opening an attempt again changes.
#[derive(Debug)]
#[expect(missing_docs, reason = "columns are described in the migrations")]
pub struct Reopened<'a> {
    pub attempt: Uuid,
    pub flags: i16,
    pub due_time: Option<DateTime<Utc>>,
    pub log: &'a [u8],
}

/// Opens an attempt that the caller has locked; marks that it had are kept as a revision that was replaced. The hash of the
/// request that submitted it goes: the same request submits it again.
pub async fn reopen(
    conn: &mut PgConnection,
    tenant: Uuid,
    why: Why<'_>,
    reopened: &Reopened<'_>,
) -> Result<(), sqlx::Error> {
    run(
        "attempt_reopen",
        sqlx::query!(
            "with kept as (
                insert into mark_revision (tenant_id, attempt_id, revision, actor, method, reason, state, score, awaiting,
                    marks)
                select $1, a.attempt_id, a.revision, $6, $7, $8, a.state, a.score, a.awaiting, a.marks
                from attempt a
                where a.tenant_id = $1 and a.attempt_id = $2 and a.marks is not null
             )
             update attempt a
             set state = 0, flags = $3, due_time = $4, log = $5, submit_time = null, score = null, awaiting = null,
                marks = null, request_hash = null, change_time = null,
                revision = a.revision + case when a.marks is null then 0 else 1 end
             where a.tenant_id = $1 and a.attempt_id = $2 and a.state <> 0",
            tenant,
            reopened.attempt,
            reopened.flags,
            reopened.due_time,
            reopened.log,
            why.actor,
            why.method,
            why.reason,
        )
        .execute(conn),
    )
    .await?;
    Ok(())
}

/// Takes away what graders claimed and gave in an attempt, of which the answers may change now; what they gave, for the
/// record.
pub async fn forget_graders(
    conn: &mut PgConnection,
    tenant: Uuid,
    attempt: Uuid,
) -> Result<Vec<Value>, sqlx::Error> {
    let rows = run(
        "attempt_forget_graders",
        sqlx::query!(
            r#"delete from grading where tenant_id = $1 and attempt_id = $2
             returning position, marks as "marks: Json<Value>""#,
            tenant,
            attempt,
        )
        .fetch_all(conn),
    )
    .await?;
    let given = rows.into_iter().filter(|r| r.marks.0.as_array().is_some_and(|marks| !marks.is_empty()));
    Ok(given.map(|r| serde_json::json!({ "position": r.position, "marks": r.marks.0 })).collect())
}

/// Gives a void attempt that the caller has locked the result back that it had.
pub async fn restore(
    conn: &mut PgConnection,
    tenant: Uuid,
    attempt: Uuid,
    state: i16,
    log: &[u8],
) -> Result<(), sqlx::Error> {
    run(
        "attempt_restore",
        sqlx::query!(
            "update attempt set state = $3, change_time = now(), log = case when log is null then null else $4::bytea end
             where tenant_id = $1 and attempt_id = $2 and state = -1",
            tenant,
            attempt,
            state,
            log,
        )
        .execute(conn),
    )
    .await?;
    Ok(())
}
