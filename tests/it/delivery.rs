//! Delivery: from the first look at a paper to its result, and that nothing of the key ever leaves on the way.

use assessd::pb;
use chrono::Utc;
use prost::Message;
use tonic::Code;

use crate::support::{
    As, Refused, World,
    build::pick,
    populate::SECRETS,
    sit::{attempt, save, start, submit},
};

async fn populated() -> World {
    let world = World::start().await;
    world.a.populate_forms().await;
    world.a.exam_of("spring", &["blueprints/standard/forms/a"], |e| e.max_attempts = 2).await;
    world
}

fn truth(position: i32, truth: bool) -> pb::Response {
    pb::Response { position, truth: Some(truth), ..Default::default() }
}

fn texts(position: i32, texts: &[&str]) -> pb::Response {
    pb::Response { position, texts: texts.iter().map(|t| (*t).to_owned()).collect(), ..Default::default() }
}

fn text(position: i32, text: &str) -> pb::Response {
    pb::Response { position, text: text.to_owned(), ..Default::default() }
}

/// Positions of the standard form: 1–4 single, 5 multiple, 6 indeterminate, 7 true/false, 8 blanks, 9 short, 10–12 case.
fn right() -> Vec<pb::Response> {
    vec![
        pick(1, "B"),
        pick(2, "B"),
        pick(3, "B"),
        pick(4, "B"),
        pick(5, "CA"),
        pick(6, "ABD"),
        truth(7, true),
        texts(8, &["SECRET-KEY-1", " secret-key-2 "]),
        text(9, "随便"),
        pick(10, "D"),
        texts(11, &["SECRET-KEY"]),
        text(12, "也随便"),
    ]
}

#[track_caller]
fn no_secret<T: Message>(answer: &T) {
    let bytes = answer.encode_to_vec();
    for secret in SECRETS {
        assert!(!bytes.windows(secret.len()).any(|w| w == secret.as_bytes()), "{secret} leaves");
    }
}

