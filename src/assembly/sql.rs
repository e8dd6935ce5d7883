//! Every statement about blueprints and forms.

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder, types::Json};
use uuid::Uuid;

use crate::{
    bank::content::{Content, Kind},
    db::run,
    error::Result,
    filter::{Field, FieldType},
    ids::{BankId, BlueprintId, FormName, QuestionId, QuestionName, QuestionRef},
    lifecycle::Life,
    page::{Listing, Order, Page},
    place::Place,
    points::Points,
};

use super::{
    blueprint,
    form::{Form, Item, Section},
    pool::Candidate,
    wire::Given,
};

/// A blueprint as stored.
#[derive(Debug, FromRow)]
#[expect(missing_docs, reason = "columns are described in the migration")]
pub struct BlueprintRow {
    pub blueprint_id: String,
    pub display_name: String,
    pub bank_id: String,
    pub sections: Json<Vec<blueprint::Section>>,
    pub total: Decimal,
    pub total_declared: bool,
    pub duration_s: Option<i32>,
    pub question_count: i32,
    pub revision: i64,
    pub create_time: DateTime<Utc>,
    pub update_time: DateTime<Utc>,
    pub created_by: String,
    pub archive_time: Option<DateTime<Utc>>,
    pub delete_time: Option<DateTime<Utc>>,
    pub purge_time: Option<DateTime<Utc>>,
}

/// A form as lists show it.
#[derive(Debug, FromRow)]
#[expect(missing_docs, reason = "columns are described in the migration")]
pub struct FormRow {
    pub blueprint_id: String,
    pub form_id: String,
    pub label: String,
    pub title: String,
    pub bank_id: String,
    pub seed: i64,
    pub algorithm: String,
    pub sections: Json<Vec<SectionHead>>,
    pub total: Decimal,
    pub duration_s: Option<i32>,
    pub question_count: i32,
    pub position_count: i32,
    pub create_time: DateTime<Utc>,
    pub created_by: String,
    pub archive_time: Option<DateTime<Utc>>,
    pub delete_time: Option<DateTime<Utc>>,
    pub purge_time: Option<DateTime<Utc>>,
}

/// A section of a form as stored: with its points, so that a list need not add up the items.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SectionHead {
    /// What the form says of it.
    #[serde(flatten)]
    pub section: Section,
    /// The points of all its items.
    pub points: Points,
}

/// Stores a blueprint.
pub async fn insert_blueprint(
    conn: &mut PgConnection,
    tenant: Uuid,
    id: &BlueprintId,
    given: &Given,
    by: &str,
) -> Result<BlueprintRow, sqlx::Error> {
    let row = run(
        "blueprint_insert",
        sqlx::query_as!(
            BlueprintRow,
            r#"insert into blueprint (tenant_id, blueprint_id, display_name, bank_id, sections, total, total_declared,
                duration_s, question_count, created_by)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
             returning blueprint_id, display_name, bank_id, sections as "sections: Json<Vec<blueprint::Section>>", total,
                total_declared, duration_s, question_count, revision, create_time, update_time,
                created_by, archive_time, delete_time, purge_time"#,
            tenant,
            id.as_str(),
            given.display_name,
            given.bank.bank.as_str(),
            Json(given.rules.sections()) as Json<&[blueprint::Section]>,
            given.rules.total().decimal(),
            given.rules.stated_total().is_some(),
            given.duration_s,
            given.rules.count() as i32,
            by,
        )
        .fetch_optional(conn),
    )
    .await?;
    row.ok_or(sqlx::Error::RowNotFound)
}

/// A blueprint, deleted or not.
pub async fn blueprint(
    conn: &mut PgConnection,
    tenant: Uuid,
    id: &BlueprintId,
) -> Result<Option<BlueprintRow>, sqlx::Error> {
    run(
        "blueprint",
        sqlx::query_as!(
            BlueprintRow,
            r#"select blueprint_id, display_name, bank_id, sections as "sections: Json<Vec<blueprint::Section>>", total,
                total_declared, duration_s, question_count, revision, create_time, update_time,
                created_by, archive_time, delete_time, purge_time
             from blueprint where tenant_id = $1 and blueprint_id = $2"#,
            tenant,
            id.as_str(),
        )
        .fetch_optional(conn),
    )
    .await
}

