//! TCP segments of netlab's own making, such as no socket would send: for experiments inside its own networks.

use std::net::SocketAddrV4;

use pnet::packet::ethernet::{EtherType, MutableEthernetPacket};
use pnet::packet::ip::IpNextHeaderProtocols;
use pnet::packet::ipv4::{self, MutableIpv4Packet};
use pnet::packet::tcp::{self, MutableTcpPacket};
use pnet::util::MacAddr;

use super::tcp::Flags;
use crate::bytes::Mac;
use crate::link::ether_type;

/// Bytes of the headers, none with options.
const ETHERNET: usize = 14;
const IPV4: usize = 20;
const TCP: usize = 20;

/// One end of a connection as a frame names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// Its link address.
    pub mac: Mac,
    /// Its address and port.
    pub address: SocketAddrV4,
}

/// A segment without data and without options, with whatever sender it claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forged {
    /// The sender that it claims.
    pub from: End,
    /// Whom it is for.
    pub to: End,
    /// Sequence number.
    pub sequence: u32,
    /// Acknowledgement number; meaningful with [`Flags::ACK`].
    pub acknowledgment: u32,
    /// Flags.
    pub flags: Flags,
    /// Window.
    pub window: u16,
}

impl Forged {
    /// The frame, with good checksums.
    pub fn frame(&self) -> [u8; ETHERNET + IPV4 + TCP] {
        let mut frame = [0; ETHERNET + IPV4 + TCP];
        if let Some(mut ethernet) = MutableEthernetPacket::new(&mut frame) {
            ethernet.set_destination(MacAddr::from(self.to.mac.0));
            ethernet.set_source(MacAddr::from(self.from.mac.0));
            ethernet.set_ethertype(EtherType(ether_type::IPV4));
        }
        if let Some(mut ip) = MutableIpv4Packet::new(&mut frame[ETHERNET..]) {
            ip.set_version(4);
            ip.set_header_length((IPV4 / 4) as u8);
            ip.set_total_length((IPV4 + TCP) as u16);
            ip.set_ttl(64);
            ip.set_next_level_protocol(IpNextHeaderProtocols::Tcp);
            ip.set_source(*self.from.address.ip());
            ip.set_destination(*self.to.address.ip());
            ip.set_checksum(ipv4::checksum(&ip.to_immutable()));
        }
        if let Some(mut segment) = MutableTcpPacket::new(&mut frame[ETHERNET + IPV4..]) {
            segment.set_source(self.from.address.port());
            segment.set_destination(self.to.address.port());
            segment.set_sequence(self.sequence);
            segment.set_acknowledgement(self.acknowledgment);
            segment.set_data_offset((TCP / 4) as u8);
            segment.set_flags(self.flags.0 as u8);
            segment.set_window(self.window);
            let sum = tcp::ipv4_checksum(&segment.to_immutable(), self.from.address.ip(), self.to.address.ip());
            segment.set_checksum(sum);
        }
        frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::{Silent, Verdict};
    use crate::dissect::{Header, Origin, dissect};

    #[test]
    fn a_forged_segment_reads_back_with_good_checksums() {
        let end = |last, port| End {
            mac: Mac([2, 0, 0, 0, 0, last]),
            address: SocketAddrV4::new([10, 0, 0, last].into(), port),
        };
        let (from, to) = (end(1, 40000), end(2, 80));
        let forged = Forged { from, to, sequence: 0xfffffffe, acknowledgment: 7, flags: Flags::RST, window: 9 };
        let frame = forged.frame();
        let mut layers = Vec::new();
        dissect(&Origin::ethernet(&frame), &frame, Silent, &mut layers);
        let sound = layers.iter().filter(|layer| layer.checksum == Some(Verdict::Good)).count();
        assert_eq!(sound, 2, "{layers:?}");
        let tcp = layers.iter().find_map(|l| if let Header::Tcp(tcp) = l.header { Some(tcp) } else { None }).unwrap();
        assert_eq!((tcp.source, tcp.destination, tcp.sequence, tcp.flags), (40000, 80, 0xfffffffe, Flags::RST));
        assert_eq!((tcp.acknowledgment, tcp.window), (7, 9));
    }
}
