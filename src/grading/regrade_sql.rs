//! Every statement about regrades.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder, types::Json};
use uuid::Uuid;

use crate::{
    bank::content::Content,
    db::run,
    error::Result,
    exam::standard::{Band, Standards},
    ids::{ExamId, ExamName, RegradeName},
    page::{Listing, Order, Page},
};

use super::regrade::{Counts, Rule};

/// The published versions that rules mean: the one named, else the newest; missing where there is none.
pub async fn versions(
    conn: &mut PgConnection,
    tenant: Uuid,
    rules: &[Rule],
) -> Result<Vec<(usize, i32, Content)>, sqlx::Error> {
    // Names were parsed: banks/{bank}/questions/{question}.
    let part = |rule: &Rule, at: usize| rule.question.split('/').nth(at).unwrap_or_default().to_owned();
    let banks: Vec<String> = rules.iter().map(|r| part(r, 1)).collect();
    let questions: Vec<String> = rules.iter().map(|r| part(r, 3)).collect();
    let versions: Vec<i32> = rules.iter().map(|r| r.version.unwrap_or(0)).collect();
    let rows = run(
        "regrade_versions",
        sqlx::query!(
            r#"select n.ordinal as "ordinal!", v.version, v.content as "content: Json<Content>"
             from unnest($2::text[], $3::text[], $4::int[]) with ordinality as n (bank_id, question_id, version, ordinal)
             join question q on q.tenant_id = $1 and q.bank_id = n.bank_id and q.question_id = n.question_id
             join question_version v
                on v.tenant_id = $1 and v.bank_id = n.bank_id and v.question_id = n.question_id
                and v.version = coalesce(nullif(n.version, 0), q.version)"#,
            tenant,
            &banks,
            &questions,
            &versions,
        )
        .fetch_all(conn),
    )
    .await?;
    Ok(rows.into_iter().map(|r| (r.ordinal as usize - 1, r.version, r.content.0)).collect())
}

/// A submitted attempt as a regrade sees it.
#[derive(Debug)]
#[expect(missing_docs, reason = "columns are described in the migration")]
pub struct SheetRow {
    pub attempt_id: Uuid,
    pub form: i16,
    pub revision: i32,
    pub submit_time: DateTime<Utc>,
    pub score: Decimal,
    pub awaiting: Decimal,
    pub responses: Vec<u8>,
    pub marks: Vec<u8>,
}

/// Where a regrade goes on: after this attempt.
pub type Cursor = (DateTime<Utc>, Uuid);

/// Before every attempt.
pub const START: Cursor = (DateTime::UNIX_EPOCH, Uuid::nil());

