//! A frame as it was captured, live or in a file.

use crate::link::LinkType;
use crate::link::received::Way;

/// A moment: nanoseconds since 1970 (UTC), good until the year 2262.
pub type Nanoseconds = i64;

/// One captured frame. It borrows from its source and is gone when the next one is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// When it was seen; a pcapng simple packet block does not say.
    pub time: Option<Nanoseconds>,
    /// Name of the interface; empty where the file does not say. It may come from a file: escape it before printing.
    pub interface: &'a str,
    /// Which way it went, where that is known.
    pub way: Option<Way>,
    /// What its first header is.
    pub link: LinkType,
    /// What was captured of it.
    pub bytes: &'a [u8],
    /// Its length on the wire in bytes; more than `bytes` when only the start was captured.
    pub original_length: u32,
    /// The transport checksum was left to the network card and is not in the frame yet.
    pub checksum_pending: bool,
    /// What somebody wrote beside it in a pcapng file, several texts with line ends between; escape it before printing.
    pub comment: &'a str,
}

impl<'a> Frame<'a> {
    /// A whole Ethernet frame of which nothing else is known.
    pub fn ethernet(bytes: &'a [u8]) -> Self {
        let original_length = bytes.len() as u32;
        let link = LinkType::Ethernet;
        Frame {
            time: None,
            interface: "",
            way: None,
            link,
            bytes,
            original_length,
            checksum_pending: false,
            comment: "",
        }
    }
}

/// Whether two names of interfaces are the same. Those of files are often empty, and comparing nothing with nothing takes
/// `memcmp` longer than anything else: it looks at an address where nothing is.
#[inline]
pub(super) fn same_name(one: &str, other: &str) -> bool {
    one.len() == other.len() && (one.is_empty() || one == other)
}

/// Where frames come from: an interface, a file, a list.
pub trait Source {
    /// Why no further frame can be had.
    type Error;
    /// The next frame; none at the end. After an error there is no further frame.
    ///
    /// # Errors
    /// What went wrong; every frame before it was delivered.
    fn next(&mut self) -> Result<Option<Frame<'_>>, Self::Error>;
    /// Whether [`Source::next`] will answer without waiting. When it will not, what was printed so far should be flushed.
    fn ready(&self) -> bool;
}
