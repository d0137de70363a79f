//! This machine's time zone: what the environment's TZ or /etc/localtime says, read by the C library, tzset(3).

#![expect(unsafe_code, reason = "nobody wraps these calls of the C library")]

use std::mem::MaybeUninit;

// SAFETY: the declaration is that of <time.h>; the call takes nothing and may be made at any time.
unsafe extern "C" {
    /// Reads the zone, tzset(3).
    safe fn tzset();
}

/// A time zone with its changes between summer and winter.
#[derive(Clone, Debug)]
pub struct Zone {
    /// The second that was asked for last, and what the answer was.
    last: (i64, i32),
}

impl Zone {
    /// Reads the zone once: no file is needed for it afterwards. A TZ that names no zone is UTC, as for every program.
    pub fn load() -> Self {
        tzset();
        Zone { last: (0, look_up(0)) }
    }

    /// How many seconds local time is ahead of UTC at so many seconds since 1970; negative west of Greenwich.
    pub fn ahead(&mut self, seconds: i64) -> i32 {
        if self.last.0 != seconds {
            self.last = (seconds, look_up(seconds));
        }
        self.last.1
    }
}

fn look_up(seconds: i64) -> i32 {
    let mut local = MaybeUninit::<libc::tm>::zeroed();
    // SAFETY: both point to memory of the right type for the length of the call. The environment, which this may read, is
    // never changed by this process.
    let found = unsafe { libc::localtime_r(&raw const seconds, local.as_mut_ptr()) };
    if found.is_null() {
        return 0;
    }
    // SAFETY: numbers and a pointer that may be null are valid when zero, and the call has filled them in.
    let local = unsafe { local.assume_init() };
    local.tm_gmtoff as i32
}
