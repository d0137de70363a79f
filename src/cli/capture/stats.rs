//! Counts while a capture runs, and at its end.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::capture::queue::{Progress, Queue};
use crate::report::progress::Now;

/// Time between two looks at the counts.
const EVERY: Duration = Duration::from_secs(1);

/// Writes the counts over and over on one line of the terminal behind standard error, until the sender of `end` is gone.
pub(super) fn show(queue: &Queue, end: &Receiver<()>) {
    let (mut before, mut then) = (Progress::default(), Instant::now());
    while end.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
        let (now, since) = (queue.progress(), then.elapsed());
        // A terminal that is gone has nobody to look at it.
        let _ = write!(io::stderr(), "\r\x1b[K{}", Now { now, before, since });
        (before, then) = (now, Instant::now());
    }
    let _ = write!(io::stderr(), "\r\x1b[K");
}
