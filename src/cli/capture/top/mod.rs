//! `netlab capture --top`: a live screen of conversations.
//!
//! It is behind the feature `top`, for what draws it would make the program larger for everybody.

#[cfg(not(feature = "top"))]
mod absent;
#[cfg(feature = "top")]
mod display;
#[cfg(feature = "top")]
mod keys;
#[cfg(feature = "top")]
mod picture;
#[cfg(feature = "top")]
mod state;
#[cfg(test)]
#[cfg(feature = "top")]
mod tests;

use anyhow::bail;

#[cfg(not(feature = "top"))]
pub(super) use absent::Display;
#[cfg(feature = "top")]
pub(super) use display::Display;

use crate::capture::Dissector;
use crate::cli::Context;
use crate::kernel::zone::Zone;
use crate::report::packet::Look;

/// Whether a live screen is wanted.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Top {
    /// Instead of frames, a live screen of conversations by their rate; Enter shows the frames of one and the layers of a
    /// frame, ? the other keys. With -r, a still picture of the whole file
    #[arg(long, help_heading = "Analysis",
          conflicts_with_all = ["quiet", "places", "follow", "flows", "endpoints", "protocols", "io", "ladder"])]
    top: bool,
}

/// What a screen needs to know before it is opened.
#[cfg_attr(not(feature = "top"), expect(dead_code, reason = "nobody is there to be told"))]
pub(super) struct Setup {
    /// Where frames come from, as people call it; escaped.
    pub sources: String,
    /// Whether standard input is one of these.
    pub input_is_used: bool,
    /// What reads frames.
    pub dissector: Dissector,
    /// Bytes for conversations.
    pub memory: usize,
    /// How frames look.
    pub look: Look,
    /// The time zone of times, where it matters.
    pub zone: Option<Zone>,
}

impl Top {
    pub(super) fn wanted(self) -> bool {
        self.top
    }

    /// Opens the screen, where one is wanted. Nothing is drawn yet.
    pub(super) fn open(self, setup: impl FnOnce() -> Setup, context: &Context) -> anyhow::Result<Option<Display>> {
        if !self.top {
            return Ok(None);
        }
        if context.json {
            bail!("--top draws a screen and --json prints a document\nhint: --flows --json has the same conversations");
        }
        if !context.terminal {
            bail!("--top needs a terminal to draw on\nhint: --flows prints the conversations at the end, anywhere");
        }
        Display::open(setup()).map(Some)
    }
}
