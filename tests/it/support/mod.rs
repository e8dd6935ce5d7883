//! What the tests share: the cluster, worlds, builders, the proxy that counts, child processes, the protocol as data.

pub mod build;
pub mod cluster;
pub mod gold;
pub mod lists;
pub mod long;
pub mod populate;
pub mod process;
pub mod protocol;
pub mod proxy;
pub mod raw;
pub mod refusal;
pub mod sit;
pub mod world;

pub use build::{Bare, options};
pub use refusal::{Refused, bad_fields, reason, refused};
pub use world::{As, World};
