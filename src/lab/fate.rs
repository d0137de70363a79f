//! What the wire does with a frame: rules over the dissected frame and its ordinal, repeatable from a seed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::Serialize;

use crate::dissect::Layer;

/// A frame at the wire, before its fate is decided.
#[derive(Debug)]
pub struct Passing<'a> {
    /// From 1, in the order of arrival.
    pub number: u64,
    /// Host that sent it.
    pub from: usize,
    /// The frame from its Ethernet header on.
    pub bytes: &'a [u8],
    /// Its layers.
    pub layers: &'a [Layer],
}

/// What becomes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Fate {
    /// It goes on at once.
    #[default]
    Forward,
    /// It is lost.
    Drop,
    /// It goes on after this time; what comes after may overtake it.
    Delay(Duration),
    /// It goes on, and once more.
    Duplicate,
    /// It goes on with this bit (counted from the frame's end, 0 = the last) turned over.
    Corrupt(u32),
    /// It waits until [`super::Stage::release`].
    Hold,
    /// It lets the next frame of its direction pass and goes on behind it; without a next one after this time.
    Swap(Duration),
}

/// A fate as an event tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// Delivered at once.
    Forwarded,
    /// Lost on the wire.
    Dropped,
    /// Given on later than it came.
    Delayed,
    /// Delivered twice.
    Duplicated,
    /// Delivered with a bit turned over.
    Corrupted,
    /// Kept on the wire for now.
    Held,
    /// Let go after it was held, or at the other end after its time on the wire.
    Released,
    /// The next frame of its direction passes before it.
    Swapped,
    /// Lost because too many frames already waited for a wire of limited rate.
    Overflowed,
    /// Lost because the wire is cut.
    Cut,
    /// A repetition of a frame that was held while somebody was thinking, left out.
    Suppressed,
}

impl Fate {
    /// How an event tells it.
    pub fn told(self) -> Told {
        match self {
            Fate::Forward => Told::Forwarded,
            Fate::Drop => Told::Dropped,
            Fate::Delay(_) => Told::Delayed,
            Fate::Duplicate => Told::Duplicated,
            Fate::Corrupt(_) => Told::Corrupted,
            Fate::Hold => Told::Held,
            Fate::Swap(_) => Told::Swapped,
        }
    }
}

/// Decides the fate of frames. Rules are asked in order; the first that does not forward decides.
pub type Rule = Box<dyn FnMut(&Passing<'_>) -> Fate + Send>;

/// A rule for the `ordinal`th (from 1) frame that `matches`.
pub fn nth(ordinal: u64, mut matches: impl FnMut(&Passing<'_>) -> bool + Send + 'static, fate: Fate) -> Rule {
    let mut count = 0u64;
    Box::new(move |frame| {
        count = count.saturating_add(u64::from(matches(frame)));
        // Only the frame that brings the count to the ordinal; `matches` may not hold for this one.
        if count == ordinal {
            count = count.saturating_add(1);
            return fate;
        }
        Fate::Forward
    })
}

/// A rule for every frame that `matches`.
pub fn every(mut matches: impl FnMut(&Passing<'_>) -> bool + Send + 'static, fate: Fate) -> Rule {
    Box::new(move |frame| if matches(frame) { fate } else { Fate::Forward })
}

/// A rule that meets each matching frame with the given probability. The same seed meets the same frames of a direction
/// (the first that matches, the second, …), whatever the other direction does.
pub fn sometimes(
    probability: f64,
    seed: u64,
    mut matches: impl FnMut(&Passing<'_>) -> bool + Send + 'static,
    fate: Fate,
) -> Rule {
    let mut chances: Vec<Chance> = Vec::new();
    Box::new(move |frame| {
        while chances.len() <= frame.from {
            chances.push(Chance::of_direction(seed, chances.len()));
        }
        let chance = chances.get_mut(frame.from).filter(|_| matches(frame));
        if chance.is_some_and(|chance| chance.next() < probability) { fate } else { Fate::Forward }
    })
}

/// Where frames of several hosts wait for each other, so that they cross on the wire.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    open: Arc<AtomicBool>,
}

impl Gate {
    /// A rule that holds the first matching frame of each host and loses its repetitions, until the gate is opened.
    pub fn rule(&self, mut matches: impl FnMut(&Passing<'_>) -> bool + Send + 'static) -> Rule {
        let (open, mut held) = (Arc::clone(&self.open), Vec::new());
        Box::new(move |frame| {
            if open.load(Ordering::Relaxed) || !matches(frame) {
                return Fate::Forward;
            }
            if held.contains(&frame.from) {
                return Fate::Drop;
            }
            held.push(frame.from);
            Fate::Hold
        })
    }

    /// Frames pass from now on; those that are held wait for [`super::Stage::release`].
    pub fn open(&self) {
        self.open.store(true, Ordering::Relaxed);
    }
}

/// Repeatable chance: `SplitMix64`.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// The sequence that belongs to `seed`.
    pub const fn new(seed: u64) -> Self {
        Chance(seed)
    }

    /// The sequence of one of several directions that share `seed`; that of direction 0 is [`Chance::new`]'s.
    pub const fn of_direction(seed: u64, direction: usize) -> Self {
        Chance(seed.wrapping_add((direction as u64).wrapping_mul(0xd6e8_feb8_6659_fd93)))
    }

    /// The next number, at least 0 and below 1.
    #[expect(clippy::should_implement_trait, reason = "an endless sequence of plain numbers needs no Option")]
    pub fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ mixed >> 31) >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passing(number: u64) -> Passing<'static> {
        Passing { number, from: 0, bytes: &[], layers: &[] }
    }

    #[test]
    fn the_second_match_alone_meets_its_fate() {
        let mut rule = nth(2, |frame| frame.number % 2 == 0, Fate::Drop);
        let fates: Vec<_> = (1..=8).map(|number| rule(&passing(number))).collect();
        let dropped: Vec<_> = fates.iter().enumerate().filter(|(_, f)| **f == Fate::Drop).map(|(i, _)| i + 1).collect();
        assert_eq!(dropped, [4]);
    }

    #[test]
    fn a_gate_holds_one_frame_of_each_host_until_it_is_opened() {
        let gate = Gate::default();
        let mut rule = gate.rule(|_| true);
        let fates = [0, 0, 1, 0].map(|from| rule(&Passing { from, ..passing(1) }));
        assert_eq!(fates, [Fate::Hold, Fate::Drop, Fate::Hold, Fate::Drop]);
        gate.open();
        assert_eq!(rule(&passing(5)), Fate::Forward);
    }

    #[test]
    fn the_same_seed_drops_the_same_frames_and_about_as_many_as_asked() {
        let run = |seed| {
            let mut rule = sometimes(0.25, seed, |_| true, Fate::Drop);
            (0..1000).filter(|n| rule(&passing(*n)) == Fate::Drop).collect::<Vec<_>>()
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
        assert!((200..300).contains(&run(7).len()));
    }

    #[test]
    fn the_other_direction_does_not_change_whom_chance_meets() {
        let dropped = |answers: u64| {
            let mut rule = sometimes(0.25, 7, |_| true, Fate::Drop);
            let mut numbers = (0..100).flat_map(|n| std::iter::repeat_n((n, 1), answers as usize).chain([(n, 0)]));
            let mut met = move |(number, from)| rule(&Passing { number, from, bytes: &[], layers: &[] }) == Fate::Drop;
            numbers.by_ref().filter(|(n, from)| met((*n, *from)) && *from == 0).collect::<Vec<_>>()
        };
        assert_eq!(dropped(0), dropped(3));
    }
}
