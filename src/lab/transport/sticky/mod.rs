//! Messages stick together: what a byte stream keeps of three sends, and who keeps them apart.

use std::io::{self, Read};
use std::time::Duration;

use crate::lab::connection::{self, Connection, Ends};
use crate::lab::endpoint::Endpoint;
use crate::lab::experiment::{Floor, Lab, Parameters};
use crate::lab::observation::Words;
use crate::lab::program::{Outcome, errno, quoted, told};
use crate::lab::segments::{self, Direction};
use crate::lab::stage::{LabError, Stage};
use crate::lab::tcp::needed;
use crate::lab::topology::Neighbours;

mod others;

/// The lab.
pub const LAB: Lab = Lab {
    name: "sticky",
    floor: Floor::Transport,
    on_loopback: true,
    title: Words {
        en: "Three sends, one recv: a byte stream has no messages",
        zh: "发送三次,一次 recv:字节流里没有消息(粘包)",
    },
    explanation: Words {
        en: "TCP carries a stream of bytes. Where one send() ended and the next began is not in the stream, so a reader \
             that comes late gets several messages with one recv(), and a reader with a small buffer gets a part of \
             one. It is no fault of Nagle's algorithm: with TCP_NODELAY every send leaves as a segment of its own, and \
             the reader still gets them together. Nor is it TCP alone: an AF_UNIX stream and a pipe do the same. \
             Datagrams keep their boundaries: UDP, AF_UNIX SOCK_DGRAM and SOCK_SEQPACKET. Who needs messages on a \
             stream must mark where they end: by a length in front, or by a delimiter.",
        zh: "TCP 传送的是字节流。一次 send() 在哪里结束、下一次从哪里开始,流里并没有记录,所以来得晚的读者一次 recv() \
             就得到几条消息,缓冲区小的读者只得到一条的一部分。这不是 Nagle 算法的错:用 TCP_NODELAY,每次发送都作为单独的报文段发出,\
             读者还是一起得到它们。这也不只是 TCP:AF_UNIX 流和管道同样如此。数据报保留边界:UDP、AF_UNIX SOCK_DGRAM 和 SOCK_SEQPACKET。\
             要在流上传送消息,就必须标明消息在哪里结束:在前面加长度,或者用分隔符。",
    },
    run,
};

/// Long enough for everything that is on its way to arrive.
const QUIET: Duration = Duration::from_millis(30);

fn run(stage: &mut Stage<'_>, parameters: &Parameters) -> Result<(), LabError> {
    let hosts = stage.pair(Neighbours::Known)?;
    stage.delay(parameters.round_trip().map(|time| time / 2));
    let ends = Ends::new(stage, hosts)?;
    let Connection { client, server, port } = ends.connect(stage)?;
    let stream =
        Stream { port, client: Endpoint::new(&ends.client, client), server: Endpoint::new(&ends.server, server) };
    stream.late_reader(stage)?;
    stream.short_reads(stage)?;
    stream.empty_send(stage, &ends)?;
    stream.no_delay(stage, &ends)?;
    others::streams(stage, &ends.server)?;
    others::messages(stage, &ends.server)?;
    others::datagrams(stage, &ends)
}

/// A TCP connection.
struct Stream<'p> {
    port: u16,
    client: Endpoint<'p>,
    server: Endpoint<'p>,
}

