//! Marks explain themselves, whatever became of them: by the key, by graders, by a regrade, or nothing yet.

use assessd::pb;
use pb::{BlankFinding, MarkOrigin as Origin, OptionFinding};
use tonic::{Code, Status};

use crate::support::{
    As, Refused, World,
    build::{section, single},
};

/// The exam `told`: four single choices of 2 points, a multiple choice of 4 by SUBSET_HALF, a statement of 1, blanks of 4
/// and a short answer of 6.
async fn exam(a: &As) {
    use pb::QuestionKind as K;
    a.populate_bank().await;
    let half = pb::ScoringPolicy { rule: pb::ScoringRule::SubsetHalf as i32, ..Default::default() };
    let mut multiple = section("多选", K::MultipleChoice, 1, "4");
    multiple.policy = Some(half);
    let sections = vec![
        section("单选", K::SingleChoice, 4, "2"),
        multiple,
        section("判断", K::TrueFalse, 1, "1"),
        section("填空", K::FillBlank, 1, "4"),
        section("简答", K::ShortAnswer, 1, "6"),
    ];
    let blueprint = a.blueprint("told", "banks/crm", sections).await;
    a.forms(&blueprint, &["a"], 1).await;
    a.exam_of("told", &["blueprints/told/forms/a"], |_| {}).await;
}

fn answer(id: &str) -> pb::Response {
    pb::Response { question: format!("banks/crm/questions/{id}"), ..Default::default() }
}

fn letters(id: &str, letters: &str) -> pb::Response {
    pb::Response { choices: letters.chars().map(String::from).collect(), ..answer(id) }
}

/// The result of a candidate who answered these.
async fn sit(a: &As, candidate: &str) -> String {
    let responses = vec![
        letters("s1", "B"),
        letters("s2", "C"),
        letters("m1", "A"),
        pb::Response {
            texts: vec!["ｓｅｃｒｅｔ-key-1。".to_owned(), "别的".to_owned()], ..answer("f1")
        },
        pb::Response { text: "提高满意度".to_owned(), ..answer("a1") },
    ];
    a.submission("exams/told", candidate, responses).await.unwrap().name
}

async fn explain(a: &As, name: &str, positions: &[i32]) -> Result<Vec<pb::MarkTrace>, Status> {
    let request = pb::ExplainMarksRequest { name: name.to_owned(), positions: positions.to_vec() };
    a.result().explain_marks(request).await.map(|r| r.into_inner().marks)
}

/// The explanation of one question, by its id in the bank.
async fn one(a: &As, name: &str, id: &str) -> pb::MarkTrace {
    let all = explain(a, name, &[]).await.unwrap();
    let question = format!("banks/crm/questions/{id}/");
    all.into_iter().find(|t| t.mark.as_ref().unwrap().question_version.starts_with(&question)).unwrap()
}

async fn grade(a: &As, trace: &pb::MarkTrace, result: &str, grader: &str, points: &str) {
    let position = trace.mark.as_ref().unwrap().position;
    let request = pb::GradeResponseRequest {
        name: format!("{}/responses/{position}", result.trim_end_matches("/result")),
        grader: grader.to_owned(),
        points: points.to_owned(),
        ..Default::default()
    };
    a.grading().grade_response(request).await.unwrap();
}

async fn regrade(a: &As, id: &str, mode: pb::RegradeMode) -> String {
    let request = pb::RegradeExamRequest {
        parent: "exams/told".to_owned(),
        rules: vec![pb::RegradeRule {
            question: format!("banks/crm/questions/{id}"),
            part: 0,
            mode: mode as i32,
        }],
        reason: "第2题答案有误。".to_owned(),
        ..Default::default()
    };
    a.regrade(request).await.name
}

fn points(trace: &pb::MarkTrace) -> &str {
    &trace.mark.as_ref().unwrap().points
}