/// A blueprint, locked against other changes until the transaction ends; forms may still be added to it.
pub async fn lock_blueprint(
    conn: &mut PgConnection,
    tenant: Uuid,
    id: &BlueprintId,
) -> Result<Option<BlueprintRow>, sqlx::Error> {
    run(
        "blueprint_lock",
        sqlx::query_as!(
            BlueprintRow,
            r#"select blueprint_id, display_name, bank_id, sections as "sections: Json<Vec<blueprint::Section>>", total,
                total_declared, duration_s, question_count, revision, create_time, update_time,
                created_by, archive_time, delete_time, purge_time
             from blueprint where tenant_id = $1 and blueprint_id = $2 and delete_time is null
             for no key update"#,
            tenant,
            id.as_str(),
        )
        .fetch_optional(conn),
    )
    .await
}

/// Replaces what a blueprint asks for; its revision goes up.
pub async fn update_blueprint(
    conn: &mut PgConnection,
    tenant: Uuid,
    id: &BlueprintId,
    given: &Given,
) -> Result<Option<BlueprintRow>, sqlx::Error> {
    run(
        "blueprint_update",
        sqlx::query_as!(
            BlueprintRow,
            r#"update blueprint
             set display_name = $3, sections = $4, total = $5, total_declared = $6, duration_s = $7,
                question_count = $8, revision = revision + 1, update_time = now()
             where tenant_id = $1 and blueprint_id = $2
             returning blueprint_id, display_name, bank_id, sections as "sections: Json<Vec<blueprint::Section>>", total,
                total_declared, duration_s, question_count, revision, create_time, update_time,
                created_by, archive_time, delete_time, purge_time"#,
            tenant,
            id.as_str(),
            given.display_name,
            Json(given.rules.sections()) as Json<&[blueprint::Section]>,
            given.rules.total().decimal(),
            given.rules.stated_total().is_some(),
            given.duration_s,
            given.rules.count() as i32,
        )
        .fetch_optional(conn),
    )
    .await
}

/// What ListBlueprints offers.
pub static BLUEPRINTS: Listing = Listing {
    method: "ListBlueprints",
    fields: &[
        Field { name: "bank", sql: "('banks/' || b.bank_id)", ty: FieldType::Exact },
        Field { name: "display_name", sql: "b.display_name", ty: FieldType::Text },
        Field { name: "create_time", sql: "b.create_time", ty: FieldType::Time },
        Field { name: "update_time", sql: "b.update_time", ty: FieldType::Time },
        Field { name: "created_by", sql: "b.created_by", ty: FieldType::Exact },
        Field { name: "archived", sql: "(b.archive_time is not null)", ty: FieldType::Bool },
        Field { name: "archive_time", sql: "b.archive_time", ty: FieldType::Time },
        Field { name: "delete_time", sql: "b.delete_time", ty: FieldType::Time },
    ],
    orders: &[Order { name: "create_time", sql: "b.create_time" }],
    tie: &["b.blueprint_id"],
    newest_first: false,
};

/// A page of blueprints.
pub async fn blueprints(conn: &mut PgConnection, tenant: Uuid, page: &Page) -> Result<Vec<BlueprintRow>> {
    let mut query = QueryBuilder::<Postgres>::new(
        "select blueprint_id, display_name, bank_id, sections, total, total_declared, duration_s, question_count,
            revision, create_time, update_time,
                created_by, archive_time, delete_time, purge_time
         from blueprint b where b.tenant_id = ",
    );
    query.push_bind(tenant);
    page.push_present(&mut query, "b");
    page.rows("blueprint_list", conn, tenant, &Place::Anywhere, query).await
}

/// How often what is published in a bank has changed; none where there is no such bank.
pub async fn pool_revision(
    conn: &mut PgConnection,
    tenant: Uuid,
    bank: &BankId,
) -> Result<Option<i64>, sqlx::Error> {
    run(
        "pool_revision",
        sqlx::query_scalar!(
            "select pool_revision from bank where tenant_id = $1 and bank_id = $2 and delete_time is null",
            tenant,
            bank.as_str(),
        )
        .fetch_optional(conn),
    )
    .await
}

