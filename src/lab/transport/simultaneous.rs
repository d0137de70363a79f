//! Two programs that do the same at the same time: both connect to each other, then both close (RFC 9293 §3.5, §3.6).

use std::net::SocketAddr;
use std::time::Duration;

use socket2::Socket;

use crate::lab::experiment::{Floor, Lab, Parameters};
use crate::lab::fate::Gate;
use crate::lab::observation::Words;
use crate::lab::program::Program;
use crate::lab::segments::{self, Segment};
use crate::lab::stage::{LabError, PATIENCE, Stage};
use crate::lab::states;
use crate::lab::tcp;
use crate::lab::topology::Neighbours;
use crate::transport::states::State;
use crate::transport::tcp::Flags;

/// The lab.
pub const LAB: Lab = Lab {
    name: "simultaneous",
    floor: Floor::Transport,
    on_loopback: false,
    title: Words {
        en: "Both ends open at the same time, and both close at the same time",
        zh: "两端同时打开,又同时关闭",
    },
    explanation: Words {
        en: "TCP knows no client and no server: a connection is between two equals. When both call connect() to each \
             other and their SYNs cross on the wire, nobody listens and yet one connection comes to be. Each end that \
             has sent a SYN and receives one goes from SYN-SENT to SYN-RECEIVED and answers with SYN, ACK. When both \
             close and their FINs cross, each end goes from FIN-WAIT-1 to CLOSING, which means: I have the other's FIN, \
             but mine is not acknowledged yet. The acknowledgement leads both to TIME-WAIT, as both closed first.",
        zh: "TCP 不区分客户端和服务器:连接的两端是对等的。当双方互相调用 connect(),两个 SYN 在线路上交错而过,\
             没有人监听,仍然建立了一个连接。已发出 SYN 又收到 SYN 的一端从 SYN-SENT 进入 SYN-RECEIVED,并用 SYN, ACK \
             应答。当双方同时关闭,两个 FIN 交错而过,每一端从 FIN-WAIT-1 进入 CLOSING,意思是:已收到对方的 FIN,\
             但自己的 FIN 还没有得到确认。确认到达后双方都进入 TIME-WAIT,因为双方都是先关闭的一方。",
    },
    run,
};

/// Both ends use it, as each must know the other's before there is a connection.
const PORT: u16 = 8080;
/// A kernel may hold the last acknowledgement of a simultaneous open back for 200 ms.
const DELAYED_ACK: Duration = Duration::from_millis(300);

fn run(stage: &mut Stage<'_>, parameters: &Parameters) -> Result<(), LabError> {
    let hosts = stage.pair_of(["left", "right"], Neighbours::Known)?;
    stage.delay(parameters.round_trip().map(|time| time / 2));
    let programs = hosts.map(|host| stage.program(host));
    let sockets = open(stage, hosts, &programs)?;
    check_open(stage, hosts);
    let [left, right] = exchange(stage, &programs, sockets)?;
    let from = stage.observation.events.len();
    close(stage, &programs, [left, right])?;
    check_close(stage, hosts, from)
}

/// Both connect; their SYNs wait on the wire for each other.
fn open(stage: &mut Stage<'_>, hosts: [usize; 2], programs: &[Program; 2]) -> Result<[Socket; 2], LabError> {
    let gate = Gate::default();
    stage.rule(gate.rule(|frame| segments::header(frame.layers).is_some_and(|tcp| tcp.flags == Flags::SYN)));
    stage.note(Words {
        en: "nobody listens; both connect at the same time", zh: "没有人监听;双方同时 connect"
    })?;
    let [left, right] = hosts.map(|host| SocketAddr::new(stage.address(host), PORT));
    let [first, second] = programs;
    let first = stage.begin(first, "connect()", move || tcp::connect_from(left, right))?;
    let second = stage.begin(second, "connect()", move || tcp::connect_from(right, left))?;
    let_cross(stage, &gate, "two SYNs on the wire")?;
    let left = tcp::needed("connect", stage.finish(first)?)?;
    let right = tcp::needed("connect", stage.finish(second)?)?;
    stage.settle(DELAYED_ACK)?;
    Ok([left, right])
}

/// Waits until a frame of each end is held, and lets both go before anybody can answer.
fn let_cross(stage: &mut Stage<'_>, gate: &Gate, waited_for: &str) -> Result<(), LabError> {
    stage.until(waited_for, PATIENCE, |stage| stage.held() == 2)?;
    gate.open();
    stage.release()?;
    stage.release()
}

