//! The header of BSD loopback captures: an address family.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use crate::bytes::{Codes, Fault, Reader, Record};

/// Address families; IPv6 has another number on every system.
pub const FAMILIES: Codes = Codes(&[
    (2, "IPv4"),
    (7, "OSI"),
    (10, "IPv6 on Linux"),
    (23, "IPX"),
    (24, "IPv6 on NetBSD, OpenBSD"),
    (28, "IPv6 on FreeBSD"),
    (30, "IPv6 on macOS"),
]);

/// The four bytes before a datagram: `LINKTYPE_NULL` in the byte order of the machine that captured, `LINKTYPE_LOOP` in
/// network byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Loopback {
    /// The address family: see [`FAMILIES`].
    pub family: u32,
}

impl Loopback {
    /// Reads network byte order.
    pub fn read<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        self.family = r.code32("family", FAMILIES)?;
        Ok(())
    }

    /// Reads either byte order: families are small, so the zeros tell.
    pub fn read_either<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        self.family = match r.peek() {
            [_, _, 0, 0, ..] => r.code32_le("family", FAMILIES)?,
            _ => r.code32("family", FAMILIES)?,
        };
        Ok(())
    }
}
