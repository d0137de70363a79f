//! Handshake messages of TLS.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::codes::{CIPHER_SUITES, COMPRESSIONS, HANDSHAKES, VERSIONS};
use super::extension;
use crate::bytes::{Bits, Fault, Reader, Record};

/// The message that a client begins with.
pub const CLIENT_HELLO: u8 = 1;
/// The server's answer to it.
pub const SERVER_HELLO: u8 = 2;

/// What a `ClientHello` or `ServerHello` says, RFC 8446 section 4.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Hello {
    /// Type of the first handshake message in the record, where it is not encrypted: see [`HANDSHAKES`].
    pub message: Option<u8>,
    /// The highest version offered, or the one chosen.
    pub version: u16,
    /// The host that the client wants (SNI, RFC 6066 section 3); empty where it does not say.
    pub server_name: Bits,
    /// Protocols offered or chosen (ALPN, RFC 7301): each with its length before it.
    pub alpn: Bits,
    /// The cipher suite that the server chose.
    pub cipher_suite: Option<u16>,
}

/// Whether `bytes` begin a handshake message that is not encrypted. In a `whole` record it must end there.
pub(super) fn looks_like(bytes: &[u8], whole: bool) -> bool {
    let Some([kind, a, b, c]) = bytes.first_chunk::<4>() else { return false };
    let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
    HANDSHAKES.name((*kind).into()).is_some() && (!whole || length <= bytes.len().saturating_sub(4))
}

impl Hello {
    /// Reads one message.
    pub(super) fn read<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        let kind = r.code8("handshake type", HANDSHAKES)?;
        self.message.get_or_insert(kind);
        let length = r.u24("handshake length")?;
        r.area("handshake message", length as usize, "handshake data", |r| match kind {
            CLIENT_HELLO => self.client(r),
            SERVER_HELLO => self.server(r),
            _ => Ok(()),
        })
    }

    fn client<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        self.start(r)?;
        let length = r.u16("cipher suites length")?;
        r.area("cipher suites", length.into(), "unread cipher suites", |r| {
            while r.remaining() > 0 {
                r.hex_code16("cipher suite", CIPHER_SUITES)?;
            }
            Ok(())
        })?;
        let length = r.u8("compression methods length")?;
        r.area("compression methods", length.into(), "unread compression methods", |r| {
            while r.remaining() > 0 {
                r.code8("compression method", COMPRESSIONS)?;
            }
            Ok(())
        })?;
        extension::read_all(r, self, true)
    }

    fn server<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        self.start(r)?;
        self.cipher_suite = Some(r.hex_code16("cipher suite", CIPHER_SUITES)?);
        r.code8("compression method", COMPRESSIONS)?;
        extension::read_all(r, self, false)
    }

    fn start<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        self.version = r.hex_code16("version", VERSIONS)?;
        r.bytes("random", 32)?;
        let length = r.u8("session identifier length")?;
        r.bytes("session identifier", length.into()).map(drop)
    }
}