#[tokio::test]
async fn a_sitting_from_start_to_result() {
    let world = populated().await;
    let a = &world.a;
    let opened = start(a, "exams/spring", "e-1").await.unwrap();
    assert_eq!((opened.state(), opened.number, opened.sequence), (pb::AttemptState::Open, 1, 0));
    assert_eq!((opened.form.as_str(), opened.candidate.as_str()), ("blueprints/standard/forms/a", "e-1"));
    let paper = opened.paper.clone().unwrap();
    assert_eq!((paper.label.as_str(), paper.total_points.as_str(), paper.sections.len()), ("A", "39", 7));
    let positions: Vec<i32> = paper
        .sections
        .iter()
        .flat_map(|s| &s.questions)
        .flat_map(|q| {
            if q.parts.is_empty() { vec![q.position] } else { q.parts.iter().map(|p| p.position).collect() }
        })
        .collect();
    assert_eq!(positions, (1..=12).collect::<Vec<_>>());
    let blanks = &paper.sections[4].questions[0];
    assert_eq!((blanks.blank_count, blanks.options.len()), (2, 0));
    let of_case: Vec<&str> = paper.sections[6].questions[0].parts.iter().map(|p| p.points.as_str()).collect();
    assert_eq!(of_case, ["3", "3", "3"]);
    assert_eq!(start(a, "exams/spring", "e-1").await.unwrap(), opened, "there is never more than one open");

    let first = save(a, &opened.name, 1, vec![pick(1, "A"), pick(2, "B")]).await.unwrap();
    assert_eq!((first.accepted, first.sequence, first.answered_count), (true, 1, 2));
    let next = save(a, &opened.name, 5, vec![pick(1, "B"), text(9, "草稿")]).await.unwrap();
    assert_eq!((next.accepted, next.sequence, next.answered_count), (true, 5, 3));
    // What comes late changes nothing.
    for late in [5, 4, 1] {
        let late = save(a, &opened.name, late, vec![pick(1, "D"), pick(3, "D")]).await.unwrap();
        assert_eq!((late.accepted, late.sequence, late.answered_count), (false, 5, 3));
    }
    let saved = attempt(a, &opened.name).await;
    let shown: Vec<(i32, Vec<String>, &str)> =
        saved.responses.iter().map(|r| (r.position, r.choices.clone(), r.text.as_str())).collect();
    let b = vec!["B".to_owned()];
    assert_eq!(shown, [(1, b.clone(), ""), (2, b, ""), (9, vec![], "草稿")]);
    // An empty answer takes back.
    let back =
        save(a, &opened.name, 6, vec![pb::Response { position: 9, ..Default::default() }]).await.unwrap();
    assert_eq!(back.answered_count, 2);
    save(a, &opened.name, 0, vec![]).await.bad(&["sequence"]);

    let result = format!("{}/result", opened.name);
    let get = || pb::GetResultRequest { name: result.clone() };
    a.result().get_result(get()).await.because(Code::NotFound, "NOT_FOUND");

    let done = submit(a, &opened.name, right()).await.unwrap();
    assert_eq!((done.answered_count, done.position_count, done.result.as_str()), (12, 12, result.as_str()));
    assert_eq!(submit(a, &opened.name, right()).await.unwrap(), done, "a repeat is the first answer");
    assert_eq!(submit(a, &opened.name, vec![]).await.unwrap(), done);
    submit(a, &opened.name, vec![pick(1, "A")]).await.because(Code::FailedPrecondition, "ATTEMPT_SUBMITTED");
    save(a, &opened.name, 9, vec![pick(1, "A")]).await.because(Code::FailedPrecondition, "ATTEMPT_SUBMITTED");
    let after = attempt(a, &opened.name).await;
    assert_eq!((after.state(), after.responses.len()), (pb::AttemptState::Submitted, 12));
    assert_eq!(after.submit_time, done.submit_time);

    let got = a.result().get_result(get()).await.unwrap().into_inner();
    // 4 × 2 + 4 × 4 right; 6 of the short answer and 3 of the case wait; the other 6 of the case are right.
    assert_eq!((got.score.as_str(), got.max_score.as_str(), got.awaiting_points.as_str()), ("30", "39", "9"));
    assert_eq!((got.state(), got.passed, got.revision), (pb::ResultState::AwaitingGrading, None, 1));
    let sections: Vec<(&str, &str, &str)> = got
        .sections
        .iter()
        .map(|s| (s.score.as_str(), s.max_score.as_str(), s.awaiting_points.as_str()))
        .collect();
    let want = [
        ("8", "8", "0"),
        ("4", "4", "0"),
        ("4", "4", "0"),
        ("4", "4", "0"),
        ("4", "4", "0"),
        ("0", "6", "6"),
        ("6", "9", "3"),
    ];
    assert_eq!(sections, want);
    assert_eq!(got.marks.len(), 12);
    assert_eq!(got.marks[8].state(), pb::MarkState::AwaitingGrading);
    assert_eq!(
        (got.marks[11].part, got.marks[11].points.as_str(), got.marks[11].max_points.as_str()),
        (3, "0", "3")
    );

    let second = start(a, "exams/spring", "e-1").await.unwrap();
    assert_eq!(second.number, 2);
    submit(a, &second.name, vec![]).await.unwrap();
    start(a, "exams/spring", "e-1").await.because(Code::FailedPrecondition, "ATTEMPTS_EXHAUSTED");
    let blank = a
        .result()
        .get_result(pb::GetResultRequest { name: format!("{}/result", second.name) })
        .await
        .unwrap()
        .into_inner();
    assert_eq!((blank.score.as_str(), blank.state()), ("0", pb::ResultState::Scored));
    assert!(blank.marks.iter().all(|m| m.state() == pb::MarkState::NotAnswered));
}

