//! Bytes put one behind the other into memory that is there already: a piece whose length the compiler knows is an
//! instruction or two, which a million frames a second feel.

/// Bytes by which it grows, at least and at most unless more are needed at once: those that nothing is in are memory, too.
const LEAST: usize = 4096;
const MOST: usize = 64 << 10;

/// A growing row of bytes, used again once it was cleared.
#[derive(Clone, Debug, Default)]
pub struct Room {
    /// The bytes, then room.
    all: Vec<u8>,
    length: usize,
}

impl Room {
    /// The bytes so far.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        self.all.get(..self.length).unwrap_or_default()
    }

    /// How many they are.
    #[inline]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Forgets the bytes and keeps the room.
    pub fn clear(&mut self) {
        self.length = 0;
    }

    /// Makes room for so many more bytes.
    #[inline]
    pub fn reserve(&mut self, count: usize) {
        if self.all.len().saturating_sub(self.length) < count {
            self.grow(count);
        }
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, more: usize) {
        let step = self.all.len().clamp(LEAST, MOST);
        let room = self.length.saturating_add(more).max(self.all.len().saturating_add(step));
        self.all.resize(room, 0);
    }

    /// Adds the first `count` bytes of `all`.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the length is known where it is called")]
    pub fn put<const N: usize>(&mut self, all: [u8; N], count: usize) {
        self.reserve(N);
        if let Some(slot) = self.all.get_mut(self.length..).and_then(|room| room.first_chunk_mut()) {
            *slot = all;
            self.length = self.length.saturating_add(count.min(N));
        }
    }

    /// Adds numbers, the lowest byte of each first.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the length is known where it is called")]
    pub fn words<const N: usize>(&mut self, words: [u32; N]) {
        let (bytes, count) = (words.map(u32::to_le_bytes), N.saturating_mul(4));
        self.reserve(count);
        if let Some(slot) = self.all.get_mut(self.length..).and_then(|room| room.get_mut(..count)) {
            slot.copy_from_slice(bytes.as_flattened());
            self.length = self.length.saturating_add(count);
        }
    }

    /// Adds all of `bytes`.
    #[inline]
    pub fn extend(&mut self, bytes: &[u8]) {
        self.reserve(bytes.len());
        if let Some(slot) = self.all.get_mut(self.length..).and_then(|room| room.get_mut(..bytes.len())) {
            slot.copy_from_slice(bytes);
            self.length = self.length.saturating_add(bytes.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_stand_one_behind_the_other_also_where_the_room_was_used_before() {
        let mut room = Room::default();
        for round in 0..2u8 {
            room.put([round; 4], 4);
            room.put([7; 8], 3);
            room.words([0x0403_0201]);
            room.extend(&[9; 5000]);
            assert_eq!(room.len(), 5011);
            assert_eq!(room.bytes()[..12], [round, round, round, round, 7, 7, 7, 1, 2, 3, 4, 9]);
            assert_eq!(room.bytes()[5010], 9);
            room.clear();
            assert!(room.is_empty() && room.bytes().is_empty());
        }
    }
}
