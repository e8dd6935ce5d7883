//! What never changes, kept: the facts of exams, and forms with their compiled scoring plans. Bounded by memory; what
//! was dropped is loaded and compiled again.

use std::sync::Arc;

use quick_cache::{Weighter, sync::Cache};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    assembly::{self, form::Form},
    bank::content::{OptionSet, Task},
    error::{Error, Result},
    exam::sql::{self as exams, Facts},
    ids::{ExamId, FormName},
    points::{Points, Rounding},
    scoring::plan::Plan,
};

use super::reply::ShownMarks;

/// The most memory that compiled forms may take, in bytes, roughly.
const FORMS_BYTES: u64 = 256 * 1024 * 1024;

/// A form, compiled for scoring under an exam's rules.
#[derive(Debug)]
pub struct CompiledForm {
    /// The form with its questions.
    pub form: Form,
    /// Its plan.
    pub plan: Plan,
    /// Per position the labels of its options; empty where it has none.
    pub labels: Vec<Box<[char]>>,
    /// Per position the letters that name its options, as bits from A on, where the first option is A, the second B and
    /// so on; 0 where they are named otherwise.
    pub letters: Vec<u32>,
    /// Per position the name of the question's version.
    pub versions: Vec<String>,
    /// Per position its points as text.
    pub points: Vec<String>,
    /// Per position its usual marks as bytes.
    pub shown: Vec<ShownMarks>,
}

impl CompiledForm {
    fn new(form: Form, plan: Plan) -> Self {
        let leaves =
            form.items.iter().flat_map(|item| item.content.leaves().into_iter().map(move |l| (item, l.1)));
        let (labels, versions): (Vec<_>, Vec<String>) = leaves
            .map(|(item, leaf)| {
                let labels: Box<[char]> = match &leaf.task {
                    Task::Choice(choice) => choice.options.iter().map(|o| o.label).collect(),
                    Task::Matching(matching) => matching.options.iter().map(|o| o.label).collect(),
                    Task::Ordering(ordering) => ordering.options.iter().map(|o| o.label).collect(),
                    _ => Box::default(),
                };
                (labels, item.version.to_string())
            })
            .unzip();
        let letters = labels.iter().map(|labels| letters(labels)).collect();
        let points: Vec<String> = plan.slots().iter().map(|s| s.points.to_string()).collect();
        let each = plan.slots().iter().zip(&versions).zip(&points);
        let shown = each.map(|((slot, version), max)| ShownMarks::new(slot, version, max)).collect();
        Self { form, plan, labels, letters, versions, points, shown }
    }
}

/// The labels as bits, where they stand in the order of the alphabet without a gap.
fn letters(labels: &[char]) -> u32 {
    let alphabet = labels.iter().zip('A'..='Z').all(|(label, letter)| *label == letter);
    if alphabet && labels.len() <= OptionSet::MAX { (1 << labels.len()) - 1 } else { 0 }
}

type FormKey = (Uuid, FormName, Rounding, Points);

#[derive(Clone, Debug)]
struct ByBytes;

impl Weighter<FormKey, Arc<CompiledForm>> for ByBytes {
    fn weight(&self, _: &FormKey, form: &Arc<CompiledForm>) -> u64 {
        // The form holds the same texts once more.
        (2 * form.plan.weight() + form.shown.iter().map(ShownMarks::weight).sum::<usize>()) as u64
    }
}

/// The caches; cheap to clone.
#[derive(Clone, Debug)]
pub struct Plans {
    exams: Arc<Cache<(Uuid, ExamId), Arc<Facts>>>,
    forms: Arc<Cache<FormKey, Arc<CompiledForm>, ByBytes>>,
}

impl Default for Plans {
    fn default() -> Self {
        Self::new()
    }
}

impl Plans {
    /// Empty caches.
    pub fn new() -> Self {
        Self::bounded(FORMS_BYTES)
    }

    /// Empty caches whose compiled forms take that many bytes at most, roughly.
    pub fn bounded(bytes: u64) -> Self {
        let forms = Cache::with_weighter(1_000, bytes, ByBytes);
        Self { exams: Arc::new(Cache::new(10_000)), forms: Arc::new(forms) }
    }

