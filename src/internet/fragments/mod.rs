//! Fragments put together to datagrams again: IPv4 by RFC 791 section 3.2 and RFC 815, IPv6 by RFC 8200 section 4.5 and
//! RFC 5722.
//!
//! **Invariant:** no more than [`MOST_DATAGRAMS`] datagrams and [`MOST_BYTES`] bytes, what it takes to keep them included,
//! wait for fragments, whatever comes: the oldest makes room, and that is counted.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod datagram;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::net::IpAddr;

use datagram::Datagram;

/// Datagrams that wait for fragments.
pub const MOST_DATAGRAMS: usize = 1024;
/// Bytes that they take.
pub const MOST_BYTES: usize = 4 << 20;
/// Bytes of the longest datagram, of IPv6 without its header.
pub const LONGEST: u32 = 65_535;

/// Nanoseconds that a datagram waits for its fragments: as long as Linux does, and as RFC 8200 says.
const PATIENCE_V4: i64 = 30_000_000_000;
const PATIENCE_V6: i64 = 60_000_000_000;

/// What the fragments of one datagram have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Source address.
    pub source: IpAddr,
    /// Destination address; under source routing that of the next stop.
    pub destination: IpAddr,
    /// The number that the sender gave the datagram; 16 bits in IPv4.
    pub identification: u32,
    /// Protocol number in IPv4; 0 in IPv6, where only the first fragment tells.
    pub protocol: u8,
    /// Where it was seen: the same fragments may be seen in several places.
    pub place: u64,
}

/// A fragment.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'a> {
    /// Of which datagram.
    pub key: Key,
    /// What follows the headers that every fragment has; of IPv6 it is the first fragment's that counts.
    pub protocol: u8,
    /// Bytes of the headers that count in the datagram's length: all of IPv4, the extension headers of IPv6.
    pub before: u32,
    /// Where its bytes belong, a multiple of 8.
    pub offset: u32,
    /// It is not the last.
    pub more: bool,
    /// Its bytes.
    pub bytes: &'a [u8],
}

impl Piece<'_> {
    fn end(&self) -> u32 {
        self.offset.saturating_add(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX))
    }

    /// What is wrong with it whatever came before.
    fn refusal(&self) -> Option<Refusal> {
        match self.bytes.len() {
            0 => Some(Refusal::Empty),
            length if self.more && !length.is_multiple_of(8) => Some(Refusal::Uneven),
            _ if self.end().saturating_add(self.before) > LONGEST => Some(Refusal::TooLong),
            _ => None,
        }
    }
}

/// Why a fragment is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It holds no byte.
    Empty,
    /// It is not the last, and does not end at a multiple of 8.
    Uneven,
    /// With it the datagram would be longer than a datagram can be.
    TooLong,
    /// It reaches behind the end that the last fragment gave.
    BehindTheEnd,
    /// Another last fragment gave another end, or bytes behind it are here.
    OtherEnd,
    /// IPv6: it overlaps another, which ends the datagram.
    Overlap,
    /// IPv6: fragments of this datagram overlapped before.
    GivenUp,
    /// The capture did not keep all of it.
    Cut,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refusal::Empty => "it holds no byte",
            Refusal::Uneven => "it is not the last and its length is no multiple of 8",
            Refusal::TooLong => "the datagram would be longer than 65,535 bytes",
            Refusal::BehindTheEnd => "it reaches behind the end that the last fragment gave",
            Refusal::OtherEnd => "as the last fragment it contradicts those before it",
            Refusal::Overlap => "it overlaps another, so the datagram is given up (RFC 5722)",
            Refusal::GivenUp => "fragments of this datagram overlapped before (RFC 5722)",
            Refusal::Cut => "the capture did not keep all of it",
        })
    }
}

/// What became of a datagram with a fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Others are still missing: so many bytes are here, of so many where the last fragment was seen.
    Waiting {
        /// Bytes that are here.
        held: u32,
        /// Bytes of the whole.
        of: Option<u32>,
    },
    /// It is whole.
    Whole,
    /// The fragment was here before, in this frame.
    Repeated(u64),
    /// The fragment is not used.
    Refused(Refusal),
}

/// What became of a fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The datagram's state.
    pub state: State,
    /// IPv4: fragments overlapped, and the bytes that came first were kept.
    pub overlap: bool,
    /// Source and destination port, where the first fragment is here and has them.
    pub ports: Option<(u16, u16)>,
    /// Of a whole datagram: what it carries.
    pub protocol: u8,
    /// Of a whole datagram: the frames of its fragments, as they came.
    pub frames: Vec<u64>,
}

impl From<Refusal> for Taken {
    fn from(refusal: Refusal) -> Self {
        let state = State::Refused(refusal);
        Taken { state, overlap: false, ports: None, protocol: 0, frames: Vec::new() }
    }
}

