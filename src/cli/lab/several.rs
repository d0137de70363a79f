//! `netlab lab run` of several labs: each in a process of its own, because a private network belongs to a process.

use std::io::Write;
use std::num::NonZero;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use nix::sys::signal::Signal;
use serde::{Deserialize, Serialize};

use super::super::{Context, Outcome};
use super::run::Run;
use crate::bytes::Escaped;
use crate::kernel::child::ends_with_this;
use crate::kernel::signal::Interrupts;
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

pub(super) fn run(run: &Run, labs: &[&'static Lab], context: &mut Context) -> anyhow::Result<Outcome> {
    let exports = &run.exports;
    if run.step || run.explain || run.verbose > 0 || !run.bits.is_empty() {
        bail!("--step, --explain, --verbose and --bits are for one lab, not for several");
    }
    if exports.html.is_some() || exports.svg.is_some() || exports.pcap.is_some() {
        bail!("--html, --svg and --pcap are for one lab, not for several");
    }
    let mut arguments = run.given.arguments();
    arguments.extend(run.loopback.then(|| "--loopback".to_owned()));
    let interrupts = Interrupts::take_the_first()?;
    let (mut done, mut good, mut impossible) = (0, 0, 0);
    side_by_side(labs, &arguments, &interrupts, |next| match next {
        Next::Awaited(lab) if context.progress => {
            // Replaced by the result.
            Ok(write!(std::io::stderr(), "{} …\r", lab.name)?)
        }
        Next::Awaited(_) => Ok(()),
        Next::Done(result) => {
            done += 1;
            good += usize::from(result.holds);
            impossible += usize::from(result.error.is_some());
            print(&result, labs, context)?;
            Ok(context.out.flush()?)
        }
    })?;
    if done < labs.len() && context.progress {
        // The one that was awaited.
        write!(std::io::stderr(), "\r\x1b[K")?;
    }
    if impossible == labs.len() {
        bail!("no lab could be run");
    }
    if !context.json {
        writeln!(context.out, "\n{good} of {done} labs showed what they teach")?;
    }
    if done < labs.len() {
        context.note(format_args!("left after {done} of {} labs", labs.len()));
        return Ok(Outcome::Interrupted);
    }
    Ok((good == done).into())
}

/// What happens next to the labs, in their order.
enum Next {
    /// This one is waited for.
    Awaited(&'static Lab),
    /// It ended.
    Done(Result),
}

/// Labs that run at the same time for each processor: they mostly wait.
const AT_ONCE: usize = 2;

/// Whether to go on is asked at least so often.
const LOOK_UP: Duration = Duration::from_millis(50);

/// A lab, and where its result goes.
type Task = (&'static Lab, SyncSender<anyhow::Result<Result>>);

/// Runs the labs, several at the same time, and tells of them in their order; after a signal only of those that are done.
fn side_by_side(
    labs: &[&'static Lab],
    arguments: &[String],
    interrupts: &Interrupts,
    mut tell: impl FnMut(Next) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let (tasks, results): (Vec<Task>, Vec<_>) = labs.iter().map(|lab| task(lab)).unzip();
    start(tasks, arguments);
    let mut left = false;
    for (lab, result) in labs.iter().zip(results) {
        if !left {
            tell(Next::Awaited(lab))?;
        }
        let result = loop {
            left |= interrupts.arrived();
            match result.recv_timeout(if left { Duration::ZERO } else { LOOK_UP }) {
                Err(RecvTimeoutError::Timeout) if left => break None,
                Err(RecvTimeoutError::Timeout) => {}
                done => break Some(done??),
            }
        };
        result.map_or(Ok(()), |result| tell(Next::Done(result)))?;
    }
    Ok(())
}

fn task(lab: &'static Lab) -> (Task, Receiver<anyhow::Result<Result>>) {
    let (sender, result) = mpsc::sync_channel(1);
    ((lab, sender), result)
}

/// Begins the tasks, in their order. Who goes does not wait for what has begun: it ends with this process.
fn start(tasks: Vec<Task>, arguments: &[String]) {
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    let workers = tasks.len().min(processors * AT_ONCE);
    let waiting = Arc::new(Mutex::new(tasks.into_iter()));
    for _ in 0..workers {
        let (waiting, arguments) = (Arc::clone(&waiting), arguments.to_vec());
        let next = move || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
        thread::spawn(move || {
            while let Some((lab, done)) = next() {
                // Nobody listens any more where the output is gone.
                let _ = done.send(one(lab, &arguments));
            }
        });
    }
}

fn one(lab: &'static Lab, arguments: &[String]) -> anyhow::Result<Result> {
    let began = Instant::now();
    // The running program itself, even when its file was replaced meanwhile.
    let mut command = Command::new("/proc/self/exe");
    command.args(["lab", "run", lab.name, "--json", "--color=never"]).args(arguments).stdin(Stdio::null());
    // Ctrl-C at a terminal is for this process alone, which ends the others.
    command.process_group(0);
    let output = ends_with_this(&mut command, Signal::SIGKILL).output().context("start a lab")?;
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

fn print(result: &Result, labs: &[&'static Lab], context: &mut Context) -> anyhow::Result<()> {
    if context.json {
        return Ok(json::line(&mut context.out, result)?);
    }
    let width = labs.iter().map(|lab| lab.name.len()).max().unwrap_or(0);
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
