//! Traffic made up the same way every time: frames such as a busy network has, built by pnet.
//!
//! Mostly TCP over IPv4 and IPv6 with handshakes, options, retransmissions, zero windows and resets; UDP, ICMP, ICMPv6
//! and ARP; VLAN tags, IPv4 options, IPv6 extension headers, fragments and damaged checksums. Programs speak DNS, mDNS, DHCP,
//! NTP, TLS, HTTP and SSH.

mod messages;

use std::net::{Ipv4Addr, Ipv6Addr};

use pnet::packet::arp::{ArpHardwareTypes, ArpOperations, MutableArpPacket};
use pnet::packet::ethernet::{EtherType, EtherTypes, MutableEthernetPacket};
use pnet::packet::icmp::echo_request::MutableEchoRequestPacket;
use pnet::packet::icmp::{IcmpPacket, IcmpTypes};
use pnet::packet::icmpv6::{Icmpv6Packet, Icmpv6Types, MutableIcmpv6Packet};
use pnet::packet::ip::{IpNextHeaderProtocol, IpNextHeaderProtocols};
use pnet::packet::ipv4::{Ipv4Flags, MutableIpv4Packet};
use pnet::packet::ipv6::MutableIpv6Packet;
use pnet::packet::tcp::{MutableTcpPacket, TcpFlags, TcpOption, TcpPacket};
use pnet::packet::udp::{MutableUdpPacket, UdpPacket};
use pnet::packet::vlan::MutableVlanPacket;
use pnet::packet::{icmp, icmpv6, ipv4, tcp, udp};
use pnet::util::MacAddr;

/// A frame and when it was seen.
pub struct Seen {
    /// Nanoseconds since 1970; whole microseconds.
    pub time_ns: u64,
    pub frame: Vec<u8>,
}

/// The two ends of a conversation, either way round.
#[derive(Clone, Copy)]
enum Ends {
    V4(Ipv4Addr, Ipv4Addr),
    V6(Ipv6Addr, Ipv6Addr),
}

impl Ends {
    fn reversed(self) -> Self {
        match self {
            Ends::V4(a, b) => Ends::V4(b, a),
            Ends::V6(a, b) => Ends::V6(b, a),
        }
    }
}

/// A TCP connection under way.
#[derive(Clone, Copy)]
struct Connection {
    ends: Ends,
    ports: (u16, u16),
    /// Next number of the client, of the server.
    next: (u32, u32),
    step: u32,
    tags: u8,
}

/// An endless supply of frames.
pub struct Traffic {
    random: u64,
    time_ns: u64,
    connections: Vec<Connection>,
    /// Frames that are already decided, last first.
    waiting: Vec<Vec<u8>>,
}

impl Traffic {
    /// The same `seed` gives the same frames.
    pub fn new(seed: u64) -> Self {
        let mut traffic = Traffic {
            random: seed.wrapping_mul(2).wrapping_add(1),
            time_ns: 1_700_000_000_000_000_000,
            connections: Vec::new(),
            waiting: Vec::new(),
        };
        traffic.connections = (0..200).map(|_| traffic.connection()).collect();
        traffic
    }

    /// xorshift64*, Vigna 2016.
    fn roll(&mut self, below: u32) -> u32 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        ((self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % u64::from(below)) as u32
    }

