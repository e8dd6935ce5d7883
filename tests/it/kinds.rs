//! Numeric, matching, ordering and essay questions from the draft to the released key.

use assessd::pb;
use pb::QuestionKind as Kind;
use tonic::Code;

use crate::support::{
    As, Refused, World,
    build::{
        Bare, case, essay, matching, multiple, number, numeric, options, order, ordering, pairs, section,
    },
    refusal::bad_fields,
};

fn text(position: i32, text: &str) -> pb::Response {
    pb::Response { position, text: text.to_owned(), ..Default::default() }
}

fn with_key(question: pb::Question, change: impl FnOnce(&mut pb::AnswerKey)) -> pb::Question {
    let mut question = question;
    change(question.key.get_or_insert_default());
    question
}

fn distance() -> pb::Question {
    with_key(numeric("多少公里?", "45.8", "0.2"), |key| {
        let number = key.number.as_mut().unwrap();
        let unit = |name: &str, factor: &str| pb::NumericUnit { name: name.into(), factor: factor.into() };
        number.units = vec![unit("km", ""), unit("m", "0.001")];
        number.forms = Some(pb::NumberForms { accept_fraction: true, ..Default::default() });
    })
}

/// Bank `new` with one question of each new kind and a case of all of them, and the exam `new` over it. Positions: 1
/// number, 2 pairs, 3 order, 4 essay, 5 to 8 the same as parts of a case.
async fn world() -> World {
    let world = World::start().await;
    let a = &world.a;
    a.new_bank("new").await;
    let questions = [
        ("n", distance()),
        ("m", matching("配对", "CAC")),
        ("o", ordering("排序", "CADB")),
        ("e", essay("论述", "SECRET-REFERENCE")),
    ];
    for (id, question) in &questions {
        a.publish("banks/new", id, question.clone()).await;
    }
    let parts = questions.map(|(_, mut question)| {
        question.stem = format!("{}之问", question.stem);
        question
    });
    a.publish("banks/new", "c", case("材料", parts.to_vec())).await;
    let sections = [
        ("一", Kind::Numeric, "2"),
        ("二", Kind::Matching, "3"),
        ("三", Kind::Ordering, "4"),
        ("四", Kind::Essay, "10"),
        ("五", Kind::Case, "8"),
    ];
    let sections = sections.map(|(title, kind, points)| section(title, kind, 1, points));
    a.blueprint("new", "banks/new", sections.to_vec()).await;
    a.forms("blueprints/new", &["a"], 1).await;
    a.exam_of("new", &["blueprints/new/forms/a"], |e| {
        e.max_attempts = 9;
        e.release = Some(pb::ReleasePolicy {
            time: pb::ReleaseTime::AtOnce as i32,
            content: pb::ReleaseContent::Keys as i32,
        });
    })
    .await;
    world
}

fn answers(first: i32) -> Vec<pb::Response> {
    vec![
        number(first, "４６ ｋｍ"),
        pairs(first + 1, "1C 2B 3C"),
        order(first + 2, "CADB"),
        text(first + 3, "论述如下"),
    ]
}

async fn submit(a: &As, candidate: &str, responses: Vec<pb::Response>) -> Vec<String> {
    let result = a.submission("exams/new", candidate, responses).await.unwrap();
    result.marks.into_iter().map(|m| m.points).collect()
}

