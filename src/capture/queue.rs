//! Frames on their way from the threads that read interfaces to the one that shows or writes them. A reader never
//! waits: what a full queue has no room for is dropped and counted.
//!
//! **Invariant:** every frame that is put in is taken out, counted as overrun, or still there when the taker closes
//! the queue. Memory is bounded by the limit and two batches per reader.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::batch::Batch;
use super::files::record::Form;
use super::taker::{Head, Taker};

/// Empty batches kept for their memory.
const SPARE: usize = 8;

/// Bytes that wait for which the taker is woken although more may be about to come.
const WORTH: usize = 1 << 20;

/// The queue: a lane for each reader, one taker for all.
#[derive(Debug)]
pub struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    limit: usize,
}

#[derive(Debug)]
pub(super) struct State {
    lanes: Vec<Lane>,
    /// Bytes of the batches that wait.
    size: usize,
    form: Option<Form>,
    /// The one that was done with last is at the end: most of it is still in the processor's cache.
    spare: Vec<Batch>,
    /// The taker wants no more.
    closed: bool,
}

#[derive(Debug, Default)]
struct Lane {
    waiting: VecDeque<Batch>,
    /// Frames that came, and their bytes.
    frames: u64,
    bytes: u64,
    /// Frames that the kernel said it dropped.
    dropped: u64,
    /// Frames that the interface said it lost.
    missed: u64,
    overrun: u64,
    ended: bool,
}

/// How far a capture is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Frames that came out of the kernel.
    pub frames: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Frames that the kernel dropped.
    pub dropped: u64,
    /// Frames that there was no room for.
    pub overrun: u64,
    /// Frames that the interfaces lost before anybody saw them, as far as they were asked.
    pub missed: u64,
    /// Bytes of memory that wait to be shown.
    pub waiting: usize,
}

impl Queue {
    /// A queue for so many readers that holds at most `limit` bytes.
    pub fn new(lanes: usize, limit: usize) -> Self {
        let lanes = (0..lanes).map(|_| Lane::default()).collect();
        let state = State { lanes, size: 0, form: None, spare: Vec::new(), closed: false };
        Queue { state: Mutex::new(state), changed: Condvar::new(), limit }
    }

    /// The same for frames that stand in their batches as in a file of this form, if any.
    #[must_use]
    pub fn in_form(mut self, form: Option<Form>) -> Self {
        self.state.get_mut().unwrap_or_else(PoisonError::into_inner).form = form;
        self
    }

    /// An empty batch for frames that are to be put in.
    pub fn batch(&self) -> Batch {
        self.lock().empty()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // The counts are whole at every moment, so a panic elsewhere leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the frames of `batch` into a lane, or counts them as overrun when there is no room; the batch is empty then.
    /// The taker is not woken for little: see [`Queue::wake`].
    pub fn put(&self, lane: usize, batch: &mut Batch) {
        let mut state = self.lock();
        state.put(lane, batch, self.limit);
        batch.clear();
        if state.size >= WORTH.min(self.limit / 2) {
            drop(state);
            self.changed.notify_one();
        }
    }

    /// Wakes the taker, because no more is put in for now.
    pub fn wake(&self) {
        self.changed.notify_one();
    }

    /// Tells how many frames the kernel has dropped so far for this lane.
    pub fn note_dropped(&self, lane: usize, dropped: u64) {
        self.lock().lanes[lane].dropped = dropped;
    }

    /// Tells how many frames the interface of this lane has lost so far.
    pub fn note_missed(&self, lane: usize, missed: u64) {
        self.lock().lanes[lane].missed = missed;
    }

    /// How far the capture is.
    pub fn progress(&self) -> Progress {
        let state = self.lock();
        let mut progress = Progress { waiting: state.size, ..Progress::default() };
        for lane in &state.lanes {
            progress.frames += lane.frames;
            progress.bytes += lane.bytes;
            progress.dropped += lane.dropped;
            progress.overrun += lane.overrun;
            progress.missed += lane.missed;
        }
        progress
    }

    /// Says that nothing more comes into this lane.
    pub fn end(&self, lane: usize) {
        self.lock().lanes[lane].ended = true;
        self.changed.notify_one();
    }

    /// Says that nothing more will be taken: what waits and what comes is forgotten, and is no overrun.
    pub fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.lanes.iter_mut().for_each(|lane| lane.waiting.clear());
        state.size = 0;
    }

