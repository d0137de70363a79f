//! One event of an observation, ready to be drawn: as text, SVG or HTML.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::lab_words;
use super::ladder_label::{Label, label};
use super::packet::{self, Look};
use super::palette::Ink;
use super::text::Text;
use crate::bytes::{Mac, order};
use crate::capture::Dissector;
use crate::capture::Packet;
use crate::capture::analysis::Finding;
use crate::capture::frame::Frame as Captured;
use crate::dissect::Header;
use crate::lab::fate::Told;
use crate::lab::observation::{Event, Frame, Language, Observation, What};
use crate::lab::sockets::Seen;
use crate::transport::states::State;

/// What is drawn for one event.
#[derive(Clone, Debug)]
pub struct Step {
    /// Where and how.
    pub shape: Shape,
    /// The text: a note, a call, or the whole label of a frame.
    pub text: String,
    /// The states of each host after it.
    pub states: Vec<HostStates>,
    /// Of a frame, when its layers were asked for: a line or more for each, the first time that the frame is told.
    pub layers: Text,
}

/// Where a step is drawn.
#[derive(Clone, Debug)]
pub enum Shape {
    /// Across everything.
    Note,
    /// Across everything: frames that are left out.
    Gap,
    /// Beside the lane of this host, which makes a call.
    Beside(usize),
    /// Beside the lane of this host, whose kernel says something.
    Fact(usize),
    /// From lane to lane.
    Arrow(Arrow),
}

/// A frame between lanes.
#[derive(Clone, Debug)]
pub struct Arrow {
    /// Number of the frame.
    pub number: u64,
    /// Lane of the sender.
    pub from: usize,
    /// The lanes that it goes to, never the sender's own: those on its right, then those on its left, nearest first.
    pub ends: Vec<End>,
    /// Which part of the way is drawn.
    pub part: Part,
    /// What the wire did.
    pub fate: Told,
    /// What the frame is.
    pub label: Label,
}

impl Arrow {
    /// The lanes on the sender's right, and those on its left: nearest first, sides without any left out. A side on
    /// which nobody takes the frame in comes second.
    pub fn sides(&self) -> impl Iterator<Item = &[End]> {
        let right = self.ends.iter().take_while(|end| end.lane > self.from).count();
        let (right, left) = self.ends.split_at(right);
        let mut sides = [right, left];
        order::by_key(&mut sides, |side| side.iter().all(|end| end.overheard));
        sides.into_iter().filter(|side| !side.is_empty())
    }
}

/// A lane that a frame comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// The lane.
    pub lane: usize,
    /// The frame is for another host; this one's card lets it lie.
    pub overheard: bool,
}

/// Which part of a frame's way an event tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// It left and is on its way.
    Leaves,
    /// It left earlier and arrives now.
    Arrives,
    /// It left and does not arrive.
    Stops,
}

/// The sockets of one host in a few words each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostStates {
    /// One word or phrase per group of sockets; empty when the host has none.
    pub words: Vec<String>,
    /// Whether this differs from what was last shown.
    pub changed: bool,
}

impl HostStates {
    /// The words in one line.
    pub fn line(&self) -> String {
        if self.words.is_empty() { lab_words::CLOSED.to_owned() } else { self.words.join(" + ") }
    }
}

/// For what is remembered of connections, in bytes: labs have few.
const MEMORY: usize = 1 << 20;

/// Turns events into steps, one after the other.
#[derive(Debug)]
pub struct Steps {
    language: Language,
    look: Option<Look>,
    dissector: Dissector,
    /// Frames that left before they arrived, with their labels.
    under_way: Vec<(u64, Label)>,
    shown: Vec<Vec<String>>,
}

impl Steps {
    /// Steps in `language`, with the layers of frames where `look` says how.
    pub fn new(language: Language, look: Option<Look>) -> Self {
        let dissector = Dissector::new(look.is_some_and(|look| look.fields)).analysing(MEMORY);
        Steps { language, look, dissector, under_way: Vec::new(), shown: Vec::new() }
    }

    /// Every step of an observation.
    pub fn all(observation: &Observation, language: Language) -> Vec<Step> {
        let mut steps = Steps::new(language, None);
        observation.events.iter().map(|event| steps.next(observation, event)).collect()
    }

    /// The step of the next event.
    pub fn next(&mut self, observation: &Observation, event: &Event) -> Step {
        let mut layers = Text::default();
        let (shape, text) = match &event.what {
            What::Note { text } => (Shape::Note, text.get(self.language).to_owned()),
            What::NotKept { frames } => (Shape::Gap, lab_words::gap(*frames, self.language)),
            What::Call { host, call } => (Shape::Beside(*host), call.clone()),
            What::Return { host, call, result } => (Shape::Beside(*host), format!("{call} → {result}")),
            What::Fact { host, fact } => (Shape::Fact(*host), fact.clone()),
            What::Frame(frame) => {
                let label = self.label(observation, event.at, frame, &mut layers);
                let text = label.full();
                (Shape::Arrow(arrow(observation, frame, label)), text)
            }
        };
        Step { shape, text, states: self.states(&event.states), layers }
    }

