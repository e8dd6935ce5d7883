//! Every statement about attempts, but those that read them for results.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    db::run,
    ids::{AttemptName, ExamId},
};

use super::sitting::Rules;

/// What starting an attempt needs to know, read in one statement. `now` is the database's clock.
#[derive(Debug)]
pub struct Standing {
    /// The database's clock.
    pub now: DateTime<Utc>,
    /// The exam's rules.
    pub rules: Rules,
    /// Attempts that the candidate made before, the open one included.
    pub made: i32,
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
            r#"select now() as "now!", e.open_time, e.close_time, e.time_limit_s, e.max_attempts,
                (select coalesce(max(a.number), 0) from attempt a
                 where a.tenant_id = e.tenant_id and a.exam_id = e.exam_id and a.candidate = $3) as "made!",
                (select a.attempt_id from attempt a
                 where a.tenant_id = e.tenant_id and a.exam_id = e.exam_id and a.candidate = $3 and a.state = 0) as open
             from exam e where e.tenant_id = $1 and e.exam_id = $2"#,
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
        },
        made: r.made,
        open: r.open,
    }))
}

/// An attempt as stored.
#[derive(Debug)]
#[expect(missing_docs, reason = "columns are described in the migration")]
pub struct AttemptRow {
    pub attempt_id: Uuid,
    pub exam_id: String,
    pub candidate: String,
    pub number: i32,
    pub form: i16,
    pub state: i16,
    pub start_time: DateTime<Utc>,
    pub due_time: Option<DateTime<Utc>>,
    pub submit_time: Option<DateTime<Utc>>,
    pub sequence: i64,
    pub answered: i32,
    pub request_hash: Option<Vec<u8>>,
    pub responses: Vec<u8>,
    /// The database's clock.
    pub now: DateTime<Utc>,
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
) -> Result<bool, sqlx::Error> {
    let done = run(
        "attempt_open",
        sqlx::query!(
            "insert into attempt (tenant_id, attempt_id, exam_id, candidate, number, form, state, start_time, due_time,
                actor, responses)
             values ($1, $2, $3, $4, $5, $6, 0, $7, $8, $9, $10)
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
            r#"select attempt_id, exam_id, candidate, number, form, state, start_time, due_time, submit_time, sequence,
                answered, request_hash, responses, now() as "now!"
             from attempt where tenant_id = $1 and attempt_id = $2 and exam_id = $3"#,
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
                select attempt_id, exam_id, candidate, number, form, state, start_time, due_time, submit_time, sequence,
                    answered, request_hash, responses
                from attempt where tenant_id = $1 and attempt_id = $2 and exam_id = $3
                for update
             )
             select locked.*, clock_timestamp() as "now!" from locked"#,
            tenant,
            name.attempt,
            name.exam.as_str(),
        )
        .fetch_optional(conn),
    )
    .await
}

/// Stores the responses of an open attempt that the caller has locked.
pub async fn save(
    conn: &mut PgConnection,
    tenant: Uuid,
    attempt: Uuid,
    responses: &[u8],
    answered: i32,
    sequence: i64,
) -> Result<(), sqlx::Error> {
    run(
        "attempt_save",
        sqlx::query!(
            "update attempt set responses = $3, answered = $4, sequence = $5
             where tenant_id = $1 and attempt_id = $2 and state = 0",
            tenant,
            attempt,
            responses,
            answered,
            sequence,
        )
        .execute(conn),
    )
    .await?;
    Ok(())
}

/// What a submission adds to an open attempt.
#[derive(Debug)]
#[expect(missing_docs, reason = "columns are described in the migration")]
pub struct Submitted {
    pub attempt: Uuid,
    pub state: i16,
    pub submit_time: DateTime<Utc>,
    pub answered: i32,
    pub score: Decimal,
    pub awaiting: Decimal,
    pub actor: Uuid,
    pub request_hash: Option<Vec<u8>>,
    pub responses: Vec<u8>,
    pub marks: Vec<u8>,
}

/// Ends an open attempt that the caller has locked.
pub async fn submit(conn: &mut PgConnection, tenant: Uuid, s: &Submitted) -> Result<(), sqlx::Error> {
    run(
        "attempt_submit",
        sqlx::query!(
            "update attempt
             set state = $3, submit_time = $4, answered = $5, score = $6, awaiting = $7, actor = $8, request_hash = $9,
                responses = $10, marks = $11
             where tenant_id = $1 and attempt_id = $2 and state = 0",
            tenant,
            s.attempt,
            s.state,
            s.submit_time,
            s.answered,
            s.score,
            s.awaiting,
            s.actor,
            s.request_hash,
            s.responses,
            s.marks,
        )
        .execute(conn),
    )
    .await?;
    Ok(())
}

/// A submission of a candidate who sat elsewhere, ready to be stored.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "columns are described in the migration")]
pub struct Submission {
    pub attempt: Uuid,
    pub exam: ExamId,
    pub candidate: String,
    pub form: i16,
    pub state: i16,
    pub answered: i32,
    pub score: Decimal,
    pub awaiting: Decimal,
    pub actor: Uuid,
    pub request_hash: Vec<u8>,
    pub responses: Vec<u8>,
    pub marks: Vec<u8>,
}

/// What the database gave a stored submission.
#[derive(Clone, Copy, Debug)]
pub struct Stored {
    /// The attempt.
    pub attempt: Uuid,
    /// Which attempt of the candidate it is.
    pub number: i32,
    /// When it was stored.
    pub submit_time: DateTime<Utc>,
    /// The exam's pass mark at present.
    pub pass_mark: Option<Decimal>,
}

