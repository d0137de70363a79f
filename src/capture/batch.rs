//! Frames copied out of their source, one behind the other, so that a whole batch changes hands at once.

use std::ops::Range;

use super::frame::{Frame, Nanoseconds, same_name};
use crate::link::LinkType;
use crate::link::received::Way;

/// A batch that holds this many bytes is full.
const FULL: usize = 256 << 10;

/// Frames with everything known about them.
#[derive(Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    names: String,
    frames: Vec<Held>,
}

/// A frame in a batch: [`Frame`] with places instead of borrowed parts.
#[derive(Clone, Debug)]
struct Held {
    time: Option<Nanoseconds>,
    name: Range<u32>,
    end: usize,
    original_length: u32,
    link: LinkType,
    way: Option<Way>,
    checksum_pending: bool,
}

impl Batch {
    /// Copies a frame to the end.
    #[inline]
    pub fn push(&mut self, frame: Frame<'_>) {
        let Frame { time, interface, way, link, bytes, original_length, checksum_pending } = frame;
        self.bytes.extend_from_slice(bytes);
        let (name, end) = (self.name(interface), self.bytes.len());
        self.frames.push(Held { time, name, end, original_length, link, way, checksum_pending });
    }

    /// Where `interface` stands among the names; it is most often that of the frame before.
    #[inline]
    fn name(&mut self, interface: &str) -> Range<u32> {
        if let Some(last) = self.frames.last()
            && same_name(self.text(&last.name), interface)
        {
            return last.name.clone();
        }
        let start = self.names.len() as u32;
        self.names.push_str(interface);
        start..self.names.len() as u32
    }

    #[inline]
    fn text(&self, name: &Range<u32>) -> &str {
        self.names.get(name.start as usize..name.end as usize).unwrap_or_default()
    }

    /// Frame number `at`, from 0.
    #[inline]
    pub fn get(&self, at: usize) -> Option<Frame<'_>> {
        let held = self.frames.get(at)?;
        let start = at.checked_sub(1).map_or(0, |before| self.frames[before].end);
        Some(Frame {
            time: held.time,
            interface: self.text(&held.name),
            way: held.way,
            link: held.link,
            bytes: &self.bytes[start..held.end],
            original_length: held.original_length,
            checksum_pending: held.checksum_pending,
        })
    }

    /// When frame number `at` was seen, if there is such a frame; 0 where nobody knows.
    #[inline]
    pub fn time(&self, at: usize) -> Option<Nanoseconds> {
        self.frames.get(at).map(|held| held.time.unwrap_or(0))
    }

    /// How many frames there are.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Bytes of all frames.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Bytes of memory that its contents take.
    #[inline]
    pub fn size(&self) -> usize {
        self.bytes.len() + self.names.len() + self.frames.len() * size_of::<Held>()
    }

    /// Whether it holds enough to be handed on.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.size() >= FULL
    }

    /// Whether it and `other` are no more than one full batch together.
    pub fn has_room_for(&self, other: &Batch) -> bool {
        self.size() + other.size() <= FULL
    }

    /// Adds the frames of `other`.
    pub fn append(&mut self, other: &Batch) {
        (0..other.len()).filter_map(|at| other.get(at)).for_each(|frame| self.push(frame));
    }

    /// Forgets the frames and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.names.clear();
        self.frames.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame<'a>(interface: &'a str, bytes: &'a [u8]) -> Frame<'a> {
        Frame { interface, time: Some(bytes.len() as i64), way: Some(Way::Out), ..Frame::ethernet(bytes) }
    }

    #[test]
    fn frames_come_out_as_they_went_in() {
        let frames = [frame("eth0", b"one"), frame("eth0", b""), frame("lo", b"three"), frame("", b"x")];
        let (mut first, mut second) = (Batch::default(), Batch::default());
        frames[..2].iter().for_each(|frame| first.push(*frame));
        frames[2..].iter().for_each(|frame| second.push(*frame));
        first.append(&second);
        let out: Vec<_> = (0..first.len()).map(|at| first.get(at).unwrap()).collect();
        assert_eq!(out, frames);
        assert_eq!(first.get(4), None);
        assert_eq!((first.time(2), first.time(4)), (Some(5), None));
    }

    #[test]
    fn what_is_full_is_told_by_bytes() {
        let mut batch = Batch::default();
        while !batch.is_full() {
            batch.push(frame("eth0", &[0; 1000]));
        }
        assert!(batch.len() < FULL / 1000 && batch.len() > FULL / 1100, "{}", batch.len());
        batch.clear();
        assert_eq!(batch.size(), 0);
    }
}
