//! Secure Shell: the line with which both sides begin.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use crate::bytes::{Bits, Fault, Reader, Record};

/// Most bytes of the line (RFC 4253 section 4.2).
const MAX_LINE: usize = 255;

/// An identification string, RFC 4253 section 4.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Ssh {
    /// Version of the protocol, such as `2.0`.
    pub protocol: Bits,
    /// What the program calls itself.
    pub software: Bits,
    /// What it adds; empty where it adds nothing.
    pub comments: Bits,
}

/// Whether `bytes` begin such a line.
pub fn looks_like(bytes: &[u8]) -> bool {
    bytes.starts_with(b"SSH-")
}

impl Ssh {
    /// Reads the line.
    pub fn read<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        let bytes = r.peek();
        let (start, have) = (bytes.get(..MAX_LINE).unwrap_or(bytes), bytes.len());
        let end = match start.iter().position(|byte| *byte == b'\n') {
            Some(at) => at.saturating_add(1),
            None if have < MAX_LINE => return Err(Fault::Short { field: "line", need: have.saturating_add(1), have }),
            None => {
                let value = have as u64;
                return Err(Fault::Invalid { field: "line", value, expected: "an end within 255 bytes" });
            }
        };
        r.area("line", end, "line end", |r| self.line(r))
    }

    fn line<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        let version = until(r, b"-\r\n", 4);
        let dash = r.peek().get(version) == Some(&b'-');
        self.protocol = r.piece("protocol version", version.saturating_add(dash.into()), 4..version.max(4))?;
        let software = until(r, b" \r\n", 0);
        let space = r.peek().get(software) == Some(&b' ');
        self.software = r.piece("software version", software.saturating_add(space.into()), 0..software)?;
        let comments = until(r, b"\r\n", 0);
        let start = r.position();
        r.text("comments", comments)?;
        self.comments = Bits::of_bytes(start, comments);
        Ok(())
    }
}

/// How many bytes come before one of `ends`, looked for behind the first `skip` bytes.
fn until<R: Record>(r: &Reader<'_, R>, ends: &[u8], skip: usize) -> usize {
    let bytes = r.peek();
    let found = bytes.iter().skip(skip).position(|byte| ends.contains(byte));
    found.map_or(bytes.len(), |at| at.saturating_add(skip))
}
