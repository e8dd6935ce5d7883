//! Every statement about attempts, but those that read them for results.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use crate::{
    db::run,
    exam::{
        policy::{Allotment, LateMode, Release, ReleaseWhen},
        standard::{Band, Standards},
    },
    ids::{AttemptName, ExamId},
};

use super::sitting::{Clock, Rules};

/// What starting an attempt needs to know, read in one statement. `now` is the database's clock.
#[derive(Debug)]
pub struct Standing {
    /// The database's clock.
    pub now: DateTime<Utc>,
    /// The exam's rules, with what the candidate gets beyond them.
    pub rules: Rules,
    /// How the candidate comes to a form.
    pub allotment: Allotment,
    /// Attempts of the candidate that are not void, the open one included.
    pub made: i64,
    /// The greatest number that an attempt of the candidate has.
    pub last: i32,
    /// The candidate's open attempt.
    pub open: Option<Uuid>,
}

/// How a candidate stands at an exam; `None` where there is no such exam.
pub async fn standing(
    conn: &mut PgConnection,
    tenant: Uuid,
    exam: &ExamId,
    candidate: &str,
) -> Result<Option<Standing>, sqlx::Error> {
    let row = run(
        "attempt_standing",
        sqlx::query!(
            r#"select now() as "now!", e.open_time, e.close_time, e.time_limit_s, e.max_attempts, e.late_mode, e.grace_s,
                e.form_allotment, coalesce(c.extra_time_s, 0) as "extra_time_s!",
                coalesce(c.extra_attempts, 0) as "extra_attempts!", p.made as "made!", p.last as "last!", p.open,
                (e.archive_time is not null) as "is_archived!"
             from exam e
             left join accommodation c on c.tenant_id = e.tenant_id and c.exam_id = e.exam_id and c.candidate = $3
             cross join lateral (
                select count(*) filter (where a.state <> -1) as made, coalesce(max(a.number), 0) as last,
                    (array_agg(a.attempt_id) filter (where a.state = 0))[1] as open
                from attempt a
                where a.tenant_id = e.tenant_id and a.exam_id = e.exam_id and a.candidate = $3
             ) p
             where e.tenant_id = $1 and e.exam_id = $2 and e.delete_time is null"#,
            tenant,
            exam.as_str(),
            candidate,
        )
        .fetch_optional(conn),
    )
    .await?;
    Ok(row.map(|r| Standing {
        now: r.now,
        rules: Rules {
            open_time: r.open_time,
            close_time: r.close_time,
            time_limit_s: r.time_limit_s,
            max_attempts: r.max_attempts,
            extra_attempts: r.extra_attempts,
            is_gone: false,
            is_archived: r.is_archived,
            clock: Clock {
                late: LateMode::stored(&r.late_mode),
                grace_s: r.grace_s,
                extra_time_s: r.extra_time_s,
            },
        },
        allotment: Allotment::stored(&r.form_allotment),
        made: r.made,
        last: r.last,
        open: r.open,
    }))
}

/// An attempt as stored, with the rules that bear on its end.
#[derive(Debug)]
#[expect(missing_docs, reason = "columns are described in the migrations")]
pub struct AttemptRow {
    pub attempt_id: Uuid,
    pub exam_id: String,
    pub candidate: String,
    pub number: i32,
    pub form: i16,
    pub state: i16,
    pub flags: i16,
    pub start_time: DateTime<Utc>,
    pub due_time: Option<DateTime<Utc>>,
    pub submit_time: Option<DateTime<Utc>>,
    pub sequence: i64,
    pub answered: i32,
    pub request_hash: Option<Vec<u8>>,
    pub responses: Vec<u8>,
    pub log: Option<Vec<u8>>,
    pub late_mode: String,
    pub grace_s: i32,
    pub extra_time_s: i32,
    /// The database's clock.
    pub now: DateTime<Utc>,
}

impl AttemptRow {
    /// The rules that bear on its end.
    pub fn clock(&self) -> Clock {
        Clock {
            late: LateMode::stored(&self.late_mode),
            grace_s: self.grace_s,
            extra_time_s: self.extra_time_s,
        }
    }

    /// When it must be submitted, or had to be: extra time counts while it is open, and is stored when it ends.
    pub fn due(&self) -> Option<DateTime<Utc>> {
        if self.state == 0 { self.clock().due(self.due_time) } else { self.due_time }
    }
}

