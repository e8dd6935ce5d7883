//! Every statement about results. They read attempts and change nothing.
//!
//! Only submitted attempts have results; the condition is written `a.state > 0` everywhere, as the partial indexes have
//! it. What may be a million rows is streamed in the order of submission, which an index gives without sorting and
//! which makes sums of floats come out the same every time.

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use rust_decimal::Decimal;
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder, types::Json};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::{
    db::{Rows, run},
    error::Result,
    exam::policy::{Band, Counting, Tally},
    filter::{Field, FieldType},
    ids::{AttemptName, ExamId},
    page::{Key, Listing, Order, Page},
    place::Place,
    points::Rounding,
};

/// Rows that travel together to the thread that folds them.
const CHUNK: usize = 1024;

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
    pub marks: Vec<u8>,
    pub pass_mark: Option<Decimal>,
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
                a.marks as "marks!", e.pass_mark, e.grade_bands as "grade_bands: Json<Vec<Band>>", a.flags
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

/// A result in a list.
#[derive(Debug, FromRow)]
#[expect(missing_docs, reason = "columns are described in the migration")]
pub struct ListRow {
    pub attempt_id: Uuid,
    pub exam_id: String,
    pub candidate: String,
    pub number: i32,
    /// The form's name.
    pub form: String,
    pub state: i16,
    pub score: Decimal,
    pub awaiting: Decimal,
    /// The points of the form.
    pub total: Decimal,
    pub pass_mark: Option<Decimal>,
    pub grade_bands: Json<Vec<Band>>,
    pub flags: i16,
    pub start_time: DateTime<Utc>,
    pub submit_time: DateTime<Utc>,
    pub revision: i32,
}

/// What ListResults offers. `passed` is null (neither true nor false) as [`passed`](crate::exam::policy::passed) has it.
pub static RESULTS: Listing = Listing {
    method: "ListResults",
    fields: &[
        Field { name: "candidate", sql: "a.candidate", ty: FieldType::Exact },
        Field { name: "form", sql: "e.forms[a.form + 1]", ty: FieldType::Exact },
        Field {
            name: "state",
            sql: "(case a.state when 1 then 'scored' else 'awaiting_grading' end)",
            ty: FieldType::Word("RESULT_STATE_", &["scored", "awaiting_grading"]),
        },
        Field { name: "score", sql: "a.score", ty: FieldType::Decimal },
        Field {
            name: "passed",
            sql: "(case when a.score >= e.pass_mark then true when a.score + a.awaiting < e.pass_mark then false end)",
            ty: FieldType::Bool,
        },
        Field { name: "attempt_number", sql: "a.number", ty: FieldType::Integer },
        Field { name: "submit_time", sql: "a.submit_time", ty: FieldType::Time },
    ],
    orders: &[Order { name: "submit_time", sql: "a.submit_time" }, Order { name: "score", sql: "a.score" }],
    tie: &["a.attempt_id"],
    newest_first: false,
};

/// A page of results of one exam or of all.
pub async fn results(
    conn: &mut PgConnection,
    tenant: Uuid,
    place: &Place,
    page: &Page,
) -> Result<Vec<ListRow>> {
    let mut query = QueryBuilder::<Postgres>::new(
        // The form's points come by a subquery: a join through computed names would be estimated to drop nearly all rows,
        // and the planner would then sort the whole exam for every page.
        "select a.attempt_id, a.exam_id, a.candidate, a.number, e.forms[a.form + 1] as form, a.state, a.score, a.awaiting, \
         (select f.total from form f \
          where f.tenant_id = a.tenant_id and f.blueprint_id = split_part(e.forms[a.form + 1], '/', 2) \
            and f.form_id = split_part(e.forms[a.form + 1], '/', 4)) as total, \
         e.pass_mark, e.grade_bands, a.flags, a.start_time, a.submit_time, a.revision \
         from attempt a \
         join exam e on e.tenant_id = a.tenant_id and e.exam_id = a.exam_id \
         where a.state > 0 and a.tenant_id = ",
    );
    query.push_bind(tenant);
    if let Place::Exam(name) = place {
        query.push(" and a.exam_id = ").push_bind(name.exam.to_string());
    }
    page.rows("result_list", conn, tenant, place, query).await
}

