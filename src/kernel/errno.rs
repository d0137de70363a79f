//! What an errno means where sockets are concerned: which call gives it, why, and what to do.

use nix::errno::Errno;

/// What is known about one errno.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lore {
    /// The errno.
    pub errno: Errno,
    /// What it means for a socket.
    pub meaning: &'static str,
    /// The calls that return it.
    pub calls: &'static str,
    /// The usual cause.
    pub cause: &'static str,
    /// What to do.
    pub cure: &'static str,
}

/// What is known about `errno` with sockets; none for an errno of other things.
pub fn lore(errno: Errno) -> Option<&'static Lore> {
    TABLE.iter().find(|lore| lore.errno == errno)
}

/// Highest errno that Linux gives to programs (EHWPOISON).
const HIGHEST: i32 = 133;

/// Every errno of this kernel.
pub fn all() -> impl Iterator<Item = Errno> {
    (1..=HIGHEST).map(Errno::from_raw).filter(|errno| *errno != Errno::UnknownErrno)
}

/// The name: `ECONNREFUSED`.
pub fn name(errno: Errno) -> String {
    format!("{errno:?}")
}

/// The errno of this name, number or kernel text, letter case ignored.
pub fn find(text: &str) -> Option<Errno> {
    let alias = match text.to_ascii_uppercase().as_str() {
        "EWOULDBLOCK" => Some(Errno::EAGAIN),
        "ENOTSUP" => Some(Errno::EOPNOTSUPP),
        "EDEADLOCK" => Some(Errno::EDEADLK),
        _ => None,
    };
    let number = text.parse::<i32>().ok();
    alias.or_else(|| {
        all().find(|errno| {
            number == Some(*errno as i32)
                || name(*errno).eq_ignore_ascii_case(text)
                || errno.desc().eq_ignore_ascii_case(text)
        })
    })
}

macro_rules! table {
    ($($errno:ident { $meaning:literal by $calls:literal because $cause:literal so $cure:literal })+) => {
        /// Every errno that a socket gives in daily use, by name.
        const TABLE: &[Lore] = &[$(
            Lore { errno: Errno::$errno, meaning: $meaning, calls: $calls, cause: $cause, cure: $cure },
        )+];
    };
}

