//! The live screen on a real terminal: keys go in, the picture comes out, and the terminal is given back.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, Command};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use netlab::kernel::namespace::Host;
use nix::libc;
use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::tcgetattr;
use nix::unistd::Pid;

use crate::netlab;
use crate::topology::{INTERFACE, PATIENCE, Pair, pair};

crate::tests![
    a_flow_and_its_frames_are_seen_and_the_terminal_is_given_back,
    every_signal_that_ends_it_leaves_the_terminal_as_it_was,
    a_terminal_that_nobody_reads_costs_no_frame,
    a_terminal_that_nobody_reads_is_given_back_before_a_second_ctrl_c_ends_it,
    a_stored_file_is_a_still_picture,
    what_was_suspended_draws_again_when_it_goes_on,
    what_was_suspended_where_nobody_could_continue_it_goes_on_at_once,
    ctrl_z_works_while_a_file_is_read_for_the_screen,
];

/// A program on a terminal of its own.
struct Terminal {
    child: Child,
    user: File,
    settings_of: File,
    before: libc::termios,
    drawn: mpsc::Receiver<Vec<u8>>,
    /// Everything that was drawn.
    text: String,
}

/// What a terminal of 24 lines shows of `text`: places, clearing and letters; colours are passed over.
fn shown(text: &str) -> String {
    let blank = vec![vec![' '; 100]; 24];
    let mut cells = blank.clone();
    let (mut line, mut column) = (0, 0);
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '\r' => column = 0,
            '\n' => line += 1,
            '\x1b' => {
                let mut sequence = String::new();
                for c in rest.by_ref() {
                    sequence.push(c);
                    if c.is_ascii_alphabetic() {
                        break;
                    }
                }
                let mut numbers = sequence.split(['[', ';', 'H']).filter_map(|number| number.parse::<usize>().ok());
                match sequence.chars().last() {
                    Some('H') => {
                        line = numbers.next().unwrap_or(1) - 1;
                        column = numbers.next().unwrap_or(1) - 1;
                    }
                    Some('J' | 'h' | 'l') => {
                        cells.clone_from(&blank);
                        (line, column) = (0, 0);
                    }
                    _ => {}
                }
            }
            c => {
                if let Some(cell) = cells.get_mut(line).and_then(|line| line.get_mut(column)) {
                    *cell = c;
                }
                column += 1;
            }
        }
    }
    let lines = cells.iter().map(|line| line.iter().collect::<String>().trim_end().to_owned());
    lines.collect::<Vec<_>>().join("\n")
}

fn settings(terminal: &File) -> libc::termios {
    tcgetattr(terminal).unwrap().into()
}

impl Terminal {
    /// Starts `netlab capture` with a terminal of 100 columns and 24 lines behind standard input and output.
    fn start(host: &Host, arguments: &[&str], reads: bool) -> Self {
        Terminal::start_below(&[], host, arguments, reads)
    }

    /// The same below a shell, which continues it when Enter is pressed after it was stopped.
    fn start_in_shell(host: &Host, arguments: &[&str]) -> Self {
        let script = "set -m; \"$@\"; read -r; fg >/dev/null";
        Terminal::start_below(&["bash", "-c", script, "bash"], host, arguments, true)
    }

    fn start_below(shell: &[&str], host: &Host, arguments: &[&str], reads: bool) -> Self {
        let size = Winsize { ws_row: 24, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(Some(&size), None).unwrap();
        let (user, terminal) = (File::from(pty.master), File::from(pty.slave));
        let before = settings(&terminal);
        // The terminal becomes that of the session, so that Ctrl-C and Ctrl-Z on it are signals.
        // Whoever runs the tests may ignore SIGHUP, as nohup does.
        let mut command = Command::new("env");
        command
            .args(["--default-signal=HUP", "setsid", "--ctty"])
            .args(shell)
            .arg(netlab().get_program())
            .arg("capture")
            .args(arguments)
            .env("TERM", "xterm")
            .env_remove("NO_COLOR");
        command.stdin(terminal.try_clone().unwrap()).stdout(terminal.try_clone().unwrap());
        command.stderr(terminal.try_clone().unwrap());
        let child = host.run(move || command.spawn().unwrap());
        let (sender, drawn) = mpsc::channel();
        let mut from = user.try_clone().unwrap();
        if reads {
            std::thread::spawn(move || {
                let mut bytes = [0; 4096];
                while let Ok(length @ 1..) = from.read(&mut bytes) {
                    if sender.send(bytes[..length].to_vec()).is_err() {
                        return;
                    }
                }
            });
        }
        Terminal { child, user, settings_of: terminal, before, drawn, text: String::new() }
    }

    /// Waits until `text` is to be seen on the screen.
    fn sees(&mut self, text: &str) {
        self.waits(text, shown);
    }

    /// Waits until the terminal was given back `times` times.
    fn leaves(&mut self, times: usize) {
        self.waits(&LEFT.repeat(times), |text| LEFT.repeat(text.matches(LEFT).count()));
    }

    fn waits(&mut self, wanted: &str, in_what: impl Fn(&str) -> String) {
        let deadline = Instant::now() + PATIENCE;
        while !in_what(&self.text).contains(wanted) {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(drawn) = self.drawn.recv_timeout(left) else {
                panic!("no {wanted:?} in {}\n{:?}", shown(&self.text), self.text);
            };
            self.text.push_str(&String::from_utf8_lossy(&drawn));
        }
    }

    fn press(&mut self, keys: &str) {
        self.user.write_all(keys.as_bytes()).unwrap();
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).unwrap();
    }

