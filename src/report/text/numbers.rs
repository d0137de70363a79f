//! Numbers and addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Text;
use crate::bytes::Mac;

/// The two hex digits of each byte.
pub(in crate::report) static PAIRS: [[u8; 2]; 256] = {
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < pairs.len() {
        pairs[byte] = [HEX[byte >> 4], HEX[byte & 0xf]];
        byte += 1;
    }
    pairs
};

const HEX: &[u8; 16] = b"0123456789abcdef";

/// The two decimal digits of each number below a hundred.
static HUNDRED: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut number = 0;
    while number < pairs.len() {
        pairs[number] = [HEX[number / 10], HEX[number % 10]];
        number += 1;
    }
    pairs
};

/// Each byte in decimal with a dot behind it, and how many characters that is.
static OCTETS: [([u8; 4], u8); 256] = {
    let mut octets = [([b'.'; 4], 0); 256];
    let mut byte = 0;
    while byte < octets.len() {
        let [hundreds, tens, ones] = [HEX[byte / 100], HEX[byte / 10 % 10], HEX[byte % 10]];
        octets[byte] = match byte {
            0..10 => ([ones, b'.', b'.', b'.'], 2),
            10..100 => ([tens, ones, b'.', b'.'], 3),
            _ => ([hundreds, tens, ones, b'.'], 4),
        };
        byte += 1;
    }
    octets
};

/// Most digits of a decimal number.
const DECIMAL: usize = 20;
/// Most characters of an IPv6 address in groups, and room for one group more.
const GROUPS: usize = 44;

impl Text {
    /// Adds a number in decimal.
    #[inline]
    pub fn number(&mut self, number: impl Into<u64>) -> &mut Self {
        self.decimal(number.into(), 1)
    }

    /// Adds a number of bytes: `1 byte`, `60 bytes`.
    #[inline]
    pub fn length(&mut self, bytes: impl Into<u64>) -> &mut Self {
        let bytes = bytes.into();
        self.number(bytes).str(if bytes == 1 { " byte" } else { " bytes" })
    }

    /// Adds a number in decimal that may be negative.
    pub fn signed(&mut self, number: i64) -> &mut Self {
        self.str(if number < 0 { "-" } else { "" }).number(number.unsigned_abs())
    }

    /// Adds a number in decimal, with zeros in front up to `width` digits (at most 20).
    pub fn decimal(&mut self, number: u64, width: usize) -> &mut Self {
        // Most numbers are small.
        if let (Ok(small), 1) = (u16::try_from(number), width) {
            return self.small(small);
        }
        let count = number.checked_ilog10().map_or(1, |log| log as usize + 1).max(width).min(DECIMAL);
        let Some(slot) = self.slot::<DECIMAL>() else { return self };
        let (odd, pairs) = slot[..count].as_rchunks_mut();
        let mut rest = number;
        for pair in pairs.iter_mut().rev() {
            *pair = HUNDRED[(rest % 100) as usize];
            rest /= 100;
        }
        if let [first] = odd {
            *first = b'0' + (rest % 10) as u8;
        }
        self.advance(count)
    }

    /// Five digits at once, of which those behind the zeros in front are taken.
    fn small(&mut self, number: u16) -> &mut Self {
        let count = 1 + [10, 100, 1000, 10_000].iter().filter(|least| number >= **least).count();
        let [[a, b], [c, d]] = [number / 100 % 100, number % 100].map(|pair| HUNDRED[usize::from(pair)]);
        let digits = [HEX[usize::from(number / 10_000)], a, b, c, d, b' ', b' ', b' ', b' '];
        let Some(slot) = self.slot::<5>() else { return self };
        slot.copy_from_slice(&digits[5 - count..10 - count]);
        self.advance(count)
    }

    /// Adds a number in hex with at least `width` digits.
    pub fn hex(&mut self, number: u64, width: u32) -> &mut Self {
        let used = number.checked_ilog2().map_or(1, |bit| bit / 4 + 1);
        let count = used.max(width).min(16) as usize;
        let Some(slot) = self.slot::<16>() else { return self };
        let mut rest = number;
        for digit in slot[..count].iter_mut().rev() {
            *digit = HEX[rest as usize & 0xf];
            rest >>= 4;
        }
        self.advance(count)
    }

    /// Adds bytes in hex with spaces between them.
    pub fn spaced(&mut self, bytes: &[u8]) -> &mut Self {
        for byte in bytes {
            let [high, low] = PAIRS[usize::from(*byte)];
            self.put([high, low, b' ', b' '], 3);
        }
        self.truncate(self.len().saturating_sub(usize::from(!bytes.is_empty())));
        self
    }

    /// Adds bytes in hex with nothing between them.
    pub fn packed(&mut self, bytes: &[u8]) -> &mut Self {
        for piece in bytes.chunks(32) {
            let Some(slot) = self.slot::<64>() else { return self };
            for (pair, byte) in slot.as_chunks_mut().0.iter_mut().zip(piece) {
                *pair = PAIRS[usize::from(*byte)];
            }
            self.advance(2 * piece.len());
        }
        self
    }

