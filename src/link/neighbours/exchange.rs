//! The exchange itself: who is asked when, and what becomes of what is heard.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use super::{Answer, Claim, Event, Heard, Outcome, Plan, Wire};
use crate::bytes::Mac;
use crate::kernel::OsError;

/// Asks for every one of `targets` and tells what happens; each try asks only those that are silent so far.
///
/// # Errors
/// The kernel's refusal to send or receive.
pub fn ask<W: Wire + ?Sized>(
    wire: &mut W,
    targets: &[IpAddr],
    plan: &Plan,
    tell: impl FnMut(Event),
) -> Result<Outcome, OsError> {
    let begin = wire.now();
    let mut exchange = Exchange::new(wire, targets, plan, tell);
    let stopped = exchange.run()? == Flow::Stop;
    let Exchange { outcome, targets, .. } = exchange;
    let silent = targets.iter().filter(|target| target.stations.is_empty()).count() as u64;
    let elapsed = wire.now().saturating_sub(begin);
    Ok(Outcome { silent, stopped, elapsed, ..outcome })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Continue,
    Stop,
}

/// One address and what is known of it.
struct Target {
    address: IpAddr,
    /// When it was asked last, and how often.
    asked: Option<(Duration, u32)>,
    /// Who claims it.
    stations: Vec<Mac>,
    /// No further question is needed: it was confirmed or given up.
    settled: bool,
}

/// Waits end a little late, which questions sent closer together make up for; what is later than this stays late.
const CATCH_UP: Duration = Duration::from_millis(10);

/// Stations told apart for one address. More than a few are a flood, not a conflict.
const MOST_STATIONS: usize = 8;

struct Exchange<'a, W: ?Sized, T> {
    wire: &'a mut W,
    plan: &'a Plan,
    tell: T,
    targets: Vec<Target>,
    places: HashMap<IpAddr, usize>,
    unsettled: usize,
    slowest: Duration,
    outcome: Outcome,
}

impl<'a, W: Wire + ?Sized, T: FnMut(Event)> Exchange<'a, W, T> {
    fn new(wire: &'a mut W, targets: &[IpAddr], plan: &'a Plan, tell: T) -> Self {
        let fresh = |address: &IpAddr| Target { address: *address, asked: None, stations: Vec::new(), settled: false };
        Exchange {
            wire,
            plan,
            tell,
            targets: targets.iter().map(fresh).collect(),
            places: targets.iter().enumerate().map(|(place, address)| (*address, place)).collect(),
            unsettled: targets.len(),
            slowest: Duration::ZERO,
            outcome: Outcome::default(),
        }
    }

    fn run(&mut self) -> Result<Flow, OsError> {
        for number in 1..=self.plan.tries.max(1) {
            if self.ask_silent(number)? == Flow::Stop || self.listen(self.patience(), true)? == Flow::Stop {
                return Ok(Flow::Stop);
            }
            if self.unsettled == 0 {
                break;
            }
        }
        if self.outcome.answers.is_empty() {
            return Ok(Flow::Continue);
        }
        self.listen(self.plan.linger, false)
    }

    fn ask_silent(&mut self, number: u32) -> Result<Flow, OsError> {
        let mut next = self.wire.now();
        for place in 0..self.targets.len() {
            if self.targets[place].settled {
                continue;
            }
            if self.listen_until(next, false)? == Flow::Stop {
                return Ok(Flow::Stop);
            }
            let target = self.targets[place].address;
            let sent = self.wire.ask(target)?;
            self.targets[place].asked = Some((sent, number));
            self.outcome.asked += 1;
            (self.tell)(Event::Asked { target, number });
            next = next.max(self.wire.now().saturating_sub(CATCH_UP)) + self.plan.interval;
        }
        Ok(Flow::Continue)
    }

    /// How long to wait for the answers of a try.
    fn patience(&self) -> Duration {
        match self.slowest {
            Duration::ZERO => self.plan.timeout,
            slowest => (slowest * 4).max(self.plan.at_least).min(self.plan.timeout),
        }
    }

    fn listen(&mut self, time: Duration, until_settled: bool) -> Result<Flow, OsError> {
        self.listen_until(self.wire.now() + time, until_settled)
    }

    fn listen_until(&mut self, until: Duration, until_settled: bool) -> Result<Flow, OsError> {
        /// Claims taken after the time is over. A wire full of claims must not hold the questions up.
        const LATE: u32 = 64;
        let mut late = 0;
        while late < LATE && !(until_settled && self.unsettled == 0) {
            match self.wire.hear(until)? {
                Heard::Claim(claim) => self.claimed(claim),
                Heard::GaveUp(address) => self.gave_up(address),
                Heard::Silence => return Ok(Flow::Continue),
                Heard::Stopped => return Ok(Flow::Stop),
            }
            late += u32::from(self.wire.now() >= until);
        }
        Ok(Flow::Continue)
    }

