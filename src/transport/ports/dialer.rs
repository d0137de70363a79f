//! Probing TCP with ordinary connections: one non-blocking socket per slot, used again for port after port.
//!
//! Facts of Linux that shape this: a refused socket can connect again once a second connect(2) has fetched the error;
//! the error queue tells a refusal by ICMP from a reset; an ICMP error that comes while connect(2) is still running
//! leaves the socket trying, and only the error queue knows of it.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use socket2::{Domain, SockAddr, Socket, Type};

use super::{Answer, Asked, Prober, Reason, Woken};
use crate::kernel::signal::Interrupts;
use crate::kernel::{OsError, connection, error_queue};

/// How many events one look takes in.
const EVENTS: usize = 256;
/// The event of the signals; slots are far below.
const SIGNAL: u64 = u64::MAX;

/// Connections under way.
#[derive(Debug)]
pub struct Dialer<'a> {
    epoll: Epoll,
    events: Vec<EpollEvent>,
    lines: Vec<Option<Line>>,
    interrupts: &'a Interrupts,
    start: Instant,
}

/// A socket and where it is going.
#[derive(Debug)]
struct Line {
    socket: Socket,
    target: SocketAddr,
    /// Whether a connection is under way; an idle socket hangs up on its own, which means nothing.
    busy: bool,
}

impl<'a> Dialer<'a> {
    /// A dialer that ends when a signal arrives at `interrupts`.
    ///
    /// # Errors
    /// The kernel's refusal to make an epoll instance.
    pub fn new(interrupts: &'a Interrupts) -> Result<Self, OsError> {
        let failed = |errno| OsError::new("epoll", "", errno);
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map_err(failed)?;
        epoll.add(interrupts, EpollEvent::new(EpollFlags::EPOLLIN, SIGNAL)).map_err(failed)?;
        let events = vec![EpollEvent::empty(); EVENTS];
        Ok(Dialer { epoll, events, lines: Vec::new(), interrupts, start: Instant::now() })
    }

    /// Closes the sockets that are kept for the next probes.
    pub fn rest(&mut self) {
        self.lines.clear();
    }

    /// Connects the socket of `slot`, a new one if it has none of the right family.
    fn dial(&mut self, slot: usize, target: SocketAddr) -> Result<(), Errno> {
        if self.lines.len() <= slot {
            self.lines.resize_with(slot + 1, || None);
        }
        let Some(line) = self.lines.get_mut(slot) else { return Err(Errno::EBADF) };
        if line.as_ref().is_some_and(|line| line.target.is_ipv6() != target.is_ipv6()) {
            *line = None;
        }
        if let Some(line) = line {
            line.target = target;
            let begun = connect(&line.socket, target);
            line.busy = begun.is_ok() || begun == Err(Errno::EINPROGRESS);
            return begun;
        }
        let socket = open(target)?;
        let begun = connect(&socket, target);
        // Not before the connect: a socket that never connected is ready with a hang-up.
        self.epoll.add(&socket, EpollEvent::new(interest(), slot as u64))?;
        let busy = begun.is_ok() || begun == Err(Errno::EINPROGRESS);
        *line = Some(Line { socket, target, busy });
        begun
    }

    /// What an event in `slot` means; none if it means nothing yet.
    fn outcome(&mut self, slot: usize) -> Option<Answer> {
        let entry = self.lines.get_mut(slot)?;
        let line = entry.as_mut().filter(|line| line.busy)?;
        let mut rtt = None;
        let (reason, dirty) = match connect(&line.socket, line.target) {
            Ok(()) | Err(Errno::EISCONN) => {
                rtt = connection::round_trip(&line.socket);
                (connected(line), true)
            }
            Err(Errno::EALREADY | Errno::EINPROGRESS) => (queued(line)?, true),
            Err(errno) => (failed(line, errno), false),
        };
        line.busy = false;
        if dirty && connection::dissolve(line.socket.as_fd()).is_err() {
            *entry = None;
        }
        Some(Answer { slot, reason, rtt })
    }
}

