//! Every statement about API keys, but the one that proves a caller (see `db.rs`).

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use crate::{
    db::run,
    error::Result,
    page::{Listing, Order, Page},
    place::Place,
};

/// A key as stored, without its hash.
#[derive(Debug, FromRow)]
#[expect(missing_docs, reason = "columns are described in the migration")]
pub struct KeyRow {
    pub api_key_id: Uuid,
    pub display_name: String,
    pub roles: Vec<String>,
    pub create_time: DateTime<Utc>,
    pub expire_time: Option<DateTime<Utc>>,
    pub revoke_time: Option<DateTime<Utc>>,
}

/// Stores a key.
pub async fn insert(
    conn: &mut PgConnection,
    tenant: Uuid,
    id: Uuid,
    display_name: &str,
    roles: &[String],
    secret_hash: &[u8],
    expire_time: Option<DateTime<Utc>>,
) -> Result<Option<KeyRow>, sqlx::Error> {
    run(
        "api_key_insert",
        sqlx::query_as!(
            KeyRow,
            "insert into api_key (tenant_id, api_key_id, display_name, roles, secret_hash, expire_time)
             values ($1, $2, $3, $4, $5, $6)
             returning api_key_id, display_name, roles, create_time, expire_time, revoke_time",
            tenant,
            id,
            display_name,
            roles,
            secret_hash,
            expire_time,
        )
        .fetch_optional(conn),
    )
    .await
}

/// Ends a key; one that has ended keeps its first end. `now` is the database's own.
pub async fn revoke(conn: &mut PgConnection, tenant: Uuid, id: Uuid) -> Result<Option<KeyRow>, sqlx::Error> {
    run(
        "api_key_revoke",
        sqlx::query_as!(
            KeyRow,
            "update api_key set revoke_time = coalesce(revoke_time, now())
             where tenant_id = $1 and api_key_id = $2
             returning api_key_id, display_name, roles, create_time, expire_time, revoke_time",
            tenant,
            id,
        )
        .fetch_optional(conn),
    )
    .await
}

/// Ends every key of a tenant that has not ended; returns which. `now` is the database's own.
pub async fn revoke_all(conn: &mut PgConnection, tenant: Uuid) -> Result<Vec<Uuid>, sqlx::Error> {
    run(
        "api_key_revoke_all",
        sqlx::query_scalar!(
            "update api_key set revoke_time = now() where tenant_id = $1 and revoke_time is null returning api_key_id",
            tenant,
        )
        .fetch_all(conn),
    )
    .await
}

/// What ListApiKeys offers.
pub static KEYS: Listing = Listing {
    method: "ListApiKeys",
    fields: &[],
    orders: &[Order { name: "create_time", sql: "k.create_time" }],
    tie: &["k.api_key_id"],
    newest_first: false,
};

/// A page of keys.
pub async fn list(conn: &mut PgConnection, tenant: Uuid, page: &Page) -> Result<Vec<KeyRow>> {
    let mut query = QueryBuilder::<Postgres>::new(
        "select api_key_id, display_name, roles, create_time, expire_time, revoke_time from api_key k where k.tenant_id = ",
    );
    query.push_bind(tenant);
    page.rows("api_key_list", conn, tenant, &Place::Anywhere, query).await
}
