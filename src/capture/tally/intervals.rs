//! How much in each stretch of time.

use super::Volume;
use crate::capture::frame::Nanoseconds;
use crate::capture::packet::Packet;

/// Stretches that are kept apart; when there are more, each becomes twice as long.
const MOST: usize = 1 << 16;

/// Frames by stretches of equal length, from the first frame on.
#[derive(Debug)]
pub struct Intervals {
    /// Length of each, in nanoseconds.
    pub length: Nanoseconds,
    /// When the first begins.
    pub start: Option<Nanoseconds>,
    /// What came in each.
    pub volumes: Vec<Volume>,
    /// Frames without a time, or from before the first.
    pub elsewhen: Volume,
}

impl Intervals {
    /// Stretches of `length` nanoseconds, at least one.
    pub fn of(length: Nanoseconds) -> Self {
        Intervals { length: length.max(1), start: None, volumes: Vec::new(), elsewhen: Volume::default() }
    }

    /// Takes in a frame.
    pub fn see(&mut self, packet: &Packet<'_>) {
        let bytes = packet.frame.original_length;
        let since = packet.frame.time.and_then(|time| time.checked_sub(*self.start.get_or_insert(time)));
        let Some(since) = since.filter(|since| *since >= 0) else { return self.elsewhen.add(bytes) };
        while since / self.length >= MOST as i64 {
            self.double();
        }
        let at = (since / self.length) as usize;
        if at >= self.volumes.len() {
            self.volumes.resize(at + 1, Volume::default());
        }
        self.volumes[at].add(bytes);
    }

    fn double(&mut self) {
        self.length = self.length.saturating_mul(2);
        let pairs = self.volumes.chunks(2).map(|pair| Volume {
            frames: pair.iter().map(|volume| volume.frames).sum(),
            bytes: pair.iter().map(|volume| volume.bytes).sum(),
        });
        self.volumes = pairs.collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::{Dissector, Frame};

    fn at(intervals: &mut Intervals, time: Nanoseconds) {
        let frame = Frame { time: Some(time), ..Frame::ethernet(&[0; 60]) };
        intervals.see(&Dissector::new(false).read(frame));
    }

    #[test]
    fn frames_are_counted_in_the_stretch_of_their_time_and_gaps_are_empty() {
        let mut intervals = Intervals::of(1000);
        for time in [5000, 5999, 6000, 8500, 4000] {
            at(&mut intervals, time);
        }
        let frames: Vec<u64> = intervals.volumes.iter().map(|volume| volume.frames).collect();
        assert_eq!((frames, intervals.elsewhen.frames), (vec![2, 1, 0, 1], 1));
    }

    #[test]
    fn a_capture_of_years_takes_no_more_memory() {
        let mut intervals = Intervals::of(1000);
        for time in [0, 1000, i64::MAX] {
            at(&mut intervals, time);
        }
        assert!(intervals.volumes.len() <= MOST, "{}", intervals.volumes.len());
        assert_eq!(intervals.volumes.iter().map(|volume| volume.frames).sum::<u64>(), 3);
    }
}
