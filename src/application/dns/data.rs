//! What resource records say.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::codes::{ALGORITHMS, PARAMETERS, TYPES};
use crate::bytes::{Fault, Reader, Record};

/// Reads the data of a record of type `kind` up to the end of the window; what is not known is left.
pub(super) fn read<R: Record>(r: &mut Reader<'_, R>, kind: u16, message: usize) -> Result<(), Fault> {
    match kind {
        1 => drop(r.ipv4("address")?),
        2 => drop(r.name("name server", message)?),
        5 => drop(r.name("canonical name", message)?),
        6 => start_of_authority(r, message)?,
        12 => drop(r.name("pointer", message)?),
        15 => {
            r.u16("preference")?;
            r.name("mail exchange", message)?;
        }
        16 => texts(r)?,
        28 => drop(r.ipv6("address")?),
        33 => {
            r.u16("priority")?;
            r.u16("weight")?;
            r.u16("port")?;
            r.name("target", message)?;
        }
        39 => drop(r.name("target", message)?),
        43 => {
            r.u16("key tag")?;
            r.code8("algorithm", ALGORITHMS)?;
            r.u8("digest type")?;
            r.rest("digest");
        }
        46 => signature(r, message)?,
        64 | 65 => {
            r.u16("priority")?;
            r.name("target", message)?;
            parameters(r)?;
        }
        257 => {
            r.hex8("flags")?;
            let length = r.u8("tag length")?;
            r.text("tag", length.into())?;
            r.text("value", r.remaining())?;
        }
        _ => {}
    }
    Ok(())
}

/// RFC 1035 section 3.3.13.
fn start_of_authority<R: Record>(r: &mut Reader<'_, R>, message: usize) -> Result<(), Fault> {
    r.name("primary server", message)?;
    r.name("responsible mailbox", message)?;
    for name in ["serial", "refresh", "retry", "expire", "minimum"] {
        r.u32(name)?;
    }
    Ok(())
}

/// RFC 1035 section 3.3.14.
fn texts<R: Record>(r: &mut Reader<'_, R>) -> Result<(), Fault> {
    while r.remaining() > 0 {
        let length = r.u8("text length")?;
        r.text("text", length.into())?;
    }
    Ok(())
}

/// RFC 4034 section 3.
fn signature<R: Record>(r: &mut Reader<'_, R>, message: usize) -> Result<(), Fault> {
    r.code16("type covered", TYPES)?;
    r.code8("algorithm", ALGORITHMS)?;
    r.u8("labels")?;
    for name in ["original ttl", "signature expiration", "signature inception"] {
        r.u32(name)?;
    }
    r.u16("key tag")?;
    r.name("signer", message)?;
    r.rest("signature");
    Ok(())
}

/// The parameters of a service binding, RFC 9460 section 2.2.
fn parameters<R: Record>(r: &mut Reader<'_, R>) -> Result<(), Fault> {
    while r.remaining() > 0 {
        let key = r.code16("parameter key", PARAMETERS)?;
        let length = r.u16("parameter length")?;
        r.area("parameter value", length.into(), "parameter value", |r| parameter(r, key))?;
    }
    Ok(())
}

fn parameter<R: Record>(r: &mut Reader<'_, R>, key: u16) -> Result<(), Fault> {
    if key == 3 {
        return r.u16("service port").map(drop);
    }
    while r.remaining() > 0 {
        match key {
            0 => drop(r.code16("mandatory key", PARAMETERS)?),
            1 => {
                let length = r.u8("alpn length")?;
                r.text("alpn", length.into())?;
            }
            4 => drop(r.ipv4("address hint")?),
            6 => drop(r.ipv6("address hint")?),
            _ => return Ok(()),
        }
    }
    Ok(())
}
