//! Assembly: what an exam must contain (`blueprint`, or `declared` by a paper), which published questions fit (`pool`), whether that is enough
//! (`shortage`, by `flow`), and which of them a form gets (`draw`, by `dice`): pure, same bank, blueprint and seed, same
//! forms. `compose` makes forms of what was drawn; `sql` has every statement, `wire` the protocol, `rpc` the service.

pub mod blueprint;
pub mod compose;
pub mod declared;
mod dice;
pub mod draw;
mod flow;
pub mod form;
pub mod pool;
pub mod pools;
pub mod rpc;
#[cfg(test)]
mod samples;
pub mod shortage;
pub mod sql;
pub mod wire;
