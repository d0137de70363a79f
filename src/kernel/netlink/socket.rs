//! A netlink socket: requests out, answers in, the kernel's refusals as errors with its own words.

#![expect(unsafe_code, reason = "netlink-sys lends its descriptor as a bare number")]

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use std::time::Duration;

use netlink_packet_core::{NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NlaBuffer, NlasIterator};
use netlink_sys::SocketAddr;
use nix::errno::Errno;
use nix::sys::socket::{setsockopt, sockopt};
use nix::sys::time::TimeVal;

use super::OsError;

/// Length of `struct nlmsghdr`, which every message starts with.
const HEADER: usize = 16;
/// A datagram of answers never exceeds this: the kernel packs at most 32 KiB, and more only for one huge object.
const BUFFER: usize = 1 << 17;
/// The kernel answers while it is asked: only an answer that broke off, or was lost, is ever waited for so long.
const PATIENCE: Duration = Duration::from_secs(5);
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
/// Message types below this are netlink's own.
const NLMSG_MIN_TYPE: u16 = 16;
const NLM_F_DUMP_INTR: u16 = 0x10;
/// The attribute of an error message that says in words what was wrong.
const NLMSGERR_ATTR_MSG: u16 = 1;

/// One question or order for the kernel, and how to name it when it fails.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What is being done, as in [`OsError::operation`].
    pub operation: &'static str,
    /// To what, as in [`OsError::object`].
    pub object: &'a str,
    /// The message type, such as `RTM_GETLINK`.
    pub kind: u16,
    /// Flags beside `NLM_F_REQUEST` and `NLM_F_ACK`; [`Request::DUMP`] asks for a whole list.
    pub flags: u16,
    /// The family's header and the attributes.
    pub body: &'a [u8],
}

/// Whether an answer is consistent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Completeness {
    /// Nothing changed while the answer was written.
    Whole,
    /// The kernel says that the list changed meanwhile: an object may be missing or appear twice.
    Interrupted,
}

impl<'a> Request<'a> {
    /// The flags of a request for a whole list.
    pub const DUMP: u16 = NLM_F_DUMP;

    /// A request for every object of a kind; `body` is the family's header with what to filter by.
    pub fn dump(operation: &'static str, kind: u16, body: &'a [u8]) -> Self {
        Request { operation, object: "", kind, flags: Self::DUMP, body }
    }

    fn error(&self, errno: Errno) -> OsError {
        OsError::new(self.operation, self.object, errno)
    }

    fn io_error(&self, error: &io::Error) -> OsError {
        OsError::from_io(self.operation, self.object, error)
    }

    fn message(&self, sequence: u32) -> Vec<u8> {
        // A list ends with its own message; everything else is asked to end with an acknowledgement.
        let ack = if self.flags & Self::DUMP == Self::DUMP { 0 } else { NLM_F_ACK };
        let length = (HEADER + self.body.len()) as u32;
        let mut message = Vec::with_capacity(HEADER + self.body.len());
        message.extend(length.to_ne_bytes());
        message.extend(self.kind.to_ne_bytes());
        message.extend((self.flags | NLM_F_REQUEST | ack).to_ne_bytes());
        message.extend(sequence.to_ne_bytes());
        message.extend([0; 4]);
        message.extend(self.body);
        message
    }
}

/// A netlink socket of any protocol, in the namespace of the thread that opened it.
#[derive(Debug)]
pub struct Socket {
    inner: netlink_sys::Socket,
    sequence: u32,
    buffer: Vec<u8>,
}

