//! CLOSE-WAIT: clients that are gone, and a server that never closes (RFC 9293 §3.6).

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use nix::errno::Errno;
use socket2::Socket;

use crate::kernel::sysctl;
use crate::lab::connection::Ends;
use crate::lab::experiment::{Floor, Lab, Parameters};
use crate::lab::observation::Words;
use crate::lab::program::{Outcome, errno, failed_with, told};
use crate::lab::sockets::Seen;
use crate::lab::stage::{LabError, PATIENCE, Stage};
use crate::lab::topology::Neighbours;
use crate::lab::{states, tcp};
use crate::transport::states::State;
use crate::transport::tcp::Flags;

/// The lab.
pub const LAB: Lab = Lab {
    name: "close-wait",
    floor: Floor::Transport,
    on_loopback: true,
    title: Words {
        en: "A server that never closes: CLOSE-WAIT stays for ever",
        zh: "从不关闭的服务器:CLOSE-WAIT 永远停留",
    },
    explanation: Words {
        en: "CLOSE-WAIT means: the peer has closed, my program has not. The kernel waits for the program's close(); \
             there is no timer, and only a reset would end it otherwise. So many sockets in CLOSE-WAIT are a defect of the program, and no \
             setting cures it: look for the path on which it forgets close() after recv() gave 0 bytes. The client's \
             end is better off: nobody holds the socket any more (it is an orphan), so its FIN-WAIT-2 ends after \
             tcp_fin_timeout (60 s; 1 s in this lab). A late write of the server then meets nobody: RST, and the next \
             write fails with EPIPE.",
        zh: "CLOSE-WAIT 的意思是:对方已关闭,而我的程序还没有。内核等程序调用 close(),没有任何定时器,此外只有复位能结束它。所以大量 CLOSE-WAIT \
             是程序的缺陷,没有哪个内核参数能治好:要找出 recv() 返回 0 字节之后忘记 close() 的那条路径。客户端的情况好一些:\
             已经没有程序持有这个套接字(孤儿),它的 FIN-WAIT-2 在 tcp_fin_timeout 之后结束(60 秒,本实验中为 1 秒)。\
             之后服务器再写数据,那边已经没有人:收到 RST,下一次写失败,得到 EPIPE。",
    },
    run,
};

/// Clients that come and go.
const CLIENTS: usize = 3;
/// What an orphan waits at most as a small socket.
const TIME_WAIT: Duration = Duration::from_secs(60);
/// Nothing more comes of what was sent at once.
const QUIET: Duration = Duration::from_millis(50);

fn run(stage: &mut Stage<'_>, parameters: &Parameters) -> Result<(), LabError> {
    let hosts @ [client, _] = stage.pair(Neighbours::Known)?;
    stage.delay(parameters.round_trip().map(|time| time / 2));
    if stage.has_wire() {
        stage.note(Words {
            en: "tcp_fin_timeout is 1 s on the client here, not 60 s",
            zh: "客户端的 tcp_fin_timeout 在此设为 1 秒而不是 60 秒",
        })?;
        stage.host(client).run(|| sysctl::write("net.ipv4.tcp_fin_timeout", "1"))?;
    }
    let ends = Ends::with_backlog(stage, hosts, CLIENTS as u32)?;
    let accepted = come_and_go(stage, &ends)?;
    leak(stage, &ends)?;
    let accepted = write(stage, &ends, accepted)?;
    repair(stage, &ends, accepted)
}

/// Clients connect and close; gives the server's sockets, which nobody closes.
fn come_and_go(stage: &mut Stage<'_>, ends: &Ends) -> Result<Vec<Socket>, LabError> {
    let (address, listener) = (ends.address, ends.listener());
    let accepting = stage.begin(&ends.server, "accept() three times", move || many(|| tcp::accept(&listener)))?;
    let connected = stage.call(&ends.client, "connect() three times", move || many(|| tcp::connect(address)))?;
    let connected = tcp::needed("connect", connected.0)?;
    let accepted = tcp::needed("accept", stage.finish(accepting)?.0)?;
    stage.settle(QUIET)?;
    stage.call(&ends.client, "close() all three", move || drop(connected))?;
    stage.settle(QUIET)?;
    Ok(accepted)
}

