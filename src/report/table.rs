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
}

impl<T: fmt::Display> From<T> for Cell {
    fn from(text: T) -> Self {
        Cell::new(text)
    }
}

fn escaped(text: impl fmt::Display) -> String {
    Escaped(text.to_string().as_bytes()).to_string()
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
        let mut layout = self.layout();
        if let Some(width) = width {
            layout.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        }
        layout.lines().try_for_each(|line| writeln!(out, "{}", Inked { line: &line, palette }))
    }

    fn layout(&self) -> comfy_table::Table {
        let used: Vec<usize> = (0..self.columns.len())
            .filter(|at| self.rows.iter().any(|row| row.get(*at).is_some_and(|cell| !cell.is_empty())))
            .collect();
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
}
