//! TCP connections made up the same way every time, seen halfway between their ends: with losses before and behind the
//! capture, reordering, repeated and selective acknowledgements, closed windows, keep-alives and reused ports.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::net::Ipv4Addr;

use pnet::packet::ethernet::{EtherTypes, MutableEthernetPacket};
use pnet::packet::ip::IpNextHeaderProtocols;
use pnet::packet::ipv4::{self, MutableIpv4Packet};
use pnet::packet::tcp::{self, MutableTcpPacket, TcpFlags, TcpOption, TcpPacket};

const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const SERVER: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 2);
const SEGMENT: u32 = 1000;
const MILLISECOND: u64 = 1_000_000;

/// A segment on its way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Segment {
    from_client: bool,
    flags: u8,
    /// Relative to the first number of the sender.
    sequence: u32,
    acknowledgment: u32,
    length: u32,
    window: u16,
    sack: Option<(u32, u32)>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Captured(Segment),
    Arrives(Segment),
    Timeout(u32),
    Reads,
}

/// One connection under way.
struct Connection {
    random: u64,
    port: u16,
    first: u32,
    now: u64,
    queue: BinaryHeap<Reverse<(u64, u64, Event)>>,
    order: u64,
    seen: Vec<(u64, Vec<u8>)>,
    // The client sends.
    next: u32,
    unacknowledged: u32,
    total: u32,
    duplicates: u32,
    recovered: u32,
    window: u32,
    // The server receives.
    expected: u32,
    beyond: BTreeMap<u32, u32>,
    room: u32,
}

impl Connection {
    fn new(seed: u64, port: u16, total: u32) -> Self {
        Connection {
            random: seed.wrapping_mul(2).wrapping_add(1),
            port,
            first: (seed as u32).wrapping_mul(0x9e37_79b9),
            now: 0,
            queue: BinaryHeap::new(),
            order: 0,
            seen: Vec::new(),
            next: 1,
            unacknowledged: 1,
            total,
            duplicates: 0,
            recovered: 0,
            window: 20_000,
            expected: 1,
            beyond: BTreeMap::new(),
            room: 20_000,
        }
    }

    /// xorshift64*, Vigna 2016.
    fn roll(&mut self, below: u32) -> u32 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        ((self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % u64::from(below)) as u32
    }

    fn later(&mut self, delay: u64, event: Event) {
        self.order += 1;
        self.queue.push(Reverse((self.now + delay, self.order, event)));
    }

    /// Puts a segment on its way: it may be lost before the capture, behind it, or be overtaken.
    fn send(&mut self, segment: Segment) {
        let control = segment.flags & (TcpFlags::SYN | TcpFlags::FIN) != 0;
        let (before, behind) = (self.roll(60) == 0 && !control, self.roll(40) == 0 && !control);
        if before {
            return;
        }
        let held_up = if self.roll(50) == 0 && !control { 2 * MILLISECOND } else { 0 };
        let halfway = MILLISECOND * if segment.from_client { 3 } else { 12 } + held_up;
        self.later(halfway, Event::Captured(segment.clone()));
        if !behind {
            self.later(15 * MILLISECOND + held_up, Event::Arrives(segment));
        }
    }

    fn data(&mut self, sequence: u32) {
        let length = SEGMENT.min(self.total + 1 - sequence);
        let flags = TcpFlags::ACK;
        let segment =
            Segment { from_client: true, flags, sequence, acknowledgment: 1, length, window: 8000, sack: None };
        self.send(segment);
    }

    /// Sends what the window allows.
    fn go_on(&mut self) {
        while self.next <= self.total && self.next + SEGMENT <= self.unacknowledged + self.window {
            self.data(self.next);
            self.next = (self.next + SEGMENT).min(self.total + 1);
            self.now += MILLISECOND / 10;
        }
        let waiting = self.unacknowledged;
        if self.unacknowledged <= self.total {
            self.later(300 * MILLISECOND, Event::Timeout(waiting));
        }
    }

