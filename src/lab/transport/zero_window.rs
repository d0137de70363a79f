//! A reader that sleeps: the window closes, the sender asks again and again, and nothing is lost (RFC 9293 §3.8.6.1).

use std::io::{self, Read};
use std::net::SocketAddr;
use std::time::Duration;

use socket2::Socket;

use crate::kernel::sysctl;
use crate::lab::endpoint::Endpoint;
use crate::lab::experiment::{Floor, Lab, Parameters};
use crate::lab::observation::Words;
use crate::lab::segments::{self, Direction, Segment};
use crate::lab::sockets::Seen;
use crate::lab::stage::{LabError, Stage};
use crate::lab::tcp::{self, needed};
use crate::lab::topology::Neighbours;
use crate::transport::states::State;

/// The lab.
pub const LAB: Lab = Lab {
    name: "zero-window",
    floor: Floor::Transport,
    on_loopback: false,
    title: Words {
        en: "A reader that sleeps closes the window, and the sender keeps asking",
        zh: "读者睡着了,窗口关闭,发送方不断询问",
    },
    explanation: Words {
        en: "Every acknowledgement tells how much more the receiver has room for: the window. When the program does not \
             read, its kernel's buffer fills, the window shrinks to 0 and the sender stops; what its program sends \
             stays in its own buffer. The update that opens the window again carries no data and is not \
             acknowledged, so it could be lost and both would wait for ever. Against that the sender has the persist \
             timer: it sends probes, ever more rarely, and each is answered with the window. When the program reads, \
             its kernel sends an update at once and the data go on. A peer that reads slowly is no error: the \
             connection stays, for as long as the probes are answered.",
        zh: "每个确认都说明接收方还有多少空间:窗口。程序不读取时,内核的缓冲区被填满,窗口缩小到 0,发送方停下来;它的程序发送的数据留在\
             自己的缓冲区里。重新打开窗口的更新不带数据,也不会被确认,如果它丢失,双方就会永远等下去。为此发送方有坚持定时器(persist timer):\
             它越来越稀疏地发送探测,每次得到的应答都带着窗口。程序一读取,内核立即发送窗口更新,数据继续传送。读得慢的对方不是错误:\
             只要探测得到应答,连接就一直保持。",
    },
    run,
};

/// What the reader's socket is given; the kernel doubles it for its own overhead.
const RECEIVE_BUFFER: usize = 8192;
/// More than that takes, and less than a sender's buffer.
const BYTES: usize = 20_000;
/// Probes to wait for.
const PROBES: usize = 4;
/// Four probes take three seconds, and longer on a wire with delay.
const PATIENCE: Duration = Duration::from_secs(20);
/// The kernel's number for the persist timer.
const PERSIST: u8 = 4;

fn run(stage: &mut Stage<'_>, parameters: &Parameters) -> Result<(), LabError> {
    let [client, server] = stage.pair(Neighbours::Known)?;
    stage.delay(parameters.round_trip().map(|time| time / 2));
    // Usually a kernel answers segments outside its window only twice a second; here it answers every probe.
    stage.host(server).run(|| sysctl::write("net.ipv4.tcp_invalid_ratelimit", "0"))?;
    let (sender, reader) = (stage.program(client), stage.program(server));
    let address = SocketAddr::new(stage.address(server), stage.port()?);
    let listener =
        Endpoint::open(stage, &reader, "SO_RCVBUF 8192, listen(1)", move || listen_with_little_room(address))?;
    let sender = Endpoint::open(stage, &sender, "connect()", move || tcp::connect(address))?;
    let reader = listener.accept(stage)?;

    stage.note(Words {
        en: "the client sends 20,000 bytes; nobody reads them",
        zh: "客户端发送 20,000 字节;没有人读取",
    })?;
    needed("send", sender.call(stage, "send(20000)", |socket| socket.send(&content()))?)?;
    stage.until("the persist timer", PATIENCE, |stage| persists(stage, client).is_some())?;
    stage.settle(Duration::ZERO)?;
    closed(stage, [client, server])?;
    stage.until("four probes", PATIENCE, |stage| probes(stage, [client, server]).len() >= PROBES)?;
    stage.settle(Duration::from_millis(20))?;
    probed(stage, [client, server]);

    stage.note(Words { en: "the server wakes up and reads", zh: "服务器醒来并读取" })?;
    let from = stage.frames();
    let read = reader.call(stage, "recv() until 20,000 bytes are there", |mut socket| {
        let mut bytes = vec![0; BYTES];
        socket.read_exact(&mut bytes).map(|()| bytes)
    })?;
    let read = needed("recv", read)?;
    stage.settle(Duration::from_millis(20))?;
    opened(stage, [client, server], from);
    stage.finding(
        Words { en: "nothing was lost: all arrives, in order", zh: "什么也没有丢失:全部按序到达" },
        read == content(),
        format!("{} bytes", read.len()),
    );
    Ok(())
}

fn listen_with_little_room(address: SocketAddr) -> io::Result<Socket> {
    let socket = tcp::socket(address)?;
    // Before listen: the window is agreed on with the handshake.
    socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
    socket.bind(&address.into())?;
    socket.listen(1)?;
    Ok(socket)
}

/// Bytes that differ from place to place, none of them a letter, so that segments are told by their numbers.
fn content() -> Vec<u8> {
    (0..BYTES).map(|place| 128 + (place % 101) as u8).collect()
}

