//! Numbers that say what a link carries.

pub(super) const XEROX: u32 = 0x0600;
pub(super) const IPV4: u32 = 0x0800;
pub(super) const ARP: u32 = 0x0806;
pub(super) const MOP_DUMP: u32 = 0x6001;
pub(super) const MOP_CONSOLE: u32 = 0x6002;
pub(super) const DECNET: u32 = 0x6003;
pub(super) const LAT: u32 = 0x6004;
pub(super) const SCA: u32 = 0x6007;
pub(super) const BRIDGING: u32 = 0x6558;
pub(super) const RARP: u32 = 0x8035;
pub(super) const ATALK: u32 = 0x809b;
pub(super) const AARP: u32 = 0x80f3;
pub(super) const IPV6: u32 = 0x86dd;
pub(super) const MPLS: u32 = 0x8847;
pub(super) const PPPOE_DISCOVERY: u32 = 0x8863;
pub(super) const PPPOE_SESSION: u32 = 0x8864;
pub(super) const LOOPBACK: u32 = 0x9000;

/// What announces a VLAN tag: 802.1Q, 802.1ad, and what was used before it.
pub(super) const VLAN: [u32; 3] = [0x8100, 0x88a8, 0x9100];

/// PPP's number for MPLS (RFC 3032 §4.1).
pub(super) const PPP_MPLS: u32 = 0x0281;

/// LLC service access points.
pub(super) mod sap {
    pub const IP: u32 = 0x06;
    pub const STP: u32 = 0x42;
    pub const IPX: u32 = 0xe0;
    pub const NETBEUI: u32 = 0xf0;
    pub const ISO: u32 = 0xfe;
}
