//! The point-to-point protocol, and how it travels over Ethernet.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use crate::bytes::{Codes, Fault, Part, Reader, Record};

/// What a PPP frame carries (IANA "PPP numbers").
pub const PROTOCOLS: Codes = Codes(&[
    (0x0021, "IPv4"),
    (0x002d, "compressed TCP/IP"),
    (0x002f, "uncompressed TCP/IP"),
    (0x003d, "multilink"),
    (0x0053, "encryption"),
    (0x0057, "IPv6"),
    (0x00fd, "compressed"),
    (0x0281, "MPLS"),
    (0x8021, "IPv4 control"),
    (0x8053, "encryption control"),
    (0x8057, "IPv6 control"),
    (0x80fd, "compression control"),
    (0x8281, "MPLS control"),
    (0xc021, "link control"),
    (0xc023, "password authentication"),
    (0xc025, "link quality report"),
    (0xc223, "challenge handshake authentication"),
    (0xc227, "extensible authentication"),
]);

/// What a PPPoE packet is for (RFC 2516, section 4).
pub const PPPOE_CODES: Codes = Codes(&[
    (0x00, "session data"),
    (0x07, "offer"),
    (0x09, "initiation"),
    (0x19, "request"),
    (0x65, "confirmation"),
    (0xa7, "termination"),
]);

/// Tags of PPPoE discovery (RFC 2516, appendix A; RFC 4638; RFC 5578).
pub const PPPOE_TAGS: Codes = Codes(&[
    (0x0000, "end of list"),
    (0x0101, "service name"),
    (0x0102, "access concentrator name"),
    (0x0103, "host identifier"),
    (0x0104, "access concentrator cookie"),
    (0x0105, "vendor specific"),
    (0x0106, "credits"),
    (0x0107, "metrics"),
    (0x0108, "sequence number"),
    (0x0110, "relay session identifier"),
    (0x0120, "maximum payload"),
    (0x0201, "service name error"),
    (0x0202, "access concentrator system error"),
    (0x0203, "generic error"),
]);

/// A PPP header, RFC 1661 section 2, with the address and control bytes of RFC 1662 where they were not left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Ppp {
    /// What is carried: see [`PROTOCOLS`].
    pub protocol: u16,
}

impl Ppp {
    /// Reads the protocol and what may stand before it.
    pub fn read<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        if r.peek().starts_with(&[0xff, 0x03]) {
            r.hex8("address")?;
            r.hex8("control")?;
        }
        self.protocol = r.hex_code16("protocol", PROTOCOLS)?;
        Ok(())
    }
}

/// A PPPoE header, RFC 2516 section 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Pppoe {
    /// What the packet is for: see [`PPPOE_CODES`].
    pub code: u8,
    /// The session, 0 before there is one.
    pub session: u16,
    /// Bytes behind this header.
    pub length: u16,
}

impl Pppoe {
    /// Reads the six bytes.
    pub fn read<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        r.bits::<1, 2>(&[Part::number("version", 4), Part::number("type", 4)])?;
        self.code = r.hex_code8("code", PPPOE_CODES)?;
        self.session = r.hex16("session identifier")?;
        self.length = r.u16("length")?;
        Ok(())
    }

    /// Reads the header of a discovery packet and its tags.
    pub fn read_discovery<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        self.read(r)?;
        r.area("tags", self.length.into(), "unread tags", |r| {
            while r.remaining() > 0 {
                let tag = r.hex_code16("tag type", PPPOE_TAGS)?;
                let length = r.u16("tag length")?.into();
                match tag {
                    0x0101 | 0x0102 | 0x0201..=0x0203 => r.text("tag value", length)?,
                    _ => r.bytes("tag value", length)?,
                };
            }
            Ok(())
        })
    }
}
