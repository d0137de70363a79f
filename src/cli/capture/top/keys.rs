//! Keys as terminals send them (ECMA-48, and what xterm made of it).

/// A key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    Home,
    End,
    Enter,
    Escape,
    Backspace,
    Char(char),
    /// One that means nothing here.
    Other,
}

/// The keys in what was read at once. What is no text and no key that is known is one [`Key::Other`].
pub(super) fn read(bytes: &[u8]) -> Vec<Key> {
    let mut keys = Vec::new();
    let mut rest = bytes;
    while let Some((first, behind)) = rest.split_first() {
        let (key, length) = match (first, behind.first()) {
            (0x1b, Some(b'[' | b'O')) => sequence(rest),
            (0x1b, None | Some(0x1b)) => (Key::Escape, 1),
            // Alt with a key.
            (0x1b, Some(_)) => (Key::Other, 2),
            (b'\r' | b'\n', _) => (Key::Enter, 1),
            (0x7f | 0x08, _) => (Key::Backspace, 1),
            (0..0x20, _) => (Key::Other, 1),
            _ => character(rest),
        };
        keys.push(key);
        rest = rest.get(length..).unwrap_or_default();
    }
    keys
}

/// A key of several bytes and how many they are: ESC, `[` or `O`, parameters, and a byte that ends it.
fn sequence(bytes: &[u8]) -> (Key, usize) {
    let parameters = bytes.iter().skip(2).take_while(|byte| (0x20..0x40).contains(*byte)).count();
    let key = match (bytes.get(2..2 + parameters), bytes.get(2 + parameters)) {
        (_, Some(b'A')) => Key::Up,
        (_, Some(b'B')) => Key::Down,
        (_, Some(b'C')) => Key::Right,
        (_, Some(b'D')) => Key::Left,
        (_, Some(b'H')) | (Some(b"1" | b"7"), Some(b'~')) => Key::Home,
        (_, Some(b'F')) | (Some(b"4" | b"8"), Some(b'~')) => Key::End,
        (Some(b"5"), Some(b'~')) => Key::PageUp,
        (Some(b"6"), Some(b'~')) => Key::PageDown,
        _ => Key::Other,
    };
    (key, 3 + parameters)
}

fn character(bytes: &[u8]) -> (Key, usize) {
    let valid = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    match valid.chars().next() {
        Some(c) if !c.is_control() => (Key::Char(c), c.len_utf8()),
        _ => (Key::Other, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::Key::{Backspace, Char, Down, End, Enter, Home, PageDown, PageUp, Up};
    use super::*;

    #[test]
    fn keys_are_told_apart_also_when_several_come_at_once() {
        let keys = read(b"j\x1b[A\x1bOB\x1b[5~\x1b[6~\x1b[H\x1b[4~\r\x7f/\xc3\xa9");
        let expected = [Char('j'), Up, Down, PageUp, PageDown, Home, End, Enter, Backspace, Char('/'), Char('é')];
        assert_eq!(keys, expected);
        assert_eq!(read(b"\x1b"), [Key::Escape]);
    }

    #[test]
    fn no_bytes_from_a_terminal_stop_it() {
        for bytes in [&b"\x1b["[..], b"\x1b[<0;1", b"\x1b[M", b"\xff\xfe\0", b"\x1bq", b"\x1b[1;5A", b"\xc3"] {
            assert!(!read(bytes).is_empty());
        }
        assert_eq!(read(b"\x1b[200~q"), [Key::Other, Char('q')]);
    }
}
