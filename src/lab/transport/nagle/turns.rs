//! Two writes, then a read: what Nagle's algorithm and a delayed acknowledgement make of it together.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use socket2::Socket;

use super::Small;
use crate::lab::observation::Words;
use crate::lab::program::{Outcome, errno};
use crate::lab::segments::{Direction::RightToLeft, Segment};
use crate::lab::stage::{LabError, Stage};
use crate::lab::tcp::needed;

/// What a client sends for one question, in two writes, and the answer.
const HEADER: [u8; 4] = [b'h'; 4];
const BODY: [u8; 100] = [b'b'; 100];
const ANSWER: [u8; 4] = [b'a'; 4];

/// Turns before the one that is shown.
const BEFORE: usize = 4;
/// Longer than an acknowledgement of the answer is held back: 40 ms at least on Linux.
const DELAYED_ACK: Duration = Duration::from_millis(60);

/// The shortest of so many turns, the first left out where there are several.
struct Shortest(io::Result<Duration>, usize);

impl Outcome for Shortest {
    fn told(&self) -> String {
        let turn = |turn: &Duration| match self.1 {
            1 => format!("{} ms", turn.as_millis()),
            turns => format!("last {}: each ≥ {} ms", turns - 1, turn.as_millis()),
        };
        self.0.as_ref().map_or_else(errno, turn)
    }
}

/// Writes twice and reads, a number of times.
fn ask(mut socket: &Socket, turns: usize) -> io::Result<Duration> {
    let mut shortest = Duration::MAX;
    for turn in 1..=turns {
        let began = Instant::now();
        socket.send(&HEADER)?;
        socket.send(&BODY)?;
        socket.read_exact(&mut [0; ANSWER.len()])?;
        // From the first answer the server's kernel learns that its acknowledgements can wait for one.
        if turn > 1 || turns == 1 {
            shortest = shortest.min(began.elapsed());
        }
    }
    Ok(shortest)
}

/// Answers each question when it is there whole.
fn answer(mut socket: &Socket, turns: usize) -> io::Result<usize> {
    for _ in 0..turns {
        socket.read_exact(&mut [0; HEADER.len() + BODY.len()])?;
        socket.send(&ANSWER)?;
    }
    Ok(turns)
}

/// How turns went.
struct Turns {
    shortest: Duration,
    /// The segments of the last one.
    segments: Vec<Segment>,
}

impl Turns {
    /// Whether the second write left only after something had come back.
    fn waited(&self) -> bool {
        let mut after_first = self.segments.iter().skip(1);
        after_first.find(|segment| segment.length != HEADER.len()).is_some_and(|next| next.direction == RightToLeft)
    }

    /// The segments, with the bytes of each.
    fn shape(&self) -> String {
        let arrow = |segment: &Segment| if segment.direction == RightToLeft { "←" } else { "→" };
        let each = self.segments.iter().map(|segment| format!("{}{}", arrow(segment), segment.length));
        each.collect::<Vec<_>>().join(" ")
    }
}

impl Small<'_> {
    fn turns(&self, stage: &mut Stage<'_>) -> Result<Turns, LabError> {
        let before = stage.keeping(0, |stage| self.talk(stage, BEFORE))?;
        let from = stage.frames();
        let last = self.talk(stage, 1)?;
        Ok(Turns { shortest: before.min(last), segments: self.ends.segments(stage, from) })
    }

    fn talk(&self, stage: &mut Stage<'_>, turns: usize) -> Result<Duration, LabError> {
        let call = format!("{turns} × (recv(104), send(4))");
        let answering = self.server.begin(stage, &call, move |socket| answer(socket, turns))?;
        let call = format!("{turns} × (send(4), send(100), recv(4))");
        let Shortest(shortest, _) =
            self.client.call(stage, &call, move |socket| Shortest(ask(socket, turns), turns))?;
        needed("recv", stage.finish(answering)?)?;
        stage.settle(DELAYED_ACK)?;
        needed("send", shortest)
    }

    pub(super) fn write_write_read(&self, stage: &mut Stage<'_>) -> Result<(), LabError> {
        stage
            .note(Words { en: "write, write, read: with Nagle's algorithm", zh: "写、写、读:有 Nagle 算法" })?;
        needed("setsockopt", self.client.call(stage, "TCP_CORK 0", |socket| socket.set_tcp_cork(false))?)?;
        let nagle = self.turns(stage)?;
        stage.note(Words { en: "write, write, read: with TCP_NODELAY", zh: "写、写、读:设置 TCP_NODELAY" })?;
        let set = self.client.call(stage, "setsockopt(TCP_NODELAY, 1)", |socket| socket.set_tcp_nodelay(true))?;
        needed("setsockopt", set)?;
        let no_delay = self.turns(stage)?;
        stage.finding(
            Words {
                en: "write, write, read: with Nagle the second write waits for the ACK of the first",
                zh: "写、写、读:有 Nagle 时第二次写等待第一次的 ACK",
            },
            nagle.waited() && !no_delay.waited(),
            format!("{}, TCP_NODELAY {}", nagle.shape(), no_delay.shape()),
        );
        stage.finding(
            Words {
                en: "the server delays that ACK: a turn takes about twice as long, or more",
                zh: "服务器推迟这个 ACK:一个来回要用大约两倍的时间,甚至更多",
            },
            nagle.shortest * 10 >= no_delay.shortest * 18,
            format!("{} ms, TCP_NODELAY {} ms", nagle.shortest.as_millis(), no_delay.shortest.as_millis()),
        );
        Ok(())
    }
}
