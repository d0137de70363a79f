//! Frames that kernels repeat only because somebody thought about the first copy for longer than they wait.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::time::Duration;

use super::fate::{Fate, Passing};
use crate::dissect::{Data, Header};
use crate::transport::tcp::Flags;

/// What makes two frames copies of each other to a reader. Time stamps, acknowledgements and windows may differ.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Identity {
    /// A segment that takes up sequence numbers. Pure acknowledgements are never repeated by a timer.
    Segment { ends: [(Ipv4Addr, u16); 2], sequence: u32, length: usize, flags: Flags },
    /// An ARP question, byte by byte.
    Question(Vec<u8>),
}

impl Identity {
    fn of(frame: &Passing<'_>) -> Option<Self> {
        let mut addresses = None;
        let payload = frame.layers.iter().find(|layer| layer.header == Header::Data(Data::Payload));
        let length = payload.map_or(0, |layer| layer.bytes.len());
        for layer in frame.layers.iter().filter(|layer| !layer.quoted) {
            match &layer.header {
                Header::Arp(_) => return Some(Identity::Question(frame.bytes.to_vec())),
                Header::Ipv4(ip) => addresses = Some((ip.source, ip.destination)),
                Header::Tcp(tcp) => {
                    let (source, destination) = addresses?;
                    let flags = Flags(tcp.flags.0 & Flags::SYN.with(Flags::FIN).with(Flags::RST).0);
                    let ends = [(source, tcp.source), (destination, tcp.destination)];
                    let takes_numbers = length > 0 || flags != Flags(0);
                    return takes_numbers.then_some(Identity::Segment { ends, sequence: tcp.sequence, length, flags });
                }
                _ => {}
            }
        }
        None
    }
}

/// The frames that were thought about, and how long.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    /// Frames that were let through, with the thinking that had been done when each arrived.
    passed: VecDeque<(Identity, Duration)>,
    thought: Duration,
}

/// More frames than kernels still have unacknowledged in a lab that somebody steps through.
const REMEMBERED: usize = 512;

impl Repeats {
    /// Whether the frame only repeats one that was let through, after somebody thought.
    pub(super) fn is_repeat(&mut self, frame: &Passing<'_>) -> bool {
        if self.thought.is_zero() {
            return false;
        }
        let Some(identity) = Identity::of(frame) else { return false };
        let thought = self.thought;
        let first = self.passed.iter_mut().find(|(known, _)| *known == identity);
        // The next copy is the kernel's own doing unless there was more thinking.
        first.is_some_and(|(_, before)| std::mem::replace(before, thought) < thought)
    }

    /// A frame met its fate after somebody thought for this long. Where one was lost, repetitions are the point.
    pub(super) fn passed(&mut self, frame: &Passing<'_>, fate: Fate, thought: Duration) {
        let before = self.thought;
        self.thought = before.saturating_add(thought);
        if matches!(fate, Fate::Drop | Fate::Corrupt(_) | Fate::Hold) {
            self.passed.clear();
        } else if let Some(identity) = Identity::of(frame) {
            if self.passed.len() == REMEMBERED {
                self.passed.pop_front();
            }
            self.passed.push_back((identity, before));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dissect::{Layer, Origin, dissect};

    const SECOND: Duration = Duration::from_secs(1);

    /// A segment of the golden frames' connection, with this sequence number and these flags, and its layers.
    fn segment(sequence: u32, flags: u8, payload: &[u8]) -> (Vec<u8>, Vec<Layer>) {
        let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];
        let total = (40 + payload.len()) as u16;
        frame.extend([0x45, 0, (total >> 8) as u8, total as u8, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
        frame.extend([0x9c, 0x40, 0, 80]);
        frame.extend(sequence.to_be_bytes());
        frame.extend([0, 0, 0, 0, 0x50, flags, 1, 0, 0, 0, 0, 0]);
        frame.extend(payload);
        let mut layers = Vec::new();
        dissect(&Origin::ethernet(&frame), &frame, crate::bytes::Silent, &mut layers);
        (frame, layers)
    }

    fn passing((bytes, layers): &(Vec<u8>, Vec<Layer>)) -> Passing<'_> {
        Passing { number: 1, from: 0, bytes, layers }
    }

    #[test]
    fn a_copy_of_a_frame_that_was_thought_about_is_left_out_once() {
        let mut repeats = Repeats::default();
        let syn = segment(7, 2, b"");
        assert!(!repeats.is_repeat(&passing(&syn)));
        repeats.passed(&passing(&syn), Fate::Forward, SECOND);
        assert!(repeats.is_repeat(&passing(&syn)));
        assert!(!repeats.is_repeat(&passing(&syn)), "nobody thought since the copy before");
        assert!(!repeats.is_repeat(&passing(&segment(8, 2, b""))), "another sequence number");
        assert!(!repeats.is_repeat(&passing(&segment(7, 1, b""))), "other flags");
        assert!(!repeats.is_repeat(&passing(&segment(7, 2, b"x"))), "another length");
    }

    #[test]
    fn after_a_loss_repetitions_are_shown() {
        let mut repeats = Repeats::default();
        let data = segment(7, 0x18, b"data");
        repeats.passed(&passing(&data), Fate::Drop, SECOND);
        assert!(!repeats.is_repeat(&passing(&data)));
    }

    #[test]
    fn pure_acknowledgements_are_never_left_out() {
        let mut repeats = Repeats::default();
        let ack = segment(7, 0x10, b"");
        repeats.passed(&passing(&ack), Fate::Forward, SECOND);
        assert!(!repeats.is_repeat(&passing(&ack)));
    }
}
