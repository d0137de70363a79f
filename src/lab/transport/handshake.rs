//! Three segments, and the states of both ends between them (RFC 9293 §3.5).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::lab::experiment::{Floor, Lab, Parameters};
use crate::lab::observation::Words;
use crate::lab::segments::{self, Direction};
use crate::lab::sockets::Seen;
use crate::lab::stage::{LabError, Stage};
use crate::lab::states;
use crate::lab::tcp;
use crate::lab::topology::Neighbours;
use crate::transport::states::State;

/// The lab.
pub const LAB: Lab = Lab {
    name: "handshake",
    floor: Floor::Transport,
    on_loopback: false,
    title: Words { en: "Three segments open a connection", zh: "三个报文段建立一个连接" },
    explanation: Words {
        en: "The client's connect() sends a SYN with its initial sequence number. The server's kernel answers with a \
             SYN of its own that acknowledges the client's: SYN, ACK. The client acknowledges that one. A SYN counts as \
             one byte of the stream, so both acknowledgements are the sequence number plus one. The listening socket \
             itself never leaves LISTEN: the kernel keeps a small request in SYN-RECEIVED beside it, and makes a new \
             socket when the last acknowledgement arrives. So the client is ESTABLISHED half a round trip before the \
             server, and accept() has no part in the handshake: it only fetches the finished connection.",
        zh: "客户端的 connect() 发出带初始序号的 SYN。服务器内核用自己的 SYN 应答,并确认客户端的 SYN:SYN, ACK。客户端再确认它。\
             SYN 在字节流中占一个序号,所以两个确认号都是序号加一。监听套接字始终停留在 LISTEN:内核在它旁边保留一个处于 \
             SYN-RECEIVED 的小请求,最后的确认到达时才创建新的套接字。因此客户端比服务器早半个往返时间进入 ESTABLISHED;\
             accept() 不参与握手,它只是取走已经完成的连接。",
    },
    run,
};

/// The port of the lab's server; below the ephemeral ports, so nobody can be given it.
const PORT: u16 = 8080;

fn run(stage: &mut Stage<'_>, parameters: &Parameters) -> Result<(), LabError> {
    let [client, server] = stage.pair(Neighbours::Known)?;
    stage.delay(parameters.round_trip().map(|time| time / 2));
    let (client_program, server_program) = (stage.program(client), stage.program(server));
    let address = SocketAddr::new(stage.address(server), PORT);
    let backlog = parameters.backlog().unwrap_or(1);

    let listener = stage.call(&server_program, &format!("listen({backlog})"), move || tcp::listen(address, backlog))?;
    let listener = Arc::new(tcp::needed("listen", listener)?);
    let listening = Arc::clone(&listener);
    let accepting = stage.begin(&server_program, "accept()", move || tcp::accept(&listening))?;
    let connected = stage.call(&client_program, "connect()", move || tcp::connect(address))?;
    let client_socket = tcp::needed("connect", connected)?;
    let server_socket = tcp::needed("accept", stage.finish(accepting)?)?;
    stage.settle(Duration::from_millis(20))?;
    check(stage, client, server);
    drop((client_socket, server_socket, listener));
    Ok(())
}

fn check(stage: &mut Stage<'_>, client: usize, server: usize) {
    let segments = segments::of(&stage.observation, client, server);
    let shape: Vec<String> = segments.iter().map(|segment| segment.flags.to_string()).collect();
    let three = shape == ["SYN", "SYN ACK", "ACK"];
    stage.finding(
        Words { en: "three segments: SYN, SYN+ACK, ACK", zh: "三个报文段:SYN、SYN+ACK、ACK" },
        three,
        shape.join(", "),
    );
    if let [syn, answer, last] = segments.as_slice() {
        let plus_one = |ack: u32, seq: u32| ack == seq.wrapping_add(1);
        stage.finding(
            Words {
                en: "each acknowledgement is the other's sequence number + 1", zh: "每个确认号都是对方序号 + 1"
            },
            plus_one(answer.acknowledgment, syn.sequence) && plus_one(last.acknowledgment, answer.sequence),
            format!(
                "{} = {} + 1, {} = {} + 1",
                answer.acknowledgment, syn.sequence, last.acknowledgment, answer.sequence
            ),
        );
        let directions = [syn.direction, answer.direction, last.direction];
        stage.finding(
            Words {
                en: "the client asks, the server answers, the client confirms",
                zh: "客户端请求,服务器应答,客户端确认",
            },
            directions == [Direction::LeftToRight, Direction::RightToLeft, Direction::LeftToRight],
            String::new(),
        );
    }
    let path = states::passed(&stage.observation.events, client, |socket| socket.remote.port() == PORT);
    stage.finding(
        Words {
            en: "the client goes CLOSED, SYN-SENT, ESTABLISHED", zh: "客户端经历 CLOSED、SYN-SENT、ESTABLISHED"
        },
        path == [State::SynSent, State::Established],
        states::names(&path),
    );
    let path = states::passed(&stage.observation.events, server, |socket| socket.remote.port() != 0);
    stage.finding(
        Words {
            en: "the server's end of the connection goes SYN-RECEIVED, ESTABLISHED",
            zh: "服务器端的连接经历 SYN-RECEIVED、ESTABLISHED",
        },
        path == [State::SynReceived, State::Established],
        states::names(&path),
    );
    let listening = states::passed(&stage.observation.events, server, |socket| socket.remote.port() == 0);
    stage.finding(
        Words { en: "the listening socket stays in LISTEN", zh: "监听套接字始终处于 LISTEN" },
        listening == [State::Listen],
        states::names(&listening),
    );
    let established = |host: usize| {
        let reached = |sockets: &Vec<Seen>| sockets.iter().any(|socket| socket.state == Some(State::Established));
        stage.observation.events.iter().position(|event| event.states.get(host).is_some_and(reached))
    };
    let (first, second) = (established(client), established(server));
    stage.finding(
        Words { en: "the client is ESTABLISHED before the server", zh: "客户端先于服务器进入 ESTABLISHED" },
        first.zip(second).is_some_and(|(client, server)| client < server),
        String::new(),
    );
}
