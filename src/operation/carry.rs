//! Who carries long work: a task of this process as long as it lives, then one of another process.
//!
//! A step is one transaction. It locks the operation's row, which must still name this run as its holder, does what the
//! kind of work does, and stores how far it is. So a step is whole or has not happened, and of two runs that both believe
//! to carry an operation only the one that the row names does anything. Each step renews the lease; an operation whose
//! lease is over has lost its process, and whoever looks next takes it over. A step under way holds the row, so its
//! operation cannot be taken over however long the step lasts.
//!
//! A process carries a few operations at a time. What is beyond that begins with its lease over and so waits for whoever
//! has a place free.

use std::{fmt::Debug, sync::Arc, time::Duration};

use prost::Message;
use prost_types::Any;
use serde_json::json;
use sqlx::PgConnection;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use crate::{
    db::{Db, Unit},
    error::{Error, Result},
};

use super::{
    noun::{End, Kind},
    sql,
};

/// Operations that one process carries at a time; each uses one connection of the pool.
const PLACES: usize = 4;
/// The pause between two looks for abandoned operations.
const PAUSE: Duration = Duration::from_secs(1);
/// The time that a step may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a step is tried while the database is away or others are in the way, before the operation is let go.
const TRIES: u32 = 5;

/// A kind of long work.
#[tonic::async_trait]
pub trait Work: Debug + Send + Sync {
    /// Which.
    fn kind(&self) -> Kind;
    /// Reads what every step needs.
    async fn begin(&self, conn: &mut PgConnection, tenant: Uuid, operation: Uuid) -> Result<Box<dyn Steps>>;
}

/// The steps of one operation. What must outlive a step stands in the database: the transaction of a step may fail.
#[tonic::async_trait]
pub trait Steps: Debug + Send {
    /// Does the next step in the transaction of `unit`.
    async fn step(&mut self, unit: &mut Unit) -> Result<Step>;
    /// How long the last step took as a whole.
    fn took(&mut self, time: Duration);
}

/// What a step came to.
#[derive(Clone, Debug)]
pub enum Step {
    /// There is more to do.
    More {
        /// How far it is.
        progress: Any,
    },
    /// That was the last one.
    Done {
        /// How far it is.
        progress: Any,
        /// What came of it.
        response: Any,
    },
}

/// Carries operations; cheap to clone.
#[derive(Clone, Debug)]
pub struct Carrier {
    db: Db,
    works: Arc<[Arc<dyn Work>]>,
    lease: Duration,
    places: Arc<Semaphore>,
    tasks: TaskTracker,
    stopping: CancellationToken,
}

/// A run of an operation that is about to begin.
#[derive(Debug)]
pub struct Run {
    /// Names it in the operation's row.
    pub holder: Uuid,
    /// How long the row is its own at first.
    pub lease: Duration,
    place: Option<OwnedSemaphorePermit>,
}

/// An operation as its run knows it.
#[derive(Debug)]
struct Job {
    tenant: Uuid,
    operation: Uuid,
    holder: Uuid,
    kind: Kind,
    actor: String,
    method: String,
    _place: OwnedSemaphorePermit,
}

impl Carrier {
    /// Carries work of these kinds, in tasks of `tasks`, until `stopping`.
    pub fn new(
        db: Db,
        works: Vec<Arc<dyn Work>>,
        lease: Duration,
        tasks: TaskTracker,
        stopping: CancellationToken,
    ) -> Self {
        Self { db, works: works.into(), lease, places: Arc::new(Semaphore::new(PLACES)), tasks, stopping }
    }

    /// A place for a run. Where none is free, the lease is over from the start: whoever has one free takes over.
    pub fn run(&self) -> Run {
        let place = Arc::clone(&self.places).try_acquire_owned().ok();
        let lease = if place.is_some() { self.lease } else { Duration::ZERO };
        Run { holder: Uuid::now_v7(), lease, place }
    }

    /// Carries an operation that was stored and committed with that run.
    pub fn carry(&self, run: Run, kind: Kind, tenant: Uuid, operation: Uuid, actor: String, method: String) {
        let Some(place) = run.place else { return };
        let job = Job { tenant, operation, holder: run.holder, kind, actor, method, _place: place };
        let carrier = self.clone();
        self.tasks.spawn(async move { carrier.through(job).await });
    }

    /// Looks for operations that lost their process, and takes them over, until the process stops.
    pub async fn watch(self) {
        loop {
            tokio::select! {
                () = self.stopping.cancelled() => return,
                () = tokio::time::sleep(PAUSE) => {}
            }
            if let Err(error) = self.round().await {
                // An unreachable database is reported by the health check already.
                tracing::debug!(?error, "abandoned operations could not be looked for");
            }
        }
    }

