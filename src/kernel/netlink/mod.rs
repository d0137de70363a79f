//! The kernel's network configuration over netlink, RFC 3549: links, addresses, routes, neighbours; asked and changed.
//!
//! A socket belongs to the network namespace of the thread that opened it, and stays there wherever it is used.
//! Blocking, no daemon, nothing shelled out to.

mod address;
mod change;
mod events;
mod link;
mod neighbour;
mod route;
mod shaper;
mod socket;

pub use address::{Address, AddressFlags, Scope};
pub use events::{Events, Group};
pub use link::{Counters, Link, LinkFlags, OperState};
pub use neighbour::{Neighbour, NeighbourState};
pub use route::{Decision, Route, RouteKind};
pub use shaper::Pace;
pub use socket::{Completeness, Request, Socket, attributes};

use netlink_sys::protocols::NETLINK_ROUTE;

use super::OsError;

/// What the kernel is asked about its network, and told about it: an open route netlink socket.
#[derive(Debug)]
pub struct Netlink {
    socket: Socket,
}

impl Netlink {
    /// Opens a socket in the network namespace of the calling thread. Asking needs no privilege; changing needs
    /// `CAP_NET_ADMIN` in that namespace.
    ///
    /// # Errors
    /// The kernel's refusal (out of file descriptors).
    pub fn open() -> Result<Self, OsError> {
        Ok(Netlink { socket: Socket::open(NETLINK_ROUTE)? })
    }

    /// Every object that `request` lists, decoded by `decode`; asked again where the list changed while it was read.
    fn list<T>(
        &mut self,
        request: &Request<'_>,
        mut decode: impl FnMut(&[u8]) -> Option<T>,
    ) -> Result<Vec<T>, OsError> {
        /// A list that changes during so many reads is taken as it is: each object in it is true, one may be missing.
        const ROUNDS: usize = 5;
        let mut found = Vec::new();
        for _ in 0..ROUNDS {
            found.clear();
            let completeness = self.socket.ask(request, |_, body| found.extend(decode(body)))?;
            if completeness == Completeness::Whole {
                break;
            }
        }
        Ok(found)
    }
}
