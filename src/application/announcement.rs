//! A header that says what follows: the name, size and digest of a file, as JSON behind its length.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::io::Read;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::frames::{self, FrameError};

/// Longest header that is read, in bytes; names are at most 255 bytes on Linux.
const LONGEST: usize = 4096;

/// What follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// Name of the file. A peer chose it: it is no path to be opened.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// SHA-256 of its bytes, in hexadecimal.
    pub digest: String,
}

/// Why a file was not received.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// The stream, or a length.
    #[error("{0}")]
    Frame(#[from] FrameError),
    /// The header is not what a header should be.
    #[error("no header: {0}")]
    Header(#[from] serde_json::Error),
    /// The peer left before the header.
    #[error("the peer left before the header")]
    Nothing,
    /// The bytes are not those that were announced.
    #[error("the digest is not the announced one")]
    Digest,
}

impl Announcement {
    /// The header of a file.
    pub fn of(name: &str, body: &[u8]) -> Self {
        Announcement { name: name.to_owned(), size: body.len() as u64, digest: digest(body) }
    }

    /// The header as it is sent: its length, then JSON.
    ///
    /// # Errors
    /// As [`frames::frame`].
    pub fn framed(&self) -> Result<Vec<u8>, ReceiveError> {
        Ok(frames::frame(&serde_json::to_vec(self)?)?)
    }

    /// Receives a header and then the file itself of at most `limit` bytes, and compares the digest.
    ///
    /// # Errors
    /// [`ReceiveError`]; a size beyond `limit` is refused before anything of the file is read.
    pub fn receive(stream: &mut impl Read, limit: usize) -> Result<(Self, Vec<u8>), ReceiveError> {
        let header = frames::read(stream, LONGEST)?.ok_or(ReceiveError::Nothing)?;
        let header: Announcement = serde_json::from_slice(&header)?;
        let length = usize::try_from(header.size).unwrap_or(usize::MAX);
        if length > limit {
            return Err(FrameError::TooLong { length, limit }.into());
        }
        let body = frames::exactly(stream, length)?;
        if digest(&body) == header.digest { Ok((header, body)) } else { Err(ReceiveError::Digest) }
    }
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(header: &Announcement, body: &[u8]) -> Vec<u8> {
        [header.framed().unwrap(), body.to_vec()].concat()
    }

    #[test]
    fn the_digest_is_that_of_the_standard() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Announcement::of("abc", b"abc").digest, abc);
    }

    #[test]
    fn a_file_arrives_with_its_name_and_nothing_of_what_follows_it() {
        let header = Announcement::of("a.txt", b"body");
        let bytes = [sent(&header, b"body"), b"next".to_vec()].concat();
        let mut stream = &bytes[..];
        assert_eq!(Announcement::receive(&mut stream, 10).unwrap(), (header, b"body".to_vec()));
        assert_eq!(stream, b"next");
    }

    #[test]
    fn a_header_that_lies_is_found_out() {
        let told = |bytes: Vec<u8>| Announcement::receive(&mut &bytes[..], 10).unwrap_err().to_string();
        let header = Announcement::of("a", b"body");
        assert_eq!(told(sent(&header, b"BODY")), "the digest is not the announced one");
        assert_eq!(told(sent(&header, b"bo")), "the peer left after 2 of 4 bytes");
        let huge = Announcement { size: u64::MAX, ..header };
        assert_eq!(told(sent(&huge, b"body")), format!("{} bytes announced, 10 are the most", u64::MAX));
        assert_eq!(told(vec![0, 0, 16, 1]), "4097 bytes announced, 4096 are the most");
        assert_eq!(told(Vec::new()), "the peer left before the header");
        assert!(told(frames::frame(b"{\"name\":").unwrap()).starts_with("no header: "));
    }
}
