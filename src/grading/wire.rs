//! Grading on the wire: schemes, tasks and regrade rules, parsed and shown.

use std::collections::HashSet;

use crate::{
    attempt::{
        packed::{self, Unpack},
        plans::CompiledForm,
        response::{Mark, Response},
    },
    auth::Tenant,
    bank::content::{Content, Task},
    door::Fields,
    ids::{ExamName, OperationName, QuestionName, QuestionRef, SchemeName, TaskName},
    pb::{self, timestamp},
    points::Points,
    scoring::score::Key,
};

use super::{
    name,
    regrade::{Counts, Mode, Rule, Turn},
    regrade_sql::RegradeRow,
    sql::{Places, TaskRow},
    task::{Criterion, GRADED, Given, KeyPoint, Level, Proposal, QuestionScheme, Scheme, propose},
};

/// Parses a scheme; bad fields are noted below the fields' own prefix.
pub fn parse_scheme(given: &pb::GradingScheme, fields: &mut Fields) -> Scheme {
    let marker_count = match given.marker_count {
        0 => 1,
        n @ 1..=2 => n,
        _ => {
            fields.bad("marker_count", "must be 1 or 2, or 0 for 1");
            1
        }
    };
    let tolerance = match given.tolerance.as_str() {
        "" => Points::ZERO,
        text => fields.points("tolerance", text),
    };
    if tolerance.is_negative() {
        fields.bad("tolerance", "must not be below 0");
    }
    if given.questions.len() > 500 {
        fields.bad("questions", format!("has {} entries; at most 500 are allowed", given.questions.len()));
    }
    let mut seen = HashSet::new();
    let questions = given.questions.iter().take(500).enumerate().map(|(i, question)| {
        let at = format!("questions[{i}]");
        let parsed = parse_question(question, &at, fields);
        if !seen.insert((parsed.question.clone(), parsed.part)) {
            fields.bad(&at, "names a question and part that stand before it");
        }
        parsed
    });
    let questions = questions.collect();
    Scheme { marker_count, tolerance, anonymous: given.anonymous, questions, revision: 0 }
}

fn parse_question(given: &pb::QuestionScheme, at: &str, fields: &mut Fields) -> QuestionScheme {
    let question: QuestionName = fields.take(format!("{at}.question"), given.question.parse());
    let part = part(given.part, &format!("{at}.part"), fields);
    let most = |what: &str, count: usize, max: usize, fields: &mut Fields| {
        if count > max {
            fields.bad(format!("{at}.{what}"), format!("has {count} entries; at most {max} are allowed"));
        }
    };
    most("criteria", given.criteria.len(), 20, fields);
    most("key_points", given.key_points.len(), 50, fields);
    let mut criteria: Vec<Criterion> = Vec::new();
    for (i, criterion) in given.criteria.iter().take(20).enumerate() {
        let at = format!("{at}.criteria[{i}]");
        let title = fields.text(format!("{at}.title"), &criterion.title, 1, 200);
        if criteria.iter().any(|c| c.title == title) {
            fields.bad(format!("{at}.title"), "stands before it in the rubric");
        }
        if !(1..=10).contains(&criterion.levels.len()) {
            fields.bad(format!("{at}.levels"), "needs 1 to 10 levels");
        }
        let mut levels: Vec<Level> = Vec::new();
        for (k, level) in criterion.levels.iter().take(10).enumerate() {
            let at = format!("{at}.levels[{k}]");
            let title = fields.text(format!("{at}.title"), &level.title, 1, 500);
            if levels.iter().any(|l| l.title == title) {
                fields.bad(format!("{at}.title"), "stands before it in the criterion");
            }
            let points = fields.points(format!("{at}.points"), &level.points);
            if points.is_negative() {
                fields.bad(format!("{at}.points"), "must not be below 0");
            }
            levels.push(Level { title, points });
        }
        criteria.push(Criterion { title, levels });
    }
    let mut key_points = Vec::new();
    for (i, point) in given.key_points.iter().take(50).enumerate() {
        let at = format!("{at}.key_points[{i}]");
        let points = fields.points(format!("{at}.points"), &point.points);
        if !fields.has(&format!("{at}.points")) && points <= Points::ZERO {
            fields.bad(format!("{at}.points"), "must be above 0");
        }
        if !(1..=20).contains(&point.words.len()) {
            fields.bad(format!("{at}.words"), "needs 1 to 20 words");
        }
        let words = point.words.iter().take(20).enumerate();
        let words = words.map(|(k, word)| fields.text(format!("{at}.words[{k}]"), word, 1, 100)).collect();
        key_points.push(KeyPoint { points, words });
    }
    QuestionScheme { question: question.to_string(), part, criteria, key_points }
}

