//! The mask decides: a host that is on the own network is asked for itself, any other is the gateway's matter (RFC 1122
//! section 3.3.1.1).

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use nix::errno::Errno;
use socket2::Socket;

use crate::internet::subnet::Prefix;
use crate::kernel::OsError;
use crate::kernel::netlink::Netlink;
use crate::lab::experiment::{Floor, Lab, Parameters};
use crate::lab::fabric::Joining;
use crate::lab::observation::Words;
use crate::lab::packets::{self, Packet};
use crate::lab::program::Program;
use crate::lab::stage::{LabError, Stage};
use crate::lab::{tcp, udp};
use crate::link::arp::REQUEST;

/// The lab.
pub const LAB: Lab = Lab {
    name: "subnet",
    floor: Floor::Internet,
    on_loopback: false,
    title: Words {
        en: "Address AND mask: the same network, or the gateway's matter",
        zh: "地址与掩码相与:同一网络,或交给网关",
    },
    explanation: Words {
        en: "A host does not know where other hosts are. It knows its own address and its mask, and for every datagram it \
             takes two numbers: its own address AND the mask, the other address AND the mask. When they are equal the \
             other host is on the same link, and the kernel asks the link for that very address. When they differ the \
             other host is somewhere else: the kernel asks for the link address of its gateway and leaves the rest to \
             it, and without a gateway it refuses with ENETUNREACH before anything is sent. Nobody else is consulted. \
             So the same address is near with one mask and far with another, and two hosts whose masks differ can \
             disagree about whether they are neighbours.",
        zh: "主机并不知道别的主机在哪里。它只知道自己的地址和掩码,对每个数据报计算两个数:自己的地址与掩码相与,对方的地址与掩码相与。\
             两者相等,对方就在同一条链路上,内核直接向链路询问这个地址。两者不等,对方就在别处:内核询问网关的链路地址,其余交给网关;\
             没有网关,就在发送任何东西之前以 ENETUNREACH 拒绝。不需要问任何人。因此同一个地址用一种掩码是近邻,用另一种掩码就在远方;\
             掩码不同的两台主机可能对是否相邻看法不一。",
    },
    run,
};

const CLIENT: Ipv4Addr = Ipv4Addr::new(172, 16, 10, 1);
const SERVER: Ipv4Addr = Ipv4Addr::new(172, 16, 10, 2);
const GATEWAY: Ipv4Addr = Ipv4Addr::new(172, 16, 10, 3);
/// The third number differs.
const FAR: Ipv4Addr = Ipv4Addr::new(172, 16, 20, 2);
/// With a mask of 24 bits on the client's network, with 25 bits not.
const HIGH: Ipv4Addr = Ipv4Addr::new(172, 16, 10, 200);
const PORT: u16 = 9000;
/// Longer than a kernel takes to send what it has.
const QUIET: Duration = Duration::from_millis(20);

fn run(stage: &mut Stage<'_>, _: &Parameters) -> Result<(), LabError> {
    let names = [("client", CLIENT), ("server", SERVER), ("gateway", GATEWAY)];
    stage.network(Joining::Switch, &names)?;
    // Nobody listens: the lab is about the way, and an answer would only say that it was found.
    let sink = tcp::needed("bind", stage.host(1).run(|| udp::bind(at(SERVER))))?;
    let client = Client { program: stage.program(0) };

    stage
        .note(Words { en: "the same network: both ANDs are equal", zh: "同一网络:两次相与的结果相等" })?;
    let near = client.sends(stage, SERVER, 24)?;
    check_near(stage, &near);

    stage
        .note(Words { en: "another network, and no gateway is known", zh: "另一个网络,并且不知道网关" })?;
    let lost = client.sends(stage, FAR, 24)?;
    check_lost(stage, &lost);

    stage.note(Words { en: "the same, with a gateway", zh: "同样的目标,有了网关" })?;
    by_gateway(stage)?;
    let far = client.sends(stage, FAR, 24)?;
    check_far(stage, &far);

    stage.note(Words {
        en: "one address, two masks: with 24 bits it is near, with 25 bits it is far",
        zh: "一个地址,两种掩码:24 位时在近处,25 位时在远方",
    })?;
    let wide = client.sends(stage, HIGH, 24)?;
    stage.host(0).run(|| -> Result<(), OsError> {
        let mut netlink = Netlink::open()?;
        netlink.delete_address("eth0", CLIENT.into(), 24)?;
        netlink.add_address("eth0", CLIENT.into(), 25)
    })?;
    by_gateway(stage)?;
    let narrow = client.sends(stage, HIGH, 25)?;
    check_masks(stage, &wide, &narrow);
    drop(sink);
    Ok(())
}

fn at(address: Ipv4Addr) -> SocketAddr {
    SocketAddr::from((address, PORT))
}

fn by_gateway(stage: &Stage<'_>) -> Result<(), OsError> {
    stage.host(0).run(|| Netlink::open()?.add_route(Ipv4Addr::UNSPECIFIED.into(), 0, Some(GATEWAY.into()), None))
}

/// The program on the client.
struct Client {
    program: Program,
}

