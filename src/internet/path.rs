//! The first step of a datagram's path: straight to its destination on the link, or to a router (RFC 1122, section
//! 3.3.1.1). The kernel's routing table decides; the AND of addresses and mask shows why.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::Serialize;

use super::ndp_wire;
use super::subnet::{Address, Prefix};
use crate::bytes::{Escaped, Mac};
use crate::kernel::OsError;
use crate::kernel::netlink::LinkFlags;
use crate::kernel::netlink::{Decision, Netlink, RouteKind};
use crate::link::interface::{self, Condition, Interface};

/// How a datagram to one destination leaves this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// The destination.
    pub target: IpAddr,
    /// The interface that it leaves from; of an own address the one that holds it. None where it does not leave.
    pub interface: Option<Interface>,
    /// The own address that it is sent from, and its network.
    pub own: Option<Own>,
    /// The network of the route that won.
    pub route: Option<Prefix>,
    /// The table that the route is in: 254 main, 255 local.
    pub table: u32,
    /// What is done with it.
    pub step: Step,
}

/// An own address and the network it says it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Own {
    /// The address.
    pub address: IpAddr,
    /// Its network: the AND of address and mask.
    pub network: Prefix,
}

impl Own {
    /// The network that `other` would be in under the same mask; nothing for the other family.
    pub fn network_of(&self, other: IpAddr) -> Option<Prefix> {
        let other = Address::from(other);
        (other.family() == self.network.family()).then(|| Prefix::of(other, self.network.length()))
    }
}

/// What is done with a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub enum Step {
    /// Handed straight to its destination, which is on the link.
    OnLink,
    /// Handed to a router.
    Gateway {
        /// The router's address on the link.
        gateway: IpAddr,
    },
    /// Kept: the address is this machine's own.
    Own,
    /// Sent to every station.
    Broadcast,
    /// Sent to the stations of a group, whose MAC address follows from the group's address.
    Multicast {
        /// That MAC address.
        group_mac: Mac,
    },
    /// Dropped by a route that says so.
    Refused {
        /// How it is dropped.
        route_kind: RouteKind,
    },
    /// Dropped: no route fits.
    NoRoute,
}

impl Path {
    /// The address whose owner has to be found on the link, if any. For an own address that is the address itself:
    /// nobody else should have it.
    pub fn asks_for(&self) -> Option<IpAddr> {
        match self.step {
            Step::OnLink | Step::Own => Some(self.target),
            Step::Gateway { gateway } => Some(gateway),
            _ => None,
        }
    }
}

/// Asks the kernel how a datagram to `target` would leave, from the interface called `interface` where one is given.
///
/// # Errors
/// The kernel's refusal to answer; ENODEV for an interface that does not exist.
pub fn path(target: IpAddr, interface: Option<&str>) -> Result<Path, OsError> {
    let asked = interface.map(interface::interface).transpose()?;
    let decision = Netlink::open()?.decide(target, asked.as_ref().map(|interface| interface.index))?;
    let all = interface::interfaces()?;
    let holds = |interface: &&Interface| interface.addresses.iter().any(|a| a.address == target);
    let by_index = |index: u32| all.iter().find(|interface| interface.index == index);
    // The routing table learns of a new address a little later than the interface.
    let step = if all.iter().any(|interface| holds(&interface)) { Step::Own } else { step(&decision) };
    let interface = match step {
        Step::Own => asked
            .as_ref()
            .filter(holds)
            .or_else(|| all.iter().find(holds))
            .or_else(|| decision.interface.and_then(by_index)),
        Step::Refused { .. } | Step::NoRoute => asked.as_ref(),
        _ => decision.interface.and_then(by_index),
    };
    let source = if step == Step::Own { Some(target) } else { decision.source };
    Ok(Path {
        target,
        own: own(source, interface, if asked.is_some() { &[] } else { &all }, target.is_ipv4()),
        interface: interface.cloned(),
        route: decision.matched.map(|(address, length)| Prefix::of(address.into(), length)),
        table: decision.table,
        step,
    })
}

/// Why there is nobody to ask for a target, whatever the routing table says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unaskable {
    /// 0.0.0.0 or ::.
    #[error("{0} is the unspecified address: it stands for no address, so nobody can be asked for it")]
    Unspecified(IpAddr),
    /// A loopback interface was named.
    #[error("{0} has no neighbours: the loopback leads back to this machine")]
    Loopback(String),
    /// The interface is off.
    #[error("{0} is switched off: nobody can be asked on it\nhint: ip link set {0} up")]
    SwitchedOff(String),
    /// Nothing is at the other end of the interface.
    #[error("{0} has no carrier: nothing is at the other end, so nobody can be asked on it")]
    NoCarrier(String),
    /// Another interface than the one that was named holds the target.
    #[error("{target} is an own address, of {holder} and not of {interface}")]
    HeldElsewhere {
        /// The target.
        target: IpAddr,
        /// The interface that holds it, escaped.
        holder: String,
        /// The interface that was named, escaped.
        interface: String,
    },
    /// The kernel's refusal.
    #[error(transparent)]
    Os(#[from] OsError),
}

/// Checks that somebody can be asked for `target`, on the interface called `interface` where one is given.
///
/// # Errors
/// Why not.
pub fn askable(target: IpAddr, interface: Option<&str>) -> Result<(), Unaskable> {
    if target.is_unspecified() {
        return Err(Unaskable::Unspecified(target));
    }
    let Some(asked) = interface.map(usable).transpose()? else { return Ok(()) };
    let holds = |interface: &Interface| interface.addresses.iter().any(|a| a.address == target);
    match interface::interfaces()?.into_iter().find(holds) {
        Some(holder) if !holds(&asked) => {
            Err(Unaskable::HeldElsewhere { target, holder: shown(&holder), interface: shown(&asked) })
        }
        _ => Ok(()),
    }
}

