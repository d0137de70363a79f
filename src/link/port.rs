//! A place on a link to send own frames from and hear the answers: a packet socket with a clock and a way to stop.

use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant, SystemTime};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt};
use nix::sys::time::TimeSpec;

use super::neighbours::{Claim, Heard};
use super::packet_socket::{Instruction, Kind, Named, PacketSocket};
use crate::kernel::OsError;
use crate::kernel::signal::Interrupts;

/// Answers to our own questions are short; what is longer is cut.
const FRAME: usize = 2048;
/// Room for answers that come while questions are sent, in bytes.
const RECEIVE_BUFFER: usize = 4 << 20;

/// A packet socket that hears what its filter lets through, and that a signal can stop.
#[derive(Debug)]
pub struct Port<'a> {
    socket: PacketSocket,
    stop: Option<&'a Interrupts>,
    begin: Instant,
    buffer: Box<[u8; FRAME]>,
}

/// What happened at a [`Port`].
#[derive(Debug)]
pub enum Arrival<'b> {
    /// A frame, and the time at which the kernel got it.
    Frame(&'b [u8], Duration),
    /// Nothing until the deadline.
    Silence,
    /// A signal came.
    Stopped,
}

impl<'a> Port<'a> {
    /// Opens a port on `interface` behind `filter`; frames that this machine sends are left out.
    ///
    /// # Errors
    /// The kernel's refusal; EPERM without `CAP_NET_RAW`, which `purpose` needs.
    pub fn open(
        interface: &Named,
        filter: &[Instruction],
        purpose: &str,
        stop: Option<&'a Interrupts>,
    ) -> Result<Self, OsError> {
        let socket = PacketSocket::open(interface, Kind::WithLinkHeader, purpose)?;
        socket.filter(filter)?;
        socket.ignore_outgoing()?;
        let refused = |errno| OsError::new("set up packet socket on", &interface.name, errno);
        setsockopt(&socket, sockopt::ReceiveTimestampns, &true).map_err(refused)?;
        socket.receive_buffer(RECEIVE_BUFFER)?;
        socket.start()?;
        Ok(Port { socket, stop, begin: Instant::now(), buffer: Box::new([0; FRAME]) })
    }

    /// Time since the port was opened.
    pub fn now(&self) -> Duration {
        self.begin.elapsed()
    }

