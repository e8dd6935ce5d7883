//! What the marks of one attempt come to: exact sums by section, topic and knowledge point.

use std::sync::Arc;

use rust_decimal::Decimal;

use crate::{attempt::response::Mark, points::Points};

/// How far the scoring of an attempt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutcomeState {
    /// Every response has its mark.
    Scored,
    /// Some responses wait for a person.
    AwaitingGrading,
}

/// Sums of the marks of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The points so far.
    pub total: Points,
    /// The points of the form.
    pub max: Points,
    /// The points that still wait for a person.
    pub awaiting: Points,
    /// Whether anything waits.
    pub state: OutcomeState,
    /// One entry a section, in order; their points add up to the total.
    pub sections: Vec<Subscore>,
    /// One entry a topic, in order of first appearance; questions without a topic are in none.
    pub topics: Vec<Subscore>,
    /// One entry a knowledge point, in order of first appearance.
    pub knowledge_points: Vec<Subscore>,
}

/// The sums of one section, topic or knowledge point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscore {
    /// What is summed.
    pub title: Arc<str>,
    /// The points so far.
    pub points: Points,
    /// The points that can be had.
    pub max: Points,
    /// The points that still wait for a person.
    pub awaiting: Points,
    /// Positions (plain questions and parts).
    pub count: u32,
    /// Of these, answered.
    pub answered: u32,
    /// Of these, with full points.
    pub full: u32,
}

/// An exact sum: ten-thousandths where they suffice (nearly always), a decimal for the rest.
type Exact = (Decimal, i64);

fn exact(points: Points) -> Exact {
    let value = points.decimal();
    match i64::try_from(value.mantissa()) {
        Ok(mantissa) if value.scale() <= Points::SCALE && mantissa.unsigned_abs() < 1 << 32 => {
            (Decimal::ZERO, mantissa * 10i64.pow(Points::SCALE - value.scale()))
        }
        _ => (value, 0),
    }
}

fn sum(exact: Exact) -> Points {
    if exact == Exact::default() {
        return Points::ZERO;
    }
    Points::new(exact.0 + Decimal::new(exact.1, Points::SCALE))
}

/// Counts and exact sums of marks.
#[derive(Clone, Copy, Default)]
pub(super) struct Tally {
    points: Exact,
    awaiting: Exact,
    waiting: u32,
    count: u32,
    answered: u32,
    full: u32,
}

impl Tally {
    /// One mark of a position with these points.
    pub(super) fn of(mark: Mark, points: Points) -> Self {
        let one = Self { count: 1, answered: 1, ..Self::default() };
        match mark {
            Mark::NotAnswered => Self { answered: 0, ..one },
            Mark::Awaiting => Self { awaiting: exact(points), waiting: 1, ..one },
            Mark::Scored(earned) => Self { points: exact(earned), full: u32::from(earned == points), ..one },
        }
    }

    /// Adds what another has.
    pub(super) fn add(&mut self, other: Self) {
        let plus = |to: &mut Exact, more: Exact| {
            to.1 += more.1;
            if !more.0.is_zero() {
                to.0 += more.0;
            }
        };
        plus(&mut self.points, other.points);
        plus(&mut self.awaiting, other.awaiting);
        self.waiting += other.waiting;
        self.count += other.count;
        self.answered += other.answered;
        self.full += other.full;
    }

    /// The points so far.
    pub(super) fn points(&self) -> Points {
        sum(self.points)
    }

    /// The points that wait for a person.
    pub(super) fn awaiting(&self) -> Points {
        sum(self.awaiting)
    }

    /// Whether anything waits.
    pub(super) fn state(&self) -> OutcomeState {
        if self.waiting > 0 { OutcomeState::AwaitingGrading } else { OutcomeState::Scored }
    }

    /// The sums of what is titled so.
    pub(super) fn named(&self, title: &Arc<str>, max: Points) -> Subscore {
        Subscore {
            title: title.clone(),
            points: self.points(),
            max,
            awaiting: self.awaiting(),
            count: self.count,
            answered: self.answered,
            full: self.full,
        }
    }
}
