//! A frame with everything that can be said about it: what a report prints.

use std::ops::Range;

use super::analysis::Finding;
use super::flows::Relative;
use super::frame::{Frame, Nanoseconds};
use super::names::Names;
use super::reassembly::Fragment;
use crate::bytes::Field;
use crate::dissect::{Data, Header, Layer};
use crate::kernel::process::Process;

/// A frame, its place among those before it, and its layers.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// Counts from 1.
    pub number: u64,
    /// Nanoseconds since the first frame that had a time; negative when the clock was set back.
    pub since_first: Option<Nanoseconds>,
    /// Nanoseconds since the frame before.
    pub since_previous: Option<Nanoseconds>,
    /// The frame itself.
    pub frame: Frame<'a>,
    /// Its layers.
    pub layers: &'a [Layer],
    /// The fields of its layers; empty where they were not asked for.
    pub fields: &'a [Field],
    /// The numbers of the first TCP header that is not quoted, relative to its connection.
    pub relative: Option<Relative>,
    /// What the analysis notes about its segment; nothing where none was asked for.
    pub finding: Finding,
    /// What the offsets of layers and fields count in: the frame, and behind it what its fragments made whole.
    pub bytes: &'a [u8],
    /// The fragments in it; none where datagrams are not put together.
    pub fragments: &'a [Fragment],
    /// The number of its conversation, where they are analysed and it belongs to one.
    pub conversation: Option<u64>,
    /// The processes that it comes from and goes to; none where nobody was asked.
    pub parties: Parties<'a>,
    /// What addresses are called; none where nobody wants names.
    pub names: Option<&'a Names>,
}

impl<'a> Packet<'a> {
    /// The bytes of a layer.
    pub fn bytes(&self, layer: &Layer) -> &'a [u8] {
        self.bytes.get(layer.bytes.start as usize..layer.bytes.end as usize).unwrap_or_default()
    }

    /// What the layer of this header carries, as far as it was captured: the layers inside it, without padding and such.
    pub fn carried(&self, layer: &Layer) -> &'a [u8] {
        let outside = |header: &Header| matches!(header, Header::Data(Data::Padding | Data::Trailer | Data::Surplus));
        let mut inside =
            self.layers.iter().filter(|other| other.bytes.start >= layer.bytes.end && !outside(&other.header));
        let end = inside.next_back().map_or(layer.bytes.end, |last| last.bytes.end);
        self.bytes.get(layer.bytes.end as usize..end as usize).unwrap_or_default()
    }

    /// The bytes of the whole datagram that byte `at` stands in; none where it stands in the frame itself.
    pub fn whole(&self, at: u32) -> Option<Range<u32>> {
        if (at as usize) < self.frame.bytes.len() {
            return None;
        }
        let mut wholes = self.fragments.iter().map(|fragment| &fragment.whole);
        wholes.rfind(|whole| whole.start <= at && !whole.is_empty()).cloned()
    }

    /// The offset of byte `at` in the frame, or in the whole datagram that it stands in.
    pub fn offset(&self, at: u32) -> u32 {
        at.saturating_sub(self.whole(at).map_or(0, |whole| whole.start))
    }

    /// The fragment that a layer says the frame is.
    #[inline]
    pub fn fragment(&self, layer: &Layer) -> Option<&'a Fragment> {
        let says = |fragment: &&Fragment| self.layers.get(fragment.layer).is_some_and(|own| own.bytes == layer.bytes);
        self.fragments.iter().find(says)
    }

    /// The fragment that completed the datagram which begins with a layer.
    #[inline]
    pub fn made_whole(&self, layer: &Layer) -> Option<&'a Fragment> {
        let begins = |fragment: &&Fragment| fragment.completes() && fragment.whole.start == layer.bytes.start;
        self.fragments.iter().find(begins)
    }

    /// Whether a layer is only a piece of what is shown whole.
    pub fn is_put_together(&self, layer: &Layer) -> bool {
        self.fragments.iter().any(|fragment| fragment.completes() && fragment.payload(self.layers) == layer.bytes)
    }

    /// The fields of a layer.
    pub fn fields(&self, layer: &Layer) -> &'a [Field] {
        self.fields.get(layer.fields.start as usize..layer.fields.end as usize).unwrap_or_default()
    }
}

/// The processes at both ends of a frame's way: none where the end is not on this machine, an empty list where nobody knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parties<'a> {
    /// Those that sent it.
    pub source: Option<&'a [Process]>,
    /// Those that it is for.
    pub destination: Option<&'a [Process]>,
}
