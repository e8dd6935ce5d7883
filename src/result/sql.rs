//! Every statement about results. They read attempts and change nothing.
//!
//! Only submitted attempts have results; the condition is written `a.state > 0` everywhere, as the partial indexes have
//! it. What may be a million rows is streamed in the order of submission, which an index gives without sorting and
//! which makes sums of floats come out the same every time.

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use rust_decimal::Decimal;
use sqlx::{PgConnection, types::Json};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::{
    admission::pace::Hurry,
    db::{Rows, run},
    exam::{
        policy::{Counting, Tally},
        standard::{Band, Standards},
    },
    ids::{AttemptName, ExamId},
    points::Rounding,
};

/// Rows that travel together to the thread that folds them.
const CHUNK: usize = 256;

/// A submitted attempt with the pass mark of its exam.
#[derive(Debug)]
#[expect(missing_docs, reason = "columns are described in the migration")]
pub struct ResultRow {
    pub candidate: String,
    pub number: i32,
    pub form: i16,
    pub revision: i32,
    pub start_time: DateTime<Utc>,
    pub submit_time: DateTime<Utc>,
    pub update_time: DateTime<Utc>,
    pub marks: Vec<u8>,
    pub pass_mark: Option<Decimal>,
    pub pass_percent: Option<Decimal>,
    pub grade_bands: Json<Vec<Band>>,
    pub flags: i16,
}

/// A submitted attempt; none where it is open or another exam's.
pub async fn result(
    conn: &mut PgConnection,
    tenant: Uuid,
    name: &AttemptName,
) -> Result<Option<ResultRow>, sqlx::Error> {
    run(
        "result",
        sqlx::query_as!(
            ResultRow,
            r#"select a.candidate, a.number, a.form, a.revision, a.start_time, a.submit_time as "submit_time!",
                coalesce(a.change_time, a.submit_time) as "update_time!", a.marks as "marks!", e.pass_mark,
                e.pass_percent, e.grade_bands as "grade_bands: Json<Vec<Band>>", a.flags
             from attempt a
             join exam e on e.tenant_id = $1 and e.exam_id = a.exam_id
             where a.tenant_id = $1 and a.attempt_id = $2 and a.exam_id = $3 and a.state > 0"#,
            tenant,
            name.attempt,
            name.exam.as_str(),
        )
        .fetch_optional(conn),
    )
    .await
}

/// What the exam says about which attempt counts, and what the candidate has made.
#[derive(Debug)]
pub struct Record {
    /// Which attempt counts.
    pub counting: Counting,
    /// How a mean is rounded.
    pub rounding: Rounding,
    /// The exam's pass mark and grades.
    pub standards: Standards,
    /// Attempts that the candidate may make.
    pub allowed: i32,
    /// Attempts that are not void.
    pub used: usize,
    /// The submitted ones by number.
    pub submitted: Vec<(Uuid, Tally)>,
}

/// A candidate's attempts at an exam that are not void; `None` where there is no such exam.
pub async fn record(
    conn: &mut PgConnection,
    tenant: Uuid,
    exam: &ExamId,
    candidate: &str,
) -> Result<Option<Record>, sqlx::Error> {
    let rows = run(
        "result_record",
        sqlx::query!(
            r#"select e.counting, e.rounding as "rounding: Json<Rounding>", e.pass_mark,
                e.pass_percent, e.grade_bands as "grade_bands: Json<Vec<Band>>",
                e.max_attempts + coalesce(c.extra_attempts, 0) as "allowed!", a.attempt_id as "attempt_id?", a.score,
                a.awaiting,
                (select f.total from form f
                 where f.tenant_id = e.tenant_id and f.blueprint_id = split_part(e.forms[a.form + 1], '/', 2)
                    and f.form_id = split_part(e.forms[a.form + 1], '/', 4)) as total
             from exam e
             left join accommodation c on c.tenant_id = $1 and c.exam_id = e.exam_id and c.candidate = $3
             left join attempt a
                on a.tenant_id = $1 and a.exam_id = e.exam_id and a.candidate = $3 and a.state <> -1
             where e.tenant_id = $1 and e.exam_id = $2 and e.delete_time is null
             order by a.number"#,
            tenant,
            exam.as_str(),
            candidate,
        )
        .fetch_all(conn),
    )
    .await?;
    let used = rows.iter().filter(|r| r.attempt_id.is_some()).count();
    let submitted = rows
        .iter()
        .filter_map(|r| {
            Some((r.attempt_id?, Tally { score: r.score?, awaiting: r.awaiting?, max: r.total? }))
        })
        .collect();
    Ok(rows.into_iter().next().map(|r| Record {
        counting: Counting::stored(&r.counting),
        rounding: r.rounding.0,
        standards: Standards::stored(r.pass_mark, r.pass_percent, r.grade_bands.0),
        allowed: r.allowed,
        used,
        submitted,
    }))
}

/// The forms of an exam, and what it says of scores.
#[derive(Clone, Debug)]
pub struct ExamForms {
    /// Each form by name with its points, in order.
    pub forms: Vec<(String, Decimal)>,
    /// What decides whether a score passes; grades are left out.
    pub standards: Standards,
}

impl ExamForms {
    /// The points of each form.
    pub fn totals(&self) -> impl Iterator<Item = Decimal> {
        self.forms.iter().map(|form| form.1)
    }
}

