//! The old server and what it leaves, the new server and how it fares. Raw sockets of socket2: the listener of Rust's
//! standard library sets `SO_REUSEADDR` by itself and cannot show the error.

use std::fmt;
use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use nix::errno::Errno;
use serde::Serialize;
use socket2::{Domain, SockRef, Socket, Type};

use crate::kernel::OsError;
use crate::lab::place::{Place, on};
use crate::lab::program::Outcome;
use crate::transport::states::State;

/// Longer than anything takes on loopback: only a defect would wait so long.
const PATIENCE: Duration = Duration::from_secs(5);

/// The socket option under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Choice {
    /// `SO_REUSEADDR`.
    #[serde(rename = "SO_REUSEADDR")]
    ReuseAddress,
    /// `SO_REUSEPORT`.
    #[serde(rename = "SO_REUSEPORT")]
    ReusePort,
}

/// What a server that is gone, or is not, left on its port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Remains {
    /// It closed its listening socket before anybody connected.
    Nothing,
    /// It closed a connection first, then the client did.
    ServerClosedFirst,
    /// The client closed the connection first, then the server did.
    ClientClosedFirst,
    /// It closed its listening socket; an accepted connection is still open, as in a child process.
    Established,
    /// It closed its listening socket; the client closed the connection, the server has not.
    CloseWait,
    /// It closed everything; the client has not closed the connection.
    FinWait2,
    /// It reset the connection (`SO_LINGER` with 0 seconds).
    Reset,
    /// It has bound its socket and does not listen.
    Bound,
    /// It still listens.
    Listening,
    /// It has a UDP socket open.
    UdpOpen,
}

impl Remains {
    /// What the kernel then shows at the server's port.
    pub fn states(self) -> &'static [State] {
        match self {
            Remains::Nothing | Remains::ClientClosedFirst | Remains::Reset | Remains::UdpOpen => &[],
            Remains::ServerClosedFirst => &[State::TimeWait],
            Remains::Established => &[State::Established],
            Remains::CloseWait => &[State::CloseWait],
            Remains::FinWait2 => &[State::FinWait2],
            Remains::Bound => &[State::Bound],
            Remains::Listening => &[State::Listen],
        }
    }

    /// How many sockets of its own are then at the server's port.
    pub fn sockets(self) -> usize {
        if self == Remains::UdpOpen { 1 } else { self.states().len() }
    }

    fn kind(self) -> Type {
        if self == Remains::UdpOpen { Type::DGRAM } else { Type::STREAM }
    }
}

/// How the new server fared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// The call that failed, `bind` or `listen`; none when both went well.
    pub failed_call: Option<&'static str>,
    /// The kernel's error number.
    pub errno: Option<i32>,
    /// Its name.
    pub error: Option<String>,
}

/// The errno, or `ok`.
impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.error.as_deref().unwrap_or("ok"))
    }
}

impl Outcome for Attempt {
    fn told(&self) -> String {
        self.failed_call.map_or_else(|| self.to_string(), |call| format!("{call}: {self}"))
    }
}

impl Attempt {
    /// Whether the server runs.
    pub fn succeeded(&self) -> bool {
        self.failed_call.is_none()
    }

    /// Whether it is the article's error: `bind()` failed with EADDRINUSE.
    pub fn address_in_use(&self) -> bool {
        self.failed_call == Some("bind") && self.errno == Some(Errno::EADDRINUSE as i32)
    }

    /// The outcome of something that the kernel allowed or refused.
    pub fn of<T>(result: &Result<T, OsError>) -> Self {
        let error = result.as_ref().err();
        Attempt {
            failed_call: error.map(|error| error.operation),
            errno: error.map(|error| error.errno as i32),
            error: error.map(|error| format!("{:?}", error.errno)),
        }
    }
}

/// A socket on `address`, with `choice` set or not before `bind()`; a listening one where it is TCP.
///
/// # Errors
/// Of the call that the kernel refused: `socket`, `setsockopt`, `bind` or `listen`.
pub fn open(kind: Type, address: SocketAddr, choice: Choice, set: bool, listens: bool) -> Result<Socket, OsError> {
    let failed = |call: &'static str| move |error: io::Error| OsError::from_io(call, address, &error);
    let socket = Socket::new(Domain::IPV4, kind, None).map_err(failed("socket"))?;
    let option = match choice {
        Choice::ReuseAddress => socket.set_reuse_address(set),
        Choice::ReusePort => socket.set_reuse_port(set),
    };
    option.map_err(failed("setsockopt"))?;
    socket.bind(&address.into()).map_err(failed("bind"))?;
    if listens {
        socket.listen(5).map_err(failed("listen"))?;
    }
    socket.set_read_timeout(Some(PATIENCE)).map_err(failed("setsockopt"))?;
    Ok(socket)
}

/// Starts the new server and reports how it fared; it is gone afterwards.
pub fn restart(remains: Remains, address: SocketAddr, choice: Choice, set: bool) -> Attempt {
    let kind = remains.kind();
    Attempt::of(&open(kind, address, choice, set, kind == Type::STREAM))
}

/// What is kept open of the old server, so that it stays as it is. Dropped, it is reset and leaves nothing.
#[derive(Debug, Default)]
pub struct Old {
    sockets: Vec<Socket>,
    /// The client's address, where there was a client.
    pub client: Option<SocketAddr>,
}

impl Drop for Old {
    fn drop(&mut self) {
        for socket in &self.sockets {
            // A reset is politeness to the machine: without it FIN-WAIT-2 and TIME-WAIT would stay for a minute.
            let _ = socket.set_linger(Some(Duration::ZERO));
        }
    }
}

