//! What a sweep knows so far: one cell per port of each host, and what was learnt of the hosts themselves.

use crate::bytes::order;
use std::time::Duration;

use super::pace::{RoundTrip, expected_missed};
use super::{Finding, Host, IcmpLimit, Plan, Reason, State};

/// With fewer silent ports than this, a limit on ICMP errors is not looked for.
const SILENT_ENOUGH: usize = 10;
/// How many closed ports are asked again to find a limit on ICMP errors, at the most.
const RECHECKS: usize = 8;
/// With fewer closed ports than this, one lost answer or two would look like a limit.
const CLOSED_ENOUGH: usize = 4;

/// What is known of one port of one host.
#[derive(Clone, Debug, Default)]
pub(super) struct Cell {
    reason: Option<Reason>,
    /// 0 where there is none.
    rtt_us: u32,
    /// How often it was asked.
    pub(super) tries: u8,
}

/// What is known of one host.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    pub(super) round_trip: RoundTrip,
    /// Answers of any kind.
    pub(super) answers: u32,
    /// Whether nobody on the link answers for its address.
    pub(super) gone: bool,
    /// Ports that it closed by ICMP.
    pub(super) closed_by_icmp: u32,
    /// Probes in vain since the last answer.
    pub(super) fruitless: u32,
    /// The search for a limit on its ICMP errors, and what it showed.
    pub(super) limit: Option<IcmpLimit>,
}

/// Everything known. Cells are numbered port by port, so that hosts take turns.
#[derive(Debug)]
pub(super) struct Ledger<'a> {
    plan: &'a Plan,
    pub(super) cells: Vec<Cell>,
    pub(super) hosts: Vec<Memory>,
    /// Cells with a reason.
    pub(super) settled: usize,
    /// Cells found open.
    pub(super) open: usize,
    /// Answers of a TCP.
    answered: usize,
    /// Those of them that only a repeated question got.
    late: usize,
}

impl<'a> Ledger<'a> {
    pub(super) fn new(plan: &'a Plan) -> Self {
        Ledger {
            plan,
            cells: vec![Cell::default(); plan.ports.len() * plan.targets.len()],
            hosts: vec![Memory::default(); plan.targets.len()],
            settled: 0,
            open: 0,
            answered: 0,
            late: 0,
        }
    }

    pub(super) fn host_of(&self, cell: u32) -> usize {
        cell as usize % self.hosts.len()
    }

    pub(super) fn port_of(&self, cell: u32) -> u16 {
        self.plan.ports[cell as usize / self.hosts.len()]
    }

    /// The state that `reason` gives a port of `host`.
    pub(super) fn state(&self, host: usize, reason: &Reason) -> State {
        reason.state(self.plan.protocol, self.plan.targets[host].address)
    }

    /// A TCP answered, to a repeated question if `late`.
    pub(super) fn tcp_answered(&mut self, late: bool) {
        self.answered += 1;
        self.late += usize::from(late);
    }

    /// Writes down what a cell came to.
    pub(super) fn settle(&mut self, cell: u32, reason: Reason, rtt: Option<Duration>) {
        let host = self.host_of(cell);
        self.open += usize::from(self.state(host, &reason) == State::Open);
        let cell = &mut self.cells[cell as usize];
        self.settled += usize::from(cell.reason.is_none());
        cell.rtt_us = rtt.map_or(0, |rtt| u32::try_from(rtt.as_micros()).unwrap_or(u32::MAX).max(1));
        cell.reason = Some(reason);
    }

    /// The share of answers that only a repeated question got.
    pub(super) fn loss(&self) -> f64 {
        self.late as f64 / self.answered.max(1) as f64
    }

    /// How many open ports are likely to be missed when those that are silent were asked `tries` times.
    pub(super) fn expected_missed(&self, tries: u8) -> f64 {
        let silent = self.cells.len().saturating_sub(self.answered);
        expected_missed(self.loss(), tries, silent, self.open as f64 / self.answered.max(1) as f64)
    }

    fn cells_of(&self, host: usize) -> impl Iterator<Item = (u32, &Cell)> {
        let every = self.hosts.len();
        self.cells.iter().enumerate().skip(host).step_by(every).map(|(number, cell)| (number as u32, cell))
    }

    fn silent(&self, host: usize) -> impl Iterator<Item = u32> {
        self.cells_of(host).filter(|(_, cell)| cell.reason == Some(Reason::Silence)).map(|(number, _)| number)
    }

    /// Starts the search for limits on ICMP errors: returns closed ports to ask again, of hosts where many others were
    /// silent. Each is asked once: of two questions to one port at a time, one answer would stay unknown.
    pub(super) fn closed_to_recheck(&mut self) -> Vec<u32> {
        let mut turns = Vec::new();
        for host in 0..self.hosts.len() {
            let confirmed = self.hosts[host].closed_by_icmp;
            if confirmed == 0 || self.silent(host).nth(SILENT_ENOUGH - 1).is_none() {
                continue;
            }
            let closed = |cell: &Cell| cell.reason.as_ref().is_some_and(|r| self.state(host, r) == State::Closed);
            let again: Vec<u32> =
                self.cells_of(host).filter(|(_, cell)| closed(cell)).map(|(number, _)| number).take(RECHECKS).collect();
            if again.len() >= CLOSED_ENOUGH {
                self.hosts[host].limit = Some(IcmpLimit { asked: again.len() as u32, answered: 0, confirmed });
                turns.extend(again);
            }
        }
        turns
    }

    /// Ends the search: a host that answered at least half of the repeated questions has no limit that matters. Returns
    /// the silent ports of the others and how many hosts these are.
    pub(super) fn limited(&mut self) -> (Vec<u32>, usize) {
        let (mut silent, mut limited) = (Vec::new(), 0);
        for host in 0..self.hosts.len() {
            let limit = &mut self.hosts[host].limit;
            *limit = limit.filter(|limit| limit.answered * 2 < limit.asked);
            if limit.is_some() {
                limited += 1;
                silent.extend(self.silent(host));
            }
        }
        (silent, limited)
    }

    /// Takes back what a cell came to, so that it can be asked again.
    pub(super) fn reopen(&mut self, cell: u32) {
        let cell = &mut self.cells[cell as usize];
        self.settled -= usize::from(cell.reason.take().is_some());
    }

    /// What was found, host by host, ports ascending.
    pub(super) fn into_hosts(mut self) -> Vec<Host> {
        let mut ascending: Vec<usize> = (0..self.plan.ports.len()).collect();
        order::by_key(&mut ascending, |index| self.plan.ports[*index]);
        (0..self.hosts.len()).map(|host| self.host(host, &ascending)).collect()
    }

    fn host(&mut self, host: usize, ascending: &[usize]) -> Host {
        let mut ports = Vec::with_capacity(ascending.len());
        for &index in ascending {
            let cell = &mut self.cells[index * self.hosts.len() + host];
            let (tries, rtt_us) = (cell.tries, cell.rtt_us);
            let Some(reason) = cell.reason.take() else { continue };
            let rtt = (rtt_us > 0).then(|| Duration::from_micros(rtt_us.into()));
            let state = self.state(host, &reason);
            ports.push(Finding { port: self.plan.ports[index], state, reason, rtt, tries, banner: None });
        }
        let memory = &self.hosts[host];
        Host {
            target: self.plan.targets[host].clone(),
            unsettled: ascending.len() - ports.len(),
            icmp_limit: memory.limit.map(|limit| IcmpLimit { confirmed: memory.closed_by_icmp, ..limit }),
            ports,
        }
    }
}
