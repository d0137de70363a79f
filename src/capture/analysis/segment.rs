//! What an analysis needs of a frame: who speaks to whom, and the segment where it is TCP.

use std::net::IpAddr;

use crate::capture::packet::Packet;
use crate::dissect::Header;
use crate::transport::Tcp;

/// IP protocol numbers.
const TCP: u8 = 6;
const UDP: u8 = 17;

/// A datagram as a conversation sees it.
#[derive(Clone, Copy, Debug)]
pub struct Datagram {
    /// Protocol number of what it carries (IANA).
    pub protocol: u8,
    /// Sender; port 0 where there is none.
    pub source: (IpAddr, u16),
    /// Receiver; port 0 where there is none.
    pub destination: (IpAddr, u16),
    /// Header and bytes of data on the wire, where it carries the start of a TCP segment.
    pub tcp: Option<(Tcp, u32)>,
}

/// The innermost datagram of a frame that no ICMP error quotes; none where there is no IP. A segment in fragments counts
/// where it is whole.
pub fn datagram(packet: &Packet<'_>) -> Option<Datagram> {
    let mut found: Option<Datagram> = None;
    // Where the datagram ends on the wire, as an offset into the frame.
    let mut end = 0u32;
    for layer in packet.layers.iter().take_while(|layer| !layer.quoted) {
        if let Some(whole) = packet.whole(layer.bytes.start).filter(|whole| whole.start == layer.bytes.start) {
            end = whole.end;
        }
        match &layer.header {
            Header::Ipv4(ip) => {
                let datagram = |protocol| Datagram {
                    protocol,
                    source: (ip.source.into(), 0),
                    destination: (ip.destination.into(), 0),
                    tcp: None,
                };
                found = Some(datagram(ip.protocol));
                // A length of 0 is what the kernel leaves in segments that the network card cuts.
                end = match ip.total_length {
                    0 => packet.frame.original_length,
                    length => layer.bytes.start.saturating_add(length.into()),
                };
            }
            Header::Ipv6(ip) => {
                found = Some(Datagram {
                    protocol: ip.next_header,
                    source: (ip.source.into(), 0),
                    destination: (ip.destination.into(), 0),
                    tcp: None,
                });
                end = match ip.payload_length {
                    0 => packet.frame.original_length,
                    length => layer.bytes.end.saturating_add(length.into()),
                };
            }
            Header::HopByHop(options) | Header::DestinationOptions(options) => {
                found.as_mut()?.protocol = options.next_header;
            }
            Header::Routing(routing) => found.as_mut()?.protocol = routing.next_header,
            Header::Fragment(fragment) => found.as_mut()?.protocol = fragment.next_header,
            Header::Udp(udp) => {
                let datagram = found.as_mut()?;
                datagram.protocol = UDP;
                (datagram.source.1, datagram.destination.1) = (udp.source, udp.destination);
            }
            // A header that was cut short before its flags says nothing about the connection.
            Header::Tcp(tcp) if tcp.data_offset > 0 => {
                let datagram = found.as_mut()?;
                datagram.protocol = TCP;
                (datagram.source.1, datagram.destination.1) = (tcp.source, tcp.destination);
                let data = end.saturating_sub(layer.bytes.start).saturating_sub(tcp.data_offset.into());
                datagram.tcp = Some((*tcp, data));
            }
            _ => {}
        }
    }
    if let Some(part) = packet.fragments.last().filter(|fragment| !fragment.completes()) {
        let datagram = found.as_mut()?;
        datagram.tcp = None;
        if let Some((source, destination)) = part.taken.ports {
            (datagram.source.1, datagram.destination.1) = (source, destination);
        }
    }
    found
}
