//! The ladder: time downwards, hosts as lanes, frames as arrows, the states of both ends where they change.

use std::io::{self, Write};

use super::Palette;
use super::ladder_label::Labels;
use super::palette::Ink;
use crate::lab::fate::Told;
use crate::lab::observation::{Event, Frame, Language, Observation, What};
use crate::lab::sockets::Seen;

/// Columns before the first lane: `   12.345 ms `.
const TIME: usize = 13;

/// A ladder that is drawn event by event, so that a run can be watched as it happens.
#[derive(Debug)]
pub struct Ladder {
    palette: Palette,
    language: Language,
    lanes: Vec<usize>,
    width: usize,
    shown: Vec<String>,
    labels: Labels,
}

impl Ladder {
    /// A ladder of `hosts` lanes in `width` columns (at least 80).
    pub fn new(hosts: usize, width: usize, palette: Palette, language: Language) -> Self {
        let width = width.clamp(80, 160);
        let gaps = hosts.saturating_sub(1).max(1);
        let lanes = (0..hosts).map(|lane| TIME + lane * (width - 1 - TIME) / gaps).collect();
        let shown = vec![String::new(); hosts];
        Ladder { palette, language, lanes, width, shown, labels: Labels::default() }
    }

    /// The names above the lanes.
    ///
    /// # Errors
    /// What the writer refused.
    pub fn head(&mut self, out: &mut (impl Write + ?Sized), observation: &Observation) -> io::Result<()> {
        let mut row = Row::new(self.width);
        for (lane, host) in self.lanes.iter().zip(&observation.hosts) {
            let address = host.addresses.first().map_or_else(String::new, |address| format!(" {address}"));
            row.put_near(*lane, self.width, &format!("{}{address}", host.name), Ink::Strong);
        }
        row.write(out, self.palette)
    }

    /// One event and the states that changed with it.
    ///
    /// # Errors
    /// What the writer refused.
    pub fn event(&mut self, out: &mut (impl Write + ?Sized), event: &Event) -> io::Result<()> {
        let mut row = self.row(Some(event));
        match &event.what {
            What::Note { text } => return self.note(out, text.get(self.language)),
            What::Call { host, call } => self.beside(&mut row, *host, call, Ink::Application),
            What::Return { host, call, result } => {
                self.beside(&mut row, *host, &format!("{call} → {result}"), Ink::Application);
            }
            What::Frame(frame) => self.arrow(&mut row, frame),
        }
        row.write(out, self.palette)?;
        self.states(out, event)
    }

    fn note(&self, out: &mut (impl Write + ?Sized), text: &str) -> io::Result<()> {
        writeln!(out, "{:TIME$}{}", "", self.palette.paint(Ink::Faint, format_args!("· {text}")))
    }

    fn row(&self, event: Option<&Event>) -> Row {
        let mut row = Row::new(self.width);
        if let Some(event) = event {
            let time = format!("{:>9.3} ms", event.at.as_secs_f64() * 1000.0);
            row.put(0, &time, Ink::Faint);
        }
        for lane in &self.lanes {
            row.put(*lane, "│", Ink::Faint);
        }
        row
    }

    /// Text next to the lane of `host`, on its inner side.
    fn beside(&self, row: &mut Row, host: usize, text: &str, ink: Ink) {
        let Some(lane) = self.lanes.get(host) else { return };
        if host > 0 && host + 1 == self.lanes.len() {
            row.put(lane.saturating_sub(text.chars().count() + 1), text, ink);
        } else {
            row.put(lane + 2, text, ink);
        }
    }

    fn arrow(&mut self, row: &mut Row, frame: &Frame) {
        let furthest = frame.to.iter().copied().max_by_key(|to| to.abs_diff(frame.from));
        let other = furthest.unwrap_or(if frame.from == 0 { self.lanes.len().saturating_sub(1) } else { 0 });
        let (Some(from), Some(to)) = (self.lanes.get(frame.from).copied(), self.lanes.get(other).copied()) else {
            return;
        };
        let (left, right) = (from.min(to) + 1, from.max(to));
        row.put(left, &"─".repeat(right.saturating_sub(left)), fate_ink(frame.fate));
        let arrives = !frame.to.is_empty();
        match (arrives, to > from) {
            (true, true) => row.put(right - 1, "▶", fate_ink(frame.fate)),
            (true, false) => row.put(left, "◀", fate_ink(frame.fate)),
            (false, right_bound) => {
                let end = if right_bound { left + (right - left) * 3 / 4 } else { left + (right - left) / 4 };
                let rest = if right_bound { end..right } else { left..end };
                row.put(rest.start, &" ".repeat(rest.len()), Ink::Faint);
                row.put(end, stop_mark(frame.fate), fate_ink(frame.fate));
            }
        }
        let label = format!(" #{} {}{} ", frame.number, self.labels.of(&frame.bytes), fate_word(frame.fate));
        let room = right.saturating_sub(left).saturating_sub(4);
        let label: String = if label.chars().count() > room {
            label.chars().take(room.saturating_sub(1)).chain(['…']).collect()
        } else {
            label
        };
        let start = left + (right - left).saturating_sub(label.chars().count()) / 2;
        row.put(start, &label, Ink::Transport);
    }

