//! A transaction that cancellation cannot leave open.
//!
//! A call may be given up at any moment: its client goes, its time is over, and the future that ran it is dropped at
//! whatever it waited for. So the transaction counts as open from before its `begin` is sent until its end was
//! answered, and whatever is dropped in between is undone by a task of its own before anybody else gets the connection.
//! (The transactions of sqlx are open from the answer to their `begin` only: dropped before, they go back to the pool
//! with the tenant and the mode of the one who had gone.)
//!
//! A statement that is still running then is not waited for: its connection is closed, and the server, which looks
//! whether its client is there ([`SESSION`]), ends it.

use std::{
    ops::{Deref, DerefMut},
    time::Duration,
};

use sqlx::{AssertSqlSafe, Executor, PgConnection, Postgres, pool::PoolConnection};

use crate::admission::Pass;

/// What holds for every connection from its start.
///
/// Nobody leaves a transaction open while doing nothing for a minute, unless it hangs; and who waits for a lock for so
/// long is told to come back, rather than keep a connection from others until its deadline.
pub(super) const SESSION: &str = "set idle_in_transaction_session_timeout = '60s'; set lock_timeout = '5s'";
/// Every so often a server that is busy looks whether its client is still there. Some systems cannot.
pub(super) const WATCH: &str = "set client_connection_check_interval = '250ms'";
const WATCH_EVERY: Duration = Duration::from_millis(250);

/// The time in which a transaction that was given up is undone where nothing runs in it any more, and as long again for
/// closing its connection.
const GRACE: Duration = Duration::from_millis(150);
/// A rollback meets the errors of what was sent before it, which nobody has read: of the begin, and of one statement.
const TRIES: usize = 4;

/// A transaction of one caller. Dropped without [`commit`](Self::commit) it is undone.
#[derive(Debug)]
pub struct Tx {
    /// Taken only where the transaction itself is.
    connection: Option<PoolConnection<Postgres>>,
    /// It may be that there is something to undo.
    open: bool,
    /// Kept until the connection is ready for the next one.
    pass: Option<Pass>,
}

impl Tx {
    /// Begins with one round trip. Where this fails the connection is not used again, and the pass is given back.
    pub(super) async fn begin(
        connection: PoolConnection<Postgres>,
        pass: &mut Option<Pass>,
        statement: String,
    ) -> Result<Self, sqlx::Error> {
        let mut tx = Self { connection: Some(connection), open: true, pass: pass.take() };
        if let Err(error) = tx.execute(AssertSqlSafe(statement)).await {
            tx.open = false;
            *pass = tx.pass.take();
            if let Some(connection) = &mut tx.connection {
                connection.close_on_drop();
            }
            return Err(error);
        }
        Ok(tx)
    }

    /// Commits. Where this fails nobody knows whether it did.
    pub async fn commit(mut self) -> Result<(), sqlx::Error> {
        self.end("commit").await
    }

    /// Undoes it.
    pub async fn rollback(mut self) -> Result<(), sqlx::Error> {
        self.end("rollback").await
    }

    async fn end(&mut self, how: &'static str) -> Result<(), sqlx::Error> {
        self.execute(how).await?;
        self.open = false;
        Ok(())
    }

    /// Commits or undoes it, and gives the connection for the next one.
    pub(super) async fn end_and_keep(
        mut self,
        how: &'static str,
    ) -> Result<Option<PoolConnection<Postgres>>, sqlx::Error> {
        self.end(how).await?;
        Ok(self.connection.take())
    }
}

impl Deref for Tx {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        match &self.connection {
            Some(connection) => connection,
            None => unreachable!("the connection is taken only together with its transaction"),
        }
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut PgConnection {
        match &mut self.connection {
            Some(connection) => connection,
            None => unreachable!("the connection is taken only together with its transaction"),
        }
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        if !self.open {
            return;
        }
        let Some(connection) = self.connection.take() else { return };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(undo(connection, self.pass.take()))),
            // Nothing runs any more: the connection is closed where it is.
            Err(_) => drop(connection.leak()),
        }
    }
}

/// Undoes what was given up, or closes the connection where that takes too long.
async fn undo(mut connection: PoolConnection<Postgres>, pass: Option<Pass>) {
    let undone = async {
        for _ in 0..TRIES {
            // This first reads the answers to whatever was sent before; one that is an error ends a try.
            if connection.execute("rollback").await.is_ok() {
                return true;
            }
        }
        false
    };
    if !tokio::time::timeout(GRACE, undone).await.unwrap_or(false) {
        tracing::debug!("a connection is closed: what ran in it was given up");
        let _ = tokio::time::timeout(GRACE, connection.close()).await;
        // Its statement counts until it is over.
        tokio::time::sleep(WATCH_EVERY).await;
    }
    drop(pass);
}
