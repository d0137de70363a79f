//! The calls of a datagram exchange and of a connection.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;

use socket2::Socket;

use super::Programs;
use crate::lab::endpoint::Endpoint;
use crate::lab::observation::Words;
use crate::lab::program::{Outcome, Program, quoted, told};
use crate::lab::stage::{LabError, Stage};
use crate::lab::tcp::{self, needed};
use crate::lab::udp;

/// A connection with the listener that it came from.
pub(super) struct Connection<'p> {
    pub(super) client: Endpoint<'p>,
    pub(super) server: Endpoint<'p>,
    pub(super) listener: Endpoint<'p>,
}

fn own(socket: &Socket) -> io::Result<SocketAddr> {
    socket.local_addr()?.as_socket().ok_or_else(|| io::ErrorKind::Unsupported.into())
}

fn peer(socket: &Socket) -> io::Result<SocketAddr> {
    socket.peer_addr()?.as_socket().ok_or_else(|| io::ErrorKind::Unsupported.into())
}

/// A datagram and where it came from.
struct From(Vec<u8>, SocketAddr);

impl Outcome for io::Result<From> {
    fn told(&self) -> String {
        self.as_ref().map_or_else(crate::lab::program::errno, |From(bytes, from)| format!("{} {from}", quoted(bytes)))
    }
}

/// bind, sendto, recvfrom.
pub(super) fn datagrams(stage: &mut Stage<'_>, programs: &Programs) -> Result<(), LabError> {
    stage.note(Words { en: "datagrams: sendto() and recvfrom()", zh: "数据报:sendto() 和 recvfrom()" })?;
    let address = programs.address;
    let receiver = Endpoint::open(stage, &programs.server, "bind()", move || udp::bind(address))?;
    let sender = Endpoint::open(stage, &programs.client, "socket(SOCK_DGRAM)", move || udp::socket(address))?;
    let to = address.into();
    needed("sendto", sender.call(stage, "sendto(\"hello\")", move |socket| socket.send_to(b"hello", &to))?)?;
    let call = "recvfrom(100)";
    let From(bytes, from) = needed(call, receiver.call(stage, call, |socket| receive_from(socket, 100))?)?;
    let name = needed("getsockname", sender.call(stage, "getsockname()", own)?)?;
    stage.finding(
        Words {
            en: "recvfrom() tells who sent: the port that the kernel gave to the sender's socket",
            zh: "recvfrom() 说明是谁发的:内核分给发送方套接字的端口",
        },
        bytes == b"hello" && from.port() == name.port() && name.port() != 0,
        format!("{} {from}", quoted(&bytes)),
    );
    Ok(())
}

fn receive_from(socket: &Socket, most: usize) -> io::Result<From> {
    let mut bytes = vec![0; most];
    let (length, from) = nix::sys::socket::recvfrom::<nix::sys::socket::SockaddrIn>(socket.as_raw_fd(), &mut bytes)?;
    bytes.truncate(length);
    let from = from.ok_or(io::ErrorKind::Unsupported)?;
    Ok(From(bytes, SocketAddr::from((from.ip(), from.port()))))
}

/// socket, bind, listen, connect, accept, and the names of both ends.
pub(super) fn connection<'p>(stage: &mut Stage<'_>, programs: &'p Programs) -> Result<Connection<'p>, LabError> {
    stage.note(Words { en: "a connection, call by call", zh: "一个连接,逐个调用" })?;
    let Programs { client, server, address } = programs;
    let address = *address;
    let listener = Endpoint::open(stage, server, "socket(SOCK_STREAM)", move || tcp::socket(address))?;
    needed("bind", listener.call(stage, "bind()", move |socket| socket.bind(&address.into()))?)?;
    needed("listen", listener.call(stage, "listen(5)", |socket| socket.listen(5))?)?;
    let client = connected(stage, client, address)?;
    let server = listener.accept(stage)?;
    let names = [
        needed("getsockname", client.call(stage, "getsockname()", own)?)?,
        needed("getpeername", client.call(stage, "getpeername()", peer)?)?,
        needed("getsockname", server.call(stage, "getsockname()", own)?)?,
        needed("getpeername", server.call(stage, "getpeername()", peer)?)?,
    ];
    stage.finding(
        Words {
            en: "accept() gives a new socket; each end's getpeername() is the other's getsockname()",
            zh: "accept() 给出新的套接字;一端的 getpeername() 就是另一端的 getsockname()",
        },
        names[0] == names[3] && names[1] == names[2] && listener.socket().as_raw_fd() != server.socket().as_raw_fd(),
        format!("{} ↔ {}", names[0], names[1]),
    );
    Ok(Connection { client, server, listener })
}

