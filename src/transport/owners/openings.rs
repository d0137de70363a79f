//! Connections that are just being opened, seen by the helper itself: some are over before anybody asks about them.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, recv};

use super::finder::{Begun, Finder};
use super::{Owner, Question};
use crate::kernel::OsError;
use crate::link::packet_socket::{Instruction, Kind, Named, PacketSocket};
use crate::transport::services::Protocol;

/// Bytes of a datagram that are looked at: the longest header of IPv4, the ports and the sequence number behind it.
const HEADERS: usize = 68;
/// How late a question may come: frames wait for a while to be shown.
const LATE: Duration = Duration::from_secs(10);
/// Openings that are looked at before a question is answered.
const AT_ONCE: usize = 32;
/// Openings that are remembered.
const MOST: usize = 4096;

/// Segments with SYN and without ACK, of datagrams that begin with their IP header and are no later fragments.
const FILTER: [Instruction; 18] = [
    of(0x30, 0, 0, 0),       // ldb [0]
    of(0x54, 0, 0, 0xf0),    // and #0xf0: version
    of(0x15, 0, 7, 0x40),    // IPv4?
    of(0x30, 0, 0, 9),       // ldb [9]: protocol
    of(0x15, 0, 12, 6),      // TCP?
    of(0x28, 0, 0, 6),       // ldh [6]
    of(0x45, 10, 0, 0x1fff), // a later fragment?
    of(0xb1, 0, 0, 0),       // ldxb 4*([0]&0xf): length of the header
    of(0x50, 0, 0, 13),      // ldb [x+13]: flags
    of(0x05, 0, 0, 4),       // ja
    of(0x15, 0, 6, 0x60),    // IPv6?
    of(0x30, 0, 0, 6),       // ldb [6]: next header
    of(0x15, 0, 4, 6),       // TCP?
    of(0x30, 0, 0, 53),      // ldb [40+13]: flags
    of(0x54, 0, 0, 0x12),    // and #SYN|ACK
    of(0x15, 0, 1, 2),       // SYN alone?
    Instruction::take(HEADERS as u32),
    Instruction::take(0),
];

const fn of(code: u16, jump_true: u8, jump_false: u8, constant: u32) -> Instruction {
    Instruction { code, jump_true, jump_false, constant }
}

/// Sees connections being opened, and remembers what was found of them.
pub(super) struct Openings {
    socket: PacketSocket,
    seen: HashMap<(SocketAddr, SocketAddr), Seen>,
    /// Those whose processes were not found at once, the last one last.
    unfinished: Vec<(SocketAddr, SocketAddr)>,
}

struct Seen {
    when: Instant,
    /// Another one between the same ports begins with another.
    sequence: u32,
    begun: [Begun; 2],
}

impl Openings {
    /// Watches every interface of the network namespace.
    ///
    /// # Errors
    /// The kernel's refusal; that of `CAP_NET_RAW` with its cure.
    pub fn watch() -> Result<Self, OsError> {
        let all = Named { name: "any".to_owned(), index: 0 };
        let socket = PacketSocket::open(&all, Kind::WithoutLinkHeader, "seeing who opens connections")?;
        socket.filter(&FILTER)?;
        socket.start()?;
        Ok(Openings { socket, seen: HashMap::new(), unfinished: Vec::new() })
    }

