//! Exams: the administration of forms. `policy` decides, `sql` has every statement, `wire` the protocol, `rpc` the
//! service with `accommodation`, what one candidate gets beyond the rule.

pub mod accommodation;
pub mod policy;
pub mod rpc;
pub mod sql;
pub mod wire;
