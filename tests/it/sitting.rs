//! Sittings: what the exam's policies promise about time, order, voiding, counting and showing.

use std::time::Duration;

use assessd::pb;
use chrono::Utc;
use futures_util::future::join_all;
use prost::Message;
use tonic::{Code, Response, Status};

use crate::support::{
    As, Refused, World,
    build::pick,
    populate::SECRETS,
    sit::{attempt, save, start, submit},
};

/// Four single choices of 2 points, the right one always B.
const CHOICES: [&str; 1] = ["blueprints/choices/forms/x"];

async fn populated() -> World {
    let world = World::start().await;
    world.a.populate_forms().await;
    world
}

async fn void(a: &As, name: &str) -> Result<pb::Attempt, Status> {
    let request =
        pb::VoidAttemptRequest {
            name: name.to_owned(), reason: "监考记录".to_owned(), ..Default::default()
        };
    a.delivery().void_attempt(request).await.map(Response::into_inner)
}

async fn result(a: &As, attempt: &str) -> Result<pb::Result, Status> {
    let request = pb::GetResultRequest { name: format!("{attempt}/result") };
    a.result().get_result(request).await.map(Response::into_inner)
}

async fn released(a: &As, attempt: &str) -> pb::ReleasedResult {
    let request = pb::GetReleasedResultRequest { name: attempt.to_owned() };
    a.delivery().get_released_result(request).await.unwrap().into_inner()
}

async fn events(a: &As, attempt: &str) -> pb::ListSittingEventsResponse {
    let request = pb::ListSittingEventsRequest { parent: attempt.to_owned() };
    a.delivery().list_sitting_events(request).await.unwrap().into_inner()
}

async fn score_of(a: &As, exam: &str, candidate: &str) -> pb::CandidateScore {
    let request = pb::GetCandidateScoreRequest { parent: exam.to_owned(), candidate: candidate.to_owned() };
    a.result().get_candidate_score(request).await.unwrap().into_inner()
}

async fn change(a: &As, exam: &str, path: &str, change: impl FnOnce(&mut pb::Exam)) {
    let mut new = pb::Exam { name: exam.to_owned(), ..Default::default() };
    change(&mut new);
    let request = pb::UpdateExamRequest {
        exam: Some(new),
        update_mask: Some(prost_types::FieldMask { paths: vec![path.to_owned()] }),
        ..Default::default()
    };
    a.exam().update_exam(request).await.unwrap();
}

fn seconds(seconds: i64) -> Option<prost_types::Duration> {
    Some(prost_types::Duration { seconds, nanos: 0 })
}

fn extra(candidate: &str, time: i64, attempts: i32) -> pb::Accommodation {
    pb::Accommodation {
        candidate: candidate.to_owned(),
        extra_time: seconds(time),
        extra_attempts: attempts,
        ..Default::default()
    }
}

fn span(attempt: &pb::Attempt) -> i64 {
    attempt.due_time.unwrap().seconds - attempt.start_time.unwrap().seconds
}

fn kinds(events: &pb::ListSittingEventsResponse) -> Vec<pb::SittingEventKind> {
    events.events.iter().map(|e| e.kind()).collect()
}

async fn pause(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}

/// The attempt once the service has ended it.
async fn expired(a: &As, name: &str) -> pb::Attempt {
    for _ in 0..200 {
        let attempt = attempt(a, name).await;
        if attempt.state() == pb::AttemptState::Expired {
            return attempt;
        }
        pause(100).await;
    }
    panic!("{name} was not ended by the service");
}

#[tokio::test]
async fn saves_of_two_tabs_arrive_in_any_order_and_the_newest_stands() {
    let world = populated().await;
    let twin = world.twin().await;
    world.a.exam_of("e", &CHOICES, |_| {}).await;
    let opened = start(&world.a, "exams/e", "c").await.unwrap();
    // Two tabs at two servers share one counter; every save is sent twice, and they overtake each other.
    let letter = |sequence: i64| ["A", "B", "C", "D"][(sequence % 4) as usize];
    let saves = (0..80).map(|i| {
        let sequence = (i * 37) % 40 + 1;
        let a = if i % 2 == 0 { world.a.clone() } else { twin.a.clone() };
        let name = opened.name.clone();
        async move { (sequence, save(&a, &name, sequence, vec![pick(1, letter(sequence))]).await.unwrap()) }
    });
    let answers = join_all(saves).await;
    for (sequence, answer) in &answers {
        assert!(answer.sequence >= *sequence && answer.answered_count == 1, "{answer:?}");
    }
    let accepted = answers.iter().filter(|(sequence, a)| a.accepted && *sequence == 40).count();
    assert_eq!(accepted, 1, "a retry changes nothing");
    let resumed = start(&twin.a, "exams/e", "c").await.unwrap();
    assert_eq!((&resumed.name, resumed.sequence), (&opened.name, 40));
    assert_eq!(resumed.responses[0].choices, [letter(40)]);
    // Positions that a save does not name keep what they had.
    save(&world.a, &opened.name, 41, vec![pick(3, "B")]).await.unwrap();
    let after = attempt(&world.a, &opened.name).await;
    assert_eq!(after.responses.iter().map(|r| r.position).collect::<Vec<_>>(), [1, 3]);
    let log = events(&world.a, &opened.name).await;
    assert_eq!(kinds(&log)[0], pb::SittingEventKind::Started);
    assert!(kinds(&log)[1..].iter().all(|k| *k == pb::SittingEventKind::Saved));
}

