//! One datagram in pieces.

use std::collections::BTreeMap;

use super::{Piece, Refusal, State, Taken};

/// Bytes that it takes to keep a piece and a datagram, beside what they hold.
const PIECE: usize = 128;
const DATAGRAM: usize = 256;

/// The most that so many bytes of a fragment weigh: they may fill gaps of eight bytes each.
pub(super) fn weight_of(bytes: usize) -> usize {
    bytes.saturating_add(PIECE.saturating_mul((bytes / 8).saturating_add(1))).saturating_add(DATAGRAM)
}

/// Bytes that are here, and the frame that brought them.
#[derive(Debug)]
struct Held {
    bytes: Box<[u8]>,
    number: u64,
}

/// A datagram of which fragments are here.
///
/// **Invariant:** the pieces do not overlap.
#[derive(Debug, Default)]
pub(super) struct Datagram {
    serial: u64,
    begun_at: Option<i64>,
    /// By where they belong.
    pieces: BTreeMap<u32, Held>,
    /// Bytes of all pieces.
    held: u32,
    /// Where the last fragment ends.
    end: Option<u32>,
    /// Behind the highest byte that is here.
    highest: u32,
    /// The frames of the fragments, as they came.
    numbers: Vec<u64>,
    protocol: Option<u8>,
    ports: Option<(u16, u16)>,
    overlap: bool,
    given_up: bool,
}

impl Datagram {
    /// The `serial`th datagram, begun at this time.
    pub fn begun(serial: u64, begun_at: Option<i64>) -> Self {
        Datagram { serial, begun_at, ..Datagram::default() }
    }

    pub fn serial(&self) -> u64 {
        self.serial
    }

    pub fn begun_at(&self) -> Option<i64> {
        self.begun_at
    }

    pub fn is_given_up(&self) -> bool {
        self.given_up
    }

    /// Bytes of memory, about.
    pub fn weight(&self) -> usize {
        let bookkeeping = self.pieces.len().saturating_mul(PIECE).saturating_add(DATAGRAM);
        (self.held as usize).saturating_add(bookkeeping)
    }

    /// Takes in a fragment that came in frame `number`.
    pub fn take(&mut self, piece: &Piece<'_>, number: u64) -> Taken {
        if self.given_up {
            return Refusal::GivenUp.into();
        }
        if let Some(refusal) = self.contradiction(piece) {
            return refusal.into();
        }
        let (covered, same) = self.covered(piece);
        if let (Some(first), true) = (covered, same && self.has_all(piece)) {
            return Taken { ports: self.ports, ..self.state(State::Repeated(first)) };
        }
        if covered.is_some() && piece.key.source.is_ipv6() {
            let (serial, begun_at) = (self.serial, self.begun_at);
            *self = Datagram { given_up: true, ..Datagram::begun(serial, begun_at) };
            return Refusal::Overlap.into();
        }
        self.overlap |= covered.is_some();
        if !piece.more {
            self.end = Some(piece.end());
        }
        if piece.offset == 0 && self.protocol.is_none() {
            self.protocol = Some(piece.protocol);
            self.ports = ports(piece);
        }
        self.highest = self.highest.max(piece.end());
        if self.fill(piece, number) {
            self.numbers.push(number);
        }
        let taken = self.state(State::Waiting { held: self.held, of: self.end });
        let overlap = covered.is_some();
        if self.end != Some(self.held) {
            return Taken { overlap, ..taken };
        }
        let (overlap, frames) = (self.overlap, std::mem::take(&mut self.numbers));
        Taken { state: State::Whole, overlap, frames, ..taken }
    }

    fn state(&self, state: State) -> Taken {
        let (ports, protocol) = (self.ports, self.protocol.unwrap_or(0));
        Taken { state, overlap: false, ports, protocol, frames: Vec::new() }
    }

    /// What the end of the datagram says against a fragment.
    fn contradiction(&self, piece: &Piece<'_>) -> Option<Refusal> {
        match (self.end, piece.more) {
            (Some(end), true) => (piece.end() > end).then_some(Refusal::BehindTheEnd),
            (Some(end), false) => (piece.end() != end).then_some(Refusal::OtherEnd),
            (None, false) => (self.highest > piece.end()).then_some(Refusal::OtherEnd),
            (None, true) => None,
        }
    }

    /// The frame of the first piece that overlaps a fragment, and whether all that do have the same bytes.
    fn covered(&self, piece: &Piece<'_>) -> (Option<u64>, bool) {
        let (mut first, mut same) = (None, true);
        for (at, held) in self.around(piece) {
            let start = piece.offset.max(*at);
            let stop = piece.end().min(end(*at, held));
            if start >= stop {
                continue;
            }
            first.get_or_insert(held.number);
            let part = |from: u32| start.saturating_sub(from) as usize..stop.saturating_sub(from) as usize;
            same &= held.bytes.get(part(*at)) == piece.bytes.get(part(piece.offset));
        }
        (first, same)
    }

    /// Whether every byte of a fragment is here; in IPv6, whether it is one that is here.
    fn has_all(&self, piece: &Piece<'_>) -> bool {
        if piece.key.source.is_ipv6() {
            return self.pieces.get(&piece.offset).is_some_and(|held| held.bytes.len() == piece.bytes.len());
        }
        let overlap =
            |(at, held): (&u32, &Held)| end(*at, held).min(piece.end()).saturating_sub((*at).max(piece.offset));
        let covered = self.around(piece).map(overlap).fold(0, u32::saturating_add);
        covered as usize == piece.bytes.len()
    }

    /// The pieces that may overlap a fragment.
    fn around(&self, piece: &Piece<'_>) -> impl Iterator<Item = (&u32, &Held)> {
        let before = self.pieces.range(..piece.offset).next_back();
        before.into_iter().chain(self.pieces.range(piece.offset..piece.end()))
    }

    /// Keeps what is new in a fragment, and tells whether anything is.
    fn fill(&mut self, piece: &Piece<'_>, number: u64) -> bool {
        let (mut at, mut new) = (piece.offset, false);
        while at < piece.end() {
            let before = self.pieces.range(..=at).next_back();
            if let Some(behind) = before.map(|(start, held)| end(*start, held)).filter(|behind| *behind > at) {
                at = behind;
                continue;
            }
            let stop = self.pieces.range(at..).next().map_or(piece.end(), |(next, _)| piece.end().min(*next));
            let cut = at.saturating_sub(piece.offset) as usize..stop.saturating_sub(piece.offset) as usize;
            let bytes: Box<[u8]> = piece.bytes.get(cut).unwrap_or_default().into();
            self.held = self.held.saturating_add(bytes.len() as u32);
            self.pieces.insert(at, Held { bytes, number });
            (at, new) = (stop, true);
        }
        new
    }

    /// Adds all bytes, in order.
    pub fn write(&self, whole: &mut Vec<u8>) {
        for held in self.pieces.values() {
            whole.extend_from_slice(&held.bytes);
        }
    }
}

fn end(at: u32, held: &Held) -> u32 {
    at.saturating_add(held.bytes.len() as u32)
}

/// The ports that TCP and UDP begin with.
fn ports(piece: &Piece<'_>) -> Option<(u16, u16)> {
    use crate::internet::protocols::{TCP, UDP};
    let [a, b, c, d] = *piece.bytes.first_chunk::<4>().filter(|_| matches!(piece.protocol, TCP | UDP))?;
    Some((u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])))
}