#[tokio::test]
async fn what_is_stored_comes_back() {
    let world = world().await;
    let a = &world.a;
    let mut exotic = distance();
    exotic.key = Some(pb::AnswerKey {
        number: Some(pb::NumericKey {
            value: "1/3".into(),
            tolerance: Some(pb::numeric_key::Tolerance::SignificantDigits(3)),
            forms: Some(pb::NumberForms {
                refuse_thousands: true,
                refuse_full_width: true,
                refuse_exponent: true,
                accept_fraction: true,
                accept_percent: true,
                refuse_look_alikes: true,
            }),
            units: vec![pb::NumericUnit { name: "kg".into(), factor: "1e3".into() }],
            unit_required: true,
        }),
        ..Default::default()
    });
    let tolerances = ["relative", "geometric"].map(|kind| {
        with_key(numeric(kind, "7", "0"), |key| {
            let t = "10%".to_owned();
            key.number.as_mut().unwrap().tolerance = Some(match kind {
                "relative" => pb::numeric_key::Tolerance::Relative(t),
                _ => pb::numeric_key::Tolerance::Geometric(t),
            });
        })
    });
    let ruled = |q, matching: i32, ordering: i32| {
        with_key(q, |key| (key.matching_rule, key.ordering_rule) = (matching, ordering))
    };
    let keyless = |mut q: pb::Question| {
        q.key = None;
        q
    };
    let all = [
        distance(),
        exotic,
        numeric("exact", "5e3", ""),
        matching("m", "AAA"),
        ruled(matching("m", "ABC"), 3, 0),
        ruled(ordering("o", "BADC"), 0, 4),
        essay("e", "参考"),
        case("c", vec![distance(), matching("m", "ABC"), ordering("o", "DCBA"), essay("e", "x")]),
        keyless(numeric("n", "1", "")),
        keyless(matching("m", "ABC")),
        keyless(ordering("o", "DCBA")),
        // A rule may be there before its key.
        ruled(keyless(matching("m", "ABC")), 2, 0),
        ruled(keyless(ordering("o", "DCBA")), 0, 2),
    ];
    for (i, question) in all.into_iter().chain(tolerances).enumerate() {
        let stored = a.draft("banks/new", &format!("q{i}"), question.clone()).await;
        let content = |q: &pb::Question| {
            (q.kind, q.key.clone(), q.options.clone(), q.prompts.clone(), q.parts.clone(), q.stem.clone())
        };
        assert_eq!(content(&a.question(&stored.name).await), content(&question));
    }
    // One field is changed and the rest stays; the kind does not change.
    let change = pb::Question {
        name: "banks/new/questions/m".into(),
        prompts: ["壹", "贰", "叁"].map(str::to_owned).to_vec(),
        ..Default::default()
    };
    let mask =
        |paths: &[&str]| Some(prost_types::FieldMask { paths: paths.iter().map(|p| (*p).into()).collect() });
    let request = pb::UpdateQuestionRequest {
        question: Some(change.clone()),
        update_mask: mask(&["prompts"]),
        ..Default::default()
    };
    let changed = a.bank().update_question(request).await.unwrap().into_inner();
    assert_eq!((changed.prompts[0].as_str(), changed.key.unwrap().pairs.len()), ("壹", 3));
    let request = pb::UpdateQuestionRequest {
        question: Some(pb::Question { kind: Kind::Ordering as i32, ..change }),
        update_mask: mask(&["kind"]),
        ..Default::default()
    };
    a.bank().update_question(request).await.refused(Code::InvalidArgument);
    for (word, count) in [("numeric", 7), ("matching", 5), ("ORDERING", 4), ("essay", 2), ("case", 2)] {
        let request = pb::ListQuestionsRequest {
            parent: "banks/new".into(),
            filter: format!("kind = {word}"),
            ..Default::default()
        };
        let found = a.bank().list_questions(request).await.unwrap().into_inner().questions.len();
        assert_eq!(found, count, "{word}");
    }
}

