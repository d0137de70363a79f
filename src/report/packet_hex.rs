//! The bytes of a layer below its line, so that every byte stands with its owner.

use super::packet::{INDENT, ink};
use super::palette::Palette;
use super::text::{PAIRS, Text};
use crate::capture::Packet;
use crate::dissect::Layer;

/// Bytes on a line.
const WIDTH: usize = 16;

/// Where the text begins behind the hex: three characters a byte, and one more space in the middle and at the end.
const TEXT: usize = 3 * WIDTH + 2;

/// Adds the layer's bytes: offset in the frame, hex, printable ASCII.
pub(super) fn write(text: &mut Text, packet: &Packet<'_>, layer: &Layer, palette: Palette) {
    let mut offset = u64::from(layer.bytes.start);
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
        line[TEXT + at] = if matches!(byte, b' '..=b'~') { *byte } else { b'.' };
    }
    line
}
