//! Internet Protocol, version 6.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::net::Ipv6Addr;

use super::protocols::{DSCP, ECN, PROTOCOLS};
use crate::bytes::{Fault, Part, Reader, Record};

/// An IPv6 header, RFC 8200 section 3, its traffic class split as in RFC 2474 and RFC 3168.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv6 {
    /// Differentiated services code point, 0–63.
    pub dscp: u8,
    /// Explicit congestion notification, 0–3.
    pub ecn: u8,
    /// Names a flow of datagrams, 20 bits.
    pub flow_label: u32,
    /// Bytes behind this header, extension headers included; 0 for a jumbogram.
    pub payload_length: u16,
    /// What comes next: see [`PROTOCOLS`].
    pub next_header: u8,
    /// Hops left.
    pub hop_limit: u8,
    /// Source address.
    pub source: Ipv6Addr,
    /// Destination address; under a routing header that of the next listed node.
    pub destination: Ipv6Addr,
}

impl Default for Ipv6 {
    fn default() -> Self {
        Ipv6 {
            dscp: 0,
            ecn: 0,
            flow_label: 0,
            payload_length: 0,
            next_header: 0,
            hop_limit: 0,
            source: Ipv6Addr::UNSPECIFIED,
            destination: Ipv6Addr::UNSPECIFIED,
        }
    }
}

/// The first four bytes.
const FIRST_WORD: [Part; 4] =
    [Part::number("version", 4), Part::code("dscp", 6, DSCP), Part::code("ecn", 2, ECN), Part::hex("flow label", 20)];

impl Ipv6 {
    /// Reads the 40 bytes.
    #[inline]
    pub fn read<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        let [version, dscp, ecn, flow_label] = r.bits::<4, 4>(&FIRST_WORD)?;
        if version != 6 {
            return Err(Fault::Invalid { field: "version", value: version, expected: "6" });
        }
        (self.dscp, self.ecn, self.flow_label) = (dscp as u8, ecn as u8, flow_label as u32);
        self.payload_length = r.u16("payload length")?;
        self.next_header = r.code8("next header", PROTOCOLS)?;
        self.hop_limit = r.u8("hop limit")?;
        self.source = r.ipv6("source")?;
        self.destination = r.ipv6("destination")?;
        Ok(())
    }
}
