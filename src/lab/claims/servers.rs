//! What the articles say of servers.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::thread;
use std::time::{Duration, Instant};

use socket2::Socket;

use super::claim::Article::{A0, A1, A2, A3, A4};
use super::claim::{Claim, Expected, Found};
use super::ground::{Ground, Untried};
use super::local::{Local, NOTHING, arrived, patient, readable, receive, told, until, waiting};
use crate::lab::observation::Words;
use crate::lab::place::{Place, on};
use crate::lab::stage::LabError;
use crate::lab::tcp::{self, needed};

pub(super) const CLAIMS: &[Claim] = &[
    Claim {
        id: "one-client-connects",
        articles: &[A4, A3],
        statement: Words {
            en: "A server that handles one client at a time can be connected to by one client only.",
            zh: "逐个处理的 TCPServer 一次只能连接一个客户端。",
        },
        expected: Expected::Refuted,
        why: Words {
            en: "The second one connects and sends; its message waits in the kernel until the server comes to accept it.",
            zh: "第二个客户端也能连上并发送;它的消息在内核中等待,直到服务器来 accept()。",
        },
        attempt: second_client,
    },
    Claim {
        id: "sockets-cannot-many",
        articles: &[A4],
        statement: Words {
            en: "Plain sockets cannot serve several clients at once.", zh: "socket 无法支持多并发。"
        },
        expected: Expected::Refuted,
        why: Words {
            en: "How many are served at once is the program's matter: one thread with poll() serves all of them, as do threads or \
                 processes.",
            zh: "同时服务多少客户端由程序决定:一个线程用 poll() 就能服务全部,多线程、多进程也可以。",
        },
        attempt: one_thread,
    },
    Claim {
        id: "thread-each",
        articles: &[A3, A4],
        statement: Words {
            en: "A server with a thread for each connection serves several clients at once.",
            zh: "为每个连接开一个线程的服务器可以同时服务多个客户端。",
        },
        expected: Expected::Holds,
        why: Words {
            en: "Each thread waits for its own client; none waits for another.",
            zh: "每个线程只等待自己的客户端,互不影响。",
        },
        attempt: thread_each,
    },
    Claim {
        id: "echo-needs-no-check",
        articles: &[A1, A2],
        statement: Words {
            en: "An echo loop waits in recv() when the client has left.",
            zh: "客户端离开后,通信循环会停在 recv() 上等待。",
        },
        expected: Expected::Refuted,
        why: Words {
            en: "After the end of the stream recv() returns nothing, at once, for ever: without a check the loop spins.",
            zh: "流结束后 recv() 每次都立即返回空数据:不检查就会变成死循环。",
        },
        attempt: spins,
    },
    Claim {
        id: "receive-until-size-ends",
        articles: &[A0, A2, A3],
        statement: Words {
            en: "A loop that receives until the announced size has arrived comes to an end.",
            zh: "按总长度循环接收,收够为止,循环就会结束。",
        },
        expected: Expected::HoldsWhen(Words {
            en: "the peer sends everything; if it dies half-way the loop spins on empty reads",
            zh: "对方发完全部数据;如果中途断开,循环会不停读到空数据",
        }),
        why: Words {
            en: "The loop must also end at an empty read, and say that something is missing.",
            zh: "读到空数据时也必须结束循环,并说明数据不完整。",
        },
        attempt: dies_half_way,
    },
    Claim {
        id: "answer-means-all-read",
        articles: &[A4],
        statement: Words {
            en: "When the answer is there, the buffers of both sides are empty.",
            zh: "收到回复时,双方的缓冲区都是空的。",
        },
        expected: Expected::HoldsWhen(Words {
            en: "the peer had read the whole message before it answered",
            zh: "对方读完了整条消息才回复",
        }),
        why: Words {
            en: "A peer that read a part and answered has the rest in its buffer, and will take it for the next message.",
            zh: "只读了一部分就回复的一方,剩下的还在缓冲区里,会被当成下一条消息。",
        },
        attempt: rest_in_buffer,
    },
];

/// A listener, and clients that are connected to it and cannot wait for ever.
fn clients<const N: usize>(place: &mut Place) -> Result<(Socket, [Socket; N]), LabError> {
    let address = on(Ipv4Addr::LOCALHOST, place.port()?);
    let listener = needed("listen", tcp::listen(address, 8))?;
    let clients: Result<Vec<_>, _> = (0..N).map(|_| client(address)).collect();
    Ok((listener, clients?.try_into().unwrap_or_else(|_| unreachable!("there are N"))))
}

fn client(address: SocketAddr) -> Result<Socket, LabError> {
    let client = needed("connect", tcp::connect(address))?;
    patient(&client)?;
    Ok(client)
}

/// One round of an echo service: what was read goes back in upper case; the length.
fn echo(socket: &Socket) -> io::Result<usize> {
    let read = receive(socket, 1024)?;
    socket.send(&read.to_ascii_uppercase())
}