impl Old {
    /// Runs a server on `address` and brings it to `remains`; waits until the kernel shows it.
    ///
    /// # Errors
    /// Of the call that failed: `bind` with `EADDRINUSE` when somebody else took the port meanwhile.
    pub fn run(
        place: &mut Place,
        remains: Remains,
        address: SocketAddr,
        choice: Choice,
        set: bool,
    ) -> Result<Self, OsError> {
        let kind = remains.kind();
        let listens = kind == Type::STREAM && remains != Remains::Bound;
        let server = open(kind, address, choice, set, listens)?;
        let old = match remains {
            Remains::Nothing => {
                drop(server);
                Old::default()
            }
            Remains::Bound | Remains::Listening | Remains::UdpOpen => Old { sockets: vec![server], client: None },
            _ => {
                let (client, accepted) = connect(&server, address)?;
                let own = client.local_addr().ok().and_then(|own| own.as_socket());
                let sockets = end(remains, client, accepted)?;
                drop(server);
                Old { sockets, client: own }
            }
        };
        if remains.kind() == Type::STREAM {
            place.wait_for(address.port(), remains.states())?;
        }
        if let (Remains::ClientClosedFirst, Some(client)) = (remains, old.client) {
            place.wait_for(client.port(), &[State::TimeWait])?;
        }
        Ok(old)
    }
}

/// Opens two UDP sockets with `SO_REUSEADDR` on one port, sends a datagram there, and tells whether the second got it.
///
/// # Errors
/// Of the call that failed; `bind` where another program has the port.
pub fn second_udp_socket_gets_the_datagrams(place: &mut Place) -> Result<bool, OsError> {
    let address = on(Ipv4Addr::LOCALHOST, place.port()?);
    let failed = |call: &'static str| move |error: io::Error| OsError::from_io(call, address, &error);
    let _first = open(Type::DGRAM, address, Choice::ReuseAddress, true, false)?;
    let mut second = open(Type::DGRAM, address, Choice::ReuseAddress, true, false)?;
    // What is sent on loopback is there when send returns.
    second.set_nonblocking(true).map_err(failed("fcntl"))?;
    let sender = Socket::new(Domain::IPV4, Type::DGRAM, None).map_err(failed("socket"))?;
    sender.send_to(b"whose?", &address.into()).map_err(failed("sendto"))?;
    Ok(second.read(&mut [0; 16]).is_ok())
}

/// Binds two sockets with `SO_REUSEADDR` to one address, lets the second listen, then the first: how that fared.
///
/// # Errors
/// Of the call that failed before; `bind` where another program has the port.
pub fn second_to_listen(place: &mut Place) -> Result<Attempt, OsError> {
    let address = on(Ipv4Addr::LOCALHOST, place.port()?);
    let first = open(Type::STREAM, address, Choice::ReuseAddress, true, false)?;
    let _second = open(Type::STREAM, address, Choice::ReuseAddress, true, true)?;
    Ok(Attempt::of(&first.listen(5).map_err(|error| OsError::from_io("listen", address, &error))))
}

/// Whether a listener of Rust's standard library has `SO_REUSEADDR` set.
///
/// # Errors
/// Of the call that failed.
pub fn rust_listener_sets_it() -> Result<bool, OsError> {
    let address = on(Ipv4Addr::LOCALHOST, 0);
    let failed = |call: &'static str| move |error: io::Error| OsError::from_io(call, address, &error);
    let listener = TcpListener::bind(address).map_err(failed("bind"))?;
    SockRef::from(&listener).reuse_address().map_err(failed("getsockopt"))
}

/// A connection to `server` on loopback: the client's end and the server's.
fn connect(server: &Socket, address: SocketAddr) -> Result<(Socket, Socket), OsError> {
    let failed = |call: &'static str| move |error: io::Error| OsError::from_io(call, address, &error);
    let client = Socket::new(Domain::IPV4, Type::STREAM, None).map_err(failed("socket"))?;
    client.set_read_timeout(Some(PATIENCE)).map_err(failed("setsockopt"))?;
    let target = match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => on(Ipv4Addr::LOCALHOST, v4.port()),
        other => other,
    };
    client.connect_timeout(&target.into(), PATIENCE).map_err(failed("connect"))?;
    let (accepted, _) = server.accept().map_err(failed("accept"))?;
    accepted.set_read_timeout(Some(PATIENCE)).map_err(failed("setsockopt"))?;
    Ok((client, accepted))
}

/// Ends a connection as `remains` says; what stays open is returned.
fn end(remains: Remains, client: Socket, accepted: Socket) -> Result<Vec<Socket>, OsError> {
    match remains {
        Remains::ServerClosedFirst => close_in_order(accepted, client),
        Remains::ClientClosedFirst => close_in_order(client, accepted),
        Remains::CloseWait => {
            drop(client);
            Ok(vec![accepted])
        }
        Remains::FinWait2 => {
            drop(accepted);
            Ok(vec![client])
        }
        Remains::Reset => {
            drop(Old { sockets: vec![accepted], client: None });
            drop(client);
            Ok(Vec::new())
        }
        _ => Ok(vec![client, accepted]),
    }
}

/// Closes `first`, waits until the other end has seen it, and closes that too.
fn close_in_order(first: Socket, mut second: Socket) -> Result<Vec<Socket>, OsError> {
    drop(first);
    let seen = second.read(&mut [0; 1]);
    seen.map_err(|error| OsError::from_io("read", "the end of the connection", &error))?;
    Ok(Vec::new())
}