    fn ends(&mut self) -> Ends {
        let (a, b) = (self.roll(250) as u8 + 1, self.roll(250) as u8 + 1);
        if self.roll(4) == 0 {
            let host = |last: u8| Ipv6Addr::new(0x2001, 0xdb8, 0, u16::from(last % 7), 0, 0, 0, last.into());
            Ends::V6(host(a), Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0xfc, 0, 0, b.into()))
        } else {
            Ends::V4(Ipv4Addr::new(192, 0, 2, a), Ipv4Addr::new(198, 51, 100, b))
        }
    }

    fn connection(&mut self) -> Connection {
        const SERVICES: [u16; 8] = [443, 443, 443, 80, 22, 25, 8080, 5432];
        let ports = (32_768 + self.roll(28_000) as u16, SERVICES[self.roll(8) as usize]);
        let next = (self.roll(u32::MAX), self.roll(u32::MAX));
        let tags = [0, 0, 0, 0, 0, 0, 0, 0, 1, 2][self.roll(10) as usize];
        Connection { ends: self.ends(), ports, next, step: 0, tags }
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        const TEXT: &[u8] = b"<p>What a server sends is mostly text, in lines such as this one.</p>\r\n";
        let random = self.roll(3) > 0;
        (0..length).map(|at| if random { (self.roll(256)) as u8 } else { TEXT[at % TEXT.len()] }).collect()
    }

    fn decide(&mut self) -> Vec<u8> {
        match self.roll(100) {
            0..80 => self.tcp(),
            80..90 => self.udp(),
            90..93 => self.echo(),
            93..95 => self.echo_v6(),
            95..97 => self.arp(),
            97 => self.fragments(),
            98 => self.extended(),
            _ => self.with_ip_options(),
        }
    }

    fn tcp(&mut self) -> Vec<u8> {
        let at = self.roll(200) as usize;
        let mut connection = self.connections[at];
        let mut from_client = self.roll(3) == 0;
        let (flags, length) = match connection.step {
            0 => (TcpFlags::SYN, 0),
            1 => (TcpFlags::SYN | TcpFlags::ACK, 0),
            2 => (TcpFlags::ACK, 0),
            3..60 => match self.roll(10) {
                0..3 => (TcpFlags::ACK, 0),
                3..5 => (TcpFlags::PSH | TcpFlags::ACK, 1 + self.roll(600) as usize),
                _ => (TcpFlags::ACK, 1448),
            },
            60 => (TcpFlags::FIN | TcpFlags::ACK, 0),
            61 => (TcpFlags::FIN | TcpFlags::ACK, 0),
            _ => (if self.roll(5) == 0 { TcpFlags::RST } else { TcpFlags::ACK }, 0),
        };
        if connection.step < 3 {
            from_client = connection.step != 1;
        }
        let (flags, payload) = match self.said(&connection) {
            Some(message) => {
                from_client = connection.step == 3;
                (TcpFlags::PSH | TcpFlags::ACK, message)
            }
            None => (flags, self.bytes(length)),
        };
        let segment = self.segment(&connection, from_client, flags, &payload);
        let again = self.roll(50) == 0;
        let sent = payload.len() as u32 + u32::from(flags & (TcpFlags::SYN | TcpFlags::FIN) != 0);
        if !again {
            let next = if from_client { &mut connection.next.0 } else { &mut connection.next.1 };
            *next = next.wrapping_add(sent);
        }
        connection.step += 1;
        self.connections[at] = if connection.step > 62 { self.connection() } else { connection };
        segment
    }

    /// What the client says first, and the server to that; none later, and where bytes say more.
    fn said(&mut self, connection: &Connection) -> Option<Vec<u8>> {
        let number = self.roll(1000);
        Some(match (connection.step, connection.ports.1) {
            (3, 443) => messages::client_hello(number),
            (4, 443) => messages::server_hello(number),
            (3, 80 | 8080) => messages::http_request(number),
            (4, 80 | 8080) => messages::http_response(number),
            (3 | 4, 22) => messages::ssh_banner(number),
            _ => return None,
        })
    }

    fn segment(&mut self, connection: &Connection, from_client: bool, flags: u8, payload: &[u8]) -> Vec<u8> {
        let Connection { ends, ports, next, tags, .. } = *connection;
        let (ends, ports, numbers) =
            if from_client { (ends, ports, next) } else { (ends.reversed(), (ports.1, ports.0), (next.1, next.0)) };
        let options: Vec<TcpOption> = if flags & TcpFlags::SYN != 0 {
            let (nop, scale) = (TcpOption::nop(), TcpOption::wscale(7));
            vec![TcpOption::mss(1460), TcpOption::sack_perm(), TcpOption::timestamp(self.roll(1 << 30), 0), nop, scale]
        } else if self.roll(20) == 0 {
            let left = numbers.1.wrapping_add(1448);
            let sack = TcpOption::selective_ack(&[left, left.wrapping_add(1448)]);
            vec![TcpOption::nop(), TcpOption::nop(), sack]
        } else {
            vec![TcpOption::nop(), TcpOption::nop(), TcpOption::timestamp(self.roll(1 << 30), self.roll(1 << 30))]
        };
        // Two bits of nothing, sizes in words.
        let options_length: usize = match (flags & TcpFlags::SYN != 0, options.len()) {
            (true, _) => 20,
            _ => 12,
        };
        let mut bytes = vec![0; 20 + options_length + payload.len()];
        let mut packet = MutableTcpPacket::new(&mut bytes).unwrap();
        packet.set_source(ports.0);
        packet.set_destination(ports.1);
        packet.set_sequence(numbers.0);
        packet.set_acknowledgement(if flags & TcpFlags::ACK == 0 { 0 } else { numbers.1 });
        packet.set_data_offset((5 + options_length / 4) as u8);
        packet.set_flags(flags);
        packet.set_window(if self.roll(200) == 0 { 0 } else { 64_240 });
        packet.set_options(&options);
        packet.set_payload(payload);
        let packet = TcpPacket::new(&bytes).unwrap();
        let sum = match ends {
            Ends::V4(a, b) => tcp::ipv4_checksum(&packet, &a, &b),
            Ends::V6(a, b) => tcp::ipv6_checksum(&packet, &a, &b),
        };
        let damage = u16::from(self.roll(500) == 0);
        MutableTcpPacket::new(&mut bytes).unwrap().set_checksum(sum ^ damage);
        let datagram = self.ip(ends, IpNextHeaderProtocols::Tcp, &bytes);
        wire(ends, tags, datagram)
    }

    fn udp(&mut self) -> Vec<u8> {
        let ends = self.ends();
        let (high, number) = (32_768 + self.roll(28_000) as u16, self.roll(65_536));
        let (ports, payload) = match self.roll(12) {
            0..3 => ((high, 53), messages::dns_question(number as u16, number)),
            3..5 => ((53, high), messages::dns_answer(number as u16, number)),
            5 => ((5353, 5353), messages::mdns_question(number)),
            6 => ((68, 67), messages::dhcp(number, false)),
            7 => ((67, 68), messages::dhcp(number, true)),
            8 => ((high, 123), messages::ntp(false, number)),
            9 => ((123, high), messages::ntp(true, number)),
            _ => {
                let length = [12, 33, 48, 180, 512, 1200][self.roll(6) as usize];
                let payload = self.bytes(length);
                ((high, [443, 514, 4500][self.roll(3) as usize]), payload)
            }
        };
        let bytes = datagram(ends, ports, &payload);
        let datagram = self.ip(ends, IpNextHeaderProtocols::Udp, &bytes);
        wire(ends, 0, datagram)
    }

    fn echo(&mut self) -> Vec<u8> {
        let payload = self.bytes(56);
        let mut bytes = vec![0; 8 + payload.len()];
        let mut packet = MutableEchoRequestPacket::new(&mut bytes).unwrap();
        packet.set_icmp_type(if self.roll(2) == 0 { IcmpTypes::EchoRequest } else { IcmpTypes::EchoReply });
        packet.set_identifier(self.roll(65_536) as u16);
        packet.set_sequence_number(self.roll(100) as u16);
        packet.set_payload(&payload);
        let sum = icmp::checksum(&IcmpPacket::new(&bytes).unwrap());
        MutableEchoRequestPacket::new(&mut bytes).unwrap().set_checksum(sum);
        let ends = Ends::V4(Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, self.roll(250) as u8 + 2));
        let datagram = self.ip(ends, IpNextHeaderProtocols::Icmp, &bytes);
        wire(ends, 0, datagram)
    }

    fn echo_v6(&mut self) -> Vec<u8> {
        let (a, b) = (Ipv6Addr::new(0xfe80, 0, 0, 0, 0xfc, 0, 0, 1), Ipv6Addr::new(0xfe80, 0, 0, 0, 0xfc, 0, 0, 2));
        let (payload, number) = (self.bytes(32), self.roll(100) as u16);
        let mut bytes = vec![0; 8];
        bytes[4..8].copy_from_slice(&[0x12, 0x34, (number >> 8) as u8, number as u8]);
        bytes.extend(&payload);
        let mut packet = MutableIcmpv6Packet::new(&mut bytes).unwrap();
        packet.set_icmpv6_type(Icmpv6Types::EchoRequest);
        let sum = icmpv6::checksum(&Icmpv6Packet::new(&bytes).unwrap(), &a, &b);
        MutableIcmpv6Packet::new(&mut bytes).unwrap().set_checksum(sum);
        let datagram = self.ip(Ends::V6(a, b), IpNextHeaderProtocols::Icmpv6, &bytes);
        wire(Ends::V6(a, b), 0, datagram)
    }

    fn arp(&mut self) -> Vec<u8> {
        let mut bytes = vec![0; 28];
        let mut packet = MutableArpPacket::new(&mut bytes).unwrap();
        let request = self.roll(2) == 0;
        packet.set_hardware_type(ArpHardwareTypes::Ethernet);
        packet.set_protocol_type(EtherTypes::Ipv4);
        packet.set_hw_addr_len(6);
        packet.set_proto_addr_len(4);
        packet.set_operation(if request { ArpOperations::Request } else { ArpOperations::Reply });
        packet.set_sender_hw_addr(MacAddr::new(2, 0xfc, 0, 0, 0, 1));
        packet.set_sender_proto_addr(Ipv4Addr::new(192, 0, 2, 1));
        packet.set_target_proto_addr(Ipv4Addr::new(192, 0, 2, self.roll(250) as u8 + 2));
        // Ethernet frames have at least 60 bytes: the rest is padding.
        bytes.resize(46, 0);
        let destination = if request { MacAddr::broadcast() } else { MacAddr::new(2, 0xfc, 0, 0, 0, 2) };
        ethernet(destination, EtherTypes::Arp, &bytes)
    }

    /// A UDP datagram of which the first of its fragments comes now and the others next.
    fn fragments(&mut self) -> Vec<u8> {
        let (a, b) = (Ipv4Addr::new(192, 0, 2, 9), Ipv4Addr::new(198, 51, 100, 9));
        let payload = self.bytes(3500);
        let whole = datagram(Ends::V4(a, b), (4000, 5000), &payload);
        let identification = self.roll(65_536) as u16;
        let pieces: Vec<&[u8]> = whole.chunks(1480).collect();
        let mut frames: Vec<Vec<u8>> = Vec::new();
        for (at, piece) in pieces.iter().enumerate() {
            let mut bytes = ipv4_header(a, b, IpNextHeaderProtocols::Udp, piece, identification, &[]);
            let mut packet = MutableIpv4Packet::new(&mut bytes).unwrap();
            packet.set_flags(if at + 1 < pieces.len() { Ipv4Flags::MoreFragments } else { 0 });
            packet.set_fragment_offset((at * 1480 / 8) as u16);
            checksum(&mut bytes);
            frames.push(wire(Ends::V4(a, b), 0, bytes));
        }
        frames.reverse();
        let first = frames.pop().unwrap();
        self.waiting.extend(frames);
        first
    }

    /// UDP behind hop-by-hop and destination options.
    fn extended(&mut self) -> Vec<u8> {
        let (a, b) = (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1), Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2));
        let payload = self.bytes(40);
        // Router alert and padding; next: destination options with padding; next: UDP.
        let mut bytes = vec![60, 0, 5, 2, 0, 0, 1, 0, 17, 0, 1, 4, 0, 0, 0, 0];
        bytes.extend(datagram(Ends::V6(a, b), (546, 547), &payload));
        let datagram = self.ip(Ends::V6(a, b), IpNextHeaderProtocols::Hopopt, &bytes);
        wire(Ends::V6(a, b), 0, datagram)
    }

    fn with_ip_options(&mut self) -> Vec<u8> {
        let (a, b) = (Ipv4Addr::new(192, 0, 2, 7), Ipv4Addr::new(224, 0, 0, 22));
        let payload = self.bytes(64);
        let bytes = datagram(Ends::V4(a, b), (1000, 2000), &payload);
        let mut bytes = ipv4_header(a, b, IpNextHeaderProtocols::Udp, &bytes, 7, &[0x94, 4, 0, 0]);
        checksum(&mut bytes);
        wire(Ends::V4(a, b), 0, bytes)
    }

    fn ip(&mut self, ends: Ends, protocol: IpNextHeaderProtocol, payload: &[u8]) -> Vec<u8> {
        match ends {
            Ends::V4(a, b) => {
                let identification = self.roll(65_536) as u16;
                let mut bytes = ipv4_header(a, b, protocol, payload, identification, &[]);
                MutableIpv4Packet::new(&mut bytes).unwrap().set_flags(Ipv4Flags::DontFragment);
                checksum(&mut bytes);
                bytes
            }
            Ends::V6(a, b) => {
                let mut bytes = vec![0; 40 + payload.len()];
                let mut packet = MutableIpv6Packet::new(&mut bytes).unwrap();
                packet.set_version(6);
                packet.set_flow_label(self.roll(1 << 20));
                packet.set_payload_length(payload.len() as u16);
                packet.set_next_header(protocol);
                packet.set_hop_limit(64);
                packet.set_source(a);
                packet.set_destination(b);
                packet.set_payload(payload);
                bytes
            }
        }
    }
}

