//! The first step of a path, the question on the link, and who answered.

use std::fmt::Display;
use std::io::{self, Write};
use std::time::Duration;

use super::Palette;
use super::palette::Ink;
use super::quantity::{Count, Time};
use crate::bytes::Escaped;
use crate::internet::path::{Own, Path, Step};
use crate::internet::resolution::{Method, Way};
use crate::internet::{ndp_wire, subnet};
use crate::kernel::netlink::RouteKind;
use crate::link::interface::Interface;
use crate::link::neighbours::{Answer, Outcome};
use crate::link::station::Station;

/// Width of the labels.
const LABEL: usize = 9;

fn row(out: &mut (impl Write + ?Sized), palette: Palette, label: &str, text: impl Display) -> io::Result<()> {
    writeln!(out, "  {} {text}", palette.paint(Ink::Faint, format_args!("{label:<LABEL$}")))
}

fn name(interface: Option<&Interface>) -> Escaped<'_> {
    Escaped(interface.map_or(b"?".as_slice(), |interface| interface.name.as_bytes()))
}

/// Writes where a datagram goes first, and why: the AND of both addresses with the mask, and the route.
///
/// # Errors
/// What the writer refused.
pub fn path(out: &mut (impl Write + ?Sized), path: &Path, palette: Palette) -> io::Result<()> {
    writeln!(out, "{} {}", palette.paint(Ink::Strong, path.target), verdict(path))?;
    if matches!(path.step, Step::Multicast { .. }) {
        return Ok(());
    }
    if let Some(own) = path.own.filter(|own| own.address != path.target) {
        compared(out, path, &own, palette)?;
    }
    if path.own.is_none()
        && path.asks_for().is_some()
        && let Some(interface) = &path.interface
    {
        let family = if path.target.is_ipv4() { "IPv4" } else { "IPv6" };
        let words = format!("{} has no {family} address of its own", Escaped(interface.name.as_bytes()));
        row(out, palette, "own", palette.paint(Ink::Warn, words))?;
    }
    if let Some(route) = path.route.filter(|_| path.step != Step::Own) {
        let default = if route.length() == 0 { " (the default route)" } else { "" };
        let to = match path.step {
            Step::Gateway { gateway } => format!("to the router {gateway}"),
            _ => "no router".to_owned(),
        };
        row(out, palette, "route", format_args!("{route}{default} by {}: {to}", name(path.interface.as_ref())))?;
    }
    Ok(())
}

fn verdict(path: &Path) -> String {
    let interface = name(path.interface.as_ref());
    match path.step {
        Step::OnLink => format!("is on the link of {interface}: it is asked itself"),
        Step::Gateway { gateway } => format!("is behind a router: {gateway} on {interface} is asked instead"),
        Step::Own => format!("is an own address, of {interface}: nobody else should answer for it"),
        Step::Broadcast => {
            format!("is everybody on the link of {interface}: frames go to ff:ff:ff:ff:ff:ff, nobody is asked")
        }
        Step::Multicast { group_mac } => {
            format!("is a group: frames go to {group_mac}, which follows from the address; nobody is asked")
        }
        Step::Refused { route_kind } => format!("is refused by a route: {}", refusal(route_kind)),
        Step::NoRoute => "is not reached: no route fits, and there is no default route".to_owned(),
    }
}

fn refusal(kind: RouteKind) -> &'static str {
    match kind {
        RouteKind::Blackhole => "blackhole, dropped without a word",
        RouteKind::Prohibit => "prohibit, forbidden by the administrator",
        RouteKind::Throw => "throw, not to be found in this table",
        _ => "unreachable",
    }
}

