//! Requests from addresses where nobody is: a full queue without SYN cookies, and how cookies keep the door open
//! (RFC 4987, section 3.6). Everything happens inside the lab's own network, and there is an end to it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::time::Duration;

use nix::errno::Errno;
use socket2::Socket;

use crate::dissect::Header;
use crate::kernel::netlink::Netlink;
use crate::kernel::{OsError, sysctl};
use crate::lab::endpoint::Endpoint;
use crate::lab::experiment::{Floor, Lab, Parameters};
use crate::lab::fabric::Joining;
use crate::lab::fate::{self, Fate, Passing};
use crate::lab::forged;
use crate::lab::observation::Words;
use crate::lab::program::{Program, failed_with, told};
use crate::lab::stage::{LabError, Stage};
use crate::lab::tcp;
use crate::lab::topology::{Cable, Neighbours};
use crate::transport::states::State;
use crate::transport::tcp::Flags;
use crate::transport::tcp_wire::{End, Forged};

/// The lab.
pub const LAB: Lab = Lab {
    name: "syn-flood",
    floor: Floor::Transport,
    on_loopback: false,
    title: Words {
        en: "A flood of SYNs fills a queue, and SYN cookies need none",
        zh: "SYN 洪水占满队列,而 SYN cookie 不需要队列",
    },
    explanation: Words {
        en: "For every SYN a kernel keeps a request in SYN-RECEIVED until the last acknowledgement comes. An attacker \
             who sends SYNs from addresses where nobody is never sends that one: a few hundred small segments fill \
             the queue of a listener, and the SYNs of honest clients are dropped. With net.ipv4.tcp_syncookies=1 a \
             kernel whose queue is full keeps nothing: it computes the sequence number of its SYN, ACK from the \
             addresses, a secret and the time. The client's acknowledgement brings that number back, and the kernel \
             recognises its own cookie and makes the connection out of nothing. With 2 it always does so; with 0 \
             never. The price: what does not fit into the number, such as some options, is lost.",
        zh: "每收到一个 SYN,内核就保留一个处于 SYN-RECEIVED 的请求,直到最后的确认到达。攻击者用没有人的地址发送 SYN,\
             永远不会发送这个确认:几百个小报文段就占满监听套接字的队列,诚实客户端的 SYN 被丢弃。net.ipv4.tcp_syncookies=1 时,\
             队列已满的内核什么也不保留:它用地址、一个秘密和时间算出 SYN, ACK 的序号。客户端的确认把这个号码带回来,内核认出自己的 \
             cookie,凭空建立连接。设为 2 时总是这样做;设为 0 时从不。代价:装不进这个号码的东西,例如某些选项,会丢失。",
    },
    run,
};

/// Forged requests in one flood.
const SYNS: u16 = 300;
const BACKLOG: u32 = 4;
/// TEST-NET-2 (RFC 5737): nobody lives there.
const NOWHERE: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 0);
const NOWHERE_LENGTH: u8 = 24;

fn run(stage: &mut Stage<'_>, _: &Parameters) -> Result<(), LabError> {
    let flood = Flood::new(stage)?;
    stage.note(Words {
        en: "tcp_syncookies = 0; 300 SYNs from addresses where nobody is",
        zh: "tcp_syncookies = 0;300 个 SYN,来自没有人的地址",
    })?;
    let without = flood.round(stage, "0")?;
    without_cookies(stage, &without);
    without.listener.close(stage)?;

    stage.note(Words {
        en: "tcp_syncookies = 1: cookies when the queue is full",
        zh: "tcp_syncookies = 1:队列满时用 cookie",
    })?;
    let when_full = flood.round(stage, "1")?;
    cookies_when_full(stage, &when_full);

    stage.note(Words { en: "tcp_syncookies = 2: cookies always", zh: "tcp_syncookies = 2:总是用 cookie" })?;
    let always = flood.round(stage, "2")?;
    stage.finding(
        Words {
            en: "tcp_syncookies = 2: every SYN is answered with a cookie, and none is kept",
            zh: "tcp_syncookies = 2:每个 SYN 都以 cookie 应答,一个也不保留",
        },
        always.kept == 0 && always.cookies == u64::from(SYNS) && always.honest.is_ok(),
        format!("SYN-RECEIVED {}, SyncookiesSent {}, connect() {}", always.kept, always.cookies, told(&always.honest)),
    );
    Ok(())
}

