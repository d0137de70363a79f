//! Frames built by an independent library, read back field by field.

use std::net::{Ipv4Addr, Ipv6Addr};

use netlab::bytes::{Mac, Verdict};
use netlab::dissect::{Data, Header, Origin};
use netlab::internet::icmp::Message;
use netlab::link::LinkType;
use netlab::transport::tcp::Flags;
use netlab::transport::tcp_options::Timestamps;
use pnet::packet::arp::{ArpHardwareTypes, ArpOperations, MutableArpPacket};
use pnet::packet::ethernet::{EtherTypes, MutableEthernetPacket};
use pnet::packet::icmp::echo_request::MutableEchoRequestPacket;
use pnet::packet::icmp::{IcmpPacket, IcmpTypes};
use pnet::packet::icmpv6::{Icmpv6Packet, Icmpv6Types, MutableIcmpv6Packet};
use pnet::packet::ip::IpNextHeaderProtocols;
use pnet::packet::ipv4::{Ipv4OptionNumber, MutableIpv4OptionPacket, MutableIpv4Packet};
use pnet::packet::ipv6::MutableIpv6Packet;
use pnet::packet::tcp::{MutableTcpPacket, TcpFlags, TcpOption};
use pnet::packet::udp::MutableUdpPacket;
use pnet::packet::vlan::{ClassOfService, MutableVlanPacket};
use pnet::packet::{MutablePacket, Packet, icmp, icmpv6, ipv4, tcp, udp};
use pnet::util::MacAddr;

use crate::golden::{check, read};

const SOURCE: Ipv4Addr = Ipv4Addr::new(172, 16, 10, 1);
const DESTINATION: Ipv4Addr = Ipv4Addr::new(172, 16, 10, 2);
const SOURCE_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
const DESTINATION_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2);

fn ethernet(kind: pnet::packet::ethernet::EtherType, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0; 14 + payload.len()];
    let mut packet = MutableEthernetPacket::new(&mut frame).unwrap();
    packet.set_destination(MacAddr::new(2, 0xfc, 0, 0, 0, 2));
    packet.set_source(MacAddr::new(2, 0xfc, 0, 0, 0, 1));
    packet.set_ethertype(kind);
    packet.set_payload(payload);
    frame
}

fn ipv4(protocol: u8, options: &[u8], payload: &[u8]) -> Vec<u8> {
    let header = 20 + options.len();
    let mut datagram = vec![0; header + payload.len()];
    let mut packet = MutableIpv4Packet::new(&mut datagram).unwrap();
    packet.set_version(4);
    packet.set_header_length((header / 4) as u8);
    packet.set_dscp(46);
    packet.set_ecn(2);
    packet.set_total_length((header + payload.len()) as u16);
    packet.set_identification(0x1c46);
    packet.set_flags(2);
    packet.set_ttl(61);
    packet.set_next_level_protocol(pnet::packet::ip::IpNextHeaderProtocol(protocol));
    packet.set_source(SOURCE);
    packet.set_destination(DESTINATION);
    packet.get_options_raw_mut().copy_from_slice(options);
    packet.set_payload(payload);
    packet.set_checksum(ipv4::checksum(&packet.to_immutable()));
    datagram
}

fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
    let mut datagram = vec![0; 40 + payload.len()];
    let mut packet = MutableIpv6Packet::new(&mut datagram).unwrap();
    packet.set_version(6);
    packet.set_traffic_class(46 << 2 | 1);
    packet.set_flow_label(0xabcde);
    packet.set_payload_length(payload.len() as u16);
    packet.set_next_header(pnet::packet::ip::IpNextHeaderProtocol(next));
    packet.set_hop_limit(63);
    packet.set_source(SOURCE_V6);
    packet.set_destination(DESTINATION_V6);
    packet.set_payload(payload);
    datagram
}

/// The headers of a frame, and the verdict on the last one that has a checksum.
fn headers(frame: &[u8]) -> (Vec<Header>, Option<Verdict>) {
    let origin = Origin::ethernet(frame);
    check(&origin, frame, "a built frame");
    let layers = read(&origin, frame).0;
    for layer in &layers {
        assert_eq!((layer.fault, layer.note), (None, None), "{layer:?}");
    }
    (layers.iter().map(|l| l.header).collect(), layers.iter().filter_map(|l| l.checksum).next_back())
}