/// The published questions of a bank, each in its newest version: what a draw chooses from. Topic, tags and the like
/// are those of the version; the draft may have moved on.
pub async fn candidates(
    conn: &mut PgConnection,
    tenant: Uuid,
    bank: &BankId,
) -> Result<Vec<Candidate>, sqlx::Error> {
    let rows = run(
        "pool",
        sqlx::query!(
            "select v.question_id, v.version, v.kind, v.topic, v.tags, v.difficulty, v.knowledge_point
             from question q
             join question_version v
                on v.tenant_id = q.tenant_id and v.bank_id = q.bank_id and v.question_id = q.question_id
                and v.version = q.version
             where q.tenant_id = $1 and q.bank_id = $2 and q.state = 'published' and q.delete_time is null
                and q.archive_time is null",
            tenant,
            bank.as_str(),
        )
        .fetch_all(conn),
    )
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|r| {
            Some(Candidate {
                question: r.question_id.into(),
                version: r.version as u32,
                // Only words of this table are ever stored.
                kind: Kind::parse(&r.kind)?,
                topic: r.topic.into(),
                tags: r.tags.into_iter().map(Arc::from).collect(),
                difficulty: r.difficulty,
                knowledge_point: r.knowledge_point.into(),
            })
        })
        .collect())
}

/// What a version says, as far as a form needs it.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// Its topic.
    pub topic: String,
    /// Its content.
    pub content: Content,
}

/// The content of versions of one bank, by question and version.
pub async fn contents(
    conn: &mut PgConnection,
    tenant: Uuid,
    bank: &BankId,
    versions: &[(String, i32)],
) -> Result<HashMap<(String, i32), Drawn>, sqlx::Error> {
    let (ids, numbers): (Vec<String>, Vec<i32>) = versions.iter().cloned().unzip();
    let rows = run(
        "form_contents",
        sqlx::query!(
            r#"select v.question_id, v.version, v.topic, v.content as "content: Json<Content>"
             from unnest($3::text[], $4::int[]) as d (question_id, version)
             join question_version v
                on v.tenant_id = $1 and v.bank_id = $2 and v.question_id = d.question_id and v.version = d.version"#,
            tenant,
            bank.as_str(),
            &ids,
            &numbers,
        )
        .fetch_all(conn),
    )
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| ((r.question_id, r.version), Drawn { topic: r.topic, content: r.content.0 }))
        .collect())
}

/// Stores forms of one blueprint and their items, in one statement each. Returns when they were stored, or the first
/// form that exists already: then the caller must not commit.
pub async fn insert_forms(
    conn: &mut PgConnection,
    tenant: Uuid,
    blueprint: &BlueprintId,
    forms: &[Form],
    by: &str,
) -> Result<Result<DateTime<Utc>, FormName>, sqlx::Error> {
    let ids: Vec<String> = forms.iter().map(|f| f.name.form.to_string()).collect();
    let labels: Vec<String> = forms.iter().map(|f| f.label.clone()).collect();
    let titles: Vec<String> = forms.iter().map(|f| f.title.clone()).collect();
    let banks: Vec<String> = forms.iter().map(|f| f.bank.to_string()).collect();
    let seeds: Vec<i64> = forms.iter().map(|f| f.seed).collect();
    let algorithms: Vec<String> = forms.iter().map(|f| f.algorithm.clone()).collect();
    let sections: Vec<Json<Vec<SectionHead>>> = forms.iter().map(|f| Json(heads(f))).collect();
    let totals: Vec<Decimal> = forms.iter().map(|f| f.total.decimal()).collect();
    let durations: Vec<Option<i32>> = forms.iter().map(|f| f.duration_s).collect();
    let questions: Vec<i32> = forms.iter().map(|f| f.items.len() as i32).collect();
    let positions: Vec<i32> = forms.iter().map(|f| f.positions() as i32).collect();
    let stored = run(
        "form_insert",
        sqlx::query!(
            "insert into form (tenant_id, blueprint_id, form_id, label, title, bank_id, seed, algorithm, sections, total,
                duration_s, question_count, position_count, created_by)
             select $1, $2, id, label, title, bank, seed, algorithm, sections, total, duration, questions, positions, $14
             from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::jsonb[],
                $10::numeric[], $11::int[], $12::int[], $13::int[])
                as f (id, label, title, bank, seed, algorithm, sections, total, duration, questions, positions)
             on conflict do nothing
             returning form_id, create_time",
            tenant,
            blueprint.as_str(),
            &ids,
            &labels,
            &titles,
            &banks,
            &seeds,
            &algorithms,
            &sections as &[Json<Vec<SectionHead>>],
            &totals,
            &durations as &[Option<i32>],
            &questions,
            &positions,
            by,
        )
        .fetch_all(&mut *conn),
    )
    .await?;
    if let Some(taken) = forms.iter().find(|f| stored.iter().all(|s| s.form_id != f.name.form.as_str())) {
        return Ok(Err(taken.name.clone()));
    }
    insert_items(conn, tenant, blueprint, forms).await?;
    stored.first().map(|s| Ok(s.create_time)).ok_or(sqlx::Error::RowNotFound)
}

