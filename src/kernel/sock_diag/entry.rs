//! One socket as the kernel tells it: `struct inet_diag_msg` and the attributes behind it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Family, TcpInfo};
use crate::bytes::Fault;

/// One socket of the kernel's table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// IP protocol number: 6 TCP, 17 UDP.
    pub protocol: u8,
    /// Family of the socket.
    pub family: Family,
    /// The kernel's state number (`include/net/tcp_states.h`): 1 is ESTABLISHED, 6 TIME-WAIT, 10 LISTEN.
    pub state: u8,
    /// The running timer.
    pub timer: Option<Timer>,
    /// Retransmissions so far of what the timer waits for, or probes sent.
    pub retransmits: u8,
    /// Own address and port; zero where not bound.
    pub local: SocketAddr,
    /// The peer's address and port; zero where not connected.
    pub remote: SocketAddr,
    /// Index of the interface that the socket is bound to; 0 when to none.
    pub interface: u32,
    /// The kernel's name for this socket, never used again while it runs.
    pub cookie: u64,
    /// Bytes received and not yet read; of a listener: connections waiting to be accepted.
    pub receive_queue: u32,
    /// Bytes sent or to be sent and not yet acknowledged; of a listener: how many connections may wait (the backlog).
    pub send_queue: u32,
    /// User that made the socket; 0 for TIME-WAIT, which nobody owns.
    pub uid: u32,
    /// Inode that `/proc/PID/fd` links name; 0 when no process holds the socket.
    pub inode: u32,
    /// Whether an IPv6 socket serves IPv6 alone; told of listening and unconnected sockets.
    pub v6only: Option<bool>,
    /// TCP's own figures, when asked for.
    pub info: Option<Box<TcpInfo>>,
    /// Memory, when asked for.
    pub memory: Option<Memory>,
    /// Congestion control, when asked for.
    pub congestion: Option<String>,
}

/// A running timer of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Timer {
    /// The kernel's number: see [`Timer::name`].
    #[serde(skip)]
    pub number: u8,
    /// Milliseconds until it fires.
    pub remaining_ms: u32,
}

impl Timer {
    /// What happens when it fires.
    pub fn name(self) -> &'static str {
        match self.number {
            1 => "retransmit",
            2 => "keepalive",
            3 => "time-wait",
            4 => "zero-window-probe",
            _ => "unknown",
        }
    }
}

/// Socket memory (`SK_MEMINFO_*`), bytes unless said otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Memory {
    /// Held by received data, with the kernel's overhead.
    pub receive_used_bytes: u32,
    /// Limit of that.
    pub receive_limit_bytes: u32,
    /// Held by data on its way to the device.
    pub transmit_used_bytes: u32,
    /// Limit of what is queued to send.
    pub send_limit_bytes: u32,
    /// Reserved ahead.
    pub forward_bytes: u32,
    /// Queued to send, not yet acknowledged, with the kernel's overhead.
    pub send_queued_bytes: u32,
    /// Held by options.
    pub option_bytes: u32,
    /// Waiting while the socket is locked by its user.
    pub backlog_bytes: u32,
    /// Packets dropped by this socket; none where the kernel does not count them.
    pub dropped_packets: Option<u32>,
}

/// Attribute numbers of an `inet_diag_msg`.
pub(super) mod attribute {
    /// `struct tcp_info`.
    pub const INFO: u16 = 2;
    /// Name of the congestion control, with a closing zero byte.
    pub const CONGESTION: u16 = 4;
    /// Nine 32-bit counters (`SK_MEMINFO_*`).
    pub const SKMEMINFO: u16 = 7;
    /// One byte: whether an IPv6 socket is for IPv6 alone.
    pub const V6ONLY: u16 = 11;
}

/// Bytes of `struct inet_diag_msg`.
const LENGTH: usize = 72;

impl Entry {
    /// Reads the body of one answer about a socket of `protocol`.
    pub(super) fn read(protocol: u8, body: &[u8]) -> Result<Self, Fault> {
        let family = match body.first() {
            None => return Err(short(body)),
            Some(2) => Family::Ipv4,
            Some(10) => Family::Ipv6,
            Some(other) => {
                let expected = "AF_INET (2) or AF_INET6 (10)";
                return Err(Fault::Invalid { field: "idiag_family", value: u64::from(*other), expected });
            }
        };
        let mut entry = Self::header(protocol, family, body).ok_or(short(body))?;
        entry.attributes(body.get(LENGTH..).unwrap_or_default())?;
        Ok(entry)
    }

