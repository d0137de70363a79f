//! What an expression says, as a tree. Order matters: `vlan`, `mpls`, `pppoes` and `geneve` move the offsets of all
//! that is written after them.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use super::program::Operator;
use crate::bytes::Mac;

/// A condition on a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expression {
    /// Every one holds, tried in order.
    All(Vec<Expression>),
    /// At least one holds, tried in order.
    Any(Vec<Expression>),
    Not(Box<Expression>),
    Primitive(Primitive, Range<usize>),
}

/// A condition without `and`, `or` and `not`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Primitive {
    /// A protocol's name alone: `tcp`.
    Protocol(Protocol),
    /// Qualifiers and what they qualify: `src net 10.0.0.0/8`, also with the qualifiers of the term before.
    Qualified(Qualifiers, Id),
    Relation(Arithmetic, Relation, Arithmetic),
    Broadcast(Option<Protocol>),
    Multicast(Option<Protocol>),
    /// `byte 12 = 8`: an older spelling of `link[12] = 8`.
    Byte(u32, Relation, u32),
    Inbound,
    Outbound,
    InterfaceIndex(u32),
    Vlan(Option<u32>),
    Mpls(Option<u32>),
    PppoeDiscovery,
    PppoeSession(Option<u32>),
    Geneve(Option<u32>),
    Llc(Option<LlcType>),
}

/// The protocol qualifiers, which are also the names of layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Link,
    Ip,
    Ip6,
    Arp,
    Rarp,
    Tcp,
    Udp,
    Sctp,
    Icmp,
    Icmp6,
    Igmp,
    Igrp,
    Pim,
    Vrrp,
    Carp,
    Ah,
    Esp,
    Atalk,
    Aarp,
    Decnet,
    Lat,
    Sca,
    Moprc,
    Mopdl,
    Iso,
    Esis,
    Isis,
    Clnp,
    IsisLevel1,
    IsisLevel2,
    IsisHello,
    IsisLinkState,
    IsisSequence,
    IsisComplete,
    IsisPartial,
    Stp,
    Ipx,
    Netbeui,
    Radio,
}

/// Which end of a packet is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Source,
    Destination,
    /// `src or dst`, and where nothing is said.
    Either,
    /// `src and dst`.
    Both,
}

/// What kind of thing an id is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing was said: a host.
    Unsaid,
    Host,
    Net,
    Port,
    PortRange,
    Proto,
    ProtoChain,
    Gateway,
}

/// The qualifiers of an id. A term that is only an id takes those of the term before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Qualifiers {
    pub protocol: Option<Protocol>,
    /// None where nothing was said, which means either end.
    pub direction: Option<Direction>,
    pub kind: Kind,
}

/// What is qualified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Id {
    Name(String),
    Number(u32),
    /// The leading bytes of an IPv4 address, as many as were written, left-justified; `bits` of them count.
    Address4 {
        address: Ipv4Addr,
        bits: u32,
    },
    Net4 {
        address: Ipv4Addr,
        mask: Ipv4Addr,
    },
    /// Area and node of DECnet, `area << 10 | node`.
    Decnet(u32),
    Address6(Ipv6Addr),
    Net6 {
        address: Ipv6Addr,
        prefix: u32,
    },
    Link(Mac),
}

/// A number computed from the packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Number(u32),
    /// The length of the packet on the wire, in bytes.
    Length,
    /// `protocol[index:size]`.
    Load {
        protocol: Protocol,
        index: Box<Arithmetic>,
        size: u32,
        span: Range<usize>,
    },
    Binary {
        operator: Operator,
        left: Box<Arithmetic>,
        right: Box<Arithmetic>,
        /// Where the right operand stands: it may turn out to be a zero to divide by.
        span: Range<usize>,
    },
    Negate(Box<Arithmetic>),
}

/// A comparison and whether its answer is turned round: `<` is "not at least".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Relation {
    pub comparison: Comparison,
    pub negated: bool,
}

/// The comparisons that the machine has; all are unsigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Comparison {
    Equal,
    Greater,
    GreaterOrEqual,
    /// At least one bit in common.
    CommonBit,
}

/// What kind of LLC frame, IEEE 802.2 §5: `value` under `mask` in the control byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LlcType {
    pub mask: u32,
    pub value: u32,
}
