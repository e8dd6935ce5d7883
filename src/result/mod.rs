//! Results: what scoring made of attempts.

pub mod explain;
mod explain_show;
pub mod explain_sql;
mod item_analysis;
pub mod items;
pub mod kind_words;
mod list;
pub mod list_sql;
pub mod policy_words;
pub mod rpc;
pub mod show;
pub mod sql;
pub mod story;
pub mod summary;
#[cfg(test)]
mod tests;
pub mod words;
