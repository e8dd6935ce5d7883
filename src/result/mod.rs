//! Results: what scoring made of attempts.

pub mod items;
pub mod rpc;
pub mod show;
pub mod sql;
pub mod summary;
#[cfg(test)]
mod tests;
