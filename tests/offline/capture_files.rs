//! Capture files of every kind, whole and broken: everything readable is shown, then one error says what is wrong.

use netlab::capture::files::write::{About, Format, Writer};
use netlab::capture::{FileError, Frame, Source, Stored};
use netlab::link::LinkType;
use netlab::link::received::Way;

use crate::traffic::{Seen, Traffic};

/// A capture file put together word by word, in either byte order.
struct Builder {
    bytes: Vec<u8>,
    big: bool,
}

impl Builder {
    fn new(big: bool) -> Self {
        Builder { bytes: Vec::new(), big }
    }

    fn u16(mut self, value: u16) -> Self {
        self.bytes.extend(if self.big { value.to_be_bytes() } else { value.to_le_bytes() });
        self
    }

    fn u32(mut self, value: u32) -> Self {
        self.bytes.extend(if self.big { value.to_be_bytes() } else { value.to_le_bytes() });
        self
    }

    fn raw(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    fn pcap(big: bool, magic: u32) -> Self {
        Builder::new(big).u32(magic).u16(2).u16(4).u32(0).u32(0).u32(65_535).u32(1)
    }

    fn record(self, seconds: u32, fraction: u32, frame: &[u8], original: u32) -> Self {
        self.u32(seconds).u32(fraction).u32(frame.len() as u32).u32(original).raw(frame)
    }

    /// A pcapng block around `body`, which is padded.
    fn block(self, kind: u32, body: &Builder) -> Self {
        let padded = body.bytes.len().next_multiple_of(4);
        let padding = vec![0; padded - body.bytes.len()];
        let length = padded as u32 + 12;
        self.u32(kind).u32(length).raw(&body.bytes).raw(&padding).u32(length)
    }

    fn section(self) -> Self {
        let body = Builder::new(self.big).u32(0x1a2b_3c4d).u16(1).u16(0).u32(u32::MAX).u32(u32::MAX);
        self.block(0x0a0d_0d0a, &body)
    }

    fn interface(self, link: u16, name: &str, time_unit: Option<u8>, offset_s: Option<i64>) -> Self {
        let mut body = Builder::new(self.big).u16(link).u16(0).u32(0);
        let padding = vec![0; name.len().next_multiple_of(4) - name.len()];
        body = body.u16(2).u16(name.len() as u16).raw(name.as_bytes()).raw(&padding);
        if let Some(unit) = time_unit {
            body = body.u16(9).u16(1).raw(&[unit, 0, 0, 0]);
        }
        if let Some(offset) = offset_s {
            let bytes = if self.big { offset.to_be_bytes() } else { offset.to_le_bytes() };
            body = body.u16(14).u16(8).raw(&bytes);
        }
        let body = body.u16(0).u16(0);
        self.block(1, &body)
    }

    fn enhanced(self, interface: u32, units: u64, frame: &[u8], flags: Option<u32>) -> Self {
        let mut body = Builder::new(self.big).u32(interface).u32((units >> 32) as u32).u32(units as u32);
        body = body.u32(frame.len() as u32).u32(frame.len() as u32).raw(frame);
        body.bytes.resize(body.bytes.len().next_multiple_of(4), 0);
        if let Some(flags) = flags {
            body = body.u16(2).u16(4).u32(flags).u16(0).u16(0);
        }
        self.block(6, &body)
    }
}

/// What a test compares of a frame.
#[derive(Debug, PartialEq)]
struct Read {
    time: Option<i64>,
    interface: String,
    way: Option<Way>,
    link: LinkType,
    bytes: Vec<u8>,
    original: u32,
}

/// Every frame, and the error at the end if there is one.
fn read(file: &[u8]) -> (Vec<Read>, Option<FileError>) {
    let mut stored = match Stored::open(file) {
        Ok(stored) => stored,
        Err(error) => return (Vec::new(), Some(error)),
    };
    let mut frames = Vec::new();
    loop {
        match stored.next() {
            Ok(Some(Frame { time, interface, way, link, bytes, original_length, .. })) => frames.push(Read {
                time,
                interface: interface.to_owned(),
                way,
                link,
                bytes: bytes.to_vec(),
                original: original_length,
            }),
            Ok(None) => return (frames, None),
            Err(error) => {
                assert!(stored.next().unwrap().is_none(), "an error is told once");
                return (frames, Some(error));
            }
        }
    }
}

fn plain(time: i64, bytes: &[u8], original: u32) -> Read {
    Read {
        time: Some(time),
        interface: String::new(),
        way: None,
        link: LinkType::Ethernet,
        bytes: bytes.to_vec(),
        original,
    }
}

#[test]
fn pcap_is_read_in_both_byte_orders_and_both_time_units() {
    for big in [false, true] {
        for (magic, fraction) in [(0xa1b2_c3d4, 123_456), (0xa1b2_3c4d, 123_456_789)] {
            let file = Builder::pcap(big, magic).record(1_700_000_000, fraction, b"frame", 1500).record(
                4_000_000_000,
                1,
                b"",
                0,
            );
            let unit = if magic == 0xa1b2_c3d4 { 1000 } else { 1 };
            let (frames, error) = read(&file.bytes);
            assert!(error.is_none());
            let first = 1_700_000_000_000_000_000 + i64::from(fraction) * unit;
            assert_eq!(frames, [plain(first, b"frame", 1500), plain(4_000_000_000_000_000_000 + unit, b"", 0)]);
        }
    }
}

#[test]
fn an_original_length_below_the_captured_one_is_no_truncation() {
    let (frames, error) = read(&Builder::pcap(false, 0xa1b2_c3d4).record(1, 0, b"frame", 2).bytes);
    assert!(error.is_none());
    assert_eq!(frames, [plain(1_000_000_000, b"frame", 5)]);
}

#[test]
fn pcapng_sections_have_their_own_byte_order_interfaces_and_time_units() {
    let mut little = Builder::new(false).section();
    little = little.interface(1, "eth0", Some(9), None).interface(101, "tun0", None, Some(-5));
    little = little.enhanced(0, 1_700_000_000_123_456_789, b"first", Some(0b0_1001));
    little = little.enhanced(1, 1_700_000_000_000_001, b"second", None);
    let mut big = Builder::new(true).section().interface(1, "other", Some(0x8a), Some(1000));
    big = big.enhanced(0, 1536, b"third", Some(0b10));
    let (frames, error) = read(&[little.bytes, big.bytes].concat());
    assert!(error.is_none(), "{error:?}");
    let frame = |time, interface: &str, way, link, bytes: &[u8]| Read {
        time: Some(time),
        interface: interface.to_owned(),
        way,
        link,
        bytes: bytes.to_vec(),
        original: bytes.len() as u32,
    };
    assert_eq!(
        frames,
        [
            frame(1_700_000_000_123_456_789, "eth0", Some(Way::Multicast), LinkType::Ethernet, b"first"),
            frame(1_699_999_995_000_001_000, "tun0", None, LinkType::RawIp, b"second"),
            frame(1_001_500_000_000, "other", Some(Way::Out), LinkType::Ethernet, b"third"),
        ]
    );
}

#[test]
fn simple_and_obsolete_packet_blocks_are_read_and_unknown_blocks_passed_over() {
    for big in [false, true] {
        let body = |b: Builder| b;
        let simple = body(Builder::new(big)).u32(900).raw(b"simple!!");
        let obsolete = Builder::new(big).u16(0).u16(7).u32(0).u32(42).u32(3).u32(60).raw(b"old\0");
        let unknown = Builder::new(big).raw(&vec![7; 1 << 20]);
        let file = Builder::new(big).section().block(0x0bad, &Builder::new(big)).interface(1, "eth0", None, None);
        let file = file.block(3, &simple).block(0x1234_5678, &unknown).block(2, &obsolete);
        let (frames, error) = read(&file.bytes);
        assert!(error.is_none(), "{error:?}");
        assert_eq!((frames[0].time, frames[0].bytes.as_slice(), frames[0].original), (None, &b"simple!!"[..], 900));
        assert_eq!((frames[1].time, frames[1].bytes.as_slice(), frames[1].original), (Some(42_000), &b"old"[..], 60));
        assert_eq!(frames.len(), 2);
    }
}

/// The ends of the file header and of every record or block.
fn boundaries(pcapng: bool, file: &[u8]) -> Vec<usize> {
    let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap()) as usize;
    let mut ends = vec![if pcapng { word(4) } else { 24 }];
    while *ends.last().unwrap() < file.len() {
        let at = *ends.last().unwrap();
        ends.push(at + if pcapng { word(at + 4) } else { 16 + word(at + 8) });
    }
    ends
}

