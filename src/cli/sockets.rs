//! `netlab sockets`.

use super::{Context, Outcome};

/// List the kernel's sockets with states, timers, queues and processes
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: netlab sockets --state time-wait")]
pub struct Args {}

impl Args {
    pub(super) fn run(self, _context: &mut Context) -> anyhow::Result<Outcome> {
        anyhow::bail!("not built yet")
    }
}
