//! The conductor: hosts, what joins them, the programs on them, and the clock. It alone moves frames.

mod audience;
mod calls;
mod conduct;
mod error;
mod lines;
mod shelf;
mod wire;

use std::net::IpAddr;
use std::time::{Duration, Instant};

pub use audience::{Audience, Nobody};
pub use error::LabError;
use shelf::Shelf;

use super::fabric::Fabric;
use super::fate::Rule;
use super::observation::{Event, Finding, Observation, What, Words};
use super::place::Place;
use super::program::{Inbox, Program};
use super::room;
use super::sockets::{Seen, look};
use super::thinking::Repeats;
use crate::dissect::Layer;
use crate::kernel::counters::Counters;
use crate::kernel::namespace::Host;
use crate::kernel::sock_diag::SockDiag;
use crate::link::packet_io::Batch;

/// The first port of a lab's servers; below the ephemeral ports, so nobody can be given it.
const FIRST_PORT: u16 = 8080;

/// The longest any lab waits for one thing unless it says otherwise.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// See [`Stage::keep_frames`].
const FRAMES_KEPT: usize = 4096;

/// Frames taken from one port together.
const BATCH: usize = 64;

/// No frame on a lab's wire is longer: offloads are off, and the MTU is at most 9,000 bytes.
const FRAME_AT_MOST: usize = 9216;

/// What a lab stands on.
#[derive(Debug)]
pub(super) enum Ground {
    /// A private network: hosts are namespaces, and the lab's ends of the cables are in this one.
    Room(Host),
    /// The machine's own loopback: hosts are threads, no frame is seen, and ports are shared with everybody.
    Loopback(Place),
}

/// A running lab.
pub struct Stage<'a> {
    /// Where the lab's ends of the cables are.
    pub(super) ground: Ground,
    pub(super) hosts: Vec<Host>,
    pub(super) fabrics: Vec<Fabric>,
    eyes: Vec<SockDiag>,
    inbox: Inbox,
    calls: Vec<(u64, usize, String)>,
    next_call: u64,
    ports: Vec<u16>,
    rules: Vec<Rule>,
    waiting: Shelf,
    delay: Duration,
    started: Instant,
    /// Whether both kernels are asked for their sockets at every event. Labs that measure time switch it off.
    pub watch_states: bool,
    /// Frames that the observation keeps whole. A lab that moves megabytes keeps the first ones and counts the rest.
    pub keep_frames: usize,
    /// The longest that the stage waits for one call or for silence.
    pub patience: Duration,
    audience: &'a mut dyn Audience,
    repeats: Repeats,
    frames: u64,
    /// Frames that were not kept, as far as an event told of them.
    left_out_told: u64,
    last_activity: Duration,
    layers: Vec<Layer>,
    batch: Option<Batch>,
    /// What was seen so far.
    pub observation: Observation,
}

impl std::fmt::Debug for Stage<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stage").field("hosts", &self.hosts).field("frames", &self.frames).finish_non_exhaustive()
    }
}

impl<'a> Stage<'a> {
    /// An empty stage in a private network, in which the process is.
    ///
    /// # Errors
    /// The kernel's refusal, usually because the process is not in a private network.
    pub fn new(audience: &'a mut dyn Audience) -> Result<Self, LabError> {
        Stage::on(Ground::Room(room::open()?), audience)
    }

    /// An empty stage on the loopback of the calling thread's namespace.
    ///
    /// # Errors
    /// The kernel's refusal to tell its sockets.
    pub fn on_loopback(audience: &'a mut dyn Audience) -> Result<Self, LabError> {
        Stage::on(Ground::Loopback(Place::loopback()?), audience)
    }

    fn on(ground: Ground, audience: &'a mut dyn Audience) -> Result<Self, LabError> {
        Ok(Stage {
            ground,
            hosts: Vec::new(),
            fabrics: Vec::new(),
            eyes: Vec::new(),
            inbox: Inbox::new()?,
            calls: Vec::new(),
            next_call: 1,
            ports: Vec::new(),
            rules: Vec::new(),
            waiting: Shelf::default(),
            delay: Duration::ZERO,
            started: Instant::now(),
            watch_states: true,
            keep_frames: FRAMES_KEPT,
            patience: PATIENCE,
            audience,
            repeats: Repeats::default(),
            frames: 0,
            left_out_told: 0,
            last_activity: Duration::ZERO,
            layers: Vec::new(),
            batch: Some(Batch::new(BATCH, FRAME_AT_MOST)),
            observation: Observation::default(),
        })
    }

    /// Starts the clock anew. The topology does so when it is ready.
    pub(super) fn start_clock(&mut self) {
        self.started = Instant::now();
        self.last_activity = Duration::ZERO;
    }

