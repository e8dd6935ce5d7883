//! The edge of every call, as one layer around all services: it opens the call's span under the caller's trace, proves
//! the caller and checks its role before a byte of the body is read, holds the body to its limits, keeps the deadline, and
//! turns the transport's own complaints into the codes that we promise. What reaches a use case has a [`Caller`] in its
//! extensions.

mod body;
pub mod budget;
mod framing;
pub mod method;
pub mod peers;

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, header::AUTHORIZATION};
use opentelemetry::propagation::Extractor;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status, body::Body, codegen::StdError, server::NamedService};
use tower::{Layer, Service};
use tracing::{Instrument, Span, field};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::{
    auth::{Caller, Credential, Key},
    db::{Db, Proof},
    error::{Error, Result},
};

use body::{Ending, Metered};
use budget::{Budget, Held};
use method::Method;
use peers::{Peer, Peers};

/// The time for the request of a method that is open to everybody.
const OPEN_PATIENCE: Duration = Duration::from_secs(5);
/// The time between two messages of a stream that is open to everybody.
const OPEN_PAUSE: Duration = Duration::from_secs(30);
/// The longest that an answer without an end lasts.
const ENDLESS: Duration = Duration::from_secs(3600);

/// Wraps every service in an [`Edge`]; cheap to clone.
#[derive(Clone, Debug)]
pub struct EdgeLayer(Arc<Core>);

#[derive(Debug)]
struct Core {
    db: Db,
    deadline: Duration,
    budget: Arc<Budget>,
    peers: Peers,
    stopping: CancellationToken,
}

impl EdgeLayer {
    /// API keys are looked up in that database. `deadline` is that of a call that names none, and the longest that a call
    /// may name; `budget` how many bytes of requests may be under way; `stopping` ends streams.
    pub fn new(db: Db, deadline: Duration, budget: usize, stopping: CancellationToken) -> Self {
        let (budget, peers) = (Arc::new(Budget::new(budget)), Peers::default());
        Self(Arc::new(Core { db, deadline, budget, peers, stopping }))
    }

    /// Brings on record what refusals were only counted so far, again and again until the process stops and once then.
    pub async fn keep_record(self) {
        let stopping = self.0.stopping.clone();
        while !stopping.is_cancelled() {
            tokio::select! {
                () = stopping.cancelled() => {}
                () = tokio::time::sleep(RECORD) => {}
            }
            self.record(false).await;
        }
    }

    /// Brings on record what refusals were only counted so far.
    pub async fn record(&self, all: bool) {
        self.0.peers.tell(all, Instant::now());
        self.0.db.record_refusals().await;
    }
}

/// How often what was counted comes on record.
const RECORD: Duration = Duration::from_secs(5);

impl<S> Layer<S> for EdgeLayer {
    type Service = Edge<S>;

    fn layer(&self, inner: S) -> Edge<S> {
        Edge { inner, core: Arc::clone(&self.0) }
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Edge<S> {
    inner: S,
    core: Arc<Core>,
}

impl<S: NamedService> NamedService for Edge<S> {
    const NAME: &'static str = S::NAME;
}

impl<S, B> Service<Request<B>> for Edge<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
    B: http_body::Body<Data = Bytes> + Unpin + Send + 'static,
    B::Error: Into<StdError>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The service that was polled ready must be the one that is called.
        let ready = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, ready);
        let core = Arc::clone(&self.core);
        let path = request.uri().path();
        match method::of(path) {
            Some(method) if method.open => Box::pin(core.open(inner, request, method)),
            Some(method) => {
                let span = open_span(&path[1..], &method.name, request.headers());
                Box::pin(core.guarded(inner, request, method).instrument(span))
            }
            None => Box::pin(core.nothing(request)),
        }
    }
}

impl Core {
    /// A call that everybody may make.
    async fn open<S, B>(
        self: Arc<Self>,
        mut inner: S,
        request: Request<B>,
        method: &'static Method,
    ) -> Result<Response<Body>, S::Error>
    where
        S: Service<Request<Body>, Response = Response<Body>>,
        B: http_body::Body<Data = Bytes> + Unpin + Send + 'static,
        B::Error: Into<StdError>,
    {
        let held = Held::new(&self.budget, None);
        let request = self.metered(request, method, &held, OPEN_PAUSE);
        let response = match tokio::time::timeout(OPEN_PATIENCE.min(self.deadline), inner.call(request)).await
        {
            Ok(response) => response?,
            Err(_) => Status::from(Error::DeadlineExceeded).into_http(),
        };
        let response = restate(response);
        Ok(match method.endless {
            true => response.map(|body| Body::new(Ending::new(body, ENDLESS, &self.stopping))),
            false => response,
        })
    }

