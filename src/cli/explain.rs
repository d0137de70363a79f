//! `netlab explain`.

use super::{Context, Outcome};

/// Explain an errno, a port, a header, a state or a sysctl
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: netlab explain ECONNREFUSED")]
pub struct Args {}

impl Args {
    pub(super) fn run(self, _context: &mut Context) -> anyhow::Result<Outcome> {
        anyhow::bail!("not built yet")
    }
}