    fn header(protocol: u8, family: Family, body: &[u8]) -> Option<Self> {
        let [_, state, timer, retransmits] = at(body, 0)?;
        let port = |offset| at(body, offset).map(u16::from_be_bytes);
        let expires = u32_at(body, 52)?;
        Some(Entry {
            protocol,
            family,
            state,
            timer: (timer != 0).then_some(Timer { number: timer, remaining_ms: expires }),
            retransmits,
            local: SocketAddr::new(address(family, body, 8)?, port(4)?),
            remote: SocketAddr::new(address(family, body, 24)?, port(6)?),
            interface: u32_at(body, 40)?,
            cookie: u64_at(body, 44)?,
            receive_queue: u32_at(body, 56)?,
            send_queue: u32_at(body, 60)?,
            uid: u32_at(body, 64)?,
            inode: u32_at(body, 68)?,
            v6only: None,
            info: None,
            memory: None,
            congestion: None,
        })
    }

    /// Reads the attributes behind the fixed part; unknown ones are passed over.
    fn attributes(&mut self, mut rest: &[u8]) -> Result<(), Fault> {
        const HEADER: usize = 4;
        while !rest.is_empty() {
            let short = |need| Fault::Short { field: "inet_diag attribute", need, have: rest.len() };
            let (Some(length), Some(kind)) = (u16_at(rest, 0), u16_at(rest, 2)) else { return Err(short(HEADER)) };
            let length = usize::from(length);
            let value = rest.get(HEADER..length).ok_or(short(length.max(HEADER)))?;
            match kind {
                attribute::INFO => self.info = TcpInfo::read(value).map(Box::new),
                attribute::CONGESTION => self.congestion = Some(name(value)),
                attribute::SKMEMINFO => self.memory = Memory::read(value),
                attribute::V6ONLY => self.v6only = value.first().map(|flag| *flag != 0),
                _ => {}
            }
            rest = rest.get(length.next_multiple_of(HEADER)..).unwrap_or_default();
        }
        Ok(())
    }
}

impl Memory {
    fn read(value: &[u8]) -> Option<Self> {
        let [receive_used, receive_limit, transmit_used, send_limit] = four(value, 0)?;
        let [forward, send_queued, option, backlog] = four(value, 16)?;
        Some(Memory {
            receive_used_bytes: receive_used,
            receive_limit_bytes: receive_limit,
            transmit_used_bytes: transmit_used,
            send_limit_bytes: send_limit,
            forward_bytes: forward,
            send_queued_bytes: send_queued,
            option_bytes: option,
            backlog_bytes: backlog,
            dropped_packets: u32_at(value, 32),
        })
    }
}

fn four(bytes: &[u8], offset: usize) -> Option<[u32; 4]> {
    let [a, b, c, d] = [0, 4, 8, 12].map(|step: usize| u32_at(bytes, offset.saturating_add(step)));
    Some([a?, b?, c?, d?])
}

/// Text up to the closing zero byte.
fn name(value: &[u8]) -> String {
    String::from_utf8_lossy(value.split(|byte| *byte == 0).next().unwrap_or_default()).into_owned()
}

fn short(body: &[u8]) -> Fault {
    Fault::Short { field: "inet_diag_msg", need: LENGTH, have: body.len() }
}

fn address(family: Family, bytes: &[u8], offset: usize) -> Option<IpAddr> {
    Some(match family {
        Family::Ipv4 => Ipv4Addr::from(at::<4>(bytes, offset)?).into(),
        Family::Ipv6 => Ipv6Addr::from(at::<16>(bytes, offset)?).into(),
    })
}

/// `N` bytes at `offset`, if they are there.
fn at<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    bytes.get(offset..)?.first_chunk().copied()
}

/// Two bytes at `offset` in the machine's order.
pub(super) fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    at(bytes, offset).map(u16::from_ne_bytes)
}

/// Four bytes at `offset` in the machine's order.
pub(super) fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    at(bytes, offset).map(u32::from_ne_bytes)
}

