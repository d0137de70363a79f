//! Frames from interfaces.

use std::convert::Infallible;
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use anyhow::{anyhow, bail};

use super::output::{Failure, Sink};
use super::parquet::Target;
use super::show::Show;
use super::written::Written;
use super::{Args, Display, process, stats};
use crate::capture::files::write::About;
use crate::capture::live::{self, End, Live};
use crate::capture::queue::Queue;
use crate::capture::taker::Taker;
use crate::capture::{Accounting, Counted, reading, restored};
use crate::cli::{Context, Outcome};
use crate::kernel::signal::Interrupts;
use crate::kernel::{OsError, namespace};
use crate::link::ring::Ring;
use crate::report::accounting::Summary;
use crate::report::progress::{self, Sandbox, Whole};

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
        let owners = self.processes.start(self.netns.as_deref(), self.shows(context), !self.no_sandbox)?;
        let output = self.output(context)?;
        let table = self.table(context)?;
        let mut sources = self.open_all(interfaces, filter)?;
        let snap_length = self.snaplen.saturating_add(restored::MOST_ADDED);
        let written = About { system: operating_system(), snap_length, filter: filter.join(" "), ..self.about() };
        let mut sink = self.sink(context)?;
        sink.show = sink.show.map(|show| show.owned(owners));
        let display = self.display(&list(&sources), context)?;
        sink.watch = display.as_ref().inspect(|display| display.prepare()).map(Display::watch);
        // Only now, for what is refused must not cost the files that there were before.
        output.as_ref().map_or(Ok(()), |output| output.fits(sources.iter().map(Live::link)))?;
        sink.written = output.map(|output| Written::begin(output, written)).transpose()?;
        sink.table = table.map(Target::begin).transpose()?;
        for source in sources.iter().filter(|source| source.name() != live::ALL) {
            sink.describe(source.name(), source.link())?;
        }
        // Everything is open, and no other thread runs yet.
        let confined = self.confine(true);
        let interrupts = Interrupts::take_the_first()?;
        let deadline = self.limits.deadline();
        for source in &mut sources {
            source.stop_at(&interrupts, deadline);
        }
        context.note(format_args!("capturing on {}, Ctrl-C stops", list(&sources)));
        let started = Instant::now();
        let (result, counted) = self.read(&mut sources, &mut sink, display.as_ref(), &interrupts, context);
        let counted = counted?;
        let outcome = sink.finish(&counted, context)?;
        sink.show.as_ref().and_then(Show::owners).inspect(|owners| process::finish(owners, context));
        result.map_err(|failure| match failure {
            Failure::Source(never) => match never {},
            Failure::Sink(error) => error,
        })?;
        if self.stats {
            context.note(Sandbox(confined));
            context.note(Whole { frames: sink.done, bytes: sink.bytes, time: started.elapsed() });
            for counted in &counted {
                context.note(progress::Interface(counted));
            }
        }
        let ended = self.end(&sources, &counted, &sink, context)?;
        Ok(if outcome == Outcome::Yes { ended } else { outcome })
    }

    /// Hands frames on until there are no more or enough of them.
    fn read(
        &self,
        sources: &mut [Live<'_, Ring>],
        sink: &mut Sink,
        display: Option<&Display>,
        interrupts: &Interrupts,
        context: &mut Context,
    ) -> (Result<(), Failure<Infallible>>, Result<Vec<Counted>, OsError>) {
        let showing = context.terminal && self.shows(context);
        let rest = if showing { LAST_WORDS } else { usize::MAX };
        let unread = sink.unread().filter(|_| sources.len() == 1);
        let queue = &Queue::new(sources.len(), (self.queue as usize) << 20).in_form(unread);
        let ticking = self.stats && context.progress && !showing && display.is_none();
        thread::scope(|scope| {
            let (_until_here, end) = mpsc::channel();
            if ticking {
                scope.spawn(move || stats::show(queue, &end));
            }
            let drawing = display.map(|display| (display, scope.spawn(|| display.run(Some(queue), interrupts))));
            let work = |taker: &mut Taker<'_>| {
                let result = if unread.is_some() { sink.hand_on(taker, context) } else { sink.run(taker, context) };
                let Some((display, drawing)) = drawing else { return result };
                // What came before the end stays on the screen until somebody leaves it.
                queue.close();
                display.end(result.is_err());
                let drawn = drawing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                result.and(drawn.map_err(Failure::Sink))
            };
            reading::read(sources, queue, rest, || interrupts.raise(), work)
        })
    }

    /// Opens every interface, in the namespace that was asked for: a thread goes there, so this process stays.
    fn open_all<'a>(&self, interfaces: &[String], filter: &[String]) -> anyhow::Result<Vec<Live<'a, Ring>>> {
        let open = || interfaces.iter().map(|name| self.open(name, filter)).collect();
        let Some(which) = &self.netns else { return open() };
        let namespace = namespace::named(which)?;
        let there = || namespace::enter(&namespace).map_err(anyhow::Error::from).and_then(|()| open());
        thread::scope(|scope| scope.spawn(there).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    }

    fn open<'a>(&self, interface: &str, filter: &[String]) -> anyhow::Result<Live<'a, Ring>> {
        let options = live::Options {
            ring_mebibytes: self.ring,
            promiscuous: !self.no_promiscuous,
            direction: self.direction.live(),
            patience: self.processes.patience(),
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
        let accounting = Accounting::new(counted, sink.done).without(sink.unwanted);
        let all = sink.all();
        context.note(Summary {
            accounting,
            written: self.write.is_some() || self.parquet.wanted(),
            all,
            palette: context.notes,
        });
        let gone = sources.iter().find_map(|source| match source.end() {
            Some(End::Gone(reason)) => Some(reason.clone()),
            _ => None,
        });
        match gone {
            Some(reason) => Err(anyhow!(reason)),
            None => Ok(Outcome::from(!self.strict || accounting.lost() == 0)),
        }
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
