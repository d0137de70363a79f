//! Running text, broken to the width of the terminal: at spaces, and between characters of two columns.

use std::io::{self, Write};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::Palette;
use super::palette::Ink;

/// Longer lines are hard to read, however wide the terminal is.
const WIDEST: usize = 110;

/// A paragraph: a lead, such as spaces or a mark, and text that hangs behind it on every line.
#[derive(Clone, Copy, Debug)]
pub struct Paragraph<'a> {
    /// Stands at the start of the first line; the other lines are indented as far.
    pub lead: &'a str,
    /// Colour of the lead.
    pub lead_ink: Ink,
    /// The text, broken at spaces; a word that is longer than a line stays whole.
    pub text: &'a str,
    /// Colour of the text.
    pub ink: Option<Ink>,
}

impl<'a> Paragraph<'a> {
    /// Faint text, three columns from the edge: an explanation.
    pub fn remark(text: &'a str) -> Self {
        Paragraph { lead: "   ", lead_ink: Ink::Faint, text, ink: Some(Ink::Faint) }
    }

    /// Writes it in lines that end within `width`.
    ///
    /// # Errors
    /// What the writer refused.
    pub fn write(self, out: &mut (impl Write + ?Sized), palette: Palette, width: Option<u16>) -> io::Result<()> {
        let indent = columns(self.lead);
        let room = width.map_or(WIDEST, |width| WIDEST.min(width.into())).saturating_sub(indent).max(20);
        for (number, line) in lines(self.text, room).iter().enumerate() {
            match number {
                0 => write!(out, "{}", palette.paint(self.lead_ink, self.lead))?,
                _ => write!(out, "{:indent$}", "")?,
            }
            match self.ink {
                Some(ink) => writeln!(out, "{}", palette.paint(ink, line))?,
                None => writeln!(out, "{line}")?,
            }
        }
        Ok(())
    }
}

/// Columns that a text takes on a terminal.
pub fn columns(text: &str) -> usize {
    text.width()
}

/// `text`, cut to `room` columns.
pub fn cut(text: &str, room: usize) -> String {
    if columns(text) <= room {
        return text.to_owned();
    }
    let mut kept = String::new();
    for c in text.chars() {
        kept.push(c);
        if columns(&kept) + 1 > room {
            kept.pop();
            break;
        }
    }
    kept + "…"
}

/// The lines of `text` in `room` columns: broken at spaces, and between characters of two columns, which are written
/// without spaces. A word that is longer than a line stays whole.
pub fn lines(text: &str, room: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for piece in text.split_whitespace().flat_map(pieces) {
        match lines.last_mut() {
            Some(line) if columns(line) + usize::from(piece.spaced) + columns(piece.text) <= room => {
                if piece.spaced {
                    line.push(' ');
                }
                line.push_str(piece.text);
            }
            _ => lines.push(piece.text.to_owned()),
        }
    }
    lines
}

/// Something that stays in one line.
struct Piece<'a> {
    text: &'a str,
    /// Whether a space stands before it.
    spaced: bool,
}

/// The pieces of a word: a line may be broken beside a character of two columns, but does not begin with a mark that
/// closes, nor end with one that opens.
fn pieces(word: &str) -> Vec<Piece<'_>> {
    let wide = |c: char| c.width() == Some(2);
    let mut pieces = Vec::new();
    let (mut start, mut before) = (0, None);
    for (at, c) in word.char_indices() {
        // The marks of both widths: Chinese texts have either.
        let closes =
            ",.:;?!)\u{3001}\u{3002}\u{300d}\u{201d}\u{ff01}\u{ff09}\u{ff0c}\u{ff1a}\u{ff1b}\u{ff1f}".contains(c);
        let opens = before.is_some_and(|before| "(\u{300c}\u{201c}\u{ff08}".contains(before));
        if before.is_some_and(|before| wide(c) || wide(before)) && !closes && !opens {
            pieces.push(Piece { text: word.get(start..at).unwrap_or_default(), spaced: start == 0 });
            start = at;
        }
        before = Some(c);
    }
    pieces.push(Piece { text: word.get(start..).unwrap_or_default(), spaced: start == 0 });
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_at_words_and_a_long_word_stays_whole() {
        assert_eq!(lines("one two three", 7), ["one two", "three"]);
        assert_eq!(lines("a longest-word b", 4), ["a", "longest-word", "b"]);
        assert!(lines("", 10).is_empty());
    }

    #[test]
    fn lines_end_between_wide_characters_but_never_begin_with_a_comma() {
        assert_eq!(lines("监听套接字,处于", 10), ["监听套接", "字,处于"]);
        assert_eq!(lines("经历 CLOSED 状态", 11), ["经历 CLOSED", "状态"]);
    }

    #[test]
    fn text_hangs_behind_its_lead_and_colour_takes_no_room() {
        let mut out = Vec::new();
        let paragraph =
            Paragraph { lead: "  ✔ ", lead_ink: Ink::Good, text: "twenty letters there and more", ink: None };
        paragraph.write(&mut out, Palette { colour: true }, Some(24)).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "\x1b[32m  ✔ \x1b[0mtwenty letters there\n    and more\n");
    }
}
