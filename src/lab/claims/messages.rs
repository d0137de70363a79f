//! What the articles say of UDP.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use nix::errno::Errno;
use socket2::Socket;

use super::claim::Article::{A0, A1, A3};
use super::claim::{Claim, Expected, Found};
use super::ground::{Ground, Untried};
use super::local::{NOTHING, PATIENCE, readable, told};
use super::wire::QUIET;
use crate::kernel::connection::without_checksum;
use crate::lab::fate::{Fate, nth};
use crate::lab::observation::Words;
use crate::lab::place::{Place, on};
use crate::lab::program::failed_with;
use crate::lab::stage::{LabError, Stage};
use crate::lab::tcp::needed;
use crate::lab::topology::Neighbours;
use crate::lab::udp;

pub(super) const CLAIMS: &[Claim] = &[
    Claim {
        id: "udp-header-8",
        articles: &[A0],
        statement: Words { en: "A UDP header has eight bytes.", zh: "UDP 首部只有 8 个字节。" },
        expected: Expected::Holds,
        why: Words {
            en: "Two ports, length and checksum, two bytes each.", zh: "两个端口、长度和校验和,各两个字节。"
        },
        attempt: header,
    },
    Claim {
        id: "udp-65535",
        articles: &[A0],
        statement: Words {
            en: "A UDP datagram of up to 65535 bytes just fits in one IP packet.",
            zh: "UDP 报文总长度不超过 65535 字节,正好放进一个 IP 数据包。",
        },
        expected: Expected::Refuted,
        why: Words {
            en: "IP's 65535 bytes include its own header: 65515 are left for UDP, 65507 for the program. And Ethernet makes 45 \
                 frames of such a datagram.",
            zh: "IP 的 65535 字节包含它自己的首部:留给 UDP 的是 65515,留给程序的是 65507。在以太网上,这样的数据报要分成 45 帧。",
        },
        attempt: largest,
    },
    Claim {
        id: "udp-keeps-messages",
        articles: &[A0, A1, A3],
        statement: Words {
            en: "UDP keeps messages apart: one send is one receive.",
            zh: "UDP 有消息边界:一次发送对应一次接收,不会粘包。",
        },
        expected: Expected::Holds,
        why: Words {
            en: "Each datagram is queued by itself, with its sender.", zh: "每个数据报连同发送者单独排队。"
        },
        attempt: boundaries,
    },
    Claim {
        id: "udp-empty-message",
        articles: &[A0],
        statement: Words {
            en: "An empty UDP message is a message and arrives.",
            zh: "UDP 可以发送空消息,对方能收到。",
        },
        expected: Expected::Holds,
        why: Words { en: "It has a header, and that is enough to arrive.", zh: "它有首部,因此照样送达。" },
        attempt: empty,
    },
    Claim {
        id: "udp-loses-silently",
        articles: &[A1, A3, A0],
        statement: Words {
            en: "UDP loses datagrams and tells nobody.", zh: "UDP 会丢包,而且不通知任何一方。"
        },
        expected: Expected::Holds,
        why: Words {
            en: "What does not fit in the receive buffer is dropped; each sendto() had said that all was well.",
            zh: "接收缓冲区放不下的就被丢弃,而每次 sendto() 都返回成功。",
        },
        attempt: losses,
    },
    Claim {
        id: "udp-needs-nobody",
        articles: &[A1, A3],
        statement: Words {
            en: "A UDP client can send although no server is running.",
            zh: "UDP 不需要连接:服务端没有启动,客户端也能发送。",
        },
        expected: Expected::Holds,
        why: Words {
            en: "sendto() hands the datagram over and knows nothing of the other side.",
            zh: "sendto() 只是交出数据报,对另一方一无所知。",
        },
        attempt: to_nobody,
    },
    Claim {
        id: "udp-checks-nothing",
        articles: &[A1],
        statement: Words {
            en: "UDP does not check data: what is damaged on the way is delivered damaged.",
            zh: "UDP 不作数据校验,数据错了就错了。",
        },
        expected: Expected::HoldsWhen(Words {
            en: "the sender left the checksum out; otherwise a damaged datagram is thrown away",
            zh: "发送方没有填写校验和;否则损坏的数据报会被丢弃",
        }),
        why: Words {
            en: "UDP has the same checksum as TCP. It repairs nothing, but it does not deliver what is wrong.",
            zh: "UDP 的校验和与 TCP 相同。它不负责修复,但不会交付错误的数据。",
        },
        attempt: damaged,
    },
];

/// Two hosts, a receiver on the second and a sender on the first.
fn pair(stage: &mut Stage<'_>) -> Result<(Socket, Socket), LabError> {
    let hosts = stage.pair(Neighbours::Known)?;
    let address = SocketAddr::new(stage.address(hosts[1]), stage.port()?);
    let receiver = needed("bind", stage.host(hosts[1]).run(move || udp::bind(address)))?;
    let sender = needed("connect", stage.host(hosts[0]).run(move || udp::connect(address)))?;
    Ok((sender, receiver))
}

