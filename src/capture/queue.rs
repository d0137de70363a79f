//! Frames on their way from the threads that read interfaces to the one that shows or writes them. A reader never
//! waits: what a full queue has no room for is dropped and counted.
//!
//! **Invariant:** every frame that is put in is taken out, counted as overrun, or still there when the taker closes
//! the queue. Memory is bounded by the limit and two batches per reader.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::batch::Batch;
use super::frame::{Frame, Nanoseconds, Source};
use crate::link::ring;

/// Empty batches kept for their memory.
const SPARE: usize = 8;
/// A frame of one interface is held back this long for earlier ones of the others: what a ring's block may take to come,
/// and the way from there.
const HOLD: Duration = ring::RETIRE.saturating_mul(3);

/// The queue: a lane for each reader, one taker for all.
#[derive(Debug)]
pub struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    limit: usize,
}

#[derive(Debug)]
struct State {
    lanes: Vec<Lane>,
    /// Bytes of the batches that wait.
    size: usize,
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
        let state = State { lanes, size: 0, spare: Vec::new(), closed: false };
        Queue { state: Mutex::new(state), changed: Condvar::new(), limit }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The counts are whole at every moment, so a panic elsewhere leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the frames of `batch` into a lane, or counts them as overrun when there is no room; the batch is empty then.
    pub fn put(&self, lane: usize, batch: &mut Batch) {
        let mut state = self.lock();
        state.put(lane, batch, self.limit);
        batch.clear();
        drop(state);
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
        let heads = self.lock().lanes.iter().map(|_| Head::default()).collect();
        Taker { queue: self, heads, rest }
    }
}

impl State {
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
                lane.waiting.push_back(std::mem::replace(batch, self.spare.pop().unwrap_or_default()));
            }
        }
    }

    /// Takes the next batch of a lane in exchange for one that is done with.
    fn exchange(&mut self, lane: usize, done: &mut Batch) -> bool {
        let Some(next) = self.lanes[lane].waiting.pop_front() else { return false };
        self.size = self.size.saturating_sub(next.size());
        let mut done = std::mem::replace(done, next);
        if self.spare.len() < SPARE {
            done.clear();
            self.spare.push(done);
        }
        true
    }
}

/// The end of a [`Queue`] at which frames come out.
#[derive(Debug)]
pub struct Taker<'q> {
    queue: &'q Queue,
    heads: Vec<Head>,
    rest: usize,
}

/// The batch of a lane that is being handed out.
#[derive(Debug, Default)]
struct Head {
    batch: Batch,
    at: usize,
    ended: bool,
}

impl Head {
    #[inline]
    fn time(&self) -> Option<Nanoseconds> {
        self.batch.time(self.at)
    }
}

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// The next frame is that of this lane.
    Take(usize),
    /// Something must happen first, or this much time pass.
    Wait(Option<Duration>),
    /// Nothing will come.
    End,
}

/// The lane with the earliest frame, if no other can bring an earlier one any more.
fn step(heads: &[Head], now: impl FnOnce() -> Nanoseconds) -> Step {
    let times = heads.iter().enumerate().filter_map(|(lane, head)| Some((head.time()?, lane)));
    let Some((time, lane)) = times.min() else {
        return if heads.iter().all(|head| head.ended) { Step::End } else { Step::Wait(None) };
    };
    if heads.iter().all(|head| head.ended || head.time().is_some()) {
        return Step::Take(lane);
    }
    // After the clock was set back a frame may come from the future: it need not wait for that.
    let age = now().saturating_sub(time);
    match HOLD.checked_sub(Duration::from_nanos(u64::try_from(age).unwrap_or(u64::MAX))) {
        Some(left) if !left.is_zero() => Step::Wait(Some(left)),
        _ => Step::Take(lane),
    }
}

impl Taker<'_> {
    /// The lane of the next frame; none at the end.
    #[inline]
    fn choose(&mut self) -> Option<usize> {
        if let [only] = self.heads.as_slice()
            && only.time().is_some()
        {
            return Some(0);
        }
        self.choose_of_several()
    }

    fn choose_of_several(&mut self) -> Option<usize> {
        if self.heads.iter().all(|head| head.time().is_some())
            && let Step::Take(lane) = step(&self.heads, now)
        {
            return Some(lane);
        }
        let mut state = self.queue.lock();
        loop {
            self.fill(&mut state);
            state = match step(&self.heads, now) {
                Step::Take(lane) => return Some(lane),
                Step::End => return None,
                Step::Wait(None) => self.queue.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Step::Wait(Some(limit)) => {
                    self.queue.changed.wait_timeout(state, limit).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Takes a batch for every lane that has none.
    fn fill(&mut self, state: &mut State) {
        if state.size > self.rest && state.lanes.iter().all(|lane| lane.ended) {
            state.lanes.iter_mut().for_each(|lane| lane.waiting.clear());
            state.size = 0;
        }
        for (lane, head) in self.heads.iter_mut().enumerate().filter(|(_, head)| head.time().is_none()) {
            if state.exchange(lane, &mut head.batch) {
                head.at = 0;
            }
            head.ended = state.lanes[lane].ended && state.lanes[lane].waiting.is_empty();
        }
    }
}

impl Source for Taker<'_> {
    type Error = Infallible;

    #[inline]
    fn next(&mut self) -> Result<Option<Frame<'_>>, Infallible> {
        let Some(lane) = self.choose() else { return Ok(None) };
        let head = &mut self.heads[lane];
        head.at += 1;
        Ok(head.batch.get(head.at - 1))
    }

    /// Of several lanes the earliest frame may still be held back for a moment.
    #[inline]
    fn ready(&self) -> bool {
        self.heads.iter().any(|head| head.time().is_some()) || self.queue.lock().size > 0
    }
}

fn now() -> Nanoseconds {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_nanos() as Nanoseconds
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(times: &[Nanoseconds]) -> Batch {
        let mut batch = Batch::default();
        for time in times {
            batch.push(&Frame { time: Some(*time), ..Frame::ethernet(b"frame") });
        }
        batch
    }

    fn head(times: &[Nanoseconds], ended: bool) -> Head {
        Head { batch: batch(times), at: 0, ended }
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
    fn a_frame_waits_for_earlier_ones_of_a_silent_lane_but_not_for_ever() {
        let hold = HOLD.as_nanos() as Nanoseconds;
        let heads = [head(&[1000], false), head(&[], false)];
        assert_eq!(step(&heads, || 1000 + hold / 2), Step::Wait(Some(HOLD / 2)));
        assert_eq!(step(&heads, || 1000 + hold), Step::Take(0));
        let heads = [head(&[1000], false), head(&[], true)];
        assert_eq!(step(&heads, || 1000), Step::Take(0), "nothing will come from the other");
        let heads = [head(&[1000], false), head(&[], false)];
        assert_eq!(step(&heads, || 999), Step::Take(0), "the clock was set back");
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
            (0..100).for_each(|time| queue.put(0, &mut batch(&[time])));
            queue.end(0);
            assert_eq!(taking.join().unwrap(), (0..100).collect::<Vec<_>>());
        });
    }
}
