//! What joins the hosts: a wire, a hub or a switch in user space, through which every frame passes.

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::brake::Brake;
use super::line::Line;
use crate::bytes::Mac;
use crate::kernel::OsError;
use crate::link::packet_io::Batch;
use crate::link::packet_socket::{Kind, Named, PacketSocket};

/// How a fabric picks the ports that a frame leaves by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joining {
    /// Every other port: a wire when there are two, a hub when there are more.
    Hub,
    /// The port behind which the destination was seen to send; every other port while it was not (IEEE 802.1D).
    Switch,
}

/// One end of a cable that leads to a host's interface.
#[derive(Debug)]
pub struct Port {
    /// The host at the other end.
    pub host: usize,
    socket: PacketSocket,
    brake: Brake,
}

impl Port {
    /// Opens the lab's end of the cable to host number `host`: `interface`, with the kernel's number `index` for it,
    /// in the namespace of the calling thread, and with the brake of the host's interface.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn open(interface: &str, index: u32, host: usize, brake: Brake) -> Result<Self, OsError> {
        let named = Named { name: interface.to_owned(), index };
        let socket = PacketSocket::open(&named, Kind::WithLinkHeader, "a lab's wire")?;
        socket.ignore_outgoing()?;
        socket.receive_buffer(RECEIVE_BUFFER)?;
        socket.start()?;
        Ok(Port { host, socket, brake })
    }

    /// Fills `batch` with the frames that the host has sent, without waiting, and says whether it may have left some.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn receive(&self, batch: &mut Batch) -> Result<bool, OsError> {
        self.socket.receive(batch)
    }

    /// Slows the host down where too much of what it sent waits here, or lets it go again.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn keep_pace(&mut self) -> Result<(), OsError> {
        self.brake.adjust(self.socket.backlog()?);
        Ok(())
    }

    /// Whether the host waits for the wire.
    pub fn is_braked(&self) -> bool {
        self.brake.is_on()
    }

    /// Frames of the host that were lost on the way here, since the last call.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn lost(&self) -> Result<u64, OsError> {
        self.socket.lost()
    }

    /// Waits until the host sent something, at most `patience`.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn wait(&self, patience: Duration) -> Result<(), OsError> {
        let timeout = PollTimeout::try_from(patience).unwrap_or(PollTimeout::MAX);
        match poll(&mut [PollFd::new(self.as_fd(), PollFlags::POLLIN)], timeout) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(OsError::new("poll", "a cable", errno)),
        }
    }

    /// Gives `frame` to the host.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn send(&self, frame: &[u8]) -> Result<(), OsError> {
        self.socket.send(frame)
    }

    /// Gives `frames` to the host, in order.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn send_all(&self, frames: &[&[u8]]) -> Result<(), OsError> {
        self.socket.send_all(frames)
    }
}

impl AsFd for Port {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Bytes of frames that may wait for the wire; the kernel doubles it and caps it at `net.core.rmem_max`.
const RECEIVE_BUFFER: usize = 4 << 20;

/// Where a frame leaves a fabric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// By every port but the one that it came in by.
    Others,
    /// By this one, unless it came in there.
    Port(usize),
}

impl Exit {
    /// Whether it leaves by `port`, unless it came in there.
    pub fn is(self, port: usize) -> bool {
        self == Exit::Others || self == Exit::Port(port)
    }
}

/// Ports and the way they are joined.
#[derive(Debug)]
pub struct Fabric {
    /// The ports, in the order of attachment.
    pub ports: Vec<Port>,
    /// The ways in, one for each port.
    pub lines: Vec<Line>,
    joining: Joining,
    learnt: HashMap<Mac, usize>,
}

impl Fabric {
    /// A fabric of `ports`.
    pub fn new(ports: Vec<Port>, joining: Joining) -> Self {
        let lines = (0..ports.len()).map(Line::new).collect();
        Fabric { ports, lines, joining, learnt: HashMap::new() }
    }

    /// Puts a hub in the place of a switch, or the other way round. What a switch has learnt is lost.
    pub fn replace(&mut self, joining: Joining) {
        self.joining = joining;
        self.learnt.clear();
    }

    /// Where a frame that came in at port `from` leaves. A switch learns its sender.
    pub fn route(&mut self, from: usize, frame: &[u8]) -> Exit {
        let macs = frame.first_chunk::<12>().filter(|_| self.joining == Joining::Switch);
        let Some(macs) = macs else { return Exit::Others };
        let (destination, source) = macs.split_at(6);
        let mac = |bytes: &[u8]| Mac(bytes.try_into().unwrap_or_default());
        if self.learnt.len() < LEARNT_AT_MOST {
            self.learnt.insert(mac(source), from);
        }
        self.learnt.get(&mac(destination)).map_or(Exit::Others, |port| Exit::Port(*port))
    }

    /// The ports that a frame which came in at port `from` leaves by.
    pub fn exits(&mut self, from: usize, frame: &[u8]) -> impl Iterator<Item = &Port> {
        let exit = self.route(from, frame);
        let ports = self.ports.iter().enumerate().filter(move |(port, _)| exit.is(*port) && *port != from);
        ports.map(|(_, port)| port)
    }

    /// Which host is where: what a switch has learnt so far.
    pub fn learnt(&self) -> impl Iterator<Item = (Mac, usize)> {
        self.learnt.iter().map(|(mac, port)| (*mac, *port))
    }
}

/// Link addresses that a switch remembers. A real one has thousands; a lab has a handful.
const LEARNT_AT_MOST: usize = 1024;
