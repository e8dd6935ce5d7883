//! A form: a frozen, ordered list of question versions with points. Never changed once drawn, so that whoever holds one
//! may keep it; scoring, papers and statistics all start from it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    bank::content::{Content, Kind},
    ids::{BankId, FormName, QuestionRef},
    points::{Points, Rounding},
    scoring::{
        plan::{self, Plan, PlanError},
        policy::Policy,
    },
};

/// A form with its questions.
#[derive(Clone, Debug)]
pub struct Form {
    /// Its name.
    pub name: FormName,
    /// Which of the parallel forms: `A`, `B`, …
    pub label: String,
    /// The blueprint's display name when it was drawn.
    pub title: String,
    /// The bank it was drawn from.
    pub bank: BankId,
    /// The seed of the draw.
    pub seed: i64,
    /// The name of the drawing algorithm.
    pub algorithm: String,
    /// Its sections, in order.
    pub sections: Vec<Section>,
    /// The points of all items.
    pub total: Points,
    /// How long a sitting takes, in seconds.
    pub duration_s: Option<i32>,
    /// When it was drawn.
    pub create_time: DateTime<Utc>,
    /// Its items, by number.
    pub items: Vec<Item>,
}

/// One section of a form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Section {
    /// Its head.
    pub title: String,
    /// What the candidate is told.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub instructions: String,
    /// How its choice and true/false questions score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
    /// What the parts of its cases are worth. Forms that were drawn before this was recorded have none, and share as forms
    /// did then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shares: Vec<Shares>,
}

/// What the parts of a case are worth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shares {
    /// The number of the case on the paper.
    pub number: u32,
    /// The points of its parts, in order.
    pub points: Vec<Points>,
}

/// One question on a form.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its number on the paper, from 1 through all sections.
    pub number: u32,
    /// Its section, an index.
    pub section: usize,
    /// Its first position, from 1; part k of a case stands at position + k − 1.
    pub position: u32,
    /// The version that it shows.
    pub version: QuestionRef,
    /// Its points; a case shares them among its parts.
    pub points: Points,
    /// The question's topic when it was published.
    pub topic: String,
    /// What it says.
    pub content: Content,
}

impl Section {
    fn shares_of(&self, number: u32) -> Option<Vec<Points>> {
        self.shares.iter().find(|shares| shares.number == number).map(|shares| shares.points.clone())
    }
}

impl Form {
    /// How many positions it has.
    pub fn positions(&self) -> usize {
        self.items.iter().map(|i| i.content.leaves().len()).sum()
    }

    /// Records what the parts of its cases are worth: once, where it is drawn.
    pub fn share_points(&mut self) {
        for item in self.items.iter().filter(|item| item.content.kind() == Kind::Case) {
            let weights: Vec<u32> = item.content.leaves().iter().map(|(weight, _)| *weight).collect();
            if let Some(section) = self.sections.get_mut(item.section) {
                let points = item.points.apportion(&weights);
                section.shares.push(Shares { number: item.number, points });
            }
        }
    }

    /// The form compiled for scoring under an exam's rules.
    pub fn compile(&self, rounding: Rounding, floor: Points) -> Result<Plan, PlanError> {
        let section = |item: &Item| self.sections.get(item.section);
        let items = self.items.iter().map(|item| plan::FormItem {
            parts: section(item).and_then(|s| s.shares_of(item.number)).unwrap_or_default(),
            question: item.version.question.to_string(),
            version: item.version.version.unwrap_or_default() as u32,
            section: item.section,
            points: item.points,
            policy: section(item).and_then(|s| s.policy.clone()),
            content: item.content.clone(),
            topic: item.topic.clone(),
        });
        Plan::compile(
            self.sections.iter().map(|s| s.title.clone()).collect(),
            items.collect(),
            rounding,
            floor,
        )
    }
}
