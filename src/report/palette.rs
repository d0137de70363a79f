//! Colours, by meaning.

use std::fmt;

use anstyle::{AnsiColor, Style};

/// What a piece of text means; the palette knows how that looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// Headings and what the eye should find first.
    Strong,
    /// Labels, units and explanations that stand back.
    Faint,
    /// Good, open, yes.
    Good,
    /// Bad, closed, lost, no.
    Bad,
    /// Doubtful, filtered, worth a look.
    Warn,
    /// The link layer, and the network part of an address.
    Link,
    /// The internet layer, and the host part of an address.
    Internet,
    /// The transport layer.
    Transport,
    /// The application layer.
    Application,
}

/// Whether and how text is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    /// Whether escape sequences are written at all.
    pub colour: bool,
}

impl Palette {
    /// No colour: for pipes, files and tests.
    pub const PLAIN: Palette = Palette { colour: false };

    /// What switches the colour of `ink` on and off again, for text that is put together piece by piece.
    pub fn around(self, ink: Ink) -> (impl fmt::Display, impl fmt::Display) {
        let style = if self.colour { style(ink) } else { Style::new() };
        (style.render(), style.render_reset())
    }

    /// `text` in the colour of `ink`.
    pub fn paint<T: fmt::Display>(self, ink: Ink, text: T) -> Painted<T> {
        Painted { style: self.colour.then(|| style(ink)), text }
    }

    /// Ends the colour of `from` and starts that of `to`, for text that changes its ink on the way.
    pub(super) fn switch(self, f: &mut fmt::Formatter<'_>, from: Option<Ink>, to: Option<Ink>) -> fmt::Result {
        if !self.colour {
            return Ok(());
        }
        from.map_or(Ok(()), |ink| write!(f, "{:#}", style(ink)))?;
        to.map_or(Ok(()), |ink| write!(f, "{}", style(ink)))
    }
}

fn style(ink: Ink) -> Style {
    let colour = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
    match ink {
        Ink::Strong => Style::new().bold(),
        Ink::Faint => Style::new().dimmed(),
        Ink::Good => colour(AnsiColor::Green),
        Ink::Bad => colour(AnsiColor::Red).bold(),
        Ink::Warn => colour(AnsiColor::Yellow),
        Ink::Link => colour(AnsiColor::Blue),
        Ink::Internet => colour(AnsiColor::Green),
        Ink::Transport => colour(AnsiColor::Magenta),
        Ink::Application => colour(AnsiColor::Cyan),
    }
}

/// Text with its colour; width and alignment apply to the text alone.
#[derive(Clone, Copy, Debug)]
pub struct Painted<T> {
    style: Option<Style>,
    text: T,
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(style) = self.style else { return self.text.fmt(f) };
        write!(f, "{style}")?;
        self.text.fmt(f)?;
        write!(f, "{style:#}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_has_no_escapes_and_coloured_text_keeps_its_width() {
        assert_eq!(format!("[{:>5}]", Palette::PLAIN.paint(Ink::Good, "up")), "[   up]");
        assert_eq!(format!("[{:>5}]", Palette { colour: true }.paint(Ink::Good, "up")), "[\x1b[32m   up\x1b[0m]");
    }
}