fn without_cookies(stage: &mut Stage<'_>, round: &Round<'_>) {
    stage.finding(
        Words {
            en: "without cookies backlog + 1 requests are kept and the others dropped",
            zh: "没有 cookie 时,保留 backlog + 1 个请求,其余的丢弃",
        },
        round.kept == u64::from(BACKLOG) + 1 && round.dropped == u64::from(SYNS) - round.kept,
        format!("listen({BACKLOG}): SYN-RECEIVED {}, TCPReqQFullDrop {}", round.kept, round.dropped),
    );
    stage.finding(
        Words { en: "the honest client does not get in", zh: "诚实的客户端进不来" },
        failed_with(&round.honest, Errno::ETIMEDOUT),
        told(&round.honest),
    );
}

fn cookies_when_full(stage: &mut Stage<'_>, round: &Round<'_>) {
    stage.finding(
        Words {
            en: "with tcp_syncookies = 1 those that find the queue full get a cookie",
            zh: "tcp_syncookies = 1 时,遇到队列已满的得到 cookie",
        },
        round.dropped == 0 && round.kept == u64::from(BACKLOG) + 1 && round.cookies == u64::from(SYNS) - round.kept,
        format!("SYN-RECEIVED {}, SyncookiesSent {}", round.kept, round.cookies),
    );
    stage.finding(
        Words {
            en: "the honest client gets in: its ACK brings the cookie back",
            zh: "诚实的客户端能进来:它的 ACK 把 cookie 带了回来",
        },
        round.honest.is_ok() && round.brought_back == 1,
        format!("connect() {}, SyncookiesRecv {}", told(&round.honest), round.brought_back),
    );
}

/// Somebody who forges, a server, and an honest client.
struct Flood {
    attacker: Program,
    server: Program,
    client: Program,
}

/// What one flood did.
struct Round<'p> {
    listener: Endpoint<'p>,
    /// Requests in SYN-RECEIVED afterwards.
    kept: u64,
    /// SYNs dropped because the queue was full.
    dropped: u64,
    /// SYNs answered with a cookie.
    cookies: u64,
    /// What came of the honest client's `connect()`.
    honest: io::Result<Socket>,
    /// Cookies that came back.
    brought_back: u64,
}

impl Flood {
    fn new(stage: &mut Stage<'_>) -> Result<Self, LabError> {
        let [attacker, server, client] =
            [stage.new_host("attacker")?, stage.new_host("server")?, stage.new_host("client")?];
        let cable =
            |host, last| Cable { host, interface: "eth0".to_owned(), address: (Ipv4Addr::new(172, 16, 10, last), 24) };
        stage.join(Joining::Switch, Neighbours::Known, &[cable(attacker, 66), cable(server, 2), cable(client, 1)])?;
        let gateway = stage.address(attacker);
        stage.host(server).run(move || -> Result<(), OsError> {
            // Where the answers to forged addresses would go.
            Netlink::open()?.add_route(IpAddr::V4(NOWHERE), NOWHERE_LENGTH, Some(gateway), None)?;
            // A request lives for three seconds instead of a minute, and an honest client asks twice in that time.
            sysctl::write("net.ipv4.tcp_synack_retries", "1")
        })?;
        stage.host(client).run(|| -> Result<(), OsError> {
            sysctl::write_if_present("net.ipv4.tcp_syn_linear_timeouts", "0")?;
            sysctl::write("net.ipv4.tcp_syn_retries", "1")
        })?;
        let (of_server, of_client) = (stage.address(server), stage.address(client));
        stage.keeping(0, |stage| {
            speak(stage, server, of_client)?;
            speak(stage, client, of_server)?;
            stage.settle(QUIET)
        })?;
        stage.rule(fate::every(move |frame| frame.from == server && leads_nowhere(frame), Fate::Drop));
        let [attacker, server, client] = [attacker, server, client].map(|host| stage.program(host));
        Ok(Flood { attacker, server, client })
    }

