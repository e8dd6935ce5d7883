//! The load on the service: submissions to the writer, calls, a stream.
//!
//! What is sent over gRPC was encoded beforehand but for its ids, as pgbench prepares its statement, requests that are
//! ready at one moment leave in one write, and of the replies that came with status OK one in [`CHECKED`] is decoded and
//! its score compared: on two cores that the client shares with the service and the database, its work would else be
//! measured as theirs.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use assessd::{
    attempt::{
        packed::{pack_marks, pack_responses},
        plain::Plain,
        plans::CompiledForm,
        response::Response,
        submission_sql::Submission,
        wire,
        writer::Writer,
    },
    door::Fields,
    ids::ExamId,
    pb::{self, delivery_service_client::DeliveryServiceClient},
    server::gathered::Gathered,
};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use http::uri::PathAndQuery;
use hyper_util::rt::TokioIo;
use prost::Message;
use tokio::{net::TcpStream, sync::Semaphore};
use tonic::{
    Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    transport::Channel,
};
use uuid::Uuid;

use crate::{
    Stretch,
    service::{self, Anything, POSITIONS, wal},
};

/// Callers of the writer at once, in this process.
const WRITER_CALLERS: usize = 1024;
/// gRPC connections, and calls under way at once on each.
const CONNECTIONS: usize = 4;
const CALLS_EACH: usize = 64;
/// One reply in so many is decoded.
const CHECKED: u64 = 64;

/// How request ids are made; attempt ids follow.
#[derive(Clone, Copy, PartialEq)]
pub enum RequestIds {
    /// UUIDv7, which grow with time.
    Ordered,
    /// UUIDv4.
    Random,
}

fn responses(n: u64) -> Vec<pb::Response> {
    let given = (1..=POSITIONS).map(|position| pb::Response {
        position,
        choices: vec![["A", "B", "C", "D"][((n + position as u64 * 7) % 4) as usize].to_owned()],
        ..Default::default()
    });
    given.collect()
}

/// A submission without its ids.
fn request(n: u64, view: pb::ResultView) -> pb::ScoreSubmissionRequest {
    pb::ScoreSubmissionRequest {
        parent: "exams/bench".into(),
        responses: responses(n),
        view: view as i32,
        ..Default::default()
    }
}

/// What a caller has ready: its request as bytes, and the score that it must get.
struct Prepared {
    head: Bytes,
    score: String,
}

impl Prepared {
    fn new(n: u64, view: pb::ResultView) -> Self {
        let right = (1..=POSITIONS).filter(|position| (n + *position as u64 * 7) % 4 == 1).count();
        Self { head: request(n, view).encode_to_vec().into(), score: (right * 2).to_string() }
    }

    /// The request with ids of its own: fields may stand in any order.
    fn message(&self, ids: RequestIds) -> BytesMut {
        let id = if ids == RequestIds::Ordered {
            Uuid::now_v7()
        } else {
            uuid::Builder::from_random_bytes(rand::random()).into_uuid()
        };
        let mut text = Uuid::encode_buffer();
        let text: &str = id.hyphenated().encode_lower(&mut text);
        let mut message = BytesMut::with_capacity(self.head.len() + 80);
        message.put_slice(&self.head);
        // candidate = 2, request_id = 5
        for tag in [2u8, 5] {
            message.put_u8(tag << 3 | 2);
            message.put_u8(text.len() as u8);
            message.put_slice(text.as_bytes());
        }
        message
    }

    fn check(&self, result: &[u8]) {
        let result = pb::Result::decode(result).expect("a result");
        assert_eq!(result.score, self.score, "{result:?}");
    }
}

/// Microseconds to decode a request of 50 responses, read it, score it and pack it, on one core: as the service does it
/// for plain submissions, and as it does it for all others.
pub fn decode_score_pack(form: &CompiledForm) -> (f64, f64) {
    let bytes = Prepared::new(1, pb::ResultView::Unspecified).message(RequestIds::Ordered).freeze();
    let best = |read: &dyn Fn() -> Vec<Response>| {
        let mut best = f64::MAX;
        for _ in 0..20 {
            let started = Instant::now();
            for _ in 0..2_000 {
                let responses = read();
                let marks = form.plan.score(&responses);
                std::hint::black_box((pack_responses(&responses), pack_marks(&marks)));
            }
            best = best.min(started.elapsed().as_secs_f64() * 1e6 / 2_000.0);
        }
        best
    };
    let plain = best(&|| {
        let plain = Plain::parse(&bytes).expect("a plain submission");
        plain.responses(form).expect("responses that fit")
    });
    let general = best(&|| {
        let request = pb::ScoreSubmissionRequest::decode(bytes.clone()).expect("a submission");
        let mut responses = vec![Response::Blank; POSITIONS as usize];
        for (index, response) in wire::responses(form, &request.responses, &mut Fields::default()) {
            responses[index] = response;
        }
        responses
    });
    (plain, general)
}

