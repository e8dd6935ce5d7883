//! The database: the pool, and the two ways into it.
//!
//! [`Db::read`] opens a read-only transaction for a caller. [`Db::write`] opens a [`Unit`] of work, the only way to
//! change anything: it sets the tenant, answers a repeated request from its first answer, and on commit appends the
//! audit row and the event of every change in the same transaction. (The submit path is the one exception, and says why
//! where it stands.)
//!
//! A transaction begins with one round trip that also names the tenant and the time that is left, so that row-level
//! security and the caller's deadline hold for every statement in it.

mod kept;
mod keys;
mod pulse;
mod refusals;
mod tx;

use std::{future::Future, time::Duration};

use prost::Message;
use sha2::{Digest, Sha256};
use sqlx::{
    Executor, PgConnection,
    postgres::{PgConnectOptions, PgPool, PgPoolOptions, PgQueryResult},
};
use tokio::time::Instant;
use tracing::{Instrument, field};
use uuid::Uuid;

use crate::{
    admission::{Admission, Class, Pass},
    auth::{self, Caller, Credential},
    error::{Error, Result},
};

pub use kept::{KEPT, Kept};
pub use keys::{Look, Proof};
pub use pulse::Pulse;
pub use tx::Tx;

/// The migrations of this build.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// A handle on the database; cheap to clone.
#[derive(Clone, Debug)]
pub struct Db {
    pool: PgPool,
    options: PgConnectOptions,
    keys: keys::Keys,
    admission: Admission,
    losses: pulse::Losses,
    refusals: refusals::Refusals,
}

/// What a transaction is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Reading; each statement sees its own moment.
    Read,
    /// Reading; all statements see the same moment.
    Snapshot,
    /// Reading which tenants there are.
    Sweep,
    Write,
}

/// What [`Db::write`] found.
#[derive(Debug)]
pub enum Begun<T> {
    /// The request is new: do the work.
    New(Unit),
    /// The request was answered before; this is the answer.
    Done(T),
}

/// A unit of work.
#[derive(Debug)]
pub struct Unit {
    tx: Tx,
    tenant: Uuid,
    actor: String,
    method: String,
    request_id: Option<String>,
    changes: Vec<Change>,
}

#[derive(Debug)]
struct Change {
    kind: &'static str,
    resource: String,
    data: serde_json::Value,
}

