//! `netlab lab run NAME`.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context as _, bail};

use super::super::contract::unknown;
use super::super::{Context, Outcome};
use super::export::Exports;
use super::several;
use super::step::Stepper;
use super::watch::Watching;
use super::{Lang, given, language};
use crate::kernel::signal::Interrupts;
use crate::lab::catalog;
use crate::lab::experiment::{Lab, Parameters};
use crate::lab::observation::{Language, Observation};
use crate::lab::room;
use crate::lab::stage::{LabError, Stage};
use crate::report::Paragraph;
use crate::report::clock::Clock;
use crate::report::headers::Numbers;
use crate::report::ladder::verdict;
use crate::report::packet::Look;
use crate::report::palette::Ink;
use crate::report::{diagram, lab_json, lab_words};

/// `netlab lab run`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: netlab lab run handshake --rtt 40ms --html handshake.html")]
pub(super) struct Run {
    /// Names of labs, from `netlab lab list`, or `all`; several print one line each
    #[arg(required = true, value_name = "LAB")]
    pub(super) names: Vec<String>,
    /// Wait for a key before each frame is let through; drop, duplicate or delay it
    #[arg(long)]
    pub(super) step: bool,
    /// Run on this machine's own loopback, without a private network and without seeing frames; a lab about frames
    /// refuses
    #[arg(long)]
    pub(super) loopback: bool,
    /// Also print what a teacher would say
    #[arg(long)]
    pub(super) explain: bool,
    /// Below each frame its layers; twice, every field of them
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
    /// Draw the headers of this frame, by its number on the ladder, bit by bit
    #[arg(long, value_name = "NUMBER", value_parser = given::frame, allow_hyphen_values = true)]
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
#[command(next_help_heading = "Export the run (- is standard output, instead of the ladder)")]
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
        let silent = self.is_silent(&exports, context)?;
        let look = (self.verbose > 0).then_some(Look {
            fields: self.verbose > 1,
            hex: false,
            clock: Clock::SinceFirst,
            numbers: Numbers::Relative,
            palette: context.palette,
        });
        let private = self.private_network(lab, context)?;
        // Its thread must not be there before the private network, nor those of the lab before it.
        let interrupts = Interrupts::take_the_first()?;
        let mut stepper = if self.step { Stepper::new(context, language, &interrupts)? } else { None };
        let watching = Watching::new(context, language, look, &interrupts, stepper.as_mut());
        let watching = if silent { watching.silent() } else { watching };
        let (observation, end) = show(lab, &parameters, watching, private)?;
        exports.write(lab, &observation, language)?;
        if !silent {
            self.conclude(lab, &observation, context, language)?;
        }
        if end == End::Left {
            context.note(format_args!("left the lab {} before its end", lab.name));
            return Ok(Outcome::Interrupted);
        }
        self.all_drawn(&observation)?;
        for option in given::options(parameters.unused()) {
            context.note(format_args!("the lab {} has no use for {option}", lab.name));
        }
        Ok(observation.holds().into())
    }

    /// The labs that were named, each once, in the order of the catalog.
    fn chosen(&self) -> anyhow::Result<Vec<&'static Lab>> {
        if let Some(name) = self.names.iter().find(|name| *name != ALL && catalog::find(name).is_none()) {
            return Err(unknown("lab", name, catalog::labs().map(|lab| lab.name), "netlab lab list"));
        }
        let named = |lab: &&Lab| self.names.iter().any(|name| name == lab.name || name == ALL);
        Ok(catalog::labs().filter(named).collect())
    }

    /// Whether standard output is for an export and for nothing else.
    fn is_silent(&self, exports: &Exports, context: &Context) -> anyhow::Result<bool> {
        if context.json && (self.verbose > 0 || !self.bits.is_empty()) {
            bail!("-v and --bits draw frames, and --json has the bytes of each: leave out one");
        }
        let asked = self.step || self.explain || self.verbose > 0 || !self.bits.is_empty() || context.json;
        match exports.on_standard_output().as_slice() {
            [] => Ok(false),
            [_] if !asked => Ok(true),
            [option, ..] => bail!(
                "{option} - takes standard output for itself: leave out other exports to -, --step, --explain, -v, --bits and --json"
            ),
        }
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
            if let Some(frame) = observation.frames().find(|frame| frame.number == *number) {
                writeln!(context.out)?;
                diagram::frame(&mut context.out, palette, *number, frame.leaving())?;
            }
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

    /// Whether every frame that was to be drawn was there.
    fn all_drawn(&self, observation: &Observation) -> anyhow::Result<()> {
        let kept = |number: &u64| observation.frames().any(|frame| frame.number == *number);
        match (self.bits.iter().find(|number| !kept(number)), observation.wire.frames) {
            (None, _) => Ok(()),
            (Some(number), last) if *number <= last => bail!("frame {number} was counted and not kept"),
            (Some(number), last) => bail!("the run had no frame {number}: its last one was {last}"),
        }
    }
}

/// How a lab ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// By itself.
    Reached,
    /// Because the user left it.
    Left,
}

/// Runs the lab and draws it as it happens.
fn show(
    lab: &Lab,
    parameters: &Parameters,
    mut watching: Watching<'_>,
    private: bool,
) -> anyhow::Result<(Observation, End)> {
    watching.title(lab)?;
    let mut stage = if private { Stage::new(&mut watching)? } else { Stage::on_loopback(&mut watching)? };
    let end = match (lab.run)(&mut stage, parameters) {
        Ok(()) => End::Reached,
        // What the run has to say of itself comes after all that was seen before.
        Err(LabError::Left) => {
            stage.finding(lab_words::ENDED, false, format!("{:.1} s", stage.now().as_secs_f32()));
            End::Left
        }
        Err(LabError::Late { waited_for, patience }) => {
            stage.finding(lab_words::CAME, false, format!("{waited_for}: {} s", patience.as_secs_f32()));
            End::Reached
        }
        // A closed pipe is recognised by its own error.
        Err(LabError::Show(error)) => return Err(error.into()),
        Err(error) => return Err(error.into()),
    };
    Ok((stage.observation, end))
}
