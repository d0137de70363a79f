//! Addresses in lines of text that may be anything and of any length.
//!
//! **Invariant:** memory does not depend on the input: a line longer than [`LONGEST_LINE`] is passed over and told.

#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::io::{self, Read};

use super::matcher::Matcher;
use super::{Address, Family, Prefix, Range, digits, notation};

/// Longest line that is looked at, in bytes.
pub const LONGEST_LINE: usize = 1 << 18;

/// Longest text of an IPv6 address, with an IPv4 address as its tail.
const LONGEST_IPV6: usize = 45;

/// Reads lines from `source` through one buffer of fixed size.
#[derive(Debug)]
pub struct Lines<R> {
    source: R,
    buffer: Box<[u8]>,
    /// Unread bytes: from here …
    start: usize,
    /// … to here.
    end: usize,
    /// Whether the rest of a line that is too long is being passed over.
    passing: bool,
}

/// One line, without its line end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// The line.
    Whole(&'a [u8]),
    /// A line of more than [`LONGEST_LINE`] bytes, which were not kept.
    TooLong,
}

impl<R: Read> Lines<R> {
    /// Lines of `source`.
    pub fn new(source: R) -> Self {
        Lines { source, buffer: vec![0; LONGEST_LINE].into(), start: 0, end: 0, passing: false }
    }

    /// The next line; none at the end. `before_reading` runs before the source is asked for more, which may wait.
    ///
    /// # Errors
    /// What the source or `before_reading` refused.
    pub fn next(&mut self, mut before_reading: impl FnMut() -> io::Result<()>) -> io::Result<Option<Line<'_>>> {
        let mut searched = 0;
        loop {
            let unread = self.buffer.get(self.start..self.end).unwrap_or_default();
            if let Some(at) = memchr::memchr(b'\n', unread.get(searched..).unwrap_or_default()) {
                let length = searched.saturating_add(at);
                return Ok(Some(self.take(length, 1)));
            }
            searched = unread.len();
            before_reading()?;
            if searched == self.buffer.len() {
                (self.passing, self.start, self.end, searched) = (true, 0, 0, 0);
            }
            if self.fill()? == 0 {
                let some = searched > 0 || self.passing;
                return Ok(some.then(|| self.take(searched, 0)));
            }
        }
    }

    /// Hands out `length` bytes and passes over the line end behind them.
    fn take(&mut self, length: usize, line_end: usize) -> Line<'_> {
        let from = self.start;
        let to = from.saturating_add(length);
        self.start = to.saturating_add(line_end);
        if std::mem::take(&mut self.passing) {
            return Line::TooLong;
        }
        Line::Whole(self.buffer.get(from..to).unwrap_or_default())
    }

    /// Reads more behind what is unread; 0 at the end of the source.
    fn fill(&mut self) -> io::Result<usize> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end.saturating_sub(self.start));
        }
        loop {
            match self.source.read(self.buffer.get_mut(self.end..).unwrap_or_default()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(count) => {
                    self.end = self.end.saturating_add(count);
                    return Ok(count);
                }
            }
        }
    }
}

/// The addresses in a line, wherever they stand: words of letters, digits, dots and colons that are one, with or
/// without a port behind or a label before it (`src:10.0.0.1:80`).
#[inline]
pub fn addresses(line: &[u8]) -> impl Iterator<Item = Address> {
    let mut rest = line;
    let mut word: &[u8] = &[];
    std::iter::from_fn(move || {
        loop {
            if word.is_empty() {
                let start = rest.iter().position(|byte| in_word(*byte))?;
                rest = rest.get(start..)?;
                // A short cut: most words that hold an address are one and nothing else.
                if let Some((address, behind)) = ipv4_word(rest) {
                    rest = behind;
                    return Some(address);
                }
                word = first_word(&mut rest)?;
            }
            if let Some(address) = address_in(&mut word) {
                return Some(address);
            }
        }
    })
}

#[inline]
fn ipv4_word(text: &[u8]) -> Option<(Address, &[u8])> {
    let (number, length) = digits::leading_ipv4(text)?;
    let behind = text.get(length..)?;
    let ends = behind.first().is_none_or(|byte| !in_word(*byte));
    ends.then(|| (Address::new(Family::Ipv4, number.into()), behind))
}

/// Whether a byte is part of a word: a letter, a digit, a dot or a colon.
#[inline]
fn in_word(byte: u8) -> bool {
    WORD.get(usize::from(byte)).copied().unwrap_or_default()
}