/// The interface called `name`, if frames pass on it to somebody else.
///
/// # Errors
/// Why they do not.
pub fn usable(name: &str) -> Result<Interface, Unaskable> {
    let interface = interface::interface(name)?;
    match interface.condition {
        _ if interface.flags.has(LinkFlags::LOOPBACK) => Err(Unaskable::Loopback(shown(&interface))),
        Condition::SwitchedOff => Err(Unaskable::SwitchedOff(shown(&interface))),
        Condition::NoCarrier => Err(Unaskable::NoCarrier(shown(&interface))),
        _ => Ok(interface),
    }
}

fn shown(interface: &Interface) -> String {
    Escaped(interface.name.as_bytes()).to_string()
}

fn step(decision: &Decision) -> Step {
    if decision.destination.is_multicast() {
        return Step::Multicast { group_mac: group_mac(decision.destination) };
    }
    match decision.kind {
        RouteKind::Local => Step::Own,
        RouteKind::Broadcast => Step::Broadcast,
        RouteKind::None => Step::NoRoute,
        RouteKind::Unicast | RouteKind::Anycast | RouteKind::Multicast => match decision.gateway {
            Some(gateway) => Step::Gateway { gateway },
            None => Step::OnLink,
        },
        route_kind => Step::Refused { route_kind },
    }
}

/// The own address `source` with its network, of `interface` or else of `others`; where the kernel named none, the first
/// of the right family.
fn own(source: Option<IpAddr>, interface: Option<&Interface>, others: &[Interface], ipv4: bool) -> Option<Own> {
    let of_interface = interface.into_iter().flat_map(|interface| &interface.addresses);
    let everywhere = others.iter().flat_map(|interface| &interface.addresses);
    let found = match source.filter(|source| !source.is_unspecified()) {
        Some(source) => of_interface.chain(everywhere).find(|a| a.address == source),
        None => of_interface.into_iter().find(|a| a.address.is_ipv4() == ipv4),
    }?;
    Some(Own { address: found.address, network: Prefix::of(found.address.into(), found.prefix_bits) })
}

/// The MAC address of a group: for IPv4 01:00:5e and its last 23 bits (RFC 1112, section 6.4).
pub fn group_mac(group: IpAddr) -> Mac {
    match group {
        IpAddr::V4(group) => {
            let [_, b, c, d] = group.octets();
            Mac([0x01, 0x00, 0x5e, b & 0x7f, c, d])
        }
        IpAddr::V6(group) => ndp_wire::multicast_mac(group),
    }
}

/// The own addresses of an interface, by family.
pub fn own_addresses(interface: &Interface) -> (Vec<Ipv4Addr>, Vec<Ipv6Addr>) {
    let (mut v4, mut v6) = (Vec::new(), Vec::new());
    for address in &interface.addresses {
        match address.address {
            IpAddr::V4(address) => v4.push(address),
            IpAddr::V6(address) => v6.push(address),
        }
    }
    (v4, v6)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision(destination: &str, kind: RouteKind, gateway: Option<&str>) -> Decision {
        Decision {
            destination: destination.parse().unwrap(),
            kind,
            interface: Some(2),
            gateway: gateway.map(|gateway| gateway.parse().unwrap()),
            source: None,
            table: 254,
            matched: None,
        }
    }

    #[test]
    fn the_kernels_decision_becomes_a_step() {
        let of = |destination, kind, gateway| step(&decision(destination, kind, gateway));
        assert_eq!(of("192.0.2.9", RouteKind::Unicast, None), Step::OnLink);
        let gateway = "192.0.2.254".parse().unwrap();
        assert_eq!(of("198.51.100.1", RouteKind::Unicast, Some("192.0.2.254")), Step::Gateway { gateway });
        assert_eq!(of("192.0.2.1", RouteKind::Local, None), Step::Own);
        assert_eq!(of("192.0.2.255", RouteKind::Broadcast, None), Step::Broadcast);
        assert_eq!(of("203.0.113.1", RouteKind::None, None), Step::NoRoute);
        let refused = Step::Refused { route_kind: RouteKind::Prohibit };
        assert_eq!(of("203.0.113.1", RouteKind::Prohibit, None), refused);
    }

    #[test]
    fn a_groups_mac_follows_from_its_address() {
        let mac = |group: &str| group_mac(group.parse().unwrap()).to_string();
        assert_eq!(mac("224.0.0.251"), "01:00:5e:00:00:fb");
        assert_eq!(mac("239.129.1.2"), "01:00:5e:01:01:02");
        assert_eq!(mac("ff02::1:2"), "33:33:00:01:00:02");
    }

    #[test]
    fn both_addresses_are_put_under_the_same_mask() {
        let own = Own {
            address: "172.16.10.1".parse().unwrap(),
            network: Prefix::of(Address::from(Ipv4Addr::new(172, 16, 10, 1)), 24),
        };
        let network = |other: &str| own.network_of(other.parse().unwrap());
        assert_eq!(network("172.16.10.2"), Some(own.network));
        assert_ne!(network("172.16.11.2"), Some(own.network));
        assert_eq!(network("2001:db8::1"), None);
    }
}
