//! Assembly: what an exam must contain (`blueprint`), which published questions fit (`pool`), and which of them a
//! form gets (`draw`): pure, same bank, blueprint and seed, same forms. `sql` has every statement, `rpc` the service.

pub mod blueprint;
pub mod draw;
pub mod form;
pub mod pool;
pub mod rpc;
pub mod sql;
