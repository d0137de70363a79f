//! Trying what cannot be undone: in a child process first.

#![expect(unsafe_code, reason = "fork")]

use std::fs::File;
use std::io::{Read, Write};

use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, fork, pipe};

use super::OsError;

/// Does `work` in a child process, which then ends, and tells what the kernel refused there. This process stays as it
/// is. Must be called before any other thread exists.
///
/// # Errors
/// No process or pipe to be had.
pub fn in_child(work: impl FnOnce() -> Result<(), OsError>) -> Result<Result<(), String>, OsError> {
    let failed = |operation| move |errno| OsError::new(operation, "child process", errno);
    let (answer, tell) = pipe().map_err(failed("make a pipe to"))?;
    // SAFETY: the caller promises that there is no other thread, so the child may do what this process may; it ends
    // below without running anything that was meant for this process's end.
    match unsafe { fork() }.map_err(failed("start"))? {
        ForkResult::Child => {
            if let Err(refusal) = work() {
                // Where nobody reads, nobody is told.
                let _ = File::from(tell).write_all(refusal.to_string().as_bytes());
            }
            // SAFETY: ends the child at once, without the buffers and handlers it has from this process.
            unsafe { libc::_exit(0) }
        }
        ForkResult::Parent { child } => {
            drop(tell);
            let mut refusal = String::new();
            let read = File::from(answer).read_to_string(&mut refusal);
            // Whatever it says, the child is gone and has said what it had to say.
            let _ = waitpid(child, None);
            read.map_err(|error| OsError::from_io("read from", "child process", &error))?;
            Ok(if refusal.is_empty() { Ok(()) } else { Err(refusal) })
        }
    }
}
