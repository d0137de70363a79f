//! What becomes of a frame at the wire: its fate is decided, told and carried out.

use std::time::{Duration, Instant};

use super::{LabError, Stage};
use crate::bytes::Silent;
use crate::dissect::{Origin, dissect};
use crate::lab::fate::{Fate, Passing, Told};
use crate::lab::observation::{Frame, What};

/// A frame that waits on the wire.
#[derive(Debug)]
pub(super) struct Waiting {
    /// When it goes on; none until it is released.
    pub(super) due: Option<Duration>,
    pub(super) fabric: usize,
    pub(super) port: usize,
    pub(super) from: usize,
    pub(super) number: u64,
    pub(super) bytes: Vec<u8>,
}

impl Stage<'_> {
    /// Lets the oldest held frame go on.
    ///
    /// # Errors
    /// As [`Stage::turn`].
    pub fn release(&mut self) -> Result<(), LabError> {
        match self.waiting.iter().position(|frame| frame.due.is_none()).and_then(|at| self.waiting.remove(at)) {
            Some(frame) => self.deliver(&frame, Told::Released, true).map(drop),
            None => Ok(()),
        }
    }

    /// Frames that are held now.
    pub fn held(&self) -> usize {
        self.waiting.iter().filter(|frame| frame.due.is_none()).count()
    }

    /// A frame arrived at the wire: its fate is decided and carried out.
    pub(super) fn frame(&mut self, mut frame: Waiting) -> Result<(), LabError> {
        self.frames = self.frames.saturating_add(1);
        frame.number = self.frames;
        self.last_activity = self.now();
        let mut layers = std::mem::take(&mut self.layers);
        dissect(&Origin::ethernet(&frame.bytes), &frame.bytes, Silent, &mut layers);
        let passing = Passing { number: frame.number, from: frame.from, bytes: &frame.bytes, layers: &layers };
        let fate = self.decide(&passing);
        self.layers = layers;
        match fate? {
            Some(fate) => self.carry_out(frame, fate),
            None => self.record_frame(&frame, Vec::new(), Told::Suppressed),
        }
    }

    /// What the rules, the delay of the wire and the audience make of a frame; none when it only repeats one that
    /// somebody thought about.
    fn decide(&mut self, passing: &Passing<'_>) -> Result<Option<Fate>, LabError> {
        if self.repeats.is_repeat(passing, Instant::now()) {
            return Ok(None);
        }
        let fates = self.rules.iter_mut().map(|rule| rule(passing));
        let mut fate =
            fates.into_iter().fold(Fate::Forward, |fate, next| if fate == Fate::Forward { next } else { fate });
        if let (Fate::Forward, Some(delay)) = (fate, self.delay) {
            fate = Fate::Delay(delay);
        }
        if !self.audience.thinks() {
            return self.audience.decide(&self.observation, passing, &[], fate).map(Some);
        }
        let states = self.look()?;
        let fate = self.audience.decide(&self.observation, passing, &states, fate)?;
        self.repeats.passed(passing, fate, Instant::now());
        Ok(Some(fate))
    }

    fn carry_out(&mut self, mut frame: Waiting, fate: Fate) -> Result<(), LabError> {
        match fate {
            Fate::Forward => self.deliver(&frame, Told::Forwarded, true),
            Fate::Drop => self.record_frame(&frame, Vec::new(), Told::Dropped),
            Fate::Duplicate => {
                self.deliver(&frame, Told::Duplicated, true)?;
                self.deliver(&frame, Told::Duplicated, false)
            }
            Fate::Corrupt(bit) => {
                let from_end = (bit / 8) as usize;
                let at = frame.bytes.len().checked_sub(from_end.saturating_add(1));
                if let Some(byte) = at.and_then(|at| frame.bytes.get_mut(at)) {
                    *byte ^= 1 << (bit % 8);
                }
                self.deliver(&frame, Told::Corrupted, true)
            }
            Fate::Delay(time) => {
                self.record_frame(&frame, Vec::new(), Told::Delayed)?;
                frame.due = Some(self.now().saturating_add(time));
                self.waiting.push_back(frame);
                Ok(())
            }
            Fate::Hold => {
                self.record_frame(&frame, Vec::new(), Told::Held)?;
                self.waiting.push_back(frame);
                Ok(())
            }
        }
    }

    pub(super) fn deliver_due(&mut self) -> Result<(), LabError> {
        while let Some(at) = self.waiting.iter().position(|frame| frame.due.is_some_and(|due| due <= self.now())) {
            let Some(frame) = self.waiting.remove(at) else { break };
            self.deliver(&frame, Told::Released, true)?;
        }
        Ok(())
    }

    fn deliver(&mut self, frame: &Waiting, told: Told, record: bool) -> Result<(), LabError> {
        let Some(fabric) = self.fabrics.get_mut(frame.fabric) else { return Ok(()) };
        let mut reached = Vec::new();
        for port in fabric.route(frame.port, &frame.bytes) {
            let Some(port) = fabric.ports.get(port) else { continue };
            port.send(&frame.bytes)?;
            reached.push(port.host);
        }
        self.last_activity = self.now();
        if record { self.record_frame(frame, reached, told) } else { Ok(()) }
    }

    fn record_frame(&mut self, frame: &Waiting, to: Vec<usize>, fate: Told) -> Result<(), LabError> {
        if self.observation.events.len() >= self.keep_frames {
            self.observation.frames_not_kept = self.observation.frames_not_kept.saturating_add(1);
            return Ok(());
        }
        let kept = Frame { number: frame.number, from: frame.from, to, fate, bytes: frame.bytes.clone() };
        self.record(What::Frame(kept))
    }
}
