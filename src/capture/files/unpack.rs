//! Compressed files read: gzip (RFC 1952) and Zstandard (RFC 8878), known by their first bytes.
//!
//! Several compressed streams one behind the other are one file, as both formats say.

use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};

use flate2::bufread::GzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// A Zstandard frame to be skipped begins with one of 16 numbers: the low half of its first byte is free.
const ZSTD_SKIPPABLE: [u8; 3] = [0x2a, 0x4d, 0x18];
/// Bytes read at once.
const CHUNK: usize = 128 << 10;
/// A frame's last block, empty, and room for a checksum that nobody compares.
const LAST_BLOCK: [u8; 7] = [1, 0, 0, 0, 0, 0, 0];

/// What was read to know the format, and the rest.
type Whole<R> = Chain<Cursor<Vec<u8>>, R>;

/// A file without its compression, if it has any.
pub enum Unpacked<R> {
    /// It has none.
    Plain(Whole<R>),
    /// gzip.
    Gzip(Box<Gzip<BufReader<Whole<R>>>>),
    /// Zstandard.
    Zstd(Box<Zstd<BufReader<Whole<R>>>>),
}

/// Whether a file that begins like this is compressed in a way that is known here.
pub fn is_packed(first: &[u8]) -> bool {
    first.starts_with(&GZIP) || is_zstd(first)
}

fn is_zstd(first: &[u8]) -> bool {
    first.starts_with(&ZSTD) || first.get(1..).is_some_and(|rest| rest.starts_with(&ZSTD_SKIPPABLE))
}

impl<R: Read> Unpacked<R> {
    /// A file of which the first bytes were read already.
    pub fn new(first: Vec<u8>, rest: R) -> Self {
        let (gzip, zstd) = (first.starts_with(&GZIP), is_zstd(&first));
        let whole = Cursor::new(first).chain(rest);
        if gzip {
            Unpacked::Gzip(Box::new(Gzip::new(BufReader::with_capacity(CHUNK, whole))))
        } else if zstd {
            Unpacked::Zstd(Box::new(Zstd::new(BufReader::with_capacity(CHUNK, whole))))
        } else {
            Unpacked::Plain(whole)
        }
    }
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Unpacked::Plain(from) => from.read(buffer),
            Unpacked::Gzip(from) => from.read(buffer),
            Unpacked::Zstd(from) => from.read(buffer),
        }
    }
}

/// Errors of the compressed bytes; those of reading keep what they are.
fn damaged(format: &str, error: &io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => cut(format),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            io::Error::new(io::ErrorKind::InvalidData, format!("the file is damaged: its {format} data: {error}"))
        }
        kind => error.raw_os_error().map_or_else(|| kind.into(), io::Error::from_raw_os_error),
    }
}

fn cut(format: &str) -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, format!("the file is cut short: its {format} data does not end"))
}

/// At most `most` bytes, as many as there are.
fn first_bytes(from: &mut impl BufRead, most: usize) -> io::Result<Vec<u8>> {
    let mut first = Vec::with_capacity(most);
    from.by_ref().take(most as u64).read_to_end(&mut first)?;
    Ok(first)
}

/// What follows the end of compressed data, and neither is such data nor begins like it.
fn no_more(format: &str) -> io::Error {
    let text = format!("the file is damaged: what follows its {format} data is none");
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// A stream of gzip members.
pub struct Gzip<R> {
    /// The one that is being read; its first bytes were read before. None at the end.
    member: Option<GzDecoder<Chain<Cursor<Vec<u8>>, R>>>,
}

impl<R: BufRead> Gzip<R> {
    fn new(from: R) -> Self {
        Gzip { member: Some(GzDecoder::new(Cursor::new(Vec::new()).chain(from))) }
    }

    /// Goes on to the member behind the one that has ended.
    fn next_member(&mut self) -> io::Result<()> {
        let Some((_, mut from)) = self.member.take().map(|member| member.into_inner().into_inner()) else {
            return Ok(());
        };
        let first = first_bytes(&mut from, GZIP.len())?;
        match first.as_slice() {
            [] => return Ok(()),
            begun if begun == &GZIP[..1] => return Err(cut("gzip")),
            begun if begun != GZIP => return Err(no_more("gzip")),
            _ => {}
        }
        self.member = Some(GzDecoder::new(Cursor::new(first).chain(from)));
        Ok(())
    }
}

impl<R: BufRead> Read for Gzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = self.member.as_mut().filter(|_| !buffer.is_empty()) {
            match member.read(buffer).map_err(|error| damaged("gzip", &error))? {
                0 => self.next_member()?,
                count => return Ok(count),
            }
        }
        Ok(0)
    }
}

/// A stream of Zstandard frames.
pub struct Zstd<R> {
    from: R,
    frame: FrameDecoder,
    /// What is to be told once everything before it was handed out.
    failed: Option<io::Error>,
}

impl<R: BufRead> Zstd<R> {
    fn new(from: R) -> Self {
        Zstd { from, frame: FrameDecoder::new(), failed: None }
    }

