//! When small sends leave: Nagle's algorithm (RFC 9293 §3.7.4, RFC 896), `TCP_NODELAY`, `TCP_CORK`, and what two writes
//! before a read cost.

use std::io;
use std::time::Duration;

use socket2::Socket;

use crate::lab::connection::{self, Connection, Ends};
use crate::lab::endpoint::Endpoint;
use crate::lab::experiment::{Floor, Lab, Parameters};
use crate::lab::fate::{Gate, Passing};
use crate::lab::observation::Words;
use crate::lab::program::told;
use crate::lab::segments::{self, Direction, Segment};
use crate::lab::stage::{LabError, Stage};
use crate::lab::tcp::needed;
use crate::lab::topology::Neighbours;
use crate::lab::udp::receive;

mod turns;

/// The lab.
pub const LAB: Lab = Lab {
    name: "nagle",
    floor: Floor::Transport,
    on_loopback: false,
    title: Words {
        en: "Small sends: Nagle's algorithm, TCP_NODELAY and TCP_CORK",
        zh: "小块发送:Nagle 算法、TCP_NODELAY 与 TCP_CORK",
    },
    explanation: Words {
        en: "Nagle's algorithm lets one small segment travel at a time: the first leaves at once, what is sent after it \
             is collected until its acknowledgement comes. It has no timer and waits for no full buffer, and on a wire \
             without delay it hardly shows. TCP_NODELAY switches it off: every send is a segment. TCP_CORK holds all \
             back until it is taken off, or for 200 ms. None of them gives the reader messages. Nagle costs most where \
             a program writes twice and then reads: the second write waits for an acknowledgement that the other side \
             delays, because it hopes to send it along with an answer. Write once, or set TCP_NODELAY.",
        zh: "Nagle 算法只让一个小报文段在路上:第一个立即发出,之后发送的先收集起来,直到它的确认到达。它没有定时器,也不等缓冲区满;\
             在没有时延的线路上几乎看不出来。TCP_NODELAY 把它关闭:每次发送就是一个报文段。TCP_CORK 扣住一切,直到拔掉塞子,\
             或者过了 200 ms。它们都不能给读者消息边界。最吃亏的是先写两次再读的程序:第二次写要等一个确认,而对方推迟这个确认,\
             希望随应答一起发送。只写一次,或者设置 TCP_NODELAY。",
    },
    run,
};

/// The round trip where none is given.
const ROUND_TRIP: Duration = Duration::from_millis(40);
/// The kernel's ceiling for a cork, less one tick of its clock.
const CORK: Duration = Duration::from_millis(190);

fn run(stage: &mut Stage<'_>, parameters: &Parameters) -> Result<(), LabError> {
    let hosts = stage.pair(Neighbours::Known)?;
    let round_trip = parameters.round_trip().unwrap_or(ROUND_TRIP);
    stage.delay(Some(round_trip / 2));
    let ends = Ends::new(stage, hosts)?;
    let small = Small::new(stage, &ends)?;
    small.with_nagle(stage, round_trip)?;
    small.without_nagle(stage)?;
    small.corked(stage)?;
    small.cork_left_on(stage)?;
    small.write_write_read(stage)
}

/// A connection on which three small sends follow each other.
struct Small<'p> {
    ends: &'p Ends,
    port: u16,
    client: Endpoint<'p>,
    server: Endpoint<'p>,
}

/// How three small sends arrived.
struct Arrived {
    segments: Vec<Segment>,
    /// From the call to the last segment.
    last_after: Duration,
    /// What a late reader got.
    read: io::Result<Vec<u8>>,
}

impl Arrived {
    fn lengths(&self) -> String {
        segments::lengths(&self.segments)
    }

    /// From the first segment to the second.
    fn gap(&self) -> Option<Duration> {
        let [first, second, ..] = self.segments.as_slice() else { return None };
        u64::try_from(second.time_ns.saturating_sub(first.time_ns)).ok().map(Duration::from_nanos)
    }
}

impl<'p> Small<'p> {
    fn new(stage: &mut Stage<'_>, ends: &'p Ends) -> Result<Self, LabError> {
        let Connection { client, server, port } = ends.connect(stage)?;
        let (client, server) = (Endpoint::new(&ends.client, client), Endpoint::new(&ends.server, server));
        Ok(Small { ends, port, client, server })
    }

