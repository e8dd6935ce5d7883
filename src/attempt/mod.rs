//! Attempts: a candidate's sitting and its one row. [`sitting`] decides what may happen to it, [`response`], [`packed`]
//! and [`log`] say what is stored and how, [`plans`] keeps compiled forms, [`ending`] scores what ends, [`expiry`] ends
//! what is overdue, [`submission`] scores what comes from elsewhere ([`service`], [`plain`] and [`reply`] take it off the
//! wire and back), [`queue`] and [`writer`] commit it in groups,
//! [`wire`] shows papers and reads answers, [`sql`] and [`submission_sql`] have every statement, [`rpc`] the service with
//! [`record`] (logs, voiding), [`reopen`], [`list`] and [`released`] (what a candidate may see).

pub mod ending;
pub mod expiry;
pub mod list;
pub mod log;
pub mod packed;
pub mod plain;
pub mod plans;
pub mod queue;
pub mod record;
pub mod released;
pub mod reopen;
pub mod reopen_sql;
pub mod reply;
pub mod response;
pub mod rpc;
pub mod service;
pub mod sitting;
pub mod sql;
pub mod submission;
pub mod submission_sql;
pub mod wire;
pub mod writer;
