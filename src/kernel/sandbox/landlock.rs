//! Landlock: which files a thread may still open, landlock(7).

use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::errno::Errno;

const WRITE_FILE: u64 = 1 << 1;
const REMOVE_FILE: u64 = 1 << 5;
const MAKE_REGULAR: u64 = 1 << 8;
/// `LANDLOCK_CREATE_RULESET_VERSION`: tell the version only.
const TELL_VERSION: u32 = 1;
/// `LANDLOCK_RULE_PATH_BENEATH`
const BENEATH: u32 = 1;

/// What is forbidden unless a rule allows it, `struct landlock_ruleset_attr`.
#[repr(C)]
struct Handled {
    files: u64,
    network: u64,
    scopes: u64,
}

/// `struct landlock_path_beneath_attr`
#[repr(C, packed)]
struct Beneath {
    allowed: u64,
    parent: i32,
}

/// Rules that are not in force yet.
pub(super) struct Ruleset {
    file: OwnedFd,
    version: i32,
}

impl Ruleset {
    /// Rules that allow to make, write and remove files in `folder` and nothing else. None where the kernel has no
    /// Landlock, or the folder is not to be had.
    pub(super) fn new(folder: Option<&Path>) -> Option<Self> {
        let version = create(None, TELL_VERSION).ok()?;
        let handled = handled(version);
        let file = create(Some(&handled), 0).ok()?;
        // SAFETY: the descriptor was just opened and nobody else knows it.
        let file = unsafe { OwnedFd::from_raw_fd(file) };
        let ruleset = Ruleset { file, version };
        folder.map_or(Ok(()), |folder| ruleset.allow(folder)).ok()?;
        Some(ruleset)
    }

    fn allow(&self, folder: &Path) -> Result<(), Errno> {
        let parent = File::options().read(true).custom_flags(libc::O_PATH).open(folder);
        let parent = parent.map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO)))?;
        let rule = Beneath { allowed: WRITE_FILE | REMOVE_FILE | MAKE_REGULAR, parent: parent.as_raw_fd() };
        // SAFETY: the rule is laid out as landlock_add_rule(2) says, outlives the call and is only read.
        let result =
            unsafe { libc::syscall(libc::SYS_landlock_add_rule, self.file.as_raw_fd(), BENEATH, &raw const rule, 0) };
        Errno::result(result).map(drop)
    }

    /// Puts the rules into force and tells the version of the interface; none when the kernel refused.
    pub(super) fn restrict(self) -> Option<i32> {
        // SAFETY: landlock_restrict_self(2) takes a descriptor and a number.
        let result = unsafe { libc::syscall(libc::SYS_landlock_restrict_self, self.file.as_raw_fd(), 0) };
        Errno::result(result).ok().map(|_| self.version)
    }
}

/// Everything that this version of the interface can forbid.
fn handled(version: i32) -> Handled {
    let files = match version {
        1 => 13,
        2 => 14,
        3 | 4 => 15,
        _ => 16,
    };
    let from = |first: i32, bits: u64| if version >= first { bits } else { 0 };
    // TCP from version 4; abstract sockets and signals to others from version 6.
    Handled { files: (1 << files) - 1, network: from(4, 0b11), scopes: from(6, 0b11) }
}

fn create(handled: Option<&Handled>, flags: u32) -> Result<i32, Errno> {
    let (pointer, length) = match handled {
        None => (std::ptr::null(), 0),
        // An older kernel takes the longer structure as long as what it does not know is 0.
        Some(handled) => (std::ptr::from_ref(handled), size_of::<Handled>()),
    };
    // SAFETY: pointer and length describe a structure that is only read, or nothing.
    let result = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, pointer, length, flags) };
    Errno::result(result).map(|result| result as i32)
}