    fn acknowledged(&mut self, segment: &Segment) {
        let opened = self.window != u32::from(segment.window) * 4;
        self.window = u32::from(segment.window) * 4;
        if segment.acknowledgment > self.unacknowledged {
            self.unacknowledged = segment.acknowledgment;
            self.duplicates = 0;
            self.go_on();
        } else if segment.acknowledgment == self.unacknowledged && !opened {
            self.duplicates += 1;
            if self.duplicates == 3 && self.recovered < self.unacknowledged {
                self.recovered = self.next;
                self.data(self.unacknowledged);
            }
        } else {
            self.go_on();
        }
    }

    fn received(&mut self, segment: &Segment) {
        let end = segment.sequence + segment.length;
        let takes = end.saturating_sub(self.expected) <= self.room;
        if segment.sequence <= self.expected && end > self.expected && takes {
            self.room = self.room.saturating_sub(end - self.expected);
            self.expected = end;
            while let Some((start, stop)) = self.beyond.pop_first() {
                if start > self.expected {
                    self.beyond.insert(start, stop);
                    break;
                }
                self.expected = self.expected.max(stop);
            }
        } else if segment.sequence > self.expected {
            self.beyond.insert(segment.sequence, end);
        }
        self.acknowledge();
        // Some programs read late.
        let late = self.port.is_multiple_of(3);
        if !late || self.room < SEGMENT && self.roll(6) == 0 {
            let pause = MILLISECOND * u64::from(1 + self.roll(if late { 1000 } else { 60 }));
            self.later(pause, Event::Reads);
        }
    }

    fn acknowledge(&mut self) {
        let sack = self.beyond.iter().next().map(|(start, stop)| (*start, *stop));
        let (acknowledgment, window) = (self.expected, (self.room / 4) as u16);
        let flags = TcpFlags::ACK;
        let segment = Segment { from_client: false, flags, sequence: 1, acknowledgment, length: 0, window, sack };
        self.send(segment);
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Captured(segment) => {
                let frame = self.frame(&segment);
                self.seen.push((self.now, frame));
            }
            Event::Arrives(segment) if segment.from_client => self.received(&segment),
            Event::Arrives(segment) => self.acknowledged(&segment),
            Event::Timeout(waiting) if waiting == self.unacknowledged && waiting <= self.total => {
                if self.window < SEGMENT {
                    let flags = TcpFlags::ACK;
                    // One byte of what comes next, or an old number without data.
                    let (sequence, length) = if self.roll(2) == 0 { (self.next, 1) } else { (self.next - 1, 0) };
                    let probe = Segment {
                        from_client: true,
                        flags,
                        sequence,
                        acknowledgment: 1,
                        length,
                        window: 8000,
                        sack: None,
                    };
                    self.send(probe);
                } else {
                    self.data(waiting);
                    self.duplicates = 0;
                }
                self.later(400 * MILLISECOND, Event::Timeout(waiting));
            }
            Event::Timeout(_) => {}
            Event::Reads => {
                let closed = self.room < 2 * SEGMENT;
                self.room = 20_000;
                if closed {
                    self.acknowledge();
                }
            }
        }
    }

    fn control(&mut self, from_client: bool, flags: u8, sequence: u32, acknowledgment: u32) {
        let segment = Segment { from_client, flags, sequence, acknowledgment, length: 0, window: 5000, sack: None };
        self.now += 15 * MILLISECOND;
        let frame = self.frame(&segment);
        self.seen.push((self.now, frame));
    }

    fn run(mut self) -> Vec<(u64, Vec<u8>)> {
        self.control(true, TcpFlags::SYN, 0, 0);
        self.control(false, TcpFlags::SYN | TcpFlags::ACK, 0, 1);
        self.control(true, TcpFlags::ACK, 1, 1);
        self.go_on();
        while self.seen.len() < 2000
            && let Some(Reverse((time, _, event))) = self.queue.pop()
        {
            self.now = self.now.max(time);
            self.handle(event);
        }
        let (next, expected) = (self.next, self.expected);
        for _ in 0..2 {
            // A keep-alive and its answer.
            self.control(true, TcpFlags::ACK, next - 1, 1);
            self.control(false, TcpFlags::ACK, 1, expected);
        }
        if self.roll(3) == 0 {
            self.control(true, TcpFlags::RST | TcpFlags::ACK, next, 1);
        } else {
            self.control(true, TcpFlags::FIN | TcpFlags::ACK, next, 1);
            self.control(false, TcpFlags::FIN | TcpFlags::ACK, 1, next + 1);
            self.control(true, TcpFlags::ACK, next + 1, 2);
        }
        self.seen
    }

    fn frame(&self, segment: &Segment) -> Vec<u8> {
        let syn = segment.flags & TcpFlags::SYN != 0;
        let bases = [self.first, self.first.wrapping_add(0x1234_5678)];
        let (own, peer) = if segment.from_client { (bases[0], bases[1]) } else { (bases[1], bases[0]) };
        let mut options = vec![TcpOption::nop(), TcpOption::nop(), TcpOption::nop(), TcpOption::wscale(2)];
        let mut options_length = 6;
        options.truncate(if syn { 4 } else { 0 });
        if !syn {
            options_length = 0;
        }
        if let Some((left, right)) = segment.sack {
            options = vec![TcpOption::selective_ack(&[peer.wrapping_add(left), peer.wrapping_add(right)])];
            options.extend([TcpOption::nop(), TcpOption::nop()]);
            options_length = 12;
        }
        let options_length = usize::div_ceil(options_length, 4) * 4;
        let mut bytes = vec![0; 20 + options_length + segment.length as usize];
        let mut packet = MutableTcpPacket::new(&mut bytes).unwrap();
        let ports = if segment.from_client { (self.port, 80) } else { (80, self.port) };
        packet.set_source(ports.0);
        packet.set_destination(ports.1);
        packet.set_sequence(own.wrapping_add(segment.sequence));
        let acknowledges = segment.flags & TcpFlags::ACK != 0;
        packet.set_acknowledgement(if acknowledges { peer.wrapping_add(segment.acknowledgment) } else { 0 });
        packet.set_data_offset((5 + options_length / 4) as u8);
        packet.set_flags(segment.flags);
        packet.set_window(segment.window);
        packet.set_options(&options);
        let (source, destination) = if segment.from_client { (CLIENT, SERVER) } else { (SERVER, CLIENT) };
        let sum = tcp::ipv4_checksum(&TcpPacket::new(&bytes).unwrap(), &source, &destination);
        MutableTcpPacket::new(&mut bytes).unwrap().set_checksum(sum);
        ethernet(source, destination, &bytes)
    }
}

