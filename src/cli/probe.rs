//! `netlab probe`.

use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, bail};

use super::{Context, Outcome};
use crate::kernel::limits;
use crate::kernel::signal::Interrupts;
use crate::kernel::terminal::columns;
use crate::report::probe::{self as report, Totals, View};
use crate::report::probe_json;
use crate::transport::ports::datagrams::Datagrams;
use crate::transport::ports::dialer::Dialer;
use crate::transport::ports::targets::{self, Choice};
use crate::transport::ports::{Host, Plan, Progress, Reason, State, Sweep, Target, Waits, Woken};
use crate::transport::ports::{banner, engine, neighbours, set};
use crate::transport::services::Protocol;

/// Probe ports: open, closed or filtered, and why
///
/// TCP ports are asked with ordinary connections that are reset at once, UDP ports with a question in the protocol of
/// the service that usually has the port. Neither needs a privilege. Without -p, the 1000 ports most worth asking are
/// asked (100 over UDP). A group of more than 10 ports in the same state for the same reason is one line.
///
/// States: open (handshake done, or a datagram came), closed (a reset; over UDP an ICMP port unreachable of the host
/// itself), filtered (an ICMP error, silence, or this machine would not send), open|filtered (silence over UDP).
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status: 0 something is open, 1 nothing is, 2 nobody could be asked, 130 Ctrl-C came\n\
                        before the end. A name that cannot be resolved is told, and the others are probed.\n\
                        Example: netlab probe 192.0.2.1 -p 22,80,8000-8100,https --banner")]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch that somebody types")]
pub struct Args {
    /// Addresses, prefixes (a /16 at most) or host names
    #[arg(required = true, value_name = "HOST")]
    hosts: Vec<String>,
    /// Ports: 22, 1-1024, 49152-, http, lists of these with commas; - or all for every port
    #[arg(short, long, value_name = "PORTS", allow_hyphen_values = true)]
    ports: Option<String>,
    /// The N ports most worth asking
    #[arg(long, value_name = "N", conflicts_with = "ports", value_parser = clap::value_parser!(u16).range(1..))]
    top: Option<u16>,
    /// Ask UDP ports instead of TCP ports
    #[arg(short, long)]
    udp: bool,
    /// Only IPv4 addresses of names
    #[arg(short = '4', long, conflicts_with = "ipv6")]
    ipv4: bool,
    /// Only IPv6 addresses of names
    #[arg(short = '6', long)]
    ipv6: bool,
    /// Every address of a name instead of the first
    #[arg(long)]
    all_addresses: bool,
    /// Show what open services say
    #[arg(short, long)]
    banner: bool,
    /// A row for every port, also where many are alike
    #[arg(short, long, visible_short_alias = 'v')]
    all: bool,
    /// Milliseconds that every probe waits, instead of what the round-trip times call for
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u32).range(1..=600_000), help_heading = "Pace")]
    timeout: Option<u32>,
    /// How often silent ports are asked again; default 2, and up to 3 times more where answers get lost
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=100), help_heading = "Pace")]
    retries: Option<u8>,
    /// Probes per second, instead of what the answers call for
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Pace")]
    rate: Option<u32>,
    /// The most probes under way at once; never more than files may be open
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Pace")]
    parallel: Option<u32>,
    /// UDP: where a host limits its ICMP errors, go on until every closed port is confirmed
    #[arg(long, requires = "udp", help_heading = "Pace")]
    wait_closed: bool,
}

/// The most probes under way unless told otherwise: what one kernel bears without using much memory.
const PARALLEL: usize = 20_000;
/// Files that are open for other things than probes.
const OTHER_FILES: usize = 16;
/// Ports of all hosts together that are asked as one sweep; more hosts wait for the next.
const AT_ONCE: usize = 1 << 16;

