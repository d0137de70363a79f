//! Asking ports: which are open, which are not, and what said so.
//!
//! A [`Plan`] says what to ask; [`engine::sweep`] asks it through a [`Prober`], of which there is one for TCP
//! ([`dialer`]), one for UDP ([`datagrams`]) and a scripted one for tests; the result is a [`Sweep`]. Nothing here needs
//! a privilege.
//!
//! **Invariant:** no port is called open unless its host completed a handshake or sent a datagram from it, and none is
//! called closed by silence.

pub mod banner;
pub mod datagrams;
pub mod dialer;
pub mod engine;
mod ledger;
pub mod neighbours;
pub mod order;
pub mod pace;
pub mod payloads;
pub mod set;
pub mod targets;
pub mod verdict;

#[cfg(test)]
mod scripted;

use std::net::SocketAddr;
use std::time::Duration;

use nix::errno::Errno;

pub use pace::Waits;
pub use targets::Target;
pub use verdict::{IcmpError, Reason, State};

use super::services::Protocol;
use crate::kernel::OsError;

/// What to ask, and how hard.
#[derive(Clone, Debug)]
pub struct Plan {
    /// TCP or UDP.
    pub protocol: Protocol,
    /// Whom to ask.
    pub targets: Vec<Target>,
    /// Which ports, in the order of asking.
    pub ports: Vec<u16>,
    /// How often a silent port is asked before silence is the answer; at least 1.
    pub tries: u8,
    /// Whether losses may add up to [`engine::EXTRA_TRIES`] tries.
    pub extend: bool,
    /// How long probes wait.
    pub waits: Waits,
    /// Probes per second; none leaves it to the answers.
    pub rate: Option<f64>,
    /// The most probes under way at once.
    pub parallel: usize,
    /// Whether to go on until every port that an ICMP rate limit hides is confirmed.
    pub wait_closed: bool,
}

/// What the engine needs of the world: to ask, to listen, and a clock.
///
/// Probes are known by slots, small numbers that are used again once a probe is over.
pub trait Prober {
    /// Time since the start.
    fn now(&self) -> Duration;

    /// Sends the `attempt`th probe (from 1) to `target`, to be known as `slot`. No other slot may be waiting for the
    /// same target: its answers are known by it.
    fn ask(&mut self, slot: usize, target: SocketAddr, attempt: u8) -> Asked;

    /// Gives up what `slot` waits for.
    fn forget(&mut self, slot: usize);

    /// Waits until answers come, `timeout` at the longest, and appends them.
    ///
    /// # Errors
    /// The failure of the machinery itself, not of a probe.
    fn listen(&mut self, timeout: Duration, answers: &mut Vec<Answer>) -> Result<Woken, OsError>;
}

/// What became of a probe at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It is on its way.
    Sent,
    /// It has its answer already.
    Answered(Reason),
    /// The machine has no room for one more.
    Exhausted(Errno),
}

/// What came of a probe that was on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Which probe.
    pub slot: usize,
    /// What came; [`Reason::Silence`] for one that can no longer get an answer.
    pub reason: Reason,
    /// The round-trip time, if the prober knows it better than the time between asking and listening.
    pub rtt: Option<Duration>,
}

/// Why [`Prober::listen`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// Answers, or the end of the time.
    Normally,
    /// The user wants an end.
    Interrupted,
}

/// What a sweep found.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// One entry per target, in the order of the plan.
    pub hosts: Vec<Host>,
    /// Probes sent, repetitions included.
    pub probes: u64,
    /// How often the most often asked port was asked.
    pub tries: u8,
    /// The share of answers that only a repeated question got.
    pub loss: f64,
    /// How many open ports are likely to have been missed through losses.
    pub expected_missed: f64,
    /// How long it took.
    pub elapsed: Duration,
    /// Whether the user ended it.
    pub interrupted: bool,
}

/// What was found at one target.
#[derive(Clone, Debug)]
pub struct Host {
    /// The target.
    pub target: Target,
    /// The ports that were settled, ascending.
    pub ports: Vec<Finding>,
    /// How many ports were not settled because the sweep was ended.
    pub unsettled: usize,
    /// How the target's limit on ICMP errors showed, if it did.
    pub icmp_limit: Option<IcmpLimit>,
}

/// What was found at one port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The port.
    pub port: u16,
    /// Open, closed, …
    pub state: State,
    /// Why.
    pub reason: Reason,
    /// From the probe to its answer; for an established TCP connection as the kernel measured it.
    pub rtt: Option<Duration>,
    /// How often the port was asked.
    pub tries: u8,
    /// What the service said, if that was asked for.
    pub banner: Option<Vec<u8>>,
}

/// How a limit on ICMP errors showed: ports known to be closed were asked again, and most did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IcmpLimit {
    /// How many closed ports were asked again.
    pub asked: u32,
    /// How many of them answered again.
    pub answered: u32,
    /// How many closed ports were confirmed in all.
    pub confirmed: u32,
}

/// How far a sweep has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Ports settled.
    pub settled: usize,
    /// Ports to settle.
    pub total: usize,
    /// Open ports so far.
    pub open: usize,
    /// Probes under way.
    pub in_flight: usize,
    /// Time since the start.
    pub elapsed: Duration,
}
