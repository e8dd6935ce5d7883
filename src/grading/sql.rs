//! Every statement about grading: schemes, tasks, and the revisions of marks. Those about regrades stand in
//! [`regrade_sql`](super::regrade_sql).
//!
//! Whoever changes marks locks the attempt with `for no key update`: it keeps others from changing it, and lets rows that
//! cite it be written, so that claiming and marking never wait for each other crosswise.

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use rust_decimal::Decimal;
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder, types::Json};
use uuid::Uuid;

use crate::{
    db::{Rows, run},
    filter::{Field, FieldType},
    ids::{AttemptName, ExamId, TaskName},
    page::{Key, Listing, Order, Page},
    points::Points,
};

use super::task::{Given, QuestionScheme, Scheme};

/// The grading scheme of an exam, with what the statement locks. What a statement that waits for a lock reads beside the
/// locked row is as old as its start, so whoever locks reads again.
macro_rules! scheme {
    ($conn:expr, $tenant:expr, $exam:expr, $lock:tt) => {{
        let row = run(
            "grading_scheme",
            sqlx::query!(
                r#"select s.marker_count as "marker_count?", s.tolerance as "tolerance?", s.anonymous as "anonymous?",
                    s.questions as "questions?: Json<Vec<QuestionScheme>>", s.revision as "revision?"
                 from exam e
                 left join grading_scheme s on s.tenant_id = $1 and s.exam_id = e.exam_id
                 where e.tenant_id = $1 and e.exam_id = $2 and e.delete_time is null "# + $lock,
                $tenant,
                $exam.as_str(),
            )
            .fetch_optional($conn),
        )
        .await?;
        Ok(row.map(|r| {
            let default = Scheme::default();
            Scheme {
                marker_count: r.marker_count.unwrap_or(default.marker_count),
                tolerance: r.tolerance.map_or(default.tolerance, Points::new),
                anonymous: r.anonymous.unwrap_or(default.anonymous),
                questions: r.questions.map(|q| q.0).unwrap_or_default(),
                revision: r.revision.unwrap_or(default.revision),
            }
        }))
    }};
}

/// The grading scheme of an exam; the defaults where nothing was said, none where there is no such exam.
pub async fn scheme(
    conn: &mut PgConnection,
    tenant: Uuid,
    exam: &ExamId,
) -> Result<Option<Scheme>, sqlx::Error> {
    scheme!(conn, tenant, exam, "")
}

/// The same for who changes it: nobody marks or claims by the old one meanwhile.
pub async fn scheme_to_change(
    conn: &mut PgConnection,
    tenant: Uuid,
    exam: &ExamId,
) -> Result<Option<Scheme>, sqlx::Error> {
    let held: Result<Option<Scheme>, sqlx::Error> = scheme!(&mut *conn, tenant, exam, "for update of e");
    if held?.is_none() {
        return Ok(None);
    }
    scheme(conn, tenant, exam).await
}

/// The same for who marks by it: it does not change meanwhile. To be locked before the attempt.
pub async fn scheme_to_mark(
    conn: &mut PgConnection,
    tenant: Uuid,
    exam: &ExamId,
) -> Result<Option<Scheme>, sqlx::Error> {
    let held: Result<Option<Scheme>, sqlx::Error> = scheme!(&mut *conn, tenant, exam, "for key share of e");
    if held?.is_none() {
        return Ok(None);
    }
    scheme(conn, tenant, exam).await
}

/// The same for who claims or gives back: one at a time for an exam, so that what is waiting is what each of them sees.
/// Who marks is not kept from it.
pub async fn scheme_to_claim(
    conn: &mut PgConnection,
    tenant: Uuid,
    exam: &ExamId,
) -> Result<Option<Scheme>, sqlx::Error> {
    let held: Result<Option<Scheme>, sqlx::Error> =
        scheme!(&mut *conn, tenant, exam, "for no key update of e");
    if held?.is_none() {
        return Ok(None);
    }
    scheme(conn, tenant, exam).await
}

