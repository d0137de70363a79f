//! A datagram that is longer than a frame: cut by its sender, joined by its receiver, lost with its first lost piece
//! (RFC 791 section 3.2, RFC 1122 section 3.3.2).

use std::os::fd::AsRawFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv};

use crate::kernel::sysctl;
use crate::lab::endpoint::Endpoint;
use crate::lab::experiment::{Floor, Lab, Parameters};
use crate::lab::fate::{self, Fate, Passing};
use crate::lab::observation::Words;
use crate::lab::packets::{self, Packet};
use crate::lab::stage::{LabError, Stage};
use crate::lab::tcp::needed;
use crate::lab::topology::Neighbours;
use crate::lab::udp;

/// The lab.
pub const LAB: Lab = Lab {
    name: "fragment",
    floor: Floor::Internet,
    on_loopback: false,
    title: Words { en: "A datagram longer than a frame travels in fragments", zh: "比帧长的数据报分片传送" },
    explanation: Words {
        en: "An Ethernet frame carries 1500 bytes. Of these IPv4 and UDP take 28, so 1472 bytes of a message fit in one \
             frame. With one more, IP (not Ethernet, which never cuts anything) cuts the datagram: every fragment has \
             an IP header of its own with the same identification, the place of its bytes in the datagram (in units \
             of eight bytes), and a flag that more follow; only the first has the ports. The receiver joins them when \
             all are there. If one is lost all are lost: nothing repeats a single fragment, and after 30 seconds the \
             receiver gives up and says so in an ICMP message. The length field of IPv4 has 16 bits, so the largest \
             datagram has 65,535 bytes: 65,507 of a message. TCP never needs any of this, because it cuts its stream \
             into segments that fit.",
        zh: "以太网帧承载 1500 字节,IPv4 和 UDP 占去 28 字节,所以一个帧容得下 1472 字节的消息。再多一个字节,IP(不是以太网,\
             以太网从不切分任何东西)就把数据报切开:每个分片都有自己的 IP 首部,标识相同,并写明其字节在数据报中的位置(以八字节为单位)\
             和后面是否还有分片;只有第一个分片有端口号。接收方等所有分片到齐后重组。丢失一个就等于全部丢失:没有谁会重传单个分片,\
             30 秒后接收方放弃,并用 ICMP 报文告知。IPv4 的长度字段有 16 位,所以最大的数据报是 65,535 字节:消息 65,507 字节。\
             TCP 从不需要这些,因为它把字节流切成放得下的报文段。",
    },
    run,
};

/// The most that fits in one frame: 1500 bytes without the headers of IPv4 and UDP.
const FITS: usize = 1500 - 20 - 8;
/// The most that fits in one datagram: 65,535 bytes without the same headers.
const LARGEST: usize = 65_535 - 20 - 8;
/// Longer than a kernel takes to send what it has.
const QUIET: Duration = Duration::from_millis(20);

fn run(stage: &mut Stage<'_>, _: &Parameters) -> Result<(), LabError> {
    let [client, server] = stage.pair(Neighbours::Known)?;
    stage.watch_states = false;
    let (client, server) = (stage.program(client), stage.program(server));
    let [sender, receiver] = Endpoint::datagrams(stage, [&client, &server])?;

    stage.note(Words { en: "1472 bytes fit in one frame", zh: "1472 字节放得进一个帧" })?;
    let whole = send(stage, &sender, &receiver, FITS)?;
    fits(stage, &whole);
    stage.note(Words { en: "one byte more", zh: "再多一个字节" })?;
    let cut = send(stage, &sender, &receiver, FITS + 1)?;
    is_cut(stage, &cut);
    stage.note(Words { en: "the most that fits in one datagram", zh: "一个数据报容得下的最大长度" })?;
    largest(stage, &sender, &receiver)?;
    stage.note(Words {
        en: "the second fragment is lost (the receiver waits 2 s: ipfrag_time is shortened from 30)",
        zh: "第二个分片丢失(接收方等 2 秒:ipfrag_time 从 30 缩短)",
    })?;
    lost(stage, &sender, &receiver, server.host)
}

/// What became of one datagram.
struct Passed {
    packets: Vec<Packet>,
    received: usize,
}

fn send(
    stage: &mut Stage<'_>,
    sender: &Endpoint<'_>,
    receiver: &Endpoint<'_>,
    length: usize,
) -> Result<Passed, LabError> {
    let before = stage.frames();
    sender.send(stage, &format!("{length} bytes"), vec![b'x'; length])?;
    let received = receive(stage, receiver)?;
    stage.settle(QUIET)?;
    Ok(Passed { packets: since(stage, before), received })
}

fn receive(stage: &mut Stage<'_>, receiver: &Endpoint<'_>) -> Result<usize, LabError> {
    let received =
        receiver.call(stage, "recv()", |socket| udp::receive(socket, LARGEST + 1).map(|bytes| bytes.len()))?;
    needed("recv", received)
}

fn since(stage: &Stage<'_>, before: u64) -> Vec<Packet> {
    packets::of(&stage.observation).into_iter().filter(|packet| packet.number > before).collect()
}

