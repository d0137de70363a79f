//! A frame as an arrow between the lanes of a ladder.

use std::ops::Range;

use super::cells::Cells;
use super::lab_words;
use super::ladder_step::{Arrow, End, Part, fate_ink};
use super::palette::Ink;
use super::paragraph::columns;
use crate::lab::fate::Told;
use crate::lab::observation::Language;

/// Draws `arrow` on a row; `lanes` are the columns of the hosts.
pub(super) fn draw(row: &mut Cells, lanes: &[usize], arrow: &Arrow, language: Language) {
    let words = Said::of(arrow, language);
    let needs = [words.least(arrow), words.whole(arrow)];
    let ways: Vec<Way> = arrow.sides().filter_map(|side| Way::new(lanes, arrow, side, needs)).collect();
    for way in &ways {
        way.draw(row, arrow);
    }
    if let Some(way) = ways.first() {
        words.write(row, way, arrow);
    }
}

/// What stands on an arrow.
struct Said {
    number: String,
    fate: &'static str,
    /// The arrow is drawn so that one sees its fate: saying it as well must not cost the label its room.
    drawn: bool,
}

impl Said {
    fn of(arrow: &Arrow, language: Language) -> Self {
        let fate = lab_words::fate(arrow.fate).get(language);
        let fate = if matches!(arrow.fate, Told::Delayed | Told::Released) { "" } else { fate };
        let drawn = matches!(arrow.fate, Told::Held | Told::Dropped);
        Said { number: format!(" #{} ", arrow.number), fate, drawn }
    }

    /// Columns of a label without its details.
    fn least(&self, arrow: &Arrow) -> usize {
        columns(&self.number) + columns(&arrow.label.head) + 1
    }

    /// Columns of everything.
    fn whole(&self, arrow: &Arrow) -> usize {
        columns(&self.number) + columns(&arrow.label.full()) + 1 + columns(&self.fate())
    }

    fn fate(&self) -> String {
        if self.fate.is_empty() { String::new() } else { format!("({}) ", self.fate) }
    }

    fn write(&self, row: &mut Cells, way: &Way, arrow: &Arrow) {
        let fate = self.fate();
        let place = way.place(self.whole(arrow));
        let fate = if self.drawn && place.len() < self.least(arrow) + columns(&fate) { String::new() } else { fate };
        let around = columns(&self.number) + columns(&fate) + 1;
        let text = arrow.label.fitting(place.len().saturating_sub(around));
        let spare = place.len().saturating_sub(around + columns(&text));
        let start = place.start + if way.right_bound { spare / 2 } else { spare.div_ceil(2) };
        let label = start + columns(&self.number);
        row.put(start, &self.number, Ink::Strong);
        row.put(label, &format!("{text} "), arrow.label.ink);
        row.put(label + columns(&text) + 1, &fate, fate_ink(arrow.fate));
    }
}

/// The columns on one side of a sender that an arrow is drawn on.
struct Way {
    /// Columns with a line; the rest of the way between the lanes is blank.
    drawn: Range<usize>,
    right_bound: bool,
    part: Part,
    /// Lanes that the line crosses, nearest to the sender first.
    passed: Vec<usize>,
    /// Where the frame is taken in, nearest to the sender first.
    tips: Vec<(usize, bool)>,
}

impl Way {
    /// `least`: columns that its label needs; `whole`: those that it takes with its details.
    fn new(lanes: &[usize], arrow: &Arrow, side: &[End], [least, whole]: [usize; 2]) -> Option<Self> {
        let column = |lane: usize| lanes.get(lane).copied();
        let (near, far) = (column(side.first()?.lane)?, column(side.last()?.lane)?);
        let from = column(arrow.from)?;
        let right_bound = far > from;
        let span = |a: usize, b: usize| a.min(b) + 1..a.max(b);
        // Five eighths of the way to the next: two thirds and a label fits, and one sees at once which end is open. Of
        // what is lost nothing is told later, so it is told whole where that leaves the end open.
        let (all, next) = (span(from, far), span(from, near).len());
        let wanted = if arrow.part == Part::Stops { (next * 7 / 8).min(whole + 4) } else { 0 };
        let share = (next * 5 / 8).max(wanted).max(least + 4).min(next.saturating_sub(2));
        let rest = next - share;
        let drawn = match (arrow.part, right_bound) {
            (Part::Whole, _) => all,
            (Part::Leaves | Part::Stops, true) => all.start..all.start + share,
            (Part::Leaves | Part::Stops, false) => all.end - share..all.end,
            (Part::Arrives, true) => all.start + rest..all.end,
            (Part::Arrives, false) => all.start..all.end - rest,
        };
        let mut passed: Vec<usize> = lanes.iter().copied().filter(|lane| drawn.contains(lane)).collect();
        if !right_bound {
            passed.reverse();
        }
        let tip = |lane: usize| if right_bound { lane.saturating_sub(1) } else { lane + 1 };
        let tips = side.iter().filter_map(|end| Some((tip(column(end.lane)?), end.overheard))).collect();
        Some(Way { drawn, right_bound, part: arrow.part, passed, tips })
    }

    /// Where a label may stand: not over the ends of the line, and not over a host that takes the frame in on the way;
    /// between two lanes if its `whole` columns fit there.
    fn place(&self, whole: usize) -> Range<usize> {
        let inner = |part: Range<usize>| part.start + 1..part.end.saturating_sub(1);
        let taken = |lane: &&usize| self.tips.iter().any(|(tip, _)| tip.abs_diff(**lane) == 1);
        let upto = |lane: Option<&usize>| match (lane, self.right_bound) {
            (None, _) => self.drawn.clone(),
            (Some(lane), true) => self.drawn.start..*lane,
            (Some(lane), false) => lane + 1..self.drawn.end,
        };
        let first = inner(upto(self.passed.first()));
        if first.len() >= whole { first } else { inner(upto(self.passed.iter().find(taken))) }
    }

