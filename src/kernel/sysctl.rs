//! Kernel settings under /proc/sys.
//!
//! Those below `net.` belong to the network namespace of the calling *thread*: read and write them on the thread that
//! owns it.

use std::fs;
use std::path::PathBuf;

use nix::errno::Errno;

use super::OsError;

/// Reads a setting, such as `net.ipv4.tcp_fin_timeout`; line end removed. As with sysctl(8) the parts are separated by
/// dots, or, where a part holds a dot itself, by slashes: `net/ipv4/conf/eth0.1/arp_ignore`.
///
/// # Errors
/// ENOENT for a setting that this kernel does not have.
pub fn read(name: &str) -> Result<String, OsError> {
    let text = fs::read_to_string(path(name)?).map_err(|error| OsError::from_io("read sysctl", name, &error))?;
    Ok(text.trim_end().to_owned())
}

/// Writes a setting, named as for [`read`].
///
/// # Errors
/// EACCES without the privilege, EINVAL for a value that the kernel does not take.
pub fn write(name: &str, value: &str) -> Result<(), OsError> {
    fs::write(path(name)?, value).map_err(|error| {
        OsError::from_io("write sysctl", format_args!("{name} = {value}"), &error)
            .needs("CAP_NET_ADMIN", "changing a kernel setting")
    })
}

/// As [`write()`], but a setting that this kernel does not have is left alone.
///
/// # Errors
/// As [`write()`], without ENOENT.
pub fn write_if_present(name: &str, value: &str) -> Result<(), OsError> {
    match write(name, value) {
        Err(error) if error.errno == Errno::ENOENT => Ok(()),
        result => result,
    }
}

fn path(name: &str) -> Result<PathBuf, OsError> {
    let first_separator = name.find(['.', '/']).map(|at| name.as_bytes()[at]);
    let relative = if first_separator == Some(b'.') { name.replace('.', "/") } else { name.to_owned() };
    if relative.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(OsError::new("look up sysctl", name, Errno::ENOENT));
    }
    Ok(PathBuf::from("/proc/sys").join(relative))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_and_slashes_separate_as_in_sysctl_8() {
        let at = |name| path(name).unwrap().display().to_string();
        assert_eq!(at("net.ipv4.ip_forward"), "/proc/sys/net/ipv4/ip_forward");
        assert_eq!(at("net/ipv4/conf/eth0.1/arp_ignore"), "/proc/sys/net/ipv4/conf/eth0.1/arp_ignore");
    }

    #[test]
    fn a_name_cannot_leave_the_folder() {
        assert!(path("net/../../etc/passwd").is_err());
        assert!(path("/etc/passwd").is_err());
        assert!(path("").is_err());
    }

    #[test]
    fn a_setting_that_does_not_exist_is_named() {
        let error = read("net.ipv4.no_such_setting").unwrap_err();
        assert_eq!(error.to_string(), "read sysctl net.ipv4.no_such_setting: no such file or directory (ENOENT)");
    }
}
