//! Internet Control Message Protocol, both versions: one reader, two tables.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::net::{Ipv4Addr, Ipv6Addr};

pub use super::icmp_codes::{
    EXTENDED_ECHO, NEIGHBOUR_STATES, PARAMETER_PROBLEMS, PARAMETER_PROBLEMS_V6, PREFERENCES, REDIRECTS, TIME_EXCEEDED,
    TYPES, TYPES_V6, UNREACHABLE, UNREACHABLE_V6,
};
use super::{groups, neighbour};
use crate::bytes::{Codes, Fault, Part, Reader, Record};

/// An ICMP message: RFC 792 for IPv4, RFC 4443 for IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Icmp {
    /// Which of the two.
    pub version: Version,
    /// Kind of message: see [`TYPES`] and [`TYPES_V6`].
    pub kind: u8,
    /// What exactly; its meaning depends on the kind.
    pub code: u8,
    /// Checksum over the message, for IPv6 over the addresses too.
    pub checksum: u16,
    /// What the kind adds.
    pub message: Message,
}

/// The IP version that an ICMP message belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Version {
    /// ICMP for IPv4.
    #[default]
    V4,
    /// ICMP for IPv6.
    V6,
}

/// What the kinds of ICMP messages say beyond type and code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Message {
    /// Nothing more, or a kind whose content is shown as bytes.
    #[default]
    Other,
    /// Echo request or reply, timestamp, information and address mask: which question an answer belongs to.
    Query {
        /// Names the asking process.
        identifier: u16,
        /// Counts its questions.
        sequence_number: u16,
    },
    /// An error about the datagram that is quoted behind this header.
    Error {
        /// Next-hop MTU (bytes), pointer (bytes into the quoted datagram) or 0, depending on the kind.
        parameter: u32,
        /// Bytes of the quoted datagram when extensions follow it (RFC 4884), else 0.
        quoted_length: u16,
    },
    /// IPv4: use this gateway for the quoted datagram's destination.
    Redirect(Ipv4Addr),
    /// IPv6: reach `destination` through `target`.
    RedirectV6 {
        /// The better first hop.
        target: Ipv6Addr,
        /// Whose datagrams to send there.
        destination: Ipv6Addr,
    },
    /// Who has this address?
    NeighbourSolicitation(Ipv6Addr),
    /// The owner of an address speaks.
    NeighbourAdvertisement {
        /// The address.
        target: Ipv6Addr,
        /// Its owner is a router.
        router: bool,
        /// It was asked.
        solicited: bool,
        /// Replaces what was known.
        overrides: bool,
    },
    /// A router presents itself; lifetime as default router in seconds.
    RouterAdvertisement(u16),
    /// Group membership (MLD): the group, or unspecified for all or several.
    Group(Ipv6Addr),
}

