//! A run of a lab as one self-contained page: the ladder, the states of every host at each step, every header bit by
//! bit. It needs no network, works from the keyboard and reads well aloud.
//!
//! What must be read is in the markup itself; the script only moves through it and draws the headers, whose fields it
//! finds as JSON in the page.

use std::io::{self, Write};

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde::Serialize;

use super::lab_svg::{fate_class, ink_class};
use super::lab_words::{self, Heading, page};
use super::ladder_step::{Arrow, End, HostStates, Part, Shape, Step, Steps};
use super::{layer, palette};
use crate::bytes::{Escaped, Fields, Value, hex};
use crate::dissect::{Origin, dissect};
use crate::lab::fate::Told;
use crate::lab::observation::{Language, Observation, What};

const STYLE: &str = include_str!("lab_html.css");
const SCRIPT: &str = include_str!("lab_html.js");
/// Nothing may be fetched and nothing may run but what is in the page.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'";

/// A header of a frame, for the script.
#[derive(Serialize)]
struct Layer {
    name: &'static str,
    class: &'static str,
    length: usize,
    fields: Vec<Field>,
}

/// A field: name, value, first bit in the header, number of bits.
#[derive(Serialize)]
struct Field(&'static str, String, u32, u32);

/// Bytes of a payload that are shown.
const SHOWN: usize = 64;

/// Writes the page.
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
    let say = |words: crate::lab::Words| words.get(language);
    let tag = if language == Language::Chinese { "zh" } else { "en" };
    let document = html! {
        (DOCTYPE)
        html lang=(tag) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="generator" content=(concat!("netlab ", env!("CARGO_PKG_VERSION")));
                title { (heading.title) " · netlab" }
                style { (PreEscaped(STYLE)) }
            }
            body class=[(observation.hosts.len() > 2).then_some("many")] style={ "--hosts:" (observation.hosts.len()) } {
                header {
                    h1 { (heading.title) }
                    button #theme type="button" aria-label=(say(page::THEME)) title=(say(page::THEME)) { "◐" }
                }
                main {
                    section #now aria-label=(say(page::NOW)) {
                        (board(observation, &steps))
                        (controls(language, steps.len()))
                        p #said aria-live="polite" { (say(page::KEYS)) }
                    }
                    (ladder(observation, &steps, language))
                    section #headers aria-label=(say(page::HEADERS)) {
                        h2 { (say(page::HEADERS)) }
                        p #field { (say(page::CHOOSE)) }
                        div #layers {}
                    }
                    @if !observation.findings.is_empty() { (verdict(observation, language)) }
                    details open {
                        summary { (say(lab_words::EXPLANATION)) }
                        p { (heading.explanation) }
                    }
                }
                noscript { p { (say(page::NO_SCRIPT)) } }
                script type="application/json" id="frames" { (PreEscaped(for_script(&frames(observation))?)) }
                script type="application/json" id="words" { (PreEscaped(for_script(&page::for_script(language))?)) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    out.write_all(document.into_string().as_bytes())?;
    out.write_all(b"\n")
}

/// JSON inside a page: nothing in it may end the element.
fn for_script(value: &impl Serialize) -> io::Result<String> {
    Ok(serde_json::to_string(value)?.replace('<', "\\u003c"))
}

/// The headers of the frame of each step; none for steps without a frame.
fn frames(observation: &Observation) -> Vec<Option<Vec<Layer>>> {
    let (mut fields, mut layers) = (Fields::default(), Vec::new());
    let events = observation.events.iter().map(|event| {
        let What::Frame(frame) = &event.what else { return None };
        fields.0.clear();
        let bytes = frame.leaving();
        dissect(&Origin::ethernet(bytes), bytes, &mut fields, &mut layers);
        let all = layers.iter().map(|layer| {
            let own = fields.0.get(layer.fields.start as usize..layer.fields.end as usize).unwrap_or_default();
            let origin = own.first().map_or(0, |field| field.bits.start);
            Layer {
                name: layer.header.name(),
                class: match layer::ink(&layer.header) {
                    palette::Ink::Faint => "faint",
                    ink => ink_class(ink),
                },
                length: layer.bytes.len(),
                fields: own.iter().map(|field| of(field, origin, bytes)).collect(),
            }
        });
        Some(all.collect())
    });
    events.collect()
}

