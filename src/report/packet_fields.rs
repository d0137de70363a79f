//! Every field of a layer, with the bits it was read from.

use super::layer::INDENT;
use super::palette::{Ink, Palette};
use super::text::{PAIRS, Text};
use crate::bytes::{Codes, Field, Value, Verdict};
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
    let start = text.len();
    let bytes = field.bits.of(frame);
    let shown = bytes.get(..RAW_BYTES).unwrap_or(bytes);
    let (first, last) = (field.bits.start % 8, 7 - (field.bits.end() + 7) % 8);
    if first == 0 && last == 0 {
        text.spaced(shown);
    } else {
        let in_hex = first % 4 == 0 && last % 4 == 0;
        for (at, byte) in shown.iter().enumerate() {
            let from = if at == 0 { 0xff >> first } else { 0xff };
            let to = if at + 1 == bytes.len() { 0xff << last } else { 0xff };
            text.str(if at > 0 { " " } else { "" });
            if in_hex {
                nibbles(text, *byte, from & to)
            } else {
                bits(text, *byte, from & to)
            };
        }
    }
    let shown = text.len() - start;
    if bytes.len() <= RAW_BYTES {
        return shown;
    }
    text.str(" …");
    shown + 2
}

/// Adds the hex digits of a byte that `mask` leaves, and dots for the others.
fn nibbles(text: &mut Text, byte: u8, mask: u8) -> &mut Text {
    let [high, low] = PAIRS[usize::from(byte)];
    text.put(
        [if mask.leading_zeros() > 3 { b'.' } else { high }, if mask.trailing_zeros() > 3 { b'.' } else { low }],
        2,
    )
}

/// Adds the bits of a byte that `mask` leaves, and dots for the others.
fn bits(text: &mut Text, byte: u8, mask: u8) -> &mut Text {
    let mut shown = [b'.'; 8];
    for (at, place) in shown.iter_mut().enumerate() {
        if mask << at & 0x80 != 0 {
            *place = b'0' + (byte << at >> 7);
        }
    }
    text.put(shown, 8)
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
        Value::Signed(number) => {
            text.signed(number);
        }
        Value::Hex(number, digits) => {
            text.str("0x").hex(number, digits.into());
        }
        Value::Flag(set) => {
            text.str(if set { "1" } else { "0" });
        }
        Value::Code(number, codes, digits) => code(text, number, codes, digits),
        Value::Units(number, unit) => {
            text.number(number).str(" (").number(number.saturating_mul(unit.into())).str(" bytes)");
        }
        Value::Text | Value::Piece { .. } => {
            text.str("\"").escaped(shown).str("\"");
        }
        Value::Bytes if bytes.len() > RAW_BYTES => {
            text.spaced(shown);
        }
        Value::Bytes | Value::Name(_) => {}
    }
    if shown.len() < bytes.len() {
        text.str(" … ").length(bytes.len() as u64);
    }
}

fn code(text: &mut Text, number: u64, codes: Codes, digits: u8) {
    match digits {
        0 => text.number(number),
        digits => text.str("0x").hex(number, digits.into()),
    };
    if let Some(name) = codes.name(number) {
        text.str(" (").str(name).str(")");
    }
}
