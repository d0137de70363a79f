//! The story: a server is restarted, step by step, with the article's cure and with the whole one.

use std::net::SocketAddr;

use nix::errno::Errno;
use serde::Serialize;
use socket2::Type;

use super::server::{Attempt, Choice, Remains, open, restart};
use crate::kernel::OsError;
use crate::lab::endpoint::Endpoint;
use crate::lab::observation::Words;
use crate::lab::place::Left;
use crate::lab::program::Program;
use crate::lab::sockets::Seen;
use crate::lab::stage::{LabError, Stage};
use crate::lab::tcp::{self, needed};
use crate::transport::states::State;

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

/// Who plays it.
#[derive(Debug)]
pub struct Players {
    /// The client's program.
    pub client: Program,
    /// The server's program.
    pub server: Program,
}

/// Plays the act in which the old server had set the option, or had not.
///
/// # Errors
/// Of the call that failed before the restarts, three times.
pub fn act(stage: &mut Stage<'_>, players: &Players, old_set: bool) -> Result<Act, LabError> {
    super::undisturbed(|| once(stage, players, old_set))
}

/// What the act is about.
pub fn title(old_set: bool) -> Words {
    if old_set {
        Words {
            en: "the same server, with SO_REUSEADDR before bind()",
            zh: "同样的服务器,在 bind() 之前设置 SO_REUSEADDR",
        }
    } else {
        Words { en: "a server that does not set SO_REUSEADDR", zh: "没有设置 SO_REUSEADDR 的服务器" }
    }
}

/// How the ladder tells the start of a server.
fn start(set: bool) -> &'static str {
    if set { "SO_REUSEADDR, bind(), listen(5)" } else { "bind(), listen(5)" }
}

fn once(stage: &mut Stage<'_>, Players { client, server }: &Players, old_set: bool) -> Result<Act, LabError> {
    let address = SocketAddr::new(stage.address(server.host), stage.port()?);
    let listener = Endpoint::open(stage, server, start(old_set), move || {
        let opened = open(Type::STREAM, address, Choice::ReuseAddress, old_set, true);
        opened.map_err(|error| error.errno.into())
    })?;
    let connected = Endpoint::open(stage, client, "connect()", move || tcp::connect(address))?;
    let own = needed("getsockname", connected.socket().local_addr())?.as_socket();
    listener.accept(stage)?.close_as(stage, "close(), first")?;
    connected.receive(stage, 1)?;
    connected.close(stage)?;
    listener.close_as(stage, "close(), the listening socket")?;

    let mut found = None;
    stage.until("TIME-WAIT at the server", stage.patience, |stage| {
        found = only(stage, server.host, address);
        found.is_some_and(|left| left.state == State::TimeWait)
    })?;
    let (Some(client), Some(left)) = (own, found) else {
        return Err(OsError::new("find the client of", address, Errno::ENOTCONN).into());
    };
    stage
        .note(Words {
            en: "the server is started again, without and with it", zh: "重新启动服务器,先不设置,再设置"
        })?;
    let mut restarts = Vec::new();
    for new_set in [false, true] {
        let again = move || restart(Remains::ServerClosedFirst, address, Choice::ReuseAddress, new_set);
        let attempt = stage.call(server, start(new_set), again)?;
        let still_left = only(stage, server.host, address).filter(|entry| entry.remote == left.remote);
        restarts.push(Restart { new_set, attempt, still_left });
    }
    Ok(Act { old_set, server: address, client, left, restarts })
}

/// What the kernel holds at `address`, where it is one thing.
fn only(stage: &mut Stage<'_>, host: usize, address: SocketAddr) -> Option<Left> {
    let sockets = stage.look().ok()?.into_iter().nth(host)?;
    let mut here = sockets.into_iter().filter(|socket| socket.local == address);
    let (Seen { local, remote, state, timer, .. }, None) = (here.next()?, here.next()) else { return None };
    Some(Left { state: state?, local, remote, remaining_ms: timer.map(|timer| timer.remaining_ms) })
}
