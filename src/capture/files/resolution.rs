//! What addresses are called, in a file: its name resolution blocks (draft-ietf-opsawg-pcapng section 4.5).

use std::net::IpAddr;

use super::options::{Options, option};
use super::order::Order;
use crate::capture::names::Told;

/// Record: an IPv4 address and its names.
const IPV4: u16 = 1;
/// Record: an IPv6 address and its names.
const IPV6: u16 = 2;
/// Records that are written to a block.
pub(super) const MOST_WRITTEN: usize = 1000;

/// Adds the records of these names, and their end.
pub(super) fn put(block: &mut Vec<u8>, names: &[(IpAddr, &str)]) {
    for (address, name) in names {
        let (kind, mut value) = match address {
            IpAddr::V4(address) => (IPV4, address.octets().to_vec()),
            IpAddr::V6(address) => (IPV6, address.octets().to_vec()),
        };
        value.extend_from_slice(name.as_bytes());
        value.push(0);
        option(block, kind, &value);
    }
    block.extend_from_slice(&[0; 4]);
}

/// Reads records: of each address the first name.
pub(super) fn read(records: &[u8], order: Order, told: &Told) {
    for (kind, value) in (Options { bytes: records, order }) {
        let record = match kind {
            IPV4 => value.split_first_chunk::<4>().map(|(address, names)| (IpAddr::from(*address), names)),
            IPV6 => value.split_first_chunk::<16>().map(|(address, names)| (IpAddr::from(*address), names)),
            _ => None,
        };
        let Some((address, names)) = record else { continue };
        let first = names.split(|byte| *byte == 0).next().unwrap_or_default();
        if let Ok(name) = std::str::from_utf8(first) {
            told.add(address, name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(records: &[u8], order: Order) -> Vec<(String, String)> {
        let told = Told::default();
        read(records, order, &told);
        told.take().into_iter().map(|(address, name)| (address.to_string(), name.into())).collect()
    }

    #[test]
    fn what_was_put_is_read_back() {
        let names = [("192.0.2.1", "a.example"), ("2001:db8::1", "six.example")];
        let pairs = names.map(|(address, name)| (address.parse().unwrap(), name));
        let mut block = Vec::new();
        put(&mut block, &pairs);
        assert_eq!(told(&block, Order::Little), names.map(|(address, name)| (address.to_owned(), name.to_owned())));
    }

    #[test]
    fn damaged_records_tell_what_is_whole() {
        let first = [0, 1, 0, 7, 10, 0, 0, 1, b'x', 0, b'y', 0];
        let expected = [("10.0.0.1".to_owned(), "x".to_owned())];
        assert_eq!(told(&first, Order::Big), expected);
        for rest in [&[0, 1, 0, 2, 10, 0, 0, 0][..], &[0, 2, 0, 4, 1, 2, 3, 4], &[0, 1, 0xff, 0xff, 10], &[0, 9, 0, 0]]
        {
            assert_eq!(told(&[&first, rest].concat(), Order::Big), expected);
        }
        let not_text = [0, 1, 0, 6, 10, 0, 0, 1, 0xff, 0, 0, 0];
        assert!(told(&not_text, Order::Big).is_empty());
    }
}