impl Db {
    /// Opens a pool. Connections are made as they are needed; none has to succeed now. One more than `max_connections`
    /// may be made: see [`pulse`](Self::pulse).
    pub fn open(options: PgConnectOptions, max_connections: u32) -> Self {
        let options = options.application_name("assessd");
        let pool = PgPoolOptions::new()
            .max_connections(max_connections)
            .acquire_timeout(Duration::from_secs(5))
            // A ping before every use would be one more round trip; a dead connection is noticed when it begins.
            .test_before_acquire(false)
            .after_connect(|connection, _| {
                Box::pin(async move {
                    connection.execute(tx::SESSION).await?;
                    if let Err(error) = connection.execute(tx::WATCH).await {
                        tracing::debug!(%error, "the server does not look for clients that have gone");
                    }
                    Ok(())
                })
            })
            .connect_lazy_with(options.clone());
        let kept = if max_connections >= kept::ENOUGH { kept::KEPT } else { 0 };
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            pool,
            options,
            keys: keys::Keys::default(),
            refusals: refusals::Refusals::default(),
            admission: Admission::new((max_connections - kept) as usize, processors),
            losses: pulse::Losses::default(),
        }
    }

    /// The pool, for tools. Who takes a connection there passes the admission by.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// A connection of its own on which the database is asked whether it is there.
    pub fn pulse(&self) -> Pulse {
        Pulse::new(self.options.clone(), self.losses.clone())
    }

    /// Who may do what at once.
    pub fn admission(&self) -> &Admission {
        &self.admission
    }

    /// Brings the schema up to this build. Several processes may do so at once, and wait for each other.
    pub async fn migrate(&self) -> Result<(), sqlx::migrate::MigrateError> {
        // Not bound to the times that calls have for their locks.
        let own = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(5))
            .connect_lazy_with(self.options.clone());
        let done = MIGRATOR.run(&own).await;
        own.close().await;
        done
    }

    /// The versions of the schema's migrations that were applied, in order; none where there is no schema.
    pub async fn schema(&self) -> Vec<i64> {
        sqlx::query_scalar("select version from _sqlx_migrations where success order by version")
            .fetch_all(&self.pool)
            .await
            .unwrap_or_default()
    }

    /// Fails where the schema is not that of this build, or where the role would walk around row-level security.
    pub async fn check(&self) -> Result<(), String> {
        let role: (String, bool) = sqlx::query_as(
            "select rolname::text, rolsuper or rolbypassrls from pg_roles where rolname = current_user",
        )
        .fetch_one(&self.pool)
        .await
        .map_err(|e| format!("the database cannot be asked for its role: {e}"))?;
        if role.1 {
            return Err(format!(
                "the database role {:?} is a superuser or has BYPASSRLS, so row-level security would not hold; \
                 connect as a plain role that owns the database: \
                 create role assessd login; alter database … owner to assessd",
                role.0
            ));
        }
        let newest = MIGRATOR.iter().map(|m| m.version).max().unwrap_or_default();
        let found: Option<i64> =
            sqlx::query_scalar("select max(version) from _sqlx_migrations where success")
                .fetch_one(&self.pool)
                .await
                .unwrap_or(None);
        match found {
            Some(version) if version >= newest => Ok(()),
            Some(version) => Err(format!(
                "the schema is at version {version}, this build needs {newest}; run: assessd migrate"
            )),
            None => Err("the database has no schema yet; run: assessd migrate".to_owned()),
        }
    }

    /// Begins with one round trip, as soon as it is this call's turn.
    async fn begin(&self, mode: Mode, class: Class, tenant: Uuid, deadline: Instant) -> Result<Tx> {
        let pass = self.admit(class, tenant, deadline).await?;
        self.open_tx(Some(pass), begin(mode, class, tenant, deadline)).await
    }

    /// A place among those who may have a connection. Who waits in vain while the database is lost is told that.
    async fn admit(&self, class: Class, tenant: Uuid, deadline: Instant) -> Result<Pass> {
        self.admission.connection(class, tenant, deadline).await.map_err(|error| match error {
            Error::Exhausted(_) if self.losses.was_lately() => Error::Unavailable,
            error => error,
        })
    }

    /// Connections that died while they waited in the pool are passed over.
    async fn open_tx(&self, mut pass: Option<Pass>, statement: String) -> Result<Tx> {
        let mut tries = 0;
        loop {
            let connection = self.pool.acquire().await.map_err(|error| self.unreached(error))?;
            match Tx::begin(connection, &mut pass, statement.clone()).await {
                Ok(tx) => return Ok(tx),
                Err(error) => {
                    tries += 1;
                    if !is_dead(&error) || tries > self.pool.options().get_max_connections() {
                        return Err(error.into());
                    }
                }
            }
        }
    }

    /// Why there was no connection: who passed the admission waits for none, so making one took too long.
    fn unreached(&self, error: sqlx::Error) -> Error {
        if matches!(error, sqlx::Error::PoolTimedOut) && !self.losses.was_lately() {
            tracing::warn!("the database is there, but gives no connection");
            return Error::Exhausted("the database is busy; retry a little later");
        }
        error.into()
    }

    /// Whether the pool is so large that some of its connections may be kept by writers.
    fn may_keep(&self) -> bool {
        self.pool.options().get_max_connections() >= kept::ENOUGH
    }

    /// A read-only transaction of the caller. Reading several tables in it sees one moment only per statement.
    pub async fn read(&self, caller: &Caller) -> Result<Tx> {
        self.begin(Mode::Read, Class::of(&caller.method), caller.tenant.id, caller.deadline).await
    }

    /// A read-only transaction of the caller in which every statement sees the same moment, for what must be read more
    /// than once.
    pub async fn read_snapshot(&self, caller: &Caller) -> Result<Tx> {
        self.begin(Mode::Snapshot, Class::of(&caller.method), caller.tenant.id, caller.deadline).await
    }

    /// A bare transaction of a tenant, for the submit path whose attempt row is audit and event in one.
    pub async fn submit(&self, tenant: Uuid, deadline: Instant) -> Result<Tx> {
        self.begin(Mode::Write, Class::Submission, tenant, deadline).await
    }

    /// A bare transaction of the service itself, for what is no change of the tenant's.
    pub async fn background(&self, tenant: Uuid, deadline: Instant) -> Result<Tx> {
        self.begin(Mode::Write, Class::Background, tenant, deadline).await
    }

    /// Does pure work for the caller that takes its time, on a thread of its own.
    pub async fn aside<T: Send + 'static>(
        &self,
        caller: &Caller,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        self.admission.aside(caller.tenant.id, caller.deadline, work).await
    }

    /// A unit of work for the caller, or the first answer where this request was answered before. `body` is the
    /// [`digest`] of the whole request: the same id with another body is refused.
    pub async fn write<T: Message + Default>(
        &self,
        caller: &Caller,
        request_id: &str,
        body: [u8; 32],
    ) -> Result<Begun<T>> {
        caller.check_role()?;
        let class = Class::of(&caller.method);
        let mut tx = self.begin(Mode::Write, class, caller.tenant.id, caller.deadline).await?;
        let unit = |tx, request_id| Unit {
            tx,
            tenant: caller.tenant.id,
            actor: format!("apiKeys/{}", caller.key),
            method: caller.method.clone(),
            request_id,
            changes: Vec::new(),
        };
        if request_id.is_empty() {
            return Ok(Begun::New(unit(tx, None)));
        }
        // A second caller with this id waits here until the first has committed or given up.
        let claimed = run(
            "request_claim",
            sqlx::query!(
                "insert into request (tenant_id, method, request_id, body_hash) values ($1, $2, $3, $4)
                 on conflict do nothing",
                caller.tenant.id,
                caller.method,
                request_id,
                body.as_slice(),
            )
            .execute(&mut *tx),
        )
        .await?;
        if claimed.rows_affected() == 1 {
            return Ok(Begun::New(unit(tx, Some(request_id.to_owned()))));
        }
        let first = run(
            "request_answer",
            sqlx::query!(
                "select body_hash, response from request where tenant_id = $1 and method = $2 and request_id = $3",
                caller.tenant.id,
                caller.method,
                request_id,
            )
            .fetch_optional(&mut *tx),
        )
        .await?
        .ok_or(Error::Collision)?;
        if first.body_hash != body.as_slice() {
            return Err(Error::refused(
                "REQUEST_ID_REUSED",
                request_id,
                "this request_id was used before with another request; nothing was written",
            ));
        }
        match first.response.map(|bytes| T::decode(bytes.as_slice())) {
            Some(Ok(answer)) => Ok(Begun::Done(answer)),
            _ => Err(Error::Internal("a request row without a readable answer".into())),
        }
    }

    /// A unit of work of the service itself, in the name of no caller: what it changes is on record all the same.
    /// `what` stands in the audit log where a caller's method would.
    pub async fn own_work(&self, tenant: Uuid, what: &str, deadline: Instant) -> Result<Unit> {
        self.in_name_of(tenant, "assessd", what, deadline).await
    }

    /// A unit of work that goes on with what `actor` asked for by `method`, after the call is over.
    pub async fn in_name_of(
        &self,
        tenant: Uuid,
        actor: &str,
        method: &str,
        deadline: Instant,
    ) -> Result<Unit> {
        let tx = self.background(tenant, deadline).await?;
        let (actor, method) = (actor.to_owned(), method.to_owned());
        Ok(Unit { tx, tenant, actor, method, request_id: None, changes: Vec::new() })
    }

    /// A read-only transaction that sees what waits for the service to do it by itself, of all tenants, and nothing else of
    /// theirs.
    pub async fn sweep(&self, deadline: Instant) -> Result<Tx> {
        self.begin(Mode::Sweep, Class::Background, Uuid::nil(), deadline).await
    }

    /// Creates a tenant with an administrator's key; returns the tenant and the key's text, which is shown once.
    pub async fn create_tenant(&self, display_name: &str) -> Result<(Uuid, String)> {
        let tenant = Uuid::now_v7();
        let (credential, text) = Credential::generate(tenant)?;
        let secret = auth::page_secret()?;
        let secret_hash = credential.secret_hash();
        let deadline = Instant::now() + Duration::from_secs(30);
        let mut tx = self.begin(Mode::Write, Class::Normal, tenant, deadline).await?;
        sqlx::query!(
            "insert into tenant (tenant_id, display_name, page_secret) values ($1, $2, $3)",
            tenant,
            display_name,
            secret,
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query!(
            "insert into api_key (tenant_id, api_key_id, display_name, secret_hash, roles)
             values ($1, $2, 'first administrator', $3, '{admin}')",
            tenant,
            credential.key,
            secret_hash.as_slice(),
        )
        .execute(&mut *tx)
        .await?;
        record(
            &mut tx,
            tenant,
            "assessd",
            "tenant",
            vec![Change {
                kind: "tenant.created",
                resource: format!("tenants/{tenant}"),
                data: serde_json::json!({ "display_name": display_name }),
            }],
        )
        .await?;
        tx.commit().await?;
        Ok((tenant, text))
    }
}

