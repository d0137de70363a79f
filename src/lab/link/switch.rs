//! A hub tells everybody, a switch only whom it concerns (IEEE 802.1D section 7.7).

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::bytes::order;
use crate::kernel::netlink::Netlink;
use crate::lab::endpoint::Endpoint;
use crate::lab::experiment::{Floor, Lab, Parameters};
use crate::lab::fabric::{Fabric, Joining};
use crate::lab::observation::Words;
use crate::lab::packets::{self, Packet};
use crate::lab::stage::{LabError, Stage};
use crate::lab::tcp::needed;
use crate::lab::udp;

/// The lab.
pub const LAB: Lab = Lab {
    name: "switch",
    floor: Floor::Link,
    on_loopback: false,
    title: Words {
        en: "A hub tells everybody, a switch only whom it concerns",
        zh: "集线器告诉所有人,交换机只告诉相关的人",
    },
    explanation: Words {
        en: "Ethernet began as one cable that everybody hears, and a hub still is one: every frame reaches every host, \
             and the card of a host that it is not for lets it lie. Whoever wants to listen can. A switch reads the \
             source of each frame and learns which host is behind which port; a frame for a known host leaves by that \
             port alone. What goes to everybody, such as an ARP question, still reaches everybody, and so does a frame \
             for a host that the switch has not heard of, or has forgotten because it was silent (after 300 seconds, \
             usually). In the pictures a hollow tip is a host that hears a frame which is for another.",
        zh: "以太网起初是一根人人都能听到的电缆,集线器至今如此:每个帧都到达每台主机,不是发给自己的帧由网卡丢弃,但想偷听的人都能听到。\
             交换机读取每个帧的源地址,学会哪台主机在哪个端口后面;发给已知主机的帧只从那个端口出去。发给所有人的帧(例如 ARP 提问)仍然\
             到达所有人;交换机没听说过的主机,或因为长时间沉默(通常 300 秒)而被遗忘的主机,发给它们的帧也是如此。\
             图中空心箭头表示主机听到了发给别人的帧。",
    },
    run,
};

const CLIENT: Ipv4Addr = Ipv4Addr::new(172, 16, 10, 1);
const SERVER: Ipv4Addr = Ipv4Addr::new(172, 16, 10, 2);
const BYSTANDER: Ipv4Addr = Ipv4Addr::new(172, 16, 10, 3);
const PORT: u16 = 9000;
/// The number of the host that the conversation does not concern.
const THIRD: usize = 2;
/// Longer than a kernel takes to send what it has.
const QUIET: Duration = Duration::from_millis(20);

fn run(stage: &mut Stage<'_>, _: &Parameters) -> Result<(), LabError> {
    let names = [("client", CLIENT), ("server", SERVER), ("bystander", BYSTANDER)];
    let fabric = stage.network(Joining::Hub, &names)?;
    stage.watch_states = false;
    let (client, server) = (stage.program(0), stage.program(1));
    let client = Endpoint::new(&client, needed("bind", stage.host(0).run(|| udp::bind(at(CLIENT))))?);
    let server = Endpoint::new(&server, needed("bind", stage.host(1).run(|| udp::bind(at(SERVER))))?);

    stage.note(Words { en: "three hosts on a hub", zh: "三台主机接在集线器上" })?;
    let before = stage.counters(THIRD)?;
    let hub = exchange(stage, &client, &server)?;
    let taken = stage.counters(THIRD)?.grown(&before, "IpInReceives");
    told_everything(stage, &hub, taken);

    stage.note(Words {
        en: "a switch takes the place of the hub, and everybody has forgotten everybody",
        zh: "用交换机代替集线器,并清空所有缓存",
    })?;
    replace(stage, fabric);
    forget(stage, 0, SERVER)?;
    forget(stage, 1, CLIENT)?;
    let switch = exchange(stage, &client, &server)?;
    told_the_broadcast(stage, &switch, fabric);

    stage.note(Words {
        en: "the switch has forgotten the hosts, which still know each other",
        zh: "交换机忘记了主机,而主机仍然互相认识",
    })?;
    replace(stage, fabric);
    let flooded = exchange(stage, &client, &server)?;
    told_what_is_unknown(stage, &flooded);
    Ok(())
}

fn at(address: Ipv4Addr) -> SocketAddr {
    SocketAddr::from((address, PORT))
}

