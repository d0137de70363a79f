//! What the articles say of opening a connection.

use std::time::Duration;

use super::claim::Article::{A0, A1};
use super::claim::{Claim, Expected, Found};
use super::ground::{Ground, Untried};
use super::wire::QUIET;
use crate::kernel::sysctl;
use crate::lab::connection::{Connection, Ends};
use crate::lab::observation::{Observation, Words};
use crate::lab::segments::{self, Direction};
use crate::lab::sockets::Seen;
use crate::lab::tcp::{self, needed};
use crate::lab::topology::Neighbours;
use crate::lab::transport::handshake;
use crate::lab::{experiment::Parameters, states};
use crate::transport::states::State;
use crate::transport::tcp::Flags;

pub(super) const CLAIMS: &[Claim] = &[
    Claim {
        id: "three-segments-open",
        articles: &[A1, A0],
        statement: Words {
            en: "A connection is opened by three segments: SYN, SYN+ACK, ACK.",
            zh: "建立连接需要三次握手:SYN、SYN+ACK、ACK。",
        },
        expected: Expected::Holds,
        why: Words {
            en: "Each side has a sequence number to announce, and each is acknowledged; the server's two fit in one segment.",
            zh: "双方都要通告自己的初始序号并得到确认;服务器的两件事合并在一个报文段里。",
        },
        attempt: three_segments,
    },
    Claim {
        id: "ack-is-seq-plus-1",
        articles: &[A1],
        statement: Words {
            en: "The acknowledgement number is the other's sequence number plus 1.",
            zh: "确认号等于对方序号加 1:Ack = Seq + 1。",
        },
        expected: Expected::HoldsWhen(Words {
            en: "a SYN or FIN is acknowledged; of data it is plus the number of bytes",
            zh: "确认的是 SYN 或 FIN;确认数据时加的是字节数",
        }),
        why: Words {
            en: "The number says which byte is expected next. SYN and FIN count as one byte each, five bytes of data count \
                 as five.",
            zh: "确认号表示期望的下一个字节。SYN 和 FIN 各算一个字节,五个字节的数据算五个。",
        },
        attempt: acknowledgments,
    },
    Claim {
        id: "six-flags",
        articles: &[A1, A0],
        statement: Words {
            en: "TCP has six flags: URG, ACK, PSH, RST, SYN, FIN.",
            zh: "TCP 有六个标志位:URG、ACK、PSH、RST、SYN、FIN。",
        },
        expected: Expected::Refuted,
        why: Words {
            en: "Eight since RFC 3168 (2001): CWR and ECE tell of congestion without losing packets. With tcp_ecn=1 the first SYN \
                 already carries both.",
            zh: "自 RFC 3168(2001 年)起是八个:CWR 和 ECE 不用丢包就能报告拥塞。tcp_ecn=1 时第一个 SYN 就带着这两个标志。",
        },
        attempt: eight_flags,
    },
    Claim {
        id: "client-states-open",
        articles: &[A1],
        statement: Words {
            en: "The client goes from CLOSED by SYN-SENT to ESTABLISHED.",
            zh: "客户端从 CLOSED 经 SYN-SENT 进入 ESTABLISHED。",
        },
        expected: Expected::Holds,
        why: Words {
            en: "SYN-SENT lasts from its SYN to the server's answer.",
            zh: "从发出 SYN 到收到服务器应答,处于 SYN-SENT。",
        },
        attempt: client_states,
    },
    Claim {
        id: "listener-becomes-established",
        articles: &[A1],
        statement: Words {
            en: "The server's socket goes from LISTEN by SYN-RECEIVED to ESTABLISHED.",
            zh: "服务器套接字从 LISTEN 经 SYN-RECEIVED 进入 ESTABLISHED。",
        },
        expected: Expected::Refuted,
        why: Words {
            en: "The listening socket stays in LISTEN. Beside it the kernel keeps a small request in SYN-RECEIVED, which becomes \
                 a new socket in ESTABLISHED.",
            zh: "监听套接字始终是 LISTEN。内核在旁边保留一个处于 SYN-RECEIVED 的小请求,它再变成一个新的 ESTABLISHED 套接字。",
        },
        attempt: listener_states,
    },
    Claim {
        id: "client-first",
        articles: &[A1],
        statement: Words {
            en: "The client is ESTABLISHED before the server is.",
            zh: "客户端先于服务器进入 ESTABLISHED。",
        },
        expected: Expected::Holds,
        why: Words {
            en: "The client has all it needs when SYN+ACK arrives; the server waits for the third segment.",
            zh: "收到 SYN+ACK 时客户端就已完成;服务器还要等第三个报文段。",
        },
        attempt: client_first,
    },
];

