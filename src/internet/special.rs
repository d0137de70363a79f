//! What an address block is for: the special-purpose address registries (RFC 6890, RFC 8190), and what lies between
//! their rows.

use serde::Serialize;

use super::subnet::{Address, Family, Prefix};

/// The day of the registries' last change that the tables hold.
pub const REGISTRY_DATE: &str = "2025-10-09";

/// One row: a block of addresses and what may be done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Purpose {
    /// The addresses.
    pub block: Prefix,
    /// The registry's name for it.
    pub name: &'static str,
    /// The document that says so.
    pub reference: &'static str,
    /// Whether this is a row of the special-purpose registries; otherwise it is the ordinary use of the address space,
    /// and the rest is none.
    pub special: bool,
    /// Year and month of the allocation.
    pub allocated: Option<&'static str>,
    /// Year and month of its end, for what is no longer in use.
    pub terminated: Option<&'static str>,
    /// May stand as a source in a datagram that passes two devices.
    pub source: Option<bool>,
    /// May stand as a destination in a datagram that passes two devices.
    pub destination: Option<bool>,
    /// A router may forward a datagram for it between external interfaces.
    pub forwardable: Option<bool>,
    /// A datagram for it may leave its administrative domain.
    pub globally_reachable: Option<bool>,
    /// Every implementation must treat it in a special way.
    pub reserved_by_protocol: Option<bool>,
    /// What the registry's footnotes add.
    pub note: Option<&'static str>,
}

/// The most specific row for `address`. There always is one: the last row of each family is its whole space.
pub fn purpose(address: Address) -> &'static Purpose {
    let rows = IPV4.iter().chain(&IPV6).chain(&ORDINARY);
    rows.filter(|row| row.block.contains(address)).max_by_key(|row| row.block.length()).unwrap_or(&ORDINARY[0])
}

const fn v4(octets: [u8; 4], length: u8) -> Prefix {
    Prefix::of(Address::new(Family::Ipv4, u32::from_be_bytes(octets) as u128), length)
}

const fn v6(groups: [u16; 8], length: u8) -> Prefix {
    let mut number = 0;
    let mut at = 0;
    while at < groups.len() {
        number = number << 16 | groups[at] as u128;
        at += 1;
    }
    Prefix::of(Address::new(Family::Ipv6, number), length)
}

/// A row of a registry. `columns` are source, destination, forwardable, globally reachable, reserved by protocol: T for
/// true, F for false, a dash where the registry has none.
const fn row(
    block: Prefix,
    name: &'static str,
    reference: &'static str,
    allocated: &'static str,
    columns: [u8; 5],
) -> Purpose {
    const fn column(mark: u8) -> Option<bool> {
        match mark {
            b'T' => Some(true),
            b'F' => Some(false),
            _ => None,
        }
    }
    Purpose {
        block,
        name,
        reference,
        special: true,
        allocated: Some(allocated),
        terminated: None,
        source: column(columns[0]),
        destination: column(columns[1]),
        forwardable: column(columns[2]),
        globally_reachable: column(columns[3]),
        reserved_by_protocol: column(columns[4]),
        note: None,
    }
}

const fn ordinary(block: Prefix, name: &'static str, reference: &'static str) -> Purpose {
    Purpose { special: false, allocated: None, ..row(block, name, reference, "", *b"-----") }
}

const fn noted(row: Purpose, note: &'static str) -> Purpose {
    Purpose { note: Some(note), ..row }
}

const fn ended(row: Purpose, month: &'static str) -> Purpose {
    Purpose { terminated: Some(month), ..row }
}

const EXCEPTIONS: &str = "some protocols have been granted exceptions";
const MORE_SPECIFIC: &str = "usable only by virtue of a more specific reservation";

