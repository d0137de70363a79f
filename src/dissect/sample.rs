//! The shape of each header: its fields and where they stand, read from a small frame by the same code that reads real
//! ones, so that a drawing cannot differ from what is read.

use serde::Serialize;

use crate::bytes::Fields;

use super::{Origin, dissect};

/// The fields of a header without options.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Shape {
    /// The name as people write it.
    pub name: &'static str,
    /// The name in JSON and filters.
    pub key: &'static str,
    /// Where it is defined.
    pub reference: &'static str,
    /// What the drawing leaves out.
    pub beyond: Option<&'static str>,
    /// Bits of all fields together.
    pub length_bits: u32,
    /// The fields in order.
    pub fields: Vec<Place>,
}

/// A field of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Its name.
    pub name: &'static str,
    /// Its first bit, from 0 at the start of the header.
    pub start_bit: u32,
    /// Its width.
    pub length_bits: u32,
}

/// A frame in which a header occurs.
struct Sample {
    key: &'static str,
    beyond: Option<&'static str>,
    parts: &'static [&'static [u8]],
}

/// Two link addresses.
const LINK: &[u8] = &[0; 12];
/// Two IPv4 addresses.
const IPV4: &[u8] = &[0; 8];
/// Two IPv6 addresses.
const IPV6: &[u8] = &[0; 32];

const fn sample(key: &'static str, beyond: Option<&'static str>, parts: &'static [&'static [u8]]) -> Sample {
    Sample { key, beyond, parts }
}

#[rustfmt::skip]
const SAMPLES: &[Sample] = &[
    sample("ethernet", Some("up to 1500 bytes of payload follow, then 4 bytes of frame check sequence that the card removes"), &[LINK, b"\x08\x00"]),
    sample("vlan", Some("stands between the source address and the type of an Ethernet frame, behind the type 0x8100"), &[LINK, b"\x81\x00\0\0\x08\x00"]),
    sample("mpls", None, &[LINK, b"\x88\x47\0\0\x01\x40"]),
    sample("arp", Some("for Ethernet and IPv4; the address sizes say how long the addresses are"), &[LINK, b"\x08\x06\0\x01\x08\0\x06\x04\0\x01", &[0; 20]]),
    sample("ipv4", Some("up to 40 bytes of options follow where the header length is more than 5"), &[LINK, b"\x08\x00\x45\0\0\x14\0\0\0\0\x40\xfd\0\0", IPV4]),
    sample("icmp", Some("an echo request; the second half depends on the type"), &[LINK, b"\x08\x00\x45\0\0\x1c\0\0\0\0\x40\x01\0\0", IPV4, b"\x08\0\0\0\0\0\0\0"]),
    sample("igmp", None, &[LINK, b"\x08\x00\x45\0\0\x1c\0\0\0\0\x01\x02\0\0", IPV4, b"\x16\0\0\0\0\0\0\0"]),
    sample("ipv6", Some("extension headers follow where the next header says so"), &[LINK, b"\x86\xdd\x60\0\0\0\0\0\x3b\x40", IPV6]),
    sample("icmpv6", Some("an echo request; the second half depends on the type"), &[LINK, b"\x86\xdd\x60\0\0\0\0\x08\x3a\x40", IPV6, b"\x80\0\0\0\0\0\0\0"]),
    sample("fragment", None, &[LINK, b"\x86\xdd\x60\0\0\0\0\x08\x2c\x40", IPV6, b"\x3b\0\0\0\0\0\0\0"]),
    sample("gre", Some("checksum, key and sequence number follow where their flags are set"), &[LINK, b"\x08\x00\x45\0\0\x18\0\0\0\0\x40\x2f\0\0", IPV4, b"\0\0\x08\0"]),
    sample("tcp", Some("up to 40 bytes of options follow where the data offset is more than 5"), &[LINK, b"\x08\x00\x45\0\0\x28\0\0\0\0\x40\x06\0\0", IPV4, &[0; 12], b"\x50\0\0\0\0\0\0\0"]),
    sample("udp", None, &[LINK, b"\x08\x00\x45\0\0\x1c\0\0\0\0\x40\x11\0\0", IPV4, b"\0\0\0\0\0\x08\0\0"]),
];

/// Other names for headers.
const ALIASES: [(&str, &str); 6] =
    [("ip", "ipv4"), ("ip4", "ipv4"), ("ip6", "ipv6"), ("eth", "ethernet"), ("icmp6", "icmpv6"), ("802.1q", "vlan")];

/// The keys of all headers that have a drawing.
pub fn keys() -> impl Iterator<Item = &'static str> {
    SAMPLES.iter().map(|sample| sample.key)
}

/// The shape of the header of this key or usual name, letter case ignored.
pub fn shape(name: &str) -> Option<Shape> {
    let name = name.to_ascii_lowercase();
    let key = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name.as_str(), |(_, key)| *key);
    read(SAMPLES.iter().find(|sample| sample.key == key)?)
}

fn read(sample: &Sample) -> Option<Shape> {
    let frame = sample.parts.concat();
    let (mut fields, mut layers) = (Fields::default(), Vec::new());
    dissect(&Origin::ethernet(&frame), &frame, &mut fields, &mut layers);
    let layer = layers.iter().find(|layer| layer.header.key() == sample.key)?;
    let start = layer.bytes.start.saturating_mul(8);
    let own = fields.0.get(layer.fields.start as usize..layer.fields.end as usize)?;
    let fields: Vec<Place> = own
        .iter()
        .map(|field| Place {
            name: field.name,
            start_bit: field.bits.start.saturating_sub(start),
            length_bits: field.bits.length,
        })
        .collect();
    let length_bits = fields.iter().map(|field| field.length_bits).sum();
    let Sample { key, beyond, .. } = *sample;
    let reference = layer.header.reference();
    Some(Shape { name: layer.header.name(), key, reference, beyond, length_bits, fields })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_header_is_read_whole_and_without_a_gap() {
        for key in keys() {
            let shape = shape(key).unwrap_or_else(|| panic!("{key} is not in its sample"));
            let mut next = 0;
            for field in &shape.fields {
                assert_eq!(field.start_bit, next, "{key}: {}", field.name);
                next += field.length_bits;
            }
            assert_eq!(shape.length_bits, next);
        }
    }

    #[test]
    fn the_headers_are_as_long_as_their_rfcs_say() {
        for (key, bytes) in [
            ("ethernet", 14),
            ("vlan", 4),
            ("arp", 28),
            ("ipv4", 20),
            ("icmp", 8),
            ("ipv6", 40),
            ("icmpv6", 8),
            ("tcp", 20),
            ("udp", 8),
        ] {
            assert_eq!(shape(key).unwrap().length_bits, bytes * 8, "{key}");
        }
        assert_eq!(shape("IP").unwrap().key, "ipv4");
        assert!(shape("ipx").is_none());
    }
}
