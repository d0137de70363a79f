//! What the articles say of closing a connection.

use std::net::SocketAddr;
use std::time::Duration;

use nix::errno::Errno;
use socket2::Socket;

use super::claim::Article::{A0, A1};
use super::claim::{Claim, Expected, Found};
use super::ground::{Ground, Untried};
use super::local::{Local, PATIENCE, arrived, drain, receive, told};
use super::wire::QUIET;
use crate::kernel::sysctl;
use crate::lab::connection::{Connection, Ends};
use crate::lab::fate::{Fate, every};
use crate::lab::observation::Words;
use crate::lab::program::failed_with;
use crate::lab::stage::{LabError, Stage};
use crate::lab::tcp::needed;
use crate::lab::topology::Neighbours;
use crate::lab::transport::close;
use crate::lab::{segments, states};
use crate::transport::states::State;
use crate::transport::tcp::Flags;

pub(super) const CLAIMS: &[Claim] = &[
    Claim {
        id: "four-segments-close",
        articles: &[A1, A0],
        statement: Words { en: "A connection is closed by four segments.", zh: "关闭连接需要四次挥手。" },
        expected: Expected::HoldsWhen(Words {
            en: "the other side closes later; when it closes at once, its ACK and its FIN are one segment: three",
            zh: "对方稍后才关闭;如果立即关闭,ACK 与 FIN 合并为一个报文段,总共三个",
        }),
        why: Words {
            en: "Two FINs and two acknowledgements are needed, but not four segments: a server that closes when it reads \
                 the end sends its acknowledgement and its FIN together.",
            zh: "需要两个 FIN 和两个确认,但不一定是四个报文段:服务器读到结束就关闭时,确认和 FIN 一起发送。",
        },
        attempt: four_segments,
    },
    Claim {
        id: "close-states",
        articles: &[A1],
        statement: Words {
            en: "Closing leads one side through FIN-WAIT-1, FIN-WAIT-2, TIME-WAIT, the other through CLOSE-WAIT, LAST-ACK.",
            zh: "关闭时主动方经历 FIN-WAIT-1、FIN-WAIT-2、TIME-WAIT,被动方经历 CLOSE-WAIT、LAST-ACK。",
        },
        expected: Expected::Holds,
        why: Words {
            en: "The states tell which of the two FINs was sent and which was acknowledged (RFC 9293).",
            zh: "这些状态表示两个 FIN 中哪个已发出、哪个已被确认(RFC 9293)。",
        },
        attempt: close_states,
    },
    Claim {
        id: "close-sends-fin",
        articles: &[A1],
        statement: Words { en: "close() sends a FIN.", zh: "close() 会发送 FIN。" },
        expected: Expected::HoldsWhen(Words {
            en: "everything that arrived was read and SO_LINGER is not set to 0; otherwise it sends RST",
            zh: "已到达的数据全部读完,且没有把 SO_LINGER 设为 0;否则发送 RST",
        }),
        why: Words {
            en: "A FIN would tell the peer that all went well. With input unread that is not so, so Linux says RST (RFC \
                 2525).",
            zh: "FIN 等于告诉对方一切顺利。还有数据没读时并非如此,所以 Linux 发送 RST(RFC 2525)。",
        },
        attempt: close_sends,
    },
    Claim {
        id: "fin-until-answered",
        articles: &[A1],
        statement: Words {
            en: "A FIN is sent again and again until it is acknowledged.",
            zh: "FIN 会一直重发,直到收到确认。",
        },
        expected: Expected::Refuted,
        why: Words {
            en: "The kernel gives up after a while (tcp_orphan_retries, tcp_retries2; tcp_syn_retries for a SYN) and forgets \
                 the connection. These numbers stand for times: 2 is 0.2 + 0.4 + 0.8 s of repeating. The first FIN and \
                 an early probe (RFC 8985) are not counted, so more FINs are sent than the number says.",
            zh: "内核过一段时间就放弃并忘掉这个连接(tcp_orphan_retries、tcp_retries2;SYN 则是 tcp_syn_retries)。\
                 这些数字代表时间:2 就是重传 0.2 + 0.4 + 0.8 秒。第一个 FIN 和提早的探测(RFC 8985)不计在内,\
                 所以发出的 FIN 比这个数字多。",
        },
        attempt: fin_unanswered,
    },
    Claim {
        id: "sent-then-closed-arrives",
        articles: &[A1],
        statement: Words {
            en: "What was sent before close() is still delivered.",
            zh: "close() 之前已发送的数据仍会送达。",
        },
        expected: Expected::Holds,
        why: Words {
            en: "close() returns at once, and the kernel goes on sending what it was given, then the FIN.",
            zh: "close() 立即返回,内核继续发送缓冲区中的数据,最后才是 FIN。",
        },
        attempt: sent_then_closed,
    },
    Claim {
        id: "unread-is-lost",
        articles: &[A1],
        statement: Words {
            en: "What arrived and was not read is lost at close().",
            zh: "close() 会丢弃已到达但尚未读取的数据。",
        },
        expected: Expected::Holds,
        why: Words {
            en: "And the sender hears of it: a RST, which also throws away what is still under way to it.",
            zh: "发送方也会得知:它收到 RST,而 RST 还会丢弃正发往它的数据。",
        },
        attempt: unread_lost,
    },
];

/// On a machine so busy that an acknowledgement comes too late, segments are repeated; then it is tried again.
const TRIES: usize = 4;
const FOUR: [&str; 4] = ["FIN ACK", "ACK", "FIN ACK", "ACK"];

