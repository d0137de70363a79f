//! `netlab probe`.

use super::{Context, Outcome};

/// Probe ports: open, closed or filtered, and why
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: netlab probe 192.0.2.1 -p 22,80")]
pub struct Args {}

impl Args {
    pub(super) fn run(self, _context: &mut Context) -> anyhow::Result<Outcome> {
        anyhow::bail!("not built yet")
    }
}
