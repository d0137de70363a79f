//! What both kernels say of their sockets between the frames.

use std::net::SocketAddr;

use serde::Serialize;

use crate::bytes::order;
use crate::kernel::OsError;
use crate::kernel::sock_diag::{Entry, Family, Query, SockDiag, Timer};
use crate::transport::states::State;

/// A TCP socket as a lab shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// Own address and port.
    pub local: SocketAddr,
    /// The peer's address and port; port 0 where there is none.
    pub remote: SocketAddr,
    /// The state; none for a number that netlab does not know.
    pub state: Option<State>,
    /// The running timer.
    pub timer: Option<Timer>,
    /// Bytes not read yet; of a listener: connections waiting to be accepted.
    #[serde(rename = "receive_queue")]
    pub receive_queue: u32,
    /// Bytes not acknowledged yet; of a listener: its backlog.
    #[serde(rename = "send_queue")]
    pub send_queue: u32,
}

impl From<Entry> for Seen {
    fn from(entry: Entry) -> Self {
        Seen {
            local: entry.local,
            remote: entry.remote,
            state: State::from_kernel(entry.state),
            timer: entry.timer,
            receive_queue: entry.receive_queue,
            send_queue: entry.send_queue,
        }
    }
}

/// IP protocol number.
const TCP: u8 = 6;

/// The TCP sockets of the namespace that `kernel` was opened in, listeners first, then by port.
///
/// # Errors
/// The kernel's refusal.
pub fn look(kernel: &mut SockDiag) -> Result<Vec<Seen>, OsError> {
    let mut seen = Vec::new();
    for family in [Family::Ipv4, Family::Ipv6] {
        seen.extend(kernel.list(&Query::all(TCP, family))?.value.into_iter().map(Seen::from));
    }
    order::by_key(&mut seen, |socket| (socket.state != Some(State::Listen), socket.local.port(), socket.remote.port()));
    Ok(seen)
}