/// The clients' ends vanish; the server's do not.
fn leak(stage: &mut Stage<'_>, ends: &Ends) -> Result<(), LabError> {
    if stage.has_wire() {
        let client = ends.client.host;
        let patience = told_by_timer(&orphans(stage, client));
        stage.until("the orphans in FIN-WAIT-2 are gone", patience, |stage| orphans(stage, client).is_empty())?;
        stage.note(Words {
            en: "a second later: the clients' ends are gone", zh: "一秒之后:客户端一侧已消失"
        })?;
        let timed = timed_orphans(stage, client);
        let path = states::passed(&stage.observation.events, client, |_| true);
        let ended = path.ends_with(&[State::FinWait2]) || path.ends_with(&[State::FinWait1, State::FinWait2]);
        stage.finding(
            Words {
                en: "the clients' orphans wait in FIN-WAIT-2 with a timer (tcp_fin_timeout), then they are gone",
                zh: "客户端的孤儿连接在 FIN-WAIT-2 中等待,有定时器(tcp_fin_timeout),然后消失",
            },
            timed == CLIENTS && ended,
            format!("{timed} of {CLIENTS} with a timer"),
        );
    }
    let left = leaked(stage, ends.server.host)?;
    let without_timer = left.iter().filter(|socket| socket.timer.is_none()).count();
    stage.finding(
        Words {
            en: "the server's ends stay in CLOSE-WAIT, and no timer will ever end it",
            zh: "服务器一侧停留在 CLOSE-WAIT,没有定时器会结束它",
        },
        without_timer == CLIENTS && left.len() == CLIENTS,
        format!("{} CLOSE-WAIT, {without_timer} without a timer", left.len()),
    );
    Ok(())
}

/// The server writes to a client that left long ago. Gives the sockets back.
fn write(stage: &mut Stage<'_>, ends: &Ends, mut accepted: Vec<Socket>) -> Result<Vec<Socket>, LabError> {
    stage.note(Words {
        en: "the server writes to a client that is gone", zh: "服务器向已离开的客户端写数据"
    })?;
    let Some(socket) = accepted.pop() else { return Ok(accepted) };
    let from = stage.frames();
    let (socket, first) = stage.call(&ends.server, "send(\"late\")", move || tcp::send(socket, b"late"))?;
    stage.settle(QUIET)?;
    let (socket, second) = stage.call(&ends.server, "send(\"again\")", move || tcp::send(socket, b"again"))?;
    let reset = ends.segments(stage, from).iter().any(|segment| segment.flags.contains(Flags::RST));
    stage.finding(
        Words {
            en: "a late write succeeds and is answered by RST; the next one fails: EPIPE",
            zh: "迟到的写成功,得到的应答是 RST;再写失败:EPIPE",
        },
        first.is_ok() && failed_with(&second, Errno::EPIPE) && (reset || !stage.has_wire()),
        format!("{}, {}", told(&first), told(&second)),
    );
    accepted.push(socket);
    Ok(accepted)
}

/// What the program should have done.
fn repair(stage: &mut Stage<'_>, ends: &Ends, accepted: Vec<Socket>) -> Result<(), LabError> {
    stage.note(Words { en: "the server closes at last", zh: "服务器终于关闭" })?;
    stage.call(&ends.server, "close() all three", move || drop(accepted))?;
    stage.settle(QUIET)?;
    let left = leaked(stage, ends.server.host)?.len();
    stage.finding(
        Words { en: "the program's close() ends CLOSE-WAIT", zh: "程序的 close() 结束 CLOSE-WAIT" },
        left == 0,
        format!("{left} CLOSE-WAIT"),
    );
    Ok(())
}

/// How long the kernel keeps these: `tcp_fin_timeout`, but at least 3.5 times the retransmission timeout, which grows
/// while somebody thinks about frames. The part beyond 60 s it waits first.
fn told_by_timer(orphans: &[Seen]) -> Duration {
    let longest = orphans.iter().filter_map(|socket| socket.timer).map(|timer| timer.remaining_ms).max();
    Duration::from_millis(longest.unwrap_or(0).into()).saturating_add(TIME_WAIT).saturating_add(PATIENCE)
}

/// How many of the host's sockets were seen in FIN-WAIT-2 with a timer.
fn timed_orphans(stage: &Stage<'_>, host: usize) -> usize {
    let sockets = stage.observation.events.iter().filter_map(|event| event.states.get(host)).flatten();
    let timed = sockets.filter(|socket| socket.state == Some(State::FinWait2) && socket.timer.is_some());
    timed.map(|socket| socket.local.port()).collect::<BTreeSet<_>>().len()
}

fn orphans(stage: &mut Stage<'_>, host: usize) -> Vec<Seen> {
    let sockets = stage.look().ok().and_then(|hosts| hosts.into_iter().nth(host)).unwrap_or_default();
    sockets.into_iter().filter(|socket| socket.state == Some(State::FinWait2)).collect()
}

fn leaked(stage: &mut Stage<'_>, host: usize) -> Result<Vec<Seen>, LabError> {
    let sockets = stage.look()?.into_iter().nth(host).unwrap_or_default();
    Ok(sockets.into_iter().filter(|socket| socket.state == Some(State::CloseWait)).collect())
}

/// The sockets that several calls gave.
struct Sockets(io::Result<Vec<Socket>>);

impl Outcome for Sockets {
    fn told(&self) -> String {
        self.0.as_ref().map_or_else(errno, |sockets| format!("{} sockets", sockets.len()))
    }
}

fn many(one: impl FnMut() -> io::Result<Socket>) -> Sockets {
    Sockets(std::iter::repeat_with(one).take(CLIENTS).collect())
}
