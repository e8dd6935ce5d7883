//! A connection that one task keeps for many transactions, one after the other: its statements are ready there, and its
//! server process is warm. The pool hands out its connections in turn, so that each would cool down in between.

use sqlx::{AssertSqlSafe, Executor, PgConnection, Postgres, pool::PoolConnection};
use tokio::time::Instant;
use uuid::Uuid;

use super::{Db, begin, is_dead};
use crate::error::Result;

/// Connections of a pool from which one may be kept: fewer are for all to share.
const ENOUGH: u32 = 8;

/// See the module. A transaction that is neither committed nor rolled back is undone by the next call.
#[derive(Debug)]
pub struct Kept {
    db: Db,
    connection: Option<PoolConnection<Postgres>>,
    open: bool,
    /// Transactions so far.
    uses: u32,
}

impl Kept {
    /// None is taken from the pool before it is needed.
    pub fn new(db: &Db) -> Self {
        Self { db: db.clone(), connection: None, open: false, uses: 0 }
    }

    /// Begins a transaction of a tenant with one round trip. Plans are for groups of any size, and made anew after 1, 2, 4,
    /// 8, … transactions and every 64th: what is best for a small table is not for a large one. Made each time they took a
    /// quarter of the database's time.
    pub async fn begin(&mut self, tenant: Uuid, deadline: Instant) -> Result<&mut PgConnection> {
        if self.open {
            self.rollback().await;
        }
        self.uses = self.uses.wrapping_add(1);
        let anew =
            if self.uses.is_power_of_two() || self.uses.is_multiple_of(64) { "discard plans; " } else { "" };
        let begin = begin("", tenant, deadline);
        let statement = format!("{anew}{begin}; set local plan_cache_mode = force_generic_plan");
        let mut tries = 0;
        loop {
            let mut connection = match self.connection.take() {
                Some(connection) => connection,
                None => self.db.pool.acquire().await?,
            };
            match connection.execute(AssertSqlSafe(statement.clone())).await {
                Ok(_) => {
                    self.open = true;
                    return Ok(self.connection.insert(connection));
                }
                Err(error) => {
                    connection.close_on_drop();
                    tries += 1;
                    if !is_dead(&error) || tries > self.db.pool.options().get_max_connections() {
                        return Err(error.into());
                    }
                }
            }
        }
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
        self.open = false;
        let Some(mut connection) = self.connection.take() else { return Ok(()) };
        match connection.execute(how).await {
            Ok(_) => {
                let may_keep = self.db.pool.options().get_max_connections() >= ENOUGH;
                self.connection = may_keep.then_some(connection);
                Ok(())
            }
            Err(error) => {
                connection.close_on_drop();
                Err(error.into())
            }
        }
    }

    /// Gives the connection back to the pool, while there is nothing to do for it.
    pub async fn release(&mut self) {
        if self.open {
            self.rollback().await;
        }
        self.connection = None;
    }
}
