//! Names to numbers: hosts, link addresses, networks, protocols, services.

use std::fs::File;
use std::io::Read;
use std::net::{IpAddr, ToSocketAddrs};

use super::ether;
use super::protocols::{CLNP, ESIS, ISIS, SCTP, TCP, UDP};
use super::syntax::Protocol;
use crate::bytes::Mac;
use crate::transport::services;

/// The addresses of a host, as this machine resolves names.
pub(super) fn host(name: &str) -> Result<Vec<IpAddr>, String> {
    let found = (name, 0).to_socket_addrs().map(|all| all.map(|address| address.ip()).collect::<Vec<_>>());
    let mut addresses = found.map_err(|_| format!("no host is called {name}"))?;
    let mut seen = Vec::new();
    addresses.retain(|address| {
        !seen.contains(address) && {
            seen.push(*address);
            true
        }
    });
    Ok(addresses)
}

/// The link address of a host in /etc/ethers.
pub(super) fn station(name: &str) -> Result<Mac, String> {
    let text = read("/etc/ethers");
    let mut rows = text.lines().map(|line| line.split('#').next().unwrap_or_default().split_whitespace());
    let found = rows.find_map(|mut words| {
        let address = words.next()?;
        (words.next()? == name).then(|| address.parse().ok())?
    });
    found.ok_or_else(|| format!("/etc/ethers knows no {name}"))
}

/// The number of a network in /etc/networks.
pub(super) fn network(name: &str) -> Result<u32, String> {
    let text = read("/etc/networks");
    let mut rows = text.lines().map(|line| line.split('#').next().unwrap_or_default().split_whitespace());
    let found = rows.find_map(|mut words| {
        let official = words.next()?;
        let number = words.next()?;
        (official == name || words.any(|alias| alias == name)).then_some(number.to_owned())
    });
    let number = found.and_then(|number| {
        let parts: Option<Vec<u8>> = number.split('.').map(|part| part.parse().ok()).collect();
        let mut octets = [0; 4];
        parts?.iter().zip(&mut octets).for_each(|(part, octet)| *octet = *part);
        Some(u32::from_be_bytes(octets)).filter(|number| *number != 0)
    });
    number.ok_or_else(|| format!("/etc/networks knows no {name}"))
}

/// The ports of a service and the transport they belong to; none where it is more than one.
pub(super) fn port(name: &str) -> Result<(u32, Option<u32>), String> {
    if !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit()) {
        let number = name.parse().ok().filter(|number| *number <= 0xffff);
        return number.map(|number| (number, None)).ok_or_else(|| format!("{name} is not a port: they end at 65535"));
    }
    let of = |protocol| services::port(name, protocol).map(u32::from);
    match (of(services::Protocol::Tcp), of(services::Protocol::Udp)) {
        (Some(tcp), Some(udp)) if tcp == udp => Ok((tcp, None)),
        (Some(tcp), _) => Ok((tcp, Some(TCP))),
        (None, Some(udp)) => Ok((udp, Some(UDP))),
        (None, None) => Err(format!("no service is called {name}")),
    }
}

/// The number of a protocol above `layer`.
pub(super) fn protocol(name: &str, layer: Option<Protocol>) -> Result<u32, String> {
    match layer {
        None | Some(Protocol::Ip | Protocol::Ip6) => {
            ip_protocol(name).ok_or_else(|| format!("no IP protocol is called {name}"))
        }
        Some(Protocol::Link) => {
            row(ETHER_TYPES, name).ok_or_else(|| format!("no protocol of the link layer is called {name}"))
        }
        Some(Protocol::Iso) => row(&[("clnp", CLNP), ("esis", ESIS), ("isis", ISIS)], name)
            .ok_or_else(|| "the OSI protocols are clnp, esis and isis".to_owned()),
        Some(_) => Err("the number of the protocol is needed here".to_owned()),
    }
}

fn row(table: &[(&str, u32)], name: &str) -> Option<u32> {
    table.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
}

/// Ours first, then what /etc/protocols adds.
fn ip_protocol(name: &str) -> Option<u32> {
    row(IP_PROTOCOLS, name).or_else(|| {
        let text = read("/etc/protocols");
        let mut rows = text.lines().map(|line| line.split('#').next().unwrap_or_default().split_whitespace());
        rows.find_map(|mut words| {
            let official = words.next()?;
            let number = words.next()?.parse().ok()?;
            (official == name || words.any(|alias| alias == name)).then_some(number)
        })
    })
}

/// What is read of a list of names at most, in bytes.
const FILE_LIMIT: u64 = 1 << 20;

/// The text of a list of names; empty where there is none, which is no fault.
fn read(path: &str) -> String {
    let mut text = Vec::new();
    let done = File::open(path).and_then(|file| file.take(FILE_LIMIT).read_to_end(&mut text));
    done.map_or_else(|_| String::new(), |_| String::from_utf8_lossy(&text).into_owned())
}

const ETHER_TYPES: &[(&str, u32)] = &[
    ("aarp", ether::AARP),
    ("arp", ether::ARP),
    ("atalk", ether::ATALK),
    ("decnet", ether::DECNET),
    ("ip", ether::IPV4),
    ("ip6", ether::IPV6),
    ("lat", ether::LAT),
    ("loopback", ether::LOOPBACK),
    ("mopdl", ether::MOP_DUMP),
    ("moprc", ether::MOP_CONSOLE),
    ("rarp", ether::RARP),
    ("sca", ether::SCA),
    ("iso", ether::sap::ISO),
    ("stp", ether::sap::STP),
    ("ipx", ether::sap::IPX),
    ("netbeui", ether::sap::NETBEUI),
];

/// Names of the IANA registry of protocol numbers, as /etc/protocols spells them.
const IP_PROTOCOLS: &[(&str, u32)] = &[
    ("ip", 0),
    ("hopopt", 0),
    ("icmp", 1),
    ("igmp", 2),
    ("ipencap", 4),
    ("tcp", TCP),
    ("egp", 8),
    ("igp", 9),
    ("udp", UDP),
    ("dccp", 33),
    ("ipv6", 41),
    ("ipv6-route", 43),
    ("ipv6-frag", 44),
    ("rsvp", 46),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
    ("ipv6-icmp", 58),
    ("ipv6-nonxt", 59),
    ("ipv6-opts", 60),
    ("eigrp", 88),
    ("ospf", 89),
    ("ipip", 94),
    ("etherip", 97),
    ("encap", 98),
    ("pim", 103),
    ("ipcomp", 108),
    ("vrrp", 112),
    ("l2tp", 115),
    ("isis", 124),
    ("sctp", SCTP),
    ("udplite", 136),
];
