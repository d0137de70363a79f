//! Back-pressure: a host that sends faster than the wire takes it is slowed down, as by a full queue of a real interface.
//! Its programs then wait in `send()`, and nothing is lost that the wire did not choose.

use crate::kernel::OsError;
use crate::kernel::netlink::{Netlink, Pace};
use crate::link::packet_io::Backlog;

/// While the wire catches up: some frames in every millisecond, so that it never waits long for more.
const SLOW: Pace = Pace { rate: 2_500_000, per_frame: 0, burst: 16 << 10 };
/// Before a host was too fast: 32 Gbit/s, more than any passes on.
const OPEN: Pace = Pace { rate: 4_000_000_000, per_frame: 0, burst: 1 << 20 };
/// Otherwise, once a host was too fast: at most 250,000 frames in a second, 2.7 Gbit/s of the longest ones. The next time
/// then comes more slowly.
const FAST: Pace = Pace { rate: 4_000_000_000, per_frame: 16_000, burst: 1 << 20 };

/// How a host's interface sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// As fast as it can. Most labs never leave this.
    Open,
    Fast,
    Slow,
    /// This kernel has no means: what the wire cannot take is lost, and counted.
    Impossible,
}

/// What is to be done about a backlog.
fn wanted(state: State, backlog: Backlog) -> State {
    let Backlog { bytes, limit } = backlog;
    match state {
        State::Open | State::Fast if bytes > limit / 8 => State::Slow,
        State::Slow if bytes < limit / 16 => State::Fast,
        state => state,
    }
}

/// The brake of one host's interface.
#[derive(Debug)]
pub struct Brake {
    kernel: Netlink,
    interface: String,
    index: u32,
    state: State,
}

impl Brake {
    /// The brake of `interface` of the host that the calling thread is in. The interface must not be up yet: a frame that
    /// is sent while a queue takes the place of another is lost.
    ///
    /// # Errors
    /// No such interface.
    pub fn new(interface: &str) -> Result<Self, OsError> {
        let mut kernel = Netlink::open()?;
        let index = kernel.link(interface)?.index;
        let state = if kernel.shape(interface, index, OPEN).is_ok() { State::Open } else { State::Impossible };
        Ok(Brake { kernel, interface: interface.to_owned(), index, state })
    }

    /// Slows the host down, or lets it go, after so much of what it sent waits for the wire.
    pub fn adjust(&mut self, backlog: Backlog) {
        let wanted = wanted(self.state, backlog);
        if wanted == self.state {
            return;
        }
        let pace = if wanted == State::Slow { SLOW } else { FAST };
        let done = self.kernel.shape(&self.interface, self.index, pace);
        self.state = if done.is_ok() { wanted } else { State::Impossible };
    }

    /// Whether the host waits for the wire.
    pub fn is_on(&self) -> bool {
        self.state == State::Slow
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_slowed_down_early_and_let_go_late() {
        use State::{Fast, Open, Slow};
        let mut state = Open;
        let mut path = Vec::new();
        for bytes in [0, 12, 13, 12, 7, 6, 20, 26] {
            state = wanted(state, Backlog { bytes, limit: 100 });
            path.push(state);
        }
        assert_eq!(path, [Open, Open, Slow, Slow, Slow, Slow, Slow, Slow]);
        assert_eq!(wanted(Slow, Backlog { bytes: 5, limit: 100 }), Fast);
        assert_eq!(wanted(State::Impossible, Backlog { bytes: 99, limit: 100 }), State::Impossible);
    }
}
