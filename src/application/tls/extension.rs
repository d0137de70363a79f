//! Extensions of TLS.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::Hello;
use super::codes::{EXTENSIONS, GROUPS, NAME_TYPES, SIGNATURES, VERSIONS};
use crate::bytes::{Bits, Fault, Reader, Record};

/// Reads the extensions up to the end of the message; there may be none.
pub(super) fn read_all<R: Record>(r: &mut Reader<'_, R>, hello: &mut Hello, client: bool) -> Result<(), Fault> {
    if r.remaining() == 0 {
        return Ok(());
    }
    let length = r.u16("extensions length")?;
    r.area("extensions", length.into(), "unread extensions", |r| {
        while r.remaining() > 0 {
            let kind = r.code16("extension", EXTENSIONS)?;
            let length = r.u16("extension length")?;
            r.area("extension data", length.into(), "extension data", |r| read(r, kind, hello, client))?;
        }
        Ok(())
    })
}

fn read<R: Record>(r: &mut Reader<'_, R>, kind: u16, hello: &mut Hello, client: bool) -> Result<(), Fault> {
    match (kind, client) {
        (0, true) => server_names(r, hello),
        (10, true) => list(r, "groups length", |r| r.code16("group", GROUPS).map(drop)),
        (13, true) => {
            list(r, "signature algorithms length", |r| r.hex_code16("signature algorithm", SIGNATURES).map(drop))
        }
        (16, _) => {
            let start = r.position().saturating_add(2);
            let whole = r.remaining();
            hello.alpn = Bits::of_bytes(start, whole.saturating_sub(2));
            list(r, "alpn list length", |r| {
                let length = r.u8("alpn length")?;
                r.text("alpn", length.into()).map(drop)
            })
        }
        (43, _) => versions(r, hello, client),
        (51, true) => list(r, "key shares length", key_share),
        (51, false) if r.remaining() == 2 => r.code16("key share group", GROUPS).map(drop),
        (51, false) => key_share(r),
        _ => Ok(()),
    }
}

/// A list whose length in bytes stands before it.
fn list<R: Record>(
    r: &mut Reader<'_, R>,
    length: &'static str,
    mut item: impl FnMut(&mut Reader<'_, R>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let bytes = r.u16(length)?;
    r.area("list", bytes.into(), "unread list", |r| {
        while r.remaining() > 0 {
            item(r)?;
        }
        Ok(())
    })
}

/// RFC 6066 section 3.
fn server_names<R: Record>(r: &mut Reader<'_, R>, hello: &mut Hello) -> Result<(), Fault> {
    list(r, "server names length", |r| {
        r.code8("server name type", NAME_TYPES)?;
        let length = r.u16("server name length")?;
        let name = Bits::of_bytes(r.position(), length.into());
        r.text("server name", length.into())?;
        hello.server_name = name;
        Ok(())
    })
}

/// RFC 8446 section 4.2.1. Numbers of the form 0x?a?a only test that unknown versions do no harm (RFC 8701).
fn versions<R: Record>(r: &mut Reader<'_, R>, hello: &mut Hello, client: bool) -> Result<(), Fault> {
    if client {
        r.u8("supported versions length")?;
    }
    while r.remaining() > 0 {
        let version = r.hex_code16("supported version", VERSIONS)?;
        if version & 0x0f0f != 0x0a0a && (version > hello.version || !client) {
            hello.version = version;
        }
    }
    Ok(())
}

/// RFC 8446 section 4.2.8.
fn key_share<R: Record>(r: &mut Reader<'_, R>) -> Result<(), Fault> {
    r.code16("key share group", GROUPS)?;
    let length = r.u16("key share length")?;
    r.bytes("key share", length.into()).map(drop)
}
