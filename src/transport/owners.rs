//! Which processes hold the sockets that a datagram goes between, asked of a process that may see them.
//!
//! **Invariant:** an answer names only processes that held, a second before at most, the very socket that the kernel gives
//! such a datagram to.

use std::collections::HashSet;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use super::services::Protocol;
use super::states::State;
use crate::kernel::netlink::Netlink;
use crate::kernel::process::{self, Holders, Process};
use crate::kernel::sock_diag::SockDiag;
use crate::kernel::{OsError, helper, sandbox};

/// How long the machine's addresses and the files of its processes are taken to be as they were seen.
const FRESH: Duration = Duration::from_secs(1);
/// Most processes that are named of one socket.
const MOST_PROCESSES: usize = 8;
/// Flags of a question.
const OF_UDP: u8 = 1;
const OPENS: u8 = 2;
/// Bytes of a question: flags, two addresses, two ports.
const QUESTION: usize = 1 + 2 * (16 + 2);

/// What is known of one end of a datagram's way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Owner {
    /// The address is not one of this machine.
    #[default]
    Elsewhere,
    /// No socket any more, or none that a process holds.
    Unknown,
    /// A socket whose processes this user may not see.
    Hidden,
    /// The processes that hold the socket.
    Held(Vec<Process>),
}

/// A datagram whose ends are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// What the ports belong to.
    pub protocol: Protocol,
    /// Where it comes from.
    pub source: SocketAddr,
    /// Where it goes.
    pub destination: SocketAddr,
    /// Whether it opens a connection: then it is for the socket that listens.
    pub opens: bool,
}

/// Somebody who knows.
pub trait Ask {
    /// Who holds the sockets that the datagram comes from and goes to.
    ///
    /// # Errors
    /// There is nobody to ask any more.
    fn ask(&mut self, question: Question) -> io::Result<[Owner; 2]>;
}

/// The process that is asked. It ends with this.
#[derive(Debug)]
pub struct Helper(UnixStream);

impl Helper {
    /// Starts it, in the network namespace where `enter` leads. Must be called before any other thread exists.
    ///
    /// # Errors
    /// No process to be had; what `enter` says; the kernel's refusal to tell about sockets.
    pub fn start(enter: impl FnOnce() -> Result<(), OsError>, confined: bool) -> Result<Self, StartError> {
        let mut connection = helper::start(|connection| work(connection, enter, confined))?;
        let refusal = String::from_utf8_lossy(&receive(&mut connection)?).into_owned();
        if refusal.is_empty() { Ok(Helper(connection)) } else { Err(StartError::Refused(refusal)) }
    }
}

/// Why nobody can be asked.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The process could not be started.
    #[error(transparent)]
    Os(#[from] OsError),
    /// It ended before it said anything.
    #[error("the process that looks for the owners of sockets ended: {0}")]
    Ended(#[from] io::Error),
    /// It was refused what it needs.
    #[error("{0}")]
    Refused(String),
}

impl Ask for Helper {
    fn ask(&mut self, question: Question) -> io::Result<[Owner; 2]> {
        self.0.write_all(&question.bytes())?;
        Ok([owner(&receive(&mut self.0)?), owner(&receive(&mut self.0)?)])
    }
}

impl Question {
    fn bytes(&self) -> Vec<u8> {
        let flag = |set, flag| if set { flag } else { 0 };
        let mut bytes = vec![flag(self.protocol == Protocol::Udp, OF_UDP) | flag(self.opens, OPENS)];
        for end in [self.source, self.destination] {
            let address = match end.ip() {
                IpAddr::V4(address) => address.to_ipv6_mapped(),
                IpAddr::V6(address) => address,
            };
            bytes.extend(address.octets());
            bytes.extend(end.port().to_be_bytes());
        }
        bytes
    }

    fn read(bytes: &[u8; QUESTION]) -> Self {
        let end = |at: usize| -> SocketAddr {
            let mut address = [0; 16];
            address.copy_from_slice(&bytes[at..at + 16]);
            let port = u16::from_be_bytes([bytes[at + 16], bytes[at + 17]]);
            SocketAddr::new(Ipv6Addr::from(address).to_canonical(), port)
        };
        let protocol = if bytes[0] & OF_UDP == 0 { Protocol::Tcp } else { Protocol::Udp };
        Question { protocol, source: end(1), destination: end(19), opens: bytes[0] & OPENS != 0 }
    }
}

/// An answer: its length and its bytes.
fn receive(from: &mut UnixStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 2];
    from.read_exact(&mut length)?;
    let mut answer = vec![0; u16::from_be_bytes(length).into()];
    from.read_exact(&mut answer)?;
    Ok(answer)
}

fn send(to: &mut UnixStream, answer: &[u8]) -> io::Result<()> {
    let answer = answer.get(..u16::MAX.into()).unwrap_or(answer);
    to.write_all(&[&(answer.len() as u16).to_be_bytes(), answer].concat())
}

