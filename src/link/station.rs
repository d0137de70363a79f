//! What a MAC address says about its owner: IEEE 802-2014 section 8.

use serde::Serialize;

use super::vendor::vendor;
use crate::bytes::Mac;

/// A MAC address and what its bits mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Station {
    /// The address.
    pub address: Mac,
    /// Who may receive a frame sent to it.
    pub reach: Reach,
    /// Who gave it.
    pub origin: Origin,
    /// The holder of its block in the IEEE's registry.
    pub vendor: Option<&'static str>,
    /// What addresses that begin so are used for, where that is known without the registry.
    pub usage: Option<&'static str>,
}

/// Who may receive a frame: the I/G bit, 0x01 of the first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// One station.
    Unicast,
    /// Those that joined a group.
    Multicast,
    /// Every station on the link.
    Broadcast,
}

/// Who gave an address: the U/L bit, 0x02 of the first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The maker, from a block bought from the IEEE: the same nowhere else in the world.
    Universal,
    /// An administrator or a program.
    Local,
}

/// Beginnings of addresses that are used by agreement or habit. The longest that fits comes first.
const USAGES: [(&[u8], &str); 10] = [
    (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff], "everybody"),
    (&[0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e], "LLDP"),
    (&[0x01, 0x80, 0xc2, 0x00, 0x00, 0x00], "spanning tree"),
    (&[0x01, 0x80, 0xc2], "bridge protocols"),
    (&[0x01, 0x00, 0x5e], "IPv4 multicast"),
    (&[0x33, 0x33], "IPv6 multicast"),
    (&[0x00, 0x00, 0x5e, 0x00, 0x01], "virtual router (VRRP)"),
    (&[0x52, 0x54, 0x00], "usual with QEMU/KVM"),
    (&[0x0a, 0x00, 0x27], "usual with VirtualBox"),
    (&[0x02, 0x42], "usual with Docker"),
];

impl From<Mac> for Station {
    fn from(address: Mac) -> Self {
        let reach = match (address.is_broadcast(), address.is_group()) {
            (true, _) => Reach::Broadcast,
            (_, true) => Reach::Multicast,
            _ => Reach::Unicast,
        };
        let origin = if address.is_local() { Origin::Local } else { Origin::Universal };
        let usage = USAGES.iter().find(|(start, _)| address.0.starts_with(start)).map(|(_, usage)| *usage);
        Station { address, reach, origin, vendor: vendor(address), usage }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(mac: &str) -> Station {
        mac.parse::<Mac>().unwrap().into()
    }

    #[test]
    fn the_first_byte_tells_reach_and_origin() {
        assert_eq!(
            (of("00:00:0c:00:00:01").reach, of("00:00:0c:00:00:01").origin),
            (Reach::Unicast, Origin::Universal)
        );
        assert_eq!((of("02:00:00:00:00:01").reach, of("02:00:00:00:00:01").origin), (Reach::Unicast, Origin::Local));
        assert_eq!(of("01:00:5e:00:00:01").reach, Reach::Multicast);
        assert_eq!(of("ff:ff:ff:ff:ff:ff").reach, Reach::Broadcast);
    }

    #[test]
    fn the_longest_known_beginning_names_the_usage() {
        assert_eq!(of("01:80:c2:00:00:0e").usage, Some("LLDP"));
        assert_eq!(of("01:80:c2:00:00:21").usage, Some("bridge protocols"));
        assert_eq!(of("33:33:00:00:00:01").usage, Some("IPv6 multicast"));
        assert_eq!(of("02:42:ac:11:00:02").usage, Some("usual with Docker"));
        assert_eq!(of("02:fc:00:00:00:01").usage, None);
    }
}
