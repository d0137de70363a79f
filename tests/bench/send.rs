//! Sends numbered frames through a packet socket, for `scripts/bench-live`, and says how many the kernel took.
//!
//! Run: send INTERFACE BYTES SECONDS RATE; a rate of 0 is as fast as one core can. Below 1000 frames a second it tells for
//! each frame when it was sent (nanoseconds of the monotonic clock).
#![allow(unsafe_code, clippy::unwrap_used, clippy::panic, clippy::print_stdout, missing_docs)]

use std::io::{Error, Write};
use std::mem::zeroed;
use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};

use netlab::kernel::netlink::Netlink;
use netlab::link::packet_socket::{Instruction, Kind, Named, PacketSocket};
use nix::time::{ClockId, clock_gettime};

/// Frames handed to the kernel at once.
const BATCH: usize = 32;
/// Below this rate frames go one by one.
const SLOW: u64 = 1000;
/// A run is bounded whatever it was told.
const MOST_SECONDS: u64 = 60;
/// Even frames come from this UDP port, odd ones from the next.
const FIRST_PORT: u16 = 40_000;
/// Offset of the source port.
const PORT_AT: usize = 34;
/// Offset of the frame's number, 8 bytes.
const NUMBER_AT: usize = 42;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [interface, bytes, seconds, rate] = arguments.as_slice() else { panic!("send INTERFACE BYTES SECONDS RATE") };
    let [bytes, seconds, rate] = [bytes, seconds, rate].map(|number| number.parse::<u64>().unwrap());
    assert!((60..=1514).contains(&bytes) && seconds <= MOST_SECONDS, "60 to 1514 bytes, at most {MOST_SECONDS} s");
    let socket = open(interface);
    let mut frames = vec![frame(bytes as usize); BATCH];
    let (started, end) = (Instant::now(), Duration::from_secs(seconds));
    let mut sent = 0;
    while started.elapsed() < end {
        let due = if rate == 0 { u64::MAX } else { started.elapsed().as_nanos() as u64 * rate / 1_000_000_000 + 1 };
        let count = due.saturating_sub(sent).min(if rate > 0 && rate < SLOW { 1 } else { BATCH as u64 });
        if count == 0 {
            if rate < SLOW {
                std::thread::sleep(Duration::from_millis(1));
            }
            continue;
        }
        for (frame, number) in frames.iter_mut().zip(sent..) {
            frame[PORT_AT + 1] = FIRST_PORT.to_be_bytes()[1] | (number & 1) as u8;
            frame[NUMBER_AT..][..8].copy_from_slice(&number.to_be_bytes());
        }
        if rate > 0 && rate < SLOW {
            println!("{sent} {}", now());
            std::io::stdout().flush().unwrap();
        }
        sent += send(&socket, &frames[..count as usize]);
    }
    println!("sent {sent}");
}

fn now() -> i128 {
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap();
    i128::from(time.tv_sec()) * 1_000_000_000 + i128::from(time.tv_nsec())
}

/// A socket that takes nothing in and goes around the interface's queue.
fn open(interface: &str) -> PacketSocket {
    let index = Netlink::open().unwrap().link(interface).unwrap().index;
    let named = Named { name: interface.to_owned(), index };
    let socket = PacketSocket::open(&named, Kind::WithLinkHeader, "sending").unwrap();
    socket.filter(&[Instruction::take(0)]).unwrap();
    socket.start().unwrap();
    let on = 1i32;
    // SAFETY: the option's value is a number that outlives the call.
    let done = unsafe {
        let fd = socket.as_fd().as_raw_fd();
        libc::setsockopt(fd, libc::SOL_PACKET, libc::PACKET_QDISC_BYPASS, (&raw const on).cast(), 4)
    };
    assert_eq!(done, 0, "{}", Error::last_os_error());
    socket
}

/// Hands the frames over and tells how many of them the kernel took.
fn send(socket: &PacketSocket, frames: &[Vec<u8>]) -> u64 {
    // SAFETY: both structures are plain numbers and pointers, for which zero is a value.
    let (mut parts, mut messages): ([libc::iovec; BATCH], [libc::mmsghdr; BATCH]) = unsafe { (zeroed(), zeroed()) };
    for ((part, message), frame) in parts.iter_mut().zip(&mut messages).zip(frames) {
        *part = libc::iovec { iov_base: frame.as_ptr().cast_mut().cast(), iov_len: frame.len() };
        (message.msg_hdr.msg_iov, message.msg_hdr.msg_iovlen) = (part, 1);
    }
    // SAFETY: as many messages as frames were filled in; the frames are only read and outlive the call.
    let taken = unsafe { libc::sendmmsg(socket.as_fd().as_raw_fd(), messages.as_mut_ptr(), frames.len() as u32, 0) };
    if taken < 0 {
        let error = Error::last_os_error();
        assert_eq!(error.raw_os_error(), Some(libc::ENOBUFS), "{error}");
    }
    u64::try_from(taken).unwrap_or(0)
}

/// A datagram from one address for documentation to another, at a hardware address that nobody has.
fn frame(bytes: usize) -> Vec<u8> {
    let mut frame = b"\x02\xfc\0\0\0\x09\x02\xfc\0\0\0\x01\x08\0\x45\0\0\0\0\0\x40\0\x40\x11\0\0\
        \xc6\x33\x64\x01\xc6\x33\x64\x02\x9c\x40\x9c\x42\0\0\0\0"
        .to_vec();
    frame.resize(bytes, 0);
    let (datagram, segment) = (bytes as u16 - 14, bytes as u16 - 34);
    frame[16..18].copy_from_slice(&datagram.to_be_bytes());
    frame[38..40].copy_from_slice(&segment.to_be_bytes());
    let sum: u32 = frame[14..34].chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    let sum = (sum & 0xffff) + (sum >> 16);
    frame[24..26].copy_from_slice(&(!(sum as u16)).to_be_bytes());
    frame
}
