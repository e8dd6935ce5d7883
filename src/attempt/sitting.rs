//! What may happen to a sitting, decided without a database or a clock: time and state arrive as arguments.

use chrono::{DateTime, Duration, Utc};
use sha2::{Digest, Sha256};

use crate::error::Error;

/// Where an attempt stands, as stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Being sat.
    Open,
    /// Submitted, every mark there.
    Scored,
    /// Submitted, waiting for a person.
    Awaiting,
}

impl State {
    /// The number in the database.
    pub fn code(self) -> i16 {
        match self {
            Self::Open => 0,
            Self::Scored => 1,
            Self::Awaiting => 2,
        }
    }

    /// The state of that number; the schema admits no other.
    pub fn of(code: i16) -> Self {
        match code {
            0 => Self::Open,
            1 => Self::Scored,
            _ => Self::Awaiting,
        }
    }
}

/// The rules of an exam that bear on starting and ending attempts.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Attempts may be started from here on.
    pub open_time: Option<DateTime<Utc>>,
    /// Attempts may be started, and are accepted, up to here.
    pub close_time: Option<DateTime<Utc>>,
    /// How long one attempt may take, in seconds.
    pub time_limit_s: Option<i32>,
    /// Attempts that one candidate may make.
    pub max_attempts: i32,
}

impl Rules {
    /// Whether a further attempt may begin; `made` attempts were made before.
    pub fn may_start(&self, exam: &str, now: DateTime<Utc>, made: i32) -> Result<(), Error> {
        if let Some(open) = self.open_time.filter(|open| now < *open) {
            let message = format!("{exam} opens at {}", open.to_rfc3339());
            return Err(Error::refused("EXAM_NOT_OPEN", exam, message));
        }
        if let Some(close) = self.close_time.filter(|close| now >= *close) {
            let message = format!("{exam} closed at {}", close.to_rfc3339());
            return Err(Error::refused("EXAM_CLOSED", exam, message));
        }
        if made >= self.max_attempts {
            let message =
                format!("the candidate has made {made} of {} attempts at {exam}", self.max_attempts);
            return Err(Error::refused("ATTEMPTS_EXHAUSTED", exam, message));
        }
        Ok(())
    }

    /// When an attempt that begins now must be submitted: the time limit (the exam's own or else the form's), never
    /// after the exam closes.
    pub fn due(&self, now: DateTime<Utc>, form_duration_s: Option<i32>) -> Option<DateTime<Utc>> {
        let limit = self.time_limit_s.or(form_duration_s).map(|s| now + Duration::seconds(i64::from(s)));
        match (limit, self.close_time) {
            (Some(limit), Some(close)) => Some(limit.min(close)),
            (limit, close) => limit.or(close),
        }
    }
}

/// Whether the time of an open attempt is over.
pub fn is_overdue(due: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    due.is_some_and(|due| now >= due)
}

/// The form that a candidate gets where the caller names none: the same one on every try, spread evenly.
pub fn allot(exam: &str, candidate: &str, forms: usize) -> usize {
    let hash = Sha256::new().chain_update(exam).chain_update([0]).chain_update(candidate).finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&hash[..8]);
    (u64::from_be_bytes(first) % forms.max(1) as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn the_window_and_the_number_of_attempts_hold() {
        let rules = Rules {
            open_time: Some(at(10)),
            close_time: Some(at(100)),
            time_limit_s: Some(60),
            max_attempts: 2,
        };
        let reason = |now, made| match rules.may_start("exams/x", at(now), made) {
            Err(Error::Refused { reason, .. }) => reason,
            _ => "",
        };
        assert_eq!(reason(9, 0), "EXAM_NOT_OPEN");
        assert_eq!(reason(10, 0), "");
        assert_eq!(reason(99, 1), "");
        assert_eq!(reason(99, 2), "ATTEMPTS_EXHAUSTED");
        assert_eq!(reason(100, 0), "EXAM_CLOSED");
    }

    #[test]
    fn the_earlier_end_counts() {
        let mut rules =
            Rules { open_time: None, close_time: Some(at(100)), time_limit_s: Some(60), max_attempts: 1 };
        assert_eq!(rules.due(at(10), Some(5)), Some(at(70)));
        assert_eq!(rules.due(at(60), None), Some(at(100)));
        rules.time_limit_s = None;
        assert_eq!(rules.due(at(10), Some(5)), Some(at(15)));
        rules.close_time = None;
        assert_eq!(rules.due(at(10), None), None);
        assert!(
            is_overdue(Some(at(70)), at(70)) && !is_overdue(Some(at(70)), at(69)) && !is_overdue(None, at(0))
        );
    }

    #[test]
    fn forms_are_spread() {
        let mut counts = [0; 3];
        for i in 0..3000 {
            counts[allot("exams/x", &format!("c{i}"), 3)] += 1;
        }
        assert!(counts.iter().all(|c| (850..1150).contains(c)), "{counts:?}");
        assert_eq!(allot("exams/x", "c1", 3), allot("exams/x", "c1", 3));
    }
}
