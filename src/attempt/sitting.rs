//! What may happen to a sitting, decided without a database or a clock: time and state arrive as arguments.

use chrono::{DateTime, Duration, Utc};
use sha2::{Digest, Sha256};

use crate::{error::Error, exam::policy::LateMode, lifecycle};

/// Flag of an attempt: it came late, and the exam accepts that.
pub const LATE: i16 = 1;
/// Flag of an attempt: the service ended it when its time ran out.
pub const EXPIRED: i16 = 2;

/// How long after its time (and the grace) the service waits before it ends an attempt whose exam accepts late answers,
/// in seconds: one day.
pub const LATE_WINDOW_S: i32 = 24 * 60 * 60;

/// Where an attempt stands, as stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Voided: counts no more.
    Void,
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
            Self::Void => -1,
            Self::Open => 0,
            Self::Scored => 1,
            Self::Awaiting => 2,
        }
    }

    /// The state of that number; the schema admits no other.
    pub fn of(code: i16) -> Self {
        match code {
            -1 => Self::Void,
            0 => Self::Open,
            1 => Self::Scored,
            _ => Self::Awaiting,
        }
    }
}

/// The rules of an exam that bear on starting and ending attempts, with what the candidate gets beyond them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rules {
    /// Attempts may be started from here on.
    pub open_time: Option<DateTime<Utc>>,
    /// Attempts may be started, and are accepted, up to here.
    pub close_time: Option<DateTime<Utc>>,
    /// How long one attempt may take, in seconds.
    pub time_limit_s: Option<i32>,
    /// Attempts that one candidate may make.
    pub max_attempts: i32,
    /// Attempts that this one may make beyond that.
    pub extra_attempts: i32,
    /// The exam was deleted.
    pub is_gone: bool,
    /// The exam is archived: what is open goes on, nothing new begins.
    pub is_archived: bool,
    /// What happens after the time is over.
    pub clock: Clock,
}

/// What happens to answers after the time is over.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock {
    /// What happens to late answers.
    pub late: LateMode,
    /// How long after the end they still count as in time, in seconds.
    pub grace_s: i32,
    /// The candidate's time beyond the limit, in seconds.
    pub extra_time_s: i32,
}

/// How an answer stands to its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    /// In time, or within the grace.
    InTime,
    /// After it, and the exam accepts that: it is marked.
    Late,
    /// After it, and the exam does not accept that: the attempt is over.
    Over,
}

impl Clock {
    /// The end of an attempt with that stored due time: extra time comes after whatever limited the sitting, the end of
    /// the exam included.
    pub fn due(&self, stored: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
        stored.map(|due| due + Duration::seconds(i64::from(self.extra_time_s)))
    }

    /// How an answer that comes now stands to an end; `due` is with extra time.
    pub fn timing(&self, due: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Timing {
        let end = due.map(|due| due + Duration::seconds(i64::from(self.grace_s)));
        match (end, self.late) {
            (Some(end), LateMode::Refuse) if now >= end => Timing::Over,
            (Some(end), LateMode::AcceptAndMark) if now >= end => Timing::Late,
            _ => Timing::InTime,
        }
    }

    /// Whether the service ends an open attempt by itself: at once where nothing more is accepted, else after a day.
    pub fn expires(&self, due: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
        match self.late {
            LateMode::Refuse => self.timing(due, now) == Timing::Over,
            LateMode::AcceptAndMark => {
                let wait = i64::from(self.grace_s + LATE_WINDOW_S);
                due.is_some_and(|due| now >= due + Duration::seconds(wait))
            }
        }
    }
}

impl Rules {
    /// Whether a further attempt may begin; `made` attempts that count were made before.
    pub fn may_start(&self, exam: &str, now: DateTime<Utc>, made: i64) -> Result<(), Error> {
        self.may_begin(exam)?;
        if let Some(close) = self.close_time.filter(|close| now >= *close) {
            return Err(closed(exam, close));
        }
        self.may_count(exam, now, made)
    }

