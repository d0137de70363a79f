//! The lessons, each checked against what was seen.

use nix::errno::Errno;
use serde::Serialize;

use super::matrix::{Binds, Row};
use super::server::{Choice, Remains};
use super::settings::{Timers, Trials};
use super::{Attempt, Loopback};

/// Whether a lesson was seen on this kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Seen {
    /// It was.
    Yes,
    /// The kernel did something else.
    No,
    /// It could not be tried here.
    NotTried,
}

/// A statement and whether it was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lesson {
    /// The statement.
    pub statement: &'static str,
    /// Whether it was seen.
    pub seen: Seen,
}

/// Checks a statement about the matrix and the story.
type Check = fn(&Loopback) -> bool;

/// Checks a statement about changed settings.
type TrialCheck = fn(&Trials) -> bool;

const LESSONS: [(&str, Check); 12] = [
    ("a server that closed first leaves TIME-WAIT on its port, and bind() then fails with EADDRINUSE", |seen| {
        seen.story.iter().all(|act| act.left.remaining_ms.is_some() && act.restarts[0].attempt.address_in_use())
    }),
    ("SO_REUSEADDR on the new socket alone does not help: the old one must have had it too", |seen| {
        seen.story.first().is_some_and(|act| !act.old_set && act.restarts[1].attempt.address_in_use())
            && row(seen, Remains::ServerClosedFirst, as_expected)
    }),
    ("set on both before bind(), it works at once, with the TIME-WAIT entry still there", |seen| {
        let with = seen.story.get(1).filter(|act| act.old_set);
        with.is_some_and(|act| act.restarts[1].attempt.succeeded() && act.restarts[1].still_left.is_some())
    }),
    ("who closed first decides: after a client that closed first, bind() works without any option", |seen| {
        row(seen, Remains::ClientClosedFirst, as_expected)
    }),
    ("an open connection, CLOSE-WAIT and FIN-WAIT-2 hold the port by the same rule", |seen| {
        [Remains::Established, Remains::CloseWait, Remains::FinWait2].iter().all(|held| row(seen, *held, as_expected))
    }),
    ("a reset leaves nothing that could hold the port", |seen| {
        row(seen, Remains::Reset, as_expected) && row(seen, Remains::Nothing, as_expected)
    }),
    ("a listening server is never displaced, whatever SO_REUSEADDR says", |seen| {
        row(seen, Remains::Listening, as_expected) && seen.matrix.iter().all(never_displaced)
    }),
    (
        "set on both, two sockets may be bound to one address; only one can listen, for the other listen() fails",
        |seen| {
            let refused = &seen.second_to_listen;
            let in_use = refused.failed_call == Some("listen") && refused.errno == Some(Errno::EADDRINUSE as i32);
            row(seen, Remains::Bound, as_expected) && in_use
        },
    ),
    (
        "0.0.0.0 and 127.0.0.1 are in each other's way as one address would be; 127.0.0.1 and 127.0.0.2 are not",
        |seen| seen.matrix.iter().filter(|row| row.case.old_address != row.case.new_address).all(Row::as_expected),
    ),
    ("SO_REUSEPORT on both lets two servers listen on one port", |seen| {
        seen.matrix.iter().filter(|row| row.case.option == Choice::ReusePort).all(Row::as_expected)
    }),
    ("UDP has no TIME-WAIT; set on both, a second socket takes the port, and the datagrams, of an open one", |seen| {
        row(seen, Remains::UdpOpen, as_expected) && seen.second_udp_socket_gets_the_datagrams
    }),
    (
        "Rust's std::net::TcpListener sets SO_REUSEADDR by itself: a program may have it without a line about it",
        |seen| seen.rust_listener_sets_it,
    ),
];

const TRIAL_LESSONS: [(&str, TrialCheck); 4] = [
    ("tcp_syncookies=1, tcp_tw_reuse=1 and tcp_fin_timeout=30 together do not cure EADDRINUSE", |trials| {
        trials.restarts.first().is_some_and(|trial| trial.settings.len() == 3 && trial.attempt.address_in_use())
    }),
    ("tcp_tw_reuse at 0, 1 or 2: bind() fails all the same", |trials| {
        trials.restarts.len() == 4 && trials.restarts.iter().all(|trial| trial.attempt.address_in_use())
    }),
    ("tcp_tw_reuse is for connect(): it takes over the port of a TIME-WAIT entry older than a second", |trials| {
        let out_of_ports = |attempt: &Attempt| attempt.error.as_deref() == Some("EADDRNOTAVAIL");
        match trials.connects.as_slice() {
            [young, off, on] => out_of_ports(&young.attempt) && out_of_ports(&off.attempt) && on.attempt.succeeded(),
            _ => false,
        }
    }),
    ("tcp_fin_timeout limits FIN-WAIT-2 without a process; TIME-WAIT lasts as long as ever", |trials| {
        let limit = Timers::FIN_TIMEOUT_S * 1000;
        trials.timers.fin_wait_2_ms.is_some_and(|left| left <= limit)
            && trials.timers.time_wait_ms.is_some_and(|left| left > limit)
    }),
];

/// Every lesson, in the order in which it is told.
pub fn all(loopback: &Loopback, trials: Option<&Trials>) -> Vec<Lesson> {
    let seen = |seen| if seen { Seen::Yes } else { Seen::No };
    let mut lessons: Vec<_> =
        LESSONS.iter().map(|(statement, check)| Lesson { statement, seen: seen(check(loopback)) }).collect();
    lessons.extend(TRIAL_LESSONS.iter().map(|(statement, check)| Lesson {
        statement,
        seen: trials.map_or(Seen::NotTried, |trials| seen(check(trials))),
    }));
    let recycle = loopback.settings.iter().find(|setting| setting.name == "tcp_tw_recycle");
    lessons.push(Lesson {
        statement: "tcp_tw_recycle does not exist any more (removed in Linux 4.12)",
        seen: seen(recycle.is_some_and(|setting| setting.value.is_none())),
    });
    lessons
}

/// Whether the rows about `remains` on one address with `SO_REUSEADDR` exist and all pass `check`.
fn row(seen: &Loopback, remains: Remains, check: fn(&Row) -> bool) -> bool {
    let about = |row: &&Row| {
        row.case.remains == remains
            && row.case.option == Choice::ReuseAddress
            && row.case.old_address == row.case.new_address
    };
    let mut rows = seen.matrix.iter().filter(about).peekable();
    rows.peek().is_some() && rows.all(check)
}

fn as_expected(row: &Row) -> bool {
    row.as_expected()
}

fn never_displaced(row: &Row) -> bool {
    row.case.expected != Binds::Never || row.cells.iter().all(|cell| cell.attempt.address_in_use())
}
