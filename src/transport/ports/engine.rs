//! The sweep: who is asked when, and when silence is an answer.
//!
//! Popular ports come first, all hosts in turn; what was silent is asked again after the last new port. When all is
//! settled over UDP, ports known to be closed are asked once more: if they keep silent now, the host limits its ICMP
//! errors, and the silence of the others means little.

use std::collections::VecDeque;
use std::time::Duration;

use nix::errno::Errno;

use super::ledger::Ledger;
use super::pace::{Rate, Window};
use super::{Answer, Asked, Plan, Prober, Progress, Reason, State, Sweep, Woken};
use crate::kernel::OsError;
use crate::transport::services::Protocol;

/// How many tries losses may add.
pub const EXTRA_TRIES: u8 = 3;
/// More tries are made while more open ports than this are likely to be missed.
const TOLERATED: f64 = 0.01;
/// How many probes leave before answers are looked at; of few ports only one, which makes their round-trip times exact.
const BURST: usize = 64;
/// Up to so many ports are few.
const FEW: usize = 1000;
/// How often waiting probes are looked over.
const LOOK: Duration = Duration::from_millis(10);
/// How often [`Progress`] is told.
const TELL: Duration = Duration::from_millis(100);
/// Probes per second and limited host while waiting for every closed port: twice what Linux answers.
const LIMITED_RATE: f64 = 2.0;
/// After so many probes in vain, waiting for closed ports ends.
const FRUITLESS: u32 = 32;

/// Asks everything that the plan names and returns what was found. `watch` hears ten times a second how far it is.
///
/// # Errors
/// The failure of the machinery: no socket at all, no way to wait. What single probes meet is in the result.
pub fn sweep<P: Prober>(plan: &Plan, prober: &mut P, watch: &mut dyn FnMut(Progress)) -> Result<Sweep, OsError> {
    let mut run = Run::new(plan, prober);
    let mut told = run.start + TELL;
    while !run.interrupted && (run.in_flight > 0 || run.has_work()) {
        run.launch()?;
        run.listen()?;
        run.expire();
        if run.now >= told {
            told = run.now + TELL;
            watch(run.progress());
        }
    }
    Ok(run.finish())
}

/// What is to be asked.
#[derive(Clone, Copy, Debug)]
struct Turn {
    cell: u32,
    /// Whether this asks a closed port again to see whether it still answers.
    recheck: bool,
}

/// A probe under way.
#[derive(Clone, Copy, Debug)]
struct Slot {
    turn: Turn,
    sent: Duration,
    deadline: Duration,
}

/// What a sweep does, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Asks every port.
    Asking,
    /// Asks closed ports again.
    Rechecking,
    /// Asks what a limit on ICMP errors hides, or has nothing left to do.
    Confirming,
}

struct Run<'a, P> {
    plan: &'a Plan,
    prober: &'a mut P,
    ledger: Ledger<'a>,
    phase: Phase,
    /// The next cell that was never asked.
    fresh: u32,
    again: VecDeque<Turn>,
    slots: Vec<Option<Slot>>,
    free: Vec<usize>,
    in_flight: usize,
    window: Window,
    rate: Rate,
    start: Duration,
    now: Duration,
    next_look: Duration,
    answers: Vec<Answer>,
    interrupted: bool,
    probes: u64,
    tries: u8,
}

impl<'a, P: Prober> Run<'a, P> {
    fn new(plan: &'a Plan, prober: &'a mut P) -> Self {
        let rate = match (plan.rate, plan.protocol) {
            (Some(rate), _) => Rate::fixed(rate),
            (None, Protocol::Udp) => Rate::udp(),
            (None, Protocol::Tcp) => Rate::UNLIMITED,
        };
        Run {
            ledger: Ledger::new(plan),
            window: Window::new(plan.parallel),
            start: prober.now(),
            now: prober.now(),
            plan,
            prober,
            rate,
            phase: Phase::Asking,
            fresh: 0,
            again: VecDeque::new(),
            slots: Vec::new(),
            free: Vec::new(),
            in_flight: 0,
            next_look: Duration::ZERO,
            answers: Vec::new(),
            interrupted: false,
            probes: 0,
            tries: 0,
        }
    }

    fn queued(&self) -> bool {
        !self.again.is_empty() || (self.fresh as usize) < self.ledger.cells.len()
    }

