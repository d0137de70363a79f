//! One direction is closed, the other still carries data (RFC 9293 §3.6).

use std::net::Shutdown;
use std::time::Duration;

use nix::errno::Errno;

use crate::lab::connection::{self, Ends};
use crate::lab::endpoint::Endpoint;
use crate::lab::experiment::{Floor, Lab, Parameters};
use crate::lab::observation::Words;
use crate::lab::program::{failed_with, told};
use crate::lab::segments::{self, Direction};
use crate::lab::sockets::Seen;
use crate::lab::stage::{LabError, Stage};
use crate::lab::topology::Neighbours;
use crate::lab::{states, tcp, udp};
use crate::transport::states::State;
use crate::transport::tcp::Flags;

/// The lab.
pub const LAB: Lab = Lab {
    name: "half-close",
    floor: Floor::Transport,
    on_loopback: true,
    title: Words {
        en: "One direction closed, the other still carries data",
        zh: "一个方向已关闭,另一个方向仍在传输数据",
    },
    explanation: Words {
        en: "A connection is two streams, and each ends by itself. shutdown(SHUT_WR) sends a FIN and keeps the socket: \
             the peer reads everything and then the end of data (0 bytes), which is how a client says that its question \
             is complete without a length before it. The peer is in CLOSE-WAIT and may send for as long as it likes; \
             the end that shut down is in FIN-WAIT-2 and receives. As a program still holds the socket there is no \
             timer on FIN-WAIT-2. close() is different: it closes both directions, and data that arrives afterwards is \
             answered by RST.",
        zh: "一个连接是两条字节流,各自结束。shutdown(SHUT_WR) 发送 FIN 但保留套接字:对方读完全部数据后读到数据结束(0 字节),\
             客户端就这样不用长度前缀也能表明问题已经完整。对方处于 CLOSE-WAIT,可以继续发送任意长的时间;\
             关闭了写方向的一端处于 FIN-WAIT-2,仍能接收。因为程序还持有套接字,FIN-WAIT-2 没有定时器。close() 则不同:\
             它关闭两个方向,之后到达的数据会得到 RST。",
    },
    run,
};

/// Nothing more comes of what was sent at once; a kernel may hold an acknowledgement back for 200 ms.
const QUIET: Duration = Duration::from_millis(300);

fn run(stage: &mut Stage<'_>, parameters: &Parameters) -> Result<(), LabError> {
    let hosts = stage.pair(Neighbours::Known)?;
    stage.delay(parameters.round_trip().map(|time| time / 2));
    let ends = Ends::new(stage, hosts)?;
    let connection = ends.connect(stage)?;
    let port = connection.port;
    let [client, server] = connection.endpoints(&ends);

    stage.note(Words {
        en: "the client sends its question and closes its direction",
        zh: "客户端发出问题,然后关闭自己的方向",
    })?;
    tcp::needed("send", client.call(stage, "send(\"question\")", |socket| socket.send(b"question"))?)?;
    tcp::needed("shutdown", client.call(stage, "shutdown(SHUT_WR)", |socket| socket.shutdown(Shutdown::Write))?)?;
    let question = server.call(stage, "recv()", |socket| udp::receive(socket, 100))?;
    let end = server.call(stage, "recv()", |socket| udp::receive(socket, 100))?;
    stage.finding(
        Words {
            en: "the server reads the question and then the end of data", zh: "服务器读到问题,然后读到数据结束"
        },
        question.as_ref().is_ok_and(|bytes| bytes == b"question") && end.as_ref().is_ok_and(Vec::is_empty),
        format!("{}, {}", told(&question), told(&end)),
    );
    stage.settle(QUIET)?;
    halfway(stage, &ends, port)?;
    answer(stage, &ends, &client, &server)?;
    the_end(stage, &ends, [client, server], port)
}

