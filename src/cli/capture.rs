//! `netlab capture`.

use super::{Context, Outcome};

/// Show frames, layer by layer, from an interface or a capture file
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: netlab capture eth0 -c 10")]
pub struct Args {}

impl Args {
    pub(super) fn run(self, _context: &mut Context) -> anyhow::Result<Outcome> {
        anyhow::bail!("not built yet")
    }
}
