//! What every command keeps: exit status, where output goes, colour, closed pipes, how errors look.

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitCode, ExitStatus};

use clap::error::ContextValue;
use clap::{Args, ValueEnum};

use crate::bytes::{Escaped, did_you_mean, nearest};
use crate::kernel::error::Meaning;
use crate::kernel::{OsError, errno};
use crate::report::Palette;

/// How a command that ran to its end came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Yes, or done: exit status 0.
    Yes,
    /// It ran, and the answer is no (other subnet, nothing open, host silent): exit status 1.
    No,
    /// Another program was run, and its exit status is the answer.
    Ended(u8),
    /// Ctrl-C came before the answer was there: exit status 130. A stream that ends when told to has done its work.
    Interrupted,
}

impl From<ExitStatus> for Outcome {
    /// As a shell tells it: the exit status, or 128 and the number of the signal that ended the program.
    fn from(status: ExitStatus) -> Self {
        let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
        Outcome::Ended(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(FAILED))
    }
}

impl From<bool> for Outcome {
    fn from(yes: bool) -> Self {
        if yes { Outcome::Yes } else { Outcome::No }
    }
}

/// Exit status of a command that could not be carried out: usage, privilege, input or output.
const FAILED: u8 = 2;
/// Exit status of a command that Ctrl-C ended early, as a shell gives it: 128 and the number of SIGINT.
const INTERRUPTED: u8 = 130;

/// Options that every command takes.
#[derive(Args, Clone, Copy, Debug)]
pub struct Global {
    /// Print JSON: one document, or one line per item for streams (keys: docs/json.md)
    #[arg(long, global = true, help_heading = "Output")]
    pub json: bool,
    /// Colour the output; auto means on a terminal, unless `NO_COLOR` is set
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto, value_name = "WHEN", help_heading = "Output")]
    pub color: Colour,
}

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless `NO_COLOR` is set or TERM is dumb
    Auto,
    /// Also into pipes and files
    Always,
    /// Not at all
    Never,
}

impl Colour {
    fn decide(self, terminal: bool, no_color: bool, dumb: bool) -> bool {
        match self {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => terminal && !no_color && !dumb,
        }
    }
}

/// What a command needs of its surroundings: where to write, and how it should look.
#[derive(Debug)]
pub struct Context {
    /// Standard output, buffered. Streams flush it when a reader should see a line.
    pub out: BufWriter<StandardOutput>,
    /// Colours of standard output.
    pub palette: Palette,
    /// Colours of notes on standard error.
    pub notes: Palette,
    /// Whether JSON was asked for.
    pub json: bool,
    /// Whether standard output is a terminal.
    pub terminal: bool,
    /// Columns of that terminal, for tables to fit in; none where output is no terminal.
    pub width: Option<u16>,
    /// Whether progress may be drawn on standard error: only on a terminal.
    pub progress: bool,
}

/// Standard output, whose failures say what could not be written.
#[derive(Debug)]
pub struct StandardOutput(StdoutLock<'static>);

impl Write for StandardOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(|error| not_written(&error))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(|error| not_written(&error))
    }
}

/// Keeps the kind, by which a closed pipe is recognised.
fn not_written(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), OsError::from_io("write", "standard output", error))
}

impl Context {
    /// The surroundings of this process under the given options.
    pub fn new(global: &Global) -> Self {
        let terminal = io::stdout().is_terminal();
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        Context {
            out: BufWriter::with_capacity(1 << 16, StandardOutput(io::stdout().lock())),
            palette: Palette { colour: !global.json && global.color.decide(terminal, no_color, dumb) },
            notes: Palette { colour: global.color.decide(io::stderr().is_terminal(), no_color, dumb) },
            json: global.json,
            terminal,
            width: crate::kernel::terminal::columns(io::stdout()),
            progress: io::stderr().is_terminal() && !global.json,
        }
    }

    /// Says something beside the result on standard error: `netlab: …`.
    pub fn note(&mut self, text: impl std::fmt::Display) {
        // What was printed so far comes first. A standard error that cannot be written is nobody's to hear about.
        let _ = self.out.flush();
        let _ = writeln!(io::stderr(), "netlab: {text}");
    }
}

/// Turns the result of a command into the exit status, after everything is written. A reader that closed the pipe has
/// seen what it wanted: that ends quietly.
pub fn finish(result: anyhow::Result<Outcome>, mut context: Context) -> ExitCode {
    let result = result.and_then(|outcome| Ok(context.out.flush().map(|()| outcome)?));
    match result {
        Ok(Outcome::Yes) => ExitCode::SUCCESS,
        Ok(Outcome::No) => ExitCode::from(1),
        Ok(Outcome::Ended(status)) => ExitCode::from(status),
        Ok(Outcome::Interrupted) => ExitCode::from(INTERRUPTED),
        Err(error) if is_broken_pipe(&error) => {
            // The buffer still holds what nobody will read; dropping it would try to write it again.
            let _ = context.out.into_parts();
            ExitCode::SUCCESS
        }
        Err(error) => {
            context.note(message(&error));
            ExitCode::from(FAILED)
        }
    }
}

