//! Running text, broken at spaces to the width of the terminal.

use std::io::{self, Write};

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
        let indent = self.lead.chars().count();
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

fn lines(text: &str, room: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
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
    fn text_hangs_behind_its_lead_and_colour_takes_no_room() {
        let mut out = Vec::new();
        let paragraph =
            Paragraph { lead: "  ✔ ", lead_ink: Ink::Good, text: "twenty letters there and more", ink: None };
        paragraph.write(&mut out, Palette { colour: true }, Some(24)).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "\x1b[32m  ✔ \x1b[0mtwenty letters there\n    and more\n");
    }
}
