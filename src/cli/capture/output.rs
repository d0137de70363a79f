//! Where `netlab capture` puts packets: standard output, a capture file, or both.

use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};

use super::filter::wrong;
use super::summary::Summary;
use crate::capture::files::write::{About, Format, WriteError, Writer};
use crate::capture::filter::Matcher;
use crate::capture::{Counted, Dissector, Frame, Source};
use crate::cli::Context;
use crate::kernel::OsError;
use crate::link::LinkType;
use crate::report::packet::Look;
use crate::report::text::Text;
use crate::report::{packet, packet_json, packet_line};

/// Where packets go.
pub(super) struct Sink {
    /// Which frames are taken; where they come from an interface, the kernel has seen to it already.
    pub filter: Option<Matcher>,
    /// Standard output.
    pub show: Option<Show>,
    /// What is said of all frames together.
    pub summary: Option<Summary>,
    /// A capture file.
    pub written: Option<Written>,
    /// How many frames were handed on.
    pub done: u64,
}

/// Why packets stopped.
pub(super) enum Failure<E> {
    /// No more could be had.
    Source(E),
    /// No more could be handed on.
    Sink(anyhow::Error),
}

impl<E: std::error::Error + Send + Sync + 'static> Failure<E> {
    /// The failure as it is told; that of the source with its name.
    pub fn of(self, source: &impl std::fmt::Display) -> anyhow::Error {
        match self {
            Failure::Source(error) => anyhow!(error).context(source.to_string()),
            Failure::Sink(error) => error,
        }
    }
}

impl Sink {
    /// Hands on frames until there are no more, or `count` of them.
    pub fn run<S: Source>(
        &mut self,
        source: &mut S,
        count: Option<u64>,
        context: &mut Context,
    ) -> Result<(), Failure<S::Error>> {
        let count = count.unwrap_or(u64::MAX);
        while self.done < count {
            if !source.ready() {
                self.flush(context).map_err(Failure::Sink)?;
            }
            let Some(frame) = source.next().map_err(Failure::Source)? else { break };
            if self.takes(&frame).map_err(Failure::Sink)? {
                self.frame(frame, context).map_err(Failure::Sink)?;
                self.done += 1;
            }
        }
        Ok(())
    }

    fn takes(&mut self, frame: &Frame<'_>) -> anyhow::Result<bool> {
        let Some(filter) = &mut self.filter else { return Ok(true) };
        filter.matches(frame).map_err(|error| wrong(&error, filter.expression()))
    }

    fn frame(&mut self, frame: Frame<'_>, context: &mut Context) -> anyhow::Result<()> {
        if let Some(written) = &mut self.written {
            written.try_to(|writer| writer.frame(&frame))?;
        }
        if let Some(show) = &mut self.show {
            context.out.write_all(show.frame(frame))?;
        }
        if let Some(summary) = &mut self.summary {
            summary.see(frame, context)?;
        }
        Ok(())
    }

    /// Names an interface in the file before its first frame.
    pub fn describe(&mut self, interface: &str, link: LinkType) -> anyhow::Result<()> {
        self.written.as_mut().map_or(Ok(()), |written| written.try_to(|writer| writer.describe(interface, link)))
    }

    fn flush(&mut self, context: &mut Context) -> anyhow::Result<()> {
        if let Some(written) = &mut self.written {
            written.try_to(|writer| Ok(writer.flush()?))?;
        }
        Ok(context.out.flush()?)
    }

    /// Ends the file and flushes everything.
    pub fn finish(&mut self, counted: &[Counted], context: &mut Context) -> anyhow::Result<()> {
        if let Some(written) = &mut self.written {
            written.try_to(|writer| writer.finish(counted))?;
        }
        if let Some(summary) = &mut self.summary {
            summary.finish(context)?;
        }
        Ok(context.out.flush()?)
    }
}

/// A capture file being written.
pub(super) struct Written {
    name: String,
    writer: Writer<BufWriter<File>>,
}

/// A file to be written, in which nothing has changed yet.
pub(super) struct Output {
    path: PathBuf,
    /// What there was under this name; none when it is to be created.
    file: Option<File>,
}

impl Output {
    /// Opens the file; `-` is standard output. For a FIFO this waits until somebody reads it.
    pub fn open(path: &Path, showing: bool, context: &Context) -> anyhow::Result<Self> {
        let file = if path == Path::new("-") {
            if context.terminal {
                bail!("-w - would write a binary file to the terminal\nhint: netlab capture … -w - | program");
            }
            if showing {
                bail!("-w - takes standard output for itself: leave out -q, -v, -x and --json");
            }
            let out: OwnedFd = io::stdout().as_fd().try_clone_to_owned()?;
            Some(File::from(out))
        } else {
            match File::options().write(true).open(path) {
                Ok(file) => Some(file),
                Err(error) if error.kind() == ErrorKind::NotFound => None,
                Err(error) => return Err(OsError::from_io("create", path.display(), &error).into()),
            }
        };
        if file.as_ref().is_some_and(File::is_terminal) {
            bail!("{} is a terminal, which is no place for a binary file", path.display());
        }
        Ok(Output { path: path.to_owned(), file })
    }

    /// The file, empty.
    fn empty(self) -> io::Result<File> {
        let Output { path, file: Some(file) } = self else { return File::create(self.path) };
        if path != Path::new("-") && file.metadata()?.is_file() {
            file.set_len(0)?;
        }
        Ok(file)
    }
}

impl Written {
    /// Begins the file. The name says the format.
    pub fn begin(output: Output, about: About) -> anyhow::Result<Self> {
        let name = output.path.display().to_string();
        let file = output.empty().map_err(|error| OsError::from_io("create", &name, &error))?;
        let buffered = BufWriter::with_capacity(256 << 10, file);
        Ok(Written { writer: Writer::create(buffered, Format::of(&name), about)?, name })
    }

    fn try_to(
        &mut self,
        work: impl FnOnce(&mut Writer<BufWriter<File>>) -> Result<(), WriteError>,
    ) -> anyhow::Result<()> {
        work(&mut self.writer).map_err(|error| match error {
            // A closed pipe is no failure: it keeps the form by which it is recognised.
            WriteError::Io(error) if error.kind() != ErrorKind::BrokenPipe => {
                OsError::from_io("write", &self.name, &error).into()
            }
            other => other.into(),
        })
    }
}

/// How packets are shown.
pub(super) struct Show {
    form: Form,
    look: Look,
    dissector: Dissector,
    text: Text,
}

/// The form of what is shown.
pub(super) enum Form {
    /// A line for each frame.
    Line,
    /// A line for each layer.
    Layers,
    /// A JSON object for each frame.
    Json,
}

impl Show {
    /// Packets in this form and look, with conversations analysed where there is memory for them.
    pub fn new(form: Form, look: Look, memory: Option<usize>) -> Self {
        let dissector = Dissector::new(look.fields || matches!(form, Form::Json));
        let dissector = match memory {
            Some(memory) => dissector.analysing(memory),
            None => dissector,
        };
        Show { form, look, dissector, text: Text::default() }
    }

    /// What is to be printed for `frame`.
    fn frame(&mut self, frame: Frame<'_>) -> &[u8] {
        self.text.0.clear();
        let shown = self.dissector.read(frame);
        match self.form {
            Form::Line => {
                packet_line::write(&mut self.text, &shown, self.look.clock, self.look.numbers, self.look.palette);
            }
            Form::Layers => packet::write(&mut self.text, &shown, &self.look),
            Form::Json => packet_json::write(&mut self.text, &shown),
        }
        &self.text.0
    }
}