#[tokio::test]
async fn the_service_ends_and_scores_what_ran_out() {
    let world = populated().await;
    // Two servers look for overdue attempts at once.
    let twin = world.twin().await;
    let a = &world.a;
    a.exam_of("e", &CHOICES, |e| {
        e.time_limit = seconds(1);
        e.release = Some(pb::ReleasePolicy { time: pb::ReleaseTime::AtOnce as i32, content: 0 });
    })
    .await;
    let opened = join_all((0..30).map(|i| {
        let a = a.clone();
        async move {
            let opened = start(&a, "exams/e", &format!("c-{i}")).await.unwrap();
            save(&a, &opened.name, 1, vec![pick(1, "B"), pick(2, "B"), pick(3, "A")]).await.unwrap();
            opened.name
        }
    }))
    .await;
    for name in &opened {
        let ended = expired(&twin.a, name).await;
        assert_eq!(ended.responses.len(), 3);
        assert!(ended.submit_time.unwrap().seconds >= ended.due_time.unwrap().seconds);
        let result = result(a, name).await.unwrap();
        assert_eq!((result.score.as_str(), result.expired, result.late), ("4", true, false));
    }
    let name = &opened[0];
    assert_eq!(
        kinds(&events(a, name).await),
        [pb::SittingEventKind::Started, pb::SittingEventKind::Saved, pb::SittingEventKind::Expired]
    );
    assert_eq!(released(a, name).await.score, "4");
    submit(a, name, vec![pick(4, "B")]).await.because(Code::FailedPrecondition, "ATTEMPT_OVERDUE");
    save(a, name, 2, vec![pick(4, "B")]).await.because(Code::FailedPrecondition, "ATTEMPT_OVERDUE");
    assert_eq!(submit(a, name, vec![]).await.unwrap().answered_count, 3);
    start(a, "exams/e", "c-0").await.because(Code::FailedPrecondition, "ATTEMPTS_EXHAUSTED");
    let mut su = world.superuser().await;
    let recorded: (i64, i64) = sqlx::query_as(
        "select count(*), count(distinct resource) from audit join event using (tenant_id, resource)
         where event.kind = 'attempt.expired' and audit.outcome = event.kind and audit.actor = 'assessd'",
    )
    .fetch_one(&mut su)
    .await
    .unwrap();
    assert_eq!(recorded, (30, 30), "each once");
}

#[tokio::test]
async fn twenty_starts_upon_an_attempt_that_ran_out_open_one() {
    let world = populated().await;
    let twin = world.twin().await;
    world
        .a
        .exam_of("e", &CHOICES, |e| {
            e.time_limit = seconds(1);
            e.max_attempts = 2;
        })
        .await;
    let first = start(&world.a, "exams/e", "c").await.unwrap();
    change(&world.a, "exams/e", "time_limit", |e| e.time_limit = seconds(600)).await;
    pause(1050).await;
    let starts = (0..20).map(|i| {
        let a = if i % 2 == 0 { world.a.clone() } else { twin.a.clone() };
        async move { start(&a, "exams/e", "c").await.unwrap() }
    });
    let opened = join_all(starts).await;
    assert_ne!(opened[0].name, first.name);
    assert!(opened.iter().all(|o| o.name == opened[0].name && o.number == 2));
    assert_eq!(attempt(&world.a, &first.name).await.state(), pb::AttemptState::Expired);
}

#[tokio::test]
async fn accommodations_hold_while_a_sitting_runs() {
    use pb::batch_set_accommodations_element::Outcome;
    let world = populated().await;
    let a = &world.a;
    a.exam_of("e", &CHOICES, |e| e.time_limit = seconds(2)).await;
    let opened = start(a, "exams/e", "c").await.unwrap();
    assert_eq!(span(&opened), 2);
    let elements = a
        .accommodate(
            "exams/e",
            vec![extra("c", 3600, 1), extra("", 1, 1), extra("d", -1, 101), extra("c", 0, 0)],
        )
        .await;
    let told: Vec<Vec<String>> = elements
        .iter()
        .map(|e| match e.outcome.as_ref().unwrap() {
            Outcome::Accommodation(set) => {
                assert!(set.update_time.is_some());
                vec![]
            }
            Outcome::Error(e) => e.violations.iter().map(|v| v.field.clone()).collect(),
        })
        .collect();
    let wanted: [&[&str]; 4] = [
        &[],
        &["accommodations[1].candidate"],
        &["accommodations[2].extra_time", "accommodations[2].extra_attempts"],
        &["accommodations[3].candidate"],
    ];
    assert_eq!(told, wanted);
    assert_eq!(span(&attempt(a, &opened.name).await), 3602);
    pause(2500).await;
    assert!(save(a, &opened.name, 1, vec![pick(1, "B")]).await.unwrap().accepted, "the extra time holds");
    submit(a, &opened.name, vec![]).await.unwrap();
    let done = result(a, &opened.name).await.unwrap();
    assert_eq!((done.score.as_str(), done.late, done.expired), ("2", false, false));
    // What is over does not move any more.
    a.accommodate("exams/e", vec![extra("c", 60, 1)]).await;
    assert_eq!(span(&attempt(a, &opened.name).await), 3602);

    let second = start(a, "exams/e", "c").await.unwrap();
    assert_eq!((second.number, span(&second)), (2, 62));
    // Taken back, the sitting ends.
    a.accommodate("exams/e", vec![extra("c", 0, 0)]).await;
    expired(a, &second.name).await;
    start(a, "exams/e", "c").await.because(Code::FailedPrecondition, "ATTEMPTS_EXHAUSTED");
    a.accommodate("exams/e", vec![extra("c", 0, 2)]).await;
    let used = score_of(a, "exams/e", "c").await;
    assert_eq!((used.attempts_used, used.attempts_allowed), (2, 3));
    start(a, "exams/e", "c").await.unwrap();

    let request = pb::BatchSetAccommodationsRequest { parent: "exams/e".to_owned(), ..Default::default() };
    a.exam().batch_set_accommodations(request.clone()).await.bad(&["accommodations"]);
    let none = pb::BatchSetAccommodationsRequest {
        parent: "exams/none".to_owned(),
        accommodations: vec![extra("c", 0, 0)],
        ..request
    };
    a.exam().batch_set_accommodations(none).await.because(Code::NotFound, "NOT_FOUND");
}

