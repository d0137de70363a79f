//! Extension headers of IPv6.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::net::Ipv6Addr;

use super::protocols::{PROTOCOLS, ROUTER_ALERTS};
use crate::bytes::{Codes, Fault, Part, Reader, Record};

/// Option types of the hop-by-hop and destination options headers (IANA "destination options and hop-by-hop options").
pub const OPTION_TYPES: Codes = Codes(&[
    (0x00, "Pad1"),
    (0x01, "PadN"),
    (0x04, "tunnel encapsulation limit"),
    (0x05, "router alert"),
    (0x07, "CALIPSO"),
    (0x08, "SMF_DPD"),
    (0x0f, "PDM"),
    (0x11, "IOAM"),
    (0x12, "alternate marking"),
    (0x1e, "experiment"),
    (0x22, "TNA"),
    (0x23, "RPL option"),
    (0x26, "quick-start"),
    (0x30, "minimum path MTU"),
    (0x31, "IOAM"),
    (0x32, "alternate marking"),
    (0x3e, "experiment"),
    (0x4d, "deprecated"),
    (0x5e, "experiment"),
    (0x63, "RPL option"),
    (0x6d, "MPL option"),
    (0x7e, "experiment"),
    (0x8a, "endpoint identification"),
    (0x8b, "ILNP nonce"),
    (0x8c, "line-identification"),
    (0x93, "VPN service"),
    (0x9e, "experiment"),
    (0xbe, "experiment"),
    (0xc2, "jumbo payload"),
    (0xc9, "home address"),
    (0xde, "experiment"),
    (0xee, "IPv6 DFF header"),
    (0xfe, "experiment"),
]);

/// Types of the routing header (IANA "IPv6 routing types").
pub const ROUTING_TYPES: Codes = Codes(&[
    (0, "source route (deprecated)"),
    (1, "nimrod (deprecated)"),
    (2, "mobility"),
    (3, "RPL source route"),
    (4, "segment routing"),
    (5, "CRH-16"),
    (6, "CRH-32"),
    (253, "experiment 1"),
    (254, "experiment 2"),
]);

/// A hop-by-hop options or destination options header, RFC 8200 sections 4.3 and 4.6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Options {
    /// What comes next: see [`PROTOCOLS`].
    pub next_header: u8,
    /// Bytes of this header.
    pub length: u16,
    /// Bytes behind the IPv6 header of a jumbogram (RFC 2675).
    pub jumbo: Option<u32>,
    /// Value of the router alert option (RFC 2711).
    pub router_alert: Option<u16>,
    /// The mobile node's own address, which the checksums cover in place of the source (RFC 6275).
    pub home_address: Option<Ipv6Addr>,
}

impl Options {
    /// Reads the header with its options.
    pub fn read<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        let body;
        (self.next_header, self.length, body) = start(r)?;
        r.area("options", body, "unread options", |r| {
            while r.remaining() > 0 {
                let kind = r.hex_code8("option type", OPTION_TYPES)?;
                if kind == 0 {
                    continue;
                }
                let length = r.u8("option length")?;
                r.area("option data", length.into(), "option data", |r| self.option(r, kind))?;
            }
            Ok(())
        })
    }

    fn option<R: Record>(&mut self, r: &mut Reader<'_, R>, kind: u8) -> Result<(), Fault> {
        match kind {
            0x01 => drop(r.rest("padding")),
            0x04 => drop(r.u8("tunnel encapsulation limit")?),
            0x05 => self.router_alert = Some(r.code16("router alert", ROUTER_ALERTS)?),
            0x26 => {
                r.bits::<2, 3>(&[
                    Part::code("function", 4, super::ipv4_options::QUICK_START_FUNCTIONS),
                    Part::number("rate", 4),
                    Part::number("quick-start ttl", 8),
                ])?;
                r.bits::<4, 2>(&[Part::hex("nonce", 30), Part::number("quick-start reserved", 2)])?;
            }
            0x30 => {
                r.u16("minimum path mtu")?;
                r.bits::<2, 2>(&[Part::units("returned path mtu", 15, 2), Part::flag("return")])?;
            }
            0xc2 => self.jumbo = Some(r.u32("jumbo payload length")?),
            0xc9 => self.home_address = Some(r.ipv6("home address")?),
            _ => {}
        }
        Ok(())
    }
}

/// A routing header, RFC 8200 section 4.4; type 2 RFC 6275, type 4 RFC 8754.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Routing {
    /// What comes next: see [`PROTOCOLS`].
    pub next_header: u8,
    /// Bytes of this header.
    pub length: u16,
    /// Kind of route: see [`ROUTING_TYPES`].
    pub routing_type: u8,
    /// Listed nodes that are still to be visited.
    pub segments_left: u8,
    /// The last node of a route that is not used up, which the checksums cover in place of the destination.
    pub final_destination: Option<Ipv6Addr>,
}

impl Routing {
    /// Reads the header with the addresses it lists.
    pub fn read<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        let body;
        (self.next_header, self.length, body) = start(r)?;
        r.area("type-specific data", body, "type-specific data", |r| {
            self.routing_type = r.code8("routing type", ROUTING_TYPES)?;
            self.segments_left = r.u8("segments left")?;
            match self.routing_type {
                0 | 2 => {
                    r.u32("reserved")?;
                    self.addresses(r, usize::MAX, false)
                }
                4 => {
                    let last = r.u8("last entry")?;
                    r.hex8("flags")?;
                    r.hex16("tag")?;
                    self.addresses(r, usize::from(last).saturating_add(1), true)
                }
                _ => Ok(()),
            }
        })
    }

    /// Segment routing lists the route backwards, the older types forwards.
    fn addresses<R: Record>(&mut self, r: &mut Reader<'_, R>, limit: usize, backwards: bool) -> Result<(), Fault> {
        for at in 0..limit {
            if r.remaining() < 16 {
                break;
            }
            let address = r.ipv6("route address")?;
            if self.segments_left > 0 && (at == 0 || !backwards) {
                self.final_destination = Some(address);
            }
        }
        Ok(())
    }
}

/// A fragment header, RFC 8200 section 4.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Fragment {
    /// What the datagram carries: see [`PROTOCOLS`].
    pub next_header: u8,
    /// Where this fragment belongs in the datagram, in bytes (a multiple of 8).
    pub fragment_offset: u16,
    /// This is not the last fragment.
    pub more_fragments: bool,
    /// Shared by the fragments of a datagram.
    pub identification: u32,
}

impl Fragment {
    /// Whether this is one of several fragments; the only one is called atomic (RFC 6946).
    pub fn is_fragment(self) -> bool {
        self.more_fragments || self.fragment_offset > 0
    }

    /// Reads the eight bytes.
    pub fn read<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        self.next_header = r.code8("next header", PROTOCOLS)?;
        r.u8("reserved")?;
        let [offset, _, more] = r.bits::<2, 3>(&[
            Part::units("fragment offset", 13, 8),
            Part::number("reserved 2", 2),
            Part::flag("more fragments"),
        ])?;
        self.fragment_offset = (offset as u16).wrapping_mul(8);
        self.more_fragments = more != 0;
        self.identification = r.hex32("identification")?;
        Ok(())
    }
}

/// What most extension headers begin with: the next header, their length in bytes, and the bytes that follow.
fn start<R: Record>(r: &mut Reader<'_, R>) -> Result<(u8, u16, usize), Fault> {
    let next = r.code8("next header", PROTOCOLS)?;
    let length = u16::from(r.units8("header extension length", 8)?).saturating_add(1).saturating_mul(8);
    Ok((next, length, usize::from(length).saturating_sub(2)))
}
