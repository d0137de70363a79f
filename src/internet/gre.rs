//! Generic routing encapsulation.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use crate::bytes::{Codes, Fault, Part, Reader, Record};
use crate::link::ether_type::ETHER_TYPES;

/// Versions of GRE.
pub const VERSIONS: Codes = Codes(&[(0, "standard"), (1, "enhanced, PPTP")]);

/// A GRE header: RFC 2784 with the key and sequence number of RFC 2890; version 1 as in RFC 2637.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Gre {
    /// What is carried, as an ether type.
    pub protocol: u16,
    /// 0, or 1 for PPTP.
    pub version: u8,
    /// Checksum over header and payload, where there is one.
    pub checksum: Option<u16>,
    /// Names the tunnel, where there is one; for PPTP the payload length (bytes) and the call identifier.
    pub key: Option<u32>,
    /// Number of the packet, where there is one.
    pub sequence_number: Option<u32>,
    /// The header goes on with the source route of RFC 1701, which RFC 2784 withdrew; it is not read.
    pub source_route: bool,
}

impl Gre {
    /// What tells its tunnel from others between the same addresses: the key, of which PPTP uses the lower half alone.
    pub fn tunnel(&self) -> Option<u32> {
        self.key.map(|key| if self.version == 1 { key & 0xffff } else { key })
    }

    /// Reads the header and its optional parts.
    pub fn read<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        let [checksum, routing, key, sequence, _, _, acknowledgment, _, version] = r.bits::<2, 9>(&[
            Part::flag("checksum present"),
            Part::flag("routing present"),
            Part::flag("key present"),
            Part::flag("sequence number present"),
            Part::flag("strict source route"),
            Part::number("recursion control", 3),
            Part::flag("acknowledgment present"),
            Part::number("flags", 4),
            Part::code("version", 3, VERSIONS),
        ])?;
        self.protocol = r.hex_code16("protocol type", ETHER_TYPES)?;
        self.version = version as u8;
        self.source_route = routing != 0;
        if checksum != 0 || routing != 0 {
            let value = r.hex16("checksum")?;
            self.checksum = (checksum != 0).then_some(value);
            r.u16("offset")?;
        }
        if key != 0 && version == 1 {
            let length = r.u16("payload length")?;
            self.key = Some(u32::from(length) << 16 | u32::from(r.u16("call identifier")?));
        } else if key != 0 {
            self.key = Some(r.hex32("key")?);
        }
        if sequence != 0 {
            self.sequence_number = Some(r.u32("sequence number")?);
        }
        if acknowledgment != 0 && version == 1 {
            r.u32("acknowledgment number")?;
        }
        Ok(())
    }
}
