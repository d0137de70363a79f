//! The live screen on a real terminal: keys go in, the picture comes out, and the terminal is given back.

use std::fs::File;
use std::io::{Read, Write};
use std::net::UdpSocket;
use std::process::{Child, Command};
use std::sync::mpsc;
use std::time::Instant;

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
    a_stored_file_is_a_still_picture,
    what_was_suspended_draws_again_when_it_goes_on,
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
        let size = Winsize { ws_row: 24, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(Some(&size), None).unwrap();
        let (user, terminal) = (File::from(pty.master), File::from(pty.slave));
        let before = settings(&terminal);
        // The terminal becomes that of the session, so that Ctrl-C and Ctrl-Z on it are signals.
        // Whoever runs the tests may ignore SIGHUP, as nohup does.
        let mut command = Command::new("env");
        command
            .args(["--default-signal=HUP", "setsid", "--ctty"])
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

    /// Waits for the end, and holds the terminal against what it was before.
    fn end(mut self) -> Option<i32> {
        let code = self.child.wait().unwrap().code();
        assert_eq!(settings(&self.settings_of), self.before, "the terminal is not as it was");
        code
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
    let socket = talk(&pair);
    for number in 0..SENT {
        // Many conversations: the picture is large and changes all the time.
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
    let mut top = Terminal::start(&pair.right, &[INTERFACE, "--top"], true);
    top.sees("? help");
    top.press("\x1a");
    // Given back, and taken over once more: at once where nobody could continue it, as in a session without a shell.
    top.leaves(1);
    top.sees("? help");
    top.press("?");
    top.sees("any key: back");
    top.press("xq");
    top.leaves(2);
    assert_eq!(top.end(), Some(0));
}
