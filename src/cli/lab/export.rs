//! The files that a run is exported to.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::run::ExportArgs;
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

pub(in crate::cli) struct Export {
    path: PathBuf,
    file: BufWriter<File>,
}

impl Export {
    pub(in crate::cli) fn open(path: &Path) -> Result<Self, OsError> {
        let file = File::create(path).map_err(|error| OsError::from_io("create", path.display(), &error))?;
        Ok(Export { path: path.to_owned(), file: BufWriter::new(file) })
    }

    pub(in crate::cli) fn fill(
        mut self,
        write: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>,
    ) -> Result<(), OsError> {
        let written = write(&mut self.file).and_then(|()| self.file.flush());
        written.map_err(|error| OsError::from_io("write", self.path.display(), &error))
    }
}

impl Exports {
    /// Creates the files that were asked for.
    pub(super) fn open(asked: &ExportArgs) -> Result<Self, OsError> {
        let open = |path: &Option<PathBuf>| path.as_deref().map(Export::open).transpose();
        let (html, svg, pcap) = (open(&asked.html)?, open(&asked.svg)?, open(&asked.pcap)?);
        Ok(Exports { html, svg, pcap, started: SystemTime::now() })
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
