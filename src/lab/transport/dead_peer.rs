//! A peer that is gone without a word: the cable is cut, and nothing happens (RFC 9293 §3.8.4, RFC 5482).

use std::time::Duration;

use nix::errno::Errno;
use socket2::TcpKeepalive;

use crate::lab::connection::{self, Ends};
use crate::lab::endpoint::Endpoint;
use crate::lab::experiment::{Floor, Lab, Parameters};
use crate::lab::observation::{Event, What, Words};
use crate::lab::program::{failed_with, told};
use crate::lab::segments::{Direction, Segment};
use crate::lab::sockets::Seen;
use crate::lab::stage::{LabError, Stage};
use crate::lab::topology::Neighbours;
use crate::lab::{tcp, udp};
use crate::transport::states::State;
use crate::transport::tcp::Flags;

/// The lab.
pub const LAB: Lab = Lab {
    name: "dead-peer",
    floor: Floor::Transport,
    on_loopback: false,
    title: Words {
        en: "The peer is gone without a word, and recv() waits for ever",
        zh: "对方无声无息地消失,recv() 永远等待",
    },
    explanation: Words {
        en: "A connection is nothing but two memories of it. When the cable is cut or the peer loses its power, no FIN and \
             no RST is sent, and an end that only waits never learns of it: no timer runs, recv() blocks for ever. Who \
             wants to know must ask. SO_KEEPALIVE sends a segment that must be answered when nothing came for a while \
             (TCP_KEEPIDLE, 2 hours by default), again every TCP_KEEPINTVL, and gives up after TCP_KEEPCNT of them: \
             ETIMEDOUT. Who has data unacknowledged learns it by itself, but late: the kernel repeats it 15 times, for \
             about 15 minutes. TCP_USER_TIMEOUT shortens that. Or the program asks: a heartbeat of its own.",
        zh: "连接不过是两端各自的记忆。当网线被剪断或对方断电,没有 FIN 也没有 RST 发出,只等待的一端永远不会知道:\
             没有定时器,recv() 永远阻塞。想知道就得询问。SO_KEEPALIVE 在一段时间(TCP_KEEPIDLE,默认 2 小时)没有收到任何东西之后,\
             发送一个必须应答的报文段,每隔 TCP_KEEPINTVL 再发一次,TCP_KEEPCNT 次没有应答就放弃:ETIMEDOUT。\
             有数据未被确认的一端自己会发现,但很晚:内核重传 15 次,约 15 分钟。TCP_USER_TIMEOUT 可以缩短它。\
             或者由程序自己询问:心跳。",
    },
    run,
};

const SECOND: Duration = Duration::from_secs(1);
/// Nothing more comes of what was sent at once.
const QUIET: Duration = Duration::from_millis(50);
/// The retransmission timeout decides when a kernel looks at `TCP_USER_TIMEOUT`, and it is long while somebody thinks.
const GIVING_UP: Duration = Duration::from_secs(30);
/// Probes after which the server gives up.
const PROBES: u32 = 3;

fn run(stage: &mut Stage<'_>, parameters: &Parameters) -> Result<(), LabError> {
    let hosts = stage.pair(Neighbours::Known)?;
    stage.delay(parameters.round_trip().map(|time| time / 2));
    let ends = Ends::new(stage, hosts)?;
    let client = silence(stage, &ends)?;
    half_open(stage, &ends, &client)?;
    unacknowledged(stage, &ends)
}

/// The server waits for the client, and nothing tells it that there is none any more. Then it asks. Gives the client's
/// end, which never learns of it.
fn silence<'e>(stage: &mut Stage<'_>, ends: &'e Ends) -> Result<Endpoint<'e>, LabError> {
    let connection = ends.connect(stage)?;
    let port = connection.port;
    let [client, server] = connection.endpoints(ends);
    stage.note(Words { en: "the cable is cut", zh: "网线被剪断" })?;
    cut(stage, ends);
    let (frames, events) = (stage.frames(), stage.observation.events.len());
    let reading = server.begin(stage, "recv()", |socket| udp::receive(socket, 100))?;
    stage.pass_time(SECOND)?;
    stage.note(Words { en: "a second later nobody knows", zh: "一秒之后没有人知道" })?;
    let sockets: Vec<Seen> = stage.look()?.into_iter().flatten().filter(connection::of(port)).collect();
    let unaware = |socket: &Seen| socket.state == Some(State::Established) && socket.timer.is_none();
    let timers = sockets.iter().filter(|socket| socket.timer.is_some()).count();
    stage.finding(
        Words {
            en: "recv() blocks, both ends are ESTABLISHED, no timer runs, no frame is sent",
            zh: "recv() 阻塞,两端都是 ESTABLISHED,没有定时器,没有帧发出",
        },
        sockets.len() == 2 && sockets.iter().all(unaware) && stage.frames() == frames && !returned(stage, events),
        format!("{} frames, {timers} timers", stage.frames().saturating_sub(frames)),
    );

    stage.note(Words {
        en: "keepalive: idle 1 s, every 1 s, 3 times", zh: "保活:空闲 1 秒,每 1 秒一次,共 3 次"
    })?;
    let keeper = stage.program(ends.server.host);
    let asking = Endpoint::shared(&keeper, server.socket());
    let keepalive = TcpKeepalive::new().with_time(SECOND).with_interval(SECOND).with_retries(PROBES);
    let set = asking.call(stage, "setsockopt(SO_KEEPALIVE)", move |socket| socket.set_tcp_keepalive(&keepalive))?;
    tcp::needed("setsockopt", set)?;
    let read = stage.finish(reading)?;
    stage.settle(QUIET)?;
    let probes = probes(&ends.segments(stage, 0), frames);
    stage.finding(
        Words {
            en: "three probes go unanswered, then recv() fails: ETIMEDOUT",
            zh: "三次探测没有应答,然后 recv() 失败:ETIMEDOUT",
        },
        probes == PROBES as usize && failed_with(&read, Errno::ETIMEDOUT),
        format!("{probes} probes, {}", told(&read)),
    );
    Ok(client)
}

