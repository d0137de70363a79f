//! Lab: "Address already in use". What keeps a server from binding its address again, what cures that, and what is only
//! said to.
//!
//! One experiment with two front doors: `lab run reuse` shows it as a ladder, `reuse-demo` as tables. It runs on loopback
//! without privilege; the settings are tried in a private network namespace.

mod experiment;
mod lessons;
mod matrix;
mod server;
mod settings;
mod story;

use std::time::Duration;

use serde::Serialize;

pub use crate::lab::place::Left;
pub use experiment::LAB;
pub use lessons::{Lesson, Seen};
pub use matrix::{Binds, CASES, Case, Cell, HEART, Row, row};
pub use server::{Attempt, Choice, Remains};
pub use settings::{ConnectTrial, RestartTrial, Setting, Timers, Trials, try_out};
pub use story::{Act, Restart};

use story::Players;

use crate::kernel::{OsError, sysctl};
use crate::lab::observation::Words;
use crate::lab::place::Place;
use crate::lab::program::{self, Outcome};
use crate::lab::stage::{LabError, Stage};
use crate::lab::topology::Neighbours;

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Observation {
    /// What was seen on loopback.
    #[serde(flatten)]
    pub loopback: Loopback,
    /// What came of changing the settings; none where that could not be tried.
    pub trials: Option<Trials>,
    /// Why it could not be tried.
    pub not_tried: Option<String>,
    /// What follows, checked against what was seen.
    pub lessons: Vec<Lesson>,
}

/// What was seen on the loopback of the calling thread's network namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Loopback {
    /// The kernel's release, such as `6.18.44`.
    pub kernel: String,
    /// A restart after a server without `SO_REUSEADDR`, then after one with it.
    pub story: Vec<Act>,
    /// Every case of [`CASES`].
    pub matrix: Vec<Row>,
    /// How `listen()` fared on the first of two sockets bound with `SO_REUSEADDR` to one address, of which the second
    /// listens already.
    pub second_to_listen: Attempt,
    /// Whether, of two UDP sockets with `SO_REUSEADDR` on one port, the second gets what is sent to it.
    pub second_udp_socket_gets_the_datagrams: bool,
    /// Whether a listener of Rust's standard library has `SO_REUSEADDR` without being told.
    pub rust_listener_sets_it: bool,
    /// The settings that are recommended against TIME-WAIT, as they are here.
    pub settings: Vec<Setting>,
    /// TIME-WAIT entries that the lab leaves; the kernel removes them within a minute.
    pub time_wait_left_behind: usize,
}

/// How often what another program's use of the port may have disturbed is tried at most, each time on another port.
const TRIES: u32 = 3;

/// Does `once` until it succeeds, at most [`TRIES`] times.
fn undisturbed<T, E>(mut once: impl FnMut() -> Result<T, E>) -> Result<T, E> {
    (1..TRIES).find_map(|_| once().ok()).map_or_else(once, Ok)
}

/// On a busy machine the matrix takes longer than any single call.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs the experiment: the story between two hosts of the stage, the matrix on the loopback of the server's.
///
/// # Errors
/// A call that should have worked whatever is set, failing three times.
pub fn observe(stage: &mut Stage<'_>) -> Result<Loopback, LabError> {
    let [client, server] = stage.pair(Neighbours::Known)?;
    let players = Players { client: stage.program(client), server: stage.program(server) };
    let mut story = Vec::new();
    for old_set in [false, true] {
        stage.note(story::title(old_set))?;
        story.push(story::act(stage, &players, old_set)?);
    }
    stage.note(Words {
        en: "every case: 72 restarts on loopback, each on its port",
        zh: "所有情况:在环回上重启 72 次,每次用不同的端口",
    })?;
    (stage.watch_states, stage.patience) = (false, PATIENCE);
    let cases = stage.call(&players.server, "72 x bind(), listen(5)", Cases::try_all)??;
    let Cases { matrix, second_to_listen, second_udp_socket_gets_the_datagrams, left_behind } = cases;
    Ok(Loopback {
        kernel: sysctl::read("kernel.osrelease").unwrap_or_default(),
        time_wait_left_behind: left_behind + story.len(),
        story,
        matrix,
        second_to_listen,
        second_udp_socket_gets_the_datagrams,
        rust_listener_sets_it: server::rust_listener_sets_it()?,
        settings: settings::read(),
    })
}

/// Everything but the story.
struct Cases {
    matrix: Vec<Row>,
    second_to_listen: Attempt,
    second_udp_socket_gets_the_datagrams: bool,
    left_behind: usize,
}

impl Cases {
    fn try_all() -> Result<Self, OsError> {
        let mut place = Place::loopback()?;
        Ok(Cases {
            matrix: CASES.into_iter().map(|case| row(&mut place, case)).collect::<Result<_, _>>()?,
            left_behind: place.left_behind()?,
            second_to_listen: undisturbed(|| server::second_to_listen(&mut place))?,
            second_udp_socket_gets_the_datagrams: undisturbed(|| {
                server::second_udp_socket_gets_the_datagrams(&mut place)
            })?,
        })
    }
}

impl Outcome for Result<Cases, OsError> {
    fn told(&self) -> String {
        match self {
            Ok(cases) => {
                let cells = || cases.matrix.iter().flat_map(|row| &row.cells);
                let works = cells().filter(|cell| cell.attempt.succeeded()).count();
                format!("{works} ok, {} not", cells().count().saturating_sub(works))
            }
            Err(error) => program::errno(&error.errno.into()),
        }
    }
}

impl Observation {
    /// Draws the lessons from what was seen; `trials` is what [`try_out`] gave, or why it was not called.
    pub fn new(loopback: Loopback, trials: Result<Trials, String>) -> Self {
        let lessons = lessons::all(&loopback, trials.as_ref().ok());
        let (trials, not_tried) = match trials {
            Ok(trials) => (Some(trials), None),
            Err(why) => (None, Some(why)),
        };
        Observation { loopback, trials, not_tried, lessons }
    }

    /// Whether every lesson that could be tried was seen on this kernel.
    pub fn holds(&self) -> bool {
        self.lessons.iter().all(|lesson| lesson.seen != Seen::No)
    }
}
