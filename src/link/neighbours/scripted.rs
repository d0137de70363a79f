//! The scripted twin of a [`Wire`].

use std::net::IpAddr;
use std::time::Duration;

use super::{Claim, Heard, Wire};
use crate::kernel::OsError;

/// A wire that plays a script on a clock of its own.
#[derive(Clone, Debug, Default)]
pub struct ScriptedWire {
    now: Duration,
    /// What is heard, and when.
    pending: Vec<(Duration, Heard)>,
    /// How each address behaves: on which question, how long after it, and what is heard.
    rules: Vec<Rule>,
    /// The questions sent, with their times.
    pub asked: Vec<(Duration, IpAddr)>,
}

/// One line of a [`ScriptedWire`]'s script: the `number`-th question for `target` makes `heard` come `after` it.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The address asked for.
    pub target: IpAddr,
    /// Which question, from 1.
    pub number: usize,
    /// How long after the question.
    pub after: Duration,
    /// What is heard then; a claim gets its time filled in.
    pub heard: Heard,
}

impl ScriptedWire {
    /// A wire that behaves by `rules`.
    pub fn new(rules: impl IntoIterator<Item = Rule>) -> Self {
        ScriptedWire { rules: rules.into_iter().collect(), ..ScriptedWire::default() }
    }
}

impl Wire for ScriptedWire {
    fn now(&self) -> Duration {
        self.now
    }

    fn ask(&mut self, target: IpAddr) -> Result<Duration, OsError> {
        self.asked.push((self.now, target));
        let number = self.asked.iter().filter(|(_, address)| *address == target).count();
        for rule in self.rules.iter().filter(|rule| rule.target == target && rule.number == number) {
            let at = self.now + rule.after;
            let heard = match rule.heard {
                Heard::Claim(claim) => Heard::Claim(Claim { at, ..claim }),
                other => other,
            };
            self.pending.push((at, heard));
        }
        self.pending.sort_by_key(|(at, _)| *at);
        Ok(self.now)
    }

    fn hear(&mut self, until: Duration) -> Result<Heard, OsError> {
        match self.pending.first() {
            Some((at, _)) if *at <= until.max(self.now) => {
                let (at, heard) = self.pending.remove(0);
                self.now = self.now.max(at);
                Ok(heard)
            }
            _ => {
                self.now = self.now.max(until);
                Ok(Heard::Silence)
            }
        }
    }
}
