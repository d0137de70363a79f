//! When a capture has enough.

use std::time::{Duration, Instant};

use crate::bytes::amounts;

/// What ends a capture.
#[derive(Clone, Copy, Debug, clap::Args)]
#[command(next_help_heading = "Stop")]
pub(super) struct Limits {
    /// Stop after N frames
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Stop after frames of so many bytes together, such as 10MB
    #[arg(long, value_name = "SIZE", value_parser = amounts::size)]
    size: Option<u64>,
    /// Stop after this time, such as 30s, 5min or 1h
    #[arg(long, value_name = "TIME", value_parser = amounts::some_time, conflicts_with = "read")]
    duration: Option<Duration>,
}

impl Limits {
    /// Whether so many frames with so many bytes are all that was asked for.
    pub fn reached(&self, frames: u64, bytes: u64) -> bool {
        self.count.is_some_and(|count| frames >= count) || self.size.is_some_and(|size| bytes >= size)
    }

    /// When a capture that starts now ends.
    pub fn deadline(&self) -> Option<Instant> {
        self.duration.and_then(|duration| Instant::now().checked_add(duration))
    }
}
