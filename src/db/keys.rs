//! Who may come in: API keys as the database knows them.
//!
//! A key is looked up once in [`KEY_TRUST`]. What is presented and is no key is remembered as well, for a while, so that
//! it costs no look each time; and only a few looks go on at once, so that they never take the pool.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak, atomic::AtomicUsize},
    time::Duration,
};

use quick_cache::sync::Cache;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};
use uuid::Uuid;

use super::{Db, Mode, run};
use crate::{
    admission::Class,
    auth::{Credential, Key, Role, Tenant},
    error::{Error, Result},
};

/// How long a checked API key is trusted without looking again: a revoked key ends after this at the latest.
const KEY_TRUST: Duration = Duration::from_secs(10);
/// How long what was no key is known to be none.
const VOID_TRUST: Duration = Duration::from_secs(30);
/// Keys that are kept, and as many that are none.
const KEPT: usize = 10_000;
/// Keys that are looked up at once; each needs a connection.
const LOOKS: usize = 4;
/// Calls that wait for their key at once: what they send meanwhile lies here unread.
const WAITING: usize = 2048;
/// The longest that a key waits to be looked up.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is known of API keys without asking; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    kept: Arc<Cache<Uuid, (Arc<Key>, Instant)>>,
    void: Arc<Cache<[u8; 32], Instant>>,
    looks: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// The looks that calls wait for, by what they look for.
    flights: Arc<Mutex<HashMap<[u8; 32], Weak<Flight>>>>,
    /// What each tenant has under way, as long as a key of it is in use.
    shares: Arc<Mutex<HashMap<Uuid, Weak<AtomicUsize>>>>,
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            kept: Arc::new(Cache::new(KEPT)),
            void: Arc::new(Cache::new(KEPT)),
            looks: Arc::new(Semaphore::new(LOOKS)),
            waiting: Arc::new(Semaphore::new(WAITING)),
            flights: Arc::default(),
            shares: Arc::default(),
        }
    }
}

/// One look for a credential, with all the calls that wait for it.
type Flight = tokio::sync::Mutex<()>;

/// A call's part in a look.
#[derive(Debug)]
pub struct Look {
    flight: Arc<Flight>,
    /// Nobody else looked for it when the call came.
    pub is_first: bool,
    _waits: OwnedSemaphorePermit,
}

/// What is known of a credential without asking.
#[derive(Debug)]
pub enum Proof {
    /// It is a valid key.
    Good(Arc<Key>),
    /// It was one a while ago.
    Stale,
    /// It is none.
    Bad,
    /// Nothing.
    Unknown,
}

impl Keys {
    /// The one counter of a tenant, whichever of its keys are in use.
    fn share(&self, tenant: Uuid) -> Arc<AtomicUsize> {
        let mut shares = lock(&self.shares);
        if let Some(share) = shares.get(&tenant).and_then(Weak::upgrade) {
            return share;
        }
        if shares.len() >= KEPT {
            shares.retain(|_, share| share.strong_count() > 0);
        }
        let share = Arc::default();
        shares.insert(tenant, Arc::downgrade(&share));
        share
    }
}

