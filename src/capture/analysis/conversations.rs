//! Who talks with whom, in bounded memory.

use std::collections::HashMap;
use std::net::IpAddr;

use super::notes::{Notes, SENT_AGAIN};
use super::segment::Datagram;
use super::tcp::{Connection, Finding};
use super::timing::Timing;
use crate::capture::frame::Nanoseconds;
use crate::capture::pair::{Pair, Seeded};
use crate::transport::Tcp;
use crate::transport::tcp::Flags;

/// What one end has sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Sent {
    /// Frames.
    pub frames: u64,
    /// Bytes of those frames on the wire.
    pub bytes: u64,
    /// TCP segments that were sent again.
    pub sent_again: u64,
    /// TCP segments of which the one before was not captured.
    pub gaps: u64,
}

/// A conversation: datagrams of one protocol between two addresses and their ports.
#[derive(Clone, Copy, Debug)]
pub struct Conversation {
    /// Counts from 1, in the order in which they began.
    pub number: u64,
    /// Protocol number (IANA).
    pub protocol: u8,
    /// The end that was seen to speak first, then the other; port 0 where there are none.
    pub ends: [(IpAddr, u16); 2],
    /// What each has sent.
    pub sent: [Sent; 2],
    /// First and last frame; none where frames have no time.
    pub times: Option<(Nanoseconds, Nanoseconds)>,
    /// The connection, of TCP.
    pub connection: Option<Connection>,
    pair: Pair,
    /// Whether the first end is the pair's first.
    straight: bool,
    last_used: u64,
}

/// Conversations that had to make room for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Forgotten {
    /// How many.
    pub conversations: u64,
    /// Their frames.
    pub frames: u64,
    /// The bytes of those.
    pub bytes: u64,
}

/// Every conversation, or as many as there is memory for: then the one unheard of for longest, of a few, makes room.
#[derive(Debug)]
pub struct Conversations {
    list: Vec<Conversation>,
    index: HashMap<(u8, Pair), u32, Seeded>,
    most: usize,
    clock: u64,
    hand: usize,
    timing: Option<Timing>,
    begun: u64,
    /// The number of the one that the last datagram belongs to.
    pub latest: u64,
    /// What made room.
    pub forgotten: Forgotten,
}

/// Among how many the one to make room is chosen.
const CANDIDATES: usize = 16;

impl Conversations {
    /// Room for conversations in about `memory` bytes, at least a thousand.
    pub fn within(memory: usize) -> Self {
        // The index holds a key and a number per place, and has up to twice the places that are used.
        let each = size_of::<Conversation>() + 2 * size_of::<((u8, Pair), u32)>() + 2;
        let most = (memory / each).max(1000);
        let (mut list, mut index) = (Vec::new(), HashMap::default());
        // All at once: a table that grows holds its old half and its new one for a moment. What is not used yet is not
        // touched, and takes no memory. Where so much cannot be had, it grows after all.
        let _ = list.try_reserve_exact(most);
        let _ = index.try_reserve(most);
        Conversations {
            list,
            index,
            most,
            clock: 0,
            hand: 0,
            begun: 0,
            latest: 0,
            timing: None,
            forgotten: Forgotten::default(),
        }
    }

    /// The conversations, which also time every acknowledgement.
    #[must_use]
    pub fn timing(self) -> Self {
        Conversations { timing: Some(Timing::default()), ..self }
    }

    /// The conversations that are known, in the order in which they began unless some made room.
    pub fn list(&self) -> &[Conversation] {
        &self.list
    }

    /// Takes in a datagram in a frame of `bytes` bytes.
    pub fn see(&mut self, datagram: &Datagram, bytes: u64, time: Option<Nanoseconds>) -> Finding {
        let (pair, low) = Pair::of(datagram.source, datagram.destination);
        let (at, reused) = self.find(datagram, pair, low);
        self.clock = self.clock.wrapping_add(1);
        let Some(conversation) = self.list.get_mut(at) else { return Finding::default() };
        conversation.last_used = self.clock;
        self.latest = conversation.number;
        let from = usize::from(conversation.straight != (low == 0));
        if let Some(time) = time {
            conversation.times = Some((conversation.times.map_or(time, |(first, _)| first), time));
        }
        let mut finding = Finding::default();
        if let (Some(connection), Some((tcp, length))) = (&mut conversation.connection, &datagram.tcp) {
            finding = connection.see(from, tcp, *length, time.unwrap_or(0));
            if let (Some(time), Some(timing)) = (time, &mut self.timing) {
                finding.round_trip_ns = timed(timing, &pair, low, tcp, *length, finding, time);
            }
        }
        if reused {
            finding.notes.add(Notes::PORTS_REUSED);
        }
        let sent = &mut conversation.sent[from];
        sent.frames = sent.frames.saturating_add(1);
        sent.bytes = sent.bytes.saturating_add(bytes);
        sent.sent_again = sent.sent_again.saturating_add(u64::from(finding.notes.any(SENT_AGAIN)));
        sent.gaps = sent.gaps.saturating_add(u64::from(finding.notes.contains(Notes::PREVIOUS_LOST)));
        finding
    }

