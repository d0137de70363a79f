//! The neighbour cache: which link address belongs to which address on the link, `RTM_GETNEIGH`.

use std::net::IpAddr;

use netlink_packet_core::ParseableParametrized;
use netlink_packet_route::AddressFamily;
use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourFlags, NeighbourHeader, NeighbourMessage,
};
use nix::errno::Errno;
use serde::Serialize;

use super::link::bytes;
use super::{Netlink, OsError, Request, attributes};
use crate::bytes::Mac;

const RTM_GETNEIGH: u16 = 30;
/// Length of `struct ndmsg`.
const HEADER: usize = 12;

/// One entry of the neighbour cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// Index of the interface.
    pub interface: u32,
    /// The neighbour's address.
    pub address: IpAddr,
    /// Its link address, once known; empty or of another length than six on links that are not Ethernet.
    pub link_address: Vec<u8>,
    /// What the kernel thinks of the entry.
    pub state: NeighbourState,
    /// Whether it says of itself that it is a router (IPv6).
    pub router: bool,
    /// Questions sent since the last answer.
    pub probes: u32,
}

impl Neighbour {
    /// The link address as a MAC address, if it is one (six bytes).
    pub fn mac(&self) -> Option<Mac> {
        <[u8; 6]>::try_from(self.link_address.as_slice()).ok().map(Mac)
    }

    fn decode(body: &[u8]) -> Option<Self> {
        let header = NeighbourHeader::parse(body).ok()?;
        let (mut address, mut link_address, mut probes) = (None, Vec::new(), 0);
        for attribute in attributes(body.get(HEADER..)?) {
            match NeighbourAttribute::parse_with_param(&attribute, header.family) {
                Ok(NeighbourAttribute::Destination(NeighbourAddress::Inet(v4))) => address = Some(v4.into()),
                Ok(NeighbourAttribute::Destination(NeighbourAddress::Inet6(v6))) => address = Some(v6.into()),
                Ok(NeighbourAttribute::LinkLayerAddress(bytes)) => link_address = bytes,
                Ok(NeighbourAttribute::Probes(sent)) => probes = sent,
                _ => {}
            }
        }
        Some(Neighbour {
            interface: header.ifindex,
            address: address?,
            link_address,
            state: NeighbourState::from_bits(header.state.into()),
            router: header.flags.contains(NeighbourFlags::Router),
            probes,
        })
    }
}

/// What the kernel thinks of a neighbour: `NUD_*`, after RFC 4861 section 7.3.2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NeighbourState {
    /// Nothing yet.
    #[default]
    None,
    /// Asked, not answered yet.
    Incomplete,
    /// Confirmed a short while ago.
    Reachable,
    /// Known, but not confirmed lately.
    Stale,
    /// In use again; a question goes out unless something confirms it first.
    Delay,
    /// Being asked again.
    Probe,
    /// Nobody answered.
    Failed,
    /// An address that needs no asking: loopback, multicast, point-to-point.
    NoArp,
    /// Set by an administrator.
    Permanent,
}

impl NeighbourState {
    fn from_bits(bits: u16) -> Self {
        match bits {
            0x01 => Self::Incomplete,
            0x02 => Self::Reachable,
            0x04 => Self::Stale,
            0x08 => Self::Delay,
            0x10 => Self::Probe,
            0x20 => Self::Failed,
            0x40 => Self::NoArp,
            0x80 => Self::Permanent,
            _ => Self::None,
        }
    }

    /// Whether the link address is known and believed: confirmed lately, or needs no confirmation.
    pub const fn is_confirmed(self) -> bool {
        matches!(self, Self::Reachable | Self::NoArp | Self::Permanent)
    }

    /// The state's name as the kernel's documentation writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Incomplete => "INCOMPLETE",
            Self::Reachable => "REACHABLE",
            Self::Stale => "STALE",
            Self::Delay => "DELAY",
            Self::Probe => "PROBE",
            Self::Failed => "FAILED",
            Self::NoArp => "NOARP",
            Self::Permanent => "PERMANENT",
        }
    }
}

impl Netlink {
    /// The whole neighbour cache of the namespace, both families.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn neighbours(&mut self) -> Result<Vec<Neighbour>, OsError> {
        let body = bytes(&NeighbourMessage::default());
        self.list(&Request::dump("list neighbours", RTM_GETNEIGH, &body), Neighbour::decode)
    }

    /// What the cache knows of `address` on the interface numbered `interface`; nothing where it has no entry.
    ///
    /// # Errors
    /// The kernel's refusal for another reason.
    pub fn neighbour(&mut self, interface: u32, address: IpAddr) -> Result<Option<Neighbour>, OsError> {
        let mut message = NeighbourMessage::default();
        message.header.family = family(address);
        message.header.ifindex = interface;
        message.attributes = vec![NeighbourAttribute::Destination(address.into())];
        let (body, object) = (bytes(&message), address.to_string());
        let request =
            Request { operation: "look up neighbour", object: &object, kind: RTM_GETNEIGH, flags: 0, body: &body };
        let mut found = None;
        match self.socket.ask(&request, |_, body| found = Neighbour::decode(body)) {
            Err(error) if error.errno == Errno::ENOENT => Ok(None),
            // Kernels before 5.0 answer only for the whole cache.
            Err(error) if error.errno == Errno::EOPNOTSUPP => {
                let all = self.neighbours()?;
                Ok(all.into_iter().find(|entry| entry.interface == interface && entry.address == address))
            }
            Err(error) => Err(error),
            Ok(_) => Ok(found),
        }
    }
}

/// The netlink family of an address.
pub(super) fn family(address: IpAddr) -> AddressFamily {
    if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 }
}
