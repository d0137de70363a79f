//! A client and a server with a connection between them: where most labs about TCP begin.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::Socket;

use super::endpoint::Endpoint;
use super::program::Program;
use super::segments::{self, Segment};
use super::sockets::Seen;
use super::stage::{LabError, Stage};
use super::tcp;

/// A program on each of two hosts; the server listens.
#[derive(Debug)]
pub struct Ends {
    /// The client's program.
    pub client: Program,
    /// The server's program.
    pub server: Program,
    /// Where the server listens.
    pub address: SocketAddr,
    listener: Arc<Socket>,
}

/// Both sockets of a connection.
#[derive(Debug)]
pub struct Connection {
    /// The client's.
    pub client: Socket,
    /// The server's, as `accept()` gave it.
    pub server: Socket,
    /// The client's port, by which the connection is told from others.
    pub port: u16,
}

/// Long enough for the last acknowledgement of a handshake to pass a wire without delay.
const LAST_ACKNOWLEDGMENT: Duration = Duration::from_millis(20);

impl Connection {
    /// Both sockets with the programs that call on them: the client's, the server's.
    pub fn endpoints(self, ends: &Ends) -> [Endpoint<'_>; 2] {
        [Endpoint::new(&ends.client, self.client), Endpoint::new(&ends.server, self.server)]
    }
}

impl Ends {
    /// Starts both programs and lets the server listen on a port of its own.
    ///
    /// # Errors
    /// As [`Stage::call`].
    pub fn new(stage: &mut Stage<'_>, hosts: [usize; 2]) -> Result<Self, LabError> {
        Self::with_backlog(stage, hosts, 1)
    }

    /// As [`Ends::new`], where several connections are made before the first is accepted.
    ///
    /// # Errors
    /// As [`Stage::call`].
    pub fn with_backlog(stage: &mut Stage<'_>, [client, server]: [usize; 2], backlog: u32) -> Result<Self, LabError> {
        let address = SocketAddr::new(stage.address(server), stage.port()?);
        let (client, server) = (stage.program(client), stage.program(server));
        let call = format!("listen({backlog})");
        let listener = tcp::needed("listen", stage.call(&server, &call, move || tcp::listen(address, backlog))?)?;
        Ok(Ends { client, server, address, listener: Arc::new(listener) })
    }

    /// The socket on which the server listens.
    pub fn listener(&self) -> Arc<Socket> {
        Arc::clone(&self.listener)
    }

    /// Connects the client, and waits until both ends are ESTABLISHED.
    ///
    /// # Errors
    /// As [`Stage::call`].
    pub fn connect(&self, stage: &mut Stage<'_>) -> Result<Connection, LabError> {
        let address = self.address;
        self.connect_by(stage, "connect()", move || tcp::connect(address))
    }

    /// As [`Ends::connect`], from a port of the client's that an earlier connection had.
    ///
    /// # Errors
    /// As [`Stage::call`].
    pub fn connect_from(&self, stage: &mut Stage<'_>, port: u16) -> Result<Connection, LabError> {
        let (local, address) = (SocketAddr::new(stage.address(self.client.host), port), self.address);
        self.connect_by(stage, "bind() to the same port, connect()", move || tcp::connect_from(local, address))
    }

    fn connect_by(
        &self,
        stage: &mut Stage<'_>,
        call: &str,
        connect: impl FnOnce() -> io::Result<Socket> + Send + 'static,
    ) -> Result<Connection, LabError> {
        let listener = Arc::clone(&self.listener);
        let accepting = stage.begin(&self.server, "accept()", move || tcp::accept(&listener))?;
        let client = tcp::needed(call, stage.call(&self.client, call, connect)?)?;
        let server = tcp::needed("accept", stage.finish(accepting)?)?;
        stage.settle(LAST_ACKNOWLEDGMENT)?;
        let port = tcp::needed("getsockname", client.local_addr())?.as_socket().map_or(0, |own| own.port());
        Ok(Connection { client, server, port })
    }

    /// The segments between both ends that arrived at the wire after frame number `frame`.
    pub fn segments(&self, stage: &Stage<'_>, frame: u64) -> Vec<Segment> {
        let mut segments = segments::of(&stage.observation, self.client.host, self.server.host);
        segments.retain(|segment| segment.number > frame);
        segments
    }
}

/// Whether a socket is an end of the connection to or from `port`.
pub fn of(port: u16) -> impl Fn(&Seen) -> bool + Copy {
    move |socket| socket.local.port() == port || socket.remote.port() == port
}

/// Bytes that arrived at `host` on the connection to or from `port` and were not read yet.
///
/// # Errors
/// As [`Stage::look`].
pub fn unread(stage: &mut Stage<'_>, host: usize, port: u16) -> Result<u32, LabError> {
    Ok(ends(stage, host, port)?.iter().map(|socket| socket.receive_queue).sum())
}

/// Bytes that a program on `host` sent on the connection to or from `port` and that were not acknowledged yet.
///
/// # Errors
/// As [`Stage::look`].
pub fn unacknowledged(stage: &mut Stage<'_>, host: usize, port: u16) -> Result<u32, LabError> {
    Ok(ends(stage, host, port)?.iter().map(|socket| socket.send_queue).sum())
}

fn ends(stage: &mut Stage<'_>, host: usize, port: u16) -> Result<Vec<Seen>, LabError> {
    let seen = stage.look()?;
    Ok(seen.into_iter().nth(host).into_iter().flatten().filter(of(port)).collect())
}