/// Opens an attempt. `false`: another call opened one at the same time.
#[expect(clippy::too_many_arguments, reason = "one value a column")]
pub async fn insert_open(
    conn: &mut PgConnection,
    tenant: Uuid,
    name: &AttemptName,
    candidate: &str,
    number: i32,
    form: i16,
    start_time: DateTime<Utc>,
    due_time: Option<DateTime<Utc>>,
    actor: Uuid,
    responses: &[u8],
    log: &[u8],
) -> Result<bool, sqlx::Error> {
    let done = run(
        "attempt_open",
        sqlx::query!(
            "insert into attempt (tenant_id, attempt_id, exam_id, candidate, number, form, state, start_time, due_time,
                actor, responses, log)
             values ($1, $2, $3, $4, $5, $6, 0, $7, $8, $9, $10, $11)
             on conflict do nothing",
            tenant,
            name.attempt,
            name.exam.as_str(),
            candidate,
            number,
            form,
            start_time,
            due_time,
            actor,
            responses,
            log,
        )
        .execute(conn),
    )
    .await?;
    Ok(done.rows_affected() == 1)
}

/// An attempt.
pub async fn attempt(
    conn: &mut PgConnection,
    tenant: Uuid,
    name: &AttemptName,
) -> Result<Option<AttemptRow>, sqlx::Error> {
    run(
        "attempt",
        sqlx::query_as!(
            AttemptRow,
            r#"select a.attempt_id, a.exam_id, a.candidate, a.number, a.form, a.state, a.flags, a.start_time, a.due_time,
                a.submit_time, a.sequence, a.answered, a.request_hash, a.responses, a.log, e.late_mode, e.grace_s,
                coalesce(c.extra_time_s, 0) as "extra_time_s!", now() as "now!"
             from attempt a
             join exam e on e.tenant_id = $1 and e.exam_id = a.exam_id
             left join accommodation c
                on c.tenant_id = $1 and c.exam_id = a.exam_id and c.candidate = a.candidate
             where a.tenant_id = $1 and a.attempt_id = $2 and a.exam_id = $3"#,
            tenant,
            name.attempt,
            name.exam.as_str(),
        )
        .fetch_optional(conn),
    )
    .await
}

/// An attempt, locked against other changes until the transaction ends. The time is read after the lock was had: a save
/// that waited for another must not count as earlier than it was.
pub async fn lock(
    conn: &mut PgConnection,
    tenant: Uuid,
    name: &AttemptName,
) -> Result<Option<AttemptRow>, sqlx::Error> {
    run(
        "attempt_lock",
        sqlx::query_as!(
            AttemptRow,
            r#"with locked as materialized (
                select attempt_id, exam_id, candidate, number, form, state, flags, start_time, due_time, submit_time,
                    sequence, answered, request_hash, responses, log
                from attempt where tenant_id = $1 and attempt_id = $2 and exam_id = $3
                for update
             )
             select locked.*, e.late_mode, e.grace_s, coalesce(c.extra_time_s, 0) as "extra_time_s!",
                clock_timestamp() as "now!"
             from locked
             join exam e on e.tenant_id = $1 and e.exam_id = locked.exam_id
             left join accommodation c
                on c.tenant_id = $1 and c.exam_id = locked.exam_id and c.candidate = locked.candidate"#,
            tenant,
            name.attempt,
            name.exam.as_str(),
        )
        .fetch_optional(conn),
    )
    .await
}

/// What a save changes.
#[derive(Debug)]
#[expect(missing_docs, reason = "columns are described in the migrations")]
pub struct Saved {
    pub attempt: Uuid,
    pub responses: Vec<u8>,
    pub answered: i32,
    pub sequence: i64,
    pub flags: i16,
    pub log: Vec<u8>,
}

/// Stores the responses of an open attempt that the caller has locked.
pub async fn save(conn: &mut PgConnection, tenant: Uuid, s: &Saved) -> Result<(), sqlx::Error> {
    run(
        "attempt_save",
        sqlx::query!(
            "update attempt set responses = $3, answered = $4, sequence = $5, flags = $6, log = $7
             where tenant_id = $1 and attempt_id = $2 and state = 0",
            tenant,
            s.attempt,
            s.responses,
            s.answered,
            s.sequence,
            s.flags,
            s.log,
        )
        .execute(conn),
    )
    .await?;
    Ok(())
}

