//! `netlab subnet` on lists of networks: `--supernet`, `--aggregate`, `--exclude`, and the lists themselves.

use std::io::{self, Read, Write};

use anyhow::{Context as _, bail};

use crate::internet::subnet::lines::{LONGEST_LINE, Line, Lines};
use crate::internet::subnet::{Misread, Prefix, Range, notation, range};
use crate::kernel::OsError;
use crate::report::json;

use super::{Context, Outcome};

/// The smallest prefix that holds all that the words name.
pub(super) fn supernet(words: &[String], context: &mut Context) -> anyhow::Result<Outcome> {
    let ranges = ranges(words, context)?;
    let prefix = range::supernet(&ranges).context("the list holds IPv4 and IPv6, which no prefix covers")?;
    print(&[prefix], context)?;
    Ok(Outcome::Yes)
}

/// The fewest prefixes for all that the words name and `excluded` does not.
pub(super) fn aggregate(words: &[String], excluded: &[String], context: &mut Context) -> anyhow::Result<Outcome> {
    let without = excluded.iter().map(|text| Ok(entry(text, context)?)).collect::<anyhow::Result<Vec<_>>>();
    let left = range::subtract(ranges(words, context)?, without.context("--exclude")?);
    let prefixes: Vec<Prefix> = left.into_iter().flat_map(Range::prefixes).collect();
    print(&prefixes, context)?;
    Ok((!prefixes.is_empty()).into())
}

fn print(prefixes: &[Prefix], context: &mut Context) -> io::Result<()> {
    if context.json {
        return json::document(&mut context.out, &serde_json::json!({ "prefixes": prefixes }));
    }
    prefixes.iter().try_for_each(|prefix| writeln!(context.out, "{prefix}"))
}

/// What the words name; `-`, or no word at all, stands for the lines of standard input.
fn ranges(words: &[String], context: &mut Context) -> anyhow::Result<Vec<Range>> {
    let mut all = Vec::new();
    for word in words {
        match word.as_str() {
            "-" => all.extend(read(io::stdin().lock(), "standard input", context)?),
            word => all.push(entry(word, context)?),
        }
    }
    if words.is_empty() {
        all = read(io::stdin().lock(), "standard input", context)?;
    }
    if all.is_empty() {
        bail!("the list is empty: expected addresses, prefixes or ranges");
    }
    Ok(all)
}

/// Reads a list from a file: one entry per line, `#` and `;` start a comment. Any line that is not understood ends it,
/// because a list with a hole would give wrong answers.
pub(super) fn read(source: impl Read, name: &str, context: &mut Context) -> anyhow::Result<Vec<Range>> {
    let mut lines = Lines::new(source);
    let mut all = Vec::new();
    let mut number = 0_u64;
    while let Some(line) = lines.next(|| Ok(())).map_err(|error| OsError::from_io("read", name, &error))? {
        number += 1;
        let Line::Whole(bytes) = line else { bail!("{name}, line {number}: longer than {LONGEST_LINE} bytes") };
        let text = String::from_utf8_lossy(bytes);
        let text = notation::without_comment(&text);
        if !text.is_empty() {
            all.push(entry(text, context).with_context(|| format!("{name}, line {number}"))?);
        }
    }
    Ok(all)
}

fn entry(text: &str, context: &mut Context) -> Result<Range, Misread> {
    let entry = notation::entry(text)?;
    if entry.host_bits_cleared {
        let prefix = entry.range.supernet();
        context.note(format_args!("{text} has bits set behind its length and is taken as {prefix}"));
    }
    Ok(entry.range)
}
