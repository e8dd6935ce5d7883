//! What a refused call says, for assertions.

use std::fmt::Debug;

use tonic::{Code, Status};
use tonic_types::StatusExt;

/// A call that should have been refused.
pub trait Refused {
    /// The status; panics if the call was answered, or refused with another code.
    fn refused(self, code: Code) -> Status;
    /// Refused with INVALID_ARGUMENT that names exactly these fields, in any order.
    fn bad(self, fields: &[&str]) -> Status;
    /// Refused with that code and that reason.
    fn because(self, code: Code, reason: &str) -> Status;
}

impl<T: Debug> Refused for Result<T, Status> {
    #[track_caller]
    fn refused(self, code: Code) -> Status {
        refused(self, code)
    }

    #[track_caller]
    fn bad(self, fields: &[&str]) -> Status {
        let status = refused(self, Code::InvalidArgument);
        let mut named = bad_fields(&status);
        named.sort();
        named.dedup();
        let mut wanted: Vec<String> = fields.iter().map(|f| (*f).to_owned()).collect();
        wanted.sort();
        assert_eq!(named, wanted, "{status:?}");
        assert_eq!(reason(&status), "INVALID_FIELDS");
        status
    }

    #[track_caller]
    fn because(self, code: Code, why: &str) -> Status {
        let status = refused(self, code);
        assert_eq!(reason(&status), why, "{status:?}");
        status
    }
}

/// The status of a call that must have been refused with that code.
#[track_caller]
pub fn refused<T: Debug>(answer: Result<T, Status>, code: Code) -> Status {
    match answer {
        Ok(answer) => panic!("answered instead of {code:?}: {answer:?}"),
        Err(status) => {
            assert_eq!(status.code(), code, "{status:?}");
            assert_no_database_text(&status);
            status
        }
    }
}

/// The paths of the bad fields.
pub fn bad_fields(status: &Status) -> Vec<String> {
    let details = status.get_error_details();
    let bad = details.bad_request().map(|b| b.field_violations.clone()).unwrap_or_default();
    bad.into_iter().map(|v| v.field).collect()
}

/// The stable reason.
pub fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    let info = details.error_info().unwrap_or_else(|| panic!("no ErrorInfo: {status:?}"));
    assert_eq!(info.domain, "assessd");
    info.reason.clone()
}

/// No text of the database, no SQL, no name of a table's parts may reach a caller.
#[track_caller]
pub fn assert_no_database_text(status: &Status) {
    let text = format!("{} {:?}", status.message(), status.get_error_details()).to_lowercase();
    for word in [
        "sqlx",
        "postgres",
        "relation",
        "_pkey",
        "constraint",
        "violates",
        "sqlstate",
        "select ",
        "insert into",
        "syntax error",
        "panicked",
    ] {
        assert!(!text.contains(word), "{word:?} leaks: {status:?}");
    }
}