#[tokio::test]
async fn late_answers_follow_the_policy() {
    let world = populated().await;
    let a = &world.a;
    let policy =
        |mode: pb::LateMode, grace| Some(pb::LatePolicy { mode: mode as i32, grace: seconds(grace) });
    for (id, mode, grace) in [
        ("marked", pb::LateMode::AcceptAndMark, 0),
        ("graced", pb::LateMode::Refuse, 600),
        ("refused", pb::LateMode::Refuse, 0),
    ] {
        a.exam_of(id, &CHOICES, |e| {
            e.time_limit = seconds(1);
            e.late_policy = policy(mode, grace);
        })
        .await;
    }
    let marked = start(a, "exams/marked", "c").await.unwrap().name;
    let graced = start(a, "exams/graced", "c").await.unwrap().name;
    let refused = start(a, "exams/refused", "c").await.unwrap().name;
    for name in [&marked, &graced, &refused] {
        save(a, name, 1, vec![pick(1, "B")]).await.unwrap();
    }
    pause(3500).await;
    // Long enough for the service to have looked: only where nothing more is accepted it has ended the sitting.
    expired(a, &refused).await;
    for (name, late) in [(&marked, true), (&graced, false)] {
        assert!(save(a, name, 2, vec![pick(2, "B")]).await.unwrap().accepted);
        submit(a, name, vec![pick(3, "B")]).await.unwrap();
        let result = result(a, name).await.unwrap();
        assert_eq!((result.score.as_str(), result.late, result.expired), ("6", late, false), "{name}");
    }
    // Elsewhere: the end is that of the exam.
    let past = Some(pb::timestamp(Utc::now() - chrono::Duration::seconds(60)));
    a.exam_of("over", &CHOICES, |e| {
        e.close_time = past;
        e.late_policy = policy(pb::LateMode::AcceptAndMark, 0);
    })
    .await;
    let late = a.submission("exams/over", "c", vec![pick(1, "B")]).await.unwrap();
    assert_eq!((late.score.as_str(), late.late), ("2", true));
    change(a, "exams/over", "late_policy", |e| e.late_policy = policy(pb::LateMode::Refuse, 0)).await;
    a.submission("exams/over", "d", vec![]).await.because(Code::FailedPrecondition, "EXAM_CLOSED");
    a.accommodate("exams/over", vec![extra("d", 3600, 0)]).await;
    assert!(!a.submission("exams/over", "d", vec![]).await.unwrap().late);
    start(a, "exams/over", "d").await.because(Code::FailedPrecondition, "EXAM_CLOSED");
}

#[tokio::test]
async fn a_void_attempt_counts_nowhere_and_frees_its_place() {
    let world = populated().await;
    let a = &world.a;
    a.exam_of("e", &CHOICES, |_| {}).await;
    let first = start(a, "exams/e", "c").await.unwrap();
    save(a, &first.name, 1, vec![pick(1, "B")]).await.unwrap();
    let deliverer = a.role(&[pb::Role::Deliverer]).await;
    void(&deliverer, &first.name).await.refused(Code::PermissionDenied);
    let voided = void(a, &first.name).await.unwrap();
    assert_eq!((voided.state(), voided.responses.len()), (pb::AttemptState::Void, 1));
    assert_eq!(attempt(a, &first.name).await, voided);
    save(a, &first.name, 2, vec![pick(1, "A")]).await.because(Code::FailedPrecondition, "ATTEMPT_VOID");
    submit(a, &first.name, vec![]).await.because(Code::FailedPrecondition, "ATTEMPT_VOID");
    void(a, &first.name).await.because(Code::FailedPrecondition, "ATTEMPT_VOID");
    let log = events(a, &first.name).await;
    let last = log.events.last().unwrap();
    assert_eq!((last.kind(), last.note.as_str()), (pb::SittingEventKind::Voided, "监考记录"));

    let second = start(a, "exams/e", "c").await.unwrap();
    assert_eq!(second.number, 2);
    submit(a, &second.name, vec![pick(1, "B")]).await.unwrap();
    start(a, "exams/e", "c").await.because(Code::FailedPrecondition, "ATTEMPTS_EXHAUSTED");
    let counted = score_of(a, "exams/e", "c").await;
    assert_eq!((counted.score.as_str(), counted.attempts_used), ("2", 1));
    assert_eq!(counted.results, [format!("{}/result", second.name)]);
    void(a, &second.name).await.unwrap();
    result(a, &second.name).await.because(Code::NotFound, "NOT_FOUND");
    assert_eq!(released(a, &second.name).await, pb::ReleasedResult::default());
    let counted = score_of(a, "exams/e", "c").await;
    assert_eq!((counted.score.as_str(), counted.attempts_used, counted.results.len()), ("", 0, 0));
    let list = pb::ListResultsRequest { parent: "exams/e".to_owned(), ..Default::default() };
    assert!(a.result().list_results(list).await.unwrap().into_inner().results.is_empty());

    let elsewhere = a.submission("exams/e", "c", vec![pick(1, "B")]).await.unwrap();
    assert_eq!(elsewhere.attempt_number, 3);
    void(a, elsewhere.name.strip_suffix("/result").unwrap()).await.unwrap();
    a.submission("exams/e", "c", vec![pick(1, "B")]).await.because(Code::FailedPrecondition, "ATTEMPT_VOID");
    assert_eq!(start(a, "exams/e", "c").await.unwrap().number, 4);
}

