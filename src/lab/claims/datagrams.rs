//! What the articles say of IP datagrams.

use std::net::Ipv4Addr;

use nix::errno::Errno;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use super::claim::Article::{A0, A1};
use super::claim::{Claim, Expected, Found};
use super::ground::{Ground, Untried};
use super::local::{NOTHING, PATIENCE, readable, receive, told};
use super::wire::{QUIET, frames, ipv4};
use crate::dissect::Header;
use crate::lab::fate::{Fate, nth};
use crate::lab::observation::Words;
use crate::lab::place::on;
use crate::lab::plan::Plan;
use crate::lab::program::failed_with;
use crate::lab::stage::{LabError, Stage};
use crate::lab::tcp::needed;
use crate::lab::udp;

pub(super) const CLAIMS: &[Claim] = &[
    Claim {
        id: "ip-header-20-60",
        articles: &[A0],
        statement: Words { en: "An IP header has 20 to 60 bytes.", zh: "IP 首部长度为 20 到 60 字节。" },
        expected: Expected::Holds,
        why: Words {
            en: "The header tells its length in four bits, counted in words of four bytes: 5 words at least, 15 at most. A \
                 header that claims 4 words is thrown away by the receiver.",
            zh: "首部长度用四位表示,单位是四字节:最少 5,最多 15。声称只有 4 个单位的首部会被接收方丢弃。",
        },
        attempt: header_lengths,
    },
    Claim {
        id: "ip-data-65515",
        articles: &[A0],
        statement: Words {
            en: "An IP datagram carries at most 65515 bytes of data.",
            zh: "IP 数据报最多携带 65515 字节数据。",
        },
        expected: Expected::Holds,
        why: Words {
            en: "The total length has 16 bits: 65535 bytes, of which the smallest header takes 20.",
            zh: "总长度字段有 16 位,即 65535 字节,其中最短的首部占 20 字节。",
        },
        attempt: largest_data,
    },
    Claim {
        id: "too-old-is-reported",
        articles: &[A1],
        statement: Words {
            en: "A packet that lives too long in the network is thrown away and its sender is told.",
            zh: "报文在网络中存活超时会被丢弃,并通知源主机。",
        },
        expected: Expected::HoldsWhen(Words {
            en: "it has passed too many routers; time alone does not age it",
            zh: "它经过的路由器太多;时间本身不会使它过期",
        }),
        why: Words {
            en: "TTL counts hops, not seconds: the router that brings it to 0 sends ICMP time exceeded. A packet that was held up \
                 for a second is delivered as if nothing had been. The maximum segment lifetime is an assumption of TCP that \
                 nobody enforces.",
            zh: "TTL 数的是跳数而不是秒数:把它减到 0 的路由器发送 ICMP 超时。被延迟一秒的报文照常送达。报文最大生存时间(MSL)只是 TCP \
                 的假设,没有谁去强制执行。",
        },
        attempt: too_old,
    },
];

/// For experiments, RFC 3692.
const EXPERIMENT: i32 = 253;
/// The number with which a program brings the IP header itself.
const RAW: i32 = 255;

fn raw(protocol: i32) -> Result<Socket, LabError> {
    needed("socket", Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(protocol))))
}

fn localhost() -> SockAddr {
    on(Ipv4Addr::LOCALHOST, 0).into()
}

/// A datagram whose header claims `words` words and has them, at least the usual five; the kernel fills in the rest.
fn datagram(words: u8) -> Vec<u8> {
    let mut bytes = vec![0x40 | words, 0, 0, 0, 0, 0, 0, 0, 64, EXPERIMENT as u8, 0, 0];
    bytes.extend([127, 0, 0, 1, 127, 0, 0, 1]);
    // No operation, RFC 791: fills the options.
    bytes.resize(usize::from(words.max(5)) * 4, 1);
    bytes.push(b'x');
    bytes
}