/// A submission, ready to be stored.
pub fn submission(form: &CompiledForm, actor: Uuid) -> Submission {
    let responses: Vec<Response> =
        (0..POSITIONS as usize).map(|i| Response::Choice([i % 4].into_iter().collect())).collect();
    let marks = form.plan.score(&responses);
    let id = Uuid::now_v7();
    Submission {
        attempt: id,
        exam: ExamId::stored("bench".to_owned()),
        candidate: id.to_string(),
        form: 0,
        state: 1,
        answered: POSITIONS,
        score: form.plan.outcome(&marks).total.decimal(),
        awaiting: rust_decimal::Decimal::ZERO,
        actor,
        request_hash: [7; 16],
        responses: pack_responses(&responses),
        marks: pack_marks(&marks),
    }
}

/// Runs `callers` tasks until the time is over and counts what they did.
async fn load<F, Fut>(callers: usize, time: Duration, call: F) -> (u64, Vec<f64>)
where
    F: Fn(usize) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send,
{
    let call = Arc::new(call);
    let end = Instant::now() + time;
    let count = Arc::new(AtomicU64::new(0));
    let mut tasks = tokio::task::JoinSet::new();
    for caller in 0..callers {
        let (call, count) = (Arc::clone(&call), Arc::clone(&count));
        tasks.spawn(async move {
            let mut times = Vec::new();
            while Instant::now() < end {
                let started = Instant::now();
                call(caller).await;
                times.push(started.elapsed().as_secs_f64() * 1000.0);
                count.fetch_add(1, Ordering::Relaxed);
            }
            times
        });
    }
    let mut times: Vec<f64> = tasks.join_all().await.into_iter().flatten().collect();
    times.sort_by(f64::total_cmp);
    (count.load(Ordering::Relaxed), times)
}

fn stretch(count: u64, times: &[f64], took: Duration, wal: f64) -> Stretch {
    let at = |share: f64| times.get((times.len() as f64 * share) as usize).copied().unwrap_or(f64::NAN);
    Stretch {
        rate: count as f64 / took.as_secs_f64(),
        wal_bytes: wal / count as f64,
        p50_ms: at(0.5),
        p99_ms: at(0.99),
    }
}

/// Submissions handed to the writer, ready to be stored.
pub async fn writer_alone(
    admin: &sqlx::PgPool,
    writer: &Writer,
    tenant: Uuid,
    form: &CompiledForm,
    time: Duration,
) -> Anything<Stretch> {
    let before = wal(admin).await?;
    let (writer, ready) = (writer.clone(), submission(form, Uuid::now_v7()));
    let started = Instant::now();
    let (count, times) = load(WRITER_CALLERS, time, move |_| {
        let id = Uuid::now_v7();
        let (writer, submission) =
            (writer.clone(), Submission { attempt: id, candidate: id.to_string(), ..ready.clone() });
        async move {
            if let Err(error) = writer.store(tenant, submission).await {
                panic!("a submission was refused: {error:?}");
            }
        }
    })
    .await;
    Ok(stretch(count, &times, started.elapsed(), wal(admin).await? - before))
}

/// Bytes as they are, on both ways.
#[derive(Clone, Copy, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}

async fn clients(addr: SocketAddr) -> Anything<Vec<Grpc<Channel>>> {
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        let connect = tower::service_fn(move |_: http::Uri| async move {
            let stream = TcpStream::connect(addr).await?;
            stream.set_nodelay(true)?;
            std::io::Result::Ok(TokioIo::new(Gathered::new(stream)))
        });
        let endpoint = Channel::from_shared(format!("http://{addr}"))?;
        clients.push(Grpc::new(endpoint.connect_with_connector(connect).await?));
    }
    Ok(clients)
}

/// One call a submission.
pub async fn unary(
    admin: &sqlx::PgPool,
    addr: SocketAddr,
    key: &str,
    time: Duration,
    ids: RequestIds,
    view: pb::ResultView,
) -> Anything<Stretch> {
    let before = wal(admin).await?;
    let clients = clients(addr).await?;
    let prepared: Arc<Vec<Prepared>> = Arc::new((0..4).map(|n| Prepared::new(n, view)).collect());
    let (key, calls) = (key.to_owned(), Arc::new(AtomicU64::new(0)));
    let path = PathAndQuery::from_static("/assessment.v1.DeliveryService/ScoreSubmission");
    let started = Instant::now();
    let (count, times) = load(CONNECTIONS * CALLS_EACH, time, move |caller| {
        let mut client = clients[caller % CONNECTIONS].clone();
        let (prepared, calls, path) = (Arc::clone(&prepared), Arc::clone(&calls), path.clone());
        let request = service::authorized(prepared[caller % 4].message(ids).freeze(), &key);
        async move {
            client.ready().await.expect("a connection");
            match client.unary(request, path, Raw).await {
                Ok(reply) if calls.fetch_add(1, Ordering::Relaxed) % CHECKED == 0 => {
                    prepared[caller % 4].check(&reply.into_inner());
                }
                Ok(_) => {}
                Err(status) => panic!("a submission was refused: {status}"),
            }
        }
    })
    .await;
    Ok(stretch(count, &times, started.elapsed(), wal(admin).await? - before))
}

