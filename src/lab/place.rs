//! Where the lab happens: a port on loopback that nobody else uses, and what the kernel's table says about it.

use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use serde::Serialize;

use crate::kernel::sock_diag::{Entry, Family, Query, SockDiag};
use crate::kernel::{OsError, sysctl};
use crate::transport::states::State;

/// What happens on loopback happens at once, but for an acknowledgement that the kernel may delay by 40 ms.
const PATIENCE: Duration = Duration::from_secs(2);

/// IP protocol numbers.
const TCP: u8 = 6;
const UDP: u8 = 17;

/// Every kind of socket that can stand in the way of a server.
const WHOEVER: [(u8, Family); 4] = [(TCP, Family::Ipv4), (TCP, Family::Ipv6), (UDP, Family::Ipv4), (UDP, Family::Ipv6)];

/// The kernel's table of sockets, and ports to work on.
#[derive(Debug)]
pub struct Place {
    diag: SockDiag,
    ports: RangeInclusive<u16>,
    random: RandomState,
    used: Vec<u16>,
}

/// A socket that the kernel still holds on a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Left {
    /// Its state.
    pub state: State,
    /// Its own address and port.
    pub local: SocketAddr,
    /// The peer's address and port.
    pub remote: SocketAddr,
    /// Milliseconds until its timer fires; of TIME-WAIT, until it is gone.
    pub remaining_ms: Option<u32>,
}

impl Place {
    /// The loopback of the calling thread's network namespace.
    ///
    /// # Errors
    /// The kernel's refusal to tell its sockets.
    pub fn loopback() -> Result<Self, OsError> {
        let range = sysctl::read("net.ipv4.ip_local_port_range").unwrap_or_default();
        let first = sysctl::read("net.ipv4.ip_unprivileged_port_start").unwrap_or_default();
        let ports = free_ports(&range, first.parse().unwrap_or(1024));
        Ok(Place { diag: SockDiag::open()?, ports, random: RandomState::new(), used: Vec::new() })
    }

    /// A port that no socket uses now, chosen at random among those that `connect()` never takes by itself.
    ///
    /// # Errors
    /// The kernel's refusal, and `EADDRINUSE` when a hundred ports in a row are taken.
    pub fn port(&mut self) -> Result<u16, OsError> {
        let count = u64::from(self.ports.end() - self.ports.start()) + 1;
        for _ in 0..100 {
            let step = self.random.hash_one((self.used.len(), Instant::now())) % count;
            let port = self.ports.start() + step as u16;
            if !self.used.contains(&port) && self.nobody_at(port)? {
                self.used.push(port);
                return Ok(port);
            }
        }
        let hint = "100 ports in a row were taken";
        Err(OsError::new("find a free port on", Ipv4Addr::LOCALHOST, Errno::EADDRINUSE).hint(hint))
    }

    fn nobody_at(&mut self, port: u16) -> Result<bool, OsError> {
        for (protocol, family) in WHOEVER {
            if !self.entries(port, protocol, family)?.is_empty() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// How many sockets of any kind have `port` as their own; of IPv6 too, as one of those may take IPv4 along.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn sockets_at(&mut self, port: u16) -> Result<usize, OsError> {
        let mut count = 0;
        for (protocol, family) in WHOEVER {
            let entries = self.entries(port, protocol, family)?;
            count += entries.iter().filter(|entry| entry.local.port() == port).count();
        }
        Ok(count)
    }

    fn entries(&mut self, port: u16, protocol: u8, family: Family) -> Result<Vec<Entry>, OsError> {
        let query = Query { port: Some(port), ..Query::all(protocol, family) };
        Ok(self.diag.list(&query)?.value)
    }

    /// What the kernel holds with `port` as its own.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn at(&mut self, port: u16) -> Result<Vec<Left>, OsError> {
        let entries = self.entries(port, TCP, Family::Ipv4)?;
        Ok(entries.iter().filter(|entry| entry.local.port() == port).filter_map(left).collect())
    }

    /// Waits until the kernel holds exactly sockets in `states` with `port` as their own.
    ///
    /// # Errors
    /// The kernel's refusal, and `ETIMEDOUT` when it does not come to that.
    pub fn wait_for(&mut self, port: u16, states: &[State]) -> Result<Vec<Left>, OsError> {
        let start = Instant::now();
        loop {
            let found = self.at(port)?;
            if found.iter().map(|left| left.state).eq(states.iter().copied()) {
                return Ok(found);
            }
            if start.elapsed() > PATIENCE {
                let names =
                    |states: &mut dyn Iterator<Item = State>| states.map(State::name).collect::<Vec<_>>().join(", ");
                let object = format!("port {port}: {}", names(&mut states.iter().copied()));
                let found = names(&mut found.iter().map(|left| left.state));
                return Err(OsError::new("wait for", object, Errno::ETIMEDOUT)
                    .hint(format!("the kernel shows there: {}", if found.is_empty() { "nothing" } else { &found })));
            }
            // The table is asked without pause only while something is on its way on this very machine.
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// How many TIME-WAIT entries the lab leaves to the kernel.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn left_behind(&mut self) -> Result<usize, OsError> {
        let query = Query { states: State::TimeWait.mask(), ..Query::all(TCP, Family::Ipv4) };
        let entries = self.diag.list(&query)?.value;
        let ours = |entry: &&Entry| self.used.contains(&entry.local.port()) || self.used.contains(&entry.remote.port());
        Ok(entries.iter().filter(ours).count())
    }
}

fn left(entry: &Entry) -> Option<Left> {
    let state = match State::from_kernel(entry.state)? {
        State::Closed => State::Bound,
        state => state,
    };
    let remaining_ms = entry.timer.map(|timer| timer.remaining_ms);
    Some(Left { state, local: entry.local, remote: entry.remote, remaining_ms })
}

/// Ports that `connect()` never takes by itself and that need no privilege: below `ip_local_port_range` (`range`), or
/// above it; all where it leaves too few.
fn free_ports(range: &str, first_unprivileged: u16) -> RangeInclusive<u16> {
    const ENOUGH: u16 = 1000;
    let first = first_unprivileged.clamp(10_000, 60_000);
    let mut ends = range.split_whitespace().map(|end| end.parse().ok());
    let (low, high) = match (ends.next().flatten(), ends.next().flatten()) {
        (Some(low), Some(high)) => (low, high),
        _ => (32_768, 60_999),
    };
    let (below, above) = (first..=u16::saturating_sub(low, 1), u16::saturating_add(high, 1).max(first)..=u16::MAX);
    [below, above].into_iter().find(|ports| ports.len() >= usize::from(ENOUGH)).unwrap_or(first..=u16::MAX)
}

/// `port` on `address`.
pub fn on(address: Ipv4Addr, port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(address), port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_that_connect_takes_by_itself_are_left_alone() {
        assert_eq!(free_ports("32768 60999", 1024), 10_000..=32_767);
        assert_eq!(free_ports("10100\t50000", 1024), 50_001..=65_535);
        assert_eq!(free_ports("1024 65535", 1024), 10_000..=65_535);
        assert_eq!(free_ports("", 20_000), 20_000..=32_767);
        assert_eq!(free_ports("65535 65535", 0), 10_000..=65_534);
    }
}
