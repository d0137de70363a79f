//! Who has this address? The question, its answer, what the kernel remembers of it and for how long (RFC 826, and the
//! states of RFC 4861 section 7.3.2, which Linux keeps for both families).

mod cache;
mod findings;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use socket2::Socket;

use self::cache::Cache;
use crate::kernel::netlink::{NeighbourState, Netlink};
use crate::kernel::{OsError, sysctl};
use crate::lab::experiment::{Floor, Lab, Parameters};
use crate::lab::fabric::Joining;
use crate::lab::fate::{self, Fate};
use crate::lab::observation::Words;
use crate::lab::program::Program;
use crate::lab::stage::{LabError, Stage};
use crate::lab::{packets, tcp, udp};
use crate::link::arp::REQUEST;

/// The lab.
pub const LAB: Lab = Lab {
    name: "arp",
    floor: Floor::Link,
    on_loopback: false,
    title: Words {
        en: "Who has this address? A question to all, an answer to one",
        zh: "谁有这个地址?问所有人,答一个人",
    },
    explanation: Words {
        en: "A frame needs a link address, and a program only names an IP address. So the kernel asks the whole link \
             who has it: an ARP request to ff:ff:ff:ff:ff:ff, which every host hears. Only the owner answers, and only \
             to the one that asked. Until then the datagram waits in the neighbour cache, whose entry is INCOMPLETE; \
             with the answer it is REACHABLE. After about 30 seconds without news the entry is STALE: it is still used \
             at once (DELAY), and if nothing confirms it for 5 seconds, such as an acknowledged TCP segment, the \
             kernel asks again, this time the known link address alone (PROBE). For an address outside the network it \
             does not ask for that address at all but for the gateway's: the frame then carries the gateway's link \
             address and the far IP address. If three questions stay unanswered the entry is FAILED, and who wanted to \
             send gets EHOSTUNREACH.",
        zh: "帧需要链路地址,而程序只给出 IP 地址。于是内核向整条链路询问谁拥有它:发往 ff:ff:ff:ff:ff:ff 的 ARP 请求,每台主机都能听到。\
             只有地址的主人应答,而且只答复提问者。在此之前数据报在邻居缓存中等待,条目为 INCOMPLETE;收到应答后变为 REACHABLE。\
             大约 30 秒没有新消息,条目变为 STALE:它仍会立即被使用(DELAY),如果 5 秒内没有任何确认(例如被确认的 TCP 报文段),\
             内核就再问一次,这次只问已知的链路地址(PROBE)。如果目标在本网络之外,内核根本不询问该地址,而是询问网关的地址:\
             帧带着网关的链路地址和远方的 IP 地址。三次提问都无人应答时条目变为 FAILED,发送者得到 EHOSTUNREACH。",
    },
    run,
};

const CLIENT: Ipv4Addr = Ipv4Addr::new(172, 16, 10, 1);
const SERVER: Ipv4Addr = Ipv4Addr::new(172, 16, 10, 2);
const GATEWAY: Ipv4Addr = Ipv4Addr::new(172, 16, 10, 254);
/// On the network, and nobody's.
const SILENT: Ipv4Addr = Ipv4Addr::new(172, 16, 10, 77);
/// On another network (RFC 5737: for examples alone).
const FAR: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 9);
const PORT: u16 = 9000;
/// Longer than a kernel takes to send what it has.
const QUIET: Duration = Duration::from_millis(20);

/// The hosts, and what stands on them.
struct Network {
    client: usize,
    program: Program,
    socket: Arc<Socket>,
    cache: Cache,
}

fn run(stage: &mut Stage<'_>, _: &Parameters) -> Result<(), LabError> {
    let names = [("client", CLIENT), ("server", SERVER), ("gateway", GATEWAY)];
    stage.network(Joining::Switch, &names)?;
    let (client, server) = (0, 1);
    stage
        .host(client)
        .run(|| Netlink::open()?.add_route(Ipv4Addr::UNSPECIFIED.into(), 0, Some(GATEWAY.into()), None))?;
    let listening = stage.host(server).run(|| udp::bind(at(SERVER)));
    let listening = tcp::needed("bind", listening)?;
    let socket = Arc::new(tcp::needed("bind", stage.host(client).run(|| udp::bind(at(CLIENT))))?);
    let cache = Cache::new(stage, client)?;
    let network = Network { client, program: stage.program(client), socket, cache };

    let states = confirmed_and_stale(stage, &network)?;
    far(stage, &network)?;
    let silent = silent(stage, &network)?;
    findings::check(stage, &states, &silent);
    drop(listening);
    Ok(())
}