impl Iterator for Traffic {
    type Item = Seen;

    fn next(&mut self) -> Option<Seen> {
        self.time_ns += 1000 * u64::from(1 + self.roll(200));
        let frame = self.waiting.pop().unwrap_or_else(|| self.decide());
        Some(Seen { time_ns: self.time_ns, frame })
    }
}

fn ipv4_header(
    source: Ipv4Addr,
    destination: Ipv4Addr,
    protocol: IpNextHeaderProtocol,
    payload: &[u8],
    identification: u16,
    options: &[u8],
) -> Vec<u8> {
    let header = 20 + options.len();
    let mut bytes = vec![0; header];
    bytes[20..].copy_from_slice(options);
    bytes.extend(payload);
    let length = bytes.len() as u16;
    let mut packet = MutableIpv4Packet::new(&mut bytes).unwrap();
    packet.set_version(4);
    packet.set_header_length((header / 4) as u8);
    packet.set_total_length(length);
    packet.set_identification(identification);
    packet.set_ttl(64);
    packet.set_next_level_protocol(protocol);
    packet.set_source(source);
    packet.set_destination(destination);
    bytes
}

fn checksum(bytes: &mut [u8]) {
    let mut packet = MutableIpv4Packet::new(bytes).unwrap();
    packet.set_checksum(ipv4::checksum(&packet.to_immutable()));
}

