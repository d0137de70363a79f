//! The servers themselves. Each serves two clients and ends.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex};
use std::thread;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use socket2::Socket;

use super::Seen;
use crate::kernel::fork::Child;
use crate::kernel::process;
use crate::lab::observation::Words;
use crate::lab::tcp;

/// How a server deals with several clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Model {
    OneAtATime,
    Threads,
    Processes,
    EventLoop,
}

/// Processes that a server has started.
pub(super) type Children = Arc<Mutex<Vec<Child>>>;

/// Clients that each server serves.
const CLIENTS: usize = 2;

/// The memory of a process of its own, in KiB.
pub(super) fn memory(child: &Child) -> u64 {
    process::private_memory_kib(child.pid()).unwrap_or(0)
}

impl Model {
    /// What the server does, as the ladder tells it.
    pub(super) fn call(self) -> &'static str {
        match self {
            Model::OneAtATime => "accept, answer until it leaves",
            Model::Threads => "accept, start a thread",
            Model::Processes => "accept, fork",
            Model::EventLoop => "poll, answer who asks",
        }
    }

    /// What comes next.
    pub(super) fn note(self) -> Words {
        match self {
            Model::OneAtATime => Words { en: "one client at a time", zh: "一次一个客户端" },
            Model::Threads => Words { en: "a thread for each client", zh: "每个客户端一个线程" },
            Model::Processes => Words { en: "a process for each client", zh: "每个客户端一个进程" },
            Model::EventLoop => Words { en: "an event loop", zh: "事件循环" },
        }
    }

    /// What it teaches.
    pub(super) fn statement(self) -> Words {
        match self {
            Model::OneAtATime => Words {
                en: "one at a time: the second connects and sends at once, and is answered when the first has left",
                zh: "一次一个:第二个客户端立即连上并发送,第一个离开之后才得到应答",
            },
            Model::Threads => Words {
                en: "a thread each: the second is answered while the first is there, for a thread per client",
                zh: "每个一个线程:第一个还在时第二个就得到应答,代价是每个客户端一个线程",
            },
            Model::Processes => Words {
                en: "a process each: the same, for a process per client with memory of its own",
                zh: "每个一个进程:同样如此,代价是每个客户端一个拥有自己内存的进程",
            },
            Model::EventLoop => Words {
                en: "an event loop: the same, with no thread and no process more",
                zh: "事件循环:同样如此,不需要更多的线程或进程",
            },
        }
    }

    /// Whether what was seen is what it teaches.
    pub(super) fn holds(self, seen: &Seen) -> bool {
        let answer = Some("\"SECOND\"");
        let (answered, afterwards) = (seen.answered.as_deref(), seen.afterwards.as_deref());
        let cost = (seen.threads, seen.processes.len());
        match self {
            Model::OneAtATime => (answered, afterwards) == (None, answer) && seen.queued == 1 && cost == (0, 0),
            Model::Threads => answered == answer && cost == (CLIENTS, 0),
            Model::Processes => {
                answered == answer && cost == (0, CLIENTS) && seen.processes.iter().all(|memory| *memory > 0)
            }
            Model::EventLoop => answered == answer && cost == (0, 0),
        }
    }

    /// Serves on `listener`; threads that it starts are called `name`. Gives the number of clients served.
    pub(super) fn serve(self, listener: &Socket, name: &str, children: &Children) -> io::Result<usize> {
        match self {
            Model::OneAtATime => one_at_a_time(listener),
            Model::Threads => threads(listener, name),
            Model::Processes => processes(listener, children),
            Model::EventLoop => event_loop(listener),
        }
    }
}

/// Reads once and answers in upper case; false when the client has left.
fn answer(mut client: &Socket) -> io::Result<bool> {
    let mut text = [0; 1024];
    let length = client.read(&mut text)?;
    text.make_ascii_uppercase();
    client.write_all(text.get(..length).unwrap_or_default())?;
    Ok(length > 0)
}

fn until_it_leaves(client: &Socket) -> io::Result<()> {
    while answer(client)? {}
    Ok(())
}

fn one_at_a_time(listener: &Socket) -> io::Result<usize> {
    for _ in 0..CLIENTS {
        until_it_leaves(&tcp::accept(listener)?)?;
    }
    Ok(CLIENTS)
}

fn threads(listener: &Socket, name: &str) -> io::Result<usize> {
    let mut started = Vec::new();
    for _ in 0..CLIENTS {
        let client = tcp::accept(listener)?;
        started.push(thread::Builder::new().name(name.to_owned()).spawn(move || until_it_leaves(&client))?);
    }
    let served = started.into_iter().filter_map(|thread| thread.join().ok());
    served.collect::<io::Result<Vec<_>>>().map(|served| served.len())
}

fn processes(listener: &Socket, children: &Children) -> io::Result<usize> {
    for _ in 0..CLIENTS {
        let client = tcp::accept(listener)?;
        let child = Child::answer(&client).map_err(|error| io::Error::from(error.errno))?;
        if let Ok(mut children) = children.lock() {
            children.push(child);
        }
    }
    Ok(CLIENTS)
}

/// Waits for processes to end, which they do when their clients leave.
pub(super) fn wait(children: &Children) {
    let started = children.lock().map(|mut children| std::mem::take(&mut *children)).unwrap_or_default();
    started.into_iter().for_each(Child::wait);
}

fn event_loop(listener: &Socket) -> io::Result<usize> {
    let (mut clients, mut served) = (Vec::new(), 0);
    while served < CLIENTS {
        let watched = std::iter::once(listener).chain(&clients);
        let mut watched: Vec<_> = watched.map(|socket| PollFd::new(socket.as_fd(), PollFlags::POLLIN)).collect();
        poll(&mut watched, PollTimeout::NONE)?;
        let mut ready = watched.iter().map(|socket| socket.any().unwrap_or(false)).collect::<Vec<_>>().into_iter();
        let somebody_comes = ready.next().unwrap_or(false);
        let mut staying = Vec::new();
        for (client, asks) in clients.drain(..).zip(ready) {
            if asks && !answer(&client)? { served += 1 } else { staying.push(client) }
        }
        if somebody_comes {
            staying.push(tcp::accept(listener)?);
        }
        clients = staying;
    }
    Ok(served)
}
