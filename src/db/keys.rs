//! Who may come in: API keys as the database knows them, and what is on record of those that were refused.

use std::{sync::Arc, time::Duration};

use quick_cache::sync::Cache;
use tokio::time::Instant;
use uuid::Uuid;

use super::{Db, run};
use crate::{
    auth::{Caller, Credential, Key, Role, Tenant},
    error::{Error, Result},
};

/// How long a checked API key is trusted without looking again: a revoked key ends after this at the latest.
const KEY_TRUST: Duration = Duration::from_secs(10);
/// Keys that are kept.
const KEPT: usize = 10_000;

/// What is known of API keys without asking.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    kept: Arc<Cache<Uuid, (Arc<Key>, Instant)>>,
}

impl Default for Keys {
    fn default() -> Self {
        Self { kept: Arc::new(Cache::new(KEPT)) }
    }
}

impl Db {
    /// The API key of a credential, checked. Keys are looked up once in [`KEY_TRUST`].
    pub async fn key(&self, credential: &Credential, deadline: Instant) -> Result<Arc<Key>> {
        let void = || Error::Unauthenticated("the API key is unknown, expired or revoked");
        let now = chrono::Utc::now();
        let key = match self.keys.kept.get(&credential.key) {
            Some((key, until)) if until > Instant::now() => key,
            _ => {
                let key = Arc::new(Box::pin(self.load_key(credential, deadline)).await?.ok_or_else(void)?);
                self.keys.kept.insert(credential.key, (Arc::clone(&key), Instant::now() + KEY_TRUST));
                key
            }
        };
        let alive = key.expire_time.is_none_or(|t| t > now) && key.tenant.id == credential.tenant;
        if alive && credential.matches(&key.secret_hash) { Ok(key) } else { Err(void()) }
    }

    async fn load_key(&self, credential: &Credential, deadline: Instant) -> Result<Option<Key>> {
        let mut tx = self.begin("read only", credential.tenant, deadline).await?;
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
            }),
            roles: row.roles.iter().filter_map(|r| Role::parse(r)).collect(),
            secret_hash: row.secret_hash,
            expire_time: row.expire_time,
        }))
    }

    /// Notes in the audit log that the caller asked for what its roles do not allow. The refusal stands whether or not
    /// the note could be written, so a failure is only logged.
    pub async fn note_refusal(&self, caller: &Caller) {
        let noted = async {
            let mut tx = self.begin("", caller.tenant.id, caller.deadline).await?;
            run(
                "note_refusal",
                sqlx::query!(
                    "insert into audit (tenant_id, audit_id, actor, method, resource, outcome)
                     values ($1, $2, $3, $4, '', 'refused')",
                    caller.tenant.id,
                    Uuid::now_v7(),
                    format!("apiKeys/{}", caller.key),
                    caller.method,
                )
                .execute(&mut *tx),
            )
            .await?;
            tx.commit().await?;
            Ok::<(), Error>(())
        };
        if let Err(error) = noted.await {
            tracing::error!(?error, "a refusal could not be noted in the audit log");
        }
    }

    /// Forgets a key that was revoked here.
    pub fn forget_key(&self, key: Uuid) {
        self.keys.kept.remove(&key);
    }
}
