//! All experiments, several at a time: each has hosts of its own, and most of their time they wait.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::claim::{Claim, Verdict};
use super::ground::{Ground, Untried};
use crate::lab::experiment::Floor;

/// Experiments at one time.
const WORKERS: usize = 6;

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

/// Tries the statements and returns what came of each, in the same order. `progress` is told how many are done.
pub fn run(ground: Ground, chosen: &[(Floor, &'static Claim)], mut progress: impl FnMut(usize)) -> Vec<Judged> {
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    let mut judged: Vec<(usize, Judged)> = thread::scope(|scope| {
        for _ in 0..WORKERS.min(chosen.len()) {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                while let Some((at, chosen)) = take(next, chosen) {
                    // The receiver lives until the last sender is gone.
                    let _ = sender.send((at, judge(ground, chosen)));
                }
            });
        }
        drop(sender);
        receiver.iter().enumerate().inspect(|(done, _)| progress(done + 1)).map(|(_, judged)| judged).collect()
    });
    judged.sort_by_key(|(at, _)| *at);
    judged.into_iter().map(|(_, judged)| judged).collect()
}

fn take<'a, T>(next: &AtomicUsize, all: &'a [T]) -> Option<(usize, &'a T)> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    all.get(at).map(|item| (at, item))
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
