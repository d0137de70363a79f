//! `netlab claims`.

use std::io::{self, Write};

use anyhow::bail;
use clap::ValueEnum;

use super::contract::unknown;
use super::lab::{Lang, language};
use super::{Context, Outcome};
use crate::kernel::signal::Interrupts;
use crate::lab::claims::{Article, Claim, Expected, Ground, Judged, Verdict, claims, run};
use crate::lab::experiment::Floor;
use crate::lab::room;
use crate::report;

/// Try what articles say of networks: it holds, holds when …, or is refuted
///
/// Every statement is tried on this kernel, now, in hosts of its own, and what was measured stands below it. A statement
/// that cannot be tried says why.
///
/// Exit status: 0 when every verdict is the one that the texts explain, 1 when this kernel says otherwise, 2 when
/// nothing could be tried.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: netlab claims --layer transport --explain")]
pub struct Args {
    /// Statements to try, by their names; all of them by default
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// Only what this article says
    #[arg(long, value_enum)]
    article: Option<ArticleName>,
    /// Only what is about this layer
    #[arg(long, value_enum)]
    layer: Option<Layer>,
    /// Say why it is so, or what is so instead
    #[arg(short = 'v', long, visible_alias = "verbose")]
    explain: bool,
    /// List the statements without trying them
    #[arg(long)]
    list: bool,
    /// Language of the texts; from `LC_ALL` or LANG by default
    #[arg(long, value_enum)]
    lang: Option<Lang>,
}

/// The articles, as docs/claims.md names them.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "UPPER")]
enum ArticleName {
    A0,
    A1,
    A2,
    A3,
    A4,
}

/// The layers of RFC 1122.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Layer {
    Link,
    Internet,
    Transport,
    Application,
}

impl From<ArticleName> for Article {
    fn from(name: ArticleName) -> Self {
        match name {
            ArticleName::A0 => Article::A0,
            ArticleName::A1 => Article::A1,
            ArticleName::A2 => Article::A2,
            ArticleName::A3 => Article::A3,
            ArticleName::A4 => Article::A4,
        }
    }
}

impl From<Layer> for Floor {
    fn from(layer: Layer) -> Self {
        match layer {
            Layer::Link => Floor::Link,
            Layer::Internet => Floor::Internet,
            Layer::Transport => Floor::Transport,
            Layer::Application => Floor::Application,
        }
    }
}

impl Args {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Outcome> {
        let chosen = self.chosen()?;
        let (language, width) = (language(self.lang), context.width.unwrap_or(80));
        if self.list {
            report::claims::list(&mut context.out, &chosen, language, context.palette, width)?;
            return Ok(Outcome::Yes);
        }
        let ground = match room::enter_or_stay() {
            Ok(()) => Ground::private(),
            Err(refusal) => {
                context.note(format_args!("no private network, so only what can do without is tried: {refusal}"));
                Ground::on_loopback()
            }
        };
        // After the private network, which is not for a process with other threads.
        let interrupts = Interrupts::take_the_first()?;
        let (mut left, of) = (false, chosen.len());
        let judged = run(ground, &chosen, |done| {
            left = interrupts.arrived();
            progress(context.progress, done, if left { done } else { of });
            !left
        });
        if context.json {
            report::claims::document(&mut context.out, &judged)?;
        } else {
            report::claims::all(&mut context.out, &judged, self.explain, language, context.palette, width)?;
        }
        if judged.len() < of {
            context.note(format_args!("left after {} of {of} statements", judged.len()));
            return Ok(Outcome::Interrupted);
        }
        conclude(&judged, context)
    }

    fn chosen(&self) -> anyhow::Result<Vec<(Floor, &'static Claim)>> {
        if let Some(id) = self.ids.iter().find(|id| !claims().any(|(_, claim)| claim.id == **id)) {
            return Err(unknown("statement", id, claims().map(|(_, claim)| claim.id), "netlab claims --list"));
        }
        let (article, layer) = (self.article.map(Article::from), self.layer.map(Floor::from));
        let chosen = claims().filter(|(floor, claim)| {
            let named = self.ids.is_empty() || self.ids.iter().any(|id| id == claim.id);
            let said = article.is_none_or(|article| claim.articles.contains(&article));
            named && said && layer.is_none_or(|layer| layer == *floor)
        });
        let chosen: Vec<_> = chosen.collect();
        if chosen.is_empty() {
            bail!("no statement is all of that: see netlab claims --list");
        }
        Ok(chosen)
    }
}

/// Where a terminal shows it: how many are done, replaced by what comes next.
fn progress(shown: bool, done: usize, of: usize) {
    if shown {
        let end = if done == of { "\r\x1b[K" } else { "" };
        // Progress that cannot be shown is nobody's to hear about.
        let _ = write!(io::stderr(), "\r{done} / {of} …{end}");
    }
}

fn conclude(judged: &[Judged], context: &mut Context) -> anyhow::Result<Outcome> {
    if judged.iter().all(|judged| judged.verdict == Verdict::NotTried) {
        let reason = judged.iter().find_map(|judged| judged.reason.clone()).unwrap_or_default();
        bail!("nothing could be tried: {reason}");
    }
    for judged in judged.iter().filter(|judged| !judged.as_explained()) {
        let explained = match judged.claim.expected {
            Expected::Holds => "it holds",
            Expected::HoldsWhen(_) => "it holds under a condition",
            Expected::Refuted => "it is refuted",
        };
        context
            .note(format_args!("{}: the texts explain that {explained}; this kernel says otherwise", judged.claim.id));
    }
    Ok(judged.iter().all(Judged::as_explained).into())
}