fn connected<'p>(stage: &mut Stage<'_>, program: &'p Program, address: SocketAddr) -> Result<Endpoint<'p>, LabError> {
    let client = Endpoint::open(stage, program, "socket(SOCK_STREAM)", move || tcp::socket(address))?;
    needed("connect", client.call(stage, "connect()", move |socket| socket.connect(&address.into()))?)?;
    Ok(client)
}

/// setsockopt, getsockopt, fileno.
pub(super) fn options(stage: &mut Stage<'_>, Connection { client, .. }: &Connection<'_>) -> Result<(), LabError> {
    let set = |socket: &Socket| socket.set_send_buffer_size(8192);
    needed("setsockopt", client.call(stage, "setsockopt(SO_SNDBUF, 8192)", set)?)?;
    let size = needed("getsockopt", client.call(stage, "getsockopt(SO_SNDBUF)", Socket::send_buffer_size)?)?;
    let number = client.call(stage, "fileno()", |socket| socket.as_raw_fd().to_string())?;
    stage.finding(
        Words {
            en: "what setsockopt() set getsockopt() tells; buffers the kernel doubles, for its own overhead",
            zh: "setsockopt() 设置的,getsockopt() 能读出;缓冲区会被内核加倍,用于自身的开销",
        },
        size == 2 * 8192,
        format!("8192 → {size}"),
    );
    stage.finding(
        Words {
            en: "for the kernel a socket is a file: a small number above those of the standard streams",
            zh: "对内核来说套接字就是文件:比标准流的编号大的一个小数字",
        },
        number.parse().is_ok_and(|number: i32| number > 2),
        number,
    );
    Ok(())
}

/// Much more than an 8 KiB send buffer and the peer's receive buffer hold.
const MUCH: usize = 500_000;
/// Frames of it that stay on the ladder.
const FRAMES: usize = 6;

/// send and sendall.
pub(super) fn send_all(stage: &mut Stage<'_>, connection: &Connection<'_>) -> Result<(), LabError> {
    let Connection { client, server, .. } = connection;
    stage.note(Words { en: "500,000 bytes, first without waiting", zh: "500,000 字节,先不等待" })?;
    needed("fcntl", client.call(stage, "setblocking(false)", |socket| socket.set_nonblocking(true))?)?;
    let (short, all) = stage.keeping(FRAMES, |stage| {
        let send = |socket: &Socket| socket.send(&vec![b'x'; MUCH]);
        let short = needed("send", client.call(stage, "send(500000 bytes)", send)?)?;
        needed("fcntl", client.call(stage, "setblocking(true)", |socket| socket.set_nonblocking(false))?)?;
        let reading = server.begin(stage, "recv() until all is there", |socket| read(socket, MUCH))?;
        let rest = client.begin(stage, "sendall(the rest)", move |mut socket: &Socket| {
            io::Write::write_all(&mut socket, &vec![b'x'; MUCH - short])
        })?;
        needed("send", stage.finish(rest)?)?;
        Ok((short, needed("recv", stage.finish(reading)?)?))
    })?;
    stage.finding(
        Words {
            en: "send() may take less than it is given, and says how much; sendall() goes on: nothing is lost",
            zh: "send() 可能只取走一部分,并说明是多少;sendall() 会继续:什么都不丢",
        },
        (1..MUCH).contains(&short) && all == MUCH,
        format!("{short} of {MUCH}, then {all}"),
    );
    Ok(())
}

fn read(mut socket: &Socket, count: usize) -> io::Result<usize> {
    io::copy(&mut io::Read::take(&mut socket, count as u64), &mut io::sink()).map(|read| read as usize)
}

/// A result as a finding tells it.
pub(super) fn with_number<T>(result: &io::Result<T>) -> String
where
    io::Result<T>: Outcome,
{
    let number = result.as_ref().err().and_then(io::Error::raw_os_error);
    number.map_or_else(|| told(result), |number| format!("{} ({number})", told(result)))
}
