//! A whole terminal for a program that draws on it, given back whichever way the program ends.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::sync::{Mutex, Once, PoisonError};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, pthread_sigmask, raise};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::termios::{InputFlags, LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr};
use nix::unistd::read;

use super::signal::Interrupts;
use super::{OsError, terminal};

/// The alternate screen, without a cursor.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[2J";
/// Colours off, the cursor back, and the screen that was there before.
const LEAVE: &[u8] = b"\x1b[0m\x1b[?25h\x1b[?1049l";
/// An escape byte alone is the key; the rest of a longer key comes this soon, also over a slow line.
const REST_OF_A_KEY: u16 = 50;
/// How long a terminal may take, in milliseconds, to have room for the last few bytes.
const LAST_BYTES: u16 = 100;

/// The terminal that is taken over, as it was before: here, so that a panic can give it back.
static TAKEN: Mutex<Option<Taken>> = Mutex::new(None);

struct Taken {
    keyboard: File,
    out: File,
    before: Termios,
}

/// What happened at the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Keys were pressed: their bytes, a key of several in one piece.
    Keys(Vec<u8>),
    /// It has another size.
    Resized,
    /// Ctrl-Z: the process is to stop until somebody continues it.
    Suspend,
    /// The process was stopped, and goes on.
    Continued,
    /// The time is over.
    Timeout,
    /// Ctrl-C, somebody asked the process to end, or the terminal is gone.
    End,
}

/// A terminal that can be taken over.
///
/// **Invariant:** it is as it was before when this is dropped, and when the process panics.
#[derive(Debug)]
pub struct Screen {
    keyboard: File,
    out: File,
    signals: SignalFd,
}

impl Screen {
    /// The terminal behind standard output, with the keyboard behind standard input or, where that is none or
    /// `input_is_used`, that of the session. What it tells of its size is taken over for this thread and every thread started
    /// after it; Ctrl-Z stops the process as ever until the terminal is taken over.
    ///
    /// # Errors
    /// There is no keyboard, or the kernel's refusal.
    pub fn open(input_is_used: bool) -> Result<Self, OsError> {
        let duplicate = |file: io::Result<std::os::fd::OwnedFd>| {
            file.map(File::from).map_err(|error| OsError::from_io("duplicate", "the terminal", &error))
        };
        let keyboard = if io::stdin().is_terminal() && !input_is_used {
            duplicate(io::stdin().as_fd().try_clone_to_owned())?
        } else {
            File::open("/dev/tty").map_err(|error| OsError::from_io("open", "/dev/tty for keys", &error))?
        };
        Screen::on(keyboard, duplicate(io::stdout().as_fd().try_clone_to_owned())?)
    }

    fn on(keyboard: File, out: File) -> Result<Self, OsError> {
        let refused = |errno| OsError::new("take over", "SIGWINCH, SIGTSTP and SIGCONT", errno);
        let harmless: SigSet = [Signal::SIGWINCH, Signal::SIGCONT].into_iter().collect();
        pthread_sigmask(SigmaskHow::SIG_BLOCK, Some(&harmless), None).map_err(refused)?;
        let mask = harmless | Signal::SIGTSTP;
        let signals = SignalFd::with_flags(&mask, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC).map_err(refused)?;
        Ok(Screen { keyboard, out, signals })
    }

    /// From here on Ctrl-Z is an event for this thread and every thread started after it: call it before others are started
    /// that live while the terminal is [taken](Screen::take).
    pub fn hold_stops(&self) {
        // With this signal it does not fail.
        let _ = pthread_sigmask(SigmaskHow::SIG_BLOCK, Some(&SigSet::from(Signal::SIGTSTP)), None);
    }

    /// Where to draw.
    ///
    /// # Errors
    /// Out of file descriptors.
    pub fn out(&self) -> Result<File, OsError> {
        self.out.try_clone().map_err(|error| OsError::from_io("duplicate", "the terminal", &error))
    }

    /// Columns and lines; those of the first terminals where it does not say.
    pub fn size(&self) -> (u16, u16) {
        terminal::size(&self.out).filter(|(_, lines)| *lines > 0).unwrap_or((80, 24))
    }

