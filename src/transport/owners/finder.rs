//! Finds sockets and who holds them, in the network namespace that it was made in.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use super::{Owner, Question};
use crate::kernel::OsError;
use crate::kernel::netlink::Netlink;
use crate::kernel::process::{self, Holders};
use crate::kernel::sock_diag::SockDiag;
use crate::transport::services::Protocol;
use crate::transport::states::State;

/// How long the machine's addresses and the files of its processes are taken to be as they were seen.
const FRESH: Duration = Duration::from_secs(1);
/// The number of the loopback interface in every network namespace; it takes all of 127.0.0.0/8.
const LOOPBACK: u32 = 1;
/// Processes that are looked at before all others: those that were found lately, and the newest.
const FIRST: usize = 8;

/// The machine's addresses, each with the interfaces that sockets at it may be bound to.
type Addresses = HashMap<IpAddr, Vec<u32>>;

/// What is known of sockets and processes.
pub(super) struct Finder {
    sockets: SockDiag,
    netlink: Netlink,
    here: (Instant, Addresses),
    holders: Holders,
    /// Processes that were found lately, the last one first.
    lately: Vec<u32>,
    /// When the files of all processes were last looked through, and how much time went into that lately.
    looked: Option<Instant>,
    spent: Duration,
}

/// The inodes of the sockets that a datagram may be for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sockets {
    /// The connection, or the socket of datagrams.
    own: Option<u32>,
    /// The socket that listens, as long as the connection is with it.
    listens: Option<u32>,
}

/// What was found at once of one end.
#[derive(Clone, Debug)]
pub(super) struct Begun {
    /// None where the address is not of this machine.
    sockets: Option<Sockets>,
    quick: Option<Owner>,
}

impl Begun {
    /// Whether there is a connection of which nobody is known.
    pub fn is_unfinished(&self) -> bool {
        let alone = |sockets: Sockets| sockets.own.is_some() && sockets.listens.is_none();
        self.quick.is_none() && self.sockets.is_some_and(alone)
    }
}

impl Finder {
    pub fn new() -> Result<Self, OsError> {
        let mut netlink = Netlink::open()?;
        let here = (Instant::now(), addresses(&mut netlink));
        Ok(Finder {
            sockets: SockDiag::open()?,
            netlink,
            here,
            holders: Holders::default(),
            lately: Vec::new(),
            looked: None,
            spent: Duration::ZERO,
        })
    }

    /// Who holds the sockets at both ends.
    pub fn answer(&mut self, question: Question) -> [Owner; 2] {
        let begun = self.begin(question);
        self.finish(begun)
    }

    /// The part that cannot wait: which sockets they are, and, where a connection begins that may soon be over, whether one of
    /// the likeliest processes holds it.
    pub fn begin(&mut self, question: Question) -> [Begun; 2] {
        let Question { protocol, source, destination, opens } = question;
        let sockets =
            [self.sockets(protocol, source, destination, false), self.sockets(protocol, destination, source, opens)];
        sockets.map(|sockets| {
            let begun = Begun { sockets, quick: None };
            // Who listens does so for longer, and so do all that share it.
            let hurries = opens && sockets.is_some_and(|sockets| sockets.listens.is_none());
            let own = sockets.and_then(|sockets| sockets.own).filter(|_| hurries);
            Begun { quick: own.and_then(|inode| self.at_once(inode)), ..begun }
        })
    }

    /// Looks through all processes for those that were not found at once.
    pub fn look_again(&mut self, begun: &mut [Begun; 2]) {
        for end in begun.iter_mut().filter(|end| end.is_unfinished()) {
            let own = end.sockets.and_then(|sockets| sockets.own);
            end.quick = own.map(|inode| self.holder(inode)).filter(|owner| matches!(owner, Owner::Held(_)));
        }
    }

    /// The part that looks through processes: who holds the connection, or else the socket that listens.
    pub fn finish(&mut self, begun: [Begun; 2]) -> [Owner; 2] {
        begun.map(|Begun { sockets, quick }| {
            let Some(Sockets { own, listens }) = sockets else { return Owner::Elsewhere };
            let known = |owner: &Owner| *owner != Owner::Unknown;
            let listener = |finder: &mut Self| listens.map(|inode| finder.holder(inode)).filter(known);
            // The accepted connection of a server is often gone before all processes were looked through.
            let found = quick.or_else(|| listener(self));
            found.unwrap_or_else(|| own.map_or(Owner::Unknown, |inode| self.holder(inode)))
        })
    }

