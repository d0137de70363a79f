//! The files that a run is exported to.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::bail;

use super::run::ExportArgs;
use crate::cli::destination::{empty, folder, may_create_in, there};
use crate::kernel::OsError;
use crate::lab::Observation;
use crate::lab::experiment::Lab;
use crate::lab::observation::Language;
use crate::report::lab_words::Heading;
use crate::report::{lab_html, lab_pcap, lab_svg};

/// The files, opened before the lab runs.
pub(super) struct Exports {
    html: Option<Export>,
    svg: Option<Export>,
    pcap: Option<Export>,
    started: SystemTime,
}

/// A file that can be written, and is as it was.
pub(in crate::cli) struct Export {
    path: PathBuf,
    /// What there was under this name; none when it is to be created.
    file: Option<File>,
}

impl Export {
    /// Finds out whether the file can be written, and leaves it as it is; `-` is standard output.
    pub(in crate::cli) fn open(path: &Path) -> Result<Self, OsError> {
        let file = if path == Path::new("-") {
            let out = io::stdout().as_fd().try_clone_to_owned();
            Some(out.map_err(|error| OsError::from_io("duplicate", "standard output", &error))?.into())
        } else {
            there(path)?
        };
        if file.is_none() {
            may_create_in(folder(path))?;
        }
        Ok(Export { path: path.to_owned(), file })
    }

    /// The same, there already where it was to be created: later that may no longer be allowed.
    pub(in crate::cli) fn created(self) -> Result<Self, OsError> {
        let Export { path, file } = self;
        let file = file.map_or_else(|| File::create(&path), Ok);
        let file = file.map_err(|error| OsError::from_io("create", path.display(), &error))?;
        Ok(Export { path, file: Some(file) })
    }

    fn is_standard_output(&self) -> bool {
        self.path == Path::new("-")
    }

    /// Puts what `write` writes in place of what the file held.
    pub(in crate::cli) fn fill(
        self,
        write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
    ) -> Result<(), OsError> {
        let Export { path, file } = self;
        let file = empty(&path, file).map_err(|error| OsError::from_io("create", path.display(), &error))?;
        let mut file = BufWriter::new(file);
        let written = write(&mut file).and_then(|()| file.flush());
        written.map_err(|error| OsError::from_io("write", path.display(), &error))
    }
}

impl Exports {
    /// Finds out whether the files that were asked for can be written.
    pub(super) fn open(asked: &ExportArgs) -> anyhow::Result<Self> {
        let open = |path: &Option<PathBuf>| path.as_deref().map(Export::open).transpose();
        let (html, svg, pcap) = (open(&asked.html)?, open(&asked.svg)?, open(&asked.pcap)?);
        if pcap.as_ref().is_some_and(Export::is_standard_output) && io::stdout().is_terminal() {
            bail!("--pcap - would write a binary file to the terminal\nhint: netlab lab run … --pcap - | program");
        }
        Ok(Exports { html, svg, pcap, started: SystemTime::now() })
    }

    /// The options whose exports go to standard output.
    pub(super) fn on_standard_output(&self) -> Vec<&'static str> {
        let all = [("--html", &self.html), ("--svg", &self.svg), ("--pcap", &self.pcap)];
        let there = all.into_iter().filter(|(_, export)| export.as_ref().is_some_and(Export::is_standard_output));
        there.map(|(option, _)| option).collect()
    }

    /// Writes the run to all of them.
    pub(super) fn write(self, lab: &Lab, observation: &Observation, language: Language) -> Result<(), OsError> {
        if let Some(html) = self.html {
            html.fill(|file| lab_html::write(file, Heading::of(lab, language), observation, language))?;
        }
        if let Some(svg) = self.svg {
            svg.fill(|file| lab_svg::write(file, Heading::of(lab, language), observation, language))?;
        }
        if let Some(pcap) = self.pcap {
            let since_1970 = self.started.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            pcap.fill(|file| lab_pcap::write(file, lab, observation, since_1970))?;
        }
        Ok(())
    }
}
