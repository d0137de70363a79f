//! Cells as a terminal takes them: only those that changed.

use std::io::{self, Write};

use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use ratatui_core::style::{Color, Modifier, Style};

use super::{View, draw};

/// A terminal that is drawn on.
#[derive(Debug)]
pub struct Painter<W> {
    out: W,
    /// What is on it.
    there: Buffer,
}

impl<W: Write> Painter<W> {
    /// A terminal with nothing on it.
    pub fn new(out: W) -> Self {
        Painter { out, there: Buffer::default() }
    }

    /// Forgets what is on the terminal: everything is drawn the next time.
    pub fn forget(&mut self) {
        self.there = Buffer::default();
    }

    /// Draws on a terminal of so many columns and lines.
    ///
    /// # Errors
    /// What the writer refused.
    pub fn paint(&mut self, (width, height): (u16, u16), view: &View<'_>) -> io::Result<()> {
        let area = Rect::new(0, 0, width, height);
        if self.there.area != area {
            self.there = Buffer::empty(area);
            self.out.write_all(b"\x1b[0m\x1b[2J")?;
        }
        let mut wanted = Buffer::empty(area);
        draw(view, &mut wanted);
        let mut style = Style::reset();
        let mut next = None;
        for (x, y, cell) in self.there.diff(&wanted) {
            if next != Some((x, y)) {
                write!(self.out, "\x1b[{};{}H", y.saturating_add(1), x.saturating_add(1))?;
            }
            if cell.style() != style {
                style = cell.style();
                look(&mut self.out, style)?;
            }
            self.out.write_all(cell.symbol().as_bytes())?;
            // Behind what is wider than a column the place is told anew.
            next = cell.symbol().is_ascii().then(|| (x.saturating_add(1), y));
        }
        self.out.write_all(b"\x1b[0m")?;
        self.there = wanted;
        self.out.flush()
    }
}

/// Sets colour and weight of what follows (ECMA-48, SGR), beginning from none.
fn look(out: &mut impl Write, style: Style) -> io::Result<()> {
    out.write_all(b"\x1b[0")?;
    for (modifier, code) in [(Modifier::BOLD, "1"), (Modifier::DIM, "2"), (Modifier::REVERSED, "7")] {
        if style.add_modifier.contains(modifier) {
            write!(out, ";{code}")?;
        }
    }
    let colour = match style.fg {
        Some(Color::Red) => ";31",
        Some(Color::Green) => ";32",
        Some(Color::Yellow) => ";33",
        Some(Color::Blue) => ";34",
        Some(Color::Magenta) => ";35",
        Some(Color::Cyan) => ";36",
        _ => "",
    };
    write!(out, "{colour}m")
}
