//! A process for one client, as a server that forks makes it.

#![allow(unsafe_code)]

use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::Pid;

use super::OsError;

/// A child process; it ends with this value.
#[derive(Debug)]
pub struct Child(Pid);

impl Child {
    /// Forks a child that sends back in upper case what it receives on `socket`, until the peer leaves. It keeps no
    /// other file of this process open.
    ///
    /// # Errors
    /// fork(2): the limit of processes, or memory.
    pub fn answer(socket: &impl AsFd) -> Result<Self, OsError> {
        let fd = socket.as_fd().as_raw_fd();
        // SAFETY: the child of a process with threads may only make calls that are async-signal-safe (fork(2)): it does
        // nothing but what `answer_and_exit` does, and that never returns.
        match Errno::result(unsafe { libc::fork() }) {
            Ok(0) => answer_and_exit(fd),
            Ok(pid) => Ok(Child(Pid::from_raw(pid))),
            Err(errno) => Err(OsError::new("fork", "", errno)),
        }
    }

    /// Its number.
    pub fn pid(&self) -> u32 {
        self.0.as_raw().unsigned_abs()
    }

    /// Waits until it has ended by itself.
    pub fn wait(self) {
        // Interrupted or gone, there is nothing else to do about it; dropping ends it.
        let _ = waitpid(self.0, None);
        std::mem::forget(self);
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = kill(self.0, Signal::SIGKILL);
        let _ = waitpid(self.0, None);
    }
}

/// What the child does: system calls on memory of its own stack, without a lock and without allocation.
fn answer_and_exit(socket: i32) -> ! {
    const ONLY: i32 = 0;
    let mut buffer = [0u8; 1024];
    // SAFETY: dup2 and close_range only change which files this child has open; nothing here owns one of them.
    unsafe {
        libc::dup2(socket, ONLY);
        libc::syscall(libc::SYS_close_range, 1, u32::MAX, 0);
    }
    loop {
        // SAFETY: the kernel writes at most the buffer's length to it.
        let received = unsafe { libc::recv(ONLY, buffer.as_mut_ptr().cast(), buffer.len(), 0) };
        let Ok(length @ 1..) = usize::try_from(received) else { break };
        buffer.make_ascii_uppercase();
        // SAFETY: `length` bytes of the buffer were received just now.
        let sent = unsafe { libc::send(ONLY, buffer.as_ptr().cast(), length, libc::MSG_NOSIGNAL) };
        if sent < 0 {
            break;
        }
    }
    // SAFETY: ends the child without running anything of the parent's at exit.
    unsafe { libc::_exit(0) }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_child_answers_in_upper_case_and_leaves_with_its_client() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        let child = Child::answer(&accepted).unwrap();
        drop(accepted);
        let mut answer = [0; 5];
        client.write_all(b"hello").unwrap();
        client.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HELLO");
        // The child holds no copy of the client's socket: this close reaches it.
        drop(client);
        child.wait();
    }

    #[test]
    fn a_child_that_is_dropped_is_gone() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        let child = Child::answer(&accepted).unwrap();
        let path = format!("/proc/{}", child.pid());
        assert!(std::path::Path::new(&path).exists());
        drop(child);
        assert!(!std::path::Path::new(&path).exists());
    }
}