    fn states(&mut self, out: &mut (impl Write + ?Sized), event: &Event) -> io::Result<()> {
        let now: Vec<String> = event.states.iter().map(|sockets| states_of(sockets)).collect();
        let mut row = self.row(None);
        let mut changed = false;
        for (host, text) in now.iter().enumerate() {
            let before = self.shown.get_mut(host);
            if let Some(before) = before.filter(|before| *before != text) {
                before.clone_from(text);
                let text = if text.is_empty() { "CLOSED" } else { text };
                self.beside(&mut row, host, text, Ink::Warn);
                changed = true;
            }
        }
        if changed { row.write(out, self.palette) } else { Ok(()) }
    }
}

/// The states of a host's sockets in a few words.
fn states_of(sockets: &[Seen]) -> String {
    let mut words: Vec<String> = Vec::new();
    for socket in sockets {
        words.push(socket.state.map_or_else(|| "?".to_owned(), |state| state.to_string()));
    }
    words.join(" + ")
}

fn fate_ink(fate: Told) -> Ink {
    match fate {
        Told::Forwarded | Told::Released => Ink::Faint,
        Told::Dropped | Told::Corrupted => Ink::Bad,
        Told::Delayed | Told::Held | Told::Duplicated | Told::Suppressed => Ink::Warn,
    }
}

fn stop_mark(fate: Told) -> &'static str {
    match fate {
        Told::Delayed => "…",
        Told::Held => "◌",
        _ => "✗",
    }
}

fn fate_word(fate: Told) -> &'static str {
    match fate {
        Told::Forwarded | Told::Delayed => "",
        Told::Released => " (arrives)",
        Told::Dropped => " (lost)",
        Told::Duplicated => " (twice)",
        Told::Corrupted => " (a bit turned over)",
        Told::Held => " (held)",
        Told::Suppressed => " (repeated meanwhile, left out)",
    }
}

/// One line of cells that texts are put over one another.
#[derive(Debug)]
struct Row {
    cells: Vec<(char, Option<Ink>)>,
}

impl Row {
    fn new(width: usize) -> Self {
        Row { cells: vec![(' ', None); width] }
    }

    fn put(&mut self, at: usize, text: &str, ink: Ink) {
        for (cell, c) in self.cells.iter_mut().skip(at).zip(text.chars()) {
            *cell = (c, Some(ink));
        }
    }

    /// Centred on `at`, but inside the line.
    fn put_near(&mut self, at: usize, width: usize, text: &str, ink: Ink) {
        let length = text.chars().count();
        let start = at.saturating_sub(length / 2).min(width.saturating_sub(length));
        self.put(start.max(if at <= TIME { TIME } else { 0 }), text, ink);
    }

    fn write(&self, out: &mut (impl Write + ?Sized), palette: Palette) -> io::Result<()> {
        let end = self.cells.iter().rposition(|(c, _)| *c != ' ').map_or(0, |last| last + 1);
        for run in self.cells.get(..end).unwrap_or_default().chunk_by(|a, b| a.1 == b.1) {
            let text: String = run.iter().map(|(c, _)| *c).collect();
            match run.first().and_then(|(_, ink)| *ink) {
                Some(ink) => write!(out, "{}", palette.paint(ink, text))?,
                None => out.write_all(text.as_bytes())?,
            }
        }
        out.write_all(b"\n")
    }
}

/// The verdict under the ladder: each thing the lab teaches, seen or not.
///
/// # Errors
/// What the writer refused.
pub fn verdict(
    out: &mut (impl Write + ?Sized),
    observation: &Observation,
    language: Language,
    palette: Palette,
) -> io::Result<()> {
    for finding in &observation.findings {
        let (mark, ink) = if finding.seen { ("✔", Ink::Good) } else { ("✘", Ink::Bad) };
        write!(out, "{} {}", palette.paint(ink, mark), finding.statement.get(language))?;
        if !finding.measured.is_empty() {
            write!(out, "  {}", palette.paint(Ink::Faint, &finding.measured))?;
        }
        out.write_all(b"\n")?;
    }
    Ok(())
}