#[tokio::test]
async fn nothing_of_the_key_leaves_with_a_paper() {
    let world = populated().await;
    let a = world.a.role(&[pb::Role::Deliverer]).await;
    // The marks are there for those who may see them: the search can find.
    let form = pb::GetFormRequest {
        name: "blueprints/standard/forms/a".to_owned(),
        view: pb::FormView::Full as i32,
        ..Default::default()
    };
    let full = world.a.assembly().get_form(form).await.unwrap().into_inner().encode_to_vec();
    for secret in SECRETS {
        assert!(
            full.windows(secret.len()).any(|w| w == secret.as_bytes()),
            "{secret} is not in the full form"
        );
    }
    let opened = start(&a, "exams/spring", "e-1").await.unwrap();
    no_secret(&opened);
    let wrong = vec![pick(1, "C"), truth(7, false), texts(8, &["x", "y"]), text(9, "z"), texts(11, &["w"])];
    no_secret(&save(&a, &opened.name, 1, wrong.clone()).await.unwrap());
    no_secret(&attempt(&a, &opened.name).await);
    no_secret(&submit(&a, &opened.name, wrong.clone()).await.unwrap());
    no_secret(&attempt(&a, &opened.name).await);
    no_secret(&a.submission("exams/spring", "e-2", wrong.clone()).await.unwrap());
    let batch = stream(&a, vec![submission("e-3", wrong), submission("", vec![pick(99, "A")])]).await;
    assert_eq!(batch.len(), 2);
    batch.iter().for_each(no_secret);
    // Refusals tell nothing either.
    for bad in [pick(1, "Z"), texts(8, &["1", "2", "3"]), text(1, "x"), pick(7, "T")] {
        let status = save(&a, &opened.name, 2, vec![bad]).await.refused(Code::InvalidArgument);
        let told = format!("{status:?}");
        assert!(SECRETS.iter().all(|s| !told.contains(s)), "{told}");
    }
}

#[tokio::test]
async fn bad_responses_are_named_and_nothing_is_written() {
    let world = populated().await;
    let a = &world.a;
    let opened = start(a, "exams/spring", "e-1").await.unwrap();
    let by_name = |question: &str, part: i32| pb::Response {
        question: question.to_owned(),
        part,
        choices: vec!["B".to_owned()],
        ..Default::default()
    };
    let form = world.a.assembly();
    let full = form
        .clone()
        .get_form(pb::GetFormRequest { name: "blueprints/standard/forms/a".to_owned(), ..Default::default() })
        .await
        .unwrap()
        .into_inner();
    let first = full.sections[0].items[0].question_version.clone();
    let other = full.sections[0].items[1].question_version.clone();
    let bad = vec![
        pick(1, "B"),
        pick(1, "C"),
        pick(0, "B"),
        pick(13, "B"),
        pick(-1, "B"),
        pick(2, "BZ"),
        pick(3, "B"),
        truth(4, true),
        pick(7, "A"),
        text(8, "x"),
        texts(9, &["x"]),
        by_name("banks/crm/questions/d1", 0),
        by_name("nonsense", 0),
        pb::Response { position: 5, ..by_name(&other, 0) },
        by_name("banks/crm/questions/c1", 0),
        by_name("banks/crm/questions/c1", 4),
        pb::Response { choices: vec!["A".to_owned()], ..truth(6, true) },
    ];
    let wanted = [
        "responses[1]",
        "responses[2].position",
        "responses[3].position",
        "responses[4].position",
        "responses[5].choices[1]",
        "responses[7].truth",
        "responses[8].choices",
        "responses[9].text",
        "responses[10].texts",
        "responses[11].question",
        "responses[12].question",
        "responses[13].question",
        "responses[14].part",
        "responses[15].part",
        "responses[16].truth",
    ];
    save(a, &opened.name, 1, bad.clone()).await.bad(&wanted);
    submit(a, &opened.name, bad.clone()).await.bad(&wanted);
    a.submission("exams/spring", "e-9", bad).await.bad(&wanted);
    let after = attempt(a, &opened.name).await;
    assert_eq!((after.state(), after.sequence, after.responses.len()), (pb::AttemptState::Open, 0, 0));
    let mut su = world.superuser().await;
    let attempts: i64 = sqlx::query_scalar("select count(*) from attempt").fetch_one(&mut su).await.unwrap();
    assert_eq!(attempts, 1);

    save(a, &opened.name, 1, vec![texts(8, &["x", "y", "z"])]).await.bad(&["responses[0]"]);
    save(a, &opened.name, 1, vec![texts(8, &[&"长".repeat(2001)]), text(9, &"长".repeat(100_001))])
        .await
        .bad(&["responses[0].texts[0]", "responses[1].text"]);
    save(a, &opened.name, 1, vec![texts(8, &["a\0"])]).await.bad(&["responses[0].texts[0]"]);

    // By name, with or without the version, with the part of a case; both position and name where they agree.
    let good = vec![
        pb::Response { position: 1, ..by_name(&first, 0) },
        by_name(other.split("/versions/").next().unwrap(), 0),
        pb::Response { choices: vec!["D".to_owned()], ..by_name("banks/crm/questions/c1", 1) },
    ];
    assert_eq!(save(a, &opened.name, 1, good).await.unwrap().answered_count, 3);
    let shown: Vec<i32> = attempt(a, &opened.name).await.responses.iter().map(|r| r.position).collect();
    assert_eq!(shown, [1, 2, 10]);
    // Two options of a single choice are an answer, and a wrong one.
    let both = a.submission("exams/spring", "both", vec![pick(1, "AB"), pick(2, "B")]).await.unwrap();
    assert_eq!((both.marks[0].points.as_str(), both.score.as_str()), ("0", "2"));
    let stale = other.replace("/versions/1", "/versions/9").replace("/versions/3", "/versions/9");
    save(a, &opened.name, 2, vec![by_name(&stale, 0)]).await.bad(&["responses[0].question"]);
}