/// Both ends between the two closes.
fn halfway(stage: &mut Stage<'_>, ends: &Ends, port: u16) -> Result<(), LabError> {
    let sockets = stage.look()?;
    let at = |host: usize| sockets.get(host).and_then(|all| all.iter().find(|socket| connection::of(port)(socket)));
    let still = |seen: Option<&Seen>, state| seen.is_some_and(|s| s.state == Some(state) && s.timer.is_none());
    let (client, server) = (at(ends.client.host), at(ends.server.host));
    let seen = still(client, State::FinWait2) && still(server, State::CloseWait);
    let names = [client, server].map(|end| end.and_then(|end| end.state).map_or("CLOSED", State::name));
    stage.finding(
        Words {
            en: "between the two closes: FIN-WAIT-2 and CLOSE-WAIT, both without a timer",
            zh: "两次关闭之间:FIN-WAIT-2 和 CLOSE-WAIT,都没有定时器",
        },
        seen,
        names.join(", "),
    );
    Ok(())
}

/// The server answers in two parts, as slowly as it likes.
fn answer(stage: &mut Stage<'_>, ends: &Ends, client: &Endpoint<'_>, server: &Endpoint<'_>) -> Result<(), LabError> {
    stage.note(Words {
        en: "the server takes its time and answers in two parts", zh: "服务器不慌不忙,分两次应答"
    })?;
    let from = stage.frames();
    let mut received = Vec::new();
    for part in ["part one", "part two"] {
        let call = format!("send(\"{part}\")");
        tcp::needed("send", server.call(stage, &call, move |socket| socket.send(part.as_bytes()))?)?;
        let read = client.call(stage, "recv()", |socket| udp::receive(socket, 100))?;
        received.extend(tcp::needed("recv", read)?);
    }
    stage.settle(QUIET)?;
    let carried = ends.segments(stage, from);
    let carried = carried.iter().filter(|segment| segment.direction == Direction::RightToLeft && segment.length > 0);
    let carried = carried.count();
    stage.finding(
        Words {
            en: "after the client's FIN data still flows the other way, and is acknowledged",
            zh: "客户端发出 FIN 之后,数据仍在另一个方向传输,并得到确认",
        },
        received == b"part onepart two" && (carried >= 2 || !stage.has_wire()),
        format!("{} bytes", received.len()),
    );
    let refused = client.call(stage, "send(\"more\")", |socket| socket.send(b"more"))?;
    stage.finding(
        Words {
            en: "the direction that was closed takes nothing more: EPIPE", zh: "已关闭的方向不再接受数据:EPIPE"
        },
        failed_with(&refused, Errno::EPIPE),
        told(&refused),
    );
    Ok(())
}

fn the_end(stage: &mut Stage<'_>, ends: &Ends, [client, server]: [Endpoint<'_>; 2], port: u16) -> Result<(), LabError> {
    stage.note(Words { en: "the server closes too", zh: "服务器也关闭" })?;
    let from = stage.frames();
    server.close(stage)?;
    let end = client.call(stage, "recv()", |socket| udp::receive(socket, 100))?;
    stage.settle(QUIET)?;
    client.close(stage)?;
    let path = states::passed(&stage.observation.events, ends.client.host, connection::of(port));
    let expected = [State::FinWait1, State::FinWait2, State::TimeWait];
    let shape = ends.segments(stage, from);
    let two = matches!(shape.as_slice(), [fin, ack] if fin.flags == FIN_ACK && ack.flags == Flags::ACK);
    stage.finding(
        Words {
            en: "the second FIN ends it: the client, which closed first, has TIME-WAIT",
            zh: "第二个 FIN 结束连接:先关闭的客户端处于 TIME-WAIT",
        },
        end.is_ok_and(|bytes| bytes.is_empty()) && path.ends_with(&expected) && (two || !stage.has_wire()),
        if stage.has_wire() {
            format!("{}; {}", segments::flags(&shape), states::names(&path))
        } else {
            states::names(&path)
        },
    );
    Ok(())
}

const FIN_ACK: Flags = Flags::FIN.with(Flags::ACK);
