//! A world of ports that behave as a test says, with a clock that jumps from event to event.

use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;
use std::time::Duration;

use nix::errno::Errno;

use super::{Answer, Asked, Prober, Reason, Woken};
use crate::kernel::OsError;

/// How a probe goes: answered after a time, or not at all.
pub type Fate = Option<(Duration, Reason)>;

/// The scripted twin of the dialer and the datagrams.
pub struct World<F> {
    clock: Duration,
    /// What becomes of the `attempt`th probe to an address at a time.
    fate: F,
    /// How many probes fit; one more is refused with EMFILE.
    pub room: usize,
    /// When the user presses Ctrl-C.
    pub interrupt: Option<Duration>,
    /// What asking itself says to every probe, if anything.
    pub at_once: Option<Reason>,
    under_way: Vec<Option<u64>>,
    /// Whom they ask: an answer to one of two questions to the same port could not be told from the other's.
    asked: HashSet<SocketAddr>,
    due: BTreeMap<(Duration, u64), (usize, Reason)>,
    /// When what was asked, in order.
    pub log: Vec<(Duration, SocketAddr)>,
    /// The most probes that were under way at once.
    pub most: usize,
}

impl<F: FnMut(SocketAddr, u8, Duration) -> Fate> World<F> {
    pub fn new(fate: F) -> Self {
        World {
            clock: Duration::ZERO,
            fate,
            room: usize::MAX,
            interrupt: None,
            at_once: None,
            under_way: Vec::new(),
            asked: HashSet::new(),
            due: BTreeMap::new(),
            log: Vec::new(),
            most: 0,
        }
    }
}

impl<F: FnMut(SocketAddr, u8, Duration) -> Fate> Prober for World<F> {
    fn now(&self) -> Duration {
        self.clock
    }

    fn ask(&mut self, slot: usize, target: SocketAddr, attempt: u8) -> Asked {
        if let Some(reason) = self.at_once.clone() {
            return Asked::Answered(reason);
        }
        if slot >= self.room {
            return Asked::Exhausted(Errno::EMFILE);
        }
        self.under_way.resize(self.under_way.len().max(slot + 1), None);
        assert_eq!(self.under_way[slot], None, "slot {slot} is in use");
        let serial = self.log.len() as u64;
        self.under_way[slot] = Some(serial);
        self.log.push((self.clock, target));
        assert!(self.asked.insert(target), "{target} is asked already");
        self.most = self.most.max(self.asked.len());
        if let Some((delay, reason)) = (self.fate)(target, attempt, self.clock) {
            self.due.insert((self.clock + delay, serial), (slot, reason));
        }
        Asked::Sent
    }

    fn forget(&mut self, slot: usize) {
        if let Some(serial) = self.under_way[slot].take() {
            self.asked.remove(&self.log[serial as usize].1);
        }
    }

    fn listen(&mut self, timeout: Duration, answers: &mut Vec<Answer>) -> Result<Woken, OsError> {
        let next = self.due.first_key_value().map_or(Duration::MAX, |((at, _), _)| *at);
        self.clock = self.clock.max(next.min(self.clock.saturating_add(timeout)));
        while let Some(first) = self.due.first_entry().filter(|first| first.key().0 <= self.clock) {
            let ((_, serial), (slot, reason)) = first.remove_entry();
            if self.under_way[slot] == Some(serial) {
                self.forget(slot);
                answers.push(Answer { slot, reason, rtt: None });
            }
        }
        let ended = self.interrupt.is_some_and(|at| at <= self.clock);
        Ok(if ended { Woken::Interrupted } else { Woken::Normally })
    }
}

mod sweeps {
    use super::super::engine::{EXTRA_TRIES, sweep};
    use super::super::pace::Waits;
    use super::super::targets::{Choice, parse};
    use super::super::verdict::IcmpError;
    use super::super::{Plan, Progress, State, Sweep};
    use super::*;
    use crate::transport::services::Protocol;

    const MS: Duration = Duration::from_millis(1);

    fn plan(protocol: Protocol, hosts: &[&str], ports: impl IntoIterator<Item = u16>) -> Plan {
        let targets = hosts.iter().flat_map(|host| parse(host, Choice::default()).unwrap());
        let waits = if protocol == Protocol::Tcp { Waits::TCP } else { Waits::UDP };
        Plan {
            protocol,
            targets: targets.collect(),
            ports: ports.into_iter().collect(),
            tries: 3,
            extend: true,
            waits,
            rate: None,
            parallel: 20_000,
            wait_closed: false,
        }
    }