    fn claimed(&mut self, claim: Claim) {
        if claim.mac == self.plan.own || claim.mac.is_group() {
            return;
        }
        let Some(place) = self.places.get(&claim.address).copied() else { return };
        let target = &mut self.targets[place];
        // Before it was asked nobody can have answered; such a claim is somebody else's conversation.
        let Some((asked, number)) = target.asked else { return };
        let rtt = claim.at.checked_sub(asked).filter(|rtt| !rtt.is_zero());
        let Claim { address, mac, frame_source, confirmed, .. } = claim;
        let duplicate = !target.stations.is_empty();
        let answer = Answer { address, mac, frame_source, rtt, number, confirmed, duplicate };
        let is_new = !target.stations.contains(&mac) && target.stations.len() < MOST_STATIONS;
        if is_new {
            target.stations.push(mac);
            self.outcome.answers.push(answer);
        }
        if is_new || self.confirm(&answer) {
            self.slowest = self.slowest.max(rtt.unwrap_or_default());
            (self.tell)(Event::Answer(answer));
        }
        if confirmed {
            self.settle(place);
        }
    }

    /// Whether the answer confirms what was only known from before, and then takes that one's place.
    fn confirm(&mut self, answer: &Answer) -> bool {
        let same = |known: &&mut Answer| known.address == answer.address && known.mac == answer.mac;
        match self.outcome.answers.iter_mut().find(same) {
            Some(known) if answer.confirmed && !known.confirmed => {
                *known = Answer { duplicate: known.duplicate, ..*answer };
                true
            }
            _ => false,
        }
    }

    fn settle(&mut self, place: usize) {
        if !self.targets[place].settled {
            self.targets[place].settled = true;
            self.unsettled -= 1;
        }
    }