/// Whether an exam is graded anonymously.
pub async fn is_anonymous(conn: &mut PgConnection, tenant: Uuid, exam: &ExamId) -> Result<bool, sqlx::Error> {
    let row = run(
        "grading_is_anonymous",
        sqlx::query_scalar!(
            "select anonymous from grading_scheme where tenant_id = $1 and exam_id = $2",
            tenant,
            exam.as_str(),
        )
        .fetch_optional(conn),
    )
    .await?;
    Ok(row.unwrap_or(false))
}

/// Stores a scheme where the stored one is that of `old` revision; the new revision, or none where it is not.
pub async fn store_scheme(
    conn: &mut PgConnection,
    tenant: Uuid,
    exam: &ExamId,
    scheme: &Scheme,
    now: DateTime<Utc>,
) -> Result<Option<i64>, sqlx::Error> {
    run(
        "grading_scheme_store",
        sqlx::query_scalar!(
            "insert into grading_scheme (tenant_id, exam_id, marker_count, tolerance, anonymous, questions)
             values ($1, $2, $3, $4, $5, $6)
             on conflict (tenant_id, exam_id) do update
             set marker_count = excluded.marker_count, tolerance = excluded.tolerance, anonymous = excluded.anonymous,
                questions = excluded.questions, revision = grading_scheme.revision + 1, update_time = $8
             where grading_scheme.revision = $7
             returning revision",
            tenant,
            exam.as_str(),
            scheme.marker_count,
            scheme.tolerance.decimal(),
            scheme.anonymous,
            Json(&scheme.questions) as _,
            scheme.revision,
            now,
        )
        .fetch_optional(conn),
    )
    .await
}

