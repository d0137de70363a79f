//! Whether two names are of one file.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Whether what is written under both names would end up in one file, also where that is not there yet.
pub(super) fn file(one: &Path, other: &Path) -> bool {
    match (one.metadata(), other.metadata()) {
        (Ok(one), Ok(other)) => stored(&one, &other),
        (Err(_), Err(_)) => one == other || place(one).is_some_and(|one| place(other) == Some(one)),
        _ => false,
    }
}

/// Whether both are the same regular file. Devices and pipes may be named twice.
pub(super) fn stored(one: &Metadata, other: &Metadata) -> bool {
    one.is_file() && (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Where a file will be made: the folder, with every link in its name followed, and the name.
fn place(path: &Path) -> Option<(u64, u64, &std::ffi::OsStr)> {
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    let folder = folder.metadata().ok()?;
    Some((folder.dev(), folder.ino(), path.file_name()?))
}
