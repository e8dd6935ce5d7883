//! Whether the database is there, asked on a connection of its own: a pool that is busy is no database that is lost.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

/// How long an answer may take: with the pause between two askings less than the two seconds in which a loss must show.
const PATIENCE: Duration = Duration::from_millis(1300);

/// A call may have waited for so long for a database that was lost.
const AFTERWARDS: Duration = Duration::from_secs(20);

/// When the database was found lost last; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Losses {
    start: Instant,
    last_ms: Arc<AtomicU64>,
}

impl Default for Losses {
    fn default() -> Self {
        Self { start: Instant::now(), last_ms: Arc::new(AtomicU64::new(u64::MAX)) }
    }
}

impl Losses {
    fn note(&self) {
        self.last_ms.store(self.now_ms(), Ordering::Relaxed);
    }

    /// Whether what failed just now may have failed for that.
    pub(super) fn was_lately(&self) -> bool {
        let last = self.last_ms.load(Ordering::Relaxed);
        last != u64::MAX && self.now_ms().saturating_sub(last) < AFTERWARDS.as_millis() as u64
    }

    fn now_ms(&self) -> u64 {
        self.start.elapsed().as_millis() as u64
    }
}

/// See the module.
#[derive(Debug)]
pub struct Pulse {
    options: PgConnectOptions,
    connection: Option<PgConnection>,
    losses: Losses,
}

impl Pulse {
    /// Nothing is asked yet.
    pub(super) fn new(options: PgConnectOptions, losses: Losses) -> Self {
        Self { options, connection: None, losses }
    }

    /// Asks once.
    pub async fn ask(&mut self) -> bool {
        let beats = tokio::time::timeout(PATIENCE, self.reach()).await.unwrap_or(false);
        if !beats {
            self.losses.note();
        }
        beats
    }

    async fn reach(&mut self) -> bool {
        // A connection that is given up in the midst of an answer is not used again.
        if let Some(kept) = self.connection.take()
            && self.answered(kept).await
        {
            return true;
        }
        match PgConnection::connect_with(&self.options).await {
            Ok(fresh) => self.answered(fresh).await,
            Err(_) => false,
        }
    }

    async fn answered(&mut self, mut connection: PgConnection) -> bool {
        let answered = sqlx::query("select 1").execute(&mut connection).await.is_ok();
        if answered {
            self.connection = Some(connection);
        }
        answered
    }
}
