//! The fragment of a datagram in a frame, and the datagram once it is whole.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::net::IpAddr;
use std::ops::Range;

use super::network::Network;
use super::{Kind, Layer, Ports, Walk};
use crate::bytes::{Reader, Record};
use crate::internet::icmp::Version;
use crate::internet::{Fragment, Ipv4};

/// A fragment in a frame.
#[derive(Clone, Debug)]
pub struct Fragmented {
    /// Which layer says so: the IPv4 or the fragment header.
    pub layer: usize,
    /// Version of the datagram.
    pub version: Version,
    /// The number that its fragments share.
    pub identification: u32,
    /// What follows, as this header says.
    pub protocol: u8,
    /// Where the fragment belongs in the datagram's payload, in bytes.
    pub offset: u16,
    /// It is not the last.
    pub more: bool,
    /// Bytes of the headers that count in the datagram's length.
    pub before: u32,
    /// Where its bytes are in the frame.
    pub payload: Range<usize>,
    /// The capture kept all of them.
    pub kept: bool,
    network: Network,
}

impl Fragmented {
    /// Source and destination of the datagram.
    pub fn ends(&self, layers: &[Layer]) -> Option<(IpAddr, IpAddr)> {
        use super::Header::{Ipv4, Ipv6};
        layers.get(..=self.layer)?.iter().rev().find_map(|layer| match &layer.header {
            Ipv4(ip) => Some((ip.source.into(), ip.destination.into())),
            Ipv6(ip) => Some((ip.source.into(), ip.destination.into())),
            _ => None,
        })
    }
}

/// Reads what a whole datagram carries: the bytes of `bytes` from `at` on, of this `protocol`. Layers and fields are added
/// to those that are there. What it tells is the fragment of another datagram in this one.
pub fn dissect_whole<R: Record>(
    ports: &Ports,
    fragment: &Fragmented,
    protocol: u8,
    bytes: &[u8],
    at: usize,
    recorder: R,
    layers: &mut Vec<Layer>,
) -> Option<Box<Fragmented>> {
    let mut walk = Walk {
        reader: Reader::starting(bytes, at, recorder),
        layers,
        ports,
        pending: false,
        cut: false,
        missing: 0,
        quoted: false,
        reading: Kind::Header,
        network: fragment.network.whole(),
        fragmented: None,
    };
    walk.protocol(protocol);
    walk.fragmented
}

impl<R: Record> Walk<'_, '_, R> {
    /// Remembers the fragment whose header was the last to be read.
    #[cold]
    pub(super) fn fragmented_v4(&mut self, ip: &Ipv4) {
        let (identification, before) = (u32::from(ip.identification), u32::from(ip.header_length));
        self.note(Version::V4, identification, ip.protocol, (ip.fragment_offset, ip.more_fragments), before);
    }

    /// The same for a fragment header; the extension headers before it count in the length.
    #[cold]
    pub(super) fn fragmented_v6(&mut self, header: Fragment) {
        let is_extension = |layer: &&Layer| !matches!(layer.header, super::Header::Ipv6(_));
        let own = self.layers.len().saturating_sub(1);
        let extensions = self.layers.get(..own).unwrap_or_default().iter().rev().take_while(is_extension);
        let before = extensions.map(|layer| layer.bytes.end.saturating_sub(layer.bytes.start)).sum();
        let place = (header.fragment_offset, header.more_fragments);
        self.note(Version::V6, header.identification, header.next_header, place, before);
    }

    fn note(&mut self, version: Version, identification: u32, protocol: u8, place: (u16, bool), before: u32) {
        if self.quoted || self.fragmented.is_some() {
            return;
        }
        let start = self.reader.position();
        self.fragmented = Some(Box::new(Fragmented {
            layer: self.layers.len().saturating_sub(1),
            version,
            identification,
            protocol,
            offset: place.0,
            more: place.1,
            before,
            payload: start..start.saturating_add(self.reader.remaining()),
            kept: self.missing == 0,
            network: self.network,
        }));
    }
}
