//! The lessons, each checked against what was seen.

use nix::errno::Errno;
use serde::Serialize;

use super::matrix::{Binds, Row};
use super::server::{Choice, Remains};
use super::settings::{Timers, Trials};
use super::{Act, Attempt, Loopback};
use crate::lab::observation::Words;

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
    pub statement: Words,
    /// Whether it was seen.
    pub seen: Seen,
    /// What it was checked against, in no language.
    pub measured: String,
}

/// Checks a statement against the rows of the matrix and the story: whether it was seen, and what was looked at.
type Check = fn(&Loopback) -> (bool, String);

/// Checks a statement about changed settings.
type TrialCheck = fn(&Trials) -> (bool, String);

const LESSONS: [(Words, Check); 12] = [
    (
        Words {
            en: "a server that closed first leaves TIME-WAIT on its port, and bind() then fails with EADDRINUSE",
            zh: "先关闭连接的服务器在自己的端口上留下 TIME-WAIT,这时 bind() 以 EADDRINUSE 失败",
        },
        |seen| {
            let fails = |act: &Act| act.left.remaining_ms.is_some() && act.restarts[0].attempt.address_in_use();
            (seen.story.iter().all(fails), acts(&seen.story, 0))
        },
    ),
    (
        Words {
            en: "SO_REUSEADDR on the new socket alone does not help: the old one must have had it too",
            zh: "只在新套接字上设置 SO_REUSEADDR 没有用:旧的也必须设置过",
        },
        |seen| {
            let refused =
                seen.story.first().is_some_and(|act| !act.old_set && act.restarts[1].attempt.address_in_use());
            let (as_expected, cells) = rows(seen, &[Remains::ServerClosedFirst]);
            (refused && as_expected, cells)
        },
    ),
    (
        Words {
            en: "set on both before bind(), it works at once, with the TIME-WAIT entry still there",
            zh: "两者都在 bind() 之前设置,立即成功,TIME-WAIT 仍然在那里",
        },
        |seen| {
            let works = |act: &Act| act.restarts[1].attempt.succeeded() && act.restarts[1].still_left.is_some();
            (seen.story.get(1).is_some_and(|act| act.old_set && works(act)), acts(&seen.story, 1))
        },
    ),
    (
        Words {
            en: "who closed first decides: after a client that closed first, bind() works without any option",
            zh: "谁先关闭是关键:客户端先关闭之后,bind() 不用任何选项就成功",
        },
        |seen| rows(seen, &[Remains::ClientClosedFirst]),
    ),
    (
        Words {
            en: "an open connection, CLOSE-WAIT and FIN-WAIT-2 hold the port by the same rule",
            zh: "仍然打开的连接、CLOSE-WAIT 和 FIN-WAIT-2 按同样的规则占住端口",
        },
        |seen| rows(seen, &[Remains::Established, Remains::CloseWait, Remains::FinWait2]),
    ),
    (
        Words {
            en: "a reset leaves nothing that could hold the port", zh: "复位的连接不会留下任何占住端口的东西"
        },
        |seen| rows(seen, &[Remains::Reset, Remains::Nothing]),
    ),
    (
        Words {
            en: "a listening server is never displaced, whatever SO_REUSEADDR says",
            zh: "正在监听的服务器不会被挤走,不管 SO_REUSEADDR 怎样设置",
        },
        |seen| {
            let (as_expected, cells) = rows(seen, &[Remains::Listening]);
            (as_expected && seen.matrix.iter().all(never_displaced), cells)
        },
    ),
    (
        Words {
            en: "set on both, two sockets may be bound to one address; only one can listen, for the other listen() fails",
            zh: "两者都设置时,两个套接字可以绑定同一地址;但只有一个能监听,另一个的 listen() 失败",
        },
        |seen| {
            let refused = &seen.second_to_listen;
            let in_use = refused.failed_call == Some("listen") && refused.errno == Some(Errno::EADDRINUSE as i32);
            let (as_expected, cells) = rows(seen, &[Remains::Bound]);
            (as_expected && in_use, format!("{cells}; {refused}"))
        },
    ),
    (
        Words {
            en: "0.0.0.0 and 127.0.0.1 are in each other's way as one address would be; 127.0.0.1 and 127.0.0.2 are not",
            zh: "0.0.0.0 和 127.0.0.1 互相妨碍,如同一个地址;127.0.0.1 和 127.0.0.2 则不会",
        },
        |seen| checked(seen.matrix.iter().filter(|row| row.case.old_address != row.case.new_address)),
    ),
    (
        Words {
            en: "SO_REUSEPORT on both lets two servers listen on one port",
            zh: "两者都设置 SO_REUSEPORT,两个服务器可以监听同一端口",
        },
        |seen| checked(seen.matrix.iter().filter(|row| row.case.option == Choice::ReusePort)),
    ),
    (
        Words {
            en: "UDP has no TIME-WAIT; set on both, a second socket takes the port, and the datagrams, of an open one",
            zh: "UDP 没有 TIME-WAIT;两者都设置时,第二个套接字会占用仍打开的端口,连数据报也一起抢走",
        },
        |seen| {
            let (as_expected, cells) = rows(seen, &[Remains::UdpOpen]);
            (as_expected && seen.second_udp_socket_gets_the_datagrams, cells)
        },
    ),
    (
        Words {
            en: "Rust's std::net::TcpListener sets SO_REUSEADDR by itself: a program may have it without a line about it",
            zh: "Rust 的 std::net::TcpListener 会自行设置 SO_REUSEADDR:程序里一行没写,也可能已经设置了",
        },
        |seen| (seen.rust_listener_sets_it, String::new()),
    ),
];

