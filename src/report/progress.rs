//! How far a capture is, and how fast it was.

use std::fmt;
use std::time::Duration;

use super::quantity::{Bytes, Count, Things};
use crate::capture::Counted;
use crate::capture::queue::Progress;
use crate::kernel::sandbox::Confined;

/// A line that is written over and over: `12 345 frames  8.20 MB  1 234/s  820 kB/s  lost: 3 kernel, 0 queue`.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// How far it is now.
    pub now: Progress,
    /// How far it was `since` ago.
    pub before: Progress,
    /// The time between.
    pub since: Duration,
}

impl fmt::Display for Now {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Progress { frames, bytes, dropped, overrun, waiting, .. } = self.now;
        let frame_rate = rate(frames.saturating_sub(self.before.frames), self.since);
        let byte_rate = rate(bytes.saturating_sub(self.before.bytes), self.since);
        write!(f, "{}  {}  {}/s  {}/s", Things(frames, "frame"), Bytes(bytes), Count(frame_rate), Bytes(byte_rate))?;
        write!(f, "  lost: {} kernel, {} queue  waiting: {}", Count(dropped), Count(overrun), Bytes(waiting as u64))
    }
}

/// The rates of a whole capture: `12 345 frames, 8.20 MB in 10.0 s: 1 234 frames/s, 820 kB/s`.
#[derive(Clone, Copy, Debug)]
pub struct Whole {
    /// Frames that were handed on.
    pub frames: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How long it took.
    pub time: Duration,
}

impl fmt::Display for Whole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Whole { frames, bytes, time } = *self;
        let seconds = time.as_secs_f64();
        write!(f, "{}, {} in {seconds:.1} s: ", Things(frames, "frame"), Bytes(bytes))?;
        write!(f, "{}/s, {}/s", Things(rate(frames, time), "frame"), Bytes(rate(bytes, time)))
    }
}

/// The counts of one interface.
#[derive(Clone, Copy, Debug)]
pub struct Interface<'a>(pub &'a Counted);

impl fmt::Display for Interface<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counted { interface, seen, dropped, overrun, missed } = self.0;
        write!(f, "{interface}: {} seen, {} dropped by the kernel, ", Count(*seen), Count(*dropped))?;
        write!(f, "{} by the queue, {} lost by the interface before", Count(*overrun), Count(*missed))
    }
}

/// What the process gave away: `sandbox: no capabilities, no new privileges, no files (Landlock 7), 48 system calls`.
#[derive(Clone, Copy, Debug)]
pub struct Sandbox(pub Option<Confined>);

impl fmt::Display for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(Confined { capabilities, no_new_privileges, landlock, system_calls }) = self.0 else {
            return f.write_str("sandbox: off");
        };
        f.write_str(if capabilities { "sandbox: no capabilities" } else { "sandbox: capabilities kept" })?;
        f.write_str(if no_new_privileges { ", no new privileges" } else { "" })?;
        match landlock {
            Some(version) => write!(f, ", no other files (Landlock {version})")?,
            None => f.write_str(", this kernel has no Landlock")?,
        }
        match system_calls {
            Some(count) => write!(f, ", {count} system calls (seccomp)"),
            None => f.write_str(", this kernel has no seccomp"),
        }
    }
}

fn rate(amount: u64, time: Duration) -> u64 {
    let seconds = time.as_secs_f64();
    if seconds > 0.0 { (amount as f64 / seconds) as u64 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_those_since_the_line_before() {
        let before = Progress { frames: 1000, bytes: 60_000, ..Progress::default() };
        let now = Progress { frames: 3000, bytes: 180_000, dropped: 3, overrun: 4, waiting: 500, missed: 0 };
        let line = Now { now, before, since: Duration::from_secs(2) }.to_string();
        assert_eq!(line, "3000 frames  180 kB  1000/s  60.0 kB/s  lost: 3 kernel, 4 queue  waiting: 500 B");
    }

    #[test]
    fn the_whole_has_its_mean_rate_also_when_it_took_no_time() {
        let whole = Whole { frames: 10, bytes: 600, time: Duration::from_secs(5) };
        assert_eq!(whole.to_string(), "10 frames, 600 B in 5.0 s: 2 frames/s, 120 B/s");
        assert!(Whole { time: Duration::ZERO, ..whole }.to_string().ends_with("0 frames/s, 0 B/s"));
    }
}
