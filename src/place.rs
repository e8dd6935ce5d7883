//! What a list or a summary is read under: a parent that must exist. The one mechanism by which a mistyped parent, or
//! another tenant's, or a deleted one, is NOT_FOUND and never an empty list.
//!
//! The page's own statement asks for the parent, so that nothing is found below one that is not there; only where a page
//! is empty does a second one tell which of the two it was.

use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use crate::{
    db::run,
    error::{Error, Result},
    ids::{AttemptName, BankName, BlueprintName, ExamName, Parent, QuestionName},
};

/// A parent.
#[derive(Clone, Debug)]
pub enum Place {
    /// None: everything that the tenant has.
    Anywhere,
    /// A bank.
    Bank(BankName),
    /// A question.
    Question(QuestionName),
    /// A blueprint.
    Blueprint(BlueprintName),
    /// An exam.
    Exam(ExamName),
    /// An attempt.
    Attempt(AttemptName),
}

impl Place {
    /// The parent that was asked for, or anywhere for `-`.
    pub fn of<T>(parent: Parent<T>) -> Self
    where
        Self: From<T>,
    {
        match parent {
            Parent::All => Self::Anywhere,
            Parent::One(one) => one.into(),
        }
    }

    /// Appends ` and exists (…)`, which is true where the parent is there.
    pub fn push(&self, query: &mut QueryBuilder<Postgres>, tenant: Uuid) {
        if matches!(self, Self::Anywhere) {
            return;
        }
        query.push(" and exists (");
        self.select(query, tenant);
        query.push(")");
    }

    /// Fails where an empty page is empty because the parent is not there.
    pub async fn check(&self, conn: &mut PgConnection, tenant: Uuid, is_empty: bool) -> Result<()> {
        if !is_empty || matches!(self, Self::Anywhere) {
            return Ok(());
        }
        let mut query = QueryBuilder::new("");
        self.select(&mut query, tenant);
        let found: Option<(i32,)> = run("parent", query.build_query_as().fetch_optional(conn)).await?;
        found.map(|_| ()).ok_or_else(|| Error::NotFound(self.name()))
    }

    fn name(&self) -> String {
        match self {
            Self::Anywhere => String::new(),
            Self::Bank(name) => name.to_string(),
            Self::Question(name) => name.to_string(),
            Self::Blueprint(name) => name.to_string(),
            Self::Exam(name) => name.to_string(),
            Self::Attempt(name) => name.to_string(),
        }
    }

    fn select(&self, query: &mut QueryBuilder<Postgres>, tenant: Uuid) {
        match self {
            Self::Anywhere => {
                query.push("select 1");
            }
            Self::Bank(name) => {
                query.push("select 1 from bank x where x.tenant_id = ").push_bind(tenant);
                query.push(" and x.bank_id = ").push_bind(name.bank.to_string());
                query.push(" and x.delete_time is null");
            }
            Self::Question(name) => {
                query.push("select 1 from question x where x.tenant_id = ").push_bind(tenant);
                query.push(" and x.bank_id = ").push_bind(name.bank.to_string());
                query.push(" and x.question_id = ").push_bind(name.question.to_string());
                query.push(
                    " and x.delete_time is null and exists (select from bank y where y.tenant_id = x.tenant_id \
                     and y.bank_id = x.bank_id and y.delete_time is null)",
                );
            }
            Self::Blueprint(name) => {
                query.push("select 1 from blueprint x where x.tenant_id = ").push_bind(tenant);
                query.push(" and x.blueprint_id = ").push_bind(name.blueprint.to_string());
                query.push(" and x.delete_time is null");
            }
            Self::Exam(name) => {
                query.push("select 1 from exam x where x.tenant_id = ").push_bind(tenant);
                query.push(" and x.exam_id = ").push_bind(name.exam.to_string());
                query.push(" and x.delete_time is null");
            }
            Self::Attempt(name) => {
                query.push("select 1 from attempt x where x.tenant_id = ").push_bind(tenant);
                query.push(" and x.exam_id = ").push_bind(name.exam.to_string());
                query.push(" and x.attempt_id = ").push_bind(name.attempt);
            }
        }
    }
}

macro_rules! places {
    ($($kind:ident($name:ident)),+) => {
        $(impl From<$name> for Place {
            fn from(name: $name) -> Self {
                Self::$kind(name)
            }
        })+
    };
}

places!(
    Bank(BankName),
    Question(QuestionName),
    Blueprint(BlueprintName),
    Exam(ExamName),
    Attempt(AttemptName)
);
