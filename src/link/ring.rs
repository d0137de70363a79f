//! Frames from the kernel without a copy: a packet socket with a ring of blocks that both sides see (`TPACKET_V3`).
//!
//! The order of the steps is the contract: the socket is opened without a protocol, gets its ring and its filter, and
//! only then starts to receive. So the first frame seen is the first that the filter took.
//!
//! **Invariant:** a block is read only while it belongs to this side, and goes back as soon as its last frame is done
//! with: while the next block is held, the kernel drops every frame.

#![allow(unsafe_code)]

use std::num::NonZeroUsize;
use std::os::fd::{AsFd, BorrowedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};

use super::frame_source::{FrameSource, Statistics, Wake};
use super::packet_socket::{Instruction, Kind, Named, PacketSocket};
use super::received::{self, Received};
use crate::kernel::OsError;

/// Bytes of a block. A frame must fit into one, and with segmentation offload frames are larger than 64 KiB.
const BLOCK_BYTES: usize = 1 << 20;
/// Usual time after which a block that holds a frame is handed over at the latest.
pub const RETIRE: Duration = Duration::from_millis(10);

/// How a ring is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// Memory for frames that wait to be read, in MiB (from 2).
    pub mebibytes: u32,
    /// Ask the interface for frames to other machines too.
    pub promiscuous: bool,
    /// Leave out what this machine sends.
    pub ignore_outgoing: bool,
    /// Time after which a block that holds a frame is handed over at the latest, from 1 ms.
    pub retire: Duration,
    /// What each frame is asked; its answer is how many bytes are taken.
    pub filter: Vec<Instruction>,
}

/// A packet socket with its ring.
#[derive(Debug)]
pub struct Ring {
    // Dropped in this order: the memory first, then the socket that it belongs to.
    memory: Memory,
    socket: PacketSocket,
    statistics: Statistics,
    /// The block being read.
    block: usize,
    /// Frames of it that are left, and the offset in the block of the next.
    left: u32,
    next: usize,
    /// Whether the block belongs to this side.
    held: bool,
}

impl Ring {
    /// Opens a ring on `interface` and starts to receive.
    ///
    /// # Errors
    /// The step that the kernel refused, with the interface; a missing privilege with its cure.
    pub fn open(interface: &Named, kind: Kind, options: &Options) -> Result<Self, OsError> {
        let socket = PacketSocket::open(interface, kind, "capturing")?;
        socket.set(
            libc::SOL_PACKET,
            libc::PACKET_VERSION,
            &(libc::tpacket_versions::TPACKET_V3 as i32),
            "set up ring on",
        )?;
        let blocks = (options.mebibytes as usize).max(2);
        socket
            .set(libc::SOL_PACKET, libc::PACKET_RX_RING, &request(blocks, options.retire), "allocate ring on")
            .map_err(|error| error.hint(format!("it takes {blocks} MiB of kernel memory: try a smaller ring")))?;
        let memory = Memory::map(&socket, blocks)?;
        socket.filter(&options.filter)?;
        if options.ignore_outgoing {
            socket.ignore_outgoing()?;
        }
        if options.promiscuous && interface.index != 0 {
            socket.promiscuous()?;
        }
        socket.start()?;
        let statistics = Statistics::default();
        Ok(Ring { memory, socket, statistics, block: 0, left: 0, next: 0, held: false })
    }

    /// Gives the block back to the kernel; the one behind it is next.
    fn release(&mut self) {
        self.memory.status(self.block).store(libc::TP_STATUS_KERNEL, Ordering::Release);
        self.block = (self.block + 1) % self.memory.blocks;
        self.held = false;
    }

    /// Goes on to the next block; false when the kernel has not handed it over yet.
    fn turn(&mut self) -> bool {
        if self.held {
            self.release();
        }
        if !self.memory.is_ours(self.block) {
            return false;
        }
        self.held = true;
        (self.left, self.next) = received::contents(self.memory.block(self.block));
        true
    }
}

fn request(blocks: usize, retire: Duration) -> libc::tpacket_req3 {
    // The size of a frame slot means nothing in version 3, but must divide the block and leave room for the headers.
    const SLOT: usize = 2048;
    libc::tpacket_req3 {
        tp_block_size: BLOCK_BYTES as u32,
        tp_block_nr: blocks as u32,
        tp_frame_size: SLOT as u32,
        tp_frame_nr: (BLOCK_BYTES / SLOT * blocks) as u32,
        tp_retire_blk_tov: retire.as_millis() as u32,
        tp_sizeof_priv: 0,
        tp_feature_req_word: 0,
    }
}