    /// Looks at connections that are being opened until there is something to be read from `asked`.
    ///
    /// # Errors
    /// The kernel's refusal to wait.
    pub fn until_asked(&mut self, asked: &impl AsFd, finder: &mut Finder) -> io::Result<()> {
        loop {
            let mut files =
                [PollFd::new(asked.as_fd(), PollFlags::POLLIN), PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
            let limit = if self.unfinished.is_empty() { PollTimeout::NONE } else { PollTimeout::ZERO };
            match poll(&mut files, limit) {
                Err(Errno::EINTR) => continue,
                Ok(0) => {
                    self.look_again(finder);
                    continue;
                }
                other => other?,
            };
            let [asks, opens] = files.map(|file| file.revents().is_some_and(|events| !events.is_empty()));
            if opens {
                self.see(finder);
            }
            if asks {
                return Ok(());
            }
        }
    }

    /// Looks at some of those that wait.
    fn see(&mut self, finder: &mut Finder) {
        let mut datagram = [0; HEADERS];
        for _ in 0..AT_ONCE {
            let length = recv(self.socket.as_fd().as_raw_fd(), &mut datagram, MsgFlags::MSG_DONTWAIT);
            let Ok(Some(datagram)) = length.map(|length| datagram.get(..length)) else { return };
            let Some((ends, sequence)) = opening(datagram) else { continue };
            // On the loopback interface it is sent and received.
            if self.seen.get(&ends).is_some_and(|seen| seen.sequence == sequence) {
                continue;
            }
            if self.seen.len() >= MOST {
                self.seen.clear();
                self.unfinished.clear();
            }
            let (source, destination) = ends;
            let begun = finder.begin(Question { protocol: Protocol::Tcp, source, destination, opens: true });
            if begun.iter().any(Begun::is_unfinished) {
                self.unfinished.push(ends);
            }
            self.seen.insert(ends, Seen { when: Instant::now(), sequence, begun });
        }
    }

    /// Looks through all processes for one connection, as nothing else is to be done now.
    fn look_again(&mut self, finder: &mut Finder) {
        if let Some(seen) = self.unfinished.pop().and_then(|ends| self.seen.get_mut(&ends)) {
            finder.look_again(&mut seen.begun);
        }
    }

    /// Who holds the sockets; of what opens a connection, as far as was seen, who held them then.
    pub fn answer(&mut self, question: Question, finder: &mut Finder) -> [Owner; 2] {
        let seen = if question.opens { self.seen.remove(&(question.source, question.destination)) } else { None };
        let Some(seen) = seen.filter(|seen| seen.when.elapsed() < LATE) else { return finder.answer(question) };
        let [source, destination] = finder.finish(seen.begun);
        if source != Owner::Unknown && destination != Owner::Unknown {
            return [source, destination];
        }
        let or = |seen, now| if seen == Owner::Unknown { now } else { seen };
        let [source_now, destination_now] = finder.answer(question);
        [or(source, source_now), or(destination, destination_now)]
    }
}

/// Where a segment comes from and goes to, and its sequence number.
fn opening(datagram: &[u8]) -> Option<((SocketAddr, SocketAddr), u32)> {
    let first = *datagram.first()?;
    let (addresses, header): ([IpAddr; 2], usize) = if first >> 4 == 4 {
        let v4 = |at: usize| Some(Ipv4Addr::from(*datagram.get(at..)?.first_chunk::<4>()?).into());
        ([v4(12)?, v4(16)?], usize::from(first & 0xf) * 4)
    } else {
        let v6 = |at: usize| Some(Ipv6Addr::from(*datagram.get(at..)?.first_chunk::<16>()?).into());
        ([v6(8)?, v6(24)?], 40)
    };
    let [a, b, c, d, sequence @ ..] = *datagram.get(header..)?.first_chunk::<8>()?;
    let [source, destination] = addresses;
    let at = |address, port| SocketAddr::new(address, u16::from_be_bytes(port));
    Some(((at(source, [a, b]), at(destination, [c, d])), u32::from_be_bytes(sequence)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openings_of_either_version_are_read_behind_options_and_never_beyond_the_end() {
        let mut v4 = vec![0x46, 0, 0, 44, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 1, 1, 1, 1];
        v4.extend([0x12, 0x34, 0, 80, 0, 0, 1, 0, 9]);
        let mut v6 = vec![0x60, 0, 0, 0, 0, 20, 6, 64];
        v6.extend([Ipv6Addr::LOCALHOST.octets(), Ipv6Addr::UNSPECIFIED.octets()].concat());
        v6.extend([0x12, 0x34, 0, 80, 0, 0, 1, 0, 9]);
        for (whole, ends) in [(v4, ["10.0.0.1:4660", "10.0.0.2:80"]), (v6, ["[::1]:4660", "[::]:80"])] {
            let [source, destination] = ends.map(|end| end.parse().unwrap());
            assert_eq!(opening(&whole), Some(((source, destination), 256)));
            let least = whole.len() - 1;
            assert!((0..least).all(|length| opening(&whole[..length]).is_none()));
        }
    }
}
