//! The queue of a listening socket: connections that are complete before `accept()`, what happens to those that find it
//! full, and the connection that only the client believes in.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::Socket;

use crate::lab::experiment::{Floor, Lab, Parameters};
use crate::lab::observation::Words;
use crate::lab::program::{Pending, Program};
use crate::lab::segments;
use crate::lab::stage::{LabError, Stage};
use crate::lab::tcp;
use crate::lab::topology::Neighbours;
use crate::transport::states::State;
use crate::transport::tcp::Flags;

mod ghost;

/// The lab.
pub const LAB: Lab = Lab {
    name: "backlog",
    floor: Floor::Transport,
    on_loopback: true,
    title: Words {
        en: "The kernel completes backlog + 1 connections before accept()",
        zh: "accept() 之前,内核就能完成 backlog + 1 个连接",
    },
    explanation: Words {
        en: "listen(N) makes a queue in the kernel. Handshakes are completed without the program: both ends are \
             ESTABLISHED and data can be sent before anybody calls accept(), which only takes the oldest connection \
             out of the queue. Linux lets N + 1 in. After that it refuses nobody: it drops the SYN without a word, the \
             client stays in SYN-SENT and tries again, and gets in when a place is free. When the queue fills up \
             between the SYN and the last acknowledgement of a handshake, the kernel ignores that acknowledgement: the \
             client is ESTABLISHED with a server that does not know it. net.ipv4.tcp_abort_on_overflow=1 makes it \
             send RST instead.",
        zh: "listen(N) 在内核中建立一个队列。握手不需要程序参与:在任何人调用 accept() 之前,两端都已是 ESTABLISHED,数据也可以发送;\
             accept() 只是从队列中取走最早的连接。Linux 放进 N + 1 个。之后它并不拒绝:它一声不响地丢弃 SYN,客户端停留在 SYN-SENT \
             并重试,有空位时就能进入。如果队列在 SYN 与握手的最后一个确认之间被占满,内核就忽略这个确认:客户端是 ESTABLISHED,\
             而服务器并不知道这个连接。net.ipv4.tcp_abort_on_overflow=1 让它改为发送 RST。",
    },
    run,
};

/// The backlog where none is given.
const BACKLOG: u32 = 2;
/// More connections would only make the ladder longer.
const BACKLOG_AT_MOST: u32 = 64;
/// A SYN that nobody answers is repeated after a second; this is long enough for an answer.
const NO_ANSWER: Duration = Duration::from_millis(300);

/// Long enough for everything that is on its way to arrive.
const QUIET: Duration = Duration::from_millis(20);

/// A server that never accepts by itself, and those who connect to it.
struct Queue {
    hosts: [usize; 2],
    client: Program,
    server: Program,
    address: SocketAddr,
    backlog: u32,
    no_answer: Duration,
    listener: Arc<Socket>,
    /// What is to stay open.
    open: Vec<Socket>,
}

fn run(stage: &mut Stage<'_>, parameters: &Parameters) -> Result<(), LabError> {
    let hosts = stage.pair(Neighbours::Known)?;
    let round_trip = parameters.round_trip();
    stage.delay(round_trip.map(|time| time / 2));
    let backlog = parameters.backlog().unwrap_or(BACKLOG).min(BACKLOG_AT_MOST);
    let address = SocketAddr::new(stage.address(hosts[1]), stage.port()?);
    let [client, server] = hosts.map(|host| stage.program(host));
    let listener = stage.call(&server, &format!("listen({backlog})"), move || tcp::listen(address, backlog))?;
    let listener = Arc::new(tcp::needed("listen", listener)?);
    let no_answer = NO_ANSWER.saturating_add(round_trip.unwrap_or_default());
    let mut queue = Queue { hosts, client, server, address, backlog, no_answer, listener, open: Vec::new() };

    queue.fill(stage)?;
    queue.one_more(stage)?;
    // A backlog of 0 leaves no place beside the connection that a ghost needs.
    if stage.has_wire() && backlog > 0 {
        queue.ghost(stage)?;
    }
    Ok(())
}

impl Queue {
    fn begin_connect(&self, stage: &mut Stage<'_>) -> Result<Pending<std::io::Result<Socket>>, LabError> {
        let address = self.address;
        stage.begin(&self.client, "connect()", move || tcp::connect(address))
    }

    fn connect(&self, stage: &mut Stage<'_>) -> Result<Socket, LabError> {
        let connecting = self.begin_connect(stage)?;
        tcp::needed("connect", stage.finish(connecting)?)
    }

    fn accept(&self, stage: &mut Stage<'_>) -> Result<Socket, LabError> {
        let listener = Arc::clone(&self.listener);
        tcp::needed("accept", stage.call(&self.server, "accept()", move || tcp::accept(&listener))?)
    }

    /// How many connections wait in the queue, of how many.
    fn waiting(&self, stage: &mut Stage<'_>) -> Result<(u32, u32), LabError> {
        let seen = stage.look()?;
        let listener = seen.get(self.hosts[1]).into_iter().flatten().find(|one| one.state == Some(State::Listen));
        Ok(listener.map_or((0, 0), |listener| (listener.receive_queue, listener.send_queue)))
    }

