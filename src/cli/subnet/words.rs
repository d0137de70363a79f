//! The words behind `netlab subnet`: which is the address, which the mask, which are others.

use anyhow::bail;

use crate::bytes::Escaped;
use crate::internet::subnet::{Address, Family, Misread, Problem, notation};

use super::Question;

/// Reads the words of a question about one subnet.
pub(super) fn read(words: &[String]) -> anyhow::Result<Question> {
    let Some((first, rest)) = words.split_first() else {
        bail!("expected an address, as in: netlab subnet 172.16.10.1 255.255.255.0");
    };
    let (address, length) = notation::address_and_mask(first)?;
    let mask = rest.first().filter(|word| is_mask(word, address.family()));
    let (length, others) = match (length, mask) {
        (Some(_), Some(mask)) => return Err(mask_twice(first, mask).into()),
        (None, Some(mask)) => (Some(notation::mask(mask, address.family())?), rest.get(1..).unwrap_or_default()),
        (length, None) => (length, rest),
    };
    let others =
        others.iter().map(|other| Ok(notation::address_and_mask(other)?)).collect::<anyhow::Result<Vec<_>>>()?;
    match others.first() {
        Some((other, _)) if length.is_none() && address.family() == Family::Ipv4 => bail!(no_mask(address, *other)),
        _ => Ok(Question { address, length, others }),
    }
}

/// Whether a word behind the address is meant as its mask: a length, hex, or an address that no host has and a mask
/// may look like.
fn is_mask(word: &str, family: Family) -> bool {
    let digits = word.strip_prefix('/').unwrap_or(word);
    let is_length = digits.bytes().all(|b| b.is_ascii_digit());
    if is_length || word.starts_with('/') || word.starts_with("0x") || word.starts_with("0X") {
        return true;
    }
    let Ok(other) = notation::address(word) else { return false };
    match other.family() {
        _ if other.family() != family => false,
        Family::Ipv4 => matches!(other.number() >> 24, 0 | 240..) || notation::mask(word, family).is_ok(),
        Family::Ipv6 => other.number() >> 112 == 0xffff,
    }
}

fn mask_twice(first: &str, mask: &str) -> Misread {
    let text = format!("{first} {}", Escaped(mask.as_bytes()));
    Misread { text, problem: Problem::MaskTwice, meant: None }
}

fn no_mask(address: Address, other: Address) -> String {
    format!(
        "{address} has no mask and {other} is none, so nothing says where the network part ends\n\
         hint: give a mask (netlab subnet {address}/24 {other}), or ask for the smallest common prefix \
         (netlab subnet --supernet {address} {other})"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(words: &str) -> anyhow::Result<String> {
        let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
        let Question { address, length, others } = read(&words)?;
        let others = others.iter().fold(String::new(), |text, (other, own)| format!("{text} {other}{own:?}"));
        Ok(format!("{address} {length:?}{others}"))
    }

    #[test]
    fn the_second_word_is_the_mask_when_it_can_be_no_host() {
        for mask in ["255.255.255.0", "/24", "24", "0xffffff00", "0.0.0.255"] {
            let found = question(&format!("10.0.0.1 {mask} 10.0.0.2")).unwrap();
            assert_eq!(found, "10.0.0.1 Some(24) 10.0.0.2None", "{mask}");
        }
        assert_eq!(question("10.0.0.1 128.0.0.0").unwrap(), "10.0.0.1 Some(1)");
        assert_eq!(question("::1 64 ::2").unwrap(), "::1 Some(64) ::2None");
        assert_eq!(question("::1 ffff:ffff:: ::2").unwrap(), "::1 Some(32) ::2None");
    }

    #[test]
    fn with_a_mask_at_the_address_every_other_word_is_an_address() {
        assert_eq!(
            question("10.0.0.1/24 10.0.0.2 10.0.1.2/16").unwrap(),
            "10.0.0.1 Some(24) 10.0.0.2None 10.0.1.2Some(16)"
        );
        assert_eq!(question("fe80::1 fe80::2").unwrap(), "fe80::1 None fe80::2None");
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_the_reason() {
        let said = |words| question(words).unwrap_err().to_string();
        assert!(said("10.0.0.1/24 255.255.255.0").contains("the mask is given twice"));
        assert!(said("10.0.0.1/24 /24").contains("the mask is given twice"));
        assert!(said("10.0.0.1 255.0.255.0").contains("bit 17 is 1 although bit 9 is already 0"));
        assert!(said("10.0.0.1 10.0.0.2").contains("10.0.0.1 has no mask and 10.0.0.2 is none"));
        assert!(said("10.0.0.1 /33").contains("too long"));
        assert!(said("10.0.0.1 255.255.255.0 /24").contains("it is a mask"));
    }
}
