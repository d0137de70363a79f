//! A bell between threads that a poll loop can wait for.

use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::eventfd::{EfdFlags, EventFd};

use super::OsError;

/// Rung by one thread, heard by another's poll loop.
#[derive(Debug)]
pub struct Bell(EventFd);

impl Bell {
    /// A bell that was not rung yet.
    ///
    /// # Errors
    /// Out of file descriptors.
    pub fn new() -> Result<Self, OsError> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        EventFd::from_value_and_flags(0, flags).map(Bell).map_err(|errno| OsError::new("eventfd", "", errno))
    }

    /// Makes the file descriptor readable until it is cleared.
    pub fn ring(&self) {
        // It fails only when it was rung 2^64 - 2 times: it is readable then as well.
        let _ = self.0.write(1);
    }

    /// Forgets the rings so far.
    pub fn clear(&self) {
        // There may have been none.
        let _ = self.0.read();
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