#[tokio::test]
async fn keys_explain_what_they_give() {
    let world = World::start().await;
    let a = &world.a;
    exam(a).await;
    let name = sit(a, "e-1").await;

    let right = one(a, &name, "s1").await;
    assert_eq!((right.origin, points(&right), right.differs_from_key), (Origin::Key as i32, "2", false));
    assert_eq!(
        right.text_en,
        "Picked B; the key is B (1 right, 0 wrong, 0 missed): ALL_OR_NOTHING (all points for exactly the key) gives 2 of 2 \
         points."
    );
    assert_eq!(
        right.text_zh,
        "选 B，答案 B（选对 1 项，错选 0 项，漏选 0 项）；按 ALL_OR_NOTHING（全对得分）得 2 分（满分 2 分）。"
    );

    let half = one(a, &name, "m1").await;
    let key = half.by_key.as_ref().unwrap();
    assert_eq!((points(&half), key.rule.as_str(), key.value.as_str()), ("2", "SUBSET_HALF", "2"));
    assert_eq!(key.policy.as_ref().unwrap().rule, pb::ScoringRule::SubsetHalf as i32);
    assert_eq!((key.picked_key_count, key.wrong_pick_count, key.missed_key_count), (1, 0, 1));
    let options: Vec<_> = key.options.iter().map(|o| (o.label.as_str(), o.finding())).collect();
    use OptionFinding::{MissedKey, RightPick, RightlyLeft};
    assert_eq!(options, [("A", RightPick), ("B", RightlyLeft), ("C", MissedKey), ("D", RightlyLeft)]);
    assert_eq!(
        half.text_zh,
        "选 A，答案 AC（选对 1 项，错选 0 项，漏选 1 项）；按 SUBSET_HALF（少选得一半分，错选不得分）得 2 分（满分 4 分）。"
    );

    let blanks = one(a, &name, "f1").await;
    let key = blanks.by_key.as_ref().unwrap();
    assert_eq!((points(&blanks), key.rule.as_str(), key.value.as_str()), ("2", "BLANK_SHARES", "2"));
    let first = pb::BlankTrace {
        number: 1,
        given: "ｓｅｃｒｅｔ-key-1。".to_owned(),
        compared: "secret-key-1".to_owned(),
        finding: BlankFinding::Same as i32,
        accepted: "SECRET-KEY-1".to_owned(),
        blank: 1,
        edits: 0,
        percent: 100,
        points: "2".to_owned(),
        foldings: [pb::TextFolding::Width, pb::TextFolding::Case, pb::TextFolding::Punctuation]
            .map(|f| f as i32)
            .to_vec(),
    };
    assert_eq!((&key.blanks[0], key.blanks[1].finding()), (&first, BlankFinding::NoMatch));
    assert_eq!(
        blanks.text_en,
        "Blank 1 “ｓｅｃｒｅｔ-key-1。” matches “SECRET-KEY-1” (width, case, punctuation at the ends \
         aside) (2); blank 2 “别的” matches nothing: together 2 of 4 points."
    );

    let silent = one(a, &name, "t1").await;
    assert_eq!(silent.mark.as_ref().unwrap().state(), pb::MarkState::NotAnswered);
    assert_eq!(silent.text_zh, "未作答，答案为正确；得 0 分（满分 1 分）。");
    let options = &silent.by_key.as_ref().unwrap().options;
    assert_eq!((options[1].label.as_str(), options[1].finding()), ("T", MissedKey));

    let waits = one(a, &name, "a1").await;
    assert_eq!((waits.origin(), waits.text_en.as_str()), (Origin::Waiting, "Waits for a grader, 6 points."));
    let key = waits.by_key.unwrap();
    assert_eq!(
        (key.written.as_str(), key.reference.as_str(), key.points.as_str()),
        ("提高满意度", "SECRET-KEY", "?")
    );

    // Some of them, and those that there are not.
    let some = explain(a, &name, &[5, 1]).await.unwrap();
    let positions: Vec<i32> = some.iter().map(|t| t.mark.as_ref().unwrap().position).collect();
    assert_eq!(positions, [1, 5]);
    explain(a, &name, &[0, 1, 1]).await.bad(&["positions[0]", "positions[2]"]);
    explain(a, &name, &[9, 1, 99]).await.bad(&["positions[0]", "positions[2]"]);
    explain(a, "exams/told", &[0]).await.bad(&["name", "positions[0]"]);
    explain(a, "exams/told/attempts/00000000-0000-7000-8000-000000000000/result", &[])
        .await
        .refused(Code::NotFound);
    // It shows keys: whoever delivers to candidates may not ask, another tenant finds nothing.
    let deliverer = a.role(&[pb::Role::Deliverer]).await;
    explain(&deliverer, &name, &[]).await.refused(Code::PermissionDenied);
    let other = world.tenant("other").await;
    exam(&other).await;
    explain(&other, &name, &[]).await.refused(Code::NotFound);
}

