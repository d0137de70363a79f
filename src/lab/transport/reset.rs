//! RST instead of FIN: the ways in which a connection is refused or thrown away (RFC 9293 §3.5.2, §3.6.1).

use std::io;
use std::time::Duration;

use nix::errno::Errno;
use socket2::Socket;

use crate::lab::connection::{self, Connection, Ends};
use crate::lab::experiment::{Floor, Lab, Parameters};
use crate::lab::fate::{self, Fate, Passing};
use crate::lab::observation::Words;
use crate::lab::program::{failed_with, told};
use crate::lab::segments::{self, Direction, Segment};
use crate::lab::stage::{LabError, Stage};
use crate::lab::tcp;
use crate::lab::topology::Neighbours;
use crate::transport::tcp::Flags;

/// The lab.
pub const LAB: Lab = Lab {
    name: "reset",
    floor: Floor::Transport,
    on_loopback: true,
    title: Words {
        en: "RST refuses a connection, or throws one away with everything in it",
        zh: "RST 拒绝连接,或把连接连同其中的数据一起丢弃",
    },
    explanation: Words {
        en: "A kernel that gets a segment for which it has no connection answers RST. So connect() to a port where \
             nobody listens fails with ECONNREFUSED, and so does a write to a peer that is gone: the write itself \
             succeeds, the RST comes back, and only the next write fails, with EPIPE. close() sends RST and not FIN in \
             two cases: when the program asked for it (SO_LINGER with time 0), and when bytes lie in the receive buffer \
             that the program has not read. Then the peer gets ECONNRESET, and what was still on its way to it is lost \
             too: nobody is left to repeat it. So read to the end before you close. There is no TIME-WAIT after RST.",
        zh: "内核收到一个不属于任何连接的报文段时用 RST 应答。所以对无人监听的端口 connect() 会失败,得到 ECONNREFUSED;\
             向已经离开的对方写数据也一样:这次写成功,RST 返回,下一次写才失败,得到 EPIPE。close() 在两种情况下发送 RST 而不是 \
             FIN:程序这样要求(SO_LINGER,时间为 0),或者接收缓冲区里还有程序没有读的字节。这时对方得到 ECONNRESET,\
             仍在路上的数据也丢失了:没有人会再重传。所以关闭之前要读到末尾。RST 之后没有 TIME-WAIT。",
    },
    run,
};

fn run(stage: &mut Stage<'_>, parameters: &Parameters) -> Result<(), LabError> {
    let hosts = stage.pair(Neighbours::Known)?;
    stage.delay(parameters.round_trip().map(|time| time / 2));
    nobody_listens(stage, hosts)?;
    let ends = Ends::new(stage, hosts)?;
    on_demand(stage, &ends)?;
    unread(stage, &ends)?;
    if stage.has_wire() {
        lost(stage, &ends)?;
    }
    write_to_the_gone(stage, &ends)
}

fn nobody_listens(stage: &mut Stage<'_>, [client, server]: [usize; 2]) -> Result<(), LabError> {
    stage.note(Words { en: "nobody listens", zh: "没有人监听" })?;
    let address = (stage.address(server), stage.port()?).into();
    let program = stage.program(client);
    let refused = stage.call(&program, "connect()", move || tcp::connect(address))?;
    stage.finding(
        Words { en: "connect() to a closed port: ECONNREFUSED", zh: "connect() 到关闭的端口:ECONNREFUSED" },
        failed_with(&refused, Errno::ECONNREFUSED),
        told(&refused),
    );
    if stage.has_wire() {
        let segments = segments::of(&stage.observation, client, server);
        let acknowledged = |syn: &Segment, answer: &Segment| answer.acknowledgment == syn.sequence.wrapping_add(1);
        stage.finding(
            Words {
                en: "the answer is RST, ACK: it acknowledges the SYN, sequence number + 1",
                zh: "应答是 RST, ACK:确认 SYN,序号 + 1",
            },
            matches!(segments.as_slice(), [syn, answer] if answer.flags == RST_ACK && acknowledged(syn, answer)),
            segments::flags(&segments),
        );
    }
    Ok(())
}

/// The program asks for it: no FIN, no TIME-WAIT.
fn on_demand(stage: &mut Stage<'_>, ends: &Ends) -> Result<(), LabError> {
    stage.note(Words { en: "SO_LINGER with time 0, then close", zh: "SO_LINGER 时间为 0,然后关闭" })?;
    let Connection { client, server, port } = ends.connect(stage)?;
    let from = stage.frames();
    let reading = stage.begin(&ends.server, "recv()", move || tcp::receive(server, 100))?;
    let closed = stage.call(&ends.client, "setsockopt(SO_LINGER, 1, 0), close()", move || reset(client))?;
    tcp::needed("setsockopt", closed)?;
    let (_server, read) = stage.finish(reading)?;
    stage.settle(QUIET)?;
    stage.finding(
        Words {
            en: "the peer that waits in recv() gets ECONNRESET", zh: "在 recv() 中等待的对方得到 ECONNRESET"
        },
        failed_with(&read, Errno::ECONNRESET),
        told(&read),
    );
    if stage.has_wire() {
        let shape = ends.segments(stage, from);
        stage.finding(
            Words { en: "close() sends one RST and no FIN", zh: "close() 只发送一个 RST,没有 FIN" },
            shape.len() == 1 && shape.iter().all(|segment| segment.flags == RST_ACK),
            segments::flags(&shape),
        );
    }
    let left = stage.look()?.iter().flatten().filter(|socket| connection::of(port)(socket)).count();
    stage.finding(
        Words {
            en: "both ends are CLOSED at once, nobody is in TIME-WAIT", zh: "两端立即 CLOSED,没有 TIME-WAIT"
        },
        left == 0,
        format!("{left} sockets left"),
    );
    Ok(())
}

