//! Network namespaces without root, each owned by a thread.
//!
//! **Invariant:** a namespace belongs to a thread and ends with it, whichever way the thread's work leaves. Nothing is
//! mounted and nothing is named, so nothing is left behind, not even after `kill -9`.

use std::fs::{self, File};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};

use nix::errno::Errno;
use nix::sched::{CloneFlags, setns, unshare};
use nix::unistd::{Gid, Uid};

use super::OsError;
use super::confinement::Confinement;

/// Moves this process into a private network namespace: as root a network namespace alone, as an ordinary user together
/// with a user namespace in which it is root.
///
/// Must be called before any thread exists: the kernel refuses a user namespace to a process with a second thread.
///
/// # Errors
/// The step that the kernel refused, with a hint at the reason.
pub fn enter_private() -> Result<(), OsError> {
    if enter_as_root() { Ok(()) } else { enter_as_user() }
}

/// Moves this process into a network namespace if it is root and may.
pub fn enter_as_root() -> bool {
    Uid::effective().is_root() && unshare(CloneFlags::CLONE_NEWNET).is_ok()
}

/// Moves this process into a user namespace in which it is root, and a network namespace. See [`enter_private`].
///
/// # Errors
/// The step that the kernel refused, with a hint at the reason.
pub fn enter_as_user() -> Result<(), OsError> {
    let (uid, gid) = (Uid::effective(), Gid::effective());
    unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET).map_err(|errno| {
        OsError::new("unshare", "user and network namespace", errno).hint(Confinement::here().of_making(errno))
    })?;
    let maps = [
        ("/proc/self/setgroups", "deny".to_owned()),
        ("/proc/self/uid_map", format!("0 {uid} 1")),
        ("/proc/self/gid_map", format!("0 {gid} 1")),
    ];
    maps.iter().try_for_each(|(path, text)| write_map(path, text)).map_err(|refused| {
        if uid.is_root() {
            return refused.hint("root without CAP_SETFCAP cannot take itself along: run as an ordinary user");
        }
        let hint = Confinement::here().of_using(refused.errno);
        refused.hint(hint)
    })
}

fn write_map(path: &str, text: &str) -> Result<(), OsError> {
    fs::write(path, text).map_err(|error| OsError::from_io("write", path, &error))
}

type Job = Box<dyn FnOnce() + Send>;

/// A thread in a network namespace, usually one of its own: a host of a test or a lab.
///
/// Work is sent to it with [`Host::run`]. The namespace lives until the host is dropped and every socket made in it is
/// closed.
#[derive(Debug)]
pub struct Host {
    name: String,
    namespace: OwnedFd,
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Host {
    /// Starts a thread named `name` and moves it into a new, empty network namespace.
    ///
    /// # Errors
    /// The kernel's refusal to make the namespace; usually [`enter_private`] was not called first.
    pub fn new(name: &str) -> Result<Self, OsError> {
        Host::start_thread(name, || {
            unshare(CloneFlags::CLONE_NEWNET).map_err(|errno| {
                OsError::new("unshare", "network namespace", errno).hint(Confinement::here().of_making(errno))
            })
        })
    }

    /// Starts a thread named `name` that stays in the namespace of the calling thread.
    ///
    /// # Errors
    /// No thread to be had, or /proc is not mounted.
    pub fn here(name: &str) -> Result<Self, OsError> {
        Host::start_thread(name, || Ok(()))
    }

    fn start_thread(name: &str, enter: impl FnOnce() -> Result<(), OsError> + Send + 'static) -> Result<Self, OsError> {
        let (jobs, inbox) = mpsc::channel::<Job>();
        let (ready, opened) = mpsc::channel();
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                let namespace = enter().and_then(|()| current());
                if ready.send(namespace).is_ok() {
                    for job in inbox {
                        job();
                    }
                }
            })
            .map_err(|error| OsError::from_io("start thread", name, &error))?;
        let namespace = opened.recv().map_err(|_| OsError::new("start thread", name, Errno::ECHILD))??;
        Ok(Host { name: name.to_owned(), namespace, jobs: Some(jobs), thread: Some(thread) })
    }

    /// The name given to [`Host::new`].
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The namespace, for `IFLA_NET_NS_FD` and `setns`.
    pub fn namespace(&self) -> BorrowedFd<'_> {
        self.namespace.as_fd()
    }

    /// Runs `work` on the host's thread, that is, inside its namespace, and waits for the result. Sockets and child
    /// processes that `work` makes stay in the namespace wherever they are used afterwards.
    ///
    /// # Panics
    /// With the panic of `work`, carried over to the caller.
    pub fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let left = Arc::new(Mutex::new(None));
        let place = Arc::clone(&left);
        self.do_and_wait(Box::new(move || {
            let value = work();
            if let Ok(mut place) = place.lock() {
                *place = Some(value);
            }
        }));
        let value = left.lock().ok().and_then(|mut left| left.take());
        value.unwrap_or_else(|| std::panic::resume_unwind(Box::new("the host's work left no result")))
    }

    /// The part of [`Host::run`] that is the same for every type of result: it is called in hundreds of places.
    fn do_and_wait(&self, work: Job) {
        let (done, result) = mpsc::channel();
        let job: Job = Box::new(move || {
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
            // Nobody may be waiting any more; the work is done all the same.
            let _ = done.send(outcome);
        });
        if let Some(jobs) = &self.jobs {
            // A dead thread drops the job and with it the sender, which the receiver sees.
            let _ = jobs.send(job);
        }
        match result.recv() {
            Ok(Ok(())) => {}
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(_) => std::panic::resume_unwind(Box::new("the host's thread is gone")),
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // Every job catches its own panic, so joining cannot fail.
            let _ = thread.join();
        }
    }
}

/// The network namespace of the calling thread.
///
/// # Errors
/// The refusal to open it, as where /proc is not mounted.
pub fn current() -> Result<OwnedFd, OsError> {
    const PATH: &str = "/proc/thread-self/ns/net";
    File::open(PATH).map(OwnedFd::from).map_err(|error| OsError::from_io("open", PATH, &error))
}

/// Opens a network namespace by what people call it: the name that `ip netns` gave it, the number of a process in it, or
/// the path of a file that stands for it.
///
/// # Errors
/// There is none of this name, or this user may not see it.
pub fn named(which: &str) -> Result<OwnedFd, OsError> {
    let path = match which.parse::<u32>() {
        Ok(process) => format!("/proc/{process}/ns/net"),
        Err(_) if which.contains('/') => which.to_owned(),
        Err(_) => format!("/run/netns/{which}"),
    };
    File::open(&path).map(OwnedFd::from).map_err(|error| {
        let error = OsError::from_io("open", &path, &error);
        let hint = "a namespace is a name from `ip netns list`, the number of a process in it, or a path";
        if error.lacks_privilege() {
            error.needs("CAP_SYS_PTRACE", "another user's namespace")
        } else {
            error.hint(hint)
        }
    })
}

/// Moves the calling thread into a network namespace. Sockets that it makes then stay there wherever they are used.
///
/// # Errors
/// EINVAL when `namespace` is none; a missing privilege with its cure.
pub fn enter(namespace: &OwnedFd) -> Result<(), OsError> {
    setns(namespace, CloneFlags::CLONE_NEWNET).map_err(|errno| {
        OsError::new("enter", "network namespace", errno).needs("CAP_SYS_ADMIN", "entering a namespace")
    })
}
