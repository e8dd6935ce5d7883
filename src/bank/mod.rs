//! Question banks: what a question says ([`content`]; [`numeric`], [`matching`], [`ordering`]), how it looks on the wire
//! ([`wire`], `draft`, `show`), when two are the same ([`fingerprint`]), how a paper becomes drafts
//! ([`import`]), every statement about them ([`sql`]) and the service ([`rpc`], `publish`).

pub mod content;
mod draft;
pub mod fingerprint;
pub mod import;
pub mod matching;
pub mod numeric;
pub mod ordering;
mod publish;
pub mod rpc;
mod show;
pub mod sql;
pub mod unfinished;
pub mod wire;
