//! The block format: sections, each with its interfaces and its own byte order (draft-ietf-opsawg-pcapng).

use std::io::Read;
use std::ops::Range;

use super::input::Input;
use super::options::{self, Options};
use super::order::Order;
use super::remarks::Remarks;
use super::{FileError, MAX_FRAME, resolution};
use crate::capture::frame::{Frame, Nanoseconds};
use crate::capture::names::Told;
use crate::link::LinkType;
use crate::link::received::Way;

/// Block type of a section header, the same in both byte orders.
pub(super) const SECTION_HEADER: u32 = 0x0a0d0d0a;
/// The word in a section header that tells the byte order.
pub(super) const BYTE_ORDER: u32 = 0x1a2b3c4d;
/// Block type of an interface description.
pub(super) const INTERFACE: u32 = 1;
/// Block type of a packet block, which [`ENHANCED_PACKET`] replaced.
const PACKET: u32 = 2;
/// Block type of a simple packet block.
const SIMPLE_PACKET: u32 = 3;
/// Block type of a name resolution block.
pub(super) const NAMES: u32 = 4;
/// Block type of interface statistics.
pub(super) const STATISTICS: u32 = 5;
/// Block type of an enhanced packet block.
pub(super) const ENHANCED_PACKET: u32 = 6;

/// Most interfaces that a section may describe.
pub(super) const MAX_INTERFACES: usize = 4096;
/// Most bytes of an interface's name that are kept.
const MAX_NAME: usize = 256;
/// Bytes of comments beside a packet, behind which no further one is taken; one alone has fewer than 64 KiB.
const MAX_COMMENT: usize = 64 << 10;
/// Most bytes of a block that is looked into: a frame, its header and its options.
const MAX_BLOCK: u32 = MAX_FRAME.saturating_add(1 << 20);

/// The flags' two lowest bits say the direction, the next three the kind of reception.
pub(super) const WAYS: [(u32, Way); 5] = [
    (0b00101, Way::In),
    (0b00010, Way::Out),
    (0b10001, Way::ToOther),
    (0b01101, Way::Broadcast),
    (0b01001, Way::Multicast),
];

#[derive(Debug)]
struct Interface {
    name: String,
    link: LinkType,
    snap_length: u32,
    unit: Unit,
    offset: Nanoseconds,
}

/// What a time is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    /// So many nanoseconds.
    Nanoseconds(u64),
    /// One part of so many in a second.
    Part(u64),
}

impl Unit {
    const MICROSECOND: Unit = Unit::Nanoseconds(1000);

    /// From the option's byte: 10^-n, or 2^-n where the high bit is set. None for parts that are too small to count.
    fn of(byte: u8) -> Option<Self> {
        let power = u32::from(byte & 0x7f);
        if byte & 0x80 != 0 {
            return 1u64.checked_shl(power).map(Unit::Part);
        }
        match 9u32.checked_sub(power) {
            Some(zeros) => 10u64.checked_pow(zeros).map(Unit::Nanoseconds),
            None => 10u64.checked_pow(power).map(Unit::Part),
        }
    }

    #[inline]
    fn time(self, units: u64) -> Nanoseconds {
        let nanoseconds = match self {
            Unit::Nanoseconds(each) => units.saturating_mul(each),
            Unit::Part(parts) => {
                let wide = u128::from(units).saturating_mul(1_000_000_000).checked_div(parts.into());
                wide.and_then(|n| u64::try_from(n).ok()).unwrap_or(u64::MAX)
            }
        };
        Nanoseconds::try_from(nanoseconds).unwrap_or(Nanoseconds::MAX)
    }
}

/// A packet block: which interface, when, and where its bytes are in the block.
struct Packet {
    interface: usize,
    units: Option<u64>,
    data: Range<usize>,
    original_length: u32,
    flags: u32,
    /// Where its options begin, if there is a comment among them.
    commented: Option<usize>,
}

/// Bytes of a block that holds nothing.
const LEAST: u32 = 12;

/// The least length in bytes of a block that is looked into ([`LEAST`] for others), and what it is.
const fn described(kind: u32) -> (u32, &'static str) {
    match kind {
        SECTION_HEADER => (28, "a section header"),
        INTERFACE => (20, "an interface description"),
        PACKET | ENHANCED_PACKET => (32, "a packet block"),
        STATISTICS => (24, "interface statistics"),
        SIMPLE_PACKET => (16, "a simple packet block"),
        _ => (LEAST, "a block"),
    }
}

/// The start of a block.
struct Head {
    order: Order,
    kind: u32,
    length: u32,
    offset: u64,
}

#[derive(Debug, Default)]
pub(super) struct Pcapng {
    order: Option<Order>,
    interfaces: Vec<Interface>,
    /// What stands beside the latest packet.
    comment: String,
    /// What the file says of itself.
    pub(super) remarks: Remarks,
    /// Where names go, if anybody wants them.
    pub(super) told: Option<Told>,
}

