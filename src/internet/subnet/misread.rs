//! What is wrong with something that should have been an address, a mask or a range, and what was probably meant.
//!
//! Nothing here decides what is accepted: [`notation`] has already refused the text.

#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::net::Ipv4Addr;

use crate::bytes::Mac;

use super::digits::leading_ipv4;
use super::notation::{self, plain_address};
use super::problem::{Misread, Problem, SHOWN, shown};
use super::{Address, Family, Prefix};

/// Why `text` is no address.
pub(super) fn address(text: &str) -> Misread {
    let (problem, meant) = address_problem(text);
    Misread::new(text, problem).meaning(meant)
}

fn address_problem(text: &str) -> (Problem, Option<String>) {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return (Problem::Empty, None);
    }
    if trimmed.len() < text.len() && plain_address(trimmed).is_some() {
        return (Problem::Blanks, Some(trimmed.to_owned()));
    }
    around_an_address(text).or_else(|| instead_of_an_address(text)).unwrap_or_else(|| inside_an_address(text))
}

/// An address with something before or behind it.
fn around_an_address(text: &str) -> Option<(Problem, Option<String>)> {
    let address = |text: &str| plain_address(text).map(|address| address.to_string());
    if let Some((_, rest)) = text.split_once("://") {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        return Some((Problem::Url, address(host).or_else(|| around_an_address(host).and_then(|(_, meant)| meant))));
    }
    if let Some(inner) = text.strip_prefix('[') {
        let (inner, behind) = inner.split_once(']').unwrap_or((inner, ""));
        let problem = behind.strip_prefix(':').map_or(Problem::Brackets, |port| Problem::Port { port: shown(port) });
        return Some((problem, address(inner)));
    }
    if let Some((before, zone)) = text.split_once('%') {
        return Some((Problem::Zone { zone: shown(zone) }, address(before)));
    }
    let (before, port) = text.split_once(':')?;
    let is_port = !port.contains(':') && before.contains('.');
    is_port.then(|| (Problem::Port { port: shown(port) }, address(before)))
}

/// Something else than an address.
fn instead_of_an_address(text: &str) -> Option<(Problem, Option<String>)> {
    if text.parse::<Mac>().is_ok() {
        return Some((Problem::MacAddress, None));
    }
    if let Some((first, last)) = text.split_once('-')
        && plain_address(first.trim()).is_some()
        && last.trim().starts_with(|c: char| c.is_ascii_hexdigit() || c == ':')
    {
        return Some((Problem::RangeAlone, Some(format!("--aggregate {text}, the exact prefixes of the range"))));
    }
    let hex = text.strip_prefix("0x").and_then(|hex| u32::from_str_radix(hex, 16).ok());
    if let Some(number) = hex.or_else(|| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?) {
        return Some((Problem::BareNumber, Some(Ipv4Addr::from_bits(number).to_string())));
    }
    if text.strip_prefix('/').is_some_and(|length| length.bytes().all(|b| b.is_ascii_digit())) {
        return Some((Problem::MaskAlone, None));
    }
    let unmasked = text.replace(['O', 'o'], "0").replace(['l', 'I'], "1").replace([',', '。', '．'], ".");
    if let Some(address) = plain_address(&unmasked) {
        return Some((Problem::LooksAlike, Some(address.to_string())));
    }
    let is_name = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    (is_name && text.bytes().any(|b| b.is_ascii_alphabetic())).then_some((Problem::Name, None))
}

/// An address with a mistake in it.
fn inside_an_address(text: &str) -> (Problem, Option<String>) {
    if text.contains(':') && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b':' | b'.')) {
        return (ipv6_problem(text), None);
    }
    if text.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return ipv4_problem(text);
    }
    (Problem::NoAddress, None)
}

