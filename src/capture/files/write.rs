//! Capture files written: pcapng with everything that is known, or classic pcap for tools that want it. Both keep
//! nanoseconds.

use std::io::{self, Write};
use std::net::IpAddr;

use super::options::{self, MAX_OPTION, option, option_halves, option_number};
use super::pack::Packing;
use super::{MAX_FRAME, pcap, pcapng, resolution};
use crate::capture::accounting::Counted;
use crate::capture::frame::{Frame, Nanoseconds, same_name};
use crate::link::LinkType;

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Classic pcap with times in nanoseconds: one link type, no interfaces, no directions, no counts.
    Pcap,
    /// pcapng: interfaces by name, directions, and at the end how many frames were dropped.
    Pcapng,
}

impl Format {
    /// The format that a file's name asks for, compressed or not: pcap for `.pcap` and `.cap`, otherwise pcapng.
    pub fn of(name: &str) -> Self {
        let (_, name) = Packing::of(name);
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        if ["pcap", "cap"].iter().any(|e| extension.eq_ignore_ascii_case(e)) { Format::Pcap } else { Format::Pcapng }
    }
}

/// What a file says about how it was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// The program and its version.
    pub application: String,
    /// The operating system of the capture; empty for a file made from another file.
    pub system: String,
    /// Most bytes that a frame in the file has; 0 when nobody set a limit.
    pub snap_length: u32,
    /// What somebody wants to be read beside the whole file.
    pub comment: String,
    /// The filter that frames of the interfaces had to pass; empty where there was none.
    pub filter: String,
}

/// Why a frame could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Writing failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Classic pcap has one link type per file.
    #[error(
        "a pcap file holds frames of one kind of link: this one began with {} and now comes {}\n\
         hint: give the file a name that ends in .pcapng", .first.name(), .other.name()
    )]
    MixedLinks {
        /// The link type of the file.
        first: LinkType,
        /// The one that does not fit.
        other: LinkType,
    },
}

/// An interface that was described in the file.
#[derive(Debug)]
struct Described {
    name: String,
    link: LinkType,
    frames: u64,
    first: Nanoseconds,
    last: Nanoseconds,
}

/// A capture file being written.
#[derive(Debug)]
pub struct Writer<W> {
    to: W,
    format: Format,
    about: About,
    interfaces: Vec<Described>,
    /// The interface of the frame before, which is most often that of the next.
    latest: usize,
    block: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// Begins a file on `to`, which should buffer.
    ///
    /// # Errors
    /// What the writer refused.
    pub fn create(to: W, format: Format, about: About) -> io::Result<Self> {
        let mut writer = Writer { to, format, about, interfaces: Vec::new(), latest: 0, block: Vec::new() };
        if format == Format::Pcapng {
            writer.section()?;
        }
        Ok(writer)
    }

    fn section(&mut self) -> io::Result<()> {
        self.begin_block();
        put(&mut self.block, &[pcapng::BYTE_ORDER, 1, u32::MAX, u32::MAX]);
        option(&mut self.block, options::COMMENT, self.about.comment.as_bytes());
        option(&mut self.block, options::SECTION_SYSTEM, self.about.system.as_bytes());
        option(&mut self.block, options::SECTION_APPLICATION, self.about.application.as_bytes());
        self.end_block(pcapng::SECTION_HEADER)
    }

    /// Describes an interface before its first frame, so that the file tells of it even if none comes.
    ///
    /// # Errors
    /// What the writer refused; for pcap a second link type.
    pub fn describe(&mut self, name: &str, link: LinkType) -> Result<(), WriteError> {
        match (self.format, self.interfaces.first()) {
            (Format::Pcap, Some(first)) => return Err(WriteError::MixedLinks { first: first.link, other: link }),
            (Format::Pcap, None) => self.pcap_header(link)?,
            (Format::Pcapng, _) => {
                if self.interfaces.len() >= pcapng::MAX_INTERFACES {
                    self.all_statistics(&[])?;
                    self.interfaces.clear();
                    self.section()?;
                }
                self.begin_block();
                put(&mut self.block, &[link.number() & 0xffff, self.about.snap_length]);
                option(&mut self.block, options::INTERFACE_NAME, name.as_bytes());
                option(&mut self.block, options::INTERFACE_TIME_UNIT, &[9]);
                if !self.about.filter.is_empty() {
                    let filter = [&[options::LANGUAGE_OF_LIBPCAP], self.about.filter.as_bytes()].concat();
                    option(&mut self.block, options::INTERFACE_FILTER, &filter);
                }
                option(&mut self.block, options::INTERFACE_SYSTEM, self.about.system.as_bytes());
                self.end_block(pcapng::INTERFACE)?;
            }
        }
        self.latest = self.interfaces.len();
        self.interfaces.push(Described { name: name.to_owned(), link, frames: 0, first: Nanoseconds::MAX, last: 0 });
        Ok(())
    }