    /// Reads on until bytes are there; false at the end.
    fn fill(&mut self) -> io::Result<bool> {
        while self.frame.can_collect() == 0 {
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            if !self.frame.is_finished() {
                self.block()?;
                continue;
            }
            self.compare()?;
            if !self.next_frame()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads a block. Of a file that was cut short, what was unpacked before can still be had.
    fn block(&mut self) -> io::Result<()> {
        let Err(error) = self.frame.decode_blocks(&mut self.from, BlockDecodingStrategy::UptoBlocks(1)) else {
            return Ok(());
        };
        if !self.from.fill_buf()?.is_empty() {
            return Err(invalid(&error));
        }
        self.failed = Some(cut("zstd"));
        self.frame.decode_blocks(LAST_BLOCK.as_slice(), BlockDecodingStrategy::All).map_err(|_| cut("zstd"))?;
        Ok(())
    }

    /// Compares the checksum of a frame all of which was handed out, where it has one.
    fn compare(&self) -> io::Result<()> {
        match (self.frame.get_checksum_from_data(), self.frame.get_calculated_checksum()) {
            (Some(told), Some(own)) if told != own => {
                let text = "the file is damaged: its zstd data: the checksum is wrong";
                Err(io::Error::new(io::ErrorKind::InvalidData, text))
            }
            _ => Ok(()),
        }
    }

    fn next_frame(&mut self) -> io::Result<bool> {
        let first = first_bytes(&mut self.from, ZSTD.len())?;
        if first.is_empty() {
            return Ok(false);
        }
        let begun = first.len() < ZSTD.len() && ZSTD.starts_with(&first);
        if !is_zstd(&first) && !begun {
            return Err(no_more("zstd"));
        }
        match self.frame.reset(Cursor::new(first).chain(&mut self.from)) {
            Ok(()) => Ok(true),
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                io::copy(&mut self.from.by_ref().take(length.into()), &mut io::sink())?;
                self.frame = FrameDecoder::new();
                Ok(true)
            }
            Err(_) if self.from.fill_buf()?.is_empty() => Err(cut("zstd")),
            Err(error) => Err(invalid(&error)),
        }
    }
}

fn invalid(error: &FrameDecoderError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the file is damaged: its zstd data: {error}"))
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.fill()? { self.frame.read(buffer) } else { Ok(0) }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::super::pack::{Packer, Packing};
    use super::*;

    fn text() -> Vec<u8> {
        (0..40_000u32).flat_map(|number| (number / 7).to_le_bytes()).collect()
    }

    fn packed(packing: Packing) -> Vec<u8> {
        let mut packer = Packer::new(Vec::new(), packing);
        packer.write_all(&text()).unwrap();
        packer.finish().unwrap();
        packer.get_ref().clone()
    }

    /// What can be read, and the error that ends it.
    fn read(bytes: &[u8]) -> (Vec<u8>, Option<String>) {
        let (mut out, mut buffer) = (Vec::new(), vec![0; 5000]);
        let mut from = Unpacked::new(bytes[..4].to_vec(), &bytes[4..]);
        loop {
            match from.read(&mut buffer) {
                Ok(0) => return (out, None),
                Ok(count) => out.extend_from_slice(&buffer[..count]),
                Err(error) => return (out, Some(error.to_string())),
            }
        }
    }

    #[test]
    fn what_was_packed_comes_out_again_also_twice_in_a_row() {
        for packing in [Packing::None, Packing::Gzip, Packing::Zstd] {
            let packed = packed(packing);
            assert!(packing == Packing::None || packed.len() < text().len() / 2, "{packing:?}: {}", packed.len());
            assert_eq!(read(&packed), (text(), None), "{packing:?}");
            assert_eq!(read(&packed.repeat(2)), (text().repeat(2), None), "{packing:?}");
        }
    }

    #[test]
    fn of_a_file_that_is_cut_short_comes_what_there_is_and_then_the_error() {
        for packing in [Packing::Gzip, Packing::Zstd] {
            let packed = packed(packing);
            for cut in (5..packed.len()).step_by(499) {
                let (out, error) = read(&packed[..cut]);
                assert!(text().starts_with(&out), "{packing:?} {cut}");
                assert!(error.is_some_and(|error| error.contains("is cut short")), "{packing:?} {cut}");
            }
            let (most, _) = read(&packed[..packed.len() - 1]);
            assert!(most.len() > text().len() / 2, "{packing:?}: {}", most.len());
        }
    }

    #[test]
    fn damage_anywhere_is_an_error_or_harmless_and_never_a_panic() {
        for packing in [Packing::Gzip, Packing::Zstd] {
            let packed = packed(packing);
            let mut told = 0;
            for at in (0..packed.len()).step_by(311) {
                let mut damaged = packed.clone();
                damaged[at] ^= 0x55;
                told += usize::from(read(&damaged).1.is_some());
            }
            assert!(told > 0, "{packing:?}");
        }
    }

    #[test]
    fn frames_that_zstd_says_to_skip_are_skipped() {
        let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3], packed(Packing::Zstd).as_slice()].concat();
        assert_eq!(read(&skipped), (text(), None));
    }

    #[test]
    fn what_follows_and_is_no_compressed_data_is_not_called_cut_short() {
        for (packing, name, begun) in [(Packing::Gzip, "gzip", &GZIP[..1]), (Packing::Zstd, "zstd", &ZSTD[..3])] {
            for junk in ["j", "junk", "more junk than the first bytes of a frame"] {
                let (out, error) = read(&[packed(packing).as_slice(), junk.as_bytes()].concat());
                assert_eq!(out, text());
                assert_eq!(
                    error.unwrap(),
                    format!("the file is damaged: what follows its {name} data is none"),
                    "{junk}"
                );
            }
            let (_, error) = read(&[packed(packing).as_slice(), begun].concat());
            assert!(error.unwrap().contains("is cut short"), "{name}");
        }
    }

    #[test]
    fn a_wrong_checksum_is_told() {
        let mut packed = packed(Packing::Zstd);
        let last = packed.len() - 1;
        packed[last] ^= 1;
        assert!(read(&packed).1.is_some_and(|error| error.contains("the checksum is wrong")));
    }
}
