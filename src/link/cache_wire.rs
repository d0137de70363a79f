//! Asking by way of the kernel, for who may not send frames: a datagram makes the kernel resolve the address, and its
//! neighbour cache tells what it heard. Two stations with one address cannot be told apart this way.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{setsockopt, sockopt};

use super::neighbours::{Claim, Heard, Wire};
use super::packet_socket::Named;
use crate::kernel::OsError;
use crate::kernel::netlink::{Events, Group, Neighbour, NeighbourState, Netlink};
use crate::kernel::signal::Interrupts;

/// The datagrams are empty and go to the discard service (RFC 863): who runs it, discards them; who does not, answers
/// "port unreachable" at most.
const DISCARD: u16 = 9;
/// With more addresses than this the whole cache is read at once.
const FEW: usize = 8;
/// The signal to stop is looked for at least this often.
const GLANCE: Duration = Duration::from_millis(50);

/// The kernel's neighbour cache of one interface.
#[derive(Debug)]
pub struct CacheWire<'a> {
    interface: Named,
    netlink: Netlink,
    events: Events,
    begin: Instant,
    stop: Option<&'a Interrupts>,
    /// What was heard last of each address asked for.
    last: HashMap<IpAddr, Option<Neighbour>>,
    heard: VecDeque<Heard>,
}

impl<'a> CacheWire<'a> {
    /// Starts to watch the cache.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn open(interface: &Named, stop: Option<&'a Interrupts>) -> Result<Self, OsError> {
        Ok(CacheWire {
            interface: interface.clone(),
            netlink: Netlink::open()?,
            events: Events::subscribe(Group::Neighbour)?,
            begin: Instant::now(),
            stop,
            last: HashMap::new(),
            heard: VecDeque::new(),
        })
    }

    fn provoke(&self, target: IpAddr) -> Result<(), OsError> {
        let refused = |error: &std::io::Error| OsError::from_io("send datagram to", target, error);
        let (any, to): (IpAddr, SocketAddr) = match target {
            IpAddr::V4(_) => (Ipv4Addr::UNSPECIFIED.into(), (target, DISCARD).into()),
            IpAddr::V6(v6) => {
                (Ipv6Addr::UNSPECIFIED.into(), SocketAddrV6::new(v6, DISCARD, 0, self.interface.index).into())
            }
        };
        let socket = UdpSocket::bind((any, 0)).map_err(|error| refused(&error))?;
        // Without it (refused before Linux 5.7) the routing table chooses, which is nearly always the same interface.
        let _ = setsockopt(&socket, sockopt::BindToDevice, &self.interface.name.clone().into());
        match socket.send_to(&[], to) {
            // The kernel's verdict on an earlier question.
            Err(error) if error.raw_os_error() == Some(Errno::EHOSTUNREACH as i32) => Ok(()),
            result => result.map(drop).map_err(|error| refused(&error)),
        }
    }

    /// Looks at the cache and notes what changed.
    fn look(&mut self) -> Result<(), OsError> {
        let entries: Vec<(IpAddr, Option<Neighbour>)> = if self.last.len() <= FEW {
            let look_up = |address: &IpAddr| Ok((*address, self.netlink.neighbour(self.interface.index, *address)?));
            self.last.keys().map(look_up).collect::<Result<_, OsError>>()?
        } else {
            let all = self.netlink.neighbours()?;
            let ours = all.into_iter().filter(|entry| entry.interface == self.interface.index);
            ours.map(|entry| (entry.address, Some(entry))).collect()
        };
        let now = self.now();
        for (address, entry) in entries {
            let Some(last) = self.last.get_mut(&address) else { continue };
            if let Some(entry) = entry.as_ref().filter(|entry| Some(*entry) != last.as_ref()) {
                self.heard.extend(news(entry, now));
            }
            *last = entry;
        }
        Ok(())
    }
}

/// What a new state of an entry tells.
fn news(entry: &Neighbour, at: Duration) -> Option<Heard> {
    let claim =
        |mac| Claim { address: entry.address, mac, frame_source: None, at, confirmed: entry.state.is_confirmed() };
    match entry.state {
        NeighbourState::Failed => Some(Heard::GaveUp(entry.address)),
        NeighbourState::None | NeighbourState::Incomplete => None,
        _ => entry.mac().map(|mac| Heard::Claim(claim(mac))),
    }
}

impl Wire for CacheWire<'_> {
    fn now(&self) -> Duration {
        self.begin.elapsed()
    }

    fn ask(&mut self, target: IpAddr) -> Result<Duration, OsError> {
        let known = self.netlink.neighbour(self.interface.index, target)?;
        let now = self.now();
        // What is confirmed already counts as heard at the moment of the question.
        self.heard.extend(known.as_ref().filter(|entry| entry.state.is_confirmed()).and_then(|entry| news(entry, now)));
        self.provoke(target)?;
        self.last.insert(target, known.filter(|entry| entry.state.is_confirmed()));
        Ok(now)
    }

    fn hear(&mut self, until: Duration) -> Result<Heard, OsError> {
        loop {
            if let Some(heard) = self.heard.pop_front() {
                return Ok(heard);
            }
            self.look()?;
            let left = until.saturating_sub(self.now());
            if self.stop.is_some_and(Interrupts::arrived) {
                return Ok(Heard::Stopped);
            }
            if self.heard.is_empty() {
                if left.is_zero() {
                    return Ok(Heard::Silence);
                }
                self.events.wait(left.min(GLANCE))?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::Mac;

    fn entry(state: NeighbourState, link_address: &[u8]) -> Neighbour {
        let address = Ipv4Addr::new(192, 0, 2, 2).into();
        Neighbour { interface: 2, address, link_address: link_address.to_vec(), state, router: false, probes: 0 }
    }

    #[test]
    fn states_are_claims_verdicts_or_nothing() {
        let mac = [2, 0, 0, 0, 0, 1];
        let heard = |state, bytes: &[u8]| news(&entry(state, bytes), Duration::ZERO);
        let confirmed = |heard| match heard {
            Some(Heard::Claim(claim)) => (claim.mac == Mac(mac)).then_some(claim.confirmed),
            _ => None,
        };
        assert_eq!(confirmed(heard(NeighbourState::Reachable, &mac)), Some(true));
        assert_eq!(confirmed(heard(NeighbourState::Permanent, &mac)), Some(true));
        assert_eq!(confirmed(heard(NeighbourState::Stale, &mac)), Some(false));
        assert_eq!(confirmed(heard(NeighbourState::Probe, &mac)), Some(false));
        assert_eq!(heard(NeighbourState::Incomplete, &[]), None);
        assert_eq!(heard(NeighbourState::Reachable, &[1, 2, 3, 4]), None);
        assert!(matches!(heard(NeighbourState::Failed, &mac), Some(Heard::GaveUp(_))));
    }
}