    /// Adds a link address.
    pub fn mac(&mut self, mac: Mac) -> &mut Self {
        let Some(slot) = self.slot::<18>() else { return self };
        for (place, byte) in slot.as_chunks_mut().0.iter_mut().zip(mac.0) {
            let [high, low] = PAIRS[usize::from(byte)];
            *place = [high, low, b':'];
        }
        self.advance(17)
    }

    /// Adds an IPv4 address.
    #[inline]
    pub fn ipv4(&mut self, address: Ipv4Addr) -> &mut Self {
        let Some(slot) = self.slot::<16>() else { return self };
        let mut at = 0;
        for byte in address.octets() {
            let (text, length) = &OCTETS[usize::from(byte)];
            slot[at..at + 4].copy_from_slice(text);
            at += usize::from(*length);
        }
        self.advance(at - 1)
    }

    /// Adds an IPv6 address as RFC 5952 writes it: the longest run of zeros (two groups or more, the first of equals) is
    /// `::`.
    pub fn ipv6(&mut self, address: Ipv6Addr) -> &mut Self {
        if address.to_ipv4_mapped().is_some() {
            return self.format(format_args!("{address}"));
        }
        let groups = address.segments();
        let (mut start, mut length, mut run) = (0, 1, 0);
        for (at, group) in groups.iter().enumerate() {
            run = if *group == 0 { run + 1 } else { 0 };
            if run > length {
                (start, length) = (at + 1 - run, run);
            }
        }
        let skipped = if length > 1 { start..start + length } else { 0..0 };
        let Some(slot) = self.slot::<GROUPS>() else { return self };
        let mut to = 0;
        for (at, group) in groups.iter().enumerate() {
            if skipped.contains(&at) {
                if at == skipped.start {
                    slot[to..to + 2].copy_from_slice(b"::");
                    to += 2;
                }
                continue;
            }
            if at > 0 && at != skipped.end {
                slot[to] = b':';
                to += 1;
            }
            let [[a, b], [c, d]] = group.to_be_bytes().map(|byte| PAIRS[usize::from(byte)]);
            let zeros = (group.leading_zeros() / 4).min(3);
            let digits = u32::from_le_bytes([a, b, c, d]) >> (8 * zeros);
            slot[to..to + 4].copy_from_slice(&digits.to_le_bytes());
            to += 4 - zeros as usize;
        }
        self.advance(to)
    }

    /// Adds an address of either version.
    #[inline]
    pub fn ip(&mut self, address: IpAddr) -> &mut Self {
        match address {
            IpAddr::V4(address) => self.ipv4(address),
            IpAddr::V6(address) => self.ipv6(address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::hex;

    fn text(add: impl FnOnce(&mut Text) -> &mut Text) -> String {
        let mut text = Text::default();
        add(&mut text);
        String::from_utf8(text.into_bytes()).unwrap()
    }

    #[test]
    fn one_byte_is_not_several() {
        assert_eq!([0u32, 1, 2].map(|bytes| text(|t| t.length(bytes))), ["0 bytes", "1 byte", "2 bytes"]);
    }

    #[test]
    fn numbers_print_as_the_standard_library_prints_them() {
        for number in [0, 1, 9, 10, 255, 65_535, 1_000_000_007, u64::MAX] {
            assert_eq!(text(|t| t.number(number)), number.to_string());
            assert_eq!(text(|t| t.hex(number, 1)), format!("{number:x}"));
            assert_eq!(text(|t| t.hex(number, 5)), format!("{number:05x}"));
            assert_eq!(text(|t| t.decimal(number, 6)), format!("{number:06}"));
            assert_eq!(text(|t| t.decimal(number, 3)), format!("{number:03}"));
        }
    }

    #[test]
    fn addresses_print_as_the_standard_library_prints_them() {
        for address in [
            "::",
            "::1",
            "1::",
            "2001:db8::1",
            "1:0:0:2:0:0:0:3",
            "1:2:3:4:5:6:7:8",
            "0:1:0:1:0:1:0:1",
            "fe80::1:0:0",
            "1:0:0:2:3:0:0:4",
            "::ffff:10.0.0.1",
            "1:2:3:4:5:6:0:0",
            "0:0:1::",
        ] {
            let address: Ipv6Addr = address.parse().unwrap();
            assert_eq!(text(|t| t.ipv6(address)), address.to_string());
        }
        for address in [[255, 10, 0, 1], [9, 99, 100, 200], [0; 4]].map(Ipv4Addr::from) {
            assert_eq!(text(|t| t.ipv4(address)), address.to_string());
        }
        for number in [0, -1, 42, i64::MIN, i64::MAX] {
            assert_eq!(text(|t| t.signed(number)), number.to_string());
        }
        assert_eq!(text(|t| t.mac(Mac([2, 0xfc, 0, 0, 0, 0x1f]))), "02:fc:00:00:00:1f");
    }

    #[test]
    fn bytes_print_as_pairs() {
        for length in [0, 1, 15, 16, 17, 40] {
            let bytes: Vec<u8> = (0..length).map(|byte: u8| byte.wrapping_mul(37)).collect();
            assert_eq!(text(|t| t.spaced(&bytes)), hex::Spaced(&bytes).to_string());
            assert_eq!(text(|t| t.packed(&bytes)), hex::Packed(&bytes).to_string());
        }
    }
}
