//! The feed: what the server measures of itself, one sample an interval.

use serde::{Deserialize, Serialize};

/// How many of the newest events a page shows and keeps, and the feed's snapshot carries.
pub const FEED_ROWS: usize = 50;

/// The sampling intervals that people may choose from, in milliseconds.
pub const SAMPLING_INTERVALS_MS: [u32; 4] = [250, 500, 1_000, 2_000];

/// One measurement. `time` and `value` come first and are named as in the article's route, so that its client reads it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FeedSampled {
    /// When this sample was due, in milliseconds since 1970 (UTC).
    pub time: u64,
    /// CPU time the server used since the last sample, in percent of one core, to two decimals.
    pub value: f32,
    /// Resident memory of the server, in bytes.
    pub memory: u64,
    /// Streams open now.
    pub connections: u32,
    /// Events handed to connections, per second, since the last sample.
    pub events_per_second: u32,
    /// The sampling interval now, in milliseconds.
    pub interval_ms: u32,
}
