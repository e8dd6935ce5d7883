//! Why marks are what they are: the use case. Everything is told from what stands in the database and by the functions
//! that score; nothing is kept for it.

use std::{collections::HashMap, sync::Arc};

use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    attempt::{
        packed,
        plans::CompiledForm,
        reopen,
        response::{Mark, Response},
    },
    auth::Caller,
    bank::content::Content,
    door::Fields,
    error::{Error, Result},
    exam::wire::show_rounding,
    grading::{
        anonymity,
        regrade::{Recipe, Rule},
        regrade_sql,
    },
    ids::{AttemptName, RegradeName, ResultName},
    pb,
    scoring::plan::Slot,
};

use super::{
    explain_show::Scene,
    explain_sql as sql,
    rpc::{Results, unreadable},
    story::{self, Change, Origin, Replaced},
};

impl Results {
    /// Explains the marks of a result.
    pub(super) async fn explain(
        &self,
        caller: &Caller,
        request: pb::ExplainMarksRequest,
    ) -> Result<pb::ExplainMarksResponse> {
        let mut fields = Fields::default();
        let name: ResultName = fields.take("name", request.name.parse());
        check_positions(&request.positions, i32::MAX, &mut fields);
        fields.done()?;
        let tenant = caller.tenant.id;
        let attempt = AttemptName { exam: name.exam.clone(), attempt: name.attempt };
        // Marks, grades and revisions are read by two statements and must be of one moment.
        let mut tx = self.db.read_snapshot(caller).await?;
        anonymity::check(&mut tx, caller, &name.exam).await?;
        let row = sql::attempt(&mut tx, tenant, &attempt).await?;
        let row = row.ok_or_else(|| Error::NotFound(name.to_string()))?;
        let facts = self.plans.exam(&mut tx, tenant, &name.exam).await?;
        let form = self.plans.form(&mut tx, tenant, &facts, row.form as usize).await?;
        let slots = form.plan.slots();
        let mut fields = Fields::default();
        check_positions(&request.positions, slots.len() as i32, &mut fields);
        fields.done()?;

        let history = history(&mut tx, tenant, &attempt, slots.len()).await?;
        let responses = packed::unpack_responses(&row.responses, slots.len()).map_err(unreadable)?;
        let marks = packed::unpack_marks(&row.marks, slots.len()).map_err(unreadable)?;
        let asked = |slot: &&Slot| {
            request.positions.is_empty() || request.positions.contains(&(slot.position as i32))
        };
        let told: Vec<(&Slot, Vec<Change<'_>>)> =
            slots.iter().filter(asked).map(|slot| (slot, story::changes(&history, &marks, slot))).collect();
        let others = Others::load(&mut tx, tenant, &form, &told, &marks).await?;
        tx.commit().await?;

        let scene = Scene { form: &form, leaves: leaves(&form), others: &others, graded: &row.graded };
        let explained = told.iter().map(|(slot, changes)| {
            let at = slot.position as usize - 1;
            let response = responses.get(at).unwrap_or(&Response::Blank);
            let mark = marks.get(at).copied().unwrap_or(Mark::NotAnswered);
            scene.mark(slot, response, mark, changes)
        });
        Ok(pb::ExplainMarksResponse {
            name: name.to_string(),
            revision: row.revision,
            marks: explained.collect(),
            rounding: Some(show_rounding(form.plan.rounding())),
            mark_floor: form.plan.floor().to_string(),
        })
    }
}

fn check_positions(positions: &[i32], last: i32, fields: &mut Fields) {
    let mut seen = std::collections::HashSet::new();
    for (i, position) in positions.iter().enumerate() {
        if *position < 1 {
            fields.bad(format!("positions[{i}]"), "must be 1 or more");
        } else if *position > last {
            fields.bad(format!("positions[{i}]"), format!("is beyond the {last} positions of the form"));
        } else if !seen.insert(position) {
            fields.bad(format!("positions[{i}]"), "is named twice");
        }
    }
}

/// The replaced revisions since the attempt was submitted last, oldest first.
async fn history(
    conn: &mut PgConnection,
    tenant: Uuid,
    attempt: &AttemptName,
    positions: usize,
) -> Result<Vec<Replaced>> {
    let mut rows = sql::replaced(conn, tenant, attempt).await?;
    // What was marked before the attempt was opened again were other answers.
    if let Some(at) = rows.iter().rposition(|row| row.method == reopen::METHOD) {
        rows.drain(..=at);
    }
    let replaced = rows.into_iter().map(|row| {
        let name = row.regrade_id.map(|regrade| RegradeName { exam: attempt.exam.clone(), regrade });
        Ok(Replaced {
            revision: row.revision,
            marks: packed::unpack_marks(&row.marks, positions).map_err(unreadable)?,
            at: row.at,
            actor: row.actor,
            method: row.method,
            reason: row.reason,
            regrade: name.zip(row.rules.map(|rules| rules.0)),
        })
    });
    replaced.collect()
}

/// What is asked at each position.
fn leaves(form: &CompiledForm) -> Vec<&Content> {
    form.form.items.iter().flat_map(|item| item.content.leaves()).map(|(_, leaf)| leaf).collect()
}

/// The keys of other versions by which regrades decided marks that stand.
#[derive(Default)]
pub(super) struct Others {
    /// By regrade: the form with the other keys in place.
    plans: HashMap<RegradeName, Recipe>,
    /// By question and version: what that version says.
    contents: HashMap<(String, i32), Content>,
}

impl Others {
    async fn load(
        conn: &mut PgConnection,
        tenant: Uuid,
        form: &Arc<CompiledForm>,
        told: &[(&Slot, Vec<Change<'_>>)],
        marks: &[Mark],
    ) -> Result<Self> {
        let mut rules: HashMap<RegradeName, Vec<Rule>> = HashMap::new();
        for (slot, changes) in told {
            let mark = marks.get(slot.position as usize - 1).copied().unwrap_or(Mark::NotAnswered);
            if let Some((name, rule)) = keyed(story::origin(mark, changes), changes) {
                let of = rules.entry(name.clone()).or_default();
                if !of.contains(rule) {
                    of.push(rule.clone());
                }
            }
        }
        if rules.is_empty() {
            return Ok(Self::default());
        }
        let all: Vec<Rule> = rules.values().flatten().cloned().collect();
        let found = regrade_sql::versions(conn, tenant, &all).await?;
        let contents: HashMap<(String, i32), Content> = found
            .into_iter()
            .filter_map(|(at, version, content)| Some(((all.get(at)?.question.clone(), version), content)))
            .collect();
        let mut plans = HashMap::new();
        for (name, rules) in rules {
            let of = |i: usize| {
                let rule: Option<&Rule> = rules.get(i);
                rule.and_then(|rule| contents.get(&(rule.question.clone(), rule.version?)))
            };
            let recipe = Recipe::new(Arc::clone(form), &rules, of, &mut vec![false; rules.len()]);
            // The regrade itself has compiled them.
            let recipe = recipe.map_err(|(_, why)| Error::Internal(format!("{name}: {why}").into()))?;
            plans.insert(name, recipe);
        }
        Ok(Self { plans, contents })
    }

    /// The slot and the leaf of another version, and its number.
    pub(super) fn of(&self, slot: &Slot, name: &RegradeName, rule: &Rule) -> Option<(&Slot, &Content, i32)> {
        let version = rule.version?;
        let other = self.plans.get(name)?.other()?.slots().get(slot.position as usize - 1)?;
        let content = self.contents.get(&(rule.question.clone(), version))?;
        let (_, leaf) = content.leaves().get(slot.part.saturating_sub(1) as usize).copied()?;
        Some((other, leaf, version))
    }
}

/// The regrade and the rule that decided a mark by another version's key.
pub(super) fn keyed<'a>(origin: Origin, changes: &[Change<'a>]) -> Option<(&'a RegradeName, &'a Rule)> {
    let last = changes.last().filter(|_| origin == Origin::Regrade)?;
    let (name, _) = last.replaced.regrade.as_ref()?;
    last.rule.filter(|rule| rule.mode.needs_key()).map(|rule| (name, rule))
}
