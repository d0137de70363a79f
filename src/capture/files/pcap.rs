//! The classic format: one header, then frames (draft-ietf-opsawg-pcap).

use std::io::Read;

use super::input::Input;
use super::order::Order;
use super::{FileError, MAX_FRAME};
use crate::capture::frame::{Frame, Nanoseconds};
use crate::link::LinkType;

const HEADER_BYTES: usize = 24;

/// First word of a file with times in microseconds.
pub(super) const MICROSECONDS: u32 = 0xa1b2c3d4;
/// First word of a file with times in nanoseconds.
pub(super) const NANOSECONDS: u32 = 0xa1b23c4d;
/// First word of a variant whose frame headers have eight bytes more.
const MODIFIED: u32 = 0xa1b2cd34;

/// What the first word says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Variant {
    order: Order,
    nanoseconds_per_unit: i64,
    record_bytes: usize,
}

impl Variant {
    pub(super) fn of(magic: &[u8]) -> Option<Self> {
        [Order::Little, Order::Big].into_iter().find_map(|order| {
            let (nanoseconds_per_unit, record_bytes) = match order.u32(magic, 0) {
                MICROSECONDS => (1000, 16),
                NANOSECONDS => (1, 16),
                MODIFIED => (1000, 24),
                _ => return None,
            };
            Some(Variant { order, nanoseconds_per_unit, record_bytes })
        })
    }
}

#[derive(Debug)]
pub(super) struct Pcap {
    variant: Variant,
    link: LinkType,
}

impl Pcap {
    pub(super) fn open<R: Read>(input: &mut Input<R>, variant: Variant) -> Result<Self, FileError> {
        let header = input.peek(HEADER_BYTES)?;
        if header.len() < HEADER_BYTES {
            let have = header.len() as u64;
            return Err(FileError::Cut { what: "the file header", offset: 0, need: HEADER_BYTES as u64, have });
        }
        let major = variant.order.u16(header, 4);
        if major != 2 {
            let value = major.into();
            return Err(FileError::Invalid { what: "the major version", offset: 0, value, expected: "2" });
        }
        // The high bits tell of a frame check sequence; the link type is in the low sixteen.
        let link = LinkType::from_number(variant.order.u32(header, 20) & 0xffff);
        input.take(HEADER_BYTES);
        Ok(Pcap { variant, link })
    }

    #[inline]
    pub(super) fn next<'a, R: Read>(&self, input: &'a mut Input<R>) -> Result<Option<Frame<'a>>, FileError> {
        let Variant { order, nanoseconds_per_unit, record_bytes } = self.variant;
        let offset = input.offset();
        let header = input.peek(record_bytes)?;
        let have = header.len();
        let seconds = Nanoseconds::from(order.u32(header, 0));
        let fraction = Nanoseconds::from(order.u32(header, 4)).saturating_mul(nanoseconds_per_unit);
        let (length, original) = (order.u32(header, 8), order.u32(header, 12));
        if have == 0 {
            return Ok(None);
        }
        if have < record_bytes {
            let need = record_bytes as u64;
            return Err(FileError::Cut { what: "a frame's header", offset, need, have: have as u64 });
        }
        if length > MAX_FRAME {
            let value = length.into();
            return Err(FileError::Invalid { what: "a frame's length", offset, value, expected: "at most 16777216" });
        }
        let whole = record_bytes.saturating_add(length as usize);
        let have = input.peek(whole)?.len();
        if have < whole {
            return Err(FileError::Cut { what: "a frame", offset, need: whole as u64, have: have as u64 });
        }
        Ok(Some(Frame {
            time: Some(seconds.saturating_mul(1_000_000_000).saturating_add(fraction)),
            interface: "",
            way: None,
            link: self.link,
            bytes: input.take(whole).get(record_bytes..).unwrap_or_default(),
            original_length: original.max(length),
            checksum_pending: false,
            comment: "",
        }))
    }

    /// Whether a whole frame is here.
    #[inline]
    pub(super) fn ready(&self, here: &[u8]) -> bool {
        let Variant { order, record_bytes, .. } = self.variant;
        here.len() >= record_bytes && here.len().saturating_sub(record_bytes) >= order.u32(here, 8) as usize
    }
}
