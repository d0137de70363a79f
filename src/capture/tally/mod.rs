//! What a capture comes to: who sent how much, which protocols, how much in each stretch of time.
//!
//! **Invariant:** memory is bounded, whatever is captured and for however long.

pub mod endpoints;
pub mod intervals;
pub mod protocols;

pub use endpoints::Endpoints;
pub use intervals::Intervals;
pub use protocols::Protocols;

/// Frames and their bytes on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, serde::Serialize)]
pub struct Volume {
    /// Frames.
    pub frames: u64,
    /// Bytes.
    pub bytes: u64,
}

impl Volume {
    /// One more frame of `bytes` bytes.
    pub fn add(&mut self, bytes: u32) {
        self.frames = self.frames.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes.into());
    }
}
