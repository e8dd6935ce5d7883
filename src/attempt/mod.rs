//! Attempts: a candidate's sitting and its one row. [`sitting`] decides what may happen to it, [`response`] and
//! [`packed`] say what an answer is and how it is stored, [`plans`] keeps compiled forms, [`writer`] commits
//! submissions in groups, [`wire`] shows papers and reads answers, [`sql`] has every statement, [`rpc`] the service.

pub mod packed;
pub mod plans;
pub mod response;
pub mod rpc;
pub mod sitting;
pub mod sql;
pub mod wire;
pub mod writer;
