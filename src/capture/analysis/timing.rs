//! Round trips: from a segment to the acknowledgement of its last number, in fixed memory.
//!
//! A number that was sent again is not timed: nobody knows which of the two was acknowledged (Karn's algorithm, RFC 6298
//! section 3).

use crate::capture::frame::Nanoseconds;
use crate::capture::pair::{Pair, seed};

/// Rows of places for segments whose acknowledgement is waited for. In a full row the one that has waited for longest,
/// which most likely was acknowledged together with a later one, makes room.
const ROWS: usize = 1 << 14;
/// Places of a row.
const PLACES: usize = 4;

#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// Connection, direction and number; 0 is nobody's.
    tag: u64,
    sent: Nanoseconds,
}

/// When segments were sent.
#[derive(Debug)]
pub(super) struct Timing {
    rows: Vec<[Place; PLACES]>,
    seed: u64,
}

impl Default for Timing {
    fn default() -> Self {
        Timing { rows: Vec::new(), seed: seed() }
    }
}

impl Timing {
    fn row(&mut self, pair: &Pair, from: usize, number: u32) -> (u64, &mut [Place; PLACES]) {
        if self.rows.is_empty() {
            self.rows = vec![[Place::default(); PLACES]; ROWS];
        }
        let connection = pair.hash_with(self.seed.wrapping_add(from as u64));
        let mixed = (connection ^ u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let tag = (mixed ^ mixed >> 32).max(1);
        (tag, &mut self.rows[tag as usize % ROWS])
    }

    /// End `from` sent a segment whose last number is the one before `number`.
    pub fn sent(&mut self, pair: &Pair, from: usize, number: u32, time: Nanoseconds) {
        let (tag, row) = self.row(pair, from, number);
        let oldest = row.iter_mut().min_by_key(|place| (place.tag != tag, place.tag != 0, place.sent));
        if let Some(place) = oldest {
            *place = Place { tag, sent: time };
        }
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
        let (tag, row) = self.row(pair, from, number);
        row.iter_mut().find(|place| place.tag == tag).map(|place| std::mem::take(place).sent)
    }
}
