//! Conditions on protocols and ports.

use super::addresses::ends;
use super::condition::{Condition, Size, Value};
use super::ether;
use super::keyword::spelling;
use super::layout::{Layout, none_of};
use super::syntax::{Comparison, Direction, Protocol};
use super::words::Meaning;

pub(super) const TCP: u32 = 6;
pub(super) const UDP: u32 = 17;
pub(super) const SCTP: u32 = 132;
pub(super) const ICMP6: u32 = 58;
pub(super) const FRAGMENT: u32 = 44;

/// Network layer protocol identifiers of OSI (ISO/IEC TR 9577).
pub(super) const CLNP: u32 = 0x81;
pub(super) const ESIS: u32 = 0x82;
pub(super) const ISIS: u32 = 0x83;

/// Ports to look for, both bounds included.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ports {
    pub low: u32,
    pub high: u32,
    /// One port is compared for equality, a range by its bounds.
    pub range: bool,
}

impl Ports {
    fn contain(self, port: &Value) -> Condition {
        if !self.range {
            return Condition::equal(port.clone(), self.low);
        }
        let above = Condition::test(port.clone(), Comparison::GreaterOrEqual, Value::Number(self.low));
        above.and(Condition::test(port.clone(), Comparison::Greater, Value::Number(self.high)).not())
    }
}

impl Layout {
    /// The packet is one of this protocol.
    pub(super) fn protocol(&self, protocol: Protocol) -> Result<Condition, String> {
        let level = |numbers: &[u32]| {
            let each: Result<Vec<_>, _> =
                numbers.iter().map(|pdu| self.encapsulates(*pdu, Some(Protocol::Isis))).collect();
            each.map(Condition::Any)
        };
        match protocol {
            Protocol::Link => Err("the link layer itself is always there: qualify it, as in ether host".to_owned()),
            Protocol::Radio => Err("this asks about IEEE 802.11, which no link type read here carries".to_owned()),
            Protocol::Ip => self.carries(ether::IPV4),
            Protocol::Ip6 => self.carries(ether::IPV6),
            Protocol::Arp => self.carries(ether::ARP),
            Protocol::Rarp => self.carries(ether::RARP),
            Protocol::Atalk => self.carries(ether::ATALK),
            Protocol::Aarp => self.carries(ether::AARP),
            Protocol::Decnet => self.carries(ether::DECNET),
            Protocol::Lat => self.carries(ether::LAT),
            Protocol::Sca => self.carries(ether::SCA),
            Protocol::Moprc => self.carries(ether::MOP_CONSOLE),
            Protocol::Mopdl => self.carries(ether::MOP_DUMP),
            Protocol::Iso => self.carries(ether::sap::ISO),
            Protocol::Stp => self.carries(ether::sap::STP),
            Protocol::Ipx => self.carries(ether::sap::IPX),
            Protocol::Netbeui => self.carries(ether::sap::NETBEUI),
            Protocol::Tcp => self.encapsulates(TCP, None),
            Protocol::Udp => self.encapsulates(UDP, None),
            Protocol::Sctp => self.encapsulates(SCTP, None),
            Protocol::Pim => self.encapsulates(103, None),
            Protocol::Ah => self.encapsulates(51, None),
            Protocol::Esp => self.encapsulates(50, None),
            Protocol::Icmp => self.encapsulates(1, Some(Protocol::Ip)),
            Protocol::Igmp => self.encapsulates(2, Some(Protocol::Ip)),
            Protocol::Igrp => self.encapsulates(9, Some(Protocol::Ip)),
            Protocol::Vrrp | Protocol::Carp => self.encapsulates(112, Some(Protocol::Ip)),
            Protocol::Icmp6 => self.encapsulates(ICMP6, Some(Protocol::Ip6)),
            Protocol::Clnp => self.encapsulates(CLNP, Some(Protocol::Iso)),
            Protocol::Esis => self.encapsulates(ESIS, Some(Protocol::Iso)),
            Protocol::Isis => self.encapsulates(ISIS, Some(Protocol::Iso)),
            Protocol::IsisLevel1 => level(&[26, 24, 18, 15, 17]),
            Protocol::IsisLevel2 => level(&[27, 25, 20, 16, 17]),
            Protocol::IsisHello => level(&[17, 15, 16]),
            Protocol::IsisLinkState => level(&[18, 20]),
            Protocol::IsisSequence => level(&[27, 26, 24, 25]),
            Protocol::IsisComplete => level(&[24, 25]),
            Protocol::IsisPartial => level(&[26, 27]),
        }
    }

