//! Every statement about submissions of candidates who sat elsewhere.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use crate::{
    db::run,
    exam::{
        policy::{LateMode, Release, ReleaseContent, ReleaseWhen},
        standard::{Band, Standards},
    },
    ids::ExamId,
};

use super::sitting::{Clock, Rules};

/// A submission, ready to be stored.
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
    pub request_hash: [u8; 16],
    pub responses: Vec<u8>,
    pub marks: Vec<u8>,
}

/// What an exam shows of results to candidates.
#[derive(Clone, Copy, Debug)]
pub struct Showing {
    /// When.
    pub release: Release,
    /// What, then.
    pub content: ReleaseContent,
}

/// What is shown, from a row of a statement that names its columns as the exam does.
macro_rules! showing {
    ($row:ident) => {
        Showing {
            release: Release {
                when: ReleaseWhen::stored(&$row.release_when),
                now: $row.now,
                close_time: $row.close_time,
                grace_s: $row.grace_s,
                release_time: $row.release_time,
                somebody_sits: $row.somebody_sits,
            },
            content: ReleaseContent::stored(&$row.release_content),
        }
    };
}

/// What the database gave a stored submission.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The attempt.
    pub attempt: Uuid,
    /// Which attempt of the candidate it is.
    pub number: i32,
    /// When it was stored.
    pub submit_time: DateTime<Utc>,
    /// Whether it came late.
    pub flags: i16,
    /// What its exam says of scores.
    pub standards: Arc<Standards>,
    /// What it shows of results at this moment.
    pub showing: Showing,
}

