//! `assessd`: question banks, exams from blueprints, scored submissions, results and item analysis over gRPC.
//!
//! # The map
//!
//! Folders are named after what an examiner would say. Each has the same voices: *nouns* (pure: what a thing is and
//! what may happen to it), `sql.rs` (every statement about it) and `rpc.rs` (one gRPC service, the use cases).
//!
//! | module | what |
//! | --- | --- |
//! | [`bank`] | banks, questions, versions, import |
//! | [`paper`] | the reader of real papers: text in, questions and findings out |
//! | [`assembly`] | blueprints, the pool, the seeded draw, forms |
//! | [`exam`] | the administration of forms |
//! | [`attempt`] | sittings, packed responses, the submission writer |
//! | [`scoring`] | the policies and the compiled plan of a form |
//! | [`result`] | results, lists, summaries |
//! | [`grading`] | marks that people give, regrades, the revisions of marks |
//! | [`operation`] | work that outlives its call: progress, stop, taking over |
//! | [`analysis`] | statistics over marks |
//! | [`admin`] | API keys |
//! | [`auth`] [`edge`] [`codec`] [`door`] [`error`] | who calls; the layer around every call; reading and parsing requests; what can go wrong |
//! | [`db`] [`page`] [`filter`] [`place`] [`mask`] [`lifecycle`] | transactions and the unit of work; lists and their parents; updates; deleting and archiving |
//! | [`admission`] | who may have a connection, and who waits |
//! | [`config`] [`telemetry`] [`server`] [`embedded`] | settings, logs and traces, the server, the embedded PostgreSQL |
//! | [`cli`] [`demo`] | the command line; the demonstration |
//!
//! # The data walk
//!
//! One call is one parse, one transaction, one decision, one reply: `rpc.rs` parses the request into typed values and
//! names every bad field; `sql.rs` loads what the decision needs; nouns decide, without a database, a clock or chance;
//! `sql.rs` stores; `rpc.rs` shows what was decided. Dependencies point one way:
//! `server → */rpc → */sql → nouns → ids, points`.

pub mod admin;
pub mod admission;
pub mod analysis;
pub mod assembly;
pub mod attempt;
pub mod auth;
pub mod bank;
pub mod cli;
pub mod codec;
pub mod config;
pub mod db;
pub mod demo;
pub mod door;
pub mod edge;
pub mod embedded;
pub mod error;
pub mod exam;
pub mod filter;
pub mod glyphs;
pub mod grading;
pub mod ids;
pub mod lifecycle;
pub mod mask;
pub mod operation;
pub mod page;
pub mod paper;
pub mod pb;
pub mod place;
pub mod points;
pub mod result;
pub mod scoring;
pub mod server;
pub mod table;
pub mod telemetry;
pub mod veil;

/// Submissions are hundreds of small strings each; this allocator takes and returns them in about half the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
