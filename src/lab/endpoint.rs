//! A program with one socket, whose calls stand on the ladder.

use std::io;
use std::sync::Arc;

use socket2::Socket;

use super::program::{Outcome, Pending, Program};
use super::stage::{LabError, Stage};
use super::tcp::needed;

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
        let socket = self.socket;
        stage.call(self.program, "close()", move || drop(socket))
    }
}
