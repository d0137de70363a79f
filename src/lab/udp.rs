//! The calls that the labs' programs make on UDP sockets, and the datagrams of an observation.

use std::io::{self, IoSliceMut, Read};
use std::net::SocketAddr;
use std::os::fd::AsRawFd;

use nix::sys::socket::{MsgFlags, SockaddrIn, recv, recvmsg};
use socket2::{Domain, Socket, Type};

use super::fate::Told;
use super::observation::{Frame, Observation};
use super::program::{Outcome, errno};
use crate::bytes::{Escaped, Silent};
use crate::dissect::{Data, Header, Origin, dissect};
use crate::transport::Udp;

/// A datagram socket for the family of `address`.
///
/// # Errors
/// As socket(2).
pub fn socket(address: SocketAddr) -> io::Result<Socket> {
    Socket::new(Domain::for_address(address), Type::DGRAM, None)
}

/// A datagram socket that is bound to `address`.
///
/// # Errors
/// As bind(2).
pub fn bind(address: SocketAddr) -> io::Result<Socket> {
    let socket = socket(address)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

/// A datagram socket that sends to `address` alone and hears from it alone.
///
/// # Errors
/// As connect(2).
pub fn connect(address: SocketAddr) -> io::Result<Socket> {
    let socket = socket(address)?;
    socket.connect(&address.into())?;
    Ok(socket)
}

/// The next datagram, of which what does not fit in `most` bytes is lost.
///
/// # Errors
/// As recv(2).
pub fn receive(mut socket: &Socket, most: usize) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0; most];
    let length = socket.read(&mut buffer)?;
    buffer.truncate(length);
    Ok(buffer)
}

/// What recvmsg(2) gave of a datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The bytes that fitted.
    pub bytes: Vec<u8>,
    /// The kernel set `MSG_TRUNC`: there were more, and they are gone.
    pub truncated: bool,
}

impl Outcome for io::Result<Message> {
    fn told(&self) -> String {
        let flag = |message: &Message| if message.truncated { " MSG_TRUNC" } else { "" };
        self.as_ref().map_or_else(errno, |message| format!("\"{}\"{}", Escaped(&message.bytes), flag(message)))
    }
}

/// The next datagram with its flags.
///
/// # Errors
/// As recvmsg(2).
pub fn receive_message(socket: &Socket, most: usize) -> io::Result<Message> {
    let mut bytes = vec![0; most];
    let mut parts = [IoSliceMut::new(&mut bytes)];
    let received = recvmsg::<SockaddrIn>(socket.as_raw_fd(), &mut parts, None, MsgFlags::empty())?;
    let (length, truncated) = (received.bytes, received.flags.contains(MsgFlags::MSG_TRUNC));
    bytes.truncate(length);
    Ok(Message { bytes, truncated })
}

/// The size of the next datagram, which is taken out: recv(2) with a buffer of `most` bytes and `MSG_TRUNC`.
///
/// # Errors
/// As recv(2).
pub fn receive_size(socket: &Socket, most: usize) -> io::Result<usize> {
    Ok(recv(socket.as_raw_fd(), &mut vec![0; most], MsgFlags::MSG_TRUNC)?)
}

/// Takes out every datagram that waits, and says how many there were.
///
/// # Errors
/// As recv(2), but for `EAGAIN`.
pub fn drain(socket: &Socket) -> io::Result<usize> {
    let mut count = 0;
    loop {
        match recv(socket.as_raw_fd(), &mut [0], MsgFlags::MSG_DONTWAIT) {
            Ok(_) => count += 1,
            Err(nix::errno::Errno::EAGAIN) => return Ok(count),
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// A UDP datagram on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// Number of the frame.
    pub number: u64,
    /// The host that sent it.
    pub from: usize,
    /// What became of it.
    pub fate: Told,
    /// Its header.
    pub header: Udp,
    /// Length of the IPv4 datagram around it without the header of that, in bytes.
    pub carried: usize,
    /// Payload in bytes.
    pub payload: usize,
}

/// The whole UDP datagrams, each once, in the order of arrival at the wire.
pub fn datagrams(observation: &Observation) -> Vec<Datagram> {
    let once = |frame: &&Frame| !matches!(frame.fate, Told::Released | Told::Suppressed);
    observation.frames().filter(once).filter_map(datagram).collect()
}

fn datagram(frame: &Frame) -> Option<Datagram> {
    let mut layers = Vec::new();
    dissect(&Origin::ethernet(&frame.bytes), &frame.bytes, Silent, &mut layers);
    let ip = layers.iter().find_map(|layer| if let Header::Ipv4(ip) = layer.header { Some(ip) } else { None })?;
    let own = layers.iter().filter(|layer| !layer.quoted);
    let header = own.clone().find_map(|layer| if let Header::Udp(udp) = layer.header { Some(udp) } else { None })?;
    let payload = own.clone().find(|layer| layer.header == Header::Data(Data::Payload));
    (!ip.is_fragment()).then(|| Datagram {
        number: frame.number,
        from: frame.from,
        fate: frame.fate,
        header,
        carried: usize::from(ip.total_length).saturating_sub(ip.header_length.into()),
        payload: payload.map_or(0, |layer| layer.bytes.len()),
    })
}