#[tokio::test]
async fn nothing_is_shown_before_its_time_nor_beyond_the_policy() {
    let world = populated().await;
    let a = &world.a;
    let leaks = |answer: &pb::ReleasedResult| {
        let bytes = answer.encode_to_vec();
        SECRETS.iter().any(|s| bytes.windows(s.len()).any(|w| w == s.as_bytes()))
    };
    let policy = |time: pb::ReleaseTime, content: pb::ReleaseContent| {
        Some(pb::ReleasePolicy { time: time as i32, content: content as i32 })
    };
    let form = ["blueprints/standard/forms/a"];
    for (id, content) in [
        ("score", pb::ReleaseContent::ScoreOnly),
        ("marks", pb::ReleaseContent::Marks),
        ("keys", pb::ReleaseContent::Keys),
    ] {
        let exam = a
            .exam_of(id, &form, |e| {
                e.release = policy(pb::ReleaseTime::ByHand, content);
                e.pass_mark = "2".to_owned();
                e.grade_bands = vec![pb::GradeBand {
                    label: "及格".to_owned(),
                    from_score: "2".to_owned(),
                    ..Default::default()
                }];
            })
            .await;
        let name = start(a, &exam, "c").await.unwrap().name;
        assert_eq!(released(a, &name).await, pb::ReleasedResult::default());
        submit(a, &name, vec![pick(1, "B"), pick(2, "A")]).await.unwrap();
        assert_eq!(released(a, &name).await, pb::ReleasedResult::default());
        let request = pb::ReleaseResultsRequest { name: exam.clone(), ..Default::default() };
        let shown = a.exam().release_results(request.clone()).await.unwrap().into_inner();
        assert!(shown.release_time.is_some());
        assert_eq!(a.exam().release_results(request).await.unwrap().into_inner(), shown, "a repeat");
        let seen = released(a, &name).await;
        assert_eq!((seen.released, seen.score.as_str(), seen.max_score.as_str()), (true, "2", "39"));
        assert_eq!((seen.grade.as_str(), seen.passed), ("及格", Some(true)));
        assert_eq!(seen.marks.len(), if content == pb::ReleaseContent::ScoreOnly { 0 } else { 12 });
        assert_eq!(leaks(&seen), content == pb::ReleaseContent::Keys, "{id}");
        if content == pb::ReleaseContent::Keys {
            assert_eq!(
                (&seen.marks[0].key, seen.marks[0].explanation.as_str()),
                (&vec!["B".to_owned()], "SECRET-WHY")
            );
            assert_eq!(seen.marks[6].key, ["√"]);
            assert_eq!(seen.marks[7].key, ["SECRET-KEY-1", "SECRET-KEY-2"]);
        } else {
            assert!(seen.marks.iter().all(|m| m.key.is_empty() && m.explanation.is_empty()));
        }
    }

    let close = Some(pb::timestamp(Utc::now() + chrono::Duration::seconds(2)));
    a.exam_of("closing", &form, |e| {
        e.close_time = close;
        e.release = policy(pb::ReleaseTime::AfterClosing, pb::ReleaseContent::Keys);
    })
    .await;
    a.accommodate("exams/closing", vec![extra("slow", 600, 0)]).await;
    let quick = start(a, "exams/closing", "quick").await.unwrap().name;
    let slow = start(a, "exams/closing", "slow").await.unwrap().name;
    submit(a, &quick, vec![pick(1, "B")]).await.unwrap();
    assert_eq!(released(a, &quick).await, pb::ReleasedResult::default());
    let request = pb::ReleaseResultsRequest { name: "exams/closing".to_owned(), ..Default::default() };
    a.exam().release_results(request).await.because(Code::FailedPrecondition, "RELEASE_NOT_BY_HAND");
    pause(2500).await;
    assert_eq!(released(a, &quick).await, pb::ReleasedResult::default(), "somebody still sits");
    submit(a, &slow, vec![]).await.unwrap();
    assert!(leaks(&released(a, &quick).await));
    let unknown = pb::GetReleasedResultRequest { name: quick.replace("closing", "none") };
    a.delivery().get_released_result(unknown).await.because(Code::NotFound, "NOT_FOUND");
}

#[tokio::test]
async fn clocks_that_are_wrong_are_kept_and_trusted_for_nothing() {
    let world = populated().await;
    let a = &world.a;
    a.exam_of("e", &CHOICES, |_| {}).await;
    let opened = start(a, "exams/e", "c").await.unwrap();
    let report = |events: Vec<pb::SittingEvent>| {
        let request = pb::ReportSittingEventsRequest { name: opened.name.clone(), events };
        let a = a.clone();
        async move { a.delivery().report_sitting_events(request).await.map(|r| r.into_inner().noted_count) }
    };
    let event = |kind: pb::SittingEventKind, seconds: i64, nanos: i32| pb::SittingEvent {
        kind: kind as i32,
        // What a caller says here counts for nothing.
        time: Some(prost_types::Timestamp { seconds: 1, nanos: 0 }),
        reported_time: Some(prost_types::Timestamp { seconds, nanos }),
        note: "切屏".to_owned(),
    };
    use pb::SittingEventKind::{FocusGained, FocusLost, Note, Started, Submitted};
    let skewed = vec![
        event(FocusLost, 253_402_300_799, 999_999_999),
        event(FocusGained, -62_135_596_800, 0),
        event(Note, 0, 1),
    ];
    assert_eq!(report(skewed.clone()).await.unwrap(), 3);
    let log = events(a, &opened.name).await;
    assert_eq!(kinds(&log), [Started, FocusLost, FocusGained, Note]);
    let began = opened.start_time.unwrap().seconds;
    for (noted, sent) in log.events[1..].iter().zip(&skewed) {
        assert_eq!((noted.reported_time, noted.note.as_str()), (sent.reported_time, "切屏"));
        assert!((began..began + 60).contains(&noted.time.unwrap().seconds), "the service's own clock");
    }
    let mut long = event(Note, 0, 0);
    long.note = "长".repeat(201);
    let bad = vec![
        event(FocusLost, 0, -1),
        event(FocusLost, i64::MAX, 0),
        event(Submitted, 0, 0),
        event(pb::SittingEventKind::Unspecified, 0, 0),
        long,
    ];
    report(bad).await.bad(&[
        "events[0].reported_time",
        "events[1].reported_time",
        "events[2].kind",
        "events[3].kind",
        "events[4].note",
    ]);
    report(vec![event(Note, 0, 0); 101]).await.bad(&["events"]);
    submit(a, &opened.name, vec![]).await.unwrap();
    assert_eq!(report(skewed).await.unwrap(), 0, "the sitting is over");
    assert_eq!(events(a, &opened.name).await.events.len(), 5);
}

