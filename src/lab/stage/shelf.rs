//! Frames that wait on the wire: until a time, until somebody lets them go, or until another one passed.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

/// A frame on its way.
#[derive(Clone, Debug)]
pub(super) struct Travelling {
    /// The network, and the port by which it came in: its direction.
    pub(super) way: (usize, usize),
    /// The host that sent it.
    pub(super) from: usize,
    /// From 1, in the order of arrival.
    pub(super) number: u64,
    /// As its host sent it.
    pub(super) bytes: Rc<[u8]>,
    /// What goes on instead, where a bit was turned over.
    pub(super) damaged: Option<Rc<[u8]>>,
}

impl Travelling {
    /// What goes on.
    pub(super) fn leaving(&self) -> &[u8] {
        self.damaged.as_ref().unwrap_or(&self.bytes)
    }
}

/// The frames that wait.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    /// By the time at which they arrive; frames of the same time in the order in which they were put here.
    under_way: BTreeMap<(Duration, u64), Travelling>,
    put: u64,
    /// Frames that another one is to overtake, and how long they wait for it.
    overtaken: VecDeque<(Duration, Travelling)>,
    held: VecDeque<Travelling>,
}

impl Shelf {
    pub(super) fn is_empty(&self) -> bool {
        self.is_quiet() && self.held.is_empty()
    }

    /// Whether no frame goes on by itself.
    pub(super) fn is_quiet(&self) -> bool {
        self.under_way.is_empty() && self.overtaken.is_empty()
    }

    /// Keeps a frame until it arrives.
    pub(super) fn until(&mut self, arrives: Duration, frame: Travelling) {
        self.put = self.put.saturating_add(1);
        self.under_way.insert((arrives, self.put), frame);
    }

    /// Keeps a frame until the next one of its direction passed, or until `patience` ends.
    pub(super) fn let_pass(&mut self, patience: Duration, frame: Travelling) {
        self.overtaken.push_back((patience, frame));
    }

    /// Keeps a frame until [`Shelf::release`].
    pub(super) fn hold(&mut self, frame: Travelling) {
        self.held.push_back(frame);
    }

    /// Frames that only somebody can let go.
    pub(super) fn held(&self) -> usize {
        self.held.len()
    }

    /// The frame that was held first.
    pub(super) fn release(&mut self) -> Option<Travelling> {
        self.held.pop_front()
    }

    /// When the next frame goes on by itself.
    pub(super) fn next(&self) -> Option<Duration> {
        let arrives = self.under_way.keys().next().map(|(time, _)| *time);
        self.overtaken.iter().map(|(patience, _)| *patience).chain(arrives).min()
    }

    /// A frame that has arrived by now.
    pub(super) fn arrived(&mut self, now: Duration) -> Option<Travelling> {
        let entry = self.under_way.first_entry()?;
        (entry.key().0 <= now).then(|| entry.remove())
    }

    /// A frame that has waited long enough for another one.
    pub(super) fn waited_in_vain(&mut self, now: Duration) -> Option<Travelling> {
        let at = self.overtaken.iter().position(|(patience, _)| *patience <= now)?;
        self.overtaken.remove(at).map(|(_, frame)| frame)
    }

    /// A frame that waited for frame `number`, which has just passed in its direction.
    pub(super) fn overtaken(&mut self, way: (usize, usize), number: u64) -> Option<Travelling> {
        let at = self.overtaken.iter().position(|(_, frame)| frame.way == way && frame.number < number)?;
        self.overtaken.remove(at).map(|(_, frame)| frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(number: u64, port: usize) -> Travelling {
        Travelling { way: (0, port), from: port, number, bytes: Rc::default(), damaged: None }
    }

    fn second(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn frames_arrive_by_time_and_those_of_one_time_in_order() {
        let mut shelf = Shelf::default();
        for (number, time) in [(1, 3), (2, 2), (3, 2)] {
            shelf.until(second(time), frame(number, 0));
        }
        assert_eq!(shelf.next(), Some(second(2)));
        assert!(shelf.arrived(second(1)).is_none());
        let order: Vec<u64> = std::iter::from_fn(|| shelf.arrived(second(3))).map(|frame| frame.number).collect();
        assert_eq!(order, [2, 3, 1]);
        assert!(shelf.is_empty());
    }

    #[test]
    fn held_frames_wait_for_ever_and_are_let_go_in_order() {
        let mut shelf = Shelf::default();
        shelf.hold(frame(1, 0));
        shelf.hold(frame(2, 1));
        assert!(shelf.arrived(Duration::MAX).is_none() && shelf.next().is_none() && !shelf.is_empty());
        assert_eq!((shelf.held(), shelf.release().map(|frame| frame.number)), (2, Some(1)));
    }

    #[test]
    fn a_frame_waits_for_the_next_of_its_own_direction_and_not_for_ever() {
        let mut shelf = Shelf::default();
        for number in [1, 2] {
            shelf.let_pass(second(9), frame(number, 0));
        }
        shelf.let_pass(second(5), frame(3, 1));
        assert!(shelf.overtaken((0, 0), 1).is_none(), "not by itself");
        assert_eq!(shelf.overtaken((0, 0), 4).map(|frame| frame.number), Some(1));
        assert_eq!(shelf.overtaken((0, 0), 4).map(|frame| frame.number), Some(2));
        assert!(shelf.overtaken((0, 0), 4).is_none(), "the other one goes the other way");
        assert_eq!(shelf.next(), Some(second(5)));
        assert_eq!(shelf.waited_in_vain(second(5)).map(|frame| frame.number), Some(3));
    }
}
