//! Where `netlab capture` puts packets: standard output, a capture file, or both.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use super::direction::Direction;
use super::filter::wrong;
use super::fragments;
use super::limits::Limits;
use super::parquet::Table;
use super::show::Show;
use super::summary::Summary;
use super::written::Written;
use crate::capture::filter::Matcher;
use crate::capture::watch::Watch;
use crate::capture::{Condition, Counted, Dissector, Frame, Source};
use crate::cli::{Context, Outcome};
use crate::link::LinkType;

/// Where packets go.
pub(super) struct Sink {
    /// Which frames are taken; where they come from an interface, the kernel has seen to it already.
    pub filter: Option<Matcher>,
    /// Which way frames go that are taken; where they come from an interface, the kernel has seen to it already.
    pub direction: Option<Direction>,
    /// What reads frames, each once; none where nobody wants them read.
    pub dissector: Option<Dissector>,
    /// Which packets are taken, once they were read.
    pub condition: Option<Condition>,
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
            context.out.write_all(&show.head()).map_err(|error| Failure::Sink(error.into()))?;
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
        self.exchange_names(Some(frame))?;
        let packet = self.dissector.as_mut().map(|dissector| dissector.read(*frame));
        if let (Some(condition), Some(packet)) = (&self.condition, &packet)
            && !condition.holds(packet)
        {
            return Ok(false);
        }
        if let Some(written) = &mut self.written {
            written.frame(frame)?;
        }
        if let Some(packet) = &packet {
            self.table.as_mut().map_or(Ok(()), |table| table.add(packet))?;
            self.summary.as_mut().map_or(Ok(()), |summary| summary.see(packet, context))?;
            self.show.as_mut().map_or(Ok(()), |show| context.out.write_all(show.packet(packet)))?;
        }
        if let Some(watch) = &self.watch {
            watch.lock().unwrap_or_else(PoisonError::into_inner).see(*frame);
        }
        Ok(true)
    }

    /// Learns what a file told beside the frame, and writes all names that are new since the one before, into the file that
    /// the frame will be in.
    #[inline]
    fn exchange_names(&mut self, frame: Option<&Frame<'_>>) -> anyhow::Result<()> {
        let Some(names) = self.dissector.as_mut().and_then(Dissector::names_mut) else { return Ok(()) };
        names.listen();
        let Some(written) = &mut self.written else { return Ok(()) };
        // Nobody knows yet whether a frame will meet the condition.
        if let Some(frame) = frame.filter(|_| self.condition.is_none()) {
            written.make_room(frame)?;
        }
        written.names(names)
    }

    /// Names an interface in the file before its first frame.
    pub fn describe(&mut self, interface: &str, link: LinkType) -> anyhow::Result<()> {
        self.written.as_mut().map_or(Ok(()), |written| written.describe(interface, link))
    }

    pub fn flush(&mut self, context: &mut Context) -> anyhow::Result<()> {
        if let Some(written) = &mut self.written {
            written.flush()?;
        }
        Ok(context.out.flush()?)
    }

    /// Ends the file and flushes everything; whether there was what a summary is about.
    pub fn finish(&mut self, counted: &[Counted], context: &mut Context) -> anyhow::Result<Outcome> {
        self.exchange_names(None)?;
        if let Some(written) = &mut self.written {
            written.finish(counted)?;
        }
        if let Some(table) = &mut self.table {
            table.finish()?;
        }
        let names = self.dissector.as_ref().and_then(Dissector::names);
        let outcome = self.summary.as_mut().map_or(Ok(Outcome::Yes), |summary| summary.finish(names, context))?;
        context.out.flush()?;
        if let Some(dissector) = &self.dissector {
            fragments::note(dissector, context);
        }
        Ok(outcome)
    }
}
