//! Names written as labels, with pointers back to what was written before (RFC 1035 sections 3.1 and 4.1.4).
//!
//! **Invariant:** following a name ends: every pointer leads to before the run of labels that it ends, a name has at most
//! 255 bytes and is in at most `MAX_RUNS` pieces.

use std::fmt::{self, Write};

use super::Escaped;

/// Most bytes of a name, lengths of its labels included (RFC 1035 section 2.3.4).
const MAX_BYTES: usize = 255;
/// Most pieces of a name. Writers use one pointer; a chain of them only wastes time.
const MAX_RUNS: usize = 64;

/// A name in a message in a frame.
#[derive(Clone, Copy, Debug)]
pub struct Name<'f> {
    frame: &'f [u8],
    at: usize,
    message: usize,
}

/// Why a name cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// It ends behind the bytes: so many are needed from its start.
    Short(usize),
    /// A length octet or pointer is wrong: its value, and what was expected.
    Invalid(u64, &'static str),
}

impl<'f> Name<'f> {
    /// The name at byte `at` of `frame`, whose pointers count from byte `message`.
    pub fn new(frame: &'f [u8], at: usize, message: usize) -> Self {
        Name { frame, at, message }
    }

    /// The labels from left to right, as far as they can be followed.
    pub fn labels(self) -> impl Iterator<Item = &'f [u8]> {
        let mut steps = Steps::new(self);
        std::iter::from_fn(move || steps.label().ok().flatten())
    }

    /// How many bytes the name takes where it stands: up to its end or its first pointer.
    pub(super) fn length(self) -> Result<usize, Flaw> {
        let mut steps = Steps::new(self);
        while steps.label()?.is_some() {}
        Ok(steps.end.unwrap_or(self.at).saturating_sub(self.at))
    }
}

impl fmt::Display for Name<'_> {
    /// Labels with dots between, escaped; the root is a dot. A dot inside a label has a backslash before it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        for label in self.labels() {
            if !std::mem::take(&mut first) {
                f.write_char('.')?;
            }
            for (at, part) in label.split(|byte| *byte == b'.').enumerate() {
                write!(f, "{}{}", if at > 0 { "\\." } else { "" }, Escaped(part))?;
            }
        }
        if first { f.write_char('.') } else { Ok(()) }
    }
}

/// A name being followed.
struct Steps<'f> {
    name: Name<'f>,
    at: usize,
    /// Where the run of labels under way began.
    run: usize,
    runs: usize,
    bytes: usize,
    /// Behind the name where it stands, once that is known.
    end: Option<usize>,
}

impl<'f> Steps<'f> {
    fn new(name: Name<'f>) -> Self {
        Steps { name, at: name.at, run: name.at, runs: 1, bytes: 1, end: None }
    }

    fn bytes(&self, from: usize, count: usize) -> Result<&'f [u8], Flaw> {
        let end = from.saturating_add(count);
        self.name.frame.get(from..end).ok_or(Flaw::Short(end.saturating_sub(self.name.at)))
    }

    /// The next label; none at the end.
    fn label(&mut self) -> Result<Option<&'f [u8]>, Flaw> {
        loop {
            let first = self.bytes(self.at, 1)?.first().copied().unwrap_or(0);
            match first {
                0 => {
                    self.end.get_or_insert(self.at.saturating_add(1));
                    return Ok(None);
                }
                1..64 => return self.text(first.into()).map(Some),
                0xc0.. => self.jump()?,
                _ => return Err(Flaw::Invalid(first.into(), "a label of at most 63 bytes or a pointer")),
            }
        }
    }

    fn text(&mut self, length: usize) -> Result<&'f [u8], Flaw> {
        let label = self.bytes(self.at.saturating_add(1), length)?;
        let taken = length.saturating_add(1);
        self.bytes = self.bytes.saturating_add(taken);
        if self.bytes > MAX_BYTES {
            return Err(Flaw::Invalid(self.bytes as u64, "a name of at most 255 bytes"));
        }
        self.at = self.at.saturating_add(taken);
        Ok(label)
    }

    fn jump(&mut self) -> Result<(), Flaw> {
        let offset = self.bytes(self.at, 2)?.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)) & 0x3fff;
        self.end.get_or_insert(self.at.saturating_add(2));
        let target = self.name.message.saturating_add(offset);
        self.runs = self.runs.saturating_add(1);
        if target >= self.run || self.runs > MAX_RUNS {
            return Err(Flaw::Invalid(offset as u64, "a pointer to a name before"));
        }
        (self.at, self.run) = (target, target);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_goes_on_where_a_name_before_stands() {
        let message = b"\x07example\x03org\0\x03www\xc0\x00\0";
        let name = Name::new(message, 13, 0);
        assert_eq!((name.to_string().as_str(), name.length()), ("www.example.org", Ok(6)));
        assert_eq!(Name::new(message, 0, 0).length(), Ok(13));
        assert_eq!(Name::new(message, 19, 0).to_string(), ".");
    }

    #[test]
    fn a_name_that_never_ends_is_refused() {
        let itself = b"\x01a\xc0\x00";
        assert_eq!(Name::new(itself, 0, 0).length(), Err(Flaw::Invalid(0, "a pointer to a name before")));
        let forward = b"\xc0\x02\0";
        assert_eq!(Name::new(forward, 0, 0).length(), Err(Flaw::Invalid(2, "a pointer to a name before")));
        let mut chain = vec![0];
        chain.extend((0..100u16).flat_map(|at| (0xc000 + at.saturating_sub(1) * 2 + u16::from(at > 0)).to_be_bytes()));
        assert!(Name::new(&chain, 199, 0).length().is_err(), "a chain of pointers");
        let long: Vec<u8> = b"\x3f".iter().chain(&[b'x'; 63]).copied().cycle().take(64 * 5).collect();
        assert!(matches!(Name::new(&long, 0, 0).length(), Err(Flaw::Invalid(..))));
    }

    #[test]
    fn a_cut_name_says_what_it_needs() {
        assert_eq!(Name::new(b"\x03ww", 0, 0).length(), Err(Flaw::Short(4)));
        assert_eq!(Name::new(b"", 0, 0).length(), Err(Flaw::Short(1)));
        assert_eq!(Name::new(b"\x40", 0, 0).length().map_err(|flaw| matches!(flaw, Flaw::Invalid(0x40, _))), Err(true));
    }

    #[test]
    fn dots_and_control_bytes_inside_a_label_are_told_apart() {
        assert_eq!(Name::new(b"\x04a.\x1bb\x01c\0", 0, 0).to_string(), "a\\.\\x1bb.c");
    }
}
