//! A frame with everything that can be said about it: what a report prints.

use std::net::IpAddr;

use super::analysis::{Conversations, Finding, segment};
use super::flows::{Flows, Relative};
use super::frame::{Frame, Nanoseconds};
use crate::bytes::{Field, Fields, Silent};
use crate::dissect::{Data, Header, Layer, Origin, dissect};

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
}

impl<'a> Packet<'a> {
    /// The bytes of a layer.
    pub fn bytes(&self, layer: &Layer) -> &'a [u8] {
        self.frame.bytes.get(layer.bytes.start as usize..layer.bytes.end as usize).unwrap_or_default()
    }

    /// What the layer of this header carries, as far as it was captured: the layers inside it, without padding and such.
    pub fn carried(&self, layer: &Layer) -> &'a [u8] {
        let outside = |header: &Header| matches!(header, Header::Data(Data::Padding | Data::Trailer | Data::Surplus));
        let mut inside =
            self.layers.iter().filter(|other| other.bytes.start >= layer.bytes.end && !outside(&other.header));
        let end = inside.next_back().map_or(layer.bytes.end, |last| last.bytes.end);
        self.frame.bytes.get(layer.bytes.end as usize..end as usize).unwrap_or_default()
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
    layers: Vec<Layer>,
    fields: Fields,
    flows: Flows,
    conversations: Option<Conversations>,
    number: u64,
    first: Option<Nanoseconds>,
    previous: Option<Nanoseconds>,
}

impl Dissector {
    /// A dissector that keeps every field when `want_fields`.
    pub fn new(want_fields: bool) -> Self {
        Dissector { want_fields, ..Dissector::default() }
    }

    /// The dissector, which also analyses conversations in about `memory` bytes.
    #[must_use]
    pub fn analysing(self, memory: usize) -> Self {
        Dissector { conversations: Some(Conversations::within(memory)), ..self }
    }

    /// The conversations so far, where they are analysed.
    pub fn conversations(&self) -> Option<&Conversations> {
        self.conversations.as_ref()
    }

    /// Reads one frame. The packet is gone when the next one is read.
    pub fn read<'a>(&'a mut self, frame: Frame<'a>) -> Packet<'a> {
        let Frame { link, original_length, checksum_pending, .. } = frame;
        let origin = Origin { link, original_length, checksum_pending };
        if self.want_fields {
            self.fields.0.clear();
            dissect(&origin, frame.bytes, &mut self.fields, &mut self.layers);
        } else {
            dissect(&origin, frame.bytes, Silent, &mut self.layers);
        }
        self.number += 1;
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
            relative: relative(&self.layers, &mut self.flows),
            layers: &self.layers,
            fields: &self.fields.0,
            finding: Finding::default(),
        };
        if let Some(conversations) = &mut self.conversations
            && let Some(datagram) = segment::datagram(&packet)
        {
            packet.finding = conversations.see(&datagram, original_length.into(), frame.time);
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