fn compared(out: &mut (impl Write + ?Sized), path: &Path, own: &Own, palette: Palette) -> io::Result<()> {
    let Some(target_network) = own.network_of(path.target) else { return Ok(()) };
    let same = target_network == own.network;
    let width = own.address.to_string().len().max(path.target.to_string().len());
    let mask = match own.network.family() {
        subnet::Family::Ipv4 => own.network.mask().to_string(),
        subnet::Family::Ipv6 => format!("/{}", own.network.length()),
    };
    let and = palette.paint(Ink::Faint, "AND");
    let network = |prefix: subnet::Prefix| palette.paint(Ink::Link, prefix.network().to_string());
    let address = |address: std::net::IpAddr| palette.paint(Ink::Internet, format!("{address:<width$}"));
    row(out, palette, "own", format_args!("{} {and} {mask} = {}", address(own.address), network(own.network)))?;
    let (ink, words) = match (same, path.step) {
        (true, Step::Gateway { .. }) => (Ink::Warn, "the same network, but a route sends it to a router"),
        (true, _) => (Ink::Good, "the same network"),
        (false, Step::OnLink) => (Ink::Warn, "another network, but a route says it is on this link"),
        (false, _) => (Ink::Faint, "another network"),
    };
    let words = palette.paint(ink, words);
    row(
        out,
        palette,
        "target",
        format_args!("{} {and} {mask} = {}  {words}", address(path.target), network(target_network)),
    )
}

/// Writes what is about to be asked, how often, and how.
///
/// # Errors
/// What the writer refused.
pub fn question(out: &mut (impl Write + ?Sized), path: &Path, way: &Way<'_>, palette: Palette) -> io::Result<()> {
    let Some(target) = path.asks_for() else { return Ok(()) };
    let tell = match path.own.filter(|own| own.address != target && own.address.is_ipv4() == target.is_ipv4()) {
        Some(own) => format!("tell {}", own.address),
        None => "from no address".to_owned(),
    };
    let often = match way.plan.tries {
        1 => "once".to_owned(),
        tries => format!("up to {tries} times, {} apart", Time(way.plan.timeout)),
    };
    match (way.method, target) {
        (Method::KernelCache, _) => {
            row(out, palette, "question", format_args!("an empty datagram to {target} port 9 makes the kernel ask"))?;
            let why = way.refused.as_ref().map(ToString::to_string);
            why.iter()
                .flat_map(|why| why.lines())
                .try_for_each(|line| row(out, palette, "", palette.paint(Ink::Faint, line)))
        }
        (Method::NeighbourDiscovery, std::net::IpAddr::V6(v6)) => {
            let group = ndp_wire::solicited_node(v6);
            row(out, palette, "question", format_args!("who has {target}? {tell}  to the group {group}, {often}"))
        }
        _ => row(out, palette, "question", format_args!("who has {target}? {tell}  to everybody, {often}")),
    }
}

/// Writes one answer as it came.
///
/// # Errors
/// What the writer refused.
pub fn answer(out: &mut (impl Write + ?Sized), answer: &Answer, palette: Palette) -> io::Result<()> {
    let label = if answer.duplicate { "duplicate" } else { "answer" };
    let station = station(answer, palette);
    let time = time(answer);
    let often = if answer.number > 1 { format!(", to question {}", answer.number) } else { String::new() };
    let ink = if answer.duplicate { Ink::Bad } else { Ink::Faint };
    writeln!(out, "  {} {station}  {time}{often}", palette.paint(ink, format_args!("{label:<LABEL$}")))
}

fn station(answer: &Answer, palette: Palette) -> String {
    let owner = super::interfaces::owner(Station::from(answer.mac));
    let mut text = format!("{}  {}", palette.paint(Ink::Link, answer.mac), palette.paint(Ink::Faint, owner));
    if let Some(source) = answer.frame_source {
        text += &palette.paint(Ink::Warn, format_args!("  (the frame came from {source})")).to_string();
    }
    text
}

fn time(answer: &Answer) -> String {
    match answer.rtt {
        _ if !answer.confirmed => "known from before, not confirmed".to_owned(),
        Some(rtt) => Time(rtt).to_string(),
        None => "known and confirmed a short while ago".to_owned(),
    }
}

