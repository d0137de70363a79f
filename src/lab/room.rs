//! The namespace in which a lab's ends of the cables are.

use crate::kernel::namespace::Host;
use crate::kernel::{OsError, sysctl};

/// An empty room.
///
/// # Errors
/// The kernel's refusal to make a namespace.
pub fn open() -> Result<Host, OsError> {
    let room = Host::new("room")?;
    room.run(without_ipv6)?;
    Ok(room)
}

/// Switches IPv6 off for every interface of the calling thread's namespace before one is made: neighbour discovery and
/// multicast reports would stand between the frames that a lab is about.
///
/// # Errors
/// The kernel's refusal.
pub fn without_ipv6() -> Result<(), OsError> {
    for which in ["all", "default"] {
        // A kernel without IPv6 has nothing to switch off.
        sysctl::write_if_present(&format!("net.ipv6.conf.{which}.disable_ipv6"), "1")?;
    }
    Ok(())
}
