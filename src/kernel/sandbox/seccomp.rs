//! Which system calls a thread may still make, seccomp(2). Others fail with EPERM.

use libc::{BPF_ABS, BPF_JEQ, BPF_JMP, BPF_JSET, BPF_K, BPF_LD, BPF_RET, BPF_W, sock_filter, sock_fprog};
use nix::errno::Errno;

use super::Needs;

#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xc000_00b7;
/// Numbers of system calls on other machines are not known here.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const ARCHITECTURE: u32 = 0;

/// Offsets in `struct seccomp_data`.
const NUMBER_AT: u32 = 0;
const ARCHITECTURE_AT: u32 = 4;
/// The lower halves of the second and the third argument, which come first on both machines.
const SECOND_AT: u32 = 24;
const THIRD_AT: u32 = 32;

/// What threads that wait, read, write and end need.
const ALWAYS: &[libc::c_long] = &[
    // Files that are open.
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_close,
    libc::SYS_lseek,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_ftruncate,
    libc::SYS_fcntl,
    libc::SYS_ppoll,
    libc::SYS_eventfd2,
    libc::SYS_signalfd4,
    libc::SYS_getsockopt,
    libc::SYS_setsockopt,
    // Memory.
    libc::SYS_brk,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    // Threads.
    libc::SYS_clone,
    libc::SYS_clone3,
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_prctl,
    libc::SYS_prlimit64,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_membarrier,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_restart_syscall,
    // Signals.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_rt_sigtimedwait,
    libc::SYS_sigaltstack,
    libc::SYS_tgkill,
    // Time and chance.
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_getrandom,
];

/// Older forms that C libraries use where there are any.
#[cfg(target_arch = "x86_64")]
const OLDER: &[libc::c_long] = &[libc::SYS_poll, libc::SYS_nanosleep, libc::SYS_gettimeofday];
#[cfg(not(target_arch = "x86_64"))]
const OLDER: &[libc::c_long] = &[];

/// Questions over sockets that are open.
const ASKING: &[libc::c_long] = &[libc::SYS_sendto, libc::SYS_sendmsg, libc::SYS_recvfrom, libc::SYS_recvmsg];

/// Looking at the files of other processes, beside [`READING`].
#[cfg(target_arch = "x86_64")]
const LOOKING: &[libc::c_long] = &[libc::SYS_getdents64, libc::SYS_readlinkat, libc::SYS_readlink];
#[cfg(not(target_arch = "x86_64"))]
const LOOKING: &[libc::c_long] = &[libc::SYS_getdents64, libc::SYS_readlinkat];

/// Telling a helper process to end, and hearing that it has.
const HELPED: &[libc::c_long] = &[libc::SYS_shutdown, libc::SYS_wait4];

/// Files to be made and removed; which, is for Landlock to say.
#[cfg(target_arch = "x86_64")]
const FILES: &[libc::c_long] = &[libc::SYS_openat, libc::SYS_unlinkat, libc::SYS_open, libc::SYS_unlink];
#[cfg(not(target_arch = "x86_64"))]
const FILES: &[libc::c_long] = &[libc::SYS_openat, libc::SYS_unlinkat];

/// What a terminal may be asked with ioctl(2): its settings and its size. Not among them: typing on it (TIOCSTI).
const TERMINAL: Check = Check {
    call: libc::SYS_ioctl,
    argument_at: SECOND_AT,
    allowed: Allowed::OneOf(&[
        libc::TCGETS as u32,
        libc::TCSETS as u32,
        libc::TCSETSW as u32,
        libc::TCGETS2 as u32,
        libc::TCSETS2 as u32,
        libc::TIOCGWINSZ as u32,
    ]),
};

/// Files are opened to be read alone: none is made, emptied or written.
const READING: Check = Check {
    call: libc::SYS_openat,
    argument_at: THIRD_AT,
    allowed: Allowed::Without((libc::O_WRONLY | libc::O_RDWR | libc::O_CREAT | libc::O_TRUNC | libc::O_APPEND) as u32),
};

/// A system call of which an argument decides.
#[derive(Clone, Copy)]
pub(super) struct Check {
    call: libc::c_long,
    /// Where the argument's lower half is.
    argument_at: u32,
    allowed: Allowed,
}

