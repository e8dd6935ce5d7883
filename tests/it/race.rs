//! Calls that meet: whichever comes first, nothing happens twice, and nothing that was acknowledged is lost.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use assessd::{pb, points::Points};
use futures_util::future::join_all;
use tokio::sync::Barrier;
use tonic::{Code, Response, Status};

use crate::support::{
    As, Refused, World,
    build::pick,
    build::single,
    cluster,
    process::Process,
    reason,
    sit::{self, attempt, save, submit},
};

/// Four single choices of 2 points, the right one always B.
const CHOICES: [&str; 1] = ["blueprints/choices/forms/x"];

/// A populated world, and two real server processes on its database.
async fn two_servers() -> (World, [Process; 2]) {
    let world = World::start().await;
    world.a.populate_forms().await;
    let url = cluster::url(&world.database).await;
    let (one, two) = tokio::join!(Process::serve(&url), Process::serve(&url));
    (world, [one, two])
}

/// The call from that many callers, each on a connection of its own, at both processes at the same moment.
async fn at_once<T, F>(
    world: &World,
    servers: &[Process; 2],
    times: usize,
    call: impl Fn(As, usize) -> F,
) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let barrier = Arc::new(Barrier::new(times));
    let calls = (0..times).map(|i| {
        let (a, barrier) = (world.a.at(servers[i % 2].addr), Arc::clone(&barrier));
        let warm = a.clone();
        let call = call(a, i);
        tokio::spawn(async move {
            warm.admin().get_caller(pb::GetCallerRequest {}).await.unwrap();
            barrier.wait().await;
            call.await
        })
    });
    join_all(calls.collect::<Vec<_>>()).await.into_iter().map(Result::unwrap).collect()
}

/// Tries again where two processes met and the answer asks for it.
async fn patiently<T, F: Future<Output = Result<Response<T>, Status>>>(call: impl Fn() -> F) -> T {
    loop {
        match call().await {
            Ok(answer) => return answer.into_inner(),
            Err(status) if status.code() == Code::Aborted => {}
            Err(status) => panic!("{status:?}"),
        }
    }
}

async fn start(a: &As, exam: &str, candidate: &str) -> pb::Attempt {
    sit::start(a, exam, candidate).await.unwrap()
}

async fn result(a: &As, attempt: &str) -> pb::Result {
    let request = pb::GetResultRequest { name: format!("{attempt}/result") };
    a.result().get_result(request).await.unwrap().into_inner()
}

async fn kinds(a: &As, attempt: &str) -> Vec<pb::SittingEventKind> {
    let request = pb::ListSittingEventsRequest { parent: attempt.to_owned() };
    let events = a.delivery().list_sitting_events(request).await.unwrap().into_inner().events;
    events.iter().map(pb::SittingEvent::kind).collect()
}

/// The letters by position, as they are stored.
fn letters(attempt: &pb::Attempt) -> BTreeMap<i32, String> {
    attempt.responses.iter().map(|r| (r.position, r.choices.concat())).collect()
}

/// What `choices` gives for these letters, counted by hand.
fn worth(letters: &BTreeMap<i32, String>) -> String {
    (2 * letters.values().filter(|l| *l == "B").count()).to_string()
}

