//! The bytes of a layer below its line, so that every byte stands with its owner, and of a whole frame in one piece.

use super::packet::{INDENT, ink};
use super::palette::Palette;
use super::text::{PAIRS, Text};
use crate::capture::{Frame, Packet};
use crate::dissect::Layer;

/// Bytes on a line.
const WIDTH: usize = 16;

/// Where the text begins behind the hex: three characters a byte, and one more space in the middle and at the end.
const TEXT: usize = 3 * WIDTH + 2;

/// Adds the layer's bytes: offset in the frame, hex, printable ASCII.
pub(super) fn write(text: &mut Text, packet: &Packet<'_>, layer: &Layer, palette: Palette) {
    let mut offset = u64::from(packet.offset(layer.bytes.start));
    for row in packet.bytes(layer).chunks(WIDTH) {
        text.str(INDENT).str(INDENT).hex(offset, 4).str("  ");
        let line = line(row);
        text.ink(palette, ink(&layer.header), |text| {
            text.0.extend_from_slice(&line[..TEXT + row.len()]);
            text
        });
        text.str("\n");
        offset += WIDTH as u64;
    }
}

/// At most [`WIDTH`] bytes in hex and as text.
fn line(row: &[u8]) -> [u8; TEXT + WIDTH] {
    let mut line = [b' '; TEXT + WIDTH];
    for (at, byte) in row.iter().enumerate().take(WIDTH) {
        let place = 3 * at + usize::from(at >= WIDTH / 2);
        [line[place], line[place + 1]] = PAIRS[usize::from(*byte)];
        line[TEXT + at] = character(*byte);
    }
    line
}

/// Where the text begins behind the hex of two bytes a group.
const GROUPED_TEXT: usize = 5 * WIDTH / 2 + 1;

/// Adds the bytes of a frame as xxd and tcpdump show them: offset, hex in groups of two bytes, printable ASCII. Of what is
/// behind the spaces in front, `xxd -r` makes the bytes again.
pub fn dump(text: &mut Text, frame: &Frame<'_>) {
    for (offset, row) in (0u64..).step_by(WIDTH).zip(frame.bytes.chunks(WIDTH)) {
        text.str(INDENT).hex(offset, 8).str(": ");
        let mut line = [b' '; GROUPED_TEXT + WIDTH];
        for (at, byte) in row.iter().enumerate() {
            let place = 2 * at + at / 2;
            [line[place], line[place + 1]] = PAIRS[usize::from(*byte)];
            line[GROUPED_TEXT + at] = character(*byte);
        }
        text.0.extend_from_slice(&line[..GROUPED_TEXT + row.len()]);
        text.str("\n");
    }
}

/// What stands for a byte: nothing from outside that a terminal would obey.
fn character(byte: u8) -> u8 {
    if matches!(byte, b' '..=b'~') { byte } else { b'.' }
}