impl Prober for Dialer<'_> {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn ask(&mut self, slot: usize, target: SocketAddr, _attempt: u8) -> Asked {
        match self.dial(slot, target) {
            Ok(()) | Err(Errno::EINPROGRESS) => Asked::Sent,
            Err(errno @ (Errno::EMFILE | Errno::ENFILE | Errno::ENOMEM | Errno::ENOBUFS | Errno::ENOSPC)) => {
                Asked::Exhausted(errno)
            }
            Err(errno) => {
                let line = self.lines.get(slot).and_then(Option::as_ref);
                Asked::Answered(line.map_or_else(|| Reason::from_errno(errno), |line| failed(line, errno)))
            }
        }
    }

    fn forget(&mut self, slot: usize) {
        let Some(entry) = self.lines.get_mut(slot) else { return };
        let Some(line) = entry else { return };
        line.busy = false;
        if connection::dissolve(line.socket.as_fd()).is_err() {
            *entry = None;
        }
    }

    fn listen(&mut self, timeout: Duration, answers: &mut Vec<Answer>) -> Result<Woken, OsError> {
        let timeout = u16::try_from(timeout.as_micros().div_ceil(1000)).unwrap_or(u16::MAX);
        let mut events = std::mem::take(&mut self.events);
        let count = match self.epoll.wait(&mut events, EpollTimeout::from(timeout)) {
            Err(Errno::EINTR) => 0,
            other => other.map_err(|errno| OsError::new("epoll", "", errno))?,
        };
        let mut woken = Woken::Normally;
        for event in events.iter().take(count) {
            if event.data() == SIGNAL {
                if self.interrupts.arrived() {
                    woken = Woken::Interrupted;
                }
            } else {
                answers.extend(self.outcome(event.data() as usize));
            }
        }
        self.events = events;
        Ok(woken)
    }
}

fn interest() -> EpollFlags {
    EpollFlags::EPOLLIN | EpollFlags::EPOLLOUT | EpollFlags::EPOLLET
}

/// A non-blocking socket for connections that end with a reset, so that they leave no TIME-WAIT behind.
fn open(target: SocketAddr) -> Result<Socket, Errno> {
    let socket = Socket::new(Domain::for_address(target), Type::STREAM.nonblocking(), None).map_err(|e| errno(&e))?;
    socket.set_linger(Some(Duration::ZERO)).map_err(|e| errno(&e))?;
    error_queue::enable(&socket, target.is_ipv6())?;
    Ok(socket)
}

fn connect(socket: &Socket, target: SocketAddr) -> Result<(), Errno> {
    socket.connect(&SockAddr::from(target)).map_err(|error| errno(&error))
}

fn errno(error: &io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or_default())
}

/// The handshake went through, unless the socket found itself: where the kernel picks the probed port as the local port
/// of a connection to this very machine, the two ends of it are one.
fn connected(line: &Line) -> Reason {
    let own = line.socket.local_addr().ok().and_then(|address| address.as_socket());
    let peer = line.socket.peer_addr().ok().and_then(|address| address.as_socket());
    match peer {
        Some(_) if own == peer => Reason::Silence,
        // Without a peer it was reset since.
        _ => Reason::SynAck,
    }
}

/// What a connection that failed with `errno` tells. What the queue holds of earlier tries does not count where one
/// went through.
fn failed(line: &Line, errno: Errno) -> Reason {
    let queued = queued(line);
    match Reason::from_errno(errno) {
        Reason::SynAck => Reason::SynAck,
        reason => queued.unwrap_or(reason),
    }
}

/// What the error queue of the line tells.
fn queued(line: &Line) -> Option<Reason> {
    let reason = Reason::from_queue(&error_queue::take(line.socket.as_fd())?);
    // This machine reports its own failure to find the neighbour as if it came over the wire.
    match reason {
        Reason::Icmp(error) if error.says_no_host() && is_own(error.from, line.target) => {
            Some(Reason::NoNeighbour(line.target.ip()))
        }
        reason => Some(reason),
    }
}

/// Whether `address`, which complained about `target`, is one of this machine, and not the target itself.
pub(super) fn is_own(address: IpAddr, mut target: SocketAddr) -> bool {
    if address == target.ip() {
        return false;
    }
    target.set_ip(address);
    target.set_port(0);
    UdpSocket::bind(target).is_ok()
}
