//! The ladder of a run as a picture.

use std::io::{self, Write};

use maud::{Markup, html};

use super::lab_words::{self, Heading};
use super::ladder_step::{Shape, Step, Steps};
use super::palette::Ink;
use super::paragraph::{columns, lines};
use crate::lab::fate::Told;
use crate::lab::observation::{Language, Observation};

/// Width of the picture in its own units.
const WIDTH: usize = 1000;
/// Left of the first lane: times. Right of the last: room for half a name.
const LEFT: usize = 150;
const RIGHT: usize = 90;
/// Height of one row of text.
const ROW: usize = 26;
/// Columns of a line of a note, and of the verdict.
const NOTE: usize = 80;
const VERDICT: usize = 110;

const STYLE: &str = "\
svg{font:15px system-ui,'Noto Sans','Noto Sans CJK SC',sans-serif;background:#fff}\
.paper{fill:#fff}text{fill:#1b1f24}.lane{stroke:#a8b0ba;stroke-width:2}.time,.faint{fill:#6a737d}\
.name{font-weight:700;font-size:18px}.title{font-weight:700;font-size:22px}.state{fill:#8a5a00;font-weight:600}\
.call{fill:#00718f;font-family:ui-monospace,monospace}.label{font-family:ui-monospace,monospace}\
.note{font-weight:700}.wire{stroke:#57606a;stroke-width:2;fill:none}.open{stroke-dasharray:3 5}\
.bad{stroke:#c62828}.warn{stroke:#a36a00}.tip{fill:#57606a}.tip.bad{fill:#c62828;stroke:none}.tip.warn{fill:#a36a00;stroke:none}\
.tip.overheard{fill:#fff;stroke:#57606a}\
.link{fill:#1f5fbf}.internet{fill:#1a7f37}.transport{fill:#8b2f9c}.rst,.no{fill:#c62828}.yes{fill:#1a7f37}\
@media(prefers-color-scheme:dark){svg{background:#12161c}.paper{fill:#12161c}text{fill:#e6edf3}.time,.faint{fill:#9aa4af}\
.lane{stroke:#4b5560}.state{fill:#ffcf6b}.call{fill:#6bd6f0}.wire{stroke:#9aa4af}.tip{fill:#9aa4af}\
.bad{stroke:#ff7b72}.warn{stroke:#ffcf6b}.tip.bad{fill:#ff7b72}.tip.warn{fill:#ffcf6b}.tip.overheard{fill:#12161c;stroke:#9aa4af}\
.link{fill:#79b0ff}.internet{fill:#6bd68a}.transport{fill:#e29bf2}.rst,.no{fill:#ff7b72}.yes{fill:#6bd68a}}";

/// Writes the picture.
///
/// # Errors
/// What the writer refused.
pub fn write(
    out: &mut impl Write,
    heading: Heading<'_>,
    observation: &Observation,
    language: Language,
) -> io::Result<()> {
    let steps = Steps::all(observation, language);
    let hosts = observation.hosts.len();
    let mut y = 110;
    let mut rows = Vec::new();
    for (event, step) in observation.events.iter().zip(&steps) {
        rows.push(row(step, event.at.as_secs_f64() * 1000.0, y, hosts, language));
        y += ROW * height(step);
    }
    let lanes_end = y;
    let verdict = verdict(observation, language);
    let height = y + 40 + ROW * verdict.len();
    let title = heading.title;
    let picture = html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-labelledby="t d" {
            title id="t" { (title) }
            desc id="d" { (heading.explanation) }
            style { (maud::PreEscaped(STYLE)) }
            rect class="paper" width=(WIDTH) height=(height) {}
            text class="title" x="24" y="38" { (title) }
            @for (host, station) in observation.hosts.iter().enumerate() {
                text class="name" x=(lane(host, hosts)) y="72" text-anchor="middle" { (station.name) }
                @if let Some(address) = station.addresses.first() {
                    text class="internet" x=(lane(host, hosts)) y="92" text-anchor="middle" { (address) }
                }
                line class="lane" x1=(lane(host, hosts)) x2=(lane(host, hosts)) y1="98" y2=(lanes_end) {}
            }
            @for row in &rows { (row) }
            @for (at, line) in verdict.iter().enumerate() {
                text x="24" y=(lanes_end + 34 + at * ROW) { (line) }
            }
        }
    };
    out.write_all(picture.into_string().as_bytes())?;
    out.write_all(b"\n")
}

