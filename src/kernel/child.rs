//! Child processes that do not outlive this one.

#![expect(unsafe_code, reason = "what a child does before its program begins")]

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::errno::Errno;
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{SigHandler, Signal, signal};
use nix::unistd::{getpid, getppid};

/// Has the kernel send `deadly` to the command's process when the thread that starts it ends, whichever way: even after
/// `kill -9` of the whole process.
pub fn ends_with_this(command: &mut Command, deadly: Signal) -> &mut Command {
    let parent = getpid();
    let before = move || {
        // Under nohup SIGHUP is ignored, and programs inherit that. SIGKILL cannot be set, and need not.
        // SAFETY: without a handler nothing of this process runs in the signal.
        let _ = unsafe { signal(deadly, SigHandler::SigDfl) };
        set_pdeathsig(deadly)?;
        // The parent may have ended before the kernel was told.
        if getppid() == parent { Ok(()) } else { Err(io::Error::from(Errno::ESRCH)) }
    };
    // SAFETY: between fork and exec only calls that are safe there: four system calls, no memory is asked for.
    unsafe { command.pre_exec(before) }
}
