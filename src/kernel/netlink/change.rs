//! Changing the network: links, addresses, routes and neighbours made, altered and deleted. For labs and tests; each
//! needs `CAP_NET_ADMIN` in the namespace.

use std::net::IpAddr;
use std::os::fd::{AsRawFd, BorrowedFd};

use netlink_packet_core::{Emitable, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};
use netlink_packet_route::address::{AddressAttribute, AddressHeaderFlags, AddressMessage};
use netlink_packet_route::link::{InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkMessage};
use netlink_packet_route::neighbour::{NeighbourAttribute, NeighbourMessage, NeighbourState};
use netlink_packet_route::route::{RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType};

use super::link::bytes;
use super::neighbour::family;
use super::{Netlink, OsError, Request, RouteKind};
use crate::bytes::Mac;

const RTM_NEWLINK: u16 = 16;
const RTM_DELLINK: u16 = 17;
const RTM_SETLINK: u16 = 19;
const RTM_NEWADDR: u16 = 20;
const RTM_DELADDR: u16 = 21;
const RTM_NEWROUTE: u16 = 24;
const RTM_NEWNEIGH: u16 = 28;
const RTM_DELNEIGH: u16 = 29;
/// It must not exist yet.
const NEW: u16 = NLM_F_CREATE | NLM_F_EXCL;

