//! What the articles say of Ethernet.

use std::net::Ipv4Addr;

use super::claim::Article::{A0, A1};
use super::claim::{Claim, Expected, Found};
use super::ground::{Ground, Untried};
use super::wire::{frames, ipv4, send_datagram};
use crate::bytes::Mac;
use crate::dissect::Header;
use crate::kernel::OsError;
use crate::kernel::netlink::Netlink;
use crate::lab::fabric::Joining;
use crate::lab::observation::Words;
use crate::lab::stage::{LabError, Stage};
use crate::lab::topology::{Cable, Neighbours};

pub(super) const CLAIMS: &[Claim] = &[
    Claim {
        id: "ethernet-header-18",
        articles: &[A0],
        statement: Words {
            en: "The header of an Ethernet frame is 18 bytes: source, destination and type with 6 each.",
            zh: "以太网帧的首部固定为 18 字节:源地址、目的地址和类型各 6 字节。",
        },
        expected: Expected::Refuted,
        why: Words {
            en: "Destination 6, source 6, type 2: 14 bytes. 18 is what they make with the 4 bytes of the frame check \
                 sequence, which stand at the end of the frame and are seen by the network card alone.",
            zh: "目的地址 6、源地址 6、类型 2,共 14 字节。加上帧尾 4 字节的校验序列才是 18,而校验序列只有网卡才看得到。",
        },
        attempt: ethernet_header,
    },
    Claim {
        id: "frame-data-1500",
        articles: &[A0],
        statement: Words {
            en: "A frame carries at most 1500 bytes of data.",
            zh: "一个以太网帧最多携带 1500 字节数据。",
        },
        expected: Expected::HoldsWhen(Words {
            en: "the MTU is left at 1500; with jumbo frames it is more",
            zh: "MTU 保持默认的 1500;巨型帧可以更大",
        }),
        why: Words {
            en: "1500 is the standard's size and the default MTU of an interface. Both ends of a link can agree on \
                 more: 9000 is common in data centres.",
            zh: "1500 是标准规定的大小,也是接口默认的 MTU。链路两端可以约定更大的值,数据中心常用 9000。",
        },
        attempt: frame_maximum,
    },
    Claim {
        id: "frame-data-46",
        articles: &[A0],
        statement: Words {
            en: "A frame carries at least 46 bytes of data.", zh: "一个以太网帧至少携带 46 字节数据。"
        },
        expected: Expected::Refuted,
        why: Words {
            en: "An ARP message has 28 bytes, and on a virtual cable it travels as it is. On copper and fibre the \
                 network card fills it up to 46 with padding, behind the kernel's back.",
            zh: "ARP 报文只有 28 字节,在虚拟线路上原样传输。在真实的铜缆和光纤上,网卡会在内核之外把它填充到 46 字节。",
        },
        attempt: frame_minimum,
    },
    Claim {
        id: "ethernet-cuts",
        articles: &[A0],
        statement: Words {
            en: "What is too long for a frame is cut into pieces by Ethernet.",
            zh: "超过最大长度的数据由以太网分片发送。",
        },
        expected: Expected::Refuted,
        why: Words {
            en: "Ethernet cuts nothing. IP does (each piece is a datagram with an offset), or TCP cuts its stream to the \
                 MSS beforehand.",
            zh: "以太网不会切分。切分的是 IP(每一片都是带偏移量的数据报),或者 TCP 事先按 MSS 切分字节流。",
        },
        attempt: cut_by_ip,
    },
    Claim {
        id: "every-host-hears",
        articles: &[A0],
        statement: Words {
            en: "Ethernet communicates by broadcast: every host hears every frame.",
            zh: "以太网以广播方式通信:每台主机都能收到每一帧。",
        },
        expected: Expected::HoldsWhen(Words {
            en: "they are joined by a hub; a switch sends on what it knows a place for to that place alone",
            zh: "用集线器连接时;交换机只把帧送往它已学到的端口",
        }),
        why: Words {
            en: "Hubs are gone since the nineties. A switch learns who is where; only broadcasts such as the ARP question, \
                 and frames for somebody it has not heard yet, go everywhere.",
            zh: "集线器早已淘汰。交换机会学习每台主机所在的端口;只有 ARP 询问等广播帧,以及目的地址尚未学到的帧才会发往所有端口。",
        },
        attempt: who_hears,
    },
    Claim {
        id: "mac-burnt-in",
        articles: &[A0, A1],
        statement: Words {
            en: "The MAC address in a host's frames is fixed when the card is made, and no two hosts have the same.",
            zh: "主机所用的 MAC 地址在网卡出厂时就固定了,没有两台主机相同。",
        },
        expected: Expected::Refuted,
        why: Words {
            en: "It is a setting: here two virtual cards were given the same one. A real card begins with the address that \
                 its maker gave it, usually unlike any other, but may be given another just so. Bit 0x02 of the first \
                 byte says \"given locally\": virtual machines, containers and telephones that hide themselves use such.",
            zh: "它是可以修改的设置:这里给两块虚拟网卡设置了同一个地址。真实的网卡开始时用制造商给的地址,通常与众不同,但同样可以改掉。\
                 首字节的 0x02 位表示\"本地管理\":虚拟机、容器和隐藏身份的手机都用这种地址。",
        },
        attempt: change_mac,
    },
];

/// Nobody listens there.
const PORT: u16 = 9;

