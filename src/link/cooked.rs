//! The headers that Linux makes up where a link has none, or where several links are captured at once.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::arp::HARDWARE_TYPES;
use super::ether_type::ETHER_TYPES;
use crate::bytes::{Codes, Fault, Mac, Reader, Record};

/// Which way a frame went (packet(7), `sll_pkttype`).
pub const PACKET_TYPES: Codes =
    Codes(&[(0, "to us"), (1, "broadcast"), (2, "multicast"), (3, "to somebody else"), (4, "from us")]);

/// The hardware type of netlink messages, whose protocol is not an ether type.
pub const NETLINK: u16 = 824;
/// A protocol number for IEEE 802.3 frames without LLC.
pub const PROTOCOL_802_3: u16 = 1;
/// A protocol number for IEEE 802.2 frames.
pub const PROTOCOL_802_2: u16 = 4;

/// A Linux cooked header, version 1 (`LINKTYPE_LINUX_SLL`) or 2 (`LINKTYPE_LINUX_SLL2`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Cooked {
    /// Which way the frame went: see [`PACKET_TYPES`].
    pub packet_type: u8,
    /// Kind of link, as in ARP.
    pub hardware_type: u16,
    /// Bytes of the sender's address; up to eight of them are here.
    pub address_length: u8,
    /// The sender's address, when it has six bytes.
    pub address: Option<Mac>,
    /// What is carried, mostly an ether type.
    pub protocol: u16,
    /// Index of the interface on the capturing machine (version 2).
    pub interface_index: Option<u32>,
}

impl Cooked {
    /// Reads the 16 bytes of version 1.
    pub fn read<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        self.packet_type = r.code16("packet type", PACKET_TYPES)? as u8;
        self.hardware_type = r.code16("hardware type", HARDWARE_TYPES)?;
        self.address_length = r.u16("address length")?.min(u8::MAX.into()) as u8;
        self.read_address(r)?;
        self.protocol = r.hex_code16("protocol", ETHER_TYPES)?;
        Ok(())
    }

    /// Reads the 20 bytes of version 2.
    pub fn read_v2<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        self.protocol = r.hex_code16("protocol", ETHER_TYPES)?;
        r.u16("reserved")?;
        self.interface_index = Some(r.u32("interface index")?);
        self.hardware_type = r.code16("hardware type", HARDWARE_TYPES)?;
        self.packet_type = r.code8("packet type", PACKET_TYPES)?;
        self.address_length = r.u8("address length")?;
        self.read_address(r)
    }

    fn read_address<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        let length = usize::from(self.address_length).min(8);
        match length {
            6 => self.address = Some(r.mac("address")?),
            length => drop(r.bytes("address", length)?),
        }
        r.bytes("unused", 8usize.saturating_sub(length)).map(drop)
    }
}
