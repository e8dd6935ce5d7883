//! Every statement about regrades.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder, types::Json};
use uuid::Uuid;

use crate::{
    bank::content::Content,
    db::run,
    ids::{ExamId, RegradeName},
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
             where tenant_id = $1 and exam_id = $2 and state > 0 and state < 3 and (submit_time, attempt_id) > ($3, $4)
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
             where tenant_id = $1 and exam_id = $2 and state > 0 and state < 3 and (submit_time, attempt_id) > ($3, $4)
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

/// The pass mark of an exam.
pub async fn pass_mark(
    conn: &mut PgConnection,
    tenant: Uuid,
    exam: &ExamId,
) -> Result<Option<Decimal>, sqlx::Error> {
    let row = run(
        "exam_pass_mark",
        sqlx::query!(
            "select pass_mark from exam where tenant_id = $1 and exam_id = $2",
            tenant,
            exam.as_str()
        )
        .fetch_optional(conn),
    )
    .await?;
    Ok(row.and_then(|r| r.pass_mark))
}

/// A regrade as stored, with the database's clock.
#[derive(Debug, FromRow)]
#[expect(missing_docs, reason = "columns are described in the migration")]
pub struct RegradeRow {
    pub regrade_id: Uuid,
    pub exam_id: String,
    pub state: String,
    pub rules: Json<Vec<Rule>>,
    pub never_lower: bool,
    pub reason: String,
    pub actor: String,
    pub cursor_time: Option<DateTime<Utc>>,
    pub cursor_attempt: Option<Uuid>,
    pub lease_until: DateTime<Utc>,
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
    pub now: DateTime<Utc>,
}

impl RegradeRow {
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

    /// It is marked as running, but the process that ran it is gone.
    pub fn is_interrupted(&self) -> bool {
        self.state == "running" && self.lease_until <= self.now
    }
}

const COLUMNS: &str = "select r.regrade_id, r.exam_id, r.state, r.rules, r.never_lower, r.reason, r.actor, r.cursor_time, \
    r.cursor_attempt, r.lease_until, r.total, r.examined, r.revised, r.changed, r.newly_passed, r.newly_failed, r.skipped, \
    r.error, r.create_time, r.update_time, now() as now from regrade r where r.tenant_id = ";

/// A regrade; locked until the transaction ends where that is asked for.
pub async fn regrade(
    conn: &mut PgConnection,
    tenant: Uuid,
    name: &RegradeName,
    lock: bool,
) -> Result<Option<RegradeRow>, sqlx::Error> {
    let mut query = QueryBuilder::<Postgres>::new(COLUMNS);
    query.push_bind(tenant).push(" and r.regrade_id = ").push_bind(name.regrade);
    query.push(" and r.exam_id = ").push_bind(name.exam.as_str().to_owned());
    query.push(if lock { " for update" } else { "" });
    run("regrade", query.build_query_as().fetch_optional(conn)).await
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
) -> Result<Vec<RegradeRow>, sqlx::Error> {
    let mut query = QueryBuilder::<Postgres>::new(COLUMNS);
    query.push_bind(tenant).push(" and r.exam_id = ").push_bind(exam.as_str().to_owned());
    page.push_conditions(&mut query);
    page.push_order(&mut query);
    run("regrade_list", query.build_query_as().fetch_all(conn)).await
}

/// Stores a regrade that begins.
#[expect(clippy::too_many_arguments, reason = "one value a column")]
pub async fn insert(
    conn: &mut PgConnection,
    tenant: Uuid,
    name: &RegradeName,
    rules: &[Rule],
    never_lower: bool,
    reason: &str,
    actor: &str,
    lease_until: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    run(
        "regrade_insert",
        sqlx::query!(
            "insert into regrade (tenant_id, regrade_id, exam_id, state, rules, never_lower, reason, actor, lease_until,
                total)
             select $1, $2, $3, 'running', $4, $5, $6, $7, $8, count(*)
             from attempt where tenant_id = $1 and exam_id = $3 and state > 0 and state < 3",
            tenant,
            name.regrade,
            name.exam.as_str(),
            Json(rules) as _,
            never_lower,
            reason,
            actor,
            lease_until,
        )
        .execute(conn),
    )
    .await?;
    Ok(())
}

/// Stores how far a regrade has come. The caller has locked it.
#[expect(clippy::too_many_arguments, reason = "one value a column")]
pub async fn advance(
    conn: &mut PgConnection,
    tenant: Uuid,
    regrade: Uuid,
    state: &str,
    cursor: Cursor,
    counts: &Counts,
    lease_until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    run(
        "regrade_advance",
        sqlx::query!(
            "update regrade
             set state = $3, cursor_time = $4, cursor_attempt = $5, examined = $6, revised = $7, changed = $8,
                newly_passed = $9, newly_failed = $10, skipped = $11, lease_until = $12, update_time = $13
             where tenant_id = $1 and regrade_id = $2",
            tenant,
            regrade,
            state,
            cursor.0,
            cursor.1,
            counts.examined,
            counts.revised,
            counts.changed,
            counts.newly_passed,
            counts.newly_failed,
            counts.skipped,
            lease_until,
            now,
        )
        .execute(conn),
    )
    .await?;
    Ok(())
}

/// Changes the state of a regrade that the caller has locked.
pub async fn set_state(
    conn: &mut PgConnection,
    tenant: Uuid,
    regrade: Uuid,
    state: &str,
    error: &str,
    lease_until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    run(
        "regrade_state",
        sqlx::query!(
            "update regrade set state = $3, error = $4, lease_until = $5, update_time = $6
             where tenant_id = $1 and regrade_id = $2",
            tenant,
            regrade,
            state,
            error,
            lease_until,
            now,
        )
        .execute(conn),
    )
    .await?;
    Ok(())
}
