//! Every statement about exams.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder, types::Json};
use uuid::Uuid;

use crate::{
    attempt::sitting::{Clock, Rules},
    db::run,
    error::Result,
    filter::{Field, FieldType},
    ids::{ExamId, ExamName, FormName},
    page::{Listing, Order, Page},
    place::Place,
    points::{Points, Rounding},
};

use super::{
    accommodation::Accommodation,
    policy::LateMode,
    standard::{Band, Standards},
    wire::{Given, Terms},
};

/// An exam as stored.
#[derive(Debug, FromRow)]
#[expect(missing_docs, reason = "columns are described in the migration")]
pub struct ExamRow {
    pub exam_id: String,
    pub display_name: String,
    pub forms: Vec<String>,
    pub open_time: Option<DateTime<Utc>>,
    pub close_time: Option<DateTime<Utc>>,
    pub time_limit_s: Option<i32>,
    pub max_attempts: i32,
    pub pass_mark: Option<Decimal>,
    pub pass_percent: Option<Decimal>,
    pub rounding: Json<Rounding>,
    pub mark_floor: Decimal,
    pub late_mode: String,
    pub grace_s: i32,
    pub counting: String,
    pub grade_bands: Json<Vec<Band>>,
    pub release_when: String,
    pub release_content: String,
    pub form_allotment: String,
    pub release_time: Option<DateTime<Utc>>,
    pub revision: i64,
    pub create_time: DateTime<Utc>,
    pub update_time: DateTime<Utc>,
    pub created_by: String,
    pub archive_time: Option<DateTime<Utc>>,
    pub delete_time: Option<DateTime<Utc>>,
    pub purge_time: Option<DateTime<Utc>>,
}

impl ExamRow {
    /// What it says of scores.
    pub fn standards(&self) -> Standards {
        Standards::stored(self.pass_mark, self.pass_percent, self.grade_bands.0.clone())
    }
}

/// What never changes about an exam, so that it may be kept.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Its name.
    pub name: ExamName,
    /// Its forms; attempts cite them by index.
    pub forms: Vec<FormName>,
    /// How marks are rounded.
    pub rounding: Rounding,
    /// The least that one question's mark can be.
    pub floor: Points,
}

/// The facts of an exam.
pub async fn facts(
    conn: &mut PgConnection,
    tenant: Uuid,
    exam: &ExamId,
) -> Result<Option<Facts>, sqlx::Error> {
    let row = run(
        "exam_facts",
        sqlx::query!(
            r#"select forms, rounding as "rounding: Json<Rounding>", mark_floor from exam
             where tenant_id = $1 and exam_id = $2 and delete_time is null"#,
            tenant,
            exam.as_str(),
        )
        .fetch_optional(conn),
    )
    .await?;
    Ok(row.map(|r| Facts {
        name: ExamName { exam: exam.clone() },
        // Only names that were parsed are ever stored.
        forms: r.forms.iter().filter_map(|f| f.parse().ok()).collect(),
        rounding: r.rounding.0,
        floor: Points::new(r.mark_floor),
    }))
}

/// The totals of forms, in the order asked; `None` where there is no such form.
pub async fn form_totals(
    conn: &mut PgConnection,
    tenant: Uuid,
    forms: &[FormName],
) -> Result<Vec<Option<Points>>, sqlx::Error> {
    let blueprints: Vec<String> = forms.iter().map(|f| f.blueprint.to_string()).collect();
    let ids: Vec<String> = forms.iter().map(|f| f.form.to_string()).collect();
    let rows = run(
        "exam_form_totals",
        sqlx::query!(
            r#"select n.ordinal as "ordinal!", f.total
             from unnest($2::text[], $3::text[]) with ordinality as n (blueprint_id, form_id, ordinal)
             join form f on f.tenant_id = $1 and f.blueprint_id = n.blueprint_id and f.form_id = n.form_id
             where f.delete_time is null"#,
            tenant,
            &blueprints,
            &ids,
        )
        .fetch_all(conn),
    )
    .await?;
    let mut totals = vec![None; forms.len()];
    for row in rows {
        if let Some(slot) = totals.get_mut(row.ordinal as usize - 1) {
            *slot = Some(Points::new(row.total));
        }
    }
    Ok(totals)
}

