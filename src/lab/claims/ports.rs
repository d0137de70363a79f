//! What the articles say of ports.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use nix::errno::Errno;
use socket2::Socket;

use super::claim::Article::{A0, A1};
use super::claim::{Claim, Expected, Found};
use super::ground::{Ground, Untried};
use super::local::{Local, readable, told};
use crate::kernel::capability::NET_BIND_SERVICE;
use crate::kernel::sysctl;
use crate::lab::observation::Words;
use crate::lab::place::on;
use crate::lab::program::failed_with;
use crate::lab::stage::LabError;
use crate::lab::tcp::{self, needed};
use crate::lab::udp;

pub(super) const CLAIMS: &[Claim] = &[
    Claim {
        id: "port-of-the-card",
        articles: &[A0],
        statement: Words {
            en: "A port number ties one program to a network card.",
            zh: "端口号是应用程序与网卡关联的编号。",
        },
        expected: Expected::Refuted,
        why: Words {
            en: "Ports belong to an address and a protocol: TCP and UDP can use the same number for different sockets, and so can two \
                 addresses of one card.",
            zh: "端口属于地址加协议:TCP 和 UDP 可以同时使用同一个号码,同一块网卡上的两个地址也可以。",
        },
        attempt: same_number,
    },
    Claim {
        id: "port-is-unique",
        articles: &[A1],
        statement: Words {
            en: "Every socket has a port number of its own.", zh: "每个套接字都有独一无二的端口号。"
        },
        expected: Expected::Refuted,
        why: Words {
            en: "All accepted sockets share the listener's port. What is unique is the pair of both ends' addresses and ports.",
            zh: "accept() 得到的所有套接字共用监听端口。唯一的是两端地址和端口的组合。",
        },
        attempt: shared_number,
    },
    Claim {
        id: "port-names-one-process",
        articles: &[A0],
        statement: Words {
            en: "Address, protocol and port together name exactly one process.",
            zh: "IP 地址加协议加端口唯一标识一个进程。",
        },
        expected: Expected::HoldsWhen(Words {
            en: "nobody shares it: SO_REUSEPORT lets several listen at once, and children inherit sockets",
            zh: "没有共享时;SO_REUSEPORT 允许多个同时监听,子进程还会继承套接字",
        }),
        why: Words {
            en: "With SO_REUSEPORT on all of them the kernel spreads connections over the listeners. Servers with a process per core \
                 do just that.",
            zh: "都设置 SO_REUSEPORT 时,内核把连接分配给各个监听者。每核一个进程的服务器正是这样做的。",
        },
        attempt: several_listeners,
    },
    Claim {
        id: "ports-below-1024",
        articles: &[A0],
        statement: Words {
            en: "Ports 0 to 1023 are for the system; an ordinary program cannot take them.",
            zh: "0-1023 是系统占用的端口,普通程序不能使用。",
        },
        expected: Expected::HoldsWhen(Words {
            en: "net.ipv4.ip_unprivileged_port_start is left at 1024",
            zh: "net.ipv4.ip_unprivileged_port_start 保持默认的 1024",
        }),
        why: Words {
            en: "The limit is a setting. Below it bind() needs CAP_NET_BIND_SERVICE, not a special user.",
            zh: "这个界限是可以设置的。低于它时 bind() 需要 CAP_NET_BIND_SERVICE 能力,而不是特定的用户。",
        },
        attempt: privileged,
    },
    Claim {
        id: "ports-0-65535",
        articles: &[A0],
        statement: Words {
            en: "A program can have any port from 0 to 65535.",
            zh: "端口范围是 0-65535,程序都可以使用。",
        },
        expected: Expected::HoldsWhen(Words {
            en: "the number is not 0, which asks for any free one",
            zh: "号码不为 0;0 表示由内核任选一个空闲端口",
        }),
        why: Words {
            en: "The field has 16 bits, and 0 is reserved.", zh: "端口字段有 16 位,而 0 是保留的。"
        },
        attempt: range,
    },
];

fn same_number(ground: Ground) -> Result<Found, Untried> {
    ground.loopback(|place| {
        let port = place.port()?;
        let first = tcp::listen(on(Ipv4Addr::LOCALHOST, port), 1);
        let other = tcp::listen(on(Ipv4Addr::new(127, 0, 0, 2), port), 1);
        let datagrams = udp::bind(on(Ipv4Addr::LOCALHOST, port));
        let measured = format!(
            "TCP 127.0.0.1: {}; UDP 127.0.0.1: {}; TCP 127.0.0.2: {}",
            told(&first),
            told(&datagrams),
            told(&other)
        );
        let refused = failed_with(&other, Errno::EADDRINUSE) || failed_with(&datagrams, Errno::EADDRINUSE);
        Ok(Found::sides(refused, first.is_ok() && other.is_ok() && datagrams.is_ok(), measured))
    })
}

