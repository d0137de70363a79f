//! Moments as date and time of day.

use super::frame::Nanoseconds;

const SECOND: Nanoseconds = 1_000_000_000;
const SECONDS_A_DAY: i64 = 86_400;

/// A moment in the Gregorian calendar, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are what they are called")]
pub struct Moment {
    pub year: u64,
    pub month: u64,
    pub day: u64,
    pub hour: u64,
    pub minute: u64,
    pub second: u64,
    pub nanosecond: u64,
}

impl Moment {
    /// The date and time of day at `time`.
    pub fn of(time: Nanoseconds) -> Self {
        let (seconds, nanosecond) = (time.div_euclid(SECOND), time.rem_euclid(SECOND) as u64);
        let (days, second) = (seconds.div_euclid(SECONDS_A_DAY), seconds.rem_euclid(SECONDS_A_DAY) as u64);
        let (year, month, day) = civil(days);
        Moment { year, month, day, hour: second / 3600, minute: second / 60 % 60, second: second % 60, nanosecond }
    }
}

/// Year, month and day of the Gregorian calendar for a count of days since 1970-01-01. Years are counted from March in
/// cycles of 400, so that the leap day is the last day of a year and the months before it have a regular rhythm.
fn civil(days: i64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (cycle, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let march = (5 * day + 2) / 153;
    let month = if march < 10 { march + 3 } else { march - 9 };
    let year = year + cycle * 400 + i64::from(month <= 2);
    (year as u64, month as u64, (day - (153 * march + 2) / 5 + 1) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_dates_over_leap_years_and_centuries() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(59), (1970, 3, 1));
        assert_eq!(civil(11_016), (2000, 2, 29));
        assert_eq!(civil(11_017), (2000, 3, 1));
        assert_eq!(civil(19_722), (2023, 12, 31));
        assert_eq!(civil(19_723), (2024, 1, 1));
        assert_eq!(civil(47_541), (2100, 3, 1));
    }

    #[test]
    fn the_moment_before_1970_is_the_last_of_1969() {
        let moment = Moment::of(-1);
        assert_eq!((moment.year, moment.month, moment.day), (1969, 12, 31));
        assert_eq!((moment.hour, moment.minute, moment.second, moment.nanosecond), (23, 59, 59, 999_999_999));
    }
}
