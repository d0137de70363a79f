//! A process beside this one that does what this one gives away the right to do.

#![expect(unsafe_code, reason = "fork, and files by their numbers")]

use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};

use nix::sys::signal::{SigSet, SigmaskHow, Signal, pthread_sigmask};
use nix::unistd::{ForkResult, fork};

use super::OsError;

/// Starts a process that does `work` and then ends. It has no file open but its end of the connection, whose other end is
/// returned, and the null device; it is told to end by the end of the connection, so it outlives this process by no more
/// than what it is at. Must be called before any other thread exists.
///
/// # Errors
/// No process or no connection to be had.
pub fn start(work: impl FnOnce(UnixStream)) -> Result<UnixStream, OsError> {
    let (own, other) =
        UnixStream::pair().map_err(|error| OsError::from_io("make a connection to", "helper process", &error))?;
    // SAFETY: the caller promises that there is no other thread, so the child may do what this process may; it ends below
    // without running anything that was meant for this process's end.
    match unsafe { fork() }.map_err(|errno| OsError::new("start", "helper process", errno))? {
        ForkResult::Parent { .. } => Ok(own),
        ForkResult::Child => {
            drop(own);
            // A panic must not run on into what this process does after this call.
            let _ = catch_unwind(AssertUnwindSafe(|| work(alone_with(&other))));
            // SAFETY: ends the child at once, without the buffers and handlers it has from this process.
            unsafe { libc::_exit(0) }
        }
    }
}

/// Closes every other file, and leaves it to the other process when to end: Ctrl-C is for both.
fn alone_with(connection: &UnixStream) -> UnixStream {
    const OWN: i32 = 3;
    let signals: SigSet = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].into_iter().collect();
    let _ = pthread_sigmask(SigmaskHow::SIG_BLOCK, Some(&signals), None);
    // SAFETY: the numbers of files of a process that does nothing but this; whoever owned them here is never asked again.
    unsafe {
        libc::dup2(connection.as_raw_fd(), OWN);
        if let Ok(null) = File::options().read(true).write(true).open("/dev/null") {
            for standard in 0..OWN {
                libc::dup2(null.as_raw_fd(), standard);
            }
        }
        libc::syscall(libc::SYS_close_range, OWN + 1, u32::MAX, 0);
        UnixStream::from_raw_fd(OWN)
    }
}
