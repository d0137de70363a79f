//! The screen at work: it waits for keys and for the next second, and draws.

use std::fs::File;
use std::io::BufWriter;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::picture::Picture;
use super::state::State;
use super::{Setup, keys};
use crate::capture::queue::Queue;
use crate::capture::watch::Watch;
use crate::kernel::OsError;
use crate::kernel::screen::{Event, Screen};
use crate::kernel::signal::Interrupts;
use crate::kernel::zone::Zone;
use crate::report::packet::Look;
use crate::report::top::Painter;

/// Time between two measurements.
const EVERY: Duration = Duration::from_secs(1);
/// Least time to wait for keys: a picture that stands still is not drawn over and over.
const LEAST: Duration = Duration::from_millis(50);

type Painted = Painter<BufWriter<File>>;

/// The capture goes on; it ended, and what came is looked at; it failed.
const GOES_ON: u8 = 0;
const ENDED: u8 = 1;
const FAILED: u8 = 2;

/// A screen and what is watched on it.
pub(in super::super) struct Display {
    screen: Screen,
    watch: Arc<Mutex<Watch>>,
    sources: String,
    look: Look,
    zone: Option<Zone>,
    capture: AtomicU8,
}

/// Gives the terminal back and ends the capture, whichever way the screen ends.
struct AtEnd<'a>(&'a Screen, &'a Interrupts);

impl Drop for AtEnd<'_> {
    fn drop(&mut self) {
        self.0.give_back();
        self.1.raise();
    }
}

impl Display {
    pub(super) fn open(setup: Setup) -> anyhow::Result<Self> {
        let Setup { sources, input_is_used, dissector, memory, look, zone } = setup;
        let watch = Arc::new(Mutex::new(Watch::within(memory, dissector)));
        let capture = AtomicU8::new(GOES_ON);
        Ok(Display { screen: Screen::open(input_is_used)?, watch, sources, look, zone, capture })
    }

    /// Says that it will be drawn from another thread, which is started soon.
    pub(in super::super) fn prepare(&self) {
        self.screen.hold_stops();
    }

    /// Where frames are to be put.
    pub(in super::super) fn watch(&self) -> Arc<Mutex<Watch>> {
        Arc::clone(&self.watch)
    }

    /// Says that no more frames come; what came can be looked at, unless the capture `failed`.
    pub(in super::super) fn end(&self, failed: bool) {
        self.capture.store(if failed { FAILED } else { ENDED }, Ordering::Relaxed);
    }

    /// Draws until somebody wants to leave; that ends the capture too. Without a queue everything was read before.
    pub(in super::super) fn run(&self, queue: Option<&Queue>, interrupts: &Interrupts) -> anyhow::Result<()> {
        let _end = AtEnd(&self.screen, interrupts);
        self.screen.take()?;
        let out = BufWriter::with_capacity(1 << 16, self.screen.out()?);
        let mut painter = Painter::new(out);
        let mut picture = Picture::new(self.watch(), self.sources.clone(), self.look, queue.is_some());
        picture.zone.clone_from(&self.zone);
        let (mut state, mut measured) = (State::default(), Instant::now());
        let mut running = queue;
        loop {
            let capture = self.capture.load(Ordering::Relaxed);
            if capture == FAILED {
                return Ok(());
            }
            let since = measured.elapsed();
            if let Some(queue) = running.filter(|_| since >= EVERY || capture == ENDED) {
                picture.measure(queue.progress(), since);
                measured = Instant::now();
            }
            if capture == ENDED && running.take().is_some() {
                picture.end();
            }
            self.draw(&mut painter, &mut picture, &state)?;
            match self.screen.next(interrupts, EVERY.saturating_sub(measured.elapsed()).max(LEAST))? {
                Event::Keys(bytes) => {
                    for key in keys::read(&bytes) {
                        if state.press(key, &picture.seen()) {
                            return Ok(());
                        }
                        // The next key is about what this one brought.
                        picture.take(&state, self.screen.size().1);
                    }
                }
                Event::Suspend => {
                    self.screen.suspend();
                    self.again(&mut painter)?;
                }
                Event::Continued => self.again(&mut painter)?,
                Event::Resized | Event::Timeout => {}
                Event::End => return Ok(()),
            }
        }
    }

    /// Takes the terminal over once more, with everything to be drawn.
    fn again(&self, painter: &mut Painted) -> anyhow::Result<()> {
        painter.forget();
        Ok(self.screen.take()?)
    }

    fn draw(&self, painter: &mut Painted, picture: &mut Picture, state: &State) -> anyhow::Result<()> {
        let size = self.screen.size();
        picture.take(state, size.1);
        let drawn = painter.paint(size, &picture.view(state, self.look.palette));
        drawn.map_err(|error| OsError::from_io("draw on", "the terminal", &error).into())
    }
}