impl Socket {
    /// Opens a socket of `protocol`, such as `NETLINK_ROUTE`.
    ///
    /// # Errors
    /// The kernel's refusal (out of file descriptors, protocol not built).
    pub fn open(protocol: isize) -> Result<Self, OsError> {
        let error = |error| OsError::from_io("open", "netlink socket", &error);
        let mut socket = netlink_sys::Socket::new(protocol).map_err(error)?;
        socket.bind_auto().map_err(error)?;
        socket.connect(&SocketAddr::new(0, 0)).map_err(error)?;
        // Refusals then come with the kernel's reason in words; a kernel too old for that refuses the option.
        let _ = socket.set_ext_ack(true).and_then(|()| socket.set_cap_ack(true));
        let socket = Socket { inner: socket, sequence: 0, buffer: vec![0; BUFFER] };
        socket.wait_at_most(PATIENCE)?;
        Ok(socket)
    }

    fn wait_at_most(&self, patience: Duration) -> Result<(), OsError> {
        let time = TimeVal::new(patience.as_secs() as i64, patience.subsec_micros().into());
        let set = setsockopt(self, sockopt::ReceiveTimeout, &time);
        set.map_err(|errno| OsError::new("limit the wait of", "netlink socket", errno))
    }

    /// Sends `request` and hands the type and body (family header and attributes) of every answer to `each`.
    ///
    /// # Errors
    /// The kernel's refusal, with its words as the hint; ETIMEDOUT where the answer does not come to its end.
    pub fn ask(&mut self, request: &Request<'_>, mut each: impl FnMut(u16, &[u8])) -> Result<Completeness, OsError> {
        self.sequence = self.sequence.wrapping_add(1);
        let message = request.message(self.sequence);
        retry(|| self.inner.send(&message, 0)).map_err(|error| request.io_error(&error))?;
        let mut completeness = Completeness::Whole;
        loop {
            let length = self.receive().map_err(|error| match error.kind() {
                io::ErrorKind::WouldBlock => request.error(Errno::ETIMEDOUT),
                _ => request.io_error(&error),
            })?;
            for message in messages(&self.buffer[..length]) {
                if message.sequence != self.sequence {
                    continue;
                }
                if message.flags & NLM_F_DUMP_INTR != 0 {
                    completeness = Completeness::Interrupted;
                }
                match message.kind {
                    NLMSG_DONE | NLMSG_ERROR => return refusal(request, &message).map_or(Ok(completeness), Err),
                    kind if kind < NLMSG_MIN_TYPE => {}
                    kind => each(kind, message.body),
                }
            }
        }
    }

    /// Reads one datagram into the buffer and returns its length.
    pub(super) fn receive(&mut self) -> io::Result<usize> {
        let length = retry(|| self.inner.recv(&mut self.buffer.as_mut_slice(), libc::MSG_TRUNC))?;
        if length > self.buffer.len() {
            return Err(io::Error::from_raw_os_error(libc::EMSGSIZE));
        }
        Ok(length)
    }

    /// The underlying socket, for what is not asking: joining groups, waiting.
    pub(super) fn inner(&self) -> &netlink_sys::Socket {
        &self.inner
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: the descriptor is open as long as `self.inner` is, which outlives the borrow.
        unsafe { BorrowedFd::borrow_raw(self.inner.as_raw_fd()) }
    }
}

/// Repeats a call that a signal interrupted.
fn retry<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

struct Message<'b> {
    kind: u16,
    flags: u16,
    sequence: u32,
    body: &'b [u8],
}

/// The messages of one datagram; one that claims more than is there ends the walk.
fn messages(mut datagram: &[u8]) -> impl Iterator<Item = Message<'_>> {
    std::iter::from_fn(move || {
        let (length, rest) = datagram.split_first_chunk()?;
        let (kind, rest) = rest.split_first_chunk()?;
        let (flags, rest) = rest.split_first_chunk()?;
        let (sequence, _) = rest.split_first_chunk()?;
        let length = u32::from_ne_bytes(*length) as usize;
        let body = datagram.get(HEADER..length)?;
        datagram = datagram.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(Message {
            kind: u16::from_ne_bytes(*kind),
            flags: u16::from_ne_bytes(*flags),
            sequence: u32::from_ne_bytes(*sequence),
            body,
        })
    })
}

