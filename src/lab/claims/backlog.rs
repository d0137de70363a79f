//! What the articles say of bind, listen, accept and connect.

use std::io::Write;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::PollFlags;
use socket2::Socket;

use super::claim::Article::{A1, A2};
use super::claim::{Claim, Expected, Found};
use super::ground::{Ground, Untried};
use super::local::{Local, NOTHING, ready, receive, told};
use crate::lab::observation::Words;
use crate::lab::place::{Place, on};
use crate::lab::program::failed_with;
use crate::lab::stage::LabError;
use crate::lab::tcp::{self, needed};
use crate::transport::states::State;

pub(super) const CLAIMS: &[Claim] = &[
    Claim {
        id: "backlog-is-n",
        articles: &[A1, A2],
        statement: Words {
            en: "listen(N) lets N connections wait.",
            zh: "listen(N) 的 N 就是等待队列中连接的最大数量。",
        },
        expected: Expected::Refuted,
        why: Words {
            en: "Linux lets N + 1 in. The kernel completes them without accept(), and they may send already.",
            zh: "Linux 允许 N + 1 个。内核无需 accept() 就完成握手,客户端已经可以发送数据。",
        },
        attempt: how_many,
    },
    Claim {
        id: "backlog-refuses",
        articles: &[A1, A2],
        statement: Words {
            en: "When the queue of a listening socket is full, the next client is refused.",
            zh: "监听队列满时,新的连接会被拒绝。",
        },
        expected: Expected::Refuted,
        why: Words {
            en: "Its SYN is dropped without a word: connect() waits and tries again, and succeeds when there is room.",
            zh: "它的 SYN 被悄悄丢弃:connect() 一直等待并重试,腾出位置后就会成功。",
        },
        attempt: what_happens,
    },
    Claim {
        id: "listen-returns",
        articles: &[A1],
        statement: Words {
            en: "listen() returns at once; it is accept() that waits for a client.",
            zh: "listen() 立即返回,等待客户端的是 accept()。",
        },
        expected: Expected::Holds,
        why: Words {
            en: "listen() only tells the kernel to answer.", zh: "listen() 只是告诉内核可以应答连接请求。"
        },
        attempt: who_waits,
    },
    Claim {
        id: "accept-new-socket",
        articles: &[A1],
        statement: Words {
            en: "accept() gives a new socket for the client; the listening one goes on listening.",
            zh: "accept() 返回一个新的套接字与客户端通信,原来的套接字继续监听。",
        },
        expected: Expected::Holds,
        why: Words {
            en: "One listening socket serves any number of clients, each by a socket of its own.",
            zh: "一个监听套接字可以服务任意多个客户端,每个客户端各有一个套接字。",
        },
        attempt: new_socket,
    },
    Claim {
        id: "listener-cannot-talk",
        articles: &[A1],
        statement: Words {
            en: "Nothing can be sent or received on the listening socket.",
            zh: "监听套接字不能收发数据。",
        },
        expected: Expected::Holds,
        why: Words {
            en: "It has no peer: send() fails with EPIPE, recv() with ENOTCONN.",
            zh: "它没有对端:send() 得到 EPIPE,recv() 得到 ENOTCONN。",
        },
        attempt: listener_talks,
    },
    Claim {
        id: "connect-ex-111",
        articles: &[A2],
        statement: Words {
            en: "connect_ex() to a port where nobody listens gives the number 111.",
            zh: "connect_ex() 连接没有人监听的端口时返回错误码 111。",
        },
        expected: Expected::Holds,
        why: Words {
            en: "ECONNREFUSED is 111 on Linux (x86 and ARM): the peer's kernel answered RST.",
            zh: "Linux(x86、ARM)上 ECONNREFUSED 就是 111:对方内核回了 RST。",
        },
        attempt: refused,
    },
    Claim {
        id: "client-binds-server",
        articles: &[A1],
        statement: Words {
            en: "A client on the same machine reaches the server by bind() to the server's address.",
            zh: "同一台机器上的客户端用 bind() 绑定服务端地址来连接服务端。",
        },
        expected: Expected::Refuted,
        why: Words {
            en: "bind() names the own end, and that address is the server's: EADDRINUSE. A client calls connect().",
            zh: "bind() 指定的是自己的地址,而这个地址已属于服务端:EADDRINUSE。客户端应当调用 connect()。",
        },
        attempt: client_binds,
    },
];

const BACKLOG: u32 = 2;

/// Clients of a listener that nobody accepts from: how many are connected, and how the one after them fared.
fn clients(place: &mut Place) -> Result<(usize, &'static str), LabError> {
    let address = on(Ipv4Addr::LOCALHOST, place.port()?);
    let _listener = needed("listen", tcp::listen(address, BACKLOG))?;
    let mut connected = Vec::new();
    for _ in 0..=BACKLOG + 4 {
        let client = needed("socket", tcp::socket(address))?;
        needed("fcntl", client.set_nonblocking(true))?;
        let begun = client.connect(&address.into());
        if begun.is_err() && !failed_with(&begun, Errno::EINPROGRESS) {
            return Ok((connected.len(), "refused"));
        }
        if !ready(&client, PollFlags::POLLOUT, NOTHING) {
            return Ok((connected.len(), "SYN-SENT"));
        }
        if client.take_error().is_ok_and(|error| error.is_some()) {
            return Ok((connected.len(), "refused"));
        }
        connected.push(client);
    }
    Ok((connected.len(), "connected"))
}