fn of(field: &crate::bytes::Field, origin: u32, frame: &[u8]) -> Field {
    let bytes = field.content(frame);
    let shown = bytes.get(..SHOWN).unwrap_or(bytes);
    let value = match field.value {
        Value::Name(_) => field.name(frame).map_or_else(String::new, |name| name.to_string()),
        Value::Text | Value::Piece { .. } => format!("\"{}\"", Escaped(shown)),
        Value::Bytes if shown.iter().all(|byte| matches!(byte, b' '..=b'~')) => format!("\"{}\"", Escaped(shown)),
        Value::Bytes => hex::Spaced(shown).to_string(),
        other => other.to_string(),
    };
    let more = if shown.len() < bytes.len() { " …" } else { "" };
    Field(field.name, value + more, field.bits.start.saturating_sub(origin), field.bits.length)
}

/// Each host with its states at the step that is shown.
fn board(observation: &Observation, steps: &[Step]) -> Markup {
    html! {
        ul #board {
            @for (host, station) in observation.hosts.iter().enumerate() {
                li {
                    strong { (station.name) }
                    " "
                    span.address { @for address in &station.addresses { (address) " " } }
                    span.states data-host=(host) {
                        (words(&HostStates::default(), steps.iter().any(|step| step.states.len() > host)))
                    }
                }
            }
        }
    }
}

fn words(states: &HostStates, known: bool) -> Markup {
    html! {
        @if known && states.words.is_empty() { span.state { (lab_words::CLOSED) } }
        @for word in &states.words { span.state { (word) } }
    }
}

fn controls(language: Language, steps: usize) -> Markup {
    let button = |id: &str, sign: &str, words: crate::lab::Words, keys: &str| {
        let name = words.get(language);
        html! { button id=(id) type="button" title={ (name) " (" (keys) ")" } aria-label=(name) { (sign) } }
    };
    html! {
        div #controls role="group" aria-label=(page::STEPS.get(language)) {
            (button("first", "|◀", page::FIRST, "Home"))
            (button("previous", "◀", page::PREVIOUS, "←"))
            span #place { "0 / " (steps) }
            (button("next", "▶", page::NEXT, "→"))
            (button("last", "▶|", page::LAST, "End"))
        }
    }
}

fn ladder(observation: &Observation, steps: &[Step], language: Language) -> Markup {
    html! {
        section #ladder aria-label=(page::LADDER.get(language)) {
            div.names aria-hidden="true" {
                @for (host, station) in observation.hosts.iter().enumerate() {
                    span style={ "--lane:" (host) } { (station.name) }
                }
            }
            ol {
                @for (number, (event, step)) in observation.events.iter().zip(steps).enumerate() {
                    li { (row(observation, number + 1, event.at.as_secs_f64() * 1000.0, step, language)) }
                }
            }
        }
    }
}

fn row(observation: &Observation, number: usize, time_ms: f64, step: &Step, language: Language) -> Markup {
    let states = serde_json::to_string(&step.states.iter().map(|states| &states.words).collect::<Vec<_>>());
    html! {
        button.step type="button" id={ "step-" (number) } data-step=(number) data-states=(states.unwrap_or_default())
            aria-label=(spoken(observation, time_ms, step, language)) {
            span.time { (format!("{time_ms:.3} ms")) }
            span.lanes {
                @for host in 0..observation.hosts.len() { span.lane style={ "--lane:" (host) } {} }
                @match &step.shape {
                    Shape::Note | Shape::Gap => span.note { (step.text) },
                    Shape::Beside(host) => (beside(observation, *host, "call", &step.text)),
                    Shape::Fact(host) => (beside(observation, *host, "changed", &step.text)),
                    Shape::Arrow(arrow) => (self::arrow(arrow, observation.hosts.len(), language)),
                }
            }
            @if step.states.iter().any(|states| states.changed) {
                span.time {}
                span.lanes {
                    @for host in 0..observation.hosts.len() { span.lane style={ "--lane:" (host) } {} }
                    @for (host, states) in step.states.iter().enumerate().filter(|(_, states)| states.changed) {
                        (beside(observation, host, "changed", &states.line()))
                    }
                }
            }
        }
    }
}

fn beside(observation: &Observation, host: usize, class: &str, text: &str) -> Markup {
    let is_last = host > 0 && host + 1 == observation.hosts.len();
    html! { span class={ "beside " (class) @if is_last { " last" } } style={ "--lane:" (host) } { (text) } }
}