/// One look instead of six comparisons for each byte of the input.
static WORD: [bool; 256] = {
    let mut word = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        #[expect(clippy::indexing_slicing, reason = "every u8 is below 256; checked when compiled")]
        (word[byte as usize] = byte.is_ascii_alphanumeric() || byte == b'.' || byte == b':');
        byte = byte.wrapping_add(1);
    }
    word
};

fn first_word<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = rest.iter().position(|byte| !in_word(*byte)).unwrap_or(rest.len());
    let (word, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    Some(word)
}

/// The address that the next part of a word is; the part is taken away.
#[inline]
fn address_in(word: &mut &[u8]) -> Option<Address> {
    let whole = std::mem::take(word);
    if let Some(address) = ipv6(whole) {
        // The tail of ::ffff:10.0.0.1 is how a server for both families writes an IPv4 client, so it counts as well.
        *word = memchr::memrchr(b':', whole).and_then(|colon| whole.get(colon.saturating_add(1)..)).unwrap_or_default();
        return Some(address);
    }
    let (part, behind) = match memchr::memchr(b':', whole) {
        Some(colon) => whole.split_at_checked(colon).unwrap_or((whole, &[])),
        None => (whole, [].as_slice()),
    };
    *word = behind.strip_prefix(b":").unwrap_or_default();
    ipv4(part)
}

/// A part that is an IPv4 address, at most with the full stop of a sentence behind it.
#[inline]
fn ipv4(part: &[u8]) -> Option<Address> {
    let (number, length) = digits::leading_ipv4(part)?;
    matches!(part.get(length..), Some([] | [b'.'])).then(|| Address::new(Family::Ipv4, number.into()))
}

/// A word that is an IPv6 address, at most with the full stop or colon of a sentence behind it.
#[inline]
fn ipv6(word: &[u8]) -> Option<Address> {
    let colon = memchr::memchr(b':', word)?;
    memchr::memchr(b':', word.get(colon.saturating_add(1)..)?)?;
    if word.len() > LONGEST_IPV6.saturating_add(1) {
        return None;
    }
    let shorter = || word.strip_suffix(b".").or_else(|| word.strip_suffix(b":"));
    let number = digits::ipv6(word).or_else(|| digits::ipv6(shorter()?))?;
    Some(Address::new(Family::Ipv6, number))
}

/// Where in a line an address is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Anywhere.
    Anywhere,
    /// In this field, from 1; blanks separate fields. The field is an address, a prefix or a range as a whole, and a
    /// prefix or range counts as held when all of it is.
    Field(usize),
}

/// What a line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// This address, or the range that starts with it, is held, by this prefix where the matcher can name one.
    Held(Address, Option<Prefix>),
    /// It has an address, the first of which is this, and none is held.
    Outside(Address),
    /// It has no address where one was looked for.
    NoAddress,
}

/// Holds the addresses of a line against `matcher`.
#[inline]
pub fn judge(line: &[u8], place: Place, matcher: &Matcher) -> Verdict {
    match place {
        Place::Anywhere => judge_anywhere(line, matcher),
        Place::Field(number) => {
            let fields = line.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty());
            let field = fields.skip(number.saturating_sub(1)).map(str::from_utf8).next();
            let Some(Ok(field)) = field else { return Verdict::NoAddress };
            notation::entry(field).map_or(Verdict::NoAddress, |entry| judge_range(entry.range, matcher))
        }
    }
}

#[inline]
fn judge_anywhere(line: &[u8], matcher: &Matcher) -> Verdict {
    let mut first = None;
    for address in addresses(line) {
        if let Some(prefix) = matcher.longest(address) {
            return Verdict::Held(address, prefix);
        }
        first.get_or_insert(address);
    }
    first.map_or(Verdict::NoAddress, Verdict::Outside)
}