    /// What the compiled forms that are kept take, in bytes, roughly.
    pub fn bytes(&self) -> u64 {
        self.forms.weight()
    }

    /// The facts of an exam; NOT_FOUND where there is none.
    pub async fn exam(&self, conn: &mut PgConnection, tenant: Uuid, exam: &ExamId) -> Result<Arc<Facts>> {
        let key = (tenant, exam.clone());
        if let Some(facts) = self.exams.get(&key) {
            return Ok(facts);
        }
        let facts = exams::facts(conn, tenant, exam).await?;
        let facts = Arc::new(facts.ok_or_else(|| Error::NotFound(format!("exams/{exam}")))?);
        self.exams.insert(key, Arc::clone(&facts));
        Ok(facts)
    }

    /// The facts of an exam where they are kept already: no round trip.
    pub fn kept_exam(&self, tenant: Uuid, exam: &ExamId) -> Option<Arc<Facts>> {
        self.exams.get(&(tenant, exam.clone()))
    }

    /// A form of an exam by its index, compiled.
    pub async fn form(
        &self,
        conn: &mut PgConnection,
        tenant: Uuid,
        facts: &Facts,
        index: usize,
    ) -> Result<Arc<CompiledForm>> {
        let name = facts
            .forms
            .get(index)
            .ok_or(Error::Internal("an attempt cites a form its exam has not".into()))?;
        let key = (tenant, name.clone(), facts.rounding, facts.floor);
        if let Some(form) = self.forms.get(&key) {
            return Ok(form);
        }
        let form = assembly::sql::form(conn, tenant, name).await?;
        let form = form.ok_or_else(|| Error::Internal(format!("{name} of {} is gone", facts.name).into()))?;
        let plan = form
            .compile(facts.rounding, facts.floor)
            .map_err(|e| Error::Internal(format!("{name} cannot be scored: {e}").into()))?;
        let compiled = Arc::new(CompiledForm::new(form, plan));
        self.forms.insert(key, Arc::clone(&compiled));
        Ok(compiled)
    }

    /// All forms of an exam, in its order.
    pub async fn forms(
        &self,
        conn: &mut PgConnection,
        tenant: Uuid,
        facts: &Facts,
    ) -> Result<Vec<Arc<CompiledForm>>> {
        let mut forms = Vec::with_capacity(facts.forms.len());
        for index in 0..facts.forms.len() {
            forms.push(self.form(conn, tenant, facts, index).await?);
        }
        Ok(forms)
    }

    /// A form of an exam where it is kept already: no round trip.
    pub fn kept_form(&self, tenant: Uuid, facts: &Facts, index: usize) -> Option<Arc<CompiledForm>> {
        self.forms.get(&(tenant, facts.forms.get(index)?.clone(), facts.rounding, facts.floor))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{
        assembly::form::{Item, Section},
        bank::content::Content,
    };

    /// A form of these questions, 2 points each.
    pub(crate) fn form(questions: Vec<Content>) -> CompiledForm {
        let items = questions.into_iter().zip(1u32..).scan(1, |position, (content, number)| {
            let first = *position;
            *position += content.leaves().len() as u32;
            Some(Item {
                number,
                section: 0,
                position: first,
                version: format!("banks/b/questions/q{number}/versions/1").parse().unwrap(),
                points: Points::from(2),
                topic: String::new(),
                content,
            })
        });
        let section =
            Section { title: "一".into(), instructions: String::new(), policy: None, shares: Vec::new() };
        let form = Form {
            name: "blueprints/b/forms/a".parse().unwrap(),
            label: "A".into(),
            title: "t".into(),
            bank: "b".parse().unwrap(),
            seed: 0,
            algorithm: String::new(),
            sections: vec![section],
            total: Points::ZERO,
            duration_s: None,
            create_time: chrono::DateTime::UNIX_EPOCH,
            items: items.collect(),
        };
        let plan = form.compile(Rounding::default(), Points::ZERO).unwrap();
        CompiledForm::new(form, plan)
    }
}
