//! Tables: columns that line up whatever is in them, wrapped to the terminal, coloured without disturbing the widths.

use std::fmt;
use std::io::{self, Write};

use comfy_table::{CellAlignment, ContentArrangement};

use super::Palette;
use super::palette::Ink;
use crate::bytes::Escaped;

/// Spaces between two columns.
const GAP: u16 = 2;
/// Inks travel through the layout as invisible characters of no width behind each coloured one (Unicode tags, which
/// [`Escaped`] lets nobody else bring in), so that a cell may hold several and be broken anywhere.
const FIRST_MARK: u32 = 0xe0020;
const INKS: [Ink; 9] = [
    Ink::Strong,
    Ink::Faint,
    Ink::Good,
    Ink::Bad,
    Ink::Warn,
    Ink::Link,
    Ink::Internet,
    Ink::Transport,
    Ink::Application,
];

/// The title of a column and the side its cells lean to.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    title: &'static str,
    right: bool,
}

impl Column {
    /// A column of words.
    pub const fn left(title: &'static str) -> Self {
        Column { title, right: false }
    }

    /// A column of numbers.
    pub const fn right(title: &'static str) -> Self {
        Column { title, right: true }
    }
}

/// What stands in one place of a table: text in one or more inks, on one or more lines. Whatever is put in is escaped.
#[derive(Clone, Debug, Default)]
pub struct Cell(String);

impl Cell {
    /// A cell of plain text.
    pub fn new(text: impl fmt::Display) -> Self {
        Cell::default().plain(text)
    }

    /// A cell in one ink.
    pub fn ink(ink: Ink, text: impl fmt::Display) -> Self {
        Cell::default().and(ink, text)
    }

    /// A cell of bytes from outside, escaped where they are no text.
    pub fn foreign(bytes: &[u8]) -> Self {
        Cell(Escaped(bytes).to_string())
    }

    /// The cell with more plain text at its end.
    #[must_use]
    pub fn plain(mut self, text: impl fmt::Display) -> Self {
        self.0 += &escaped(text);
        self
    }

    /// The cell with more text, in `ink`, at its end.
    #[must_use]
    pub fn and(mut self, ink: Ink, text: impl fmt::Display) -> Self {
        let mark = INKS.iter().position(|known| *known == ink).and_then(|at| char::from_u32(FIRST_MARK + at as u32));
        for character in escaped(text).chars() {
            self.0.push(character);
            // A line may be broken at a space, which would leave its mark alone.
            self.0.extend(mark.filter(|_| character != ' '));
        }
        self
    }

    /// The cell with what follows on a line of its own, unless nothing stands before it.
    #[must_use]
    pub fn line(mut self) -> Self {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        self
    }

    /// Whether nothing was put in.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the cell as it is seen, with its colours.
    fn append_to(&self, line: &mut String, palette: Palette) {
        if self.0.is_ascii() {
            line.push_str(&self.0);
        } else if palette.colour {
            line.push_str(&Inked { line: &self.0, palette }.to_string());
        } else {
            line.extend(self.0.chars().filter(|character| ink_of(*character).is_none()));
        }
    }

    /// Columns of a terminal that the cell takes; none where that takes more than counting.
    fn width(&self) -> Option<usize> {
        if self.0.is_ascii() {
            return (!self.0.contains('\n')).then_some(self.0.len());
        }
        let mut seen = self.0.chars().filter(|character| ink_of(*character).is_none());
        seen.try_fold(0, |width, character| matches!(character, ' '..='~' | 'µ' | '←' | '→').then_some(width + 1))
    }
}

impl<T: fmt::Display> From<T> for Cell {
    fn from(text: T) -> Self {
        Cell::new(text)
    }
}

fn escaped(text: impl fmt::Display) -> String {
    let text = text.to_string();
    let harmless = text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'\\');
    if harmless { text } else { Escaped(text.as_bytes()).to_string() }
}

