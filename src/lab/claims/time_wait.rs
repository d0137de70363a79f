//! What the articles say of TIME-WAIT and of the settings around it.

use std::time::Duration;

use super::claim::Article::{A0, A1};
use super::claim::{Claim, Expected, Found};
use super::ground::{Ground, Untried};
use super::local::PATIENCE;
use super::wire::QUIET;
use crate::kernel::sysctl;
use crate::lab::connection::{Connection, Ends};
use crate::lab::fate::{Fate, nth};
use crate::lab::observation::Words;
use crate::lab::segments::Direction;
use crate::lab::stage::{LabError, Stage};
use crate::lab::topology::Neighbours;
use crate::lab::transport::reuse;
use crate::transport::states::State;
use crate::transport::tcp::Flags;

pub(super) const CLAIMS: &[Claim] = &[
    Claim {
        id: "time-wait-answers-again",
        articles: &[A1],
        statement: Words {
            en: "TIME-WAIT is there to acknowledge the FIN again if the last ACK is lost.",
            zh: "TIME-WAIT 用于在最后的 ACK 丢失时重新确认 FIN。",
        },
        expected: Expected::Holds,
        why: Words {
            en: "The peer in LAST-ACK repeats its FIN; who is in TIME-WAIT answers it. Without TIME-WAIT the FIN would meet \
                 a RST.",
            zh: "处于 LAST-ACK 的对方会重发 FIN,处于 TIME-WAIT 的一方再次确认。没有 TIME-WAIT,这个 FIN 会得到 RST。",
        },
        attempt: last_ack_lost,
    },
    Claim {
        id: "time-wait-round-trip",
        articles: &[A1],
        statement: Words {
            en: "TIME-WAIT lasts 2 MSL, which is the time of a round trip.",
            zh: "TIME-WAIT 持续 2MSL,即一去一回的时间。",
        },
        expected: Expected::Refuted,
        why: Words {
            en: "Linux waits 60 seconds, compiled in, whatever the network is like. A round trip takes milliseconds.",
            zh: "Linux 固定等待 60 秒(编译时确定),与网络无关。一个往返只需要几毫秒。",
        },
        attempt: round_trip,
    },
    Claim {
        id: "fin-timeout-time-wait",
        articles: &[A0],
        statement: Words {
            en: "tcp_fin_timeout changes how long TIME-WAIT lasts.",
            zh: "tcp_fin_timeout 可以修改 TIME-WAIT 的时间。",
        },
        expected: Expected::Refuted,
        why: Words {
            en: "It is the time of FIN-WAIT-2 when no process holds the socket any more.",
            zh: "它规定的是没有进程持有套接字时 FIN-WAIT-2 的时间。",
        },
        attempt: fin_timeout,
    },
    Claim {
        id: "syncookies-off",
        articles: &[A0],
        statement: Words {
            en: "tcp_syncookies is 0 by default: switched off.",
            zh: "tcp_syncookies 默认为 0,即关闭。",
        },
        expected: Expected::Refuted,
        why: Words {
            en: "It is 1 since 2011: cookies are sent when the queue overflows.",
            zh: "2011 年起默认为 1:队列溢出时启用。",
        },
        attempt: syncookies,
    },
    Claim {
        id: "tw-reuse-off",
        articles: &[A0],
        statement: Words {
            en: "tcp_tw_reuse is 0 by default: switched off.", zh: "tcp_tw_reuse 默认为 0,即关闭。"
        },
        expected: Expected::Refuted,
        why: Words {
            en: "It is 2 since Linux 4.19: on for connections over loopback.",
            zh: "Linux 4.19 起默认为 2:只对环回连接开启。",
        },
        attempt: tw_reuse,
    },
    Claim {
        id: "tw-recycle-exists",
        articles: &[A0],
        statement: Words {
            en: "tcp_tw_recycle can be switched on to be rid of TIME-WAIT quickly.",
            zh: "可以打开 tcp_tw_recycle 来快速回收 TIME-WAIT。",
        },
        expected: Expected::Refuted,
        why: Words {
            en: "Linux 4.12 (2017) removed it: it refused clients behind one address translator at random.",
            zh: "Linux 4.12(2017 年)已删除它:它会随机拒绝同一 NAT 后面的客户端。",
        },
        attempt: tw_recycle,
    },
    Claim {
        id: "tw-reuse-reuses",
        articles: &[A0],
        statement: Words {
            en: "tcp_tw_reuse lets sockets in TIME-WAIT be used for new connections.",
            zh: "tcp_tw_reuse 允许把 TIME-WAIT 的套接字用于新的连接。",
        },
        expected: Expected::HoldsWhen(Words {
            en: "the program connects; bind() of a server gains nothing",
            zh: "程序主动 connect();对服务器的 bind() 没有作用",
        }),
        why: Words {
            en: "connect() may take over a local port after a second, because timestamps tell the old segments from the new. \
                 A server that restarts needs SO_REUSEADDR.",
            zh: "一秒之后 connect() 可以接管本地端口,因为时间戳能区分新旧报文段。重启服务器需要的是 SO_REUSEADDR。",
        },
        attempt: tw_reuse_reuses,
    },
];

