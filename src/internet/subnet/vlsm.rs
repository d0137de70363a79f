//! Subnets of different sizes in one network (variable-length subnet masks, RFC 1878): one for each number of hosts.

use serde::Serialize;

use super::{Address, Count, Family, Prefix, Range, range};

/// Subnets laid out in a network, largest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Layout {
    /// One subnet for each number asked for, in the order of their addresses.
    pub subnets: Vec<Allotment>,
    /// What is left of the network.
    pub free: Vec<Prefix>,
}

/// One subnet of a [`Layout`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Allotment {
    /// How many hosts were asked for.
    pub hosts_asked: u64,
    /// How many it can have.
    pub hosts: Count,
    /// The subnet.
    pub prefix: Prefix,
}

/// The subnets asked for do not fit into the network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{network} has {have} addresses; the subnets stop fitting at the one for {hosts} host{}, a {subnet}", if *.hosts == 1 { "" } else { "s" })]
pub struct Full {
    /// The network.
    pub network: Prefix,
    /// Its addresses.
    pub have: Count,
    /// The number of hosts that found no room.
    pub hosts: u64,
    /// The length its subnet would need: `/26`.
    pub subnet: String,
}

/// Lays out one subnet for each number of `hosts` in `network`.
///
/// IPv4 subnets keep network and broadcast besides the hosts, IPv6 subnets the subnet-router anycast address. Largest
/// first leaves no gap: every subnet starts where the one before ended, and that is always a multiple of its own size.
///
/// # Errors
/// The first number for which there was no room.
pub fn lay_out(network: Prefix, hosts: &[u64]) -> Result<Layout, Full> {
    let mut sorted = hosts.to_vec();
    sorted.sort_unstable_by(|a, b| b.cmp(a));
    let mut next: Option<Address> = Some(network.network());
    let mut subnets = Vec::new();
    for hosts_asked in sorted {
        let bits = host_bits(network.family(), hosts_asked);
        let length = network.family().bits().checked_sub(bits).filter(|length| *length >= network.length());
        let (Some(start), Some(length)) = (next, length) else {
            let subnet = match network.family().bits().checked_sub(bits) {
                Some(length) => format!("/{length}"),
                None => "subnet larger than the whole address space".to_owned(),
            };
            return Err(Full { network, have: network.range().count(), hosts: hosts_asked, subnet });
        };
        let prefix = Prefix::of(start, length);
        next = prefix.last().next().filter(|address| network.contains(*address));
        subnets.push(Allotment { hosts_asked, hosts: prefix.hosts().count(), prefix });
    }
    let taken: Vec<Range> = subnets.iter().map(|subnet| subnet.prefix.range()).collect();
    let free = range::subtract(vec![network.range()], taken);
    Ok(Layout { subnets, free: free.into_iter().flat_map(Range::prefixes).collect() })
}

/// Host bits of the smallest subnet with room for `hosts`.
fn host_bits(family: Family, hosts: u64) -> u8 {
    let kept = if family == Family::Ipv4 { 2 } else { 1 };
    let addresses = u128::from(hosts) + kept;
    addresses.next_power_of_two().ilog2() as u8
}

#[cfg(test)]
mod tests {
    use super::super::notation;
    use super::*;

    fn lengths(network: &str, hosts: &[u64]) -> Vec<String> {
        let layout = lay_out(notation::prefix(network).unwrap(), hosts).unwrap();
        layout.subnets.iter().map(|subnet| subnet.prefix.to_string()).collect()
    }

    #[test]
    fn subnets_follow_each_other_largest_first() {
        assert_eq!(lengths("192.168.1.0/24", &[10, 50, 20]), ["192.168.1.0/26", "192.168.1.64/27", "192.168.1.96/28"]);
        let layout = lay_out(notation::prefix("192.168.1.0/24").unwrap(), &[10, 50, 20]).unwrap();
        let free: Vec<_> = layout.free.iter().map(ToString::to_string).collect();
        assert_eq!(free, ["192.168.1.112/28", "192.168.1.128/25"]);
    }

    #[test]
    fn seven_to_fourteen_hosts_take_a_28() {
        for hosts in 7..=14 {
            assert_eq!(lengths("10.0.0.0/24", &[hosts]), ["10.0.0.0/28"], "{hosts} hosts");
        }
        assert_eq!(lengths("10.0.0.0/24", &[6]), ["10.0.0.0/29"]);
        assert_eq!(lengths("10.0.0.0/24", &[15]), ["10.0.0.0/27"]);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let full = lay_out(notation::prefix("10.0.0.0/25").unwrap(), &[100, 100]).unwrap_err();
        assert_eq!((full.hosts, full.subnet.as_str()), (100, "/25"));
        let full = lay_out(notation::prefix("10.0.0.0/31").unwrap(), &[1]).unwrap_err();
        assert!(full.to_string().contains("the one for 1 host, a /30"), "{full}");
        let full = lay_out(notation::prefix("10.0.0.0/8").unwrap(), &[u64::MAX]).unwrap_err();
        assert_eq!(full.subnet, "subnet larger than the whole address space");
        assert_eq!(lengths("10.0.0.0/25", &[100]), ["10.0.0.0/25"]);
        assert_eq!(lengths("2001:db8::/48", &[200]), ["2001:db8::/120"]);
    }
}
