//! Capture files written compressed, as their names ask: `.gz` gzip (RFC 1952), `.zst` Zstandard (RFC 8878).

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

/// Bytes that become one Zstandard frame.
const FRAME: usize = 1 << 20;

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// Not at all.
    None,
    /// gzip.
    Gzip,
    /// Zstandard.
    Zstd,
}

impl Packing {
    /// What the name of a file asks for, and the name without that ending.
    pub fn of(name: &str) -> (Self, &str) {
        let endings = [(".gz", Packing::Gzip), (".zst", Packing::Zstd)];
        let found = endings.iter().find_map(|(ending, packing)| {
            let at = name.len().checked_sub(ending.len())?;
            let (stem, last) = name.split_at_checked(at)?;
            last.eq_ignore_ascii_case(ending).then_some((*packing, stem))
        });
        found.unwrap_or((Packing::None, name))
    }
}

/// Compresses what is written, or passes it on.
///
/// A flush reaches the file only where nothing is compressed: pieces as small as the pauses between frames would hardly
/// become smaller.
#[derive(Debug)]
pub enum Packer<W: Write> {
    /// Passes it on.
    Plain(W),
    /// gzip.
    Gzip(GzEncoder<W>),
    /// Zstandard; what waits to become a frame.
    Zstd(W, Vec<u8>),
}

impl<W: Write> Packer<W> {
    /// Writes to `to`.
    pub fn new(to: W, packing: Packing) -> Self {
        match packing {
            Packing::None => Packer::Plain(to),
            Packing::Gzip => Packer::Gzip(GzEncoder::new(to, Compression::fast())),
            Packing::Zstd => Packer::Zstd(to, Vec::new()),
        }
    }

    /// What it writes to.
    pub fn get_ref(&self) -> &W {
        match self {
            Packer::Plain(to) | Packer::Zstd(to, _) => to,
            Packer::Gzip(encoder) => encoder.get_ref(),
        }
    }

    /// Bytes that wait to be compressed.
    pub fn waiting(&self) -> usize {
        if let Packer::Zstd(_, waiting) = self { waiting.len() } else { 0 }
    }

    /// Ends what is compressed and flushes everything. Nothing may be written after it.
    ///
    /// # Errors
    /// What the writer refused.
    pub fn finish(&mut self) -> io::Result<()> {
        match self {
            Packer::Plain(to) => to.flush(),
            Packer::Gzip(encoder) => encoder.try_finish().and_then(|()| encoder.get_mut().flush()),
            Packer::Zstd(to, waiting) => frame(to, waiting).and_then(|()| to.flush()),
        }
    }
}

/// Writes what waits as one frame.
fn frame(to: &mut impl Write, waiting: &mut Vec<u8>) -> io::Result<()> {
    if waiting.is_empty() {
        return Ok(());
    }
    let packed = compress_to_vec(waiting.as_slice(), CompressionLevel::Fastest);
    waiting.clear();
    to.write_all(&packed)
}

impl<W: Write> Write for Packer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Packer::Plain(to) => to.write(bytes),
            Packer::Gzip(encoder) => encoder.write(bytes),
            Packer::Zstd(to, waiting) => {
                waiting.extend_from_slice(bytes);
                if waiting.len() >= FRAME {
                    frame(to, waiting)?;
                }
                Ok(bytes.len())
            }
        }
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Packer::Plain(to) => to.write_all(bytes),
            Packer::Gzip(encoder) => encoder.write_all(bytes),
            Packer::Zstd(..) => self.write(bytes).map(|_| ()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        if let Packer::Plain(to) = self { to.flush() } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_says_how_a_file_is_compressed() {
        assert_eq!(Packing::of("a.pcap.gz"), (Packing::Gzip, "a.pcap"));
        assert_eq!(Packing::of("a.ZST"), (Packing::Zstd, "a"));
        assert_eq!(Packing::of("a.pcapng"), (Packing::None, "a.pcapng"));
        assert_eq!(Packing::of("gz"), (Packing::None, "gz"));
        assert_eq!(Packing::of("ä"), (Packing::None, "ä"));
    }
}
