//! Calls that fail, and what their errno says.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::socket::{MsgFlags, recv};
use socket2::Socket;

use super::Programs;
use super::calls::{Connection, with_number};
use crate::lab::endpoint::Endpoint;
use crate::lab::observation::Words;
use crate::lab::program::{Program, failed_with, told};
use crate::lab::stage::{LabError, Stage};
use crate::lab::tcp::{self, needed};
use crate::lab::udp;

/// A socket that does not wait, and one that does not wait for ever.
pub(super) fn waiting(stage: &mut Stage<'_>, Connection { server, .. }: &Connection<'_>) -> Result<(), LabError> {
    stage.note(Words { en: "a read when there is nothing to read", zh: "没有数据可读时的读取" })?;
    needed("fcntl", server.call(stage, "setblocking(false)", |socket| socket.set_nonblocking(true))?)?;
    let at_once = server.call(stage, "recv(100)", |socket| udp::receive(socket, 100))?;
    needed("fcntl", server.call(stage, "setblocking(true)", |socket| socket.set_nonblocking(false))?)?;
    let set = |socket: &Socket| socket.set_read_timeout(Some(Duration::from_millis(100)));
    needed("setsockopt", server.call(stage, "settimeout(0.1 s)", set)?)?;
    let later = server.call(stage, "recv(100)", |socket| udp::receive(socket, 100))?;
    stage.finding(
        Words {
            en: "not blocking, recv() says EAGAIN at once; with a timeout it says so later",
            zh: "非阻塞时 recv() 立即给出 EAGAIN;有超时的过一会给出",
        },
        failed_with(&at_once, Errno::EAGAIN) && failed_with(&later, Errno::EAGAIN),
        format!("{}, {}", with_number(&at_once), with_number(&later)),
    );
    Ok(())
}

/// A listening socket is for `accept()` alone.
pub(super) fn listener(stage: &mut Stage<'_>, Connection { listener, .. }: &Connection<'_>) -> Result<(), LabError> {
    stage
        .note(Words { en: "a listening socket, used like a connection", zh: "把监听套接字当作连接使用" })?;
    let send = listener.call(stage, "send(\"hello\")", |socket| socket.send(b"hello"))?;
    let receive = listener.call(stage, "recv(100)", |socket| udp::receive(socket, 100))?;
    stage.finding(
        Words {
            en: "a listening socket carries no data: send() fails with EPIPE, recv() with ENOTCONN",
            zh: "监听套接字不传数据:send() 以 EPIPE 失败,recv() 以 ENOTCONN 失败",
        },
        failed_with(&send, Errno::EPIPE) && failed_with(&receive, Errno::ENOTCONN),
        format!("{}, {}", with_number(&send), with_number(&receive)),
    );
    Ok(())
}

/// `connect()` to a port where nobody listens.
pub(super) fn refused(stage: &mut Stage<'_>, programs: &Programs) -> Result<(), LabError> {
    stage.note(Words { en: "connect() where nobody listens", zh: "向没有人监听的端口 connect()" })?;
    let nobody = SocketAddr::new(programs.address.ip(), stage.port()?);
    let refused = stage.call(&programs.client, "connect()", move || tcp::connect(nobody))?;
    stage.finding(
        Words {
            en: "what connect() raises and connect_ex() returns is the same number: the errno",
            zh: "connect() 抛出的和 connect_ex() 返回的是同一个数字:errno",
        },
        failed_with(&refused, Errno::ECONNREFUSED) && Errno::ECONNREFUSED as i32 == 111,
        with_number(&refused),
    );
    Ok(())
}

/// A number that no other thread of this process is given meanwhile: new files get the lowest free one.
const HIGH: i32 = 200;

/// A socket that was closed, and used again by its number.
pub(super) fn closed(stage: &mut Stage<'_>, program: &Program) -> Result<(), LabError> {
    stage.note(Words { en: "close(), and the number used again", zh: "close() 之后再用这个编号" })?;
    let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
    let socket = Endpoint::open(stage, program, "socket(SOCK_DGRAM)", move || udp::socket(anywhere))?;
    let gone = socket.call(stage, "close(), recv(100)", |socket| -> io::Result<usize> {
        let number = fcntl(socket, FcntlArg::F_DUPFD_CLOEXEC(HIGH))?;
        nix::unistd::close(number)?;
        Ok(recv(number, &mut [0; 100], MsgFlags::empty())?)
    })?;
    stage.finding(
        Words {
            en: "after close() the number names nothing: EBADF", zh: "close() 之后这个编号不再代表任何东西:EBADF"
        },
        failed_with(&gone, Errno::EBADF),
        told(&gone),
    );
    Ok(())
}
