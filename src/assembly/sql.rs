//! Every statement about blueprints and forms.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use crate::{
    bank::content::Content,
    db::run,
    ids::{BankId, FormName, QuestionId, QuestionName, QuestionRef},
    points::Points,
};

use super::form::{Form, Item, Section};

/// A form with its questions.
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
