//! Group commit: submissions from many calls are stored by a few writers, up to [`GROUP`] in one transaction, and each
//! call is answered after its commit. While one group commits the next gathers, so groups grow with the load and a
//! lone submission never waits for company.
//!
//! This is the one write path without a unit of work: the attempt row itself is the audit and the event record, and its
//! id (made from tenant and request id) is the key that makes it count once. A submission that cannot be stored fails
//! alone; a group that meets a failing row is stored one by one.
//!
//! What waits is bounded in number and in bytes. A call that finds no room is refused at once and may be retried; a
//! stream waits for room and so slows its sender down.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use tokio::{sync::oneshot, time::Instant};
use tracing::Instrument;
use uuid::Uuid;

use crate::{
    db::{Db, KEPT, Kept},
    error::{Error, Result, Want, is_unique_violation},
};

use super::{
    queue::{Job, Queue},
    submission_sql::{self as sql, Obstacle, Stored, Submission},
};

/// Submissions in one transaction at most. What a transaction costs by itself (its start, its statement's start, its
/// commit) is that of about thirty rows, so more than this gains little.
pub const GROUP: usize = 256;
/// Writers in one process: while some wait for the database, one gathers. Each may keep a connection.
const WRITERS: u32 = KEPT;
/// The longest that a group gathers, while submissions keep coming.
const GATHER: Duration = Duration::from_millis(3);
/// Tries of a submission that met another process at the same moment.
const TRIES: u32 = 8;
/// The time for which a writer keeps its connection while nothing comes: what is ready there stays warm between groups.
const WARM: Duration = Duration::from_millis(500);
/// The time that one group may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a whole group could not be stored although the database is there.
const BUSY: &str = "the database is busy; retry a little later";

/// What became of a submission.
pub type Answer = Result<Stored>;

/// The writers of this process; cheap to clone. They end when the last handle is dropped.
#[derive(Clone, Debug)]
pub struct Writer {
    queue: Arc<Open>,
}

