//! What a service says first: every open TCP port is connected to once more and listened to.
//!
//! Who speaks first (SSH, SMTP, FTP, databases) is only heard. Ports that usually speak HTTP wait for a question and get
//! the smallest one, `HEAD /`; other silent ports get none, because a question to an unknown service is an order to
//! some printers.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use socket2::{Domain, Socket, Type};

use super::Woken;
use crate::kernel::OsError;
use crate::kernel::signal::Interrupts;
use crate::transport::services::{self, Protocol};

/// How much of a banner is kept, in bytes.
pub const KEPT: usize = 1024;
/// How long a service may take, connecting included.
const PATIENCE: Duration = Duration::from_secs(2);
/// How many services are listened to at once.
const AT_ONCE: usize = 128;
/// The question to services that wait for one.
const QUESTION: &[u8] = b"HEAD / HTTP/1.0\r\n\r\n";
/// Ports that usually speak HTTP though their name does not say so.
const HTTP: &[u16] = &[631, 2375, 3000, 5000, 5601, 5984, 5985, 8086, 8123, 8200, 8500, 9000, 9090, 9200, 15672, 32400];

/// Banners in the order of the question; none for a service that said nothing.
pub type Banners = Vec<Option<Vec<u8>>>;

/// One service being listened to.
struct Listening {
    /// Its place in the list that was asked for.
    index: usize,
    stream: TcpStream,
    question: &'static [u8],
    heard: Vec<u8>,
    until: Instant,
}

/// What the services at `open` say, in the same order; nothing for those that say nothing within 2 s. Ends early when a
/// signal arrives at `interrupts`.
///
/// # Errors
/// The failure to wait; a service that fails just has no banner.
pub fn collect(open: &[SocketAddr], interrupts: &Interrupts) -> Result<(Banners, Woken), OsError> {
    let mut banners = vec![None; open.len()];
    let mut waiting = open.iter().enumerate();
    let mut lines: Vec<Listening> = Vec::new();
    loop {
        lines.extend(
            waiting.by_ref().take(AT_ONCE - lines.len()).filter_map(|(index, at)| Listening::start(index, *at)),
        );
        if lines.is_empty() && waiting.len() == 0 {
            return Ok((banners, Woken::Normally));
        }
        let ready = wait(&lines, interrupts)?;
        if interrupts.arrived() {
            return Ok((banners, Woken::Interrupted));
        }
        let now = Instant::now();
        let mut ready = ready.into_iter();
        lines.retain_mut(|line| {
            let over = ready.next().unwrap_or_default() && line.advance() || line.until <= now;
            if over && !line.heard.is_empty() {
                banners[line.index] = Some(std::mem::take(&mut line.heard));
            }
            !over
        });
    }
}

/// Waits until a line or the user wants something, and says which lines do.
fn wait(lines: &[Listening], interrupts: &Interrupts) -> Result<Vec<bool>, OsError> {
    let until = lines.iter().map(|line| line.until).min().unwrap_or_else(Instant::now);
    let left = until.saturating_duration_since(Instant::now()).as_millis() + 1;
    let mut files: Vec<PollFd<'_>> = lines
        .iter()
        .map(|line| {
            let wish = if line.question.is_empty() { PollFlags::POLLIN } else { PollFlags::POLLOUT };
            PollFd::new(line.stream.as_fd(), wish)
        })
        .collect();
    files.push(PollFd::new(interrupts.as_fd(), PollFlags::POLLIN));
    match poll(&mut files, PollTimeout::from(u16::try_from(left).unwrap_or(u16::MAX))) {
        Ok(_) | Err(Errno::EINTR) => Ok(files.iter().map(|file| file.any().unwrap_or_default()).collect()),
        Err(errno) => Err(OsError::new("poll", "", errno)),
    }
}

impl Listening {
    fn start(index: usize, at: SocketAddr) -> Option<Self> {
        let socket = Socket::new(Domain::for_address(at), Type::STREAM.nonblocking(), None).ok()?;
        // A reset at the end leaves no TIME-WAIT on this machine.
        socket.set_linger(Some(Duration::ZERO)).ok()?;
        match socket.connect(&at.into()) {
            Err(error) if error.raw_os_error() != Some(Errno::EINPROGRESS as i32) => return None,
            _ => {}
        }
        let question = if speaks_http(at.port()) { QUESTION } else { b"" };
        Some(Listening { index, stream: socket.into(), question, heard: Vec::new(), until: Instant::now() + PATIENCE })
    }

