//! Six-byte link addresses as a value that prints.

use std::fmt;
use std::str::FromStr;

/// A 48-bit link-layer address (IEEE 802 EUI-48). What its bits mean is told in [`crate::link`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// All bits set: every station on the link.
    pub const BROADCAST: Mac = Mac([0xff; 6]);
    /// All bits clear: "not known yet" in an ARP question.
    pub const ZERO: Mac = Mac([0; 6]);

    /// Whether every bit is set.
    pub fn is_broadcast(self) -> bool {
        self == Self::BROADCAST
    }

    /// The I/G bit: the frame is for a group (broadcast included).
    pub fn is_group(self) -> bool {
        self.0[0] & 1 != 0
    }

    /// The U/L bit: the address was given locally, not bought from a registry.
    pub fn is_local(self) -> bool {
        self.0[0] & 2 != 0
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [b':'; 17];
        for (pair, byte) in text.chunks_mut(3).zip(self.0) {
            for (digit, nibble) in pair.iter_mut().zip([byte >> 4, byte & 0xf]) {
                *digit = DIGITS.get(usize::from(nibble)).copied().unwrap_or_default();
            }
        }
        f.pad(str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Mac {
    type Err = &'static str;

    /// Reads `02:fc:00:00:00:01`; dashes may stand for the colons.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected six hex pairs such as 02:fc:00:00:00:01";
        let mut pairs = text.split([':', '-']);
        let mut bytes = [0; 6];
        for byte in &mut bytes {
            let pair =
                pairs.next().filter(|p| p.len() == 2 && p.bytes().all(|b| b.is_ascii_hexdigit())).ok_or(EXPECTED)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| EXPECTED)?;
        }
        if pairs.next().is_some() { Err(EXPECTED) } else { Ok(Mac(bytes)) }
    }
}

impl serde::Serialize for Mac {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_back_as_it_prints() {
        let mac = Mac([0x02, 0xfc, 0, 0, 0, 1]);
        assert_eq!(mac.to_string(), "02:fc:00:00:00:01");
        assert_eq!("02-FC-00-00-00-01".parse(), Ok(mac));
        assert!("02:fc:00:00:00".parse::<Mac>().is_err());
        assert!("02:fc:00:00:00:01:02".parse::<Mac>().is_err());
        assert!("2:fc:0:0:0:+1".parse::<Mac>().is_err());
    }
}
