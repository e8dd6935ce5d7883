//! From a bank and a blueprint to forms: the draw, and the forms that are made of what was drawn. Pure.
//!
//! A form that is made here can be scored: it is compiled before anyone stores it, so a policy that does not fit its
//! question shows when the form is assembled and never when a candidate hands in.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::{
    bank::content::Kind,
    error::{Error, Result},
    ids::{BankId, BlueprintName, FormId, FormName, QuestionId, QuestionName, QuestionRef},
    points::{Points, Rounding},
    scoring::plan::{Plan, PlanError},
};

use super::{
    blueprint::Blueprint,
    draw::{self, DRAW_ALGORITHM},
    form::{Form, Item, Section},
    pool::{Pool, Prepared},
    shortage::{self, Shortage},
    sql::Drawn,
};

/// What is wanted of a draw.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// How many forms.
    pub forms: u32,
    /// Where the draw starts.
    pub seed: i64,
    /// The forms may share questions.
    pub shared: bool,
}

/// The question and version of each item of one form, by section.
pub type Citations = Vec<Vec<(String, i32)>>;

/// Applies a blueprint to the published questions of its bank and says what is missing.
pub fn check(pool: &Pool, rules: &Blueprint, forms: u32, shared: bool) -> (Prepared, Vec<Shortage>) {
    let prepared = pool.prepare(rules);
    let shortages = shortage::check(&prepared, forms, shared).err().unwrap_or_default();
    (prepared, shortages)
}

/// Draws forms from the published questions of a bank.
pub fn draw(pool: &Pool, rules: &Blueprint, wanted: Wanted) -> Result<Vec<Citations>, Vec<Shortage>> {
    let prepared = pool.prepare(rules);
    let drawn = draw::draw(&prepared, wanted.forms, wanted.seed.cast_unsigned(), wanted.shared)?;
    let cite =
        |place: &u32| pool.citation(*place).map(|(question, version)| (question.to_owned(), version as i32));
    let form =
        |form: draw::DrawnForm| form.sections.iter().map(|s| s.iter().filter_map(cite).collect()).collect();
    Ok(drawn.into_iter().map(form).collect())
}

/// Whatever forms of one assembly have in common.
#[derive(Debug)]
pub struct Common<'a> {
    /// The blueprint.
    pub blueprint: &'a BlueprintName,
    /// Its display name.
    pub title: &'a str,
    /// What it asks for.
    pub rules: &'a Blueprint,
    /// Its bank.
    pub bank: &'a BankId,
    /// How long a sitting takes, in seconds.
    pub duration_s: Option<i32>,
    /// The seed of the draw.
    pub seed: i64,
    /// The time to show until they are stored.
    pub now: DateTime<Utc>,
}

/// A form of what was drawn, and the same compiled. `ordinal` counts the forms from 0 and gives the label.
pub fn compose(
    common: &Common<'_>,
    ordinal: usize,
    form: FormId,
    citations: &Citations,
    contents: &HashMap<(String, i32), Drawn>,
) -> Result<(Form, Plan)> {
    let sections = common.rules.sections();
    let mut items = Vec::with_capacity(common.rules.count() as usize);
    let mut position = 1;
    for (index, (section, cited)) in sections.iter().zip(citations).enumerate() {
        for citation in cited {
            let drawn = contents
                .get(citation)
                .ok_or(Error::Internal("a drawn question version is not in the bank".into()))?;
            let item = Item {
                number: items.len() as u32 + 1,
                section: index,
                position,
                version: QuestionRef {
                    question: QuestionName {
                        bank: common.bank.clone(),
                        question: QuestionId::stored(citation.0.clone()),
                    },
                    version: Some(citation.1),
                },
                points: section.points_each,
                topic: drawn.topic.clone(),
                content: drawn.content.clone(),
            };
            position += item.content.leaves().len() as u32;
            items.push(item);
        }
    }
    let head = |s: &super::blueprint::Section| Section {
        title: s.title.clone(),
        instructions: s.instructions.clone(),
        policy: s.policy.clone(),
        shares: Vec::new(),
    };
    let mut form = Form {
        name: FormName { blueprint: common.blueprint.blueprint.clone(), form },
        label: label(ordinal),
        title: common.title.to_owned(),
        bank: common.bank.clone(),
        seed: common.seed,
        algorithm: DRAW_ALGORITHM.to_owned(),
        sections: sections.iter().map(head).collect(),
        total: items.iter().map(|i| i.points).sum(),
        duration_s: common.duration_s,
        create_time: common.now,
        items,
    };
    form.share_points();
    let plan = compile(&form).map_err(|error| unfit(&form, common.blueprint, &error))?;
    out_of_reach(&form, &plan, common.blueprint)?;
    Ok((form, plan))
}

/// A form compiled under the default rounding: whether it can be scored does not depend on the exam.
pub fn compile(form: &Form) -> Result<Plan, PlanError> {
    form.compile(Rounding::default(), Points::ZERO)
}

