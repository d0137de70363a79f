//! Ethernet frames.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::ether_type;
use crate::bytes::{Fault, Mac, Reader, Record};

/// An Ethernet header: Ethernet II (RFC 894) or IEEE 802.3, which differ in the meaning of the last two bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Ethernet {
    /// Whom the frame is for.
    pub destination: Mac,
    /// Who sent it.
    pub source: Mac,
    /// The type of what is carried (0x0600 and more), or the number of bytes carried (1500 and less).
    pub type_or_length: u16,
}

impl Ethernet {
    /// Reads the 14 bytes.
    #[inline]
    pub fn read<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        self.destination = r.mac("destination")?;
        self.source = r.mac("source")?;
        self.type_or_length = ether_type::type_or_length(r)?;
        Ok(())
    }
}
