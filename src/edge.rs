//! The edge of every call, as one layer around all services: it opens the call's span under the caller's trace, proves
//! the caller, checks its role, keeps its deadline, and turns the transport's own complaints into the codes that we
//! promise. What reaches a use case has a [`Caller`] in its extensions.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use http::{HeaderMap, Request, Response, header::AUTHORIZATION};
use opentelemetry::propagation::Extractor;
use tokio::time::Instant;
use tonic::{Code, Status, body::Body, server::NamedService};
use tower::{Layer, Service};
use tracing::{Instrument, Span, field};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::{
    auth::{Caller, Credential},
    db::Db,
    error::{Error, Result},
};

/// The packages whose methods are for proved callers only; behind them comes `Service/Method`.
const GUARDED: [&str; 2] = ["/assessment.v1.", "/google.longrunning."];

/// Wraps every service in an [`Edge`].
#[derive(Clone, Debug)]
pub struct EdgeLayer {
    /// Where API keys are looked up.
    pub db: Db,
    /// The deadline of a call that names none, and the longest that a call may name.
    pub deadline: Duration,
}

impl<S> Layer<S> for EdgeLayer {
    type Service = Edge<S>;

    fn layer(&self, inner: S) -> Edge<S> {
        Edge { inner, settings: self.clone() }
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Edge<S> {
    inner: S,
    settings: EdgeLayer,
}

impl<S: NamedService> NamedService for Edge<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<Request<Body>> for Edge<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        // The service that was polled ready must be the one that is called.
        let ready = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, ready);
        let settings = self.settings.clone();
        let path = request.uri().path().to_owned();
        let Some(method) = GUARDED.iter().find_map(|package| path.strip_prefix(package)) else {
            // Health and reflection are open and keep their own time.
            return Box::pin(inner.call(request));
        };
        let method = method.to_owned();
        let span = open_span(&path[1..], &method, request.headers());
        Box::pin(
            async move {
                let started = Instant::now();
                let deadline = started + allowed_time(request.headers(), settings.deadline);
                let response = async {
                    let caller = match admit(&settings.db, request.headers(), &method, deadline).await {
                        Ok(caller) => caller,
                        Err(error) => return Ok(Status::from(error).into_http()),
                    };
                    Span::current().record("tenant.id", field::display(caller.tenant.id));
                    request.extensions_mut().insert(caller);
                    inner.call(request).await
                };
                let response = match tokio::time::timeout_at(deadline, response).await {
                    Ok(response) => response?,
                    Err(_) => Status::from(Error::DeadlineExceeded).into_http(),
                };
                let response = restate(response);
                report(&response, started.elapsed());
                Ok(response)
            }
            .instrument(span),
        )
    }
}

/// The caller, proved and allowed.
async fn admit(db: &Db, headers: &HeaderMap, method: &str, deadline: Instant) -> Result<Caller> {
    let header = headers
        .get(AUTHORIZATION)
        .and_then(|v| v.to_str().ok())
        .ok_or(Error::Unauthenticated("send the API key as metadata: authorization: Bearer assessd_…"))?;
    let credential = Credential::from_header(header)
        .ok_or(Error::Unauthenticated("the authorization metadata is not of the form: Bearer assessd_…"))?;
    let key = db.key(&credential, deadline).await?;
    let caller = Caller::new(&key, method, deadline);
    if let Err(refusal) = caller.check_role() {
        // Boxed, as all that is large and seldom: the future of a call is moved about.
        Box::pin(db.note_refusal(&caller)).await;
        return Err(refusal);
    }
    Ok(caller)
}

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

fn report(response: &Response<Body>, took: Duration) {
    let code = Status::from_header_map(response.headers()).map_or(Code::Ok, |s| s.code());
    let span = Span::current();
    span.record("rpc.grpc.status_code", code as i32);
    let duration_ms = took.as_secs_f64() * 1000.0;
    match code {
        Code::Internal | Code::Unknown | Code::DataLoss => {
            span.record("otel.status_code", "ERROR");
            tracing::error!(?code, duration_ms, "the call failed");
        }
        Code::Ok => tracing::debug!(duration_ms, "the call was answered"),
        _ => tracing::info!(?code, duration_ms, "the call was refused"),
    }
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
