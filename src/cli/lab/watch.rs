//! A lab drawn while it happens.

use std::io::Write;

use super::super::Context;
use super::run::WIDTH;
use super::step::Stepper;
use crate::kernel::signal::Interrupts;
use crate::lab::experiment::Lab;
use crate::lab::fate::{Fate, Passing};
use crate::lab::observation::{Event, Language, Observation};
use crate::lab::sockets::Seen;
use crate::lab::stage::{Audience, LabError};
use crate::report::ladder::Ladder;
use crate::report::packet::Look;
use crate::report::palette::Ink;

/// Draws the ladder event by event, and asks the stepper, where there is one, before each frame.
pub(super) struct Watching<'a> {
    context: &'a mut Context,
    language: Language,
    look: Option<Look>,
    ladder: Option<Ladder>,
    silent: bool,
    /// Whether the user left. That stays so, for a lab that tries again what failed.
    left: bool,
    interrupts: &'a Interrupts,
    stepper: Option<&'a mut Stepper<'a>>,
}

impl<'a> Watching<'a> {
    pub(super) fn new(
        context: &'a mut Context,
        language: Language,
        look: Option<Look>,
        interrupts: &'a Interrupts,
        stepper: Option<&'a mut Stepper<'a>>,
    ) -> Self {
        let silent = context.json;
        Watching { context, language, look, ladder: None, silent, left: false, interrupts, stepper }
    }

    /// Draws nothing: standard output is for something else.
    pub(super) fn silent(self) -> Self {
        Watching { silent: true, ..self }
    }

    /// Prints the lab's title.
    pub(super) fn title(&mut self, lab: &Lab) -> std::io::Result<()> {
        if self.silent {
            return Ok(());
        }
        let title = self.context.palette.paint(Ink::Strong, lab.title.get(self.language));
        writeln!(self.context.out, "{title}\n")
    }

    fn draw(&mut self, observation: &Observation, event: &Event) -> std::io::Result<()> {
        let out = &mut self.context.out;
        if self.ladder.is_none() {
            let width = self.context.width.map_or(WIDTH, usize::from);
            let ladder = Ladder::new(observation.hosts.len(), width, self.context.palette, self.language, self.look);
            ladder.head(out, observation)?;
            self.ladder = Some(ladder);
        }
        if let Some(ladder) = &mut self.ladder {
            ladder.event(out, observation, event)?;
        }
        // Somebody may watch, through a pipe too.
        out.flush()
    }
}

impl Audience for Watching<'_> {
    fn saw(&mut self, observation: &Observation, event: &Event) -> Result<(), LabError> {
        if self.silent {
            return Ok(());
        }
        self.draw(observation, event).map_err(LabError::Show)
    }

    fn decide(
        &mut self,
        observation: &Observation,
        frame: &Passing<'_>,
        states: &[Vec<Seen>],
        fate: Fate,
    ) -> Result<Fate, LabError> {
        match &mut self.stepper {
            Some(stepper) => stepper.decide(self.context, observation, frame, states, fate),
            None => Ok(fate),
        }
    }

    fn thinks(&self) -> bool {
        self.stepper.as_ref().is_some_and(|stepper| stepper.asks())
    }

    fn stays(&mut self) -> Result<(), LabError> {
        self.left |= self.interrupts.arrived();
        if self.left { Err(LabError::Left) } else { Ok(()) }
    }
}
