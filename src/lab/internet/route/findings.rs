//! What the lab teaches, checked against the frames.

use nix::errno::Errno;

use super::{CLIENT, LONG, NARROW, NEAR, ROUTER, SERVER};
use crate::bytes::Mac;
use crate::internet::icmp::Message;
use crate::lab::observation::Words;
use crate::lab::packets::{self, Packet};
use crate::lab::stage::Stage;

/// The frames behind number `from`.
fn since(stage: &Stage<'_>, from: u64) -> Vec<Packet> {
    packets::of(&stage.observation).into_iter().filter(|packet| packet.number > from).collect()
}

fn mac(stage: &Stage<'_>, host: usize, interface: usize) -> Option<Mac> {
    stage.observation.hosts.get(host).and_then(|host| host.macs.get(interface).copied())
}

pub(super) fn forwarding(stage: &mut Stage<'_>) {
    let packets = since(stage, 0);
    let [before, after] = packets.as_slice() else {
        return stage.finding(ADDRESSES, false, format!("{} frames", packets.len()));
    };
    let macs = |packet: &Packet| (Some(packet.ethernet.source), Some(packet.ethernet.destination));
    let [client, near, other, server] =
        [(0, 0), (ROUTER, 0), (ROUTER, 1), (2, 0)].map(|(host, at)| mac(stage, host, at));
    let addresses = |packet: &Packet| packet.ip.map(|ip| (ip.source, ip.destination));
    let new_frame = macs(before) == (client, near) && macs(after) == (other, server);
    let same = [before, after].iter().all(|packet| addresses(packet) == Some((CLIENT, SERVER)));
    let told = |packet: &Packet| format!("{} → {}", packet.ethernet.source, packet.ethernet.destination);
    stage.finding(ADDRESSES, new_frame && same, format!("{}; then {}", told(before), told(after)));
    let (Some(one), Some(two)) = (before.ip, after.ip) else { return };
    stage.finding(
        Words { en: "the router takes one from the time to live", zh: "路由器把生存时间减一" },
        one.ttl == 64 && two.ttl == 63,
        format!("{}, then {}", one.ttl, two.ttl),
    );
    let restored = crate::internet::Ipv4 { ttl: one.ttl, checksum: one.checksum, ..two };
    stage.finding(
        Words {
            en: "the header checksum is new, everything else in the header is as it was",
            zh: "首部校验和是新的,首部其余部分不变",
        },
        one.checksum != two.checksum && restored == one && before.udp == after.udp,
        format!("0x{:04x}, then 0x{:04x}", one.checksum, two.checksum),
    );
}

const ADDRESSES: Words =
    Words { en: "new link addresses, the same IP addresses", zh: "链路地址是新的,IP 地址不变" };

pub(super) fn expiry(stage: &mut Stage<'_>, from: u64) {
    let packets = since(stage, from);
    let reached = packets.iter().any(|packet| packet.to.contains(&2));
    let icmp = packets.iter().find_map(|packet| packet.icmp.zip(packet.ip));
    stage.finding(
        Words {
            en: "at time to live 1 the router drops the datagram and tells the sender",
            zh: "生存时间为 1 时,路由器丢弃数据报并告知发送者",
        },
        !reached && icmp.is_some_and(|(icmp, ip)| (icmp.kind, icmp.code, ip.source) == (11, 0, NEAR)),
        icmp.map_or_else(String::new, |(icmp, ip)| {
            format!("ICMP type {} code {} from {}", icmp.kind, icmp.code, ip.source)
        }),
    );
}

pub(super) fn fragmentation(stage: &mut Stage<'_>, from: u64, whole: usize) {
    let packets = since(stage, from);
    let sent: Vec<&Packet> = packets.iter().filter(|packet| packet.from == 0).collect();
    let forwarded: Vec<_> =
        packets.iter().filter(|packet| packet.from == ROUTER).filter_map(|packet| packet.ip).collect();
    let sizes: Vec<u16> = forwarded.iter().map(|ip| ip.total_length.saturating_sub(ip.header_length.into())).collect();
    let one = sent.len() == 1 && sent.iter().all(|packet| packet.ip.is_some_and(|ip| !ip.dont_fragment));
    let fit = forwarded.iter().all(|ip| u32::from(ip.total_length) <= NARROW);
    let all = sizes.iter().map(|size| usize::from(*size)).sum::<usize>() == LONG + 8;
    stage.finding(
        Words {
            en: "without DF the router cuts a datagram that is too long, and the destination joins it",
            zh: "没有 DF 时,路由器切开过长的数据报,由目的主机重组",
        },
        one && forwarded.len() == 2 && fit && all && whole == LONG,
        format!("IP payloads {sizes:?}, {whole} bytes received"),
    );
}

pub(super) fn learnt(stage: &mut Stage<'_>, from: u64, learnt: i32, errno: Option<i32>) {
    let packets = since(stage, from);
    let (sent, reached) = (packets.iter().filter(|p| p.from == 0).count(), packets.iter().any(|p| p.to.contains(&2)));
    let icmp = packets.iter().find_map(|packet| packet.icmp);
    let mtu = icmp.and_then(|icmp| match icmp.message {
        Message::Error { parameter, .. } if (icmp.kind, icmp.code) == (3, 4) => Some(parameter),
        _ => None,
    });
    stage.finding(
        Words {
            en: "with DF it drops it, and names the size that would pass",
            zh: "有 DF 时丢弃它,并说明能通过的大小",
        },
        !reached && mtu == Some(NARROW),
        mtu.map_or_else(String::new, |mtu| format!("fragmentation needed, mtu {mtu}")),
    );
    let errno = errno.map(Errno::from_raw);
    stage.finding(
        Words {
            en: "the sender's kernel remembers it, and refuses the next one itself",
            zh: "发送者的内核记住它,自己拒绝下一个",
        },
        sent == 1 && learnt == NARROW as i32 && errno == Some(Errno::EMSGSIZE),
        format!("path MTU {learnt}, {}", errno.map_or_else(String::new, |errno| format!("{errno:?}"))),
    );
}
