//! Capabilities: the pieces of what root may do, capabilities(7).

use std::path::Path;
use std::thread;

use nix::errno::Errno;
use nix::unistd::{AccessFlags, access};

/// `_LINUX_CAPABILITY_VERSION_3`: 64 capabilities in two halves.
const VERSION: u32 = 0x2008_0522;
/// The right to write where the permissions of files do not allow it.
const DAC_OVERRIDE: u64 = 1 << 1;
/// The rights to see which files another user's process has open: to read its folders, and to look into it.
pub(super) const SEE_PROCESSES: u64 = 1 << 2 | 1 << 19;

#[repr(C)]
struct Header {
    version: u32,
    /// 0 is the calling thread.
    thread: i32,
}

/// 32 capabilities each.
#[repr(C)]
#[derive(Clone, Copy)]
struct Half {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// Gives up every capability of the calling thread but those in `kept`, which must be held.
pub(super) fn keep_only(kept: u64) -> Result<(), Errno> {
    let header = Header { version: VERSION, thread: 0 };
    let half = |bits: u32| Half { effective: bits, permitted: bits, inheritable: 0 };
    let halves = [half(kept as u32), half((kept >> 32) as u32)];
    // SAFETY: header and halves are laid out as capset(2) says, outlive the call and are only read.
    let result = unsafe { libc::syscall(libc::SYS_capset, &raw const header, halves.as_ptr()) };
    Errno::result(result).map(drop)
}

/// Those of `wanted` that the calling thread holds.
pub(super) fn held(wanted: u64) -> u64 {
    let mut header = Header { version: VERSION, thread: 0 };
    let mut halves = [Half { effective: 0, permitted: 0, inheritable: 0 }; 2];
    // SAFETY: header and halves are laid out as capget(2) says and outlive the call, which fills in the halves.
    let result = unsafe { libc::syscall(libc::SYS_capget, &raw mut header, halves.as_mut_ptr()) };
    let [low, high] = halves.map(|half| u64::from(half.permitted));
    if result == 0 { wanted & (high << 32 | low) } else { 0 }
}

/// The capability that making files in `folder` needs; none where the folder's permissions allow it without. A thread
/// without capabilities finds out.
pub(super) fn needed_for(folder: &Path) -> u64 {
    let allowed = || keep_only(0).is_ok() && access(folder, AccessFlags::W_OK | AccessFlags::X_OK).is_ok();
    let allowed = thread::scope(|scope| scope.spawn(allowed).join().unwrap_or(false));
    if allowed { 0 } else { DAC_OVERRIDE }
}