/// One call a submission, by the generated client: it builds every request and takes every reply apart, on the same
/// cores.
pub async fn generated(
    admin: &sqlx::PgPool,
    addr: SocketAddr,
    key: &str,
    time: Duration,
) -> Anything<Stretch> {
    let before = wal(admin).await?;
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        clients.push(DeliveryServiceClient::new(service::channel(addr).await?));
    }
    let (key, started) = (key.to_owned(), Instant::now());
    let (count, times) = load(CONNECTIONS * CALLS_EACH, time, move |caller| {
        let mut client = clients[caller % CONNECTIONS].clone();
        let id = Uuid::now_v7().to_string();
        let whole = pb::ScoreSubmissionRequest {
            candidate: id.clone(),
            request_id: id,
            ..request(caller as u64 % 4, pb::ResultView::Unspecified)
        };
        let call = service::authorized(whole, &key);
        async move {
            if let Err(status) = client.score_submission(call).await {
                panic!("a submission was refused: {status}");
            }
        }
    })
    .await;
    Ok(stretch(count, &times, started.elapsed(), wal(admin).await? - before))
}

/// What every answer of a stream is looked at for.
#[derive(Clone, PartialEq, Message)]
struct Seen {
    #[prost(int64, tag = "2")]
    index: i64,
    #[prost(bytes = "bytes", optional, tag = "3")]
    result: Option<Bytes>,
    #[prost(bytes = "bytes", optional, tag = "4")]
    error: Option<Bytes>,
}

/// A stream a connection, with as many submissions under way as there would be calls.
pub async fn stream(
    admin: &sqlx::PgPool,
    addr: SocketAddr,
    key: &str,
    time: Duration,
    view: pb::ResultView,
) -> Anything<Stretch> {
    let before = wal(admin).await?;
    let started = Instant::now();
    let mut streams = tokio::task::JoinSet::new();
    for mut client in clients(addr).await? {
        let prepared: Vec<Prepared> = (0..4).map(|n| Prepared::new(n, view)).collect();
        let prepared = Arc::new(prepared);
        let window = Arc::new(Semaphore::new(CALLS_EACH));
        let sent_at: Arc<Mutex<Vec<Instant>>> = Arc::default();
        let (source, room, begun) = (Arc::clone(&prepared), Arc::clone(&window), Arc::clone(&sent_at));
        let elements = futures_util::stream::unfold(0usize, move |n| {
            let (source, room, begun) = (Arc::clone(&source), Arc::clone(&room), Arc::clone(&begun));
            async move {
                if started.elapsed() >= time {
                    return None;
                }
                room.acquire().await.ok()?.forget();
                begun.lock().expect("no panic").push(Instant::now());
                let submission = source[n % 4].message(RequestIds::Ordered);
                // submission = 1
                let mut element = BytesMut::with_capacity(submission.len() + 4);
                element.put_u8(1 << 3 | 2);
                prost::encoding::encode_varint(submission.len() as u64, &mut element);
                element.put_slice(&submission);
                Some((element.freeze(), n + 1))
            }
        });
        let request = service::authorized(elements, key);
        streams.spawn(async move {
            let path = PathAndQuery::from_static("/assessment.v1.DeliveryService/BatchScoreSubmissions");
            client.ready().await.expect("a connection");
            let mut answers = client.streaming(request, path, Raw).await.expect("a stream").into_inner();
            let mut times = Vec::new();
            while let Some(answer) = answers.message().await.expect("an answer") {
                window.add_permits(1);
                let seen = Seen::decode(answer).expect("an answer");
                let begun = sent_at.lock().expect("no panic")[seen.index as usize];
                times.push(begun.elapsed().as_secs_f64() * 1000.0);
                let result = seen.result.unwrap_or_else(|| panic!("refused: {:?}", seen.error));
                if (times.len() as u64).is_multiple_of(CHECKED) {
                    prepared[seen.index as usize % 4].check(&result);
                }
            }
            times
        });
    }
    let mut times: Vec<f64> = streams.join_all().await.into_iter().flatten().collect();
    times.sort_by(f64::total_cmp);
    Ok(stretch(times.len() as u64, &times, started.elapsed(), wal(admin).await? - before))
}
