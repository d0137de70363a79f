//! `netlab capture --process`: which processes frames come from and go to.

use std::io;
use std::time::Duration;

use anyhow::bail;

use crate::capture::owners::Owners;
use crate::cli::Context;
use crate::kernel::namespace;
use crate::link::ring;
use crate::transport::owners::Helper;

/// Whether processes are asked for.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Processes {
    /// Show which processes of this machine TCP and UDP frames come from and go to; root sees those of every user
    #[arg(long, conflicts_with_all = ["program", "places"], help_heading = "Live capture")]
    process: bool,
}

/// Where they are known from.
pub(super) type Known = Owners<Helper>;

impl Processes {
    /// Whether they are asked for.
    pub(super) fn wanted(self) -> bool {
        self.process
    }

    /// How long frames may wait: a socket that is gone when it is asked for was nobody's.
    pub(super) fn patience(self) -> Duration {
        if self.process { Duration::from_millis(1) } else { ring::RETIRE }
    }

    /// Files were written elsewhere or earlier.
    pub(super) fn refuse_for_files(self) -> anyhow::Result<()> {
        if self.process {
            bail!("--process is for live captures: a file does not say which process a frame belonged to");
        }
        Ok(())
    }

    /// Starts the process that looks for them, in the namespace that frames are captured in. No other thread may exist yet.
    pub(super) fn start(self, namespace: Option<&str>, shows: bool, confined: bool) -> anyhow::Result<Option<Known>> {
        if !self.process {
            return Ok(None);
        }
        if !shows {
            bail!("--process shows processes beside frames: with -w, -q shows a line of each");
        }
        let enter = || namespace.map_or(Ok(()), |which| namespace::enter(&namespace::named(which)?));
        Ok(Some(Owners::new(Helper::start(enter, confined)?)))
    }
}

/// Says what stayed unknown, and why.
pub(super) fn finish(known: &Known, context: &mut Context) {
    if known.hidden() {
        context.note("some sockets belong to processes that this user may not see\nhint: root sees every process");
    }
    if let Some(error) = known.gone() {
        let why: &dyn std::fmt::Display = match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => &"it ended",
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => &"it did not answer",
            _ => error,
        };
        context.note(format_args!(
            "the process that looks for the owners of sockets is gone: {why}; frames after that name only what was known"
        ));
    }
}
