//! Work that an interface does for the kernel, switched on and off with the `SIOCETHTOOL` ioctl.

#![expect(unsafe_code, reason = "nobody wraps this ioctl")]

use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use super::OsError;

/// Offloads: what the kernel may leave to the interface. `ETHTOOL_S*` commands of linux/ethtool.h.
const SET_TX_CHECKSUM: u32 = 0x17;
const SET_TCP_SEGMENTATION: u32 = 0x1f;
const SET_SEGMENTATION: u32 = 0x24;
const SET_RECEIVE_MERGING: u32 = 0x2c;

/// `struct ethtool_value`.
#[repr(C)]
struct EthtoolValue {
    command: u32,
    data: u32,
}

/// Switches checksum, segmentation and receive-merging offload off, so that every frame on the interface is what goes
/// over a wire: checksums filled in, no larger than the MTU. Acts in the namespace of the calling thread.
///
/// # Errors
/// The kernel's refusal; needs `CAP_NET_ADMIN`.
pub fn offloads_off(interface: &str) -> Result<(), OsError> {
    for command in [SET_RECEIVE_MERGING, SET_SEGMENTATION, SET_TCP_SEGMENTATION, SET_TX_CHECKSUM] {
        match set(interface, command, 0) {
            // The interface has no such offload, or it is bound to another that is already off.
            Ok(()) | Err(Errno::EOPNOTSUPP) => {}
            Err(errno) => {
                return Err(OsError::new("switch off offloads of", interface, errno)
                    .needs("CAP_NET_ADMIN", "changing an interface"));
            }
        }
    }
    Ok(())
}

fn set(interface: &str, command: u32, data: u32) -> Result<(), Errno> {
    let socket = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
    let mut value = EthtoolValue { command, data };
    // SAFETY: ifreq is plain data for which all zeroes is a valid value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    if interface.len() >= request.ifr_name.len() {
        return Err(Errno::ENODEV);
    }
    for (to, from) in request.ifr_name.iter_mut().zip(interface.bytes()) {
        *to = from as libc::c_char;
    }
    request.ifr_ifru.ifru_data = (&raw mut value).cast();
    // SAFETY: the socket is open, and `request` and the ethtool_value it points to are valid and outlive the call.
    Errno::result(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCETHTOOL as _, &raw mut request) }).map(drop)
}