/// Stores submissions of one tenant in one statement, under the exams' own rules. Those that are missing from the
/// answer were not stored: [`why_not`] tells why.
pub async fn insert_submissions(
    conn: &mut PgConnection,
    tenant: Uuid,
    batch: &[&Submission],
) -> Result<Vec<Stored>, sqlx::Error> {
    let n = batch.len();
    let mut attempts = Vec::with_capacity(n);
    let mut exams = Vec::with_capacity(n);
    let mut candidates = Vec::with_capacity(n);
    let mut forms = Vec::with_capacity(n);
    let mut states = Vec::with_capacity(n);
    let mut answered = Vec::with_capacity(n);
    let mut scores = Vec::with_capacity(n);
    let mut awaiting = Vec::with_capacity(n);
    let mut actors = Vec::with_capacity(n);
    let mut hashes: Vec<&[u8]> = Vec::with_capacity(n);
    let mut responses: Vec<&[u8]> = Vec::with_capacity(n);
    let mut marks: Vec<&[u8]> = Vec::with_capacity(n);
    for s in batch {
        attempts.push(s.attempt);
        exams.push(s.exam.as_str());
        candidates.push(s.candidate.as_str());
        forms.push(s.form);
        states.push(s.state);
        answered.push(s.answered);
        scores.push(s.score);
        awaiting.push(s.awaiting);
        actors.push(s.actor);
        hashes.push(&s.request_hash);
        responses.push(&s.responses);
        marks.push(&s.marks);
    }
    run(
        "attempt_insert",
        sqlx::query_as!(
            Stored,
            r#"with stored as (
             insert into attempt (tenant_id, attempt_id, exam_id, candidate, number, form, state, start_time, submit_time,
                answered, score, awaiting, actor, request_hash, responses, marks)
             select $1, n.attempt, n.exam, n.candidate, n.number, n.form, n.state, now(), now(), n.answered, n.score,
                n.awaiting, n.actor, n.hash, n.responses, n.marks
             from (
                select g.*, coalesce(p.made, 0)
                    + (row_number() over (partition by g.exam, g.candidate order by g.ordinal))::int as number
                from unnest($2::uuid[], $3::text[], $4::text[], $5::int2[], $6::int2[], $7::int[], $8::numeric[],
                    $9::numeric[], $10::uuid[], $11::bytea[], $12::bytea[], $13::bytea[]) with ordinality
                    as g (attempt, exam, candidate, form, state, answered, score, awaiting, actor, hash, responses,
                        marks, ordinal)
                left join lateral (
                    select max(a.number) as made from attempt a
                    where a.tenant_id = $1 and a.exam_id = g.exam and a.candidate = g.candidate
                ) p on true
             ) n
             join exam e on e.tenant_id = $1 and e.exam_id = n.exam
             where n.number <= e.max_attempts
                and (e.open_time is null or e.open_time <= now())
                and (e.close_time is null or now() < e.close_time)
             on conflict do nothing
             returning attempt_id, exam_id, number, submit_time
             )
             select s.attempt_id as attempt, s.number, s.submit_time as "submit_time!", e.pass_mark
             from stored s join exam e on e.tenant_id = $1 and e.exam_id = s.exam_id"#,
            tenant,
            &attempts,
            &exams as &[&str],
            &candidates as &[&str],
            &forms,
            &states,
            &answered,
            &scores,
            &awaiting,
            &actors,
            &hashes as &[&[u8]],
            &responses as &[&[u8]],
            &marks as &[&[u8]],
        )
        .fetch_all(conn),
    )
    .await
}

/// What there is to know about a submission that was not stored.
#[derive(Debug)]
pub struct Obstacle {
    /// The attempt it would have been.
    pub attempt: Uuid,
    /// It is there already, from an earlier call.
    pub stored: Option<Stored>,
    /// The hash of the request that stored it.
    pub request_hash: Option<Vec<u8>>,
    /// How the candidate stands at the exam.
    pub standing: Standing,
}

/// Why submissions were not stored, in one statement.
pub async fn why_not(
    conn: &mut PgConnection,
    tenant: Uuid,
    batch: &[&Submission],
) -> Result<Vec<Obstacle>, sqlx::Error> {
    let attempts: Vec<Uuid> = batch.iter().map(|s| s.attempt).collect();
    let exams: Vec<&str> = batch.iter().map(|s| s.exam.as_str()).collect();
    let candidates: Vec<&str> = batch.iter().map(|s| s.candidate.as_str()).collect();
    let rows = run(
        "attempt_why_not",
        sqlx::query!(
            r#"select g.attempt as "attempt!", a.number as "number?", a.submit_time, a.request_hash,
                now() as "now!", e.open_time, e.close_time, e.time_limit_s, e.max_attempts, e.pass_mark,
                (select coalesce(max(b.number), 0) from attempt b
                 where b.tenant_id = $1 and b.exam_id = g.exam and b.candidate = g.candidate) as "made!"
             from unnest($2::uuid[], $3::text[], $4::text[]) as g (attempt, exam, candidate)
             join exam e on e.tenant_id = $1 and e.exam_id = g.exam
             left join attempt a on a.tenant_id = $1 and a.attempt_id = g.attempt"#,
            tenant,
            &attempts,
            &exams as &[&str],
            &candidates as &[&str],
        )
        .fetch_all(conn),
    )
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| Obstacle {
            attempt: r.attempt,
            stored: r.number.zip(r.submit_time).map(|(number, submit_time)| Stored {
                attempt: r.attempt,
                number,
                submit_time,
                pass_mark: r.pass_mark,
            }),
            request_hash: r.request_hash,
            standing: Standing {
                now: r.now,
                rules: Rules {
                    open_time: r.open_time,
                    close_time: r.close_time,
                    time_limit_s: r.time_limit_s,
                    max_attempts: r.max_attempts,
                },
                made: r.made,
                open: None,
            },
        })
        .collect())
}
