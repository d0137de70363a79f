//! The bytes of a layer below its line, so that every byte stands with its owner.

use super::packet::{INDENT, ink};
use super::palette::Palette;
use super::text::Text;
use crate::capture::Packet;
use crate::dissect::Layer;

/// Bytes on a line.
const WIDTH: usize = 16;

/// Adds the layer's bytes: offset in the frame, hex, printable ASCII.
pub(super) fn write(text: &mut Text, packet: &Packet<'_>, layer: &Layer, palette: Palette) {
    let mut offset = u64::from(layer.bytes.start);
    for row in packet.bytes(layer).chunks(WIDTH) {
        text.str(INDENT).str(INDENT).hex(offset, 4).str("  ");
        text.ink(palette, ink(&layer.header), |text| {
            for at in 0..WIDTH {
                match row.get(at) {
                    Some(byte) => text.hex((*byte).into(), 2),
                    None => text.str("  "),
                };
                text.str(if at == WIDTH / 2 - 1 { "  " } else { " " });
            }
            text.str(" ");
            text.0.extend(row.iter().map(|byte| if matches!(byte, b' '..=b'~') { *byte } else { b'.' }));
            text
        });
        text.str("\n");
        offset += WIDTH as u64;
    }
}
