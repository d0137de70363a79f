//! The hosts that somebody names: addresses, prefixes, host names.

use std::net::{IpAddr, SocketAddr, SocketAddrV6};

use ipnet::IpNet;

use crate::internet::destination::{self, Destination, Misnamed};
use crate::internet::subnet::notation;

/// One address to ask, and how it was named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The host name that led here; none for an address that was given as such.
    pub name: Option<String>,
    /// The address.
    pub address: IpAddr,
    /// The interface of a link-local IPv6 address, 0 for none.
    pub scope_id: u32,
    /// Other addresses that the name has and that are not asked.
    pub others: Vec<IpAddr>,
}

impl Target {
    /// The target's socket address at `port`.
    pub fn at(&self, port: u16) -> SocketAddr {
        match self.address {
            IpAddr::V4(address) => (address, port).into(),
            IpAddr::V6(address) => SocketAddrV6::new(address, port, 0, self.scope_id).into(),
        }
    }

    fn plain(address: IpAddr, scope_id: u32) -> Self {
        Target { name: None, address, scope_id, others: Vec::new() }
    }
}

/// Which addresses of a host name are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Choice {
    /// Only this family: IPv6 if true, IPv4 if false.
    pub v6: Option<bool>,
    /// Every address instead of the first.
    pub all: bool,
}

impl Choice {
    fn accepts(self, address: IpAddr) -> bool {
        self.v6.is_none_or(|v6| v6 == address.is_ipv6())
    }
}

/// Why a host cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum TargetFault {
    /// A prefix with more addresses than one run takes.
    #[error("{0} holds more than {MOST} addresses, which is the most one run takes")]
    TooMany(IpNet),
    /// What was named is none, or the resolver does not know it.
    #[error(transparent)]
    Misnamed(#[from] Misnamed),
    /// A name or an address without the family that was asked for.
    #[error("{0} has no {family} address", family = if *.1 { "IPv6" } else { "IPv4" })]
    OtherFamily(String, bool),
}

impl TargetFault {
    /// Whether the resolver has answered: the name is well formed, and the other targets can be asked all the same.
    pub fn is_of_the_resolver(&self) -> bool {
        matches!(self, TargetFault::Misnamed(Misnamed::Unresolved { .. }))
    }
}

/// The most addresses that one prefix may hold: a /16.
pub const MOST: usize = 1 << 16;

/// The targets that `text` names: an address, a prefix, or a host name, which the system resolves.
///
/// Of an IPv4 prefix shorter than /31, the network and the broadcast address are left out: no host has them.
///
/// # Errors
/// What cannot be asked and why.
pub fn parse(text: &str, choice: Choice) -> Result<Vec<Target>, TargetFault> {
    let wrong_family = || TargetFault::OtherFamily(text.to_owned(), choice.v6.unwrap_or_default());
    if text.contains('/') {
        return network(text);
    }
    match destination::read(text)? {
        Destination::Address { address, .. } if !choice.accepts(address) => Err(wrong_family()),
        Destination::Address { address, zone } => {
            destination::with_its_link(address, zone.is_some())?;
            Ok(vec![Target::plain(address, zone.map_or(0, |(_, index)| index))])
        }
        Destination::Name(name) => named(&name, choice)?.map_or_else(|| Err(wrong_family()), Ok),
    }
}

fn network(text: &str) -> Result<Vec<Target>, TargetFault> {
    let prefix = notation::prefix(text).map_err(Misnamed::from)?;
    let net = IpNet::new_assert(prefix.network().ip(), prefix.length());
    if prefix.host_bits() > MOST.trailing_zeros() as u8 {
        return Err(TargetFault::TooMany(net));
    }
    destination::with_its_link(net.addr(), false)?;
    Ok(net.hosts().map(|address| Target::plain(address, 0)).collect())
}

fn named(name: &str, choice: Choice) -> Result<Option<Vec<Target>>, TargetFault> {
    let answers = destination::look_up(name)?;
    let mut found: Vec<Target> = Vec::new();
    for answer in answers.filter(|answer| choice.accepts(answer.ip())) {
        let scope_id = if let SocketAddr::V6(v6) = answer { v6.scope_id() } else { 0 };
        let target = Target { name: Some(name.to_owned()), address: answer.ip(), scope_id, others: Vec::new() };
        if !found.contains(&target) && found.len() < MOST {
            found.push(target);
        }
    }
    if !choice.all && found.len() > 1 {
        let others = found.drain(1..).map(|target| target.address).collect();
        if let Some(first) = found.first_mut() {
            first.others = others;
        }
    }
    Ok((!found.is_empty()).then_some(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(text: &str) -> Vec<String> {
        parse(text, Choice::default()).unwrap().iter().map(|target| target.address.to_string()).collect()
    }

    #[test]
    fn an_address_is_taken_as_it_is() {
        assert_eq!(addresses("192.0.2.1"), ["192.0.2.1"]);
        assert_eq!(addresses("2001:db8::1"), ["2001:db8::1"]);
        assert_eq!(addresses("[2001:db8::1]"), ["2001:db8::1"]);
    }

    #[test]
    fn a_prefix_gives_its_hosts_without_network_and_broadcast() {
        assert_eq!(addresses("192.0.2.8/30"), ["192.0.2.9", "192.0.2.10"]);
        assert_eq!(addresses("192.0.2.8/31"), ["192.0.2.8", "192.0.2.9"]);
        assert_eq!(addresses("192.0.2.8/32"), ["192.0.2.8"]);
        assert_eq!(addresses("10.0.0.0/16").len(), 65_534);
    }

    #[test]
    fn a_prefix_beyond_the_bound_is_refused_before_anything_is_listed() {
        for text in ["10.0.0.0/15", "::/0", "2001:db8::/64"] {
            assert!(matches!(parse(text, Choice::default()), Err(TargetFault::TooMany(_))), "{text}");
        }
        assert!(matches!(parse("10.0.0.0/33", Choice::default()), Err(TargetFault::Misnamed(Misnamed::Misread(_)))));
    }

    #[test]
    fn an_address_of_the_other_family_is_refused() {
        let only_v6 = Choice { v6: Some(true), all: false };
        let error = parse("192.0.2.1", only_v6).unwrap_err().to_string();
        assert_eq!(error, "192.0.2.1 has no IPv6 address");
    }

    #[test]
    fn a_link_local_address_keeps_its_interface() {
        let target = &parse("fe80::1%lo", Choice::default()).unwrap()[0];
        assert_eq!(target.scope_id, 1);
        assert_eq!(target.at(22).to_string(), "[fe80::1%1]:22");
    }
}