/// The forms of an exam; none where there is no such exam.
pub async fn exam_forms(
    conn: &mut PgConnection,
    tenant: Uuid,
    exam: &ExamId,
) -> Result<Option<ExamForms>, sqlx::Error> {
    let rows = run(
        "exam_forms",
        sqlx::query!(
            r#"select n.form as "form!", f.total, e.pass_mark, e.pass_percent
             from exam e
             cross join lateral unnest(e.forms) with ordinality as n (form, ordinal)
             join form f on f.tenant_id = $1 and f.blueprint_id = split_part(n.form, '/', 2)
                and f.form_id = split_part(n.form, '/', 4)
             where e.tenant_id = $1 and e.exam_id = $2 and e.delete_time is null
             order by n.ordinal"#,
            tenant,
            exam.as_str(),
        )
        .fetch_all(conn),
    )
    .await?;
    let standards = rows.first().map(|r| Standards::stored(r.pass_mark, r.pass_percent, Vec::new()));
    Ok(standards.map(|standards| ExamForms {
        forms: rows.into_iter().map(|r| (r.form, r.total)).collect(),
        standards,
    }))
}

/// Which attempts count in statistics.
#[derive(Clone, Copy, Debug)]
pub struct Group<'a> {
    /// The tenant.
    pub tenant: Uuid,
    /// The exam.
    pub exam: &'a ExamId,
    /// The form by its index in the exam; all of them if absent.
    pub form: Option<i16>,
    /// Every submitted attempt, not only the first of each candidate.
    pub all_attempts: bool,
    /// What reading all of it gives way to.
    pub hurry: &'a Hurry,
}

/// How many rows were streamed.
#[derive(Clone, Copy, Debug)]
struct Streamed(u64);

impl Rows for Streamed {
    fn rows(&self) -> u64 {
        self.0
    }
}

/// Hands the form of every attempt of the group to `each`, its score, and whether it waits for a person; in no order.
pub async fn scores(
    conn: &mut PgConnection,
    group: &Group<'_>,
    mut each: impl FnMut(i16, Decimal, bool) + Send,
) -> Result<(), sqlx::Error> {
    let streamed = async {
        // A candidate's first attempt is nearly always number 1, so the other branch is seldom looked at.
        let mut rows = sqlx::query!(
            r#"select a.form, a.score as "score!", a.state = 2 as "waits!"
             from attempt a
             where a.tenant_id = $1 and a.exam_id = $2 and a.state > 0 and ($3::smallint is null or a.form = $3)
               and ($4 or a.number = 1 or not exists (
                    select from attempt b
                    where b.tenant_id = $1 and b.exam_id = $2 and b.candidate = a.candidate and b.number < a.number
                      and b.state > 0))"#,
            group.tenant,
            group.exam.as_str(),
            group.form,
            group.all_attempts,
        )
        .fetch(conn);
        let (mut count, mut pace) = (0, group.hurry.pace());
        while let Some(row) = rows.try_next().await? {
            each(row.form, row.score, row.waits);
            count += 1;
            if count % CHUNK as u64 == 0 {
                pace.step().await;
            }
        }
        Ok(Streamed(count))
    };
    run("result_scores", streamed).await.map(|_| ())
}

/// The packed bytes of one attempt.
#[derive(Debug)]
pub struct Sheet {
    /// The index of its form in the exam.
    pub form: i16,
    /// Its responses; empty where they were not asked for.
    pub responses: Vec<u8>,
    /// Its marks.
    pub marks: Vec<u8>,
}

/// Sends every attempt of the group, in chunks and in the order of submission, until nobody listens any more.
pub async fn sheets(
    conn: &mut PgConnection,
    group: &Group<'_>,
    with_responses: bool,
    send: mpsc::Sender<Vec<Sheet>>,
) -> Result<(), sqlx::Error> {
    let streamed = async {
        let mut rows = sqlx::query_as!(
            Sheet,
            r#"select a.form, case when $5 then a.responses else ''::bytea end as "responses!", a.marks as "marks!"
             from attempt a
             where a.tenant_id = $1 and a.exam_id = $2 and a.state > 0 and ($3::smallint is null or a.form = $3)
               and ($4 or a.number = 1 or not exists (
                    select from attempt b
                    where b.tenant_id = $1 and b.exam_id = $2 and b.candidate = a.candidate and b.number < a.number
                      and b.state > 0))
             order by a.submit_time, a.attempt_id"#,
            group.tenant,
            group.exam.as_str(),
            group.form,
            group.all_attempts,
            with_responses,
        )
        .fetch(conn);
        let (mut count, mut chunk, mut pace) = (0, Vec::with_capacity(CHUNK), group.hurry.pace());
        while let Some(sheet) = rows.try_next().await? {
            count += 1;
            chunk.push(sheet);
            if chunk.len() == CHUNK {
                if send.send(std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK))).await.is_err() {
                    return Ok(Streamed(count));
                }
                pace.step().await;
            }
        }
        // Whoever folds says itself why it stopped listening.
        let _ = send.send(chunk).await;
        Ok(Streamed(count))
    };
    run("result_sheets", streamed).await.map(|_| ())
}

/// Marks of some attempts of the group that wait for a person, `limit` at most, without their responses.
pub async fn waiting_marks(
    conn: &mut PgConnection,
    group: &Group<'_>,
    limit: i64,
) -> Result<Vec<Sheet>, sqlx::Error> {
    run(
        "result_waiting",
        sqlx::query_as!(
            Sheet,
            r#"select a.form, ''::bytea as "responses!", a.marks as "marks!"
             from attempt a
             where a.tenant_id = $1 and a.exam_id = $2 and a.state > 0 and a.state = 2
               and ($3::smallint is null or a.form = $3)
               and ($4 or a.number = 1 or not exists (
                    select from attempt b
                    where b.tenant_id = $1 and b.exam_id = $2 and b.candidate = a.candidate and b.number < a.number
                      and b.state > 0))
             limit $5"#,
            group.tenant,
            group.exam.as_str(),
            group.form,
            group.all_attempts,
            limit,
        )
        .fetch_all(conn),
    )
    .await
}
