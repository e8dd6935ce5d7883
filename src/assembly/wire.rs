//! Blueprints, shortages and forms on the wire. Whatever is wrong with a blueprint is named by the path that the caller
//! wrote, all of it at once.

use crate::{
    bank::{
        content::{Kind, OptionSet, Task},
        wire::{kind_from_pb, policy, show as show_question, show_policy},
    },
    door::Fields,
    ids::{BankName, QuestionName},
    lifecycle::Life,
    pb::{self, duration, timestamp},
    points::Points,
    scoring::{plan::Plan, policy::Policy},
};

use super::{
    blueprint::{self, Blueprint, Filter, MAX_INSTRUCTIONS, Quota, Section},
    form::Form,
    pool::Prepared,
    shortage::{Cell, Shortage, Step},
    sql::{BlueprintRow, FormRow},
};

/// A blueprint that a caller wrote, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Given {
    /// What people call it.
    pub display_name: String,
    /// The bank it draws from.
    pub bank: BankName,
    /// What it asks for.
    pub rules: Blueprint,
    /// How long a sitting takes, in seconds.
    pub duration_s: Option<i32>,
}

/// A blueprint from the wire; bad fields are noted. There is one whenever nothing was.
pub fn parse(given: &pb::Blueprint, fields: &mut Fields) -> Option<Given> {
    let display_name = fields.text("display_name", &given.display_name, 1, 200);
    let bank: BankName = fields.take("bank", given.bank.parse());
    let sections: Vec<Section> = given
        .sections
        .iter()
        .enumerate()
        .map(|(i, section)| parse_section(section, &bank, &format!("sections[{i}]"), fields))
        .collect();
    let total = match given.total_points.as_str() {
        "" => None,
        text => Some(fields.points("total_points", text)),
    };
    let duration_s = fields.seconds("duration", given.duration.as_ref());
    // Figures that could not be read stand in as 0, so their sum says nothing about the total.
    let readable = (0..sections.len()).all(|i| !fields.has(&format!("sections[{i}].points_each")));
    let total = total.filter(|_| readable && !fields.has("total_points"));
    match Blueprint::try_new(sections, total) {
        Ok(rules) if fields.is_clean() => Some(Given { display_name, bank, rules, duration_s }),
        Ok(_) => None,
        Err(violations) => {
            for violation in violations {
                let (path, message) = in_words_of_the_wire(&violation);
                // What the door noted about a field says more than what its stand-in gave rise to.
                if !fields.has(&path) {
                    fields.bad(path, message);
                }
            }
            None
        }
    }
}

/// A violation with the names that callers know.
fn in_words_of_the_wire(violation: &blueprint::Violation) -> (String, String) {
    let rename = |part: &str| {
        let (name, index) = part.split_at(part.find('[').unwrap_or(part.len()));
        let name = match name {
            "fixed" => "fixed_questions",
            "tags_all" => "tags",
            "difficulty_min" => "min_difficulty",
            "difficulty_max" => "max_difficulty",
            "total" => "total_points",
            other => other,
        };
        format!("{name}{index}")
    };
    let path = violation.path.split('.').map(rename).collect::<Vec<_>>().join(".");
    let message = match violation.path.rsplit('.').next().unwrap_or_default() {
        "difficulty_min" => violation.message.replace("difficulty_max", "max_difficulty"),
        last if last.starts_with("fixed") => violation.message.replace(".fixed[", ".fixed_questions["),
        _ => violation.message.clone(),
    };
    (path, message)
}