    fn gave_up(&mut self, address: IpAddr) {
        if let Some(place) = self.places.get(&address).copied() {
            self.settle(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::super::scripted::{Rule, ScriptedWire};
    use super::*;

    const OWN: Mac = Mac([2, 0, 0, 0, 0, 0xee]);
    const ONE: Mac = Mac([2, 0, 0, 0, 0, 1]);
    const TWO: Mac = Mac([2, 0, 0, 0, 0, 2]);
    const PLAN: Plan =
        Plan { own: OWN, tries: 3, timeout: ms(500), at_least: ms(100), linger: ms(100), interval: ms(1) };

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    fn target(last: u8) -> IpAddr {
        Ipv4Addr::new(192, 0, 2, last).into()
    }

    fn claim(last: u8, mac: Mac) -> Heard {
        let (address, at) = (target(last), Duration::ZERO);
        Heard::Claim(Claim { address, mac, frame_source: None, at, confirmed: true })
    }

    fn rule(last: u8, number: usize, after: u64, heard: Heard) -> Rule {
        Rule { target: target(last), number, after: ms(after), heard }
    }

    fn run(rules: impl IntoIterator<Item = Rule>, targets: &[u8]) -> (Outcome, ScriptedWire) {
        let mut wire = ScriptedWire::new(rules);
        let targets: Vec<_> = targets.iter().map(|last| target(*last)).collect();
        let outcome = ask(&mut wire, &targets, &PLAN, |_| ()).unwrap();
        (outcome, wire)
    }

    #[test]
    fn an_answer_ends_the_questions_and_has_its_round_trip_time() {
        let (outcome, wire) = run([rule(1, 1, 7, claim(1, ONE))], &[1]);
        assert_eq!((outcome.asked, outcome.answers[0].mac, outcome.answers[0].rtt), (1, ONE, Some(ms(7))));
        assert!(!outcome.answers[0].duplicate);
        assert_eq!(outcome.elapsed, ms(7) + PLAN.linger);
        assert_eq!(wire.asked.len(), 1);
    }

    #[test]
    fn silence_takes_the_stated_number_of_tries_and_no_lingering() {
        let (outcome, wire) = run([], &[1]);
        assert_eq!((outcome.asked, outcome.silent, outcome.answers.len()), (3, 1, 0));
        assert_eq!(outcome.elapsed, 3 * PLAN.timeout);
        let times: Vec<_> = wire.asked.iter().map(|(at, _)| *at).collect();
        assert_eq!(times, [ms(0), ms(500), ms(1000)]);
    }

    #[test]
    fn a_lost_question_is_repeated_and_the_time_counts_from_the_last() {
        let (outcome, _) = run([rule(1, 2, 9, claim(1, ONE))], &[1]);
        assert_eq!((outcome.asked, outcome.answers[0].number, outcome.answers[0].rtt), (2, 2, Some(ms(9))));
    }

    #[test]
    fn a_second_station_behind_the_first_is_a_duplicate() {
        let (outcome, _) = run([rule(1, 1, 5, claim(1, ONE)), rule(1, 1, 90, claim(1, TWO))], &[1]);
        let macs: Vec<_> = outcome.answers.iter().map(|a| (a.mac, a.duplicate)).collect();
        assert_eq!(macs, [(ONE, false), (TWO, true)]);
    }

    #[test]
    fn the_same_station_twice_and_the_own_station_are_no_conflict() {
        let rules = [rule(1, 1, 5, claim(1, ONE)), rule(1, 1, 6, claim(1, ONE)), rule(1, 1, 7, claim(1, OWN))];
        let (outcome, _) = run(rules, &[1]);
        assert_eq!(outcome.answers.len(), 1);
        assert_eq!(outcome.duplicates().count(), 0);
    }

    #[test]
    fn a_claim_of_a_group_address_or_for_an_address_nobody_asked_for_is_ignored() {
        let group = Mac([1, 0, 0x5e, 0, 0, 1]);
        let (outcome, _) = run([rule(1, 1, 5, claim(1, group)), rule(1, 1, 5, claim(9, ONE))], &[1]);
        assert_eq!((outcome.answers.len(), outcome.silent), (0, 1));
    }

    #[test]
    fn only_the_silent_are_asked_again() {
        let rules = [rule(1, 1, 2, claim(1, ONE)), rule(3, 3, 2, claim(3, TWO))];
        let (outcome, wire) = run(rules, &[1, 2, 3]);
        let asked: Vec<_> = wire.asked.iter().map(|(_, address)| *address).collect();
        assert_eq!(asked, [1, 2, 3, 2, 3, 2, 3].map(target));
        assert_eq!((outcome.asked, outcome.answers.len(), outcome.silent), (7, 2, 1));
    }

    #[test]
    fn questions_keep_their_distance() {
        let (_, wire) = run([], &[1, 2, 3]);
        let times: Vec<_> = wire.asked.iter().take(3).map(|(at, _)| *at).collect();
        assert_eq!(times, [ms(0), ms(1), ms(2)]);
    }

    #[test]
    fn where_answers_come_fast_silence_is_not_waited_for_long() {
        let (outcome, _) = run([rule(1, 1, 2, claim(1, ONE))], &[1, 2]);
        assert_eq!(outcome.silent, 1);
        assert!(outcome.elapsed < 3 * PLAN.timeout, "{:?}", outcome.elapsed);
    }

    #[test]
    fn a_user_who_stops_gets_what_is_known_so_far() {
        let rules = [rule(1, 1, 2, claim(1, ONE)), rule(1, 1, 3, Heard::Stopped)];
        let (outcome, wire) = run(rules, &[1, 2, 3, 4, 5, 6]);
        assert!(outcome.stopped);
        assert_eq!(outcome.answers.len(), 1);
        assert!(wire.asked.len() < 6);
    }

    #[test]
    fn what_was_known_from_before_is_replaced_by_its_confirmation() {
        let Heard::Claim(known) = claim(1, ONE) else { unreachable!() };
        let stale = Heard::Claim(Claim { confirmed: false, ..known });
        let (outcome, _) = run([rule(1, 1, 1, stale), rule(1, 1, 300, claim(1, ONE))], &[1]);
        assert_eq!(outcome.answers.len(), 1);
        assert!(outcome.answers[0].confirmed);
        let (outcome, _) = run([rule(1, 1, 1, stale)], &[1]);
        assert!(!outcome.answers[0].confirmed);
        assert_eq!(outcome.silent, 0);
    }

    #[test]
    fn an_address_that_was_given_up_is_not_waited_for() {
        let (outcome, _) = run([rule(1, 1, 20, Heard::GaveUp(target(1)))], &[1]);
        assert_eq!((outcome.asked, outcome.silent, outcome.elapsed), (1, 1, ms(20)));
    }

    #[test]
    fn a_flood_of_stations_is_counted_only_up_to_a_bound() {
        let flood = (0..200).map(|n| rule(1, 1, 1, claim(1, Mac([2, 0, 0, 0, 1, n]))));
        let (outcome, _) = run(flood, &[1]);
        assert_eq!(outcome.answers.len(), MOST_STATIONS);
    }
}
