//! `netlab capture`.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use clap::ValueEnum;

use super::{Context, Outcome};
use crate::capture::files::write::{About, Format, Writer};
use crate::capture::live::{self, End, Live};
use crate::capture::{Accounting, Dissector, FileError, Frame, Packet, Source, Stored};
use crate::kernel::signal::Interrupts;
use crate::link::packet_socket::Instruction;
use crate::report::headers::Numbers;
use crate::report::packet::{Clock, Look};
use crate::report::text::Text;
use crate::report::{packet, packet_json, packet_line};

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
#[command(after_help = "Example: netlab capture eth0 -c 10\n         netlab capture -r trace.pcapng -q\n         \
                        sudo netlab capture any -w trace.pcapng")]
pub struct Args {
    /// Interface to listen on; `any` for all of them
    #[arg(value_name = "INTERFACE", required_unless_present = "read", conflicts_with = "read")]
    interface: Option<String>,
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
        let interrupts = Interrupts::take()?;
        match (&self.read, &self.interface) {
            (Some(path), _) => self.stored(path, &interrupts, context),
            (None, Some(interface)) => self.live(interface, &interrupts, context),
            (None, None) => bail!("an interface or -r FILE is needed"),
        }
    }

    fn stored(&self, path: &Path, interrupts: &Interrupts, context: &mut Context) -> anyhow::Result<Outcome> {
        let name = path.display();
        let file = open(path).with_context(|| format!("open {name}"))?;
        self.refuse_to_overwrite(&file)?;
        let mut source = Stored::open(Stoppable { file, interrupts }).with_context(|| name.to_string())?;
        let mut sink = self.sink(String::new(), context)?;
        let result = sink.run(&mut source, self.count, context);
        let interrupted = interrupts.arrived();
        sink.finish(None, context)?;
        match result {
            Err(Failure::Source(FileError::Cut { .. })) if interrupted => {}
            result => result.map_err(|failure| failure.context(&name))?,
        }
        Ok(Outcome::Yes)
    }

    fn live(&self, interface: &str, interrupts: &Interrupts, context: &mut Context) -> anyhow::Result<Outcome> {
        let options = live::Options {
            ring_mebibytes: self.ring,
            promiscuous: !self.no_promiscuous,
            filter: vec![Instruction::take(self.snaplen)],
        };
        let mut source = Live::open(interface, options, interrupts)?;
        let mut sink = self.sink(operating_system(), context)?;
        if interface != live::ALL {
            sink.describe(interface, source.link())?;
        }
        context.note(format_args!("capturing on {interface} ({}), Ctrl-C stops", source.link().name()));
        let result = sink.run(&mut source, self.count, context);
        let accounting = source.finish()?;
        sink.finish(Some(accounting), context)?;
        result.map_err(|failure| failure.context(&interface))?;
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

    /// Where the packets go: shown, written, or both.
    fn sink(&self, system: String, context: &Context) -> anyhow::Result<Sink> {
        let asked = self.quiet || self.verbose || self.hex || context.json;
        let show = (self.write.is_none() || asked).then(|| self.show(context));
        let about = About {
            application: concat!("netlab ", env!("CARGO_PKG_VERSION")).to_owned(),
            system,
            snap_length: self.snaplen,
        };
        let writer = self.write.as_deref().map(|path| create(path, about, show.is_some(), context)).transpose()?;
        Ok(Sink { show, writer })
    }

    fn show(&self, context: &Context) -> Show {
        let numbers = if self.absolute { Numbers::Absolute } else { Numbers::Relative };
        let clock = match self.time {
            Time::First => Clock::SinceFirst,
            Time::Previous => Clock::SincePrevious,
            Time::Utc => Clock::Utc,
            Time::Epoch => Clock::Epoch,
        };
        let look = Look { fields: self.verbose, hex: self.hex, clock, numbers, palette: context.palette };
        let form = match (context.json, self.quiet) {
            (true, _) => Form::Json,
            (false, true) => Form::Line,
            (false, false) => Form::Layers,
        };
        let dissector = Dissector::new(self.verbose || context.json);
        Show { form, look, dissector, text: Text::default() }
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

fn create(path: &Path, about: About, showing: bool, context: &Context) -> anyhow::Result<Writer<BufWriter<File>>> {
    let name = path.display();
    let file = if path == Path::new("-") {
        if context.terminal {
            bail!("-w - would write a binary file to the terminal\nhint: netlab capture … -w - | program");
        }
        if showing {
            bail!("-w - takes standard output for itself: leave out -q, -v, -x and --json");
        }
        let out: OwnedFd = io::stdout().as_fd().try_clone_to_owned()?;
        File::from(out)
    } else {
        let file = File::create(path).with_context(|| format!("create {name}"))?;
        if file.is_terminal() {
            bail!("{name} is a terminal, which is no place for a binary file");
        }
        file
    };
    let format = Format::of(&path.to_string_lossy());
    Writer::create(BufWriter::with_capacity(256 << 10, file), format, about).with_context(|| format!("write {name}"))
}

/// A file whose reading ends when a signal comes.
struct Stoppable<'a> {
    file: File,
    interrupts: &'a Interrupts,
}

impl Read for Stoppable<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let ready = self.interrupts.wait_for(self.file.as_fd()).map_err(io::Error::other)?;
        if ready { self.file.read(buffer) } else { Ok(0) }
    }
}