fn arrow(arrow: &Arrow, hosts: usize, language: Language) -> Markup {
    let part = match arrow.part {
        Part::Whole => "whole",
        Part::Leaves => "leaves",
        Part::Arrives => "arrives",
        Part::Stops => "stops",
    };
    // What is on its way or arrives is drawn so; it is said aloud only.
    let drawn = matches!(arrow.fate, Told::Delayed | Told::Released);
    let fate = if drawn { "" } else { lab_words::fate(arrow.fate).get(language) };
    let next = |side: &[End]| match side.first() {
        Some(end) if end.lane < arrow.from => arrow.from.saturating_sub(1),
        _ => arrow.from + 1,
    };
    // Between several lanes the part of a way that is drawn has no room for a label.
    let apart = hosts > 2 || arrow.part == Part::Whole;
    html! {
        @for (at, side) in arrow.sides().enumerate() {
            // A line that goes to nobody yet is drawn once, as far as the nearest.
            @let ends = if matches!(arrow.part, Part::Leaves | Part::Stops) { side.get(..1).unwrap_or(side) } else { side };
            @for end in ends {
                @let direction = if end.lane > arrow.from { "right" } else { "left" };
                span class={ "arrow " (direction) " " (part) " " (fate_class(arrow.fate))
                    @if end.overheard { " overheard" } } style=(between(arrow.from, end.lane)) {
                    span.wire {}
                    @if at == 0 && !apart { (label(arrow, fate)) }
                }
            }
            @if at == 0 && apart {
                span class={ "arrow " (fate_class(arrow.fate)) } style=(between(arrow.from, next(side))) {
                    (label(arrow, fate))
                }
            }
        }
    }
}

fn between(one: usize, other: usize) -> String {
    format!("--from:{};--to:{}", one.min(other), one.max(other))
}

fn label(arrow: &Arrow, fate: &str) -> Markup {
    html! {
        span class={ "label " (ink_class(arrow.label.ink)) } {
            b { "#" (arrow.number) } " " (arrow.label.full())
            @if !fate.is_empty() { " " i { (fate) } }
        }
    }
}

/// A step as somebody would say it.
fn spoken(observation: &Observation, time_ms: f64, step: &Step, language: Language) -> String {
    let name = |host: usize| observation.hosts.get(host).map_or("", |station| station.name.as_str());
    let what = match &step.shape {
        Shape::Note | Shape::Gap => step.text.clone(),
        Shape::Beside(host) | Shape::Fact(host) => format!("{}: {}", name(*host), step.text),
        Shape::Arrow(arrow) => {
            let ends: Vec<&str> = arrow.ends.iter().map(|end| name(end.lane)).collect();
            let fate = lab_words::fate(arrow.fate).get(language);
            let comma = if fate.is_empty() { "" } else { ", " };
            format!("#{} {} → {}: {}{comma}{fate}", arrow.number, name(arrow.from), ends.join(", "), step.text)
        }
    };
    let changed = step.states.iter().enumerate().filter(|(_, states)| states.changed);
    let states: Vec<String> = changed.map(|(host, states)| format!("{} {}", name(host), states.line())).collect();
    let separator = if states.is_empty() { "" } else { ". " };
    format!("{time_ms:.3} ms. {what}{separator}{}", states.join(", "))
}

fn verdict(observation: &Observation, language: Language) -> Markup {
    html! {
        section #verdict aria-label=(lab_words::VERDICT.get(language)) {
            h2 { (lab_words::VERDICT.get(language)) }
            ul {
                @for finding in &observation.findings {
                    li class=(if finding.seen { "yes" } else { "no" }) {
                        span role="img" aria-label=(if finding.seen { page::YES } else { page::NO }.get(language)) {
                            (if finding.seen { "✔" } else { "✘" })
                        }
                        " " (finding.statement.get(language)) " "
                        span.measured { (finding.measured) }
                    }
                }
            }
            @for remark in lab_words::remarks(observation, language) { p { (remark) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::lab_sample::drawn;
    use super::*;

    #[test]
    fn a_page_of_three_hosts_has_an_arrow_to_every_receiver_and_each_label_once() {
        let page = drawn(write);
        assert_eq!(page.matches("class=\"wire\"").count(), 2 + 2 + 1 + 1 + 1);
        assert_eq!(page.matches(" overheard\"").count(), 1);
        assert_eq!(page.matches("<b>#").count(), 5);
        assert!(page.contains("#1 client → router, server: ARP who has 10.0.0.3?"), "said aloud with its receivers");
        assert!(page.contains("server: 10.0.0.1 STALE"));
    }
}