/// Every method fails with the kernel's refusal, which names the operation and the object.
impl Netlink {
    /// Makes a veth pair: `name` here, and its other end `peer` in `namespace` (see
    /// [`crate::kernel::namespace::Host::namespace`]). Both are down.
    pub fn create_veth(&mut self, name: &str, peer: &str, namespace: BorrowedFd<'_>) -> Result<(), OsError> {
        let mut other = LinkMessage::default();
        other.attributes = vec![LinkAttribute::IfName(peer.to_owned()), LinkAttribute::NetNsFd(namespace.as_raw_fd())];
        let info = vec![LinkInfo::Kind(InfoKind::Veth), LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(other)))];
        self.create("create veth", name, info)
    }

    /// Makes a bridge called `name`, down and without ports.
    pub fn create_bridge(&mut self, name: &str) -> Result<(), OsError> {
        self.create("create bridge", name, vec![LinkInfo::Kind(InfoKind::Bridge)])
    }

    fn create(&mut self, operation: &'static str, name: &str, info: Vec<LinkInfo>) -> Result<(), OsError> {
        let mut message = LinkMessage::default();
        message.attributes = vec![LinkAttribute::IfName(name.to_owned()), LinkAttribute::LinkInfo(info)];
        self.order(operation, name, RTM_NEWLINK, NEW, &message)
    }

    /// Deletes an interface; a veth takes its other end with it.
    pub fn delete_link(&mut self, name: &str) -> Result<(), OsError> {
        let mut message = LinkMessage::default();
        message.header.index = self.link(name)?.index;
        self.order("delete interface", name, RTM_DELLINK, 0, &message)
    }

    /// Switches an interface on or off. See [`Netlink::wait_until_up`] before sending.
    pub fn set_up(&mut self, name: &str, up: bool) -> Result<(), OsError> {
        let mut message = LinkMessage::default();
        message.header.index = self.link(name)?.index;
        message.header.flags = if up { LinkFlags::Up } else { LinkFlags::empty() };
        message.header.change_mask = LinkFlags::Up;
        self.order(if up { "switch on" } else { "switch off" }, name, RTM_SETLINK, 0, &message)
    }

    /// Makes the interface ask nobody for link addresses, or ask again.
    pub fn set_no_arp(&mut self, name: &str, no_arp: bool) -> Result<(), OsError> {
        let mut message = LinkMessage::default();
        message.header.index = self.link(name)?.index;
        message.header.flags = if no_arp { LinkFlags::Noarp } else { LinkFlags::empty() };
        message.header.change_mask = LinkFlags::Noarp;
        self.order("set ARP of", name, RTM_SETLINK, 0, &message)
    }

    /// Gives an interface a link address.
    pub fn set_mac(&mut self, name: &str, mac: Mac) -> Result<(), OsError> {
        self.set("set address of", name, LinkAttribute::Address(mac.0.to_vec()))
    }

    /// Sets the largest payload of a frame, in bytes.
    pub fn set_mtu(&mut self, name: &str, mtu: u32) -> Result<(), OsError> {
        self.set("set MTU of", name, LinkAttribute::Mtu(mtu))
    }

    /// Gives an interface another name; it must be down on older kernels.
    pub fn rename(&mut self, name: &str, new: &str) -> Result<(), OsError> {
        self.set("rename", name, LinkAttribute::IfName(new.to_owned()))
    }

    /// Makes an interface a port of the bridge called `bridge`.
    pub fn enslave(&mut self, name: &str, bridge: &str) -> Result<(), OsError> {
        let bridge = self.link(bridge)?.index;
        self.set("enslave", name, LinkAttribute::Controller(bridge))
    }

    fn set(&mut self, operation: &'static str, name: &str, attribute: LinkAttribute) -> Result<(), OsError> {
        let mut message = LinkMessage::default();
        message.header.index = self.link(name)?.index;
        message.attributes = vec![attribute];
        self.order(operation, name, RTM_SETLINK, 0, &message)
    }

    /// Gives an interface an address with its prefix length. An IPv6 address is usable at once: duplicates are not
    /// looked for.
    pub fn add_address(&mut self, name: &str, address: IpAddr, prefix: u8) -> Result<(), OsError> {
        let message = self.address_message(name, address, prefix)?;
        self.order("add address", &format!("{address}/{prefix} to {name}"), RTM_NEWADDR, NEW, &message)
    }

    /// Takes an address from an interface.
    pub fn delete_address(&mut self, name: &str, address: IpAddr, prefix: u8) -> Result<(), OsError> {
        let message = self.address_message(name, address, prefix)?;
        self.order("delete address", &format!("{address}/{prefix} of {name}"), RTM_DELADDR, 0, &message)
    }

    fn address_message(&mut self, name: &str, address: IpAddr, prefix: u8) -> Result<AddressMessage, OsError> {
        let mut message = AddressMessage::default();
        message.header.family = family(address);
        message.header.prefix_len = prefix;
        message.header.index = self.link(name)?.index;
        message.attributes = vec![AddressAttribute::Local(address), AddressAttribute::Address(address)];
        match address {
            IpAddr::V6(_) => message.header.flags = AddressHeaderFlags::Nodad,
            IpAddr::V4(own) if prefix < 31 => {
                let hosts = u32::MAX.checked_shr(prefix.into()).unwrap_or(0);
                message.attributes.push(AddressAttribute::Broadcast((u32::from(own) | hosts).into()));
            }
            IpAddr::V4(_) => {}
        }
        Ok(message)
    }

    /// Adds a route to the main table: to the network `destination`/`prefix` (0 for the default route) by `gateway`,
    /// or on the link of `interface`; one of the two at least.
    pub fn add_route(
        &mut self,
        destination: IpAddr,
        prefix: u8,
        gateway: Option<IpAddr>,
        interface: Option<&str>,
    ) -> Result<(), OsError> {
        let mut message = route(destination, prefix, RouteType::Unicast);
        if gateway.is_none() {
            message.header.scope = RouteScope::Link;
        }
        message.attributes.extend(gateway.map(|gateway| RouteAttribute::Gateway(gateway.into())));
        if let Some(name) = interface {
            message.attributes.push(RouteAttribute::Oif(self.link(name)?.index));
        }
        self.order("add route", &format!("{destination}/{prefix}"), RTM_NEWROUTE, NEW, &message)
    }

    /// Adds a route that refuses: blackhole, unreachable, prohibit or throw.
    pub fn add_refusing_route(&mut self, destination: IpAddr, prefix: u8, kind: RouteKind) -> Result<(), OsError> {
        let kind = match kind {
            RouteKind::Blackhole => RouteType::BlackHole,
            RouteKind::Prohibit => RouteType::Prohibit,
            RouteKind::Throw => RouteType::Throw,
            _ => RouteType::Unreachable,
        };
        let message = route(destination, prefix, kind);
        self.order("add route", &format!("{destination}/{prefix}"), RTM_NEWROUTE, NEW, &message)
    }

    /// Sets the link address of a neighbour for good, as an administrator would.
    pub fn add_neighbour(&mut self, name: &str, address: IpAddr, mac: Mac) -> Result<(), OsError> {
        self.know_neighbour(name, address, mac, NeighbourState::Permanent)
    }

    /// Gives the neighbour cache an entry that was not confirmed lately.
    pub fn add_stale_neighbour(&mut self, name: &str, address: IpAddr, mac: Mac) -> Result<(), OsError> {
        self.know_neighbour(name, address, mac, NeighbourState::Stale)
    }

    fn know_neighbour(&mut self, name: &str, address: IpAddr, mac: Mac, state: NeighbourState) -> Result<(), OsError> {
        let mut message = self.neighbour_message(name, address)?;
        message.header.state = state;
        message.attributes.push(NeighbourAttribute::LinkLayerAddress(mac.0.to_vec()));
        let flags = NLM_F_CREATE | NLM_F_REPLACE;
        self.order("add neighbour", &format!("{address} on {name}"), RTM_NEWNEIGH, flags, &message)
    }

    /// Makes the kernel forget a neighbour.
    pub fn delete_neighbour(&mut self, name: &str, address: IpAddr) -> Result<(), OsError> {
        let message = self.neighbour_message(name, address)?;
        self.order("delete neighbour", &format!("{address} on {name}"), RTM_DELNEIGH, 0, &message)
    }

    fn neighbour_message(&mut self, name: &str, address: IpAddr) -> Result<NeighbourMessage, OsError> {
        let mut message = NeighbourMessage::default();
        message.header.family = family(address);
        message.header.ifindex = self.link(name)?.index;
        message.attributes = vec![NeighbourAttribute::Destination(address.into())];
        Ok(message)
    }

    pub(super) fn order(
        &mut self,
        operation: &'static str,
        object: &str,
        kind: u16,
        flags: u16,
        message: &impl Emitable,
    ) -> Result<(), OsError> {
        let request = Request { operation, object, kind, flags, body: &bytes(message) };
        let _ = self.socket.ask(&request, |_, _| ()).map_err(|error| match error.hint {
            Some(_) => error,
            None => error.needs("CAP_NET_ADMIN", "changing the network"),
        })?;
        Ok(())
    }
}

fn route(destination: IpAddr, prefix: u8, kind: RouteType) -> RouteMessage {
    let mut message = RouteMessage::default();
    message.header.address_family = family(destination);
    message.header.destination_prefix_length = prefix;
    message.header.table = RouteHeader::RT_TABLE_MAIN;
    message.header.protocol = RouteProtocol::Static;
    message.header.scope = RouteScope::Universe;
    message.header.kind = kind;
    if prefix > 0 {
        message.attributes.push(RouteAttribute::Destination(destination.into()));
    }
    message
}
