//! How long what people write stays: one mechanism for banks, questions, blueprints, forms and exams.
//!
//! What is *archived* is out of the way: lists leave it out unless asked, and nothing new is made of it; what cites it
//! goes on. What is *deleted* is as if it were not there, with everything below it, and can be brought back until it is
//! purged, [`RETENTION_DAYS`] later. Nothing is deleted while something that is not deleted cites it.
//!
//! Who cites locks what it cites ([`sql::usable`]) and who deletes locks it harder, so that neither passes the other. The
//! one citation that takes no lock is an attempt, for submissions are the hot path: [`purge`] looks again and brings
//! back what is cited after all.

pub mod purge;
pub mod sql;

use std::str::FromStr;

use chrono::{DateTime, Utc};

use crate::{
    door::Fields,
    error::{Error, Result},
    ids::{BankName, BlueprintName, ExamName, FormName, IdError, QuestionName},
};

/// Days from deletion to the purge.
pub const RETENTION_DAYS: i32 = 30;

/// What happens to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It is deleted, and can be brought back.
    Delete,
    /// It is brought back.
    Undelete,
    /// It is put out of the way.
    Archive,
    /// It is used again.
    Unarchive,
}

/// What can be deleted and archived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A bank.
    Bank,
    /// A question.
    Question,
    /// A blueprint.
    Blueprint,
    /// A form.
    Form,
    /// An exam.
    Exam,
}

/// One resource.
#[derive(Clone, Debug)]
pub struct Thing {
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Its key below the tenant.
    pub keys: Vec<String>,
}

macro_rules! things {
    ($($kind:ident($name:ident { $($key:ident),+ })),+) => {
        $(impl From<&$name> for Thing {
            fn from(name: &$name) -> Self {
                Self { kind: Kind::$kind, name: name.to_string(), keys: vec![$(name.$key.to_string()),+] }
            }
        })+
    };
}

things!(
    Bank(BankName { bank }),
    Question(QuestionName { bank, question }),
    Blueprint(BlueprintName { blueprint }),
    Form(FormName { blueprint, form }),
    Exam(ExamName { exam })
);

/// What a request to turn a resource says.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its present etag, or empty.
    pub etag: &'a str,
    /// A word of the caller's, by which a repeat is known.
    pub request_id: &'a str,
}

impl Ask<'_> {
    /// The name and the request id, checked.
    pub fn parse<T: FromStr<Err = IdError> + Default>(&self) -> Result<(T, String)> {
        let mut fields = Fields::default();
        let name = fields.take("name", self.name.parse());
        let request_id = fields.request_id(self.request_id);
        fields.done()?;
        Ok((name, request_id))
    }
}

/// Who made a resource, and since when it is archived or deleted, as stored.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "columns are described in the migration")]
pub struct Life {
    pub created_by: String,
    pub archive_time: Option<DateTime<Utc>>,
    pub delete_time: Option<DateTime<Utc>>,
    pub purge_time: Option<DateTime<Utc>>,
}

/// Since when a resource is what it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Archived since.
    pub archived: Option<DateTime<Utc>>,
    /// Deleted since.
    pub deleted: Option<DateTime<Utc>>,
    /// What it belongs to is there.
    pub whole: bool,
}

impl Standing {
    /// Whether a turn changes anything: a repeat does not. What is deleted can only be brought back, and only to where
    /// everything that it belongs to is there.
    pub fn turn(&self, turn: Turn, name: &str) -> Result<bool> {
        match (turn, self.deleted) {
            (Turn::Undelete, None) => Ok(false),
            (Turn::Undelete, Some(_)) if !self.whole => Err(Error::refused(
                "PARENT_DELETED",
                name,
                format!("what {name} belongs to or is made of is deleted itself; undelete that first"),
            )),
            (Turn::Undelete, Some(_)) => Ok(true),
            (Turn::Delete, Some(_)) => Ok(false),
            (Turn::Archive | Turn::Unarchive, Some(_)) => Err(Error::NotFound(name.to_owned())),
            (Turn::Delete, None) => Ok(true),
            (Turn::Archive, None) => Ok(self.archived.is_none()),
            (Turn::Unarchive, None) => Ok(self.archived.is_some()),
        }
    }
}

/// Refuses what would make something new of an archived resource.
pub fn archived(name: &str) -> Error {
    let message = format!("{name} is archived, so that nothing new is made of it; unarchive it first");
    Error::refused("ARCHIVED", name, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_turn_of_every_standing() {
        let since = Some(DateTime::UNIX_EPOCH);
        let says = |archived: bool, deleted: bool, whole: bool, turn| {
            let standing =
                Standing { archived: since.filter(|_| archived), deleted: since.filter(|_| deleted), whole };
            match standing.turn(turn, "banks/x") {
                Ok(true) => "done",
                Ok(false) => "is so",
                Err(Error::NotFound(_)) => "not found",
                Err(_) => "refused",
            }
        };
        use Turn::*;
        let turns = [Delete, Undelete, Archive, Unarchive];
        for (archived, deleted, whole, wanted) in [
            (false, false, true, ["done", "is so", "done", "is so"]),
            (true, false, true, ["done", "is so", "is so", "done"]),
            (false, true, true, ["is so", "done", "not found", "not found"]),
            (true, true, true, ["is so", "done", "not found", "not found"]),
            (true, true, false, ["is so", "refused", "not found", "not found"]),
        ] {
            assert_eq!(turns.map(|turn| says(archived, deleted, whole, turn)), wanted);
        }
    }
}
