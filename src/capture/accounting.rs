//! What became of the frames: nothing that was seen may be missing from the sum.

use serde::Serialize;

/// What was counted on one interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Its name.
    pub interface: String,
    /// Frames that the kernel counted behind the filter.
    pub seen: u64,
    /// Of these, frames that the kernel dropped because the ring was full.
    pub dropped: u64,
    /// Of these, frames that waited for the output in vain: the queue was full.
    pub overrun: u64,
    /// Frames that the interface lost before anybody saw them, whether the filter would have taken them or not.
    pub missed: u64,
}

/// The counts of a live capture.
///
/// **Invariant:** seen = shown + unwanted + dropped + overrun + left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Accounting {
    /// Frames that the kernel counted behind the filter.
    pub seen: u64,
    /// Frames that were handed on: printed, written.
    pub shown: u64,
    /// Frames that did not meet the condition (`--where`).
    pub unwanted: u64,
    /// Frames that the kernel dropped because the ring was full.
    pub dropped: u64,
    /// Frames that waited for the output in vain: the queue was full.
    pub overrun: u64,
    /// Frames that the interface lost before anybody saw them; they are not among those seen.
    pub missed: u64,
    /// Frames that were seen but not asked for any more: they came after the last of `-c`.
    pub left: u64,
}

impl Accounting {
    /// The sum of what was counted on each interface, of which `shown` frames were handed on.
    pub fn new(counted: &[Counted], shown: u64) -> Self {
        let sum = |count: fn(&Counted) -> u64| counted.iter().map(count).sum::<u64>();
        let (seen, dropped, overrun) = (sum(|c| c.seen), sum(|c| c.dropped), sum(|c| c.overrun));
        let left = seen.saturating_sub(shown).saturating_sub(dropped).saturating_sub(overrun);
        Accounting { seen, shown, unwanted: 0, dropped, overrun, missed: sum(|c| c.missed), left }
    }

    /// The same when of the frames that were not handed on `count` did not meet the condition.
    #[must_use]
    pub fn without(self, count: u64) -> Self {
        Accounting { unwanted: count, left: self.left.saturating_sub(count), ..self }
    }

    /// Frames that should have been handed on and were not.
    pub fn lost(&self) -> u64 {
        self.dropped.saturating_add(self.overrun).saturating_add(self.missed)
    }
}