const CLIENT: usize = 0;
const SERVER: usize = 1;

fn last_ack_lost(ground: Ground) -> Result<Found, Untried> {
    ground.stage(|stage| {
        let hosts = stage.pair(Neighbours::Known)?;
        let ends = Ends::new(stage, hosts)?;
        let Connection { client, server, .. } = ends.connect(stage)?;
        stage.call(&ends.client, "close()", move || drop(client))?;
        stage.settle(QUIET)?;
        let from = stage.frames();
        stage.rule(nth(1, move |frame| frame.from == hosts[CLIENT], Fate::Drop));
        stage.call(&ends.server, "close()", move || drop(server))?;
        let state = |stage: &mut Stage<'_>, host: usize| {
            let seen = stage.look().unwrap_or_default();
            seen.get(host).and_then(|sockets| sockets.iter().find(|s| s.remote.port() != 0)).and_then(|s| s.state)
        };
        stage.until("CLOSED after LAST-ACK", PATIENCE, |stage| state(stage, hosts[SERVER]).is_none())?;
        let segments = ends.segments(stage, from);
        let fins = segments.iter().filter(|s| s.flags.contains(Flags::FIN) && s.direction == Direction::RightToLeft);
        let answers = segments.iter().filter(|s| s.direction == Direction::LeftToRight);
        let (fins, all_acks) = (fins.count(), answers.clone().all(|s| s.flags == Flags::ACK));
        let waits = state(stage, hosts[CLIENT]);
        let measured = format!(
            "{fins} × FIN, {} × ACK (1 lost); {} / CLOSED",
            answers.clone().count(),
            waits.map_or("-", State::name)
        );
        let claimed = fins == 2 && answers.count() == 2 && all_acks && waits == Some(State::TimeWait);
        Ok(Found::whether(claimed, measured))
    })
}

/// Milliseconds that TIME-WAIT has left right after a close with this delay of the wire.
fn remaining(stage: &mut Stage<'_>, ends: &Ends, delay: Option<Duration>) -> Result<u32, LabError> {
    stage.delay(delay);
    let Connection { client, server, port } = ends.connect(stage)?;
    drop(client);
    stage.settle(QUIET)?;
    drop(server);
    let mut left = None;
    stage.until("TIME-WAIT", PATIENCE, |stage| {
        let seen = stage.look().unwrap_or_default();
        let waits =
            |socket: &&crate::lab::sockets::Seen| socket.state == Some(State::TimeWait) && socket.local.port() == port;
        left = seen.first().and_then(|sockets| sockets.iter().find(waits)).and_then(|socket| socket.timer);
        left.is_some()
    })?;
    Ok(left.map_or(0, |timer| timer.remaining_ms))
}

fn round_trip(ground: Ground) -> Result<Found, Untried> {
    const SLOW: Duration = Duration::from_millis(100);
    ground.stage(|stage| {
        let hosts = stage.pair(Neighbours::Known)?;
        let ends = Ends::new(stage, hosts)?;
        let [fast, slow] = [remaining(stage, &ends, None)?, remaining(stage, &ends, Some(SLOW))?];
        let minute = |ms: u32| (58_000..=61_000).contains(&ms);
        let seconds = |ms: u32| f64::from(ms) / 1e3;
        let measured = format!("RTT < 1 ms: {:.1} s; RTT 200 ms: {:.1} s", seconds(fast), seconds(slow));
        Ok(Found::sides(slow < 10_000, minute(fast) && minute(slow), measured))
    })
}