#[tokio::test]
async fn an_essay_of_ten_megabytes_is_refused_and_the_rest_goes_through() {
    use pb::batch_score_submissions_response::Outcome;
    let world = populated().await;
    let a = &world.a;
    a.exam_of("e", &["blueprints/standard/forms/a"], |_| {}).await;
    let essay = || pb::Response { position: 9, text: "x".repeat(10 << 20), ..Default::default() };
    let opened = start(a, "exams/e", "c").await.unwrap();
    save(a, &opened.name, 1, vec![pick(1, "B"), essay()]).await.bad(&["responses[1].text"]);
    submit(a, &opened.name, vec![essay()]).await.bad(&["responses[0].text"]);
    let submission = |candidate: &str, responses| pb::BatchScoreSubmissionsRequest {
        submission: Some(pb::ScoreSubmissionRequest {
            parent: "exams/e".to_owned(),
            candidate: candidate.to_owned(),
            request_id: candidate.to_owned(),
            responses,
            ..Default::default()
        }),
    };
    let foreign = pb::Response { question: "banks/crm/questions/d1".to_owned(), ..Default::default() };
    let sent = vec![
        submission("a", vec![pick(1, "B")]),
        submission("b", vec![essay()]),
        submission("c1", vec![pick(1, "B"), pick(1, "C"), pick(2, "Z"), foreign]),
        submission("d", vec![pick(1, "B"), pick(2, "B")]),
    ];
    let mut answers =
        a.delivery().batch_score_submissions(tokio_stream::iter(sent)).await.unwrap().into_inner();
    let mut told = vec![Vec::new(); 4];
    while let Some(answer) = answers.message().await.unwrap() {
        told[answer.index as usize] = match answer.outcome.unwrap() {
            Outcome::Result(result) => vec![result.score],
            Outcome::Error(e) => e.violations.into_iter().map(|v| v.field).collect(),
        };
    }
    let wanted: [&[&str]; 4] = [
        &["2"],
        &["responses[0].text"],
        &["responses[1]", "responses[2].choices[0]", "responses[3].question"],
        &["4"],
    ];
    assert_eq!(told, wanted);
}

#[tokio::test]
async fn the_attempt_that_counts_and_its_grade() {
    let world = populated().await;
    let a = &world.a;
    let band = |label: &str, from: &str| pb::GradeBand {
        label: label.to_owned(),
        from_score: from.to_owned(),
        ..Default::default()
    };
    a.exam_of("e", &CHOICES, |e| {
        e.max_attempts = 3;
        e.pass_mark = "5".to_owned();
        e.grade_bands = vec![band("C", "2"), band("B", "4.67"), band("A", "8")];
    })
    .await;
    for right in [1, 4, 2] {
        let name = start(a, "exams/e", "c").await.unwrap().name;
        let given = (1..=4).map(|i| pick(i, if i <= right { "B" } else { "C" })).collect();
        submit(a, &name, given).await.unwrap();
    }
    use pb::AttemptCounting as C;
    for (counting, score, grade, passed, from) in [
        (C::Unspecified, "2", "C", false, 1),
        (C::First, "2", "C", false, 1),
        (C::Best, "8", "A", true, 1),
        (C::Last, "4", "C", false, 1),
        (C::Mean, "4.67", "B", false, 3),
    ] {
        change(a, "exams/e", "attempt_counting", |e| e.attempt_counting = counting as i32).await;
        let counted = score_of(a, "exams/e", "c").await;
        assert_eq!((counted.score.as_str(), counted.max_score.as_str()), (score, "8"), "{counting:?}");
        assert_eq!((counted.grade.as_str(), counted.passed), (grade, Some(passed)), "{counting:?}");
        assert_eq!((counted.results.len(), counted.attempts_used), (from, 3));
    }
    let list = pb::ListResultsRequest { parent: "exams/e".to_owned(), ..Default::default() };
    let listed = a.result().list_results(list).await.unwrap().into_inner().results;
    assert_eq!(listed.iter().map(|r| r.grade.as_str()).collect::<Vec<_>>(), ["C", "A", "C"]);
    let nobody = score_of(a, "exams/e", "nobody").await;
    assert_eq!((nobody.score.as_str(), nobody.attempts_used, nobody.passed), ("", 0, None));
    let none = pb::GetCandidateScoreRequest { parent: "exams/none".to_owned(), candidate: "c".to_owned() };
    a.result().get_candidate_score(none).await.because(Code::NotFound, "NOT_FOUND");
}

