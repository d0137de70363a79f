//! A live screen of conversations: a pure function from what is to be seen to the cells of a terminal.
//!
//! **Invariant:** every size of terminal is drawn without a panic, and the selection is on the screen where there is any
//! room for rows.

mod columns;
mod head;
mod paint;

use std::time::Duration;

use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use ratatui_core::style::{Color, Modifier, Style};

use super::Palette;
use super::palette::Ink;
use crate::capture::analysis::conversations::{Conversation, Forgotten};
use crate::capture::queue::Progress;
use crate::capture::watch::Row;

pub use columns::{Sort, words};
pub use paint::Painter;

/// What is to be seen.
#[derive(Clone, Debug)]
pub struct View<'a> {
    /// What stands above everything.
    pub head: Head<'a>,
    /// What the screen is about.
    pub page: Page<'a>,
    /// Columns of the lines of frames that are out of sight on the left.
    pub shift: usize,
    /// What is being typed as a filter.
    pub typing: Option<&'a str>,
    /// Colours.
    pub palette: Palette,
}

/// What stands above everything.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// Interfaces or files, escaped.
    pub sources: &'a str,
    /// Whether anything still changes.
    pub phase: Phase,
    /// Time since the beginning; none of files.
    pub time: Option<Duration>,
    /// Frames that were shown: those that are in the counts below.
    pub frames: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How far the capture is, and what came in the last second; none of files.
    pub live: Option<(Progress, Pace)>,
    /// Conversations that are known, and how many of them meet the filter.
    pub flows: (usize, usize),
    /// The filter; empty where there is none.
    pub filter: &'a str,
    /// What made room.
    pub forgotten: Forgotten,
}

/// How fast frames come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// Frames per second.
    pub frames: u64,
    /// Bytes per second.
    pub bytes: u64,
}

/// Whether what is seen still changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It does.
    Live,
    /// It does, but not on the screen.
    Paused,
    /// The capture has ended.
    Ended,
    /// It was read from files.
    Stored,
}

/// What the screen is about.
#[derive(Clone, Copy, Debug)]
pub enum Page<'a> {
    /// The conversations in their order, which one is selected, and by what they are sorted.
    Flows(&'a [Row], usize, Sort),
    /// The last frames of a conversation, a line each, and which one is selected.
    Frames(&'a Conversation, &'a [String], usize),
    /// The lines of a frame, and the first to be seen.
    Layers(&'a [String], usize),
    /// What the keys do.
    Help,
}

/// Keys and what they do.
const HELP: [(&str, &str); 13] = [
    ("↑ ↓  k j", "move; PgUp, PgDn, Home and End too; ← → along lines that are too long"),
    ("Enter", "the frames of the conversation, then the layers of the frame"),
    ("q  Esc", "back; from the conversations: quit"),
    ("s  S", "sort by the next column, by the one before"),
    ("/", "show only conversations with this text; Enter keeps it, Esc takes it off"),
    ("p", "pause: counting goes on, the screen stands still"),
    ("v  x", "in a frame: every field, every byte"),
    ("Ctrl-C", "quit from anywhere"),
    ("", ""),
    ("RATE", "bytes of the last second each way; of a file: the mean of the conversation"),
    ("RTT", "round trip of the handshake, or the mean of both halves"),
    ("AGAIN", "TCP segments that were sent again"),
    ("GAPS", "TCP segments of which the one before was not captured"),
];

/// Lines of the head and of the foot. The rows come first: a small screen has them and no head.
fn around(height: u16) -> (u16, u16) {
    (height.saturating_sub(6).min(head::LINES), u16::from(height > 2))
}

/// Lines between head and foot on a terminal with so many.
pub fn room(height: u16) -> usize {
    let (head, foot) = around(height);
    height.saturating_sub(head + foot).into()
}

/// Draws `view` over all of `buffer`.
pub fn draw(view: &View<'_>, buffer: &mut Buffer) {
    let area = buffer.area;
    let mut canvas = Canvas { buffer, palette: view.palette };
    let (head, foot) = around(area.height);
    head::draw(&mut canvas, &view.head, Rect { height: head, ..area });
    let height = area.height.saturating_sub(head + foot);
    let body = Rect { y: area.y + head, height, ..area };
    match view.page {
        Page::Flows(rows, selected, sort) => columns::draw(&mut canvas, body, rows, selected, sort),
        Page::Frames(flow, lines, selected) => frames(&mut canvas, body, (flow, lines), selected, view.shift),
        Page::Layers(lines, first) => canvas.lines(body, lines, first, view.shift),
        Page::Help => help(&mut canvas, body),
    }
    if foot == 1 {
        let keys = match (view.typing, view.page) {
            (Some(text), _) => format!("/{text}▏   Enter keep it  Esc take it off"),
            (None, Page::Flows(..)) => "↑↓ move  Enter frames  s sort  / filter  p pause  ? help  q quit".to_owned(),
            (None, Page::Frames(..)) => "↑↓ move  Enter layers  End newest  p pause  ? help  q back".to_owned(),
            (None, Page::Layers(..)) => "↑↓ scroll  v fields  x bytes  ? help  q back".to_owned(),
            (None, Page::Help) => "any key: back".to_owned(),
        };
        canvas.text(area, area.height - 1, 0, &keys, Some(Ink::Faint));
    }
}

/// A conversation and the lines of its frames.
type Framed<'a> = (&'a Conversation, &'a [String]);

fn frames(canvas: &mut Canvas<'_>, area: Rect, (flow, lines): Framed<'_>, selected: usize, shift: usize) {
    let all: u64 = flow.sent.iter().map(|sent| sent.frames).sum();
    let title = format!("{}: the last {} of {all} frames", words(flow), lines.len());
    canvas.text(area, 0, 0, &title, Some(Ink::Strong));
    let area = below(area, 1);
    // The newest stands at the bottom.
    let first = (selected + 1).saturating_sub(area.height.into());
    for (line, (at, text)) in (0..area.height).zip(lines.iter().enumerate().skip(first)) {
        canvas.text(area, line, 2, behind(text, shift), None);
        if at == selected {
            canvas.select(area, line);
        }
    }
}

fn help(canvas: &mut Canvas<'_>, area: Rect) {
    for (line, (key, what)) in (0..area.height).zip(HELP) {
        canvas.text(area, line, 2, key, Some(Ink::Strong));
        canvas.text(area, line, 12, what, None);
    }
}

/// What of a line is behind its first columns.
fn behind(text: &str, columns: usize) -> &str {
    text.char_indices().nth(columns).map_or("", |(at, _)| &text[at..])
}

/// What of an area is below its first lines.
fn below(area: Rect, lines: u16) -> Rect {
    let lines = lines.min(area.height);
    Rect { y: area.y + lines, height: area.height - lines, ..area }
}

/// Where things are drawn; what does not fit is left out.
struct Canvas<'b> {
    buffer: &'b mut Buffer,
    palette: Palette,
}