fn datagram(ends: Ends, ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 8 + payload.len()];
    let length = bytes.len() as u16;
    let mut packet = MutableUdpPacket::new(&mut bytes).unwrap();
    packet.set_source(ports.0);
    packet.set_destination(ports.1);
    packet.set_length(length);
    packet.set_payload(payload);
    let packet = UdpPacket::new(&bytes).unwrap();
    let sum = match ends {
        Ends::V4(a, b) => udp::ipv4_checksum(&packet, &a, &b),
        Ends::V6(a, b) => udp::ipv6_checksum(&packet, &a, &b),
    };
    MutableUdpPacket::new(&mut bytes).unwrap().set_checksum(sum);
    bytes
}

/// A datagram in an Ethernet frame with `tags` VLAN tags, the outer one of two being a service tag.
fn wire(ends: Ends, tags: u8, datagram: Vec<u8>) -> Vec<u8> {
    let mut kind = if matches!(ends, Ends::V4(..)) { EtherTypes::Ipv4 } else { EtherTypes::Ipv6 };
    let mut payload = datagram;
    for tag in 0..tags {
        let mut bytes = vec![0; 4 + payload.len()];
        let mut packet = MutableVlanPacket::new(&mut bytes).unwrap();
        packet.set_vlan_identifier(100 + u16::from(tag));
        packet.set_ethertype(kind);
        packet.set_payload(&payload);
        payload = bytes;
        kind = if tag + 1 == tags && tags > 1 { EtherType(0x88a8) } else { EtherTypes::Vlan };
    }
    ethernet(MacAddr::new(2, 0xfc, 0, 0, 0, 2), kind, &payload)
}

fn ethernet(destination: MacAddr, kind: EtherType, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 14 + payload.len()];
    let mut packet = MutableEthernetPacket::new(&mut bytes).unwrap();
    packet.set_destination(destination);
    packet.set_source(MacAddr::new(2, 0xfc, 0, 0, 0, 1));
    packet.set_ethertype(kind);
    packet.set_payload(payload);
    bytes
}
