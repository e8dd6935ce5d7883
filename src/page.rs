//! Lists: filter, order and keyset pages, one mechanism for all of them. A list runs one statement whose cost does not
//! grow with the page's distance from the start.
//!
//! A page token carries the sort key of the last row, bound to the call by a digest of everything that must not change
//! between pages, and sealed with the tenant's own secret: a token that was made up, altered, or carried to another
//! tenant, method, parent, filter or order is refused.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder, postgres::PgRow};
use uuid::Uuid;

use crate::{
    auth::Caller,
    db::run,
    door::Fields,
    error::Result,
    filter::{Field, Filter},
    place::Place,
    veil,
};

/// Rows a page where the caller does not say.
pub const DEFAULT_SIZE: i32 = 50;
/// The most rows a page; more are clamped to it.
pub const MAX_SIZE: i32 = 1000;

/// One value of a sort key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Key {
    /// A text.
    Text(String),
    /// A UUID.
    Uuid(Uuid),
    /// A whole number.
    Integer(i64),
    /// A binary float.
    Float(f64),
    /// An exact decimal.
    Decimal(Decimal),
    /// A moment.
    Time(DateTime<Utc>),
}

/// One order that callers may ask for.
#[derive(Debug)]
pub struct Order {
    /// The name that callers write.
    pub name: &'static str,
    /// The SQL expression; never null.
    pub sql: &'static str,
}

/// What a list offers.
#[derive(Debug)]
pub struct Listing {
    /// Names the call in the token.
    pub method: &'static str,
    /// The fields to filter by.
    pub fields: &'static [Field],
    /// The orders; the first is the default.
    pub orders: &'static [Order],
    /// The columns that make the order total, appended to every order.
    pub tie: &'static [&'static str],
    /// The default order runs downward.
    pub newest_first: bool,
}

/// What a caller asked for, checked.
#[derive(Debug)]
pub struct Page {
    listing: &'static Listing,
    size: i32,
    order: usize,
    descending: bool,
    filter: Filter,
    after: Option<Vec<Key>>,
    digest: [u8; 16],
    show_deleted: bool,
}

#[derive(Serialize, Deserialize)]
struct Token {
    digest: [u8; 16],
    after: Vec<Key>,
}

/// The paging fields of a list request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ask<'a> {
    /// The parent, and whatever else must stay the same between pages.
    pub scope: &'a str,
    /// Rows wanted; 0 means the default.
    pub size: i32,
    /// The token of the page before, or empty.
    pub token: &'a str,
    /// The filter, or empty.
    pub filter: &'a str,
    /// The order, or empty.
    pub order_by: &'a str,
}

impl Page {
    /// Parses the paging fields, noting each bad one.
    pub fn parse(listing: &'static Listing, caller: &Caller, ask: Ask<'_>, fields: &mut Fields) -> Self {
        if ask.size < 0 {
            fields.bad("page_size", "must not be negative");
        }
        let size = if ask.size == 0 { DEFAULT_SIZE } else { ask.size.clamp(1, MAX_SIZE) };
        let filter = fields.take("filter", Filter::parse(ask.filter, listing.fields));
        let (order, descending) = fields.take("order_by", parse_order(listing, ask.order_by));

        let mut hash = Sha256::new();
        for part in [listing.method, ask.scope, ask.filter, ask.order_by] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let mut digest = [0; 16];
        digest.copy_from_slice(&hash.finalize()[..16]);

        let after = match ask.token {
            "" => None,
            token => match open(token, caller) {
                None => {
                    fields.bad("page_token", "is not a token that this list gave out");
                    None
                }
                Some(token) if token.digest != digest => {
                    fields.bad("page_token", "belongs to a list with another parent, filter or order");
                    None
                }
                Some(token) => (token.after.len() == listing.tie.len() + 1).then_some(token.after),
            },
        };
        Self { listing, size, order, descending, filter, after, digest, show_deleted: false }
    }

    /// The same page with deleted rows in it, where they are wanted. The scope of the page must say so too, as [`scope`]
    /// does.
    #[must_use]
    pub fn with_deleted(self, show_deleted: bool) -> Self {
        Self { show_deleted, ..self }
    }

    /// Appends what leaves out the deleted rows of the table `x`, unless they are asked for, and the archived ones, unless
    /// the filter says which it wants. `x` is a constant of the source.
    pub fn push_present(&self, query: &mut QueryBuilder<Postgres>, x: &'static str) {
        if !self.show_deleted {
            query.push(" and ").push(x).push(".delete_time is null");
        }
        if !self.filter.mentions("archived") && !self.filter.mentions("archive_time") {
            query.push(" and ").push(x).push(".archive_time is null");
        }
    }

