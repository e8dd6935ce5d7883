//! Administration: the API keys of a tenant ([`sql`], [`rpc`]), and what operators do with tenants ([`tenants`]).

pub mod rpc;
pub mod sql;
pub mod tenants;
