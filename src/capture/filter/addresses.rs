//! Conditions on addresses: IPv4 (also inside ARP and RARP), IPv6, link, DECnet.

use std::net::Ipv6Addr;

use super::condition::{Condition, Size, Value};
use super::ether;
use super::keyword::spelling;
use super::layout::{Layout, Link, bytes_are};
use super::syntax::{Comparison, Direction, Protocol};
use super::words::Meaning;
use crate::bytes::Mac;

/// The condition on both ends, put together as the direction says; source first.
pub(super) fn ends(
    direction: Option<Direction>,
    mut end: impl FnMut(bool) -> Result<Condition, String>,
) -> Result<Condition, String> {
    Ok(match direction {
        Some(Direction::Source) => end(true)?,
        Some(Direction::Destination) => end(false)?,
        Some(Direction::Both) => end(true)?.and(end(false)?),
        Some(Direction::Either) | None => end(true)?.or(end(false)?),
    })
}

impl Layout {
    /// An IPv4 address under a mask, in IPv4 or as what ARP asks about.
    pub(super) fn host4(
        &self,
        address: u32,
        mask: u32,
        protocol: Option<Protocol>,
        direction: Option<Direction>,
    ) -> Result<Condition, String> {
        let (kind, source, destination) = match protocol {
            // Behind labels nothing says that it is ARP.
            None if self.labels > 0 => return self.host4(address, mask, Some(Protocol::Ip), direction),
            None => {
                let ip = self.host4(address, mask, Some(Protocol::Ip), direction)?;
                let arp = self.host4(address, mask, Some(Protocol::Arp), direction)?;
                return Ok(ip.or(arp).or(self.host4(address, mask, Some(Protocol::Rarp), direction)?));
            }
            Some(Protocol::Ip) => (ether::IPV4, (12, "IPv4 source"), (16, "IPv4 destination")),
            Some(Protocol::Arp) => (ether::ARP, (14, "ARP sender"), (24, "ARP target")),
            Some(Protocol::Rarp) => (ether::RARP, (14, "RARP sender"), (24, "RARP target")),
            Some(Protocol::Link) => return Err("a link address has six pairs of hexadecimal digits".to_owned()),
            Some(other) => return Err(format!("{} does not go with an IPv4 address", spelling(other))),
        };
        ends(direction, |is_source| {
            let (offset, field) = if is_source { source } else { destination };
            let value = self.network(offset, Size::Word, Meaning::address(field)).masked(mask);
            Ok(self.carries(kind)?.and(Condition::equal(value, address)))
        })
    }

    /// An IPv6 address under a prefix of so many bits.
    pub(super) fn host6(
        &self,
        address: Ipv6Addr,
        prefix: u32,
        protocol: Option<Protocol>,
        direction: Option<Direction>,
    ) -> Result<Condition, String> {
        if !matches!(protocol, None | Some(Protocol::Ip6)) {
            let name = protocol.map_or("", spelling);
            return Err(format!("{name} does not go with an IPv6 address"));
        }
        let mask = u128::MAX.checked_shl(128 - prefix.min(128)).unwrap_or(0);
        ends(direction, |is_source| {
            let (start, field) = if is_source { (8, "IPv6 source") } else { (24, "IPv6 destination") };
            let mut whole = self.carries(ether::IPV6)?;
            for word in 0..4 {
                let part = |bits: u128| (bits >> (96 - 32 * word)) as u32;
                let value = self.network(start + 4 * word, Size::Word, Meaning::plain(field));
                whole = whole.and(Condition::equal(value.masked(part(mask)), part(address.to_bits())));
            }
            Ok(whole)
        })
    }