/// Stores the log of an open attempt that the caller has locked.
pub async fn keep_log(
    conn: &mut PgConnection,
    tenant: Uuid,
    attempt: Uuid,
    log: &[u8],
) -> Result<(), sqlx::Error> {
    run(
        "attempt_log",
        sqlx::query!(
            "update attempt set log = $3 where tenant_id = $1 and attempt_id = $2 and state = 0",
            tenant,
            attempt,
            log,
        )
        .execute(conn),
    )
    .await?;
    Ok(())
}

/// Voids an attempt that the caller has locked; it keeps what it had.
pub async fn void(
    conn: &mut PgConnection,
    tenant: Uuid,
    attempt: Uuid,
    due_time: Option<DateTime<Utc>>,
    log: &[u8],
) -> Result<(), sqlx::Error> {
    run(
        "attempt_void",
        sqlx::query!(
            "update attempt set state = -1, due_time = $3, log = $4, change_time = now()
             where tenant_id = $1 and attempt_id = $2 and state <> -1",
            tenant,
            attempt,
            due_time,
            log,
        )
        .execute(conn),
    )
    .await?;
    Ok(())
}

/// What ending adds to an open attempt.
#[derive(Debug)]
#[expect(missing_docs, reason = "columns are described in the migrations")]
pub struct Ended {
    pub attempt: Uuid,
    pub state: i16,
    pub flags: i16,
    pub due_time: Option<DateTime<Utc>>,
    pub submit_time: DateTime<Utc>,
    pub answered: i32,
    pub score: Decimal,
    pub awaiting: Decimal,
    /// The API key that submitted; `None` leaves the one that started.
    pub actor: Option<Uuid>,
    pub request_hash: Option<Vec<u8>>,
    pub responses: Vec<u8>,
    pub marks: Vec<u8>,
    pub log: Vec<u8>,
}

/// Ends open attempts that the caller has locked, in one statement.
pub async fn end(conn: &mut PgConnection, tenant: Uuid, ended: &[Ended]) -> Result<(), sqlx::Error> {
    macro_rules! column {
        ($of:ident) => {
            ended.iter().map(|e| e.$of.clone()).collect::<Vec<_>>()
        };
    }
    run(
        "attempt_end",
        sqlx::query!(
            "update attempt a
             set state = n.state, flags = n.flags, due_time = n.due_time, submit_time = n.submit_time,
                answered = n.answered, score = n.score, awaiting = n.awaiting, actor = coalesce(n.actor, a.actor),
                request_hash = n.request_hash, responses = n.responses, marks = n.marks, log = n.log, change_time = null
             from unnest($2::uuid[], $3::int2[], $4::int2[], $5::timestamptz[], $6::timestamptz[], $7::int[],
                $8::numeric[], $9::numeric[], $10::uuid[], $11::bytea[], $12::bytea[], $13::bytea[], $14::bytea[])
                as n (attempt, state, flags, due_time, submit_time, answered, score, awaiting, actor, request_hash,
                    responses, marks, log)
             where a.tenant_id = $1 and a.attempt_id = n.attempt and a.state = 0",
            tenant,
            &column!(attempt),
            &column!(state),
            &column!(flags),
            &column!(due_time) as &[Option<DateTime<Utc>>],
            &column!(submit_time),
            &column!(answered),
            &column!(score),
            &column!(awaiting),
            &column!(actor) as &[Option<Uuid>],
            &column!(request_hash) as &[Option<Vec<u8>>],
            &column!(responses),
            &column!(marks),
            &column!(log),
        )
        .execute(conn),
    )
    .await?;
    Ok(())
}

/// Open attempts of a tenant whose time is over, locked; those that another process has locked are left to it. The
/// earliest due come first.
pub async fn overdue(
    conn: &mut PgConnection,
    tenant: Uuid,
    late_window_s: i32,
    limit: i64,
) -> Result<Vec<AttemptRow>, sqlx::Error> {
    run(
        "attempt_overdue",
        sqlx::query_as!(
            AttemptRow,
            r#"select a.attempt_id, a.exam_id, a.candidate, a.number, a.form, a.state, a.flags, a.start_time, a.due_time,
                a.submit_time, a.sequence, a.answered, a.request_hash, a.responses, a.log, e.late_mode, e.grace_s,
                coalesce(c.extra_time_s, 0) as "extra_time_s!", clock_timestamp() as "now!"
             from attempt a
             join exam e on e.tenant_id = $1 and e.exam_id = a.exam_id
             left join accommodation c
                on c.tenant_id = $1 and c.exam_id = a.exam_id and c.candidate = a.candidate
             where a.tenant_id = $1 and a.state = 0 and a.due_time <= now()
               and a.due_time + make_interval(secs => e.grace_s + coalesce(c.extra_time_s, 0)
                    + case e.late_mode when 'refuse' then 0 else $2::int end) <= now()
             order by a.due_time
             limit $3
             for update of a skip locked"#,
            tenant,
            late_window_s,
            limit,
        )
        .fetch_all(conn),
    )
    .await
}