fn ipv4_problem(text: &str) -> (Problem, Option<String>) {
    let octets: Vec<&str> = text.split('.').take(SHOWN).collect();
    let count = octets.len();
    for (octet, place) in octets.iter().zip(1..) {
        if octet.is_empty() {
            let inner = text.trim_matches('.');
            return (Problem::OctetEmpty { place }, plain_address(inner).map(|address| address.to_string()));
        }
        if octet.parse::<u64>().map_or(true, |value| value > 255) {
            return (Problem::OctetTooLarge { place, octet: shown(octet) }, None);
        }
    }
    if count != 4 {
        return (Problem::Octets { octets: count }, short_form(&octets));
    }
    match octets.iter().zip(1..).find(|(octet, _)| octet.len() > 1 && octet.starts_with('0')) {
        Some((octet, place)) => (Problem::LeadingZero { place, octet: shown(octet) }, without_zeros(&octets)),
        None => (Problem::NoAddress, None),
    }
}

/// Octets written with leading zeros, as decimal numbers.
fn without_zeros(octets: &[&str]) -> Option<String> {
    let decimal: Option<Vec<String>> = octets.iter().map(|o| Some(o.parse::<u8>().ok()?.to_string())).collect();
    decimal.map(|decimal| decimal.join("."))
}

/// What two or three octets stand for: `10.1` is 10.0.0.1 where `inet_aton` reads it.
fn short_form(octets: &[&str]) -> Option<String> {
    let (last, first) = octets.split_last()?;
    let zeros = 3_usize.checked_sub(first.len()).filter(|zeros| (1..=2).contains(zeros))?;
    let long = format!("{}.{}{last}", first.join("."), "0.".repeat(zeros));
    Some(format!("{long}, which is how ping and inet_aton read it"))
}

fn ipv6_problem(text: &str) -> Problem {
    if text.matches("::").count() > 1 || text.contains(":::") {
        return Problem::TwoGaps;
    }
    let groups = text.split(':').take(SHOWN);
    for (group, place) in groups.clone().zip(1..) {
        let is_tail = group.contains('.') && leading_ipv4(group.as_bytes()).is_some_and(|(_, end)| end == group.len());
        let is_hex = group.len() <= 4 && group.bytes().all(|b| b.is_ascii_hexdigit());
        if !(is_hex || is_tail) || (group.is_empty() && !text.contains("::")) {
            return Problem::Group { place, group: shown(group) };
        }
    }
    Problem::Groups { groups: groups.filter(|group| !group.is_empty()).count() }
}

/// Why the part of `text` before its slash is no address.
pub(super) fn prefix(text: &str, before: &str, after: &str) -> Misread {
    if text.contains("://") || text.starts_with('[') {
        return address(text);
    }
    let Misread { problem, meant, .. } = address(before);
    let octets = before.split('.').count();
    let filled = format!("{before}{}", ".0".repeat(4_usize.saturating_sub(octets)));
    let meant = match &problem {
        // Networks are often written without their last zeros.
        Problem::Octets { .. } => plain_address(&filled).map(|address| format!("{address}/{}", shown(after))),
        Problem::Empty if after.bytes().all(|b| b.is_ascii_digit()) => return Misread::new(text, Problem::MaskAlone),
        Problem::Empty => return Misread::new(text, Problem::NoAddress),
        _ => meant.map(|meant| format!("{meant}/{}", shown(after))),
    };
    Misread::new(text, problem).meaning(meant)
}

/// Why `text` is no mask.
pub(super) fn mask(text: &str, family: Family) -> Misread {
    let problem = match plain_address(text) {
        Some(other) if other.family() != family => Problem::OtherFamilysMask { family },
        _ => Problem::NoMask { family },
    };
    Misread::new(text, problem)
}

/// The hole in a mask of these bits, which is neither ones followed by zeros nor zeros followed by ones.
pub(super) fn hole(text: &str, bits: u128, family: Family) -> Misread {
    let shift = 128_u32.saturating_sub(u32::from(family.bits()));
    let left = bits << shift;
    let value = u8::from(left >> 127 == 1);
    // As a mask that starts with ones, whichever way round it was written.
    let ones = if value == 1 { left } else { !(left | (1_u128 << shift).wrapping_sub(1)) };
    let kept = ones.leading_ones();
    let border = kept.saturating_add(1);
    let bit = border.saturating_add((ones << border.min(127)).leading_zeros()).saturating_add(1);
    let filled = 128_u32.saturating_sub(ones.trailing_zeros());
    let near = [kept, filled].into_iter().filter_map(|length| {
        let length = u8::try_from(length).ok()?;
        let prefix = Prefix::of(Address::new(family, 0), length);
        let (kind, meant) = if value == 1 { ("mask", prefix.mask()) } else { ("wildcard", prefix.wildcard()) };
        // The wildcard of a host is all zeros, which is read as the mask /0.
        let is_read_so = notation::mask(&meant.to_string(), family) == Ok(length);
        is_read_so.then(|| format!("the {kind} {meant} (/{length})"))
    });
    let meant = near.collect::<Vec<_>>().join(" or ");
    Misread::new(text, Problem::Hole { bit, value, border }).meaning(Some(meant).filter(|meant| !meant.is_empty()))
}

