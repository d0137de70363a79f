//! ARP on a real link: questions out, answers in (RFC 826, RFC 5227).

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use pnet::packet::Packet;
use pnet::packet::arp::{ArpHardwareTypes, ArpOperation, MutableArpPacket};
use pnet::packet::ethernet::{EtherType, MutableEthernetPacket};
use pnet::util::MacAddr;

use super::neighbours::{Claim, Heard, Wire};
use super::packet_socket::Named;
use super::port::{self, Port};
use super::{Arp, Ethernet, arp, ether_type};
use crate::bytes::{Mac, Reader, Silent};
use crate::kernel::OsError;
use crate::kernel::signal::Interrupts;

/// Bytes of an ARP packet for IPv4 over Ethernet, and of the Ethernet header before it.
const ARP: usize = 28;
const ETHERNET: usize = 14;

/// The station that asks.
#[derive(Clone, Debug)]
pub struct Asker {
    /// Its MAC address.
    pub mac: Mac,
    /// The address it asks from; none to ask as somebody who has no address yet.
    pub address: Option<Ipv4Addr>,
    /// Its addresses. Who has one of these is asked as a probe, without claiming it (RFC 5227, section 2.1.1).
    pub own: Vec<Ipv4Addr>,
}

impl Asker {
    /// The frame that asks every station who has `target`.
    pub fn question(&self, target: Ipv4Addr) -> [u8; ETHERNET + ARP] {
        let mut frame = [0; ETHERNET + ARP];
        let sender = self.address.filter(|_| !self.own.contains(&target)).unwrap_or(Ipv4Addr::UNSPECIFIED);
        if let Some(mut arp) = MutableArpPacket::new(&mut frame[ETHERNET..]) {
            arp.set_hardware_type(ArpHardwareTypes::Ethernet);
            arp.set_protocol_type(EtherType(ether_type::IPV4));
            arp.set_hw_addr_len(6);
            arp.set_proto_addr_len(4);
            arp.set_operation(ArpOperation(arp::REQUEST));
            arp.set_sender_hw_addr(MacAddr::from(self.mac.0));
            arp.set_sender_proto_addr(sender);
            arp.set_target_proto_addr(target);
        }
        if let Some(mut ethernet) = MutableEthernetPacket::new(&mut frame) {
            ethernet.set_destination(MacAddr::from(Mac::BROADCAST.0));
            ethernet.set_source(MacAddr::from(self.mac.0));
            ethernet.set_ethertype(EtherType(ether_type::ARP));
            debug_assert_eq!(ethernet.payload().len(), ARP);
        }
        frame
    }
}

/// The claim in a frame, if it is an ARP packet in which the sender names its own address.
pub fn claim(frame: &[u8], at: Duration) -> Option<Claim> {
    let mut reader = Reader::new(frame, Silent);
    let (mut ethernet, mut arp) = (Ethernet::default(), Arp::default());
    ethernet.read(&mut reader).ok()?;
    if ethernet.type_or_length != ether_type::ARP {
        return None;
    }
    arp.read(&mut reader).ok()?;
    // A question, too, tells who has the sender's address; one without an address (a probe) claims nothing.
    let speaks = matches!(arp.operation, arp::REQUEST | arp::REPLY) && arp.is_ipv4_over_ethernet();
    let has_address = !arp.sender_protocol.is_unspecified();
    (speaks && has_address).then_some(Claim {
        address: arp.sender_protocol.into(),
        mac: arp.sender_hardware,
        frame_source: Some(ethernet.source).filter(|source| *source != arp.sender_hardware),
        at,
        confirmed: true,
    })
}

/// ARP on one interface.
#[derive(Debug)]
pub struct ArpWire<'a> {
    port: Port<'a>,
    asker: Asker,
}

impl<'a> ArpWire<'a> {
    /// Starts to listen on `interface`.
    ///
    /// # Errors
    /// The kernel's refusal; EPERM without `CAP_NET_RAW`.
    pub fn open(interface: &Named, asker: Asker, stop: Option<&'a Interrupts>) -> Result<Self, OsError> {
        let port = Port::open(interface, &port::untagged(ether_type::ARP, &[]), "sending ARP questions", stop)?;
        Ok(ArpWire { port, asker })
    }
}

impl Wire for ArpWire<'_> {
    fn now(&self) -> Duration {
        self.port.now()
    }

    fn ask(&mut self, target: IpAddr) -> Result<Duration, OsError> {
        match target {
            IpAddr::V4(target) => self.port.send(&self.asker.question(target)),
            // ARP has no word for it; neighbour discovery does.
            IpAddr::V6(_) => Ok(self.port.now()),
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

    fn asker() -> Asker {
        let address = Ipv4Addr::new(192, 0, 2, 1);
        Asker { mac: OWN, address: Some(address), own: vec![address] }
    }

    fn read(frame: &[u8]) -> (Ethernet, Arp) {
        let mut reader = Reader::new(frame, Silent);
        let (mut ethernet, mut arp) = (Ethernet::default(), Arp::default());
        ethernet.read(&mut reader).unwrap();
        arp.read(&mut reader).unwrap();
        (ethernet, arp)
    }

    #[test]
    fn a_question_is_broadcast_and_leaves_the_target_station_open() {
        let (ethernet, arp) = read(&asker().question(Ipv4Addr::new(192, 0, 2, 9)));
        assert_eq!((ethernet.destination, ethernet.source), (Mac::BROADCAST, OWN));
        assert_eq!((arp.operation, arp.sender_hardware, arp.target_hardware), (arp::REQUEST, OWN, Mac::ZERO));
        assert_eq!(arp.sender_protocol, Ipv4Addr::new(192, 0, 2, 1));
        assert_eq!(arp.target_protocol, Ipv4Addr::new(192, 0, 2, 9));
    }

    #[test]
    fn the_own_address_is_asked_for_without_claiming_it() {
        let (_, arp) = read(&asker().question(Ipv4Addr::new(192, 0, 2, 1)));
        assert_eq!(arp.sender_protocol, Ipv4Addr::UNSPECIFIED);
        let question = asker().question(Ipv4Addr::new(192, 0, 2, 1));
        assert_eq!(claim(&question, Duration::ZERO), None);
    }

    #[test]
    fn a_claim_tells_when_the_frame_came_from_another_station() {
        let mut frame = asker().question(Ipv4Addr::new(192, 0, 2, 9));
        assert_eq!(claim(&frame, Duration::ZERO).unwrap().frame_source, None);
        frame[11] = 9;
        assert_eq!(claim(&frame, Duration::ZERO).unwrap().frame_source, Some(Mac([2, 0, 0, 0, 0, 9])));
    }

    #[test]
    fn a_damaged_or_foreign_frame_claims_nothing() {
        let frame = asker().question(Ipv4Addr::new(192, 0, 2, 9));
        for length in 0..frame.len() {
            assert_eq!(claim(&frame[..length], Duration::ZERO), None, "{length}");
        }
        for (place, value) in [(12, 0x86), (16, 0x86), (18, 8), (19, 16), (21, 9)] {
            let mut other = frame;
            other[place] = value;
            assert_eq!(claim(&other, Duration::ZERO), None, "{place}");
        }
    }
}
