//! Where `netlab capture` puts packets: standard output, a capture file, or both.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use super::direction::Direction;
use super::filter::wrong;
use super::fragments::{self, Fragments};
use super::limits::Limits;
use super::parquet::Table;
use super::process::Known;
use super::summary::Summary;
use super::written::Written;
use crate::capture::condition::Place;
use crate::capture::filter::Matcher;
use crate::capture::watch::Watch;
use crate::capture::{Condition, Counted, Dissector, Frame, Source};
use crate::cli::Context;
use crate::kernel::zone::Zone;
use crate::link::LinkType;
use crate::report::columns::{self, Style};
use crate::report::packet::{Clock, Look};
use crate::report::text::Text;
use crate::report::{packet, packet_hex, packet_json, packet_line};

/// Where packets go.
pub(super) struct Sink {
    /// Which frames are taken; where they come from an interface, the kernel has seen to it already.
    pub filter: Option<Matcher>,
    /// Which way frames go that are taken; where they come from an interface, the kernel has seen to it already.
    pub direction: Option<Direction>,
    /// Which packets are taken, once they were read.
    pub condition: Option<Wanted>,
    /// Standard output.
    pub show: Option<Show>,
    /// What is said of all frames together.
    pub summary: Option<Summary>,
    /// What the live screen shows.
    pub watch: Option<Arc<Mutex<Watch>>>,
    /// A capture file.
    pub written: Option<Written>,
    /// A table.
    pub table: Option<Table>,
    /// How much is to be handed on.
    pub limits: Limits,
    /// How many frames were handed on.
    pub done: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How many frames did not meet the condition.
    pub unwanted: u64,
}

/// A condition, and the means to read what it is about where nothing is shown.
pub(super) struct Wanted {
    condition: Condition,
    dissector: Dissector,
}

impl Wanted {
    pub fn new(condition: Condition, fragments: Fragments) -> Self {
        Wanted { condition, dissector: fragments.with(Dissector::new(true)) }
    }

    fn condition(&self) -> &Condition {
        &self.condition
    }
}

/// Why packets stopped.
pub(super) enum Failure<E> {
    /// No more could be had.
    Source(E),
    /// No more could be handed on.
    Sink(anyhow::Error),
}

impl Sink {
    /// Hands on frames until there are no more, or as many as were asked for.
    pub fn run<S: Source>(&mut self, source: &mut S, context: &mut Context) -> Result<(), Failure<S::Error>> {
        if let Some(show) = &mut self.show {
            let head = std::mem::take(&mut show.head);
            context.out.write_all(&head).map_err(|error| Failure::Sink(error.into()))?;
        }
        while !self.all() {
            if !source.ready() {
                self.flush(context).map_err(Failure::Sink)?;
            }
            // The frame stays where the source put it: to move it would cost as much as to write it.
            let next = source.next();
            let Ok(Some(frame)) = &next else { return next.map(|_| ()).map_err(Failure::Source) };
            let length = frame.bytes.len() as u64;
            if !self.takes(frame).map_err(Failure::Sink)? {
                continue;
            }
            if self.frame(frame, context).map_err(Failure::Sink)? {
                (self.done, self.bytes) = (self.done + 1, self.bytes + length);
            } else {
                self.unwanted += 1;
            }
        }
        Ok(())
    }

    /// Whether as much was handed on as was asked for.
    pub fn all(&self) -> bool {
        self.limits.reached(self.done, self.bytes)
    }

    #[inline]
    fn takes(&mut self, frame: &Frame<'_>) -> anyhow::Result<bool> {
        let matches = match &mut self.filter {
            Some(filter) => filter.matches(frame).map_err(|error| wrong(&error, filter.expression()))?,
            None => true,
        };
        Ok(matches && self.direction.as_mut().is_none_or(|direction| direction.takes(frame)))
    }

    /// Hands on a frame, and tells whether it met the condition.
    fn frame(&mut self, frame: &Frame<'_>, context: &mut Context) -> anyhow::Result<bool> {
        let condition = self.condition.as_ref().map(Wanted::condition);
        let row = self.table.as_mut().map(|table| table.frame(*frame, condition)).transpose()?;
        let shown = match (&mut self.show, &mut self.summary, &mut self.condition) {
            (Some(show), _, wanted) => show.frame(*frame, wanted.as_ref().map(Wanted::condition)),
            (None, Some(summary), wanted) => {
                let condition = wanted.as_ref().map(Wanted::condition);
                summary.see(*frame, condition, context)?.then_some(&[][..])
            }
            (None, None, _) if row.is_some() => (row == Some(true)).then_some(&[][..]),
            (None, None, Some(wanted)) => wanted.condition.holds(&wanted.dissector.read(*frame)).then_some(&[][..]),
            (None, None, None) => Some(&[][..]),
        };
        let Some(shown) = shown else { return Ok(false) };
        if let Some(written) = &mut self.written {
            written.frame(frame)?;
        }
        if !shown.is_empty() {
            context.out.write_all(shown)?;
        }
        if let Some(watch) = &self.watch {
            watch.lock().unwrap_or_else(PoisonError::into_inner).see(*frame);
        }
        Ok(true)
    }

