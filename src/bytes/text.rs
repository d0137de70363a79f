//! Reading text: names of labels, and pieces of lines.

use std::ops::Range;

use super::name::{Flaw, Name};
use super::{Bits, Fault, Reader, Record, Value};

impl<'f, R: Record> Reader<'f, R> {
    /// A name of labels whose pointers count from byte `message` of the frame: see [`Name`].
    ///
    /// # Errors
    /// [`Fault::Invalid`] for a name that does not end, is too long or points forward.
    pub fn name(&mut self, field: &'static str, message: usize) -> Result<Name<'f>, Fault> {
        let (at, have) = (self.position(), self.remaining());
        let length = Name::new(self.frame(0..self.end()), at, message).length().map_err(|flaw| match flaw {
            Flaw::Short(need) => Fault::Short { field, need: need.max(have.saturating_add(1)), have },
            Flaw::Invalid(value, expected) => Fault::Invalid { field, value, expected },
        })?;
        self.advance(field, Value::Name(message as u32), length);
        Ok(Name::new(self.frame(0..self.end()), at, message))
    }

    /// `count` bytes of which those in `inner` are the text and the others separate it from what follows. A count of zero
    /// reads and records nothing.
    pub fn piece(&mut self, field: &'static str, count: usize, inner: Range<usize>) -> Result<Bits, Fault> {
        let start = self.position();
        let value = Value::Piece { skip: inner.start as u16, length: inner.len() as u16 };
        self.run(field, value, count)?;
        Ok(Bits::of_bytes(start.saturating_add(inner.start), inner.len()))
    }

    /// `count` bytes that are a decimal number in digits, with separators around.
    ///
    /// # Errors
    /// [`Fault::Invalid`] when there are no digits, or more than a number holds.
    pub fn digits(&mut self, field: &'static str, count: usize) -> Result<u64, Fault> {
        let have = self.remaining();
        let bytes = self.peek().get(..count).ok_or(Fault::Short { field, need: count, have })?;
        let number = str::from_utf8(bytes).ok().and_then(|text| text.trim().parse::<u64>().ok());
        let first = bytes.first().copied().unwrap_or(0).into();
        let number = number.ok_or(Fault::Invalid { field, value: first, expected: "decimal digits" })?;
        self.worded(field, count, number)?;
        Ok(number)
    }

    /// `count` bytes of text that mean `number`.
    pub fn worded(&mut self, field: &'static str, count: usize, number: u64) -> Result<(), Fault> {
        self.run(field, Value::Number(number), count).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Fields;
    use super::*;

    #[test]
    fn a_piece_covers_its_separators_and_means_its_inner_part() {
        let mut fields = Fields::default();
        let frame = b"GET / x";
        let mut reader = Reader::new(frame, &mut fields);
        let bits = reader.piece("method", 4, 0..3).unwrap();
        assert_eq!(bits.of(frame), b"GET");
        assert_eq!(reader.position(), 4);
        let [field] = fields.0.as_slice() else { panic!("{fields:?}") };
        assert_eq!((field.content(frame), field.bits.length), (&b"GET"[..], 32));
    }

    #[test]
    fn digits_are_a_number_with_or_without_separators() {
        let mut reader = Reader::new(b"200 x", Fields::default());
        assert_eq!(reader.digits("status", 4), Ok(200));
        let fault = Fault::Invalid { field: "status", value: b'x'.into(), expected: "decimal digits" };
        assert_eq!(reader.digits("status", 1), Err(fault));
        assert_eq!(reader.digits("status", 2), Err(Fault::Short { field: "status", need: 2, have: 1 }));
    }
}
