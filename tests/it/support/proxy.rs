//! A proxy between the server and PostgreSQL that counts. Bytes pass unchanged; what PostgreSQL answers is read just
//! far enough to see statements end (CommandComplete) and round trips end (ReadyForQuery). What happens within
//! transactions is kept apart from what happens outside of them, where only the health check may be.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, UnixStream},
    task::JoinHandle,
};

use super::cluster;

/// What was counted since the last [`Proxy::reset`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Round trips that belong to a transaction, its begin and its end included.
    pub round_trips: usize,
    /// The verbs of the statements in transactions, in order; without BEGIN, SET, COMMIT and ROLLBACK.
    pub data: Vec<String>,
    /// The verbs of the statements outside of transactions.
    pub loose: Vec<String>,
    /// Transactions that were begun.
    pub transactions: usize,
}

/// See the module.
pub struct Proxy {
    pub addr: SocketAddr,
    count: Arc<Mutex<Count>>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// In front of the run's cluster.
    pub async fn start() -> Self {
        let socket = cluster::cluster().await.socket_dir().join(".s.PGSQL.5432");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let count = Arc::new(Mutex::new(Count::default()));
        let accepting = tokio::spawn(accept(listener, socket, Arc::clone(&count)));
        Self { addr, count, accepting }
    }

    /// How to connect through it.
    pub fn options(&self, database: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(self.addr.port())
            .username("assessd")
            .database(database)
            .ssl_mode(PgSslMode::Disable)
    }

    /// Forgets what was counted.
    pub fn reset(&self) {
        *self.count.lock().unwrap() = Count::default();
    }

    /// What was counted.
    pub fn count(&self) -> Count {
        self.count.lock().unwrap().clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, socket: PathBuf, count: Arc<Mutex<Count>>) {
    while let Ok((client, _)) = listener.accept().await {
        let Ok(server) = UnixStream::connect(&socket).await else { continue };
        client.set_nodelay(true).unwrap();
        let count = Arc::clone(&count);
        tokio::spawn(async move {
            let (mut from_client, mut to_client) = client.into_split();
            let (mut from_server, mut to_server) = server.into_split();
            let up = tokio::spawn(async move {
                let _ = tokio::io::copy(&mut from_client, &mut to_server).await;
                let _ = to_server.shutdown().await;
            });
            let mut frames = Frames { count, ..Frames::default() };
            let mut buffer = vec![0; 64 * 1024];
            while let Ok(n @ 1..) = from_server.read(&mut buffer).await {
                // Counted before it is passed on: who has an answer finds it counted.
                frames.feed(&buffer[..n]);
                if to_client.write_all(&buffer[..n]).await.is_err() {
                    break;
                }
            }
            up.abort();
        });
    }
}

/// Reads the messages of one connection out of the stream of bytes.
#[derive(Default)]
struct Frames {
    count: Arc<Mutex<Count>>,
    pending: Vec<u8>,
    tags: Vec<String>,
    in_transaction: bool,
}

impl Frames {
    fn feed(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
        let mut at = 0;
        while let Some(head) = self.pending.get(at..at + 5) {
            let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
            let Some(body) = self.pending.get(at + 5..at + 1 + length) else { break };
            match head[0] {
                b'C' => {
                    let tag = String::from_utf8_lossy(body);
                    let verb = tag.split([' ', '\0']).next().unwrap_or_default();
                    self.tags.push(verb.to_owned());
                }
                b's' => self.tags.push("PORTAL".to_owned()),
                b'Z' => {
                    let now = body[0] != b'I';
                    let tags = std::mem::take(&mut self.tags);
                    let mut count = self.count.lock().unwrap();
                    if now || self.in_transaction {
                        count.round_trips += 1;
                        count.transactions += usize::from(!self.in_transaction);
                        count.data.extend(
                            tags.into_iter()
                                .filter(|t| !matches!(t.as_str(), "BEGIN" | "SET" | "COMMIT" | "ROLLBACK")),
                        );
                    } else {
                        count.loose.extend(tags);
                    }
                    self.in_transaction = now;
                }
                _ => {}
            }
            at += 1 + length;
        }
        self.pending.drain(..at);
    }
}
