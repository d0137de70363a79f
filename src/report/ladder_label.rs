//! A frame in the few words that fit on a ladder's arrow.

use std::fmt::Write;
use std::net::SocketAddr;

use crate::bytes::Silent;
use crate::dissect::{Data, Header, Layer, Origin, dissect};
use crate::internet::{Icmp, icmp};
use crate::link::{Arp, arp};
use crate::transport::tcp::{Flags, Tcp};

/// Names frames, with TCP sequence numbers counted from the first of each direction.
#[derive(Debug, Default)]
pub struct Labels {
    first: Vec<((SocketAddr, SocketAddr), u32)>,
    layers: Vec<Layer>,
}

impl Labels {
    /// The label of an Ethernet frame: of the innermost header that says what the frame is for.
    pub fn of(&mut self, frame: &[u8]) -> String {
        let mut layers = std::mem::take(&mut self.layers);
        dissect(&Origin::ethernet(frame), frame, Silent, &mut layers);
        let own: Vec<&Layer> = layers.iter().filter(|layer| !layer.quoted).collect();
        let payload = own.iter().find(|layer| layer.header == Header::Data(Data::Payload));
        let length = payload.map_or(0, |layer| layer.bytes.len());
        let pair = addresses(&own);
        let label = own.iter().rev().find_map(|layer| match &layer.header {
            Header::Tcp(tcp) => Some(self.tcp(tcp, pair, length)),
            Header::Udp(udp) => Some(format!("UDP {} → {} {length} bytes", udp.source, udp.destination)),
            Header::Icmp(icmp) => Some(icmp_label(icmp)),
            Header::Arp(arp) => Some(arp_label(arp)),
            Header::Ipv4(ip) => Some(format!("IPv4 {} → {} {length} bytes", ip.source, ip.destination)),
            Header::Ethernet(ethernet) => Some(format!("{} → {}", ethernet.source, ethernet.destination)),
            _ => None,
        });
        self.layers = layers;
        label.unwrap_or_else(|| format!("{} bytes", frame.len()))
    }

    fn tcp(&mut self, tcp: &Tcp, pair: Option<(std::net::IpAddr, std::net::IpAddr)>, length: usize) -> String {
        let (source, destination) = pair.unwrap_or(([0, 0, 0, 0].into(), [0, 0, 0, 0].into()));
        let (own, other) = (SocketAddr::new(source, tcp.source), SocketAddr::new(destination, tcp.destination));
        let key = (own, other);
        if tcp.flags.contains(Flags::SYN) {
            self.first.retain(|(known, _)| *known != key);
        }
        if !self.first.iter().any(|(known, _)| *known == key) {
            self.first.push((key, tcp.sequence));
        }
        let first = |key| self.first.iter().find(|(known, _)| *known == key).map_or(0, |(_, first)| *first);
        let mut label = format!("[{}] seq {}", tcp.flags, tcp.sequence.wrapping_sub(first(key)));
        if tcp.flags.contains(Flags::ACK) {
            let _ = write!(label, " ack {}", tcp.acknowledgment.wrapping_sub(first((other, own))));
        }
        if length > 0 {
            let _ = write!(label, " {length} bytes");
        }
        if tcp.window == 0 && !tcp.flags.contains(Flags::RST) {
            label += " win 0";
        }
        if tcp.options.sack_count > 0 {
            label += " sack";
        }
        label
    }
}

fn addresses(layers: &[&Layer]) -> Option<(std::net::IpAddr, std::net::IpAddr)> {
    layers.iter().rev().find_map(|layer| match &layer.header {
        Header::Ipv4(ip) => Some((ip.source.into(), ip.destination.into())),
        Header::Ipv6(ip) => Some((ip.source.into(), ip.destination.into())),
        _ => None,
    })
}

fn icmp_label(icmp: &Icmp) -> String {
    let types = if icmp.version == icmp::Version::V4 { icmp::TYPES } else { icmp::TYPES_V6 };
    types.name(icmp.kind.into()).map_or_else(|| format!("ICMP type {}", icmp.kind), |name| format!("ICMP {name}"))
}

fn arp_label(arp: &Arp) -> String {
    match arp.operation {
        arp::REQUEST => format!("ARP who has {}?", arp.target_protocol),
        arp::REPLY => format!("ARP {} is at {}", arp.sender_protocol, arp.sender_hardware),
        other => format!("ARP operation {other}"),
    }
}