fn ethernet(source: Ipv4Addr, destination: Ipv4Addr, segment: &[u8]) -> Vec<u8> {
    let mut frame = vec![0; 34 + segment.len()];
    let mut packet = MutableEthernetPacket::new(&mut frame).unwrap();
    packet.set_ethertype(EtherTypes::Ipv4);
    let mut packet = MutableIpv4Packet::new(&mut frame[14..]).unwrap();
    packet.set_version(4);
    packet.set_header_length(5);
    packet.set_total_length((20 + segment.len()) as u16);
    packet.set_ttl(64);
    packet.set_next_level_protocol(IpNextHeaderProtocols::Tcp);
    packet.set_source(source);
    packet.set_destination(destination);
    packet.set_payload(segment);
    let sum = ipv4::checksum(&packet.to_immutable());
    packet.set_checksum(sum);
    frame
}

/// The frames of `connections` connections, with their times in nanoseconds; every tenth takes the port of the one before.
pub fn connections(connections: u16) -> Vec<(u64, Vec<u8>)> {
    let mut all: Vec<(u64, Vec<u8>)> = Vec::new();
    for number in 0..connections {
        let port = 40_000 + number - u16::from(number % 10 == 9);
        let start = 1_700_000_000_000_000_000 + u64::from(number) * 60_000 * MILLISECOND;
        let seen = Connection::new(u64::from(number) + 1, port, 60_000 + u32::from(number) * 100).run();
        all.extend(seen.into_iter().map(|(time, frame)| (start + time / 1000 * 1000, frame)));
    }
    all
}
