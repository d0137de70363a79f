//! Ctrl-C, and the terminal's end, as an event that a loop can wait for.

#![expect(unsafe_code, reason = "nix reads a signal's action only by setting another")]

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, pthread_sigmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use super::OsError;

/// SIGINT, SIGTERM and SIGHUP, taken out of their deadly default and put behind a file descriptor, so that a stream can
/// end with its summary. A SIGHUP that is ignored, as under nohup, stays so.
#[derive(Debug)]
pub struct Interrupts {
    file: SignalFd,
    /// Told of the first signal where a thread waits for it.
    first: Option<Arc<EventFd>>,
}

/// How long after the first signal another says nothing new, in milliseconds.
const SAME_WISH: u16 = 1000;
const SIGNALS: &str = "SIGINT, SIGTERM and SIGHUP";

fn is_ignored(signal: Signal) -> bool {
    // SAFETY: all zeros is a sigaction, and without a new action the call only writes the present one there.
    let (asked, action) = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        (libc::sigaction(signal as libc::c_int, std::ptr::null(), &raw mut action), action)
    };
    asked == 0 && action.sa_sigaction == libc::SIG_IGN
}

impl Interrupts {
    /// Takes over the signals for this thread and every thread started after it.
    ///
    /// # Errors
    /// The kernel's refusal (out of file descriptors).
    pub fn take() -> Result<Self, OsError> {
        let mask = signals();
        pthread_sigmask(SigmaskHow::SIG_BLOCK, Some(&mask), None)
            .map_err(|errno| OsError::new("block", SIGNALS, errno))?;
        let file = SignalFd::with_flags(&mask, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)
            .map_err(|errno| OsError::new("signalfd", SIGNALS, errno))?;
        Ok(Interrupts { file, first: None })
    }

    /// As [`Interrupts::take`], but a second signal, a second or more after the first, ends the process, even while it
    /// hangs in a call that does not return, such as a write into a pipe that nobody reads. A thread waits for it.
    /// Signals that come sooner are the same wish said twice: timeout(1) signals the process and then its group.
    ///
    /// # Errors
    /// The kernel's refusal (out of file descriptors or threads).
    pub fn take_the_first() -> Result<Self, OsError> {
        let refused = |errno| OsError::new("wait for", SIGNALS, errno);
        let taken = Interrupts::take()?;
        let first = EventFd::from_flags(EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC).map_err(refused)?;
        let first = Arc::new(first);
        let tell = Arc::clone(&first);
        let again =
            SignalFd::with_flags(&signals(), SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC).map_err(refused)?;
        let wait = move || {
            let signals = signals();
            // Those of a terminal are for the thread that draws on it.
            let _ = pthread_sigmask(SigmaskHow::SIG_BLOCK, Some(&SigSet::from(Signal::SIGTSTP)), None);
            if signals.wait().and_then(|_| tell.write(1)).is_ok() {
                // Waiting for nothing, which the sandbox allows.
                let _ = poll(&mut [], SAME_WISH);
                while let Ok(Some(_)) = again.read_signal() {}
                // Whoever still draws hangs in it. The next signal must not leave the terminal as it is.
                super::screen::give_back();
                // From here on this is the one thread that takes the signals, with their deadly default.
                let _ = pthread_sigmask(SigmaskHow::SIG_UNBLOCK, Some(&signals), None);
            }
            loop {
                std::thread::park();
            }
        };
        std::thread::Builder::new()
            .name("signals".into())
            .spawn(wait)
            .map_err(|error| OsError::from_io("start", "a thread for signals", &error))?;
        Ok(Interrupts { first: Some(first), ..taken })
    }

    /// Waits until `file` has something to read (or its end); false when one of the signals came before. The signal
    /// stays for [`Interrupts::arrived`].
    ///
    /// # Errors
    /// The kernel's refusal to wait.
    pub fn wait_for(&self, file: BorrowedFd<'_>) -> Result<bool, OsError> {
        loop {
            let mut files = [PollFd::new(self.as_fd(), PollFlags::POLLIN), PollFd::new(file, PollFlags::POLLIN)];
            match poll(&mut files, PollTimeout::NONE) {
                Ok(_) => return Ok(files[0].revents().is_none_or(|events| events.is_empty())),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(OsError::new("wait for", "input", errno)),
            }
        }
    }

    /// Whether one of the signals came since the last [`Interrupts::arrived`], which this is not.
    pub fn pending(&self) -> bool {
        let mut files = [PollFd::new(self.as_fd(), PollFlags::POLLIN)];
        poll(&mut files, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
    }

    /// Tells everybody who waits as if a signal had come. Only for those that were
    /// [taken for the first](Interrupts::take_the_first).
    pub fn raise(&self) {
        if let Some(first) = &self.first {
            // It can only be refused because it was told very often already.
            let _ = first.write(1);
        }
    }

    /// Whether one of the signals came since the last call.
    pub fn arrived(&self) -> bool {
        match &self.first {
            Some(first) => first.read().is_ok(),
            None => matches!(self.file.read_signal(), Ok(Some(_))),
        }
    }
}

impl AsFd for Interrupts {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.first.as_ref().map_or(self.file.as_fd(), |first| first.as_fd())
    }
}

/// A file whose reading ends when a signal comes.
///
/// It has no buffer: what poll says of the descriptor would be wrong about bytes that a buffer holds.
#[derive(Debug)]
pub struct Stoppable<'a> {
    file: File,
    interrupts: &'a Interrupts,
}

impl<'a> Stoppable<'a> {
    /// Reads `file` until its end or a signal.
    pub fn new(file: File, interrupts: &'a Interrupts) -> Self {
        Stoppable { file, interrupts }
    }

    /// Reads standard input, which nobody else may have begun to read.
    ///
    /// # Errors
    /// Out of file descriptors.
    pub fn stdin(interrupts: &'a Interrupts) -> Result<Self, OsError> {
        let file = io::stdin().as_fd().try_clone_to_owned();
        let file = file.map_err(|error| OsError::from_io("duplicate", "standard input", &error))?;
        Ok(Stoppable::new(file.into(), interrupts))
    }
}

impl Read for Stoppable<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let ready = self.interrupts.wait_for(self.file.as_fd()).map_err(io::Error::other)?;
        if ready { self.file.read(buffer) } else { Ok(0) }
    }
}

fn signals() -> SigSet {
    // What is blocked is queued even where it is ignored, and would end what nohup keeps going.
    let hangup = (!is_ignored(Signal::SIGHUP)).then_some(Signal::SIGHUP);
    [Signal::SIGINT, Signal::SIGTERM].into_iter().chain(hangup).collect()
}