/// Says what there is to say instead of running a command: the help that was asked for on standard output, or what is
/// wrong with the arguments on standard error.
pub fn say(mut said: clap::Error) -> ExitCode {
    let given = said.context().filter_map(|(kind, value)| match value {
        ContextValue::String(text) if text.contains(char::is_control) => {
            Some((kind, Escaped(text.as_bytes()).to_string()))
        }
        _ => None,
    });
    for (kind, text) in given.collect::<Vec<_>>() {
        said.insert(kind, ContextValue::String(text));
    }
    // What the terminal's buffer still holds could fail unheard at the end of the process.
    match said.print().and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe && !said.use_stderr() => {
            // A standard error that cannot be written is nobody's to hear about.
            let _ = writeln!(io::stderr(), "netlab: {}", message(&not_written(&error).into()));
            ExitCode::from(FAILED)
        }
        _ => ExitCode::from(u8::try_from(said.exit_code()).unwrap_or(FAILED)),
    }
}

/// The error and its causes, outermost first. A cause whose words the message already ends with is not said again.
fn message(error: &anyhow::Error) -> String {
    let mut said = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !said.ends_with(&cause) {
            said = format!("{said}: {cause}");
        }
    }
    harmless(&with_names(said))
}

/// Names of files and interfaces are foreign: what they hold cannot move the cursor or change a colour.
fn harmless(said: &str) -> String {
    let lines: Vec<_> = said.split('\n').map(|line| line.replace(char::is_control, "\u{fffd}")).collect();
    lines.join("\n")
}

/// The standard library's way to tell an errno (`… (os error 21)`) replaced by ours (`… (EISDIR)`).
fn with_names(said: String) -> String {
    if !said.contains("(os error ") {
        return said;
    }
    errno::all().fold(said, |said, errno| {
        said.replace(&io::Error::from_raw_os_error(errno as i32).to_string(), &Meaning(errno).to_string())
    })
}

/// Nothing of that name; the nearest ones are offered, and `listing` is the command that tells all.
pub fn unknown(what: &str, name: &str, names: impl Iterator<Item = &'static str>, listing: &str) -> anyhow::Error {
    let near = did_you_mean(&nearest(name, names.map(str::to_owned), 3));
    let near = near.map_or_else(String::new, |question| question + " ");
    anyhow::anyhow!("there is no {what} {name:?}\nhint: {near}`{listing}` lists all")
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        let json = cause.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind);
        io.or(json) == Some(io::ErrorKind::BrokenPipe)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_for_terminals_unless_told_otherwise() {
        assert!(Colour::Auto.decide(true, false, false));
        assert!(!Colour::Auto.decide(false, false, false));
        assert!(!Colour::Auto.decide(true, true, false));
        assert!(!Colour::Auto.decide(true, false, true));
        assert!(Colour::Always.decide(false, true, true));
        assert!(!Colour::Never.decide(true, false, false));
    }

    #[derive(Debug, thiserror::Error)]
    #[error("read: {0}")]
    struct Twice(#[source] io::Error);

    #[test]
    fn a_cause_that_was_said_is_not_said_again_and_an_errno_has_its_name() {
        let directory = || io::Error::from_raw_os_error(21);
        let twice = anyhow::Error::from(Twice(directory())).context("/tmp");
        assert_eq!(message(&twice), "/tmp: read: is a directory (EISDIR)");
        assert_eq!(message(&anyhow::Error::from(directory()).context("/tmp")), "/tmp: is a directory (EISDIR)");
        let refused = not_written(&io::Error::from_raw_os_error(28));
        assert_eq!(message(&refused.into()), "write standard output: no space left on device (ENOSPC)");
        assert_eq!(message(&anyhow::anyhow!("inner").context("outer")), "outer: inner");
    }

    #[test]
    fn a_closed_pipe_is_recognised_through_every_wrapping() {
        let pipe = || not_written(&io::Error::from_raw_os_error(32));
        assert!(is_broken_pipe(&anyhow::Error::from(pipe()).context("while printing")));
        assert!(is_broken_pipe(&serde_json::Error::io(pipe()).into()));
        assert!(!is_broken_pipe(&io::Error::from(io::ErrorKind::NotFound).into()));
    }
}
