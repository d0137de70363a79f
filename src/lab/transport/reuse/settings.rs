//! The kernel settings that are recommended against TIME-WAIT: their values here, and what they do when tried.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde::Serialize;
use socket2::{Domain, Socket, Type};

use super::server::{Attempt, Choice, Old, Remains, open, restart};
use crate::kernel::netlink::Netlink;
use crate::kernel::{OsError, sysctl};
use crate::lab::place::{Left, Place, on};
use crate::transport::states::State;

/// The settings that article `000` recommends, by their last name.
pub const NAMES: [&str; 4] = ["tcp_syncookies", "tcp_tw_reuse", "tcp_tw_recycle", "tcp_fin_timeout"];

/// The values that the article recommends.
const RECOMMENDED: [(&str, &str); 3] = [("tcp_syncookies", "1"), ("tcp_tw_reuse", "1"), ("tcp_fin_timeout", "30")];

/// A kernel setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// Its name under `net.ipv4`.
    pub name: &'static str,
    /// Its value; none where this kernel has no such setting.
    pub value: Option<String>,
}

/// Reads the settings of the calling thread's network namespace.
pub fn read() -> Vec<Setting> {
    let value = |name: &'static str| Setting { name, value: sysctl::read(&path(name)).ok() };
    NAMES.map(value).into()
}

fn path(name: &str) -> String {
    format!("net.ipv4.{name}")
}

fn set(settings: &[(&str, &str)]) -> Result<(), OsError> {
    settings.iter().try_for_each(|(name, value)| sysctl::write(&path(name), value))
}

/// What came of changing the settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trials {
    /// Restarts without `SO_REUSEADDR` after the server closed first, each under other settings.
    pub restarts: Vec<RestartTrial>,
    /// The timers with `tcp_fin_timeout` at 5 s.
    pub timers: Timers,
    /// `connect()` from the only local port, which is in TIME-WAIT.
    pub connects: Vec<ConnectTrial>,
}

/// A restart under changed settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RestartTrial {
    /// The changed settings.
    pub settings: Vec<Setting>,
    /// The entry that the old server left.
    pub left: Option<Left>,
    /// How the new server fared.
    #[serde(flatten)]
    pub attempt: Attempt,
}

/// How long two states last with `tcp_fin_timeout` at [`Timers::FIN_TIMEOUT_S`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Timers {
    /// Time left of a FIN-WAIT-2 that no process holds, right after `close()`, ms.
    pub fin_wait_2_ms: Option<u32>,
    /// Time left of a TIME-WAIT, right after `close()`, ms.
    pub time_wait_ms: Option<u32>,
}

impl Timers {
    /// The value that was set, seconds.
    pub const FIN_TIMEOUT_S: u32 = 5;
}

/// A `connect()` to a server to which the only local port has an entry in TIME-WAIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConnectTrial {
    /// `tcp_tw_reuse` during it.
    pub tcp_tw_reuse: u8,
    /// Age of the TIME-WAIT entry, ms.
    pub age_ms: u64,
    /// How it came out.
    #[serde(flatten)]
    pub attempt: Attempt,
}

/// Tries the settings. It changes those of the calling thread's network namespace: that must be a private one, in which
/// the loopback interface may still be off.
///
/// # Errors
/// The step that failed; `EACCES` or `EPERM` where the namespace gave no right to change settings.
pub fn try_out() -> Result<Trials, OsError> {
    Netlink::open()?.set_up("lo", true)?;
    let mut place = Place::loopback()?;
    let mut restarts = vec![restart_under(&mut place, &RECOMMENDED)?];
    for reuse in ["0", "1", "2"] {
        restarts.push(restart_under(&mut place, &[("tcp_tw_reuse", reuse)])?);
    }
    Ok(Trials { restarts, timers: timers(&mut place)?, connects: connects(&mut place)? })
}

fn restart_under(place: &mut Place, settings: &[(&'static str, &str)]) -> Result<RestartTrial, OsError> {
    set(settings)?;
    let address = on(Ipv4Addr::LOCALHOST, place.port()?);
    let old = Old::run(place, Remains::ServerClosedFirst, address, Choice::ReuseAddress, false)?;
    let left = place.at(address.port())?.first().copied();
    let attempt = restart(Remains::ServerClosedFirst, address, Choice::ReuseAddress, false);
    drop(old);
    let settings = settings.iter().map(|(name, value)| Setting { name, value: Some((*value).to_owned()) }).collect();
    Ok(RestartTrial { settings, left, attempt })
}

fn timers(place: &mut Place) -> Result<Timers, OsError> {
    set(&[("tcp_fin_timeout", &Timers::FIN_TIMEOUT_S.to_string())])?;
    let mut remaining = |remains| {
        let address = on(Ipv4Addr::LOCALHOST, place.port()?);
        let _old = Old::run(place, remains, address, Choice::ReuseAddress, false)?;
        Ok(place.at(address.port())?.first().and_then(|left| left.remaining_ms))
    };
    Ok(Timers { fin_wait_2_ms: remaining(Remains::FinWait2)?, time_wait_ms: remaining(Remains::ServerClosedFirst)? })
}

/// After this time, by default a second, `tcp_tw_reuse` lets `connect()` take over an entry.
const REUSE_AGE: Duration = Duration::from_millis(1200);

/// Leaves `connect()` one local port, puts that into TIME-WAIT and connects again: at once, and when the entry is older
/// than a second with `tcp_tw_reuse` 0 and then 1.
fn connects(place: &mut Place) -> Result<Vec<ConnectTrial>, OsError> {
    let server = on(Ipv4Addr::LOCALHOST, place.port()?);
    let only = place.port()?;
    set(&[("ip_local_port_range", &format!("{only} {only}")), ("tcp_tw_reuse", "0")])?;
    let listener = open(Type::STREAM, server, Choice::ReuseAddress, false, true)?;
    let first = connect(server)?;
    drop(first);
    let accepted = listener.accept().map_err(|error| OsError::from_io("accept", server, &error))?;
    drop(accepted);
    place.wait_for(only, &[State::TimeWait])?;
    let closed = Instant::now();
    let again = |tcp_tw_reuse: u8| {
        set(&[("tcp_tw_reuse", &tcp_tw_reuse.to_string())])?;
        let age_ms = closed.elapsed().as_millis() as u64;
        Ok(ConnectTrial { tcp_tw_reuse, age_ms, attempt: Attempt::of(&connect(server)) })
    };
    let young = again(0)?;
    // The age of the entry is what is tried: nothing announces that it is reached.
    sleep(REUSE_AGE);
    Ok(vec![young, again(0)?, again(1)?])
}

fn connect(server: SocketAddr) -> Result<Socket, OsError> {
    let failed = |error: io::Error| OsError::from_io("connect", server, &error);
    let client = Socket::new(Domain::IPV4, Type::STREAM, None).map_err(failed)?;
    client.connect(&server.into()).map_err(failed)?;
    Ok(client)
}