    fn run<F: FnMut(SocketAddr, u8, Duration) -> Fate>(plan: &Plan, world: &mut World<F>) -> Sweep {
        sweep(plan, world, &mut |_: Progress| {}).unwrap()
    }

    fn count(sweep: &Sweep, state: State) -> usize {
        sweep.hosts.iter().flat_map(|host| &host.ports).filter(|finding| finding.state == state).count()
    }

    fn port_unreachable(target: SocketAddr) -> Reason {
        Reason::Icmp(IcmpError { v6: false, kind: 3, code: 3, from: target.ip() })
    }

    #[test]
    fn every_port_is_found_as_it_is() {
        let plan = plan(Protocol::Tcp, &["192.0.2.1"], 1..=3);
        let mut world = World::new(|target, _, _| match target.port() {
            1 => Some((MS, Reason::SynAck)),
            2 => Some((2 * MS, Reason::Reset)),
            _ => None,
        });
        let found = run(&plan, &mut world);
        let states: Vec<_> = found.hosts[0].ports.iter().map(|f| (f.port, f.state, f.tries, f.rtt)).collect();
        let expected =
            [(1, State::Open, 1, Some(MS)), (2, State::Closed, 1, Some(2 * MS)), (3, State::Filtered, 3, None)];
        assert_eq!(states, expected);
        assert_eq!((found.probes, found.tries), (5, 3));
    }

    #[test]
    fn only_the_silent_are_asked_again() {
        let plan = plan(Protocol::Tcp, &["192.0.2.1"], 1..=1000);
        let mut world =
            World::new(|target, attempt, _| (target.port() % 10 != 0 || attempt == 2).then_some((MS, Reason::Reset)));
        let found = run(&plan, &mut world);
        assert_eq!(count(&found, State::Closed), 1000);
        assert_eq!(found.probes, 1100);
        assert!((found.loss - 0.1).abs() < 0.001);
    }

    #[test]
    fn losses_add_tries_while_open_ports_are_likely_to_be_missed() {
        let mut plan = plan(Protocol::Tcp, &["192.0.2.1"], 1..=1000);
        let lossy = |target: SocketAddr, attempt: u8, _| {
            let answer = if target.port().is_multiple_of(2) { Reason::SynAck } else { Reason::Reset };
            (attempt > 3 || target.port() % 3 == u16::from(attempt) - 1).then_some((MS, answer))
        };
        assert_eq!(count(&run(&plan, &mut World::new(lossy)), State::Filtered), 0);
        // Ports that answer the fourth try alone.
        let worse = move |target: SocketAddr, attempt: u8, now| {
            if target.port() <= 10 && attempt < 4 { None } else { lossy(target, attempt, now) }
        };
        let extended = run(&plan, &mut World::new(worse));
        assert_eq!((count(&extended, State::Filtered), extended.tries), (0, 4));
        plan.extend = false;
        assert_eq!(count(&run(&plan, &mut World::new(worse)), State::Filtered), 10);
        assert!(extended.tries <= 3 + EXTRA_TRIES);
    }

    #[test]
    fn a_silent_firewall_is_through_in_seconds_with_three_tries_for_every_port() {
        let plan = plan(Protocol::Tcp, &["192.0.2.1"], 1..=u16::MAX);
        let mut world = World::new(|_, _, _| None);
        let found = run(&plan, &mut world);
        assert_eq!(found.probes, 3 * 65_535);
        assert_eq!(world.most, 20_000);
        assert!(found.elapsed < Duration::from_millis(4500), "{:?}", found.elapsed);
    }

    #[test]
    fn the_window_follows_the_round_trip_and_is_not_capped() {
        let plan = plan(Protocol::Tcp, &["192.0.2.1"], 1..=u16::MAX);
        let found = run(&plan, &mut World::new(|_, _, _| Some((20 * MS, Reason::Reset))));
        assert!(found.elapsed < Duration::from_secs(1), "{:?}", found.elapsed);
    }

    #[test]
    fn a_host_whose_round_trip_is_long_is_heard_all_the_same() {
        let plan = plan(Protocol::Tcp, &["192.0.2.1"], [22]);
        let found = run(&plan, &mut World::new(|_, _, _| Some((450 * MS, Reason::SynAck))));
        assert_eq!(count(&found, State::Open), 1);
    }