fn own(socket: &Socket) -> Result<Option<SocketAddr>, LabError> {
    Ok(needed("getsockname", socket.local_addr())?.as_socket())
}

fn shared_number(ground: Ground) -> Result<Found, Untried> {
    ground.loopback(|place| {
        let Local { address, listener, client, server } = Local::new(place)?;
        let second = needed("connect", tcp::connect(address))?;
        let other = needed("accept", tcp::accept(&listener))?;
        let servers = [own(&listener)?, own(&server)?, own(&other)?];
        let (one, two) = (own(&client)?, own(&second)?);
        let same = servers.iter().all(|name| *name == Some(address));
        let name = |name: Option<SocketAddr>| name.map_or_else(|| "-".to_owned(), |name| name.to_string());
        let measured = format!("{} ← {}; {} ← {}", name(servers[1]), name(one), name(servers[2]), name(two));
        Ok(Found::sides(!same, same && one != two, measured))
    })
}

fn listen_shared(address: SocketAddr, share: bool) -> io::Result<Socket> {
    let socket = tcp::socket(address)?;
    socket.set_reuse_port(share)?;
    socket.bind(&address.into())?;
    socket.listen(64)?;
    Ok(socket)
}

/// How many of 40 connections each of two listeners at one address gets; or why there are not two.
fn spread(ground: Ground, share: bool) -> Result<Result<[usize; 2], String>, Untried> {
    ground.loopback(move |place| {
        let address = on(Ipv4Addr::LOCALHOST, place.port()?);
        let first = needed("listen", listen_shared(address, share))?;
        let second = listen_shared(address, share);
        let Ok(second) = &second else { return Ok(Err(told(&second))) };
        let clients: Result<Vec<_>, _> = (0..40).map(|_| needed("connect", tcp::connect(address))).collect();
        let _kept = clients?;
        let got = [&first, second].map(|listener| {
            std::iter::from_fn(|| readable(listener, Duration::ZERO).then(|| listener.accept())).count()
        });
        Ok(Ok(got))
    })
}

fn several_listeners(ground: Ground) -> Result<Found, Untried> {
    let (alone, shared) = (spread(ground, false)?, spread(ground, true)?);
    let told = |got: &Result<[usize; 2], String>| match got {
        Ok([first, second]) => format!("{first} + {second}"),
        Err(why) => why.clone(),
    };
    let measured = format!("listen × 2: {}; SO_REUSEPORT, 40 × connect: {}", told(&alone), told(&shared));
    let both = shared.is_ok_and(|[first, second]| first > 0 && second > 0);
    Ok(Found::sides(alone.is_err_and(|why| why == "EADDRINUSE"), both, measured))
}

const LIMIT: &str = "net.ipv4.ip_unprivileged_port_start";
const HTTP: u16 = 80;

/// `bind()` to port 80 by a thread without the capability.
fn take_http(limit: Option<&'static str>) -> Result<io::Result<Socket>, LabError> {
    if let Some(limit) = limit {
        sysctl::write(LIMIT, limit)?;
    }
    let unprivileged = std::thread::spawn(|| {
        NET_BIND_SERVICE.give_up()?;
        Ok::<_, LabError>(udp::bind(on(Ipv4Addr::LOCALHOST, HTTP)))
    });
    unprivileged.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn privileged(ground: Ground) -> Result<Found, Untried> {
    ground.machine(|_| {
        let limit = sysctl::read(LIMIT)?;
        let (usual, moved) = (take_http(None)?, take_http(Some("0"))?);
        let measured = format!("bind(80): {LIMIT}={limit} {}, =0 {}", told(&usual), told(&moved));
        Ok(Found::sides(failed_with(&usual, Errno::EACCES), moved.is_ok(), measured))
    })
}

fn range(ground: Ground) -> Result<Found, Untried> {
    ground.machine(|_| {
        let last = needed("bind", udp::bind(on(Ipv4Addr::LOCALHOST, u16::MAX)))?;
        let zero = needed("bind", udp::bind(on(Ipv4Addr::LOCALHOST, 0)))?;
        let port = |socket| Ok::<_, LabError>(own(socket)?.map_or(0, |address| address.port()));
        let (last, zero) = (port(&last)?, port(&zero)?);
        Ok(Found::sides(last == u16::MAX, zero != 0, format!("bind(65535) → {last}; bind(0) → {zero}")))
    })
}
