//! Pass marks and grades on forms of unequal totals, and results that are followed as they change.

use assessd::pb;
use tonic::Code;

use crate::support::{
    As, Refused, World,
    build::{pick, section, short, single},
    sit::{save, start},
};

const SMALL: &str = "blueprints/small/forms/s";
const LARGE: &str = "blueprints/large/forms/l";

/// Six single choices, the right one always B: `small` gives them 1 point each, `large` 2 each.
async fn unequal() -> World {
    let world = World::start().await;
    let a = &world.a;
    a.new_bank("crm").await;
    for i in 1..=6 {
        a.publish("banks/crm", &format!("q{i}"), single(&format!("第{i}题?"), "B")).await;
    }
    for (id, form, points) in [("small", "s", "1"), ("large", "l", "2")] {
        let sections = vec![section("单选", pb::QuestionKind::SingleChoice, 6, points)];
        a.blueprint(id, "banks/crm", sections).await;
        a.forms(&format!("blueprints/{id}"), &[form], 7).await;
    }
    world
}

fn by_percent(exam: &mut pb::Exam) {
    exam.pass_percent = "60".to_owned();
    let band = |label: &str, percent: &str| pb::GradeBand {
        label: label.to_owned(),
        from_percent: percent.to_owned(),
        ..Default::default()
    };
    exam.grade_bands = vec![band("及格", "60"), band("优秀", "83.3333")];
    exam.max_attempts = 3;
}

/// A submission with that many right answers.
async fn sat(a: &As, exam: &str, candidate: &str, form: &str, right: i32, word: &str) -> pb::Result {
    let request = pb::ScoreSubmissionRequest {
        parent: exam.to_owned(),
        candidate: candidate.to_owned(),
        form: form.to_owned(),
        responses: (1..=6).map(|i| pick(i, if i <= right { "B" } else { "C" })).collect(),
        request_id: format!("{exam}-{candidate}-{word}").replace('/', "-"),
        ..Default::default()
    };
    a.delivery().score_submission(request).await.unwrap().into_inner()
}

async fn list(a: &As, request: pb::ListResultsRequest) -> pb::ListResultsResponse {
    let asked = format!("{request:?}");
    a.result().list_results(request).await.unwrap_or_else(|e| panic!("{asked}: {e:?}")).into_inner()
}

async fn found(a: &As, exam: &str, filter: &str, order_by: &str) -> Vec<String> {
    let request = pb::ListResultsRequest {
        parent: exam.to_owned(),
        filter: filter.to_owned(),
        order_by: order_by.to_owned(),
        ..Default::default()
    };
    list(a, request).await.results.into_iter().map(|r| r.candidate).collect()
}

