//! What can go wrong, named by what the caller can do about it, and the only way from there to a gRPC status.
//!
//! Database text never reaches a caller: [`Error::Db`] and [`Error::Internal`] are logged here, once, and answered
//! with a bare INTERNAL.

use std::{borrow::Cow, fmt, time::Duration};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, PreconditionViolation, StatusExt};

use crate::pb;

/// The domain of every `google.rpc.ErrorInfo` of this service.
pub const DOMAIN: &str = "assessd";

/// The result of anything that can fail on behalf of a caller.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One bad field of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Its path, such as `sections[2].count`.
    pub field: String,
    /// What is wrong with it and what would be right.
    pub description: String,
}

/// Why a call failed.
#[derive(Debug)]
pub enum Error {
    /// Fields are bad; all of them are named. The caller corrects the request.
    Invalid(Vec<Violation>),
    /// Not there, or another tenant's: the caller cannot tell the two apart.
    NotFound(String),
    /// A resource of that name exists already.
    Exists(String),
    /// The state of things does not allow it.
    Refused {
        /// A stable word for programs.
        reason: &'static str,
        /// The resource whose state is in the way.
        subject: String,
        /// What is in the way, for a person.
        message: String,
    },
    /// The state of things does not allow it, in several ways at once.
    RefusedEach {
        /// A stable word for programs.
        reason: &'static str,
        /// The resource whose state is in the way.
        subject: String,
        /// The whole in one sentence.
        message: String,
        /// What is in the way, one by one.
        obstacles: Vec<String>,
    },
    /// The caller changed something that it has not seen: read again, then retry.
    Stale(String),
    /// The credential is missing or void.
    Unauthenticated(&'static str),
    /// The credential does not allow it; the role that would.
    Forbidden(String),
    /// Something that is needed is away just now; retrying helps.
    Unavailable,
    /// The database lacks something that it needs, room above all; retrying helps once somebody has seen to it.
    Wanting(Want),
    /// The process stops; another one, or this one started again, goes on.
    Stopping,
    /// Two changes met; retrying helps.
    Collision,
    /// Too much at once; retrying later helps.
    Exhausted(&'static str),
    /// The caller's time is over.
    DeadlineExceeded,
    /// The database said something that is no caller's fault.
    Db(sqlx::Error),
    /// A promise of our own was broken.
    Internal(Cow<'static, str>),
}

/// What a database can lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Room on its disk.
    Room,
    /// Memory.
    Memory,
    /// A disk that works.
    Disk,
}

impl Want {
    /// By the SQLSTATE.
    fn of(code: &str) -> Option<Self> {
        match code {
            "53100" => Some(Self::Room),
            "53200" => Some(Self::Memory),
            "58030" => Some(Self::Disk),
            _ => None,
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::Room => "STORAGE_FULL",
            Self::Memory => "DATABASE_OUT_OF_MEMORY",
            Self::Disk => "STORAGE_FAILING",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Room => "the disk of the database is full",
            Self::Memory => "the database is out of memory",
            Self::Disk => "the disk of the database fails",
        }
    }
}

impl Error {
    /// One bad field.
    pub fn invalid(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self::Invalid(vec![Violation { field: field.into(), description: description.into() }])
    }

    /// A refusal with a stable reason.
    pub fn refused(reason: &'static str, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Refused { reason, subject: subject.into(), message: message.into() }
    }

    /// Whether the same call may succeed when it is tried again unchanged.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Unavailable | Self::Wanting(_) | Self::Stopping | Self::Collision | Self::Exhausted(_)
        )
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is wrong with the whole message has no field.
        match self.field.as_str() {
            "" => f.write_str(&self.description),
            field => write!(f, "{field}: {}", self.description),
        }
    }
}