/// The server reads a part of the question, answers, and closes.
fn unread(stage: &mut Stage<'_>, ends: &Ends) -> Result<(), LabError> {
    stage.note(Words { en: "the server closes with bytes unread", zh: "服务器还有字节没读就关闭" })?;
    let client = question(stage, ends)?;
    stage.settle(QUIET)?;
    let (client, answer) = stage.call(&ends.client, "recv()", move || tcp::receive(client, 100))?;
    let (_client, end) = stage.call(&ends.client, "recv()", move || tcp::receive(client, 100))?;
    stage.finding(
        Words {
            en: "close() with unread bytes: the peer reads the answer that came, then ECONNRESET and no end of data",
            zh: "有字节没读就 close():对方读到已到达的应答,然后是 ECONNRESET,而不是数据结束",
        },
        answer.as_ref().is_ok_and(|answer| answer == b"answer") && failed_with(&end, Errno::ECONNRESET),
        format!("{}, {}", told(&answer), told(&end)),
    );
    Ok(())
}

/// The same, with the answer lost once on the wire.
fn lost(stage: &mut Stage<'_>, ends: &Ends) -> Result<(), LabError> {
    stage
        .note(Words { en: "the same, but the wire loses the answer once", zh: "同样,但线路丢失一次应答" })?;
    let server = ends.server.host;
    let answer = move |frame: &Passing<'_>| frame.from == server && segments::payload(frame.layers) > 0;
    stage.rule(fate::nth(1, answer, Fate::Drop));
    let from = stage.frames();
    let client = question(stage, ends)?;
    let (_client, read) = stage.call(&ends.client, "recv()", move || tcp::receive(client, 100))?;
    stage.settle(REPEATED)?;
    let answers = ends.segments(stage, from);
    let answers = answers.iter().filter(|s| s.direction == Direction::RightToLeft && s.length > 0).count();
    stage.finding(
        Words {
            en: "an answer lost on the way is never repeated: close() threw it away",
            zh: "路上丢失的应答不再重传:close() 已把它丢弃",
        },
        answers == 1 && failed_with(&read, Errno::ECONNRESET),
        format!("{answers} × \"answer\", {}", told(&read)),
    );
    Ok(())
}

/// The client sends more than the server reads; the server answers and closes. Gives back the client's socket.
fn question(stage: &mut Stage<'_>, ends: &Ends) -> Result<Socket, LabError> {
    let Connection { client, server, .. } = ends.connect(stage)?;
    let (client, sent) =
        stage.call(&ends.client, "send(\"question and more\")", move || tcp::send(client, b"question and more"))?;
    tcp::needed("send", sent)?;
    let (server, read) = stage.call(&ends.server, "recv(8)", move || tcp::receive(server, 8))?;
    tcp::needed("recv", read)?;
    let answered = stage.call(&ends.server, "send(\"answer\"), close()", move || {
        let (server, sent) = tcp::send(server, b"answer");
        tcp::close(server);
        sent
    })?;
    tcp::needed("send", answered)?;
    Ok(client)
}

/// The peer closed everything long ago.
fn write_to_the_gone(stage: &mut Stage<'_>, ends: &Ends) -> Result<(), LabError> {
    stage
        .note(Words { en: "the server is gone, the client writes on", zh: "服务器已离开,客户端继续写" })?;
    let Connection { client, server, .. } = ends.connect(stage)?;
    stage.call(&ends.server, "close()", move || tcp::close(server))?;
    stage.settle(QUIET)?;
    let from = stage.frames();
    let (client, first) = stage.call(&ends.client, "send(\"one\")", move || tcp::send(client, b"one"))?;
    stage.settle(QUIET)?;
    let answered = ends.segments(stage, from);
    let (_client, second) = stage.call(&ends.client, "send(\"two\")", move || tcp::send(client, b"two"))?;
    stage.settle(QUIET)?;
    stage.finding(
        Words {
            en: "the first write after the peer closed succeeds, the second fails: EPIPE",
            zh: "对方关闭后第一次写成功,第二次失败:EPIPE",
        },
        first.is_ok() && failed_with(&second, Errno::EPIPE),
        format!("{}, {}", told(&first), told(&second)),
    );
    if stage.has_wire() {
        let all = ends.segments(stage, from);
        stage.finding(
            Words {
                en: "between them came the RST; the second write sends nothing",
                zh: "其间到达了 RST;第二次写什么也没有发出",
            },
            answered.iter().any(|segment| segment.flags == Flags::RST) && all.len() == answered.len(),
            segments::flags(&all),
        );
    }
    Ok(())
}

const RST_ACK: Flags = Flags::RST.with(Flags::ACK);
/// Nothing more comes of what was sent at once.
const QUIET: Duration = Duration::from_millis(50);
/// Longer than a kernel waits before it repeats a segment: 200 ms at least on Linux.
const REPEATED: Duration = Duration::from_millis(500);

/// Closes with RST.
fn reset(socket: Socket) -> io::Result<()> {
    socket.set_linger(Some(Duration::ZERO))?;
    drop(socket);
    Ok(())
}
