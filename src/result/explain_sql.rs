//! The statements behind the explanation of marks: the attempt with what people gave, and its replaced revisions.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use crate::{
    db::run,
    grading::{regrade::Rule, task::Given},
    ids::AttemptName,
};

/// A submitted attempt with what people gave.
#[derive(Debug)]
#[expect(missing_docs, reason = "columns are described in the migration")]
pub struct Row {
    pub form: i16,
    pub revision: i32,
    pub responses: Vec<u8>,
    pub marks: Vec<u8>,
    pub graded: Json<Vec<GradedRow>>,
}

/// What people gave one response.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "columns are described in the migration")]
pub struct GradedRow {
    pub position: i32,
    pub standing: i16,
    pub given: Vec<Given>,
}

/// A submitted attempt; none where it is open, void or another exam's.
pub async fn attempt(
    conn: &mut PgConnection,
    tenant: Uuid,
    name: &AttemptName,
) -> Result<Option<Row>, sqlx::Error> {
    run(
        "explain_attempt",
        sqlx::query_as!(
            Row,
            r#"select a.form, a.revision, a.responses, a.marks as "marks!",
                coalesce(
                    (select jsonb_agg(jsonb_build_object('position', g.position, 'standing', g.state, 'given', g.marks))
                     from grading g
                     where g.tenant_id = $1 and g.attempt_id = a.attempt_id),
                    '[]'
                ) as "graded!: Json<Vec<GradedRow>>"
             from attempt a
             where a.tenant_id = $1 and a.attempt_id = $2 and a.exam_id = $3 and a.state > 0"#,
            tenant,
            name.attempt,
            name.exam.as_str(),
        )
        .fetch_optional(conn),
    )
    .await
}

/// Marks that were replaced, with the regrade that replaced them.
#[derive(Debug)]
#[expect(missing_docs, reason = "columns are described in the migration")]
pub struct ReplacedRow {
    pub revision: i32,
    pub at: DateTime<Utc>,
    pub actor: String,
    pub method: String,
    pub reason: String,
    pub marks: Vec<u8>,
    pub regrade_id: Option<Uuid>,
    pub rules: Option<Json<Vec<Rule>>>,
}

/// The replaced revisions of an attempt, oldest first. A regrade begins its reason with its own name, by which it is
/// found; the call is looked at as well, because graders choose their own names.
pub async fn replaced(
    conn: &mut PgConnection,
    tenant: Uuid,
    name: &AttemptName,
) -> Result<Vec<ReplacedRow>, sqlx::Error> {
    run(
        "explain_replaced",
        sqlx::query_as!(
            ReplacedRow,
            r#"select v.revision, v.at, v.actor, v.method, v.reason, v.marks, r.regrade_id as "regrade_id?",
                r.rules as "rules?: Json<Vec<Rule>>"
             from mark_revision v
             left join regrade r
                on r.tenant_id = $1 and r.exam_id = $3
                and r.regrade_id = case
                    when v.method = 'GradingService/RegradeExam' and v.reason ~ '^exams/[^/]+/regrades/[0-9a-f-]{36}: '
                    then split_part(split_part(v.reason, ': ', 1), '/', 4)::uuid
                end
             where v.tenant_id = $1 and v.attempt_id = $2
             order by v.revision"#,
            tenant,
            name.attempt,
            name.exam.as_str(),
        )
        .fetch_all(conn),
    )
    .await
}
