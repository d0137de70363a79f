//! A tree of what was written to a condition on packets, in the order in which it was written.

use std::net::IpAddr;
use std::ops::Range;

use super::condition::{Condition, Size, Value};
use super::error::Error;
use super::layout::{Layout, Link};
use super::names;
use super::program::{Ancillary, Operator};
use super::protocols::{Ports, SCTP, TCP, UDP};
use super::syntax::{Arithmetic, Expression, Id, Kind, Primitive, Protocol, Qualifiers};
use super::words::Meaning;
use super::{Source, ether};

/// The condition that `expression` states, where headers are as `layout` says at its beginning.
pub(super) fn condition(expression: &Expression, layout: &mut Layout) -> Result<Condition, Error> {
    match expression {
        Expression::All(parts) => each(parts, layout).map(Condition::All),
        Expression::Any(parts) => each(parts, layout).map(Condition::Any),
        Expression::Not(inner) => condition(inner, layout).map(Condition::not),
        Expression::Primitive(Primitive::Relation(left, relation, right), _) => {
            let (left, guard) = layout.arithmetic(left)?;
            let (right, second) = layout.arithmetic(right)?;
            let test = Condition::test(left, relation.comparison, right);
            let test = if relation.negated { test.not() } else { test };
            Ok(Condition::All(guard.into_iter().chain(second).chain([test]).collect()))
        }
        Expression::Primitive(primitive, span) => {
            layout.primitive(primitive).map_err(|message| Error::new(span.clone(), message))
        }
    }
}

fn each(parts: &[Expression], layout: &mut Layout) -> Result<Vec<Condition>, Error> {
    parts.iter().map(|part| condition(part, layout)).collect()
}

impl Layout {
    fn primitive(&mut self, primitive: &Primitive) -> Result<Condition, String> {
        match primitive {
            Primitive::Protocol(protocol) => self.protocol(*protocol),
            Primitive::Qualified(qualifiers, id) => self.qualified(*qualifiers, id),
            Primitive::Broadcast(protocol) => self.broadcast(*protocol),
            Primitive::Multicast(protocol) => self.multicast(*protocol),
            Primitive::Byte(offset, relation, number) => {
                let value = self.header.load(*offset, Size::Byte, Meaning::NONE);
                let test = Condition::test(value, relation.comparison, Value::Number(*number));
                Ok(if relation.negated { test.not() } else { test })
            }
            Primitive::Inbound => Ok(self.outbound().not()),
            Primitive::Outbound => Ok(self.outbound()),
            Primitive::InterfaceIndex(index) => {
                let field = self.header.load(4, Size::Word, Meaning::plain("interface index"));
                let value = match (self.link, self.options.source) {
                    (Link::Cooked2, _) => field,
                    (_, Source::Live) => Value::Ancillary(Ancillary::Interface),
                    _ => return Err("ifindex is not stored with packets of this link type".to_owned()),
                };
                Ok(Condition::equal(value, *index))
            }
            Primitive::Vlan(id) => self.vlan(*id),
            Primitive::Mpls(label) => self.mpls(*label),
            Primitive::PppoeDiscovery => self.carries(ether::PPPOE_DISCOVERY),
            Primitive::PppoeSession(session) => self.pppoe_session(*session),
            Primitive::Geneve(network) => self.geneve(*network),
            Primitive::Llc(kind) => self.llc(*kind),
            Primitive::Relation(..) => Err("a comparison stands on its own".to_owned()),
        }
    }

    fn outbound(&self) -> Condition {
        let field = Meaning::plain("packet type");
        let kind = match self.link {
            Link::Cooked => self.header.load(0, Size::Half, field),
            Link::Cooked2 => self.header.load(10, Size::Byte, field),
            _ => Value::Ancillary(Ancillary::PacketType),
        };
        Condition::equal(kind, SENT_BY_THIS_HOST)
    }

    fn qualified(&mut self, qualifiers: Qualifiers, id: &Id) -> Result<Condition, String> {
        match qualifiers.kind {
            Kind::Unsaid | Kind::Host | Kind::Net => self.address(qualifiers, id),
            Kind::Port | Kind::PortRange => self.ports(qualifiers, id),
            Kind::Gateway => Err("gateway is not supported: write ether host MAC and not host ADDRESS".to_owned()),
            Kind::Proto => self.encapsulates(protocol_number(id, qualifiers)?, qualifiers.protocol),
            Kind::ProtoChain => self.chain(protocol_number(id, qualifiers)?, qualifiers.protocol),
        }
    }