#[tokio::test]
async fn a_sitting_of_every_new_kind() {
    let world = world().await;
    let a = &world.a;
    let request =
        pb::StartAttemptRequest { parent: "exams/new".into(), candidate: "e-1".into(), ..Default::default() };
    let opened = a.delivery().start_attempt(request).await.unwrap().into_inner();
    let sections = opened.paper.clone().unwrap().sections;
    let question = |section: usize| sections[section].questions[0].clone();
    let labels = |q: &[pb::PaperOption]| q.iter().map(|o| o.label.as_str()).collect::<String>();
    assert_eq!((question(0).kind(), question(0).options.len()), (Kind::Numeric, 0));
    assert_eq!((question(1).kind(), question(1).prompts.join(" ")), (Kind::Matching, "一 二 三".to_owned()));
    assert_eq!(labels(&question(1).options), "ABCD");
    assert_eq!((question(2).kind(), labels(&question(2).options)), (Kind::Ordering, "ABCD".to_owned()));
    assert_eq!(question(3).kind(), Kind::Essay);
    let of_case = question(4).parts;
    assert_eq!((labels(&of_case[1].options), of_case[1].prompts.len()), ("ABCD".to_owned(), 3));
    let told = format!("{opened:?}");
    assert!(["45.8", "0.2", "km", "SECRET"].iter().all(|secret| !told.contains(secret)), "{told}");
    // What is saved comes back as it was written.
    let given = [answers(1), answers(5)].concat();
    let save =
        |sequence, responses| pb::SaveResponsesRequest { name: opened.name.clone(), responses, sequence };
    a.delivery().save_responses(save(1, given.clone())).await.unwrap();
    let get = pb::GetAttemptRequest { name: opened.name.clone() };
    let saved = a.delivery().get_attempt(get).await.unwrap().into_inner().responses;
    let wanted: Vec<_> =
        given.iter().map(|r| pb::Response { part: (r.position - 4).max(0), ..r.clone() }).collect();
    assert_eq!(saved, wanted);
    // An empty answer takes back.
    let blank = |position| pb::Response { position, ..Default::default() };
    let back = a.delivery().save_responses(save(2, vec![blank(1), blank(2), blank(3)])).await.unwrap();
    assert_eq!(back.into_inner().answered_count, 5);
    let request =
        pb::SubmitAttemptRequest { name: opened.name.clone(), responses: answers(1), ..Default::default() };
    let done = a.delivery().submit_attempt(request).await.unwrap().into_inner();
    assert_eq!((done.answered_count, done.position_count), (8, 8));
    let request = pb::GetResultRequest { name: done.result };
    let result = a.result().get_result(request).await.unwrap().into_inner();
    let points: Vec<&str> = result.marks.iter().map(|m| m.points.as_str()).collect();
    assert_eq!(points, ["2", "2", "4", "0", "2", "1.33", "2", "0"]);
    assert_eq!((result.state(), result.awaiting_points.as_str()), (pb::ResultState::AwaitingGrading, "12"));
    let request = pb::GetReleasedResultRequest { name: opened.name };
    let released = a.delivery().get_released_result(request).await.unwrap().into_inner();
    let keys: Vec<String> = released.marks.iter().map(|m| m.key.join(" ")).collect();
    let wanted = ["45.8 ± 0.2 km", "1-C 2-A 3-C", "C A D B", "SECRET-REFERENCE"];
    assert_eq!(keys, [wanted, wanted].concat());
}

#[tokio::test]
async fn numbers_pairs_and_orders_are_scored() {
    let world = world().await;
    let a = &world.a;
    let mut nth = 0;
    let mut of = async |response: pb::Response| {
        nth += 1;
        let at = response.position as usize - 1;
        submit(a, &format!("c-{nth}"), vec![response]).await.swap_remove(at)
    };
    for (given, points) in [
        ("46", "2"),
        ("45.6km", "2"),
        ("46000 m", "2"),
        ("91/2", "0"),
        ("137/3", "2"),
        ("46.00001", "0"),
        ("46 miles", "0"),
        ("约46", "0"),
        ("45,8", "0"),
        ("四十六", "0"),
    ] {
        assert_eq!(of(number(1, given)).await, points, "{given}");
    }
    for (given, points) in [("1C 2A 3C", "3"), ("3C", "1"), ("1A 2A 3A", "1"), ("1D 2D", "0")] {
        assert_eq!(of(pairs(2, given)).await, points, "{given}");
    }
    for (given, points) in [("CADB", "4"), ("CAD", "0"), ("ACDB", "0"), ("C", "0")] {
        assert_eq!(of(order(3, given)).await, points, "{given}");
    }
    // A wrong answer is told apart from none.
    let result = a.submission("exams/new", "last", vec![number(1, "?"), pairs(2, "1D")]).await.unwrap();
    let states: Vec<_> = result.marks.iter().map(|m| m.state()).collect();
    assert_eq!(states[..3], [pb::MarkState::Scored, pb::MarkState::Scored, pb::MarkState::NotAnswered]);

    // Nobody can be told options of what has none, and what was written is no option.
    let request = pb::GetItemAnalysisRequest { name: "exams/new".into(), ..Default::default() };
    let analysis = a.result().get_item_analysis(request).await.unwrap().into_inner();
    assert_eq!(analysis.count, 19);
    let first = &analysis.items[0];
    assert_eq!((first.kind(), first.options.len()), (Kind::Numeric, 0));
    let facility = first.facility.as_ref().unwrap().value.unwrap();
    assert!((facility - 4.0 / 19.0).abs() < 1e-9, "{facility}");
    assert_eq!(analysis.items[1].kind(), Kind::Matching);
}

