use chrono::DateTime;
use sqlx::types::Json;

use super::*;
use crate::{assembly::shortage::Place, error::Error};

fn row(given: &Given) -> BlueprintRow {
    BlueprintRow {
        blueprint_id: "b".into(),
        display_name: given.display_name.clone(),
        bank_id: given.bank.bank.to_string(),
        sections: Json(given.rules.sections().to_vec()),
        total: given.rules.total().decimal(),
        total_declared: given.rules.stated_total().is_some(),
        duration_s: given.duration_s,
        question_count: given.rules.count() as i32,
        revision: 3,
        create_time: DateTime::UNIX_EPOCH,
        update_time: DateTime::UNIX_EPOCH,
        created_by: "apiKeys/k".into(),
        archive_time: None,
        delete_time: None,
        purge_time: None,
    }
}

fn blueprint() -> pb::Blueprint {
    pb::Blueprint {
        display_name: "客户服务岗考试".into(),
        bank: "banks/crm".into(),
        sections: vec![
            pb::BlueprintSection {
                title: "一、多项选择题".into(),
                instructions: "少选得 0.5 分\n多选不得分".into(),
                kinds: vec![
                    pb::QuestionKind::MultipleChoice as i32,
                    pb::QuestionKind::IndeterminateChoice as i32,
                ],
                count: 10,
                points_each: "1.5".into(),
                filter: Some(pb::QuestionFilter {
                    topics: vec!["课题一".into(), "课题二".into()],
                    tags: vec!["重点".into()],
                    knowledge_points: vec!["投诉处理".into()],
                    min_difficulty: Some(0.2),
                    max_difficulty: Some(0.9),
                }),
                quotas: vec![pb::TopicQuota { topic: "课题一/职位".into(), count: 3 }],
                fixed_questions: vec!["banks/crm/questions/q-1".into(), "banks/crm/questions/q-2".into()],
                policy: Some(pb::ScoringPolicy {
                    rule: pb::ScoringRule::SubsetFixed as i32,
                    points: "0.5".into(),
                    ..Default::default()
                }),
            },
            pb::BlueprintSection {
                title: "二、案例题".into(),
                kinds: vec![pb::QuestionKind::Case as i32],
                count: 1,
                points_each: "20".into(),
                ..Default::default()
            },
        ],
        total_points: "35".into(),
        duration: Some(duration(5400)),
        ..Default::default()
    }
}

fn bad(given: &pb::Blueprint) -> Vec<String> {
    let mut fields = Fields::under("blueprint");
    assert_eq!(parse(given, &mut fields), None);
    let Err(Error::Invalid(violations)) = fields.done() else { panic!("nothing was noted") };
    violations.into_iter().map(|v| format!("{}: {}", v.field, v.description)).collect()
}

fn paths(given: &pb::Blueprint) -> Vec<String> {
    bad(given).iter().map(|v| v.split(": ").next().unwrap().to_owned()).collect()
}

#[test]
fn every_field_survives_the_way_in_and_out() {
    let mut fields = Fields::default();
    let given = parse(&blueprint(), &mut fields).unwrap();
    fields.done().unwrap();
    let zero = Some(timestamp(DateTime::UNIX_EPOCH));
    let expected = pb::Blueprint {
        name: "blueprints/b".into(),
        question_count: 11,
        create_time: zero,
        update_time: zero,
        etag: "3".into(),
        created_by: "apiKeys/k".into(),
        ..blueprint()
    };
    assert_eq!(show(&row(&given)), expected);
}

#[test]
fn a_total_that_is_not_stated_is_the_sum_and_stays_so() {
    let mut fields = Fields::default();
    let given = parse(&pb::Blueprint { total_points: String::new(), ..blueprint() }, &mut fields).unwrap();
    let row = row(&given);
    assert_eq!(show(&row).total_points, "35");
    let one = pb::Blueprint { sections: blueprint().sections[1..].to_vec(), ..Default::default() };
    let mask = crate::mask::Mask::parse(None, &one, &mut fields).unwrap();
    let merged = mask.apply(&stated(&row), &one).unwrap();
    assert_eq!(merged.display_name, blueprint().display_name);
    assert_eq!(parse(&merged, &mut fields).unwrap().rules.total(), Points::from(20));
}

