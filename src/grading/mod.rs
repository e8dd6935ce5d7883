//! Grading: marks that people give, and marks that change. Whoever changes a mark keeps the ones before it.

pub mod regrade;
pub mod regrade_sql;
pub mod rpc;
pub mod run;
pub mod sql;
pub mod task;
pub mod wire;
