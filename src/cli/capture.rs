//! `netlab capture`.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use clap::ValueEnum;

use super::capture_filter::Filtering;
use super::capture_output::{Failure, Form, Output, Show, Sink, Written};
use super::{Context, Outcome};
use crate::capture::files::write::About;
use crate::capture::live::{self, End, Live};
use crate::capture::{Accounting, FileError, Stored};
use crate::kernel::OsError;
use crate::kernel::signal::{Interrupts, Stoppable};
use crate::report::headers::Numbers;
use crate::report::packet::{Clock, Look};

/// Show frames, layer by layer, from an interface or a capture file
///
/// Each frame is shown as its layers, one line per layer. Sequence numbers are also counted from the start of their
/// connection. At the end the counts on standard error say how many frames were seen, shown and dropped; they add up.
///
/// On the loopback interface every frame is sent and received; it is shown once, as received.
///
/// A frame whose checksum says "left to the network card" was seen before the card, or nobody (on virtual links), filled
/// it in: that is no damage.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
#[command(override_usage = "netlab capture [OPTIONS] <INTERFACE> [FILTER]...\n       \
                            netlab capture [OPTIONS] -r <FILE> [FILTER]...\n       \
                            netlab capture -d [FILTER]...")]
#[command(after_help = "Example: netlab capture eth0 -c 10\n         netlab capture -r trace.pcapng -q\n         \
                        sudo netlab capture any -w trace.pcapng")]
pub struct Args {
    /// Interface to listen on (`any` for all of them; none with -r and -d), then a filter in the language of tcpdump:
    /// docs/filters.md
    #[arg(value_name = "WORD", required_unless_present_any = ["read", "program"])]
    words: Vec<String>,
    /// Read a capture file (pcap or pcapng; - for standard input)
    #[arg(short, long, value_name = "FILE")]
    read: Option<PathBuf>,
    /// Write a capture file (.pcap: classic, otherwise pcapng; - for standard output) and show nothing, unless -q, -v, -x
    /// or --json ask for it
    #[arg(short, long, value_name = "FILE")]
    write: Option<PathBuf>,
    /// Stop after N frames
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// One line per frame
    #[arg(short, long, conflicts_with_all = ["verbose", "hex"])]
    quiet: bool,
    /// Every field with its bits
    #[arg(short, long)]
    verbose: bool,
    /// The bytes of each layer below it
    #[arg(short = 'x', long)]
    hex: bool,
    /// Show TCP sequence numbers only as they are in the header
    #[arg(short = 'S', long)]
    absolute: bool,
    /// Which time to show
    #[arg(short, long, value_enum, default_value_t = Time::First, value_name = "WHICH")]
    time: Time,
    /// Capture at most this many bytes of each frame
    #[arg(short, long, value_name = "BYTES", default_value_t = 262_144, conflicts_with = "read",
          value_parser = clap::value_parser!(u32).range(1..=262_144), help_heading = "Live capture")]
    snaplen: u32,
    /// Do not ask the interface for frames to other machines
    #[arg(short = 'p', long, conflicts_with = "read", help_heading = "Live capture")]
    no_promiscuous: bool,
    /// Kernel memory for frames that wait to be read, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 16, conflicts_with = "read",
          value_parser = clap::value_parser!(u32).range(2..=2047), help_heading = "Live capture")]
    ring: u32,
    #[command(flatten)]
    filter: Filtering,
}

/// Which time of a frame is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Time {
    /// Seconds since the first frame
    First,
    /// Seconds since the frame before
    Previous,
    /// Date and time, UTC
    Utc,
    /// Seconds since 1970
    Epoch,
}

impl Args {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Outcome> {
        if self.filter.prints() {
            return self.filter.print(&self.words, self.snaplen, context);
        }
        match (&self.read, self.words.split_first()) {
            (Some(path), _) => self.stored(path, context),
            (None, Some((interface, filter))) => self.live(interface, filter, context),
            (None, None) => bail!("an interface or -r FILE is needed"),
        }
    }

    fn stored(&self, path: &Path, context: &mut Context) -> anyhow::Result<Outcome> {
        let name = path.display();
        let filter = self.filter.for_file(&self.words)?;
        let file = open(path).map_err(|error| OsError::from_io("open", &name, &error))?;
        self.refuse_to_overwrite(&file)?;
        let output = self.output(context)?;
        let interrupts = &Interrupts::take_the_first()?;
        let mut source = Stored::open(Stoppable::new(file, interrupts)).with_context(|| name.to_string())?;
        let mut sink = Sink { filter, ..self.sink(output, String::new(), 0, context)? };
        let result = sink.run(&mut source, self.count, context);
        let interrupted = interrupts.arrived();
        sink.finish(None, context)?;
        match result {
            Err(Failure::Source(FileError::Cut { .. })) if interrupted => {}
            result => result.map_err(|failure| failure.of(&name))?,
        }
        Ok(Outcome::Yes)
    }

