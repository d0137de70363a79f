//! The two ends of a conversation, the same whichever of them speaks.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::net::{IpAddr, Ipv6Addr};

/// Both ends in the order of their addresses, so that both directions give the same pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
        let mut hasher = Folding(seed);
        self.hash(&mut hasher);
        hasher.finish()
    }
}

impl Hash for Pair {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let [low, high] = self.addresses;
        let ports = u64::from(self.ports[0]) << 16 | u64::from(self.ports[1]);
        for word in [low as u64, (low >> 64) as u64, high as u64, (high >> 64) as u64, ports] {
            hasher.write_u64(word);
        }
    }
}

/// Builds hashers with a seed that nobody can foresee.
#[derive(Clone, Copy, Debug)]
pub struct Seeded(u64);

impl Default for Seeded {
    fn default() -> Self {
        Seeded(seed())
    }
}

impl BuildHasher for Seeded {
    type Hasher = Folding;

    fn build_hasher(&self) -> Folding {
        Folding(self.0)
    }
}

/// Hashes words by multiplying: quick for keys of a few words such as pairs.
#[derive(Clone, Copy, Debug)]
pub struct Folding(u64);

impl Hasher for Folding {
    #[inline]
    fn write_u64(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word) * 0x9e37_79b9_7f4a_7c15;
        self.0 = (product >> 64) as u64 ^ product as u64;
    }

    fn write_u8(&mut self, byte: u8) {
        self.write_u64(byte.into());
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u8(*byte);
        }
    }

    fn finish(&self) -> u64 {
        self.0
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
