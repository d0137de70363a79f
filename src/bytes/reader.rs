//! Reading is recording: a cursor that hands out fields and tells a recorder each one's name, value and bits.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Bits, Codes, Field, Mac, Record, Value};

/// Why reading stopped. What was read before stays read and recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The bytes ended before the field did.
    Short {
        /// The field that could not be read.
        field: &'static str,
        /// Bytes that the field takes.
        need: usize,
        /// Bytes that were left.
        have: usize,
    },
    /// The field is there, but its value contradicts its RFC.
    Invalid {
        /// The field with the impossible value.
        field: &'static str,
        /// The value.
        value: u64,
        /// What the value would have to be.
        expected: &'static str,
    },
    /// More headers stand inside each other than are followed.
    TooDeep {
        /// Layers that were read before the rest was left alone.
        layers: usize,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Short { field, need, have } => {
                write!(f, "cut short: {field} needs {need} byte{}, {have} left", if *need == 1 { "" } else { "s" })
            }
            Fault::Invalid { field, value, expected } => {
                write!(f, "malformed: {field} is {value}, expected {expected}")
            }
            Fault::TooDeep { layers } => write!(f, "nested too deep: the rest behind {layers} layers is left unread"),
        }
    }
}

impl std::error::Error for Fault {}

/// One part of a group of bit fields that share bytes: see [`Reader::bits`].
#[derive(Clone, Copy, Debug)]
pub struct Part {
    name: &'static str,
    width: u8,
    shape: Shape,
}

#[derive(Clone, Copy, Debug)]
enum Shape {
    Number,
    Hex,
    Flag,
    Units(u8),
    Code(Codes),
}

impl Part {
    /// `width` bits printed as a decimal number.
    pub const fn number(name: &'static str, width: u8) -> Self {
        Part { name, width, shape: Shape::Number }
    }
    /// `width` bits printed in hex.
    pub const fn hex(name: &'static str, width: u8) -> Self {
        Part { name, width, shape: Shape::Hex }
    }
    /// One bit that is a yes or no.
    pub const fn flag(name: &'static str) -> Self {
        Part { name, width: 1, shape: Shape::Flag }
    }
    /// `width` bits that count units of `unit` bytes.
    pub const fn units(name: &'static str, width: u8, unit: u8) -> Self {
        Part { name, width, shape: Shape::Units(unit) }
    }
    /// `width` bits that are a code point of `codes`.
    pub const fn code(name: &'static str, width: u8, codes: Codes) -> Self {
        Part { name, width, shape: Shape::Code(codes) }
    }

    fn value(self, bits: u64) -> Value {
        match self.shape {
            Shape::Number => Value::Number(bits),
            Shape::Hex => Value::Hex(bits, self.width.div_ceil(4)),
            Shape::Flag => Value::Flag(bits != 0),
            Shape::Units(unit) => Value::Units(bits, unit),
            Shape::Code(codes) => Value::Code(bits, codes, 0),
        }
    }
}

/// A cursor over one frame. Every value it hands out is told to the recorder, with the bits it came from.
///
/// The readable window ends where the innermost length field says ([`Reader::narrow`]), never behind the frame.
///
/// **Invariant:** the recorded bits, in order, have no gap and no overlap, and reading never panics.
#[derive(Debug)]
pub struct Reader<'f, R: Record> {
    frame: &'f [u8],
    at: usize,
    end: usize,
    noted: Option<Fault>,
    recorder: R,
}

impl<'f, R: Record> Reader<'f, R> {
    /// A reader at the first byte of `frame`. Frames beyond 2^28 bytes are read up to there, so that bit offsets fit.
    pub fn new(frame: &'f [u8], recorder: R) -> Self {
        let frame = frame.get(..1 << 28).unwrap_or(frame);
        Reader { frame, at: 0, end: frame.len(), noted: None, recorder }
    }

    /// A reader at byte `at` of `frame`: what is before it was read by another.
    pub fn starting(frame: &'f [u8], at: usize, recorder: R) -> Self {
        let reader = Reader::new(frame, recorder);
        Reader { at: at.min(reader.end), ..reader }
    }

    /// Bytes left in the window.
    #[inline]
    pub fn remaining(&self) -> usize {
        self.end.saturating_sub(self.at)
    }

    /// Offset of the next byte from the start of the frame.
    #[inline]
    pub fn position(&self) -> usize {
        self.at
    }

    /// Offset of the window's end from the start of the frame.
    #[inline]
    pub fn end(&self) -> usize {
        self.end
    }

    /// Fields recorded so far.
    #[inline]
    pub fn recorded(&self) -> usize {
        self.recorder.count()
    }