/// Holds a whole range against `matcher`.
pub fn judge_range(range: Range, matcher: &Matcher) -> Verdict {
    if !matcher.holds_all(range) {
        return Verdict::Outside(range.first);
    }
    Verdict::Held(range.first, matcher.covering(range.supernet()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: &str) -> Vec<String> {
        addresses(line.as_bytes()).map(|address| address.to_string()).collect()
    }

    #[test]
    fn addresses_are_found_wherever_they_stand() {
        for (line, expected) in [
            ("10.0.0.1", vec!["10.0.0.1"]),
            ("from 10.0.0.1:80 to 10.0.0.2.", vec!["10.0.0.1", "10.0.0.2"]),
            ("src:10.0.0.1:80,dst=[2001:db8::1]:443", vec!["10.0.0.1", "2001:db8::1"]),
            ("fe80::1%eth0: up", vec!["fe80::1"]),
            ("peer 2001:db8::2: timeout", vec!["2001:db8::2"]),
            ("10.0.0.0/8 10.0.0.1-10.0.0.9", vec!["10.0.0.0", "10.0.0.1", "10.0.0.9"]),
            ("::ffff:10.0.0.1 ::", vec!["::ffff:10.0.0.1", "10.0.0.1", "::"]),
            ("12:34:56 1.2.3 1.2.3.4.5 256.1.1.1 1.2.3.4x x1.2.3.4 010.0.0.1 dead.beef cafe", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(found(line), expected, "{line}");
        }
        assert_eq!(addresses(b"\xff10.0.0.1\x00::1\xfe").count(), 2);
    }

    fn lines(input: &[u8]) -> Vec<Option<String>> {
        let mut lines = Lines::new(input);
        let mut all = Vec::new();
        while let Some(line) = lines.next(|| Ok(())).unwrap() {
            all.push(match line {
                Line::Whole(bytes) => Some(String::from_utf8(bytes.to_vec()).unwrap()),
                Line::TooLong => None,
            });
        }
        all
    }

    #[test]
    fn lines_end_at_line_ends_and_the_last_needs_none() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(lines(b"a\n\nb"), [some("a"), some(""), some("b")]);
        assert_eq!(lines(b"a\n"), [some("a")]);
        assert_eq!(lines(b""), []);
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over_whole() {
        let longest = "x".repeat(LONGEST_LINE - 1);
        let longer = "y".repeat(3 * LONGEST_LINE);
        let input = format!("a\n{longest}\n{longer}\nb\n{longer}");
        let lengths: Vec<_> = lines(input.as_bytes()).iter().map(|line| line.as_ref().map(String::len)).collect();
        assert_eq!(lengths, [Some(1), Some(LONGEST_LINE - 1), None, Some(1), None]);
    }

    #[test]
    fn a_source_that_gives_one_byte_at_a_time_gives_the_same_lines() {
        struct Drip<'a>(&'a [u8]);
        impl Read for Drip<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let count = self.0.len().min(buffer.len()).min(1);
                buffer[..count].copy_from_slice(&self.0[..count]);
                self.0 = &self.0[count..];
                Ok(count)
            }
        }
        let mut lines = Lines::new(Drip(b"10.0.0.1\n::1\nlast"));
        for expected in [b"10.0.0.1".as_slice(), b"::1", b"last"] {
            assert_eq!(lines.next(|| Ok(())).unwrap(), Some(Line::Whole(expected)));
        }
        assert_eq!(lines.next(|| Ok(())).unwrap(), None);
    }

    #[test]
    fn a_field_is_judged_as_a_whole_and_nothing_else_is() {
        let range = |text| notation::entry(text).unwrap().range;
        let matcher = Matcher::naming(&[range("10.0.0.0/8"), range("10.1.0.0/16")]);
        let held = |line: &str, place| match judge(line.as_bytes(), place, &matcher) {
            Verdict::Held(_, prefix) => prefix.unwrap().to_string(),
            other => format!("{other:?}").split('(').next().unwrap().to_owned(),
        };
        assert_eq!(held("x 10.1.2.3", Place::Field(2)), "10.1.0.0/16");
        assert_eq!(held("x 10.1.2.3", Place::Field(1)), "NoAddress");
        assert_eq!(held("x 10.1.2.3", Place::Field(3)), "NoAddress");
        assert_eq!(held("x 10.1.2.3", Place::Anywhere), "10.1.0.0/16");
        assert_eq!(held("10.0.0.0/15", Place::Field(1)), "10.0.0.0/8");
        assert_eq!(held("10.0.0.0/7", Place::Field(1)), "Outside");
        assert_eq!(held("10.1.0.0-10.1.0.9", Place::Field(1)), "10.1.0.0/16");
        assert_eq!(held("11.0.0.1 10.0.0.1", Place::Anywhere), "10.0.0.0/8");
        assert_eq!(held("11.0.0.1 x", Place::Anywhere), "Outside");
    }
}
