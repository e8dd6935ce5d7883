//! Requests that are begun and never ended, and more bytes than there is room for.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use assessd::{
    edge::method::{self, Brings},
    pb,
    server::Options,
};
use futures_util::future::join_all;
use prost::bytes::Bytes;
use tonic::{Code, Status, body::Body};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tonic_types::StatusExt;
use tower::Service;

use super::figure;
use crate::support::{As, World, cluster, process::Process, reason};

/// Sends its pieces, and then nothing, without an end.
struct Unfinished(VecDeque<Bytes>);

impl http_body::Body for Unfinished {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Status>>> {
        match self.0.pop_front() {
            Some(piece) => Poll::Ready(Some(Ok(http_body::Frame::data(piece)))),
            None => Poll::Pending,
        }
    }
}

/// Begins a call with a message of `declared` bytes of which `sent` come; the status that it ends with.
pub async fn unfinished(a: &As, path: &str, declared: usize, sent: usize) -> Status {
    let mut pieces =
        VecDeque::from([Bytes::from([&[0][..], &u32::try_from(declared).unwrap().to_be_bytes()].concat())]);
    let piece = Bytes::from(vec![0; 16 * 1024]);
    let mut left = sent;
    while left > 0 {
        let now = left.min(piece.len());
        pieces.push_back(piece.slice(..now));
        left -= now;
    }
    let mut request = http::Request::post(format!("http://assessd{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    if !a.key.is_empty() {
        request = request.header("authorization", format!("Bearer {}", a.key));
    }
    let request = request.body(Body::new(Unfinished(pieces))).unwrap();
    let mut channel = a.channel.clone();
    std::future::poll_fn(|cx| channel.poll_ready(cx)).await.unwrap();
    match channel.call(request).await {
        Ok(answer) => Status::from_header_map(answer.headers()).unwrap_or_else(|| Status::ok("")),
        Err(error) => Status::unknown(error.to_string()),
    }
}

/// 300 bodies of 3 MiB without a key took a gigabyte, and stayed.
#[tokio::test]
async fn bodies_without_a_key_take_no_memory_and_end() {
    let world = World::start().await;
    let server = Process::serve(&cluster::url(&world.database).await).await;
    let a = world.a.at(server.addr).with_key("");
    HealthClient::new(a.channel.clone()).check(HealthCheckRequest::default()).await.unwrap();
    let before = server.peak_memory();
    let started = Instant::now();
    let size = 3 << 20;
    let calls = (0..300).map(|_| unfinished(&a, "/grpc.health.v1.Health/Check", size + 1, size));
    for status in join_all(calls).await {
        assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
        assert!(status.message().contains("larger than"), "{status:?}");
    }
    figure("300 bodies of 3 MiB without a key are refused after, s", started.elapsed().as_secs_f64());
    // What is not refused for its size ends by its time.
    let started = Instant::now();
    let calls = (0..200).map(|_| unfinished(&a, "/grpc.health.v1.Health/Check", 16 << 10, 10 << 10));
    let watch = unfinished(&a, "/grpc.health.v1.Health/Watch", 16, 8);
    let (calls, watch) = tokio::join!(join_all(calls), watch);
    for status in calls.into_iter().chain([watch]) {
        assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
    }
    let took = started.elapsed();
    assert!(took < Duration::from_secs(15), "{took:?}");
    figure("200 unfinished bodies of 10 KiB without a key end after, s", took.as_secs_f64());
    if let (Some(before), Some(after)) = (before, server.peak_memory()) {
        figure("peak memory that all of these added, MB", (after - before) >> 20);
        assert!(after - before < 60 << 20, "from {before} to {after} bytes");
    }
    HealthClient::new(a.channel.clone()).check(HealthCheckRequest::default()).await.unwrap();
}

#[tokio::test]
async fn every_method_has_its_limit_and_asks_for_the_key_first() {
    let world = World::start().await;
    let a = &world.a;
    let nobody = a.with_key("");
    let calls = method::all().map(async |(path, method)| {
        let status = unfinished(a, path, method.largest + 1, 8).await;
        // The answer to a stream may have begun before its first message.
        if method.brings == Brings::One {
            assert_eq!(status.code(), Code::InvalidArgument, "{path}: {status:?}");
            assert!(status.message().contains(&method.largest.to_string()), "{path}: {status:?}");
        }
        if !method.open {
            let status = unfinished(&nobody, path, method.largest, 8).await;
            assert_eq!(status.code(), Code::Unauthenticated, "{path}: {status:?}");
        }
    });
    join_all(calls).await;
}

#[tokio::test]
async fn bytes_under_way_are_bounded_and_no_tenant_takes_all() {
    const MB: usize = 1 << 20;
    let database = cluster::database().await;
    let options = Options { bytes_under_way: 8 * MB, deadline: Duration::from_secs(4), ..Options::default() };
    let connect = cluster::options(&database).await;
    let world = World::on(database, connect, 4, options).await;
    let a = world.a.clone();
    let b = world.tenant("second").await;
    b.new_bank("crm").await;
    let submit = "/assessment.v1.DeliveryService/SubmitAttempt";
    // Half of it is one tenant's; what it holds is held until the call ends by its time.
    let holds = tokio::spawn({
        let a = a.clone();
        async move { unfinished(&a, submit, 10 * MB, 3 * MB).await }
    });
    tokio::time::sleep(Duration::from_millis(800)).await;
    let status = unfinished(&a, submit, 10 * MB, 3 * MB).await;
    assert_eq!((status.code(), reason(&status).as_str()), (Code::ResourceExhausted, "OVERLOADED"));
    assert!(status.get_error_details().retry_info().is_some(), "{status:?}");
    let get = || pb::GetBankRequest { name: "banks/crm".to_owned(), ..Default::default() };
    b.bank().get_bank(get()).await.unwrap();
    // Others have the rest of it.
    let others = tokio::spawn({
        let b = b.clone();
        async move { unfinished(&b, submit, 10 * MB, 3 * MB).await }
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    let c = world.tenant("third").await;
    let status = unfinished(&c, submit, 10 * MB, 3 * MB).await;
    assert_eq!((status.code(), reason(&status).as_str()), (Code::ResourceExhausted, "OVERLOADED"));
    assert_eq!(holds.await.unwrap().code(), Code::DeadlineExceeded);
    assert_eq!(others.await.unwrap().code(), Code::DeadlineExceeded);
    // All of it came back.
    let status = unfinished(&a, submit, 10 * MB, 3 * MB).await;
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
}

/// A stream that brings nothing ends, also when it brings a byte now and then; one that brings messages goes on.
#[tokio::test]
async fn a_stream_is_not_waited_for_without_end() {
    let database = cluster::database().await;
    let options = Options { deadline: Duration::from_millis(600), ..Options::default() };
    let connect = cluster::options(&database).await;
    let world = World::on(database, connect, 4, options).await;
    let a = world.a.clone();
    let (send, messages) = tokio::sync::mpsc::channel(1);
    let sent = tokio::spawn(async move {
        for _ in 0..4 {
            send.send(pb::BatchScoreSubmissionsRequest::default()).await.unwrap();
            tokio::time::sleep(Duration::from_millis(350)).await;
        }
        // And then nothing.
        tokio::time::sleep(Duration::from_secs(30)).await;
        drop(send);
    });
    let started = Instant::now();
    let messages = tokio_stream::wrappers::ReceiverStream::new(messages);
    let mut answers = a.delivery().batch_score_submissions(messages).await.unwrap().into_inner();
    for _ in 0..4 {
        answers.message().await.unwrap().unwrap();
    }
    let status = answers.message().await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
    let took = started.elapsed();
    assert!(took > Duration::from_millis(1300) && took < Duration::from_secs(10), "{took:?}");
    sent.abort();
}
