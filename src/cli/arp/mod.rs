//! `netlab arp`.

mod sweep;

use std::io::Write;
use std::net::IpAddr;
use std::time::Duration;

use anyhow::Context as _;

use super::{Context, Outcome};
use crate::internet::destination::{self, Destination};
use crate::internet::path::{self, Path, Step};
use crate::internet::resolution::{self, Method, Wish};
use crate::internet::subnet::{Prefix, notation};
use crate::kernel::signal::Interrupts;
use crate::link::neighbours::{self, Event};
use crate::report;
use crate::report::arp_json::Document;

/// Resolve the link address of an on-link target or of its gateway
///
/// Shows first how a datagram to TARGET leaves this machine: from which interface and own address, the AND of both
/// addresses with the mask, and whether the routing table hands it to TARGET itself or to a router. Then that one is
/// asked for its MAC address: with ARP for IPv4 (RFC 826), with neighbour discovery for IPv6 (RFC 4861). Listens on
/// for a moment behind the answer, because two stations with one address both answer.
///
/// Without `CAP_NET_RAW` an empty datagram makes the kernel ask, and its neighbour cache tells what it heard; two
/// stations with one address are then not seen.
///
/// Exit status: 0 when one station answered (or nobody needs to be asked), 1 when nobody answered, more than one
/// station did, another station has an own address, or there is no way to TARGET; 130 when Ctrl-C came before.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: netlab arp 192.0.2.1")]
pub struct Args {
    /// Address or name; an IPv6 address may end in %INTERFACE
    #[arg(required_unless_present = "sweep", conflicts_with = "sweep")]
    target: Option<String>,
    /// Ask for every address of a network on the link, such as 192.0.2.0/24; at most 65536 addresses
    #[arg(long, value_name = "NET", value_parser = network)]
    sweep: Option<Prefix>,
    /// Leave by this interface, whatever the routing table says
    #[arg(short, long, value_name = "NAME")]
    interface: Option<String>,
    /// How often a silent address is asked
    #[arg(short = 'c', long = "count", value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    count: u32,
    /// How long to wait for an answer to each question, in milliseconds
    #[arg(short, long, value_name = "MS", default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..=60_000))]
    timeout: u64,
    /// Questions per second of a sweep
    #[arg(long, value_name = "N", default_value_t = 2500, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: u32,
    /// Ask by way of the kernel's neighbour cache even where frames could be sent
    #[arg(long)]
    kernel: bool,
}

fn network(text: &str) -> Result<Prefix, String> {
    notation::prefix(text).map_err(|error| error.to_string())
}

impl Args {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Outcome> {
        let wish = Wish {
            tries: self.count,
            timeout: Duration::from_millis(self.timeout),
            rate: self.rate,
            by_kernel: self.kernel,
        };
        if let Some(network) = self.sweep {
            return sweep::run(network, self.interface.as_deref(), &wish, context);
        }
        let (target, zone) = address(&self.target.unwrap_or_default())?;
        let interface = self.interface.or(zone);
        destination::with_its_link(target, interface.is_some())?;
        path::askable(target, interface.as_deref())?;
        let path = path::path(target, interface.as_deref())?;
        resolve(&path, &wish, context)
    }
}

/// The address that was meant, and the interface that an IPv6 address may name.
fn address(text: &str) -> anyhow::Result<(IpAddr, Option<String>)> {
    match destination::read(text)? {
        Destination::Address { address, zone } => Ok((address, zone.map(|(name, _)| name))),
        Destination::Name(name) => {
            let found = destination::look_up(&name)?.next().with_context(|| format!("{name} has no address"))?;
            Ok((found.ip(), None))
        }
    }
}

fn resolve(path: &Path, wish: &Wish, context: &mut Context) -> anyhow::Result<Outcome> {
    if !context.json {
        report::arp::path(&mut context.out, path, context.palette)?;
    }
    let (Some(target), Some(interface)) = (path.asks_for(), &path.interface) else {
        if context.json {
            report::json::document(&mut context.out, &Document::new(path, None, None))?;
        }
        return Ok(Outcome::from(!matches!(path.step, Step::NoRoute | Step::Refused { .. })));
    };
    if let Err(reason) = interface.resolves() {
        if context.json {
            report::json::document(&mut context.out, &Document::new(path, None, Some(reason)))?;
        } else {
            report::arp::needless(&mut context.out, reason, context.palette)?;
        }
        return Ok(Outcome::Yes);
    }
    let stop = Interrupts::take()?;
    let mut way = resolution::open(interface, target, path.own.map(|own| own.address), wish, Some(&stop))?;
    if path.step == Step::Own && way.method == Method::KernelCache {
        const NOBODY: &str = "the kernel asks nobody for an own address";
        return Err(way
            .refused
            .map_or_else(|| anyhow::anyhow!(NOBODY), |error| anyhow::anyhow!(error).context(NOBODY)));
    }
    if !context.json {
        report::arp::question(&mut context.out, path, &way, context.palette)?;
        context.out.flush()?;
    }
    let (plan, mut printed) = (way.plan, Ok(()));
    let outcome = neighbours::ask(way.wire.as_mut(), &[target], &plan, |event| {
        if let (Event::Answer(answer), false, Ok(())) = (event, context.json, &printed) {
            printed =
                report::arp::answer(&mut context.out, &answer, context.palette).and_then(|()| context.out.flush());
        }
    })?;
    printed?;
    if context.json {
        report::json::document(&mut context.out, &Document::new(path, Some((&outcome, way.method)), None))?;
    } else {
        report::arp::end(&mut context.out, path, &outcome, way.method, context.palette)?;
    }
    let answered = !outcome.answered().is_empty();
    let alone = outcome.duplicates().count() == 0;
    Ok(match path.step {
        _ if outcome.stopped && !answered => Outcome::Interrupted,
        Step::Own => Outcome::from(!answered),
        _ => Outcome::from(answered && alone),
    })
}
