//! What was seen in one run of a lab, as data: reports print it, tests assert on it, exports write it.

use std::net::IpAddr;
use std::time::Duration;

use serde::Serialize;

use super::fate::Told;
use super::sockets::Seen;
use crate::bytes::Mac;

/// One text in every language netlab speaks. A missing translation does not compile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Words {
    /// English.
    pub en: &'static str,
    /// Chinese.
    pub zh: &'static str,
}

/// A language of the texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Chinese.
    Chinese,
}

impl Words {
    /// The text in `language`.
    pub const fn get(self, language: Language) -> &'static str {
        match language {
            Language::English => self.en,
            Language::Chinese => self.zh,
        }
    }
}

/// Everything that was seen in one run, in the order in which it happened.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Observation {
    /// The hosts, left to right as a ladder draws them.
    pub hosts: Vec<Station>,
    /// What happened, by time.
    pub events: Vec<Event>,
    /// What the lab teaches, each checked against what just happened.
    pub findings: Vec<Finding>,
    /// Frames that passed and were not kept, because the lab only counts them.
    pub frames_not_kept: u64,
    /// What the wires did, in numbers.
    pub wire: Passage,
}

/// What the wires of a lab did to the frames that came, kept or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Passage {
    /// Frames that came.
    pub frames: u64,
    /// Lost because a rule or chance said so.
    pub dropped: u64,
    /// Lost because too many waited for a wire of limited rate.
    pub overflowed: u64,
    /// Lost because the wire was cut.
    pub cut: u64,
    /// Given on twice.
    pub duplicated: u64,
    /// Given on with a bit turned over.
    pub corrupted: u64,
    /// Overtaken by the next one of their direction.
    pub swapped: u64,
    /// Lost before the wire saw them: not its choice.
    pub missed: u64,
}

impl Passage {
    /// Counts what became of one frame, `frames` having come so far.
    pub fn count(&mut self, frames: u64, fate: Told) {
        self.frames = frames;
        let counter = match fate {
            Told::Dropped => &mut self.dropped,
            Told::Overflowed => &mut self.overflowed,
            Told::Cut => &mut self.cut,
            Told::Duplicated => &mut self.duplicated,
            Told::Corrupted => &mut self.corrupted,
            Told::Swapped => &mut self.swapped,
            Told::Forwarded | Told::Delayed | Told::Held | Told::Released | Told::Suppressed => return,
        };
        *counter = counter.saturating_add(1);
    }
}

impl Observation {
    /// Whether everything that the lab teaches was seen.
    pub fn holds(&self) -> bool {
        self.findings.iter().all(|finding| finding.seen)
    }

    /// The frames, in order.
    pub fn frames(&self) -> impl Iterator<Item = &Frame> {
        self.events.iter().filter_map(|event| match &event.what {
            What::Frame(frame) => Some(frame),
            _ => None,
        })
    }

    /// Every frame once, with the event that first told of it; without those left out because they only repeat another.
    pub fn departures(&self) -> impl Iterator<Item = (&Event, &Frame)> {
        let mut last = 0;
        self.events.iter().filter_map(move |event| match &event.what {
            What::Frame(frame) if frame.number > last => {
                last = frame.number;
                (frame.fate != Told::Suppressed).then_some((event, frame))
            }
            _ => None,
        })
    }
}

/// A host of the lab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Station {
    /// Name, such as `client`.
    pub name: String,
    /// Addresses of its interfaces, in order.
    pub addresses: Vec<IpAddr>,
    /// Link addresses of its interfaces, in order.
    pub macs: Vec<Mac>,
}

/// One thing that happened.
#[derive(Clone, Debug, Serialize)]
pub struct Event {
    /// Since the lab's clock started, in nanoseconds.
    #[serde(rename = "time_ns", serialize_with = "nanoseconds")]
    pub at: Duration,
    /// What it was.
    #[serde(flatten)]
    pub what: What,
    /// The sockets of each host (same order as [`Observation::hosts`]) after it. Empty where the lab does not ask.
    pub states: Vec<Vec<Seen>>,
}

fn nanoseconds<S: serde::Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
}

/// The kinds of events.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum What {
    /// A program on host number `host` entered a system call.
    Call {
        /// Index in [`Observation::hosts`].
        host: usize,
        /// The call as one writes it: `connect()`.
        call: String,
    },
    /// The call came back.
    Return {
        /// Index in [`Observation::hosts`].
        host: usize,
        /// The call as in [`What::Call`].
        call: String,
        /// What it returned: a number, an errno, the bytes read.
        result: String,
    },
    /// A frame passed the wire, or did not.
    Frame(Frame),
    /// What the kernel of host number `host` said when the lab asked it: the state of a neighbour, an MTU it learnt.
    Fact {
        /// Index in [`Observation::hosts`].
        host: usize,
        /// The answer in a few words, in no language: `172.16.10.2 REACHABLE`.
        fact: String,
    },
    /// Frames passed, or did not, since the last event, and were only counted.
    NotKept {
        /// How many.
        frames: u64,
    },
    /// The lab says what it does next.
    Note {
        /// The text.
        text: Words,
    },
}

/// A frame on the wire and what became of it.
#[derive(Clone, Debug, Serialize)]
pub struct Frame {
    /// From 1, in the order of arrival at the wire.
    pub number: u64,
    /// The host that sent it.
    pub from: usize,
    /// The hosts that were given it.
    pub to: Vec<usize>,
    /// What the wire did.
    pub fate: Told,
    /// The whole frame, from its Ethernet header on, as it arrived at the wire.
    #[serde(skip)]
    pub bytes: Vec<u8>,
    /// What its receivers are given instead, where the wire turned a bit over.
    #[serde(skip)]
    pub damaged: Option<Vec<u8>>,
    /// Of a captured frame that completes a datagram in fragments: the datagram in one piece, behind an Ethernet header.
    #[serde(skip)]
    pub whole: Option<Vec<u8>>,
}

impl Frame {
    /// The frame as it leaves the wire.
    pub fn leaving(&self) -> &[u8] {
        self.damaged.as_ref().unwrap_or(&self.bytes)
    }

    /// What its label is about: the frame as it leaves the wire, or the datagram that is whole with it.
    pub fn told(&self) -> &[u8] {
        self.whole.as_deref().unwrap_or(self.leaving())
    }
}

/// One thing a lab teaches, checked against what was just seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The statement.
    pub statement: Words,
    /// Whether this run showed it.
    pub seen: bool,
    /// The numbers behind it, in no language: `60.1 s`, `3 of 3`.
    pub measured: String,
}
