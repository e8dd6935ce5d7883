//! Administration: the API keys of a tenant ([`sql`], [`rpc`]).

pub mod rpc;
pub mod sql;
