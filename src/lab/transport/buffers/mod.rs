//! The two buffers of a socket: how large they are, what `send()` does when they are full, and what `close()` does with
//! what is still in them.

use std::io;
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::kernel::{OsError, sysctl};
use crate::lab::connection;
use crate::lab::endpoint::Endpoint;
use crate::lab::experiment::{Floor, Lab, Parameters};
use crate::lab::observation::Words;
use crate::lab::program::{Outcome, Program, errno};
use crate::lab::stage::{LabError, Stage};
use crate::lab::tcp::needed;
use crate::lab::topology::Neighbours;

mod close;
mod full;

/// The lab.
pub const LAB: Lab = Lab {
    name: "buffers",
    floor: Floor::Transport,
    on_loopback: true,
    title: Words {
        en: "Two buffers per socket: what send() takes, when it blocks, what close() leaves",
        zh: "每个套接字两个缓冲区:send() 收下多少,何时阻塞,close() 留下什么",
    },
    explanation: Words {
        en: "send() copies bytes into the send buffer of its own kernel and returns; the kernel sends them when the \
             window allows, and keeps them until they are acknowledged. SO_SNDBUF and SO_RCVBUF are limits, not \
             memory: they start as net.ipv4.tcp_wmem and tcp_rmem say (8K nowhere), and the kernel raises them as the \
             connection needs, unless setsockopt() fixed them. It doubles what setsockopt() asks for, because its own \
             bookkeeping counts too, and has a floor. A blocking send() moves what fits, waits for more room, and \
             returns when all was taken. Without blocking, or with SO_SNDTIMEO, it returns how much it took, and a \
             program must send the rest itself. close() returns at once, and the kernel still delivers what was sent.",
        zh: "send() 把字节复制到本机内核的发送缓冲区就返回;内核在窗口允许时发送,并保留它们直到被确认。SO_SNDBUF 和 SO_RCVBUF \
             是上限,不是内存:初值由 net.ipv4.tcp_wmem 和 tcp_rmem 决定(没有哪里是 8K),连接需要时内核会调高,除非 setsockopt() \
             把它固定。setsockopt() 要求的值被加倍,因为内核自己的管理开销也算在内;而且有下限。阻塞的 send() 先搬走放得下的,\
             等待空间,全部收下后才返回。不阻塞或设置了 SO_SNDTIMEO 时,它返回收下了多少,其余的要由程序自己再发送。close() \
             立即返回,内核仍会把已发送的数据送达。",
    },
    run,
};

fn run(stage: &mut Stage<'_>, _: &Parameters) -> Result<(), LabError> {
    let hosts = stage.pair(Neighbours::Known)?;
    // Megabytes move here, and the frames are not what it is about.
    stage.keep_frames = 0;
    let [client, server] = hosts.map(|host| stage.program(host));
    let fresh = Endpoint::open(stage, &client, "socket()", tcp_socket)?;
    let limits = defaults(stage, &fresh)?;
    set(stage, &client)?;
    close::with_data_queued(stage, fresh, limits, &server)?;
    full::small_buffers(stage, &client, &server)
}

/// The limits of a socket's buffers, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Limits {
    send: usize,
    receive: usize,
}

impl Limits {
    fn of(socket: &Socket) -> io::Result<Self> {
        Ok(Limits { send: socket.send_buffer_size()?, receive: socket.recv_buffer_size()? })
    }

    /// Asks the kernel for these limits; tells what it made of them.
    fn ask(self, socket: &Socket) -> io::Result<Self> {
        socket.set_send_buffer_size(self.send)?;
        socket.set_recv_buffer_size(self.receive)?;
        Limits::of(socket)
    }
}

impl Outcome for io::Result<Limits> {
    fn told(&self) -> String {
        self.as_ref().map_or_else(errno, |limits| format!("{} and {}", limits.send, limits.receive))
    }
}

/// The two limits of a socket, as its program asks for them.
fn limits(stage: &mut Stage<'_>, endpoint: &Endpoint<'_>) -> Result<Limits, LabError> {
    let limits = endpoint.call(stage, "getsockopt(SO_SNDBUF, SO_RCVBUF)", Limits::of)?;
    needed("getsockopt", limits)
}

fn defaults(stage: &mut Stage<'_>, fresh: &Endpoint<'_>) -> Result<Limits, LabError> {
    let limits = limits(stage, fresh)?;
    let settings = stage.host(fresh.program().host).run(|| -> Result<_, OsError> {
        Ok([sysctl::read("net.ipv4.tcp_wmem")?, sysctl::read("net.ipv4.tcp_rmem")?])
    })?;
    // Least, default, most.
    let [send, receive] = settings.map(|setting| setting.split_whitespace().nth(1).and_then(|text| text.parse().ok()));
    stage.finding(
        Words {
            en: "a fresh socket's limits are the middle of tcp_wmem and tcp_rmem, not 8K",
            zh: "新套接字的上限是 tcp_wmem 和 tcp_rmem 的中间值,不是 8K",
        },
        (Some(limits.send), Some(limits.receive)) == (send, receive) && limits != Limits { send: 8192, receive: 8192 },
        format!("{} and {} bytes", limits.send, limits.receive),
    );
    Ok(limits)
}

fn set(stage: &mut Stage<'_>, client: &Program) -> Result<(), LabError> {
    const ASKED: Limits = Limits { send: 20_000, receive: 20_000 };
    const LEAST: Limits = Limits { send: 1, receive: 1 };
    let socket = Endpoint::open(stage, client, "socket()", tcp_socket)?;
    let doubled = socket.call(stage, "setsockopt(20000)", |socket| ASKED.ask(socket))?;
    let floor = socket.call(stage, "setsockopt(1)", |socket| LEAST.ask(socket))?;
    let (doubled, floor) = (needed("setsockopt", doubled)?, needed("setsockopt", floor)?);
    stage.finding(
        Words {
            en: "setsockopt() is doubled by the kernel, for its own bookkeeping",
            zh: "setsockopt() 的值被内核加倍,用于它自己的管理开销",
        },
        doubled == Limits { send: 2 * ASKED.send, receive: 2 * ASKED.receive },
        format!("20000: {} and {}", doubled.send, doubled.receive),
    );
    stage.finding(
        Words { en: "and there is a floor that nobody gets below", zh: "而且有下限,谁也不能更低" },
        floor.send > 2 && floor.receive > 2,
        format!("1: {} and {}", floor.send, floor.receive),
    );
    Ok(())
}

fn tcp_socket() -> io::Result<Socket> {
    Socket::new(Domain::IPV4, Type::STREAM, None)
}

/// Bytes on their way from `client` to `server`: those that wait to be read, and those not acknowledged yet.
fn on_the_way(stage: &mut Stage<'_>, [client, server]: [usize; 2], port: u16) -> Result<[u32; 2], LabError> {
    Ok([connection::unread(stage, server, port)?, connection::unacknowledged(stage, client, port)?])
}

/// The port that a socket was given.
fn port(endpoint: &Endpoint<'_>) -> Result<u16, LabError> {
    let address = needed("getsockname", endpoint.socket().local_addr())?;
    Ok(address.as_socket().map_or(0, |own| own.port()))
}

/// Sends until the kernel takes nothing more for this long.
fn fill(socket: &Socket) -> io::Result<usize> {
    const PATIENCE: Duration = Duration::from_millis(300);
    socket.set_write_timeout(Some(PATIENCE))?;
    let (some, mut taken) = (vec![b'x'; 65_536], 0);
    loop {
        match socket.send(&some) {
            Ok(bytes) => taken += bytes,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(taken),
            Err(error) => return Err(error),
        }
    }
}
