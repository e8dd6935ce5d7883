//! The published questions of banks, kept: reading a hundred thousand of them takes half a second, asking whether they
//! have changed one row. Bounded by memory; what was dropped is read again.
//!
//! A bank counts the changes of what is published in it (`bank.pool_revision`, moved in the transaction of the change).
//! The count is read before the questions are, so what is kept may be newer than its count, never older: at worst it is
//! read once more. So every process draws from what is there, whichever of them changed it.

use std::sync::Arc;

use quick_cache::{Weighter, sync::Cache};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{pool::Pool, sql};
use crate::{
    error::{Error, Result},
    ids::BankName,
};

/// The most memory that kept pools may take, in bytes, roughly.
const BYTES: u64 = 256 * 1024 * 1024;

type Key = (Uuid, BankName);

/// A pool and the bank's count of changes before it was read.
#[derive(Clone, Debug)]
struct Kept {
    revision: i64,
    pool: Arc<Pool>,
}

#[derive(Clone, Debug)]
struct ByBytes;

impl Weighter<Key, Kept> for ByBytes {
    fn weight(&self, _: &Key, kept: &Kept) -> u64 {
        kept.pool.weight() as u64
    }
}

/// See the module; cheap to clone.
#[derive(Clone, Debug)]
pub struct Pools(Arc<Cache<Key, Kept, ByBytes>>);

impl Default for Pools {
    fn default() -> Self {
        Self::bounded(BYTES)
    }
}

impl Pools {
    /// None is kept yet; all that will be take that many bytes at most, roughly.
    pub fn bounded(bytes: u64) -> Self {
        Self(Arc::new(Cache::with_weighter(100, bytes, ByBytes)))
    }

    /// The published questions of a bank, as the caller's transaction sees them; NOT_FOUND where there is no such bank.
    pub async fn of(&self, conn: &mut PgConnection, tenant: Uuid, bank: &BankName) -> Result<Arc<Pool>> {
        let revision = sql::pool_revision(conn, tenant, &bank.bank).await?;
        let revision = revision.ok_or_else(|| Error::NotFound(bank.to_string()))?;
        let key = (tenant, bank.clone());
        if let Some(kept) = self.0.get(&key).filter(|kept| kept.revision == revision) {
            return Ok(kept.pool);
        }
        let candidates = sql::candidates(conn, tenant, &bank.bank).await?;
        let built = tokio::task::spawn_blocking(move || Pool::new(candidates)).await;
        let pool = Arc::new(built.map_err(|e| Error::Internal(format!("a pool broke off: {e}").into()))?);
        self.0.insert(key, Kept { revision, pool: Arc::clone(&pool) });
        Ok(pool)
    }

    /// How many pools are kept.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// None is kept.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
