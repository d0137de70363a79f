//! Conversations in rows, with as many columns as there is room for.

use std::time::Duration;

use ratatui_core::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::{Canvas, below};
use crate::capture::analysis::conversations::{Conversation, Sent};
use crate::capture::watch::Row;
use crate::report::flows::{end, protocol, round_trip, state_words};
use crate::report::palette::Ink;
use crate::report::quantity::{Bytes, Count, Time};

/// By what conversations are sorted; the largest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// Bytes per second, both ways.
    Rate,
    /// Bytes, both ways.
    Bytes,
    /// Frames, both ways.
    Frames,
    /// Round trip.
    RoundTrip,
    /// Segments sent again.
    SentAgain,
}

impl Sort {
    /// In the order in which they are offered.
    pub const ALL: [Sort; 5] = [Sort::Rate, Sort::Bytes, Sort::Frames, Sort::RoundTrip, Sort::SentAgain];

    /// What a conversation is sorted by.
    pub fn key(self, row: &Row) -> u64 {
        let sum = |count: fn(&Sent) -> u64| row.conversation.sent.iter().map(count).fold(0, u64::saturating_add);
        match self {
            Sort::Rate => row.rate[0].saturating_add(row.rate[1]),
            Sort::Bytes => sum(|sent| sent.bytes),
            Sort::Frames => sum(|sent| sent.frames),
            Sort::RoundTrip => row.conversation.connection.as_ref().and_then(round_trip).unwrap_or(0),
            Sort::SentAgain => sum(|sent| sent.sent_again),
        }
    }

    fn column(self) -> usize {
        match self {
            Sort::Rate => 3,
            Sort::Bytes => 6,
            Sort::Frames => 5,
            Sort::RoundTrip => 8,
            Sort::SentAgain => 10,
        }
    }
}

/// A conversation in words, which a filter is about: `TCP 192.0.2.1:5 → 192.0.2.2:80 established`.
pub fn words(conversation: &Conversation) -> String {
    let [from, to] = conversation.ends.map(|(address, port)| end(address, port));
    let state = conversation.connection.map_or("", |connection| state_words(connection.progress).0);
    format!("{} {from} → {to} {state}", protocol(conversation.protocol)).trim_end().to_owned()
}

struct Column {
    name: &'static str,
    right: bool,
    /// In a narrow terminal the columns with the highest leave first; those with 0 stay.
    rank: u8,
}

const fn column(name: &'static str, right: bool, rank: u8) -> Column {
    Column { name, right, rank }
}

const COLUMNS: [Column; 12] = [
    column("PROTO", false, 3),
    column("FROM", false, 0),
    column("TO", false, 0),
    column("RATE/s →", true, 1),
    column("←", true, 1),
    column("FRAMES", true, 6),
    column("BYTES", true, 5),
    column("LASTED", true, 8),
    column("RTT", true, 4),
    column("STATE", false, 2),
    column("AGAIN", true, 7),
    column("GAPS", true, 9),
];

type Cells = [(String, Option<Ink>); COLUMNS.len()];

fn cells(row: &Row) -> Cells {
    let conversation = &row.conversation;
    let [from, to] = conversation.ends.map(|(address, port)| (end(address, port), None));
    let sum = |count: fn(&Sent) -> u64| conversation.sent.iter().map(count).fold(0, u64::saturating_add);
    let time = |ns: u64| (Time(Duration::from_nanos(ns)).to_string(), None);
    let rate = |end: usize| (Bytes(row.rate[end]).to_string(), (row.rate[end] == 0).then_some(Ink::Faint));
    let tcp = |count: u64| {
        let text = conversation.connection.map_or_else(String::new, |_| Count(count).to_string());
        (text, (count > 0).then_some(Ink::Bad))
    };
    let connection = conversation.connection.as_ref();
    let (state, ink) = connection.map_or(("", None), |connection| state_words(connection.progress));
    let lasted = conversation.times.map(|(first, last)| u64::try_from(last.saturating_sub(first)).unwrap_or(0));
    [
        (protocol(conversation.protocol), Some(Ink::Transport)),
        from,
        to,
        rate(0),
        rate(1),
        (Count(sum(|sent| sent.frames)).to_string(), None),
        (Bytes(sum(|sent| sent.bytes)).to_string(), None),
        lasted.map(time).unwrap_or_default(),
        connection.and_then(round_trip).map(time).unwrap_or_default(),
        (state.to_owned(), ink),
        tcp(sum(|sent| sent.sent_again)),
        tcp(sum(|sent| sent.gaps)),
    ]
}

/// Draws the page of conversations that holds the selected one.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, rows: &[Row], selected: usize, sort: Sort) {
    let body = below(area, 1);
    let height = usize::from(body.height).max(1);
    let first = selected / height * height;
    let seen: Vec<Cells> = rows.iter().skip(first).take(height).map(cells).collect();
    let widths = widths(&seen, area.width.into(), sort.column());
    let name = |column: usize| {
        let mark = if column == sort.column() { "▼" } else { "" };
        (format!("{}{mark}", COLUMNS[column].name), Some(Ink::Strong))
    };
    let names = std::array::from_fn(name);
    line(canvas, area, 0, &names, &widths, Some(sort.column()));
    for (number, cells) in (0..body.height).zip(&seen) {
        line(canvas, body, number, cells, &widths, None);
        if first + usize::from(number) == selected {
            canvas.select(body, number);
        }
    }
}

/// Columns in front of the first, for the mark of the selected row.
const MARGIN: usize = 2;

fn line(canvas: &mut Canvas<'_>, area: Rect, number: u16, cells: &Cells, widths: &Widths, sorted: Option<usize>) {
    let mut at = MARGIN;
    for (index, ((text, ink), width)) in cells.iter().zip(widths).enumerate() {
        let Some(width) = *width else { continue };
        let text = cut(text, width);
        let before = if COLUMNS[index].right { width.saturating_sub(text.width()) } else { 0 };
        let column = u16::try_from(at + before).unwrap_or(u16::MAX);
        let ink = if sorted == Some(index) { Some(Ink::Warn) } else { *ink };
        canvas.text(area, number, column, &text, ink);
        at += width + 1;
    }
}

/// The text, its end replaced where it is too long.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// Widths of the columns that are shown.
type Widths = [Option<usize>; COLUMNS.len()];

/// What the rows need, without the columns that there is no room for; the sorted one stays.
fn widths(rows: &[Cells], width: usize, sorted: usize) -> Widths {
    let mut widths: Widths = std::array::from_fn(|column| {
        let widest = rows.iter().map(|cells| cells[column].0.width()).max().unwrap_or(0);
        Some(widest.max(COLUMNS[column].name.width() + usize::from(column == sorted)))
    });
    let total = |widths: &Widths| MARGIN + widths.iter().flatten().map(|width| width + 1).sum::<usize>() - 1;
    while total(&widths) > width {
        let leaves = |column: &usize| widths[*column].is_some() && *column != sorted && COLUMNS[*column].rank > 0;
        let Some(column) = (0..COLUMNS.len()).filter(leaves).max_by_key(|column| COLUMNS[*column].rank) else { break };
        widths[column] = None;
    }
    // Then addresses are cut, the longer one first.
    while total(&widths) > width {
        let longer = if widths[1] >= widths[2] { 1 } else { 2 };
        match widths[longer] {
            Some(length) if length > 1 => widths[longer] = Some(length - 1),
            _ => break,
        }
    }
    widths
}
