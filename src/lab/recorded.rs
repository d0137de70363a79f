//! A TCP connection out of a capture, as the observation that a ladder draws: no lab ran, so there are no states, no calls
//! and nothing to check.

use std::net::IpAddr;
use std::time::Duration;

use super::fate::Told;
use super::observation::{Event, Frame, Observation, Station, What};
use crate::bytes::Mac;
use crate::capture::Packet;
use crate::capture::analysis::segment;
use crate::capture::pair::Pair;
use crate::dissect::{Header, Layer};
use crate::internet::icmp::Version;
use crate::internet::protocols;
use crate::link::LinkType;
use crate::transport::tcp::{Flags, Tcp};

/// Frames that a ladder keeps; the rest is counted.
const MOST: usize = 4096;

/// A recording under way: the first connection decides, other frames are counted.
#[derive(Debug, Default)]
pub struct Recording {
    connection: Option<Connection>,
    first: Option<i64>,
    observation: Observation,
    /// Frames of other connections, or of none.
    pub others: u64,
    /// Frames of later connections between the same ports.
    pub later: u64,
    /// The number of the first of them.
    pub first_later: Option<u64>,
    /// Fragments of which nobody could say before their datagram was whole that it is of the connection.
    pub pieces: u64,
    /// Frames of the connection that do not begin with an Ethernet header, which a ladder needs.
    pub not_ethernet: u64,
}

/// The connection that is drawn.
#[derive(Debug)]
struct Connection {
    pair: Pair,
    /// Which end of the pair spoke first.
    left: usize,
    /// Of each end: the sequence number of its SYN.
    opened: [Option<u32>; 2],
    /// Of each end: whether it sent anything.
    spoke: [bool; 2],
    /// Another one between the same ports has begun.
    over: bool,
}

impl Connection {
    fn new(pair: Pair, left: usize) -> Self {
        Connection { pair, left, opened: [None; 2], spoke: [false; 2], over: false }
    }

    /// Takes in a segment of one end: a SYN that does not repeat that end's own opens another connection.
    fn see(&mut self, from: usize, tcp: &Tcp) {
        if tcp.flags.contains(Flags::SYN) {
            let another = self.opened[from].map_or(self.spoke[from], |opened| opened != tcp.sequence);
            self.over |= another && !tcp.flags.contains(Flags::ACK);
            self.opened[from].get_or_insert(tcp.sequence);
        }
        self.spoke[from] = true;
    }
}

impl Recording {
    /// Takes in a frame.
    pub fn see(&mut self, packet: &Packet<'_>) {
        let datagram = segment::datagram(packet).filter(|datagram| datagram.protocol == protocols::TCP);
        let Some(datagram) = datagram else {
            self.others += 1;
            return;
        };
        let (pair, end) = Pair::of(datagram.source, datagram.destination);
        // A fragment alone opens nothing.
        if let Some((tcp, _)) = &datagram.tcp {
            let connection = self.connection.get_or_insert_with(|| Connection::new(pair, end));
            if connection.pair == pair {
                connection.see(end, tcp);
            }
        }
        match &self.connection {
            Some(connection) if connection.pair == pair && connection.over => {
                self.later += 1;
                self.first_later.get_or_insert(packet.number);
            }
            Some(connection) if connection.pair == pair => {
                let from = usize::from(connection.left != end);
                self.draw(packet, from, [datagram.source, datagram.destination]);
            }
            _ => self.others += 1,
        }
    }

    fn draw(&mut self, packet: &Packet<'_>, from: usize, mut ends: [(IpAddr, u16); 2]) {
        if packet.frame.link != LinkType::Ethernet {
            self.not_ethernet += 1;
            return;
        }
        if self.observation.hosts.is_empty() {
            ends.rotate_left(from);
            self.observation.hosts = stations(packet, from, ends);
        }
        self.observation.wire.frames += 1;
        if self.observation.events.len() >= MOST {
            self.observation.frames_not_kept += 1;
            return;
        }
        self.find_pieces(packet);
        let time = packet.frame.time.unwrap_or(0);
        let since = time.saturating_sub(*self.first.get_or_insert(time));
        let frame = Frame {
            number: packet.number,
            from,
            to: vec![1 - from],
            fate: Told::Forwarded,
            bytes: packet.frame.bytes.to_vec(),
            damaged: None,
            whole: whole(packet),
        };
        // A clock that was set back does not turn the ladder round.
        let at = Duration::from_nanos(u64::try_from(since).unwrap_or(0));
        self.observation.events.push(Event { at, what: What::Frame(frame), states: Vec::new() });
    }

