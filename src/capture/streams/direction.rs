//! One direction of a TCP connection, put back in order.

use std::collections::BTreeMap;

/// A piece of what a program wrote, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Bytes.
    Data(Vec<u8>),
    /// So many bytes were sent and not captured.
    Missing(u64),
}

/// Bytes that wait for what comes before them, of one direction.
pub const MOST_WAITING: usize = 1 << 20;

/// What has arrived of one direction.
///
/// **Invariant:** no more than [`MOST_WAITING`] bytes and `PIECES` pieces wait; when there are more, what they wait
/// for is given up as missing.
#[derive(Clone, Debug, Default)]
pub struct Direction {
    /// Sequence number of the next byte; none before the first segment.
    next: Option<u32>,
    /// Segments from beyond a gap, by how far from the first number of the direction they begin.
    waiting: BTreeMap<u64, Vec<u8>>,
    waiting_bytes: usize,
    /// Bytes so far, missing ones included: the position of `next`.
    position: u64,
}

/// Segments that wait. One byte each costs more than a byte of memory.
pub const PIECES: usize = 4096;

impl Direction {
    /// A SYN with this sequence number was sent.
    pub fn opens(&mut self, sequence: u32) {
        if self.position == 0 && self.waiting.is_empty() {
            self.next = Some(sequence.wrapping_add(1));
        }
    }

    /// Whether a SYN with this sequence number opens another connection than the one that is known.
    pub fn is_replaced_by(&self, sequence: u32) -> bool {
        self.next.is_some_and(|next| self.position > 0 || next != sequence.wrapping_add(1))
    }

    /// Takes in the data of a segment and gives out what is in order now.
    pub fn take(&mut self, sequence: u32, data: &[u8], out: &mut Vec<Piece>) {
        let next = *self.next.get_or_insert(sequence);
        let ahead = sequence.wrapping_sub(next) as i32;
        if ahead > 0 {
            self.wait(self.position.saturating_add(u64::from(ahead.unsigned_abs())), data, out);
            return;
        }
        // What came before is not repeated.
        let Some(new) = data.get(ahead.unsigned_abs() as usize..) else { return };
        self.give(new, out);
        self.go_on(out);
    }

    /// The other side acknowledges everything before `acknowledgment`: what is missing there will not come any more.
    pub fn acknowledged(&mut self, acknowledgment: u32, out: &mut Vec<Piece>) {
        let Some(next) = self.next else { return };
        let ahead = acknowledgment.wrapping_sub(next) as i32;
        if ahead <= 0 {
            return;
        }
        let until = self.position.saturating_add(u64::from(ahead.unsigned_abs()));
        while let Some(first) = self.waiting.first_key_value().map(|(at, _)| *at).filter(|at| *at < until) {
            self.skip_to(first, out);
        }
    }

    /// No more comes: what waits is given out, with its gaps.
    pub fn finish(&mut self, out: &mut Vec<Piece>) {
        while let Some(first) = self.waiting.first_key_value().map(|(at, _)| *at) {
            self.skip_to(first, out);
        }
    }

    /// Bytes that wait.
    pub fn waiting_bytes(&self) -> usize {
        self.waiting_bytes
    }

    fn wait(&mut self, at: u64, data: &[u8], out: &mut Vec<Piece>) {
        if data.is_empty() {
            return;
        }
        let longer = self.waiting.get(&at).is_none_or(|known| known.len() < data.len());
        if longer {
            let before = self.waiting.insert(at, data.to_vec()).map_or(0, |known| known.len());
            self.waiting_bytes = self.waiting_bytes.saturating_add(data.len()).saturating_sub(before);
        }
        while self.waiting_bytes > MOST_WAITING || self.waiting.len() > PIECES {
            let Some(first) = self.waiting.first_key_value().map(|(at, _)| *at) else { return };
            self.skip_to(first, out);
        }
    }

    fn skip_to(&mut self, at: u64, out: &mut Vec<Piece>) {
        if let Some(missing) = at.checked_sub(self.position).filter(|missing| *missing > 0) {
            out.push(Piece::Missing(missing));
            self.advance(missing);
        }
        self.go_on(out);
    }