#[test]
fn a_file_cut_at_any_byte_gives_every_whole_frame_and_one_error() {
    for format in [Format::Pcap, Format::Pcapng] {
        let file = written(format, 12);
        let whole = read(&file).0;
        let ends = boundaries(format == Format::Pcapng, &file);
        for cut in 0..file.len() {
            let (frames, error) = read(&file[..cut]);
            assert!(frames.len() <= whole.len() && frames == whole[..frames.len()], "cut at {cut}");
            let clean = ends.contains(&cut);
            assert_eq!(error.is_none(), clean, "cut at {cut}: {error:?}");
            match error {
                None | Some(FileError::Cut { .. }) => {}
                Some(FileError::Unknown(_)) if cut < 4 => {}
                Some(other) => panic!("cut at {cut}: {other}"),
            }
            let complete = ends.iter().filter(|end| **end <= cut).count();
            // The header, and in pcapng the interface, are no frames.
            let headers = if format == Format::Pcapng { 2 } else { 1 };
            assert_eq!(frames.len(), complete.saturating_sub(headers).min(whole.len()), "cut at {cut}");
        }
    }
}

fn written(format: Format, count: usize) -> Vec<u8> {
    let mut writer = Writer::create(Vec::new(), format, About { snap_length: 262_144, ..About::default() }).unwrap();
    for Seen { time_ns, frame } in Traffic::new(3).take(count) {
        let original_length = frame.len() as u32;
        let bytes = &frame[..frame.len().min(90)];
        let (time, interface, way) = (Some(time_ns as i64), "eth0", Some(Way::In));
        let link = LinkType::Ethernet;
        let frame = Frame { time, interface, way, link, bytes, original_length, checksum_pending: false, comment: "" };
        writer.frame(&frame).unwrap();
    }
    writer.finish(&[]).unwrap();
    writer.into_inner()
}