/// The database's clock.
pub async fn now(conn: &mut PgConnection) -> Result<DateTime<Utc>, sqlx::Error> {
    let row = run("clock", sqlx::query!(r#"select now() as "now!""#).fetch_all(conn)).await?;
    row.into_iter().next().map(|r| r.now).ok_or(sqlx::Error::RowNotFound)
}

/// The positions of an exam's forms that people mark, as columns.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// The index of the form.
    pub forms: Vec<i16>,
    /// The position.
    pub positions: Vec<i32>,
    /// The question's name.
    pub questions: Vec<String>,
    /// The part of a case.
    pub parts: Vec<i32>,
}

/// A response at a position that people mark. Whether it waits must be read from the marks.
#[derive(Debug, FromRow)]
#[expect(missing_docs, reason = "columns are described in the migration")]
pub struct TaskRow {
    pub attempt_id: Uuid,
    pub form: i16,
    pub position: i32,
    pub candidate: String,
    pub submit_time: DateTime<Utc>,
    pub responses: Vec<u8>,
    pub marks: Vec<u8>,
    /// The stored standing; none where nobody has claimed or marked it.
    pub standing: Option<i16>,
    /// Who has claimed it at present.
    pub claimed_by: Option<String>,
    pub claim_expires: Option<DateTime<Utc>>,
    pub given: Json<Vec<Given>>,
    /// Its place among others where the exam is graded anonymously; empty otherwise.
    pub lot: String,
    /// The database's clock.
    pub now: DateTime<Utc>,
}

/// The fields that tasks are filtered by, with those that tell when candidates sat at the end.
const FIELDS: [Field; 5] = [
    Field {
        name: "state",
        sql: "(case coalesce(g.state, 0) when 0 then 'waiting' when 1 then 'waiting_second' \
              when 2 then 'waiting_adjudication' else 'graded' end)",
        ty: FieldType::Word(
            "GRADING_TASK_STATE_",
            &["waiting", "waiting_second", "waiting_adjudication", "graded"],
        ),
    },
    Field { name: "question", sql: "p.question", ty: FieldType::Exact },
    Field { name: "part", sql: "p.part::bigint", ty: FieldType::Integer },
    Field {
        name: "claimed_by",
        sql: "(case when g.claim_expires > now() then g.claimed_by end)",
        ty: FieldType::Exact,
    },
    Field { name: "submit_time", sql: "a.submit_time", ty: FieldType::Time },
];

/// What ListGradingTasks offers.
pub static TASKS: Listing = Listing {
    method: "ListGradingTasks",
    fields: &FIELDS,
    orders: &[Order { name: "submit_time", sql: "a.submit_time" }],
    tie: &["a.attempt_id", "p.position"],
    newest_first: false,
};

/// A place that only this tenant's service can work out, so that the order of tasks tells nothing of that of the
/// candidates, nor which responses are of one attempt.
const LOT: &str =
    "(encode(sha256(t.page_secret || uuid_send(a.attempt_id) || int4send(p.position)), 'hex') collate \"C\")";

/// What ListGradingTasks offers where the exam is graded anonymously: nothing that has to do with who sat when.
pub static VEILED_TASKS: Listing = Listing {
    method: "ListGradingTasks, veiled",
    fields: FIELDS.split_at(4).0,
    orders: &[Order { name: "lot", sql: LOT }],
    tie: &["a.attempt_id", "p.position"],
    newest_first: false,
};

/// What of tasks is selected.
#[derive(Clone, Copy, Debug)]
struct Of {
    /// In an order that says nothing.
    veiled: bool,
    /// With what was answered, which may be much.
    responses: bool,
}

fn select_tasks(query: &mut QueryBuilder<Postgres>, tenant: Uuid, exam: &ExamId, places: &Places, of: Of) {
    query.push(
        "select a.attempt_id, a.form, p.position, a.candidate, a.submit_time, a.marks, g.state as standing, ",
    );
    query.push(if of.responses { "a.responses, " } else { "''::bytea as responses, " });
    query.push(if of.veiled { LOT } else { "''" });
    query.push(
        " as lot, \
         case when g.claim_expires > now() then g.claimed_by end as claimed_by, \
         case when g.claim_expires > now() then g.claim_expires end as claim_expires, \
         coalesce(g.marks, '[]'::jsonb) as given, now() as now \
         from attempt a join unnest(",
    );
    query.push_bind(places.forms.clone()).push("::int2[], ");
    query.push_bind(places.positions.clone()).push("::int4[], ");
    query.push_bind(places.questions.clone()).push("::text[], ");
    query.push_bind(places.parts.clone());
    query.push(
        "::int4[]) as p (form, position, question, part) on p.form = a.form \
         left join grading g on g.tenant_id = a.tenant_id and g.attempt_id = a.attempt_id and g.position = p.position",
    );
    if of.veiled {
        query.push(" join tenant t on t.tenant_id = a.tenant_id");
    }
    query.push(" where a.tenant_id = ");
    query.push_bind(tenant).push(" and a.exam_id = ").push_bind(exam.as_str().to_owned());
}

/// A page of responses at positions that people mark, with the exam's scheme; those that neither wait nor were marked are
/// among them where another response of the attempt waits.
pub async fn tasks(
    conn: &mut PgConnection,
    tenant: Uuid,
    exam: &ExamId,
    places: &Places,
    page: &Page,
    veiled: bool,
) -> Result<(Scheme, Vec<TaskRow>), sqlx::Error> {
    // The scheme comes with the first row, so that a page is one statement.
    let mut query = QueryBuilder::<Postgres>::new(
        "select t.*, case when row_number() over () = 1 then (select jsonb_build_object('marker_count', s.marker_count, \
         'tolerance', s.tolerance::text, 'anonymous', s.anonymous, 'questions', s.questions, 'revision', s.revision) \
         from grading_scheme s where s.tenant_id = ",
    );
    query.push_bind(tenant).push(" and s.exam_id = ").push_bind(exam.as_str().to_owned());
    query.push(") end as scheme from (");
    select_tasks(&mut query, tenant, exam, places, Of { veiled, responses: true });
    query.push(" and a.state > 0 and a.state < 3 and (a.state = 2 or g.state is not null)");
    page.push_conditions(&mut query);
    page.push_order(&mut query);
    query.push(if veiled { ") t order by t.lot collate \"C\"" } else { ") t order by t.submit_time" });
    query.push(", t.attempt_id, t.position");
    let mut rows: Vec<ListedRow> = run("grading_tasks", query.build_query_as().fetch_all(conn)).await?;
    let scheme = rows.first_mut().and_then(|row| row.scheme.take()).map(|s| s.0).unwrap_or_default();
    Ok((scheme, rows.into_iter().map(|row| row.task).collect()))
}

#[derive(FromRow)]
struct ListedRow {
    #[sqlx(flatten)]
    task: TaskRow,
    scheme: Option<Json<Scheme>>,
}

/// The sort key of a task.
pub fn task_key(row: &TaskRow) -> Vec<Key> {
    let first = if row.lot.is_empty() { Key::Time(row.submit_time) } else { Key::Text(row.lot.clone()) };
    vec![first, Key::Uuid(row.attempt_id), Key::Integer(i64::from(row.position))]
}

/// What a grader wants to claim.
#[derive(Clone, Debug)]
pub struct Want<'a> {
    /// Who.
    pub grader: &'a str,
    /// Only this stored standing.
    pub standing: Option<i16>,
    /// In an order that says nothing, not the oldest submission first.
    pub veiled: bool,
    /// Go on after this task.
    pub after: Option<After>,
}

