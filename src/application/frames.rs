//! Messages on a byte stream: each behind its length, four bytes in network byte order.
//!
//! **Invariant:** no more is kept than was received, and never more than the reader's limit: a length that a peer only
//! announces reserves nothing.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::io::{self, Read, Write};

/// Bytes of the length in front of a message.
pub const PREFIX_BYTES: usize = 4;

/// Why there is no message.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The peer left in the middle.
    #[error("the peer left after {have} of {need} bytes")]
    Cut {
        /// Bytes of the length or of the message that were to come.
        need: usize,
        /// Bytes that came.
        have: usize,
    },
    /// More was announced than the reader takes, or than a length can say.
    #[error("{length} bytes announced, {limit} are the most")]
    TooLong {
        /// The length of the message, in bytes.
        length: usize,
        /// The most that is taken, in bytes.
        limit: usize,
    },
    /// The stream failed.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// A message with its length in front, ready to be sent.
///
/// # Errors
/// [`FrameError::TooLong`] from 4 GiB on.
pub fn frame(message: &[u8]) -> Result<Vec<u8>, FrameError> {
    let too_long = |_| FrameError::TooLong { length: message.len(), limit: u32::MAX as usize };
    let length = u32::try_from(message.len()).map_err(too_long)?;
    Ok([&length.to_be_bytes(), message].concat())
}

/// Sends a message.
///
/// # Errors
/// As [`frame`], and what the stream refused.
pub fn write(stream: &mut impl Write, message: &[u8]) -> Result<(), FrameError> {
    Ok(stream.write_all(&frame(message)?)?)
}

/// Receives the next message of at most `limit` bytes, however many pieces it comes in; none when the peer left between
/// two messages.
///
/// # Errors
/// [`FrameError::TooLong`] as soon as the length is known, [`FrameError::Cut`], and what the stream refused.
pub fn read(stream: &mut impl Read, limit: usize) -> Result<Option<Vec<u8>>, FrameError> {
    let prefix = up_to(stream, PREFIX_BYTES)?;
    if prefix.is_empty() {
        return Ok(None);
    }
    let cut = |have| FrameError::Cut { need: PREFIX_BYTES, have };
    let prefix = <[u8; PREFIX_BYTES]>::try_from(prefix).map_err(|prefix| cut(prefix.len()))?;
    let length = usize::try_from(u32::from_be_bytes(prefix)).unwrap_or(usize::MAX);
    if length > limit {
        return Err(FrameError::TooLong { length, limit });
    }
    exactly(stream, length).map(Some)
}

/// Receives exactly `need` bytes, which the caller has checked against a limit.
///
/// # Errors
/// [`FrameError::Cut`], and what the stream refused.
pub fn exactly(stream: &mut impl Read, need: usize) -> Result<Vec<u8>, FrameError> {
    let bytes = up_to(stream, need)?;
    if bytes.len() < need { Err(FrameError::Cut { need, have: bytes.len() }) } else { Ok(bytes) }
}

/// Up to `most` bytes: fewer when the peer leaves. Room grows with what arrives.
fn up_to(stream: &mut impl Read, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stream.take(u64::try_from(most).unwrap_or(u64::MAX)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stream that gives its bytes in pieces, as TCP may.
    struct Dribble<'a>(&'a [u8], usize);

    impl Read for Dribble<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = self.1.min(buffer.len());
            self.0.read(&mut buffer[..length])
        }
    }

    fn stream(messages: &[&[u8]]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for message in messages {
            write(&mut bytes, message).unwrap();
        }
        bytes
    }

    #[test]
    fn messages_come_back_whole_whatever_pieces_the_stream_is_in() {
        let messages: [&[u8]; 4] = [b"hello", b"", &[7; 3000], "你好".as_bytes()];
        let bytes = stream(&messages);
        for piece in [1, 2, 3, 5, 1000, 10_000] {
            let mut dribble = Dribble(&bytes, piece);
            for message in messages {
                assert_eq!(read(&mut dribble, 3000).unwrap().unwrap(), message);
            }
            assert!(read(&mut dribble, 3000).unwrap().is_none());
        }
    }

    #[test]
    fn a_peer_that_leaves_in_the_middle_is_told_wherever_it_leaves() {
        let bytes = stream(&[b"hello"]);
        for end in 1..bytes.len() {
            let error = read(&mut Dribble(&bytes[..end], 2), 100).unwrap_err();
            let expected = if end < 4 { (4, end) } else { (5, end - 4) };
            assert!(matches!(error, FrameError::Cut { need, have } if (need, have) == expected), "{end}: {error}");
        }
    }

    #[test]
    fn a_length_beyond_the_limit_is_refused_before_anything_is_read_or_reserved() {
        let mut liar: &[u8] = &[0xff, 0xff, 0xff, 0xff, 1, 2, 3];
        let error = read(&mut liar, 1000).unwrap_err();
        assert_eq!(error.to_string(), "4294967295 bytes announced, 1000 are the most");
        assert_eq!(liar, [1, 2, 3]);
        let mut at_the_limit = &stream(&[&[1; 10]])[..];
        assert_eq!(read(&mut at_the_limit, 10).unwrap().unwrap().len(), 10);
    }

    #[test]
    fn a_length_that_is_only_announced_reserves_nothing() {
        let mut liar: &[u8] = &[0x7f, 0xff, 0xff, 0xff, 1, 2, 3];
        let error = read(&mut liar, usize::MAX).unwrap_err();
        assert!(matches!(error, FrameError::Cut { need: 0x7fff_ffff, have: 3 }));
    }
}
