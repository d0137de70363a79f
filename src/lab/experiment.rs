//! What an experiment is: its texts, what a user may change, and its run.

use std::cell::Cell;
use std::time::Duration;

use super::observation::Words;
use super::stage::{LabError, Stage};

/// The layer that a lab belongs to, for `lab list`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Floor {
    /// Frames on one wire.
    Link,
    /// Datagrams between networks.
    Internet,
    /// Ports and connections.
    Transport,
    /// Messages between programs.
    Application,
}

/// What a user may change about a lab; what is not given is the lab's own choice.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Given {
    /// Round-trip time of the wire.
    pub round_trip: Option<Duration>,
    /// Share of frames lost, from 0 to 1.
    pub loss: Option<f64>,
    /// Backlog of listening sockets.
    pub backlog: Option<u32>,
    /// Seed of everything random.
    pub seed: Option<u64>,
}

/// What was given, as a lab asks for it. It remembers what was asked, so that a parameter without effect can be told.
#[derive(Debug, Default)]
pub struct Parameters {
    given: Given,
    asked: Cell<Given>,
}

impl From<Given> for Parameters {
    fn from(given: Given) -> Self {
        Parameters { given, asked: Cell::default() }
    }
}

impl Parameters {
    /// Round-trip time of the wire.
    pub fn round_trip(&self) -> Option<Duration> {
        self.asked.set(Given { round_trip: self.given.round_trip, ..self.asked.get() });
        self.given.round_trip
    }

    /// Share of frames lost, from 0 to 1.
    pub fn loss(&self) -> Option<f64> {
        self.asked.set(Given { loss: self.given.loss, ..self.asked.get() });
        self.given.loss
    }

    /// Backlog of listening sockets.
    pub fn backlog(&self) -> Option<u32> {
        self.asked.set(Given { backlog: self.given.backlog, ..self.asked.get() });
        self.given.backlog
    }

    /// Seed of everything random.
    pub fn seed(&self) -> u64 {
        self.asked.set(Given { seed: self.given.seed, ..self.asked.get() });
        self.given.seed.unwrap_or(0)
    }

    /// What was given and nobody asked for.
    pub fn unused(&self) -> Given {
        let asked = self.asked.get();
        Given {
            round_trip: self.given.round_trip.filter(|_| asked.round_trip.is_none()),
            loss: self.given.loss.filter(|_| asked.loss.is_none()),
            backlog: self.given.backlog.filter(|_| asked.backlog.is_none()),
            seed: self.given.seed.filter(|_| asked.seed.is_none()),
        }
    }
}

/// One experiment.
#[derive(Clone, Copy, Debug)]
pub struct Lab {
    /// What `lab run` calls it.
    pub name: &'static str,
    /// Where `lab list` puts it.
    pub floor: Floor,
    /// Whether it can do without frames: then it runs on the machine's own loopback where the kernel refuses a private
    /// network, and says less.
    pub on_loopback: bool,
    /// One line about it.
    pub title: Words,
    /// What a teacher would say.
    pub explanation: Words,
    /// The experiment itself.
    pub run: fn(&mut Stage<'_>, &Parameters) -> Result<(), LabError>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_that_no_lab_asked_for_is_told() {
        let given = Given { loss: Some(0.1), backlog: Some(5), ..Given::default() };
        let parameters = Parameters::from(given);
        assert_eq!((parameters.backlog(), parameters.round_trip()), (Some(5), None));
        assert_eq!(parameters.unused(), Given { loss: Some(0.1), ..Given::default() });
    }
}
