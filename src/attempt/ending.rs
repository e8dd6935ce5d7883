//! How an open attempt ends: scored with what it has, by its candidate or by the service. Decided here once, for the
//! call that submits, the call that starts a new attempt, and the task that ends overdue ones.

use uuid::Uuid;

use crate::{
    error::{Error, Result},
    scoring::outcome::{Outcome, OutcomeState},
};

use super::{
    log::{Happening, Log},
    packed::{Unpack, pack_marks, pack_responses, unpack_responses},
    plans::CompiledForm,
    response::Response,
    sitting::{EXPIRED, LATE, State, Timing},
    sql::{AttemptRow, Ended},
};

/// Who ends it.
#[derive(Clone, Debug)]
pub enum By {
    /// The candidate, through that API key, by a request with that hash.
    Candidate(Uuid, Vec<u8>),
    /// The service: its time is over.
    Time,
}

/// What ending an open attempt adds to its row. A candidate who submits nothing new after an end that allows no more
/// only asks for what the service does by itself: the attempt has expired.
pub fn end(row: &AttemptRow, form: &CompiledForm, responses: &[Response], by: By) -> Result<Ended> {
    let marks = form.plan.score(responses);
    let outcome = form.plan.outcome(&marks);
    let due = row.due();
    let (flag, happening) = match (&by, row.clock().timing(due, row.now)) {
        (By::Time, _) | (_, Timing::Over) => (EXPIRED, Happening::Expired),
        (By::Candidate(..), Timing::Late) => (LATE, Happening::Submitted),
        (By::Candidate(..), Timing::InTime) => (0, Happening::Submitted),
    };
    let (actor, request_hash) = match by {
        By::Candidate(key, hash) => (Some(key), Some(hash)),
        By::Time => (None, None),
    };
    Ok(Ended {
        attempt: row.attempt_id,
        state: state_of(&outcome).code(),
        flags: row.flags | flag,
        due_time: due,
        submit_time: row.now,
        answered: answered(responses),
        score: outcome.total.decimal(),
        awaiting: outcome.awaiting.decimal(),
        actor,
        request_hash,
        responses: pack_responses(responses),
        marks: pack_marks(&marks),
        log: open_log(row)?.noting(happening, row.now, "").pack(),
    })
}

/// The state that scoring leads to.
pub fn state_of(outcome: &Outcome) -> State {
    match outcome.state {
        OutcomeState::Scored => State::Scored,
        OutcomeState::AwaitingGrading => State::Awaiting,
    }
}

/// How many positions have an answer.
pub fn answered(responses: &[Response]) -> i32 {
    responses.iter().filter(|r| !r.is_blank()).count() as i32
}

/// The responses of an attempt.
pub fn unpack(row: &AttemptRow, form: &CompiledForm) -> Result<Vec<Response>> {
    unpack_responses(&row.responses, form.plan.slots().len()).map_err(|e| unreadable(row, "responses", e))
}

/// The log of an attempt.
pub fn open_log(row: &AttemptRow) -> Result<Log> {
    Log::open(row.start_time, row.log.as_deref()).map_err(|e| unreadable(row, "log", e))
}

/// Stored bytes that this build cannot read.
pub fn unreadable(row: &AttemptRow, what: &str, error: Unpack) -> Error {
    Error::Internal(format!("the {what} of attempt {} cannot be read: {error}", row.attempt_id).into())
}
