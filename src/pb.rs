//! The generated protocol, and the few conversions between its well-known types and ours.

#![allow(
    missing_docs,
    clippy::all,
    reason = "generated; the comments of the .proto files are the documentation"
)]

use chrono::{DateTime, TimeZone, Utc};

tonic::include_proto!("assessment.v1");

/// The descriptors of `proto/`, for reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/assessment.v1.bin"));

/// A moment as the protocol writes it.
pub fn timestamp(at: DateTime<Utc>) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: at.timestamp(), nanos: at.timestamp_subsec_nanos() as i32 }
}

/// A moment as a caller wrote it; `None` beyond years 1 to 9999 or with broken nanoseconds.
pub fn moment(at: &prost_types::Timestamp) -> Option<DateTime<Utc>> {
    let nanos = u32::try_from(at.nanos).ok().filter(|n| *n < 1_000_000_000)?;
    (-62_135_596_800..=253_402_300_799).contains(&at.seconds).then_some(())?;
    Utc.timestamp_opt(at.seconds, nanos).single()
}

/// Whole seconds as a duration of the protocol.
pub fn duration(seconds: i32) -> prost_types::Duration {
    prost_types::Duration { seconds: i64::from(seconds), nanos: 0 }
}
