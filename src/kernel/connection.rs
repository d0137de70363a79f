//! connect(2) and its companions where the safe crates stop.

#![allow(unsafe_code)]

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{getsockopt, sockopt};

/// Dissolves the association of `socket`, whether connected or still trying, so that it can connect again: connect(2)
/// with `AF_UNSPEC`. An established connection is reset, and the error this leaves on the socket is cleared.
///
/// # Errors
/// The kernel's refusal; the socket is then of no further use.
pub fn dissolve(socket: BorrowedFd<'_>) -> Result<(), Errno> {
    let nowhere = libc::sockaddr { sa_family: libc::AF_UNSPEC as libc::sa_family_t, sa_data: [0; 14] };
    let length = size_of::<libc::sockaddr>() as libc::socklen_t;
    // SAFETY: the pointer and the length describe `nowhere`, which lives through the call and is only read.
    Errno::result(unsafe { libc::connect(socket.as_raw_fd(), &raw const nowhere, length) })?;
    getsockopt(&socket, sockopt::SocketError).map(drop)
}

/// The round-trip time that the kernel measured on a TCP connection, from the handshake on; none for a socket that is
/// not connected.
pub fn round_trip(socket: &impl AsFd) -> Option<Duration> {
    // SAFETY: tcp_info is plain integers, for which all zeros is a value.
    let mut info: libc::tcp_info = unsafe { std::mem::zeroed() };
    let mut length = size_of::<libc::tcp_info>() as libc::socklen_t;
    let fd = socket.as_fd().as_raw_fd();
    // SAFETY: the kernel writes at most `length` bytes to `info`, which is as large, and the new length to `length`.
    let answer =
        unsafe { libc::getsockopt(fd, libc::IPPROTO_TCP, libc::TCP_INFO, (&raw mut info).cast(), &raw mut length) };
    Errno::result(answer).ok()?;
    (info.tcpi_rtt > 0).then(|| Duration::from_micros(info.tcpi_rtt.into()))
}

/// Sends the datagrams of a UDP socket without a checksum (`SO_NO_CHECK`), as RFC 768 allows over IPv4.
///
/// # Errors
/// The kernel's refusal.
pub fn without_checksum(socket: &impl AsFd) -> Result<(), Errno> {
    let on: libc::c_int = 1;
    let length = size_of::<libc::c_int>() as libc::socklen_t;
    let fd = socket.as_fd().as_raw_fd();
    // SAFETY: the kernel reads `length` bytes from `on`, which is as large and lives through the call.
    let answer = unsafe { libc::setsockopt(fd, libc::SOL_SOCKET, libc::SO_NO_CHECK, (&raw const on).cast(), length) };
    Errno::result(answer).map(drop)
}
