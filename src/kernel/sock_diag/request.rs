//! Requests: `struct inet_diag_req_v2` (`include/uapi/linux/inet_diag.h`) and the filter behind it.

use std::net::{IpAddr, SocketAddr};

use super::entry::attribute;
use super::{Entry, Family, Query};

/// Message type that lists sockets.
pub const SOCK_DIAG_BY_FAMILY: u16 = 20;
/// Message type that aborts a socket.
pub const SOCK_DESTROY: u16 = 21;

/// Bit n - 1 of `idiag_ext` asks for attribute n: `MEMINFO` is not asked for, `SKMEMINFO` tells more.
const DETAILS: u8 = 1 << (attribute::INFO - 1) | 1 << (attribute::CONGESTION - 1) | 1 << (attribute::SKMEMINFO - 1);

/// The request that lists what `query` selects.
pub fn dump(query: &Query) -> Vec<u8> {
    let mut body = vec![query.family.number(), query.protocol, if query.details { DETAILS } else { 0 }, 0];
    body.extend(query.states.to_ne_bytes());
    body.extend([0; 48]);
    body.extend(query.port.map(with_port).unwrap_or_default());
    body
}

/// The request that aborts the socket of `entry`; the cookie makes sure that it is that very socket.
pub fn destroy(entry: &Entry) -> Vec<u8> {
    one(entry.family, entry.protocol, [entry.local, entry.remote], (entry.interface, entry.cookie))
}

/// The request for the one socket that takes what comes to `local` from `remote` over `interface`.
pub fn find(protocol: u8, local: SocketAddr, remote: SocketAddr, interface: u32) -> Vec<u8> {
    /// `INET_DIAG_NOCOOKIE`
    const ANY: u64 = u64::MAX;
    const UDP: u8 = 17;
    let family = if local.is_ipv4() { Family::Ipv4 } else { Family::Ipv6 };
    // Of a datagram the kernel wants the sender first.
    let ends = if protocol == UDP { [remote, local] } else { [local, remote] };
    one(family, protocol, ends, (interface, ANY))
}

fn one(family: Family, protocol: u8, ends: [SocketAddr; 2], (interface, cookie): (u32, u64)) -> Vec<u8> {
    let mut body = vec![family.number(), protocol, 0, 0];
    body.extend(Query::EVERY_STATE.to_ne_bytes());
    body.extend(ends.iter().flat_map(|end| end.port().to_be_bytes()));
    body.extend(ends.iter().flat_map(|end| sixteen(end.ip())));
    body.extend(interface.to_ne_bytes());
    body.extend(cookie.to_ne_bytes());
    body
}

/// An address in the 16 bytes that both families have there.
fn sixteen(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(v4) => {
            let mut bytes = [0; 16];
            bytes.iter_mut().zip(v4.octets()).for_each(|(to, from)| *to = from);
            bytes
        }
        IpAddr::V6(v6) => v6.octets(),
    }
}

/// The attribute with a program for the kernel's filter (`INET_DIAG_REQ_BYTECODE`): local or remote port is `port`.
///
/// An instruction is a code, the jump when true (8 bits) and the jump when false (16 bits), both from its own start;
/// the port to compare with follows in the same shape. Arriving at the end (20) accepts, four bytes beyond it rejects.
fn with_port(port: u16) -> Vec<u8> {
    const JUMP: u8 = 1;
    const LOCAL_PORT_IS: u8 = 11;
    const REMOTE_PORT_IS: u8 = 12;
    const ATTRIBUTE: [u16; 2] = [4 + 5 * 4, 1];
    let program: [(u8, u8, u16); 5] =
        [(LOCAL_PORT_IS, 8, 12), (0, 0, port), (JUMP, 4, 12), (REMOTE_PORT_IS, 8, 12), (0, 0, port)];
    let mut bytes: Vec<u8> = ATTRIBUTE.into_iter().flat_map(u16::to_ne_bytes).collect();
    for (code, yes, no) in program {
        bytes.extend([code, yes]);
        bytes.extend(no.to_ne_bytes());
    }
    bytes
}