impl Pcapng {
    pub(super) fn next<'a, R: Read>(&'a mut self, input: &'a mut Input<R>) -> Result<Option<Frame<'a>>, FileError> {
        let (block, packet) = loop {
            match self.block(input)? {
                Some((length, Some(packet))) => break (length, packet),
                Some((length, None)) => drop(input.take(length)),
                None => return Ok(None),
            }
        };
        let offset = input.offset();
        let interface = self.interfaces.get(packet.interface).ok_or(FileError::Invalid {
            what: "the interface number of a packet block",
            offset,
            value: packet.interface as u64,
            expected: "an interface described before",
        })?;
        let block = input.take(block);
        self.comment.clear();
        if let Some(at) = packet.commented {
            let order = self.order.unwrap_or(Order::Little);
            comments(Options { bytes: block.get(at..).unwrap_or_default(), order }, &mut self.comment);
        }
        Ok(Some(Frame {
            time: packet.units.map(|units| interface.unit.time(units).saturating_add(interface.offset)),
            interface: &interface.name,
            way: way(packet.flags),
            link: interface.link,
            bytes: block.get(packet.data.clone()).unwrap_or_default(),
            original_length: packet.original_length.max(packet.data.len() as u32),
            checksum_pending: false,
            comment: &self.comment,
        }))
    }

    /// Looks at the next block without taking it: its length, and what it says if it holds a packet. Blocks that mean
    /// nothing here are passed over. None at the end of the file.
    #[inline]
    fn block<R: Read>(&mut self, input: &mut Input<R>) -> Result<Option<(usize, Option<Packet>)>, FileError> {
        let Some(Head { order, kind, length, offset }) = self.head(input)? else { return Ok(None) };
        let cut = |have: u64| FileError::Cut { what: described(kind).1, offset, need: length.into(), have };
        let names = kind == NAMES && self.told.is_some() && length <= MAX_BLOCK;
        if described(kind).0 == LEAST && !names {
            let have = input.skip(length.into())?;
            return if have < length.into() { Err(cut(have)) } else { Ok(Some((0, None))) };
        }
        let block = input.peek(length as usize)?;
        if block.len() < length as usize {
            return Err(cut(block.len() as u64));
        }
        let body = block.get(..block.len().saturating_sub(4)).unwrap_or_default();
        let repeated = order.u32(block, body.len());
        if repeated != length {
            let (what, expected) = ("the length at a block's end", "the length at its start");
            return Err(FileError::Invalid { what, offset, value: repeated.into(), expected });
        }
        let packet = match kind {
            SECTION_HEADER => {
                self.order = Some(order);
                self.interfaces.clear();
                self.remarks.section(body, order);
                None
            }
            STATISTICS => {
                let interface = self.interfaces.get(order.u32(body, 8) as usize);
                self.remarks.statistics(interface.map_or("", |interface| &interface.name), body, order);
                None
            }
            INTERFACE => {
                self.describe(body, order, offset)?;
                None
            }
            NAMES => {
                let records = body.get(8..).unwrap_or_default();
                self.told.iter().for_each(|told| resolution::read(records, order, told));
                None
            }
            SIMPLE_PACKET => Some(self.simple_packet(body, order)),
            _ => Some(packet(body, order, offset, kind)?),
        };
        Ok(Some((length as usize, packet)))
    }

    /// The start of the next block, checked as far as its length goes. None at the end of the file.
    #[inline]
    fn head<R: Read>(&self, input: &mut Input<R>) -> Result<Option<Head>, FileError> {
        let offset = input.offset();
        let head = input.peek(LEAST as usize)?;
        if head.is_empty() {
            return Ok(None);
        }
        if head.len() < LEAST as usize {
            return Err(FileError::Cut { what: "a block", offset, need: LEAST.into(), have: head.len() as u64 });
        }
        let is_section = Order::Big.u32(head, 0) == SECTION_HEADER;
        let marked = || [Order::Little, Order::Big].into_iter().find(|order| order.u32(head, 8) == BYTE_ORDER);
        let order = if is_section { marked() } else { self.order }.ok_or(FileError::Invalid {
            what: "the byte order mark",
            offset,
            value: Order::Big.u32(head, 8).into(),
            expected: "0x1a2b3c4d in either order",
        })?;
        let (kind, length) = (order.u32(head, 0), order.u32(head, 4));
        let least = described(kind).0;
        if length < least || length % 4 != 0 || (least > LEAST && length > MAX_BLOCK) {
            let expected = "a multiple of 4, long enough for its fields and at most 17 MiB";
            return Err(FileError::Invalid { what: "a block's length", offset, value: length.into(), expected });
        }
        Ok(Some(Head { order, kind, length, offset }))
    }

