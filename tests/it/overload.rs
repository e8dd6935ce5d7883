//! More than can be stored at once: a call is refused with the word when to come back, a stream is slowed down, and
//! what was acknowledged is there in the end, once.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use assessd::{attempt::plans::Plans, ids::ExamId, pb, server::Options};
use futures_util::{StreamExt, future::join_all};
use sqlx::{Connection, PgConnection};
use tonic::Code;
use tonic_types::StatusExt;

use crate::support::{As, World, build::pick, cluster, reason};

/// Submissions of 300 KB each: a hundred of them are more than may wait.
const MANY: usize = 160;

/// A world with an exam whose ninth position takes a text, known to the server already.
async fn written() -> World {
    let world = World::start().await;
    world.a.populate_forms().await;
    world.a.exam_of("written", &["blueprints/standard/forms/a"], |_| {}).await;
    world.a.submission("exams/written", "first", vec![]).await.unwrap();
    world
}

fn long(candidate: usize) -> pb::ScoreSubmissionRequest {
    let text = "长".repeat(100_000);
    pb::ScoreSubmissionRequest {
        parent: "exams/written".to_owned(),
        candidate: format!("c-{candidate}"),
        responses: vec![pb::Response { position: 9, text, ..Default::default() }],
        request_id: format!("long-{candidate}"),
        view: pb::ResultView::Basic as i32,
        ..Default::default()
    }
}

/// Holds every write to attempts up until it is committed.
async fn hold(su: &mut PgConnection) -> sqlx::Transaction<'_, sqlx::Postgres> {
    let mut held = su.begin().await.unwrap();
    sqlx::query("lock table attempt in access exclusive mode").execute(&mut *held).await.unwrap();
    held
}

async fn stored(world: &World) -> i64 {
    let count =
        sqlx::query_scalar("select count(distinct candidate) from attempt where candidate like 'c-%'");
    let (all, distinct): (i64, i64) = (
        sqlx::query_scalar("select count(*) from attempt where candidate like 'c-%'")
            .fetch_one(&mut world.superuser().await)
            .await
            .unwrap(),
        count.fetch_one(&mut world.superuser().await).await.unwrap(),
    );
    assert_eq!(all, distinct, "each counts once");
    all
}

#[tokio::test]
async fn too_many_calls_are_refused_with_the_time_to_come_back() {
    let world = written().await;
    let mut su = world.superuser().await;
    let held = hold(&mut su).await;
    let turned_away = Arc::new(AtomicUsize::new(0));
    let calls: Vec<_> = (0..MANY)
        .map(|i| {
            let a = world.a.clone();
            let turned_away = Arc::clone(&turned_away);
            tokio::spawn(async move {
                let answer = a.delivery().score_submission(long(i)).await;
                turned_away.fetch_add(usize::from(answer.is_err()), Ordering::Relaxed);
                (i, answer)
            })
        })
        .collect();
    let refused = async {
        // Whatever else the service does goes on.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let get = pb::GetExamRequest { name: "exams/written".to_owned(), ..Default::default() };
        world.a.exam().get_exam(get).await.unwrap();
        // Until more has come in than there is room for, which takes a slow machine a while; no group waits longer than 10 s.
        let held_since = Instant::now();
        while turned_away.load(Ordering::Relaxed) == 0 && held_since.elapsed() < Duration::from_secs(8) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        held.commit().await.unwrap();
    };
    let (answers, ()) = tokio::join!(join_all(calls), refused);
    let mut again = Vec::new();
    for (i, answer) in answers.into_iter().map(Result::unwrap) {
        match answer {
            Ok(result) => assert_eq!(result.into_inner().candidate, format!("c-{i}")),
            Err(status) => {
                assert_eq!(
                    (status.code(), reason(&status).as_str()),
                    (Code::ResourceExhausted, "OVERLOADED")
                );
                assert!(status.get_error_details().retry_info().is_some(), "{status:?}");
                again.push(i);
            }
        }
    }
    assert!(!again.is_empty() && again.len() < MANY, "{} of {MANY} were refused", again.len());
    assert_eq!(stored(&world).await as usize, MANY - again.len(), "what was refused is not there");
    for i in again {
        world.a.delivery().score_submission(long(i)).await.unwrap();
    }
    assert_eq!(stored(&world).await as usize, MANY);
}