#[test]
fn an_arp_question_behind_a_vlan_tag_reads_back() {
    let mut arp = [0; 28];
    let mut packet = MutableArpPacket::new(&mut arp).unwrap();
    packet.set_hardware_type(ArpHardwareTypes::Ethernet);
    packet.set_protocol_type(EtherTypes::Ipv4);
    packet.set_hw_addr_len(6);
    packet.set_proto_addr_len(4);
    packet.set_operation(ArpOperations::Request);
    packet.set_sender_hw_addr(MacAddr::new(2, 0xfc, 0, 0, 0, 1));
    packet.set_sender_proto_addr(SOURCE);
    packet.set_target_hw_addr(MacAddr::zero());
    packet.set_target_proto_addr(DESTINATION);
    let mut vlan = [0; 32];
    let mut packet = MutableVlanPacket::new(&mut vlan).unwrap();
    packet.set_priority_code_point(ClassOfService(5));
    packet.set_drop_eligible_indicator(1);
    packet.set_vlan_identifier(0x234);
    packet.set_ethertype(EtherTypes::Arp);
    packet.payload_mut().copy_from_slice(&arp);

    let frame = ethernet(EtherTypes::Vlan, &vlan);
    let (found, _) = headers(&frame);
    let [Header::Ethernet(ethernet), Header::Vlan(vlan), Header::Arp(arp)] = found[..] else { panic!("{found:?}") };
    assert_eq!(ethernet.destination, Mac([2, 0xfc, 0, 0, 0, 2]));
    assert_eq!(ethernet.source, Mac([2, 0xfc, 0, 0, 0, 1]));
    assert_eq!(ethernet.type_or_length, 0x8100);
    assert_eq!((vlan.priority, vlan.drop_eligible, vlan.identifier, vlan.type_or_length), (5, true, 0x234, 0x806));
    assert!(arp.is_ipv4_over_ethernet());
    assert_eq!((arp.hardware_type, arp.operation), (1, netlab::link::arp::REQUEST));
    assert_eq!((arp.sender_hardware, arp.sender_protocol), (Mac([2, 0xfc, 0, 0, 0, 1]), SOURCE));
    assert_eq!((arp.target_hardware, arp.target_protocol), (Mac::ZERO, DESTINATION));
}

#[test]
fn a_tcp_segment_with_every_option_reads_back() {
    let options = [
        TcpOption::mss(1460),
        TcpOption::sack_perm(),
        TcpOption::timestamp(123_456, 654_321),
        TcpOption::nop(),
        TcpOption::wscale(7),
        TcpOption::nop(),
        TcpOption::nop(),
        TcpOption::selective_ack(&[3000, 4000]),
    ];
    let mut segment = vec![0; 20 + 32 + 5];
    let mut packet = MutableTcpPacket::new(&mut segment).unwrap();
    packet.set_data_offset(13);
    packet.set_source(51234);
    packet.set_destination(80);
    packet.set_sequence(0xfedc_ba98);
    packet.set_acknowledgement(0x0123_4567);
    packet.set_reserved(5);
    packet.set_flags(TcpFlags::SYN | TcpFlags::ACK | TcpFlags::CWR);
    packet.set_window(64240);
    packet.set_urgent_ptr(9);
    packet.set_options(&options);
    packet.set_payload(b"hello");
    packet.set_checksum(tcp::ipv4_checksum(&packet.to_immutable(), &SOURCE, &DESTINATION));

    let frame = ethernet(EtherTypes::Ipv4, &ipv4(IpNextHeaderProtocols::Tcp.0, &[], &segment));
    let (found, verdict) = headers(&frame);
    let [Header::Ethernet(_), Header::Ipv4(ip), Header::Tcp(tcp), Header::Data(Data::Payload)] = found[..] else {
        panic!("{found:?}")
    };
    assert_eq!(verdict, Some(Verdict::Good));
    assert_eq!((ip.header_length, ip.dscp, ip.ecn, ip.total_length), (20, 46, 2, 77));
    assert_eq!((ip.identification, ip.ttl, ip.protocol), (0x1c46, 61, 6));
    assert_eq!((ip.dont_fragment, ip.more_fragments, ip.fragment_offset), (true, false, 0));
    assert_eq!((ip.source, ip.destination), (SOURCE, DESTINATION));
    assert_eq!((tcp.source, tcp.destination), (51234, 80));
    assert_eq!((tcp.sequence, tcp.acknowledgment), (0xfedc_ba98, 0x0123_4567));
    // The builder's four reserved bits end in what is AE today.
    assert_eq!(tcp.flags, Flags::SYN.with(Flags::ACK).with(Flags::CWR).with(Flags(5 << 8)));
    assert_eq!((tcp.data_offset, tcp.window, tcp.urgent_pointer), (52, 64240, 9));
    assert_eq!((tcp.options.mss, tcp.options.window_scale, tcp.options.sack_permitted), (Some(1460), Some(7), true));
    assert_eq!(tcp.options.timestamps, Some(Timestamps { value: 123_456, echo_reply: 654_321 }));
    assert_eq!(tcp.options.sack_blocks(), [(3000, 4000)]);
}