    fn address(&self, qualifiers: Qualifiers, id: &Id) -> Result<Condition, String> {
        let Qualifiers { protocol, direction, kind } = qualifiers;
        match id {
            Id::Link(mac) if kind == Kind::Net || protocol != Some(Protocol::Link) => {
                Err(format!("{mac} is a link address: write ether host before it"))
            }
            Id::Link(mac) => self.station(*mac, direction),
            Id::Name(name) if kind == Kind::Net => {
                let (address, mask) = promoted(names::network(name)?);
                self.host4(address, mask, protocol, direction)
            }
            Id::Name(name) if protocol == Some(Protocol::Link) => self.station(names::station(name)?, direction),
            Id::Name(name) => self.named_host(name, qualifiers),
            Id::Number(node) if protocol == Some(Protocol::Decnet) => self.decnet(*node, direction),
            Id::Decnet(address) => self.decnet(*address, direction),
            Id::Number(number) => {
                let net = kind == Kind::Net;
                let (address, mask) = if net { promoted(*number) } else { (*number, u32::MAX) };
                self.host4(address, mask, protocol, direction)
            }
            Id::Address4 { address, bits } => {
                let mask = u32::MAX.checked_shl(32 - bits.min(&32)).unwrap_or(0);
                self.host4(address.to_bits(), mask, protocol, direction)
            }
            Id::Net4 { address, mask } if kind == Kind::Net => {
                self.host4(address.to_bits(), mask.to_bits(), protocol, direction)
            }
            Id::Address6(address) => self.host6(*address, 128, protocol, direction),
            Id::Net6 { prefix, .. } if *prefix > 128 => Err("a prefix has at most 128 bits".to_owned()),
            Id::Net6 { address, prefix } => {
                let hosts = u128::MAX.checked_shr(*prefix).unwrap_or(0);
                if address.to_bits() & hosts != 0 {
                    return Err("the address has bits set beyond its prefix".to_owned());
                }
                if kind != Kind::Net && *prefix != 128 {
                    return Err("a prefix goes with net".to_owned());
                }
                self.host6(*address, *prefix, protocol, direction)
            }
            Id::Net4 { .. } => Err("a mask or prefix goes with net".to_owned()),
        }
    }

    fn named_host(&self, name: &str, qualifiers: Qualifiers) -> Result<Condition, String> {
        let Qualifiers { protocol, direction, .. } = qualifiers;
        if !self.options.look_up {
            return Err("names of hosts are not looked up here".to_owned());
        }
        // Where nothing tells ARP, only IP is asked for.
        let bare = protocol.is_none() && matches!(self.link, Link::Raw | Link::Ipv4 | Link::Ipv6);
        let mut found = Vec::new();
        for address in names::host(name)? {
            match address {
                IpAddr::V4(_) if protocol == Some(Protocol::Ip6) => {}
                IpAddr::V6(_) if protocol == Some(Protocol::Ip) => {}
                IpAddr::V4(address) => {
                    let protocol = if bare { Some(Protocol::Ip) } else { protocol };
                    found.push(self.host4(address.to_bits(), u32::MAX, protocol, direction)?);
                }
                IpAddr::V6(address) => found.push(self.host6(address, 128, protocol, direction)?),
            }
        }
        if found.is_empty() {
            return Err(format!("{name} has no address of this kind"));
        }
        Ok(Condition::Any(found))
    }

    fn ports(&self, qualifiers: Qualifiers, id: &Id) -> Result<Condition, String> {
        let asked = match qualifiers.protocol {
            None => None,
            Some(Protocol::Tcp) => Some(TCP),
            Some(Protocol::Udp) => Some(UDP),
            Some(Protocol::Sctp) => Some(SCTP),
            Some(_) => return Err("ports belong to tcp, udp and sctp".to_owned()),
        };
        let range = qualifiers.kind == Kind::PortRange;
        let (low, high, of) = match id {
            Id::Number(number) if *number > 0xffff => return Err("a port is at most 65535".to_owned()),
            Id::Number(number) => (*number, *number, None),
            Id::Name(name) if range => port_range(name)?,
            Id::Name(name) => {
                let (port, of) = names::port(name)?;
                (port, port, of)
            }
            _ => return Err("this is an address, not a port".to_owned()),
        };
        let transport = match (asked, of) {
            (Some(asked), Some(of)) if asked != of => {
                let name = if of == TCP { "tcp" } else { "udp" };
                return Err(format!("this service is known over {name} only"));
            }
            (asked, of) => asked.or(of),
        };
        self.port(Ports { low: low.min(high), high: low.max(high), range }, transport, qualifiers.direction)
    }