    /// Whether anything is left to ask; goes on to the next phase where nothing is under way either.
    fn has_work(&mut self) -> bool {
        while !self.queued() && self.phase != Phase::Confirming {
            self.phase = if self.phase == Phase::Asking { Phase::Rechecking } else { Phase::Confirming };
            match self.phase {
                Phase::Rechecking if self.plan.protocol == Protocol::Udp => {
                    let turns = self.ledger.closed_to_recheck();
                    self.again.extend(turns.into_iter().map(|cell| Turn { cell, recheck: true }));
                }
                Phase::Confirming => self.confirm(),
                _ => {}
            }
        }
        self.queued()
    }

    fn confirm(&mut self) {
        let (silent, hosts) = self.ledger.limited();
        if self.plan.wait_closed && hosts > 0 {
            self.rate = Rate::fixed(LIMITED_RATE * hosts as f64);
            for cell in silent {
                self.ledger.reopen(cell);
                self.again.push_back(Turn { cell, recheck: false });
            }
        }
    }

    /// What was never asked comes first: asking again right after a silence would meet the same burst of losses.
    fn next(&mut self) -> Option<Turn> {
        let cell = self.fresh;
        if cell as usize == self.ledger.cells.len() {
            return self.again.pop_front();
        }
        self.fresh += 1;
        Some(Turn { cell, recheck: false })
    }

    fn launch(&mut self) -> Result<(), OsError> {
        let burst = if self.ledger.cells.len() <= FEW { 1 } else { BURST };
        for _ in 0..burst {
            self.now = self.prober.now();
            if self.in_flight >= self.window.size || !self.rate.wait(self.now).is_zero() {
                break;
            }
            let Some(turn) = self.next() else { break };
            if self.ledger.hosts[self.ledger.host_of(turn.cell)].gone {
                self.give_up(turn.cell);
            } else if !self.ask(turn)? {
                break;
            }
        }
        Ok(())
    }

    /// Settles a port of a host that is not there.
    fn give_up(&mut self, cell: u32) {
        let address = self.plan.targets[self.ledger.host_of(cell)].address;
        self.ledger.settle(cell, Reason::NoNeighbour(address), None);
    }

    /// Sends one probe; false where there is no room for it and it has to wait.
    fn ask(&mut self, turn: Turn) -> Result<bool, OsError> {
        let (host, port) = (self.ledger.host_of(turn.cell), self.ledger.port_of(turn.cell));
        let attempt = self.ledger.cells[turn.cell as usize].tries.saturating_add(u8::from(!turn.recheck));
        let slot = self.free_slot();
        let asked = self.prober.ask(slot, self.plan.targets[host].at(port), attempt);
        if let Asked::Exhausted(errno) = asked {
            self.free.push(slot);
            return self.no_room(turn, errno);
        }
        self.probes += 1;
        self.rate.spent(self.now);
        self.ledger.cells[turn.cell as usize].tries = attempt;
        self.tries = self.tries.max(attempt);
        let deadline = self.now + self.ledger.hosts[host].round_trip.patience(attempt, &self.plan.waits);
        self.slots[slot] = Some(Slot { turn, sent: self.now, deadline });
        self.in_flight += 1;
        if let Asked::Answered(reason) = asked {
            self.take(Answer { slot, reason, rtt: None });
        }
        Ok(true)
    }