    /// A call for proved callers.
    async fn guarded<S, B>(
        self: Arc<Self>,
        mut inner: S,
        request: Request<B>,
        method: &'static Method,
    ) -> Result<Response<Body>, S::Error>
    where
        S: Service<Request<Body>, Response = Response<Body>>,
        B: http_body::Body<Data = Bytes> + Unpin + Send + 'static,
        B::Error: Into<StdError>,
    {
        let started = Instant::now();
        let peer = request.extensions().get::<Peer>().copied();
        let deadline = started + allowed_time(request.headers(), self.deadline);
        let answer = async {
            let caller = match self.admit(request.headers(), peer, &method.name, deadline).await {
                Ok(caller) => caller,
                Err(error) => return Ok(Status::from(error).into_http()),
            };
            Span::current().record("tenant.id", field::display(caller.tenant.id));
            let held = Held::new(&self.budget, Some(Arc::clone(&caller.tenant.under_way)));
            let mut request = self.metered(request, method, &held, self.deadline);
            request.extensions_mut().insert(caller);
            let response = inner.call(request).await;
            // What the call has read stays counted until it is answered.
            drop(held);
            response
        };
        let response = match tokio::time::timeout_at(deadline, answer).await {
            Ok(response) => response?,
            Err(_) => Status::from(Error::DeadlineExceeded).into_http(),
        };
        let response = restate(response);
        self.report(&response, started.elapsed(), peer, &method.name);
        Ok(response)
    }

    /// A call of what is not there. Behind the door only proved callers are told so.
    async fn nothing<B, E>(self: Arc<Self>, request: Request<B>) -> Result<Response<Body>, E> {
        let path = request.uri().path();
        if method::is_guarded(path) {
            let peer = request.extensions().get::<Peer>().copied();
            let deadline = Instant::now() + allowed_time(request.headers(), self.deadline);
            let proved =
                tokio::time::timeout_at(deadline, self.prove(request.headers(), peer, deadline)).await;
            if let Err(error) = proved.unwrap_or(Err(Error::DeadlineExceeded)) {
                let status = Status::from(error);
                self.peers.refused(peer, status.code(), "?", Instant::now());
                return Ok(status.into_http());
            }
        }
        Ok(Status::unimplemented("there is no such method").into_http())
    }

    /// The request with its body under the method's limits.
    fn metered<B>(
        &self,
        request: Request<B>,
        method: &'static Method,
        held: &Arc<Held>,
        patience: Duration,
    ) -> Request<Body>
    where
        B: http_body::Body<Data = Bytes> + Unpin + Send + 'static,
        B::Error: Into<StdError>,
    {
        request.map(|body| Body::new(Metered::new(body, method, Arc::clone(held), patience, &self.stopping)))
    }

    /// The caller, proved and allowed.
    async fn admit(
        &self,
        headers: &HeaderMap,
        peer: Option<Peer>,
        method: &str,
        deadline: Instant,
    ) -> Result<Caller> {
        let key = self.prove(headers, peer, deadline).await?;
        let caller = Caller::new(&key, method, deadline);
        if let Err(refusal) = caller.check_role() {
            // Boxed, as all that is large and seldom: the future of a call is moved about.
            Box::pin(self.db.note_refusal(&caller)).await;
            return Err(refusal);
        }
        Ok(caller)
    }

    /// The key that a call presents. Whoever tries many that nobody knows is refused unasked, except with a key that was
    /// good before: others may call from the same address.
    async fn prove(&self, headers: &HeaderMap, peer: Option<Peer>, deadline: Instant) -> Result<Arc<Key>> {
        let header = headers
            .get(AUTHORIZATION)
            .and_then(|v| v.to_str().ok())
            .ok_or(Error::Unauthenticated("send the API key as metadata: authorization: Bearer assessd_…"))?;
        let credential = Credential::from_header(header).ok_or(Error::Unauthenticated(
            "the authorization metadata is not of the form: Bearer assessd_…",
        ))?;
        let unknown = match self.db.kept_key(&credential) {
            Proof::Good(key) => return Ok(key),
            Proof::Bad => return Err(VOID),
            Proof::Stale => false,
            Proof::Unknown => true,
        };
        let look = self.db.join_look(&credential);
        let look = look.ok_or(Error::Exhausted("too many calls wait for their key; retry a little later"))?;
        let tries = unknown && look.is_first;
        if tries && !self.peers.try_key(peer, Instant::now()) {
            return Err(Error::Exhausted("too many unknown keys came from this address; retry later"));
        }
        let proved = Box::pin(self.db.look_up_key(&credential, look, deadline)).await;
        if tries && !matches!(proved, Ok(None)) {
            self.peers.not_in_vain(peer);
        }
        proved?.ok_or(VOID)
    }

