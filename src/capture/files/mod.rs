//! Capture files: pcap and pcapng, read and written.
//!
//! Formats: draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng. Reading is our own because a file that breaks off must
//! give up every whole frame before one error that says where; no length in a file sizes anything before the bytes are
//! there.

#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod blocks;
mod input;
pub mod measured;
pub mod merged;
mod options;
mod order;
pub mod pack;
mod pcap;
mod pcapng;
pub mod record;
mod remarks;
mod resolution;
pub mod row;
pub mod unpack;
pub mod write;

use std::io::{self, Read};

use super::frame::{Frame, Source};
use super::names::Told;
use crate::link::received::Way;
use input::Input;
use pcap::Pcap;
use pcapng::Pcapng;

/// Most bytes that a frame in a file may have; also the bound for a whole pcapng block that is looked into.
pub const MAX_FRAME: u32 = 16 << 20;

/// Why a capture file could not be read on.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Reading failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The first bytes are of no capture file.
    #[error("not a capture file: it begins with {0}")]
    Unknown(Beginning),
    /// The file ends within something.
    #[error("the file is cut short: {what} at byte {offset} needs {need} bytes, {have} are left")]
    Cut {
        /// What was being read.
        what: &'static str,
        /// Where it begins, from the start of the file.
        offset: u64,
        /// Bytes that it takes.
        need: u64,
        /// Bytes that were left.
        have: u64,
    },
    /// Something contradicts the format.
    #[error("the file is damaged: {what} at byte {offset} is {value}, expected {expected}")]
    Invalid {
        /// What was being read.
        what: &'static str,
        /// Where the thing that holds it begins, from the start of the file.
        offset: u64,
        /// Its value.
        value: u64,
        /// What it would have to be.
        expected: &'static str,
    },
}

/// The first bytes of a file that is no capture file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beginning(Vec<u8>);

impl std::fmt::Display for Beginning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.as_slice() {
            [] => f.write_str("nothing, the file is empty"),
            bytes => write!(f, "{}", crate::bytes::hex::Spaced(bytes)),
        }?;
        match self.0.as_slice() {
            [0xfd, b'7', b'z', ..] => f.write_str(", which is xz\nhint: xzcat FILE | netlab capture -r -"),
            _ => Ok(()),
        }
    }
}

/// Reads the first bytes of a file, which are enough to know whether it may be a capture file, compressed or not.
///
/// # Errors
/// [`FileError::Unknown`] when it is none.
pub fn first_bytes(from: &mut impl Read) -> Result<Vec<u8>, FileError> {
    let mut first = Vec::new();
    from.take(4).read_to_end(&mut first)?;
    let pcapng = first == pcapng::SECTION_HEADER.to_be_bytes();
    if pcapng || pcap::Variant::of(&first).is_some() || unpack::is_packed(&first) {
        return Ok(first);
    }
    Err(FileError::Unknown(Beginning(first)))
}

/// A capture file of either format.
#[derive(Debug)]
pub struct Stored<R> {
    input: Input<R>,
    format: Format,
    failed: bool,
}

#[derive(Debug)]
enum Format {
    Pcap(Pcap),
    Pcapng(Pcapng),
}

impl<R: Read> Stored<R> {
    /// Reads the file's header.
    ///
    /// # Errors
    /// [`FileError::Unknown`] when it is of neither format, or what is wrong with the header.
    pub fn open(from: R) -> Result<Self, FileError> {
        let mut input = Input::new(from);
        let magic = input.peek(4)?.to_vec();
        let format = if magic == pcapng::SECTION_HEADER.to_be_bytes() {
            Format::Pcapng(Pcapng::default())
        } else if let Some(variant) = pcap::Variant::of(&magic) {
            Format::Pcap(Pcap::open(&mut input, variant)?)
        } else {
            return Err(FileError::Unknown(Beginning(magic)));
        };
        Ok(Stored { input, format, failed: false })
    }

    /// The same, which also tells what addresses are called.
    #[must_use]
    pub fn naming(mut self, told: Told) -> Self {
        if let Format::Pcapng(pcapng) = &mut self.format {
            pcapng.told = Some(told);
        }
        self
    }

    /// What the file says of itself to people, as far as it was read: comments, filters, losses. Escape it before printing.
    pub fn remarks(&self) -> &[String] {
        match &self.format {
            Format::Pcap(_) => &[],
            Format::Pcapng(pcapng) => &pcapng.remarks.0,
        }
    }
}

impl<R: Read> Source for Stored<R> {
    type Error = FileError;

    #[inline]
    fn next(&mut self) -> Result<Option<Frame<'_>>, FileError> {
        if self.failed {
            return Ok(None);
        }
        let mut result = match &mut self.format {
            Format::Pcap(pcap) => pcap.next(&mut self.input),
            Format::Pcapng(pcapng) => pcapng.next(&mut self.input),
        };
        if let Ok(Some(frame)) = &mut result
            && frame.way.is_none()
        {
            frame.way = Way::of_cooked(frame.link, frame.bytes);
        }
        self.failed = result.is_err();
        result
    }

    fn ready(&self) -> bool {
        match &self.format {
            Format::Pcap(pcap) => pcap.ready(self.input.here()),
            Format::Pcapng(pcapng) => pcapng.ready(self.input.here()),
        }
    }
}
