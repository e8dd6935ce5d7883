//! What scoring folds and what it does not, what can be published and assembled so that full marks can be reached, and
//! who counts as one candidate.

use assessd::pb::{self, QuestionKind as Kind, TextFolding, import_questions_request::Message};
use tonic::{Code, Status};

use crate::support::{
    As, Refused, World,
    build::{
        blanks, case, essay, key, multiple, number, numeric, options, ordering, pick, section, single, truth,
    },
};

async fn bank() -> World {
    let world = World::start().await;
    world.a.new_bank("b").await;
    world
}

async fn create(a: &As, question: pb::Question, publish: bool) -> Result<pb::Question, Status> {
    let request = pb::CreateQuestionRequest {
        parent: "banks/b".to_owned(),
        question: Some(question),
        publish,
        ..Default::default()
    };
    a.bank().create_question(request).await.map(tonic::Response::into_inner)
}

fn filled(position: i32, given: &str) -> pb::Response {
    pb::Response { position, texts: vec![given.to_owned()], ..Default::default() }
}

fn text(position: i32, text: &str) -> pb::Response {
    pb::Response { position, text: text.to_owned(), ..Default::default() }
}

/// A submission whose request id says nothing of its candidate.
async fn submit(
    a: &As,
    candidate: &str,
    nth: &str,
    responses: Vec<pb::Response>,
) -> Result<pb::Result, Status> {
    let request = pb::ScoreSubmissionRequest {
        parent: "exams/e".to_owned(),
        candidate: candidate.to_owned(),
        responses,
        request_id: format!("r-{nth}"),
        ..Default::default()
    };
    a.delivery().score_submission(request).await.map(tonic::Response::into_inner)
}

async fn explain(a: &As, name: &str) -> Vec<pb::MarkTrace> {
    let request = pb::ExplainMarksRequest { name: name.to_owned(), ..Default::default() };
    a.result().explain_marks(request).await.unwrap().into_inner().marks
}