    /// Writes one frame. A frame without a time gets that of 1970.
    ///
    /// # Errors
    /// What the writer refused; for pcap a second link type.
    #[inline]
    pub fn frame(&mut self, frame: &Frame<'_>) -> Result<(), WriteError> {
        self.frame_with_comment(frame, frame.comment)
    }

    /// Writes one frame with a text for people beside it, which pcap has no place for.
    ///
    /// # Errors
    /// As [`Writer::frame`].
    #[inline]
    pub fn frame_with_comment(&mut self, frame: &Frame<'_>, comment: &str) -> Result<(), WriteError> {
        self.interface(frame)?;
        let time = frame.time.unwrap_or(0);
        if let Some(interface) = self.interfaces.get_mut(self.latest) {
            interface.frames = interface.frames.saturating_add(1);
            interface.first = interface.first.min(time);
            interface.last = interface.last.max(time);
        }
        let captured = frame.bytes.len() as u32;
        match self.format {
            Format::Pcap => {
                let (seconds, rest) = (time.div_euclid(1_000_000_000), time.rem_euclid(1_000_000_000));
                self.to.write_all(&pair(seconds as u32, rest as u32))?;
                self.to.write_all(&pair(captured, frame.original_length))?;
                self.to.write_all(frame.bytes)?;
            }
            Format::Pcapng => self.enhanced_packet(frame, time as u64, comment)?,
        }
        Ok(())
    }

    /// Makes `latest` the interface of `frame`, describing it when it is new.
    #[inline]
    fn interface(&mut self, frame: &Frame<'_>) -> Result<(), WriteError> {
        let pcap = self.format == Format::Pcap;
        let fits = |i: &Described| i.link == frame.link && (pcap || same_name(&i.name, frame.interface));
        if self.interfaces.get(self.latest).is_some_and(fits) {
            return Ok(());
        }
        match self.interfaces.iter().position(fits) {
            Some(at) => self.latest = at,
            None => self.describe(frame.interface, frame.link)?,
        }
        Ok(())
    }

    fn enhanced_packet(&mut self, frame: &Frame<'_>, time: u64, comment: &str) -> io::Result<()> {
        let flags = frame.way.and_then(|way| pcapng::WAYS.iter().find(|(_, w)| *w == way)).map(|(bits, _)| *bits);
        let padding = frame.bytes.len().next_multiple_of(4).saturating_sub(frame.bytes.len());
        let comment = comment.as_bytes();
        let comment = comment.get(..comment.len().min(MAX_OPTION)).unwrap_or_default();
        let flags_length = if flags.is_some() { 8 } else { 0 };
        let comment_length = if comment.is_empty() { 0 } else { comment.len().next_multiple_of(4).saturating_add(4) };
        let listed = comment_length.saturating_add(flags_length);
        let with_end = if listed > 0 { listed.saturating_add(4) } else { 0 };
        let length = frame.bytes.len().saturating_add(padding).saturating_add(32).saturating_add(with_end) as u32;
        let (high, low, captured) = ((time >> 32) as u32, time as u32, frame.bytes.len() as u32);
        for (first, second) in [(pcapng::ENHANCED_PACKET, length), (self.latest as u32, high), (low, captured)] {
            self.to.write_all(&pair(first, second))?;
        }
        self.to.write_all(&frame.original_length.to_le_bytes())?;
        self.to.write_all(frame.bytes)?;
        self.to.write_all([0; 3].get(..padding).unwrap_or_default())?;
        if !comment.is_empty() {
            self.block.clear();
            option(&mut self.block, options::COMMENT, comment);
            self.to.write_all(&self.block)?;
        }
        if let Some(flags) = flags {
            self.to.write_all(&pair(u32::from(options::PACKET_FLAGS) | (size_of_val(&flags) as u32) << 16, flags))?;
        }
        if listed > 0 {
            self.to.write_all(&u32::from(options::END).to_le_bytes())?;
        }
        self.to.write_all(&length.to_le_bytes())
    }

