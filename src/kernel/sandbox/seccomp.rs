//! Which system calls a thread may still make, seccomp(2). Others fail with EPERM.

use libc::{BPF_ABS, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W, sock_filter, sock_fprog};
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
/// The lower half of the second argument, which comes first on both machines.
const SECOND_AT: u32 = 24;

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

/// Looking at the files of other processes.
#[cfg(target_arch = "x86_64")]
const LOOKING: &[libc::c_long] = &[libc::SYS_openat, libc::SYS_getdents64, libc::SYS_readlinkat, libc::SYS_readlink];
#[cfg(not(target_arch = "x86_64"))]
const LOOKING: &[libc::c_long] = &[libc::SYS_openat, libc::SYS_getdents64, libc::SYS_readlinkat];

/// Files to be made and removed; which, is for Landlock to say.
#[cfg(target_arch = "x86_64")]
const FILES: &[libc::c_long] = &[libc::SYS_openat, libc::SYS_unlinkat, libc::SYS_open, libc::SYS_unlink];
#[cfg(not(target_arch = "x86_64"))]
const FILES: &[libc::c_long] = &[libc::SYS_openat, libc::SYS_unlinkat];

/// What a terminal may be asked with ioctl(2): its settings and its size. Not among them: typing on it (TIOCSTI).
const TERMINAL: &[libc::Ioctl] =
    &[libc::TCGETS, libc::TCSETS, libc::TCSETSW, libc::TCGETS2, libc::TCSETS2, libc::TIOCGWINSZ];

/// The system calls for these needs.
pub(super) fn calls(needs: Needs<'_>) -> Vec<libc::c_long> {
    let asking = if needs.asks { ASKING } else { &[] };
    let files = if needs.folder.is_some() { FILES } else { &[] };
    let looking = if needs.processes { LOOKING } else { &[] };
    [ALWAYS, OLDER, asking, files, looking].concat()
}

/// Refuses every system call but these, and what a `terminal` is asked, and tells how many they are; none when the kernel
/// would not.
pub(super) fn allow_only(calls: &[libc::c_long], terminal: bool) -> Option<usize> {
    if ARCHITECTURE == 0 {
        return None;
    }
    let requests = if terminal { TERMINAL } else { &[] };
    let mut program = program(calls, requests);
    let program = sock_fprog { len: program.len().try_into().ok()?, filter: program.as_mut_ptr() };
    let (operation, flags) = (libc::SECCOMP_SET_MODE_FILTER, 0);
    // SAFETY: the program is whole, outlives the call and is only read.
    let result = unsafe { libc::syscall(libc::SYS_seccomp, operation, flags, &raw const program) };
    Errno::result(result).ok().map(|_| calls.len() + usize::from(terminal))
}

/// Another machine's numbers are refused first; then each allowed number jumps to the end, and so does each allowed
/// request of ioctl(2).
fn program(calls: &[libc::c_long], requests: &[libc::Ioctl]) -> Vec<sock_filter> {
    let instruction = |code: u32, k: u32, jt: usize, jf: usize| sock_filter {
        code: code as u16,
        jt: u8::try_from(jt).unwrap_or(0),
        jf: u8::try_from(jf).unwrap_or(0),
        k,
    };
    let load = |at| instruction(BPF_LD | BPF_W | BPF_ABS, at, 0, 0);
    let equal = |value, jt, jf| instruction(BPF_JMP | BPF_JEQ | BPF_K, value, jt, jf);
    let refuse = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
    // What the question for ioctl takes: two instructions and one for each request.
    let asking = if requests.is_empty() { 0 } else { requests.len() + 2 };
    let last = calls.len() + asking;
    let mut program = vec![load(ARCHITECTURE_AT), equal(ARCHITECTURE, 0, last + 1), load(NUMBER_AT)];
    for (at, call) in calls.iter().enumerate() {
        program.push(equal(*call as u32, last - at, 0));
    }
    if asking > 0 {
        program.extend([equal(libc::SYS_ioctl as u32, 0, requests.len() + 1), load(SECOND_AT)]);
    }
    for (at, request) in requests.iter().enumerate() {
        program.push(equal(*request as u32, requests.len() - at, 0));
    }
    program.push(instruction(BPF_RET | BPF_K, refuse, 0, 0));
    program.push(instruction(BPF_RET | BPF_K, libc::SECCOMP_RET_ALLOW, 0, 0));
    program
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_jump_stays_in_its_eight_bits() {
        let all = calls(Needs { folder: Some(std::path::Path::new("/")), asks: true, processes: true, terminal: true });
        assert!(all.len() + TERMINAL.len() < 240, "{}", all.len());
        let program = program(&all, TERMINAL);
        assert_eq!(program.len(), all.len() + 5 + 2 + TERMINAL.len());
        assert_eq!(usize::from(program[3].jt) + 4, program.len() - 1, "the first jump leads to the last instruction");
    }
}