/// The IPv4 special-purpose address registry.
#[rustfmt::skip]
pub const IPV4: [Purpose; 26] = [
    row(v4([0, 0, 0, 0], 8), "This network", "RFC 791 section 3.2", "1981-09", *b"TFFFT"),
    row(v4([0, 0, 0, 0], 32), "This host on this network", "RFC 1122 section 3.2.1.3", "1981-09", *b"TFFFT"),
    row(v4([10, 0, 0, 0], 8), "Private-Use", "RFC 1918", "1996-02", *b"TTTFF"),
    row(v4([100, 64, 0, 0], 10), "Shared Address Space", "RFC 6598", "2012-04", *b"TTTFF"),
    noted(row(v4([127, 0, 0, 0], 8), "Loopback", "RFC 1122 section 3.2.1.3", "1981-09", *b"FFFFT"), EXCEPTIONS),
    row(v4([169, 254, 0, 0], 16), "Link Local", "RFC 3927", "2005-05", *b"TTFFT"),
    row(v4([172, 16, 0, 0], 12), "Private-Use", "RFC 1918", "1996-02", *b"TTTFF"),
    noted(row(v4([192, 0, 0, 0], 24), "IETF Protocol Assignments", "RFC 6890 section 2.1", "2010-01", *b"FFFFF"), MORE_SPECIFIC),
    row(v4([192, 0, 0, 0], 29), "IPv4 Service Continuity Prefix", "RFC 7335", "2011-06", *b"TTTFF"),
    row(v4([192, 0, 0, 8], 32), "IPv4 dummy address", "RFC 7600", "2015-03", *b"TFFFF"),
    row(v4([192, 0, 0, 9], 32), "Port Control Protocol Anycast", "RFC 7723", "2015-10", *b"TTTTF"),
    row(v4([192, 0, 0, 10], 32), "Traversal Using Relays around NAT Anycast", "RFC 8155", "2017-02", *b"TTTTF"),
    row(v4([192, 0, 0, 170], 32), "NAT64/DNS64 Discovery", "RFC 8880, RFC 7050 section 2.2", "2013-02", *b"FFFFT"),
    row(v4([192, 0, 0, 171], 32), "NAT64/DNS64 Discovery", "RFC 8880, RFC 7050 section 2.2", "2013-02", *b"FFFFT"),
    row(v4([192, 0, 2, 0], 24), "Documentation (TEST-NET-1)", "RFC 5737", "2010-01", *b"FFFFF"),
    row(v4([192, 31, 196, 0], 24), "AS112-v4", "RFC 7535", "2014-12", *b"TTTTF"),
    row(v4([192, 52, 193, 0], 24), "AMT", "RFC 7450", "2014-12", *b"TTTTF"),
    ended(row(v4([192, 88, 99, 0], 24), "Deprecated (6to4 Relay Anycast)", "RFC 7526", "2001-06", *b"-----"), "2015-03"),
    row(v4([192, 88, 99, 2], 32), "6a44-relay anycast address", "RFC 6751", "2012-10", *b"TTTFF"),
    row(v4([192, 168, 0, 0], 16), "Private-Use", "RFC 1918", "1996-02", *b"TTTFF"),
    row(v4([192, 175, 48, 0], 24), "Direct Delegation AS112 Service", "RFC 7534", "1996-01", *b"TTTTF"),
    row(v4([198, 18, 0, 0], 15), "Benchmarking", "RFC 2544", "1999-03", *b"TTTFF"),
    row(v4([198, 51, 100, 0], 24), "Documentation (TEST-NET-2)", "RFC 5737", "2010-01", *b"FFFFF"),
    row(v4([203, 0, 113, 0], 24), "Documentation (TEST-NET-3)", "RFC 5737", "2010-01", *b"FFFFF"),
    row(v4([240, 0, 0, 0], 4), "Reserved", "RFC 1112 section 4", "1989-08", *b"FFFFT"),
    row(v4([255, 255, 255, 255], 32), "Limited Broadcast", "RFC 8190, RFC 919 section 7", "1984-10", *b"FTFFT"),
];

