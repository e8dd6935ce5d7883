//! Death without warning: whatever was acknowledged is there exactly once, and who calls meanwhile is told to try again.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use assessd::{
    db::Db,
    embedded::{Cluster, Settings, State},
    pb,
    server::Options,
};
use rustix::process::{Pid, Signal, kill_process};
use sqlx::Connection;
use tonic::{Code, Response, Status};
use tonic_types::StatusExt;

use crate::support::{
    As, World,
    build::{pick, single},
    cluster::{Folder, url_of},
    process::Process,
    refusal::assert_no_database_text,
};

/// A populated world on a cluster of its own, synced to disk as that of a real service.
async fn durable(name: &str, options: Options) -> (Folder, Cluster, World) {
    let folder = Folder::new(name);
    let cluster = Cluster::start(&Settings::new(&folder.path)).await.unwrap();
    let migrating = Db::open(cluster.options(), 1);
    migrating.migrate().await.unwrap();
    migrating.pool().close().await;
    let world = World::on("assessd".to_owned(), cluster.options(), 8, options).await;
    world.a.populate_forms().await;
    world.a.exam_of("spring", &["blueprints/standard/forms/a"], |_| {}).await;
    (folder, cluster, world)
}

fn signal(postmaster: u32, signal: Signal) {
    kill_process(Pid::from_raw(postmaster as i32).unwrap(), signal).unwrap();
}

/// What the writers of the soak share.
#[derive(Default)]
struct Soak {
    stop: AtomicBool,
    acknowledged: AtomicUsize,
    resent: AtomicUsize,
}

