//! Frames copied out of their source, one behind the other, so that a whole batch changes hands at once.

use std::ops::Range;

use super::files::record::{self, Form, Record};
use super::frame::{Frame, Nanoseconds, same_name};
use crate::bytes::room::Room;
use crate::link::LinkType;
use crate::link::received::Way;

/// A batch that holds this many bytes is full.
const FULL: usize = 256 << 10;

/// Frames with everything known about them, or as they stand in a file.
#[derive(Debug, Default)]
pub struct Batch {
    bytes: Room,
    /// How many frames there are, and the bytes of them alone.
    count: usize,
    length: usize,
    /// The form of a file in which they stand in `bytes`, one behind the other, and the earliest and the latest time. What
    /// follows is empty then.
    written: Option<(Form, [Nanoseconds; 2])>,
    names: String,
    origins: Vec<Origin>,
    frames: Vec<Held>,
}

/// Where frames in a row come from; most have that of the frame before.
#[derive(Clone, Debug)]
struct Origin {
    name: Range<usize>,
    link: LinkType,
}

/// A frame in a batch: [`Frame`] with places instead of borrowed parts. Kept small, for it is written and read for every
/// frame.
#[derive(Clone, Debug)]
struct Held {
    time: Option<Nanoseconds>,
    origin: u32,
    end: u32,
    original_length: u32,
    way: Option<Way>,
    checksum_pending: bool,
}

/// The earliest and the latest of no times.
const NEVER: [Nanoseconds; 2] = [Nanoseconds::MAX, Nanoseconds::MIN];

impl Batch {
    /// An empty batch, of which the frames are to stand in this form, if any. They cannot be taken out one by one then.
    pub fn in_form(form: Option<Form>) -> Self {
        Batch { written: form.map(|form| (form, NEVER)), ..Batch::default() }
    }

    /// Copies a frame to the end.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "what is known where it is called is left out")]
    pub fn push(&mut self, frame: &Frame<'_>) {
        self.count += 1;
        self.length += frame.bytes.len();
        match &mut self.written {
            Some((form, span)) => {
                record::put(&mut self.bytes, *form, frame);
                let time = frame.time.unwrap_or(0);
                *span = [span[0].min(time), span[1].max(time)];
            }
            None => self.hold(frame),
        }
    }

    fn hold(&mut self, frame: &Frame<'_>) {
        let Frame { time, interface, way, link, bytes, original_length, checksum_pending, .. } = *frame;
        self.bytes.extend(bytes);
        let (origin, end) = (self.origin(interface, link), self.bytes.len() as u32);
        self.frames.push(Held { time, origin, end, original_length, way, checksum_pending });
    }

    #[inline]
    fn origin(&mut self, interface: &str, link: LinkType) -> u32 {
        let same = |last: &Origin| last.link == link && same_name(self.text(&last.name), interface);
        if !self.origins.last().is_some_and(same) {
            let start = self.names.len();
            self.names.push_str(interface);
            self.origins.push(Origin { name: start..self.names.len(), link });
        }
        self.origins.len() as u32 - 1
    }

    #[inline]
    fn text(&self, name: &Range<usize>) -> &str {
        self.names.get(name.clone()).unwrap_or_default()
    }

