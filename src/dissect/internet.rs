//! What each header of the internet layer hands on to.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::network::Network;
use super::{Data, Header, Length, Walk, verdict};
use crate::bytes::{Fault, Record, Sum, Verdict};
use crate::internet::icmp::Message;
use crate::internet::{Ah, Esp, Fragment, Gre, Icmp, IcmpExtension, Igmp, Ipv4, Ipv6, Options, Routing, protocols};
use crate::link::ether_type;

/// The protocol number that says that nothing follows.
const NO_NEXT_HEADER: u8 = 59;

impl<R: Record> Walk<'_, '_, R> {
    pub(super) fn ipv4(&mut self) {
        let start = self.reader.position();
        let Some(ip) = self.header(Header::Ipv4, Ipv4::read) else { return };
        let header = self.reader.frame(start..self.reader.position());
        self.verdict(verdict(Sum::new().bytes(header), ip.checksum));
        let length = match usize::from(ip.total_length) {
            0 => self.until_the_end(),
            total if total < header.len() => {
                let value = ip.total_length.into();
                return self.stop(Fault::Invalid { field: "total length", value, expected: "at least the header" });
            }
            total => Length::new("total length", total, header.len()),
        };
        self.datagram(length, Network::v4(&ip), |walk| {
            if ip.is_fragment() {
                walk.fragmented_v4(&ip);
            }
            match ip.fragment_offset {
                0 => walk.protocol(ip.protocol),
                _ => walk.data(Data::FragmentPayload),
            }
        });
    }

    pub(super) fn ipv6(&mut self) {
        let Some(ip) = self.header(Header::Ipv6, Ipv6::read) else { return };
        let length = match (usize::from(ip.payload_length), ip.next_header) {
            // The length may stand in a jumbo payload option, which is read next.
            (0, 0) => Length::new("payload length", self.left(), 0),
            (0, next) if next != NO_NEXT_HEADER && self.left() > 0 => self.until_the_end(),
            (length, _) => Length::new("payload length", length, 0),
        };
        self.datagram(length, Network::v6(&ip), |walk| walk.protocol(ip.next_header));
    }

    /// A datagram whose length is open ends where its frame ends.
    fn until_the_end(&mut self) -> Length {
        self.remark("length 0: left open by segmentation offload, read to the end of the frame");
        Length::new("length", self.left(), 0)
    }

    fn datagram(&mut self, length: Length, network: Network, read: impl FnOnce(&mut Self)) {
        let behind = self.behind_datagram();
        let outer = std::mem::replace(&mut self.network, network);
        self.within(length, behind, read);
        self.network = outer;
    }

    pub(super) fn hop_by_hop(&mut self) {
        let Some(options) = self.header(Header::HopByHop, Options::read) else { return };
        match options.jumbo {
            Some(jumbo) if self.network.open => {
                let length = Length::new("jumbo payload length", jumbo as usize, options.length.into());
                self.within(length, Data::Trailer, |walk| walk.protocol(options.next_header));
            }
            _ => self.protocol(options.next_header),
        }
    }

    pub(super) fn destination_options(&mut self) {
        if let Some(options) = self.header(Header::DestinationOptions, Options::read) {
            if let Some(home) = options.home_address {
                self.network.source_is(home);
            }
            self.protocol(options.next_header);
        }
    }

    pub(super) fn routing(&mut self) {
        if let Some(routing) = self.header(Header::Routing, Routing::read) {
            if let Some(last) = routing.final_destination {
                self.network.destination_is(last);
            }
            self.protocol(routing.next_header);
        }
    }

    pub(super) fn fragment(&mut self) {
        let Some(fragment) = self.header(Header::Fragment, Fragment::read) else { return };
        if fragment.more_fragments || fragment.fragment_offset > 0 {
            self.network.fragment = true;
            self.fragmented_v6(fragment);
        }
        match fragment.fragment_offset {
            0 => self.protocol(fragment.next_header),
            _ => self.data(Data::FragmentPayload),
        }
    }

    pub(super) fn ah(&mut self) {
        if let Some(ah) = self.header(Header::Ah, Ah::read) {
            self.protocol(ah.next_header);
        }
    }

    pub(super) fn esp(&mut self) {
        if self.header(Header::Esp, Esp::read).is_some() {
            self.data(Data::Ciphertext);
        }
    }

    pub(super) fn gre(&mut self) {
        let sum = Sum::new().bytes(self.reader.peek());
        let Some(gre) = self.header(Header::Gre, Gre::read) else { return };
        if let Some(checksum) = gre.checksum {
            self.checked(sum, checksum);
        }
        match gre.protocol {
            _ if gre.source_route => self.data(Data::Unread),
            ..=ether_type::LAST_LENGTH => self.data(Data::Payload),
            number => self.ether_type(number),
        }
    }

    pub(super) fn igmp(&mut self) {
        let sum = Sum::new().bytes(self.reader.peek());
        if let Some(igmp) = self.header(Header::Igmp, Igmp::read) {
            self.checked(sum, igmp.checksum);
            self.data(Data::Payload);
        }
    }

    pub(super) fn icmp(&mut self) {
        let sum = Sum::new().bytes(self.reader.peek());
        if let Some(icmp) = self.header(Header::Icmp, Icmp::read_v4) {
            self.checked(sum, icmp.checksum);
            self.icmp_body(&icmp);
        }
    }

    pub(super) fn icmpv6(&mut self) {
        let segment = self.reader.peek();
        if let Some(icmp) = self.header(Header::Icmpv6, Icmp::read_v6) {
            let verdict = self.transport_verdict(protocols::ICMPV6, segment, segment.len(), icmp.checksum);
            self.verdict(verdict);
            self.icmp_body(&icmp);
        }
    }

    pub(super) fn icmp_body(&mut self, icmp: &Icmp) {
        match icmp.message {
            Message::Error { quoted_length: 0, .. } | Message::Redirect(_) | Message::RedirectV6 { .. } => self.quote(),
            Message::Error { quoted_length, .. } => {
                let end = self.reader.narrow(quoted_length.into());
                self.quote();
                self.reader.widen(end);
                if self.reader.remaining() > 0 {
                    self.icmp_extension();
                }
            }
            _ => self.data(Data::Payload),
        }
    }

    /// The datagram that an ICMP error is about; all behind its first bytes may be missing.
    pub(super) fn quote(&mut self) {
        if self.reader.remaining() > 0 {
            let outer = std::mem::replace(&mut self.quoted, true);
            self.ip();
            self.quoted = outer;
        }
    }

    pub(super) fn icmp_extension(&mut self) {
        let sum = Sum::new().bytes(self.reader.peek());
        if let Some(extension) = self.header(Header::IcmpExtension, IcmpExtension::read) {
            match extension.checksum {
                0 => self.verdict(Verdict::ZeroMeansNone),
                checksum => self.checked(sum, checksum),
            }
            self.data(Data::Payload);
        }
    }
}