fn parse_section(given: &pb::BlueprintSection, bank: &BankName, at: &str, fields: &mut Fields) -> Section {
    plain(&format!("{at}.title"), &given.title, fields);
    let instructions = fields.text(format!("{at}.instructions"), &given.instructions, 0, MAX_INSTRUCTIONS);
    let mut kinds = Vec::new();
    for (i, value) in given.kinds.iter().enumerate() {
        match kind_from_pb(*value) {
            Some(kind) => kinds.push(kind),
            None => {
                fields.bad(format!("{at}.kinds[{i}]"), "is no kind of question");
            }
        }
    }
    if kinds.is_empty() && !given.kinds.is_empty() {
        // Already named one by one; without a stand-in the section would seem to name no kind at all.
        kinds.push(Kind::SingleChoice);
    }
    if !(1..=1000).contains(&given.count) {
        fields.bad(format!("{at}.count"), format!("must be 1 to 1000, is {}", given.count));
    }
    let points_each = match given.points_each.as_str() {
        "" => {
            fields.bad(format!("{at}.points_each"), "is required");
            Points::ZERO
        }
        text => fields.points(format!("{at}.points_each"), text),
    };
    let filter = given.filter.as_ref().map(|f| parse_filter(f, &format!("{at}.filter"), fields));
    let quotas = given.quotas.iter().enumerate().map(|(i, quota)| {
        plain(&format!("{at}.quotas[{i}].topic"), &quota.topic, fields);
        Quota { topic: quota.topic.clone(), count: u32::try_from(quota.count).unwrap_or(0) }
    });
    let quotas = quotas.collect();
    let fixed = given.fixed_questions.iter().enumerate().map(|(i, name)| {
        let path = format!("{at}.fixed_questions[{i}]");
        match name.parse::<QuestionName>() {
            Ok(question) => {
                if question.bank != bank.bank && !fields.has("bank") {
                    fields.bad(path, format!("must be a question of {bank}, the blueprint's bank"));
                }
                question.question.to_string()
            }
            Err(error) => {
                fields.bad(path, error);
                name.clone()
            }
        }
    });
    let fixed = fixed.collect();
    let at_policy = format!("{at}.policy");
    let policy = given.policy.as_ref().and_then(|p| policy(p, None, &at_policy, fields));
    if let Some(policy) = &policy {
        check_policy(policy, &kinds, points_each, &at_policy, fields);
    }
    Section {
        title: given.title.clone(),
        instructions,
        kinds,
        count: u32::try_from(given.count).unwrap_or(0),
        points_each,
        filter: filter.unwrap_or_default(),
        quotas,
        fixed,
        policy,
    }
}

/// What can be known of a policy before there are questions: parts of a case may still be worth too little for it.
fn check_policy(policy: &Policy, kinds: &[Kind], points: Points, at: &str, fields: &mut Fields) {
    if fields.has(&format!("{at}.rule")) || fields.has(&format!("{at}.points")) {
        return;
    }
    // Every rule applies to a single choice, so this looks at the parameters alone.
    if let Err(reason) = policy.check_shape(Kind::SingleChoice, 4) {
        fields.bad(format!("{at}.points"), format!("does not do: {reason}"));
        return;
    }
    let several = [Kind::MultipleChoice, Kind::IndeterminateChoice];
    let reason = several
        .into_iter()
        .filter(|kind| kinds.contains(kind))
        .find_map(|kind| policy.check(kind, 4, OptionSet::EMPTY, points).err());
    if let Some(reason) = reason.filter(|_| points > Points::ZERO) {
        fields.bad(at, reason);
    }
}

fn parse_filter(given: &pb::QuestionFilter, at: &str, fields: &mut Fields) -> Filter {
    let lists =
        [("topics", &given.topics), ("tags", &given.tags), ("knowledge_points", &given.knowledge_points)];
    for (name, list) in lists {
        for (i, text) in list.iter().enumerate() {
            plain(&format!("{at}.{name}[{i}]"), text, fields);
        }
    }
    Filter {
        topics: given.topics.clone(),
        tags_all: given.tags.clone(),
        tags_any: Vec::new(),
        difficulty_min: given.min_difficulty,
        difficulty_max: given.max_difficulty,
        knowledge_points: given.knowledge_points.clone(),
    }
}

/// Notes control characters, which neither a paper nor the database can hold; the rest is the blueprint's to check.
fn plain(path: &str, text: &str, fields: &mut Fields) {
    if text.chars().any(char::is_control) {
        fields.bad(path, "contains a control character");
    }
}

