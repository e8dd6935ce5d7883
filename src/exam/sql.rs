//! Every statement about exams.

use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use crate::{
    db::run,
    ids::{ExamId, ExamName, FormName},
    points::{Points, Rounding},
};

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
             where tenant_id = $1 and exam_id = $2"#,
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
