//! What an answer means: from what came back, or did not, to the state of the port. One table for both protocols.

use std::fmt;
use std::net::IpAddr;

use nix::errno::Errno;
use serde::{Serialize, Serializer};

use crate::internet::icmp;
use crate::kernel::error_queue::{Origin, Queued};
use crate::transport::services::Protocol;

/// What can be said of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// A program answers there.
    Open,
    /// Nothing came back over UDP: a program that says nothing, or a filter.
    OpenFiltered,
    /// Something between here and the port, or the host itself, lets the question not through.
    Filtered,
    /// The host's own stack says that nobody listens.
    Closed,
}

impl State {
    /// `open`, `open|filtered`, `filtered` or `closed`.
    pub const fn name(self) -> &'static str {
        match self {
            State::Open => "open",
            State::OpenFiltered => "open|filtered",
            State::Filtered => "filtered",
            State::Closed => "closed",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for State {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// An ICMP error that a probe caused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IcmpError {
    /// Whether it is ICMPv6 (RFC 4443) and not ICMP (RFC 792).
    pub v6: bool,
    /// Type.
    pub kind: u8,
    /// Code.
    pub code: u8,
    /// Who sent it.
    pub from: IpAddr,
}

impl IcmpError {
    /// What type and code say, in the RFC's words; none where they have no name.
    pub fn words(self) -> Option<&'static str> {
        let codes = match (self.v6, self.kind) {
            (false, 3) => icmp::UNREACHABLE,
            (true, 1) => icmp::UNREACHABLE_V6,
            (_, kind) => return if self.v6 { icmp::TYPES_V6 } else { icmp::TYPES }.name(kind.into()),
        };
        codes.name(self.code.into())
    }

    /// Whether it says that no program has the port.
    fn says_no_port(self) -> bool {
        (self.v6, self.kind, self.code) == if self.v6 { (true, 1, 4) } else { (false, 3, 3) }
    }

    /// Whether it says that the host itself cannot be reached.
    pub fn says_no_host(self) -> bool {
        (self.v6, self.kind, self.code) == if self.v6 { (true, 1, 3) } else { (false, 3, 1) }
    }
}

/// Why a port is said to be in a state: what came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The handshake went through.
    SynAck,
    /// A reset: the connection was refused by a TCP.
    Reset,
    /// A datagram came from the port; its first bytes, [`REPLY_KEPT`] at most.
    Reply(Box<[u8]>),
    /// An ICMP error.
    Icmp(IcmpError),
    /// Nobody on the link answers for this address, the target's or the gateway's (ARP, or neighbour discovery).
    NoNeighbour(IpAddr),
    /// This machine did not send the probe: no route, a route that forbids, a firewall of its own.
    Local(Errno),
    /// Nothing came back.
    Silence,
}

/// How much of a reply is kept, in bytes.
pub const REPLY_KEPT: usize = 256;

impl Reason {
    /// The reason that a failed connection gives when the error queue tells nothing more. A reset refuses a SYN with
    /// `ECONNREFUSED`; with another error it ends a connection that was made, so the port is open (RFC 9293 §3.10.7.3).
    pub fn from_errno(errno: Errno) -> Self {
        match errno {
            Errno::ECONNRESET | Errno::EPIPE => Reason::SynAck,
            Errno::ECONNREFUSED => Reason::Reset,
            Errno::ETIMEDOUT => Reason::Silence,
            errno => Reason::Local(errno),
        }
    }

    /// The reason that an entry of the error queue gives.
    pub fn from_queue(entry: &Queued) -> Self {
        match (entry.origin, entry.offender) {
            (Origin::Icmp | Origin::Icmpv6, Some(from)) => {
                Reason::Icmp(IcmpError { v6: entry.origin == Origin::Icmpv6, kind: entry.kind, code: entry.code, from })
            }
            _ => Reason::Local(entry.errno),
        }
    }

    /// The state of a port of `target` for which this came back.
    ///
    /// A port-unreachable error closes a UDP port, and only if the target itself sent it. A TCP port is never closed by
    /// ICMP: a TCP answers with a reset (RFC 9293 §3.5.2), so the error speaks of a filter.
    pub fn state(&self, protocol: Protocol, target: IpAddr) -> State {
        match (self, protocol) {
            (Reason::SynAck | Reason::Reply(_), _) => State::Open,
            (Reason::Reset, _) => State::Closed,
            (Reason::Icmp(error), Protocol::Udp) if error.says_no_port() && error.from == target => State::Closed,
            (Reason::Silence, Protocol::Udp) => State::OpenFiltered,
            (Reason::Icmp(_) | Reason::NoNeighbour(_) | Reason::Local(_) | Reason::Silence, _) => State::Filtered,
        }
    }

