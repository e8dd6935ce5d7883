//! What a regrade makes of one attempt. Pure: rules, contents and packed rows arrive as arguments.
//!
//! Rules are compiled once for each form ([`Recipe`]); what they name must fit what the candidates saw, so applying them
//! cannot fail. Every mark stays within the floor and the points of its question, and the same rules a second time change
//! nothing.

use std::sync::Arc;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{
    attempt::{
        plans::CompiledForm,
        response::{Mark, Response},
    },
    bank::content::{ChoiceOption, Content, Task},
    exam::standard::{Range, Standards},
    points::Points,
    scoring::{
        plan::Plan,
        score::{Key, Terms},
    },
};

/// What can be done with the marks of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Score by another version's key.
    NewKey,
    /// The better of the form's key and another version's.
    BothKeys,
    /// Full marks to everybody.
    FullMarks,
    /// Nobody gets or loses points.
    Drop,
    /// The share of the rest.
    DropAndRescale,
}

impl Mode {
    /// Every mode, in the order of the proto.
    pub const ALL: [Self; 5] =
        [Self::NewKey, Self::BothKeys, Self::FullMarks, Self::Drop, Self::DropAndRescale];

    /// Whether it looks at another version's key.
    pub fn needs_key(self) -> bool {
        matches!(self, Self::NewKey | Self::BothKeys)
    }
}

/// What to do with one question; stored as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// The question's name.
    pub question: String,
    /// The part of a case; 0 for a plain question or for every part.
    pub part: u32,
    /// What.
    pub mode: Mode,
    /// The version whose key counts, where the mode looks at one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i32>,
}

/// The rules as they concern one form.
#[derive(Clone, Debug)]
pub struct Recipe {
    form: Arc<CompiledForm>,
    /// Index of the position, and what is done there.
    steps: Vec<(usize, Mode)>,
    /// The form with the other keys in place; positions are the same.
    other: Option<Plan>,
}

/// An attempt as it stands.
#[derive(Clone, Copy, Debug)]
pub struct Before<'a> {
    /// Its responses.
    pub responses: &'a [Response],
    /// Its marks.
    pub marks: &'a [Mark],
}

/// What becomes of an attempt.
#[derive(Clone, Debug, PartialEq)]
pub enum After {
    /// Nothing.
    Same,
    /// Left as it is because the rest waits for a person.
    Skipped,
    /// These marks.
    Marks {
        /// By position.
        marks: Vec<Mark>,
        /// Their sum.
        sum: Sum,
    },
}

/// The sum of the marks of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sum {
    /// The points so far.
    pub score: Points,
    /// The points that wait for a person.
    pub awaiting: Points,
    /// Whether anything waits.
    pub waits: bool,
}

/// Sums marks by position.
pub fn sum(plan: &Plan, marks: &[Mark]) -> Sum {
    let waiting = || plan.slots().iter().zip(marks).filter(|(_, m)| **m == Mark::Awaiting);
    Sum {
        score: marks.iter().map(|m| m.points()).sum(),
        awaiting: waiting().map(|(slot, _)| slot.points).sum(),
        waits: waiting().next().is_some(),
    }
}

