//! Who sat stays hidden from graders where the exam is graded anonymously: whatever else shows a candidate beside an
//! attempt or its marks asks here first.

use sqlx::PgConnection;

use crate::{
    auth::{Caller, Role},
    error::{Error, Result},
    ids::ExamId,
};

use super::sql;

/// Whether the caller may read this as a grader only.
pub fn is_grader_only(caller: &Caller) -> bool {
    caller.acts_only_as(Role::Grader)
}

/// Refuses a caller who is nothing but a grader where the exam is graded anonymously. Said before an attempt or a candidate
/// is looked for, so that it tells nothing of them. Nobody else is asked about.
pub async fn check(conn: &mut PgConnection, caller: &Caller, exam: &ExamId) -> Result<()> {
    if !is_grader_only(caller) || !sql::is_anonymous(conn, caller.tenant.id, exam).await? {
        return Ok(());
    }
    Err(Error::Forbidden(format!(
        "exams/{exam} is graded anonymously: {} would tell a grader who sat; it needs one of the roles {}",
        caller.method,
        caller.roles_but(Role::Grader),
    )))
}
