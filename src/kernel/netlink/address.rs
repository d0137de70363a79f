//! Addresses of interfaces, `RTM_GETADDR`.

use std::net::{IpAddr, Ipv4Addr};

use netlink_packet_core::Parseable;
use netlink_packet_route::address::{AddressAttribute, AddressHeader, AddressMessage, AddressScope};
use serde::{Serialize, Serializer};

use super::link::bytes;
use super::socket::text;
use super::{Netlink, OsError, Request, attributes};
use crate::bytes::Codes;

const RTM_GETADDR: u16 = 22;
/// Length of `struct ifaddrmsg`.
const HEADER: usize = 8;
const IFA_LABEL: u16 = 3;
/// A lifetime without an end.
const FOREVER: u32 = u32::MAX;

/// One address of an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Index of the interface.
    pub interface: u32,
    /// The address itself.
    pub address: IpAddr,
    /// Bits of the address that name the network.
    pub prefix: u8,
    /// The address of the other end of a point-to-point link.
    pub peer: Option<IpAddr>,
    /// The address of everybody on the link.
    pub broadcast: Option<Ipv4Addr>,
    /// How far the address means anything.
    pub scope: Scope,
    /// `IFA_F_*` flags.
    pub flags: AddressFlags,
    /// Name of the address, where it differs from the interface's.
    pub label: Option<String>,
    /// Seconds until the address goes; none for ever.
    pub valid_seconds: Option<u32>,
    /// Seconds until no new connection uses it; none for ever.
    pub preferred_seconds: Option<u32>,
}

impl Address {
    fn decode(body: &[u8]) -> Option<Self> {
        let header = AddressHeader::parse(body).ok()?;
        let (mut own, mut local) = (None, None);
        let mut found = Address {
            interface: header.index,
            address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            prefix: header.prefix_len,
            peer: None,
            broadcast: None,
            scope: header.scope.into(),
            flags: AddressFlags(header.flags.bits().into()),
            label: None,
            valid_seconds: None,
            preferred_seconds: None,
        };
        for attribute in attributes(body.get(HEADER..)?) {
            if attribute.kind() == IFA_LABEL {
                found.label = Some(text(attribute.value()));
                continue;
            }
            match AddressAttribute::parse(&attribute) {
                Ok(AddressAttribute::Address(address)) => own = Some(address),
                Ok(AddressAttribute::Local(address)) => local = Some(address),
                Ok(AddressAttribute::Broadcast(address)) => found.broadcast = Some(address),
                Ok(AddressAttribute::Flags(flags)) => found.flags = AddressFlags(flags.bits()),
                Ok(AddressAttribute::CacheInfo(life)) => {
                    found.valid_seconds = Some(life.ifa_valid).filter(|seconds| *seconds != FOREVER);
                    found.preferred_seconds = Some(life.ifa_preferred).filter(|seconds| *seconds != FOREVER);
                }
                _ => {}
            }
        }
        // The address proper is IFA_LOCAL; where both are given and differ, IFA_ADDRESS is the other end.
        found.address = local.or(own)?;
        found.peer = own.filter(|address| *address != found.address);
        Some(found)
    }
}

/// How far an address means anything: `RT_SCOPE_*`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Everywhere.
    #[default]
    Global,
    /// Within the site (deprecated by RFC 3879).
    Site,
    /// On this link.
    Link,
    /// Inside this machine.
    Host,
}

impl From<AddressScope> for Scope {
    fn from(scope: AddressScope) -> Self {
        match u8::from(scope) {
            0..200 => Scope::Global,
            200..253 => Scope::Site,
            253 => Scope::Link,
            _ => Scope::Host,
        }
    }
}

/// The `IFA_F_*` flags of an address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AddressFlags(pub u32);

impl AddressFlags {
    /// Duplicate address detection is still running: the address may not be used yet.
    pub const TENTATIVE: u32 = 0x40;
    /// Somebody else on the link has the address.
    pub const DUPLICATE: u32 = 0x08;

    const NAMES: Codes = Codes(&[
        (0x01, "secondary"),
        (0x02, "no_duplicate_detection"),
        (0x04, "optimistic"),
        (Self::DUPLICATE, "duplicate"),
        (0x10, "home_address"),
        (0x20, "deprecated"),
        (Self::TENTATIVE, "tentative"),
        (0x80, "permanent"),
        (0x100, "manage_temporary"),
        (0x200, "no_prefix_route"),
        (0x400, "multicast_autojoin"),
        (0x800, "stable_privacy"),
    ]);

    /// Whether every bit of `flag` is set.
    pub const fn has(self, flag: u32) -> bool {
        self.0 & flag == flag
    }

    /// The names of the flags that are set, lowest bit first.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.0.iter().filter(move |(bit, _)| self.has(*bit)).map(|(_, name)| *name)
    }
}

impl Serialize for AddressFlags {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.names())
    }
}

impl Netlink {
    /// Every address of every interface of the namespace, in the kernel's order.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn addresses(&mut self) -> Result<Vec<Address>, OsError> {
        let body = bytes(&AddressMessage::default());
        self.list(&Request::dump("list addresses", RTM_GETADDR, &body), Address::decode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flags_stand_in_order() {
        assert!(AddressFlags::NAMES.is_sorted());
    }
}
