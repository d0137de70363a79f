//! What the bits of an address give away besides its place in a subnet.

use std::net::{Ipv4Addr, Ipv6Addr};

use serde::Serialize;

use crate::bytes::Mac;

use super::{Address, Family};

/// Something that an address tells about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Hint {
    /// The interface identifier was made from this link-layer address (modified EUI-64, RFC 4291 appendix A).
    Eui64 {
        /// The link-layer address.
        mac: Mac,
    },
    /// The parts of a unique local address (RFC 4193 section 3.1).
    UniqueLocal {
        /// Whether the global ID was chosen at the site, as all are today.
        locally_assigned: bool,
        /// 40 random bits that make the site's prefix unique, in hex.
        global_id: String,
        /// The 16 bits of the subnet, in hex.
        subnet_id: String,
    },
    /// An IPv4 address stands inside the IPv6 address.
    EmbeddedIpv4 {
        /// By which rule.
        rule: &'static str,
        /// The IPv4 address.
        address: Ipv4Addr,
    },
    /// A Teredo address (RFC 4380 section 4): where the client sits behind its address translator.
    Teredo {
        /// The server.
        server: Ipv4Addr,
        /// The client's public address.
        client: Ipv4Addr,
        /// The client's public UDP port.
        port: u16,
    },
    /// How far an IPv6 multicast datagram travels (RFC 7346), and whether the group is well known.
    Multicast {
        /// The scope's name.
        scope: &'static str,
        /// Whether the group is assigned for good, not made up for a time (flag T clear).
        well_known: bool,
    },
    /// Frames for this group go to this link-layer address (RFC 1112 section 6.4, RFC 2464 section 7).
    GroupMac {
        /// The link-layer address.
        mac: Mac,
    },
    /// The address is shaped like a mask of this length.
    LooksLikeMask {
        /// Its length.
        length_bits: u8,
    },
}

/// Everything that `address` tells about itself.
pub fn hints(address: Address) -> Vec<Hint> {
    match address.family() {
        Family::Ipv4 => ipv4(Ipv4Addr::from_bits(address.number() as u32)),
        Family::Ipv6 => ipv6(Ipv6Addr::from_bits(address.number())),
    }
}

fn ipv4(address: Ipv4Addr) -> Vec<Hint> {
    let [_, b, c, d] = address.octets();
    let bits = address.to_bits();
    if address.is_multicast() {
        return vec![Hint::GroupMac { mac: Mac([0x01, 0x00, 0x5e, b & 0x7f, c, d]) }];
    }
    if bits.leading_ones() >= 8 && bits.leading_ones() + bits.trailing_zeros() >= 32 {
        return vec![Hint::LooksLikeMask { length_bits: bits.leading_ones() as u8 }];
    }
    Vec::new()
}

fn ipv6(address: Ipv6Addr) -> Vec<Hint> {
    let groups = address.segments();
    let octets = address.octets();
    if octets[0] == 0xff {
        let [.., a, b, c, d] = octets;
        let scope = scope(octets[1] & 0xf);
        let well_known = octets[1] & 0x10 == 0;
        return vec![Hint::Multicast { scope, well_known }, Hint::GroupMac { mac: Mac([0x33, 0x33, a, b, c, d]) }];
    }
    let mut hints = Vec::new();
    if octets[0] & 0xfe == 0xfc {
        let locally_assigned = octets[0] & 1 == 1;
        let global_id = format!("{:02x}{:04x}{:04x}", octets[1], groups[1], groups[2]);
        hints.push(Hint::UniqueLocal { locally_assigned, global_id, subnet_id: format!("{:04x}", groups[3]) });
    }
    hints.extend(embedded(&groups));
    if (octets[11], octets[12]) == (0xff, 0xfe) {
        let [.., vendor, second, third, _, _, fourth, fifth, sixth] = octets;
        hints.push(Hint::Eui64 { mac: Mac([vendor ^ 2, second, third, fourth, fifth, sixth]) });
    }
    hints
}

