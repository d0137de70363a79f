//! Which processes hold the sockets that a datagram goes between, asked of a process that may see them.
//!
//! **Invariant:** an answer names only processes that held, a second before at most or when its connection was opened, the very
//! socket that the kernel gives such a datagram to, or gave what opened it. Of several that listen on one port
//! (`SO_REUSEPORT`) and have not accepted a connection or are done with it already, it may be another.

mod finder;
mod openings;

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use self::finder::Finder;
use self::openings::Openings;
use super::services::Protocol;
use crate::kernel::process::Process;
use crate::kernel::{OsError, helper, sandbox};

/// How long an answer is waited for: a process that was stopped gives none.
const PATIENCE: Duration = Duration::from_secs(3);
/// Most processes that are named of one socket.
const MOST_PROCESSES: usize = 8;
/// Flags of a question.
const OF_UDP: u8 = 1;
const OPENS: u8 = 2;
/// Bytes of a question: flags, two addresses, two ports.
const QUESTION: usize = 1 + 2 * (16 + 2);

/// What is known of one end of a datagram's way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Owner {
    /// The address is not one of this machine.
    #[default]
    Elsewhere,
    /// No socket any more, or none that a process holds.
    Unknown,
    /// A socket whose processes this user may not see.
    Hidden,
    /// The processes that hold the socket.
    Held(Vec<Process>),
}

/// A datagram whose ends are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// What the ports belong to.
    pub protocol: Protocol,
    /// Where it comes from.
    pub source: SocketAddr,
    /// Where it goes.
    pub destination: SocketAddr,
    /// Whether it opens a connection: then it is for the socket that listens.
    pub opens: bool,
}

/// Somebody who knows.
pub trait Ask {
    /// Who holds the sockets that the datagram comes from and goes to.
    ///
    /// # Errors
    /// There is nobody to ask any more, also because the answer did not come in time.
    fn ask(&mut self, question: Question) -> io::Result<[Owner; 2]>;
}

/// The process that is asked. It ends with this.
#[derive(Debug)]
pub struct Helper(helper::Helper);

impl Helper {
    /// Starts it, in the network namespace where `enter` leads. Must be called before any other thread exists.
    ///
    /// # Errors
    /// No process to be had; what `enter` says; the kernel's refusal to tell about sockets.
    pub fn start(enter: impl FnOnce() -> Result<(), OsError>, confined: bool) -> Result<Self, StartError> {
        let mut helper = helper::start(|connection| work(connection, enter, confined))?;
        let refusal = String::from_utf8_lossy(&receive(&mut helper.connection)?).into_owned();
        if !refusal.is_empty() {
            return Err(StartError::Refused(refusal));
        }
        helper.connection.set_read_timeout(Some(PATIENCE))?;
        helper.connection.set_write_timeout(Some(PATIENCE))?;
        Ok(Helper(helper))
    }
}

/// Why nobody can be asked.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The process could not be started.
    #[error(transparent)]
    Os(#[from] OsError),
    /// It ended before it said anything.
    #[error("the process that looks for the owners of sockets ended: {0}")]
    Ended(#[from] io::Error),
    /// It was refused what it needs.
    #[error("{0}")]
    Refused(String),
}

impl Ask for Helper {
    fn ask(&mut self, question: Question) -> io::Result<[Owner; 2]> {
        let connection = &mut self.0.connection;
        connection.write_all(&question.bytes())?;
        Ok([owner(&receive(connection)?), owner(&receive(connection)?)])
    }
}

impl Question {
    fn bytes(&self) -> Vec<u8> {
        let flag = |set, flag| if set { flag } else { 0 };
        let mut bytes = vec![flag(self.protocol == Protocol::Udp, OF_UDP) | flag(self.opens, OPENS)];
        for end in [self.source, self.destination] {
            let address = match end.ip() {
                IpAddr::V4(address) => address.to_ipv6_mapped(),
                IpAddr::V6(address) => address,
            };
            bytes.extend(address.octets());
            bytes.extend(end.port().to_be_bytes());
        }
        bytes
    }

    fn read(bytes: &[u8; QUESTION]) -> Self {
        let end = |at: usize| -> SocketAddr {
            let mut address = [0; 16];
            address.copy_from_slice(&bytes[at..at + 16]);
            let port = u16::from_be_bytes([bytes[at + 16], bytes[at + 17]]);
            SocketAddr::new(Ipv6Addr::from(address).to_canonical(), port)
        };
        let protocol = if bytes[0] & OF_UDP == 0 { Protocol::Tcp } else { Protocol::Udp };
        Question { protocol, source: end(1), destination: end(19), opens: bytes[0] & OPENS != 0 }
    }
}

/// An answer: its length and its bytes.
fn receive(from: &mut UnixStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 2];
    from.read_exact(&mut length)?;
    let mut answer = vec![0; u16::from_be_bytes(length).into()];
    from.read_exact(&mut answer)?;
    Ok(answer)
}

