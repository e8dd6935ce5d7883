//! Attempts: a candidate's sitting and its one row. [`sitting`] decides what may happen to it, [`response`], [`packed`]
//! and [`log`] say what is stored and how, [`plans`] keeps compiled forms, [`ending`] scores what ends, [`expiry`] ends
//! what is overdue, [`writer`] commits submissions in groups, [`wire`] shows papers and reads answers, [`sql`] has every
//! statement, [`rpc`] the service with [`record`] (logs, voiding) and [`released`] (what a candidate may see).

pub mod ending;
pub mod expiry;
pub mod log;
pub mod packed;
pub mod plans;
pub mod record;
pub mod released;
pub mod response;
pub mod rpc;
pub mod sitting;
pub mod sql;
pub mod wire;
pub mod writer;