impl Recipe {
    /// Compiles the rules for a form. `content` gives what a rule's version says. The error is the index of a rule and
    /// why it cannot be followed. `used` is set for every rule that concerns the form.
    pub fn new<'a>(
        form: Arc<CompiledForm>,
        rules: &[Rule],
        content: impl Fn(usize) -> Option<&'a Content>,
        used: &mut [bool],
    ) -> Result<Self, (usize, String)> {
        let mut steps = Vec::new();
        let mut rescaling = None;
        let mut changed = form.form.clone();
        let slots = form.plan.slots();
        for (i, rule) in rules.iter().enumerate() {
            let items =
                changed.items.iter_mut().filter(|it| it.version.question.to_string() == rule.question);
            for item in items {
                let first = item.position as usize - 1;
                let count = item.content.leaves().len();
                let is_case = matches!(item.content.task, Task::Case { .. });
                let range = match (is_case, rule.part as usize) {
                    (_, 0) => 0..count,
                    (true, part) if part <= count => part - 1..part,
                    (true, _) => return Err((i, format!("{} has {count} parts", rule.question))),
                    (false, _) => return Err((i, format!("{} is no case", rule.question))),
                };
                for leaf in range {
                    used[i] = true;
                    let slot = slots.get(first + leaf).ok_or((i, "is beyond the form".to_owned()))?;
                    if rule.mode.needs_key() {
                        if matches!(slot.key, Key::Person(_)) {
                            return Err((i, "is marked by people; there is no key".to_owned()));
                        }
                        let new = content(i).ok_or((i, "has no such version".to_owned()))?;
                        replace(&mut item.content, new, leaf).map_err(|why| (i, why))?;
                    }
                    if rule.mode == Mode::DropAndRescale {
                        rescaling = rescaling.or(Some(i));
                    }
                    steps.push((first + leaf, rule.mode));
                }
            }
        }
        let rest = || slots.iter().enumerate().filter(|(at, _)| !is_dropped(&steps, *at));
        if let Some(i) = rescaling
            && rest().map(|(_, slot)| slot.points).sum::<Points>().is_zero()
        {
            let why = format!(
                "leaves nothing of {} to take a share of: every question that has points is dropped",
                form.form.name
            );
            return Err((i, why));
        }
        let other = if rules.iter().any(|r| r.mode.needs_key()) {
            let compiled = changed.compile(form.plan.rounding(), form.plan.floor());
            let keyed = rules.iter().position(|r| r.mode.needs_key()).unwrap_or_default();
            Some(compiled.map_err(|e| (keyed, format!("cannot be scored by that key: {e}")))?)
        } else {
            None
        };
        Ok(Self { form, steps, other })
    }

    /// The form.
    pub fn form(&self) -> &CompiledForm {
        &self.form
    }

    /// The form with the keys of other versions in place, where a rule looks at one.
    pub fn other(&self) -> Option<&Plan> {
        self.other.as_ref()
    }

    /// Whether no rule concerns the form.
    pub fn is_idle(&self) -> bool {
        self.steps.is_empty()
    }

    /// What the rules make of an attempt. With `never_lower` an attempt whose score would go down stays as it is.
    pub fn apply(&self, before: Before<'_>, never_lower: bool) -> After {
        let plan = &self.form.plan;
        let mut marks = before.marks.to_vec();
        for (at, mode) in &self.steps {
            let (Some(slot), Some(mark)) = (plan.slots().get(*at), marks.get_mut(*at)) else { continue };
            let response = before.responses.get(*at).unwrap_or(&Response::Blank);
            let other = || match self.other.as_ref().and_then(|p| Some((p, p.slots().get(*at)?))) {
                Some((plan, slot)) => plan.mark(slot, response),
                None => plan.mark(slot, response),
            };
            *mark = match mode {
                Mode::NewKey => other(),
                Mode::BothKeys => {
                    let (old, new) = (plan.mark(slot, response), other());
                    if new.points() > old.points() { new } else { old }
                }
                Mode::FullMarks => Mark::Scored(slot.points),
                Mode::Drop | Mode::DropAndRescale if response.is_blank() => Mark::NotAnswered,
                Mode::Drop | Mode::DropAndRescale => Mark::Scored(Points::ZERO),
            };
        }
        if self.rescale(&mut marks).is_none() {
            return After::Skipped;
        }
        if marks == before.marks {
            return After::Same;
        }
        let sum = sum(plan, &marks);
        let old: Points = before.marks.iter().map(|m| m.points()).sum();
        if never_lower && sum.score < old { After::Same } else { After::Marks { marks, sum } }
    }

    /// Gives the rescaled positions the share of the rest, which is what no rule drops; `None` while the rest waits for a
    /// person.
    fn rescale(&self, marks: &mut [Mark]) -> Option<()> {
        let plan = &self.form.plan;
        let is_rescaled = |at: usize| self.steps.contains(&(at, Mode::DropAndRescale));
        if !self.steps.iter().any(|(_, mode)| *mode == Mode::DropAndRescale) {
            return Some(());
        }
        let (mut earned, mut most) = (Decimal::ZERO, Decimal::ZERO);
        for (at, (slot, mark)) in plan.slots().iter().zip(marks.iter()).enumerate() {
            if is_dropped(&self.steps, at) {
                continue;
            }
            if *mark == Mark::Awaiting {
                return None;
            }
            earned += mark.points().decimal();
            most += slot.points.decimal();
        }
        for (at, (slot, mark)) in plan.slots().iter().zip(marks.iter_mut()).enumerate() {
            if is_rescaled(at) {
                let terms = Terms { points: slot.points, rounding: plan.rounding(), floor: plan.floor() };
                // One product and one division, so that a share is as exact as a decimal can be. That there is a rest was
                // seen when the rules were compiled.
                let share = (slot.points.decimal() * earned).checked_div(most)?;
                *mark = terms.mark(share);
            }
        }
        Some(())
    }
}