/// Writes what is left to say at the end: silence, duplicates, an unshared own address.
///
/// # Errors
/// What the writer refused.
pub fn end(
    out: &mut (impl Write + ?Sized),
    path: &Path,
    outcome: &Outcome,
    method: Method,
    palette: Palette,
) -> io::Result<()> {
    let questions = counted(outcome.asked, "question", "questions");
    let elapsed = Time(outcome.elapsed);
    match (path.step, outcome.answered().is_empty()) {
        _ if outcome.stopped => row(out, palette, "stopped", format_args!("after {questions} in {elapsed}")),
        (Step::Own, true) if method == Method::KernelCache => Ok(()),
        (Step::Own, true) => {
            let words = palette.paint(Ink::Good, "the address is not in use elsewhere");
            row(out, palette, "silence", format_args!("{questions} in {elapsed}: {words}"))
        }
        (Step::Own, false) => {
            let words = palette.paint(Ink::Bad, "another station has the own address");
            row(out, palette, "conflict", words)
        }
        (_, true) => {
            let words = palette.paint(Ink::Bad, "nobody answered");
            row(out, palette, "silence", format_args!("{words}: {questions} in {elapsed}"))
        }
        _ if outcome.duplicates().count() > 0 => {
            let words = "two stations have the address; which one a frame reaches is chance";
            row(out, palette, "conflict", palette.paint(Ink::Bad, words))
        }
        _ => Ok(()),
    }
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", Count(count), if count == 1 { one } else { many })
}

/// Writes why nobody is asked although there is an address to ask for.
///
/// # Errors
/// What the writer refused.
pub fn needless(out: &mut (impl Write + ?Sized), reason: &str, palette: Palette) -> io::Result<()> {
    row(out, palette, "question", format_args!("none: {reason}"))
}

/// Writes one answer of a sweep as it came.
///
/// # Errors
/// What the writer refused.
pub fn found(out: &mut (impl Write + ?Sized), answer: &Answer, own: bool, palette: Palette) -> io::Result<()> {
    let duplicate = match (own, answer.duplicate) {
        (true, _) => "  CONFLICT with the own address",
        (_, true) => "  DUPLICATE",
        _ => "",
    };
    writeln!(
        out,
        "{}  {}  {}{}",
        palette.paint(Ink::Internet, format_args!("{:<15}", answer.address.to_string())),
        station(answer, palette),
        time(answer),
        palette.paint(Ink::Bad, duplicate)
    )
}

/// Writes the sum of a sweep.
///
/// # Errors
/// What the writer refused.
pub fn summary(out: &mut (impl Write + ?Sized), sum: &Sum, palette: Palette) -> io::Result<()> {
    let Sum { addresses, answered, questions, .. } = *sum;
    let stopped = if sum.stopped { "stopped; " } else { "" };
    let text = format!(
        "{stopped}{} of {} answered, {} in {}",
        Count(answered),
        counted(addresses, "address", "addresses"),
        counted(questions, "question", "questions"),
        Time(Duration::from_micros(sum.elapsed_us))
    );
    writeln!(out, "{}", palette.paint(Ink::Faint, text))?;
    match sum.conflicts {
        0 => Ok(()),
        conflicts => {
            let words = counted(conflicts, "address is", "addresses are");
            writeln!(out, "{}", palette.paint(Ink::Bad, format_args!("{words} claimed by more than one station")))
        }
    }
}

/// The sum of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Sum {
    /// The network that was swept.
    pub network: subnet::Prefix,
    /// How.
    pub method: Method,
    /// Addresses asked for.
    pub addresses: u64,
    /// Addresses that somebody answered for.
    pub answered: u64,
    /// Addresses that more than one station claims, this machine included.
    pub conflicts: u64,
    /// Questions sent.
    pub questions: u64,
    /// Duration.
    pub elapsed_us: u64,
    /// Whether the user stopped it.
    pub stopped: bool,
}
