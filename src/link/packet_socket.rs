//! Packet sockets: frames as they are on the wire, packet(7).

#![allow(unsafe_code)]

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::errno::Errno;

use crate::kernel::OsError;

/// One instruction of a socket filter (classic BPF, `struct sock_filter`).
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// What to do: class, size, mode.
    pub code: u16,
    /// Instructions to skip when the comparison holds.
    pub jump_true: u8,
    /// Instructions to skip when it does not.
    pub jump_false: u8,
    /// The constant: an offset, a value, a number of bytes.
    pub constant: u32,
}

impl Instruction {
    /// `ret #bytes`: take that many bytes of the frame; 0 refuses it.
    pub const fn take(bytes: u32) -> Self {
        Instruction { code: (libc::BPF_RET | libc::BPF_K) as u16, jump_true: 0, jump_false: 0, constant: bytes }
    }

    /// Loads what the kernel knows beside the frame (`SKF_AD_…`).
    const fn load(what: i32) -> Self {
        let constant = (libc::SKF_AD_OFF + what) as u32;
        Instruction { code: (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16, jump_true: 0, jump_false: 0, constant }
    }

    /// Skips so many instructions when what was loaded is `constant`, and so many when not.
    const fn compare(constant: u32, jump_true: u8, jump_false: u8) -> Self {
        Instruction { code: (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16, jump_true, jump_false, constant }
    }
}

/// The start of a filter for all interfaces together: refuses what interface number `loopback` sends, because it comes
/// back as received. Any filter may follow.
pub const fn once_on_loopback(loopback: u32) -> [Instruction; 5] {
    [
        Instruction::load(libc::SKF_AD_IFINDEX),
        Instruction::compare(loopback, 0, 3),
        Instruction::load(libc::SKF_AD_PKTTYPE),
        Instruction::compare(libc::PACKET_OUTGOING as u32, 0, 1),
        Instruction::take(0),
    ]
}

/// The start of a filter that refuses what this machine does not send. Any filter may follow.
pub const fn only_outgoing() -> [Instruction; 3] {
    [
        Instruction::load(libc::SKF_AD_PKTTYPE),
        Instruction::compare(libc::PACKET_OUTGOING as u32, 1, 0),
        Instruction::take(0),
    ]
}

/// Whether the link header belongs to what is received and sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// With the link header (`SOCK_RAW`).
    WithLinkHeader,
    /// From the network header on (`SOCK_DGRAM`); the sender's link address is told beside it.
    WithoutLinkHeader,
}

/// An interface by its name and the kernel's number for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The name, such as `eth0`.
    pub name: String,
    /// The number (from 1); 0 stands for all interfaces together.
    pub index: u32,
}

/// A socket of the packet family that receives nothing until it is bound to a protocol.
#[derive(Debug)]
pub struct PacketSocket {
    socket: OwnedFd,
    interface: Named,
}

impl PacketSocket {
    /// Opens a socket for `interface`. It is opened with protocol 0, so that no frame can arrive before the filter and
    /// the ring are in place: see [`PacketSocket::start`].
    ///
    /// # Errors
    /// The kernel's refusal; without `CAP_NET_RAW` the hint says how to get it, `purpose` being what needs it.
    pub fn open(interface: &Named, kind: Kind, purpose: &str) -> Result<Self, OsError> {
        let kind = match kind {
            Kind::WithLinkHeader => libc::SOCK_RAW,
            Kind::WithoutLinkHeader => libc::SOCK_DGRAM,
        };
        // SAFETY: socket(2) takes three numbers; the result is checked before it is owned.
        let fd = unsafe { libc::socket(libc::AF_PACKET, kind | libc::SOCK_CLOEXEC, 0) };
        let fd = Errno::result(fd).map_err(|errno| {
            OsError::new("open packet socket on", &interface.name, errno).needs("CAP_NET_RAW", purpose)
        })?;
        // SAFETY: the descriptor was just opened and nobody else knows it.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(PacketSocket { socket, interface: interface.clone() })
    }

    /// The interface that the socket was opened for.
    pub fn interface(&self) -> &Named {
        &self.interface
    }

    /// Starts receiving frames of every protocol. From here on frames pass the filter set before.
    ///
    /// # Errors
    /// ENODEV when the interface is gone, ENETDOWN when it is not up.
    pub fn start(&self) -> Result<(), OsError> {
        self.bind(libc::ETH_P_ALL as u16)?;
        match self.failure()? {
            None => Ok(()),
            Some(down) => Err(down.hint("an interface must be up before frames pass")),
        }
    }

    fn address(&self, protocol: u16) -> libc::sockaddr_ll {
        libc::sockaddr_ll {
            sll_family: libc::AF_PACKET as u16,
            sll_protocol: protocol.to_be(),
            sll_ifindex: self.interface.index as i32,
            sll_hatype: 0,
            sll_pkttype: 0,
            sll_halen: 0,
            sll_addr: [0; 8],
        }
    }