/// Puts a switch that has learnt nothing in the place of what joins the hosts.
fn replace(stage: &mut Stage<'_>, fabric: usize) {
    if let Some(fabric) = stage.fabrics.get_mut(fabric) {
        fabric.replace(Joining::Switch);
    }
}

fn forget(stage: &Stage<'_>, host: usize, neighbour: Ipv4Addr) -> Result<(), LabError> {
    Ok(stage.host(host).run(move || Netlink::open()?.delete_neighbour("eth0", IpAddr::V4(neighbour)))?)
}

/// A question and its answer, and the frames of both.
fn exchange(stage: &mut Stage<'_>, client: &Endpoint<'_>, server: &Endpoint<'_>) -> Result<Vec<Packet>, LabError> {
    let before = stage.frames();
    let sent = client.call(stage, "sendto(\"hello\")", |socket| socket.send_to(b"hello", &at(SERVER).into()))?;
    needed("sendto", sent)?;
    needed("recv", server.call(stage, "recv()", |socket| udp::receive(socket, 100))?)?;
    let sent = server.call(stage, "sendto(\"HELLO\")", |socket| socket.send_to(b"HELLO", &at(CLIENT).into()))?;
    needed("sendto", sent)?;
    needed("recv", client.call(stage, "recv()", |socket| udp::receive(socket, 100))?)?;
    stage.settle(QUIET)?;
    Ok(packets::of(&stage.observation).into_iter().filter(|packet| packet.number > before).collect())
}

fn heard(packets: &[Packet]) -> Vec<&Packet> {
    packets.iter().filter(|packet| packet.to.contains(&THIRD)).collect()
}

fn told_everything(stage: &mut Stage<'_>, packets: &[Packet], taken: u64) {
    let heard = heard(packets).len();
    stage.finding(
        Words { en: "on a hub the third host hears every frame", zh: "在集线器上,第三台主机听到每个帧" },
        heard == packets.len() && heard >= 4,
        format!("{heard} of {}", packets.len()),
    );
    stage.finding(
        Words { en: "but takes in none of those that are for another", zh: "但不接收发给别人的帧" },
        taken == 0,
        format!("IP datagrams received: {taken}"),
    );
}

fn told_the_broadcast(stage: &mut Stage<'_>, packets: &[Packet], fabric: usize) {
    let heard = heard(packets);
    let only_broadcasts = heard.iter().all(|packet| packet.ethernet.destination.is_broadcast());
    stage.finding(
        Words {
            en: "behind a switch it hears the ARP broadcast alone", zh: "在交换机后面,它只听到 ARP 广播"
        },
        !heard.is_empty() && only_broadcasts && heard.len() < packets.len(),
        format!("{} of {}", heard.len(), packets.len()),
    );
    let mac = |host: usize| stage.observation.hosts.get(host).and_then(|host| host.macs.first().copied());
    let learnt = stage.fabrics.get(fabric).into_iter().flat_map(Fabric::learnt);
    let mut learnt: Vec<_> = learnt.collect();
    order::by_key(&mut learnt, |entry| *entry);
    let expected = [mac(0).map(|mac| (mac, 0)), mac(1).map(|mac| (mac, 1))];
    let names = |host: &usize| stage.observation.hosts.get(*host).map_or("", |host| host.name.as_str());
    let table: Vec<String> = learnt.iter().map(|(mac, port)| format!("{mac} {}", names(port))).collect();
    stage.finding(
        Words {
            en: "the switch learnt from the senders who is behind which port",
            zh: "交换机从发送者学会谁在哪个端口后面",
        },
        learnt.iter().copied().map(Some).eq(expected),
        table.join(", "),
    );
}

fn told_what_is_unknown(stage: &mut Stage<'_>, packets: &[Packet]) {
    let reached: Vec<String> = packets.iter().map(|packet| packet.to.len().to_string()).collect();
    stage.finding(
        Words {
            en: "a frame for a host that the switch does not know goes everywhere, the answer to one port",
            zh: "发给交换机不认识的主机的帧到处发送,应答只发往一个端口",
        },
        reached.starts_with(&["2".to_owned(), "1".to_owned()])
            && heard(packets).iter().all(|packet| !packet.ethernet.destination.is_group()),
        format!("hosts reached: {}", reached.join(", ")),
    );
}