    /// Where the conversation of a datagram is, and whether it took the ports of one before it.
    fn find(&mut self, datagram: &Datagram, pair: Pair, low: usize) -> (usize, bool) {
        let key = (datagram.protocol, pair);
        let known = self.index.get(&key).map(|at| *at as usize);
        let reused = known.and_then(|at| self.list.get(at)).is_some_and(|known| {
            let from = usize::from(known.straight != (low == 0));
            let both = known.connection.as_ref().zip(datagram.tcp.as_ref());
            both.is_some_and(|(connection, (tcp, _))| connection.is_replaced_by(from, tcp))
        });
        if let (Some(at), false) = (known, reused) {
            return (at, false);
        }
        self.begun = self.begun.wrapping_add(1);
        let conversation = Conversation {
            number: self.begun,
            protocol: datagram.protocol,
            ends: [datagram.source, datagram.destination],
            sent: [Sent::default(); 2],
            times: None,
            connection: datagram.tcp.map(|_| Connection::default()),
            pair,
            straight: low == 0,
            last_used: self.clock,
        };
        let at = self.place(&conversation);
        self.index.insert(key, at as u32);
        (at, reused)
    }

    fn place(&mut self, conversation: &Conversation) -> usize {
        if self.list.len() < self.most {
            self.list.push(*conversation);
            return self.list.len() - 1;
        }
        let places = (self.hand..self.hand + CANDIDATES).map(|at| at % self.most);
        self.hand = (self.hand + CANDIDATES) % self.most;
        let at = places.min_by_key(|at| self.list.get(*at).map(|known| known.last_used)).unwrap_or(0);
        if let Some(old) = self.list.get_mut(at) {
            let gone = std::mem::replace(old, *conversation);
            self.forget(&gone, at);
        }
        at
    }

    fn forget(&mut self, gone: &Conversation, at: usize) {
        let key = (gone.protocol, gone.pair);
        // Its ports may have been taken over by a conversation elsewhere in the list.
        if self.index.get(&key).is_some_and(|known| *known as usize == at) {
            self.index.remove(&key);
        }
        let Forgotten { conversations, frames, bytes } = self.forgotten;
        self.forgotten = Forgotten {
            conversations: conversations.saturating_add(1),
            frames: frames.saturating_add(gone.sent.iter().map(|sent| sent.frames).sum()),
            bytes: bytes.saturating_add(gone.sent.iter().map(|sent| sent.bytes).sum()),
        };
    }
}

/// Times what end `from` of a pair sent and acknowledges.
fn timed(
    timing: &mut Timing,
    pair: &Pair,
    from: usize,
    tcp: &Tcp,
    length: u32,
    Finding { notes, advances, .. }: Finding,
    time: Nanoseconds,
) -> Option<u64> {
    let takes_a_number = tcp.flags.0 & (Flags::SYN.0 | Flags::FIN.0) != 0;
    let next = tcp.sequence.wrapping_add(length).wrapping_add(u32::from(takes_a_number));
    if notes.any(SENT_AGAIN.or(Notes::OUT_OF_ORDER)) {
        timing.sent_again(pair, from, next);
    } else if next != tcp.sequence && !notes.any(Notes::KEEP_ALIVE) {
        timing.sent(pair, from, next, time);
    }
    // What an overtaken acknowledgement says was said before.
    advances.then(|| timing.acknowledged(pair, 1 - from, tcp.acknowledgment, time)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn udp(from: u32, to: u32) -> Datagram {
        let end = |number: u32| (IpAddr::from(number.to_be_bytes()), 1000);
        Datagram { protocol: 17, source: end(from), destination: end(to), tcp: None }
    }

    #[test]
    fn both_directions_are_one_conversation_and_the_first_to_speak_stands_first() {
        let mut conversations = Conversations::within(0);
        conversations.see(&udp(9, 4), 100, Some(5));
        conversations.see(&udp(4, 9), 70, Some(9));
        let [conversation] = conversations.list() else { panic!("{conversations:?}") };
        assert_eq!(conversation.ends[0].0, IpAddr::from([0, 0, 0, 9]));
        assert_eq!(conversation.sent.map(|sent| (sent.frames, sent.bytes)), [(1, 100), (1, 70)]);
        assert_eq!(conversation.times, Some((5, 9)));
    }

    #[test]
    fn memory_is_bounded_and_what_made_room_is_counted() {
        let mut conversations = Conversations::within(0);
        let mut frames = 0;
        for number in 0..50_000 {
            conversations.see(&udp(number, u32::MAX), 60, None);
            // One that is always heard of stays.
            conversations.see(&udp(u32::MAX - 1, u32::MAX), 60, None);
            frames += 2;
        }
        assert_eq!(conversations.list().len(), 1000);
        assert!(conversations.index.len() <= 1000);
        let kept: u64 = conversations.list().iter().flat_map(|known| known.sent).map(|sent| sent.frames).sum();
        assert_eq!(kept + conversations.forgotten.frames, frames);
        assert!(conversations.list().iter().any(|known| known.sent[0].frames > 25_000), "the busy one was forgotten");
    }

    #[test]
    fn a_new_syn_between_the_same_ports_is_another_conversation() {
        let mut conversations = Conversations::within(0);
        let mut time = 0;
        let mut see = |flags, sequence| {
            time += 1_000_000_000;
            let tcp = Tcp { sequence, flags, ..Tcp::default() };
            conversations.see(&Datagram { protocol: 6, tcp: Some((tcp, 0)), ..udp(1, 2) }, 60, Some(time)).notes
        };
        assert!(see(Flags::SYN, 5).is_empty());
        assert_eq!(see(Flags::SYN, 5), Notes::RETRANSMISSION, "the same SYN once more");
        assert_eq!(see(Flags::SYN, 77), Notes::PORTS_REUSED);
        assert_eq!(conversations.list().len(), 2);
    }
}
