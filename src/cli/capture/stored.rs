//! Frames from capture files.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, bail};

use super::Args;
use super::output::{Failure, Sink};
use crate::capture::{FileError, Stored};
use crate::cli::{Context, Outcome};
use crate::kernel::OsError;
use crate::kernel::signal::{Interrupts, Stoppable};
use crate::report::progress::Whole;

impl Args {
    pub(super) fn stored(&self, path: &Path, context: &mut Context) -> anyhow::Result<Outcome> {
        let name = path.display();
        let filter = self.filter.for_file(&self.words)?;
        let file = open(path).map_err(|error| OsError::from_io("open", &name, &error))?;
        self.refuse_to_overwrite(&file)?;
        let output = self.output(context)?;
        let interrupts = &Interrupts::take_the_first()?;
        let mut source = Stored::open(Stoppable::new(file, interrupts)).with_context(|| name.to_string())?;
        let mut sink = Sink { filter, ..self.sink(output, String::new(), 0, context)? };
        let started = Instant::now();
        let result = sink.run(&mut source, context);
        let interrupted = interrupts.arrived();
        sink.finish(&[], context)?;
        match result {
            Err(Failure::Source(FileError::Cut { .. })) if interrupted => {}
            result => result.map_err(|failure| failure.of(&name))?,
        }
        if self.stats {
            context.note(Whole { frames: sink.done, bytes: sink.bytes, time: started.elapsed() });
        }
        Ok(Outcome::Yes)
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

fn open(path: &Path) -> io::Result<File> {
    if path == Path::new("-") {
        return Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?));
    }
    File::open(path)
}
