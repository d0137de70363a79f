//! What a port number names: not one program, and not one socket.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use nix::errno::Errno;
use socket2::Socket;

use crate::kernel::capability::NET_BIND_SERVICE;
use crate::kernel::sysctl;
use crate::lab::endpoint::Endpoint;
use crate::lab::experiment::{Floor, Lab, Parameters};
use crate::lab::observation::Words;
use crate::lab::program::{Program, failed_with, quoted, told};
use crate::lab::stage::{LabError, Stage};
use crate::lab::tcp::{self, needed};
use crate::lab::topology::Neighbours;
use crate::lab::udp;

/// The lab.
pub const LAB: Lab = Lab {
    name: "ports",
    floor: Floor::Transport,
    on_loopback: true,
    title: Words {
        en: "What a port number names, and who may have it", zh: "端口号代表什么,谁可以占用它"
    },
    explanation: Words {
        en: "A port is a number of 16 bits that belongs to a protocol and an address. TCP and UDP have one each of every \
             number. A connection is named by both addresses and both ports, so every socket that a server accepts has \
             the listener's port, and none of them is in another's way; only a second listener is. Below \
             ip_unprivileged_port_start, 1024 unless somebody changed it, bind() asks for CAP_NET_BIND_SERVICE. Port 0 \
             cannot be used: it asks the kernel for any free port out of ip_local_port_range. And a socket that connects \
             to its own address and port talks to itself, which can happen to a program that tries one port after the \
             other.",
        zh: "端口是 16 位的数字,属于某个协议和某个地址。TCP 和 UDP 各有一套完整的端口号。一个连接由双方的地址和端口共同标识,\
             所以服务器 accept 得到的每个套接字都用监听端口,互不妨碍;只有第二个监听者不行。低于 ip_unprivileged_port_start(默认 \
             1024)的端口,bind() 需要 CAP_NET_BIND_SERVICE。端口 0 不能真正使用:它请内核从 ip_local_port_range 中任选一个空闲端口。\
             套接字如果连接到自己的地址和端口,就是在和自己通话,逐个尝试端口的程序可能遇到这种情况。",
    },
    run,
};

fn run(stage: &mut Stage<'_>, parameters: &Parameters) -> Result<(), LabError> {
    let [client, server] = stage.pair(Neighbours::Known)?;
    stage.delay(parameters.round_trip().map(|time| time / 2));
    let (client, server) = (stage.program(client), stage.program(server));
    let address = SocketAddr::new(stage.address(server.host), stage.port()?);

    stage.note(Words { en: "one number, for TCP and for UDP", zh: "同一个号码,TCP 和 UDP 各用一次" })?;
    let listener = Endpoint::open(stage, &server, "listen(5), TCP", move || tcp::listen(address, 5))?;
    let datagrams = Endpoint::open(stage, &server, "bind(), UDP", move || udp::bind(address))?;
    let first = connection(stage, &client, &listener, address)?;
    first.client.send(stage, "\"stream\"", *b"stream")?;
    let sender = Endpoint::open(stage, &client, "socket(), UDP", move || udp::socket(address))?;
    let to = address.into();
    needed("sendto", sender.call(stage, "sendto(\"datagram\")", move |socket| socket.send_to(b"datagram", &to))?)?;
    let received = [first.server.receive(stage, 100)?, datagrams.receive(stage, 100)?];
    stage.finding(
        Words {
            en: "TCP and UDP use the same number at the same time, and each gets its own",
            zh: "TCP 和 UDP 同时使用同一个号码,各收各的",
        },
        received == [b"stream".to_vec(), b"datagram".to_vec()],
        received.map(|bytes| quoted(&bytes)).join(", "),
    );

    stage.note(Words { en: "a second connection, a second listener", zh: "第二个连接,第二个监听者" })?;
    let second = connection(stage, &client, &listener, address)?;
    let both = [first, second];
    shared(stage, &both, address)?;
    let refused = stage.call(&server, "listen(5), TCP, the same port", move || tcp::listen(address, 5))?;
    stage.finding(
        Words {
            en: "a second listener on the port is refused: EADDRINUSE",
            zh: "同一端口的第二个监听者被拒绝:EADDRINUSE",
        },
        failed_with(&refused, Errno::EADDRINUSE),
        told(&refused),
    );

    privileged(stage, &server)?;
    any(stage, &server)?;
    with_itself(stage, &client)
}

/// Both ends of a connection.
struct Connection<'p> {
    client: Endpoint<'p>,
    server: Endpoint<'p>,
}

fn connection<'p>(
    stage: &mut Stage<'_>,
    client: &'p Program,
    listener: &Endpoint<'p>,
    address: SocketAddr,
) -> Result<Connection<'p>, LabError> {
    let client = Endpoint::open(stage, client, "connect()", move || tcp::connect(address))?;
    Ok(Connection { client, server: listener.accept(stage)? })
}

fn own(socket: &Socket) -> io::Result<SocketAddr> {
    socket.local_addr()?.as_socket().ok_or_else(|| io::ErrorKind::Unsupported.into())
}