impl Soak {
    /// Sends the same until it is answered, as a careful caller does.
    async fn insist<T, F: Future<Output = Result<Response<T>, Status>>>(&self, call: impl Fn() -> F) -> T {
        loop {
            match call().await {
                Ok(answer) => return answer.into_inner(),
                Err(status) => {
                    let passing = matches!(
                        status.code(),
                        Code::Unavailable
                            | Code::Aborted
                            | Code::Unknown
                            | Code::Cancelled
                            | Code::Internal
                            | Code::DeadlineExceeded
                    );
                    // What our own server says is never an internal error; what a torn connection says may be.
                    let ours = status.get_error_details().error_info().is_some();
                    assert!(passing && !(ours && status.code() == Code::Internal), "{status:?}");
                    self.resent.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
    }

    /// One submission; the name of its attempt.
    async fn submission(&self, a: &As, candidate: &str, position: i32) -> String {
        let request = pb::ScoreSubmissionRequest {
            parent: "exams/spring".to_owned(),
            candidate: candidate.to_owned(),
            responses: vec![pick(position, "B")],
            request_id: candidate.to_owned(),
            ..Default::default()
        };
        let result = self.insist(|| async { a.delivery().score_submission(request.clone()).await }).await;
        assert_eq!((result.score.as_str(), result.attempt_number), ("2", 1));
        result.name.trim_end_matches("/result").to_owned()
    }

    /// One sitting: started, saved, submitted with nothing new; the name of its attempt.
    async fn sitting(&self, a: &As, candidate: &str, position: i32) -> String {
        let start = pb::StartAttemptRequest {
            parent: "exams/spring".to_owned(),
            candidate: candidate.to_owned(),
            request_id: candidate.to_owned(),
            ..Default::default()
        };
        let opened = self.insist(|| async { a.delivery().start_attempt(start.clone()).await }).await;
        let name = opened.name;
        let save = pb::SaveResponsesRequest {
            name: name.clone(),
            responses: vec![pick(position, "B")],
            sequence: 1,
        };
        let saved = self.insist(|| async { a.delivery().save_responses(save.clone()).await }).await;
        assert_eq!((saved.sequence, saved.answered_count), (1, 1));
        let submit = pb::SubmitAttemptRequest {
            name: name.clone(),
            request_id: candidate.to_owned(),
            ..Default::default()
        };
        let done = self.insist(|| async { a.delivery().submit_attempt(submit.clone()).await }).await;
        assert_eq!(done.answered_count, 1, "the save that was acknowledged is gone");
        name
    }

    /// Waits until so many more are acknowledged.
    async fn more(&self, by: usize) {
        let wanted = self.acknowledged.load(Ordering::Relaxed) + by;
        let started = Instant::now();
        while self.acknowledged.load(Ordering::Relaxed) < wanted {
            assert!(started.elapsed() < Duration::from_secs(20), "nothing is acknowledged any more");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Three deaths; with ASSESSD_LONG=1, twenty.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_the_death_of_server_and_database() {
    const WRITERS: usize = 32;
    let kills = if std::env::var("ASSESSD_LONG").is_ok_and(|v| v == "1") { 20 } else { 3 };
    let (_folder, cluster, world) = durable("crash", Options::default()).await;
    let url = url_of(&cluster, "assessd");
    let mut server = Process::serve(&url).await;
    let addr = server.addr;
    let soak = Arc::new(Soak::default());
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (a, soak) = (world.a.at(addr), Arc::clone(&soak));
            tokio::spawn(async move {
                let mut done = BTreeMap::new();
                while !soak.stop.load(Ordering::Relaxed) {
                    let candidate = format!("e-{writer}-{}", done.len());
                    let position = 1 + done.len() as i32 % 4;
                    // Every fourth writer sits, the others bring answers.
                    let name = if writer % 4 == 3 {
                        soak.sitting(&a, &candidate, position).await
                    } else {
                        soak.submission(&a, &candidate, position).await
                    };
                    done.insert(candidate, name);
                    soak.acknowledged.fetch_add(1, Ordering::Relaxed);
                }
                done
            })
        })
        .collect();

    let started = Instant::now();
    for kill in 0..kills {
        // Not always at the same point of the writers' round.
        soak.more(100 + 7 * kill).await;
        if kill % 2 == 0 {
            server.kill();
            server = Process::serve_at(&url, &addr.to_string()).await;
        } else {
            let postmaster = cluster.pid();
            signal(postmaster, Signal::KILL);
            soak.more(100).await;
            assert_ne!(cluster.pid(), postmaster, "it was started again");
        }
    }
    soak.more(100).await;
    soak.stop.store(true, Ordering::Relaxed);
    let mut all = BTreeMap::new();
    for writer in writers {
        all.extend(writer.await.unwrap());
    }
    let elapsed = started.elapsed();

    let mut su = sqlx::PgConnection::connect_with(&cluster.superuser_options("assessd")).await.unwrap();
    let rows: Vec<(String, uuid::Uuid, i32, bool)> = sqlx::query_as(
        "select candidate, attempt_id, number, state > 0 and answered = 1 and score = 2 from attempt",
    )
    .fetch_all(&mut su)
    .await
    .unwrap();
    assert!(rows.iter().all(|(_, _, number, whole)| *number == 1 && *whole));
    let stored: BTreeMap<String, String> =
        rows.iter().map(|(c, id, ..)| (c.clone(), format!("exams/spring/attempts/{id}"))).collect();
    println!(
        "{kills} kills under {WRITERS} writers in {elapsed:.1?}: {} acknowledged, {} stored, {} resent",
        all.len(),
        rows.len(),
        soak.resent.load(Ordering::Relaxed)
    );
    assert_eq!(rows.len(), stored.len(), "every candidate once");
    assert_eq!(stored, all, "what was acknowledged, and nothing else");
    server.kill();
}

/// One round of what a caller does, each call sent again until it is answered; notes what was said in between.
async fn round(a: &As, candidate: &str, said: &mut Vec<Status>) {
    macro_rules! insist {
        ($call:expr) => {
            loop {
                match $call.await {
                    Ok(answer) => break answer.into_inner(),
                    Err(status) => {
                        said.push(status);
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                }
            }
        };
    }
    let (parent, word) = ("exams/spring".to_owned(), candidate.to_owned());
    let score = pb::ScoreSubmissionRequest {
        parent: parent.clone(),
        candidate: format!("s-{candidate}"),
        request_id: word.clone(),
        ..Default::default()
    };
    let scored: pb::Result = insist!(a.delivery().score_submission(score.clone()));
    let start = pb::StartAttemptRequest {
        parent: parent.clone(),
        candidate: word.clone(),
        request_id: word.clone(),
        ..Default::default()
    };
    let opened: pb::Attempt = insist!(a.delivery().start_attempt(start.clone()));
    let save =
        pb::SaveResponsesRequest { name: opened.name.clone(), responses: vec![pick(1, "B")], sequence: 1 };
    insist!(a.delivery().save_responses(save.clone()));
    let submit = pb::SubmitAttemptRequest { name: opened.name.clone(), ..Default::default() };
    insist!(a.delivery().submit_attempt(submit.clone()));
    let create = pb::CreateQuestionRequest {
        parent: "banks/crm".to_owned(),
        question: Some(single(&format!("{candidate}?"), "A")),
        request_id: word,
        publish: true,
        ..Default::default()
    };
    insist!(a.bank().create_question(create.clone()));
    let get = pb::GetResultRequest { name: scored.name };
    insist!(a.result().get_result(get.clone()));
    let list = pb::ListResultsRequest { parent, page_size: 5, ..Default::default() };
    insist!(a.result().list_results(list.clone()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_are_told_to_try_again_while_the_database_restarts() {
    const CALLERS: usize = 24;
    let (_folder, cluster, world) = durable("restart", Options::default()).await;
    let (stop, rounds) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let (a, stop, rounds) = (world.a.at(world.addr), Arc::clone(&stop), Arc::clone(&rounds));
            tokio::spawn(async move {
                let mut said = Vec::new();
                for i in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    round(&a, &format!("e-{caller}-{i}"), &mut said).await;
                    rounds.fetch_add(1, Ordering::Relaxed);
                }
                said
            })
        })
        .collect();
    let more = async |by: usize| {
        let wanted = rounds.load(Ordering::Relaxed) + by;
        let started = Instant::now();
        while rounds.load(Ordering::Relaxed) < wanted {
            assert!(started.elapsed() < Duration::from_secs(20), "nothing goes on any more");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    // Killed; asked to stop at once; asked to stop without any order.
    for way in [Signal::KILL, Signal::INT, Signal::QUIT] {
        more(30).await;
        let (postmaster, mut state) = (cluster.pid(), cluster.state());
        signal(postmaster, way);
        let back = |s: &State| matches!(s, State::Ready { pid } if *pid != postmaster);
        tokio::time::timeout(Duration::from_secs(20), state.wait_for(back)).await.unwrap().unwrap();
    }
    // One backend dies, and PostgreSQL ends all others for it.
    more(30).await;
    let mut su = sqlx::PgConnection::connect_with(&cluster.superuser_options("assessd")).await.unwrap();
    let backend: i32 = sqlx::query_scalar(
        "select pid from pg_stat_activity where application_name = 'assessd' order by random() limit 1",
    )
    .fetch_one(&mut su)
    .await
    .unwrap();
    signal(backend as u32, Signal::KILL);
    more(60).await;
    stop.store(true, Ordering::Relaxed);
    let mut said = Vec::new();
    for caller in callers {
        said.extend(caller.await.unwrap());
    }
    let mut codes = BTreeSet::new();
    for status in &said {
        codes.insert(format!("{:?}", status.code()));
        assert_no_database_text(status);
        let details = status.get_error_details();
        let retry = details.retry_info().and_then(|r| r.retry_delay);
        assert!(retry.is_some_and(|d| !d.is_zero()), "{status:?}");
    }
    println!(
        "4 restarts under {CALLERS} callers: {} rounds, {} calls refused, codes {codes:?}",
        rounds.load(Ordering::Relaxed),
        said.len()
    );
    assert_eq!(codes, BTreeSet::from(["Unavailable".to_owned()]));
}