/// A blueprint for the wire.
pub fn show(row: &BlueprintRow) -> pb::Blueprint {
    pb::Blueprint {
        name: format!("blueprints/{}", row.blueprint_id),
        display_name: row.display_name.clone(),
        bank: format!("banks/{}", row.bank_id),
        sections: row.sections.iter().map(|s| show_section(s, &row.bank_id)).collect(),
        total_points: Points::new(row.total).to_string(),
        duration: row.duration_s.map(duration),
        question_count: row.question_count,
        create_time: Some(timestamp(row.create_time)),
        update_time: Some(timestamp(row.update_time)),
        etag: row.revision.to_string(),
        created_by: row.created_by.clone(),
        archive_time: row.archive_time.map(timestamp),
        delete_time: row.delete_time.map(timestamp),
        purge_time: row.purge_time.map(timestamp),
    }
}

fn show_section(section: &Section, bank: &str) -> pb::BlueprintSection {
    let filter = &section.filter;
    pb::BlueprintSection {
        title: section.title.clone(),
        instructions: section.instructions.clone(),
        kinds: section.kinds.iter().map(|k| pb::QuestionKind::from(*k) as i32).collect(),
        count: section.count as i32,
        points_each: section.points_each.to_string(),
        filter: (!filter.is_empty()).then(|| pb::QuestionFilter {
            topics: filter.topics.clone(),
            tags: filter.tags_all.clone(),
            knowledge_points: filter.knowledge_points.clone(),
            min_difficulty: filter.difficulty_min,
            max_difficulty: filter.difficulty_max,
        }),
        quotas: section
            .quotas
            .iter()
            .map(|q| pb::TopicQuota { topic: q.topic.clone(), count: q.count as i32 })
            .collect(),
        fixed_questions: section.fixed.iter().map(|q| format!("banks/{bank}/questions/{q}")).collect(),
        policy: section.policy.as_ref().map(|p| show_policy(p, &[])),
    }
}

/// A blueprint as its author stated it: a total that nobody stated is the sum, also of sections to come.
pub fn stated(row: &BlueprintRow) -> pb::Blueprint {
    let mut stated = show(row);
    if !row.total_declared {
        stated.total_points.clear();
    }
    stated
}

/// What a blueprint finds in its bank: the sections' supplies, and what is missing for so many forms.
pub fn show_check(
    prepared: &Prepared,
    forms: u32,
    shared: bool,
    shortages: &[Shortage],
) -> pb::CheckBlueprintResponse {
    let times = if shared { 1 } else { forms };
    let count = |n: u64| i32::try_from(n).unwrap_or(i32::MAX);
    let supplies = prepared.sections.iter().zip(0..).map(|(section, index)| pb::SectionSupply {
        section: index,
        need: count(u64::from(section.need) * u64::from(times)),
        have: count(prepared.lists[section.list].len() as u64),
    });
    pb::CheckBlueprintResponse {
        fillable: shortages.is_empty(),
        shortages: shortages.iter().map(show_shortage).collect(),
        supplies: supplies.collect(),
    }
}

fn show_shortage(shortage: &Shortage) -> pb::Shortage {
    let after: Vec<Step> = shortage
        .after
        .iter()
        .map(|s| Step { filter: filter_in_words_of_the_wire(&s.filter), left: s.left })
        .collect();
    let mut competing: Vec<i32> = shortage.competing.iter().map(|p| p.section as i32).collect();
    if !competing.is_empty() {
        competing.push(shortage.section as i32);
        competing.sort_unstable();
        competing.dedup();
    }
    pb::Shortage {
        section: shortage.section as i32,
        section_title: shortage.title.clone(),
        topic: match &shortage.cell {
            Cell::Quota(topic) => topic.clone(),
            Cell::Section | Cell::Fixed(_) => String::new(),
        },
        need: i32::try_from(shortage.need).unwrap_or(i32::MAX),
        have: i32::try_from(shortage.have).unwrap_or(i32::MAX),
        steps: after
            .iter()
            .map(|s| pb::FilterStep { filter: s.filter.clone(), left: s.left as i32 })
            .collect(),
        competing_sections: competing,
        message: in_words(shortage),
    }
}

