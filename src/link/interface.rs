//! An interface as an engineer wants to see it: what the kernel says, put together and named.

use std::net::{IpAddr, Ipv4Addr};

use nix::errno::Errno;
use serde::Serialize;

use super::arp::HARDWARE_TYPES;
use super::station::Station;
use crate::bytes::Mac;
use crate::kernel::OsError;
use crate::kernel::netlink::{
    Address, AddressFlags, Counters, Link, LinkFlags, Netlink, OperState, Route, RouteKind, Scope,
};

/// One network interface with everything known about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Interface {
    /// The kernel's number.
    pub index: u32,
    /// The name; escape before printing.
    pub name: String,
    /// What it is: the driver's word (`veth`, `bridge`), or after the hardware `ethernet`, `loopback`.
    pub kind: String,
    /// Whether frames pass, and if not, why.
    pub condition: Condition,
    /// Operational state, RFC 2863.
    pub state: OperState,
    /// Flags by name.
    pub flags: LinkFlags,
    /// Largest payload of a frame.
    pub mtu_bytes: u32,
    /// The link address and what it says; none where the interface has none of six bytes, or only zeroes.
    pub mac: Option<Station>,
    /// The address burnt into the hardware, where it differs.
    pub permanent_mac: Option<Station>,
    /// The addresses, in the kernel's order.
    pub addresses: Vec<InterfaceAddress>,
    /// The routers that everything without a better route goes to from here.
    pub gateways: Vec<IpAddr>,
    /// Name of the bridge or bond that it is a port of.
    pub master: Option<String>,
    /// The interface at the other end or below.
    pub peer: Option<Peer>,
    /// The queueing discipline.
    pub queue: Option<String>,
    /// Packets that the transmit queue holds.
    pub queue_length_packets: u32,
    /// A description that somebody gave it.
    pub alias: Option<String>,
    /// The device on its bus.
    pub device: Option<String>,
    /// How often the carrier came or went.
    pub carrier_changes: u32,
    /// What went through, and what was lost.
    pub counters: Counters,
}

/// Whether frames pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Frames pass.
    Up,
    /// An administrator has not switched it on.
    SwitchedOff,
    /// Switched on, but nothing is at the other end.
    NoCarrier,
    /// Switched on, but it waits, as for authentication.
    Waiting,
}

/// An address of an interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InterfaceAddress {
    /// The address.
    pub address: IpAddr,
    /// How many of its bits name the network.
    pub prefix_bits: u8,
    /// The address of the other end of a point-to-point link.
    pub peer: Option<IpAddr>,
    /// The address of everybody on the link.
    pub broadcast: Option<Ipv4Addr>,
    /// How far it means anything.
    pub scope: Scope,
    /// Flags by name.
    pub flags: AddressFlags,
    /// Its name, where that is not the interface's.
    pub label: Option<String>,
    /// Seconds until it goes; none for ever.
    pub valid_s: Option<u32>,
    /// Seconds until no new connection uses it; none for ever.
    pub preferred_s: Option<u32>,
}

/// The interface at the other end of a veth, or below a VLAN or tunnel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Peer {
    /// The kernel's number of it, in its own namespace.
    pub index: u32,
    /// Its name, where it is in this namespace.
    pub name: Option<String>,
    /// The kernel's number of the other namespace that it is in.
    pub namespace: Option<i32>,
}

impl Interface {
    /// Whether somebody on the link can be asked for a link address with ARP or neighbour discovery; if not, why.
    ///
    /// # Errors
    /// The reason in words.
    pub fn resolves(&self) -> Result<(), &'static str> {
        if self.flags.has(LinkFlags::LOOPBACK) {
            Err("the loopback leads back to this machine: there is nobody to ask")
        } else if self.flags.has(LinkFlags::POINT_TO_POINT) {
            Err("a point-to-point link has one station at the other end: nobody needs to be asked who it is")
        } else if self.flags.has(LinkFlags::NO_ARP) {
            Err("the interface is set to ask nobody for link addresses (NOARP)")
        } else if self.mac.is_none() {
            Err("the interface has no MAC address to ask from")
        } else {
            Ok(())
        }
    }

    fn new(link: &Link, all: &[Link], addresses: &[Address], routes: &[Route]) -> Self {
        let name_of = |index: u32| all.iter().find(|other| other.index == index).map(|other| other.name.clone());
        let mac = link.mac().filter(|mac| *mac != Mac::ZERO);
        let permanent = <[u8; 6]>::try_from(link.permanent_address.as_slice()).ok().map(Mac);
        Interface {
            index: link.index,
            name: link.name.clone(),
            kind: kind(link),
            condition: condition(link),
            state: link.state,
            flags: link.flags,
            mtu_bytes: link.mtu,
            mac: mac.map(Station::from),
            permanent_mac: permanent.filter(|permanent| Some(*permanent) != mac).map(Station::from),
            addresses: addresses.iter().filter(|a| a.interface == link.index).map(|a| address(a, link)).collect(),
            gateways: gateways(link, routes),
            master: link.master.and_then(name_of),
            peer: link.peer.filter(|index| *index != link.index || link.peer_namespace.is_some()).map(|index| Peer {
                index,
                name: if link.peer_namespace.is_none() { name_of(index) } else { None },
                namespace: link.peer_namespace,
            }),
            queue: link.queue.clone(),
            queue_length_packets: link.queue_length,
            alias: link.alias.clone(),
            device: link.device.clone(),
            carrier_changes: link.carrier_changes,
            counters: link.counters,
        }
    }
}