/// How the bytes behind the checksum are to be read.
#[derive(Clone, Copy)]
enum Shape {
    Other,
    Query,
    Timestamp,
    Mask,
    ExtendedRequest,
    ExtendedReply,
    /// An error with its eight bits before and sixteen behind the length of RFC 4884.
    Error(&'static str, &'static str),
    /// An IPv6 error whose first byte is the length of RFC 4884.
    ErrorV6,
    /// An IPv6 error with a 32-bit parameter.
    Parameter(&'static str),
    Redirect,
    RouterList,
    Reserved,
    RouterAdvertisement,
    Solicitation,
    Advertisement,
    RedirectV6,
    NodeInformation,
    Listener,
    ListenerReport,
}

/// The table for IPv4: the meaning of the code, and how to read on.
fn row_v4(kind: u8, code: u8) -> (Codes, Shape) {
    match (kind, code) {
        (0 | 8 | 15 | 16, _) => (Codes::NONE, Shape::Query),
        (3, 4) => (UNREACHABLE, Shape::Error("unused", "next-hop mtu")),
        (3, _) => (UNREACHABLE, Shape::Error("unused", "unused 2")),
        (4, _) => (Codes::NONE, Shape::Error("unused", "unused 2")),
        (5, _) => (REDIRECTS, Shape::Redirect),
        (9, _) => (Codes::NONE, Shape::RouterList),
        (10, _) => (Codes::NONE, Shape::Reserved),
        (11, _) => (TIME_EXCEEDED, Shape::Error("unused", "unused 2")),
        (12, _) => (PARAMETER_PROBLEMS, Shape::Error("pointer", "unused")),
        (13 | 14, _) => (Codes::NONE, Shape::Timestamp),
        (17 | 18, _) => (Codes::NONE, Shape::Mask),
        (42, _) => (EXTENDED_ECHO, Shape::ExtendedRequest),
        (43, _) => (EXTENDED_ECHO, Shape::ExtendedReply),
        _ => (Codes::NONE, Shape::Other),
    }
}

/// The table for IPv6.
fn row_v6(kind: u8) -> (Codes, Shape) {
    match kind {
        1 => (UNREACHABLE_V6, Shape::ErrorV6),
        2 => (Codes::NONE, Shape::Parameter("mtu")),
        3 => (TIME_EXCEEDED, Shape::ErrorV6),
        4 => (PARAMETER_PROBLEMS_V6, Shape::Parameter("pointer")),
        128 | 129 => (Codes::NONE, Shape::Query),
        130..=132 => (Codes::NONE, Shape::Listener),
        133 => (Codes::NONE, Shape::Reserved),
        134 => (Codes::NONE, Shape::RouterAdvertisement),
        135 => (Codes::NONE, Shape::Solicitation),
        136 => (Codes::NONE, Shape::Advertisement),
        137 => (Codes::NONE, Shape::RedirectV6),
        139 | 140 => (Codes::NONE, Shape::NodeInformation),
        143 => (Codes::NONE, Shape::ListenerReport),
        160 => (EXTENDED_ECHO, Shape::ExtendedRequest),
        161 => (EXTENDED_ECHO, Shape::ExtendedReply),
        _ => (Codes::NONE, Shape::Other),
    }
}

impl Icmp {
    /// Whether a datagram is quoted behind this header.
    pub fn is_error(&self) -> bool {
        matches!(self.message, Message::Error { .. } | Message::Redirect(_) | Message::RedirectV6 { .. })
    }

    /// Reads a message for IPv4.
    pub fn read_v4<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        self.version = Version::V4;
        self.kind = r.code8("type", TYPES)?;
        let code = r.peek().first().copied().unwrap_or_default();
        let (codes, shape) = row_v4(self.kind, code);
        self.read(r, codes, shape)
    }

    /// Reads a message for IPv6.
    pub fn read_v6<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        self.version = Version::V6;
        self.kind = r.code8("type", TYPES_V6)?;
        let (codes, shape) = row_v6(self.kind);
        self.read(r, codes, shape)
    }

    fn read<R: Record>(&mut self, r: &mut Reader<'_, R>, codes: Codes, shape: Shape) -> Result<(), Fault> {
        self.code = r.code8("code", codes)?;
        self.checksum = r.hex16("checksum")?;
        self.message = match shape {
            Shape::Other => Message::Other,
            Shape::Query => query(r)?,
            Shape::Timestamp => timestamp(r)?,
            Shape::Mask => {
                let message = query(r)?;
                r.ipv4("address mask")?;
                message
            }
            Shape::ExtendedRequest => extended_request(r)?,
            Shape::ExtendedReply => extended_reply(r)?,
            Shape::Error(before, behind) => error(r, before, behind)?,
            Shape::ErrorV6 => error_v6(r)?,
            Shape::Parameter(name) => Message::Error { parameter: r.u32(name)?, quoted_length: 0 },
            Shape::Redirect => Message::Redirect(r.ipv4("gateway address")?),
            Shape::RouterList => router_list(r)?,
            Shape::Reserved => {
                r.u32("reserved")?;
                Message::Other
            }
            Shape::RouterAdvertisement => router_advertisement(r)?,
            Shape::Solicitation => {
                r.u32("reserved")?;
                Message::NeighbourSolicitation(r.ipv6("target address")?)
            }
            Shape::Advertisement => neighbour_advertisement(r)?,
            Shape::RedirectV6 => {
                r.u32("reserved")?;
                let target = r.ipv6("target address")?;
                Message::RedirectV6 { target, destination: r.ipv6("destination address")? }
            }
            Shape::NodeInformation => node_information(r)?,
            Shape::Listener => groups::listener(r).map(Message::Group)?,
            Shape::ListenerReport => groups::listener_report(r).map(Message::Group)?,
        };
        if self.version == Version::V6 && matches!(self.kind, 133..=137) {
            neighbour::options(r);
        }
        Ok(())
    }
}