#[tokio::test]
async fn the_window_the_limit_and_the_candidate_are_checked() {
    let world = populated().await;
    let a = &world.a;
    let form = ["blueprints/choices/forms/x"];
    let at = |seconds: i64| Some(pb::timestamp(Utc::now() + chrono::Duration::seconds(seconds)));
    a.exam_of("later", &form, |e| e.open_time = at(3600)).await;
    a.exam_of("over", &form, |e| e.close_time = at(-3600)).await;
    start(a, "exams/later", "e-1").await.because(Code::FailedPrecondition, "EXAM_NOT_OPEN");
    start(a, "exams/over", "e-1").await.because(Code::FailedPrecondition, "EXAM_CLOSED");
    a.submission("exams/later", "e-1", vec![]).await.because(Code::FailedPrecondition, "EXAM_NOT_OPEN");
    a.submission("exams/over", "e-1", vec![]).await.because(Code::FailedPrecondition, "EXAM_CLOSED");
    start(a, "exams/none", "e-1").await.because(Code::NotFound, "NOT_FOUND");
    a.submission("exams/none", "e-1", vec![]).await.because(Code::NotFound, "NOT_FOUND");
    for candidate in ["", " e", "e ", &"x".repeat(129), "a\u{7}"] {
        start(a, "exams/spring", candidate).await.bad(&["candidate"]);
    }
    let request = pb::StartAttemptRequest {
        parent: "spring".to_owned(),
        form: "x".to_owned(),
        request_id: "ä".to_owned(),
        ..Default::default()
    };
    a.delivery().start_attempt(request).await.bad(&["parent", "form", "request_id", "candidate"]);
    let foreign = pb::StartAttemptRequest {
        parent: "exams/spring".to_owned(),
        candidate: "e".to_owned(),
        form: "blueprints/choices/forms/x".to_owned(),
        ..Default::default()
    };
    a.delivery().start_attempt(foreign).await.bad(&["form"]);

    a.exam_of("short", &form, |e| {
        e.time_limit = Some(prost_types::Duration { seconds: 1, nanos: 0 });
        e.max_attempts = 2;
    })
    .await;
    let opened = start(a, "exams/short", "e-1").await.unwrap();
    let due = pb::moment(opened.due_time.as_ref().unwrap()).unwrap();
    assert_eq!((due - pb::moment(opened.start_time.as_ref().unwrap()).unwrap()).num_milliseconds(), 1000);
    save(a, &opened.name, 1, vec![pick(1, "B")]).await.unwrap();
    // The clock that counts is the database's.
    let mut su = world.superuser().await;
    let left = (due - Utc::now()).num_milliseconds().max(0) as u64;
    tokio::time::sleep(std::time::Duration::from_millis(left + 20)).await;
    save(a, &opened.name, 2, vec![pick(2, "B")]).await.because(Code::FailedPrecondition, "ATTEMPT_OVERDUE");
    submit(a, &opened.name, vec![pick(2, "B")]).await.because(Code::FailedPrecondition, "ATTEMPT_OVERDUE");
    // Starting again ends the old one with what was saved.
    let second = start(a, "exams/short", "e-1").await.unwrap();
    assert_eq!(second.number, 2);
    let scored: rust_decimal::Decimal =
        sqlx::query_scalar("select score from attempt where number = 1 and exam_id = 'short'")
            .fetch_one(&mut su)
            .await
            .unwrap();
    assert_eq!(scored, 2.into());
    assert_eq!(submit(a, &opened.name, vec![]).await.unwrap().answered_count, 1);
}

