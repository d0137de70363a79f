//! The kernel's own list of sockets over netlink (`NETLINK_SOCK_DIAG`), TIME-WAIT with its remaining
//! time included.
//!
//! **Invariant:** answers are read with bounds; a cut or damaged one is an error, never a panic.

#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod entry;
mod request;
mod tcp_info;

use std::net::SocketAddr;

use netlink_sys::protocols::NETLINK_SOCK_DIAG;
use nix::errno::Errno;
use nix::sys::socket::AddressFamily;

pub use entry::{Entry, Memory, Timer};
pub use tcp_info::TcpInfo;

use super::OsError;
use super::netlink::{Completeness, Request, Socket};

/// Which address family a socket was made for. An IPv6 socket may carry IPv4 traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// `AF_INET`.
    Ipv4,
    /// `AF_INET6`.
    Ipv6,
}

impl Family {
    fn number(self) -> u8 {
        match self {
            Family::Ipv4 => AddressFamily::Inet as u8,
            Family::Ipv6 => AddressFamily::Inet6 as u8,
        }
    }
}

/// What to list. The kernel applies every condition itself, so that what is not asked for is never copied.
#[derive(Clone, Copy, Debug)]
pub struct Query {
    /// IP protocol number: 6 TCP, 17 UDP.
    pub protocol: u8,
    /// Family of the sockets.
    pub family: Family,
    /// Bit n selects the kernel's state number n (`include/net/tcp_states.h`); [`Query::EVERY_STATE`] selects all.
    pub states: u32,
    /// Only sockets with this local or remote port.
    pub port: Option<u16>,
    /// Whether [`Entry::info`], [`Entry::memory`] and [`Entry::congestion`] are wanted too.
    pub details: bool,
}

impl Query {
    /// A state mask that leaves nothing out, also not states of later kernels.
    pub const EVERY_STATE: u32 = u32::MAX;

    /// Every socket of `protocol` and `family`, without details.
    pub fn all(protocol: u8, family: Family) -> Self {
        Query { protocol, family, states: Self::EVERY_STATE, port: None, details: false }
    }
}

/// What a dump gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dump<T> {
    /// What was folded from the entries.
    pub value: T,
    /// Whether the kernel said, on every try, that the table changed while it was copied (`NLM_F_DUMP_INTR`): an entry
    /// may be missing or doubled.
    pub inconsistent: bool,
}

/// How often a dump that the kernel calls inconsistent is begun anew.
const TRIES: usize = 4;

/// A conversation with the kernel about the sockets of one network namespace.
#[derive(Debug)]
pub struct SockDiag {
    socket: Socket,
}

impl SockDiag {
    /// Opens it for the network namespace of the calling thread.
    ///
    /// # Errors
    /// The kernel's refusal; `EPROTONOSUPPORT` where it was built without `INET_DIAG`.
    pub fn open() -> Result<Self, OsError> {
        Ok(SockDiag { socket: Socket::open(NETLINK_SOCK_DIAG)? })
    }

    /// Lists what `query` selects and folds every entry into a `T`.
    ///
    /// # Errors
    /// The kernel's refusal, or `EBADMSG` for an answer that cannot be read.
    pub fn dump<T: Default>(&mut self, query: &Query, mut fold: impl FnMut(&mut T, Entry)) -> Result<Dump<T>, OsError> {
        let body = request::dump(query);
        let request = Request::dump("list sockets", request::SOCK_DIAG_BY_FAMILY, &body);
        let mut value = T::default();
        for _ in 0..TRIES {
            value = T::default();
            let mut fault = None;
            let completeness = self.socket.ask(&request, |_, body| match Entry::read(query.protocol, body) {
                Ok(entry) => fold(&mut value, entry),
                Err(unread) => fault = fault.or(Some(unread)),
            })?;
            if let Some(fault) = fault {
                return Err(OsError::new("read answer of", "sock_diag", Errno::EBADMSG).hint(fault.to_string()));
            }
            if completeness == Completeness::Whole {
                return Ok(Dump { value, inconsistent: false });
            }
        }
        Ok(Dump { value, inconsistent: true })
    }

    /// The entries that `query` selects, in the kernel's order.
    ///
    /// # Errors
    /// As [`SockDiag::dump`].
    pub fn list(&mut self, query: &Query) -> Result<Dump<Vec<Entry>>, OsError> {
        self.dump(query, Vec::push)
    }

    /// The socket that takes what comes to `local` from `remote` over the `interface` of this number: the connection, or
    /// whoever takes datagrams or connections there from anybody; none where nobody does. With 0 no socket is found that is
    /// bound to an interface, as those of link-local addresses are.
    ///
    /// # Errors
    /// As [`SockDiag::dump`].
    pub fn find(
        &mut self,
        protocol: u8,
        local: SocketAddr,
        remote: SocketAddr,
        interface: u32,
    ) -> Result<Option<Entry>, OsError> {
        let body = request::find(protocol, local, remote, interface);
        let request =
            Request { operation: "find socket", object: "", kind: request::SOCK_DIAG_BY_FAMILY, flags: 0, body: &body };
        let mut found = None;
        let asked = self.socket.ask(&request, |_, body| found = Entry::read(protocol, body).ok());
        match asked {
            Err(error) if error.errno != Errno::ENOENT => Err(error),
            _ => Ok(found),
        }
    }

    /// Aborts the socket of `entry` (`SOCK_DESTROY`): a TIME-WAIT entry vanishes, a connection is reset.
    ///
    /// # Errors
    /// `EPERM` without `CAP_NET_ADMIN` in the network namespace, `ENOENT` when the socket is gone, `EOPNOTSUPP` where
    /// the kernel was built without it.
    pub fn destroy(&mut self, entry: &Entry) -> Result<(), OsError> {
        let body = request::destroy(entry);
        let object = format!("{} → {}", entry.local, entry.remote);
        let request = Request {
            operation: "destroy socket",
            object: &object,
            kind: request::SOCK_DESTROY,
            flags: 0,
            body: &body,
        };
        let result = self.socket.ask(&request, |_, _| ());
        result.map(|_| ()).map_err(|error| error.needs("CAP_NET_ADMIN", "aborting a socket"))
    }
}
