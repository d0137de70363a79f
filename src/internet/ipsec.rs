//! IPsec: what can be read of it without the keys.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::protocols::PROTOCOLS;
use crate::bytes::{Fault, Reader, Record};

/// An authentication header, RFC 4302 section 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Ah {
    /// What comes next: see [`PROTOCOLS`].
    pub next_header: u8,
    /// Bytes of this header.
    pub length: u16,
    /// Security parameters index.
    pub spi: u32,
    /// Sequence number.
    pub sequence_number: u32,
}

impl Ah {
    /// Reads the header with its integrity check value.
    pub fn read<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        self.next_header = r.code8("next header", PROTOCOLS)?;
        let words = r.units8("payload length", 4)?;
        self.length = u16::from(words).saturating_add(2).saturating_mul(4);
        r.u16("reserved")?;
        self.spi = r.hex32("spi")?;
        self.sequence_number = r.u32("sequence number")?;
        let Some(value) = usize::from(self.length).checked_sub(12) else {
            return Err(Fault::Invalid { field: "payload length", value: words.into(), expected: "at least 1" });
        };
        r.bytes("integrity check value", value).map(drop)
    }
}

/// An encapsulating security payload, RFC 4303 section 2: what stands before the encrypted part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Esp {
    /// Security parameters index.
    pub spi: u32,
    /// Sequence number.
    pub sequence_number: u32,
}

impl Esp {
    /// Reads the eight bytes in the clear.
    pub fn read<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        self.spi = r.hex32("spi")?;
        self.sequence_number = r.u32("sequence number")?;
        Ok(())
    }
}
