//! Heavy calls of one tenant do not take the service from another: its submissions go on, its own heavy calls get
//! their turn, and the service is ready all the while.
//!
//! With `ASSESSD_LONG=1` the exam is large and the rates are printed; `benches/starve.rs` has the figures of a release
//! build.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use assessd::{pb, server::Options};
use futures_util::future::join_all;
use tokio::{task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_types::StatusExt;

use super::long;
use crate::support::{As, World, build::pick, cluster, reason};

/// Heavy callers of the first tenant.
const HEAVY: usize = 48;
/// Callers of the second, who submit one after the other.
const SUBMITTERS: usize = 16;

/// Two tenants with an exam each; that of the first has many attempts.
async fn two(attempts: i64) -> (World, As) {
    let database = cluster::database().await;
    let connect = cluster::options(&database).await;
    let world = World::on(database, connect, 16, Options::default()).await;
    let b = world.tenant("second").await;
    for tenant in [&world.a, &b] {
        tenant.populate_forms().await;
        tenant.exam_of("choices", &["blueprints/choices/forms/x"], |_| {}).await;
    }
    for (i, letters) in ["BBBB", "BABA", "ABAB", "AAAA", "BBAA"].iter().enumerate() {
        let picks = letters.chars().zip(1..).map(|(letter, p)| pick(p, &letter.to_string())).collect();
        world.a.submission("exams/choices", &format!("first-{i}"), picks).await.unwrap();
    }
    let mut su = world.superuser().await;
    sqlx::query(
        "insert into attempt (tenant_id, attempt_id, exam_id, candidate, number, form, state, start_time, submit_time,
            answered, score, awaiting, actor, request_hash, responses, marks)
         select tenant_id, gen_random_uuid(), exam_id, candidate || '-' || g, 1, form, state, start_time,
            submit_time + g * interval '1 millisecond', answered, score, awaiting, actor, request_hash, responses, marks
         from attempt, generate_series(1, $1) g",
    )
    .bind(attempts / 5)
    .execute(&mut su)
    .await
    .unwrap();
    sqlx::raw_sql("vacuum analyze attempt").execute(&mut su).await.unwrap();
    (world, b)
}

async fn analyse(a: &As, n: usize) -> Result<(), Status> {
    let name = "exams/choices".to_owned();
    if n.is_multiple_of(2) {
        let request = pb::GetItemAnalysisRequest { name, ..Default::default() };
        a.result().get_item_analysis(request).await.map(drop)
    } else {
        let request = pb::GetExamSummaryRequest { name, ..Default::default() };
        a.result().get_exam_summary(request).await.map(drop)
    }
}

/// What became of calls.
#[derive(Default)]
struct Tally {
    answered: AtomicU64,
    told_to_wait: AtomicU64,
}

