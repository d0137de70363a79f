//! Routes, and the kernel's decision for one destination, `RTM_GETROUTE`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netlink_packet_core::ParseableParametrized;
use netlink_packet_route::AddressFamily;
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteFlags, RouteHeader, RouteLwEnCapType, RouteMessage, RouteType, RouteVia,
};
use nix::errno::Errno;
use serde::Serialize;

use super::link::bytes;
use super::neighbour::family;
use super::{Netlink, OsError, Request, attributes};

const RTM_GETROUTE: u16 = 26;
/// Length of `struct rtmsg`.
const HEADER: usize = 12;

/// What a route does with a datagram: `RTN_*`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RouteKind {
    /// Sends it on: to the destination itself or to a gateway.
    #[default]
    Unicast,
    /// Keeps it: the address is this machine's own.
    Local,
    /// Sends it to everybody on the link.
    Broadcast,
    /// Keeps it: one of several machines with this address.
    Anycast,
    /// Sends it to a group.
    Multicast,
    /// Drops it without a word.
    Blackhole,
    /// Drops it and says "host unreachable".
    Unreachable,
    /// Drops it and says "forbidden".
    Prohibit,
    /// Looks in the next table.
    Throw,
    /// No route fits.
    None,
}

impl From<RouteType> for RouteKind {
    fn from(kind: RouteType) -> Self {
        match kind {
            RouteType::Local => Self::Local,
            RouteType::Broadcast => Self::Broadcast,
            RouteType::Anycast => Self::Anycast,
            RouteType::Multicast => Self::Multicast,
            RouteType::BlackHole => Self::Blackhole,
            RouteType::Unreachable => Self::Unreachable,
            RouteType::Prohibit => Self::Prohibit,
            RouteType::Throw => Self::Throw,
            _ => Self::Unicast,
        }
    }
}

/// One route of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The network it is for, with [`Route::prefix`].
    pub destination: IpAddr,
    /// Bits of the destination that count; 0 for the default route.
    pub prefix: u8,
    /// What is done.
    pub kind: RouteKind,
    /// The table: 254 main, 255 local, 253 default.
    pub table: u32,
    /// Whom to hand the datagram to; none where the destination is on the link.
    pub gateway: Option<IpAddr>,
    /// Index of the interface to send from.
    pub interface: Option<u32>,
    /// The own address that a socket without one gets.
    pub preferred_source: Option<IpAddr>,
    /// Of several routes the one with the smallest number wins.
    pub metric: u32,
}

impl Route {
    fn decode(body: &[u8]) -> Option<Self> {
        let header = RouteHeader::parse(body).ok()?;
        let zero: IpAddr = match header.address_family {
            AddressFamily::Inet => Ipv4Addr::UNSPECIFIED.into(),
            AddressFamily::Inet6 => Ipv6Addr::UNSPECIFIED.into(),
            _ => return None,
        };
        let mut route = Route {
            destination: zero,
            prefix: header.destination_prefix_length,
            kind: header.kind.into(),
            table: header.table.into(),
            gateway: None,
            interface: None,
            preferred_source: None,
            metric: 0,
        };
        let shape = (header.address_family, header.kind, RouteLwEnCapType::None);
        for attribute in attributes(body.get(HEADER..)?) {
            // An attribute that this build cannot read hides nothing else.
            if let Ok(known) = RouteAttribute::parse_with_param(&attribute, shape) {
                route.take(known);
            }
        }
        Some(route)
    }

    fn take(&mut self, attribute: RouteAttribute) {
        match attribute {
            RouteAttribute::Destination(address) => self.destination = plain(&address).unwrap_or(self.destination),
            RouteAttribute::Gateway(address) => self.gateway = plain(&address),
            // An IPv4 destination behind an IPv6 next hop, RFC 8950.
            RouteAttribute::Via(RouteVia::Inet(address)) => self.gateway = Some(address.into()),
            RouteAttribute::Via(RouteVia::Inet6(address)) => self.gateway = Some(address.into()),
            RouteAttribute::PrefSource(address) => self.preferred_source = plain(&address),
            RouteAttribute::Oif(index) => self.interface = Some(index),
            RouteAttribute::Table(table) => self.table = table,
            RouteAttribute::Priority(metric) => self.metric = metric,
            RouteAttribute::MultiPath(hops) => {
                if let Some(first) = hops.into_iter().next() {
                    self.interface = Some(first.interface_index);
                    first.attributes.into_iter().for_each(|attribute| self.take(attribute));
                }
            }
            _ => {}
        }
    }
}

