//! Neighbour discovery on a real link: solicitations out, advertisements in (RFC 4861).

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use pnet::packet::ethernet::{EtherType, MutableEthernetPacket};
use pnet::packet::ip::IpNextHeaderProtocols;
use pnet::packet::ipv6::MutableIpv6Packet;
use pnet::util::MacAddr;

use super::icmp::{Icmp, Message};
use super::{Ipv6, protocols};
use crate::bytes::{Fields, Mac, Reader, Silent, Sum, Value};
use crate::kernel::OsError;
use crate::kernel::signal::Interrupts;
use crate::link::neighbours::{Claim, Heard, Wire};
use crate::link::packet_socket::Named;
use crate::link::port::{self, Port};
use crate::link::{Ethernet, ether_type};

const ETHERNET: usize = 14;
const IPV6: usize = 40;
/// A solicitation with the option that tells the asker's link address, and one without.
const SOLICITATION: usize = 32;
const PROBE: usize = 24;
/// Only a frame from this link can have it: no router has counted it down.
const HOP_LIMIT: u8 = 255;
const SOURCE_LINK_ADDRESS: u8 = 1;
const TARGET_LINK_ADDRESS: u64 = 2;

/// The station that asks.
#[derive(Clone, Debug)]
pub struct Asker {
    /// Its MAC address.
    pub mac: Mac,
    /// The address it asks from; none to ask as somebody who has no address yet.
    pub address: Option<Ipv6Addr>,
    /// Its addresses. Who has one of these is asked without claiming it, as in duplicate address detection (RFC 4862,
    /// section 5.4).
    pub own: Vec<Ipv6Addr>,
}

impl Asker {
    /// The frame that asks the stations in the group of `target` who has it.
    pub fn question(&self, target: Ipv6Addr) -> Vec<u8> {
        let source = self.address.filter(|_| !self.own.contains(&target));
        let length = if source.is_some() { SOLICITATION } else { PROBE };
        let group = solicited_node(target);
        let message = solicitation(source.unwrap_or(Ipv6Addr::UNSPECIFIED), group, target, self.mac, length);
        let mut frame = vec![0; ETHERNET + IPV6];
        if let Some(mut ip) = MutableIpv6Packet::new(&mut frame[ETHERNET..]) {
            ip.set_version(6);
            ip.set_payload_length(length as u16);
            ip.set_next_header(IpNextHeaderProtocols::Icmpv6);
            ip.set_hop_limit(HOP_LIMIT);
            ip.set_source(source.unwrap_or(Ipv6Addr::UNSPECIFIED));
            ip.set_destination(group);
        }
        if let Some(mut ethernet) = MutableEthernetPacket::new(&mut frame) {
            ethernet.set_destination(MacAddr::from(multicast_mac(group).0));
            ethernet.set_source(MacAddr::from(self.mac.0));
            ethernet.set_ethertype(EtherType(ether_type::IPV6));
        }
        frame.extend(message);
        frame
    }
}

fn solicitation(source: Ipv6Addr, group: Ipv6Addr, target: Ipv6Addr, mac: Mac, length: usize) -> Vec<u8> {
    let mut message = vec![135, 0, 0, 0, 0, 0, 0, 0];
    message.extend(target.octets());
    if length == SOLICITATION {
        message.extend([SOURCE_LINK_ADDRESS, 1]);
        message.extend(mac.0);
    }
    let checksum = sum(source, group, &message).checksum();
    message[2..4].copy_from_slice(&checksum.to_be_bytes());
    message
}

/// The sum over the pseudo header (RFC 8200, section 8.1) and the message.
fn sum(source: Ipv6Addr, destination: Ipv6Addr, message: &[u8]) -> Sum {
    let length = (message.len() as u32).to_be_bytes();
    Sum::new()
        .bytes(&source.octets())
        .bytes(&destination.octets())
        .bytes(&length)
        .word(protocols::ICMPV6.into())
        .bytes(message)
}

/// The group that the owner of `target` listens to: `ff02::1:ff` and its last three bytes (RFC 4291, section 2.7.1).
pub fn solicited_node(target: Ipv6Addr) -> Ipv6Addr {
    let [.., a, b, c] = target.octets();
    Ipv6Addr::from([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, a, b, c])
}