fn fits(stage: &mut Stage<'_>, passed: &Passed) {
    let lengths: Vec<usize> = passed.packets.iter().map(|packet| packet.length).collect();
    let whole = passed.packets.iter().all(|packet| packet.ip.is_some_and(|ip| ip.dont_fragment && !ip.is_fragment()));
    stage.finding(
        Words { en: "1472 bytes: one full frame, not to be cut (DF)", zh: "1472 字节:一个满帧,不许分片(DF)" },
        lengths == [1514] && whole && passed.received == FITS,
        format!("14 + 20 + 8 + {FITS} = {} bytes", lengths.iter().sum::<usize>()),
    );
}

fn is_cut(stage: &mut Stage<'_>, passed: &Passed) {
    let pieces: Vec<_> = passed.packets.iter().filter_map(|packet| packet.ip).collect();
    let told: Vec<String> = pieces
        .iter()
        .map(|ip| {
            let more = if ip.more_fragments { ", more follow" } else { "" };
            let length = ip.total_length.saturating_sub(20);
            let bytes = if length == 1 { "byte" } else { "bytes" };
            format!("{length} {bytes} at {}{more}", ip.fragment_offset)
        })
        .collect();
    stage.finding(
        Words {
            en: "1473 bytes: two fragments, which the receiver joins", zh: "1473 字节:两个分片,由接收方重组"
        },
        told == ["1480 bytes at 0, more follow", "1 byte at 1480"] && passed.received == FITS + 1,
        told.join("; "),
    );
    let [first, second] = pieces.as_slice() else { return };
    let ports = passed.packets.iter().filter(|packet| packet.udp.is_some()).count();
    stage.finding(
        Words {
            en: "both have the same identification, only the first the ports",
            zh: "两者标识相同,只有第一个带端口号",
        },
        first.identification == second.identification && ports == 1,
        format!("0x{:04x}, 0x{:04x}", first.identification, second.identification),
    );
}

fn largest(stage: &mut Stage<'_>, sender: &Endpoint<'_>, receiver: &Endpoint<'_>) -> Result<(), LabError> {
    // Dozens of frames that all look the same are only counted.
    let (kept, before) = (stage.keep_frames, stage.frames());
    stage.keep_frames = 0;
    sender.send(stage, &format!("{LARGEST} bytes"), vec![b'x'; LARGEST])?;
    let received = receive(stage, receiver)?;
    stage.settle(QUIET)?;
    let frames = stage.frames().saturating_sub(before);
    stage.keep_frames = kept;
    let call = format!("send({} bytes)", LARGEST + 1);
    let refused = sender.call(stage, &call, |socket| socket.send(&vec![b'x'; LARGEST + 1]))?;
    let errno = refused.err().and_then(|error| error.raw_os_error()).map(Errno::from_raw);
    stage.finding(
        Words {
            en: "65507 bytes are the limit, and take 45 frames; 65508 are refused",
            zh: "上限是 65507 字节,需要 45 个帧;65508 字节被拒绝",
        },
        received == LARGEST && frames == 45 && errno == Some(Errno::EMSGSIZE),
        format!("{frames} frames; {}", errno.map_or_else(String::new, |errno| format!("{errno:?}"))),
    );
    Ok(())
}

/// Whether a frame carries a fragment from behind the beginning of a datagram.
fn is_later_piece(frame: &Passing<'_>) -> bool {
    packets::ip(frame).is_some_and(|ip| ip.fragment_offset > 0)
}

fn lost(stage: &mut Stage<'_>, sender: &Endpoint<'_>, receiver: &Endpoint<'_>, server: usize) -> Result<(), LabError> {
    stage.host(server).run(|| sysctl::write("net.ipv4.ipfrag_time", "2"))?;
    stage.rule(fate::nth(1, is_later_piece, Fate::Drop));
    let (before, counters) = (stage.frames(), stage.counters(server)?);
    sender.send(stage, &format!("{} bytes", FITS + 1), vec![b'x'; FITS + 1])?;
    stage.until("an answer of the receiver", stage.patience, |stage| stage.frames() >= before + 3)?;
    stage.settle(QUIET)?;
    let nothing = receiver.call(stage, "recv(MSG_DONTWAIT)", |socket| {
        recv(socket.as_raw_fd(), &mut [0], MsgFlags::MSG_DONTWAIT).map_err(std::io::Error::from)
    })?;
    let given_up = stage.counters(server)?.grown(&counters, "IpReasmTimeout");
    let packets = since(stage, before);
    let later = packets.iter().filter(|packet| packet.from == server).find_map(|packet| packet.icmp);
    let errno = nothing.err().and_then(|error| error.raw_os_error()).map(Errno::from_raw);
    stage.finding(
        Words { en: "one fragment lost: the whole datagram is lost", zh: "丢失一个分片:整个数据报丢失" },
        errno == Some(Errno::EAGAIN),
        errno.map_or_else(String::new, |errno| format!("recv: {errno:?}")),
    );
    stage.finding(
        Words {
            en: "the receiver gives up after a while, and tells the sender",
            zh: "接收方等待一段时间后放弃,并告知发送者",
        },
        given_up == 1 && later.is_some_and(|icmp| (icmp.kind, icmp.code) == (11, 1)),
        later.map_or_else(String::new, |icmp| {
            format!("ICMP type {} code {}, IpReasmTimeout {given_up}", icmp.kind, icmp.code)
        }),
    );
    Ok(())
}
