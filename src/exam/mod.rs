//! Exams: the administration of forms ([`sql`], [`rpc`]).

pub mod sql;
