//! Which processes hold a socket, as far as /proc lets this user see.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;

use super::OsError;

/// A process that holds a socket.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
pub struct Process {
    /// Process number.
    pub pid: u32,
    /// The kernel's name for the process (`comm`), at most 15 bytes. It is the process's own choice: escape it.
    pub name: String,
}

/// Who holds which socket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holders {
    /// Processes by the inode of the socket.
    pub by_inode: HashMap<u32, Vec<Process>>,
    /// Processes whose files this user may not see.
    pub hidden: usize,
}

/// Looks through the files of every process for sockets, the newest first: it may be gone soonest. Processes that end
/// meanwhile are passed over.
///
/// # Errors
/// The refusal to read /proc at all.
pub fn socket_holders() -> io::Result<Holders> {
    let mut holders = Holders::default();
    for pid in newest_first()? {
        let path = path(pid);
        match sockets_of(&path) {
            Ok(inodes) => holders.add(pid, &path, inodes),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => holders.hidden += 1,
            Err(_) => {}
        }
    }
    Ok(holders)
}

/// The numbers of all processes, highest first: mostly the newest.
///
/// # Errors
/// The refusal to read /proc.
pub fn newest_first() -> io::Result<Vec<u32>> {
    let number = |entry: fs::DirEntry| entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
    let entries = fs::read_dir("/proc")?.collect::<io::Result<Vec<_>>>()?;
    let mut processes: Vec<u32> = entries.into_iter().filter_map(number).collect();
    processes.sort_unstable_by_key(|pid| Reverse(*pid));
    Ok(processes)
}

/// Process `pid`, if it holds the socket with this inode and this user may see that.
pub fn holds(pid: u32, inode: u32) -> Option<Process> {
    let path = path(pid);
    sockets_of(&path).ok()?.contains(&inode).then(|| Process { pid, name: name_of(&path) })
}

fn path(pid: u32) -> PathBuf {
    Path::new("/proc").join(pid.to_string())
}

fn name_of(process: &Path) -> String {
    let name = fs::read(process.join("comm")).unwrap_or_default();
    String::from_utf8_lossy(name.trim_ascii_end()).into_owned()
}

impl Holders {
    fn add(&mut self, pid: u32, path: &Path, mut inodes: Vec<u32>) {
        if inodes.is_empty() {
            return;
        }
        let name = name_of(path);
        inodes.sort_unstable();
        inodes.dedup();
        for inode in inodes {
            self.by_inode.entry(inode).or_default().push(Process { pid, name: name.clone() });
        }
    }
}

fn sockets_of(process: &Path) -> io::Result<Vec<u32>> {
    let files = fs::read_dir(process.join("fd"))?;
    let target = |file: io::Result<fs::DirEntry>| fs::read_link(file.ok()?.path()).ok();
    let inode = |target: PathBuf| target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok();
    Ok(files.filter_map(target).filter_map(inode).collect())
}

/// How many threads of this process are called `name`, of which the kernel keeps 15 bytes.
///
/// # Errors
/// The refusal to read /proc.
pub fn threads_named(name: &str) -> io::Result<usize> {
    let named =
        |task: &fs::DirEntry| fs::read_to_string(task.path().join("comm")).is_ok_and(|own| own.trim_end() == name);
    Ok(fs::read_dir("/proc/self/task")?.filter_map(Result::ok).filter(named).count())
}

/// Waits until the calling thread is the only one of this process: a thread that was told to end takes a moment.
///
/// # Errors
/// `ETIMEDOUT` when others stay, and the refusal to read /proc.
pub fn wait_until_alone(patience: Duration) -> Result<(), OsError> {
    const TASKS: &str = "/proc/self/task";
    let start = Instant::now();
    while fs::read_dir(TASKS).map_err(|error| OsError::from_io("read", TASKS, &error))?.count() > 1 {
        if start.elapsed() > patience {
            return Err(OsError::new("wait for the end of", "other threads", Errno::ETIMEDOUT));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// Memory that process `pid` shares with no other, in KiB; none where this user may not see it, or it is gone.
pub fn private_memory_kib(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let private = text.lines().filter_map(|line| line.strip_prefix("Private_"));
    let size = |line: &str| line.split_whitespace().nth(1)?.parse::<u64>().ok();
    Some(private.filter_map(size).fold(0, u64::saturating_add))
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;
    use std::os::fd::AsRawFd;

    use super::*;

    #[test]
    fn threads_are_counted_by_name_and_memory_by_process() {
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::Builder::new().name("counted once".into()).spawn(move || stopped.recv()).unwrap();
        // A thread takes its name after it has started.
        while threads_named("counted once").unwrap() == 0 {
            std::thread::yield_now();
        }
        assert_eq!(threads_named("counted once").unwrap(), 1);
        drop(stop);
        thread.join().unwrap().unwrap_err();
        assert_eq!(threads_named("counted once").unwrap(), 0);
        assert!(private_memory_kib(std::process::id()).unwrap() > 0);
    }

    #[test]
    fn this_process_is_found_as_the_holder_of_its_socket() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let link = fs::read_link(format!("/proc/self/fd/{}", socket.as_raw_fd())).unwrap();
        let inode: u32 = link.to_str().unwrap().trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap();
        let holders = socket_holders().unwrap();
        assert!(holders.by_inode[&inode].iter().any(|process| process.pid == std::process::id()));
        let process = holds(std::process::id(), inode).unwrap();
        assert_eq!(process.pid, std::process::id());
        assert!(holders.by_inode[&inode].contains(&process) && holds(1, inode).is_none());
        assert!(newest_first().unwrap().is_sorted_by(|newer, older| newer > older));
    }
}
