//! One request, however often it is sent and wherever it arrives, happens once: fifty callers at two server processes.

use assessd::pb;
use futures_util::future::join_all;
use tonic::Response;

use crate::support::{
    As, World,
    build::{pick, single},
    cluster,
    process::Process,
};

const TIMES: usize = 50;

/// A populated world and its tenant at two real server processes on its database.
async fn two_servers() -> (World, [As; 2], [Process; 2]) {
    let world = World::start().await;
    world.a.populate_forms().await;
    let url = cluster::url(&world.database).await;
    let (one, two) = tokio::join!(Process::serve(&url), Process::serve(&url));
    let callers = [world.a.at(one.addr), world.a.at(two.addr)];
    (world, callers, [one, two])
}

async fn fifty<T, F: Future<Output = Result<Response<T>, tonic::Status>>>(
    callers: &[As; 2],
    call: impl Fn(As) -> F,
) -> Vec<T> {
    let calls = (0..TIMES).map(|i| call(callers[i % 2].clone()));
    join_all(calls).await.into_iter().map(|r| r.unwrap().into_inner()).collect()
}

async fn rows(world: &World, table: &str) -> i64 {
    let mut su = world.superuser().await;
    sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select count(*) from {table}")))
        .fetch_one(&mut su)
        .await
        .unwrap()
}

fn all_equal<T: PartialEq + std::fmt::Debug>(answers: &[T]) {
    assert_eq!(answers.len(), TIMES);
    for answer in answers {
        assert_eq!(answer, &answers[0]);
    }
}

#[tokio::test]
async fn fifty_equal_requests_at_two_processes_are_one() {
    let (world, callers, processes) = two_servers().await;
    let (questions, forms) = (rows(&world, "question").await, rows(&world, "form").await);
    let events = rows(&world, "event").await;

    let created = fifty(&callers, |a| async move {
        let request = pb::CreateQuestionRequest {
            parent: "banks/crm".to_owned(),
            question: Some(single("五十次?", "A")),
            request_id: "q".to_owned(),
            ..Default::default()
        };
        a.bank().create_question(request).await
    })
    .await;
    all_equal(&created);
    assert_eq!(rows(&world, "question").await, questions + 1);

    let drawn = fifty(&callers, |a| async move {
        // Without a seed every draw would be another one.
        let request = pb::AssembleFormsRequest {
            parent: "blueprints/standard".to_owned(),
            request_id: "f".to_owned(),
            ..Default::default()
        };
        a.assembly().assemble_forms(request).await
    })
    .await;
    all_equal(&drawn);
    assert_eq!(rows(&world, "form").await, forms + 1);

    world.a.exam_of("spring", &["blueprints/standard/forms/a"], |e| e.max_attempts = 100).await;
    let scored = fifty(&callers, |a| async move {
        let request = pb::ScoreSubmissionRequest {
            parent: "exams/spring".to_owned(),
            candidate: "e-1".to_owned(),
            responses: vec![pick(1, "B")],
            request_id: "s".to_owned(),
            ..Default::default()
        };
        a.delivery().score_submission(request).await
    })
    .await;
    all_equal(&scored);
    assert_eq!((scored[0].score.as_str(), scored[0].attempt_number), ("2", 1));
    assert_eq!(rows(&world, "attempt").await, 1);

    let started = fifty(&callers, |a| async move {
        let request = pb::StartAttemptRequest {
            parent: "exams/spring".to_owned(),
            candidate: "e-2".to_owned(),
            request_id: "a".to_owned(),
            ..Default::default()
        };
        a.delivery().start_attempt(request).await
    })
    .await;
    all_equal(&started);
    assert_eq!(rows(&world, "attempt").await, 2);
    let name = &started[0].name;
    let submitted = fifty(&callers, |a| async move {
        let request = pb::SubmitAttemptRequest {
            name: name.clone(),
            responses: vec![pick(1, "B"), pick(2, "B")],
            request_id: "s".to_owned(),
        };
        a.delivery().submit_attempt(request).await
    })
    .await;
    all_equal(&submitted);
    // Created, drawn, the exam, started: one event each.
    assert_eq!(rows(&world, "event").await, events + 4);
    drop(processes);

    // A restart forgets nothing: the next process knows the first answer.
    let late = Process::serve(&cluster::url(&world.database).await).await;
    let request = pb::CreateQuestionRequest {
        parent: "banks/crm".to_owned(),
        question: Some(single("五十次?", "A")),
        request_id: "q".to_owned(),
        ..Default::default()
    };
    assert_eq!(world.a.at(late.addr).bank().create_question(request).await.unwrap().into_inner(), created[0]);
}

#[tokio::test]
async fn numbers_of_attempts_are_given_once_across_processes() {
    let world = World::start().await;
    world.a.populate_forms().await;
    world.a.exam_of("spring", &["blueprints/standard/forms/a"], |e| e.max_attempts = 20).await;
    let twin = world.twin().await;
    let callers = [world.a.clone(), twin.a.clone()];
    let calls = (0..30).map(|i| {
        let a = callers[i % 2].clone();
        async move {
            let request = pb::ScoreSubmissionRequest {
                parent: "exams/spring".to_owned(),
                candidate: "e-1".to_owned(),
                request_id: format!("n{i}"),
                ..Default::default()
            };
            loop {
                match a.delivery().score_submission(request.clone()).await {
                    Ok(result) => return Ok(result.into_inner().attempt_number),
                    // Two processes met at one number; trying again is what the answer asks for.
                    Err(status) if status.code() == tonic::Code::Aborted => {}
                    Err(status) => return Err(crate::support::reason(&status)),
                }
            }
        }
    });
    let (mut numbers, mut refused) = (Vec::new(), 0);
    for answer in join_all(calls).await {
        match answer {
            Ok(number) => numbers.push(number),
            Err(reason) => {
                assert_eq!(reason, "ATTEMPTS_EXHAUSTED");
                refused += 1;
            }
        }
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=20).collect::<Vec<_>>());
    assert_eq!(refused, 10);
}
