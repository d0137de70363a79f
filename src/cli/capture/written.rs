//! The capture file that is written, or the row of them.

use std::fs::{self, File};
use std::io::{self, ErrorKind, IsTerminal};
use std::net::IpAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::bail;

use crate::bytes::amounts;
use crate::capture::batch::Batch;
use crate::capture::files::measured::Measured;
use crate::capture::files::pack::{Packer, Packing};
use crate::capture::files::record::{Form, Record};
use crate::capture::files::row::{Row, Turns};
use crate::capture::files::write::{About, Format, WriteError, Writer};
use crate::capture::names::Names;
use crate::capture::{Counted, Frame};
use crate::cli::Context;
pub(super) use crate::cli::destination::empty;
use crate::cli::destination::{folder, may_create_in, there};
use crate::kernel::OsError;
use crate::link::LinkType;

/// Bytes around a name in a file: its address, its lengths, its padding.
const NAME_AROUND: usize = 25;

/// A row of files instead of one.
#[derive(Clone, Copy, Debug, clap::Args)]
#[command(next_help_heading = "A row of files")]
pub(super) struct Rotation {
    /// With -w: begin the next file before one is larger than SIZE, such as 100MB. Number and time of its first frame
    /// become part of a file's name: trace-00001-20260131T235959Z.pcapng
    #[arg(long, value_name = "SIZE", value_parser = amounts::size, requires = "write")]
    rotate_size: Option<u64>,
    /// With -w: begin the next file at every multiple of TIME (UTC), such as 10min, 1h or 1d
    #[arg(long, value_name = "TIME", value_parser = amounts::some_time, requires = "write")]
    rotate_every: Option<Duration>,
    /// Keep the N newest files of the row and remove the older ones
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    keep: Option<u32>,
}

impl Rotation {
    /// The folder of the row of files named like `path`; none where there is one file.
    pub fn folder(self, path: Option<&Path>) -> Option<&Path> {
        path.filter(|_| self.rotate_size.is_some() || self.rotate_every.is_some()).map(folder)
    }

    fn turns(self) -> anyhow::Result<Option<Turns>> {
        let Rotation { rotate_size: size, rotate_every: every, keep } = self;
        match (size, every, keep) {
            (None, None, None) => Ok(None),
            (None, None, Some(_)) => bail!("--keep is about a row of files: --rotate-size or --rotate-every makes one"),
            _ => Ok(Some(Turns { size, every, keep: keep.map(|keep| keep as usize) })),
        }
    }
}

/// Where frames are to be written, and nothing has changed yet.
pub(super) enum Output {
    /// One file: its name and what there was under it; none when it is to be created.
    One(PathBuf, Option<File>),
    /// A row of files that are not there yet.
    Row(Row),
}

impl Output {
    /// Opens the file; `-` is standard output. For a FIFO this waits until somebody reads it.
    pub fn open(path: &Path, rotation: Rotation, showing: bool, context: &Context) -> anyhow::Result<Self> {
        let turns = rotation.turns()?;
        match turns {
            Some(_) if path == Path::new("-") => bail!("standard output is one file: a row of files needs a name"),
            Some(turns) => row(path, turns),
            None => Output::single(path, "-w", showing, context),
        }
    }

    /// The same for one file that `option` names.
    pub fn single(path: &Path, option: &str, showing: bool, context: &Context) -> anyhow::Result<Self> {
        if path == Path::new("-") { standard_output(option, showing, context) } else { one(path) }
    }

    /// The format that the name asks for.
    fn format(&self) -> Format {
        let path = match self {
            Output::One(path, _) => path,
            Output::Row(row) => row.like(),
        };
        Format::of(&path.to_string_lossy())
    }

    /// Whether frames that begin so all fit into one file.
    pub fn fits(&self, mut links: impl Iterator<Item = LinkType>) -> Result<(), WriteError> {
        let Some(first) = links.next().filter(|_| self.format() == Format::Pcap) else { return Ok(()) };
        links.find(|link| *link != first).map_or(Ok(()), |other| Err(WriteError::MixedLinks { first, other }))
    }