/// One run of the lab `handshake`.
fn observe(ground: Ground) -> Result<Observation, Untried> {
    ground.stage(|stage| {
        (handshake::LAB.run)(stage, &Parameters::default())?;
        Ok(std::mem::take(&mut stage.observation))
    })
}

const CLIENT: usize = 0;
const SERVER: usize = 1;

fn three_segments(ground: Ground) -> Result<Found, Untried> {
    let segments = segments::of(&observe(ground)?, CLIENT, SERVER);
    let shape: Vec<String> = segments.iter().map(|segment| segment.flags.to_string()).collect();
    Ok(Found::whether(shape == ["SYN", "SYN ACK", "ACK"], shape.join(" | ")))
}

fn acknowledgments(ground: Ground) -> Result<Found, Untried> {
    ground.stage(|stage| {
        let hosts = stage.pair(Neighbours::Known)?;
        let ends = Ends::new(stage, hosts)?;
        let Connection { client, server, .. } = ends.connect(stage)?;
        let (_client, sent) = stage.call(&ends.client, "send()", move || tcp::send(client, b"hello"))?;
        needed("send", sent)?;
        stage.settle(QUIET + Duration::from_millis(50))?;
        let segments = segments::of(&stage.observation, hosts[CLIENT], hosts[SERVER]);
        let answers = || segments.iter().filter(|segment| segment.direction == Direction::RightToLeft);
        let added = |first: bool| {
            let asked = segments.iter().find(|s| if first { s.flags == Flags::SYN } else { s.length == 5 })?;
            let answer = answers().find(|answer| answer.flags.contains(Flags::SYN) == first)?;
            Some(answer.acknowledgment.wrapping_sub(asked.sequence))
        };
        let (syn, data) = (added(true), added(false));
        let told = |added: Option<u32>| added.map_or_else(|| "-".to_owned(), |added| format!("seq + {added}"));
        let measured = format!("SYN: ack = {}; 5 B: ack = {}", told(syn), told(data));
        drop(server);
        Ok(Found::sides(syn == Some(1), data == Some(5), measured))
    })
}

fn eight_flags(ground: Ground) -> Result<Found, Untried> {
    ground.stage(|stage| {
        let hosts = stage.pair(Neighbours::Known)?;
        for host in hosts {
            stage.host(host).run(|| sysctl::write("net.ipv4.tcp_ecn", "1"))?;
        }
        let ends = Ends::new(stage, hosts)?;
        let _open = ends.connect(stage)?;
        let segments = segments::of(&stage.observation, hosts[CLIENT], hosts[SERVER]);
        let syn = segments.first().map(|syn| syn.flags).unwrap_or_default();
        let more = syn.contains(Flags::ECE.with(Flags::CWR));
        Ok(Found::whether(!more, format!("tcp_ecn=1: {syn}")))
    })
}

fn client_states(ground: Ground) -> Result<Found, Untried> {
    let observation = observe(ground)?;
    let path = states::passed(&observation.events, CLIENT, |_| true);
    let measured = format!("CLOSED → {}", states::names(&path));
    Ok(Found::whether(path == [State::SynSent, State::Established], measured))
}

fn listener_states(ground: Ground) -> Result<Found, Untried> {
    let observation = observe(ground)?;
    let listens = |socket: &Seen| socket.remote.port() == 0;
    let listener = states::passed(&observation.events, SERVER, listens);
    let other = states::passed(&observation.events, SERVER, |socket| !listens(socket));
    let contrary = listener == [State::Listen] && other == [State::SynReceived, State::Established];
    let measured = format!("{}; + {}", states::names(&listener), states::names(&other));
    Ok(Found::sides(listener.contains(&State::Established), contrary, measured))
}

fn client_first(ground: Ground) -> Result<Found, Untried> {
    let observation = observe(ground)?;
    let established = |host: usize| {
        let reached = |sockets: &Vec<Seen>| sockets.iter().any(|socket| socket.state == Some(State::Established));
        observation.events.iter().find(|event| event.states.get(host).is_some_and(reached)).map(|event| event.at)
    };
    let (client, server) = (established(CLIENT), established(SERVER));
    let told =
        |at: Option<Duration>| at.map_or_else(|| "-".to_owned(), |at| format!("{:.1} ms", at.as_secs_f64() * 1e3));
    let first = client.zip(server).is_some_and(|(client, server)| client < server);
    Ok(Found::whether(first, format!("client {} → server {}", told(client), told(server))))
}