/// The next submitted attempts of an exam, in the order of submission.
pub async fn sheets(
    conn: &mut PgConnection,
    tenant: Uuid,
    exam: &ExamId,
    after: Cursor,
    limit: i64,
) -> Result<Vec<SheetRow>, sqlx::Error> {
    run(
        "regrade_sheets",
        sqlx::query_as!(
            SheetRow,
            r#"select attempt_id, form, revision, submit_time as "submit_time!", score as "score!",
                awaiting as "awaiting!", responses, marks as "marks!"
             from attempt
             where tenant_id = $1 and exam_id = $2 and state > 0 and (submit_time, attempt_id) > ($3, $4)
             order by submit_time, attempt_id limit $5"#,
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

/// The same, locked against other changes until the transaction ends.
pub async fn lock_sheets(
    conn: &mut PgConnection,
    tenant: Uuid,
    exam: &ExamId,
    after: Cursor,
    limit: i64,
) -> Result<Vec<SheetRow>, sqlx::Error> {
    run(
        "regrade_lock_sheets",
        sqlx::query_as!(
            SheetRow,
            r#"select attempt_id, form, revision, submit_time as "submit_time!", score as "score!",
                awaiting as "awaiting!", responses, marks as "marks!"
             from attempt
             where tenant_id = $1 and exam_id = $2 and state > 0 and (submit_time, attempt_id) > ($3, $4)
             order by submit_time, attempt_id limit $5
             for no key update"#,
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

/// What an exam says of scores; nothing where there is no such exam.
pub async fn standards(
    conn: &mut PgConnection,
    tenant: Uuid,
    exam: &ExamId,
) -> Result<Standards, sqlx::Error> {
    let row = run(
        "exam_standards",
        sqlx::query!(
            r#"select pass_mark, pass_percent, grade_bands as "grade_bands: Json<Vec<Band>>" from exam
             where tenant_id = $1 and exam_id = $2"#,
            tenant,
            exam.as_str()
        )
        .fetch_optional(conn),
    )
    .await?;
    Ok(row.map(|r| Standards::stored(r.pass_mark, r.pass_percent, r.grade_bands.0)).unwrap_or_default())
}

/// A regrade as stored, with the state of its newest operation.
#[derive(Clone, Debug, FromRow)]
#[expect(missing_docs, reason = "columns are described in the migration")]
pub struct RegradeRow {
    pub regrade_id: Uuid,
    pub exam_id: String,
    pub operation_id: Uuid,
    pub state: String,
    pub rules: Json<Vec<Rule>>,
    pub never_lower: bool,
    pub reason: String,
    pub actor: String,
    pub total: i64,
    pub examined: i64,
    pub revised: i64,
    pub changed: i64,
    pub newly_passed: i64,
    pub newly_failed: i64,
    pub skipped: i64,
    pub error: String,
    pub create_time: DateTime<Utc>,
    pub update_time: DateTime<Utc>,
}

impl RegradeRow {
    /// Its name.
    pub fn name(&self) -> RegradeName {
        RegradeName { exam: ExamId::stored(self.exam_id.clone()), regrade: self.regrade_id }
    }

    /// The same with other counts.
    pub fn with(&self, counts: &Counts) -> Self {
        let &Counts { examined, revised, changed, newly_passed, newly_failed, skipped } = counts;
        Self { examined, revised, changed, newly_passed, newly_failed, skipped, ..self.clone() }
    }

    /// What it has changed so far.
    pub fn counts(&self) -> Counts {
        Counts {
            examined: self.examined,
            revised: self.revised,
            changed: self.changed,
            newly_passed: self.newly_passed,
            newly_failed: self.newly_failed,
            skipped: self.skipped,
        }
    }
}

const COLUMNS: &str = "select r.regrade_id, r.exam_id, r.operation_id, o.state, r.rules, r.never_lower, r.reason, r.actor, \
    r.total, r.examined, r.revised, r.changed, r.newly_passed, r.newly_failed, r.skipped, \
    o.error, r.create_time, greatest(r.update_time, o.update_time) as update_time \
    from regrade r join operation o on o.tenant_id = r.tenant_id and o.operation_id = r.operation_id \
    where r.tenant_id = ";

/// A regrade.
pub async fn regrade(
    conn: &mut PgConnection,
    tenant: Uuid,
    name: &RegradeName,
) -> Result<Option<RegradeRow>, sqlx::Error> {
    let mut query = QueryBuilder::<Postgres>::new(COLUMNS);
    query.push_bind(tenant).push(" and r.regrade_id = ").push_bind(name.regrade);
    query.push(" and r.exam_id = ").push_bind(name.exam.as_str().to_owned());
    run("regrade", query.build_query_as().fetch_optional(conn)).await
}

/// The regrade that an operation carries.
pub async fn regrade_of(
    conn: &mut PgConnection,
    tenant: Uuid,
    operation: Uuid,
) -> Result<Option<RegradeRow>, sqlx::Error> {
    let mut query = QueryBuilder::<Postgres>::new(COLUMNS);
    query.push_bind(tenant).push(" and r.operation_id = ").push_bind(operation);
    run("regrade_of_operation", query.build_query_as().fetch_optional(conn)).await
}

/// Locks a regrade against another resumption; whether there is one.
pub async fn lock(conn: &mut PgConnection, tenant: Uuid, name: &RegradeName) -> Result<bool, sqlx::Error> {
    let row = run(
        "regrade_lock",
        sqlx::query_scalar!(
            "select regrade_id from regrade where tenant_id = $1 and regrade_id = $2 and exam_id = $3 for update",
            tenant,
            name.regrade,
            name.exam.as_str(),
        )
        .fetch_optional(conn),
    )
    .await?;
    Ok(row.is_some())
}

/// What ListRegrades offers.
pub static REGRADES: Listing = Listing {
    method: "ListRegrades",
    fields: &[],
    orders: &[Order { name: "create_time", sql: "r.create_time" }],
    tie: &["r.regrade_id"],
    newest_first: true,
};

/// A page of the regrades of an exam.
pub async fn regrades(
    conn: &mut PgConnection,
    tenant: Uuid,
    exam: &ExamId,
    page: &Page,
) -> Result<Vec<RegradeRow>> {
    let mut query = QueryBuilder::<Postgres>::new(COLUMNS);
    query.push_bind(tenant).push(" and r.exam_id = ").push_bind(exam.as_str().to_owned());
    let place = ExamName { exam: exam.clone() }.into();
    page.rows("regrade_list", conn, tenant, &place, query).await
}

/// How many results an exam has at this moment of the database's clock.
pub async fn total(
    conn: &mut PgConnection,
    tenant: Uuid,
    exam: &ExamId,
) -> Result<(i64, DateTime<Utc>), sqlx::Error> {
    let row = run(
        "regrade_total",
        sqlx::query!(
            r#"select count(*) as "total!", now() as "now!" from attempt
             where tenant_id = $1 and exam_id = $2 and state > 0"#,
            tenant,
            exam.as_str(),
        )
        .fetch_all(conn),
    )
    .await?;
    row.into_iter().next().map(|r| (r.total, r.now)).ok_or(sqlx::Error::RowNotFound)
}

/// Stores a regrade that begins, and whose operation is stored already.
pub async fn insert(conn: &mut PgConnection, tenant: Uuid, row: &RegradeRow) -> Result<(), sqlx::Error> {
    run(
        "regrade_insert",
        sqlx::query!(
            "insert into regrade (tenant_id, regrade_id, exam_id, operation_id, rules, never_lower, reason, actor, total)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            tenant,
            row.regrade_id,
            row.exam_id,
            row.operation_id,
            &row.rules as _,
            row.never_lower,
            row.reason,
            row.actor,
            row.total,
        )
        .execute(conn),
    )
    .await?;
    Ok(())
}

/// Lets another operation carry a regrade.
pub async fn carry_by(
    conn: &mut PgConnection,
    tenant: Uuid,
    regrade: Uuid,
    operation: Uuid,
) -> Result<(), sqlx::Error> {
    run(
        "regrade_carry_by",
        sqlx::query!(
            "update regrade set operation_id = $3, update_time = now() where tenant_id = $1 and regrade_id = $2",
            tenant,
            regrade,
            operation,
        )
        .execute(conn),
    )
    .await?;
    Ok(())
}

/// What a step must know anew each time: how far the regrade is, and what counts as passed now.
#[derive(Debug)]
#[expect(missing_docs, reason = "columns are described in the migration")]
pub struct Standing {
    pub cursor_time: Option<DateTime<Utc>>,
    pub cursor_attempt: Option<Uuid>,
    pub examined: i64,
    pub revised: i64,
    pub changed: i64,
    pub newly_passed: i64,
    pub newly_failed: i64,
    pub skipped: i64,
    pub pass_mark: Option<Decimal>,
    pub pass_percent: Option<Decimal>,
    pub now: DateTime<Utc>,
}

impl Standing {
    /// What decides whether a score passes; grades do not matter here.
    pub fn standards(&self) -> Standards {
        Standards::stored(self.pass_mark, self.pass_percent, Vec::new())
    }

    /// Where it goes on.
    pub fn cursor(&self) -> Cursor {
        self.cursor_time.zip(self.cursor_attempt).unwrap_or(START)
    }

    /// What it has changed so far.
    pub fn counts(&self) -> Counts {
        Counts {
            examined: self.examined,
            revised: self.revised,
            changed: self.changed,
            newly_passed: self.newly_passed,
            newly_failed: self.newly_failed,
            skipped: self.skipped,
        }
    }
}

/// Where a regrade stands. Its operation is locked, so nobody else moves it.
pub async fn standing(
    conn: &mut PgConnection,
    tenant: Uuid,
    regrade: Uuid,
) -> Result<Option<Standing>, sqlx::Error> {
    run(
        "regrade_standing",
        sqlx::query_as!(
            Standing,
            r#"select r.cursor_time, r.cursor_attempt, r.examined, r.revised, r.changed, r.newly_passed, r.newly_failed,
                r.skipped, e.pass_mark, e.pass_percent, now() as "now!"
             from regrade r join exam e on e.tenant_id = $1 and e.exam_id = r.exam_id
             where r.tenant_id = $1 and r.regrade_id = $2"#,
            tenant,
            regrade,
        )
        .fetch_optional(conn),
    )
    .await
}

/// Stores how far a regrade has come.
pub async fn advance(
    conn: &mut PgConnection,
    tenant: Uuid,
    regrade: Uuid,
    cursor: Cursor,
    counts: &Counts,
) -> Result<(), sqlx::Error> {
    run(
        "regrade_advance",
        sqlx::query!(
            "update regrade
             set cursor_time = $3, cursor_attempt = $4, examined = $5, revised = $6, changed = $7, newly_passed = $8,
                newly_failed = $9, skipped = $10, update_time = now()
             where tenant_id = $1 and regrade_id = $2",
            tenant,
            regrade,
            cursor.0,
            cursor.1,
            counts.examined,
            counts.revised,
            counts.changed,
            counts.newly_passed,
            counts.newly_failed,
            counts.skipped,
        )
        .execute(conn),
    )
    .await?;
    Ok(())
}