#[test]
fn every_bad_field_is_named_once_by_the_name_that_callers_know() {
    let mut given = blueprint();
    given.display_name = String::new();
    given.bank = "crm".into();
    given.total_points = "1e3".into();
    given.duration = Some(prost_types::Duration { seconds: 90, nanos: 1 });
    let first = &mut given.sections[0];
    first.title = "\0".into();
    first.instructions = "x".repeat(2001);
    first.kinds = vec![99];
    first.count = -1;
    first.points_each = "two".into();
    first.fixed_questions = vec!["q-1".into()];
    first.quotas[0].count = -3;
    first.policy = Some(pb::ScoringPolicy { rule: pb::ScoringRule::Map as i32, ..Default::default() });
    let filter = first.filter.as_mut().unwrap();
    filter.tags = vec![String::new()];
    filter.min_difficulty = Some(0.95);
    filter.max_difficulty = Some(f64::NAN);
    let second = &mut given.sections[1];
    second.kinds.clear();
    second.points_each = "0".into();
    let expected = [
        "display_name",
        "bank",
        "sections[0].title",
        "sections[0].instructions",
        "sections[0].kinds[0]",
        "sections[0].count",
        "sections[0].points_each",
        "sections[0].fixed_questions[0]",
        "sections[0].policy.rule",
        "total_points",
        "duration",
        "sections[0].filter.tags[0]",
        "sections[0].filter.max_difficulty",
        "sections[0].quotas[0].count",
        "sections[0].fixed_questions",
        "sections[1].kinds",
        "sections[1].points_each",
    ];
    assert_eq!(paths(&given), expected.map(|p| format!("blueprint.{p}")));
}

#[test]
fn figures_are_told() {
    let mut given = blueprint();
    given.total_points = "100".into();
    assert_eq!(bad(&given), ["blueprint.total_points: is 100, but the sections add up to 35"]);

    let mut given = blueprint();
    given.sections = vec![given.sections[1].clone(); 51];
    given.total_points = String::new();
    assert_eq!(bad(&given), ["blueprint.sections: must be 1 to 50 sections, are 51"]);

    let mut given = blueprint();
    let filter = given.sections[0].filter.as_mut().unwrap();
    filter.max_difficulty = Some(0.1);
    assert_eq!(
        bad(&given),
        ["blueprint.sections[0].filter.min_difficulty: is 0.2, above max_difficulty 0.1"]
    );
}

#[test]
fn fixed_questions_are_of_the_bank_and_stand_once() {
    let mut given = blueprint();
    given.sections[0].fixed_questions = vec![
        "banks/crm/questions/q-1".into(),
        "banks/other/questions/q-2".into(),
        "banks/crm/questions/q-1".into(),
    ];
    let bad = bad(&given);
    assert_eq!(
        bad,
        [
            "blueprint.sections[0].fixed_questions[1]: must be a question of banks/crm, the blueprint's bank",
            "blueprint.sections[0].fixed_questions[2]: repeats question q-1 of sections[0].fixed_questions[0]"
        ]
    );
}

#[test]
fn a_policy_that_can_never_fit_is_refused_at_once() {
    let with = |rule: pb::ScoringRule, points: &str| {
        let mut given = blueprint();
        given.sections[0].policy =
            Some(pb::ScoringPolicy { rule: rule as i32, points: points.into(), ..Default::default() });
        given
    };
    assert_eq!(paths(&with(pb::ScoringRule::SubsetFixed, "1.5")), ["blueprint.sections[0].policy"]);
    assert_eq!(paths(&with(pb::ScoringRule::SubsetFixed, "-1")), ["blueprint.sections[0].policy.points"]);
    assert_eq!(paths(&with(pb::ScoringRule::PerKeyFixed, "0")), ["blueprint.sections[0].policy.points"]);
    assert_eq!(paths(&with(pb::ScoringRule::Negative, "1")), ["blueprint.sections[0].policy"]);
    assert_eq!(paths(&with(pb::ScoringRule::Halves, "1")), ["blueprint.sections[0].policy.points"]);
}

#[test]
fn shortages_speak_the_words_of_the_wire() {
    let step = |filter: &str, left| Step { filter: filter.into(), left };
    let shortage = Shortage {
        section: 1,
        title: "二、多选题".into(),
        cell: Cell::Quota("课题一".into()),
        need: 5,
        have: 2,
        after: vec![
            step("published", 40),
            step("kinds multiple_choice", 9),
            step("tags_all 重点", 6),
            step("not fixed", 5),
            step("quota 课题一", 2),
        ],
        competing: vec![Place { section: 0, cell: Cell::Section }],
        note: "so it is".into(),
    };
    let shown = show_shortage(&shortage);
    let filters: Vec<&str> = shown.steps.iter().map(|s| s.filter.as_str()).collect();
    assert_eq!(filters, ["published", "kinds: multiple_choice", "tags: 重点", "not fixed", "quota: 课题一"]);
    assert_eq!((shown.topic.as_str(), shown.competing_sections), ("课题一", vec![0, 1]));
    assert_eq!(
        shown.message,
        "sections[1] quota 课题一 (二、多选题) needs 5, has 2: published → 40, kinds: multiple_choice → 9, \
         tags: 重点 → 6, not fixed → 5, quota: 课题一 → 2; so it is"
    );
}
