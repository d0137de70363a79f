//! The ladder of a run as a picture.

use std::io::{self, Write};

use maud::{Markup, html};

use super::lab_words;
use super::ladder_step::{Arrow, Part, Shape, Step, Steps};
use super::palette::Ink;
use crate::lab::experiment::Lab;
use crate::lab::fate::Told;
use crate::lab::observation::{Language, Observation};

/// Width of the picture in its own units.
const WIDTH: usize = 1000;
/// Left of the first lane: times. Right of the last: room for half a name.
const LEFT: usize = 150;
const RIGHT: usize = 90;
/// Height of one row of text.
const ROW: usize = 26;

const STYLE: &str = "\
svg{font:15px system-ui,'Noto Sans','Noto Sans CJK SC',sans-serif;background:#fff}\
.paper{fill:#fff}text{fill:#1b1f24}.lane{stroke:#a8b0ba;stroke-width:2}.time,.faint{fill:#6a737d}\
.name{font-weight:700;font-size:18px}.title{font-weight:700;font-size:22px}.state{fill:#8a5a00;font-weight:600}\
.call{fill:#00718f;font-family:ui-monospace,monospace}.label{font-family:ui-monospace,monospace}\
.note{font-weight:700}.wire{stroke:#57606a;stroke-width:2;fill:none}.open{stroke-dasharray:3 5}\
.bad{stroke:#c62828}.warn{stroke:#a36a00}.tip{fill:#57606a}.tip.bad{fill:#c62828;stroke:none}.tip.warn{fill:#a36a00;stroke:none}\
.link{fill:#1f5fbf}.internet{fill:#1a7f37}.transport{fill:#8b2f9c}.rst,.no{fill:#c62828}.yes{fill:#1a7f37}\
@media(prefers-color-scheme:dark){svg{background:#12161c}.paper{fill:#12161c}text{fill:#e6edf3}.time,.faint{fill:#9aa4af}\
.lane{stroke:#4b5560}.state{fill:#ffcf6b}.call{fill:#6bd6f0}.wire{stroke:#9aa4af}.tip{fill:#9aa4af}\
.bad{stroke:#ff7b72}.warn{stroke:#ffcf6b}.tip.bad{fill:#ff7b72}.tip.warn{fill:#ffcf6b}\
.link{fill:#79b0ff}.internet{fill:#6bd68a}.transport{fill:#e29bf2}.rst,.no{fill:#ff7b72}.yes{fill:#6bd68a}}";

/// Writes the picture.
///
/// # Errors
/// What the writer refused.
pub fn write(out: &mut impl Write, lab: &Lab, observation: &Observation, language: Language) -> io::Result<()> {
    let steps = Steps::all(observation, language);
    let hosts = observation.hosts.len();
    let mut y = 110;
    let mut rows = Vec::new();
    for (event, step) in observation.events.iter().zip(&steps) {
        rows.push(row(step, event.at.as_secs_f64() * 1000.0, y, hosts));
        y += ROW * (1 + usize::from(step.states.iter().any(|states| states.changed)));
    }
    let lanes_end = y;
    let remarks = lab_words::remarks(observation, language);
    let height = y + 40 + ROW * (observation.findings.len() + remarks.len());
    let title = lab.title.get(language);
    let picture = html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-labelledby="t d" {
            title id="t" { (title) }
            desc id="d" { (lab.explanation.get(language)) }
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
            (verdict(observation, language, &remarks, lanes_end + 34))
        }
    };
    out.write_all(picture.into_string().as_bytes())?;
    out.write_all(b"\n")
}

/// The x of a lane.
fn lane(host: usize, hosts: usize) -> usize {
    LEFT + host * (WIDTH - LEFT - RIGHT) / hosts.saturating_sub(1).max(1)
}

fn row(step: &Step, time_ms: f64, y: usize, hosts: usize) -> Markup {
    html! {
        @match &step.shape {
            Shape::Note => text class="note" x=(LEFT + 14) y=(y + 5) { (step.text) },
            Shape::Beside(host) => {
                (time(time_ms, y))
                (beside(*host, hosts, y, "call", &step.text))
            }
            Shape::Arrow(arrow) => {
                (time(time_ms, y))
                (self::arrow(arrow, hosts, y))
            }
        }
        @for (host, states) in step.states.iter().enumerate().filter(|(_, states)| states.changed) {
            (beside(host, hosts, y + ROW, "state", &states.line()))
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

fn arrow(arrow: &Arrow, hosts: usize, y: usize) -> Markup {
    html! {
        @for (at, end) in arrow.ends.iter().enumerate() {
            (one_way(arrow, lane(arrow.from, hosts), lane(*end, hosts), y, at == 0))
        }
    }
}

fn one_way(arrow: &Arrow, from: usize, to: usize, y: usize, labelled: bool) -> Markup {
    let (from, to) = (from as f64, to as f64);
    let at = |share: f64| from + (to - from) * share;
    let (start, end) = match arrow.part {
        Part::Whole => (0.0, 1.0),
        Part::Leaves | Part::Stops => (0.0, 0.62),
        Part::Arrives => (0.38, 1.0),
    };
    let direction = if to > from { -10.0 } else { 10.0 };
    let class = fate_class(arrow.fate);
    let open = matches!(arrow.part, Part::Leaves | Part::Arrives);
    html! {
        line class={ "wire " (class) @if open { " open" } } x1=(at(start)) x2=(at(end)) y1=(y) y2=(y) {}
        @if matches!(arrow.part, Part::Whole | Part::Arrives) {
            polygon class={ "tip " (class) }
                points=(format!("{to},{y} {0},{1} {0},{2}", to + direction, y - 5, y + 5)) {}
        }
        @if arrow.part == Part::Stops {
            text class="no" x=(at(end)) y=(y + 6) text-anchor="middle" { "✗" }
        }
        @if labelled { (label(arrow, f64::midpoint(at(start), at(end)), y)) }
    }
}

/// The label on a piece of paper that hides the line below it.
fn label(arrow: &Arrow, x: f64, y: usize) -> Markup {
    let fate = lab_words::fate(arrow.fate).get(Language::English);
    let room = if arrow.part == Part::Whole { 46 } else { 30 };
    let text = format!("#{} {}", arrow.number, arrow.label.fitting(room));
    let suffix = if fate.is_empty() || arrow.fate == Told::Delayed { String::new() } else { format!(" ({fate})") };
    // A monospaced character is 0.6 em wide.
    let width = (text.chars().count() + suffix.chars().count()) as f64 * 9.05 + 10.0;
    html! {
        rect class="paper" x=(x - width / 2.0) y=(y - 9) width=(width) height="19" {}
        text class={ "label " (ink_class(arrow.label.ink)) } x=(x) y=(y + 5) text-anchor="middle" { (text) (suffix) }
    }
}

fn verdict(observation: &Observation, language: Language, remarks: &[String], y: usize) -> Markup {
    html! {
        @for (at, finding) in observation.findings.iter().enumerate() {
            text x="24" y=(y + at * ROW) {
                tspan class=(if finding.seen { "yes" } else { "no" }) { (if finding.seen { "✔" } else { "✘" }) }
                " " (finding.statement.get(language)) " "
                tspan class="faint" { (finding.measured) }
            }
        }
        @for (at, remark) in (observation.findings.len()..).zip(remarks) {
            text class="faint" x="24" y=(y + at * ROW) { (remark) }
        }
    }
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
