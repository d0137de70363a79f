//! Addresses, masks, prefixes and ranges as people write them.
//!
//! What is accepted is decided here, by reading; when reading fails, [`misread`] works out what was
//! probably meant.

#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::misread;
use super::problem::{Misread, Problem, shown};
use super::{Address, Family, Prefix, Range, digits};

/// Reads an address: four decimal octets without leading zeros, or any text form of RFC 4291 section 2.2.
///
/// # Errors
/// What is wrong, and what was probably meant.
pub fn address(text: &str) -> Result<Address, Misread> {
    plain_address(text).ok_or_else(|| misread::address(text))
}

/// An address without a word about what is wrong where it is none.
pub(super) fn plain_address(text: &str) -> Option<Address> {
    if let Some((number, length)) = digits::leading_ipv4(text.as_bytes()) {
        return (length == text.len()).then(|| Address::new(Family::Ipv4, number.into()));
    }
    digits::ipv6(text.as_bytes()).map(|number| Address::new(Family::Ipv6, number))
}

/// Reads a mask for addresses of `family` and returns its length in bits: `/24`, `24`, `255.255.255.0`, `0xffffff00` or
/// the wildcard `0.0.0.255`; for IPv6 also `ffff:ffff::`. All zeros is the mask /0, all ones the mask of a host.
///
/// # Errors
/// What is wrong; for a mask with a hole, which bit.
pub fn mask(text: &str, family: Family) -> Result<u8, Misread> {
    let digits = text.strip_prefix('/').unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        if digits.len() > 1 && digits.starts_with('0') {
            let meant = digits.parse::<u8>().ok().filter(|length| *length <= family.bits());
            let problem = Problem::LengthLeadingZero { length: shown(digits) };
            return Err(Misread::new(text, problem).meaning(meant.map(|length| format!("/{length}"))));
        }
        let length = digits.parse().ok().filter(|length| *length <= family.bits());
        return length.ok_or_else(|| Misread::new(text, Problem::LengthTooLong { length: shown(digits), family }));
    }
    let bits = mask_bits(digits, family).ok_or_else(|| misread::mask(text, family))?;
    mask_length(bits, family).ok_or_else(|| misread::hole(text, bits, family))
}

/// A mask written as an address or in hex, as a number.
fn mask_bits(text: &str, family: Family) -> Option<u128> {
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    if let Some(hex) = hex.filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit())) {
        let nibbles = usize::from(family.bits() / 4);
        return u128::from_str_radix(hex, 16).ok().filter(|_| hex.len() == nibbles);
    }
    plain_address(text).filter(|address| address.family() == family).map(Address::number)
}

/// The length of a mask, or of the mask whose wildcard this is.
fn mask_length(bits: u128, family: Family) -> Option<u8> {
    let length_of = |mask: u128| (0..=family.bits()).find(|length| family.mask(*length) == mask);
    length_of(bits).or_else(|| length_of(!bits & family.highest()))
}

/// Reads `ADDRESS` or `ADDRESS/MASK`, the mask in any form that [`mask`] reads.
///
/// # Errors
/// What is wrong with either.
pub fn address_and_mask(text: &str) -> Result<(Address, Option<u8>), Misread> {
    let Some((before, after)) = text.split_once('/') else { return Ok((address(text)?, None)) };
    let address = plain_address(before).ok_or_else(|| misread::prefix(text, before, after))?;
    if after.is_empty() {
        return Err(Misread::new(text, Problem::MaskMissing));
    }
    if after.contains('/') {
        return Err(Misread::new(text, Problem::MaskTwice));
    }
    let length = mask(after, address.family()).map_err(|error| Misread { text: shown(text), ..error })?;
    Ok((address, Some(length)))
}

/// Reads a prefix; an address alone is the prefix of its full length, and host bits are cleared.
///
/// # Errors
/// What is wrong with it.
pub fn prefix(text: &str) -> Result<Prefix, Misread> {
    let (address, length) = address_and_mask(text)?;
    Ok(Prefix::of(address, length.unwrap_or(address.family().bits())))
}

/// One entry of a list of networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The addresses it means.
    pub range: Range,
    /// Whether bits behind the prefix length were set and are now cleared: `10.0.0.5/24` was taken as `10.0.0.0/24`.
    pub host_bits_cleared: bool,
}

/// Reads an entry of a list: an address, a prefix, or a range `FIRST-LAST`.
///
/// # Errors
/// What is wrong with it.
pub fn entry(text: &str) -> Result<Entry, Misread> {
    if let Some((first, last)) = text.split_once('-').map(|(first, last)| (first.trim(), last.trim())) {
        let (first, last) =
            (address(first)?, address(last).map_err(|error| misread::range_end(text, first, last, error))?);
        let range = Range::between(first, last).ok_or_else(|| misread::range(text, first, last))?;
        return Ok(Entry { range, host_bits_cleared: false });
    }
    let (address, length) = address_and_mask(text)?;
    let prefix = Prefix::of(address, length.unwrap_or(address.family().bits()));
    Ok(Entry { range: prefix.range(), host_bits_cleared: prefix.network() != address })
}

/// What a line of a list holds besides a comment, which `#` or `;` starts.
pub fn without_comment(line: &str) -> &str {
    line.split(['#', ';']).next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_a_mask_is_the_same_mask() {
        for text in ["/24", "24", "255.255.255.0", "0xffffff00", "0XFFFFFF00", "0.0.0.255", "0x000000ff"] {
            assert_eq!(mask(text, Family::Ipv4).unwrap(), 24, "{text}");
        }
        for text in ["/64", "64", "ffff:ffff:ffff:ffff::", "::ffff:ffff:ffff:ffff"] {
            assert_eq!(mask(text, Family::Ipv6).unwrap(), 64, "{text}");
        }
    }

    #[test]
    fn every_length_reads_back_from_its_mask_and_its_wildcard() {
        for family in [Family::Ipv4, Family::Ipv6] {
            for length in 0..=family.bits() {
                let prefix = Prefix::of(Address::new(family, 0), length);
                assert_eq!(mask(&prefix.mask().to_string(), family).unwrap(), length);
                if (1..family.bits()).contains(&length) {
                    assert_eq!(mask(&prefix.wildcard().to_string(), family).unwrap(), length);
                }
            }
        }
    }

    #[test]
    fn a_mask_with_a_slash_may_be_written_in_any_form() {
        let (address, length) = address_and_mask("192.168.1.130/255.255.255.192").unwrap();
        assert_eq!((address.to_string().as_str(), length), ("192.168.1.130", Some(26)));
        assert_eq!(address_and_mask("10.0.0.1/0.0.0.255").unwrap().1, Some(24));
        assert_eq!(address_and_mask("2001:db8::1/48").unwrap().1, Some(48));
        assert_eq!(address_and_mask("10.0.0.1").unwrap().1, None);
    }

    #[test]
    fn an_entry_is_an_address_a_prefix_or_a_range() {
        let text = |entry: Entry| format!("{}-{}", entry.range.first, entry.range.last);
        assert_eq!(text(entry("10.0.0.0-10.0.1.77").unwrap()), "10.0.0.0-10.0.1.77");
        assert_eq!(text(entry("::1 - ::ff").unwrap()), "::1-::ff");
        assert_eq!(text(entry("10.0.0.5").unwrap()), "10.0.0.5-10.0.0.5");
        assert!(!entry("10.0.0.5").unwrap().host_bits_cleared);
        assert!(entry("10.0.0.5/24").unwrap().host_bits_cleared);
        assert!(!entry("10.0.0.0/24").unwrap().host_bits_cleared);
    }
}