    /// Names an interface in the file before its first frame.
    pub fn describe(&mut self, interface: &str, link: LinkType) -> anyhow::Result<()> {
        self.written.as_mut().map_or(Ok(()), |written| written.describe(interface, link))
    }

    fn flush(&mut self, context: &mut Context) -> anyhow::Result<()> {
        if let Some(written) = &mut self.written {
            written.flush()?;
        }
        Ok(context.out.flush()?)
    }

    /// Ends the file and flushes everything.
    pub fn finish(&mut self, counted: &[Counted], context: &mut Context) -> anyhow::Result<()> {
        if let Some(written) = &mut self.written {
            written.finish(counted)?;
        }
        if let Some(table) = &mut self.table {
            table.finish()?;
        }
        if let Some(summary) = &mut self.summary {
            summary.finish(context)?;
        }
        context.out.flush()?;
        let dissectors = [
            self.show.as_ref().map(|show| &show.dissector),
            self.summary.as_ref().map(Summary::dissector),
            self.table.as_ref().map(Table::dissector),
            self.condition.as_ref().map(|wanted| &wanted.dissector),
        ];
        if let Some(dissector) = dissectors.into_iter().flatten().next() {
            fragments::note(dissector, context);
        }
        Ok(())
    }
}

/// How packets are shown.
pub(super) struct Show {
    form: Form,
    look: Look,
    dissector: Dissector,
    /// Whether the bytes of each frame stand below it.
    dump: bool,
    /// The time zone of times that are shown.
    zone: Option<Zone>,
    /// Which processes frames come from and go to.
    owners: Option<Known>,
    text: Text,
    /// What is still to be printed before the first packet.
    head: Vec<u8>,
}

/// The form of what is shown.
pub(super) enum Form {
    /// A line for each frame.
    Line,
    /// A line for each layer.
    Layers,
    /// A JSON object for each frame.
    Json,
    /// Chosen fields of each frame.
    Columns(Vec<Place>, Style),
}

impl Show {
    /// Packets in this form and look, with conversations analysed where there is memory for them.
    pub fn new(form: Form, look: Look, memory: Option<usize>, conditional: bool, fragments: Fragments) -> Self {
        let dissector = Dissector::new(conditional || look.fields || matches!(form, Form::Json | Form::Columns(..)));
        let dissector = fragments.with(dissector);
        let dissector = match memory {
            Some(memory) => dissector.timing(memory),
            None => dissector,
        };
        Show { form, look, dissector, dump: false, zone: None, owners: None, text: Text::default(), head: Vec::new() }
    }

    /// The same with something to be printed before the first packet.
    pub fn headed(self, head: Vec<u8>) -> Self {
        Show { head, ..self }
    }

    /// The same with the bytes of each frame below it, where `dump`.
    pub fn dumping(self, dump: bool) -> Self {
        Show { dump, ..self }
    }

    /// The same with times of this zone, if any.
    pub fn in_zone(self, zone: Option<Zone>) -> Self {
        Show { zone, ..self }
    }

    /// The same with the processes that frames come from and go to.
    pub fn owned(self, owners: Option<Known>) -> Self {
        Show { owners, ..self }
    }

    pub fn owners(&self) -> Option<&Known> {
        self.owners.as_ref()
    }

    /// What is to be printed for `frame`; none when it does not meet the condition.
    fn frame(&mut self, frame: Frame<'_>, condition: Option<&Condition>) -> Option<&[u8]> {
        self.text.truncate(0);
        let mut shown = self.dissector.read(frame);
        if condition.is_some_and(|condition| !condition.holds(&shown)) {
            return None;
        }
        if let Some(owners) = &mut self.owners {
            shown.parties = owners.of(&shown);
        }
        if let (Some(zone), Some(time)) = (&mut self.zone, shown.frame.time) {
            self.look.clock = Clock::Local(zone.ahead(time.div_euclid(1_000_000_000)));
        }
        match &self.form {
            Form::Line => {
                packet_line::write(&mut self.text, &shown, self.look.clock, self.look.numbers, self.look.palette);
            }
            Form::Layers => packet::write(&mut self.text, &shown, &self.look),
            Form::Json => packet_json::write(&mut self.text, &shown),
            Form::Columns(places, style) => columns::write(&mut self.text, &shown, places, *style),
        }
        if self.dump && matches!(self.form, Form::Line | Form::Layers) {
            packet_hex::dump(&mut self.text, &shown.frame);
        }
        Some(self.text.bytes())
    }
}