/// An owner as bytes: which kind, then number, length of the name and name of each process.
fn bytes(owner: &Owner) -> Vec<u8> {
    let processes = match owner {
        Owner::Elsewhere => return vec![0],
        Owner::Unknown => return vec![1],
        Owner::Hidden => return vec![2],
        Owner::Held(processes) => processes,
    };
    let mut bytes = vec![3];
    for Process { pid, name } in processes.iter().take(MOST_PROCESSES) {
        let name = &name.as_bytes()[..name.len().min(u8::MAX.into())];
        bytes.extend(pid.to_be_bytes());
        bytes.push(name.len() as u8);
        bytes.extend(name);
    }
    bytes
}

fn owner(bytes: &[u8]) -> Owner {
    let Some((3, mut rest)) = bytes.split_first().map(|(kind, rest)| (*kind, rest)) else {
        return match bytes {
            [1] => Owner::Unknown,
            [2] => Owner::Hidden,
            _ => Owner::Elsewhere,
        };
    };
    let mut processes = Vec::new();
    while let Some(([a, b, c, d, length], behind)) = rest.split_first_chunk() {
        let Some((name, behind)) = behind.split_at_checked((*length).into()) else { break };
        let name = String::from_utf8_lossy(name).into_owned();
        processes.push(Process { pid: u32::from_be_bytes([*a, *b, *c, *d]), name });
        rest = behind;
    }
    Owner::Held(processes)
}

/// What the helper process does: answers until nobody asks any more.
fn work(mut connection: UnixStream, enter: impl FnOnce() -> Result<(), OsError>, confined: bool) {
    let mut finder = match enter().and_then(|()| Finder::new()) {
        Ok(finder) => finder,
        Err(refusal) => return drop(send(&mut connection, refusal.to_string().as_bytes())),
    };
    if confined {
        sandbox::confine(sandbox::Needs { asks: true, processes: true, ..sandbox::Needs::default() });
    }
    let mut serve = || -> io::Result<()> {
        send(&mut connection, &[])?;
        loop {
            let mut question = [0; QUESTION];
            connection.read_exact(&mut question)?;
            for owner in finder.answer(Question::read(&question)) {
                send(&mut connection, &bytes(&owner))?;
            }
        }
    };
    // Nobody asks any more.
    let _ = serve();
}

/// Finds the owners of sockets in the network namespace that it was made in.
struct Finder {
    sockets: SockDiag,
    netlink: Netlink,
    here: (Instant, HashSet<IpAddr>),
    holders: Holders,
    /// When the files of all processes were last looked through, and how much time went into that lately.
    looked: Option<Instant>,
    spent: Duration,
}

impl Finder {
    fn new() -> Result<Self, OsError> {
        let mut netlink = Netlink::open()?;
        let here = (Instant::now(), addresses(&mut netlink));
        Ok(Finder {
            sockets: SockDiag::open()?,
            netlink,
            here,
            holders: Holders::default(),
            looked: None,
            spent: Duration::ZERO,
        })
    }

    /// The sockets are found first: looking through processes takes longer than some connections live.
    fn answer(&mut self, question: Question) -> [Owner; 2] {
        let Question { protocol, source, destination, opens } = question;
        let sockets =
            [self.socket(protocol, source, destination, false), self.socket(protocol, destination, source, opens)];
        sockets.map(|socket| match socket {
            Socket::Missing(owner) => owner,
            Socket::Found(inode) => self.holder(inode),
        })
    }

    /// The socket at `own` that gets what `peer` sends. What `opens` a connection goes to a socket that listens.
    fn socket(&mut self, protocol: Protocol, own: SocketAddr, peer: SocketAddr, opens: bool) -> Socket {
        let unknown = Socket::Missing(Owner::Unknown);
        if !self.is_here(own.ip()) {
            return Socket::Missing(Owner::Elsewhere);
        }
        let Some((state, mut inode)) = self.find(protocol, own, peer) else { return unknown };
        match state {
            Some(State::Listen) if !opens => return unknown,
            // Until it is accepted, a connection is with the socket that listens.
            Some(State::SynReceived | State::Established | State::CloseWait) if inode == 0 => {
                let nobody: IpAddr =
                    if own.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
                match self.find(protocol, own, SocketAddr::new(nobody, 0)) {
                    Some((Some(State::Listen), listener)) => inode = listener,
                    _ => return unknown,
                }
            }
            _ => {}
        }
        // A connection that is over is nobody's.
        if inode == 0 { unknown } else { Socket::Found(inode) }
    }

    /// State, which only TCP has, and inode.
    fn find(&mut self, protocol: Protocol, own: SocketAddr, peer: SocketAddr) -> Option<(Option<State>, u32)> {
        let tcp = protocol == Protocol::Tcp;
        let entry = self.sockets.find(if tcp { 6 } else { 17 }, own, peer).ok()??;
        Some((State::from_kernel(entry.state).filter(|_| tcp), entry.inode))
    }

