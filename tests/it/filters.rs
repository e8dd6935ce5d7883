//! The filters and orders of the questions of a bank, field by field.

use assessd::pb;
use prost_types::FieldMask;

use crate::support::{
    As, Refused, World,
    build::{blanks, multiple, single, truth},
    lists::{self, Ask},
};

async fn filtered(a: &As, filter: &str) -> Vec<String> {
    let request = pb::ListQuestionsRequest {
        parent: "banks/crm".to_owned(),
        filter: filter.to_owned(),
        ..Default::default()
    };
    let found =
        a.bank().list_questions(request).await.unwrap_or_else(|e| panic!("{filter}: {e:?}")).into_inner();
    found.questions.iter().map(|q| q.name.rsplit('/').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn every_field_filters() {
    let world = World::start().await;
    world.a.new_bank("crm").await;
    let mut bank = world.a.bank();
    let a = &world.a;
    let dressed = |mut q: pb::Question, topic: &str, tags: &[&str], difficulty: Option<f64>, point: &str| {
        q.topic = topic.to_owned();
        q.tags = tags.iter().map(|t| (*t).to_owned()).collect();
        q.difficulty = difficulty;
        q.knowledge_point = point.to_owned();
        q
    };
    a.publish(
        "banks/crm",
        "q1",
        dressed(single("什么是 RFM?", "A"), "课题一", &["甲", "乙"], Some(0.2), "价值"),
    )
    .await;
    a.publish(
        "banks/crm",
        "q2",
        dressed(multiple("哪些?", "AB"), "课题一/细分", &["甲"], Some(0.7), "价值模型"),
    )
    .await;
    a.draft("banks/crm", "q3", dressed(truth("100% 对_", true), "课题一百", &[], None, "")).await;
    let q4 = a
        .publish("banks/crm", "q4", dressed(blanks("填 \"__\"", &["x"]), "", &["乙"], Some(0.5), "流失"))
        .await;
    bank.retire_question(pb::RetireQuestionRequest { name: q4.name.clone(), ..Default::default() })
        .await
        .unwrap();
    let again =
        pb::Question { name: "banks/crm/questions/q1".to_owned(), ..single("什么是 rfm 模型?", "A") };
    bank.update_question(pb::UpdateQuestionRequest {
        question: Some(again),
        update_mask: Some(FieldMask { paths: vec!["stem".to_owned()] }),
        ..Default::default()
    })
    .await
    .unwrap();
    let request =
        pb::PublishQuestionRequest { name: "banks/crm/questions/q1".to_owned(), ..Default::default() };
    bank.publish_question(request).await.unwrap();

    let at = |t: &prost_types::Timestamp| pb::moment(t).unwrap().to_rfc3339();
    let created = at(q4.create_time.as_ref().unwrap());
    let updated = at(a.question("banks/crm/questions/q1").await.update_time.as_ref().unwrap());
    let cases: Vec<(String, &[&str])> = vec![
        ("".into(), &["q1", "q2", "q3", "q4"]),
        ("kind = single_choice".into(), &["q1"]),
        ("kind = \"TRUE_FALSE\"".into(), &["q3"]),
        ("kind != single_choice AND kind != fill_blank".into(), &["q2", "q3"]),
        ("state = draft".into(), &["q3"]),
        ("state != published".into(), &["q3", "q4"]),
        ("topic = \"课题一\"".into(), &["q1"]),
        ("topic : \"课题一\"".into(), &["q1", "q2"]),
        ("topic != \"课题一\"".into(), &["q2", "q3", "q4"]),
        ("topic = ''".into(), &["q4"]),
        ("tags:甲".into(), &["q1", "q2"]),
        ("tags:甲 AND tags:乙".into(), &["q1"]),
        ("tags:'%'".into(), &[]),
        ("difficulty < 0.5".into(), &["q1"]),
        ("difficulty <= 0.5".into(), &["q1", "q4"]),
        ("difficulty > 0.5".into(), &["q2"]),
        ("difficulty >= 0.5".into(), &["q2", "q4"]),
        ("difficulty = 0.5".into(), &["q4"]),
        ("difficulty != 0.5".into(), &["q1", "q2", "q3"]),
        ("knowledge_point = 价值".into(), &["q1"]),
        ("knowledge_point : 价值".into(), &["q1", "q2"]),
        ("knowledge_point != 价值".into(), &["q2", "q3", "q4"]),
        ("version = 2".into(), &["q1"]),
        ("version < 1".into(), &["q3"]),
        ("version >= 1".into(), &["q1", "q2", "q4"]),
        ("stem : RFM".into(), &["q1"]),
        ("stem:\"100%\"".into(), &["q3"]),
        ("stem:_".into(), &["q3", "q4"]),
        ("stem = '填 \"__\"'".into(), &["q4"]),
        // Words as answers show them.
        ("kind = QUESTION_KIND_SINGLE_CHOICE".into(), &["q1"]),
        ("kind = \"QUESTION_KIND_TRUE_FALSE\"".into(), &["q3"]),
        ("state = QUESTION_STATE_RETIRED OR kind:single_choice".into(), &["q1", "q4"]),
        // Alternatives, negations, parentheses; OR binds tighter than AND.
        ("state = draft OR state = retired".into(), &["q3", "q4"]),
        ("state = (draft OR retired)".into(), &["q3", "q4"]),
        ("tags:(甲 AND 乙)".into(), &["q1"]),
        ("state = draft OR difficulty < 0.5".into(), &["q1", "q3"]),
        ("state = published AND topic:\"课题一\" OR kind = true_false".into(), &["q1", "q2"]),
        ("(state = published AND difficulty < 0.5) OR kind = true_false".into(), &["q1", "q3"]),
        ("NOT state = draft".into(), &["q1", "q2", "q4"]),
        ("-state=draft AND NOT (tags:甲 AND tags:乙)".into(), &["q2", "q4"]),
        ("(state = draft)".into(), &["q3"]),
        // What has no difficulty is not below 0.5, and not the opposite of it either.
        ("NOT difficulty < 0.5".into(), &["q2", "q3", "q4"]),
        ("difficulty:*".into(), &["q1", "q2", "q4"]),
        ("NOT difficulty:*".into(), &["q3"]),
        ("tags:* AND topic:*".into(), &["q1", "q2"]),
        ("NOT knowledge_point:*".into(), &["q3"]),
        ("stem:'; drop table question; --'".into(), &[]),
        (format!("create_time < \"{created}\""), &["q1", "q2", "q3"]),
        (format!("create_time >= {created}"), &["q4"]),
        (format!("update_time >= {updated}"), &["q1"]),
        ("update_time > 2999-01-01T00:00:00Z".into(), &[]),
    ];
    for (filter, wanted) in cases {
        assert_eq!(filtered(a, &filter).await, wanted, "{filter}");
    }
    for (order_by, wanted) in [
        ("", ["q1", "q2", "q3", "q4"]),
        ("create_time desc", ["q4", "q3", "q2", "q1"]),
        ("difficulty", ["q3", "q1", "q4", "q2"]),
        ("difficulty desc", ["q2", "q4", "q1", "q3"]),
        ("update_time", ["q2", "q3", "q4", "q1"]),
    ] {
        let ask = Ask { order_by: order_by.to_owned(), size: 3, ..Ask::under("banks/crm") };
        let names = lists::all(a, "ListQuestions", &ask).await;
        assert_eq!(names, wanted.map(|id| format!("banks/crm/questions/{id}")), "{order_by}");
    }
    let bad = [
        "colour = red",
        "kind = picture",
        "kind > case",
        "difficulty < hard",
        "tags = 甲",
        "state",
        "state =",
        "topic = \"x",
        "state == draft",
        "state = draft or state = retired",
        "state IN (draft, retired)",
        "kind = QUESTION_KIND_UNSPECIFIED",
        "create_time > yesterday",
        "version = 1.5",
        "stem > a",
        "(state = draft",
        "state = draft)",
        "NOT",
        "state = draft state = retired",
        "stem:'\0'",
    ];
    for filter in bad {
        let request = pb::ListQuestionsRequest {
            parent: "banks/crm".to_owned(),
            filter: filter.to_owned(),
            page_size: -1,
            order_by: "stem".to_owned(),
            ..Default::default()
        };
        bank.list_questions(request).await.bad(&["filter", "page_size", "order_by"]);
    }
}