#[tokio::test]
async fn every_rule_of_pairs_and_orders() {
    let world = World::start().await;
    let a = &world.a;
    a.new_bank("rules").await;
    // (rule, given, points of 6)
    let pairs_by_rule: [(pb::MatchingRule, [(&str, &str); 4]); 4] = [
        (
            pb::MatchingRule::Unspecified,
            [("1C 2A 3D", "6"), ("1C 2A 3B", "4"), ("1C", "2"), ("1B 2B 3C", "0")],
        ),
        (pb::MatchingRule::PerPair, [("1C 2A 3D", "6"), ("1C 2A 3B", "4"), ("1C", "2"), ("1B 2B 3C", "0")]),
        (pb::MatchingRule::AllOrNothing, [("1C 2A 3D", "6"), ("1C 2A 3B", "0"), ("1C", "0"), ("2A 3D", "0")]),
        (
            pb::MatchingRule::PerPairWithDeduction,
            [("1C 2A 3D", "6"), ("1C 2A 3B", "2"), ("1C 2A", "4"), ("1C 2B 3B", "0")],
        ),
    ];
    let orders_by_rule: [(pb::OrderingRule, [(&str, &str); 4]); 5] = [
        (pb::OrderingRule::Unspecified, [("DBCA", "6"), ("DBAC", "0"), ("DBC", "0"), ("ACBD", "0")]),
        (pb::OrderingRule::AllOrNothing, [("DBCA", "6"), ("DBAC", "0"), ("DBC", "0"), ("ACBD", "0")]),
        (pb::OrderingRule::PerPosition, [("DBCA", "6"), ("DBAC", "3"), ("DBC", "4.5"), ("ACBD", "0")]),
        (pb::OrderingRule::AdjacentPairs, [("DBCA", "6"), ("BCAD", "4"), ("DB", "2"), ("ACBD", "0")]),
        (pb::OrderingRule::Kendall, [("DBCA", "6"), ("DBAC", "5"), ("DBC", "3"), ("ACBD", "0")]),
    ];
    let mut questions = Vec::new();
    for (rule, cases) in pairs_by_rule {
        let question = with_key(matching(rule.as_str_name(), "CAD"), |k| k.matching_rule = rule as i32);
        questions.push((question, cases.map(|(given, points)| (pairs(0, given), points))));
    }
    for (rule, cases) in orders_by_rule {
        let question = with_key(ordering(rule.as_str_name(), "DBCA"), |k| k.ordering_rule = rule as i32);
        questions.push((question, cases.map(|(given, points)| (order(0, given), points))));
    }
    for (i, (question, _)) in questions.iter().enumerate() {
        a.publish("banks/rules", &format!("q{i}"), question.clone()).await;
    }
    let sections = vec![section("配对", Kind::Matching, 4, "6"), section("排序", Kind::Ordering, 5, "6")];
    a.blueprint("rules", "banks/rules", sections).await;
    a.forms("blueprints/rules", &["a"], 3).await;
    a.exam_of("rules", &["blueprints/rules/forms/a"], |e| e.max_attempts = 9).await;
    for at in 0..4 {
        let given = questions.iter().enumerate().map(|(i, (_, cases))| pb::Response {
            question: format!("banks/rules/questions/q{i}"),
            ..cases[at].0.clone()
        });
        let result = a.submission("exams/rules", &format!("c-{at}"), given.collect()).await.unwrap();
        for (i, (question, cases)) in questions.iter().enumerate() {
            let name = format!("banks/rules/questions/q{i}/versions/1");
            let mark = result.marks.iter().find(|m| m.question_version == name).unwrap();
            assert_eq!(mark.points, cases[at].1, "{} {:?}", question.stem, cases[at].0);
        }
    }
}

#[tokio::test]
async fn bad_responses_are_named_and_nothing_is_written() {
    let world = world().await;
    let bad = vec![
        number(1, &"1".repeat(129)),
        pairs(2, "1C 1A 4A -1A 2E 3"),
        order(3, "CXCA"),
        text(4, &"长".repeat(200_001)),
        number(6, "5"),
        pairs(7, "1A"),
        order(8, "AB"),
        pb::Response { number: "1\u{0}".into(), position: 5, ..Default::default() },
    ];
    let status = world.a.submission("exams/new", "e-1", bad).await.refused(Code::InvalidArgument);
    let wanted = [
        "responses[0].number",
        "responses[1].pairs[1].prompt",
        "responses[1].pairs[2].prompt",
        "responses[1].pairs[3].prompt",
        "responses[1].pairs[4].option",
        "responses[1].pairs[5].option",
        "responses[2].order[1]",
        "responses[2].order[2]",
        "responses[3].text",
        "responses[4].number",
        "responses[5].pairs",
        "responses[6].order",
        "responses[7].number",
    ];
    assert_eq!(bad_fields(&status), wanted);
    let request = pb::ListResultsRequest { parent: "exams/new".into(), ..Default::default() };
    assert!(world.a.result().list_results(request).await.unwrap().into_inner().results.is_empty());
    // As long as they may be: wrong, not refused. An essay may be longer than a short answer.
    let long = vec![number(1, &"9".repeat(128)), text(4, &"长".repeat(100_001))];
    assert_eq!(submit(&world.a, "e-1", long).await[..4], ["0", "0", "0", "0"]);
}