    /// The label of a frame; that of one which arrives is the one that it left with.
    fn label(&mut self, observation: &Observation, at: Duration, frame: &Frame, layers: &mut Text) -> Label {
        if let Some((_, label)) = self.under_way.iter().rev().find(|(number, _)| *number == frame.number) {
            return label.clone();
        }
        let time = i64::try_from(at.as_nanos()).ok();
        let mut packet = self.dissector.read(Captured { time, ..Captured::ethernet(frame.told()) });
        let mut label = label(&packet, self.language);
        if let Some(destination) = elsewhere(observation, frame, &packet) {
            label.bound_for(destination, self.language);
        }
        if let Some(look) = &self.look {
            // What a fate makes of a segment is told by its arrow.
            packet.finding = Finding::default();
            packet::layers(layers, &packet, look);
        }
        if part(frame) == Part::Leaves {
            self.under_way.push((frame.number, label.clone()));
        }
        label
    }

    fn states(&mut self, now: &[Vec<Seen>]) -> Vec<HostStates> {
        self.shown.resize(self.shown.len().max(now.len()), Vec::new());
        let all = self.shown.iter_mut().enumerate().map(|(host, shown)| {
            let Some(sockets) = now.get(host) else { return HostStates { words: shown.clone(), changed: false } };
            // Timers run all the time: that alone is nothing new.
            let untimed = grouped(sockets, word);
            let changed = *shown != untimed;
            *shown = untimed;
            HostStates { words: words(sockets), changed }
        });
        all.collect()
    }
}

/// The sockets of a host in words: those that say the same are counted.
pub fn words(sockets: &[Seen]) -> Vec<String> {
    grouped(sockets, |socket| match (socket.state, socket.timer) {
        (Some(State::TimeWait), Some(timer)) => {
            format!("{} {} s", State::TimeWait, timer.remaining_ms.div_ceil(1000))
        }
        _ => word(socket),
    })
}

fn grouped(sockets: &[Seen], word: impl Fn(&Seen) -> String) -> Vec<String> {
    let mut groups: Vec<(String, usize)> = Vec::new();
    for word in sockets.iter().map(word) {
        match groups.iter_mut().find(|(known, _)| *known == word) {
            Some((_, count)) => *count += 1,
            None => groups.push((word, 1)),
        }
    }
    groups.into_iter().map(|(word, count)| if count == 1 { word } else { format!("{count} × {word}") }).collect()
}

fn word(socket: &Seen) -> String {
    socket.state.map_or_else(|| "?".to_owned(), |state| state.to_string())
}

fn part(frame: &Frame) -> Part {
    match frame.fate {
        Told::Delayed | Told::Held | Told::Swapped => Part::Leaves,
        Told::Released => Part::Arrives,
        Told::Dropped | Told::Overflowed | Told::Cut | Told::Suppressed => Part::Stops,
        // On a slow wire nobody has it yet.
        Told::Duplicated | Told::Corrupted if frame.to.is_empty() => Part::Leaves,
        Told::Forwarded | Told::Duplicated | Told::Corrupted => Part::Whole,
    }
}

fn arrow(observation: &Observation, frame: &Frame, label: Label) -> Arrow {
    let part = part(frame);
    Arrow { number: frame.number, from: frame.from, ends: ends(observation, frame), part, fate: frame.fate, label }
}

/// Where a datagram goes on to from the host that its frame is for, if it does.
fn elsewhere(observation: &Observation, frame: &Frame, packet: &Packet<'_>) -> Option<Ipv4Addr> {
    let next = observation.hosts.get(owner(observation, frame)?)?;
    let destination = packet.layers.iter().find_map(|layer| match layer.header {
        Header::Ipv4(ip) => Some(ip.destination),
        _ => None,
    })?;
    (!next.addresses.contains(&destination.into())).then_some(destination)
}

/// The host that a frame's link address belongs to.
fn owner(observation: &Observation, frame: &Frame) -> Option<usize> {
    let destination = frame.bytes.first_chunk::<6>().map(|mac| Mac(*mac))?;
    observation.hosts.iter().position(|host| host.macs.contains(&destination))
}

/// The lanes that a frame goes to: those that it reached, or while it reached none those that it is meant for.
fn ends(observation: &Observation, frame: &Frame) -> Vec<End> {
    let owner = owner(observation, frame);
    let mut lanes = match owner {
        _ if !frame.to.is_empty() => frame.to.clone(),
        Some(owner) => vec![owner],
        None => (0..observation.hosts.len()).collect(),
    };
    lanes.retain(|lane| *lane != frame.from);
    order::by_key(&mut lanes, |lane| (*lane < frame.from, lane.abs_diff(frame.from)));
    lanes.dedup();
    lanes.into_iter().map(|lane| End { lane, overheard: owner.is_some_and(|owner| owner != lane) }).collect()
}

/// The colour of a fate.
pub fn fate_ink(fate: Told) -> Ink {
    match fate {
        Told::Forwarded | Told::Released => Ink::Faint,
        Told::Dropped | Told::Overflowed | Told::Cut | Told::Corrupted => Ink::Bad,
        Told::Delayed | Told::Held | Told::Swapped | Told::Duplicated | Told::Suppressed => Ink::Warn,
    }
}
