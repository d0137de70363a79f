//! The end of a queue at which frames come out, in the order of their times.

use std::convert::Infallible;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::batch::Batch;
use super::frame::{Frame, Nanoseconds, Source};
use super::queue::{Queue, State};
use crate::link::ring;

/// A frame of one interface is held back this long for earlier ones of the others: what a ring's block may take to come,
/// and the way from there.
const HOLD: Duration = ring::RETIRE.saturating_mul(3);

/// The end of a [`Queue`] at which frames come out.
#[derive(Debug)]
pub struct Taker<'q> {
    queue: &'q Queue,
    heads: Vec<Head>,
    rest: usize,
}

/// The batch of a lane that is being handed out.
#[derive(Debug)]
pub(super) struct Head {
    batch: Batch,
    at: usize,
    ended: bool,
}

impl Head {
    pub(super) fn new(empty: Batch) -> Self {
        Head { batch: empty, at: 0, ended: false }
    }

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

impl<'q> Taker<'q> {
    pub(super) fn new(queue: &'q Queue, heads: Vec<Head>, rest: usize) -> Self {
        Taker { queue, heads, rest }
    }

    /// The next frames all at once, where there is one lane only; none at the end.
    pub fn next_batch(&mut self) -> Option<&Batch> {
        let lane = self.choose()?;
        let head = &mut self.heads[lane];
        head.at = head.batch.len();
        Some(&head.batch)
    }

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
                Step::Wait(limit) => self.queue.wait(state, limit),
            };
        }
    }

    /// Takes a batch for every lane that has none.
    fn fill(&mut self, state: &mut State) {
        state.forget_more_than(self.rest);
        for (lane, head) in self.heads.iter_mut().enumerate().filter(|(_, head)| head.time().is_none()) {
            if state.exchange(lane, &mut head.batch) {
                head.at = 0;
            }
            head.ended = state.is_over(lane);
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
        self.heads.iter().any(|head| head.time().is_some()) || !self.queue.lock().is_empty()
    }
}

fn now() -> Nanoseconds {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_nanos() as Nanoseconds
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(times: &[Nanoseconds], ended: bool) -> Head {
        let mut batch = Batch::default();
        for time in times {
            batch.push(&Frame { time: Some(*time), ..Frame::ethernet(b"frame") });
        }
        Head { ended, ..Head::new(batch) }
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
}
