//! TCP sequence numbers counted from the start of their connection.
//!
//! **Invariant:** memory is fixed. When more connections are seen than there is room for, the one unheard of for longest
//! makes room; should it speak again its numbers start anew, as for a connection whose start was not captured.

use std::net::IpAddr;

use super::pair::{Pair, seed};
use crate::transport::Tcp;
use crate::transport::tcp::Flags;

/// Connections that are remembered, in sets of [`WAYS`].
const SETS: usize = 1 << 14;
const WAYS: usize = 4;

/// A sequence and acknowledgment number counted from the first number of each direction, which the SYN has: it is 0,
/// the first byte of data is 1. Where the SYN was not seen, the first number seen counts as 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relative {
    /// Sequence number.
    pub sequence: u32,
    /// Acknowledgment number; with the ACK flag.
    pub acknowledgment: Option<u32>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    key: Option<Pair>,
    /// When it was last used, in segments.
    used: u64,
    /// The first number of each direction.
    first: [Option<u32>; 2],
}

/// The connections seen so far.
#[derive(Debug)]
pub struct Flows {
    sets: Vec<[Slot; WAYS]>,
    /// A few bits of each key's hash; 0 for a free slot. They tell where to look, and are small enough to stay at hand.
    tags: Vec<[u32; WAYS]>,
    clock: u64,
    seed: u64,
}

impl Default for Flows {
    fn default() -> Self {
        Flows { sets: Vec::new(), tags: Vec::new(), clock: 0, seed: seed() }
    }
}

impl Flows {
    /// The numbers of a segment from `source` to `destination`, relative to those seen before.
    pub fn relative(&mut self, source: IpAddr, destination: IpAddr, tcp: &Tcp) -> Relative {
        let (pair, own) = Pair::of((source, tcp.source), (destination, tcp.destination));
        let slot = self.slot(pair);
        let (syn, ack) = (tcp.flags.contains(Flags::SYN), tcp.flags.contains(Flags::ACK));
        if syn && slot.first[own] != Some(tcp.sequence) {
            slot.first[own] = Some(tcp.sequence);
            if !ack {
                slot.first[1 - own] = None;
            }
        }
        let first = *slot.first[own].get_or_insert(tcp.sequence.wrapping_sub(1));
        let acknowledgment = ack.then(|| {
            let first = *slot.first[1 - own].get_or_insert(tcp.acknowledgment.wrapping_sub(1));
            tcp.acknowledgment.wrapping_sub(first)
        });
        Relative { sequence: tcp.sequence.wrapping_sub(first), acknowledgment }
    }

    /// The slot of `key`: its own, a free one, or that of the connection unheard of for longest in the set.
    fn slot(&mut self, key: Pair) -> &mut Slot {
        if self.sets.is_empty() {
            self.sets = vec![[Slot::default(); WAYS]; SETS];
            self.tags = vec![[0; WAYS]; SETS];
        }
        self.clock += 1;
        let hash = key.hash_with(self.seed);
        let (set, tag) = (&mut self.sets[hash as usize % SETS], (hash >> 32) as u32 | 1);
        let tags = &mut self.tags[hash as usize % SETS];
        let known = (0..WAYS).find(|way| tags[*way] == tag && set[*way].key == Some(key));
        let at = known.unwrap_or_else(|| {
            let oldest = (0..WAYS).min_by_key(|way| set[*way].used).unwrap_or(0);
            set[oldest] = Slot { key: Some(key), ..Slot::default() };
            tags[oldest] = tag;
            oldest
        });
        set[at].used = self.clock;
        &mut set[at]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(flags: Flags, ports: (u16, u16), sequence: u32, acknowledgment: u32) -> Tcp {
        Tcp { source: ports.0, destination: ports.1, sequence, acknowledgment, flags, ..Tcp::default() }
    }

    const A: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const B: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));
    const THERE: (u16, u16) = (50_000, 80);
    const BACK: (u16, u16) = (80, 50_000);

    #[test]
    fn the_syn_is_0_and_the_first_byte_is_1_in_both_directions() {
        let mut flows = Flows::default();
        let mut see = |from, to, tcp| {
            let Relative { sequence, acknowledgment } = flows.relative(from, to, &tcp);
            (sequence, acknowledgment)
        };
        assert_eq!(see(A, B, segment(Flags::SYN, THERE, u32::MAX, 0)), (0, None));
        assert_eq!(see(B, A, segment(Flags::SYN.with(Flags::ACK), BACK, 7000, 0)), (0, Some(1)));
        assert_eq!(see(A, B, segment(Flags::ACK, THERE, 0, 7001)), (1, Some(1)));
        assert_eq!(see(A, B, segment(Flags::SYN, THERE, 42, 0)), (0, None), "the port is used again");
        assert_eq!(see(B, A, segment(Flags::RST.with(Flags::ACK), BACK, 0, 43)), (1, Some(1)));
    }

    #[test]
    fn a_connection_seen_from_its_middle_starts_at_1() {
        let mut flows = Flows::default();
        let first = flows.relative(A, B, &segment(Flags::ACK, THERE, 500, 900));
        assert_eq!(first, Relative { sequence: 1, acknowledgment: Some(1) });
        let answer = flows.relative(B, A, &segment(Flags::ACK, BACK, 950, 510));
        assert_eq!(answer, Relative { sequence: 51, acknowledgment: Some(11) });
    }

    #[test]
    fn memory_is_fixed_whatever_is_seen() {
        let mut flows = Flows::default();
        for number in 0..200_000u32 {
            let address = IpAddr::V4(std::net::Ipv4Addr::from_bits(number));
            flows.relative(address, B, &segment(Flags::SYN, THERE, number, 0));
        }
        assert_eq!(flows.sets.len(), SETS);
        let held = flows.sets.iter().flatten().filter(|slot| slot.key.is_some()).count();
        assert!(held > SETS * WAYS * 9 / 10, "the sets fill evenly: {held}");
    }
}
