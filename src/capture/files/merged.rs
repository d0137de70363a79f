//! Several capture files read as one, in the order of time.

use std::io::Read;

use super::{FileError, Stored};
use crate::capture::batch::Batch;
use crate::capture::frame::{Frame, Source};

/// What kept a file from being read on, with its name.
#[derive(Debug, thiserror::Error)]
#[error("{name}: {error}")]
pub struct NamedError {
    /// The file's name.
    pub name: String,
    /// What was wrong.
    #[source]
    pub error: FileError,
}

/// Files read side by side. A file alone is read as it is; of several, the earliest of their next frames comes first.
#[derive(Debug)]
pub struct Merged<R> {
    files: Vec<Reading<R>>,
    /// The file that the frame before came from.
    latest: Option<usize>,
    failed: Option<NamedError>,
}

#[derive(Debug)]
struct Reading<R> {
    name: String,
    stored: Stored<R>,
    /// Its next frame; none at its end.
    next: Batch,
    /// What stands beside that.
    comment: String,
}

impl<R: Read> Reading<R> {
    fn advance(&mut self) -> Result<(), NamedError> {
        self.next.clear();
        match self.stored.next() {
            Ok(Some(frame)) => {
                self.next.push(&frame);
                frame.comment.clone_into(&mut self.comment);
            }
            Ok(None) => {}
            Err(error) => return Err(NamedError { name: self.name.clone(), error }),
        }
        Ok(())
    }
}

impl<R: Read> Merged<R> {
    /// Reads these files, given with their names.
    pub fn new(files: impl IntoIterator<Item = (String, Stored<R>)>) -> Self {
        let reading = |(name, stored)| Reading { name, stored, next: Batch::default(), comment: String::new() };
        let mut merged = Merged { files: files.into_iter().map(reading).collect(), latest: None, failed: None };
        if merged.files.len() > 1 {
            (0..merged.files.len()).for_each(|file| merged.advance(file));
        }
        merged
    }

    /// What the files say of themselves to people, with their names.
    pub fn remarks(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().flat_map(|file| file.stored.remarks().iter().map(|text| (file.name.as_str(), text.as_str())))
    }

    /// Reads the next frame of a file. What goes wrong is told when the other files have come to their ends too.
    fn advance(&mut self, file: usize) {
        let result = self.files.get_mut(file).map_or(Ok(()), Reading::advance);
        if let (None, Err(error)) = (&self.failed, result) {
            self.failed = Some(error);
        }
    }
}

impl<R: Read> Merged<R> {
    fn next_of_one(&mut self) -> Result<Option<Frame<'_>>, NamedError> {
        let Some(alone) = self.files.first_mut() else { return Ok(None) };
        alone.stored.next().map_err(|error| NamedError { name: alone.name.clone(), error })
    }

    fn next_of_several(&mut self) -> Result<Option<Frame<'_>>, NamedError> {
        if let Some(file) = self.latest.take() {
            self.advance(file);
        }
        let times = self.files.iter().enumerate().filter_map(|(file, reading)| Some((reading.next.time(0)?, file)));
        let Some((_, file)) = times.min() else { return self.failed.take().map_or(Ok(None), Err) };
        self.latest = Some(file);
        Ok(self.files.get(file).and_then(|file| Some(Frame { comment: &file.comment, ..file.next.get(0)? })))
    }
}

impl<R: Read> Source for Merged<R> {
    type Error = NamedError;

    #[inline]
    fn next(&mut self) -> Result<Option<Frame<'_>>, NamedError> {
        if self.files.len() == 1 { self.next_of_one() } else { self.next_of_several() }
    }

    fn ready(&self) -> bool {
        match self.files.as_slice() {
            [alone] => alone.stored.ready(),
            several => self.latest.and_then(|file| several.get(file)).is_none_or(|reading| reading.stored.ready()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::write::{About, Format, Writer};
    use super::*;

    fn file(interface: &str, times: &[i64]) -> Vec<u8> {
        let mut writer = Writer::create(Vec::new(), Format::Pcapng, About::default()).unwrap();
        for time in times {
            writer.frame(&Frame { time: Some(*time), interface, ..Frame::ethernet(interface.as_bytes()) }).unwrap();
        }
        writer.finish(&[]).unwrap();
        writer.into_inner()
    }

    fn merged(files: &[Vec<u8>]) -> Merged<&[u8]> {
        Merged::new(files.iter().enumerate().map(|(n, file)| (n.to_string(), Stored::open(file.as_slice()).unwrap())))
    }

    fn times(merged: &mut Merged<&[u8]>) -> (Vec<(i64, String)>, Option<String>) {
        let mut times = Vec::new();
        loop {
            match merged.next() {
                Ok(Some(frame)) => times.push((frame.time.unwrap(), frame.interface.to_owned())),
                Ok(None) => return (times, None),
                Err(error) => return (times, Some(error.to_string())),
            }
        }
    }

    #[test]
    fn frames_of_several_files_come_in_the_order_of_their_times() {
        let files = [file("a", &[1, 4, 5]), file("b", &[2, 4]), file("c", &[])];
        let expected = [(1, "a"), (2, "b"), (4, "a"), (4, "b"), (5, "a")].map(|(time, name)| (time, name.to_owned()));
        assert_eq!(times(&mut merged(&files)), (expected.to_vec(), None));
    }

    #[test]
    fn a_file_that_is_cut_short_does_not_keep_the_others_and_is_told_at_the_end() {
        let mut cut = file("a", &[1, 2]);
        cut.truncate(cut.len() - 130);
        let (times, error) = times(&mut merged(&[cut, file("b", &[0, 3])]));
        assert_eq!(times.last(), Some(&(3, "b".to_owned())));
        assert!(error.is_some_and(|error| error.starts_with("0: the file is cut short")));
    }
}
