//! What is on the screen: taken from the capture once a second and after each key, so that it can stand still.

use std::cmp::Reverse;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::state::{Page, Seen, State, position};
use crate::capture::Packet;
use crate::capture::analysis::conversations::{Conversation, Forgotten};
use crate::capture::queue::Progress;
use crate::capture::watch::{Row, Watch};
use crate::kernel::zone::Zone;
use crate::report::clock::Clock;
use crate::report::packet::Look;
use crate::report::text::Text;
use crate::report::top::{self, Head, Pace, Phase, View};
use crate::report::{Palette, packet, packet_line};

/// Conversations on the screen: more than anybody scrolls through.
const ROWS: usize = 1000;
/// Frames of one conversation.
const FRAMES: usize = 1000;

/// The picture.
pub(super) struct Picture {
    watch: Arc<Mutex<Watch>>,
    sources: String,
    look: Look,
    /// The time zone of times, where it matters.
    pub zone: Option<Zone>,
    started: Instant,
    phase: Phase,
    time: Option<Duration>,
    live: Option<(Progress, Pace)>,
    rows: Vec<Row>,
    /// All rows when it was paused, also those that a filter would hide; all that follows is about these.
    frozen: Option<Vec<Row>>,
    flows: (usize, usize),
    forgotten: Forgotten,
    frames: u64,
    bytes: u64,
    flow: Option<Conversation>,
    lines: Vec<String>,
    numbers: Vec<u64>,
    layers: Vec<String>,
    height: usize,
}

impl Picture {
    /// An empty one; of a capture that is `live` or was stored.
    pub fn new(watch: Arc<Mutex<Watch>>, sources: String, look: Look, live: bool) -> Self {
        Picture {
            watch,
            sources,
            look: Look { palette: Palette::PLAIN, ..look },
            zone: None,
            started: Instant::now(),
            phase: if live { Phase::Live } else { Phase::Stored },
            time: None,
            live: None,
            rows: Vec::new(),
            frozen: None,
            flows: (0, 0),
            forgotten: Forgotten::default(),
            frames: 0,
            bytes: 0,
            flow: None,
            lines: Vec::new(),
            numbers: Vec::new(),
            layers: Vec::new(),
            height: 0,
        }
    }

    /// Measures what came in the time `since` the last measurement.
    pub fn measure(&mut self, progress: Progress, since: Duration) {
        let before = self.live.map_or_else(Progress::default, |(progress, _)| progress);
        let rate = |now: u64, before: u64| (now.saturating_sub(before) as f64 / since.as_secs_f64().max(1e-3)) as u64;
        let pace = Pace { frames: rate(progress.frames, before.frames), bytes: rate(progress.bytes, before.bytes) };
        self.live = Some((progress, pace));
        self.time = Some(self.started.elapsed());
        lock(&self.watch).measure(since);
    }

    /// Says that nothing more comes.
    pub fn end(&mut self) {
        self.phase = Phase::Ended;
    }

    /// Takes what `state` wants to see from the capture, for a terminal with so many lines.
    pub fn take(&mut self, state: &State, lines: u16) {
        // Rows have a line above them that tells what they are.
        let titles = usize::from(!matches!(state.page, Page::Layers { .. }));
        self.height = top::room(lines).saturating_sub(titles).max(1);
        let watch = Arc::clone(&self.watch);
        let mut watch = lock(&watch);
        let stored = self.phase == Phase::Stored;
        let all = watch.conversations().len();
        let row = |at: usize| if stored { watch.mean(at) } else { watch.row(at) };
        match (state.paused, &self.frozen) {
            (true, None) => self.frozen = Some((0..all).filter_map(row).collect()),
            (false, Some(_)) => self.frozen = None,
            _ => {}
        }
        let (rows, matching) = match &self.frozen {
            Some(frozen) => arranged(frozen.len(), |at| frozen.get(at).copied(), state),
            None => arranged(all, row, state),
        };
        self.rows = rows;
        if self.frozen.is_none() {
            self.forgotten = watch.forgotten();
            (self.frames, self.bytes) = (watch.frames, watch.bytes);
            self.flows.0 = all;
        }
        self.flows.1 = matching;
        match state.page {
            Page::Flows => watch.focus(None),
            Page::Frames { flow, .. } => self.take_frames(&mut watch, flow, state.paused),
            Page::Layers { flow, frame, .. } => {
                self.take_frames(&mut watch, flow, state.paused);
                self.take_layers(&watch, frame, state);
            }
        }
    }

