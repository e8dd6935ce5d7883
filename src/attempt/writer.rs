//! Group commit: submissions from many calls are stored by a few writers, up to [`GROUP`] in one transaction, and each
//! call is answered after its commit. While one group commits the next gathers, so groups grow with the load and a
//! lone submission never waits for company.
//!
//! This is the one write path without a unit of work: the attempt row itself is the audit and the event record, and its
//! id (made from tenant and request id) is the key that makes it count once. A submission that cannot be stored fails
//! alone; a group that meets a failing row is stored one by one.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::{mpsc, oneshot};
use tracing::Instrument;
use uuid::Uuid;

use crate::{
    db::Db,
    error::{Error, Result},
};

use super::sql::{self, Standing, Stored, Submission};

/// Submissions in one transaction at most.
pub const GROUP: usize = 64;
/// Writers in one process.
const WRITERS: usize = 2;
/// Submissions that may wait for each writer; more callers wait to enqueue.
const QUEUE: usize = 1024;
/// Tries of a submission whose attempt number was taken by another process at the same moment.
const TRIES: u32 = 8;
/// The time that one group may take.
const PATIENCE: Duration = Duration::from_secs(10);

type Answer = Result<Stored>;

struct Job {
    tenant: Uuid,
    submission: Submission,
    answer: oneshot::Sender<Answer>,
}

/// The writers of this process; cheap to clone. They end when the last handle is dropped.
#[derive(Clone, Debug)]
pub struct Writer {
    queues: Arc<Vec<mpsc::Sender<Job>>>,
    next: Arc<AtomicUsize>,
}

impl Writer {
    /// Starts the writers.
    pub fn start(db: &Db) -> Self {
        let queues = (0..WRITERS)
            .map(|_| {
                let (sender, receiver) = mpsc::channel(QUEUE);
                tokio::spawn(write(db.clone(), receiver));
                sender
            })
            .collect();
        Self { queues: Arc::new(queues), next: Arc::default() }
    }

    /// Stores a submission; returns after its commit. A repeat of a stored one gets what the first one got.
    pub async fn store(&self, tenant: Uuid, submission: Submission) -> Answer {
        let (answer, stored) = oneshot::channel();
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let queue = &self.queues[turn % self.queues.len()];
        queue.send(Job { tenant, submission, answer }).await.map_err(|_| Error::Unavailable)?;
        stored.await.map_err(|_| Error::Unavailable)?
    }
}

async fn write(db: Db, mut queue: mpsc::Receiver<Job>) {
    let mut waiting: Vec<Job> = Vec::with_capacity(GROUP);
    loop {
        if waiting.is_empty() && queue.recv_many(&mut waiting, GROUP).await == 0 {
            return;
        }
        // One tenant a transaction: row-level security lets no transaction see two.
        let tenant = waiting[0].tenant;
        let mut group: HashMap<Uuid, Job> = HashMap::with_capacity(waiting.len());
        let mut later = Vec::new();
        for job in waiting.drain(..) {
            // A doubled id waits for the next round, where it finds the first one stored.
            if job.tenant == tenant && !group.contains_key(&job.submission.attempt) {
                group.insert(job.submission.attempt, job);
            } else {
                later.push(job);
            }
        }
        waiting = later;
        let span = tracing::info_span!("submission_group", otel.kind = "internal", tenant.id = %tenant, size = group.len());
        store_group(&db, tenant, group).instrument(span).await;
    }
}

async fn store_group(db: &Db, tenant: Uuid, mut group: HashMap<Uuid, Job>) {
    let mut tries = 0;
    while !group.is_empty() {
        tries += 1;
        let batch: Vec<&Submission> = group.values().map(|j| &j.submission).collect();
        match store_once(db, tenant, &batch).await {
            Ok(settled) => {
                for (attempt, answer) in settled {
                    if let Some(job) = group.remove(&attempt) {
                        // A caller that has gone needs no answer; its submission stands.
                        let _ = job.answer.send(answer);
                    }
                }
                if tries >= TRIES {
                    for (_, job) in group.drain() {
                        let _ = job.answer.send(Err(Error::Collision));
                    }
                }
            }
            Err(Error::Db(error)) if group.len() > 1 => {
                tracing::warn!(%error, size = group.len(), "a group failed; its submissions are stored one by one");
                for (attempt, job) in group.drain() {
                    Box::pin(store_group(db, tenant, HashMap::from([(attempt, job)]))).await;
                }
            }
            Err(Error::Collision) if tries < TRIES => {}
            Err(error) => {
                let lost = matches!(error, Error::Unavailable | Error::DeadlineExceeded);
                let mut first = Some(error);
                for (_, job) in group.drain() {
                    let again = if lost { Error::Unavailable } else { Error::Collision };
                    let _ = job.answer.send(Err(first.take().filter(|_| !lost).unwrap_or(again)));
                }
            }
        }
    }
}

/// Stores a batch and says what became of each; those that are missing met another process and may be tried again.
async fn store_once(db: &Db, tenant: Uuid, batch: &[&Submission]) -> Result<Vec<(Uuid, Answer)>> {
    let mut tx = db.submit(tenant, tokio::time::Instant::now() + PATIENCE).await?;
    let stored = sql::insert_submissions(&mut tx, tenant, batch).await?;
    let obstacles = if stored.len() < batch.len() {
        let there: std::collections::HashSet<Uuid> = stored.iter().map(|s| s.attempt).collect();
        let missing: Vec<&Submission> =
            batch.iter().copied().filter(|s| !there.contains(&s.attempt)).collect();
        sql::why_not(&mut tx, tenant, &missing).await?
    } else {
        Vec::new()
    };
    tx.commit().await?;

    let mut settled: Vec<(Uuid, Answer)> = stored.into_iter().map(|s| (s.attempt, Ok(s))).collect();
    let by_id: HashMap<Uuid, &Submission> = batch.iter().map(|s| (s.attempt, *s)).collect();
    for obstacle in obstacles {
        let Some(submission) = by_id.get(&obstacle.attempt) else { continue };
        let exam = format!("exams/{}", submission.exam);
        let answer = match (obstacle.stored, obstacle.request_hash) {
            (Some(_), Some(hash)) if hash == submission.request_hash && obstacle.is_void => {
                let message = "this submission was voided after it had been stored; send it again under a new request_id";
                Err(Error::refused("ATTEMPT_VOID", format!("{exam}/attempts/{}", obstacle.attempt), message))
            }
            (Some(first), Some(hash)) if hash == submission.request_hash => Ok(first),
            (Some(_), _) => Err(Error::refused(
                "REQUEST_ID_REUSED",
                exam,
                "this request_id was used before with another submission; nothing was written",
            )),
            (None, _) => {
                let Standing { rules, now, made, .. } = obstacle.standing;
                match rules.may_submit(&exam, now, made) {
                    Err(refusal) => Err(refusal),
                    // Another process took the number in between: the next round gets a new one.
                    Ok(()) => continue,
                }
            }
        };
        settled.push((obstacle.attempt, answer));
    }
    Ok(settled)
}
