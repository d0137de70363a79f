//! A process beside this one that does what this one gives away the right to do.

#![expect(unsafe_code, reason = "fork, and files by their numbers")]

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::net::Shutdown;
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use nix::sys::signal::{SigSet, SigmaskHow, Signal, pthread_sigmask};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, fork};

use super::OsError;

/// How long is waited for the end of a helper that was told to end.
const SOON: Duration = Duration::from_millis(200);

/// A process beside this one. It is told to end by the end of the connection, so it outlives this process by no more than
/// what it is at, unless somebody has stopped it: then it ends when it is continued. (A signal at this process's death would
/// be held back by Landlock.)
#[derive(Debug)]
pub struct Helper {
    /// This end of the connection to it.
    pub connection: UnixStream,
    process: Pid,
}

/// Starts a process that does `work` and then ends. It has no file open but its end of the connection and the null device.
/// Must be called before any other thread exists.
///
/// # Errors
/// No process or no connection to be had.
pub fn start(work: impl FnOnce(UnixStream)) -> Result<Helper, OsError> {
    let (own, other) =
        UnixStream::pair().map_err(|error| OsError::from_io("make a connection to", "helper process", &error))?;
    // SAFETY: the caller promises that there is no other thread, so the child may do what this process may; it ends below
    // without running anything that was meant for this process's end.
    match unsafe { fork() }.map_err(|errno| OsError::new("start", "helper process", errno))? {
        ForkResult::Parent { child } => Ok(Helper { connection: own, process: child }),
        ForkResult::Child => {
            drop(own);
            // A panic must not run on into what this process does after this call.
            let _ = catch_unwind(AssertUnwindSafe(|| work(alone_with(&other))));
            // SAFETY: ends the child at once, without the buffers and handlers it has from this process.
            unsafe { libc::_exit(0) }
        }
    }
}

impl Drop for Helper {
    /// What has ended is waited for, so that no zombie stays. What does not end soon is left alone: it was stopped.
    fn drop(&mut self) {
        let connection = &mut self.connection;
        let told = connection.shutdown(Shutdown::Write).and_then(|()| connection.set_read_timeout(Some(SOON)));
        let mut rest = [0; 512];
        let ended = told.is_ok()
            && loop {
                match connection.read(&mut rest) {
                    Ok(0) => break true,
                    Ok(_) => {}
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => break error.kind() == ErrorKind::ConnectionReset,
                }
            };
        if ended {
            // It closes its files at its very end.
            let _ = waitpid(self.process, None);
        }
    }
}

/// Closes every other file, and leaves it to the other process when to end and when to pause: Ctrl-C and Ctrl-Z are for
/// both.
fn alone_with(connection: &UnixStream) -> UnixStream {
    const OWN: i32 = 3;
    let signals: SigSet =
        [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGTSTP, Signal::SIGTTIN, Signal::SIGTTOU]
            .into_iter()
            .collect();
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
