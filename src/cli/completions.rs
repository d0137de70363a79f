//! `netlab completions`: shell completions from the one description of the command line.

use std::io::Write;

use super::{Context, Outcome};

/// Print shell completions
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: netlab completions bash > ~/.local/share/bash-completion/completions/netlab")]
pub struct Args {
    /// The shell to complete for
    shell: clap_complete::Shell,
}

impl Args {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Outcome> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::command(), "netlab", &mut script);
        context.out.write_all(&script)?;
        Ok(Outcome::Yes)
    }
}