/// Whether a rule drops the question at a position.
fn is_dropped(steps: &[(usize, Mode)], at: usize) -> bool {
    steps.iter().any(|(step, mode)| *step == at && matches!(mode, Mode::Drop | Mode::DropAndRescale))
}

/// Puts another version's key into one leaf, where candidates saw the same options or blanks.
fn replace(old: &mut Content, new: &Content, leaf: usize) -> Result<(), String> {
    let new_leaves = new.leaves();
    if new_leaves.len() != old.leaves().len()
        || matches!(old.task, Task::Case { .. }) != matches!(new.task, Task::Case { .. })
    {
        return Err("has other parts in that version than on the form".to_owned());
    }
    let new_task = new_leaves.get(leaf).map(|(_, content)| content.task.clone());
    let old_task = match &mut old.task {
        Task::Case { parts } => parts.get_mut(leaf).map(|p| &mut p.content.task),
        task => Some(task),
    };
    let (Some(old_task), Some(new_task)) = (old_task, new_task) else {
        return Err("has other parts in that version than on the form".to_owned());
    };
    match (&*old_task, &new_task) {
        (Task::Choice(a), Task::Choice(b)) => same_options(&a.options, &b.options)?,
        (Task::Ordering(a), Task::Ordering(b)) => same_options(&a.options, &b.options)?,
        (Task::Matching(a), Task::Matching(b)) => {
            same_options(&a.options, &b.options)?;
            if a.prompts.len() != b.prompts.len() {
                return Err("has other prompts in that version than on the form".to_owned());
            }
            if moved(&a.prompts, &b.prompts, |prompt| prompt) {
                return Err("has its prompts in another order in that version than on the form".to_owned());
            }
        }
        (Task::Numeric(_), Task::Numeric(_)) => {}
        (Task::TrueFalse { .. }, Task::TrueFalse { .. }) => {}
        (Task::FillBlank(a), Task::FillBlank(b)) if a.blanks.len() == b.blanks.len() => {}
        _ => return Err("is of another kind in that version than on the form".to_owned()),
    }
    *old_task = new_task;
    Ok(())
}

/// Refuses options that are named otherwise, or stand in another order, than those that candidates saw.
fn same_options(a: &[ChoiceOption], b: &[ChoiceOption]) -> Result<(), String> {
    if !a.iter().map(|o| o.label).eq(b.iter().map(|o| o.label)) {
        return Err("has other options in that version than on the form".to_owned());
    }
    if moved(a, b, |option| &option.text) {
        return Err("has its options in another order in that version than on the form".to_owned());
    }
    Ok(())
}

/// Whether a text stands elsewhere in `b` than in `a`; both are of one length.
fn moved<T>(a: &[T], b: &[T], text: impl Fn(&T) -> &String) -> bool {
    let elsewhere = |(old, new): (&T, &T)| text(old) != text(new) && a.iter().any(|o| text(o) == text(new));
    a.iter().zip(b).any(elsewhere)
}

/// What a regrade changed so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Attempts that were looked at.
    pub examined: i64,
    /// Attempts with a mark that changes.
    pub revised: i64,
    /// Attempts whose score changes.
    pub changed: i64,
    /// Attempts that pass now and did not before.
    pub newly_passed: i64,
    /// Attempts that do not pass now and did not fail before.
    pub newly_failed: i64,
    /// Attempts left as they are because they wait for a person.
    pub skipped: i64,
}

/// A score before and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The score before.
    pub old: Points,
    /// The score after.
    pub new: Points,
    /// Whether it passed before.
    pub old_passed: Option<bool>,
    /// Whether it passes after.
    pub new_passed: Option<bool>,
}

impl Turn {
    /// From the sums before and after, out of `max`.
    pub fn new(standards: &Standards, max: Points, old: (Points, Points), new: (Points, Points)) -> Self {
        let of = |(score, awaiting): (Points, Points)| standards.passed(Range::of(score, awaiting, max));
        Self { old: old.0, new: new.0, old_passed: of(old), new_passed: of(new) }
    }
}

impl Counts {
    /// Counts one revised attempt.
    pub fn add(&mut self, turn: &Turn) {
        self.revised += 1;
        self.changed += i64::from(turn.old != turn.new);
        self.newly_passed += i64::from(turn.new_passed == Some(true) && turn.old_passed != Some(true));
        self.newly_failed += i64::from(turn.new_passed == Some(false) && turn.old_passed != Some(false));
    }
}
