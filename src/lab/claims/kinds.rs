//! What the articles say of kinds of sockets.

use std::io::{self, Read, Write};
use std::net::Ipv4Addr;

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use socket2::{Domain, Protocol, Socket, Type};

use super::claim::Article::{A2, A4};
use super::claim::{Claim, Expected, Found};
use super::ground::{Ground, Untried};
use super::local::{PATIENCE, receive, told};
use crate::kernel::sysctl;
use crate::lab::observation::Words;
use crate::lab::place::on;
use crate::lab::program::{errno, failed_with};
use crate::lab::stage::LabError;
use crate::lab::tcp::needed;

pub(super) const CLAIMS: &[Claim] = &[
    Claim {
        id: "rdm-reliable-udp",
        articles: &[A2],
        statement: Words { en: "SOCK_RDM is a reliable form of UDP.", zh: "SOCK_RDM 是一种可靠的 UDP。" },
        expected: Expected::Refuted,
        why: Words {
            en: "Internet sockets know no such type. On Linux only TIPC and RDS have it.",
            zh: "互联网套接字没有这种类型。在 Linux 上只有 TIPC 和 RDS 支持。",
        },
        attempt: reliable_datagrams,
    },
    Claim {
        id: "seqpacket-obsolete",
        articles: &[A4],
        statement: Words { en: "SOCK_SEQPACKET is obsolete.", zh: "SOCK_SEQPACKET 已经废弃。" },
        expected: Expected::Refuted,
        why: Words {
            en: "Local sockets have it: reliable, in order, and messages are kept apart.",
            zh: "本地套接字支持它:可靠、有序,并且保持消息边界。",
        },
        attempt: sequenced_packets,
    },
    Claim {
        id: "ping-needs-raw",
        articles: &[A2, A4],
        statement: Words {
            en: "ICMP (ping) can only be sent with SOCK_RAW.", zh: "ICMP(ping)只能用 SOCK_RAW 发送。"
        },
        expected: Expected::HoldsWhen(Words {
            en: "net.ipv4.ping_group_range leaves the user's group out",
            zh: "net.ipv4.ping_group_range 不包含用户所在的组",
        }),
        why: Words {
            en: "A datagram socket with protocol ICMP sends echo requests without privilege where the setting lets it.",
            zh: "只要设置允许,协议为 ICMP 的数据报套接字无需特权就能发送回显请求。",
        },
        attempt: ping,
    },
];

fn reliable_datagrams(ground: Ground) -> Result<Found, Untried> {
    ground.loopback(|_| {
        let rdm = || Type::from(4);
        let results = [Domain::IPV4, Domain::IPV6, Domain::UNIX].map(|domain| Socket::new(domain, rdm(), None));
        let all: Vec<_> = results.iter().map(told).collect();
        let refused = |result: &io::Result<Socket>| {
            failed_with(result, Errno::ESOCKTNOSUPPORT) || failed_with(result, Errno::EAFNOSUPPORT)
        };
        let measured = format!("SOCK_RDM: AF_INET {}, AF_INET6 {}, AF_UNIX {}", all[0], all[1], all[2]);
        Ok(Found::sides(results[0].is_ok() || results[1].is_ok(), results.iter().all(refused), measured))
    })
}

fn sequenced_packets(ground: Ground) -> Result<Found, Untried> {
    ground.loopback(|_| {
        let pair = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC);
        let kept = pair.map(|(writer, reader)| {
            let (mut writer, reader) = (Socket::from(writer), Socket::from(reader));
            let read = || receive(&reader, 100).map_or(0, |read| read.len());
            (0..3).try_for_each(|_| writer.write_all(b"abc")).map(|()| [read(), read(), read()])
        });
        let told = match &kept {
            Ok(Ok(lengths)) => format!("3 × send(3 B) → {lengths:?}"),
            Ok(Err(error)) => errno(error),
            Err(error) => format!("{error:?}"),
        };
        let contrary = matches!(&kept, Ok(Ok([3, 3, 3])));
        Ok(Found::sides(kept.is_err(), contrary, format!("AF_UNIX: {told}")))
    })
}

/// What comes of a ping to 127.0.0.1 by a datagram socket.
fn ping_by_datagram() -> Result<io::Result<u8>, LabError> {
    let socket = match Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::ICMPV4)) {
        Ok(socket) => socket,
        Err(error) => return Ok(Err(error)),
    };
    needed("setsockopt", socket.set_read_timeout(Some(PATIENCE)))?;
    let request = [8, 0, 0, 0, 0, 0, 0, 1];
    needed("sendto", socket.send_to(&request, &on(Ipv4Addr::LOCALHOST, 0).into()))?;
    let mut answer = [0; 64];
    Ok((&socket).read(&mut answer).map(|_| answer[0]))
}

fn ping(ground: Ground) -> Result<Found, Untried> {
    ground.machine(|_| {
        // A fresh network lets no group ping in this way.
        let closed = ping_by_datagram()?;
        sysctl::write("net.ipv4.ping_group_range", "0 0")?;
        let open = ping_by_datagram()?;
        let answered = open.as_ref().is_ok_and(|kind| *kind == 0);
        let answer = if answered { "echo reply".to_owned() } else { told(&open) };
        let measured = format!("SOCK_DGRAM, ICMP: {}; ping_group_range=\"0 0\": {answer}", told(&closed));
        Ok(Found::sides(failed_with(&closed, Errno::EACCES), answered, measured))
    })
}
