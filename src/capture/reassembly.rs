//! Fragments in frames, and the datagrams that they make: what the completing frame shows is the whole.
//!
//! The bytes of a whole datagram are put behind those of its frame, and its layers behind the frame's. So offsets count
//! on, and whoever prints a layer need not know where its bytes came from.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::ops::Range;

use super::frame::Frame;
use crate::bytes::{Bits, Field, Fields, Record, Silent, Value};
use crate::dissect::{Data, Fragmented, Header, Layer, Ports, dissect_whole};
use crate::internet::fragments::{Assembler, Counts, Key, Piece, Refusal, State, Taken};
use crate::internet::icmp::Version;
use crate::link::received::Way;

/// Datagrams inside each other that are put together in one frame.
const DEPTH: usize = 4;

/// A fragment in a packet, and what became of its datagram.
#[derive(Clone, Debug)]
pub struct Fragment {
    /// Index of the layer that says that it is one: the IPv4 or the fragment header.
    pub layer: usize,
    /// Version of the datagram.
    pub version: Version,
    /// The number that the datagram's fragments share.
    pub identification: u32,
    /// The bytes of the datagram that it brings.
    pub bytes: Range<u32>,
    /// What became of it.
    pub taken: Taken,
    /// Of a whole datagram: where its bytes are, behind those of the frame.
    pub whole: Range<u32>,
}

impl Fragment {
    /// Whether the datagram is whole with it.
    pub fn completes(&self) -> bool {
        self.taken.state == State::Whole
    }

    /// Where its bytes are among those of the packet, as far as its layers tell.
    pub fn payload(&self, layers: &[Layer]) -> Range<u32> {
        layers.get(self.layer.saturating_add(1)).map_or(0..0, |layer| layer.bytes.clone())
    }

    /// Every word for a state.
    pub const WORDS: [&str; 4] = ["waiting", "whole", "repeated", "refused"];

    /// The state as a word.
    pub fn word(&self) -> &'static str {
        match self.taken.state {
            State::Waiting { .. } => Self::WORDS[0],
            State::Whole => Self::WORDS[1],
            State::Repeated(_) => Self::WORDS[2],
            State::Refused(_) => Self::WORDS[3],
        }
    }
}

/// What is needed to put datagrams together, used again for every frame.
#[derive(Debug, Default)]
pub(super) struct Reassembly {
    assembler: Assembler,
    /// Makes numbers of places. It is another in every run: nobody can make up two places with one number.
    places: RandomState,
    /// A frame with the datagrams that it completes behind it.
    pub bytes: Vec<u8>,
    /// The fragments of the packet.
    pub fragments: Vec<Fragment>,
}

impl Reassembly {
    pub fn counts(&self) -> (Counts, u64) {
        (self.assembler.counts(), self.assembler.waiting())
    }

    /// The frame and what it completes.
    pub fn whole<'a>(&'a self, frame: &'a [u8]) -> &'a [u8] {
        if self.fragments.iter().any(Fragment::completes) { &self.bytes } else { frame }
    }

    /// Takes in the fragment that was found in a frame, and reads what it makes whole.
    #[cold]
    pub fn see(
        &mut self,
        frame: &Frame<'_>,
        number: u64,
        found: Box<Fragmented>,
        ports: &Ports,
        layers: &mut Vec<Layer>,
        mut fields: Option<&mut Fields>,
    ) {
        self.fragments.clear();
        self.bytes.clear();
        self.bytes.extend_from_slice(frame.bytes);
        let mut next = Some(found);
        while let Some(found) = next.take().filter(|_| self.fragments.len() < DEPTH) {
            let Some(fragment) = self.take(frame, number, &found, layers) else { return };
            let (completes, protocol, at) =
                (fragment.completes(), fragment.taken.protocol, fragment.whole.start as usize);
            self.fragments.push(fragment);
            if !completes {
                return;
            }
            close(&found, layers, fields.as_deref_mut());
            next = match &mut fields {
                Some(fields) => dissect_whole(ports, &found, protocol, &self.bytes, at, &mut **fields, layers),
                None => dissect_whole(ports, &found, protocol, &self.bytes, at, Silent, layers),
            };
        }
    }

