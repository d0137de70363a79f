//! `netlab subnet --contains`: which addresses, of a stream of any length, are in which of many prefixes.

use std::fs::File;
use std::io::{self, Write};

use anyhow::{Context as _, bail};
use serde::Serialize;

use crate::bytes::Escaped;
use crate::internet::subnet::lines::{self, LONGEST_LINE, Line, Lines, Place, Verdict};
use crate::internet::subnet::matcher::Matcher;
use crate::internet::subnet::{Address, Prefix, Range, notation};
use crate::kernel::OsError;
use crate::kernel::signal::{Interrupts, Stoppable};
use crate::report::json;

use super::{Context, Outcome, lists};

/// How lines are matched and printed.
#[derive(Clone, Copy, Debug, clap::Args)]
#[command(next_help_heading = "With --contains")]
pub(super) struct Options {
    /// Print the longest matching prefix and a tab before each line
    #[arg(long, requires = "contains", conflicts_with_all = ["count", "invert"])]
    which: bool,
    /// Print the lines that have an address, but none in PREFIXES
    #[arg(long, requires = "contains")]
    invert: bool,
    /// Look at this field only, from 1, separated by blanks; a prefix or range there must be inside as a whole
    #[arg(long, value_name = "N", requires = "contains", value_parser = clap::value_parser!(u32).range(1..))]
    field: Option<u32>,
}

/// What became of the lines.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Tally {
    lines: u64,
    matched: u64,
    without_address: u64,
    too_long: u64,
}

/// One matching line, as JSON.
#[derive(Debug, Serialize)]
struct Match {
    line: u64,
    address: Address,
    prefix: Option<Prefix>,
}

/// A filter under way.
struct Filter<'a> {
    matcher: Matcher,
    options: Options,
    count: bool,
    tally: Tally,
    context: &'a mut Context,
}

pub(super) fn run(
    words: &[String],
    prefixes: &str,
    options: Options,
    count: bool,
    context: &mut Context,
) -> anyhow::Result<Outcome> {
    let ranges = prefixes_of(prefixes, context).context("--contains")?;
    let names = (options.which || context.json) && !count;
    let matcher = if names { Matcher::naming(&ranges) } else { Matcher::new(ranges) };
    let mut filter = Filter { matcher, options, count, tally: Tally::default(), context };
    if words.iter().all(|word| word == "-") {
        filter.stream()?;
    } else {
        filter.words(words)?;
    }
    filter.finish()
}

/// The prefixes: a list with commas where it reads as one, otherwise the file of that name.
fn prefixes_of(text: &str, context: &mut Context) -> anyhow::Result<Vec<Range>> {
    let list: Result<Vec<Range>, _> =
        text.split(',').map(|text| notation::entry(text.trim()).map(|e| e.range)).collect();
    let misread = match list {
        Ok(list) => return Ok(list),
        Err(misread) => misread,
    };
    match File::open(text) {
        Ok(file) => lists::read(file, text, context),
        Err(error) if error.kind() == io::ErrorKind::NotFound && looks_like_a_list(text) => {
            bail!("no file of this name, and no list: {misread}")
        }
        Err(error) => bail!(OsError::from_io("open", text, &error)),
    }
}

/// Whether what is wrong with `text` as a list may be of interest: it has several entries or begins like an address.
fn looks_like_a_list(text: &str) -> bool {
    text.contains([',', ':']) || text.starts_with(|c: char| c.is_ascii_digit())
}

impl Filter<'_> {
    fn stream(&mut self) -> anyhow::Result<()> {
        let place = self.options.field.map_or(Place::Anywhere, |field| Place::Field(field as usize));
        let interrupts = Interrupts::take()?;
        // At Ctrl-C the input ends, so that what was counted until then is printed.
        let mut lines = Lines::new(Stoppable::stdin(&interrupts)?);
        // What was found is shown before more input is waited for.
        while let Some(line) = lines.next(|| self.context.out.flush())? {
            self.tally.lines += 1;
            match line {
                Line::Whole(line) => self.line(line, lines::judge(line, place, &self.matcher))?,
                Line::TooLong => self.tally.too_long += 1,
            }
        }
        Ok(())
    }

    fn words(&mut self, words: &[String]) -> anyhow::Result<()> {
        for word in words {
            let range = notation::entry(word)?.range;
            self.tally.lines += 1;
            self.line(word.as_bytes(), lines::judge_range(range, &self.matcher))?;
        }
        Ok(())
    }

    #[inline]
    fn line(&mut self, line: &[u8], verdict: Verdict) -> io::Result<()> {
        let (address, prefix) = match (verdict, self.options.invert) {
            (Verdict::Held(address, prefix), false) => (address, prefix),
            (Verdict::Outside(address), true) => (address, None),
            (Verdict::NoAddress, _) => {
                self.tally.without_address += 1;
                return Ok(());
            }
            _ => return Ok(()),
        };
        self.tally.matched += 1;
        if self.count { Ok(()) } else { self.print(line, address, prefix) }
    }

    fn print(&mut self, line: &[u8], address: Address, prefix: Option<Prefix>) -> io::Result<()> {
        let out = &mut self.context.out;
        if self.context.json {
            return json::line(out, &Match { line: self.tally.lines, address, prefix });
        }
        if self.options.which {
            match prefix {
                Some(prefix) => write!(out, "{prefix}\t")?,
                // Only a whole prefix or range can be held without one prefix that holds all of it.
                None => write!(out, "several\t")?,
            }
        }
        if self.context.terminal {
            return writeln!(out, "{}", Escaped(line));
        }
        out.write_all(line)?;
        out.write_all(b"\n")
    }

    fn finish(self) -> anyhow::Result<Outcome> {
        let Filter { tally, count, context, .. } = self;
        if count && context.json {
            json::document(&mut context.out, &tally)?;
        } else if count {
            writeln!(context.out, "{}", tally.matched)?;
        }
        let Tally { lines, without_address, too_long, .. } = tally;
        if without_address > 0 {
            context.note(format_args!("{without_address} of {lines} lines had no address"));
        }
        if too_long > 0 {
            context.note(format_args!(
                "{too_long} of {lines} lines were longer than {LONGEST_LINE} bytes and passed over"
            ));
        }
        Ok((tally.matched > 0).into())
    }
}