#[tokio::test]
async fn twins_and_widths_are_folded_and_superscripts_are_not() {
    let world = bank().await;
    let a = &world.a;
    let strict = |mut question: pb::Question| {
        let key = question.key.as_mut().unwrap();
        if let Some(number) = &mut key.number {
            number.forms = Some(pb::NumberForms { refuse_look_alikes: true, ..Default::default() });
        } else {
            key.matching = Some(pb::TextMatching { keep_look_alikes: true, ..Default::default() });
        }
        question
    };
    let torque = {
        let mut question = numeric("扭矩", "5", "");
        let unit = pb::NumericUnit { name: "N·m".to_owned(), factor: String::new() };
        question.key.as_mut().unwrap().number.as_mut().unwrap().units = vec![unit];
        question
    };
    let sections = [
        vec![
            blanks("1 ____", &["don't"]),
            blanks("2 ____", &["10²"]),
            blanks("3 ____", &["P=5"]),
            blanks("4 ____", &["Straße"]),
            strict(blanks("5 ____", &["don't"])),
        ],
        vec![numeric("1", "52", ""), numeric("2", "-5", ""), torque, strict(numeric("4", "-5", ""))],
    ];
    for (kind, questions) in ["t", "n"].iter().zip(&sections) {
        for (i, question) in questions.iter().enumerate() {
            let made = a.publish("banks/b", &format!("{kind}{i}"), question.clone()).await;
            assert_eq!(made.key, question.key, "the switch comes back as it was sent");
        }
    }
    let fixed = |mut section: pb::BlueprintSection, kind: &str| {
        section.fixed_questions =
            (0..section.count).map(|i| format!("banks/b/questions/{kind}{i}")).collect();
        section
    };
    let sections = vec![
        fixed(section("填空", Kind::FillBlank, 5, "1"), "t"),
        fixed(section("计算", Kind::Numeric, 4, "1"), "n"),
    ];
    a.blueprint("p", "banks/b", sections).await;
    a.forms("blueprints/p", &["a"], 1).await;
    a.exam_of("e", &["blueprints/p/forms/a"], |e| e.max_attempts = 9).await;
    let sheet = |texts: [&str; 5], numbers: [&str; 4]| {
        let texts = texts.into_iter().zip(1..).map(|(given, at)| filled(at, given));
        texts.chain(numbers.into_iter().zip(6..).map(|(given, at)| number(at, given))).collect::<Vec<_>>()
    };
    let points = async |who: &str, responses: Vec<pb::Response>| {
        let result = a.submission("exams/e", who, responses).await.unwrap();
        let marks: Vec<String> = result.marks.iter().map(|m| m.points.clone()).collect();
        (result.name, marks.join(""))
    };
    let (plain, marks) =
        points("c1", sheet(["don't", "10²", "P=5", "STRASSE", "don't"], ["52", "-5", "5 N·m", "-5"])).await;
    assert_eq!(marks, "111111111");
    let all = explain(a, &plain).await;
    assert!(all[0].by_key.as_ref().unwrap().blanks[0].foldings.is_empty());
    let (typed, marks) = points(
        "c2",
        sheet(["Don’t", "１０²", "P = 5。", "STRAẞE", "don’t"], ["５２", "–5", "5N⋅m\u{200b}", "–5"]),
    )
    .await;
    assert_eq!(marks, "111101110");
    let (_, marks) =
        points("c3", sheet(["dont", "102", "P5", "Strase", "don't"], ["5²", "- 5", "5 N m", "−5"])).await;
    assert_eq!(marks, "000010101");
    let (_, marks) = points("c4", sheet(["", "10²", "", "", ""], ["⑤②", "5", "⑤ N·m", "-⑤"])).await;
    assert_eq!(marks, "010000000");

    let all = explain(a, &typed).await;
    let steps = |at: usize| {
        let key = all[at].by_key.clone().unwrap();
        let steps = key.number.map_or_else(|| key.blanks[0].foldings.clone(), |number| number.foldings);
        steps.into_iter().map(|step| TextFolding::try_from(step).unwrap()).collect::<Vec<_>>()
    };
    use TextFolding::{Case, Invisible, LookAlikes, Punctuation, Space, Width};
    assert_eq!(steps(0), [LookAlikes, Case]);
    assert_eq!((steps(1), steps(2), steps(3)), (vec![Width], vec![Space, Punctuation], vec![Case]));
    assert_eq!((steps(5), steps(6), steps(7)), (vec![Width], vec![LookAlikes], vec![Invisible]));
    assert!(
        all[0].text_en.contains("“Don’t” matches “don't” (look-alike signs, case aside)"),
        "{}",
        all[0].text_en
    );
    assert!(all[6].text_zh.contains("填“–5”，即 -5（不计形近符号）"), "{}", all[6].text_zh);
}

#[tokio::test]
async fn what_shows_nothing_is_no_answer() {
    let world = bank().await;
    let a = &world.a;
    a.publish("banks/b", "q", essay("论述", "要点")).await;
    a.blueprint("p", "banks/b", vec![section("论述", Kind::Essay, 1, "5")]).await;
    a.forms("blueprints/p", &["a"], 1).await;
    a.exam_of("e", &["blueprints/p/forms/a"], |e| e.max_attempts = 9).await;
    for (i, blank) in
        ["\u{200b}\u{feff}", "\u{3164} \u{115f}\u{1160}\u{ffa0}", "\u{2800}", "\u{fe0f}\u{e0100}\u{ad}"]
            .iter()
            .enumerate()
    {
        let result = a.submission("exams/e", &format!("c{i}"), vec![text(1, blank)]).await.unwrap();
        assert_eq!(result.marks[0].state(), pb::MarkState::NotAnswered, "{blank:?}");
        assert_eq!(result.state(), pb::ResultState::Scored);
    }
    let result = a.submission("exams/e", "c9", vec![text(1, "\u{200b}答")]).await.unwrap();
    assert_eq!(result.marks[0].state(), pb::MarkState::AwaitingGrading);
    // Names of such characters are none.
    let mut question = single("\u{3164}", "A");
    question.options[2].text = "\u{200b}".to_owned();
    create(a, question, false).await.bad(&["question.stem", "question.options[2].text"]);
}