fn exchange(
    stage: &mut Stage<'_>,
    [left, right]: &[Program; 2],
    [first, second]: [Socket; 2],
) -> Result<[Socket; 2], LabError> {
    let (first, sent) = stage.call(left, "send(\"hello\")", move || tcp::send(first, b"hello"))?;
    tcp::needed("send", sent)?;
    let (second, received) = stage.call(right, "recv()", move || tcp::receive(second, 100))?;
    let received = tcp::needed("recv", received)?;
    stage.finding(
        Words {
            en: "it is one connection: what one sends, the other receives",
            zh: "这是同一个连接:一方发送,另一方收到",
        },
        received == b"hello",
        format!("{} of 5 bytes", received.len()),
    );
    stage.settle(DELAYED_ACK)?;
    Ok([first, second])
}

/// Both close; their FINs wait on the wire for each other.
fn close(stage: &mut Stage<'_>, [left, right]: &[Program; 2], [first, second]: [Socket; 2]) -> Result<(), LabError> {
    let gate = Gate::default();
    stage.rule(gate.rule(|frame| segments::header(frame.layers).is_some_and(|tcp| tcp.flags.contains(Flags::FIN))));
    stage.note(Words { en: "both close at the same time", zh: "双方同时关闭" })?;
    let closing = stage.begin(left, "close()", move || tcp::close(first))?;
    let closing_too = stage.begin(right, "close()", move || tcp::close(second))?;
    stage.finish(closing)?;
    stage.finish(closing_too)?;
    let_cross(stage, &gate, "two FINs on the wire")?;
    stage.settle(DELAYED_ACK)
}

fn check_open(stage: &mut Stage<'_>, hosts: [usize; 2]) {
    let segments = segments::of(&stage.observation, hosts[0], hosts[1]);
    let count = |flags: Flags| segments.iter().filter(|segment| segment.flags == flags).count();
    let (syns, answers) = (count(Flags::SYN), count(Flags::SYN.with(Flags::ACK)));
    stage.finding(
        Words {
            en: "two SYNs cross, and each is answered by SYN, ACK: nobody was a server",
            zh: "两个 SYN 交错而过,各自得到 SYN, ACK 应答:没有谁是服务器",
        },
        syns >= 2 && answers == 2 && crossed(&segments) && !somebody_listened(stage),
        format!("{syns} SYN, {answers} SYN ACK"),
    );
    let expected = [State::SynSent, State::SynReceived, State::Established];
    both_went(
        stage,
        0,
        Words {
            en: "both ends go SYN-SENT, SYN-RECEIVED, ESTABLISHED",
            zh: "两端都经历 SYN-SENT、SYN-RECEIVED、ESTABLISHED",
        },
        hosts,
        &expected,
    );
}

fn check_close(stage: &mut Stage<'_>, hosts: [usize; 2], from: usize) -> Result<(), LabError> {
    let expected = [State::Established, State::FinWait1, State::Closing, State::TimeWait];
    both_went(
        stage,
        from,
        Words {
            en: "both ends go FIN-WAIT-1, CLOSING, TIME-WAIT", zh: "两端都经历 FIN-WAIT-1、CLOSING、TIME-WAIT"
        },
        hosts,
        &expected,
    );
    let left = stage.look()?;
    let waiting = left.iter().flatten().filter(|socket| socket.state == Some(State::TimeWait)).count();
    stage.finding(
        Words {
            en: "both closed first, so both wait in TIME-WAIT", zh: "双方都先关闭,所以双方都处于 TIME-WAIT"
        },
        waiting == 2,
        format!("{waiting} of 2"),
    );
    Ok(())
}

/// Whether both ends sent a SYN before either answered.
fn crossed(segments: &[Segment]) -> bool {
    let mut first = segments.iter().take_while(|segment| segment.flags == Flags::SYN);
    first.next().is_some_and(|one| first.any(|other| other.direction != one.direction))
}

fn somebody_listened(stage: &Stage<'_>) -> bool {
    let mut sockets = stage.observation.events.iter().flat_map(|event| event.states.iter().flatten());
    sockets.any(|socket| socket.state == Some(State::Listen))
}

fn both_went(stage: &mut Stage<'_>, from: usize, statement: Words, hosts: [usize; 2], expected: &[State]) {
    let events = stage.observation.events.get(from..).unwrap_or_default();
    let paths = hosts.map(|host| states::passed(events, host, |socket| socket.remote.port() == PORT));
    let measured = match &paths {
        [left, right] if left == right => states::names(left),
        [left, right] => format!("{}; {}", states::names(left), states::names(right)),
    };
    stage.finding(statement, paths.iter().all(|path| path == expected), measured);
}
