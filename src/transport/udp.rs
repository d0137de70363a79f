//! User Datagram Protocol.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use crate::bytes::{Fault, Reader, Record};

/// Bytes of the header.
pub const HEADER_BYTES: usize = 8;

/// A UDP header, RFC 768.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Udp {
    /// Port of the sender.
    pub source: u16,
    /// Port of the receiver.
    pub destination: u16,
    /// Bytes of the datagram, this header included; 0 for a jumbogram (RFC 2675).
    pub length: u16,
    /// Checksum over addresses, header and data; 0 when the sender computed none.
    pub checksum: u16,
}

impl Udp {
    /// Reads the 8 bytes.
    #[inline]
    pub fn read<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        self.source = r.u16("source port")?;
        self.destination = r.u16("destination port")?;
        self.length = r.u16("length")?;
        self.checksum = r.hex16("checksum")?;
        Ok(())
    }
}
