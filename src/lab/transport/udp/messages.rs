//! Datagrams that arrive: their boundaries and their sizes.

use nix::errno::Errno;
use socket2::Socket;

use super::{Both, FRAMES, LARGEST};
use crate::lab::observation::Words;
use crate::lab::program::{failed_with, told};
use crate::lab::stage::{LabError, Stage};
use crate::lab::tcp::needed;
use crate::lab::udp;
use crate::transport::udp::HEADER_BYTES;

pub(super) fn boundaries(stage: &mut Stage<'_>, lab: &Both<'_>) -> Result<(), LabError> {
    stage.note(Words { en: "three sends, then three reads", zh: "发送三次,然后读取三次" })?;
    for text in ["one", "two", "three"] {
        lab.send(stage, text)?;
    }
    let received = [lab.receive(stage)?, lab.receive(stage)?, lab.receive(stage)?];
    let datagrams = udp::datagrams(&stage.observation);
    if let Some(first) = datagrams.first().filter(|_| stage.has_wire()) {
        stage.finding(
            Words {
                en: "there is no handshake: the first frame carries data", zh: "没有握手:第一个帧就带着数据"
            },
            first.number == 1 && first.payload == 3,
            format!("#{}: {}", first.number, first.payload),
        );
        let eight = |datagram: &udp::Datagram| {
            datagram.carried == datagram.payload + HEADER_BYTES
                && datagram.carried == usize::from(datagram.header.length)
        };
        let sizes: Vec<_> = datagrams.iter().map(|d| format!("{} = {} + 8", d.header.length, d.payload)).collect();
        stage.finding(
            Words { en: "the header has eight bytes", zh: "首部有八个字节" },
            datagrams.len() == 3 && datagrams.iter().all(eight),
            sizes.join(", "),
        );
    }
    stage.finding(
        Words {
            en: "three sends are three reads: boundaries are kept", zh: "三次发送就是三次读取:边界得以保留"
        },
        received == ["one", "two", "three"],
        received.join(" | "),
    );
    Ok(())
}

pub(super) fn empty(stage: &mut Stage<'_>, lab: &Both<'_>) -> Result<(), LabError> {
    stage.note(Words { en: "an empty datagram, and one behind it", zh: "一个空数据报,后面再跟一个" })?;
    let sent = lab.send(stage, "")?;
    lab.send(stage, "next")?;
    let received = [lab.receive(stage)?, lab.receive(stage)?];
    stage.finding(
        Words {
            en: "an empty datagram is a message of its own, and does not mean that the peer is gone",
            zh: "空数据报也是一条消息,并不表示对方已经离开",
        },
        sent == 0 && received == ["", "next"],
        format!("{received:?}"),
    );
    Ok(())
}

pub(super) fn truncation(stage: &mut Stage<'_>, lab: &Both<'_>) -> Result<(), LabError> {
    stage.note(Words { en: "reads that are too short", zh: "读取得太少" })?;
    lab.send(stage, "0123456789")?;
    lab.send(stage, "next")?;
    lab.send(stage, "0123456789")?;
    let cut = needed("recvmsg", lab.receiver.call(stage, "recvmsg(4)", |s| udp::receive_message(s, 4))?)?;
    let next = lab.receive(stage)?;
    let size = needed("recv", lab.receiver.call(stage, "recv(4, MSG_TRUNC)", |socket| udp::receive_size(socket, 4))?)?;
    stage.finding(
        Words {
            en: "a read of 4 bytes cuts a datagram of 10, and the rest is gone: the next read gets the next datagram",
            zh: "只读 4 字节会截断 10 字节的数据报,其余的丢掉了:下一次读取得到的是下一个数据报",
        },
        cut.bytes == b"0123" && next == "next",
        format!("\"{}\", \"{next}\"", String::from_utf8_lossy(&cut.bytes)),
    );
    stage.finding(
        Words {
            en: "recvmsg() tells that it was cut, and recv() with MSG_TRUNC how long it was",
            zh: "recvmsg() 会说明数据报被截断,带 MSG_TRUNC 的 recv() 会说明原来的长度",
        },
        cut.truncated && size == 10,
        format!("MSG_TRUNC, {size}"),
    );
    Ok(())
}

pub(super) fn largest(stage: &mut Stage<'_>, lab: &Both<'_>) -> Result<(), LabError> {
    stage.note(Words { en: "the largest datagram, and one byte more", zh: "最大的数据报,再多一个字节" })?;
    let enough = |socket: &Socket| socket.set_recv_buffer_size(1 << 18);
    needed("setsockopt", lab.receiver.call(stage, "setsockopt(SO_RCVBUF, 262144)", enough)?)?;
    let before = stage.frames();
    let send = |length: usize| {
        let address = lab.address.into();
        move |socket: &Socket| socket.send_to(&vec![0; length], &address)
    };
    let (sent, received) = stage.keeping(FRAMES, |stage| {
        let sent = lab.sender.call(stage, "sendto(65507 bytes)", send(LARGEST))?;
        let received =
            lab.receiver.call(stage, "recv(65507, MSG_TRUNC)", |socket| udp::receive_size(socket, LARGEST))?;
        Ok((sent, received))
    })?;
    let frames = stage.frames().saturating_sub(before);
    let more = lab.sender.call(stage, "sendto(65508 bytes)", send(LARGEST + 1))?;
    let (sent, received) = (needed("sendto", sent)?, needed("recv", received)?);
    stage.finding(
        Words {
            en: "65,507 bytes is the most in IPv4; 65,508 fail with EMSGSIZE",
            zh: "IPv4 中最多 65,507 字节;65,508 以 EMSGSIZE 失败",
        },
        (sent, received) == (LARGEST, LARGEST) && failed_with(&more, Errno::EMSGSIZE),
        format!("{received}, {}", told(&more)),
    );
    if stage.has_wire() {
        stage.finding(
            Words {
                en: "the largest datagram travels as 45 fragments", zh: "最大的数据报分成 45 个分片传输"
            },
            frames == 45,
            frames.to_string(),
        );
    }
    Ok(())
}
