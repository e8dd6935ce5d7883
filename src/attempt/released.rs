//! What a candidate may see of a result, after the exam's release policy. Before its time the answer is empty but for
//! the word that it is not released; what the policy does not show is never put into the answer.

use crate::{
    auth::Caller,
    bank::content::{Content, Task},
    door::Fields,
    error::{Error, Result},
    exam::{policy::ReleaseContent, standard::Range},
    ids::AttemptName,
    pb,
};

use super::{
    packed::unpack_marks, plans::CompiledForm, response::Mark, rpc::Delivery, sql, wire::mark_state,
};

impl Delivery {
    /// What the candidate may see now. An attempt that is open or void has nothing to show.
    pub(super) async fn released(
        &self,
        caller: &Caller,
        request: pb::GetReleasedResultRequest,
    ) -> Result<pb::ReleasedResult> {
        let mut fields = Fields::default();
        let name: AttemptName = fields.take("name", request.name.parse());
        fields.done()?;
        let tenant = caller.tenant.id;
        let mut tx = self.db.read(caller).await?;
        let row = sql::for_release(&mut tx, tenant, &name).await?;
        let row = row.ok_or_else(|| Error::NotFound(name.to_string()))?;
        let Some(marks) = row.marks.as_deref().filter(|_| row.state > 0 && row.release().is_due()) else {
            tx.commit().await?;
            return Ok(pb::ReleasedResult::default());
        };
        let facts = self.plans.exam(&mut tx, tenant, &name.exam).await?;
        let form = self.plans.form(&mut tx, tenant, &facts, row.form as usize).await?;
        tx.commit().await?;
        let marks = unpack_marks(marks, form.plan.slots().len())
            .map_err(|e| Error::Internal(format!("the marks of {name} cannot be read: {e}").into()))?;
        let outcome = form.plan.outcome(&marks);
        let (standards, range) = (row.standards(), Range::of(outcome.total, outcome.awaiting, outcome.max));
        Ok(pb::ReleasedResult {
            released: true,
            score: outcome.total.to_string(),
            max_score: outcome.max.to_string(),
            grade: standards.grade(range),
            passed: standards.passed(range),
            awaiting_points: outcome.awaiting.to_string(),
            marks: show_marks(&form, &marks, ReleaseContent::stored(&row.release_content)),
        })
    }
}

/// The marks, as far as the policy shows them.
fn show_marks(form: &CompiledForm, marks: &[Mark], content: ReleaseContent) -> Vec<pb::ReleasedMark> {
    if content == ReleaseContent::ScoreOnly {
        return Vec::new();
    }
    let leaves = form.form.items.iter().flat_map(|item| {
        // A part without an explanation of its own has that of its case.
        let whole = item.content.notes.explanation.as_str();
        item.content.leaves().into_iter().map(move |(_, leaf)| (leaf, whole))
    });
    let shown = form.plan.slots().iter().zip(leaves).zip(marks).map(|((slot, (leaf, whole)), mark)| {
        let mut shown = pb::ReleasedMark {
            position: slot.position as i32,
            state: mark_state(mark) as i32,
            points: mark.points().to_string(),
            max_points: slot.points.to_string(),
            ..Default::default()
        };
        if content == ReleaseContent::Keys {
            shown.key = key(leaf);
            let own = leaf.notes.explanation.as_str();
            shown.explanation = if own.is_empty() { whole } else { own }.to_owned();
        }
        shown
    });
    shown.collect()
}

/// The right answer as people write it. For a blank with several accepted texts it is the first that earns the most.
fn key(leaf: &Content) -> Vec<String> {
    match &leaf.task {
        Task::Choice(choice) => {
            choice.key.iter().filter_map(|i| choice.options.get(i)).map(|o| o.label.to_string()).collect()
        }
        Task::TrueFalse { key, .. } => {
            key.iter().map(|key| if *key { "√" } else { "×" }.to_owned()).collect()
        }
        Task::FillBlank(fill) => fill
            .blanks
            .iter()
            .map(|blank| {
                let best = blank.accepted.iter().rev().max_by_key(|a| a.percent);
                best.map(|a| a.text.clone()).unwrap_or_default()
            })
            .collect(),
        Task::Numeric(numeric) => vec![numeric.shown()],
        Task::Matching(matching) => matching.shown(),
        Task::Ordering(ordering) => ordering.shown(),
        Task::ShortAnswer { reference } | Task::Essay { reference } if reference.is_empty() => Vec::new(),
        Task::ShortAnswer { reference } | Task::Essay { reference } => vec![reference.clone()],
        Task::Case { .. } => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bank::content::{Accepted, Blank, FillBlank, TextMatching};

    fn content(task: Task) -> Content {
        Content { stem: "?".into(), task, notes: Default::default() }
    }

    #[test]
    fn keys_read_as_people_write_them() {
        let accepted = |text: &str, percent| Accepted { text: text.into(), percent };
        let fill = FillBlank {
            blanks: vec![
                Blank {
                    accepted: vec![accepted("客户", 50), accepted("顾客", 100), accepted("用户", 100)]
                },
                Blank { accepted: vec![accepted("3", 100)] },
            ],
            unordered: false,
            matching: TextMatching::default(),
        };
        assert_eq!(key(&content(Task::FillBlank(fill))), ["顾客", "3"]);
        assert_eq!(key(&content(Task::TrueFalse { key: Some(false), policy: None })), ["×"]);
        assert!(key(&content(Task::ShortAnswer { reference: String::new() })).is_empty());
    }
}
