//! How what takes long gives way to what must be quick, where both share the processors.
//!
//! Pure work runs on threads of its own that the system serves last. A long read is bound to the threads that serve
//! calls, and to a process of the database that nobody can rank: it pauses between its pieces as long as there are
//! quick calls under way, and the database, whose answers are not taken meanwhile, pauses with it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{sync::oneshot, time::Instant};

use crate::error::{Error, Result};

/// The rank of threads for pure work: where others want to run, about a tenth of their time.
const NICE: i32 = 10;
/// A piece of a long read.
const PIECE: Duration = Duration::from_millis(4);
/// The pause after a piece, in its own length: so much of the time is left to others.
const PAUSE: u32 = 2;
/// The longest pause, however long a piece took.
const LONGEST: Duration = Duration::from_millis(100);
/// Quick calls are under way for so long after the last of them began.
const LINGER: Duration = Duration::from_millis(50);

/// When a quick call began last; cheap to clone.
#[derive(Clone, Debug)]
pub struct Hurry {
    start: Instant,
    last_ms: Arc<AtomicU64>,
}

impl Default for Hurry {
    fn default() -> Self {
        // As if the last one had been long ago.
        let start = Instant::now();
        Self { start: start.checked_sub(LINGER * 2).unwrap_or(start), last_ms: Arc::default() }
    }
}

impl Hurry {
    /// A quick call begins.
    pub fn note(&self) {
        self.last_ms.store(self.now_ms(), Ordering::Relaxed);
    }

    fn is_on(&self) -> bool {
        self.now_ms() - self.last_ms.load(Ordering::Relaxed).min(self.now_ms()) < LINGER.as_millis() as u64
    }

    fn now_ms(&self) -> u64 {
        self.start.elapsed().as_millis() as u64
    }

    /// The pace of a long read that begins now.
    pub fn pace(&self) -> Pace {
        Pace { hurry: self.clone(), since: Instant::now() }
    }
}

/// See the module.
#[derive(Debug)]
pub struct Pace {
    hurry: Hurry,
    since: Instant,
}

impl Pace {
    /// Called between the pieces; seldom waits where they are small.
    pub async fn step(&mut self) {
        let took = self.since.elapsed();
        if took < PIECE {
            return;
        }
        if self.hurry.is_on() {
            tokio::time::sleep((took * PAUSE).min(LONGEST)).await;
        } else {
            tokio::task::yield_now().await;
        }
        self.since = Instant::now();
    }
}

/// Does work on a thread of its own that the system serves after those that serve calls.
pub async fn behind<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let (send, done) = oneshot::channel();
    let run = move || {
        // Where a thread has no rank of its own it works in that of all.
        #[cfg(target_os = "linux")]
        let _ = rustix::process::setpriority_process(None, NICE);
        let _ = send.send(work());
    };
    std::thread::Builder::new()
        .name("aside".to_owned())
        .spawn(run)
        .map_err(|e| Error::Internal(format!("a thread could not be started: {e}").into()))?;
    done.await.map_err(|_| Error::Internal("a computation broke off".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_long_read_pauses_only_while_others_are_quick() {
        let hurry = Hurry::default();
        assert!(!hurry.is_on());
        let mut pace = hurry.pace();
        let before = Instant::now();
        pace.step().await;
        assert!(before.elapsed() < PIECE, "nothing was done yet");
        hurry.note();
        tokio::time::sleep(PIECE * 2).await;
        hurry.note();
        let before = Instant::now();
        pace.step().await;
        assert!(before.elapsed() >= PIECE * 2 * PAUSE, "{:?}", before.elapsed());
        tokio::time::sleep(LINGER * 2).await;
        assert!(!hurry.is_on());
    }

    #[tokio::test]
    async fn work_behind_gives_what_it_made_or_says_that_it_broke() {
        assert_eq!(behind(|| 6 * 7).await.unwrap(), 42);
        assert!(matches!(behind(|| panic!("on purpose")).await, Err::<(), _>(Error::Internal(_))));
        #[cfg(target_os = "linux")]
        {
            let rank = || rustix::process::getpriority_process(None).unwrap();
            assert_eq!(behind(rank).await.unwrap(), NICE.max(rank()));
        }
    }
}