/// The client's socket, if its persist timer runs.
fn persists(stage: &mut Stage<'_>, client: usize) -> Option<Seen> {
    let seen = stage.look().ok()?;
    let connected = |socket: &&Seen| socket.state == Some(State::Established);
    let socket = seen.get(client)?.iter().find(connected)?;
    socket.timer.filter(|timer| timer.number == PERSIST).map(|_| socket.clone())
}

/// What the server announced from its first acknowledgement of data on, in bytes.
fn windows(segments: &[Segment]) -> Vec<u32> {
    let mut shift = 0;
    let back = segments.iter().filter(|segment| segment.direction == Direction::RightToLeft);
    let windows = back.map(|segment| {
        let window = u32::from(segment.window) << shift;
        // The window of a SYN itself is never scaled (RFC 7323, section 2.2).
        shift = segment.options.window_scale.map_or(shift, |scale| scale.min(14));
        window
    });
    windows.skip(1).collect()
}

/// Segments of the client after the window was closed that carry nothing.
fn probes(stage: &Stage<'_>, [client, server]: [usize; 2]) -> Vec<Segment> {
    let segments = segments::of(&stage.observation, client, server);
    let closed = segments.iter().position(|segment| segment.direction == Direction::RightToLeft && segment.window == 0);
    let after = segments.into_iter().skip(closed.unwrap_or(usize::MAX));
    after.filter(|segment| segment.direction == Direction::LeftToRight && segment.length == 0).collect()
}

fn closed(stage: &mut Stage<'_>, [client, server]: [usize; 2]) -> Result<(), LabError> {
    let windows = windows(&segments::of(&stage.observation, client, server));
    let shrinking = windows.windows(2).all(|pair| pair[0] >= pair[1]);
    let told: Vec<String> = windows.iter().map(ToString::to_string).collect();
    stage.finding(
        Words { en: "the window shrinks as data arrive, down to 0", zh: "数据到达,窗口缩小,直到 0" },
        shrinking && windows.last() == Some(&0),
        told.join(", "),
    );
    let waiting = persists(stage, client);
    let bytes = waiting.map_or(0, |socket| socket.send_queue);
    stage.fact(client, format!("zero-window-probe timer, {bytes} bytes wait"))?;
    stage.finding(
        Words {
            en: "the sender stops and starts its persist timer; what is left waits in its buffer",
            zh: "发送方停下并启动坚持定时器;剩下的数据在它的缓冲区里等待",
        },
        bytes > 0,
        format!("{bytes} of {BYTES} bytes"),
    );
    Ok(())
}

fn probed(stage: &mut Stage<'_>, [client, server]: [usize; 2]) {
    let segments = segments::of(&stage.observation, client, server);
    let probes = probes(stage, [client, server]);
    // The server acknowledges all that was sent; its number is that of the next byte.
    let next = segments.iter().rev().find(|segment| segment.direction == Direction::RightToLeft);
    let next = next.map_or(0, |segment| segment.acknowledgment);
    let old = |probe: &&Segment| probe.sequence == next.wrapping_sub(1);
    let first = probes.first().map_or(u64::MAX, |probe| probe.number);
    let answers = segments.iter().filter(|segment| segment.direction == Direction::RightToLeft);
    let refusals = answers.filter(|segment| segment.number > first && segment.window == 0).count();
    stage.finding(
        Words {
            en: "a probe carries no data and a number already acknowledged; the answer is the window, still 0",
            zh: "探测不带数据,用的是已被确认的序号;应答是窗口,仍然是 0",
        },
        probes.iter().filter(old).count() == probes.len() && refusals >= probes.len(),
        format!("{} probes, {refusals} answers", probes.len()),
    );
    let gap = |pair: &[Segment]| (pair[1].time_ns.saturating_sub(pair[0].time_ns) / 1_000_000) as u64;
    let gaps: Vec<u64> = probes.windows(2).map(gap).collect();
    let told: Vec<String> = gaps.iter().map(|gap| format!("{gap} ms")).collect();
    stage.finding(
        Words {
            en: "the probes come ever later: each pause is about twice the one before",
            zh: "探测越来越稀疏:每次间隔约为前一次的两倍",
        },
        gaps.len() + 1 >= PROBES && gaps.windows(2).all(|pair| pair[1] * 2 >= pair[0] * 3),
        told.join(", "),
    );
}

fn opened(stage: &mut Stage<'_>, [client, server]: [usize; 2], from: u64) {
    let mut segments = segments::of(&stage.observation, client, server);
    segments.retain(|segment| segment.number > from);
    let update = segments.first().filter(|first| first.direction == Direction::RightToLeft && first.length == 0);
    let data = segments.iter().find(|segment| segment.direction == Direction::LeftToRight);
    let between = update.zip(data).map(|(update, data)| data.time_ns.saturating_sub(update.time_ns) / 1000);
    stage.finding(
        Words {
            en: "reading sends a window update at once, unasked, and the data go on",
            zh: "读取时立即主动发送窗口更新,数据继续传送",
        },
        update.is_some_and(|update| update.window > 0) && data.is_some_and(|data| data.length > 0),
        between.map_or_else(String::new, |between| format!("data {between} µs after it")),
    );
}