    /// Frames of a lane that there was no room for.
    pub fn overrun(&self, lane: usize) -> u64 {
        self.lock().lanes[lane].overrun
    }

    /// The end at which frames come out, in the order of their times. Once every reader has come to its end, no more than
    /// about `rest` bytes that wait are still handed out; more is forgotten.
    pub fn taker(&self, rest: usize) -> Taker<'_> {
        let mut state = self.lock();
        let heads = (0..state.lanes.len()).map(|_| Head::new(state.empty())).collect();
        Taker::new(self, heads, rest)
    }

    /// Waits until something changes, or this time is over.
    pub(super) fn wait<'q>(&self, state: MutexGuard<'q, State>, limit: Option<Duration>) -> MutexGuard<'q, State> {
        match limit {
            None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            Some(limit) => self.changed.wait_timeout(state, limit).unwrap_or_else(PoisonError::into_inner).0,
        }
    }
}

impl State {
    fn empty(&mut self) -> Batch {
        self.spare.pop().unwrap_or_else(|| Batch::in_form(self.form))
    }

    fn put(&mut self, lane: usize, batch: &mut Batch, limit: usize) {
        let (size, lane) = (batch.size(), &mut self.lanes[lane]);
        lane.frames += batch.len() as u64;
        lane.bytes += batch.bytes() as u64;
        if self.closed || batch.is_empty() {
            return;
        }
        if self.size + size > limit {
            lane.overrun += batch.len() as u64;
            return;
        }
        match lane.waiting.back_mut() {
            // Few frames in a batch of their own would take the memory of many.
            Some(last) if last.has_room_for(batch) => {
                // Together they may take less than each on its own: names are kept once.
                let before = last.size();
                last.append(batch);
                self.size += last.size().saturating_sub(before);
            }
            _ => {
                self.size += size;
                let empty = self.spare.pop().unwrap_or_else(|| Batch::in_form(self.form));
                lane.waiting.push_back(std::mem::replace(batch, empty));
            }
        }
    }

    /// Takes the next batch of a lane in exchange for one that is done with.
    pub(super) fn exchange(&mut self, lane: usize, done: &mut Batch) -> bool {
        let Some(next) = self.lanes[lane].waiting.pop_front() else { return false };
        self.size = self.size.saturating_sub(next.size());
        let mut done = std::mem::replace(done, next);
        if self.spare.len() < SPARE {
            done.clear();
            self.spare.push(done);
        }
        true
    }

    /// Whether nothing comes out of a lane any more.
    pub(super) fn is_over(&self, lane: usize) -> bool {
        self.lanes[lane].ended && self.lanes[lane].waiting.is_empty()
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.size == 0
    }