/// Eight bytes at `offset` in the machine's order.
pub(super) fn u64_at(bytes: &[u8], offset: usize) -> Option<u64> {
    at(bytes, offset).map(u64::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A TIME-WAIT entry of 127.0.0.1:9001, as Linux 6.18 told it.
    const TIME_WAIT: &str = "020603002329d77a7f0000010000000000000000000000007f000001000000000000000000000000\
        000000000600000000000000607d00000000000000000000000000000000000008000f0000000000";

    /// An ESTABLISHED entry with five unread bytes and every detail, as Linux 6.18 told it.
    const ESTABLISHED: &str = "\
        020100002329d76e7f0000010000000000000000000000007f0000010000000000000000000000000000000004000000000000000000\
        00000500000000000000000000006d8c0000050008000000000008000f00000000000c00150001000000000000000600160052000000\
        28000700450300000000020000000000001e3c00bb0c0000000000000000000000000000000000001c010200010000000007aa01400d\
        0300409c00000080000018020000000000000000000000000000000000000000000028f004000000000028f0040028f00400ffff0000\
        cbff0000180000000c000000ffffff7f0a000000cbff00000300000000000000cbff00000000000076afb91509000000ffffffffffff\
        ffff00000000000000000500000000000000010000000300000000000000180000000100000000000000000000000000000000000000\
        000000000000000000000000000000000000000001000000000000000000000000000000000000000000000000000000000000000000\
        000000000100000001000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
        0800040062627200";

    /// A listener on [::]:9004, for both families.
    const LISTEN: &str = "\
        0a0a0000232c000000000000000000000000000000000000000000000000000000000000000000000000000007000000000000000000\
        0000000000000500000000000000728c0000050008000000000005000b000000000008000f00000000000c0015000100000000000000\
        0600160012000000280007000000000000000200000000000040000000000000000000000000000000000000000000001c0102000a00\
        000000000000000000000000000000000000000000000000000005000000000000000000000000000000000000000000000000000000\
        0000000000000000000000000000000000000000000000000a0000000000000003000000000000000000000000000000ffffffffffff\
        ffffffffffffffffffff0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
        000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
        000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
        00000000000000000800040062627200";

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex.chars().filter_map(|c| c.to_digit(16)).map(|digit| digit as u8).collect();
        digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
    }

    #[test]
    fn time_wait_tells_its_remaining_milliseconds_and_has_no_owner() {
        let entry = Entry::read(6, &bytes(TIME_WAIT)).unwrap();
        assert_eq!((entry.state, entry.timer), (6, Some(Timer { number: 3, remaining_ms: 32096 })));
        assert_eq!(entry.local, "127.0.0.1:9001".parse().unwrap());
        assert_eq!(entry.remote, "127.0.0.1:55162".parse().unwrap());
        assert_eq!((entry.inode, entry.uid, entry.cookie), (0, 0, 6));
    }

    #[test]
    fn a_connection_tells_its_queues_and_tcps_own_figures() {
        let entry = Entry::read(6, &bytes(ESTABLISHED)).unwrap();
        assert_eq!((entry.state, entry.timer, entry.receive_queue, entry.send_queue), (1, None, 5, 0));
        let info = entry.info.unwrap();
        assert_eq!((info.rtt_us, info.rtt_deviation_us, info.rto_us), (24, 12, 200_000));
        assert_eq!((info.congestion_window_segments, info.mss_bytes), (10, 32768));
        assert_eq!((info.received_bytes, info.received_segments, info.sent_segments), (Some(5), Some(3), Some(1)));
        assert_eq!(info.pacing_rate_bytes_per_second, Some(39_019_196_278));
        let memory = entry.memory.unwrap();
        assert_eq!((memory.receive_used_bytes, memory.receive_limit_bytes), (837, 131_072));
        assert_eq!(memory.dropped_packets, Some(0));
        assert_eq!(entry.congestion.as_deref(), Some("bbr"));
    }

    #[test]
    fn a_listener_tells_its_backlog_and_whether_it_serves_both_families() {
        let entry = Entry::read(6, &bytes(LISTEN)).unwrap();
        assert_eq!(entry.local, "[::]:9004".parse().unwrap());
        assert_eq!((entry.state, entry.send_queue, entry.v6only), (10, 5, Some(false)));
    }

    #[test]
    fn every_cut_length_is_an_entry_or_a_fault() {
        for whole in [TIME_WAIT, ESTABLISHED, LISTEN].map(bytes) {
            for length in 0..whole.len() {
                let cut = Entry::read(6, &whole[..length]);
                assert!(length >= LENGTH || matches!(cut, Err(Fault::Short { .. })), "{length}: {cut:?}");
            }
        }
    }

    #[test]
    fn any_damaged_byte_is_an_entry_or_a_fault() {
        for whole in [TIME_WAIT, ESTABLISHED, LISTEN].map(bytes) {
            for at in 0..whole.len() {
                for value in [0, 1, 3, 0x7f, 0xff] {
                    let mut damaged = whole.clone();
                    damaged[at] = value;
                    let _ = Entry::read(6, &damaged);
                }
            }
        }
        let mut family = bytes(TIME_WAIT);
        family[0] = 9;
        assert!(matches!(Entry::read(6, &family), Err(Fault::Invalid { field: "idiag_family", value: 9, .. })));
        let mut attribute = bytes(TIME_WAIT);
        attribute[LENGTH] = 200;
        assert!(matches!(Entry::read(6, &attribute), Err(Fault::Short { field: "inet_diag attribute", .. })));
    }
}