    fn bind(&self, protocol: u16) -> Result<(), OsError> {
        let address = self.address(protocol);
        // SAFETY: the address is a whole sockaddr_ll, and its size is what is passed.
        let result = unsafe {
            libc::bind(
                self.socket.as_raw_fd(),
                (&raw const address).cast(),
                size_of::<libc::sockaddr_ll>() as libc::socklen_t,
            )
        };
        Errno::result(result).map(drop).map_err(|errno| self.refused("bind packet socket to", errno))
    }

    /// Puts `filter` in front of the socket: each frame is asked, and what it returns is how many bytes are taken.
    ///
    /// # Errors
    /// EINVAL when the kernel finds the program unsound, or too long to tell it its length.
    pub fn filter(&self, filter: &[Instruction]) -> Result<(), OsError> {
        let len = u16::try_from(filter.len()).map_err(|_| self.refused("attach filter to", Errno::EINVAL))?;
        let program = libc::sock_fprog { len, filter: filter.as_ptr().cast_mut().cast() };
        self.set(libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program, "attach filter to")
    }

    /// Leaves out what this machine sends. On a loopback interface every frame is sent and received, and would be seen
    /// twice.
    ///
    /// # Errors
    /// ENOPROTOOPT before Linux 4.20.
    pub fn ignore_outgoing(&self) -> Result<(), OsError> {
        self.set(libc::SOL_PACKET, libc::PACKET_IGNORE_OUTGOING, &1i32, "ignore outgoing frames on")
    }

    /// Asks the interface for every frame on the wire, not only those addressed to it. Ends with the socket.
    ///
    /// # Errors
    /// The driver's refusal.
    pub fn promiscuous(&self) -> Result<(), OsError> {
        let membership = libc::packet_mreq {
            mr_ifindex: self.interface.index as i32,
            mr_type: libc::PACKET_MR_PROMISC as u16,
            mr_alen: 0,
            mr_address: [0; 8],
        };
        self.set(libc::SOL_PACKET, libc::PACKET_ADD_MEMBERSHIP, &membership, "set promiscuous mode on")
    }

    /// What went wrong behind the socket's back since the last call. ENETDOWN: the interface went down or away.
    ///
    /// # Errors
    /// The kernel's refusal to say.
    pub fn failure(&self) -> Result<Option<OsError>, OsError> {
        let errno = self.get::<i32>(libc::SOL_SOCKET, libc::SO_ERROR, "ask the state of")?;
        Ok((errno != 0).then(|| self.refused("capture on", Errno::from_raw(errno))))
    }

    pub(super) fn set<T>(&self, level: i32, name: i32, value: &T, what: &'static str) -> Result<(), OsError> {
        // SAFETY: the pointer and the length describe `value`, which the kernel only reads.
        let result = unsafe {
            libc::setsockopt(
                self.socket.as_raw_fd(),
                level,
                name,
                std::ptr::from_ref(value).cast(),
                size_of::<T>() as libc::socklen_t,
            )
        };
        Errno::result(result).map(drop).map_err(|errno| self.refused(what, errno))
    }

    pub(super) fn get<T: Plain>(&self, level: i32, name: i32, what: &'static str) -> Result<T, OsError> {
        let mut value = T::default();
        let mut length = size_of::<T>() as libc::socklen_t;
        // SAFETY: the pointer and the length describe `value`; `Plain` types are valid for every pattern of bits.
        let result =
            unsafe { libc::getsockopt(self.socket.as_raw_fd(), level, name, (&raw mut value).cast(), &raw mut length) };
        Errno::result(result).map(|_| value).map_err(|errno| self.refused(what, errno))
    }

    fn refused(&self, operation: &'static str, errno: Errno) -> OsError {
        OsError::new(operation, &self.interface.name, errno)
    }
}

impl AsFd for PacketSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Values that the kernel may fill with any bits.
pub(super) trait Plain: Default {}

impl Plain for i32 {}
impl Plain for [u32; 2] {}
impl Plain for [u32; 3] {}
impl Plain for [u32; 9] {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_longer_than_the_kernel_counts_is_refused_and_not_shortened() {
        let (socket, _other) = std::os::unix::net::UnixStream::pair().unwrap();
        let socket = PacketSocket { socket: socket.into(), interface: Named { name: "eth0".into(), index: 1 } };
        let refused = socket.filter(&vec![Instruction::take(1); (1 << 16) + 1]).unwrap_err();
        assert_eq!(refused.errno, Errno::EINVAL);
    }

    #[test]
    fn an_instruction_is_laid_out_as_the_kernel_reads_it() {
        assert_eq!(size_of::<Instruction>(), size_of::<libc::sock_filter>());
        assert_eq!(align_of::<Instruction>(), align_of::<libc::sock_filter>());
        assert_eq!(std::mem::offset_of!(Instruction, jump_true), std::mem::offset_of!(libc::sock_filter, jt));
        assert_eq!(std::mem::offset_of!(Instruction, constant), std::mem::offset_of!(libc::sock_filter, k));
        assert_eq!(Instruction::take(64).code, 0x06);
    }
}