    /// Whether a submission of a candidate who sat elsewhere may count: it is accepted after the exam has closed as an
    /// answer in a sitting would be.
    pub fn may_submit(&self, exam: &str, now: DateTime<Utc>, made: i64) -> Result<(), Error> {
        self.may_begin(exam)?;
        if let Some(close) = self.close_time
            && self.clock.timing(self.clock.due(self.close_time), now) == Timing::Over
        {
            return Err(closed(exam, close));
        }
        self.may_count(exam, now, made)
    }

    fn may_begin(&self, exam: &str) -> Result<(), Error> {
        match (self.is_gone, self.is_archived) {
            (true, _) => Err(Error::NotFound(exam.to_owned())),
            (false, true) => Err(lifecycle::archived(exam)),
            (false, false) => Ok(()),
        }
    }

    fn may_count(&self, exam: &str, now: DateTime<Utc>, made: i64) -> Result<(), Error> {
        if let Some(open) = self.open_time.filter(|open| now < *open) {
            let message = format!("{exam} opens at {}", open.to_rfc3339());
            return Err(Error::refused("EXAM_NOT_OPEN", exam, message));
        }
        let most = i64::from(self.max_attempts) + i64::from(self.extra_attempts);
        if made >= most {
            let message = format!("the candidate has made {made} of {most} attempts at {exam}");
            return Err(Error::refused("ATTEMPTS_EXHAUSTED", exam, message));
        }
        Ok(())
    }

    /// When an attempt that begins now must be submitted, without extra time: the time limit (the exam's own or else the
    /// form's), never after the exam closes.
    pub fn due(&self, now: DateTime<Utc>, form_duration_s: Option<i32>) -> Option<DateTime<Utc>> {
        let limit = self.time_limit_s.or(form_duration_s).map(|s| now + Duration::seconds(i64::from(s)));
        match (limit, self.close_time) {
            (Some(limit), Some(close)) => Some(limit.min(close)),
            (limit, close) => limit.or(close),
        }
    }
}

fn closed(exam: &str, close: DateTime<Utc>) -> Error {
    Error::refused("EXAM_CLOSED", exam, format!("{exam} closed at {}", close.to_rfc3339()))
}

/// The form that a candidate gets where the caller names none: the same one on every try, spread evenly.
pub fn allot(exam: &str, candidate: &str, forms: usize) -> usize {
    let hash = Sha256::new().chain_update(exam).chain_update([0]).chain_update(candidate).finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&hash[..8]);
    (u64::from_be_bytes(first) % forms.max(1) as u64) as usize
}

