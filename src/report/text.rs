//! Text put together byte by byte: numbers and addresses without the standard formatting machinery, for reports that
//! print a million lines.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use super::palette::{Ink, Palette};
use super::quantity::Time;
use crate::bytes::{Escaped, Mac, Name};
use crate::capture::analysis::{Finding, Notes};

/// The two hex digits of each byte.
pub(super) static PAIRS: [[u8; 2]; 256] = {
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < pairs.len() {
        pairs[byte] = [DIGITS[byte >> 4], DIGITS[byte & 0xf]];
        byte += 1;
    }
    pairs
};

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// A growing text, used again for each item.
#[derive(Clone, Debug, Default)]
pub struct Text(pub Vec<u8>);

impl Text {
    /// Adds text as it is. Never bytes from outside: see [`Text::escaped`].
    #[inline]
    pub fn str(&mut self, text: &str) -> &mut Self {
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    /// Adds the round trips that a segment ends: `rtt 1.24 ms`.
    pub fn round_trips(&mut self, finding: Finding) -> &mut Self {
        let trips = [("rtt ", finding.round_trip_ns), ("initial rtt ", finding.handshake_ns)];
        for (number, (name, ns)) in trips.into_iter().filter_map(|(name, ns)| Some((name, ns?))).enumerate() {
            self.str(if number == 0 { "" } else { ", " }).str(name);
            self.format(format_args!("{}", Time(Duration::from_nanos(ns))));
        }
        self
    }

    /// Adds what an analysis notes, separated by commas.
    pub fn notes(&mut self, finding: Finding) -> &mut Self {
        for (number, (note, name, _)) in finding.notes.each().enumerate() {
            self.str(if number == 0 { "" } else { ", " }).str(name);
            if note == Notes::DUPLICATE_ACK {
                self.str(" #").number(finding.duplicate);
            }
        }
        self
    }

    /// Adds a number in decimal.
    #[inline]
    pub fn number(&mut self, number: impl Into<u64>) -> &mut Self {
        self.decimal(number.into(), 1)
    }

    /// Adds a number in decimal, with zeros in front up to `width` digits (at most 20).
    #[inline]
    pub fn decimal(&mut self, mut number: u64, width: usize) -> &mut Self {
        let mut digits = [b'0'; 20];
        let mut at = digits.len();
        let least = digits.len().saturating_sub(width);
        while number > 0 || at > least {
            at -= 1;
            digits[at] = b'0' + (number % 10) as u8;
            number /= 10;
        }
        self.0.extend_from_slice(&digits[at..]);
        self
    }

    /// Adds a number in hex with at least `width` digits.
    #[inline]
    pub fn hex(&mut self, number: u64, width: u32) -> &mut Self {
        let used = number.checked_ilog2().map_or(1, |bit| bit / 4 + 1);
        for digit in (0..used.max(width).min(16)).rev() {
            self.0.push(DIGITS[(number >> (4 * digit)) as usize & 0xf]);
        }
        self
    }

    /// Adds a link address.
    pub fn mac(&mut self, mac: Mac) -> &mut Self {
        let mut text = [b':'; 17];
        for (at, byte) in mac.0.into_iter().enumerate() {
            [text[3 * at], text[3 * at + 1]] = PAIRS[usize::from(byte)];
        }
        self.0.extend_from_slice(&text);
        self
    }

    /// Adds an IPv4 address.
    #[inline]
    pub fn ipv4(&mut self, address: Ipv4Addr) -> &mut Self {
        let [a, b, c, d] = address.octets();
        self.number(a).str(".").number(b).str(".").number(c).str(".").number(d)
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
        for (at, group) in groups.iter().enumerate() {
            if skipped.contains(&at) {
                if at == skipped.start {
                    self.str("::");
                }
                continue;
            }
            if at > 0 && at != skipped.end {
                self.0.push(b':');
            }
            self.hex((*group).into(), 1);
        }
        self
    }

    /// Adds an address of either version.
    #[inline]
    pub fn ip(&mut self, address: IpAddr) -> &mut Self {
        match address {
            IpAddr::V4(address) => self.ipv4(address),
            IpAddr::V6(address) => self.ipv6(address),
        }
    }

    /// Adds bytes from outside, escaped.
    #[inline]
    pub fn escaped(&mut self, bytes: &[u8]) -> &mut Self {
        if bytes.iter().all(|byte| matches!(byte, b' '..=b'[' | b']'..=b'~')) {
            self.0.extend_from_slice(bytes);
            return self;
        }
        self.format(format_args!("{}", Escaped(bytes)))
    }

    /// Adds a name of labels.
    pub fn name(&mut self, name: Name<'_>) -> &mut Self {
        let start = self.0.len();
        for label in name.labels() {
            if !label.iter().all(|byte| matches!(byte, b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z')) {
                self.0.truncate(start);
                return self.format(format_args!("{name}"));
            }
            if self.0.len() > start {
                self.0.push(b'.');
            }
            self.0.extend_from_slice(label);
        }
        if self.0.len() == start { self.str(".") } else { self }
    }

    /// Adds anything that prints.
    pub fn format(&mut self, arguments: fmt::Arguments<'_>) -> &mut Self {
        // Writing to a vector cannot fail.
        let _ = fmt::Write::write_fmt(self, arguments);
        self
    }

    /// Adds what `add` adds, in the colour of `ink`.
    #[inline]
    pub fn ink(&mut self, palette: Palette, ink: Ink, add: impl FnOnce(&mut Self) -> &mut Self) -> &mut Self {
        if !palette.colour {
            add(self);
            return self;
        }
        let (open, close) = palette.around(ink);
        self.format(format_args!("{open}"));
        add(self);
        self.format(format_args!("{close}"))
    }

    /// Adds the spaces that fill a column of `width` behind `shown` characters, at least two.
    pub fn fill(&mut self, shown: usize, width: usize) -> &mut Self {
        let length = self.0.len() + width.saturating_sub(shown).max(2);
        self.0.resize(length, b' ');
        self
    }
}

impl fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.str(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(add: impl FnOnce(&mut Text) -> &mut Text) -> String {
        let mut text = Text::default();
        add(&mut text);
        String::from_utf8(text.0).unwrap()
    }

    #[test]
    fn numbers_print_as_the_standard_library_prints_them() {
        for number in [0, 1, 9, 10, 255, 65_535, 1_000_000_007, u64::MAX] {
            assert_eq!(text(|t| t.number(number)), number.to_string());
            assert_eq!(text(|t| t.hex(number, 1)), format!("{number:x}"));
            assert_eq!(text(|t| t.decimal(number, 6)), format!("{number:06}"));
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
        assert_eq!(text(|t| t.ipv4(Ipv4Addr::new(255, 10, 0, 1))), "255.10.0.1");
        assert_eq!(text(|t| t.mac(Mac([2, 0xfc, 0, 0, 0, 0x1f]))), "02:fc:00:00:00:1f");
    }

    #[test]
    fn names_print_as_they_do_by_themselves() {
        for bytes in [&b"\x03www\x07example\x03org\0"[..], b"\0", b"\x01a\x04b.c\x1b\0", b"\x05_http\x02\xff\\\0"] {
            let name = Name::new(bytes, 0, 0);
            assert_eq!(text(|t| t.name(name)), name.to_string());
        }
    }

    #[test]
    fn bytes_from_outside_cannot_move_the_cursor() {
        assert_eq!(text(|t| t.escaped(b"eth0")), "eth0");
        assert_eq!(text(|t| t.escaped(b"a\x1b[2J\\")), "a\\x1b[2J\\\\");
    }
}
