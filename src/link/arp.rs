//! Address Resolution Protocol.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::net::Ipv4Addr;

use super::ether_type;
use crate::bytes::{Codes, Fault, Mac, Reader, Record};

/// A question.
pub const REQUEST: u16 = 1;
/// An answer.
pub const REPLY: u16 = 2;

/// Operations (IANA "ARP parameters").
pub const OPERATIONS: Codes = Codes(&[
    (1, "request"),
    (2, "reply"),
    (3, "reverse request"),
    (4, "reverse reply"),
    (5, "DRARP request"),
    (6, "DRARP reply"),
    (7, "DRARP error"),
    (8, "inverse request"),
    (9, "inverse reply"),
    (10, "NAK"),
    (19, "experimental 1"),
    (20, "experimental 2"),
]);

/// Hardware types (IANA "ARP parameters"), and from 512 those that Linux gives links without an ARP of their own.
pub const HARDWARE_TYPES: Codes = Codes(&[
    (1, "Ethernet"),
    (2, "experimental Ethernet"),
    (3, "AX.25"),
    (6, "IEEE 802"),
    (7, "ARCNET"),
    (15, "frame relay"),
    (16, "ATM"),
    (17, "HDLC"),
    (18, "Fibre Channel"),
    (19, "ATM"),
    (20, "serial line"),
    (24, "IEEE 1394"),
    (27, "EUI-64"),
    (31, "IPsec tunnel"),
    (32, "InfiniBand"),
    (280, "CAN"),
    (512, "PPP"),
    (513, "Cisco HDLC"),
    (519, "raw IP"),
    (768, "IPv4 tunnel"),
    (769, "IPv6 tunnel"),
    (772, "loopback"),
    (776, "IPv6 in IPv4"),
    (778, "GRE over IPv4"),
    (801, "802.11"),
    (802, "802.11 Prism"),
    (803, "802.11 radiotap"),
    (804, "802.15.4"),
    (805, "802.15.4 monitor"),
    (823, "GRE over IPv6"),
    (824, "netlink"),
    (825, "6LoWPAN"),
    (826, "vsock monitor"),
    (65534, "no link header"),
]);

/// An ARP packet, RFC 826; RARP (RFC 903) and InARP (RFC 2390) have the same form.
///
/// The four addresses are filled for the usual kind (six-byte hardware, IPv4); other sizes are recorded as bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arp {
    /// Kind of link, 1 for Ethernet.
    pub hardware_type: u16,
    /// Kind of address asked for, as an ether type.
    pub protocol_type: u16,
    /// Bytes of a hardware address.
    pub hardware_length: u8,
    /// Bytes of a protocol address.
    pub protocol_length: u8,
    /// What the packet is for: see [`OPERATIONS`].
    pub operation: u16,
    /// The sender's link address.
    pub sender_hardware: Mac,
    /// The sender's IPv4 address.
    pub sender_protocol: Ipv4Addr,
    /// The target's link address; zero in a question.
    pub target_hardware: Mac,
    /// The target's IPv4 address.
    pub target_protocol: Ipv4Addr,
}

impl Default for Arp {
    fn default() -> Self {
        Arp {
            hardware_type: 0,
            protocol_type: 0,
            hardware_length: 0,
            protocol_length: 0,
            operation: 0,
            sender_hardware: Mac::ZERO,
            sender_protocol: Ipv4Addr::UNSPECIFIED,
            target_hardware: Mac::ZERO,
            target_protocol: Ipv4Addr::UNSPECIFIED,
        }
    }
}

impl Arp {
    /// Whether the addresses are six-byte link addresses and IPv4 addresses.
    pub fn is_ipv4_over_ethernet(&self) -> bool {
        self.hardware_length == 6 && self.protocol_length == 4 && self.protocol_type == ether_type::IPV4
    }

    /// Reads the packet, with addresses of the lengths it announces.
    pub fn read<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        self.hardware_type = r.code16("hardware type", HARDWARE_TYPES)?;
        self.protocol_type = r.hex_code16("protocol type", ether_type::ETHER_TYPES)?;
        self.hardware_length = r.u8("hardware address length")?;
        self.protocol_length = r.u8("protocol address length")?;
        self.operation = r.code16("operation", OPERATIONS)?;
        self.sender_hardware = self.hardware(r, "sender hardware address")?;
        self.sender_protocol = self.protocol(r, "sender protocol address")?;
        self.target_hardware = self.hardware(r, "target hardware address")?;
        self.target_protocol = self.protocol(r, "target protocol address")?;
        Ok(())
    }

    fn hardware<R: Record>(&self, r: &mut Reader<'_, R>, name: &'static str) -> Result<Mac, Fault> {
        match self.hardware_length {
            6 => r.mac(name),
            length => r.bytes(name, length.into()).map(|_| Mac::ZERO),
        }
    }

    fn protocol<R: Record>(&self, r: &mut Reader<'_, R>, name: &'static str) -> Result<Ipv4Addr, Fault> {
        match (self.protocol_length, self.protocol_type) {
            (4, ether_type::IPV4) => r.ipv4(name),
            (length, _) => r.bytes(name, length.into()).map(|_| Ipv4Addr::UNSPECIFIED),
        }
    }
}