#[test]
fn a_udp_datagram_behind_ip_options_reads_back() {
    let mut datagram = vec![0; 13];
    let mut packet = MutableUdpPacket::new(&mut datagram).unwrap();
    packet.set_source(40000);
    packet.set_destination(53);
    packet.set_length(13);
    packet.set_payload(b"hello");
    packet.set_checksum(udp::ipv4_checksum(&packet.to_immutable(), &SOURCE, &DESTINATION));
    let mut alert = [0; 4];
    let mut packet = MutableIpv4OptionPacket::new(&mut alert).unwrap();
    packet.set_copied(1);
    packet.set_number(Ipv4OptionNumber(20));
    packet.set_length(&[4]);
    packet.set_data(&[0, 7]);

    let frame = ethernet(EtherTypes::Ipv4, &ipv4(IpNextHeaderProtocols::Udp.0, &alert, &datagram));
    let (found, verdict) = headers(&frame);
    let [Header::Ethernet(_), Header::Ipv4(ip), Header::Udp(udp), Header::Data(Data::Payload)] = found[..] else {
        panic!("{found:?}")
    };
    assert_eq!(verdict, Some(Verdict::Good));
    assert_eq!((ip.header_length, ip.options.router_alert, ip.options.count), (24, Some(7), 1));
    assert_eq!((udp.source, udp.destination, udp.length), (40000, 53, 13));
}

#[test]
fn an_echo_request_reads_back() {
    let mut message = vec![0; 12];
    let mut packet = MutableEchoRequestPacket::new(&mut message).unwrap();
    packet.set_icmp_type(IcmpTypes::EchoRequest);
    packet.set_identifier(0x1234);
    packet.set_sequence_number(7);
    packet.set_payload(b"ping");
    let checksum = icmp::checksum(&IcmpPacket::new(packet.packet()).unwrap());
    packet.set_checksum(checksum);

    let frame = ethernet(EtherTypes::Ipv4, &ipv4(IpNextHeaderProtocols::Icmp.0, &[], &message));
    let (found, verdict) = headers(&frame);
    let [Header::Ethernet(_), Header::Ipv4(_), Header::Icmp(icmp), Header::Data(Data::Payload)] = found[..] else {
        panic!("{found:?}")
    };
    assert_eq!(verdict, Some(Verdict::Good));
    assert_eq!((icmp.kind, icmp.code, icmp.checksum), (8, 0, checksum));
    assert_eq!(icmp.message, Message::Query { identifier: 0x1234, sequence_number: 7 });
}

#[test]
fn tcp_udp_and_icmp_over_ipv6_read_back() {
    let mut segment = vec![0; 20];
    let mut packet = MutableTcpPacket::new(&mut segment).unwrap();
    packet.set_source(51234);
    packet.set_data_offset(5);
    packet.set_flags(TcpFlags::RST);
    packet.set_checksum(tcp::ipv6_checksum(&packet.to_immutable(), &SOURCE_V6, &DESTINATION_V6));
    let frame = ethernet(EtherTypes::Ipv6, &ipv6(IpNextHeaderProtocols::Tcp.0, &segment));
    let (found, verdict) = headers(&frame);
    let [Header::Ethernet(_), Header::Ipv6(ip), Header::Tcp(tcp)] = found[..] else { panic!("{found:?}") };
    assert_eq!(verdict, Some(Verdict::Good));
    assert_eq!((ip.dscp, ip.ecn, ip.flow_label, ip.payload_length), (46, 1, 0xabcde, 20));
    assert_eq!((ip.next_header, ip.hop_limit, ip.source, ip.destination), (6, 63, SOURCE_V6, DESTINATION_V6));
    assert_eq!((tcp.source, tcp.flags), (51234, Flags::RST));

    let mut datagram = vec![0; 8];
    let mut packet = MutableUdpPacket::new(&mut datagram).unwrap();
    packet.set_length(8);
    packet.set_checksum(udp::ipv6_checksum(&packet.to_immutable(), &SOURCE_V6, &DESTINATION_V6));
    let frame = ethernet(EtherTypes::Ipv6, &ipv6(IpNextHeaderProtocols::Udp.0, &datagram));
    assert_eq!(headers(&frame).1, Some(Verdict::Good));

    let mut message = vec![0; 8];
    let mut packet = MutableIcmpv6Packet::new(&mut message).unwrap();
    packet.set_icmpv6_type(Icmpv6Types::EchoRequest);
    let checksum = icmpv6::checksum(&Icmpv6Packet::new(packet.packet()).unwrap(), &SOURCE_V6, &DESTINATION_V6);
    packet.set_checksum(checksum);
    let frame = ethernet(EtherTypes::Ipv6, &ipv6(IpNextHeaderProtocols::Icmpv6.0, &message));
    let (found, verdict) = headers(&frame);
    let [Header::Ethernet(_), Header::Ipv6(_), Header::Icmpv6(icmp)] = found[..] else { panic!("{found:?}") };
    assert_eq!(verdict, Some(Verdict::Good));
    assert_eq!((icmp.kind, icmp.checksum), (128, checksum));
}

#[test]
fn a_datagram_without_a_link_header_reads_back() {
    let datagram = ipv4(253, &[], b"x");
    let origin = Origin { link: LinkType::RawIp, ..Origin::ethernet(&datagram) };
    let layers = read(&origin, &datagram).0;
    assert!(matches!(layers[0].header, Header::Ipv4(_)) && layers.len() == 2);
}