    fn draw(&self, row: &mut Cells, arrow: &Arrow) {
        let ink = fate_ink(arrow.fate);
        row.put(self.drawn.start, &"─".repeat(self.drawn.len()), ink);
        for lane in &self.passed {
            row.put(*lane, "│", Ink::Faint);
        }
        let (left, right) = (self.drawn.start, self.drawn.end.saturating_sub(1));
        let (tail, head) = if self.right_bound { (left, right) } else { (right, left) };
        let inwards = |end: usize| if end == left { end + 1 } else { end.saturating_sub(1) };
        match self.part {
            Part::Whole => self.tips(row, ink),
            Part::Stops => row.put(head, "✗", ink),
            Part::Arrives => {
                self.tips(row, ink);
                open(row, tail, inwards(tail), ink);
            }
            Part::Leaves => open(row, head, inwards(head), ink),
        }
    }

    /// A full tip where the frame is taken in, a hollow one where it is only heard.
    fn tips(&self, row: &mut Cells, ink: Ink) {
        for (column, overheard) in &self.tips {
            let tip = match (self.right_bound, overheard) {
                (true, false) => "▶",
                (true, true) => "▷",
                (false, false) => "◀",
                (false, true) => "◁",
            };
            row.put(*column, tip, ink);
        }
    }
}

/// An end that goes on elsewhere.
fn open(row: &mut Cells, end: usize, inwards: usize, ink: Ink) {
    row.put(end, "┄", ink);
    row.put(inwards, "┄", ink);
}

#[cfg(test)]
mod tests {
    use super::super::Palette;
    use super::super::ladder_label::Label;
    use super::*;

    const LANES: [usize; 3] = [0, 30, 60];

    fn arrow(from: usize, ends: &[(usize, bool)], part: Part, fate: Told) -> Arrow {
        let label = Label {
            head: "ARP who has 10.0.0.2?".to_owned(),
            short: Some("who has 10.0.0.2?".to_owned()),
            details: Vec::new(),
            ink: Ink::Link,
        };
        let ends = ends.iter().map(|(lane, overheard)| End { lane: *lane, overheard: *overheard }).collect();
        Arrow { number: 1, from, ends, part, fate, label }
    }

    fn drawn(arrow: &Arrow) -> String {
        let mut row = Cells::new(61);
        for lane in LANES {
            row.put(lane, "│", Ink::Faint);
        }
        draw(&mut row, &LANES, arrow, Language::English);
        let mut out = Vec::new();
        row.write(&mut out, Palette::PLAIN).unwrap();
        String::from_utf8(out).unwrap().trim_end().to_owned()
    }

    fn whole(from: usize, ends: &[(usize, bool)]) -> String {
        drawn(&arrow(from, ends, Part::Whole, Told::Forwarded))
    }

    #[test]
    fn a_frame_to_the_host_behind_another_goes_past_it() {
        assert_eq!(whole(0, &[(2, false)]), "│─ #1 ARP who has 10.0.0.2? ──│────────────────────────────▶│");
        assert_eq!(whole(2, &[(0, false)]), "│◀────────────────────────────│── #1 ARP who has 10.0.0.2? ─│");
    }

    #[test]
    fn a_frame_to_all_has_a_tip_at_each_of_them() {
        assert_eq!(
            whole(0, &[(1, false), (2, false)]),
            "│─ #1 ARP who has 10.0.0.2? ─▶│────────────────────────────▶│"
        );
        assert_eq!(
            whole(1, &[(2, false), (0, false)]),
            "│◀────────────────────────────│─ #1 ARP who has 10.0.0.2? ─▶│"
        );
    }

    #[test]
    fn who_hears_a_frame_that_is_for_another_has_a_hollow_tip() {
        assert_eq!(whole(0, &[(1, false), (2, true)]), "│─ #1 ARP who has 10.0.0.2? ─▶│────────────────────────────▷│");
        assert_eq!(whole(2, &[(1, true), (0, false)]), "│◀────────────────────────────│◁─ #1 ARP who has 10.0.0.2? ─│");
    }

    #[test]
    fn the_label_stands_on_the_side_of_the_addressee() {
        assert_eq!(whole(1, &[(2, true), (0, false)]), "│◀─ #1 ARP who has 10.0.0.2? ─│────────────────────────────▷│");
    }

    #[test]
    fn what_is_lost_or_held_ends_before_the_first_receiver() {
        let all = [(1, false), (2, false)];
        assert_eq!(
            drawn(&arrow(0, &all, Part::Stops, Told::Dropped)),
            "│── #1 who has 10.0.0.2? ──✗  │                             │"
        );
        assert_eq!(
            drawn(&arrow(0, &all, Part::Leaves, Told::Held)),
            "│── #1 who has 10.0.0.2? ─┄┄  │                             │"
        );
        assert_eq!(
            drawn(&arrow(0, &all, Part::Arrives, Told::Released)),
            "│  ┄┄ #1 who has 10.0.0.2? ──▶│────────────────────────────▶│"
        );
    }

    #[test]
    fn a_label_without_room_is_a_short_one_and_hides_no_tip() {
        let mut narrow = arrow(0, &[(1, false), (2, false)], Part::Whole, Told::Forwarded);
        narrow.number = 1000;
        assert_eq!(drawn(&narrow), "│── #1000 who has 10.0.0.2? ─▶│────────────────────────────▶│");
    }
}
