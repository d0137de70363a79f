//! From frames to packets.

use std::net::IpAddr;

use super::analysis::{Conversations, Finding, segment};
use super::flows::{Flows, Relative};
use super::frame::{Frame, Nanoseconds};
use super::names::Names;
use super::packet::{Packet, Parties};
use super::reassembly::Reassembly;
use crate::bytes::{Fields, Silent};
use crate::dissect::{Header, Layer, Origin, Ports, dissect_with};
use crate::internet::fragments::Counts;

/// Turns frames into packets, with memory that is used again for each.
#[derive(Debug, Default)]
pub struct Dissector {
    /// Whether reports want every field, not only the layers.
    want_fields: bool,
    /// Whether nobody asks for numbers relative to their connection.
    absolute: bool,
    ports: Ports,
    layers: Vec<Layer>,
    fields: Fields,
    flows: Flows,
    conversations: Option<Conversations>,
    reassembly: Option<Reassembly>,
    names: Option<Names>,
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

    /// The dissector, for which some ports carry something else than they usually do.
    #[must_use]
    pub fn decoding(self, ports: Ports) -> Self {
        Dissector { ports, ..self }
    }

    /// What ports carry.
    pub fn ports(&self) -> &Ports {
        &self.ports
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

    /// The dissector, which also learns what addresses are called, beyond what is known already.
    #[must_use]
    pub fn naming(self, names: Names) -> Self {
        Dissector { names: Some(names), ..self }
    }

    /// What addresses are called, where anybody wants to know.
    pub fn names(&self) -> Option<&Names> {
        self.names.as_ref()
    }

    /// The same for somebody who learns names elsewhere, or takes those that are new.
    pub fn names_mut(&mut self) -> Option<&mut Names> {
        self.names.as_mut()
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
            dissect_with(&self.ports, &origin, frame.bytes, &mut self.fields, &mut self.layers)
        } else {
            dissect_with(&self.ports, &origin, frame.bytes, Silent, &mut self.layers)
        };
        self.number += 1;
        let (mut bytes, mut fragments) = (frame.bytes, &[][..]);
        if let (Some(fragment), Some(reassembly)) = (fragment, &mut self.reassembly) {
            let fields = self.want_fields.then_some(&mut self.fields);
            reassembly.see(&frame, self.number, fragment, &self.ports, &mut self.layers, fields);
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
            names: None,
        };
        if let Some(conversations) = &mut self.conversations
            && let Some(datagram) = segment::datagram(&packet)
        {
            packet.finding = conversations.see(&datagram, original_length.into(), frame.time);
            packet.conversation = Some(conversations.latest);
        }
        if let Some(names) = &mut self.names {
            names.see(&packet);
            packet.names = Some(names);
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