/// Which values of an argument are allowed.
#[derive(Clone, Copy)]
enum Allowed {
    OneOf(&'static [u32]),
    /// None of these bits set.
    Without(u32),
}

impl Check {
    /// Instructions that it takes: the question which call it is, the argument, its tests, and the refusal.
    fn length(self) -> usize {
        match self.allowed {
            Allowed::OneOf(values) => values.len() + 3,
            Allowed::Without(_) => 4,
        }
    }
}

/// The system calls for these needs.
pub(super) fn calls(needs: Needs<'_>) -> Vec<libc::c_long> {
    let asking = if needs.asks { ASKING } else { &[] };
    let files = if needs.folder.is_some() { FILES } else { &[] };
    let looking = if needs.processes { LOOKING } else { &[] };
    let helped = if needs.helper { HELPED } else { &[] };
    [ALWAYS, OLDER, asking, files, looking, helped].concat()
}

/// The system calls for these needs that depend on an argument.
pub(super) fn checks(needs: Needs<'_>) -> Vec<Check> {
    let wanted = [(needs.terminal, TERMINAL), (needs.processes, READING)];
    wanted.into_iter().filter_map(|(needed, check)| needed.then_some(check)).collect()
}

/// Refuses every system call but these, and tells how many they are; none when the kernel would not.
pub(super) fn allow_only(calls: &[libc::c_long], checks: &[Check]) -> Option<usize> {
    if ARCHITECTURE == 0 {
        return None;
    }
    let mut program = program(calls, checks);
    let program = sock_fprog { len: program.len().try_into().ok()?, filter: program.as_mut_ptr() };
    let (operation, flags) = (libc::SECCOMP_SET_MODE_FILTER, 0);
    // SAFETY: the program is whole, outlives the call and is only read.
    let result = unsafe { libc::syscall(libc::SYS_seccomp, operation, flags, &raw const program) };
    Errno::result(result).ok().map(|_| calls.len() + checks.len())
}

/// Another machine's numbers are refused first; then each allowed number jumps to the end, and so does each allowed
/// argument of those that depend on one.
fn program(calls: &[libc::c_long], checks: &[Check]) -> Vec<sock_filter> {
    let instruction = |code: u32, k: u32, jt: usize, jf: usize| sock_filter {
        code: code as u16,
        jt: u8::try_from(jt).unwrap_or(0),
        jf: u8::try_from(jf).unwrap_or(0),
        k,
    };
    let load = |at| instruction(BPF_LD | BPF_W | BPF_ABS, at, 0, 0);
    let equal = |value, jt, jf| instruction(BPF_JMP | BPF_JEQ | BPF_K, value, jt, jf);
    let refuse = instruction(BPF_RET | BPF_K, libc::SECCOMP_RET_ERRNO | libc::EPERM as u32, 0, 0);
    let last = 3 + calls.len() + checks.iter().map(|check| check.length()).sum::<usize>() + 1;
    // From the instruction that comes next to the last one, which allows; the refusal stands before it.
    let to_last = |program: &Vec<sock_filter>| last - program.len() - 1;
    let mut program = vec![load(ARCHITECTURE_AT), equal(ARCHITECTURE, 0, last - 3), load(NUMBER_AT)];
    for call in calls {
        program.push(equal(*call as u32, to_last(&program), 0));
    }
    for check in checks {
        program.extend([equal(check.call as u32, 0, check.length() - 1), load(check.argument_at)]);
        match check.allowed {
            Allowed::OneOf(values) => {
                for value in values {
                    program.push(equal(*value, to_last(&program), 0));
                }
            }
            Allowed::Without(bits) => {
                program.push(instruction(BPF_JMP | BPF_JSET | BPF_K, bits, 0, to_last(&program)));
            }
        }
        program.push(refuse);
    }
    program.push(refuse);
    program.push(instruction(BPF_RET | BPF_K, libc::SECCOMP_RET_ALLOW, 0, 0));
    program
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_jump_stays_in_its_eight_bits() {
        let folder = Some(std::path::Path::new("/"));
        let all = Needs { folder, asks: true, processes: true, terminal: true, helper: true };
        let program = program(&calls(all), &checks(all));
        assert!(program.len() < 256, "{}", program.len());
        for (at, instruction) in program.iter().enumerate() {
            let longest = usize::from(instruction.jt.max(instruction.jf));
            assert!(at + longest + 1 < program.len() || instruction.code & 7 == BPF_RET as u16, "{at}");
        }
        assert_eq!(usize::from(program[3].jt) + 4, program.len() - 1, "the first jump leads to the last instruction");
        assert_eq!(usize::from(program[1].jf) + 2, program.len() - 2, "another machine leads to the refusal");
    }
}
