//! Opening an attempt again that has ended, and undoing that a submitted one was voided.
//!
//! What the attempt had is kept: its number, its responses and its log in the row, marks that it had as a replaced
//! revision, what graders gave in the audit log. Whether it can be is decided here without a database.

use chrono::{DateTime, Duration, Utc};
use serde_json::json;

use crate::{
    attempt::{packed::unpack_marks, response::Mark},
    auth::Caller,
    db::Unit,
    door::Fields,
    error::{Error, Result, is_duplicate},
    exam::policy::{Release, ReleaseContent},
    grading::revision_sql::Why,
    ids::AttemptName,
    pb,
};

use super::{
    ending::{open_log, unreadable},
    log::Happening,
    reopen_sql::{self as sql, Reopened},
    rpc::{Delivery, show_attempt},
    sitting::{EXPIRED, LATE, State},
    sql::lock,
};

/// The call, as it stands in the record of the marks.
pub const METHOD: &str = "DeliveryService/ReopenAttempt";
/// The most time that can be given: one day.
const MOST_S: i32 = 24 * 60 * 60;

/// What bears on opening an attempt again.
#[derive(Clone, Debug)]
pub struct Past {
    /// Where it stands.
    pub state: State,
    /// It was sat here, and not sent in.
    pub sat_here: bool,
    /// It has marks, of whatever state.
    pub was_submitted: bool,
    /// When it ended.
    pub ended: DateTime<Utc>,
    /// The end that it had, with extra time.
    pub due: Option<DateTime<Utc>>,
    /// The end of the exam for its candidate, with extra time.
    pub close: Option<DateTime<Utc>>,
    /// Another attempt of the candidate is open.
    pub other_is_open: bool,
    /// Attempts of the candidate that count.
    pub made: i64,
    /// Attempts that it may make.
    pub allowed: i64,
    /// Whether results may be seen, and what of them.
    pub release: Release,
    /// What is shown then.
    pub content: ReleaseContent,
}

/// What is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Open, for so many seconds from now; for what was left where nothing is said.
    Open(Option<i32>),
    /// The result back that it had before it was voided.
    Submitted,
}

