//! All experiments, several at a time: each has hosts of its own, and most of their time they wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::claim::{Claim, Verdict};
use super::ground::{Ground, Untried};
use crate::bytes::order;
use crate::lab::experiment::Floor;

/// Experiments at one time.
const WORKERS: usize = 6;
/// Whether to go on is asked at least so often.
const LOOK_UP: Duration = Duration::from_millis(50);

/// A statement and what came of it.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The layer that it is about.
    pub floor: Floor,
    /// The statement.
    pub claim: &'static Claim,
    /// What is to be said of it.
    pub verdict: Verdict,
    /// The numbers, calls and states behind the verdict, in no language; empty without an experiment.
    pub measured: String,
    /// Why there is no verdict; none where there is one.
    pub reason: Option<String>,
    /// How long the experiment took.
    pub duration: Duration,
}

impl Judged {
    /// Whether the verdict is the one that the text explains; of what could not be tried nothing else was seen.
    pub fn as_explained(&self) -> bool {
        self.verdict == Verdict::NotTried || self.verdict.is(self.claim.expected)
    }
}

/// Tries the statements and returns what came of each, in the same order. `goes_on` is told how many are done, often;
/// when it says no, those that are not done are left out. Those whose experiment broke off have no verdict.
pub fn run(ground: Ground, chosen: &[(Floor, &'static Claim)], mut goes_on: impl FnMut(usize) -> bool) -> Vec<Judged> {
    let waiting = Arc::new((AtomicUsize::new(0), chosen.to_vec()));
    let (sender, receiver) = mpsc::channel();
    for _ in 0..WORKERS.min(chosen.len()) {
        let (sender, waiting) = (sender.clone(), Arc::clone(&waiting));
        // Not scoped: who goes does not wait for what has begun.
        thread::spawn(move || {
            while let Some((at, chosen)) = take(&waiting) {
                // Nobody listens any more after the end.
                let _ = sender.send((at, judge(ground, &chosen)));
            }
        });
    }
    drop(sender);
    let mut judged: Vec<(usize, Judged)> = Vec::new();
    while goes_on(judged.len()) {
        match receiver.recv_timeout(LOOK_UP) {
            Ok(one) => judged.push(one),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                let done: Vec<usize> = judged.iter().map(|(at, _)| *at).collect();
                let lost = chosen.iter().enumerate().filter(|(at, _)| !done.contains(at));
                judged.extend(lost.map(|(at, chosen)| (at, broken_off(chosen))));
                break;
            }
        }
    }
    order::by_key(&mut judged, |(at, _)| *at);
    judged.into_iter().map(|(_, judged)| judged).collect()
}

fn take<T: Copy>((next, all): &(AtomicUsize, Vec<T>)) -> Option<(usize, T)> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    all.get(at).map(|item| (at, *item))
}

/// What there is to say where a worker is gone and told nothing.
fn broken_off(&(floor, claim): &(Floor, &'static Claim)) -> Judged {
    let reason = Some("the experiment broke off".to_owned());
    Judged { floor, claim, verdict: Verdict::Unclear, measured: String::new(), reason, duration: Duration::ZERO }
}

fn judge(ground: Ground, &(floor, claim): &(Floor, &'static Claim)) -> Judged {
    let begun = Instant::now();
    let attempt = (claim.attempt)(ground);
    let duration = begun.elapsed();
    let (verdict, measured, reason) = match attempt {
        Ok(found) => (found.verdict(), found.measured().to_owned(), None),
        Err(why @ Untried::Broken(_)) => (Verdict::Unclear, String::new(), Some(why.to_string())),
        Err(why) => (Verdict::NotTried, String::new(), Some(why.to_string())),
    };
    Judged { floor, claim, verdict, measured, reason, duration }
}

#[cfg(test)]
mod tests {
    use super::super::claim::{Expected, Found};
    use super::*;
    use crate::lab::observation::Words;

    const NOTHING: Words = Words { en: "", zh: "" };
    static QUICK: Claim = Claim {
        id: "quick",
        articles: &[],
        statement: NOTHING,
        expected: Expected::Holds,
        why: NOTHING,
        attempt: |_| Ok(Found::whether(true, "")),
    };
    static ENDLESS: Claim = Claim {
        id: "endless",
        attempt: |_| {
            loop {
                thread::park();
            }
        },
        ..QUICK
    };

    #[test]
    fn an_experiment_that_panics_is_unclear_and_nobody_is_said_to_have_left() {
        static PANICS: Claim = Claim { id: "panics", attempt: |_| panic!("on purpose"), ..QUICK };
        let chosen = [(Floor::Link, &PANICS), (Floor::Link, &QUICK)];
        let judged = run(Ground::on_loopback(), &chosen, |_| true);
        let verdicts: Vec<_> = judged.iter().map(|judged| (judged.claim.id, judged.verdict)).collect();
        assert_eq!(verdicts, [("panics", Verdict::Unclear), ("quick", Verdict::Holds)]);
        assert_eq!(judged[0].reason.as_deref(), Some("the experiment broke off"));
    }

    #[test]
    fn who_goes_gets_what_was_done_and_waits_for_nobody() {
        let chosen = [(Floor::Link, &ENDLESS), (Floor::Link, &QUICK)];
        let judged = run(Ground::on_loopback(), &chosen, |done| done == 0);
        assert_eq!(judged.iter().map(|judged| judged.claim.id).collect::<Vec<_>>(), ["quick"]);
    }
}
