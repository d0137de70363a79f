//! `netlab lab run NAME`.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context as _, bail};

use super::super::{Context, Outcome};
use super::export::Exports;
use super::several;
use super::step::Stepper;
use super::watch::Watching;
use super::{Lang, given, language};
use crate::lab::catalog;
use crate::lab::experiment::{Lab, Parameters};
use crate::lab::observation::{Language, Observation};
use crate::lab::room;
use crate::lab::stage::{LabError, Stage};
use crate::report::Paragraph;
use crate::report::headers::Numbers;
use crate::report::ladder::verdict;
use crate::report::packet::{Clock, Look};
use crate::report::palette::Ink;
use crate::report::{diagram, lab_json, lab_words};

/// `netlab lab run`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: netlab lab run handshake --rtt 40ms --html handshake.html")]
pub(super) struct Run {
    /// The labs, as `netlab lab list` calls them, or `all`; of several, one line each
    #[arg(required = true, value_name = "LAB")]
    pub(super) names: Vec<String>,
    /// Wait for a key before each frame is let through; drop, duplicate or delay it
    #[arg(long)]
    pub(super) step: bool,
    /// Use this machine's own loopback instead of a private network: no frame is seen, and only some labs can
    #[arg(long)]
    pub(super) loopback: bool,
    /// Also print what a teacher would say
    #[arg(long)]
    pub(super) explain: bool,
    /// Below each frame its layers; twice, every field of them
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
    /// Draw the headers of this frame bit by bit
    #[arg(long, value_name = "FRAME")]
    pub(super) bits: Vec<u64>,
    /// Language of the texts; from `LC_ALL` or LANG by default
    #[arg(long, value_enum)]
    lang: Option<Lang>,
    #[command(flatten)]
    pub(super) given: given::Args,
    #[command(flatten)]
    pub(super) exports: ExportArgs,
}

/// Where else the run is written.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Export the run")]
pub(super) struct ExportArgs {
    /// One page that steps through the run in any browser, without a network
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,
    /// The ladder as a picture
    #[arg(long, value_name = "FILE")]
    pub(super) svg: Option<PathBuf>,
    /// The frames as each host saw them, as pcapng
    #[arg(long, value_name = "FILE")]
    pub(super) pcap: Option<PathBuf>,
}

/// Stands for every lab.
const ALL: &str = "all";

/// Columns where there is no terminal.
pub(in crate::cli) const WIDTH: usize = 80;

impl Run {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Outcome> {
        let chosen = self.chosen()?;
        let [lab] = chosen.as_slice() else { return several::run(&self, &chosen, context) };
        let language = language(self.lang);
        let parameters = Parameters::from(self.given.given());
        // Before the run: a file that cannot be written should not cost a lab.
        let exports = Exports::open(&self.exports)?;
        let look = (self.verbose > 0).then_some(Look {
            fields: self.verbose > 1,
            hex: false,
            clock: Clock::SinceFirst,
            numbers: Numbers::Relative,
            palette: context.palette,
        });
        let mut stepper = if self.step { Stepper::new(context, language)? } else { None };
        let private = self.private_network(lab, context)?;
        let watching = Watching::new(context, language, look, stepper.as_mut());
        let Some(observation) = show(lab, &parameters, watching, private)? else {
            return Ok(Outcome::No);
        };
        exports.write(lab, &observation, language)?;
        self.conclude(lab, &observation, context, language)?;
        for option in given::options(parameters.unused()) {
            context.note(format_args!("the lab {} has no use for {option}", lab.name));
        }
        Ok(observation.holds().into())
    }

    /// The labs that were named, each once, in the order of the catalog.
    fn chosen(&self) -> anyhow::Result<Vec<&'static Lab>> {
        if let Some(name) = self.names.iter().find(|name| *name != ALL && catalog::find(name).is_none()) {
            bail!("there is no lab {name:?}: see netlab lab list")
        }
        let named = |lab: &&Lab| self.names.iter().any(|name| name == lab.name || name == ALL);
        Ok(catalog::labs().filter(named).collect())
    }

    /// Enters a private network; false where the lab is to do, and can do, without.
    fn private_network(&self, lab: &Lab, context: &mut Context) -> anyhow::Result<bool> {
        if self.loopback {
            if !lab.on_loopback {
                bail!("the lab {} is about frames, which it cannot see on loopback", lab.name);
            }
            return Ok(false);
        }
        if !lab.on_loopback {
            room::enter().context("a lab needs a private network")?;
            return Ok(true);
        }
        let refusal = room::enter_or_stay().err();
        if let Some(refusal) = &refusal {
            context.note(format_args!("no private network, so on loopback and without frames: {refusal}"));
        }
        Ok(refusal.is_none())
    }

    fn conclude(
        &self,
        lab: &Lab,
        observation: &Observation,
        context: &mut Context,
        language: Language,
    ) -> anyhow::Result<()> {
        let (palette, width) = (context.palette, context.width.map_or(WIDTH, usize::from));
        if context.json {
            return Ok(lab_json::document(&mut context.out, lab, observation)?);
        }
        for number in &self.bits {
            let Some(frame) = observation.frames().find(|frame| frame.number == *number) else {
                bail!("the lab has no frame {number}: its last one is {}", observation.frames().count())
            };
            writeln!(context.out)?;
            diagram::frame(&mut context.out, palette, *number, &frame.bytes)?;
        }
        writeln!(context.out)?;
        verdict(&mut context.out, observation, language, palette, width)?;
        if self.explain {
            writeln!(context.out, "\n{}", palette.paint(Ink::Strong, lab_words::EXPLANATION.get(language)))?;
            let text = lab.explanation.get(language);
            let paragraph = Paragraph { lead: "", lead_ink: Ink::Strong, text, ink: None };
            paragraph.write(&mut context.out, palette, u16::try_from(width).ok())?;
        }
        Ok(())
    }
}

/// Runs the lab and draws it as it happens; none when the user left it.
fn show(
    lab: &Lab,
    parameters: &Parameters,
    mut watching: Watching<'_>,
    private: bool,
) -> anyhow::Result<Option<Observation>> {
    watching.title(lab)?;
    let mut stage = if private { Stage::new(&mut watching)? } else { Stage::on_loopback(&mut watching)? };
    match (lab.run)(&mut stage, parameters) {
        Ok(()) => Ok(Some(stage.observation)),
        Err(LabError::Left) => Ok(None),
        // A closed pipe is recognised by its own error.
        Err(LabError::Show(error)) => Err(error.into()),
        Err(error) => Err(error.into()),
    }
}
