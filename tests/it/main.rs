//! The integration tests: one binary, one throw-away PostgreSQL for the whole run, one database for each test, every
//! call through a real client over a real connection. Nothing of our own is mocked.

mod support;

mod abuse;
mod audit;
mod bank;
mod cli;
mod crash;
mod delivery;
mod edge;
mod exams;
mod explain;
mod filters;
mod grading;
mod idempotency;
mod import;
mod import_size;
mod kinds;
mod leaks;
mod lifecycle;
mod lists;
mod migrations;
mod operations;
mod overload;
mod papers;
mod race;
mod regrade;
mod results;
mod round_trips;
mod scoring;
mod sitting;
mod standards;
mod telemetry;
mod tenancy;
mod updates;