    /// Once every reader has come to its end, forgets what waits if it is more than `rest` bytes.
    pub(super) fn forget_more_than(&mut self, rest: usize) {
        if self.size > rest && self.lanes.iter().all(|lane| lane.ended) {
            self.lanes.iter_mut().for_each(|lane| lane.waiting.clear());
            self.size = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::files::write::Format;
    use super::super::frame::{Frame, Nanoseconds, Source};
    use super::*;

    fn batch(times: &[Nanoseconds]) -> Batch {
        let mut batch = Batch::default();
        for time in times {
            batch.push(&Frame { time: Some(*time), ..Frame::ethernet(b"frame") });
        }
        batch
    }

    fn taken(taker: &mut Taker<'_>) -> Vec<Nanoseconds> {
        std::iter::from_fn(|| taker.next().unwrap().map(|frame| frame.time.unwrap())).collect()
    }

    #[test]
    fn frames_of_several_lanes_come_in_the_order_of_their_times() {
        let queue = Queue::new(3, usize::MAX);
        for (lane, times) in [[1, 4, 5].as_slice(), &[2, 6], &[]].iter().enumerate() {
            queue.put(lane, &mut batch(times));
            queue.end(lane);
        }
        assert_eq!(taken(&mut queue.taker(usize::MAX)), [1, 2, 4, 5, 6]);
    }

    #[test]
    fn a_queue_from_which_everything_was_taken_is_empty_and_its_taker_not_ready() {
        let queue = Queue::new(1, usize::MAX);
        for time in 0..3 {
            let mut named = Batch::default();
            named.push(&Frame { time: Some(time), interface: "eth0", ..Frame::ethernet(b"frame") });
            queue.put(0, &mut named);
        }
        let mut taker = queue.taker(usize::MAX);
        (0..3).for_each(|_| assert!(taker.ready() && taker.next().unwrap().is_some()));
        assert!(!taker.ready());
        assert_eq!(queue.progress().waiting, 0);
    }

    #[test]
    fn what_a_full_queue_has_no_room_for_is_counted_and_the_rest_comes_out() {
        let one = batch(&[0]).size();
        let queue = Queue::new(1, 10 * one);
        (0..25).for_each(|time| queue.put(0, &mut batch(&[time])));
        queue.end(0);
        let taken = taken(&mut queue.taker(usize::MAX));
        assert_eq!(taken, (0..taken.len() as i64).collect::<Vec<_>>(), "the first that came");
        assert!(taken.len() >= 10, "{}", taken.len());
        assert_eq!(taken.len() as u64 + queue.overrun(0), 25);
    }

    #[test]
    fn batches_that_are_used_again_keep_their_form() {
        let form = Some(Form { format: Format::Pcap, interface: 0 });
        let queue = Queue::new(1, usize::MAX).in_form(form);
        let mut taker = queue.taker(usize::MAX);
        let mut batch = queue.batch();
        for time in 0..10 {
            batch.push(&Frame { time: Some(time), ..Frame::ethernet(b"frame") });
            queue.put(0, &mut batch);
            assert_eq!(taker.next_batch().unwrap().records().len(), 16 + b"frame".len());
        }
    }

    #[test]
    fn small_batches_share_the_memory_of_one() {
        let queue = Queue::new(1, usize::MAX);
        (0..1000).for_each(|time| queue.put(0, &mut batch(&[time])));
        assert_eq!(queue.lock().lanes[0].waiting.len(), 1);
    }

    #[test]
    fn after_the_end_no_more_than_the_rest_comes_out() {
        for (rest, expected) in [(usize::MAX, 3), (0, 0)] {
            let queue = Queue::new(1, usize::MAX);
            let mut taker = queue.taker(rest);
            queue.put(0, &mut batch(&[1, 2, 3]));
            queue.end(0);
            assert_eq!(taken(&mut taker).len(), expected);
            assert_eq!(queue.overrun(0), 0, "nobody was too slow");
        }
    }

    #[test]
    fn a_closed_queue_keeps_nothing_and_calls_nothing_an_overrun() {
        let queue = Queue::new(1, 0);
        queue.close();
        queue.put(0, &mut batch(&[1]));
        queue.end(0);
        assert_eq!((taken(&mut queue.taker(0)).len(), queue.overrun(0)), (0, 0));
    }

    #[test]
    fn a_taker_that_waits_is_woken_by_what_comes() {
        let queue = Queue::new(1, usize::MAX);
        std::thread::scope(|scope| {
            let taking = scope.spawn(|| taken(&mut queue.taker(usize::MAX)));
            for time in 0..100 {
                queue.put(0, &mut batch(&[time]));
                queue.wake();
            }
            queue.end(0);
            assert_eq!(taking.join().unwrap(), (0..100).collect::<Vec<_>>());
        });
    }
}