fn header(ground: Ground) -> Result<Found, Untried> {
    ground.stage(|stage| {
        let (sender, _receiver) = pair(stage)?;
        needed("send", sender.send(b"hello"))?;
        stage.settle(QUIET)?;
        let datagrams = udp::datagrams(&stage.observation);
        let first = datagrams.first();
        let header = first.map_or(0, |datagram| datagram.carried - datagram.payload);
        let measured = first.map_or_else(String::new, |d| format!("{} = {header} + {}", d.carried, d.payload));
        Ok(Found::whether(header == 8, measured))
    })
}

fn largest(ground: Ground) -> Result<Found, Untried> {
    ground.stage(|stage| {
        let (sender, _receiver) = pair(stage)?;
        needed("setsockopt", sender.set_send_buffer_size(1 << 18))?;
        let results = [65_535, 65_508, 65_507].map(|length| sender.send(&vec![0; length]));
        stage.settle(QUIET)?;
        let frames = stage.frames();
        let [whole, more, most] = &results;
        let measured =
            format!("65535: {}; 65508: {}; 65507: {}, {frames} × Ethernet", told(whole), told(more), told(most));
        let contrary = failed_with(more, Errno::EMSGSIZE) && most.is_ok() && frames > 1;
        Ok(Found::sides(whole.is_ok(), contrary, measured))
    })
}

/// A receiver on loopback, and a sender to it.
fn local(place: &mut Place) -> Result<(Socket, Socket), LabError> {
    let address = on(Ipv4Addr::LOCALHOST, place.port()?);
    let receiver = needed("bind", udp::bind(address))?;
    needed("setsockopt", receiver.set_read_timeout(Some(PATIENCE)))?;
    Ok((needed("connect", udp::connect(address))?, receiver))
}

fn boundaries(ground: Ground) -> Result<Found, Untried> {
    ground.loopback(|place| {
        let (sender, receiver) = local(place)?;
        for _ in 0..3 {
            needed("send", sender.send(b"abc"))?;
        }
        let read: Result<Vec<_>, _> = (0..3).map(|_| needed("recv", udp::receive(&receiver, 100))).collect();
        let read = read?;
        let lengths: Vec<usize> = read.iter().map(Vec::len).collect();
        Ok(Found::whether(read == [b"abc"; 3], format!("3 × send(3 B) → {lengths:?}")))
    })
}

fn empty(ground: Ground) -> Result<Found, Untried> {
    ground.loopback(|place| {
        let (sender, receiver) = local(place)?;
        let sent = needed("send", sender.send(b""))?;
        let arrived = readable(&receiver, NOTHING);
        let read = needed("recv", udp::receive(&receiver, 100))?;
        Ok(Found::whether(arrived && read.is_empty(), format!("send(\"\"): {sent}; recv: \"\" ({} B)", read.len())))
    })
}

fn losses(ground: Ground) -> Result<Found, Untried> {
    const BURST: usize = 200;
    ground.loopback(|place| {
        let (sender, receiver) = local(place)?;
        needed("setsockopt", receiver.set_recv_buffer_size(4096))?;
        let sent = (0..BURST).filter(|_| sender.send(&[0; 1000]).is_ok()).count();
        let kept = needed("recv", udp::drain(&receiver))?;
        let measured = format!("{sent} / {BURST} × send() ok; recv: {kept}");
        Ok(Found::whether(sent == BURST && kept < sent, measured))
    })
}

fn to_nobody(ground: Ground) -> Result<Found, Untried> {
    ground.loopback(|place| {
        let address = on(Ipv4Addr::LOCALHOST, place.port()?);
        let sender = needed("socket", udp::socket(address))?;
        let sent = sender.send_to(b"anybody?", &address.into());
        Ok(Found::whether(sent.is_ok(), format!("sendto: {}", told(&sent))))
    })
}

/// What is read of a datagram whose last letter is damaged on the wire; none when nothing arrives.
fn damage(ground: Ground, checksum: bool) -> Result<Option<Vec<u8>>, Untried> {
    ground.stage(|stage| {
        let (sender, receiver) = pair(stage)?;
        if !checksum {
            needed("setsockopt", without_checksum(&sender).map_err(std::io::Error::from))?;
        }
        stage.rule(nth(1, |_| true, Fate::Corrupt(0)));
        needed("send", sender.send(b"hello"))?;
        stage.settle(QUIET + Duration::from_millis(20))?;
        let arrived = readable(&receiver, NOTHING);
        arrived.then(|| needed("recv", udp::receive(&receiver, 100))).transpose()
    })
}

fn damaged(ground: Ground) -> Result<Found, Untried> {
    let (without, with) = (damage(ground, false)?, damage(ground, true)?);
    let told = |read: &Option<Vec<u8>>| {
        read.as_ref().map_or_else(|| "-".to_owned(), |read| format!("\"{}\"", String::from_utf8_lossy(read)))
    };
    let measured = format!("\"hello\", 1 bit: checksum: {}; SO_NO_CHECK: {}", told(&with), told(&without));
    let claimed = without.as_ref().is_some_and(|read| read.len() == 5 && read != b"hello");
    Ok(Found::sides(claimed, with.is_none(), measured))
}
