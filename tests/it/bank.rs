//! Question banks: what they promise, and what they refuse.

use assessd::pb::{self, question_bank_service_client::QuestionBankServiceClient};
use prost_types::FieldMask;
use tonic::Code;

use crate::support::{
    As, Bare, Refused, World,
    build::{self, blanks, case, key, multiple, single, truth},
    lists::{self, Ask},
    options, reason,
    world::Wire,
};

type Bank = QuestionBankServiceClient<Wire>;

fn mask(paths: &[&str]) -> Option<FieldMask> {
    Some(FieldMask { paths: paths.iter().map(|p| (*p).to_owned()).collect() })
}

fn create(id: &str, question: pb::Question) -> pb::CreateQuestionRequest {
    pb::CreateQuestionRequest {
        parent: "banks/crm".to_owned(),
        question_id: id.to_owned(),
        question: Some(question),
        ..Default::default()
    }
}

async fn crm() -> (World, Bank) {
    let world = World::start().await;
    world.a.new_bank("crm").await;
    let bank = world.a.bank();
    (world, bank)
}

async fn publish(a: &As, name: &str, etag: &str) -> Result<pb::Question, tonic::Status> {
    let request =
        pb::PublishQuestionRequest { name: name.to_owned(), etag: etag.to_owned(), ..Default::default() };
    a.bank().publish_question(request).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn a_bank_is_created_read_and_listed() {
    let world = World::start().await;
    let mut bank = world.a.bank();
    let made = bank
        .create_bank(pb::CreateBankRequest {
            bank_id: "crm".to_owned(),
            bank: Some(pb::Bank {
                name: "banks/ignored".to_owned(),
                display_name: "客户关系".to_owned(),
                description: "两行\n文字".to_owned(),
                ..Default::default()
            }),
            ..Default::default()
        })
        .await
        .unwrap()
        .into_inner();
    assert_eq!((made.name.as_str(), made.display_name.as_str()), ("banks/crm", "客户关系"));
    assert!(made.create_time.is_some() && made.update_time == made.create_time && !made.etag.is_empty());

    world.a.publish("banks/crm", "q1", single("甲?", "A")).await;
    world.a.draft("banks/crm", "q2", single("乙?", "A")).await;
    let retired = world.a.publish("banks/crm", "q3", single("丙?", "A")).await;
    bank.retire_question(pb::RetireQuestionRequest { name: retired.name, ..Default::default() })
        .await
        .unwrap();
    let read = bank
        .get_bank(pb::GetBankRequest { name: "banks/crm".to_owned(), ..Default::default() })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(read, pb::Bank { question_count: 2, published_count: 1, ..made.clone() });

    let by_service = bank
        .create_bank(pb::CreateBankRequest {
            bank: Some(pb::Bank { display_name: "无号".to_owned(), ..Default::default() }),
            ..Default::default()
        })
        .await
        .unwrap()
        .into_inner();
    uuid::Uuid::parse_str(by_service.name.strip_prefix("banks/").unwrap()).unwrap();
    let all = bank.list_banks(pb::ListBanksRequest::default()).await.unwrap().into_inner();
    assert_eq!(all.banks, [made, by_service]);
    assert_eq!(all.next_page_token, "");
}

#[tokio::test]
async fn a_bank_names_every_bad_field() {
    let (world, mut bank) = crm().await;
    bank.create_bank(pb::CreateBankRequest::default()).await.bad(&["bank", "bank.display_name"]);
    bank.create_bank(pb::CreateBankRequest {
        bank_id: "Not an id".to_owned(),
        bank: Some(pb::Bank {
            display_name: "长".repeat(201),
            description: "x".repeat(2001),
            ..Default::default()
        }),
        request_id: "with blank".to_owned(),
    })
    .await
    .bad(&["bank_id", "request_id", "bank.display_name", "bank.description"]);
    bank.create_bank(pb::CreateBankRequest {
        bank: Some(pb::Bank { display_name: "a\0b".to_owned(), ..Default::default() }),
        ..Default::default()
    })
    .await
    .bad(&["bank.display_name"]);
    let again = pb::CreateBankRequest {
        bank_id: "crm".to_owned(),
        bank: Some(pb::Bank { display_name: "again".to_owned(), ..Default::default() }),
        ..Default::default()
    };
    bank.create_bank(again).await.because(Code::AlreadyExists, "ALREADY_EXISTS");
    bank.get_bank(pb::GetBankRequest { name: "banks/none".to_owned(), ..Default::default() })
        .await
        .because(Code::NotFound, "NOT_FOUND");
    for name in ["", "crm", "banks/", "banks/CRM", "banks/crm/questions/q", "banks/crm/"] {
        bank.get_bank(pb::GetBankRequest { name: name.to_owned(), ..Default::default() })
            .await
            .bad(&["name"]);
    }
    drop(world);
}

#[tokio::test]
async fn every_kind_of_question_comes_back_as_it_went() {
    let (world, _) = crm().await;
    let noted = |mut q: pb::Question| {
        q.explanation = "解析".to_owned();
        q.knowledge_point = "知识点".to_owned();
        q.common_mistake = "易错点".to_owned();
        q.topic = "课题一/价值".to_owned();
        q.tags = vec!["2025".to_owned(), "新".to_owned()];
        q.difficulty = Some(0.25);
        q
    };
    let mut weighted =
        case("材料", vec![single("一?", "A"), blanks("二 __", &["答"]), build::short("三?", "参考")]);
    weighted.parts[1].weight = 3;
    let mut scored = multiple("有规则?", "AB");
    scored.policy = Some(pb::ScoringPolicy {
        rule: pb::ScoringRule::SubsetFixed as i32,
        points: "0.5".to_owned(),
        ..Default::default()
    });
    let questions = [
        single("单?", "C"),
        multiple("多?", "AD"),
        build::indeterminate("不定?", "B"),
        truth("对不对", false),
        blanks("填 __ 和 __", &["一", "二"]),
        build::short("简答?", "参考"),
        weighted,
        scored,
    ];
    for (i, question) in questions.into_iter().map(noted).enumerate() {
        let made = world.a.publish("banks/crm", &format!("q{i}"), question.clone()).await;
        assert_eq!(made.name, format!("banks/crm/questions/q{i}"));
        assert_eq!((made.state(), made.version), (pb::QuestionState::Published, 1));
        assert!(!made.unpublished_changes);
        let content = pb::Question {
            name: String::new(),
            state: 0,
            version: 0,
            create_time: None,
            update_time: None,
            etag: String::new(),
            created_by: String::new(),
            ..made.clone()
        };
        assert_eq!(content, question);
        assert_eq!(world.a.question(&made.name).await, made);
        let version = world.a.question(&format!("{}/versions/1", made.name)).await;
        assert_eq!(version.name, format!("{}/versions/1", made.name));
        assert_eq!((version.stem, version.key, version.parts), (made.stem, made.key, made.parts));
    }
}

#[tokio::test]
async fn a_question_names_every_bad_field() {
    let (world, mut bank) = crm().await;
    // Everything at once.
    let request = pb::CreateQuestionRequest {
        parent: "crm".to_owned(),
        question_id: "-".to_owned(),
        question: Some(pb::Question {
            kind: pb::QuestionKind::SingleChoice as i32,
            stem: String::new(),
            options: vec![
                pb::QuestionOption { label: "A".to_owned(), text: "甲".to_owned() },
                pb::QuestionOption { label: "A".to_owned(), text: String::new() },
                pb::QuestionOption { label: "ab".to_owned(), text: "丙".to_owned() },
            ],
            key: Some(pb::AnswerKey {
                choices: vec!["A".to_owned(), "F".to_owned(), "A".to_owned()],
                truth: Some(true),
                blanks: vec![pb::BlankKey::default()],
                unordered: true,
                matching: Some(pb::TextMatching::default()),
                reference: "x".to_owned(),
                ..Default::default()
            }),
            parts: vec![pb::QuestionPart::default()],
            explanation: "x".repeat(20_001),
            knowledge_point: "x".repeat(201),
            common_mistake: "\u{7}".to_owned(),
            topic: "a//b".to_owned(),
            tags: vec!["t".to_owned(), "t".to_owned(), String::new()],
            difficulty: Some(1.5),
            ..Default::default()
        }),
        publish: true,
        request_id: "é".to_owned(),
    };
    bank.create_question(request).await.bad(&[
        "parent",
        "question_id",
        "request_id",
        "question.stem",
        "question.options[1].label",
        "question.options[1].text",
        "question.options[2].label",
        "question.key.choices[1]",
        "question.key.choices[2]",
        "question.key.truth",
        "question.key.blanks",
        "question.key.unordered",
        "question.key.matching",
        "question.key.reference",
        "question.parts",
        "question.explanation",
        "question.knowledge_point",
        "question.common_mistake",
        "question.topic",
        "question.tags[1]",
        "question.tags[2]",
        "question.difficulty",
    ]);

    let cases: Vec<(pb::Question, &[&str])> = vec![
        (pb::Question { kind: 0, ..single("?", "A") }, &["question.kind"]),
        (pb::Question { kind: 99, ..single("?", "A") }, &["question.kind"]),
        (single("?", "E"), &["question.key.choices[0]"]),
        (single("?", "AB"), &["question.key.choices"]),
        (pb::Question { stem: "题".repeat(20_001), ..single("?", "A") }, &["question.stem"]),
        (pb::Question { difficulty: Some(f64::NAN), ..single("?", "A") }, &["question.difficulty"]),
        (pb::Question { difficulty: Some(-0.1), ..single("?", "A") }, &["question.difficulty"]),
        (pb::Question { options: options(&["甲"]), ..truth("?", true) }, &["question.options"]),
        (
            pb::Question { tags: (0..33).map(|i| i.to_string()).collect(), ..truth("?", true) },
            &["question.tags"],
        ),
        (case("材料", vec![]), &["question.parts"]),
        (
            case("材料", vec![case("again", vec![]), single("?", "Z")]),
            &["question.parts[0].kind", "question.parts[1].key.choices[0]"],
        ),
        (
            pb::Question {
                key: Some(pb::AnswerKey {
                    blanks: vec![
                        pb::BlankKey::default(),
                        pb::BlankKey {
                            accepted: vec![pb::AcceptedAnswer { text: String::new(), percent: 101 }],
                        },
                    ],
                    matching: Some(pb::TextMatching { max_edits: 4, ..Default::default() }),
                    ..Default::default()
                }),
                ..blanks("__ __", &[])
            },
            &[
                "question.key.blanks[0].accepted",
                "question.key.blanks[1].accepted[0].text",
                "question.key.blanks[1].accepted[0].percent",
                "question.key.matching.max_edits",
            ],
        ),
        (
            pb::Question {
                policy: Some(pb::ScoringPolicy { rule: 77, ..Default::default() }),
                ..single("?", "A")
            },
            &["question.policy.rule"],
        ),
        (
            pb::Question {
                policy: Some(pb::ScoringPolicy {
                    rule: pb::ScoringRule::PerOptionValue as i32,
                    points: "1".to_owned(),
                    option_values: [("Z".to_owned(), "1".to_owned()), ("A".to_owned(), "one".to_owned())]
                        .into(),
                    lower_bound: "0".to_owned(),
                    ..Default::default()
                }),
                ..multiple("?", "AB")
            },
            &[
                "question.policy.points",
                "question.policy.option_values[Z]",
                "question.policy.option_values[A]",
                "question.policy.lower_bound",
            ],
        ),
    ];
    for (question, fields) in cases {
        bank.create_question(create("", question)).await.bad(fields);
    }
    bank.create_question(pb::CreateQuestionRequest { parent: "banks/crm".to_owned(), ..Default::default() })
        .await
        .bad(&["question", "question.kind", "question.stem"]);
    bank.create_question(pb::CreateQuestionRequest {
        parent: "banks/none".to_owned(),
        ..create("q", single("?", "A"))
    })
    .await
    .because(Code::NotFound, "NOT_FOUND");
    // Nothing of all that was written.
    assert_eq!(lists::all(&world.a, "ListQuestions", &Ask::under("banks/crm")).await, [""; 0]);
}

#[tokio::test]
async fn what_is_not_finished_is_not_published() {
    let (world, mut bank) = crm().await;
    let unfinished: Vec<(pb::Question, &str)> = vec![
        (pb::Question { key: None, ..single("?", "A") }, "question.key.choices"),
        (pb::Question { options: options(&["甲"]), ..single("?", "A") }, "question.options"),
        (multiple("?", "A"), "question.key.choices"),
        (pb::Question { key: None, ..truth("?", true) }, "question.key.truth"),
        (pb::Question { key: None, ..blanks("__", &[]) }, "question.key.blanks"),
        (
            case("材料", vec![single("?", "A"), pb::Question { key: None, ..truth("?", true) }]),
            "question.parts[1].key.truth",
        ),
    ];
    for (i, (question, field)) in unfinished.into_iter().enumerate() {
        let id = format!("q{i}");
        bank.create_question(pb::CreateQuestionRequest { publish: true, ..create(&id, question.clone()) })
            .await
            .bad(&[field]);
        // As a draft it may stay, but not become a version.
        let draft = world.a.draft("banks/crm", &id, question).await;
        assert_eq!((draft.state(), draft.version), (pb::QuestionState::Draft, 0));
        assert!(draft.unpublished_changes);
        let status =
            publish(&world.a, &draft.name, "").await.because(Code::FailedPrecondition, "QUESTION_UNFINISHED");
        assert!(status.message().contains(field.strip_prefix("question.").unwrap()), "{status:?}");
    }
    // A short answer may lack its reference.
    let short = pb::Question::bare(pb::QuestionKind::ShortAnswer, "为什么?");
    assert_eq!(world.a.publish("banks/crm", "s", short).await.version, 1);
}

#[tokio::test]
async fn versions_are_made_by_changes_and_never_change() {
    let (world, mut bank) = crm().await;
    let first = world.a.publish("banks/crm", "q", single("第一?", "A")).await;
    let same = publish(&world.a, &first.name, "").await.unwrap();
    assert_eq!((same.version, &same.etag), (1, &first.etag), "publishing the same content makes nothing");

    let changed = bank
        .update_question(pb::UpdateQuestionRequest {
            question: Some(pb::Question {
                name: first.name.clone(),
                stem: "第二?".to_owned(),
                etag: first.etag.clone(),
                ..Default::default()
            }),
            update_mask: mask(&["stem"]),
            ..Default::default()
        })
        .await
        .unwrap()
        .into_inner();
    assert_eq!((changed.stem.as_str(), changed.version), ("第二?", 1));
    assert_eq!(changed.key, first.key, "the mask kept the rest");
    assert!(changed.unpublished_changes);
    assert_ne!(changed.etag, first.etag);

    // Who has seen only the first state changes nothing.
    let stale = pb::Question { name: first.name.clone(), etag: first.etag.clone(), ..single("第三?", "B") };
    let stale = pb::UpdateQuestionRequest { question: Some(stale), ..Default::default() };
    bank.update_question(stale).await.because(Code::Aborted, "ETAG_STALE");
    publish(&world.a, &first.name, &first.etag).await.because(Code::Aborted, "ETAG_STALE");
    bank.retire_question(pb::RetireQuestionRequest {
        name: first.name.clone(),
        etag: first.etag.clone(),
        ..Default::default()
    })
    .await
    .because(Code::Aborted, "ETAG_STALE");

    let second = publish(&world.a, &first.name, &changed.etag).await.unwrap();
    assert_eq!((second.version, second.unpublished_changes), (2, false));
    assert_eq!(world.a.question(&format!("{}/versions/1", first.name)).await.stem, "第一?");
    assert_eq!(world.a.question(&format!("{}/versions/2", first.name)).await.stem, "第二?");
    let mut read =
        async |name: String| bank.get_question(pb::GetQuestionRequest { name, ..Default::default() }).await;
    read(format!("{}/versions/3", first.name)).await.because(Code::NotFound, "NOT_FOUND");
    read(format!("{}/versions/0", first.name)).await.bad(&["name"]);

    // Back to the first content is a change again.
    let back = pb::Question { name: first.name.clone(), ..single("第一?", "A") };
    bank.update_question(pb::UpdateQuestionRequest { question: Some(back), ..Default::default() })
        .await
        .unwrap();
    assert_eq!(publish(&world.a, &first.name, "").await.unwrap().version, 3);
    let list = bank
        .list_question_versions(pb::ListQuestionVersionsRequest {
            parent: first.name.clone(),
            ..Default::default()
        })
        .await
        .unwrap()
        .into_inner();
    let stems: Vec<(i32, &str)> = list.versions.iter().map(|v| (v.version, v.stem.as_str())).collect();
    assert_eq!(stems, [(3, "第一?"), (2, "第二?"), (1, "第一?")]);

    // Retired is not drawn, and comes back by publishing without a new version.
    let retire = pb::RetireQuestionRequest { name: first.name.clone(), ..Default::default() };
    let retired = bank.retire_question(retire.clone()).await.unwrap().into_inner();
    assert_eq!(retired.state(), pb::QuestionState::Retired);
    assert_eq!(bank.retire_question(retire).await.unwrap().into_inner().etag, retired.etag, "twice is once");
    let restored = publish(&world.a, &first.name, "").await.unwrap();
    assert_eq!((restored.state(), restored.version), (pb::QuestionState::Published, 3));
}

#[tokio::test]
async fn updates_are_checked_like_new_questions() {
    let (world, mut bank) = crm().await;
    let q = world.a.publish("banks/crm", "q", single("?", "A")).await;
    let mut update = async |question: pb::Question, paths: &[&str]| {
        let request = pb::UpdateQuestionRequest {
            question: Some(pb::Question { name: q.name.clone(), ..question }),
            update_mask: mask(paths),
            ..Default::default()
        };
        bank.update_question(request).await
    };
    update(single("?", "A"), &["state"]).await.bad(&["update_mask"]);
    update(single("?", "A"), &["stem", "nonsense"]).await.bad(&["update_mask"]);
    update(multiple("?", "AB"), &[]).await.bad(&["question.kind"]);
    update(single("", "E"), &["stem", "key"]).await.bad(&["question.stem", "question.key.choices[0]"]);
    // Taking away the option that the key names.
    let fewer = pb::Question { options: options(&["甲", "乙"]), key: key("C"), ..single("?", "A") };
    update(fewer, &["options", "key"]).await.bad(&["question.key.choices[0]"]);
    let kept =
        update(pb::Question { tags: vec!["t".to_owned()], ..Default::default() }, &["tags"]).await.unwrap();
    assert_eq!((kept.get_ref().stem.as_str(), kept.get_ref().tags.len()), ("?", 1));
    let cleared = update(pb::Question::default(), &["tags", "difficulty"]).await.unwrap();
    assert_eq!(cleared.get_ref().tags.len(), 0);

    let missing = pb::Question { name: "banks/crm/questions/none".to_owned(), ..single("?", "A") };
    bank.update_question(pb::UpdateQuestionRequest { question: Some(missing), ..Default::default() })
        .await
        .because(Code::NotFound, "NOT_FOUND");
    bank.update_question(pb::UpdateQuestionRequest::default()).await.bad(&["question", "question.name"]);
}

#[tokio::test]
async fn a_request_id_makes_a_change_once() {
    let (world, mut bank) = crm().await;
    let request =
        pb::CreateQuestionRequest { request_id: "r1".to_owned(), ..create("", single("一?", "A")) };
    let first = bank.create_question(request.clone()).await.unwrap().into_inner();
    let again = bank.create_question(request.clone()).await.unwrap().into_inner();
    assert_eq!(first, again);
    let other = pb::CreateQuestionRequest { publish: true, ..request };
    bank.create_question(other).await.because(Code::FailedPrecondition, "REQUEST_ID_REUSED");
    assert_eq!(lists::all(&world.a, "ListQuestions", &Ask::under("banks/crm")).await.len(), 1);

    // The same word in another method is another request; the answer of the first time stays the answer.
    let publish = pb::PublishQuestionRequest {
        name: first.name.clone(),
        request_id: "r1".to_owned(),
        ..Default::default()
    };
    let published = bank.publish_question(publish.clone()).await.unwrap().into_inner();
    let changed = pb::Question { name: first.name.clone(), ..single("二?", "A") };
    bank.update_question(pb::UpdateQuestionRequest { question: Some(changed), ..Default::default() })
        .await
        .unwrap();
    assert_eq!(bank.publish_question(publish).await.unwrap().into_inner(), published);
    assert_eq!(world.a.question(&first.name).await.version, 1);

    // A failed call keeps nothing: the word can be used again.
    let failed =
        pb::CreateQuestionRequest { request_id: "r2".to_owned(), ..create("q", single("三?", "A")) };
    let nowhere = pb::CreateQuestionRequest { parent: "banks/none".to_owned(), ..failed.clone() };
    bank.create_question(nowhere).await.because(Code::NotFound, "NOT_FOUND");
    bank.create_question(failed.clone()).await.unwrap();
    let taken = pb::CreateQuestionRequest { request_id: "r3".to_owned(), ..failed };
    bank.create_question(taken).await.because(Code::AlreadyExists, "ALREADY_EXISTS");
}

#[tokio::test]
async fn batches_answer_for_each_element() {
    use pb::{batch_get_questions_element as got, batch_publish_questions_element as done};
    let (world, mut bank) = crm().await;
    let other = world.a.new_bank("other").await;
    world.a.publish("banks/crm", "q1", single("一?", "A")).await;
    world.a.draft("banks/crm", "q2", single("二?", "A")).await;
    world.a.draft("banks/crm", "q3", pb::Question { key: None, ..single("三?", "A") }).await;
    world.a.publish(&other, "q1", single("另一?", "A")).await;
    let names = [
        "banks/other/questions/q1",
        "banks/crm/questions/q1/versions/1",
        "banks/crm/questions/none",
        "nonsense",
        "banks/crm/questions/q2",
        "banks/crm/questions/q1/versions/7",
        "banks/other/questions/q1",
    ]
    .map(str::to_owned);
    let answer =
        bank.batch_get_questions(pb::BatchGetQuestionsRequest { names: names.to_vec() }).await.unwrap();
    let seen: Vec<String> = answer
        .into_inner()
        .elements
        .into_iter()
        .map(|e| match e.outcome.unwrap() {
            got::Outcome::Question(q) => format!("{} {}", q.name, q.stem),
            got::Outcome::Error(e) => {
                let fields: Vec<String> = e.violations.into_iter().map(|v| v.field).collect();
                format!("{} {} {}", e.code, e.reason, fields.join(","))
            }
        })
        .collect();
    assert_eq!(
        seen,
        [
            "banks/other/questions/q1 另一?",
            "banks/crm/questions/q1/versions/1 一?",
            "5 NOT_FOUND ",
            "3 INVALID_FIELDS names[3]",
            "banks/crm/questions/q2 二?",
            "5 NOT_FOUND ",
            "banks/other/questions/q1 另一?",
        ]
    );
    bank.batch_get_questions(pb::BatchGetQuestionsRequest::default()).await.bad(&["names"]);
    let many = vec!["banks/crm/questions/q1".to_owned(); 1001];
    bank.batch_get_questions(pb::BatchGetQuestionsRequest { names: many }).await.bad(&["names"]);

    let names = [
        "banks/crm/questions/q2",
        "banks/crm/questions/q3",
        "banks/other/questions/q1",
        "banks/crm/questions/q1",
        "banks/crm/questions/q2",
        "banks/crm/questions/none",
    ]
    .map(str::to_owned);
    let request = pb::BatchPublishQuestionsRequest {
        parent: "banks/crm".to_owned(),
        names: names.to_vec(),
        ..Default::default()
    };
    let answer = bank.batch_publish_questions(request.clone()).await.unwrap().into_inner();
    let outcomes: Vec<(String, String)> = answer
        .elements
        .into_iter()
        .map(|e| match e.outcome.unwrap() {
            done::Outcome::Version(v) => (e.name, format!("version {v}")),
            done::Outcome::Error(error) => (e.name, error.reason),
        })
        .collect();
    let wanted =
        ["version 1", "QUESTION_UNFINISHED", "INVALID_FIELDS", "version 1", "version 1", "NOT_FOUND"];
    assert_eq!(outcomes, names.into_iter().zip(wanted.map(str::to_owned)).collect::<Vec<_>>());
    assert_eq!(world.a.question("banks/crm/questions/q2").await.version, 1);
    let none = pb::BatchPublishQuestionsRequest { names: vec![], ..request };
    assert_eq!(reason(&bank.batch_publish_questions(none).await.bad(&["names"])), "INVALID_FIELDS");
}
