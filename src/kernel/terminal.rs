//! What is known about the terminal.

#![expect(unsafe_code, reason = "nobody wraps this ioctl")]

use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;

/// How many columns the terminal behind `file` has; none where it is no terminal or does not say.
pub fn columns(file: impl AsFd) -> Option<u16> {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the descriptor is borrowed for the call, and `size` is what TIOCGWINSZ fills.
    let asked = unsafe { libc::ioctl(file.as_fd().as_raw_fd(), libc::TIOCGWINSZ, &raw mut size) };
    Errno::result(asked).ok().map(|_| size.ws_col).filter(|columns| *columns > 0)
}
