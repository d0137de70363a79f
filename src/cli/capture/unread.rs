//! Frames of which nobody wants to know anything, on their way from an interface into a file: they are handed on by
//! batches, in which they stand as in the file.

use std::convert::Infallible;

use super::output::{Failure, Sink};
use super::written::Written;
use crate::capture::batch::Batch;
use crate::capture::files::record::Form;
use crate::capture::frame::Source;
use crate::capture::taker::Taker;
use crate::cli::Context;

impl Sink {
    /// How frames stand in the file, if that is all that becomes of them, and all come from one interface.
    pub fn unread(&self) -> Option<Form> {
        let read =
            self.filter.is_some() || self.direction.is_some() || self.dissector.is_some() || self.watch.is_some();
        self.written.as_ref().filter(|_| !read).and_then(Written::form)
    }

    /// As [`Sink::run`], for frames in the form of the file.
    pub fn hand_on(&mut self, taker: &mut Taker<'_>, context: &mut Context) -> Result<(), Failure<Infallible>> {
        while !self.all() {
            if !taker.ready() {
                self.flush(context).map_err(Failure::Sink)?;
            }
            let Some(batch) = taker.next_batch() else { return Ok(()) };
            self.batch(batch).map_err(Failure::Sink)?;
        }
        Ok(())
    }

    fn batch(&mut self, batch: &Batch) -> anyhow::Result<()> {
        let Some(written) = &mut self.written else { return Ok(()) };
        let (frames, bytes) = (self.done + batch.len() as u64, self.bytes + batch.bytes() as u64);
        if !self.limits.reached(frames, bytes) && written.batch(batch)? {
            (self.done, self.bytes) = (frames, bytes);
            return Ok(());
        }
        // The file or the capture ends within it.
        for record in batch.each() {
            if self.limits.reached(self.done, self.bytes) {
                break;
            }
            written.record(&record)?;
            (self.done, self.bytes) = (self.done + 1, self.bytes + u64::from(record.length));
        }
        Ok(())
    }
}
