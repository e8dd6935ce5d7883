//! A connection whose small writes leave together.
//!
//! HTTP/2 writes each data frame to the socket by itself, and the task of a connection runs again as soon as one answer
//! is ready: a group of a hundred submissions that is stored at one moment makes two hundred writes, each with its way
//! through the network stack and back at the caller's. Here a flush is put off until the tasks that are ready to run
//! have run, and what they have written by then goes out at once. Where nothing else wants to run that is at once too.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tonic::transport::server::Connected;

/// Bytes that are held back at most, but for the last write.
const MOST: usize = 64 * 1024;

/// See the module.
#[derive(Debug)]
pub struct Gathered<S> {
    inner: S,
    /// Written by the connection, and not yet to the socket.
    held: BytesMut,
    /// Something was written since the last flush.
    fresh: bool,
    /// A flush was put off: the task was woken, and will read first when it runs.
    put_off: bool,
}

impl<S> Gathered<S> {
    /// Nothing is held back yet.
    pub fn new(inner: S) -> Self {
        Self { inner, held: BytesMut::new(), fresh: false, put_off: false }
    }
}

impl<S: AsyncWrite + Unpin> Gathered<S> {
    /// Writes what was held back.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.held.is_empty() {
            let written = ready!(Pin::new(&mut self.inner).poll_write(cx, &self.held))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.held.advance(written);
        }
        // An idle connection holds no memory.
        self.held = BytesMut::new();
        self.put_off = false;
        Poll::Ready(Ok(()))
    }

    /// Makes room for a write.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.held.len() < MOST {
            return Poll::Ready(Ok(()));
        }
        self.poll_drain(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Gathered<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.put_off {
            // Where the socket is full the task is woken when it is not, and reading goes on meanwhile.
            if let Poll::Ready(Err(error)) = this.poll_drain(cx) {
                return Poll::Ready(Err(error));
            }
        }
        Pin::new(&mut this.inner).poll_read(cx, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gathered<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_room(cx))?;
        let written = parts.iter().map(|part| part.len()).sum();
        this.held.reserve(written);
        for part in parts {
            this.held.extend_from_slice(part);
        }
        this.fresh = true;
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// The first flush after a write is put off; a second one is not.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if std::mem::take(&mut this.fresh) && this.held.len() < MOST {
            if !std::mem::replace(&mut this.put_off, true) {
                cx.waker().wake_by_ref();
            }
            return Poll::Ready(Ok(()));
        }
        ready!(this.poll_drain(cx))?;
        Pin::new(&mut this.inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_drain(cx))?;
        Pin::new(&mut this.inner).poll_shutdown(cx)
    }
}

impl<S: Connected> Connected for Gathered<S> {
    type ConnectInfo = S::ConnectInfo;

    fn connect_info(&self) -> Self::ConnectInfo {
        self.inner.connect_info()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

    use super::*;

    /// Counts the writes that reach it.
    struct Counted(DuplexStream, Arc<AtomicUsize>);

    impl AsyncRead for Counted {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            into: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_read(cx, into)
        }
    }

    impl AsyncWrite for Counted {
        fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, b: &[u8]) -> Poll<io::Result<usize>> {
            self.1.fetch_add(1, Ordering::Relaxed);
            Pin::new(&mut self.0).poll_write(cx, b)
        }

        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_flush(cx)
        }

        fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_shutdown(cx)
        }
    }

    fn pair(room: usize) -> (Gathered<Counted>, DuplexStream, Arc<AtomicUsize>) {
        let (near, far) = tokio::io::duplex(room);
        let writes = Arc::new(AtomicUsize::new(0));
        (Gathered::new(Counted(near, Arc::clone(&writes))), far, writes)
    }

    #[tokio::test]
    async fn what_is_flushed_one_by_one_leaves_at_once_when_the_connection_reads_again() {
        let (mut near, mut far, writes) = pair(MOST);
        for answer in [&b"one "[..], b"two ", b"three"] {
            near.write_all(answer).await.unwrap();
            near.flush().await.unwrap();
        }
        assert_eq!(writes.load(Ordering::Relaxed), 0, "held back until the task runs again");
        far.write_all(b"?").await.unwrap();
        near.read_u8().await.unwrap();
        assert_eq!(writes.load(Ordering::Relaxed), 1);
        let mut got = [0; 13];
        far.read_exact(&mut got).await.unwrap();
        assert_eq!(&got, b"one two three");
    }

    #[tokio::test]
    async fn a_flush_that_is_put_off_wakes_its_task() {
        let (mut near, mut far, _) = pair(MOST);
        let connection = tokio::spawn(async move {
            near.write_all(b"answer").await.unwrap();
            near.flush().await.unwrap();
            // As a connection that waits for the next request.
            near.read_u8().await.unwrap()
        });
        let mut got = [0; 6];
        far.read_exact(&mut got).await.unwrap();
        assert_eq!(&got, b"answer");
        far.write_all(b"!").await.unwrap();
        assert_eq!(connection.await.unwrap(), b'!');
    }

    #[tokio::test]
    async fn a_second_flush_is_not_put_off() {
        let (mut near, mut far, writes) = pair(MOST);
        near.write_all(b"answer").await.unwrap();
        near.flush().await.unwrap();
        near.flush().await.unwrap();
        assert_eq!(writes.load(Ordering::Relaxed), 1);
        let mut got = [0; 6];
        far.read_exact(&mut got).await.unwrap();
    }

    #[tokio::test]
    async fn a_slow_reader_gets_every_byte_in_order_and_little_is_held_meanwhile() {
        let (mut near, mut far, _) = pair(1000);
        let sent: Vec<u8> = (0..MOST * 8).map(|i| (i % 251) as u8).collect();
        let expected = sent.clone();
        let writing = tokio::spawn(async move {
            for (i, piece) in sent.chunks(777).enumerate() {
                near.write_all(piece).await.unwrap();
                assert!(near.held.len() <= MOST + 777, "{}", near.held.len());
                if i % 3 == 0 {
                    near.flush().await.unwrap();
                }
            }
            near.shutdown().await.unwrap();
        });
        let mut got = Vec::new();
        far.read_to_end(&mut got).await.unwrap();
        writing.await.unwrap();
        assert!(got == expected);
    }

    #[tokio::test]
    async fn a_reader_that_is_gone_is_an_error() {
        let (mut near, far, _) = pair(1000);
        drop(far);
        near.write_all(b"answer").await.unwrap();
        near.flush().await.unwrap();
        assert!(near.flush().await.is_err());
    }
}