impl Unit {
    /// Does a request once: `work` in a unit of work that is committed with its answer; nothing but the first answer where
    /// the request was answered before. What fails leaves nothing behind.
    pub async fn once<T: Message + Default>(
        db: &Db,
        caller: &Caller,
        request_id: &str,
        request: &impl Message,
        work: impl AsyncFnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        match db.write(caller, request_id, digest(request)).await? {
            Begun::New(mut unit) => {
                let answer = work(&mut unit).await?;
                unit.commit(answer).await
            }
            Begun::Done(first) => Ok(first),
        }
    }

    /// Who asked for it, such as `apiKeys/{id}`.
    pub fn actor(&self) -> &str {
        &self.actor
    }

    /// The connection, with the tenant set.
    pub fn conn(&mut self) -> &mut PgConnection {
        &mut self.tx
    }

    /// Notes a change: on commit it becomes an audit row and an event of `kind`, such as `question.published`.
    pub fn changed(&mut self, kind: &'static str, resource: impl ToString, data: serde_json::Value) {
        self.changes.push(Change { kind, resource: resource.to_string(), data });
    }

    /// Stores audit rows, events and the answer, and commits. Without this nothing has happened.
    pub async fn commit<T: Message>(mut self, answer: T) -> Result<T> {
        let tenant = self.tenant;
        let changes = std::mem::take(&mut self.changes);
        record(&mut self.tx, tenant, &self.actor, &self.method, changes).await?;
        if let Some(request_id) = &self.request_id {
            run(
                "request_answered",
                sqlx::query!(
                    "update request set response = $4 where tenant_id = $1 and method = $2 and request_id = $3",
                    tenant,
                    self.method,
                    request_id,
                    answer.encode_to_vec(),
                )
                .execute(&mut *self.tx),
            )
            .await?;
        }
        self.tx.commit().await?;
        Ok(answer)
    }