fn part(value: i32, field: &str, fields: &mut Fields) -> u32 {
    u32::try_from(value).unwrap_or_else(|_| {
        fields.bad(field, "must not be negative");
        0
    })
}

/// A scheme on the wire.
pub fn show_scheme(name: &SchemeName, scheme: &Scheme) -> pb::GradingScheme {
    let question = |q: &QuestionScheme| pb::QuestionScheme {
        question: q.question.clone(),
        part: q.part as i32,
        criteria: show_criteria(&q.criteria),
        key_points: q
            .key_points
            .iter()
            .map(|k| pb::KeyPoint { points: k.points.to_string(), words: k.words.clone() })
            .collect(),
    };
    pb::GradingScheme {
        name: name.to_string(),
        marker_count: scheme.marker_count,
        tolerance: scheme.tolerance.to_string(),
        anonymous: scheme.anonymous,
        questions: scheme.questions.iter().map(question).collect(),
        etag: scheme.revision.to_string(),
    }
}

fn show_criteria(criteria: &[Criterion]) -> Vec<pb::RubricCriterion> {
    let level = |l: &Level| pb::RubricLevel { title: l.title.clone(), points: l.points.to_string() };
    let show = |c: &Criterion| pb::RubricCriterion {
        title: c.title.clone(),
        levels: c.levels.iter().map(level).collect(),
    };
    criteria.iter().map(show).collect()
}

/// The positions of these forms, by index, that people mark.
pub fn places<'a>(forms: impl IntoIterator<Item = &'a CompiledForm>) -> Places {
    let mut places = Places::default();
    for (index, form) in forms.into_iter().enumerate() {
        for slot in form.plan.slots().iter().filter(|slot| matches!(slot.key, Key::Person(_))) {
            places.forms.push(index as i16);
            places.positions.push(slot.position as i32);
            places.questions.push(slot.question.to_string());
            places.parts.push(slot.part as i32);
        }
    }
    places
}

/// What is asked at a position: the material of the case, and the leaf.
fn leaf(form: &CompiledForm, position: usize) -> Option<(&str, &Content)> {
    form.form.items.iter().find_map(|item| {
        let leaves = item.content.leaves();
        let at = position.checked_sub(item.position as usize)?;
        let (_, content) = leaves.get(at)?;
        let material =
            if matches!(item.content.task, Task::Case { .. }) { item.content.stem.as_str() } else { "" };
        Some((material, *content))
    })
}

