//! Text put together byte by byte: numbers and addresses without the standard formatting machinery, for reports that
//! print a million lines.

mod numbers;

use std::fmt;
use std::time::Duration;

pub(super) use self::numbers::PAIRS;
use super::palette::{Ink, Palette};
use super::quantity::Time;
use crate::bytes::{Escaped, Name};
use crate::capture::analysis::{Finding, Notes};

/// A growing text, used again for each item.
///
/// Pieces are written into room that is there already: a copy whose length the compiler knows is an instruction or two,
/// which a million short pieces feel.
#[derive(Clone, Debug, Default)]
pub struct Text {
    /// The text, then room.
    room: Vec<u8>,
    length: usize,
}

impl Text {
    /// The text so far.
    pub fn bytes(&self) -> &[u8] {
        self.room.get(..self.length).unwrap_or_default()
    }

    /// The text itself.
    pub fn into_bytes(mut self) -> Vec<u8> {
        self.room.truncate(self.length);
        self.room
    }

    /// Bytes of the text.
    #[inline]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Forgets what is behind the first `length` bytes.
    #[inline]
    pub fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
    }

    /// The next `N` bytes, to be written over; then [`Text::advance`]. There is always room.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the length is known where it is called")]
    pub(super) fn slot<const N: usize>(&mut self) -> Option<&mut [u8; N]> {
        if self.room.len() < self.length.wrapping_add(N) {
            self.grow(N);
        }
        self.room.get_mut(self.length..)?.first_chunk_mut()
    }

    /// Takes `count` bytes of the slot into the text.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "one addition")]
    pub(super) fn advance(&mut self, count: usize) -> &mut Self {
        self.length = self.length.wrapping_add(count);
        self
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, more: usize) {
        let room = (self.length + more).max(2 * self.room.len()).max(4096);
        self.room.resize(room, 0);
    }

    /// Adds the first `count` bytes of `all`.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the length is known where it is called")]
    pub(super) fn put<const N: usize>(&mut self, all: [u8; N], count: usize) -> &mut Self {
        if let Some(slot) = self.slot() {
            *slot = all;
            self.advance(count.min(N));
        }
        self
    }

    /// Adds text as it is. Never bytes from outside: see [`Text::escaped`].
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the text is known where it is called")]
    pub fn str(&mut self, text: &str) -> &mut Self {
        self.raw(text.as_bytes())
    }

    /// Adds bytes that are known to be harmless.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the length is known where it is called, most often")]
    pub(super) fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        let end = self.length.wrapping_add(bytes.len());
        if self.room.len() < end {
            self.grow(bytes.len());
        }
        if let Some(slot) = self.room.get_mut(self.length..end) {
            slot.copy_from_slice(bytes);
            self.length = end;
        }
        self
    }

    /// Adds the round trips that a segment ends: `rtt 1.24 ms`.
    pub fn round_trips(&mut self, finding: Finding) -> &mut Self {
        let trips = [("rtt ", finding.round_trip_ns), ("initial rtt ", finding.handshake_ns)];
        for (number, (name, ns)) in trips.into_iter().filter_map(|(name, ns)| Some((name, ns?))).enumerate() {
            self.str(if number == 0 { "" } else { ", " }).str(name);
            self.format(format_args!("{}", Time(Duration::from_nanos(ns))));
        }
        self
    }

    /// Adds what an analysis notes, separated by commas.
    pub fn notes(&mut self, finding: Finding) -> &mut Self {
        for (number, (note, name, _)) in finding.notes.each().enumerate() {
            self.str(if number == 0 { "" } else { ", " }).str(name);
            if note == Notes::DUPLICATE_ACK {
                self.str(" #").number(finding.duplicate);
            }
        }
        self
    }

    /// Adds bytes from outside, escaped.
    #[inline]
    pub fn escaped(&mut self, bytes: &[u8]) -> &mut Self {
        if bytes.iter().all(|byte| matches!(byte, b' '..=b'[' | b']'..=b'~')) {
            return self.raw(bytes);
        }
        self.format(format_args!("{}", Escaped(bytes)))
    }

    /// Adds a name of labels.
    pub fn name(&mut self, name: Name<'_>) -> &mut Self {
        let start = self.length;
        for label in name.labels() {
            if !label.iter().all(|byte| matches!(byte, b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z')) {
                self.truncate(start);
                return self.format(format_args!("{name}"));
            }
            if self.length > start {
                self.str(".");
            }
            self.raw(label);
        }
        if self.length == start { self.str(".") } else { self }
    }

    /// Adds anything that prints.
    pub fn format(&mut self, arguments: fmt::Arguments<'_>) -> &mut Self {
        // Writing to memory cannot fail.
        let _ = fmt::Write::write_fmt(self, arguments);
        self
    }

    /// Adds what `add` adds, in the colour of `ink`.
    #[inline]
    pub fn ink(&mut self, palette: Palette, ink: Ink, add: impl FnOnce(&mut Self) -> &mut Self) -> &mut Self {
        if !palette.colour {
            add(self);
            return self;
        }
        let (open, close) = palette.around(ink);
        self.format(format_args!("{open}"));
        add(self);
        self.format(format_args!("{close}"))
    }

    /// Adds the spaces that fill a column of `width` behind `shown` characters, at least two.
    #[inline]
    pub fn fill(&mut self, shown: usize, width: usize) -> &mut Self {
        let mut spaces = width.saturating_sub(shown).max(2);
        while spaces > 0 {
            let some = spaces.min(32);
            self.put([b' '; 32], some);
            spaces -= some;
        }
        self
    }
}

impl fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.str(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(add: impl FnOnce(&mut Text) -> &mut Text) -> String {
        let mut text = Text::default();
        add(&mut text);
        String::from_utf8(text.into_bytes()).unwrap()
    }

    #[test]
    fn names_print_as_they_do_by_themselves() {
        for bytes in [&b"\x03www\x07example\x03org\0"[..], b"\0", b"\x01a\x04b.c\x1b\0", b"\x05_http\x02\xff\\\0"] {
            let name = Name::new(bytes, 0, 0);
            assert_eq!(text(|t| t.name(name)), name.to_string());
        }
    }

    #[test]
    fn bytes_from_outside_cannot_move_the_cursor() {
        assert_eq!(text(|t| t.escaped(b"eth0")), "eth0");
        assert_eq!(text(|t| t.escaped(b"a\x1b[2J\\")), "a\\x1b[2J\\\\");
    }

    #[test]
    fn a_text_used_again_holds_only_what_is_new() {
        let mut text = Text::default();
        text.str(&"long ".repeat(5000)).truncate(4);
        assert_eq!(text.fill(4, 44).str(":").bytes(), format!("long{}:", " ".repeat(40)).as_bytes());
        text.truncate(0);
        assert!(text.is_empty());
        assert_eq!(text.str("new").len(), 3);
    }
}
