//! Death without warning: whatever was acknowledged is there exactly once.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use assessd::{
    db::Db,
    embedded::{Cluster, Settings},
    pb,
    server::Options,
};
use rustix::process::{Pid, Signal, kill_process};
use tonic::Code;

use crate::support::{
    World,
    build::pick,
    cluster::{Folder, url_of},
    process::Process,
};

const TASKS: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_the_death_of_server_and_database() {
    let folder = Folder::new("crash");
    // A real cluster: synced to disk.
    let cluster = Cluster::start(&Settings::new(&folder.path)).await.unwrap();
    let migrating = Db::open(cluster.options(), 1);
    migrating.migrate().await.unwrap();
    migrating.pool().close().await;
    let world = World::on("assessd".to_owned(), cluster.options(), 4, Options::default()).await;
    world.a.populate_forms().await;
    world.a.exam_of("spring", &["blueprints/standard/forms/a"], |_| {}).await;

    let url = url_of(&cluster, "assessd");
    let server = Process::serve(&url).await;
    let addr = server.addr;
    let stop = Arc::new(AtomicBool::new(false));
    let acknowledged = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let (a, stop, acknowledged) = (world.a.at(addr), Arc::clone(&stop), Arc::clone(&acknowledged));
            tokio::spawn(async move {
                let mut done = BTreeMap::new();
                for i in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let candidate = format!("e-{task}-{i}");
                    let request = pb::ScoreSubmissionRequest {
                        parent: "exams/spring".to_owned(),
                        candidate: candidate.clone(),
                        responses: vec![pick(1 + i % 4, "B")],
                        request_id: candidate.clone(),
                        ..Default::default()
                    };
                    // Retried until it is answered, as a careful caller does.
                    let result = loop {
                        match a.delivery().score_submission(request.clone()).await {
                            Ok(result) => break result.into_inner(),
                            Err(status) => {
                                let code = status.code();
                                let passing = matches!(
                                    code,
                                    Code::Unavailable
                                        | Code::Aborted
                                        | Code::Unknown
                                        | Code::Cancelled
                                        | Code::Internal
                                        | Code::DeadlineExceeded
                                );
                                // What our own server says is never an internal error; what a torn connection says may be.
                                let ours =
                                    tonic_types::StatusExt::get_error_details(&status).error_info().is_some();
                                assert!(passing && !(ours && code == Code::Internal), "{status:?}");
                                tokio::time::sleep(Duration::from_millis(20)).await;
                            }
                        }
                    };
                    assert_eq!((result.score.as_str(), result.attempt_number), ("2", 1));
                    done.insert(candidate, result.name);
                    acknowledged.fetch_add(1, Ordering::Relaxed);
                }
                done
            })
        })
        .collect();
    let more = async |by: usize| {
        let wanted = acknowledged.load(Ordering::Relaxed) + by;
        let started = Instant::now();
        while acknowledged.load(Ordering::Relaxed) < wanted {
            assert!(started.elapsed() < Duration::from_secs(20), "nothing is acknowledged any more");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };

    more(100).await;
    server.kill();
    let server = Process::serve_at(&url, &addr.to_string()).await;
    more(100).await;
    let postmaster = cluster.pid();
    kill_process(Pid::from_raw(postmaster as i32).unwrap(), Signal::KILL).unwrap();
    more(100).await;
    assert_ne!(cluster.pid(), postmaster, "it was started again");
    server.kill();
    let server = Process::serve_at(&url, &addr.to_string()).await;
    more(50).await;
    stop.store(true, Ordering::Relaxed);
    let mut all = BTreeMap::new();
    for task in tasks {
        all.extend(task.await.unwrap());
    }

    let mut conn = sqlx::postgres::PgPoolOptions::new()
        .max_connections(1)
        .connect_with(cluster.superuser_options("assessd"))
        .await
        .unwrap()
        .acquire()
        .await
        .unwrap();
    let stored: Vec<(String, uuid::Uuid)> =
        sqlx::query_as("select candidate, attempt_id from attempt").fetch_all(&mut *conn).await.unwrap();
    let stored: BTreeMap<String, String> =
        stored.into_iter().map(|(c, id)| (c, format!("exams/spring/attempts/{id}/result"))).collect();
    let rows: i64 = sqlx::query_scalar("select count(*) from attempt").fetch_one(&mut *conn).await.unwrap();
    assert_eq!(rows as usize, stored.len(), "every candidate once");
    assert!(all.len() >= 350);
    assert_eq!(stored, all, "what was acknowledged, and nothing else");
    server.kill();
}
