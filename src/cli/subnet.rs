//! `netlab subnet`.

use super::{Context, Outcome};

/// Compute a subnet, the AND shown bit by bit
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: netlab subnet 172.16.10.1 255.255.255.0")]
pub struct Args {}

impl Args {
    pub(super) fn run(self, _context: &mut Context) -> anyhow::Result<Outcome> {
        anyhow::bail!("not built yet")
    }
}
