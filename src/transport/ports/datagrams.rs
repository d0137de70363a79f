//! Probing UDP: one unconnected socket per address family. Replies are known by where they come from, ICMP errors by the
//! error queue, which names the datagram's destination, the code and the sender.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::dialer::is_own;
use super::verdict::REPLY_KEPT;
use super::{Answer, Asked, Prober, Reason, Woken, payloads};
use crate::kernel::signal::Interrupts;
use crate::kernel::{OsError, error_queue};

/// How much room is asked for answers that were not read yet, in bytes.
const BUFFER: usize = 4 << 20;
/// How many answers one look takes in per socket.
const AT_ONCE: usize = 512;

/// Datagrams under way.
#[derive(Debug)]
pub struct Datagrams<'a> {
    v4: Option<Post>,
    v6: Option<Post>,
    waiting: HashMap<SocketAddr, usize>,
    targets: Vec<Option<SocketAddr>>,
    early: Vec<Answer>,
    interrupts: &'a Interrupts,
    start: Instant,
}

/// A socket and the port it has.
#[derive(Debug)]
struct Post {
    socket: UdpSocket,
    port: u16,
}

impl Post {
    fn open(v6: bool) -> Result<Self, Errno> {
        let any: IpAddr = if v6 { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
        let socket = UdpSocket::bind((any, 0)).map_err(|error| errno(&error))?;
        socket.set_nonblocking(true).map_err(|error| errno(&error))?;
        // The kernel grants what it allows; a small buffer costs answers, which are asked for again.
        let _ = socket2::SockRef::from(&socket).set_recv_buffer_size(BUFFER);
        error_queue::enable(&socket, v6)?;
        let port = socket.local_addr().map_err(|error| errno(&error))?.port();
        Ok(Post { socket, port })
    }
}

impl<'a> Datagrams<'a> {
    /// A prober that ends when a signal arrives at `interrupts`.
    pub fn new(interrupts: &'a Interrupts) -> Self {
        Datagrams {
            v4: None,
            v6: None,
            waiting: HashMap::new(),
            targets: Vec::new(),
            early: Vec::new(),
            interrupts,
            start: Instant::now(),
        }
    }

    /// The socket for `target`. The port of our own socket cannot be asked with it: we would hear ourselves.
    fn post(&mut self, target: SocketAddr) -> Result<&Post, Errno> {
        let post = if target.is_ipv6() { &mut self.v6 } else { &mut self.v4 };
        if post.as_ref().is_none_or(|post| post.port == target.port()) {
            let mut fresh = Post::open(target.is_ipv6())?;
            if fresh.port == target.port() {
                // While the first one holds that port, a second one gets another.
                fresh = Post::open(target.is_ipv6())?;
            }
            *post = Some(fresh);
        }
        post.as_ref().ok_or(Errno::EBADF)
    }

    /// Sends; what the socket reports of earlier datagrams is kept for the next look, and does not count as a failure
    /// of this one.
    fn send(&mut self, target: SocketAddr, payload: &[u8]) -> Result<(), Errno> {
        let mut nothing_heard = 0;
        loop {
            let Err(error) = self.post(target)?.socket.send_to(payload, target) else { return Ok(()) };
            let mut early = std::mem::take(&mut self.early);
            let heard = self.hear_errors(target.is_ipv6(), &mut early);
            self.early = early;
            nothing_heard += u32::from(heard == 0);
            if nothing_heard > 1 || !is_report(errno(&error)) {
                return Err(errno(&error));
            }
        }
    }

    /// Reads the error queue and returns how many entries it held.
    fn hear_errors(&mut self, v6: bool, answers: &mut Vec<Answer>) -> usize {
        for heard in 0..AT_ONCE {
            let Some(post) = (if v6 { &self.v6 } else { &self.v4 }) else { return heard };
            let Some(entry) = error_queue::take(post.socket.as_fd()) else { return heard };
            let Some(target) = entry.destination else { continue };
            let mut reason = Reason::from_queue(&entry);
            if let Reason::Icmp(error) = reason
                && error.says_no_host()
                && is_own(error.from, target)
            {
                reason = Reason::NoNeighbour(target.ip());
            }
            self.settle(target, reason, answers);
        }
        AT_ONCE
    }