/// Refuses a form with questions whose full points their own key does not reach; names each.
fn out_of_reach(form: &Form, plan: &Plan, blueprint: &BlueprintName) -> Result<()> {
    let told = plan.unreachable().map(|(slot, earns)| {
        let part = if slot.part == 0 { String::new() } else { format!(" part {}", slot.part) };
        let by = match slot.key.kind() {
            Kind::SingleChoice | Kind::MultipleChoice | Kind::IndeterminateChoice | Kind::TrueFalse => {
                format!(" by {}", slot.policy.name())
            }
            _ => String::new(),
        };
        format!(
            "question {}{part} ({}/versions/{} in sections[{}]) is worth {} points, but its own key earns {earns}{by}",
            slot.item, slot.question, slot.version, slot.section, slot.points
        )
    });
    let obstacles: Vec<String> = told.collect();
    let Some(first) = obstacles.first() else { return Ok(()) };
    let more = match obstacles.len() {
        1 => String::new(),
        n => format!("; and {} more", n - 1),
    };
    Err(Error::RefusedEach {
        reason: "FULL_MARKS_OUT_OF_REACH",
        subject: blueprint.to_string(),
        message: format!("form {}: nobody could get full marks: {first}{more}", form.label),
        obstacles,
    })
}

/// The refusal of a form that could not be scored; names the question.
fn unfit(form: &Form, blueprint: &BlueprintName, error: &PlanError) -> Error {
    let number = match error {
        PlanError::Section { item }
        | PlanError::Points { item }
        | PlanError::Key { item, .. }
        | PlanError::Policy { item, .. } => Some(*item),
        PlanError::Rounding => None,
    };
    let item = number.and_then(|n| form.items.get(n as usize - 1));
    let named = item.map(|i| format!(" ({} in sections[{}])", i.version, i.section)).unwrap_or_default();
    let message = format!("form {} could not be scored: {error}{named}", form.label);
    Error::refused("BLUEPRINT_UNSCORABLE", blueprint.to_string(), message)
}

/// `A` for the first form, `B` for the second; there are 26 at most.
fn label(ordinal: usize) -> String {
    char::from(b'A' + (ordinal % 26) as u8).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        assembly::blueprint,
        bank::content::{Accepted, Blank, Choice, ChoiceKind, ChoiceOption, Content, FillBlank, Kind, Notes},
        bank::content::{OptionSet, Part, Task, TextMatching},
        scoring::policy::Policy,
    };

    fn choice() -> Content {
        let options = ['A', 'B', 'C'].map(|label| ChoiceOption { label, text: label.to_string() }).to_vec();
        let key = OptionSet::from_bits(0b011);
        let task = Task::Choice(Choice { kind: ChoiceKind::Multiple, options, key, policy: None });
        Content { stem: "?".into(), task, notes: Notes::default() }
    }

    fn blank() -> Content {
        let blanks = vec![Blank { accepted: vec![Accepted { text: "x".into(), percent: 100 }] }];
        let task = Task::FillBlank(FillBlank { blanks, unordered: false, matching: TextMatching::default() });
        Content { stem: "?".into(), task, notes: Notes::default() }
    }

    fn case() -> Content {
        let part = |content| Part { weight: 1, content };
        let parts = vec![part(choice()), part(blank()), part(blank())];
        Content { stem: "材料".into(), task: Task::Case { parts }, notes: Notes::default() }
    }

    fn made(policy: Option<Policy>) -> Result<(Form, Plan)> {
        let section = |title: &str, kind, points: u32, policy| blueprint::Section {
            title: title.into(),
            instructions: String::new(),
            kinds: vec![kind],
            count: 1,
            points_each: Points::from(points),
            filter: blueprint::Filter::default(),
            quotas: Vec::new(),
            fixed: Vec::new(),
            policy,
        };
        let sections = vec![section("一", Kind::Case, 6, policy), section("二", Kind::FillBlank, 4, None)];
        let rules = Blueprint::try_new(sections, None).unwrap();
        let contents = HashMap::from([
            (("q-1".to_owned(), 2), Drawn { topic: "课题一".into(), content: case() }),
            (("q-2".to_owned(), 1), Drawn { topic: String::new(), content: blank() }),
        ]);
        let common = Common {
            blueprint: &"blueprints/b".parse().unwrap(),
            title: "考试",
            rules: &rules,
            bank: &"crm".parse().unwrap(),
            duration_s: None,
            seed: -7,
            now: DateTime::UNIX_EPOCH,
        };
        let citations = vec![vec![("q-1".to_owned(), 2)], vec![("q-2".to_owned(), 1)]];
        compose(&common, 1, "f".parse().unwrap(), &citations, &contents)
    }

    #[test]
    fn positions_count_the_parts_of_a_case() {
        let (form, plan) = made(None).unwrap();
        assert_eq!(form.label, "B");
        assert_eq!(form.total, Points::from(10));
        let places: Vec<(u32, u32)> = form.items.iter().map(|i| (i.number, i.position)).collect();
        assert_eq!(places, [(1, 1), (2, 4)]);
        assert_eq!((form.positions(), plan.slots().len()), (4, 4));
        assert_eq!(form.items[0].version.to_string(), "banks/crm/questions/q-1/versions/2");
    }

    #[test]
    fn what_could_not_be_scored_is_refused_by_name() {
        let error = made(Some(Policy::SubsetFixed { points: Points::from(2).into() })).unwrap_err();
        let Error::Refused { reason, message, .. } = error else { panic!("not refused") };
        assert_eq!(reason, "BLUEPRINT_UNSCORABLE");
        assert!(message.contains("question 1 part 1: the policy SUBSET_FIXED"), "{message}");
        assert!(message.contains("banks/crm/questions/q-1/versions/2 in sections[0]"), "{message}");
    }
}
