//! Everything about one address in its subnet, and whether another address is in the same one.

use std::fmt;

use serde::{Serialize, Serializer};

use super::hint::{self, Hint};
use super::reverse::{self, Reverse};
use super::{Address, Count, Family, Prefix};
use crate::internet::special::{self, Purpose};

/// An address in its subnet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Subnet {
    /// The address that was asked about.
    pub address: Address,
    /// Its family.
    pub family: Family,
    /// The subnet.
    pub prefix: Prefix,
    /// Length of the network part.
    pub prefix_length_bits: u8,
    /// Why the length is what it is, where none was given.
    pub assumed: Option<Assumed>,
    /// The AND that finds the subnet.
    pub and: And,
    /// The lowest address.
    pub network: Address,
    /// The address of all hosts; IPv6 and the two smallest IPv4 subnets have none.
    pub broadcast: Option<Address>,
    /// The lowest address a host can have.
    pub first_host: Address,
    /// The highest address a host can have.
    pub last_host: Address,
    /// Number of addresses.
    pub addresses: Count,
    /// Number of addresses that hosts can have.
    pub hosts: Count,
    /// The mask.
    pub mask: Address,
    /// The mask in hex.
    pub mask_hex: String,
    /// The inverted mask.
    pub wildcard: Address,
    /// What the address is within the subnet.
    pub role: Role,
    /// The class it had before 1993 (RFC 791; classes ended with RFC 1519). IPv4 only.
    pub class: Option<Class>,
    /// What the address is for.
    pub purpose: &'static Purpose,
    /// Whether the whole subnet is for that.
    pub purpose_covers_subnet: bool,
    /// What the address tells about itself.
    pub hints: Vec<Hint>,
    /// The name of the address's PTR record.
    pub pointer: String,
    /// The reverse zones of the subnet.
    pub reverse: Reverse,
}

/// Where the prefix length came from when none was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Assumed {
    /// The address alone: nothing in an IPv4 address says where its network ends.
    HostAlone,
    /// 64 bits: IPv6 interface identifiers are 64 bits long (RFC 4291 section 2.5.1).
    InterfaceIdentifier,
}

/// What an address is within its subnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A host can have it.
    Host,
    /// It names the subnet itself: all host bits zero.
    Network,
    /// It reaches all hosts: all host bits one.
    Broadcast,
    /// All routers of the subnet answer to it (RFC 4291 section 2.6.1).
    SubnetRouterAnycast,
}

/// The class of an IPv4 address, by its first bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Class {
    /// A to E.
    pub letter: char,
    /// The length of the network part in classes A to C.
    pub prefix_length_bits: Option<u8>,
}

/// An AND of address and mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct And {
    /// The address.
    pub address: Bits,
    /// The mask.
    pub mask: Bits,
    /// What is one in both: the network.
    pub result: Bits,
}

/// An address of which the bits matter: printed as zeros and ones, the most significant first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bits(pub Address);

impl Bits {
    /// The bit at `place`, 0 for the most significant.
    pub const fn at(self, place: u8) -> bool {
        self.0.number() >> (self.0.family().bits() - 1 - place) & 1 == 1
    }
}

impl fmt::Display for Bits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0width$b}", self.0.number(), width = usize::from(self.0.family().bits()))
    }
}

impl Serialize for Bits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl And {
    /// The AND that finds the subnet of `length` bits in which `address` lies.
    pub const fn of(address: Address, length: u8) -> Self {
        let prefix = Prefix::of(address, length);
        And { address: Bits(address), mask: Bits(prefix.mask()), result: Bits(prefix.network()) }
    }
}