#[tokio::test]
async fn forms_are_allotted_as_the_exam_says() {
    let world = populated().await;
    let a = &world.a;
    let forms = ["blueprints/standard/forms/a", "blueprints/standard/forms/b", "blueprints/standard/forms/c"];
    a.exam_of("seats", &forms, |e| e.form_allotment = pb::FormAllotment::Seat as i32).await;
    a.exam_of("given", &forms, |e| e.form_allotment = pb::FormAllotment::Given as i32).await;
    let sit = |exam: &str, candidate: &str, seat: i32, form: &str| {
        let request = pb::StartAttemptRequest {
            parent: exam.to_owned(),
            candidate: candidate.to_owned(),
            seat,
            form: form.to_owned(),
            ..Default::default()
        };
        let a = a.clone();
        async move { a.delivery().start_attempt(request).await.map(|r| r.into_inner().form) }
    };
    for seat in 1..=7 {
        let form = sit("exams/seats", &format!("c-{seat}"), seat, "").await.unwrap();
        assert_eq!(form, forms[(seat as usize - 1) % 3]);
    }
    sit("exams/seats", "x", 0, "").await.bad(&["seat"]);
    sit("exams/seats", "x", -1, "").await.bad(&["seat"]);
    assert_eq!(sit("exams/seats", "x", 1, forms[2]).await.unwrap(), forms[2], "who names one gets it");
    sit("exams/given", "x", 1, "").await.bad(&["form"]);
    assert_eq!(sit("exams/given", "x", 0, forms[1]).await.unwrap(), forms[1]);
}

/// Whether each accommodation changes something, and why not.
async fn effects(a: &As, exam: &str, given: Vec<pb::Accommodation>) -> Vec<String> {
    a.accommodate(exam, given).await.into_iter().map(|e| e.no_effect_reason).collect()
}

#[tokio::test]
async fn what_is_accommodated_after_the_end_says_that_it_changes_nothing() {
    let world = populated().await;
    let a = &world.a;
    a.exam_of("e", &CHOICES, |e| e.time_limit = seconds(600)).await;
    let opened = start(a, "exams/e", "c").await.unwrap();
    assert_eq!(
        effects(a, "exams/e", vec![extra("c", 60, 0), extra("new", 60, 0), extra("", 1, 0)]).await,
        ["", "", ""]
    );
    submit(a, &opened.name, vec![]).await.unwrap();
    let told = effects(a, "exams/e", vec![extra("c", 120, 0), extra("c2", 120, 0)]).await;
    assert!(told[0].contains("1 of 1 attempts") && told[0].contains("ReopenAttempt"), "{told:?}");
    assert_eq!(told[1], "");
    assert_eq!(effects(a, "exams/e", vec![extra("c", 0, 1)]).await, [""]);
    assert_eq!(effects(a, "exams/e", vec![extra("c", 0, 0)]).await, [""]);
    change(a, "exams/e", "close_time", |e| {
        e.close_time = Some(prost_types::Timestamp { seconds: Utc::now().timestamp() - 600, nanos: 0 });
    })
    .await;
    let told = effects(a, "exams/e", vec![extra("d", 60, 0), extra("f", 0, 1), extra("g", 3600, 0)]).await;
    assert!(told[..2].iter().all(|t| t.contains("exams/e closed at")), "{told:?}");
    // That much would let a submission from elsewhere in.
    assert_eq!(told[2], "");
    let request = pb::ListAccommodationsRequest { parent: "exams/e".to_owned(), ..Default::default() };
    let kept = a.exam().list_accommodations(request).await.unwrap().into_inner().accommodations;
    assert!(
        kept.iter().any(|k| k.candidate == "d" && k.extra_time == seconds(60)),
        "it is kept all the same"
    );
}

fn reopening(name: &str) -> pb::ReopenAttemptRequest {
    pb::ReopenAttemptRequest { name: name.to_owned(), reason: "误交".to_owned(), ..Default::default() }
}

async fn reopen(a: &As, request: pb::ReopenAttemptRequest) -> Result<pb::Attempt, Status> {
    a.delivery().reopen_attempt(request).await.map(Response::into_inner)
}