#[tokio::test]
async fn points_on_unequal_forms_are_refused_and_percentages_hold_on_all() {
    let world = unequal().await;
    let a = &world.a;
    let exam = pb::Exam {
        display_name: "考试".to_owned(),
        forms: vec![SMALL.to_owned(), LARGE.to_owned()],
        pass_mark: "4".to_owned(),
        grade_bands: vec![pb::GradeBand {
            label: "A".to_owned(),
            from_score: "5".to_owned(),
            ..Default::default()
        }],
        ..Default::default()
    };
    let create = |exam: pb::Exam| pb::CreateExamRequest {
        exam_id: "e".to_owned(),
        exam: Some(exam),
        ..Default::default()
    };
    let bad = ["exam.pass_mark", "exam.grade_bands[0].from_score"];
    a.exam().create_exam(create(exam.clone())).await.bad(&bad);
    // Beyond the smallest total both are named too, on forms of one total.
    let mut beyond = exam.clone();
    beyond.forms = vec![SMALL.to_owned()];
    beyond.pass_mark = "6.5".to_owned();
    beyond.grade_bands[0].from_score = "7".to_owned();
    a.exam().create_exam(create(beyond)).await.bad(&bad);
    let mut both = exam.clone();
    both.pass_percent = "60".to_owned();
    a.exam().create_exam(create(both)).await.bad(&["exam.pass_percent"]);

    a.exam_of("e", &[SMALL, LARGE], by_percent).await;
    let stored = a
        .exam()
        .get_exam(pb::GetExamRequest { name: "exams/e".to_owned(), ..Default::default() })
        .await
        .unwrap()
        .into_inner();
    assert_eq!((stored.pass_mark.as_str(), stored.pass_percent.as_str()), ("", "60"));
    assert_eq!(stored.grade_bands[1].from_percent, "83.3333");
    // The update says the same as the creation.
    let to_points = pb::UpdateExamRequest {
        exam: Some(pb::Exam { name: "exams/e".to_owned(), pass_mark: "4".to_owned(), ..Default::default() }),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["pass_mark".to_owned(), "pass_percent".to_owned()],
        }),
        ..Default::default()
    };
    a.exam().update_exam(to_points).await.bad(&["exam.pass_mark"]);

    // 4 of 6 and 8 of 12 pass, 3 of 6 and 6 of 12 do not; 5 of 6 is 83.33333… %, a hair above the band.
    let of = async |candidate: &str, form: &str, right| {
        let result = sat(a, "exams/e", candidate, form, right, "1").await;
        let get = pb::GetResultRequest { name: result.name.clone() };
        let got = a.result().get_result(get).await.unwrap().into_inner();
        assert_eq!((got.passed, &got.grade, &got.percent), (result.passed, &result.grade, &result.percent));
        (result.passed.unwrap(), result.grade, result.percent)
    };
    let is = |passed, grade: &str, percent: &str| (passed, grade.to_owned(), percent.to_owned());
    assert_eq!(of("a", SMALL, 4).await, is(true, "及格", "66.6667"));
    assert_eq!(of("b", LARGE, 4).await, is(true, "及格", "66.6667"));
    assert_eq!(of("c", SMALL, 3).await, is(false, "", "50"));
    assert_eq!(of("d", LARGE, 3).await, is(false, "", "50"));
    assert_eq!(of("e", SMALL, 5).await, is(true, "优秀", "83.3333"));
    assert_eq!(of("f", LARGE, 5).await, is(true, "优秀", "83.3333"));

    // Lists decide the same in SQL.
    assert_eq!(found(a, "exams/e", "passed = true", "").await, ["a", "b", "e", "f"]);
    assert_eq!(found(a, "exams/e", "passed = false", "").await, ["c", "d"]);
    assert_eq!(found(a, "exams/e", "grade = \"优秀\"", "").await, ["e", "f"]);
    assert_eq!(found(a, "exams/e", "grade = \"及格\"", "").await, ["a", "b"]);
    assert_eq!(found(a, "exams/e", "percent >= 66 AND percent < 67", "").await, ["a", "b"]);
    let request = pb::ListResultsRequest { parent: "exams/e".to_owned(), ..Default::default() };
    for row in list(a, request).await.results {
        let get = pb::GetResultRequest { name: row.name.clone() };
        let one = a.result().get_result(get).await.unwrap().into_inner();
        assert_eq!((row.passed, row.grade, row.percent), (one.passed, one.grade, one.percent));
    }
}

