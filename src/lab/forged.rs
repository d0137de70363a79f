//! Segments that somebody forges on a lab's own wire.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4};

use super::stage::Stage;
use crate::bytes::Mac;
use crate::kernel::OsError;
use crate::kernel::netlink::Netlink;
use crate::link::packet_socket::{Kind, Named, PacketSocket};
use crate::transport::tcp_wire::End;

/// A host with this port, as a frame names it.
pub fn end(stage: &Stage<'_>, host: usize, port: u16) -> End {
    let macs = stage.observation.hosts.get(host).map(|station| station.macs.as_slice()).unwrap_or_default();
    let address = match stage.address(host) {
        IpAddr::V4(address) => address,
        IpAddr::V6(_) => Ipv4Addr::UNSPECIFIED,
    };
    End { mac: macs.first().copied().unwrap_or(Mac([0; 6])), address: SocketAddrV4::new(address, port) }
}

/// Sends a frame as it is through `interface` of the calling thread's namespace.
///
/// # Errors
/// The kernel's refusal.
pub fn send(interface: &str, frame: &[u8]) -> io::Result<()> {
    send_all(interface, &[frame])
}

/// Sends frames as they are, in order, through `interface` of the calling thread's namespace.
///
/// # Errors
/// The kernel's refusal.
pub fn send_all(interface: &str, frames: &[&[u8]]) -> io::Result<()> {
    let sent = || -> Result<(), OsError> {
        let named = Named { name: interface.to_owned(), index: Netlink::open()?.link(interface)?.index };
        let socket = PacketSocket::open(&named, Kind::WithLinkHeader, "forging a segment")?;
        socket.start()?;
        socket.send_all(frames)
    };
    sent().map_err(io::Error::other)
}