#[tokio::test]
async fn many_starts_at_once_open_one_attempt() {
    let world = populated().await;
    let twin = world.twin().await;
    let starts = (0..16).map(|i| {
        let a = if i % 2 == 0 { world.a.clone() } else { twin.a.clone() };
        async move { start(&a, "exams/spring", "e-1").await }
    });
    let opened = futures_util::future::join_all(starts).await;
    let mut names: Vec<String> = opened.into_iter().map(|o| o.unwrap().name).collect();
    names.dedup();
    assert_eq!(names.len(), 1, "{names:?}");
    let mut su = world.superuser().await;
    let attempts: i64 = sqlx::query_scalar("select count(*) from attempt").fetch_one(&mut su).await.unwrap();
    assert_eq!(attempts, 1);
}

fn submission(candidate: &str, responses: Vec<pb::Response>) -> pb::ScoreSubmissionRequest {
    pb::ScoreSubmissionRequest {
        parent: "exams/spring".to_owned(),
        candidate: candidate.to_owned(),
        responses,
        request_id: format!("r{candidate}"),
        ..Default::default()
    }
}

async fn stream(
    a: &As,
    submissions: Vec<pb::ScoreSubmissionRequest>,
) -> Vec<pb::BatchScoreSubmissionsResponse> {
    let sent = submissions.into_iter().map(|s| pb::BatchScoreSubmissionsRequest { submission: Some(s) });
    let mut answers = a
        .delivery()
        .batch_score_submissions(tokio_stream::iter(sent.collect::<Vec<_>>()))
        .await
        .unwrap()
        .into_inner();
    let mut all = Vec::new();
    while let Some(answer) = answers.message().await.unwrap() {
        all.push(answer);
    }
    all.sort_by_key(|a| a.index);
    all
}