#[tokio::test]
async fn one_name_is_one_candidate() {
    let world = bank().await;
    let a = &world.a;
    a.publish("banks/b", "q", truth("对?", true)).await;
    a.blueprint("p", "banks/b", vec![section("判断", Kind::TrueFalse, 1, "1")]).await;
    a.forms("blueprints/p", &["a"], 1).await;
    a.exam_of("e", &["blueprints/p/forms/a"], |e| e.max_attempts = 3).await;
    let plain = |truth| vec![pb::Response { position: 1, truth: Some(truth), ..Default::default() }];
    // The fast way of plain submissions and the general one.
    let general = |truth| {
        vec![pb::Response {
            question: "banks/b/questions/q".to_owned(),
            truth: Some(truth),
            ..Default::default()
        }]
    };
    let first = submit(a, "e\u{301}ve", "1", plain(false)).await.unwrap();
    let second = submit(a, "éve", "2", general(true)).await.unwrap();
    assert_eq!((first.candidate.as_str(), second.candidate.as_str()), ("éve", "éve"));
    assert_eq!((first.attempt_number, second.attempt_number), (1, 2));
    for odd in
        ["li\u{200b}", "\u{feff}li", "l\u{ad}i", "li\u{3164}", "\u{202e}li", "li\u{fe0f}", "l\u{2800}i"]
    {
        submit(a, odd, "3", plain(true)).await.bad(&["candidate"]);
        submit(a, odd, "3", general(true)).await.bad(&["candidate"]);
        let start = pb::StartAttemptRequest {
            parent: "exams/e".to_owned(),
            candidate: odd.to_owned(),
            request_id: "s".to_owned(),
            ..Default::default()
        };
        a.delivery().start_attempt(start).await.bad(&["candidate"]);
        let ask = pb::GetCandidateScoreRequest { parent: "exams/e".to_owned(), candidate: odd.to_owned() };
        a.result().get_candidate_score(ask).await.bad(&["candidate"]);
        let list = pb::ListResultsRequest {
            parent: "exams/e".to_owned(),
            filter: format!("candidate = \"{odd}\""),
            ..Default::default()
        };
        a.result().list_results(list).await.bad(&["filter"]);
    }
    for name in ["éve", "e\u{301}ve"] {
        let ask = pb::GetCandidateScoreRequest { parent: "exams/e".to_owned(), candidate: name.to_owned() };
        assert!(!a.result().get_candidate_score(ask).await.unwrap().into_inner().score.is_empty());
        let list = pb::ListResultsRequest {
            parent: "exams/e".to_owned(),
            filter: format!("candidate = \"{name}\""),
            ..Default::default()
        };
        assert_eq!(a.result().list_results(list).await.unwrap().into_inner().results.len(), 2);
    }
}