fn header_lengths(ground: Ground) -> Result<Found, Untried> {
    ground.machine(|_| {
        let (sender, receiver) = (raw(RAW)?, raw(EXPERIMENT)?);
        let mut arrived = Vec::new();
        for words in [4, 5, 15] {
            let sent = sender.send_to(&datagram(words), &localhost());
            let got = sent.is_ok() && readable(&receiver, NOTHING);
            let header = if got { needed("recv", receive(&receiver, 100))?.first().copied() } else { None };
            arrived.push(header.map(|first| (first & 0xf) * 4));
        }
        let told = |header: &Option<u8>| header.map_or_else(|| "✘".to_owned(), |length| length.to_string());
        let measured = format!("16: {}; 20: {}; 60: {}", told(&arrived[0]), told(&arrived[1]), told(&arrived[2]));
        Ok(Found::whether(arrived == [None, Some(20), Some(60)], measured))
    })
}

fn largest_data(ground: Ground) -> Result<Found, Untried> {
    ground.machine(|_| {
        let socket = raw(EXPERIMENT)?;
        needed("setsockopt", socket.set_send_buffer_size(1 << 18))?;
        let [most, more] = [65_515, 65_516].map(|length| socket.send_to(&vec![0; length], &localhost()));
        let measured = format!("sendto(65515): {}; sendto(65516): {}", told(&most), told(&more));
        Ok(Found::whether(most.is_ok() && failed_with(&more, Errno::EMSGSIZE), measured))
    })
}

/// Two hosts with a router between them.
const ROUTED: &str = r#"
[[host]]
name = "client"
gateway = "10.0.1.254"
[[host]]
name = "router"
forward = true
[[host]]
name = "server"
gateway = "10.0.2.254"
[[network]]
attach = ["client eth0 10.0.1.1/24", "router left 10.0.1.254/24"]
[[network]]
attach = ["router right 10.0.2.254/24", "server eth0 10.0.2.1/24"]
"#;

/// What came of one datagram from client to server: whether it arrived, and whether its sender was told of an end.
fn sent(stage: &mut Stage<'_>, ttl: u32) -> Result<(bool, bool), LabError> {
    let address = on(Ipv4Addr::new(10, 0, 2, 1), stage.port()?);
    let receiver = needed("bind", stage.host(2).run(move || udp::bind(address)))?;
    let client = stage.program(0);
    let from = stage.observation.events.len();
    let socket = stage.call(&client, "send()", move || {
        let socket = udp::connect(address)?;
        socket.set_ttl_v4(ttl)?;
        socket.send(b"x").map(|_| socket)
    })?;
    let _kept = needed("send", socket)?;
    let exceeded = |stage: &Stage<'_>| {
        let frames = frames(&stage.observation);
        frames.iter().any(|(frame, layers)| {
            let icmp = layers.iter().any(|layer| matches!(layer.header, Header::Icmp(icmp) if icmp.kind == 11));
            icmp && frame.from == 1
        })
    };
    let arrived = |receiver: &Socket| readable(receiver, std::time::Duration::ZERO);
    let patience = PATIENCE;
    stage.until("an end of the datagram", patience, |stage| arrived(&receiver) || exceeded(stage))?;
    stage.settle(QUIET)?;
    let result = (arrived(&receiver), exceeded(stage));
    stage.observation.events.truncate(from);
    Ok(result)
}

fn too_old(ground: Ground) -> Result<Found, Untried> {
    const LATE: std::time::Duration = std::time::Duration::from_secs(1);
    ground.stage(|stage| {
        Plan::read(ROUTED).map_err(LabError::Plan)?.build(stage)?;
        let (_, told) = sent(stage, 1)?;
        let client = |layers: &[_]| ipv4(layers).is_some_and(|ip| ip.source == Ipv4Addr::new(10, 0, 1, 1));
        stage.rule(nth(1, move |frame| client(frame.layers), Fate::Delay(LATE)));
        let (late, late_told) = sent(stage, 64)?;
        let mark = |yes| if yes { "✔" } else { "✘" };
        let measured = format!(
            "TTL 1: ICMP time exceeded {}; TTL 64, 1 s late: arrives {}, ICMP {}",
            mark(told),
            mark(late),
            mark(late_told)
        );
        Ok(Found::sides(told, late && !late_told, measured))
    })
}
