//! Being told when something changes, instead of asking again and again.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use netlink_sys::protocols::NETLINK_ROUTE;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::{Netlink, OperState, OsError, RouteKind, Socket};

/// What to be told about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Interfaces that come, go or change.
    Link = 1,
    /// Entries of the neighbour cache that come, go or change.
    Neighbour = 3,
    /// IPv4 routes that come or go, those to own addresses included.
    Ipv4Route = 7,
    /// IPv6 routes that come or go, those to own addresses included.
    Ipv6Route = 11,
}

/// The kernel's announcements of one group in this thread's namespace.
#[derive(Debug)]
pub struct Events {
    socket: Socket,
}

impl Events {
    /// Starts listening. No privilege is needed.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn subscribe(group: Group) -> Result<Self, OsError> {
        let socket = Socket::open(NETLINK_ROUTE)?;
        socket
            .inner()
            .add_membership(group as u32)
            .and_then(|()| socket.inner().set_non_blocking(true))
            .map_err(|error| OsError::from_io("subscribe to", "netlink group", &error))?;
        Ok(Events { socket })
    }

    /// Waits until something was announced, and takes every announcement off; false after `timeout`. What changed is
    /// for the caller to look at: an announcement may be lost when many come at once, a look is never wrong.
    ///
    /// # Errors
    /// The kernel's refusal to wait.
    pub fn wait(&mut self, timeout: Duration) -> Result<bool, OsError> {
        let timeout = PollTimeout::try_from(timeout.as_millis().saturating_add(1)).unwrap_or(PollTimeout::MAX);
        match poll(&mut [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)], timeout) {
            Ok(0) | Err(Errno::EINTR) => Ok(false),
            Ok(_) => self.drain().map(|()| true),
            Err(errno) => Err(OsError::new("wait for", "netlink events", errno)),
        }
    }

    fn drain(&mut self) -> Result<(), OsError> {
        loop {
            match self.socket.receive() {
                // Lost announcements are as good as one.
                Ok(_) => {}
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(OsError::from_io("read", "netlink events", &error)),
            }
        }
    }
}

impl Netlink {
    /// Waits until the interface numbered `index` passes frames: after it was switched on the kernel needs a moment
    /// to attach the queue, and drops silently what is sent before.
    ///
    /// # Errors
    /// ETIMEDOUT after `patience`, or the kernel's refusal.
    pub fn wait_until_up(&mut self, index: u32, patience: Duration) -> Result<(), OsError> {
        self.wait_for_state(index, patience, |state| state == OperState::Up)
    }

    /// Waits until the interface numbered `index` is in a state that fits.
    ///
    /// # Errors
    /// ETIMEDOUT after `patience`, or the kernel's refusal.
    pub fn wait_for_state(
        &mut self,
        index: u32,
        patience: Duration,
        fits: impl Fn(OperState) -> bool,
    ) -> Result<(), OsError> {
        let look = |netlink: &mut Self| Ok(fits(netlink.link_by_index(index)?.state));
        self.wait_until(Group::Link, patience, "wait for the state of interface", &index, look)
    }

    /// Waits until datagrams to `address`, which an interface of this namespace was given, are kept: the kernel puts a
    /// new IPv6 address into its routing table a while after it said yes.
    ///
    /// # Errors
    /// ETIMEDOUT after `patience`, or the kernel's refusal.
    pub fn wait_until_own(&mut self, address: IpAddr, patience: Duration) -> Result<(), OsError> {
        let group = if address.is_ipv4() { Group::Ipv4Route } else { Group::Ipv6Route };
        let look = |netlink: &mut Self| Ok(netlink.decide(address, None)?.kind == RouteKind::Local);
        self.wait_until(group, patience, "wait for own address", &address, look)
    }

    fn wait_until(
        &mut self,
        group: Group,
        patience: Duration,
        operation: &'static str,
        object: &dyn fmt::Display,
        look: impl Fn(&mut Self) -> Result<bool, OsError>,
    ) -> Result<(), OsError> {
        let deadline = Instant::now() + patience;
        // Before the first look, so that nothing can happen between a look and a wait.
        let mut events = Events::subscribe(group)?;
        while !look(self)? {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(OsError::new(operation, object, Errno::ETIMEDOUT));
            }
            events.wait(left)?;
        }
        Ok(())
    }
}