    fn report(&self, response: &Response<Body>, took: Duration, peer: Option<Peer>, method: &str) {
        let code = Status::from_header_map(response.headers()).map_or(Code::Ok, |s| s.code());
        let span = Span::current();
        span.record("rpc.grpc.status_code", code as i32);
        let duration_ms = took.as_secs_f64() * 1000.0;
        let client = peer.map(|Peer(address)| field::display(address));
        match code {
            Code::Internal | Code::Unknown | Code::DataLoss => {
                span.record("otel.status_code", "ERROR");
                tracing::error!(?code, duration_ms, client.address = client, "the call failed");
            }
            Code::Ok => tracing::debug!(duration_ms, "the call was answered"),
            // What anybody can bring about as often as it likes is told together.
            Code::Unauthenticated | Code::PermissionDenied | Code::ResourceExhausted => {
                self.peers.refused(peer, code, method, Instant::now());
            }
            _ => tracing::info!(?code, duration_ms, client.address = client, "the call was refused"),
        }
    }
}

const VOID: Error = Error::Unauthenticated("the API key is unknown, expired or revoked");

/// The time that the caller gives (`grpc-timeout`), no longer than the limit.
fn allowed_time(headers: &HeaderMap, limit: Duration) -> Duration {
    let asked = headers.get("grpc-timeout").and_then(|v| v.to_str().ok()).and_then(|text| {
        let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let n: u64 = digits.parse().ok().filter(|_| digits.len() <= 8)?;
        Some(match unit {
            "H" => Duration::from_secs(n * 3600),
            "M" => Duration::from_secs(n * 60),
            "S" => Duration::from_secs(n),
            "m" => Duration::from_millis(n),
            "u" => Duration::from_micros(n),
            "n" => Duration::from_nanos(n),
            _ => return None,
        })
    });
    asked.map_or(limit, |asked| asked.min(limit))
}

/// Turns what the transport says itself into what the service promises: a message that is too large or cannot be
/// decoded is the caller's mistake, not an internal error.
fn restate(response: Response<Body>) -> Response<Body> {
    match Status::from_header_map(response.headers()) {
        Some(status) if status.code() != Code::Ok => match restate_status(&status) {
            Some(better) => better.into_http(),
            None => response,
        },
        _ => response,
    }
}

/// The better status for a complaint of the transport, if it is one.
pub fn restate_status(status: &Status) -> Option<Status> {
    let message = status.message();
    match status.code() {
        Code::OutOfRange if message.contains("message length too large") => {
            let limit = message.rsplit("the limit is: ").next().unwrap_or_default();
            Some(Error::invalid("", format!("the message is larger than {limit}")).into())
        }
        Code::Internal if message.contains("failed to decode Protobuf message") => {
            let what = message.split("message: ").nth(1).unwrap_or("it is no valid message of this method");
            Some(Error::invalid("", format!("the message cannot be decoded: {what}")).into())
        }
        _ => None,
    }
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|v| v.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

fn open_span(full: &str, method: &str, headers: &HeaderMap) -> Span {
    let span = tracing::info_span!(
        "rpc",
        otel.name = full,
        otel.kind = "server",
        rpc.system = "grpc",
        rpc.method = method,
        rpc.grpc.status_code = field::Empty,
        otel.status_code = field::Empty,
        tenant.id = field::Empty,
    );
    let parent = opentelemetry::global::get_text_map_propagator(|p| p.extract(&Headers(headers)));
    // Fails only where no exporter is set up, and then there is no trace to join.
    let _ = span.set_parent(parent);
    span
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shorter_time_counts() {
        let mut headers = HeaderMap::new();
        let limit = Duration::from_secs(30);
        assert_eq!(allowed_time(&headers, limit), limit);
        for (text, time) in
            [("250m", 250), ("2S", 2000), ("1H", 30_000), ("x", 30_000), ("99999999H", 30_000)]
        {
            headers.insert("grpc-timeout", text.parse().unwrap());
            assert_eq!(allowed_time(&headers, limit), Duration::from_millis(time), "{text}");
        }
    }
}
