//! Foreign bytes made safe for a terminal.

use std::fmt::{self, Write};

/// Shows bytes from outside as text: printable ASCII and well-formed printable UTF-8 as they are, everything else
/// (control bytes, escape sequences, broken UTF-8, bidirectional overrides) as `\n`, `\x1b` or `\u{202e}`.
///
/// **Invariant:** the output holds no control character, so nothing a peer sends can move the cursor or change a colour.
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a>(pub &'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for c in chunk.valid().chars() {
                write_char(f, c)?;
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

fn write_char(f: &mut fmt::Formatter<'_>, c: char) -> fmt::Result {
    match c {
        '\\' => f.write_str("\\\\"),
        '\n' => f.write_str("\\n"),
        '\r' => f.write_str("\\r"),
        '\t' => f.write_str("\\t"),
        c if c.is_ascii_control() => write!(f, "\\x{:02x}", u32::from(c)),
        c if c.is_control() || is_invisible_format(c) => write!(f, "\\u{{{:x}}}", u32::from(c)),
        c => f.write_char(c),
    }
}

/// Characters that reorder or hide their neighbours (Unicode Cf and separators that terminals obey).
fn is_invisible_format(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printable_text_stays_and_control_bytes_are_spelled_out() {
        assert_eq!(Escaped("GET / 你好".as_bytes()).to_string(), "GET / 你好");
        assert_eq!(Escaped(b"\x1b[2Ja\r\n\0").to_string(), "\\x1b[2Ja\\r\\n\\x00");
        assert_eq!(Escaped(b"\xff\xc3").to_string(), "\\xff\\xc3");
        assert_eq!(Escaped("a\u{202e}b\u{9b}".as_bytes()).to_string(), "a\\u{202e}b\\u{9b}");
    }

    #[test]
    fn no_input_lets_a_control_character_through() {
        let every_pair: Vec<u8> = (0..=255u8).flat_map(|a| [a, b'x', a, 0x80]).collect();
        assert!(!Escaped(&every_pair).to_string().chars().any(char::is_control));
    }
}