/// The settings tried by the lab `reuse`.
fn trials(ground: Ground) -> Result<reuse::Trials, Untried> {
    ground.machine(|_| Ok(reuse::try_out()?))
}

fn fin_timeout(ground: Ground) -> Result<Found, Untried> {
    let timers = trials(ground)?.timers;
    let set = reuse::Timers::FIN_TIMEOUT_S * 1000;
    let near = |ms: Option<u32>, aim: u32| ms.is_some_and(|ms| ms.abs_diff(aim) <= 2000);
    let seconds = |ms: Option<u32>| ms.map_or_else(|| "-".to_owned(), |ms| format!("{:.1} s", f64::from(ms) / 1e3));
    let (fin_wait, time_wait) = (timers.fin_wait_2_ms, timers.time_wait_ms);
    let measured = format!("tcp_fin_timeout=5: FIN-WAIT-2 {}, TIME-WAIT {}", seconds(fin_wait), seconds(time_wait));
    Ok(Found::sides(near(time_wait, set), near(fin_wait, set) && near(time_wait, 60_000), measured))
}

/// The value of a setting of a fresh machine.
fn fresh(ground: Ground, name: &'static str) -> Result<Option<String>, Untried> {
    ground.machine(move |_| Ok(sysctl::read(&format!("net.ipv4.{name}")).ok()))
}

fn is_zero(ground: Ground, name: &'static str) -> Result<Found, Untried> {
    let value = fresh(ground, name)?;
    let contrary = value.as_deref().is_some_and(|value| value != "0");
    let measured = format!("{name} = {}", value.as_deref().unwrap_or("-"));
    Ok(Found::sides(value.as_deref() == Some("0"), contrary, measured))
}

fn syncookies(ground: Ground) -> Result<Found, Untried> {
    is_zero(ground, "tcp_syncookies")
}

fn tw_reuse(ground: Ground) -> Result<Found, Untried> {
    is_zero(ground, "tcp_tw_reuse")
}

fn tw_recycle(ground: Ground) -> Result<Found, Untried> {
    let result = ground.machine(|_| Ok(sysctl::write("net.ipv4.tcp_tw_recycle", "1")))?;
    let absent = result.as_ref().is_err_and(|error| error.errno == nix::errno::Errno::ENOENT);
    let told = result.as_ref().map_or_else(|error| format!("{:?}", error.errno), |()| "ok".to_owned());
    Ok(Found::sides(result.is_ok(), absent, format!("tcp_tw_recycle=1: {told}")))
}

fn tw_reuse_reuses(ground: Ground) -> Result<Found, Untried> {
    let trials = trials(ground)?;
    let connect = |value: u8| trials.connects.iter().rev().find(|trial| trial.tcp_tw_reuse == value);
    let (off, on) = (connect(0), connect(1));
    let setting = |value: &str| Some(value.to_owned());
    let restart = trials.restarts.iter().find(|trial| trial.settings.iter().any(|one| one.value == setting("1")));
    let came_out = |attempt: Option<&reuse::Attempt>| {
        attempt.map_or_else(|| "-".to_owned(), |attempt| attempt.error.clone().unwrap_or_else(|| "ok".to_owned()))
    };
    let bind = restart.map(|trial| &trial.attempt);
    let measured = format!(
        "connect: tcp_tw_reuse=0 {}, =1 {}; bind: =1 {}",
        came_out(off.map(|trial| &trial.attempt)),
        came_out(on.map(|trial| &trial.attempt)),
        came_out(bind)
    );
    let connects = on.is_some_and(|trial| trial.attempt.succeeded()) && off.is_some_and(|t| !t.attempt.succeeded());
    Ok(Found::sides(connects, bind.is_some_and(reuse::Attempt::address_in_use), measured))
}