impl fmt::Display for Error {
    /// For operators (command line, logs): unlike the status of a call it may name the database's complaint.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(violations) => {
                for (i, v) in violations.iter().enumerate() {
                    write!(f, "{}{v}", if i > 0 { "; " } else { "" })?;
                }
                Ok(())
            }
            Self::NotFound(name) => write!(f, "{name} does not exist"),
            Self::Exists(name) => write!(f, "{name} exists already"),
            Self::Refused { message, .. } | Self::RefusedEach { message, .. } | Self::Forbidden(message) => {
                f.write_str(message)
            }
            Self::Stale(name) => write!(f, "{name} has changed in between"),
            Self::Unauthenticated(message) | Self::Exhausted(message) => f.write_str(message),
            Self::Unavailable => f.write_str("the database cannot be reached"),
            Self::Wanting(want) => f.write_str(want.words()),
            Self::Stopping => f.write_str("the service stops"),
            Self::Collision => f.write_str("another change came in between"),
            Self::DeadlineExceeded => f.write_str("the time was over"),
            Self::Db(error) => error.fmt(f),
            Self::Internal(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Error {}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::Io(_)
            | sqlx::Error::WorkerCrashed => {
                tracing::warn!(%error, "the database cannot be reached");
                Self::Unavailable
            }
            sqlx::Error::Database(db) => match db.code().as_deref() {
                // A statement ran into statement_timeout, which is the caller's deadline.
                Some("57014") => Self::DeadlineExceeded,
                // So does a transaction that did nothing for so long that the database ended it.
                Some("40001" | "40P01" | "25P03") => Self::Collision,
                // It waited for a lock for as long as one may.
                Some("55P03") => Self::Exhausted("others are changing the same; retry a little later"),
                Some(code) if let Some(want) = Want::of(code) => {
                    tracing::error!(%error, "{}", want.words());
                    Self::Wanting(want)
                }
                // Shutting down, crashed, starting up, or out of connections; class 08 is a lost connection.
                Some("57P01" | "57P02" | "57P03" | "53300") => Self::Unavailable,
                Some(code) if code.starts_with("08") => Self::Unavailable,
                _ => Self::Db(error),
            },
            // A connection that breaks in the midst of a message is a protocol error to sqlx.
            sqlx::Error::Protocol(_) => Self::Unavailable,
            _ => Self::Db(error),
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let mut details;
        let info = |reason: &str| {
            let mut details = ErrorDetails::new();
            details.set_error_info(reason, DOMAIN, std::collections::HashMap::new());
            details
        };
        let (code, message) = match error {
            Error::Invalid(violations) => {
                details = info("INVALID_FIELDS");
                let message = match violations.as_slice() {
                    [one] => one.to_string(),
                    many => format!("{} fields are invalid", many.len()),
                };
                let fields: Vec<FieldViolation> =
                    violations.into_iter().map(|v| FieldViolation::new(v.field, v.description)).collect();
                details.set_bad_request(fields);
                (Code::InvalidArgument, message)
            }
            Error::NotFound(name) => {
                details = info("NOT_FOUND");
                details.set_resource_info(kind_of(&name), &name, "", "");
                (Code::NotFound, format!("{name} does not exist"))
            }
            Error::Exists(name) => {
                details = info("ALREADY_EXISTS");
                details.set_resource_info(kind_of(&name), &name, "", "");
                (Code::AlreadyExists, format!("{name} exists already"))
            }
            Error::Refused { reason, subject, message } => {
                details = info(reason);
                details
                    .set_precondition_failure(vec![PreconditionViolation::new(reason, &subject, &message)]);
                (Code::FailedPrecondition, message)
            }
            Error::RefusedEach { reason, subject, message, obstacles } => {
                details = info(reason);
                let each = |what: &String| PreconditionViolation::new(reason, &subject, what);
                details.set_precondition_failure(obstacles.iter().map(each).collect::<Vec<_>>());
                (Code::FailedPrecondition, message)
            }
            Error::Stale(name) => {
                details = info("ETAG_STALE");
                details.set_resource_info(kind_of(&name), &name, "", "");
                (Code::Aborted, format!("{name} has changed since you read it; read it again and retry"))
            }
            Error::Unauthenticated(message) => {
                details = info("UNAUTHENTICATED");
                (Code::Unauthenticated, message.to_owned())
            }
            Error::Forbidden(message) => {
                details = info("ROLE_MISSING");
                (Code::PermissionDenied, message)
            }
            Error::Unavailable => {
                details = info("DATABASE_UNAVAILABLE");
                details.set_retry_info(Some(Duration::from_secs(1)));
                (Code::Unavailable, "the database cannot be reached just now; retry".to_owned())
            }
            Error::Wanting(want) => {
                details = info(want.reason());
                details.set_retry_info(Some(Duration::from_secs(5)));
                (Code::Unavailable, format!("{}; nothing was changed, retry later", want.words()))
            }
            Error::Stopping => {
                details = info("STOPPING");
                details.set_retry_info(Some(Duration::from_secs(1)));
                (Code::Unavailable, "the service stops; what was not answered is to be sent again".to_owned())
            }
            Error::Collision => {
                details = info("COLLISION");
                details.set_retry_info(Some(Duration::from_millis(50)));
                (Code::Aborted, "another change came in between; retry".to_owned())
            }
            Error::Exhausted(message) => {
                details = info("OVERLOADED");
                details.set_retry_info(Some(Duration::from_millis(500)));
                (Code::ResourceExhausted, message.to_owned())
            }
            Error::DeadlineExceeded => {
                details = info("DEADLINE_EXCEEDED");
                (Code::DeadlineExceeded, "the deadline of the call has passed".to_owned())
            }
            Error::Db(error) => {
                tracing::error!(%error, "a statement failed");
                details = info("INTERNAL");
                (Code::Internal, "internal error".to_owned())
            }
            Error::Internal(what) => {
                tracing::error!(%what, "a promise of the service was broken");
                details = info("INTERNAL");
                (Code::Internal, "internal error".to_owned())
            }
        };
        Status::with_error_details(code, message, details)
    }
}

/// What a resource name names: the last collection in it, such as `questions`.
fn kind_of(name: &str) -> &str {
    let segments: Vec<&str> = name.split('/').collect();
    match segments.len() {
        0 | 1 => name,
        n if n % 2 == 0 => segments[n - 2],
        n => segments[n - 1],
    }
}

/// The same error as one element of a batch.
impl From<Error> for pb::ElementError {
    fn from(error: Error) -> Self {
        let status = Status::from(error);
        let details = status.get_error_details();
        Self {
            code: status.code() as i32,
            message: status.message().to_owned(),
            reason: details.error_info().map(|i| i.reason.clone()).unwrap_or_default(),
            violations: details
                .bad_request()
                .map(|bad| bad.field_violations.as_slice())
                .unwrap_or_default()
                .iter()
                .map(|v| pb::FieldViolation { field: v.field.clone(), description: v.description.clone() })
                .collect(),
        }
    }
}

/// Whether a statement failed because a row of that unique constraint is there already.
pub fn is_duplicate(error: &sqlx::Error, constraint: &str) -> bool {
    matches!(error, sqlx::Error::Database(db) if db.is_unique_violation() && db.constraint() == Some(constraint))
}

/// Whether a statement failed because any row is there already.
pub fn is_unique_violation(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(db) if db.is_unique_violation())
}