fn how_many(ground: Ground) -> Result<Found, Untried> {
    ground.loopback(|place| {
        let (connected, _) = clients(place)?;
        let backlog = BACKLOG as usize;
        let measured = format!("listen({backlog}): {connected} × ESTABLISHED");
        Ok(Found::sides(connected == backlog, connected == backlog + 1, measured))
    })
}

fn what_happens(ground: Ground) -> Result<Found, Untried> {
    ground.loopback(|place| {
        let (connected, next) = clients(place)?;
        let measured = format!("listen({BACKLOG}): #{}: {next}", connected + 1);
        Ok(Found::sides(next == "refused", next == "SYN-SENT", measured))
    })
}

fn who_waits(ground: Ground) -> Result<Found, Untried> {
    ground.loopback(|place| {
        let address = on(Ipv4Addr::LOCALHOST, place.port()?);
        let socket = needed("socket", tcp::socket(address))?;
        needed("bind", socket.bind(&address.into()))?;
        let listened = socket.listen(1);
        let waits = !ready(&socket, PollFlags::POLLIN, NOTHING);
        let client = needed("connect", tcp::connect(address))?;
        let accepted = ready(&socket, PollFlags::POLLIN, NOTHING) && socket.accept().is_ok();
        drop(client);
        let measured = format!(
            "listen: {}; accept: {}, connect → {}",
            told(&listened),
            if waits { "…" } else { "ok" },
            if accepted { "ok" } else { "…" }
        );
        Ok(Found::whether(listened.is_ok() && waits && accepted, measured))
    })
}

fn own_port(socket: &Socket) -> Result<u16, LabError> {
    Ok(needed("getsockname", socket.local_addr())?.as_socket().map_or(0, |address| address.port()))
}

fn new_socket(ground: Ground) -> Result<Found, Untried> {
    ground.loopback(|place| {
        let Local { address, listener, client, server } = Local::new(place)?;
        let second = needed("connect", tcp::connect(address))?;
        let other = needed("accept", tcp::accept(&listener))?;
        let numbers: [RawFd; 3] = [listener.as_raw_fd(), server.as_raw_fd(), other.as_raw_fd()];
        let listens = place.at(own_port(&listener)?)?.iter().any(|left| left.state == State::Listen);
        let mut from_second = &second;
        needed("send", from_second.write_all(b"2"))?;
        needed("send", client.send(b"1"))?;
        let heard = [needed("recv", receive(&server, 9))?, needed("recv", receive(&other, 9))?];
        let distinct = numbers[0] != numbers[1] && numbers[1] != numbers[2] && numbers[0] != numbers[2];
        let measured = format!("fd {}: {}; accept → fd {}, {}", numbers[0], State::Listen, numbers[1], numbers[2]);
        Ok(Found::whether(distinct && listens && heard == [b"1", b"2"], measured))
    })
}

fn listener_talks(ground: Ground) -> Result<Found, Untried> {
    ground.loopback(|place| {
        let Local { listener, client, .. } = Local::new(place)?;
        let (sent, received) = (listener.send(b"x"), receive(&listener, 9));
        drop(client);
        let claimed = failed_with(&sent, Errno::EPIPE) && failed_with(&received, Errno::ENOTCONN);
        Ok(Found::whether(claimed, format!("send: {}; recv: {}", told(&sent), told(&received))))
    })
}

fn refused(ground: Ground) -> Result<Found, Untried> {
    ground.loopback(|place| {
        let address = on(Ipv4Addr::LOCALHOST, place.port()?);
        let number = tcp::connect(address).err().and_then(|error| error.raw_os_error());
        let name = number.map_or_else(|| "ok".to_owned(), |number| format!("{:?}", Errno::from_raw(number)));
        Ok(Found::whether(number == Some(111), format!("connect: {} {name}", number.unwrap_or(0))))
    })
}

fn client_binds(ground: Ground) -> Result<Found, Untried> {
    ground.loopback(|place| {
        let address = on(Ipv4Addr::LOCALHOST, place.port()?);
        let _listener = needed("listen", tcp::listen(address, 1))?;
        let client = needed("socket", tcp::socket(address))?;
        let bound = client.bind(&address.into());
        let connected = client.connect_timeout(&address.into(), Duration::from_secs(5));
        let measured = format!("bind: {}; connect: {}", told(&bound), told(&connected));
        Ok(Found::sides(bound.is_ok(), failed_with(&bound, Errno::EADDRINUSE) && connected.is_ok(), measured))
    })
}
