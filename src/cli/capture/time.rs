//! Which time of a frame is shown.

use clap::ValueEnum;

use crate::kernel::zone::Zone;
use crate::report::clock::Clock;

/// The choice of a time.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Timed {
    /// Which time to show; all but the first to the nanosecond where the file has them
    #[arg(short, long, value_enum, default_value_t = Time::First, value_name = "WHICH")]
    time: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Time {
    /// Seconds since the first frame, to the microsecond
    #[value(alias = "relative")]
    First,
    /// Seconds since the frame before
    #[value(alias = "delta")]
    Previous,
    /// Date and time in this machine's time zone (TZ, /etc/localtime), with its distance from UTC
    #[value(alias = "absolute")]
    Local,
    /// Date and time, UTC
    Utc,
    /// Seconds since 1970
    Epoch,
}

impl Timed {
    pub(super) fn clock(self) -> Clock {
        match self.time {
            Time::First => Clock::SinceFirst,
            Time::Previous => Clock::SincePrevious,
            Time::Local => Clock::Local(0),
            Time::Utc => Clock::Utc,
            Time::Epoch => Clock::Epoch,
        }
    }

    /// The time zone, where it is needed: its file can be read no more later.
    pub(super) fn zone(self) -> Option<Zone> {
        (self.time == Time::Local).then(Zone::load)
    }
}