    /// Appends the conditions, each beginning with ` and `, to a statement that ends in a where clause.
    pub fn push_conditions(&self, query: &mut QueryBuilder<Postgres>) {
        self.filter.push(query);
        let Some(after) = &self.after else { return };
        query.push(" and (");
        for (i, column) in self.columns().enumerate() {
            query.push(if i > 0 { ", " } else { "" }).push(column);
        }
        query.push(if self.descending { ") < (" } else { ") > (" });
        for (i, key) in after.iter().enumerate() {
            query.push(if i > 0 { ", " } else { "" });
            match key.clone() {
                Key::Text(v) => query.push_bind(v),
                Key::Uuid(v) => query.push_bind(v),
                Key::Integer(v) => query.push_bind(v),
                Key::Float(v) => query.push_bind(v),
                Key::Decimal(v) => query.push_bind(v),
                Key::Time(v) => query.push_bind(v),
            };
        }
        query.push(")");
    }

    /// The rows of a page, from a statement that ends in a where clause and has no conditions of the page yet.
    pub async fn rows<T>(
        &self,
        name: &'static str,
        conn: &mut PgConnection,
        tenant: Uuid,
        place: &Place,
        mut query: QueryBuilder<Postgres>,
    ) -> Result<Vec<T>>
    where
        T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        place.push(&mut query, tenant);
        self.push_conditions(&mut query);
        self.push_order(&mut query);
        self.fetch(name, conn, tenant, place, query).await
    }

    /// The rows of a page, from a whole statement that finds nothing below a parent that is not there.
    pub async fn fetch<T>(
        &self,
        name: &'static str,
        conn: &mut PgConnection,
        tenant: Uuid,
        place: &Place,
        mut query: QueryBuilder<Postgres>,
    ) -> Result<Vec<T>>
    where
        T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        // A statement of a shape that hardly comes again must not push those that do out of the connection's store.
        let statement = query.build_query_as().persistent(self.filter.is_common());
        let rows = run(name, statement.fetch_all(&mut *conn)).await?;
        place.check(conn, tenant, rows.is_empty()).await?;
        Ok(rows)
    }

    /// Appends order and limit: one row more than the page holds tells whether there is another page.
    pub fn push_order(&self, query: &mut QueryBuilder<Postgres>) {
        self.push_order_by(&self.columns().collect::<Vec<_>>(), query);
    }

    /// The sort key of the last row of the page before.
    pub fn after(&self) -> Option<&[Key]> {
        self.after.as_deref()
    }

    /// Whether the order runs downward.
    pub fn descending(&self) -> bool {
        self.descending
    }

    /// Appends the order by other columns that in this statement come to the same, and the limit.
    pub fn push_order_by(&self, columns: &[&'static str], query: &mut QueryBuilder<Postgres>) {
        query.push(" order by ");
        for (i, column) in columns.iter().enumerate() {
            query.push(if i > 0 { ", " } else { "" }).push(column);
            query.push(if self.descending { " desc" } else { "" });
        }
        query.push(" limit ").push_bind(i64::from(self.size) + 1);
    }

    /// The name of the order that was asked for.
    pub fn order(&self) -> &'static str {
        self.listing.orders[self.order].name
    }

    /// The rows of the page and the token of the next one. `key` gives a row's sort key: the value of the order's
    /// column, then those of the tie columns.
    pub fn finish<T>(
        &self,
        caller: &Caller,
        mut rows: Vec<T>,
        key: impl Fn(&T) -> Vec<Key>,
    ) -> (Vec<T>, String) {
        if rows.len() <= self.size as usize {
            return (rows, String::new());
        }
        rows.truncate(self.size as usize);
        let token = rows.last().map(|row| seal(&Token { digest: self.digest, after: key(row) }, caller));
        (rows, token.unwrap_or_default())
    }

    fn columns(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.listing.orders[self.order].sql).chain(self.listing.tie.iter().copied())
    }
}

/// The scope of a list under that parent whose deleted rows may be wanted.
pub fn scope(parent: &str, show_deleted: bool) -> String {
    if show_deleted { format!("{parent} with deleted") } else { parent.to_owned() }
}

fn parse_order(listing: &Listing, order_by: &str) -> Result<(usize, bool), String> {
    let mut words = order_by.split_whitespace();
    let Some(name) = words.next() else { return Ok((0, listing.newest_first)) };
    let descending = match (words.next(), words.next()) {
        (None, _) => false,
        (Some("asc"), None) => false,
        (Some("desc"), None) => true,
        _ => return Err("takes one field, with \" desc\" or not".to_owned()),
    };
    let order = listing.orders.iter().position(|o| o.name == name).ok_or_else(|| {
        let known: Vec<&str> = listing.orders.iter().map(|o| o.name).collect();
        format!("{name:?} is no order; there are {}", known.join(", "))
    })?;
    Ok((order, descending))
}

/// What tokens are sealed for: signed, so that none can be made up, and not to be read, for a sort key may hold what the
/// rows do not show.
fn seal(token: &Token, caller: &Caller) -> String {
    let payload = serde_json::to_vec(token).unwrap_or_default();
    URL_SAFE_NO_PAD.encode(veil::seal(&caller.tenant.page_secret, &purpose(caller), &payload))
}

fn open(token: &str, caller: &Caller) -> Option<Token> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let payload = veil::open(&caller.tenant.page_secret, &purpose(caller), &bytes)?;
    serde_json::from_slice(&payload).ok()
}

fn purpose(caller: &Caller) -> [&[u8]; 2] {
    [b"page", caller.tenant.id.as_bytes()]
}
