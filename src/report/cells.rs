//! One line of a drawing: cells that texts are put over one another.

use std::io::{self, Write};

use unicode_width::UnicodeWidthChar;

use super::Palette;
use super::palette::Ink;

/// One line of cells.
#[derive(Debug)]
pub struct Cells {
    /// A character of two columns owns its own cell and the one behind it, which then holds none.
    cells: Vec<(Option<char>, Option<Ink>)>,
}

impl Cells {
    /// A blank line of `width` columns.
    pub fn new(width: usize) -> Self {
        Cells { cells: vec![(Some(' '), None); width] }
    }

    /// Puts `text` at column `at` over what was there; what does not fit on the line is cut.
    pub fn put(&mut self, at: usize, text: &str, ink: Ink) {
        let mut at = at;
        for c in text.chars() {
            let width = c.width().unwrap_or(0);
            if width == 0 || at + width > self.cells.len() {
                continue;
            }
            for (offset, cell) in self.cells.iter_mut().skip(at).take(width).enumerate() {
                *cell = ((offset == 0).then_some(c), Some(ink));
            }
            at += width;
        }
    }

    /// Writes the line without the blanks at its end.
    ///
    /// # Errors
    /// What the writer refused.
    pub fn write(&self, out: &mut (impl Write + ?Sized), palette: Palette) -> io::Result<()> {
        let end = self.cells.iter().rposition(|(c, _)| *c != Some(' ')).map_or(0, |last| last + 1);
        for run in self.cells.get(..end).unwrap_or_default().chunk_by(|a, b| a.1 == b.1) {
            let text: String = run.iter().filter_map(|(c, _)| *c).collect();
            match run.first().and_then(|(_, ink)| *ink) {
                Some(ink) => write!(out, "{}", palette.paint(ink, text))?,
                None => out.write_all(text.as_bytes())?,
            }
        }
        out.write_all(b"\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_take_two_columns() {
        let mut line = Cells::new(8);
        line.put(0, "│", Ink::Faint);
        line.put(2, "丢失", Ink::Bad);
        line.put(7, "│", Ink::Faint);
        let mut out = Vec::new();
        line.write(&mut out, Palette::PLAIN).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "│ 丢失 │\n");
    }

    #[test]
    fn what_does_not_fit_is_cut() {
        let mut line = Cells::new(3);
        line.put(1, "abc", Ink::Strong);
        let mut out = Vec::new();
        line.write(&mut out, Palette::PLAIN).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), " ab\n");
    }
}