/// What the last message of an answer says: nothing, or a negative errno and perhaps the reason in words.
fn refusal(request: &Request<'_>, last: &Message<'_>) -> Option<OsError> {
    let code = last.body.first_chunk().map_or(0, |bytes| i32::from_ne_bytes(*bytes));
    if code >= 0 {
        return None;
    }
    let error = request.error(Errno::from_raw(code.saturating_neg()));
    // Behind the code of a refusal stands the header of the refused request; behind that of a list's end nothing.
    let skipped = if last.kind == NLMSG_ERROR { 4 + HEADER } else { 4 };
    let words = attributes(last.body.get(skipped..).unwrap_or_default())
        .find(|attribute| attribute.kind() == NLMSGERR_ATTR_MSG)
        .map(|attribute| text(attribute.value()));
    Some(match words {
        Some(words) => error.hint(format!("the kernel says: {words}")),
        None => error,
    })
}

/// The attributes in `bytes`, as far as they are well formed.
pub fn attributes(bytes: &[u8]) -> impl Iterator<Item = NlaBuffer<&[u8]>> {
    NlasIterator::new(bytes).map_while(Result::ok)
}

/// A string attribute without its closing zero. Bytes that are not UTF-8, which the kernel allows in names, are spelled
/// out as `\xff`.
pub(super) fn text(value: &[u8]) -> String {
    let value = value.split(|byte| *byte == 0).next().unwrap_or_default();
    str::from_utf8(value).map_or_else(|_| crate::bytes::Escaped(value).to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_datagram_is_walked_message_by_message_and_a_lie_about_the_length_ends_it() {
        let request = Request { operation: "ask", object: "x", kind: 18, flags: 0, body: &[1, 2, 3, 4, 5] };
        let mut datagram = request.message(7);
        datagram.extend([0; 3]);
        datagram.extend(Request { body: &[9], ..request }.message(8));
        let bodies: Vec<_> = messages(&datagram).map(|m| (m.sequence, m.body.to_vec())).collect();
        assert_eq!(bodies, [(7, vec![1, 2, 3, 4, 5]), (8, vec![9])]);
        datagram[0] = 200;
        assert_eq!(messages(&datagram).count(), 0);
        datagram[..4].copy_from_slice(&3u32.to_ne_bytes());
        assert_eq!(messages(&datagram).count(), 0);
    }

    #[test]
    fn an_answer_that_never_ends_is_given_up() {
        let mut socket = Socket::open(netlink_sys::protocols::NETLINK_ROUTE).unwrap();
        socket.wait_at_most(Duration::from_millis(50)).unwrap();
        // The kernel takes a message of netlink's own that wants no acknowledgement and says nothing.
        let request = Request { object: "links", ..Request::dump("list", 1, &[]) };
        let error = socket.ask(&request, |_, _| {}).unwrap_err();
        assert_eq!((error.errno, error.object.as_str()), (Errno::ETIMEDOUT, "links"));
    }

    #[test]
    fn a_refusal_carries_the_errno_and_the_kernels_words() {
        let mut body = (-libc::EINVAL).to_ne_bytes().to_vec();
        body.extend([0; HEADER]);
        body.extend([10, 0, 1, 0]);
        body.extend(*b"no way");
        let request = Request { operation: "add route", object: "10.0.0.0/8", kind: 24, flags: 0, body: &[] };
        let last = Message { kind: NLMSG_ERROR, flags: 0, sequence: 1, body: &body };
        let error = refusal(&request, &last).unwrap();
        assert_eq!(error.to_string(), "add route 10.0.0.0/8: invalid argument (EINVAL)\nhint: the kernel says: no way");
        assert!(refusal(&request, &Message { body: &[0; 4], ..last }).is_none());
    }

    #[test]
    fn a_name_that_is_not_text_is_spelled_out() {
        assert_eq!(text(b"eth0\0"), "eth0");
        assert_eq!(text(b"\xffeth\0"), "\\xffeth");
    }
}
