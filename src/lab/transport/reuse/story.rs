//! The story: a server is restarted, step by step, with the article's cure and with the whole one.

use std::net::SocketAddr;

use nix::errno::Errno;
use serde::Serialize;

use super::server::{Attempt, Choice, Old, Remains, restart};
use crate::kernel::OsError;
use crate::lab::place::{Left, Place, on};

/// One run of the server, its end, and the attempts to start it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Act {
    /// Whether the old server had set `SO_REUSEADDR` before its `bind()`.
    pub old_set: bool,
    /// The server's address.
    pub server: SocketAddr,
    /// The client's address.
    pub client: SocketAddr,
    /// What the kernel kept when both had closed.
    pub left: Left,
    /// The restarts, in order.
    pub restarts: Vec<Restart>,
}

/// One attempt to start the server again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Restart {
    /// Whether the new server set `SO_REUSEADDR` before `bind()`.
    pub new_set: bool,
    /// How it fared.
    #[serde(flatten)]
    pub attempt: Attempt,
    /// The TIME-WAIT entry after the attempt; none when it is gone.
    pub still_left: Option<Left>,
}

/// Plays the act in which the old server had set the option, or had not.
///
/// # Errors
/// Of the call that failed before the restarts, three times.
pub fn act(place: &mut Place, old_set: bool) -> Result<Act, OsError> {
    super::undisturbed(|| once(place, old_set))
}

fn once(place: &mut Place, old_set: bool) -> Result<Act, OsError> {
    let port = place.port()?;
    let server = on(std::net::Ipv4Addr::LOCALHOST, port);
    let old = Old::run(place, Remains::ServerClosedFirst, server, Choice::ReuseAddress, old_set)?;
    let left = place.wait_for(port, Remains::ServerClosedFirst.states())?;
    let (Some(client), Some(left)) = (old.client, left.first().copied()) else {
        return Err(OsError::new("find the client of", server, Errno::ENOTCONN));
    };
    let mut restarts = Vec::new();
    for new_set in [false, true] {
        let attempt = restart(Remains::ServerClosedFirst, server, Choice::ReuseAddress, new_set);
        let still_left = place.at(port)?.into_iter().find(|entry| entry.remote == left.remote);
        restarts.push(Restart { new_set, attempt, still_left });
    }
    Ok(Act { old_set, server, client, left, restarts })
}
