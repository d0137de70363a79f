//! Extensions of ICMP errors.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use crate::bytes::{Codes, Fault, Part, Reader, Record};

/// The header of the extensions behind a quoted datagram, RFC 4884 section 7, with its objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct IcmpExtension {
    /// Checksum over the extensions; 0 when the sender computed none.
    pub checksum: u16,
    /// Objects read.
    pub objects: u8,
}

impl IcmpExtension {
    /// Reads the extensions up to the end of the window.
    pub fn read<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        let [version, _] = r.bits::<2, 2>(&[Part::number("version", 4), Part::number("reserved", 12)])?;
        self.checksum = r.hex16("checksum")?;
        if version != 2 {
            return Err(Fault::Invalid { field: "version", value: version, expected: "2" });
        }
        while r.remaining() > 0 {
            let length = r.u16("object length")?;
            let class = r.code8("object class", EXTENSION_CLASSES)?;
            let kind = r.u8("object type")?;
            let Some(body) = usize::from(length).checked_sub(4) else {
                return Err(Fault::Invalid { field: "object length", value: length.into(), expected: "at least 4" });
            };
            self.objects = self.objects.saturating_add(1);
            r.area("object data", body, "object data", |r| object(r, class, kind))?;
        }
        Ok(())
    }
}

/// Classes of extension objects (IANA "ICMP extension object classes").
pub const EXTENSION_CLASSES: Codes = Codes(&[
    (1, "MPLS label stack"),
    (2, "interface information"),
    (3, "interface identification"),
    (4, "extended information"),
]);

/// MPLS label stack entries (RFC 4950) are read; other objects are bytes.
fn object<R: Record>(r: &mut Reader<'_, R>, class: u8, kind: u8) -> Result<(), Fault> {
    while (class, kind) == (1, 1) && r.remaining() > 0 {
        r.bits::<4, 4>(&[
            Part::number("label", 20),
            Part::number("traffic class", 3),
            Part::flag("bottom of stack"),
            Part::number("label ttl", 8),
        ])?;
    }
    Ok(())
}