impl Stream<'_> {
    /// Three messages that wait together before the reader comes.
    fn send_three(&self, stage: &mut Stage<'_>) -> Result<(), LabError> {
        needed("send", self.client.call(stage, "3 × send(\"abc\")", |socket| three(|bytes| socket.send(bytes)))?)?;
        let (server, port) = (self.server.program().host, self.port);
        stage.until("the arrival of nine bytes", stage.patience, |stage| {
            connection::unread(stage, server, port).is_ok_and(|bytes| bytes == 9)
        })
    }

    fn receive(&self, stage: &mut Stage<'_>, most: usize) -> Result<Reads, LabError> {
        self.server.call(stage, &format!("recv({most})"), move |socket| read(socket, most))
    }

    fn late_reader(&self, stage: &mut Stage<'_>) -> Result<(), LabError> {
        stage.note(Words { en: "three sends before the reader reads", zh: "读者读取之前发送三次" })?;
        self.send_three(stage)?;
        let read = self.receive(stage, 100)?;
        stage.finding(
            Words { en: "one recv() gets all three messages", zh: "一次 recv() 得到全部三条消息" },
            read.are(&["abcabcabc"]),
            told(&read),
        );
        Ok(())
    }

    fn short_reads(&self, stage: &mut Stage<'_>) -> Result<(), LabError> {
        stage.note(Words {
            en: "the same, and a reader with room for five", zh: "同样,读者只有五个字节的空间"
        })?;
        self.send_three(stage)?;
        let read = [self.receive(stage, 5)?, self.receive(stage, 100)?];
        stage.finding(
            Words { en: "a short recv() cuts a message in the middle", zh: "短的 recv() 把消息从中间切开" },
            read[0].are(&["abcab"]) && read[1].are(&["cabc"]),
            format!("{}, {}", told(&read[0]), told(&read[1])),
        );
        Ok(())
    }

    fn empty_send(&self, stage: &mut Stage<'_>, ends: &Ends) -> Result<(), LabError> {
        stage.note(Words { en: "an empty send", zh: "一次空的发送" })?;
        stage.settle(QUIET)?;
        let from = stage.frames();
        let sent = needed("send", self.client.call(stage, "send(\"\")", |socket| socket.send(b""))?)?;
        stage.settle(QUIET)?;
        let segments = ends.segments(stage, from).len();
        let unread = connection::unread(stage, self.server.program().host, self.port)?;
        stage.finding(
            Words {
                en: "an empty send is nothing: no segment, nothing to read",
                zh: "空的发送什么也不是:没有报文段,没有可读的",
            },
            sent == 0 && segments == 0 && unread == 0,
            if stage.has_wire() { format!("{segments} segments, {unread} bytes") } else { format!("{unread} bytes") },
        );
        Ok(())
    }

    fn no_delay(&self, stage: &mut Stage<'_>, ends: &Ends) -> Result<(), LabError> {
        stage.note(Words { en: "TCP_NODELAY: Nagle's algorithm is off", zh: "TCP_NODELAY:关闭 Nagle 算法" })?;
        let set = self.client.call(stage, "setsockopt(TCP_NODELAY, 1)", |socket| socket.set_tcp_nodelay(true))?;
        needed("setsockopt", set)?;
        let from = stage.frames();
        self.send_three(stage)?;
        let read = self.receive(stage, 100)?;
        let mut segments = ends.segments(stage, from);
        segments.retain(|segment| segment.direction == Direction::LeftToRight && segment.length > 0);
        // A busy machine may make a kernel believe that one was lost.
        segments.dedup_by_key(|segment| segment.sequence);
        let lengths = segments::lengths(&segments);
        if stage.has_wire() {
            stage.finding(
                Words {
                    en: "with TCP_NODELAY they are three segments", zh: "用 TCP_NODELAY,它们是三个报文段"
                },
                lengths == "3, 3, 3",
                lengths,
            );
        }
        stage.finding(
            Words {
                en: "TCP_NODELAY is no cure: one recv() gets them all the same",
                zh: "TCP_NODELAY 治不了:一次 recv() 照样全部得到",
            },
            read.are(&["abcabcabc"]),
            told(&read),
        );
        Ok(())
    }
}

/// Sends the same message three times; how many bytes were taken in all.
fn three(mut send: impl FnMut(&[u8]) -> io::Result<usize>) -> io::Result<usize> {
    let mut taken = 0;
    for _ in 0..3 {
        taken += send(b"abc")?;
    }
    Ok(taken)
}

/// What a number of reads gave, one after the other.
#[derive(Debug)]
struct Reads(io::Result<Vec<Vec<u8>>>);

impl Reads {
    fn are(&self, expected: &[&str]) -> bool {
        self.0
            .as_ref()
            .is_ok_and(|reads| reads.iter().map(Vec::as_slice).eq(expected.iter().map(|text| text.as_bytes())))
    }
}

impl Outcome for Reads {
    fn told(&self) -> String {
        let each = |reads: &Vec<Vec<u8>>| reads.iter().map(|read| quoted(read)).collect::<Vec<_>>();
        self.0.as_ref().map_or_else(errno, |reads| each(reads).join(", "))
    }
}

/// Reads once, at most `most` bytes.
fn read(reader: impl Read, most: usize) -> Reads {
    read_times(reader, most, 1)
}

/// Reads a number of times, at most `most` bytes each time.
fn read_times(mut reader: impl Read, most: usize, times: usize) -> Reads {
    let once = |_| {
        let mut buffer = vec![0; most];
        let length = reader.read(&mut buffer)?;
        buffer.truncate(length);
        Ok(buffer)
    };
    Reads((0..times).map(once).collect())
}