impl FrameSource for Ring {
    fn each(&mut self, mut take: impl FnMut(&Received<'_>) -> bool) -> bool {
        let (mut some, mut more) = (false, true);
        while more && (self.left > 0 || self.turn()) {
            let (block, mut left, mut next) = (self.memory.block(self.block), self.left, self.next);
            while more && left > 0 {
                // A header that points outside its block is none, and nothing behind it can be found.
                let Some(received) = received::frame(block, next) else {
                    left = 0;
                    break;
                };
                (some, more) = (true, take(&received));
                (left, next) = (left - 1, received::behind(block, next).unwrap_or(usize::MAX));
            }
            (self.left, self.next) = (left, next);
        }
        some
    }

    fn wait(&mut self, stop: Option<BorrowedFd<'_>>, limit: Option<Duration>) -> Result<Wake, OsError> {
        let timeout = limit.map_or(PollTimeout::NONE, |t| PollTimeout::try_from(t).unwrap_or(PollTimeout::MAX));
        let mut files =
            [self.socket.as_fd(), stop.unwrap_or(self.socket.as_fd())].map(|file| PollFd::new(file, PollFlags::POLLIN));
        let watched = if stop.is_some() { 2 } else { 1 };
        match poll(&mut files[..watched], timeout) {
            Ok(0) => return Ok(Wake::Timeout),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(OsError::new("wait for frames on", &self.socket.interface().name, errno)),
        }
        let [socket, stop] = files.map(|file| file.revents().unwrap_or(PollFlags::empty()));
        if !stop.is_empty() && watched == 2 {
            return Ok(Wake::Stop);
        }
        if socket.contains(PollFlags::POLLERR) {
            return Ok(self.socket.failure()?.map_or(Wake::Frames, Wake::Gone));
        }
        Ok(Wake::Frames)
    }

    fn refuse(&mut self) -> Result<(), OsError> {
        self.socket.filter(&[Instruction::take(0)])
    }

    fn statistics(&mut self) -> Result<Statistics, OsError> {
        // The kernel forgets what it told: packets, drops, times the queue froze.
        let [seen, dropped, _] =
            self.socket.get(libc::SOL_PACKET, libc::PACKET_STATISTICS, "read the frame counts of")?;
        self.statistics.seen += u64::from(seen);
        self.statistics.dropped += u64::from(dropped);
        Ok(self.statistics)
    }
}

/// The ring's memory, shared with the kernel.
#[derive(Debug)]
struct Memory {
    start: NonNull<u8>,
    blocks: usize,
}

impl Memory {
    fn map(socket: &PacketSocket, blocks: usize) -> Result<Self, OsError> {
        let failed = |errno| OsError::new("map ring of", &socket.interface().name, errno);
        let bytes = NonZeroUsize::new(blocks * BLOCK_BYTES).ok_or(failed(Errno::EINVAL))?;
        let rights = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: a new mapping at an address of the kernel's choice; the length is that of the ring just requested.
        let start = unsafe { mmap(None, bytes, rights, MapFlags::MAP_SHARED, socket, 0) }.map_err(failed)?;
        Ok(Memory { start: start.cast(), blocks })
    }

    #[inline]
    fn at(&self, block: usize) -> NonNull<u8> {
        assert!(block < self.blocks, "block {block} of {}", self.blocks);
        // SAFETY: the block's number was just checked, so the result is inside the mapping.
        unsafe { self.start.add(block * BLOCK_BYTES) }
    }

    #[inline]
    fn status(&self, block: usize) -> &AtomicU32 {
        // SAFETY: the status word lies inside the block, is aligned (blocks start at pages), stays mapped as long as
        // `self`, and is only ever used as an atomic on this side.
        unsafe { self.at(block).add(received::STATUS).cast().as_ref() }
    }

    /// Whether the kernel handed the block over. What it wrote into it before is visible after this.
    #[inline]
    fn is_ours(&self, block: usize) -> bool {
        self.status(block).load(Ordering::Acquire) & libc::TP_STATUS_USER != 0
    }

    /// The bytes of a block that was handed over; nothing of one that was not.
    #[inline]
    fn block(&self, block: usize) -> &[u8] {
        if !self.is_ours(block) {
            return &[];
        }
        // SAFETY: the block lies inside the mapping. It belongs to this side, so the kernel does not write to it until
        // `Ring::release`, which needs the ring mutably and so outlives no slice made here.
        unsafe { std::slice::from_raw_parts(self.at(block).as_ptr(), BLOCK_BYTES) }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: start and length are those of the mapping, and nothing borrows from it any more. A failure would
        // leave it mapped, which harms nobody.
        let _ = unsafe { munmap(self.start.cast(), self.blocks * BLOCK_BYTES) };
    }
}

// SAFETY: the memory is owned by this value alone, and the only shared writes go through atomics.
unsafe impl Send for Memory {}