    /// Creates a file that is not there yet: afterwards that may no longer be allowed.
    pub fn create(&mut self) -> anyhow::Result<()> {
        if let Output::One(path, file @ None) = self {
            *file = Some(File::create(&*path).map_err(|error| OsError::from_io("create", path.display(), &error))?);
        }
        Ok(())
    }
}

fn standard_output(option: &str, showing: bool, context: &Context) -> anyhow::Result<Output> {
    if context.terminal {
        bail!("{option} - would write a binary file to the terminal\nhint: netlab capture … {option} - | program");
    }
    if showing {
        bail!(
            "{option} - takes standard output for itself: leave out -q, -v, -x, -X, --fields, --json and summaries such as --flows"
        );
    }
    let out: OwnedFd = io::stdout().as_fd().try_clone_to_owned()?;
    Ok(Output::One("-".into(), Some(File::from(out))))
}

/// A missing right is told now, not when the first frame comes.
fn row(path: &Path, turns: Turns) -> anyhow::Result<Output> {
    may_create_in(folder(path))?;
    Ok(Output::Row(Row::new(path, turns)))
}

fn one(path: &Path) -> anyhow::Result<Output> {
    let file = there(path)?;
    if file.as_ref().is_some_and(File::is_terminal) {
        bail!("{} is a terminal, which is no place for a binary file", path.display());
    }
    Ok(Output::One(path.to_owned(), file))
}

/// A capture file being written, or a row of them.
///
/// **Invariant:** every file that was closed is whole: it begins with its interfaces and ends with their counts.
pub(super) struct Written {
    about: About,
    /// The interfaces that every file begins with.
    described: Vec<(String, LinkType)>,
    format: Format,
    row: Option<Row>,
    open: Option<Open>,
    /// The file that is open was not told yet what names are known.
    nameless: bool,
    /// Whether the present file is the one for the next frame.
    has_room: bool,
}

/// Bytes are counted as they reach the file.
type Target = Packer<Measured<File>>;

/// The file that is open.
struct Open {
    name: String,
    writer: Writer<Target>,
}

impl Open {
    fn begin(path: &Path, file: File, about: About) -> anyhow::Result<Self> {
        let name = path.display().to_string();
        let (packing, _) = Packing::of(&name);
        let to = Measured::new(file);
        Ok(Open { writer: Writer::create(Packer::new(to, packing), Format::of(&name), about)?, name })
    }

    /// Bytes that are in the file, or soon will be at most.
    fn size(&self) -> u64 {
        let to = self.writer.get_ref();
        to.get_ref().bytes().saturating_add((to.waiting() + self.writer.waiting()) as u64)
    }

    fn finish(&mut self, counted: &[Counted]) -> anyhow::Result<()> {
        self.try_to(|writer| {
            writer.finish(counted)?;
            Ok(writer.get_mut().finish()?)
        })
    }

    fn try_to(&mut self, work: impl FnOnce(&mut Writer<Target>) -> Result<(), WriteError>) -> anyhow::Result<()> {
        work(&mut self.writer).map_err(|error| match error {
            // A closed pipe is no failure: it keeps the form by which it is recognised.
            WriteError::Io(error) if error.kind() == ErrorKind::BrokenPipe => error.into(),
            WriteError::Io(error) => OsError::from_io("write", &self.name, &error).into(),
            mixed @ WriteError::MixedLinks { .. } => mixed.into(),
        })
    }
}

impl Written {
    /// Begins the file, or gets ready for the first of a row. The name says the format.
    pub fn begin(output: Output, about: About) -> anyhow::Result<Self> {
        let format = output.format();
        let mut written =
            Written { about, described: Vec::new(), format, row: None, open: None, nameless: false, has_room: false };
        match output {
            Output::One(path, file) => {
                let file = empty(&path, file).map_err(|error| OsError::from_io("create", path.display(), &error))?;
                written.open = Some(Open::begin(&path, file, written.about.clone())?);
            }
            Output::Row(row) => written.row = Some(row),
        }
        Ok(written)
    }

    /// Names an interface before its first frame.
    pub fn describe(&mut self, interface: &str, link: LinkType) -> anyhow::Result<()> {
        self.described.push((interface.to_owned(), link));
        self.try_to(|writer| writer.describe(interface, link))
    }

    /// How frames of the one interface that was described stand in the file; none when there are more, or none yet.
    pub fn form(&self) -> Option<Form> {
        (self.described.len() == 1).then_some(Form { format: self.format, interface: 0 })
    }