#[tokio::test]
async fn rankings_and_summaries_never_add_points_of_different_totals() {
    let world = unequal().await;
    let a = &world.a;
    a.exam_of("e", &[SMALL, LARGE], by_percent).await;
    // By points the ranking would be d 10, b 6, a 5, c 3.
    for (candidate, form, right) in [("a", SMALL, 5), ("b", LARGE, 3), ("c", SMALL, 3), ("d", LARGE, 5)] {
        sat(a, "exams/e", candidate, form, right, "1").await;
    }
    let page = async |token: String, size| {
        let request = pb::ListResultsRequest {
            parent: "exams/e".to_owned(),
            order_by: "score desc".to_owned(),
            page_size: size,
            page_token: token,
            ..Default::default()
        };
        list(a, request).await
    };
    let whole = page(String::new(), 0).await;
    assert_eq!(whole.basis(), pb::ScoreBasis::Percent);
    let percents: Vec<&str> = whole.results.iter().map(|r| r.percent.as_str()).collect();
    assert_eq!(percents, ["83.3333", "83.3333", "50", "50"]);
    let (mut paged, mut token) = (Vec::new(), String::new());
    loop {
        let one = page(token, 1).await;
        paged.extend(one.results);
        token = one.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(paged, whole.results, "pages hold every row once, equal shares too");

    let request =
        pb::GetExamSummaryRequest { name: "exams/e".to_owned(), bin_count: 2, ..Default::default() };
    let s = a.result().get_exam_summary(request.clone()).await.unwrap().into_inner();
    assert_eq!((s.basis(), s.points.as_str(), s.count), (pb::ScoreBasis::Percent, "100", 4));
    assert_eq!((s.min_score.as_str(), s.max_score.as_str()), ("50", "83.3333"));
    assert!((s.mean.unwrap().value.unwrap() - 200.0 / 3.0).abs() < 1e-9);
    assert_eq!(s.pass_rate.unwrap().value, Some(0.5));
    assert_eq!(s.histogram.iter().map(|b| (b.high, b.count)).collect::<Vec<_>>(), [(50.0, 0), (100.0, 4)]);
    assert!(s.skewness.unwrap().value.unwrap().abs() < 1e-9);
    // Two and two of equal shares: k4 / k2² of four figures x, x, y, y is −6.
    assert!((s.kurtosis.unwrap().value.unwrap() + 6.0).abs() < 1e-9);
    let forms: Vec<(&str, &str, i64, &str)> =
        s.forms.iter().map(|f| (f.form.as_str(), f.points.as_str(), f.count, f.max_score.as_str())).collect();
    assert_eq!(forms, [(SMALL, "6", 2, "5"), (LARGE, "12", 2, "10")]);
    assert_eq!(s.forms[1].mean.as_ref().unwrap().value, Some(8.0));

    let one = pb::GetExamSummaryRequest { form: LARGE.to_owned(), ..request };
    let s = a.result().get_exam_summary(one).await.unwrap().into_inner();
    assert_eq!((s.basis(), s.points.as_str(), s.max_score.as_str()), (pb::ScoreBasis::Points, "12", "10"));
    assert_eq!(s.forms.len(), 1);

    // Where the totals are the same it is points as before.
    a.exam_of("same", &[LARGE], |e| e.pass_mark = "6".to_owned()).await;
    sat(a, "exams/same", "a", "", 3, "1").await;
    let request = pb::GetExamSummaryRequest { name: "exams/same".to_owned(), ..Default::default() };
    let s = a.result().get_exam_summary(request).await.unwrap().into_inner();
    assert_eq!((s.basis(), s.points.as_str(), s.max_score.as_str()), (pb::ScoreBasis::Points, "12", "6"));
    // The one takes the place of the other.
    let change =
        pb::Exam { name: "exams/same".to_owned(), pass_percent: "50".to_owned(), ..Default::default() };
    let request = pb::UpdateExamRequest { exam: Some(change), ..Default::default() };
    let changed = a.exam().update_exam(request).await.unwrap().into_inner();
    assert_eq!((changed.pass_mark.as_str(), changed.pass_percent.as_str()), ("", "50"));
}

#[tokio::test]
async fn the_attempt_that_counts_is_found_by_its_share() {
    let world = unequal().await;
    let a = &world.a;
    let score = async |exam: &str| {
        let request =
            pb::GetCandidateScoreRequest { parent: format!("exams/{exam}"), candidate: "k".to_owned() };
        a.result().get_candidate_score(request).await.unwrap().into_inner()
    };
    for (id, counting) in [("best", pb::AttemptCounting::Best), ("mean", pb::AttemptCounting::Mean)] {
        a.exam_of(id, &[SMALL, LARGE], |e| {
            by_percent(e);
            e.attempt_counting = counting as i32;
        })
        .await;
        let exam = format!("exams/{id}");
        // 6 of 12 points are more points than 5 of 6, and a smaller share.
        sat(a, &exam, "k", LARGE, 3, "1").await;
        assert_eq!(score(id).await.basis(), pb::ScoreBasis::Points);
        sat(a, &exam, "k", SMALL, 5, "2").await;
    }
    let best = score("best").await;
    assert_eq!(
        (best.basis(), best.score.as_str(), best.max_score.as_str()),
        (pb::ScoreBasis::Percent, "83.3333", "100")
    );
    assert_eq!((best.passed, best.grade.as_str(), best.results.len()), (Some(true), "优秀", 1));
    let request = pb::GetResultRequest { name: best.results[0].clone() };
    assert_eq!(a.result().get_result(request).await.unwrap().into_inner().form, SMALL);
    // (50 + 83.33…) / 2
    let mean = score("mean").await;
    assert_eq!((mean.score.as_str(), mean.passed, mean.grade.as_str()), ("66.67", Some(true), "及格"));
    assert_eq!(mean.results.len(), 2);
}

#[tokio::test]
async fn released_results_and_regrades_go_by_the_percentage_too() {
    let world = unequal().await;
    let a = &world.a;
    a.exam_of("e", &[SMALL, LARGE], |e| {
        by_percent(e);
        e.release = Some(pb::ReleasePolicy { time: pb::ReleaseTime::AtOnce as i32, content: 0 });
    })
    .await;
    // 7 points of 12 would pass at 60 points of 100, and are less than 60 %.
    let low = sat(a, "exams/e", "low", LARGE, 3, "1").await;
    let name = low.name.trim_end_matches("/result").to_owned();
    let request = pb::GetReleasedResultRequest { name };
    let released = a.delivery().get_released_result(request.clone()).await.unwrap().into_inner();
    assert_eq!((released.passed, released.grade.as_str()), (Some(false), ""));
    // Full marks for what it got wrong lifts it to 8 of 12, and the regrade says that it passes now.
    let form =
        pb::GetFormRequest { name: LARGE.to_owned(), view: pb::FormView::Full as i32, ..Default::default() };
    let form = a.assembly().get_form(form).await.unwrap().into_inner();
    let sixth =
        form.sections[0].items.last().unwrap().question_version.split("/versions").next().unwrap().to_owned();
    let regrade = pb::RegradeExamRequest {
        parent: "exams/e".to_owned(),
        rules: vec![pb::RegradeRule { question: sixth, part: 0, mode: pb::RegradeMode::FullMarks as i32 }],
        reason: "x".to_owned(),
        ..Default::default()
    };
    let counts = a.regrade(regrade).await.counts.unwrap();
    assert_eq!((counts.newly_passed_count, counts.newly_failed_count), (1, 0));
    let released = a.delivery().get_released_result(request).await.unwrap().into_inner();
    assert_eq!((released.passed, released.grade.as_str()), (Some(true), "及格"));
}

/// The questions of a form by position.
async fn questions_of(a: &As, form: &str) -> Vec<String> {
    let request =
        pb::GetFormRequest { name: form.to_owned(), view: pb::FormView::Full as i32, ..Default::default() };
    let form = a.assembly().get_form(request).await.unwrap().into_inner();
    form.sections.into_iter().flat_map(|s| s.items).map(|item| item.question_version).collect()
}

#[tokio::test]
async fn questions_are_analysed_over_all_forms_they_stand_on() {
    const PART: &str = "blueprints/part/forms/p";
    let world = unequal().await;
    let a = &world.a;
    let sections = vec![section("单选", pb::QuestionKind::SingleChoice, 3, "2")];
    a.blueprint("part", "banks/crm", sections).await;
    a.forms("blueprints/part", &["p"], 7).await;
    a.exam_of("e", &[SMALL, PART], |_| {}).await;
    let (small, part) = (questions_of(a, SMALL).await, questions_of(a, PART).await);
    assert_eq!((small.len(), part.len()), (6, 3));
    // By position: b right, c wrong, - left blank.
    let sheets = [
        (SMALL, &small, "bbbbbb"),
        (SMALL, &small, "bbbccc"),
        (SMALL, &small, "-ccccc"),
        (PART, &part, "bbb"),
        (PART, &part, "bcc"),
        (PART, &part, "---"),
    ];
    for (i, (form, _, given)) in sheets.iter().enumerate() {
        let responses = given.chars().zip(1..).filter(|(c, _)| *c != '-');
        let request = pb::ScoreSubmissionRequest {
            parent: "exams/e".to_owned(),
            candidate: format!("c{i}"),
            form: (*form).to_owned(),
            responses: responses.map(|(c, at)| pick(at, &c.to_ascii_uppercase().to_string())).collect(),
            request_id: format!("p{i}"),
            ..Default::default()
        };
        a.delivery().score_submission(request).await.unwrap();
    }
    let ask =
        pb::GetItemAnalysisRequest { name: "exams/e".to_owned(), by_question: true, ..Default::default() };
    let found = a.result().get_item_analysis(ask.clone()).await.unwrap().into_inner();
    assert_eq!((found.count, found.items.len(), found.form.as_str()), (6, 6, ""));
    for item in &found.items {
        let given: Vec<char> = sheets
            .iter()
            .flat_map(|(_, form, given)| {
                let at = form.iter().position(|q| *q == item.question_version);
                at.and_then(|at| given.chars().nth(at))
            })
            .collect();
        let count = |c: char| given.iter().filter(|g| **g == c).count() as i64;
        assert_eq!((item.position, item.count), (0, given.len() as i64), "{item:?}");
        assert_eq!(item.not_presented_count, 6 - item.count, "who had it not is no blank");
        assert_eq!(item.blank_count, count('-'));
        let facility = item.facility.as_ref().unwrap().value.unwrap();
        assert!((facility - count('b') as f64 / given.len() as f64).abs() < 1e-12, "{item:?}");
        let places: Vec<&str> = item.places.iter().map(|p| p.form.as_str()).collect();
        let on_part = part.contains(&item.question_version);
        assert_eq!(places, if on_part { vec![SMALL, PART] } else { vec![SMALL] });
        // One point here and two there.
        assert_eq!(item.max_points, if on_part { "" } else { "1" });
        let reason = &item.standard_deviation.as_ref().unwrap().undefined_reason;
        assert_eq!(reason, if on_part { "UNEQUAL_POINTS" } else { "" });
        let picked: Vec<i64> = item.options.iter().filter(|o| o.is_key).map(|o| o.count).collect();
        assert_eq!(picked, [count('b')]);
        // Six people flag nothing, and the answer says that nothing was looked at.
        assert_eq!((item.flags.len(), item.unjudged_flags.len()), (0, 4));
        assert_eq!(item.alpha_if_deleted.as_ref().unwrap().undefined_reason, "SEVERAL_FORMS");
    }
    assert_eq!(found.alpha.unwrap().undefined_reason, "SEVERAL_FORMS");
    let forms: Vec<(&str, i64)> = found.forms.iter().map(|f| (f.form.as_str(), f.count)).collect();
    assert_eq!(forms, [(SMALL, 3), (PART, 3)]);
    // Six right of six, three of six, none: 6, 3, 0.
    assert_eq!(found.forms[0].mean.as_ref().unwrap().value, Some(3.0));

    let with_form = pb::GetItemAnalysisRequest { form: PART.to_owned(), ..ask.clone() };
    a.result().get_item_analysis(with_form).await.bad(&["form"]);
    let neither = pb::GetItemAnalysisRequest { by_question: false, ..ask };
    a.result().get_item_analysis(neither).await.bad(&["form"]);
    // Of one form the places and the blanks are told too.
    let one = pb::GetItemAnalysisRequest {
        name: "exams/e".to_owned(),
        form: PART.to_owned(),
        ..Default::default()
    };
    let one = a.result().get_item_analysis(one).await.unwrap().into_inner();
    let blanks: Vec<(i32, i64, i64)> =
        one.items.iter().map(|i| (i.places[0].position, i.blank_count, i.not_presented_count)).collect();
    assert_eq!(blanks, [(1, 1, 0), (2, 1, 0), (3, 1, 0)]);
    assert_eq!(one.smallest_pair_count, 3);
    let interval = one.alpha_interval.unwrap();
    let ends = (interval.low.unwrap().value.unwrap(), interval.high.unwrap().value.unwrap());
    assert!(ends.0 < one.alpha.unwrap().value.unwrap() && ends.1 <= 1.0, "{ends:?}");
    assert_eq!(one.kurtosis.unwrap().undefined_reason, "TOO_FEW_PERSONS");
}

/// One single choice and one short answer, three attempts.
async fn written() -> World {
    let world = World::start().await;
    let a = &world.a;
    a.new_bank("crm").await;
    a.publish("banks/crm", "q", single("第1题?", "B")).await;
    a.publish("banks/crm", "s", short("为什么?", "因为")).await;
    let sections = vec![
        section("单选", pb::QuestionKind::SingleChoice, 1, "2"),
        section("简答", pb::QuestionKind::ShortAnswer, 1, "4"),
    ];
    a.blueprint("p", "banks/crm", sections).await;
    a.forms("blueprints/p", &["f"], 7).await;
    a.exam_of("e", &["blueprints/p/forms/f"], |e| e.max_attempts = 2).await;
    world
}

async fn write(a: &As, candidate: &str) -> pb::Result {
    let text = pb::Response { position: 2, text: "答".to_owned(), ..Default::default() };
    a.submission("exams/e", candidate, vec![pick(1, "B"), text]).await.unwrap()
}

async fn grade(a: &As, result: &pb::Result, points: &str) {
    let claim = pb::ClaimGradingTasksRequest {
        parent: "exams/e".to_owned(),
        grader: "li".to_owned(),
        count: 10,
        ..Default::default()
    };
    a.grading().claim_grading_tasks(claim).await.unwrap();
    let tasks = pb::ListGradingTasksRequest { parent: "exams/e".to_owned(), ..Default::default() };
    let tasks = a.grading().list_grading_tasks(tasks).await.unwrap().into_inner().tasks;
    let attempt = result.name.trim_end_matches("/result");
    let task = tasks.into_iter().find(|t| t.name.contains(attempt)).unwrap();
    let request = pb::GradeResponseRequest {
        name: task.name,
        grader: "li".to_owned(),
        points: points.to_owned(),
        ..Default::default()
    };
    a.grading().grade_response(request).await.unwrap();
}

fn changed(filter: &str, show_void: bool) -> pb::ListResultsRequest {
    pb::ListResultsRequest {
        parent: "exams/e".to_owned(),
        filter: filter.to_owned(),
        order_by: "update_time".to_owned(),
        show_void,
        ..Default::default()
    }
}

fn candidates(answer: &pb::ListResultsResponse) -> Vec<&str> {
    answer.results.iter().map(|r| r.candidate.as_str()).collect()
}

fn moment(result: &pb::Result) -> String {
    let at = result.update_time.unwrap();
    chrono::DateTime::from_timestamp(at.seconds, at.nanos as u32)
        .unwrap()
        .to_rfc3339_opts(chrono::SecondsFormat::Nanos, true)
}

#[tokio::test]
async fn changed_results_are_fetched_by_the_time_of_their_change() {
    let world = written().await;
    let a = &world.a;
    let mut sat = Vec::new();
    for candidate in ["a", "b", "c", "d"] {
        sat.push(write(a, candidate).await);
    }
    assert!(sat.iter().all(|r| r.update_time == r.submit_time));
    let last = list(a, changed("", false)).await;
    assert_eq!(candidates(&last), ["a", "b", "c", "d"]);
    let since = |answer: &pb::ListResultsResponse| {
        format!("update_time > {}", moment(answer.results.last().unwrap()))
    };
    assert_eq!(candidates(&list(a, changed(&since(&last), false)).await), [""; 0]);

    // A mark by a person moves it.
    grade(a, &sat[1], "3").await;
    let next = list(a, changed(&since(&last), false)).await;
    assert_eq!(candidates(&next), ["b"]);
    assert_eq!((next.results[0].score.as_str(), next.results[0].revision), ("5", 2));
    assert!(next.results[0].update_time != next.results[0].submit_time);
    let one =
        a.result().get_result(pb::GetResultRequest { name: sat[1].name.clone() }).await.unwrap().into_inner();
    assert_eq!(one.update_time, next.results[0].update_time);

    // A regrade moves those whose marks it changes, and only those: b has its mark of the other question still.
    let regrade = pb::RegradeExamRequest {
        parent: "exams/e".to_owned(),
        rules: vec![pb::RegradeRule {
            question: "banks/crm/questions/q".to_owned(),
            part: 0,
            mode: pb::RegradeMode::Drop as i32,
        }],
        reason: "x".to_owned(),
        ..Default::default()
    };
    let done = a.regrade(regrade).await;
    assert_eq!(done.counts.unwrap().revised_count, 4);
    let after = list(a, changed(&since(&next), false)).await;
    assert_eq!(after.results.len(), 4);

    // A void takes it from the list, and a follower who asks for it learns so.
    let request = pb::VoidAttemptRequest {
        name: sat[2].name.trim_end_matches("/result").to_owned(),
        reason: "x".to_owned(),
        ..Default::default()
    };
    a.delivery().void_attempt(request).await.unwrap();
    assert_eq!(candidates(&list(a, changed(&since(&after), false)).await), [""; 0]);
    let voided = list(a, changed(&since(&after), true)).await;
    assert_eq!(candidates(&voided), ["c"]);
    assert_eq!((voided.results[0].state(), voided.results[0].passed), (pb::ResultState::Void, None));
    a.result()
        .get_result(pb::GetResultRequest { name: sat[2].name.clone() })
        .await
        .because(Code::NotFound, "NOT_FOUND");
    let bad = pb::ListResultsRequest { order_by: String::new(), ..changed("", true) };
    a.result().list_results(bad).await.bad(&["show_void"]);

    // Changed and unchanged ones are one list: pages in either direction hold every row once and in order.
    for candidate in ["e", "f"] {
        write(a, candidate).await;
    }
    // An open attempt is no result, voided or not.
    let open = start(a, "exams/e", "open").await.unwrap();
    save(a, &open.name, 1, vec![pick(1, "B")]).await.unwrap();
    let request = pb::VoidAttemptRequest { name: open.name, reason: "x".to_owned(), ..Default::default() };
    a.delivery().void_attempt(request).await.unwrap();
    for (order_by, show_void, size) in
        [("update_time", true, 1), ("update_time desc", true, 2), ("update_time", false, 3)]
    {
        let ask = pb::ListResultsRequest {
            order_by: order_by.to_owned(),
            page_size: size,
            ..changed("", show_void)
        };
        let (mut all, mut token) = (Vec::new(), String::new());
        loop {
            let page = list(a, pb::ListResultsRequest { page_token: token, ..ask.clone() }).await;
            all.extend(page.results);
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(all.len(), if show_void { 6 } else { 5 }, "{order_by}");
        let mut times: Vec<_> = all.iter().map(|r| r.update_time.map(|t| (t.seconds, t.nanos))).collect();
        if order_by.ends_with("desc") {
            times.reverse();
        }
        assert!(times.is_sorted(), "{order_by}: {times:?}");
        let mut names: Vec<_> = all.iter().map(|r| &r.name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all.len());
    }
    // A token of the one list opens not the other.
    let first = list(a, pb::ListResultsRequest { page_size: 1, ..changed("", true) }).await;
    let carried = pb::ListResultsRequest { page_token: first.next_page_token, ..changed("", false) };
    a.result().list_results(carried).await.bad(&["page_token"]);
}

#[tokio::test]
async fn lists_and_batches_show_as_much_as_the_view_says() {
    let world = written().await;
    let a = &world.a;
    let sat = [write(a, "a").await, write(a, "b").await];
    let whole =
        a.result().get_result(pb::GetResultRequest { name: sat[0].name.clone() }).await.unwrap().into_inner();
    assert_eq!((whole.sections.len(), whole.marks.len()), (2, 2));
    let without_marks = pb::Result { marks: vec![], ..whole.clone() };
    let basic = pb::Result { sections: vec![], topics: vec![], ..without_marks.clone() };
    use pb::ResultView as View;
    for (view, expected) in [
        (View::Unspecified, &basic),
        (View::Basic, &basic),
        (View::Subscores, &without_marks),
        (View::Full, &whole),
    ] {
        let request = pb::ListResultsRequest {
            parent: "exams/e".to_owned(),
            view: view as i32,
            page_size: i32::MAX,
            ..Default::default()
        };
        assert_eq!(&list(a, request).await.results[0], expected, "{view:?}");
        let names = vec![
            sat[1].name.clone(),
            "nonsense".to_owned(),
            sat[0].name.clone(),
            sat[0].name.replace("exams/e/", "exams/other/"),
            sat[1].name.clone(),
        ];
        let request = pb::BatchGetResultsRequest { names, view: view as i32 };
        let elements = a.result().batch_get_results(request).await.unwrap().into_inner().elements;
        let of = |at: usize| match elements[at].outcome.clone().unwrap() {
            pb::batch_get_results_element::Outcome::Result(result) => Ok(result),
            pb::batch_get_results_element::Outcome::Error(error) => Err(Code::from_i32(error.code)),
        };
        assert_eq!(elements.len(), 5);
        assert_eq!(of(0).unwrap().candidate, "b");
        assert_eq!(of(1), Err(Code::InvalidArgument));
        assert_eq!(&of(2).unwrap(), expected, "{view:?}");
        assert_eq!(of(3), Err(Code::NotFound));
        assert_eq!(of(4), of(0));
    }
    let bad = pb::ListResultsRequest { parent: "exams/e".to_owned(), view: 9, ..Default::default() };
    a.result().list_results(bad).await.bad(&["view"]);
    for names in [vec![], vec![sat[0].name.clone(); 1001]] {
        a.result()
            .batch_get_results(pb::BatchGetResultsRequest { names, view: 9 })
            .await
            .bad(&["names", "view"]);
    }
}
