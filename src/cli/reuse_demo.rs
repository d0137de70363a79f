//! `netlab reuse-demo`.

use super::lab::{Lang, language};
use super::{Context, Outcome};
use crate::kernel::{namespace, process};
use crate::lab::stage::{Nobody, PATIENCE, Stage};
use crate::lab::transport::reuse::{self, Observation};
use crate::report;
use crate::report::reuse::Style;

/// See 'Address already in use' happen, and what cures it
///
/// Runs servers and clients on loopback, restarts the servers, and shows what the kernel says to each `bind()`: without
/// `SO_REUSEADDR`, with it on the new socket, on the old one, on both; for everything that an old server may leave.
/// Then it tries the kernel settings that are often recommended instead, in a private network namespace. Every line is what
/// happened just now on this machine; nothing is quoted. Needs no privilege and takes seconds. Some rows listen on
/// every address of the machine for an instant.
///
/// Exit status: 0 when every lesson that could be tried was seen, 1 when this kernel did something else.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: netlab reuse-demo")]
pub struct Args {
    /// Language of the texts; from `LC_ALL` or LANG by default
    #[arg(long, value_enum)]
    lang: Option<Lang>,
}

impl Args {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Outcome> {
        let mut nobody = Nobody;
        let loopback = reuse::observe(&mut Stage::on_loopback(&mut nobody)?)?;
        // Last, because there is no way back out of the namespace, and none into it for a process with other threads.
        let alone = process::wait_until_alone(PATIENCE).and_then(|()| namespace::enter_private());
        let trials = alone.and_then(|()| reuse::try_out());
        let seen = Observation::new(loopback, trials.map_err(|error| error.to_string()));
        if context.json {
            report::json::document(&mut context.out, &seen)?;
        } else {
            let style = Style {
                palette: context.palette,
                width: Some(context.width.unwrap_or(80)),
                language: language(self.lang),
            };
            report::reuse::observation(&mut context.out, &seen, style)?;
        }
        Ok(Outcome::from(seen.holds()))
    }
}
