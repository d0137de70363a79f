//! The kernel's table of sockets: who listens, who is connected, what still waits.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use nix::net::if_::if_indextoname;
use serde::{Serialize, Serializer};

pub use super::budget::{Budget, Busiest};
use super::services::Protocol;
use super::states::State;
use crate::bytes::order;
use crate::kernel::OsError;
use crate::kernel::process::{self, Holders, Process};
use crate::kernel::sock_diag::{Entry, Family, Memory, Query, SockDiag, TcpInfo, Timer};

/// What to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Protocols.
    pub protocols: Vec<Protocol>,
    /// Families that the sockets were made for.
    pub families: Vec<Family>,
    /// Only sockets in one of these states; empty means in any. UDP has no states: LISTEN and CLOSED stand for its
    /// unconnected sockets, ESTABLISHED for its connected ones.
    pub states: Vec<State>,
    /// Only sockets with this local or remote port.
    pub port: Option<u16>,
    /// Whether [`Socket::info`], [`Socket::memory`] and [`Socket::congestion_control`] are wanted.
    pub details: bool,
    /// Whether [`Socket::processes`] are wanted.
    pub processes: bool,
}

impl Default for Wanted {
    /// Everything, without details and processes.
    fn default() -> Self {
        Wanted {
            protocols: vec![Protocol::Tcp, Protocol::Udp],
            families: vec![Family::Ipv4, Family::Ipv6],
            states: Vec::new(),
            port: None,
            details: false,
            processes: false,
        }
    }
}

/// What a socket is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// A state of TCP.
    Tcp(State),
    /// A UDP socket that takes datagrams from anybody.
    Unconnected,
    /// A UDP socket that takes datagrams from one peer alone.
    Connected,
    /// A state number of a later kernel.
    Unknown(u8),
}

impl Status {
    pub(super) fn of(entry: &Entry) -> Self {
        match (protocol(entry), State::from_kernel(entry.state)) {
            (Protocol::Udp, Some(State::Established)) => Status::Connected,
            (Protocol::Udp, _) => Status::Unconnected,
            // What is only bound has no state of TCP; the kernel lists it as CLOSED.
            (Protocol::Tcp, Some(State::Closed)) if entry.local.port() != 0 => Status::Tcp(State::Bound),
            (Protocol::Tcp, Some(state)) => Status::Tcp(state),
            (Protocol::Tcp, None) => Status::Unknown(entry.state),
        }
    }

    /// The name: RFC 9293's for TCP.
    pub fn name(self) -> &'static str {
        match self {
            Status::Tcp(state) => state.name(),
            Status::Unconnected => "UNCONNECTED",
            Status::Connected => "CONNECTED",
            Status::Unknown(_) => "UNKNOWN",
        }
    }
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// One socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Socket {
    /// TCP or UDP.
    pub protocol: Protocol,
    /// Family that it was made for.
    pub family: Family,
    /// State.
    pub state: Status,
    /// Own address; unspecified (0.0.0.0, ::) for every address of the machine.
    pub local_address: IpAddr,
    /// Own port; 0 while not bound.
    pub local_port: u16,
    /// The peer's address; unspecified without a peer.
    pub remote_address: IpAddr,
    /// The peer's port; 0 without a peer.
    pub remote_port: u16,
    /// Interface that it is bound to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// Whether an IPv6 socket without a peer serves IPv6 alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipv6_only: Option<bool>,
    /// What waits in it.
    #[serde(flatten)]
    pub queues: Queues,
    /// The running timer.
    pub timer: Option<Running>,
    /// Retransmissions or probes so far of what the timer waits for.
    pub retransmits: u8,
    /// User that made it; none for TIME-WAIT and requests, which nobody owns.
    pub uid: Option<u32>,
    /// Inode that `/proc/PID/fd` links name; none when no process holds it.
    pub inode: Option<u32>,
    /// The kernel's name for this very socket.
    pub cookie: u64,
    /// Processes that hold it, as far as this user may see; none when not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processes: Option<Vec<Process>>,
    /// Congestion control.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub congestion_control: Option<String>,
    /// TCP's own figures.
    #[serde(rename = "tcp_info", skip_serializing_if = "Option::is_none")]
    pub info: Option<Box<TcpInfo>>,
    /// Memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
}

