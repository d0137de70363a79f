//! The Internet checksum, RFC 1071.

use serde::Serialize;

/// A one's-complement sum of 16-bit words that is still being added up.
///
/// Pieces may be added in any order as long as each but the last has an even length.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum(u64);

impl Sum {
    /// A sum of nothing.
    pub const fn new() -> Self {
        Sum(0)
    }

    /// Adds one 16-bit word in host order.
    #[must_use]
    pub const fn word(self, word: u16) -> Self {
        // 2^48 words of 0xffff fit before this could wrap; no frame has as many.
        Sum(self.0.wrapping_add(word as u64))
    }

    /// Adds bytes in network order; an odd last byte counts as the high half of a word.
    ///
    /// Words are added as they lie in memory, eight bytes at a time, and the bytes of the sum swapped at the end: a
    /// one's-complement sum does not mind (RFC 1071, section 2).
    #[must_use]
    pub fn bytes(self, bytes: &[u8]) -> Self {
        let (blocks, rest) = bytes.as_chunks();
        let (mut low, mut high) = (0, 0);
        for block in blocks {
            let words = u128::from_ne_bytes(*block);
            (low, high) = (around(low, words as u64), around(high, (words >> 64) as u64));
        }
        let (pairs, odd) = rest.as_chunks();
        let mut total = pairs.iter().fold(0u64, |total, pair| total.wrapping_add(u16::from_ne_bytes(*pair).into()));
        if let [last] = odd {
            total = total.wrapping_add(u16::from_ne_bytes([*last, 0]).into());
        }
        for sum in [low, high] {
            total = total.wrapping_add(sum & 0xffff_ffff).wrapping_add(sum >> 32);
        }
        Sum(self.0.wrapping_add(u16::from_be(Sum(total).folded()).into()))
    }

    /// Both sums together.
    #[must_use]
    pub const fn plus(self, other: Sum) -> Self {
        Sum(self.0.wrapping_add(other.0))
    }

    /// The sum folded to 16 bits, not complemented: what a sender leaves in the field for the hardware to finish.
    pub const fn folded(self) -> u16 {
        let mut total = self.0;
        while total > 0xffff {
            total = (total & 0xffff).wrapping_add(total >> 16);
        }
        total as u16
    }

    /// The checksum that belongs into the header: the complement of the folded sum.
    pub const fn checksum(self) -> u16 {
        !self.folded()
    }
}

/// A one's-complement sum: what overflows comes in again at the other end.
#[inline]
fn around(sum: u64, word: u64) -> u64 {
    let (sum, carry) = sum.overflowing_add(word);
    sum.wrapping_add(carry.into())
}

/// What can be said about a checksum field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "verdict", content = "right")]
pub enum Verdict {
    /// The sum over what is covered is right.
    Good,
    /// The sum is wrong; this is the value the field should have.
    Bad(u16),
    /// The field is zero, by which the sender says that it computed none (UDP over IPv4, RFC 768).
    ZeroMeansNone,
    /// The sender left the sum to its network card, and the frame was seen before that (checksum offload).
    NotFilledIn,
    /// Not all covered bytes are here (a fragment, or a frame cut short), so nothing can be said.
    Unverifiable,
}

impl Verdict {
    /// Every word.
    pub const WORDS: [&str; 5] = [
        Verdict::Good.word(),
        Verdict::Bad(0).word(),
        Verdict::ZeroMeansNone.word(),
        Verdict::NotFilledIn.word(),
        Verdict::Unverifiable.word(),
    ];

    /// The word for it in JSON and conditions.
    pub const fn word(self) -> &'static str {
        match self {
            Verdict::Good => "good",
            Verdict::Bad(_) => "bad",
            Verdict::ZeroMeansNone => "zero_means_none",
            Verdict::NotFilledIn => "not_filled_in",
            Verdict::Unverifiable => "unverifiable",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_1071_sums_to_ddf2() {
        assert_eq!(Sum::new().bytes(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]).folded(), 0xddf2);
    }

    #[test]
    fn an_odd_last_byte_is_the_high_half_of_a_word() {
        assert_eq!(Sum::new().bytes(&[1, 2, 3]).folded(), 0x0402);
        assert_eq!(Sum::new().bytes(&[1]).folded(), 0x0100);
    }

    #[test]
    fn bytes_of_any_length_add_to_the_sum_of_their_words() {
        let bytes: Vec<u8> = (0..100u8).map(|byte| byte.wrapping_mul(201)).collect();
        for end in 0..bytes.len() {
            let words = bytes[..end].chunks(2).map(|pair| u16::from_be_bytes([pair[0], *pair.get(1).unwrap_or(&0)]));
            assert_eq!(Sum::new().bytes(&bytes[..end]).folded(), words.fold(Sum::new(), Sum::word).folded(), "{end}");
        }
    }

    #[test]
    fn words_and_bytes_add_to_the_same_sum() {
        assert_eq!(Sum::new().word(0xfffe).word(3).folded(), Sum::new().bytes(&[0xff, 0xfe, 0, 3]).folded());
    }
}
