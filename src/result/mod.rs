//! Results: what scoring made of attempts.

pub mod show;