fn second_client(ground: Ground) -> Result<Found, Untried> {
    ground.loopback(|place| {
        let (listener, [first, second]) = clients::<2>(place)?;
        let server = thread::spawn(move || {
            // Two clients, one after the other, each until it leaves.
            for _ in 0..2 {
                let connection = tcp::accept(&listener)?;
                while echo(&connection)? > 0 {}
            }
            Ok::<_, io::Error>(())
        });
        needed("send", first.send(b"one"))?;
        let answered = needed("recv", receive(&first, 100))?;
        let sent = second.send(b"two");
        let waits = !readable(&second, NOTHING);
        drop(first);
        let later = needed("recv", receive(&second, 100))?;
        drop(second);
        let _ = server.join();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let measured = format!(
            "#1: {}; #2: connect ok, send {}, 0.3 s {}; #1 closes: #2: {}",
            text(&answered),
            told(&sent),
            if waits { "…" } else { "answer" },
            text(&later)
        );
        Ok(Found::sides(sent.is_err(), sent.is_ok() && waits && later == b"TWO", measured))
    })
}

fn one_thread(ground: Ground) -> Result<Found, Untried> {
    ground.loopback(|place| {
        let (listener, clients) = clients::<3>(place)?;
        let connections: Result<Vec<_>, _> = (0..3).map(|_| needed("accept", tcp::accept(&listener))).collect();
        let connections = connections?;
        let mut served = Vec::new();
        // The last client talks first: no order of theirs is the server's.
        for (number, client) in clients.iter().enumerate().rev() {
            needed("send", client.send(b"hello"))?;
            let asks = |connection: &&Socket| readable(*connection, Duration::ZERO);
            until("a question", || connections.iter().any(|connection| asks(&connection)))?;
            for connection in connections.iter().filter(asks) {
                needed("send", echo(connection))?;
            }
            if needed("recv", receive(client, 100))? == b"HELLO" {
                served.push(number + 1);
            }
        }
        Ok(Found::sides(served.len() < 2, served == [3, 2, 1], format!("1 thread, 3 × ESTABLISHED: {served:?} ✔")))
    })
}

fn thread_each(ground: Ground) -> Result<Found, Untried> {
    ground.loopback(|place| {
        let (listener, [silent, talking, other]) = clients::<3>(place)?;
        for _ in 0..3 {
            let connection = needed("accept", tcp::accept(&listener))?;
            patient(&connection)?;
            thread::spawn(move || while echo(&connection).is_ok_and(|length| length > 0) {});
        }
        let mut answered = 0;
        for client in [&talking, &other] {
            needed("send", client.send(b"hello"))?;
            answered += usize::from(needed("recv", receive(client, 100))? == b"HELLO");
        }
        drop(silent);
        Ok(Found::whether(answered == 2, format!("#1 silent; #2, #3: {answered} × HELLO")))
    })
}

/// As often as a loop that spins is watched.
const SPINS: usize = 100_000;

fn spins(ground: Ground) -> Result<Found, Untried> {
    ground.loopback(|place| {
        let Local { client, server, .. } = Local::new(place)?;
        drop(client);
        let begun = Instant::now();
        let empty = (0..SPINS).take_while(|_| receive(&server, 1024).is_ok_and(|read| read.is_empty())).count();
        let took = begun.elapsed().as_millis();
        Ok(Found::sides(empty == 0, empty == SPINS, format!("{empty} × recv() = \"\", {took} ms")))
    })
}

/// A receiver's loop for 1000 bytes of which `sent` come: what it has, and after how many reads, at most [`SPINS`].
fn receive_loop(place: &mut Place, sent: usize) -> Result<(usize, usize), LabError> {
    let Local { client, server, .. } = Local::new(place)?;
    needed("send", client.send(&vec![0; sent]))?;
    drop(client);
    let (mut got, mut reads) = (0, 0);
    while got < 1000 && reads < SPINS {
        got += needed("recv", receive(&server, 1000))?.len();
        reads += 1;
    }
    Ok((got, reads))
}

fn dies_half_way(ground: Ground) -> Result<Found, Untried> {
    ground.loopback(|place| {
        let (whole, reads) = receive_loop(place, 1000)?;
        let (part, spun) = receive_loop(place, 400)?;
        let measured = format!("1000 B: {reads} × recv(); 400 B, end: {spun} × recv(), {part} B …");
        Ok(Found::sides(whole == 1000 && reads < SPINS, part == 400 && spun == SPINS, measured))
    })
}

fn rest_in_buffer(ground: Ground) -> Result<Found, Untried> {
    ground.loopback(|place| {
        let mut left = |reads: usize| -> Result<usize, LabError> {
            let Local { client, server, .. } = Local::new(place)?;
            needed("send", client.send(b"0123456789"))?;
            arrived(&server, 10)?;
            needed("recv", receive(&server, reads))?;
            needed("send", server.send(b"ok"))?;
            needed("recv", receive(&client, 100))?;
            needed("fcntl", server.set_nonblocking(true))?;
            Ok(waiting(&server))
        };
        let (all, part) = (left(10)?, left(5)?);
        let measured = format!("10 B; recv(10), answer: {all} B left; recv(5), answer: {part} B left");
        Ok(Found::sides(all == 0, part == 5, measured))
    })
}