    /// The slot that was free last, which is the one whose socket is still warm.
    fn free_slot(&mut self) -> usize {
        self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        })
    }

    fn no_room(&mut self, turn: Turn, errno: Errno) -> Result<bool, OsError> {
        if self.in_flight > 0 {
            self.again.push_front(turn);
            self.window.exhausted(self.in_flight);
            return Ok(false);
        }
        if matches!(errno, Errno::EMFILE | Errno::ENFILE) {
            let hint = "not one more file may be opened: raise the limit (ulimit -n)";
            return Err(OsError::new("open socket", "", errno).hint(hint));
        }
        // Alone it has no room either: that is this probe's answer.
        self.ledger.settle(turn.cell, Reason::Local(errno), None);
        Ok(true)
    }

    fn listen(&mut self) -> Result<(), OsError> {
        let timeout = self.idle_time();
        let mut answers = std::mem::take(&mut self.answers);
        self.interrupted |= self.prober.listen(timeout, &mut answers)? == Woken::Interrupted;
        self.now = self.prober.now();
        for answer in answers.drain(..) {
            self.take(answer);
        }
        self.answers = answers;
        Ok(())
    }

    /// How long nothing but an answer needs attention.
    fn idle_time(&self) -> Duration {
        let until_look = if self.in_flight == 0 { Duration::MAX } else { self.next_look.saturating_sub(self.now) };
        if self.queued() && self.in_flight < self.window.size {
            return self.rate.wait(self.now).min(until_look);
        }
        if self.in_flight == 0 { Duration::ZERO } else { until_look }
    }

    /// The end of a probe.
    fn take(&mut self, Answer { slot, reason, rtt }: Answer) {
        let Some(Slot { turn, sent, .. }) = self.slots.get_mut(slot).and_then(Option::take) else { return };
        self.release(slot);
        match reason {
            Reason::Silence => self.in_vain(turn),
            Reason::Local(_) => self.ledger.settle(turn.cell, reason, None),
            Reason::NoNeighbour(_) => {
                let host = self.ledger.host_of(turn.cell);
                let memory = &mut self.ledger.hosts[host];
                memory.gone = memory.answers == 0;
                self.ledger.settle(turn.cell, reason, None);
            }
            _ => self.answered(turn, reason, rtt.unwrap_or_else(|| self.now.saturating_sub(sent))),
        }
    }

    /// The host, or somebody on the way to it, answered.
    fn answered(&mut self, turn: Turn, reason: Reason, rtt: Duration) {
        let host = self.ledger.host_of(turn.cell);
        let first = self.ledger.cells[turn.cell as usize].tries == 1;
        let of_tcp = matches!(reason, Reason::SynAck | Reason::Reset);
        let closed_by_icmp = !of_tcp && self.ledger.state(host, &reason) == State::Closed;
        if of_tcp {
            self.ledger.tcp_answered(!first);
        }
        if of_tcp && !first {
            self.window.lost();
        } else {
            self.window.answered();
        }
        if closed_by_icmp && first {
            self.rate.unreachable();
        }
        let memory = &mut self.ledger.hosts[host];
        memory.answers += 1;
        memory.fruitless = 0;
        // A late answer over UDP may belong to an earlier question (RFC 6298 §3).
        if first || self.plan.protocol == Protocol::Tcp {
            memory.round_trip.sample(rtt);
        }
        if let Some(limit) = memory.limit.as_mut().filter(|_| turn.recheck) {
            limit.answered += u32::from(closed_by_icmp);
            return;
        }
        memory.closed_by_icmp += u32::from(closed_by_icmp);
        self.ledger.settle(turn.cell, reason, Some(rtt));
    }

    fn release(&mut self, slot: usize) {
        self.free.push(slot);
        self.in_flight -= 1;
    }

    /// Looks for probes whose time is over.
    fn expire(&mut self) {
        if self.now < self.next_look {
            return;
        }
        self.next_look = self.now + LOOK;
        for slot in 0..self.slots.len() {
            if let Some(waiting) = self.slots[slot].take_if(|waiting| waiting.deadline <= self.now) {
                self.prober.forget(slot);
                self.release(slot);
                self.in_vain(waiting.turn);
            }
        }
    }

    /// A probe without an answer: it is asked again, or silence is the answer.
    fn in_vain(&mut self, turn: Turn) {
        let host = self.ledger.host_of(turn.cell);
        let memory = &mut self.ledger.hosts[host];
        memory.fruitless += 1;
        self.window.silent();
        self.rate.silent(memory.closed_by_icmp > 0);
        if turn.recheck {
            return;
        }
        if self.may_ask_again(host, self.ledger.cells[turn.cell as usize].tries) {
            self.again.push_back(turn);
        } else {
            self.ledger.settle(turn.cell, Reason::Silence, None);
        }
    }

    fn may_ask_again(&self, host: usize, tries: u8) -> bool {
        if tries < self.plan.tries {
            return true;
        }
        if self.phase == Phase::Confirming {
            return self.ledger.hosts[host].fruitless < FRUITLESS;
        }
        let extended = self.plan.extend && tries < self.plan.tries.saturating_add(EXTRA_TRIES);
        extended && self.ledger.expected_missed(tries) >= TOLERATED
    }

    fn progress(&self) -> Progress {
        Progress {
            settled: self.ledger.settled,
            total: self.ledger.cells.len(),
            open: self.ledger.open,
            in_flight: self.in_flight,
            elapsed: self.now.saturating_sub(self.start),
        }
    }

    fn finish(mut self) -> Sweep {
        if self.phase == Phase::Rechecking {
            // The user ended the search: what it showed so far would be a guess.
            self.ledger.hosts.iter_mut().for_each(|host| host.limit = None);
        }
        Sweep {
            probes: self.probes,
            tries: self.tries,
            loss: self.ledger.loss(),
            expected_missed: self.ledger.expected_missed(self.plan.tries),
            elapsed: self.now.saturating_sub(self.start),
            interrupted: self.interrupted,
            hosts: self.ledger.into_hosts(),
        }
    }
}
