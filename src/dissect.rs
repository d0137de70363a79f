//! The one table of what follows what: a frame in, layers out, never fails.
//!
//! A layer that stopped early carries its fault, and what it left becomes the last layer. A payload ends where the
//! length field of the header before it says; what follows is a layer of its own.
//!
//! **Invariant:** the fields of all layers, in order, cover the frame from its first bit to its last with no gap and no
//! overlap, whatever the bytes are; and a silent recorder sees the same layers.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod layer;
mod network;

pub use layer::{Data, Header, Layer};

use crate::bytes::{Fault, Reader, Record, Sum, Verdict};
use crate::internet::icmp::{Message, Version};
use crate::internet::{Ah, Esp, Fragment, Icmp, Igmp, Ipv4, Ipv6, Options, Routing, icmp, protocols};
use crate::link::{Arp, Ethernet, LinkType, Vlan, ether_type};
use crate::transport::{Tcp, Udp, udp};
use network::Network;

/// Headers followed in one frame. Real frames have fewer than ten; a frame made to waste time ends here.
pub const MAX_LAYERS: usize = 32;

/// Ethernet frames of up to this many bytes are padded, the frame check sequence included (IEEE 802.3, 4A.4.2).
const MIN_ETHERNET_FRAME: usize = 64;

/// Where a frame comes from: what its bytes alone do not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// What the frame begins with.
    pub link: LinkType,
    /// Bytes the frame had on the wire; more than are here when the capture cut it short.
    pub original_length: u32,
    /// The kernel said that the transport checksum is left to the network card.
    pub checksum_pending: bool,
}

impl Origin {
    /// A whole Ethernet frame.
    pub fn ethernet(frame: &[u8]) -> Self {
        Origin { link: LinkType::Ethernet, original_length: frame.len() as u32, checksum_pending: false }
    }
}

/// Reads `frame` into `layers`, which are cleared first, and tells the recorder every field.
///
/// Both lists are meant to be used again for the next frame (the caller clears the recorder's), so that nothing is
/// allocated once they have grown to the size of a usual frame.
pub fn dissect<R: Record>(origin: &Origin, frame: &[u8], recorder: R, layers: &mut Vec<Layer>) {
    layers.clear();
    let reader = Reader::new(frame, recorder);
    let missing = (origin.original_length as usize).saturating_sub(frame.len());
    let mut walk =
        Walk { reader, layers, pending: origin.checksum_pending, missing, quoted: false, network: Network::default() };
    walk.link(origin.link);
}

/// Dissection under way. Every method reads one kind of header and hands on to the next, and uses up its window.
struct Walk<'f, 'l, R: Record> {
    reader: Reader<'f, R>,
    layers: &'l mut Vec<Layer>,
    pending: bool,
    /// Bytes that the lengths claim behind the end of the window.
    missing: usize,
    quoted: bool,
    network: Network,
}

/// What follows what.
impl<R: Record> Walk<'_, '_, R> {
    fn link(&mut self, link: LinkType) {
        match link {
            LinkType::Ethernet => self.ethernet(),
            LinkType::RawIp | LinkType::RawIpv4 | LinkType::RawIpv6 => self.ip(),
            _ => self.data(Data::Payload),
        }
    }

    fn ether_type(&mut self, number: u16) {
        match number {
            ..=ether_type::LAST_LENGTH => self.data(Data::Payload),
            ether_type::IPV4 => self.ipv4(),
            ether_type::ARP | 0x8035 => self.arp(),
            ether_type::IPV6 => self.ipv6(),
            0x8100 | 0x88a8 | 0x9100 => self.vlan(),
            _ => self.data(Data::Payload),
        }
    }

    fn ip(&mut self) {
        match self.reader.peek().first().map(|byte| byte >> 4) {
            Some(6) => self.ipv6(),
            _ => self.ipv4(),
        }
    }

    fn protocol(&mut self, number: u8) {
        match number {
            0 => self.hop_by_hop(),
            protocols::ICMP => self.icmp(),
            2 => self.igmp(),
            4 => self.ipv4(),
            protocols::TCP => self.tcp(),
            protocols::UDP => self.udp(),
            41 => self.ipv6(),
            43 => self.routing(),
            44 => self.fragment(),
            50 => self.esp(),
            51 => self.ah(),
            protocols::ICMPV6 => self.icmpv6(),
            60 => self.destination_options(),
            _ => self.data(Data::Payload),
        }
    }
}

