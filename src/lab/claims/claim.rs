//! A statement, what was found about it, and the verdict that follows.

use serde::Serialize;

use super::ground::{Ground, Untried};
use crate::lab::observation::Words;

/// The articles that the statements are from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Article {
    /// Layers, addresses, sockets, `SO_REUSEADDR`, sticky packets, files.
    A0,
    /// Handshake, close, buffers, blocking.
    A1,
    /// The socket interface, echo, exec and the smallest web server.
    A2,
    /// UDP, framing, `socketserver`.
    A3,
    /// Sticky packets again, concurrency, the FTP exercise.
    A4,
}

/// What the text beside a statement explains; compared with the verdict, never printed in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// It is so.
    Holds,
    /// It is so under this condition and not without it. Completes "holds when".
    HoldsWhen(Words),
    /// It is not so.
    Refuted,
}

/// A statement of an article, in our words, and how it is tried.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// What `netlab claims ID` calls it.
    pub id: &'static str,
    /// The articles that say so, the first one first.
    pub articles: &'static [Article],
    /// The statement.
    pub statement: Words,
    /// What is explained.
    pub expected: Expected,
    /// Why it is so, or what is so instead.
    pub why: Words,
    /// The experiment.
    pub attempt: fn(Ground) -> Result<Found, Untried>,
}

/// What an experiment found. Both sides are looked for: that something else than the statement was seen does not prove
/// what the explanation says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    claimed: bool,
    contrary: bool,
    measured: String,
}

impl Found {
    /// Of a statement that is so or is not, with nothing in between.
    pub fn whether(claimed: bool, measured: impl Into<String>) -> Self {
        Found { claimed, contrary: !claimed, measured: measured.into() }
    }

    /// Whether what the statement says was seen (under its condition, where it has one), and whether the contrary was
    /// (without that condition).
    pub fn sides(claimed: bool, contrary: bool, measured: impl Into<String>) -> Self {
        Found { claimed, contrary, measured: measured.into() }
    }

    /// What follows.
    pub fn verdict(&self) -> Verdict {
        match (self.claimed, self.contrary) {
            (true, false) => Verdict::Holds,
            (true, true) => Verdict::HoldsWhen,
            (false, true) => Verdict::Refuted,
            (false, false) => Verdict::Unclear,
        }
    }

    /// The numbers, calls and states behind it, in no language.
    pub fn measured(&self) -> &str {
        &self.measured
    }
}

/// What is to be said of a statement on this kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// What it says was seen, and nothing against it.
    Holds,
    /// What it says was seen under a condition, and the contrary without.
    HoldsWhen,
    /// The contrary was seen.
    Refuted,
    /// Neither was seen.
    Unclear,
    /// It could not be tried here.
    NotTried,
}

impl Verdict {
    /// Whether it is what the row explains.
    pub fn is(self, expected: Expected) -> bool {
        matches!(
            (self, expected),
            (Verdict::Holds, Expected::Holds)
                | (Verdict::HoldsWhen, Expected::HoldsWhen(_))
                | (Verdict::Refuted, Expected::Refuted)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_follows_from_what_was_seen_on_both_sides() {
        assert_eq!(Found::whether(true, "").verdict(), Verdict::Holds);
        assert_eq!(Found::whether(false, "").verdict(), Verdict::Refuted);
        assert_eq!(Found::sides(true, true, "").verdict(), Verdict::HoldsWhen);
        assert_eq!(Found::sides(false, false, "").verdict(), Verdict::Unclear);
    }

    #[test]
    fn a_verdict_is_compared_with_what_is_explained() {
        let when = Expected::HoldsWhen(Words { en: "so", zh: "如此" });
        assert!(Verdict::HoldsWhen.is(when) && !Verdict::Holds.is(when));
        assert!(!Verdict::Unclear.is(Expected::Refuted) && !Verdict::NotTried.is(Expected::Holds));
    }
}