/// A shortage as a sentence with its figures.
pub fn in_words(shortage: &Shortage) -> String {
    let step = |s: &Step| Step { filter: filter_in_words_of_the_wire(&s.filter), left: s.left };
    Shortage { after: shortage.after.iter().map(step).collect(), ..shortage.clone() }.to_string()
}

/// `tags_all 重点` as callers know it: `tags: 重点`.
fn filter_in_words_of_the_wire(filter: &str) -> String {
    match filter.split_once(' ') {
        Some(("tags_all", rest)) => format!("tags: {rest}"),
        Some((
            name @ ("kinds" | "topics" | "tags_any" | "knowledge_points" | "difficulty" | "quota"),
            rest,
        )) => {
            format!("{name}: {rest}")
        }
        _ => filter.to_owned(),
    }
}

/// A form for the wire. `plan` is the form compiled, which knows how each question scores; a form that is not stored
/// has no name.
pub fn show_form(form: &Form, plan: &Plan, life: &Life, full: bool, stored: bool) -> pb::Form {
    let mut sections: Vec<pb::FormSection> = form
        .sections
        .iter()
        .zip(plan.sections())
        .map(|(head, planned)| pb::FormSection {
            title: head.title.clone(),
            instructions: head.instructions.clone(),
            points: planned.max.to_string(),
            items: Vec::new(),
        })
        .collect();
    for item in &form.items {
        let labels: Option<Vec<char>> = match &item.content.task {
            Task::Choice(choice) => Some(choice.options.iter().map(|o| o.label).collect()),
            Task::TrueFalse { .. } => Some(Vec::new()),
            _ => None,
        };
        let slot = plan.slots().get(item.position as usize - 1);
        let version = item.version.to_string();
        let question = full.then(|| pb::Question {
            name: version.clone(),
            topic: item.topic.clone(),
            version: item.version.version.unwrap_or_default(),
            ..show_question(&item.content)
        });
        let shown = pb::FormItem {
            number: item.number as i32,
            position: item.position as i32,
            question_version: version,
            kind: pb::QuestionKind::from(item.content.kind()) as i32,
            points: item.points.to_string(),
            policy: slot.zip(labels).map(|(slot, labels)| show_policy(&slot.policy, &labels)),
            question,
        };
        if let Some(section) = sections.get_mut(item.section) {
            section.items.push(shown);
        }
    }
    pb::Form {
        name: if stored { form.name.to_string() } else { String::new() },
        label: form.label.clone(),
        title: form.title.clone(),
        bank: format!("banks/{}", form.bank),
        seed: form.seed,
        algorithm: form.algorithm.clone(),
        sections,
        total_points: form.total.to_string(),
        duration: form.duration_s.map(duration),
        question_count: form.items.len() as i32,
        position_count: plan.slots().len() as i32,
        create_time: stored.then(|| timestamp(form.create_time)),
        created_by: life.created_by.clone(),
        archive_time: life.archive_time.map(timestamp),
        delete_time: life.delete_time.map(timestamp),
        purge_time: life.purge_time.map(timestamp),
    }
}

/// A form as lists show it: without items.
pub fn show_form_row(row: &FormRow) -> pb::Form {
    let sections = row.sections.iter().map(|head| pb::FormSection {
        title: head.section.title.clone(),
        instructions: head.section.instructions.clone(),
        points: head.points.to_string(),
        items: Vec::new(),
    });
    pb::Form {
        name: format!("blueprints/{}/forms/{}", row.blueprint_id, row.form_id),
        label: row.label.clone(),
        title: row.title.clone(),
        bank: format!("banks/{}", row.bank_id),
        seed: row.seed,
        algorithm: row.algorithm.clone(),
        sections: sections.collect(),
        total_points: Points::new(row.total).to_string(),
        duration: row.duration_s.map(duration),
        question_count: row.question_count,
        position_count: row.position_count,
        create_time: Some(timestamp(row.create_time)),
        created_by: row.created_by.clone(),
        archive_time: row.archive_time.map(timestamp),
        delete_time: row.delete_time.map(timestamp),
        purge_time: row.purge_time.map(timestamp),
    }
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
