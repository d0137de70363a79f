//! Digits to addresses, by hand: a stream of millions of lines has no time for more.

#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

/// The IPv4 address at the start of `text` and how many bytes it takes. What follows is the caller's to judge.
#[inline]
pub(super) fn leading_ipv4(text: &[u8]) -> Option<(u32, usize)> {
    let mut number = 0;
    let mut rest = text;
    for place in 0..4 {
        if place > 0 {
            rest = rest.strip_prefix(b".")?;
        }
        let (octet, behind) = leading_octet(rest)?;
        number = number << 8 | octet;
        rest = behind;
    }
    Some((number, text.len().wrapping_sub(rest.len())))
}

/// A decimal octet without a leading zero, and what is behind it.
#[inline]
fn leading_octet(text: &[u8]) -> Option<(u32, &[u8])> {
    let digit = |byte: u8| byte.is_ascii_digit().then(|| u32::from(byte & 0xf));
    let (&first, mut rest) = text.split_first()?;
    let mut value = digit(first)?;
    while let (1..=25, Some((&byte, behind))) = (value, rest.split_first()) {
        let Some(next) = digit(byte) else { break };
        let longer = value.wrapping_mul(10).wrapping_add(next);
        if longer > 255 {
            break;
        }
        (value, rest) = (longer, behind);
    }
    Some((value, rest))
}

/// The IPv6 address that `text` is, in any text form of RFC 4291 section 2.2.
pub(super) fn ipv6(text: &[u8]) -> Option<u128> {
    let mut number = 0;
    let mut groups = 0_u32;
    // Groups before the `::`, where there is one.
    let mut gap = None;
    let mut rest = text;
    if let Some(behind) = text.strip_prefix(b"::") {
        (gap, rest) = (Some(0), behind);
    }
    while !(rest.is_empty() && gap == Some(groups)) && groups < 8 {
        let (group, behind) = leading_group(rest)?;
        if behind.first() == Some(&b'.') {
            let (tail, length) = leading_ipv4(rest)?;
            (number, groups, rest) = (number << 32 | u128::from(tail), groups.wrapping_add(2), rest.get(length..)?);
            break;
        }
        (number, groups) = (number << 16 | u128::from(group), groups.wrapping_add(1));
        match behind {
            [] => {
                rest = behind;
                break;
            }
            [b':', b':', behind @ ..] if gap.is_none() => (gap, rest) = (Some(groups), behind),
            [b':', behind @ ..] => rest = behind,
            _ => return None,
        }
    }
    match gap {
        _ if !rest.is_empty() => None,
        None => (groups == 8 && !text.ends_with(b":")).then_some(number),
        Some(before) => spread(number, before, groups),
    }
}

/// `groups` groups with zeros put in behind the first `before` of them.
fn spread(number: u128, before: u32, groups: u32) -> Option<u128> {
    let behind = groups.wrapping_sub(before).wrapping_mul(16);
    let missing = 8_u32.checked_sub(groups).filter(|missing| *missing > 0)?.wrapping_mul(16);
    let low = number & (1_u128.checked_shl(behind)?.wrapping_sub(1));
    let high = (number ^ low).checked_shl(missing).unwrap_or_default();
    Some(high | low)
}

/// A group of one to four hex digits, and what is behind it.
#[inline]
fn leading_group(text: &[u8]) -> Option<(u16, &[u8])> {
    let mut value = 0;
    let mut rest = text;
    for place in 0..4 {
        let digit = rest.first().and_then(|byte| char::from(*byte).to_digit(16));
        let Some(digit) = digit else { return (place > 0).then_some((value, rest)) };
        (value, rest) = (value << 4 | digit as u16, rest.get(1..)?);
    }
    Some((value, rest))
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    #[test]
    fn an_octet_ends_where_it_would_grow_too_large_or_starts_with_zero() {
        assert_eq!(leading_ipv4(b"255.255.255.255 x"), Some((u32::MAX, 15)));
        assert_eq!(leading_ipv4(b"1.2.3.4567"), Some((0x0102_032d, 8)));
        assert_eq!(leading_ipv4(b"1.2.3"), None);
        assert_eq!(leading_ipv4(b"256.2.3.4"), None);
        assert_eq!(leading_ipv4(b"01.2.3.4"), None);
        assert_eq!(leading_ipv4(b""), None);
    }

    /// Texts of characters that addresses are made of: about as many addresses as near misses.
    fn texts(characters: &[u8], longest: usize) -> impl Iterator<Item = String> {
        let mut state = 7_u64;
        let mut roll = move |limit: usize| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            usize::try_from(state >> 33).unwrap().checked_rem(limit).unwrap()
        };
        let characters = characters.to_vec();
        std::iter::from_fn(move || {
            let length = roll(longest);
            Some((0..length).map(|_| char::from(characters[roll(characters.len())])).collect())
        })
    }

    fn agrees(text: &str) -> bool {
        let v4 = leading_ipv4(text.as_bytes()).filter(|(_, length)| *length == text.len()).map(|(number, _)| number);
        assert_eq!(v4, text.parse::<Ipv4Addr>().ok().map(Ipv4Addr::to_bits), "{text}");
        assert_eq!(ipv6(text.as_bytes()), text.parse::<Ipv6Addr>().ok().map(Ipv6Addr::to_bits), "{text}");
        v4.is_some() || ipv6(text.as_bytes()).is_some()
    }

    #[test]
    fn reading_agrees_with_the_standard_library_on_addresses_and_near_misses() {
        let short = texts(b"1:", 20).take(200_000).filter(|text| agrees(text)).count();
        let dotted = texts(b"12.:", 16).take(200_000).filter(|text| agrees(text)).count();
        assert!(short > 1000 && dotted > 1000, "{short} {dotted}");
        for text in texts(b"0123456789abcdefABCDEFg:::::...", 40).take(200_000) {
            agrees(&text);
        }
    }

    #[test]
    fn every_place_of_the_gap_reads_like_the_standard_library() {
        for before in 0..9 {
            for behind in 0..9 {
                let part = |count: usize| vec!["a1"; count].join(":");
                agrees(&format!("{}::{}", part(before), part(behind)));
                agrees(&format!("{}::{}:1.2.3.4", part(before), part(behind)));
                agrees(&format!("{}:{}:1.2.3.4", part(before), part(behind)));
            }
        }
        assert!(agrees("::") && agrees("1::") && agrees("::1") && agrees("1:2:3:4:5:6:7::") && agrees("::1.2.3.4"));
    }
}
