//! Calls that are refused, as many as anybody likes: they cost the database next to nothing, and the log and the audit
//! log stay readable.

use std::time::Duration;

use assessd::{auth::Credential, pb, server::Options};
use futures_util::{StreamExt, stream};
use tonic::Code;
use tonic_types::StatusExt;
use uuid::Uuid;

use super::{figure, long};
use crate::support::{As, Refused, World, cluster, process::Process, proxy::Proxy, reason};

fn bank() -> pb::GetBankRequest {
    pb::GetBankRequest { name: "banks/crm".to_owned(), ..Default::default() }
}

/// Calls with each of these keys, many at once; how many were refused as unknown, and how many for being too many.
async fn forge(a: &As, keys: impl Iterator<Item = String>) -> (usize, usize) {
    let codes = stream::iter(keys).map(|key| {
        let forged = a.with_key(&key);
        async move {
            let status = forged.bank().get_bank(bank()).await.unwrap_err();
            if status.code() == Code::ResourceExhausted {
                assert_eq!(reason(&status), "OVERLOADED");
                assert!(status.get_error_details().retry_info().is_some(), "{status:?}");
            } else {
                assert_eq!(status.code(), Code::Unauthenticated, "{status:?}");
            }
            status.code()
        }
    });
    let codes: Vec<Code> = codes.buffer_unordered(32).collect().await;
    let limited = codes.iter().filter(|code| **code == Code::ResourceExhausted).count();
    (codes.len() - limited, limited)
}

fn any_key(tenant: Uuid) -> String {
    Credential::generate(tenant).unwrap().1
}

#[tokio::test]
async fn forged_keys_cost_few_looks_and_known_ones_go_on() {
    let database = cluster::database().await;
    let proxy = Proxy::start().await;
    let world = World::on(database.clone(), proxy.options(&database), 8, Options::default()).await;
    let a = &world.a;
    a.new_bank("crm").await;
    proxy.reset();
    let again = any_key(a.tenant);
    assert_eq!(forge(a, std::iter::repeat_n(again, 300)).await, (300, 0));
    // The service's own tasks look every second, too.
    let looks = proxy.count().transactions;
    assert!(looks <= 30, "{looks} looks for one key");
    // One after the other is another one: the tenant is known, the key is not.
    let many = if long() { 20_000 } else { 1_000 };
    proxy.reset();
    let (unknown, limited) = forge(a, (0..many).map(|_| any_key(a.tenant))).await;
    let looks = proxy.count().transactions;
    assert!(
        limited > many / 3 && looks <= unknown + 60,
        "{unknown} unknown, {limited} limited, {looks} looks"
    );
    figure(&format!("{many} forged keys cost looks into the database"), looks);
    // Whoever is known goes on, from the same address; and after a moment keys are looked up again.
    a.bank().get_bank(bank()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    a.with_key(&any_key(Uuid::now_v7())).bank().get_bank(bank()).await.refused(Code::Unauthenticated);
}

/// Rows of refusals, and how often they say.
async fn noted(world: &World) -> (i64, i64) {
    sqlx::query_as("select count(*), coalesce(sum(times), 0)::bigint from audit where outcome = 'refused'")
        .fetch_one(&mut world.superuser().await)
        .await
        .unwrap()
}

#[tokio::test]
async fn refusals_by_role_are_one_row_a_minute_with_their_number() {
    let world = World::start().await;
    let low = world.a.role(&[pb::Role::Analyst]).await;
    let twin = world.twin().await;
    let calls = if long() { 20_000 } else { 600 };
    let started = std::time::Instant::now();
    let refused = stream::iter(0..calls).map(|i| {
        // Two replicas, one row.
        let low = if i % 2 == 0 { low.clone() } else { low.at(twin.addr) };
        async move {
            let create = pb::CreateBankRequest::default();
            low.bank().create_bank(create).await.because(Code::PermissionDenied, "ROLE_MISSING");
        }
    });
    refused.buffer_unordered(16).collect::<Vec<()>>().await;
    let minutes = 2 + started.elapsed().as_secs() as i64 / 60;
    let (rows, _) = noted(&world).await;
    assert!(rows >= 1 && rows <= minutes, "{rows}");
    low.bank().get_bank(bank()).await.refused(Code::NotFound);
    twin.stop().await;
    let database = world.database.clone();
    world.stop().await;
    let mut su = cluster::superuser(&database).await;
    let (rows, times): (i64, i64) = sqlx::query_as(
        "select count(*), sum(times)::bigint from audit where outcome = 'refused' and method like '%/CreateBank'",
    )
    .fetch_one(&mut su)
    .await
    .unwrap();
    assert_eq!(times, calls, "none is lost when the service stops");
    assert!(rows <= minutes, "{rows}");
    figure(&format!("rows of the audit log for {calls} refusals of one key"), rows);
    // A method that is not there leaves no trace that a caller could choose.
    let unknown: i64 = sqlx::query_scalar("select count(*) from audit where method like '%NoSuch%'")
        .fetch_one(&mut su)
        .await
        .unwrap();
    assert_eq!(unknown, 0);
}

#[tokio::test]
async fn the_log_names_the_peer_and_stays_short() {
    let world = World::start().await;
    let url = cluster::url(&world.database).await;
    let file = std::env::temp_dir().join(format!("assessd-it-{}-refusals.log", std::process::id()));
    let redirect = format!("exec 2>'{}';", file.display());
    let server = Process::serve_in_shell(&url, &redirect, &["--log", "info"]).await;
    let nobody = world.a.at(server.addr).with_key("");
    for _ in 0..300 {
        nobody.bank().get_bank(bank()).await.refused(Code::Unauthenticated);
    }
    let missing = world.a.at(server.addr).with_key(&any_key(Uuid::now_v7()));
    missing.bank().get_bank(bank()).await.refused(Code::Unauthenticated);
    let text = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| line.contains("refused")).collect();
    assert!(!lines.is_empty() && lines.len() <= 4, "{lines:?}");
    assert!(lines[0].contains("client.address") && lines[0].contains("127.0.0.1:"), "{lines:?}");
    // The rest is told when it stops.
    server.terminate().await;
    let text = std::fs::read_to_string(&file).unwrap();
    let told: u64 = text
        .lines()
        .filter(|line| line.contains("refused"))
        .filter_map(|line| line.split("were refused: ").nth(1)?.split(' ').next()?.parse::<u64>().ok())
        .sum();
    assert_eq!(told, 301, "{text}");
    std::fs::remove_file(file).unwrap();
}
