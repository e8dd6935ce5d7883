//! What operators do with tenants on the database itself, where no key of the tenant is needed: see which there are, and
//! let somebody in again or keep everybody out. Each change is on record in the tenant's audit log.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::FromRow;
use tokio::time::Instant;
use uuid::Uuid;

use crate::{
    auth::Credential,
    db::{Db, run},
    error::{Error, Result},
};

use super::sql;

/// How long one of these may take.
const TIME: Duration = Duration::from_secs(30);

/// A tenant, as operators see it.
#[derive(Clone, Debug, FromRow)]
pub struct TenantRow {
    /// Its id.
    pub tenant_id: Uuid,
    /// What people call it.
    pub display_name: String,
    /// When it was made.
    pub create_time: DateTime<Utc>,
}

/// Every tenant, oldest first.
pub async fn list(db: &Db) -> Result<Vec<TenantRow>> {
    let mut tx = db.sweep(Instant::now() + TIME).await?;
    let rows = run(
        "tenant_list",
        sqlx::query_as!(
            TenantRow,
            "select tenant_id, display_name, create_time from tenant order by create_time, tenant_id"
        )
        .fetch_all(&mut *tx),
    )
    .await?;
    tx.commit().await?;
    Ok(rows)
}

/// A new administrator's key for a tenant whose own are lost; returns its text, which is shown once.
pub async fn new_administrator(db: &Db, tenant: Uuid) -> Result<String> {
    known(db, tenant).await?;
    let mut unit = db.own_work(tenant, "tenant", Instant::now() + TIME).await?;
    let (credential, text) = Credential::generate(tenant)?;
    let roles = ["admin".to_owned()];
    sql::insert(
        unit.conn(),
        tenant,
        credential.key,
        "administrator",
        &roles,
        &credential.secret_hash(),
        None,
    )
    .await?;
    unit.changed("api_key.created", format!("apiKeys/{}", credential.key), json!({ "roles": roles }));
    unit.commit(()).await?;
    Ok(text)
}

/// Ends every key of a tenant; returns how many it were. Services that run follow within ten seconds.
pub async fn revoke_keys(db: &Db, tenant: Uuid) -> Result<usize> {
    known(db, tenant).await?;
    let mut unit = db.own_work(tenant, "tenant", Instant::now() + TIME).await?;
    let ended = sql::revoke_all(unit.conn(), tenant).await?;
    for key in &ended {
        unit.changed("api_key.revoked", format!("apiKeys/{key}"), json!({}));
    }
    unit.commit(()).await?;
    Ok(ended.len())
}

async fn known(db: &Db, tenant: Uuid) -> Result<()> {
    let there = list(db).await?.iter().any(|row| row.tenant_id == tenant);
    if there { Ok(()) } else { Err(Error::NotFound(format!("tenants/{tenant}"))) }
}