/// Where a task stands among those that can be claimed.
#[derive(Clone, Debug)]
pub struct After(DateTime<Utc>, String, Uuid, i32);

impl From<&TaskRow> for After {
    fn from(row: &TaskRow) -> Self {
        Self(row.submit_time, row.lot.clone(), row.attempt_id, row.position)
    }
}

/// Responses that the grader may claim, without what they say; some of them may not wait.
pub async fn claimable(
    conn: &mut PgConnection,
    tenant: Uuid,
    exam: &ExamId,
    places: &Places,
    want: &Want<'_>,
    limit: i64,
) -> Result<Vec<TaskRow>, sqlx::Error> {
    let mut query = QueryBuilder::<Postgres>::new("");
    select_tasks(&mut query, tenant, exam, places, Of { veiled: want.veiled, responses: false });
    query.push(" and a.state = 2 and coalesce(g.state, 0) < 3 and (g.claimed_by is null or g.claim_expires <= now())");
    query.push(" and not coalesce(g.marks @> ").push_bind(Json(marked_by(want.grader))).push(", false)");
    if let Some(standing) = want.standing {
        query.push(" and coalesce(g.state, 0) = ").push_bind(standing);
    }
    let order = if want.veiled { LOT } else { "a.submit_time" };
    if let Some(After(time, lot, attempt, position)) = want.after.clone() {
        query.push(" and (").push(order).push(", a.attempt_id, p.position) > (");
        if want.veiled {
            query.push_bind(lot)
        } else {
            query.push_bind(time)
        };
        query.push(", ").push_bind(attempt).push(", ").push_bind(position).push(")");
    }
    query.push(" order by ").push(order).push(", a.attempt_id, p.position limit ").push_bind(limit);
    run("grading_claimable", query.build_query_as().fetch_all(conn)).await
}

fn marked_by(grader: &str) -> serde_json::Value {
    serde_json::json!([{ "grader": grader }])
}

/// One claim that was made.
#[derive(Debug)]
#[expect(missing_docs, reason = "columns are described in the migration")]
pub struct Claimed {
    pub attempt_id: Uuid,
    pub position: i32,
    pub standing: i16,
    pub given: Json<Vec<Given>>,
    pub responses: Vec<u8>,
}

