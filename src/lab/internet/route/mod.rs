//! Two networks and a router between them: what it changes in a datagram, what it refuses, and how a sender learns the
//! largest datagram that passes (RFC 1812 section 5.2, RFC 1191).

mod findings;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use nix::sys::socket::{getsockopt, sockopt};
use socket2::Socket;

use crate::kernel::netlink::Netlink;
use crate::kernel::path_mtu::{self, Discovery};
use crate::kernel::{OsError, sysctl};
use crate::lab::endpoint::Endpoint;
use crate::lab::experiment::{Floor, Lab, Parameters};
use crate::lab::fabric::Joining;
use crate::lab::observation::Words;
use crate::lab::program::Program;
use crate::lab::stage::{LabError, Stage};
use crate::lab::tcp::needed;
use crate::lab::topology::{Cable, Neighbours};
use crate::lab::udp;

/// The lab.
pub const LAB: Lab = Lab {
    name: "route",
    floor: Floor::Internet,
    on_loopback: false,
    title: Words {
        en: "A router changes the frame and hardly the datagram", zh: "路由器换掉帧,几乎不动数据报"
    },
    explanation: Words {
        en: "The client sends a datagram for another network in a frame for the router. The router takes it out of its \
             frame and puts it into a new one for the next link: both link addresses are new, both IP addresses stay. \
             In the datagram itself only two fields change: the time to live goes down by one, and with it the header \
             checksum. When the time to live would become 0 the router drops the datagram and says so in an ICMP \
             message; traceroute lives on that. When the next link takes only smaller datagrams, it depends on the \
             sender: without DF the router cuts the datagram into fragments, which the destination puts together; with \
             DF it drops it and names in an ICMP message the size that would pass. The sender's kernel remembers that \
             size for this destination, and refuses the next one that is too long.",
        zh: "客户端把发往另一个网络的数据报放进给路由器的帧。路由器从帧中取出数据报,放进给下一条链路的新帧:两个链路地址都是新的,两个 IP \
             地址都不变。数据报本身只有两个字段改变:生存时间减一,首部校验和随之改变。生存时间将变为 0 时,路由器丢弃数据报并发出 ICMP \
             报文说明,traceroute 就靠它。如果下一条链路只容得下更小的数据报,就看发送者:没有 DF,路由器把数据报切成分片,由目的主机重组;\
             有 DF,路由器丢弃它,并在 ICMP 报文中说明能通过的大小。发送者的内核为这个目的地记住该大小,并拒绝下一个过长的数据报。",
    },
    run,
};

const CLIENT: Ipv4Addr = Ipv4Addr::new(172, 16, 10, 1);
const NEAR: Ipv4Addr = Ipv4Addr::new(172, 16, 10, 254);
const OTHER_SIDE: Ipv4Addr = Ipv4Addr::new(172, 16, 20, 254);
const SERVER: Ipv4Addr = Ipv4Addr::new(172, 16, 20, 2);
const PORT: u16 = 9000;
/// The MTU of the second link, in bytes.
const NARROW: u32 = 1000;
/// Payload of the datagrams that are too long for it.
const LONG: usize = 1400;
/// Longer than a kernel takes to send what it has.
const QUIET: Duration = Duration::from_millis(20);
/// The number of the host between the networks.
const ROUTER: usize = 1;

fn run(stage: &mut Stage<'_>, _: &Parameters) -> Result<(), LabError> {
    networks(stage)?;
    stage.watch_states = false;
    let (client, server) = (stage.program(0), stage.program(2));
    let address = SocketAddr::from((SERVER, PORT));
    let server = Endpoint::new(&server, needed("bind", stage.host(2).run(move || udp::bind(address)))?);

    stage.note(Words {
        en: "a datagram from one network to the other", zh: "从一个网络到另一个网络的数据报"
    })?;
    let client = client_socket(stage, &client)?;
    client.send(stage, "\"hello\"", *b"hello")?;
    server.receive(stage, 100)?;
    stage.settle(QUIET)?;
    findings::forwarding(stage);

    stage.note(Words {
        en: "a datagram that may pass one host only (time to live 1)",
        zh: "只允许经过一台主机的数据报(生存时间为 1)",
    })?;
    let from = stage.frames();
    time_to_live(stage, &client, 1)?;
    client.send(stage, "\"hello\"", *b"hello")?;
    answered(stage, from)?;
    findings::expiry(stage, from);
    time_to_live(stage, &client, 64)?;

    narrow(stage)?;
    fragments(stage, &client, &server)?;
    discovery(stage, &client)
}

