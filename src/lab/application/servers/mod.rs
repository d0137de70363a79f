//! One client at a time, a thread each, a process each, an event loop: who waits, and what a client costs.

mod models;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;
use socket2::Socket;

use self::models::{Children, Model};
use crate::kernel::process;
use crate::lab::endpoint::Endpoint;
use crate::lab::experiment::{Floor, Lab, Parameters};
use crate::lab::observation::Words;
use crate::lab::program::{Program, failed_with, told};
use crate::lab::stage::{LabError, Stage};
use crate::lab::tcp::{self, needed};
use crate::lab::topology::Neighbours;
use crate::lab::udp;
use crate::transport::states::State;

/// The lab.
pub const LAB: Lab = Lab {
    name: "servers",
    floor: Floor::Application,
    on_loopback: true,
    title: Words {
        en: "Who waits while a server talks to somebody else", zh: "服务器和别人通话时,谁在等待"
    },
    explanation: Words {
        en: "A server that talks to one client until it leaves keeps the second waiting. That one notices nothing at \
             first: the kernel completes its connection and takes its data, and both lie in the listener's queue until \
             accept() is called again. With a thread or a process for each client nobody waits for another; each costs \
             a thread, or a process with memory of its own. An event loop asks the kernel which sockets have something \
             to read and answers those: one thread for all, as long as no answer takes long. TCP itself carries many \
             clients in every model; to serve them at the same time is the program's part.",
        zh: "服务器如果和一个客户端通话直到它离开,第二个就得等待。它起初毫无察觉:内核完成了它的连接,收下了它的数据,\
             两者都留在监听队列里,直到再次调用 accept()。每个客户端一个线程或一个进程,就谁也不用等谁;代价是每个客户端一个线程,\
             或一个拥有自己内存的进程。事件循环询问内核哪些套接字有数据可读,然后逐个应答:一个线程服务所有客户端,只要每次应答都很快。\
             在每种模型中 TCP 本身都能承载许多客户端;能否同时为它们服务是程序的事。",
    },
    run,
};

fn run(stage: &mut Stage<'_>, parameters: &Parameters) -> Result<(), LabError> {
    let [client, server] = stage.pair(Neighbours::Known)?;
    stage.delay(parameters.round_trip().map(|time| time / 2));
    stage.watch_states = false;
    let programs = [stage.program(client), stage.program(client), stage.program(server)];
    for model in [Model::OneAtATime, Model::Threads, Model::Processes, Model::EventLoop] {
        stage.note(model.note())?;
        let seen = serve(stage, &programs, model)?;
        stage.finding(model.statement(), model.holds(&seen), seen.to_string());
    }
    Ok(())
}

/// What was seen of one model, with two clients at the server at the same time.
struct Seen {
    /// The second client's answer while the first was there; none when it waited in vain.
    answered: Option<String>,
    /// Its answer after the first had left, where it had to wait.
    afterwards: Option<String>,
    /// Connections in the listener's queue while both were there.
    queued: u32,
    /// Threads that the server had started.
    threads: usize,
    /// Processes that it had started, with the memory that each shares with no other, in KiB.
    processes: Vec<u64>,
}

impl std::fmt::Display for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let answer = |answer: &Option<String>| answer.clone().unwrap_or("-".to_owned());
        write!(
            f,
            "{}, {}; queue {}; +{} threads, ",
            answer(&self.answered),
            answer(&self.afterwards),
            self.queued,
            self.threads
        )?;
        write!(f, "+{} processes", self.processes.len())?;
        let memory: Vec<_> = self.processes.iter().map(|size| format!("{size} KiB")).collect();
        if memory.is_empty() { Ok(()) } else { write!(f, " ({})", memory.join(", ")) }
    }
}

/// How long somebody waits who will not be answered.
const IN_VAIN: Duration = Duration::from_millis(300);

/// Lets a server of this model serve two clients, of which the second comes while the first is there.
fn serve(stage: &mut Stage<'_>, programs: &[Program; 3], model: Model) -> Result<Seen, LabError> {
    let [first, second, server] = programs;
    let address = SocketAddr::new(stage.address(server.host), stage.port()?);
    let listener = Endpoint::open(stage, server, "listen(5)", move || tcp::listen(address, 5))?;
    let children = Children::default();
    let (name, started) = (format!("client of {}", address.port()), Arc::clone(&children));
    let thread = name.clone();
    let serving = listener.begin(stage, model.call(), move |listener| model.serve(listener, &thread, &started))?;

    let first = connect(stage, first, "A: connect()", address)?;
    ask(stage, &first, "A: send(\"first\")", b"first")?;
    needed("recv", hear(stage, &first, "A: recv()")?)?;
    let second = connect(stage, second, "B: connect()", address)?;
    ask(stage, &second, "B: send(\"second\")", b"second")?;
    let answered = if model == Model::OneAtATime {
        needed("setsockopt", second.socket().set_read_timeout(Some(IN_VAIN)))?;
        let answer = hear(stage, &second, "B: recv(), at most 0.3 s")?;
        needed("setsockopt", second.socket().set_read_timeout(None))?;
        answer
    } else {
        hear(stage, &second, "B: recv()")?
    };
    let queued = queued(stage, address)?;
    let threads = process::threads_named(&name).unwrap_or(0);
    let processes = children.lock().map(|children| children.iter().map(models::memory).collect()).unwrap_or_default();

    first.close_as(stage, "A: close()")?;
    let waits = failed_with(&answered, Errno::EAGAIN);
    let afterwards = if waits { Some(told(&hear(stage, &second, "B: recv()")?)) } else { None };
    second.close_as(stage, "B: close()")?;
    needed(model.call(), stage.finish(serving)?)?;
    if model == Model::Processes {
        stage.call(server, "wait() for both", move || models::wait(&children))?;
    }
    Ok(Seen { answered: answered.is_ok().then(|| told(&answered)), afterwards, queued, threads, processes })
}

fn connect<'p>(
    stage: &mut Stage<'_>,
    program: &'p Program,
    call: &str,
    address: SocketAddr,
) -> Result<Endpoint<'p>, LabError> {
    Endpoint::open(stage, program, call, move || tcp::connect(address))
}

fn ask(stage: &mut Stage<'_>, client: &Endpoint<'_>, call: &str, text: &'static [u8]) -> Result<(), LabError> {
    needed(call, client.call(stage, call, |socket| socket.send(text))?).map(drop)
}

fn hear(stage: &mut Stage<'_>, client: &Endpoint<'_>, call: &str) -> Result<std::io::Result<Vec<u8>>, LabError> {
    client.call(stage, call, |socket: &Socket| udp::receive(socket, 100))
}

/// Connections that wait to be accepted at `address`.
fn queued(stage: &mut Stage<'_>, address: SocketAddr) -> Result<u32, LabError> {
    let sockets = stage.look()?;
    let listening = sockets.iter().flatten().find(|s| s.state == Some(State::Listen) && s.local == address);
    Ok(listening.map_or(0, |socket| socket.receive_queue))
}