/// The MAC address of a group: 33:33 and its last four bytes (RFC 2464, section 7).
pub fn multicast_mac(group: Ipv6Addr) -> Mac {
    let [.., a, b, c, d] = group.octets();
    Mac([0x33, 0x33, a, b, c, d])
}

/// The claim in a frame, if it is a neighbour advertisement that is as RFC 4861 section 7.1.2 wants it.
pub fn claim(frame: &[u8], at: Duration) -> Option<Claim> {
    let mut reader = Reader::new(frame, Silent);
    let (mut ethernet, mut ip) = (Ethernet::default(), Ipv6::default());
    ethernet.read(&mut reader).ok()?;
    ip.read(&mut reader).ok()?;
    let message = reader.peek().get(..ip.payload_length.into())?;
    let from_link = ip.hop_limit == HOP_LIMIT && ip.next_header == protocols::ICMPV6;
    if !from_link || sum(ip.source, ip.destination, message).folded() != 0xffff {
        return None;
    }
    let (mut fields, mut icmp) = (Fields::default(), Icmp::default());
    icmp.read_v6(&mut Reader::new(message, &mut fields)).ok()?;
    let Message::NeighbourAdvertisement { target, solicited, .. } = icmp.message else { return None };
    if icmp.code != 0 || target.is_multicast() || (solicited && ip.destination.is_multicast()) {
        return None;
    }
    let mac = target_link_address(&fields).unwrap_or(ethernet.source);
    let frame_source = Some(ethernet.source).filter(|source| *source != mac);
    Some(Claim { address: target.into(), mac, frame_source, at, confirmed: true })
}

/// The link address in the target link-layer address option.
fn target_link_address(fields: &Fields) -> Option<Mac> {
    let is_option = |value: &Value| matches!(value, Value::Code(TARGET_LINK_ADDRESS, ..));
    let mut rest = fields.0.iter().skip_while(|field| !(field.name == "option type" && is_option(&field.value)));
    match rest.find(|field| field.name == "link-layer address")?.value {
        Value::Mac(mac) => Some(mac),
        _ => None,
    }
}

/// Neighbour discovery on one interface.
#[derive(Debug)]
pub struct NdpWire<'a> {
    port: Port<'a>,
    asker: Asker,
}

impl<'a> NdpWire<'a> {
    /// Starts to listen on `interface`.
    ///
    /// # Errors
    /// The kernel's refusal; EPERM without `CAP_NET_RAW`.
    pub fn open(interface: &Named, asker: Asker, stop: Option<&'a Interrupts>) -> Result<Self, OsError> {
        // Neighbour advertisements: the ICMPv6 header stands right behind the IPv6 header.
        let filter = port::untagged(ether_type::IPV6, &[(20, protocols::ICMPV6), (54, 136)]);
        let port = Port::open(interface, &filter, "sending neighbour solicitations", stop)?;
        Ok(NdpWire { port, asker })
    }
}

