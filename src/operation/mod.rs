//! Work that outlives the call that asked for it: one mechanism for all kinds, told by `google.longrunning.Operations`.
//!
//! A kind of work says how its next step is done ([`carry::Work`]); everything else is here: who carries it, that another
//! process goes on with it when that one is gone, how it is stopped, and what is told of it.

use serde_json::json;
use uuid::Uuid;

use crate::{db::Unit, error::Result};

pub mod carry;
pub mod noun;
pub mod rpc;
pub mod sql;

/// Stops an operation that the caller of this has locked and that is running: it is done from now on.
pub async fn cancel(unit: &mut Unit, tenant: Uuid, row: &sql::OperationRow) -> Result<()> {
    let kind = noun::Kind::stored(&row.kind)?;
    sql::end(unit.conn(), tenant, row.operation_id, &noun::End::cancelled()).await?;
    unit.changed(kind.cancelled(), &row.target, json!({ "operation": row.name().to_string() }));
    Ok(())
}