#[tokio::test]
async fn bad_questions_are_named() {
    let world = World::start().await;
    let a = &world.a;
    a.new_bank("new").await;
    let number = |change: fn(&mut pb::NumericKey)| {
        with_key(numeric("?", "1", ""), |key| change(key.number.as_mut().unwrap()))
    };
    use pb::numeric_key::Tolerance;
    let unit = |name: &str, factor: &str| pb::NumericUnit { name: name.into(), factor: factor.into() };
    let units = with_key(numeric("?", "1", ""), |key| {
        key.number.as_mut().unwrap().units =
            vec![unit("", ""), unit("m", "0"), unit(" ｍ ", "x"), unit("km", "-1"), unit("12", "")];
    });
    let cases: Vec<(pb::Question, &[&str])> = vec![
        (number(|n| n.value = String::new()), &["key.number.value"]),
        (number(|n| n.value = "many".into()), &["key.number.value"]),
        (number(|n| n.tolerance = Some(Tolerance::Absolute("-1".into()))), &["key.number.absolute"]),
        (number(|n| n.tolerance = Some(Tolerance::Relative("x".into()))), &["key.number.relative"]),
        (number(|n| n.tolerance = Some(Tolerance::Geometric(String::new()))), &["key.number.geometric"]),
        (number(|n| n.tolerance = Some(Tolerance::SignificantDigits(0))), &["key.number.significant_digits"]),
        (number(|n| n.unit_required = true), &["key.number.unit_required"]),
        (
            number(|n| n.units = vec![Default::default(); 21]),
            &["key.number.units", "key.number.units[0].name"],
        ),
        (
            units,
            &[
                "key.number.units[0].name",
                "key.number.units[1].factor",
                "key.number.units[2].name",
                "key.number.units[2].factor",
                "key.number.units[3].factor",
                "key.number.units[4].name",
            ],
        ),
        (matching("?", "AB"), &["key.pairs"]),
        (matching("?", "ABE"), &["key.pairs[2].option"]),
        (matching("?", "ABCD"), &["key.pairs[3].prompt"]),
        (
            with_key(matching("?", "ABC"), |k| {
                k.pairs[1].prompt = 1;
                k.matching_rule = 9;
            }),
            &["key.pairs[1].prompt", "key.pairs", "key.matching_rule"],
        ),
        (
            pb::Question { prompts: vec![String::new(), "x".repeat(4001)], ..matching("?", "") },
            &["prompts[0]", "prompts[1]"],
        ),
        (ordering("?", "ABCD"), &["key.order"]),
        (ordering("?", "DCB"), &["key.order"]),
        (ordering("?", "DCBB"), &["key.order[3]"]),
        (with_key(ordering("?", "DCBE"), |k| k.ordering_rule = 5), &["key.order[3]", "key.ordering_rule"]),
        (pb::Question { options: options(&["x"]), ..numeric("?", "1", "") }, &["options"]),
        (pb::Question { prompts: vec!["x".into()], ..ordering("?", "DCBA") }, &["prompts"]),
        (
            with_key(multiple("?", "AB"), |k| {
                k.number = Some(pb::NumericKey::default());
                k.pairs = vec![pb::MatchedPair::default()];
                k.matching_rule = 1;
                k.order = vec!["A".into()];
                k.ordering_rule = 1;
            }),
            &["key.number", "key.pairs", "key.matching_rule", "key.order", "key.ordering_rule"],
        ),
        (
            pb::Question {
                policy: Some(pb::ScoringPolicy { rule: 1, ..Default::default() }),
                ..essay("?", "")
            },
            &["policy"],
        ),
        (
            case("?", vec![ordering("?", "ABCD"), numeric("?", "x", "")]),
            &["parts[0].key.order", "parts[1].key.number.value"],
        ),
    ];
    for (question, wanted) in cases {
        let asked = format!("{question:?}");
        let request = pb::CreateQuestionRequest {
            parent: "banks/new".into(),
            question: Some(question),
            ..Default::default()
        };
        let status = a.bank().create_question(request).await.refused(Code::InvalidArgument);
        let mut named: Vec<String> =
            bad_fields(&status).iter().map(|f| f.trim_start_matches("question.").to_owned()).collect();
        named.dedup();
        let wanted: Vec<&str> = wanted.to_vec();
        if wanted.contains(&"key.number.units[0].name") && wanted.len() == 2 {
            named.truncate(2);
        }
        assert_eq!(named, wanted, "{asked}");
    }
}

