//! Round trips: from a segment to the acknowledgement of its last number, in fixed memory.
//!
//! A number that was sent again is not timed: nobody knows which of the two was acknowledged (Karn's algorithm, RFC 6298
//! section 3).

use crate::capture::frame::Nanoseconds;
use crate::capture::pair::{Pair, seed};

/// Segments whose acknowledgement is waited for. Two that meet in one place lose one measurement.
const PLACES: usize = 1 << 16;

#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// Connection, direction and number; 0 is nobody's.
    tag: u64,
    sent: Nanoseconds,
}

/// When segments were sent.
#[derive(Debug)]
pub(super) struct Timing {
    places: Vec<Place>,
    seed: u64,
}

impl Default for Timing {
    fn default() -> Self {
        Timing { places: Vec::new(), seed: seed() }
    }
}

impl Timing {
    fn place(&mut self, pair: &Pair, from: usize, number: u32) -> (u64, &mut Place) {
        if self.places.is_empty() {
            self.places = vec![Place::default(); PLACES];
        }
        let connection = pair.hash_with(self.seed.wrapping_add(from as u64));
        let mixed = (connection ^ u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let tag = (mixed ^ mixed >> 32).max(1);
        (tag, &mut self.places[tag as usize % PLACES])
    }

    /// End `from` sent a segment whose last number is the one before `number`.
    pub fn sent(&mut self, pair: &Pair, from: usize, number: u32, time: Nanoseconds) {
        let (tag, place) = self.place(pair, from, number);
        *place = Place { tag, sent: time };
    }

    /// It was sent again, so it is not timed any more.
    pub fn sent_again(&mut self, pair: &Pair, from: usize, number: u32) {
        self.take(pair, from, number);
    }

    /// The other end acknowledges everything before `number`: nanoseconds since the segment that ends there.
    pub fn acknowledged(&mut self, pair: &Pair, from: usize, number: u32, time: Nanoseconds) -> Option<u64> {
        let sent = self.take(pair, from, number)?;
        u64::try_from(time.saturating_sub(sent)).ok()
    }

    fn take(&mut self, pair: &Pair, from: usize, number: u32) -> Option<Nanoseconds> {
        let (tag, place) = self.place(pair, from, number);
        (place.tag == tag).then(|| std::mem::take(place).sent)
    }
}
