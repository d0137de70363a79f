//! Datagrams that do not arrive, and who hears of it.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use nix::errno::Errno;
use socket2::Socket;

use super::{Both, FRAMES};
use crate::lab::endpoint::Endpoint;
use crate::lab::fate::{Fate, nth};
use crate::lab::observation::Words;
use crate::lab::program::{Program, failed_with, told};
use crate::lab::stage::{LabError, PATIENCE, Stage};
use crate::lab::tcp::needed;
use crate::lab::udp;

/// Long enough for a repetition or an error to show itself, if there were one.
const LISTENING: Duration = Duration::from_millis(300);
/// Datagrams of the burst.
const BURST: usize = 200;

pub(super) fn loss(stage: &mut Stage<'_>, lab: &Both<'_>) -> Result<(), LabError> {
    stage.note(Words { en: "the wire loses the second of three", zh: "线路丢失三个中的第二个" })?;
    stage.rule(nth(2, |_| true, Fate::Drop));
    let before = stage.frames();
    let sent = [lab.send(stage, "first")?, lab.send(stage, "second")?, lab.send(stage, "third")?];
    let received = [lab.receive(stage)?, lab.receive(stage)?];
    stage.settle(LISTENING)?;
    let frames = stage.frames().saturating_sub(before);
    stage.finding(
        Words {
            en: "a lost datagram is not repeated, and its sendto() said that all was well",
            zh: "丢失的数据报不会重传,而它的 sendto() 报告成功",
        },
        sent == [5, 6, 5] && received == ["first", "third"] && frames == 3,
        format!("{sent:?}, {received:?}, {frames}"),
    );
    Ok(())
}

pub(super) fn overflow(stage: &mut Stage<'_>, lab: &Both<'_>, server: &Program) -> Result<(), LabError> {
    stage.note(Words {
        en: "200 datagrams for a small receive buffer that nobody empties",
        zh: "向一个没有人读取的小接收缓冲区发送 200 个数据报",
    })?;
    let small = |socket: &Socket| socket.set_recv_buffer_size(4096);
    needed("setsockopt", lab.receiver.call(stage, "setsockopt(SO_RCVBUF, 4096)", small)?)?;
    let before = stage.counters(server.host)?;
    let address = lab.address.into();
    let sent = stage.keeping(FRAMES, |stage| {
        let burst = move |socket: &Socket| {
            (0..BURST).try_fold(0, |sent, _| socket.send_to(&[b'x'; 1000], &address).map(|_| sent + 1))
        };
        let sent = lab.sender.call(stage, "200 x sendto(1000 bytes)", burst)?;
        let all = u64::try_from(BURST).unwrap_or(u64::MAX);
        if stage.has_wire() {
            stage.until("the arrival of the burst", PATIENCE, |stage| {
                stage.counters(server.host).is_ok_and(|now| now.grown(&before, "IpInDelivers") >= all)
            })?;
        }
        stage.settle(LISTENING)?;
        Ok(sent)
    })?;
    let sent: usize = needed("sendto", sent)?;
    let kept = needed("recv", lab.receiver.call(stage, "recv() until EAGAIN", udp::drain)?)?;
    stage.finding(
        Words {
            en: "every sendto() says that all is well; only what fits in the receive buffer is there to be read",
            zh: "每次 sendto() 都报告成功;只有接收缓冲区放得下的才能读到",
        },
        sent == BURST && (1..BURST / 2).contains(&kept),
        format!("{sent} → {kept}"),
    );
    if stage.has_wire() {
        let dropped = stage.counters(server.host)?.grown(&before, "UdpRcvbufErrors") as usize;
        stage.finding(
            Words {
                en: "the receiver's kernel counts the others in UdpRcvbufErrors",
                zh: "接收方内核把其余的计入 UdpRcvbufErrors",
            },
            dropped > 0 && dropped + kept == BURST,
            format!("{dropped} + {kept} = {BURST}"),
        );
    }
    Ok(())
}

pub(super) fn refused(stage: &mut Stage<'_>, client: &Program, host: IpAddr) -> Result<(), LabError> {
    stage.note(Words { en: "a port where nobody is", zh: "一个没有人的端口" })?;
    let nobody = SocketAddr::new(host, stage.port()?);
    let connected = Endpoint::open(stage, client, "connect()", move || udp::connect(nobody))?;
    let sent = connected.call(stage, "send(\"anybody?\")", |socket| socket.send(b"anybody?"))?;
    let answer = connected.call(stage, "recv()", |socket| udp::receive(socket, 100))?;
    stage.finding(
        Words {
            en: "a connected socket hears of the ICMP port unreachable: its next call fails with ECONNREFUSED",
            zh: "已连接的套接字能听到 ICMP 端口不可达:它的下一次调用以 ECONNREFUSED 失败",
        },
        sent.is_ok() && failed_with(&answer, Errno::ECONNREFUSED),
        told(&answer),
    );

    let other = Endpoint::open(stage, client, "socket()", move || udp::socket(nobody))?;
    needed("setsockopt", other.socket().set_read_timeout(Some(LISTENING)))?;
    let to = nobody.into();
    let sent = other.call(stage, "sendto(\"anybody?\")", move |socket| socket.send_to(b"anybody?", &to))?;
    let answer = other.call(stage, "recv(), at most 0.3 s", |socket| udp::receive(socket, 100))?;
    stage.finding(
        Words { en: "a socket that is not connected hears nothing of it", zh: "未连接的套接字听不到" },
        sent.is_ok() && failed_with(&answer, Errno::EAGAIN),
        told(&answer),
    );
    Ok(())
}