/// How long it is until the next open attempt of a tenant is over, of those whose time was over but for what the exam and
/// the candidate's accommodation add to it; none where there is none.
pub async fn until_overdue(
    conn: &mut PgConnection,
    tenant: Uuid,
    late_window_s: i32,
) -> Result<Option<f64>, sqlx::Error> {
    run(
        "attempt_until_overdue",
        sqlx::query_scalar!(
            r#"select extract(epoch from min(a.due_time + make_interval(secs => e.grace_s + coalesce(c.extra_time_s, 0)
                    + case e.late_mode when 'refuse' then 0 else $2::int end)) - now())::float8 as "left"
             from attempt a
             join exam e on e.tenant_id = $1 and e.exam_id = a.exam_id
             left join accommodation c
                on c.tenant_id = $1 and c.exam_id = a.exam_id and c.candidate = a.candidate
             where a.tenant_id = $1 and a.state = 0 and a.due_time <= now()"#,
            tenant,
            late_window_s,
        )
        .fetch_one(conn),
    )
    .await
}

/// The tenants that have open attempts whose time is over, but perhaps for what is added to it. Only a transaction that [`Db::sweep`](crate::db::Db::sweep) opened sees them.
pub async fn due(conn: &mut PgConnection) -> Result<Vec<Uuid>, sqlx::Error> {
    run("attempt_due", sqlx::query_scalar!(r#"select due_tenants() as "tenant!""#).fetch_all(conn)).await
}

/// An attempt with what decides on showing its result.
#[derive(Debug)]
#[expect(missing_docs, reason = "columns are described in the migrations")]
pub struct ReleaseRow {
    pub form: i16,
    pub state: i16,
    pub marks: Option<Vec<u8>>,
    pub pass_mark: Option<Decimal>,
    pub pass_percent: Option<Decimal>,
    pub grade_bands: Json<Vec<Band>>,
    pub release_when: String,
    pub release_content: String,
    pub release_time: Option<DateTime<Utc>>,
    pub close_time: Option<DateTime<Utc>>,
    pub grace_s: i32,
    pub somebody_sits: bool,
    /// The database's clock.
    pub now: DateTime<Utc>,
}

impl ReleaseRow {
    /// What the exam says of scores.
    pub fn standards(&self) -> Standards {
        Standards::stored(self.pass_mark, self.pass_percent, self.grade_bands.0.clone())
    }

    /// What bears on whether the result may be shown.
    pub fn release(&self) -> Release {
        Release {
            when: ReleaseWhen::stored(&self.release_when),
            now: self.now,
            close_time: self.close_time,
            grace_s: self.grace_s,
            release_time: self.release_time,
            somebody_sits: self.somebody_sits,
        }
    }
}

/// An attempt with what decides on showing its result, seen in one moment.
pub async fn for_release(
    conn: &mut PgConnection,
    tenant: Uuid,
    name: &AttemptName,
) -> Result<Option<ReleaseRow>, sqlx::Error> {
    run(
        "attempt_release",
        sqlx::query_as!(
            ReleaseRow,
            r#"select a.form, a.state, a.marks, e.pass_mark, e.pass_percent, e.grade_bands as "grade_bands: Json<Vec<Band>>",
                e.release_when, e.release_content, e.release_time, e.close_time, e.grace_s,
                exists (select from attempt o where o.tenant_id = $1 and o.exam_id = $3 and o.state = 0)
                    as "somebody_sits!",
                now() as "now!"
             from attempt a
             join exam e on e.tenant_id = $1 and e.exam_id = a.exam_id
             where a.tenant_id = $1 and a.attempt_id = $2 and a.exam_id = $3"#,
            tenant,
            name.attempt,
            name.exam.as_str(),
        )
        .fetch_optional(conn),
    )
    .await
}