/// No code that can panic runs while it is held, so a poisoned lock holds a whole table.
fn lock<T>(table: &Mutex<T>) -> MutexGuard<'_, T> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Db {
    /// Joins the look for a credential, or begins one; none where too many calls wait already.
    pub fn join_look(&self, credential: &Credential) -> Option<Look> {
        let waits = Arc::clone(&self.keys.waiting).try_acquire_owned().ok()?;
        let mut flights = lock(&self.keys.flights);
        let digest = credential.digest();
        if let Some(flight) = flights.get(&digest).and_then(Weak::upgrade) {
            return Some(Look { flight, is_first: false, _waits: waits });
        }
        if flights.len() >= WAITING {
            flights.retain(|_, flight| flight.strong_count() > 0);
        }
        let flight = Arc::default();
        flights.insert(digest, Arc::downgrade(&flight));
        Some(Look { flight, is_first: true, _waits: waits })
    }

    /// What is known of a credential without a look into the database.
    pub fn kept_key(&self, credential: &Credential) -> Proof {
        if let Some((key, until)) = self.keys.kept.get(&credential.key) {
            if key.tenant.id != credential.tenant || !credential.matches(&key.secret_hash) {
                // A key's id stands for one tenant and one secret for ever.
                return Proof::Bad;
            }
            return match until > Instant::now() {
                true if key.is_alive() => Proof::Good(key),
                true => Proof::Bad,
                false => Proof::Stale,
            };
        }
        match self.keys.void.get(&credential.digest()) {
            Some(until) if until > Instant::now() => Proof::Bad,
            _ => Proof::Unknown,
        }
    }

    /// The key of a credential, from the database; none where it is unknown, revoked, expired, or another's.
    pub async fn look_up_key(
        &self,
        credential: &Credential,
        look: Look,
        deadline: Instant,
    ) -> Result<Option<Arc<Key>>> {
        let turn = async { (look.flight.lock().await, self.keys.looks.acquire().await) };
        // The semaphore is never closed, so only the time can be over.
        let Ok((_flight, Ok(_look))) = tokio::time::timeout(PATIENCE, turn).await else {
            return Err(Error::Exhausted("too many keys wait to be looked up; retry a little later"));
        };
        // Many calls may come with one key at one moment: the others wait for the first ones, and then it is known.
        match self.kept_key(credential) {
            Proof::Good(key) => return Ok(Some(key)),
            Proof::Bad => return Ok(None),
            Proof::Stale | Proof::Unknown => {}
        }
        let key = self.load_key(credential, deadline).await?;
        if let Some(key) = key {
            let key = Arc::new(key);
            self.keys.kept.insert(credential.key, (Arc::clone(&key), Instant::now() + KEY_TRUST));
            if key.is_alive() && credential.matches(&key.secret_hash) {
                return Ok(Some(key));
            }
        } else {
            self.keys.kept.remove(&credential.key);
        }
        self.keys.void.insert(credential.digest(), Instant::now() + VOID_TRUST);
        Ok(None)
    }

    async fn load_key(&self, credential: &Credential, deadline: Instant) -> Result<Option<Key>> {
        let mut tx = self.begin(Mode::Read, Class::Key, credential.tenant, deadline).await?;
        let row = run(
            "api_key",
            sqlx::query!(
                "select k.secret_hash, k.roles, k.expire_time, t.display_name, t.page_secret
                 from api_key k join tenant t using (tenant_id)
                 where k.tenant_id = $1 and k.api_key_id = $2 and k.revoke_time is null",
                credential.tenant,
                credential.key,
            )
            .fetch_optional(&mut *tx),
        )
        .await?;
        tx.commit().await?;
        Ok(row.map(|row| Key {
            id: credential.key,
            tenant: Arc::new(Tenant {
                id: credential.tenant,
                display_name: row.display_name,
                page_secret: row.page_secret,
                under_way: self.keys.share(credential.tenant),
            }),
            roles: row.roles.iter().filter_map(|r| Role::parse(r)).collect(),
            secret_hash: row.secret_hash,
            expire_time: row.expire_time,
        }))
    }

    /// Forgets a key that was revoked here.
    pub fn forget_key(&self, key: Uuid) {
        self.keys.kept.remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_has_one_share_while_it_is_in_use() {
        let keys = Keys::default();
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let share = keys.share(a);
        assert!(Arc::ptr_eq(&share, &keys.share(a)));
        assert!(!Arc::ptr_eq(&share, &keys.share(b)));
        for n in 0..2 * KEPT as u128 {
            keys.share(Uuid::from_u128(n + 10));
        }
        assert!(keys.shares.lock().unwrap().len() <= KEPT);
        assert!(Arc::ptr_eq(&share, &keys.share(a)), "what is in use stays");
    }
}