/// Claims tasks for a grader, and says what was answered. Those that somebody marks in between without a claim are missing
/// from the answer: the condition is checked on the newest row, after whoever had it has committed.
pub async fn claim(
    conn: &mut PgConnection,
    tenant: Uuid,
    exam: &ExamId,
    grader: &str,
    expires: DateTime<Utc>,
    rows: &[&TaskRow],
) -> Result<Vec<Claimed>, sqlx::Error> {
    let attempts: Vec<Uuid> = rows.iter().map(|r| r.attempt_id).collect();
    let positions: Vec<i32> = rows.iter().map(|r| r.position).collect();
    let forms: Vec<i16> = rows.iter().map(|r| r.form).collect();
    let now = rows.first().map_or(expires, |r| r.now);
    run(
        "grading_claim",
        sqlx::query_as!(
            Claimed,
            r#"with claimed as (
                insert into grading (tenant_id, attempt_id, position, exam_id, form, claimed_by, claim_expires)
                select $1, c.attempt, c.position, $2, c.form, $3, $4
                from unnest($5::uuid[], $6::int4[], $7::int2[]) as c (attempt, position, form)
                on conflict (tenant_id, attempt_id, position) do update
                set claimed_by = excluded.claimed_by, claim_expires = excluded.claim_expires
                where grading.state < 3 and (grading.claimed_by is null or grading.claim_expires <= $8)
                    and not grading.marks @> $9
                returning attempt_id, position, state, marks
             )
             select c.attempt_id, c.position, c.state as standing, c.marks as "given: Json<Vec<Given>>", a.responses
             from claimed c
             join attempt a on a.tenant_id = $1 and a.attempt_id = c.attempt_id"#,
            tenant,
            exam.as_str(),
            grader,
            expires,
            &attempts,
            &positions,
            &forms,
            now,
            marked_by(grader),
        )
        .fetch_all(conn),
    )
    .await
}

/// Gives back what a grader has claimed: these responses, or all.
pub async fn release(
    conn: &mut PgConnection,
    tenant: Uuid,
    exam: &ExamId,
    grader: &str,
    names: Option<&[TaskName]>,
) -> Result<u64, sqlx::Error> {
    let attempts: Vec<Uuid> = names.unwrap_or_default().iter().map(|n| n.attempt).collect();
    let positions: Vec<i32> = names.unwrap_or_default().iter().map(|n| n.position).collect();
    let done = run(
        "grading_release",
        sqlx::query!(
            "update grading set claimed_by = null, claim_expires = null
             where tenant_id = $1 and exam_id = $2 and claimed_by = $3
                and ($4 or (attempt_id, position) in (select * from unnest($5::uuid[], $6::int4[])))",
            tenant,
            exam.as_str(),
            grader,
            names.is_none(),
            &attempts,
            &positions,
        )
        .execute(conn),
    )
    .await?;
    Ok(done.rows_affected())
}

/// A submitted attempt, locked against other changes, with what grading one response needs.
#[derive(Debug)]
#[expect(missing_docs, reason = "columns are described in the migration")]
pub struct LockedRow {
    pub form: i16,
    pub revision: i32,
    pub state: i16,
    pub candidate: String,
    pub submit_time: DateTime<Utc>,
    pub score: Decimal,
    pub awaiting: Decimal,
    pub responses: Vec<u8>,
    pub marks: Vec<u8>,
    pub pass_mark: Option<Decimal>,
    pub pass_percent: Option<Decimal>,
}

/// Locks a submitted attempt; none where it is open, void or another exam's.
pub async fn lock_attempt(
    conn: &mut PgConnection,
    tenant: Uuid,
    name: &AttemptName,
) -> Result<Option<LockedRow>, sqlx::Error> {
    run(
        "grading_lock_attempt",
        sqlx::query_as!(
            LockedRow,
            r#"select a.form, a.revision, a.state, a.candidate, a.submit_time as "submit_time!", a.score as "score!",
                a.awaiting as "awaiting!", a.responses, a.marks as "marks!", e.pass_mark, e.pass_percent
             from attempt a
             join exam e on e.tenant_id = $1 and e.exam_id = a.exam_id
             where a.tenant_id = $1 and a.attempt_id = $2 and a.exam_id = $3 and a.state > 0 and a.state < 3
             for no key update of a"#,
            tenant,
            name.attempt,
            name.exam.as_str(),
        )
        .fetch_optional(conn),
    )
    .await
}