/// Stores submissions of one tenant in one statement, under the exams' own rules. Those that are missing from the
/// answer were not stored: [`why_not`] tells why. A unique violation says that another process stored one of them or took
/// a candidate's number at this moment, or that a request id was used before for another candidate: nothing was stored
/// then, and [`why_not`] tells of which.
///
/// Written for the hot path, where each clause was measured. A row that is there already is met among the candidate's
/// attempts, which are looked at anyway, and not by ON CONFLICT, which would write twice and look into every unique
/// index. Accommodations are read only where the exam alone says no. The exams' standards come once an exam, not once a
/// row. Arrays that are unnested side by side in a select list are not laid down in between, as those in a from clause
/// are.
pub async fn insert(
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
    let rows = run(
        "attempt_insert",
        sqlx::query!(
            r#"with stored as (
             insert into attempt (tenant_id, attempt_id, exam_id, candidate, number, form, state, start_time, submit_time,
                answered, score, awaiting, actor, request_hash, responses, marks, flags)
             select $1, g.attempt, g.exam, g.candidate, p.last + g.nth, g.form, g.state, now(), now(), g.answered,
                g.score, g.awaiting, g.actor, g.hash, g.responses, g.marks,
                case when e.close_time is null or now() < e.close_time + make_interval(secs => e.grace_s) then 0
                    when now() >= e.close_time + make_interval(secs => e.grace_s + coalesce((
                        select c.extra_time_s from accommodation c
                        where c.tenant_id = $1 and c.exam_id = g.exam and c.candidate = g.candidate), 0)) then 1
                    else 0 end
             from (
                select unnest($2::uuid[]) as attempt, unnest($3::text[]) as exam, unnest($4::text[]) as candidate,
                    unnest($5::int[]) as nth, unnest($6::int2[]) as form, unnest($7::int2[]) as state,
                    unnest($8::int[]) as answered, unnest($9::numeric[]) as score, unnest($10::numeric[]) as awaiting,
                    unnest($11::uuid[]) as actor, unnest($12::bytea[]) as hash, unnest($13::bytea[]) as responses,
                    unnest($14::bytea[]) as marks
             ) g
             join exam e on e.tenant_id = $1 and e.exam_id = g.exam and e.delete_time is null and e.archive_time is null
             cross join lateral (
                select coalesce(max(a.number), 0) as last, count(*) filter (where a.state <> -1) as made,
                    coalesce(bool_or(a.attempt_id = g.attempt), false) as is_there
                from attempt a
                where a.tenant_id = $1 and a.candidate = g.candidate and a.exam_id = g.exam
             ) p
             where not p.is_there
                and (p.made + g.nth <= e.max_attempts
                    or p.made + g.nth <= e.max_attempts + coalesce((
                        select c.extra_attempts from accommodation c
                        where c.tenant_id = $1 and c.exam_id = g.exam and c.candidate = g.candidate), 0))
                and (e.open_time is null or e.open_time <= now())
                and (e.close_time is null or now() < e.close_time or e.late_mode <> 'refuse'
                    or now() < e.close_time + make_interval(secs => e.grace_s + coalesce((
                        select c.extra_time_s from accommodation c
                        where c.tenant_id = $1 and c.exam_id = g.exam and c.candidate = g.candidate), 0)))
             returning attempt_id, exam_id, number, flags
             )
             select now() as "now!", e.pass_mark, e.pass_percent, e.grade_bands as "grade_bands: Json<Vec<Band>>",
                e.release_when, e.release_content, e.release_time, e.close_time, e.grace_s,
                e.release_when = 'after_closing' and exists (
                    select from attempt o where o.tenant_id = $1 and o.exam_id = e.exam_id and o.state = 0
                ) as "somebody_sits!",
                s.attempts as "attempts!", s.numbers as "numbers!", s.flags as "flags!"
             from (
                select exam_id, array_agg(attempt_id) as attempts, array_agg(number) as numbers, array_agg(flags) as flags
                from stored group by exam_id
             ) s
             join exam e on e.tenant_id = $1 and e.exam_id = s.exam_id"#,
            tenant,
            &attempts,
            &exams as &[&str],
            &candidates as &[&str],
            &nths(batch),
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
    .await?;
    let mut stored = Vec::with_capacity(n);
    for exam in rows {
        let showing = showing!(exam);
        let standards = Standards::stored(exam.pass_mark, exam.pass_percent, exam.grade_bands.0);
        let standards = Arc::new(standards);
        let each = exam.attempts.into_iter().zip(exam.numbers).zip(exam.flags);
        stored.extend(each.map(|((attempt, number), flags)| Stored {
            attempt,
            number,
            submit_time: exam.now,
            flags,
            standards: Arc::clone(&standards),
            showing,
        }));
    }
    Ok(stored)
}

/// Which one of its candidate's submissions to its exam each is within the batch, from 1.
fn nths(batch: &[&Submission]) -> Vec<i32> {
    let mut seen = std::collections::HashMap::with_capacity(batch.len());
    let nth = batch.iter().map(|s| {
        let count = seen.entry((s.exam.as_str(), s.candidate.as_str())).or_insert(0);
        *count += 1;
        *count
    });
    nth.collect()
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
    /// It is there, and was voided since.
    pub is_void: bool,
    /// The database's clock.
    pub now: DateTime<Utc>,
    /// The exam's rules, with what the candidate gets beyond them.
    pub rules: Rules,
    /// Attempts of the candidate that are not void.
    pub made: i64,
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
            r#"select g.attempt as "attempt!", a.number as "number?", a.submit_time, a.request_hash, a.state as "state?",
                a.flags as "flags?", now() as "now!", e.open_time as "open_time?", e.close_time as "close_time?",
                e.time_limit_s as "time_limit_s?", coalesce(e.max_attempts, 0) as "max_attempts!",
                e.pass_mark as "pass_mark?", e.pass_percent as "pass_percent?", coalesce(e.grade_bands, '[]') as "grade_bands!: Json<Vec<Band>>",
                coalesce(e.late_mode, 'refuse') as "late_mode!", coalesce(e.grace_s, 0) as "grace_s!",
                (e.exam_id is null or e.delete_time is not null) as "is_gone!",
                (e.archive_time is not null) as "is_archived!",
                coalesce(e.release_when, 'by_hand') as "release_when!",
                coalesce(e.release_content, 'score_only') as "release_content!", e.release_time as "release_time?",
                coalesce(e.release_when = 'after_closing', false) and exists (
                    select from attempt o where o.tenant_id = $1 and o.exam_id = e.exam_id and o.state = 0
                ) as "somebody_sits!",
                coalesce(c.extra_time_s, 0) as "extra_time_s!", coalesce(c.extra_attempts, 0) as "extra_attempts!",
                p.made as "made!"
             from unnest($2::uuid[], $3::text[], $4::text[]) as g (attempt, exam, candidate)
             left join exam e on e.tenant_id = $1 and e.exam_id = g.exam
             left join accommodation c on c.tenant_id = $1 and c.exam_id = g.exam and c.candidate = g.candidate
             left join attempt a on a.tenant_id = $1 and a.attempt_id = g.attempt
             cross join lateral (
                select count(*) filter (where b.state <> -1) as made from attempt b
                where b.tenant_id = $1 and b.exam_id = g.exam and b.candidate = g.candidate
             ) p"#,
            tenant,
            &attempts,
            &exams as &[&str],
            &candidates as &[&str],
        )
        .fetch_all(conn),
    )
    .await?;
    let obstacles = rows.into_iter().map(|r| Obstacle {
        attempt: r.attempt,
        stored: r.number.zip(r.submit_time).map(|(number, submit_time)| Stored {
            attempt: r.attempt,
            number,
            submit_time,
            flags: r.flags.unwrap_or_default(),
            showing: showing!(r),
            standards: Arc::new(Standards::stored(r.pass_mark, r.pass_percent, r.grade_bands.0)),
        }),
        request_hash: r.request_hash,
        is_void: r.state == Some(-1),
        now: r.now,
        rules: Rules {
            open_time: r.open_time,
            close_time: r.close_time,
            time_limit_s: r.time_limit_s,
            max_attempts: r.max_attempts,
            extra_attempts: r.extra_attempts,
            is_gone: r.is_gone,
            is_archived: r.is_archived,
            clock: Clock {
                late: LateMode::stored(&r.late_mode),
                grace_s: r.grace_s,
                extra_time_s: r.extra_time_s,
            },
        },
        made: r.made,
    });
    Ok(obstacles.collect())
}
