//! Question banks: what a question says ([`content`]; [`numeric`], [`matching`], [`ordering`]), how it looks on the wire
//! ([`wire`]), when two are the same ([`fingerprint`]), how a paper becomes drafts ([`import`]), every statement about them ([`sql`]) and the service
//! ([`rpc`]).

pub mod content;
pub mod fingerprint;
pub mod import;
pub mod matching;
pub mod numeric;
pub mod ordering;
pub mod rpc;
pub mod sql;
pub mod wire;
mod wire_keys;