    /// The value, and the condition under which it is there. The reference keeps the condition of the leftmost operand
    /// only, and so does this.
    fn arithmetic(&mut self, arithmetic: &Arithmetic) -> Result<(Value, Option<Condition>), Error> {
        match arithmetic {
            Arithmetic::Number(number) => Ok((Value::Number(*number), None)),
            Arithmetic::Length => Ok((Value::Length, None)),
            Arithmetic::Negate(inner) => {
                let (value, guard) = self.arithmetic(inner)?;
                Ok((value.negated(), guard))
            }
            Arithmetic::Binary { operator, left, right, span } => {
                let (left, guard) = self.arithmetic(left)?;
                let (right, _) = self.arithmetic(right)?;
                let shift = matches!(operator, Operator::ShiftLeft | Operator::ShiftRight);
                if shift && matches!(right, Value::Number(32..)) {
                    return Err(Error::new(span.clone(), "a shift by more than 31 bits leaves nothing"));
                }
                let value = Value::binary(*operator, left, right);
                Ok((value.ok_or_else(|| Error::new(span.clone(), "this is a division by zero"))?, guard))
            }
            Arithmetic::Load { protocol, index, size, span } => {
                let (index, guard) = self.arithmetic(index)?;
                let size = match size {
                    1 => Size::Byte,
                    2 => Size::Half,
                    _ => Size::Word,
                };
                self.field(*protocol, index, guard, size).map_err(|message| at(span, message))
            }
        }
    }

    /// `protocol[index]`, and that the packet is one of that protocol.
    fn field(
        &self,
        protocol: Protocol,
        index: Value,
        guard: Option<Condition>,
        size: Size,
    ) -> Result<(Value, Option<Condition>), String> {
        let all = |parts: Vec<Condition>| Some(Condition::All(guard.clone().into_iter().chain(parts).collect()));
        match protocol {
            Protocol::Link => Ok((self.header.indexed(0, index, size), guard)),
            Protocol::Ip
            | Protocol::Arp
            | Protocol::Rarp
            | Protocol::Atalk
            | Protocol::Decnet
            | Protocol::Sca
            | Protocol::Lat
            | Protocol::Moprc
            | Protocol::Mopdl
            | Protocol::Ip6 => {
                let value = self.payload.indexed(self.network, index, size);
                Ok((value, all(vec![self.protocol(protocol)?])))
            }
            Protocol::Icmp6 => {
                let value = self.payload.indexed(self.network.wrapping_add(40), index, size);
                let next = Condition::equal(self.ipv6_next(), super::protocols::ICMP6);
                Ok((value, all(vec![self.carries(ether::IPV6)?, next])))
            }
            Protocol::Sctp
            | Protocol::Tcp
            | Protocol::Udp
            | Protocol::Icmp
            | Protocol::Igmp
            | Protocol::Igrp
            | Protocol::Pim
            | Protocol::Vrrp
            | Protocol::Carp => {
                let ip = self.carries(ether::IPV4)?;
                let parts = guard.into_iter().chain([self.protocol(protocol)?, self.begins_datagram()]);
                let whole = [ip].into_iter().chain(parts).collect();
                Ok((self.transport(index, size), Some(Condition::All(whole))))
            }
            _ => Err("the bytes of this protocol have no fixed place".to_owned()),
        }
    }

    fn transport(&self, index: Value, size: Size) -> Value {
        match index {
            Value::Number(number) => self.over_ipv4(number, size, Meaning::NONE),
            index => {
                let start = self.payload.constant.wrapping_add(self.network);
                let base = Some(std::rc::Rc::new(self.ipv4_length().plus(index)));
                Value::Load { base, offset: start, size, meaning: super::condition::Label(Meaning::NONE) }
            }
        }
    }
}

/// `PACKET_OUTGOING` of `linux/if_packet.h`, also in cooked headers.
const SENT_BY_THIS_HOST: u32 = 4;

fn at(span: &Range<usize>, message: String) -> Error {
    Error::new(span.clone(), message)
}

/// A network number of one to four bytes moved to the left, and the mask of as many bytes.
fn promoted(number: u32) -> (u32, u32) {
    let (mut address, mut mask) = (number, u32::MAX);
    while address != 0 && address >> 24 == 0 {
        (address, mask) = (address << 8, mask << 8);
    }
    (address, mask)
}

fn protocol_number(id: &Id, qualifiers: Qualifiers) -> Result<u32, String> {
    match id {
        Id::Number(number) => Ok(*number),
        Id::Name(name) => names::protocol(name, qualifiers.protocol),
        _ => Err("this is an address, not a protocol".to_owned()),
    }
}

/// `6000-6008`, or two names of services with a dash between them.
fn port_range(text: &str) -> Result<(u32, u32, Option<u32>), String> {
    let (low, high) = text.split_once('-').ok_or("a range is two ports with a dash: 6000-6008")?;
    let ((low, first), (high, second)) = (names::port(low)?, names::port(high)?);
    Ok((low, high, if first == second { first } else { None }))
}
