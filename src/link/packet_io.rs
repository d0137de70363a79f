//! Frames through a packet socket, many at a time: for wires and exchanges. Captures use the ring.

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, MultiHeaders, recvmmsg, send, sendmmsg};

use super::packet_socket::PacketSocket;
use crate::kernel::OsError;

/// Room for frames that are received together; made once and used again.
#[derive(Debug)]
pub struct Batch {
    buffer: Vec<u8>,
    frame_bytes: usize,
    lengths: Vec<usize>,
}

impl Batch {
    /// Room for `frames` frames of at most `frame_bytes` bytes; a longer frame is cut.
    pub fn new(frames: usize, frame_bytes: usize) -> Self {
        Batch { buffer: vec![0; frames.saturating_mul(frame_bytes)], frame_bytes, lengths: Vec::with_capacity(frames) }
    }

    /// The frames received last.
    pub fn frames(&self) -> impl Iterator<Item = &[u8]> {
        let rooms = self.buffer.chunks(self.frame_bytes.max(1));
        rooms.zip(&self.lengths).map(|(room, length)| room.get(..*length).unwrap_or(room))
    }
}

/// What waits to be received, in bytes as the kernel accounts for them: several hundred more per frame than it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// What waits.
    pub bytes: u32,
    /// What may wait.
    pub limit: u32,
}

/// asm-generic/socket.h; libc does not know it.
const SO_MEMINFO: libc::c_int = 55;

impl PacketSocket {
    /// Bytes of frames that may wait to be received. The kernel doubles it for its own needs and caps it at
    /// `net.core.rmem_max`.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn receive_buffer(&self, bytes: usize) -> Result<(), OsError> {
        self.set(libc::SOL_SOCKET, libc::SO_RCVBUF, &i32::try_from(bytes).unwrap_or(i32::MAX), "size the buffer of")
    }

    /// How much waits to be received.
    ///
    /// # Errors
    /// ENOPROTOOPT before Linux 4.12.
    pub fn backlog(&self) -> Result<Backlog, OsError> {
        // The order of linux/sock_diag.h: SK_MEMINFO_RMEM_ALLOC, SK_MEMINFO_RCVBUF, ….
        let [bytes, limit, ..] = self.get::<[u32; 9]>(libc::SOL_SOCKET, SO_MEMINFO, "ask the memory of")?;
        Ok(Backlog { bytes, limit })
    }

    /// Frames that were lost since the last call because too much waited.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn lost(&self) -> Result<u64, OsError> {
        // The kernel forgets what it told: packets, drops.
        let [_, dropped] = self.get(libc::SOL_PACKET, libc::PACKET_STATISTICS, "read the frame counts of")?;
        Ok(dropped.into())
    }

    /// Fills `batch` with the frames that are there, without waiting, and says whether it may have left some.
    ///
    /// # Errors
    /// ENETDOWN when the interface went down.
    pub fn receive(&self, batch: &mut Batch) -> Result<bool, OsError> {
        batch.lengths.clear();
        let mut rooms: Vec<_> =
            batch.buffer.chunks_mut(batch.frame_bytes.max(1)).map(|room| [IoSliceMut::new(room)]).collect();
        let count = rooms.len();
        let mut headers = MultiHeaders::<()>::preallocate(count, None);
        match recvmmsg(self.as_fd().as_raw_fd(), &mut headers, rooms.iter_mut(), MsgFlags::MSG_DONTWAIT, None) {
            Ok(received) => batch.lengths.extend(received.map(|message| message.bytes)),
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            Err(errno) => return Err(OsError::new("receive from", &self.interface().name, errno)),
        }
        Ok(batch.lengths.len() == count)
    }

    /// Sends one frame, its link header included.
    ///
    /// # Errors
    /// EMSGSIZE for a frame beyond the MTU, ENETDOWN when the interface is down.
    pub fn send(&self, frame: &[u8]) -> Result<(), OsError> {
        send(self.as_fd().as_raw_fd(), frame, MsgFlags::empty())
            .map(drop)
            .map_err(|errno| OsError::new("send on", &self.interface().name, errno))
    }

    /// Sends frames in order.
    ///
    /// # Errors
    /// As [`PacketSocket::send`], for the first frame that was refused.
    pub fn send_all(&self, frames: &[&[u8]]) -> Result<(), OsError> {
        let mut left = frames;
        while !left.is_empty() {
            let pieces: Vec<_> = left.iter().map(|frame| [IoSlice::new(frame)]).collect();
            let mut headers = MultiHeaders::<()>::preallocate(left.len(), None);
            let nobody = vec![None::<()>; left.len()];
            let sent = sendmmsg(self.as_fd().as_raw_fd(), &mut headers, &pieces, &nobody, [], MsgFlags::empty())
                .map_err(|errno| OsError::new("send on", &self.interface().name, errno))?
                .count();
            left = left.get(sent.max(1)..).unwrap_or_default();
        }
        Ok(())
    }
}
