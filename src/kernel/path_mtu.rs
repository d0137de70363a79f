//! What a socket makes of the largest datagram that passes its path: ip(7), `IP_MTU_DISCOVER`, RFC 1191.

#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;

/// Whether datagrams of a socket may be cut into fragments on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discovery {
    /// By anybody: they leave without DF, and a router cuts them (`IP_PMTUDISC_DONT`).
    Dont,
    /// By this kernel alone, to what it has learnt of the path; the default (`IP_PMTUDISC_WANT`).
    Want,
    /// By nobody: what is known to be too long is refused with EMSGSIZE (`IP_PMTUDISC_DO`).
    Do,
}

/// Sets the rule for an IPv4 socket.
///
/// # Errors
/// As setsockopt(2).
pub fn discover(socket: &impl AsFd, how: Discovery) -> io::Result<()> {
    let value: libc::c_int = match how {
        Discovery::Dont => libc::IP_PMTUDISC_DONT,
        Discovery::Want => libc::IP_PMTUDISC_WANT,
        Discovery::Do => libc::IP_PMTUDISC_DO,
    };
    // SAFETY: the option is a number, and its size is what is passed.
    let result = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            libc::IPPROTO_IP,
            libc::IP_MTU_DISCOVER,
            (&raw const value).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    Errno::result(result).map(drop).map_err(io::Error::from)
}