    /// Counts the fragments of a datagram that is whole now which are not in the drawing.
    fn find_pieces(&mut self, packet: &Packet<'_>) {
        let pieces = packet.fragments.iter().flat_map(|fragment| &fragment.taken.frames);
        let number = |event: &Event| if let What::Frame(frame) = &event.what { frame.number } else { 0 };
        let drawn = |wanted: &u64| self.observation.events.binary_search_by_key(wanted, number).is_ok();
        let missing = pieces.filter(|number| **number != packet.number && !drawn(number)).count() as u64;
        self.pieces += missing;
        self.others = self.others.saturating_sub(missing);
    }

    /// What was recorded; none where there was no TCP connection.
    pub fn observation(&self) -> Option<&Observation> {
        (!self.observation.events.is_empty()).then_some(&self.observation)
    }
}

/// Both ends, the left one first; the frame is of end `from`.
fn stations(packet: &Packet<'_>, from: usize, ends: [(IpAddr, u16); 2]) -> Vec<Station> {
    let macs = packet.layers.iter().find_map(|layer| match layer.header {
        Header::Ethernet(header) => Some([header.source, header.destination]),
        _ => None,
    });
    let mut macs = macs.unwrap_or_default();
    macs.rotate_left(from);
    // On the loopback interface both have the same, which says of no frame for whom it is.
    let known = macs[0] != macs[1];
    let station = |((address, port), mac): ((IpAddr, u16), Mac)| Station {
        name: format!("port {port}"),
        addresses: vec![address],
        macs: if known { vec![mac] } else { Vec::new() },
    };
    ends.into_iter().zip(macs).map(station).collect()
}

/// The datagram that is whole with this frame, behind an Ethernet header; none where none is.
fn whole(packet: &Packet<'_>) -> Option<Vec<u8>> {
    let fragment = packet.fragments.iter().rfind(|fragment| fragment.completes())?;
    let is_ip = |layer: &&Layer| matches!(layer.header, Header::Ipv4(_) | Header::Ipv6(_));
    let ip = packet.layers.get(..=fragment.layer)?.iter().rev().find(is_ip)?;
    let headers = ip.bytes.start as usize..fragment.payload(packet.layers).start as usize;
    let mut headers = packet.bytes.get(headers)?.to_vec();
    let payload = packet.bytes.get(fragment.whole.start as usize..fragment.whole.end as usize)?;
    // Where the length stands and what it counts, and where the place of the fragment stands.
    let counted = headers.len() + payload.len();
    let (ether_type, length, counted, place) = match fragment.version {
        Version::V4 => ([0x08, 0x00], 2, counted, 6),
        Version::V6 => ([0x86, 0xdd], 4, counted.checked_sub(40)?, headers.len().checked_sub(6)?),
    };
    let counted = u16::try_from(counted).ok()?.to_be_bytes();
    headers.get_mut(length..length + 2)?.copy_from_slice(&counted);
    headers.get_mut(place..place + 2)?.fill(0);
    let addresses = packet.frame.bytes.get(..12)?;
    Some([addresses, &ether_type, &headers, payload].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::frame::Source;
    use crate::capture::{Dissector, Stored};

    #[test]
    fn both_ends_may_have_the_same_address() {
        let segment = |ports: [u8; 4]| {
            let mut bytes = vec![0; 12];
            bytes.extend([8, 0, 0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1]);
            bytes.extend(ports);
            bytes.extend([0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10, 0, 1, 0, 0, 0, 0]);
            bytes
        };
        let (mut recording, mut dissector) = (Recording::default(), Dissector::new(false));
        for ports in [[0x9c, 0x40, 0, 80], [0, 80, 0x9c, 0x40]] {
            recording.see(&dissector.read(crate::capture::Frame::ethernet(&segment(ports))));
        }
        let observation = recording.observation().unwrap();
        let names: Vec<&str> = observation.hosts.iter().map(|host| host.name.as_str()).collect();
        let ways: Vec<usize> = observation.frames().map(|frame| frame.from).collect();
        assert_eq!((names, ways), (vec!["port 40000", "port 80"], vec![0, 1]));
        assert!(observation.hosts.iter().all(|host| host.macs.is_empty()), "both would be every frame's receiver");
    }

    #[test]
    fn the_first_connection_becomes_a_ladder_and_other_frames_are_counted() {
        let file = include_bytes!("../../docs/example.pcapng");
        let (mut stored, mut dissector) = (Stored::open(file.as_slice()).unwrap(), Dissector::new(false));
        let mut recording = Recording::default();
        while let Some(frame) = stored.next().unwrap() {
            recording.see(&dissector.read(frame));
        }
        let observation = recording.observation().unwrap();
        let names: Vec<&str> = observation.hosts.iter().map(|host| host.name.as_str()).collect();
        assert_eq!(names, ["port 32000", "port 80"]);
        let ways: Vec<usize> = observation.frames().map(|frame| frame.from).collect();
        assert_eq!(ways, [0, 1, 0, 0, 1, 1, 0, 0]);
        assert_eq!((recording.others, recording.not_ethernet), (4, 0));
    }
}
