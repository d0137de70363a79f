//! The DNS names under which addresses are looked up backwards, and the zones a network's holder is delegated.

use serde::Serialize;

use super::{Address, Family, Prefix};

/// Where the reverse names of a prefix live.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reverse {
    /// The zones that can be delegated for the prefix, in order: one where its length ends on a label, several where it
    /// does not (a /23 is two zones). For an IPv4 prefix longer than /24 the one name that RFC 2317 suggests.
    pub zones: Vec<String>,
    /// The zone whose holder must point each address into an RFC 2317 zone with a CNAME; otherwise none.
    pub rfc2317_parent: Option<String>,
}

/// The name whose PTR record belongs to `address` (RFC 1035 section 3.5, RFC 3596 section 2.5), without the last dot.
pub fn pointer(address: Address) -> String {
    name(address, address.family().bits())
}

/// The zones of `prefix`.
pub fn zones(prefix: Prefix) -> Reverse {
    let label = label_bits(prefix.family());
    if prefix.family() == Family::Ipv4 && (25..32).contains(&prefix.length()) {
        let parent = name(prefix.network(), 24);
        let zone = format!("{}/{}.{parent}", prefix.network().number() & 0xff, prefix.length());
        return Reverse { zones: vec![zone], rfc2317_parent: Some(parent) };
    }
    let length = prefix.length().div_ceil(label) * label;
    Reverse { zones: prefix.split(length).map(|zone| name(zone.network(), length)).collect(), rfc2317_parent: None }
}

/// Bits that one label of a reverse name stands for: an octet or a nibble.
const fn label_bits(family: Family) -> u8 {
    match family {
        Family::Ipv4 => 8,
        Family::Ipv6 => 4,
    }
}

/// The name of the first `length` bits of an address, which end on a label.
fn name(address: Address, length: u8) -> String {
    let family = address.family();
    let (label, root) = (label_bits(family), if family == Family::Ipv4 { "in-addr.arpa" } else { "ip6.arpa" });
    let mut text = String::new();
    for end in (1..=length / label).rev().map(|labels| labels * label) {
        let value = address.number() >> (family.bits() - end) & ((1 << label) - 1);
        text += &match family {
            Family::Ipv4 => value.to_string(),
            Family::Ipv6 => char::from_digit(value as u32, 16).unwrap_or_default().to_string(),
        };
        text.push('.');
    }
    text + root
}

#[cfg(test)]
mod tests {
    use super::super::notation;
    use super::*;

    fn zones_of(text: &str) -> Vec<String> {
        zones(notation::prefix(text).unwrap()).zones
    }

    #[test]
    fn a_prefix_that_ends_on_a_label_is_one_zone() {
        assert_eq!(zones_of("172.16.10.0/24"), ["10.16.172.in-addr.arpa"]);
        assert_eq!(zones_of("10.0.0.0/8"), ["10.in-addr.arpa"]);
        assert_eq!(zones_of("0.0.0.0/0"), ["in-addr.arpa"]);
        assert_eq!(zones_of("2001:db8::/32"), ["8.b.d.0.1.0.0.2.ip6.arpa"]);
        assert_eq!(zones_of("::/0"), ["ip6.arpa"]);
    }

    #[test]
    fn a_prefix_between_two_labels_is_a_list_of_zones_and_not_a_made_up_name() {
        assert_eq!(zones_of("10.1.2.0/23"), ["2.1.10.in-addr.arpa", "3.1.10.in-addr.arpa"]);
        let carrier = zones_of("100.64.0.0/10");
        assert_eq!(carrier.len(), 64);
        assert_eq!((carrier[0].as_str(), carrier[63].as_str()), ("64.100.in-addr.arpa", "127.100.in-addr.arpa"));
        assert_eq!(zones_of("2001:db8::/30").len(), 4);
        assert_eq!(zones_of("2001:db8::/30")[0], "8.b.d.0.1.0.0.2.ip6.arpa");
        assert_eq!(zones_of("128.0.0.0/1").len(), 128);
    }

    #[test]
    fn below_24_bits_the_name_of_rfc_2317_and_the_zone_that_must_point_to_it() {
        let reverse = zones(notation::prefix("192.0.2.64/26").unwrap());
        assert_eq!(reverse.zones, ["64/26.2.0.192.in-addr.arpa"]);
        assert_eq!(reverse.rfc2317_parent.unwrap(), "2.0.192.in-addr.arpa");
        assert_eq!(zones(notation::prefix("192.0.2.1/32").unwrap()).zones, ["1.2.0.192.in-addr.arpa"]);
    }

    #[test]
    fn an_address_has_one_pointer_name() {
        let v6 = notation::address("2001:db8::567:89ab").unwrap();
        let name = "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";
        assert_eq!(pointer(v6), name);
        assert_eq!(pointer(notation::address("172.16.10.1").unwrap()), "1.10.16.172.in-addr.arpa");
    }
}