impl Subnet {
    /// Everything about `address` in its subnet of `length` bits, or of the length to be assumed where none is given.
    pub fn of(address: Address, length: Option<u8>) -> Self {
        let (length, assumed) = length.map_or_else(|| assume(address), |length| (length, None));
        let prefix = Prefix::of(address, length);
        let (hosts, purpose) = (prefix.hosts(), special::purpose(address));
        let digits = usize::from(prefix.family().bits() / 4);
        Subnet {
            address,
            family: prefix.family(),
            prefix,
            prefix_length_bits: prefix.length(),
            assumed,
            and: And::of(address, length),
            network: prefix.network(),
            broadcast: prefix.broadcast(),
            first_host: hosts.first,
            last_host: hosts.last,
            addresses: prefix.range().count(),
            hosts: hosts.count(),
            mask: prefix.mask(),
            mask_hex: format!("0x{:0digits$x}", prefix.mask().number()),
            wildcard: prefix.wildcard(),
            role: role(address, prefix),
            class: class(address),
            purpose,
            purpose_covers_subnet: purpose.block.covers(prefix),
            hints: hint::hints(address),
            pointer: reverse::pointer(address),
            reverse: reverse::zones(prefix),
        }
    }
}

fn assume(address: Address) -> (u8, Option<Assumed>) {
    let unicast = [(0x2000, 3), (0xfc00, 7), (0xfe80, 10)]
        .map(|(group, length)| Prefix::of(Address::new(Family::Ipv6, group << 112), length));
    if unicast.iter().any(|block| block.contains(address)) {
        return (64, Some(Assumed::InterfaceIdentifier));
    }
    (address.family().bits(), Some(Assumed::HostAlone))
}

fn role(address: Address, prefix: Prefix) -> Role {
    let is_network = address == prefix.network() && prefix.host_bits() >= 2;
    match prefix.family() {
        Family::Ipv4 if is_network => Role::Network,
        Family::Ipv6 if is_network => Role::SubnetRouterAnycast,
        _ if prefix.broadcast() == Some(address) => Role::Broadcast,
        _ => Role::Host,
    }
}

fn class(address: Address) -> Option<Class> {
    let is_ipv4 = address.family() == Family::Ipv4;
    let (letter, prefix_length_bits) = match (address.number() as u32).leading_ones() {
        0 => ('A', Some(8)),
        1 => ('B', Some(16)),
        2 => ('C', Some(24)),
        3 => ('D', None),
        _ => ('E', None),
    };
    is_ipv4.then_some(Class { letter, prefix_length_bits })
}

/// Another address held against a subnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Membership {
    /// The other address.
    pub address: Address,
    /// Whether the two are in the same subnet, seen from either side.
    pub same_subnet: bool,
    /// The subnet in which the mask in question puts the other address; none for the other family.
    pub prefix: Option<Prefix>,
    /// The AND that says so.
    pub and: Option<And>,
    /// What the other address is within its subnet: by its own mask where it has one; none for the other family.
    pub role: Option<Role>,
    /// The first bit of the network part that differs, from 1 on the left.
    pub first_differing_bit: Option<u8>,
    /// The other address's own subnet, where it came with a mask of its own.
    pub own_prefix: Option<Prefix>,
    /// Whether that subnet holds the first address: a host decides by its own mask whether the other is on its link.
    pub own_prefix_holds_address: Option<bool>,
}

impl Membership {
    /// Holds `other`, which may have a mask of its own, against `subnet`.
    pub fn of(subnet: &Subnet, other: Address, own_length: Option<u8>) -> Self {
        let length = subnet.prefix.length();
        let related = other.family() == subnet.family;
        let differing = (other.number() ^ subnet.address.number()) & subnet.mask.number();
        let outside = 128 - subnet.family.bits();
        let first = related && differing != 0;
        let own_prefix = own_length.map(|length| Prefix::of(other, length));
        let own_prefix_holds_address = own_prefix.map(|own| own.contains(subnet.address));
        Membership {
            address: other,
            same_subnet: subnet.prefix.contains(other) && own_prefix_holds_address != Some(false),
            prefix: related.then(|| Prefix::of(other, length)),
            and: related.then(|| And::of(other, length)),
            role: own_prefix.or_else(|| related.then(|| Prefix::of(other, length))).map(|prefix| role(other, prefix)),
            first_differing_bit: first.then(|| differing.leading_zeros() as u8 - outside + 1),
            own_prefix,
            own_prefix_holds_address,
        }
    }
}