/// The link layer.
impl<R: Record> Walk<'_, '_, R> {
    fn ethernet(&mut self) {
        if let Some(ethernet) = self.header(Header::Ethernet, Ethernet::read) {
            self.ether_type(ethernet.type_or_length);
        }
    }

    fn vlan(&mut self) {
        if let Some(vlan) = self.header(Header::Vlan, Vlan::read) {
            self.ether_type(vlan.type_or_length);
        }
    }

    fn arp(&mut self) {
        if self.header(Header::Arp, Arp::read).is_some() {
            self.data(self.behind_datagram());
        }
    }
}

/// The internet layer.
impl<R: Record> Walk<'_, '_, R> {
    fn ipv4(&mut self) {
        let start = self.reader.position();
        let Some(ip) = self.header(Header::Ipv4, Ipv4::read) else { return };
        let header = self.reader.frame(start..self.reader.position());
        self.verdict(verdict(Sum::new().bytes(header), ip.checksum));
        let length = match usize::from(ip.total_length).checked_sub(header.len()) {
            Some(length) => length,
            None if ip.total_length == 0 => self.until_the_end(),
            None => {
                let value = ip.total_length.into();
                return self.stop(Fault::Invalid { field: "total length", value, expected: "at least the header" });
            }
        };
        self.datagram("total length", length, Network::v4(&ip), |walk| match ip.fragment_offset {
            0 => walk.protocol(ip.protocol),
            _ => walk.data(Data::FragmentPayload),
        });
    }

    fn ipv6(&mut self) {
        let Some(ip) = self.header(Header::Ipv6, Ipv6::read) else { return };
        let length = match (ip.payload_length, ip.next_header) {
            // The length may stand in a jumbo payload option, which is read next.
            (0, 0) => self.reader.remaining(),
            (0, 59) => 0,
            (0, _) if self.reader.remaining() > 0 => self.until_the_end(),
            (length, _) => length.into(),
        };
        self.datagram("payload length", length, Network::v6(&ip), |walk| walk.protocol(ip.next_header));
    }

    /// A datagram whose length is open ends where its frame ends.
    fn until_the_end(&mut self) -> usize {
        if let Some(layer) = self.layers.last_mut() {
            layer.note = Some("length 0: left open by segmentation offload, read to the end of the frame");
        }
        self.reader.remaining()
    }

    fn datagram(&mut self, field: &'static str, length: usize, network: Network, read: impl FnOnce(&mut Self)) {
        let behind = self.behind_datagram();
        let outer = std::mem::replace(&mut self.network, network);
        self.within(field, length, behind, read);
        self.network = outer;
    }

    fn hop_by_hop(&mut self) {
        let Some(options) = self.header(Header::HopByHop, Options::read) else { return };
        match options.jumbo {
            Some(length) if self.network.open => {
                let length = (length as usize).saturating_sub(options.length.into());
                let behind = self.behind_datagram();
                self.within("jumbo payload length", length, behind, |walk| walk.protocol(options.next_header));
            }
            _ => self.protocol(options.next_header),
        }
    }

    fn destination_options(&mut self) {
        if let Some(options) = self.header(Header::DestinationOptions, Options::read) {
            if let Some(home) = options.home_address {
                self.network.source_is(home);
            }
            self.protocol(options.next_header);
        }
    }

    fn routing(&mut self) {
        if let Some(routing) = self.header(Header::Routing, Routing::read) {
            if let Some(last) = routing.final_destination {
                self.network.destination_is(last);
            }
            self.protocol(routing.next_header);
        }
    }

    fn fragment(&mut self) {
        let Some(fragment) = self.header(Header::Fragment, Fragment::read) else { return };
        self.network.fragment |= fragment.more_fragments || fragment.fragment_offset > 0;
        match fragment.fragment_offset {
            0 => self.protocol(fragment.next_header),
            _ => self.data(Data::FragmentPayload),
        }
    }

    fn ah(&mut self) {
        if let Some(ah) = self.header(Header::Ah, Ah::read) {
            self.protocol(ah.next_header);
        }
    }

