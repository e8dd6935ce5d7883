//! A connection that one task keeps for many transactions, one after the other: its statements are ready there, and its
//! server process is warm. The pool hands out its connections in turn, so that each would cool down in between.

use sqlx::{PgConnection, Postgres, pool::PoolConnection};
use tokio::time::Instant;
use uuid::Uuid;

use super::{Db, Mode, begin, tx::Tx};
use crate::{admission::Class, error::Result};

/// Connections of a pool from which some may be kept: fewer are for all to share.
pub(super) const ENOUGH: u32 = 8;
/// How many may be kept in one process. They are never waited for, so they are no part of what is shared in turn.
pub const KEPT: u32 = 3;

/// See the module. A transaction that is neither committed nor rolled back is undone by the next call.
#[derive(Debug)]
pub struct Kept {
    db: Db,
    /// Between two transactions.
    idle: Option<PoolConnection<Postgres>>,
    open: Option<Tx>,
    /// Transactions so far.
    uses: u32,
}

impl Kept {
    /// None is taken from the pool before it is needed.
    pub fn new(db: &Db) -> Self {
        Self { db: db.clone(), idle: None, open: None, uses: 0 }
    }

    /// Begins a transaction of a tenant with one round trip. Plans are for groups of any size, and made anew after 1, 2, 4,
    /// 8, … transactions and every 64th: what is best for a small table is not for a large one. Made each time they took a
    /// quarter of the database's time.
    pub async fn begin(&mut self, tenant: Uuid, deadline: Instant) -> Result<&mut PgConnection> {
        self.rollback().await;
        self.db.admission.note(Class::Submission);
        self.uses = self.uses.wrapping_add(1);
        let anew =
            if self.uses.is_power_of_two() || self.uses.is_multiple_of(64) { "discard plans; " } else { "" };
        let begin = begin(Mode::Write, Class::Submission, tenant, deadline);
        let statement = format!("{anew}{begin}; set local plan_cache_mode = force_generic_plan");
        let tx = match self.idle.take() {
            Some(connection) => match Tx::begin(connection, &mut None, statement.clone()).await {
                Ok(tx) => tx,
                // It died while it was kept.
                Err(error) if super::is_dead(&error) => self.open_new(tenant, deadline, statement).await?,
                Err(error) => return Err(error.into()),
            },
            None => self.open_new(tenant, deadline, statement).await?,
        };
        Ok(self.open.insert(tx))
    }

    async fn open_new(&self, tenant: Uuid, deadline: Instant, statement: String) -> Result<Tx> {
        let pass = match self.db.may_keep() {
            true => None,
            false => Some(self.db.admit(Class::Submission, tenant, deadline).await?),
        };
        self.db.open_tx(pass, statement).await
    }

    /// Commits. Where this fails nobody knows whether it did.
    pub async fn commit(&mut self) -> Result<()> {
        self.end("commit").await
    }

    /// Undoes what was not committed.
    pub async fn rollback(&mut self) {
        if let Err(error) = self.end("rollback").await {
            tracing::debug!(?error, "a connection broke in the midst of a transaction");
        }
    }

    async fn end(&mut self, how: &'static str) -> Result<()> {
        let Some(tx) = self.open.take() else { return Ok(()) };
        let connection = tx.end_and_keep(how).await?;
        self.idle = connection.filter(|_| self.db.may_keep());
        Ok(())
    }

    /// Gives the connection back to the pool, while there is nothing to do for it.
    pub async fn release(&mut self) {
        self.rollback().await;
        self.idle = None;
    }
}