#[tokio::test]
async fn what_nobody_could_answer_is_not_published() {
    let world = bank().await;
    let a = &world.a;
    let twins = |texts: &[&str], right: &str| pb::Question {
        options: options(texts),
        key: key(right),
        ..single("?", "A")
    };
    let mut fractions = multiple("?", "ABC");
    let thirds = |third: &str| {
        let option_values = ["A", "B", "C"].map(|label| (label.to_owned(), third.to_owned())).into();
        Some(pb::ScoringPolicy {
            rule: pb::ScoringRule::OptionFractions as i32,
            option_values,
            ..Default::default()
        })
    };
    fractions.policy = thirds("0.3333");
    let mut shared = blanks("____", &["x"]);
    shared.key.as_mut().unwrap().blanks[0].accepted[0].percent = 50;
    let mut twice = ordering("?", "CADB");
    twice.options[3].text = "春 ".to_owned();
    let bad = [
        (blanks("____ and ____", &["x"]), "question.key.blanks"),
        (blanks("The capital of France is", &["Paris"]), "question.stem"),
        (shared, "question.key.blanks[0].accepted"),
        (twins(&["北京", "上海", "北京\u{200b}"], "A"), "question.options[2].text"),
        (twins(&["do not", "don’t", "x", "don't"], "B"), "question.options[3].text"),
        (twice, "question.options[3].text"),
        (numeric("?", "1/3", ""), "question.key.number"),
        (fractions.clone(), "question.policy"),
        (case("材料", vec![truth("?", true), blanks("____", &["x", "y"])]), "question.parts[1].key.blanks"),
    ];
    for (question, field) in bad {
        create(a, question.clone(), true).await.bad(&[field]);
        // A draft may be so, and is refused with the same words when it is to be published.
        let name = create(a, question, false).await.unwrap().name;
        let request = pb::PublishQuestionRequest { name, ..Default::default() };
        let status = a.bank().publish_question(request).await.unwrap_err();
        assert_eq!(status.code(), Code::FailedPrecondition);
        assert!(status.message().contains(field.trim_start_matches("question.")), "{}", status.message());
    }
    fractions.policy = thirds("1/3");
    let made = create(a, fractions, true).await.unwrap();
    assert_eq!(made.policy.unwrap().option_values["A"], "1/3", "exactly as it was written");
    create(a, twins(&["mW", "MW", "kW"], "A"), true).await.unwrap();
}

#[tokio::test]
async fn full_marks_are_proved_and_fractions_exact() {
    let world = bank().await;
    let a = &world.a;
    let by = |rule: pb::ScoringRule, points: &str| {
        Some(pb::ScoringPolicy { rule: rule as i32, points: points.to_owned(), ..Default::default() })
    };
    a.publish("banks/b", "m1", multiple("一?", "ABC")).await;
    a.publish("banks/b", "m2", multiple("二?", "AB")).await;
    let with = |points: &str, policy| pb::BlueprintSection {
        policy,
        ..section("多选", Kind::MultipleChoice, 2, points)
    };
    a.blueprint("p", "banks/b", vec![with("6", by(pb::ScoringRule::PerKeyWithDeduction, "0.5"))]).await;
    let assemble = async |blueprint: &str| {
        let request = pb::AssembleFormsRequest { parent: blueprint.to_owned(), ..Default::default() };
        a.assembly().assemble_forms(request).await.map(tonic::Response::into_inner)
    };
    let status = assemble("blueprints/p").await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(crate::support::reason(&status), "FULL_MARKS_OUT_OF_REACH");
    assert!(status.message().contains("is worth 6 points, but its own key earns 1"), "{}", status.message());
    use tonic_types::StatusExt;
    let named = status.get_details_precondition_failure().unwrap().violations;
    assert_eq!(named.len(), 2, "{named:?}");
    assert!(named.iter().any(|v| v.description.contains("banks/b/questions/m1/versions/1")), "{named:?}");

    // A third on each of three keys is all of it, and a deduction of two thirds three times is 2.
    a.new_bank("c").await;
    let mut thirds = multiple("三?", "ABC");
    let values = ["A", "B", "C"].map(|label| (label.to_owned(), "1/3".to_owned())).into();
    thirds.policy = Some(pb::ScoringPolicy {
        rule: pb::ScoringRule::OptionFractions as i32,
        option_values: values,
        ..Default::default()
    });
    let mut map = multiple("四?", "AB");
    let values = [("A", "1"), ("B", "1")].map(|(label, value)| (label.to_owned(), value.to_owned())).into();
    map.options = options(&["子", "丑", "寅", "卯", "辰"]);
    map.policy = Some(pb::ScoringPolicy {
        rule: pb::ScoringRule::Map as i32,
        option_values: values,
        unmapped_value: "-2/3".to_owned(),
        ..Default::default()
    });
    a.publish("banks/c", "m1", thirds).await;
    a.publish("banks/c", "m2", map).await;
    let mut both = section("多选", Kind::MultipleChoice, 2, "2");
    both.fixed_questions = ["m1", "m2"].map(|id| format!("banks/c/questions/{id}")).to_vec();
    a.blueprint("q", "banks/c", vec![both]).await;
    a.forms("blueprints/q", &["a"], 1).await;
    a.exam_of("e", &["blueprints/q/forms/a"], |e| {
        e.mark_floor = "-5".to_owned();
        e.max_attempts = 9;
    })
    .await;
    for (nth, (one, two, marks)) in
        [("ABC", "AB", ["2", "2"]), ("AB", "CDE", ["1.33", "-2"]), ("A", "ACDE", ["0.67", "-1"])]
            .into_iter()
            .enumerate()
    {
        let result =
            a.submission("exams/e", &format!("c{nth}"), vec![pick(1, one), pick(2, two)]).await.unwrap();
        assert_eq!(result.marks.iter().map(|m| m.points.as_str()).collect::<Vec<_>>(), marks);
    }
}