    /// Adds a host whose sockets can be looked at.
    pub(super) fn add_host(&mut self, host: Host) -> Result<usize, LabError> {
        self.eyes.push(host.run(SockDiag::open)?);
        self.hosts.push(host);
        Ok(self.hosts.len().saturating_sub(1))
    }

    /// The host with this number.
    ///
    /// # Panics
    /// When the lab has no such host, which is a defect of the lab.
    pub fn host(&self, number: usize) -> &Host {
        match self.hosts.get(number) {
            Some(host) => host,
            None => unreachable!("the lab has {} hosts and asked for number {number}", self.hosts.len()),
        }
    }

    /// The first address of a host.
    pub fn address(&self, host: usize) -> IpAddr {
        let station = self.observation.hosts.get(host);
        station.and_then(|station| station.addresses.first().copied()).unwrap_or(IpAddr::from([0, 0, 0, 0]))
    }

    /// Whether frames pass a wire of the lab, and settings may be changed: not on the machine's own loopback.
    pub fn has_wire(&self) -> bool {
        matches!(self.ground, Ground::Room(_))
    }

    /// A port for a server, another one each time: 8080 and up, or on the machine's loopback one that nobody uses.
    ///
    /// # Errors
    /// The kernel's refusal to tell its sockets.
    pub fn port(&mut self) -> Result<u16, LabError> {
        let port = match &mut self.ground {
            Ground::Room(_) => FIRST_PORT.saturating_add(self.ports.len() as u16),
            Ground::Loopback(place) => place.port()?,
        };
        self.ports.push(port);
        Ok(port)
    }

    /// Since the clock started.
    pub fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// Starts a program on a host.
    pub fn program(&self, host: usize) -> Program {
        Program::new(self.host(host), host)
    }

    /// Adds a rule for frames. Rules are asked in the order in which they were added.
    pub fn rule(&mut self, rule: Rule) {
        self.rules.push(rule);
    }

    /// Says what the lab does next.
    ///
    /// # Errors
    /// As [`Stage::turn`].
    pub fn note(&mut self, text: Words) -> Result<(), LabError> {
        self.record(What::Note { text })
    }

    /// Tells what the kernel of `host` said when the lab asked it, in no language.
    ///
    /// # Errors
    /// As [`Stage::turn`].
    pub fn fact(&mut self, host: usize, fact: impl Into<String>) -> Result<(), LabError> {
        self.record(What::Fact { host, fact: fact.into() })
    }

    /// Adds what the lab teaches, with the numbers behind it.
    pub fn finding(&mut self, statement: Words, seen: bool, measured: impl Into<String>) {
        self.observation.findings.push(Finding { statement, seen, measured: measured.into() });
    }

    /// Frames that arrived at the wire so far.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// The sockets of every host as their kernels tell them now.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn look(&mut self) -> Result<Vec<Vec<Seen>>, LabError> {
        let mut seen = self.eyes.iter_mut().map(look).collect::<Result<Vec<_>, _>>()?;
        if !self.has_wire() {
            self.keep_own(&mut seen);
        }
        Ok(seen)
    }

    /// On the machine's loopback every host sees all sockets of the machine: leaves each host those of the lab's ports
    /// that are its own. The last host of several is the server; the others connect.
    fn keep_own(&self, seen: &mut [Vec<Seen>]) {
        let last = seen.len().saturating_sub(1);
        for (host, sockets) in seen.iter_mut().enumerate() {
            sockets.retain(|socket| {
                let [local, remote] = [socket.local, socket.remote].map(|end| self.ports.contains(&end.port()));
                (local && host == last) || (remote && (host < last || last == 0))
            });
        }
    }

    /// What the kernel of a host counted so far; on the machine's own loopback everybody's packets are in it.
    ///
    /// # Errors
    /// The refusal to read the counters.
    pub fn counters(&self, host: usize) -> Result<Counters, LabError> {
        Ok(self.host(host).run(Counters::read)?)
    }

    /// Whether the audience may hold frames up.
    pub(super) fn audience_thinks(&self) -> bool {
        self.audience.thinks()
    }

    fn record(&mut self, what: What) -> Result<(), LabError> {
        let left_out = self.observation.frames_not_kept.saturating_sub(self.left_out_told);
        if left_out > 0 {
            self.left_out_told = self.observation.frames_not_kept;
            self.tell(What::NotKept { frames: left_out }, Vec::new())?;
        }
        let states = if self.watch_states { self.look()? } else { Vec::new() };
        self.tell(what, states)
    }

    fn tell(&mut self, what: What, states: Vec<Vec<Seen>>) -> Result<(), LabError> {
        let event = Event { at: self.now(), what, states };
        self.audience.saw(&self.observation, &event)?;
        self.observation.events.push(event);
        Ok(())
    }
}