    fn is_here(&mut self, address: IpAddr) -> bool {
        if self.here.0.elapsed() > FRESH {
            self.here = (Instant::now(), addresses(&mut self.netlink));
        }
        address.is_loopback() || self.here.1.contains(&address)
    }

    fn holder(&mut self, inode: u32) -> Owner {
        let known = |holders: &Holders| holders.by_inode.get(&inode).map(|held| Owner::Held(held.clone()));
        let since = self.looked.map_or(Duration::MAX, |looked| looked.elapsed());
        if since < FRESH
            && let Some(owner) = known(&self.holders)
        {
            return owner;
        }
        // With very many processes half of the time at most is spent on looking through them.
        let spent = self.spent.saturating_sub(since / 2);
        if spent >= FRESH {
            return Owner::Unknown;
        }
        let start = Instant::now();
        self.holders = process::socket_holders().unwrap_or_default();
        (self.looked, self.spent) = (Some(Instant::now()), spent + start.elapsed());
        known(&self.holders).unwrap_or(if self.holders.hidden > 0 { Owner::Hidden } else { Owner::Unknown })
    }
}

/// A socket that was looked for.
enum Socket {
    Missing(Owner),
    /// Its inode.
    Found(u32),
}

fn addresses(netlink: &mut Netlink) -> HashSet<IpAddr> {
    netlink.addresses().unwrap_or_default().into_iter().map(|address| address.address).collect()
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream, UdpSocket};

    use super::*;

    #[test]
    fn owners_come_back_as_they_were_sent() {
        let process = |pid, name: &str| Process { pid, name: name.into() };
        let held = Owner::Held(vec![process(1, "systemd"), process(u32::MAX, "你好"), process(7, "")]);
        for sent in [Owner::Elsewhere, Owner::Unknown, Owner::Hidden, held.clone()] {
            assert_eq!(owner(&bytes(&sent)), sent);
        }
        let whole = bytes(&held);
        (0..whole.len()).for_each(|cut| drop(owner(&whole[..cut])));
    }

    #[test]
    fn questions_come_back_as_they_were_sent() {
        for (source, destination) in [("127.0.0.1:1", "10.0.0.1:65535"), ("[::1]:80", "[fe80::1]:53")] {
            let (source, destination) = (source.parse().unwrap(), destination.parse().unwrap());
            for (protocol, opens) in [(Protocol::Tcp, true), (Protocol::Tcp, false), (Protocol::Udp, false)] {
                let question = Question { protocol, source, destination, opens };
                assert_eq!(Question::read(&question.bytes().try_into().unwrap()), question);
            }
        }
    }

    /// Whether this process is found at either end.
    fn ends(finder: &mut Finder, protocol: Protocol, ends: [SocketAddr; 2], opens: bool) -> [Option<bool>; 2] {
        let [source, destination] = ends;
        finder.answer(Question { protocol, source, destination, opens }).map(|owner| match owner {
            Owner::Elsewhere => None,
            Owner::Unknown | Owner::Hidden => Some(false),
            Owner::Held(processes) => Some(processes.iter().any(|process| process.pid == std::process::id())),
        })
    }

    #[test]
    fn either_end_of_a_connection_is_found_and_none_when_it_is_over() {
        let (finder, tcp) = (&mut Finder::new().unwrap(), Protocol::Tcp);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let client = TcpStream::connect(address).unwrap();
        let there = [client.local_addr().unwrap(), address];
        let back = [address, client.local_addr().unwrap()];
        assert_eq!(ends(finder, tcp, there, true), [Some(true), Some(true)]);
        let (accepted, _) = listener.accept().unwrap();
        assert_eq!(ends(finder, tcp, back, false), [Some(true), Some(true)]);
        drop(client);
        drop(accepted);
        // The socket that listens still gets what opens a connection, and nothing else.
        assert_eq!(ends(finder, tcp, there, false), [Some(false), Some(false)]);
        let other = [SocketAddr::new(address.ip(), 1), address];
        assert_eq!(ends(finder, tcp, other, true), [Some(false), Some(true)]);
        assert_eq!(ends(finder, tcp, other, false), [Some(false), Some(false)]);
    }

    #[test]
    fn either_end_of_a_datagram_is_found_on_this_machine_alone() {
        let (finder, udp) = (&mut Finder::new().unwrap(), Protocol::Udp);
        let (any, sender) = (UdpSocket::bind("[::]:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
        let to = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), any.local_addr().unwrap().port());
        let from = sender.local_addr().unwrap();
        assert_eq!(ends(finder, udp, [from, to], false), [Some(true), Some(true)]);
        let foreign = SocketAddr::new(Ipv4Addr::new(192, 0, 2, 1).into(), to.port());
        assert_eq!(ends(finder, udp, [from, foreign], false), [Some(true), None]);
        drop(any);
        assert_eq!(ends(finder, udp, [from, to], false), [Some(true), Some(false)]);
    }
}