#[test]
fn damage_anywhere_is_an_error_or_another_frame_and_never_a_panic() {
    for format in [Format::Pcap, Format::Pcapng] {
        let file = written(format, 4);
        for at in 0..file.len().min(700) {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut damaged = file.clone();
                damaged[at] = value;
                let _ = read(&damaged);
            }
        }
    }
}

#[test]
fn an_absurd_length_is_refused_with_its_place() {
    let file = Builder::pcap(false, 0xa1b2_c3d4).record(1, 0, b"frame", 5).u32(2).u32(0).u32(u32::MAX).u32(u32::MAX);
    let (frames, error) = read(&file.bytes);
    assert_eq!(frames.len(), 1);
    let text = error.unwrap().to_string();
    assert_eq!(text, "the file is damaged: a frame's length at byte 45 is 4294967295, expected at most 16777216");

    for kind in [1, 2, 3, 6, 0x0a0d_0d0a] {
        let file = Builder::new(false).section().u32(kind).u32(0xffff_fffc).u32(0x1a2b_3c4d).raw(&[0; 40]);
        let text = read(&file.bytes).1.unwrap().to_string();
        assert!(text.starts_with("the file is damaged: a block's length at byte 28 is 4294967292"), "{text}");
    }
}

#[test]
fn a_block_that_nobody_knows_may_be_long_and_costs_no_memory() {
    let file = Builder::new(false).section().u32(0x4000_0001).u32(0xffff_fffc).raw(&[0; 1000]);
    let text = read(&file.bytes).1.unwrap().to_string();
    assert_eq!(text, "the file is cut short: a block at byte 28 needs 4294967292 bytes, 1008 are left");
}

#[test]
fn lies_inside_a_block_are_refused() {
    let section = || Builder::new(false).section().interface(1, "eth0", None, None);
    let too_long = Builder::new(false).u32(0).u32(0).u32(0).u32(900).u32(900).raw(&[0; 8]);
    let text = read(&section().block(6, &too_long).bytes).1.unwrap().to_string();
    assert!(text.contains("the captured length of a packet block") && text.contains("is 900"), "{text}");
    let text = read(&section().enhanced(5, 0, b"", None).bytes).1.unwrap().to_string();
    assert!(text.contains("the interface number of a packet block") && text.contains("is 5"), "{text}");
    let mut wrong_end = section().enhanced(0, 0, b"", None).bytes;
    *wrong_end.last_mut().unwrap() = 9;
    let text = read(&wrong_end).1.unwrap().to_string();
    assert!(text.contains("the length at a block's end"), "{text}");
}

#[test]
fn interfaces_without_end_are_refused() {
    let mut file = Builder::new(false).section();
    for _ in 0..5000 {
        file = file.interface(1, "eth0", None, None);
    }
    assert!(read(&file.bytes).1.unwrap().to_string().contains("at most 4096"));
}

#[test]
fn a_compressed_file_is_recognised_and_something_else_is_quoted() {
    let text = |bytes: &[u8]| read(bytes).1.unwrap().to_string();
    assert!(text(b"\xfd7zX").contains("which is xz\nhint: xzcat FILE | netlab capture -r -"));
    assert_eq!(text(b"GET /"), "not a capture file: it begins with 47 45 54 20");
    assert_eq!(text(b""), "not a capture file: it begins with nothing, the file is empty");
}

#[test]
fn a_file_without_a_limit_declares_none_that_its_frames_exceed() {
    for (format, at, expected) in [(Format::Pcapng, 28 + 4 + 12, 0), (Format::Pcap, 16, 16 << 20)] {
        let mut writer = Writer::create(Vec::new(), format, About::default()).unwrap();
        writer.frame(&Frame::ethernet(b"first")).unwrap();
        writer.finish(&[]).unwrap();
        let file = writer.into_inner();
        let declared = u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
        assert_eq!(declared, expected, "{format:?}");
    }
}

#[test]
fn interfaces_without_end_are_written_in_sections_that_the_reader_takes() {
    let mut writer = Writer::create(Vec::new(), Format::Pcapng, About::default()).unwrap();
    let names: Vec<String> = (0..9000).map(|number| format!("i{number}")).collect();
    for name in &names {
        writer.frame(&Frame { interface: name, ..Frame::ethernet(b"x") }).unwrap();
    }
    writer.finish(&[]).unwrap();
    let (frames, error) = read(&writer.into_inner());
    assert!(error.is_none(), "{error:?}");
    assert!(frames.iter().map(|frame| &frame.interface).eq(&names));
}
