//! Transport Layer Security: its records, and what both sides say before they encrypt.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

pub mod codes;
mod extension;
mod handshake;

use codes::{ALERTS, CONTENT_TYPES, LEVELS, VERSIONS};
pub use handshake::{CLIENT_HELLO, Hello};

use crate::bytes::{Fault, Reader, Record};

/// Bytes of a record's header.
pub const HEADER_BYTES: usize = 5;
/// Most bytes of a record, with what ciphers before TLS 1.3 may add (RFC 5246 section 6.2.3).
const MAX_RECORD: u16 = (1 << 14) + 2048;

/// A record, RFC 8446 section 5.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Tls {
    /// What it holds: see [`CONTENT_TYPES`].
    pub content: u8,
    /// The version that the record says; TLS 1.3 writes 1.2 here.
    pub version: u16,
    /// Bytes behind the header.
    pub length: u16,
    /// What its handshake messages say.
    pub hello: Hello,
    /// Level and description of an alert, where it is not encrypted.
    pub alert: Option<(u8, u8)>,
}

/// Whether `bytes` begin a record.
pub fn looks_like(bytes: &[u8]) -> bool {
    let Some([content, 3, minor, high, low]) = bytes.first_chunk::<HEADER_BYTES>() else { return false };
    let length = u16::from_be_bytes([*high, *low]);
    (20..=24).contains(content) && *minor <= 4 && length <= MAX_RECORD && length > 0
}

impl Tls {
    /// Reads the record. Handshake messages that go on in another record are left as bytes.
    pub fn read<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        self.content = r.code8("content type", CONTENT_TYPES)?;
        self.version = r.hex_code16("record version", VERSIONS)?;
        self.length = r.u16("record length")?;
        let length = usize::from(self.length);
        let whole = r.remaining() >= length;
        r.area("record", length, "opaque", |r| {
            match self.content {
                20 => drop(r.u8("change cipher spec")?),
                21 => self.alert(r)?,
                22 => self.handshakes(r, whole)?,
                _ => drop(r.rest("encrypted")),
            }
            Ok(())
        })
    }

    fn alert<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        if self.length == 2 {
            self.alert = Some((r.code8("alert level", LEVELS)?, r.code8("alert", ALERTS)?));
        }
        Ok(())
    }

    fn handshakes<R: Record>(&mut self, r: &mut Reader<'_, R>, whole: bool) -> Result<(), Fault> {
        while handshake::looks_like(r.peek(), whole) {
            self.hello.read(r)?;
        }
        Ok(())
    }
}
