//! The Ethernet frame: fourteen bytes in front, a payload that fits, and addresses that are settings (IEEE 802.3).

use std::time::Duration;

use nix::errno::Errno;

use crate::bytes::Mac;
use crate::kernel::OsError;
use crate::kernel::netlink::Netlink;
use crate::lab::endpoint::Endpoint;
use crate::lab::experiment::{Floor, Lab, Parameters};
use crate::lab::observation::Words;
use crate::lab::packets::{self, Packet};
use crate::lab::program::Program;
use crate::lab::stage::{LabError, Stage};
use crate::lab::tcp::needed;
use crate::lab::topology::Neighbours;
use crate::lab::udp;
use crate::link::ether_type;
use crate::link::packet_socket::{Kind, Named, PacketSocket};

/// The lab.
pub const LAB: Lab = Lab {
    name: "frame",
    floor: Floor::Link,
    on_loopback: false,
    title: Words {
        en: "A frame: fourteen bytes in front, and what fits behind",
        zh: "以太网帧:前面十四个字节,后面是装得下的内容",
    },
    explanation: Words {
        en: "An Ethernet header has 14 bytes: the destination's address (6), the source's (6), and a type (2) that says \
             what follows, such as 0x0800 for IPv4 and 0x0806 for ARP. On a real wire a payload below 46 bytes is \
             padded, and a check sequence of 4 bytes follows it: that makes 64 to 1518 bytes. The card adds and takes \
             off both; the virtual cables of this lab have neither, so an ARP message is 42 bytes long. Two bits of an \
             address have a meaning: the lowest of the first byte marks a group (all ones: everybody), the next one an \
             address that was given locally instead of bought. Vendors buy the first three bytes and number the rest, \
             but the address that a card uses is a setting and can be changed. A link has a largest payload, its MTU: \
             1500 bytes. What is longer is cut by IP, or by TCP before that; Ethernet itself cuts nothing and refuses \
             it.",
        zh: "以太网首部有 14 字节:目的地址(6)、源地址(6)和类型(2),类型说明后面是什么,例如 0x0800 是 IPv4,0x0806 是 ARP。\
             在真实线路上,不足 46 字节的内容会被填充,后面还有 4 字节的校验序列,所以总长 64 到 1518 字节。两者都由网卡添加和去除;\
             本实验的虚拟网线都没有,所以 ARP 报文长 42 字节。地址中有两位具有特殊含义:第一个字节的最低位表示组地址(全 1 即广播),\
             次低位表示本地指定而非购买的地址。厂商购买前三个字节,其余自行编号,但网卡使用的地址只是一项设置,可以修改。\
             每条链路有最大载荷,即 MTU:1500 字节。更长的由 IP 切分,或者更早由 TCP 切分;以太网本身不切分任何东西,只会拒绝。",
    },
    run,
};

/// The longest frame: an MTU of 1500 bytes behind 14 bytes of header.
const LONGEST: usize = 14 + 1500;
/// The most bytes of a message that fit in one frame.
const FITS: usize = 1500 - 20 - 8;
/// What the client's card is called later: nobody bought this one either.
const OTHER: Mac = Mac([0x06, 0, 0, 0, 0, 0x2a]);
/// Longer than a kernel takes to send what it has.
const QUIET: Duration = Duration::from_millis(20);

fn run(stage: &mut Stage<'_>, _: &Parameters) -> Result<(), LabError> {
    let [client, server] = stage.pair(Neighbours::Asked)?;
    stage.watch_states = false;
    let (client, server) = (stage.program(client), stage.program(server));
    let [sender, receiver] = Endpoint::datagrams(stage, [&client, &server])?;
    let send = |stage: &mut Stage<'_>, what: &str, bytes: Vec<u8>| -> Result<Vec<Packet>, LabError> {
        let (before, length) = (stage.frames(), bytes.len());
        sender.send(stage, what, bytes)?;
        receiver.wait_for(stage, length)?;
        stage.settle(QUIET)?;
        needed("recv", udp::drain(receiver.socket()))?;
        Ok(packets::of(&stage.observation).into_iter().filter(|packet| packet.number > before).collect())
    };

    stage.note(Words { en: "five bytes from program to program", zh: "程序之间的五个字节" })?;
    let small = send(stage, "\"hello\"", b"hello".to_vec())?;
    header(stage, &small);
    addresses(stage, &small);
    padding(stage, &small);

    stage.note(Words { en: "the client's card gets another address", zh: "给客户端的网卡换一个地址" })?;
    stage.host(client.host).run(|| Netlink::open()?.set_mac("eth0", OTHER))?;
    if let Some(station) = stage.observation.hosts.get_mut(client.host) {
        station.macs.push(OTHER);
    }
    let renamed = send(stage, "\"hello\"", b"hello".to_vec())?;
    setting(stage, &renamed);

    stage.note(Words { en: "a frame that is full, and one byte more", zh: "一个满帧,再多一个字节" })?;
    let full = send(stage, "1472 bytes", vec![b'x'; FITS])?;
    let more = send(stage, "1473 bytes", vec![b'x'; FITS + 1])?;
    limit(stage, &full, &more);

    stage.note(Words { en: "the same without IP: frames as they are", zh: "不经过 IP:直接发送帧" })?;
    refusal(stage, &client)
}

