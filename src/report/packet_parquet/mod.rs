//! Packets as the rows of a Parquet table, for programs that query many captures at once (columns: docs/parquet.md).
//!
//! **Invariant:** memory is bounded but for the table of contents at the end of the file, which grows by some fifty
//! kilobytes with each group of rows.

mod chunk;
mod columns;
mod row;

use std::io::{self, Write};
use std::sync::Arc;

use parquet::basic::{Compression, Encoding};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{ColumnPath, Type};

use self::chunk::{Chunk, described};
use self::columns::COLUMNS;
use self::row::Row;
use crate::capture::Packet;

/// Rows of a group, which is written at once. Readers skip groups whose values are out of range.
pub const ROWS: usize = 1 << 16;
/// Bytes of text after which a group is written with fewer rows.
const MOST_TEXT: usize = 32 << 20;

/// A table under way. Until [`Table::finish`] the file has no table of contents, so nobody can read it.
pub struct Table<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    chunks: Vec<Chunk>,
    rows: usize,
}

impl<W: Write + Send> Table<W> {
    /// A table without rows.
    ///
    /// # Errors
    /// What the writer refused.
    pub fn create(to: W) -> io::Result<Self> {
        let columns = COLUMNS.iter().map(described).collect::<Result<_, _>>().map_err(plain)?;
        let schema = Type::group_type_builder("frame").with_fields(columns).build().map_err(plain)?;
        let writer = SerializedFileWriter::new(to, Arc::new(schema), Arc::new(properties())).map_err(plain)?;
        Ok(Table { writer, chunks: COLUMNS.iter().map(|(_, value)| Chunk::of(*value)).collect(), rows: 0 })
    }

    /// Adds the row of a packet.
    ///
    /// # Errors
    /// What the writer refused.
    pub fn add(&mut self, packet: &Packet<'_>) -> io::Result<()> {
        let row = Row::of(packet);
        for chunk in &mut self.chunks {
            chunk.push(&row);
        }
        self.rows += 1;
        let full =
            || self.rows.is_multiple_of(64) && self.chunks.iter().map(Chunk::text_bytes).sum::<usize>() > MOST_TEXT;
        if self.rows >= ROWS || full() { self.write() } else { Ok(()) }
    }

    /// Ends the file.
    ///
    /// # Errors
    /// What the writer refused.
    pub fn finish(&mut self) -> io::Result<()> {
        self.write()?;
        self.writer.finish().map_err(plain)?;
        self.writer.inner_mut().flush()
    }

    /// Writes the rows that wait.
    fn write(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.rows) == 0 {
            return Ok(());
        }
        let mut group = self.writer.next_row_group().map_err(plain)?;
        for chunk in &mut self.chunks {
            chunk.write(&mut group).map_err(plain)?;
        }
        group.close().map(drop).map_err(plain)
    }
}

fn properties() -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_created_by(concat!("netlab ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::SNAPPY)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true);
    // What nearly only grows is smallest as differences.
    for name in ["number", "time"] {
        let path = ColumnPath::from(name);
        properties = properties
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
    }
    properties.build()
}

/// The operating system's error, where it is one.
fn plain(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(other) => io::Error::other(other),
        },
        other => io::Error::other(other),
    }
}