    /// Gives up: nothing has happened.
    pub async fn rollback(self) -> Result<()> {
        Ok(self.tx.rollback().await?)
    }
}

/// Whether a connection had died before it was used.
fn is_dead(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(_) | sqlx::Error::Protocol(_))
        || matches!(error, sqlx::Error::Database(db)
            if db.code().is_some_and(|c| c.starts_with("57P") || c == "25P03"))
}

/// How a transaction begins. Both values are made here, a UUID and a number, so nothing of a caller's enters the text.
///
/// A plan is made for each statement as the tables are then: one that a connection keeps may be of a time when a table was
/// empty, and read all of it, or of an index, for every row that it looks up (3 s for a group of submissions at 100,000
/// attempts). Planning takes about a tenth of a millisecond; who cannot spare that keeps plans of its own (`kept.rs`). Who
/// writes looks up single rows, and always by an index, also where the planner believes that the table is empty.
fn begin(mode: Mode, class: Class, tenant: Uuid, deadline: Instant) -> String {
    let left = deadline.saturating_duration_since(Instant::now()).as_millis().max(1);
    let (how, then) = match mode {
        Mode::Read => ("read only", ""),
        Mode::Snapshot => ("isolation level repeatable read read only", ""),
        Mode::Sweep => ("read only", "; set local assessd.sweep = 'on'; set local enable_seqscan = off"),
        Mode::Write => ("", "; set local enable_seqscan = off"),
    };
    // One processor for each at most: that is how they are counted.
    let alone = if class.is_heavy() { "; set local max_parallel_workers_per_gather = 0" } else { "" };
    format!(
        "begin {how}; set local assessd.tenant = '{tenant}'; set local statement_timeout = {left}; \
         set local plan_cache_mode = force_custom_plan{then}{alone}"
    )
}