/// A task on the wire; none where the response neither waits nor has its mark from a person. Where the exam is graded
/// anonymously nothing in it says who sat, or when.
pub fn show_task(
    tenant: &Tenant,
    exam: &ExamName,
    form: &CompiledForm,
    scheme: &Scheme,
    row: &TaskRow,
) -> Result<Option<pb::GradingTask>, Unpack> {
    let slots = form.plan.slots();
    let at = row.position as usize - 1;
    let marks = packed::unpack_marks(&row.marks, slots.len())?;
    let (Some(slot), Some(mark)) = (slots.get(at), marks.get(at)) else { return Ok(None) };
    let standing = row.standing.unwrap_or_default();
    let state = match (mark, standing) {
        (Mark::Awaiting, 1) => pb::GradingTaskState::WaitingSecond,
        (Mark::Awaiting, 2) => pb::GradingTaskState::WaitingAdjudication,
        (Mark::Awaiting, _) => pb::GradingTaskState::Waiting,
        (_, GRADED) => pb::GradingTaskState::Graded,
        _ => return Ok(None),
    };
    let mut responses = packed::unpack_responses(&row.responses, slots.len())?;
    let response = match responses.get_mut(at).map(std::mem::take) {
        Some(Response::Text(text)) => text,
        _ => String::new(),
    };
    let (material, content) = leaf(form, row.position as usize).unzip();
    let reference = match content.map(|c| &c.task) {
        Some(Task::ShortAnswer { reference } | Task::Essay { reference }) => reference.clone(),
        _ => String::new(),
    };
    let question = scheme.of(&slot.question, slot.part);
    let key_points = question.map(|q| q.key_points.as_slice()).unwrap_or_default();
    let proposal =
        (!key_points.is_empty()).then(|| show_proposal(&propose(key_points, &response, slot.points)));
    let blind = state == pb::GradingTaskState::WaitingSecond;
    let task = TaskName { exam: exam.exam.clone(), attempt: row.attempt_id, position: row.position };
    Ok(Some(pb::GradingTask {
        name: name::show(&task, tenant, scheme.anonymous),
        state: state as i32,
        candidate: if scheme.anonymous { String::new() } else { row.candidate.clone() },
        question_version: form.versions.get(at).cloned().unwrap_or_default(),
        part: slot.part as i32,
        material: material.unwrap_or_default().to_owned(),
        stem: content.map(|c| c.stem.clone()).unwrap_or_default(),
        reference,
        response,
        max_points: slot.points.to_string(),
        points: if *mark == Mark::Awaiting { String::new() } else { mark.points().to_string() },
        marks: if blind { Vec::new() } else { row.given.0.iter().map(show_given).collect() },
        claimed_by: row.claimed_by.clone().unwrap_or_default(),
        claim_expire_time: row.claim_expires.map(timestamp),
        criteria: question.map(|q| show_criteria(&q.criteria)).unwrap_or_default(),
        proposal,
        submit_time: (!scheme.anonymous).then(|| timestamp(row.submit_time)),
    }))
}

/// What a grader gave, on the wire.
pub fn show_given(given: &Given) -> pb::GraderMark {
    let level = |(criterion, level): &(String, String)| pb::PickedLevel {
        criterion: criterion.clone(),
        level: level.clone(),
    };
    pb::GraderMark {
        grader: given.grader.clone(),
        points: given.points.to_string(),
        levels: given.levels.iter().map(level).collect(),
        comment: given.comment.clone(),
        overrules: given.overrules,
        time: Some(timestamp(given.at)),
    }
}

fn show_proposal(proposal: &Proposal) -> pb::Proposal {
    let found = |(word, points): &(String, Points)| pb::FoundKeyPoint {
        word: word.clone(),
        points: points.to_string(),
    };
    pb::Proposal {
        points: proposal.points.to_string(),
        found: proposal.found.iter().map(found).collect(),
        missing: proposal.missing.clone(),
    }
}

/// Marks of a replaced revision: a decimal, "" where nothing was answered, "?" where it waited.
pub fn show_marks(marks: &[Mark]) -> Vec<String> {
    marks.iter().copied().map(show_mark).collect()
}

/// One of them.
pub fn show_mark(mark: Mark) -> String {
    match mark {
        Mark::NotAnswered => String::new(),
        Mark::Awaiting => "?".to_owned(),
        Mark::Scored(points) => points.to_string(),
    }
}