    #[test]
    fn a_given_rate_is_kept() {
        let mut plan = plan(Protocol::Tcp, &["192.0.2.1"], 1..=1000);
        plan.rate = Some(500.0);
        let found = run(&plan, &mut World::new(|_, _, _| Some((MS, Reason::Reset))));
        assert!((1.9..2.2).contains(&found.elapsed.as_secs_f64()), "{:?}", found.elapsed);
    }

    #[test]
    fn hosts_take_turns() {
        let plan = plan(Protocol::Tcp, &["192.0.2.1", "192.0.2.2"], [80, 22]);
        let mut world = World::new(|_, _, _| Some((MS, Reason::Reset)));
        run(&plan, &mut world);
        let asked: Vec<String> = world.log.iter().map(|(_, target)| target.to_string()).collect();
        assert_eq!(asked, ["192.0.2.1:80", "192.0.2.2:80", "192.0.2.1:22", "192.0.2.2:22"]);
    }

    #[test]
    fn a_host_that_nobody_answers_for_is_given_up_and_the_others_go_on() {
        let mut plan = plan(Protocol::Tcp, &["192.0.2.1", "192.0.2.2"], 1..=1000);
        plan.waits = Waits::fixed(5000 * MS);
        plan.parallel = 100;
        let mut world = World::new(|target, _, _| {
            let gone = target.ip().to_string() == "192.0.2.1";
            Some(if gone { (3000 * MS, Reason::NoNeighbour(target.ip())) } else { (MS, Reason::Reset) })
        });
        let found = run(&plan, &mut world);
        assert_eq!(found.hosts[0].ports.len(), 1000);
        assert!(found.hosts[0].ports.iter().all(|f| matches!(f.reason, Reason::NoNeighbour(_))));
        assert!(found.hosts[1].ports.iter().all(|f| f.state == State::Closed));
        assert!(found.probes < 1300, "{} probes", found.probes);
    }

    #[test]
    fn a_machine_without_room_for_more_sockets_goes_on_with_those_it_has() {
        let plan = plan(Protocol::Tcp, &["192.0.2.1"], 1..=500);
        let mut world = World::new(|target, _, _| (target.port() != 7).then_some((MS, Reason::Reset)));
        world.room = 5;
        let found = run(&plan, &mut world);
        assert_eq!((count(&found, State::Closed), count(&found, State::Filtered), world.most), (499, 1, 5));
        world.room = 0;
        let error = sweep(&plan, &mut world, &mut |_| {}).unwrap_err();
        assert!(error.to_string().contains("ulimit -n"), "{error}");
    }

    #[test]
    fn what_this_machine_refuses_is_said_so_and_not_repeated() {
        let plan = plan(Protocol::Tcp, &["192.0.2.1"], 1..=100);
        let mut world = World::new(|_, _, _| None);
        world.at_once = Some(Reason::Local(Errno::ENETUNREACH));
        let found = run(&plan, &mut world);
        assert_eq!(found.probes, 100);
        assert!(found.hosts[0].ports.iter().all(|f| f.reason == Reason::Local(Errno::ENETUNREACH)));
    }

    #[test]
    fn ctrl_c_ends_with_what_is_known() {
        let plan = plan(Protocol::Tcp, &["192.0.2.1"], 1..=100);
        let mut world = World::new(|target, _, _| (target.port() <= 10).then_some((MS, Reason::SynAck)));
        world.interrupt = Some(50 * MS);
        let found = run(&plan, &mut world);
        assert!(found.interrupted);
        assert_eq!((found.hosts[0].ports.len(), found.hosts[0].unsettled), (10, 90));
    }

    #[test]
    fn an_answer_for_a_probe_that_is_over_is_ignored() {
        let plan = plan(Protocol::Tcp, &["192.0.2.1"], [22]);
        let mut late = 2000 * MS;
        let found =
            run(&plan, &mut World::new(move |_, _, _| Some((std::mem::replace(&mut late, MS), Reason::SynAck))));
        assert_eq!((found.hosts[0].ports[0].tries, found.hosts[0].ports[0].rtt), (2, Some(MS)));
    }