/// Why the range from `first` to `last` is none.
pub(super) fn range(text: &str, first: Address, last: Address) -> Misread {
    if first.family() == last.family() {
        return Misread::new(text, Problem::Backwards).meaning(format!("{last}-{first}"));
    }
    Misread::new(text, Problem::TwoFamilies)
}

/// Why the end of a range is no address; `10.0.0.1-20` means the last octet.
pub(super) fn range_end(text: &str, first: &str, last: &str, error: Misread) -> Misread {
    let octet = last.parse::<u8>().ok();
    let (Some((head, _)), Some(octet)) = (first.rsplit_once('.'), octet) else { return error };
    let whole = format!("{head}.{octet}");
    Misread { text: shown(text), ..error }.meaning(plain_address(&whole).map(|end| format!("{first}-{end}")))
}

#[cfg(test)]
mod tests {
    use super::super::notation;

    fn said(text: &str) -> String {
        notation::address_and_mask(text).unwrap_err().to_string()
    }

    #[test]
    fn every_near_miss_is_told_what_it_is_and_what_was_meant() {
        for (text, problem, meant) in [
            ("010.0.0.1", "octet 1 is written 010: C programs read that as octal 8, people as 10", "10.0.0.1"),
            ("10.0.0.08", "this is no octal number", "10.0.0.8"),
            ("10.0.0.1:80", "a port (80) is not part of an address", "10.0.0.1"),
            ("[2001:db8::1]:443", "a port (443)", "2001:db8::1"),
            ("[2001:db8::1]", "brackets", "2001:db8::1"),
            ("http://192.0.2.7:8080/x", "it is a URL", "192.0.2.7"),
            ("http://[2001:db8::7]/x", "it is a URL", "2001:db8::7"),
            ("fe80::1%eth0", "%eth0 names an interface", "fe80::1"),
            ("10.0.1", "it has 3 octets", "10.0.0.1, which is how"),
            ("10.1", "it has 2 octets", "10.0.0.1, which is how"),
            ("10.1/16", "it has 2 octets", "10.1.0.0/16"),
            ("010.0.0.0/8", "octet 1 is written 010", "10.0.0.0/8"),
            ("10.0.0.1.", "octet 5 is empty", "10.0.0.1"),
            ("167772161", "a single number", "10.0.0.1"),
            ("0x0a000001", "a single number", "10.0.0.1"),
            ("1O.0.0.l", "only look like digits", "10.0.0.1"),
            ("10,0,0,1", "only look like digits", "10.0.0.1"),
            (" 10.0.0.1", "blanks", "10.0.0.1"),
            (
                "10.0.0.1/255.0.255.0",
                "bit 17 is 1 although bit 9 is already 0",
                "the mask 255.0.0.0 (/8) or the mask 255.255.255.0 (/24)?",
            ),
            ("10.0.0.1/0.0.255.0", "bit 25 is 0 although bit 17 is already 1", "the wildcard 0.0.255.255 (/16)?"),
            ("10.0.0.1/255.255.255.1", "bit 32 is 1 although bit 25 is already 0", "255.255.255.0 (/24)"),
            (
                "::1/ffff:0:ffff::",
                "bit 33 is 1 although bit 17 is already 0",
                "the mask ffff:: (/16) or the mask ffff:ffff:ffff:: (/48)",
            ),
        ] {
            let said = said(text);
            assert!(said.contains(problem), "{text}: {said}");
            let hint = said.split_once("\nhint: did you mean ").unwrap_or_else(|| panic!("{text}: {said}")).1;
            assert!(hint.contains(meant), "{text}: {hint}");
        }
    }

