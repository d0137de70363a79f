//! How long TIME-WAIT lasts: the kernel's own countdown, and the setting that does not change it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::{QUIET, waiting};
use crate::kernel::OsError;
use crate::kernel::sock_diag::{Family, Query, SockDiag};
use crate::kernel::sysctl;
use crate::lab::connection;
use crate::lab::observation::{Event, Words};
use crate::lab::place::{self, Place};
use crate::lab::program::{Outcome, Program};
use crate::lab::stage::{LabError, Stage};
use crate::lab::tcp;
use crate::transport::states::State;

/// What Linux is built with (`TCP_TIMEWAIT_LEN`), and how far from it a busy machine may read it.
const TIME_WAIT: Duration = Duration::from_secs(60);
const TOLERANCE: Duration = Duration::from_secs(2);

/// Time between two looks at the countdown.
const PAUSE: Duration = Duration::from_millis(700);

/// Follows the countdown of the connection from `port`, which is in TIME-WAIT on the program's host.
pub fn countdown(stage: &mut Stage<'_>, program: &Program, port: u16) -> Result<(), LabError> {
    for _ in 0..3 {
        let left = stage.call(program, "idiag_expires", move || Left(left_at(port, Place::at)))?.0;
        tcp::needed("idiag_expires", left)?;
        stage.pass_time(PAUSE)?;
    }
    let readings = readings(&stage.observation.events, program.host, port);
    let falls = readings.windows(2).all(|pair| pair[1].1 <= pair[0].1);
    let (first, last) = (readings.first().copied(), readings.last().copied());
    // Both clocks are the machine's: what is left and what is gone add up.
    let adds_up = first.zip(last).is_some_and(|((began, whole), (at, left))| {
        near(whole, TIME_WAIT) && near(left.saturating_add(at.saturating_sub(began)), whole) && left < whole
    });
    let numbers = [first, last].iter().flatten().map(|(_, left)| seconds(*left)).collect::<Vec<_>>();
    stage.finding(
        Words { en: "TIME-WAIT counts down from 60 s", zh: "TIME-WAIT 从 60 秒倒数" },
        falls && adds_up,
        numbers.join(" … "),
    );
    Ok(())
}

/// What is left of the TIME-WAIT of `port` on the calling thread's host, as `ask` has it.
fn left_at(port: u16, ask: impl FnOnce(&mut Place, u16) -> Result<Vec<place::Left>, OsError>) -> io::Result<Duration> {
    let entries = Place::loopback().and_then(|mut place| ask(&mut place, port)).map_err(io::Error::other)?;
    Ok(entries.first().and_then(|entry| entry.remaining_ms).map(milliseconds).unwrap_or_default())
}

/// When the countdown was looked at, and what was left.
fn readings(events: &[Event], host: usize, port: u16) -> Vec<(Duration, Duration)> {
    let ours = connection::of(port);
    let sockets =
        events.iter().flat_map(|event| event.states.get(host).into_iter().flatten().map(|seen| (event.at, seen)));
    let waiting = sockets.filter(|(_, socket)| ours(socket) && socket.state == Some(State::TimeWait));
    waiting.filter_map(|(at, seen)| seen.timer.map(|timer| (at, milliseconds(timer.remaining_ms)))).collect()
}

/// Removes the entry, so that nobody has to wait for it.
pub fn shortened(stage: &mut Stage<'_>, program: &Program, port: u16) -> Result<(), LabError> {
    stage.note(Words {
        en: "nobody waits 60 s here: SOCK_DESTROY removes the entry",
        zh: "这里不等 60 秒:用 SOCK_DESTROY 删除该条目",
    })?;
    let destroyed = stage.call(program, "SOCK_DESTROY", move || destroy(port).map_err(io::Error::other))?;
    tcp::needed("SOCK_DESTROY", destroyed)?;
    stage.settle(QUIET)?;
    let left = waiting(stage, port)?.len();
    stage.finding(
        Words { en: "SOCK_DESTROY ends it at once", zh: "SOCK_DESTROY 立即结束它" },
        left == 0,
        format!("{left} left"),
    );
    Ok(())
}

/// Removes the TIME-WAIT entries of `port` from the calling thread's host.
///
/// # Errors
/// The kernel's refusal.
pub fn destroy(port: u16) -> Result<(), OsError> {
    let mut diag = SockDiag::open()?;
    let query = Query { states: State::TimeWait.mask(), port: Some(port), ..Query::all(TCP, Family::Ipv4) };
    diag.list(&query)?.value.iter().try_for_each(|entry| diag.destroy(entry))
}

/// IP protocol number.
const TCP: u8 = 6;

/// A connection over the host's own loopback under each setting, and what is left of its TIME-WAIT right after.
pub fn whatever_fin_timeout(stage: &mut Stage<'_>, program: &Program) -> Result<(), LabError> {
    stage.note(Words {
        en: "tcp_fin_timeout does not matter (over the host's own loopback)",
        zh: "tcp_fin_timeout 与它无关(连接经过主机自己的环回接口)",
    })?;
    let (mut same, mut measured) = (true, Vec::new());
    for setting in ["5", "60", "120"] {
        let call = format!("tcp_fin_timeout = {setting}; open, close");
        let left = stage.call(program, &call, move || Left(left_after_close(setting)))?.0;
        let left = tcp::needed(&call, left)?;
        same &= near(left, TIME_WAIT);
        measured.push(format!("{setting}: {}", seconds(left)));
    }
    stage.finding(
        Words { en: "60 s, whatever tcp_fin_timeout says", zh: "不论 tcp_fin_timeout 是多少,都是 60 秒" },
        same,
        measured.join(", "),
    );
    Ok(())
}

fn left_after_close(fin_timeout: &str) -> io::Result<Duration> {
    sysctl::write("net.ipv4.tcp_fin_timeout", fin_timeout).map_err(io::Error::other)?;
    let listener = tcp::listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), 1)?;
    let port =
        |socket: &socket2::Socket| Ok::<_, io::Error>(socket.local_addr()?.as_socket().map_or(0, |own| own.port()));
    let client = tcp::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port(&listener)?)))?;
    let (server, port) = (tcp::accept(&listener)?, port(&client)?);
    tcp::close(client);
    tcp::close(server);
    let left = left_at(port, |place, port| place.wait_for(port, &[State::TimeWait]))?;
    destroy(port).map_err(io::Error::other)?;
    Ok(left)
}

/// What is left of TIME-WAIT, as the ladder tells it.
struct Left(io::Result<Duration>);

impl Outcome for Left {
    fn told(&self) -> String {
        self.0.as_ref().map_or_else(crate::lab::program::errno, |left| format!("TIME-WAIT {}", seconds(*left)))
    }
}

fn near(one: Duration, other: Duration) -> bool {
    one.abs_diff(other) <= TOLERANCE
}

fn milliseconds(number: u32) -> Duration {
    Duration::from_millis(number.into())
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
