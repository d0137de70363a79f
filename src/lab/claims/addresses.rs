//! What the articles say of addresses, masks and ARP.

use std::net::{IpAddr, Ipv4Addr};

use super::claim::Article::{A0, A1};
use super::claim::{Claim, Expected, Found};
use super::ground::{Ground, Untried};
use super::wire::{frames, send_datagram};
use crate::bytes::Mac;
use crate::dissect::Header;
use crate::kernel::OsError;
use crate::kernel::netlink::Netlink;
use crate::lab::fabric::Joining;
use crate::lab::observation::Words;
use crate::lab::stage::LabError;
use crate::lab::topology::{Cable, Neighbours, mac};
use crate::link::Arp;
use crate::link::arp::{REPLY, REQUEST};

pub(super) const CLAIMS: &[Claim] = &[
    Claim {
        id: "and-result",
        articles: &[A0],
        statement: Words {
            en: "172.16.10.1 AND 255.255.255.0 ends in the bits 000000001.",
            zh: "172.16.10.1 与 255.255.255.0 按位与,结果以 000000001 结尾。",
        },
        expected: Expected::Refuted,
        why: Words {
            en: "An octet has eight bits, not nine, and AND with 0 gives 0: the network is 172.16.10.0. The kernel makes \
                 its route from the same AND.",
            zh: "一个八位组只有八位,不是九位;与 0 相与得 0,网络是 172.16.10.0。内核按同样的运算建立路由。",
        },
        attempt: and_result,
    },
    Claim {
        id: "mask-decides",
        articles: &[A0],
        statement: Words {
            en: "The mask decides whether a target is on the own network.",
            zh: "目标是否在同一子网由子网掩码决定。",
        },
        expected: Expected::Holds,
        why: Words {
            en: "The same target from the same address: with /24 both ANDs are equal and it is asked itself, with /25 they \
                 differ and the gateway is asked.",
            zh: "同一个源地址、同一个目标:/24 时两个与运算结果相等,直接询问目标;/25 时不相等,改为询问网关。",
        },
        attempt: mask_decides,
    },
    Claim {
        id: "arp-asks-target",
        articles: &[A0],
        statement: Words {
            en: "For a target on the own network ARP asks for the target itself.",
            zh: "目标在同一子网时,ARP 询问目标本身的 MAC。",
        },
        expected: Expected::Holds,
        why: Words {
            en: "On the link, the frame can go to the target itself, so its link address is needed.",
            zh: "在同一链路上,帧可以直接送到目标,所以需要目标的链路地址。",
        },
        attempt: on_link,
    },
    Claim {
        id: "arp-asks-gateway",
        articles: &[A0],
        statement: Words {
            en: "For a target on another network ARP asks for the gateway.",
            zh: "目标在其他子网时,ARP 询问网关的 MAC。",
        },
        expected: Expected::Holds,
        why: Words {
            en: "A frame reaches only who is on the link. The datagram keeps the target's IP address, the frame carries the \
                 router's link address.",
            zh: "帧只能到达同一链路上的主机。数据报保留目标的 IP 地址,而帧的目的地址是路由器的链路地址。",
        },
        attempt: off_link,
    },
    Claim {
        id: "arp-broadcast",
        articles: &[A0, A1],
        statement: Words {
            en: "The ARP question goes to everybody; only the owner of the address answers, and only to the asker.",
            zh: "ARP 询问以广播发给所有主机,只有地址的拥有者回答,且只回答询问者。",
        },
        expected: Expected::Holds,
        why: Words {
            en: "The question is sent to ff:ff:ff:ff:ff:ff because nobody is known yet; the answer needs no broadcast.",
            zh: "询问时还不知道对方是谁,所以发往 ff:ff:ff:ff:ff:ff;回答则不需要广播。",
        },
        attempt: broadcast,
    },
];

const PORT: u16 = 9;
const OWN: Ipv4Addr = Ipv4Addr::new(172, 16, 10, 1);
const GATEWAY: Ipv4Addr = Ipv4Addr::new(172, 16, 10, 2);
const THIRD: Ipv4Addr = Ipv4Addr::new(172, 16, 10, 130);
const FAR: Ipv4Addr = Ipv4Addr::new(10, 9, 9, 9);