fn cut(stage: &mut Stage<'_>, ends: &Ends) {
    stage.cut(ends.client.host);
    stage.cut(ends.server.host);
}

fn mend(stage: &mut Stage<'_>, ends: &Ends) {
    stage.mend(ends.client.host);
    stage.mend(ends.server.host);
}

/// Whether a call came back since the event with this index, the call that was begun with it.
fn returned(stage: &Stage<'_>, from: usize) -> bool {
    let since: &[Event] = stage.observation.events.get(from..).unwrap_or_default();
    since.iter().any(|event| matches!(event.what, What::Return { .. }))
}

/// Keepalive probes of the server after this frame: they repeat the number before the next one, so that the peer
/// must answer.
fn probes(segments: &[Segment], after: u64) -> usize {
    let sent = |segment: &&Segment| segment.direction == Direction::RightToLeft;
    let (before, later): (Vec<&Segment>, Vec<&Segment>) =
        segments.iter().filter(sent).partition(|segment| segment.number <= after);
    // The server's SYN was the last that took a number.
    let next = before.iter().find(|segment| segment.flags.contains(Flags::SYN)).map(|syn| syn.sequence.wrapping_add(1));
    let probe = |segment: &&&Segment| segment.flags == Flags::ACK && Some(segment.sequence.wrapping_add(1)) == next;
    later.iter().filter(probe).count()
}

/// The cable is back: the client still believes in its connection.
fn half_open(stage: &mut Stage<'_>, ends: &Ends, client: &Endpoint<'_>) -> Result<(), LabError> {
    stage.note(Words {
        en: "the cable is back; the client still believes in the connection",
        zh: "网线接回;客户端仍以为连接存在",
    })?;
    mend(stage, ends);
    let sent = client.call(stage, "send(\"hello?\")", |socket| socket.send(b"hello?"))?;
    stage.settle(QUIET)?;
    let read = client.call(stage, "recv()", |socket| udp::receive(socket, 100))?;
    stage.finding(
        Words {
            en: "the end that never asked finds out with its first data: RST, ECONNRESET",
            zh: "从不询问的一端在第一次发送数据时才发现:RST,ECONNRESET",
        },
        sent.is_ok() && failed_with(&read, Errno::ECONNRESET),
        told(&read),
    );
    Ok(())
}

/// Data that nobody acknowledges.
fn unacknowledged(stage: &mut Stage<'_>, ends: &Ends) -> Result<(), LabError> {
    stage.note(Words {
        en: "TCP_USER_TIMEOUT 1 s; the cable is cut again, with data to send",
        zh: "TCP_USER_TIMEOUT 1 秒;网线再次被剪断,这次有数据要发",
    })?;
    let connection = ends.connect(stage)?;
    let port = connection.port;
    let [client, _server] = connection.endpoints(ends);
    let set = |socket: &socket2::Socket| socket.set_tcp_user_timeout(Some(SECOND));
    tcp::needed("setsockopt", client.call(stage, "setsockopt(TCP_USER_TIMEOUT)", set)?)?;
    cut(stage, ends);
    stage.patience = GIVING_UP;
    let (from, events, began) = (stage.frames(), stage.observation.events.len(), stage.now());
    tcp::needed("send", client.call(stage, "send(\"hello?\")", |socket| socket.send(b"hello?"))?)?;
    let read = client.call(stage, "recv()", |socket| udp::receive(socket, 100))?;
    let took = stage.now().saturating_sub(began);
    let copies = ends.segments(stage, from).iter().filter(|segment| segment.length > 0).count();
    let states = stage.observation.events.get(events..).unwrap_or_default().iter();
    let mut sockets = states.filter_map(|event| event.states.get(ends.client.host)).flatten();
    let timed = sockets.any(|seen| connection::of(port)(seen) && seen.timer.is_some());
    stage.finding(
        Words {
            en: "unacknowledged data has a timer: it is repeated, then given up: ETIMEDOUT",
            zh: "未确认的数据有定时器:重传若干次后放弃:ETIMEDOUT",
        },
        timed && copies >= 2 && took >= SECOND && failed_with(&read, Errno::ETIMEDOUT),
        format!("{copies} × \"hello?\", {} after {:.1} s", told(&read), took.as_secs_f64()),
    );
    Ok(())
}
