//! Capture files written: pcapng with everything that is known, or classic pcap for tools that want it. Both keep
//! nanoseconds.

use std::io::{self, Write};
use std::net::IpAddr;

use super::pack::Packing;
use super::record::{self, Form, Record};
use super::{blocks, pcapng};
use crate::bytes::room::Room;
use crate::capture::accounting::Counted;
use crate::capture::batch::Batch;
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
pub(super) struct Described {
    pub(super) name: String,
    link: LinkType,
    pub(super) frames: u64,
    pub(super) first: Nanoseconds,
    pub(super) last: Nanoseconds,
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
    /// What was not passed on yet.
    waiting: Room,
}

/// Bytes written at once. Much larger pieces make the kernel look for larger pieces of memory, which takes it longer.
const PIECE: usize = 64 << 10;

impl<W: Write> Writer<W> {
    /// Begins a file on `to`, which is written to in large pieces.
    ///
    /// # Errors
    /// What the writer refused.
    pub fn create(to: W, format: Format, about: About) -> io::Result<Self> {
        let mut writer = Writer { to, format, about, interfaces: Vec::new(), latest: 0, waiting: Room::default() };
        if format == Format::Pcapng {
            blocks::section(&mut writer.waiting, &writer.about);
        }
        Ok(writer)
    }

    /// Describes an interface before its first frame, so that the file tells of it even if none comes.
    ///
    /// # Errors
    /// What the writer refused; for pcap a second link type.
    pub fn describe(&mut self, name: &str, link: LinkType) -> Result<(), WriteError> {
        match (self.format, self.interfaces.first()) {
            (Format::Pcap, Some(first)) if first.link == link => return Ok(()),
            (Format::Pcap, Some(first)) => return Err(WriteError::MixedLinks { first: first.link, other: link }),
            (Format::Pcap, None) => blocks::pcap_header(&mut self.waiting, &self.about, link),
            (Format::Pcapng, _) => {
                if self.interfaces.len() >= pcapng::MAX_INTERFACES {
                    self.all_statistics(&[]);
                    self.interfaces.clear();
                    blocks::section(&mut self.waiting, &self.about);
                }
                blocks::interface(&mut self.waiting, &self.about, name, link);
            }
        }
        self.latest = self.interfaces.len();
        self.interfaces.push(Described { name: name.to_owned(), link, frames: 0, first: Nanoseconds::MAX, last: 0 });
        Ok(())
    }

    /// Writes one frame. A frame without a time gets that of 1970; pcap has no place for its comment.
    ///
    /// # Errors
    /// What the writer refused; for pcap a second link type.
    #[inline]
    pub fn frame(&mut self, frame: &Frame<'_>) -> Result<(), WriteError> {
        self.interface(frame)?;
        let time = frame.time.unwrap_or(0);
        if let Some(interface) = self.interfaces.get_mut(self.latest) {
            interface.frames = interface.frames.saturating_add(1);
            interface.first = interface.first.min(time);
            interface.last = interface.last.max(time);
        }
        let form = Form { format: self.format, interface: self.latest as u32 };
        record::put(&mut self.waiting, form, frame);
        if self.waiting.len() >= PIECE { Ok(self.pass_on()?) } else { Ok(()) }
    }

    /// Writes a frame of the first interface that stands in its form already.
    ///
    /// # Errors
    /// What the writer refused.
    pub fn record(&mut self, record: &Record<'_>) -> io::Result<()> {
        self.count(1, record.time, record.time);
        self.waiting.extend(record.bytes);
        if self.waiting.len() >= PIECE { self.pass_on() } else { Ok(()) }
    }

    /// As [`Writer::record`] for all frames of a batch.
    ///
    /// # Errors
    /// What the writer refused.
    pub fn batch(&mut self, batch: &Batch) -> io::Result<()> {
        if let (Some(first), Some(last)) = (batch.time(0), batch.latest()) {
            self.count(batch.len() as u64, first, last);
        }
        self.pass_on()?;
        batch.records().chunks(PIECE).try_for_each(|piece| self.to.write_all(piece))
    }

    /// Counts frames of the first interface.
    fn count(&mut self, frames: u64, first: Nanoseconds, last: Nanoseconds) {
        if let Some(interface) = self.interfaces.first_mut() {
            interface.frames = interface.frames.saturating_add(frames);
            interface.first = interface.first.min(first);
            interface.last = interface.last.max(last);
        }
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

    /// Writes what addresses are called, which pcap has no place for.
    pub fn names(&mut self, names: &[(IpAddr, &str)]) {
        if self.format == Format::Pcapng {
            blocks::names(&mut self.waiting, names);
        }
    }

    /// Ends the file with what was counted on its interfaces, and flushes it.
    ///
    /// # Errors
    /// What the writer refused.
    pub fn finish(&mut self, counted: &[Counted]) -> Result<(), WriteError> {
        match self.format {
            Format::Pcap if self.interfaces.is_empty() => {
                blocks::pcap_header(&mut self.waiting, &self.about, LinkType::Ethernet);
            }
            Format::Pcap => {}
            Format::Pcapng => self.all_statistics(counted),
        }
        Ok(self.flush()?)
    }

    /// What the file is written to.
    pub fn get_ref(&self) -> &W {
        &self.to
    }

    /// As [`Writer::get_ref`], to be ended; nothing else may be written to it.
    pub fn get_mut(&mut self) -> &mut W {
        &mut self.to
    }

    /// What the file was written to, once it was [finished](Writer::finish).
    pub fn into_inner(self) -> W {
        self.to
    }

    /// Bytes that were not passed on yet.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    fn pass_on(&mut self) -> io::Result<()> {
        let written = self.to.write_all(self.waiting.bytes());
        self.waiting.clear();
        written
    }

    /// Passes on what waits, and flushes what it is written to.
    ///
    /// # Errors
    /// What the writer refused.
    pub fn flush(&mut self) -> io::Result<()> {
        self.pass_on()?;
        self.to.flush()
    }

    fn all_statistics(&mut self, counted: &[Counted]) {
        for (number, interface) in self.interfaces.iter().enumerate() {
            blocks::statistics(&mut self.waiting, number as u32, interface, counted);
        }
    }
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
            let (plain, commented) = (Frame { way, ..frame(b"first") }, Frame { way, comment, ..frame(b"first") });
            writer.frame(&commented).unwrap();
            writer.frame(&plain).unwrap();
            writer.finish(&[]).unwrap();
            let file = writer.into_inner();
            assert_eq!(file.windows(8).any(|bytes| bytes == b"four mor"), comment == "four more");
            let mut stored = Stored::open(file.as_slice()).unwrap();
            assert_eq!(stored.next().unwrap(), Some(commented));
            assert_eq!(stored.next().unwrap(), Some(plain));
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
