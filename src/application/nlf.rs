//! Frames between netlab's own programs: docs/protocol.md.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use crate::bytes::{Bits, Codes, Fault, Part, Reader, Record};

/// What each side's first frame begins with; one byte with the [`VERSION`] follows.
pub const MAGIC: &[u8; 3] = b"NLF";
/// The version described here.
pub const VERSION: u8 = 1;
/// Bytes of the magic and the version.
pub const OPENING_BYTES: usize = 4;
/// Bytes of a header.
pub const HEADER_BYTES: usize = 10;
/// Most bytes behind the header of a data frame.
pub const MAX_DATA: u32 = 1 << 20;
/// Most bytes behind the header of any other frame.
pub const MAX_MESSAGE: u32 = 64 << 10;
/// Versions up to this one are taken for such a beginning; the bytes behind are those of a text.
const LAST_VERSION: u8 = 8;

/// What a frame is for. Types 12 to 127 are reserved for later versions, 128 to 255 for experiments; 0 is never used, so
/// that a run of zeros is no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Who speaks, and what it can do.
    Hello = 1,
    /// Asks for something and opens a stream.
    Open,
    /// The answer: it can be had.
    Accept,
    /// The answer: it cannot be had.
    Refuse,
    /// Content.
    Data,
    /// No more content from this side.
    End,
    /// How it went.
    Result,
    /// The stream failed, or the connection.
    Error,
    /// The stream is not wanted any more.
    Cancel,
    /// Is anybody there?
    Ping,
    /// Yes.
    Pong,
}

/// Types and their names.
pub const TYPES: Codes = Codes(&[
    (1, "hello"),
    (2, "open"),
    (3, "accept"),
    (4, "refuse"),
    (5, "data"),
    (6, "end"),
    (7, "result"),
    (8, "error"),
    (9, "cancel"),
    (10, "ping"),
    (11, "pong"),
]);

/// A frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Nlf {
    /// The version that the opening says; 0 in a frame that is not a side's first.
    pub version: u8,
    /// Bytes behind the header.
    pub length: u32,
    /// What it is for: see [`TYPES`]; 0 while its header goes on elsewhere.
    pub kind: u8,
    /// The content is what a program wrote to standard error.
    pub error_output: bool,
    /// The content is several small files.
    pub batch: bool,
    /// Which stream it belongs to; 0 is the connection itself.
    pub stream: u32,
    /// The message behind the header, where it is text.
    pub message: Bits,
}

/// Whether `bytes` are the beginning of what a side sends.
#[inline]
pub fn opens(bytes: &[u8]) -> bool {
    // Nearly every segment is from the middle of something: the first byte says so.
    bytes.first() == Some(&b'N')
        && matches!(bytes.first_chunk(), Some([b'N', b'L', b'F', version]) if (1..=LAST_VERSION).contains(version))
}

/// Whether `bytes` begin a frame.
pub fn looks_like(bytes: &[u8]) -> bool {
    opens(bytes) || follows(bytes)
}

/// Whether `bytes` begin a frame that is not a side's first.
fn follows(bytes: &[u8]) -> bool {
    let Some([a, b, c, d, kind, flags, stream @ ..]) = bytes.first_chunk::<HEADER_BYTES>() else { return false };
    let of_connection = matches!(*kind, kind if kind == Kind::Hello as u8 || kind >= Kind::Ping as u8);
    let stream_fits = *kind == Kind::Error as u8 || of_connection == (*stream == [0; 4]);
    let length = u32::from_be_bytes([*a, *b, *c, *d]);
    TYPES.name((*kind).into()).is_some() && *flags < 4 && stream_fits && length <= most(*kind).0
}

/// The most bytes that stand behind the header of a frame of type `kind`, as a number and in words.
fn most(kind: u8) -> (u32, &'static str) {
    if kind == Kind::Data as u8 {
        (MAX_DATA, "at most 1048576")
    } else {
        (MAX_MESSAGE, "at most 65536, except for data")
    }
}

impl Nlf {
    /// Reads the frame.
    pub fn read<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        if opens(r.peek()) {
            self.opening(r)?;
        }
        self.length = r.u32("length")?;
        let kind = r.code8("type", TYPES)?;
        let [_, batch, error_output] =
            r.bits::<1, 3>(&[Part::hex("reserved flags", 6), Part::flag("batch"), Part::flag("error output")])?;
        (self.batch, self.error_output) = (batch != 0, error_output != 0);
        self.stream = r.u32("stream")?;
        self.kind = kind;
        if self.version > 0 && self.kind != Kind::Hello as u8 {
            r.note(Fault::Invalid { field: "type", value: self.kind.into(), expected: "1 in the first frame" });
        }
        let (most, expected) = most(self.kind);
        if self.length > most {
            return Err(Fault::Invalid { field: "length", value: self.length.into(), expected });
        }
        r.area("content", self.length as usize, "content", |r| self.content(r))
    }

    fn opening<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        r.text("magic", MAGIC.len())?;
        self.version = r.u8("version")?;
        match self.version {
            VERSION => Ok(()),
            version => Err(Fault::Invalid { field: "version", value: version.into(), expected: "1" }),
        }
    }

    fn content<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        match self.kind {
            kind if kind == Kind::End as u8 => drop(r.rest("digest")),
            kind if kind == Kind::Data as u8 || kind >= Kind::Ping as u8 => drop(r.rest("content")),
            _ => {
                self.message = Bits::of_bytes(r.position(), r.remaining());
                r.text("message", r.remaining())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("../../docs/protocol.md");

    #[test]
    fn the_page_about_the_protocol_lists_every_type() {
        for (number, name) in TYPES.0 {
            assert!(PAGE.contains(&format!("| {number} | `{name}` |")), "{number} {name}");
        }
        assert_eq!(PAGE.matches("` | ").count(), TYPES.0.len(), "a type that is not read");
    }

    #[test]
    fn names_and_numbers_of_types_belong_together() {
        for (kind, name) in [(Kind::Hello, "hello"), (Kind::Data, "data"), (Kind::Error, "error"), (Kind::Pong, "pong")]
        {
            assert_eq!(TYPES.name(kind as u64), Some(name));
        }
    }

    #[test]
    fn zeros_texts_and_impossible_lengths_begin_no_frame() {
        assert!(looks_like(b"\0\x10\0\0\x05\0\0\0\0\x01"));
        assert!(!looks_like(b"\0\x10\0\x01\x05\0\0\0\0\x01"), "more than 1 MiB");
        assert!(!looks_like(b"\0\x02\0\0\x02\0\0\0\0\x01"), "a message of more than 64 KiB");
        assert!(!looks_like(b"\0\0\0\x01\x05\0\0\0\0\0"), "content of no stream");
        assert!(!looks_like(&[0; 64]));
        assert!(!looks_like(b"NLF is a protocol"));
    }
}