#[tokio::test]
async fn what_lacks_something_is_not_published() {
    let world = World::start().await;
    let a = &world.a;
    a.new_bank("new").await;
    let two = pb::Question { options: options(&["先", "后"]), ..ordering("?", "BA") };
    let cases: [(pb::Question, &[&str]); 5] = [
        (pb::Question::bare(Kind::Numeric, "?"), &["key.number"]),
        (pb::Question::bare(Kind::Matching, "?"), &["prompts", "options", "key.pairs"]),
        (matching("?", ""), &["key.pairs"]),
        (pb::Question::bare(Kind::Ordering, "?"), &["options", "key.order"]),
        // Of two items that are not printed in their order the paper tells the key.
        (two, &["options"]),
    ];
    for (i, (question, wanted)) in cases.into_iter().enumerate() {
        let draft = a.draft("banks/new", &format!("q{i}"), question).await;
        let request = pb::PublishQuestionRequest { name: draft.name, ..Default::default() };
        let status = a.bank().publish_question(request).await.refused(Code::FailedPrecondition);
        for field in wanted {
            assert!(format!("{status:?}").contains(field), "{field}: {status:?}");
        }
    }
    let bare = pb::Question::bare(Kind::Essay, "论述");
    assert_eq!(a.publish("banks/new", "e", bare).await.version, 1, "people need no key");
}

#[tokio::test]
async fn an_essay_is_marked_by_a_person() {
    let world = world().await;
    let a = &world.a;
    submit(a, "e-1", answers(1)).await;
    let claim = pb::ClaimGradingTasksRequest {
        parent: "exams/new".into(),
        grader: "li".into(),
        count: 5,
        ..Default::default()
    };
    let tasks = a.grading().claim_grading_tasks(claim).await.unwrap().into_inner().tasks;
    assert_eq!(tasks.len(), 1);
    let task = &tasks[0];
    assert_eq!(
        (task.stem.as_str(), task.reference.as_str(), task.response.as_str(), task.max_points.as_str()),
        ("论述", "SECRET-REFERENCE", "论述如下", "10")
    );
    let request = pb::GradeResponseRequest {
        name: task.name.clone(),
        grader: "li".into(),
        points: "7.5".into(),
        ..Default::default()
    };
    a.grading().grade_response(request).await.unwrap();
    let request = pb::ListResultsRequest { parent: "exams/new".into(), ..Default::default() };
    let results = a.result().list_results(request).await.unwrap().into_inner().results;
    assert_eq!((results[0].score.as_str(), results[0].state()), ("15.5", pb::ResultState::Scored));
}

#[tokio::test]
async fn a_new_key_is_regraded() {
    let world = world().await;
    let a = &world.a;
    let first = submit(a, "e-1", vec![number(1, "50"), pairs(2, "1C 2B 3C"), order(3, "ABDC")]).await;
    assert_eq!(first[..3], ["0", "2", "0"]);
    let changes = [
        ("n", numeric("多少公里?", "50", "")),
        ("m", matching("配对", "CBC")),
        ("o", ordering("排序", "ABDC")),
    ];
    for (id, mut question) in changes {
        question.name = format!("banks/new/questions/{id}");
        let name = question.name.clone();
        let request = pb::UpdateQuestionRequest { question: Some(question), ..Default::default() };
        a.bank().update_question(request).await.unwrap();
        a.bank().publish_question(pb::PublishQuestionRequest { name, ..Default::default() }).await.unwrap();
    }
    let ask = |ids: &[&str]| pb::RegradeExamRequest {
        parent: "exams/new".into(),
        rules: ids
            .iter()
            .map(|id| pb::RegradeRule {
                question: format!("banks/new/questions/{id}"),
                part: 0,
                mode: pb::RegradeMode::NewKey as i32,
            })
            .collect(),
        reason: "答案有误".into(),
        ..Default::default()
    };
    a.grading().regrade_exam(ask(&["e"])).await.bad(&["rules[0]"]);
    a.regrade(ask(&["n", "m", "o"])).await;
    let request = pb::ListResultsRequest { parent: "exams/new".into(), ..Default::default() };
    let results = a.result().list_results(request).await.unwrap().into_inner().results;
    assert_eq!(results[0].score, "9");

    // A version in which the paper reads otherwise lends no key.
    for (id, mut question) in [
        (
            "m",
            pb::Question {
                prompts: ["二", "一", "三"].map(str::to_owned).to_vec(),
                ..matching("配对", "ABC")
            },
        ),
        ("o", pb::Question { options: options(&["夏", "春", "秋", "冬"]), ..ordering("排序", "DCBA") }),
    ] {
        question.name = format!("banks/new/questions/{id}");
        let name = question.name.clone();
        let request = pb::UpdateQuestionRequest { question: Some(question), ..Default::default() };
        a.bank().update_question(request).await.unwrap();
        a.bank().publish_question(pb::PublishQuestionRequest { name, ..Default::default() }).await.unwrap();
        a.grading().regrade_exam(ask(&[id])).await.bad(&["rules[0]"]);
    }
}