/// The IPv6 special-purpose address registry.
#[rustfmt::skip]
pub const IPV6: [Purpose; 25] = [
    row(v6([0, 0, 0, 0, 0, 0, 0, 1], 128), "Loopback Address", "RFC 4291", "2006-02", *b"FFFFT"),
    row(v6([0; 8], 128), "Unspecified Address", "RFC 4291", "2006-02", *b"TFFFT"),
    row(v6([0, 0, 0, 0, 0, 0xffff, 0, 0], 96), "IPv4-mapped Address", "RFC 4291", "2006-02", *b"FFFFT"),
    row(v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96), "IPv4-IPv6 Translat.", "RFC 6052", "2010-10", *b"TTTTF"),
    row(v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48), "IPv4-IPv6 Translat.", "RFC 8215", "2017-06", *b"TTTFF"),
    row(v6([0x100, 0, 0, 0, 0, 0, 0, 0], 64), "Discard-Only Address Block", "RFC 6666", "2012-06", *b"TTTFF"),
    row(v6([0x100, 0, 0, 1, 0, 0, 0, 0], 64), "Dummy IPv6 Prefix", "RFC 9780", "2025-04", *b"TFFFF"),
    noted(row(v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), "IETF Protocol Assignments", "RFC 2928", "2000-09", *b"FFFFF"), "unless allowed by a more specific allocation"),
    noted(row(v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32), "TEREDO", "RFC 4380, RFC 8190", "2006-01", *b"TTT-F"), "reachability depends on Teredo relays: RFC 4380 section 5"),
    row(v6([0x2001, 1, 0, 0, 0, 0, 0, 1], 128), "Port Control Protocol Anycast", "RFC 7723", "2015-10", *b"TTTTF"),
    row(v6([0x2001, 1, 0, 0, 0, 0, 0, 2], 128), "Traversal Using Relays around NAT Anycast", "RFC 8155", "2017-02", *b"TTTTF"),
    row(v6([0x2001, 1, 0, 0, 0, 0, 0, 3], 128), "DNS-SD Service Registration Protocol Anycast", "RFC 9665", "2024-04", *b"TTTTF"),
    row(v6([0x2001, 2, 0, 0, 0, 0, 0, 0], 48), "Benchmarking", "RFC 5180, erratum 1752", "2008-04", *b"TTTFF"),
    row(v6([0x2001, 3, 0, 0, 0, 0, 0, 0], 32), "AMT", "RFC 7450", "2014-12", *b"TTTTF"),
    row(v6([0x2001, 4, 0x112, 0, 0, 0, 0, 0], 48), "AS112-v6", "RFC 7535", "2014-12", *b"TTTTF"),
    ended(row(v6([0x2001, 0x10, 0, 0, 0, 0, 0, 0], 28), "Deprecated (previously ORCHID)", "RFC 4843", "2007-03", *b"-----"), "2014-03"),
    row(v6([0x2001, 0x20, 0, 0, 0, 0, 0, 0], 28), "ORCHIDv2", "RFC 7343", "2014-07", *b"TTTTF"),
    row(v6([0x2001, 0x30, 0, 0, 0, 0, 0, 0], 28), "Drone Remote ID Protocol Entity Tags (DETs) Prefix", "RFC 9374", "2022-12", *b"TTTTF"),
    row(v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), "Documentation", "RFC 3849", "2004-07", *b"FFFFF"),
    noted(row(v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), "6to4", "RFC 3056", "2001-02", *b"TTT-F"), "reachability depends on 6to4 relays: RFC 3056"),
    row(v6([0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0], 48), "Direct Delegation AS112 Service", "RFC 7534", "2011-05", *b"TTTTF"),
    row(v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), "Documentation", "RFC 9637", "2024-07", *b"FFFFF"),
    row(v6([0x5f00, 0, 0, 0, 0, 0, 0, 0], 16), "Segment Routing (SRv6) SIDs", "RFC 9602", "2024-04", *b"TTTFF"),
    noted(row(v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7), "Unique-Local", "RFC 4193, RFC 8190", "2005-10", *b"TTTFF"), "routed only between sites that agree to"),
    row(v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), "Link-Local Unicast", "RFC 4291", "2006-02", *b"TTFFT"),
];

/// What the rest of the two address spaces is for.
#[rustfmt::skip]
pub const ORDINARY: [Purpose; 15] = [
    ordinary(v4([0, 0, 0, 0], 0), "Global unicast (public)", "RFC 7249"),
    ordinary(v4([224, 0, 0, 0], 4), "Multicast", "RFC 5771"),
    ordinary(v4([224, 0, 0, 0], 24), "Multicast, local network control (never forwarded)", "RFC 5771 section 4"),
    ordinary(v4([224, 0, 1, 0], 24), "Multicast, internetwork control", "RFC 5771 section 5"),
    ordinary(v4([232, 0, 0, 0], 8), "Multicast, source-specific", "RFC 4607"),
    ordinary(v4([233, 0, 0, 0], 8), "Multicast, GLOP", "RFC 3180"),
    ordinary(v4([233, 252, 0, 0], 24), "Multicast, documentation (MCAST-TEST-NET)", "RFC 6676"),
    ordinary(v4([239, 0, 0, 0], 8), "Multicast, administratively scoped", "RFC 2365"),
    ordinary(v6([0; 8], 0), "Reserved by IETF", "RFC 4291 section 4"),
    ordinary(v6([0; 8], 96), "IPv4-compatible (deprecated)", "RFC 4291 section 2.5.5.1"),
    ordinary(v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3), "Global unicast (public)", "RFC 4291 section 2.5.4"),
    ordinary(v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10), "Site-local unicast (deprecated)", "RFC 3879"),
    ordinary(v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), "Multicast", "RFC 4291 section 2.7"),
    ordinary(v6([0xff30, 0, 0, 0, 0, 0, 0, 0], 12), "Multicast, source-specific or based on a unicast prefix", "RFC 3306"),
    ordinary(v6([0xff02, 0, 0, 0, 0, 1, 0xff00, 0], 104), "Multicast, solicited-node", "RFC 4291 section 2.7.1"),
];
