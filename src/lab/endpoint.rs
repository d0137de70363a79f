//! A program with one socket, whose calls stand on the ladder.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::sync::Arc;

use nix::sys::socket::{MsgFlags, recv};
use socket2::Socket;

use super::program::{Outcome, Pending, Program};
use super::stage::{LabError, Stage};
use super::tcp::needed;
use super::udp;

/// Looks at what there is, takes nothing and waits for nothing.
const PEEK: MsgFlags = MsgFlags::MSG_PEEK.union(MsgFlags::MSG_DONTWAIT);

/// A socket and the program that makes the calls on it.
#[derive(Debug)]
pub struct Endpoint<'p> {
    program: &'p Program,
    socket: Arc<Socket>,
}

impl<'p> Endpoint<'p> {
    /// Makes the call from which the socket comes: `socket()`, `listen(1)`, `connect()`.
    ///
    /// # Errors
    /// [`LabError::Call`] when it fails, and as [`Stage::finish`].
    pub fn open(
        stage: &mut Stage<'_>,
        program: &'p Program,
        call: &str,
        open: impl FnOnce() -> io::Result<Socket> + Send + 'static,
    ) -> Result<Self, LabError> {
        let socket = needed(call, stage.call(program, call, open)?)?;
        Ok(Endpoint::new(program, socket))
    }

    /// A socket that is there already, such as an accepted one.
    pub fn new(program: &'p Program, socket: Socket) -> Self {
        Endpoint { program, socket: Arc::new(socket) }
    }

    /// Two programs that exchange datagrams: the first sends to the second, at a port of its own. The ladder begins
    /// behind that.
    ///
    /// # Errors
    /// [`LabError::Call`].
    pub fn datagrams(stage: &mut Stage<'_>, [client, server]: [&'p Program; 2]) -> Result<[Self; 2], LabError> {
        let address = SocketAddr::new(stage.address(server.host), stage.port()?);
        let receiver = needed("bind", stage.host(server.host).run(move || udp::bind(address)))?;
        let sender = needed("connect", stage.host(client.host).run(move || udp::connect(address)))?;
        Ok([Endpoint::new(client, sender), Endpoint::new(server, receiver)])
    }

    /// The program that makes the calls.
    pub fn program(&self) -> &'p Program {
        self.program
    }

    /// A socket that another program of the same host has too.
    pub fn shared(program: &'p Program, socket: &Arc<Socket>) -> Self {
        Endpoint { program, socket: Arc::clone(socket) }
    }

    /// The socket itself, for what need not stand on the ladder.
    pub fn socket(&self) -> &Arc<Socket> {
        &self.socket
    }

    /// Makes a call on the socket and moves frames until it comes back.
    ///
    /// # Errors
    /// As [`Stage::finish`].
    pub fn call<T: Outcome + Send + 'static>(
        &self,
        stage: &mut Stage<'_>,
        call: &str,
        work: impl FnOnce(&Socket) -> T + Send + 'static,
    ) -> Result<T, LabError> {
        let pending = self.begin(stage, call, work)?;
        stage.finish(pending)
    }

    /// Begins a call on the socket; [`Stage::finish`] waits for it.
    ///
    /// # Errors
    /// As [`Stage::begin`].
    pub fn begin<T: Outcome + Send + 'static>(
        &self,
        stage: &mut Stage<'_>,
        call: &str,
        work: impl FnOnce(&Socket) -> T + Send + 'static,
    ) -> Result<Pending<T>, LabError> {
        let socket = Arc::clone(&self.socket);
        stage.begin(self.program, call, move || work(&socket))
    }

    /// Sends all of `bytes`, called `what` on the ladder: `"hello"`, `3000 bytes`.
    ///
    /// # Errors
    /// [`LabError::Call`] when it fails, and as [`Stage::finish`].
    pub fn send(&self, stage: &mut Stage<'_>, what: &str, bytes: impl Into<Vec<u8>>) -> Result<(), LabError> {
        let (call, bytes) = (format!("send({what})"), bytes.into());
        let all = bytes.len();
        let sent = needed(&call, self.call(stage, &call, move |socket| socket.send(&bytes))?)?;
        // What a lab sends fits in an empty send buffer.
        if sent == all { Ok(()) } else { needed(&call, Err(io::ErrorKind::WriteZero.into())) }
    }

    /// Makes one `recv()` for at most `most` bytes; an empty one says that the peer closed.
    ///
    /// # Errors
    /// [`LabError::Call`] when it fails, and as [`Stage::finish`].
    pub fn receive(&self, stage: &mut Stage<'_>, most: usize) -> Result<Vec<u8>, LabError> {
        let call = format!("recv({most})");
        needed(&call, self.call(stage, &call, move |socket| udp::receive(socket, most))?)
    }

    /// Waits until exactly `count` bytes wait to be read from this socket.
    ///
    /// # Errors
    /// [`LabError::Late`] when they do not come, and as [`Stage::turn`].
    pub fn wait_for(&self, stage: &mut Stage<'_>, count: usize) -> Result<(), LabError> {
        let waiting = |socket: &Socket| recv(socket.as_raw_fd(), &mut vec![0; count + 1], PEEK).unwrap_or(0);
        stage.until(&format!("{count} bytes to read"), stage.patience, |_| waiting(&self.socket) == count)
    }

    /// Accepts the next connection of a listening socket.
    ///
    /// # Errors
    /// [`LabError::Call`] when it fails, and as [`Stage::finish`].
    pub fn accept(&self, stage: &mut Stage<'_>) -> Result<Endpoint<'p>, LabError> {
        let accepted = self.call(stage, "accept()", super::tcp::accept)?;
        Ok(Endpoint::new(self.program, needed("accept", accepted)?))
    }

    /// Closes the socket.
    ///
    /// # Errors
    /// As [`Stage::finish`].
    pub fn close(self, stage: &mut Stage<'_>) -> Result<(), LabError> {
        self.close_as(stage, "close()")
    }

    /// Closes the socket by a call of this name.
    ///
    /// # Errors
    /// As [`Stage::finish`].
    pub fn close_as(self, stage: &mut Stage<'_>, call: &str) -> Result<(), LabError> {
        let socket = self.socket;
        stage.call(self.program, call, move || drop(socket))
    }
}
