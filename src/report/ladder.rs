//! The ladder: time downwards, hosts as lanes, frames as arrows, the states of both ends where they change.

use std::io::{self, Write};
use std::ops::Range;
use std::time::Duration;

use super::Palette;
use super::cells::Cells;
use super::lab_words;
use super::ladder_arrow;
use super::ladder_step::{Shape, Step, Steps};
use super::packet::Look;
use super::palette::Ink;
use super::paragraph::{Paragraph, columns, cut, lines};
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
        match &step.shape {
            Shape::Note => self.note(out, &step.text)?,
            Shape::Gap => {
                let mut row = self.row(None);
                row.put(TIME + 2, &format!("{} ", step.text), Ink::Faint);
                row.write(out, self.palette)?;
            }
            Shape::Beside(host) => self.beside(out, Some(at), &[(*host, &step.text)], Ink::Application)?,
            Shape::Fact(host) => self.beside(out, Some(at), &[(*host, &step.text)], Ink::Warn)?,
            Shape::Arrow(arrow) => {
                let mut row = self.row(Some(at));
                ladder_arrow::draw(&mut row, &self.lanes, arrow, self.language);
                row.write(out, self.palette)?;
            }
        }
        for line in String::from_utf8_lossy(step.layers.bytes()).lines() {
            folded(out, line, self.width)?;
        }
        self.states(out, step)
    }

    fn note(&self, out: &mut (impl Write + ?Sized), text: &str) -> io::Result<()> {
        self.row(None).write(out, self.palette)?;
        for line in lines(text, self.width - TIME - 4) {
            let mut row = self.row(None);
            row.put(TIME + 2, &format!("{line} "), Ink::Strong);
            row.write(out, self.palette)?;
        }
        Ok(())
    }

    /// A line with the lanes, and the time when it begins an event.
    fn row(&self, at: Option<Duration>) -> Cells {
        let mut row = Cells::new(self.width);
        if let Some(at) = at {
            row.put(0, &format!("{:>9.3} ms", at.as_secs_f64() * 1000.0), Ink::Faint);
        }
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

    /// Texts next to the lanes of hosts: on their right, of the last one on its left. What is too long goes on below.
    fn beside(
        &self,
        out: &mut (impl Write + ?Sized),
        at: Option<Duration>,
        texts: &[(usize, &str)],
        ink: Ink,
    ) -> io::Result<()> {
        let texts: Vec<_> = texts.iter().map(|(host, text)| (*host, broken(text, self.room(*host)))).collect();
        let height = texts.iter().map(|(_, lines)| lines.len()).max().unwrap_or(0);
        for line in 0..height {
            let mut row = self.row(at.filter(|_| line == 0));
            for (host, lines) in &texts {
                if let (Some(lane), Some(text)) = (self.lanes.get(*host), lines.get(line)) {
                    let before = lane.saturating_sub(columns(text) + 1);
                    row.put(if self.is_last(*host) { before } else { lane + 2 }, text, ink);
                }
            }
            row.write(out, self.palette)?;
        }
        Ok(())
    }

    /// Whether texts of the host stand on the left of its lane.
    fn is_last(&self, host: usize) -> bool {
        host > 0 && host + 1 == self.lanes.len()
    }

    /// Columns for a text beside the lane of `host`.
    fn room(&self, host: usize) -> usize {
        let lane = |host: usize| self.lanes.get(host).copied();
        let (from, to) = if self.is_last(host) { (host - 1, host) } else { (host, host + 1) };
        lane(to).unwrap_or(self.width).saturating_sub(lane(from).unwrap_or(0) + 4)
    }

    fn states(&self, out: &mut (impl Write + ?Sized), step: &Step) -> io::Result<()> {
        let changed = step.states.iter().enumerate().filter(|(_, states)| states.changed);
        let lines: Vec<(usize, String)> = changed.map(|(host, states)| (host, states.line())).collect();
        let texts: Vec<(usize, &str)> = lines.iter().map(|(host, line)| (*host, line.as_str())).collect();
        match texts.split_last() {
            Some((last, others)) if self.is_in_the_way(step, last.0) => {
                self.beside(out, None, others, Ink::Warn)?;
                self.beside(out, None, &[*last], Ink::Warn)
            }
            _ => self.beside(out, None, &texts, Ink::Warn),
        }
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

/// Lines of one text beside a lane.
const LINES: usize = 3;

/// `text` in at most [`LINES`] lines of `room` columns.
fn broken(text: &str, room: usize) -> Vec<String> {
    let mut all = lines(text, room);
    if let Some(rest) = all.get(LINES - 1..).filter(|rest| rest.len() > 1) {
        let rest = rest.join(" ");
        all.truncate(LINES - 1);
        all.push(rest);
    }
    all.iter().map(|line| cut(line, room)).collect()
}

/// Where what belongs to a layer begins.
const LAYER: usize = 14;

/// Writes a line of a layer in lines of `width` columns, broken between its parts, which two spaces separate, and
/// inside a part only where it is longer than a line. Colours take no columns.
fn folded(out: &mut (impl Write + ?Sized), line: &str, width: usize) -> io::Result<()> {
    let (mut at, mut blanks) = (0, 0);
    for part in line.split("  ") {
        let long = columns(&plain(part)) > width.saturating_sub(LAYER);
        for piece in part.split(|c| long && c == ' ') {
            let length = columns(&plain(piece));
            if at > LAYER && length > 0 && at + blanks + length > width {
                write!(out, "\n{:LAYER$}", "")?;
                at = LAYER;
            } else {
                write!(out, "{:blanks$}", "")?;
                at += blanks;
            }
            out.write_all(piece.as_bytes())?;
            (at, blanks) = (at + length, 1);
        }
        blanks = 2;
    }
    writeln!(out)
}

/// Without colours.
fn plain(text: &str) -> String {
    let mut pieces = text.split('\x1b');
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| text + piece.split_once('m').map_or("", |(_, rest)| rest))
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

#[cfg(test)]
mod tests {
    use super::super::lab_sample::three_hosts;
    use super::*;

    #[test]
    fn a_run_with_three_hosts_fits_on_a_terminal_of_80_columns() {
        let (observation, mut out) = (three_hosts(), Vec::new());
        let mut ladder = Ladder::new(3, 80, Palette::PLAIN, Language::English, None);
        ladder.head(&mut out, &observation).unwrap();
        for event in &observation.events {
            ladder.event(&mut out, &observation, event).unwrap();
        }
        let drawn = String::from_utf8(out).unwrap();
        assert!(drawn.lines().all(|line| columns(line) <= 80));
        assert_eq!(drawn, THREE_HOSTS.trim_start_matches('\n'));
    }

    #[test]
    fn a_layer_that_is_too_long_goes_on_below_its_text_and_colour_takes_no_room() {
        let mut out = Vec::new();
        folded(&mut out, "    \x1b[35mTCP\x1b[0m       1 → 2  [ACK]  seq 7  \x1b[31mwrong\x1b[0m", 32).unwrap();
        let expected = "    \x1b[35mTCP\x1b[0m       1 → 2  [ACK]\n              seq 7  \x1b[31mwrong\x1b[0m\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    const THREE_HOSTS: &str = "
             client                        router                         server
             10.0.0.1                     10.0.0.2                      10.0.0.3
             │                                │                                │
             │ three hosts                    │                                │
    1.000 ms │ connect(10.0.0.3, port 80)     │                                │
    2.000 ms │─── #1 ARP who has 10.0.0.3? ──▶│───────────────────────────────▶│
    3.000 ms │                                │                 10.0.0.1 STALE │
    4.000 ms │◀───────────────────────────────│◁─ #2 IPv4 10.0.0.3 → 10.0.0.1 ─│
    5.000 ms │────────────── #3 IPv4 10.0.0.1 → 10.0.0.3 0 bytes ─────────────▶│
    6.000 ms │─ #4 IPv4 10.0.0.1 → 10.0.0… ✗  │                                │
    7.000 ms │─ #5 IPv4 10.0.0.1 → 192.0.2.9 ▶│                                │
             │ … 12 frames not shown          │                                │
    9.000 ms │ connect(10.0.0.3, port 80) →   │                                │
             │ ECONNREFUSED                   │                                │
             │                                │ LISTEN             ESTABLISHED │
";
}