impl Args {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Outcome> {
        let plan = self.plan(context)?;
        let view = View { protocol: plan.protocol, all: self.all, banners: self.banner };
        let interrupts = Interrupts::take()?;
        let mut run =
            Run { context, view, totals: Totals::default(), mute: Default::default(), several: plan.targets.len() > 1 };
        let hosts_at_once = (AT_ONCE / plan.ports.len()).max(1);
        let mut asker = Asker::new(plan.protocol, &interrupts)?;
        for targets in plan.targets.chunks(hosts_at_once) {
            let part = Plan { targets: targets.to_vec(), ..plan.clone() };
            let mut sweep = asker.sweep(&part, run.context.progress)?;
            neighbours::explain(&mut sweep.hosts, plan.protocol)?;
            if self.banner && plan.protocol == Protocol::Tcp && !sweep.interrupted {
                sweep.interrupted = add_banners(&mut sweep.hosts, &interrupts)?;
            }
            run.take(&sweep)?;
            if sweep.interrupted {
                break;
            }
        }
        run.finish()
    }

    fn plan(&self, context: &mut Context) -> anyhow::Result<Plan> {
        let protocol = if self.udp { Protocol::Udp } else { Protocol::Tcp };
        let ports = match (&self.ports, self.top) {
            (Some(text), _) => set::parse(text, protocol)?,
            (None, Some(count)) => set::top(count.into(), protocol),
            (None, None) => set::top(if self.udp { 100 } else { 1000 }, protocol),
        };
        let waits = match self.timeout {
            Some(ms) => Waits::fixed(Duration::from_millis(ms.into())),
            None if self.udp => Waits::UDP,
            None => Waits::TCP,
        };
        let targets = self.targets(context)?;
        let most = limits::raise_open_files()?.saturating_sub(OTHER_FILES).max(1);
        let wanted = self.parallel.map_or(PARALLEL, |parallel| parallel as usize);
        Ok(Plan {
            protocol,
            targets,
            ports,
            tries: self.retries.unwrap_or(2) + 1,
            extend: self.retries.is_none(),
            waits,
            rate: self.rate.map(f64::from),
            parallel: if self.udp { wanted } else { wanted.min(most) },
            wait_closed: self.wait_closed,
        })
    }

    fn targets(&self, context: &mut Context) -> anyhow::Result<Vec<Target>> {
        let v6 = (self.ipv4 || self.ipv6).then_some(self.ipv6);
        let (mut found, mut unknown) = (Vec::<Target>::new(), Vec::new());
        for host in &self.hosts {
            match targets::parse(host, Choice { v6, all: self.all_addresses }) {
                Ok(targets) => found.extend(targets),
                Err(fault) if fault.is_of_the_resolver() => unknown.push(fault),
                Err(fault) => return Err(fault.into()),
            }
            if found.len() > targets::MOST {
                bail!("more than {} hosts are more than one run takes", targets::MOST);
            }
        }
        let last = if found.is_empty() { unknown.pop() } else { None };
        for fault in &unknown {
            context.note(fault);
        }
        if let Some(last) = last {
            return Err(last.into());
        }
        let mut seen = std::collections::HashSet::new();
        found.retain(|target| seen.insert((target.address, target.scope_id)));
        Ok(found)
    }
}

