//! Giving away what is no longer needed: who reads foreign bytes should hold nothing worth stealing.
//!
//! Everything here is for the calling thread and the threads that it starts afterwards; it cannot be taken back. A kernel
//! without one of the parts goes without it.

#![expect(unsafe_code, reason = "nobody wraps these system calls")]

mod capabilities;
mod landlock;
mod seccomp;

use std::path::Path;

/// What is still needed afterwards.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a need of its own")]
pub struct Needs<'a> {
    /// The folder in which files are made and removed; none when every file is open already.
    pub folder: Option<&'a Path>,
    /// Whether the kernel is asked over sockets that are open already.
    pub asks: bool,
    /// Whether a terminal is taken over, drawn on and given back.
    pub terminal: bool,
    /// Whether the files of other processes are looked at. That excludes Landlock, which hides them.
    pub processes: bool,
    /// Whether a helper process is told to end, and its end is waited for.
    pub helper: bool,
}

/// What was given away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confined {
    /// No capability is left, but those to make files in the folder where only that allows it, and to look at processes.
    pub capabilities: bool,
    /// No program that it starts has more rights than it (`PR_SET_NO_NEW_PRIVS`).
    pub no_new_privileges: bool,
    /// No file but those in the folder can be opened (Landlock; the version of its interface).
    pub landlock: Option<i32>,
    /// No system calls but so many (seccomp).
    pub system_calls: Option<usize>,
}

/// Gives away every capability that is not needed, every file but those open or in the folder, and every system call but those that
/// reading, showing and writing need.
pub fn confine(needs: Needs<'_>) -> Confined {
    let kept = capabilities::held(capabilities(needs));
    let ruleset = if needs.processes { None } else { landlock::Ruleset::new(needs.folder) };
    let no_new_privileges = nix::sys::prctl::set_no_new_privs().is_ok();
    let landlock = ruleset.and_then(landlock::Ruleset::restrict);
    let capabilities = capabilities::keep_only(kept).is_ok();
    let system_calls = seccomp::allow_only(&seccomp::calls(needs), &seccomp::checks(needs));
    Confined { capabilities, no_new_privileges, landlock, system_calls }
}

/// Those that any of the needs asks for.
fn capabilities(needs: Needs<'_>) -> u64 {
    let looking = if needs.processes { capabilities::SEE_PROCESSES } else { 0 };
    looking | needs.folder.map_or(0, capabilities::needed_for)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::io::{self, ErrorKind, Read};
    use std::net::UdpSocket;
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;
    use std::thread;

    use super::*;

    /// Runs `work` on a thread that is confined, so that the tests beside it are not.
    fn confined<T: Send>(needs: Needs<'_>, work: impl FnOnce(Confined) -> T + Send) -> T {
        thread::scope(|scope| scope.spawn(move || work(confine(needs))).join().unwrap())
    }

    fn refused<T>(result: io::Result<T>) -> bool {
        result.is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
    }

    #[test]
    fn the_kernel_says_that_a_confined_thread_has_no_capability_and_a_filter() {
        let status = thread::spawn(|| {
            let mut status = File::open("/proc/thread-self/status").unwrap();
            confine(Needs::default());
            let mut text = String::new();
            status.read_to_string(&mut text).unwrap();
            text
        });
        let status = status.join().unwrap();
        for line in ["CapPrm:\t0000000000000000", "CapEff:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"] {
            assert!(status.contains(line), "{line}: {status}");
        }
    }

    #[test]
    fn a_confined_thread_opens_no_file_makes_no_socket_and_starts_no_program() {
        confined(Needs::default(), |confined| {
            assert!(confined.capabilities && confined.no_new_privileges, "{confined:?}");
            assert!(refused(File::open("/etc/passwd")) && refused(fs::read_dir("/")));
            assert!(refused(UdpSocket::bind("127.0.0.1:0")));
            assert!(Command::new("true").status().is_err());
            // What it may still do: memory, threads, time.
            assert_eq!(thread::spawn(|| vec![1; 1 << 24].len()).join().unwrap(), 1 << 24);
        });
    }

    #[test]
    fn each_need_keeps_its_own_capabilities() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
        let files = Needs { folder: Some(folder.path()), ..Needs::default() };
        let processes = Needs { processes: true, ..Needs::default() };
        let both = Needs { processes: true, ..files };
        assert_eq!(capabilities(Needs::default()), 0);
        assert!(capabilities(files) != 0 && capabilities(processes) != 0);
        assert_eq!(capabilities(both), capabilities(files) | capabilities(processes));
    }

    #[test]
    fn who_looks_at_processes_opens_files_to_read_them_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "before").unwrap();
        confined(Needs { processes: true, ..Needs::default() }, |confined| {
            assert!(confined.system_calls.is_some());
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
            assert_eq!(fs::read_to_string(&file).unwrap(), "before");
            for how in
                [File::options().write(true), File::options().append(true), File::options().read(true).write(true)]
            {
                assert!(refused(how.open(&file)), "{how:?}");
            }
            assert!(refused(File::create(&file)) && refused(File::create_new(folder.path().join("new"))));
        });
        assert_eq!(fs::read_to_string(&file).unwrap(), "before");
    }

    #[test]
    fn a_terminal_can_be_set_and_measured_but_not_typed_on() {
        use nix::sys::termios::{SetArg, tcgetattr, tcsetattr};
        let nix::pty::OpenptyResult { master: _user, slave: terminal } = nix::pty::openpty(None, None).unwrap();
        for (needed, expected) in [(true, None), (false, Some(nix::errno::Errno::EPERM))] {
            confined(Needs { terminal: needed, ..Needs::default() }, |_| {
                let set = tcgetattr(&terminal).and_then(|now| tcsetattr(&terminal, SetArg::TCSANOW, &now));
                assert_eq!(set.err(), expected);
                let typed = std::os::fd::AsRawFd::as_raw_fd(&terminal);
                // SAFETY: the descriptor is open, and TIOCSTI reads one byte that outlives the call.
                let typed = unsafe { libc::ioctl(typed, libc::TIOCSTI, b"x".as_ptr()) };
                assert_eq!(nix::errno::Errno::result(typed).err(), Some(nix::errno::Errno::EPERM));
            });
        }
    }

    #[test]
    fn files_are_made_and_removed_in_the_folder_and_nowhere_else() {
        let (own, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(own.path().join("secret"), "read me").unwrap();
        let needs = Needs { folder: Some(own.path()), ..Needs::default() };
        confined(needs, |confined| {
            let file = own.path().join("new");
            File::options().write(true).create_new(true).open(&file).unwrap();
            fs::remove_file(&file).unwrap();
            if confined.landlock.is_some() {
                let there = other.path().join("new");
                assert!(refused(File::options().write(true).create_new(true).open(there)));
                assert!(refused(File::open(own.path().join("secret"))), "what is there cannot be read");
                assert!(refused(File::open("/etc/passwd")));
            }
        });
    }
}
