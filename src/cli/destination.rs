//! Files that a command writes: looked at before it begins, emptied or created only when there is something to write.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;

use nix::unistd::{AccessFlags, access};

use crate::kernel::OsError;

/// What there is under this name, as it is; none when the file is to be created. For a FIFO this waits until somebody
/// reads it.
///
/// # Errors
/// A file that may not be written.
pub(super) fn there(path: &Path) -> Result<Option<File>, OsError> {
    match File::options().write(true).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(OsError::from_io("create", path.display(), &error)),
    }
}

/// The file, empty: `file` as [`there`] found it, or a new one.
pub(super) fn empty(path: &Path, file: Option<File>) -> io::Result<File> {
    let Some(file) = file else { return File::create(path) };
    if path != Path::new("-") && file.metadata()?.is_file() {
        file.set_len(0)?;
    }
    Ok(file)
}

/// A missing right to create files in `folder` is told now, not when there is something to write.
///
/// # Errors
/// The missing right, or folder.
pub(super) fn may_create_in(folder: &Path) -> Result<(), OsError> {
    // What is in it is asked for, so that a file in its place is told as what it is.
    access(&folder.join("."), AccessFlags::W_OK | AccessFlags::X_OK)
        .map_err(|errno| OsError::new("create files in", folder.display(), errno))
}

/// The folder that a file is in.
pub(super) fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))
}
