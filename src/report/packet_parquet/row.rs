//! What the columns of a frame are about, found once for all of them.

use std::net::{IpAddr, Ipv4Addr};

use crate::bytes::{Bits, Verdict};
use crate::capture::Packet;
use crate::capture::analysis::segment::{self, Datagram};
use crate::dissect::{Header, Layer};
use crate::internet::{Icmp, Ipv4, Ipv6};
use crate::link::{Arp, Ethernet};
use crate::transport::{Tcp, Udp};

/// One of the two headers of an IP datagram.
#[derive(Clone, Copy)]
pub(super) enum Ip<'p> {
    V4(&'p Ipv4),
    V6(&'p Ipv6),
}

/// The headers of a packet that its columns show: the outermost of the link, the innermost datagram, the first message.
/// Nothing that an ICMP error quotes is among them.
pub(super) struct Row<'p> {
    pub packet: &'p Packet<'p>,
    pub ethernet: Option<&'p Ethernet>,
    /// Identifiers of the outer and the inner VLAN tag.
    pub vlans: [Option<u16>; 2],
    /// The type behind the link's header and its VLAN tags.
    pub ether_type: Option<u16>,
    pub arp: Option<&'p Arp>,
    pub ip: Option<Ip<'p>>,
    pub ip_checksum: Option<Verdict>,
    /// Offset of a fragment in bytes, and whether more follow it; only of fragments.
    pub fragment: Option<(u16, bool)>,
    pub datagram: Option<Datagram>,
    pub tcp: Option<&'p Tcp>,
    pub udp: Option<&'p Udp>,
    pub icmp: Option<&'p Icmp>,
    pub transport_checksum: Option<Verdict>,
    pub message: Option<&'p Layer>,
}

impl<'p> Row<'p> {
    pub fn of(packet: &'p Packet<'p>) -> Self {
        let mut row = Row {
            packet,
            ethernet: None,
            vlans: [None; 2],
            ether_type: None,
            arp: None,
            ip: None,
            ip_checksum: None,
            fragment: None,
            datagram: segment::datagram(packet),
            tcp: None,
            udp: None,
            icmp: None,
            transport_checksum: None,
            message: None,
        };
        for layer in row.headers() {
            row.take(layer);
        }
        row
    }

    /// The layers that say something about this frame itself.
    pub fn headers(&self) -> impl Iterator<Item = &'p Layer> + use<'p> {
        self.packet.layers.iter().take_while(|layer| !layer.quoted)
    }

    fn take(&mut self, layer: &'p Layer) {
        match &layer.header {
            Header::Ethernet(ethernet) if self.ip.is_none() => {
                self.ethernet = self.ethernet.or(Some(ethernet));
                self.ether_type = Some(ethernet.type_or_length);
            }
            Header::Cooked(cooked) => self.ether_type = Some(cooked.protocol),
            Header::Vlan(vlan) if self.ip.is_none() => {
                let [outer, inner] = &mut self.vlans;
                if outer.is_none() { outer } else { inner }.get_or_insert(vlan.identifier);
                self.ether_type = Some(vlan.type_or_length);
            }
            Header::Arp(arp) => self.arp = Some(arp),
            Header::Ipv4(ip) => {
                self.datagram(Ip::V4(ip), layer);
                self.fragment = ip.is_fragment().then_some((ip.fragment_offset, ip.more_fragments));
            }
            Header::Ipv6(ip) => self.datagram(Ip::V6(ip), layer),
            Header::Fragment(header) => self.fragment = Some((header.fragment_offset, header.more_fragments)),
            Header::Tcp(tcp) if tcp.data_offset > 0 => {
                (self.tcp, self.transport_checksum) = (Some(tcp), layer.checksum);
            }
            Header::Udp(udp) => (self.udp, self.transport_checksum) = (Some(udp), layer.checksum),
            Header::Icmp(icmp) | Header::Icmpv6(icmp) => {
                (self.icmp, self.transport_checksum) = (Some(icmp), layer.checksum);
            }
            header if header.is_application() => self.message = self.message.or(Some(layer)),
            _ => {}
        }
    }

    /// A datagram begins: what the one around it carried does not count.
    fn datagram(&mut self, ip: Ip<'p>, layer: &Layer) {
        (self.ip, self.ip_checksum, self.fragment) = (Some(ip), layer.checksum, None);
        (self.tcp, self.udp, self.icmp, self.transport_checksum) = (None, None, None, None);
    }

    /// Sender and receiver of the datagram.
    pub fn addresses(&self) -> Option<(IpAddr, IpAddr)> {
        match self.ip? {
            Ip::V4(ip) => Some((ip.source.into(), ip.destination.into())),
            Ip::V6(ip) => Some((ip.source.into(), ip.destination.into())),
        }
    }

    /// The same where they are of version 4.
    pub fn addresses_v4(&self) -> Option<(Ipv4Addr, Ipv4Addr)> {
        match self.ip? {
            Ip::V4(ip) => Some((ip.source, ip.destination)),
            Ip::V6(_) => None,
        }
    }

    /// Sender's and receiver's port, of a fragment those that its datagram has.
    pub fn ports(&self) -> Option<(u16, u16)> {
        match (self.tcp, self.udp) {
            (Some(tcp), _) => Some((tcp.source, tcp.destination)),
            (None, Some(udp)) => Some((udp.source, udp.destination)),
            (None, None) => {
                let datagram = self.datagram?;
                Some((datagram.source.1, datagram.destination.1)).filter(|ports| *ports != (0, 0))
            }
        }
    }

    /// The bytes of the frame that `bits` are.
    pub fn bytes(&self, bits: Bits) -> &'p [u8] {
        bits.of(self.packet.bytes)
    }
}
