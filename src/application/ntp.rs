//! Network Time Protocol.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use crate::bytes::{Codes, Fault, Part, Reader, Record};

/// Bytes of the header.
pub const HEADER_BYTES: usize = 48;

/// What a message is for (RFC 5905 figure 10).
pub const MODES: Codes = Codes(&[
    (1, "symmetric active"),
    (2, "symmetric passive"),
    (3, "client"),
    (4, "server"),
    (5, "broadcast"),
    (6, "control"),
    (7, "private"),
]);

/// Warnings of leap seconds (RFC 5905 figure 9).
pub const LEAP: Codes =
    Codes(&[(0, "no warning"), (1, "last minute has 61 s"), (2, "last minute has 59 s"), (3, "not synchronized")]);

/// An NTP message, RFC 5905 section 7.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Ntp {
    /// The version, 3 or 4 today.
    pub version: u8,
    /// What it is for: see [`MODES`].
    pub mode: u8,
    /// Steps from a reference clock: 1 next to one, 16 not synchronized, 0 a message in its reference.
    pub stratum: u8,
    /// Four letters (stratum 0 and 1), or an address or hash of the server asked.
    pub reference: [u8; 4],
    /// When the message was sent by the sender's clock: seconds since 1900, times 2^32.
    pub transmitted: u64,
}

/// Whether `bytes` of `length` can be a message.
pub fn looks_like(bytes: &[u8], length: usize) -> bool {
    let first = bytes.first().copied().unwrap_or(0);
    let (version, mode) = (first >> 3 & 7, first & 7);
    let control = matches!(mode, 6 | 7) && length >= 8;
    (1..=4).contains(&version) && (control || mode > 0 && length >= HEADER_BYTES)
}

impl Ntp {
    /// Reads the message.
    pub fn read<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        if let Some(6 | 7) = r.peek().first().map(|byte| byte & 7) {
            return self.control(r);
        }
        let [_, version, mode] =
            r.bits::<1, 3>(&[Part::code("leap", 2, LEAP), Part::number("version", 3), Part::code("mode", 3, MODES)])?;
        (self.version, self.mode) = (version as u8, mode as u8);
        self.stratum = r.u8("stratum")?;
        r.i8("poll")?;
        r.i8("precision")?;
        r.hex32("root delay")?;
        r.hex32("root dispersion")?;
        self.reference = self.reference(r)?;
        r.hex64("reference timestamp")?;
        r.hex64("origin timestamp")?;
        r.hex64("receive timestamp")?;
        self.transmitted = r.hex64("transmit timestamp")?;
        if matches!(r.remaining(), 20 | 24) {
            r.u32("key identifier")?;
            r.rest("digest");
        }
        r.rest("extensions");
        Ok(())
    }

    fn reference<R: Record>(&self, r: &mut Reader<'_, R>) -> Result<[u8; 4], Fault> {
        const NAME: &str = "reference identifier";
        match self.stratum {
            0 | 1 => {
                let letters = r.peek().first_chunk().copied().unwrap_or_default();
                let length = letters.iter().position(|byte| *byte == 0).unwrap_or(letters.len());
                r.piece(NAME, 4, 0..length)?;
                Ok(letters)
            }
            _ => Ok(r.ipv4(NAME)?.octets()),
        }
    }

    /// Control and private messages (RFC 9327): who asks for what is not read.
    fn control<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        let [_, version, mode] = r.bits::<1, 3>(&[
            Part::number("control flags", 2),
            Part::number("version", 3),
            Part::code("mode", 3, MODES),
        ])?;
        (self.version, self.mode) = (version as u8, mode as u8);
        r.rest("control message");
        Ok(())
    }
}
