//! Exams: the administration of forms. `policy` and `standard` decide, `sql` has every statement, `wire` the protocol, `rpc` the
//! service with `accommodation`, what one candidate gets beyond the rule.

pub mod accommodation;
pub mod policy;
pub mod rpc;
pub mod sql;
pub mod standard;
pub mod wire;
