//! The matrix: everything a server may leave, against the option unset and set on the old and the new socket.

use std::net::Ipv4Addr;

use serde::Serialize;

use super::TRIES;
use super::server::{Attempt, Choice, Old, Remains, restart};
use crate::kernel::OsError;
use crate::lab::place::{Left, Place, on};

/// When the new server can bind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Binds {
    /// Whatever is set.
    Always,
    /// Only when both the old and the new socket had the option set before their `bind()`.
    BothSet,
    /// Whatever is set, never.
    Never,
}

impl Binds {
    fn with(self, old: bool, new: bool) -> bool {
        match self {
            Binds::Always => true,
            Binds::BothSet => old && new,
            Binds::Never => false,
        }
    }
}

/// One row of the matrix: a situation, and what Linux is expected to do in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Case {
    /// What the old server left.
    pub remains: Remains,
    /// The option under test.
    pub option: Choice,
    /// Address of the old server.
    pub old_address: Ipv4Addr,
    /// Address of the new server; the port is the same.
    pub new_address: Ipv4Addr,
    /// When the new server is expected to bind.
    pub expected: Binds,
}

const LOOPBACK: Ipv4Addr = Ipv4Addr::LOCALHOST;
const EVERY: Ipv4Addr = Ipv4Addr::UNSPECIFIED;

const fn same(remains: Remains, expected: Binds) -> Case {
    Case { remains, option: Choice::ReuseAddress, old_address: LOOPBACK, new_address: LOOPBACK, expected }
}

const fn other(remains: Remains, old_address: Ipv4Addr, new_address: Ipv4Addr, expected: Binds) -> Case {
    Case { old_address, new_address, ..same(remains, expected) }
}

const fn port(remains: Remains, expected: Binds) -> Case {
    Case { option: Choice::ReusePort, ..same(remains, expected) }
}

/// Every situation that is tried.
pub const CASES: [Case; 18] = [
    same(Remains::Nothing, Binds::Always),
    same(Remains::ServerClosedFirst, Binds::BothSet),
    same(Remains::ClientClosedFirst, Binds::Always),
    same(Remains::Established, Binds::BothSet),
    same(Remains::CloseWait, Binds::BothSet),
    same(Remains::FinWait2, Binds::BothSet),
    same(Remains::Reset, Binds::Always),
    same(Remains::Listening, Binds::Never),
    same(Remains::Bound, Binds::BothSet),
    other(Remains::Listening, EVERY, LOOPBACK, Binds::Never),
    other(Remains::Listening, LOOPBACK, EVERY, Binds::Never),
    other(Remains::Bound, EVERY, LOOPBACK, Binds::BothSet),
    other(Remains::Listening, LOOPBACK, Ipv4Addr::new(127, 0, 0, 2), Binds::Always),
    other(Remains::ServerClosedFirst, LOOPBACK, EVERY, Binds::BothSet),
    port(Remains::Listening, Binds::BothSet),
    port(Remains::ServerClosedFirst, Binds::BothSet),
    same(Remains::UdpOpen, Binds::BothSet),
    port(Remains::UdpOpen, Binds::BothSet),
];

/// How many of [`CASES`], from the first, are about one address and `SO_REUSEADDR` with TCP: the heart of the matter.
pub const HEART: usize = 8;

/// A situation and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The situation.
    #[serde(flatten)]
    pub case: Case,
    /// Option unset on both, on the new alone, on the old alone, set on both.
    pub cells: Vec<Cell>,
}

/// One experiment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cell {
    /// Whether the old server had set the option.
    pub old_set: bool,
    /// Whether the new server had set it.
    pub new_set: bool,
    /// The port on which it happened.
    pub port: u16,
    /// What the kernel showed at that port before the new server started.
    pub left: Vec<Left>,
    /// How the new server fared.
    #[serde(flatten)]
    pub attempt: Attempt,
    /// How often it was tried.
    pub tries: u32,
}

impl Cell {
    /// Whether it came out as `expected`.
    pub fn is(&self, expected: Binds) -> bool {
        let binds = expected.with(self.old_set, self.new_set);
        if binds { self.attempt.succeeded() } else { self.attempt.address_in_use() }
    }
}

impl Row {
    /// Whether every cell came out as expected.
    pub fn as_expected(&self) -> bool {
        self.cells.iter().all(|cell| cell.is(self.case.expected))
    }

    /// The cell for these two settings.
    pub fn cell(&self, old_set: bool, new_set: bool) -> Option<&Cell> {
        self.cells.iter().find(|cell| (cell.old_set, cell.new_set) == (old_set, new_set))
    }
}

/// Carries out all four experiments of a situation, each on a port of its own.
///
/// # Errors
/// Of a call before the new server's start that failed three times.
pub fn row(place: &mut Place, case: Case) -> Result<Row, OsError> {
    let settings = [(false, false), (false, true), (true, false), (true, true)];
    let cells = settings.into_iter().map(|(old_set, new_set)| cell(place, case, old_set, new_set));
    Ok(Row { case, cells: cells.collect::<Result<_, _>>()? })
}

fn cell(place: &mut Place, case: Case, old_set: bool, new_set: bool) -> Result<Cell, OsError> {
    undisturbed(|| once(place, case, old_set, new_set))
}

/// Does `once` until nothing disturbs it, at most [`TRIES`] times; what it then shows stands, expected or not.
fn undisturbed(mut once: impl FnMut() -> Result<(Cell, Alone), OsError>) -> Result<Cell, OsError> {
    let mut tries = 1;
    loop {
        match once() {
            Ok((cell, alone)) if tries >= TRIES || alone == Alone::Yes => return Ok(Cell { tries, ..cell }),
            Err(error) if tries >= TRIES => return Err(error),
            _ => tries += 1,
        }
    }
}

/// Whether the port had no socket but the lab's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Alone {
    Yes,
    No,
}

fn once(place: &mut Place, case: Case, old_set: bool, new_set: bool) -> Result<(Cell, Alone), OsError> {
    let port = place.port()?;
    let _old = Old::run(place, case.remains, on(case.old_address, port), case.option, old_set)?;
    let left = place.at(port)?;
    let before = place.sockets_at(port)?;
    let attempt = restart(case.remains, on(case.new_address, port), case.option, new_set);
    let alone = [before, place.sockets_at(port)?].iter().all(|count| *count == case.remains.sockets());
    let cell = Cell { old_set, new_set, port, left, attempt, tries: 1 };
    Ok((cell, if alone { Alone::Yes } else { Alone::No }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(failed_call: Option<&'static str>) -> Cell {
        let attempt = Attempt { failed_call, errno: None, error: None };
        Cell { old_set: true, new_set: true, port: 1, left: Vec::new(), attempt, tries: 1 }
    }

    #[test]
    fn what_is_not_expected_stands_unless_somebody_else_was_at_the_port() {
        for (alone, tries, fails) in [(Alone::Yes, 1, true), (Alone::No, 2, false)] {
            let mut answers = [(cell(Some("bind")), alone), (cell(None), Alone::Yes)].into_iter();
            let seen = undisturbed(|| Ok(answers.next().unwrap())).unwrap();
            assert_eq!((seen.tries, seen.is(Binds::BothSet), seen.attempt.succeeded()), (tries, !fails, !fails));
        }
    }

    #[test]
    fn a_port_that_is_never_free_of_others_ends_after_three_tries() {
        let mut count = 0;
        let seen = undisturbed(|| {
            count += 1;
            Ok((cell(None), Alone::No))
        });
        assert_eq!((seen.unwrap().tries, count), (TRIES, TRIES));
    }
}