    /// Writes what addresses are called, which pcap has no place for.
    ///
    /// # Errors
    /// What the writer refused.
    pub fn names(&mut self, names: &[(IpAddr, &str)]) -> io::Result<()> {
        let blocks = if self.format == Format::Pcapng { names } else { &[] };
        for some in blocks.chunks(resolution::MOST_WRITTEN) {
            self.begin_block();
            resolution::put(&mut self.block, some);
            self.end_block(pcapng::NAMES)?;
        }
        Ok(())
    }

    /// Ends the file with what was counted on its interfaces, and flushes it.
    ///
    /// # Errors
    /// What the writer refused.
    pub fn finish(&mut self, counted: &[Counted]) -> Result<(), WriteError> {
        match self.format {
            Format::Pcap if self.interfaces.is_empty() => self.pcap_header(LinkType::Ethernet)?,
            Format::Pcap => {}
            Format::Pcapng => self.all_statistics(counted)?,
        }
        Ok(self.to.flush()?)
    }

    /// What the file is written to.
    pub fn get_ref(&self) -> &W {
        &self.to
    }

    /// As [`Writer::get_ref`], to be ended; nothing else may be written to it.
    pub fn get_mut(&mut self) -> &mut W {
        &mut self.to
    }

    /// What the file was written to.
    pub fn into_inner(self) -> W {
        self.to
    }

    /// Flushes what is buffered.
    ///
    /// # Errors
    /// What the writer refused.
    pub fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }

    fn all_statistics(&mut self, counted: &[Counted]) -> io::Result<()> {
        (0..self.interfaces.len()).try_for_each(|number| self.statistics(number, counted))
    }

    fn statistics(&mut self, number: usize, counted: &[Counted]) -> io::Result<()> {
        let Some(Described { name, frames, first, last, .. }) = self.interfaces.get(number) else { return Ok(()) };
        let own = counted.iter().find(|counted| counted.interface == *name);
        let (frames, first, last) = (*frames, (*first).min(*last), *last);
        self.begin_block();
        put(&mut self.block, &[number as u32, (last as u64 >> 32) as u32, last as u32]);
        for (code, time) in [(options::STATISTICS_START, first), (options::STATISTICS_END, last)] {
            option_halves(&mut self.block, code, time as u64);
        }
        if let Some(own) = own {
            option_number(&mut self.block, options::STATISTICS_MISSED, own.missed);
            option_number(&mut self.block, options::STATISTICS_ACCEPTED, own.seen);
            option_number(&mut self.block, options::STATISTICS_DROPPED, own.dropped);
        } else if let dropped @ 1.. = counted.iter().map(|counted| counted.dropped).sum() {
            let text = format!("the kernel dropped {dropped} frames; of which interface is not known");
            option(&mut self.block, options::COMMENT, text.as_bytes());
        }
        option_number(&mut self.block, options::STATISTICS_DELIVERED, frames);
        self.end_block(pcapng::STATISTICS)
    }

    fn pcap_header(&mut self, link: LinkType) -> io::Result<()> {
        self.block.clear();
        self.block.extend_from_slice(&pcap::NANOSECONDS.to_le_bytes());
        for version in [2u16, 4] {
            self.block.extend_from_slice(&version.to_le_bytes());
        }
        // Classic pcap knows no sign for a file without a limit.
        let most = if self.about.snap_length == 0 { MAX_FRAME } else { self.about.snap_length };
        put(&mut self.block, &[0, 0, most, link.number()]);
        self.to.write_all(&self.block)
    }

    /// Leaves room for a block's type and length.
    fn begin_block(&mut self) {
        self.block.clear();
        put(&mut self.block, &[0, 0]);
    }

    /// Writes the block with its options' end, its type and its length on both sides.
    fn end_block(&mut self, kind: u32) -> io::Result<()> {
        put(&mut self.block, &[options::END.into()]);
        let length = self.block.len().saturating_add(4) as u32;
        put(&mut self.block, &[length]);
        for (slot, word) in self.block.chunks_exact_mut(4).zip([kind, length]) {
            slot.copy_from_slice(&word.to_le_bytes());
        }
        self.to.write_all(&self.block)
    }
}