async fn insert_items(
    conn: &mut PgConnection,
    tenant: Uuid,
    blueprint: &BlueprintId,
    forms: &[Form],
) -> Result<(), sqlx::Error> {
    let all = || forms.iter().flat_map(|f| f.items.iter().map(move |i| (f, i)));
    let ids: Vec<String> = all().map(|(f, _)| f.name.form.to_string()).collect();
    let numbers: Vec<i32> = all().map(|(_, i)| i.number as i32).collect();
    let sections: Vec<i32> = all().map(|(_, i)| i.section as i32).collect();
    let positions: Vec<i32> = all().map(|(_, i)| i.position as i32).collect();
    let banks: Vec<String> = all().map(|(_, i)| i.version.question.bank.to_string()).collect();
    let questions: Vec<String> = all().map(|(_, i)| i.version.question.question.to_string()).collect();
    let versions: Vec<i32> = all().map(|(_, i)| i.version.version.unwrap_or_default()).collect();
    let points: Vec<Decimal> = all().map(|(_, i)| i.points.decimal()).collect();
    run(
        "form_item_insert",
        sqlx::query!(
            "insert into form_item (tenant_id, blueprint_id, form_id, number, section, position, bank_id, question_id,
                version, points)
             select $1, $2, form, number, section, position, bank, question, version, points
             from unnest($3::text[], $4::int[], $5::int[], $6::int[], $7::text[], $8::text[], $9::int[], $10::numeric[])
                as i (form, number, section, position, bank, question, version, points)",
            tenant,
            blueprint.as_str(),
            &ids,
            &numbers,
            &sections,
            &positions,
            &banks,
            &questions,
            &versions,
            &points,
        )
        .execute(conn),
    )
    .await?;
    Ok(())
}

fn heads(form: &Form) -> Vec<SectionHead> {
    let points = |index: usize| form.items.iter().filter(|i| i.section == index).map(|i| i.points).sum();
    let head = |(i, section): (usize, &Section)| SectionHead { section: section.clone(), points: points(i) };
    form.sections.iter().enumerate().map(head).collect()
}

/// What ListForms offers.
pub static FORMS: Listing = Listing {
    method: "ListForms",
    fields: &[
        Field { name: "label", sql: "f.label", ty: FieldType::Exact },
        Field { name: "title", sql: "f.title", ty: FieldType::Text },
        Field { name: "bank", sql: "('banks/' || f.bank_id)", ty: FieldType::Exact },
        Field { name: "seed", sql: "f.seed", ty: FieldType::Integer },
        Field { name: "create_time", sql: "f.create_time", ty: FieldType::Time },
        Field { name: "created_by", sql: "f.created_by", ty: FieldType::Exact },
        Field { name: "archived", sql: "(f.archive_time is not null)", ty: FieldType::Bool },
        Field { name: "archive_time", sql: "f.archive_time", ty: FieldType::Time },
        Field { name: "delete_time", sql: "f.delete_time", ty: FieldType::Time },
    ],
    orders: &[Order { name: "create_time", sql: "f.create_time" }],
    tie: &["f.blueprint_id", "f.form_id"],
    newest_first: false,
};

