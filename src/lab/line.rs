//! The way from a host into a network: how long it takes, how much fits through it, and what is lost on it, each
//! direction by itself.
//!
//! **Invariant:** the same seed meets the same frames of a direction (the first, the second, …) with the same fate,
//! whatever the other direction does and whichever of the shares are set.

use std::collections::VecDeque;
use std::time::Duration;

use super::fate::{Chance, Fate};

/// What every frame of a direction meets that no rule decided about. By default it passes at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conditions {
    /// How long a frame takes from one end to the other. None: as [`super::Stage::delay`] says.
    pub delay: Option<Duration>,
    /// How many bits of frames (from the Ethernet header to the last byte of data) leave per second. None: as many as
    /// come.
    pub rate: Option<u64>,
    /// Frames that wait for their turn where the rate is limited, the one under way included. Where that many wait, the
    /// next one is lost.
    pub queue: usize,
    /// Share of frames that are lost, from 0 to 1.
    pub loss: f64,
    /// Share of frames that go on twice.
    pub duplicate: f64,
    /// Share of frames in which one bit behind the Ethernet header is turned over.
    pub corrupt: f64,
    /// Share of frames that let the next one of their direction pass before them.
    pub reorder: f64,
    /// What chance begins with.
    pub seed: u64,
}

/// Frames that a router's interface lets wait, as a round number.
const QUEUE: usize = 100;

impl Default for Conditions {
    fn default() -> Self {
        Conditions {
            delay: None,
            rate: None,
            queue: QUEUE,
            loss: 0.0,
            duplicate: 0.0,
            corrupt: 0.0,
            reorder: 0.0,
            seed: 0,
        }
    }
}

/// A frame that let the next one pass goes on after this time if there is no next one.
pub const OVERTAKING: Duration = Duration::from_millis(100);

/// Bytes of an Ethernet header.
const ETHERNET: usize = 14;

/// What becomes of a frame that enters the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// It is at the other end.
    AtOnce,
    /// It is at the other end at this time of the lab's clock.
    At(Duration),
    /// The queue is full: it is lost.
    Full,
}

/// One direction: from a host into a network.
#[derive(Debug)]
pub struct Line {
    conditions: Conditions,
    /// Whether nothing passes.
    pub cut: bool,
    chance: Chance,
    direction: usize,
    /// When the frames that wait for their turn leave, in order.
    leaving: VecDeque<Duration>,
    /// When the last frame that entered leaves.
    busy_until: Duration,
    /// When the last frame that took the usual time arrives.
    arrives: Duration,
}

impl Line {
    /// A line without conditions, the network's `direction`th.
    pub fn new(direction: usize) -> Self {
        let conditions = Conditions::default();
        Line {
            conditions,
            cut: false,
            chance: Chance::of_direction(conditions.seed, direction),
            direction,
            leaving: VecDeque::new(),
            busy_until: Duration::ZERO,
            arrives: Duration::ZERO,
        }
    }

    /// Sets the conditions of the frames to come; chance starts from their seed.
    pub fn set(&mut self, conditions: Conditions) {
        self.chance = Chance::of_direction(conditions.seed, self.direction);
        self.conditions = conditions;
    }

    /// Whether every frame passes at once.
    pub fn is_plain(&self) -> bool {
        let Conditions { delay, rate, loss, duplicate, corrupt, reorder, .. } = self.conditions;
        let certain = [loss, duplicate, corrupt, reorder].iter().all(|share| *share == 0.0);
        certain && delay.is_none() && rate.is_none() && !self.cut
    }

    /// What chance makes of the next frame, which has this many bytes.
    pub fn fate(&mut self, bytes: usize) -> Fate {
        let Conditions { loss, duplicate, corrupt, reorder, .. } = self.conditions;
        // Each is drawn, needed or not: what one share meets must not depend on the others.
        let [lost, twice, damaged, late, which] = std::array::from_fn(|_| self.chance.next());
        if lost < loss {
            Fate::Drop
        } else if damaged < corrupt {
            let bits = bytes.saturating_sub(ETHERNET).saturating_mul(8);
            Fate::Corrupt((which * bits as f64) as u32)
        } else if twice < duplicate {
            Fate::Duplicate
        } else if late < reorder {
            Fate::Swap(OVERTAKING)
        } else {
            Fate::Forward
        }
    }

    /// Lets a frame of `bytes` in at `now`. It takes `exceptionally` long, or as long as the conditions say, or
    /// `usually`; only frames that take the usual time keep their order.
    pub fn enter(&mut self, now: Duration, bytes: usize, exceptionally: Option<Duration>, usually: Duration) -> Entry {
        let Some(leaves) = self.take_turn(now, bytes) else { return Entry::Full };
        if let Some(delay) = exceptionally {
            return Entry::At(leaves.saturating_add(delay));
        }
        let delay = self.conditions.delay.unwrap_or(usually);
        if leaves == now && delay.is_zero() && self.arrives <= now {
            return Entry::AtOnce;
        }
        self.arrives = self.arrives.max(leaves.saturating_add(delay));
        Entry::At(self.arrives)
    }