/// The form of a seat, from 1: neighbours get different ones.
pub fn allot_seat(seat: i32, forms: usize) -> usize {
    usize::try_from(seat.saturating_sub(1)).unwrap_or_default() % forms.max(1)
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        Utc.timestamp_opt(seconds, 0).unwrap()
    }

    fn reason(result: Result<(), Error>) -> &'static str {
        match result {
            Err(Error::Refused { reason, .. }) => reason,
            _ => "",
        }
    }

    #[test]
    fn an_exam_has_its_window_and_its_number_of_attempts() {
        let mut rules = Rules {
            open_time: Some(at(10)),
            close_time: Some(at(100)),
            time_limit_s: Some(60),
            max_attempts: 2,
            ..Default::default()
        };
        let start = |rules: &Rules, now, made| reason(rules.may_start("exams/x", at(now), made));
        assert_eq!(start(&rules, 9, 0), "EXAM_NOT_OPEN");
        assert_eq!(start(&rules, 10, 0), "");
        assert_eq!(start(&rules, 99, 1), "");
        assert_eq!(start(&rules, 99, 2), "ATTEMPTS_EXHAUSTED");
        assert_eq!(start(&rules, 100, 0), "EXAM_CLOSED");
        rules.extra_attempts = 1;
        assert_eq!(start(&rules, 99, 2), "");
        assert_eq!(start(&rules, 99, 3), "ATTEMPTS_EXHAUSTED");
    }

    #[test]
    fn submissions_from_elsewhere_follow_the_late_policy() {
        let mut rules = Rules { close_time: Some(at(100)), max_attempts: 1, ..Default::default() };
        let submit = |rules: &Rules, now| reason(rules.may_submit("exams/x", at(now), 0));
        assert_eq!((submit(&rules, 99), submit(&rules, 100)), ("", "EXAM_CLOSED"));
        rules.clock.grace_s = 5;
        assert_eq!((submit(&rules, 104), submit(&rules, 105)), ("", "EXAM_CLOSED"));
        rules.clock.extra_time_s = 10;
        assert_eq!((submit(&rules, 114), submit(&rules, 115)), ("", "EXAM_CLOSED"));
        rules.clock.late = LateMode::AcceptAndMark;
        assert_eq!(submit(&rules, 1_000_000), "");
    }

    #[test]
    fn the_earlier_end_counts_and_extra_time_comes_after_it() {
        let mut rules = Rules {
            close_time: Some(at(100)),
            time_limit_s: Some(60),
            max_attempts: 1,
            ..Default::default()
        };
        assert_eq!(rules.due(at(10), Some(5)), Some(at(70)));
        assert_eq!(rules.due(at(60), None), Some(at(100)));
        rules.clock.extra_time_s = 30;
        assert_eq!(rules.clock.due(rules.due(at(60), None)), Some(at(130)));
        rules.time_limit_s = None;
        assert_eq!(rules.due(at(10), Some(5)), Some(at(15)));
        rules.close_time = None;
        assert_eq!(rules.due(at(10), None), None);
        assert_eq!(rules.clock.due(None), None);
    }

    #[test]
    fn late_is_after_the_grace() {
        let refuse = Clock { late: LateMode::Refuse, grace_s: 5, extra_time_s: 0 };
        let mark = Clock { late: LateMode::AcceptAndMark, ..refuse };
        for (now, refused, marked) in [
            (69, Timing::InTime, Timing::InTime),
            (74, Timing::InTime, Timing::InTime),
            (75, Timing::Over, Timing::Late),
            (76, Timing::Over, Timing::Late),
        ] {
            assert_eq!(refuse.timing(Some(at(70)), at(now)), refused, "{now}");
            assert_eq!(mark.timing(Some(at(70)), at(now)), marked, "{now}");
            assert_eq!(refuse.expires(Some(at(70)), at(now)), refused == Timing::Over, "{now}");
        }
        assert_eq!(refuse.timing(None, at(i64::from(i32::MAX))), Timing::InTime);
        assert!(!refuse.expires(None, at(i64::from(i32::MAX))));
        assert!(!mark.expires(Some(at(70)), at(74 + i64::from(LATE_WINDOW_S))));
        assert!(mark.expires(Some(at(70)), at(75 + i64::from(LATE_WINDOW_S))));
    }

    #[test]
    fn forms_are_spread() {
        let mut counts = [0; 3];
        for i in 0..3000 {
            counts[allot("exams/x", &format!("c{i}"), 3)] += 1;
        }
        assert!(counts.iter().all(|c| (850..1150).contains(c)), "{counts:?}");
        assert_eq!(allot("exams/x", "c1", 3), allot("exams/x", "c1", 3));
        assert_eq!([1, 2, 3, 4].map(|seat| allot_seat(seat, 3)), [0, 1, 2, 0]);
        assert_eq!((allot_seat(7, 1), allot_seat(0, 2), allot_seat(i32::MIN, 2)), (0, 0, 0));
    }

    #[test]
    fn states_survive_their_numbers() {
        for state in [State::Void, State::Open, State::Scored, State::Awaiting] {
            assert_eq!(State::of(state.code()), state);
        }
    }
}
