//! What an IP datagram carries, and the code points that both versions share.

use crate::bytes::Codes;

/// ICMP for IPv4.
pub const ICMP: u8 = 1;
/// TCP.
pub const TCP: u8 = 6;
/// UDP.
pub const UDP: u8 = 17;
/// ICMP for IPv6.
pub const ICMPV6: u8 = 58;

/// Protocol numbers (IANA "protocol numbers"), IPv6 extension headers among them.
pub const PROTOCOLS: Codes = Codes(&[
    (0, "hop-by-hop options"),
    (1, "ICMP"),
    (2, "IGMP"),
    (3, "GGP"),
    (4, "IPv4"),
    (5, "ST"),
    (6, "TCP"),
    (7, "CBT"),
    (8, "EGP"),
    (9, "IGP"),
    (12, "PUP"),
    (17, "UDP"),
    (20, "HMP"),
    (22, "XNS IDP"),
    (27, "RDP"),
    (29, "ISO TP4"),
    (33, "DCCP"),
    (36, "XTP"),
    (37, "DDP"),
    (41, "IPv6"),
    (42, "SDRP"),
    (43, "routing header"),
    (44, "fragment header"),
    (45, "IDRP"),
    (46, "RSVP"),
    (47, "GRE"),
    (48, "DSR"),
    (50, "ESP"),
    (51, "AH"),
    (55, "minimal encapsulation"),
    (58, "ICMPv6"),
    (59, "no next header"),
    (60, "destination options"),
    (73, "CPHB"),
    (80, "ISO IP"),
    (81, "VMTP"),
    (88, "EIGRP"),
    (89, "OSPF"),
    (93, "AX.25"),
    (94, "IPIP"),
    (97, "EtherIP"),
    (98, "encapsulation"),
    (103, "PIM"),
    (108, "IPComp"),
    (112, "VRRP"),
    (113, "PGM"),
    (115, "L2TP"),
    (124, "IS-IS over IPv4"),
    (132, "SCTP"),
    (133, "Fibre Channel"),
    (135, "mobility header"),
    (136, "UDP-Lite"),
    (137, "MPLS"),
    (138, "MANET"),
    (139, "HIP"),
    (140, "Shim6"),
    (141, "WESP"),
    (142, "ROHC"),
    (143, "Ethernet"),
    (144, "AGGFRAG"),
    (145, "NSH"),
    (253, "experiment 1"),
    (254, "experiment 2"),
    (255, "reserved"),
]);

/// Differentiated services code points (IANA "DSCP").
pub const DSCP: Codes = Codes(&[
    (0, "CS0"),
    (1, "LE"),
    (8, "CS1"),
    (10, "AF11"),
    (12, "AF12"),
    (14, "AF13"),
    (16, "CS2"),
    (18, "AF21"),
    (20, "AF22"),
    (22, "AF23"),
    (24, "CS3"),
    (26, "AF31"),
    (28, "AF32"),
    (30, "AF33"),
    (32, "CS4"),
    (34, "AF41"),
    (36, "AF42"),
    (38, "AF43"),
    (40, "CS5"),
    (44, "VOICE-ADMIT"),
    (45, "NQB"),
    (46, "EF"),
    (48, "CS6"),
    (56, "CS7"),
]);

/// Explicit congestion notification (RFC 3168, section 5).
pub const ECN: Codes = Codes(&[(0, "Not-ECT"), (1, "ECT(1)"), (2, "ECT(0)"), (3, "CE")]);

/// Router alert values; 0 is the one in use for IPv4 (RFC 2113) and means MLD for IPv6 (RFC 2711).
pub const ROUTER_ALERTS: Codes = Codes(&[(0, "examine the packet"), (65, "NSIS NATFW NSLP")]);