impl Canvas<'_> {
    /// Puts `text` on a line of `area`, from column `at`, and tells the column behind it.
    fn text(&mut self, area: Rect, line: u16, at: u16, text: &str, ink: Option<Ink>) -> u16 {
        if line >= area.height || at >= area.width {
            return at;
        }
        let room = usize::from(area.width - at);
        let style = ink.map_or_else(Style::default, |ink| style(ink, self.palette));
        self.buffer.set_stringn(area.x + at, area.y + line, text, room, style).0.saturating_sub(area.x)
    }

    /// As many lines as there is room for.
    fn lines(&mut self, area: Rect, lines: &[String], first: usize, shift: usize) {
        for (line, text) in (0..area.height).zip(lines.iter().skip(first)) {
            self.text(area, line, 0, behind(text, shift), None);
        }
    }

    /// Marks a line as the one that is selected, in colour or not.
    fn select(&mut self, area: Rect, line: u16) {
        self.text(area, line, 0, ">", None);
        if line < area.height {
            let line = Rect { y: area.y + line, height: 1, ..area };
            self.buffer.set_style(line, Style::default().add_modifier(Modifier::REVERSED));
        }
    }
}

/// How an ink looks; without colour only what is strong stands out.
fn style(ink: Ink, palette: Palette) -> Style {
    let plain = Style::default();
    let bold = plain.add_modifier(Modifier::BOLD);
    let colour = |colour| if palette.colour { plain.fg(colour) } else { plain };
    match ink {
        Ink::Strong => bold,
        Ink::Faint if palette.colour => plain.add_modifier(Modifier::DIM),
        Ink::Faint => plain,
        Ink::Good | Ink::Internet => colour(Color::Green),
        Ink::Bad if palette.colour => bold.fg(Color::Red),
        Ink::Bad => bold,
        Ink::Warn => colour(Color::Yellow),
        Ink::Link => colour(Color::Blue),
        Ink::Transport => colour(Color::Magenta),
        Ink::Application => colour(Color::Cyan),
    }
}