/// Rows under titles, without borders.
#[derive(Clone, Debug)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table without rows.
    pub fn new(columns: impl IntoIterator<Item = Column>) -> Self {
        Table { columns: columns.into_iter().collect(), rows: Vec::new() }
    }

    /// Adds a row; cells without a column are left out.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().take(self.columns.len()).collect());
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Columns of a terminal that the table takes when no cell is broken.
    pub fn natural_width(&self) -> usize {
        let widths = self.layout().column_max_content_widths();
        let gaps = widths.len().saturating_sub(1) * usize::from(GAP);
        widths.into_iter().map(usize::from).sum::<usize>() + gaps
    }

    /// Writes titles and rows, no line wider than `width` columns of the terminal as far as that can be done by
    /// breaking cells, nor with spaces at its end. Columns in which nothing stands are left out.
    ///
    /// # Errors
    /// What the writer refused.
    pub fn write(&self, out: &mut (impl Write + ?Sized), palette: Palette, width: Option<u16>) -> io::Result<()> {
        if let Some(widths) = self.widths().filter(|widths| fits(widths, width)) {
            return self.write_unbroken(out, palette, &widths);
        }
        let mut layout = self.layout();
        if let Some(width) = width {
            layout.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        }
        layout.lines().try_for_each(|line| writeln!(out, "{}", Inked { line: &line, palette }))
    }

    /// The columns in which something stands.
    fn used(&self) -> Vec<usize> {
        let stands = |at: &usize| self.rows.iter().any(|row| row.get(*at).is_some_and(|cell| !cell.is_empty()));
        (0..self.columns.len()).filter(stands).collect()
    }

    /// How wide each used column is; none where that takes more than counting: several lines in a cell, characters
    /// that are not one column wide.
    fn widths(&self) -> Option<Vec<usize>> {
        let widest = |at: usize| {
            let mut cells = self.rows.iter().filter_map(|row| row.get(at));
            cells.try_fold(Cell::ink(Ink::Faint, self.columns[at].title).width()?, |widest, cell| {
                Some(widest.max(cell.width()?))
            })
        };
        self.used().into_iter().map(widest).collect()
    }

    /// Writes a table in which no cell has to be broken: what the layout would write, in a tenth of the time. The
    /// table of sockets may have a hundred thousand rows.
    fn write_unbroken(&self, out: &mut (impl Write + ?Sized), palette: Palette, widths: &[usize]) -> io::Result<()> {
        let used = self.used();
        let titles = self.columns.iter().map(|column| Cell::ink(Ink::Faint, column.title)).collect();
        let nothing = Cell::default();
        let mut line = String::new();
        for row in std::iter::once(&titles).chain(&self.rows) {
            line.clear();
            for (at, width) in used.iter().zip(widths) {
                let cell = row.get(*at).unwrap_or(&nothing);
                let padding = width.saturating_sub(cell.width().unwrap_or(0));
                let (before, after) = if self.columns[*at].right { (padding, 0) } else { (0, padding) };
                line.extend(std::iter::repeat_n(' ', before));
                cell.append_to(&mut line, palette);
                line.extend(std::iter::repeat_n(' ', after + usize::from(GAP)));
            }
            line.truncate(line.trim_end_matches(' ').len());
            line.push('\n');
            out.write_all(line.as_bytes())?;
        }
        Ok(())
    }

    fn layout(&self) -> comfy_table::Table {
        let used = self.used();
        let mut layout = comfy_table::Table::new();
        layout.load_style(comfy_table::presets::NOTHING);
        layout.set_header(used.iter().map(|at| Cell::ink(Ink::Faint, self.columns[*at].title).0));
        for row in &self.rows {
            layout.add_row(used.iter().map(|at| row.get(*at).map_or("", |cell| &cell.0)));
        }
        for (place, at) in used.iter().enumerate() {
            let Some(column) = layout.column_mut(place) else { continue };
            column.set_padding((0, if place + 1 == used.len() { 0 } else { GAP }));
            if self.columns[*at].right {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        layout
    }
}

/// Whether columns of these widths, with the gaps between them, fit into `width`.
fn fits(widths: &[usize], width: Option<u16>) -> bool {
    let gaps = usize::from(GAP) * widths.len().saturating_sub(1);
    width.is_none_or(|width| widths.iter().sum::<usize>() + gaps <= usize::from(width))
}

/// A line of the layout with its marks turned into colours.
struct Inked<'a> {
    line: &'a str,
    palette: Palette,
}

impl fmt::Display for Inked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut current = None;
        let mut characters = self.line.trim_end_matches(' ').chars().peekable();
        while let Some(character) = characters.next() {
            if ink_of(character).is_some() {
                continue;
            }
            let ink = characters.peek().copied().and_then(ink_of);
            if ink != current {
                self.palette.switch(f, current, ink)?;
                current = ink;
            }
            write!(f, "{character}")?;
        }
        self.palette.switch(f, current, None)
    }
}

