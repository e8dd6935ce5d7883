//! Attempts.

pub mod packed;
pub mod plans;
pub mod response;
