//! The system calls that the labs' programs make, with options set before bind: std's listener sets `SO_REUSEADDR` by
//! itself and its backlog is fixed.

use std::io::{self, Read};
use std::net::SocketAddr;

use socket2::{Domain, Socket, Type};

use super::program::Outcome;
use super::stage::LabError;

impl<T> Outcome for (Socket, T)
where
    T: Outcome,
{
    fn told(&self) -> String {
        self.1.told()
    }
}

impl Outcome for io::Result<Socket> {
    fn told(&self) -> String {
        match self {
            Ok(_) => "ok".to_owned(),
            Err(error) => super::program::errno(error),
        }
    }
}

/// A stream socket for the family of `address`.
///
/// # Errors
/// As socket(2).
pub fn socket(address: SocketAddr) -> io::Result<Socket> {
    Socket::new(Domain::for_address(address), Type::STREAM, None)
}

/// A socket that is bound to `address` and listens with `backlog`.
///
/// # Errors
/// As bind(2) and listen(2).
pub fn listen(address: SocketAddr, backlog: u32) -> io::Result<Socket> {
    let socket = socket(address)?;
    socket.bind(&address.into())?;
    socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
    Ok(socket)
}

/// The next connection of a listening socket.
///
/// # Errors
/// As accept(2).
pub fn accept(listener: &Socket) -> io::Result<Socket> {
    listener.accept().map(|(socket, _)| socket)
}

/// A socket that is connected to `address`.
///
/// # Errors
/// As connect(2).
pub fn connect(address: SocketAddr) -> io::Result<Socket> {
    let socket = socket(address)?;
    socket.connect(&address.into())?;
    Ok(socket)
}

/// A socket that is connected to `address` from `local`.
///
/// # Errors
/// As bind(2) and connect(2).
pub fn connect_from(local: SocketAddr, address: SocketAddr) -> io::Result<Socket> {
    let socket = socket(address)?;
    socket.bind(&local.into())?;
    socket.connect(&address.into())?;
    Ok(socket)
}

/// What a lab cannot go on without.
///
/// # Errors
/// [`LabError::Call`] with the name of the call.
pub fn needed<T>(call: &str, result: io::Result<T>) -> Result<T, LabError> {
    result.map_err(|error| LabError::Call { call: call.to_owned(), error })
}

/// Reads at most `most` bytes; gives the socket back with what was read. An empty read says that the peer closed.
pub fn receive(socket: Socket, most: usize) -> (Socket, io::Result<Vec<u8>>) {
    let mut buffer = vec![0; most];
    let result = (&socket).read(&mut buffer).map(|length| {
        buffer.truncate(length);
        buffer
    });
    (socket, result)
}

/// Sends bytes; gives the socket back with how many the kernel took.
pub fn send(socket: Socket, bytes: &'static [u8]) -> (Socket, io::Result<usize>) {
    let result = socket.send(bytes);
    (socket, result)
}

/// Closes a socket: the last close of a connection.
pub fn close(socket: Socket) {
    drop(socket);
}
