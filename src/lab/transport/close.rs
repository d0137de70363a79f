//! Closing a connection: four segments when both sides take their time, three as it usually goes, and who is left with
//! TIME-WAIT (RFC 9293 §3.6).

use std::net::SocketAddr;
use std::time::Duration;

use crate::lab::experiment::{Floor, Lab, Parameters};
use crate::lab::observation::{What, Words};
use crate::lab::sockets::Seen;
use crate::lab::stage::{LabError, Stage};
use crate::lab::tcp;
use crate::lab::topology::Neighbours;
use crate::lab::{segments, states};
use crate::transport::states::State;

/// The lab.
pub const LAB: Lab = Lab {
    name: "close",
    floor: Floor::Transport,
    on_loopback: false,
    title: Words {
        en: "Four segments close a connection, usually sent as three",
        zh: "四个报文段关闭连接,通常合并为三个",
    },
    explanation: Words {
        en: "Each direction of a connection is closed by itself: a FIN says that no more data will come, and the other \
             side acknowledges it. When the server closes later than it saw the client's FIN, its acknowledgement and \
             its own FIN are two segments: four in all. When it closes at once, its kernel sends both in one: three. \
             The side that closed first waits in TIME-WAIT, so that it can acknowledge a repeated FIN if its last \
             acknowledgement is lost, and so that late segments of this connection cannot fall into a new one.",
        zh: "连接的两个方向各自关闭:FIN 表示不再发送数据,对方予以确认。如果服务器看到客户端的 FIN 之后过一会才关闭,它的确认和它自己的 \
             FIN 是两个报文段,总共四个。如果它立即关闭,内核把两者合并发送:三个。先关闭的一方停留在 TIME-WAIT,\
             这样在最后的确认丢失时它能再次确认重传的 FIN,而且旧连接迟到的报文段不会混入新的连接。",
    },
    run,
};

const PORT: u16 = 8080;
/// Longer than a kernel holds back an acknowledgement (40 ms at least, 200 ms at most on Linux).
const DELAYED_ACK: Duration = Duration::from_millis(300);

fn run(stage: &mut Stage<'_>, parameters: &Parameters) -> Result<(), LabError> {
    let [client, server] = stage.pair(Neighbours::Known)?;
    stage.delay(parameters.round_trip().map(|time| time / 2));
    let address = SocketAddr::new(stage.address(server), PORT);

    stage.note(Words { en: "the server closes when it pleases", zh: "服务器稍后才关闭" })?;
    let four = connection(stage, address, client, server, true)?;
    stage.finding(
        Words { en: "a server that closes later: four segments", zh: "服务器稍后关闭:四个报文段" },
        four.shape == ["FIN ACK", "ACK", "FIN ACK", "ACK"],
        four.shape.join(", "),
    );
    stage.finding(
        Words {
            en: "the side that closes first goes FIN-WAIT-1, FIN-WAIT-2, TIME-WAIT",
            zh: "先关闭的一方经历 FIN-WAIT-1、FIN-WAIT-2、TIME-WAIT",
        },
        four.first == [State::Established, State::FinWait1, State::FinWait2, State::TimeWait],
        states::names(&four.first),
    );
    stage.finding(
        Words {
            en: "the other goes CLOSE-WAIT, LAST-ACK, CLOSED", zh: "另一方经历 CLOSE-WAIT、LAST-ACK、CLOSED"
        },
        four.second == [State::Established, State::CloseWait, State::LastAck] && four.second_is_gone,
        format!("{} → CLOSED", states::names(&four.second)),
    );

    stage.note(Words {
        en: "the server closes at once, as most programs do", zh: "服务器立即关闭,多数程序如此"
    })?;
    let three = at_once(stage, address, client, server)?;
    stage.finding(
        Words { en: "a server that closes at once: three segments", zh: "服务器立即关闭:三个报文段" },
        three == THREE,
        three.join(", "),
    );
    Ok(())
}

/// The usual close: the acknowledgement of the first FIN rides on the second.
pub(in crate::lab) const THREE: [&str; 3] = ["FIN ACK", "FIN ACK", "ACK"];