fn shared(stage: &mut Stage<'_>, connections: &[Connection<'_>; 2], address: SocketAddr) -> Result<(), LabError> {
    let mut names = Vec::new();
    for Connection { client, server } in connections {
        let (here, there) =
            (needed("getsockname", own(server.socket()))?, needed("getsockname", own(client.socket()))?);
        names.push((here, there));
    }
    let pairs = names.iter().map(|(here, there)| format!("{here} ↔ {there}"));
    stage.finding(
        Words {
            en: "both accepted sockets have the listener's port; the client's port tells them apart",
            zh: "两个 accept 得到的套接字都用监听端口;靠客户端的端口区分",
        },
        names.iter().all(|(here, _)| *here == address) && matches!(names[..], [(_, a), (_, b)] if a != b),
        pairs.collect::<Vec<_>>().join(", "),
    );
    Ok(())
}

/// A port below the limit of new namespaces.
const HTTP: u16 = 80;
const LIMIT: &str = "net.ipv4.ip_unprivileged_port_start";

fn privileged(stage: &mut Stage<'_>, server: &Program) -> Result<(), LabError> {
    let host = server.host;
    let limit = stage.host(host).run(|| sysctl::read(LIMIT))?;
    if limit.parse().is_ok_and(|limit: u16| limit <= HTTP) {
        return Ok(());
    }
    let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    stage.note(Words {
        en: "port 80, by a program without privilege", zh: "端口 80,由没有特权的程序使用"
    })?;
    let ordinary = stage.program(host);
    let give_up = || NET_BIND_SERVICE.give_up().map_err(|error| io::Error::from(error.errno));
    needed("capset", stage.call(&ordinary, "capset(), without NET_BIND_SERVICE", give_up)?)?;
    let refused = stage.call(&ordinary, "bind(80)", move || udp::bind(at(HTTP)))?;
    stage.finding(
        Words {
            en: "below ip_unprivileged_port_start bind() needs CAP_NET_BIND_SERVICE: EACCES without it",
            zh: "低于 ip_unprivileged_port_start 的端口,bind() 需要 CAP_NET_BIND_SERVICE:没有就是 EACCES",
        },
        failed_with(&refused, Errno::EACCES),
        format!("{HTTP} < {limit}: {}", told(&refused)),
    );
    if !stage.has_wire() {
        return Ok(());
    }
    let permitted = stage.call(server, "bind(80), with NET_BIND_SERVICE", move || udp::bind(at(HTTP)))?;
    let (with, at_limit) = (told(&permitted), stage.call(&ordinary, "bind(1024)", move || udp::bind(at(1024)))?);
    drop(permitted);
    stage.note(Words {
        en: "the limit is moved: ip_unprivileged_port_start = 80",
        zh: "改变界限:ip_unprivileged_port_start = 80",
    })?;
    stage.host(host).run(|| sysctl::write(LIMIT, "80"))?;
    let moved = stage.call(&ordinary, "bind(80)", move || udp::bind(at(HTTP)))?;
    stage.finding(
        Words {
            en: "with the capability, from the limit on, or with the limit moved to 80 it works",
            zh: "有这个能力,或端口不低于界限,或把界限改为 80,就可以",
        },
        with == "ok" && at_limit.is_ok() && moved.is_ok(),
        format!("{with}, {}, {}", told(&at_limit), told(&moved)),
    );
    Ok(())
}

fn any(stage: &mut Stage<'_>, server: &Program) -> Result<(), LabError> {
    stage.note(Words { en: "port 0", zh: "端口 0" })?;
    let nothing = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let mut ports = Vec::new();
    let mut sockets = Vec::new();
    for _ in 0..2 {
        let socket = Endpoint::open(stage, server, "bind(0)", move || udp::bind(nothing))?;
        ports.push(needed("getsockname", own(socket.socket()))?.port());
        sockets.push(socket);
    }
    let range = stage.host(server.host).run(|| sysctl::read("net.ipv4.ip_local_port_range"))?;
    let mut ends = range.split_whitespace().filter_map(|end| end.parse::<u16>().ok());
    let (low, high) = (ends.next().unwrap_or(0), ends.next().unwrap_or(0));
    stage.finding(
        Words {
            en: "port 0 asks for any: each socket gets another one out of ip_local_port_range",
            zh: "端口 0 表示任选一个:每个套接字从 ip_local_port_range 得到不同的端口",
        },
        ports.iter().all(|port| (low..=high).contains(port)) && matches!(ports[..], [a, b] if a != b),
        format!("{}, {} in {low}-{high}", ports[0], ports[1]),
    );
    Ok(())
}

fn with_itself(stage: &mut Stage<'_>, client: &Program) -> Result<(), LabError> {
    stage.note(Words { en: "a socket connects to its own port", zh: "套接字连接到自己的端口" })?;
    let own_port = SocketAddr::from((Ipv4Addr::LOCALHOST, stage.port()?));
    let alone = Endpoint::open(stage, client, "bind(), connect() to it", move || {
        let socket = tcp::socket(own_port)?;
        socket.bind(&own_port.into())?;
        socket.connect(&own_port.into())?;
        Ok(socket)
    })?;
    alone.send(stage, "\"anybody?\"", *b"anybody?")?;
    let echo = alone.receive(stage, 100)?;
    let peer = needed("getpeername", alone.socket().peer_addr())?.as_socket();
    stage.finding(
        Words {
            en: "nobody listens, and yet it connects: to itself, and reads what it sent",
            zh: "没有人监听,却连上了:连的是自己,读到的是自己发出的",
        },
        peer == Some(own_port) && echo == b"anybody?",
        quoted(&echo),
    );
    Ok(())
}
