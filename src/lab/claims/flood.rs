//! What the articles say of SYN floods.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::Duration;

use super::claim::Article::A0;
use super::claim::{Claim, Expected, Found};
use super::ground::{Ground, Untried};
use super::local::{PATIENCE, told};
use super::wire::QUIET;
use crate::bytes::Mac;
use crate::kernel::netlink::Netlink;
use crate::kernel::{OsError, sysctl};
use crate::lab::forged;
use crate::lab::observation::Words;
use crate::lab::tcp::{self, needed};
use crate::lab::topology::Neighbours;
use crate::transport::states::State;
use crate::transport::tcp::Flags;
use crate::transport::tcp_wire::{End, Forged};

pub(super) const CLAIMS: &[Claim] = &[Claim {
    id: "syncookies-help",
    articles: &[A0],
    statement: Words {
        en: "SYN cookies keep a server reachable under a small SYN flood.",
        zh: "开启 SYN cookies 可以防范少量的 SYN 攻击。",
    },
    expected: Expected::Holds,
    why: Words {
        en: "When the queue is full the server remembers nothing: what it needs to know is coded into the sequence number of \
             its SYN+ACK, and comes back with the client's ACK.",
        zh: "队列满时服务器什么也不记:需要的信息编码在 SYN+ACK 的序号里,随客户端的 ACK 一起返回。",
    },
    attempt: cookies,
}];

/// Forged SYNs, far more than the queue holds.
const FLOOD: u16 = 100;
const BACKLOG: u32 = 8;
/// A SYN that is dropped is repeated after a second; after three the kernel begins to forget the forged ones.
const NO_ANSWER: Duration = Duration::from_millis(700);
/// How many addresses they come from.
const NOBODY: u8 = 10;

/// An address at which nobody is, so that nobody answers the SYN+ACK.
fn nobody(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(172, 16, 10, 100 + number)
}

/// Connections half open after the flood, and how an honest client fares then.
fn flood(ground: Ground, cookies: &'static str, patience: Duration) -> Result<(usize, String), Untried> {
    ground.stage(|stage| {
        stage.watch_states = false;
        let hosts = stage.pair(Neighbours::Known)?;
        stage.host(hosts[1]).run(move || -> Result<(), OsError> {
            sysctl::write("net.ipv4.tcp_syncookies", cookies)?;
            // What cannot be delivered at all would be forgotten at once.
            let mut netlink = Netlink::open()?;
            (0..NOBODY).try_for_each(|last| {
                netlink.add_neighbour("eth0", nobody(last).into(), Mac([0x02, 0xfc, 0, 0, 1, last]))
            })
        })?;
        let address = SocketAddr::new(stage.address(hosts[1]), stage.port()?);
        let server = stage.program(hosts[1]);
        let listener = stage.call(&server, "listen()", move || tcp::listen(address, BACKLOG))?;
        let _listener = needed("listen", listener)?;
        let (own, to) = (forged::end(stage, hosts[0], 0), forged::end(stage, hosts[1], address.port()));
        let client = stage.program(hosts[0]);
        let sent = stage.call(&client, "forged SYNs", move || {
            (0..FLOOD).try_for_each(|number| {
                let address = SocketAddrV4::new(nobody(number as u8 % NOBODY), 1024 + number);
                let from = End { mac: own.mac, address };
                let syn =
                    Forged { from, to, sequence: number.into(), acknowledgment: 0, flags: Flags::SYN, window: 65_535 };
                forged::send("eth0", &syn.frame())
            })
        })?;
        needed("send", sent)?;
        stage.settle(QUIET)?;
        let seen = stage.look()?;
        let half_open = seen
            .get(hosts[1])
            .map_or(0, |sockets| sockets.iter().filter(|socket| socket.state == Some(State::SynReceived)).count());
        let honest = stage.call(&client, "connect()", move || {
            let socket = tcp::socket(address)?;
            socket.connect_timeout(&address.into(), patience)
        })?;
        Ok((half_open, honest.as_ref().map_or_else(|_| "SYN-SENT".to_owned(), |()| told(&honest))))
    })
}

fn cookies(ground: Ground) -> Result<Found, Untried> {
    let ((kept, without), (_, with)) = (flood(ground, "0", NO_ANSWER)?, flood(ground, "1", PATIENCE)?);
    let measured = format!(
        "{FLOOD} × SYN, listen({BACKLOG}): {kept} × SYN-RECEIVED; connect: tcp_syncookies=0 {without}, =1 {with}"
    );
    Ok(Found::sides(with == "ok" && without == "SYN-SENT", with != "ok", measured))
}
