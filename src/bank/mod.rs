//! Question banks: what a question says ([`content`]), how it looks on the wire ([`wire`], `draft`, `show`), when two are
//! the same ([`fingerprint`]), how a paper becomes drafts ([`import`]), every statement about them ([`sql`]) and the
//! service ([`rpc`], `publish`).

pub mod content;
mod draft;
pub mod fingerprint;
pub mod import;
mod publish;
pub mod rpc;
mod show;
pub mod sql;
pub mod wire;
