//! Assembly: what an exam must contain (`blueprint`), which published questions fit (`pool`), and which of them a
//! form gets (`draw`): pure, same bank, blueprint and seed, same forms. `compose` makes forms of what was drawn; `sql`
//! has every statement, `wire` the protocol, `rpc` the service.

pub mod blueprint;
pub mod compose;
pub mod draw;
pub mod form;
pub mod pool;
pub mod rpc;
pub mod sql;
pub mod wire;
