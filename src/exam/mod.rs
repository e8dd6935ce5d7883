//! Exams: the administration of forms. `sql` has every statement, `wire` the protocol, `rpc` the service.

pub mod rpc;
pub mod sql;
pub mod wire;
