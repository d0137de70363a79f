//! Hypertext Transfer Protocol 1: what stands before the content.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use crate::bytes::{Bits, Fault, Reader, Record};

/// Most bytes of a line. Servers refuse longer ones.
const MAX_LINE: usize = 16 << 10;

/// Methods (IANA "HTTP methods", those in daily use and of file servers).
const METHODS: [&[u8]; 17] = [
    b"GET",
    b"POST",
    b"HEAD",
    b"PUT",
    b"DELETE",
    b"OPTIONS",
    b"PATCH",
    b"CONNECT",
    b"TRACE",
    b"PROPFIND",
    b"PROPPATCH",
    b"MKCOL",
    b"COPY",
    b"MOVE",
    b"LOCK",
    b"UNLOCK",
    b"REPORT",
];

/// Header lines whose values are fields of their own; all others are fields called `header`, name included.
const HEADERS: [(&[u8], &str); 22] = [
    (b"accept", "accept"),
    (b"accept-encoding", "accept encoding"),
    (b"accept-language", "accept language"),
    (b"authorization", "authorization"),
    (b"cache-control", "cache control"),
    (b"connection", "connection"),
    (b"content-encoding", "content encoding"),
    (b"content-length", LENGTH),
    (b"content-type", "content type"),
    (b"cookie", "cookie"),
    (b"date", "date"),
    (b"etag", "etag"),
    (b"host", "host"),
    (b"last-modified", "last modified"),
    (b"location", "location"),
    (b"range", "range"),
    (b"referer", "referer"),
    (b"server", "server"),
    (b"set-cookie", "set cookie"),
    (b"transfer-encoding", "transfer encoding"),
    (b"upgrade", "upgrade"),
    (b"user-agent", "user agent"),
];

/// The field that says how long the content is.
const LENGTH: &str = "content length";

/// The head of a request or response, RFC 9112 sections 2 to 5. What it says stands in the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Http {
    /// The status of a response; none in a request.
    pub status: Option<u16>,
    /// Method of a request; empty in a response.
    pub method: Bits,
    /// What a request is about.
    pub target: Bits,
    /// `HTTP/1.1`.
    pub version: Bits,
    /// What a response adds to its status.
    pub reason: Bits,
    /// The host that a request is for.
    pub host: Bits,
    /// The media type of the content.
    pub content_type: Bits,
    /// Bytes of content, where the head says.
    pub content_length: Option<u64>,
    /// The content comes in chunks of which each says its length.
    pub encoded: bool,
}

/// Whether `bytes` begin a request or a response.
#[inline]
pub fn looks_like(bytes: &[u8]) -> bool {
    // Nearly every segment is from the middle of something: the first byte says so.
    bytes.first().is_some_and(u8::is_ascii_uppercase) && begins(bytes)
}

fn begins(bytes: &[u8]) -> bool {
    if bytes.starts_with(b"HTTP/1.") {
        return true;
    }
    let start = bytes.get(..10).unwrap_or(bytes);
    let mut words = start.split(|byte| *byte == b' ');
    let method = words.next().unwrap_or_default();
    METHODS.contains(&method)
        && words.next().and_then(<[u8]>::first).is_none_or(u8::is_ascii_graphic)
        && start != method
}

impl Http {
    /// Whether content follows the head.
    pub fn has_content(&self) -> bool {
        self.encoded || self.content_length.map_or(self.status.is_some(), |length| length > 0)
    }

