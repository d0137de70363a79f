//! A row of files in place of one: when the next begins, what it is called, and which must go.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::capture::calendar::Moment;
use crate::capture::frame::Nanoseconds;

/// Room that is left in a file for what stands around a frame and at the end.
const RESERVE: u64 = 512;

/// When a row goes on to its next file, and how many are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turns {
    /// Before the file is larger than so many bytes; one frame alone may be.
    pub size: Option<u64>,
    /// At every multiple of this time (UTC): the first frame from then on begins the next file.
    pub every: Option<Duration>,
    /// How many files are kept, the newest; the others are removed.
    pub keep: Option<usize>,
}

/// A row of files.
///
/// **Invariant:** only files that the row itself began are named as surplus.
#[derive(Clone, Debug)]
pub struct Row {
    like: PathBuf,
    turns: Turns,
    begun: u64,
    /// When the present file ends.
    until: Option<Nanoseconds>,
    kept: VecDeque<PathBuf>,
}

impl Row {
    /// A row of files named like `like`: `trace.pcapng` stands for `trace-00001-20260131T235959Z.pcapng` and so on.
    pub fn new(like: &Path, turns: Turns) -> Self {
        Row { like: like.to_owned(), turns, begun: 0, until: None, kept: VecDeque::new() }
    }

    /// Whether a frame of `length` bytes seen at `time` no longer belongs into the present file of `written` bytes. With
    /// no file yet it belongs into none.
    pub fn is_over(&self, written: u64, length: u64, time: Nanoseconds) -> bool {
        let full = |size: u64| written.saturating_add(length).saturating_add(RESERVE) > size;
        self.begun == 0 || self.turns.size.is_some_and(full) || self.until.is_some_and(|until| time >= until)
    }

    /// The name of the next file, whose first frame was seen at `time`.
    pub fn next(&mut self, time: Nanoseconds) -> PathBuf {
        self.begun = self.begun.saturating_add(1);
        self.until = self.turns.every.and_then(|every| {
            let every = Nanoseconds::try_from(every.as_nanos()).ok().filter(|every| *every > 0)?;
            time.checked_sub(time.checked_rem_euclid(every)?)?.checked_add(every)
        });
        let path = name(&self.like, self.begun, time);
        self.kept.push_back(path.clone());
        path
    }

    /// The oldest file when there are more than are to be kept; it is no longer part of the row.
    pub fn surplus(&mut self) -> Option<PathBuf> {
        self.turns.keep.filter(|keep| self.kept.len() > *keep).and_then(|_| self.kept.pop_front())
    }

    /// Bytes of a file that names of addresses may take, where its size is limited.
    pub fn room_for_names(&self) -> Option<usize> {
        self.turns.size.map(|size| usize::try_from(size / 8).unwrap_or(usize::MAX))
    }

    /// The name that the files' names are made of.
    pub fn like(&self) -> &Path {
        &self.like
    }

    /// How many files were begun.
    pub fn begun(&self) -> u64 {
        self.begun
    }
}

/// Number and time stand before the endings (`.pcapng`, `.pcap.gz`), so that the names sort as they came.
fn name(like: &Path, number: u64, time: Nanoseconds) -> PathBuf {
    let file = like.file_name().map_or_else(|| "capture".into(), |name| name.to_string_lossy().into_owned());
    let (stem, endings) = match file.get(1..).and_then(|rest| rest.find('.')) {
        Some(at) => file.split_at(at.saturating_add(1)),
        None => (file.as_str(), ""),
    };
    let Moment { year, month, day, hour, minute, second, .. } = Moment::of(time);
    like.with_file_name(format!(
        "{stem}-{number:05}-{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z{endings}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Nanoseconds = 1_000_000_000;

    fn row(turns: Turns) -> Row {
        Row::new(Path::new("/tmp/trace.pcap.gz"), turns)
    }

    #[test]
    fn names_hold_number_and_time_before_the_endings() {
        let mut row = row(Turns::default());
        assert_eq!(row.next(0), Path::new("/tmp/trace-00001-19700101T000000Z.pcap.gz"));
        assert_eq!(row.next(SECOND), Path::new("/tmp/trace-00002-19700101T000001Z.pcap.gz"));
        assert_eq!(name(Path::new("x"), 100_000, 0), Path::new("x-100000-19700101T000000Z"));
        assert_eq!(name(Path::new(".x"), 1, 0), Path::new(".x-00001-19700101T000000Z"));
    }

    #[test]
    fn a_file_ends_before_it_is_too_large() {
        let mut row = row(Turns { size: Some(2000), ..Turns::default() });
        assert!(row.is_over(0, 0, 0), "there is none yet");
        row.next(0);
        assert!(!row.is_over(1000, 2000 - 1000 - RESERVE, 0));
        assert!(row.is_over(1000, 2001 - 1000 - RESERVE, 0));
    }

    #[test]
    fn a_file_ends_at_a_multiple_of_the_time_whenever_it_began() {
        let mut row = row(Turns { every: Some(Duration::from_secs(60)), ..Turns::default() });
        row.next(59 * SECOND);
        assert!(!row.is_over(u64::MAX, 0, 60 * SECOND - 1));
        assert!(row.is_over(0, 0, 60 * SECOND));
        row.next(200 * SECOND);
        assert!(!row.is_over(0, 0, 239 * SECOND) && row.is_over(0, 0, 240 * SECOND));
    }

    #[test]
    fn the_oldest_files_are_surplus() {
        let mut row = row(Turns { keep: Some(2), ..Turns::default() });
        let names: Vec<_> = (0..4).map(|time| row.next(time)).collect();
        assert_eq!(
            [row.surplus(), row.surplus(), row.surplus()],
            [Some(names[0].clone()), Some(names[1].clone()), None]
        );
    }
}
