//! What an experiment is: its texts, what a user may change, and its run.

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

/// What a user may change about a lab.
#[derive(Clone, Copy, Debug, Default)]
pub struct Parameters {
    /// Round-trip time of the wire.
    pub round_trip: Option<std::time::Duration>,
    /// Share of frames lost, from 0 to 1.
    pub loss: Option<f64>,
    /// Backlog of listening sockets.
    pub backlog: Option<u32>,
    /// Seed of everything random.
    pub seed: u64,
}

/// One experiment.
#[derive(Clone, Copy, Debug)]
pub struct Lab {
    /// What `lab run` calls it.
    pub name: &'static str,
    /// Where `lab list` puts it.
    pub floor: Floor,
    /// One line about it.
    pub title: Words,
    /// What a teacher would say.
    pub explanation: Words,
    /// The experiment itself.
    pub run: fn(&mut Stage<'_>, &Parameters) -> Result<(), LabError>,
}