/// Closes the queue when it is dropped.
#[derive(Debug)]
struct Open(Arc<Queue>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Writer {
    /// Starts the writers.
    pub fn start(db: &Db) -> Self {
        let queue = Arc::new(Queue::default());
        for _ in 0..WRITERS {
            tokio::spawn(write(Kept::new(db), Arc::clone(&queue)));
        }
        Self { queue: Arc::new(Open(queue)) }
    }

    /// Stores a submission; returns after its commit. A repeat of a stored one gets what the first one got. EXHAUSTED
    /// where too many wait already; nothing is stored then.
    pub async fn store(&self, tenant: Uuid, submission: Submission) -> Answer {
        let (answer, stored) = oneshot::channel();
        self.queue.0.try_push(Job::new(tenant, submission, answer))?;
        stored.await.map_err(|_| Error::Unavailable)?
    }

    /// The same, but waits where too many wait already.
    pub async fn store_in_turn(&self, tenant: Uuid, submission: Submission) -> Answer {
        let (answer, stored) = oneshot::channel();
        self.queue.0.push(Job::new(tenant, submission, answer)).await;
        stored.await.map_err(|_| Error::Unavailable)?
    }
}

async fn write(mut db: Kept, queue: Arc<Queue>) {
    loop {
        let more = match tokio::time::timeout(WARM, queue.wait()).await {
            Ok(more) => more,
            Err(_) => {
                db.release().await;
                queue.wait().await
            }
        };
        if !more {
            return;
        }
        gather(&queue).await;
        let group = queue.take(GROUP);
        let Some(tenant) = group.first().map(|job| job.tenant) else { continue };
        let span = tracing::info_span!("submission_group", otel.kind = "internal", tenant.id = %tenant, size = group.len());
        store_group(&mut db, &queue, tenant, group).instrument(span).await;
    }
}

/// Lets other tasks run as long as that brings more submissions: a full group costs the database far less a row. Where
/// nothing else wants to run it does not wait.
async fn gather(queue: &Queue) {
    let (end, mut before) = (Instant::now() + GATHER, queue.len());
    while before < GROUP && Instant::now() < end {
        tokio::task::yield_now().await;
        let now = queue.len();
        if now <= before {
            return;
        }
        before = now;
    }
}

/// Stores a group and answers its calls.
async fn store_group(db: &mut Kept, queue: &Queue, tenant: Uuid, group: Vec<Job>) {
    let mut left: HashMap<Uuid, Job> = group.into_iter().map(|job| (job.submission.attempt, job)).collect();
    let mut tries = 0;
    while !left.is_empty() {
        let mut batch: Vec<&Submission> = left.values().map(|job| &job.submission).collect();
        // One order for all processes, so that two groups with the same submissions do not wait for each other in turn.
        batch.sort_unstable_by_key(|s| s.attempt);
        // Who met something in the way looks first the next time.
        let stored = match tries {
            0 => store(db, tenant, &batch).await,
            _ => look(db, tenant, &batch).await,
        };
        tries += 1;
        match stored {
            Ok(settled) => {
                for (attempt, answer) in settled {
                    if let Some(job) = left.remove(&attempt) {
                        job.answer(answer, queue);
                    }
                }
            }
            Err(Error::Collision) => {}
            Err(Error::Db(error)) if left.len() > 1 => {
                tracing::warn!(%error, size = left.len(), "a group failed; its submissions are stored one by one");
                for (_, job) in left.drain() {
                    Box::pin(store_group(db, queue, tenant, vec![job])).await;
                }
            }
            Err(error) => {
                // What is in the way of all of them is told to all; anything else to the first alone.
                let common: Option<fn() -> Error> = match &error {
                    Error::Unavailable | Error::DeadlineExceeded => Some(|| Error::Unavailable),
                    Error::Wanting(Want::Room) => Some(|| Error::Wanting(Want::Room)),
                    Error::Wanting(Want::Memory) => Some(|| Error::Wanting(Want::Memory)),
                    Error::Wanting(Want::Disk) => Some(|| Error::Wanting(Want::Disk)),
                    Error::Exhausted(_) => Some(|| Error::Exhausted(BUSY)),
                    _ => None,
                };
                let mut first = Some(error);
                for (_, job) in left.drain() {
                    let told = match common {
                        Some(common) => common(),
                        None => first.take().unwrap_or(Error::Collision),
                    };
                    job.answer(Err(told), queue);
                }
            }
        }
        if tries >= TRIES {
            for (_, job) in left.drain() {
                job.answer(Err(Error::Collision), queue);
            }
        }
    }
}

type Settled = Vec<(Uuid, Answer)>;

/// Stores a batch and says what became of each. Where one was in the way of another process nothing is stored.
async fn store(db: &mut Kept, tenant: Uuid, batch: &[&Submission]) -> Result<Settled> {
    let conn = db.begin(tenant, Instant::now() + PATIENCE).await?;
    let stored = match sql::insert(conn, tenant, batch).await {
        Ok(stored) => stored,
        Err(error) => {
            let collided = is_unique_violation(&error);
            db.rollback().await;
            return Err(if collided { Error::Collision } else { error.into() });
        }
    };
    let mut settled = Settled::new();
    if stored.len() < batch.len() {
        let there: HashSet<Uuid> = stored.iter().map(|s| s.attempt).collect();
        let missing: Vec<&Submission> =
            batch.iter().copied().filter(|s| !there.contains(&s.attempt)).collect();
        settled = judge(&missing, sql::why_not(conn, tenant, &missing).await?);
    }
    db.commit().await?;
    settled.extend(stored.into_iter().map(|s| (s.attempt, Ok(s))));
    Ok(settled)
}

/// Says of a batch what is there already or must not be, and stores the rest. Those that are missing from the answer met
/// another process once more.
async fn look(db: &mut Kept, tenant: Uuid, batch: &[&Submission]) -> Result<Settled> {
    let conn = db.begin(tenant, Instant::now() + PATIENCE).await?;
    let mut settled = judge(batch, sql::why_not(conn, tenant, batch).await?);
    db.commit().await?;
    let known: HashSet<Uuid> = settled.iter().map(|(attempt, _)| *attempt).collect();
    let rest: Vec<&Submission> = batch.iter().copied().filter(|s| !known.contains(&s.attempt)).collect();
    if !rest.is_empty() {
        match store(db, tenant, &rest).await {
            Ok(more) => settled.extend(more),
            // What is known is answered; the rest is tried again.
            Err(Error::Collision) => {}
            Err(error) if settled.is_empty() => return Err(error),
            Err(error) => tracing::debug!(?error, "the rest of a group is tried again"),
        }
    }
    Ok(settled)
}

/// What to say of submissions that were not stored. Nothing is said where nothing is in the way any more.
fn judge(batch: &[&Submission], obstacles: Vec<Obstacle>) -> Settled {
    let judged = obstacles.into_iter().filter_map(|obstacle| {
        let attempt = obstacle.attempt;
        let at = batch.binary_search_by_key(&attempt, |s| s.attempt).ok()?;
        refusal(batch[at], obstacle).map(|answer| (attempt, answer))
    });
    judged.collect()
}

/// The answer to a submission that was not stored; `None` where nothing is in its way any more.
fn refusal(submission: &Submission, obstacle: Obstacle) -> Option<Answer> {
    let exam = format!("exams/{}", submission.exam);
    let same = obstacle.request_hash.as_deref() == Some(submission.request_hash.as_slice());
    match obstacle.stored {
        Some(first) if same && obstacle.is_void => {
            let message =
                "this submission was voided after it had been stored; send it again under a new request_id";
            Some(Err(Error::refused("ATTEMPT_VOID", format!("{exam}/attempts/{}", first.attempt), message)))
        }
        Some(first) if same => Some(Ok(first)),
        Some(_) => Some(Err(Error::refused(
            "REQUEST_ID_REUSED",
            exam,
            "this request_id was used before with another submission; nothing was written",
        ))),
        // Another process was in the way and is no more: the next round stores it.
        None => obstacle.rules.may_submit(&exam, obstacle.now, obstacle.made).err().map(Err),
    }
}