    /// Fills the terminal until the program hangs in drawing on it, which it does once a second. What is full gets room again
    /// when the kernel moves it on to the reading end.
    fn fill(&self) {
        wait_until("it does not draw", || {
            self.fill_once();
            hangs_in_a_write(self.child.id())
        });
    }

    fn fill_once(&self) {
        // Opened anew: how the program writes stays as it is.
        let path = format!("/proc/self/fd/{}", self.settings_of.as_raw_fd());
        let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
        let mut full = File::options().write(true).custom_flags(flags).open(path).unwrap();
        let error = loop {
            if let Err(error) = full.write_all(&[b' '; 64]) {
                break error;
            }
        };
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
    }

    /// Waits for the end, and holds the terminal against what it was before.
    fn end(mut self) -> Option<i32> {
        let code = self.child.wait().unwrap().code();
        assert_eq!(settings(&self.settings_of), self.before, "the terminal is not as it was");
        code
    }
}

impl Drop for Terminal {
    /// What hangs does not stay; below a shell it is the foreground of the terminal, which is hung up.
    fn drop(&mut self) {
        // One that has ended by itself needs no more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The end of the screen: colours off, the cursor back, the screen of before.
const LEFT: &str = "\x1b[0m\x1b[?25h\x1b[?1049l";

/// Datagrams from the left host to the right, one after the other, until the sender is dropped.
fn talk(pair: &Pair) -> UdpSocket {
    let socket = pair.left.run(|| UdpSocket::bind((Pair::LEFT, 5555)).unwrap());
    socket.connect((Pair::RIGHT, 7777)).unwrap();
    socket
}

fn say(socket: &UdpSocket) {
    // Nobody listens at the other end: the refusal of the one before would be told instead of sending.
    let _ = socket.take_error();
    socket.send(b"something").unwrap();
}

fn a_flow_and_its_frames_are_seen_and_the_terminal_is_given_back() {
    let pair = pair();
    let mut top = Terminal::start(&pair.right, &[INTERFACE, "--top"], true);
    top.sees("? help");
    let socket = talk(&pair);
    say(&socket);
    top.sees("192.0.2.1:5555");
    assert_ne!(settings(&top.settings_of), top.before, "keys come one by one");
    top.press("/5555\r\r");
    top.sees("the last 1 of 1 frames");
    say(&socket);
    top.sees("2 of 2");
    top.press("\r");
    top.sees("Ethernet");
    top.press("q\x1b");
    top.sees("sort  / filter");
    top.press("q");
    top.leaves(1);
    top.sees(" seen: ");
    assert_eq!(top.end(), Some(0));
}

fn every_signal_that_ends_it_leaves_the_terminal_as_it_was() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let pair = pair();
        let mut top = Terminal::start(&pair.right, &[INTERFACE, "--top"], true);
        top.sees("? help");
        top.signal(signal);
        top.leaves(1);
        top.sees(" 0 dropped by the kernel");
        assert_eq!(top.end(), Some(0), "{signal}");
    }
}

/// The terminal is full and nobody reads it: frames are taken from the ring and counted all the same.
fn a_terminal_that_nobody_reads_costs_no_frame() {
    const SENT: usize = 20_000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.pcap");
    let file = path.to_str().unwrap().to_owned();
    let pair = pair();
    let mut top = Terminal::start(&pair.right, &[INTERFACE, "--top", "-w", &file, "udp port 7777"], false);
    let deadline = Instant::now() + PATIENCE;
    while settings(&top.settings_of) == top.before {
        assert!(Instant::now() < deadline, "the screen did not begin");
        std::thread::yield_now();
    }
    top.fill();
    let socket = talk(&pair);
    for number in 0..SENT {
        let _ = socket.send_to(b"something", (Pair::RIGHT, if number % 2 == 0 { 7777 } else { 8888 }));
    }
    top.signal(Signal::SIGINT);
    let mut drawn = Vec::new();
    let mut user = top.user.try_clone().unwrap();
    std::thread::spawn(move || user.read_to_end(&mut drawn));
    assert_eq!(top.child.wait().unwrap().code(), Some(0));
    let output = netlab().args(["capture", "-r", &file, "-q"]).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), SENT / 2);
    assert_eq!(top.end(), Some(0));
}

