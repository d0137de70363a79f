//! Choosing how to ask who has an address on a link: with frames of our own (ARP, neighbour discovery), or, without
//! the privilege for that, by way of the kernel's neighbour cache.

use std::net::IpAddr;
use std::time::Duration;

use serde::Serialize;

use super::ndp_wire::{self, NdpWire};
use super::path::own_addresses;
use crate::bytes::Mac;
use crate::kernel::OsError;
use crate::kernel::signal::Interrupts;
use crate::link::arp_wire::{self, ArpWire};
use crate::link::cache_wire::CacheWire;
use crate::link::interface::Interface;
use crate::link::neighbours::{Plan, Wire};
use crate::link::packet_socket::Named;

/// How addresses are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// ARP questions of our own, RFC 826.
    Arp,
    /// Neighbour solicitations of our own, RFC 4861.
    NeighbourDiscovery,
    /// Datagrams that make the kernel ask, and a look at what it heard.
    KernelCache,
}

/// What the user wants of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// How often a silent address is asked.
    pub tries: u32,
    /// How long to wait for an answer to each.
    pub timeout: Duration,
    /// Questions per second.
    pub rate: u32,
    /// Whether to go by way of the kernel even where frames could be sent.
    pub by_kernel: bool,
}

/// A way to ask, ready to be used.
pub struct Way<'a> {
    /// Where to ask.
    pub wire: Box<dyn Wire + 'a>,
    /// How.
    pub method: Method,
    /// Why frames of our own could not be sent.
    pub refused: Option<OsError>,
    /// How long and how often; by way of the kernel that is not the user's to say.
    pub plan: Plan,
}

impl std::fmt::Debug for Way<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Way").field("method", &self.method).field("plan", &self.plan).finish_non_exhaustive()
    }
}

/// The kernel asks three times, a second apart, before it gives up; an entry from before is asked about again five
/// seconds after it was used (`delay_first_probe_time`, RFC 4861 section 10).
const KERNELS_PATIENCE: Duration = Duration::from_secs(7);
/// The kernel drops entries when it has to remember more than about a thousand: it is not asked faster than this.
const KERNELS_RATE: u32 = 200;

/// Opens a way to ask for addresses of the family of `target` on `interface`, from the own address `source`. Stops when
/// a signal comes to `stop`.
///
/// # Errors
/// The kernel's refusal, other than the missing privilege to send frames.
pub fn open<'a>(
    interface: &Interface,
    target: IpAddr,
    source: Option<IpAddr>,
    wish: &Wish,
    stop: Option<&'a Interrupts>,
) -> Result<Way<'a>, OsError> {
    let named = Named { name: interface.name.clone(), index: interface.index };
    let own = interface.mac.map_or(Mac::ZERO, |station| station.address);
    let frames = if wish.by_kernel { Ok(None) } else { by_frames(interface, &named, own, target, source, stop) };
    match frames {
        Ok(Some((wire, method))) => Ok(Way { wire, method, refused: None, plan: plan(own, wish) }),
        Ok(None) => by_kernel(&named, own, wish, None, stop),
        Err(error) if error.lacks_privilege() => by_kernel(&named, own, wish, Some(error), stop),
        Err(error) => Err(error),
    }
}

fn plan(own: Mac, wish: &Wish) -> Plan {
    Plan {
        own,
        tries: wish.tries,
        timeout: wish.timeout,
        at_least: Duration::from_millis(100).min(wish.timeout),
        linger: Duration::from_millis(100),
        interval: Duration::from_secs(1) / wish.rate.max(1),
    }
}

type Opened<'a> = Option<(Box<dyn Wire + 'a>, Method)>;

fn by_frames<'a>(
    interface: &Interface,
    named: &Named,
    mac: Mac,
    target: IpAddr,
    source: Option<IpAddr>,
    stop: Option<&'a Interrupts>,
) -> Result<Opened<'a>, OsError> {
    let (v4, v6) = own_addresses(interface);
    Ok(Some(match target {
        IpAddr::V4(_) => {
            let address = v4.iter().copied().find(|own| Some(IpAddr::V4(*own)) == source).or(v4.first().copied());
            let asker = arp_wire::Asker { mac, address, own: v4 };
            (Box::new(ArpWire::open(named, asker, stop)?), Method::Arp)
        }
        IpAddr::V6(_) => {
            let address = v6.iter().copied().find(|own| Some(IpAddr::V6(*own)) == source).or(v6.first().copied());
            let asker = ndp_wire::Asker { mac, address, own: v6 };
            (Box::new(NdpWire::open(named, asker, stop)?), Method::NeighbourDiscovery)
        }
    }))
}

fn by_kernel<'a>(
    named: &Named,
    own: Mac,
    wish: &Wish,
    refused: Option<OsError>,
    stop: Option<&'a Interrupts>,
) -> Result<Way<'a>, OsError> {
    let plan = Plan {
        own,
        tries: 1,
        timeout: KERNELS_PATIENCE,
        at_least: KERNELS_PATIENCE,
        linger: Duration::ZERO,
        interval: Duration::from_secs(1) / wish.rate.clamp(1, KERNELS_RATE),
    };
    Ok(Way { wire: Box::new(CacheWire::open(named, stop)?), method: Method::KernelCache, refused, plan })
}