/// What is stored about one response.
#[derive(Debug)]
#[expect(missing_docs, reason = "columns are described in the migration")]
pub struct GradingRow {
    pub standing: i16,
    pub claimed_by: Option<String>,
    pub claim_expires: Option<DateTime<Utc>>,
    pub given: Json<Vec<Given>>,
}

/// What is stored about one response, locked; none where nobody has claimed or marked it.
pub async fn lock_grading(
    conn: &mut PgConnection,
    tenant: Uuid,
    name: &TaskName,
) -> Result<Option<GradingRow>, sqlx::Error> {
    run(
        "grading_lock",
        sqlx::query_as!(
            GradingRow,
            r#"select state as standing, claimed_by, claim_expires, marks as "given: Json<Vec<Given>>"
             from grading where tenant_id = $1 and attempt_id = $2 and position = $3
             for update"#,
            tenant,
            name.attempt,
            name.position,
        )
        .fetch_optional(conn),
    )
    .await
}

/// Stores what a response was given, and ends its claim. The caller has locked the attempt.
pub async fn store_given(
    conn: &mut PgConnection,
    tenant: Uuid,
    name: &TaskName,
    form: i16,
    standing: i16,
    given: &[Given],
) -> Result<(), sqlx::Error> {
    run(
        "grading_store",
        sqlx::query!(
            "insert into grading (tenant_id, attempt_id, position, exam_id, form, state, marks)
             values ($1, $2, $3, $4, $5, $6, $7)
             on conflict (tenant_id, attempt_id, position) do update
             set state = excluded.state, marks = excluded.marks, claimed_by = null, claim_expires = null",
            tenant,
            name.attempt,
            name.position,
            name.exam.as_str(),
            form,
            standing,
            Json(given) as _,
        )
        .execute(conn),
    )
    .await?;
    Ok(())
}

/// A response that has marks and waits for another one, with what its attempt has.
#[derive(Debug)]
#[expect(missing_docs, reason = "columns are described in the migration")]
pub struct HalfMarked {
    pub attempt_id: Uuid,
    pub position: i32,
    pub form: i16,
    pub given: Json<Vec<Given>>,
    pub revision: i32,
    pub score: Decimal,
    pub awaiting: Decimal,
    pub marks: Vec<u8>,
    pub pass_mark: Option<Decimal>,
    pub pass_percent: Option<Decimal>,
}

/// The next responses at an exam that have marks and wait for another one, with their attempts, all locked; those of one
/// attempt stand together.
pub async fn half_marked(
    conn: &mut PgConnection,
    tenant: Uuid,
    exam: &ExamId,
    after: (Uuid, i32),
    limit: i64,
) -> Result<Vec<HalfMarked>, sqlx::Error> {
    run(
        "grading_half_marked",
        sqlx::query_as!(
            HalfMarked,
            r#"select g.attempt_id, g.position, g.form, g.marks as "given: Json<Vec<Given>>", a.revision,
                a.score as "score!", a.awaiting as "awaiting!", a.marks as "marks!", e.pass_mark, e.pass_percent
             from grading g
             join attempt a on a.tenant_id = $1 and a.attempt_id = g.attempt_id and a.state = 2
             join exam e on e.tenant_id = $1 and e.exam_id = $2
             where g.tenant_id = $1 and g.exam_id = $2 and g.state in (1, 2) and (g.attempt_id, g.position) > ($3, $4)
             order by g.attempt_id, g.position
             limit $5
             for no key update of a, g"#,
            tenant,
            exam.as_str(),
            after.0,
            after.1,
            limit,
        )
        .fetch_all(conn),
    )
    .await
}

