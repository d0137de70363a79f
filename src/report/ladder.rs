//! The ladder: time downwards, hosts as lanes, frames as arrows, the states of both ends where they change.

use std::io::{self, Write};
use std::ops::Range;
use std::time::Duration;

use super::Palette;
use super::cells::Cells;
use super::lab_words;
use super::ladder_step::{Arrow, Part, Shape, Step, Steps, fate_ink};
use super::packet::Look;
use super::palette::Ink;
use super::paragraph::{Paragraph, columns, lines};
use crate::lab::fate::Told;
use crate::lab::observation::{Event, Language, Observation};

/// Columns before the first lane: `   12.345 ms `.
const TIME: usize = 13;
/// Narrower than this a ladder cannot be read; wider it does not become clearer.
const WIDTHS: Range<usize> = 60..140;

/// A ladder that is drawn event by event, so that a run can be watched as it happens.
#[derive(Debug)]
pub struct Ladder {
    palette: Palette,
    language: Language,
    lanes: Vec<usize>,
    width: usize,
    steps: Steps,
}

impl Ladder {
    /// A ladder of `hosts` lanes in about `width` columns, with the layers of each frame where `look` says how.
    pub fn new(hosts: usize, width: usize, palette: Palette, language: Language, look: Option<Look>) -> Self {
        let width = width.clamp(WIDTHS.start, WIDTHS.end);
        let gaps = hosts.saturating_sub(1).max(1);
        let lanes = (0..hosts).map(|lane| TIME + lane * (width - 1 - TIME) / gaps).collect();
        Ladder { palette, language, lanes, width, steps: Steps::new(language, look) }
    }

    /// The names above the lanes, with their addresses.
    ///
    /// # Errors
    /// What the writer refused.
    pub fn head(&self, out: &mut (impl Write + ?Sized), observation: &Observation) -> io::Result<()> {
        let mut names = Cells::new(self.width);
        for (host, station) in observation.hosts.iter().enumerate() {
            self.near(&mut names, host, &station.name, Ink::Strong);
        }
        names.write(out, self.palette)?;
        let lines = observation.hosts.iter().map(|host| host.addresses.len()).max().unwrap_or(0);
        for line in 0..lines {
            let mut row = Cells::new(self.width);
            for (host, station) in observation.hosts.iter().enumerate() {
                if let Some(address) = station.addresses.get(line) {
                    self.near(&mut row, host, &address.to_string(), Ink::Internet);
                }
            }
            row.write(out, self.palette)?;
        }
        Ok(())
    }

    /// One event and the states that changed with it.
    ///
    /// # Errors
    /// What the writer refused.
    pub fn event(
        &mut self,
        out: &mut (impl Write + ?Sized),
        observation: &Observation,
        event: &Event,
    ) -> io::Result<()> {
        let step = self.steps.next(observation, event);
        self.step(out, event.at, &step)
    }

    fn step(&self, out: &mut (impl Write + ?Sized), at: Duration, step: &Step) -> io::Result<()> {
        let mut row = self.lanes_alone();
        row.put(0, &format!("{:>9.3} ms", at.as_secs_f64() * 1000.0), Ink::Faint);
        match &step.shape {
            Shape::Note => self.note(out, &step.text)?,
            Shape::Beside(host) => self.beside(&mut row, *host, &step.text, Ink::Application),
            Shape::Arrow(arrow) => self.arrow(&mut row, arrow),
        }
        if !matches!(step.shape, Shape::Note) {
            row.write(out, self.palette)?;
        }
        out.write_all(&step.layers.0)?;
        self.states(out, step)
    }

    fn note(&self, out: &mut (impl Write + ?Sized), text: &str) -> io::Result<()> {
        self.lanes_alone().write(out, self.palette)?;
        for line in lines(text, self.width - TIME - 4) {
            let mut row = self.lanes_alone();
            row.put(TIME + 2, &format!("{line} "), Ink::Strong);
            row.write(out, self.palette)?;
        }
        Ok(())
    }

    fn lanes_alone(&self) -> Cells {
        let mut row = Cells::new(self.width);
        for lane in &self.lanes {
            row.put(*lane, "│", Ink::Faint);
        }
        row
    }

    /// Centred on the lane of `host`, but inside the line.
    fn near(&self, row: &mut Cells, host: usize, text: &str, ink: Ink) {
        let (lane, length) = (self.lanes.get(host).copied().unwrap_or(0), columns(text));
        let start = lane.saturating_sub(length / 2).min(self.width.saturating_sub(length));
        row.put(if host == 0 { TIME } else { start }, text, ink);
    }

    /// Text next to the lane of `host`: on its right, of the last one on its left.
    fn beside(&self, row: &mut Cells, host: usize, text: &str, ink: Ink) {
        let Some(lane) = self.lanes.get(host) else { return };
        let is_last = host > 0 && host + 1 == self.lanes.len();
        let room = if is_last {
            lane - self.lanes.get(host - 1).copied().unwrap_or(0)
        } else {
            self.lanes.get(host + 1).copied().unwrap_or(self.width) - lane
        };
        let text = cut(text, room.saturating_sub(4));
        row.put(if is_last { lane.saturating_sub(columns(&text) + 1) } else { lane + 2 }, &text, ink);
    }

    fn arrow(&self, row: &mut Cells, arrow: &Arrow) {
        let Some(from) = self.lanes.get(arrow.from).copied() else { return };
        let mut labelled = false;
        for to in arrow.ends.iter().filter_map(|lane| self.lanes.get(*lane).copied()) {
            let way = Way::new(from, to, arrow.part);
            way.draw(row, arrow);
            if !labelled {
                self.label(row, &way, arrow);
                labelled = true;
            }
        }
    }

