//! What is known about the terminal, and keys read from it one by one.

#![expect(unsafe_code, reason = "nobody wraps this ioctl")]

use std::io::Stdin;
use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr};
use nix::unistd::read;

use super::OsError;
use super::signal::Interrupts;

/// How many columns and lines the terminal behind `file` has; none where it is no terminal or does not say.
pub fn size(file: impl AsFd) -> Option<(u16, u16)> {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the descriptor is borrowed for the call, and `size` is what TIOCGWINSZ fills.
    let asked = unsafe { libc::ioctl(file.as_fd().as_raw_fd(), libc::TIOCGWINSZ, &raw mut size) };
    Errno::result(asked).ok().map(|_| (size.ws_col, size.ws_row)).filter(|(columns, _)| *columns > 0)
}

/// How many columns the terminal behind `file` has; none where it is no terminal or does not say.
pub fn columns(file: impl AsFd) -> Option<u16> {
    size(file).map(|(columns, _)| columns)
}

/// Something that happened at the keyboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A key that is one byte.
    Byte(u8),
    /// A key that is several, such as an arrow.
    Other,
    /// The terminal is gone.
    End,
    /// Ctrl-C, or somebody asked the process to end.
    Interrupted,
}

/// A terminal that hands out keys as they are pressed and does not show them.
///
/// **Invariant:** the terminal is as it was before when this is dropped, whichever way. Signals that end the process
/// are behind [`Interrupts`] meanwhile.
#[derive(Debug)]
pub struct Keys {
    terminal: Stdin,
    before: Termios,
}

impl Keys {
    /// Takes over the terminal. What was typed ahead is thrown away: it was not meant for what is asked now.
    ///
    /// # Errors
    /// ENOTTY where standard input is no terminal.
    pub fn take(terminal: Stdin) -> Result<Self, OsError> {
        let failed = |errno| OsError::new("take over", "the terminal", errno);
        let before = tcgetattr(&terminal).map_err(failed)?;
        let mut single = before.clone();
        single.local_flags.remove(LocalFlags::ICANON | LocalFlags::ECHO);
        single.control_chars[SpecialCharacterIndices::VMIN as usize] = 1;
        single.control_chars[SpecialCharacterIndices::VTIME as usize] = 0;
        tcsetattr(&terminal, SetArg::TCSAFLUSH, &single).map_err(failed)?;
        Ok(Keys { terminal, before })
    }

    /// Waits for the next key.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn next(&self, interrupts: &Interrupts) -> Result<Key, OsError> {
        loop {
            let mut watched = [
                PollFd::new(self.terminal.as_fd(), PollFlags::POLLIN),
                PollFd::new(interrupts.as_fd(), PollFlags::POLLIN),
            ];
            match poll(&mut watched, PollTimeout::NONE) {
                Ok(_) => {}
                Err(Errno::EINTR) => continue,
                Err(errno) => return Err(OsError::new("poll", "the terminal", errno)),
            }
            if interrupts.arrived() {
                return Ok(Key::Interrupted);
            }
            let mut bytes = [0; 16];
            match read(&self.terminal, &mut bytes) {
                Ok(0) | Err(Errno::EIO) => return Ok(Key::End),
                // Several bytes without ESC are keys pressed in one go: the first decides.
                Ok(1) => return Ok(Key::Byte(bytes[0])),
                Ok(_) if bytes[0] == 0x1b => return Ok(Key::Other),
                Ok(_) => return Ok(Key::Byte(bytes[0])),
                Err(Errno::EINTR | Errno::EAGAIN) => {}
                Err(errno) => return Err(OsError::new("read", "the terminal", errno)),
            }
        }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        // A terminal that is gone has nothing to be put right.
        let _ = tcsetattr(&self.terminal, SetArg::TCSADRAIN, &self.before);
    }
}
