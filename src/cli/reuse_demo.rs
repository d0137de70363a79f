//! `netlab reuse-demo`.

use super::{Context, Outcome};

/// See 'Address already in use' happen, and what cures it
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: netlab reuse-demo")]
pub struct Args {}

impl Args {
    pub(super) fn run(self, _context: &mut Context) -> anyhow::Result<Outcome> {
        anyhow::bail!("not built yet")
    }
}
