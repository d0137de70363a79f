//! Where live frames come from, as a small trait: the kernel's ring, or a script in its place.

use std::collections::VecDeque;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use super::received::{Received, Sender, Tag};
use crate::kernel::OsError;

/// What the kernel counted behind the filter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Frames that the filter took: shown, dropped, or still in the ring.
    pub seen: u64,
    /// Of these, frames for which the ring had no room.
    pub dropped: u64,
}

/// Why [`FrameSource::wait`] returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wake {
    /// Frames may be there.
    Frames,
    /// The file descriptor that can end the wait is ready.
    Stop,
    /// The time is over.
    Timeout,
    /// The interface went down or away; nothing more will come.
    Gone(OsError),
}

/// Where live frames come from: the ring, or its scripted twin.
pub trait FrameSource {
    /// Gives the frames that are there to `take`, one by one, until it says that it wants no more for now; false when there
    /// was none.
    fn each(&mut self, take: impl FnMut(&Received<'_>) -> bool) -> bool;
    /// Waits until frames are there, `stop` is ready or the time is over (none: for ever).
    ///
    /// # Errors
    /// The kernel's refusal to wait.
    fn wait(&mut self, stop: Option<BorrowedFd<'_>>, limit: Option<Duration>) -> Result<Wake, OsError>;
    /// Takes no more frames. Those in the ring stay there.
    ///
    /// # Errors
    /// The kernel's refusal.
    fn refuse(&mut self) -> Result<(), OsError>;
    /// The counts since the start.
    ///
    /// # Errors
    /// The kernel's refusal to tell.
    fn statistics(&mut self) -> Result<Statistics, OsError>;
}

/// One thing that happens in a [`Scripted`] source.
#[derive(Clone, Debug)]
pub enum Event {
    /// A frame arrives.
    Frame(ScriptedFrame),
    /// The kernel has no room for so many frames.
    Drop(u64),
    /// The next wait ends like this.
    Wake(Wake),
}

/// A frame of a script: [`Received`] with its own bytes.
#[derive(Clone, Debug)]
pub struct ScriptedFrame {
    /// As in [`Received`].
    pub time_ns: i64,
    /// As in [`Received`]; its length is the original length.
    pub bytes: Vec<u8>,
    /// As in [`Received`].
    pub tag: Option<Tag>,
    /// As in [`Received`].
    pub sender: Sender,
}

impl ScriptedFrame {
    fn received(&self) -> Received<'_> {
        Received {
            time_ns: self.time_ns,
            bytes: &self.bytes,
            original_length: self.bytes.len() as u32,
            tag: self.tag,
            checksum_pending: false,
            sender: self.sender,
        }
    }
}

/// Plays a script instead of asking the kernel: frames come until the script says that a wait ends; when it is over,
/// the wait ends with [`Wake::Stop`].
#[derive(Clone, Debug, Default)]
pub struct Scripted {
    events: VecDeque<Event>,
    statistics: Statistics,
    refusing: bool,
}

impl Scripted {
    /// A source that plays `events`.
    pub fn new(events: impl IntoIterator<Item = Event>) -> Self {
        Scripted { events: events.into_iter().collect(), ..Scripted::default() }
    }

    /// Whether [`FrameSource::refuse`] was called.
    pub fn is_refusing(&self) -> bool {
        self.refusing
    }
}

impl FrameSource for Scripted {
    fn each(&mut self, mut take: impl FnMut(&Received<'_>) -> bool) -> bool {
        let before = self.statistics;
        while let Some(Event::Drop(_) | Event::Frame(_)) = self.events.front() {
            match self.events.pop_front() {
                Some(Event::Drop(count)) => {
                    self.statistics.seen += count;
                    self.statistics.dropped += count;
                }
                Some(Event::Frame(frame)) => {
                    self.statistics.seen += 1;
                    if !take(&frame.received()) {
                        break;
                    }
                }
                Some(Event::Wake(_)) | None => {}
            }
        }
        self.statistics.seen - before.seen > self.statistics.dropped - before.dropped
    }

    fn wait(&mut self, _: Option<BorrowedFd<'_>>, limit: Option<Duration>) -> Result<Wake, OsError> {
        match self.events.front() {
            Some(Event::Wake(wake)) => {
                let wake = wake.clone();
                self.events.pop_front();
                Ok(wake)
            }
            Some(_) => Ok(Wake::Frames),
            None if limit.is_some() => Ok(Wake::Timeout),
            None => Ok(Wake::Stop),
        }
    }

    fn refuse(&mut self) -> Result<(), OsError> {
        self.refusing = true;
        Ok(())
    }

    fn statistics(&mut self) -> Result<Statistics, OsError> {
        let waiting = self.events.iter().filter(|event| matches!(event, Event::Frame(_))).count() as u64;
        Ok(Statistics { seen: self.statistics.seen + waiting, ..self.statistics })
    }
}
