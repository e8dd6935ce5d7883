//! A result on the wire: marks by position, subscores, and whether the pass mark is reached.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    attempt::{
        plans::CompiledForm,
        response::Mark,
        sitting::{EXPIRED, LATE},
        wire,
    },
    exam::standard::{Range, Standards},
    ids::ExamName,
    pb::{self, timestamp},
    scoring::outcome::{Outcome, OutcomeState, Subscore},
};

/// Who sat what, and when.
#[derive(Debug)]
pub struct Sat<'a> {
    /// The exam.
    pub exam: &'a ExamName,
    /// The attempt.
    pub attempt: Uuid,
    /// The candidate.
    pub candidate: String,
    /// Which attempt of the candidate it is.
    pub number: i32,
    /// The form.
    pub form: &'a CompiledForm,
    /// The exam's pass mark and grades at present.
    pub standards: &'a Standards,
    /// Whether it came late, whether the service ended it.
    pub flags: i16,
    /// When it was started.
    pub start_time: DateTime<Utc>,
    /// When it was submitted.
    pub submit_time: DateTime<Utc>,
    /// When it was submitted or changed last.
    pub update_time: DateTime<Utc>,
    /// Which revision of the marks this is.
    pub revision: i32,
}

/// A result with its marks and subscores.
pub fn result(sat: Sat<'_>, marks: &[Mark], outcome: &Outcome) -> pb::Result {
    let marks = self::marks(sat.form, marks);
    pb::Result { marks, ..without_marks(sat, outcome) }
}

/// The marks of an attempt, by position.
pub fn marks(form: &CompiledForm, marks: &[Mark]) -> Vec<pb::Mark> {
    let texts = form.versions.iter().zip(&form.points);
    let each = form.plan.slots().iter().zip(texts).zip(marks);
    each.map(|((slot, (version, max)), mark)| wire::mark(slot, version, max, mark)).collect()
}

/// A result with its subscores.
pub fn without_marks(sat: Sat<'_>, outcome: &Outcome) -> pb::Result {
    let mut shown = basic(sat, outcome);
    add_subscores(&mut shown, outcome);
    shown
}

/// Adds the subscores to a result.
pub fn add_subscores(result: &mut pb::Result, outcome: &Outcome) {
    result.sections = outcome.sections.iter().map(subscore).collect();
    result.topics = outcome.topics.iter().map(subscore).collect();
}

/// A result without its marks and subscores.
pub fn basic(sat: Sat<'_>, outcome: &Outcome) -> pb::Result {
    let state = match outcome.state {
        OutcomeState::Scored => pb::ResultState::Scored,
        OutcomeState::AwaitingGrading => pb::ResultState::AwaitingGrading,
    };
    let range = Range::of(outcome.total, outcome.awaiting, outcome.max);
    pb::Result {
        name: format!("{}/attempts/{}/result", sat.exam, sat.attempt),
        candidate: sat.candidate,
        attempt_number: sat.number,
        form: sat.form.form.name.to_string(),
        state: state as i32,
        score: outcome.total.to_string(),
        max_score: outcome.max.to_string(),
        awaiting_points: outcome.awaiting.to_string(),
        passed: sat.standards.passed(range),
        sections: Vec::new(),
        topics: Vec::new(),
        marks: Vec::new(),
        submit_time: Some(timestamp(sat.submit_time)),
        start_time: Some(timestamp(sat.start_time)),
        revision: sat.revision,
        grade: sat.standards.grade(range),
        percent: range.low.percent_text(),
        update_time: Some(timestamp(sat.update_time)),
        late: sat.flags & LATE != 0,
        expired: sat.flags & EXPIRED != 0,
    }
}

/// That a submission is kept, and nothing of what it earned: only what is named here, whatever else a result comes to hold.
pub fn receipt(sat: Sat<'_>, outcome: &Outcome) -> pb::Result {
    let whole = basic(sat, outcome);
    pb::Result {
        name: whole.name,
        candidate: whole.candidate,
        attempt_number: whole.attempt_number,
        form: whole.form,
        state: whole.state,
        max_score: whole.max_score,
        submit_time: whole.submit_time,
        start_time: whole.start_time,
        update_time: whole.update_time,
        revision: whole.revision,
        late: whole.late,
        expired: whole.expired,
        ..Default::default()
    }
}

fn subscore(sub: &Subscore) -> pb::Subscore {
    pb::Subscore {
        title: sub.title.to_string(),
        score: sub.points.to_string(),
        max_score: sub.max.to_string(),
        awaiting_points: sub.awaiting.to_string(),
        position_count: sub.count as i32,
    }
}