table! {
    EACCES {
        "The call needs a privilege, or a firewall or security policy forbids it."
        by "bind, connect, sendto, socket"
        because "bind to a port below net.ipv4.ip_unprivileged_port_start (1024); sending to a broadcast address without SO_BROADCAST"
        so "use a port from 1024 on, grant CAP_NET_BIND_SERVICE, or set SO_BROADCAST"
    }
    EADDRINUSE {
        "Another socket already has this address and port."
        by "bind, listen, connect (when no local port is free)"
        because "another program listens there, or a connection of an earlier run is still in TIME-WAIT"
        so "netlab sockets shows who has the port; set SO_REUSEADDR before bind so that TIME-WAIT does not matter; netlab reuse-demo shows both"
    }
    EADDRNOTAVAIL {
        "The local address is not this machine's, or no local port is left for this destination."
        by "bind, connect, sendto"
        because "bind to an address that no interface has; or all ports of net.ipv4.ip_local_port_range to one destination are taken, many in TIME-WAIT"
        so "bind to an address that netlab interfaces lists, or to 0.0.0.0 or ::; keep connections open instead of making one for each request"
    }
    EAFNOSUPPORT {
        "The address is of another family than the socket."
        by "socket, bind, connect, sendto"
        because "an IPv6 address on an AF_INET socket, or IPv6 switched off in the kernel"
        so "make the socket after resolving the name, with the family of the address"
    }
    EAGAIN {
        "Nothing to do right now: the call would have to wait, and the socket is not allowed to. Also named EWOULDBLOCK."
        by "accept, recv, send, connect (Unix sockets)"
        because "a non-blocking socket without data or without room, or a timeout set with SO_RCVTIMEO or SO_SNDTIMEO that ran out"
        so "wait with poll or epoll until the socket is ready, then try again: this is no failure"
    }
    EALREADY {
        "A connection attempt on this non-blocking socket is still under way."
        by "connect"
        because "connect was called again before the first one was decided"
        so "wait until the socket is writable, then ask SO_ERROR for the outcome"
    }
    EBADF {
        "The number is not an open file descriptor."
        by "every call"
        because "the socket was closed before, perhaps by another thread"
        so "find who closed it; one owner for each descriptor"
    }
    ECONNABORTED {
        "The connection was there but ended before the program took it."
        by "accept"
        because "the client sent RST while its connection waited in the accept queue"
        so "go on with the next accept; no server should end for this"
    }
    ECONNREFUSED {
        "The host answered that nobody listens on this port."
        by "connect; recv and send on a connected UDP socket"
        because "the program there does not run, listens on another port or on 127.0.0.1 only, or a firewall answers with a reset; for UDP an ICMP port unreachable came back"
        so "look at the server with netlab sockets, from outside with netlab probe HOST -p PORT, which tells RST from ICMP"
    }
    ECONNRESET {
        "The other end broke the connection off with a RST: what was under way is lost."
        by "recv, send, connect"
        because "the program there crashed, closed with unread data in its buffer, or set SO_LINGER to 0; or a device between dropped its state"
        so "treat the exchange as failed and reconnect; on one's own side read to the end before closing"
    }
    EDESTADDRREQ {
        "The datagram has no destination."
        by "send, write"
        because "send on a UDP socket that was not connected"
        so "use sendto with an address, or connect first"
    }
    EEXIST {
        "What should be made is already there."
        by "netlink requests (address, route, neighbour)"
        because "the address or route was added before"
        so "replace it, or take it as done"
    }
    EHOSTDOWN {
        "The host does not answer on its own link."
        by "connect, send"
        because "no answer to the question for its link address"
        so "see EHOSTUNREACH"
    }
    EHOSTUNREACH {
        "No way to the host: either it does not answer ARP on this link, or a router said so."
        by "connect, send, recv"
        because "the host is off or its address wrong (three unanswered ARP questions take about 3 s), or a firewall answers with an ICMP prohibition"
        so "netlab arp HOST on the same link; otherwise the router that answered knows why"
    }
    EINPROGRESS {
        "The connection attempt has begun and goes on behind the program's back."
        by "connect"
        because "the socket is non-blocking"
        so "wait until the socket is writable, then ask SO_ERROR for the outcome: this is no failure"
    }
    EINTR {
        "A signal came while the call was waiting; nothing was done."
        by "accept, connect, recv, send, poll"
        because "a signal handler ran without SA_RESTART"
        so "call again; after connect wait for the socket to become writable instead"
    }
    EINVAL {
        "An argument makes no sense in this state."
        by "bind, accept, listen, setsockopt, connect"
        because "bind on a socket that is bound already, accept on one that does not listen, a wrong address length"
        so "check the order socket, bind, listen, accept, and the lengths"
    }
    EIO {
        "Input or output failed below the socket."
        by "read, write"
        because "a broken device"
        so "look at the kernel's log"
    }
    EISCONN {
        "The socket is connected already."
        by "connect, sendto"
        because "connect called twice, or sendto with an address on a connected TCP socket"
        so "use one socket for one connection"
    }
    EMFILE {
        "This process has as many open descriptors as it may."
        by "socket, accept, open"
        because "descriptors leak, or the limit is low for a server (ulimit -n)"
        so "count them under /proc/PID/fd; close what is done; raise the limit. accept goes on failing until one is closed"
    }
    EMSGSIZE {
        "The datagram is too large to be sent whole."
        by "send, sendto"
        because "more than 65,507 bytes of UDP over IPv4, or more than the path takes while fragments are forbidden"
        so "send smaller pieces; 1,232 bytes pass nearly everywhere"
    }
    ENETDOWN {
        "The interface is switched off."
        by "send, bind and recv on packet sockets"
        because "the interface was set down, or vanished"
        so "netlab interfaces shows its state; ip link set NAME up"
    }
    ENETUNREACH {
        "The routing table has no way to this network."
        by "connect, sendto"
        because "no default route, an IPv6 address on a machine with IPv4 only, or a blackhole route"
        so "look at the routes (ip route get ADDRESS); try the other family"
    }
    ENFILE {
        "The whole machine has as many open files as it may."
        by "socket, accept, open"
        because "some process leaks, or fs.file-max is low"
        so "find the process with the most entries in /proc/PID/fd"
    }
    ENOBUFS {
        "The kernel has no buffer for this."
        by "send, recv on netlink sockets"
        because "a full interface queue; on netlink messages were lost because the program read too slowly"
        so "slow down and send again; on netlink ask for the whole table anew"
    }
    ENODEV {
        "There is no such interface."
        by "bind to a device, setsockopt, netlink requests"
        because "a wrong name or number, or another network namespace"
        so "netlab interfaces lists those of this namespace"
    }
    ENOENT {
        "There is nothing of that name."
        by "connect to a Unix socket, reading a kernel setting"
        because "the server did not make its socket file yet, or this kernel lacks the setting"
        so "start the server first; compare the path"
    }
    ENOMEM {
        "The kernel has no memory for this."
        by "every call that allocates"
        because "memory is short, or a limit of the control group is reached"
        so "look at the kernel's log and the limits"
    }
    ENOPROTOOPT {
        "The protocol does not know this option."
        by "setsockopt, getsockopt"
        because "an option on the wrong level, or one of a newer kernel"
        so "check level and name: SOL_SOCKET is not IPPROTO_TCP"
    }
    ENOTCONN {
        "The socket has no peer."
        by "send, recv, getpeername, shutdown"
        because "connect was never called or did not finish, the connection is gone, or the listening socket was used instead of the accepted one"
        so "use the socket that accept returned"
    }
    ENOTSOCK {
        "The descriptor is open, but not a socket."
        by "every socket call"
        because "a file's number, or one that was closed and given out again"
        so "find who closed it; one owner for each descriptor"
    }
    EOPNOTSUPP {
        "This kind of socket cannot do that. Also named ENOTSUP."
        by "accept, listen, send, recv"
        because "listen or accept on a UDP socket, or flags that the protocol lacks"
        so "accept belongs to SOCK_STREAM and SOCK_SEQPACKET"
    }
    EPERM {
        "The caller may not do this, or a firewall rule dropped the packet at once."
        by "socket (raw), setsockopt, sendto, netlink requests"
        because "CAP_NET_RAW or CAP_NET_ADMIN is missing; or an output rule of the local firewall rejects what is sent"
        so "run with the capability that the message names; look at the local output rules"
    }
    EPIPE {
        "The connection is closed for writing; a SIGPIPE comes along unless it is ignored."
        by "send, write"
        because "the peer reset the connection after an earlier write, or this side called shutdown"
        so "treat the peer as gone; ignore SIGPIPE or pass MSG_NOSIGNAL so that the error is seen"
    }
    EPROTO {
        "The protocol broke its rules."
        by "accept, connect"
        because "a fault in the kernel's protocol code or an aborted connection"
        so "try again; on accept go on with the next"
    }
    EPROTONOSUPPORT {
        "This family has no such protocol."
        by "socket"
        because "a wrong third argument, or a protocol whose module is not loaded"
        so "use 0 for the family's usual protocol"
    }
    EPROTOTYPE {
        "The protocol does not fit the socket type."
        by "socket, connect to a Unix socket"
        because "TCP with SOCK_DGRAM; a datagram socket connecting to a stream one"
        so "use the type that the other end has"
    }
    ESRCH {
        "What should be changed or asked about is not there."
        by "netlink requests"
        because "the route or socket has vanished"
        so "ask for the table again"
    }
    ETIMEDOUT {
        "The other end did not answer for as long as the kernel tries."
        by "connect, recv, send"
        because "connect: no answer to any SYN (about 2 minutes with tcp_syn_retries 6): the host is off, or a firewall drops in silence. Later: data or keepalives stayed unacknowledged (tcp_retries2, about 15 minutes)"
        so "netlab probe HOST -p PORT tells silence from refusal; set a timeout of one's own"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_errno_is_found_by_name_number_alias_and_words() {
        for text in ["EADDRINUSE", "eaddrinuse", "98", "Address already in use", "address already in use"] {
            assert_eq!(find(text), Some(Errno::EADDRINUSE), "{text}");
        }
        assert_eq!(find("EWOULDBLOCK"), Some(Errno::EAGAIN));
        assert_eq!(find("0"), None);
        assert_eq!(find("-98"), None);
        assert_eq!(find("EADDR"), None);
    }

    #[test]
    fn the_table_is_in_order_and_every_errno_has_a_name_and_words() {
        assert!(TABLE.is_sorted_by(|a, b| name(a.errno) < name(b.errno)));
        assert!(all().count() > 120);
        assert!(all().all(|errno| name(errno).starts_with('E') && find(&name(errno)) == Some(errno)));
    }
}
