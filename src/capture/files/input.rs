//! Bytes of a file or pipe in pieces, with bounded memory.

use std::io::{self, Read};

/// Bytes read at once.
const CHUNK: usize = 256 << 10;

/// A window onto a stream: peek at the next bytes, take them, skip them.
///
/// **Invariant:** memory grows with what has arrived, never with what was announced.
#[derive(Debug)]
pub(super) struct Input<R> {
    from: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    offset: u64,
}

impl<R: Read> Input<R> {
    pub(super) fn new(from: R) -> Self {
        Input { from, buffer: vec![0; CHUNK], start: 0, end: 0, offset: 0 }
    }

    /// Offset in the stream of the next byte.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// What is already here.
    pub(super) fn here(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// The next `want` bytes, or what there is of them when the stream ends before. They are not taken.
    #[inline]
    pub(super) fn peek(&mut self, want: usize) -> io::Result<&[u8]> {
        if self.here().len() < want {
            self.fill(want)?;
        }
        let here = self.here();
        Ok(here.get(..want).unwrap_or(here))
    }

    fn fill(&mut self, want: usize) -> io::Result<()> {
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end.saturating_sub(self.start));
        while self.end < want {
            if self.end == self.buffer.len() {
                self.buffer.resize(self.end.saturating_mul(2), 0);
            }
            match self.from.read(self.buffer.get_mut(self.end..).unwrap_or_default()) {
                Ok(0) => break,
                Ok(count) => self.end = self.end.saturating_add(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Takes `count` bytes that were peeked at; they stay readable until the next peek.
    #[inline]
    pub(super) fn take(&mut self, count: usize) -> &[u8] {
        let from = self.start;
        self.start = from.saturating_add(count).min(self.end);
        self.offset = self.offset.saturating_add(self.start.saturating_sub(from) as u64);
        self.buffer.get(from..self.start).unwrap_or_default()
    }

    /// Takes `count` bytes without keeping them, and tells how many there were.
    pub(super) fn skip(&mut self, count: u64) -> io::Result<u64> {
        let mut left = count;
        while left > 0 {
            let step = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
            let have = self.peek(step)?.len();
            self.take(have);
            left = left.saturating_sub(have as u64);
            if have < step {
                break;
            }
        }
        Ok(count.saturating_sub(left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time.
    struct Drip<'a>(&'a [u8]);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let (Some((first, rest)), Some(slot)) = (self.0.split_first(), buffer.first_mut()) else { return Ok(0) };
            *slot = *first;
            self.0 = rest;
            Ok(1)
        }
    }

    #[test]
    fn a_stream_that_drips_is_put_together() {
        let mut input = Input::new(Drip(b"abcdef"));
        assert_eq!(input.peek(2).unwrap(), b"ab");
        assert_eq!(input.take(2), b"ab");
        assert_eq!(input.peek(9).unwrap(), b"cdef");
        assert_eq!(input.skip(3).unwrap(), 3);
        assert_eq!(input.offset(), 5);
        assert_eq!(input.skip(3).unwrap(), 1);
    }

    #[test]
    fn memory_grows_with_what_arrives_and_not_with_what_is_asked_for() {
        let mut input = Input::new(&[1u8; 100][..]);
        assert_eq!(input.peek(1 << 40).unwrap().len(), 100);
        assert_eq!(input.buffer.len(), CHUNK);
    }
}
