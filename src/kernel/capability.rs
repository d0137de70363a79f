//! Capabilities of the calling thread, capabilities(7).

#![allow(unsafe_code)]

use nix::errno::Errno;

use super::OsError;

/// The right to bind ports below `net.ipv4.ip_unprivileged_port_start`.
pub const NET_BIND_SERVICE: Capability = Capability { bit: 10, name: "CAP_NET_BIND_SERVICE" };

/// The right to open raw and packet sockets.
pub const NET_RAW: Capability = Capability { bit: 13, name: "CAP_NET_RAW" };

/// One of the kernel's capabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capability {
    /// Its number, below 64.
    bit: u8,
    /// Its name.
    pub name: &'static str,
}

/// `struct __user_cap_header_struct` of linux/capability.h.
#[repr(C)]
struct Header {
    version: u32,
    /// 0 is the calling thread.
    thread: i32,
}

/// `struct __user_cap_data_struct`; two of them make 64 bits.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Sets {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// `_LINUX_CAPABILITY_VERSION_3`.
const VERSION: u32 = 0x2008_0522;

impl Capability {
    /// Whether the calling thread has it.
    ///
    /// # Errors
    /// The kernel's refusal to tell.
    pub fn is_held(self) -> Result<bool, OsError> {
        let (word, bit) = self.place();
        Ok(self.sets()?[word].effective & bit != 0)
    }

    /// Takes it away from the calling thread for good; other threads keep it. Not to have it is no error.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn give_up(self) -> Result<(), OsError> {
        let (word, bit) = self.place();
        let mut sets = self.sets()?;
        sets[word].effective &= !bit;
        sets[word].permitted &= !bit;
        let mut header = Header { version: VERSION, thread: 0 };
        // SAFETY: the header and two sets are as capset(2) wants them for this version, live through the call, and are
        // only read. The system call, unlike libc's wrappers for user ids, changes this thread alone.
        let answer = unsafe { libc::syscall(libc::SYS_capset, &raw mut header, sets.as_ptr()) };
        Errno::result(answer).map(drop).map_err(|errno| OsError::new("capset", self.name, errno))
    }

    fn sets(self) -> Result<[Sets; 2], OsError> {
        let mut header = Header { version: VERSION, thread: 0 };
        let mut sets = [Sets::default(); 2];
        // SAFETY: the header and room for two sets are as capget(2) wants them for this version, and live through the
        // call.
        let answer = unsafe { libc::syscall(libc::SYS_capget, &raw mut header, sets.as_mut_ptr()) };
        Errno::result(answer).map_err(|errno| OsError::new("capget", self.name, errno))?;
        Ok(sets)
    }

    /// The word of the sets, 0 or 1, and the bit in it.
    fn place(self) -> (usize, u32) {
        (usize::from(self.bit / 32).min(1), 1 << (self.bit % 32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_thread_gives_up_it_has_no_more_and_the_others_keep() {
        let before = NET_BIND_SERVICE.is_held().unwrap();
        let after = std::thread::spawn(|| {
            NET_BIND_SERVICE.give_up().unwrap();
            // A second time there is nothing to give up.
            NET_BIND_SERVICE.give_up().unwrap();
            NET_BIND_SERVICE.is_held().unwrap()
        });
        assert!(!after.join().unwrap());
        assert_eq!(NET_BIND_SERVICE.is_held().unwrap(), before);
    }
}
