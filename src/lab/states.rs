//! The path of states that a connection took, out of an observation.

use super::observation::Event;
use super::sockets::Seen;
use crate::transport::states::State;

/// The states that those sockets of `host` which `matches` went through, without repetitions.
pub fn passed(events: &[Event], host: usize, matches: impl Fn(&Seen) -> bool) -> Vec<State> {
    let sockets = events.iter().filter_map(|event| event.states.get(host)).flatten();
    let mut states: Vec<State> = sockets.filter(|socket| matches(socket)).filter_map(|socket| socket.state).collect();
    states.dedup();
    states
}

/// States as a path: `SYN-SENT → ESTABLISHED`.
pub fn names(states: &[State]) -> String {
    states.iter().map(ToString::to_string).collect::<Vec<_>>().join(" → ")
}
