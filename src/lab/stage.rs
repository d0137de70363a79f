//! The conductor: hosts, what joins them, the programs on them, and the clock. It alone moves frames.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::fabric::Fabric;
use super::fate::{Fate, Passing, Rule, Told};
use super::observation::{Event, Finding, Frame, Observation, What, Words};
use super::place::Place;
use super::program::{Inbox, Outcome, Pending, Program};
use super::room;
use super::sockets::{Seen, look};
use super::thinking::Repeats;
use crate::bytes::Silent;
use crate::dissect::{Layer, Origin, dissect};
use crate::kernel::OsError;
use crate::kernel::counters::Counters;
use crate::kernel::namespace::Host;
use crate::kernel::sock_diag::SockDiag;
use crate::link::packet_io::Batch;

/// Why a lab could not be run to its end.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// The kernel refused a step.
    #[error("{0}")]
    Os(#[source] OsError),
    /// What the lab waited for did not come.
    #[error("{waited_for} did not happen within {} s", patience.as_secs_f32())]
    Late {
        /// What it was.
        waited_for: String,
        /// How long the lab waited.
        patience: Duration,
    },
    /// A call of the lab's own program failed where the lab needs it to succeed.
    #[error("{call} failed: {error}")]
    Call {
        /// The call.
        call: String,
        /// Its error.
        error: std::io::Error,
    },
    /// What was seen could not be shown.
    #[error("{0}")]
    Show(#[source] std::io::Error),
    /// A plan that cannot be built.
    #[error("{0}")]
    Plan(#[source] super::plan::PlanError),
    /// Somebody who stepped through the lab left it.
    #[error("left by the user")]
    Left,
}

impl From<OsError> for LabError {
    fn from(error: OsError) -> Self {
        LabError::Os(error)
    }
}

/// Somebody who watches the run as it happens, and may hold it up.
pub trait Audience {
    /// An event happened.
    ///
    /// # Errors
    /// [`LabError::Left`] ends the lab.
    fn saw(&mut self, observation: &Observation, event: &Event) -> Result<(), LabError>;

    /// A frame is about to be let through with the given fate; the audience may think about it and choose another.
    /// The states are those of every host at this moment; there are none when it does not think.
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

/// The first port of a lab's servers; below the ephemeral ports, so nobody can be given it.
const FIRST_PORT: u16 = 8080;

/// The longest any lab waits for one thing unless it says otherwise.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// See [`Stage::keep_frames`].
const FRAMES_KEPT: usize = 4096;

/// Frames taken from one port together.
const BATCH: usize = 64;

/// Batches taken from one port before the others are looked at again.
const BATCHES: usize = 8;

/// No frame on a lab's wire is longer: offloads are off, and the MTU is at most 9,000 bytes.
const FRAME_AT_MOST: usize = 9216;

/// A frame that waits on the wire.
#[derive(Debug)]
struct Waiting {
    /// When it goes on; none until it is released.
    due: Option<Duration>,
    fabric: usize,
    port: usize,
    from: usize,
    number: u64,
    bytes: Vec<u8>,
}

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
    waiting: VecDeque<Waiting>,
    delay: Option<Duration>,
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
            waiting: VecDeque::new(),
            delay: None,
            started: Instant::now(),
            watch_states: true,
            keep_frames: FRAMES_KEPT,
            patience: PATIENCE,
            audience,
            repeats: Repeats::default(),
            frames: 0,
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

    /// Every frame that no rule stops takes this long on the wire, in each direction; order is kept.
    pub fn delay(&mut self, one_way: Option<Duration>) {
        self.delay = one_way;
    }

    /// Says what the lab does next.
    ///
    /// # Errors
    /// As [`Stage::turn`].
    pub fn note(&mut self, text: Words) -> Result<(), LabError> {
        self.record(What::Note { text })
    }

    /// Adds what the lab teaches, with the numbers behind it.
    pub fn finding(&mut self, statement: Words, seen: bool, measured: impl Into<String>) {
        self.observation.findings.push(Finding { statement, seen, measured: measured.into() });
    }

    /// Begins a call on a program and returns at once; the wire does not move meanwhile.
    ///
    /// # Errors
    /// As [`Stage::turn`].
    pub fn begin<T: Outcome + Send + 'static>(
        &mut self,
        program: &Program,
        call: &str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Pending<T>, LabError> {
        let id = self.next_call;
        self.next_call = id.saturating_add(1);
        self.calls.push((id, program.host, call.to_owned()));
        self.record(What::Call { host: program.host, call: call.to_owned() })?;
        Ok(program.begin(id, &self.inbox, work))
    }

    /// Moves frames until the call comes back.
    ///
    /// # Errors
    /// [`LabError::Late`] when it does not, and as [`Stage::turn`].
    #[expect(clippy::needless_pass_by_value, reason = "a call is waited for once")]
    pub fn finish<T>(&mut self, pending: Pending<T>) -> Result<T, LabError> {
        let call = self.calls.iter().find(|(id, ..)| *id == pending.id).map(|(.., call)| call.clone());
        let mut result = None;
        self.until(call.as_deref().unwrap_or("the call"), self.patience, |stage| {
            let open = stage.calls.iter().any(|(id, ..)| *id == pending.id);
            if !open && result.is_none() {
                result = pending.result.try_recv().ok();
            }
            !open
        })?;
        let late = || LabError::Late { waited_for: call.clone().unwrap_or_default(), patience: self.patience };
        result.or_else(|| pending.result.try_recv().ok()).ok_or_else(late)
    }

    /// Makes a call and moves frames until it comes back.
    ///
    /// # Errors
    /// As [`Stage::finish`].
    pub fn call<T: Outcome + Send + 'static>(
        &mut self,
        program: &Program,
        call: &str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, LabError> {
        let pending = self.begin(program, call, work)?;
        self.finish(pending)
    }

    /// Moves frames until `done`.
    ///
    /// # Errors
    /// [`LabError::Late`] after `patience`, and as [`Stage::turn`].
    pub fn until(
        &mut self,
        waited_for: &str,
        patience: Duration,
        mut done: impl FnMut(&mut Self) -> bool,
    ) -> Result<(), LabError> {
        let mut deadline = self.now().saturating_add(patience);
        while !done(self) {
            let before = self.now();
            if before >= deadline {
                return Err(LabError::Late { waited_for: waited_for.to_owned(), patience });
            }
            let thought = self.turn(deadline.saturating_sub(before).min(POLL_AGAIN))?;
            // Time in which somebody thought is not the kernels' time.
            deadline = deadline.saturating_add(thought);
        }
        Ok(())
    }

    /// Moves frames for as long as there are any, and until nothing moved for `quiet`.
    ///
    /// # Errors
    /// As [`Stage::turn`].
    pub fn settle(&mut self, quiet: Duration) -> Result<(), LabError> {
        let start = self.now();
        self.last_activity = self.last_activity.max(start);
        self.until("silence on the wire", self.patience, |stage| {
            stage.now().saturating_sub(stage.last_activity) >= quiet && stage.waiting.iter().all(|w| w.due.is_none())
        })
    }

    /// Moves frames for this time.
    ///
    /// # Errors
    /// As [`Stage::turn`].
    pub fn pass_time(&mut self, time: Duration) -> Result<(), LabError> {
        let end = self.now().saturating_add(time);
        self.until("the end of a pause", time.saturating_add(PATIENCE), |stage| stage.now() >= end)
    }

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

    /// Frames that arrived at the wire so far.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Frames that are held now.
    pub fn held(&self) -> usize {
        self.waiting.iter().filter(|frame| frame.due.is_none()).count()
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

    /// Waits at most `wait` for something to happen, and handles what did: frames, due frames, calls that came back.
    /// Returns how long the audience thought.
    ///
    /// # Errors
    /// The kernel's refusal, or [`LabError::Left`].
    pub fn turn(&mut self, wait: Duration) -> Result<Duration, LabError> {
        self.audience.stays()?;
        self.wait(wait)?;
        let began = Instant::now();
        for returned in self.inbox.take() {
            let Some(at) = self.calls.iter().position(|(id, ..)| *id == returned.id) else { continue };
            let (_, host, call) = self.calls.remove(at);
            self.record(What::Return { host, call, result: returned.result })?;
        }
        self.deliver_due()?;
        for fabric in 0..self.fabrics.len() {
            let ports = self.fabrics.get(fabric).map_or(0, |fabric| fabric.ports.len());
            for port in 0..ports {
                self.receive(fabric, port)?;
            }
        }
        Ok(if self.audience.thinks() { began.elapsed() } else { Duration::ZERO })
    }

    fn wait(&self, wait: Duration) -> Result<(), LabError> {
        let next = self.waiting.iter().filter_map(|frame| frame.due).min();
        let wait = next.map_or(wait, |due| due.saturating_sub(self.now()).min(wait));
        let mut watched = vec![PollFd::new(self.inbox.as_fd(), PollFlags::POLLIN)];
        let ports = self.fabrics.iter().flat_map(|fabric| &fabric.ports);
        watched.extend(ports.map(|port| PollFd::new(port.as_fd(), PollFlags::POLLIN)));
        // Rounded up: a wait of 0 ms until the moment of a delayed frame would be a busy loop.
        let milliseconds = i32::try_from(wait.as_micros().div_ceil(1000)).unwrap_or(i32::MAX);
        match poll(&mut watched, PollTimeout::try_from(milliseconds).unwrap_or(PollTimeout::MAX)) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(OsError::new("poll", "the wire", errno).into()),
        }
    }

    fn receive(&mut self, fabric: usize, port: usize) -> Result<(), LabError> {
        let Some(mut batch) = self.batch.take() else { return Ok(()) };
        let mut result = Ok(true);
        for _ in 0..BATCHES {
            result = self.receive_batch(fabric, port, &mut batch);
            if !matches!(result, Ok(true)) {
                break;
            }
        }
        self.batch = Some(batch);
        result.map(drop)
    }

    /// Takes the frames that are there from one port; whether there may be more.
    fn receive_batch(&mut self, fabric: usize, port: usize, batch: &mut Batch) -> Result<bool, LabError> {
        let Some(from) = self.fabrics.get(fabric).and_then(|fabric| fabric.ports.get(port)) else { return Ok(false) };
        let (host, more) = (from.host, from.receive(batch)?);
        if self.nobody_looks() {
            self.pass_on(fabric, port, batch)?;
            return Ok(more);
        }
        for bytes in batch.frames() {
            self.frame(Waiting { due: None, fabric, port, from: host, number: 0, bytes: bytes.to_vec() })?;
        }
        Ok(more)
    }

    /// Whether nothing depends on single frames, so that they can be passed on together.
    fn nobody_looks(&self) -> bool {
        let quiet = self.rules.is_empty() && self.delay.is_none() && self.waiting.is_empty();
        quiet && !self.watch_states && !self.audience.thinks() && self.observation.events.len() >= self.keep_frames
    }

    fn pass_on(&mut self, fabric: usize, port: usize, batch: &Batch) -> Result<(), LabError> {
        let Some(fabric) = self.fabrics.get_mut(fabric) else { return Ok(()) };
        let mut leaving = vec![Vec::new(); fabric.ports.len()];
        for frame in batch.frames() {
            self.frames = self.frames.saturating_add(1);
            self.observation.frames_not_kept = self.observation.frames_not_kept.saturating_add(1);
            for to in fabric.route(port, frame) {
                if let Some(frames) = leaving.get_mut(to) {
                    frames.push(frame);
                }
            }
        }
        for (port, frames) in fabric.ports.iter().zip(&leaving).filter(|(_, frames)| !frames.is_empty()) {
            port.send_all(frames)?;
            self.last_activity = self.started.elapsed();
        }
        Ok(())
    }

    /// A frame arrived at the wire: its fate is decided and carried out.
    fn frame(&mut self, mut frame: Waiting) -> Result<(), LabError> {
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

    /// Whether the audience may hold frames up.
    pub(super) fn audience_thinks(&self) -> bool {
        self.audience.thinks()
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

    fn deliver_due(&mut self) -> Result<(), LabError> {
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

    fn record(&mut self, what: What) -> Result<(), LabError> {
        let at = self.now();
        let states = if self.watch_states { self.look()? } else { Vec::new() };
        let event = Event { at, what, states };
        self.audience.saw(&self.observation, &event)?;
        self.observation.events.push(event);
        Ok(())
    }
}

/// A condition that no event announces, such as a timer in a kernel, is asked for again after this.
const POLL_AGAIN: Duration = Duration::from_millis(20);