#[tokio::test]
async fn equal_parts_are_worth_the_same_but_for_a_step() {
    let world = bank().await;
    let a = &world.a;
    let parts = (0..40).map(|i| truth(&format!("{i}?"), true)).collect();
    a.publish("banks/b", "q", case("材料", parts)).await;
    a.blueprint("p", "banks/b", vec![section("案例", Kind::Case, 1, "1")]).await;
    a.forms("blueprints/p", &["a"], 1).await;
    a.exam_of("e", &["blueprints/p/forms/a"], |e| e.max_attempts = 2).await;
    let all =
        (1..=40).map(|position| pb::Response { position, truth: Some(true), ..Default::default() }).collect();
    let result = a.submission("exams/e", "c", all).await.unwrap();
    let points: Vec<&str> = result.marks.iter().map(|m| m.points.as_str()).collect();
    assert_eq!(result.score, "1");
    assert_eq!(points.iter().filter(|p| **p == "0.03").count(), 20, "{points:?}");
    assert_eq!(points.iter().filter(|p| **p == "0.02").count(), 20, "{points:?}");
    let list = pb::ListFormsRequest { parent: "blueprints/p".to_owned(), ..Default::default() };
    assert_eq!(a.assembly().list_forms(list).await.unwrap().into_inner().forms[0].total_points, "1");
    // Recorded in the form; one that was drawn before shares as it always did.
    let mut conn = world.superuser().await;
    let stored: serde_json::Value =
        sqlx::query_scalar("select sections -> 0 -> 'shares' -> 0 -> 'points' from form")
            .fetch_one(&mut conn)
            .await
            .unwrap();
    assert_eq!(stored.as_array().unwrap().len(), 40);
    sqlx::query("update form set sections = jsonb_set(sections, '{0}', (sections -> 0) - 'shares')")
        .execute(&mut conn)
        .await
        .unwrap();
    let old = world.twin().await;
    let all =
        (1..=40).map(|position| pb::Response { position, truth: Some(true), ..Default::default() }).collect();
    let result = old.a.submission("exams/e", "d", all).await.unwrap();
    assert_eq!((result.marks[0].points.as_str(), result.marks[39].points.as_str()), ("0.02", "0.22"));
}

