//! Why marks are what they are: the use case, and what it says on the wire. Everything is told from what stands in the
//! database and by the functions that score; nothing is kept for it.

use std::{collections::HashMap, sync::Arc};

use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    attempt::{
        packed,
        plans::CompiledForm,
        response::{Mark, Response},
    },
    auth::Caller,
    bank::{
        content::{Content, Task},
        wire::show_policy,
    },
    door::Fields,
    error::{Error, Result},
    grading::{
        regrade::{Recipe, Rule as RegradeRule},
        regrade_sql,
        wire::{show_given, show_mark, show_rule},
    },
    ids::{AttemptName, RegradeName, ResultName},
    pb::{self, timestamp},
    scoring::{
        plan::{Plan, Slot},
        score::{Bound, Terms},
        text::{Found, Means},
        trace::{Findings, Picks, Rule, Trace, explain},
    },
};

use super::{
    explain_sql as sql,
    rpc::{Results, unreadable},
    show::mark_state,
    story::{self, Change, Graded, Origin, Replaced},
    words::{self, Seen, Tale, Tongue},
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

/// The replaced revisions, oldest first.
async fn history(
    conn: &mut PgConnection,
    tenant: Uuid,
    attempt: &AttemptName,
    positions: usize,
) -> Result<Vec<Replaced>> {
    let rows = sql::replaced(conn, tenant, attempt).await?;
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
struct Others {
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
        let mut rules: HashMap<RegradeName, Vec<RegradeRule>> = HashMap::new();
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
        let all: Vec<RegradeRule> = rules.values().flatten().cloned().collect();
        let found = regrade_sql::versions(conn, tenant, &all).await?;
        let contents: HashMap<(String, i32), Content> = found
            .into_iter()
            .filter_map(|(at, version, content)| Some(((all.get(at)?.question.clone(), version), content)))
            .collect();
        let mut plans = HashMap::new();
        for (name, rules) in rules {
            let of = |i: usize| {
                let rule: Option<&RegradeRule> = rules.get(i);
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
    fn of(&self, slot: &Slot, name: &RegradeName, rule: &RegradeRule) -> Option<(&Slot, &Content, i32)> {
        let version = rule.version?;
        let other = self.plans.get(name)?.other()?.slots().get(slot.position as usize - 1)?;
        let content = self.contents.get(&(rule.question.clone(), version))?;
        let (_, leaf) = content.leaves().get(slot.part.saturating_sub(1) as usize).copied()?;
        Some((other, leaf, version))
    }
}

/// The regrade and the rule that decided a mark by another version's key.
fn keyed<'a>(origin: Origin, changes: &[Change<'a>]) -> Option<(&'a RegradeName, &'a RegradeRule)> {
    let last = changes.last().filter(|_| origin == Origin::Regrade)?;
    let (name, _) = last.replaced.regrade.as_ref()?;
    last.rule.filter(|rule| rule.mode.needs_key()).map(|rule| (name, rule))
}

/// What the marks of one attempt are explained from.
struct Scene<'a> {
    form: &'a CompiledForm,
    leaves: Vec<&'a Content>,
    others: &'a Others,
    graded: &'a [sql::GradedRow],
}

impl Scene<'_> {
    fn mark(&self, slot: &Slot, response: &Response, mark: Mark, changes: &[Change<'_>]) -> pb::MarkTrace {
        let at = slot.position as usize - 1;
        let Some(leaf) = self.leaves.get(at).copied() else { return pb::MarkTrace::default() };
        let (version, max) = (text_at(&self.form.versions, at), text_at(&self.form.points, at));
        let terms = terms(&self.form.plan, slot);
        let trace = explain(&slot.key, &slot.policy, response, terms);
        let origin = story::origin(mark, changes);
        let other = keyed(origin, changes).and_then(|(name, rule)| self.others.of(slot, name, rule));
        let other = other.map(|(other, leaf, version)| {
            (explain(&other.key, &other.policy, response, terms), leaf, version)
        });
        let row = self.graded.iter().find(|row| row.position == slot.position as i32);
        let graded = row.map(|row| Graded { standing: row.standing, given: &row.given }).unwrap_or_default();
        let texts = if let Response::Texts(texts) = response { texts.as_slice() } else { &[] };
        let tale = Tale {
            mark,
            origin,
            terms,
            by_key: Seen { trace: &trace, leaf, texts },
            by_other: other.as_ref().map(|(trace, leaf, version)| (Seen { trace, leaf, texts }, *version)),
            graded,
            last: changes.last().copied(),
        };
        pb::MarkTrace {
            mark: Some(pb::Mark {
                position: slot.position as i32,
                question_version: version.to_owned(),
                part: slot.part as i32,
                state: mark_state(&mark) as i32,
                points: mark.points().to_string(),
                max_points: max.to_owned(),
            }),
            text_en: words::tell(&tale, Tongue::En),
            text_zh: words::tell(&tale, Tongue::Zh),
            kind: pb::QuestionKind::from(leaf.kind()) as i32,
            origin: show_origin(origin) as i32,
            differs_from_key: trace.mark != Mark::Awaiting && trace.mark != mark,
            by_key: Some(show_key(&trace, leaf, response, version.to_owned(), terms)),
            by_regrade_key: other.as_ref().map(|(trace, leaf, version)| {
                let name = format!("{}/versions/{version}", slot.question);
                show_key(trace, leaf, response, name, terms)
            }),
            grades: graded.shown().iter().map(show_given).collect(),
            changes: changes.iter().map(show_change).collect(),
        }
    }
}

fn text_at(texts: &[String], at: usize) -> &str {
    texts.get(at).map(String::as_str).unwrap_or_default()
}

fn terms(plan: &Plan, slot: &Slot) -> Terms {
    Terms { points: slot.points, rounding: plan.rounding(), floor: plan.floor() }
}

fn show_origin(origin: Origin) -> pb::MarkOrigin {
    match origin {
        Origin::Key => pb::MarkOrigin::Key,
        Origin::Graders => pb::MarkOrigin::Graders,
        Origin::Regrade => pb::MarkOrigin::Regrade,
        Origin::Waiting => pb::MarkOrigin::Waiting,
    }
}

fn show_change(change: &Change<'_>) -> pb::MarkChange {
    let replaced = change.replaced;
    pb::MarkChange {
        revision: replaced.revision + 1,
        old_points: show_mark(change.old),
        new_points: show_mark(change.new),
        time: Some(timestamp(replaced.at)),
        actor: replaced.actor.clone(),
        method: replaced.method.clone(),
        reason: change.reason().to_owned(),
        regrade: replaced.regrade.as_ref().map(|(name, _)| name.to_string()).unwrap_or_default(),
        rule: change.rule.map(show_rule),
    }
}

/// What one key makes of a response.
fn show_key(
    trace: &Trace,
    leaf: &Content,
    response: &Response,
    version: String,
    terms: Terms,
) -> pb::KeyTrace {
    let labels: Vec<char> = match &leaf.task {
        Task::Choice(choice) => choice.options.iter().map(|o| o.label).collect(),
        Task::TrueFalse { .. } => vec!['F', 'T'],
        Task::FillBlank(_) | Task::ShortAnswer { .. } | Task::Case { .. } => Vec::new(),
    };
    let settled = trace.reckoning.map(|r| r.settled);
    let mut shown = pb::KeyTrace {
        question_version: version,
        rule: trace.rule.name().to_owned(),
        policy: match &trace.rule {
            Rule::Policy(policy) => Some(show_policy(policy, &labels)),
            Rule::BlankShares | Rule::Person => None,
        },
        value: trace.reckoning.map(|r| r.value.to_string()).unwrap_or_default(),
        rounded: settled.and_then(|s| s.rounded).map(|p| p.to_string()).unwrap_or_default(),
        bound: show_bound(settled.and_then(|s| s.bound)) as i32,
        points: show_mark(trace.mark),
        ..Default::default()
    };
    match &trace.findings {
        Findings::Choice(picks) => show_picks(*picks, &labels, &mut shown),
        Findings::Truth { said, key } => {
            let option = |truth: bool| [usize::from(truth)].into_iter().collect();
            let picked = said.map(option).unwrap_or_default();
            show_picks(Picks { options: 2, key: option(*key), picked }, &labels, &mut shown);
        }
        Findings::Texts { blanks, unordered, .. } => {
            shown.unordered = *unordered;
            shown.blanks = (0..*blanks).map(|at| show_blank(at, trace, leaf, response, terms)).collect();
        }
        Findings::Person => {
            if let Response::Text(text) = response {
                shown.written.clone_from(text);
            }
            if let Task::ShortAnswer { reference } = &leaf.task {
                shown.reference.clone_from(reference);
            }
        }
    }
    shown
}

fn show_bound(bound: Option<Bound>) -> pb::MarkBound {
    match bound {
        None => pb::MarkBound::Unspecified,
        Some(Bound::Points) => pb::MarkBound::Points,
        Some(Bound::Floor) => pb::MarkBound::Floor,
    }
}

fn show_picks(picks: Picks, labels: &[char], shown: &mut pb::KeyTrace) {
    use pb::OptionFinding as Finding;
    let option = |(at, label): (usize, &char)| {
        let (picked, key) = (picks.picked.contains(at), picks.key.contains(at));
        let finding = match (picked, key) {
            (true, true) => Finding::RightPick,
            (true, false) => Finding::WrongPick,
            (false, true) => Finding::MissedKey,
            (false, false) => Finding::RightlyLeft,
        };
        pb::OptionTrace { label: label.to_string(), picked, key, finding: finding as i32 }
    };
    shown.options = labels.iter().enumerate().map(option).collect();
    shown.picked_key_count = picks.hits().len() as i32;
    shown.wrong_pick_count = picks.wrong().len() as i32;
    shown.missed_key_count = picks.missed().len() as i32;
}

fn show_blank(at: usize, trace: &Trace, leaf: &Content, response: &Response, terms: Terms) -> pb::BlankTrace {
    use pb::BlankFinding as Finding;
    let mut shown = pb::BlankTrace {
        number: at as i32 + 1,
        finding: Finding::Unfilled as i32,
        points: "0".to_owned(),
        ..Default::default()
    };
    if let Response::Texts(texts) = response {
        shown.given = text_at(texts, at).to_owned();
    }
    let Findings::Texts { blanks, filled, .. } = &trace.findings else { return shown };
    let Some(compared) = filled.get(at) else { return shown };
    shown.compared = compared.folded.clone().unwrap_or_default();
    let finding = match compared.found {
        Found::Unfilled => Finding::Unfilled,
        Found::Nothing => Finding::NoMatch,
        Found::Spent => Finding::AlreadyEarned,
        Found::Match(found) => {
            shown.accepted =
                words::accepted(leaf, found.blank, found.accepted).unwrap_or_default().to_owned();
            shown.blank = found.blank as i32 + 1;
            shown.percent = i32::from(found.percent);
            shown.points = found.share(terms, *blanks).to_string();
            match found.means {
                Means::Same => Finding::Same,
                Means::Edits(edits) => {
                    shown.edits = i32::from(edits);
                    Finding::Edits
                }
                Means::Wildcard => Finding::Wildcard,
            }
        }
    };
    shown.finding = finding as i32;
    shown
}
