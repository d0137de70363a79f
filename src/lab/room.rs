//! The private network that labs are built in, and the namespace in which their ends of the cables are.

use std::os::fd::AsFd;

use crate::kernel::attempt::in_child;
use crate::kernel::confinement::Confinement;
use crate::kernel::namespace::{self, Host};
use crate::kernel::netlink::Netlink;
use crate::kernel::{OsError, sysctl};
use crate::link::packet_socket::{Kind, Named, PacketSocket};

/// Moves this process into a private network in which labs work. Whether they do is found by doing: a namespace that
/// can be made may still give no rights. Must be called before any thread exists; after a refusal the process may be in
/// a network without anything.
///
/// # Errors
/// The step that the kernel refused, with why and what to do.
pub fn enter() -> Result<(), OsError> {
    if namespace::enter_as_root() && try_out().is_ok() {
        return Ok(());
    }
    namespace::enter_as_user()?;
    try_out()
}

/// As [`enter`], but after a refusal the process is where it was.
///
/// # Errors
/// The refusal, as a person reads it.
pub fn enter_or_stay() -> Result<(), String> {
    in_child(enter).map_err(|error| error.to_string())??;
    enter().map_err(|error| error.to_string())
}

/// The steps by which a lab begins.
fn try_out() -> Result<(), OsError> {
    const ENDS: [&str; 2] = ["trial", "trial-peer"];
    let steps = || -> Result<(), OsError> {
        let mut netlink = Netlink::open()?;
        netlink.create_veth(ENDS[0], ENDS[1], namespace::current()?.as_fd())?;
        for end in ENDS {
            netlink.set_up(end, true)?;
        }
        let interface = Named { name: ENDS[0].to_owned(), index: netlink.link(ENDS[0])?.index };
        PacketSocket::open(&interface, Kind::WithLinkHeader, "a lab's wire")?.start()?;
        netlink.delete_link(ENDS[0])
    };
    steps().map_err(|refused| {
        let hint = Confinement::here().of_using(refused.errno);
        refused.hint(hint)
    })
}

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
