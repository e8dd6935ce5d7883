//! The generated protocol, and the few conversions between its well-known types and ours.

#![allow(
    missing_docs,
    clippy::all,
    reason = "generated; the comments of the .proto files are the documentation"
)]

use chrono::{DateTime, TimeZone, Utc};

/// Our own package, below the name that generated code knows it by.
pub mod assessment {
    /// Version 1, all of which stands in [`pb`](crate::pb) as well.
    pub mod v1 {
        tonic::include_proto!("assessment.v1");
    }
}

/// The standard interfaces that we serve.
pub mod google {
    /// Work that outlives the call that asked for it.
    pub mod longrunning {
        tonic::include_proto!("google.longrunning");
    }
}

pub use assessment::v1::*;
pub use google::longrunning::{self, Operation};

/// The descriptors of `proto/`, for reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/assessment.v1.bin"));

/// A message of our package in an envelope that says which one it is. `name` is its name in the package.
pub fn any(name: &str, message: &impl prost::Message) -> prost_types::Any {
    let type_url = format!("type.googleapis.com/assessment.v1.{name}");
    prost_types::Any { type_url, value: message.encode_to_vec() }
}

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