#[tokio::test]
async fn an_attempt_is_opened_again_with_what_it_had() {
    use pb::SittingEventKind as Kind;
    let world = populated().await;
    let a = &world.a;
    a.exam_of("e", &["blueprints/standard/forms/a"], |e| e.time_limit = seconds(600)).await;
    let opened = start(a, "exams/e", "c").await.unwrap();
    reopen(a, reopening(&opened.name)).await.because(Code::FailedPrecondition, "ATTEMPT_OPEN");
    let written = pb::Response { position: 9, text: "写了".to_owned(), ..Default::default() };
    submit(a, &opened.name, vec![pick(1, "B"), written]).await.unwrap();
    // A grader marks it, and then it is opened again.
    let grade = pb::GradeResponseRequest {
        name: format!("{}/responses/9", opened.name),
        grader: "li".to_owned(),
        points: "5".to_owned(),
        ..Default::default()
    };
    a.grading().grade_response(grade.clone()).await.unwrap();
    let before = result(a, &opened.name).await.unwrap();
    assert_eq!((before.score.as_str(), before.revision, before.state()), ("7", 2, pb::ResultState::Scored));
    let deliverer = a.role(&[pb::Role::Deliverer]).await;
    reopen(&deliverer, reopening(&opened.name)).await.refused(Code::PermissionDenied);
    let nameless = pb::ReopenAttemptRequest {
        reason: String::new(),
        time_left: seconds(86_401),
        state: pb::AttemptState::Void as i32,
        ..reopening(&opened.name)
    };
    reopen(a, nameless).await.bad(&["reason", "time_left", "state"]);
    let submitted =
        pb::ReopenAttemptRequest { state: pb::AttemptState::Submitted as i32, ..reopening(&opened.name) };
    let timed = pb::ReopenAttemptRequest { time_left: seconds(60), ..submitted.clone() };
    reopen(a, timed).await.bad(&["time_left"]);
    reopen(a, submitted).await.because(Code::FailedPrecondition, "ATTEMPT_SUBMITTED");

    let once = pb::ReopenAttemptRequest { request_id: "r".to_owned(), ..reopening(&opened.name) };
    let again = reopen(a, once.clone()).await.unwrap();
    assert_eq!((again.state(), again.number, again.responses.len()), (pb::AttemptState::Open, 1, 2));
    assert_eq!((again.submit_time, again.sequence), (None, 0));
    // As long as was left: the whole but for what this test has taken.
    let left = again.due_time.unwrap().seconds - Utc::now().timestamp();
    assert!((590..=600).contains(&left), "{left}");
    assert_eq!(attempt(a, &opened.name).await, again);
    assert_eq!(reopen(a, once).await.unwrap(), again, "a repeat");
    result(a, &opened.name).await.because(Code::NotFound, "NOT_FOUND");
    assert_eq!(
        start(a, "exams/e", "c").await.unwrap().name,
        opened.name,
        "it is the candidate's open attempt"
    );
    assert_eq!(score_of(a, "exams/e", "c").await.attempts_used, 1);

    save(a, &opened.name, 1, vec![pick(2, "B")]).await.unwrap();
    submit(a, &opened.name, vec![]).await.unwrap();
    // Scored anew: the essay waits again, its marker is free to mark it again, and the marks before are on record.
    let after = result(a, &opened.name).await.unwrap();
    assert_eq!((after.score.as_str(), after.awaiting_points.as_str(), after.revision), ("4", "6", 3));
    let explain = |positions: Vec<i32>| {
        let name = format!("{}/result", opened.name);
        let mut client = a.result();
        async move {
            client
                .explain_marks(pb::ExplainMarksRequest { name, positions })
                .await
                .unwrap()
                .into_inner()
                .marks
        }
    };
    let second = explain(vec![2]).await.remove(0);
    assert_eq!((second.origin(), second.changes.len()), (pb::MarkOrigin::Key, 0));
    let revisions = pb::ListMarkRevisionsRequest { parent: opened.name.clone(), ..Default::default() };
    let revisions = a.grading().list_mark_revisions(revisions).await.unwrap().into_inner().revisions;
    let kept: Vec<(i32, &str, &str)> =
        revisions.iter().map(|r| (r.revision, r.score.as_str(), r.method.as_str())).collect();
    assert_eq!(kept, [(2, "7", "DeliveryService/ReopenAttempt"), (1, "2", "GradingService/GradeResponse")]);
    assert_eq!(revisions[0].reason, "误交");
    let task = a.grading().grade_response(grade).await.unwrap().into_inner();
    assert_eq!((task.state(), task.marks.len()), (pb::GradingTaskState::Graded, 1));
    let log = kinds(&events(a, &opened.name).await);
    assert_eq!(log, [Kind::Started, Kind::Submitted, Kind::Reopened, Kind::Saved, Kind::Submitted]);
    let mut su = world.superuser().await;
    let (reason, graded): (String, String) = sqlx::query_as(
        "select detail ->> 'reason', detail #>> '{graded,0,marks,0,points}' from audit where outcome = 'attempt.reopened'",
    )
    .fetch_one(&mut su)
    .await
    .unwrap();
    assert_eq!((reason.as_str(), graded.as_str()), ("误交", "5"));
}

