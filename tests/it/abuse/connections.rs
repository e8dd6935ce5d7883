//! Connections that ask for nothing, and more of them than there are files.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use assessd::{pb, server::Options};
use futures_util::future::join_all;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tonic::transport::Endpoint;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use super::{figure, long};
use crate::support::{World, cluster, process::Process};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// An empty SETTINGS frame.
const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];

async fn sent(addr: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream
}

/// How long it takes the other side to end the connection.
async fn ended(mut stream: TcpStream) -> Duration {
    let started = Instant::now();
    let mut into = [0; 256];
    while let Ok(Ok(1..)) = tokio::time::timeout(Duration::from_secs(30), stream.read(&mut into)).await {}
    started.elapsed()
}

/// What a new connection is told of the service's readiness, and after what time.
async fn health(addr: SocketAddr) -> (ServingStatus, Duration) {
    let started = Instant::now();
    let channel = Endpoint::from_shared(format!("http://{addr}")).unwrap().connect_lazy();
    let mut client = HealthClient::new(channel);
    let asked =
        tokio::time::timeout(Duration::from_secs(10), client.check(HealthCheckRequest::default())).await;
    (asked.expect("health answers").unwrap().into_inner().status(), started.elapsed())
}

#[tokio::test]
async fn who_does_not_ask_for_anything_is_not_waited_for() {
    let world = World::start().await;
    let beginnings = [&[][..], b"P", &PREFACE[..20], PREFACE, &[PREFACE, SETTINGS].concat()];
    // A HEADERS frame that is to be of 100 bytes and has 4.
    let half = [PREFACE, SETTINGS, &[0, 0, 100, 1, 4, 0, 0, 0, 1, 0x83, 0x86, 0x84, 0x41]].concat();
    let mut open = Vec::new();
    for _ in 0..20 {
        for bytes in beginnings.into_iter().chain([half.as_slice()]) {
            open.push(sent(world.addr, bytes).await);
        }
    }
    world.a.new_bank("crm").await;
    for took in join_all(open.into_iter().map(ended)).await {
        assert!(took > Duration::from_secs(3) && took < Duration::from_secs(15), "{took:?}");
    }
}

/// The processor time of a process so far, in ticks of 10 ms.
fn ticks(process: &Process) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.id())).ok()?;
    let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
    Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
}

/// More connections than the process has files: those that ask for nothing make room, and nothing spins.
#[tokio::test]
async fn at_the_file_limit_health_answers() {
    let world = World::start().await;
    let url = cluster::url(&world.database).await;
    for files in [128, 96] {
        let server = Process::serve_in_shell(&url, &format!("ulimit -n {files};"), &[]).await;
        let (status, _) = health(server.addr).await;
        let started = Instant::now();
        while status != ServingStatus::Serving && health(server.addr).await.0 != ServingStatus::Serving {
            assert!(started.elapsed() < Duration::from_secs(10), "it is not ready");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let count = if long() { 2000 } else { 300 };
        let mut open = Vec::new();
        for _ in 0..count {
            open.push(sent(server.addr, &PREFACE[..10]).await);
        }
        let before = ticks(&server);
        for _ in 0..5 {
            let (status, took) = health(server.addr).await;
            assert_eq!(status, ServingStatus::Serving);
            assert!(took < Duration::from_secs(3), "{took:?}");
            figure(
                &format!("health at {files} files and {count} connections answers after, ms"),
                took.as_millis(),
            );
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        if let (Some(before), Some(after)) = (before, ticks(&server)) {
            assert!(after - before < 60, "{} ticks of the processor in a second", after - before);
        }
        world.a.at(server.addr).new_bank(&format!("crm-{files}")).await;
        drop(open);
    }
}

#[tokio::test]
async fn one_address_has_its_part_and_quiet_connections_make_room() {
    let database = cluster::database().await;
    let connect = cluster::options(&database).await;
    let options =
        Options { client_connections_per_address: 4, idle: Duration::from_millis(500), ..Options::default() };
    let world = World::on(database, connect, 4, options).await;
    let first = sent(world.addr, PREFACE).await;
    let mut others = Vec::new();
    for _ in 0..8 {
        others.push(sent(world.addr, PREFACE).await);
    }
    assert!(ended(first).await < Duration::from_secs(3), "it made room long before its time was over");
    world.a.new_bank("crm").await;
    let get = || pb::GetBankRequest { name: "banks/crm".to_owned(), ..Default::default() };
    // A connection that is quiet is closed; whoever calls again does not notice.
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(900)).await;
        world.a.bank().get_bank(get()).await.unwrap();
    }
}