/// What came of one datagram.
struct Sent {
    /// Both ANDs, as text.
    ands: String,
    /// Whether they are equal.
    equal: bool,
    errno: Option<Errno>,
    packets: Vec<Packet>,
}

impl Client {
    /// Sends a datagram to `to` from a client whose mask has `length` bits.
    fn sends(&self, stage: &mut Stage<'_>, to: Ipv4Addr, length: u8) -> Result<Sent, LabError> {
        let (own, other) = (Prefix::of(CLIENT.into(), length), Prefix::of(to.into(), length));
        let and = |address: Ipv4Addr, prefix: Prefix| format!("{address}/{length} → {}", prefix.network());
        for text in [and(CLIENT, own), and(to, other)] {
            stage.fact(0, text)?;
        }
        let before = packets::of(&stage.observation).len();
        let sent = stage.call(&self.program, &format!("sendto({to})"), move || {
            let socket: Socket = udp::socket(at(to))?;
            socket.send_to(b"hello", &at(to).into())
        })?;
        // A question that nobody answers is repeated after a second; the lab does not wait for that.
        stage.settle(QUIET)?;
        let packets = packets::of(&stage.observation).split_off(before);
        let errno = sent.err().and_then(|error| error.raw_os_error()).map(Errno::from_raw);
        let ands = format!("{} and {}", own.network(), other.network());
        Ok(Sent { ands, equal: own == other, errno, packets })
    }
}

impl Sent {
    /// The addresses that the client asked the link for.
    fn asked_for(&self) -> Vec<Ipv4Addr> {
        let questions = self.packets.iter().filter_map(|packet| packet.arp);
        questions
            .filter(|arp| arp.operation == REQUEST && arp.sender_protocol == CLIENT)
            .map(|arp| arp.target_protocol)
            .collect()
    }

    /// The frame that carries the datagram.
    fn datagram(&self) -> Option<&Packet> {
        self.packets.iter().find(|packet| packet.ip.is_some_and(|ip| ip.source == CLIENT))
    }

    fn questions(&self) -> String {
        self.asked_for().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}

fn check_near(stage: &mut Stage<'_>, near: &Sent) {
    let destination = near.datagram().map(|packet| (packet.ethernet.destination, packet.to.clone()));
    let server = stage.observation.hosts.get(1).and_then(|host| host.macs.first().copied());
    stage.finding(
        Words { en: "equal: the link is asked for that very address", zh: "相等:直接向链路询问这个地址" },
        near.equal && near.asked_for() == [SERVER],
        format!("{}; asked for {}", near.ands, near.questions()),
    );
    stage.finding(
        Words { en: "and the frame goes straight to its owner", zh: "帧直接发给它的主人" },
        destination.as_ref().is_some_and(|(mac, to)| Some(*mac) == server && to == &[1]),
        destination.map_or_else(String::new, |(mac, _)| mac.to_string()),
    );
}

fn check_lost(stage: &mut Stage<'_>, lost: &Sent) {
    stage.finding(
        Words {
            en: "different and no gateway: ENETUNREACH, and nothing is sent",
            zh: "不等又没有网关:ENETUNREACH,什么也没有发出",
        },
        !lost.equal && lost.errno == Some(Errno::ENETUNREACH) && lost.packets.is_empty(),
        format!(
            "{}; {}, {} frames",
            lost.ands,
            lost.errno.map_or("sent".to_owned(), |errno| format!("{errno:?}")),
            lost.packets.len()
        ),
    );
}

fn check_far(stage: &mut Stage<'_>, far: &Sent) {
    let gateway = stage.observation.hosts.get(2).and_then(|host| host.macs.first().copied());
    stage.finding(
        Words { en: "different: the link is asked for the gateway", zh: "不等:询问的是网关" },
        !far.equal && far.asked_for() == [GATEWAY],
        format!("{}; asked for {}", far.ands, far.questions()),
    );
    let frame = far.datagram();
    stage.finding(
        Words {
            en: "the frame is for the gateway, the datagram in it for the far host",
            zh: "帧发给网关,其中的数据报发给远方的主机",
        },
        frame.is_some_and(|frame| {
            Some(frame.ethernet.destination) == gateway && frame.ip.is_some_and(|ip| ip.destination == FAR)
        }),
        frame.map_or_else(String::new, |frame| format!("{}, IP {FAR}", frame.ethernet.destination)),
    );
}

fn check_masks(stage: &mut Stage<'_>, wide: &Sent, narrow: &Sent) {
    let gateway = stage.observation.hosts.get(2).and_then(|host| host.macs.first().copied());
    let by_gateway = narrow.datagram().is_some_and(|frame| Some(frame.ethernet.destination) == gateway);
    stage.finding(
        Words {
            en: "the mask alone decides: 24 bits ask for the address itself, 25 bits go by the gateway",
            zh: "只由掩码决定:24 位询问该地址本身,25 位经过网关",
        },
        wide.equal && wide.asked_for() == [HIGH] && !narrow.equal && by_gateway,
        format!("/24: {}; /25: {}", wide.ands, narrow.ands),
    );
}