fn query<R: Record>(r: &mut Reader<'_, R>) -> Result<Message, Fault> {
    Ok(Message::Query { identifier: r.u16("identifier")?, sequence_number: r.u16("sequence number")? })
}

fn timestamp<R: Record>(r: &mut Reader<'_, R>) -> Result<Message, Fault> {
    let message = query(r)?;
    r.u32("originate timestamp")?;
    r.u32("receive timestamp")?;
    r.u32("transmit timestamp")?;
    Ok(message)
}

fn extended_request<R: Record>(r: &mut Reader<'_, R>) -> Result<Message, Fault> {
    let identifier = r.u16("identifier")?;
    let sequence_number = r.u8("sequence number")?.into();
    r.bits::<1, 2>(&[Part::number("reserved", 7), Part::flag("local")])?;
    Ok(Message::Query { identifier, sequence_number })
}

fn extended_reply<R: Record>(r: &mut Reader<'_, R>) -> Result<Message, Fault> {
    let identifier = r.u16("identifier")?;
    let sequence_number = r.u8("sequence number")?.into();
    r.bits::<1, 5>(&[
        Part::code("state", 3, NEIGHBOUR_STATES),
        Part::number("reserved", 2),
        Part::flag("active"),
        Part::flag("ipv4 running"),
        Part::flag("ipv6 running"),
    ])?;
    Ok(Message::Query { identifier, sequence_number })
}

fn error<R: Record>(r: &mut Reader<'_, R>, before: &'static str, behind: &'static str) -> Result<Message, Fault> {
    let first = r.u8(before)?;
    let quoted_length = u16::from(r.units8("length", 4)?).saturating_mul(4);
    let last = r.u16(behind)?;
    let parameter = if before == "pointer" { first.into() } else { last.into() };
    Ok(Message::Error { parameter, quoted_length })
}

fn error_v6<R: Record>(r: &mut Reader<'_, R>) -> Result<Message, Fault> {
    let quoted_length = u16::from(r.units8("length", 8)?).saturating_mul(8);
    r.bits::<3, 1>(&[Part::number("unused", 24)])?;
    Ok(Message::Error { parameter: 0, quoted_length })
}

/// ICMP router discovery, RFC 1256.
fn router_list<R: Record>(r: &mut Reader<'_, R>) -> Result<Message, Fault> {
    let count = r.u8("number of addresses")?;
    r.units8("address entry size", 4)?;
    let lifetime = r.u16("lifetime")?;
    for _ in 0..count {
        r.ipv4("router address")?;
        r.u32("preference level")?;
    }
    Ok(Message::RouterAdvertisement(lifetime))
}

/// RFC 4861 section 4.2, with the bits of RFC 6275, RFC 4191 and RFC 4389.
fn router_advertisement<R: Record>(r: &mut Reader<'_, R>) -> Result<Message, Fault> {
    r.u8("current hop limit")?;
    r.bits::<1, 6>(&[
        Part::flag("managed"),
        Part::flag("other configuration"),
        Part::flag("home agent"),
        Part::code("router preference", 2, PREFERENCES),
        Part::flag("proxy"),
        Part::number("reserved", 2),
    ])?;
    let lifetime = r.u16("router lifetime")?;
    r.u32("reachable time")?;
    r.u32("retransmission timer")?;
    Ok(Message::RouterAdvertisement(lifetime))
}

fn neighbour_advertisement<R: Record>(r: &mut Reader<'_, R>) -> Result<Message, Fault> {
    let [router, solicited, overrides, _] = r.bits::<4, 4>(&[
        Part::flag("router"),
        Part::flag("solicited"),
        Part::flag("override"),
        Part::number("reserved", 29),
    ])?;
    Ok(Message::NeighbourAdvertisement {
        target: r.ipv6("target address")?,
        router: router != 0,
        solicited: solicited != 0,
        overrides: overrides != 0,
    })
}

/// RFC 4620.
fn node_information<R: Record>(r: &mut Reader<'_, R>) -> Result<Message, Fault> {
    r.u16("query type")?;
    r.hex16("flags")?;
    r.bytes("nonce", 8)?;
    Ok(Message::Other)
}