/// An IPv4 address inside an IPv6 address.
fn embedded(groups: &[u16; 8]) -> Option<Hint> {
    let ipv4 = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    let found = |rule, high, low| Some(Hint::EmbeddedIpv4 { rule, address: ipv4(high, low) });
    match *groups {
        [0, 0, 0, 0, 0, 0xffff, high, low] => found("IPv4-mapped, RFC 4291 section 2.5.5.2", high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => found("translated by NAT64, RFC 6052", high, low),
        [0x2001, 0, server_high, server_low, _, port, high, low] => {
            Some(Hint::Teredo { server: ipv4(server_high, server_low), client: ipv4(!high, !low), port: !port })
        }
        [0x2002, high, low, ..] => found("6to4 router, RFC 3056", high, low),
        [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => found("ISATAP, RFC 5214", high, low),
        _ => None,
    }
}

/// Multicast scopes of RFC 7346 section 2 and RFC 4291 section 2.7.
const fn scope(code: u8) -> &'static str {
    match code {
        1 => "interface-local",
        2 => "link-local",
        3 => "realm-local",
        4 => "admin-local",
        5 => "site-local",
        8 => "organization-local",
        0xe => "global",
        0 | 0xf => "reserved",
        _ => "unassigned",
    }
}

#[cfg(test)]
mod tests {
    use super::super::notation;
    use super::*;

    fn of(text: &str) -> Vec<Hint> {
        hints(notation::address(text).unwrap())
    }

    #[test]
    fn an_eui_64_identifier_gives_the_mac_away() {
        assert_eq!(of("fe80::fc:ff:fe00:1"), [Hint::Eui64 { mac: "02:fc:00:00:00:01".parse().unwrap() }]);
        assert_eq!(of("fe80::1"), []);
    }

    #[test]
    fn embedded_ipv4_addresses_are_found_by_their_rule() {
        for (text, rule) in [
            ("::ffff:192.0.2.1", "IPv4-mapped"),
            ("64:ff9b::192.0.2.1", "NAT64"),
            ("2002:c000:201::1", "6to4"),
            ("fe80::5efe:192.0.2.1", "ISATAP"),
        ] {
            let hints = of(text);
            let [Hint::EmbeddedIpv4 { rule: found, address }] = hints.as_slice() else { panic!("{text}: {hints:?}") };
            assert!(found.contains(rule) && address.to_string() == "192.0.2.1", "{text}: {found} {address}");
        }
    }

    #[test]
    fn the_teredo_example_of_its_rfc_is_taken_apart() {
        let teredo = Hint::Teredo { server: [65, 54, 227, 120].into(), client: [192, 0, 2, 45].into(), port: 40000 };
        assert_eq!(of("2001:0:4136:e378:8000:63bf:3fff:fdd2"), [teredo]);
    }

    #[test]
    fn groups_have_a_scope_and_a_link_layer_address() {
        assert_eq!(of("224.0.0.251"), [Hint::GroupMac { mac: "01:00:5e:00:00:fb".parse().unwrap() }]);
        assert_eq!(of("239.129.0.1"), [Hint::GroupMac { mac: "01:00:5e:01:00:01".parse().unwrap() }]);
        let mac = Hint::GroupMac { mac: "33:33:00:00:00:01".parse().unwrap() };
        assert_eq!(of("ff02::1"), [Hint::Multicast { scope: "link-local", well_known: true }, mac]);
    }

    #[test]
    fn a_unique_local_address_has_a_site_and_a_subnet() {
        let parts =
            Hint::UniqueLocal { locally_assigned: true, global_id: "123456789a".into(), subnet_id: "0001".into() };
        assert_eq!(of("fd12:3456:789a:1::1"), [parts]);
    }

    #[test]
    fn a_mask_in_the_place_of_an_address_is_noticed() {
        assert_eq!(of("255.255.255.0"), [Hint::LooksLikeMask { length_bits: 24 }]);
        assert_eq!(of("10.0.0.0"), []);
        assert_eq!(of("240.0.0.1"), []);
    }
}
