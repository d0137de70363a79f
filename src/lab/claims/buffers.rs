//! What the articles say of the buffers of a socket.

use std::net::Ipv4Addr;
use std::thread;

use super::claim::Article::{A0, A1};
use super::claim::{Claim, Expected, Found};
use super::ground::{Ground, Untried};
use super::local::{LARGE, Local, NOTHING, arrived, drain, receive, until, waiting};
use super::wire::QUIET;
use crate::kernel::sock_diag::{Entry, Family, Query, SockDiag};
use crate::lab::connection::{Connection, Ends};
use crate::lab::fate::{Fate, every};
use crate::lab::observation::Words;
use crate::lab::place::on;
use crate::lab::stage::LabError;
use crate::lab::tcp::{self, needed};
use crate::lab::topology::Neighbours;

pub(super) const CLAIMS: &[Claim] = &[
    Claim {
        id: "buffers-8k",
        articles: &[A1],
        statement: Words {
            en: "The buffers of a socket are usually 8 KB each.",
            zh: "套接字的输入输出缓冲区默认大小一般都是 8K。",
        },
        expected: Expected::Refuted,
        why: Words {
            en: "Linux begins with 16 KB for sending and 128 KB for receiving (tcp_wmem, tcp_rmem) and lets both grow to \
                 megabytes while data flows.",
            zh: "Linux 的初始值是发送 16 KB、接收 128 KB(tcp_wmem、tcp_rmem),数据流动时会自动增长到几 MB。",
        },
        attempt: sizes,
    },
    Claim {
        id: "buffers-made-at-once",
        articles: &[A1],
        statement: Words {
            en: "The buffers are made when the socket is created.",
            zh: "缓冲区在创建套接字时自动生成。",
        },
        expected: Expected::Refuted,
        why: Words {
            en: "What is set then are limits. Memory is taken when data arrives or waits, and given back afterwards.",
            zh: "创建时设定的只是上限。有数据到达或等待时才占用内存,之后归还。",
        },
        attempt: made_when,
    },
    Claim {
        id: "send-waits-for-all-room",
        articles: &[A1],
        statement: Words {
            en: "A send() of more than the free space takes nothing until there is room for all of it.",
            zh: "要发送的数据大于缓冲区剩余空间时,send() 先阻塞,直到空间足够才写入。",
        },
        expected: Expected::Refuted,
        why: Words {
            en: "It copies what fits at once, and the rest as room comes: much of it has arrived while send() still waits.",
            zh: "它立即复制能放下的部分,其余随着空间腾出再复制:send() 还在等待时,很多数据已经到达对方。",
        },
        attempt: takes_part,
    },
    Claim {
        id: "buffer-locked-while-sending",
        articles: &[A1],
        statement: Words {
            en: "While TCP sends, its buffer is locked, and send() waits until that is over.",
            zh: "TCP 正在发送数据时,输出缓冲区被锁定,不允许写入。",
        },
        expected: Expected::Refuted,
        why: Words {
            en: "Data under way stays in the buffer until it is acknowledged, and new data is put behind it meanwhile.",
            zh: "在途数据留在缓冲区直到被确认,同时新数据可以继续追加在后面。",
        },
        attempt: not_locked,
    },
    Claim {
        id: "send-loses-rest",
        articles: &[A0],
        statement: Words {
            en: "send() of more than the buffer holds loses the rest.",
            zh: "send() 的数据大于缓冲区时,会丢失、发不完。",
        },
        expected: Expected::Refuted,
        why: Words {
            en: "A blocking send() returns when all of it is taken; one that may not wait returns how much it took. Nothing is \
                 lost that was not told.",
            zh: "阻塞的 send() 等到全部写入才返回;不等待的 send() 返回写入了多少。没有数据会不声不响地丢失。",
        },
        attempt: nothing_lost,
    },
];

fn sizes(ground: Ground) -> Result<Found, Untried> {
    ground.loopback(|_| {
        let socket = needed("socket", tcp::socket(on(Ipv4Addr::LOCALHOST, 0)))?;
        let send = needed("getsockopt", socket.send_buffer_size())?;
        let receive = needed("getsockopt", socket.recv_buffer_size())?;
        let eight = 8 * 1024;
        let measured = format!("SO_SNDBUF {send}, SO_RCVBUF {receive}");
        Ok(Found::sides(send == eight && receive == eight, send > eight && receive > eight, measured))
    })
}