    fn esp(&mut self) {
        if self.header(Header::Esp, Esp::read).is_some() {
            self.data(Data::Ciphertext);
        }
    }

    fn igmp(&mut self) {
        let sum = Sum::new().bytes(self.reader.peek());
        if let Some(igmp) = self.header(Header::Igmp, Igmp::read) {
            self.checked(sum, igmp.checksum);
            self.data(Data::Payload);
        }
    }

    fn icmp(&mut self) {
        let sum = Sum::new().bytes(self.reader.peek());
        if let Some(icmp) = self.header(Header::Icmp, Icmp::read_v4) {
            self.checked(sum, icmp.checksum);
            self.icmp_body(&icmp);
        }
    }

    fn icmpv6(&mut self) {
        let segment = self.reader.peek();
        if let Some(icmp) = self.header(Header::Icmpv6, Icmp::read_v6) {
            let verdict = self.transport_verdict(protocols::ICMPV6, segment, segment.len(), icmp.checksum);
            self.verdict(verdict);
            self.icmp_body(&icmp);
        }
    }

    fn icmp_body(&mut self, icmp: &Icmp) {
        match icmp.message {
            Message::Error { quoted_length: 0, .. } | Message::Redirect(_) => self.quote(),
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
    fn quote(&mut self) {
        if self.reader.remaining() > 0 {
            let outer = std::mem::replace(&mut self.quoted, true);
            self.ip();
            self.quoted = outer;
        }
    }

    fn icmp_extension(&mut self) {
        let sum = Sum::new().bytes(self.reader.peek());
        if let Some(extension) = self.header(Header::IcmpExtension, icmp::Extension::read) {
            match extension.checksum {
                0 => self.verdict(Verdict::ZeroMeansNone),
                checksum => self.checked(sum, checksum),
            }
            self.data(Data::Payload);
        }
    }
}

/// The transport layer.
impl<R: Record> Walk<'_, '_, R> {
    fn tcp(&mut self) {
        let segment = self.reader.peek();
        if let Some(tcp) = self.header(Header::Tcp, Tcp::read) {
            let verdict = self.transport_verdict(protocols::TCP, segment, segment.len(), tcp.checksum);
            self.verdict(verdict);
            self.data(Data::Payload);
        }
    }

    fn udp(&mut self) {
        let segment = self.reader.peek();
        let Some(udp) = self.header(Header::Udp, Udp::read) else { return };
        let length = match udp.length {
            0 => segment.len(),
            length => length.into(),
        };
        let verdict = match udp.checksum {
            0 => Verdict::ZeroMeansNone,
            checksum => self.transport_verdict(protocols::UDP, segment, length, checksum),
        };
        self.verdict(verdict);
        if verdict == Verdict::ZeroMeansNone && self.network.version == Some(Version::V6) {
            self.remark("IPv6 allows no checksum only in tunnels (RFC 6935)");
        }
        let Some(length) = length.checked_sub(udp::HEADER_BYTES.into()) else {
            let value = udp.length.into();
            return self.stop(Fault::Invalid { field: "length", value, expected: "at least 8" });
        };
        self.within("length", length, Data::Surplus, |walk| walk.data(Data::Payload));
    }
}

/// How layers are made.
impl<'f, R: Record> Walk<'f, '_, R> {
    /// Reads one header and adds its layer. When reading stopped early the rest of the window becomes a layer too, and
    /// there is nothing to go on with.
    #[inline]
    fn header<H: Default + Copy>(
        &mut self,
        header: fn(H) -> Header,
        read: impl FnOnce(&mut H, &mut Reader<'f, R>) -> Result<(), Fault>,
    ) -> Option<H> {
        if self.layers.len() >= MAX_LAYERS {
            self.data(Data::Unread);
            let layers = MAX_LAYERS;
            if let Some(layer) = self.layers.last_mut() {
                layer.fault = Some(Fault::TooDeep { layers });
            }
            return None;
        }
        let (at, first) = (self.reader.position(), self.reader.recorded());
        let mut content = H::default();
        let stopped = read(&mut content, &mut self.reader).err();
        let noted = self.reader.take_noted();
        self.push(header(content), at, first, stopped.or(noted));
        if stopped.is_some() {
            self.data(Data::Unread);
            return None;
        }
        Some(content)
    }

    fn push(&mut self, header: Header, at: usize, first_field: usize, fault: Option<Fault>) {
        self.layers.push(Layer {
            header,
            bytes: at as u32..self.reader.position() as u32,
            fields: first_field as u32..self.reader.recorded() as u32,
            quoted: self.quoted,
            checksum: None,
            fault,
            note: None,
        });
    }

    /// The rest of the window as a layer without a header; none when there is no rest and none is missing.
    fn data(&mut self, data: Data) {
        let have = self.reader.remaining();
        let payload = matches!(data, Data::Payload | Data::FragmentPayload | Data::Ciphertext);
        let missing = if payload && !self.quoted { self.missing } else { 0 };
        if have == 0 && missing == 0 {
            return;
        }
        let (at, first) = (self.reader.position(), self.reader.recorded());
        self.reader.rest(data.field_name());
        let need = have.saturating_add(missing);
        let fault = (missing > 0).then_some(Fault::Short { field: data.field_name(), need, have });
        self.push(Header::Data(data), at, first, fault);
    }

    /// Reads what is inside `length` bytes, then what is behind them. Bytes that the capture cut off are missing; a
    /// length beyond what was ever there is a fault of the header that said so.
    fn within(&mut self, field: &'static str, length: usize, behind: Data, read: impl FnOnce(&mut Self)) {
        let have = self.reader.remaining();
        let outer = self.missing;
        self.missing = length.saturating_sub(have);
        if self.missing > outer
            && !self.quoted
            && let Some(layer) = self.layers.last_mut()
        {
            let expected = "no more than the bytes that are there";
            layer.fault.get_or_insert(Fault::Invalid { field, value: length as u64, expected });
        }
        let end = self.reader.narrow(length);
        read(self);
        self.reader.widen(end);
        self.missing = outer;
        if self.reader.remaining() > 0 {
            self.data(behind);
        }
    }

    /// What bytes behind a datagram are.
    fn behind_datagram(&self) -> Data {
        match (self.quoted, self.network.version.is_some()) {
            (true, _) => Data::Padding,
            (false, true) => Data::Surplus,
            (false, false) if self.reader.frame(0..MIN_ETHERNET_FRAME.saturating_add(1)).is_empty() => Data::Padding,
            (false, false) => Data::Trailer,
        }
    }

    /// Ends the last layer's reading with a fault.
    fn stop(&mut self, fault: Fault) {
        if let Some(layer) = self.layers.last_mut() {
            layer.fault = Some(fault);
        }
        self.data(Data::Unread);
    }

    fn remark(&mut self, note: &'static str) {
        if let Some(layer) = self.layers.last_mut() {
            layer.note = Some(note);
        }
    }

    fn verdict(&mut self, verdict: Verdict) {
        if let Some(layer) = self.layers.last_mut() {
            layer.checksum = Some(verdict);
        }
    }

    /// The verdict on a checksum over the whole window.
    fn checked(&mut self, sum: Sum, stored: u16) {
        let whole = self.missing == 0 && !self.network.fragment;
        self.verdict(if whole { verdict(sum, stored) } else { Verdict::Unverifiable });
    }

    /// The verdict on a checksum over the pseudo-header and the first `length` bytes of `segment`.
    fn transport_verdict(&self, protocol: u8, segment: &[u8], length: usize, stored: u16) -> Verdict {
        let pseudo = self.network.pseudo_header(protocol, length);
        let pending = (self.pending && !self.quoted) || stored == pseudo.folded();
        let whole = self.missing == 0 && !self.network.fragment && self.network.version.is_some();
        let judged = match segment.get(..length) {
            Some(covered) if whole => verdict(pseudo.bytes(covered), stored),
            _ => Verdict::Unverifiable,
        };
        match judged {
            Verdict::Good => Verdict::Good,
            _ if pending => Verdict::NotFilledIn,
            // A sum of zero is sent as all ones, because zero means none.
            Verdict::Bad(0) if protocol == protocols::UDP => Verdict::Bad(0xffff),
            other => other,
        }
    }
}

/// `sum` covers the field itself, so it is all ones when the field is right.
fn verdict(sum: Sum, stored: u16) -> Verdict {
    match sum.folded() {
        0xffff => Verdict::Good,
        _ => Verdict::Bad(sum.word(!stored).checksum()),
    }
}