#[tokio::test]
async fn graders_and_regrades_explain_what_they_changed() {
    let world = World::start().await;
    let a = &world.a;
    exam(a).await;
    let name = sit(a, "e-1").await;
    let waits = one(a, &name, "a1").await;
    grade(a, &waits, &name, "li", "5.5").await;
    let graded = one(a, &name, "a1").await;
    assert_eq!((graded.origin(), points(&graded)), (Origin::Graders, "5.5"));
    assert_eq!((graded.text_en.as_str(), graded.grades.len()), ("li gave 5.5 of 6 points.", 1));
    assert_eq!(graded.text_zh, "li 给 5.5 分（满分 6 分）。");
    let change = &graded.changes[0];
    assert_eq!((change.revision, change.old_points.as_str(), change.new_points.as_str()), (2, "?", "5.5"));
    assert_eq!((change.method.as_str(), change.regrade.as_str()), ("GradingService/GradeResponse", ""));

    // Another key for s2; the mark is what the new key makes of it.
    let question =
        pb::Question { name: "banks/crm/questions/s2".to_owned(), ..single("单选第2题?", "C") };
    let request = pb::UpdateQuestionRequest { question: Some(question), ..Default::default() };
    a.bank().update_question(request).await.unwrap();
    let request =
        pb::PublishQuestionRequest { name: "banks/crm/questions/s2".to_owned(), ..Default::default() };
    a.bank().publish_question(request).await.unwrap();
    let regraded_by = regrade(a, "s2", pb::RegradeMode::NewKey).await;
    let told = one(a, &name, "s2").await;
    assert_eq!((told.origin(), points(&told), told.differs_from_key), (Origin::Regrade, "2", true));
    assert_eq!(told.by_key.as_ref().unwrap().points, "0");
    let other = told.by_regrade_key.as_ref().unwrap();
    assert_eq!(
        (other.question_version.as_str(), other.points.as_str()),
        ("banks/crm/questions/s2/versions/2", "2")
    );
    assert_eq!(other.options[2].finding(), OptionFinding::RightPick);
    let change = &told.changes[0];
    assert_eq!(
        (change.revision, &change.regrade, change.reason.as_str()),
        (3, &regraded_by, "第2题答案有误。")
    );
    assert_eq!(change.rule.as_ref().unwrap().question, "banks/crm/questions/s2/versions/2");
    assert_eq!(
        told.text_en,
        format!(
            "Picked C; the key is B (0 right, 1 wrong, 1 missed): ALL_OR_NOTHING (all points for exactly the key) gives 0 of \
             2 points. {regraded_by} (another version's key) then changed the mark from 0 to 2 of 2 points: 第2题答案有误. \
             By version 2: Picked C; the key is C (1 right, 0 wrong, 0 missed): ALL_OR_NOTHING (all points for exactly the \
             key) gives 2 of 2 points."
        )
    );
    // What it did not concern is as it was.
    assert_eq!(one(a, &name, "s1").await.changes.len(), 0);

    // Full marks for what a person marked and for what nobody answered.
    regrade(a, "a1", pb::RegradeMode::FullMarks).await;
    let full = one(a, &name, "a1").await;
    assert_eq!((full.origin(), points(&full), full.changes.len()), (Origin::Regrade, "6", 2));
    assert!(full.text_zh.starts_with("li 给 5.5 分（满分 6 分）。exams/told/regrades/"), "{}", full.text_zh);
    assert!(
        full.text_zh.ends_with("（全体满分）将得分由 5.5 分改为 6 分（满分 6 分）：第2题答案有误。"),
        "{}",
        full.text_zh
    );
    regrade(a, "t1", pb::RegradeMode::FullMarks).await;
    let given = one(a, &name, "t1").await;
    assert_eq!((given.origin(), points(&given), given.differs_from_key), (Origin::Regrade, "1", true));
    assert_eq!(given.changes[0].old_points, "");

    // The same marks as the result has.
    let request = pb::GetResultRequest { name: name.clone() };
    let result = a.result().get_result(request).await.unwrap().into_inner();
    let all = explain(a, &name, &[]).await.unwrap();
    assert_eq!(all.into_iter().map(|t| t.mark.unwrap()).collect::<Vec<_>>(), result.marks);
}

#[tokio::test]
async fn a_first_mark_does_not_sway_the_second() {
    let world = World::start().await;
    let a = &world.a;
    exam(a).await;
    let scheme = pb::GradingScheme {
        name: "exams/told/gradingScheme".to_owned(),
        marker_count: 2,
        ..Default::default()
    };
    let request = pb::UpdateGradingSchemeRequest { grading_scheme: Some(scheme), ..Default::default() };
    a.grading().update_grading_scheme(request).await.unwrap();
    let name = sit(a, "e-1").await;
    let waits = one(a, &name, "a1").await;
    grade(a, &waits, &name, "li", "3.25").await;
    let blind = one(a, &name, "a1").await;
    assert_eq!(blind.text_en, "Waits for a second grader, 6 points.");
    assert!(blind.grades.is_empty() && !format!("{blind:?}").contains("3.25"), "{blind:?}");
    grade(a, &waits, &name, "wang", "5").await;
    let apart = one(a, &name, "a1").await;
    assert_eq!((apart.grades.len(), apart.origin()), (2, Origin::Waiting));
    assert_eq!(
        apart.text_en,
        "Waits for a third grader to decide: li gave 3.25 and wang gave 5, of 6 points."
    );
    grade(a, &waits, &name, "zhao", "4").await;
    let decided = one(a, &name, "a1").await;
    assert_eq!(decided.text_zh, "li 给 3.25 分，wang 给 5 分；zhao 裁定 4 分（满分 6 分）。");
}
