//! Datagrams in fragments made up the same way every time: both families, several datagrams at once, overtaken, repeated
//! and lost fragments.

use std::net::{Ipv4Addr, Ipv6Addr};

use pnet::packet::Packet;
use pnet::packet::ethernet::{EtherType, EtherTypes, MutableEthernetPacket};
use pnet::packet::icmp::{self, IcmpPacket};
use pnet::packet::ip::IpNextHeaderProtocols;
use pnet::packet::ipv4::{self, Ipv4Flags, MutableIpv4Packet};
use pnet::packet::ipv6::MutableIpv6Packet;
use pnet::packet::tcp::{self, TcpPacket};
use pnet::packet::udp::{self, UdpPacket};

pub const A: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
pub const B: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 2);
pub const A6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
pub const B6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2);

/// What a datagram carries.
pub struct Whole {
    pub v6: bool,
    pub protocol: u8,
    pub identification: u32,
    pub payload: Vec<u8>,
}

impl Whole {
    /// A DNS answer about `name` with so many addresses.
    pub fn dns(v6: bool, identification: u32, name: &str, addresses: u16) -> Self {
        let mut message = vec![0x12, 0x34, 0x81, 0x80, 0, 1];
        message.extend(addresses.to_be_bytes());
        message.extend([0; 4]);
        for label in name.split('.') {
            message.push(label.len() as u8);
            message.extend(label.bytes());
        }
        message.extend([0, 0, 1, 0, 1]);
        for number in 0..addresses {
            message.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 0, 0, 4, 10, 1]);
            message.extend(number.to_be_bytes());
        }
        Self::udp(v6, identification, [53, 40_000], &message)
    }

    /// A UDP datagram with a right checksum.
    pub fn udp(v6: bool, identification: u32, ports: [u16; 2], data: &[u8]) -> Self {
        let mut payload: Vec<u8> = ports.iter().flat_map(|port| port.to_be_bytes()).collect();
        payload.extend((8 + data.len() as u16).to_be_bytes());
        payload.extend([0, 0]);
        payload.extend(data);
        let view = UdpPacket::new(&payload).unwrap();
        let sum = if v6 { udp::ipv6_checksum(&view, &A6, &B6) } else { udp::ipv4_checksum(&view, &A, &B) };
        payload[6..8].copy_from_slice(&sum.to_be_bytes());
        Whole { v6, protocol: 17, identification, payload }
    }

    /// An echo request.
    pub fn echo(identification: u32, sequence: u16, data: &[u8]) -> Self {
        let mut payload = vec![8, 0, 0, 0, 0, 1];
        payload.extend(sequence.to_be_bytes());
        payload.extend(data);
        let sum = icmp::checksum(&IcmpPacket::new(&payload).unwrap());
        payload[2..4].copy_from_slice(&sum.to_be_bytes());
        Whole { v6: false, protocol: 1, identification, payload }
    }

    /// A TCP segment with data.
    pub fn tcp(v6: bool, identification: u32, sequence: u32, data: &[u8]) -> Self {
        let mut payload = vec![0x9c, 0x40, 0, 80];
        payload.extend(sequence.to_be_bytes());
        payload.extend([0, 0, 0, 1, 0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0]);
        payload.extend(data);
        let view = TcpPacket::new(&payload).unwrap();
        let sum = if v6 { tcp::ipv6_checksum(&view, &A6, &B6) } else { tcp::ipv4_checksum(&view, &A, &B) };
        payload[16..18].copy_from_slice(&sum.to_be_bytes());
        Whole { v6, protocol: 6, identification, payload }
    }

    /// The frames of its fragments of `size` bytes, a multiple of 8; only one when it fits.
    pub fn frames(&self, size: usize) -> Vec<Vec<u8>> {
        let count = self.payload.len().div_ceil(size);
        let piece = |(at, bytes): (usize, &[u8])| self.frame(at * size, at + 1 < count, bytes);
        self.payload.chunks(size).enumerate().map(piece).collect()
    }

    /// The frame of one fragment.
    pub fn frame(&self, offset: usize, more: bool, bytes: &[u8]) -> Vec<u8> {
        let units = (offset / 8) as u16;
        if self.v6 {
            let mut fragment = vec![self.protocol, 0];
            fragment.extend((units << 3 | u16::from(more)).to_be_bytes());
            fragment.extend(self.identification.to_be_bytes());
            fragment.extend(bytes);
            return ethernet(EtherTypes::Ipv6, &v6(44, &fragment));
        }
        let mut datagram = vec![0; 20];
        datagram.extend(bytes);
        let length = datagram.len() as u16;
        let mut header = MutableIpv4Packet::new(&mut datagram).unwrap();
        header.set_version(4);
        header.set_header_length(5);
        header.set_total_length(length);
        header.set_identification(self.identification as u16);
        header.set_flags(if more { Ipv4Flags::MoreFragments } else { 0 });
        header.set_fragment_offset(units);
        header.set_ttl(64);
        header.set_next_level_protocol(pnet::packet::ip::IpNextHeaderProtocol::new(self.protocol));
        header.set_source(A);
        header.set_destination(B);
        let sum = ipv4::checksum(&header.to_immutable());
        header.set_checksum(sum);
        ethernet(EtherTypes::Ipv4, &datagram)
    }
}

