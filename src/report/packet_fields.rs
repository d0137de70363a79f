//! Every field of a layer, with the bits it was read from.

use super::packet::INDENT;
use super::palette::{Ink, Palette};
use super::text::{PAIRS, Text};
use crate::bytes::{Escaped, Field, Value, Verdict, hex};
use crate::capture::Packet;
use crate::dissect::Layer;

/// Most bytes of a field that are shown as they are in the frame.
const RAW_BYTES: usize = 6;
/// Most bytes of a value that has no other form than its bytes.
const VALUE_BYTES: usize = 64;
/// Widths of the columns: byte offset, bits, name.
const RAW: usize = 3 * RAW_BYTES + 3;
const NAME: usize = 29;

/// Adds a line per field: the offset of its first byte in the frame, the bits as they are there (in hex where they fill
/// hex digits, otherwise in binary, dots for bits of other fields), the name and the value.
pub(super) fn write(text: &mut Text, packet: &Packet<'_>, layer: &Layer, palette: Palette) {
    for field in packet.fields(layer) {
        let mut shown = 0;
        text.str(INDENT).str(INDENT).ink(palette, Ink::Faint, |text| {
            let offset = packet.offset(field.bits.start / 8);
            text.str(["   ", "  ", " ", ""][offset.checked_ilog10().map_or(0, |digits| digits.min(3) as usize)]);
            text.number(offset).str("  ");
            shown = raw(text, field, packet.bytes);
            text
        });
        text.fill(shown, RAW).str(field.name).fill(field.name.len(), NAME);
        value(text, field, packet.bytes);
        if let Some(verdict) = layer.checksum.filter(|_| field.name == "checksum") {
            judge(text, verdict, palette);
        }
        text.str("\n");
    }
}

/// Adds what can be said about a checksum.
fn judge(text: &mut Text, verdict: Verdict, palette: Palette) {
    let (ink, words) = match verdict {
        Verdict::Good => (Ink::Good, "good"),
        Verdict::Bad(_) => (Ink::Bad, "bad, right is 0x"),
        Verdict::ZeroMeansNone => (Ink::Faint, "zero: the sender computed none"),
        Verdict::NotFilledIn => (Ink::Faint, "not filled in yet: left to the network card"),
        Verdict::Unverifiable => (Ink::Faint, "cannot be checked: not all of what it covers is here"),
    };
    text.str("  ").ink(palette, ink, |text| {
        text.str(words);
        if let Verdict::Bad(right) = verdict {
            text.hex(right.into(), 4);
        }
        text
    });
}

/// Adds the bits and tells how many characters that took.
fn raw(text: &mut Text, field: &Field, frame: &[u8]) -> usize {
    let start = text.0.len();
    let bytes = field.bits.of(frame);
    let (first, last) = (field.bits.start % 8, 7 - (field.bits.end() + 7) % 8);
    let outside = |byte: usize, bit: u32| (byte == 0 && bit < first) || (byte + 1 == bytes.len() && bit > 7 - last);
    let in_hex = first % 4 == 0 && last % 4 == 0;
    if first == 0 && last == 0 {
        whole(text, bytes);
    }
    let parts = if first == 0 && last == 0 { &[][..] } else { bytes };
    for (at, byte) in parts.iter().enumerate().take(RAW_BYTES) {
        if at > 0 {
            text.str(" ");
        }
        if in_hex {
            for (bit, nibble) in [(0, byte >> 4), (4, byte & 0xf)] {
                if outside(at, bit) {
                    text.str(".")
                } else {
                    text.hex(nibble.into(), 1)
                };
            }
        } else {
            for bit in 0..8 {
                let set = if byte << bit & 0x80 == 0 { "0" } else { "1" };
                text.str(if outside(at, bit) { "." } else { set });
            }
        }
    }
    let shown = text.0.len() - start;
    if bytes.len() <= RAW_BYTES {
        return shown;
    }
    text.str(" …");
    shown + 2
}

/// Adds whole bytes in hex, as most fields have them.
fn whole(text: &mut Text, bytes: &[u8]) {
    let mut line = [b' '; 3 * RAW_BYTES];
    let shown = bytes.len().min(RAW_BYTES);
    for (at, byte) in bytes.iter().enumerate().take(shown) {
        [line[3 * at], line[3 * at + 1]] = PAIRS[usize::from(*byte)];
    }
    text.0.extend_from_slice(&line[..(3 * shown).saturating_sub(1)]);
}

fn value(text: &mut Text, field: &Field, frame: &[u8]) {
    let bytes = field.content(frame);
    let shown = bytes.get(..VALUE_BYTES).unwrap_or(bytes);
    if let Some(name) = field.name(frame) {
        text.name(name);
        return;
    }
    match field.value {
        Value::Number(number) => {
            text.number(number);
        }
        Value::Mac(mac) => {
            text.mac(mac);
        }
        Value::Ipv4(address) => {
            text.ipv4(address);
        }
        Value::Ipv6(address) => {
            text.ipv6(address);
        }
        Value::Text | Value::Piece { .. } => {
            text.format(format_args!("\"{}\"", Escaped(shown)));
        }
        Value::Bytes if bytes.len() <= RAW_BYTES => {}
        Value::Bytes => {
            text.format(format_args!("{}", hex::Spaced(shown)));
        }
        other => {
            text.format(format_args!("{other}"));
        }
    }
    if shown.len() < bytes.len() {
        text.str(" … ").number(bytes.len() as u64).str(" bytes");
    }
}
