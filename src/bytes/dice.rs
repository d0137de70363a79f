//! Numbers that are the same in every run, for tests that try many cases.

/// Xorshift with 64 bits of state.
pub struct Dice(u64);

impl Dice {
    /// `seed` must not be 0: nothing else would come.
    pub fn new(seed: u64) -> Self {
        Dice(seed)
    }

    /// A number below `below`; 0 below 0.
    pub fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.checked_rem(below).unwrap_or(0)
    }
}