    async fn round(&self) -> Result<()> {
        let free = self.places.available_permits();
        if free == 0 {
            return Ok(());
        }
        let deadline = Instant::now() + PATIENCE;
        let kinds: Vec<String> = self.works.iter().map(|w| w.kind().as_str().to_owned()).collect();
        let mut tx = self.db.sweep(deadline).await?;
        let found = sql::abandoned(&mut tx, &kinds, free as i64).await?;
        tx.commit().await?;
        for (tenant, operation) in found {
            let run = self.run();
            if run.place.is_none() || self.stopping.is_cancelled() {
                break;
            }
            // One that cannot be taken over must not keep the others waiting.
            if let Err(error) = self.take_over(run, tenant, operation, deadline).await {
                tracing::warn!(tenant.id = %tenant, operation.id = %operation, ?error, "an operation could not be taken over");
            }
        }
        Ok(())
    }

    async fn take_over(&self, run: Run, tenant: Uuid, operation: Uuid, deadline: Instant) -> Result<()> {
        let mut tx = self.db.background(tenant, deadline).await?;
        let taken = sql::take_over(&mut tx, tenant, operation, run.holder, run.lease).await?;
        tx.commit().await?;
        if let Some(taken) = taken {
            tracing::info!(tenant.id = %tenant, operation.id = %operation, kind = taken.kind, "an operation goes on here");
            let kind = Kind::stored(&taken.kind)?;
            self.carry(run, kind, tenant, operation, taken.actor, taken.method);
        }
        Ok(())
    }

    /// Step after step until the end, or until another has it.
    async fn through(&self, job: Job) {
        let (mut steps, mut tries) = (None, 0);
        while !self.stopping.is_cancelled() {
            match self.step(&job, &mut steps).await {
                Ok(true) => tries = 0,
                Ok(false) => return,
                // A step that waited too long for others' locks is tried again as well.
                Err(error) if error.is_transient() || matches!(error, Error::DeadlineExceeded) => {
                    if tries == TRIES {
                        tracing::warn!(operation.id = %job.operation, ?error, "an operation is let go for now");
                        break;
                    }
                    tokio::select! {
                        () = self.stopping.cancelled() => {}
                        () = tokio::time::sleep(Duration::from_millis(50 << tries)) => {}
                    }
                    tries += 1;
                }
                Err(error) => return self.fail(&job, error).await,
            }
        }
        // Not at its end: somebody else may begin at once. If even this fails, the lease ends by itself.
        let let_go = async {
            let mut tx = self.db.background(job.tenant, Instant::now() + PATIENCE).await?;
            sql::let_go(&mut tx, job.tenant, job.operation, job.holder).await?;
            Ok::<_, Error>(tx.commit().await?)
        };
        if let Err(error) = let_go.await {
            tracing::debug!(operation.id = %job.operation, ?error, "an operation could not be let go");
        }
    }

    /// One step; whether there is another.
    async fn step(&self, job: &Job, steps: &mut Option<Box<dyn Steps>>) -> Result<bool> {
        let started = Instant::now();
        let mut unit = self.db.in_name_of(job.tenant, &job.actor, &job.method, started + PATIENCE).await?;
        if !sql::hold(unit.conn(), job.tenant, job.operation, job.holder).await? {
            unit.rollback().await?;
            return Ok(false);
        }
        let steps = match steps {
            Some(steps) => steps,
            None => {
                let work = self.works.iter().find(|w| w.kind() == job.kind);
                let work = work.ok_or(Error::Internal("work of a kind that nobody here does".into()))?;
                steps.insert(work.begin(unit.conn(), job.tenant, job.operation).await?)
            }
        };
        let more = match steps.step(&mut unit).await? {
            Step::More { progress } => {
                // From now on, and the transaction's clock stands at its start.
                let lease = self.lease + started.elapsed();
                let progress = progress.encode_to_vec();
                sql::advance(unit.conn(), job.tenant, job.operation, &progress, lease).await?;
                true
            }
            Step::Done { progress, response } => {
                let end =
                    End::Done { progress: progress.encode_to_vec(), response: response.encode_to_vec() };
                sql::end(unit.conn(), job.tenant, job.operation, &end).await?;
                false
            }
        };
        unit.commit(()).await?;
        steps.took(started.elapsed());
        Ok(more)
    }

    /// Ends an operation by an error. Where even that fails, whoever takes it over meets the error again.
    async fn fail(&self, job: &Job, error: Error) {
        tracing::error!(operation.id = %job.operation, ?error, "an operation failed");
        let end = End::failed(error);
        let noted = async {
            let deadline = Instant::now() + PATIENCE;
            let mut unit = self.db.in_name_of(job.tenant, &job.actor, &job.method, deadline).await?;
            if !sql::hold(unit.conn(), job.tenant, job.operation, job.holder).await? {
                return unit.rollback().await;
            }
            sql::end(unit.conn(), job.tenant, job.operation, &end).await?;
            let row = sql::operation(unit.conn(), job.tenant, job.operation, false).await?;
            let row = row.ok_or(Error::Internal("an operation is gone".into()))?;
            let why = json!({ "operation": row.name().to_string(), "error": row.error });
            unit.changed(job.kind.failed(), &row.target, why);
            unit.commit(()).await
        };
        if let Err(error) = noted.await {
            tracing::error!(operation.id = %job.operation, ?error, "a failure could not be noted");
        }
    }
}
