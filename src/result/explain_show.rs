//! An explained mark on the wire.

use crate::{
    attempt::{
        plans::CompiledForm,
        response::{Mark, Response},
        wire::mark_state,
    },
    bank::{
        content::{Content, Task},
        wire::show_policy,
    },
    grading::wire::{show_given, show_mark, show_rule},
    pb::{self, timestamp},
    scoring::{
        folding::Step,
        numeric::Number,
        plan::{Plan, Slot},
        score::{Bound, Terms},
        text::{Found, Means},
        trace::{Findings, Picks, Rule, Trace, explain},
    },
};

use super::{
    explain::{Others, keyed},
    explain_sql::GradedRow,
    story::{self, Change, Graded, Origin},
    words::{self, Seen, Tale, Tongue},
};

/// What the marks of one attempt are explained from.
pub(super) struct Scene<'a> {
    /// The form.
    pub form: &'a CompiledForm,
    /// What is asked at each position.
    pub leaves: Vec<&'a Content>,
    /// The keys of other versions that decided marks.
    pub others: &'a Others,
    /// What people gave.
    pub graded: &'a [GradedRow],
}

impl Scene<'_> {
    /// One mark, in fields and in words.
    pub(super) fn mark(
        &self,
        slot: &Slot,
        response: &Response,
        mark: Mark,
        changes: &[Change<'_>],
    ) -> pb::MarkTrace {
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
        Task::Matching(matching) => matching.options.iter().map(|o| o.label).collect(),
        Task::Ordering(ordering) => ordering.options.iter().map(|o| o.label).collect(),
        _ => Vec::new(),
    };
    let settled = trace.reckoning.map(|r| r.settled);
    let mut shown = pb::KeyTrace {
        question_version: version,
        rule: trace.rule.name().to_owned(),
        policy: match &trace.rule {
            Rule::Policy(policy) => Some(show_policy(policy, &labels)),
            _ => None,
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
        Findings::Number { given, read, right } => {
            shown.number = Some(pb::NumberTrace {
                given: given.to_string(),
                compared: read.as_ref().map(ToString::to_string).unwrap_or_default(),
                key: if let Task::Numeric(numeric) = &leaf.task { numeric.shown() } else { String::new() },
                right: *right,
                foldings: match (&leaf.task, read) {
                    (Task::Numeric(numeric), Some(_)) => show_steps(&Number::folded(given, numeric.forms)),
                    _ => Vec::new(),
                },
            });
        }
        Findings::Pairs { .. } => {
            shown.pairs =
                trace.findings.pairs().zip(1..).map(|(pair, at)| show_pair(pair, at, &labels)).collect();
        }
        Findings::Order { counted, .. } => {
            let place = |((given, key), number): ((Option<u8>, u8), i32)| pb::PlaceTrace {
                number,
                given: given.map(|at| label_at(&labels, at)).unwrap_or_default(),
                key: label_at(&labels, key),
            };
            shown.places = trace.findings.places().zip(1..).map(place).collect();
            (shown.counted, shown.counted_of) = (counted.0 as i32, counted.1 as i32);
        }
        Findings::Person => {
            if let Response::Text(text) = response {
                shown.written.clone_from(text);
            }
            if let Task::ShortAnswer { reference } | Task::Essay { reference } = &leaf.task {
                shown.reference.clone_from(reference);
            }
        }
    }
    shown
}

fn label_at(labels: &[char], at: u8) -> String {
    labels.get(usize::from(at)).map(char::to_string).unwrap_or_default()
}

fn show_pair((given, key): (Option<u8>, u8), prompt: i32, labels: &[char]) -> pb::PairTrace {
    let finding = match given {
        None => pb::PairFinding::Missed,
        Some(given) if given == key => pb::PairFinding::Right,
        Some(_) => pb::PairFinding::Wrong,
    };
    pb::PairTrace {
        prompt,
        given: given.map(|at| label_at(labels, at)).unwrap_or_default(),
        key: label_at(labels, key),
        finding: finding as i32,
    }
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

fn show_steps(steps: &[Step]) -> Vec<i32> {
    let shown = |step: &Step| match step {
        Step::Invisible => pb::TextFolding::Invisible,
        Step::Width => pb::TextFolding::Width,
        Step::Composition => pb::TextFolding::Composition,
        Step::Twins => pb::TextFolding::LookAlikes,
        Step::Case => pb::TextFolding::Case,
        Step::Traditional => pb::TextFolding::Traditional,
        Step::Space => pb::TextFolding::Space,
        Step::Punctuation => pb::TextFolding::Punctuation,
    };
    steps.iter().map(|step| shown(step) as i32).collect()
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
                Means::Same => {
                    let given = &shown.given;
                    shown.foldings = show_steps(&words::folded(leaf, given, found.blank, found.accepted));
                    Finding::Same
                }
                Means::Edits(edits) => {
                    shown.edits = i32::from(edits);
                    Finding::Edits
                }
                Means::Wildcard => Finding::Wildcard,
                Means::Expression => Finding::RegularExpression,
            }
        }
    };
    shown.finding = finding as i32;
    shown
}