    /// The bytes left in the window, without reading them: for checksums and for guesses about what follows.
    #[inline]
    pub fn peek(&self) -> &'f [u8] {
        self.frame.get(self.at..self.end).unwrap_or_default()
    }

    /// Bytes of the whole frame by their offsets, without reading them; empty where the frame has none.
    #[inline]
    pub fn frame(&self, range: std::ops::Range<usize>) -> &'f [u8] {
        self.frame.get(range).unwrap_or_default()
    }

    /// Ends the window at most `length` bytes from here, and returns the old end for [`Reader::widen`].
    /// A length beyond the window leaves it as it is.
    #[inline]
    pub fn narrow(&mut self, length: usize) -> usize {
        let old = self.end;
        self.end = self.at.saturating_add(length).min(old);
        old
    }

    /// Ends the window at `end` again, as returned by [`Reader::narrow`].
    #[inline]
    pub fn widen(&mut self, end: usize) {
        self.end = end.min(self.frame.len());
    }

    /// Remembers a fault behind which reading goes on, such as a broken option. The first one is kept.
    #[inline]
    pub fn note(&mut self, fault: Fault) {
        self.noted.get_or_insert(fault);
    }

    /// Takes the fault that was noted since the last call.
    #[inline]
    pub fn take_noted(&mut self) -> Option<Fault> {
        self.noted.take()
    }

    /// Reads an area of `length` bytes whose end is certain, such as options. A fault inside is noted and what it left
    /// unread is recorded as `rest`: reading goes on behind the area.
    ///
    /// # Errors
    /// [`Fault::Short`] for `area` when the window ends within it; what is there was read all the same.
    #[inline]
    pub fn area(
        &mut self,
        area: &'static str,
        length: usize,
        rest: &'static str,
        read: impl FnOnce(&mut Self) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let have = self.remaining();
        let end = self.narrow(length);
        let result = read(self);
        if have < length {
            return Err(Fault::Short { field: area, need: length, have });
        }
        self.rest(rest);
        self.widen(end);
        if let Err(fault) = result {
            self.note(fault);
        }
        Ok(())
    }

    #[inline]
    fn array<const N: usize>(&self, field: &'static str) -> Result<[u8; N], Fault> {
        match self.peek().first_chunk::<N>() {
            Some(bytes) => Ok(*bytes),
            None => Err(Fault::Short { field, need: N, have: self.remaining() }),
        }
    }

    #[inline]
    pub(super) fn advance(&mut self, name: &'static str, value: Value, bytes: usize) {
        let bits = Bits::of_bytes(self.at, bytes);
        self.recorder.field(Field { name, value, bits });
        self.at = self.at.saturating_add(bytes);
    }

    /// One byte, printed in decimal.
    #[inline]
    pub fn u8(&mut self, name: &'static str) -> Result<u8, Fault> {
        let [value] = self.array(name)?;
        self.advance(name, Value::Number(value.into()), 1);
        Ok(value)
    }

    /// One byte in two's complement, printed in decimal.
    #[inline]
    pub fn i8(&mut self, name: &'static str) -> Result<i8, Fault> {
        let value = i8::from_be_bytes(self.array(name)?);
        self.advance(name, Value::Signed(value.into()), 1);
        Ok(value)
    }

    /// Two bytes in network order, printed in decimal.
    #[inline]
    pub fn u16(&mut self, name: &'static str) -> Result<u16, Fault> {
        let value = u16::from_be_bytes(self.array(name)?);
        self.advance(name, Value::Number(value.into()), 2);
        Ok(value)
    }

    /// Four bytes in network order, printed in decimal.
    #[inline]
    pub fn u32(&mut self, name: &'static str) -> Result<u32, Fault> {
        let value = u32::from_be_bytes(self.array(name)?);
        self.advance(name, Value::Number(value.into()), 4);
        Ok(value)
    }

    /// Eight bytes in network order, printed in decimal.
    #[inline]
    pub fn u64(&mut self, name: &'static str) -> Result<u64, Fault> {
        let value = u64::from_be_bytes(self.array(name)?);
        self.advance(name, Value::Number(value), 8);
        Ok(value)
    }

    /// One byte, printed in hex.
    #[inline]
    pub fn hex8(&mut self, name: &'static str) -> Result<u8, Fault> {
        let [value] = self.array(name)?;
        self.advance(name, Value::Hex(value.into(), 2), 1);
        Ok(value)
    }

    /// Two bytes in network order, printed in hex.
    #[inline]
    pub fn hex16(&mut self, name: &'static str) -> Result<u16, Fault> {
        let value = u16::from_be_bytes(self.array(name)?);
        self.advance(name, Value::Hex(value.into(), 4), 2);
        Ok(value)
    }

    /// Four bytes in network order, printed in hex.
    #[inline]
    pub fn hex32(&mut self, name: &'static str) -> Result<u32, Fault> {
        let value = u32::from_be_bytes(self.array(name)?);
        self.advance(name, Value::Hex(value.into(), 8), 4);
        Ok(value)
    }

    /// Three bytes in network order, printed in decimal.
    #[inline]
    pub fn u24(&mut self, name: &'static str) -> Result<u32, Fault> {
        let [a, b, c] = self.array(name)?;
        let value = u32::from_be_bytes([0, a, b, c]);
        self.advance(name, Value::Number(value.into()), 3);
        Ok(value)
    }

    /// Eight bytes in network order, printed in hex.
    #[inline]
    pub fn hex64(&mut self, name: &'static str) -> Result<u64, Fault> {
        let value = u64::from_be_bytes(self.array(name)?);
        self.advance(name, Value::Hex(value, 16), 8);
        Ok(value)
    }

    /// One byte that is a code point, printed in decimal with its name.
    #[inline]
    pub fn code8(&mut self, name: &'static str, codes: Codes) -> Result<u8, Fault> {
        let [value] = self.array(name)?;
        self.advance(name, Value::Code(value.into(), codes, 0), 1);
        Ok(value)
    }

    /// One byte that is a code point, printed in hex with its name.
    #[inline]
    pub fn hex_code8(&mut self, name: &'static str, codes: Codes) -> Result<u8, Fault> {
        let [value] = self.array(name)?;
        self.advance(name, Value::Code(value.into(), codes, 2), 1);
        Ok(value)
    }

    /// Two bytes in network order that are a code point, printed in decimal with its name.
    #[inline]
    pub fn code16(&mut self, name: &'static str, codes: Codes) -> Result<u16, Fault> {
        let value = u16::from_be_bytes(self.array(name)?);
        self.advance(name, Value::Code(value.into(), codes, 0), 2);
        Ok(value)
    }

    /// Two bytes in network order that are a code point, printed in hex with its name.
    #[inline]
    pub fn hex_code16(&mut self, name: &'static str, codes: Codes) -> Result<u16, Fault> {
        let value = u16::from_be_bytes(self.array(name)?);
        self.advance(name, Value::Code(value.into(), codes, 4), 2);
        Ok(value)
    }

    /// Four bytes in network order that are a code point, printed in decimal with its name.
    #[inline]
    pub fn code32(&mut self, name: &'static str, codes: Codes) -> Result<u32, Fault> {
        let value = u32::from_be_bytes(self.array(name)?);
        self.advance(name, Value::Code(value.into(), codes, 0), 4);
        Ok(value)
    }

    /// Four bytes in little-endian order that are a code point, printed in decimal with its name.
    #[inline]
    pub fn code32_le(&mut self, name: &'static str, codes: Codes) -> Result<u32, Fault> {
        let value = u32::from_le_bytes(self.array(name)?);
        self.advance(name, Value::Code(value.into(), codes, 0), 4);
        Ok(value)
    }

    /// One byte that counts units of `unit` bytes.
    #[inline]
    pub fn units8(&mut self, name: &'static str, unit: u8) -> Result<u8, Fault> {
        let [value] = self.array(name)?;
        self.advance(name, Value::Units(value.into(), unit), 1);
        Ok(value)
    }

    /// A six-byte link address.
    #[inline]
    pub fn mac(&mut self, name: &'static str) -> Result<Mac, Fault> {
        let value = Mac(self.array(name)?);
        self.advance(name, Value::Mac(value), 6);
        Ok(value)
    }

    /// A four-byte IPv4 address.
    #[inline]
    pub fn ipv4(&mut self, name: &'static str) -> Result<Ipv4Addr, Fault> {
        let value = Ipv4Addr::from(self.array::<4>(name)?);
        self.advance(name, Value::Ipv4(value), 4);
        Ok(value)
    }

    /// A sixteen-byte IPv6 address.
    #[inline]
    pub fn ipv6(&mut self, name: &'static str) -> Result<Ipv6Addr, Fault> {
        let value = Ipv6Addr::from(self.array::<16>(name)?);
        self.advance(name, Value::Ipv6(value), 16);
        Ok(value)
    }

    /// `BYTES` bytes (at most eight) that hold `PARTS` bit fields, first part in the most significant bits. The widths
    /// must add up to the bytes; the compiler of a debug build and a test of each header see to it.
    #[inline]
    pub fn bits<const BYTES: usize, const PARTS: usize>(
        &mut self,
        parts: &[Part; PARTS],
    ) -> Result<[u64; PARTS], Fault> {
        let first = parts.first().map_or("", |part| part.name);
        let bytes = self.array::<BYTES>(first)?;
        let word = bytes.iter().fold(0u64, |word, byte| word << 8 | u64::from(*byte));
        let mut start = (self.at as u32).wrapping_mul(8);
        let mut left = (BYTES as u32).wrapping_mul(8);
        let mut values = [0; PARTS];
        for (part, out) in parts.iter().zip(&mut values) {
            let width = u32::from(part.width);
            left = left.wrapping_sub(width);
            let value = word.wrapping_shr(left) & u64::MAX.wrapping_shr(64u32.wrapping_sub(width));
            self.recorder.field(Field {
                name: part.name,
                value: part.value(value),
                bits: Bits { start, length: width },
            });
            start = start.wrapping_add(width);
            *out = value;
        }
        debug_assert!(left == 0, "the parts of a bit group fill its bytes");
        self.at = self.at.saturating_add(BYTES);
        Ok(values)
    }

    /// `count` bytes without a further meaning. A count of zero reads and records nothing.
    #[inline]
    pub fn bytes(&mut self, name: &'static str, count: usize) -> Result<&'f [u8], Fault> {
        self.run(name, Value::Bytes, count)
    }

    /// `count` bytes that are text, shown escaped. A count of zero reads and records nothing.
    #[inline]
    pub fn text(&mut self, name: &'static str, count: usize) -> Result<&'f [u8], Fault> {
        self.run(name, Value::Text, count)
    }

    pub(super) fn run(&mut self, name: &'static str, value: Value, count: usize) -> Result<&'f [u8], Fault> {
        let have = self.remaining();
        let bytes = self.peek().get(..count).ok_or(Fault::Short { field: name, need: count, have })?;
        if count > 0 {
            self.advance(name, value, count);
        }
        Ok(bytes)
    }

    /// Everything left in the window, which may be nothing.
    #[inline]
    pub fn rest(&mut self, name: &'static str) -> &'f [u8] {
        let bytes = self.peek();
        if !bytes.is_empty() {
            self.advance(name, Value::Bytes, bytes.len());
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Fields, Silent};
    use super::*;

    #[test]
    fn bit_groups_split_a_byte_and_tell_where_each_part_stood() {
        let mut fields = Fields::default();
        let mut reader = Reader::new(&[0x45, 0x40, 0x01], &mut fields);
        let [version, ihl] =
            reader.bits::<1, 2>(&[Part::number("version", 4), Part::units("header length", 4, 4)]).unwrap();
        let [_, df, mf, offset] = reader
            .bits::<2, 4>(&[Part::flag("reserved"), Part::flag("df"), Part::flag("mf"), Part::units("offset", 13, 8)])
            .unwrap();
        assert_eq!((version, ihl, df, mf, offset), (4, 5, 1, 0, 1));
        let starts: Vec<_> = fields.0.iter().map(|f| (f.bits.start, f.bits.length)).collect();
        assert_eq!(starts, [(0, 4), (4, 4), (8, 1), (9, 1), (10, 1), (11, 13)]);
    }

    #[test]
    fn a_missing_byte_stops_reading_and_keeps_what_was_read() {
        let mut fields = Fields::default();
        let mut reader = Reader::new(&[0, 80, 1], &mut fields);
        assert_eq!(reader.u16("source port"), Ok(80));
        assert_eq!(reader.u16("destination port"), Err(Fault::Short { field: "destination port", need: 2, have: 1 }));
        assert_eq!(reader.rest("rest"), [1]);
        assert_eq!(fields.0.len(), 2);
    }

    #[test]
    fn a_window_hides_what_is_behind_it_until_it_is_widened() {
        let mut reader = Reader::new(&[1, 2, 3, 4], Silent);
        let end = reader.narrow(2);
        assert_eq!(reader.rest("inner"), [1, 2]);
        reader.widen(end);
        assert_eq!(reader.rest("outer"), [3, 4]);
    }

    #[test]
    fn a_fault_inside_an_area_is_noted_and_reading_goes_on_behind_it() {
        let mut fields = Fields::default();
        let mut reader = Reader::new(&[1, 2, 3, 9], &mut fields);
        assert_eq!(
            reader.area("options", 3, "unread options", |r| r.u16("a").and_then(|_| r.u16("b")).map(drop)),
            Ok(())
        );
        assert_eq!(reader.take_noted(), Some(Fault::Short { field: "b", need: 2, have: 1 }));
        assert_eq!(reader.u8("behind"), Ok(9));
        assert_eq!(fields.0.iter().map(|f| f.name).collect::<Vec<_>>(), ["a", "unread options", "behind"]);
    }

    #[test]
    fn an_area_that_claims_more_than_is_there_is_read_as_far_as_it_goes() {
        let mut reader = Reader::new(&[1, 2], Silent);
        let result = reader.area("options", 4, "unread options", |r| r.u8("kind").map(drop));
        assert_eq!(result, Err(Fault::Short { field: "options", need: 4, have: 2 }));
        assert_eq!(reader.position(), 1);
    }
}
