//! What the articles say of calls that wait.

use std::io::Write;
use std::thread;

use nix::errno::Errno;

use super::buffers::through;
use super::claim::Article::{A1, A2, A4};
use super::claim::{Claim, Expected, Found};
use super::ground::{Ground, Untried};
use super::local::{LARGE, Local, NOTHING, arrived, drain, receive, told, until};
use crate::lab::observation::Words;
use crate::lab::program::failed_with;
use crate::lab::tcp::needed;

pub(super) const CLAIMS: &[Claim] = &[
    Claim {
        id: "blocking-send-waits",
        articles: &[A1],
        statement: Words {
            en: "A blocking send() returns when all its data is in the buffer.",
            zh: "阻塞的 send() 直到数据全部写入缓冲区才返回。",
        },
        expected: Expected::Holds,
        why: Words {
            en: "In the buffer, not at the peer: that takes a message of the peer's program.",
            zh: "是写入缓冲区,不是送达对方;要确认送达,需要对方程序的应答。",
        },
        attempt: waits_for_all,
    },
    Claim {
        id: "send-may-be-short",
        articles: &[A1, A2],
        statement: Words {
            en: "send() may take less than it was given and returns how much.",
            zh: "send() 可能只发送一部分,并返回实际的字节数。",
        },
        expected: Expected::Holds,
        why: Words {
            en: "When the call may not wait, or is interrupted. sendall() goes on until everything is taken.",
            zh: "当调用不能等待或被中断时如此。sendall() 会继续直到全部写入。",
        },
        attempt: short_send,
    },
    Claim {
        id: "blocking-recv-waits",
        articles: &[A1],
        statement: Words {
            en: "recv() waits while the buffer is empty.", zh: "缓冲区没有数据时,recv() 会一直阻塞。"
        },
        expected: Expected::Holds,
        why: Words {
            en: "Until a byte, the end, an error or its time-out comes.",
            zh: "直到有数据、连接结束、出错或超时。",
        },
        attempt: recv_waits,
    },
    Claim {
        id: "nonblocking-fails",
        articles: &[A2],
        statement: Words {
            en: "On a non-blocking socket recv() without data is an error.",
            zh: "非阻塞套接字上没有数据时,recv() 会报错。",
        },
        expected: Expected::Holds,
        why: Words {
            en: "EAGAIN: try again later. It is how an event loop learns that there is nothing more.",
            zh: "EAGAIN:稍后再试。事件循环就是这样得知暂时没有更多数据的。",
        },
        attempt: nonblocking,
    },
    Claim {
        id: "recv-8192",
        articles: &[A4],
        statement: Words { en: "recv() cannot read more than 8192 bytes.", zh: "recv() 的大小不能超过 8192。" },
        expected: Expected::Refuted,
        why: Words {
            en: "It gives what is there up to the size of the program's buffer.",
            zh: "有多少给多少,只受程序给出的大小限制。",
        },
        attempt: large_recv,
    },
];

fn waits_for_all(ground: Ground) -> Result<Found, Untried> {
    let (sent, got, early) = through(ground)?;
    let measured = format!("send({LARGE}): {sent}; returned before the peer read: {}", if early { "✔" } else { "✘" });
    Ok(Found::whether(sent == LARGE && got == LARGE && !early, measured))
}

fn short_send(ground: Ground) -> Result<Found, Untried> {
    ground.loopback(|place| {
        let Local { client, server, .. } = Local::small(place)?;
        needed("fcntl", client.set_nonblocking(true))?;
        let taken = needed("send", client.send(&vec![b'x'; LARGE]))?;
        needed("fcntl", client.set_nonblocking(false))?;
        let mut rest = client;
        let sending = thread::spawn(move || rest.write_all(&vec![b'x'; LARGE - taken]).map(|()| rest));
        let got = drain(&server, LARGE)?;
        let _kept = sending.join();
        let measured = format!("send({LARGE}), O_NONBLOCK: {taken}; + sendall: {got}");
        Ok(Found::whether((1..LARGE).contains(&taken) && got == LARGE, measured))
    })
}

fn recv_waits(ground: Ground) -> Result<Found, Untried> {
    ground.loopback(|place| {
        let Local { client, server, .. } = Local::new(place)?;
        let reading = thread::spawn(move || receive(&server, 100));
        thread::sleep(NOTHING);
        let waits = !reading.is_finished();
        needed("send", client.send(b"x"))?;
        until("the return of recv()", || reading.is_finished())?;
        let read = reading.join().ok().and_then(Result::ok).unwrap_or_default();
        let measured = format!("0.3 s: {}; send(1 B) → {} B", if waits { "…" } else { "returned" }, read.len());
        Ok(Found::whether(waits && read.len() == 1, measured))
    })
}

fn nonblocking(ground: Ground) -> Result<Found, Untried> {
    ground.loopback(|place| {
        let Local { client, server, .. } = Local::new(place)?;
        needed("fcntl", server.set_nonblocking(true))?;
        let read = receive(&server, 100);
        drop(client);
        Ok(Found::whether(failed_with(&read, Errno::EAGAIN), format!("recv: {}", told(&read))))
    })
}

fn large_recv(ground: Ground) -> Result<Found, Untried> {
    const BYTES: usize = 50_000;
    ground.loopback(|place| {
        let Local { client, server, .. } = Local::new(place)?;
        needed("send", client.send(&vec![b'x'; BYTES]))?;
        arrived(&server, BYTES)?;
        let read = needed("recv", receive(&server, 1 << 20))?.len();
        Ok(Found::sides(read <= 8192, read == BYTES, format!("recv(1048576): {read}")))
    })
}