#[tokio::test]
async fn answers_are_not_refused_where_the_wording_shows_more_blanks() {
    let world = bank().await;
    let a = &world.a;
    a.publish("banks/b", "q", blanks("____ 和 ____", &["一", "二"])).await;
    // As it could be published before both had to agree.
    let mut conn = world.superuser().await;
    for table in ["question", "question_version"] {
        let sql = format!(
            "update {table} set content = jsonb_set(content, '{{task,blanks}}', (content -> 'task' -> 'blanks') - 1)"
        );
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut conn).await.unwrap();
    }
    a.blueprint("p", "banks/b", vec![section("填空", Kind::FillBlank, 1, "2")]).await;
    a.forms("blueprints/p", &["a"], 1).await;
    a.exam_of("e", &["blueprints/p/forms/a"], |e| e.max_attempts = 9).await;
    let sheet = |texts: &[&str]| {
        vec![pb::Response {
            position: 1,
            texts: texts.iter().map(|t| (*t).to_owned()).collect(),
            ..Default::default()
        }]
    };
    assert_eq!(a.submission("exams/e", "c1", sheet(&["一", "二"])).await.unwrap().score, "2");
    assert_eq!(a.submission("exams/e", "c2", sheet(&["二", "一"])).await.unwrap().score, "0");
    a.submission("exams/e", "c3", sheet(&["一", "二", "三"])).await.bad(&["responses[0]"]);
}

#[tokio::test]
async fn keys_are_shown_with_their_tolerance() {
    use pb::numeric_key::Tolerance;
    let world = bank().await;
    let a = &world.a;
    let tolerances = [
        (Tolerance::Relative("0.05".to_owned()), "7 (±5%)", "7 (±5%)"),
        (Tolerance::Geometric("1/2".to_owned()), "7 (×÷ 1.5)", "7 (×÷ 1.5)"),
        (Tolerance::SignificantDigits(2), "7 (2 significant digits, 有效数字)", "7 (2 significant digits)"),
    ];
    for (i, (tolerance, ..)) in tolerances.iter().enumerate() {
        let mut question = numeric(&format!("{i}?"), "7", "");
        question.key.as_mut().unwrap().number.as_mut().unwrap().tolerance = Some(tolerance.clone());
        a.publish("banks/b", &format!("n{i}"), question).await;
    }
    let mut all = section("计算", Kind::Numeric, 3, "1");
    all.fixed_questions = (0..3).map(|i| format!("banks/b/questions/n{i}")).collect();
    a.blueprint("p", "banks/b", vec![all]).await;
    a.forms("blueprints/p", &["a"], 1).await;
    a.exam_of("e", &["blueprints/p/forms/a"], |_| {}).await;
    let result = a
        .submission("exams/e", "c", vec![number(1, "7.3"), number(2, "10"), number(3, "7.04")])
        .await
        .unwrap();
    assert_eq!(result.score, "3");
    for (trace, (_, shown, told)) in explain(a, &result.name).await.iter().zip(&tolerances) {
        assert_eq!(trace.by_key.as_ref().unwrap().number.as_ref().unwrap().key, *shown);
        assert!(trace.text_en.contains(&format!("the answer is {told}:")), "{}", trace.text_en);
    }
}

#[tokio::test]
async fn an_import_holds_what_says_the_same_twice() {
    let world = bank().await;
    let paper = "练习卷\n一、单项选择题(共2题,每题2分,共4分)\n1.首都是( A )\nA.北京 B.上海 C.北京 D.广州\n2.回访宜在( A )\nA.约定时间 B.深夜 C.凌晨 D.任意时间\n";
    let header = pb::ImportHeader {
        parent: "banks/b".to_owned(),
        format: pb::ImportFormat::PaperText as i32,
        file_name: "p.txt".to_owned(),
        publish: true,
        ..Default::default()
    };
    let messages = [Message::Header(header), Message::Chunk(paper.as_bytes().to_vec())];
    let messages = messages.map(|message| pb::ImportQuestionsRequest { message: Some(message) });
    let report = world.a.bank().import_questions(tokio_stream::iter(messages)).await.unwrap().into_inner();
    assert_eq!((report.created_count, report.published_count, report.held_count), (2, 1, 1), "{report:?}");
    let finding = report.findings.iter().find(|f| f.code == "same_text_twice").unwrap();
    assert_eq!((finding.question, finding.severity()), (Some(0), pb::FindingSeverity::Error));
    assert!(finding.message.starts_with("options[2].text: says the same as option A"), "{}", finding.message);
}
