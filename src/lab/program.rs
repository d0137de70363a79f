//! Programs inside the hosts: threads that make system calls while the wire is watched from outside.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use nix::errno::Errno;

use crate::bytes::Escaped;
use crate::kernel::event::Bell;
use crate::kernel::namespace::Host;

type Job = Box<dyn FnOnce() + Send>;

/// A call that was begun; [`super::Stage::finish`] waits for it.
#[derive(Debug)]
pub struct Pending<T> {
    /// Its number, unique in the lab.
    pub(super) id: u64,
    /// What it returned; not a channel: one for each type of result would swell the program.
    result: Arc<Mutex<Option<T>>>,
}

impl<T> Pending<T> {
    /// What the call returned, once it has come back.
    pub(super) fn take(&self) -> Option<T> {
        self.result.lock().ok()?.take()
    }
}

/// What came of a call, as the ladder tells it.
pub trait Outcome {
    /// The returned value or the errno, in a few words.
    fn told(&self) -> String;
}

impl Outcome for () {
    fn told(&self) -> String {
        "0".to_owned()
    }
}

impl Outcome for io::Result<()> {
    fn told(&self) -> String {
        self.as_ref().map_or_else(errno, |()| "0".to_owned())
    }
}

impl Outcome for io::Result<usize> {
    fn told(&self) -> String {
        self.as_ref().map_or_else(errno, ToString::to_string)
    }
}

impl Outcome for io::Result<Vec<u8>> {
    fn told(&self) -> String {
        self.as_ref().map_or_else(errno, |bytes| quoted(bytes))
    }
}

impl Outcome for io::Result<SocketAddr> {
    fn told(&self) -> String {
        self.as_ref().map_or_else(errno, ToString::to_string)
    }
}

impl Outcome for String {
    fn told(&self) -> String {
        self.clone()
    }
}

/// Bytes as the ladder tells them: as text, or how many where that would be long.
pub fn quoted(bytes: &[u8]) -> String {
    if bytes.len() > 32 { format!("{} bytes", bytes.len()) } else { format!("\"{}\"", Escaped(bytes)) }
}

/// An error as a program sees it: its errno's name.
pub fn errno(error: &io::Error) -> String {
    error.raw_os_error().map_or_else(|| error.to_string(), |number| format!("{:?}", Errno::from_raw(number)))
}

/// Whether a call failed with this error.
pub fn failed_with<T>(result: &io::Result<T>, errno: Errno) -> bool {
    result.as_ref().err().is_some_and(|error| error.raw_os_error() == Some(errno as i32))
}

/// What came of a call, as a finding tells it.
pub fn told<T>(result: &T) -> String
where
    T: Outcome,
{
    result.told()
}

/// A call that came back.
#[derive(Clone, Debug)]
pub struct Returned {
    /// The number of the call.
    pub id: u64,
    /// What it returned, in a few words.
    pub result: String,
}

/// Where calls report that they came back; the conductor waits on it together with the wire.
#[derive(Debug)]
pub struct Inbox {
    bell: Arc<Bell>,
    sender: mpsc::Sender<Returned>,
    receiver: mpsc::Receiver<Returned>,
}

impl Inbox {
    /// An empty inbox.
    ///
    /// # Errors
    /// Out of file descriptors.
    pub fn new() -> Result<Self, crate::kernel::OsError> {
        let (sender, receiver) = mpsc::channel();
        Ok(Inbox { bell: Arc::new(Bell::new()?), sender, receiver })
    }

    /// The calls that came back since the last time.
    pub fn take(&self) -> Vec<Returned> {
        self.bell.clear();
        self.receiver.try_iter().collect()
    }
}

impl AsFd for Inbox {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}

/// A thread inside a host that makes one call after the other.
#[derive(Debug)]
pub struct Program {
    /// The host it runs on.
    pub host: usize,
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Program {
    /// Starts a program on `host`, which is number `number` of the lab.
    pub fn new(host: &Host, number: usize) -> Self {
        let (jobs, inbox) = mpsc::channel::<Job>();
        // A thread starts in the namespace of the thread that starts it.
        let thread = host.run(move || {
            thread::spawn(move || {
                for job in inbox {
                    job();
                }
            })
        });
        Program { host: number, jobs: Some(jobs), thread: Some(thread) }
    }

    /// Begins `work` on the program's thread; what it returns goes to the pending call, and word of it to `inbox`.
    pub fn begin<T: Outcome + Send + 'static>(
        &self,
        id: u64,
        inbox: &Inbox,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Pending<T> {
        let result = Arc::new(Mutex::new(None));
        let done = Arc::clone(&result);
        let word = Program::word(id, inbox);
        self.send(Box::new(move || {
            let outcome = work();
            let told = outcome.told();
            if let Ok(mut done) = done.lock() {
                *done = Some(outcome);
            }
            word(told);
        }));
        Pending { id, result }
    }

    /// What sends word of call number `id` to `inbox`.
    fn word(id: u64, inbox: &Inbox) -> Box<dyn FnOnce(String) + Send> {
        let (word, bell) = (inbox.sender.clone(), Arc::clone(&inbox.bell));
        Box::new(move |result| {
            // Whoever waited may be gone; then nobody misses the answer.
            let _ = word.send(Returned { id, result });
            bell.ring();
        })
    }

    fn send(&self, job: Job) {
        if let Some(jobs) = &self.jobs {
            let _ = jobs.send(job);
        }
    }
}

impl Drop for Program {
    /// Lets the thread end by itself: a call that blocks for ever must not keep the lab from ending.
    fn drop(&mut self) {
        self.jobs = None;
        drop(self.thread.take());
    }
}
