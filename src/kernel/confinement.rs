//! What keeps a process from a private network, and what can be done about it.

use std::fs;
use std::path::Path;

use nix::errno::Errno;

use super::sysctl;

/// Something that can stand in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// The kernel has no user namespaces.
    NotBuilt,
    /// `kernel.unprivileged_userns_clone` is 0 (Debian).
    SwitchedOff,
    /// `kernel.apparmor_restrict_unprivileged_userns` is 1 (Ubuntu 23.10 and later): namespaces can be made, and give no
    /// capabilities.
    AppArmor,
    /// A seccomp filter is in force, as in most containers.
    Seccomp,
    /// This limit of namespaces is 0.
    Limit(&'static str),
}

/// What stands in the way, as far as this process may see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Confinement(pub Vec<Obstacle>);

const LIMITS: [&str; 2] = ["user.max_user_namespaces", "user.max_net_namespaces"];

/// `SECCOMP_MODE_FILTER` as /proc tells it.
const FILTER: &str = "2";

impl Confinement {
    /// Looks around.
    pub fn here() -> Self {
        let is = |name: &str, value: &str| sysctl::read(name).is_ok_and(|read| read == value);
        let status = fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
        let filtered =
            status.lines().any(|line| line.strip_prefix("Seccomp:").is_some_and(|mode| mode.trim() == FILTER));
        let limits = LIMITS.map(|limit| (Obstacle::Limit(limit), is(limit, "0")));
        let others = [
            (Obstacle::NotBuilt, !Path::new("/proc/self/ns/user").exists()),
            (Obstacle::SwitchedOff, is("kernel.unprivileged_userns_clone", "0")),
            (Obstacle::AppArmor, is("kernel.apparmor_restrict_unprivileged_userns", "1")),
            (Obstacle::Seccomp, filtered),
        ];
        Confinement(
            others.into_iter().chain(limits).filter(|(_, there)| *there).map(|(obstacle, _)| obstacle).collect(),
        )
    }

    fn has(&self, obstacle: Obstacle) -> bool {
        self.0.contains(&obstacle)
    }

    /// Why the kernel refused to make a namespace, and what to do.
    pub fn of_making(&self, errno: Errno) -> String {
        match errno {
            Errno::ENOSPC | Errno::EUSERS => self.of_limits(),
            Errno::EINVAL if self.has(Obstacle::NotBuilt) => {
                "this kernel has no user namespaces: run as root".to_owned()
            }
            Errno::EINVAL => "a second thread was already running".to_owned(),
            _ if self.has(Obstacle::SwitchedOff) => {
                "user namespaces are switched off for ordinary users: sudo sysctl kernel.unprivileged_userns_clone=1, \
                 or run as root"
                    .to_owned()
            }
            _ => self.of_using(errno),
        }
    }

    fn of_limits(&self) -> String {
        match self.0.iter().find_map(|obstacle| if let Obstacle::Limit(limit) = obstacle { Some(limit) } else { None })
        {
            Some(limit) => format!("{limit} is 0, so there can be none: sudo sysctl {limit}=1000"),
            None => format!("the limit of namespaces is reached: sysctl {}", LIMITS.join(" ")),
        }
    }

    /// Why the kernel refused a step inside a namespace that it let be made, and what to do.
    pub fn of_using(&self, errno: Errno) -> String {
        match errno {
            Errno::EOPNOTSUPP => "this kernel lacks the kind of interface: sudo modprobe veth".to_owned(),
            Errno::EAFNOSUPPORT => "this kernel lacks packet sockets: sudo modprobe af_packet".to_owned(),
            _ if self.has(Obstacle::AppArmor) => {
                "AppArmor leaves user namespaces without capabilities (Ubuntu 23.10 and later): \
                 sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0, or run as root"
                    .to_owned()
            }
            _ if self.has(Obstacle::Seccomp) => {
                "a seccomp filter, such as a container's, may forbid it: run outside of the container, or \
                                  start it with --security-opt seccomp=unconfined"
                    .to_owned()
            }
            _ => "a chroot, a container or a security module may forbid it: run outside, or as root".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_obstacle_is_told_with_what_to_do() {
        let free = Confinement::default();
        let limits = Confinement(vec![Obstacle::Limit(LIMITS[0])]);
        assert!(limits.of_making(Errno::ENOSPC).ends_with("sudo sysctl user.max_user_namespaces=1000"));
        assert!(free.of_making(Errno::ENOSPC).contains("is reached"));
        let debian = Confinement(vec![Obstacle::SwitchedOff]);
        assert!(debian.of_making(Errno::EPERM).contains("kernel.unprivileged_userns_clone=1"));
        let ubuntu = Confinement(vec![Obstacle::AppArmor, Obstacle::Seccomp]);
        for refusal in [ubuntu.of_making(Errno::EACCES), ubuntu.of_using(Errno::EPERM)] {
            assert!(refusal.contains("kernel.apparmor_restrict_unprivileged_userns=0"), "{refusal}");
        }
        let container = Confinement(vec![Obstacle::Seccomp]);
        assert!(container.of_making(Errno::EPERM).contains("seccomp=unconfined"));
        let old = Confinement(vec![Obstacle::NotBuilt]);
        assert!(old.of_making(Errno::EINVAL).contains("no user namespaces"));
        assert!(free.of_using(Errno::EOPNOTSUPP).contains("modprobe veth"));
        assert!(free.of_using(Errno::EAFNOSUPPORT).contains("modprobe af_packet"));
    }
}
