//! `netlab interfaces`.

use super::{Context, Outcome};

/// List interfaces with addresses, link address, state and counters
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: netlab interfaces")]
pub struct Args {}

impl Args {
    pub(super) fn run(self, _context: &mut Context) -> anyhow::Result<Outcome> {
        anyhow::bail!("not built yet")
    }
}