    /// One word for programs: `syn-ack`, `rst`, `reply`, `icmp`, `no-neighbour`, `local`, `silence`.
    pub const fn name(&self) -> &'static str {
        match self {
            Reason::SynAck => "syn-ack",
            Reason::Reset => "rst",
            Reason::Reply(_) => "reply",
            Reason::Icmp(_) => "icmp",
            Reason::NoNeighbour(_) => "no-neighbour",
            Reason::Local(_) => "local",
            Reason::Silence => "silence",
        }
    }
}

/// What in this machine usually refuses to send with `errno`.
pub const fn refusal(errno: Errno) -> &'static str {
    match errno {
        Errno::ENETUNREACH => "no route from here",
        Errno::EHOSTUNREACH => "a route here says unreachable",
        Errno::EACCES => "a route here prohibits it, or this is a broadcast address",
        Errno::EINVAL => "a route here is a black hole",
        Errno::EPERM => "this machine's own firewall",
        Errno::EADDRNOTAVAIL => "no own address to send from",
        _ => "this machine refused",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGET: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const ROUTER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 254));

    fn icmp(code: u8, from: IpAddr) -> Reason {
        Reason::Icmp(IcmpError { v6: false, kind: 3, code, from })
    }

    #[test]
    fn every_answer_has_one_state_under_each_protocol() {
        let reply = || Reason::Reply(Box::default());
        let rows = [
            (Reason::SynAck, State::Open, State::Open),
            (reply(), State::Open, State::Open),
            (Reason::Reset, State::Closed, State::Closed),
            (icmp(3, TARGET), State::Filtered, State::Closed),
            (icmp(3, ROUTER), State::Filtered, State::Filtered),
            (icmp(13, ROUTER), State::Filtered, State::Filtered),
            (icmp(13, TARGET), State::Filtered, State::Filtered),
            (Reason::NoNeighbour(TARGET), State::Filtered, State::Filtered),
            (Reason::Local(Errno::ENETUNREACH), State::Filtered, State::Filtered),
            (Reason::Silence, State::Filtered, State::OpenFiltered),
        ];
        for (reason, tcp, udp) in rows {
            assert_eq!(reason.state(Protocol::Tcp, TARGET), tcp, "{reason:?} under TCP");
            assert_eq!(reason.state(Protocol::Udp, TARGET), udp, "{reason:?} under UDP");
        }
    }

    #[test]
    fn port_unreachable_of_icmpv6_closes_a_udp_port() {
        let target: IpAddr = "2001:db8::1".parse().unwrap();
        let error = IcmpError { v6: true, kind: 1, code: 4, from: target };
        assert_eq!(Reason::Icmp(error).state(Protocol::Udp, target), State::Closed);
        assert_eq!(error.words(), Some("port unreachable"));
    }

    #[test]
    fn a_pending_error_alone_is_a_reset_only_if_it_says_refused() {
        assert_eq!(Reason::from_errno(Errno::ECONNREFUSED), Reason::Reset);
        assert_eq!(Reason::from_errno(Errno::ECONNRESET), Reason::SynAck);
        assert_eq!(Reason::from_errno(Errno::EPIPE), Reason::SynAck);
        assert_eq!(Reason::from_errno(Errno::ETIMEDOUT), Reason::Silence);
        assert_eq!(Reason::from_errno(Errno::EACCES), Reason::Local(Errno::EACCES));
    }

    #[test]
    fn the_error_queue_gives_type_code_and_sender() {
        let entry = Queued {
            destination: None,
            errno: Errno::EHOSTUNREACH,
            origin: Origin::Icmp,
            kind: 3,
            code: 13,
            offender: Some(ROUTER),
        };
        assert_eq!(Reason::from_queue(&entry), icmp(13, ROUTER));
        let local = Queued { origin: Origin::Local, offender: None, ..entry };
        assert_eq!(Reason::from_queue(&local), Reason::Local(Errno::EHOSTUNREACH));
    }

    #[test]
    fn codes_have_the_words_of_their_rfc_and_unknown_ones_have_none() {
        let words = |kind, code| IcmpError { v6: false, kind, code, from: TARGET }.words();
        assert_eq!(words(3, 13), Some("communication administratively prohibited"));
        assert_eq!(words(3, 16), None);
        assert_eq!(words(11, 0), Some("time exceeded"));
    }
}