/// The segments of a close to which the server answers at once. On a machine so busy that the server's program gets the
/// processor too late, its kernel acknowledges first; then it is tried again.
pub(in crate::lab) fn at_once(
    stage: &mut Stage<'_>,
    address: SocketAddr,
    client: usize,
    server: usize,
) -> Result<Vec<String>, LabError> {
    const TRIES: usize = 4;
    let mut shape = Vec::new();
    for _ in 0..TRIES {
        shape = connection(stage, address, client, server, false)?.shape;
        if shape == THREE {
            break;
        }
    }
    Ok(shape)
}

/// How one connection was closed.
pub(in crate::lab) struct Closed {
    /// The flags of each segment.
    pub shape: Vec<String>,
    /// The states of the side that closed first.
    pub first: Vec<State>,
    /// The states of the other side.
    pub second: Vec<State>,
    /// Whether the other side has no socket left.
    pub second_is_gone: bool,
}

/// Opens a connection, lets the client close it first, and tells what was seen from the client's `close()` on.
pub(in crate::lab) fn connection(
    stage: &mut Stage<'_>,
    address: SocketAddr,
    client: usize,
    server: usize,
    server_waits: bool,
) -> Result<Closed, LabError> {
    let (client_program, server_program) = (stage.program(client), stage.program(server));
    let listener = tcp::needed("listen", stage.call(&server_program, "listen(1)", move || tcp::listen(address, 1))?)?;
    let accepting = stage.begin(&server_program, "accept()", move || tcp::accept(&listener))?;
    let socket = tcp::needed("connect", stage.call(&client_program, "connect()", move || tcp::connect(address))?)?;
    let accepted = tcp::needed("accept", stage.finish(accepting)?)?;
    let port = tcp::needed("getsockname", socket.local_addr())?.as_socket().map_or(0, |own| own.port());
    stage.settle(Duration::from_millis(20))?;

    // An answer that follows a question tells the kernels that acknowledgements can ride on data: before that they
    // are sent at once.
    let (socket, _) = stage.call(&client_program, "send(\"hello\")", move || tcp::send(socket, b"hello"))?;
    let (accepted, _) = stage.call(&server_program, "recv()", move || tcp::receive(accepted, 100))?;
    let (accepted, _) = stage.call(&server_program, "send(\"HELLO\")", move || tcp::send(accepted, b"HELLO"))?;
    let (socket, _) = stage.call(&client_program, "recv()", move || tcp::receive(socket, 100))?;
    stage.settle(DELAYED_ACK)?;

    let from = stage.observation.events.len();
    if server_waits {
        let reading = stage.begin(&server_program, "recv()", move || tcp::receive(accepted, 100))?;
        stage.call(&client_program, "close()", move || tcp::close(socket))?;
        let (accepted, read) = stage.finish(reading)?;
        tcp::needed("recv", read)?;
        stage.settle(DELAYED_ACK)?;
        stage.call(&server_program, "close()", move || tcp::close(accepted))?;
    } else {
        let reading = stage.begin(&server_program, "recv(), close()", move || {
            let (accepted, read) = tcp::receive(accepted, 100);
            tcp::close(accepted);
            read
        })?;
        stage.call(&client_program, "close()", move || tcp::close(socket))?;
        tcp::needed("recv", stage.finish(reading)?)?;
    }
    stage.settle(DELAYED_ACK)?;

    let mine = |socket: &Seen| socket.local.port() == port || socket.remote.port() == port;
    let seen = stage.observation.events.get(from..).unwrap_or_default();
    let segments = segments::of(&stage.observation, client, server);
    let first_frame = seen.iter().find_map(|event| match &event.what {
        What::Frame(frame) => Some(frame.number),
        _ => None,
    });
    let shape = segments.iter().filter(|segment| Some(segment.number) >= first_frame);
    Ok(Closed {
        shape: shape.map(|segment| segment.flags.to_string()).collect(),
        first: states::passed(seen, client, mine),
        second: states::passed(seen, server, mine),
        second_is_gone: stage.look()?.get(server).is_some_and(|sockets| !sockets.iter().any(mine)),
    })
}
