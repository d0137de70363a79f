//! TCP connections followed: what the programs wrote, in order, with gaps told.
//!
//! **Invariant:** memory is bounded, whatever is captured and for however long.

mod direction;

use std::collections::HashMap;
use std::net::IpAddr;

pub use direction::{Direction, MOST_WAITING, Piece};

use super::analysis::segment;
use super::packet::Packet;
use super::pair::Pair;
use crate::bytes::order;
use crate::dissect::Header;
use crate::transport::tcp::Flags;

/// Connections that are followed at once. Those unheard of for longest make room.
const CONNECTIONS: usize = 4096;

/// One end's words, as they come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Which connection, from 1, in the order of their first segments.
    pub connection: u64,
    /// Who speaks.
    pub from: (IpAddr, u16),
    /// To whom.
    pub to: (IpAddr, u16),
    /// What.
    pub pieces: Vec<Piece>,
}

#[derive(Debug, Default)]
struct Connection {
    number: u64,
    directions: [Direction; 2],
    /// Of each direction: who speaks to whom.
    ends: [Option<Ends>; 2],
    last_used: u64,
}

/// From, to.
type Ends = ((IpAddr, u16), (IpAddr, u16));

/// Connections under way.
#[derive(Debug, Default)]
pub struct Streams {
    connections: HashMap<Pair, Connection>,
    seen: u64,
    clock: u64,
    waiting_bytes: usize,
    /// Bytes that may wait in all connections together.
    memory: usize,
}

impl Streams {
    /// No connection yet; segments that wait take at most about `memory` bytes, and one connection's what it needs.
    pub fn within(memory: usize) -> Self {
        Streams { memory: memory.max(2 * MOST_WAITING), ..Streams::default() }
    }

    /// Connections that were seen so far.
    pub fn connections(&self) -> u64 {
        self.seen
    }

    /// Takes in a frame; what is in order now.
    pub fn see(&mut self, packet: &Packet<'_>) -> Vec<Said> {
        let mut all = Vec::new();
        let Some(datagram) = segment::datagram(packet) else { return all };
        let Some((tcp, _)) = datagram.tcp else { return all };
        let (pair, from) = Pair::of(datagram.source, datagram.destination);
        let opens = tcp.flags.contains(Flags::SYN) && !tcp.flags.contains(Flags::ACK);
        if opens && self.connections.get(&pair).is_some_and(|known| known.directions[from].is_replaced_by(tcp.sequence))
        {
            self.end(pair, &mut all);
        }
        self.make_room(pair, &mut all);
        self.clock = self.clock.wrapping_add(1);
        let (clock, seen) = (self.clock, &mut self.seen);
        let connection = self.connections.entry(pair).or_insert_with(|| {
            *seen += 1;
            Connection { number: *seen, ..Connection::default() }
        });
        connection.last_used = clock;
        connection.ends[from] = Some((datagram.source, datagram.destination));
        connection.ends[1 - from].get_or_insert((datagram.destination, datagram.source));
        let before: usize = connection.waiting_bytes();
        let mut pieces = [Vec::new(), Vec::new()];
        let [own, peer] = &mut pieces;
        if tcp.flags.contains(Flags::SYN) {
            connection.directions[from].opens(tcp.sequence);
        }
        // A SYN takes a number, and what comes with it (TCP Fast Open) stands behind that.
        let first = tcp.sequence.wrapping_add(u32::from(tcp.flags.contains(Flags::SYN)));
        connection.directions[from].take(first, payload(packet), own);
        if tcp.flags.contains(Flags::ACK) {
            connection.directions[1 - from].acknowledged(tcp.acknowledgment, peer);
        }
        // The peer's words came first: this segment only acknowledges them.
        let [own, peer] = pieces;
        say(connection, 1 - from, peer, &mut all);
        say(connection, from, own, &mut all);
        self.waiting_bytes = self.waiting_bytes.saturating_add(connection.waiting_bytes()).saturating_sub(before);
        if tcp.flags.contains(Flags::RST) {
            self.end(pair, &mut all);
        }
        all
    }

    /// What waits, with its gaps: no more comes.
    pub fn finish(&mut self) -> Vec<Said> {
        let mut all = Vec::new();
        let mut pairs: Vec<(u64, Pair)> = self.connections.iter().map(|(pair, known)| (known.number, *pair)).collect();
        order::by_key(&mut pairs, |(number, _)| *number);
        for (_, pair) in pairs {
            self.end(pair, &mut all);
        }
        all
    }

    fn make_room(&mut self, for_whom: Pair, all: &mut Vec<Said>) {
        let full = self.connections.len() >= CONNECTIONS && !self.connections.contains_key(&for_whom);
        if !full && self.waiting_bytes <= self.memory {
            return;
        }
        // Several at once, because looking for them takes its time.
        let mut pairs: Vec<(u64, Pair)> =
            self.connections.iter().map(|(pair, known)| (known.last_used, *pair)).collect();
        order::by_key(&mut pairs, |(last_used, _)| *last_used);
        for (_, pair) in pairs.into_iter().take(self.connections.len().div_ceil(4)) {
            self.end(pair, all);
        }
    }

    fn end(&mut self, pair: Pair, all: &mut Vec<Said>) {
        let Some(mut connection) = self.connections.remove(&pair) else { return };
        self.waiting_bytes = self.waiting_bytes.saturating_sub(connection.waiting_bytes());
        for end in 0..2 {
            let mut pieces = Vec::new();
            connection.directions[end].finish(&mut pieces);
            say(&connection, end, pieces, all);
        }
    }
}

impl Connection {
    fn waiting_bytes(&self) -> usize {
        self.directions.iter().map(Direction::waiting_bytes).sum()
    }
}

fn say(connection: &Connection, end: usize, pieces: Vec<Piece>, all: &mut Vec<Said>) {
    if let (Some((from, to)), false) = (connection.ends[end], pieces.is_empty()) {
        all.push(Said { connection: connection.number, from, to, pieces });
    }
}

/// The data of the segment, as far as they were captured.
fn payload<'a>(packet: &Packet<'a>) -> &'a [u8] {
    let tcp = packet.layers.iter().find(|layer| matches!(layer.header, Header::Tcp(_)));
    tcp.map_or(&[], |tcp| packet.carried(tcp))
}