/// The program hangs in drawing when it is told to end, and has to be killed: the terminal is as it was all the same.
fn a_terminal_that_nobody_reads_is_given_back_before_a_second_ctrl_c_ends_it() {
    let pair = pair();
    let mut top = Terminal::start(&pair.right, &[INTERFACE, "--top"], false);
    let socket = talk(&pair);
    let deadline = Instant::now() + PATIENCE;
    while settings(&top.settings_of) == top.before {
        assert!(Instant::now() < deadline, "the screen did not begin");
        std::thread::yield_now();
    }
    say(&socket);
    top.fill();
    top.signal(Signal::SIGINT);
    wait_until("the terminal is not given back", || settings(&top.settings_of) == top.before);
    top.signal(Signal::SIGKILL);
    top.child.wait().unwrap();
    assert_eq!(settings(&top.settings_of), top.before);
}

fn a_stored_file_is_a_still_picture() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.pcapng");
    std::fs::write(&path, include_bytes!("../../docs/example.pcapng")).unwrap();
    let host = crate::topology::host("alone", false);
    for keys in ["q", "\r\rqqq", "\x03"] {
        let mut top = Terminal::start(&host, &["-r", path.to_str().unwrap(), "--top", "--color=never"], true);
        top.sees("192.0.2.1:32000");
        top.press(keys);
        top.leaves(1);
        assert_eq!(top.end(), Some(0), "{keys:?}");
    }
}

fn what_was_suspended_draws_again_when_it_goes_on() {
    let pair = pair();
    let mut top = Terminal::start_in_shell(&pair.right, &[INTERFACE, "--top"]);
    top.sees("? help");
    let shell = top.child.id();
    top.press("\x1a");
    top.leaves(1);
    wait_until("it was not stopped", || is_stopped(shell));
    assert_eq!(settings(&top.settings_of).c_lflag & libc::ICANON, libc::ICANON, "a shell can read lines");
    top.text.clear();
    top.press("\r");
    top.sees("? help");
    top.press("?");
    top.sees("any key: back");
    top.press("xq");
    top.leaves(1);
    assert_eq!(top.child.wait().unwrap().code(), Some(0));
}

fn what_was_suspended_where_nobody_could_continue_it_goes_on_at_once() {
    let pair = pair();
    let mut top = Terminal::start(&pair.right, &[INTERFACE, "--top"], true);
    top.sees("? help");
    top.press("\x1a");
    top.leaves(1);
    top.sees("? help");
    top.press("q");
    top.leaves(2);
    assert_eq!(top.end(), Some(0));
}

/// Whether a thread of the process waits for its terminal to take more.
fn hangs_in_a_write(process: u32) -> bool {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
    tasks.flatten().any(|task| {
        let at = std::fs::read_to_string(task.path().join("wchan")).unwrap_or_default();
        at.contains("tty_write") || at.contains("n_tty") || at.contains("wait_woken")
    })
}

fn ctrl_z_works_while_a_file_is_read_for_the_screen() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.pcap");
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let host = crate::topology::host("alone", false);
    let mut top = Terminal::start_in_shell(&host, &["-r", path.to_str().unwrap(), "--top"]);
    let shell = top.child.id();
    // A file without a frame, of which the end does not come.
    let mut file = File::options().write(true).open(&path).unwrap();
    file.write_all(&[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0]).unwrap();
    wait_until("the screen is not prepared", || {
        child_says(shell, "SigBlk", |mask| mask & 1 << (libc::SIGWINCH - 1) != 0)
    });
    top.press("\x1a");
    wait_until("it was not stopped", || is_stopped(shell));
    top.press("\r");
    drop(file);
    top.sees("? help");
    top.press("q");
    assert_eq!(top.child.wait().unwrap().code(), Some(0));
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn children(parent: u32) -> Vec<String> {
    let children = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap();
    children.split_whitespace().map(str::to_owned).collect()
}

/// What the status of the child of a process says under `name`.
fn child_says(parent: u32, name: &str, holds: impl Fn(u64) -> bool) -> bool {
    children(parent).iter().any(|child| {
        let status = std::fs::read_to_string(format!("/proc/{child}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(":\t"));
        line.is_some_and(|bits| holds(u64::from_str_radix(bits, 16).unwrap()))
    })
}

/// Whether the child of a process is stopped.
fn is_stopped(parent: u32) -> bool {
    children(parent).iter().any(|child| {
        let stat = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('T'))
    })
}
