//! The report of `netlab probe`: what is at a host's ports and what said so, as text.

use std::fmt;
use std::io::{self, Write};
use std::net::IpAddr;
use std::time::Duration;

use serde::Serialize;

use super::palette::{Ink, Palette};
use super::paragraph::Paragraph;
use super::quantity::{Count, Time};
use super::table::{Cell, Column, Table};
use crate::bytes::{Escaped, order};
use crate::kernel::error::Meaning;
use crate::transport::ports::banner::gist;
use crate::transport::ports::set::Ranges;
use crate::transport::ports::verdict::refusal;
use crate::transport::ports::{Finding, Host, IcmpLimit, Reason, State};
use crate::transport::services::{self, Protocol};

/// More ports than this with the same state and reason are one line, open ones excepted.
const LISTED: usize = 10;
/// How much of a list of ports a line shows where no terminal sets the width, in characters.
const LINE: u16 = 100;

/// How ports are shown.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// TCP or UDP.
    pub protocol: Protocol,
    /// Whether every port has a row of its own.
    pub all: bool,
    /// Whether what services said is shown.
    pub banners: bool,
}

/// What a whole run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Totals {
    /// Hosts asked.
    pub hosts: usize,
    /// Ports settled, all hosts together.
    pub ports: usize,
    /// Ports not settled because the run was ended.
    pub not_settled: usize,
    /// Open ports.
    pub open: usize,
    /// Probes sent, repetitions included.
    pub probes: u64,
    /// How often the most often asked port was asked.
    pub tries: u8,
    /// The share of answers that only a repeated question got, 0 to 1.
    pub loss_ratio: f64,
    /// How many open ports were likely missed through losses.
    pub expected_missed: f64,
    /// How long it took.
    #[serde(rename = "elapsed_us", serialize_with = "micros")]
    pub elapsed: Duration,
    /// Whether the user ended it.
    pub interrupted: bool,
}

fn micros<S: serde::Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
}

/// Ports of one host that share state and reason.
pub(super) struct Group<'a> {
    pub(super) state: State,
    pub(super) reason: &'a Reason,
    pub(super) ports: Vec<u16>,
    /// How often the most often asked one was asked.
    tries: u8,
}

/// Sorts what was found into rows of their own and groups, the smallest groups first.
pub(super) fn arrange(host: &Host, all: bool) -> (Vec<&Finding>, Vec<Group<'_>>) {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for finding in host.ports.iter().filter(|finding| finding.state != State::Open && !all) {
        let same = |group: &&mut Group<'_>| group.state == finding.state && *group.reason == finding.reason;
        match groups.iter_mut().find(same) {
            Some(group) => {
                group.ports.push(finding.port);
                group.tries = group.tries.max(finding.tries);
            }
            None => groups.push(Group {
                state: finding.state,
                reason: &finding.reason,
                ports: vec![finding.port],
                tries: finding.tries,
            }),
        }
    }
    groups.retain(|group| group.ports.len() > LISTED);
    order::by_key(&mut groups, |group| group.ports.len());
    let grouped = |finding: &&Finding| {
        let inside = |group: &Group<'_>| group.state == finding.state && *group.reason == finding.reason;
        groups.iter().any(inside)
    };
    let rows = host.ports.iter().filter(|finding| finding.state == State::Open || !grouped(finding)).collect();
    (rows, groups)
}

/// Writes what was found at one host.
///
/// # Errors
/// What the writer refused.
pub fn host(
    out: &mut (impl Write + ?Sized),
    host: &Host,
    view: View,
    palette: Palette,
    width: Option<u16>,
) -> io::Result<()> {
    heading(out, host, view.protocol, palette)?;
    let (rows, groups) = arrange(host, view.all);
    let mut columns = vec![Column::left("PORT"), Column::left("STATE"), Column::left("SERVICE")];
    columns.extend([Column::right("RTT"), Column::left("WHY"), Column::left("SAYS")]);
    let mut table = Table::new(columns);
    for finding in &rows {
        table.row(row(finding, view));
    }
    if !table.is_empty() {
        table.write(out, palette, width)?;
    }
    for group in &groups {
        summary(out, group, palette, width.unwrap_or(LINE))?;
    }
    if host.unsettled > 0 {
        writeln!(out, "{} not settled: ended before", many(host.unsettled, "port"))?;
    }
    host.icmp_limit.map_or(Ok(()), |limit| limit_note(out, host, limit, palette, width))
}