#[tokio::test]
async fn a_stream_is_slowed_down_and_nothing_of_it_is_refused() {
    use pb::batch_score_submissions_response::Outcome;
    let world = written().await;
    let mut su = world.superuser().await;
    let held = hold(&mut su).await;
    let sent = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&sent);
    let elements = tokio_stream::iter(0..MANY).map(move |i| {
        count.fetch_add(1, Ordering::Relaxed);
        pb::BatchScoreSubmissionsRequest { submission: Some(long(i)) }
    });
    let a = world.a.clone();
    let answered = tokio::spawn(async move {
        let mut answers = a.delivery().batch_score_submissions(elements).await.unwrap().into_inner();
        let mut seen = HashSet::new();
        while let Some(answer) = answers.message().await.unwrap() {
            match answer.outcome.unwrap() {
                Outcome::Result(result) => assert!(seen.insert(result.candidate)),
                Outcome::Error(error) => panic!("{error:?}"),
            }
        }
        seen.len()
    });
    tokio::time::sleep(Duration::from_millis(1000)).await;
    let taken = sent.load(Ordering::Relaxed);
    assert!(taken < MANY / 2, "{taken} of {MANY} were taken although none could be stored");
    held.commit().await.unwrap();
    assert_eq!(answered.await.unwrap(), MANY);
    assert_eq!(stored(&world).await as usize, MANY);
}

/// Submissions of several tenants in one process at once, each in a stream of its own and in turn.
#[tokio::test]
async fn tenants_that_submit_in_turn_do_not_meet() {
    let world = World::start().await;
    let mut tenants = vec![world.a.clone()];
    for name in ["second", "third"] {
        tenants.push(world.tenant(name).await);
    }
    for a in &tenants {
        a.populate_forms().await;
        a.exam_of("choices", &["blueprints/choices/forms/x"], |_| {}).await;
    }
    let submit = |a: As, i: usize| async move {
        // The same ids everywhere: whose they are tells them apart.
        let right = (1..=4).map(|p| pick(p, "B")).collect();
        a.submission("exams/choices", &format!("c-{i}"), right).await.unwrap()
    };
    let calls = (0..90).map(|i| tokio::spawn(submit(tenants[i % 3].clone(), i / 3)));
    for result in join_all(calls.collect::<Vec<_>>()).await {
        assert_eq!(result.unwrap().score, "8");
    }
    for a in &tenants {
        let list = pb::ListResultsRequest {
            parent: "exams/choices".to_owned(),
            page_size: 100,
            ..Default::default()
        };
        assert_eq!(a.result().list_results(list).await.unwrap().into_inner().results.len(), 30);
    }
}

/// The cache of plans keeps to its bytes, and what it dropped is compiled again to the same.
#[tokio::test]
async fn compiled_plans_keep_to_their_memory() {
    let world = World::start().await;
    world.a.populate_forms().await;
    let names = ["blueprints/standard/forms/a", "blueprints/standard/forms/b", "blueprints/standard/forms/c"];
    world.a.exam_of("three", &names, |_| {}).await;
    let exam: ExamId = "three".parse().unwrap();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    let mut tx = world.db.submit(world.a.tenant, deadline).await.unwrap();
    let roomy = Plans::new();
    let facts = roomy.exam(&mut tx, world.a.tenant, &exam).await.unwrap();
    for index in 0..3 {
        roomy.form(&mut tx, world.a.tenant, &facts, index).await.unwrap();
    }
    let whole = roomy.bytes();
    assert!((0..3).all(|index| roomy.kept_form(world.a.tenant, &facts, index).is_some()));
    assert!(whole > 3_000, "{whole}");

    let tight = Plans::bounded(whole / 2);
    for round in 0..4 {
        for (index, name) in names.iter().enumerate() {
            let form = tight.form(&mut tx, world.a.tenant, &facts, index).await.unwrap();
            assert_eq!(form.form.name.to_string(), *name);
            assert_eq!(form.plan.slots().len(), 12, "round {round}");
            assert!(tight.bytes() <= whole / 2, "{} of {}", tight.bytes(), whole / 2);
        }
    }
    let kept = (0..3).filter(|index| tight.kept_form(world.a.tenant, &facts, *index).is_some()).count();
    assert!(kept < 3, "{kept} of 3 are kept in half the room");
}

/// A service that was given one connection goes on reading while submissions keep coming.
#[tokio::test]
async fn one_connection_is_shared() {
    let world = World::start().await;
    world.a.populate_forms().await;
    world.a.exam_of("choices", &["blueprints/choices/forms/x"], |_| {}).await;
    let connect = cluster::options(&world.database).await;
    let small = World::on(world.database.clone(), connect, 1, Options::default()).await;
    let a = world.a.at(small.addr);
    let sender = |n: usize| {
        let a = a.clone();
        tokio::spawn(async move {
            for i in 0..20 {
                a.submission("exams/choices", &format!("c-{n}-{i}"), vec![pick(1, "B")]).await.unwrap();
            }
        })
    };
    let senders: Vec<_> = (0..16).map(sender).collect();
    for _ in 0..20 {
        let get = pb::GetExamRequest { name: "exams/choices".to_owned(), ..Default::default() };
        a.exam().get_exam(get).await.unwrap();
    }
    for sent in join_all(senders).await {
        sent.unwrap();
    }
    assert_eq!(stored(&world).await, 320);
}