    /// Asks or hears what it can now; true when that is all.
    fn advance(&mut self) -> bool {
        if !self.question.is_empty() {
            let written = self.stream.write(self.question);
            self.question = b"";
            return written.is_err();
        }
        let mut buffer = [0; KEPT];
        loop {
            let room = KEPT - self.heard.len();
            match self.stream.read(&mut buffer[..room]) {
                Ok(0) => return true,
                Ok(length) => self.heard.extend_from_slice(&buffer[..length]),
                Err(error) => return error.kind() != io::ErrorKind::WouldBlock || is_whole(&self.heard),
            }
        }
    }
}

/// Whether the greeting, or the head of the HTTP answer, is there in full.
fn is_whole(heard: &[u8]) -> bool {
    if heard.starts_with(b"HTTP/") {
        return heard.windows(4).any(|four| four == b"\r\n\r\n");
    }
    heard.ends_with(b"\n")
}

fn speaks_http(port: u16) -> bool {
    let name = services::name(port, Protocol::Tcp).unwrap_or_default();
    HTTP.contains(&port) || (name.starts_with("http") && !name.starts_with("https"))
}

/// The telling part of what a service said: of an HTTP answer the status line and the server, of other text the first
/// line, of anything else the readable pieces.
pub fn gist(said: &[u8]) -> Vec<u8> {
    let odd = said.iter().filter(|byte| !byte.is_ascii_graphic() && !byte.is_ascii_whitespace()).count();
    if said.contains(&0) || odd * 5 > said.len() {
        return readable(said);
    }
    let mut lines = said.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let first = lines.next().unwrap_or_default().to_vec();
    if !first.starts_with(b"HTTP/") {
        return first;
    }
    let server = lines.find(|line| line.get(..7).is_some_and(|head| head.eq_ignore_ascii_case(b"server:")));
    server.map_or(first.clone(), |server| [first.as_slice(), b", ", server].concat())
}

/// The runs of at least four letters and signs, with dots for what lies between them.
fn readable(said: &[u8]) -> Vec<u8> {
    let seen = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
    let runs = said.chunk_by(|a, b| seen(a) == seen(b)).filter(|run| run.len() >= 4 && run.iter().all(seen));
    runs.map(<[u8]>::trim_ascii).collect::<Vec<_>>().join(&b" ... "[..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gist_of_an_http_answer_is_its_status_and_its_server() {
        assert_eq!(
            gist(b"HTTP/1.0 200 OK\r\nDate: x\r\nserver: hand-made\r\n\r\n"),
            b"HTTP/1.0 200 OK, server: hand-made"
        );
        assert_eq!(gist(b"HTTP/1.1 404 Not Found\r\n\r\n"), b"HTTP/1.1 404 Not Found");
        assert_eq!(gist(b"SSH-2.0-x\r\nmore"), b"SSH-2.0-x");
        assert_eq!(gist(b""), b"");
    }

    #[test]
    fn the_gist_of_a_binary_answer_is_what_can_be_read_of_it() {
        assert_eq!(gist(b"0b\x02\x04\x06public\xa2\x00\x02Linux vm"), b"public ... Linux vm");
        assert_eq!(gist(b"\x24\x01\0\0"), b"");
        assert_eq!(gist(b"SSH-2.0-\x1b[31mred\r\n"), b"SSH-2.0-\x1b[31mred");
    }

    #[test]
    fn only_ports_that_usually_speak_http_are_asked() {
        assert!(speaks_http(80) && speaks_http(8080) && speaks_http(9200));
        assert!(!speaks_http(443) && !speaks_http(9100) && !speaks_http(22) && !speaks_http(8443));
    }

    #[test]
    fn a_banner_is_whole_at_its_line_end_and_a_head_at_its_empty_line() {
        assert!(is_whole(b"220 ready\r\n") && !is_whole(b"220 rea"));
        assert!(is_whole(b"HTTP/1.0 200 OK\r\n\r\nbody") && !is_whole(b"HTTP/1.0 200 OK\r\n"));
    }
}
