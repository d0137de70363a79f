//! TIME-WAIT's share of local ports and of the kernel's table.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;

use serde::Serialize;

use super::sockets::Status;
use super::states::State;
use crate::kernel::sock_diag::Entry;
use crate::kernel::sysctl;

/// What TIME-WAIT uses of what there is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Budget {
    /// TIME-WAIT entries now.
    pub entries: usize,
    /// `tcp_max_tw_buckets`: beyond it a connection closes without TIME-WAIT.
    pub limit_entries: Option<u64>,
    /// How many local ports `ip_local_port_range` gives to connections to one and the same peer.
    pub local_ports: Option<u32>,
    /// `tcp_tw_reuse`: whether a connection may take over a port in TIME-WAIT after a second: 0 no, 1 yes, 2 on loopback.
    pub reuse: Option<u8>,
    /// The peer to which the most local ports are in TIME-WAIT.
    pub busiest: Option<Busiest>,
}

/// A peer, and the local ports that TIME-WAIT keeps from new connections to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Busiest {
    /// Own address.
    pub local_address: IpAddr,
    /// The peer's address.
    pub remote_address: IpAddr,
    /// The peer's port.
    pub remote_port: u16,
    /// Local ports in TIME-WAIT.
    pub ports: usize,
}

impl Budget {
    /// The share among `entries`; none without entries in TIME-WAIT.
    pub(super) fn of(entries: &[Entry]) -> Option<Self> {
        let waiting = || entries.iter().filter(|entry| Status::of(entry) == Status::Tcp(State::TimeWait));
        let count = waiting().count();
        if count == 0 {
            return None;
        }
        let mut peers: HashMap<_, usize> = HashMap::new();
        for entry in waiting() {
            *peers.entry((entry.local.ip(), entry.remote)).or_default() += 1;
        }
        let busiest = peers.into_iter().max_by_key(|(key, ports)| (*ports, Reverse(*key)));
        let setting = |name: &str| sysctl::read(name).ok();
        let range = |text: String| {
            let mut ends = text.split_whitespace().map(|end| end.parse::<u32>().ok());
            let (low, high) = (ends.next()??, ends.next()??);
            high.checked_sub(low)?.checked_add(1)
        };
        Some(Budget {
            entries: count,
            limit_entries: setting("net.ipv4.tcp_max_tw_buckets").and_then(|text| text.parse().ok()),
            local_ports: setting("net.ipv4.ip_local_port_range").and_then(range),
            reuse: setting("net.ipv4.tcp_tw_reuse").and_then(|text| text.parse().ok()),
            busiest: busiest.map(|((local_address, remote), ports)| Busiest {
                local_address,
                remote_address: remote.ip(),
                remote_port: remote.port(),
                ports,
            }),
        })
    }
}
