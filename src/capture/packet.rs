//! A frame with everything that can be said about it: what a report prints.

use std::net::IpAddr;
use std::ops::Range;

use super::analysis::{Conversations, Finding, segment};
use super::flows::{Flows, Relative};
use super::frame::{Frame, Nanoseconds};
use super::owners::Parties;
use super::reassembly::{Fragment, Reassembly};
use crate::bytes::{Field, Fields, Silent};
use crate::dissect::{Data, Header, Layer, Origin, dissect};
use crate::internet::fragments::Counts;

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

/// Turns frames into packets, with memory that is used again for each.
#[derive(Debug, Default)]
pub struct Dissector {
    /// Whether reports want every field, not only the layers.
    want_fields: bool,
    /// Whether nobody asks for numbers relative to their connection.
    absolute: bool,
    layers: Vec<Layer>,
    fields: Fields,
    flows: Flows,
    conversations: Option<Conversations>,
    reassembly: Option<Reassembly>,
    number: u64,
    first: Option<Nanoseconds>,
    previous: Option<Nanoseconds>,
}

impl Dissector {
    /// A dissector that keeps every field when `want_fields`.
    pub fn new(want_fields: bool) -> Self {
        Dissector { want_fields, ..Dissector::default() }
    }

    /// The dissector, which leaves sequence numbers as they are: then [`Packet::relative`] is none.
    #[must_use]
    pub fn absolute(self) -> Self {
        Dissector { absolute: true, ..self }
    }

    /// The dissector, which also analyses conversations in about `memory` bytes.
    #[must_use]
    pub fn analysing(self, memory: usize) -> Self {
        Dissector { conversations: Some(Conversations::within(memory)), ..self }
    }

    /// The same with every acknowledgement timed, for those who show frames.
    #[must_use]
    pub fn timing(self, memory: usize) -> Self {
        Dissector { conversations: Some(Conversations::within(memory).timing()), ..self }
    }

    /// The dissector, which also puts fragments together.
    #[must_use]
    pub fn reassembling(self) -> Self {
        Dissector { reassembly: Some(Reassembly::default()), ..self }
    }

    /// What became of datagrams in fragments, and how many still wait for some.
    pub fn fragments(&self) -> (Counts, u64) {
        self.reassembly.as_ref().map(Reassembly::counts).unwrap_or_default()
    }

    /// The conversations so far, where they are analysed.
    pub fn conversations(&self) -> Option<&Conversations> {
        self.conversations.as_ref()
    }

    /// Reads one frame. The packet is gone when the next one is read.
    #[inline]
    pub fn read<'a>(&'a mut self, frame: Frame<'a>) -> Packet<'a> {
        let Frame { link, original_length, checksum_pending, .. } = frame;
        let origin = Origin { link, original_length, checksum_pending };
        let fragment = if self.want_fields {
            self.fields.0.clear();
            dissect(&origin, frame.bytes, &mut self.fields, &mut self.layers)
        } else {
            dissect(&origin, frame.bytes, Silent, &mut self.layers)
        };
        self.number += 1;
        let (mut bytes, mut fragments) = (frame.bytes, &[][..]);
        if let (Some(fragment), Some(reassembly)) = (fragment, &mut self.reassembly) {
            let fields = self.want_fields.then_some(&mut self.fields);
            reassembly.see(&frame, self.number, fragment, &mut self.layers, fields);
            (bytes, fragments) = (reassembly.whole(frame.bytes), &reassembly.fragments);
        }
        if self.first.is_none() {
            self.first = frame.time;
        }
        let since = |earlier: Option<Nanoseconds>| Some(frame.time?.saturating_sub(earlier?));
        let (since_first, since_previous) = (since(self.first), since(self.previous));
        self.previous = frame.time.or(self.previous);
        let mut packet = Packet {
            number: self.number,
            since_first,
            since_previous,
            frame,
            relative: if self.absolute { None } else { relative(&self.layers, &mut self.flows) },
            layers: &self.layers,
            fields: &self.fields.0,
            finding: Finding::default(),
            bytes,
            fragments,
            conversation: None,
            parties: Parties::default(),
        };
        if let Some(conversations) = &mut self.conversations
            && let Some(datagram) = segment::datagram(&packet)
        {
            packet.finding = conversations.see(&datagram, original_length.into(), frame.time);
            packet.conversation = Some(conversations.latest);
        }
        packet
    }
}

fn relative(layers: &[Layer], flows: &mut Flows) -> Option<Relative> {
    let mut ends: Option<(IpAddr, IpAddr)> = None;
    for layer in layers.iter().take_while(|layer| !layer.quoted) {
        match &layer.header {
            Header::Ipv4(ip) => ends = Some((ip.source.into(), ip.destination.into())),
            Header::Ipv6(ip) => ends = Some((ip.source.into(), ip.destination.into())),
            // A header that was cut short before its flags says nothing about the connection.
            Header::Tcp(tcp) if tcp.data_offset > 0 => {
                let (source, destination) = ends?;
                return Some(flows.relative(source, destination, tcp));
            }
            _ => {}
        }
    }
    None
}