    fn label(&self, row: &mut Cells, way: &Way, arrow: &Arrow) {
        let fate = lab_words::fate(arrow.fate).get(self.language);
        // What is on its way is drawn so; saying it as well would cost the label its room.
        let drawn = fate.is_empty() || matches!(arrow.fate, Told::Delayed | Told::Released);
        let fate = if drawn { String::new() } else { format!("({fate}) ") };
        let number = format!(" #{} ", arrow.number);
        let room = way.inner().len().saturating_sub(2);
        let text = arrow.label.fitting(room.saturating_sub(columns(&number) + columns(&fate) + 1));
        let length = columns(&number) + columns(&text) + 1 + columns(&fate);
        let start = way.inner().start + way.inner().len().saturating_sub(length) / 2;
        row.put(start, &number, Ink::Strong);
        row.put(start + columns(&number), &format!("{text} "), arrow.label.ink);
        row.put(start + columns(&number) + columns(&text) + 1, &fate, fate_ink(arrow.fate));
    }

    fn states(&self, out: &mut (impl Write + ?Sized), step: &Step) -> io::Result<()> {
        if !step.states.iter().any(|states| states.changed) {
            return Ok(());
        }
        let mut row = self.lanes_alone();
        for (host, states) in step.states.iter().enumerate().filter(|(_, states)| states.changed) {
            if self.is_in_the_way(step, host) {
                row.write(out, self.palette)?;
                row = self.lanes_alone();
            }
            self.beside(&mut row, host, &states.line(), Ink::Warn);
        }
        row.write(out, self.palette)
    }

    /// Whether the states of the last host do not fit beside those of the one before it: they stand between the same
    /// lanes.
    fn is_in_the_way(&self, step: &Step, host: usize) -> bool {
        let [.., left, right] = self.lanes.as_slice() else { return false };
        let [.., before, last] = step.states.as_slice() else { return false };
        let both = host + 1 == self.lanes.len() && before.changed && last.changed;
        both && columns(&before.line()) + columns(&last.line()) + 4 > right - left
    }
}

/// The columns between two lanes that an arrow is drawn on.
struct Way {
    /// Columns with a line; the rest of the way between the lanes is blank.
    drawn: Range<usize>,
    right_bound: bool,
    part: Part,
}

impl Way {
    fn new(from: usize, to: usize, part: Part) -> Self {
        let (left, right) = (from.min(to) + 1, from.max(to));
        let right_bound = to > from;
        // Five eighths: two thirds and a label fits, and one sees at once which end is open.
        let share = (right - left) * 5 / 8;
        let near_sender = if right_bound { left..left + share } else { right - share..right };
        let near_receiver = if right_bound { right - share..right } else { left..left + share };
        let drawn = match part {
            Part::Whole => left..right,
            Part::Leaves | Part::Stops => near_sender,
            Part::Arrives => near_receiver,
        };
        Way { drawn, right_bound, part }
    }

    /// Where a label may stand: not over the ends.
    fn inner(&self) -> Range<usize> {
        self.drawn.start + 2..self.drawn.end.saturating_sub(2)
    }

    fn draw(&self, row: &mut Cells, arrow: &Arrow) {
        let ink = fate_ink(arrow.fate);
        row.put(self.drawn.start, &"─".repeat(self.drawn.len()), ink);
        let (left, right) = (self.drawn.start, self.drawn.end.saturating_sub(1));
        let (tail, head) = if self.right_bound { (left, right) } else { (right, left) };
        let inwards = |end: usize| if end == left { end + 1 } else { end.saturating_sub(1) };
        let tip = if self.right_bound { "▶" } else { "◀" };
        match self.part {
            Part::Whole => row.put(head, tip, ink),
            Part::Stops => row.put(head, "✗", ink),
            Part::Arrives => {
                row.put(head, tip, ink);
                open(row, tail, inwards(tail), ink);
            }
            Part::Leaves => open(row, head, inwards(head), ink),
        }
    }
}

/// An end that goes on elsewhere.
fn open(row: &mut Cells, end: usize, inwards: usize, ink: Ink) {
    row.put(end, "┄", ink);
    row.put(inwards, "┄", ink);
}

/// `text`, cut to `room` columns.
fn cut(text: &str, room: usize) -> String {
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

/// The verdict under the ladder: each thing the lab teaches, seen or not, with the numbers behind it.
///
/// # Errors
/// What the writer refused.
pub fn verdict(
    out: &mut (impl Write + ?Sized),
    observation: &Observation,
    language: Language,
    palette: Palette,
    width: usize,
) -> io::Result<()> {
    for remark in lab_words::remarks(observation, language) {
        let room = u16::try_from(width).ok();
        Paragraph { lead: "", lead_ink: Ink::Faint, text: &remark, ink: Some(Ink::Faint) }.write(out, palette, room)?;
        writeln!(out)?;
    }
    for finding in &observation.findings {
        let (lead, lead_ink) = if finding.seen { ("✔ ", Ink::Good) } else { ("✘ ", Ink::Bad) };
        let statement = finding.statement.get(language);
        let together = columns(statement) + columns(&finding.measured) + 4;
        if together <= width && !finding.measured.is_empty() {
            let measured = palette.paint(Ink::Faint, &finding.measured);
            writeln!(out, "{}{statement}  {measured}", palette.paint(lead_ink, lead))?;
            continue;
        }
        let room = u16::try_from(width).ok();
        Paragraph { lead, lead_ink, text: statement, ink: None }.write(out, palette, room)?;
        if !finding.measured.is_empty() {
            Paragraph::remark(&finding.measured).write(out, palette, room)?;
        }
    }
    Ok(())
}