    /// Writes a batch of frames in that form, or tells that the present file ends within it.
    pub fn batch(&mut self, batch: &Batch) -> anyhow::Result<bool> {
        if self.is_over(batch.records().len(), batch.latest().unwrap_or(0)) {
            return Ok(false);
        }
        self.try_to(|writer| Ok(writer.batch(batch)?))?;
        Ok(true)
    }

    /// Writes a frame in that form, where it is time for it into the next file.
    pub fn record(&mut self, record: &Record<'_>) -> anyhow::Result<()> {
        if self.is_over(record.length as usize, record.time) {
            self.turn(record.time)?;
        }
        self.try_to(|writer| Ok(writer.record(record)?))
    }

    /// Whether frames of so many bytes seen at `time` belong into the next file.
    fn is_over(&self, length: usize, time: i64) -> bool {
        let written = || self.open.as_ref().map_or(0, Open::size);
        self.row.as_ref().is_some_and(|row| row.is_over(written(), length as u64, time))
    }

    /// Writes a frame, where it is time for it into the next file.
    pub fn frame(&mut self, frame: &Frame<'_>) -> anyhow::Result<()> {
        self.make_room(frame)?;
        self.has_room = false;
        self.try_to(|writer| writer.frame(frame))
    }

    /// Goes on to the next file where it is time for it, before `frame` is written.
    pub fn make_room(&mut self, frame: &Frame<'_>) -> anyhow::Result<()> {
        let time = frame.time.unwrap_or(0);
        if !std::mem::replace(&mut self.has_room, true) && self.is_over(frame.bytes.len(), time) {
            self.turn(time)?;
        }
        Ok(())
    }

    /// Writes what names are new; into a file that has just begun all of them, as far as they leave room for frames.
    pub fn names(&mut self, names: &mut Names) -> anyhow::Result<()> {
        let fresh = names.take_fresh();
        let told = if std::mem::take(&mut self.nameless) { names.learnt() } else { fresh };
        let mut room = self.row.as_ref().and_then(Row::room_for_names).unwrap_or(usize::MAX);
        let fits = |(_, name): &(IpAddr, &str)| {
            room = room.saturating_sub(NAME_AROUND.saturating_add(name.len()));
            room > 0
        };
        let pairs: Vec<_> =
            told.iter().filter_map(|address| Some((*address, names.of(*address)?))).take_while(fits).collect();
        self.try_to(|writer| {
            writer.names(&pairs);
            Ok(())
        })
    }

    /// Closes the file of a row and begins the next.
    fn turn(&mut self, time: i64) -> anyhow::Result<()> {
        self.open.take().map_or(Ok(()), |mut open| open.finish(&[]))?;
        let Some(row) = &mut self.row else { return Ok(()) };
        let path = row.next(time);
        let file = File::options().write(true).create_new(true).open(&path);
        let file = file.map_err(|error| OsError::from_io("create", path.display(), &error))?;
        let mut open = Open::begin(&path, file, self.about.clone())?;
        for (interface, link) in &self.described {
            open.try_to(|writer| writer.describe(interface, *link))?;
        }
        self.open = Some(open);
        self.nameless = true;
        while let Some(oldest) = row.surplus() {
            match fs::remove_file(&oldest) {
                // Somebody was quicker.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                removed => removed.map_err(|error| OsError::from_io("remove", oldest.display(), &error))?,
            }
        }
        Ok(())
    }

    /// Lets a reader of the file see what was written so far.
    pub fn flush(&mut self) -> anyhow::Result<()> {
        self.try_to(|writer| Ok(writer.flush()?))
    }

    /// Ends the file. The counts are those of the whole capture: a row has no place for them.
    pub fn finish(&mut self, counted: &[Counted]) -> anyhow::Result<()> {
        let counted = if self.row.is_some() { &[] } else { counted };
        self.open.as_mut().map_or(Ok(()), |open| open.finish(counted))
    }

    fn try_to(&mut self, work: impl FnOnce(&mut Writer<Target>) -> Result<(), WriteError>) -> anyhow::Result<()> {
        self.open.as_mut().map_or(Ok(()), |open| open.try_to(work))
    }
}