fn send(to: &mut UnixStream, answer: &[u8]) -> io::Result<()> {
    let answer = answer.get(..u16::MAX.into()).unwrap_or(answer);
    to.write_all(&[&(answer.len() as u16).to_be_bytes(), answer].concat())
}

/// An owner as bytes: which kind, then number, length of the name and name of each process.
fn bytes(owner: &Owner) -> Vec<u8> {
    let processes = match owner {
        Owner::Elsewhere => return vec![0],
        Owner::Unknown => return vec![1],
        Owner::Hidden => return vec![2],
        Owner::Held(processes) => processes,
    };
    let mut bytes = vec![3];
    for Process { pid, name } in processes.iter().take(MOST_PROCESSES) {
        let name = &name.as_bytes()[..name.len().min(u8::MAX.into())];
        bytes.extend(pid.to_be_bytes());
        bytes.push(name.len() as u8);
        bytes.extend(name);
    }
    bytes
}

fn owner(bytes: &[u8]) -> Owner {
    let Some((3, mut rest)) = bytes.split_first().map(|(kind, rest)| (*kind, rest)) else {
        return match bytes {
            [1] => Owner::Unknown,
            [2] => Owner::Hidden,
            _ => Owner::Elsewhere,
        };
    };
    let mut processes = Vec::new();
    while let Some(([a, b, c, d, length], behind)) = rest.split_first_chunk() {
        let Some((name, behind)) = behind.split_at_checked((*length).into()) else { break };
        let name = String::from_utf8_lossy(name).into_owned();
        processes.push(Process { pid: u32::from_be_bytes([*a, *b, *c, *d]), name });
        rest = behind;
    }
    Owner::Held(processes)
}

/// What the helper process does: answers until nobody asks any more.
fn work(mut connection: UnixStream, enter: impl FnOnce() -> Result<(), OsError>, confined: bool) {
    let open = || enter().and_then(|()| Ok((Finder::new()?, Openings::watch()?)));
    let (mut finder, mut openings) = match open() {
        Ok(both) => both,
        Err(refusal) => return drop(send(&mut connection, refusal.to_string().as_bytes())),
    };
    if confined {
        sandbox::confine(sandbox::Needs { asks: true, processes: true, ..sandbox::Needs::default() });
    }
    let mut serve = || -> io::Result<()> {
        send(&mut connection, &[])?;
        loop {
            openings.until_asked(&connection, &mut finder)?;
            let mut question = [0; QUESTION];
            connection.read_exact(&mut question)?;
            for owner in openings.answer(Question::read(&question), &mut finder) {
                send(&mut connection, &bytes(&owner))?;
            }
        }
    };
    // Nobody asks any more.
    let _ = serve();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_come_back_as_they_were_sent() {
        let process = |pid, name: &str| Process { pid, name: name.into() };
        let held = Owner::Held(vec![process(1, "systemd"), process(u32::MAX, "你好"), process(7, "")]);
        for sent in [Owner::Elsewhere, Owner::Unknown, Owner::Hidden, held.clone()] {
            assert_eq!(owner(&bytes(&sent)), sent);
        }
        let whole = bytes(&held);
        (0..whole.len()).for_each(|cut| drop(owner(&whole[..cut])));
    }

    #[test]
    fn questions_come_back_as_they_were_sent() {
        for (source, destination) in [("127.0.0.1:1", "10.0.0.1:65535"), ("[::1]:80", "[fe80::1]:53")] {
            let (source, destination) = (source.parse().unwrap(), destination.parse().unwrap());
            for (protocol, opens) in [(Protocol::Tcp, true), (Protocol::Tcp, false), (Protocol::Udp, false)] {
                let question = Question { protocol, source, destination, opens };
                assert_eq!(Question::read(&question.bytes().try_into().unwrap()), question);
            }
        }
    }
}
