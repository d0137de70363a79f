//! Which addresses of a network can be asked one after the other, and where.

use std::net::IpAddr;

use thiserror::Error;

use super::path::{Path, Step, Unaskable, path, usable};
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
    /// It is not on the link of the interface that was named.
    #[error("{network} is not on the link of {interface}, {has}")]
    OtherLink {
        /// The network.
        network: Prefix,
        /// The interface's name, escaped.
        interface: String,
        /// What is on its link, in words.
        has: String,
    },
    /// The interface that was named is of no use.
    #[error(transparent)]
    Unaskable(#[from] Unaskable),
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
    let named = interface.map(usable).transpose()?;
    let first = on_link(network, hosts.first, interface)?;
    let last = on_link(network, hosts.last, interface)?;
    if let Some(named) = named.filter(|named| [&first, &last].iter().any(|path| !is_of(named, path))) {
        let interface = crate::bytes::Escaped(named.name.as_bytes()).to_string();
        return Err(Unsweepable::OtherLink { network, interface, has: networks(&named, network) });
    }
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

/// Whether the way leads to the link of `named` by a route. Without one, the kernel takes the word of whoever names an
/// interface.
fn is_of(named: &Interface, path: &Path) -> bool {
    path.interface.as_ref().is_some_and(|interface| interface.index == named.index) && path.route.is_some()
}

/// The networks of an interface's own addresses, of the family of `network`, in words.
fn networks(interface: &Interface, network: Prefix) -> String {
    let own = interface.addresses.iter().map(|own| Prefix::of(own.address.into(), own.prefix_bits));
    let own: Vec<_> = own.filter(|own| own.family() == network.family()).map(|own| own.to_string()).collect();
    match own.as_slice() {
        [] => format!("which has no {} address of its own", network.family()),
        own => format!("whose own addresses are in {}", own.join(", ")),
    }
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