    /// A link address.
    pub(super) fn station(&self, address: Mac, direction: Option<Direction>) -> Result<Condition, String> {
        if self.link != Link::Ethernet {
            return Err("only Ethernet frames have link addresses to filter on".to_owned());
        }
        let condition = ends(direction, |is_source| {
            let (offset, field) = if is_source { (6, "link source") } else { (0, "link destination") };
            Ok(bytes_are(self.header, offset, &address.0, Meaning::plain(field)))
        })?;
        Ok(self.has_link_header(condition))
    }

    /// Behind `geneve` the inner packet may have no link header: then `condition` on it does not hold.
    fn has_link_header(&self, condition: Condition) -> Condition {
        if !self.geneve {
            return condition;
        }
        let same = Condition::test(self.header.value(0), Comparison::Equal, self.payload.value(0));
        same.not().and(condition)
    }

    /// A DECnet phase IV address in a data packet with a long or a short header, with or without a byte of padding.
    pub(super) fn decnet(&self, address: u32, direction: Option<Direction>) -> Result<Condition, String> {
        let address = u32::from((address as u16).swap_bytes());
        ends(direction, |is_source| {
            let (short, long) = if is_source { (3, 15) } else { (1, 7) };
            let at =
                |offset| Condition::equal(self.network(offset, Size::Half, Meaning::plain("DECnet node")), address);
            let flags = |size, mask, flags| {
                let value = self.network(2, size, Meaning::plain("DECnet flags")).masked(mask);
                Condition::equal(value, flags)
            };
            let unpadded = |kind: u32, offset: u32| flags(Size::Byte, 0x07, kind).and(at(2 + offset));
            let padded = |kind: u32, offset: u32| flags(Size::Half, 0xff07, 0x8100 | kind).and(at(3 + offset));
            let any = vec![unpadded(2, short), padded(2, short), unpadded(6, long), padded(6, long)];
            Ok(self.carries(ether::DECNET)?.and(Condition::Any(any)))
        })
    }

    /// Sent to every station of the link, or of the IPv4 network.
    pub(super) fn broadcast(&self, protocol: Option<Protocol>) -> Result<Condition, String> {
        match protocol {
            None | Some(Protocol::Link) if self.link == Link::Ethernet => {
                self.station(Mac::BROADCAST, Some(Direction::Destination))
            }
            None | Some(Protocol::Link) => Err("this link type has no broadcast".to_owned()),
            Some(Protocol::Ip) => {
                let mask = self
                    .options
                    .netmask
                    .ok_or("ip broadcast needs the mask of a network, which is not known here")?
                    .to_bits();
                let host = self.network(16, Size::Word, Meaning::address("IPv4 destination")).masked(!mask);
                let either = Condition::equal(host.clone(), 0).or(Condition::equal(host, !mask));
                Ok(self.carries(ether::IPV4)?.and(either))
            }
            Some(other) => Err(format!("{} has no broadcast", spelling(other))),
        }
    }

    /// Sent to a group of stations or addresses.
    pub(super) fn multicast(&self, protocol: Option<Protocol>) -> Result<Condition, String> {
        match protocol {
            None | Some(Protocol::Link) if self.link == Link::Ethernet => {
                let first = self.header.load(0, Size::Byte, Meaning::plain("link destination, first byte"));
                let group = Condition::test(first, Comparison::CommonBit, Value::Number(1));
                Ok(self.has_link_header(group))
            }
            None | Some(Protocol::Link) => Err("this link type has no multicast".to_owned()),
            Some(Protocol::Ip) => {
                let first = self.network(16, Size::Byte, Meaning::plain("IPv4 destination, first byte"));
                let group = Condition::test(first, Comparison::GreaterOrEqual, Value::Number(224));
                Ok(self.carries(ether::IPV4)?.and(group))
            }
            Some(Protocol::Ip6) => {
                let first = self.network(24, Size::Byte, Meaning::plain("IPv6 destination, first byte"));
                Ok(self.carries(ether::IPV6)?.and(Condition::equal(first, 255)))
            }
            Some(other) => Err(format!("{} has no multicast", spelling(other))),
        }
    }
}