    /// A new listener, a flood, and an honest client.
    fn round(&self, stage: &mut Stage<'_>, cookies: &'static str) -> Result<Round<'_>, LabError> {
        let host = self.server.host;
        stage.host(host).run(move || sysctl::write("net.ipv4.tcp_syncookies", cookies))?;
        let address = SocketAddr::new(stage.address(host), stage.port()?);
        let call = format!("listen({BACKLOG})");
        let listener = Endpoint::open(stage, &self.server, &call, move || tcp::listen(address, BACKLOG))?;
        let before = stage.counters(host)?;
        self.forge(stage, address.port())?;
        let after = stage.counters(host)?;
        let kept = requests(stage, host, address.port())?;
        let [dropped, cookies] =
            ["TcpExtTCPReqQFullDrop", "TcpExtSyncookiesSent"].map(|name| after.grown(&before, name));
        stage.fact(host, format!("{kept} SYN-RECEIVED, {dropped} dropped, {cookies} cookies"))?;
        let honest = stage.call(&self.client, "connect()", move || tcp::connect(address))?;
        stage.settle(QUIET)?;
        let brought_back = stage.counters(host)?.grown(&after, "TcpExtSyncookiesRecv");
        Ok(Round { listener, kept, dropped, cookies, honest, brought_back })
    }

    /// Sends the flood and waits until it has passed.
    fn forge(&self, stage: &mut Stage<'_>, port: u16) -> Result<(), LabError> {
        let to = forged::end(stage, self.server.host, port);
        let own = forged::end(stage, self.attacker.host, 0);
        let frames: Vec<_> = (0..SYNS).map(|number| syn(own, to, number).frame()).collect();
        let wanted = stage.frames() + u64::from(SYNS);
        stage.keeping(FRAMES, |stage| {
            let call = format!("forge {SYNS} SYNs");
            let sent = stage.call(&self.attacker, &call, move || {
                let frames: Vec<&[u8]> = frames.iter().map(<[u8; _]>::as_slice).collect();
                forged::send_all("eth0", &frames)
            })?;
            tcp::needed("send", sent)?;
            stage.until("the flood", stage.patience, |stage| stage.frames() >= wanted)?;
            stage.settle(QUIET)
        })
    }
}

/// Long enough for everything that is on its way to arrive.
const QUIET: Duration = Duration::from_millis(50);
/// Frames of a flood that stay on the ladder.
const FRAMES: usize = 4;

/// One datagram that nobody waits for, from which a switch learns where `host` is.
fn speak(stage: &Stage<'_>, host: usize, to: IpAddr) -> Result<(), LabError> {
    const DISCARD: u16 = 9;
    let spoken = stage.host(host).run(move || UdpSocket::bind("0.0.0.0:0")?.send_to(b"", (to, DISCARD)));
    tcp::needed("sendto", spoken).map(drop)
}

/// The first segment of a handshake that nobody will go on with: each from another address and port.
fn syn(own: End, to: End, number: u16) -> Forged {
    let address = Ipv4Addr::from(u32::from(NOWHERE) + 1 + u32::from(number % 250));
    let from = End { address: SocketAddrV4::new(address, 1024 + number), ..own };
    let sequence = u32::from(number) << 16;
    Forged { from, to, sequence, acknowledgment: 0, flags: Flags::SYN, window: 64_240 }
}

fn leads_nowhere(frame: &Passing<'_>) -> bool {
    let network = |address: Ipv4Addr| u32::from(address) >> (32 - NOWHERE_LENGTH);
    let destination = frame.layers.iter().find_map(|layer| match layer.header {
        Header::Ipv4(ip) => Some(ip.destination),
        _ => None,
    });
    destination.is_some_and(|destination| network(destination) == network(NOWHERE))
}

/// Half-open requests that the listener at `port` keeps.
fn requests(stage: &mut Stage<'_>, host: usize, port: u16) -> Result<u64, LabError> {
    let seen = stage.look()?;
    let sockets = seen.get(host).into_iter().flatten();
    let kept = sockets.filter(|one| one.state == Some(State::SynReceived) && one.local.port() == port);
    Ok(kept.count() as u64)
}
