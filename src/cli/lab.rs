//! `netlab lab`.

use std::io::Write;

use anyhow::{Context as _, bail};
use clap::{Subcommand, ValueEnum};

use super::{Context, Outcome};
use crate::kernel::namespace;
use crate::lab::catalog::{self, LABS};
use crate::lab::experiment::{Lab, Parameters};
use crate::lab::fate::{Fate, Passing};
use crate::lab::observation::{Event, Language, Observation};
use crate::lab::stage::{Audience, LabError, Stage};
use crate::report::ladder::{Ladder, verdict};
use crate::report::palette::Ink;

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
    List {
        /// Language of the texts
        #[arg(long, value_enum)]
        lang: Option<Lang>,
    },
    /// Run a lab
    Run(Run),
    Net(super::lab_net::Args),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: netlab lab run handshake --rtt 40ms")]
struct Run {
    /// The lab, as `netlab lab list` calls it
    name: String,
    /// Also print what a teacher would say
    #[arg(long)]
    explain: bool,
    /// Language of the texts; from LANG by default
    #[arg(long, value_enum)]
    lang: Option<Lang>,
    /// Backlog of listening sockets
    #[arg(long)]
    backlog: Option<u32>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Lang {
    /// English
    En,
    /// Chinese
    Zh,
}

fn language(lang: Option<Lang>) -> Language {
    match lang {
        Some(Lang::En) => Language::English,
        Some(Lang::Zh) => Language::Chinese,
        None if std::env::var("LANG").is_ok_and(|lang| lang.starts_with("zh")) => Language::Chinese,
        None => Language::English,
    }
}

impl Args {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Outcome> {
        match self.action {
            Action::List { lang } => list(context, language(lang)),
            Action::Run(run) => run.run(context),
            Action::Net(args) => args.run(context),
        }
    }
}

fn list(context: &mut Context, language: Language) -> anyhow::Result<Outcome> {
    for lab in LABS {
        writeln!(context.out, "{:<14} {}", lab.name, lab.title.get(language))?;
    }
    Ok(Outcome::Yes)
}

impl Run {
    fn run(self, context: &mut Context) -> anyhow::Result<Outcome> {
        let Some(lab) = catalog::find(&self.name) else {
            bail!("there is no lab {:?}: see netlab lab list", self.name)
        };
        let language = language(self.lang);
        let parameters = Parameters { backlog: self.backlog, ..Parameters::default() };
        namespace::enter_private().context("a lab needs a private network")?;
        let observation = show(lab, &parameters, context, language)?;
        writeln!(context.out)?;
        verdict(&mut context.out, &observation, language, context.palette)?;
        if self.explain {
            writeln!(context.out, "\n{}", lab.explanation.get(language))?;
        }
        Ok(observation.holds().into())
    }
}

fn show(lab: &Lab, parameters: &Parameters, context: &mut Context, language: Language) -> anyhow::Result<Observation> {
    let title = context.palette.paint(Ink::Strong, lab.title.get(language));
    writeln!(context.out, "{title}\n")?;
    let mut watching = Watching { context, ladder: None, language };
    let mut stage = Stage::new(&mut watching)?;
    (lab.run)(&mut stage, parameters)?;
    Ok(stage.observation)
}

/// Draws the ladder while it happens.
struct Watching<'a> {
    context: &'a mut Context,
    ladder: Option<Ladder>,
    language: Language,
}

impl Audience for Watching<'_> {
    fn saw(&mut self, observation: &Observation, event: &Event) -> Result<(), LabError> {
        let (palette, language, out) = (self.context.palette, self.language, &mut self.context.out);
        if self.ladder.is_none() {
            let mut ladder = Ladder::new(observation.hosts.len(), 80, palette, language);
            ladder.head(out, observation).map_err(LabError::Show)?;
            self.ladder = Some(ladder);
        }
        self.ladder.iter_mut().try_for_each(|ladder| ladder.event(out, event)).map_err(LabError::Show)
    }

    fn decide(&mut self, _: &Observation, _: &Passing<'_>, fate: Fate) -> Result<Fate, LabError> {
        Ok(fate)
    }
}
