//! The same three messages by other ways: byte streams that are not TCP, and ways that keep messages apart.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use super::{Reads, read, read_times, three};
use crate::lab::connection::Ends;
use crate::lab::endpoint::Endpoint;
use crate::lab::observation::Words;
use crate::lab::program::{Program, told};
use crate::lab::stage::{LabError, Stage};
use crate::lab::tcp::needed;
use crate::lab::udp;

/// Nothing is on its way any more when a pair of sockets on one host is silent for this long.
const PATIENCE: Duration = Duration::from_secs(1);

/// Three sends through a pair of `AF_UNIX` sockets of this type, and then so many reads.
fn through_unix(kind: Type, reads: usize) -> Reads {
    let passed = || -> io::Result<Reads> {
        let (sender, receiver) = Socket::pair(Domain::UNIX, kind, None)?;
        // What sticks together arrives with fewer reads: the others must not wait for ever.
        receiver.set_read_timeout(Some(PATIENCE))?;
        three(|bytes| sender.send(bytes))?;
        Ok(read_times(&receiver, 100, reads))
    };
    passed().unwrap_or_else(|error| Reads(Err(error)))
}

fn through_pipe() -> Reads {
    let passed = || -> io::Result<Reads> {
        let (reader, mut writer) = io::pipe()?;
        three(|bytes| writer.write(bytes))?;
        Ok(read(reader, 100))
    };
    passed().unwrap_or_else(|error| Reads(Err(error)))
}

pub(super) fn streams(stage: &mut Stage<'_>, program: &Program) -> Result<(), LabError> {
    stage.note(Words { en: "byte streams that are not TCP", zh: "不是 TCP 的字节流" })?;
    let unix = stage.call(program, "AF_UNIX stream: 3 × send(\"abc\"), recv()", || through_unix(Type::STREAM, 1))?;
    let pipe = stage.call(program, "pipe: 3 × write(\"abc\"), read()", through_pipe)?;
    stage.finding(
        Words {
            en: "an AF_UNIX stream and a pipe stick too: it is the stream, not TCP",
            zh: "AF_UNIX 流和管道也粘:原因在于流,而不是 TCP",
        },
        unix.are(&["abcabcabc"]) && pipe.are(&["abcabcabc"]),
        format!("{}, {}", told(&unix), told(&pipe)),
    );
    Ok(())
}

pub(super) fn messages(stage: &mut Stage<'_>, program: &Program) -> Result<(), LabError> {
    stage.note(Words { en: "sockets that keep messages apart", zh: "保留消息边界的套接字" })?;
    let [seqpacket, dgram] = [("seqpacket", Type::SEQPACKET), ("dgram", Type::DGRAM)].map(|(name, kind)| {
        let call = format!("{name}: 3 × send(\"abc\"), 3 × recv()");
        stage.call(program, &call, move || through_unix(kind, 3))
    });
    let (seqpacket, dgram) = (seqpacket?, dgram?);
    stage.finding(
        Words {
            en: "AF_UNIX SOCK_SEQPACKET is connected and keeps messages apart",
            zh: "AF_UNIX SOCK_SEQPACKET 面向连接,也保留消息边界",
        },
        seqpacket.are(&["abc"; 3]),
        told(&seqpacket),
    );
    stage.finding(
        Words { en: "AF_UNIX SOCK_DGRAM keeps messages apart", zh: "AF_UNIX SOCK_DGRAM 保留消息边界" },
        dgram.are(&["abc"; 3]),
        told(&dgram),
    );
    Ok(())
}

pub(super) fn datagrams(stage: &mut Stage<'_>, ends: &Ends) -> Result<(), LabError> {
    stage.note(Words { en: "UDP, and an empty datagram at the end", zh: "UDP,最后再加一个空数据报" })?;
    let address = SocketAddr::new(ends.address.ip(), stage.port()?);
    let receiver = Endpoint::open(stage, &ends.server, "bind()", move || udp::bind(address))?;
    let sender = Endpoint::open(stage, &ends.client, "connect()", move || udp::connect(address))?;
    let sent = sender.call(stage, "3 × send(\"abc\"), send(\"\")", |socket| {
        let taken = three(|bytes| socket.send(bytes))?;
        socket.send(b"").map(|none| taken + none)
    })?;
    needed("send", sent)?;
    let read = receiver.call(stage, "4 × recv(100)", |socket| read_times(socket, 100, 4))?;
    stage.finding(
        Words {
            en: "UDP never sticks, and an empty datagram is a message", zh: "UDP 从不粘包,空数据报也是一条消息"
        },
        read.are(&["abc", "abc", "abc", ""]),
        told(&read),
    );
    Ok(())
}