    /// Reads the head up to the empty line behind it.
    pub fn read<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        let line = line(r)?;
        if r.peek().starts_with(b"HTTP/") {
            r.area("status line", line.taken, "line end", |r| self.status_line(r, line.length))?;
        } else {
            r.area("request line", line.taken, "line end", |r| self.request_line(r, line.length))?;
        }
        loop {
            let line = self::line(r)?;
            if line.length == 0 {
                return r.text("end of head", line.taken).map(drop);
            }
            self.header(r, line)?;
        }
    }

    fn request_line<R: Record>(&mut self, r: &mut Reader<'_, R>, length: usize) -> Result<(), Fault> {
        let first = word(r, length);
        self.method = r.piece("method", first.saturating_add(1).min(r.remaining()), 0..first)?;
        let left = length.saturating_sub(first.saturating_add(1));
        // The version is behind the last space: careless clients leave spaces in the target.
        let target = r.peek().get(..left).and_then(|rest| memchr::memrchr(b' ', rest)).unwrap_or(left);
        self.target = r.piece("target", target.saturating_add(1).min(r.remaining()), 0..target)?;
        self.version = piece_of_line(r, "version", left.saturating_sub(target.saturating_add(1)))?;
        Ok(())
    }

    fn status_line<R: Record>(&mut self, r: &mut Reader<'_, R>, length: usize) -> Result<(), Fault> {
        let first = word(r, length);
        self.version = r.piece("version", first.saturating_add(1).min(r.remaining()), 0..first)?;
        let left = length.saturating_sub(first.saturating_add(1));
        let second = word(r, left);
        let status = r.digits("status code", second)?;
        self.status = u16::try_from(status).ok();
        self.reason = piece_of_line(r, "reason", left.saturating_sub(second))?;
        Ok(())
    }

    fn header<R: Record>(&mut self, r: &mut Reader<'_, R>, line: Line) -> Result<(), Fault> {
        let bytes = r.peek().get(..line.length).unwrap_or_default();
        let colon = memchr::memchr(b':', bytes);
        let known = colon.and_then(|at| known(bytes.get(..at)?));
        let (Some(field), Some(colon)) = (known, colon) else {
            return r.piece("header", line.taken, 0..line.length).map(drop);
        };
        let start = colon.saturating_add(1);
        if field == LENGTH {
            return self.length(r, line, bytes.get(start..).unwrap_or_default());
        }
        let value = bytes.get(start..).unwrap_or_default();
        let front = value.len().saturating_sub(value.trim_ascii_start().len());
        let start = start.saturating_add(front);
        let place = r.piece(field, line.taken, start..start.saturating_add(value.trim_ascii().len()))?;
        match field {
            "host" => self.host = place,
            "content type" => self.content_type = place,
            "transfer encoding" => self.encoded = true,
            _ => {}
        }
        Ok(())
    }

    fn length<R: Record>(&mut self, r: &mut Reader<'_, R>, line: Line, value: &[u8]) -> Result<(), Fault> {
        match str::from_utf8(value).ok().and_then(|text| text.trim().parse().ok()) {
            Some(length) => {
                self.content_length = Some(length);
                r.worded(LENGTH, line.taken, length)
            }
            None => r.piece("header", line.taken, 0..line.length).map(drop),
        }
    }
}

fn known(name: &[u8]) -> Option<&'static str> {
    // Most names differ in length or first letter, which is cheaper to see than that they differ.
    let first = name.first()?.to_ascii_lowercase();
    let same =
        |known: &[u8]| known.len() == name.len() && known.first() == Some(&first) && known.eq_ignore_ascii_case(name);
    HEADERS.iter().find(|(known, _)| same(known)).map(|(_, field)| *field)
}

/// The rest of a line without the spaces around it.
fn piece_of_line<R: Record>(r: &mut Reader<'_, R>, field: &'static str, length: usize) -> Result<Bits, Fault> {
    let bytes = r.peek().get(..length).unwrap_or_default();
    let front = bytes.len().saturating_sub(bytes.trim_ascii_start().len());
    r.piece(field, r.remaining(), front..front.saturating_add(bytes.trim_ascii().len()))
}

/// Bytes before the next space, at most `length`.
fn word<R: Record>(r: &Reader<'_, R>, length: usize) -> usize {
    r.peek().get(..length).and_then(|bytes| memchr::memchr(b' ', bytes)).unwrap_or(length)
}

/// A line that is all here.
#[derive(Clone, Copy)]
struct Line {
    /// Bytes without its end.
    length: usize,
    /// Bytes with its end.
    taken: usize,
}

fn line<R: Record>(r: &Reader<'_, R>) -> Result<Line, Fault> {
    let bytes = r.peek();
    let start = bytes.get(..MAX_LINE).unwrap_or(bytes);
    let Some(end) = memchr::memchr(b'\n', start) else {
        let have = bytes.len();
        return Err(if have < MAX_LINE {
            Fault::Short { field: "line", need: have.saturating_add(1), have }
        } else {
            Fault::Invalid { field: "line", value: have as u64, expected: "an end within 16384 bytes" }
        });
    };
    let length = if end > 0 && start.get(end.saturating_sub(1)) == Some(&b'\r') { end.saturating_sub(1) } else { end };
    Ok(Line { length, taken: end.saturating_add(1) })
}
