//! The TCP segments of an observation, for checks.

use super::fate::Told;
use super::observation::Observation;
use crate::bytes::Silent;
use crate::dissect::{Data, Header, Layer, Origin, dissect};
use crate::transport::TcpOptions;
use crate::transport::tcp::{Flags, Tcp};

/// Which way a segment went between two hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the first host named to the second.
    LeftToRight,
    /// From the second to the first.
    RightToLeft,
}

/// A TCP segment on the wire.
#[derive(Clone, Copy, Debug)]
pub struct Segment {
    /// Number of the frame.
    pub number: u64,
    /// When it arrived at the wire, in nanoseconds of the lab's clock.
    pub time_ns: u128,
    /// Which way it went.
    pub direction: Direction,
    /// What became of it.
    pub fate: Told,
    /// Port of the sender.
    pub source: u16,
    /// Port of the receiver.
    pub destination: u16,
    /// Sequence number, absolute.
    pub sequence: u32,
    /// Acknowledgement number, absolute.
    pub acknowledgment: u32,
    /// Flags.
    pub flags: Flags,
    /// Window as sent, not scaled.
    pub window: u16,
    /// Options.
    pub options: TcpOptions,
    /// Payload in bytes.
    pub length: usize,
}

/// The segments between two hosts, each once, in the order of arrival at the wire.
pub fn of(observation: &Observation, left: usize, right: usize) -> Vec<Segment> {
    let mut layers = Vec::new();
    let mut segments: Vec<Segment> = Vec::new();
    for (event, frame) in observation.departures().filter(|(_, frame)| frame.from == left || frame.from == right) {
        dissect(&Origin::ethernet(&frame.bytes), &frame.bytes, Silent, &mut layers);
        let Some(tcp) = header(&layers) else { continue };
        segments.push(Segment {
            number: frame.number,
            time_ns: event.at.as_nanos(),
            direction: if frame.from == left { Direction::LeftToRight } else { Direction::RightToLeft },
            fate: frame.fate,
            source: tcp.source,
            destination: tcp.destination,
            sequence: tcp.sequence,
            acknowledgment: tcp.acknowledgment,
            flags: tcp.flags,
            window: tcp.window,
            options: tcp.options,
            length: payload(&layers),
        });
    }
    segments
}

/// The flags of segments, one after the other: `SYN, SYN ACK, ACK`.
pub fn flags(segments: &[Segment]) -> String {
    segments.iter().map(|segment| segment.flags.to_string()).collect::<Vec<_>>().join(", ")
}

/// The bytes of data of segments, one after the other: `3, 6`.
pub fn lengths(segments: &[Segment]) -> String {
    segments.iter().map(|segment| segment.length.to_string()).collect::<Vec<_>>().join(", ")
}

/// The TCP header among the layers of a frame.
pub fn header(layers: &[Layer]) -> Option<Tcp> {
    layers.iter().find_map(|layer| if let Header::Tcp(tcp) = layer.header { Some(tcp) } else { None })
}

/// Bytes of data among the layers of a frame, those of messages that were read included.
pub fn payload(layers: &[Layer]) -> usize {
    let carried = |layer: &&Layer| layer.header.is_application() || layer.header == Header::Data(Data::Payload);
    layers.iter().filter(carried).map(|layer| layer.bytes.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_was_read_is_data_like_any_other() {
        let request = b"GET / HTTP/1.1\r\n\r\nx";
        let mut frame = b"\0\0\0\0\0\0\0\0\0\0\0\0\x08\0\x45\0\0\0\0\0\0\0\x40\x06\0\0".to_vec();
        frame.extend([0; 8]);
        frame.extend(b"\x9c\x40\x1f\x90\0\0\0\0\0\0\0\0\x50\x18\0\0\0\0\0\0");
        frame.extend(request);
        frame[17] = (frame.len() - 14) as u8;
        let mut layers = Vec::new();
        dissect(&Origin::ethernet(&frame), &frame, Silent, &mut layers);
        assert!(layers.iter().any(|layer| layer.header.is_application()), "{layers:?}");
        assert_eq!(payload(&layers), request.len());
    }
}
