//! `netlab lab run all`: every lab, each in a process of its own, because a private network belongs to a process.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};

use super::super::{Context, Outcome};
use super::run::Run;
use crate::bytes::Escaped;
use crate::lab::catalog::labs;
use crate::lab::experiment::Lab;
use crate::report::json;
use crate::report::palette::Ink;

/// What came of one lab.
#[derive(Debug, Serialize)]
struct Result {
    lab: &'static str,
    duration_ms: u64,
    /// Findings that were seen, of how many.
    seen: usize,
    findings: usize,
    holds: bool,
    /// Why it could not be run; null when it was.
    error: Option<String>,
}

/// The part of a lab's document that is counted.
#[derive(Debug, Deserialize)]
struct Document {
    findings: Vec<Finding>,
}

#[derive(Debug, Deserialize)]
struct Finding {
    seen: bool,
}

pub(super) fn run(run: &Run, context: &mut Context) -> anyhow::Result<Outcome> {
    let exports = &run.exports;
    if run.step || run.explain || !run.bits.is_empty() {
        bail!("--step, --explain and --bits are for one lab, not for all");
    }
    if exports.html.is_some() || exports.svg.is_some() || exports.pcap.is_some() {
        bail!("--html, --svg and --pcap are for one lab, not for all");
    }
    let (mut good, mut impossible) = (0, 0);
    for lab in labs() {
        if context.progress {
            // Replaced by the result.
            write!(std::io::stderr(), "{} …\r", lab.name)?;
        }
        let result = one(lab, &run.given.arguments())?;
        good += usize::from(result.holds);
        impossible += usize::from(result.error.is_some());
        print(&result, context)?;
        context.out.flush()?;
    }
    if impossible == labs().count() {
        bail!("no lab could be run");
    }
    if !context.json {
        writeln!(context.out, "\n{good} of {} labs showed what they teach", labs().count())?;
    }
    Ok((good == labs().count()).into())
}

fn one(lab: &'static Lab, arguments: &[String]) -> anyhow::Result<Result> {
    let began = Instant::now();
    // The running program itself, even when its file was replaced meanwhile.
    let output = Command::new("/proc/self/exe")
        .args(["lab", "run", lab.name, "--json", "--color=never"])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .context("start a lab")?;
    let duration: Duration = began.elapsed();
    let document: Option<Document> = serde_json::from_slice(&output.stdout).ok();
    let error = document.is_none().then(|| {
        let text = String::from_utf8_lossy(&output.stderr);
        let text = text.trim().trim_start_matches("netlab: ");
        if text.is_empty() { output.status.to_string() } else { text.to_owned() }
    });
    let findings = document.map(|document| document.findings).unwrap_or_default();
    Ok(Result {
        lab: lab.name,
        duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
        seen: findings.iter().filter(|finding| finding.seen).count(),
        findings: findings.len(),
        holds: error.is_none() && output.status.success(),
        error,
    })
}

fn print(result: &Result, context: &mut Context) -> anyhow::Result<()> {
    if context.json {
        return Ok(json::line(&mut context.out, result)?);
    }
    let width = labs().map(|lab| lab.name.len()).max().unwrap_or(0);
    let (mark, ink) = if result.holds { ("✔", Ink::Good) } else { ("✘", Ink::Bad) };
    let seconds = result.duration_ms as f64 / 1000.0;
    let Result { lab, seen, findings, error, .. } = result;
    write!(context.out, "{} {lab:<width$}  {seconds:>6.1} s  ", context.palette.paint(ink, mark))?;
    match error {
        None => writeln!(context.out, "{seen} of {findings}")?,
        Some(error) => writeln!(context.out, "{}", Escaped(error.as_bytes()))?,
    }
    Ok(())
}
