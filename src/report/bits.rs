//! Addresses as zeros and ones, with the border between network and host part visible.

use std::io::{self, Write};

use crate::internet::subnet::Family;
use crate::internet::subnet::describe::{And, Bits};

use super::Palette;
use super::palette::Ink;

/// Width of the labels, the two blanks before them included.
pub(super) const LABEL: usize = 12;

/// Bits of an address that go on one line: all of IPv4, half of IPv6, fewer where the terminal is narrow.
fn per_line(family: Family, width: Option<u16>) -> u8 {
    let (most, behind) = match family {
        Family::Ipv4 => (32, "  255.255.255.255".len()),
        Family::Ipv6 => (64, 0),
    };
    // Between the groups stands a separator, and between network and host part the bar.
    let columns = |bits: u8| LABEL + usize::from(bits + bits / grouping(family).0) + behind;
    let fits = |bits: &u8| width.is_none_or(|width| columns(*bits) <= width.into());
    [most, 32, 16].into_iter().find(fits).unwrap_or(16)
}

/// How the bits of a family are grouped.
const fn grouping(family: Family) -> (u8, char) {
    match family {
        Family::Ipv4 => (8, '.'),
        Family::Ipv6 => (16, ':'),
    }
}

/// Writes address, mask and result below each other, bit by bit, with a bar between network and host part. Under the
/// result the first bit that differs from what was expected is pointed at, where there is one (from 1 on the left).
///
/// # Errors
/// What the writer refused.
pub fn and(
    out: &mut impl Write,
    palette: Palette,
    width: Option<u16>,
    and: &And,
    differs: Option<u8>,
) -> io::Result<()> {
    let border = and.mask.0.number().count_ones() as u8;
    let bits = and.address.0.family().bits();
    let per_line = per_line(and.address.0.family(), width);
    let mut from = 0;
    while from < bits {
        let to = bits.min(from + per_line);
        for (label, row) in [("address", and.address), ("mask", and.mask), ("AND", and.result)] {
            line(out, palette, label, row, from..to, border)?;
        }
        if let Some(place) = differs.map(|bit| bit - 1).filter(|place| (from..to).contains(place)) {
            let (group, _) = grouping(and.address.0.family());
            let column = usize::from(place - from + (place - from) / group);
            let pointer = palette.paint(Ink::Bad, format!("^ bit {} differs", place + 1));
            writeln!(out, "{:>width$}{pointer}", "", width = LABEL + column)?;
        }
        from = to;
        if from < bits {
            writeln!(out)?;
        }
    }
    Ok(())
}

/// One line: a label, the bits of `row` in `places`, and behind the last of an IPv4 address the address itself.
fn line(
    out: &mut impl Write,
    palette: Palette,
    label: &str,
    row: Bits,
    places: std::ops::Range<u8>,
    border: u8,
) -> io::Result<()> {
    let family = row.0.family();
    let (network, host) = digits(row, places.clone(), border);
    let bar = if bar_stands_in(&places, border) { "│" } else { "" };
    write!(out, "  {}", palette.paint(Ink::Faint, format_args!("{label:<width$}", width = LABEL - 2)))?;
    for (ink, part) in [(Ink::Link, &*network), (Ink::Strong, bar), (Ink::Internet, &*host)] {
        if !part.is_empty() {
            write!(out, "{}", palette.paint(ink, part))?;
        }
    }
    match family {
        Family::Ipv4 if places.end == family.bits() => writeln!(out, "  {}", row.0),
        _ => writeln!(out),
    }
}

/// Whether the bar belongs into a line: where it falls between two lines, it ends the first.
fn bar_stands_in(places: &std::ops::Range<u8>, border: u8) -> bool {
    places.contains(&border) && border > places.start || border == places.end || border == 0 && places.start == 0
}

/// The bits in `places`, those before the border and those behind it.
fn digits(row: Bits, places: std::ops::Range<u8>, border: u8) -> (String, String) {
    let (group, separator) = grouping(row.0.family());
    let (mut network, mut host) = (String::new(), String::new());
    for place in places.clone() {
        let part = if place < border { &mut network } else { &mut host };
        part.push(if row.at(place) { '1' } else { '0' });
        if (place + 1) % group == 0 && place + 1 < places.end {
            part.push(separator);
        }
    }
    (network, host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::internet::subnet::notation;

    fn drawn(text: &str, differs: Option<u8>) -> String {
        drawn_in(text, differs, Palette::PLAIN, None)
    }

    fn drawn_in(text: &str, differs: Option<u8>, palette: Palette, width: Option<u16>) -> String {
        let (address, length) = notation::address_and_mask(text).unwrap();
        let mut out = Vec::new();
        and(&mut out, palette, width, &And::of(address, length.unwrap()), differs).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_border_stands_where_the_mask_ends() {
        assert_eq!(
            drawn("172.16.10.1/24", None),
            "  address   10101100.00010000.00001010.│00000001  172.16.10.1\n  \
               mask      11111111.11111111.11111111.│00000000  255.255.255.0\n  \
               AND       10101100.00010000.00001010.│00000000  172.16.10.0\n"
        );
        assert!(
            drawn("192.168.1.130/26", None)
                .contains("  AND       11000000.10101000.00000001.10│000000  192.168.1.128\n")
        );
        assert!(drawn("10.0.0.1/0", None).contains("  mask      │00000000.00000000"));
        assert!(drawn("10.0.0.1/32", None).contains("00000001│  10.0.0.1\n"));
    }

    #[test]
    fn the_first_differing_bit_is_pointed_at() {
        let drawn = drawn("172.16.11.2/24", Some(24));
        let lines: Vec<&str> = drawn.lines().collect();
        let column = lines[3].find('^').unwrap();
        assert_eq!(lines[3].trim(), "^ bit 24 differs");
        assert_eq!(&lines[2][column..=column], "1");
        assert_eq!(&lines[2][column + 1..=column + 1], ".");
    }

    #[test]
    fn a_narrow_terminal_gets_shorter_lines_and_nothing_is_coloured_where_nothing_is() {
        for (text, width) in [("2001:db8::1/64", 79), ("2001:db8::1/64", 40), ("10.0.0.1/24", 60), ("::1/1", 79)] {
            let drawn = drawn_in(text, None, Palette::PLAIN, Some(width));
            assert!(drawn.lines().all(|line| line.chars().count() <= usize::from(width)), "{drawn}");
            let bits = if text.contains(':') { 3 * 128 } else { 3 * 32 };
            let rows = drawn.lines().filter_map(|line| line.get(12..)).map(|row| row.split("  ").next().unwrap());
            assert_eq!(rows.flat_map(str::chars).filter(|c| matches!(c, '0' | '1')).count(), bits, "{drawn}");
        }
        let coloured = drawn_in("2001:db8::1/64", None, Palette { colour: true }, None);
        assert!(!coloured.contains("m\x1b[0m"), "{coloured:?}");
    }

    #[test]
    fn ipv6_takes_two_lines_of_64_bits_and_one_bar() {
        let drawn = drawn("2001:db8::1/64", None);
        assert_eq!(drawn.matches('│').count(), 3);
        assert!(drawn.lines().next().unwrap().ends_with("0000000000000000│"));
        assert!(drawn.lines().all(|line| line.chars().count() <= 80), "{drawn}");
    }
}
