//! Frames of one direction alone.

use anyhow::bail;
use clap::ValueEnum;

use crate::capture::Frame;
use crate::capture::live;
use crate::cli::Context;
use crate::link::received::Way;

/// Which way frames go that are wanted.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Directed {
    /// Take only frames that this machine does not send itself (in), or only those that it sends (out)
    #[arg(short = 'Q', long, value_enum, default_value_t = Which::Both, value_name = "WAY", conflicts_with = "program",
          help_heading = "Filter")]
    direction: Which,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Which {
    /// What comes in, also for others
    In,
    /// What goes out
    Out,
    /// All
    #[value(alias = "inout")]
    Both,
}

impl Directed {
    /// What the kernel is asked for.
    pub(super) fn live(self) -> live::Direction {
        match self.direction {
            Which::In => live::Direction::In,
            Which::Out => live::Direction::Out,
            Which::Both => live::Direction::Both,
        }
    }

    /// The means to choose among stored frames; none where all are wanted.
    pub(super) fn stored(self) -> Option<Direction> {
        (self.direction != Which::Both).then_some(Direction { which: self.direction, told: 0, untold: 0 })
    }
}

/// Chooses frames by what is known of their way.
pub(super) struct Direction {
    which: Which,
    /// Frames of which it is known, and not known.
    told: u64,
    untold: u64,
}

impl Direction {
    /// Whether `frame` goes the way that is wanted; never where nothing is known of it.
    pub(super) fn takes(&mut self, frame: &Frame<'_>) -> bool {
        match frame.way {
            Some(_) => self.told += 1,
            None => self.untold += 1,
        }
        frame.way.is_some_and(|way| (way == Way::Out) == (self.which == Which::Out))
    }

    /// Says what could not be chosen from.
    pub(super) fn finish(&self, context: &mut Context) -> anyhow::Result<()> {
        match self {
            Direction { untold: 0, .. } => {}
            Direction { told: 0, .. } => bail!(
                "no frame says which way it went, so --direction cannot choose\n\
                 hint: pcapng files tell the direction where their writer wrote it down, classic files only with cooked headers (-i any)"
            ),
            Direction { untold, .. } => {
                context.note(format_args!("{untold} frames left out: nothing says which way they went"));
            }
        }
        Ok(())
    }
}