    fn take(&mut self, frame: &Frame<'_>, number: u64, found: &Fragmented, layers: &[Layer]) -> Option<Fragment> {
        let (source, destination) = found.ends(layers)?;
        let own = found.payload.clone();
        let offset = u32::from(found.offset);
        let bytes = self.bytes.get(own)?.to_vec();
        let protocol = if found.version == Version::V4 { found.protocol } else { 0 };
        let place = self.place(frame, layers.get(..found.layer)?);
        let key = Key { source, destination, identification: found.identification, protocol, place };
        let (protocol, before, more) = (found.protocol, found.before, found.more);
        let piece = Piece { key, protocol, before, offset, more, bytes: &bytes };
        let start = self.bytes.len() as u32;
        let taken = if found.kept {
            self.assembler.take(&piece, number, frame.time, &mut self.bytes)
        } else {
            self.assembler.refuse(Refusal::Cut)
        };
        Some(Fragment {
            layer: found.layer,
            version: found.version,
            identification: found.identification,
            bytes: offset..offset.saturating_add(bytes.len() as u32),
            taken,
            whole: start..self.bytes.len() as u32,
        })
    }

    /// Where a datagram was seen: on which interface, and in which VLAN, session and tunnel. Datagrams in different tunnels may
    /// have the same addresses and numbers.
    fn place(&self, frame: &Frame<'_>, outside: &[Layer]) -> u64 {
        let mut hasher = self.places.build_hasher();
        (frame.interface, frame.way.map(Way::word)).hash(&mut hasher);
        for layer in outside {
            std::mem::discriminant(&layer.header).hash(&mut hasher);
            match &layer.header {
                Header::Vlan(vlan) => vlan.identifier.hash(&mut hasher),
                Header::Mpls(mpls) => mpls.label.hash(&mut hasher),
                Header::Pppoe(pppoe) => pppoe.session.hash(&mut hasher),
                Header::Ipv4(ip) => (ip.source, ip.destination).hash(&mut hasher),
                Header::Ipv6(ip) => (ip.source, ip.destination).hash(&mut hasher),
                Header::Gre(gre) => gre.tunnel().hash(&mut hasher),
                _ => {}
            }
        }
        hasher.finish()
    }
}

/// What the fragment was taken for alone makes room for its bytes: the headers in it are read in the whole.
fn close(found: &Fragmented, layers: &mut Vec<Layer>, fields: Option<&mut Fields>) {
    let first = found.layer.saturating_add(1);
    let Some(header) = layers.get(found.layer) else { return };
    let start = header.fields.end;
    let inside = layers.iter().skip(first).take_while(|layer| (layer.bytes.start as usize) < found.payload.end).count();
    let behind = first.saturating_add(inside);
    let all = fields.as_ref().map_or(0, |fields| fields.count() as u32);
    let end = layers.get(behind).map_or(all, |layer| layer.fields.start);
    let mut payload = Layer {
        header: Header::Data(Data::FragmentPayload),
        bytes: found.payload.start as u32..found.payload.end as u32,
        fields: start..start,
        quoted: false,
        checksum: None,
        fault: None,
        note: None,
    };
    let next = start.saturating_add(1);
    if let Some(fields) = fields {
        let name = Data::FragmentPayload.field_name();
        let bits = Bits::of_bytes(found.payload.start, found.payload.len());
        fields.0.splice(start as usize..end as usize, [Field { name, value: Value::Bytes, bits }]);
        payload.fields.end = next;
        for layer in layers.iter_mut().skip(behind) {
            let moved = |at: u32| at.saturating_add(next).saturating_sub(end);
            layer.fields = moved(layer.fields.start)..moved(layer.fields.end);
        }
    }
    layers.splice(first..behind, [payload]);
}
