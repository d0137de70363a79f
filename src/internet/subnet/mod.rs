//! Subnets: addresses and prefixes as numbers, for IPv4 and IPv6 together.
//!
//! One set of functions over `u128` serves both families; a family only says how many of the bits count. What is
//! typed or streamed in becomes an [`Address`], a [`Prefix`] or a [`Range`] in [`notation`] and nowhere else.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Serialize, Serializer};

pub mod describe;
mod digits;
pub mod hint;
pub mod lines;
pub mod matcher;
pub mod misread;
pub mod notation;
pub mod prefix;
pub mod problem;
pub mod range;
pub mod reverse;
pub mod vlsm;

pub use describe::{Membership, Subnet};
pub use prefix::{Count, Prefix};
pub use problem::{Misread, Problem};
pub use range::Range;

/// Which Internet Protocol an address belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// RFC 791: 32 bits.
    Ipv4,
    /// RFC 8200: 128 bits.
    Ipv6,
}

impl Family {
    /// Bits of an address.
    pub const fn bits(self) -> u8 {
        match self {
            Family::Ipv4 => 32,
            Family::Ipv6 => 128,
        }
    }

    /// The highest address, which is also the mask of a host.
    pub const fn highest(self) -> u128 {
        u128::MAX >> (128 - self.bits())
    }

    /// The mask of `length` bits: ones on the left, zeros on the right. A length beyond the family's bits counts as all.
    pub const fn mask(self, length: u8) -> u128 {
        let host_bits = self.bits().saturating_sub(length);
        if host_bits == 128 { 0 } else { self.highest() >> host_bits << host_bits }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Family::Ipv4 => "IPv4",
            Family::Ipv6 => "IPv6",
        })
    }
}

/// An address as a number. IPv4 sorts before IPv6.
///
/// **Invariant:** the number has no bit outside its family's width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    family: Family,
    number: u128,
}

impl Address {
    /// The address with this number; bits outside the family's width are dropped.
    pub const fn new(family: Family, number: u128) -> Self {
        Address { family, number: number & family.highest() }
    }

    /// Its family.
    pub const fn family(self) -> Family {
        self.family
    }

    /// Its bits as a number in host order.
    pub const fn number(self) -> u128 {
        self.number
    }

    /// The address that follows, if one does.
    pub fn next(self) -> Option<Address> {
        (self.number < self.family.highest()).then(|| Address { number: self.number + 1, ..self })
    }

    /// The address before, if there is one.
    pub fn previous(self) -> Option<Address> {
        Some(Address { number: self.number.checked_sub(1)?, ..self })
    }

    /// The address as the standard library's type.
    pub const fn ip(self) -> IpAddr {
        match self.family {
            Family::Ipv4 => IpAddr::V4(Ipv4Addr::from_bits(self.number as u32)),
            Family::Ipv6 => IpAddr::V6(Ipv6Addr::from_bits(self.number)),
        }
    }
}

impl From<Ipv4Addr> for Address {
    fn from(address: Ipv4Addr) -> Self {
        Address { family: Family::Ipv4, number: address.to_bits().into() }
    }
}

impl From<Ipv6Addr> for Address {
    fn from(address: Ipv6Addr) -> Self {
        Address { family: Family::Ipv6, number: address.to_bits() }
    }
}

impl From<IpAddr> for Address {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => address.into(),
            IpAddr::V6(address) => address.into(),
        }
    }
}

impl fmt::Display for Address {
    /// The canonical text: dotted decimal, or RFC 5952.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ip().fmt(f)
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
