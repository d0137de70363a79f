//! Options of pcapng blocks, and the numbers of those that are read and written here.

use super::order::Order;

/// Any block: text for people.
pub(super) const COMMENT: u16 = 1;
/// End of the list.
pub(super) const END: u16 = 0;
/// Section header: the program that wrote the file.
pub(super) const SECTION_APPLICATION: u16 = 4;
/// Section header: the operating system it ran on.
pub(super) const SECTION_SYSTEM: u16 = 3;
/// Interface description: its name.
pub(super) const INTERFACE_NAME: u16 = 2;
/// Interface description: the filter that frames had to pass, behind a byte that says what language it is in.
pub(super) const INTERFACE_FILTER: u16 = 11;
/// The language of tcpdump and libpcap.
pub(super) const LANGUAGE_OF_LIBPCAP: u8 = 0;
/// Interface description: what one unit of time is.
pub(super) const INTERFACE_TIME_UNIT: u16 = 9;
/// Interface description: the operating system.
pub(super) const INTERFACE_SYSTEM: u16 = 12;
/// Interface description: seconds to add to every time.
pub(super) const INTERFACE_TIME_OFFSET: u16 = 14;
/// Packet blocks: direction and kind of reception.
pub(super) const PACKET_FLAGS: u16 = 2;
/// Interface statistics: time of the first frame, of the last.
pub(super) const STATISTICS_START: u16 = 2;
/// See [`STATISTICS_START`].
pub(super) const STATISTICS_END: u16 = 3;
/// Interface statistics: frames that the interface itself lost.
pub(super) const STATISTICS_MISSED: u16 = 5;
/// Interface statistics: frames that passed the filter.
pub(super) const STATISTICS_ACCEPTED: u16 = 6;
/// Interface statistics: of these, frames that the operating system dropped.
pub(super) const STATISTICS_DROPPED: u16 = 7;
/// Interface statistics: frames that were delivered to the capturing program.
pub(super) const STATISTICS_DELIVERED: u16 = 8;

/// Walks over (number, value) pairs; ends at the end, at option 0 and at an option that reaches beyond the end.
pub(super) struct Options<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) order: Order,
}

impl<'a> Iterator for Options<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (head, rest) = self.bytes.split_at_checked(4)?;
        let (number, length) = (self.order.u16(head, 0), usize::from(self.order.u16(head, 2)));
        if number == END {
            return None;
        }
        let value = rest.get(..length)?;
        self.bytes = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((number, value))
    }
}

/// An option with its padding; one without a value is left out.
pub(super) fn option(block: &mut Vec<u8>, code: u16, value: &[u8]) {
    let value = value.get(..value.len().min(MAX_OPTION)).unwrap_or_default();
    if value.is_empty() {
        return;
    }
    for half in [code, value.len() as u16] {
        block.extend_from_slice(&half.to_le_bytes());
    }
    block.extend_from_slice(value);
    let padding = value.len().next_multiple_of(4).saturating_sub(value.len());
    block.resize(block.len().saturating_add(padding), 0);
}

/// Most bytes of an option's value: its length has two bytes.
pub(super) const MAX_OPTION: usize = 60_000;

/// An option whose value is a number of eight bytes.
pub(super) fn option_number(block: &mut Vec<u8>, code: u16, value: u64) {
    option(block, code, &value.to_le_bytes());
}

/// A time, whose higher half comes first in either byte order.
pub(super) fn option_halves(block: &mut Vec<u8>, code: u16, value: u64) {
    let halves = [(value >> 32) as u32, value as u32].map(u32::to_le_bytes);
    option(block, code, halves.as_flattened());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_padded_to_words_and_end_at_the_end_mark_or_where_the_bytes_do() {
        let all = |bytes| Options { bytes, order: Order::Big }.collect::<Vec<_>>();
        assert_eq!(all(&[0, 2, 0, 1, b'x', 0, 0, 0, 0, 9, 0, 1, 6]), [(2, &b"x"[..]), (9, &[6][..])]);
        assert_eq!(all(&[0, 0, 0, 0, 0, 2, 0, 0]), []);
        assert_eq!(all(&[0, 2, 0xff, 0xff, 1]), []);
    }
}
