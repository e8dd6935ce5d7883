//! The body of a request as the edge lets it in: each message within its method's limit, every byte counted against the
//! budget, and nobody waited for without end.
//!
//! A call of one message ends by its deadline. A client stream may last longer than that, so what is bounded is the time
//! that each of its messages may take: time in which the service waited for the caller, not the caller for the service.
//! When the process stops, a stream ends where it is quiet: what it brought by then is answered.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::Status;

use super::{
    budget::Held,
    framing::Framing,
    method::{Brings, Method},
};
use crate::error::{Error, Result};

/// How long a stream that is gathered may pause once the process stops: what is nearly whole still gets through.
const LAST_PAUSE: Duration = Duration::from_secs(1);

/// See the module.
pub struct Metered<B> {
    inner: B,
    method: &'static Method,
    held: Arc<Held>,
    framing: Framing,
    /// Bytes of whole messages that the reader has been given and may still be at.
    given: usize,
    /// For client streams.
    stream: Option<Pin<Box<Waiting>>>,
}

impl<B> Metered<B> {
    /// The body of a call of that method. Each message of a stream must come within `patience`.
    pub fn new(
        inner: B,
        method: &'static Method,
        held: Arc<Held>,
        patience: Duration,
        stopping: &CancellationToken,
    ) -> Self {
        let stream = (method.brings != Brings::One).then(|| {
            let pause = if method.brings == Brings::Passing { Duration::ZERO } else { LAST_PAUSE };
            Box::pin(Waiting::new(patience, pause, stopping))
        });
        Self { inner, method, held, framing: Framing::default(), given: 0, stream }
    }

    /// Counts what came.
    fn count(&mut self, data: &[u8]) -> Result<()> {
        if self.method.brings == Brings::One
            && self.framing.partial() == 0
            && self.given > 0
            && !data.is_empty()
        {
            return Err(Error::invalid("", "the call has more than one message"));
        }
        // The reader asks for more when it is done with the messages that it was given.
        if self.method.brings == Brings::Passing && self.given > 0 {
            self.held.give_back(self.given);
            self.given = 0;
        }
        self.held.take(data.len())?;
        let before = self.framing.partial();
        let progress = self.framing.feed(data, self.method.largest);
        if progress.too_large {
            let most = self.method.largest;
            return Err(Error::invalid(
                "",
                format!("the message is larger than {most} bytes, the most that this method takes"),
            ));
        }
        self.given += before + data.len() - self.framing.partial();
        if progress.messages > 0
            && let Some(stream) = &mut self.stream
        {
            stream.as_mut().renew();
        }
        Ok(())
    }
}

impl<B> Body for Metered<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<tonic::codegen::StdError>,
{
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        if let Some(stream) = &mut this.stream
            && this.framing.partial() == 0
            && stream.as_mut().ends_between_messages()
        {
            return Poll::Ready(Some(Err(Error::Stopping.into())));
        }
        match Pin::new(&mut this.inner).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(stream) = &mut this.stream {
                    stream.as_mut().came();
                }
                let counted = frame.data_ref().map_or(Ok(()), |data| this.count(data));
                Poll::Ready(Some(counted.map(|()| frame).map_err(Status::from)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(Status::from_error(error.into())))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => match &mut this.stream {
                Some(stream) => Poll::Ready(Some(Err(ready!(stream.as_mut().poll_over(cx)).into()))),
                None => Poll::Pending,
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// The time for which a stream is waited for.
struct Waiting {
    patience: Duration,
    /// Of the present message.
    left: Duration,
    /// Since when nothing comes.
    since: Option<Instant>,
    over: Pin<Box<Sleep>>,
    stopping: CancellationToken,
    stop: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    /// How long a pause may be once the process stops.
    pause: Duration,
}

impl Waiting {
    fn new(patience: Duration, pause: Duration, stopping: &CancellationToken) -> Self {
        Self {
            patience,
            left: patience,
            since: None,
            over: Box::pin(tokio::time::sleep(patience)),
            stopping: stopping.clone(),
            stop: Some(Box::pin(stopping.clone().cancelled_owned())),
            pause,
        }
    }

    /// A message is whole, and the next one has the whole time.
    fn renew(mut self: Pin<&mut Self>) {
        self.left = self.patience;
    }

    /// Something came; only the time until then counts.
    fn came(mut self: Pin<&mut Self>) {
        if let Some(since) = self.since.take() {
            self.left = self.left.saturating_sub(since.elapsed());
        }
    }

    /// Whether it ends here although more may be there already.
    fn ends_between_messages(self: Pin<&mut Self>) -> bool {
        self.pause.is_zero() && self.stopping.is_cancelled()
    }

    /// Nothing is there: resolves with the reason why it is not waited for any longer.
    fn poll_over(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Error> {
        if self.since.is_none() {
            let now = Instant::now();
            self.since = Some(now);
            let left = if self.stop.is_some() { self.left } else { self.left.min(self.pause) };
            self.over.as_mut().reset(now + left);
        }
        if let Some(stop) = &mut self.stop
            && stop.as_mut().poll(cx).is_ready()
        {
            self.stop = None;
            let until = Instant::now() + self.pause.min(self.left);
            self.over.as_mut().reset(until);
        }
        ready!(self.over.as_mut().poll(cx));
        Poll::Ready(if self.stop.is_none() { Error::Stopping } else { Error::DeadlineExceeded })
    }
}

/// The answer of a method that has no end of its own: it ends when the process stops, and after a time at the latest, and
/// is asked for again then.
pub struct Ending<B> {
    inner: B,
    stop: Pin<Box<WaitForCancellationFutureOwned>>,
    end: Pin<Box<Sleep>>,
    /// The look that shows whoever watches over the call that it is alive.
    look: Pin<Box<Sleep>>,
    done: bool,
}

/// How often an endless answer is looked at.
const LOOK: Duration = Duration::from_secs(20);

impl<B> Ending<B> {
    /// One that lasts for so long at most.
    pub fn new(inner: B, longest: Duration, stopping: &CancellationToken) -> Self {
        Self {
            inner,
            stop: Box::pin(stopping.clone().cancelled_owned()),
            end: Box::pin(tokio::time::sleep(longest)),
            look: Box::pin(tokio::time::sleep(LOOK)),
            done: false,
        }
    }
}

impl<B> Body for Ending<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<tonic::codegen::StdError>,
{
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        if this.done {
            return Poll::Ready(None);
        }
        if let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(cx) {
            return Poll::Ready(frame.map(|frame| frame.map_err(|e| Status::from_error(e.into()))));
        }
        while this.look.as_mut().poll(cx).is_ready() {
            this.look.as_mut().reset(Instant::now() + LOOK);
        }
        let stopped = this.stop.as_mut().poll(cx).is_ready();
        if !stopped && this.end.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        this.done = true;
        let status = Status::from(if stopped { Error::Stopping } else { Error::DeadlineExceeded });
        let mut trailers = http::HeaderMap::new();
        Poll::Ready(Some(status.add_header(&mut trailers).map(|()| Frame::trailers(trailers))))
    }
}