    fn describe(&mut self, body: &[u8], order: Order, offset: u64) -> Result<(), FileError> {
        if self.interfaces.len() >= MAX_INTERFACES {
            let value = self.interfaces.len() as u64;
            return Err(FileError::Invalid {
                what: "the number of interfaces",
                offset,
                value,
                expected: "at most 4096",
            });
        }
        let mut interface = Interface {
            name: String::new(),
            link: LinkType::from_number(order.u16(body, 8).into()),
            snap_length: order.u32(body, 12),
            unit: Unit::MICROSECOND,
            offset: 0,
        };
        for (number, value) in (Options { bytes: body.get(16..).unwrap_or_default(), order }) {
            match number {
                options::INTERFACE_NAME => {
                    interface.name = String::from_utf8_lossy(value.get(..MAX_NAME).unwrap_or(value)).into_owned();
                }
                options::INTERFACE_TIME_UNIT => {
                    let byte = value.first().copied().unwrap_or(6);
                    let expected = "10^-19 or 2^-63 seconds at the least";
                    let what = "an interface's time unit";
                    let invalid = FileError::Invalid { what, offset, value: byte.into(), expected };
                    interface.unit = Unit::of(byte).ok_or(invalid)?;
                }
                options::INTERFACE_TIME_OFFSET => {
                    interface.offset = (order.u64(value, 0) as i64).saturating_mul(1_000_000_000);
                }
                _ => {}
            }
        }
        self.remarks.interface(&interface.name, body, order);
        self.interfaces.push(interface);
        Ok(())
    }

    fn simple_packet(&self, body: &[u8], order: Order) -> Packet {
        let original_length = order.u32(body, 8);
        let limit = self.interfaces.first().map_or(0, |interface| interface.snap_length);
        let cut = if limit == 0 { original_length } else { original_length.min(limit) };
        let end = 12usize.saturating_add(cut as usize).min(body.len());
        Packet { interface: 0, units: None, data: 12..end, original_length, flags: 0, commented: None }
    }

    /// Whether a whole packet block is here.
    #[inline]
    pub(super) fn ready(&self, here: &[u8]) -> bool {
        let Some(order) = self.order else { return false };
        let is_packet = matches!(order.u32(here, 0), PACKET | SIMPLE_PACKET | ENHANCED_PACKET);
        is_packet && here.len() >= 8 && here.len() >= order.u32(here, 4) as usize
    }
}

#[inline]
fn packet(body: &[u8], order: Order, offset: u64, kind: u32) -> Result<Packet, FileError> {
    let length = order.u32(body, 20);
    let end = 28usize.saturating_add(length as usize);
    if end > body.len() {
        let what = "the captured length of a packet block";
        return Err(FileError::Invalid {
            what,
            offset,
            value: length.into(),
            expected: "no more than the block holds",
        });
    }
    let at = end.next_multiple_of(4);
    let (mut flags, mut commented) = (0, None);
    for (number, value) in (Options { bytes: body.get(at..).unwrap_or_default(), order }) {
        match number {
            options::PACKET_FLAGS => flags = order.u32(value, 0),
            options::COMMENT => commented = Some(at),
            _ => {}
        }
    }
    Ok(Packet {
        interface: if kind == PACKET { order.u16(body, 8).into() } else { order.u32(body, 8) as usize },
        units: Some(u64::from(order.u32(body, 12)) << 32 | u64::from(order.u32(body, 16))),
        data: 28..end,
        original_length: order.u32(body, 24),
        flags,
        commented,
    })
}

/// Puts the comments among `options` into `comment`, with line ends between.
#[cold]
fn comments(options: Options<'_>, comment: &mut String) {
    for (_, text) in options.filter(|(number, text)| *number == options::COMMENT && !text.is_empty()) {
        if comment.len() >= MAX_COMMENT {
            return;
        }
        if !comment.is_empty() {
            comment.push('\n');
        }
        comment.push_str(&String::from_utf8_lossy(text));
    }
}

/// What the flags say; the direction alone is enough, for writers that leave the kind of reception out.
#[inline]
fn way(flags: u32) -> Option<Way> {
    let both = WAYS.iter().find(|(bits, _)| *bits == flags & 0b11111).map(|(_, way)| *way);
    both.or(match flags & 0b11 {
        0b01 => Some(Way::In),
        0b10 => Some(Way::Out),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_units_are_powers_of_ten_or_two() {
        assert_eq!(Unit::of(6), Some(Unit::MICROSECOND));
        assert_eq!(Unit::of(9).unwrap().time(7), 7);
        assert_eq!(Unit::of(0).unwrap().time(7), 7_000_000_000);
        assert_eq!(Unit::of(12).unwrap().time(1_500), 1);
        assert_eq!(Unit::of(0x8a).unwrap().time(512), 500_000_000);
        assert_eq!((Unit::of(20), Unit::of(0xc0)), (None, None));
        assert_eq!(Unit::of(0).unwrap().time(u64::MAX), i64::MAX);
    }

    #[test]
    fn a_direction_without_a_kind_of_reception_is_enough() {
        assert_eq!(way(0b00001), Some(Way::In));
        assert_eq!(way(0b11110), Some(Way::Out));
        assert_eq!(way(0b01001), Some(Way::Multicast));
        assert_eq!(way(0), None);
    }
}