/// Datagrams that are no longer waited for, and those that are whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Counts {
    /// Put together.
    pub whole: u64,
    /// Waited for too long.
    pub timed_out: u64,
    /// Made room for others.
    pub made_room: u64,
    /// Given up because fragments overlapped.
    pub overlapped: u64,
    /// Fragments that were not used, of whichever datagram.
    pub refused: u64,
}

/// Datagrams of which fragments are here.
#[derive(Debug, Default)]
pub struct Assembler {
    datagrams: HashMap<Key, Datagram>,
    /// Which were begun first.
    order: BTreeMap<u64, Key>,
    begun: u64,
    bytes: usize,
    counts: Counts,
}

impl Assembler {
    /// Takes in a fragment that came in frame `number` at `time` (nanoseconds). What a whole datagram carries is added to
    /// `whole`.
    pub fn take(&mut self, piece: &Piece<'_>, number: u64, time: Option<i64>, whole: &mut Vec<u8>) -> Taken {
        let taken = self.add(piece, number, time, whole);
        if let State::Refused(_) = taken.state {
            self.counts.refused = self.counts.refused.saturating_add(1);
        }
        taken
    }

    /// Uses no fragment of which this is known before it is looked at.
    pub fn refuse(&mut self, refusal: Refusal) -> Taken {
        self.counts.refused = self.counts.refused.saturating_add(1);
        refusal.into()
    }

    fn add(&mut self, piece: &Piece<'_>, number: u64, time: Option<i64>, whole: &mut Vec<u8>) -> Taken {
        self.expire(&piece.key, time);
        if let Some(refusal) = piece.refusal() {
            return refusal.into();
        }
        self.make_room(&piece.key, piece.bytes.len());
        let (begun, order) = (&mut self.begun, &mut self.order);
        let datagram = self.datagrams.entry(piece.key).or_insert_with(|| {
            *begun = begun.wrapping_add(1);
            order.insert(*begun, piece.key);
            Datagram::begun(*begun, time)
        });
        let (before, was_given_up) = (datagram.weight(), datagram.is_given_up());
        let taken = datagram.take(piece, number);
        self.bytes = self.bytes.saturating_add(datagram.weight()).saturating_sub(before);
        if datagram.is_given_up() && !was_given_up {
            self.counts.overlapped = self.counts.overlapped.saturating_add(1);
        }
        if taken.state == State::Whole {
            datagram.write(whole);
            self.counts.whole = self.counts.whole.saturating_add(1);
            self.remove(&piece.key);
        }
        taken
    }

    /// What became of datagrams so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Datagrams that wait for fragments.
    pub fn waiting(&self) -> u64 {
        self.datagrams.values().filter(|datagram| !datagram.is_given_up()).count() as u64
    }

    /// Bytes that they take.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Gives up the oldest that have waited for too long, and that of `key`.
    fn expire(&mut self, key: &Key, time: Option<i64>) {
        let Some(now) = time else { return };
        while let Some(oldest) = self.order.first_key_value().map(|(_, key)| *key).filter(|key| self.is_over(key, now))
        {
            self.time_out(&oldest);
        }
        if self.is_over(key, now) {
            self.time_out(key);
        }
    }

    fn is_over(&self, key: &Key, now: i64) -> bool {
        let patience = if key.source.is_ipv4() { PATIENCE_V4 } else { PATIENCE_V6 };
        let begun_at = self.datagrams.get(key).and_then(Datagram::begun_at);
        begun_at.is_some_and(|begun| now.saturating_sub(begun) > patience)
    }

    fn time_out(&mut self, key: &Key) {
        if self.remove(key) {
            self.counts.timed_out = self.counts.timed_out.saturating_add(1);
        }
    }

    /// Makes room for so many more bytes of the datagram `key`.
    fn make_room(&mut self, key: &Key, bytes: usize) {
        let need = datagram::weight_of(bytes);
        while self.bytes.saturating_add(need) > MOST_BYTES
            || (self.datagrams.len() >= MOST_DATAGRAMS && !self.datagrams.contains_key(key))
        {
            let Some(oldest) = self.order.values().find(|oldest| *oldest != key).copied() else { return };
            if self.remove(&oldest) {
                self.counts.made_room = self.counts.made_room.saturating_add(1);
            }
        }
    }

    /// Forgets a datagram, and tells whether it was still waited for.
    fn remove(&mut self, key: &Key) -> bool {
        let Some(datagram) = self.datagrams.remove(key) else { return false };
        self.order.remove(&datagram.serial());
        self.bytes = self.bytes.saturating_sub(datagram.weight());
        !datagram.is_given_up()
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "the numbers are small")]
mod tests;