fn ethernet_header(ground: Ground) -> Result<Found, Untried> {
    ground.stage(|stage| {
        let hosts = stage.pair(Neighbours::Asked)?;
        ask(stage, hosts[0], Ipv4Addr::new(172, 16, 10, 2))?;
        let frames = frames(&stage.observation);
        let first = frames.first().and_then(|(_, layers)| layers.first());
        let header = first.map_or(0, |layer| layer.bytes.len());
        let arp = frames.iter().filter(|(_, layers)| matches!(layers.get(1).map(|l| l.header), Some(Header::Arp(_))));
        let measured = format!("6 + 6 + {} = {header}, then ARP ({} frames)", header.saturating_sub(12), arp.count());
        Ok(Found::sides(header == 18, header == 14, measured))
    })
}

/// Lets a host ask who has `target`, by sending a datagram there.
fn ask(stage: &mut Stage<'_>, host: usize, target: Ipv4Addr) -> Result<(), LabError> {
    send_datagram(stage, host, (target, PORT), 1)
}

fn frame_maximum(ground: Ground) -> Result<Found, Untried> {
    ground.stage(|stage| {
        let hosts = stage.pair(Neighbours::Known)?;
        let longest = |stage: &mut Stage<'_>, from: usize| {
            let lengths = |stage: &Stage<'_>| frames(&stage.observation).iter().map(|(f, _)| f.bytes.len()).max();
            let before = stage.observation.events.len();
            send_datagram(stage, from, (Ipv4Addr::new(172, 16, 10, 2), PORT), 5000)?;
            let longest = lengths(stage).unwrap_or(0).saturating_sub(14);
            stage.observation.events.truncate(before);
            Ok::<_, LabError>(longest)
        };
        let usual = longest(stage, hosts[0])?;
        for host in hosts {
            stage.host(host).run(|| Netlink::open()?.set_mtu("eth0", 9000))?;
        }
        stage.carry(9000)?;
        let jumbo = longest(stage, hosts[0])?;
        Ok(Found::sides(usual == 1500, jumbo > 1500, format!("MTU 1500: {usual}; MTU 9000: {jumbo}")))
    })
}

fn frame_minimum(ground: Ground) -> Result<Found, Untried> {
    ground.stage(|stage| {
        let hosts = stage.pair(Neighbours::Asked)?;
        ask(stage, hosts[0], Ipv4Addr::new(172, 16, 10, 2))?;
        let frames = frames(&stage.observation);
        let answered = frames.iter().any(|(frame, _)| frame.from == hosts[1]);
        let shortest = frames.iter().map(|(frame, _)| frame.bytes.len()).min().unwrap_or(0);
        let data = shortest.saturating_sub(14);
        let measured = format!("ARP: 14 + {data} = {shortest}, answered: {}", if answered { "✔" } else { "✘" });
        Ok(Found::sides(data >= 46, data < 46 && answered, measured))
    })
}

fn cut_by_ip(ground: Ground) -> Result<Found, Untried> {
    ground.stage(|stage| {
        let hosts = stage.pair(Neighbours::Known)?;
        send_datagram(stage, hosts[0], (Ipv4Addr::new(172, 16, 10, 2), PORT), 4000)?;
        let frames = frames(&stage.observation);
        let sent: Vec<_> = frames.iter().filter(|(frame, _)| frame.from == hosts[0]).collect();
        let offsets: Vec<u16> =
            sent.iter().filter_map(|(_, layers)| ipv4(layers)).map(|ip| ip.fragment_offset).collect();
        let by_ip = offsets.len() == sent.len() && offsets.len() > 1 && offsets.is_sorted();
        let measured = format!("4000 B → {} × Ethernet + IPv4, offset {offsets:?}", sent.len());
        Ok(Found::sides(offsets.len() < sent.len(), by_ip, measured))
    })
}

/// How many frames a third host hears of what two others say to each other, of how many.
fn heard(ground: Ground, joining: Joining) -> Result<(usize, usize), Untried> {
    ground.stage(|stage| {
        let hosts = [stage.new_host("h1")?, stage.new_host("h2")?, stage.new_host("h3")?];
        let cables = hosts.map(|host| Cable {
            host,
            interface: "eth0".to_owned(),
            address: (Ipv4Addr::new(172, 16, 10, host as u8 + 1), 24),
        });
        stage.join(joining, Neighbours::Asked, &cables)?;
        let address = |host: u8| Ipv4Addr::new(172, 16, 10, host);
        for (from, to) in [(0, 2), (1, 1), (0, 2), (1, 1)] {
            ask(stage, hosts[from], address(to))?;
        }
        let frames = frames(&stage.observation);
        let third = frames.iter().filter(|(frame, _)| frame.to.contains(&hosts[2])).count();
        Ok((third, frames.len()))
    })
}

fn who_hears(ground: Ground) -> Result<Found, Untried> {
    let (hub, of_hub) = heard(ground, Joining::Hub)?;
    let (switch, of_switch) = heard(ground, Joining::Switch)?;
    let measured = format!("h1 ↔ h2; h3: hub {hub} / {of_hub}, switch {switch} / {of_switch}");
    Ok(Found::sides(hub == of_hub && hub > 0, switch < of_switch, measured))
}

fn change_mac(ground: Ground) -> Result<Found, Untried> {
    ground.stage(|stage| {
        let hosts = stage.pair(Neighbours::Known)?;
        let same = Mac([0x02, 0xfc, 0, 0, 0, 0x77]);
        let mut now = Vec::new();
        for host in hosts {
            now.push(stage.host(host).run(move || -> Result<Option<Mac>, OsError> {
                let mut netlink = Netlink::open()?;
                netlink.set_mac("eth0", same)?;
                Ok(netlink.link("eth0")?.mac())
            })?);
        }
        let changed = now.iter().all(|mac| *mac == Some(same));
        let was = stage.observation.hosts.iter().flat_map(|host| &host.macs).map(ToString::to_string);
        let measured = format!("{} → 2 × {same}", was.collect::<Vec<_>>().join(", "));
        Ok(Found::whether(!changed, measured))
    })
}
