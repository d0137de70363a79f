//! `netlab arp --sweep`: every address of a network on the link.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::net::IpAddr;

use crate::cli::{Context, Outcome};
use crate::internet::resolution::{self, Method, Way, Wish};
use crate::internet::subnet::Prefix;
use crate::internet::sweep::{self, Sweep};
use crate::kernel::signal::Interrupts;
use crate::link::neighbours::{self, Answer, Event};
use crate::report;
use crate::report::arp::Sum;
use crate::report::arp_json::{Last, Line};

/// Answers are shown as they come; the sum comes last.
pub fn run(network: Prefix, interface: Option<&str>, wish: &Wish, context: &mut Context) -> anyhow::Result<Outcome> {
    let mut sweep = sweep::sweep(network, interface)?;
    let stop = Interrupts::take()?;
    let Some(first) = sweep.targets.first().copied() else { return Ok(Outcome::No) };
    let mut way = resolution::open(&sweep.interface, first, sweep.source, wish, Some(&stop))?;
    if let Some(refused) = &way.refused {
        context.note(format_args!("{refused}\nasking by way of the kernel's neighbour cache instead"));
    }
    if way.method == Method::KernelCache {
        // The kernel asks nobody for its own addresses.
        let own: Vec<_> = sweep.interface.addresses.iter().map(|a| a.address).collect();
        sweep.targets.retain(|target| !own.contains(target));
    }
    let mut shown = Shown { context, sweep: &sweep, conflicts: BTreeSet::new(), asked: 0, answered: 0, failed: Ok(()) };
    let plan = way.plan;
    let outcome = neighbours::ask(way.wire.as_mut(), &sweep.targets, &plan, |event| shown.event(event))?;
    let Shown { conflicts, failed, .. } = shown;
    failed?;
    let own = |address: &IpAddr| sweep.interface.addresses.iter().any(|a| a.address == *address);
    let answered = outcome.answered();
    let sum = sum(&sweep, &way, &outcome, answered.len() as u64, conflicts.len() as u64);
    finish(context, &sum)?;
    if outcome.stopped {
        return Ok(Outcome::Interrupted);
    }
    Ok(Outcome::from(answered.iter().any(|address| !own(address)) && conflicts.is_empty()))
}

fn sum(sweep: &Sweep, way: &Way<'_>, outcome: &neighbours::Outcome, answered: u64, conflicts: u64) -> Sum {
    Sum {
        network: sweep.network,
        method: way.method,
        addresses: sweep.targets.len() as u64,
        answered,
        conflicts,
        questions: outcome.asked,
        elapsed_us: outcome.elapsed.as_micros() as u64,
        stopped: outcome.stopped,
    }
}

fn finish(context: &mut Context, sum: &Sum) -> io::Result<()> {
    if context.progress {
        write!(io::stderr(), "\r\x1b[K")?;
    }
    if context.json {
        return report::json::line(&mut context.out, &Last { summary: *sum });
    }
    report::arp::summary(&mut context.out, sum, context.palette)
}

/// What has been shown so far.
struct Shown<'a> {
    context: &'a mut Context,
    sweep: &'a Sweep,
    conflicts: BTreeSet<IpAddr>,
    asked: u64,
    answered: u64,
    /// The first refusal of the output; after it nothing more is written.
    failed: io::Result<()>,
}

impl Shown<'_> {
    fn event(&mut self, event: Event) {
        if self.failed.is_ok() {
            self.failed = match event {
                Event::Asked { number, .. } => self.progress(number),
                Event::Answer(answer) => self.answer(&answer),
            };
        }
    }

    fn progress(&mut self, number: u32) -> io::Result<()> {
        /// Questions between two looks at the progress.
        const STEP: u64 = 64;
        self.asked += 1;
        if !self.context.progress || !self.asked.is_multiple_of(STEP) {
            return Ok(());
        }
        let (asked, answered, all) = (self.asked, self.answered, self.sweep.targets.len());
        write!(io::stderr(), "\r\x1b[K{asked} questions for {all} addresses, try {number}, {answered} answers")
    }

    fn answer(&mut self, answer: &Answer) -> io::Result<()> {
        let own = self.sweep.interface.addresses.iter().any(|a| a.address == answer.address);
        self.answered += 1;
        if own || answer.duplicate {
            self.conflicts.insert(answer.address);
        }
        let Context { out, palette, json, progress, .. } = &mut *self.context;
        if *progress {
            write!(io::stderr(), "\r\x1b[K")?;
        }
        if *json {
            report::json::line(out, &Line::new(answer, own))?;
        } else {
            report::arp::found(out, answer, own, *palette)?;
        }
        out.flush()
    }
}
