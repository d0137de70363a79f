//! Limits of this process.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::OsError;

/// Raises the number of files this process may have open as far as it may itself, and returns the number that then
/// holds.
///
/// # Errors
/// The kernel's refusal to tell the limit; one that cannot be raised is not an error.
pub fn raise_open_files() -> Result<usize, OsError> {
    const WHAT: Resource = Resource::RLIMIT_NOFILE;
    let (soft, hard) = getrlimit(WHAT).map_err(|errno| OsError::new("getrlimit", "RLIMIT_NOFILE", errno))?;
    let raised = setrlimit(WHAT, hard, hard).map_or(soft, |()| hard);
    Ok(usize::try_from(raised).unwrap_or(usize::MAX))
}
