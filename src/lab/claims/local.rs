//! What experiments on loopback share: a connection, and waiting.

use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::AsFd;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use socket2::Socket;

use crate::lab::place::{Place, on};
use crate::lab::program::errno;
use crate::lab::stage::LabError;
use crate::lab::tcp::{self, needed};

/// The longest that an experiment waits for what should come at once.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// So long an experiment looks whether something comes that should not.
pub(super) const NOTHING: Duration = Duration::from_millis(300);

/// A connection over loopback.
pub(super) struct Local {
    /// The server's address.
    pub address: SocketAddr,
    /// What the connection was accepted from.
    pub listener: Socket,
    /// The client's end.
    pub client: Socket,
    /// The server's end.
    pub server: Socket,
}

impl Local {
    /// A connection; no call on it blocks for ever.
    pub fn new(place: &mut Place) -> Result<Self, LabError> {
        Local::after(place, |_| Ok(()))
    }

    /// As [`Local::new`], with something done to the listener and the client's socket before they are used.
    pub fn after(place: &mut Place, prepare: impl Fn(&Socket) -> io::Result<()>) -> Result<Self, LabError> {
        let address = on(Ipv4Addr::LOCALHOST, place.port()?);
        let sockets = [needed("socket", tcp::socket(address))?, needed("socket", tcp::socket(address))?];
        for socket in &sockets {
            needed("setsockopt", prepare(socket))?;
        }
        let [listener, client] = sockets;
        needed("bind", listener.bind(&address.into()))?;
        needed("listen", listener.listen(8))?;
        needed("connect", client.connect(&address.into()))?;
        let server = needed("accept", tcp::accept(&listener))?;
        for socket in [&client, &server] {
            patient(socket)?;
        }
        Ok(Local { address, listener, client, server })
    }

    /// As [`Local::new`], with small buffers that do not grow.
    pub fn small(place: &mut Place) -> Result<Self, LabError> {
        Local::after(place, |socket| {
            socket.set_recv_buffer_size(8192)?;
            socket.set_send_buffer_size(8192)
        })
    }
}

/// More than two small buffers hold.
pub(super) const LARGE: usize = 1_000_000;

/// Bytes that could be read now, at most [`LARGE`].
pub(super) fn waiting(socket: &Socket) -> usize {
    socket.peek(&mut vec![MaybeUninit::uninit(); LARGE]).unwrap_or(0)
}

/// Reads `count` bytes, or fewer when the end comes before; tells how many.
pub(super) fn drain(mut socket: &Socket, count: usize) -> Result<usize, LabError> {
    let (mut got, mut buffer) = (0, vec![0; LARGE]);
    while got < count {
        match needed("recv", socket.read(&mut buffer))? {
            0 => break,
            more => got += more,
        }
    }
    Ok(got)
}

/// No call on this socket shall block for ever.
pub(super) fn patient(socket: &Socket) -> Result<(), LabError> {
    needed("setsockopt", socket.set_read_timeout(Some(PATIENCE)))?;
    needed("setsockopt", socket.set_write_timeout(Some(PATIENCE)))
}

/// Waits until `done`, asked every millisecond.
pub(super) fn until(waited_for: &str, mut done: impl FnMut() -> bool) -> Result<(), LabError> {
    let begun = Instant::now();
    while !done() {
        if begun.elapsed() > PATIENCE {
            return Err(LabError::Late { waited_for: waited_for.to_owned(), patience: PATIENCE });
        }
        sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// Whether one of `events` comes within `wait`.
pub(super) fn ready(descriptor: &impl AsFd, events: PollFlags, wait: Duration) -> bool {
    let mut watched = [PollFd::new(descriptor.as_fd(), events)];
    poll(&mut watched, PollTimeout::try_from(wait).unwrap_or(PollTimeout::MAX)).is_ok_and(|count| count > 0)
}

/// Whether there is something to read, or an end, within `wait`.
pub(super) fn readable(descriptor: &impl AsFd, wait: Duration) -> bool {
    ready(descriptor, PollFlags::POLLIN, wait)
}

/// One `recv()` of at most `most` bytes.
pub(super) fn receive(mut socket: &Socket, most: usize) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0; most];
    let length = socket.read(&mut buffer)?;
    buffer.truncate(length);
    Ok(buffer)
}

/// Waits until `count` bytes can be read together.
pub(super) fn arrived(socket: &Socket, count: usize) -> Result<(), LabError> {
    let mut buffer = vec![MaybeUninit::uninit(); count];
    until("the arrival of what was sent", || socket.peek(&mut buffer).is_ok_and(|length| length == count))
}

/// The errno of a result by its name, or `ok`.
pub(super) fn told<T>(result: &io::Result<T>) -> String {
    result.as_ref().map_or_else(errno, |_| "ok".to_owned())
}
