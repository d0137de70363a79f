//! `netlab capture`.

mod columns;
mod decode;
mod direction;
mod filter;
mod fragments;
mod ladder;
mod limits;
mod live;
mod naming;
mod output;
mod parquet;
mod process;
mod reading;
mod same;
mod show;
mod sides;
mod stats;
mod stored;
mod summary;
mod time;
mod top;
mod unread;
mod written;

use std::path::{Path, PathBuf};

use anyhow::bail;

use self::columns::Columns;
use self::decode::Decoding;
use self::direction::Directed;
use self::filter::Filtering;
use self::fragments::Fragments;
use self::limits::Limits;
use self::naming::Naming;
use self::output::Sink;
use self::parquet::{Parquet, Target};
use self::process::Processes;
use self::show::{Form, Show};
use self::summary::Summaries;
use self::time::Timed;
use self::top::{Display, Setup, Top};
use self::written::{Output, Rotation};
use super::{Context, Outcome};
use crate::bytes::Escaped;
use crate::capture::files::write::{About, Format};
use crate::kernel::sandbox::{self, Confined, Needs};
use crate::report::headers::Numbers;
use crate::report::packet::Look;

/// Show frames, layer by layer, from an interface or a capture file
///
/// Each frame is shown as its layers, one line per layer. Sequence numbers are also counted from the start of their
/// connection. At the end of a live capture the counts on standard error say how many frames were seen, shown and dropped;
/// they add up.
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
    #[arg(value_name = "WORD", required_unless_present_any = ["read", "program", "interface"])]
    words: Vec<String>,
    /// Interface to listen on, several times for several; frames come in the order of their times, and every word is part
    /// of the filter
    #[arg(short, long, value_name = "NAME", conflicts_with_all = ["read", "program"])]
    interface: Vec<String>,
    /// Read a capture file (pcap or pcapng, also compressed with gzip or zstd; - for standard input); several, each with
    /// its own -r, are merged by time
    #[arg(short, long, value_name = "FILE")]
    read: Vec<PathBuf>,
    /// Write a capture file (.pcap: classic, otherwise pcapng; .gz or .zst behind it: compressed; - for standard output)
    /// and show nothing, unless -q, -v, -x, -X or --json ask for it
    #[arg(short, long, value_name = "FILE")]
    write: Option<PathBuf>,
    /// With -w: text for whoever reads the file, shown when it was read (pcapng alone has a place for it). A copy of a file
    /// keeps what stands beside frames, and neither the comment of the whole nor TLS keys
    #[arg(long, value_name = "TEXT", requires = "write")]
    comment: Option<String>,
    /// One line per frame
    #[arg(short, long, conflicts_with_all = ["verbose", "hex"])]
    quiet: bool,
    /// Every field with its bits
    #[arg(short, long)]
    verbose: bool,
    /// The bytes of each layer below it, in hex and as characters
    #[arg(short = 'x', long)]
    hex: bool,
    /// The bytes of the whole frame in one piece below it, as xxd and tcpdump show them; also with -q
    #[arg(short = 'X', long)]
    ascii: bool,
    /// Show TCP sequence numbers only as they are in the header
    #[arg(short = 'S', long)]
    absolute: bool,
    #[command(flatten)]
    time: Timed,
    /// Capture at most this many bytes of each frame
    #[arg(short, long, value_name = "BYTES", default_value_t = 262_144, conflicts_with = "read",
          value_parser = clap::value_parser!(u32).range(1..=262_144), help_heading = "Live capture")]
    snaplen: u32,
    /// Do not ask the interface for frames to other machines
    #[arg(short = 'p', long, conflicts_with = "read", help_heading = "Live capture")]
    no_promiscuous: bool,
    /// Kernel memory for frames that wait to be read, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 32, conflicts_with = "read",
          value_parser = clap::value_parser!(u32).range(2..=2047), help_heading = "Live capture")]
    ring: u32,
    /// Memory for frames that wait to be shown or written, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 64, conflicts_with = "read",
          value_parser = clap::value_parser!(u32).range(1..=2047), help_heading = "Live capture")]
    queue: u32,
    /// Capture in another network namespace: a name from `ip netns list`, a process number or a path
    #[arg(long, value_name = "NAME|PID", conflicts_with = "read", help_heading = "Live capture")]
    netns: Option<String>,
    /// Exit with status 1 when a frame was lost anywhere
    #[arg(long, conflicts_with = "read", help_heading = "Live capture")]
    strict: bool,
    /// Keep every right while frames are read, for the case that the sandbox gets in the way
    #[arg(long)]
    no_sandbox: bool,
    /// Tell rates and the counts of each interface at the end; while frames are written and standard error is a terminal,
    /// also once a second
    #[arg(long)]
    stats: bool,
    #[command(flatten)]
    parquet: Parquet,
    #[command(flatten)]
    columns: Columns,
    #[command(flatten)]
    decoding: Decoding,
    #[command(flatten)]
    naming: Naming,
    #[command(flatten)]
    fragments: Fragments,
    #[command(flatten)]
    limits: Limits,
    #[command(flatten)]
    rotation: Rotation,
    #[command(flatten)]
    summaries: Summaries,
    #[command(flatten)]
    top: Top,
    #[command(flatten)]
    filter: Filtering,
    #[command(flatten)]
    direction: Directed,
    #[command(flatten)]
    processes: Processes,
}