fn heading(out: &mut (impl Write + ?Sized), host: &Host, protocol: Protocol, palette: Palette) -> io::Result<()> {
    let target = &host.target;
    write!(out, "{}", palette.paint(Ink::Strong, target.address))?;
    if let Some(name) = &target.name {
        write!(out, "  {}", Escaped(name.as_bytes()))?;
    }
    write!(out, "  {protocol}")?;
    let mut comma = "  ";
    for state in [State::Open, State::OpenFiltered, State::Filtered, State::Closed] {
        let count = host.ports.iter().filter(|finding| finding.state == state).count();
        if count > 0 {
            write!(out, "{comma}{} {}", Count(count as u64), palette.paint(ink(state), state))?;
            comma = ", ";
        }
    }
    writeln!(out)?;
    if !target.others.is_empty() {
        let others: Vec<String> = target.others.iter().map(IpAddr::to_string).collect();
        let text = format!("not asked: its other addresses {} (--all-addresses)", others.join(", "));
        writeln!(out, "{}", palette.paint(Ink::Faint, text))?;
    }
    Ok(())
}

const fn ink(state: State) -> Ink {
    match state {
        State::Open => Ink::Good,
        State::OpenFiltered | State::Filtered => Ink::Warn,
        State::Closed => Ink::Bad,
    }
}

fn row(finding: &Finding, view: View) -> [Cell; 6] {
    let service = services::name(finding.port, view.protocol);
    let says = match (&finding.reason, &finding.banner) {
        _ if !view.banners => Cell::default(),
        (_, Some(banner)) => Cell::foreign(&gist(banner)),
        (Reason::Reply(bytes), None) => Cell::foreign(&gist(bytes)),
        _ => Cell::default(),
    };
    [
        Cell::new(format_args!("{}/{}", finding.port, view.protocol)),
        Cell::ink(ink(finding.state), finding.state),
        service.map_or_else(Cell::default, Cell::new),
        finding.rtt.map_or_else(Cell::default, |rtt| Cell::ink(Ink::Faint, Time(rtt))),
        Cell::new(Why { reason: &finding.reason, tries: finding.tries }),
        says,
    ]
}

fn summary(out: &mut (impl Write + ?Sized), group: &Group<'_>, palette: Palette, width: u16) -> io::Result<()> {
    let count = format!("{} ports", Count(group.ports.len() as u64));
    let why = Why { reason: group.reason, tries: group.tries };
    writeln!(out, "{:<13}  {count}: {why}", palette.paint(ink(group.state), group.state))?;
    let mut list = Ranges(&group.ports).to_string();
    let room = usize::from(width).saturating_sub(20).max(20);
    if list.len() > room {
        list.truncate(list[..room].rfind(',').unwrap_or(room));
        list.push_str(",… (-a)");
    }
    writeln!(out, "{:<13}  {}", "", palette.paint(Ink::Faint, list))
}

fn limit_note(
    out: &mut (impl Write + ?Sized),
    host: &Host,
    limit: IcmpLimit,
    palette: Palette,
    width: Option<u16>,
) -> io::Result<()> {
    let silent = host.ports.iter().filter(|finding| finding.reason == Reason::Silence).count();
    if silent == 0 {
        return Ok(());
    }
    let IcmpLimit { asked, answered, confirmed } = limit;
    let text = format!(
        "of {asked} questions to ports known to be closed {answered} got an answer: this host limits its ICMP errors \
         (Linux: to about 1 per second), so its silence says little. {} confirmed so far; confirming {} more would take \
         about {}: --wait-closed",
        many(confirmed as usize, "closed port"),
        many(silent, "port"),
        Minutes(silent as u64)
    );
    Paragraph { lead: "closed likely  ", lead_ink: Ink::Warn, text: &text, ink: None }.write(out, palette, width)
}

