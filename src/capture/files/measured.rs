//! Writing with a count of the bytes.

use std::io::{self, Write};

/// Counts what is written.
#[derive(Debug)]
pub struct Measured<W> {
    to: W,
    bytes: u64,
}

impl<W> Measured<W> {
    /// Counts from 0.
    pub fn new(to: W) -> Self {
        Measured { to, bytes: 0 }
    }

    /// Bytes written so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl<W: Write> Write for Measured<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.bytes = self.bytes.saturating_add(written as u64);
        Ok(written)
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.to.write_all(bytes)?;
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