fn points(text: &str) -> Points {
    text.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_of_a_hundred_callers_at_two_processes_is_one() {
    let (world, servers) = two_servers().await;
    world.a.exam_of("e", &CHOICES, |e| e.max_attempts = 100).await;
    let score = |a: As, candidate: &'static str| async move {
        let request = pb::ScoreSubmissionRequest {
            parent: "exams/e".to_owned(),
            candidate: candidate.to_owned(),
            responses: vec![pick(1, "B"), pick(2, "A")],
            request_id: "one-word".to_owned(),
            ..Default::default()
        };
        patiently(|| async { a.delivery().score_submission(request.clone()).await }).await
    };
    let start = |a: As, candidate: &'static str| async move {
        let request = pb::StartAttemptRequest {
            parent: "exams/e".to_owned(),
            candidate: candidate.to_owned(),
            request_id: "one-word".to_owned(),
            ..Default::default()
        };
        patiently(|| async { a.delivery().start_attempt(request.clone()).await }).await
    };
    let scored = at_once(&world, &servers, 100, |a, _| score(a, "c-1")).await;
    assert!(scored.iter().all(|s| *s == scored[0]), "equal answers");
    assert_eq!((scored[0].score.as_str(), scored[0].attempt_number), ("2", 1));
    let started = at_once(&world, &servers, 100, |a, _| start(a, "c-2")).await;
    assert!(started.iter().all(|s| *s == started[0]), "equal answers");
    let mut su = world.superuser().await;
    let rows: i64 = sqlx::query_scalar("select count(*) from attempt").fetch_one(&mut su).await.unwrap();
    assert_eq!(rows, 2);
    let told: i64 = sqlx::query_scalar("select count(*) from event where kind = 'attempt.started'")
        .fetch_one(&mut su)
        .await
        .unwrap();
    assert_eq!(told, 1);

    // Both calls for one candidate, who has no attempt yet, under one word: it is a word for each method.
    world.a.exam_of("f", &CHOICES, |e| e.max_attempts = 100).await;
    let numbers = at_once(&world, &servers, 100, |a, i| async move {
        if i % 4 < 2 {
            let request = pb::ScoreSubmissionRequest {
                parent: "exams/f".to_owned(),
                candidate: "c".to_owned(),
                request_id: "both".to_owned(),
                ..Default::default()
            };
            let result = patiently(|| async { a.delivery().score_submission(request.clone()).await }).await;
            (false, result.attempt_number, result.name)
        } else {
            let request = pb::StartAttemptRequest {
                parent: "exams/f".to_owned(),
                candidate: "c".to_owned(),
                request_id: "both".to_owned(),
                ..Default::default()
            };
            let attempt = patiently(|| async { a.delivery().start_attempt(request.clone()).await }).await;
            (true, attempt.number, attempt.name)
        }
    })
    .await;
    let mut distinct = numbers;
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), 2, "{distinct:?}");
    assert_eq!(distinct[0].1 + distinct[1].1, 3, "{distinct:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_save_acknowledged_before_the_submit_is_scored() {
    let (world, servers) = two_servers().await;
    world.a.exam_of("e", &CHOICES, |_| {}).await;
    let callers = [world.a.at(servers[0].addr), world.a.at(servers[1].addr)];
    let mut tally = [0; 2];
    for (i, letter) in ["B", "A", "B", "C"].iter().cycle().take(32).enumerate() {
        let (a, b) = (&callers[i % 2], &callers[(i + 1) % 2]);
        let name = start(a, "exams/e", &format!("c-{i}")).await.name;
        assert!(save(b, &name, 1, vec![pick(1, "B"), pick(2, "D")]).await.unwrap().accepted);
        // Eight saves and two submits at both processes; the submits come a little later each time.
        let saves = join_all((2..10).map(|sequence| {
            let (a, name) = (callers[sequence as usize % 2].clone(), name.clone());
            async move {
                tokio::time::sleep(Duration::from_millis(sequence as u64)).await;
                let given = vec![pick(1 + (sequence % 3) as i32, ["A", "B", "C"][sequence as usize % 3])];
                (sequence, given.clone(), save(&a, &name, sequence, given).await)
            }
        }));
        let last = vec![pick(4, letter)];
        let submits = async {
            tokio::time::sleep(Duration::from_millis(i as u64 % 16)).await;
            tokio::join!(submit(a, &name, last.clone()), submit(b, &name, last.clone()))
        };
        let (saves, (first, second)) = tokio::join!(saves, submits);
        let (first, second) = (first.unwrap(), second.unwrap());
        assert_eq!(first, second);

        let mut wanted = BTreeMap::from([(1, "B".to_owned()), (2, "D".to_owned())]);
        let mut newest = 1;
        let mut accepted = 1;
        for (sequence, given, answer) in saves {
            match answer {
                Ok(answer) if answer.accepted => {
                    wanted.insert(given[0].position, given[0].choices.concat());
                    newest = sequence;
                    accepted += 1;
                    tally[0] += 1;
                }
                Ok(answer) => assert!(answer.sequence > sequence, "only an older save changes nothing"),
                Err(status) => {
                    assert_eq!(reason(&status), "ATTEMPT_SUBMITTED", "{status:?}");
                    tally[1] += 1;
                }
            }
        }
        wanted.insert(4, (*letter).to_owned());
        save(b, &name, 99, vec![pick(3, "B")]).await.because(Code::FailedPrecondition, "ATTEMPT_SUBMITTED");
        let stored = attempt(b, &name).await;
        assert_eq!((letters(&stored), stored.sequence), (wanted.clone(), newest));
        assert_eq!(first.answered_count as usize, wanted.len());
        let scored = result(a, &name).await;
        assert_eq!((scored.score, scored.submit_time), (worth(&wanted), first.submit_time));
        let log = kinds(a, &name).await;
        let count = |kind| log.iter().filter(|k| **k == kind).count();
        assert_eq!(count(pb::SittingEventKind::Saved), accepted);
        assert_eq!(count(pb::SittingEventKind::Submitted), 1);
        assert_eq!(log.last(), Some(&pb::SittingEventKind::Submitted));
    }
    println!("saves against submits: {} accepted, {} refused", tally[0], tally[1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attempt_ends_once_by_its_candidate_or_by_the_service() {
    const SITTINGS: usize = 80;
    let (world, servers) = two_servers().await;
    let limit = Some(prost_types::Duration { seconds: 2, nanos: 0 });
    world.a.exam_of("e", &CHOICES, |e| e.time_limit = limit).await;
    let callers = [world.a.at(servers[0].addr), world.a.at(servers[1].addr)];
    let sittings = (0..SITTINGS).map(|i| {
        let (a, b) = (callers[i % 2].clone(), callers[(i + 1) % 2].clone());
        tokio::spawn(async move {
            let opened = start(&a, "exams/e", &format!("c-{i}")).await;
            let saved = vec![pick(1, "B"), pick(2, "B"), pick(3, "A")];
            save(&a, &opened.name, 1, saved).await.unwrap();
            // From shortly before the end until every process must have looked, each at another moment.
            let due = opened.due_time.unwrap();
            let due = chrono::DateTime::from_timestamp(due.seconds, due.nanos as u32).unwrap();
            let wait = (due - chrono::Utc::now()).num_milliseconds() - 150 + (i * 1300 / SITTINGS) as i64;
            tokio::time::sleep(Duration::from_millis(wait.max(0) as u64)).await;
            let (new, bare) =
                tokio::join!(submit(&a, &opened.name, vec![pick(4, "B")]), submit(&b, &opened.name, vec![]));
            (opened.name, new, bare.unwrap())
        })
    });
    let mut by = BTreeMap::new();
    for sitting in join_all(sittings.collect::<Vec<_>>()).await {
        let (name, new, bare) = sitting.unwrap();
        let stored = attempt(&callers[0], &name).await;
        let scored = result(&callers[1], &name).await;
        let mut wanted = BTreeMap::from([1, 2, 3].map(|i| (i, ["B", "B", "A"][i as usize - 1].to_owned())));
        match &new {
            Ok(answer) => {
                wanted.insert(4, "B".to_owned());
                assert_eq!(answer, &bare);
            }
            Err(status) => {
                let why = reason(status);
                assert_eq!(status.code(), Code::FailedPrecondition);
                assert_eq!(why, if scored.expired { "ATTEMPT_OVERDUE" } else { "ATTEMPT_SUBMITTED" });
            }
        }
        assert_eq!(letters(&stored), wanted);
        assert_eq!(
            (scored.score, scored.submit_time, scored.revision),
            (worth(&wanted), bare.submit_time, 1)
        );
        assert_eq!(stored.submit_time, bare.submit_time);
        assert_eq!(bare.answered_count as usize, wanted.len());
        let log = kinds(&callers[0], &name).await;
        let end =
            if scored.expired { pb::SittingEventKind::Expired } else { pb::SittingEventKind::Submitted };
        assert_eq!(log, [pb::SittingEventKind::Started, pb::SittingEventKind::Saved, end]);
        *by.entry((scored.expired, new.is_ok())).or_insert(0) += 1;
    }
    let mut su = world.superuser().await;
    // What the service ended is on record once; what the candidate ended is not on record as that.
    let (told, distinct): (i64, i64) =
        sqlx::query_as("select count(*), count(distinct resource) from event where kind = 'attempt.expired'")
            .fetch_one(&mut su)
            .await
            .unwrap();
    let expired: usize = by.iter().filter(|(key, _)| key.0).map(|(_, n)| n).sum();
    assert!(told == distinct && told as usize <= expired, "{told} {distinct} {expired}");
    assert!(by.keys().any(|key| key.0) && by.keys().any(|key| !key.0), "both kinds of end: {by:?}");
    println!("(expired, new responses taken): {by:?}; {told} ended by the service");
}

/// The exam `spring` over the standard form; the position of s2, of which a second version is keyed C.
async fn rekeyed(a: &As) -> i32 {
    a.exam_of("spring", &["blueprints/standard/forms/a"], |_| {}).await;
    let mut question = single("单选第2题?", "C");
    question.name = "banks/crm/questions/s2".to_owned();
    let request = pb::UpdateQuestionRequest { question: Some(question), ..Default::default() };
    a.bank().update_question(request).await.unwrap();
    let request =
        pb::PublishQuestionRequest { name: "banks/crm/questions/s2".to_owned(), ..Default::default() };
    a.bank().publish_question(request).await.unwrap();
    let probe = a.submission("exams/spring", "probe", vec![]).await.unwrap();
    let s2 = |m: &&pb::Mark| m.question_version.starts_with("banks/crm/questions/s2/");
    probe.marks.iter().find(s2).unwrap().position
}

async fn regrade(a: &As, mode: pb::RegradeMode) -> pb::Regrade {
    let rules =
        vec![pb::RegradeRule { question: "banks/crm/questions/s2".to_owned(), part: 0, mode: mode as i32 }];
    let request = pb::RegradeExamRequest {
        parent: "exams/spring".to_owned(),
        rules,
        reason: format!("{mode:?}"),
        ..Default::default()
    };
    a.regrade(request).await
}

/// Marks what waits until told to stop; what was acknowledged, by task.
async fn mark_all(a: As, grader: String, stop: Arc<AtomicBool>) -> HashMap<String, String> {
    let mut given = HashMap::new();
    loop {
        let last = stop.load(Ordering::Relaxed);
        let request = pb::ClaimGradingTasksRequest {
            parent: "exams/spring".to_owned(),
            grader: grader.clone(),
            count: 5,
            ..Default::default()
        };
        let tasks =
            patiently(|| async { a.grading().claim_grading_tasks(request.clone()).await }).await.tasks;
        if tasks.is_empty() && last {
            return given;
        }
        for task in tasks {
            let points = ["0", "1", "1.5", "2.5"][given.len() % 4].to_owned();
            let request = pb::GradeResponseRequest {
                name: task.name.clone(),
                grader: grader.clone(),
                points: points.clone(),
                request_id: format!("{grader}-{}", given.len()),
                ..Default::default()
            };
            patiently(|| async { a.grading().grade_response(request.clone()).await }).await;
            assert!(given.insert(task.name, points).is_none(), "a task twice");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_mark_is_lost_between_submissions_graders_and_regrades() {
    use pb::RegradeMode as Mode;
    const REGRADES: usize = 30;
    let (world, servers) = two_servers().await;
    let s2 = rekeyed(&world.a).await;
    let callers = [world.a.at(servers[0].addr), world.a.at(servers[1].addr)];
    let written = |position| pb::Response { position, text: "写了".to_owned(), ..Default::default() };
    let last_begun = Arc::new(AtomicBool::new(false));
    let submitting = (0..8).map(|task| {
        let (a, last_begun) = (callers[task % 2].clone(), Arc::clone(&last_begun));
        tokio::spawn(async move {
            let mut sent = Vec::new();
            for i in 0..30 {
                // A bounded number, however slow the machine; the last of them meet the last regrade.
                while i == 20 && !last_begun.load(Ordering::SeqCst) {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
                let mut responses: Vec<_> =
                    (1..=4).map(|p| pick(p, ["A", "B", "C", "D"][(i + task + p as usize * i) % 4])).collect();
                responses.extend([written(9), written(12)]);
                let scored = a.submission("exams/spring", &format!("c-{task}-{i}"), responses).await.unwrap();
                assert_eq!(scored.revision, 1);
                sent.push((scored, !last_begun.load(Ordering::SeqCst)));
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            sent
        })
    });
    let submitting: Vec<_> = submitting.collect();
    let stop = Arc::new(AtomicBool::new(false));
    let grading: Vec<_> = (0..8)
        .map(|i| tokio::spawn(mark_all(callers[i % 2].clone(), format!("g-{i}"), Arc::clone(&stop))))
        .collect();
    let mut revised = 0;
    for i in 0..REGRADES {
        // One after the other, each changing what the one before gave, so that graders meet them.
        let mode = match i {
            _ if i == REGRADES - 1 => Mode::NewKey,
            _ if i % 2 == 0 => Mode::FullMarks,
            _ => Mode::Drop,
        };
        last_begun.store(i == REGRADES - 1, Ordering::SeqCst);
        revised += regrade(&callers[i % 2], mode).await.counts.unwrap().revised_count;
    }
    let mut sent = Vec::new();
    for task in submitting {
        sent.extend(task.await.unwrap());
    }
    stop.store(true, Ordering::Relaxed);
    let mut given = HashMap::new();
    for task in grading {
        for (name, points) in task.await.unwrap() {
            assert!(given.insert(name, points).is_none(), "a task of two graders");
        }
    }
    assert_eq!(given.len(), 2 * sent.len(), "every response that waited was marked once");

    let (mut by_rule, mut by_regrade) = (0, 0);
    let checks = sent.iter().map(|(first, before_last)| {
        let (a, given) = (&callers[0], &given);
        async move {
            let name = first.name.trim_end_matches("/result");
            let (stored, now) = (attempt(a, name).await, result(a, name).await);
            let request = pb::ListMarkRevisionsRequest {
                parent: name.to_owned(),
                page_size: 1000,
                ..Default::default()
            };
            let old = a.grading().list_mark_revisions(request).await.unwrap().into_inner().revisions;
            let numbers: Vec<_> = old.iter().rev().map(|r| r.revision).collect();
            assert_eq!(numbers, (1..now.revision).collect::<Vec<_>>(), "contiguous");
            for revision in &old {
                let sum: Points = revision
                    .marks
                    .iter()
                    .filter(|m| !matches!(m.as_str(), "" | "?"))
                    .map(|m| points(m))
                    .sum();
                assert_eq!(sum, points(&revision.score), "{revision:?}");
            }
            assert_eq!(old.last().unwrap().marks[s2 as usize - 1], first.marks[s2 as usize - 1].points);
            let graded = old.iter().filter(|r| r.method == "GradingService/GradeResponse").count();
            assert_eq!(graded, 2, "one revision a mark");
            let regraded = old.len() - graded;
            // Whoever was there when the last regrade began, or was seen by any, has the mark of the last.
            let ruled = *before_last || regraded > 0;
            let letters = letters(&stored);
            let mut total = Points::ZERO;
            for mark in &now.marks {
                let wanted = match mark.position {
                    p @ (9 | 12) => given[&format!("{name}/responses/{p}")].clone(),
                    p if p == s2 && ruled => if letters[&p] == "C" { "2" } else { "0" }.to_owned(),
                    p @ 1..=4 => if letters[&p] == "B" { "2" } else { "0" }.to_owned(),
                    _ => "0".to_owned(),
                };
                assert_eq!(mark.points, wanted, "position {} of {name}: {old:?}", mark.position);
                total += points(&wanted);
            }
            assert_eq!((points(&now.score), now.awaiting_points.as_str()), (total, "0"));
            assert_eq!(now.state(), pb::ResultState::Scored);
            (ruled, regraded)
        }
    });
    for (ruled, regraded) in join_all(checks).await {
        by_rule += usize::from(ruled);
        by_regrade += regraded;
    }
    // The probe is revised as well, and what the regrades counted is what there is.
    let probe: i64 = sqlx::query_scalar(
        "select count(*) from mark_revision join attempt using (tenant_id, attempt_id) where candidate = 'probe'",
    )
    .fetch_one(&mut world.superuser().await)
    .await
    .unwrap();
    assert_eq!(by_regrade as i64 + probe, revised);
    println!(
        "{} submissions, {} marks by people, {by_regrade} revisions by {REGRADES} regrades, {by_rule} under the last",
        sent.len(),
        given.len()
    );
}

/// How a sitting of the test below came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// The candidate submitted.
    Submitted,
    /// Nobody did; the service ended it.
    Expired,
    /// It was submitted, then voided.
    Voided,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sittings_that_end_while_the_exam_is_regraded_keep_their_answers_and_get_their_marks() {
    use pb::RegradeMode as Mode;
    const SITTINGS: usize = 60;
    let (world, servers) = two_servers().await;
    let s2 = rekeyed(&world.a).await;
    let limit = Some(prost_types::Duration { seconds: 5, nanos: 0 });
    let exam = pb::Exam { name: "exams/spring".to_owned(), time_limit: limit, ..Default::default() };
    let update_mask = Some(prost_types::FieldMask { paths: vec!["time_limit".to_owned()] });
    let request = pb::UpdateExamRequest { exam: Some(exam), update_mask, ..Default::default() };
    world.a.exam().update_exam(request).await.unwrap();
    let callers = [world.a.at(servers[0].addr), world.a.at(servers[1].addr)];
    let over = Arc::new(AtomicBool::new(false));
    let regrading = tokio::spawn({
        let (callers, over) = (callers.clone(), Arc::clone(&over));
        async move {
            let mut revised = 0;
            for i in 0.. {
                if over.load(Ordering::SeqCst) {
                    return (revised, i);
                }
                let mode = if i % 2 == 0 { Mode::FullMarks } else { Mode::Drop };
                revised += regrade(&callers[i % 2], mode).await.counts.unwrap().revised_count;
            }
            unreachable!()
        }
    });
    let sittings = (0..SITTINGS).map(|i| {
        let (a, b) = (callers[i % 2].clone(), callers[(i + 1) % 2].clone());
        let fate = [Fate::Submitted, Fate::Expired, Fate::Voided][i % 3];
        tokio::spawn(async move {
            let name = start(&a, "exams/spring", &format!("c-{i}")).await.name;
            let mut wanted = BTreeMap::new();
            for sequence in 1..=4 {
                tokio::time::sleep(Duration::from_millis(20 + (i * 13 % 40) as u64)).await;
                let (position, letter) = (sequence as i32, ["A", "B", "C"][(i + sequence as usize) % 3]);
                let given = vec![pick(position, letter)];
                assert!(save(&b, &name, sequence, given).await.unwrap().accepted);
                wanted.insert(position, letter.to_owned());
            }
            if fate != Fate::Expired {
                submit(&a, &name, vec![]).await.unwrap();
            }
            if fate == Fate::Voided {
                tokio::time::sleep(Duration::from_millis((i * 7 % 50) as u64)).await;
                let void = pb::VoidAttemptRequest {
                    name: name.clone(),
                    reason: "x".to_owned(),
                    ..Default::default()
                };
                patiently(|| async { b.delivery().void_attempt(void.clone()).await }).await;
            }
            (name, fate, wanted)
        })
    });
    let mut ended = Vec::new();
    for sitting in join_all(sittings.collect::<Vec<_>>()).await {
        ended.push(sitting.unwrap());
    }
    let mut su = world.superuser().await;
    while sqlx::query_scalar::<_, i64>("select count(*) from attempt where state = 0")
        .fetch_one(&mut su)
        .await
        .unwrap()
        > 0
    {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    over.store(true, Ordering::SeqCst);
    let (mut revised, regrades) = regrading.await.unwrap();
    revised += regrade(&callers[0], Mode::NewKey).await.counts.unwrap().revised_count;

    let (mut kept, mut voided) = (0, 0);
    for (name, fate, wanted) in &ended {
        let stored = attempt(&callers[1], name).await;
        assert_eq!(letters(&stored), *wanted, "every save that was acknowledged is there");
        let request =
            pb::ListMarkRevisionsRequest { parent: name.clone(), page_size: 1000, ..Default::default() };
        let old = callers[1].grading().list_mark_revisions(request).await.unwrap().into_inner().revisions;
        kept += old.len() as i64;
        if *fate == Fate::Voided {
            voided += 1;
            assert_eq!(stored.state(), pb::AttemptState::Void);
            continue;
        }
        let now = result(&callers[0], name).await;
        assert_eq!(now.expired, *fate == Fate::Expired);
        assert_eq!(now.revision, old.len() as i32 + 1, "contiguous");
        let right = |p: &i32, letter: &str| letter == if *p == s2 { "C" } else { "B" };
        let score = 2 * wanted.iter().filter(|(p, l)| right(p, l)).count();
        assert_eq!(
            (now.score.as_str(), now.awaiting_points.as_str()),
            (score.to_string().as_str(), "0"),
            "{name}"
        );
    }
    assert_eq!(voided, SITTINGS / 3);
    // What a voided attempt went through before is kept as well.
    let all: i64 = sqlx::query_scalar("select count(*) from mark_revision").fetch_one(&mut su).await.unwrap();
    let probe: i64 = sqlx::query_scalar(
        "select count(*) from mark_revision join attempt using (tenant_id, attempt_id) where candidate = 'probe'",
    )
    .fetch_one(&mut su)
    .await
    .unwrap();
    assert_eq!((all, kept + probe), (revised, revised));
    println!("{SITTINGS} sittings under {regrades} regrades, {revised} revisions");
}