    /// The sockets at `own` that may get what `peer` sends: what `opens` a connection goes to the one that listens. None where
    /// the address is not of this machine.
    fn sockets(&mut self, protocol: Protocol, own: SocketAddr, peer: SocketAddr, opens: bool) -> Option<Sockets> {
        let interfaces = self.interfaces(own.ip())?;
        let found = self.find(protocol, own, peer, &interfaces);
        // A connection that is over is nobody's.
        let held = |inode: u32| Some(inode).filter(|inode| *inode != 0);
        let (connection, asks_listener) = match found {
            None => (None, false),
            Some((Some(State::Listen), inode)) => {
                return Some(Sockets { own: None, listens: held(inode).filter(|_| opens) });
            }
            // Until it is accepted, a connection is with the socket that listens, and so was what opened it.
            Some((Some(State::SynReceived | State::Established | State::CloseWait), 0)) => (None, true),
            Some((_, inode)) => (held(inode), opens),
        };
        let listens = asks_listener.then(|| self.listener(protocol, own, &interfaces)).flatten();
        Some(Sockets { own: connection, listens })
    }

    /// The socket that listens at `own`.
    fn listener(&mut self, protocol: Protocol, own: SocketAddr, interfaces: &[u32]) -> Option<u32> {
        let nobody: IpAddr = if own.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let (state, inode) = self.find(protocol, own, SocketAddr::new(nobody, 0), interfaces)?;
        (state == Some(State::Listen) && inode != 0).then_some(inode)
    }

    /// State, which only TCP has, and inode.
    fn find(
        &mut self,
        protocol: Protocol,
        own: SocketAddr,
        peer: SocketAddr,
        interfaces: &[u32],
    ) -> Option<(Option<State>, u32)> {
        let tcp = protocol == Protocol::Tcp;
        let mut find = |interface| self.sockets.find(if tcp { 6 } else { 17 }, own, peer, interface).ok()?;
        let entry = interfaces.iter().find_map(|interface| find(*interface))?;
        Some((State::from_kernel(entry.state).filter(|_| tcp), entry.inode))
    }

    /// The interfaces that a socket at this address may be bound to; none where it is not of this machine.
    fn interfaces(&mut self, address: IpAddr) -> Option<Vec<u32>> {
        if self.here.0.elapsed() > FRESH {
            self.here = (Instant::now(), addresses(&mut self.netlink));
        }
        let known = self.here.1.get(&address).cloned();
        known.or_else(|| address.is_loopback().then(|| vec![LOOPBACK]))
    }

    /// One process that holds the socket, if it is one that holds such sockets now and again, or a new one.
    fn at_once(&mut self, inode: u32) -> Option<Owner> {
        let process = self.lately.iter().find_map(|pid| process::holds(*pid, inode)).or_else(|| {
            let processes = process::newest_first().ok()?;
            processes.into_iter().take(FIRST).find_map(|pid| process::holds(pid, inode))
        })?;
        self.seen(process.pid);
        Some(Owner::Held(vec![process]))
    }

    fn seen(&mut self, pid: u32) {
        self.lately.retain(|other| *other != pid);
        self.lately.insert(0, pid);
        self.lately.truncate(FIRST);
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
        if let Some(Owner::Held(processes)) = known(&self.holders) {
            processes.iter().rev().for_each(|process| self.seen(process.pid));
        }
        known(&self.holders).unwrap_or(if self.holders.hidden > 0 { Owner::Hidden } else { Owner::Unknown })
    }
}

/// A socket that is bound to none is found with any; one may be bound to the master of an interface, too (a VRF).
fn addresses(netlink: &mut Netlink) -> Addresses {
    let mut addresses = Addresses::new();
    let links = netlink.links().unwrap_or_default();
    for address in netlink.addresses().unwrap_or_default() {
        let master = links.iter().find(|link| link.index == address.interface).and_then(|link| link.master);
        addresses.entry(address.address).or_default().extend([address.interface].into_iter().chain(master));
    }
    addresses
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream, UdpSocket};

    use super::*;

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
    fn what_opened_a_connection_that_is_over_was_for_who_listens() {
        let (finder, tcp) = (&mut Finder::new().unwrap(), Protocol::Tcp);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let there = [client.local_addr().unwrap(), listener.local_addr().unwrap()];
        // The server closes first: its socket waits out its time and is nobody's.
        drop(listener.accept().unwrap());
        drop(client);
        assert_eq!(ends(finder, tcp, there, true), [Some(false), Some(true)]);
    }

    #[test]
    fn sockets_bound_to_an_interface_are_found() {
        let (finder, tcp) = (&mut Finder::new().unwrap(), Protocol::Tcp);
        let bound = || {
            let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
            socket.bind_device(Some(b"lo")).unwrap();
            socket
        };
        let (listener, client) = (bound(), bound());
        listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
        listener.listen(1).unwrap();
        client.connect(&listener.local_addr().unwrap()).unwrap();
        let there = [client, listener].map(|socket| (socket.local_addr().unwrap().as_socket().unwrap(), socket));
        let [from, to] = there.each_ref().map(|(address, _)| *address);
        assert_eq!(ends(finder, tcp, [from, to], true), [Some(true), Some(true)]);
        assert_eq!(ends(finder, tcp, [to, from], false), [Some(true), Some(true)]);
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
