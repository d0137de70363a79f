//! A table with a row for each frame.

use std::path::{Path, PathBuf};

#[cfg(feature = "parquet")]
pub(super) use with::{Table, Target};
#[cfg(not(feature = "parquet"))]
pub(super) use without::{Table, Target};

/// Whether a table is wanted.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Parquet {
    /// Write a table with a row for each frame, for DuckDB, Spark, ClickHouse and the like (Apache Parquet; columns:
    /// docs/parquet.md; - for standard output), and show nothing, unless -q, -v, -x or --json ask for it; what --analyze
    /// notes is a column. Needs a netlab that was built with `--features parquet`
    #[arg(long, value_name = "FILE")]
    parquet: Option<PathBuf>,
}

impl Parquet {
    pub(super) fn wanted(&self) -> bool {
        self.parquet.is_some()
    }

    pub(super) fn path(&self) -> Option<&Path> {
        self.parquet.as_deref()
    }
}

#[cfg(feature = "parquet")]
mod with {
    use std::fs::File;
    use std::io::{self, ErrorKind};
    use std::path::PathBuf;

    use super::Parquet;
    use crate::capture::Packet;
    use crate::cli::Context;
    use crate::cli::capture::written::{Output, empty};
    use crate::kernel::OsError;
    use crate::report::packet_parquet;

    /// An open file in which nothing has changed yet.
    pub struct Target {
        path: PathBuf,
        file: Option<File>,
    }

    /// A table under way.
    pub struct Table {
        name: String,
        /// None once it failed, which was told then.
        writer: Option<packet_parquet::Table<File>>,
    }

    impl Parquet {
        /// Opens the file.
        pub fn open(&self, showing: bool, context: &Context) -> anyhow::Result<Option<Target>> {
            let Some(path) = &self.parquet else { return Ok(None) };
            let mut output = Output::single(path, "--parquet", showing, context)?;
            output.create()?;
            let Output::One(path, file) = output else { return Ok(None) };
            Ok(Some(Target { path, file }))
        }
    }

    impl Target {
        /// Begins the table.
        pub fn begin(self) -> anyhow::Result<Table> {
            let Target { path, file } = self;
            let name = path.display().to_string();
            let writer = empty(&path, file).and_then(packet_parquet::Table::create);
            let writer = writer.map_err(|error| OsError::from_io("create", &name, &error))?;
            Ok(Table { name, writer: Some(writer) })
        }
    }

    impl Table {
        /// Adds a packet.
        pub fn add(&mut self, packet: &Packet<'_>) -> anyhow::Result<()> {
            let added = self.writer.as_mut().map_or(Ok(()), |writer| writer.add(packet));
            added.map_err(|error| self.failed(error))
        }

        /// Ends the file.
        pub fn finish(&mut self) -> anyhow::Result<()> {
            let finished = self.writer.as_mut().map_or(Ok(()), packet_parquet::Table::finish);
            finished.map_err(|error| self.failed(error))
        }

        fn failed(&mut self, error: io::Error) -> anyhow::Error {
            self.writer = None;
            // A closed pipe is no failure: it keeps the form by which it is recognised.
            if error.kind() == ErrorKind::BrokenPipe {
                return error.into();
            }
            OsError::from_io("write", &self.name, &error).into()
        }
    }
}

#[cfg(not(feature = "parquet"))]
mod without {
    use anyhow::bail;

    use super::Parquet;
    use crate::capture::Packet;
    use crate::cli::Context;

    /// There is none.
    pub enum Target {}

    /// There is none.
    pub enum Table {}

    impl Parquet {
        /// Says how to get a netlab that can.
        #[expect(clippy::unused_self, reason = "the other one needs it")]
        pub fn open(&self, _: bool, _: &Context) -> anyhow::Result<Option<Target>> {
            bail!("this netlab was built without Parquet\nhint: cargo build --release --features parquet")
        }
    }

    impl Target {
        pub fn begin(self) -> anyhow::Result<Table> {
            match self {}
        }
    }

    impl Table {
        pub fn add(&mut self, _: &Packet<'_>) -> anyhow::Result<()> {
            match *self {}
        }

        pub fn finish(&mut self) -> anyhow::Result<()> {
            match *self {}
        }
    }
}
