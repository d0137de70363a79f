//! Prefixes: the network part of an address and how long it is.

use std::fmt;

use serde::{Serialize, Serializer};

use super::{Address, Family, Range};

/// A block of addresses that share their first bits: `172.16.10.0/24`.
///
/// **Invariant:** the bits behind the length are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix {
    network: Address,
    length: u8,
}

impl Prefix {
    /// The prefix of `length` bits that holds `address`: the AND of address and mask. A length beyond the family's bits
    /// counts as all of them.
    pub const fn of(address: Address, length: u8) -> Self {
        let family = address.family();
        let length = if length > family.bits() { family.bits() } else { length };
        Prefix { network: Address::new(family, address.number() & family.mask(length)), length }
    }

    /// Its family.
    pub const fn family(self) -> Family {
        self.network.family()
    }

    /// Its length in bits.
    pub const fn length(self) -> u8 {
        self.length
    }

    /// Its lowest address: all host bits zero.
    pub const fn network(self) -> Address {
        self.network
    }

    /// Its highest address: all host bits one.
    pub const fn last(self) -> Address {
        Address::new(self.family(), self.network.number() | self.wildcard().number())
    }

    /// All its addresses, first to last.
    pub const fn range(self) -> Range {
        Range::of_prefix(self)
    }

    /// The mask: ones for the network part.
    pub const fn mask(self) -> Address {
        Address::new(self.family(), self.family().mask(self.length))
    }

    /// The wildcard: ones for the host part.
    pub const fn wildcard(self) -> Address {
        Address::new(self.family(), !self.family().mask(self.length))
    }

    /// Number of bits of the host part.
    pub const fn host_bits(self) -> u8 {
        self.family().bits() - self.length
    }

    /// Whether `address` lies in the prefix.
    pub fn contains(self, address: Address) -> bool {
        address.family() == self.family() && Prefix::of(address, self.length) == self
    }

    /// Whether every address of `other` lies in the prefix.
    pub fn covers(self, other: Prefix) -> bool {
        self.length <= other.length && self.contains(other.network)
    }

    /// The address that reaches all hosts: the last one of an IPv4 subnet. A /31 and a /32 have none (RFC 3021), nor has
    /// IPv6.
    pub fn broadcast(self) -> Option<Address> {
        (self.family() == Family::Ipv4 && self.host_bits() >= 2).then(|| self.last())
    }

    /// The addresses that hosts can have. IPv4: all but network and broadcast; both of a /31 (RFC 3021); the one of a
    /// /32. IPv6: all but the first, which every router of the subnet answers to (RFC 4291 section 2.6.1); both of a
    /// /127 (RFC 6164); the one of a /128.
    pub fn hosts(self) -> Range {
        let Range { first, last } = self.range();
        if self.host_bits() < 2 {
            return Range { first, last };
        }
        let last = if self.broadcast().is_some() { last.previous().unwrap_or(last) } else { last };
        Range { first: first.next().unwrap_or(first), last }
    }

    /// The subnets of `length` bits in order, made as they are asked for; none where `length` is shorter than the
    /// prefix or longer than an address.
    pub fn split(self, length: u8) -> impl Iterator<Item = Prefix> {
        let fits = length >= self.length && length <= self.family().bits();
        let mut next = fits.then(|| Prefix::of(self.network, length));
        std::iter::from_fn(move || {
            let current = next?;
            next = current.last().next().filter(|address| self.contains(*address)).map(|a| Prefix::of(a, length));
            Some(current)
        })
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A prefix is padded as a whole when it stands in a column.
        f.pad(&format!("{}/{}", self.network, self.length))
    }
}

impl Serialize for Prefix {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A number of addresses, exact up to the 2^128 of `::/0`. Kept as one less than the count, which is never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Count {
    less_one: u128,
}

impl Count {
    /// `less_one` + 1.
    pub const fn one_more_than(less_one: u128) -> Self {
        Count { less_one }
    }

    /// Two to the power of `bits`; 128 is the most.
    pub const fn power_of_two(bits: u8) -> Self {
        Count { less_one: if bits == 0 { 0 } else { u128::MAX >> (128 - if bits > 128 { 128 } else { bits }) } }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.less_one.checked_add(1) {
            Some(count) => write!(f, "{count}"),
            None => f.write_str("340282366920938463463374607431768211456"),
        }
    }
}

impl Serialize for Count {
    /// A string of digits: JSON readers keep only 53 bits of a number (RFC 7493 section 2.2).
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::super::notation;
    use super::*;

    fn prefix(text: &str) -> Prefix {
        notation::prefix(text).unwrap()
    }

    fn hosts(text: &str) -> String {
        let hosts = prefix(text).hosts();
        format!("{} {} {}", hosts.first, hosts.last, hosts.count())
    }

    #[test]
    fn an_ordinary_subnet_keeps_network_and_broadcast_from_its_hosts() {
        assert_eq!(hosts("172.16.10.0/24"), "172.16.10.1 172.16.10.254 254");
        assert_eq!(prefix("172.16.10.0/24").broadcast().unwrap().to_string(), "172.16.10.255");
        assert_eq!(hosts("10.0.0.0/30"), "10.0.0.1 10.0.0.2 2");
        assert_eq!(hosts("0.0.0.0/0"), "0.0.0.1 255.255.255.254 4294967294");
    }

    #[test]
    fn a_point_to_point_link_has_two_hosts_and_no_broadcast() {
        assert_eq!(hosts("10.1.2.2/31"), "10.1.2.2 10.1.2.3 2");
        assert_eq!(prefix("10.1.2.2/31").broadcast(), None);
        assert_eq!(hosts("2001:db8::2/127"), "2001:db8::2 2001:db8::3 2");
    }

    #[test]
    fn a_host_route_is_one_host() {
        assert_eq!(hosts("10.1.2.3/32"), "10.1.2.3 10.1.2.3 1");
        assert_eq!(prefix("10.1.2.3/32").network().to_string(), "10.1.2.3");
        assert_eq!(hosts("::1/128"), "::1 ::1 1");
    }

    #[test]
    fn an_ipv6_subnet_has_no_broadcast_and_keeps_its_first_address_for_routers() {
        assert_eq!(hosts("2001:db8::/64"), "2001:db8::1 2001:db8::ffff:ffff:ffff:ffff 18446744073709551615");
        assert_eq!(prefix("2001:db8::/64").broadcast(), None);
    }

    #[test]
    fn counts_are_exact_up_to_the_whole_of_ipv6() {
        assert_eq!(prefix("::/0").range().count().to_string(), "340282366920938463463374607431768211456");
        assert_eq!(prefix("::/1").range().count().to_string(), "170141183460469231731687303715884105728");
        assert_eq!(Count::power_of_two(128), prefix("::/0").range().count());
        assert_eq!(Count::power_of_two(0).to_string(), "1");
    }

    #[test]
    fn splitting_yields_every_part_once_and_ends_at_the_end_of_the_space() {
        let parts: Vec<_> = prefix("255.255.255.0/24").split(26).map(|p| p.to_string()).collect();
        assert_eq!(parts, ["255.255.255.0/26", "255.255.255.64/26", "255.255.255.128/26", "255.255.255.192/26"]);
        assert_eq!(prefix("::/0").split(128).take(3).count(), 3);
        assert_eq!(prefix("10.0.0.0/24").split(24).count(), 1);
        assert_eq!(prefix("10.0.0.0/24").split(23).count(), 0);
        assert_eq!(prefix("10.0.0.0/24").split(33).count(), 0);
    }
}
