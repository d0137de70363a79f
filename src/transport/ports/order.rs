//! Every port in the order in which it is worth asking: our own judgement of what is found open and what matters when
//! it is.
//!
//! First the hand-ordered list, then the other ports that have a name here, then the system ports (RFC 6335 §6), then
//! the rest, each ascending.

use crate::transport::services::{self, Protocol};

/// What is asked first under TCP: the web and remote control, mail, names and files, databases, then development and
/// management interfaces.
const TCP: &[u16] = &[
    443, 80, 22, 8080, 25, 53, 8443, 21, 587, 993, 3389, 23, 110, 143, 995, 465, 445, 139, 135, 3306, 8000, 5432, 111,
    5900, 6379, 3000, 8888, 8081, 9000, 9090, 1723, 2049, 631, 5060, 389, 636, 88, 179, 554, 873, 1883, 8883, 27017,
    9200, 11211, 1433, 1521, 5000, 5672, 2222, 6443, 10250, 2375, 2379, 9100, 515, 548, 5985, 5986, 3128, 1080, 10000,
    113, 853, 81, 82, 8008, 8082, 8083, 8088, 8090, 8001, 8009, 8086, 8123, 8181, 8200, 8444, 8500, 8834, 8880, 9001,
    9042, 9091, 9092, 9093, 9443, 4443, 4444, 5001, 5222, 5269, 5555, 5601, 5671, 5901, 5984, 6000, 6001, 6667, 7000,
    7001, 7070, 7443, 7547, 8545, 8728, 8291, 2000, 2181, 3001, 3260, 3690, 4000, 4369, 5002, 5003, 5353, 5357, 5938,
    49152, 49153, 49154, 49155, 49156, 49157, 32768, 1025, 1026, 1027, 37777, 34567, 50000, 25565, 32400, 62078, 13, 7,
    9, 37, 79, 106, 119, 199, 427, 444, 502, 512, 513, 514, 543, 544, 646, 990, 1110, 1935, 2121, 9999, 44818, 47808,
];

/// What is asked first under UDP: names, time and addresses, management, discovery, tunnels, then media and games.
const UDP: &[u16] = &[
    53, 123, 161, 5353, 1900, 137, 443, 67, 500, 4500, 69, 111, 5060, 514, 138, 68, 520, 1194, 51820, 3478, 389, 88,
    5355, 3702, 162, 631, 1701, 1434, 11211, 623, 2049, 1812, 1813, 1645, 1646, 5683, 27015, 5351, 177, 853, 464, 546,
    547, 319, 320, 4789, 2152, 6881, 7, 9, 13, 17, 19, 37, 49, 427, 521, 4433, 5004, 5005, 8472, 10001, 17185, 33434,
    41641, 47808, 49152, 49153, 49154, 3389, 5684, 6081, 6343, 2055, 9995, 1985, 19132, 3479, 34197, 64738,
];

/// All 65,535 ports, each once, the one most worth asking first. Port 0 is not among them: it is reserved, and sockets
/// cannot ask for it.
pub fn ordered(protocol: Protocol) -> Vec<u16> {
    let chosen = match protocol {
        Protocol::Tcp => TCP,
        Protocol::Udp => UDP,
    };
    let named = services::known(protocol);
    let mut seen = vec![false; 1 << 16];
    let all = chosen.iter().copied().chain(named).chain(1..=u16::MAX);
    all.filter(|port| !std::mem::replace(&mut seen[usize::from(*port)], true)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_port_comes_once_and_the_chosen_ones_come_first() {
        for (protocol, chosen) in [(Protocol::Tcp, TCP), (Protocol::Udp, UDP)] {
            let mut ports = ordered(protocol);
            assert!(ports.starts_with(chosen), "the {protocol} list names a port twice");
            ports.sort_unstable();
            assert!(ports.into_iter().eq(1..=u16::MAX));
        }
    }
}