/// Why it cannot be.
type Refusal = (&'static str, String);

impl Past {
    /// Until when the attempt is open then; `None` without a limit, and where it does not become open.
    fn decide(&self, wanted: Wanted, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, Refusal> {
        if self.state == State::Open {
            return Err(("ATTEMPT_OPEN", "it is open".to_owned()));
        }
        let is_void = self.state == State::Void;
        if is_void && self.made >= self.allowed {
            let message =
                format!("the candidate has made {} of {} attempts without it", self.made, self.allowed);
            return Err(("ATTEMPTS_EXHAUSTED", message));
        }
        let Wanted::Open(seconds) = wanted else {
            return match (is_void, self.was_submitted) {
                (true, true) => Ok(None),
                (true, false) => {
                    Err(("ATTEMPT_NOT_SUBMITTED", "it had no result when it was voided".to_owned()))
                }
                (false, _) => Err(("ATTEMPT_SUBMITTED", "it has its result".to_owned())),
            };
        };
        if !self.sat_here {
            return Err((
                "SAT_ELSEWHERE",
                "its candidate sat elsewhere; void it and send another submission".to_owned(),
            ));
        }
        if self.other_is_open {
            return Err(("ATTEMPT_OPEN", "the candidate has another attempt open".to_owned()));
        }
        if self.was_submitted && self.content != ReleaseContent::ScoreOnly && self.release.is_due() {
            let message =
                "its marks are released: the candidate may have seen what was wrong; void it instead"
                    .to_owned();
            return Err(("RESULTS_RELEASED", message));
        }
        if let Some(seconds) = seconds {
            return Ok(Some(now + Duration::seconds(i64::from(seconds))));
        }
        let left = self.due.map(|due| now + (due - self.ended));
        let until = left.into_iter().chain(self.close).min();
        match until.filter(|until| *until <= now) {
            Some(_) => Err((
                "NO_TIME_LEFT",
                "no time was left, or the exam has closed; say how long in time_left".to_owned(),
            )),
            None => Ok(until),
        }
    }
}

impl Delivery {
    /// Opens an attempt again, or gives a void one its result back.
    pub(super) async fn reopen(
        &self,
        caller: &Caller,
        request: pb::ReopenAttemptRequest,
    ) -> Result<pb::Attempt> {
        let mut fields = Fields::default();
        let name: AttemptName = fields.take("name", request.name.parse());
        let reason = fields.text("reason", &request.reason, 1, 500);
        let request_id = fields.request_id(&request.request_id);
        let seconds = fields.seconds("time_left", request.time_left.as_ref());
        if seconds.is_some_and(|s| s > MOST_S) {
            fields.bad("time_left", format!("must be at most {MOST_S} seconds"));
        }
        let wanted = match pb::AttemptState::try_from(request.state) {
            Ok(pb::AttemptState::Unspecified | pb::AttemptState::Open) => Wanted::Open(seconds),
            Ok(pb::AttemptState::Submitted) => {
                if request.time_left.is_some() {
                    fields.bad("time_left", "must not be given for SUBMITTED");
                }
                Wanted::Submitted
            }
            _ => {
                fields.bad("state", "must be OPEN or SUBMITTED");
                Wanted::Submitted
            }
        };
        fields.done()?;

        Unit::once(&self.db, caller, &request_id, &request, async |unit| {
            let tenant = caller.tenant.id;
            let absent = || Error::NotFound(name.to_string());
            let mut row = lock(unit.conn(), tenant, &name).await?.ok_or_else(absent)?;
            let past = sql::past(unit.conn(), tenant, &name).await?.ok_or_else(absent)?;
            let (_, form) = self.form_of(unit.conn(), tenant, &name, &row).await?;
            let log = open_log(&row)?;
            let entries = log.entries().map_err(|e| unreadable(&row, "log", e))?;
            let voided = entries.iter().rev().find(|e| e.kind == Happening::Voided).map(|e| log.time(e));
            let extra = Duration::seconds(i64::from(row.extra_time_s));
            let decided = Past {
                state: State::of(row.state),
                sat_here: entries.iter().any(|e| e.kind == Happening::Started),
                was_submitted: row.submit_time.is_some(),
                ended: row.submit_time.or(voided).unwrap_or(row.now),
                due: row.due(),
                close: past.close_time.map(|close| close + extra),
                other_is_open: past.other_is_open,
                made: past.made,
                allowed: past.allowed,
                release: past.release(row.now),
                content: ReleaseContent::stored(&past.release_content),
            }
            .decide(wanted, row.now);
            let until = decided.map_err(|(reason, message)| {
                Error::refused(reason, name.to_string(), format!("{name} cannot be opened again: {message}"))
            })?;
            let before = State::of(row.state);
            let log = log.noting(Happening::Reopened, row.now, &reason).pack();
            let mut noted = json!({ "reason": reason, "was_void": before == State::Void });
            if wanted == Wanted::Submitted {
                let marks = past.marks.as_deref().unwrap_or_default();
                let marks =
                    unpack_marks(marks, form.plan.slots().len()).map_err(|e| unreadable(&row, "marks", e))?;
                let state = if marks.contains(&Mark::Awaiting) { State::Awaiting } else { State::Scored };
                sql::restore(unit.conn(), tenant, row.attempt_id, state.code(), &log).await?;
                row.state = state.code();
            } else {
                let graded = sql::forget_graders(unit.conn(), tenant, row.attempt_id).await?;
                let actor = format!("apiKeys/{}", caller.key);
                let why = Why { actor: &actor, method: METHOD, reason: &reason };
                row.flags &= !(LATE | EXPIRED);
                row.due_time = until.map(|until| until - extra);
                let reopened =
                    Reopened { attempt: row.attempt_id, flags: row.flags, due_time: row.due_time, log: &log };
                sql::reopen(unit.conn(), tenant, why, &reopened).await.map_err(|e| {
                    // Another call opened one at this moment.
                    if is_duplicate(&e, "attempt_open") { Error::Collision } else { e.into() }
                })?;
                row.state = State::Open.code();
                row.submit_time = None;
                noted["due_time"] = json!(until);
                if !graded.is_empty() {
                    noted["graded"] = json!(graded);
                }
            }
            unit.changed("attempt.reopened", &name, noted);
            show_attempt(&name, &row, &form)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;
    use crate::exam::policy::ReleaseWhen;

    fn at(seconds: i64) -> DateTime<Utc> {
        Utc.timestamp_opt(seconds, 0).unwrap()
    }

    /// Submitted at 30 of 60 seconds, looked at by 1000.
    fn past() -> Past {
        Past {
            state: State::Scored,
            sat_here: true,
            was_submitted: true,
            ended: at(30),
            due: Some(at(60)),
            close: None,
            other_is_open: false,
            made: 1,
            allowed: 1,
            release: Release {
                when: ReleaseWhen::ByHand,
                now: at(1000),
                close_time: None,
                grace_s: 0,
                release_time: None,
                somebody_sits: false,
            },
            content: ReleaseContent::Keys,
        }
    }

    #[test]
    fn a_reopened_attempt_has_the_time_that_was_left_or_that_is_given() {
        let of = |past: &Past, wanted| past.decide(wanted, at(1000)).map_err(|(reason, _)| reason);
        let open = Wanted::Open(None);
        assert_eq!(of(&past(), open), Ok(Some(at(1030))));
        assert_eq!(of(&past(), Wanted::Open(Some(300))), Ok(Some(at(1300))));
        assert_eq!(of(&Past { due: None, ..past() }, open), Ok(None));
        assert_eq!(of(&Past { close: Some(at(1010)), ..past() }, open), Ok(Some(at(1010))));
        assert_eq!(of(&Past { due: None, close: Some(at(1010)), ..past() }, open), Ok(Some(at(1010))));
        for over in [
            Past { ended: at(60), ..past() },
            Past { ended: at(90), ..past() },
            Past { close: Some(at(1000)), ..past() },
        ] {
            assert_eq!(of(&over, open), Err("NO_TIME_LEFT"));
            assert_eq!(of(&over, Wanted::Open(Some(1))), Ok(Some(at(1001))));
        }
    }

    #[test]
    fn what_cannot_be_opened_again_says_why() {
        let of = |past: Past, wanted| past.decide(wanted, at(1000)).map_err(|(reason, _)| reason);
        let open = Wanted::Open(None);
        assert_eq!(of(Past { state: State::Open, ..past() }, open), Err("ATTEMPT_OPEN"));
        assert_eq!(of(Past { other_is_open: true, ..past() }, open), Err("ATTEMPT_OPEN"));
        assert_eq!(of(Past { sat_here: false, ..past() }, open), Err("SAT_ELSEWHERE"));
        let shown = Release { when: ReleaseWhen::AtOnce, ..past().release };
        assert_eq!(of(Past { release: shown, ..past() }, open), Err("RESULTS_RELEASED"));
        let score = ReleaseContent::ScoreOnly;
        assert_eq!(of(Past { release: shown, content: score, ..past() }, open), Ok(Some(at(1030))));
        // A void attempt counts again, so there must be room for it; what was submitted counts already.
        let void = Past { state: State::Void, ..past() };
        for wanted in [open, Wanted::Submitted] {
            assert_eq!(of(void.clone(), wanted), Err("ATTEMPTS_EXHAUSTED"));
        }
        let void = Past { made: 0, ..void };
        assert_eq!(of(void.clone(), open), Ok(Some(at(1030))));
        assert_eq!(of(void.clone(), Wanted::Submitted), Ok(None));
        assert_eq!(of(Past { sat_here: false, ..void.clone() }, Wanted::Submitted), Ok(None));
        let never = Past { was_submitted: false, ..void };
        assert_eq!(of(never, Wanted::Submitted), Err("ATTEMPT_NOT_SUBMITTED"));
        assert_eq!(of(past(), Wanted::Submitted), Err("ATTEMPT_SUBMITTED"));
    }
}
