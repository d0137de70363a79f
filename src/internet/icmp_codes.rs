//! The numbers of ICMP and their names, both versions.

use crate::bytes::Codes;

/// Kinds of ICMP for IPv4 (IANA "ICMP type numbers").
pub const TYPES: Codes = Codes(&[
    (0, "echo reply"),
    (3, "destination unreachable"),
    (4, "source quench"),
    (5, "redirect"),
    (6, "alternate host address"),
    (8, "echo request"),
    (9, "router advertisement"),
    (10, "router solicitation"),
    (11, "time exceeded"),
    (12, "parameter problem"),
    (13, "timestamp"),
    (14, "timestamp reply"),
    (15, "information request"),
    (16, "information reply"),
    (17, "address mask request"),
    (18, "address mask reply"),
    (30, "traceroute"),
    (31, "datagram conversion error"),
    (32, "mobile host redirect"),
    (33, "where are you"),
    (34, "I am here"),
    (35, "mobile registration request"),
    (36, "mobile registration reply"),
    (37, "domain name request"),
    (38, "domain name reply"),
    (39, "SKIP"),
    (40, "Photuris"),
    (41, "experimental mobility"),
    (42, "extended echo request"),
    (43, "extended echo reply"),
    (253, "experiment 1"),
    (254, "experiment 2"),
]);

/// Kinds of ICMP for IPv6 (IANA "ICMPv6 parameters"); below 128 they are errors.
pub const TYPES_V6: Codes = Codes(&[
    (1, "destination unreachable"),
    (2, "packet too big"),
    (3, "time exceeded"),
    (4, "parameter problem"),
    (100, "private experiment 1"),
    (101, "private experiment 2"),
    (128, "echo request"),
    (129, "echo reply"),
    (130, "multicast listener query"),
    (131, "multicast listener report"),
    (132, "multicast listener done"),
    (133, "router solicitation"),
    (134, "router advertisement"),
    (135, "neighbour solicitation"),
    (136, "neighbour advertisement"),
    (137, "redirect"),
    (138, "router renumbering"),
    (139, "node information query"),
    (140, "node information response"),
    (141, "inverse neighbour solicitation"),
    (142, "inverse neighbour advertisement"),
    (143, "multicast listener report v2"),
    (144, "home agent discovery request"),
    (145, "home agent discovery reply"),
    (146, "mobile prefix solicitation"),
    (147, "mobile prefix advertisement"),
    (148, "certification path solicitation"),
    (149, "certification path advertisement"),
    (151, "multicast router advertisement"),
    (152, "multicast router solicitation"),
    (153, "multicast router termination"),
    (155, "RPL control"),
    (157, "duplicate address request"),
    (158, "duplicate address confirmation"),
    (160, "extended echo request"),
    (161, "extended echo reply"),
    (200, "private experiment 3"),
    (201, "private experiment 4"),
]);

/// Why a destination is unreachable (type 3).
pub const UNREACHABLE: Codes = Codes(&[
    (0, "network unreachable"),
    (1, "host unreachable"),
    (2, "protocol unreachable"),
    (3, "port unreachable"),
    (4, "fragmentation needed"),
    (5, "source route failed"),
    (6, "network unknown"),
    (7, "host unknown"),
    (8, "source host isolated"),
    (9, "network administratively prohibited"),
    (10, "host administratively prohibited"),
    (11, "network unreachable for this service"),
    (12, "host unreachable for this service"),
    (13, "communication administratively prohibited"),
    (14, "host precedence violation"),
    (15, "precedence cutoff in effect"),
]);

/// Why a destination is unreachable, IPv6 (type 1).
pub const UNREACHABLE_V6: Codes = Codes(&[
    (0, "no route"),
    (1, "administratively prohibited"),
    (2, "beyond scope of source address"),
    (3, "address unreachable"),
    (4, "port unreachable"),
    (5, "source address failed policy"),
    (6, "reject route"),
    (7, "source routing header error"),
    (8, "headers too long"),
    (9, "error in P-route"),
]);

/// What a redirect is for (type 5).
pub const REDIRECTS: Codes =
    Codes(&[(0, "for the network"), (1, "for the host"), (2, "for service and network"), (3, "for service and host")]);

/// Which time was exceeded, both versions.
pub const TIME_EXCEEDED: Codes = Codes(&[(0, "in transit"), (1, "in reassembly")]);

/// What is wrong with a parameter (type 12).
pub const PARAMETER_PROBLEMS: Codes =
    Codes(&[(0, "pointer tells the error"), (1, "required option missing"), (2, "bad length")]);

/// What is wrong with a parameter, IPv6 (type 4).
pub const PARAMETER_PROBLEMS_V6: Codes = Codes(&[
    (0, "erroneous header field"),
    (1, "unrecognized next header"),
    (2, "unrecognized option"),
    (3, "first fragment has incomplete header chain"),
    (4, "segment routing upper-layer header error"),
    (5, "unrecognized next header at intermediate node"),
    (6, "extension header too big"),
    (7, "extension header chain too long"),
    (8, "too many extension headers"),
    (9, "too many options"),
    (10, "option too big"),
]);

/// What an extended echo reply says (RFC 8335, section 2.3).
pub const EXTENDED_ECHO: Codes = Codes(&[
    (0, "no error"),
    (1, "malformed query"),
    (2, "no such interface"),
    (3, "no such table entry"),
    (4, "several interfaces match"),
]);

/// State of a neighbour in an extended echo reply (RFC 8335, section 3).
pub const NEIGHBOUR_STATES: Codes = Codes(&[
    (0, "reserved"),
    (1, "incomplete"),
    (2, "reachable"),
    (3, "stale"),
    (4, "delay"),
    (5, "probe"),
    (6, "failed"),
]);

/// Preference of a router (RFC 4191, section 2.1).
pub const PREFERENCES: Codes = Codes(&[(0, "medium"), (1, "high"), (2, "reserved"), (3, "low")]);