/// A page of forms of one blueprint or of all.
pub async fn forms(
    conn: &mut PgConnection,
    tenant: Uuid,
    place: &Place,
    page: &Page,
) -> Result<Vec<FormRow>> {
    let mut query = QueryBuilder::<Postgres>::new(
        "select blueprint_id, form_id, label, title, bank_id, seed, algorithm, sections, total, duration_s,
            question_count, position_count, create_time, created_by, archive_time, delete_time, purge_time
         from form f where f.tenant_id = ",
    );
    query.push_bind(tenant);
    if let Place::Blueprint(name) = place {
        query.push(" and f.blueprint_id = ").push_bind(name.blueprint.to_string());
    }
    page.push_present(&mut query, "f");
    page.rows("form_list", conn, tenant, place, query).await
}

/// A form as lists show it, deleted or not.
pub async fn form_row(
    conn: &mut PgConnection,
    tenant: Uuid,
    name: &FormName,
) -> Result<Option<FormRow>, sqlx::Error> {
    run(
        "form_row",
        sqlx::query_as!(
            FormRow,
            r#"select blueprint_id, form_id, label, title, bank_id, seed, algorithm,
                sections as "sections: Json<Vec<SectionHead>>", total, duration_s, question_count, position_count,
                create_time, created_by, archive_time, delete_time, purge_time
             from form where tenant_id = $1 and blueprint_id = $2 and form_id = $3"#,
            tenant,
            name.blueprint.as_str(),
            name.form.as_str(),
        )
        .fetch_optional(conn),
    )
    .await
}

/// Who made a form, and since when it is archived or deleted; the form itself never changes.
pub async fn form_life(
    conn: &mut PgConnection,
    tenant: Uuid,
    name: &FormName,
) -> Result<Option<Life>, sqlx::Error> {
    run(
        "form_life",
        sqlx::query_as!(
            Life,
            "select created_by, archive_time, delete_time, purge_time
             from form where tenant_id = $1 and blueprint_id = $2 and form_id = $3",
            tenant,
            name.blueprint.as_str(),
            name.form.as_str(),
        )
        .fetch_optional(conn),
    )
    .await
}

/// A form with its questions, deleted or not.
pub async fn form(
    conn: &mut PgConnection,
    tenant: Uuid,
    name: &FormName,
) -> Result<Option<Form>, sqlx::Error> {
    let head = run(
        "form",
        sqlx::query!(
            r#"select label, title, bank_id, seed, algorithm, sections as "sections: Json<Vec<Section>>", total,
                duration_s, create_time as "create_time: DateTime<Utc>"
             from form where tenant_id = $1 and blueprint_id = $2 and form_id = $3"#,
            tenant,
            name.blueprint.as_str(),
            name.form.as_str(),
        )
        .fetch_optional(&mut *conn),
    )
    .await?;
    let Some(head) = head else { return Ok(None) };
    let rows = run(
        "form_items",
        sqlx::query!(
            r#"select i.number, i.section, i.position, i.bank_id, i.question_id, i.version, i.points, v.topic,
                v.content as "content: Json<Content>"
             from form_item i
             join question_version v using (tenant_id, bank_id, question_id, version)
             where i.tenant_id = $1 and i.blueprint_id = $2 and i.form_id = $3
             order by i.number"#,
            tenant,
            name.blueprint.as_str(),
            name.form.as_str(),
        )
        .fetch_all(conn),
    )
    .await?;
    let items = rows.into_iter().map(|r| Item {
        number: r.number as u32,
        section: r.section as usize,
        position: r.position as u32,
        version: QuestionRef {
            question: QuestionName {
                bank: BankId::stored(r.bank_id),
                question: QuestionId::stored(r.question_id),
            },
            version: Some(r.version),
        },
        points: Points::new(r.points),
        topic: r.topic,
        content: r.content.0,
    });
    Ok(Some(Form {
        name: name.clone(),
        label: head.label,
        title: head.title,
        bank: BankId::stored(head.bank_id),
        seed: head.seed,
        algorithm: head.algorithm,
        sections: head.sections.0,
        total: Points::new(head.total),
        duration_s: head.duration_s,
        create_time: head.create_time,
        items: items.collect(),
    }))
}