/// Every interface of the calling thread's namespace, by index.
///
/// # Errors
/// The kernel's refusal.
pub fn interfaces() -> Result<Vec<Interface>, OsError> {
    let mut netlink = Netlink::open()?;
    let links = netlink.links()?;
    let (addresses, routes) = (netlink.addresses()?, netlink.routes()?);
    Ok(links.iter().map(|link| Interface::new(link, &links, &addresses, &routes)).collect())
}

/// The interface called, or numbered, `name`.
///
/// # Errors
/// ENODEV, with the names there are, where there is none.
pub fn interface(name: &str) -> Result<Interface, OsError> {
    let index = Netlink::open()?.link(name)?.index;
    let found = interfaces()?.into_iter().find(|interface| interface.index == index);
    found.ok_or_else(|| OsError::new("find interface", name, Errno::ENODEV))
}

fn gateways(link: &Link, routes: &[Route]) -> Vec<IpAddr> {
    let of_link =
        |route: &&Route| route.prefix == 0 && route.kind == RouteKind::Unicast && route.interface == Some(link.index);
    let mut gateways: Vec<_> = routes.iter().filter(of_link).filter_map(|route| route.gateway).collect();
    gateways.dedup();
    gateways
}

fn address(address: &Address, link: &Link) -> InterfaceAddress {
    InterfaceAddress {
        address: address.address,
        prefix_bits: address.prefix,
        peer: address.peer,
        broadcast: address.broadcast,
        scope: address.scope,
        flags: address.flags,
        label: address.label.clone().filter(|label| *label != link.name),
        valid_s: address.valid_seconds,
        preferred_s: address.preferred_seconds,
    }
}

fn kind(link: &Link) -> String {
    let hardware = HARDWARE_TYPES.name(link.hardware.into()).unwrap_or("other");
    link.kind.clone().unwrap_or_else(|| hardware.to_ascii_lowercase())
}

fn condition(link: &Link) -> Condition {
    match link.state {
        _ if !link.flags.has(LinkFlags::UP) => Condition::SwitchedOff,
        OperState::Up => Condition::Up,
        OperState::Unknown if link.flags.has(LinkFlags::RUNNING) => Condition::Up,
        OperState::Dormant | OperState::Testing => Condition::Waiting,
        _ => Condition::NoCarrier,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(flags: u32, state: OperState) -> Link {
        Link { flags: LinkFlags(flags), state, ..Link::default() }
    }

    #[test]
    fn an_interface_is_up_when_frames_pass_and_otherwise_says_why_not() {
        const UP: u32 = LinkFlags::UP;
        assert_eq!(condition(&link(UP | LinkFlags::RUNNING, OperState::Up)), Condition::Up);
        assert_eq!(condition(&link(UP | LinkFlags::RUNNING, OperState::Unknown)), Condition::Up);
        assert_eq!(condition(&link(UP, OperState::Down)), Condition::NoCarrier);
        assert_eq!(condition(&link(UP, OperState::LowerLayerDown)), Condition::NoCarrier);
        assert_eq!(condition(&link(UP, OperState::Dormant)), Condition::Waiting);
        assert_eq!(condition(&link(0, OperState::Down)), Condition::SwitchedOff);
    }

    #[test]
    fn an_interface_without_a_drivers_word_is_named_after_its_hardware() {
        assert_eq!(kind(&Link { hardware: 772, ..Link::default() }), "loopback");
        assert_eq!(kind(&Link { hardware: 1, ..Link::default() }), "ethernet");
        assert_eq!(kind(&Link { hardware: 1, kind: Some("veth".into()), ..Link::default() }), "veth");
    }

    #[test]
    fn a_peer_in_another_namespace_gets_no_name_of_this_one() {
        let here = Link { index: 2, name: "here".into(), ..Link::default() };
        let end = Link { index: 3, peer: Some(2), peer_namespace: Some(0), ..Link::default() };
        let all = [here, end];
        let peer = Interface::new(&all[1], &all, &[], &[]).peer.unwrap();
        assert_eq!(peer, Peer { index: 2, name: None, namespace: Some(0) });
    }
}
