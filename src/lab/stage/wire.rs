//! What becomes of a frame at the wire: its fate is decided, told and carried out.

use std::rc::Rc;
use std::time::{Duration, Instant};

use super::shelf::Travelling;
use super::{LabError, Stage};
use crate::bytes::Silent;
use crate::dissect::{Origin, dissect};
use crate::lab::fate::{Fate, Passing, Told};
use crate::lab::line::Entry;
use crate::lab::observation::{Frame, What};

impl Stage<'_> {
    /// Lets the oldest held frame go on.
    ///
    /// # Errors
    /// As [`Stage::turn`].
    pub fn release(&mut self) -> Result<(), LabError> {
        self.waiting.release().map_or(Ok(()), |frame| self.arrive(&frame))
    }

    /// Frames that are held now.
    pub fn held(&self) -> usize {
        self.waiting.held()
    }

    /// Does `work` and keeps at most the first `frames` frames of it; the others are counted.
    ///
    /// # Errors
    /// As `work`.
    pub fn keeping<T>(
        &mut self,
        frames: usize,
        work: impl FnOnce(&mut Self) -> Result<T, LabError>,
    ) -> Result<T, LabError> {
        let before = self.keep_frames;
        self.keep_frames = before.min(self.observation.events.len().saturating_add(frames));
        let result = work(self);
        self.keep_frames = before;
        result
    }

    /// A frame arrived at the wire: its fate is decided and carried out.
    pub(super) fn frame(&mut self, mut frame: Travelling) -> Result<(), LabError> {
        self.frames = self.frames.saturating_add(1);
        frame.number = self.frames;
        self.last_activity = self.now();
        if self.line(frame.way).is_some_and(|line| line.cut) {
            return self.told(&frame, Vec::new(), Told::Cut);
        }
        let by_chance = self.line(frame.way).map_or(Fate::Forward, |line| line.fate(frame.bytes.len()));
        let fate = if self.rules.is_empty() && !self.audience.thinks() {
            Some(by_chance)
        } else {
            self.decide(&frame, by_chance)?
        };
        match fate {
            Some(fate) => self.carry_out(frame, fate),
            None => self.told(&frame, Vec::new(), Told::Suppressed),
        }
    }

    /// What the rules, chance where no rule decides, and the audience make of a frame; none when it only repeats one
    /// that somebody thought about.
    fn decide(&mut self, frame: &Travelling, by_chance: Fate) -> Result<Option<Fate>, LabError> {
        let mut layers = std::mem::take(&mut self.layers);
        dissect(&Origin::ethernet(&frame.bytes), &frame.bytes, Silent, &mut layers);
        let passing = Passing { number: frame.number, from: frame.from, bytes: &frame.bytes, layers: &layers };
        let fate = self.fate(&passing, by_chance);
        self.layers = layers;
        fate
    }

    fn fate(&mut self, passing: &Passing<'_>, by_chance: Fate) -> Result<Option<Fate>, LabError> {
        if self.repeats.is_repeat(passing, Instant::now()) {
            return Ok(None);
        }
        // Every rule is asked, so that each counts what matches.
        let fates = self.rules.iter_mut().map(|rule| rule(passing));
        let ruled = fates.fold(Fate::Forward, |fate, next| if fate == Fate::Forward { next } else { fate });
        let fate = if ruled == Fate::Forward { by_chance } else { ruled };
        if !self.audience.thinks() {
            return Ok(Some(fate));
        }
        let states = self.look()?;
        let fate = self.audience.decide(&self.observation, passing, &states, fate)?;
        self.repeats.passed(passing, fate, Instant::now());
        Ok(Some(fate))
    }

    fn carry_out(&mut self, mut frame: Travelling, fate: Fate) -> Result<(), LabError> {
        match fate {
            Fate::Drop => return self.told(&frame, Vec::new(), Told::Dropped),
            Fate::Hold => {
                self.told(&frame, Vec::new(), Told::Held)?;
                self.waiting.hold(frame);
                return Ok(());
            }
            Fate::Swap(patience) => {
                self.told(&frame, Vec::new(), Told::Swapped)?;
                self.waiting.let_pass(self.now().saturating_add(patience), frame);
                return Ok(());
            }
            Fate::Corrupt(bit) => frame.damaged = Some(turn_over(&frame.bytes, bit)),
            Fate::Forward | Fate::Duplicate | Fate::Delay(_) => {}
        }
        let (way, number) = (frame.way, frame.number);
        self.enter(&frame, fate)?;
        while let Some(overtaken) = self.waiting.overtaken(way, number) {
            self.enter_late(overtaken)?;
        }
        Ok(())
    }

    /// Lets a frame into its line: it arrives at once, or later, or finds the queue full.
    fn enter(&mut self, frame: &Travelling, fate: Fate) -> Result<(), LabError> {
        let exceptionally = if let Fate::Delay(time) = fate { Some(time) } else { None };
        let copies = if fate == Fate::Duplicate { 2 } else { 1 };
        let mut told = Some(fate.told());
        for _ in 0..copies {
            match self.entry(frame, exceptionally) {
                Entry::AtOnce => {
                    let reached = self.deliver(frame)?;
                    if let Some(told) = told.take() {
                        self.told(frame, reached, told)?;
                    }
                }
                Entry::At(time) => {
                    if let Some(told) = told.take() {
                        let told = if fate == Fate::Forward { Told::Delayed } else { told };
                        self.told(frame, Vec::new(), told)?;
                    }
                    self.waiting.until(time, frame.clone());
                }
                Entry::Full => self.told(frame, Vec::new(), Told::Overflowed)?,
            }
        }
        Ok(())
    }

    /// Lets a frame into its line that was told of when another one was to overtake it.
    fn enter_late(&mut self, frame: Travelling) -> Result<(), LabError> {
        if self.line(frame.way).is_some_and(|line| line.cut) {
            return self.told(&frame, Vec::new(), Told::Cut);
        }
        match self.entry(&frame, None) {
            Entry::AtOnce => self.arrive(&frame),
            Entry::At(time) => {
                self.waiting.until(time, frame);
                Ok(())
            }
            Entry::Full => self.told(&frame, Vec::new(), Told::Overflowed),
        }
    }

    fn entry(&mut self, frame: &Travelling, exceptionally: Option<Duration>) -> Entry {
        let (now, usually) = (self.now(), self.delay);
        let line = self.line(frame.way);
        line.map_or(Entry::AtOnce, |line| line.enter(now, frame.bytes.len(), exceptionally, usually))
    }

    /// Lets go on what has waited long enough.
    pub(super) fn go_on(&mut self) -> Result<(), LabError> {
        while let Some(frame) = self.waiting.waited_in_vain(self.now()) {
            self.enter_late(frame)?;
        }
        while let Some(frame) = self.waiting.arrived(self.now()) {
            self.arrive(&frame)?;
        }
        Ok(())
    }

    /// A frame that was told of when it left is at the other end.
    fn arrive(&mut self, frame: &Travelling) -> Result<(), LabError> {
        let reached = self.deliver(frame)?;
        self.told(frame, reached, Told::Released)
    }

    /// Gives a frame to the hosts it is for, and tells which.
    fn deliver(&mut self, frame: &Travelling) -> Result<Vec<usize>, LabError> {
        let (fabric, port) = frame.way;
        let mut reached = Vec::new();
        let Some(fabric) = self.fabrics.get_mut(fabric) else { return Ok(reached) };
        for port in fabric.exits(port, frame.leaving()) {
            port.send(frame.leaving())?;
            reached.push(port.host);
        }
        self.last_activity = self.now();
        Ok(reached)
    }

    /// Counts and records what became of a frame.
    fn told(&mut self, frame: &Travelling, to: Vec<usize>, fate: Told) -> Result<(), LabError> {
        self.observation.wire.count(self.frames, fate);
        if self.observation.events.len() >= self.keep_frames {
            // A frame that was delayed or held has been told, or counted, when it came.
            let first = u64::from(fate != Told::Released);
            self.observation.frames_not_kept = self.observation.frames_not_kept.saturating_add(first);
            return Ok(());
        }
        let (bytes, damaged) = (frame.bytes.to_vec(), frame.damaged.as_ref().map(|bytes| bytes.to_vec()));
        let kept = Frame { number: frame.number, from: frame.from, to, fate, bytes, damaged, whole: None };
        self.record(What::Frame(kept))
    }
}

/// The bytes with one bit turned over, counted from the end.
fn turn_over(bytes: &[u8], bit: u32) -> Rc<[u8]> {
    let mut bytes = bytes.to_vec();
    let at = bytes.len().checked_sub((bit / 8) as usize + 1);
    if let Some(byte) = at.and_then(|at| bytes.get_mut(at)) {
        *byte ^= 1 << (bit % 8);
    }
    bytes.into()
}