#[tokio::test]
async fn what_expired_or_was_voided_is_opened_again_where_it_can_be() {
    let world = populated().await;
    let a = &world.a;
    a.exam_of("e", &CHOICES, |e| e.time_limit = seconds(1)).await;
    let late = start(a, "exams/e", "late").await.unwrap().name;
    save(a, &late, 1, vec![pick(1, "B")]).await.unwrap();
    expired(a, &late).await;
    reopen(a, reopening(&late)).await.because(Code::FailedPrecondition, "NO_TIME_LEFT");
    let timed = |name: &str, s| pb::ReopenAttemptRequest { time_left: seconds(s), ..reopening(name) };
    let again = reopen(a, timed(&late, 300)).await.unwrap();
    let left = again.due_time.unwrap().seconds - Utc::now().timestamp();
    assert!((295..=300).contains(&left) && again.state() == pb::AttemptState::Open, "{again:?}");
    submit(a, &late, vec![pick(2, "B")]).await.unwrap();
    let whole = result(a, &late).await.unwrap();
    assert_eq!((whole.score.as_str(), whole.expired, whole.late), ("4", false, false));

    // A void one, while it was open.
    a.exam_of("v", &CHOICES, |e| e.time_limit = seconds(600)).await;
    let first = start(a, "exams/v", "c").await.unwrap().name;
    save(a, &first, 1, vec![pick(1, "B")]).await.unwrap();
    void(a, &first).await.unwrap();
    let restored =
        pb::ReopenAttemptRequest { state: pb::AttemptState::Submitted as i32, ..reopening(&first) };
    reopen(a, restored.clone()).await.because(Code::FailedPrecondition, "ATTEMPT_NOT_SUBMITTED");
    let again = reopen(a, reopening(&first)).await.unwrap();
    assert_eq!((again.state(), again.responses.len(), again.sequence), (pb::AttemptState::Open, 1, 1));
    submit(a, &first, vec![]).await.unwrap();
    let before = result(a, &first).await.unwrap();
    // A void one that was submitted gets its result back, or is sat again.
    void(a, &first).await.unwrap();
    result(a, &first).await.because(Code::NotFound, "NOT_FOUND");
    assert_eq!(reopen(a, restored.clone()).await.unwrap().state(), pb::AttemptState::Submitted);
    assert_eq!(result(a, &first).await.unwrap(), before);
    void(a, &first).await.unwrap();
    assert_eq!(reopen(a, reopening(&first)).await.unwrap().state(), pb::AttemptState::Open);
    void(a, &first).await.unwrap();

    // Another one took its place: open, then submitted.
    let second = start(a, "exams/v", "c").await.unwrap().name;
    reopen(a, reopening(&first)).await.because(Code::FailedPrecondition, "ATTEMPTS_EXHAUSTED");
    a.accommodate("exams/v", vec![extra("c", 0, 1)]).await;
    reopen(a, reopening(&first)).await.because(Code::FailedPrecondition, "ATTEMPT_OPEN");
    submit(a, &second, vec![]).await.unwrap();
    reopen(a, reopening(&first)).await.unwrap();

    // Nothing was sat here; the keys are out; the exam has closed; there is no such attempt.
    let sent = a.submission("exams/v", "sent", vec![pick(1, "B")]).await.unwrap().name;
    let sent = sent.strip_suffix("/result").unwrap();
    reopen(a, reopening(sent)).await.because(Code::FailedPrecondition, "SAT_ELSEWHERE");
    void(a, sent).await.unwrap();
    let back = pb::ReopenAttemptRequest { name: sent.to_owned(), ..restored };
    reopen(a, back).await.unwrap();
    assert_eq!(result(a, sent).await.unwrap().score, "2");
    a.exam_of("r", &CHOICES, |e| {
        let content = pb::ReleaseContent::Keys as i32;
        e.release = Some(pb::ReleasePolicy { time: pb::ReleaseTime::AtOnce as i32, content });
    })
    .await;
    let seen = start(a, "exams/r", "c").await.unwrap().name;
    submit(a, &seen, vec![]).await.unwrap();
    reopen(a, reopening(&seen)).await.because(Code::FailedPrecondition, "RESULTS_RELEASED");
    a.exam_of("closed", &CHOICES, |_| {}).await;
    let name = start(a, "exams/closed", "c").await.unwrap().name;
    submit(a, &name, vec![]).await.unwrap();
    change(a, "exams/closed", "close_time", |e| {
        e.close_time = Some(prost_types::Timestamp { seconds: Utc::now().timestamp() - 60, nanos: 0 });
    })
    .await;
    reopen(a, reopening(&name)).await.because(Code::FailedPrecondition, "NO_TIME_LEFT");
    assert_eq!(reopen(a, timed(&name, 60)).await.unwrap().state(), pb::AttemptState::Open);
    let absent = format!("exams/closed/attempts/{}", uuid::Uuid::now_v7());
    reopen(a, reopening(&absent)).await.because(Code::NotFound, "NOT_FOUND");
}

#[tokio::test]
async fn attempts_are_listed_whatever_state_they_are_in() {
    let world = populated().await;
    let a = &world.a;
    a.exam_of("e", &CHOICES, |e| e.max_attempts = 2).await;
    let mut names = Vec::new();
    for candidate in ["d", "c", "b", "a"] {
        names.push(start(a, "exams/e", candidate).await.unwrap().name);
    }
    submit(a, &names[1], vec![]).await.unwrap();
    void(a, &names[2]).await.unwrap();
    a.submission("exams/e", "c", vec![pick(1, "B")]).await.unwrap();
    let list = |filter: &str, order_by: &str| {
        let (filter, order_by) = (filter.to_owned(), order_by.to_owned());
        let mut client = a.delivery();
        let parent = "exams/e".to_owned();
        async move {
            let request = pb::ListAttemptsRequest { parent, filter, order_by, ..Default::default() };
            client.list_attempts(request).await.map(|r| r.into_inner().attempts)
        }
    };
    let short = |all: Vec<pb::Attempt>| {
        all.into_iter().map(|x| format!("{}{} {:?}", x.candidate, x.number, x.state())).collect::<Vec<_>>()
    };
    let all = list("", "").await.unwrap();
    assert!(all.iter().all(|x| x.paper.is_none() && x.responses.is_empty() && x.start_time.is_some()));
    assert_eq!(short(all), ["a1 Open", "b1 Void", "c1 Submitted", "c2 Submitted", "d1 Open"]);
    let by_start = short(list("", "start_time desc").await.unwrap());
    assert_eq!(by_start, ["c2 Submitted", "a1 Open", "b1 Void", "c1 Submitted", "d1 Open"]);
    assert_eq!(short(list("state = open", "").await.unwrap()), ["a1 Open", "d1 Open"]);
    assert_eq!(short(list("state = void", "").await.unwrap()), ["b1 Void"]);
    assert_eq!(short(list("candidate = c AND number = 2", "").await.unwrap()), ["c2 Submitted"]);
    assert_eq!(short(list("start_time < \"2020-01-01T00:00:00Z\"", "").await.unwrap()), [""; 0]);
    list("score = 1", "score").await.bad(&["filter", "order_by"]);
    let absent = pb::ListAttemptsRequest { parent: "exams/none".to_owned(), ..Default::default() };
    a.delivery().list_attempts(absent).await.because(Code::NotFound, "NOT_FOUND");
    // Who delivers and who keeps exams may ask; graders and analysts see no candidates here.
    for (role, may) in [
        (pb::Role::Deliverer, true),
        (pb::Role::Operator, true),
        (pb::Role::Grader, false),
        (pb::Role::Author, false),
    ] {
        let caller = a.role(&[role]).await;
        let request = pb::ListAttemptsRequest { parent: "exams/e".to_owned(), ..Default::default() };
        assert_eq!(caller.delivery().list_attempts(request).await.is_ok(), may, "{role:?}");
    }
}