/// What both ends of the connections at this port hold in memory, in bytes.
fn held(port: u16) -> Result<(u32, u32), LabError> {
    let query = Query { port: Some(port), details: true, ..Query::all(6, Family::Ipv4) };
    let entries = SockDiag::open()?.list(&query)?.value;
    let of = |entry: &Entry| entry.memory.filter(|_| entry.remote.port() != 0);
    Ok(entries.iter().filter_map(of).fold((0, 0), |(received, sent), memory| {
        (received.max(memory.receive_used_bytes), sent.max(memory.send_queued_bytes))
    }))
}

fn made_when(ground: Ground) -> Result<Found, Untried> {
    ground.loopback(|place| {
        let Local { client, server, address, .. } = Local::new(place)?;
        let fresh = held(address.port())?;
        needed("send", client.send(&[b'x'; 10_000]))?;
        arrived(&server, 10_000)?;
        let full = held(address.port())?;
        needed("recv", receive(&server, 10_000))?;
        let after = held(address.port())?;
        let measured = format!("connected: {} B; 10000 B waiting: {} B; read: {} B", fresh.0, full.0, after.0);
        Ok(Found::sides(fresh.0 > 0, fresh == (0, 0) && full.0 >= 10_000 && after.0 < full.0, measured))
    })
}

fn takes_part(ground: Ground) -> Result<Found, Untried> {
    ground.loopback(|place| {
        let Local { client, server, .. } = Local::small(place)?;
        let sending = thread::spawn(move || client.send(&vec![b'x'; LARGE]));
        until("something to arrive", || waiting(&server) > 0)?;
        thread::sleep(NOTHING);
        let (there, returned) = (waiting(&server), sending.is_finished());
        drain(&server, LARGE)?;
        let _ = sending.join();
        let measured = format!("send({LARGE}) waits; already at the peer: {there} B");
        Ok(Found::sides(there == 0, there > 0 && !returned, measured))
    })
}

fn not_locked(ground: Ground) -> Result<Found, Untried> {
    ground.stage(|stage| {
        let hosts = stage.pair(Neighbours::Known)?;
        let ends = Ends::new(stage, hosts)?;
        let Connection { client, server, .. } = ends.connect(stage)?;
        let held = hosts[1];
        stage.rule(every(move |frame| frame.from == held, Fate::Drop));
        needed("send", client.send(b"first"))?;
        stage.settle(QUIET)?;
        needed("fcntl", client.set_nonblocking(true))?;
        let sends: Vec<_> = (0..20).map(|_| client.send(b"more")).collect();
        let taken = sends.iter().filter(|sent| matches!(sent, Ok(4))).count();
        let unacknowledged = stage.look()?.first().and_then(|sockets| sockets.iter().map(|s| s.send_queue).max());
        drop(server);
        let measured = format!("no ACK; send queue {} B; {taken} / 20 × send() ok", unacknowledged.unwrap_or(0));
        Ok(Found::sides(taken == 0, taken == 20 && unacknowledged > Some(0), measured))
    })
}

/// One blocking send of a megabyte through small buffers: what it returned, and what arrived. Shared by two statements,
/// one of which is the other's contrary.
pub(super) fn through(ground: Ground) -> Result<(usize, usize, bool), Untried> {
    ground.loopback(|place| {
        let Local { client, server, .. } = Local::small(place)?;
        let sending = thread::spawn(move || client.send(&vec![b'x'; LARGE]));
        until("something to arrive", || waiting(&server) > 0)?;
        let early = sending.is_finished();
        let got = drain(&server, usize::MAX)?;
        let sent = sending.join().map_or(Ok(0), |sent| needed("send", sent))?;
        Ok((sent, got, early))
    })
}

fn nothing_lost(ground: Ground) -> Result<Found, Untried> {
    let (sent, got, _) = through(ground)?;
    Ok(Found::sides(got < sent, sent == LARGE && got == LARGE, format!("send({LARGE}): {sent}; peer: {got}")))
}
