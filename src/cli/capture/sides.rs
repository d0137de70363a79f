//! `netlab capture --follow=FOLDER`: what each end of a connection said, in a file of its own.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::capture::streams::{Piece, Said};
use crate::cli::Context;
use crate::cli::destination::may_create_in;
use crate::kernel::OsError;
use crate::report::json;
use crate::report::quantity::{Count, Things};

/// Files that are made; what more ends say is counted.
const MOST_FILES: usize = 10_000;
/// Files that are open at once.
const OPEN: usize = 64;

/// A connection's number, and who speaks.
type Key = (u64, (IpAddr, u16));

/// What one end has said.
struct Side {
    name: String,
    to: (IpAddr, u16),
    /// Whether its file was made: one that is there already is somebody's.
    made: bool,
    bytes: u64,
    missing: u64,
    /// How many gaps, and where the first is.
    gaps: u64,
    first_gap: u64,
}

/// The files of all ends.
pub(super) struct Sides {
    folder: PathBuf,
    most: usize,
    ends: BTreeMap<Key, Side>,
    /// The one used last stands last.
    open: Vec<(Key, File)>,
    /// Bytes for which no file was made.
    not_saved: u64,
}

impl Sides {
    /// Makes the folder where it is not there. Files in it stay as they are.
    pub(super) fn begin(folder: &Path) -> anyhow::Result<Self> {
        match fs::create_dir(folder) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(OsError::from_io("create folder", folder.display(), &error).into());
            }
            _ => {}
        }
        // A missing right is told now, not when the first word is said.
        may_create_in(folder)?;
        let (ends, open) = (BTreeMap::new(), Vec::new());
        Ok(Sides { folder: folder.to_owned(), most: MOST_FILES, ends, open, not_saved: 0 })
    }

    /// Writes what one end said.
    pub(super) fn said(&mut self, said: &Said) -> anyhow::Result<()> {
        let key = (said.connection, said.from);
        for piece in &said.pieces {
            if !self.ends.contains_key(&key) && self.ends.len() >= self.most {
                if let Piece::Data(data) = piece {
                    self.not_saved = self.not_saved.saturating_add(data.len() as u64);
                }
                continue;
            }
            let side = self.ends.entry(key).or_insert_with(|| Side::new(said));
            let (new, data) = (!side.made, if let Piece::Data(data) = piece { data.as_slice() } else { &[] });
            self.write(key, new, data)?;
            let Some(side) = self.ends.get_mut(&key) else { continue };
            side.made = true;
            match piece {
                Piece::Missing(bytes) => side.miss(*bytes),
                Piece::Data(data) => side.bytes = side.bytes.saturating_add(data.len() as u64),
            }
        }
        Ok(())
    }

    fn write(&mut self, key: Key, new: bool, data: &[u8]) -> anyhow::Result<()> {
        let path = self.folder.join(self.ends.get(&key).map_or("", |side| side.name.as_str()));
        if let Some(at) = self.open.iter().position(|(own, _)| *own == key) {
            self.open[at..].rotate_left(1);
        } else {
            // A file that is there is somebody's: it is not written to.
            let file = File::options().append(true).create_new(new).open(&path);
            let file = file.map_err(|error| OsError::from_io("create", path.display(), &error))?;
            if self.open.len() >= OPEN {
                self.open.remove(0);
            }
            self.open.push((key, file));
        }
        let Some((_, file)) = self.open.last_mut() else { return Ok(()) };
        Ok(file.write_all(data).map_err(|error| OsError::from_io("write", path.display(), &error))?)
    }

    /// Says which files there are, and what is missing in them.
    pub(super) fn finish(&mut self, context: &mut Context) -> anyhow::Result<()> {
        self.open.clear();
        for ((connection, from), side) in self.ends.iter().filter(|(_, side)| side.made) {
            let file = self.folder.join(&side.name);
            if context.json {
                let ends = [*from, side.to].map(|(address, port)| std::net::SocketAddr::new(address, port).to_string());
                let object = json!({ "connection": connection, "from": ends[0], "to": ends[1], "file": file.to_string_lossy(),
                                     "bytes": side.bytes, "missing_bytes": side.missing, "gaps": side.gaps });
                json::line(&mut context.out, &object)?;
                continue;
            }
            write!(context.out, "{}  {}", file.display(), Things(side.bytes, "byte"))?;
            if side.gaps > 0 {
                let gaps = if side.gaps == 1 { String::new() } else { format!(" in {} gaps", Count(side.gaps)) };
                let (missing, at) = (Count(side.missing), Count(side.first_gap));
                write!(context.out, ", {missing} more not captured{gaps}, the first behind byte {at}")?;
            }
            writeln!(context.out)?;
        }
        if self.not_saved > 0 {
            let (most, bytes) = (Things(self.most as u64, "file"), Things(self.not_saved, "byte"));
            context.note(format_args!("no more than {most} are made: {bytes} of further ends not saved"));
        }
        Ok(())
    }
}

impl Side {
    fn new(said: &Said) -> Self {
        let end = |(address, port): (IpAddr, u16)| format!("{address}.{port}").replace(':', "_");
        let name = format!("{:05}-{}-{}.bin", said.connection, end(said.from), end(said.to));
        Side { name, to: said.to, made: false, bytes: 0, missing: 0, gaps: 0, first_gap: 0 }
    }

    fn miss(&mut self, bytes: u64) {
        if self.gaps == 0 {
            self.first_gap = self.bytes;
        }
        self.missing = self.missing.saturating_add(bytes);
        self.gaps = self.gaps.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(connection: u64, text: &str) -> Said {
        let (from, to) = ((IpAddr::from([192, 0, 2, 1]), 1000), (IpAddr::from([192, 0, 2, 2]), 80));
        Said { connection, from, to, pieces: vec![Piece::Data(text.into()), Piece::Missing(7)] }
    }

    #[test]
    fn more_ends_than_files_that_may_be_open_are_saved_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let mut sides = Sides::begin(folder.path()).unwrap();
        for text in ["one ", "two"] {
            for connection in 0..3 * OPEN as u64 {
                sides.said(&said(connection, text)).unwrap();
                assert!(sides.open.len() <= OPEN);
            }
        }
        let path = folder.path().join("00191-192.0.2.1.1000-192.0.2.2.80.bin");
        assert_eq!(fs::read_to_string(path).unwrap(), "one two");
        let side = &sides.ends[&(5, (IpAddr::from([192, 0, 2, 1]), 1000))];
        assert_eq!((side.bytes, side.missing, side.gaps, side.first_gap), (7, 14, 2, 4));
    }

    #[test]
    fn no_more_files_are_made_than_the_limit_and_the_rest_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let mut sides = Sides { most: 2, ..Sides::begin(folder.path()).unwrap() };
        for connection in 0..5 {
            sides.said(&said(connection, "four")).unwrap();
        }
        assert_eq!((fs::read_dir(folder.path()).unwrap().count(), sides.not_saved), (2, 12));
    }

    #[test]
    fn a_file_that_is_there_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("00001-192.0.2.1.1000-192.0.2.2.80.bin");
        fs::write(&path, "mine").unwrap();
        let mut sides = Sides::begin(folder.path()).unwrap();
        let error = sides.said(&said(1, "other")).unwrap_err();
        assert!(error.to_string().contains("EEXIST"), "{error}");
        assert!(sides.ends.values().all(|side| !side.made && side.bytes == 0), "nothing is said to be saved");
        assert_eq!(fs::read_to_string(path).unwrap(), "mine");
    }
}