    /// When the last bit of a frame that comes `now` has left; none when it finds the queue full.
    fn take_turn(&mut self, now: Duration, bytes: usize) -> Option<Duration> {
        let Some(rate) = self.conditions.rate else { return Some(now) };
        while self.leaving.front().is_some_and(|leaves| *leaves <= now) {
            self.leaving.pop_front();
        }
        if self.leaving.len() >= self.conditions.queue {
            return None;
        }
        let nanoseconds = (bytes as u64).saturating_mul(8_000_000_000) / rate.max(1);
        self.busy_until = self.busy_until.max(now).saturating_add(Duration::from_nanos(nanoseconds));
        self.leaving.push_back(self.busy_until);
        Some(self.busy_until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1);

    fn line(conditions: Conditions) -> Line {
        let mut line = Line::new(0);
        line.set(conditions);
        line
    }

    fn ms(milliseconds: u64) -> Duration {
        NOW + Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_plain_line_takes_no_time_and_a_delayed_one_always_the_same() {
        assert_eq!(line(Conditions::default()).enter(NOW, 100, None, Duration::ZERO), Entry::AtOnce);
        let mut slow = line(Conditions { delay: Some(Duration::from_millis(20)), ..Conditions::default() });
        assert_eq!(slow.enter(NOW, 100, None, Duration::ZERO), Entry::At(ms(20)));
        assert_eq!(slow.enter(ms(1), 1500, None, Duration::ZERO), Entry::At(ms(21)));
        assert_eq!(slow.enter(ms(2), 100, Some(Duration::from_millis(1)), Duration::ZERO), Entry::At(ms(3)));
    }

    #[test]
    fn a_line_that_becomes_faster_keeps_the_order_of_what_is_under_way() {
        let mut line = Line::new(0);
        assert_eq!(line.enter(NOW, 100, None, Duration::from_millis(20)), Entry::At(ms(20)));
        assert_eq!(line.enter(ms(1), 100, None, Duration::ZERO), Entry::At(ms(20)));
        assert_eq!(line.enter(ms(20), 100, None, Duration::ZERO), Entry::AtOnce);
    }

    #[test]
    fn frames_leave_at_the_rate_and_what_the_queue_cannot_hold_is_lost() {
        // 125 bytes are 1000 bits: one millisecond each.
        let mut slow = line(Conditions { rate: Some(1_000_000), queue: 2, ..Conditions::default() });
        let mut enter = |at| slow.enter(at, 125, None, Duration::ZERO);
        assert_eq!([enter(NOW), enter(NOW), enter(NOW)], [Entry::At(ms(1)), Entry::At(ms(2)), Entry::Full]);
        assert_eq!([enter(ms(1)), enter(ms(1))], [Entry::At(ms(3)), Entry::Full]);
        assert_eq!(enter(ms(10)), Entry::At(ms(11)), "an idle line starts at once");
    }

    #[test]
    fn shares_are_met_and_none_changes_whom_another_meets() {
        let lost = |conditions: Conditions| {
            let mut line = line(conditions);
            (0..2000).filter(|_| line.fate(100) == Fate::Drop).count()
        };
        let alone = Conditions { loss: 0.1, seed: 7, ..Conditions::default() };
        assert!((150..250).contains(&lost(alone)));
        assert_eq!(lost(alone), lost(Conditions { duplicate: 0.5, reorder: 0.5, ..alone }));
        let mut mixed = line(Conditions { duplicate: 0.2, corrupt: 0.2, reorder: 0.2, ..alone });
        let fates: Vec<Fate> = (0..1000).map(|_| mixed.fate(100)).collect();
        for wanted in [Fate::Duplicate, Fate::Swap(OVERTAKING), Fate::Drop, Fate::Forward] {
            assert!(fates.contains(&wanted), "{wanted:?}");
        }
        let bits = fates.iter().filter_map(|fate| if let Fate::Corrupt(bit) = fate { Some(*bit) } else { None });
        assert!(bits.clone().count() > 100 && bits.into_iter().all(|bit| bit < (100 - 14) * 8));
    }

    #[test]
    fn directions_have_chances_of_their_own() {
        let fates = |direction| {
            let mut line = Line::new(direction);
            line.set(Conditions { loss: 0.5, seed: 7, ..Conditions::default() });
            (0..64).map(|_| line.fate(100) == Fate::Drop).collect::<Vec<_>>()
        };
        assert_eq!(fates(0), fates(0));
        assert_ne!(fates(0), fates(1));
    }
}
