//! Frames from interfaces.

use anyhow::{anyhow, bail};

use super::Args;
use super::output::{Failure, Sink};
use crate::capture::live::{self, End, Live};
use crate::capture::reading::{self, Waiting};
use crate::capture::{Accounting, Counted};
use crate::cli::{Context, Outcome};
use crate::kernel::signal::Interrupts;
use crate::link::ring::Ring;
use crate::report::accounting::Summary;

/// Bytes of frames that a terminal still shows after Ctrl-C: a moment's worth.
const LAST_WORDS: usize = 256 << 10;

impl Args {
    pub(super) fn live(
        &self,
        interfaces: &[String],
        filter: &[String],
        context: &mut Context,
    ) -> anyhow::Result<Outcome> {
        if interfaces.len() > 1 && interfaces.iter().any(|name| name == live::ALL) {
            bail!("{} is every interface already: leave out the others", live::ALL);
        }
        let output = self.output(context)?;
        let mut sources = interfaces.iter().map(|name| self.open(name, filter)).collect::<Result<Vec<_>, _>>()?;
        let mut sink = self.sink(output, operating_system(), self.snaplen.saturating_add(live::MOST_ADDED), context)?;
        for source in sources.iter().filter(|source| source.name() != live::ALL) {
            sink.describe(source.name(), source.link())?;
        }
        let interrupts = Interrupts::take_the_first()?;
        let deadline = self.limits.deadline();
        for source in &mut sources {
            source.stop_at(&interrupts, deadline);
        }
        context.note(format_args!("capturing on {}, Ctrl-C stops", list(&sources)));
        let patient = !(context.terminal && self.shows(context));
        let waiting =
            Waiting { limit: (self.queue as usize) << 20, rest: if patient { usize::MAX } else { LAST_WORDS } };
        let (result, counted) =
            reading::read(&mut sources, waiting, || interrupts.raise(), |taker| sink.run(taker, context));
        let counted = counted?;
        sink.finish(&counted, context)?;
        result.map_err(|failure| match failure {
            Failure::Source(never) => match never {},
            Failure::Sink(error) => error,
        })?;
        self.end(&sources, &counted, &sink, context)
    }

    fn open<'a>(&self, interface: &str, filter: &[String]) -> anyhow::Result<Live<'a, Ring>> {
        let options = live::Options {
            ring_mebibytes: self.ring,
            promiscuous: !self.no_promiscuous,
            filter: self.filter.for_interface(filter, interface, self.snaplen)?,
        };
        Ok(Live::open(interface, options)?)
    }

    /// Tells what became of the frames, and why it ended if nobody wanted it to.
    fn end(
        &self,
        sources: &[Live<'_, Ring>],
        counted: &[Counted],
        sink: &Sink,
        context: &mut Context,
    ) -> anyhow::Result<Outcome> {
        let accounting = Accounting::new(counted, sink.done);
        let all = sink.all();
        context.note(Summary { accounting, written: self.write.is_some(), all, palette: context.notes });
        let gone = sources.iter().find_map(|source| match source.end() {
            Some(End::Gone(reason)) => Some(reason.clone()),
            _ => None,
        });
        gone.map_or(Ok(Outcome::Yes), |reason| Err(anyhow!(reason)))
    }
}

/// The interfaces with what their frames begin with: `eth0 (Ethernet)`.
fn list(sources: &[Live<'_, Ring>]) -> String {
    let one = |source: &Live<'_, Ring>| format!("{} ({})", source.name(), source.link().name());
    sources.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn operating_system() -> String {
    std::fs::read_to_string("/proc/sys/kernel/osrelease")
        .map_or_else(|_| "Linux".into(), |r| format!("Linux {}", r.trim()))
}