/// Stores an exam.
pub async fn insert(
    conn: &mut PgConnection,
    tenant: Uuid,
    id: &ExamId,
    given: &Given,
    by: &str,
) -> Result<ExamRow, sqlx::Error> {
    let forms: Vec<String> = given.forms.iter().map(ToString::to_string).collect();
    let terms = &given.terms;
    let row = run(
        "exam_insert",
        sqlx::query_as!(
            ExamRow,
            r#"insert into exam (tenant_id, exam_id, display_name, forms, open_time, close_time, time_limit_s,
                max_attempts, pass_mark, rounding, mark_floor, late_mode, grace_s, counting, grade_bands, release_when,
                release_content, form_allotment, pass_percent, created_by)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
             returning exam_id, display_name, forms, open_time, close_time, time_limit_s, max_attempts, pass_mark, pass_percent,
                rounding as "rounding: Json<Rounding>", mark_floor, late_mode, grace_s, counting, grade_bands as "grade_bands: Json<Vec<Band>>", release_when, release_content,
                form_allotment, release_time, revision, create_time, update_time,
                created_by, archive_time, delete_time, purge_time"#,
            tenant,
            id.as_str(),
            terms.display_name,
            &forms,
            terms.open_time,
            terms.close_time,
            terms.time_limit_s,
            terms.max_attempts,
            terms.standards.pass_points(),
            Json(given.rounding) as Json<Rounding>,
            given.mark_floor.decimal(),
            terms.late_mode.as_str(),
            terms.grace_s,
            terms.counting.as_str(),
            Json(&terms.standards.bands) as Json<&Vec<Band>>,
            terms.release_when.as_str(),
            terms.release_content.as_str(),
            terms.allotment.as_str(),
            terms.standards.pass_percent(),
            by,
        )
        .fetch_optional(conn),
    )
    .await?;
    row.ok_or(sqlx::Error::RowNotFound)
}

/// An exam, deleted or not.
pub async fn exam(
    conn: &mut PgConnection,
    tenant: Uuid,
    id: &ExamId,
) -> Result<Option<ExamRow>, sqlx::Error> {
    run(
        "exam",
        sqlx::query_as!(
            ExamRow,
            r#"select exam_id, display_name, forms, open_time, close_time, time_limit_s, max_attempts, pass_mark, pass_percent,
                rounding as "rounding: Json<Rounding>", mark_floor, late_mode, grace_s, counting, grade_bands as "grade_bands: Json<Vec<Band>>", release_when, release_content,
                form_allotment, release_time, revision, create_time, update_time,
                created_by, archive_time, delete_time, purge_time
             from exam where tenant_id = $1 and exam_id = $2"#,
            tenant,
            id.as_str(),
        )
        .fetch_optional(conn),
    )
    .await
}

/// An exam, locked against other changes until the transaction ends.
pub async fn lock(
    conn: &mut PgConnection,
    tenant: Uuid,
    id: &ExamId,
) -> Result<Option<ExamRow>, sqlx::Error> {
    run(
        "exam_lock",
        sqlx::query_as!(
            ExamRow,
            r#"select exam_id, display_name, forms, open_time, close_time, time_limit_s, max_attempts, pass_mark, pass_percent,
                rounding as "rounding: Json<Rounding>", mark_floor, late_mode, grace_s, counting, grade_bands as "grade_bands: Json<Vec<Band>>", release_when, release_content,
                form_allotment, release_time, revision, create_time, update_time,
                created_by, archive_time, delete_time, purge_time
             from exam where tenant_id = $1 and exam_id = $2 and delete_time is null
             for no key update"#,
            tenant,
            id.as_str(),
        )
        .fetch_optional(conn),
    )
    .await
}

