//! Ether types: what an Ethernet frame, a VLAN tag, SNAP or a cooked header carries.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use crate::bytes::{Codes, Fault, Reader, Record};

/// IPv4.
pub const IPV4: u16 = 0x0800;
/// ARP.
pub const ARP: u16 = 0x0806;
/// IPv6.
pub const IPV6: u16 = 0x86dd;
/// The smallest number that is a type; 1500 and less is a length, what is between has no meaning.
pub const FIRST: u16 = 0x0600;
/// The largest number that is the length of an IEEE 802.3 frame, in bytes.
pub const LAST_LENGTH: u16 = 1500;

/// Ether types (IANA "IEEE 802 numbers", IEEE registration authority).
pub const ETHER_TYPES: Codes = Codes(&[
    (0x0600, "XNS IDP"),
    (0x0800, "IPv4"),
    (0x0806, "ARP"),
    (0x0842, "Wake-on-LAN"),
    (0x22f0, "AVTP"),
    (0x22f3, "TRILL"),
    (0x6003, "DECnet"),
    (0x6558, "transparent Ethernet bridging"),
    (0x8035, "RARP"),
    (0x809b, "AppleTalk"),
    (0x80f3, "AppleTalk ARP"),
    (0x8100, "802.1Q VLAN"),
    (0x8137, "IPX"),
    (0x86dd, "IPv6"),
    (0x8808, "Ethernet flow control"),
    (0x8809, "slow protocols"),
    (0x880b, "PPP"),
    (0x8847, "MPLS"),
    (0x8848, "MPLS upstream"),
    (0x8863, "PPPoE discovery"),
    (0x8864, "PPPoE session"),
    (0x886d, "Intel ANS"),
    (0x8870, "jumbo frame LLC"),
    (0x887b, "HomePlug"),
    (0x888e, "802.1X"),
    (0x8892, "PROFINET"),
    (0x8899, "Realtek loop detection"),
    (0x88a2, "ATA over Ethernet"),
    (0x88a4, "EtherCAT"),
    (0x88a8, "802.1ad VLAN"),
    (0x88b5, "local experimental 1"),
    (0x88b6, "local experimental 2"),
    (0x88b8, "GOOSE"),
    (0x88cc, "LLDP"),
    (0x88e1, "HomePlug AV"),
    (0x88e5, "MACsec"),
    (0x88e7, "802.1ah"),
    (0x88f5, "MVRP"),
    (0x88f7, "PTP"),
    (0x88fb, "PRP"),
    (0x8902, "CFM"),
    (0x8906, "FCoE"),
    (0x8914, "FCoE initialization"),
    (0x8915, "RoCE"),
    (0x893a, "IEEE 1905"),
    (0x894f, "NSH"),
    (0x9000, "loopback test"),
    (0x9100, "QinQ VLAN"),
]);

/// Reads the two bytes that are a type (0x0600 and more) or the length of an IEEE 802.3 frame, and names them so.
#[inline]
pub(super) fn type_or_length<R: Record>(r: &mut Reader<'_, R>) -> Result<u16, Fault> {
    match r.peek().first_chunk() {
        Some(bytes) if u16::from_be_bytes(*bytes) <= LAST_LENGTH => r.u16("length"),
        _ => r.hex_code16("type", ETHER_TYPES),
    }
}