/// What waits in a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Queues {
    /// Of a listener: connections.
    Accept {
        /// Connections made and waiting for the program to accept them.
        accept_queue: u32,
        /// The backlog: Linux lets one more than this wait.
        accept_queue_limit: u32,
    },
    /// Of any other socket: data.
    Data {
        /// Received, not yet read by the program; of UDP the memory that the datagrams occupy in the kernel.
        receive_queue_bytes: u32,
        /// Written by the program, not yet acknowledged by the peer; of UDP the memory of what was not yet sent.
        send_queue_bytes: u32,
    },
}

/// A running timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Running {
    /// What happens when it fires: see [`Timer::name`].
    pub kind: &'static str,
    /// Milliseconds until then.
    pub remaining_ms: u32,
}

impl From<Timer> for Running {
    fn from(timer: Timer) -> Self {
        Running { kind: timer.name(), remaining_ms: timer.remaining_ms }
    }
}

/// How many sockets of each protocol are in each state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts(pub BTreeMap<(Protocol, Status), usize>);

impl Counts {
    fn add(&mut self, entry: &Entry) {
        *self.0.entry((protocol(entry), Status::of(entry))).or_default() += 1;
    }

    fn join(&mut self, other: &mut Self) {
        other.0.iter().for_each(|(kind, count)| *self.0.entry(*kind).or_default() += count);
    }

    /// All of them.
    pub fn total(&self) -> usize {
        self.0.values().sum()
    }

    /// Those of one protocol, by state.
    pub fn of(&self, protocol: Protocol) -> impl Iterator<Item = (Status, usize)> {
        self.0.iter().filter(move |((of, _), _)| *of == protocol).map(|((_, status), count)| (*status, *count))
    }
}

impl Serialize for Counts {
    /// As `{"tcp": {"LISTEN": 2}, "udp": {}}`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let of = |protocol| self.of(protocol).map(|(s, count)| (s.name(), count)).collect::<BTreeMap<_, _>>();
        serializer.collect_map([("tcp", of(Protocol::Tcp)), ("udp", of(Protocol::Udp))])
    }
}

/// The table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Table {
    /// The sockets, by protocol, state, addresses; empty when only the counts were asked for.
    pub sockets: Vec<Socket>,
    /// How many of each kind.
    pub counts: Counts,
    /// TIME-WAIT's share; none without such entries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_wait: Option<Budget>,
    /// Whether the kernel could not copy the table in one piece: an entry may be missing or doubled.
    pub inconsistent: bool,
    /// Processes whose sockets this user may not see; none when processes were not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden_processes: Option<usize>,
}

/// Counts what `wanted` selects, in the network namespace of the calling thread. Nothing is kept of the entries, so
/// that a hundred thousand of them cost milliseconds.
///
/// # Errors
/// As [`SockDiag::dump`].
pub fn count(wanted: &Wanted) -> Result<Table, OsError> {
    let (counts, inconsistent) = dump(wanted, |counts: &mut Counts, entry| counts.add(&entry), Counts::join)?;
    Ok(Table { sockets: Vec::new(), counts, time_wait: None, inconsistent, hidden_processes: None })
}

/// Lists what `wanted` selects, in the network namespace of the calling thread.
///
/// # Errors
/// As [`SockDiag::dump`], and the refusal to read /proc when processes are wanted.
pub fn list(wanted: &Wanted) -> Result<Table, OsError> {
    let (mut entries, inconsistent) = dump(wanted, Vec::push, Vec::append)?;
    order::by_key(&mut entries, |entry| (entry.protocol, Status::of(entry), entry.local, entry.remote, entry.cookie));
    let mut counts = Counts::default();
    for entry in &entries {
        counts.add(entry);
    }
    let holders = match wanted.processes {
        true if entries.iter().any(|entry| entry.inode != 0) => Some(holders()?),
        true => Some(Holders::default()),
        false => None,
    };
    let time_wait = Budget::of(&entries).filter(|_| wanted.port.is_none());
    let mut names = HashMap::new();
    let hidden_processes = holders.as_ref().map(|holders| holders.hidden);
    let sockets = entries.into_iter().map(|entry| socket(entry, holders.as_ref(), &mut names)).collect();
    Ok(Table { sockets, counts, time_wait, inconsistent, hidden_processes })
}

