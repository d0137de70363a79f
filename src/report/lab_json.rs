//! A run of a lab as one JSON document (keys: docs/json.md).

use std::io::{self, Write};

use serde::Serialize;

use super::json;
use super::ladder_step::{Shape, Steps};
use crate::lab::experiment::Lab;
use crate::lab::observation::{Event, Finding, Language, Observation, Passage, Station, What, Words};

#[derive(Serialize)]
struct Document<'a> {
    lab: &'static str,
    title: Words,
    explanation: Words,
    holds: bool,
    hosts: &'a [Station],
    events: Vec<Row<'a>>,
    frames_not_kept: u64,
    wire: Passage,
    findings: &'a [Finding],
}

/// An event, and of a frame what it says and its bytes.
#[derive(Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    event: &'a Event,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frame_hex: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    damaged_hex: Option<String>,
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

/// Writes the document. It is the same in every language: texts are given in all of them.
///
/// # Errors
/// What the writer refused.
pub fn document(out: &mut (impl Write + ?Sized), lab: &Lab, observation: &Observation) -> io::Result<()> {
    let steps = Steps::all(observation, Language::English);
    let rows = observation.events.iter().zip(steps).map(|(event, step)| {
        let frame = if let What::Frame(frame) = &event.what { Some(frame) } else { None };
        Row {
            event,
            label: matches!(step.shape, Shape::Arrow(_)).then_some(step.text),
            frame_hex: frame.map(|frame| hex(&frame.bytes)),
            damaged_hex: frame.and_then(|frame| frame.damaged.as_deref().map(hex)),
        }
    });
    let document = Document {
        lab: lab.name,
        title: lab.title,
        explanation: lab.explanation,
        holds: observation.holds(),
        hosts: &observation.hosts,
        events: rows.collect(),
        frames_not_kept: observation.frames_not_kept,
        wire: observation.wire,
        findings: &observation.findings,
    };
    json::document(out, &document)
}
