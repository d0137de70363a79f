//! One frame as it stands in a capture file, whoever puts it there: the writer of the file, or whoever takes frames out of
//! the kernel for it.

use super::options::{self, MAX_OPTION, option};
use super::pcapng;
use super::write::Format;
use crate::bytes::room::Room;
use crate::capture::frame::{Frame, Nanoseconds};

/// How frames stand in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// The file's format.
    pub format: Format,
    /// The number of the frame's interface in its section; pcap knows none.
    pub interface: u32,
}

/// Bytes before those of a frame in pcap.
const PCAP_HEAD: usize = 16;

/// Puts a frame at the end of `to`. A frame without a time gets that of 1970; pcap has no place for its comment.
#[inline(always)]
#[expect(clippy::inline_always, reason = "what is known where it is called is left out")]
pub fn put(to: &mut Room, form: Form, frame: &Frame<'_>) {
    let (time, captured) = (frame.time.unwrap_or(0), frame.bytes.len() as u32);
    match form.format {
        Format::Pcap => {
            let (seconds, rest) = (time.div_euclid(1_000_000_000), time.rem_euclid(1_000_000_000));
            to.words([seconds as u32, rest as u32, captured, frame.original_length]);
            to.extend(frame.bytes);
        }
        Format::Pcapng => enhanced_packet(to, form.interface, time as u64, frame),
    }
}

/// A comment for each line, as far as an option holds it.
#[cold]
fn comments(comment: &str) -> Vec<u8> {
    let mut listed = Vec::new();
    for line in comment.lines() {
        let end = (0..=line.len().min(MAX_OPTION)).rev().find(|end| line.is_char_boundary(*end));
        option(&mut listed, options::COMMENT, line.get(..end.unwrap_or(0)).unwrap_or_default().as_bytes());
    }
    listed
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "what is known where it is called is left out")]
fn enhanced_packet(to: &mut Room, interface: u32, time: u64, frame: &Frame<'_>) {
    let flags = frame.way.and_then(|way| pcapng::WAYS.iter().find(|(_, w)| *w == way)).map(|(bits, _)| *bits);
    let padding = frame.bytes.len().wrapping_neg() & 3;
    let comments = if frame.comment.is_empty() { Vec::new() } else { comments(frame.comment) };
    let listed = comments.len().saturating_add(if flags.is_some() { 8 } else { 0 });
    let with_end = if listed > 0 { listed.saturating_add(4) } else { 0 };
    let length = frame.bytes.len().saturating_add(padding).saturating_add(32).saturating_add(with_end) as u32;
    let captured = frame.bytes.len() as u32;
    let (high, low) = ((time >> 32) as u32, time as u32);
    to.words([pcapng::ENHANCED_PACKET, length, interface, high, low, captured, frame.original_length]);
    to.extend(frame.bytes);
    to.put([0; 4], padding);
    to.extend(&comments);
    match flags {
        Some(flags) => to.words([u32::from(options::PACKET_FLAGS) | 4 << 16, flags, options::END.into(), length]),
        None if listed > 0 => to.words([options::END.into(), length]),
        None => to.words([length]),
    }
}

/// A frame in the form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// When it was seen; that of 1970 where nobody knows.
    pub time: Nanoseconds,
    /// Bytes of the frame.
    pub length: u32,
    /// What stands in the file.
    pub bytes: &'a [u8],
}

/// The frames that were [`put`] one behind the other.
pub fn each(format: Format, mut bytes: &[u8]) -> impl Iterator<Item = Record<'_>> {
    std::iter::from_fn(move || {
        let word = |at: usize| bytes.get(at..)?.first_chunk().copied().map(u32::from_le_bytes);
        let (time, length, whole) = match format {
            Format::Pcap => {
                let time = Nanoseconds::from(word(0)?).saturating_mul(1_000_000_000).saturating_add(word(4)?.into());
                (time, word(8)?, PCAP_HEAD.saturating_add(word(8)? as usize))
            }
            Format::Pcapng => {
                ((u64::from(word(12)?) << 32 | u64::from(word(16)?)) as i64, word(20)?, word(4)? as usize)
            }
        };
        let (record, rest) = bytes.split_at_checked(whole)?;
        bytes = rest;
        Some(Record { time, length, bytes: record })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::received::Way;

    #[test]
    fn frames_that_were_put_one_behind_the_other_are_found_again() {
        let frames = [(b"".as_slice(), None), (b"odd", Some(Way::In)), (b"more than four", None)];
        for format in [Format::Pcap, Format::Pcapng] {
            let (mut room, mut ends) = (Room::default(), Vec::new());
            for (bytes, way) in frames {
                let time = Some(1_700_000_000_123_456_789 + bytes.len() as i64);
                put(&mut room, Form { format, interface: 3 }, &Frame { time, way, ..Frame::ethernet(bytes) });
                ends.push(room.len());
            }
            let found: Vec<_> = each(format, room.bytes()).collect();
            assert_eq!(found.iter().map(|record| record.length as usize).collect::<Vec<_>>(), [0, 3, 14]);
            assert!(found.iter().all(|record| record.time == 1_700_000_000_123_456_789 + i64::from(record.length)));
            let sums = found.iter().scan(0, |sum, record| {
                *sum += record.bytes.len();
                Some(*sum)
            });
            assert_eq!(sums.collect::<Vec<_>>(), ends);
        }
    }
}