fn header(stage: &mut Stage<'_>, packets: &[Packet]) {
    let around = |packet: &Packet| match (packet.arp, packet.ip) {
        (Some(_), _) => Some((packet.ethernet.type_or_length, packet.length, ARP)),
        (_, Some(ip)) => Some((packet.ethernet.type_or_length, packet.length, ip.total_length.into())),
        _ => None,
    };
    let parts: Vec<_> = packets.iter().filter_map(around).collect();
    stage.finding(
        Words {
            en: "14 bytes in front of everything: to whom, from whom, what",
            zh: "一切内容之前有 14 字节:给谁、来自谁、是什么",
        },
        parts.len() == 3 && parts.iter().all(|(_, frame, payload)| frame - payload == 14),
        "6 + 6 + 2",
    );
    let types: Vec<u16> = parts.iter().map(|(ether_type, ..)| *ether_type).collect();
    let told: Vec<String> =
        parts.iter().map(|(kind, frame, payload)| format!("0x{kind:04x}: 14 + {payload} = {frame}")).collect();
    stage.finding(
        Words { en: "the type says what is inside", zh: "类型说明里面是什么" },
        types == [ether_type::ARP, ether_type::ARP, ether_type::IPV4],
        told.join(", "),
    );
}

/// Bytes of an ARP message for Ethernet and IPv4.
const ARP: usize = 28;

fn addresses(stage: &mut Stage<'_>, packets: &[Packet]) {
    let destinations: Vec<Mac> = packets.iter().map(|packet| packet.ethernet.destination).collect();
    let groups: Vec<bool> = destinations.iter().map(|mac| mac.is_group()).collect();
    let told: Vec<String> = destinations.iter().map(ToString::to_string).collect();
    stage.finding(
        Words {
            en: "the question goes to everybody, the rest to one: the lowest bit of the first byte",
            zh: "提问发给所有人,其余发给一个:看第一个字节的最低位",
        },
        groups == [true, false, false] && destinations.first().is_some_and(|mac| mac.is_broadcast()),
        told.join(", "),
    );
    let macs: Vec<Mac> = stage.observation.hosts.iter().flat_map(|host| host.macs.clone()).collect();
    let told: Vec<String> = macs.iter().map(ToString::to_string).collect();
    stage.finding(
        Words {
            en: "these addresses were bought by nobody: the next bit says so",
            zh: "这些地址没有人购买:次低位表明这一点",
        },
        macs.len() == 2 && macs.iter().all(|mac| mac.is_local() && !mac.is_group()),
        told.join(", "),
    );
}

fn padding(stage: &mut Stage<'_>, packets: &[Packet]) {
    let Some((frame, ip)) = packets.last().and_then(|packet| packet.ip.map(|ip| (packet.length, ip.total_length)))
    else {
        return;
    };
    stage.finding(
        Words {
            en: "a virtual cable neither pads nor checks: on a real wire this frame has 64 bytes",
            zh: "虚拟网线既不填充也不校验:在真实线路上这个帧有 64 字节",
        },
        frame == 14 + usize::from(ip) && frame < 60,
        format!("{frame} bytes; {frame} + {} padding + 4 check", 60usize.saturating_sub(frame)),
    );
}

fn setting(stage: &mut Stage<'_>, packets: &[Packet]) {
    let sources: Vec<Mac> =
        packets.iter().filter(|packet| packet.from == 0).map(|packet| packet.ethernet.source).collect();
    stage.finding(
        Words {
            en: "a link address is a setting, not burnt in", zh: "链路地址是一项设置,并非烧死在网卡里"
        },
        !sources.is_empty() && sources.iter().all(|mac| *mac == OTHER),
        format!("now {OTHER}"),
    );
}

fn limit(stage: &mut Stage<'_>, full: &[Packet], more: &[Packet]) {
    let lengths = |packets: &[Packet]| packets.iter().map(|packet| packet.length).collect::<Vec<_>>();
    let (full, more) = (lengths(full), lengths(more));
    stage.finding(
        Words { en: "1500 bytes fit behind the header", zh: "首部之后容得下 1500 字节" },
        full == [LONGEST],
        format!("14 + 1500 = {}", full.iter().sum::<usize>()),
    );
    stage.finding(
        Words { en: "for one byte more IP makes two frames", zh: "再多一个字节,IP 就发出两个帧" },
        more == [LONGEST, 14 + 20 + 1],
        format!("{more:?}"),
    );
}

/// Whether Ethernet cuts what is too long.
fn refusal(stage: &mut Stage<'_>, client: &Program) -> Result<(), LabError> {
    let before = stage.frames();
    let mut results = Vec::new();
    for length in [LONGEST, LONGEST + 1] {
        let sent = stage.call(client, &format!("send(frame of {length} bytes)"), move || bare(length))?;
        results.push(sent.err().and_then(|error| error.raw_os_error()).map(Errno::from_raw));
    }
    stage.settle(QUIET)?;
    let frames = stage.frames().saturating_sub(before);
    let told = |result: Option<&Option<Errno>>| {
        result.copied().flatten().map_or_else(|| "sent".to_owned(), |errno| format!("{errno:?}"))
    };
    stage.finding(
        Words { en: "Ethernet itself cuts nothing: it refuses", zh: "以太网本身不切分:它拒绝" },
        frames == 1 && results == [None, Some(Errno::EMSGSIZE)],
        format!("{LONGEST} bytes: {}, {} bytes: {}", told(results.first()), LONGEST + 1, told(results.last())),
    );
    Ok(())
}

/// Sends a frame of `length` bytes to everybody, of a type that stands for experiments (IEEE 802, 0x88b5).
fn bare(length: usize) -> std::io::Result<()> {
    let send = || -> Result<(), OsError> {
        let index = Netlink::open()?.link("eth0")?.index;
        let socket =
            PacketSocket::open(&Named { name: "eth0".to_owned(), index }, Kind::WithLinkHeader, "a frame of a lab")?;
        socket.start()?;
        let mut frame = [&Mac::BROADCAST.0[..], &OTHER.0, &[0x88, 0xb5]].concat();
        frame.resize(length, 0);
        socket.send(&frame)
    };
    send().map_err(|error| error.errno.into())
}