fn ink_of(character: char) -> Option<Ink> {
    INKS.get(u32::from(character).checked_sub(FIRST_MARK)? as usize).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLOUR: Palette = Palette { colour: true };

    fn written(table: &Table, palette: Palette, width: Option<u16>) -> String {
        let mut out = Vec::new();
        table.write(&mut out, palette, width).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn example() -> Table {
        let mut table = Table::new([Column::left("NAME"), Column::right("MTU"), Column::left("ADDRESSES")]);
        table.row(["lo".into(), 65536.into(), Cell::new("127.0.0.1/8").line().plain("::1/128")]);
        table.row([Cell::ink(Ink::Good, "网卡"), 1500.into(), Cell::ink(Ink::Internet, "192.0.2.1/24 and more text")]);
        table
    }

    #[test]
    fn titles_with_arrows_take_one_column_for_each() {
        let mut table = Table::new([Column::right("FRAMES →"), Column::right("←")]);
        table.row([Cell::new("12345678"), Cell::new("1")]);
        assert_eq!(written(&table, Palette::PLAIN, None), "FRAMES →  ←\n12345678  1\n");
    }

    #[test]
    fn columns_line_up_by_what_is_seen_and_numbers_lean_right() {
        let expected = "\
NAME    MTU  ADDRESSES
lo    65536  127.0.0.1/8
             ::1/128
网卡   1500  192.0.2.1/24 and more text
";
        assert_eq!(written(&example(), Palette::PLAIN, None), expected);
        assert_eq!(example().natural_width(), "lo    65536  192.0.2.1/24 and more text".len());
    }

    #[test]
    fn colours_change_no_width_and_end_before_the_line_does() {
        let coloured = written(&example(), COLOUR, Some(30));
        assert!(coloured.contains("\x1b[32m网卡\x1b[0m"), "{coloured:?}");
        let mut plain = coloured.clone();
        for code in ["\x1b[0m", "\x1b[2m", "\x1b[32m"] {
            plain = plain.replace(code, "");
        }
        assert_eq!(plain, written(&example(), Palette::PLAIN, Some(30)));
        for line in coloured.lines() {
            let (opened, closed) = (line.matches("\x1b[").count(), line.matches("\x1b[0m").count());
            assert_eq!(opened, closed * 2, "{line:?}");
        }
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let narrow = written(&example(), Palette::PLAIN, Some(30));
        assert!(narrow.lines().all(|line| line.chars().count() <= 30), "{narrow}");
        assert!(narrow.contains("text"), "{narrow}");
    }

    #[test]
    fn foreign_text_cannot_break_the_table() {
        let mut table = Table::new([Column::left("NAME")]);
        table.row([Cell::new("a\nb\x1b[31m\u{e0022}")]);
        assert_eq!(written(&table, COLOUR, None), "\x1b[2mNAME\x1b[0m\na\\nb\\x1b[31m\\u{e0022}\n");
    }

    #[test]
    fn a_column_in_which_nothing_stands_is_left_out() {
        let mut table = Table::new([Column::left("A"), Column::left("B"), Column::left("C")]);
        table.row(["1".into(), Cell::default(), "3".into()]);
        assert_eq!(written(&table, Palette::PLAIN, None), "A  C\n1  3\n");
    }

    #[test]
    fn what_needs_no_breaking_looks_the_same_without_the_layout() {
        let mut table = Table::new([Column::left("NAME"), Column::right("MTU"), Column::left("STATE")]);
        table.row(["lo".into(), 65536.into(), Cell::ink(Ink::Good, "up and").plain(" running")]);
        table.row([Cell::ink(Ink::Bad, "a\\b"), 15.into(), Cell::default()]);
        for palette in [Palette::PLAIN, COLOUR] {
            let mut unbroken = Vec::new();
            table.write_unbroken(&mut unbroken, palette, &table.widths().unwrap()).unwrap();
            let lines: Vec<_> =
                table.layout().lines().map(|line| Inked { line: &line, palette }.to_string() + "\n").collect();
            let laid_out = lines.concat();
            assert_eq!(String::from_utf8(unbroken).unwrap(), laid_out);
        }
        assert_eq!(example().widths(), None);
    }
}
