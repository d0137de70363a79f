//! Interfaces read on threads of their own while somebody else shows or writes what they bring.

use std::thread;

use super::accounting::Counted;
use super::batch::Batch;
use super::frame::Source;
use super::live::Live;
use super::queue::{Queue, Taker};
use crate::kernel::OsError;
use crate::link::frame_source::FrameSource;

/// How much may wait between reading and showing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Bytes that may wait while frames still come.
    pub limit: usize,
    /// Bytes that are still handed out once nothing more comes; what waits beyond is left out.
    pub rest: usize,
}

/// Reads every one of `sources` on a thread of its own while `work` takes the frames, and tells them to `stop` when it
/// has done. The counts are in the order of the sources.
///
/// # Errors
/// Beside the result of `work`: what kept an interface from being read on or counted.
pub fn read<S: FrameSource + Send, T>(
    sources: &mut [Live<'_, S>],
    waiting: Waiting,
    stop: impl FnOnce(),
    work: impl FnOnce(&mut Taker<'_>) -> T,
) -> (T, Result<Vec<Counted>, OsError>) {
    let queue = &Queue::new(sources.len(), waiting.limit);
    thread::scope(|scope| {
        let start = |(lane, source)| scope.spawn(move || one(source, queue, lane));
        let readers: Vec<_> = sources.iter_mut().enumerate().map(start).collect();
        let result = work(&mut queue.taker(waiting.rest));
        queue.close();
        stop();
        let counted = readers.into_iter().map(|reader| reader.join().unwrap_or_else(|p| std::panic::resume_unwind(p)));
        (result, counted.collect())
    })
}

/// Reads one interface to its end.
fn one<S: FrameSource>(source: &mut Live<'_, S>, queue: &Queue, lane: usize) -> Result<Counted, OsError> {
    let _end = AtEnd(queue, lane);
    let mut batch = Batch::default();
    let read = hand_on(source, &mut batch, |batch| queue.put(lane, batch));
    queue.put(lane, &mut batch);
    read?;
    let counted = source.finish()?;
    Ok(Counted { overrun: queue.overrun(lane), ..counted })
}

fn hand_on<S: FrameSource>(
    source: &mut Live<'_, S>,
    batch: &mut Batch,
    mut put: impl FnMut(&mut Batch),
) -> Result<(), OsError> {
    while let Some(frame) = source.next()? {
        batch.push(frame);
        if batch.is_full() || !source.ready() {
            put(batch);
        }
    }
    Ok(())
}

/// Ends a lane whichever way its reader leaves: the taker would wait for it for ever.
struct AtEnd<'q>(&'q Queue, usize);

impl Drop for AtEnd<'_> {
    fn drop(&mut self) {
        self.0.end(self.1);
    }
}
