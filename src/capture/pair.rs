//! The two ends of a conversation, the same whichever of them speaks.

use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv6Addr};

/// Both ends in the order of their addresses, so that both directions give the same pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pair {
    addresses: [u128; 2],
    ports: [u16; 2],
}

impl Pair {
    /// The pair, and which of its ends (0 or 1) `source` is.
    pub fn of(source: (IpAddr, u16), destination: (IpAddr, u16)) -> (Pair, usize) {
        let ends = [(bits(source.0), source.1), (bits(destination.0), destination.1)];
        let reversed = ends[0] > ends[1];
        let (low, high) = if reversed { (ends[1], ends[0]) } else { (ends[0], ends[1]) };
        (Pair { addresses: [low.0, high.0], ports: [low.1, high.1] }, usize::from(reversed))
    }

    /// Spreads pairs evenly. The seed keeps others from choosing connections that meet in one place.
    pub fn hash_with(&self, seed: u64) -> u64 {
        let [low, high] = self.addresses;
        let ports = u64::from(self.ports[0]) << 16 | u64::from(self.ports[1]);
        let words = [low as u64, (low >> 64) as u64, high as u64, (high >> 64) as u64, ports];
        words.iter().fold(seed, |state, word| {
            let product = u128::from(state ^ word) * 0x9e37_79b9_7f4a_7c15;
            (product >> 64) as u64 ^ product as u64
        })
    }
}

/// A number that nobody can foresee.
pub fn seed() -> u64 {
    RandomState::new().hash_one(0)
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => Ipv6Addr::to_bits(v6),
    }
}
