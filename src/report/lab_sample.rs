//! A small run with three hosts, for tests of what draws it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::lab_words::Heading;
use crate::bytes::Mac;
use crate::lab::fate::Told;
use crate::lab::observation::{Event, Finding, Frame, Language, Observation, Station, What, Words};
use crate::lab::sockets::Seen;
use crate::transport::states::State;

const HOSTS: [&str; 3] = ["client", "router", "server"];

fn mac(host: usize) -> Mac {
    Mac([2, 0, 0, 0, 0, host as u8 + 1])
}

fn address(host: usize) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, host as u8 + 1)
}

/// A question of the first host for the last one's address.
fn question() -> Vec<u8> {
    let ends = [&mac(0).0[..], &address(0).octets(), &[0; 6], &address(2).octets()].concat();
    [&[0xff; 6][..], &mac(0).0, &[8, 6, 0, 1, 8, 0, 6, 4, 0, 1], &ends].concat()
}

/// An IPv4 datagram without content, in a frame from one host to another.
fn datagram(from: usize, to: usize, destination: Ipv4Addr) -> Vec<u8> {
    let header = [&[0x45, 0, 0, 20, 0, 0, 0x40, 0, 64, 253, 0, 0][..], &address(from).octets(), &destination.octets()];
    [&mac(to).0[..], &mac(from).0, &[8, 0], &header.concat()].concat()
}

fn frame(number: u64, from: usize, to: &[usize], fate: Told, bytes: Vec<u8>) -> What {
    What::Frame(Frame { number, from, to: to.to_vec(), fate, bytes, damaged: None, whole: None })
}

fn socket(host: usize, state: State) -> Seen {
    let at = |host| SocketAddr::from((address(host), 80));
    Seen { local: at(host), remote: at(0), state: Some(state), timer: None, receive_queue: 0, send_queue: 0 }
}

/// A broadcast, a frame that somebody overhears, one that goes past the host in the middle, one that is lost, one for
/// another network, some that are left out; a fact, a call whose result needs a second line, and states of two neighbouring hosts at once.
pub(super) fn three_hosts() -> Observation {
    let hosts = HOSTS.iter().enumerate().map(|(host, name)| Station {
        name: (*name).to_owned(),
        addresses: vec![IpAddr::V4(address(host))],
        macs: vec![mac(host)],
    });
    let far = Ipv4Addr::new(192, 0, 2, 9);
    let call = || "connect(10.0.0.3, port 80)".to_owned();
    let all = [
        What::Note { text: Words { en: "three hosts", zh: "三台主机" } },
        What::Call { host: 0, call: call() },
        frame(1, 0, &[1, 2], Told::Forwarded, question()),
        What::Fact { host: 2, fact: "10.0.0.1 STALE".to_owned() },
        frame(2, 2, &[1, 0], Told::Forwarded, datagram(2, 0, address(0))),
        frame(3, 0, &[2], Told::Forwarded, datagram(0, 2, address(2))),
        frame(4, 0, &[], Told::Dropped, datagram(0, 1, address(1))),
        frame(5, 0, &[1], Told::Forwarded, datagram(0, 1, far)),
        What::NotKept { frames: 12 },
        What::Return { host: 0, call: call(), result: "ECONNREFUSED".to_owned() },
    ];
    let last = all.len() - 1;
    let listening = vec![Vec::new(), vec![socket(1, State::Listen)], vec![socket(2, State::Established)]];
    let events = all.into_iter().enumerate().map(|(at, what)| Event {
        at: Duration::from_millis(at as u64),
        what,
        states: if at == last { listening.clone() } else { Vec::new() },
    });
    let statement = Words { en: "three hosts were seen", zh: "看到三台主机" };
    Observation {
        hosts: hosts.collect(),
        events: events.collect(),
        findings: vec![Finding { statement, seen: true, measured: "3".to_owned() }],
        ..Observation::default()
    }
}

/// The run as `write` draws it.
pub(super) fn drawn(write: impl FnOnce(&mut Vec<u8>, Heading<'_>, &Observation, Language) -> io::Result<()>) -> String {
    let (heading, mut out) = (Heading { title: "three hosts", explanation: "" }, Vec::new());
    write(&mut out, heading, &three_hosts(), Language::English).unwrap();
    String::from_utf8(out).unwrap()
}