    fn hear_replies(&mut self, v6: bool, answers: &mut Vec<Answer>) {
        let mut buffer = [0; REPLY_KEPT];
        for _ in 0..AT_ONCE {
            let Some(post) = (if v6 { &self.v6 } else { &self.v4 }) else { return };
            match post.socket.recv_from(&mut buffer) {
                Ok((length, from)) => {
                    let bytes = buffer.get(..length).unwrap_or(&buffer).into();
                    self.settle(from, Reason::Reply(bytes), answers);
                }
                Err(error) if is_report(errno(&error)) => {}
                Err(_) => return,
            }
        }
    }

    fn settle(&mut self, mut from: SocketAddr, reason: Reason, answers: &mut Vec<Answer>) {
        if let SocketAddr::V6(v6) = &mut from {
            v6.set_flowinfo(0);
        }
        let reply = matches!(reason, Reason::Reply(_));
        let slot = self.waiting.get(&from).copied().or_else(|| if reply { self.elsewhere(from) } else { None });
        if let Some(slot) = slot {
            self.forget(slot);
            answers.push(Answer { slot, reason, rtt: None });
        }
    }

    /// The probe that a reply from an unasked port answers: one to a service that picks another port.
    fn elsewhere(&self, from: SocketAddr) -> Option<usize> {
        let mut candidates = self
            .waiting
            .iter()
            .filter(|(target, _)| target.ip() == from.ip() && payloads::answers_from_elsewhere(target.port()));
        let slot = candidates.next().map(|(_, slot)| *slot);
        slot.filter(|_| candidates.next().is_none())
    }
}

impl Prober for Datagrams<'_> {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn ask(&mut self, slot: usize, target: SocketAddr, attempt: u8) -> Asked {
        if let Err(errno) = self.send(target, payloads::payload(target.port(), attempt)) {
            return match errno {
                Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM | Errno::EAGAIN => {
                    Asked::Exhausted(errno)
                }
                errno => Asked::Answered(Reason::Local(errno)),
            };
        }
        if self.targets.len() <= slot {
            self.targets.resize(slot + 1, None);
        }
        if let Some(entry) = self.targets.get_mut(slot) {
            *entry = Some(target);
        }
        self.waiting.insert(target, slot);
        Asked::Sent
    }

    fn forget(&mut self, slot: usize) {
        if let Some(target) = self.targets.get_mut(slot).and_then(Option::take)
            && self.waiting.get(&target) == Some(&slot)
        {
            self.waiting.remove(&target);
        }
    }

    fn listen(&mut self, timeout: Duration, answers: &mut Vec<Answer>) -> Result<Woken, OsError> {
        answers.append(&mut self.early);
        let timeout = if answers.is_empty() { timeout } else { Duration::ZERO };
        let timeout = u16::try_from(timeout.as_micros().div_ceil(1000)).unwrap_or(u16::MAX);
        let posts = [&self.v4, &self.v6].into_iter().flatten().map(|post| post.socket.as_fd());
        let files = std::iter::once(self.interrupts.as_fd()).chain(posts);
        let mut files: Vec<PollFd<'_>> = files.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        match poll(&mut files, PollTimeout::from(timeout)) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(OsError::new("poll", "", errno)),
        }
        for v6 in [false, true] {
            self.hear_replies(v6, answers);
            self.hear_errors(v6, answers);
        }
        Ok(if self.interrupts.arrived() { Woken::Interrupted } else { Woken::Normally })
    }
}

/// Whether a call on the socket failed with the report of an earlier datagram's ICMP error and not for itself.
fn is_report(errno: Errno) -> bool {
    matches!(
        errno,
        Errno::ECONNREFUSED
            | Errno::EHOSTUNREACH
            | Errno::ENETUNREACH
            | Errno::ENOPROTOOPT
            | Errno::EPROTO
            | Errno::EACCES
    )
}

fn errno(error: &io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or_default())
}
