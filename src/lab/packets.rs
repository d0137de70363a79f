//! The frames of an observation with their headers, for checks below the transport layer.

use super::fate::Passing;
use super::observation::{Frame, Observation};
use crate::bytes::Silent;
use crate::dissect::{Data, Header, Layer, Origin, dissect};
use crate::internet::{Icmp, Ipv4};
use crate::link::{Arp, Ethernet};
use crate::transport::Udp;

/// A frame on the wire and its own headers, not those that an ICMP error quotes.
#[derive(Clone, Debug, Default)]
pub struct Packet {
    /// Number of the frame.
    pub number: u64,
    /// Host that sent it.
    pub from: usize,
    /// Hosts that were given it, at once or later.
    pub to: Vec<usize>,
    /// Bytes of the frame.
    pub length: usize,
    /// Its Ethernet header.
    pub ethernet: Ethernet,
    /// ARP.
    pub arp: Option<Arp>,
    /// IPv4.
    pub ip: Option<Ipv4>,
    /// ICMP.
    pub icmp: Option<Icmp>,
    /// UDP, of the first fragment alone.
    pub udp: Option<Udp>,
    /// Bytes that the innermost header carries.
    pub payload: usize,
}

impl Packet {
    fn read(frame: &Frame, layers: &[Layer]) -> Self {
        let mut packet =
            Packet { number: frame.number, from: frame.from, length: frame.bytes.len(), ..Packet::default() };
        for layer in layers.iter().filter(|layer| !layer.quoted) {
            match layer.header {
                Header::Ethernet(header) => packet.ethernet = header,
                Header::Arp(header) => packet.arp = Some(header),
                Header::Ipv4(header) => packet.ip = Some(header),
                Header::Icmp(header) => packet.icmp = Some(header),
                Header::Udp(header) => packet.udp = Some(header),
                Header::Data(Data::Payload | Data::FragmentPayload) => packet.payload = layer.bytes.len(),
                _ => {}
            }
        }
        packet
    }
}

/// The ARP message of a frame at the wire.
pub fn arp(frame: &Passing<'_>) -> Option<Arp> {
    frame.layers.iter().find_map(|layer| if let Header::Arp(arp) = layer.header { Some(arp) } else { None })
}

/// The IPv4 header of a frame at the wire.
pub fn ip(frame: &Passing<'_>) -> Option<Ipv4> {
    frame.layers.iter().find_map(|layer| if let Header::Ipv4(ip) = layer.header { Some(ip) } else { None })
}

/// Every frame once, in the order of arrival at the wire.
pub fn of(observation: &Observation) -> Vec<Packet> {
    let mut layers = Vec::new();
    let departures = observation.departures().map(|(_, frame)| {
        dissect(&Origin::ethernet(&frame.bytes), &frame.bytes, Silent, &mut layers);
        let later = observation.frames().filter(|event| event.number == frame.number);
        let to = later.map(|event| &event.to).find(|to| !to.is_empty());
        Packet { to: to.cloned().unwrap_or_default(), ..Packet::read(frame, &layers) }
    });
    departures.collect()
}
