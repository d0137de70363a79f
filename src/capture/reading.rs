//! Interfaces read on threads of their own while somebody else shows or writes what they bring.

use std::thread;
use std::time::{Duration, Instant};

use super::accounting::Counted;
use super::batch::Batch;
use super::live::Live;
use super::queue::Queue;
use super::taker::Taker;
use crate::kernel::OsError;
use crate::link::frame_source::FrameSource;

/// Time between two questions to an interface about what it lost.
const EVERY: Duration = Duration::from_secs(1);

/// Reads every one of `sources` on a thread of its own into its lane of `queue` while `work` takes the frames, and tells
/// them to `stop` when it has done. Once nothing more comes, about `rest` bytes that wait are still handed out. The counts
/// are in the order of the sources.
///
/// # Errors
/// Beside the result of `work`: what kept an interface from being read on or counted.
pub fn read<S: FrameSource + Send, T>(
    sources: &mut [Live<'_, S>],
    queue: &Queue,
    rest: usize,
    stop: impl FnOnce(),
    work: impl FnOnce(&mut Taker<'_>) -> T,
) -> (T, Result<Vec<Counted>, OsError>) {
    thread::scope(|scope| {
        let start = |(lane, source)| scope.spawn(move || one(source, queue, lane));
        let readers: Vec<_> = sources.iter_mut().enumerate().map(start).collect();
        let result = work(&mut queue.taker(rest));
        queue.close();
        stop();
        let counted = readers.into_iter().map(|reader| reader.join().unwrap_or_else(|p| std::panic::resume_unwind(p)));
        (result, counted.collect())
    })
}

/// Reads one interface to its end.
fn one<S: FrameSource>(source: &mut Live<'_, S>, queue: &Queue, lane: usize) -> Result<Counted, OsError> {
    let _end = AtEnd(queue, lane);
    let mut batch = queue.batch();
    let read = hand_on(source, queue, lane, &mut batch);
    queue.put(lane, &mut batch);
    read?;
    let counted = source.finish()?;
    Ok(Counted { overrun: queue.overrun(lane), ..counted })
}

fn hand_on<S: FrameSource>(
    source: &mut Live<'_, S>,
    queue: &Queue,
    lane: usize,
    batch: &mut Batch,
) -> Result<(), OsError> {
    let mut asked = Instant::now();
    loop {
        if !source.fill(batch)? {
            queue.wake();
            if !source.wait()? {
                return Ok(());
            }
            continue;
        }
        queue.put(lane, batch);
        queue.note_dropped(lane, source.dropped()?);
        if asked.elapsed() >= EVERY {
            queue.note_missed(lane, source.missed());
            asked = Instant::now();
        }
    }
}

/// Ends a lane whichever way its reader leaves: the taker would wait for it for ever.
struct AtEnd<'q>(&'q Queue, usize);

impl Drop for AtEnd<'_> {
    fn drop(&mut self) {
        self.0.end(self.1);
    }
}