    /// The ports of the clients whose connection is in `state` at `end`: 0 the client, 1 the server.
    fn clients_in(&self, stage: &mut Stage<'_>, end: usize, state: State) -> Result<Vec<u16>, LabError> {
        let seen = stage.look()?;
        let sockets = seen.get(self.hosts[end]).into_iter().flatten().filter(|socket| socket.state == Some(state));
        Ok(sockets.map(|socket| if end == 0 { socket.local.port() } else { socket.remote.port() }).collect())
    }

    fn fill(&mut self, stage: &mut Stage<'_>) -> Result<(), LabError> {
        stage.note(Words {
            en: "nobody calls accept(); clients connect all the same",
            zh: "没有人调用 accept(),客户端照样能连接",
        })?;
        let room = self.backlog.saturating_add(1);
        for _ in 0..room {
            let socket = self.connect(stage)?;
            self.open.push(socket);
        }
        let first = self.open.remove(0);
        let (first, sent) = stage.call(&self.client, "send(\"early\")", move || tcp::send(first, b"early"))?;
        tcp::needed("send", sent)?;
        self.open.push(first);
        stage.settle(QUIET)?;
        let clients = self.clients_in(stage, 0, State::Established)?.len();
        let servers = self.clients_in(stage, 1, State::Established)?.len();
        let (waiting, of) = self.waiting(stage)?;
        let full = u64::from(room);
        stage.finding(
            Words {
                en: "backlog + 1 connections are ESTABLISHED at both ends without accept()",
                zh: "没有 accept(),backlog + 1 个连接的两端都已是 ESTABLISHED",
            },
            clients as u64 == full && servers as u64 == full,
            format!("listen({}): {clients} and {servers}", self.backlog),
        );
        stage.finding(
            Words {
                en: "a listener's Recv-Q are the connections that wait, its Send-Q is the backlog",
                zh: "监听套接字的 Recv-Q 是等待的连接数,Send-Q 是 backlog",
            },
            (waiting, of) == (room, self.backlog),
            format!("Recv-Q {waiting}, Send-Q {of}"),
        );
        Ok(())
    }

    /// A client more than there is room for; then the room that it waits for.
    fn one_more(&mut self, stage: &mut Stage<'_>) -> Result<(), LabError> {
        stage.note(Words { en: "the queue is full: one more client", zh: "队列已满:再来一个客户端" })?;
        let before = stage.counters(self.hosts[1])?;
        let connecting = self.begin_connect(stage)?;
        stage.pass_time(self.no_answer)?;
        let asking = self.clients_in(stage, 0, State::SynSent)?;
        let answers = segments::of(&stage.observation, self.hosts[0], self.hosts[1]);
        let answers = answers.iter().filter(|segment| asking.contains(&segment.destination)).count();
        stage.finding(
            Words {
                en: "the next client is not refused: it stays in SYN-SENT and hears nothing",
                zh: "下一个客户端并没有被拒绝:它停留在 SYN-SENT,什么也收不到",
            },
            asking.len() == 1 && answers == 0,
            format!("SYN-SENT: {}, answers: {answers}", asking.len()),
        );
        if stage.has_wire() {
            let after = stage.counters(self.hosts[1])?;
            let [overflows, drops] =
                ["TcpExtListenOverflows", "TcpExtListenDrops"].map(|name| after.grown(&before, name));
            stage.finding(
                Words {
                    en: "the server's kernel counts it: ListenOverflows, ListenDrops",
                    zh: "服务器内核为此计数:ListenOverflows、ListenDrops",
                },
                overflows > 0 && drops >= overflows,
                format!("+{overflows}, +{drops}"),
            );
        }

        stage.note(Words { en: "one accept() makes room", zh: "一次 accept() 腾出一个位置" })?;
        let accepted = self.accept(stage)?;
        let (accepted, read) = stage.call(&self.server, "recv()", move || tcp::receive(accepted, 100))?;
        let read = tcp::needed("recv", read)?;
        stage.finding(
            Words {
                en: "what was sent before accept() can be read after it",
                zh: "accept() 之前发送的数据,之后可以读到",
            },
            read == b"early",
            format!("{} bytes", read.len()),
        );
        self.open.push(tcp::needed("connect", stage.finish(connecting)?)?);
        self.open.push(accepted);
        self.got_in(stage, &asking)
    }

    /// The client that waited is in.
    fn got_in(&self, stage: &mut Stage<'_>, asking: &[u16]) -> Result<(), LabError> {
        stage.settle(QUIET)?;
        let established = self.clients_in(stage, 1, State::Established)?;
        let segments = segments::of(&stage.observation, self.hosts[0], self.hosts[1]);
        let of_client = |segment: &&segments::Segment| asking.contains(&segment.source);
        let syns = segments.iter().filter(of_client).filter(|segment| segment.flags.contains(Flags::SYN)).count();
        let (waiting, of) = self.waiting(stage)?;
        stage.finding(
            Words {
                en: "the waiting client gets in when it repeats its SYN", zh: "等待的客户端重发 SYN 时进入"
            },
            asking.iter().all(|port| established.contains(port)) && (syns > 1 || !stage.has_wire()) && waiting > of,
            if stage.has_wire() { format!("SYN sent {syns} times") } else { String::new() },
        );
        Ok(())
    }
}