/// A connection on a fresh stage that the client closes first, and the server later.
fn later(stage: &mut Stage<'_>) -> Result<(SocketAddr, [usize; 2], close::Closed), LabError> {
    let hosts = stage.pair(Neighbours::Known)?;
    let address = SocketAddr::new(stage.address(hosts[1]), stage.port()?);
    let mut closed = close::connection(stage, address, hosts[0], hosts[1], true)?;
    for _ in 1..TRIES {
        if closed.shape == FOUR {
            break;
        }
        closed = close::connection(stage, address, hosts[0], hosts[1], true)?;
    }
    Ok((address, hosts, closed))
}

fn four_segments(ground: Ground) -> Result<Found, Untried> {
    ground.stage(|stage| {
        let (address, hosts, four) = later(stage)?;
        let three = close::at_once(stage, address, hosts[0], hosts[1])?;
        let claimed = four.shape == FOUR;
        let measured = format!("{} / {}", four.shape.join(" | "), three.join(" | "));
        Ok(Found::sides(claimed, three == close::THREE, measured))
    })
}

fn close_states(ground: Ground) -> Result<Found, Untried> {
    ground.stage(|stage| {
        let (_, _, closed) = later(stage)?;
        let first = closed.first == [State::Established, State::FinWait1, State::FinWait2, State::TimeWait];
        let second = closed.second == [State::Established, State::CloseWait, State::LastAck] && closed.second_is_gone;
        let measured = format!("{}; {} → CLOSED", states::names(&closed.first), states::names(&closed.second));
        Ok(Found::whether(first && second, measured))
    })
}

/// The flags of the first segment that a server's close sends, with `prepare` done to its socket before and the
/// client's five bytes read or not.
fn closes_with(
    stage: &mut Stage<'_>,
    ends: &Ends,
    read: bool,
    prepare: fn(&Socket) -> std::io::Result<()>,
) -> Result<Flags, LabError> {
    let Connection { client, server, .. } = ends.connect(stage)?;
    needed("send", client.send(b"hello"))?;
    stage.settle(QUIET)?;
    needed("setsockopt", prepare(&server))?;
    if read {
        needed("recv", receive(&server, 100))?;
    }
    let from = stage.frames();
    stage.call(&ends.server, "close()", move || drop(server))?;
    stage.settle(QUIET)?;
    drop(client);
    Ok(ends.segments(stage, from).first().map(|segment| segment.flags).unwrap_or_default())
}

fn close_sends(ground: Ground) -> Result<Found, Untried> {
    ground.stage(|stage| {
        let hosts = stage.pair(Neighbours::Known)?;
        let ends = Ends::new(stage, hosts)?;
        let usual = closes_with(stage, &ends, true, |_| Ok(()))?;
        let unread = closes_with(stage, &ends, false, |_| Ok(()))?;
        let linger = closes_with(stage, &ends, true, |socket| socket.set_linger(Some(Duration::ZERO)))?;
        let contrary = [unread, linger].iter().all(|flags| flags.contains(Flags::RST));
        let measured = format!("{usual}; 5 B unread: {unread}; SO_LINGER 0: {linger}");
        Ok(Found::sides(usual.contains(Flags::FIN), contrary, measured))
    })
}

fn fin_unanswered(ground: Ground) -> Result<Found, Untried> {
    ground.stage(|stage| {
        let hosts = stage.pair(Neighbours::Known)?;
        stage.host(hosts[0]).run(|| sysctl::write("net.ipv4.tcp_orphan_retries", "2"))?;
        let ends = Ends::new(stage, hosts)?;
        let Connection { client, server, .. } = ends.connect(stage)?;
        stage.rule(every(|_| true, Fate::Drop));
        let from = stage.frames();
        stage.call(&ends.client, "close()", move || drop(client))?;
        let gone = |stage: &mut Stage<'_>| stage.look().is_ok_and(|seen| seen.first().is_some_and(Vec::is_empty));
        let given_up = stage.until("the end of the repetitions", PATIENCE, gone).is_ok();
        drop(server);
        let fins = segments::of(&stage.observation, hosts[0], hosts[1]);
        let fins = fins.iter().filter(|segment| segment.number > from && segment.flags.contains(Flags::FIN));
        let times: Vec<u128> = fins.map(|fin| fin.time_ns / 1_000_000).collect();
        let after: Vec<u128> = times.iter().map(|time| time - times[0]).collect();
        let end = if given_up { "CLOSED" } else { "…" };
        let measured = format!("tcp_orphan_retries=2: FIN after {after:?} ms → {end}");
        Ok(Found::sides(!given_up, given_up && times.len() > 1, measured))
    })
}

fn sent_then_closed(ground: Ground) -> Result<Found, Untried> {
    const BYTES: usize = 100_000;
    ground.loopback(|place| {
        let Local { client, server, .. } = Local::new(place)?;
        let sent = needed("send", client.send(&vec![b'x'; BYTES]))?;
        drop(client);
        let got = drain(&server, usize::MAX)?;
        Ok(Found::whether(sent == BYTES && got == sent, format!("send: {sent}; close; recv: {got}, then end")))
    })
}

fn unread_lost(ground: Ground) -> Result<Found, Untried> {
    ground.loopback(|place| {
        let Local { client, server, .. } = Local::new(place)?;
        needed("send", client.send(b"hello"))?;
        arrived(&server, 5)?;
        drop(server);
        let end = receive(&client, 100);
        Ok(Found::whether(
            failed_with(&end, Errno::ECONNRESET),
            format!("5 B unread, close; peer recv: {}", told(&end)),
        ))
    })
}