fn put(block: &mut Vec<u8>, words: &[u32]) {
    block.extend(words.iter().flat_map(|word| word.to_le_bytes()));
}

/// Two words at once: pieces of a frame's head are written as they are, for a copy of just written smaller pieces has to
/// wait for them.
#[inline]
fn pair(first: u32, second: u32) -> [u8; 8] {
    (u64::from(first) | u64::from(second) << 32).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::super::super::frame::Source;
    use super::super::Stored;
    use super::*;
    use crate::link::received::Way;

    fn frame(bytes: &[u8]) -> Frame<'_> {
        Frame {
            time: Some(1_700_000_000_123_456_789),
            interface: "eth0",
            way: Some(Way::Multicast),
            link: LinkType::Ethernet,
            bytes,
            original_length: 1500,
            checksum_pending: false,
            comment: "",
        }
    }

    fn about() -> About {
        About { application: "test".into(), system: "Linux".into(), snap_length: 65_535, ..About::default() }
    }

    #[test]
    fn pcapng_keeps_everything_and_pcap_keeps_times_lengths_and_bytes() {
        let second = Frame { interface: "eth1", way: Some(Way::Out), ..frame(b"other") };
        for format in [Format::Pcapng, Format::Pcap] {
            let mut writer = Writer::create(Vec::new(), format, about()).unwrap();
            for frame in [frame(b"first"), second, frame(b"")] {
                writer.frame(&frame).unwrap();
            }
            writer.finish(&[]).unwrap();
            let file = writer.into_inner();
            let mut stored = Stored::open(file.as_slice()).unwrap();
            for expected in [frame(b"first"), second, frame(b"")] {
                let plain = Frame { interface: "", way: None, ..expected };
                let expected = if format == Format::Pcap { plain } else { expected };
                assert_eq!(stored.next().unwrap(), Some(expected));
            }
            assert_eq!(stored.next().unwrap(), None);
        }
    }

    #[test]
    fn a_comment_stands_beside_its_frame_and_changes_nothing_else() {
        for (comment, way) in [("", None), ("lost", None), ("four more", Some(Way::In)), ("", Some(Way::Out))] {
            let mut writer = Writer::create(Vec::new(), Format::Pcapng, about()).unwrap();
            let expected = Frame { way, ..frame(b"first") };
            writer.frame_with_comment(&expected, comment).unwrap();
            writer.frame(&expected).unwrap();
            writer.finish(&[]).unwrap();
            let file = writer.into_inner();
            assert_eq!(file.windows(8).any(|bytes| bytes == b"four mor"), comment == "four more");
            let mut stored = Stored::open(file.as_slice()).unwrap();
            assert_eq!(stored.next().unwrap(), Some(Frame { comment, ..expected }));
            assert_eq!(stored.next().unwrap(), Some(expected));
            assert_eq!(stored.next().unwrap(), None);
        }
    }

    #[test]
    fn pcap_refuses_a_second_kind_of_link_and_pcapng_describes_it() {
        let other = Frame { link: LinkType::LinuxSll2, ..frame(b"x") };
        let mut writer = Writer::create(Vec::new(), Format::Pcap, about()).unwrap();
        writer.frame(&frame(b"x")).unwrap();
        assert!(
            writer.frame(&other).unwrap_err().to_string().contains("began with Ethernet and now comes Linux cooked")
        );
        let mut writer = Writer::create(Vec::new(), Format::Pcapng, about()).unwrap();
        writer.frame(&frame(b"x")).unwrap();
        writer.frame(&other).unwrap();
    }

    #[test]
    fn a_file_without_a_frame_is_a_capture_file_all_the_same() {
        for format in [Format::Pcapng, Format::Pcap] {
            let mut writer = Writer::create(Vec::new(), format, about()).unwrap();
            writer.finish(&[]).unwrap();
            let file = writer.into_inner();
            assert_eq!(Stored::open(file.as_slice()).unwrap().next().unwrap(), None);
        }
    }

    #[test]
    fn the_name_of_a_file_says_its_format() {
        assert_eq!(Format::of("a.PCAP"), Format::Pcap);
        assert_eq!(Format::of("a.pcapng"), Format::Pcapng);
        assert_eq!(Format::of("-"), Format::Pcapng);
        assert_eq!(Format::of("a.pcap.gz"), Format::Pcap);
    }
}
