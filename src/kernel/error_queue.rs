//! The error queue of a socket: which ICMP error came, for which destination, and who sent it (ip(7), `IP_RECVERR`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use nix::errno::Errno;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt};

/// What the kernel queued for a datagram or segment that came back as an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queued {
    /// Where the datagram was going; none where the kernel did not say.
    pub destination: Option<SocketAddr>,
    /// The error that a call on the socket would have returned.
    pub errno: Errno,
    /// Who found the fault.
    pub origin: Origin,
    /// ICMP or ICMPv6 type; 0 for [`Origin::Local`].
    pub kind: u8,
    /// ICMP or ICMPv6 code; 0 for [`Origin::Local`].
    pub code: u8,
    /// The address that sent the ICMP error.
    pub offender: Option<IpAddr>,
}

/// Who found the fault that [`Queued`] tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// This kernel itself.
    Local,
    /// An ICMP message, RFC 792.
    Icmp,
    /// An ICMPv6 message, RFC 4443.
    Icmpv6,
}

/// Lets `socket` queue its errors; `v6` says of which family it is.
///
/// # Errors
/// The kernel's refusal.
pub fn enable(socket: &impl AsFd, v6: bool) -> Result<(), Errno> {
    if v6 { setsockopt(socket, sockopt::Ipv6RecvErr, &true) } else { setsockopt(socket, sockopt::Ipv4RecvErr, &true) }
}

/// How many entries that are no errors are passed over at once.
const PASSED_OVER: usize = 1024;

/// Takes the oldest error of the queue; none where there is none. What else a queue may hold, such as the times at which
/// datagrams left, is passed over.
///
/// Taking one also clears the pending error of the socket, so a caller who wants both asks for the pending one first.
pub fn take(socket: BorrowedFd<'_>) -> Option<Queued> {
    for _ in 0..PASSED_OVER {
        match entry(socket) {
            Ok(None) => {}
            Ok(error) => return error,
            Err(_empty) => return None,
        }
    }
    None
}

/// Takes the oldest entry; none where it is no error.
///
/// # Errors
/// `EAGAIN` for an empty queue.
fn entry(socket: BorrowedFd<'_>) -> Result<Option<Queued>, Errno> {
    // Two extended errors with the larger address: room for whatever one entry brings.
    let mut control = [0u8; 256];
    let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
    let message = recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut [], Some(control.as_mut_slice()), flags)?;
    let destination = message.address.as_ref().and_then(socket_address);
    // Control messages that were cut off cannot be read; the entry is gone all the same.
    let Ok(mut control) = message.cmsgs() else { return Ok(None) };
    Ok(control.find_map(|message| queued(&message, destination)))
}

/// The error that a control message tells of, if it does.
fn queued(message: &ControlMessageOwned, destination: Option<SocketAddr>) -> Option<Queued> {
    let (error, offender) = match message {
        ControlMessageOwned::Ipv4RecvErr(error, from) => {
            (error, from.map(|a| IpAddr::V4(Ipv4Addr::from(u32::from_be(a.sin_addr.s_addr)))))
        }
        ControlMessageOwned::Ipv6RecvErr(error, from) => {
            (error, from.map(|a| IpAddr::V6(Ipv6Addr::from(a.sin6_addr.s6_addr)).to_canonical()))
        }
        _ => return None,
    };
    let origin = match error.ee_origin {
        libc::SO_EE_ORIGIN_LOCAL => Origin::Local,
        libc::SO_EE_ORIGIN_ICMP => Origin::Icmp,
        libc::SO_EE_ORIGIN_ICMP6 => Origin::Icmpv6,
        _ => return None,
    };
    let errno = Errno::from_raw(error.ee_errno as i32);
    let offender = offender.filter(|_| origin != Origin::Local);
    Some(Queued { destination, errno, origin, kind: error.ee_type, code: error.ee_code, offender })
}

fn socket_address(storage: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = storage.as_sockaddr_in().map(|a| SocketAddr::V4((*a).into()));
    v4.or_else(|| storage.as_sockaddr_in6().map(|a| SocketAddr::V6((*a).into())))
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use nix::sys::socket::TimestampingFlag;

    use super::*;

    #[test]
    fn a_socket_without_errors_has_an_empty_queue() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        enable(&socket, false).unwrap();
        assert_eq!(take(socket.as_fd()), None);
    }

    #[test]
    fn an_entry_that_is_no_error_does_not_hide_the_one_behind_it() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        enable(&socket, false).unwrap();
        // The kernel queues the time at which each datagram left, and that before the refusal comes.
        setsockopt(&socket, sockopt::Timestamping, &TimestampingFlag::all()).unwrap();
        let closed = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        socket.send_to(&[], closed).unwrap();
        let entry = take(socket.as_fd()).unwrap();
        assert_eq!((entry.errno, entry.origin, entry.destination), (Errno::ECONNREFUSED, Origin::Icmp, Some(closed)));
        assert_eq!(take(socket.as_fd()), None);
    }
}
