//! What addresses are called: as `/etc/hosts` says, and as what was captured tells. Nobody is ever asked.
//!
//! **Invariant:** memory is bounded: two halves of `HALF` learnt names of at most `MAX_BYTES` each, of which the older
//! is forgotten when the younger is full, and what was read of `/etc/hosts`. A name holds nothing but letters, digits,
//! `-`, `_` and dots, and is no address.

mod hosts;
mod post;
mod told;

use std::collections::HashMap;
use std::net::IpAddr;

use super::packet::Packet;
use crate::bytes::{Fields, order};
use crate::dissect::Header;

pub use post::Told;

/// Names in each half.
const HALF: usize = 8192;
/// Most bytes of a name (RFC 1035 section 2.3.4, without the lengths of the first label and the root).
const MAX_BYTES: usize = 253;

type Book = HashMap<IpAddr, Box<str>>;

/// What addresses are called: each has the name that was told last.
#[derive(Debug, Default)]
pub struct Names {
    hosts: Book,
    old: Book,
    young: Book,
    /// What was learnt since [`Names::take_fresh`], where somebody takes it.
    fresh: Option<Vec<IpAddr>>,
    told: Told,
    fields: Fields,
}

impl Names {
    /// No names but those of `/etc/hosts`.
    pub fn of_hosts() -> Self {
        Names { hosts: hosts::read(), ..Names::default() }
    }

    /// The same for somebody who takes what is new.
    #[must_use]
    pub fn collecting(self) -> Self {
        Names { fresh: Some(Vec::new()), ..self }
    }

    /// Where a source of frames tells names that it knows.
    pub fn told(&self) -> Told {
        self.told.clone()
    }

    /// Learns what was told there.
    pub fn listen(&mut self) {
        self.told.take().into_iter().for_each(|(address, name)| self.learn(address, &name));
    }

    /// What an address is called.
    pub fn of(&self, address: IpAddr) -> Option<&str> {
        let learnt = self.young.get(&address).or_else(|| self.old.get(&address));
        learnt.or_else(|| self.hosts.get(&address)).map(|name| &**name)
    }

    /// Learns what a packet tells.
    pub(super) fn see(&mut self, packet: &Packet<'_>) {
        let mut ends = None;
        for layer in packet.layers.iter().take_while(|layer| !layer.quoted) {
            match &layer.header {
                Header::Ipv4(ip) => ends = Some([ip.source.into(), ip.destination.into()]),
                Header::Ipv6(ip) => ends = Some([ip.source.into(), ip.destination.into()]),
                header if header.is_application() => self.read(packet, layer, ends),
                _ => continue,
            }
            ends.iter().flatten().for_each(|address| self.meet(*address));
        }
    }

    /// What `/etc/hosts` says of an address that was seen is worth keeping with the capture.
    fn meet(&mut self, address: IpAddr) {
        if self.fresh.is_some()
            && !self.young.contains_key(&address)
            && !self.old.contains_key(&address)
            && let Some(name) = self.hosts.get(&address).cloned()
        {
            self.keep(address, name);
        }
    }

    /// Learns what an address is called, unless that is no name or the address is nobody's.
    pub fn learn(&mut self, address: IpAddr, name: &str) {
        let nobody = address.is_unspecified() || address.is_loopback() || address.is_multicast();
        if let Some(name) = host_name(name).filter(|_| !nobody) {
            self.keep(address, name);
        }
    }

    fn keep(&mut self, address: IpAddr, name: Box<str>) {
        if self.young.get(&address) == Some(&name) {
            return;
        }
        if self.old.get(&address) != Some(&name) {
            self.fresh.iter_mut().for_each(|fresh| fresh.push(address));
        }
        if self.young.len() >= HALF {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(address, name);
    }

    /// The addresses whose names were learnt since the last call.
    pub fn take_fresh(&mut self) -> Vec<IpAddr> {
        self.fresh.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// The addresses whose names were learnt and not forgotten.
    pub fn learnt(&self) -> Vec<IpAddr> {
        let only_old = self.old.keys().filter(|address| !self.young.contains_key(*address));
        let mut all: Vec<IpAddr> = self.young.keys().chain(only_old).copied().collect();
        order::by_key(&mut all, |address| *address);
        all
    }
}

/// `name` in small letters and without the last dot, where it can be that of a host: a name that says something else on
/// the screen than a name is none, and beyond ASCII some letters are blank and some turn a line round.
fn host_name(name: &str) -> Option<Box<str>> {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_name = name.len() <= MAX_BYTES && name.chars().all(fits) && name.chars().any(|c| c.is_ascii_alphabetic());
    is_name.then(|| name.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u32) -> IpAddr {
        std::net::Ipv4Addr::from(0x0a00_0000 + number).into()
    }

    #[test]
    fn the_name_that_was_told_last_is_shown_and_hosts_where_none_was() {
        let mut names = Names { hosts: HashMap::from([(address(1), "router".into())]), ..Names::default() };
        assert_eq!((names.of(address(1)), names.of(address(2))), (Some("router"), None));
        names.learn(address(1), "Gw.Example.ORG.");
        assert_eq!(names.of(address(1)), Some("gw.example.org"));
        names.learn(address(1), "www.example.org");
        assert_eq!(names.of(address(1)), Some("www.example.org"));
    }

    #[test]
    fn what_is_no_name_of_a_host_is_not_shown_as_one() {
        let long = "a".repeat(MAX_BYTES + 1);
        let evil = ["", ".", "10.0.0.1", "a b", "a:80", "a\x1b[2J", "a\u{202e}b", "::1", "a → b", &long];
        let mut names = Names::default();
        for name in evil {
            names.learn(address(1), name);
            assert_eq!(names.of(address(1)), None, "{name:?}");
        }
        for nobody in ["0.0.0.0", "127.0.0.1", "224.0.0.251", "::", "ff02::fb"] {
            names.learn(nobody.parse().unwrap(), "blocked.example");
        }
        assert!(names.learnt().is_empty());
    }

    #[test]
    fn the_oldest_names_are_forgotten_and_those_told_again_stay() {
        let mut names = Names::default();
        for number in 0..10 * HALF as u32 {
            names.learn(address(number), &format!("host{number}"));
            names.learn(address(7), "often");
        }
        assert!(names.learnt().len() <= 2 * HALF);
        assert_eq!((names.of(address(0)), names.of(address(7))), (None, Some("often")));
    }

    #[test]
    fn what_is_new_is_told_once() {
        let mut names = Names { hosts: HashMap::from([(address(9), "nas".into())]), ..Names::default() }.collecting();
        names.learn(address(1), "a.example");
        names.learn(address(1), "a.example");
        names.meet(address(9));
        names.meet(address(9));
        assert_eq!(names.take_fresh(), [address(1), address(9)]);
        assert!(names.take_fresh().is_empty());
    }
}
