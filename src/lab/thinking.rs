//! Frames that kernels repeat only because somebody thought about the first copy for longer than they wait.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use super::fate::{Fate, Passing};
use super::segments;
use crate::dissect::Header;
use crate::transport::tcp::Flags;

/// What makes two frames copies of each other to a reader. Time stamps, acknowledgements and windows may differ.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Identity {
    /// A segment that takes up sequence numbers. Pure acknowledgements and RST are never repeated by a timer.
    Segment { ends: [(Ipv4Addr, u16); 2], sequence: u32, length: usize, flags: Flags },
    /// An ARP question, byte by byte.
    Question(Vec<u8>),
}

impl Identity {
    fn of(frame: &Passing<'_>) -> Option<Self> {
        let mut addresses = None;
        let length = segments::payload(frame.layers);
        for layer in frame.layers.iter().filter(|layer| !layer.quoted) {
            match &layer.header {
                Header::Arp(_) => return Some(Identity::Question(frame.bytes.to_vec())),
                Header::Ipv4(ip) => addresses = Some((ip.source, ip.destination)),
                Header::Tcp(tcp) => {
                    let (source, destination) = addresses?;
                    let flags = Flags(tcp.flags.0 & Flags::SYN.with(Flags::FIN).with(Flags::ACK).0);
                    let ends = [(source, tcp.source), (destination, tcp.destination)];
                    let takes_numbers = length > 0 || flags.contains(Flags::SYN) || flags.contains(Flags::FIN);
                    return takes_numbers.then_some(Identity::Segment { ends, sequence: tcp.sequence, length, flags });
                }
                _ => {}
            }
        }
        None
    }
}

/// The frames that were let through while somebody thinks about each.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    /// Each with the host that sent it.
    passed: VecDeque<(usize, Identity)>,
    thought_until: Option<Instant>,
}

/// More frames than kernels still have unacknowledged in a lab that somebody steps through.
const REMEMBERED: usize = 512;

/// What arrived while somebody thought is read at once afterwards; what a timer sends later is the kernel's own doing.
const AT_ONCE: Duration = Duration::from_millis(100);

impl Repeats {
    /// Whether the frame, read at `now`, arrived while somebody thought and repeats one that was let through.
    pub(super) fn is_repeat(&self, frame: &Passing<'_>, now: Instant) -> bool {
        let meanwhile = self.thought_until.is_some_and(|end| now.saturating_duration_since(end) < AT_ONCE);
        meanwhile && Identity::of(frame).is_some_and(|identity| self.passed.contains(&(frame.from, identity)))
    }

    /// A frame met its fate at `now`, after somebody thought. Where one was lost, repetitions are the point: its own, and
    /// those of the other side, which may have waited for it.
    pub(super) fn passed(&mut self, frame: &Passing<'_>, fate: Fate, now: Instant) {
        self.thought_until = Some(now);
        let identity = Identity::of(frame);
        if matches!(fate, Fate::Drop | Fate::Corrupt(_)) {
            self.passed.retain(|(from, passed)| *from == frame.from && Some(passed) != identity.as_ref());
        } else if let Some(identity) = identity {
            if self.passed.len() == REMEMBERED {
                self.passed.pop_front();
            }
            self.passed.push_back((frame.from, identity));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dissect::{Layer, Origin, dissect};

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
    fn copies_that_arrived_while_somebody_thought_are_left_out() {
        let (mut repeats, now) = (Repeats::default(), Instant::now());
        let syn = segment(7, 2, b"");
        assert!(!repeats.is_repeat(&passing(&syn), now));
        repeats.passed(&passing(&syn), Fate::Forward, now);
        assert!(repeats.is_repeat(&passing(&syn), now) && repeats.is_repeat(&passing(&syn), now));
        assert!(!repeats.is_repeat(&passing(&syn), now + AT_ONCE), "a timer sent it later");
        assert!(!repeats.is_repeat(&passing(&segment(8, 2, b"")), now), "another sequence number");
        assert!(!repeats.is_repeat(&passing(&segment(7, 1, b"")), now), "other flags");
        assert!(!repeats.is_repeat(&passing(&segment(7, 2, b"x")), now), "another length");
    }

    #[test]
    fn after_a_loss_repetitions_are_shown() {
        let (mut repeats, now) = (Repeats::default(), Instant::now());
        let data = segment(7, 0x18, b"data");
        repeats.passed(&passing(&data), Fate::Drop, now);
        assert!(!repeats.is_repeat(&passing(&data), now));
    }

    #[test]
    fn what_the_other_side_repeats_for_a_lost_acknowledgement_is_shown() {
        let (mut repeats, now) = (Repeats::default(), Instant::now());
        let (data, ack) = (segment(7, 0x18, b"data"), segment(9, 0x10, b""));
        repeats.passed(&passing(&data), Fate::Forward, now);
        repeats.passed(&Passing { from: 1, ..passing(&ack) }, Fate::Drop, now);
        assert!(!repeats.is_repeat(&passing(&data), now));
    }

    #[test]
    fn what_was_passed_before_a_loss_of_the_same_side_is_left_out() {
        let (mut repeats, now) = (Repeats::default(), Instant::now());
        let (first, second) = (segment(7, 0x18, b"data"), segment(11, 0x18, b"more"));
        repeats.passed(&passing(&first), Fate::Forward, now);
        repeats.passed(&passing(&second), Fate::Drop, now);
        assert!(repeats.is_repeat(&passing(&first), now) && !repeats.is_repeat(&passing(&second), now));
    }

    #[test]
    fn the_answer_to_a_syn_that_crossed_ones_own_is_no_repetition() {
        let (mut repeats, now) = (Repeats::default(), Instant::now());
        repeats.passed(&passing(&segment(7, 2, b"")), Fate::Forward, now);
        assert!(!repeats.is_repeat(&passing(&segment(7, 0x12, b"")), now));
    }

    #[test]
    fn no_timer_repeats_a_reset() {
        let (mut repeats, now) = (Repeats::default(), Instant::now());
        let reset = segment(7, 4, b"");
        repeats.passed(&passing(&reset), Fate::Forward, now);
        assert!(!repeats.is_repeat(&passing(&reset), now));
    }

    #[test]
    fn copies_of_a_frame_that_the_lab_holds_are_left_out() {
        let (mut repeats, now) = (Repeats::default(), Instant::now());
        let syn = segment(7, 2, b"");
        repeats.passed(&passing(&syn), Fate::Hold, now);
        assert!(repeats.is_repeat(&passing(&syn), now));
    }

    #[test]
    fn pure_acknowledgements_are_never_left_out() {
        let (mut repeats, now) = (Repeats::default(), Instant::now());
        let ack = segment(7, 0x10, b"");
        repeats.passed(&passing(&ack), Fate::Forward, now);
        assert!(!repeats.is_repeat(&passing(&ack), now));
    }
}
