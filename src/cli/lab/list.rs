//! `netlab lab list`.

use std::io::Write;

use serde::Serialize;

use super::super::{Context, Outcome};
use super::{Lang, language};
use crate::lab::catalog::labs;
use crate::lab::experiment::Floor;
use crate::lab::observation::Words;
use crate::report::palette::Ink;
use crate::report::{json, lab_words};

/// `netlab lab list`.
#[derive(Debug, clap::Args)]
pub(super) struct List {
    /// Language of the texts; from `LC_ALL` or LANG by default
    #[arg(long, value_enum)]
    lang: Option<Lang>,
}

/// One lab, as JSON.
#[derive(Debug, Serialize)]
struct Row {
    lab: &'static str,
    layer: Floor,
    title: Words,
}

const FLOORS: [Floor; 4] = [Floor::Link, Floor::Internet, Floor::Transport, Floor::Application];

impl List {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Outcome> {
        let out = &mut context.out;
        let rows = labs().map(|lab| Row { lab: lab.name, layer: lab.floor, title: lab.title });
        if context.json {
            json::document(out, &serde_json::json!({ "labs": rows.collect::<Vec<_>>() }))?;
            return Ok(Outcome::Yes);
        }
        let (language, palette) = (language(self.lang), context.palette);
        let width = labs().map(|lab| lab.name.len()).max().unwrap_or(0);
        let mut first = true;
        for (floor, words) in FLOORS.into_iter().zip(lab_words::FLOORS) {
            let mut labs = labs().filter(|lab| lab.floor == floor).peekable();
            if labs.peek().is_none() {
                continue;
            }
            if !std::mem::take(&mut first) {
                writeln!(out)?;
            }
            writeln!(out, "{}", palette.paint(Ink::Faint, words.get(language)))?;
            for lab in labs {
                let name = palette.paint(Ink::Strong, lab.name);
                writeln!(out, "  {name:<width$}  {}", lab.title.get(language))?;
            }
        }
        Ok(Outcome::Yes)
    }
}
