//! What happens in one turn: calls that came back, frames that are due, frames that arrive.

use std::os::fd::AsFd;
use std::rc::Rc;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;

use super::shelf::Travelling;
use super::{LabError, Stage};
use crate::kernel::OsError;
use crate::lab::fabric::Port;
use crate::lab::observation::What;
use crate::link::packet_io::Batch;

/// Nobody waits longer without looking up; a kernel's time cannot hold every duration.
const LONGEST: Duration = Duration::from_secs(3600);

/// Batches taken from one port before the others are looked at again.
const BATCHES: usize = 8;

impl Stage<'_> {
    /// Waits at most `wait` for something to happen, and handles what did: frames, due frames, calls that came back.
    /// Returns how long the audience thought.
    ///
    /// # Errors
    /// The kernel's refusal, or [`LabError::Left`].
    pub fn turn(&mut self, wait: Duration) -> Result<Duration, LabError> {
        self.audience.stays()?;
        self.wait(wait)?;
        let began = Instant::now();
        for returned in self.inbox.take() {
            let Some(at) = self.calls.iter().position(|(id, ..)| *id == returned.id) else { continue };
            let (_, host, call) = self.calls.remove(at);
            self.record(What::Return { host, call, result: returned.result })?;
        }
        self.go_on()?;
        for fabric in 0..self.fabrics.len() {
            let ports = self.fabrics.get(fabric).map_or(0, |fabric| fabric.ports.len());
            for port in 0..ports {
                self.receive((fabric, port))?;
            }
        }
        Ok(if self.audience.thinks() { began.elapsed() } else { Duration::ZERO })
    }

    fn wait(&self, wait: Duration) -> Result<(), LabError> {
        let wait = self.waiting.next().map_or(wait, |due| due.saturating_sub(self.now()).min(wait));
        let mut watched = vec![PollFd::new(self.inbox.as_fd(), PollFlags::POLLIN)];
        let ports = self.fabrics.iter().flat_map(|fabric| &fabric.ports);
        watched.extend(ports.map(|port| PollFd::new(port.as_fd(), PollFlags::POLLIN)));
        // In nanoseconds: on a wire of limited rate frames leave less than a millisecond apart.
        match ppoll(&mut watched, Some(TimeSpec::from_duration(wait.min(LONGEST))), None) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(OsError::new("poll", "the wire", errno).into()),
        }
    }

    fn receive(&mut self, way: (usize, usize)) -> Result<(), LabError> {
        let Some(mut batch) = self.batch.take() else { return Ok(()) };
        let mut result = Ok(true);
        let mut full = 0;
        while full < BATCHES && matches!(result, Ok(true)) {
            result = self.receive_batch(way, &mut batch);
            full += 1;
        }
        self.batch = Some(batch);
        result?;
        if full > 1 { self.count_missed(way) } else { Ok(()) }
    }

    /// Takes the frames that are there from one port; whether there may be more.
    fn receive_batch(&mut self, way: (usize, usize), batch: &mut Batch) -> Result<bool, LabError> {
        let Some(from) = self.port_at(way) else { return Ok(false) };
        let (host, more) = (from.host, from.receive(batch)?);
        if self.nobody_looks() {
            self.keep_pace(way, more)?;
            self.pass_on(way, batch)?;
            return Ok(more);
        }
        for bytes in batch.frames() {
            self.keep_pace(way, more)?;
            self.frame(Travelling { way, from: host, number: 0, bytes: Rc::from(bytes), damaged: None })?;
        }
        Ok(more)
    }

    fn port_at(&mut self, (fabric, port): (usize, usize)) -> Option<&mut Port> {
        self.fabrics.get_mut(fabric)?.ports.get_mut(port)
    }

    /// Where frames come faster than they are passed on, their host is slowed down.
    fn keep_pace(&mut self, way: (usize, usize), more: bool) -> Result<(), LabError> {
        match self.port_at(way) {
            Some(port) if more || port.is_braked() => Ok(port.keep_pace()?),
            _ => Ok(()),
        }
    }

    /// Counts what was lost between a host and the wire. That is only where many frames wait.
    fn count_missed(&mut self, way: (usize, usize)) -> Result<(), LabError> {
        let lost = self.port_at(way).map_or(Ok(0), |port| port.lost())?;
        let missed = &mut self.observation.wire.missed;
        *missed = missed.saturating_add(lost);
        Ok(())
    }

    /// Whether nothing depends on single frames, so that they can be passed on together.
    fn nobody_looks(&self) -> bool {
        let quiet = self.rules.is_empty() && self.waiting.is_empty() && self.lines_are_plain();
        quiet && !self.watch_states && !self.audience.thinks() && self.observation.events.len() >= self.keep_frames
    }

    fn pass_on(&mut self, (fabric, port): (usize, usize), batch: &Batch) -> Result<(), LabError> {
        let Some(fabric) = self.fabrics.get_mut(fabric) else { return Ok(()) };
        let mut leaving = vec![Vec::new(); fabric.ports.len()];
        for frame in batch.frames() {
            self.frames = self.frames.saturating_add(1);
            self.observation.frames_not_kept = self.observation.frames_not_kept.saturating_add(1);
            self.observation.wire.frames = self.frames;
            let exit = fabric.route(port, frame);
            for (_, frames) in leaving.iter_mut().enumerate().filter(|(to, _)| *to != port && exit.is(*to)) {
                frames.push(frame);
            }
        }
        for (port, frames) in fabric.ports.iter().zip(&leaving).filter(|(_, frames)| !frames.is_empty()) {
            port.send_all(frames)?;
            self.last_activity = self.started.elapsed();
        }
        Ok(())
    }
}