fn at(address: Ipv4Addr) -> SocketAddr {
    SocketAddr::from((address, PORT))
}

impl Network {
    /// Sends a datagram to `to`.
    fn send(&self, stage: &mut Stage<'_>, to: Ipv4Addr) -> Result<(), LabError> {
        let socket = Arc::clone(&self.socket);
        let sent =
            stage.call(&self.program, &format!("sendto({to})"), move || socket.send_to(b"hello", &at(to).into()));
        tcp::needed("sendto", sent?).map(drop)
    }

    /// Changes a setting of the client's interface.
    fn set(&self, stage: &Stage<'_>, name: &str, value: &'static str) -> Result<(), OsError> {
        let name = format!("net.ipv4.neigh.eth0.{name}");
        stage.host(self.client).run(move || sysctl::write(&name, value))
    }
}

/// The states that the entry of the server went through.
fn confirmed_and_stale(stage: &mut Stage<'_>, network: &Network) -> Result<Vec<NeighbourState>, LabError> {
    let cache = &network.cache;
    let question = |frame: &fate::Passing<'_>| {
        packets::arp(frame).is_some_and(|arp| arp.operation == REQUEST && arp.target_protocol == SERVER)
    };
    stage.rule(fate::nth(1, question, Fate::Hold));
    stage.rule(fate::nth(2, question, Fate::Hold));

    stage.note(Words {
        en: "the client knows an IP address of its own network, and no link address yet",
        zh: "客户端知道本网络中的一个 IP 地址,还不知道链路地址",
    })?;
    network.send(stage, SERVER)?;
    let mut states = vec![cache.while_held(stage, SERVER)?];
    // REACHABLE lasts between half and one and a half of the first: longer than the second, so that STALE comes first.
    network.set(stage, "base_reachable_time_ms", "2200")?;
    network.set(stage, "delay_first_probe_time", "1")?;
    stage.release()?;
    states.push(cache.until(stage, SERVER, NeighbourState::Reachable)?);
    stage.settle(QUIET)?;

    stage.note(Words {
        en: "nothing more is heard of the server (here for 1.1 to 3.3 s: base_reachable_time_ms is 2200 instead of 30000)",
        zh: "此后没有服务器的消息(这里为 1.1 到 3.3 秒:base_reachable_time_ms 从 30000 缩短为 2200)",
    })?;
    states.push(cache.until(stage, SERVER, NeighbourState::Stale)?);
    stage.note(Words {
        en: "a stale entry is used at once, and checked if nothing confirms it (here after 1 s: delay_first_probe_time \
             is shortened from 5)",
        zh: "过期的条目立即使用,如无确认再检查(这里为 1 秒后:delay_first_probe_time 从 5 缩短)",
    })?;
    network.send(stage, SERVER)?;
    states.push(cache.until(stage, SERVER, NeighbourState::Delay)?);
    states.push(cache.while_held(stage, SERVER)?);
    stage.release()?;
    states.push(cache.until(stage, SERVER, NeighbourState::Reachable)?);
    Ok(states)
}

fn far(stage: &mut Stage<'_>, network: &Network) -> Result<(), LabError> {
    stage.note(Words {
        en: "an address of another network: the way leads by the gateway",
        zh: "另一个网络的地址:要经过网关",
    })?;
    network.send(stage, FAR)?;
    network.cache.until(stage, GATEWAY, NeighbourState::Reachable)?;
    stage.settle(QUIET)
}

/// What `connect()` to an address that nobody has returned, and the entry's state afterwards.
fn silent(stage: &mut Stage<'_>, network: &Network) -> Result<findings::Silent, LabError> {
    stage.note(Words {
        en: "an address that nobody has (questions every 0.25 s: retrans_time_ms is shortened from 1000)",
        zh: "一个没有主人的地址(每 0.25 秒问一次:retrans_time_ms 从 1000 缩短)",
    })?;
    network.set(stage, "retrans_time_ms", "250")?;
    let connected = stage.call(&network.program, &format!("connect({SILENT})"), || tcp::connect(at(SILENT)))?;
    let state = network.cache.until(stage, SILENT, NeighbourState::Failed)?;
    Ok(findings::Silent { errno: connected.err().and_then(|error| error.raw_os_error()), state })
}