/// An IPv6 datagram.
pub fn v6(next: u8, payload: &[u8]) -> Vec<u8> {
    let mut datagram = vec![0; 40];
    datagram.extend(payload);
    let mut header = MutableIpv6Packet::new(&mut datagram).unwrap();
    header.set_version(6);
    header.set_payload_length(payload.len() as u16);
    header.set_next_header(if next == 6 {
        IpNextHeaderProtocols::Tcp
    } else {
        pnet::packet::ip::IpNextHeaderProtocol::new(next)
    });
    header.set_hop_limit(64);
    header.set_source(A6);
    header.set_destination(B6);
    header.packet().to_vec()
}

/// A frame.
pub fn ethernet(kind: EtherType, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0; 14];
    let mut header = MutableEthernetPacket::new(&mut frame).unwrap();
    header.set_destination(pnet::util::MacAddr::new(2, 0, 0, 0, 0, 2));
    header.set_source(pnet::util::MacAddr::new(2, 0, 0, 0, 0, 1));
    header.set_ethertype(kind);
    frame.extend(payload);
    frame.resize(frame.len().max(60), 0);
    frame
}

/// xorshift64.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below as u64) as usize
    }
}

/// The frames of so many datagrams: of a few at a time, one of twelve fragments lost, one of fifteen repeated.
pub fn traffic(datagrams: u32) -> Vec<Vec<u8>> {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let (mut waiting, mut frames) = (Vec::new(), Vec::new());
    for number in 1..=datagrams {
        let v6 = dice.roll(2) == 0;
        let data = vec![number as u8; dice.roll(6000)];
        // tshark 4.0 takes datagrams for one whose identification XOR protocol is the same.
        let id = number << 6;
        let whole = match dice.roll(5) {
            0 | 1 => Whole::dns(v6, id, &format!("host{number}.example"), dice.roll(300) as u16 + 1),
            2 => Whole::udp(v6, id, [5000 + number as u16, 6000], &data),
            3 => Whole::echo(id, number as u16, &data),
            _ => Whole::tcp(v6, id, number * 10_000, &data),
        };
        waiting.extend(whole.frames(8 * (1 + dice.roll(180))));
        while waiting.len() > 40 || (number == datagrams && !waiting.is_empty()) {
            let at = dice.roll(waiting.len().min(25));
            match dice.roll(60) {
                0..5 => drop(waiting.remove(at)),
                5..9 => frames.push(waiting[at].clone()),
                _ => frames.push(waiting.remove(at)),
            }
        }
    }
    frames
}
