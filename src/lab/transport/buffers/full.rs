//! Small buffers, and more to send than they hold: blocking, not blocking, with a time limit.

use std::io::{self, Read};
use std::net::SocketAddr;
use std::time::Duration;

use socket2::Socket;

use super::{Limits, on_the_way, port, tcp_socket};
use crate::lab::endpoint::Endpoint;
use crate::lab::observation::{What, Words};
use crate::lab::program::{Outcome, Program, errno};
use crate::lab::stage::{LabError, Stage};
use crate::lab::tcp::needed;

/// What a socket is asked to hold.
const SMALL: Limits = Limits { send: 8192, receive: 8192 };
/// Far more than that.
const MESSAGE: usize = 1_000_000;
/// How long a `send()` with a time limit waits.
const TIME_LIMIT: Duration = Duration::from_millis(200);
/// Nothing moves any more.
const STILL: Duration = Duration::from_millis(300);

pub(super) fn small_buffers(stage: &mut Stage<'_>, client: &Program, server: &Program) -> Result<(), LabError> {
    stage.note(Words {
        en: "both buffers fixed at 8192, and 1,000,000 bytes to send",
        zh: "两个缓冲区都固定为 8192,要发送 1,000,000 字节",
    })?;
    let address = SocketAddr::new(stage.address(server.host), stage.port()?);
    let listener = Endpoint::open(stage, server, "SO_RCVBUF 8192, listen(1)", move || {
        let socket = tcp_socket()?;
        SMALL.ask(&socket)?;
        socket.bind(&address.into())?;
        socket.listen(1).map(|()| socket)
    })?;
    let sender = Endpoint::open(stage, client, "SO_SNDBUF 8192, connect()", move || {
        let socket = tcp_socket()?;
        SMALL.ask(&socket)?;
        socket.connect(&address.into()).map(|()| socket)
    })?;
    let reader = listener.accept(stage)?;
    let full = Full { port: port(&sender)?, sender, reader };
    full.blocking(stage)?;
    full.not_blocking(stage)?;
    full.with_time_limit(stage)
}

/// A connection with little room.
struct Full<'p> {
    port: u16,
    sender: Endpoint<'p>,
    reader: Endpoint<'p>,
}

impl Full<'_> {
    fn blocking(&self, stage: &mut Stage<'_>) -> Result<(), LabError> {
        let from = stage.observation.events.len();
        let sending = self.sender.begin(stage, "send(1000000)", |socket| socket.send(&vec![b'x'; MESSAGE]))?;
        stage.until("bytes in the buffers", stage.patience, |stage| self.moved(stage).is_ok_and(|moved| moved > 0))?;
        stage.pass_time(STILL)?;
        let moved = self.moved(stage)?;
        let returned = |stage: &Stage<'_>| {
            let mut since = stage.observation.events.iter().skip(from);
            since.any(|event| matches!(event.what, What::Return { .. }))
        };
        stage.finding(
            Words {
                en: "a blocking send() moves what fits at once, and then it blocks",
                zh: "阻塞的 send() 立即搬走放得下的,然后阻塞",
            },
            moved > 0 && moved < MESSAGE && !returned(stage),
            format!("{moved} of {MESSAGE} bytes"),
        );
        stage.note(Words { en: "the reader reads all", zh: "读者全部读取" })?;
        let read = self.read(stage, MESSAGE)?;
        let sent = needed("send", stage.finish(sending)?)?;
        stage.finding(
            Words {
                en: "it returns when all was taken, and all arrives", zh: "全部收下后它才返回,而且全部到达"
            },
            sent == MESSAGE && read == MESSAGE,
            format!("{sent} sent, {read} read"),
        );
        Ok(())
    }

    fn not_blocking(&self, stage: &mut Stage<'_>) -> Result<(), LabError> {
        stage.note(Words { en: "the same without blocking", zh: "同样,但不阻塞" })?;
        let short = self.sender.call(stage, "O_NONBLOCK, send(1000000) again and again", |socket| {
            socket.set_nonblocking(true).map(|()| Short::of(socket))
        })?;
        let measured = short.told();
        let short = needed("setsockopt", short)?;
        stage.finding(
            Words {
                en: "a send() that may not block returns a short count, and EAGAIN when nothing fits",
                zh: "不许阻塞的 send() 返回较小的计数,什么也放不下时返回 EAGAIN",
            },
            short.seen(),
            measured,
        );
        self.read(stage, short.total()).map(drop)
    }

    fn with_time_limit(&self, stage: &mut Stage<'_>) -> Result<(), LabError> {
        stage.note(Words { en: "the same with SO_SNDTIMEO", zh: "同样,设置 SO_SNDTIMEO" })?;
        let short = self.sender.call(stage, "SO_SNDTIMEO, send(1000000) again and again", |socket| {
            socket.set_nonblocking(false)?;
            socket.set_write_timeout(Some(TIME_LIMIT)).map(|()| Short::of(socket))
        })?;
        let measured = short.told();
        let short = needed("setsockopt", short)?;
        stage.pass_time(STILL)?;
        let moved = self.moved(stage)?;
        stage.finding(
            Words {
                en: "SO_SNDTIMEO: a short count as well, then EAGAIN; what was counted is on its way",
                zh: "SO_SNDTIMEO:同样是较小的计数,然后 EAGAIN;计入的字节已在路上",
            },
            short.seen() && moved == short.total(),
            measured,
        );
        Ok(())
    }

    /// Bytes that the kernels have of what was sent and not read.
    fn moved(&self, stage: &mut Stage<'_>) -> Result<usize, LabError> {
        let hosts = [self.sender.program().host, self.reader.program().host];
        let bytes = on_the_way(stage, hosts, self.port)?;
        Ok(bytes.iter().map(|bytes| *bytes as usize).sum())
    }

    /// Reads this many bytes.
    fn read(&self, stage: &mut Stage<'_>, bytes: usize) -> Result<usize, LabError> {
        let read = self.reader.call(stage, "recv() until all is there", move |mut socket| {
            socket.read_exact(&mut vec![0; bytes]).map(|()| bytes)
        })?;
        needed("recv", read)
    }
}

/// What the kernel took of a message that is too large, offered until it refused.
struct Short {
    /// By each `send()`; as the buffers have an end, so has this.
    taken: Vec<usize>,
    refusal: io::Error,
}

impl Short {
    fn of(socket: &Socket) -> Self {
        let message = vec![b'x'; MESSAGE];
        let mut taken = Vec::new();
        let refusal = loop {
            match socket.send(&message) {
                Ok(bytes) => taken.push(bytes),
                Err(refusal) => break refusal,
            }
        };
        Short { taken, refusal }
    }

    fn total(&self) -> usize {
        self.taken.iter().sum()
    }

    fn seen(&self) -> bool {
        let first = self.taken.first().is_some_and(|first| *first > 0 && *first < MESSAGE);
        first && self.refusal.kind() == io::ErrorKind::WouldBlock
    }
}

impl Outcome for io::Result<Short> {
    fn told(&self) -> String {
        let first = |short: &Short| short.taken.first().map_or_else(String::new, |first| format!("{first}, "));
        self.as_ref().map_or_else(errno, |short| format!("{}{}", first(short), errno(&short.refusal)))
    }
}
