//! Lab: "Address already in use". What keeps a server from binding its address again, what cures that, and what is only
//! said to.
//!
//! Runs on loopback without privilege; the settings are tried in a private network namespace.

mod lessons;
mod matrix;
mod server;
mod settings;
mod story;

use serde::Serialize;

pub use crate::lab::place::Left;
pub use lessons::{Lesson, Seen};
pub use matrix::{Binds, CASES, Case, Cell, HEART, Row, row};
pub use server::{Attempt, Choice, Remains};
pub use settings::{ConnectTrial, RestartTrial, Setting, Timers, Trials, try_out};
pub use story::{Act, Restart};

use crate::kernel::{OsError, sysctl};
use crate::lab::place::Place;

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
fn undisturbed<T>(mut once: impl FnMut() -> Result<T, OsError>) -> Result<T, OsError> {
    (1..TRIES).find_map(|_| once().ok()).map_or_else(once, Ok)
}

/// Runs the lab on the loopback of the calling thread's network namespace.
///
/// # Errors
/// A call that should have worked whatever is set, failing three times.
pub fn observe() -> Result<Loopback, OsError> {
    let mut place = Place::loopback()?;
    let story = [false, true].into_iter().map(|old_set| story::act(&mut place, old_set)).collect::<Result<_, _>>()?;
    let matrix = CASES.into_iter().map(|case| row(&mut place, case)).collect::<Result<_, _>>()?;
    let time_wait_left_behind = place.left_behind()?;
    let kernel = sysctl::read("kernel.osrelease").unwrap_or_default();
    Ok(Loopback {
        kernel,
        story,
        matrix,
        second_to_listen: undisturbed(|| server::second_to_listen(&mut place))?,
        second_udp_socket_gets_the_datagrams: undisturbed(|| server::second_udp_socket_gets_the_datagrams(&mut place))?,
        rust_listener_sets_it: server::rust_listener_sets_it()?,
        settings: settings::read(),
        time_wait_left_behind,
    })
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
