//! Failures of system calls, told so that the reader knows what to do.

use std::fmt;
use std::io;

use nix::errno::Errno;

/// An operation that the operating system refused.
///
/// Prints as `connect 10.0.0.2:80: connection refused (ECONNREFUSED)`, and where there is something to do about it, a
/// second line `hint: …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OsError {
    /// The system call or the step in words: `connect`, `open packet socket on`.
    pub operation: &'static str,
    /// What it was done to: an address, an interface, a path.
    pub object: String,
    /// The kernel's answer.
    pub errno: Errno,
    /// What the user can do.
    pub hint: Option<String>,
}

impl OsError {
    /// An error of `operation` on `object`, with the hint that fits a missing privilege if it is one.
    pub fn new(operation: &'static str, object: impl fmt::Display, errno: Errno) -> Self {
        OsError { operation, object: object.to_string(), errno, hint: None }
    }

    /// The same from an [`io::Error`]; one without an errno counts as EIO.
    pub fn from_io(operation: &'static str, object: impl fmt::Display, error: &io::Error) -> Self {
        Self::new(operation, object, Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO)))
    }

    /// Adds a line that says what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Whether the errno says that a privilege is missing.
    pub fn lacks_privilege(&self) -> bool {
        matches!(self.errno, Errno::EPERM | Errno::EACCES)
    }

    /// Where the errno says that a privilege is missing: adds which capability, for what, and the exact command that
    /// grants it to this binary.
    #[must_use]
    pub fn needs(self, capability: &str, purpose: &str) -> Self {
        if !self.lacks_privilege() {
            return self;
        }
        let binary = std::env::current_exe().map_or_else(|_| "netlab".into(), |path| path.display().to_string());
        let flag = capability.to_ascii_lowercase();
        self.hint(format!("{purpose} needs {capability}: run as root, or once: sudo setcap {flag}+ep {binary}"))
    }
}

impl fmt::Display for OsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let OsError { operation, object, errno, hint } = self;
        let space = if object.is_empty() { "" } else { " " };
        write!(f, "{operation}{space}{object}: {}", Meaning(*errno))?;
        hint.as_ref().map_or(Ok(()), |hint| write!(f, "\nhint: {hint}"))
    }
}

impl std::error::Error for OsError {}

/// An errno in words with its name: `connection refused (ECONNREFUSED)`.
#[derive(Clone, Copy, Debug)]
pub struct Meaning(pub Errno);

impl fmt::Display for Meaning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = self.0.desc();
        let second_is_capital = words.chars().nth(1).is_some_and(char::is_uppercase);
        let mut characters = words.chars();
        match characters.next() {
            // An acronym such as "RPC" keeps its capitals.
            Some(first) if !second_is_capital => write!(f, "{}{}", first.to_ascii_lowercase(), characters.as_str())?,
            _ => f.write_str(words)?,
        }
        write!(f, " ({:?})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_operation_object_and_errno() {
        let error = OsError::new("connect", "10.0.0.2:80", Errno::ECONNREFUSED);
        assert_eq!(error.to_string(), "connect 10.0.0.2:80: connection refused (ECONNREFUSED)");
    }

    #[test]
    fn a_missing_privilege_gets_the_exact_command_and_other_errors_do_not() {
        let refused = OsError::new("open packet socket on", "eth0", Errno::EPERM).needs("CAP_NET_RAW", "capturing");
        assert!(
            refused
                .to_string()
                .contains("\nhint: capturing needs CAP_NET_RAW: run as root, or once: sudo setcap cap_net_raw+ep ")
        );
        assert_eq!(OsError::new("bind", "x", Errno::EINVAL).needs("CAP_NET_RAW", "capturing").hint, None);
    }
}