    /// Makes a call that sends nine bytes in three parts, and reads when all have arrived. No acknowledgement reaches
    /// the client while the call lasts, however busy the machine is.
    fn send(
        &self,
        stage: &mut Stage<'_>,
        call: &str,
        work: impl FnOnce(&Socket) -> io::Result<usize> + Send + 'static,
    ) -> Result<Arrived, LabError> {
        let (gate, server, port) = (Gate::default(), self.ends.server.host, self.port);
        stage.rule(gate.rule(move |frame: &Passing<'_>| frame.from == server));
        let (from, began) = (stage.frames(), stage.now());
        let sent = self.client.call(stage, call, work)?;
        gate.open();
        stage.release()?;
        needed("send", sent)?;
        stage.until("the arrival of nine bytes", stage.patience, |stage| {
            connection::unread(stage, server, port).is_ok_and(|bytes| bytes == 9)
        })?;
        let read = self.server.call(stage, "recv(100)", |socket| receive(socket, 100))?;
        stage.settle(Duration::ZERO)?;
        let mut segments = self.ends.segments(stage, from);
        segments.retain(|segment| segment.direction == Direction::LeftToRight && segment.length > 0);
        // What a kernel on a busy machine repeats is not what was asked for.
        segments.dedup_by_key(|segment| segment.sequence);
        let last = segments.last().map_or(0, |segment| u64::try_from(segment.time_ns).unwrap_or(u64::MAX));
        Ok(Arrived { segments, last_after: Duration::from_nanos(last).saturating_sub(began), read })
    }

    fn with_nagle(&self, stage: &mut Stage<'_>, round_trip: Duration) -> Result<(), LabError> {
        stage.note(Words {
            en: "three small sends, as a socket is made", zh: "三次小块发送,套接字默认设置"
        })?;
        let arrived = self.send(stage, "3 × send(\"abc\")", three)?;
        let gap = arrived.gap().unwrap_or_default();
        stage.finding(
            Words {
                en: "Nagle: the first leaves at once, the rest waits for its ACK and goes together",
                zh: "Nagle:第一个立即发出,其余的等它的 ACK,然后一起发出",
            },
            arrived.lengths() == "3, 6" && gap >= round_trip,
            format!("{} bytes, {} ms apart", arrived.lengths(), gap.as_millis()),
        );
        Ok(())
    }

    fn without_nagle(&self, stage: &mut Stage<'_>) -> Result<(), LabError> {
        stage.note(Words { en: "with TCP_NODELAY", zh: "设置 TCP_NODELAY" })?;
        let set = self.client.call(stage, "setsockopt(TCP_NODELAY, 1)", |socket| socket.set_tcp_nodelay(true))?;
        needed("setsockopt", set)?;
        let arrived = self.send(stage, "3 × send(\"abc\")", three)?;
        stage.finding(
            Words {
                en: "TCP_NODELAY: each send is a segment, and none waits",
                zh: "TCP_NODELAY:每次发送就是一个报文段,都不等待",
            },
            arrived.lengths() == "3, 3, 3",
            format!("{} bytes", arrived.lengths()),
        );
        stage.finding(
            Words {
                en: "a late reader gets them with one recv() all the same",
                zh: "来得晚的读者照样一次 recv() 全部得到",
            },
            arrived.read.as_ref().is_ok_and(|read| read == b"abcabcabc"),
            told(&arrived.read),
        );
        Ok(())
    }

    fn corked(&self, stage: &mut Stage<'_>) -> Result<(), LabError> {
        stage.note(Words { en: "with TCP_CORK, taken off at the end", zh: "设置 TCP_CORK,最后拔掉" })?;
        let set = self.client.call(stage, "setsockopt(TCP_NODELAY, 0)", |socket| socket.set_tcp_nodelay(false))?;
        needed("setsockopt", set)?;
        let arrived = self.send(stage, "TCP_CORK 1, 3 × send(\"abc\"), TCP_CORK 0", |socket| {
            socket.set_tcp_cork(true)?;
            let sent = three(socket)?;
            socket.set_tcp_cork(false).map(|()| sent)
        })?;
        stage.finding(
            Words {
                en: "TCP_CORK: one segment when the cork is off", zh: "TCP_CORK:拔掉塞子时只有一个报文段"
            },
            arrived.lengths() == "9",
            format!("{} bytes", arrived.lengths()),
        );
        Ok(())
    }

    fn cork_left_on(&self, stage: &mut Stage<'_>) -> Result<(), LabError> {
        stage.note(Words { en: "the same, but nobody takes the cork off", zh: "同样,但没有人拔掉塞子" })?;
        let arrived = self.send(stage, "TCP_CORK 1, 3 × send(\"abc\")", |socket| {
            socket.set_tcp_cork(true)?;
            three(socket)
        })?;
        stage.finding(
            Words {
                en: "a cork left on gives way after 200 ms or more: this one has a timer",
                zh: "留着的塞子过 200 ms 以上才让开:它有定时器",
            },
            arrived.lengths() == "9" && arrived.last_after >= CORK,
            format!("{} bytes after {} ms", arrived.lengths(), arrived.last_after.as_millis()),
        );
        Ok(())
    }
}

/// Sends the same three bytes three times; how many bytes were taken in all.
fn three(socket: &Socket) -> io::Result<usize> {
    (0..3).map(|_| socket.send(b"abc")).sum()
}
