//! What became of the frames: nothing that was seen may be missing from the sum.

use serde::Serialize;

/// The counts of a live capture.
///
/// **Invariant:** seen = shown + dropped + left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Accounting {
    /// Frames that the kernel counted behind the filter.
    pub seen: u64,
    /// Frames that were handed on: printed, written.
    pub shown: u64,
    /// Frames that the kernel dropped because the ring was full.
    pub dropped: u64,
    /// Frames that were seen but not asked for any more: they came after the last of `-c`.
    pub left: u64,
}

impl Accounting {
    /// The counts, given what the kernel saw and dropped and how many frames were handed on.
    pub fn new(seen: u64, dropped: u64, shown: u64) -> Self {
        Accounting { seen, shown, dropped, left: seen.saturating_sub(shown).saturating_sub(dropped) }
    }
}
