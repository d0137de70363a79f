//! `netlab lab`: experiments on real kernels.

mod export;
mod given;
mod list;
mod net;
mod run;
mod several;
mod step;
mod watch;

use clap::{Subcommand, ValueEnum};

pub(super) use self::export::Export;
pub(super) use self::run::WIDTH;
use super::{Context, Outcome};
use crate::lab::observation::Language;

/// Run an experiment on real kernels and see every frame and both ends' states
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: netlab lab run handshake")]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the labs by layer
    #[command(after_help = "Example: netlab lab list --lang zh")]
    List(list::List),
    /// Run a lab, several, or all of them
    Run(Box<run::Run>),
    Net(net::Args),
}

impl Args {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Outcome> {
        match self.action {
            Action::List(list) => list.run(context),
            Action::Run(run) => run.run(context),
            Action::Net(args) => args.run(context),
        }
    }
}

/// Languages of the texts of labs and claims.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Lang {
    /// English
    En,
    /// Chinese
    Zh,
}

/// The language asked for, or that of the locale: the first of these variables that is set decides (POSIX).
pub(super) fn language(lang: Option<Lang>) -> Language {
    let locale = || {
        let set = |name: &&str| std::env::var(name).ok().filter(|value| !value.is_empty());
        ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(set)
    };
    match lang {
        Some(Lang::En) => Language::English,
        Some(Lang::Zh) => Language::Chinese,
        None if locale().is_some_and(|locale| locale.starts_with("zh")) => Language::Chinese,
        None => Language::English,
    }
}