/// A fill-blank question of one blank with these switches.
fn blank(accepted: &[&str], matching: pb::TextMatching) -> pb::Question {
    let accepted = accepted.iter().map(|text| pb::AcceptedAnswer { text: (*text).into(), percent: 100 });
    with_key(pb::Question::bare(Kind::FillBlank, "填__"), |key| {
        key.blanks = vec![pb::BlankKey { accepted: accepted.collect() }];
        key.matching = Some(matching);
    })
}

#[tokio::test]
async fn expressions_and_scripts_by_switches() {
    let world = World::start().await;
    let a = &world.a;
    a.new_bank("texts").await;
    let by = pb::TextMatching { regular_expressions: true, ..Default::default() };
    let folding = pb::TextMatching { fold_traditional: true, ..Default::default() };
    let both = pb::TextMatching { regular_expressions: true, ..folding };
    let bad: [(pb::Question, &[&str]); 7] = [
        (
            blank(&["(", "ok", "[a", ""], by),
            &["blanks[0].accepted[0].text", "blanks[0].accepted[2].text", "blanks[0].accepted[3].text"],
        ),
        (blank(&[r"\w{999}"], by), &["blanks[0].accepted[0].text"]),
        (blank(&[r"(a)\1"], by), &["blanks[0].accepted[0].text"]),
        (blank(&["（客户）"], by), &["blanks[0].accepted[0].text"]),
        (blank(&["客戶"], both), &["blanks[0].accepted[0].text"]),
        (
            blank(&["a"], pb::TextMatching { wildcards: true, max_edits: 1, ..by }),
            &["matching.regular_expressions"],
        ),
        (blank(&["a"; 51], by), &["blanks"]),
    ];
    for (question, wanted) in bad {
        let request = pb::CreateQuestionRequest {
            parent: "banks/texts".into(),
            question: Some(question),
            ..Default::default()
        };
        let wanted: Vec<String> = wanted.iter().map(|field| format!("question.key.{field}")).collect();
        let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
        a.bank().create_question(request).await.bad(&wanted);
    }
    let good = [
        (blank(&["(客户|顾客)关系(管理)?", r"CRM[- ]?\d"], by), ["顾客关系管理。", "ｃｒｍ－２", "关系"]),
        (blank(&["客户关系"], folding), ["客戶關係", "客户關係", "客户"]),
        (blank(&["客户.*"], both), ["客戶關係", "客户", "顧客"]),
        (blank(&["客户"], pb::TextMatching::default()), ["客户", " 客户。", "客戶"]),
    ];
    for (i, (question, _)) in good.iter().enumerate() {
        let made = a.publish("banks/texts", &format!("q{i}"), question.clone()).await;
        let given = question.key.clone().unwrap();
        let default = given.matching == Some(pb::TextMatching::default());
        assert_eq!(made.key.unwrap().matching, given.matching.filter(|_| !default));
    }
    a.blueprint("texts", "banks/texts", vec![section("填空", Kind::FillBlank, 4, "2")]).await;
    a.forms("blueprints/texts", &["a"], 1).await;
    a.exam_of("texts", &["blueprints/texts/forms/a"], |e| e.max_attempts = 9).await;
    for (nth, points) in [(0, "8"), (1, "8"), (2, "0")] {
        let given = good.iter().enumerate().map(|(i, (_, texts))| pb::Response {
            question: format!("banks/texts/questions/q{i}"),
            texts: vec![texts[nth].into()],
            ..Default::default()
        });
        let result = a.submission("exams/texts", &format!("c-{nth}"), given.collect()).await.unwrap();
        assert_eq!(result.score, points, "{:?}", result.marks);
    }
}

