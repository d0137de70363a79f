//! What each header of the transport layer hands on to.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::{Data, Header, Length, Walk};
use crate::bytes::{Fault, Record, Verdict};
use crate::internet::icmp::Version;
use crate::internet::protocols;
use crate::transport::{Tcp, Udp, udp};

impl<R: Record> Walk<'_, '_, R> {
    pub(super) fn tcp(&mut self) {
        let segment = self.reader.peek();
        if let Some(tcp) = self.header(Header::Tcp, Tcp::read) {
            let verdict = self.transport_verdict(protocols::TCP, segment, segment.len(), tcp.checksum);
            self.verdict(verdict);
            self.segment_payload([tcp.destination, tcp.source]);
        }
    }

    pub(super) fn udp(&mut self) {
        let (segment, whole) = (self.reader.peek(), self.left());
        let Some(udp) = self.header(Header::Udp, Udp::read) else { return };
        let length = match usize::from(udp.length) {
            0 => whole,
            length if length < udp::HEADER_BYTES => {
                let value = udp.length.into();
                return self.stop(Fault::Invalid { field: "length", value, expected: "at least 8" });
            }
            length => length,
        };
        let verdict = match udp.checksum {
            0 => Verdict::ZeroMeansNone,
            checksum => self.transport_verdict(protocols::UDP, segment, length, checksum),
        };
        self.verdict(verdict);
        if verdict == Verdict::ZeroMeansNone && self.network.version == Some(Version::V6) {
            self.remark("IPv6 allows no checksum only in tunnels (RFC 6935)");
        }
        // The first fragment of a datagram says how long the whole is.
        let length = if self.network.fragment { length.min(whole) } else { length };
        let length = Length::new("length", length, udp::HEADER_BYTES);
        self.within(length, Data::Surplus, |walk| walk.datagram_payload([udp.destination, udp.source]));
    }
}
