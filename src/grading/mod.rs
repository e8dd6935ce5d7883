//! Grading: marks that people give, and marks that change. Whoever changes a mark keeps the ones before it.

pub mod anonymity;
pub mod mark;
pub mod name;
pub mod progress;
pub mod queue;
pub mod regrade;
pub mod regrade_sql;
pub mod revision_sql;
pub mod rpc;
pub mod run;
pub mod settle;
pub mod sheet;
pub mod sql;
pub mod steps;
pub mod task;
pub mod wire;
