//! `netlab arp`.

use super::{Context, Outcome};

/// Resolve the link address of an on-link target or of its gateway
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: netlab arp 192.0.2.1")]
pub struct Args {}

impl Args {
    pub(super) fn run(self, _context: &mut Context) -> anyhow::Result<Outcome> {
        anyhow::bail!("not built yet")
    }
}