/// Counts an answer; busy is the only other thing that may be said.
fn count(tally: &Tally, answer: &Result<(), Status>) {
    match answer {
        Ok(()) => drop(tally.answered.fetch_add(1, Ordering::Relaxed)),
        Err(status) => {
            let told = (status.code(), reason(status));
            assert_eq!(told, (Code::ResourceExhausted, "OVERLOADED".to_owned()), "{status:?}");
            assert!(status.get_error_details().retry_info().is_some(), "{status:?}");
            tally.told_to_wait.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Heavy calls of a tenant, one after the other in each of so many tasks, on several connections.
fn heavy(a: &As, callers: usize, stop: &CancellationToken) -> (Arc<Tally>, Vec<JoinHandle<()>>) {
    let tally = Arc::new(Tally::default());
    let calls = (0..callers).map(|n| {
        let (a, stop, tally) = (a.clone(), stop.clone(), Arc::clone(&tally));
        tokio::spawn(async move {
            while !stop.is_cancelled() {
                tokio::select! {
                    () = stop.cancelled() => return,
                    answer = analyse(&a, n) => count(&tally, &answer),
                }
            }
        })
    });
    let calls = calls.collect();
    (tally, calls)
}

/// Submissions a second for that long, and the time that 99 of 100 took at most.
async fn submit(b: &As, round: &str, time: Duration) -> (f64, Duration) {
    let end = Instant::now() + time;
    let sender = |n: usize| {
        let (b, round) = (b.clone(), round.to_owned());
        tokio::spawn(async move {
            let mut took = Vec::new();
            while Instant::now() < end {
                let begun = Instant::now();
                let candidate = format!("{round}-{n}-{}", took.len());
                let right = (1..=4).map(|p| pick(p, "B")).collect();
                let result = b.submission("exams/choices", &candidate, right).await.unwrap();
                assert_eq!(result.score, "8");
                took.push(begun.elapsed());
            }
            took
        })
    };
    let senders: Vec<_> = (0..SUBMITTERS).map(sender).collect();
    let mut took: Vec<Duration> = join_all(senders).await.into_iter().flat_map(Result::unwrap).collect();
    took.sort_unstable();
    (took.len() as f64 / time.as_secs_f64(), took[took.len() * 99 / 100])
}

/// Asks for readiness all the while; how often it was said.
fn watch_health(a: &As, stop: &CancellationToken) -> JoinHandle<u64> {
    let (mut health, stop) = (HealthClient::new(a.channel.clone()), stop.clone());
    tokio::spawn(async move {
        let mut asked = 0;
        while !stop.is_cancelled() {
            let answer = health.check(HealthCheckRequest::default()).await.unwrap().into_inner();
            assert_eq!(answer.status(), ServingStatus::Serving, "after {asked} answers");
            asked += 1;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        asked
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heavy_calls_leave_room_for_others() {
    let (attempts, time) =
        if long() { (20_000, Duration::from_secs(8)) } else { (4_000, Duration::from_secs(2)) };
    let (world, b) = two(attempts).await;
    submit(&b, "warm", Duration::from_millis(300)).await;
    let (alone, p99_alone) = submit(&b, "alone", time).await;

    let stop = CancellationToken::new();
    let health = watch_health(&world.a, &stop);
    let (tally, calls) = heavy(&world.a, HEAVY, &stop);
    // On a channel of its own, as another customer's.
    let b = b.at(world.addr);
    let one_of_b = async {
        tokio::time::sleep(time / 4).await;
        let begun = Instant::now();
        analyse(&b, 0).await.unwrap();
        let heavy = begun.elapsed();
        let begun = Instant::now();
        b.exam()
            .get_exam(pb::GetExamRequest { name: "exams/choices".to_owned(), ..Default::default() })
            .await
            .unwrap();
        (heavy, begun.elapsed())
    };
    let ((beside, p99), (own_heavy, own_read)) = tokio::join!(submit(&b, "beside", time), one_of_b);
    // However busy the machine is: they give way, but they get on.
    let until = Instant::now() + Duration::from_secs(20);
    while tally.answered.load(Ordering::Relaxed) == 0 && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stop.cancel();
    for call in calls {
        call.await.unwrap();
    }
    let asked = health.await.unwrap();
    let (answered, told) =
        (tally.answered.load(Ordering::Relaxed), tally.told_to_wait.load(Ordering::Relaxed));
    println!(
        "submissions alone {alone:.0}/s (p99 {p99_alone:?}), beside {HEAVY} heavy callers of another tenant \
         {beside:.0}/s (p99 {p99:?}) = {:.0} %; its own analysis {own_heavy:?}, its own read {own_read:?}; \
         heavy calls answered {answered}, told to come back {told}; ready {asked} times of {asked}",
        100.0 * beside / alone
    );
    assert!(answered > 0, "the heavy ones get their share as well");
    assert!(asked > 10);
    assert!(own_heavy < Duration::from_secs(10), "behind all of the other tenant's: {own_heavy:?}");
    // Two processors that others use as well: far from what a quiet machine does, and far from nothing.
    assert!(beside > alone / 6.0, "{beside:.0} of {alone:.0} submissions a second");
    assert!(p99 < Duration::from_secs(2), "{p99:?}");
}

/// Imports into one bank at once wait for each other without holding what others need.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn imports_into_one_bank_wait_in_turn() {
    let (world, b) = two(5).await;
    world.a.new_bank("imported").await;
    let stop = CancellationToken::new();
    let health = watch_health(&b, &stop);
    let file = |n: usize| {
        let question =
            |i: usize| format!("{}.第{n}份的第{i}题是哪一项?\nA.甲{n}\nB.乙{i}\nC.丙\nD.丁\n答案:B\n", i + 1);
        format!("一、单项选择题\n{}", (0..60).map(question).collect::<String>())
    };
    let import = |n: usize| {
        let (a, file) = (world.a.clone(), file(n));
        tokio::spawn(async move {
            use pb::import_questions_request::Message;
            let header = pb::ImportHeader {
                parent: "banks/imported".to_owned(),
                format: pb::ImportFormat::PaperText as i32,
                request_id: format!("import-{n}"),
                ..Default::default()
            };
            let messages = [Message::Header(header), Message::Chunk(file.into_bytes())]
                .map(|message| pb::ImportQuestionsRequest { message: Some(message) });
            a.bank().import_questions(tokio_stream::iter(messages)).await.map(drop)
        })
    };
    let imports: Vec<_> = (0..17).map(import).collect();
    let (rate, _) = submit(&b, "beside", Duration::from_secs(1)).await;
    assert!(rate > 5.0, "{rate}");
    for (n, import) in imports.into_iter().enumerate() {
        import.await.unwrap().unwrap_or_else(|status| panic!("{n}: {status:?}"));
    }
    stop.cancel();
    assert!(health.await.unwrap() > 10);
    let count: i64 = sqlx::query_scalar("select count(*) from question where bank_id = 'imported'")
        .fetch_one(&mut world.superuser().await)
        .await
        .unwrap();
    assert_eq!(count, 17 * 60);
}