/// The sort key of a result in a list.
pub fn result_key(page: &Page, row: &ListRow) -> Vec<Key> {
    let first = match page.order() {
        "score" => Key::Decimal(row.score),
        _ => Key::Time(row.submit_time),
    };
    vec![first, Key::Uuid(row.attempt_id)]
}

/// What the exam says about which attempt counts, and what the candidate has made.
#[derive(Debug)]
pub struct Record {
    /// Which attempt counts.
    pub counting: Counting,
    /// How a mean is rounded.
    pub rounding: Rounding,
    /// The exam's pass mark.
    pub pass_mark: Option<Decimal>,
    /// The exam's grades.
    pub bands: Vec<Band>,
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
                e.grade_bands as "grade_bands: Json<Vec<Band>>",
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
        pass_mark: r.pass_mark,
        bands: r.grade_bands.0,
        allowed: r.allowed,
        used,
        submitted,
    }))
}

/// One form of an exam, with the pass mark of the exam.
#[derive(Debug)]
pub struct ExamForm {
    /// Its name.
    pub form: String,
    /// Its points.
    pub total: Decimal,
    /// The exam's pass mark.
    pub pass_mark: Option<Decimal>,
}

/// The forms of an exam, in order; none where there is no such exam.
pub async fn exam_forms(
    conn: &mut PgConnection,
    tenant: Uuid,
    exam: &ExamId,
) -> Result<Vec<ExamForm>, sqlx::Error> {
    run(
        "exam_forms",
        sqlx::query_as!(
            ExamForm,
            r#"select n.form as "form!", f.total, e.pass_mark
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
    .await
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
}

/// How many rows were streamed.
#[derive(Clone, Copy, Debug)]
struct Streamed(u64);

impl Rows for Streamed {
    fn rows(&self) -> u64 {
        self.0
    }
}

/// Hands the score of every attempt of the group to `each`, and whether it waits for a person; in no order.
pub async fn scores(
    conn: &mut PgConnection,
    group: &Group<'_>,
    mut each: impl FnMut(Decimal, bool) + Send,
) -> Result<(), sqlx::Error> {
    let streamed = async {
        // A candidate's first attempt is nearly always number 1, so the other branch is seldom looked at.
        let mut rows = sqlx::query!(
            r#"select a.score as "score!", a.state = 2 as "waits!"
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
        let mut count = 0;
        while let Some(row) = rows.try_next().await? {
            each(row.score, row.waits);
            count += 1;
        }
        Ok(Streamed(count))
    };
    run("result_scores", streamed).await.map(|_| ())
}

/// The packed bytes of one attempt.
#[derive(Debug)]
pub struct Sheet {
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
            r#"select case when $5 then a.responses else ''::bytea end as "responses!", a.marks as "marks!"
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
        let (mut count, mut chunk) = (0, Vec::with_capacity(CHUNK));
        while let Some(sheet) = rows.try_next().await? {
            count += 1;
            chunk.push(sheet);
            if chunk.len() == CHUNK
                && send.send(std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK))).await.is_err()
            {
                return Ok(Streamed(count));
            }
        }
        // Whoever folds says itself why it stopped listening.
        let _ = send.send(chunk).await;
        Ok(Streamed(count))
    };
    run("result_sheets", streamed).await.map(|_| ())
}

/// Marks of some attempts of the group that wait for a person, `limit` at most.
pub async fn waiting_marks(
    conn: &mut PgConnection,
    group: &Group<'_>,
    limit: i64,
) -> Result<Vec<Vec<u8>>, sqlx::Error> {
    run(
        "result_waiting",
        sqlx::query_scalar!(
            r#"select a.marks as "marks!"
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
