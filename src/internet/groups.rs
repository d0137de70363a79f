//! Group membership: IGMP for IPv4 and its IPv6 twin MLD, which travels in ICMPv6.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::bytes::{Codes, Fault, Part, Reader, Record};

/// Kinds of IGMP messages (IANA "IGMP type numbers").
pub const IGMP_TYPES: Codes = Codes(&[
    (0x11, "membership query"),
    (0x12, "membership report v1"),
    (0x13, "DVMRP"),
    (0x14, "PIM v1"),
    (0x16, "membership report v2"),
    (0x17, "leave group"),
    (0x1e, "multicast traceroute response"),
    (0x1f, "multicast traceroute"),
    (0x22, "membership report v3"),
    (0x30, "multicast router advertisement"),
    (0x31, "multicast router solicitation"),
    (0x32, "multicast router termination"),
]);

/// What a group record says (RFC 9776, section 4.2.12; RFC 9777, section 5.2.12).
pub const RECORD_TYPES: Codes = Codes(&[
    (1, "mode is include"),
    (2, "mode is exclude"),
    (3, "change to include"),
    (4, "change to exclude"),
    (5, "allow new sources"),
    (6, "block old sources"),
]);

/// An IGMP message: version 1 (RFC 1112), 2 (RFC 2236) or 3 (RFC 9776).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Igmp {
    /// Kind of message: see [`IGMP_TYPES`].
    pub kind: u8,
    /// Checksum over the message.
    pub checksum: u16,
    /// The group; unspecified for all groups, and in a version 3 report.
    pub group: Ipv4Addr,
}

impl Default for Igmp {
    fn default() -> Self {
        Igmp { kind: 0, checksum: 0, group: Ipv4Addr::UNSPECIFIED }
    }
}

impl Igmp {
    /// Reads the whole message.
    pub fn read<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        self.kind = r.hex_code8("type", IGMP_TYPES)?;
        if self.kind == 0x22 {
            r.u8("reserved")?;
            self.checksum = r.hex16("checksum")?;
            r.u16("flags")?;
            let count = r.u16("number of group records")?;
            return records(r, count, |r, name| r.ipv4(name).map(drop));
        }
        r.u8("max response time")?;
        self.checksum = r.hex16("checksum")?;
        self.group = r.ipv4("group address")?;
        match self.kind {
            0x11 if r.remaining() > 0 => query_tail(r, |r, name| r.ipv4(name).map(drop)),
            _ => Ok(()),
        }
    }
}

/// A version 2 listener query goes on behind the group; the older messages end there.
pub(super) fn listener<R: Record>(r: &mut Reader<'_, R>) -> Result<Ipv6Addr, Fault> {
    r.u16("maximum response delay")?;
    r.u16("reserved")?;
    let group = r.ipv6("multicast address")?;
    if r.remaining() > 0 {
        query_tail(r, |r, name| r.ipv6(name).map(drop))?;
    }
    Ok(group)
}

/// A version 2 listener report, RFC 9777 section 5.2.
pub(super) fn listener_report<R: Record>(r: &mut Reader<'_, R>) -> Result<Ipv6Addr, Fault> {
    r.hex16("flags")?;
    let count = r.u16("number of records")?;
    records(r, count, |r, name| r.ipv6(name).map(drop))?;
    Ok(Ipv6Addr::UNSPECIFIED)
}

/// Reads one address under a name.
type Address<'f, R> = fn(&mut Reader<'f, R>, &'static str) -> Result<(), Fault>;

/// What IGMPv3 and MLDv2 add to a query.
fn query_tail<'f, R: Record>(r: &mut Reader<'f, R>, address: Address<'f, R>) -> Result<(), Fault> {
    r.bits::<1, 3>(&[
        Part::number("query flags", 4),
        Part::flag("suppress router processing"),
        Part::number("querier robustness", 3),
    ])?;
    r.u8("querier query interval code")?;
    let count = r.u16("number of sources")?;
    for _ in 0..count {
        address(r, "source address")?;
    }
    Ok(())
}

fn records<'f, R: Record>(r: &mut Reader<'f, R>, count: u16, address: Address<'f, R>) -> Result<(), Fault> {
    for _ in 0..count {
        r.code8("record type", RECORD_TYPES)?;
        let auxiliary = r.units8("auxiliary data length", 4)?;
        let sources = r.u16("number of sources")?;
        address(r, "multicast address")?;
        for _ in 0..sources {
            address(r, "source address")?;
        }
        r.bytes("auxiliary data", usize::from(auxiliary).saturating_mul(4))?;
    }
    Ok(())
}