#[tokio::test]
async fn a_submission_counts_once() {
    let world = populated().await;
    let a = &world.a;
    let first = a.delivery().score_submission(submission("e-1", right())).await.unwrap().into_inner();
    assert_eq!((first.score.as_str(), first.awaiting_points.as_str(), first.attempt_number), ("30", "9", 1));
    assert_eq!(a.delivery().score_submission(submission("e-1", right())).await.unwrap().into_inner(), first);
    let stored =
        a.result().get_result(pb::GetResultRequest { name: first.name.clone() }).await.unwrap().into_inner();
    assert_eq!(stored, first, "what was answered is what is stored");
    a.delivery()
        .score_submission(submission("e-1", vec![]))
        .await
        .because(Code::FailedPrecondition, "REQUEST_ID_REUSED");
    let other = pb::ScoreSubmissionRequest { request_id: "other".to_owned(), ..submission("e-1", vec![]) };
    assert_eq!(a.delivery().score_submission(other).await.unwrap().into_inner().attempt_number, 2);
    let third = pb::ScoreSubmissionRequest { request_id: "third".to_owned(), ..submission("e-1", vec![]) };
    a.delivery().score_submission(third).await.because(Code::FailedPrecondition, "ATTEMPTS_EXHAUSTED");
    // Exhausted now, yet the first one's repeat still gets its answer.
    assert_eq!(a.delivery().score_submission(submission("e-1", right())).await.unwrap().into_inner(), first);
    let nameless = pb::ScoreSubmissionRequest { request_id: String::new(), ..submission("e-1", vec![]) };
    a.delivery().score_submission(nameless).await.bad(&["request_id"]);

    let two = ["blueprints/standard/forms/a", "blueprints/standard/forms/b"];
    a.exam_of("two", &two, |_| {}).await;
    let unsaid = pb::ScoreSubmissionRequest {
        parent: "exams/two".to_owned(),
        request_id: "u".to_owned(),
        ..submission("e-1", vec![])
    };
    a.delivery().score_submission(unsaid.clone()).await.bad(&["form"]);
    let said = pb::ScoreSubmissionRequest { form: two[1].to_owned(), ..unsaid };
    assert_eq!(a.delivery().score_submission(said).await.unwrap().into_inner().form, two[1]);
}

/// Empty responses are two bytes each on the wire, and hundreds once they are read.
#[tokio::test]
async fn a_crowd_of_responses_is_refused_unread() {
    use pb::batch_score_submissions_response::Outcome;
    let world = populated().await;
    let crowd = submission("crowd", vec![pb::Response::default(); 3_000_000]);
    world.a.delivery().score_submission(crowd.clone()).await.bad(&["responses"]);
    let worded = vec![pb::Response { text: "x".to_owned(), ..Default::default() }; 25_000];
    world.a.delivery().score_submission(submission("words", worded)).await.bad(&["responses"]);
    let answers = stream(&world.a, vec![crowd, submission("next", right())]).await;
    match (&answers[0].outcome, &answers[1].outcome) {
        (Some(Outcome::Error(error)), Some(Outcome::Result(next))) => {
            assert_eq!((error.code, error.violations[0].field.as_str()), (3, "responses"));
            assert_eq!(next.score, "30");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_stream_answers_each_submission_on_its_own() {
    use pb::batch_score_submissions_response::Outcome;
    let world = populated().await;
    let mut sent: Vec<pb::ScoreSubmissionRequest> =
        (0..150).map(|i| submission(&format!("e-{i}"), right())).collect();
    sent[7].responses = vec![pick(1, "Z")];
    sent[8].parent = "exams/none".to_owned();
    sent[9] = sent[3].clone();
    sent[10].request_id = String::new();
    let answers = stream(&world.a, sent.clone()).await;
    assert_eq!(answers.len(), 150);
    for (i, (answer, sent)) in answers.iter().zip(&sent).enumerate() {
        assert_eq!((answer.index, &answer.request_id), (i as i64, &sent.request_id));
        match (i, answer.outcome.as_ref().unwrap()) {
            (7, Outcome::Error(e)) => {
                assert_eq!((e.code, e.violations[0].field.as_str()), (3, "responses[0].choices[0]"));
            }
            (8, Outcome::Error(e)) => assert_eq!((e.code, e.reason.as_str()), (5, "NOT_FOUND")),
            (10, Outcome::Error(e)) => {
                assert_eq!((e.code, e.violations[0].field.as_str()), (3, "request_id"))
            }
            (7 | 8 | 10, Outcome::Result(r)) => panic!("{i}: {r:?}"),
            (_, Outcome::Result(r)) => {
                assert_eq!((r.score.as_str(), r.candidate.as_str()), ("30", sent.candidate.as_str()))
            }
            (_, Outcome::Error(e)) => panic!("{i}: {e:?}"),
        }
    }
    let mut su = world.superuser().await;
    let stored: i64 = sqlx::query_scalar("select count(*) from attempt").fetch_one(&mut su).await.unwrap();
    assert_eq!(stored, 146);
    let again = stream(&world.a, sent).await;
    assert_eq!(again, answers, "the whole stream again changes nothing");
}