impl Args {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Outcome> {
        if self.filter.prints() {
            return self.filter.print(&self.words, self.snaplen, context);
        }
        self.refuse_looks_without_frames(context)?;
        self.naming.refuse_without_place(self.write.as_deref(), self.prints(context))?;
        if self.rotation.folder(self.write.as_deref()).and(self.summaries.folder()).is_some() {
            bail!("a row of files and --follow=FOLDER both make files: leave out one");
        }
        if !self.read.is_empty() {
            return self.stored(context);
        }
        match (self.interface.as_slice(), self.words.split_first()) {
            ([], Some((interface, filter))) => self.live(std::slice::from_ref(interface), filter, context),
            ([], None) => bail!("an interface or -r FILE is needed"),
            (interfaces, _) => self.live(interfaces, &self.words, context),
        }
    }

    /// Refuses what says how frames look where none are shown, or where that says nothing of their look.
    fn refuse_looks_without_frames(&self, context: &Context) -> anyhow::Result<()> {
        if self.columns.wanted() && context.json {
            bail!("--fields prints columns and --json objects: leave out one");
        }
        let follows = self.summaries.follows();
        let looks = [
            ("--fields", self.columns.wanted(), false),
            ("-v", self.verbose, true),
            ("-x", self.hex && !follows, false),
            ("-X", self.ascii, false),
        ];
        for (option, _, is_in_json) in looks.into_iter().filter(|(_, given, _)| *given) {
            if self.summaries.wanted() {
                bail!("{option} is about single frames, and a summary takes their place: leave out one");
            }
            if context.json && !is_in_json {
                bail!("{option} prints bytes as people read them and --json objects: leave out one");
            }
        }
        Ok(())
    }

    /// Gives away every right that is not needed any more; `asks`: the kernel is asked about interfaces.
    fn confine(&self, asks: bool) -> Option<Confined> {
        let folder = self.rotation.folder(self.write.as_deref()).or(self.summaries.folder());
        let (terminal, helper) = (self.top.wanted(), self.processes.wanted());
        (!self.no_sandbox).then(|| sandbox::confine(Needs { folder, asks, terminal, helper, ..Needs::default() }))
    }

    /// Whether packets are shown, on their own or beside the file.
    fn shows(&self, context: &Context) -> bool {
        if self.summaries.wanted() || self.top.wanted() {
            return false;
        }
        let written = self.write.is_some() || self.parquet.wanted();
        !written || self.quiet || self.verbose || self.hex || self.ascii || self.columns.wanted() || context.json
    }

    /// Whether standard output is taken: by packets, or by what is said of all together.
    fn prints(&self, context: &Context) -> bool {
        self.shows(context) || self.summaries.wanted()
    }

    /// What a file that is written says of itself.
    fn about(&self) -> About {
        let application = concat!("netlab ", env!("CARGO_PKG_VERSION")).to_owned();
        About { application, comment: self.comment.clone().unwrap_or_default(), ..About::default() }
    }

    /// Opens the file to be written. Nobody may be reading a FIFO yet: until then a signal still ends the process.
    fn output(&self, context: &Context) -> anyhow::Result<Option<Output>> {
        if let (Some(_), Some(path)) = (&self.comment, self.write.as_deref())
            && Format::of(&path.to_string_lossy()) == Format::Pcap
        {
            bail!("a classic pcap file has no place for a comment: give it a name that ends in .pcapng");
        }
        let files: Vec<_> = self.files().collect();
        for (at, (option, path)) in files.iter().enumerate() {
            if let Some((other, _)) = files[..at].iter().find(|(_, other)| same::file(path, other)) {
                bail!("{other} and {option} name the same file");
            }
        }
        let open = |path| Output::open(path, self.rotation, self.prints(context), context);
        self.write.as_deref().map(open).transpose()
    }

    /// The files that are written, with the options that name them.
    fn files(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        let all =
            [("-w", self.write.as_deref()), ("--parquet", self.parquet.path()), ("--ladder", self.summaries.file())];
        all.into_iter().filter_map(|(option, path)| Some((option, path?)))
    }

    /// Opens the file for the table, under the same terms.
    fn table(&self, context: &Context) -> anyhow::Result<Option<Target>> {
        if !self.parquet.wanted() {
            return Ok(None);
        }
        self.parquet.open(self.prints(context), context)
    }

    /// Opens the live screen, where one is wanted, for frames from `sources`.
    fn display(&self, sources: &str, context: &Context) -> anyhow::Result<Option<Display>> {
        let setup = || Setup {
            sources: Escaped(sources.as_bytes()).to_string(),
            input_is_used: self.read.iter().any(|path| path == Path::new("-")),
            memory: self.summaries.memory(),
            dissector: self.watching(),
            look: self.look(context),
            zone: self.time.zone(),
        };
        self.top.open(setup, context)
    }

    /// Where the packets go. Files are begun later, when nothing can be refused any more.
    fn sink(&self, context: &Context) -> anyhow::Result<Sink> {
        Ok(Sink {
            filter: None,
            direction: None,
            dissector: self.dissector(context),
            condition: self.filter.condition.clone(),
            show: self.shows(context).then(|| self.show(context)),
            summary: self.summaries.begin(self.hex, context)?,
            watch: None,
            written: None,
            table: None,
            limits: self.limits,
            done: 0,
            bytes: 0,
            unwanted: 0,
        })
    }

    fn look(&self, context: &Context) -> Look {
        let numbers = if self.absolute { Numbers::Absolute } else { Numbers::Relative };
        let clock = self.time.clock();
        Look { fields: self.verbose, hex: self.hex, clock, numbers, palette: context.palette }
    }

    fn show(&self, context: &Context) -> Show {
        let form = match (context.json, self.quiet) {
            _ if self.columns.wanted() => Form::Columns(self.columns.places(), self.columns.style()),
            (true, _) => Form::Json,
            (false, true) => Form::Line,
            (false, false) => Form::Layers,
        };
        Show::new(form, self.look(context)).headed(self.columns.head()).dumping(self.ascii).in_zone(self.time.zone())
    }
}