    /// Frame number `at`, from 0.
    #[inline]
    pub fn get(&self, at: usize) -> Option<Frame<'_>> {
        let held = self.frames.get(at)?;
        let origin = self.origins.get(held.origin as usize)?;
        let start = at.checked_sub(1).map_or(0, |before| self.frames[before].end);
        Some(Frame {
            time: held.time,
            interface: self.text(&origin.name),
            way: held.way,
            link: origin.link,
            bytes: &self.bytes.bytes()[start as usize..held.end as usize],
            original_length: held.original_length,
            checksum_pending: held.checksum_pending,
            comment: "",
        })
    }

    /// When frame number `at` was seen, if there is such a frame; 0 where nobody knows. In the form of a file: when the
    /// first of all was seen.
    #[inline]
    pub fn time(&self, at: usize) -> Option<Nanoseconds> {
        match self.written {
            None => self.frames.get(at).map(|held| held.time.unwrap_or(0)),
            Some((_, [earliest, _])) => (at < self.count).then_some(earliest),
        }
    }

    /// The latest time of frames in the form of a file; none where there are no frames.
    pub fn latest(&self) -> Option<Nanoseconds> {
        self.written.filter(|_| self.count > 0).map(|(_, [_, latest])| latest)
    }

    /// The frames in the form of a file, one behind the other.
    pub fn records(&self) -> &[u8] {
        self.bytes.bytes()
    }

    /// As [`Batch::records`], one by one.
    pub fn each(&self) -> impl Iterator<Item = Record<'_>> {
        let format = self.written.map(|(form, _)| form.format);
        format.into_iter().flat_map(|format| record::each(format, self.records()))
    }

    /// How many frames there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes of all frames.
    pub fn bytes(&self) -> usize {
        self.length
    }

    /// Bytes of memory that its contents take.
    #[inline]
    pub fn size(&self) -> usize {
        self.bytes.len()
            + self.names.len()
            + self.origins.len() * size_of::<Origin>()
            + self.frames.len() * size_of::<Held>()
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
        let (Some((_, [earliest, latest])), Some((_, span))) = (&mut self.written, other.written) else {
            return (0..other.len()).filter_map(|at| other.get(at)).for_each(|frame| self.push(&frame));
        };
        self.bytes.extend(other.bytes.bytes());
        (self.count, self.length) = (self.count + other.count, self.length + other.length);
        (*earliest, *latest) = (span[0].min(*earliest), span[1].max(*latest));
    }

    /// Forgets the frames and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.names.clear();
        self.origins.clear();
        self.frames.clear();
        (self.count, self.length) = (0, 0);
        self.written.iter_mut().for_each(|(_, span)| *span = NEVER);
    }
}

#[cfg(test)]
mod tests {
    use super::super::files::write::Format;
    use super::*;

    fn frame<'a>(interface: &'a str, bytes: &'a [u8]) -> Frame<'a> {
        Frame { interface, time: Some(bytes.len() as i64), way: Some(Way::Out), ..Frame::ethernet(bytes) }
    }

    #[test]
    fn frames_come_out_as_they_went_in() {
        let frames = [frame("eth0", b"one"), frame("eth0", b""), frame("lo", b"three"), frame("", b"x")];
        let (mut first, mut second) = (Batch::default(), Batch::default());
        frames[..2].iter().for_each(|frame| first.push(frame));
        frames[2..].iter().for_each(|frame| second.push(frame));
        first.append(&second);
        let out: Vec<_> = (0..first.len()).map(|at| first.get(at).unwrap()).collect();
        assert_eq!(out, frames);
        assert_eq!(first.get(4), None);
        assert_eq!((first.time(2), first.time(4)), (Some(5), None));
    }

    #[test]
    fn in_the_form_of_a_file_frames_stand_one_behind_the_other_also_when_batches_became_one() {
        let form = Some(Form { format: Format::Pcap, interface: 0 });
        let (mut first, mut second) = (Batch::in_form(form), Batch::in_form(form));
        for _ in 0..2 {
            first.push(&frame("eth0", b"one"));
            second.push(&frame("eth0", b""));
            second.push(&frame("eth0", b"three"));
            first.append(&second);
            assert_eq!(first.each().map(|record| record.length).collect::<Vec<_>>(), [3, 0, 5]);
            assert_eq!((first.len(), first.bytes(), first.records().len()), (3, 8, 3 * 16 + 8));
            assert_eq!((first.time(0), first.latest(), first.time(3)), (Some(0), Some(5), None));
            first.clear();
            second.clear();
            assert_eq!((first.is_empty(), first.time(0), first.latest()), (true, None, None));
        }
    }

    #[test]
    fn what_is_full_is_told_by_bytes() {
        let mut batch = Batch::default();
        while !batch.is_full() {
            batch.push(&frame("eth0", &[0; 1000]));
        }
        assert!(batch.len() < FULL / 1000 && batch.len() > FULL / 1100, "{}", batch.len());
        batch.clear();
        assert_eq!(batch.size(), 0);
    }
}