/// The banks in which the changes may have moved what is published. Only drafts are known not to: whatever else happens
/// to a bank or a question counts, so that a new kind of change cannot be forgotten.
fn banks_published_in(changes: &[Change]) -> Vec<String> {
    const DRAFTS: [&str; 3] = ["bank.created", "question.created", "question.updated"];
    let bank = |change: &Change| {
        let rest = change.resource.strip_prefix("banks/").filter(|_| !DRAFTS.contains(&change.kind))?;
        Some(rest.split('/').next().unwrap_or(rest).to_owned())
    };
    let banks: std::collections::BTreeSet<String> = changes.iter().filter_map(bank).collect();
    banks.into_iter().collect()
}

/// Appends the audit row and the event of each change, in one statement, and counts the changes of what is published
/// in each bank.
async fn record(
    conn: &mut PgConnection,
    tenant: Uuid,
    actor: &str,
    method: &str,
    changes: Vec<Change>,
) -> Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = changes.iter().map(|_| Uuid::now_v7()).collect();
    let kinds: Vec<&str> = changes.iter().map(|c| c.kind).collect();
    let banks = banks_published_in(&changes);
    let (resources, data): (Vec<String>, Vec<serde_json::Value>) =
        changes.into_iter().map(|c| (c.resource, c.data)).unzip();
    run(
        "record_changes",
        sqlx::query!(
            "with change as (
                select * from unnest($4::uuid[], $5::text[], $6::text[], $7::jsonb[]) as c (id, kind, resource, data)
             ), counted as (
                update bank set pool_revision = pool_revision + 1
                where tenant_id = $1 and bank_id = any($8) and cardinality($8::text[]) > 0
             ), noted as (
                insert into audit (tenant_id, audit_id, actor, method, resource, outcome, detail)
                select $1, id, $2, $3, resource, kind, data from change
             )
             insert into event (tenant_id, event_id, kind, resource, data)
             select $1, id, kind, resource, data from change",
            tenant,
            actor,
            method,
            &ids,
            &kinds as &[&str],
            &resources,
            &data,
            &banks,
        )
        .execute(conn),
    )
    .await?;
    Ok(())
}

/// What tells one request from another.
pub fn digest(request: &impl Message) -> [u8; 32] {
    Sha256::digest(request.encode_to_vec()).into()
}

/// How many rows a statement gave or touched.
pub trait Rows {
    /// The number.
    fn rows(&self) -> u64;
}

impl<T> Rows for Vec<T> {
    fn rows(&self) -> u64 {
        self.len() as u64
    }
}

impl<T> Rows for Option<T> {
    fn rows(&self) -> u64 {
        u64::from(self.is_some())
    }
}

impl Rows for PgQueryResult {
    fn rows(&self) -> u64 {
        self.rows_affected()
    }
}

/// Runs one statement in a span of its own, named for what it does, with the rows it gave.
pub async fn run<T: Rows>(
    name: &'static str,
    statement: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    let span = tracing::info_span!(
        "sql",
        otel.name = name,
        otel.kind = "client",
        db.system.name = "postgresql",
        db.operation.name = name,
        db.response.returned_rows = field::Empty,
        otel.status_code = field::Empty,
    );
    async {
        let result = statement.await;
        let span = tracing::Span::current();
        match &result {
            Ok(value) => span.record("db.response.returned_rows", value.rows()),
            Err(_) => span.record("otel.status_code", "ERROR"),
        };
        result
    }
    .instrument(span)
    .await
}
