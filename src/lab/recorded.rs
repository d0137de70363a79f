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
use crate::dissect::Header;
use crate::link::LinkType;

/// Frames that a ladder keeps; the rest is counted.
const MOST: usize = 4096;

/// A recording under way: the first connection decides, other frames are counted.
#[derive(Debug, Default)]
pub struct Recording {
    connection: Option<Pair>,
    first: Option<i64>,
    observation: Observation,
    /// Frames of other connections, or of none.
    pub others: u64,
    /// Frames of the connection that do not begin with an Ethernet header, which a ladder needs.
    pub not_ethernet: u64,
}

impl Recording {
    /// Takes in a frame.
    pub fn see(&mut self, packet: &Packet<'_>) {
        let Some(datagram) = segment::datagram(packet).filter(|datagram| datagram.tcp.is_some()) else {
            self.others += 1;
            return;
        };
        let (pair, _) = Pair::of(datagram.source, datagram.destination);
        if *self.connection.get_or_insert(pair) != pair {
            self.others += 1;
            return;
        }
        if packet.frame.link != LinkType::Ethernet {
            self.not_ethernet += 1;
            return;
        }
        if self.observation.hosts.is_empty() {
            self.observation.hosts = ends(packet, [datagram.source, datagram.destination]);
        }
        self.observation.wire.frames += 1;
        if self.observation.events.len() >= MOST {
            self.observation.frames_not_kept += 1;
            return;
        }
        let time = packet.frame.time.unwrap_or(0);
        let since = time.saturating_sub(*self.first.get_or_insert(time));
        let from = usize::from(self.observation.hosts[0].addresses != [datagram.source.0]);
        let frame = Frame {
            number: packet.number,
            from,
            to: vec![1 - from],
            fate: Told::Forwarded,
            bytes: packet.frame.bytes.to_vec(),
            damaged: None,
        };
        // A clock that was set back does not turn the ladder round.
        let at = Duration::from_nanos(u64::try_from(since).unwrap_or(0));
        self.observation.events.push(Event { at, what: What::Frame(frame), states: Vec::new() });
    }

    /// What was recorded; none where there was no TCP connection.
    pub fn observation(&self) -> Option<&Observation> {
        (!self.observation.events.is_empty()).then_some(&self.observation)
    }
}

/// Both ends: who spoke first stands on the left.
fn ends(packet: &Packet<'_>, ends: [(IpAddr, u16); 2]) -> Vec<Station> {
    let macs = packet.layers.iter().find_map(|layer| match layer.header {
        Header::Ethernet(header) => Some([header.source, header.destination]),
        _ => None,
    });
    let macs = macs.unwrap_or([Mac([0; 6]); 2]);
    let station =
        |((address, port), mac)| Station { name: format!("port {port}"), addresses: vec![address], macs: vec![mac] };
    ends.into_iter().zip(macs).map(station).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::frame::Source;
    use crate::capture::{Dissector, Stored};

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