/// Two networks, and hosts that know who is on theirs.
fn networks(stage: &mut Stage<'_>) -> Result<(), LabError> {
    let [client, router, server] = [stage.new_host("client")?, stage.new_host("router")?, stage.new_host("server")?];
    let cable =
        |host, interface: &str, address| Cable { host, interface: interface.to_owned(), address: (address, 24) };
    let left = [cable(client, "eth0", CLIENT), cable(router, "eth0", NEAR)];
    stage.join(Joining::Hub, Neighbours::Known, &left)?;
    let right = [cable(router, "eth1", OTHER_SIDE), cable(server, "eth0", SERVER)];
    stage.join(Joining::Hub, Neighbours::Known, &right)?;
    stage.host(router).run(|| sysctl::write("net.ipv4.ip_forward", "1"))?;
    for (host, gateway) in [(client, NEAR), (server, OTHER_SIDE)] {
        let any = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        stage.host(host).run(move || Netlink::open()?.add_route(any, 0, Some(gateway.into()), None))?;
    }
    Ok(())
}

/// A socket that sends to the server.
fn client_socket<'p>(stage: &Stage<'_>, client: &'p Program) -> Result<Endpoint<'p>, LabError> {
    let connected = stage.host(client.host).run(|| -> std::io::Result<Socket> {
        let socket = udp::bind((CLIENT, PORT).into())?;
        socket.connect(&SocketAddr::from((SERVER, PORT)).into())?;
        Ok(socket)
    });
    Ok(Endpoint::new(client, needed("connect", connected)?))
}

fn narrow(stage: &mut Stage<'_>) -> Result<(), LabError> {
    for (host, interface) in [(ROUTER, "eth1"), (2, "eth0")] {
        stage.host(host).run(move || -> Result<(), OsError> { Netlink::open()?.set_mtu(interface, NARROW) })?;
    }
    stage.note(Words {
        en: "the second link takes 1000 bytes from now on", zh: "第二条链路从现在起只容纳 1000 字节"
    })
}

/// Waits for a datagram and the answer of the router.
fn answered(stage: &mut Stage<'_>, from: u64) -> Result<(), LabError> {
    stage.until("an answer of the router", stage.patience, |stage| stage.frames() >= from + 2)?;
    stage.settle(QUIET)
}

fn time_to_live(stage: &mut Stage<'_>, client: &Endpoint<'_>, hops: u32) -> Result<(), LabError> {
    let set = client.call(stage, &format!("setsockopt(IP_TTL, {hops})"), move |socket| socket.set_ttl_v4(hops))?;
    needed("setsockopt", set)
}

fn fragments(stage: &mut Stage<'_>, client: &Endpoint<'_>, server: &Endpoint<'_>) -> Result<(), LabError> {
    let from = stage.frames();
    allow(stage, client, "PMTUDISC_DONT", Discovery::Dont)?;
    client.send(stage, "1400 bytes", vec![b'x'; LONG])?;
    let whole = server.call(stage, "recv()", |socket| udp::receive(socket, LONG + 1).map(|bytes| bytes.len()))?;
    let whole = needed("recv", whole)?;
    stage.settle(QUIET)?;
    findings::fragmentation(stage, from, whole);
    Ok(())
}

fn discovery(stage: &mut Stage<'_>, client: &Endpoint<'_>) -> Result<(), LabError> {
    let from = stage.frames();
    allow(stage, client, "PMTUDISC_DO", Discovery::Do)?;
    path_mtu(stage, client)?;
    client.send(stage, "1400 bytes", vec![b'x'; LONG])?;
    answered(stage, from)?;
    let learnt = path_mtu(stage, client)?;
    let again = client.call(stage, "send(1400 bytes)", |socket| {
        // The error that the ICMP message left on the socket is not what the route says.
        let _ = socket.take_error();
        socket.send(&[b'x'; LONG])
    })?;
    stage.settle(QUIET)?;
    findings::learnt(stage, from, learnt, again.err().and_then(|error| error.raw_os_error()));
    Ok(())
}

fn allow(stage: &mut Stage<'_>, client: &Endpoint<'_>, name: &str, how: Discovery) -> Result<(), LabError> {
    let call = format!("setsockopt({name})");
    let set = client.call(stage, &call, move |socket| path_mtu::discover(socket, how))?;
    needed("setsockopt", set)
}

/// The largest datagram that the client's kernel believes to pass to the server, in bytes.
fn path_mtu(stage: &mut Stage<'_>, socket: &Endpoint<'_>) -> Result<i32, LabError> {
    let mtu = getsockopt(Arc::as_ref(socket.socket()), sockopt::IpMtu).map_err(std::io::Error::from);
    let mtu = needed("getsockopt", mtu)?;
    stage.fact(0, format!("path MTU to {SERVER}: {mtu}"))?;
    Ok(mtu)
}
