//! Which addresses of a network can be asked one after the other, and where.

use std::net::IpAddr;

use thiserror::Error;

use super::path::{Path, Step, path};
use super::subnet::{Address, Prefix};
use crate::kernel::OsError;
use crate::link::interface::Interface;

/// The largest network that is swept, as host bits: 65 536 addresses.
pub const MOST_HOST_BITS: u8 = 16;

/// A network to be swept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sweep {
    /// The network.
    pub network: Prefix,
    /// The interface whose link it is on.
    pub interface: Interface,
    /// The own address to ask from.
    pub source: Option<IpAddr>,
    /// The addresses that hosts can have, in order; own ones included, which nobody else should have.
    pub targets: Vec<IpAddr>,
}

/// Why a network cannot be swept.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unsweepable {
    /// It would take too long, and fill the tables of every switch on the way.
    #[error("{network} has more than {} addresses: sweep it in parts, such as {part}", 1u32 << MOST_HOST_BITS)]
    TooLarge {
        /// The network.
        network: Prefix,
        /// A part that is not.
        part: Prefix,
    },
    /// It is behind a router, where questions do not get.
    #[error(
        "{network} is not on the link: {address} is reached through the router {gateway}, which passes no questions on"
    )]
    BehindRouter {
        /// The network.
        network: Prefix,
        /// An address in it.
        address: IpAddr,
        /// The router.
        gateway: IpAddr,
    },
    /// The routing table has no link for it.
    #[error("{network} is not on the link of any interface: nothing is known of a way to {address}")]
    Nowhere {
        /// The network.
        network: Prefix,
        /// An address in it.
        address: IpAddr,
    },
    /// Nobody can be asked on the interface.
    #[error("on {interface} nobody can be asked: {reason}")]
    NoQuestions {
        /// The interface's name, escaped.
        interface: String,
        /// Why.
        reason: &'static str,
    },
    /// The kernel's refusal.
    #[error(transparent)]
    Os(#[from] OsError),
}

/// Finds out where `network` can be swept, by the interface called `interface` where one is given.
///
/// # Errors
/// Why it cannot.
pub fn sweep(network: Prefix, interface: Option<&str>) -> Result<Sweep, Unsweepable> {
    if network.host_bits() > MOST_HOST_BITS {
        let length = network.family().bits() - MOST_HOST_BITS;
        return Err(Unsweepable::TooLarge { network, part: Prefix::of(network.network(), length) });
    }
    let hosts = network.hosts();
    let first = on_link(network, hosts.first, interface)?;
    on_link(network, hosts.last, interface)?;
    let nowhere = || Unsweepable::Nowhere { network, address: hosts.first.ip() };
    let Path { interface, own, .. } = first;
    let interface = interface.ok_or_else(nowhere)?;
    if let Err(reason) = interface.resolves() {
        let interface = crate::bytes::Escaped(interface.name.as_bytes()).to_string();
        return Err(Unsweepable::NoQuestions { interface, reason });
    }
    let targets = std::iter::successors(Some(hosts.first), |address| address.next().filter(|next| *next <= hosts.last));
    let targets = targets.map(Address::ip).collect();
    Ok(Sweep { network, interface, source: own.map(|own| own.address), targets })
}

fn on_link(network: Prefix, address: Address, interface: Option<&str>) -> Result<Path, Unsweepable> {
    let address = address.ip();
    let found = path(address, interface)?;
    match found.step {
        Step::OnLink | Step::Own => Ok(found),
        Step::Gateway { gateway } => Err(Unsweepable::BehindRouter { network, address, gateway }),
        _ => Err(Unsweepable::Nowhere { network, address }),
    }
}