    #[test]
    fn udp_ports_all_closed_are_confirmed_at_a_thousand_per_second_or_faster() {
        let plan = plan(Protocol::Udp, &["192.0.2.1"], 1..=1000);
        let found = run(&plan, &mut World::new(|target, _, _| Some((MS, port_unreachable(target)))));
        assert_eq!(count(&found, State::Closed), 1000);
        assert!(found.elapsed < Duration::from_millis(1100), "{:?}", found.elapsed);
        assert_eq!(found.hosts[0].icmp_limit, None);
    }

    /// A host whose ports are closed, and which sends `burst` ICMP errors and then one per second, as Linux does.
    fn limited(burst: u64) -> impl FnMut(SocketAddr, u8, Duration) -> Fate {
        let mut sent = 0;
        move |target, _, now| {
            let allowed = sent < burst + now.as_secs();
            sent += u64::from(allowed);
            allowed.then_some((MS, port_unreachable(target)))
        }
    }

    #[test]
    fn a_limit_on_icmp_errors_shows_in_closed_ports_that_fall_silent() {
        let plan = plan(Protocol::Udp, &["192.0.2.1"], 1..=1000);
        let found = run(&plan, &mut World::new(limited(6)));
        let limit = found.hosts[0].icmp_limit.unwrap();
        assert_eq!(limit.asked, 8);
        assert!(limit.answered < 4, "{limit:?}");
        assert_eq!(limit.confirmed as usize, count(&found, State::Closed));
        assert!(found.elapsed < Duration::from_secs(8), "{:?}", found.elapsed);
    }

    #[test]
    fn a_firewall_that_drops_most_ports_is_no_limit_on_icmp_errors() {
        let plan = plan(Protocol::Udp, &["192.0.2.1"], 1..=1000);
        let fate = |target: SocketAddr, _, _| (target.port() <= 20).then(|| (MS, port_unreachable(target)));
        let found = run(&plan, &mut World::new(fate));
        assert_eq!(found.hosts[0].icmp_limit, None);
        assert_eq!(count(&found, State::OpenFiltered), 980);
    }

    /// A firewall through which the ports up to `last` are seen closed, 50 ms away.
    fn rejected_up_to(last: u16) -> impl FnMut(SocketAddr, u8, Duration) -> Fate {
        move |target, _, _| (target.port() <= last).then(|| (50 * MS, port_unreachable(target)))
    }

    #[test]
    fn few_closed_ports_are_asked_again_once_each() {
        let plan = plan(Protocol::Udp, &["192.0.2.1"], 1..=100);
        for closed in 1..=7 {
            let mut world = World::new(rejected_up_to(closed));
            let found = run(&plan, &mut world);
            assert_eq!(found.hosts[0].icmp_limit, None, "{closed} closed");
            let asked = world.log.iter().filter(|(_, target)| target.port() == 1).count();
            assert_eq!(asked, if closed < 4 { 1 } else { 2 }, "{closed} closed");
        }
    }

    #[test]
    fn too_few_closed_ports_to_judge_by_are_no_limit_on_icmp_errors() {
        let plan = plan(Protocol::Udp, &["192.0.2.1"], 1..=100);
        let mut left = 3;
        let thrice = move |target: SocketAddr, _, _| {
            left -= i32::from(left > -1);
            (left > -1).then(|| (MS, port_unreachable(target)))
        };
        assert_eq!(run(&plan, &mut World::new(thrice)).hosts[0].icmp_limit, None);
    }

    #[test]
    fn waiting_for_closed_ports_confirms_every_one_that_a_limit_hides() {
        let mut plan = plan(Protocol::Udp, &["192.0.2.1"], 1..=60);
        plan.wait_closed = true;
        let mut world = World::new(limited(6));
        let found = run(&plan, &mut world);
        assert_eq!(count(&found, State::Closed), 60);
        assert!((40..90).contains(&found.elapsed.as_secs()), "{:?}", found.elapsed);
    }

    #[test]
    fn waiting_for_closed_ports_ends_when_none_comes_any_more() {
        let mut plan = plan(Protocol::Udp, &["192.0.2.1"], 1..=60);
        plan.wait_closed = true;
        let mut left = 6;
        let found = run(
            &plan,
            &mut World::new(move |target, _, _| {
                left -= i32::from(left > 0);
                (left > 0).then(|| (MS, port_unreachable(target)))
            }),
        );
        assert_eq!(count(&found, State::Closed), 5);
        assert!(found.elapsed < Duration::from_secs(60), "{:?}", found.elapsed);
    }
}