    #[test]
    fn no_mask_is_offered_that_would_be_read_as_another() {
        for (text, meant) in [
            ("10.0.0.1/8.0.0.0", "the wildcard 15.255.255.255 (/4)"),
            ("10.0.0.1/0.255.0.0", "the wildcard 0.255.255.255 (/8)"),
            ("10.0.0.1/0.0.255.0", "the wildcard 0.0.255.255 (/16)"),
            ("10.0.0.1/0.255.0.255", "the wildcard 0.255.255.255 (/8) or the wildcard 0.0.0.255 (/24)"),
        ] {
            assert_eq!(said(text).split_once("did you mean ").unwrap().1, format!("{meant}?"), "{text}");
        }
    }

    #[test]
    fn a_length_with_a_leading_zero_is_refused_as_an_octet_is() {
        let said = said("10.0.0.1/010");
        assert!(said.contains("010: C programs read that as octal 8, people as 10"), "{said}");
        assert!(said.ends_with("hint: did you mean /10?"), "{said}");
        assert!(notation::address_and_mask("10.0.0.1/024").is_err());
        assert_eq!(notation::address_and_mask("10.0.0.1/0").unwrap().1, Some(0));
    }

    #[test]
    fn what_has_no_likely_meaning_is_told_what_was_expected() {
        for (text, problem) in [
            ("", "expected an address such as 192.0.2.1 or 2001:db8::1"),
            ("example.org", "it is a name"),
            ("10.0.0.0.1", "it has 5 octets"),
            ("10..0.1", "octet 2 is empty"),
            ("256.0.0.1", "octet 1 is 256, the largest is 255"),
            ("10.0.0.1234567890123456789012", "octet 4 is 1234567890123456789012"),
            ("10.0.0.1/33", "a prefix length of 33 is too long: IPv4 addresses have 32 bits"),
            ("::1/129", "a prefix length of 129 is too long: IPv6 addresses have 128 bits"),
            ("10.0.0.1/", "no mask follows the slash"),
            ("10.0.0.1/24/24", "the mask is given twice"),
            ("10.0.0.1/24/255.255.255.0", "the mask is given twice"),
            ("10.0.0.1/-1", "expected /24, 24, 255.255.255.0"),
            ("10.0.0.1/+24", "expected /24, 24, 255.255.255.0"),
            ("10.0.0.1/ffff::", "it is not a mask for IPv4"),
            ("fe80::1/255.255.255.0", "it is not a mask for IPv6"),
            ("02:fc:00:00:00:01", "it is a MAC address"),
            ("2001:db8::1::2", "it has :: more than once"),
            ("fe80:::1", "it has :: more than once"),
            ("1:2:3:4:5:6:7", "it has 7 groups"),
            ("1:2:3:4:5:6:7:8:9", "it has 9 groups"),
            ("2001:db8::12345", "group 4 is \"12345\""),
            ("2001:db8::g", "group 4 is \"g\""),
            ("/24", "the address comes first"),
            ("10.0.0.1-10.0.0.9", "it is a range"),
            ("10.0.0.0\\24", "expected an address such as"),
            ("ä", "expected an address such as"),
        ] {
            let said = said(text);
            assert!(said.contains(problem), "{text}: {said}");
        }
    }

    #[test]
    fn a_range_says_which_end_is_wrong() {
        let said = |text| notation::entry(text).unwrap_err().to_string();
        assert!(said("10.0.0.9-10.0.0.1").contains("ends before it starts\nhint: did you mean 10.0.0.1-10.0.0.9?"));
        assert!(said("10.0.0.9-::1").contains("starts in IPv4"));
        assert!(said("10.0.0.1-20").contains("did you mean 10.0.0.1-10.0.0.20?"));
        assert!(said("10.0.0.1-example").contains("example: it is a name"));
    }

    #[test]
    fn long_and_dangerous_text_is_cut_and_escaped() {
        let said = said(&format!("\x1b[31m{}", "9".repeat(100_000)));
        assert!(said.len() < 300 && !said.contains('\x1b'), "{said}");
    }
}