    fn live(&self, interface: &str, filter: &[String], context: &mut Context) -> anyhow::Result<Outcome> {
        let options = live::Options {
            ring_mebibytes: self.ring,
            promiscuous: !self.no_promiscuous,
            filter: self.filter.for_interface(filter, interface, self.snaplen)?,
        };
        let output = self.output(context)?;
        let interrupts = Interrupts::take_the_first()?;
        let mut source = Live::open(interface, options, &interrupts)?;
        let mut sink = self.sink(output, operating_system(), self.snaplen.saturating_add(live::MOST_ADDED), context)?;
        if interface != live::ALL {
            sink.describe(interface, source.link())?;
        }
        context.note(format_args!("capturing on {interface} ({}), Ctrl-C stops", source.link().name()));
        let result = sink.run(&mut source, self.count, context);
        let accounting = source.finish()?;
        sink.finish(Some(accounting), context)?;
        result.map_err(|failure| failure.of(&interface))?;
        context.note(self.summary(accounting));
        match source.end() {
            Some(End::Gone(reason)) => Err(anyhow!(reason.clone())),
            _ => Ok(Outcome::Yes),
        }
    }

    fn summary(&self, Accounting { seen, shown, dropped, left }: Accounting) -> String {
        let done = if self.write.is_some() { "written" } else { "shown" };
        let frames = if seen == 1 { "frame" } else { "frames" };
        let left = if left > 0 { format!(", {left} came after the last one asked for") } else { String::new() };
        let hint = match dropped {
            0 => "",
            _ => "\nhint: a larger --ring, a smaller --snaplen, -q or -w FILE lose less",
        };
        format!("{seen} {frames} seen: {shown} {done}, {dropped} dropped by the kernel{left}{hint}")
    }

    /// Whether packets are shown, on their own or beside the file.
    fn shows(&self, context: &Context) -> bool {
        self.write.is_none() || self.quiet || self.verbose || self.hex || context.json
    }

    /// Opens the file to be written. Nobody may be reading a FIFO yet: until then a signal still ends the process.
    fn output(&self, context: &Context) -> anyhow::Result<Option<Output>> {
        self.write.as_deref().map(|path| Output::open(path, self.shows(context), context)).transpose()
    }

    /// Where the packets go: shown, written, or both.
    fn sink(
        &self,
        output: Option<Output>,
        system: String,
        snap_length: u32,
        context: &Context,
    ) -> anyhow::Result<Sink> {
        let show = self.shows(context).then(|| self.show(context));
        let about =
            About { application: concat!("netlab ", env!("CARGO_PKG_VERSION")).to_owned(), system, snap_length };
        let written = output.map(|output| Written::begin(output, about)).transpose()?;
        Ok(Sink { filter: None, show, written })
    }

    fn show(&self, context: &Context) -> Show {
        let numbers = if self.absolute { Numbers::Absolute } else { Numbers::Relative };
        let clock = match self.time {
            Time::First => Clock::SinceFirst,
            Time::Previous => Clock::SincePrevious,
            Time::Utc => Clock::Utc,
            Time::Epoch => Clock::Epoch,
        };
        let form = match (context.json, self.quiet) {
            (true, _) => Form::Json,
            (false, true) => Form::Line,
            (false, false) => Form::Layers,
        };
        let look = Look { fields: self.verbose, hex: self.hex, clock, numbers, palette: context.palette };
        Show::new(form, look)
    }

    /// Writing to the file that is being read would destroy it before it is read.
    fn refuse_to_overwrite(&self, file: &File) -> anyhow::Result<()> {
        use std::os::unix::fs::MetadataExt;
        let Some(other) = self.write.as_deref().and_then(|path| path.metadata().ok()) else { return Ok(()) };
        let own = file.metadata()?;
        if own.is_file() && (own.dev(), own.ino()) == (other.dev(), other.ino()) {
            bail!("-r and -w name the same file");
        }
        Ok(())
    }
}

fn operating_system() -> String {
    std::fs::read_to_string("/proc/sys/kernel/osrelease")
        .map_or_else(|_| "Linux".into(), |r| format!("Linux {}", r.trim()))
}

fn open(path: &Path) -> io::Result<File> {
    if path == Path::new("-") {
        return Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?));
    }
    File::open(path)
}
