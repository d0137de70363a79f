//! Asking who has an address, with ARP or neighbour discovery: which stations answer, after how long, and whether two
//! claim the same address.
//!
//! The exchange knows time and frames only through a [`Wire`], so that it runs against a script without a network.

mod exchange;
pub mod scripted;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use crate::bytes::Mac;
use crate::kernel::OsError;

pub use exchange::ask;

/// What the exchange needs of the world. Times count from an arbitrary start and never go back.
pub trait Wire {
    /// The time.
    fn now(&self) -> Duration;
    /// Asks who has `target`; returns when the question left.
    ///
    /// # Errors
    /// The kernel's refusal to send.
    fn ask(&mut self, target: IpAddr) -> Result<Duration, OsError>;
    /// Waits until `until` for something to happen. What is there already comes at once, however late it is.
    ///
    /// # Errors
    /// The kernel's refusal to receive.
    fn hear(&mut self, until: Duration) -> Result<Heard, OsError>;
}

/// What was heard on a wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A station says that it has an address.
    Claim(Claim),
    /// Somebody who asked in our place (the kernel) gave up on the address.
    GaveUp(IpAddr),
    /// Nothing until the deadline.
    Silence,
    /// The user wants to stop.
    Stopped,
}

/// That a station has an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The address.
    pub address: IpAddr,
    /// The station that says so.
    pub mac: Mac,
    /// Where the frame came from, when that is another station: a proxy, or somebody who lies.
    pub frame_source: Option<Mac>,
    /// When it was heard.
    pub at: Duration,
    /// Whether it is an answer; false for what was known from before.
    pub confirmed: bool,
}

/// How to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The asking station, whose own claims are no conflict.
    pub own: Mac,
    /// How often a silent address is asked, at least once.
    pub tries: u32,
    /// How long to wait for answers after the last question of a try.
    pub timeout: Duration,
    /// Shorter than `timeout` where answers come fast: four times the slowest so far, but no less than this.
    pub at_least: Duration,
    /// How long to listen on when every address has answered: a second claim comes right behind the first.
    pub linger: Duration,
    /// Time from one question to the next.
    pub interval: Duration,
}

/// A station that has an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The address.
    pub address: IpAddr,
    /// The station.
    pub mac: Mac,
    /// Where the frame came from, when that is another station.
    pub frame_source: Option<Mac>,
    /// From the last question for the address until the answer; none where it was known before the question.
    pub rtt: Option<Duration>,
    /// Which question it answers, from 1.
    pub number: u32,
    /// Whether it is an answer; false for what was known from before.
    pub confirmed: bool,
    /// Another station has claimed the address before.
    pub duplicate: bool,
}

/// What is told while it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A question left; so many of this try are done.
    Asked {
        /// The address.
        target: IpAddr,
        /// The try, from 1.
        number: u32,
    },
    /// A station answered for the first time.
    Answer(Answer),
}

/// How the exchange came out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Questions sent.
    pub asked: u64,
    /// The stations that answered, in the order of their answers.
    pub answers: Vec<Answer>,
    /// Addresses for which nobody answered.
    pub silent: u64,
    /// Whether the user stopped it.
    pub stopped: bool,
    /// Duration of the whole.
    pub elapsed: Duration,
}

impl Outcome {
    /// The addresses for which somebody answered; what was only known from before does not count.
    pub fn answered(&self) -> BTreeSet<IpAddr> {
        self.answers.iter().filter(|answer| answer.confirmed).map(|answer| answer.address).collect()
    }

    /// The answers that contradict an earlier one.
    pub fn duplicates(&self) -> impl Iterator<Item = &Answer> {
        self.answers.iter().filter(|answer| answer.duplicate)
    }
}
