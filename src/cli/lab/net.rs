//! `netlab lab net`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use anyhow::{Context as _, bail};
use nix::sys::signal::Signal;

use super::super::{Context, Outcome};
use crate::kernel::child::ends_with_this;
use crate::lab::observation::Passage;
use crate::lab::plan::Plan;
use crate::lab::program;
use crate::lab::room;
use crate::lab::stage::{Nobody, Stage};

/// Build the network of a file and run a command, or a shell, inside one of its hosts
///
/// The file lists hosts and how they are joined:
///
///     [[host]]
///     name = "h1"
///     gateway = "10.0.1.254"
///
///     [[host]]
///     name = "router"
///     forward = true
///
///     [[network]]
///     kind = "wire"   # or "switch", "hub"
///     attach = ["h1 eth0 10.0.1.1/24", "router left 10.0.1.254/24"]
///     line = { delay = "20ms", loss = "2%", seed = 7 }
///     from.router = { rate = "10Mbit/s", queue = 20 }
///
/// `line` is what every frame of the network meets, each direction by
/// itself; `from.HOST` is what the frames of that host meet instead:
///
///     delay = "20ms"      time from the sender to the receiver
///     rate = "10Mbit/s"   bits of frames per second
///     queue = 100         frames that wait for the rate; more are lost
///     loss = "2%"         frames lost
///     duplicate = "1%"    frames that go on twice
///     reorder = "1%"      frames that the next one overtakes
///     corrupt = "1%"      frames with one bit turned over
///     seed = 7            the same seed meets the same frames
///
/// They act on whole Ethernet frames, ARP included, once, where a host
/// sends them into the network.
///
/// Needs no root. Everything is gone when the command ends.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment, after_help = "Example: netlab lab net two.toml --in h1 -- ping -c 1 10.0.1.2")]
pub struct Args {
    /// The network's file
    file: PathBuf,
    /// The host to be in; the first one if not said
    #[arg(long = "in", value_name = "HOST")]
    host: Option<String>,
    /// The command; a shell if none
    #[arg(last = true)]
    command: Vec<OsString>,
}

/// How a command ended, as nobody needs to be told in words.
struct Ended(std::io::Result<ExitStatus>);

impl program::Outcome for Ended {
    fn told(&self) -> String {
        String::new()
    }
}

impl Args {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Outcome> {
        let path = self.file.display();
        let text = std::fs::read_to_string(&self.file).with_context(|| format!("read {path}"))?;
        let plan = Plan::read(&text).with_context(|| path.to_string())?;
        let host = match &self.host {
            None => 0,
            Some(name) => match plan.host(name) {
                Some(host) => host,
                None => bail!("{path} has no host {name:?}; its hosts are {}", plan.names()),
            },
        };
        room::enter().context("a private network is needed")?;
        let mut nobody = Nobody;
        let mut stage = Stage::new(&mut nobody)?;
        stage.watch_states = false;
        stage.keep_frames = 0;
        plan.build(&mut stage)?;
        let name = plan.hosts.get(host).map(|host| host.name.clone()).unwrap_or_default();
        let ended = run_inside(&mut stage, host, &name, self.command)?;
        if let Some(text) = told(&stage.observation.wire) {
            context.note(text);
        }
        Ok(ended.into())
    }
}

/// What is to be said of what the networks did to the frames; nothing when all passed.
fn told(wire: &Passage) -> Option<String> {
    let Passage { frames, dropped, overflowed, cut, duplicated, corrupted, swapped, missed } = *wire;
    let counts = [
        (dropped, "lost by chance"),
        (overflowed, "lost in a full queue"),
        (cut, "lost on a cut wire"),
        (duplicated, "sent on twice"),
        (corrupted, "with a bit turned over"),
        (swapped, "overtaken"),
        (missed, "lost before the network saw them, because this machine was too busy"),
    ];
    let told: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    (!told.is_empty()).then(|| format!("of {frames} frames {}", told.join(", ")))
}

fn run_inside(stage: &mut Stage<'_>, host: usize, name: &str, command: Vec<OsString>) -> anyhow::Result<ExitStatus> {
    let shell = std::env::var_os("SHELL").unwrap_or_else(|| "/bin/sh".into());
    let mut words = if command.is_empty() { vec![shell] } else { command }.into_iter();
    let program = words.next().unwrap_or_default();
    let shown = program.to_string_lossy().into_owned();
    let mut child = Command::new(&program);
    child.args(words).env("NETLAB_HOST", name);
    let inside = stage.program(host);
    // A shell may run for days: the stage waits as long as it does.
    stage.patience = Duration::MAX;
    // A shell passes the signal on to what runs in it.
    let ended = stage.call(&inside, "", move || Ended(ends_with_this(&mut child, Signal::SIGHUP).status()))?;
    ended.0.with_context(|| format!("run {shown} in {name}"))
}
