//! Who watches a lab.

use super::LabError;
use crate::lab::fate::{Fate, Passing};
use crate::lab::observation::{Event, Observation};
use crate::lab::sockets::Seen;

/// Somebody who watches the run as it happens, and may hold it up.
pub trait Audience {
    /// An event happened.
    ///
    /// # Errors
    /// [`LabError::Left`] ends the lab.
    fn saw(&mut self, observation: &Observation, event: &Event) -> Result<(), LabError>;

    /// A frame is about to meet the given fate; the audience thinks about it and may choose another. The states are
    /// those of every host at this moment. Nobody is asked who does not think.
    ///
    /// # Errors
    /// [`LabError::Left`] ends the lab.
    fn decide(
        &mut self,
        observation: &Observation,
        frame: &Passing<'_>,
        states: &[Vec<Seen>],
        fate: Fate,
    ) -> Result<Fate, LabError>;

    /// Whether it may hold frames up, so that kernels repeat them meanwhile.
    fn thinks(&self) -> bool {
        false
    }

    /// Asked many times a second while the lab waits for something.
    ///
    /// # Errors
    /// [`LabError::Left`] ends the lab.
    fn stays(&mut self) -> Result<(), LabError> {
        Ok(())
    }
}

/// Nobody watches.
#[derive(Clone, Copy, Debug)]
pub struct Nobody;

impl Audience for Nobody {
    fn saw(&mut self, _: &Observation, _: &Event) -> Result<(), LabError> {
        Ok(())
    }
    fn decide(&mut self, _: &Observation, _: &Passing<'_>, _: &[Vec<Seen>], fate: Fate) -> Result<Fate, LabError> {
        Ok(fate)
    }
}