/// Replaces what may change about an exam; its revision goes up.
pub async fn update(
    conn: &mut PgConnection,
    tenant: Uuid,
    id: &ExamId,
    terms: &Terms,
) -> Result<Option<ExamRow>, sqlx::Error> {
    run(
        "exam_update",
        sqlx::query_as!(
            ExamRow,
            r#"update exam
             set display_name = $3, open_time = $4, close_time = $5, time_limit_s = $6, max_attempts = $7,
                pass_mark = $8, late_mode = $9, grace_s = $10, counting = $11, grade_bands = $12, release_when = $13,
                release_content = $14, form_allotment = $15, pass_percent = $16, revision = revision + 1,
                update_time = now()
             where tenant_id = $1 and exam_id = $2
             returning exam_id, display_name, forms, open_time, close_time, time_limit_s, max_attempts, pass_mark, pass_percent,
                rounding as "rounding: Json<Rounding>", mark_floor, late_mode, grace_s, counting, grade_bands as "grade_bands: Json<Vec<Band>>", release_when, release_content,
                form_allotment, release_time, revision, create_time, update_time,
                created_by, archive_time, delete_time, purge_time"#,
            tenant,
            id.as_str(),
            terms.display_name,
            terms.open_time,
            terms.close_time,
            terms.time_limit_s,
            terms.max_attempts,
            terms.standards.pass_points(),
            terms.late_mode.as_str(),
            terms.grace_s,
            terms.counting.as_str(),
            Json(&terms.standards.bands) as Json<&Vec<Band>>,
            terms.release_when.as_str(),
            terms.release_content.as_str(),
            terms.allotment.as_str(),
            terms.standards.pass_percent(),
        )
        .fetch_optional(conn),
    )
    .await
}

/// Releases the results of an exam by hand; its revision goes up.
pub async fn release(
    conn: &mut PgConnection,
    tenant: Uuid,
    id: &ExamId,
) -> Result<Option<ExamRow>, sqlx::Error> {
    run(
        "exam_release",
        sqlx::query_as!(
            ExamRow,
            r#"update exam
             set release_time = now(), revision = revision + 1, update_time = now()
             where tenant_id = $1 and exam_id = $2
             returning exam_id, display_name, forms, open_time, close_time, time_limit_s, max_attempts, pass_mark, pass_percent,
                rounding as "rounding: Json<Rounding>", mark_floor, late_mode, grace_s, counting, grade_bands as "grade_bands: Json<Vec<Band>>", release_when, release_content,
                form_allotment, release_time, revision, create_time, update_time,
                created_by, archive_time, delete_time, purge_time"#,
            tenant,
            id.as_str(),
        )
        .fetch_optional(conn),
    )
    .await
}

/// How people stand at an exam who get something beyond its rule.
#[derive(Debug)]
pub struct Standings {
    /// The database's clock.
    pub now: DateTime<Utc>,
    /// The exam's rules, without what anybody gets beyond them.
    pub rules: Rules,
    /// Each of those that were asked about.
    pub people: HashMap<String, Standing>,
}

/// How one person stands.
#[derive(Clone, Copy, Debug, Default)]
pub struct Standing {
    /// Attempts that are not void, the open one included.
    pub made: i64,
    /// The end of the open one, without extra time; none where none is open, `Some(None)` where it has no end.
    pub open: Option<Option<DateTime<Utc>>>,
}

/// How these people stand at an exam; none where there is no such exam.
pub async fn standings(
    conn: &mut PgConnection,
    tenant: Uuid,
    exam: &ExamId,
    candidates: &[String],
) -> Result<Option<Standings>, sqlx::Error> {
    let rows = run(
        "exam_standings",
        sqlx::query!(
            r#"select now() as "now!", e.open_time, e.close_time, e.time_limit_s, e.max_attempts, e.late_mode, e.grace_s,
                e.archive_time is not null as "is_archived!", n.candidate as "candidate?", p.made as "made!", p.is_open as "is_open!", p.due
             from exam e
             left join unnest($3::text[]) as n (candidate) on true
             cross join lateral (
                select count(*) filter (where a.state <> -1) as made, coalesce(bool_or(a.state = 0), false) as is_open,
                    min(a.due_time) filter (where a.state = 0) as due
                from attempt a
                where a.tenant_id = $1 and a.exam_id = $2 and a.candidate = n.candidate
             ) p
             where e.tenant_id = $1 and e.exam_id = $2 and e.delete_time is null"#,
            tenant,
            exam.as_str(),
            candidates,
        )
        .fetch_all(conn),
    )
    .await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let (now, rules) = (
        first.now,
        Rules {
            open_time: first.open_time,
            close_time: first.close_time,
            time_limit_s: first.time_limit_s,
            max_attempts: first.max_attempts,
            extra_attempts: 0,
            is_archived: first.is_archived,
            is_gone: false,
            clock: Clock {
                late: LateMode::stored(&first.late_mode),
                grace_s: first.grace_s,
                extra_time_s: 0,
            },
        },
    );
    let people = rows
        .into_iter()
        .filter_map(|r| Some((r.candidate?, Standing { made: r.made, open: r.is_open.then_some(r.due) })));
    Ok(Some(Standings { now, rules, people: people.collect() }))
}

