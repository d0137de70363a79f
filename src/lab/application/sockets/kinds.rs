//! Families and types.

use std::io;

use nix::errno::Errno;
use nix::sys::socket::SockType;
use socket2::{Domain, Protocol, Socket, Type};

use crate::kernel::capability::NET_RAW;
use crate::lab::endpoint::Endpoint;
use crate::lab::observation::Words;
use crate::lab::program::{Outcome, Program, failed_with, quoted, told};
use crate::lab::stage::{LabError, Stage};
use crate::lab::tcp::needed;

/// The families, with the protocol that raw sockets are asked for.
const FAMILIES: [(Domain, Option<Protocol>); 3] =
    [(Domain::IPV4, Some(Protocol::ICMPV4)), (Domain::IPV6, Some(Protocol::ICMPV6)), (Domain::UNIX, None)];

const TYPES: [(&str, SockType); 5] = [
    ("STREAM", SockType::Stream),
    ("DGRAM", SockType::Datagram),
    ("RAW", SockType::Raw),
    ("RDM", SockType::Rdm),
    ("SEQPACKET", SockType::SeqPacket),
];

/// What became of one type in each family: none for a socket.
struct Row([Option<Errno>; 3]);

impl Outcome for Row {
    fn told(&self) -> String {
        self.0.map(|errno| errno.map_or("ok".to_owned(), |errno| format!("{errno:?}"))).join(", ")
    }
}

fn row(kind: SockType) -> Row {
    Row(FAMILIES.map(|(family, raw)| {
        let protocol = raw.filter(|_| kind == SockType::Raw);
        Socket::new(family, Type::from(kind as i32), protocol).err().as_ref().map(errno)
    }))
}

fn errno(error: &io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(0))
}

/// Asks for every type in every family.
pub(super) fn matrix(stage: &mut Stage<'_>, program: &Program) -> Result<(), LabError> {
    stage.note(Words { en: "every type in INET, INET6 and UNIX", zh: "INET、INET6、UNIX 中的每种类型" })?;
    let mut rows = Vec::new();
    for (name, kind) in TYPES {
        rows.push(stage.call(program, &format!("socket(SOCK_{name})"), move || row(kind))?);
    }
    let [stream, datagram, _, reliable, _] = &rows[..] else { return Ok(()) };
    // A kernel may have been built without IPv6.
    let absent = |errno: Option<Errno>| errno == Some(Errno::EAFNOSUPPORT);
    let both = |family: usize| [stream.0[family], datagram.0[family]];
    stage.finding(
        Words {
            en: "STREAM and DGRAM exist in every family that this kernel has",
            zh: "STREAM 和 DGRAM 在内核具有的每个地址族里都有",
        },
        both(0) == [None; 2] && both(2) == [None; 2] && (both(1) == [None; 2] || both(1).into_iter().all(absent)),
        format!("{}; {}", stream.told(), datagram.told()),
    );
    stage.finding(
        Words {
            en: "RDM, the \"reliable UDP\", exists in none of them",
            zh: "RDM,即“可靠的 UDP”,在哪个地址族里都不存在",
        },
        reliable.0.iter().all(|errno| *errno == Some(Errno::ESOCKTNOSUPPORT) || absent(*errno)),
        reliable.told(),
    );
    Ok(())
}

/// Asks for a raw socket without the capability.
pub(super) fn raw(stage: &mut Stage<'_>, host: usize) -> Result<(), LabError> {
    let ordinary = stage.program(host);
    let give_up = || NET_RAW.give_up().map_err(|error| io::Error::from(error.errno));
    needed("capset", stage.call(&ordinary, "capset(), without NET_RAW", give_up)?)?;
    let open = || Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4));
    let refused = stage.call(&ordinary, "socket(AF_INET, SOCK_RAW)", open)?;
    stage.finding(
        Words { en: "RAW needs CAP_NET_RAW: EPERM without it", zh: "RAW 需要 CAP_NET_RAW:没有就是 EPERM" },
        failed_with(&refused, Errno::EPERM),
        told(&refused),
    );
    Ok(())
}

/// Two messages through a pair of `SEQPACKET` sockets.
pub(super) fn sequenced(stage: &mut Stage<'_>, program: &Program) -> Result<(), LabError> {
    let mut other = None;
    let pair = Socket::pair(Domain::UNIX, Type::SEQPACKET, None).map(|(one, two)| {
        other = Some(two);
        one
    });
    let one = Endpoint::open(stage, program, "socketpair(AF_UNIX, SOCK_SEQPACKET)", move || pair)?;
    let Some(other) = other.map(|other| Endpoint::new(program, other)) else { return Ok(()) };
    one.send(stage, "\"one\"", *b"one")?;
    one.send(stage, "\"two\"", *b"two")?;
    one.close(stage)?;
    let read = [other.receive(stage, 100)?, other.receive(stage, 100)?, other.receive(stage, 100)?];
    stage.finding(
        Words {
            en: "SEQPACKET is in use: a connection of AF_UNIX that keeps boundaries and tells when the peer leaves",
            zh: "SEQPACKET 并没有废弃:AF_UNIX 的连接,保留边界,对方离开时也会得知",
        },
        read == [b"one".to_vec(), b"two".to_vec(), Vec::new()],
        read.map(|message| quoted(&message)).join(", "),
    );
    Ok(())
}