    fn take_frames(&mut self, watch: &mut Watch, flow: u64, paused: bool) {
        watch.focus(Some(flow));
        let same = self.flow.is_some_and(|known| known.number == flow);
        if same && paused {
            return;
        }
        // A conversation that made room keeps its frames and its last counts.
        let known = watch.conversations().iter().find(|known| known.number == flow);
        self.flow = known.copied().or(self.flow.filter(|_| same));
        let mut numbers = watch.numbers();
        self.numbers = numbers.split_off(numbers.len().saturating_sub(FRAMES));
        self.lines.clear();
        let oldest = self.numbers.first().copied().unwrap_or(0);
        let mut text = Text::default();
        watch.each(oldest, |packet| {
            text.truncate(0);
            let clock = clock(packet, self.look.clock, &mut self.zone);
            packet_line::write(&mut text, packet, clock, self.look.numbers, Palette::PLAIN);
            self.lines.push(String::from_utf8_lossy(text.bytes()).trim_end().to_owned());
        });
    }

    /// What of a frame that is not kept any more was seen stays.
    fn take_layers(&mut self, watch: &Watch, frame: u64, state: &State) {
        let look = Look { fields: state.fields, hex: state.hex, ..self.look };
        watch.frame(frame, |seen| {
            let look = Look { clock: clock(seen, look.clock, &mut self.zone), ..look };
            let mut text = Text::default();
            packet::write(&mut text, seen, &look);
            self.layers = String::from_utf8_lossy(text.bytes()).lines().map(str::to_owned).collect();
        });
    }

    /// What the keys are about.
    pub fn seen(&self) -> Seen {
        Seen {
            flows: self.rows.iter().map(|row| row.conversation.number).collect(),
            frames: self.numbers.clone(),
            lines: self.layers.len(),
            height: self.height,
        }
    }

    /// The picture as it is to be drawn.
    pub fn view<'a>(&'a self, state: &'a State, palette: Palette) -> View<'a> {
        let page = match (state.help, state.page, &self.flow) {
            (true, ..) => top::Page::Help,
            (_, Page::Frames { frame, .. }, Some(flow)) => {
                let gone = if frame.is_some() { 0 } else { self.lines.len().saturating_sub(1) };
                top::Page::Frames(flow, &self.lines, position(&self.numbers, frame).unwrap_or(gone))
            }
            (_, Page::Layers { first, .. }, _) => top::Page::Layers(&self.layers, first),
            _ => {
                let selected = |row: &Row| Some(row.conversation.number) == state.flow;
                top::Page::Flows(&self.rows, self.rows.iter().position(selected).unwrap_or(0), state.sort)
            }
        };
        let head = Head {
            sources: &self.sources,
            phase: if state.paused && self.phase == Phase::Live { Phase::Paused } else { self.phase },
            time: self.time,
            frames: self.frames,
            bytes: self.bytes,
            live: self.live,
            flows: self.flows,
            filter: &state.filter,
            forgotten: self.forgotten,
        };
        View { head, page, shift: state.shift, typing: state.typing.then_some(&state.filter), palette }
    }
}

/// The clock for a packet: in a zone its time decides how far ahead of UTC that is.
fn clock(packet: &Packet<'_>, clock: Clock, zone: &mut Option<Zone>) -> Clock {
    match (zone, packet.frame.time) {
        (Some(zone), Some(time)) => Clock::Local(zone.ahead(time.div_euclid(1_000_000_000))),
        _ => clock,
    }
}

pub(super) fn lock(watch: &Mutex<Watch>) -> MutexGuard<'_, Watch> {
    watch.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The first of so many rows in the order that `state` wants, and how many have its text. Of equals the one that began
/// first comes first.
fn arranged(all: usize, row: impl Fn(usize) -> Option<Row>, state: &State) -> (Vec<Row>, usize) {
    let text = state.filter.to_ascii_lowercase();
    let wanted = |row: &Row| text.is_empty() || top::words(&row.conversation).to_ascii_lowercase().contains(&text);
    let order = |at: usize| {
        let row = row(at).filter(wanted)?;
        Some((Reverse(state.sort.key(&row)), row.conversation.number, at))
    };
    let mut order: Vec<_> = (0..all).filter_map(order).collect();
    let matching = order.len();
    order.sort_unstable();
    (order.iter().take(ROWS).filter_map(|(.., at)| row(*at)).collect(), matching)
}