/// Notes that responses have their marks, and ends their claims. The caller has locked the attempts.
pub async fn store_settled(
    conn: &mut PgConnection,
    tenant: Uuid,
    places: &[(Uuid, i32)],
) -> Result<(), sqlx::Error> {
    let (attempts, positions): (Vec<Uuid>, Vec<i32>) = places.iter().copied().unzip();
    run(
        "grading_settle",
        sqlx::query!(
            "update grading g set state = 3, claimed_by = null, claim_expires = null
             from unnest($2::uuid[], $3::int4[]) as n (attempt, position)
             where g.tenant_id = $1 and g.attempt_id = n.attempt and g.position = n.position",
            tenant,
            &attempts,
            &positions,
        )
        .execute(conn),
    )
    .await?;
    Ok(())
}

/// How many were streamed.
#[derive(Clone, Copy, Debug)]
struct Streamed(u64);

impl Rows for Streamed {
    fn rows(&self) -> u64 {
        self.0
    }
}

/// Hands form and marks of every waiting attempt to `each`.
pub async fn waiting(
    conn: &mut PgConnection,
    tenant: Uuid,
    exam: &ExamId,
    mut each: impl FnMut(i16, &[u8]) + Send,
) -> Result<(), sqlx::Error> {
    let streamed = async {
        let mut rows = sqlx::query!(
            r#"select form, marks as "marks!" from attempt where tenant_id = $1 and exam_id = $2 and state = 2"#,
            tenant,
            exam.as_str(),
        )
        .fetch(conn);
        let mut count = 0;
        while let Some(row) = rows.try_next().await? {
            each(row.form, &row.marks);
            count += 1;
        }
        Ok(Streamed(count))
    };
    run("grading_waiting", streamed).await.map(|_| ())
}

/// A response that was claimed or marked and has no mark yet, as far as its row says.
#[derive(Debug)]
#[expect(missing_docs, reason = "columns are described in the migration")]
pub struct UnderWay {
    pub form: i16,
    pub position: i32,
    pub standing: i16,
    pub claimed: bool,
    pub marks: Vec<u8>,
}

/// Hands every response of waiting attempts that was claimed or marked without an end to `each`.
pub async fn under_way(
    conn: &mut PgConnection,
    tenant: Uuid,
    exam: &ExamId,
    mut each: impl FnMut(UnderWay) + Send,
) -> Result<(), sqlx::Error> {
    let streamed = async {
        let mut rows = sqlx::query_as!(
            UnderWay,
            r#"select g.form, g.position, g.state as standing, coalesce(g.claim_expires > now(), false) as "claimed!",
                a.marks as "marks!"
             from grading g
             join attempt a on a.tenant_id = $1 and a.attempt_id = g.attempt_id and a.state = 2
             where g.tenant_id = $1 and g.exam_id = $2 and g.state < 3"#,
            tenant,
            exam.as_str(),
        )
        .fetch(conn);
        let mut count = 0;
        while let Some(row) = rows.try_next().await? {
            each(row);
            count += 1;
        }
        Ok(Streamed(count))
    };
    run("grading_under_way", streamed).await.map(|_| ())
}

/// Responses that have their mark from people, by form and position.
pub async fn graded(
    conn: &mut PgConnection,
    tenant: Uuid,
    exam: &ExamId,
) -> Result<Vec<(i16, i32, i64)>, sqlx::Error> {
    let rows = run(
        "grading_graded",
        sqlx::query!(
            r#"select form, position, count(*) as "count!" from grading
             where tenant_id = $1 and exam_id = $2 and state = 3
             group by form, position"#,
            tenant,
            exam.as_str(),
        )
        .fetch_all(conn),
    )
    .await?;
    Ok(rows.into_iter().map(|r| (r.form, r.position, r.count)).collect())
}
