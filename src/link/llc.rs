//! What an IEEE 802.3 frame begins with: logical link control, and SNAP, which brings the ether type back.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::ether_type::ETHER_TYPES;
use crate::bytes::{Codes, Fault, Reader, Record};

/// Service access points (IEEE 802.2 assignments).
pub const SERVICE_ACCESS_POINTS: Codes = Codes(&[
    (0x00, "null"),
    (0x02, "LLC management"),
    (0x06, "IPv4"),
    (0x0e, "PROWAY management"),
    (0x42, "spanning tree"),
    (0x4e, "EIA RS-511"),
    (0x7e, "X.25"),
    (0x80, "XNS"),
    (0x8e, "PROWAY station list"),
    (0x98, "ARP"),
    (0xaa, "SNAP"),
    (0xbc, "VINES"),
    (0xe0, "IPX"),
    (0xf0, "NetBIOS"),
    (0xfe, "ISO network layer"),
    (0xff, "global"),
]);

/// The service access point of SNAP.
pub const SNAP: u8 = 0xaa;
/// Unnumbered information: the control byte of a plain datagram.
pub const UNNUMBERED_INFORMATION: u16 = 0x03;

/// Organization codes under which a SNAP protocol is an ether type.
const ETHER_TYPE_ORGANIZATIONS: [[u8; 3]; 2] = [[0, 0, 0], [0, 0, 0xf8]];

/// A logical link control header, IEEE 802.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Llc {
    /// Whom the frame is for within the station: see [`SERVICE_ACCESS_POINTS`].
    pub destination_service: u8,
    /// Who sent it within the station; the lowest bit says that it is a response.
    pub source_service: u8,
    /// One byte for unnumbered frames, two for numbered ones.
    pub control: u16,
}

impl Llc {
    /// Reads the three or four bytes.
    pub fn read<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        self.destination_service = r.hex_code8("destination service", SERVICE_ACCESS_POINTS)?;
        self.source_service = r.hex_code8("source service", SERVICE_ACCESS_POINTS)?;
        let unnumbered = r.peek().first().is_none_or(|byte| byte & 3 == 3);
        self.control = if unnumbered { r.hex8("control")?.into() } else { r.hex16("control")? };
        Ok(())
    }
}

/// A subnetwork access protocol header, IEEE 802 and RFC 1042.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Snap {
    /// Who gave the protocol its number.
    pub organization: [u8; 3],
    /// What is carried, an ether type for most organizations seen: see [`Snap::ether_type`].
    pub protocol: u16,
}

impl Snap {
    /// The protocol as an ether type, where the organization says that it is one.
    pub fn ether_type(&self) -> Option<u16> {
        ETHER_TYPE_ORGANIZATIONS.contains(&self.organization).then_some(self.protocol)
    }

    /// Reads the five bytes.
    pub fn read<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        let organization = r.bytes("organization code", 3)?;
        self.organization = organization.try_into().unwrap_or_default();
        let codes = if ETHER_TYPE_ORGANIZATIONS.contains(&self.organization) { ETHER_TYPES } else { Codes::NONE };
        self.protocol = r.hex_code16("protocol", codes)?;
        Ok(())
    }
}