impl Wire for NdpWire<'_> {
    fn now(&self) -> Duration {
        self.port.now()
    }

    fn ask(&mut self, target: IpAddr) -> Result<Duration, OsError> {
        match target {
            IpAddr::V6(target) => self.port.send(&self.asker.question(target)),
            // Neighbour discovery has no word for it; ARP does.
            IpAddr::V4(_) => Ok(self.port.now()),
        }
    }

    fn hear(&mut self, until: Duration) -> Result<Heard, OsError> {
        self.port.hear(until, claim)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: Mac = Mac([2, 0, 0, 0, 0, 1]);
    const SOLICITED: u8 = 0x40;
    const OVERRIDE: u8 = 0x20;

    fn v6(text: &str) -> Ipv6Addr {
        text.parse().unwrap()
    }

    fn asker() -> Asker {
        Asker { mac: OWN, address: Some(v6("2001:db8::1")), own: vec![v6("2001:db8::1")] }
    }

    /// An advertisement with a right checksum.
    fn advertisement(option: bool) -> Vec<u8> {
        advertised(0, SOLICITED | OVERRIDE, v6("2001:db8::2"), v6("2001:db8::1"), option)
    }

    /// The same with code, flags, target and destination as given.
    fn advertised(code: u8, flags: u8, target: Ipv6Addr, destination: Ipv6Addr, option: bool) -> Vec<u8> {
        let source = v6("2001:db8::2");
        let mut message = vec![136, code, 0, 0, flags, 0, 0, 0];
        message.extend(target.octets());
        if option {
            message.extend([2, 1, 2, 0, 0, 0, 0, 2]);
        }
        let checksum = sum(source, destination, &message).checksum();
        message[2..4].copy_from_slice(&checksum.to_be_bytes());
        let mut frame =
            vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x86, 0xdd, 0x60, 0, 0, 0, 0, message.len() as u8, 58, 255];
        frame.extend(source.octets());
        frame.extend(destination.octets());
        frame.extend(message);
        frame
    }

    #[test]
    fn a_question_goes_to_the_targets_group_with_a_right_checksum_and_the_askers_link_address() {
        let frame = asker().question(v6("2001:db8::12:3456"));
        let mut reader = Reader::new(&frame, Silent);
        let (mut ethernet, mut ip, mut icmp) = (Ethernet::default(), Ipv6::default(), Icmp::default());
        ethernet.read(&mut reader).unwrap();
        ip.read(&mut reader).unwrap();
        assert_eq!(sum(ip.source, ip.destination, reader.peek()).folded(), 0xffff);
        let mut fields = Fields::default();
        icmp.read_v6(&mut Reader::new(reader.peek(), &mut fields)).unwrap();
        assert_eq!(ethernet.destination.to_string(), "33:33:ff:12:34:56");
        assert_eq!((ip.destination, ip.hop_limit), (v6("ff02::1:ff12:3456"), 255));
        assert_eq!(icmp.message, Message::NeighbourSolicitation(v6("2001:db8::12:3456")));
        assert!(fields.0.iter().any(|field| field.value == Value::Mac(OWN)));
    }

    #[test]
    fn the_own_address_is_asked_for_from_no_address() {
        let frame = asker().question(v6("2001:db8::1"));
        let mut reader = Reader::new(&frame[ETHERNET..], Silent);
        let mut ip = Ipv6::default();
        ip.read(&mut reader).unwrap();
        assert_eq!((ip.source, ip.payload_length), (Ipv6Addr::UNSPECIFIED, 24));
    }

    #[test]
    fn an_advertisement_claims_its_target_with_or_without_the_option() {
        for option in [true, false] {
            let claim = claim(&advertisement(option), Duration::ZERO).unwrap();
            assert_eq!(claim.address, IpAddr::from(v6("2001:db8::2")));
            assert_eq!((claim.mac, claim.frame_source), (Mac([2, 0, 0, 0, 0, 2]), None));
        }
    }

    #[test]
    fn an_advertisement_that_rfc_4861_calls_invalid_claims_nothing() {
        let (target, one, all) = (v6("2001:db8::2"), v6("2001:db8::1"), v6("ff02::1"));
        let heard = |code, flags, target, destination| {
            claim(&advertised(code, flags, target, destination, true), Duration::ZERO).is_some()
        };
        assert!(heard(0, SOLICITED | OVERRIDE, target, one));
        assert!(heard(0, OVERRIDE, target, all), "an announcement to everybody");
        assert!(!heard(1, SOLICITED | OVERRIDE, target, one), "the code is 0");
        assert!(!heard(0, SOLICITED | OVERRIDE, target, all), "nobody was answered");
        assert!(!heard(0, OVERRIDE, v6("ff02::2"), one), "a group has no owner");
    }

    #[test]
    fn a_damaged_routed_or_cut_advertisement_claims_nothing() {
        let frame = advertisement(true);
        let mut routed = frame.clone();
        routed[21] = 254;
        assert_eq!(claim(&routed, Duration::ZERO), None);
        for place in ETHERNET + IPV6..frame.len() {
            let mut damaged = frame.clone();
            damaged[place] ^= 0x10;
            assert_eq!(claim(&damaged, Duration::ZERO), None, "{place}");
        }
        for length in 0..frame.len() {
            assert_eq!(claim(&frame[..length], Duration::ZERO), None, "{length}");
        }
    }
}
