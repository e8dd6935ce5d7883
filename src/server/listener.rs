//! How connections are taken and served: HTTP/2, with a bound for everything that a peer may leave open.
//!
//! A connection has [`FIRST`] for its preface and its first call, and one without calls ends after a while. A call that
//! nothing has happened to for longer than any call may take is one whose answer its caller does not read, and is ended.
//! Where the process has no file left, taking waits a moment and makes room; it does not go round in vain.

use std::{
    future::{Future, poll_fn},
    io,
    net::SocketAddr,
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use hyper::{body::Incoming, rt::Executor, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    time::{Instant, sleep, sleep_until},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::service::Routes;
use tower::Service as _;

use super::{
    connections::{Connections, Life, Place, Wish},
    gathered::Gathered,
};
use crate::edge::{Edge, peers::Peer};

/// The time from a connection's start to its first call.
const FIRST: Duration = Duration::from_secs(5);
/// How long a connection may last that was told to end and has no calls.
const FAREWELL: Duration = Duration::from_secs(1);
/// The pause where no connection can be taken, for want of files above all.
const PAUSE: Duration = Duration::from_millis(50);
/// Bytes of one call that may be here unread: the window of a stream. And those of all calls of a connection: several
/// streams that are slowed down leave room for the other calls.
const WINDOW: u32 = 256 * 1024;
const WINDOWS: u32 = 1024 * 1024;
/// Bytes of the headers of a call at most.
const HEADERS: u32 = 16 * 1024;

/// What a peer may leave open.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Calls under way on one connection.
    pub calls: u32,
    /// The time for which a connection may have no call.
    pub idle: Duration,
    /// The time for which nothing may happen to a call.
    pub silence: Duration,
}

/// Takes connections and serves them until `stopping`; those that were taken go on in `tasks`.
pub async fn take(
    listener: TcpListener,
    edge: Edge<Routes>,
    connections: Arc<Connections>,
    bounds: Bounds,
    tasks: TaskTracker,
    stopping: CancellationToken,
) {
    let mut troubles = Troubles::default();
    loop {
        let accepted = tokio::select! {
            () = stopping.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, address)) => match connections.enter(address) {
                Some(place) => {
                    // Without it a small answer waits for the acknowledgement of the one before, which some systems delay
                    // by 40 ms.
                    let _ = stream.set_nodelay(true);
                    tasks.spawn(serve(stream, address, edge.clone(), place, bounds));
                }
                None => troubles.tell(&format!("no place for a connection from {address}: all are busy")),
            },
            Err(error) if is_of_the_peer(&error) => {}
            Err(error) => {
                troubles.tell(&format!("connections cannot be taken: {error}"));
                connections.make_room();
                sleep(PAUSE).await;
            }
        }
    }
}

/// Whether the peer went away before it was taken.
fn is_of_the_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted, WouldBlock};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted | WouldBlock)
}

/// Tells of trouble, seldom.
#[derive(Default)]
struct Troubles {
    told: Option<Instant>,
    untold: u64,
}

impl Troubles {
    fn tell(&mut self, what: &str) {
        self.untold += 1;
        if self.told.is_none_or(|told| told.elapsed() >= Duration::from_secs(10)) {
            tracing::warn!(count = self.untold, "{what}");
            (self.told, self.untold) = (Some(Instant::now()), 0);
        }
    }
}

async fn serve(stream: TcpStream, address: SocketAddr, edge: Edge<Routes>, place: Place, bounds: Bounds) {
    let life = Arc::clone(&place.life);
    let service = service_fn(move |mut request: http::Request<Incoming>| {
        request.extensions_mut().insert(Peer(address));
        // It is ready at any time.
        edge.clone().call(request)
    });
    let connection = http2::Builder::new(Calls { life: Arc::clone(&life), silence: bounds.silence })
        .timer(TokioTimer::new())
        .max_concurrent_streams(bounds.calls)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOWS)
        .max_header_list_size(HEADERS)
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(20))
        .serve_connection(TokioIo::new(Gathered::new(stream)), service);
    let mut connection = pin!(connection);
    let begun = Instant::now();
    let mut look = pin!(sleep_until(begun + FIRST));
    let mut leaving = false;
    loop {
        tokio::select! {
            biased;
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(client.address = %address, %error, "a connection broke");
                }
                return;
            }
            wish = life.asked() => match wish {
                Wish::Stay => {}
                Wish::Leave if leaving => {}
                Wish::Leave => {
                    leaving = true;
                    connection.as_mut().graceful_shutdown();
                    look.as_mut().reset(Instant::now() + FAREWELL);
                }
                Wish::Close => return,
            },
            () = look.as_mut() => {
                let now = Instant::now();
                let next = match life.quiet() {
                    // Whoever has nothing under way has no more to wait for.
                    Some(_) if leaving || !life.has_begun() => return,
                    Some(since) if since + bounds.idle <= now => {
                        leaving = true;
                        connection.as_mut().graceful_shutdown();
                        now + FAREWELL
                    }
                    Some(since) => since + bounds.idle,
                    None if leaving => now + FAREWELL,
                    None => now + bounds.idle,
                };
                look.as_mut().reset(next);
            }
        }
    }
}

/// Runs the calls of a connection, each in a task of its own.
#[derive(Clone)]
struct Calls {
    life: Arc<Life>,
    silence: Duration,
}

impl<F> Executor<F> for Calls
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, call: F) {
        let under_way = self.life.call();
        let silence = self.silence;
        tokio::spawn(async move {
            attend(call, silence).await;
            drop(under_way);
        });
    }
}

/// Runs a call as long as something happens to it, which is that it is woken by what it waits for. It ends when `silence`
/// has passed in which nothing did, twice that time after the last thing at the latest.
async fn attend(call: impl Future<Output = ()>, silence: Duration) {
    let mut call = pin!(call);
    let mut over = pin!(sleep(silence));
    let mut moved = false;
    poll_fn(|cx| {
        if call.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let mut by_time = false;
        while over.as_mut().poll(cx).is_ready() {
            if !std::mem::take(&mut moved) {
                return Poll::Ready(());
            }
            over.as_mut().reset(Instant::now() + silence);
            by_time = true;
        }
        moved |= !by_time;
        Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_call_that_nothing_happens_to_is_ended() {
        let silence = Duration::from_millis(200);
        let begun = Instant::now();
        attend(std::future::pending(), silence).await;
        assert!(begun.elapsed() >= silence);
        let begun = Instant::now();
        let busy = async {
            for _ in 0..4 {
                sleep(silence * 7 / 10).await;
            }
            std::future::pending().await
        };
        attend(busy, silence).await;
        assert!(begun.elapsed() >= silence * 28 / 10, "{:?} is too soon", begun.elapsed());
        let begun = Instant::now();
        attend(sleep(silence / 4), silence).await;
        assert!(begun.elapsed() >= silence / 4);
    }
}
