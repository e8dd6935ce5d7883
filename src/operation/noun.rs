//! What an operation is, and how it ends. Pure.

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::error::{DOMAIN, Error, Result};

/// The kinds of long work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The marks of an exam change.
    Regrade,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 1] = [Self::Regrade];

    /// The word that is stored and that filters take.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Regrade => "regrade",
        }
    }

    /// The kind of a stored word.
    pub fn stored(word: &str) -> Result<Self> {
        let kind = Self::ALL.into_iter().find(|k| k.as_str() == word);
        kind.ok_or_else(|| Error::Internal(format!("no kind of operation is called {word:?}").into()))
    }

    /// The event of a stop by a caller.
    pub fn cancelled(self) -> &'static str {
        match self {
            Self::Regrade => "regrade.cancelled",
        }
    }

    /// The event of an end by an error.
    pub fn failed(self) -> &'static str {
        match self {
            Self::Regrade => "regrade.failed",
        }
    }
}

/// How an operation ended.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// Well: the last progress and what came of it, each an encoded `Any`.
    Done {
        /// How far it came.
        progress: Vec<u8>,
        /// What came of it.
        response: Vec<u8>,
    },
    /// By a caller or by an error.
    Stopped {
        /// `cancelled` or `failed`.
        state: &'static str,
        /// Of `google.rpc.Code`.
        code: Code,
        /// A stable word for programs.
        reason: String,
        /// For a person.
        message: String,
    },
}

impl End {
    /// A caller stopped it.
    pub fn cancelled() -> Self {
        let (reason, message) = ("OPERATION_CANCELLED".to_owned(), "a caller stopped it".to_owned());
        Self::Stopped { state: "cancelled", code: Code::Cancelled, reason, message }
    }

    /// An error stopped it; what is kept is what a caller would have been told.
    pub fn failed(error: Error) -> Self {
        let status = Status::from(error);
        let details = status.get_error_details();
        let reason = details.error_info().map(|i| i.reason.clone()).unwrap_or_default();
        Self::Stopped { state: "failed", code: status.code(), reason, message: status.message().to_owned() }
    }
}

/// A stored error as `google.rpc.Status`, with the same details as that of a refused call.
pub fn show_error(code: i32, reason: &str, message: &str) -> tonic_types::Status {
    let mut details = ErrorDetails::new();
    if !reason.is_empty() {
        details.set_error_info(reason, DOMAIN, std::collections::HashMap::new());
    }
    let status = Status::with_error_details(Code::from_i32(code), message, details);
    prost::Message::decode(status.details()).unwrap_or_else(|_| tonic_types::Status {
        code,
        message: message.to_owned(),
        details: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_says_what_a_refused_call_would() {
        let End::Stopped { state, code, reason, message } = End::failed(Error::Collision) else {
            panic!("it ended well")
        };
        assert_eq!((state, code, reason.as_str()), ("failed", Code::Aborted, "COLLISION"));
        let shown = show_error(code as i32, &reason, &message);
        assert_eq!((shown.code, shown.message.as_str()), (10, "another change came in between; retry"));
        assert_eq!(shown.details[0].type_url, "type.googleapis.com/google.rpc.ErrorInfo");
        let bare = show_error(13, "", "x");
        assert_eq!((bare.code, bare.details.len()), (13, 0));
    }

    #[test]
    fn a_kind_is_found_by_its_word() {
        for kind in Kind::ALL {
            assert_eq!(Kind::stored(kind.as_str()).unwrap(), kind);
        }
        assert!(Kind::stored("import").is_err());
    }
}
