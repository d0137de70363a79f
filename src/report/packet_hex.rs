//! The bytes of a layer below its line, so that every byte stands with its owner, and of a whole frame in one piece.

use super::layer::{INDENT, ink};
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
        text.ink(palette, ink(&layer.header), |text| line(text, row));
        text.str("\n");
        offset += WIDTH as u64;
    }
}

/// Adds at most [`WIDTH`] bytes in hex and as text.
fn line<'t>(text: &'t mut Text, row: &[u8]) -> &'t mut Text {
    let Some(slot) = text.slot::<{ TEXT + WIDTH }>() else { return text };
    if row.len() < WIDTH {
        slot.fill(b' ');
    }
    let (left, right) = row.split_at(row.len().min(WIDTH / 2));
    let (hex, shown) = slot.split_at_mut(TEXT);
    let (hex_left, hex_right) = hex.split_at_mut(TEXT / 2);
    for (hex, bytes) in [(hex_left, left), (hex_right, right)] {
        let (places, middle) = hex.as_chunks_mut();
        for (place, byte) in places.iter_mut().zip(bytes) {
            let [high, low] = PAIRS[usize::from(*byte)];
            *place = [high, low, b' '];
        }
        if let [middle] = middle {
            *middle = b' ';
        }
    }
    for (place, byte) in shown.iter_mut().zip(row) {
        *place = character(*byte);
    }
    text.advance(TEXT + row.len())
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
        text.raw(&line[..GROUPED_TEXT + row.len()]);
        text.str("\n");
    }
}

/// What stands for each byte: nothing from outside that a terminal would obey.
static CHARACTERS: [u8; 256] = {
    let mut characters = [b'.'; 256];
    let mut byte = b' ';
    while byte <= b'~' {
        characters[byte as usize] = byte;
        byte += 1;
    }
    characters
};

fn character(byte: u8) -> u8 {
    CHARACTERS[usize::from(byte)]
}