    /// Gives out what waited for the bytes before it.
    fn go_on(&mut self, out: &mut Vec<Piece>) {
        while let Some(entry) = self.waiting.first_entry().filter(|entry| *entry.key() <= self.position) {
            let (at, data) = entry.remove_entry();
            self.waiting_bytes = self.waiting_bytes.saturating_sub(data.len());
            let old = usize::try_from(self.position.saturating_sub(at)).unwrap_or(usize::MAX);
            if let Some(new) = data.get(old..) {
                self.give(new, out);
            }
        }
    }

    fn give(&mut self, data: &[u8], out: &mut Vec<Piece>) {
        if data.is_empty() {
            return;
        }
        match out.last_mut() {
            Some(Piece::Data(known)) => known.extend_from_slice(data),
            _ => out.push(Piece::Data(data.to_vec())),
        }
        self.advance(data.len() as u64);
    }

    fn advance(&mut self, bytes: u64) {
        self.position = self.position.saturating_add(bytes);
        self.next = self.next.map(|next| next.wrapping_add(bytes as u32));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::dice::Dice;

    fn data(text: &str) -> Piece {
        Piece::Data(text.as_bytes().to_vec())
    }

    #[test]
    fn overtaken_and_repeated_segments_come_out_once_and_in_order() {
        let (mut direction, mut out) = (Direction::default(), Vec::new());
        direction.opens(u32::MAX - 2);
        direction.take(u32::MAX - 1, b"ab", &mut out);
        direction.take(3, b"fg", &mut out);
        direction.take(1, b"de", &mut out);
        assert_eq!(out, [data("ab")], "one byte is missing");
        direction.take(u32::MAX, b"bcd", &mut out);
        assert_eq!(out, [data("abcdefg")]);
        direction.take(1, b"de", &mut out);
        assert_eq!(out, [data("abcdefg")]);
    }

    #[test]
    fn what_was_acknowledged_and_not_captured_is_missing_at_once() {
        let (mut direction, mut out) = (Direction::default(), Vec::new());
        direction.take(100, b"ab", &mut out);
        direction.take(107, b"xy", &mut out);
        direction.acknowledged(107, &mut out);
        assert_eq!(out, [data("ab")], "only what is acknowledged is given up");
        direction.acknowledged(109, &mut out);
        assert_eq!(out, [data("ab"), Piece::Missing(5), data("xy")]);
    }

    #[test]
    fn a_peer_that_leaves_a_gap_for_ever_fills_no_memory() {
        let (mut direction, mut out) = (Direction::default(), Vec::new());
        direction.take(0, b"a", &mut out);
        for number in 0..100_000u32 {
            direction.take(1000 + number * 2, b"b", &mut out);
            assert!(direction.waiting.len() <= PIECES && direction.waiting_bytes() <= MOST_WAITING);
            out.clear();
        }
        direction.finish(&mut out);
        assert_eq!(direction.waiting_bytes(), 0);
    }

    #[test]
    fn whatever_comes_the_bytes_given_out_and_missing_add_up() {
        let mut dice = Dice::new(7);
        let mut roll = |below| dice.roll(below);
        for _ in 0..200 {
            let (mut direction, mut out) = (Direction::default(), Vec::new());
            direction.opens(0u32.wrapping_sub(50));
            for _ in 0..100 {
                let (at, length) = (roll(300) as u32, roll(40) as usize);
                let bytes: Vec<u8> = (0..length).map(|byte| (at as usize + byte) as u8).collect();
                direction.take(at.wrapping_sub(49), &bytes, &mut out);
                if roll(10) == 0 {
                    direction.acknowledged((roll(300) as u32).wrapping_sub(49), &mut out);
                }
            }
            direction.finish(&mut out);
            let mut position = 0u64;
            for piece in &out {
                match piece {
                    Piece::Missing(bytes) => position += bytes,
                    Piece::Data(bytes) => {
                        for byte in bytes {
                            assert_eq!(*byte, position as u8, "the byte at {position}");
                            position += 1;
                        }
                    }
                }
            }
            assert_eq!(position, direction.position);
        }
    }
}