/// A number of seconds, roughly.
struct Minutes(u64);

impl fmt::Display for Minutes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            seconds @ 0..100 => write!(f, "{seconds} s"),
            seconds @ 100..6000 => write!(f, "{} min", seconds.div_ceil(60)),
            seconds => write!(f, "{} h", seconds.div_ceil(3600)),
        }
    }
}

/// A reason in words.
struct Why<'a> {
    reason: &'a Reason,
    tries: u8,
}

impl fmt::Display for Why<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason {
            Reason::Reply(bytes) => write!(f, "reply of {} bytes", bytes.len()),
            Reason::Icmp(error) => {
                let version = if error.v6 { "ICMPv6" } else { "ICMP" };
                write!(f, "{version} {}/{}", error.kind, error.code)?;
                if let Some(words) = error.words() {
                    write!(f, " {words}")?;
                }
                write!(f, ", from {}", error.from)
            }
            Reason::NoNeighbour(hop) => {
                let question = if hop.is_ipv4() { "ARP" } else { "neighbour discovery" };
                write!(f, "nobody on the link answers {question} for {hop}")
            }
            Reason::Local(errno) => write!(f, "not sent, {}: {}", refusal(*errno), Meaning(*errno)),
            Reason::Silence => write!(f, "silence, {}", Tries(self.tries)),
            reason => f.write_str(reason.name()),
        }
    }
}

/// How often something was asked.
struct Tries(u8);

impl fmt::Display for Tries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, if self.0 == 1 { "try" } else { "tries" })
    }
}

/// Writes in one line the hosts from which nothing came, after what they have in common.
///
/// # Errors
/// What the writer refused.
pub fn mute(
    out: &mut (impl Write + ?Sized),
    what: &str,
    addresses: &[IpAddr],
    palette: Palette,
    width: Option<u16>,
) -> io::Result<()> {
    let runs = addresses.chunk_by(|a, b| follows(*a, *b)).filter_map(|run| match run {
        [first, .., last] => Some(format!("{first}-{last}")),
        [only] => Some(only.to_string()),
        [] => None,
    });
    let list = runs.collect::<Vec<_>>().join(", ");
    let text = format!("{}: {what}: {list}", many(addresses.len(), "host"));
    Paragraph { lead: "", lead_ink: Ink::Warn, text: &text, ink: Some(Ink::Warn) }.write(out, palette, width)
}

fn follows(a: IpAddr, b: IpAddr) -> bool {
    match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => a.to_bits().checked_add(1) == Some(b.to_bits()),
        (IpAddr::V6(a), IpAddr::V6(b)) => a.to_bits().checked_add(1) == Some(b.to_bits()),
        _ => false,
    }
}

fn many(count: usize, what: &str) -> String {
    format!("{} {what}{}", Count(count as u64), if count == 1 { "" } else { "s" })
}

/// Writes how the whole run went.
///
/// # Errors
/// What the writer refused.
pub fn totals(out: &mut (impl Write + ?Sized), totals: &Totals, palette: Palette) -> io::Result<()> {
    let ended = if totals.interrupted { "Ended early: " } else { "" };
    let text = format!(
        "{ended}{} of {} settled, {} open, in {} with {}, at most {} each",
        many(totals.ports, "port"),
        many(totals.hosts, "host"),
        totals.open,
        Time(totals.elapsed),
        many(totals.probes as usize, "probe"),
        Tries(totals.tries),
    );
    write!(out, "{}", palette.paint(Ink::Faint, text))?;
    if totals.loss_ratio > 0.0 {
        let share = totals.loss_ratio * 100.0;
        let text = format!("; {share:.2} % of the answers came only to a repeated question, ");
        write!(out, "{}open ports likely missed: {:.1e}", palette.paint(Ink::Warn, text), totals.expected_missed)?;
    }
    writeln!(out)
}
