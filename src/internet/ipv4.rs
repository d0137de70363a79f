//! Internet Protocol, version 4.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::net::Ipv4Addr;

use super::ipv4_options::Ipv4Options;
use super::protocols::{DSCP, ECN, PROTOCOLS};
use crate::bytes::{Fault, Part, Reader, Record};

/// Bytes of a header without options.
pub const HEADER_BYTES: usize = 20;

/// An IPv4 header, RFC 791 section 3.1, with the meaning of the second byte as in RFC 2474 and RFC 3168.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4 {
    /// Bytes of the header with its options, 20–60.
    pub header_length: u8,
    /// Differentiated services code point, 0–63.
    pub dscp: u8,
    /// Explicit congestion notification, 0–3.
    pub ecn: u8,
    /// Bytes of the datagram, this header included; 0 when segmentation offload left it open.
    pub total_length: u16,
    /// Shared by the fragments of a datagram.
    pub identification: u16,
    /// Routers must not fragment.
    pub dont_fragment: bool,
    /// This is not the last fragment.
    pub more_fragments: bool,
    /// Where this fragment's payload belongs in the datagram's, in bytes (a multiple of 8).
    pub fragment_offset: u16,
    /// Hops left.
    pub ttl: u8,
    /// What is carried: see [`PROTOCOLS`].
    pub protocol: u8,
    /// Checksum of the header.
    pub checksum: u16,
    /// Source address.
    pub source: Ipv4Addr,
    /// Destination address; under source routing that of the next listed router.
    pub destination: Ipv4Addr,
    /// What the options say.
    pub options: Ipv4Options,
}

impl Default for Ipv4 {
    fn default() -> Self {
        Ipv4 {
            header_length: 0,
            dscp: 0,
            ecn: 0,
            total_length: 0,
            identification: 0,
            dont_fragment: false,
            more_fragments: false,
            fragment_offset: 0,
            ttl: 0,
            protocol: 0,
            checksum: 0,
            source: Ipv4Addr::UNSPECIFIED,
            destination: Ipv4Addr::UNSPECIFIED,
            options: Ipv4Options::default(),
        }
    }
}

/// The first byte.
const VERSION: [Part; 2] = [Part::number("version", 4), Part::units("header length", 4, 4)];

/// The second byte.
const SERVICE: [Part; 2] = [Part::code("dscp", 6, DSCP), Part::code("ecn", 2, ECN)];

/// The two bytes behind the identification.
const FRAGMENT: [Part; 4] = [
    Part::flag("reserved"),
    Part::flag("dont fragment"),
    Part::flag("more fragments"),
    Part::units("fragment offset", 13, 8),
];

impl Ipv4 {
    /// Whether this is one of several fragments.
    pub fn is_fragment(&self) -> bool {
        self.more_fragments || self.fragment_offset > 0
    }

    /// Where the datagram ends up: the last stop of a source route that is not used up, else the destination. The
    /// checksums of TCP and UDP cover this address.
    pub fn final_destination(&self) -> Ipv4Addr {
        self.options.final_destination.unwrap_or(self.destination)
    }

    /// Reads the header and its options.
    #[inline]
    pub fn read<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        let [version, words] = r.bits::<1, 2>(&VERSION)?;
        if version != 4 {
            return Err(Fault::Invalid { field: "version", value: version, expected: "4" });
        }
        self.header_length = (words as u8).wrapping_mul(4);
        let [dscp, ecn] = r.bits::<1, 2>(&SERVICE)?;
        (self.dscp, self.ecn) = (dscp as u8, ecn as u8);
        self.total_length = r.u16("total length")?;
        self.identification = r.hex16("identification")?;
        let [_, dont_fragment, more_fragments, offset] = r.bits::<2, 4>(&FRAGMENT)?;
        (self.dont_fragment, self.more_fragments) = (dont_fragment != 0, more_fragments != 0);
        self.fragment_offset = (offset as u16).wrapping_mul(8);
        self.ttl = r.u8("ttl")?;
        self.protocol = r.code8("protocol", PROTOCOLS)?;
        self.checksum = r.hex16("checksum")?;
        self.source = r.ipv4("source")?;
        self.destination = r.ipv4("destination")?;
        let Some(options) = usize::from(self.header_length).checked_sub(HEADER_BYTES) else {
            return Err(Fault::Invalid { field: "header length", value: words, expected: "at least 5 (20 bytes)" });
        };
        if options == 0 {
            return Ok(());
        }
        r.area("options", options, "unread options", |r| self.options.read(r))
    }
}
