//! Calls that are given up at any moment leave nothing behind: no open transaction, no tenant of theirs, no statement
//! that goes on, and nobody else's call that fails.

use std::{
    future::{Future, poll_fn},
    task::Poll,
    time::Duration,
};

use assessd::{
    auth::{Caller, Credential},
    db::{Kept, Unit},
    pb,
    server::Options,
};
use futures_util::future::join_all;
use sqlx::Connection;
use tokio::time::Instant;
use tonic::Code;
use tonic_types::StatusExt;

use crate::support::{As, Refused, World, build::pick, cluster, reason};

/// Connections of the service: few, so that whatever is wrong with one is met at once.
const CONNECTIONS: u32 = 2;

async fn small() -> (World, As) {
    let database = cluster::database().await;
    let connect = cluster::options(&database).await;
    let world = World::on(database, connect, CONNECTIONS, Options::default()).await;
    let b = world.tenant("second").await;
    (world, b)
}

/// Polls a future that many times and drops it then; what it gave, where it came to its end before.
async fn broken_off<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let (mut future, mut left) = (Box::pin(future), polls);
    poll_fn(|cx| {
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

async fn caller(world: &World, a: &As, method: &str) -> Caller {
    let credential = Credential::from_header(&format!("Bearer {}", a.key)).unwrap();
    let deadline = Instant::now() + Duration::from_secs(50);
    let look = world.db.join_look(&credential).unwrap();
    let key = world.db.look_up_key(&credential, look, deadline).await.unwrap().unwrap();
    Caller::new(&key, method, deadline)
}

async fn create_bank(a: &As, id: &str) -> Result<pb::Bank, tonic::Status> {
    let bank = pb::Bank { display_name: id.to_owned(), ..Default::default() };
    let request = pb::CreateBankRequest {
        bank_id: id.to_owned(),
        bank: Some(bank),
        request_id: format!("create-{id}"),
    };
    a.bank().create_bank(request).await.map(tonic::Response::into_inner)
}

/// No backend of the service is in a transaction, or comes out of it within a moment.
async fn all_quiet(world: &World) {
    let mut su = world.superuser().await;
    let until = Instant::now() + Duration::from_secs(3);
    loop {
        let busy: Vec<String> = sqlx::query_scalar(
            "select state || ': ' || left(query, 200) from pg_stat_activity
             where datname = current_database() and application_name = 'assessd' and state <> 'idle'",
        )
        .fetch_all(&mut su)
        .await
        .unwrap();
        if busy.is_empty() {
            break;
        }
        assert!(Instant::now() < until, "{busy:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Taken at once, so that each is seen.
    let mut taken = Vec::new();
    for _ in 0..CONNECTIONS {
        taken.push(world.db.pool().acquire().await.unwrap());
    }
    for connection in &mut taken {
        let (tenant, read_only): (Option<String>, String) = sqlx::query_as(
            "select nullif(current_setting('assessd.tenant', true), ''), current_setting('transaction_read_only')",
        )
        .fetch_one(&mut **connection)
        .await
        .unwrap();
        assert_eq!((tenant, read_only.as_str()), (None, "off"), "of somebody who had gone");
    }
}

#[tokio::test]
async fn a_call_may_end_at_every_await() {
    let (world, b) = small().await;
    world.a.new_bank("crm").await;
    let mut writes = 0;
    let mut write_as_b = async || {
        writes += 1;
        create_bank(&b, &format!("b-{writes}")).await.unwrap();
    };

    let reading = caller(&world, &world.a, "QuestionBankService/GetBank").await;
    let read = async || {
        let mut tx = world.db.read(&reading).await.unwrap();
        let found: i64 = sqlx::query_scalar("select count(*) from bank").fetch_one(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        found
    };
    let mut ended = false;
    for polls in 1..60 {
        let found = broken_off(read(), polls).await;
        ended |= found.is_some();
        assert!(found.is_none_or(|found| found == 1));
        write_as_b().await;
    }
    assert!(ended, "not one came to its end");
    all_quiet(&world).await;

    let writing = caller(&world, &world.a, "QuestionBankService/CreateBank").await;
    let mut ended = 0;
    for polls in 1..80 {
        let name = format!("a-{polls}");
        let request = pb::CreateBankRequest { bank_id: name.clone(), ..Default::default() };
        let work = Unit::once(&world.db, &writing, &name, &request, async |unit| {
            unit.changed("test.written", &name, serde_json::Value::Null);
            sqlx::query("insert into bank (tenant_id, bank_id, display_name) values ($1, $2, $2)")
                .bind(world.a.tenant)
                .bind(&name)
                .execute(unit.conn())
                .await?;
            Ok(pb::Bank { name: name.clone(), ..Default::default() })
        });
        ended += usize::from(broken_off(work, polls).await.is_some_and(|answer| answer.is_ok()));
        write_as_b().await;
    }
    assert!(ended > 0, "not one came to its end");
    all_quiet(&world).await;
    // Each is there with its request, its event and its audit row, or not at all.
    let mut su = world.superuser().await;
    let whole: (i64, i64, i64, i64) = sqlx::query_as(
        "select (select count(*) from bank where tenant_id = $1 and bank_id like 'a-%'),
                (select count(*) from request where tenant_id = $1 and request_id like 'a-%' and response is not null),
                (select count(*) from event where tenant_id = $1 and kind = 'test.written'),
                (select count(*) from request where tenant_id = $1 and response is null)",
    )
    .bind(world.a.tenant)
    .fetch_one(&mut su)
    .await
    .unwrap();
    assert!(whole.0 >= ended as i64 && whole.0 == whole.1 && whole.1 == whole.2 && whole.3 == 0, "{whole:?}");

    // A writer's connection.
    let mut ended = false;
    for polls in 1..40 {
        let store = async {
            let mut kept = Kept::new(&world.db);
            let conn = kept.begin(world.a.tenant, Instant::now() + Duration::from_secs(9)).await.unwrap();
            sqlx::query("select count(*) from attempt").execute(conn).await.unwrap();
            kept.commit().await.unwrap();
        };
        ended |= broken_off(store, polls).await.is_some();
        write_as_b().await;
    }
    assert!(ended, "not one came to its end");
    all_quiet(&world).await;
}

/// Clients with no time, and clients that go: the calls of another tenant do not notice.
#[tokio::test]
async fn callers_that_give_up_hurt_nobody_else() {
    let (world, b) = small().await;
    world.a.populate_forms().await;
    world.a.exam_of("choices", &["blueprints/choices/forms/x"], |_| {}).await;
    let stop = tokio_util::sync::CancellationToken::new();
    let hurry = |n: u64| {
        let (a, stop) = (world.a.clone(), stop.clone());
        tokio::spawn(async move {
            let mut i = 0;
            while !stop.is_cancelled() {
                i += 1;
                let patience = Duration::from_millis(1 + (i + n) % 6);
                let list = pb::ListBanksRequest::default();
                let bank = pb::CreateBankRequest {
                    bank_id: format!("gone-{n}-{i}"),
                    bank: Some(pb::Bank { display_name: "x".to_owned(), ..Default::default() }),
                    ..Default::default()
                };
                let candidate = format!("c-{n}-{i}");
                let submit =
                    async { drop(a.submission("exams/choices", &candidate, vec![pick(1, "B")]).await) };
                match n % 4 {
                    // The client goes.
                    0 => drop(tokio::time::timeout(patience, a.bank().list_banks(list)).await),
                    1 => drop(tokio::time::timeout(patience, submit).await),
                    // The time that the client gives is over.
                    2 => {
                        let mut request = tonic::Request::new(list);
                        request.set_timeout(patience);
                        drop(a.bank().list_banks(request).await);
                    }
                    _ => {
                        let mut request = tonic::Request::new(bank);
                        request.set_timeout(patience);
                        drop(a.bank().create_bank(request).await);
                    }
                }
            }
        })
    };
    let hurried: Vec<_> = (0..12).map(hurry).collect();
    for i in 0..100 {
        create_bank(&b, &format!("b-{i}")).await.unwrap_or_else(|status| panic!("{i}: {status:?}"));
    }
    stop.cancel();
    for ended in join_all(hurried).await {
        ended.unwrap();
    }
    all_quiet(&world).await;
}

/// What runs for somebody who has gone is ended, and its connection is there for the next.
#[tokio::test]
async fn a_statement_ends_with_its_caller() {
    let (world, b) = small().await;
    let caller = caller(&world, &world.a, "QuestionBankService/GetBank").await;
    for _ in 0..CONNECTIONS {
        let sleeps = async {
            let mut tx = world.db.read(&caller).await.unwrap();
            sqlx::query("select pg_sleep(40)").execute(&mut *tx).await
        };
        tokio::time::timeout(Duration::from_millis(100), sleeps).await.unwrap_err();
    }
    let started = Instant::now();
    create_bank(&b, "next").await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    all_quiet(&world).await;
}

/// A lock that does not come free in time is an answer, not a connection held until the deadline.
#[tokio::test]
async fn who_waits_for_a_lock_is_told_to_come_back() {
    let (world, _) = small().await;
    let mut su = world.superuser().await;
    let mut held = su.begin().await.unwrap();
    sqlx::query("lock table bank in access exclusive mode").execute(&mut *held).await.unwrap();
    let status = create_bank(&world.a, "late").await.because(Code::ResourceExhausted, "OVERLOADED");
    assert!(status.get_error_details().retry_info().is_some(), "{status:?}");
    assert!(!reason(&status).contains("DATABASE"));
    held.rollback().await.unwrap();
    create_bank(&world.a, "late").await.unwrap();

    let caller = caller(&world, &world.a, "QuestionBankService/GetBank").await;
    let mut tx = world.db.read(&caller).await.unwrap();
    for (setting, value) in [("idle_in_transaction_session_timeout", "1min"), ("lock_timeout", "5s")] {
        let set: String =
            sqlx::query_scalar("select current_setting($1)").bind(setting).fetch_one(&mut *tx).await.unwrap();
        assert_eq!(set, value, "{setting}");
    }
}