    /// Sends a whole frame, link header included, and returns the time just before.
    ///
    /// # Errors
    /// The kernel's refusal, ENOBUFS excepted: then the transmit queue is full, and the frame is tried again for a
    /// while.
    pub fn send(&mut self, frame: &[u8]) -> Result<Duration, OsError> {
        const FULL: Duration = Duration::from_secs(1);
        let begin = Instant::now();
        loop {
            let sent = self.now();
            match self.socket.send(frame) {
                Ok(()) => return Ok(sent),
                Err(error) if error.errno == Errno::EINTR => {}
                Err(error) if error.errno == Errno::ENOBUFS && begin.elapsed() < FULL => {
                    // Nothing tells when there is room again.
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits until `until` for a frame; one that is there already comes at once, however late it is.
    ///
    /// # Errors
    /// ENETDOWN when the interface goes down, and other refusals of the kernel.
    pub fn receive(&mut self, until: Duration) -> Result<Arrival<'_>, OsError> {
        loop {
            if let Some((length, at)) = self.take()? {
                return Ok(Arrival::Frame(&self.buffer[..length], at));
            }
            let left = until.saturating_sub(self.now());
            if self.stop.is_some_and(Interrupts::arrived) {
                return Ok(Arrival::Stopped);
            }
            if left.is_zero() {
                return Ok(Arrival::Silence);
            }
            self.wait(left)?;
        }
    }

    /// Waits until `until` for a frame in which `claim` finds a claim.
    ///
    /// # Errors
    /// As [`Port::receive`].
    pub fn hear(&mut self, until: Duration, claim: fn(&[u8], Duration) -> Option<Claim>) -> Result<Heard, OsError> {
        loop {
            match self.receive(until)? {
                Arrival::Frame(frame, at) => {
                    if let Some(claim) = claim(frame, at) {
                        return Ok(Heard::Claim(claim));
                    }
                }
                Arrival::Silence => return Ok(Heard::Silence),
                Arrival::Stopped => return Ok(Heard::Stopped),
            }
        }
    }

    fn take(&mut self) -> Result<Option<(usize, Duration)>, OsError> {
        let mut space = nix::cmsg_space!(libc::timespec);
        let mut pieces = [std::io::IoSliceMut::new(self.buffer.as_mut_slice())];
        let fd = self.socket.as_fd().as_raw_fd();
        let message = match recvmsg::<()>(fd, &mut pieces, Some(&mut space), MsgFlags::MSG_DONTWAIT) {
            Ok(message) => message,
            Err(Errno::EAGAIN | Errno::EINTR) => return Ok(None),
            Err(errno) => return Err(OsError::new("receive on", &self.socket.interface().name, errno)),
        };
        let stamp = message.cmsgs().ok().and_then(|mut all| {
            all.find_map(|one| match one {
                ControlMessageOwned::ScmTimestampns(time) => Some(Duration::from(time)),
                _ => None,
            })
        });
        let length = message.bytes;
        // The kernel stamps by the wall clock; how long ago that was is the same on every clock.
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let age = stamp.map_or(Duration::ZERO, |stamp| wall.saturating_sub(stamp));
        Ok(Some((length.min(FRAME), self.now().saturating_sub(age))))
    }

    fn wait(&self, time: Duration) -> Result<(), OsError> {
        let mut files = vec![PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        files.extend(self.stop.map(|stop| PollFd::new(stop.as_fd(), PollFlags::POLLIN)));
        match ppoll(&mut files, Some(TimeSpec::from_duration(time)), None) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(OsError::new("wait on", &self.socket.interface().name, errno)),
        }
    }
}

/// A filter for whole frames of `ether_type` without a VLAN tag in which each of `bytes` (offset, value) is as told.
pub fn untagged(ether_type: u16, bytes: &[(u32, u8)]) -> Vec<Instruction> {
    const LOAD_BYTE: u32 = libc::BPF_LD | libc::BPF_B | libc::BPF_ABS;
    const LOAD_HALF: u32 = libc::BPF_LD | libc::BPF_H | libc::BPF_ABS;
    /// The kernel has moved a tag out of the frame; it tells at this offset whether there was one (linux/filter.h).
    const TAGGED: u32 = (libc::SKF_AD_OFF + libc::SKF_AD_VLAN_TAG_PRESENT) as u32;
    let mut tests = vec![(LOAD_BYTE, TAGGED, 0), (LOAD_HALF, 12, u32::from(ether_type))];
    tests.extend(bytes.iter().map(|(offset, value)| (LOAD_BYTE, *offset, u32::from(*value))));
    let mut program = Vec::new();
    for (place, (load, offset, value)) in tests.iter().enumerate() {
        program.push(Instruction { code: *load as u16, jump_true: 0, jump_false: 0, constant: *offset });
        // Past the tests that follow, two instructions each, and past the acceptance.
        let refuse = ((tests.len() - place - 1) * 2 + 1) as u8;
        let code = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
        program.push(Instruction { code, jump_true: 0, jump_false: refuse, constant: *value });
    }
    program.extend([Instruction::take(u32::MAX), Instruction::take(0)]);
    program
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failed_test_jumps_to_the_refusal() {
        let program = untagged(0x86dd, &[(20, 58), (54, 136)]);
        let last = program.len() - 1;
        assert_eq!(program[last], Instruction::take(0));
        let jumps: Vec<_> = program.iter().enumerate().filter(|(_, i)| i.jump_false > 0).collect();
        assert_eq!(jumps.len(), 4);
        assert!(jumps.iter().all(|(at, jump)| at + 1 + usize::from(jump.jump_false) == last));
    }
}