fn and_result(ground: Ground) -> Result<Found, Untried> {
    ground.stage(|stage| {
        let hosts = stage.pair(Neighbours::Known)?;
        let routes = stage.host(hosts[0]).run(|| Netlink::open()?.routes())?;
        let network = routes.iter().find_map(|route| match route.destination {
            IpAddr::V4(network) if route.prefix == 24 => Some(network),
            _ => None,
        });
        let last = network.map(|network| network.octets()[3]);
        let bits = last.map_or_else(|| "-".to_owned(), |last| format!("{last:08b}"));
        let measured = format!("{OWN}/24 → {} ({bits})", network.unwrap_or(Ipv4Addr::UNSPECIFIED));
        Ok(Found::sides(last == Some(1), last == Some(0), measured))
    })
}

/// The ARP messages when 172.16.10.1 with a mask of `prefix` bits, whose gateway is 172.16.10.2, sends a datagram to
/// `target`: 172.16.10.130 is a third host on the same wire. With each, whom the frame was for and who heard it.
fn asked(ground: Ground, prefix: u8, target: Ipv4Addr) -> Result<Vec<(Arp, Mac, Vec<usize>)>, Untried> {
    ground.stage(|stage| {
        let names = [("host", OWN, prefix), ("gateway", GATEWAY, 24), ("third", THIRD, 24)];
        let mut cables = Vec::new();
        for (name, address, prefix) in names {
            let host = stage.new_host(name)?;
            cables.push(Cable { host, interface: "eth0".to_owned(), address: (address, prefix) });
        }
        stage.join(Joining::Hub, Neighbours::Asked, &cables)?;
        let routed = || -> Result<(), OsError> {
            Netlink::open()?.add_route(Ipv4Addr::UNSPECIFIED.into(), 0, Some(GATEWAY.into()), None)
        };
        stage.host(0).run(routed)?;
        send_datagram(stage, 0, (target, PORT), 1)?;
        let mut messages = Vec::new();
        for (frame, layers) in frames(&stage.observation) {
            let headers: Vec<Header> = layers.iter().map(|layer| layer.header).collect();
            if let [Header::Ethernet(ethernet), Header::Arp(arp), ..] = headers.as_slice() {
                messages.push((*arp, ethernet.destination, frame.to.clone()));
            }
        }
        Ok::<_, LabError>(messages)
    })
}

/// Whom the first question is about.
fn first_asked(messages: &[(Arp, Mac, Vec<usize>)]) -> Option<Ipv4Addr> {
    let question = messages.iter().find(|(arp, ..)| arp.operation == REQUEST && arp.sender_protocol == OWN);
    question.map(|(arp, ..)| arp.target_protocol)
}

fn who_has(asked: Option<Ipv4Addr>) -> String {
    asked.map_or_else(|| "-".to_owned(), |target| format!("who has {target}?"))
}

fn mask_decides(ground: Ground) -> Result<Found, Untried> {
    let [wide, narrow] = [24, 25].map(|prefix| asked(ground, prefix, THIRD));
    let (wide, narrow) = (first_asked(&wide?), first_asked(&narrow?));
    let measured = format!("→ {THIRD}: /24 {}, /25 {}", who_has(wide), who_has(narrow));
    Ok(Found::whether(wide == Some(THIRD) && narrow == Some(GATEWAY), measured))
}

fn on_link(ground: Ground) -> Result<Found, Untried> {
    let asked = first_asked(&asked(ground, 24, THIRD)?);
    Ok(Found::whether(asked == Some(THIRD), format!("→ {THIRD}: {}", who_has(asked))))
}

fn off_link(ground: Ground) -> Result<Found, Untried> {
    let asked = first_asked(&asked(ground, 24, FAR)?);
    Ok(Found::whether(asked == Some(GATEWAY), format!("→ {FAR}: {}", who_has(asked))))
}

fn broadcast(ground: Ground) -> Result<Found, Untried> {
    let messages = asked(ground, 24, THIRD)?;
    let question = messages.iter().find(|(arp, ..)| arp.operation == REQUEST);
    let answers: Vec<_> = messages.iter().filter(|(arp, ..)| arp.operation == REPLY).collect();
    let everybody = question.is_some_and(|(_, destination, heard)| *destination == Mac([0xff; 6]) && heard.len() == 2);
    let owner = answers.iter().all(|(arp, destination, _)| arp.sender_protocol == THIRD && *destination == mac(0));
    let to = |message: Option<&(Arp, Mac, Vec<usize>)>| message.map_or(String::new(), |(_, to, _)| to.to_string());
    let measured = format!(
        "? → {}; {} × ! {} → {}",
        to(question),
        answers.len(),
        answers.first().map_or(Ipv4Addr::UNSPECIFIED, |(arp, ..)| arp.sender_protocol),
        to(answers.first().copied())
    );
    Ok(Found::whether(everybody && answers.len() == 1 && owner, measured))
}
