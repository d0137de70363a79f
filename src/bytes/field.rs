//! What a reader writes down: one [`Field`] per value it hands out.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use super::{Codes, Mac, Name};

/// A run of bits in a frame, counted from the frame's first bit (the most significant of byte 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Bits {
    /// Offset of the first bit.
    pub start: u32,
    /// Number of bits.
    pub length: u32,
}

impl Bits {
    /// The run of `length` whole bytes from byte `start` on.
    pub const fn of_bytes(start: usize, length: usize) -> Self {
        Bits { start: (start as u32).wrapping_mul(8), length: (length as u32).wrapping_mul(8) }
    }

    /// The first bit behind the run.
    pub const fn end(self) -> u32 {
        self.start.saturating_add(self.length)
    }

    /// The bytes that the run touches.
    pub const fn bytes(self) -> Range<usize> {
        (self.start / 8) as usize..self.end().div_ceil(8) as usize
    }

    /// Those bytes of `frame`; empty where the frame does not have them.
    pub fn of(self, frame: &[u8]) -> &[u8] {
        frame.get(self.bytes()).unwrap_or_default()
    }
}

/// The value of a field, kept as data and turned into text only when a report prints it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// A count or identifier, printed in decimal.
    Number(u64),
    /// A number that may be negative, printed in decimal.
    Signed(i64),
    /// A number printed in hex with this many digits.
    Hex(u64, u8),
    /// One bit that is a yes or no.
    Flag(bool),
    /// A code point of a registry; printed with its name, in hex with this many digits (0 = decimal).
    Code(u64, Codes, u8),
    /// A length or offset counted in units of so many bytes, such as the IPv4 header length in units of four.
    Units(u64, u8),
    /// A link-layer address.
    Mac(Mac),
    /// An IPv4 address.
    Ipv4(Ipv4Addr),
    /// An IPv6 address.
    Ipv6(Ipv6Addr),
    /// Bytes without a further meaning: the value is what the field's bits cover.
    Bytes,
    /// Bytes that are text: the value is what the field's bits cover, shown escaped.
    Text,
    /// Text with separators around it: the value is what stands so many bytes behind the start of the field's bits.
    Piece {
        /// Bytes before the text.
        skip: u16,
        /// Bytes of the text.
        length: u16,
    },
    /// A name of labels; its pointers count from this byte of the frame.
    Name(u32),
}

impl Value {
    /// What the unit adds to the name of a field: counts of units are given in bytes.
    pub const fn unit(self) -> &'static str {
        match self {
            Value::Units(..) => "_bytes",
            _ => "",
        }
    }

    /// The number that programs are given: yes is 1, units are bytes. None for what is no number.
    pub fn number(self) -> Option<i128> {
        match self {
            Value::Number(n) | Value::Hex(n, _) | Value::Code(n, ..) => Some(n.into()),
            Value::Units(n, unit) => Some(i128::from(n).saturating_mul(unit.into())),
            Value::Signed(n) => Some(n.into()),
            Value::Flag(set) => Some(set.into()),
            _ => None,
        }
    }
}

/// A field's name as part of a key: letters in lower case, everything else an underscore.
pub fn snake(name: &str) -> impl Iterator<Item = u8> {
    name.bytes().map(|b| if b.is_ascii_alphanumeric() { b.to_ascii_lowercase() } else { b'_' })
}

impl fmt::Display for Value {
    /// The value alone. Bytes, texts and names need the frame and print nothing here.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Value::Number(n) => write!(f, "{n}"),
            Value::Signed(n) => write!(f, "{n}"),
            Value::Hex(n, digits) => write!(f, "0x{n:0width$x}", width = usize::from(digits)),
            Value::Flag(set) => f.write_str(if set { "1" } else { "0" }),
            Value::Code(n, codes, digits) => {
                match digits {
                    0 => write!(f, "{n}")?,
                    digits => write!(f, "0x{n:0width$x}", width = usize::from(digits))?,
                }
                codes.name(n).map_or(Ok(()), |name| write!(f, " ({name})"))
            }
            Value::Units(n, unit) => write!(f, "{n} ({} bytes)", n.saturating_mul(u64::from(unit))),
            Value::Mac(mac) => write!(f, "{mac}"),
            Value::Ipv4(address) => write!(f, "{address}"),
            Value::Ipv6(address) => write!(f, "{address}"),
            Value::Bytes | Value::Text | Value::Piece { .. } | Value::Name(_) => Ok(()),
        }
    }
}

/// One value that was read: its name, the value and the bits it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The RFC's name in lower case, words separated by spaces. In JSON and filters the spaces are underscores.
    pub name: &'static str,
    /// The value.
    pub value: Value,
    /// Where it stands in the frame.
    pub bits: Bits,
}

impl Field {
    /// The name in JSON, conditions and columns: in snake case, with the unit where the value counts units.
    pub fn key(&self) -> String {
        snake(self.name).map(char::from).chain(self.value.unit().chars()).collect()
    }

    /// The bytes of `frame` that the value stands in: for text with separators around it, the text alone.
    pub fn content<'f>(&self, frame: &'f [u8]) -> &'f [u8] {
        let bytes = self.bits.of(frame);
        match self.value {
            Value::Piece { skip, length } => {
                let start = usize::from(skip);
                bytes.get(start..start.saturating_add(length.into())).unwrap_or_default()
            }
            _ => bytes,
        }
    }

    /// The name that the value is, where it is one.
    pub fn name<'f>(&self, frame: &'f [u8]) -> Option<Name<'f>> {
        match self.value {
            Value::Name(message) => Some(Name::new(frame, self.bits.bytes().start, message as usize)),
            _ => None,
        }
    }
}

/// Somebody who is told every field a reader hands out.
pub trait Record {
    /// One field was read.
    fn field(&mut self, field: Field);
    /// How many fields were told so far; a silent recorder says 0.
    fn count(&self) -> usize;
}

/// Hears everything, keeps nothing: reading for programs costs only the reading.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Record for Silent {
    #[inline]
    fn field(&mut self, _: Field) {}
    #[inline]
    fn count(&self) -> usize {
        0
    }
}

/// Keeps every field in the order of the frame. Made once, cleared and used again for each frame.
#[derive(Clone, Debug, Default)]
pub struct Fields(pub Vec<Field>);

impl Record for Fields {
    #[inline]
    fn field(&mut self, field: Field) {
        self.0.push(field);
    }
    #[inline]
    fn count(&self) -> usize {
        self.0.len()
    }
}

impl<R: Record> Record for &mut R {
    #[inline]
    fn field(&mut self, field: Field) {
        (**self).field(field);
    }
    #[inline]
    fn count(&self) -> usize {
        (**self).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_print_with_their_names_and_units() {
        let protocols = Codes(&[(6, "TCP")]);
        assert_eq!(Value::Code(6, protocols, 0).to_string(), "6 (TCP)");
        assert_eq!(Value::Code(250, protocols, 0).to_string(), "250");
        assert_eq!(Value::Code(6, protocols, 4).to_string(), "0x0006 (TCP)");
        assert_eq!(Value::Units(5, 4).to_string(), "5 (20 bytes)");
        assert_eq!(Value::Hex(0x1c46, 4).to_string(), "0x1c46");
    }

    #[test]
    fn bits_know_the_bytes_they_touch() {
        assert_eq!(Bits { start: 4, length: 4 }.bytes(), 0..1);
        assert_eq!(Bits { start: 51, length: 13 }.bytes(), 6..8);
        assert_eq!(Bits { start: 0, length: 16 }.of(&[1]), &[] as &[u8]);
    }
}