/// Parses regrade rules.
pub fn parse_rules(given: &[pb::RegradeRule], fields: &mut Fields) -> Vec<Rule> {
    if !(1..=100).contains(&given.len()) {
        fields.bad("rules", "needs 1 to 100 rules");
    }
    let mut rules: Vec<Rule> = Vec::new();
    for (i, rule) in given.iter().take(100).enumerate() {
        let question: QuestionRef = fields.take(format!("rules[{i}].question"), rule.question.parse());
        let part = part(rule.part, &format!("rules[{i}].part"), fields);
        let mode = Mode::ALL.into_iter().find(|m| pb::RegradeMode::from(*m) as i32 == rule.mode);
        let Some(mode) = mode else {
            fields.bad(format!("rules[{i}].mode"), "is required and one of the modes that there are");
            continue;
        };
        if question.version.is_some() && !mode.needs_key() {
            fields.bad(format!("rules[{i}].question"), "names a version, which this mode does not look at");
        }
        let name = question.question.to_string();
        let twice = |r: &Rule| r.question == name && (r.part == part || r.part == 0 || part == 0);
        if rules.iter().any(twice) {
            fields.bad(format!("rules[{i}]"), "concerns a question and part that another rule concerns");
        }
        rules.push(Rule { question: name, part, mode, version: question.version });
    }
    rules
}

impl From<Mode> for pb::RegradeMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::NewKey => Self::NewKey,
            Mode::BothKeys => Self::BothKeys,
            Mode::FullMarks => Self::FullMarks,
            Mode::Drop => Self::Drop,
            Mode::DropAndRescale => Self::DropAndRescale,
        }
    }
}

/// A rule on the wire, with the version that it means.
pub fn show_rule(rule: &Rule) -> pb::RegradeRule {
    let version = rule.version.map(|v| format!("/versions/{v}")).unwrap_or_default();
    pb::RegradeRule {
        question: format!("{}{version}", rule.question),
        part: rule.part as i32,
        mode: pb::RegradeMode::from(rule.mode) as i32,
    }
}

/// Counts on the wire.
pub fn show_counts(counts: &Counts) -> pb::RegradeCounts {
    pb::RegradeCounts {
        examined_count: counts.examined,
        revised_count: counts.revised,
        changed_count: counts.changed,
        newly_passed_count: counts.newly_passed,
        newly_failed_count: counts.newly_failed,
        skipped_count: counts.skipped,
    }
}

/// A regrade on the wire.
pub fn show_regrade(row: &RegradeRow) -> pb::Regrade {
    let state = match row.state.as_str() {
        "running" => pb::RegradeState::Running,
        "cancelled" => pb::RegradeState::Cancelled,
        "done" => pb::RegradeState::Done,
        _ => pb::RegradeState::Failed,
    };
    pb::Regrade {
        name: row.name().to_string(),
        state: state as i32,
        rules: row.rules.0.iter().map(show_rule).collect(),
        never_lower: row.never_lower,
        reason: row.reason.clone(),
        counts: Some(show_counts(&row.counts())),
        total_count: row.total,
        error: if state == pb::RegradeState::Failed { row.error.clone() } else { String::new() },
        create_time: Some(timestamp(row.create_time)),
        update_time: Some(timestamp(row.update_time)),
        operation: OperationName { operation: row.operation_id }.to_string(),
    }
}

/// How far a regrade is, on the wire.
pub fn show_progress(row: &RegradeRow) -> pb::RegradeProgress {
    pb::RegradeProgress {
        regrade: row.name().to_string(),
        counts: Some(show_counts(&row.counts())),
        total_count: row.total,
        create_time: Some(timestamp(row.create_time)),
        update_time: Some(timestamp(row.update_time)),
    }
}

/// A changed score on the wire.
pub fn show_change(result: String, turn: &Turn) -> pb::ScoreChange {
    pb::ScoreChange {
        result,
        old_score: turn.old.to_string(),
        new_score: turn.new.to_string(),
        old_passed: turn.old_passed,
        new_passed: turn.new_passed,
    }
}