/// The x of a lane.
pub(super) fn lane(host: usize, hosts: usize) -> usize {
    LEFT + host * (WIDTH - LEFT - RIGHT) / hosts.saturating_sub(1).max(1)
}

/// Rows of text that a step takes.
fn height(step: &Step) -> usize {
    let changed = step.states.iter().any(|states| states.changed);
    let own = if matches!(step.shape, Shape::Note) { lines(&step.text, NOTE).len() } else { 1 };
    own + usize::from(changed)
}

fn row(step: &Step, time_ms: f64, y: usize, hosts: usize, language: Language) -> Markup {
    html! {
        @match &step.shape {
            Shape::Note => {
                @for (at, line) in lines(&step.text, NOTE).iter().enumerate() {
                    text class="note" x=(LEFT + 14) y=(y + at * ROW + 5) { (line) }
                }
            }
            Shape::Gap => {
                text class="faint" x=(LEFT + 14) y=(y + 5) { (step.text) }
            }
            Shape::Beside(host) => {
                (time(time_ms, y))
                (beside(*host, hosts, y, "call", &step.text))
            }
            Shape::Fact(host) => {
                (time(time_ms, y))
                (beside(*host, hosts, y, "state", &step.text))
            }
            Shape::Arrow(arrow) => {
                (time(time_ms, y))
                (super::lab_svg_arrow::draw(arrow, hosts, y, language))
            }
        }
        @for (host, states) in step.states.iter().enumerate().filter(|(_, states)| states.changed) {
            (beside(host, hosts, y + ROW * (height(step) - 1), "state", &states.line()))
        }
    }
}

fn time(time_ms: f64, y: usize) -> Markup {
    html! { text class="time" x=(LEFT - 40) y=(y + 5) text-anchor="end" { (format!("{time_ms:.3} ms")) } }
}

fn beside(host: usize, hosts: usize, y: usize, class: &str, text: &str) -> Markup {
    let (x, anchor) =
        if host > 0 && host + 1 == hosts { (lane(host, hosts) - 12, "end") } else { (lane(host, hosts) + 12, "start") };
    html! { text class=(class) x=(x) y=(y + 5) text-anchor=(anchor) { (text) } }
}

/// The lines of the verdict: whether a finding was seen, the statement, the numbers behind it.
fn verdict(observation: &Observation, language: Language) -> Vec<Markup> {
    let mut rows = Vec::new();
    for finding in &observation.findings {
        let statement = finding.statement.get(language);
        let (class, mark) = if finding.seen { ("yes", "✔") } else { ("no", "✘") };
        let together = columns(statement) + columns(&finding.measured) <= VERDICT;
        rows.push(html! {
            tspan class=(class) { (mark) } " " (statement) " "
            @if together { tspan class="faint" { (finding.measured) } }
        });
        let below = if together { Vec::new() } else { lines(&finding.measured, VERDICT) };
        rows.extend(below.iter().map(|line| html! { tspan class="faint" x="46" { (line) } }));
    }
    let remarks = lab_words::remarks(observation, language);
    rows.extend(remarks.iter().map(|remark| html! { tspan class="faint" { (remark) } }));
    rows
}

/// The class of what the wire did.
pub(super) fn fate_class(fate: Told) -> &'static str {
    match super::ladder_step::fate_ink(fate) {
        Ink::Bad => "bad",
        Ink::Warn => "warn",
        _ => "",
    }
}

/// The class of a layer.
pub(super) fn ink_class(ink: Ink) -> &'static str {
    match ink {
        Ink::Link => "link",
        Ink::Internet => "internet",
        Ink::Transport => "transport",
        Ink::Application => "application",
        Ink::Bad => "rst",
        _ => "faint",
    }
}

#[cfg(test)]
mod tests {
    use super::super::lab_sample::drawn;
    use super::*;

    #[test]
    fn a_picture_of_three_hosts_has_a_tip_at_every_receiver_and_the_lost_frame_none() {
        let svg = drawn(write);
        assert_eq!(svg.matches("class=\"tip ").count(), 2 + 2 + 1 + 1);
        assert_eq!(svg.matches("class=\"tip  overheard\"").count(), 1);
        assert_eq!(svg.matches('✗').count(), 1);
        for text in ["#1 ARP who has 10.0.0.3?", "10.0.0.1 STALE", "→ ECONNREFUSED", "LISTEN", "192.0.2.9"] {
            assert!(svg.contains(text), "{text} is not in the picture");
        }
    }
}
