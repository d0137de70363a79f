//! `netlab man`: manual pages from the one description of the command line.

use std::io::Write;

use anyhow::Context as _;

use super::{Context, Outcome};

/// Print the manual page of netlab or of one command
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: netlab man capture | man -l -")]
pub struct Args {
    /// The command to describe; without one, netlab itself
    command: Option<String>,
}

impl Args {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Outcome> {
        let mut whole = super::command();
        whole.build();
        let page = match &self.command {
            None => whole,
            Some(name) => {
                let found = whole.find_subcommand(name).with_context(|| format!("netlab has no command {name:?}"))?;
                found.clone().name(format!("netlab-{name}"))
            }
        };
        let mut roff = Vec::new();
        clap_mangen::Man::new(page).render(&mut roff)?;
        context.out.write_all(&roff)?;
        Ok(Outcome::Yes)
    }
}