fn plain(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(address) => Some((*address).into()),
        RouteAddress::Inet6(address) => Some((*address).into()),
        _ => None,
    }
}

/// What the kernel would do with a datagram to one destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The destination that was asked about.
    pub destination: IpAddr,
    /// What is done; with [`RouteKind::None`] and the refusing kinds the rest is empty.
    pub kind: RouteKind,
    /// Index of the interface it leaves from.
    pub interface: Option<u32>,
    /// Whom it is handed to; none where the destination is on the link.
    pub gateway: Option<IpAddr>,
    /// The own address it gets.
    pub source: Option<IpAddr>,
    /// The table that decided: 254 main, 255 local (a namespace without rules of its own keeps both in 254).
    pub table: u32,
    /// The network of the route that won, as address and prefix, where the kernel tells.
    pub matched: Option<(IpAddr, u8)>,
}

impl Netlink {
    /// Every route of every table, both families.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn routes(&mut self) -> Result<Vec<Route>, OsError> {
        let body = bytes(&RouteMessage::default());
        self.list(&Request::dump("list routes", RTM_GETROUTE, &body), Route::decode)
    }

    /// The kernel's decision for `destination`, from the interface numbered `interface` where one is given. That there
    /// is no route, or one that refuses, is a decision too.
    ///
    /// # Errors
    /// The kernel's refusal to answer, such as ENODEV for an interface that does not exist.
    pub fn decide(&mut self, destination: IpAddr, interface: Option<u32>) -> Result<Decision, OsError> {
        let route = match self.look_up(destination, interface, RouteFlags::LookupTable) {
            Ok(route) => route,
            Err(error) => {
                let kind = refusing_kind(error.errno).ok_or(error)?;
                return Ok(Decision {
                    destination,
                    kind,
                    interface: None,
                    gateway: None,
                    source: None,
                    table: 0,
                    matched: None,
                });
            }
        };
        let matched = self.look_up(destination, interface, RouteFlags::FibMatch).ok();
        Ok(Decision {
            destination,
            kind: route.kind,
            interface: route.interface,
            gateway: route.gateway,
            source: route.preferred_source,
            table: route.table,
            matched: matched.map(|route| (route.destination, route.prefix)),
        })
    }

    fn look_up(&mut self, to: IpAddr, interface: Option<u32>, flags: RouteFlags) -> Result<Route, OsError> {
        let mut message = RouteMessage::default();
        message.header.address_family = family(to);
        message.header.destination_prefix_length = if to.is_ipv4() { 32 } else { 128 };
        message.header.flags = flags;
        message.attributes = vec![RouteAttribute::Destination(to.into())];
        message.attributes.extend(interface.map(RouteAttribute::Oif));
        let (body, object) = (bytes(&message), to.to_string());
        let request =
            Request { operation: "look up route to", object: &object, kind: RTM_GETROUTE, flags: 0, body: &body };
        let mut found = None;
        let _ = self.socket.ask(&request, |_, body| found = Route::decode(body))?;
        found.ok_or_else(|| OsError::new("look up route to", to, Errno::ENETUNREACH))
    }
}

/// The kind of route that makes the kernel answer a look-up with this errno (`fib_props` in `net/ipv4/fib_semantics.c`).
fn refusing_kind(errno: Errno) -> Option<RouteKind> {
    match errno {
        Errno::ENETUNREACH => Some(RouteKind::None),
        Errno::EHOSTUNREACH => Some(RouteKind::Unreachable),
        Errno::EACCES => Some(RouteKind::Prohibit),
        Errno::EINVAL => Some(RouteKind::Blackhole),
        Errno::EAGAIN => Some(RouteKind::Throw),
        _ => None,
    }
}