/// Where packets go.
struct Sink {
    show: Option<Show>,
    writer: Option<Writer<BufWriter<File>>>,
}

/// Why packets stopped.
enum Failure<E> {
    Source(E),
    Sink(anyhow::Error),
}

impl<E: std::error::Error + Send + Sync + 'static> Failure<E> {
    fn context(self, source: &impl std::fmt::Display) -> anyhow::Error {
        match self {
            Failure::Source(error) => anyhow!(error).context(source.to_string()),
            Failure::Sink(error) => error,
        }
    }
}

impl Sink {
    /// Hands on frames until there are no more, or `count` of them.
    fn run<S: Source>(
        &mut self,
        source: &mut S,
        count: Option<u64>,
        context: &mut Context,
    ) -> Result<(), Failure<S::Error>> {
        for _ in 0..count.unwrap_or(u64::MAX) {
            if !source.ready() {
                self.flush(context).map_err(Failure::Sink)?;
            }
            let Some(frame) = source.next().map_err(Failure::Source)? else { break };
            self.frame(frame, context).map_err(Failure::Sink)?;
        }
        Ok(())
    }

    fn frame(&mut self, frame: Frame<'_>, context: &mut Context) -> anyhow::Result<()> {
        if let Some(writer) = &mut self.writer {
            writer.frame(&frame)?;
        }
        if let Some(show) = &mut self.show {
            show.frame(frame);
            context.out.write_all(&show.text.0)?;
        }
        Ok(())
    }

    fn describe(&mut self, interface: &str, link: crate::link::LinkType) -> anyhow::Result<()> {
        Ok(self.writer.as_mut().map_or(Ok(()), |writer| writer.describe(interface, link))?)
    }

    fn flush(&mut self, context: &mut Context) -> anyhow::Result<()> {
        if let Some(writer) = &mut self.writer {
            writer.flush()?;
        }
        Ok(context.out.flush()?)
    }

    fn finish(&mut self, accounting: Option<Accounting>, context: &mut Context) -> anyhow::Result<()> {
        if let Some(writer) = self.writer.take() {
            writer.finish(accounting)?;
        }
        Ok(context.out.flush()?)
    }
}

/// How packets are shown.
struct Show {
    form: Form,
    look: Look,
    dissector: Dissector,
    text: Text,
}

enum Form {
    Line,
    Layers,
    Json,
}

impl Show {
    fn frame(&mut self, frame: Frame<'_>) {
        self.text.0.clear();
        let shown: Packet<'_> = self.dissector.read(frame);
        match self.form {
            Form::Line => {
                packet_line::write(&mut self.text, &shown, self.look.clock, self.look.numbers, self.look.palette);
            }
            Form::Layers => packet::write(&mut self.text, &shown, &self.look),
            Form::Json => packet_json::write(&mut self.text, &shown),
        }
    }
}
