//! Attempts.

pub mod packed;
pub mod response;