fn holders() -> Result<Holders, OsError> {
    process::socket_holders().map_err(|error| OsError::from_io("read processes in", "/proc", &error))
}

/// Dumps each protocol and family, and joins the parts; with whether any part was inconsistent.
fn dump<T: Default>(
    wanted: &Wanted,
    mut fold: impl FnMut(&mut T, Entry),
    mut join: impl FnMut(&mut T, &mut T),
) -> Result<(T, bool), OsError> {
    let mut diag = SockDiag::open()?;
    let (mut all, mut inconsistent) = (T::default(), false);
    for protocol in &wanted.protocols {
        for family in &wanted.families {
            let query = Query {
                protocol: number(*protocol),
                family: *family,
                states: mask(*protocol, &wanted.states),
                port: wanted.port,
                details: wanted.details,
            };
            if query.states == 0 {
                continue;
            }
            let mut part = diag.dump(&query, &mut fold)?;
            join(&mut all, &mut part.value);
            inconsistent |= part.inconsistent;
        }
    }
    Ok((all, inconsistent))
}

/// The IP protocol number of a protocol.
const fn number(protocol: Protocol) -> u8 {
    match protocol {
        Protocol::Tcp => 6,
        Protocol::Udp => 17,
    }
}

fn protocol(entry: &Entry) -> Protocol {
    if entry.protocol == number(Protocol::Udp) { Protocol::Udp } else { Protocol::Tcp }
}

/// The kernel's state mask for `states`.
fn mask(protocol: Protocol, states: &[State]) -> u32 {
    if states.is_empty() {
        return Query::EVERY_STATE;
    }
    let of = |state: &State| match (protocol, state) {
        (Protocol::Tcp, state) => state.mask(),
        (Protocol::Udp, State::Listen | State::Closed) => State::Closed.mask(),
        (Protocol::Udp, State::Established) => State::Established.mask(),
        (Protocol::Udp, _) => 0,
    };
    states.iter().map(of).fold(0, |all, mask| all | mask)
}

fn socket(entry: Entry, holders: Option<&Holders>, names: &mut HashMap<u32, Option<String>>) -> Socket {
    let state = Status::of(&entry);
    let queues = match state {
        Status::Tcp(State::Listen) => {
            Queues::Accept { accept_queue: entry.receive_queue, accept_queue_limit: entry.send_queue }
        }
        _ => Queues::Data { receive_queue_bytes: entry.receive_queue, send_queue_bytes: entry.send_queue },
    };
    let owned = !matches!(state, Status::Tcp(State::TimeWait | State::SynReceived));
    let inode = (entry.inode != 0).then_some(entry.inode);
    let held_by = |holders: &Holders| inode.and_then(|inode| holders.by_inode.get(&inode)).cloned().unwrap_or_default();
    Socket {
        protocol: protocol(&entry),
        family: entry.family,
        state,
        local_address: entry.local.ip(),
        local_port: entry.local.port(),
        remote_address: entry.remote.ip(),
        remote_port: entry.remote.port(),
        interface: (entry.interface != 0).then(|| interface(entry.interface, names)).flatten(),
        ipv6_only: entry.v6only,
        queues,
        timer: entry.timer.map(Running::from),
        retransmits: entry.retransmits,
        uid: owned.then_some(entry.uid),
        inode,
        cookie: entry.cookie,
        processes: holders.map(held_by),
        congestion_control: entry.congestion,
        info: entry.info,
        memory: entry.memory,
    }
}

fn interface(index: u32, names: &mut HashMap<u32, Option<String>>) -> Option<String> {
    let name = || if_indextoname(index).ok()?.into_string().ok();
    names.entry(index).or_insert_with(name).clone()
}
