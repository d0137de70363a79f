//! What instructions are about, in words.

use std::net::Ipv4Addr;

use crate::transport::services;

/// What a value read from a packet means to people.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meaning {
    /// The field's name, with the layer where it is not plain.
    pub field: &'static str,
    /// What its numbers stand for.
    pub numbers: Numbers,
}

/// How the numbers of a field are told.
#[derive(Clone, Copy, Debug)]
pub(super) enum Numbers {
    Plain,
    EtherType,
    IpProtocol,
    Address4,
    Port,
}

impl Meaning {
    pub(super) const NONE: Meaning = Meaning::plain("");
    pub(super) const ETHER_TYPE: Meaning = Meaning { field: "ether type", numbers: Numbers::EtherType };

    pub(super) const fn plain(field: &'static str) -> Meaning {
        Meaning { field, numbers: Numbers::Plain }
    }

    pub(super) const fn protocol(field: &'static str) -> Meaning {
        Meaning { field, numbers: Numbers::IpProtocol }
    }

    pub(super) const fn address(field: &'static str) -> Meaning {
        Meaning { field, numbers: Numbers::Address4 }
    }

    pub(super) const fn port(field: &'static str) -> Meaning {
        Meaning { field, numbers: Numbers::Port }
    }

    /// What `number` is in this field; empty where the number speaks for itself.
    pub(super) fn of(self, number: u32) -> String {
        let named = |table: &[(u32, &str)]| {
            table.iter().find(|(known, _)| *known == number).map_or_else(String::new, |(_, name)| (*name).to_owned())
        };
        match self.numbers {
            Numbers::Plain => String::new(),
            Numbers::EtherType => named(ETHER_TYPES),
            Numbers::IpProtocol => named(IP_PROTOCOLS),
            Numbers::Address4 => Ipv4Addr::from_bits(number).to_string(),
            Numbers::Port => {
                let port = u16::try_from(number).ok();
                let name = port.and_then(|port| {
                    services::name(port, services::Protocol::Tcp)
                        .or_else(|| services::name(port, services::Protocol::Udp))
                });
                name.map_or_else(|| number.to_string(), |name| format!("{number} {name}"))
            }
        }
    }
}

const ETHER_TYPES: &[(u32, &str)] = &[
    (0x0800, "IPv4"),
    (0x0806, "ARP"),
    (0x8035, "RARP"),
    (0x8100, "VLAN tag"),
    (0x86dd, "IPv6"),
    (0x8847, "MPLS"),
    (0x8863, "PPPoE discovery"),
    (0x8864, "PPPoE session"),
    (0x88a8, "VLAN service tag"),
    (0x9100, "VLAN tag of old"),
];

const IP_PROTOCOLS: &[(u32, &str)] = &[
    (0, "hop-by-hop options"),
    (1, "ICMP"),
    (2, "IGMP"),
    (6, "TCP"),
    (17, "UDP"),
    (43, "routing header"),
    (44, "fragment header"),
    (50, "ESP"),
    (51, "AH"),
    (58, "ICMPv6"),
    (59, "no next header"),
    (60, "destination options"),
    (103, "PIM"),
    (132, "SCTP"),
];