    /// `protocol proto number`; without a protocol IPv4 and IPv6.
    pub(super) fn encapsulates(&self, number: u32, protocol: Option<Protocol>) -> Result<Condition, String> {
        let is = |value: Value| Condition::equal(value, number);
        Ok(match protocol {
            None => {
                let over_ipv4 = self.encapsulates(number, Some(Protocol::Ip))?;
                over_ipv4.or(self.encapsulates(number, Some(Protocol::Ip6))?)
            }
            Some(Protocol::Link) => self.carries(number)?,
            Some(Protocol::Ip) => self.carries(ether::IPV4)?.and(is(self.ipv4_protocol())),
            Some(Protocol::Ip6) => {
                let next = is(self.ipv6_next());
                let inside = is(self.network(40, Size::Byte, Meaning::protocol("next header of the fragment")));
                let fragment = Condition::equal(self.ipv6_next(), FRAGMENT).and(inside);
                self.carries(ether::IPV6)?.and(next.or(fragment))
            }
            Some(Protocol::Iso) => self.carries(ether::sap::ISO)?.and(is(self.osi(0, "OSI protocol"))),
            Some(Protocol::Isis) => {
                let isis = self.encapsulates(ISIS, Some(Protocol::Iso))?;
                isis.and(is(self.osi(4, "IS-IS PDU type")))
            }
            Some(other) => return Err(format!("{} proto is not something to filter on", spelling(other))),
        })
    }

    fn osi(&self, offset: u32, field: &'static str) -> Value {
        self.payload.load(self.network_after_llc + offset, Size::Byte, Meaning::plain(field))
    }

    pub(super) fn ipv4_protocol(&self) -> Value {
        self.network(9, Size::Byte, Meaning::protocol("IPv4 protocol"))
    }

    pub(super) fn ipv6_next(&self) -> Value {
        self.network(6, Size::Byte, Meaning::protocol("IPv6 next header"))
    }

    /// Not a later fragment: those have no transport header.
    pub(super) fn begins_datagram(&self) -> Condition {
        none_of(self.network(6, Size::Half, Meaning::plain("IPv4 fragment offset")), 0x1fff)
    }

    /// A port of TCP, UDP or SCTP, or of any of them.
    pub(super) fn port(
        &self,
        ports: Ports,
        transport: Option<u32>,
        direction: Option<Direction>,
    ) -> Result<Condition, String> {
        let over_ipv6 = self.port6(ports, transport, direction)?;
        Ok(over_ipv6.or(self.port4(ports, transport, direction)?))
    }

    pub(super) fn port4(
        &self,
        ports: Ports,
        transport: Option<u32>,
        direction: Option<Direction>,
    ) -> Result<Condition, String> {
        let over = |transport: u32| {
            let found = ends(direction, |source| {
                let (offset, meaning) = port_field(source);
                Ok(ports.contain(&self.over_ipv4(offset, Size::Half, meaning)))
            })?;
            Ok(Condition::equal(self.ipv4_protocol(), transport).and(self.begins_datagram()).and(found))
        };
        Ok(self.carries(ether::IPV4)?.and(transports(transport, over)?))
    }

    pub(super) fn port6(
        &self,
        ports: Ports,
        transport: Option<u32>,
        direction: Option<Direction>,
    ) -> Result<Condition, String> {
        let over = |transport: u32| {
            let found = ends(direction, |source| {
                let (offset, meaning) = port_field(source);
                Ok(ports.contain(&self.over_ipv6(offset, Size::Half, meaning)))
            })?;
            Ok(Condition::equal(self.ipv6_next(), transport).and(found))
        };
        Ok(self.carries(ether::IPV6)?.and(transports(transport, over)?))
    }
}

fn port_field(source: bool) -> (u32, Meaning) {
    if source { (0, Meaning::port("source port")) } else { (2, Meaning::port("destination port")) }
}

fn transports(transport: Option<u32>, over: impl Fn(u32) -> Result<Condition, String>) -> Result<Condition, String> {
    match transport {
        Some(one) => over(one),
        None => Ok(Condition::Any(vec![over(SCTP)?, over(TCP)?, over(UDP)?])),
    }
}