/// The prober of either protocol.
enum Asker<'a> {
    Tcp(Dialer<'a>),
    Udp(Datagrams<'a>),
}

impl<'a> Asker<'a> {
    fn new(protocol: Protocol, interrupts: &'a Interrupts) -> anyhow::Result<Self> {
        Ok(match protocol {
            Protocol::Tcp => Asker::Tcp(Dialer::new(interrupts)?),
            Protocol::Udp => Asker::Udp(Datagrams::new(interrupts)),
        })
    }

    fn sweep(&mut self, plan: &Plan, progress: bool) -> anyhow::Result<Sweep> {
        let mut watch = |now: Progress| {
            if progress {
                draw(&now);
            }
        };
        let sweep = match self {
            Asker::Tcp(dialer) => {
                let sweep = engine::sweep(plan, dialer, &mut watch);
                // What comes next may need the files.
                dialer.rest();
                sweep
            }
            Asker::Udp(datagrams) => engine::sweep(plan, datagrams, &mut watch),
        };
        if progress {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
        sweep.context("probing")
    }
}

/// Draws a line of progress over the last one. A terminal that cannot be written is nobody's to hear about.
fn draw(now: &Progress) {
    let Progress { settled, total, open, in_flight, elapsed } = now;
    let seconds = elapsed.as_secs_f64();
    let share = settled * 100 / total.max(&1);
    let mut line =
        format!("{share:>3} %, {open} open, {settled} of {total} ports, {in_flight} under way, {seconds:.1} s");
    // A line that wraps could not be drawn over.
    line.truncate(columns(std::io::stderr()).map_or(80, usize::from).saturating_sub(1));
    let _ = write!(std::io::stderr(), "\r{line}\x1b[K");
}

/// Listens to the open ports of `hosts`; true when the user ended it.
fn add_banners(hosts: &mut [Host], interrupts: &Interrupts) -> anyhow::Result<bool> {
    let mut open: Vec<(SocketAddr, &mut Option<Vec<u8>>)> = Vec::new();
    for host in hosts {
        let target = host.target.clone();
        let found = host.ports.iter_mut().filter(|finding| finding.state == State::Open);
        open.extend(found.map(|finding| (target.at(finding.port), &mut finding.banner)));
    }
    let addresses: Vec<SocketAddr> = open.iter().map(|(address, _)| *address).collect();
    let (banners, woken) = banner::collect(&addresses, interrupts)?;
    for ((_, place), banner) in open.into_iter().zip(banners) {
        *place = banner;
    }
    Ok(woken == Woken::Interrupted)
}

/// What is printed, sweep by sweep.
struct Run<'a> {
    context: &'a mut Context,
    view: View,
    totals: Totals,
    /// Hosts that gave no answer, which share a line at the end; those first that are not on the link.
    mute: [Vec<IpAddr>; 2],
    several: bool,
}

impl Run<'_> {
    fn take(&mut self, sweep: &Sweep) -> anyhow::Result<()> {
        let totals = &mut self.totals;
        totals.hosts += sweep.hosts.len();
        totals.probes += sweep.probes;
        totals.tries = totals.tries.max(sweep.tries);
        totals.loss_ratio = totals.loss_ratio.max(sweep.loss);
        totals.expected_missed += sweep.expected_missed;
        totals.elapsed += sweep.elapsed;
        totals.interrupted |= sweep.interrupted;
        for host in &sweep.hosts {
            self.totals.ports += host.ports.len();
            self.totals.not_settled += host.unsettled;
            self.totals.open += host.ports.iter().filter(|finding| finding.state == State::Open).count();
            if self.context.json {
                probe_json::host(&mut self.context.out, host, self.view)?;
            } else if let Some(kind) = mute(host).filter(|_| self.several && !self.view.all) {
                self.mute[kind].push(host.target.address);
            } else {
                report::host(&mut self.context.out, host, self.view, self.context.palette, self.context.width)?;
                writeln!(self.context.out)?;
            }
        }
        Ok(self.context.out.flush()?)
    }

    fn finish(self) -> anyhow::Result<Outcome> {
        let Context { out, palette, json, width, .. } = self.context;
        if *json {
            probe_json::totals(out, &self.totals)?;
        } else {
            for (what, hosts) in ["nobody on the link answers for them", "no answer of any kind"].iter().zip(&self.mute)
            {
                if !hosts.is_empty() {
                    report::mute(out, what, hosts, *palette, *width)?;
                }
            }
            report::totals(out, &self.totals, *palette)?;
        }
        Ok(if self.totals.interrupted { Outcome::Interrupted } else { Outcome::from(self.totals.open > 0) })
    }
}

/// Of a host that gave no answer: 0 if nobody on the link answers for its address, 1 if all is silence.
fn mute(host: &Host) -> Option<usize> {
    let all = |is: fn(&Reason) -> bool| host.unsettled == 0 && host.ports.iter().all(|finding| is(&finding.reason));
    if all(|reason| matches!(reason, Reason::NoNeighbour(_))) {
        return Some(0);
    }
    all(|reason| *reason == Reason::Silence).then_some(1)
}