    /// Takes the terminal over, or once more after somebody else had it: keys come one by one and are not shown.
    ///
    /// # Errors
    /// ENOTTY where it is no terminal.
    pub fn take(&self) -> Result<(), OsError> {
        static HOOK: Once = Once::new();
        self.hold_stops();
        HOOK.call_once(|| {
            let usual = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                give_back();
                usual(panic);
            }));
        });
        let failed = |errno| OsError::new("take over", "the terminal", errno);
        let mut single = tcgetattr(&self.keyboard).map_err(failed)?;
        let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.is_none() {
            let copy = |file: &File| file.try_clone().map_err(|e| OsError::from_io("duplicate", "the terminal", &e));
            *taken = Some(Taken { keyboard: copy(&self.keyboard)?, out: copy(&self.out)?, before: single.clone() });
        }
        drop(taken);
        // Ctrl-C and Ctrl-Z stay signals: they work also while a write hangs.
        single.local_flags.remove(LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::IEXTEN);
        single.input_flags.remove(InputFlags::IXON);
        single.control_chars[SpecialCharacterIndices::VMIN as usize] = 1;
        single.control_chars[SpecialCharacterIndices::VTIME as usize] = 0;
        // Ctrl-\ would end the process on the spot.
        single.control_chars[SpecialCharacterIndices::VQUIT as usize] = 0;
        tcsetattr(&self.keyboard, SetArg::TCSANOW, &single).map_err(failed)?;
        (&self.out).write_all(ENTER).map_err(|error| OsError::from_io("write", "the terminal", &error))
    }

    /// Gives the terminal back; nothing where it is not taken over.
    pub fn give_back(&self) {
        give_back();
    }

    /// Gives the terminal back and stops the process, as Ctrl-Z does for others. Afterwards it wants to be
    /// [taken](Screen::take) again.
    pub fn suspend(&self) {
        give_back();
        let stop = SigSet::from(Signal::SIGTSTP);
        // Blocked, the signal waits; let through for a moment, it stops the process here, unless nobody could continue it.
        let _ = raise(Signal::SIGTSTP);
        let _ = pthread_sigmask(SigmaskHow::SIG_UNBLOCK, Some(&stop), None);
        let _ = pthread_sigmask(SigmaskHow::SIG_BLOCK, Some(&stop), None);
    }

    /// Waits for what happens next, no longer than `limit`.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn next(&self, interrupts: &Interrupts, limit: Duration) -> Result<Event, OsError> {
        let watch = |file| PollFd::new(file, PollFlags::POLLIN);
        let mut files = [watch(interrupts.as_fd()), watch(self.signals.as_fd()), watch(self.keyboard.as_fd())];
        // Rounded up: a limit of less than a millisecond would be none.
        let limit = PollTimeout::try_from(limit.as_micros().div_ceil(1000)).unwrap_or(PollTimeout::MAX);
        match poll(&mut files, limit) {
            Ok(0) | Err(Errno::EINTR) => return Ok(Event::Timeout),
            Ok(_) => {}
            Err(errno) => return Err(OsError::new("poll", "the terminal", errno)),
        }
        let [interrupted, signalled, _] = files.map(|file| file.revents().is_none_or(|events| !events.is_empty()));
        if interrupted {
            return Ok(Event::End);
        }
        if signalled && let Ok(Some(signal)) = self.signals.read_signal() {
            return Ok(match Signal::try_from(signal.ssi_signo as i32) {
                Ok(Signal::SIGTSTP) => Event::Suspend,
                Ok(Signal::SIGCONT) => Event::Continued,
                _ => Event::Resized,
            });
        }
        let mut bytes = [0; 256];
        let length = match self.read(&mut bytes)? {
            1 if bytes[0] == 0x1b && self.more() => 1 + self.read(&mut bytes[1..])?,
            length => length,
        };
        Ok(if length == 0 { Event::End } else { Event::Keys(bytes[..length].to_vec()) })
    }

    /// Reads keys; 0 when the terminal is gone.
    fn read(&self, bytes: &mut [u8]) -> Result<usize, OsError> {
        match read(&self.keyboard, bytes) {
            Err(Errno::EIO) => Ok(0),
            result => result.map_err(|errno| OsError::new("read", "the terminal", errno)),
        }
    }

    /// Whether the rest of a key comes.
    fn more(&self) -> bool {
        let mut files = [PollFd::new(self.keyboard.as_fd(), PollFlags::POLLIN)];
        poll(&mut files, REST_OF_A_KEY).is_ok_and(|ready| ready > 0)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// Makes the terminal what it was before it was taken over. Who panics while it is being taken finds it as it was.
/// A terminal that nobody reads is not waited for.
pub(super) fn give_back() {
    let Some(Taken { keyboard, mut out, before }) = TAKEN.try_lock().ok().and_then(|mut taken| taken.take()) else {
        return;
    };
    // The settings first: the picture is nothing to a terminal that is stuck or gone.
    let _ = tcsetattr(&keyboard, SetArg::TCSANOW, &before);
    let mut files = [PollFd::new(out.as_fd(), PollFlags::POLLOUT)];
    if poll(&mut files, LAST_BYTES).is_ok_and(|ready| ready > 0) {
        let _ = out.write_all(LEAVE);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::thread;

    use nix::libc;
    use nix::pty::openpty;

    use super::*;

    fn settings(file: &File) -> libc::termios {
        tcgetattr(file).unwrap().into()
    }

    /// One test, for a process has one terminal to take: everything that gives it back, one after the other.
    #[test]
    fn the_terminal_is_given_back_at_the_end_and_in_a_panic_and_keys_come_whole() {
        let work = || {
            let pty = openpty(None, None).unwrap();
            let (mut user, terminal) = (File::from(pty.master), File::from(pty.slave));
            let before = settings(&terminal);
            let interrupts = Interrupts::take().unwrap();
            let screen = Screen::on(terminal.try_clone().unwrap(), terminal.try_clone().unwrap()).unwrap();
            screen.take().unwrap();
            screen.take().unwrap();
            assert_eq!(settings(&terminal).c_lflag & (libc::ICANON | libc::ECHO), 0);
            user.write_all(b"\x1b[A").unwrap();
            let patience = Duration::from_secs(60);
            assert_eq!(screen.next(&interrupts, patience).unwrap(), Event::Keys(b"\x1b[A".to_vec()));
            assert_eq!(screen.next(&interrupts, Duration::ZERO).unwrap(), Event::Timeout);
            let panicked = thread::spawn(|| panic!("on purpose")).join();
            assert!(panicked.is_err());
            assert_eq!(settings(&terminal), before, "a panic gives it back");
            screen.take().unwrap();
            drop(screen);
            assert_eq!(settings(&terminal), before, "the end gives it back");
            // What was drawn comes in pieces: once for the panic, once for the end.
            let (mut drawn, leave) = (String::new(), String::from_utf8_lossy(LEAVE));
            while drawn.matches(&*leave).count() < 2 {
                let mut piece = [0; 200];
                let length = user.read(&mut piece).unwrap();
                drawn.push_str(&String::from_utf8_lossy(&piece[..length]));
            }
        };
        thread::spawn(work).join().unwrap();
    }
}