/// Sets accommodations, replacing what each of these people had; one for each person.
pub async fn set_accommodations(
    conn: &mut PgConnection,
    tenant: Uuid,
    exam: &ExamId,
    given: &[Accommodation],
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    // In one order everywhere, so that two such calls never wait for each other in a circle.
    let mut given: Vec<&Accommodation> = given.iter().collect();
    given.sort_by(|a, b| a.candidate.cmp(&b.candidate));
    let candidates: Vec<String> = given.iter().map(|a| a.candidate.clone()).collect();
    let times: Vec<i32> = given.iter().map(|a| a.extra_time_s).collect();
    let attempts: Vec<i32> = given.iter().map(|a| a.extra_attempts).collect();
    let reasons: Vec<String> = given.iter().map(|a| a.reason.clone()).collect();
    run(
        "accommodation_set",
        sqlx::query!(
            "insert into accommodation (tenant_id, exam_id, candidate, extra_time_s, extra_attempts, reason, update_time)
             select $1, $2, n.candidate, n.extra_time_s, n.extra_attempts, n.reason, $7
             from unnest($3::text[], $4::int[], $5::int[], $6::text[])
                as n (candidate, extra_time_s, extra_attempts, reason)
             on conflict (tenant_id, exam_id, candidate) do update
             set extra_time_s = excluded.extra_time_s, extra_attempts = excluded.extra_attempts,
                reason = excluded.reason, update_time = excluded.update_time",
            tenant,
            exam.as_str(),
            &candidates,
            &times,
            &attempts,
            &reasons,
            now,
        )
        .execute(conn),
    )
    .await?;
    Ok(())
}

/// What ListAccommodations offers.
pub static ACCOMMODATIONS: Listing = Listing {
    method: "ListAccommodations",
    fields: &[],
    orders: &[Order { name: "candidate", sql: "c.candidate" }],
    tie: &[],
    newest_first: false,
};

/// A page of the accommodations of an exam.
pub async fn accommodations(
    conn: &mut PgConnection,
    tenant: Uuid,
    exam: &ExamId,
    page: &Page,
) -> Result<Vec<Accommodation>> {
    let mut query = QueryBuilder::<Postgres>::new(
        "select candidate, extra_time_s, extra_attempts, reason, update_time from accommodation c where c.tenant_id = ",
    );
    query.push_bind(tenant);
    query.push(" and c.exam_id = ").push_bind(exam.as_str().to_owned());
    let place = ExamName { exam: exam.clone() }.into();
    page.rows("accommodation_list", conn, tenant, &place, query).await
}

/// What ListExams offers.
pub static EXAMS: Listing = Listing {
    method: "ListExams",
    fields: &[
        Field { name: "display_name", sql: "e.display_name", ty: FieldType::Text },
        Field { name: "open_time", sql: "e.open_time", ty: FieldType::Time },
        Field { name: "close_time", sql: "e.close_time", ty: FieldType::Time },
        Field { name: "create_time", sql: "e.create_time", ty: FieldType::Time },
        Field { name: "update_time", sql: "e.update_time", ty: FieldType::Time },
        Field { name: "created_by", sql: "e.created_by", ty: FieldType::Exact },
        Field { name: "archived", sql: "(e.archive_time is not null)", ty: FieldType::Bool },
        Field { name: "archive_time", sql: "e.archive_time", ty: FieldType::Time },
        Field { name: "delete_time", sql: "e.delete_time", ty: FieldType::Time },
    ],
    orders: &[Order { name: "create_time", sql: "e.create_time" }],
    tie: &["e.exam_id"],
    newest_first: false,
};

/// A page of exams.
pub async fn exams(conn: &mut PgConnection, tenant: Uuid, page: &Page) -> Result<Vec<ExamRow>> {
    let mut query = QueryBuilder::<Postgres>::new(
        "select exam_id, display_name, forms, open_time, close_time, time_limit_s, max_attempts, pass_mark, pass_percent,
            rounding, mark_floor, late_mode, grace_s, counting, grade_bands, release_when, release_content, form_allotment,
            release_time, revision, create_time, update_time,
                created_by, archive_time, delete_time, purge_time
         from exam e where e.tenant_id = ",
    );
    query.push_bind(tenant);
    page.push_present(&mut query, "e");
    page.rows("exam_list", conn, tenant, &Place::Anywhere, query).await
}
