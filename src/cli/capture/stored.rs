//! Frames from capture files.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, bail};

use super::output::{Failure, Sink};
use super::parquet::Target;
use super::written::{Output, Written};
use super::{Args, Display, same};
use crate::bytes::Escaped;
use crate::capture::files;
use crate::capture::files::merged::{Merged, NamedError};
use crate::capture::files::unpack::Unpacked;
use crate::capture::names::{Names, Told};
use crate::capture::{Dissector, FileError, Stored};
use crate::cli::{Context, Outcome};
use crate::kernel::OsError;
use crate::kernel::signal::{Interrupts, Stoppable};
use crate::report::progress::{Sandbox, Whole};

impl Args {
    pub(super) fn stored(&self, context: &mut Context) -> anyhow::Result<Outcome> {
        self.processes.refuse_for_files()?;
        let filter = self.filter.for_file(&self.words)?;
        if self.read.iter().filter(|path| *path == Path::new("-")).count() > 1 {
            bail!("standard input can be read once");
        }
        let files = self.read.iter().map(|path| self.open_file(path)).collect::<Result<Vec<_>, _>>()?;
        let mut output = self.output(context)?;
        let table = self.table(context)?;
        // Only now, when nothing of the command line can be refused any more.
        output.as_mut().map_or(Ok(()), Output::create)?;
        let direction = self.direction.stored();
        let mut sink = Sink { filter, direction, ..self.sink(context)? };
        let display = self.display(&names(&files), context)?;
        sink.watch = display.as_ref().map(Display::watch);
        let confined = self.confine(false);
        let interrupts = &Interrupts::take_the_first()?;
        let told = sink.dissector.as_ref().and_then(Dissector::names).map(Names::told);
        let mut source = merged(files, told.as_ref(), interrupts)?;
        // Only now, for a file whose header is damaged must not cost what there was before.
        sink.written = output.map(|output| Written::begin(output, self.about())).transpose()?;
        sink.table = table.map(Target::begin).transpose()?;
        let started = Instant::now();
        let result = sink.run(&mut source, context);
        let interrupted = interrupts.arrived();
        if let Some(display) = display.filter(|_| !interrupted) {
            display.run(None, interrupts)?;
        }
        let outcome = sink.finish(&[], context)?;
        for (name, remark) in source.remarks() {
            context.note(format_args!("{}: {}", Escaped(name.as_bytes()), Escaped(remark.as_bytes())));
        }
        match result {
            Err(Failure::Source(NamedError { error: FileError::Cut { .. } | FileError::Io(_), .. })) if interrupted => {
            }
            Err(Failure::Source(error)) => return Err(error.into()),
            Err(Failure::Sink(error)) => return Err(error),
            Ok(()) => {}
        }
        sink.direction.map_or(Ok(()), |direction| direction.finish(context))?;
        if self.stats {
            context.note(Sandbox(confined));
            context.note(Whole { frames: sink.done, bytes: sink.bytes, time: started.elapsed() });
        }
        Ok(outcome)
    }

    fn open_file(&self, path: &Path) -> anyhow::Result<Opened> {
        let name = path.display().to_string();
        let mut file = open(path).map_err(|error| OsError::from_io("open", &name, &error))?;
        self.refuse_to_overwrite(&file)?;
        let first = files::first_bytes(&mut file).with_context(|| name.clone())?;
        Ok(Opened { name, first, file })
    }

    /// Writing to the file that is being read would destroy it before it is read.
    fn refuse_to_overwrite(&self, file: &File) -> anyhow::Result<()> {
        let own = file.metadata()?;
        for (option, path) in self.files() {
            if path.metadata().is_ok_and(|other| same::stored(&own, &other)) {
                bail!("-r and {option} name the same file");
            }
        }
        Ok(())
    }
}

/// A file of which the first bytes were read.
struct Opened {
    name: String,
    first: Vec<u8>,
    file: File,
}

/// What the files are called.
fn names(files: &[Opened]) -> String {
    files.iter().map(|file| file.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// The files as one source, their headers read.
fn merged<'i>(
    files: Vec<Opened>,
    told: Option<&Told>,
    interrupts: &'i Interrupts,
) -> anyhow::Result<Merged<Unpacked<Stoppable<'i>>>> {
    let open = |Opened { name, first, file }| {
        let stored = Stored::open(Unpacked::new(first, Stoppable::new(file, interrupts)));
        let stored = stored.with_context(|| name.clone())?;
        Ok((name, told.cloned().into_iter().fold(stored, Stored::naming)))
    };
    Ok(Merged::new(files.into_iter().map(open).collect::<anyhow::Result<Vec<_>>>()?))
}

fn open(path: &Path) -> io::Result<File> {
    if path == Path::new("-") {
        return Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?));
    }
    File::open(path)
}