const TRIAL_LESSONS: [(Words, TrialCheck); 4] = [
    (
        Words {
            en: "tcp_syncookies=1, tcp_tw_reuse=1 and tcp_fin_timeout=30 together do not cure EADDRINUSE",
            zh: "tcp_syncookies=1、tcp_tw_reuse=1、tcp_fin_timeout=30 一起也治不好 EADDRINUSE",
        },
        |trials| {
            let all_three = trials.restarts.first().filter(|trial| trial.settings.len() == 3);
            let attempt = all_three.map(|trial| &trial.attempt);
            (attempt.is_some_and(Attempt::address_in_use), attempt.map(ToString::to_string).unwrap_or_default())
        },
    ),
    (
        Words {
            en: "tcp_tw_reuse at 0, 1 or 2: bind() fails all the same",
            zh: "tcp_tw_reuse 为 0、1 或 2,bind() 照样失败",
        },
        |trials| {
            let all = trials.restarts.iter().all(|trial| trial.attempt.address_in_use());
            (trials.restarts.len() == 4 && all, joined(trials.restarts.iter().skip(1).map(|trial| &trial.attempt)))
        },
    ),
    (
        Words {
            en: "tcp_tw_reuse is for connect(): it takes over the port of a TIME-WAIT entry older than a second",
            zh: "tcp_tw_reuse 是给 connect() 用的:它可以接管超过一秒的 TIME-WAIT 的端口",
        },
        |trials| {
            let out_of_ports = |attempt: &Attempt| attempt.error.as_deref() == Some("EADDRNOTAVAIL");
            let seen = match trials.connects.as_slice() {
                [young, off, on] => {
                    out_of_ports(&young.attempt) && out_of_ports(&off.attempt) && on.attempt.succeeded()
                }
                _ => false,
            };
            (seen, joined(trials.connects.iter().map(|trial| &trial.attempt)))
        },
    ),
    (
        Words {
            en: "tcp_fin_timeout limits FIN-WAIT-2 without a process; TIME-WAIT lasts as long as ever",
            zh: "tcp_fin_timeout 限制的是没有进程的 FIN-WAIT-2;TIME-WAIT 的时间丝毫不变",
        },
        |trials| {
            let limit = Timers::FIN_TIMEOUT_S * 1000;
            let Timers { fin_wait_2_ms, time_wait_ms } = trials.timers;
            let seconds = |ms: Option<u32>| ms.map_or("-".to_owned(), |ms| format!("{} s", ms.div_ceil(1000)));
            (
                fin_wait_2_ms.is_some_and(|left| left <= limit) && time_wait_ms.is_some_and(|left| left > limit),
                format!("{}, {}", seconds(fin_wait_2_ms), seconds(time_wait_ms)),
            )
        },
    ),
];

/// Every lesson, in the order in which it is told.
pub fn all(loopback: &Loopback, trials: Option<&Trials>) -> Vec<Lesson> {
    let lesson =
        |statement, (seen, measured)| Lesson { statement, seen: if seen { Seen::Yes } else { Seen::No }, measured };
    let mut lessons: Vec<_> = LESSONS.iter().map(|(statement, check)| lesson(*statement, check(loopback))).collect();
    lessons.extend(TRIAL_LESSONS.iter().map(|(statement, check)| match trials {
        Some(trials) => lesson(*statement, check(trials)),
        None => Lesson { statement: *statement, seen: Seen::NotTried, measured: String::new() },
    }));
    let recycle = loopback.settings.iter().find(|setting| setting.name == "tcp_tw_recycle");
    let statement = Words {
        en: "tcp_tw_recycle does not exist any more (removed in Linux 4.12)",
        zh: "tcp_tw_recycle 已经不存在了(Linux 4.12 中移除)",
    };
    let absent = recycle.is_some_and(|setting| setting.value.is_none());
    lessons.push(lesson(statement, (absent, loopback.kernel.clone())));
    lessons
}

/// The restarts of the story without the option (0) or with it (1).
fn acts(story: &[Act], with: usize) -> String {
    joined(story.iter().filter_map(|act| act.restarts.get(with)).map(|restart| &restart.attempt))
}

fn joined<'a>(attempts: impl Iterator<Item = &'a Attempt>) -> String {
    attempts.map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Whether there are such rows and all came out as expected, and their cells.
fn checked<'a>(rows: impl Iterator<Item = &'a Row>) -> (bool, String) {
    let rows: Vec<_> = rows.collect();
    let cells = rows.iter().map(|row| joined(row.cells.iter().map(|cell| &cell.attempt)));
    (!rows.is_empty() && rows.iter().all(|row| row.as_expected()), cells.collect::<Vec<_>>().join("; "))
}

/// The rows about these remains on one address with `SO_REUSEADDR`.
fn rows(seen: &Loopback, remains: &[Remains]) -> (bool, String) {
    checked(seen.matrix.iter().filter(|row| {
        remains.contains(&row.case.remains)
            && row.case.option == Choice::ReuseAddress
            && row.case.old_address == row.case.new_address
    }))
}

fn never_displaced(row: &Row) -> bool {
    row.case.expected != Binds::Never || row.cells.iter().all(|cell| cell.attempt.address_in_use())
}