#[tokio::test]
async fn marks_of_the_newer_kinds_explain_themselves() {
    let world = world().await;
    let a = &world.a;
    let given = vec![
        number(1, "４６０００ m"),
        pairs(2, "1C 2B"),
        order(3, "CAD"),
        text(4, "论述"),
        number(5, "约46"),
    ];
    let name = a.submission("exams/new", "e-1", given).await.unwrap().name;
    let request = pb::ExplainMarksRequest { name, ..Default::default() };
    let marks = a.result().explain_marks(request).await.unwrap().into_inner().marks;
    let by_key = |at: usize| marks[at].by_key.clone().unwrap();
    let told = |at: usize| (marks[at].text_en.as_str(), marks[at].text_zh.as_str());

    let first = by_key(0);
    assert_eq!(
        (first.rule.as_str(), first.value.as_str(), first.points.as_str()),
        ("NUMERIC_TOLERANCE", "2", "2")
    );
    let wanted = pb::NumberTrace {
        given: "４６０００ m".into(),
        compared: "46".into(),
        key: "45.8 ± 0.2 km".into(),
        right: true,
        foldings: vec![pb::TextFolding::Width as i32],
    };
    assert_eq!(first.number, Some(wanted));
    assert_eq!(
        told(0),
        (
            "Gave “４６０００ m”, which is 46 (width aside); the answer is 45.8 ± 0.2 km: NUMERIC_TOLERANCE (all points for a number \
             within the tolerance) gives 2 of 2 points.",
            "填“４６０００ m”，即 46（不计全半角），答案 45.8 ± 0.2 km；按 NUMERIC_TOLERANCE（在误差范围内得满分）得 2 分（满分 2 分）。"
        )
    );

    let second = by_key(1);
    assert_eq!((second.rule.as_str(), second.value.as_str()), ("PER_PAIR", "1"));
    let pairs: Vec<_> =
        second.pairs.iter().map(|p| (p.prompt, p.given.as_str(), p.key.as_str(), p.finding())).collect();
    let wanted = [
        (1, "C", "C", pb::PairFinding::Right),
        (2, "B", "A", pb::PairFinding::Wrong),
        (3, "", "C", pb::PairFinding::Missed),
    ];
    assert_eq!(pairs, wanted);
    assert_eq!(
        told(1),
        (
            "Paired 1-C, 2-B; the key is 1-C, 2-A, 3-C (1 right, 1 wrong, 1 missed): PER_PAIR (the share of pairs that \
             are right) gives 1 of 3 points.",
            "配为 1-C、2-B，答案 1-C、2-A、3-C（配对 1 项，配错 1 项，未配 1 项）；按 PER_PAIR（按配对正确的比例得分）得 1 分（满分 3 分）。"
        )
    );

    let third = by_key(2);
    let places: Vec<_> = third.places.iter().map(|p| (p.number, p.given.as_str(), p.key.as_str())).collect();
    assert_eq!(places, [(1, "C", "C"), (2, "A", "A"), (3, "D", "D"), (4, "", "B")]);
    assert_eq!((third.rule.as_str(), third.counted, third.counted_of), ("ALL_OR_NOTHING", 0, 1));
    assert_eq!(
        told(2).0,
        "Ordered CAD; the order is CADB: ALL_OR_NOTHING (all points for exactly the right order) gives 0 of 4 points."
    );

    let fourth = by_key(3);
    assert_eq!((fourth.written.as_str(), fourth.reference.as_str()), ("论述", "SECRET-REFERENCE"));
    assert_eq!((marks[3].kind(), told(3).0), (Kind::Essay, "Waits for a grader, 10 points."));

    let fifth = by_key(4);
    assert_eq!(fifth.number.unwrap().compared, "");
    assert!(told(4).0.starts_with("Gave “约46”, which is no number that is accepted; the answer is 45.8"));
    assert!(told(5).0.starts_with("Nothing was answered; the key is 1-C, 2-A, 3-C: 0 of"), "{}", told(5).0);
    assert!(told(6).1.starts_with("未作答，答案 CADB；得 0 分"), "{}", told(6).1);
}
